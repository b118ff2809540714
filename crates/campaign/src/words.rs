//! Decisions as words, which the record keeps and people read, and back again.

use hotline_model::campaign::Outcome;

use crate::explain::{Done, NotDrawn, Waits};
use crate::number::NumberRefused;
use crate::row::Disposition;

impl Disposition {
    /// `completed`, `hung-up:2`, `opted-out`, `unknown`, `sent`, `trunk-failed`, `trunk-silent`, `not-made`, `not-listed`, or the word of
    /// an outcome.
    pub fn to_words(self) -> String {
        match self {
            Self::Completed => "completed".into(),
            Self::HungUp { question } => format!("hung-up:{question}"),
            Self::OptedOut => "opted-out".into(),
            Self::Unknown => "unknown".into(),
            Self::Sent => "sent".into(),
            Self::TrunkFailed => "trunk-failed".into(),
            Self::TrunkSilent => "trunk-silent".into(),
            Self::NotMade => "not-made".into(),
            Self::NotListed => "not-listed".into(),
            Self::Not(outcome) => outcome.word().into(),
        }
    }

    /// What [`Disposition::to_words`] wrote.
    pub fn of_words(words: &str) -> Option<Self> {
        Some(match words.split_once(':') {
            Some(("hung-up", question)) => Self::HungUp { question: question.parse().ok()? },
            Some(_) => return None,
            None => match words {
                "completed" => Self::Completed,
                "opted-out" => Self::OptedOut,
                "unknown" => Self::Unknown,
                "sent" => Self::Sent,
                "trunk-failed" => Self::TrunkFailed,
                "trunk-silent" => Self::TrunkSilent,
                "not-made" => Self::NotMade,
                "not-listed" => Self::NotListed,
                outcome => Self::Not(Outcome::find(outcome)?),
            },
        })
    }
}

/// Those that are a word and no more.
const WAITS: [(&str, Waits); 10] = [
    ("not-yet-due", Waits::NotYetDue),
    ("customer-unknown", Waits::CustomerUnknown),
    ("on-the-line", Waits::OnTheLine),
    ("just-spoken", Waits::JustSpoken),
    ("closed", Waits::Closed),
    ("paused", Waits::Paused),
    ("agents", Waits::Agents),
    ("trunk", Waits::Trunk),
    ("rate", Waits::Rate),
    ("turn", Waits::Turn),
];

impl Waits {
    /// A word, behind `after:` the outcome, behind `cap:` and `policy-cap:` which one from 0.
    pub fn to_words(self) -> String {
        match self {
            Self::After(outcome) => format!("after:{}", outcome.word()),
            Self::Cap(number) => format!("cap:{number}"),
            Self::PolicyCap(number) => format!("policy-cap:{number}"),
            _ => WAITS.iter().find(|(_, waits)| *waits == self).map_or("", |(word, _)| word).to_owned(),
        }
    }

    /// What [`Waits::to_words`] wrote.
    pub fn of_words(words: &str) -> Option<Self> {
        Some(match words.split_once(':') {
            Some(("after", outcome)) => Self::After(Outcome::find(outcome)?),
            Some(("cap", number)) => Self::Cap(number.parse().ok()?),
            Some(("policy-cap", number)) => Self::PolicyCap(number.parse().ok()?),
            Some(_) => return None,
            None => WAITS.iter().find(|(word, _)| *word == words)?.1,
        })
    }
}

const NUMBERS: [(&str, NumberRefused); 7] = [
    ("missing", NumberRefused::Missing),
    ("not-a-number", NumberRefused::NotANumber),
    ("foreign", NumberRefused::Foreign),
    ("premium", NumberRefused::Premium),
    ("not-a-person", NumberRefused::NotAPerson),
    ("not-mobile", NumberRefused::NotMobile),
    ("not-listed", NumberRefused::NotListed),
];

impl Done {
    /// `opted-out`, `ticket`, `policy-gone`, or `ended:`, `exhausted:`, `too-late:`, `number:` with the reason.
    pub fn to_words(self) -> String {
        match self {
            Self::Ended(how) => format!("ended:{}", how.to_words()),
            Self::Exhausted(outcome) => format!("exhausted:{}", outcome.word()),
            Self::TooLate(waits) => format!("too-late:{}", waits.to_words()),
            Self::Number(why) => {
                let word = NUMBERS.iter().find(|(_, one)| *one == why).map_or("", |(word, _)| word);
                format!("number:{word}")
            }
            Self::OptedOut => "opted-out".into(),
            Self::Ticket => "ticket".into(),
            Self::PolicyGone => "policy-gone".into(),
        }
    }

