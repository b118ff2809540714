//! Tickets: upserted by the firm's own number, each with a code, and the work that a result sets
//! in motion.

mod checked;

use hotline_model::{
    CustomerId, IdentityId, JobId, Language, PhoneNumber, TicketCode, TicketId, TicketInput, TicketState,
};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

pub(crate) use self::checked::{Checked, check, is_unspeakable, refuse_ahead};
use crate::calls::{code_expiry, customer_of_phone, find_or_make_identity};
use crate::deed::{EventRow, insert_events};
use crate::erase::erased_ref;
use crate::indexing::{index_customer, index_ticket};
use crate::jobs::{JobKind, insert_job};
use crate::sql::{Columns, FAMILY};
use crate::{Record, RecordError};

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// There was no such ticket.
    Created,
    /// Something about it is new.
    Changed,
    /// Everything was known already.
    Unchanged,
    /// A later change is known already; nothing was taken over.
    Stale,
}

/// What came of a ticket that was handed over.
#[derive(Debug, Clone)]
pub struct Upserted {
    /// The ticket.
    pub ticket: TicketId,
    /// Its customer.
    pub customer: CustomerId,
    /// What was done.
    pub change: Change,
}

/// A ticket as it stands.
#[derive(Debug, Clone)]
pub struct TicketRow {
    /// The ticket.
    pub id: TicketId,
    /// The firm's own number.
    pub external_ref: String,
    /// Whose it is.
    pub customer: CustomerId,
    /// The number on file.
    pub phone: PhoneNumber,
    /// The code that was sent.
    pub code: TicketCode,
    /// Until when the code is valid.
    pub code_expires_at: Timestamp,
    /// Where it stands.
    pub state: TicketState,
    /// What it is about.
    pub category: Option<String>,
    /// How it was settled, in the firm's own word.
    pub outcome: Option<String>,
    /// The language the customer is spoken to in.
    pub language: Language,
    /// The result.
    pub result: Option<String>,
    /// The language the result is written in.
    pub result_language: Option<Language>,
    /// How many results it has had.
    pub result_version: i64,
    /// The last of them whose speech is in the cache.
    pub spoken_version: i64,
    /// When the customer was told to call, last.
    pub notified_at: Option<Timestamp>,
    /// When the result was heard first.
    pub heard_at: Option<Timestamp>,
    /// By when it is to be settled.
    pub due_at: Option<Timestamp>,
    /// Whose login works on it.
    pub owner: Option<String>,
    /// Counts changes: what is handed over with one that is not the newest is refused.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// 30 days.
pub(crate) const fn code_lifetime_micros() -> i64 {
    30 * 24 * 3_600_000_000
}

pub(crate) const COLUMNS: &str = "id, external_ref, customer_id, phone, code, code_expires_at, state, category, outcome, language, \
    result, result_language, result_version, spoken_version, notified_at, heard_at, changed_at, \
    due_at, owner, version, created_at";

impl TicketRow {
    pub(crate) fn from_row(row: &sqlx::any::AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.parsed("id")?,
            external_ref: row.text("external_ref")?,
            customer: row.parsed("customer_id")?,
            phone: row.parsed("phone")?,
            code: row.parsed("code")?,
            code_expires_at: row.time("code_expires_at")?,
            state: row.parsed("state")?,
            category: row.text_or_none("category")?,
            outcome: row.text_or_none("outcome")?,
            language: row.parsed("language")?,
            result: row.text_or_none("result")?,
            result_language: row.parsed_or_none("result_language")?,
            result_version: row.int("result_version")?,
            spoken_version: row.int("spoken_version")?,
            notified_at: row.time_or_none("notified_at")?,
            heard_at: row.time_or_none("heard_at")?,
            due_at: row.time_or_none("due_at")?,
            owner: row.text_or_none("owner")?,
            version: row.int("version")?,
            created_at: row.time("created_at")?,
        })
    }
}

impl Record {
    /// Looks a ticket over without storing it: a dry run.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, naming the field.
    pub fn check_ticket(input: &TicketInput, now: Timestamp) -> Result<(), RecordError> {
        refuse_ahead(input.changed_at, now)?;
        check(input.clone(), Language::default()).map(|_| ())
    }

