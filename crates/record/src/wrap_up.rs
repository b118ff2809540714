//! What an agent writes down about a call: a reason out of the queue's words, and a note.

use std::time::Duration;

use hotline_model::{CallId, Pii, UserId};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::callers::keep_caller;
use crate::sql::{Columns, clean, short};
use crate::tickets::is_unspeakable;
use crate::{Record, RecordError};

/// What was written down.
#[derive(Debug, Clone)]
pub struct WrapUp {
    /// A word of the queue's.
    pub reason: String,
    /// More words.
    pub note: Option<Pii<String>>,
    /// Whose login wrote it.
    pub made_by: String,
    /// When, last.
    pub at: Timestamp,
}

/// What came of writing something down.
#[derive(Debug, Clone)]
pub enum Wrapped {
    /// It stands there.
    Stored,
    /// The same person wrote something else about this call before, which stays as it is.
    Before(WrapUp),
}

/// A call that its agent has not written anything about.
#[derive(Debug, Clone)]
pub struct ToWrapUp {
    /// The call.
    pub call: String,
    /// Who called, if it is known.
    pub customer: Option<String>,
    /// The queue they came by.
    pub queue: String,
    /// How long they talked, if nobody took the caller over.
    pub talked: Option<Duration>,
}

/// Characters of a note at most.
const LONGEST: usize = 4_000;

struct Input {
    call: String,
    reason: String,
    note: Option<Pii<String>>,
    by: String,
    amends: bool,
}

impl Record {
    /// Keeps what an agent writes down about a call. What they wrote before is replaced only if they say that they amend
    /// it; the journal tells both reasons. A note about a caller who is nobody's customer makes them one, with the number.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such call,
    /// or its queue gave this agent none of it.
    pub async fn wrap_up(
        &self,
        call: CallId,
        reason: &str,
        note: Option<Pii<String>>,
        by: &str,
        amends: bool,
    ) -> Result<Wrapped, RecordError> {
        let reason = short(reason.trim());
        if reason.is_empty() || reason.chars().count() > 64 || reason.chars().any(is_unspeakable) {
            return Err(RecordError::Invalid("reason: 1 to 64 characters are expected".into()));
        }
        let note = note.map(|text| clean(text.into_exposed().trim().to_owned())).filter(|t| !t.is_empty());
        if note.as_ref().is_some_and(|text| text.chars().count() > LONGEST) {
            return Err(RecordError::Invalid(format!("note: {LONGEST} characters at most")));
        }
        if note.as_ref().is_some_and(|text| text.chars().any(is_unspeakable)) {
            return Err(RecordError::Invalid("note: control characters are not taken".into()));
        }
        let input =
            Input { call: call.to_string(), reason, note: note.map(Pii::new), by: by.to_owned(), amends };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// What agents wrote down about a call, the first first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn wrap_ups_of(&self, call: &str) -> Result<Vec<WrapUp>, RecordError> {
        let rows = sqlx::query(
            "SELECT reason, note, made_by, at FROM wrap_up WHERE interaction_id = $1 ORDER BY at, made_by",
        )
        .bind(call)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(WrapUp::from_row).collect()
    }

