//! The queues' rows: who waits, who is asked, what agents do, so that a restart keeps every place.

use hotline_model::{AgentId, CallId, CustomerId, IdentityId, Language, PhoneNumber, TicketId};
use hotline_queue::{
    AfterCall, AgentRow, AgentState, CallBackRow, HandlingRow, OfferRow, Restored, Row, WaitingRow,
    WaitingState,
};
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::deed::{Deed, EventRow, insert_events};
use crate::serving::WHO_KNOWS;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// What the record keeps of queues and agents.
#[derive(Debug, Default)]
pub struct StoredQueues {
    /// The rows.
    pub rows: Restored,
    /// Logins of all agents whose account is not disabled.
    pub logins: HashMap<AgentId, String>,
}

/// What is known of a caller who comes into a line.
#[derive(Debug, Clone, Default)]
pub struct QueueFacts {
    /// The identity of their number.
    pub identity: Option<IdentityId>,
    /// Whose number it is, if it is one customer's.
    pub customer: Option<CustomerId>,
    /// The agent who talked with them last about this ticket, else whose it is, else who talked with them last at all.
    pub last_agent: Option<AgentId>,
}

/// What a call back is about.
#[derive(Debug, Clone, Default)]
pub struct CallBackFacts {
    /// Who is called.
    pub customer: Option<CustomerId>,
    /// What they called about.
    pub ticket: Option<TicketId>,
    /// The language they were spoken to in.
    pub language: Option<Language>,
    /// They are in another call with us at this moment.
    pub on_the_line: bool,
}

/// A row as the tables take it; run twice, or late, it leaves what it leaves once.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum QueueRow {
    Waiting(Box<Waiting>),
    Agent(Box<Agent>),
    Offer { id: String, waiting: String, agent: String, at: i64, outcome: Option<String>, ended: Option<i64> },
    Handling { queue: String, average_ms: i64, calls: i64 },
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Waiting {
    id: String,
    call: String,
    queue: String,
    priority: i64,
    skills: String,
    last_agent: Option<String>,
    joined: i64,
    state: String,
    since: i64,
    agent: Option<String>,
    customer: Option<String>,
    identity: Option<String>,
    kept_until: Option<i64>,
    #[serde(default)]
    call_back: Option<CallBack>,
}

