//! Promises that are about to be late, or are: whoever keeps them is reminded until they are done.

use std::time::Duration;

use crate::act::Entry;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// Rows of one commit.
const ROWS: i64 = 200;

impl Record {
    /// Tells in the journal of every promise that is due within `ahead` or was, and is not done; of each again
    /// after `again`. Gives how many there were.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn remind(&self, ahead: Duration, again: Duration) -> Result<usize, RecordError> {
        let micros = |length: Duration| i64::try_from(length.as_micros()).unwrap_or(i64::MAX / 4);
        self.change((micros(ahead), micros(again)), |connection, input, stamp| {
            Box::pin(async move {
                let (ahead, again) = *input;
                let rows = sqlx::query(
                    "SELECT id, customer_id, interaction_id, ticket_id, reason, owner, due_at FROM follow_up \
                     WHERE state <> 'done' AND due_at <= $1 AND (reminded_at IS NULL OR reminded_at <= $2) \
                     ORDER BY due_at LIMIT $3",
                )
                .bind(stamp.now + ahead)
                .bind(stamp.now - again)
                .bind(ROWS)
                .fetch_all(&mut *connection)
                .await?;
                for row in &rows {
                    let id = row.text("id")?;
                    sqlx::query("UPDATE follow_up SET reminded_at = $2 WHERE id = $1")
                        .bind(&id)
                        .bind(stamp.now)
                        .execute(&mut *connection)
                        .await?;
                    let body = serde_json::json!({
                        "follow-up": id, "reason": row.text("reason")?, "owner": row.text_or_none("owner")?,
                        "due-at": row.time("due_at")?, "late": row.int("due_at")? <= stamp.now,
                    });
                    let (customer, interaction, ticket) = (
                        row.text_or_none("customer_id")?,
                        row.text_or_none("interaction_id")?,
                        row.text_or_none("ticket_id")?,
                    );
                    let entry = Entry {
                        type_name: "follow-up.reminded",
                        customer: customer.as_deref(),
                        interaction: interaction.as_deref(),
                        ticket: ticket.as_deref(),
                        body,
                    };
                    entry.write(connection, &stamp).await?;
                }
                Ok(rows.len())
            })
        })
        .await
    }
}
