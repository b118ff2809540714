//! Something of value that a customer was given back: an electronic card, a voucher, a small amount.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Currency, Language, Pii};

/// The text names nothing that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not known: {known}")]
pub struct UnknownWord {
    text: String,
    known: &'static str,
}

macro_rules! words {
    ($name:ident, $known:literal, $($variant:ident => $word:literal),+) => {
        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in files and in the record.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                let found = Self::ALL.iter().find(|one| one.word() == text);
                found.copied().ok_or_else(|| UnknownWord { text: text.to_owned(), known: $known })
            }
        }
    };
}

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RebateType {
    /// A card that tops up an account.
    ERechargeCard,
    /// A voucher that shops take.
    EVoucher,
    /// A small amount paid back to the account.
    SmallFeeRebate,
}

words!(RebateType, "e-recharge-card, e-voucher and small-fee-rebate are",
    ERechargeCard => "e-recharge-card", EVoucher => "e-voucher", SmallFeeRebate => "small-fee-rebate");

/// Whether it can still be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RebateState {
    /// It can.
    #[default]
    Unused,
    /// It was.
    Used,
    /// Its time is over.
    Expired,
    /// The firm took it back.
    Revoked,
}

words!(RebateState, "unused, used, expired and revoked are",
    Unused => "unused", Used => "used", Expired => "expired", Revoked => "revoked");

/// A rebate as the firm's own system hands it over. Upserted by `external_ref`; the same one twice
/// changes nothing. What is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RebateInput {
    /// Its number in the firm's own system: 1 to 64 characters.
    pub external_ref: String,
    /// The telephone number it was sent to, as the firm writes it: the number on file.
    pub phone: Pii<String>,
    /// The customer's name, if the firm tells it.
    #[serde(default)]
    pub name: Option<Pii<String>>,
    /// The language the customer is spoken to in, if the firm tells it.
    #[serde(default)]
    pub language: Option<Language>,
    /// The activity that it belongs to: at most 100 characters.
    pub activity: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: RebateType,
    /// What one of them is worth, with at most two decimals: `50`, `98.50`.
    pub face_value: String,
    /// The currency of the face value.
    #[serde(default)]
    pub currency: Currency,
    /// How many of them: 1 to 1,000.
    #[serde(default = "one")]
    pub quantity: u32,
    /// Whether it can still be used.
    #[serde(default)]
    pub state: RebateState,
    /// When it was given.
    pub returned_at: Timestamp,
    /// When it was used.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
    /// When it can be used no longer.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The text message that carried it, word for word: at most 1,000 characters. Sent again as it stands.
    #[serde(default)]
    pub message: Option<Pii<String>>,
    /// When the firm's own system changed it last: an older change than the one known is not taken.
    #[serde(default)]
    pub changed_at: Option<Timestamp>,
}

const fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_api() {
        for kind in RebateType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
            assert_eq!(kind.word().parse::<RebateType>().unwrap(), *kind);
        }
        for state in RebateState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        let unknown = "eaten".parse::<RebateState>().unwrap_err().to_string();
        assert_eq!(unknown, "`eaten` is not known: unused, used, expired and revoked are");
    }
}
