//! What customers agreed to or refused, with its proof. Rows are added and never changed: the newest of a kind is how
//! it stands.

use std::collections::BTreeSet;

use hotline_model::{CallId, CustomerId, JobId, PhoneNumber};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::families::living;
use crate::profile::checked;
use crate::sql::{Columns, FAMILY};
use crate::users::hash_of;
use crate::{Record, RecordError};

/// The kind by which customers are called of our own accord, or not: it goes with `do-not-call`.
pub const SURVEYS: &str = "surveys";
/// The kind by which calls are recorded, or not.
pub const RECORDING: &str = "recording";

/// On what a customer said it.
const CHANNELS: [&str; 8] = ["call", "chat", "message", "web", "email", "letter", "counter", "crm"];
/// Rows that are told of a customer.
const SHOWN: i64 = 500;

/// What somebody notes of a customer's consent.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// Whose.
    pub customer: CustomerId,
    /// To what: `recording`, `surveys`, `marketing`, `data-sharing`, or a word of the firm's in kebab case.
    pub kind: String,
    /// Given; else withdrawn or refused.
    pub given: bool,
    /// On which channel it was said.
    pub channel: String,
    /// In which contact.
    pub interaction: Option<String>,
    /// By which entry of the journal it is proved: its `seq`.
    pub event: Option<i64>,
    /// What was shown or announced: at most 4,000 characters.
    pub words: Option<String>,
    /// In which version.
    pub words_version: Option<String>,
    /// Two with one key, of one person, are one.
    pub key: Option<String>,
}

/// One word of a customer's as it stands on the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Consent {
    /// Its id.
    pub id: String,
    /// To what.
    pub kind: String,
    /// `given` or `withdrawn`.
    pub state: &'static str,
    /// Whether it is the newest of its kind.
    pub current: bool,
    /// On which channel it was said.
    pub channel: String,
    /// In which contact.
    pub interaction: Option<String>,
    /// By which entry of the journal it is proved.
    pub event: Option<i64>,
    /// What was shown or announced.
    pub words: Option<String>,
    /// In which version.
    pub words_version: Option<String>,
    /// Who noted it: a login, a token's name, `plan` where a caller keyed it, `customer` where they wrote it.
    pub noted_by: String,
    /// When.
    pub at: Timestamp,
}

/// How somebody's word came to us.
#[derive(Default)]
pub(crate) struct Proof<'a> {
    pub channel: &'a str,
    pub interaction: Option<&'a str>,
    pub event: Option<i64>,
    pub words: Option<&'a str>,
    pub words_version: Option<&'a str>,
    pub by: &'a str,
}

struct Input {
    id: String,
    consent: NewConsent,
    by: String,
}

const fn state(given: bool) -> &'static str {
    if given { "given" } else { "withdrawn" }
}

