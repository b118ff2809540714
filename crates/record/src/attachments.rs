//! Files that customers and agents put on the record. The row says what a file is; it lies in the folder of attachments
//! of the server that took it, under a name that we made.

use hotline_model::{CustomerId, JobId, Pii};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::families::{living, root};
use crate::sql::{Columns, FAMILY};
use crate::uploads::FILES;
use crate::{Record, RecordError};

/// Characters of a name that are kept.
const NAME: usize = 120;
/// Rows that are told of a customer.
const SHOWN: i64 = 200;

/// A file that lies in the folder already.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    /// Its id, by [`Record::new_attachment`].
    pub id: String,
    /// Whose.
    pub customer: CustomerId,
    /// In which contact it was put there.
    pub interaction: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
    /// The link that it came by; its customer is asked for, and its ticket.
    pub link: Option<String>,
    /// What the sender calls it: whatever it is, it is cut and cleaned.
    pub name: Pii<String>,
    /// By what it holds: `image/jpeg`.
    pub media_type: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of what it holds, in hexadecimal digits.
    pub sha256: String,
    /// Its name in the folder.
    pub file: String,
}

/// A file as it stands on the record.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// Its id.
    pub id: String,
    /// Whose, as the record stands today.
    pub customer: CustomerId,
    /// In which contact it was put there.
    pub interaction: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
    /// What the sender calls it.
    pub name: Pii<String>,
    /// By what it holds.
    pub media_type: String,
    /// How long it is.
    pub bytes: u64,
    /// SHA-256 of what it holds.
    pub sha256: String,
    /// Its name in the folder.
    pub file: String,
    /// Whether it lies on this server's disk.
    pub here: bool,
    /// A login, a token's name, or `customer`.
    pub made_by: String,
    /// When.
    pub at: Timestamp,
}

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attached {
    /// It is on the record, with this id.
    Stored(String),
    /// The same file of this customer is there already, with this id: yours is not needed.
    Known(String),
    /// The link has brought as many files as it may.
    Full,
    /// The link is valid no longer.
    Expired,
}

/// A file on a disk, and the row that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// The row's id.
    pub id: String,
    /// The file's name in the folder.
    pub file: String,
}

struct Input {
    new: NewAttachment,
    server: String,
    by: String,
}

/// What a sender calls a file, made fit to be shown: the last part of a path, without control characters, cut.
fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_shown = |c: &char| !c.is_control() && !crate::tickets::is_unspeakable(*c);
    let kept: String = last.chars().filter(is_shown).take(NAME).collect();
    if kept.trim().is_empty() { "?".into() } else { kept.trim().to_owned() }
}

const COLUMNS: &str = "a.id, COALESCE(c.merged_into, c.id) AS whose, a.interaction_id, a.ticket_id, a.name, a.media_type, \
                       a.bytes, a.sha256, a.file, a.server, a.made_by, a.at";

fn attachment(row: &AnyRow, here: &str) -> Result<Attachment, RecordError> {
    let server = row.text("server")?;
    Ok(Attachment {
        id: row.text("id")?,
        customer: row.parsed("whose")?,
        interaction: row.text_or_none("interaction_id")?,
        ticket: row.text_or_none("ticket_id")?,
        name: row.text("name")?.into(),
        media_type: row.text("media_type")?,
        bytes: row.number("bytes")?,
        sha256: row.text("sha256")?,
        file: row.text("file")?,
        here: server.is_empty() || server == here,
        made_by: row.text("made_by")?,
        at: row.time("at")?,
    })
}

impl Record {
    /// An id for a file that is being taken: a name for it that says nothing.
    pub fn new_attachment(&self) -> String {
        self.new_id::<JobId>().to_string()
    }

