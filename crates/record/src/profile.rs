//! What is known of a customer beside their contacts: name, language, tier, tags, attributes, notes.

use std::collections::BTreeMap;

use hotline_model::{CustomerId, JobId, Language, Pii};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::consents::{Proof, SURVEYS, add as add_consent, was_do_not_call};
use crate::customers::{ContactView, IdentityView};
use crate::families::living;
use crate::indexing::{Indexed, index_customer};
use crate::sql::{Columns, FAMILY};
use crate::tickets::is_unspeakable;
use crate::users::hash_of;
use crate::words::words;
use crate::{Record, RecordError};

/// What of a customer is to be changed; what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ProfileChange {
    /// Their name: at most 100 characters.
    pub name: Option<Pii<String>>,
    /// The language they are spoken to in.
    pub language: Option<Language>,
    /// Their tier, in the firm's word.
    pub tier: Option<String>,
    /// Whether they want no calls of their own accord.
    pub do_not_call: Option<bool>,
    /// Tags to be added.
    pub add_tags: Vec<String>,
    /// Tags to be taken away.
    pub remove_tags: Vec<String>,
    /// Attributes to be set; `null` takes one away.
    pub attributes: BTreeMap<String, Option<String>>,
}

struct Input {
    customer: String,
    change: ProfileChange,
    version: Option<i64>,
    by: String,
}

/// What somebody notes about a customer.
#[derive(Debug, Clone)]
pub struct NewNote {
    /// About whom.
    pub customer: CustomerId,
    /// In which contact.
    pub interaction: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
    /// The words: 1 to 4,000 characters.
    pub text: Pii<String>,
    /// Two with one key, of one person, are one note.
    pub key: Option<String>,
}

struct NoteRow {
    id: String,
    note: NewNote,
    by: String,
}

pub(crate) fn checked(name: &str, text: &str, longest: usize) -> Result<(), RecordError> {
    if text.trim().is_empty() || text.chars().count() > longest {
        return Err(RecordError::Invalid(format!("{name}: 1 to {longest} characters are expected")));
    }
    if text.chars().any(is_unspeakable) {
        return Err(RecordError::Invalid(format!("{name}: control characters are not taken")));
    }
    Ok(())
}

impl ProfileChange {
    fn check(&self) -> Result<(), RecordError> {
        if let Some(name) = &self.name {
            checked("name", name.expose(), 100)?;
        }
        if let Some(tier) = &self.tier {
            checked("tier", tier, 64)?;
        }
        for tag in self.add_tags.iter().chain(&self.remove_tags) {
            checked("tags", tag, 64)?;
        }
        for (name, value) in &self.attributes {
            checked("attributes", name, 64)?;
            if let Some(value) = value {
                checked("attributes", value, 500)?;
            }
        }
        if self.add_tags.len() > 50 || self.attributes.len() > 50 {
            return Err(RecordError::Invalid("tags, attributes: 50 at once at most".into()));
        }
        Ok(())
    }
}

