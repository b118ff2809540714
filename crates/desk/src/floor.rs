//! The floor: who waits, who is free, how the day goes; reasons, wrap-up, missed calls.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotline_model::{CallId, Language, Pii};
use hotline_record::{
    Agent, AgentDay, AgentState, Floor, MissedCall, QueueDay, Role, WaitingCaller, Wrapped,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Body;
use crate::reviews::Criterion;
use crate::views::address;
use crate::waits::Outlook;

/// A word of the firm's with what people call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// In kebab case, as it is stored.
    pub code: String,
    /// By language: `zh-CN`, `en-US`.
    #[schema(value_type = BTreeMap<String, String>)]
    pub name: BTreeMap<Language, String>,
}

/// A queue as people need to know it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueWords {
    /// Its name in the files.
    pub name: String,
    /// What people call it.
    pub title: BTreeMap<Language, String>,
    /// What an agent must be able to do to serve it.
    pub skills: Vec<String>,
    /// What its calls are about, if it has words of its own.
    pub reasons: Vec<Reason>,
}

/// What agents choose from, and when a day begins.
#[derive(Debug, Clone)]
pub struct House {
    /// The queues, as the files have them now.
    pub queues: tokio::sync::watch::Receiver<std::sync::Arc<[QueueWords]>>,
    /// What a call was about, in queues without words of their own.
    pub wrap_up_reasons: Vec<Reason>,
    /// What a break is for.
    pub break_reasons: Vec<Reason>,
    /// By what talks are reviewed.
    pub rubric: Vec<Criterion>,
    /// How many talks of each agent are drawn for that in seven days.
    pub reviews_each: u32,
    /// In which a day begins at midnight.
    pub zone: TimeZone,
}

impl Default for House {
    fn default() -> Self {
        let (_, queues) = tokio::sync::watch::channel(Vec::new().into());
        Self {
            queues,
            wrap_up_reasons: Vec::new(),
            break_reasons: Vec::new(),
            rubric: Vec::new(),
            reviews_each: 3,
            zone: TimeZone::UTC,
        }
    }
}

impl House {
    /// When today began.
    fn today(&self, now: Timestamp) -> Timestamp {
        now.to_zoned(self.zone.clone()).start_of_day().map_or(now, |at| at.timestamp())
    }
}

/// All queues and agents at one moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct FloorPage {
    /// The moment.
    at: String,
    /// What `today` counts from.
    today_since: String,
    queues: Vec<QueueRow>,
    agents: Vec<AgentToday>,
}

/// A queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueueRow {
    name: String,
    /// By language; empty for a queue that the files have no longer.
    #[schema(value_type = BTreeMap<String, String>)]
    title: BTreeMap<Language, String>,
    skills: Vec<String>,
    /// In the order in which they are served; those an agent's telephone rings for or who talk stand there too.
    callers: Vec<CallerRow>,
    /// How many wait, those whose offer rings included.
    waiting: usize,
    /// The longest of those waits, in seconds.
    longest_wait_s: Option<i64>,
    agents_free: usize,
    /// Agents who could serve it and are at work, on a break or not.
    agents_at_work: usize,
    /// How long a call takes, talk and wrap-up, in seconds: a moving average.
    handling_s: Option<u64>,
    /// How long a caller who comes in now will wait, in seconds, as it is told to callers: in whole minutes and never
    /// shorter than it is. Absent while no agent takes calls, and before three calls were measured.
    expected_wait_s: Option<u64>,
    today: QueueToday,
}

/// How a queue did today. Each caller counts once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct QueueToday {
    /// Callers who came into the queue.
    offered: u64,
    /// Who talked with an agent.
    answered: u64,
    /// Who hung up or went another way before.
    gave_up: u64,
    /// For whom no agent came in the longest time one may wait.
    nobody: u64,
    /// Who came while it was closed.
    closed: u64,
    /// In seconds, of those who wait now too.
    longest_wait_s: u64,
    /// In seconds, of those who were answered.
    average_wait_s: Option<u64>,
}

/// A caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CallerRow {
    id: String,
    call: String,
    /// `waiting`, `offered` (an agent's telephone rings), `talking` or `kept` (the connection was lost).
    state: String,
    /// From 1; absent once it rings.
    place: Option<u32>,
    priority: i64,
    skills: Vec<String>,
    joined_at: String,
    since: String,
    /// So far, in seconds.
    wait_s: i64,
    /// The place that the caller was told last.
    told_place: Option<u32>,
    /// The minutes that the caller was told last.
    told_minutes: Option<u32>,
    /// Why they called, in the plan's word.
    reason: Option<String>,
    customer: Option<String>,
    /// Masked unless one may see numbers; absent if it is withheld.
    number: Option<String>,
    /// The user whose telephone rings, or who talks.
    agent: Option<String>,
}

