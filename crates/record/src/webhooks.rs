//! The journal told to others: which entry is to be told to whom, and what became of it. Words are
//! made of the entry when they are sent, so that what was erased meanwhile is not told.

use hotline_model::{CustomerId, Pii};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::events::{COLUMNS, JournalEvent};
use crate::sql::{Columns, clean};
use crate::{Record, RecordError};

/// Whom the journal is told to, and what waits for them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct WebhookState {
    /// Its name.
    pub name: String,
    /// Since when nothing is sent: it answered 410.
    pub disabled_at: Option<Timestamp>,
    /// When something arrived last.
    pub delivered_at: Option<Timestamp>,
    /// Deliveries that wait.
    pub due: i64,
    /// Deliveries that were given up.
    pub dead: i64,
}

/// A delivery.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Delivery {
    /// Its id: the same each time it is sent.
    pub id: String,
    /// The journal's entry.
    pub seq: i64,
    /// The entry's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `due`, `delivered` or `dead`.
    pub state: String,
    /// When it is sent next.
    pub run_at: Timestamp,
    /// How often it was sent.
    pub attempts: i64,
    /// What was answered last.
    pub status: Option<i64>,
    /// What went wrong last.
    pub error: Option<String>,
    /// When it was planned.
    pub created_at: Timestamp,
}

/// A delivery that is to be sent now, with what it tells.
#[derive(Debug, Clone)]
pub struct DueDelivery {
    /// Its id.
    pub id: String,
    /// How often it was sent before.
    pub attempts: i64,
    /// The entry; `None`: retention took it.
    pub event: Option<JournalEvent>,
    /// The firm's own number of its ticket.
    pub ticket_ref: Option<String>,
    /// The firm's own number of its customer.
    pub customer_ref: Option<String>,
    /// The customer's name.
    pub name: Option<Pii<String>>,
    /// The customer's surest telephone number.
    pub phone: Option<Pii<String>>,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// It arrived.
    Delivered(u16),
    /// It is sent again then.
    Again(Timestamp, Option<u16>, String),
    /// It is given up.
    Dead(Option<u16>, String),
    /// It is given up, and so is everything else for this webhook: 410.
    Gone(String),
}

/// Which deliveries are sent once more.
#[derive(Debug, Clone)]
pub enum Replay {
    /// All that were given up.
    Dead,
    /// These.
    Ids(Vec<String>),
    /// All that were planned since, those included that arrived.
    Since(Timestamp),
}

/// Entries that are looked at in one commit.
const LOOK: i64 = 500;

struct Plan {
    webhook: String,
    from: i64,
    to: i64,
    events: Vec<(i64, String)>,
}

