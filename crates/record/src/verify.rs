//! Verification: look up and check in one act, counted before anything is told.

use std::collections::BTreeMap;

use hotline_model::verification::{Candidate, Counters, Factor, Given, Refusal, Verdict, VerificationPolicy};
use hotline_model::{CallId, CallerNumber, CustomerId, Fields, Language, TicketId, TicketState, Value};
use jiff::tz::TimeZone;
use sqlx::AnyConnection;

use crate::deed::{EventRow, insert_events};
use crate::sql::Columns;
use crate::{Record, RecordError};

/// One try to prove to be the customer of a ticket.
#[derive(Debug, Clone)]
pub struct VerifyAttempt {
    /// The policy that decides.
    pub policy: VerificationPolicy,
    /// What was keyed.
    pub given: Given,
    /// The call it happened in.
    pub call: CallId,
    /// Who the call says it is from.
    pub caller: CallerNumber,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct VerifyOutcome {
    /// The policy's word.
    pub verdict: Verdict,
    /// The ticket, its customer, and what a plan may tell; only where the verdict is passed.
    pub passed: Option<(TicketId, CustomerId, Fields)>,
}

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

impl Record {
    /// Looks up and checks, and answers when the attempt is counted and committed.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it: then nothing may be told.
    pub async fn verify(&self, attempt: VerifyAttempt) -> Result<VerifyOutcome, RecordError> {
        let id = self.new_id::<hotline_model::JobId>().to_string();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (attempt, id) = (attempt.clone(), id.clone());
                Box::pin(async move { verify(connection, &attempt, &id, now).await })
            })
            .await
    }
}

impl Record {
    /// What may be told of a ticket whose customer was verified in this call, as it stands now.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_told_ticket(&self, ticket: TicketId) -> Result<Option<Fields>, RecordError> {
        let row = sqlx::query(
            "SELECT external_ref, state, category, result, result_language, changed_at FROM ticket WHERE id = $1",
        )
        .bind(ticket.to_string())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(told_fields).transpose()
    }
}

