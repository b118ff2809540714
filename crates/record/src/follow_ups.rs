//! Promises to a customer that a human keeps: each with a reason and a deadline.

use std::time::Duration;

use hotline_model::{CallId, CustomerId, JobId, PhoneNumber, Pii, TicketId};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::sql::Columns;
use crate::writer::{EventRow, insert_events};
use crate::{Record, RecordError};

/// A follow-up to be stored.
#[derive(Debug, Clone)]
pub struct NewFollowUp {
    /// For whom, if known.
    pub customer: Option<CustomerId>,
    /// The call that asked for it.
    pub interaction: Option<CallId>,
    /// About which ticket.
    pub ticket: Option<TicketId>,
    /// The number to call.
    pub phone: Option<PhoneNumber>,
    /// Why, in the plan's word.
    pub reason: String,
    /// More words.
    pub note: Option<Pii<String>>,
    /// By when.
    pub due_in: Duration,
}

/// A follow-up as it stands.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FollowUp {
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
    /// `open` or `done`.
    pub state: String,
    /// By when.
    pub due_at: Timestamp,
    /// The call that asked for it.
    pub interaction: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
}

impl Record {
    /// Stores a follow-up in order with a call's steps, sooner or later.
    pub fn store_follow_up(&self, follow_up: NewFollowUp) {
        let id = self.new_id::<JobId>().to_string();
        let now = self.now_micros();
        self.writer.patient(move |connection| {
            let (follow_up, id) = (follow_up.clone(), id.clone());
            Box::pin(async move { insert_follow_up(connection, &follow_up, &id, now).await })
        });
    }

    /// The follow-ups of a customer, the most urgent first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn follow_ups_of(&self, customer: CustomerId) -> Result<Vec<FollowUp>, RecordError> {
        let rows = sqlx::query(
            "SELECT id, reason, state, due_at, interaction_id, ticket_id FROM follow_up \
             WHERE customer_id = $1 ORDER BY due_at",
        )
        .bind(customer.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(FollowUp {
                    id: row.text("id")?,
                    reason: row.text("reason")?,
                    state: row.text("state")?,
                    due_at: row.time("due_at")?,
                    interaction: row.text_or_none("interaction_id")?,
                    ticket: row.text_or_none("ticket_id")?,
                })
            })
            .collect()
    }
}

pub(crate) async fn insert_follow_up(
    connection: &mut AnyConnection,
    follow_up: &NewFollowUp,
    id: &str,
    now: i64,
) -> Result<(), RecordError> {
    let due = now + i64::try_from(follow_up.due_in.as_micros()).unwrap_or(0);
    let customer = follow_up.customer.map(|id| id.to_string());
    let interaction = follow_up.interaction.map(|id| id.to_string());
    let ticket = follow_up.ticket.map(|id| id.to_string());
    sqlx::query(
        "INSERT INTO follow_up (id, customer_id, interaction_id, ticket_id, phone, reason, note, state, due_at, \
         created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(&customer)
    .bind(&interaction)
    .bind(&ticket)
    .bind(follow_up.phone.as_ref().map(|number| number.e164().to_owned()))
    .bind(&follow_up.reason)
    .bind(follow_up.note.as_ref().map(|note| note.expose().clone()))
    .bind(due)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let row = EventRow {
        source: "follow-up",
        source_event_id: id.to_owned(),
        type_name: "follow-up.made",
        customer_id: customer,
        interaction_id: interaction,
        ticket_id: ticket,
        occurred_at: now,
        body: serde_json::json!({ "reason": follow_up.reason }).to_string(),
    };
    insert_events(connection, &[row], now).await
}