/// An agent and their day.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AgentToday {
    user: String,
    login: String,
    name: String,
    state: String,
    reason: Option<String>,
    since: String,
    skills: Vec<String>,
    /// Calls that were offered today.
    offered: u64,
    /// Of those answered.
    answered: u64,
    /// Timed out, declined, busy or failed.
    missed: u64,
}

impl From<QueueDay> for QueueToday {
    fn from(day: QueueDay) -> Self {
        Self {
            offered: day.came,
            answered: day.answered,
            gave_up: day.gave_up,
            nobody: day.nobody,
            closed: day.closed,
            longest_wait_s: day.longest_wait.as_secs(),
            average_wait_s: day.average_wait.map(|wait| wait.as_secs()),
        }
    }
}

impl CallerRow {
    fn new(caller: WaitingCaller, shown: bool, now: Timestamp) -> Self {
        let number = caller.identity.map(|(_, value)| address(value, shown));
        // Who talks waits no longer.
        let until = if caller.state == "talking" { caller.since } else { now };
        Self {
            id: caller.id,
            call: caller.call,
            state: caller.state,
            place: caller.place,
            priority: caller.priority,
            skills: caller.skills,
            joined_at: caller.joined_at.to_string(),
            since: caller.since.to_string(),
            wait_s: until.duration_since(caller.joined_at).as_secs().max(0),
            told_place: caller.told.map(|(place, _)| place),
            told_minutes: caller.told.and_then(|(_, minutes)| minutes),
            reason: caller.reason,
            customer: caller.customer.map(|id| id.to_string()),
            number,
            agent: caller.agent.map(|id| id.to_string()),
        }
    }

    fn waits(&self) -> bool {
        self.state == "waiting" || self.state == "offered"
    }
}

/// All queues: who waits at which place and for how long, who is free, how today went; and agents with their
/// missed calls.
#[utoipa::path(
    get, path = "/api/v1/queues", tag = "floor",
    responses((status = 200, body = FloorPage), (status = 403, body = Problem))
)]
pub async fn queues(State(desk): State<Desk>, asker: Asker) -> Result<Json<FloorPage>, ApiError> {
    asker.needs(&[Role::Agent, Role::Supervisor, Role::Operator])?;
    let now = desk.record.now();
    let today = desk.house.today(now);
    let (floor, agents) = (desk.record.floor(today).await?, desk.record.agents().await?);
    let seen: BTreeSet<_> = floor.callers.iter().filter_map(|caller| caller.customer).collect();
    desk.record.log_accesses_hourly(&asker.name, seen, "queues").await?;
    let words = desk.house.queues.borrow().clone();
    Ok(Json(page(floor, agents, &words, asker.sees_numbers, (now, today))))
}

fn page(
    mut floor: Floor,
    agents: Vec<Agent>,
    words: &[QueueWords],
    shown: bool,
    (now, today): (Timestamp, Timestamp),
) -> FloorPage {
    let outlook = Outlook::new(&floor, &agents, words);
    let mut callers: BTreeMap<String, Vec<CallerRow>> = BTreeMap::new();
    for caller in floor.callers {
        callers.entry(caller.queue.clone()).or_default().push(CallerRow::new(caller, shown, now));
    }
    let mut all: Vec<QueueWords> = words.to_vec();
    // A queue that the files have no longer may still have callers, and had a day.
    for name in callers.keys().chain(floor.queues.keys()).cloned().collect::<BTreeSet<_>>() {
        if !all.iter().any(|known| known.name == name) {
            all.push(QueueWords { name, ..QueueWords::default() });
        }
    }
    let queues = all
        .into_iter()
        .map(|words| {
            let serves = |agent: &&Agent| words.skills.iter().all(|skill| agent.skills.contains(skill));
            let of_it = || agents.iter().filter(serves);
            let free = of_it().filter(|agent| agent.state == AgentState::Available).count();
            let at_work = of_it().filter(|agent| agent.state != AgentState::SignedOut).count();
            let callers = callers.remove(&words.name).unwrap_or_default();
            QueueRow {
                waiting: callers.iter().filter(|caller| caller.waits()).count(),
                longest_wait_s: callers.iter().filter(|one| one.waits()).map(|one| one.wait_s).max(),
                agents_free: free,
                agents_at_work: at_work,
                handling_s: floor.handling.get(&words.name).map(|calls| calls.average.as_secs()),
                expected_wait_s: outlook.wait(&words).map(|wait| wait.as_secs()),
                today: floor.queues.remove(&words.name).unwrap_or_default().into(),
                name: words.name,
                title: words.title,
                skills: words.skills,
                callers,
            }
        })
        .collect();
    let agents = agents.into_iter().map(|agent| agent_today(agent, &floor.agents)).collect();
    FloorPage { at: now.to_string(), today_since: today.to_string(), queues, agents }
}

