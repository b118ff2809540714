//! Customers as the firm's own system tells them, upserted by its number for each: the same customer again changes
//! nothing, what comes late is not taken, and who was erased here does not come back.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{CustomerId, Language, PhoneNumber, Pii};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::consents::{Proof, SURVEYS, add as add_consent, was_do_not_call};
use crate::erase::erased_ref;
use crate::identities::{LinkLevel, Linking};
use crate::indexing::index_customer;
use crate::profile::checked;
use crate::sql::Columns;
use crate::tickets::{Change, refuse_ahead};
use crate::{Record, RecordError};

/// A customer as the firm's own system knows them. What is absent stays as it is here; nothing is taken away but
/// attributes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CustomerInput {
    /// The customer's number there: 1 to 64 characters.
    pub external_ref: String,
    /// Their name: at most 100 characters.
    pub name: Option<Pii<String>>,
    /// Their telephone numbers, five at most; they are taken for verified.
    pub phones: Vec<Pii<String>>,
    /// Their e-mail address.
    pub email: Option<Pii<String>>,
    /// Their membership number.
    pub membership: Option<Pii<String>>,
    /// The language they are spoken to in.
    pub language: Option<Language>,
    /// Their tier, in the firm's word.
    pub tier: Option<String>,
    /// Whether they want no calls of their own accord.
    pub do_not_call: Option<bool>,
    /// Tags to be added.
    pub tags: Vec<String>,
    /// What else the firm knows, by name; `null` takes one away.
    pub attributes: BTreeMap<String, Option<String>>,
    /// When it was changed there last; an older change than the last one is not taken.
    pub changed_at: Option<Timestamp>,
}

/// What came of a customer who was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpsertedCustomer {
    /// The customer.
    pub customer: CustomerId,
    /// What was done.
    pub change: Change,
}

/// Numbers of one customer at most.
const PHONES: usize = 5;

/// A customer who was looked over: what the tables take.
#[derive(Debug, Clone)]
struct Checked {
    input: CustomerInput,
    /// Kind and value.
    identities: Vec<(&'static str, String)>,
}

impl CustomerInput {
    fn check(mut self) -> Result<Checked, RecordError> {
        let invalid = |text: String| Err(RecordError::Invalid(text));
        self.external_ref = self.external_ref.trim().to_owned();
        checked("external-ref", &self.external_ref, 64)?;
        if let Some(name) = &mut self.name {
            checked("name", name.expose(), 100)?;
            *name = name.expose().trim().to_owned().into();
        }
        if let Some(tier) = &self.tier {
            checked("tier", tier, 64)?;
        }
        for tag in &mut self.tags {
            checked("tags", tag, 64)?;
            *tag = tag.trim().to_owned();
        }
        for (name, value) in &self.attributes {
            checked("attributes", name, 64)?;
            if let Some(value) = value {
                checked(&format!("attributes: {name}"), value, 500)?;
            }
        }
        if self.tags.len() > 50 || self.attributes.len() > 50 {
            return invalid("tags, attributes: 50 at most".into());
        }
        if self.phones.len() > PHONES {
            return invalid(format!("phones: {PHONES} at most"));
        }
        let mut identities = Vec::new();
        for phone in &self.phones {
            match PhoneNumber::parse(phone.expose()) {
                Ok(number) => identities.push(("phone", number.e164().to_owned())),
                Err(_) if phone.expose().contains(['E', 'e']) => {
                    return invalid(
                        "phone: a spreadsheet made a figure of it: format the column as text, and save it again"
                            .into(),
                    );
                }
                Err(_) => {
                    return invalid(
                        "phone: not a telephone number; write it as 13800138000 or +8613800138000".into(),
                    );
                }
            }
        }
        if let Some(email) = &self.email {
            let email = email.expose().trim().to_lowercase();
            checked("email", &email, 200)?;
            let fits = email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
            if !fits || email.contains(char::is_whitespace) {
                return invalid("email: an address is expected, as name@example.com".into());
            }
            identities.push(("email", email));
        }
        if let Some(number) = &self.membership {
            checked("membership", number.expose(), 200)?;
            identities.push(("membership", number.expose().trim().to_owned()));
        }
        identities.sort();
        identities.dedup();
        Ok(Checked { input: self, identities })
    }
}

impl Record {
    /// Looks a customer over without storing anything.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, naming the field.
    pub fn check_customer(input: &CustomerInput) -> Result<(), RecordError> {
        input.clone().check().map(|_| ())
    }

