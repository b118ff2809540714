//! Signing in and out, and who one is.

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::Pii;
use hotline_record::{AfterCall, Agent, OpenSession, SignIn};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::{Asker, SESSION_COOKIE, Session};
use crate::error::{ApiError, Problem};
use crate::extract::Body;

/// What is typed to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    login: String,
    #[schema(value_type = String)]
    password: Pii<String>,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Me {
    id: String,
    login: String,
    name: String,
    /// `agent`, `supervisor`, `designer`, `operator`.
    roles: Vec<String>,
    languages: Vec<String>,
    /// Whether telephone numbers are shown whole.
    sees_numbers: bool,
    /// Sent back as the header `X-CSRF-Token` with everything that changes something.
    csrf_token: String,
    /// When the session ends by itself.
    expires_at: String,
    /// Where they are, if they are an agent.
    agent: Option<AgentRow>,
}

/// Where an agent is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AgentRow {
    user: String,
    login: String,
    name: String,
    /// `signed-out`, `available`, `break`, `offered`, `talking` or `wrap-up`.
    state: String,
    reason: Option<String>,
    since: String,
    idle_since: String,
    skills: Vec<String>,
    extension: Option<String>,
    /// When wrap-up ends by itself.
    until: Option<String>,
    /// The place in the line of whom they are offered or talk to.
    waiting: Option<String>,
    /// Offers missed in a row.
    missed: u32,
    /// Where they go after this call, if they said so: `break` or `signed-out`.
    #[schema(value_type = Option<Object>)]
    after_call: Option<AfterCall>,
}

impl From<Agent> for AgentRow {
    fn from(agent: Agent) -> Self {
        Self {
            user: agent.user.to_string(),
            login: agent.login,
            name: agent.name,
            state: agent.state.word().to_owned(),
            reason: agent.reason,
            since: agent.since.to_string(),
            idle_since: agent.idle_since.to_string(),
            skills: agent.skills,
            extension: agent.extension,
            until: agent.until.map(|at| at.to_string()),
            waiting: agent.waiting,
            missed: agent.missed,
            after_call: agent.after_call,
        }
    }
}

/// Signs in: gives a cookie that scripts cannot read, and who one is.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "people", request_body = Credentials,
    responses(
        (status = 200, body = Me), (status = 401, description = "Wrong, or no such account", body = Problem),
        (status = 429, description = "Too many were wrong; Retry-After tells when", body = Problem),
    )
)]
pub async fn sign_in(
    State(desk): State<Desk>,
    headers: HeaderMap,
    Body(given): Body<Credentials>,
) -> Result<Response, ApiError> {
    // A form of another site cannot send JSON: so it cannot sign anybody in as somebody else.
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-json",
            "send `Content-Type: application/json`",
        ));
    }
    match desk.record.sign_in(&given.login, given.password).await? {
        SignIn::Granted(signed_in) => {
            let cookie = cookie(signed_in.token.expose(), 12 * 3600, desk.secure_cookies)?;
            let open =
                OpenSession { user: signed_in.user, csrf: signed_in.csrf, expires_at: signed_in.expires_at };
            let me = me(&desk, open).await?;
            Ok(([(SET_COOKIE, cookie)], Json(me)).into_response())
        }
        SignIn::Wrong => Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "wrong-credentials",
            "login or password is wrong, or the account is disabled",
        )),
        SignIn::Locked(until) => {
            let wait = until.duration_since(desk.record.now()).as_secs().max(1);
            let error = ApiError::new(
                StatusCode::TOO_MANY_REQUESTS,
                "locked",
                "too many tries were wrong: try again later, or have the password reset",
            );
            Ok(([(RETRY_AFTER, HeaderValue::from(wait))], error).into_response())
        }
    }
}

/// Signs out.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "people",
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn sign_out(State(desk): State<Desk>, session: Session) -> Result<Response, ApiError> {
    desk.record.end_session(&session.token).await?;
    let gone = cookie("", 0, desk.secure_cookies)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response())
}

/// Who one is.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "people", responses((status = 200, body = Me), (status = 401, body = Problem))
)]
pub async fn load_me(State(desk): State<Desk>, session: Session) -> Result<Json<Me>, ApiError> {
    Ok(Json(me(&desk, session.open).await?))
}

async fn me(desk: &Desk, session: OpenSession) -> Result<Me, ApiError> {
    let sees_numbers = Asker::of_session(&session, desk).sees_numbers;
    let agent = desk.record.find_agent(session.user.id).await?;
    Ok(Me {
        id: session.user.id.to_string(),
        login: session.user.login,
        name: session.user.name,
        roles: session.user.roles.iter().map(|role| role.word().to_owned()).collect(),
        languages: session.user.languages.iter().map(ToString::to_string).collect(),
        sees_numbers,
        csrf_token: session.csrf,
        expires_at: told(session.expires_at),
        agent: agent.map(AgentRow::from),
    })
}

fn told(at: Timestamp) -> String {
    at.to_string()
}

/// The session's cookie. `Lax`: a link from another page leads to a desktop that is signed in, and
/// nothing that another page sends is done.
pub fn cookie(value: &str, seconds: u64, secure: bool) -> Result<HeaderValue, ApiError> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{SESSION_COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&text).map_err(|_| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something is wrong on our side")
    })
}
