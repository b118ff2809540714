//! A customer who is erased: what identifies them goes, what is counted stays. Ids, times, kinds and
//! outcomes remain, so that figures stay true and old links lead to a page that says so. What was written in free words
//! goes, whoever wrote it.

use std::time::Duration;

use hotline_model::{CustomerId, Language};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::attachments::KeptFile;
use crate::families::root;
use crate::sql::{Columns, FAMILY};
use crate::{Record, RecordError};

/// What an erasure leaves for others to take away: it is not in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// Texts that were rendered into speech, each with its language.
    pub spoken: Vec<(String, Option<Language>)>,
    /// Recordings, as they are named in the record.
    pub recordings: Vec<String>,
    /// Files that the customer and agents put on the record.
    pub attachments: Vec<KeptFile>,
}

/// So often the log is tried to be emptied, with so long between.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(100);

/// What stands before what was taken away.
const ERASED: &str = "erased ";

/// What stands for a ticket's, rebate's or customer's number in the firm's own system once the customer was erased:
/// handed over again it is recognised and not taken, and nobody can read the number from it.
pub(crate) fn erased_ref(external_ref: &str) -> String {
    let hash = Sha256::digest(external_ref.trim().as_bytes());
    let hash: String = hash.iter().take(20).map(|byte| format!("{byte:02x}")).collect();
    format!("{ERASED}{hash}")
}

impl Record {
    /// Erases a customer and all records that were merged into theirs, also in the middle of a call:
    /// what that call leaves from now on is stored without what identifies. A second time takes away
    /// what came meanwhile.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such customer.
    pub async fn erase_customer(&self, customer: CustomerId, by: &str) -> Result<Erased, RecordError> {
        let left = self
            .change((customer.to_string(), by.to_owned()), |connection, input, stamp| {
                Box::pin(async move {
                    let (customer, by) = &*input;
                    erase(connection, customer, by, &stamp).await
                })
            })
            .await?;
        self.empty_log().await;
        Ok(left)
    }

    /// What was written before stands in the log beside the file until it is written over: nothing of it is left there,
    /// as soon as nobody reads it any more.
    async fn empty_log(&self) {
        let Some(sql) = self.engine.empty_log() else { return };
        for _ in 0..TRIES {
            match sqlx::query(sql).fetch_one(&self.readers).await.map(|row| row.int("busy")) {
                Ok(Ok(0)) => return,
                // Somebody writes or reads at this moment.
                Ok(_) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!(error = %RecordError::from(error), "the database's log cannot be emptied");
                    return;
                }
            }
        }
        tracing::warn!("the database's log is in use: what was erased stands in it until it is written over");
    }
}

