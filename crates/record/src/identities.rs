//! Ways to reach or recognise a customer: how sure each is, and whom a number may belong to.

use hotline_model::{CustomerId, IdentityId, PhoneNumber, Pii};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::families::{living, root};
use crate::indexing::index_customer;
use crate::sql::{Columns, short};
use crate::{Record, RecordError};

/// How sure a link is. Only a verified one joins by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkLevel {
    /// Somebody said so.
    Claimed,
    /// It was seen with this customer: a call from the number in which they were verified, or an agent knew them.
    Observed,
    /// It was proved, or the firm's own system says so.
    Verified,
}

impl LinkLevel {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Observed => "observed",
            Self::Verified => "verified",
        }
    }
}

impl std::str::FromStr for LinkLevel {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Claimed, Self::Observed, Self::Verified]
            .into_iter()
            .find(|level| level.word() == text)
            .ok_or(())
    }
}

/// An identity to be linked to a customer.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// `phone`, `short`, `wechat`, `web`, `email`, `membership`, `crm`.
    pub kind: String,
    /// Of a WeChat identity the app, of others mostly empty.
    pub namespace: String,
    /// The number or address.
    pub value: Pii<String>,
    /// How sure it is.
    pub level: LinkLevel,
    /// How it is known: `agent`, `crm`, `code`, …
    pub method: String,
}

/// A customer whom a number may belong to.
#[derive(Debug, Clone)]
pub struct Match {
    /// The customer.
    pub customer: CustomerId,
    /// Their name.
    pub name: Option<Pii<String>>,
    /// How sure the link is.
    pub level: LinkLevel,
    /// How it is known.
    pub method: String,
    /// When they were in touch last.
    pub last_contact: Option<Timestamp>,
    /// How many of their tickets are open.
    pub open_tickets: i64,
}

const KINDS: [&str; 7] = ["phone", "short", "wechat", "web", "email", "membership", "crm"];

impl Record {
    /// Links an identity to a customer, or makes a link surer; a link never becomes less sure by it.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] with what is wrong, [`RecordError::NotFound`] if the customer is not
    /// there.
    pub async fn link_identity(
        &self,
        customer: CustomerId,
        link: NewLink,
        by: &str,
    ) -> Result<IdentityId, RecordError> {
        if !KINDS.contains(&link.kind.as_str()) {
            return Err(RecordError::Invalid(format!("kind: one of {} is expected", KINDS.join(", "))));
        }
        let value = match link.kind.as_str() {
            "phone" => PhoneNumber::parse(link.value.expose())
                .map_err(|_| RecordError::Invalid("value: not a telephone number".into()))?
                .e164()
                .to_owned(),
            "email" => link.value.expose().trim().to_lowercase(),
            _ => link.value.expose().trim().to_owned(),
        };
        if value.is_empty() || value.chars().count() > 200 || value.chars().any(char::is_control) {
            return Err(RecordError::Invalid("value: 1 to 200 characters are expected".into()));
        }
        let row = LinkRow {
            customer: customer.to_string(),
            kind: link.kind,
            namespace: short(&link.namespace),
            value,
            level: link.level,
            method: short(&link.method),
            by: by.to_owned(),
        };
        let id = self
            .change(row, |connection, row, stamp| {
                Box::pin(async move { row.store(connection, &stamp).await })
            })
            .await?;
        id.parse().map_err(|_| RecordError::Corrupt("an identity's id".into()))
    }

    /// Ends a link that was made by mistake. It is not deleted: it gets an end, and who ended it.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if the customer has no such link.
    pub async fn unlink_identity(
        &self,
        customer: CustomerId,
        identity: IdentityId,
        by: &str,
    ) -> Result<(), RecordError> {
        let input = (customer.to_string(), identity.to_string(), by.to_owned());
        self.change(input, |connection, input, stamp| {
            Box::pin(async move {
                let (customer, identity, by) = &*input;
                let (customer, _) = root(connection, customer).await?;
                let done = sqlx::query(
                    "UPDATE identity_link SET valid_to = $3, ended_by = $4 WHERE identity_id = $2 \
                     AND valid_to IS NULL AND customer_id IN \
                     (SELECT id FROM customer WHERE id = $1 OR merged_into = $1)",
                )
                .bind(&customer)
                .bind(identity)
                .bind(stamp.now)
                .bind(by)
                .execute(&mut *connection)
                .await?;
                if done.rows_affected() == 0 {
                    return Err(RecordError::NotFound("link"));
                }
                index_customer(connection, &customer).await?;
                report(connection, "customer.unlinked", &customer, identity, by, None, &stamp).await
            })
        })
        .await
    }

