//! Text messages that customers send us: each is a contact, on the time line of whoever the number belongs to.

use hotline_model::{CallId, CustomerId, IdentityId, JobId, PhoneNumber, Pii};
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::calls::{customer_of_phone, find_or_make_identity};
use crate::serving::keeper;
use crate::sql::{Columns, clean, short};
use crate::{Record, RecordError};

/// A text message of a customer.
#[derive(Debug, Clone)]
pub struct NewReply {
    /// The provider's own name for it: the same one again is the same message.
    pub id: String,
    /// Who wrote.
    pub from: PhoneNumber,
    /// The number of ours that it was sent to.
    pub to: String,
    /// The words.
    pub text: Pii<String>,
    /// What came of it, in the record's word: `contained`, `refused`; `None`: somebody has to read it.
    pub outcome: Option<&'static str>,
}

/// What became of a text message of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// The contact.
    pub contact: String,
    /// It was not there before.
    pub is_new: bool,
    /// A human is to read it.
    pub follow_up: bool,
}

/// Messages that we sent within this are what a reply is about, in microseconds.
const ABOUT: i64 = 14 * 86_400_000_000;
/// Somebody has read it within this, in microseconds.
const READ: i64 = 86_400_000_000;
/// Words of a message that are kept.
const WORDS: usize = 2_000;

impl Record {
    /// Whose number wrote: the one customer it is linked to, else the one whom we wrote to last.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn writer_of(&self, number: &PhoneNumber) -> Result<Option<CustomerId>, RecordError> {
        if let Some(customer) = self.find_customer_by_phone(number).await? {
            return Ok(Some(customer));
        }
        let sql = "SELECT COALESCE(c.merged_into, c.id) AS id FROM message m JOIN customer c ON c.id = m.customer_id \
                   WHERE m.recipient = $1 AND c.erased_at IS NULL ORDER BY m.created_at DESC LIMIT 1";
        let row = sqlx::query(sql).bind(number.e164()).fetch_optional(&self.readers).await?;
        row.map(|row| row.parsed("id")).transpose()
    }

    /// What came of a text message that was taken in before, in the record's word, with its contact; by the provider's
    /// own name for it.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn reply_of(&self, id: &str) -> Result<Option<(String, Option<String>)>, RecordError> {
        let sql = "SELECT id, outcome FROM interaction WHERE channel = 'message' AND native_id = $1";
        let row = sqlx::query(sql).bind(short(id)).fetch_optional(&self.readers).await?;
        row.map(|row| Ok((row.text("id")?, row.text_or_none("outcome")?))).transpose()
    }

    /// Keeps a text message of a customer, with the journal's entry; one that nothing was made of becomes a follow-up if
    /// the customer has an open ticket, or was asked something by us lately.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn store_reply(&self, reply: NewReply) -> Result<StoredReply, RecordError> {
        self.change((reply, self.server.to_string()), |connection, input, stamp| {
            Box::pin(async move {
                let (reply, server) = &*input;
                reply.store(connection, server, &stamp).await
            })
        })
        .await
    }
}

impl NewReply {
    async fn store(
        &self,
        connection: &mut AnyConnection,
        server: &str,
        stamp: &Stamp,
    ) -> Result<StoredReply, RecordError> {
        let native = short(&self.id);
        let known = sqlx::query("SELECT id FROM interaction WHERE channel = 'message' AND native_id = $1")
            .bind(&native)
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(row) = known {
            return Ok(StoredReply { contact: row.text("id")?, is_new: false, follow_up: false });
        }
        let number = self.from.e164();
        let identity = stamp.new_id::<IdentityId>();
        let identity = find_or_make_identity(connection, "phone", number, &identity, stamp.now).await?;
        let about = sqlx::query(
            "SELECT m.customer_id, m.ticket_id, m.attempt_id, m.idempotency_key FROM message m JOIN customer c ON c.id = m.customer_id \
             WHERE m.recipient = $1 AND m.created_at > $2 AND c.erased_at IS NULL ORDER BY m.created_at DESC LIMIT 1",
        )
        .bind(number)
        .bind(stamp.now - ABOUT)
        .fetch_optional(&mut *connection)
        .await?;
        let (whom, ticket, asked) = match &about {
            Some(row) => (
                row.text_or_none("customer_id")?,
                row.text_or_none("ticket_id")?,
                row.text_or_none("attempt_id")?.is_some()
                    || row.text("idempotency_key")?.starts_with(crate::texts::OF_A_PLAN),
            ),
            None => (None, None, false),
        };
        let customer = customer_of_phone(connection, &self.from).await?.or(whom);
        let text: String = clean(self.text.expose().clone()).chars().take(WORDS).collect();
        let contact = stamp.new_id::<CallId>();
        sqlx::query(
            "INSERT INTO interaction (id, channel, native_id, root_id, direction, identity_id, customer_id, known_by, \
             ticket_id, dialled, note, outcome, started_at, ended_at, server) \
             VALUES ($1, 'message', $2, $1, 'in', $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        )
        .bind(&contact)
        .bind(&native)
        .bind(&identity)
        .bind(&customer)
        .bind(customer.as_ref().map(|_| "caller-id"))
        .bind(&ticket)
        .bind(short(&self.to))
        .bind(&text)
        .bind(self.outcome)
        .bind(stamp.now)
        .bind(server)
        .execute(&mut *connection)
        .await?;
        let entry = |type_name, body| Entry {
            type_name,
            customer: customer.as_deref(),
            interaction: Some(&contact),
            ticket: ticket.as_deref(),
            body,
        };
        entry("message.received", serde_json::json!({ "outcome": self.outcome }))
            .write(connection, stamp)
            .await?;
        let follow_up = match (&customer, self.outcome) {
            (Some(customer), None) => asked || has_open_ticket(connection, customer).await?,
            _ => false,
        };
        if follow_up {
            let owner = keeper(connection, customer.as_deref(), ticket.as_deref()).await?;
            sqlx::query(
                "INSERT INTO follow_up (id, customer_id, interaction_id, ticket_id, phone, reason, note, state, due_at, \
                 created_at, owner) VALUES ($1, $2, $3, $4, $5, 'wrote-back', $6, 'open', $7, $8, $9)",
            )
            .bind(stamp.new_id::<JobId>())
            .bind(&customer)
            .bind(&contact)
            .bind(&ticket)
            .bind(number)
            .bind(&text)
            .bind(stamp.now + READ)
            .bind(stamp.now)
            .bind(&owner)
            .execute(&mut *connection)
            .await?;
            entry("follow-up.made", serde_json::json!({ "reason": "wrote-back", "owner": owner }))
                .write(connection, stamp)
                .await?;
        }
        Ok(StoredReply { contact, is_new: true, follow_up })
    }
}

async fn has_open_ticket(connection: &mut AnyConnection, customer: &str) -> Result<bool, RecordError> {
    let sql = format!(
        "SELECT 1 AS there FROM ticket WHERE state = 'open' AND customer_id IN {} LIMIT 1",
        crate::sql::FAMILY
    );
    Ok(sqlx::query(&sql).bind(customer).fetch_optional(connection).await?.is_some())
}