async fn verify(
    connection: &mut AnyConnection,
    attempt: &VerifyAttempt,
    id: &str,
    now: i64,
) -> Result<VerifyOutcome, RecordError> {
    let code = attempt.given.get(&Factor::Code).map_or("", |code| code.expose().as_str());
    let ticket = sqlx::query(
        "SELECT id, external_ref, customer_id, phone, state, category, result, result_language, \
         code_expires_at, changed_at FROM ticket WHERE code = $1",
    )
    .bind(code)
    .fetch_optional(&mut *connection)
    .await?;
    let caller = attempt.caller.phone().map_or("", |number| number.e164());
    let candidate = match &ticket {
        Some(row) => Some(Candidate {
            last_four: last_four(&row.text("phone")?).into(),
            state: row.parsed::<TicketState>("state")?,
            expired: row.int("code_expires_at")? <= now,
            has_result: row.text_or_none("result")?.is_some(),
        }),
        None => None,
    };
    let ticket_id = ticket.as_ref().map(|row| row.text("id")).transpose()?;
    let counters = counters(connection, attempt.call, caller, ticket_id.as_deref(), now).await?;
    let verdict = attempt.policy.decide(&attempt.given, candidate.as_ref(), &counters);
    let refusal = match verdict {
        Verdict::Refused(refusal) => Some(refusal),
        _ => None,
    };
    let interaction = attempt.call.to_string();
    sqlx::query(
        "INSERT INTO verification (id, policy, interaction_id, caller, ticket_id, verdict, counts, wrong_factor, at) \
         VALUES ($1, $2, $3, CASE WHEN EXISTS (SELECT 1 FROM interaction WHERE id = $3 AND erased = 1) \
         THEN 'erased' ELSE $4 END, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(&attempt.policy.policy)
    .bind(&interaction)
    .bind(caller)
    .bind(&ticket_id)
    .bind(verdict.word())
    .bind(i64::from(refusal.is_some_and(Refusal::counts)))
    .bind(i64::from(refusal == Some(Refusal::WrongFactor)))
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let passed = match (&ticket, refusal) {
        (Some(row), None) => {
            let ticket: TicketId = row.parsed("id")?;
            let customer: CustomerId = row.parsed("customer_id")?;
            belongs_to(connection, &interaction, &ticket.to_string(), &customer.to_string(), id, now).await?;
            // A plan may tell a pending ticket nothing but that it is pending.
            (verdict == Verdict::Passed)
                .then_some(())
                .map(|()| told_fields(row))
                .transpose()?
                .map(|f| (ticket, customer, f))
        }
        _ => None,
    };
    Ok(VerifyOutcome { verdict, passed })
}

/// From here on the call is the verified customer's, whoever its number suggested.
async fn belongs_to(
    connection: &mut AnyConnection,
    interaction: &str,
    ticket: &str,
    customer: &str,
    id: &str,
    now: i64,
) -> Result<(), RecordError> {
    sqlx::query(
        "UPDATE interaction SET customer_id = $2, known_by = 'verified', ticket_id = $3 WHERE id = $1",
    )
    .bind(interaction)
    .bind(customer)
    .bind(ticket)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE event SET customer_id = $2 WHERE interaction_id = $1")
        .bind(interaction)
        .bind(customer)
        .execute(&mut *connection)
        .await?;
    let row = EventRow {
        source: "verification".into(),
        source_event_id: id.to_owned(),
        type_name: "customer.verified".into(),
        customer_id: Some(customer.to_owned()),
        interaction_id: Some(interaction.to_owned()),
        ticket_id: Some(ticket.to_owned()),
        occurred_at: now,
        body: "{}".into(),
    };
    insert_events(connection, &[&row], now).await
}

async fn counters(
    connection: &mut AnyConnection,
    call: CallId,
    caller: &str,
    ticket: Option<&str>,
    now: i64,
) -> Result<Counters, RecordError> {
    let row = sqlx::query(
        "SELECT \
         (SELECT COUNT(*) FROM verification WHERE interaction_id = $1 AND counts = 1) AS in_call, \
         (SELECT COUNT(*) FROM verification WHERE caller = $2 AND at > $4 AND counts = 1) AS by_caller, \
         (SELECT COUNT(*) FROM verification WHERE caller = $2 AND at > $5 AND counts = 1) AS by_caller_hour, \
         (SELECT COUNT(*) FROM verification WHERE ticket_id = $3 AND at > $4 AND wrong_factor = 1) AS on_ticket, \
         (SELECT COUNT(*) FROM verification WHERE at > $5 AND counts = 1) AS by_all, \
         (SELECT COUNT(*) FROM verification WHERE at > $5) AS attempts_by_all",
    )
    .bind(call.to_string())
    .bind(caller)
    .bind(ticket.unwrap_or(""))
    .bind(now - DAY)
    .bind(now - HOUR)
    .fetch_one(connection)
    .await?;
    let count = |name: &str| row.int(name).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let withheld = caller.is_empty();
    Ok(Counters {
        in_call: count("in_call")?,
        by_caller: if withheld { 0 } else { count("by_caller")? },
        on_ticket: count("on_ticket")?,
        by_withheld: if withheld { count("by_caller_hour")? } else { 0 },
        by_all: count("by_all")?,
        attempts_by_all: count("attempts_by_all")?,
    })
}

fn last_four(phone: &str) -> String {
    phone.chars().skip(phone.chars().count().saturating_sub(4)).collect()
}

/// What a plan may tell of a ticket once its customer is verified.
fn told_fields(row: &sqlx::any::AnyRow) -> Result<Fields, RecordError> {
    let mut fields: BTreeMap<String, Value> = Fields::new();
    let language: Option<Language> = row.parsed_or_none("result_language")?;
    if let Some(text) = row.text_or_none("result")? {
        fields.insert("result".into(), Value::Text { text, language });
    }
    fields.insert("state".into(), Value::Choice(row.text("state")?));
    if let Some(category) = row.text_or_none("category")? {
        fields.insert("category".into(), Value::text(category));
    }
    fields.insert("reference".into(), Value::text(row.text("external_ref")?));
    let changed = row.time("changed_at")?.to_zoned(TimeZone::UTC).date();
    fields.insert("changed-on".into(), Value::Date(changed));
    Ok(fields)
}
