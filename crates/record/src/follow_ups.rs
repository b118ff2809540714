//! Promises to a customer that a human keeps: each with a reason and a deadline.

use std::time::Duration;

use hotline_model::{CallId, CustomerId, JobId, PhoneNumber, Pii, TicketId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::deed::{Deed, EventRow, insert_events};
use crate::serving::keeper;
use crate::sql::{Columns, FAMILY, clean};
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
    /// `open`, `taken` or `done`.
    pub state: String,
    /// By when.
    pub due_at: Timestamp,
    /// The call that asked for it.
    pub interaction: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
    /// For whom, if known.
    pub customer: Option<String>,
    /// Whose login is to keep it: from the beginning whoever knows the matter, then whoever took it.
    pub owner: Option<String>,
    /// How it went, once it is done.
    pub outcome: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts changes.
    pub version: i64,
    /// Whether the customer said in that interaction that they are not content.
    pub dissatisfied: bool,
}

impl Record {
    /// Stores a follow-up in order with a call's steps, sooner or later.
    pub fn store_follow_up(&self, follow_up: NewFollowUp) {
        let id = self.new_id::<JobId>().to_string();
        self.writer.keep(Deed::FollowUp(Box::new(FollowUpRow::new(follow_up, id, self.now_micros()))));
    }

    /// The follow-ups of a customer, the most urgent first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn follow_ups_of(&self, customer: CustomerId) -> Result<Vec<FollowUp>, RecordError> {
        let condition = format!("customer_id IN {FAMILY} ORDER BY due_at, id");
        self.follow_ups_where(&condition, &customer.to_string()).await
    }

    pub(crate) async fn follow_ups_where(
        &self,
        condition: &str,
        value: &str,
    ) -> Result<Vec<FollowUp>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT id, reason, state, due_at, interaction_id, ticket_id, customer_id, owner, outcome, created_at, \
             version, (SELECT COUNT(*) FROM survey_answer s WHERE s.call_id = follow_up.interaction_id AND s.content = 0) \
             AS dissatisfied FROM follow_up WHERE {condition}"
        ))
        .bind(value)
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
                    customer: row.text_or_none("customer_id")?,
                    owner: row.text_or_none("owner")?,
                    outcome: row.text_or_none("outcome")?,
                    created_at: row.time("created_at")?,
                    version: row.int("version")?,
                    dissatisfied: row.int("dissatisfied")? > 0,
                })
            })
            .collect()
    }
}

/// A follow-up as the table takes it. Times in microseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct FollowUpRow {
    id: String,
    customer: Option<String>,
    interaction: Option<String>,
    ticket: Option<String>,
    phone: Option<String>,
    reason: String,
    note: Option<String>,
    due_at: i64,
    at: i64,
}

impl FollowUpRow {
    /// The call that asked for it.
    pub fn interaction(&self) -> Option<&str> {
        self.interaction.as_deref()
    }

    /// The same without what identifies its customer.
    pub fn blanked(&self) -> Self {
        Self { phone: None, note: None, ..self.clone() }
    }

    pub fn new(follow_up: NewFollowUp, id: String, at: i64) -> Self {
        Self {
            id,
            customer: follow_up.customer.map(|id| id.to_string()),
            interaction: follow_up.interaction.map(|id| id.to_string()),
            ticket: follow_up.ticket.map(|id| id.to_string()),
            phone: follow_up.phone.map(|number| number.e164().to_owned()),
            reason: follow_up.reason,
            note: follow_up.note.map(|note| clean(note.into_exposed())),
            due_at: at + i64::try_from(follow_up.due_in.as_micros()).unwrap_or(0),
            at,
        }
    }

    pub async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        let owner = keeper(connection, self.customer.as_deref(), self.ticket.as_deref()).await?;
        sqlx::query(
            "INSERT INTO follow_up (id, customer_id, interaction_id, ticket_id, phone, reason, note, state, due_at, \
             created_at, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&self.id)
        .bind(&self.customer)
        .bind(&self.interaction)
        .bind(&self.ticket)
        .bind(&self.phone)
        .bind(&self.reason)
        .bind(&self.note)
        .bind(self.due_at)
        .bind(self.at)
        .bind(&owner)
        .execute(&mut *connection)
        .await?;
        let row = EventRow {
            source: "follow-up".into(),
            source_event_id: self.id.clone(),
            type_name: "follow-up.made".into(),
            customer_id: self.customer.clone(),
            interaction_id: self.interaction.clone(),
            ticket_id: self.ticket.clone(),
            occurred_at: self.at,
            body: serde_json::json!({ "reason": self.reason, "owner": owner }).to_string(),
        };
        insert_events(connection, &[&row], self.at).await
    }
}
