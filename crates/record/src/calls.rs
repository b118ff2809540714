//! A call as an interaction, with its steps as events.

use std::sync::Arc;

use hotline_model::{
    CallId, CallerNumber, CustomerId, EndReason, Language, PhoneNumber, StepEvent, TicketId,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::deed::{Deed, EventRow, erased_calls, insert_events, places, statement};
use crate::sql::{Columns, clean, short};
use crate::tickets::code_lifetime_micros;
use crate::{Record, RecordError};

/// A call that begins.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// The call's id: also its interaction's.
    pub call: CallId,
    /// The SIP Call-ID: the same call is never recorded twice.
    pub sip_call_id: String,
    /// Who called whom.
    pub direction: CallDirection,
    /// Who it says it is; whom we call.
    pub caller: CallerNumber,
    /// The number that was dialled; the one of ours that whom we call sees.
    pub dialled: String,
    /// The trunk it came by.
    pub trunk: String,
    /// The plan that answers.
    pub plan: String,
    /// Its version.
    pub plan_version: String,
    /// What we call about.
    pub ticket: Option<TicketId>,
    /// The call that this one goes on with: both are one contact.
    pub parent: Option<CallId>,
    /// When it came.
    pub at: Timestamp,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallDirection {
    /// They called us.
    #[default]
    In,
    /// We called them.
    Out,
}

impl CallDirection {
    const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }

    /// How the customer of such a call is known before they say anything.
    const fn known_by(self) -> &'static str {
        match self {
            Self::In => "caller-id",
            Self::Out => "called",
        }
    }
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
    /// Stores that a call began. It is stored in order with the steps that follow, and stays in
    /// memory while the database is away.
    pub fn begin_call(&self, call: NewCall, known: &OpenedCall) {
        let id = call.call.to_string();
        let caller = match &call.caller {
            CallerNumber::Phone(number) => Some(("phone".into(), number.e164().to_owned())),
            CallerNumber::Short(number) => Some(("short".into(), number.expose().clone())),
            CallerNumber::Withheld => None,
        };
        self.writer.keep(Deed::Begin(Box::new(BeginRow {
            // A Call-ID may come again years later from another server: ours stands behind it.
            native_id: format!("{} {id}", short(&call.sip_call_id)),
            id,
            server: self.server.to_string(),
            caller,
            identity: self.new_id::<hotline_model::IdentityId>().to_string(),
            customer: known.customer.map(|id| id.to_string()),
            dialled: short(&call.dialled),
            trunk: call.trunk,
            direction: call.direction,
            ticket: call.ticket.map(|id| id.to_string()),
            parent: call.parent.map(|id| id.to_string()),
            plan: call.plan,
            plan_version: call.plan_version,
            language: known.language.map(|language| language.tag().to_owned()),
            at: call.at.as_microsecond(),
        })));
    }

    /// Stores steps of a call as they happen, in order, sooner or later ([`crate::Record::flush`]).
    pub fn store_steps(&self, call: CallId, customer: Option<CustomerId>, steps: &[CallStep]) {
        let customer = customer.map(|id| id.to_string());
        let rows = steps.iter().map(|step| step_row(call, customer.clone(), step)).collect();
        self.writer.keep(Deed::Steps(rows));
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
                Box::pin(async move {
                    let erased = erased_calls(connection).await?;
                    crate::talks::store(connection, &rows.iter().collect::<Vec<_>>()).await?;
                    let rows: Vec<EventRow> = rows.iter().map(|row| row.without(&erased)).collect();
                    insert_events(connection, &rows.iter().collect::<Vec<_>>(), now).await
                })
            })
            .await
    }

    /// Stores what a plan writes about its call; what is `None` stays as it is.
    pub fn save_call(&self, call: CallId, save: CallSave) {
        self.writer.keep(Deed::Save(Box::new(SaveRow {
            id: call.to_string(),
            outcome: save.outcome.map(clean),
            reason: save.reason.map(clean),
            note: save.note.map(clean),
            tags: save.tags.into_iter().map(clean).collect(),
            language: save.language.map(|language| language.tag().to_owned()),
            recording: save.recording,
            heard_ticket: save.heard_ticket.map(|id| id.to_string()),
            at: self.now_micros(),
        })));
    }

    /// Stores how a call ended. A second end changes nothing.
    pub fn end_call(&self, call: CallId, end: CallEnd) {
        self.writer.keep(Deed::End(EndRow {
            id: call.to_string(),
            ending: end.reason.ending.word().to_owned(),
            code: end.reason.code.into_owned(),
            at: end.at.as_microsecond(),
        }));
    }

    /// Ends the calls that a crash cut off: those of this server that began before this process
    /// did and have no end. Gives their number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn end_orphans(&self, started_before: Timestamp) -> Result<u64, RecordError> {
        let (before, server) = (started_before.as_microsecond(), Arc::clone(&self.server));
        self.writer
            .prompt(move |connection| {
                let server = Arc::clone(&server);
                Box::pin(async move {
                    // The end is the last thing known of the call.
                    let done = sqlx::query(
                        "UPDATE interaction SET ending = 'us', end_code = 'crashed', ended_at = COALESCE( \
                         (SELECT MAX(e.occurred_at) FROM event e WHERE e.interaction_id = \
                         CASE interaction.channel WHEN 'talk' THEN interaction.parent_id ELSE interaction.id END), started_at) \
                         WHERE ended_at IS NULL AND started_at < $1 AND server IN ('', $2)",
                    )
                    .bind(before)
                    .bind(&*server)
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
        source: "call".into(),
        source_event_id: format!("{id}:{}", step.number),
        type_name: step.event.type_name().into(),
        customer_id: customer,
        interaction_id: Some(id),
        ticket_id: None,
        occurred_at: step.at.as_microsecond(),
        body: serde_json::to_string(&step.event).unwrap_or_else(|_| "{}".into()),
    }
}

/// A call that began, as the tables take it. Times in microseconds since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct BeginRow {
    id: String,
    native_id: String,
    server: String,
    /// Kind and value of the identity that called.
    caller: Option<(String, String)>,
    /// The identity's id if it is not there yet.
    identity: String,
    customer: Option<String>,
    dialled: String,
    trunk: String,
    #[serde(default)]
    direction: CallDirection,
    #[serde(default)]
    ticket: Option<String>,
    #[serde(default)]
    parent: Option<String>,
    plan: String,
    plan_version: String,
    language: Option<String>,
    at: i64,
}

impl BeginRow {
    /// Stores calls that began: the identities that are new, then the calls, a statement each.
    pub async fn store(rows: &[&Self], connection: &mut AnyConnection) -> Result<(), RecordError> {
        let callers: Vec<(&str, &(String, String), i64)> = rows
            .iter()
            .filter_map(|row| Some((row.identity.as_str(), row.caller.as_ref()?, row.at)))
            .collect();
        if !callers.is_empty() {
            let sql = format!(
                "INSERT INTO identity (id, kind, namespace, value, created_at) VALUES {} \
                 ON CONFLICT (kind, namespace, value) DO NOTHING",
                places(callers.len(), &["$", "$", "''", "$", "$"])
            );
            let mut insert = statement(&sql, callers.len());
            for (id, (kind, value), at) in &callers {
                insert = insert.bind(id).bind(kind).bind(value).bind(at);
            }
            insert.execute(&mut *connection).await?;
        }
        let identity = "(SELECT id FROM identity WHERE kind = $ AND namespace = '' AND value = $)";
        let root = "COALESCE((SELECT root_id FROM interaction WHERE id = $), $)";
        let sql = format!(
            "INSERT INTO interaction (id, channel, native_id, root_id, parent_id, direction, identity_id, \
             customer_id, known_by, ticket_id, dialled, trunk, plan, plan_version, language, started_at, server) \
             VALUES {} ON CONFLICT (channel, native_id) DO NOTHING",
            places(
                rows.len(),
                &[
                    "$", "'call'", "$", root, "$", "$", identity, "$", "$", "$", "$", "$", "$", "$", "$",
                    "$", "$"
                ]
            )
        );
        let mut insert = statement(&sql, rows.len());
        for row in rows {
            insert = insert
                .bind(&row.id)
                .bind(&row.native_id)
                .bind(&row.parent)
                .bind(&row.id)
                .bind(&row.parent)
                .bind(row.direction.word())
                .bind(row.caller.as_ref().map(|(kind, _)| kind))
                .bind(row.caller.as_ref().map(|(_, value)| value))
                .bind(&row.customer)
                .bind(row.customer.as_ref().map(|_| row.direction.known_by()))
                .bind(&row.ticket)
                .bind(&row.dialled)
                .bind(&row.trunk)
                .bind(&row.plan)
                .bind(&row.plan_version)
                .bind(&row.language)
                .bind(row.at)
                .bind(&row.server);
        }
        insert.execute(connection).await?;
        Ok(())
    }
}

/// What a plan writes about its call; what is `None` stays as it is.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SaveRow {
    id: String,
    outcome: Option<String>,
    reason: Option<String>,
    note: Option<String>,
    tags: Vec<String>,
    language: Option<String>,
    recording: Option<String>,
    heard_ticket: Option<String>,
    at: i64,
}

