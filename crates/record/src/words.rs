//! Texts and questions taken apart into the words that search looks for. Chinese has no spaces, and the
//! engines' own tokenisers find no two-character word inside a sentence: so every pair of neighbours is a
//! word.

use std::collections::BTreeSet;

use hotline_model::PhoneNumber;

/// Words of a question that are looked for.
const TERMS: usize = 12;

/// Characters written without spaces: ideographs and kana.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Full-width letters and digits as the usual ones, in lower case.
fn plain(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    c.to_lowercase()
}

/// A run of ideographs or of letters and digits.
enum Run {
    Ideographs(Vec<char>),
    Word(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    for c in text.chars().flat_map(plain) {
        if is_ideograph(c) {
            match runs.last_mut() {
                Some(Run::Ideographs(run)) if open => run.push(c),
                _ => runs.push(Run::Ideographs(vec![c])),
            }
            open = true;
        } else if c.is_alphanumeric() {
            match runs.last_mut() {
                Some(Run::Word(word)) if open => word.push(c),
                _ => runs.push(Run::Word(c.into())),
            }
            open = true;
        } else {
            open = false;
        }
    }
    runs
}

/// The words of a text: pairs of neighbours, each run's last character, and words as they are.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Ideographs(run) => {
                words.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
                // So that every character begins a word, and can be looked for alone.
                words.extend(run.last().map(char::to_string));
            }
            Run::Word(word) => {
                words.insert(word.chars().take(32).collect());
            }
        }
    }
    words
}

/// A number from its end, so that its last digits begin the word.
pub(crate) fn tail_word(number: &str) -> String {
    std::iter::once('#').chain(number.chars().rev().filter(char::is_ascii_digit)).collect()
}

/// One thing that has to be there: this word, or one that begins like any of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Term {
    Is(String),
    Begins(Vec<String>),
}

/// What is asked for: each inner list belongs to one piece of text.
pub(crate) fn terms(question: &str) -> Vec<Vec<Term>> {
    let mut pieces: Vec<Vec<Term>> = Vec::new();
    if let Ok(number) = PhoneNumber::parse(question) {
        return vec![vec![Term::Is(tail_word(number.e164()))]];
    }
    for run in runs(question) {
        pieces.push(match run {
            Run::Ideographs(run) if run.len() == 1 => vec![Term::Begins(vec![run[0].to_string()])],
            Run::Ideographs(run) => {
                let pairs: BTreeSet<String> = run.windows(2).map(|pair| pair.iter().collect()).collect();
                pairs.into_iter().map(Term::Is).collect()
            }
            Run::Word(word) => {
                let mut begins = vec![word.chars().take(32).collect::<String>()];
                if word.len() >= 4 && word.chars().all(|c| c.is_ascii_digit()) {
                    begins.push(tail_word(&word));
                }
                vec![Term::Begins(begins)]
            }
        });
    }
    let mut left = TERMS;
    for piece in &mut pieces {
        piece.truncate(left);
        left -= piece.len();
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_neighbours_is_a_word() {
        let found: Vec<String> = words("为您退费25元,Wi-Fi").into_iter().collect();
        for word in ["为您", "您退", "退费", "费", "25", "元", "wi", "fi"] {
            assert!(found.contains(&word.to_owned()), "{word}: {found:?}");
        }
        assert_eq!(words("ＡＢ１２"), words("ab12"));
        assert!(words(" ,。!<>").is_empty());
    }

    #[test]
    fn a_question_is_taken_apart_as_texts_are() {
        assert_eq!(terms("王"), [[Term::Begins(vec!["王".into()])]]);
        assert_eq!(terms("8000"), [[Term::Begins(vec!["8000".into(), "#0008".into()])]]);
        assert_eq!(terms("138 0013 8000"), [[Term::Is("#0008310083168".into())]]);
        assert_eq!(terms("退费 T"), [vec![Term::Is("退费".into())], vec![Term::Begins(vec!["t".into()])]]);
        assert_eq!(terms("重发卡").concat().len(), 2);
        assert!(terms("%' OR 1=1 --").concat().len() <= TERMS && terms("\u{0}。").is_empty());
        assert!(terms(&"费率问题".repeat(40)).concat().len() <= TERMS);
    }
}
