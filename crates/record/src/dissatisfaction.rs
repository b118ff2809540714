//! Why customers are not content, as the humans found who dealt with it.
//!
//! It stands beside what the customer answered and replaces nothing: what somebody presses on a telephone in a second and
//! what a human hears in ten minutes are two findings, and how far they differ tells whether the survey asks well.

use hotline_model::{CallId, Pii};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::sql::{Columns, clean};
use crate::tickets::is_unspeakable;
use crate::{Record, RecordError};

/// The reasons to choose from.
pub const DISSATISFACTIONS: [&str; 5] = ["too-slow", "not-solved", "money", "manner", "something-else"];

/// Characters of a note at most.
const LONGEST: usize = 4_000;

/// Why a customer is not content, in a human's words.
#[derive(Debug, Clone)]
pub struct Dissatisfaction {
    /// One of [`DISSATISFACTIONS`].
    pub reason: String,
    /// More words.
    pub note: Option<Pii<String>>,
    /// Whose login wrote it.
    pub made_by: String,
    /// When, last.
    pub at: Timestamp,
}

struct Input {
    call: String,
    reason: String,
    note: Option<String>,
    by: String,
}

impl Record {
    /// Keeps why a customer is not content, as a human found. What was written about the same call before is replaced; the
    /// journal tells both reasons.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if nobody said in that call that they are not
    /// content.
    pub async fn explain_dissatisfaction(
        &self,
        call: CallId,
        reason: &str,
        note: Option<Pii<String>>,
        by: &str,
    ) -> Result<(), RecordError> {
        if !DISSATISFACTIONS.contains(&reason) {
            let known = DISSATISFACTIONS.join(", ");
            return Err(RecordError::Invalid(format!("reason: one of {known} is expected")));
        }
        let note = note.map(|text| clean(text.into_exposed().trim().to_owned())).filter(|t| !t.is_empty());
        if note.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(RecordError::Invalid(format!("note: {LONGEST} characters at most")));
        }
        if note.as_ref().is_some_and(|text| text.chars().any(is_unspeakable)) {
            return Err(RecordError::Invalid("note: control characters are not taken".into()));
        }
        let input = Input { call: call.to_string(), reason: reason.to_owned(), note, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// Whether a follow-up that a call or page led to is somebody's, by their login.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn follows_up(&self, call: CallId, login: &str) -> Result<bool, RecordError> {
        let row =
            sqlx::query("SELECT 1 AS there FROM follow_up WHERE interaction_id = $1 AND owner = $2 LIMIT 1")
                .bind(call.to_string())
                .bind(login)
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.is_some())
    }

    /// What a human found out about a call in which a customer said that they are not content.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn dissatisfaction_of(&self, call: &str) -> Result<Option<Dissatisfaction>, RecordError> {
        let sql = "SELECT reason, note, made_by, at FROM dissatisfaction WHERE interaction_id = $1";
        let row = sqlx::query(sql).bind(call).fetch_optional(&self.readers).await?;
        row.map(|row| {
            Ok(Dissatisfaction {
                reason: row.text("reason")?,
                note: row.text_or_none("note")?.map(Pii::new),
                made_by: row.text("made_by")?,
                at: row.time("at")?,
            })
        })
        .transpose()
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let row = sqlx::query(
            "SELECT i.customer_id, i.erased, s.ticket_id, d.reason AS was FROM survey_answer s \
             JOIN interaction i ON i.id = s.call_id LEFT JOIN dissatisfaction d ON d.interaction_id = i.id \
             WHERE s.call_id = $1 AND s.content = 0 LIMIT 1",
        )
        .bind(&self.call)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("call of somebody who is not content"))?;
        let (customer, ticket) = (row.text_or_none("customer_id")?, row.text_or_none("ticket_id")?);
        // Of an erased customer nothing is noted any more.
        let note = self.note.as_deref().filter(|_| row.int("erased").is_ok_and(|erased| erased == 0));
        sqlx::query(
            "INSERT INTO dissatisfaction (interaction_id, ticket_id, customer_id, reason, note, made_by, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (interaction_id) DO UPDATE SET \
             reason = excluded.reason, note = excluded.note, made_by = excluded.made_by, at = excluded.at",
        )
        .bind(&self.call)
        .bind(&ticket)
        .bind(&customer)
        .bind(&self.reason)
        .bind(note)
        .bind(&self.by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        let mut body = serde_json::json!({ "by": self.by, "reason": self.reason, "noted": note.is_some() });
        if let Some(was) = row.text_or_none("was")? {
            body["was"] = was.into();
        }
        Entry {
            type_name: "call.explained",
            customer: customer.as_deref(),
            interaction: Some(&self.call),
            ticket: ticket.as_deref(),
            body,
        }
        .write(connection, stamp)
        .await
    }
}
