//! The floor as a supervisor sees it: who waits, who was asked, how the day goes.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_model::{CustomerId, Pii, UserId};
use jiff::Timestamp;
use sqlx::any::AnyRow;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// A caller who waits, or whose place is kept.
#[derive(Debug, Clone)]
pub struct WaitingCaller {
    /// The row of the line.
    pub id: String,
    /// The call.
    pub call: String,
    /// The queue.
    pub queue: String,
    /// `waiting`, `offered` (an agent's telephone rings), `talking` or `kept`.
    pub state: String,
    /// From 1, of those who wait; nobody else has one.
    pub place: Option<u32>,
    /// 0 to 9; higher ones come first.
    pub priority: i64,
    /// What the agent must be able to do, besides what the queue asks for.
    pub skills: Vec<String>,
    /// When they came into the line.
    pub joined_at: Timestamp,
    /// In this state since then.
    pub since: Timestamp,
    /// Who is offered the call, or talks.
    pub agent: Option<UserId>,
    /// Who it may be.
    pub customer: Option<CustomerId>,
    /// The kind and value of what they call from.
    pub identity: Option<(String, Pii<String>)>,
    /// Why they called, in the plan's word.
    pub reason: Option<String>,
    /// What they were told last: their place, and minutes if they were known.
    pub told: Option<(u32, Option<u32>)>,
}

/// How a queue did since a moment. Each caller counts once, also one who lost the connection and called
/// again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueDay {
    /// Callers who came.
    pub came: u64,
    /// Who talked with an agent.
    pub answered: u64,
    /// Who hung up or went another way before.
    pub gave_up: u64,
    /// For whom no agent came in the longest time one may wait.
    pub nobody: u64,
    /// Who came while it was closed.
    pub closed: u64,
    /// The longest wait, of those who still wait too.
    pub longest_wait: Duration,
    /// How long those waited, on average, who were answered.
    pub average_wait: Option<Duration>,
}

/// What an agent was offered since a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentDay {
    /// Offers.
    pub offered: u64,
    /// Answered.
    pub answered: u64,
    /// Neither answered nor taken back: timed out, declined, busy or failed.
    pub missed: u64,
}

/// How long calls of a queue take, talk and wrap-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// A moving average.
    pub average: Duration,
    /// Of so many calls.
    pub calls: u64,
}

/// The floor at one moment.
#[derive(Debug, Clone, Default)]
pub struct Floor {
    /// Who waits, is offered, talks, or has a place kept; in the order in which they are served.
    pub callers: Vec<WaitingCaller>,
    /// By queue.
    pub queues: BTreeMap<String, QueueDay>,
    /// By agent.
    pub agents: BTreeMap<String, AgentDay>,
    /// How long a call of a queue takes, talk and wrap-up, by queue.
    pub handling: BTreeMap<String, Handling>,
}

/// A caller that an agent was offered and did not get.
#[derive(Debug, Clone)]
pub struct MissedCall {
    /// The offer.
    pub id: String,
    /// When it began to ring.
    pub at: Timestamp,
    /// `timed-out`, `declined`, `busy` or `failed`.
    pub outcome: String,
    /// The queue.
    pub queue: String,
    /// The call.
    pub call: String,
    /// Who called, if that is known.
    pub customer: Option<CustomerId>,
    /// How the caller fared: `served`, `left`, `waiting`, …
    pub caller: String,
}

const MISSED: &str = "'timed-out', 'declined', 'busy', 'failed'";