impl Record {
    /// Plans what the journal has for a webhook behind the last entry that was looked at; `wanted`
    /// says of a type whether it is told. A webhook that is new is told from now on. `true`: there is
    /// more to look at.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn plan_deliveries(
        &self,
        webhook: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<bool, RecordError> {
        let known = sqlx::query("SELECT seq, disabled_at FROM webhook WHERE name = $1")
            .bind(webhook)
            .fetch_optional(&self.readers)
            .await?;
        let newest = self.newest_seq().await?;
        let Some(known) = known else {
            self.change((webhook.to_owned(), newest), |connection, input, _| {
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO webhook (name, seq) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                    )
                    .bind(&input.0)
                    .bind(input.1)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await?;
            return Ok(false);
        };
        let from = known.int("seq")?;
        if newest <= from {
            return Ok(false);
        }
        let rows = sqlx::query("SELECT seq, type FROM event WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(from)
            .bind(LOOK)
            .fetch_all(&self.readers)
            .await?;
        let (mut events, mut to) = (Vec::new(), from);
        let disabled = known.int_or_none("disabled_at")?.is_some();
        for row in &rows {
            let type_name = row.text("type")?;
            to = row.int("seq")?;
            if !disabled && wanted(&type_name) {
                events.push((to, type_name));
            }
        }
        // Nothing to tell: how far it was looked is kept once in a while only, so that looking is no commit
        // for each commit.
        if events.is_empty() && to - from < LOOK {
            return Ok(false);
        }
        let more = rows.len() as i64 == LOOK;
        let plan = Plan { webhook: webhook.to_owned(), from, to, events };
        self.change(plan, |connection, plan, stamp| {
            Box::pin(async move { plan.store(connection, &stamp).await })
        })
        .await?;
        Ok(more)
    }

    /// Takes what is due for a webhook, at most `limit`: nobody else is given it before `hold`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn claim_deliveries(
        &self,
        webhook: &str,
        limit: u32,
        hold: std::time::Duration,
    ) -> Result<Vec<DueDelivery>, RecordError> {
        const DUE: &str = "SELECT d.id FROM webhook_delivery d JOIN webhook w ON w.name = d.webhook WHERE d.webhook = $1 \
             AND d.state = 'due' AND d.run_at <= $2 AND w.disabled_at IS NULL ORDER BY d.run_at, d.id LIMIT $3";
        let due = sqlx::query(DUE)
            .bind(webhook)
            .bind(self.now_micros())
            .bind(1_i64)
            .fetch_optional(&self.readers)
            .await?;
        if due.is_none() {
            return Ok(Vec::new());
        }
        let until = self.now_micros() + i64::try_from(hold.as_micros()).unwrap_or(0);
        let input = (webhook.to_owned(), i64::from(limit), until);
        let claimed: Vec<(String, i64, i64)> = self
            .change(input, |connection, input, stamp| {
                Box::pin(async move {
                    let rows = sqlx::query(&format!(
                        "UPDATE webhook_delivery SET run_at = $4, attempts = attempts + 1 WHERE id IN ({DUE}) \
                         RETURNING id, seq, attempts"
                    ))
                    .bind(&input.0)
                    .bind(stamp.now)
                    .bind(input.1)
                    .bind(input.2)
                    .fetch_all(connection)
                    .await?;
                    rows.iter().map(|row| Ok((row.text("id")?, row.int("seq")?, row.int("attempts")?))).collect()
                })
            })
            .await?;
        let mut deliveries = Vec::with_capacity(claimed.len());
        for (id, seq, attempts) in claimed {
            deliveries.push(self.due_delivery(id, seq, attempts - 1).await?);
        }
        deliveries.sort_by_key(|delivery| delivery.event.as_ref().map(|event| event.seq));
        Ok(deliveries)
    }

    async fn due_delivery(&self, id: String, seq: i64, attempts: i64) -> Result<DueDelivery, RecordError> {
        let row = sqlx::query(&format!("SELECT {COLUMNS} FROM event WHERE seq = $1"))
            .bind(seq)
            .fetch_optional(&self.readers)
            .await?;
        let event = row.as_ref().map(JournalEvent::from_row).transpose()?;
        let mut due = DueDelivery {
            id,
            attempts,
            event,
            ticket_ref: None,
            customer_ref: None,
            name: None,
            phone: None,
        };
        let Some(event) = &due.event else { return Ok(due) };
        if let Some(ticket) = &event.ticket_id {
            let row = sqlx::query("SELECT external_ref FROM ticket WHERE id = $1 AND phone <> ''")
                .bind(ticket)
                .fetch_optional(&self.readers)
                .await?;
            due.ticket_ref = row.map(|row| row.text("external_ref")).transpose()?;
        }
        if let Some(customer) = event.customer_id.as_ref().and_then(|id| id.parse::<CustomerId>().ok()) {
            let row = sqlx::query(
                "SELECT r.name AS name, r.external_ref AS external_ref, (SELECT i.value FROM identity_link l \
                 JOIN identity i ON i.id = l.identity_id WHERE l.customer_id = r.id AND l.valid_to IS NULL \
                 AND i.kind = 'phone' ORDER BY CASE l.level WHEN 'verified' THEN 0 WHEN 'observed' THEN 1 ELSE 2 END, \
                 l.valid_from LIMIT 1) AS phone FROM customer c JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) \
                 WHERE c.id = $1 AND r.erased_at IS NULL",
            )
            .bind(customer.to_string())
            .fetch_optional(&self.readers)
            .await?;
            if let Some(row) = row {
                due.customer_ref = row.text_or_none("external_ref")?;
                due.name = row.text_or_none("name")?.map(Pii::new);
                due.phone = row.text_or_none("phone")?.map(Pii::new);
            }
        }
        Ok(due)
    }

    /// Keeps what became of a delivery.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn settle_delivery(&self, webhook: &str, id: &str, sent: Sent) -> Result<(), RecordError> {
        let input = (webhook.to_owned(), id.to_owned(), sent);
        self.change(input, |connection, input, stamp| {
            Box::pin(async move {
                let (webhook, id, sent) = &*input;
                settle(connection, webhook, id, sent, &stamp).await
            })
        })
        .await
    }