    /// Stores customers, each whole or not at all, in their order and in one transaction. Who is known by none of
    /// the firm's numbers yet, and alone has one of the telephone numbers for certain, is taken for the same person;
    /// else a record is made.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it: nothing of it is stored then. What is wrong
    /// with one customer stands at their place: [`RecordError::Invalid`], naming the field.
    pub async fn upsert_customers(
        &self,
        inputs: Vec<CustomerInput>,
        by: &str,
    ) -> Result<Vec<Result<UpsertedCustomer, RecordError>>, RecordError> {
        let (mut done, good) = looked_over(inputs, self.now());
        if good.is_empty() {
            return Ok(done.into_iter().flatten().collect());
        }
        let stored = self
            .change((good, by.to_owned()), |connection, input, stamp| {
                Box::pin(async move {
                    let (good, by) = &*input;
                    let mut stored = Vec::with_capacity(good.len());
                    for customer in good {
                        stored.push(upsert(connection, customer, by, &stamp).await?);
                    }
                    Ok(stored)
                })
            })
            .await?;
        fill(&mut done, stored);
        Ok(done.into_iter().flatten().collect())
    }

    /// What [`Record::upsert_customers`] would do with each customer as things are now; nothing is stored.
    ///
    /// # Errors
    /// As there.
    pub async fn try_customers(
        &self,
        inputs: Vec<CustomerInput>,
    ) -> Result<Vec<Result<Change, RecordError>>, RecordError> {
        let (mut done, good) = looked_over(inputs, self.now());
        let mut connection = self.readers.acquire().await?;
        let mut found = Vec::with_capacity(good.len());
        for customer in &good {
            found.push(match Plan::make(&mut connection, customer).await? {
                Plan::Create => Change::Created,
                Plan::Write(write) if write.is_empty() => Change::Unchanged,
                Plan::Write(_) => Change::Changed,
                Plan::Leave(_, change) => change,
            });
        }
        fill(&mut done, found);
        Ok(done.into_iter().flatten().collect())
    }
}

/// Places of those that are wrong, and those that are not.
type LookedOver<T> = (Vec<Option<Result<T, RecordError>>>, Vec<Checked>);

fn looked_over<T>(inputs: Vec<CustomerInput>, now: Timestamp) -> LookedOver<T> {
    let mut good = Vec::with_capacity(inputs.len());
    let done = inputs
        .into_iter()
        .map(|input| match refuse_ahead(input.changed_at, now).and_then(|()| input.check()) {
            Ok(checked) => {
                good.push(checked);
                None
            }
            Err(error) => Some(Err(error)),
        })
        .collect();
    (done, good)
}

fn fill<T>(done: &mut [Option<Result<T, RecordError>>], found: Vec<T>) {
    for (place, found) in done.iter_mut().filter(|place| place.is_none()).zip(found) {
        *place = Some(Ok(found));
    }
}

/// What is to be written of a customer who is there.
struct Write {
    id: String,
    /// Whether name, language, tier or the wish for no calls is another one, or the firm's number is new.
    profile: bool,
    tags: Vec<String>,
    attributes: Vec<(String, Option<String>)>,
    identities: Vec<(&'static str, String)>,
}

impl Write {
    /// Nothing is new but when the firm's own system changed them last.
    fn is_empty(&self) -> bool {
        !self.profile && self.tags.is_empty() && self.attributes.is_empty() && self.identities.is_empty()
    }
}

enum Plan {
    Create,
    Write(Write),
    Leave(String, Change),
}

const COLUMNS: &str = "id, name, language, tier, do_not_call, told_at, external_ref";

impl Plan {
    async fn make(connection: &mut AnyConnection, customer: &Checked) -> Result<Self, RecordError> {
        let input = &customer.input;
        let by_ref = format!("SELECT {COLUMNS} FROM customer WHERE external_ref = $1");
        let known = sqlx::query(&by_ref).bind(&input.external_ref).fetch_optional(&mut *connection).await?;
        let row = match known {
            Some(row) => row,
            None => {
                // The firm's own system does not know that they were erased here.
                let erased = sqlx::query(&by_ref)
                    .bind(erased_ref(&input.external_ref))
                    .fetch_optional(&mut *connection)
                    .await?;
                if let Some(row) = erased {
                    return Ok(Self::Leave(row.text("id")?, Change::Stale));
                }
                match nameless(connection, customer).await? {
                    Some(row) => row,
                    None => return Ok(Self::Create),
                }
            }
        };
        let (id, told_at) = (row.text("id")?, row.int_or_none("told_at")?);
        let changed_at = input.changed_at.map(Timestamp::as_microsecond);
        if changed_at.zip(told_at).is_some_and(|(at, known)| at < known) {
            return Ok(Self::Leave(id, Change::Stale));
        }
        let write = Write {
            profile: differs(&row, input)?,
            tags: new_tags(connection, &id, input).await?,
            attributes: new_attributes(connection, &id, input).await?,
            identities: new_identities(connection, &id, customer).await?,
            id,
        };
        let is_later = changed_at.is_some() && changed_at != told_at;
        Ok(if write.is_empty() && !is_later {
            Self::Leave(write.id, Change::Unchanged)
        } else {
            Self::Write(write)
        })
    }
}

/// The one customer who has one of the telephone numbers for certain and is known by no number of the firm's: mostly
/// made by a ticket.
async fn nameless(connection: &mut AnyConnection, customer: &Checked) -> Result<Option<AnyRow>, RecordError> {
    let mut found: BTreeMap<String, AnyRow> = BTreeMap::new();
    for (kind, value) in &customer.identities {
        if *kind != "phone" {
            continue;
        }
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS} FROM customer WHERE external_ref IS NULL AND merged_into IS NULL AND erased_at IS NULL \
             AND id IN (SELECT l.customer_id FROM identity i JOIN identity_link l ON l.identity_id = i.id \
             WHERE i.kind = 'phone' AND i.namespace = '' AND i.value = $1 AND l.valid_to IS NULL \
             AND l.level = 'verified') LIMIT 2"
        ))
        .bind(value)
        .fetch_all(&mut *connection)
        .await?;
        for row in rows {
            found.insert(row.text("id")?, row);
        }
    }
    Ok(if found.len() == 1 { found.into_values().next() } else { None })
}