    /// Puts a file on the record, and tells the journal.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such customer, [`RecordError::Invalid`] if they were erased, or if the
    /// contact or ticket is not theirs.
    pub async fn add_attachment(&self, new: NewAttachment, by: &str) -> Result<Attached, RecordError> {
        let input = Input { new, server: self.server.to_string(), by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// The files of a customer, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn attachments_of(&self, customer: CustomerId) -> Result<Vec<Attachment>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM attachment a JOIN customer c ON c.id = a.customer_id \
             WHERE a.customer_id IN {FAMILY} AND c.erased_at IS NULL ORDER BY a.at DESC, a.id DESC LIMIT {SHOWN}"
        );
        let rows = sqlx::query(&sql).bind(customer.to_string()).fetch_all(&self.readers).await?;
        rows.iter().map(|row| attachment(row, &self.server)).collect()
    }

    /// One file; of a customer who was erased none.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_attachment(&self, id: &str) -> Result<Option<Attachment>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM attachment a JOIN customer c ON c.id = a.customer_id \
             WHERE a.id = $1 AND c.erased_at IS NULL"
        );
        let row = sqlx::query(&sql).bind(id).fetch_optional(&self.readers).await?;
        row.as_ref().map(|row| attachment(row, &self.server)).transpose()
    }

    /// A file is deleted, on disk first: the row goes, and the journal says who did it.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such file.
    pub async fn delete_attachment(&self, id: &str, by: &str) -> Result<(), RecordError> {
        self.change((id.to_owned(), by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (id, by) = &*input;
                let row =
                    sqlx::query("DELETE FROM attachment WHERE id = $1 RETURNING customer_id, ticket_id")
                        .bind(id)
                        .fetch_optional(&mut *connection)
                        .await?
                        .ok_or(RecordError::NotFound("attachment"))?;
                let customer = root(connection, &row.text("customer_id")?).await?.0;
                let ticket = row.text_or_none("ticket_id")?;
                Entry {
                    type_name: "attachment.deleted",
                    customer: Some(&customer),
                    ticket: ticket.as_deref(),
                    body: serde_json::json!({ "attachment": id, "by": by }),
                    ..Entry::default()
                }
                .write(connection, &stamp)
                .await
            })
        })
        .await
    }

    /// Files on this server's disk that were put there before `before`, the oldest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn old_attachments(&self, before: Timestamp, limit: u32) -> Result<Vec<KeptFile>, RecordError> {
        let rows = sqlx::query(
            "SELECT id, file FROM attachment WHERE at < $1 AND server IN ('', $2) ORDER BY at, id LIMIT $3",
        )
        .bind(before.as_microsecond())
        .bind(&*self.server)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(kept).collect()
    }

    /// Files on this server's disk whose customers were erased.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn erased_attachments(&self) -> Result<Vec<KeptFile>, RecordError> {
        let rows = sqlx::query(
            "SELECT a.id, a.file FROM attachment a JOIN customer c ON c.id = a.customer_id \
             WHERE c.erased_at IS NOT NULL AND a.server IN ('', $1)",
        )
        .bind(&*self.server)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(kept).collect()
    }

    /// These files are gone: so are their rows.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn forget_attachments(&self, gone: &[KeptFile]) -> Result<(), RecordError> {
        if gone.is_empty() {
            return Ok(());
        }
        self.change(gone.to_vec(), |connection, gone, _| {
            Box::pin(async move {
                for one in &*gone {
                    sqlx::query("DELETE FROM attachment WHERE id = $1")
                        .bind(&one.id)
                        .execute(&mut *connection)
                        .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Which of these files no row names: what a crash left between a file and its row.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn unnamed_attachments(&self, files: Vec<String>) -> Result<Vec<String>, RecordError> {
        let mut unnamed = Vec::new();
        for file in files {
            let named = sqlx::query("SELECT 1 AS there FROM attachment WHERE file = $1 LIMIT 1")
                .bind(&file)
                .fetch_optional(&self.readers)
                .await?;
            if named.is_none() {
                unnamed.push(file);
            }
        }
        Ok(unnamed)
    }
}

fn kept(row: &AnyRow) -> Result<KeptFile, RecordError> {
    Ok(KeptFile { id: row.text("id")?, file: row.text("file")? })
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Attached, RecordError> {
        let new = &self.new;
        let customer = living(connection, &new.customer.to_string()).await?;
        let mut ticket = new.ticket.clone();
        if let Some(link) = &new.link {
            let row = sqlx::query(
                "SELECT ticket_id, valid_until, (SELECT COUNT(*) FROM attachment a WHERE a.link_id = l.id) AS files \
                 FROM upload_link l WHERE l.id = $1",
            )
            .bind(link)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(RecordError::NotFound("link"))?;
            if row.int("valid_until")? <= stamp.now {
                return Ok(Attached::Expired);
            }
            if let Some(known) = self.known(connection, &customer).await? {
                return Ok(Attached::Known(known));
            }
            if row.int("files")? >= FILES {
                return Ok(Attached::Full);
            }
            ticket = row.text_or_none("ticket_id")?;
        } else {
            self.check_whose(connection, &customer).await?;
            if let Some(known) = self.known(connection, &customer).await? {
                return Ok(Attached::Known(known));
            }
        }
        sqlx::query(
            "INSERT INTO attachment (id, customer_id, interaction_id, ticket_id, link_id, name, media_type, bytes, \
             sha256, file, server, made_by, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(&new.id)
        .bind(&customer)
        .bind(new.interaction.as_deref())
        .bind(ticket.as_deref())
        .bind(new.link.as_deref())
        .bind(shown_name(new.name.expose()))
        .bind(&new.media_type)
        .bind(i64::try_from(new.bytes).unwrap_or(i64::MAX))
        .bind(&new.sha256)
        .bind(&new.file)
        .bind(&self.server)
        .bind(&self.by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        // What it is called stands in the table alone.
        let body = serde_json::json!({ "attachment": new.id, "media-type": new.media_type, "bytes": new.bytes,
            "by": self.by });
        Entry {
            type_name: "attachment.added",
            customer: Some(&customer),
            interaction: new.interaction.as_deref(),
            ticket: ticket.as_deref(),
            body,
        }
        .write(connection, stamp)
        .await?;
        Ok(Attached::Stored(new.id.clone()))
    }

    /// The same file of the same customer, on this server's disk.
    async fn known(
        &self,
        connection: &mut AnyConnection,
        customer: &str,
    ) -> Result<Option<String>, RecordError> {
        let sql = format!(
            "SELECT id FROM attachment WHERE customer_id IN {FAMILY} AND sha256 = $2 AND server = $3 LIMIT 1"
        );
        let row = sqlx::query(&sql)
            .bind(customer)
            .bind(&self.new.sha256)
            .bind(&self.server)
            .fetch_optional(connection)
            .await?;
        row.map(|row| row.text("id")).transpose()
    }

    async fn check_whose(&self, connection: &mut AnyConnection, customer: &str) -> Result<(), RecordError> {
        let asked = [("interaction", &self.new.interaction), ("ticket", &self.new.ticket)];
        for (table, id) in asked.into_iter().filter_map(|(table, id)| Some((table, id.as_deref()?))) {
            let sql = format!("SELECT 1 AS there FROM {table} WHERE customer_id IN {FAMILY} AND id = $2");
            let row = sqlx::query(&sql).bind(customer).bind(id).fetch_optional(&mut *connection).await?;
            row.ok_or_else(|| RecordError::Invalid(format!("{table}: this customer has none with this id")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_data() {
        assert_eq!(shown_name("../../etc/账单.jpg"), "账单.jpg");
        assert_eq!(shown_name("C:\\fakepath\\a\u{202e}gpj.exe"), "agpj.exe");
        assert_eq!(shown_name("a\r\nb\0.png"), "ab.png");
        assert_eq!(shown_name(" / "), "?");
        assert_eq!(shown_name(&"长".repeat(500)).chars().count(), NAME);
    }
}