/// Whether a text is one word in kebab case, at most 64 characters long.
fn is_kebab(text: &str) -> bool {
    text.len() <= 64
        && !text.is_empty()
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

impl NewConsent {
    fn check(&self) -> Result<(), RecordError> {
        let invalid = |text: &str| Err(RecordError::Invalid(text.into()));
        if !is_kebab(&self.kind) {
            return invalid(
                "kind: recording, surveys, marketing, data-sharing, or a word of your own in small letters, digits \
                 and hyphens",
            );
        }
        if !CHANNELS.contains(&self.channel.as_str()) {
            return Err(RecordError::Invalid(format!("channel: one of {}", CHANNELS.join(", "))));
        }
        if let Some(words) = &self.words {
            checked("words", words, 4_000)?;
        }
        if let Some(version) = &self.words_version {
            checked("words-version", version, 64)?;
        }
        Ok(())
    }
}

impl Record {
    /// Adds what a customer agreed to or refused. `surveys` sets or takes away that they want no calls of our own
    /// accord, in the same commit. Gives its id.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such customer.
    pub async fn add_consent(&self, consent: NewConsent, by: &str) -> Result<String, RecordError> {
        consent.check()?;
        let id = match &consent.key {
            Some(key) => hash_of(&format!("consent {by} {key}"))[..26].to_owned(),
            None => self.new_id::<JobId>().to_string(),
        };
        let input = Input { id: id.clone(), consent, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await?;
        Ok(id)
    }

    /// What a customer agreed to or refused, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn consents_of(&self, customer: CustomerId) -> Result<Vec<Consent>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT id, kind, given, channel, interaction_id, event_seq, words, words_version, noted_by, at \
             FROM consent WHERE customer_id IN {FAMILY} ORDER BY at DESC, id DESC LIMIT {SHOWN}"
        ))
        .bind(customer.to_string())
        .fetch_all(&self.readers)
        .await?;
        let mut kinds = BTreeSet::new();
        rows.iter()
            .map(|row| {
                let kind = row.text("kind")?;
                Ok(Consent {
                    id: row.text("id")?,
                    current: kinds.insert(kind.clone()),
                    kind,
                    state: state(row.int("given")? == 1),
                    channel: row.text("channel")?,
                    interaction: row.text_or_none("interaction_id")?,
                    event: row.int_or_none("event_seq")?,
                    words: row.text_or_none("words")?,
                    words_version: row.text_or_none("words_version")?,
                    noted_by: row.text("noted_by")?,
                    at: row.time("at")?,
                })
            })
            .collect()
    }

    /// Whether a customer withdrew their consent to something, and did not give it again.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn has_withdrawn(&self, customer: CustomerId, kind: &str) -> Result<bool, RecordError> {
        // The customer may have been merged into another since the call knew them.
        let row = sqlx::query(
            "SELECT given FROM consent WHERE kind = $2 AND customer_id IN (SELECT f.id FROM customer f WHERE \
             COALESCE(f.merged_into, f.id) = (SELECT COALESCE(merged_into, id) FROM customer WHERE id = $1)) \
             ORDER BY at DESC, id DESC LIMIT 1",
        )
        .bind(customer.to_string())
        .bind(kind)
        .fetch_optional(&self.readers)
        .await?;
        Ok(row.map(|row| row.int("given")).transpose()? == Some(0))
    }

    /// A caller said in a call that they want no more calls of our own accord: the flag, the consent with its proof
    /// and the journal in one commit.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such customer, [`RecordError::Unavailable`] if it was not committed.
    pub async fn opt_out(&self, customer: CustomerId, call: CallId) -> Result<(), RecordError> {
        self.change((customer.to_string(), call.to_string()), |connection, input, stamp| {
            Box::pin(async move {
                let (customer, call) = &*input;
                let customer = living(connection, customer).await?;
                let call = heard_in(connection, Some(call), &customer).await?;
                set_do_not_call(connection, &customer, true, &call.proof(), &stamp).await
            })
        })
        .await
    }
}

impl Record {
    /// A customer wants no more calls and messages from us, as they wrote on a channel: `web`, `message`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn refuse_contact(
        &self,
        customer: CustomerId,
        channel: &'static str,
    ) -> Result<(), RecordError> {
        self.change((customer.to_string(), channel), |connection, input, stamp| {
            Box::pin(async move {
                let (customer, channel) = &*input;
                let proof = Proof { channel, by: "customer", ..Proof::default() };
                refuse(connection, customer, &proof, &stamp).await
            })
        })
        .await
    }

    /// A telephone wants no more calls and messages from us: all customers who have its number refuse, and whom we
    /// wrote to there last. Gives how many they are.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn refuse_number(
        &self,
        number: &PhoneNumber,
        channel: &'static str,
    ) -> Result<usize, RecordError> {
        self.change((number.clone(), channel), |connection, input, stamp| {
            Box::pin(async move {
                let (number, channel) = &*input;
                let rows = sqlx::query(
                    "SELECT l.customer_id AS id FROM identity i JOIN identity_link l ON l.identity_id = i.id \
                     AND l.valid_to IS NULL AND l.level = 'verified' WHERE i.kind = 'phone' AND i.namespace = '' \
                     AND i.value = $1 UNION SELECT m.customer_id AS id FROM message m WHERE m.recipient = $1 \
                     AND m.customer_id IS NOT NULL",
                )
                .bind(number.e164())
                .fetch_all(&mut *connection)
                .await?;
                let proof = Proof { channel, by: "customer", ..Proof::default() };
                for row in &rows {
                    refuse(connection, &row.text("id")?, &proof, &stamp).await?;
                }
                Ok(rows.len())
            })
        })
        .await
    }
}