fn agent_today(agent: Agent, days: &BTreeMap<String, AgentDay>) -> AgentToday {
    let user = agent.user.to_string();
    let day = days.get(&user).cloned().unwrap_or_default();
    AgentToday {
        user,
        login: agent.login,
        name: agent.name,
        state: agent.state.word().to_owned(),
        reason: agent.reason,
        since: agent.since.to_string(),
        skills: agent.skills,
        offered: day.offered,
        answered: day.answered,
        missed: day.missed,
    }
}

/// What agents choose from.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReasonsPage {
    /// What a call was about, where its queue has no words of its own.
    wrap_up: Vec<Reason>,
    /// By queue, of those that have.
    by_queue: BTreeMap<String, Vec<Reason>>,
    /// What a break is for.
    breaks: Vec<Reason>,
}

/// What agents choose from: reasons of calls and of breaks.
#[utoipa::path(
    get, path = "/api/v1/reasons", tag = "floor",
    responses((status = 200, body = ReasonsPage), (status = 401, body = Problem))
)]
pub async fn reasons(State(desk): State<Desk>, _asker: Asker) -> Json<ReasonsPage> {
    let queues = desk.house.queues.borrow().clone();
    let own = queues.iter().filter(|queue| !queue.reasons.is_empty());
    Json(ReasonsPage {
        wrap_up: desk.house.wrap_up_reasons.clone(),
        by_queue: own.map(|queue| (queue.name.clone(), queue.reasons.clone())).collect(),
        breaks: desk.house.break_reasons.clone(),
    })
}

/// What an agent writes down about a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WrapUpBody {
    /// A code of `GET /api/v1/reasons`.
    reason: String,
    /// More words: 4,000 characters at most.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Option<Pii<String>>,
    /// Whether this replaces what the same person wrote about the call before.
    #[serde(default)]
    amend: bool,
}

/// What somebody wrote about a call before.
#[derive(Serialize, ToSchema)]
pub struct WrittenBefore {
    reason: String,
    note: Option<String>,
    at: String,
}

/// Writes down what a call was about. For the agent who talked in it, and for supervisors. Who wrote something else
/// about it before is told what (409 with `now`), and says `"amend": true` to replace it; the journal tells both
/// reasons.
#[utoipa::path(
    put, path = "/api/v1/calls/{id}/wrap-up", tag = "calls", params(("id" = String, Path)),
    request_body = WrapUpBody,
    responses(
        (status = 204), (status = 404, body = Problem), (status = 422, body = Problem),
        (status = 409, description = "One wrote something else about it before: `now` is that", body = Problem),
    )
)]
pub async fn wrap_up(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<WrapUpBody>,
) -> Result<StatusCode, ApiError> {
    let user = asker.person()?;
    let call: CallId = id.parse().map_err(|_| ApiError::not_found("call"))?;
    if !asker.has(&[Role::Supervisor]) && !desk.record.served(call, user).await? {
        return Err(ApiError::not_found("call of yours"));
    }
    let queues = desk.house.queues.borrow().clone();
    let of_queues = queues.iter().flat_map(|queue| &queue.reasons);
    let known: BTreeSet<&str> =
        of_queues.chain(&desk.house.wrap_up_reasons).map(|reason| reason.code.as_str()).collect();
    if !known.is_empty() && !known.contains(body.reason.as_str()) {
        let known: Vec<&str> = known.into_iter().collect();
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            format!("reason: one of {} is expected", known.join(", ")),
        ));
    }
    match desk.record.wrap_up(call, &body.reason, body.note, &asker.name, body.amend).await? {
        Wrapped::Stored => Ok(StatusCode::NO_CONTENT),
        Wrapped::Before(before) => Err(ApiError::new(
            StatusCode::CONFLICT,
            "wrapped-up",
            "you wrote something else about this call before: send `\"amend\": true` to replace it",
        )
        .with_now(&WrittenBefore {
            reason: before.reason,
            note: before.note.map(Pii::into_exposed),
            at: before.at.to_string(),
        })),
    }
}

