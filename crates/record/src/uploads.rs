//! Links by which customers send files: a text message to the number on file, valid for 48 hours. Of the token that
//! stands in the link only the hash is kept; the message forgets it once it is sent.

use hotline_model::{CustomerId, JobId, Language, MessageId, PhoneNumber, Pii, TicketId};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::families::living;
use crate::messages::{NewMessage, insert_message};
use crate::sql::{Columns, FAMILY};
use crate::texts::on_file;
use crate::users::hash_of;
use crate::{Record, RecordError};

/// Files that one link brings at most.
pub(crate) const FILES: i64 = 10;
/// How long a link is valid, in microseconds.
const VALID: i64 = 48 * HOUR;
const HOUR: i64 = 3_600_000_000;
/// Links of one customer in 24 hours at most.
const A_DAY: i64 = 5;
/// What the keys of their messages begin with.
pub(crate) const KEY: &str = "upload:";

/// Puts a token into the words of the message.
pub type LinkWords = dyn Fn(&str, Language) -> String + Send + Sync;

/// What came of a link that somebody wanted sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkSent {
    /// It goes out at once.
    Planned,
    /// No number of the customer's is verified.
    NoNumber,
    /// The customer got five in the last 24 hours.
    TooOften,
}

/// A link as whoever opened it sees it.
#[derive(Debug, Clone)]
pub struct UploadLink {
    /// Its id.
    pub id: String,
    /// Whose.
    pub customer: CustomerId,
    /// The language that the message was in.
    pub language: Language,
    /// Until when it is valid.
    pub valid_until: Timestamp,
    /// How many files it may bring yet.
    pub left: u32,
}

struct Input {
    id: String,
    customer: String,
    ticket: Option<String>,
    hash: String,
    /// The message in each language.
    texts: Vec<(Language, Pii<String>)>,
    otherwise: Language,
    key: String,
    message: String,
    by: String,
}

