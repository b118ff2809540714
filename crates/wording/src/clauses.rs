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

/// Parts of a text by their language.
pub(crate) fn runs(text: &str, language: Language) -> Vec<(String, Language)> {
    let mut runs: Vec<(String, Language)> = Vec::new();
    let mut part = String::new();
    let mut put = |part: &mut String| {
        let text = std::mem::take(part);
        let own = language_of(&text, language, runs.last().map_or(language, |(_, last)| *last));
        match runs.last_mut() {
            Some((run, last)) if *last == own => run.push_str(&text),
            _ => runs.push((text, own)),
        }
    };
    for c in text.chars() {
        part.push(c);
        if matches!(c, '。' | '！' | '？' | '；' | '，' | '.' | '!' | '?' | ';' | ',' | '\n') {
            put(&mut part);
        }
    }
    put(&mut part);
    runs.retain(|(text, _)| !text.trim().is_empty());
    runs
}

/// The language of a clause inside a text of `usual`, behind a clause of `previous`.
fn language_of(text: &str, usual: Language, previous: Language) -> Language {
    let han = text.chars().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}')).count();
    let words = text.split(|c: char| !c.is_ascii_alphabetic() && c != '\'').filter(|w| w.len() > 1).count();
    match usual {
        Language::ZhCn if han == 0 && words >= 2 => Language::EnUs,
        Language::ZhCn if han == 0 => previous,
        Language::EnUs if han > 0 && words == 0 => Language::ZhCn,
        Language::EnUs if words == 0 => previous,
        usual => usual,
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
    fn sentences_of_the_other_language_are_told_apart() {
        let zh = "您好，这里是查询。For English, press 8.";
        assert_eq!(
            runs(zh, Language::ZhCn),
            [
                ("您好，这里是查询。".to_owned(), Language::ZhCn),
                ("For English, press 8.".to_owned(), Language::EnUs),
            ]
        );
        let en = "For our hours press 2, 中文服务请按8, to hear this again press 9.";
        assert_eq!(runs(en, Language::EnUs).len(), 3);
        assert_eq!(runs("您的VIP套餐，OK。", Language::ZhCn).len(), 1);
        assert!(runs("", Language::ZhCn).is_empty());
    }

    #[test]
    fn an_endless_clause_is_cut() {
        let parts = split(&"很".repeat(200), Language::ZhCn);
        assert_eq!(parts.iter().map(|p| p.chars().count()).collect::<Vec<_>>(), [60, 60, 60, 20]);
        let parts = split(&"word ".repeat(200), Language::EnUs);
        assert!(parts.len() > 3 && parts.iter().all(|p| p.ends_with("word")));
    }
}
