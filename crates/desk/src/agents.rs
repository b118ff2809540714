//! Where agents are.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_bus::{BusError, Choice, Command};
use hotline_model::UserId;
use hotline_record::{AgentProfile, AgentState, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Body;
use crate::sessions::AgentRow;

/// All agents, by name.
#[utoipa::path(
    get, path = "/api/v1/agents", tag = "people",
    responses((status = 200, body = Vec<AgentRow>), (status = 401, body = Problem))
)]
pub async fn list(State(desk): State<Desk>, _asker: Asker) -> Result<Json<Vec<AgentRow>>, ApiError> {
    Ok(Json(desk.record.agents().await?.into_iter().map(AgentRow::from).collect()))
}

/// Where an agent goes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewState {
    /// `signed-out`, `available` or `break`.
    #[schema(value_type = String)]
    state: AgentState,
    /// Of a break: what it is for.
    #[serde(default)]
    reason: Option<String>,
}

/// Says where one is. An agent who is being offered a caller or talks to one cannot leave so.
#[utoipa::path(
    put, path = "/api/v1/me/state", tag = "people", request_body = NewState,
    responses((status = 200, body = AgentRow), (status = 409, body = Problem), (status = 422, body = Problem))
)]
pub async fn set_state(
    State(desk): State<Desk>,
    asker: Asker,
    Body(to): Body<NewState>,
) -> Result<Json<AgentRow>, ApiError> {
    let user = asker.person()?;
    if !matches!(to.state, AgentState::SignedOut | AgentState::Available | AgentState::Break) {
        return Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "state: signed-out, available or break; the others come with a caller",
        ));
    }
    let choice = match to.state {
        AgentState::Available => {
            let agent = desk.record.find_agent(user).await?.ok_or_else(|| ApiError::not_found("agent"))?;
            Choice::Available(agent.skills)
        }
        AgentState::Break => Choice::Break(to.reason.clone().unwrap_or_default()),
        _ => Choice::SignedOut,
    };
    match desk.bus.ask(Command::Agent(user, choice)).await {
        // The queues have the agent; what they write is there in a moment.
        Ok(()) => {
            desk.record.flush(ROWS).await;
        }
        // Nobody offers callers here: the row alone says where the agent is.
        Err(BusError::Nobody) => {
            desk.record.choose_agent_state(user, to.state, to.reason.as_deref()).await.map_err(|error| {
                match ApiError::from(error) {
                    ApiError(StatusCode::PRECONDITION_FAILED, problem) => {
                        ApiError(StatusCode::CONFLICT, problem)
                    }
                    other => other,
                }
            })?;
        }
        Err(error) => return Err(of_bus(error)),
    }
    load(&desk, user).await
}

/// The queues' rows are written by then, or the answer shows what was before.
const ROWS: Duration = Duration::from_secs(1);

pub(crate) fn of_bus(error: BusError) -> ApiError {
    let (status, code) = match error {
        BusError::Unknown => (StatusCode::NOT_FOUND, "not-found"),
        BusError::Unfit => (StatusCode::CONFLICT, "conflict"),
        BusError::NoWay | BusError::NotListed => (StatusCode::UNPROCESSABLE_ENTITY, "no-way"),
        BusError::Nobody | BusError::Elsewhere | BusError::Late => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
    };
    ApiError::new(status, code, error.to_string())
}

/// Whether one's own telephone can ring.
#[derive(Serialize, ToSchema)]
pub struct TelephoneRow {
    /// Whether at least one is registered; `null`: this server does not know, because another one has the queues.
    registered: Option<bool>,
}

/// Whether one's own telephone can ring.
#[utoipa::path(
    get, path = "/api/v1/me/telephone", tag = "people",
    responses((status = 200, body = TelephoneRow), (status = 401, body = Problem), (status = 404, body = Problem))
)]
pub async fn telephone(State(desk): State<Desk>, asker: Asker) -> Result<Json<TelephoneRow>, ApiError> {
    let registered = match desk.bus.ask(Command::FindTelephone(asker.person()?)).await {
        Ok(()) => Some(true),
        Err(BusError::NoWay) => Some(false),
        Err(BusError::Nobody | BusError::Elsewhere | BusError::Late) => None,
        Err(error) => return Err(of_bus(error)),
    };
    Ok(Json(TelephoneRow { registered }))
}

/// What an agent is good at.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of `AgentProfile` for the API's document")]
pub struct ProfileBody {
    /// Words of the queues' `skills`.
    skills: Vec<String>,
    /// The extension of their telephone.
    extension: Option<String>,
}

/// Sets what an agent is good at, and the extension of their telephone. For supervisors and operators.
#[utoipa::path(
    put, path = "/api/v1/agents/{user}", tag = "people", params(("user" = String, Path)), request_body = ProfileBody,
    responses((status = 200, body = AgentRow), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn set_profile(
    State(desk): State<Desk>,
    asker: Asker,
    Path(user): Path<String>,
    Body(profile): Body<AgentProfile>,
) -> Result<Json<AgentRow>, ApiError> {
    asker.needs(&[Role::Supervisor, Role::Operator])?;
    let user: UserId = user.parse().map_err(|_| ApiError::not_found("agent"))?;
    desk.record.set_agent_profile(user, profile).await?;
    load(&desk, user).await
}

async fn load(desk: &Desk, user: UserId) -> Result<Json<AgentRow>, ApiError> {
    let agent = desk.record.find_agent(user).await?.ok_or_else(|| ApiError::not_found("agent"))?;
    Ok(Json(agent.into()))
}

/// An account, without its password.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct UserRow {
    id: String,
    login: String,
    name: String,
    roles: Vec<String>,
    languages: Vec<String>,
    disabled: bool,
    signed_in_at: Option<String>,
}

/// All accounts. For operators; they are made and changed on the machine itself, by `hotline user`.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "people",
    responses((status = 200, body = Vec<UserRow>), (status = 403, body = Problem))
)]
pub async fn users(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<UserRow>>, ApiError> {
    asker.needs(&[Role::Operator])?;
    let users = desk.record.users().await?;
    let row = |user: hotline_record::User| UserRow {
        id: user.id.to_string(),
        login: user.login,
        name: user.name,
        roles: user.roles.iter().map(|role| role.word().to_owned()).collect(),
        languages: user.languages.iter().map(ToString::to_string).collect(),
        disabled: user.disabled,
        signed_in_at: user.signed_in_at.map(|at| at.to_string()),
    };
    Ok(Json(users.into_iter().map(row).collect()))
}