/// Where and how somebody is called back.
#[derive(Clone, Serialize, Deserialize)]
struct CallBack {
    to: String,
    tries: i64,
    not_before: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Agent {
    id: String,
    state: String,
    reason: Option<String>,
    since: i64,
    idle_since: i64,
    missed: i64,
    until: Option<i64>,
    offer: Option<String>,
    waiting: Option<String>,
    after: Option<(String, Option<String>)>,
}

fn words(skills: &hotline_queue::Skills) -> String {
    skills.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(" ")
}

impl From<&Row> for QueueRow {
    fn from(row: &Row) -> Self {
        match row {
            Row::Waiting(row) => Self::Waiting(Box::new(Waiting {
                id: row.waiting.to_string(),
                call: row.call.to_string(),
                queue: row.queue.to_string(),
                priority: row.priority.into(),
                skills: words(&row.skills),
                last_agent: row.last_agent.map(|id| id.to_string()),
                joined: row.joined_at.as_microsecond(),
                state: row.state.word().into(),
                since: row.since.as_microsecond(),
                agent: row.agent.map(|id| id.to_string()),
                customer: row.customer.map(|id| id.to_string()),
                identity: row.identity.map(|id| id.to_string()),
                kept_until: row.kept_until.map(|at| at.as_microsecond()),
                call_back: row.call_back.as_ref().map(|call_back| CallBack {
                    to: call_back.number.e164().to_owned(),
                    tries: call_back.tries.into(),
                    not_before: call_back.not_before.map(|at| at.as_microsecond()),
                }),
            })),
            Row::Agent(row) => {
                let (mut until, mut offer, mut waiting) = (None, None, None);
                match &row.state {
                    AgentState::Offered { offer: asked, waiting: whose } => {
                        (offer, waiting) = (Some(asked.to_string()), Some(whose.to_string()));
                    }
                    AgentState::Talking { waiting: whose } => waiting = whose.map(|id| id.to_string()),
                    AgentState::WrapUp { until: at } => until = Some(at.as_microsecond()),
                    _ => {}
                }
                Self::Agent(Box::new(Agent {
                    id: row.agent.to_string(),
                    state: row.state.word().into(),
                    reason: row.state.reason().map(str::to_owned),
                    since: row.since.as_microsecond(),
                    idle_since: row.idle_since.as_microsecond(),
                    missed: row.missed.into(),
                    until,
                    offer,
                    waiting,
                    after: row.after_call.as_ref().map(|after| match after {
                        AfterCall::Break { reason } => ("break".into(), Some(reason.clone())),
                        AfterCall::SignOut => ("signed-out".into(), None),
                    }),
                }))
            }
            Row::Offer(row) => Self::Offer {
                id: row.offer.to_string(),
                waiting: row.waiting.to_string(),
                agent: row.agent.to_string(),
                at: row.at.as_microsecond(),
                outcome: row.outcome.map(|(outcome, _)| outcome.word().into()),
                ended: row.outcome.map(|(_, at)| at.as_microsecond()),
            },
            Row::Handling(row) => Self::Handling {
                queue: row.queue.to_string(),
                average_ms: i64::try_from(row.average.as_millis()).unwrap_or(i64::MAX),
                calls: i64::try_from(row.calls).unwrap_or(i64::MAX),
            },
        }
    }
}

impl QueueRow {
    pub async fn store(&self, connection: &mut AnyConnection, now: i64) -> Result<(), RecordError> {
        match self {
            Self::Waiting(row) => row.store(connection).await?,
            Self::Agent(row) => row.store(connection).await?,
            Self::Offer { id, waiting, agent, at, outcome, ended } => {
                sqlx::query(
                    "INSERT INTO offer (id, waiting_id, agent_id, at, outcome, ended_at) VALUES ($1, $2, $3, $4, $5, $6) \
                     ON CONFLICT (id) DO UPDATE SET outcome = excluded.outcome, ended_at = excluded.ended_at",
                )
                .bind(id)
                .bind(waiting)
                .bind(agent)
                .bind(at)
                .bind(outcome)
                .bind(ended)
                .execute(&mut *connection)
                .await?;
            }
            Self::Handling { queue, average_ms, calls } => {
                sqlx::query(
                    "INSERT INTO handling (queue, average_ms, calls) VALUES ($1, $2, $3) ON CONFLICT (queue) \
                     DO UPDATE SET average_ms = excluded.average_ms, calls = excluded.calls",
                )
                .bind(queue)
                .bind(average_ms)
                .bind(calls)
                .execute(&mut *connection)
                .await?;
            }
        }
        if let Some(event) = self.event() {
            insert_events(connection, &[&event], now).await?;
        }
        Ok(())
    }

