//! The journal: what happened, in the order it was stored.

use hotline_model::TicketId;
use jiff::Timestamp;
use serde::Serialize;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// One entry of the journal.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct JournalEvent {
    /// Its place: readers resume behind it.
    pub seq: i64,
    /// What it is: `call.entered`, `ticket.result`, `message.sent` …
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whose it is, if known.
    pub customer_id: Option<String>,
    /// The interaction it belongs to, if any.
    pub interaction_id: Option<String>,
    /// The ticket it belongs to, if any.
    pub ticket_id: Option<String>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The rest of it.
    pub body: serde_json::Value,
}

impl JournalEvent {
    pub(crate) fn from_row(row: &sqlx::any::AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            seq: row.int("seq")?,
            type_name: row.text("type")?,
            customer_id: row.text_or_none("customer_id")?,
            interaction_id: row.text_or_none("interaction_id")?,
            ticket_id: row.text_or_none("ticket_id")?,
            occurred_at: row.time("occurred_at")?,
            body: serde_json::from_str(&row.text("body")?)
                .map_err(|_| RecordError::Corrupt("an event's body".into()))?,
        })
    }
}

pub(crate) const COLUMNS: &str = "seq, type, customer_id, interaction_id, ticket_id, occurred_at, body";

impl Record {
    /// The next entries behind `seq`, at most `limit`, in the order they were stored.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn follow(&self, seq: i64, limit: u32) -> Result<Vec<JournalEvent>, RecordError> {
        let rows = sqlx::query(&format!("SELECT {COLUMNS} FROM event WHERE seq > $1 ORDER BY seq LIMIT $2"))
            .bind(seq)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(JournalEvent::from_row).collect()
    }

    /// The newest entry's `seq`; 0 if there is none.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn newest_seq(&self) -> Result<i64, RecordError> {
        let row = sqlx::query("SELECT MAX(seq) AS seq FROM event").fetch_one(&self.readers).await?;
        Ok(row.int_or_none("seq")?.unwrap_or(0))
    }

    /// The entries about one ticket whose type begins so, in the order they happened.
    pub(crate) async fn events_about(
        &self,
        ticket: TicketId,
        kind: &str,
    ) -> Result<Vec<JournalEvent>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS} FROM event WHERE ticket_id = $1 AND type LIKE $2 ORDER BY occurred_at, seq"
        ))
        .bind(ticket.to_string())
        .bind(format!("{kind}%"))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(JournalEvent::from_row).collect()
    }

    /// The entries of one interaction, in the order they happened.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn events_of(&self, interaction: &str) -> Result<Vec<JournalEvent>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS} FROM event WHERE interaction_id = $1 ORDER BY occurred_at, seq"
        ))
        .bind(interaction)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(JournalEvent::from_row).collect()
    }
}
