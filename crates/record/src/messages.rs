//! Text messages: stored before they are sent, each with an idempotency key; what became of one
//! is asked for or marked unknown, never blindly repeated.

use std::sync::Arc;

use hotline_model::{CallId, CustomerId, JobId, MessageId, PhoneNumber, Pii, TicketId};
use jiff::Timestamp;
use serde::Serialize;

use crate::act::Stamp;
use crate::deed::{EventRow, insert_events};
use crate::follow_ups::{FollowUpRow, NewFollowUp};
use crate::jobs::{Job, end_job};
use crate::sql::{Columns, FAMILY, clean, short};
use crate::survey_pages::BLANKED;
use crate::{Record, RecordError};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    /// Waits for its time.
    Due,
    /// Handed to the provider; no answer yet.
    Sending,
    /// The provider took it.
    Sent,
    /// Nobody knows whether the provider took it: never sent again by itself.
    Unknown,
    /// It reached the telephone.
    Delivered,
    /// It will not reach the telephone.
    Failed,
    /// It was taken back before it was sent.
    Cancelled,
}

impl MessageState {
    const ALL: [Self; 7] =
        [Self::Due, Self::Sending, Self::Sent, Self::Unknown, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::str::FromStr for MessageState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// A message to be stored.
#[derive(Debug, Clone)]
pub struct NewMessage {
    /// Two messages with one key are one message.
    pub idempotency_key: String,
    /// To whom.
    pub customer: CustomerId,
    /// About which ticket.
    pub ticket: Option<TicketId>,
    /// To which number.
    pub recipient: PhoneNumber,
    /// The words.
    pub text: Pii<String>,
    /// Not before.
    pub due_at: Timestamp,
    /// Asked for by its customer just now, or planned within hours of its own: it keeps none of the house.
    pub urgent: bool,
    /// The attempt of a policy that it is.
    pub attempt: Option<CallId>,
    /// Taken back if it was not handed over before.
    pub until: Option<Timestamp>,
}

/// A message as it stands.
#[derive(Debug, Clone)]
pub struct Message {
    /// The message.
    pub id: MessageId,
    /// The key that the provider is given too.
    pub idempotency_key: String,
    /// To whom.
    pub customer: CustomerId,
    /// About which ticket.
    pub ticket: Option<TicketId>,
    /// To which number.
    pub recipient: PhoneNumber,
    /// The words.
    pub text: Pii<String>,
    /// Where it stands.
    pub state: MessageState,
    /// Not before.
    pub due_at: Timestamp,
    /// How often it was handed to the provider.
    pub attempts: i64,
    /// What the provider calls it.
    pub provider_ref: Option<String>,
    /// The attempt of a policy that it is.
    pub attempt: Option<CallId>,
}

/// What came of handing a message to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendOutcome {
    /// Taken; with the provider's own name for it, if it gave one.
    Sent(Option<String>),
    /// Certainly not taken, and may be tried again at this time.
    Again(Timestamp, String),
    /// Certainly not taken, and never will be.
    Refused(String),
    /// It is not known whether it was taken.
    Unknown(String),
    /// It reached the telephone.
    Delivered,
    /// It was taken, and did not reach the telephone.
    Undeliverable(String),
}

/// In microseconds.
const HOUR: i64 = 3_600_000_000;

const COLUMNS: &str = "id, idempotency_key, customer_id, ticket_id, recipient, text, state, due_at, attempts, \
    provider_ref, attempt_id";

impl Message {
    fn from_row(row: &sqlx::any::AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.parsed("id")?,
            idempotency_key: row.text("idempotency_key")?,
            customer: row.parsed("customer_id")?,
            ticket: row.parsed_or_none("ticket_id")?,
            recipient: row.parsed("recipient")?,
            text: row.text("text")?.into(),
            state: row.parsed("state")?,
            due_at: row.time("due_at")?,
            attempts: row.int("attempts")?,
            provider_ref: row.text_or_none("provider_ref")?,
            attempt: row.parsed_or_none("attempt_id")?,
        })
    }
}