    /// What the journal says of it.
    fn event(&self) -> Option<EventRow> {
        let (type_name, id, at, customer, call, body) = match self {
            Self::Waiting(row) => (
                format!("queue.{}", row.state),
                format!("{}:{}:{}", row.id, row.state, row.since),
                row.since,
                row.customer.clone(),
                Some(row.call.clone()),
                serde_json::json!({ "waiting": row.id, "queue": row.queue, "priority": row.priority,
                    "joined-at": row.joined, "agent": row.agent }),
            ),
            Self::Agent(row) => (
                "agent.state".to_owned(),
                format!("{}:{}:{}", row.id, row.state, row.since),
                row.since,
                None,
                None,
                serde_json::json!({ "user": row.id, "state": row.state, "reason": row.reason,
                    "waiting": row.waiting, "offer": row.offer, "until": row.until }),
            ),
            Self::Offer { id, waiting, agent, at, outcome, ended } => (
                "queue.offer".to_owned(),
                format!("{id}:{}", outcome.as_deref().unwrap_or("rings")),
                ended.unwrap_or(*at),
                None,
                None,
                serde_json::json!({ "offer": id, "waiting": waiting, "user": agent, "outcome": outcome }),
            ),
            Self::Handling { .. } => return None,
        };
        Some(EventRow {
            source: "queue".into(),
            source_event_id: id,
            type_name: type_name.into(),
            customer_id: customer,
            interaction_id: call,
            ticket_id: None,
            occurred_at: at,
            body: body.to_string(),
        })
    }
}

impl Waiting {
    async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        sqlx::query(
            "INSERT INTO waiting (id, interaction_id, queue, priority, skills, last_agent, joined_at, state, since, \
             agent_id, customer_id, identity_id, kept_until, call_back_to, call_back_tries, call_back_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO UPDATE SET \
             state = excluded.state, since = excluded.since, agent_id = excluded.agent_id, \
             joined_at = excluded.joined_at, kept_until = excluded.kept_until, \
             call_back_to = excluded.call_back_to, call_back_tries = excluded.call_back_tries, \
             call_back_at = excluded.call_back_at",
        )
        .bind(&self.id)
        .bind(&self.call)
        .bind(&self.queue)
        .bind(self.priority)
        .bind(&self.skills)
        .bind(&self.last_agent)
        .bind(self.joined)
        .bind(&self.state)
        .bind(self.since)
        .bind(&self.agent)
        .bind(&self.customer)
        .bind(&self.identity)
        .bind(self.kept_until)
        .bind(self.call_back.as_ref().map(|call_back| &call_back.to))
        .bind(self.call_back.as_ref().map(|call_back| call_back.tries))
        .bind(self.call_back.as_ref().and_then(|call_back| call_back.not_before))
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Agent {
    async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        let (after, why) = self.after.clone().unzip();
        sqlx::query(
            "UPDATE agent SET state = $2, reason = $3, since = $4, idle_since = $5, missed = $6, until = $7, \
             offer_id = $8, waiting_id = $9, after_state = $10, after_reason = $11 WHERE user_id = $1",
        )
        .bind(&self.id)
        .bind(&self.state)
        .bind(&self.reason)
        .bind(self.since)
        .bind(self.idle_since)
        .bind(self.missed)
        .bind(self.until)
        .bind(&self.offer)
        .bind(&self.waiting)
        .bind(after)
        .bind(why.flatten())
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Hashes of a telephone's password, by the names of their algorithms.
#[derive(Clone)]
pub struct Telephone {
    /// By which it registers: the agent's login.
    pub login: String,
    /// For MD5.
    pub md5: String,
    /// For SHA-256.
    pub sha256: String,
}

impl Record {
    /// Keeps the queues' rows, in order, sooner or later.
    pub fn store_queue_rows(&self, rows: &[Row]) {
        self.writer.keep(Deed::Queue(rows.iter().map(QueueRow::from).collect()));
    }

    /// What was kept of the queues.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn load_queues(&self) -> Result<StoredQueues, RecordError> {
        let mut stored = StoredQueues::default();
        let sql = "SELECT * FROM waiting WHERE state IN \
                   ('waiting', 'offered', 'talking', 'kept', 'call-back', 'calling') ORDER BY joined_at";
        for row in sqlx::query(sql).fetch_all(&self.readers).await? {
            stored.rows.waiting.push(waiting_of(&row)?);
        }
        let sql = "SELECT a.*, u.login FROM agent a JOIN \"user\" u ON u.id = a.user_id WHERE u.disabled_at IS NULL";
        for row in sqlx::query(sql).fetch_all(&self.readers).await? {
            let agent = agent_of(&row)?;
            stored.logins.insert(agent.agent, row.text("login")?);
            stored.rows.agents.push(agent);
        }
        for row in sqlx::query("SELECT * FROM offer WHERE outcome IS NULL").fetch_all(&self.readers).await? {
            stored.rows.offers.push(OfferRow {
                offer: row.parsed("id")?,
                waiting: row.parsed("waiting_id")?,
                agent: row.parsed("agent_id")?,
                at: row.time("at")?,
                outcome: None,
            });
        }
        for row in sqlx::query("SELECT * FROM handling").fetch_all(&self.readers).await? {
            stored.rows.handling.push(HandlingRow {
                queue: Arc::from(row.text("queue")?),
                average: Duration::from_millis(row.int("average_ms")?.unsigned_abs()),
                calls: row.int("calls")?.unsigned_abs(),
            });
        }
        Ok(stored)
    }

    /// What is known of a caller who comes into a line.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn queue_facts(
        &self,
        customer: Option<CustomerId>,
        ticket: Option<TicketId>,
        phone: Option<PhoneNumber>,
        last_agent: bool,
    ) -> Result<QueueFacts, RecordError> {
        let mut facts = QueueFacts { customer, ..QueueFacts::default() };
        if let Some(phone) = phone {
            let sql = "SELECT id FROM identity WHERE kind = 'phone' AND namespace = '' AND value = $1";
            let row = sqlx::query(sql).bind(phone.e164()).fetch_optional(&self.readers).await?;
            facts.identity = row.map(|row| row.parsed("id")).transpose()?;
        }
        if last_agent {
            let row = sqlx::query(WHO_KNOWS)
                .bind(customer.map(|id| id.to_string()))
                .bind(ticket.map(|id| id.to_string()))
                .fetch_optional(&self.readers)
                .await?;
            facts.last_agent = row.map(|row| row.parsed("agent_id")).transpose()?;
        }
        Ok(facts)
    }