impl Record {
    /// Sends a customer a link by which they can send files, to the number on file alone. `words` makes the message of
    /// the token, in the customer's language or, if none is known, in `otherwise`. Two with one `key`, of one person,
    /// are one.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such customer, [`RecordError::Invalid`] if they were erased or the
    /// ticket is not theirs.
    pub async fn send_upload_link(
        &self,
        customer: CustomerId,
        ticket: Option<TicketId>,
        words: &LinkWords,
        otherwise: Language,
        key: Option<&str>,
        by: &str,
    ) -> Result<LinkSent, RecordError> {
        // 128 bits, in letters that fit into an address as they are.
        let token: String = rand::random::<[u8; 16]>().iter().map(|byte| format!("{byte:02x}")).collect();
        let key = match key {
            Some(key) => format!("{KEY}{}", hash_of(&format!("{by} {key}"))),
            None => format!("{KEY}{}", self.new_id::<JobId>()),
        };
        let text = |language| (language, Pii::new(words(&token, language)));
        let input = Input {
            id: self.new_id::<JobId>().to_string(),
            customer: customer.to_string(),
            ticket: ticket.map(|id| id.to_string()),
            hash: hash_of(&token),
            texts: vec![text(Language::ZhCn), text(Language::EnUs)],
            otherwise,
            key,
            message: self.new_id::<MessageId>().to_string(),
            by: by.to_owned(),
        };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// The link of a token, expired or not; of a customer who was erased none.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_upload_link(&self, token: &str) -> Result<Option<UploadLink>, RecordError> {
        let row = sqlx::query(
            "SELECT l.id, COALESCE(c.merged_into, c.id) AS whose, l.language, l.valid_until, \
             (SELECT COUNT(*) FROM attachment a WHERE a.link_id = l.id) AS files \
             FROM upload_link l JOIN customer c ON c.id = l.customer_id \
             WHERE l.token_hash = $1 AND c.erased_at IS NULL",
        )
        .bind(hash_of(token))
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(UploadLink {
            id: row.text("id")?,
            customer: row.parsed("whose")?,
            language: row.parsed("language")?,
            valid_until: row.time("valid_until")?,
            left: u32::try_from((FILES - row.int("files")?).max(0)).unwrap_or(0),
        }))
    }

    /// Deletes links that ended before `before`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn prune_upload_links(&self, before: Timestamp) -> Result<u64, RecordError> {
        self.change(before.as_microsecond(), |connection, before, _| {
            Box::pin(async move {
                let sql = "DELETE FROM upload_link WHERE valid_until < $1";
                Ok(sqlx::query(sql).bind(*before).execute(connection).await?.rows_affected())
            })
        })
        .await
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<LinkSent, RecordError> {
        let customer = living(connection, &self.customer).await?;
        if let Some(ticket) = &self.ticket {
            let sql = format!("SELECT 1 AS there FROM ticket WHERE customer_id IN {FAMILY} AND id = $2");
            let row = sqlx::query(&sql).bind(&customer).bind(ticket).fetch_optional(&mut *connection).await?;
            row.ok_or_else(|| RecordError::Invalid("ticket: this customer has no such ticket".into()))?;
        }
        let row = sqlx::query(
            "SELECT language, (SELECT COUNT(*) FROM message m WHERE m.customer_id = customer.id AND \
             m.created_at > $2 AND m.idempotency_key LIKE 'upload:%' AND m.idempotency_key <> $3) AS sent \
             FROM customer WHERE id = $1",
        )
        .bind(&customer)
        .bind(stamp.now - 24 * HOUR)
        .bind(&self.key)
        .fetch_one(&mut *connection)
        .await?;
        if row.int("sent")? >= A_DAY {
            return Ok(LinkSent::TooOften);
        }
        let language = row.parsed_or_none("language")?.unwrap_or(self.otherwise);
        let number = on_file(connection, &customer).await?;
        let Some(recipient) = number.and_then(|number| PhoneNumber::parse(&number).ok()) else {
            return Ok(LinkSent::NoNumber);
        };
        let text = self.texts.iter().find(|(one, _)| *one == language).or(self.texts.first());
        let text = text.map(|(_, text)| text.clone()).unwrap_or_else(|| Pii::new(String::new()));
        let message = NewMessage {
            idempotency_key: self.key.clone(),
            customer: customer.parse().map_err(|_| RecordError::Corrupt("a customer".into()))?,
            ticket: None,
            recipient,
            text,
            due_at: Timestamp::from_microsecond(stamp.now)
                .map_err(|_| RecordError::Corrupt("a time".into()))?,
            urgent: true,
            attempt: None,
            until: None,
        };
        // The same wish once more: the message of the first has its link.
        if !insert_message(connection, &message, &self.message, stamp.now).await? {
            return Ok(LinkSent::Planned);
        }
        sqlx::query(
            "INSERT INTO upload_link (id, token_hash, customer_id, ticket_id, message_id, language, made_by, made_at, \
             valid_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&self.id)
        .bind(&self.hash)
        .bind(&customer)
        .bind(self.ticket.as_deref())
        .bind(&self.message)
        .bind(language.tag())
        .bind(&self.by)
        .bind(stamp.now)
        .bind(stamp.now + VALID)
        .execute(&mut *connection)
        .await?;
        let body = serde_json::json!({ "by": self.by, "message": self.message });
        Entry {
            type_name: "attachment.asked",
            customer: Some(&customer),
            ticket: self.ticket.as_deref(),
            body,
            ..Entry::default()
        }
        .write(connection, stamp)
        .await
        .map(|()| LinkSent::Planned)
    }
}

/// What stands before the token in a link.
const PATH: &str = "/u/";
/// Letters of a token.
const TOKEN: usize = 32;

/// A text without the token of a link: it opens the way to a customer's page.
fn without_token(text: &str) -> Option<String> {
    let at = text.find(PATH)? + PATH.len();
    let token = text.get(at..at + TOKEN)?;
    token.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| text.replacen(token, "…", 1))
}

/// A message that brought a link, and need not be sent again, forgets the token.
pub(crate) async fn forget_token(
    connection: &mut AnyConnection,
    message: &str,
    text: &str,
) -> Result<(), RecordError> {
    let Some(text) = without_token(text) else { return Ok(()) };
    sqlx::query("UPDATE message SET text = $2 WHERE id = $1 AND idempotency_key LIKE 'upload:%'")
        .bind(message)
        .bind(text)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::without_token;

    #[test]
    fn a_message_that_is_sent_holds_no_token() {
        let token = "0123456789abcdef0123456789abcdef";
        let text = format!("请点开 https://kf.example/u/{token} 上传");
        assert_eq!(without_token(&text).as_deref(), Some("请点开 https://kf.example/u/… 上传"));
        for other in [
            "https://kf.example/u/short",
            "nothing",
            "/u/zz23456789abcdef0123456789abcdef",
            "/u/退费退费退费退费退费退费",
        ] {
            assert_eq!(without_token(other), None, "{other}");
        }
    }
}
