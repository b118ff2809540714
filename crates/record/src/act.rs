//! Changes that somebody waits for, and the journal's entries that report them: both in one
//! transaction, answered after the commit.

use std::sync::Arc;

use hotline_model::{IdSource, JobId};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::deed::{EventRow, insert_events};
use crate::writer::Ran;
use crate::{Record, RecordError};

/// When a change is made, and where its ids come from.
#[derive(Clone)]
pub(crate) struct Stamp {
    /// Microseconds since 1970.
    pub now: i64,
    at: Timestamp,
    ids: Arc<IdSource>,
}

impl Stamp {
    /// A new id of a kind.
    pub fn new_id<I: From<u128> + ToString>(&self) -> String {
        self.ids.next::<I>(self.at).to_string()
    }

    /// A new id.
    pub fn id(&self) -> String {
        self.ids.next::<JobId>(self.at).to_string()
    }
}

/// An entry of the journal to be written.
#[derive(Default)]
pub(crate) struct Entry<'a> {
    pub type_name: &'static str,
    pub customer: Option<&'a str>,
    pub interaction: Option<&'a str>,
    pub ticket: Option<&'a str>,
    pub body: serde_json::Value,
}

impl Entry<'_> {
    /// Writes it.
    pub async fn write(self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let row = EventRow {
            source: "record".into(),
            source_event_id: stamp.id(),
            type_name: self.type_name.into(),
            customer_id: self.customer.map(str::to_owned),
            interaction_id: self.interaction.map(str::to_owned),
            ticket_id: self.ticket.map(str::to_owned),
            occurred_at: stamp.now,
            body: if self.body.is_null() { "{}".into() } else { self.body.to_string() },
        };
        insert_events(connection, &[&row], stamp.now).await
    }
}

/// A change as the writer runs it: with what it is about, which it may be given again.
pub(crate) type Change<I, T> = for<'c> fn(&'c mut AnyConnection, Arc<I>, Stamp) -> Ran<'c, T>;

impl Record {
    /// Runs `change` in the writer's transaction and answers when it is committed.
    pub(crate) async fn change<I, T>(&self, input: I, change: Change<I, T>) -> Result<T, RecordError>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        let at = self.clock.now();
        let stamp = Stamp { now: at.as_microsecond(), at, ids: Arc::clone(&self.ids) };
        let input = Arc::new(input);
        self.writer.prompt(move |connection| change(connection, Arc::clone(&input), stamp.clone())).await
    }
}