    /// What [`Done::to_words`] wrote.
    pub fn of_words(words: &str) -> Option<Self> {
        Some(match words.split_once(':') {
            Some(("ended", how)) => Self::Ended(Disposition::of_words(how)?),
            Some(("exhausted", outcome)) => Self::Exhausted(Outcome::find(outcome)?),
            Some(("too-late", waits)) => Self::TooLate(Waits::of_words(waits)?),
            Some(("number", word)) => Self::Number(NUMBERS.iter().find(|(one, _)| *one == word)?.1),
            Some(_) => return None,
            None => match words {
                "opted-out" => Self::OptedOut,
                "ticket" => Self::Ticket,
                "policy-gone" => Self::PolicyGone,
                _ => return None,
            },
        })
    }
}

impl NotDrawn {
    /// A word; behind `attribute:` its name.
    pub fn to_words(&self) -> String {
        match self {
            Self::State => "state".into(),
            Self::Category => "category".into(),
            Self::Outcome => "outcome".into(),
            Self::Attribute(name) => format!("attribute:{name}"),
            Self::Sample => "sample".into(),
            Self::TooLate => "too-late".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of a block of words of the desktop, in a language.
    #[expect(clippy::disallowed_methods, reason = "a test reads the file that it checks")]
    fn words_of(language: &str, block: &str) -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../desktop/src/i18n");
        let text = std::fs::read_to_string(format!("{folder}/{language}/campaigns.ts")).unwrap();
        let (_, rest) = text.split_once(&format!("\n    {block}: {{\n")).unwrap();
        let (lines, _) = rest.split_once("\n    },").unwrap();
        lines
            .lines()
            .map(|line| line.trim().split_once(": ").unwrap().0.trim_matches('\'').to_owned())
            .collect()
    }

    #[test]
    fn a_supervisor_reads_every_decision_in_words() {
        let no =
            [NotDrawn::State, NotDrawn::Category, NotDrawn::Outcome, NotDrawn::Sample, NotDrawn::TooLate];
        let mut sent: Vec<String> = no.iter().map(NotDrawn::to_words).collect();
        // The attribute's name is the firm's.
        sent.extend(NotDrawn::Attribute("tier".into()).to_words().split(':').next().map(str::to_owned));
        let (ends, waits, done) = everything();
        sent.extend(ends.into_iter().map(Disposition::to_words));
        sent.extend(waits.into_iter().map(Waits::to_words));
        sent.extend(done.into_iter().map(Done::to_words));
        for language in ["zh-CN", "en-US"] {
            let known = words_of(language, "why");
            for reason in &sent {
                // Numbers stand for themselves: which question, which cap.
                for word in reason.split(':').filter(|word| word.parse::<u32>().is_err()) {
                    assert!(
                        known.iter().any(|one| one == word),
                        "{language}: no words for `{word}` of {reason}"
                    );
                }
            }
        }
    }

    /// Every end, every reason to wait, and every way in which a matter is over.
    fn everything() -> (Vec<Disposition>, Vec<Waits>, Vec<Done>) {
        let outcomes = Outcome::ALL.map(Disposition::Not);
        let others = [
            Disposition::Completed,
            Disposition::OptedOut,
            Disposition::Unknown,
            Disposition::Sent,
            Disposition::TrunkFailed,
            Disposition::TrunkSilent,
            Disposition::NotMade,
            Disposition::NotListed,
            Disposition::HungUp { question: 3 },
        ];
        let ends: Vec<Disposition> = outcomes.into_iter().chain(others).collect();
        let mut waits: Vec<Waits> = WAITS.iter().map(|(_, waits)| *waits).collect();
        waits.extend(Outcome::ALL.map(Waits::After));
        waits.extend([Waits::Cap(1), Waits::PolicyCap(0)]);
        let mut done = vec![Done::OptedOut, Done::Ticket, Done::PolicyGone];
        done.extend(ends.iter().copied().map(Done::Ended));
        done.extend(Outcome::ALL.map(Done::Exhausted));
        done.extend(waits.iter().copied().map(Done::TooLate));
        done.extend(NUMBERS.map(|(_, why)| Done::Number(why)));
        (ends, waits, done)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (ends, waits, done) = everything();
        for how in &ends {
            assert_eq!(Disposition::of_words(&how.to_words()), Some(*how));
        }
        for why in &waits {
            assert_eq!(Waits::of_words(&why.to_words()), Some(*why));
        }
        for end in done {
            assert_eq!(Done::of_words(&end.to_words()), Some(end));
        }
        for nonsense in ["", "ended:", "after:", "cap:x", "number:5", "hung-up:-1", "busy:2"] {
            assert_eq!(Waits::of_words(nonsense), None, "{nonsense}");
            assert_eq!(Done::of_words(nonsense), None, "{nonsense}");
        }
    }
}
