//! Who takes text messages to telephones.

pub mod http;

use std::pin::Pin;
use std::time::Duration;

use hotline_record::Message;

/// A future of a provider.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a message was not taken, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It was certainly not taken and may be handed over again after this time.
    #[error("not taken: {problem}")]
    NotTaken {
        /// What the provider said.
        problem: String,
        /// When it may be tried again.
        again_in: Duration,
    },
    /// It was certainly not taken and never will be.
    #[error("refused: {0}")]
    Refused(String),
    /// It may have been taken: nobody knows.
    #[error("unclear: {0}")]
    Unclear(String),
}

/// What a provider knows of a message it may have been handed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// It was taken, under this name if it has one.
    Taken(Option<String>),
    /// It was certainly not taken.
    NotTaken,
    /// The provider cannot say.
    Unknown,
}

/// Takes text messages to telephones. A message's idempotency key goes with it.
pub trait MessageProvider: Send + Sync + 'static {
    /// Hands a message over; gives the provider's own name for it, if it has one.
    fn send<'a>(&'a self, message: &'a Message) -> Asked<'a, Result<Option<String>, SendError>>;

    /// Asks whether a message was taken, by its idempotency key.
    fn inquire<'a>(&'a self, message: &'a Message) -> Asked<'a, Inquiry>;
}