    /// When something is due for a webhook next.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn next_delivery_at(&self, webhook: &str) -> Result<Option<Timestamp>, RecordError> {
        let row = sqlx::query(
            "SELECT MIN(run_at) AS at FROM webhook_delivery WHERE webhook = $1 AND state = 'due'",
        )
        .bind(webhook)
        .fetch_one(&self.readers)
        .await?;
        row.time_or_none("at")
    }

    /// All webhooks that something was ever planned for, with what waits.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn webhooks(&self) -> Result<Vec<WebhookState>, RecordError> {
        let rows = sqlx::query(
            "SELECT w.name AS name, w.disabled_at AS disabled_at, w.delivered_at AS delivered_at, \
             (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook = w.name AND d.state = 'due') AS due, \
             (SELECT COUNT(*) FROM webhook_delivery d WHERE d.webhook = w.name AND d.state = 'dead') AS dead \
             FROM webhook w ORDER BY w.name",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(WebhookState {
                    name: row.text("name")?,
                    disabled_at: row.time_or_none("disabled_at")?,
                    delivered_at: row.time_or_none("delivered_at")?,
                    due: row.int("due")?,
                    dead: row.int("dead")?,
                })
            })
            .collect()
    }

    /// Deliveries of a webhook in a state, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn deliveries(
        &self,
        webhook: &str,
        state: &str,
        limit: u32,
    ) -> Result<Vec<Delivery>, RecordError> {
        let rows = sqlx::query(
            "SELECT * FROM webhook_delivery WHERE webhook = $1 AND state = $2 ORDER BY changed_at DESC, id DESC LIMIT $3",
        )
        .bind(webhook)
        .bind(state)
        .bind(i64::from(limit.clamp(1, 500)))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Delivery {
                    id: row.text("id")?,
                    seq: row.int("seq")?,
                    type_name: row.text("type")?,
                    state: row.text("state")?,
                    run_at: row.time("run_at")?,
                    attempts: row.int("attempts")?,
                    status: row.int_or_none("status")?,
                    error: row.text_or_none("error")?,
                    created_at: row.time("created_at")?,
                })
            })
            .collect()
    }

    /// Sends deliveries once more, under the ids they had, and takes up again a webhook that wanted no
    /// more. Gives their number.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if no webhook is called so.
    pub async fn replay_deliveries(
        &self,
        webhook: &str,
        which: Replay,
        by: &str,
    ) -> Result<u64, RecordError> {
        self.change((webhook.to_owned(), which, by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (webhook, which, by) = &*input;
                replay(connection, webhook, which, by, &stamp).await
            })
        })
        .await
    }

    /// Lets go of deliveries that arrived before `delivered`, or were given up before `dead`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn prune_deliveries(&self, delivered: Timestamp, dead: Timestamp) -> Result<u64, RecordError> {
        let input = (delivered.as_microsecond(), dead.as_microsecond());
        self.change(input, |connection, input, _| {
            Box::pin(async move {
                let done = sqlx::query(
                    "DELETE FROM webhook_delivery WHERE (state = 'delivered' AND changed_at < $1) \
                     OR (state = 'dead' AND changed_at < $2)",
                )
                .bind(input.0)
                .bind(input.1)
                .execute(connection)
                .await?;
                Ok(done.rows_affected())
            })
        })
        .await
    }
}

