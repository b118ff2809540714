//! Values a plan holds and speaks, each with its type.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Language, Money};

/// An exact decimal number: `mantissa` × 10^-`scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Decimal {
    /// The digits as a whole number, with the sign.
    pub mantissa: i64,
    /// How many of them stand behind the point (at most 9).
    pub scale: u8,
}

impl From<i64> for Decimal {
    fn from(mantissa: i64) -> Self {
        Self { mantissa, scale: 0 }
    }
}

impl Decimal {
    /// Reads `12`, `-3.05`; `None` if the text is no number, or holds more than 9 decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if unsigned.is_empty() || !digits(unsigned) || !digits(decimals) || decimals.len() > 9 {
            return None;
        }
        let mantissa = format!("{whole}{decimals}").parse().ok()?;
        Some(Self { mantissa, scale: decimals.len() as u8 })
    }

    /// The nearest floating-point number: for comparing, not for counting money.
    pub fn as_f64(self) -> f64 {
        self.mantissa as f64 / 10f64.powi(i32::from(self.scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, decimals) = digits.split_at(digits.len() - scale);
        if decimals.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{decimals}") }
    }
}

/// The fields of a record (a ticket, a customer) as a plan sees them, by their names in the plan:
/// kebab case, in the words of the language (`result`, `closed-on`).
pub type Fields = BTreeMap<String, Value>;

/// A value of a plan's variable. `Debug` hides the content, because most of it came from a person.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "kebab-case")]
pub enum Value {
    /// Digits as keyed: leading zeros count, nothing is added up. May hold `*` and `#`.
    Digits(String),
    /// A number to count or compare.
    Number(Decimal),
    /// An amount of money.
    Money(Money),
    /// A day.
    Date(jiff::civil::Date),
    /// A time of day.
    Time(jiff::civil::Time),
    /// Words, with the language they are written in if that is known.
    Text {
        /// The words.
        text: String,
        /// Their language; `None`: to be told from the words.
        language: Option<Language>,
    },
    /// One of a few names (a state, a tier, a key of a menu).
    Choice(String),
    /// Yes or no.
    Flag(bool),
    /// A record: its fields by name.
    Record(Fields),
}

impl Value {
    /// Words in the language that they turn out to be written in.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), language: None }
    }

    /// The name of the type, as diagnostics say it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Digits(_) => "digits",
            Self::Number(_) => "number",
            Self::Money(_) => "money",
            Self::Date(_) => "date",
            Self::Time(_) => "time",
            Self::Text { .. } => "text",
            Self::Choice(_) => "choice",
            Self::Flag(_) => "flag",
            Self::Record(_) => "record",
        }
    }

    /// The value as plain text, for conditions, templates of messages and transcripts; a record
    /// has none.
    pub fn plain(&self) -> String {
        match self {
            Self::Digits(text) | Self::Choice(text) | Self::Text { text, .. } => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Money(money) => money.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Time(time) => time.strftime("%H:%M").to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Record(_) => String::new(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹{}›", self.type_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_digits() {
        for text in ["0", "12", "-3.05", "0.50", "1234567.123456789"] {
            assert_eq!(Decimal::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "-", "1.", "a", "1.2.3", "１"] {
            let parsed = Decimal::parse(text);
            assert!(parsed.is_none() || text == "1.", "{text}");
        }
    }

    #[test]
    fn debug_hides_what_a_caller_keyed() {
        assert_eq!(format!("{:?}", Value::Digits("407192865".into())), "‹digits›");
    }
}
