//! A call as an interaction, with its steps as events.

use hotline_model::{
    CallId, CallerNumber, CustomerId, EndReason, Language, PhoneNumber, StepEvent, TicketId,
};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::sql::Columns;
use crate::tickets::code_lifetime_micros;
use crate::writer::{EventRow, insert_events};
use crate::{Record, RecordError};

/// A call that begins.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// The call's id: also its interaction's.
    pub call: CallId,
    /// The SIP Call-ID: the same call is never recorded twice.
    pub sip_call_id: String,
    /// Who it says it is.
    pub caller: CallerNumber,
    /// The number that was dialled.
    pub dialled: String,
    /// The trunk it came by.
    pub trunk: String,
    /// The plan that answers.
    pub plan: String,
    /// Its version.
    pub plan_version: String,
    /// When it came.
    pub at: Timestamp,
}

/// What the record knows of a caller at the first ring. The number is a hint: nothing that is
/// told to a caller may rest on it.
#[derive(Debug, Clone, Default)]
pub struct OpenedCall {
    /// The customer whom the number suggests.
    pub customer: Option<CustomerId>,
    /// The language that customer is spoken to in.
    pub language: Option<Language>,
    /// Their tier, if they have one.
    pub tier: Option<String>,
}

/// One step of a call, as the interpreter noted it.
#[derive(Debug, Clone)]
pub struct CallStep {
    /// Its place in the call, from 1: the same step stored twice stands there once.
    pub number: u32,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub event: StepEvent,
}

/// What a plan writes about its call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CallSave {
    /// How the call ended up, in the plan's word (`contained`, `wants-human`).
    pub outcome: Option<String>,
    /// Why the caller called, in the plan's word.
    pub reason: Option<String>,
    /// Words for whoever reads it.
    pub note: Option<String>,
    /// Tags on the customer, if one is known.
    pub tags: Vec<String>,
    /// The language spoken at the end.
    pub language: Option<Language>,
    /// Where its recording lies: told when it begins, so that a crash leaves none that nobody knows.
    pub recording: Option<String>,
    /// The ticket that was heard.
    pub heard_ticket: Option<TicketId>,
}

/// How a call ended.
#[derive(Debug, Clone)]
pub struct CallEnd {
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
}

impl Record {
    /// What the record knows of a caller's number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn recognise(&self, caller: &CallerNumber) -> Result<OpenedCall, RecordError> {
        let Some(number) = caller.phone() else { return Ok(OpenedCall::default()) };
        let rows = sqlx::query(
            "SELECT c.id, c.merged_into, c.language, c.tier FROM identity i \
             JOIN identity_link l ON l.identity_id = i.id AND l.valid_to IS NULL AND l.level = 'verified' \
             JOIN customer c ON c.id = l.customer_id \
             WHERE i.kind = 'phone' AND i.namespace = '' AND i.value = $1 LIMIT 2",
        )
        .bind(number.e164())
        .fetch_all(&self.readers)
        .await?;
        // A number that several customers share names none of them.
        let [row] = rows.as_slice() else { return Ok(OpenedCall::default()) };
        let id = match row.parsed_or_none("merged_into")? {
            Some(id) => id,
            None => row.parsed("id")?,
        };
        Ok(OpenedCall {
            customer: Some(id),
            language: row.parsed_or_none("language")?,
            tier: row.text_or_none("tier")?,
        })
    }

    /// Stores that a call began. It is stored in order with the steps that follow, and stays in
    /// memory while the database is away.
    pub fn begin_call(&self, call: NewCall, known: &OpenedCall) {
        let identity = self.new_id::<hotline_model::IdentityId>().to_string();
        let customer = known.customer.map(|id| id.to_string());
        let language = known.language.map(Language::tag);
        self.writer.patient(move |connection| {
            let (call, identity, customer) = (call.clone(), identity.clone(), customer.clone());
            Box::pin(async move {
                let at = call.at.as_microsecond();
                let identity = store_identity(connection, &call.caller, &identity, at).await?;
                let id = call.call.to_string();
                sqlx::query(
                    "INSERT INTO interaction (id, channel, native_id, root_id, direction, identity_id, \
                     customer_id, known_by, dialled, trunk, plan, plan_version, language, started_at) \
                     VALUES ($1, 'call', $2, $1, 'in', $3, $4, $5, $6, $7, $8, $9, $10, $11) \
                     ON CONFLICT (channel, native_id) DO NOTHING",
                )
                .bind(&id)
                // A Call-ID may come again years later from another server: ours stands behind it.
                .bind(format!("{} {id}", call.sip_call_id))
                .bind(identity)
                .bind(&customer)
                .bind(customer.as_ref().map(|_| "caller-id"))
                .bind(call.dialled)
                .bind(call.trunk)
                .bind(call.plan)
                .bind(call.plan_version)
                .bind(language)
                .bind(at)
                .execute(connection)
                .await?;
                Ok(())
            })
        });
    }

    /// Stores steps of a call as they happen, in order, sooner or later ([`crate::Record::flush`]).
    pub fn store_steps(&self, call: CallId, customer: Option<CustomerId>, steps: &[CallStep]) {
        let customer = customer.map(|id| id.to_string());
        self.writer.steps(steps.iter().map(|step| step_row(call, customer.clone(), step)).collect());
    }

    /// Stores steps and answers when they are committed: for what may not be lost once the
    /// caller has heard that it was taken.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take them now.
    pub async fn confirm_steps(
        &self,
        call: CallId,
        customer: Option<CustomerId>,
        steps: &[CallStep],
    ) -> Result<(), RecordError> {
        let customer = customer.map(|id| id.to_string());
        let rows: Vec<EventRow> = steps.iter().map(|step| step_row(call, customer.clone(), step)).collect();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let rows = rows.clone();
                Box::pin(async move { insert_events(connection, &rows, now).await })
            })
            .await
    }

    /// Stores what a plan writes about its call; what is `None` stays as it is.
    pub fn save_call(&self, call: CallId, save: CallSave) {
        let now = self.now_micros();
        self.writer.patient(move |connection| {
            let save = save.clone();
            Box::pin(async move {
                sqlx::query(
                    "UPDATE interaction SET outcome = COALESCE($2, outcome), reason = COALESCE($3, reason), \
                     language = COALESCE($4, language), note = COALESCE($5, note), \
                     recording = COALESCE($6, recording) WHERE id = $1",
                )
                .bind(call.to_string())
                .bind(save.outcome)
                .bind(save.reason)
                .bind(save.language.map(Language::tag))
                .bind(save.note)
                .bind(save.recording)
                .execute(&mut *connection)
                .await?;
                for tag in &save.tags {
                    sqlx::query(
                        "INSERT INTO customer_tag (customer_id, tag, at) SELECT customer_id, $2, $3 \
                         FROM interaction WHERE id = $1 AND customer_id IS NOT NULL \
                         ON CONFLICT (customer_id, tag) DO NOTHING",
                    )
                    .bind(call.to_string())
                    .bind(tag)
                    .bind(now)
                    .execute(&mut *connection)
                    .await?;
                }
                if let Some(ticket) = save.heard_ticket {
                    sqlx::query("UPDATE ticket SET heard_at = COALESCE(heard_at, $2) WHERE id = $1")
                        .bind(ticket.to_string())
                        .bind(now)
                        .execute(connection)
                        .await?;
                }
                Ok(())
            })
        });
    }

    /// Stores how a call ended. A second end changes nothing.
    pub fn end_call(&self, call: CallId, end: CallEnd) {
        self.writer.patient(move |connection| {
            let end = end.clone();
            Box::pin(async move {
                sqlx::query(
                    "UPDATE interaction SET ending = $2, end_code = $3, ended_at = $4 \
                     WHERE id = $1 AND ended_at IS NULL",
                )
                .bind(call.to_string())
                .bind(end.reason.ending.word())
                .bind(end.reason.code.into_owned())
                .bind(end.at.as_microsecond())
                .execute(connection)
                .await?;
                Ok(())
            })
        });
    }

    /// Ends the calls that a crash cut off: those that began before this process did and have no
    /// end. Gives their number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn end_orphans(&self, started_before: Timestamp) -> Result<u64, RecordError> {
        let before = started_before.as_microsecond();
        self.writer
            .prompt(move |connection| {
                Box::pin(async move {
                    // The end is the last thing known of the call.
                    let done = sqlx::query(
                        "UPDATE interaction SET ending = 'us', end_code = 'crashed', ended_at = COALESCE( \
                         (SELECT MAX(e.occurred_at) FROM event e WHERE e.interaction_id = interaction.id), started_at) \
                         WHERE ended_at IS NULL AND started_at < $1",
                    )
                    .bind(before)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected())
                })
            })
            .await
    }
}

