//! The languages that are spoken and written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language as callers hear it (BCP 47).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
pub enum Language {
    /// Mandarin as spoken in mainland China.
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    /// English as spoken in the United States.
    #[serde(rename = "en-US")]
    EnUs,
}

impl Language {
    /// Every language, in the order they are listed to people.
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::EnUs];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::EnUs => "en-US",
        }
    }

    /// Its name in English, as in "callers who speak English".
    pub const fn english_name(self) -> &'static str {
        match self {
            Self::ZhCn => "Chinese",
            Self::EnUs => "English",
        }
    }

    /// The language a text without a tag is written in: Mandarin if it holds a Han character,
    /// English otherwise.
    pub fn of_text(text: &str) -> Self {
        let han = |c: char| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}');
        if text.chars().any(han) { Self::ZhCn } else { Self::EnUs }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

/// The text names no language that is spoken here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no language is called `{0}`: zh-CN and en-US are known")]
pub struct UnknownLanguage(pub String);

impl FromStr for Language {
    type Err = UnknownLanguage;
    fn from_str(text: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL
            .into_iter()
            .find(|l| l.tag().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownLanguage(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_round_trips_and_a_text_tells_its_language() {
        for language in Language::ALL {
            assert_eq!(language.tag().parse(), Ok(language));
        }
        assert_eq!(Language::of_text("退费25元"), Language::ZhCn);
        assert_eq!(Language::of_text("25 yuan"), Language::EnUs);
    }
}