fn differs(row: &AnyRow, input: &CustomerInput) -> Result<bool, RecordError> {
    let name = input.name.as_ref().map(|name| name.expose().clone());
    let other = |wanted: Option<String>, column: &str| {
        Ok::<_, RecordError>(wanted.is_some() && wanted != row.text_or_none(column)?)
    };
    Ok(other(Some(input.external_ref.clone()), "external_ref")?
        || other(name, "name")?
        || other(input.language.map(|language| language.tag().to_owned()), "language")?
        || other(input.tier.clone(), "tier")?
        || input.do_not_call.is_some_and(|wish| row.int("do_not_call").is_ok_and(|is| is != i64::from(wish))))
}

async fn new_tags(
    connection: &mut AnyConnection,
    id: &str,
    input: &CustomerInput,
) -> Result<Vec<String>, RecordError> {
    if input.tags.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT tag FROM customer_tag WHERE customer_id = $1")
        .bind(id)
        .fetch_all(connection)
        .await?;
    let known = rows.iter().map(|row| row.text("tag")).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(input.tags.iter().filter(|tag| !known.contains(*tag)).cloned().collect())
}

async fn new_attributes(
    connection: &mut AnyConnection,
    id: &str,
    input: &CustomerInput,
) -> Result<Vec<(String, Option<String>)>, RecordError> {
    if input.attributes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query("SELECT name, value FROM customer_attribute WHERE customer_id = $1")
        .bind(id)
        .fetch_all(connection)
        .await?;
    let mut known = BTreeMap::new();
    for row in &rows {
        known.insert(row.text("name")?, row.text("value")?);
    }
    let new = input.attributes.iter().filter(|(name, value)| known.get(*name) != value.as_ref());
    Ok(new.map(|(name, value)| (name.clone(), value.clone())).collect())
}

async fn new_identities(
    connection: &mut AnyConnection,
    id: &str,
    customer: &Checked,
) -> Result<Vec<(&'static str, String)>, RecordError> {
    if customer.identities.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT i.kind AS kind, i.value AS value FROM identity_link l JOIN identity i ON i.id = l.identity_id \
         WHERE l.customer_id = $1 AND l.valid_to IS NULL AND l.level = 'verified' AND i.namespace = ''",
    )
    .bind(id)
    .fetch_all(connection)
    .await?;
    let known = rows
        .iter()
        .map(|row| Ok((row.text("kind")?, row.text("value")?)))
        .collect::<Result<BTreeSet<_>, RecordError>>()?;
    let is_new =
        |(kind, value): &&(&'static str, String)| !known.contains(&((*kind).to_owned(), value.clone()));
    Ok(customer.identities.iter().filter(is_new).cloned().collect())
}

