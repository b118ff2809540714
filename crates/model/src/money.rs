//! Amounts of money, exact.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency that can be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Currency {
    /// Renminbi: yuan, jiao, fen.
    #[default]
    #[serde(rename = "CNY")]
    Cny,
    /// United States dollars and cents.
    #[serde(rename = "USD")]
    Usd,
}

/// An amount: hundredths of the currency's unit (fen, cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Hundredths: 9850 is 98.50.
    pub hundredths: i64,
    /// The currency.
    pub currency: Currency,
}

/// The text is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: digits with at most two decimals are expected, as 98.50")]
pub struct NotMoney;

impl FromStr for Money {
    type Err = NotMoney;

    /// Reads `98.5`, `-12`, `¥1,234.50`, `$5.60`; without a sign of currency it is renminbi.
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let text = text.trim();
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (currency, text) = match text.chars().next() {
            Some('$') => (Currency::Usd, &text[1..]),
            Some(sign @ ('¥' | '\u{ffe5}')) => (Currency::Cny, &text[sign.len_utf8()..]),
            _ => (Currency::Cny, text),
        };
        let plain: String = text.chars().filter(|&c| c != ',').collect();
        let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || decimals.len() > 2 || !digits(whole) || !digits(decimals) {
            return Err(NotMoney);
        }
        let hundredths: i64 = format!("{whole}{decimals:0<2}").parse().map_err(|_| NotMoney)?;
        Ok(Self { hundredths: if negative { -hundredths } else { hundredths }, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.hundredths < 0 { "-" } else { "" };
        let amount = self.hundredths.unsigned_abs();
        write!(f, "{sign}{}.{:02}", amount / 100, amount % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, hundredths) in
            [("98.5", 9850), ("0.05", 5), ("-12", -1200), ("¥1,234.50", 123_450), ("88", 8800)]
        {
            assert_eq!(text.parse::<Money>().unwrap().hundredths, hundredths, "{text}");
        }
        for text in ["", "1.234", "12a", ".", "1.-5"] {
            assert_eq!(text.parse::<Money>(), Err(NotMoney), "{text}");
        }
    }
}
