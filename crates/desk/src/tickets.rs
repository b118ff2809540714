//! Tickets in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use hotline_model::TicketInput;
use hotline_record::{Change, Upserted};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Body;

/// What was done with a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub struct TicketStored {
    /// The ticket's id.
    pub ticket: String,
    /// Its customer's id.
    pub customer: String,
    /// `created`, `changed`, `unchanged`, or `stale` where a later change is known already.
    #[schema(value_type = String)]
    pub change: Change,
}

impl From<Upserted> for TicketStored {
    fn from(stored: Upserted) -> Self {
        Self {
            ticket: stored.ticket.to_string(),
            customer: stored.customer.to_string(),
            change: stored.change,
        }
    }
}

/// A ticket as it is handed over.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `TicketInput` for the API's document")]
pub struct TicketBody {
    /// The ticket's number in the firm's CRM; the same one again changes the same ticket.
    external_ref: String,
    /// The customer's telephone number.
    phone: String,
    /// The customer's name.
    name: Option<String>,
    /// `zh-CN` or `en-US`.
    language: Option<String>,
    /// What it is about.
    category: Option<String>,
    /// How it was settled, in the firm's own word: policies by which customers are called may ask for it.
    outcome: Option<String>,
    /// `open`, `closed` or `cancelled`.
    state: Option<String>,
    /// The words the customer shall hear; needed when closed.
    result: Option<String>,
    /// The language of those words, if they do not tell.
    result_language: Option<String>,
    /// A code of nine digits; made if absent.
    code: Option<String>,
    /// When the CRM changed it last (RFC 3339); an older change is not taken.
    changed_at: Option<String>,
}

/// Stores a ticket by the firm's own number. The same ticket again changes nothing, so a request may be repeated. For
/// supervisors, operators and machines; agents make theirs by `POST /api/v1/customers/{id}/tickets`.
#[utoipa::path(
    post, path = "/api/v1/tickets", request_body = TicketBody,
    responses(
        (status = 201, body = TicketStored), (status = 200, body = TicketStored),
        (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Body(input): Body<TicketInput>,
) -> Result<(StatusCode, Json<TicketStored>), ApiError> {
    asker.may_tell()?;
    let stored = desk.record.upsert_ticket(input, desk.language).await?;
    let status = if stored.change == Change::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(stored.into())))
}