fn step_row(call: CallId, customer: Option<String>, step: &CallStep) -> EventRow {
    let id = call.to_string();
    EventRow {
        source: "call",
        source_event_id: format!("{id}:{}", step.number),
        type_name: step.event.type_name(),
        customer_id: customer,
        interaction_id: Some(id),
        ticket_id: None,
        occurred_at: step.at.as_microsecond(),
        body: serde_json::to_string(&step.event).unwrap_or_else(|_| "{}".into()),
    }
}

async fn store_identity(
    connection: &mut AnyConnection,
    caller: &CallerNumber,
    new_id: &str,
    at: i64,
) -> Result<Option<String>, RecordError> {
    let (kind, value) = match caller {
        CallerNumber::Phone(number) => ("phone", number.e164()),
        CallerNumber::Short(number) => ("short", number.expose().as_str()),
        CallerNumber::Withheld => return Ok(None),
    };
    find_or_make_identity(connection, kind, value, new_id, at).await.map(Some)
}

/// The id of an identity, which is made if it is not there.
pub(crate) async fn find_or_make_identity(
    connection: &mut AnyConnection,
    kind: &str,
    value: &str,
    new_id: &str,
    at: i64,
) -> Result<String, RecordError> {
    let row = sqlx::query(
        "INSERT INTO identity (id, kind, namespace, value, created_at) VALUES ($1, $2, '', $3, $4) \
         ON CONFLICT (kind, namespace, value) DO UPDATE SET kind = excluded.kind RETURNING id",
    )
    .bind(new_id)
    .bind(kind)
    .bind(value)
    .bind(at)
    .fetch_one(connection)
    .await?;
    row.text("id")
}

/// The customer to whom a telephone number is linked for certain, if there is exactly one.
pub(crate) async fn customer_of_phone(
    connection: &mut AnyConnection,
    number: &PhoneNumber,
) -> Result<Option<String>, RecordError> {
    let rows = sqlx::query(
        "SELECT COALESCE(c.merged_into, c.id) AS id FROM identity i \
         JOIN identity_link l ON l.identity_id = i.id AND l.valid_to IS NULL AND l.level = 'verified' \
         JOIN customer c ON c.id = l.customer_id \
         WHERE i.kind = 'phone' AND i.namespace = '' AND i.value = $1 LIMIT 2",
    )
    .bind(number.e164())
    .fetch_all(connection)
    .await?;
    match rows.as_slice() {
        [row] => Ok(Some(row.text("id")?)),
        _ => Ok(None),
    }
}

/// Microseconds until which a code made at `now` is valid.
pub(crate) const fn code_expiry(now: i64) -> i64 {
    now + code_lifetime_micros()
}
