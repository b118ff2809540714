//! The second level of a call: each talk with an agent is an interaction below it. The first level, what the plan
//! did, is the call's own.
//!
//! A talk's row follows from the steps of its call, in the transaction that stores them: it names no customer, and holds
//! nothing that a merge or an erasure had to reach.

use hotline_model::{AgentId, StepEvent};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::deed::EventRow;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// A talk of an agent in a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// The interaction's id.
    pub id: String,
    /// Who talked.
    pub agent: AgentId,
    /// When they joined.
    pub started_at: Timestamp,
    /// When they left; `None`: they talk.
    pub ended_at: Option<Timestamp>,
    /// What it was about, by the agent's wrap-up.
    pub reason: Option<String>,
}

/// What a step does to the talks of its call.
enum Turn {
    /// An agent has the caller from now on.
    Joins(AgentId),
    /// No agent of ours has the caller any more.
    Over,
}

/// The words of [`StepEvent::Transferred`] with which an agent lets go of the call.
const LETS_GO: [&str; 3] = ["sent", "completed", "queue"];

fn turn(row: &EventRow) -> Option<Turn> {
    // Most steps are none of these: their bodies are not read.
    match &*row.type_name {
        "call.returned" | "call.left-queue" | "call.ended" => Some(Turn::Over),
        "call.joined" | "call.transferred" => match serde_json::from_str(&row.body).ok()? {
            StepEvent::Joined { agent: Some(agent) } => Some(Turn::Joins(agent)),
            StepEvent::Transferred { by: Some(_), how, .. } if LETS_GO.contains(&how.as_str()) => {
                Some(Turn::Over)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Stores what steps do to talks; stored again they change nothing.
pub(crate) async fn store(connection: &mut AnyConnection, steps: &[&EventRow]) -> Result<(), RecordError> {
    for row in steps {
        let (Some(call), Some(turn)) = (&row.interaction_id, turn(row)) else { continue };
        sqlx::query(
            "UPDATE interaction SET ended_at = $2 WHERE parent_id = $1 AND channel = 'talk' AND ended_at IS NULL \
             AND started_at <= $2 AND native_id <> $3",
        )
        .bind(call)
        .bind(row.occurred_at)
        .bind(&row.source_event_id)
        .execute(&mut *connection)
        .await?;
        if let Turn::Joins(agent) = turn {
            sqlx::query(
                "INSERT INTO interaction (id, channel, native_id, root_id, parent_id, direction, agent_id, started_at, server) \
                 SELECT $1, 'talk', $2, root_id, id, direction, $3, $4, server FROM interaction WHERE id = $5 \
                 ON CONFLICT (channel, native_id) DO NOTHING",
            )
            .bind(row.source_event_id.replace(':', "t"))
            .bind(&row.source_event_id)
            .bind(agent.to_string())
            .bind(row.occurred_at)
            .bind(call)
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// What an agent, by their login, wrote at the end of their talk.
pub(crate) async fn wrap_up(
    connection: &mut AnyConnection,
    call: &str,
    agent: &str,
    reason: &str,
) -> Result<(), RecordError> {
    sqlx::query(
        "UPDATE interaction SET reason = $3 WHERE parent_id = $1 AND channel = 'talk' \
         AND agent_id = (SELECT id FROM \"user\" WHERE login = $2)",
    )
    .bind(call)
    .bind(agent)
    .bind(reason)
    .execute(connection)
    .await?;
    Ok(())
}

impl Record {
    /// Who talked in a call, in order.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn talks_of(&self, call: &str) -> Result<Vec<Talk>, RecordError> {
        let rows = sqlx::query(
            "SELECT id, agent_id, started_at, ended_at, reason FROM interaction \
             WHERE parent_id = $1 AND channel = 'talk' ORDER BY started_at, id",
        )
        .bind(call)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(Talk::from_row).collect()
    }
}

impl Talk {
    fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.text("id")?,
            agent: row.parsed("agent_id")?,
            started_at: row.time("started_at")?,
            ended_at: row.time_or_none("ended_at")?,
            reason: row.text_or_none("reason")?,
        })
    }
}