/// Notes that a customer refuses calls and messages of our own accord, by what proves it: once.
pub(crate) async fn refuse(
    connection: &mut AnyConnection,
    customer: &str,
    proof: &Proof<'_>,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let sql = "SELECT COALESCE(merged_into, id) AS id FROM customer WHERE id = $1 AND erased_at IS NULL";
    let row = sqlx::query(sql).bind(customer).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(()) };
    set_do_not_call(connection, &row.text("id")?, true, proof, stamp).await
}

/// A call in which a customer said something.
#[derive(Default)]
pub(crate) struct Heard {
    call: Option<String>,
    event: Option<i64>,
    version: Option<String>,
}

impl Heard {
    /// What was heard is the plan's; its version says which words.
    pub fn proof(&self) -> Proof<'_> {
        Proof {
            channel: "call",
            interaction: self.call.as_deref(),
            event: self.event,
            words_version: self.version.as_deref(),
            by: "plan",
            ..Proof::default()
        }
    }
}

/// The call in which a customer just refused: this one, or their newest; with the key that they pressed last.
pub(crate) async fn heard_in(
    connection: &mut AnyConnection,
    call: Option<&str>,
    customer: &str,
) -> Result<Heard, RecordError> {
    let row = match call {
        Some(call) => {
            sqlx::query("SELECT id, plan_version FROM interaction WHERE id = $1")
                .bind(call)
                .fetch_optional(&mut *connection)
                .await?
        }
        None => {
            let sql = format!(
                "SELECT id, plan_version FROM interaction WHERE customer_id IN {FAMILY} AND channel = 'call' \
                 ORDER BY started_at DESC, id DESC LIMIT 1"
            );
            sqlx::query(&sql).bind(customer).fetch_optional(&mut *connection).await?
        }
    };
    let Some(row) = row else { return Ok(Heard::default()) };
    let id = row.text("id")?;
    let keyed =
        sqlx::query("SELECT MAX(seq) AS seq FROM event WHERE interaction_id = $1 AND type = 'call.keyed'")
            .bind(&id)
            .fetch_one(connection)
            .await?;
    Ok(Heard { call: Some(id), event: keyed.int_or_none("seq")?, version: row.text_or_none("plan_version")? })
}

/// Adds a row, with its entry in the journal.
pub(crate) async fn add(
    connection: &mut AnyConnection,
    id: &str,
    (customer, kind, given): (&str, &str, bool),
    proof: &Proof<'_>,
    stamp: &Stamp,
) -> Result<bool, RecordError> {
    let made = sqlx::query(
        "INSERT INTO consent (id, customer_id, kind, given, channel, interaction_id, event_seq, words, words_version, \
         noted_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(customer)
    .bind(kind)
    .bind(i64::from(given))
    .bind(proof.channel)
    .bind(proof.interaction)
    .bind(proof.event)
    .bind(proof.words)
    .bind(proof.words_version)
    .bind(proof.by)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    if made.rows_affected() == 0 {
        return Ok(false);
    }
    let type_name = if given { "consent.given" } else { "consent.withdrawn" };
    let body = serde_json::json!({ "consent": id, "kind": kind, "channel": proof.channel, "by": proof.by });
    Entry { type_name, customer: Some(customer), interaction: proof.interaction, body, ..Entry::default() }
        .write(connection, stamp)
        .await?;
    Ok(true)
}

/// Notes that a customer wants no calls of our own accord, or takes them again, where that was not so before: what
/// stands on their record already needs no second proof. Whether they want calls is in `customer` once this is done.
pub(crate) async fn set_do_not_call(
    connection: &mut AnyConnection,
    customer: &str,
    out: bool,
    proof: &Proof<'_>,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    if was_do_not_call(connection, customer).await?.is_none_or(|was| was == out) {
        return Ok(());
    }
    write_do_not_call(connection, customer, out, stamp).await?;
    add(connection, &stamp.id(), (customer, SURVEYS, !out), proof, stamp).await?;
    Ok(())
}

