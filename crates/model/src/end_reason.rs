//! Why a call ended.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// To whom a call's end is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The call did what it was for and ended as planned.
    Success,
    /// The caller ended it, or asked for something that is not to be had.
    Caller,
    /// We failed.
    Us,
    /// The carrier or another server failed.
    Upstream,
    /// Nobody can say: media stopped, an ACK never came.
    Unattributable,
}

impl Ending {
    /// The word used in records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Caller => "caller",
            Self::Us => "us",
            Self::Upstream => "upstream",
            Self::Unattributable => "unattributable",
        }
    }
}

/// Why a call ended: to whom it is due, and a short stable code such as `hung-up`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndReason {
    /// To whom the end is due.
    pub ending: Ending,
    /// A short code in kebab case, bounded in number: it becomes a metric's label.
    pub code: Cow<'static, str>,
}

impl EndReason {
    /// A reason with a fixed code.
    pub const fn new(ending: Ending, code: &'static str) -> Self {
        Self { ending, code: Cow::Borrowed(code) }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ending.word(), self.code)
    }
}
