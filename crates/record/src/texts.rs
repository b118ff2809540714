//! Text messages of a call: that somebody who serves a customer writes, or that the plan sends because the caller asks.

use hotline_model::{CallId, CustomerId, JobId, MessageId, PhoneNumber, Pii};
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::callers::keep_caller;
use crate::families::living;
use crate::messages::{NewMessage, insert_message};
use crate::profile::checked;
use crate::sql::{Columns, FAMILY};
use crate::users::hash_of;
use crate::{Record, RecordError};

/// Characters at most.
const LONGEST: usize = 500;
/// To one customer in 24 hours at most.
const A_DAY: i64 = 10;
/// In microseconds.
const DAY: i64 = 24 * 3_600_000_000;

/// What came of a text message that somebody wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texted {
    /// It goes out at once.
    Planned,
    /// Nobody knows who calls: a message belongs to a customer.
    Unknown,
    /// The caller withholds their number, and no number of theirs is verified.
    NoNumber,
    /// The customer got ten in the last 24 hours.
    TooOften,
}

/// Text messages that a plan sent have such a key, then the call and the step.
pub(crate) const OF_A_PLAN: &str = "text:plan:";

struct Input {
    call: String,
    text: Pii<String>,
    key: String,
    id: String,
    /// A user id; the step of the plan that sends it.
    by: String,
    /// It goes to the number that calls and to no other.
    plan: bool,
}

impl Record {
    /// Plans a text message to whoever calls: to the number that calls, or to the verified one on file if that is
    /// withheld. `by`: the user id of whoever wrote it. Two with one `key`, of one person, are one.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such call.
    pub async fn text_caller(
        &self,
        call: CallId,
        text: Pii<String>,
        key: Option<&str>,
        by: &str,
    ) -> Result<Texted, RecordError> {
        checked("text", text.expose(), LONGEST)?;
        let id = self.new_id::<MessageId>().to_string();
        let key = match key {
            Some(key) => format!("text:{}", hash_of(&format!("{by} {key}"))),
            None => format!("text:{}", self.new_id::<JobId>()),
        };
        let input = Input { call: call.to_string(), text, key, id, by: by.to_owned(), plan: false };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// Plans a text message that the caller asked the plan for: to the number that calls, and to no other. A step sends
    /// one in a call. Whoever is nobody's customer yet has a record from here on; what they write back is somebody's to
    /// read.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such call.
    pub async fn text_asked_for(
        &self,
        call: CallId,
        step: &str,
        text: Pii<String>,
    ) -> Result<Texted, RecordError> {
        checked("text", text.expose(), LONGEST)?;
        let id = self.new_id::<MessageId>().to_string();
        let call = call.to_string();
        let key = format!("{OF_A_PLAN}{call}:{step}");
        let input = Input { call, text, key, id, by: step.to_owned(), plan: true };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Texted, RecordError> {
        let row = sqlx::query(
            "SELECT i.customer_id AS customer, d.kind AS kind, d.value AS value FROM interaction i \
             LEFT JOIN identity d ON d.id = i.identity_id WHERE i.id = $1",
        )
        .bind(&self.call)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("call"))?;
        let calls = row.text_or_none("kind")?.is_some_and(|kind| kind == "phone");
        let customer = match row.text_or_none("customer")? {
            Some(customer) => living(connection, &customer).await?,
            // What they reply stands somewhere.
            None if self.plan && calls => keep_caller(connection, &self.call, "plan", stamp).await?,
            None => return Ok(Texted::Unknown),
        };
        let number = if calls { row.text_or_none("value")? } else { None };
        let number = match number {
            Some(number) => Some(number),
            None if self.plan => None,
            None => on_file(connection, &customer).await?,
        };
        let Some(recipient) = number.and_then(|number| PhoneNumber::parse(&number).ok()) else {
            return Ok(Texted::NoNumber);
        };
        let sent = sqlx::query(
            "SELECT COUNT(*) AS sent FROM message WHERE customer_id = $1 AND created_at > $2 \
             AND idempotency_key LIKE 'text:%' AND idempotency_key <> $3",
        )
        .bind(&customer)
        .bind(stamp.now - DAY)
        .bind(&self.key)
        .fetch_one(&mut *connection)
        .await?
        .int("sent")?;
        if sent >= A_DAY {
            return Ok(Texted::TooOften);
        }
        let message = NewMessage {
            idempotency_key: self.key.clone(),
            customer: customer
                .parse::<CustomerId>()
                .map_err(|_| RecordError::Corrupt("a customer".into()))?,
            ticket: None,
            recipient,
            text: self.text.clone(),
            due_at: Timestamp::from_microsecond(stamp.now)
                .map_err(|_| RecordError::Corrupt("a time".into()))?,
            urgent: true,
            attempt: None,
            until: None,
        };
        if insert_message(connection, &message, &self.id, stamp.now).await? {
            let body = match self.plan {
                true => serde_json::json!({ "what": "texted", "step": self.by, "message": self.id }),
                false => serde_json::json!({ "what": "texted", "by": self.by, "message": self.id }),
            };
            Entry {
                type_name: "call.texted",
                customer: Some(&customer),
                interaction: Some(&self.call),
                body,
                ..Entry::default()
            }
            .write(connection, stamp)
            .await?;
        }
        Ok(Texted::Planned)
    }
}

/// The number of a customer that was verified last.
pub(crate) async fn on_file(
    connection: &mut AnyConnection,
    customer: &str,
) -> Result<Option<String>, RecordError> {
    let sql = format!(
        "SELECT i.value AS value FROM identity_link l JOIN identity i ON i.id = l.identity_id \
         WHERE l.customer_id IN {FAMILY} AND l.valid_to IS NULL AND l.level = 'verified' AND i.kind = 'phone' \
         ORDER BY l.valid_from DESC, i.id LIMIT 1"
    );
    let row = sqlx::query(&sql).bind(customer).fetch_optional(connection).await?;
    row.map(|row| row.text("value")).transpose()
}
