//! Where each agent is: the row that the queues offer by and that colleagues see.

use hotline_model::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use crate::act::Entry;
use crate::sql::{Columns, short};
use crate::{Record, RecordError};

/// Where an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentState {
    /// Not at work.
    SignedOut,
    /// May be offered a caller.
    Available,
    /// At work and away, with a reason.
    Break,
    /// A caller is being offered.
    Offered,
    /// Talks to a customer.
    Talking,
    /// Writes down what the last call was about.
    WrapUp,
}

impl AgentState {
    const ALL: [Self; 6] =
        [Self::SignedOut, Self::Available, Self::Break, Self::Offered, Self::Talking, Self::WrapUp];

    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Available => "available",
            Self::Break => "break",
            Self::Offered => "offered",
            Self::Talking => "talking",
            Self::WrapUp => "wrap-up",
        }
    }
}

impl std::str::FromStr for AgentState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or(())
    }
}

/// An agent as colleagues see them.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Agent {
    /// Whose row it is.
    pub user: UserId,
    /// Their login.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Where they are.
    pub state: AgentState,
    /// Why they are there: of a break.
    pub reason: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Since when they have served nobody.
    pub idle_since: Timestamp,
    /// What they are good at, in the queues' words.
    pub skills: Vec<String>,
    /// The extension of their telephone.
    pub extension: Option<String>,
    /// When wrap-up ends by itself.
    pub until: Option<Timestamp>,
    /// Whose place in the line they are offered or talk to.
    pub waiting: Option<String>,
    /// Offers missed in a row.
    pub missed: u32,
    /// What they do after this call, if they said so.
    pub after_call: Option<AfterCall>,
}

/// Where an agent goes once the call that they are on is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AfterCall {
    /// [`AgentState::Break`] or [`AgentState::SignedOut`].
    pub state: AgentState,
    /// Of a break: what it is for.
    pub reason: Option<String>,
}

/// What of an agent an operator sets.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentProfile {
    /// What they are good at: words of the queues' `skills`.
    #[serde(default)]
    pub skills: Vec<String>,
    /// The extension of their telephone.
    #[serde(default)]
    pub extension: Option<String>,
}

const SELECT: &str = "SELECT a.user_id, u.login, u.name, a.state, a.reason, a.since, a.idle_since, a.skills, \
    a.extension, a.until, a.waiting_id, a.missed, a.after_state, a.after_reason FROM agent a JOIN \"user\" u ON u.id = a.user_id";

impl Agent {
    fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            user: row.parsed("user_id")?,
            login: row.text("login")?,
            name: row.text("name")?,
            state: row.parsed("state")?,
            reason: row.text_or_none("reason")?,
            since: row.time("since")?,
            idle_since: row.time("idle_since")?,
            skills: row.text("skills")?.split_whitespace().map(str::to_owned).collect(),
            extension: row.text_or_none("extension")?,
            until: row.time_or_none("until")?,
            waiting: row.text_or_none("waiting_id")?,
            missed: u32::try_from(row.int("missed")?).unwrap_or(0),
            after_call: match row.parsed_or_none("after_state")? {
                Some(state) => Some(AfterCall { state, reason: row.text_or_none("after_reason")? }),
                None => None,
            },
        })
    }
}

/// Who goes where.
struct Move {
    user: String,
    state: AgentState,
    reason: Option<String>,
    /// By themselves: not out of an offer or a conversation.
    themselves: bool,
}

impl Record {
    /// All agents whose account is not disabled, by name.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn agents(&self) -> Result<Vec<Agent>, RecordError> {
        let rows = sqlx::query(&format!("{SELECT} WHERE u.disabled_at IS NULL ORDER BY u.name, u.login"))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(Agent::from_row).collect()
    }

    /// One agent.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_agent(&self, user: UserId) -> Result<Option<Agent>, RecordError> {
        let row = sqlx::query(&format!("{SELECT} WHERE a.user_id = $1"))
            .bind(user.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(Agent::from_row).transpose()
    }

    /// Notes where an agent is: what the queues and calls find.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such agent.
    pub async fn set_agent_state(
        &self,
        user: UserId,
        state: AgentState,
        reason: Option<&str>,
    ) -> Result<(), RecordError> {
        self.move_agent(user, state, reason, false).await
    }

    /// An agent goes somewhere of their own accord: not while a caller is offered or talked to.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such agent, [`RecordError::Stale`] if they are being
    /// offered a caller or talk to one.
    pub async fn choose_agent_state(
        &self,
        user: UserId,
        state: AgentState,
        reason: Option<&str>,
    ) -> Result<(), RecordError> {
        self.move_agent(user, state, reason, true).await
    }

    async fn move_agent(
        &self,
        user: UserId,
        state: AgentState,
        reason: Option<&str>,
        themselves: bool,
    ) -> Result<(), RecordError> {
        let input = Move { user: user.to_string(), state, reason: reason.map(short), themselves };
        self.change(input, |connection, to, stamp| {
            Box::pin(async move {
                let row = sqlx::query("SELECT state, reason FROM agent WHERE user_id = $1")
                    .bind(&to.user)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or(RecordError::NotFound("agent"))?;
                let before: AgentState = row.parsed("state")?;
                if to.themselves && matches!(before, AgentState::Offered | AgentState::Talking) {
                    return Err(RecordError::Stale(format!("the agent is `{}` now", before.word())));
                }
                if before == to.state && row.text_or_none("reason")? == to.reason {
                    return Ok(());
                }
                // Idle is who was not at work, on a break or with a customer until now.
                sqlx::query(
                    "UPDATE agent SET state = $2, reason = $3, since = $4, \
                     idle_since = CASE WHEN $5 = 1 THEN $4 ELSE idle_since END WHERE user_id = $1",
                )
                .bind(&to.user)
                .bind(to.state.word())
                .bind(&to.reason)
                .bind(stamp.now)
                .bind(i64::from(to.state == AgentState::Available && before != AgentState::Offered))
                .execute(&mut *connection)
                .await?;
                let body = serde_json::json!({ "user": to.user, "state": to.state, "was": before,
                    "reason": to.reason });
                Entry { type_name: "agent.state", body, ..Entry::default() }.write(connection, &stamp).await
            })
        })
        .await
    }

    /// Sets what an agent is good at, and the extension of their telephone.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such agent, [`RecordError::Invalid`] if a skill is
    /// no single word.
    pub async fn set_agent_profile(&self, user: UserId, profile: AgentProfile) -> Result<(), RecordError> {
        if profile.skills.iter().any(|skill| skill.is_empty() || skill.contains(char::is_whitespace)) {
            return Err(RecordError::Invalid("skills: each is one word, as in the queues".into()));
        }
        let extension = profile.extension.as_deref().map(short).filter(|text| !text.is_empty());
        let input = (user.to_string(), profile.skills.join(" "), extension);
        self.change(input, |connection, input, stamp| {
            Box::pin(async move {
                let (user, skills, extension) = &*input;
                let done = sqlx::query("UPDATE agent SET skills = $2, extension = $3 WHERE user_id = $1")
                    .bind(user)
                    .bind(skills)
                    .bind(extension)
                    .execute(&mut *connection)
                    .await?;
                if done.rows_affected() == 0 {
                    return Err(RecordError::NotFound("agent"));
                }
                let body = serde_json::json!({ "user": user });
                Entry { type_name: "agent.changed", body, ..Entry::default() }.write(connection, &stamp).await
            })
        })
        .await
    }
}
