//! What lies on one agent's desk, and a code that an agent sends again.

use std::collections::BTreeMap;

use hotline_model::{Pii, TicketId};
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::jobs::{JobKind, RESENDS_A_DAY, insert_job};
use crate::sql::Columns;
use crate::tickets::{COLUMNS, TicketRow};
use crate::{Record, RecordError};

/// What came of a code that was to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// It goes out at once.
    Planned,
    /// The ticket has no result yet: there is nothing that the code leads to.
    NoResult,
    /// The code is valid no longer.
    Expired,
    /// It was sent again three times in the last 24 hours.
    TooOften,
}

/// A code to be sent again.
struct Again {
    ticket: String,
    by: String,
}

impl Record {
    /// The open tickets that somebody works on, the most urgent first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn tickets_owned_by(&self, owner: &str, limit: u32) -> Result<Vec<TicketRow>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {COLUMNS} FROM ticket WHERE owner = $1 AND state = 'open' AND phone <> '' \
             ORDER BY CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, created_at DESC LIMIT $2"
        ))
        .bind(owner)
        .bind(i64::from(limit.clamp(1, 200)))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(TicketRow::from_row).collect()
    }

    /// The names of customers by their ids, those whom they were merged into for them. At most 500.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn names_of(&self, customers: &[String]) -> Result<BTreeMap<String, Pii<String>>, RecordError> {
        let customers = &customers[..customers.len().min(500)];
        if customers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let places: Vec<String> = (1..=customers.len()).map(|place| format!("${place}")).collect();
        let sql = format!(
            "SELECT c.id AS id, COALESCE(r.name, c.name) AS name FROM customer c \
             LEFT JOIN customer r ON r.id = c.merged_into WHERE c.id IN ({})",
            places.join(", ")
        );
        let mut query = sqlx::query(&sql);
        for id in customers {
            query = query.bind(id);
        }
        let mut names = BTreeMap::new();
        for row in query.fetch_all(&self.readers).await? {
            if let Some(name) = row.text_or_none("name")? {
                names.insert(row.text("id")?, name.into());
            }
        }
        Ok(names)
    }

    /// Sends a ticket's code to the number on file once more, as a caller can ask for it.
    ///
    /// # Errors
    /// [`RecordError::NotFound`], [`RecordError::Unavailable`] if the database does not take it.
    pub async fn resend_code(&self, ticket: TicketId, by: &str) -> Result<Resend, RecordError> {
        let input = Again { ticket: ticket.to_string(), by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }
}

impl Again {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Resend, RecordError> {
        let row = sqlx::query(
            "SELECT customer_id, state, code_expires_at, CASE WHEN result IS NULL THEN 0 ELSE 1 END AS told, \
             (SELECT COUNT(*) FROM job j WHERE j.ticket_id = ticket.id AND j.kind = 'resend-code' \
             AND j.changed_at > $2) AS sent FROM ticket WHERE id = $1 AND phone <> ''",
        )
        .bind(&self.ticket)
        .bind(stamp.now - 24 * 3_600_000_000)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("ticket"))?;
        if row.text("state")? != "closed" || row.int("told")? == 0 {
            return Ok(Resend::NoResult);
        }
        if row.int("code_expires_at")? <= stamp.now {
            return Ok(Resend::Expired);
        }
        if row.int("sent")? >= RESENDS_A_DAY {
            return Ok(Resend::TooOften);
        }
        let (job, asked) = (stamp.id(), stamp.id());
        let key = format!("{}:{asked}", self.ticket);
        insert_job(connection, &job, JobKind::ResendCode, &key, &self.ticket, stamp.now, stamp.now).await?;
        let customer = row.text("customer_id")?;
        Entry {
            type_name: "ticket.code-asked",
            customer: Some(&customer),
            ticket: Some(&self.ticket),
            body: serde_json::json!({ "by": self.by }),
            ..Entry::default()
        }
        .write(connection, stamp)
        .await?;
        Ok(Resend::Planned)
    }
}