impl Record {
    /// Recordings of calls that are over and whose customer was erased, which may still lie on this
    /// server's disk: of a call that went on when its customer was erased, and of one that was erased
    /// elsewhere.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn erased_recordings(&self) -> Result<Vec<String>, RecordError> {
        let rows = sqlx::query(
            "SELECT recording FROM interaction WHERE erased = 1 AND recording IS NOT NULL AND ended_at IS NOT NULL \
             AND server IN ('', $1) UNION ALL \
             SELECT w.recording FROM caller_words w JOIN interaction i ON i.id = w.call_id WHERE i.erased = 1 \
             AND w.recording IS NOT NULL AND i.ended_at IS NOT NULL AND i.server IN ('', $1)",
        )
        .bind(&*self.server)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.text("recording")).collect()
    }

    /// Recordings of erased customers are deleted: nothing leads to them any more.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn forget_recordings(&self, names: &[String]) -> Result<(), RecordError> {
        if names.is_empty() {
            return Ok(());
        }
        self.change(names.to_vec(), |connection, names, _| {
            Box::pin(async move {
                for name in &*names {
                    sqlx::query(
                        "UPDATE interaction SET recording = NULL WHERE erased = 1 AND recording = $1",
                    )
                    .bind(name)
                    .execute(&mut *connection)
                    .await?;
                    sqlx::query(
                        "UPDATE caller_words SET recording = NULL WHERE recording = $1 AND call_id IN \
                         (SELECT id FROM interaction WHERE erased = 1)",
                    )
                    .bind(name)
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }
}

/// What is run for the family of `$1`, in this order.
const STATEMENTS: [&str; 25] = [
    "DELETE FROM customer_tag WHERE customer_id IN {family}",
    "DELETE FROM customer_attribute WHERE customer_id IN {family}",
    "DELETE FROM search_word WHERE customer_id IN {family}",
    "UPDATE note SET text = '' WHERE customer_id IN {family}",
    "UPDATE wrap_up SET note = NULL WHERE interaction_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    "UPDATE dissatisfaction SET note = NULL WHERE interaction_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    // The rows go with their files: `forget_attachments`.
    "UPDATE attachment SET name = '', sha256 = '' WHERE customer_id IN {family}",
    "UPDATE upload_link SET valid_until = 0 WHERE customer_id IN {family}",
    // What was agreed to stays, and by whom noted; what was written beside it goes.
    "UPDATE consent SET words = NULL WHERE customer_id IN {family}",
    "UPDATE review SET note = NULL, answer = NULL WHERE interaction_id IN (SELECT t.id FROM interaction t \
     WHERE t.parent_id IN (SELECT id FROM interaction WHERE customer_id IN {family}))",
    "UPDATE customer_merge SET reason = NULL WHERE from_id IN {family} OR into_id IN {family}",
    // How it went is written down in whatever words somebody chose.
    "UPDATE follow_up SET phone = NULL, note = NULL, outcome = NULL WHERE customer_id IN {family}",
    "UPDATE message SET text = '', recipient = '', error = NULL, provider_ref = NULL, \
     state = CASE WHEN state = 'due' THEN 'cancelled' ELSE state END WHERE customer_id IN {family}",
    "UPDATE survey_page SET given = '{}', turns = '[]' WHERE customer_id IN {family}",
    "UPDATE caller_words SET text = NULL WHERE call_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    "UPDATE waiting SET call_back_to = NULL WHERE interaction_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    "UPDATE verification SET caller = 'erased' WHERE interaction_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    "UPDATE verification SET caller = 'erased' WHERE ticket_id IN \
     (SELECT id FROM ticket WHERE customer_id IN {family})",
    "UPDATE event SET body = '{}' WHERE customer_id IN {family}",
    "UPDATE event SET body = '{}' WHERE interaction_id IN \
     (SELECT id FROM interaction WHERE customer_id IN {family})",
    "UPDATE interaction SET erased = 1, note = NULL, identity_id = NULL, native_id = id \
     WHERE customer_id IN {family}",
    "UPDATE ticket SET phone = '', code = 'erased ' || id, code_expires_at = 0, result = NULL, \
     result_language = NULL, owner = NULL, version = version + 1, \
     state = CASE WHEN state = 'open' THEN 'cancelled' ELSE state END WHERE customer_id IN {family}",
    "UPDATE rebate SET phone = '', text = NULL WHERE customer_id IN {family}",
    // A number that others have too stays theirs.
    "UPDATE identity SET value = 'erased ' || id, namespace = '' WHERE id IN \
     (SELECT l.identity_id FROM identity_link l WHERE l.customer_id IN {family}) AND id NOT IN \
     (SELECT o.identity_id FROM identity_link o WHERE o.valid_to IS NULL AND o.customer_id NOT IN {family})",
    "UPDATE customer SET name = NULL, tier = NULL, told_at = NULL, indexed = 1, \
     version = version + 1 WHERE id IN {family}",
];

async fn erase(
    connection: &mut AnyConnection,
    customer: &str,
    by: &str,
    stamp: &Stamp,
) -> Result<Erased, RecordError> {
    let (id, _) = root(connection, customer).await?;
    let mut left = Erased::default();
    let tickets = sqlx::query(&format!(
        "SELECT id, external_ref, result, result_language FROM ticket WHERE customer_id IN {FAMILY}"
    ))
    .bind(&id)
    .fetch_all(&mut *connection)
    .await?;
    for ticket in &tickets {
        if let Some(result) = ticket.text_or_none("result")? {
            left.spoken.push((result, ticket.parsed_or_none("result_language")?));
        }
        let external_ref = ticket.text("external_ref")?;
        if external_ref.starts_with(ERASED) {
            continue;
        }
        sqlx::query("UPDATE ticket SET external_ref = $2 WHERE id = $1")
            .bind(ticket.text("id")?)
            .bind(erased_ref(&external_ref))
            .execute(&mut *connection)
            .await?;
    }
    let rebates = sqlx::query(&format!("SELECT id, external_ref FROM rebate WHERE customer_id IN {FAMILY}"))
        .bind(&id)
        .fetch_all(&mut *connection)
        .await?;
    for row in &rebates {
        let external_ref = row.text("external_ref")?;
        if !external_ref.starts_with(ERASED) {
            sqlx::query("UPDATE rebate SET external_ref = $2 WHERE id = $1")
                .bind(row.text("id")?)
                .bind(erased_ref(&external_ref))
                .execute(&mut *connection)
                .await?;
        }
    }
    let customers = sqlx::query(&format!(
        "SELECT id, external_ref FROM customer WHERE id IN {FAMILY} AND external_ref IS NOT NULL"
    ))
    .bind(&id)
    .fetch_all(&mut *connection)
    .await?;
    for row in &customers {
        let external_ref = row.text("external_ref")?;
        if !external_ref.starts_with(ERASED) {
            sqlx::query("UPDATE customer SET external_ref = $2 WHERE id = $1")
                .bind(row.text("id")?)
                .bind(erased_ref(&external_ref))
                .execute(&mut *connection)
                .await?;
        }
    }
    let recordings = sqlx::query(&format!(
        "SELECT recording FROM interaction WHERE customer_id IN {FAMILY} AND recording IS NOT NULL UNION ALL \
         SELECT w.recording FROM caller_words w JOIN interaction i ON i.id = w.call_id \
         WHERE i.customer_id IN {FAMILY} AND w.recording IS NOT NULL"
    ))
    .bind(&id)
    .fetch_all(&mut *connection)
    .await?;
    for row in &recordings {
        left.recordings.push(row.text("recording")?);
    }
    let files = sqlx::query(&format!("SELECT id, file FROM attachment WHERE customer_id IN {FAMILY}"))
        .bind(&id)
        .fetch_all(&mut *connection)
        .await?;
    for row in &files {
        left.attachments.push(KeptFile { id: row.text("id")?, file: row.text("file")? });
    }
    for statement in STATEMENTS {
        sqlx::query(&statement.replace("{family}", FAMILY)).bind(&id).execute(&mut *connection).await?;
    }
    sqlx::query(&format!(
        "UPDATE identity_link SET valid_to = COALESCE(valid_to, $2), ended_by = COALESCE(ended_by, $3) \
         WHERE customer_id IN {FAMILY}"
    ))
    .bind(&id)
    .bind(stamp.now)
    .bind(by)
    .execute(&mut *connection)
    .await?;
    sqlx::query(&format!("UPDATE customer SET erased_at = $2, changed_at = $2 WHERE id IN {FAMILY}"))
        .bind(&id)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    let body = serde_json::json!({ "by": by });
    Entry { type_name: "customer.erased", customer: Some(&id), body, ..Entry::default() }
        .write(connection, stamp)
        .await?;
    Ok(left)
}