impl Plan {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        // Another server may have looked at the same entries meanwhile.
        let moved = sqlx::query("UPDATE webhook SET seq = $3 WHERE name = $1 AND seq = $2")
            .bind(&self.webhook)
            .bind(self.from)
            .bind(self.to)
            .execute(&mut *connection)
            .await?;
        if moved.rows_affected() == 0 {
            return Ok(());
        }
        for (seq, type_name) in &self.events {
            sqlx::query(
                "INSERT INTO webhook_delivery (id, webhook, seq, type, state, run_at, created_at, changed_at) \
                 VALUES ($1, $2, $3, $4, 'due', $5, $5, $5) ON CONFLICT (webhook, seq) DO NOTHING",
            )
            .bind(stamp.id())
            .bind(&self.webhook)
            .bind(seq)
            .bind(type_name)
            .bind(stamp.now)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

async fn settle(
    connection: &mut AnyConnection,
    webhook: &str,
    id: &str,
    sent: &Sent,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let (state, run_at, status, error) = match sent {
        Sent::Delivered(status) => ("delivered", stamp.now, Some(*status), None),
        Sent::Again(at, status, error) => ("due", at.as_microsecond(), *status, Some(error)),
        Sent::Dead(status, error) => ("dead", stamp.now, *status, Some(error)),
        Sent::Gone(error) => ("dead", stamp.now, Some(410), Some(error)),
    };
    sqlx::query(
        "UPDATE webhook_delivery SET state = $2, run_at = $3, status = $4, error = $5, changed_at = $6 WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(run_at)
    .bind(status.map(i64::from))
    .bind(error.map(|text| clean(text.chars().take(500).collect())))
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    let type_name = match sent {
        Sent::Delivered(_) => {
            sqlx::query("UPDATE webhook SET delivered_at = $2 WHERE name = $1")
                .bind(webhook)
                .bind(stamp.now)
                .execute(connection)
                .await?;
            return Ok(());
        }
        Sent::Again(..) => return Ok(()),
        Sent::Dead(..) => "webhook.gave-up",
        Sent::Gone(_) => {
            sqlx::query("UPDATE webhook SET disabled_at = COALESCE(disabled_at, $2) WHERE name = $1")
                .bind(webhook)
                .bind(stamp.now)
                .execute(&mut *connection)
                .await?;
            "webhook.disabled"
        }
    };
    let body = serde_json::json!({ "webhook": webhook, "delivery": id, "status": status });
    Entry { type_name, body, ..Entry::default() }.write(connection, stamp).await
}

async fn replay(
    connection: &mut AnyConnection,
    webhook: &str,
    which: &Replay,
    by: &str,
    stamp: &Stamp,
) -> Result<u64, RecordError> {
    let known = sqlx::query("UPDATE webhook SET disabled_at = NULL WHERE name = $1")
        .bind(webhook)
        .execute(&mut *connection)
        .await?;
    if known.rows_affected() == 0 {
        return Err(RecordError::NotFound("webhook"));
    }
    const AGAIN: &str = "UPDATE webhook_delivery SET state = 'due', run_at = $2, attempts = 0, changed_at = $2 WHERE webhook = $1";
    let mut rows = 0;
    match which {
        Replay::Dead => {
            let sql = format!("{AGAIN} AND state = 'dead'");
            rows += sqlx::query(&sql)
                .bind(webhook)
                .bind(stamp.now)
                .execute(&mut *connection)
                .await?
                .rows_affected();
        }
        Replay::Since(at) => {
            let sql = format!("{AGAIN} AND created_at >= $3");
            let query = sqlx::query(&sql).bind(webhook).bind(stamp.now).bind(at.as_microsecond());
            rows += query.execute(&mut *connection).await?.rows_affected();
        }
        Replay::Ids(ids) => {
            let sql = format!("{AGAIN} AND id = $3");
            for id in ids {
                let query = sqlx::query(&sql).bind(webhook).bind(stamp.now).bind(id);
                rows += query.execute(&mut *connection).await?.rows_affected();
            }
        }
    }
    let body = serde_json::json!({ "webhook": webhook, "by": by, "deliveries": rows });
    Entry { type_name: "webhook.replayed", body, ..Entry::default() }.write(connection, stamp).await?;
    Ok(rows)
}
