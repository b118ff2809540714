//! Who knows a customer's matter: whom a caller is brought to first, and who keeps what a customer was promised.

use sqlx::AnyConnection;

use crate::RecordError;
use crate::sql::Columns;

/// The statement that finds `agent_id` and `login` of the one who knows customer `$1` and ticket `$2` best, either of which
/// may be NULL: who served a caller about the ticket last, whose voice they know; else whose it is; else who served the
/// customer last. Of disabled accounts nothing is asked.
///
/// `state || ''` keeps SQLite from reading everybody who was ever served: by a ticket and by a customer they are few.
pub(crate) const WHO_KNOWS: &str = "SELECT u.id AS agent_id, u.login AS login FROM ( \
    SELECT w.agent_id AS agent, 1 AS place, w.since AS at FROM interaction i \
    JOIN waiting w ON w.interaction_id = i.id WHERE i.ticket_id = $2 AND w.state || '' = 'served' \
    UNION ALL SELECT o.id, 2, 0 FROM ticket t JOIN \"user\" o ON o.login = t.owner WHERE t.id = $2 \
    UNION ALL SELECT l.agent_id, 3, l.joined_at FROM waiting l WHERE l.id IN (SELECT ( \
    SELECT w.id FROM waiting w JOIN \"user\" a ON a.id = w.agent_id WHERE w.customer_id = f.id \
    AND w.state || '' = 'served' AND a.disabled_at IS NULL ORDER BY w.joined_at DESC LIMIT 1) \
    FROM customer f WHERE f.id = $1 OR f.merged_into = $1) \
    ) k JOIN \"user\" u ON u.id = k.agent WHERE u.disabled_at IS NULL ORDER BY k.place, k.at DESC LIMIT 1";

/// Whose login keeps a promise to a customer; `None`: nobody is known to.
pub(crate) async fn keeper(
    connection: &mut AnyConnection,
    customer: Option<&str>,
    ticket: Option<&str>,
) -> Result<Option<String>, RecordError> {
    let row = sqlx::query(WHO_KNOWS).bind(customer).bind(ticket).fetch_optional(connection).await?;
    row.map(|row| row.text("login")).transpose()
}
