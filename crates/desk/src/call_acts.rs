//! What agents want to happen to the call they talk in.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_bus::{Act, Command, Target};
use hotline_model::Pii;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::agents::of_bus;
use crate::error::{ApiError, Problem};
use crate::extract::Body;

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
    /// the caller waits while the agent asks somebody, who then gets the caller (`complete`) or is let go (`back`).
    act: String,
    /// For `transfer` and `consult`: to whom.
    to: Option<CallTarget>,
}

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
            ("transfer", Some(to)) => Act::Transfer(to.read()?),
            ("consult", Some(to)) => match to.read()? {
                Target::Queue(_) => return Err(invalid("to: nobody can ask a queue; `transfer` takes one")),
                to => Act::Consult(to),
            },
            ("transfer" | "consult", None) => return Err(invalid("to: a number, an agent or a queue")),
            ("hold" | "resume" | "leave" | "complete" | "back", Some(_)) => {
                return Err(invalid("to: only `transfer` and `consult` go to somebody"));
            }
            _ => {
                return Err(invalid("act: hold, resume, leave, transfer, consult, complete or back"));
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
    let call = id.parse().map_err(|_| ApiError::not_found("call"))?;
    desk.bus.ask(Command::Call(call, user, wanted.read()?)).await.map_err(of_bus)?;
    Ok(StatusCode::NO_CONTENT)
}