    /// The call that an agent talked in last by way of a queue, if they talk in it no longer and wrote nothing about it.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn to_wrap_up(&self, agent: UserId, login: &str) -> Result<Option<ToWrapUp>, RecordError> {
        let row = sqlx::query(
            "SELECT w.interaction_id AS call, w.customer_id AS customer, w.queue AS queue, w.state AS state, \
             w.agent_id AS agent, w.since AS since, o.ended_at AS answered, (SELECT COUNT(*) FROM wrap_up u \
             WHERE u.interaction_id = w.interaction_id AND u.made_by = $2) AS written FROM offer o \
             JOIN waiting w ON w.id = o.waiting_id WHERE o.agent_id = $1 AND o.outcome = 'answered' \
             ORDER BY o.at DESC LIMIT 1",
        )
        .bind(agent.to_string())
        .bind(login)
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row.filter(|row| row.int("written").is_ok_and(|written| written == 0)) else {
            return Ok(None);
        };
        let is_theirs = row.text_or_none("agent")?.is_some_and(|one| one == agent.to_string());
        let state = row.text("state")?;
        if is_theirs && state != "served" {
            return Ok(None);
        }
        let talked = match row.int_or_none("answered")? {
            Some(answered) if is_theirs => u64::try_from(row.int("since")? - answered).ok(),
            _ => None,
        };
        Ok(Some(ToWrapUp {
            call: row.text("call")?,
            customer: row.text_or_none("customer")?,
            queue: row.text("queue")?,
            talked: talked.map(Duration::from_micros),
        }))
    }

    /// Whether an agent talked in a call, by the queues' rows; by its path, if a colleague put it through to them.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn served(&self, call: CallId, agent: UserId) -> Result<bool, RecordError> {
        let row = sqlx::query(
            "SELECT 1 AS there FROM waiting w WHERE w.interaction_id = $1 AND (w.agent_id = $2 OR EXISTS \
             (SELECT 1 FROM offer o WHERE o.waiting_id = w.id AND o.agent_id = $2 AND o.outcome = 'answered')) \
             UNION SELECT 1 FROM event e WHERE e.interaction_id = $1 AND e.type = 'call.joined' AND e.body LIKE $3 LIMIT 1",
        )
        .bind(call.to_string())
        .bind(agent.to_string())
        .bind(format!("%\"agent\":\"{agent}\"%"))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }
}

impl WrapUp {
    fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            reason: row.text("reason")?,
            note: row.text_or_none("note")?.map(Pii::new),
            made_by: row.text("made_by")?,
            at: row.time("at")?,
        })
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Wrapped, RecordError> {
        let row = sqlx::query("SELECT customer_id, ticket_id, erased FROM interaction WHERE id = $1")
            .bind(&self.call)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(RecordError::NotFound("call"))?;
        // Of an erased customer nothing is noted any more.
        let note = self.note.as_ref().filter(|_| row.int("erased").is_ok_and(|erased| erased == 0));
        let before = sqlx::query(
            "SELECT reason, note, made_by, at FROM wrap_up WHERE interaction_id = $1 AND made_by = $2",
        )
        .bind(&self.call)
        .bind(&self.by)
        .fetch_optional(&mut *connection)
        .await?
        .map(|row| WrapUp::from_row(&row))
        .transpose()?;
        if let Some(before) = &before {
            let text = |note: Option<&Pii<String>>| note.map(|text| text.expose().clone());
            if before.reason == self.reason && text(before.note.as_ref()) == text(note) {
                return Ok(Wrapped::Stored);
            }
            if !self.amends {
                return Ok(Wrapped::Before(before.clone()));
            }
        }
        sqlx::query(
            "INSERT INTO wrap_up (interaction_id, made_by, reason, note, at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (interaction_id, made_by) DO UPDATE SET reason = excluded.reason, note = excluded.note, \
             at = excluded.at",
        )
        .bind(&self.call)
        .bind(&self.by)
        .bind(&self.reason)
        .bind(note.map(|text| text.expose().as_str()))
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        // What the plan found out stays; where it found nothing, the agent's word is the reason.
        sqlx::query("UPDATE interaction SET reason = COALESCE(reason, $2) WHERE id = $1")
            .bind(&self.call)
            .bind(&self.reason)
            .execute(&mut *connection)
            .await?;
        crate::talks::wrap_up(connection, &self.call, &self.by, &self.reason).await?;
        let (mut customer, ticket) = (row.text_or_none("customer_id")?, row.text_or_none("ticket_id")?);
        if customer.is_none() && note.is_some() {
            customer = Some(keep_caller(connection, &self.call, &self.by, stamp).await?);
        }
        let mut body = serde_json::json!({ "by": self.by, "reason": self.reason, "noted": note.is_some() });
        if let Some(before) = before {
            body["was"] = before.reason.into();
        }
        Entry {
            type_name: "call.wrapped-up",
            customer: customer.as_deref(),
            interaction: Some(&self.call),
            ticket: ticket.as_deref(),
            body,
        }
        .write(connection, stamp)
        .await?;
        Ok(Wrapped::Stored)
    }
}
