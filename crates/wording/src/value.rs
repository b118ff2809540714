//! A value brought to the type that its slot speaks.

use hotline_model::{Currency, Decimal, Money, Slot, Value};
use jiff::civil::{Date, Time};

use crate::{WordingError, scan};

/// What a slot speaks.
#[derive(Debug, Clone)]
pub(crate) enum Typed {
    /// Digit by digit.
    Digits(String),
    /// A telephone number by its groups.
    Phone(Vec<String>),
    /// A number.
    Number(Decimal),
    /// A number of things.
    Count {
        /// How many.
        number: Decimal,
        /// Of what.
        unit: String,
    },
    /// An amount.
    Money {
        /// How much.
        money: Money,
        /// As people say it rather than as it is written.
        colloquial: bool,
    },
    /// A day.
    Date(Date),
    /// A time of day.
    Time(Time),
}

impl Typed {
    /// The value as the slot takes it: digits are also numbers, numbers also amounts.
    pub(crate) fn new(slot: &Slot, value: &Value) -> Result<Self, WordingError> {
        let typed = match slot {
            Slot::Digits => code(value).map(Self::Digits),
            Slot::Phone => code(value).map(|digits| Self::Phone(phone_groups(&digits))),
            Slot::Number => number(value).map(Self::Number),
            Slot::Count { unit } => number(value).map(|number| Self::Count { number, unit: unit.clone() }),
            Slot::Money { colloquial } => {
                money(value).map(|money| Self::Money { money, colloquial: *colloquial })
            }
            Slot::Date => match value {
                Value::Date(date) => Some(Self::Date(*date)),
                Value::Text { text, .. } => text.trim().parse().ok().map(Self::Date),
                _ => None,
            },
            Slot::Time => match value {
                Value::Time(time) => Some(Self::Time(*time)),
                Value::Text { text, .. } => text.trim().parse().ok().map(Self::Time),
                _ => None,
            },
            Slot::Text => None,
        };
        typed.ok_or(WordingError { slot: slot.name(), found: value.type_name() })
    }
}

/// The digits, stars and pounds of a value, without what parts them.
fn code(value: &Value) -> Option<String> {
    match value {
        Value::Digits(_) | Value::Text { .. } | Value::Choice(_) | Value::Number(_) => {}
        _ => return None,
    }
    let plain = value.plain();
    let plain = plain.trim().strip_prefix("+86").unwrap_or(plain.trim());
    let kept: String = plain.chars().filter(|c| c.is_ascii_alphanumeric() || "*#".contains(*c)).collect();
    (!kept.is_empty()).then_some(kept)
}

/// The groups of a telephone number: an area code stands alone.
pub(crate) fn phone_groups(digits: &str) -> Vec<String> {
    let area = match digits.as_bytes() {
        [b'0', b'1' | b'2', ..] if digits.len() >= 10 => 3,
        [b'0', ..] if digits.len() >= 11 => 4,
        [b'4' | b'8', b'0', b'0', ..] if digits.len() == 10 => 3,
        _ => 0,
    };
    if !digits.is_ascii() {
        return scan::groups(digits);
    }
    let (area, rest) = digits.split_at(area);
    let mut groups = Vec::new();
    if !area.is_empty() {
        groups.push(area.to_owned());
    }
    groups.extend(scan::groups(rest));
    groups
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Digits(text) | Value::Text { text, .. } | Value::Choice(text) => {
            Decimal::parse(text.trim()).filter(|number| number.mantissa != i64::MIN)
        }
        Value::Money(money) => Some(Decimal { mantissa: money.hundredths, scale: 2 }),
        _ => None,
    }
}

fn money(value: &Value) -> Option<Money> {
    match value {
        Value::Money(money) => Some(*money),
        Value::Text { text, .. } | Value::Digits(text) => text.parse().ok(),
        Value::Number(number) => {
            let scale = u32::from(number.scale);
            let hundredths = if scale <= 2 {
                number.mantissa.checked_mul(10i64.pow(2 - scale))?
            } else {
                number.mantissa / 10i64.checked_pow(scale - 2)?
            };
            Some(Money { hundredths, currency: Currency::Cny })
        }
        _ => None,
    }
}
