//! Who knows a customer's matter: whom a caller is brought to first, and who keeps what a customer was promised.

use sqlx::AnyConnection;

use crate::RecordError;
use crate::sql::{Columns, FAMILY};

/// The statement that finds `agent_id` and `login` of the one who knows customer `$1` and ticket `$2` best, either of which
/// may be NULL: who served a caller about the ticket last, whose voice they know; else whose it is; else who served the
/// customer last. Of disabled accounts nothing is asked.
pub(crate) fn who_knows() -> String {
    format!(
        "SELECT u.id AS agent_id, u.login AS login FROM ( \
         SELECT w.agent_id AS agent, 1 AS place, w.since AS at FROM waiting w \
         JOIN interaction i ON i.id = w.interaction_id WHERE i.ticket_id = $2 AND w.state = 'served' \
         UNION ALL SELECT o.id, 2, 0 FROM ticket t JOIN \"user\" o ON o.login = t.owner WHERE t.id = $2 \
         UNION ALL SELECT w.agent_id, 3, w.since FROM waiting w WHERE w.state = 'served' AND w.customer_id IN {FAMILY} \
         ) k JOIN \"user\" u ON u.id = k.agent WHERE u.disabled_at IS NULL ORDER BY k.place, k.at DESC LIMIT 1"
    )
}

/// Whose login keeps a promise to a customer; `None`: nobody is known to.
pub(crate) async fn keeper(
    connection: &mut AnyConnection,
    customer: Option<&str>,
    ticket: Option<&str>,
) -> Result<Option<String>, RecordError> {
    let row = sqlx::query(&who_knows()).bind(customer).bind(ticket).fetch_optional(connection).await?;
    row.map(|row| row.text("login")).transpose()
}
