//! What is said to a caller: fixed words and typed values, in one language.

use serde::{Deserialize, Serialize};

use crate::{Language, Value};

/// How a value is spoken.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slot {
    /// Digit by digit, in groups; 幺 for 1 in Chinese.
    Digits,
    /// As a number: 一百二十三.
    Number,
    /// As a number of things, with the measure word: `count("位")` speaks 两位.
    Count {
        /// The measure word, or the English noun in the singular.
        unit: String,
    },
    /// As an amount of money.
    Money {
        /// 三十五块六 rather than 三十五元六角.
        colloquial: bool,
    },
    /// As a day: 十一月二十日.
    Date,
    /// As a time of day: 下午两点半.
    Time,
    /// As a telephone number, in groups, 幺 for 1.
    Phone,
    /// As words, in the language they are written in.
    Text,
}

impl Slot {
    /// The name a designer writes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Number => "number",
            Self::Count { .. } => "count",
            Self::Money { .. } => "money",
            Self::Date => "date",
            Self::Time => "time",
            Self::Phone => "phone",
            Self::Text => "text",
        }
    }
}

/// One piece of an utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Segment {
    /// Fixed words of the plan. Their recording, if there is one, is
    /// `prompts/<language>/<prompt>.wav` where the prompt has this one segment only
    /// (`part` is `None`), else `<prompt>.<part>.wav`, counted from 1 over the fixed segments.
    Words {
        /// Which of several fixed segments this is; `None` for the only segment of its prompt.
        part: Option<u16>,
        /// The words.
        text: String,
    },
    /// A value, spoken as its slot says.
    Value {
        /// How.
        slot: Slot,
        /// What.
        value: Value,
    },
}

/// A prompt in one language with its values filled in: what a caller hears in one go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Utterance {
    /// The prompt's name in the plan: kebab case.
    pub prompt: String,
    /// The language of the fixed words and of the typed values. A [`Slot::Text`] value is spoken
    /// in the language it is written in.
    pub language: Language,
    /// Whether a key stops it (barge-in); a legal notice is heard to its end.
    pub barge_in: bool,
    /// The pieces in order.
    pub segments: Vec<Segment>,
}