impl Record {
    /// Changes what is known of a customer. `version`: the one that the change rests on. Gives the
    /// new one.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`], [`RecordError::Stale`]
    /// if somebody else was faster.
    pub async fn change_profile(
        &self,
        customer: CustomerId,
        change: ProfileChange,
        version: Option<i64>,
        by: &str,
    ) -> Result<i64, RecordError> {
        change.check()?;
        let input = Input { customer: customer.to_string(), change, version, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// Stores a note. Gives its id.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such customer.
    pub async fn add_note(&self, note: NewNote, by: &str) -> Result<String, RecordError> {
        checked("text", note.text.expose(), 4000)?;
        let id = match &note.key {
            Some(key) => hash_of(&format!("{by} {key}"))[..26].to_owned(),
            None => self.new_id::<JobId>().to_string(),
        };
        let row = NoteRow { id: id.clone(), note, by: by.to_owned() };
        self.change(row, |connection, row, stamp| {
            Box::pin(async move { row.store(connection, &stamp).await })
        })
        .await?;
        Ok(id)
    }

    pub(crate) async fn tags_of(&self, id: CustomerId) -> Result<Vec<String>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT DISTINCT tag FROM customer_tag WHERE customer_id IN {FAMILY} ORDER BY tag"
        ))
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.text("tag")).collect()
    }

    pub(crate) async fn attributes_of(&self, id: CustomerId) -> Result<Vec<(String, String)>, RecordError> {
        // Of two records that were made one the newer word holds.
        let rows = sqlx::query(&format!(
            "SELECT name, value FROM customer_attribute WHERE customer_id IN {FAMILY} ORDER BY name, at"
        ))
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        let mut attributes = BTreeMap::new();
        for row in &rows {
            attributes.insert(row.text("name")?, row.text("value")?);
        }
        Ok(attributes.into_iter().collect())
    }

    pub(crate) async fn identities_of(&self, id: CustomerId) -> Result<Vec<IdentityView>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT i.id, i.kind, i.value, l.level FROM identity_link l JOIN identity i ON i.id = l.identity_id \
             WHERE l.customer_id IN {FAMILY} AND l.valid_to IS NULL ORDER BY i.kind, i.value"
        ))
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        let mut identities: Vec<IdentityView> = Vec::new();
        for row in &rows {
            let id = row.text("id")?;
            if identities.iter().any(|known| known.id == id) {
                continue;
            }
            identities.push(IdentityView {
                id,
                kind: row.text("kind")?,
                value: row.text("value")?.into(),
                level: row.text("level")?,
            });
        }
        Ok(identities)
    }

    /// Contacts of a customer that go on, each with its path so far.
    pub(crate) async fn live_contacts_of(&self, id: CustomerId) -> Result<Vec<ContactView>, RecordError> {
        self.contacts_where(
            "customer_id IN (SELECT id FROM customer WHERE id = $1 OR merged_into = $1) \
             AND ended_at IS NULL ORDER BY started_at DESC, id DESC LIMIT 5",
            &id.to_string(),
        )
        .await
    }

    pub(crate) async fn last_contact_of(&self, id: CustomerId) -> Result<Option<Timestamp>, RecordError> {
        let row = sqlx::query(&format!(
            "SELECT MAX(started_at) AS at FROM interaction WHERE customer_id IN {FAMILY} AND ended_at IS NOT NULL"
        ))
        .bind(id.to_string())
        .fetch_one(&self.readers)
        .await?;
        row.time_or_none("at")
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<i64, RecordError> {
        let id = living(connection, &self.customer).await?;
        let change = &self.change;
        let was_out = was_do_not_call(connection, &id).await?;
        let row = sqlx::query(
            "UPDATE customer SET name = COALESCE($2, name), language = COALESCE($3, language), \
             tier = COALESCE($4, tier), do_not_call = COALESCE($5, do_not_call), changed_at = $6, \
             version = version + 1 WHERE id = $1 AND (version = $7 OR $7 = -1) RETURNING version",
        )
        .bind(&id)
        .bind(change.name.as_ref().map(|name| name.expose().trim().to_owned()))
        .bind(change.language.map(Language::tag))
        .bind(change.tier.as_deref())
        .bind(change.do_not_call.map(i64::from))
        .bind(stamp.now)
        .bind(self.version.unwrap_or(-1))
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| RecordError::Stale("the customer was changed by somebody else meanwhile".into()))?;
        for tag in &change.add_tags {
            sqlx::query(
                "INSERT INTO customer_tag (customer_id, tag, at) VALUES ($1, $2, $3) \
                 ON CONFLICT (customer_id, tag) DO NOTHING",
            )
            .bind(&id)
            .bind(tag.trim())
            .bind(stamp.now)
            .execute(&mut *connection)
            .await?;
        }
        for tag in &change.remove_tags {
            sqlx::query(&format!("DELETE FROM customer_tag WHERE customer_id IN {FAMILY} AND tag = $2"))
                .bind(&id)
                .bind(tag.trim())
                .execute(&mut *connection)
                .await?;
        }
        for (name, value) in &change.attributes {
            sqlx::query(&format!(
                "DELETE FROM customer_attribute WHERE customer_id IN {FAMILY} AND name = $2"
            ))
            .bind(&id)
            .bind(name)
            .execute(&mut *connection)
            .await?;
            if let Some(value) = value {
                sqlx::query(
                    "INSERT INTO customer_attribute (customer_id, name, value, at) VALUES ($1, $2, $3, $4)",
                )
                .bind(&id)
                .bind(name)
                .bind(value)
                .bind(stamp.now)
                .execute(&mut *connection)
                .await?;
            }
        }
        if let Some(out) = change.do_not_call.filter(|out| was_out.is_some_and(|was| was != *out)) {
            // Who wants calls or none has said so to whoever writes it down, in the call that goes on if one does.
            let talks = talks_now(connection, &id).await?;
            let channel = if talks.is_some() { "call" } else { "crm" };
            let proof = Proof { channel, interaction: talks.as_deref(), by: &self.by, ..Proof::default() };
            add_consent(connection, &stamp.id(), (&id, SURVEYS, !out), &proof, stamp).await?;
        }
        index_customer(connection, &id).await?;
        let version = row.int("version")?;
        // What was changed is in the tables; the journal says that and who, not the words.
        let body = serde_json::json!({ "by": self.by, "version": version });
        Entry { type_name: "customer.changed", customer: Some(&id), body, ..Entry::default() }
            .write(connection, stamp)
            .await?;
        Ok(version)
    }
}

impl NoteRow {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let customer = living(connection, &self.note.customer.to_string()).await?;
        let made = sqlx::query(
            "INSERT INTO note (id, customer_id, interaction_id, ticket_id, text, made_by, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&self.id)
        .bind(&customer)
        .bind(self.note.interaction.as_deref())
        .bind(self.note.ticket.as_deref())
        .bind(self.note.text.expose())
        .bind(&self.by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        if made.rows_affected() == 0 {
            return Ok(());
        }
        Indexed { kind: "note", id: &self.id, customer: &customer, at: stamp.now }
            .store(connection, words(self.note.text.expose()))
            .await?;
        let body = serde_json::json!({ "note": self.id, "by": self.by });
        Entry {
            type_name: "customer.noted",
            customer: Some(&customer),
            interaction: self.note.interaction.as_deref(),
            ticket: self.note.ticket.as_deref(),
            body,
        }
        .write(connection, stamp)
        .await
    }
}

/// The call in which a customer is at this moment.
async fn talks_now(connection: &mut AnyConnection, customer: &str) -> Result<Option<String>, RecordError> {
    let sql = format!(
        "SELECT id FROM interaction WHERE customer_id IN {FAMILY} AND channel = 'call' AND ended_at IS NULL \
         ORDER BY started_at DESC, id DESC LIMIT 1"
    );
    let row = sqlx::query(&sql).bind(customer).fetch_optional(connection).await?;
    row.map(|row| row.text("id")).transpose()
}
