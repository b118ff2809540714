//! The shared customer record: current-state tables, an append-only journal of events and the
//! work they cause, **written in one transaction**.
//!
//! One writer task owns the one connection that writes. It commits what many callers did in the
//! same few milliseconds together (`writer`), so that a busy hour costs one `fsync` a group and
//! not one a step. Readers have a pool of their own. SQL is written in the common subset of
//! SQLite and PostgreSQL and goes through `sqlx::Any`; what differs stands in [`engine`].

mod access;
mod audio;
mod calls;
mod customers;
pub mod engine;
mod error;
mod events;
mod follow_ups;
mod jobs;
mod messages;
mod plans;
mod sql;
mod tickets;
mod verify;
mod writer;

use std::sync::Arc;

use hotline_model::{Clock, IdSource};
use sqlx::AnyPool;
use tokio::sync::watch;

pub use audio::StoredAudio;
pub use calls::{CallEnd, CallSave, CallStep, NewCall, OpenedCall};
pub use customers::{ContactView, CustomerView, IdentityView};
pub use engine::Settings;
pub use error::RecordError;
pub use events::JournalEvent;
pub use follow_ups::{FollowUp, NewFollowUp};
pub use jobs::{Job, JobKind};
pub use messages::{Message, MessageState, NewMessage, SendOutcome};
pub use tickets::{Change, TicketRow, Upserted};
pub use verify::{VerifyAttempt, VerifyOutcome};

/// The record, open. Cheap to clone; all clones share the writer.
#[derive(Clone)]
pub struct Record {
    readers: AnyPool,
    writer: writer::Writer,
    clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
}

impl Record {
    /// Opens the record, makes or migrates its tables, and starts the writer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database cannot be opened, and
    /// [`RecordError::Schema`] if it was made by a newer version or is not ours: nothing is
    /// overwritten.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, RecordError> {
        let (readers, writer) = engine::open(settings).await?;
        let ids = Arc::new(IdSource::new(rand::random()));
        Ok(Self { readers, writer: writer::Writer::start(writer, Arc::clone(&clock)), clock, ids })
    }

    /// Wakes whenever something was committed; the value counts commits. Read on with
    /// [`Record::follow`], so that a wake-up missed loses nothing.
    pub fn wake_ups(&self) -> watch::Receiver<u64> {
        self.writer.wake_ups()
    }

    /// Whether the last try to write reached the database.
    pub fn is_available(&self) -> bool {
        self.writer.is_available()
    }

    /// How many steps wait to be stored because the database is away.
    pub fn spooled_steps(&self) -> usize {
        self.writer.spooled()
    }

    /// Waits until everything that was handed over before is stored, `within` at most. `false`:
    /// something is still waiting.
    pub async fn flush(&self, within: std::time::Duration) -> bool {
        self.writer.flush(within).await
    }

    fn now_micros(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    fn new_id<T: From<u128>>(&self) -> T {
        self.ids.next(self.clock.now())
    }
}

#[cfg(test)]
mod tests;
