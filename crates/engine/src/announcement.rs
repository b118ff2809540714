//! What the network's words mean when nobody answers: phrases of carriers, and the outcomes that they tell.

use hotline_model::campaign::Outcome;

/// Phrases by what they mean. Those of a firm go before the shipped ones.
#[derive(Debug, Clone)]
pub struct Announcements {
    own: Vec<Phrase>,
    shipped: Vec<Phrase>,
}

#[derive(Debug, Clone)]
struct Phrase {
    words: Vec<String>,
    /// `None`: it goes on.
    means: Option<Outcome>,
}

/// A file of phrases that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct NotPhrases {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what would be right.
    pub problem: String,
}

const SHIPPED: &str = include_str!("announcements.tsv");
/// What is understood beyond this is no announcement.
const MOST_CHARACTERS: usize = 2_000;

impl Default for Announcements {
    fn default() -> Self {
        Self { own: Vec::new(), shipped: parse(SHIPPED).expect("a test reads the shipped phrases") }
    }
}

impl Announcements {
    /// The shipped phrases, and before them a firm's own: an outcome's word (or `wait`), a tab and a phrase a line.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn with(own: &str) -> Result<Self, NotPhrases> {
        Ok(Self { own: parse(own)?, ..Self::default() })
    }

    /// What an announcement tells, if it is one that ends the waiting.
    #[must_use]
    pub fn meaning(&self, heard: &str) -> Option<Outcome> {
        let heard = words(heard);
        longest(&self.own, &heard).or_else(|| longest(&self.shipped, &heard)).flatten()
    }
}

/// The meaning of the longest phrase that is heard: 网络正忙 is more than 正忙. Whoever is asked to hold on is asked so beside
/// all else, and holds on.
fn longest(phrases: &[Phrase], heard: &[String]) -> Option<Option<Outcome>> {
    let stands = |phrase: &&Phrase| heard.windows(phrase.words.len()).any(|part| part == phrase.words);
    let found: Vec<&Phrase> = phrases.iter().filter(stands).collect();
    if found.iter().any(|phrase| phrase.means.is_none()) {
        return Some(None);
    }
    // Of equally long ones the first.
    found.into_iter().rev().max_by_key(|phrase| phrase.words.len()).map(|phrase| phrase.means)
}

fn parse(text: &str) -> Result<Vec<Phrase>, NotPhrases> {
    let mut phrases = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        if text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        let wrong = |problem: String| NotPhrases { line, problem };
        let (word, phrase) = text
            .split_once('\t')
            .ok_or_else(|| wrong("an outcome, a tab and a phrase are expected".to_owned()))?;
        let means = match word.trim() {
            "wait" => None,
            word => Some(told(word).ok_or_else(|| {
                wrong(format!(
                    "`{word}` is no outcome of an announcement: {}, wait",
                    TOLD.map(Outcome::word).join(", ")
                ))
            })?),
        };
        let words = words(phrase);
        if words.is_empty() {
            return Err(wrong("a phrase is expected behind the tab".to_owned()));
        }
        phrases.push(Phrase { words, means });
    }
    Ok(phrases)
}

/// What a network may tell.
const TOLD: [Outcome; 7] = [
    Outcome::WrongNumber,
    Outcome::SwitchedOff,
    Outcome::Busy,
    Outcome::NoAnswer,
    Outcome::Refused,
    Outcome::Machine,
    Outcome::Failed,
];

fn told(word: &str) -> Option<Outcome> {
    TOLD.into_iter().find(|outcome| outcome.word() == word)
}

/// The words of a text: each Chinese character is one, and each run of other letters and digits, in small letters.
/// Punctuation and spaces only part them; full-width letters are letters, traditional characters the simplified ones.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars().take(MOST_CHARACTERS).map(narrow) {
        let is_han = matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}');
        if character.is_alphanumeric() && !is_han {
            word.extend(character.to_lowercase());
        } else if matches!(character, '\'' | '’' | 'ʼ') {
            // It stands within a word: doesn't.
        } else {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            if is_han {
                words.push(simplified(character).to_string());
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A full-width form of ASCII as ASCII (Unicode, block Halfwidth and Fullwidth Forms).
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    }
}

/// The traditional characters of announcements with their simplified forms: recognisers write either for the same sound.
const TRADITIONAL: &str = "號關機無聽撥電話戶務區請後過錯誤確認對線暫時應聯繫絡實轉達語郵訊網擁佔啟啓開這個沒變註銷絕掛斷別為講並碼現處終還來錄費們稱與間";
const SIMPLIFIED: &str = "号关机无听拨电话户务区请后过错误确认对线暂时应联系络实转达语邮讯网拥占启启开这个没变注销绝挂断别为讲并码现处终还来录费们称与间";