async fn upsert(
    connection: &mut AnyConnection,
    customer: &Checked,
    by: &str,
    stamp: &Stamp,
) -> Result<UpsertedCustomer, RecordError> {
    let told = |id: &str, change| {
        let customer = id.parse().map_err(|_| RecordError::Corrupt("a customer's id".into()))?;
        Ok(UpsertedCustomer { customer, change })
    };
    let (write, change) = match Plan::make(connection, customer).await? {
        Plan::Leave(id, change) => return told(&id, change),
        Plan::Write(write) => (write, Change::Changed),
        Plan::Create => (create(connection, customer, stamp).await?, Change::Created),
    };
    if write.is_empty() {
        sqlx::query("UPDATE customer SET told_at = $2 WHERE id = $1")
            .bind(&write.id)
            .bind(customer.input.changed_at.map(Timestamp::as_microsecond))
            .execute(connection)
            .await?;
        return told(&write.id, Change::Unchanged);
    }
    let was_out = was_do_not_call(connection, &write.id).await?;
    store(connection, customer, &write, by, stamp).await?;
    index_customer(connection, &write.id).await?;
    let type_name = if change == Change::Created { "customer.created" } else { "customer.changed" };
    // What was changed is in the tables; the journal says that and who, not the words.
    let body = serde_json::json!({ "by": by });
    Entry { type_name, customer: Some(&write.id), body, ..Entry::default() }.write(connection, stamp).await?;
    if let Some(out) = customer.input.do_not_call.filter(|out| was_out.is_some_and(|was| was != *out)) {
        let proof = Proof { channel: "crm", by, ..Proof::default() };
        add_consent(connection, &stamp.id(), (&write.id, SURVEYS, !out), &proof, stamp).await?;
    }
    told(&write.id, change)
}

/// Makes the row that the rest is written to.
async fn create(
    connection: &mut AnyConnection,
    customer: &Checked,
    stamp: &Stamp,
) -> Result<Write, RecordError> {
    let (id, input) = (stamp.id(), &customer.input);
    sqlx::query(
        "INSERT INTO customer (id, external_ref, version, created_at, changed_at) VALUES ($1, $2, 0, $3, $3)",
    )
    .bind(&id)
    .bind(&input.external_ref)
    .bind(stamp.now)
    .execute(connection)
    .await?;
    Ok(Write {
        id,
        profile: true,
        tags: input.tags.clone(),
        attributes: input.attributes.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        identities: customer.identities.clone(),
    })
}

async fn store(
    connection: &mut AnyConnection,
    customer: &Checked,
    write: &Write,
    by: &str,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let input = &customer.input;
    sqlx::query(
        "UPDATE customer SET external_ref = $2, name = COALESCE($3, name), language = COALESCE($4, language), \
         tier = COALESCE($5, tier), do_not_call = COALESCE($6, do_not_call), told_at = COALESCE($7, told_at), \
         changed_at = $8, version = version + 1 WHERE id = $1",
    )
    .bind(&write.id)
    .bind(&input.external_ref)
    .bind(input.name.as_ref().map(|name| name.expose().clone()))
    .bind(input.language.map(Language::tag))
    .bind(input.tier.as_deref())
    .bind(input.do_not_call.map(i64::from))
    .bind(input.changed_at.map(Timestamp::as_microsecond))
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    for tag in &write.tags {
        sqlx::query(
            "INSERT INTO customer_tag (customer_id, tag, at) VALUES ($1, $2, $3) \
             ON CONFLICT (customer_id, tag) DO NOTHING",
        )
        .bind(&write.id)
        .bind(tag)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    }
    for (name, value) in &write.attributes {
        sqlx::query("DELETE FROM customer_attribute WHERE customer_id = $1 AND name = $2")
            .bind(&write.id)
            .bind(name)
            .execute(&mut *connection)
            .await?;
        let Some(value) = value else { continue };
        sqlx::query("INSERT INTO customer_attribute (customer_id, name, value, at) VALUES ($1, $2, $3, $4)")
            .bind(&write.id)
            .bind(name)
            .bind(value)
            .bind(stamp.now)
            .execute(&mut *connection)
            .await?;
    }
    for (kind, value) in &write.identities {
        let link = Linking { kind, namespace: "", value, level: LinkLevel::Verified, method: "crm", by };
        link.store(connection, &write.id, stamp).await?;
    }
    Ok(())
}
