//! Who calls, where the number does not tell: an agent says it, or a record is made of who nobody knows.

use hotline_model::{CallId, CustomerId, Pii};
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::families::living;
use crate::identities::{LinkLevel, Linking};
use crate::indexing::index_customer;
use crate::profile::checked;
use crate::sql::{Columns, clean};
use crate::{Record, RecordError};

/// Whom an agent takes a caller for.
#[derive(Debug, Clone)]
pub enum TakenFor {
    /// A customer of the record.
    Customer(CustomerId),
    /// Somebody new.
    New(
        /// Their name, if they said it.
        Option<Pii<String>>,
    ),
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Identified {
    /// The call is this customer's.
    As(CustomerId),
    /// It stays as it was: the caller proved to be somebody else, or that customer was called by us.
    Certain,
}

struct Input {
    call: String,
    who: TakenFor,
    by: String,
}

impl Record {
    /// Makes a call a customer's, as an agent says (`by`: their login): the call itself, the calls that go on from it
    /// and are nobody's yet, and what they left. Its number is linked as observed, which lets nobody be taken for them.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such call or customer.
    pub async fn identify_caller(
        &self,
        call: CallId,
        who: TakenFor,
        by: &str,
    ) -> Result<Identified, RecordError> {
        if let TakenFor::New(Some(name)) = &who {
            checked("name", name.expose(), 100)?;
        }
        let input = Input { call: call.to_string(), who, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }
}

impl Input {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Identified, RecordError> {
        let touch = Touch::find(connection, &self.call).await?;
        if let TakenFor::Customer(customer) = &self.who {
            let customer = living(connection, &customer.to_string()).await?;
            if touch.customer.as_ref() == Some(&customer) {
                return as_customer(&customer);
            }
            if touch.certain {
                return Ok(Identified::Certain);
            }
            touch.give_to(connection, &customer, &self.by, "agent", stamp).await?;
            return as_customer(&customer);
        }
        if touch.certain {
            return Ok(Identified::Certain);
        }
        let name = if let TakenFor::New(name) = &self.who { name.as_ref() } else { None };
        let customer = make(connection, name, &self.by, stamp).await?;
        touch.give_to(connection, &customer, &self.by, "agent", stamp).await?;
        as_customer(&customer)
    }
}

fn as_customer(id: &str) -> Result<Identified, RecordError> {
    id.parse().map(Identified::As).map_err(|_| RecordError::Corrupt("a customer's id".into()))
}

/// Who called and is nobody's customer yet gets a record when words are written about the call, so that they stand
/// somewhere: the one that was made so for their number before, else a new one.
pub(crate) async fn keep_caller(
    connection: &mut AnyConnection,
    call: &str,
    by: &str,
    stamp: &Stamp,
) -> Result<String, RecordError> {
    let touch = Touch::find(connection, call).await?;
    let before = sqlx::query(
        "SELECT r.id AS id FROM interaction n JOIN identity_link l ON l.identity_id = n.identity_id \
         AND l.valid_to IS NULL AND l.method = $2 JOIN customer c ON c.id = l.customer_id \
         JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) WHERE n.id = $1 AND r.erased_at IS NULL \
         ORDER BY l.valid_from DESC LIMIT 1",
    )
    .bind(call)
    .bind(WRAP_UP)
    .fetch_optional(&mut *connection)
    .await?;
    let customer = match before {
        Some(row) => row.text("id")?,
        None => make(connection, None, by, stamp).await?,
    };
    touch.give_to(connection, &customer, by, WRAP_UP, stamp).await?;
    Ok(customer)
}

/// How a link is known that a wrap-up made.
const WRAP_UP: &str = "wrap-up";

/// A call that is to be somebody's.
struct Touch {
    id: String,
    root: String,
    customer: Option<String>,
    certain: bool,
    /// Kind, namespace and value of what it came from.
    from: Option<(String, String, String)>,
    /// The agent whose telephone rings for it, or who talks in it.
    agent: Option<String>,
}

impl Touch {
    async fn find(connection: &mut AnyConnection, call: &str) -> Result<Self, RecordError> {
        let row = sqlx::query(
            "SELECT i.id AS id, i.root_id AS root, i.known_by AS known_by, \
             COALESCE(c.merged_into, i.customer_id) AS customer, \
             d.kind AS kind, d.namespace AS namespace, d.value AS value, \
             (SELECT w.agent_id FROM waiting w WHERE w.interaction_id = i.id \
             AND w.state IN ('offered', 'talking') ORDER BY w.since DESC LIMIT 1) AS agent \
             FROM interaction i LEFT JOIN customer c ON c.id = i.customer_id \
             LEFT JOIN identity d ON d.id = i.identity_id WHERE i.id = $1 AND i.channel = 'call' AND i.erased = 0",
        )
        .bind(call)
        .fetch_optional(connection)
        .await?
        .ok_or(RecordError::NotFound("call"))?;
        let known_by = row.text_or_none("known_by")?;
        let from = match (row.text_or_none("kind")?, row.text_or_none("value")?) {
            (Some(kind), Some(value)) => {
                Some((kind, row.text_or_none("namespace")?.unwrap_or_default(), value))
            }
            _ => None,
        };
        Ok(Self {
            id: row.text("id")?,
            root: row.text("root")?,
            customer: row.text_or_none("customer")?,
            certain: known_by.is_some_and(|by| by == "verified" || by == "called"),
            from,
            agent: row.text_or_none("agent")?,
        })
    }