    /// Stores a ticket, with all that its change sets in motion, in one transaction. The same
    /// ticket again changes nothing.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, naming the field; [`RecordError::Unavailable`]
    /// if the database does not take it.
    pub async fn upsert_ticket(
        &self,
        input: TicketInput,
        default_language: Language,
    ) -> Result<Upserted, RecordError> {
        refuse_ahead(input.changed_at, self.now())?;
        let checked = check(input, default_language)?;
        let new = self.new_ids();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (checked, new) = (checked.clone(), new.clone());
                Box::pin(async move { upsert(connection, &checked, &new, now).await })
            })
            .await
    }

    pub(crate) fn new_ids(&self) -> NewIds {
        NewIds {
            ticket: self.new_id::<TicketId>().to_string(),
            customer: self.new_id::<CustomerId>().to_string(),
            identity: self.new_id::<IdentityId>().to_string(),
            event: self.new_id::<JobId>().to_string(),
            job: self.new_id::<JobId>().to_string(),
            codes: std::array::from_fn(|_| TicketCode::from_random(rand::random())),
        }
    }

    /// A ticket by its id.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_ticket(&self, ticket: TicketId) -> Result<Option<TicketRow>, RecordError> {
        self.ticket_by("id", &ticket.to_string()).await
    }

    /// A ticket by the firm's own number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_ticket_by_ref(&self, external_ref: &str) -> Result<Option<TicketRow>, RecordError> {
        self.ticket_by("external_ref", external_ref).await
    }

    async fn ticket_by(&self, column: &'static str, value: &str) -> Result<Option<TicketRow>, RecordError> {
        let row = sqlx::query(&format!("SELECT {COLUMNS} FROM ticket WHERE {column} = $1 AND phone <> ''"))
            .bind(value)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(TicketRow::from_row).transpose()
    }

    /// The tickets of a customer, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn tickets_of(&self, customer: CustomerId) -> Result<Vec<TicketRow>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS} FROM ticket WHERE customer_id IN {FAMILY} AND phone <> '' ORDER BY created_at DESC"
        ))
        .bind(customer.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(TicketRow::from_row).collect()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct NewIds {
    ticket: String,
    customer: String,
    identity: String,
    event: String,
    job: String,
    /// Several, because a code may be taken: with a million codes in use one try in a hundred
    /// meets one, eight in a row practically never.
    codes: [TicketCode; 8],
}

pub(crate) async fn upsert(
    connection: &mut AnyConnection,
    checked: &Checked,
    new: &NewIds,
    now: i64,
) -> Result<Upserted, RecordError> {
    let changed_at = checked.input.changed_at.map(Timestamp::as_microsecond);
    let known = sqlx::query(&format!("SELECT {COLUMNS} FROM ticket WHERE external_ref = $1"))
        .bind(checked.input.external_ref.trim())
        .fetch_optional(&mut *connection)
        .await?;
    let Some(known) = known else {
        // The firm's own system does not know that the customer was erased here.
        let erased = sqlx::query("SELECT id, customer_id FROM ticket WHERE external_ref = $1")
            .bind(erased_ref(&checked.input.external_ref))
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = erased {
            let (ticket, customer) = (row.parsed("id")?, row.parsed("customer_id")?);
            return Ok(Upserted { ticket, customer, change: Change::Stale });
        }
        return insert(connection, checked, new, changed_at.unwrap_or(now), now).await;
    };
    let row = TicketRow::from_row(&known)?;
    let mut upserted = Upserted { ticket: row.id, customer: row.customer, change: Change::Unchanged };
    if changed_at.is_some_and(|at| known.int("changed_at").is_ok_and(|known| at < known)) {
        upserted.change = Change::Stale;
        return Ok(upserted);
    }
    let new_result = checked.result.is_some() && checked.result != row.result;
    let same = row.state == checked.input.state
        && row.phone == checked.phone
        && row.category == checked.input.category
        // Who sends none does not know of it; a word once told stays.
        && (checked.input.outcome.is_none() || row.outcome == checked.input.outcome)
        && !new_result
        && checked.code.as_ref().is_none_or(|code| *code == row.code);
    if same {
        return Ok(upserted);
    }
    if let Some(code) = &checked.code {
        refuse_taken_code(connection, code, Some(&row.id.to_string())).await?;
    }
    if row.phone != checked.phone {
        upserted.customer = customer_for(connection, Owner::of(checked, new), now).await?;
    }
    let version = row.result_version + i64::from(new_result);
    // A new result begins a new time in which its code can be used.
    sqlx::query(
        "UPDATE ticket SET customer_id = $2, phone = $3, code = COALESCE($4, code), \
         code_expires_at = CASE WHEN $5 = 1 THEN $6 ELSE code_expires_at END, state = $7, category = $8, \
         result = COALESCE($9, result), result_language = COALESCE($10, result_language), \
         result_version = $11, version = version + 1, heard_at = CASE WHEN $5 = 1 THEN NULL ELSE heard_at END, \
         changed_at = $12, outcome = COALESCE($13, outcome) \
         WHERE id = $1",
    )
    .bind(row.id.to_string())
    .bind(upserted.customer.to_string())
    .bind(checked.phone.e164())
    .bind(checked.code.as_ref().map(TicketCode::digits))
    .bind(i64::from(new_result))
    .bind(code_expiry(now))
    .bind(checked.input.state.word())
    .bind(&checked.input.category)
    .bind(&checked.result)
    .bind(checked.result_language.map(Language::tag))
    .bind(version)
    .bind(changed_at.unwrap_or(now))
    .bind(&checked.input.outcome)
    .execute(&mut *connection)
    .await?;
    upserted.change = Change::Changed;
    set_in_motion(connection, checked, new, &upserted, version, now).await?;
    Ok(upserted)
}

async fn insert(
    connection: &mut AnyConnection,
    checked: &Checked,
    new: &NewIds,
    changed_at: i64,
    now: i64,
) -> Result<Upserted, RecordError> {
    let customer = match checked.customer {
        Some(customer) => customer,
        None => customer_for(connection, Owner::of(checked, new), now).await?,
    };
    let code = match &checked.code {
        Some(code) => {
            refuse_taken_code(connection, code, None).await?;
            code.clone()
        }
        None => free_code(connection, &new.codes).await?,
    };
    let version = i64::from(checked.result.is_some());
    sqlx::query(
        "INSERT INTO ticket (id, external_ref, customer_id, phone, code, code_expires_at, state, category, \
         language, result, result_language, result_version, changed_at, created_at, outcome) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&new.ticket)
    .bind(checked.input.external_ref.trim())
    .bind(customer.to_string())
    .bind(checked.phone.e164())
    .bind(code.digits())
    .bind(code_expiry(now))
    .bind(checked.input.state.word())
    .bind(&checked.input.category)
    .bind(checked.language.tag())
    .bind(&checked.result)
    .bind(checked.result_language.map(Language::tag))
    .bind(version)
    .bind(changed_at)
    .bind(now)
    .bind(&checked.input.outcome)
    .execute(&mut *connection)
    .await?;
    let ticket = new.ticket.parse().map_err(|_| RecordError::Corrupt("a new id".into()))?;
    let upserted = Upserted { ticket, customer, change: Change::Created };
    set_in_motion(connection, checked, new, &upserted, version, now).await?;
    Ok(upserted)
}

async fn refuse_taken_code(
    connection: &mut AnyConnection,
    code: &TicketCode,
    except: Option<&str>,
) -> Result<(), RecordError> {
    let taken = sqlx::query("SELECT id FROM ticket WHERE code = $1 AND id <> $2")
        .bind(code.digits())
        .bind(except.unwrap_or(""))
        .fetch_optional(connection)
        .await?;
    match taken {
        Some(_) => Err(RecordError::Invalid(
            "code: another ticket has this code; leave it empty and one is made".into(),
        )),
        None => Ok(()),
    }
}

async fn free_code(connection: &mut AnyConnection, codes: &[TicketCode]) -> Result<TicketCode, RecordError> {
    for code in codes {
        match refuse_taken_code(connection, code, None).await {
            Ok(()) => return Ok(code.clone()),
            Err(RecordError::Invalid(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(RecordError::Unavailable("no free code was found in eight tries; try again".into()))
}

/// Whoever has a number, as the firm's own system knows them; with ids for a record that has to be made.
pub(crate) struct Owner<'a> {
    pub phone: &'a PhoneNumber,
    pub name: Option<String>,
    pub language: Option<&'static str>,
    pub customer: &'a str,
    pub identity: &'a str,
}

impl<'a> Owner<'a> {
    fn of(checked: &'a Checked, new: &'a NewIds) -> Self {
        let name = checked.input.name.as_ref().map(|name| name.expose().trim().to_owned());
        Self {
            phone: &checked.phone,
            name: name.filter(|name| !name.is_empty()),
            language: checked.input.language.map(Language::tag),
            customer: &new.customer,
            identity: &new.identity,
        }
    }
}

/// The customer a number belongs to, made if nobody has it.
pub(crate) async fn customer_for(
    connection: &mut AnyConnection,
    owner: Owner<'_>,
    now: i64,
) -> Result<CustomerId, RecordError> {
    let parse = |id: &str| id.parse().map_err(|_| RecordError::Corrupt("a customer's id".into()));
    let of_number = match customer_of_phone(connection, owner.phone).await? {
        Some(customer) => Some(customer),
        None => customer_of_last_ticket(connection, owner.phone).await?,
    };
    if let Some(customer) = of_number {
        sqlx::query(
            "UPDATE customer SET name = COALESCE($2, name), changed_at = $3 WHERE id = $1 AND name IS NULL",
        )
        .bind(&customer)
        .bind(owner.name)
        .bind(now)
        .execute(&mut *connection)
        .await?;
        index_customer(connection, &customer).await?;
        return parse(&customer);
    }
    sqlx::query(
        "INSERT INTO customer (id, name, language, created_at, changed_at) VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(owner.customer)
    .bind(owner.name)
    .bind(owner.language)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    let identity =
        find_or_make_identity(connection, "phone", owner.phone.e164(), owner.identity, now).await?;
    // The firm's own system says whose number it is.
    sqlx::query(
        "INSERT INTO identity_link (identity_id, customer_id, level, method, valid_from) \
         VALUES ($1, $2, 'verified', 'crm', $3)",
    )
    .bind(identity)
    .bind(owner.customer)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    index_customer(connection, owner.customer).await?;
    parse(owner.customer)
}

/// Of several customers who have a number the one whom its last ticket went to: whoever is made for the first ticket
/// keeps the others.
async fn customer_of_last_ticket(
    connection: &mut AnyConnection,
    number: &PhoneNumber,
) -> Result<Option<String>, RecordError> {
    let row = sqlx::query(
        "SELECT r.id AS id FROM identity i \
         JOIN identity_link l ON l.identity_id = i.id AND l.valid_to IS NULL AND l.level = 'verified' \
         JOIN customer c ON c.id = l.customer_id JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) \
         JOIN ticket t ON t.customer_id = c.id AND t.phone = i.value \
         WHERE i.kind = 'phone' AND i.namespace = '' AND i.value = $1 AND r.erased_at IS NULL \
         ORDER BY t.created_at DESC, t.id DESC LIMIT 1",
    )
    .bind(number.e164())
    .fetch_optional(connection)
    .await?;
    row.map(|row| row.text("id")).transpose()
}

/// The journal's entry, and the rendering of a result that may be told: made in the transaction
/// of the change, so that they exist exactly if it does.
async fn set_in_motion(
    connection: &mut AnyConnection,
    checked: &Checked,
    new: &NewIds,
    upserted: &Upserted,
    version: i64,
    now: i64,
) -> Result<(), RecordError> {
    let ticket = upserted.ticket.to_string();
    index_ticket(connection, &ticket).await?;
    let type_name = if upserted.change == Change::Created { "ticket.created" } else { "ticket.changed" };
    let body = serde_json::json!({ "state": checked.input.state, "category": checked.input.category,
        "result-version": version });
    let row = EventRow {
        source: "ticket".into(),
        source_event_id: new.event.clone(),
        type_name: type_name.into(),
        customer_id: Some(upserted.customer.to_string()),
        interaction_id: None,
        ticket_id: Some(ticket.clone()),
        occurred_at: now,
        body: body.to_string(),
    };
    insert_events(connection, &[&row], now).await?;
    if checked.input.state == TicketState::Closed && version > 0 {
        insert_job(
            connection,
            &new.job,
            JobKind::RenderResult,
            &format!("{ticket}:{version}"),
            &ticket,
            now,
            now,
        )
        .await?;
    }
    if checked.input.state == TicketState::Cancelled {
        sqlx::query(
            "UPDATE message SET state = 'cancelled', changed_at = $2 WHERE ticket_id = $1 AND state = 'due' \
             AND attempt_id IS NULL",
        )
        .bind(&ticket)
        .bind(now)
        .execute(connection)
        .await?;
    }
    Ok(())
}
