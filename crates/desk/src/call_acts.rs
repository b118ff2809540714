//! What agents want to happen to the call they talk in.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use hotline_bus::{Act, Command, Target, Watching};
use hotline_model::Pii;
use hotline_record::{Role, Texted};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::agents::of_bus;
use crate::error::{ApiError, Problem};
use crate::extract::{Body, idempotency_key};

/// To whom a call is to go: one of the three.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum CallTarget {
    /// A telephone number, as far as a trunk may call it.
    Number(String),
    /// The user id of an agent who is free.
    Agent(String),
    /// The name of a queue; for `transfer` only.
    Queue(String),
}

/// What is to happen to a call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallAct {
    /// `hold`: the caller hears music; `resume`: both hear each other again; `leave`: the agent leaves, and the
    /// plan goes on with the caller; `transfer`: the caller goes to somebody else and the agent leaves; `consult`:
    /// the caller waits while the agent asks somebody, who then gets the caller (`complete`), talks with both
    /// (`conference`) or is let go (`back`); `pause-recording`: nothing that is said is recorded until
    /// `resume-recording`, or until the agent leaves. By anybody who serves customers: `say` speaks a sentence to a caller who
    /// talks with an agent. By supervisors, whose own telephone rings: `listen`, `whisper` (to the agent alone),
    /// `join`, and `stop`.
    act: String,
    /// For `transfer` and `consult`: to whom.
    to: Option<CallTarget>,
    /// For `say`: what, at most 500 characters.
    #[schema(value_type = Option<String>)]
    text: Option<Pii<String>>,
    /// For `say`: `zh-CN` or `en-US`; the caller's language if left out.
    language: Option<String>,
}

/// A sentence is no speech.
const SENTENCE: usize = 500;

fn invalid(text: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text)
}

impl CallAct {
    fn read(self) -> Result<Act, ApiError> {
        let act = match (self.act.as_str(), self.to) {
            ("hold", None) => Act::Hold,
            ("resume", None) => Act::Resume,
            ("leave", None) => Act::Leave,
            ("complete", None) => Act::Complete,
            ("back", None) => Act::Back,
            ("conference", None) => Act::Confer,
            ("pause-recording", None) => Act::PauseRecording,
            ("resume-recording", None) => Act::ResumeRecording,
            ("listen", None) => Act::Watch(Watching::Listen),
            ("whisper", None) => Act::Watch(Watching::Whisper),
            ("join", None) => Act::Watch(Watching::Join),
            ("stop", None) => Act::StopWatching,
            ("say", None) => {
                let text = self.text.filter(|text| !text.expose().trim().is_empty());
                let text = text.ok_or_else(|| invalid("text: what is to be said"))?;
                if text.expose().chars().count() > SENTENCE {
                    return Err(invalid("text: at most 500 characters"));
                }
                let language = self.language.map(|language| language.parse()).transpose();
                Act::Say(text, language.map_err(|_| invalid("language: zh-CN or en-US"))?)
            }
            ("transfer", Some(to)) => Act::Transfer(to.read()?),
            ("consult", Some(to)) => match to.read()? {
                Target::Queue(_) => return Err(invalid("to: nobody can ask a queue; `transfer` takes one")),
                to => Act::Consult(to),
            },
            ("transfer" | "consult", None) => return Err(invalid("to: a number, an agent or a queue")),
            (_, Some(_)) => {
                return Err(invalid("to: only `transfer` and `consult` go to somebody"));
            }
            _ => {
                return Err(invalid(
                    "act: hold, resume, leave, transfer, consult, complete, conference, back, pause-recording, \
                     resume-recording, say, listen, whisper, join or stop",
                ));
            }
        };
        Ok(act)
    }
}

impl CallTarget {
    fn read(self) -> Result<Target, ApiError> {
        Ok(match self {
            Self::Number(number) => Target::Number(Pii::new(number)),
            Self::Agent(agent) => {
                Target::Agent(agent.parse().map_err(|_| invalid("to: the agent is a user id"))?)
            }
            Self::Queue(queue) => Target::Queue(queue),
        })
    }
}

/// Lets something happen to the call that one talks in.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/act", tag = "calls", params(("id" = String, Path)), request_body = CallAct,
    responses(
        (status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem, description = "No such act, or nobody there can be called (`no-way`)")
    )
)]
pub async fn act(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(wanted): Body<CallAct>,
) -> Result<StatusCode, ApiError> {
    let user = asker.person()?;
    let act = wanted.read()?;
    if matches!(act, Act::Watch(_) | Act::StopWatching) {
        asker.needs(&[Role::Supervisor])?;
    } else {
        asker.needs(&[Role::Agent, Role::Supervisor])?;
    }
    let call = id.parse().map_err(|_| ApiError::not_found("call"))?;
    desk.bus.ask(Command::Call(call, user, act)).await.map_err(of_bus)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is written to whoever calls.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextBody {
    /// 1 to 500 characters.
    #[schema(value_type = String)]
    text: Pii<String>,
}

/// Sends a text message to whoever calls: to the number that calls, or to the verified one on file if that is withheld.
/// For anybody who serves customers; two with one `Idempotency-Key` are one, and a customer gets ten in 24 hours at most.
#[utoipa::path(
    post, path = "/api/v1/calls/{id}/message", tag = "calls", params(("id" = String, Path)), request_body = TextBody,
    responses(
        (status = 202, description = "It goes out at once"), (status = 404, body = Problem),
        (status = 409, description = "unknown-caller, no-number or too-often", body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn text(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<TextBody>,
) -> Result<StatusCode, ApiError> {
    let user = asker.person()?;
    asker.needs(&[Role::Agent, Role::Supervisor])?;
    let call = id.parse().map_err(|_| ApiError::not_found("call"))?;
    let key = idempotency_key(&headers)?;
    let (code, message) =
        match desk.record.text_caller(call, body.text, key.as_deref(), &user.to_string()).await? {
            Texted::Planned => return Ok(StatusCode::ACCEPTED),
            Texted::Unknown => ("unknown-caller", "nobody knows who calls: say first who it is"),
            Texted::NoNumber => {
                ("no-number", "the caller withholds their number, and none of theirs is verified")
            }
            Texted::TooOften => ("too-often", "this customer got ten text messages in the last 24 hours"),
        };
    Err(ApiError::new(StatusCode::CONFLICT, code, message))
}