fn simplified(character: char) -> char {
    let mut pairs = TRADITIONAL.chars().zip(SIMPLIFIED.chars());
    pairs.find(|(traditional, _)| *traditional == character).map_or(character, |(_, simplified)| simplified)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(heard: &str) -> Option<Outcome> {
        Announcements::default().meaning(heard)
    }

    #[test]
    fn what_carriers_say_is_understood() {
        for (heard, expected) in [
            ("您好,您拨打的号码是空号,请核对后再拨。", Outcome::WrongNumber),
            ("您拨打的号码不存在，请查证后再拨。", Outcome::WrongNumber),
            ("您所撥打的電話號碼是空號,請查明後再撥", Outcome::WrongNumber),
            (
                "Sorry, the number you dialed does not exist. Please check it and dial later.",
                Outcome::WrongNumber,
            ),
            ("The number you have dialed is not in service.", Outcome::WrongNumber),
            ("对不起,您拨打的用户已关机,请稍后再拨。", Outcome::SwitchedOff),
            ("您撥的電話已關機,請稍後再撥", Outcome::SwitchedOff),
            ("您拨打的电话已停机。", Outcome::SwitchedOff),
            ("您拨打的电话暂时无法接通,请稍后再拨", Outcome::SwitchedOff),
            ("您 拨 打 的 用 户 不 在 服 务 区", Outcome::SwitchedOff),
            ("SORRY! THE SUBSCRIBER YOU DIALED IS POWER OFF.", Outcome::SwitchedOff),
            ("The number you dialed is not in service area", Outcome::SwitchedOff),
            ("Ｐｏｗｅｒ　Ｏｆｆ", Outcome::SwitchedOff),
            ("The subscriber you dialed can’t be connected for the moment", Outcome::SwitchedOff),
            ("您拨打的用户正在通话中,请稍后再拨", Outcome::Busy),
            ("The subscriber you dialed is busy now, please redial later.", Outcome::Busy),
            ("您拨打的电话暂时无人接听,请稍后再拨。", Outcome::NoAnswer),
            ("您拨打的用户暂时无法接听", Outcome::NoAnswer),
            ("网络正忙,请稍后再拨", Outcome::Failed),
            ("All circuits are busy now. Please try again later.", Outcome::Failed),
            ("请在滴声后留言", Outcome::Machine),
        ] {
            assert_eq!(meaning(heard), Some(expected), "{heard}");
        }
    }

    #[test]
    fn what_is_no_announcement_says_nothing() {
        for heard in [
            "",
            "。",
            "月亮代表我的心",
            "Thank you for calling our business.",
            "欢迎致电某某公司",
            "He is a busybody.",
            "空 号",
        ] {
            let expected = (heard == "空 号").then_some(Outcome::WrongNumber);
            assert_eq!(meaning(heard), expected, "{heard}");
        }
    }

    #[test]
    fn who_is_asked_to_hold_on_may_be_answered_yet() {
        assert_eq!(meaning("请不要挂机,您拨打的用户正在通话中"), None);
        assert_eq!(meaning("Please hold on, the subscriber is on another call"), None);
    }

    #[test]
    fn a_firms_own_phrases_go_first() {
        let own = Announcements::with("# ours\n\nwrong-number\t已停机\nwait\t正在转接\n").unwrap();
        assert_eq!(own.meaning("您拨打的号码已停机"), Some(Outcome::WrongNumber));
        assert_eq!(own.meaning("正在轉接,您拨打的用户已关机"), None);
        assert_eq!(own.meaning("您拨打的用户已关机"), Some(Outcome::SwitchedOff));
    }

    #[test]
    fn a_line_that_is_none_is_told() {
        let told = |text: &str| Announcements::with(text).unwrap_err().to_string();
        assert!(told("busy 占线\n").contains("line 1: an outcome, a tab"));
        assert!(told("\nabsent\t不在\n").starts_with("line 2: `absent` is no outcome"));
        assert!(told("cancelled\t不在\n").contains("wrong-number, switched-off, busy"));
        assert!(told("busy\t。\n").contains("a phrase is expected"));
    }

    #[test]
    fn each_traditional_character_has_its_simplified_one() {
        assert_eq!(TRADITIONAL.chars().count(), SIMPLIFIED.chars().count());
        let text = |all: &[Phrase]| {
            all.iter()
                .flat_map(|phrase| phrase.words.concat().chars().collect::<Vec<_>>())
                .collect::<String>()
        };
        // No phrase is written in a way that is never heard.
        assert!(!text(&Announcements::default().shipped).chars().any(|c| simplified(c) != c));
    }
}