    /// What a call back is about: what is known of the call in which it was asked for; `None` if its customer was
    /// erased.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn call_back_facts(&self, call: CallId) -> Result<Option<CallBackFacts>, RecordError> {
        let sql = "SELECT customer_id, ticket_id, language, (SELECT COUNT(*) FROM interaction o \
                   WHERE (o.customer_id = i.customer_id OR o.identity_id = i.identity_id) \
                   AND o.ended_at IS NULL AND o.id <> i.id) AS others \
                   FROM interaction i WHERE id = $1 AND erased = 0";
        let row = sqlx::query(sql).bind(call.to_string()).fetch_optional(&self.readers).await?;
        row.map(|row| {
            Ok(CallBackFacts {
                on_the_line: row.int("others")? > 0,
                customer: row.parsed_or_none("customer_id")?,
                ticket: row.parsed_or_none("ticket_id")?,
                language: row.text_or_none("language")?.and_then(|tag| tag.parse().ok()),
            })
        })
        .transpose()
    }

    /// Whose telephones may register.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn telephones(&self) -> Result<Vec<Telephone>, RecordError> {
        let sql = "SELECT u.login, t.md5, t.sha256 FROM telephone t JOIN \"user\" u ON u.id = t.user_id \
                   WHERE u.disabled_at IS NULL";
        let rows = sqlx::query(sql).fetch_all(&self.readers).await?;
        let read = |row: &AnyRow| {
            Ok(Telephone { login: row.text("login")?, md5: row.text("md5")?, sha256: row.text("sha256")? })
        };
        rows.iter().map(read).collect()
    }

    /// Sets what an agent's telephones prove themselves by.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if nobody has this login.
    pub async fn set_telephone(&self, realm: &str, telephone: Telephone) -> Result<(), RecordError> {
        self.change((realm.to_owned(), telephone), |connection, input, _| {
            Box::pin(async move {
                let (realm, telephone) = &*input;
                let row = sqlx::query("SELECT id FROM \"user\" WHERE login = $1")
                    .bind(&telephone.login)
                    .fetch_optional(&mut *connection)
                    .await?
                    .ok_or(RecordError::NotFound("user"))?;
                sqlx::query(
                    "INSERT INTO telephone (user_id, realm, md5, sha256) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) \
                     DO UPDATE SET realm = excluded.realm, md5 = excluded.md5, sha256 = excluded.sha256",
                )
                .bind(row.text("id")?)
                .bind(realm)
                .bind(&telephone.md5)
                .bind(&telephone.sha256)
                .execute(&mut *connection)
                .await?;
                Ok(())
            })
        })
        .await
    }
}