    /// From here on it is this customer's.
    async fn give_to(
        &self,
        connection: &mut AnyConnection,
        customer: &str,
        by: &str,
        method: &str,
        stamp: &Stamp,
    ) -> Result<(), RecordError> {
        let rows = sqlx::query(
            "SELECT id FROM interaction WHERE id = $1 OR (root_id = $2 AND channel = 'call' AND erased = 0 \
             AND customer_id IS NULL)",
        )
        .bind(&self.id)
        .bind(&self.root)
        .fetch_all(&mut *connection)
        .await?;
        for row in &rows {
            let id = row.text("id")?;
            for sql in [
                "UPDATE interaction SET customer_id = $2, known_by = 'agent' WHERE id = $1",
                "UPDATE event SET customer_id = $2 WHERE interaction_id = $1",
                "UPDATE waiting SET customer_id = $2 WHERE interaction_id = $1",
                "UPDATE follow_up SET customer_id = $2 WHERE interaction_id = $1 AND customer_id IS NULL",
                "UPDATE survey_answer SET customer_id = $2 WHERE call_id = $1 AND customer_id IS NULL",
            ] {
                sqlx::query(sql).bind(&id).bind(customer).execute(&mut *connection).await?;
            }
        }
        if let Some((kind, namespace, value)) = &self.from {
            let level = LinkLevel::Observed;
            let link = Linking { kind, namespace, value, level, method, by };
            let (identity, is_new) = link.store(connection, customer, stamp).await?;
            if is_new {
                index_customer(connection, customer).await?;
                let body = serde_json::json!({ "identity": identity, "by": by, "level": level.word() });
                Entry { type_name: "customer.linked", customer: Some(customer), body, ..Entry::default() }
                    .write(connection, stamp)
                    .await?;
            }
        }
        let user = sqlx::query("SELECT id FROM \"user\" WHERE login = $1")
            .bind(by)
            .fetch_optional(&mut *connection)
            .await?
            .map(|row| row.text("id"))
            .transpose()?;
        let body = serde_json::json!({ "what": "identified", "by": by, "user": user, "agent": self.agent });
        let interaction = Some(self.id.as_str());
        Entry {
            type_name: "call.identified",
            customer: Some(customer),
            interaction,
            body,
            ..Entry::default()
        }
        .write(connection, stamp)
        .await
    }
}

async fn make(
    connection: &mut AnyConnection,
    name: Option<&Pii<String>>,
    by: &str,
    stamp: &Stamp,
) -> Result<String, RecordError> {
    let id = stamp.new_id::<CustomerId>();
    sqlx::query("INSERT INTO customer (id, name, created_at, changed_at) VALUES ($1, $2, $3, $3)")
        .bind(&id)
        .bind(name.map(|name| clean(name.expose().trim().to_owned())))
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    index_customer(connection, &id).await?;
    let body = serde_json::json!({ "by": by });
    Entry { type_name: "customer.created", customer: Some(&id), body, ..Entry::default() }
        .write(connection, stamp)
        .await?;
    Ok(id)
}