impl Record {
    /// Who waits, and how the time since `began` (mostly midnight) went.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn floor(&self, began: Timestamp) -> Result<Floor, RecordError> {
        let mut floor = Floor { callers: self.callers().await?, ..Floor::default() };
        let (now, began) = (self.now_micros(), began.as_microsecond());
        // Whose place another row has is counted there.
        let rows = sqlx::query(
            "SELECT queue, COUNT(*) AS came, \
             SUM(CASE WHEN state IN ('talking', 'served') THEN 1 ELSE 0 END) AS answered, \
             SUM(CASE WHEN state IN ('left', 'expired', 'not-reached') THEN 1 ELSE 0 END) AS gave_up, \
             SUM(CASE WHEN state = 'nobody' THEN 1 ELSE 0 END) AS nobody, \
             SUM(CASE WHEN state = 'closed' THEN 1 ELSE 0 END) AS closed, \
             MAX(waited) AS longest, \
             CAST(SUM(CASE WHEN state IN ('talking', 'served') THEN waited ELSE 0 END) AS BIGINT) AS answered_after FROM ( \
             SELECT w.queue AS queue, w.state AS state, COALESCE((SELECT MIN(o.ended_at) FROM offer o \
             WHERE o.waiting_id = w.id AND o.outcome = 'answered'), \
             CASE WHEN w.state IN ('waiting', 'offered') THEN $2 ELSE w.since END) - w.joined_at AS waited \
             FROM waiting w WHERE w.joined_at >= $1 AND w.state NOT IN ('resumed', 'failed')) day GROUP BY queue",
        )
        .bind(began)
        .bind(now)
        .fetch_all(&self.readers)
        .await?;
        for row in &rows {
            let count = |name: &str| row.number(name);
            let answered = count("answered")?;
            let day = QueueDay {
                came: count("came")?,
                answered,
                gave_up: count("gave_up")?,
                nobody: count("nobody")?,
                closed: count("closed")?,
                longest_wait: Duration::from_micros(count("longest")?),
                average_wait: count("answered_after")?.checked_div(answered).map(Duration::from_micros),
            };
            floor.queues.insert(row.text("queue")?, day);
        }
        let rows = sqlx::query(&format!(
            "SELECT agent_id, COUNT(*) AS offered, SUM(CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END) AS answered, \
             SUM(CASE WHEN outcome IN ({MISSED}) THEN 1 ELSE 0 END) AS missed \
             FROM offer WHERE at >= $1 GROUP BY agent_id"
        ))
        .bind(began)
        .fetch_all(&self.readers)
        .await?;
        for row in &rows {
            let day = AgentDay {
                offered: row.number("offered")?,
                answered: row.number("answered")?,
                missed: row.number("missed")?,
            };
            floor.agents.insert(row.text("agent_id")?, day);
        }
        let sql = "SELECT queue, average_ms, calls FROM handling";
        for row in sqlx::query(sql).fetch_all(&self.readers).await? {
            let average = Duration::from_millis(row.number("average_ms")?);
            floor.handling.insert(row.text("queue")?, Handling { average, calls: row.number("calls")? });
        }
        Ok(floor)
    }

    /// Everybody in the lines, in the order in which they are served.
    async fn callers(&self) -> Result<Vec<WaitingCaller>, RecordError> {
        let rows = sqlx::query(
            "SELECT w.*, i.kind AS kind, i.value AS value, n.reason AS reason, n.erased AS erased, \
             COALESCE(c.merged_into, w.customer_id, n.customer_id) AS customer, \
             (SELECT e.body FROM event e WHERE e.interaction_id = w.interaction_id \
             AND e.type = 'call.place-told' ORDER BY e.seq DESC LIMIT 1) AS told FROM waiting w \
             LEFT JOIN interaction n ON n.id = w.interaction_id \
             LEFT JOIN customer c ON c.id = COALESCE(w.customer_id, n.customer_id) \
             LEFT JOIN identity i ON i.id = COALESCE(w.identity_id, n.identity_id) \
             WHERE w.state IN ('waiting', 'offered', 'talking', 'kept', 'call-back', 'calling') \
             ORDER BY w.priority DESC, w.joined_at, w.id",
        )
        .fetch_all(&self.readers)
        .await?;
        let mut places: BTreeMap<String, u32> = BTreeMap::new();
        rows.iter().map(|row| caller(row, &mut places)).collect()
    }

    /// What a contact came from: a number mostly. Nothing of one that was erased.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn caller_of(&self, contact: &str) -> Result<Option<Pii<String>>, RecordError> {
        let row = sqlx::query(
            "SELECT i.value AS value FROM interaction n JOIN identity i ON i.id = n.identity_id \
             WHERE n.id = $1 AND n.erased = 0",
        )
        .bind(contact)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Ok(row.text("value")?.into())).transpose()
    }

    /// The last callers that an agent was offered and did not get, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn missed_calls(&self, agent: UserId, limit: u32) -> Result<Vec<MissedCall>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT o.id AS id, o.at AS at, o.outcome AS outcome, w.queue AS queue, w.interaction_id AS call, \
             COALESCE(c.merged_into, w.customer_id) AS customer, w.state AS state FROM offer o \
             JOIN waiting w ON w.id = o.waiting_id LEFT JOIN customer c ON c.id = w.customer_id \
             WHERE o.agent_id = $1 AND o.outcome IN ({MISSED}) ORDER BY o.at DESC, o.id DESC LIMIT $2"
        ))
        .bind(agent.to_string())
        .bind(i64::from(limit.clamp(1, 200)))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(MissedCall {
                    id: row.text("id")?,
                    at: row.time("at")?,
                    outcome: row.text("outcome")?,
                    queue: row.text("queue")?,
                    call: row.text("call")?,
                    customer: row.parsed_or_none("customer")?,
                    caller: row.text("state")?,
                })
            })
            .collect()
    }
}

fn caller(row: &AnyRow, places: &mut BTreeMap<String, u32>) -> Result<WaitingCaller, RecordError> {
    let (queue, state) = (row.text("queue")?, row.text("state")?);
    let place = matches!(state.as_str(), "waiting" | "call-back").then(|| {
        let place = places.entry(queue.clone()).or_default();
        *place += 1;
        *place
    });
    let told = row.text_or_none("told")?.and_then(|body| {
        let body: serde_json::Value = serde_json::from_str(&body).ok()?;
        let number = |name: &str| body.get(name)?.as_u64().and_then(|n| u32::try_from(n).ok());
        Some((number("place")?, number("minutes")))
    });
    let erased = row.int_or_none("erased")? == Some(1);
    let identity = match (row.text_or_none("kind")?, row.text_or_none("value")?) {
        (Some(kind), Some(value)) if !erased => Some((kind, Pii::new(value))),
        _ => None,
    };
    Ok(WaitingCaller {
        id: row.text("id")?,
        call: row.text("interaction_id")?,
        queue,
        state,
        place,
        priority: row.int("priority")?,
        skills: row.text("skills")?.split_whitespace().map(str::to_owned).collect(),
        joined_at: row.time("joined_at")?,
        since: row.time("since")?,
        agent: row.parsed_or_none("agent_id")?,
        customer: row.parsed_or_none("customer")?,
        identity,
        reason: row.text_or_none("reason")?,
        told,
    })
}
