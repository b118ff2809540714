//! What calls leave behind for the record while nobody waits for the answer: as data, so that it
//! can be kept, written to disk and run again. Each deed run twice leaves what it leaves once.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::RecordError;
use crate::calls::{BeginRow, EndRow, SaveRow};
use crate::follow_ups::FollowUpRow;
use crate::jobs::ResendRow;

/// One row of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub source: Cow<'static, str>,
    pub source_event_id: String,
    pub type_name: Cow<'static, str>,
    pub customer_id: Option<String>,
    pub interaction_id: Option<String>,
    pub ticket_id: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: i64,
    pub body: String,
}

/// A piece of a call's record. No `Debug`: it holds what a log may not show.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Deed {
    Begin(Box<BeginRow>),
    Steps(Vec<EventRow>),
    Save(Box<SaveRow>),
    End(EndRow),
    FollowUp(Box<FollowUpRow>),
    Resend(ResendRow),
}

impl Deed {
    /// How many steps it counts as.
    pub fn steps(&self) -> usize {
        match self {
            Self::Steps(rows) => rows.len(),
            _ => 1,
        }
    }

    /// Stores it; `now` in microseconds since 1970.
    pub async fn store(&self, connection: &mut AnyConnection, now: i64) -> Result<(), RecordError> {
        match self {
            Self::Begin(row) => row.store(connection).await,
            Self::Steps(rows) => insert_events(connection, &rows.iter().collect::<Vec<_>>(), now).await,
            Self::Save(row) => row.store(connection).await,
            Self::End(row) => row.store(connection).await,
            Self::FollowUp(row) => row.store(connection).await,
            Self::Resend(row) => row.store(connection).await,
        }
    }
}

/// Values of a row.
const COLUMNS: usize = 9;
/// Rows of one INSERT: under SQLite's and PostgreSQL's limits of parameters.
const ROWS: usize = 200;

/// Writes rows of the journal; one that is there already (same source, same id) stays as it is.
pub(crate) async fn insert_events(
    connection: &mut AnyConnection,
    rows: &[&EventRow],
    now: i64,
) -> Result<(), RecordError> {
    for rows in rows.chunks(ROWS) {
        let mut sql = String::from(
            "INSERT INTO event (source, source_event_id, type, customer_id, interaction_id, ticket_id, \
             occurred_at, recorded_at, body) VALUES ",
        );
        for row in 0..rows.len() {
            let places: Vec<String> =
                (1..=COLUMNS).map(|column| format!("${}", row * COLUMNS + column)).collect();
            let comma = if row == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}({})", places.join(", "));
        }
        sql.push_str(" ON CONFLICT (source, source_event_id) DO NOTHING");
        // One statement for each number of rows: only the usual numbers are worth keeping prepared.
        let mut insert = sqlx::query(&sql).persistent(rows.len() <= 8);
        for row in rows {
            insert = insert
                .bind(row.source.as_ref())
                .bind(row.source_event_id.as_str())
                .bind(row.type_name.as_ref())
                .bind(row.customer_id.as_deref())
                .bind(row.interaction_id.as_deref())
                .bind(row.ticket_id.as_deref())
                .bind(row.occurred_at)
                .bind(now)
                .bind(row.body.as_str());
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}
