//! Text and typed slots to spoken words and recordings, zh-CN and en-US.
//!
//! Two doors: [`slot`] speaks a typed value from recorded [`Word`]s, because general grammars err
//! exactly there; [`clauses`] makes free text into words that a voice reads without guessing.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod clauses;
mod clean;
mod en;
mod scan;
mod token;
mod value;
mod zh;

use hotline_model::{Language, Slot, Value};

pub use clauses::pause_after;
pub use token::{Said, Token, Word, WordingError};

use value::Typed;

/// A typed value as words, pauses and text, the way its slot says.
///
/// # Errors
/// If the value's type cannot be spoken so: a record as a date.
pub fn slot(slot: &Slot, value: &Value, language: Language) -> Result<Vec<Token>, WordingError> {
    match (slot, value) {
        (Slot::Text, Value::Record(_)) => Err(WordingError { slot: slot.name(), found: value.type_name() }),
        (Slot::Text, Value::Text { text, language: own }) => {
            let language = own.unwrap_or_else(|| Language::of_text(text));
            Ok(vec![Token::Text { text: text.clone(), language }])
        }
        (Slot::Text, other) => Ok(vec![Token::Text { text: other.plain(), language }]),
        _ => {
            let typed = Typed::new(slot, value)?;
            Ok(match language {
                Language::ZhCn => zh::slot(&typed),
                Language::EnUs => en::slot(&typed),
            })
        }
    }
}

/// Every word that values of a language are spliced from, in order of their keys.
pub fn inventory(language: Language) -> Vec<Word> {
    match language {
        Language::ZhCn => zh::inventory(),
        Language::EnUs => en::inventory(),
    }
}

/// Free text as it is spoken: numbers, dates, amounts and times as words.
pub fn spoken(text: &str, language: Language) -> String {
    let chars = clean::clean(text);
    match language {
        Language::ZhCn => zh::normalise(&chars),
        Language::EnUs => en::normalise(&chars),
    }
}

/// A clause of [`clauses`] with the values told apart that recorded words say as well: Chinese codes of six digits
/// or more, and an amount of one recorded phrase at its end. Words that a value follows end with a comma. An English
/// clause is one part: its voice says values as well as recordings do.
pub fn said(clause: &str, language: Language) -> Vec<Said> {
    match language {
        Language::ZhCn => zh::said(clause),
        Language::EnUs => vec![Said::Words(clause.to_owned())],
    }
}

/// A text by the language of its sentences: `您好。For English, press 8.` has two. A sentence of the
/// other language is one that holds nothing of the text's own; a single foreign word is no sentence.
pub fn runs(text: &str, language: Language) -> Vec<(String, Language)> {
    clauses::runs(text, language)
}

/// Free text as clauses that are spoken one by one, normalised as by [`spoken`]; each keeps the
/// punctuation it ends with. A text without anything to speak has none.
pub fn clauses(text: &str, language: Language) -> Vec<String> {
    clauses::split(&spoken(text, language), language)
}
