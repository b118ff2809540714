//! Spoken text as clauses: what a voice renders in one go and a cache keeps.

use std::time::Duration;

use hotline_model::Language;

/// Shorter clauses are spoken together with the next one: alone they sound clipped. Syllables in
/// Chinese, words in English.
const SHORTEST: usize = 5;
/// Longer ones are cut where a word ends: a voice takes about 500 phonemes, and nobody waits for
/// a minute of speech.
const LONGEST: usize = 60;

/// Splits spoken text; each clause keeps the punctuation it ends with.
pub(crate) fn split(spoken: &str, language: Language) -> Vec<String> {
    let mut clauses = Vec::new();
    let mut clause = String::new();
    let mut weight = 0;
    let mut inside = false;
    for c in spoken.chars() {
        let strong = matches!(c, '。' | '！' | '？' | '；' | '.' | '!' | '?' | ';');
        let weak = matches!(c, '，' | '：' | ',' | ':');
        clause.push(c);
        let counts = c.is_alphanumeric() && (!c.is_ascii() || !inside);
        inside = c.is_ascii_alphanumeric() || c == '\'';
        weight += usize::from(counts);
        let gap = language == Language::ZhCn || c == ' ';
        if strong && weight > 0 || weak && weight >= SHORTEST || weight >= LONGEST && gap {
            push(&mut clauses, &mut clause);
            weight = 0;
        }
    }
    push(&mut clauses, &mut clause);
    clauses
}

fn push(clauses: &mut Vec<String>, clause: &mut String) {
    let text = std::mem::take(clause);
    let text = text.trim();
    if text.chars().any(char::is_alphanumeric) {
        clauses.push(text.to_owned());
    } else if let (Some(last), Some(mark)) = (clauses.last_mut(), text.chars().next())
        && last.ends_with(char::is_alphanumeric)
    {
        last.push(mark);
    }
}

/// How long a speaker rests after a clause, by the punctuation it ends with.
pub fn pause_after(clause: &str) -> Duration {
    let ms = match clause.trim_end().chars().next_back() {
        Some('。' | '！' | '？' | '.' | '!' | '?' | '…') => 450,
        Some('；' | '：' | ';' | ':') => 350,
        Some(c) if c.is_alphanumeric() => 60,
        None => 0,
        Some(_) => 250,
    };
    Duration::from_millis(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_falls_into_clauses_that_keep_their_ends() {
        assert_eq!(
            split("尊敬的客户，您好，您反映的问题已为您退费二十五元，请您关注。", Language::ZhCn),
            ["尊敬的客户，", "您好，您反映的问题已为您退费二十五元，", "请您关注。"]
        );
        assert_eq!(
            split("Dear customer, hello. Thank you.", Language::EnUs),
            ["Dear customer, hello.", "Thank you."]
        );
        assert!(split("，。", Language::ZhCn).is_empty());
    }

    #[test]
    fn an_endless_clause_is_cut() {
        let parts = split(&"很".repeat(200), Language::ZhCn);
        assert_eq!(parts.iter().map(|p| p.chars().count()).collect::<Vec<_>>(), [60, 60, 60, 20]);
        let parts = split(&"word ".repeat(200), Language::EnUs);
        assert!(parts.len() > 3 && parts.iter().all(|p| p.ends_with("word")));
    }
}