fn skills_of(row: &AnyRow) -> Result<hotline_queue::Skills, RecordError> {
    Ok(hotline_queue::skills(row.text("skills")?.split_whitespace()))
}

fn waiting_of(row: &AnyRow) -> Result<WaitingRow, RecordError> {
    let state = row.text("state")?;
    let state = WaitingState::ALL.into_iter().find(|one| one.word() == state);
    let call_back = row.text_or_none("call_back_to")?.map(|number| {
        Ok::<_, RecordError>(CallBackRow {
            number: PhoneNumber::parse(&number)
                .map_err(|_| RecordError::Corrupt("column call_back_to".into()))?,
            tries: row.int_or_none("call_back_tries")?.and_then(|tries| tries.try_into().ok()).unwrap_or(0),
            not_before: row.time_or_none("call_back_at")?,
        })
    });
    Ok(WaitingRow {
        waiting: row.parsed("id")?,
        call: row.parsed("interaction_id")?,
        queue: Arc::from(row.text("queue")?),
        priority: u8::try_from(row.int("priority")?).unwrap_or(9),
        skills: skills_of(row)?,
        last_agent: row.parsed_or_none("last_agent")?,
        joined_at: row.time("joined_at")?,
        state: state.ok_or_else(|| RecordError::Corrupt("column state".into()))?,
        since: row.time("since")?,
        agent: row.parsed_or_none("agent_id")?,
        customer: row.parsed_or_none("customer_id")?,
        identity: row.parsed_or_none("identity_id")?,
        kept_until: row.time_or_none("kept_until")?,
        call_back: call_back.transpose()?,
    })
}

fn agent_of(row: &AnyRow) -> Result<AgentRow, RecordError> {
    let corrupt = || RecordError::Corrupt("an agent's state".into());
    let reason = || Ok::<_, RecordError>(row.text_or_none("reason")?.unwrap_or_default());
    let state = match row.text("state")?.as_str() {
        "signed-out" => AgentState::SignedOut,
        "available" => AgentState::Available,
        "break" => AgentState::Break { reason: reason()? },
        "offered" => match (row.parsed_or_none("offer_id")?, row.parsed_or_none("waiting_id")?) {
            (Some(offer), Some(waiting)) => AgentState::Offered { offer, waiting },
            _ => AgentState::Available,
        },
        "talking" => AgentState::Talking { waiting: row.parsed_or_none("waiting_id")? },
        "wrap-up" => match row.time_or_none("until")? {
            Some(until) => AgentState::WrapUp { until },
            None => AgentState::Available,
        },
        _ => return Err(corrupt()),
    };
    let after = row.text_or_none("after_state")?;
    Ok(AgentRow {
        agent: row.parsed("user_id")?,
        state,
        since: row.time("since")?,
        idle_since: row.time("idle_since")?,
        skills: skills_of(row)?,
        missed: u32::try_from(row.int("missed")?).unwrap_or(0),
        after_call: match after.as_deref() {
            Some("break") => {
                Some(AfterCall::Break { reason: row.text_or_none("after_reason")?.unwrap_or_default() })
            }
            Some(_) => Some(AfterCall::SignOut),
            None => None,
        },
    })
}