impl SaveRow {
    /// Whose call it is about.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The same without words about the customer. Where a recording lies stays: it has to be found to be deleted.
    pub fn blanked(&self) -> Self {
        Self { note: None, tags: Vec::new(), ..self.clone() }
    }

    pub async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        sqlx::query(
            "UPDATE interaction SET outcome = COALESCE($2, outcome), reason = COALESCE($3, reason), \
             language = COALESCE($4, language), note = COALESCE($5, note), \
             recording = COALESCE($6, recording) WHERE id = $1",
        )
        .bind(&self.id)
        .bind(&self.outcome)
        .bind(&self.reason)
        .bind(&self.language)
        .bind(&self.note)
        .bind(&self.recording)
        .execute(&mut *connection)
        .await?;
        for tag in &self.tags {
            sqlx::query(
                "INSERT INTO customer_tag (customer_id, tag, at) SELECT customer_id, $2, $3 \
                 FROM interaction WHERE id = $1 AND customer_id IS NOT NULL \
                 ON CONFLICT (customer_id, tag) DO NOTHING",
            )
            .bind(&self.id)
            .bind(tag)
            .bind(self.at)
            .execute(&mut *connection)
            .await?;
        }
        if let Some(ticket) = &self.heard_ticket {
            sqlx::query("UPDATE ticket SET heard_at = COALESCE(heard_at, $2) WHERE id = $1")
                .bind(ticket)
                .bind(self.at)
                .execute(connection)
                .await?;
        }
        Ok(())
    }
}

/// How a call ended.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EndRow {
    id: String,
    ending: String,
    code: String,
    at: i64,
}

impl EndRow {
    /// Stores how calls ended, in one statement.
    pub async fn store(rows: &[&Self], connection: &mut AnyConnection) -> Result<(), RecordError> {
        let sql = format!(
            "WITH ended (id, ending, end_code, ended_at) AS (VALUES {}) \
             UPDATE interaction SET ending = ended.ending, end_code = ended.end_code, ended_at = ended.ended_at \
             FROM ended WHERE interaction.id = ended.id AND interaction.ended_at IS NULL",
            places(rows.len(), &["$", "$", "$", "CAST($ AS BIGINT)"])
        );
        let mut update = statement(&sql, rows.len());
        for row in rows {
            update = update.bind(&row.id).bind(&row.ending).bind(&row.code).bind(row.at);
        }
        update.execute(connection).await?;
        Ok(())
    }
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
        "SELECT DISTINCT COALESCE(c.merged_into, c.id) AS id FROM identity i \
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