/// Why a customer is not content.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DissatisfactionBody {
    /// `too-slow`, `not-solved`, `money`, `manner` or `something-else`.
    reason: String,
    /// More words: 4,000 characters at most.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Option<Pii<String>>,
}

/// Writes down why a customer who said in a survey that they are not content is not, as the human found who dealt with it.
/// For the agent who talked in that call, for whose the follow-up of it is, and for supervisors. What was written before is
/// replaced; the journal tells both reasons. What the customer answered stays as it is.
#[utoipa::path(
    put, path = "/api/v1/calls/{id}/dissatisfaction", tag = "calls", params(("id" = String, Path)),
    request_body = DissatisfactionBody,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn explain(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<DissatisfactionBody>,
) -> Result<StatusCode, ApiError> {
    let user = asker.person()?;
    let call: CallId = id.parse().map_err(|_| ApiError::not_found("call"))?;
    let may = asker.has(&[Role::Supervisor])
        || desk.record.served(call, user).await?
        || desk.record.follows_up(call, &asker.name).await?;
    if !may {
        return Err(ApiError::not_found("call of yours"));
    }
    desk.record.explain_dissatisfaction(call, &body.reason, body.note, &asker.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A call that one talked in and has written nothing about.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ToWrapUpRow {
    call: String,
    customer: Option<String>,
    name: Option<String>,
    queue: String,
    /// How long one talked, in seconds, if nobody took the caller over.
    talked_s: Option<u64>,
}

/// The call that one talked in last by way of a queue, if it is over and one has written nothing about it.
#[utoipa::path(
    get, path = "/api/v1/me/wrap-up", tag = "floor",
    responses(
        (status = 200, body = ToWrapUpRow), (status = 204, description = "There is none"),
        (status = 403, body = Problem),
    )
)]
pub async fn to_wrap_up(State(desk): State<Desk>, asker: Asker) -> Result<Response, ApiError> {
    let Some(found) = desk.record.to_wrap_up(asker.person()?, &asker.name).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let customers: Vec<String> = found.customer.iter().cloned().collect();
    let seen: BTreeSet<_> = customers.iter().filter_map(|id| id.parse().ok()).collect();
    desk.record.log_accesses_hourly(&asker.name, seen, "wrap-up").await?;
    let mut names = desk.record.names_of(&customers).await?;
    let name = found.customer.as_ref().and_then(|id| names.remove(id)).map(Pii::into_exposed);
    let (call, customer, queue) = (found.call, found.customer, found.queue);
    let talked_s = found.talked.map(|talked| talked.as_secs());
    Ok(Json(ToWrapUpRow { call, customer, name, queue, talked_s }).into_response())
}

/// A call that one was offered and did not take.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MissedRow {
    id: String,
    at: String,
    /// `timed-out`, `declined`, `busy` or `failed`.
    outcome: String,
    queue: String,
    call: String,
    customer: Option<String>,
    name: Option<String>,
    /// How the caller fared: `served` (by somebody else), `left`, `nobody`, `waiting`, …
    caller: String,
}

/// Calls that one was offered and did not take, the newest first.
#[utoipa::path(
    get, path = "/api/v1/me/missed", tag = "floor",
    responses((status = 200, body = Vec<MissedRow>), (status = 403, body = Problem))
)]
pub async fn missed(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<MissedRow>>, ApiError> {
    let calls = desk.record.missed_calls(asker.person()?, 50).await?;
    let customers: BTreeSet<_> = calls.iter().filter_map(|call| call.customer).collect();
    desk.record.log_accesses_hourly(&asker.name, customers.clone(), "missed").await?;
    let ids: Vec<String> = customers.iter().map(ToString::to_string).collect();
    let names = desk.record.names_of(&ids).await?;
    let row = |call: MissedCall| {
        let customer = call.customer.map(|id| id.to_string());
        MissedRow {
            id: call.id,
            at: call.at.to_string(),
            outcome: call.outcome,
            queue: call.queue,
            call: call.call,
            name: customer.as_ref().and_then(|id| names.get(id).cloned()).map(Pii::into_exposed),
            customer,
            caller: call.caller,
        }
    };
    Ok(Json(calls.into_iter().map(row).collect()))
}
