//! What a typed value becomes before anybody speaks it.

use std::time::Duration;

use hotline_model::Language;

/// A piece of a spoken value, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A word there is a recording of.
    Word(Word),
    /// Nothing for a while: between the groups of a code.
    Pause(Duration),
    /// Words that only a voice can speak: they are normalised by [`crate::clauses`].
    Text {
        /// The words as they were written.
        text: String,
        /// The language they are written in.
        language: Language,
    },
}

/// A part of a clause of free text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Words that a voice speaks.
    Words(String),
    /// A value that recorded words say: words and pauses only.
    Value(Vec<Token>),
}

/// A word that is recorded once and spliced into values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Word {
    /// The recording's name: `prompts/<language>/words/<key>.wav`. A word that sounds otherwise
    /// inside a group than at its end has a key for each place (`d1-mid`, `d1-end`).
    pub key: String,
    /// How it is spoken.
    pub text: String,
}

impl Word {
    pub(crate) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into() }
    }

    /// The keys whose recordings speak this word, best first: its own, that of the other place,
    /// that without a place.
    pub fn candidates(&self) -> Vec<String> {
        let mut keys = vec![self.key.clone()];
        for (own, other) in [("-mid", "-end"), ("-end", "-mid")] {
            if let Some(stem) = self.key.strip_suffix(own) {
                keys.extend([format!("{stem}{other}"), stem.to_owned()]);
            }
        }
        keys
    }

    /// Whether it is digits of a Chinese code that were recorded in one go: `g407`.
    pub fn is_group(&self) -> bool {
        self.key.strip_prefix('g').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The words that say the same one by one, where nobody has recorded this one: the digits of a
    /// group, the words of a phrase. Empty for a word that is the smallest of its kind.
    pub fn smaller(&self) -> Vec<Word> {
        crate::zh::smaller(self).unwrap_or_default()
    }
}

/// A value that its slot cannot speak.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a value of type {found} cannot be spoken as {slot}")]
pub struct WordingError {
    /// The slot's name.
    pub slot: &'static str,
    /// The value's type.
    pub found: &'static str,
}