impl Record {
    /// How many messages are in each state, zeros included.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn count_messages(&self) -> Result<Vec<(MessageState, i64)>, RecordError> {
        let rows = sqlx::query("SELECT state, COUNT(*) AS messages FROM message GROUP BY state")
            .fetch_all(&self.readers)
            .await?;
        let mut counts: Vec<_> = MessageState::ALL.into_iter().map(|state| (state, 0)).collect();
        for row in &rows {
            let state = row.text("state")?;
            if let Some((_, count)) = counts.iter_mut().find(|(known, _)| known.word() == state) {
                *count = row.int("messages")?;
            }
        }
        Ok(counts)
    }

    /// Stores a message that `job` was to plan and ends the job, in one transaction. Messages
    /// about the same ticket that are not sent yet are taken back: the new one replaces them.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn plan_message(&self, job: &Job, message: NewMessage) -> Result<(), RecordError> {
        let ended = job.id.clone();
        let id = self.new_id::<MessageId>().to_string();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (message, id, ended) = (message.clone(), id.clone(), ended.clone());
                Box::pin(async move {
                    // The code sent again does not replace what is planned.
                    sqlx::query(
                        "UPDATE message SET state = 'cancelled', changed_at = $3 \
                         WHERE ticket_id = $1 AND state = 'due' AND idempotency_key <> $2 AND $4 = 0 \
                         AND attempt_id IS NULL",
                    )
                    .bind(message.ticket.map(|id| id.to_string()))
                    .bind(&message.idempotency_key)
                    .bind(now)
                    .bind(i64::from(message.urgent))
                    .execute(&mut *connection)
                    .await?;
                    insert_message(connection, &message, &id, now).await?;
                    end_job(connection, &ended, now).await
                })
            })
            .await
    }

    /// Takes the messages that are due, marks them as being sent, and gives them: committed before
    /// anything leaves the machine. `urgent_only`: outside the hours, what customers have just
    /// asked for.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn claim_messages(&self, limit: u32, urgent_only: bool) -> Result<Vec<Message>, RecordError> {
        let (now, server) = (self.now_micros(), Arc::clone(&self.server));
        let sql = format!(
            "UPDATE message SET state = 'sending', attempts = attempts + 1, changed_at = $1, server = $4 \
             WHERE id IN (SELECT id FROM message WHERE state = 'due' AND due_at <= $1 \
             AND urgent >= $3 AND (until_at IS NULL OR until_at > $1) ORDER BY due_at LIMIT $2 {}) RETURNING {COLUMNS}",
            self.engine.skip_locked()
        );
        self.writer
            .prompt(move |connection| {
                let (sql, server) = (sql.clone(), Arc::clone(&server));
                Box::pin(async move {
                    let rows = sqlx::query(&sql)
                        .bind(now)
                        .bind(i64::from(limit))
                        .bind(i64::from(urgent_only))
                        .bind(&*server)
                        .fetch_all(connection)
                        .await?;
                    let mut claimed: Vec<Message> =
                        rows.iter().map(Message::from_row).collect::<Result<_, _>>()?;
                    claimed.sort_by_key(|message| message.due_at);
                    Ok(claimed)
                })
            })
            .await
    }

    /// Takes the messages that a crash left between being handed over and the answer: this
    /// server's own, and those of servers that have not settled theirs for an hour.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn unsettled_messages(&self) -> Result<Vec<Message>, RecordError> {
        let (now, server) = (self.now_micros(), Arc::clone(&self.server));
        let sql = format!(
            "UPDATE message SET server = $1, changed_at = $2 WHERE id IN (SELECT id FROM message \
             WHERE state = 'sending' AND (server = $1 OR server = '' OR changed_at < $3) {}) RETURNING {COLUMNS}",
            self.engine.skip_locked()
        );
        self.writer
            .prompt(move |connection| {
                let (sql, server) = (sql.clone(), Arc::clone(&server));
                Box::pin(async move {
                    let rows = sqlx::query(&sql)
                        .bind(&*server)
                        .bind(now)
                        .bind(now - HOUR)
                        .fetch_all(connection)
                        .await?;
                    rows.iter().map(Message::from_row).collect()
                })
            })
            .await
    }

    /// The messages of a customer, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn messages_of(&self, customer: CustomerId) -> Result<Vec<Message>, RecordError> {
        let condition = format!("customer_id IN {FAMILY} ORDER BY created_at DESC");
        self.messages_where(&condition, &customer.to_string()).await
    }

    async fn messages_where(&self, condition: &str, value: &str) -> Result<Vec<Message>, RecordError> {
        let rows =
            sqlx::query(&format!("SELECT {COLUMNS} FROM message WHERE recipient <> '' AND {condition}"))
                .bind(value)
                .fetch_all(&self.readers)
                .await?;
        rows.iter().map(Message::from_row).collect()
    }

    /// Whether [`Record::claim_messages`] would give any: asked first, because a claim is a commit
    /// and a commit wakes those who claim.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn has_due_messages(&self, urgent_only: bool) -> Result<bool, RecordError> {
        let row = sqlx::query(
            "SELECT id FROM message WHERE state = 'due' AND due_at <= $1 AND urgent >= $2 \
             AND (until_at IS NULL OR until_at > $1) LIMIT 1",
        )
        .bind(self.now_micros())
        .bind(i64::from(urgent_only))
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.is_some())
    }

    /// Takes back the messages whose time is over and that were not handed over.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn expire_messages(&self) -> Result<(), RecordError> {
        let sql = "SELECT id FROM message WHERE state = 'due' AND until_at <= $1 LIMIT 1";
        let over = sqlx::query(sql).bind(self.now_micros()).fetch_optional(&self.readers).await?;
        // A change is a commit, and a commit wakes those who look for work.
        if over.is_none() {
            return Ok(());
        }
        self.change((), |connection, _, stamp| {
            Box::pin(async move { take_back(connection, None, &stamp).await })
        })
        .await
    }

    /// Takes back the message of an attempt, if it was not handed over.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn cancel_message(&self, attempt: CallId) -> Result<(), RecordError> {
        self.change(attempt.to_string(), |connection, attempt, stamp| {
            Box::pin(async move { take_back(connection, Some(&attempt), &stamp).await })
        })
        .await
    }

    /// When the next message is due, if one is waiting.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn next_message_at(&self) -> Result<Option<Timestamp>, RecordError> {
        let row = sqlx::query("SELECT MIN(due_at) AS at FROM message WHERE state = 'due'")
            .fetch_one(&self.readers)
            .await?;
        row.time_or_none("at")
    }

    /// Stores what came of a message. One that will not arrive, or of which nobody knows, becomes
    /// a follow-up in the same transaction.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn settle_message(&self, message: &Message, outcome: SendOutcome) -> Result<(), RecordError> {
        let message = message.clone();
        let event = self.new_id::<JobId>().to_string();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (message, outcome, event) = (message.clone(), outcome.clone(), event.clone());
                Box::pin(async move {
                    let (state, error, due) = match &outcome {
                        SendOutcome::Sent(_) => (MessageState::Sent, None, None),
                        SendOutcome::Again(at, error) => (MessageState::Due, Some(error), Some(*at)),
                        SendOutcome::Refused(error) | SendOutcome::Undeliverable(error) => {
                            (MessageState::Failed, Some(error), None)
                        }
                        SendOutcome::Unknown(error) => (MessageState::Unknown, Some(error), None),
                        SendOutcome::Delivered => (MessageState::Delivered, None, None),
                    };
                    let reference = match &outcome {
                        SendOutcome::Sent(reference) => reference.as_deref().map(short),
                        _ => None,
                    };
                    let id = message.id.to_string();
                    // A receipt may overtake the answer: what is settled for good stays.
                    let changed = sqlx::query(
                        "UPDATE message SET state = $2, error = $3, due_at = COALESCE($4, due_at), \
                         provider_ref = COALESCE($5, provider_ref), changed_at = $6 \
                         WHERE id = $1 AND state NOT IN ('delivered', 'failed', 'cancelled')",
                    )
                    .bind(&id)
                    .bind(state.word())
                    .bind(error.cloned().map(clean))
                    .bind(due.map(Timestamp::as_microsecond))
                    .bind(reference)
                    .bind(now)
                    .execute(&mut *connection)
                    .await?;
                    if changed.rows_affected() == 0 {
                        return Ok(());
                    }
                    if matches!(state, MessageState::Sent | MessageState::Delivered | MessageState::Failed) {
                        crate::uploads::forget_token(connection, &id, message.text.expose()).await?;
                    }
                    let row = EventRow {
                        source: "message".into(),
                        source_event_id: event.clone(),
                        type_name: event_type(state).into(),
                        customer_id: Some(message.customer.to_string()),
                        interaction_id: None,
                        ticket_id: message.ticket.map(|id| id.to_string()),
                        occurred_at: now,
                        body: event_body(&id, message.attempt),
                    };
                    insert_events(connection, &[&row], now).await?;
                    // What a policy tells is no call for the result, and what cannot be told is the policy's matter.
                    if let Some(attempt) = message.attempt {
                        if state != MessageState::Due {
                            blank_link(connection, &id).await?;
                        }
                        return if state == MessageState::Failed {
                            store_undelivered(connection, attempt).await
                        } else {
                            Ok(())
                        };
                    }
                    if state == MessageState::Sent
                        && let Some(ticket) = message.ticket
                    {
                        sqlx::query("UPDATE ticket SET notified_at = $2 WHERE id = $1")
                            .bind(ticket.to_string())
                            .bind(now)
                            .execute(&mut *connection)
                            .await?;
                    }
                    if matches!(state, MessageState::Failed | MessageState::Unknown) {
                        let follow_up = NewFollowUp {
                            customer: Some(message.customer),
                            interaction: None,
                            ticket: message.ticket,
                            phone: Some(message.recipient.clone()),
                            reason: if state == MessageState::Failed {
                                "message-undeliverable".into()
                            } else {
                                "message-unknown".into()
                            },
                            note: None,
                            due_in: std::time::Duration::from_secs(24 * 3600),
                        };
                        FollowUpRow::new(follow_up, event, now).store(connection).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// The message a provider's receipt is about: by our key or by the provider's own name.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_message(&self, key_or_ref: &str) -> Result<Option<Message>, RecordError> {
        let mut found =
            self.messages_where("(idempotency_key = $1 OR provider_ref = $1)", &short(key_or_ref)).await?;
        Ok(found.pop())
    }
}

/// The link of a message that left opens its page to whoever reads it: it does not stay on the record.
async fn blank_link(connection: &mut sqlx::AnyConnection, message: &str) -> Result<(), RecordError> {
    let row = sqlx::query(
        "SELECT m.text, p.token_hash FROM message m JOIN survey_page p ON p.attempt_id = m.attempt_id WHERE m.id = $1",
    )
    .bind(message)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let (text, hash) = (row.text("text")?, row.text("token_hash")?);
    let is_token = |word: &&str| crate::users::hash_of(word) == hash;
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let Some(token) = text.split(|c| !is_part(c)).find(is_token) else { return Ok(()) };
    sqlx::query("UPDATE message SET text = $2 WHERE id = $1")
        .bind(message)
        .bind(text.replace(token, BLANKED))
        .execute(connection)
        .await?;
    Ok(())
}

fn event_body(message: &str, attempt: Option<CallId>) -> String {
    match attempt {
        Some(attempt) => {
            serde_json::json!({ "message": message, "attempt": attempt.to_string() }).to_string()
        }
        None => serde_json::json!({ "message": message }).to_string(),
    }
}

/// What was taken and could not be delivered after all has failed.
pub(crate) async fn store_undelivered(
    connection: &mut sqlx::AnyConnection,
    attempt: CallId,
) -> Result<(), RecordError> {
    sqlx::query(
        "UPDATE campaign_attempt SET disposition = 'failed' WHERE call_id = $1 AND disposition = 'sent' \
         AND EXISTS (SELECT 1 FROM message m WHERE m.attempt_id = campaign_attempt.call_id AND m.state = 'failed')",
    )
    .bind(attempt.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes back the message of an attempt, or those whose time is over, if they were not handed over; with the journal's
/// entries of it.
async fn take_back(
    connection: &mut sqlx::AnyConnection,
    attempt: Option<&str>,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let which = if attempt.is_some() { "attempt_id = $2" } else { "until_at <= $1" };
    let sql = format!(
        "UPDATE message SET state = 'cancelled', changed_at = $1 WHERE state = 'due' AND {which} \
         RETURNING {COLUMNS}"
    );
    let query = sqlx::query(&sql).bind(stamp.now);
    let query = if let Some(attempt) = attempt { query.bind(attempt.to_owned()) } else { query };
    let rows = query.fetch_all(&mut *connection).await?;
    for row in &rows {
        let message = Message::from_row(row)?;
        blank_link(connection, &message.id.to_string()).await?;
        let entry = EventRow {
            source: "message".into(),
            source_event_id: stamp.id(),
            type_name: event_type(MessageState::Cancelled).into(),
            customer_id: Some(message.customer.to_string()),
            interaction_id: None,
            ticket_id: message.ticket.map(|id| id.to_string()),
            occurred_at: stamp.now,
            body: event_body(&message.id.to_string(), message.attempt),
        };
        insert_events(connection, &[&entry], stamp.now).await?;
    }
    Ok(())
}

const fn event_type(state: MessageState) -> &'static str {
    match state {
        MessageState::Due => "message.postponed",
        MessageState::Sending => "message.sending",
        MessageState::Sent => "message.sent",
        MessageState::Unknown => "message.unknown",
        MessageState::Delivered => "message.delivered",
        MessageState::Failed => "message.failed",
        MessageState::Cancelled => "message.cancelled",
    }
}

pub(crate) async fn insert_message(
    connection: &mut sqlx::AnyConnection,
    message: &NewMessage,
    id: &str,
    now: i64,
) -> Result<bool, RecordError> {
    let done = sqlx::query(
        "INSERT INTO message (id, idempotency_key, customer_id, ticket_id, recipient, text, state, due_at, urgent, \
         created_at, changed_at, attempt_id, until_at) VALUES ($1, $2, $3, $4, $5, $6, 'due', $7, $8, $9, $9, $10, $11) \
         ON CONFLICT (idempotency_key) DO NOTHING",
    )
    .bind(id)
    .bind(&message.idempotency_key)
    .bind(message.customer.to_string())
    .bind(message.ticket.map(|id| id.to_string()))
    .bind(message.recipient.e164())
    .bind(message.text.expose())
    .bind(message.due_at.as_microsecond())
    .bind(i64::from(message.urgent))
    .bind(now)
    .bind(message.attempt.map(|id| id.to_string()))
    .bind(message.until.map(Timestamp::as_microsecond))
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