/// Whether a customer wanted no calls until now; `None`: there is no such customer.
pub(crate) async fn was_do_not_call(
    connection: &mut AnyConnection,
    customer: &str,
) -> Result<Option<bool>, RecordError> {
    let row = sqlx::query("SELECT do_not_call FROM customer WHERE id = $1")
        .bind(customer)
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok(row.int("do_not_call")? != 0)).transpose()
}

async fn write_do_not_call(
    connection: &mut AnyConnection,
    customer: &str,
    out: bool,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    // Also of those who were merged into it: who is told apart again has refused as well.
    let sql = format!(
        "UPDATE customer SET do_not_call = $2, version = version + 1, changed_at = $3 WHERE id IN {FAMILY}"
    );
    sqlx::query(&sql).bind(customer).bind(i64::from(out)).bind(stamp.now).execute(&mut *connection).await?;
    // Whoever calls customers reads them anew at this entry.
    let body = serde_json::json!({ "do-not-call": out });
    Entry { type_name: "customer.changed", customer: Some(customer), body, ..Entry::default() }
        .write(connection, stamp)
        .await
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let consent = &self.consent;
        let customer = living(connection, &consent.customer.to_string()).await?;
        self.check_proof(connection, &customer).await?;
        let proof = Proof {
            channel: &consent.channel,
            interaction: consent.interaction.as_deref(),
            event: consent.event,
            words: consent.words.as_deref(),
            words_version: consent.words_version.as_deref(),
            by: &self.by,
        };
        let new = add(connection, &self.id, (&customer, &consent.kind, consent.given), &proof, stamp).await?;
        let out = !consent.given;
        if new
            && consent.kind == SURVEYS
            && was_do_not_call(connection, &customer).await?.is_some_and(|was| was != out)
        {
            write_do_not_call(connection, &customer, out, stamp).await?;
        }
        Ok(())
    }

    /// What is to prove it has to be this customer's own.
    async fn check_proof(&self, connection: &mut AnyConnection, customer: &str) -> Result<(), RecordError> {
        if let Some(interaction) = &self.consent.interaction {
            let sql = format!("SELECT 1 AS there FROM interaction WHERE customer_id IN {FAMILY} AND id = $2");
            let row =
                sqlx::query(&sql).bind(customer).bind(interaction).fetch_optional(&mut *connection).await?;
            row.ok_or_else(|| RecordError::Invalid("interaction: this customer had no such contact".into()))?;
        }
        if let Some(event) = self.consent.event {
            let sql = format!(
                "SELECT 1 AS there FROM event WHERE seq = $2 AND (customer_id IN {FAMILY} OR interaction_id IN \
                 (SELECT id FROM interaction WHERE customer_id IN {FAMILY}))"
            );
            let row = sqlx::query(&sql).bind(customer).bind(event).fetch_optional(&mut *connection).await?;
            row.ok_or_else(|| {
                RecordError::Invalid("event: the journal has no such entry of this customer".into())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::is_kebab;

    #[test]
    fn a_kind_is_a_word_in_kebab_case() {
        for good in ["recording", "data-sharing", "5g-news"] {
            assert!(is_kebab(good), "{good}");
        }
        for bad in ["", "Recording", "a--b", "-a", "a-", "数据", "a b", &"a".repeat(65)] {
            assert!(!is_kebab(bad), "{bad}");
        }
    }
}