    /// The customers a number may belong to, the likeliest first: by how sure the link is, then those
    /// with open tickets, then who was in touch last.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_matches(&self, number: &PhoneNumber) -> Result<Vec<Match>, RecordError> {
        let rows = sqlx::query(
            "SELECT r.id AS id, r.name AS name, l.level AS level, l.method AS method, \
             (SELECT MAX(n.started_at) FROM interaction n WHERE n.customer_id = r.id) AS last_contact, \
             (SELECT COUNT(*) FROM ticket t WHERE t.customer_id = r.id AND t.state = 'open') AS open_tickets \
             FROM identity i JOIN identity_link l ON l.identity_id = i.id AND l.valid_to IS NULL \
             JOIN customer c ON c.id = l.customer_id JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) \
             WHERE i.kind = 'phone' AND i.namespace = '' AND i.value = $1 AND r.erased_at IS NULL",
        )
        .bind(number.e164())
        .fetch_all(&self.readers)
        .await?;
        let mut matches: Vec<Match> = Vec::new();
        for row in &rows {
            let one = Match {
                customer: row.parsed("id")?,
                name: row.text_or_none("name")?.map(Pii::new),
                level: row.parsed("level")?,
                method: row.text("method")?,
                last_contact: row.time_or_none("last_contact")?,
                open_tickets: row.int("open_tickets")?,
            };
            // Two records of one customer may both have the number.
            match matches.iter_mut().find(|known| known.customer == one.customer) {
                Some(known) if known.level >= one.level => {}
                Some(known) => *known = one,
                None => matches.push(one),
            }
        }
        matches.sort_by(|a, b| {
            let rank = |m: &Match| (m.level, m.open_tickets > 0, m.last_contact, m.customer);
            rank(b).cmp(&rank(a))
        });
        Ok(matches)
    }
}

struct LinkRow {
    customer: String,
    kind: String,
    namespace: String,
    value: String,
    level: LinkLevel,
    method: String,
    by: String,
}

impl LinkRow {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<String, RecordError> {
        let customer = living(connection, &self.customer).await?;
        let linking = Linking {
            kind: &self.kind,
            namespace: &self.namespace,
            value: &self.value,
            level: self.level,
            method: &self.method,
            by: &self.by,
        };
        let (identity, is_new) = linking.store(connection, &customer, stamp).await?;
        if is_new {
            index_customer(connection, &customer).await?;
            let level = Some(self.level.word());
            report(connection, "customer.linked", &customer, &identity, &self.by, level, stamp).await?;
        }
        Ok(identity)
    }
}

/// An identity that is being linked.
pub(crate) struct Linking<'a> {
    pub kind: &'a str,
    pub namespace: &'a str,
    pub value: &'a str,
    pub level: LinkLevel,
    pub method: &'a str,
    pub by: &'a str,
}

impl Linking<'_> {
    /// Links it to a customer, unless that link is there and as sure. Gives the identity, and whether
    /// the link is new; words and journal are the caller's.
    pub async fn store(
        &self,
        connection: &mut AnyConnection,
        customer: &str,
        stamp: &Stamp,
    ) -> Result<(String, bool), RecordError> {
        let row = sqlx::query(
            "INSERT INTO identity (id, kind, namespace, value, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (kind, namespace, value) DO UPDATE SET kind = excluded.kind RETURNING id",
        )
        .bind(stamp.id())
        .bind(self.kind)
        .bind(self.namespace)
        .bind(self.value)
        .bind(stamp.now)
        .fetch_one(&mut *connection)
        .await?;
        let identity = row.text("id")?;
        let known = sqlx::query(
            "SELECT level FROM identity_link WHERE identity_id = $1 AND valid_to IS NULL AND customer_id IN \
             (SELECT id FROM customer WHERE id = $2 OR merged_into = $2)",
        )
        .bind(&identity)
        .bind(customer)
        .fetch_all(&mut *connection)
        .await?;
        for row in &known {
            if row.parsed::<LinkLevel>("level")? >= self.level {
                return Ok((identity, false));
            }
        }
        // What it was before stays readable: a surer link is a new one.
        sqlx::query(
            "UPDATE identity_link SET valid_to = $3, ended_by = $4 WHERE identity_id = $1 AND customer_id = $2 \
             AND valid_to IS NULL",
        )
        .bind(&identity)
        .bind(customer)
        .bind(stamp.now)
        .bind(self.by)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "INSERT INTO identity_link (identity_id, customer_id, level, method, valid_from, linked_by) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&identity)
        .bind(customer)
        .bind(self.level.word())
        .bind(self.method)
        .bind(stamp.now)
        .bind(self.by)
        .execute(&mut *connection)
        .await?;
        Ok((identity, true))
    }
}

async fn report(
    connection: &mut AnyConnection,
    type_name: &'static str,
    customer: &str,
    identity: &str,
    by: &str,
    level: Option<&str>,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let body = serde_json::json!({ "identity": identity, "by": by, "level": level });
    Entry { type_name, customer: Some(customer), body, ..Entry::default() }.write(connection, stamp).await
}
