//! Text and typed slots to spoken words and recordings, zh-CN and en-US.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod token;

use std::time::Duration;

use hotline_model::{Language, Slot, Value};

pub use token::{Token, Word, WordingError};

/// A typed value as words, pauses and text, the way its slot says.
///
/// # Errors
/// If the value's type cannot be spoken so: a record as a date.
pub fn slot(slot: &Slot, value: &Value, language: Language) -> Result<Vec<Token>, WordingError> {
    match value {
        Value::Record(_) => Err(WordingError { slot: slot.name(), found: value.type_name() }),
        other => Ok(vec![Token::Text { text: other.plain(), language }]),
    }
}

/// Every word that values of a language are spliced from.
pub fn inventory(_language: Language) -> Vec<Word> {
    Vec::new()
}

/// Free text as it is spoken: numbers, dates, amounts and times as words.
pub fn spoken(text: &str, _language: Language) -> String {
    text.to_owned()
}

/// Free text as clauses that are spoken one by one, normalised as by [`spoken`]; each keeps the
/// punctuation it ends with.
pub fn clauses(text: &str, language: Language) -> Vec<String> {
    vec![spoken(text, language)]
}

/// How long a speaker rests after a clause, by the punctuation it ends with.
pub fn pause_after(clause: &str) -> Duration {
    match clause.trim_end().chars().next_back() {
        Some('。' | '！' | '？' | '.' | '!' | '?' | '…') => Duration::from_millis(450),
        Some('；' | '：' | ';' | ':') => Duration::from_millis(350),
        _ => Duration::from_millis(250),
    }
}
