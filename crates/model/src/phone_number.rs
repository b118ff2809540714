//! Telephone numbers as carriers, files and people write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A telephone number in E.164: `+8613800138000`. `Debug` and `Display` show it masked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// The text is no telephone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a telephone number")]
pub struct NotANumber;

/// Prefixes that Chinese callers dial to choose a long-distance carrier; they stand before the
/// number and are no part of it.
const CARRIER_PREFIXES: [&str; 8] = ["17951", "17911", "12593", "17909", "17901", "10193", "17931", "17950"];

impl PhoneNumber {
    /// Reads a number as written by people and carriers: `138 0013 8000`, `013800138000`,
    /// `0086138…`, `+86-138…`, `86138…`, `tel:+86…`, with a carrier's prefix, in full-width
    /// digits; numbers without a country are Chinese.
    ///
    /// # Errors
    /// [`NotANumber`] if it can be no valid number of any country.
    pub fn parse(text: &str) -> Result<Self, NotANumber> {
        let text = text.trim();
        let text = text.strip_prefix("tel:").unwrap_or(text);
        let text = text.split(';').next().unwrap_or_default();
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '0'..='9' => plain.push(c),
                '０'..='９' => plain.push(char::from(b'0' + (c as u32 - '０' as u32) as u8)),
                '+' | '＋' if plain.is_empty() => plain.push('+'),
                ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}' | '（' | '）' | '－' => {}
                _ => return Err(NotANumber),
            }
        }
        if plain.len() > 32 {
            return Err(NotANumber);
        }
        let candidates = Self::spellings(&plain);
        candidates.iter().find_map(|c| Self::valid(c)).ok_or(NotANumber)
    }

    /// The ways a string of digits may be meant, the most usual first.
    fn spellings(plain: &str) -> Vec<String> {
        let mut ways = Vec::new();
        if plain.starts_with('+') {
            ways.push(plain.to_owned());
            return ways;
        }
        let without_carrier =
            CARRIER_PREFIXES.iter().find_map(|p| plain.strip_prefix(p)).filter(|rest| rest.len() >= 10);
        for digits in [Some(plain), without_carrier].into_iter().flatten() {
            if let Some(rest) = digits.strip_prefix("00") {
                ways.push(format!("+{rest}"));
            }
            // 013800138000: a mobile number with the trunk prefix of long-distance calls.
            if digits.len() == 12 && digits.starts_with("01") {
                ways.push(format!("+86{}", &digits[1..]));
            }
            ways.push(digits.to_owned());
            if digits.starts_with("86") && digits.len() >= 12 {
                ways.push(format!("+{digits}"));
            }
        }
        ways
    }

    fn valid(text: &str) -> Option<Self> {
        let number = phonenumber::parse(Some(phonenumber::country::Id::CN), text).ok()?;
        phonenumber::is_valid(&number)
            .then(|| Self(phonenumber::format(&number).mode(phonenumber::Mode::E164).to_string()))
    }

    /// The number in E.164, for the wire and the record.
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// The number as people of its country dial it: without +86 for Chinese numbers.
    pub fn national(&self) -> &str {
        self.0.strip_prefix("+86").unwrap_or(&self.0)
    }

    /// Its last four digits: the second factor that is asked by default.
    pub fn last_four(&self) -> &str {
        &self.0[self.0.len().saturating_sub(4)..]
    }

    /// The number with its middle hidden: `+86138••••8000`.
    pub fn masked(&self) -> String {
        let shown = self.0.len().saturating_sub(8).min(6);
        format!("{}••••{}", &self.0[..shown], self.last_four())
    }
}

impl FromStr for PhoneNumber {
    type Err = NotANumber;
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        Self::parse(text)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = NotANumber;
    fn try_from(text: String) -> Result<Self, NotANumber> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹number›")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Who a call says it comes from. A hint, never proof.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "number")]
pub enum CallerNumber {
    /// A telephone number.
    Phone(PhoneNumber),
    /// A short code or an extension: digits that are no telephone number.
    Short(crate::Pii<String>),
    /// Withheld, or something that is no number at all.
    Withheld,
}

impl CallerNumber {
    /// Reads the user part of a SIP URI as a carrier or a telephone wrote it.
    pub fn parse(user: &str) -> Self {
        if let Ok(number) = PhoneNumber::parse(user) {
            return Self::Phone(number);
        }
        let short = user.trim_start_matches('+');
        if (1..=15).contains(&short.len()) && short.bytes().all(|b| b.is_ascii_digit()) {
            return Self::Short(short.to_owned().into());
        }
        Self::Withheld
    }

    /// The telephone number, if it is one.
    pub const fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(number) => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for text in [
            "13800138000",
            "013800138000",
            "+86 138 0013 8000",
            "+86-138-0013-8000",
            "008613800138000",
            "8613800138000",
            "1795113800138000",
            "12593013800138000",
            "tel:+8613800138000;phone-context=x",
            "１３８００１３８０００",
        ] {
            assert_eq!(
                PhoneNumber::parse(text).map(|n| n.e164().to_owned()),
                Ok("+8613800138000".into()),
                "{text}"
            );
        }
        assert_eq!(PhoneNumber::parse("010-62345678").unwrap().e164(), "+861062345678");
        assert_eq!(PhoneNumber::parse("+1 202 555 0143").unwrap().e164(), "+12025550143");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "anonymous", "10086", "+", "1380013800x", "99999999999999999999999999999999999999", "1234"]
        {
            assert_eq!(PhoneNumber::parse(text), Err(NotANumber), "{text}");
        }
    }

    #[test]
    fn a_number_is_masked_wherever_it_is_printed() {
        let number = PhoneNumber::parse("13800138000").unwrap();
        assert_eq!(number.to_string(), "+86138••••8000");
        assert_eq!(format!("{number:?}"), "‹number›");
    }

    #[test]
    fn a_caller_is_a_phone_a_short_number_or_withheld() {
        assert!(matches!(CallerNumber::parse("+8613800138000"), CallerNumber::Phone(_)));
        assert!(matches!(CallerNumber::parse("10086"), CallerNumber::Short(_)));
        assert_eq!(CallerNumber::parse("anonymous"), CallerNumber::Withheld);
        assert_eq!(CallerNumber::parse("<script>"), CallerNumber::Withheld);
    }
}
