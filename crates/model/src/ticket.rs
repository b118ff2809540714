//! A matter to be settled, as the firm's CRM tells it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Language, Pii};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TicketState {
    /// Being worked on: its result may not be told yet.
    #[default]
    Open,
    /// Settled: the result may be told.
    Closed,
    /// Taken back: as if it had never been.
    Cancelled,
}

impl TicketState {
    /// The word used in files and in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for TicketState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for TicketState {
    type Err = UnknownState;
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::Open, Self::Closed, Self::Cancelled]
            .into_iter()
            .find(|s| s.word() == text)
            .ok_or_else(|| UnknownState(text.to_owned()))
    }
}

/// The text names no state of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no state is called `{0}`: open, closed and cancelled are known")]
pub struct UnknownState(pub String);

/// A ticket as it arrives: by API, webhook or file. Upserted by `external_ref`; the same ticket
/// twice changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TicketInput {
    /// The ticket's number in the firm's CRM: 1 to 64 characters.
    pub external_ref: String,
    /// The customer's telephone number, as the CRM writes it.
    pub phone: Pii<String>,
    /// The customer's name, if the CRM tells it.
    #[serde(default)]
    pub name: Option<Pii<String>>,
    /// The language the customer is spoken to in; the firm's first language if absent.
    #[serde(default)]
    pub language: Option<Language>,
    /// What the ticket is about, in the firm's own words: at most 64 characters.
    #[serde(default)]
    pub category: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub state: TicketState,
    /// How it was settled, in the firm's own word: at most 64 characters.
    #[serde(default)]
    pub outcome: Option<String>,
    /// The result as it shall be spoken: at most 2,000 characters. Needed when closed.
    #[serde(default)]
    pub result: Option<Pii<String>>,
    /// The language the result is written in; told from the words if absent.
    #[serde(default)]
    pub result_language: Option<Language>,
    /// A code the CRM has chosen itself; made by us if absent.
    #[serde(default)]
    pub code: Option<Pii<String>>,
    /// When the CRM changed it last: an older change than the one known is not taken.
    #[serde(default)]
    pub changed_at: Option<jiff::Timestamp>,
}
