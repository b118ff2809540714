//! Tickets and follow-ups that agents work on.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::{Language, Pii, TicketId};
use hotline_record::{AgentTicket, Change, FollowUp, FollowUpAct, FollowUpList, RecordError, TicketChange};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body, idempotency_key, if_match, versioned};
use crate::tickets::TicketStored;
use crate::views::TicketSummary;

fn ticket_id(text: &str) -> Result<TicketId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("ticket"))
}

/// A ticket that an agent makes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AgentTicketBody {
    /// What it is about.
    #[serde(default)]
    category: Option<String>,
    /// By when it is to be settled (RFC 3339).
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    due_at: Option<Timestamp>,
    /// `zh-CN` or `en-US`: the customer's, else the firm's.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    language: Option<Language>,
}

/// Makes a ticket for a customer. Two with one `Idempotency-Key` are one.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/tickets", tag = "tickets", params(("id" = String, Path)),
    request_body = AgentTicketBody,
    responses(
        (status = 201, body = TicketStored), (status = 200, body = TicketStored),
        (status = 404, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn make(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<AgentTicketBody>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let new = AgentTicket {
        customer: customer_id(&id)?,
        key: idempotency_key(&headers)?,
        category: body.category,
        due_at: body.due_at,
        language: body.language.unwrap_or(desk.language),
    };
    let stored = desk.record.make_ticket(new, &asker.name).await?;
    let status = if stored.change == Change::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(TicketStored::from(stored))).into_response())
}

/// One ticket, with its version as ETag.
#[utoipa::path(
    get, path = "/api/v1/tickets/{id}", tag = "tickets", params(("id" = String, Path)),
    responses((status = 200, body = TicketSummary), (status = 404, body = Problem))
)]
pub async fn load(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let ticket = seen(&desk, &asker, ticket_id(&id)?).await?;
    Ok(versioned(ticket.version, ticket))
}

/// A ticket as it is now; the look at its customer is logged.
async fn seen(desk: &Desk, asker: &Asker, id: TicketId) -> Result<TicketSummary, ApiError> {
    let ticket = desk.record.find_ticket(id).await?.ok_or_else(|| ApiError::not_found("ticket"))?;
    desk.record.log_access(&asker.name, ticket.customer, "ticket").await?;
    Ok(TicketSummary::from(ticket))
}

/// What a change of a ticket led to: the ticket, or who was faster and how it is now.
async fn changed<T>(
    desk: &Desk,
    asker: &Asker,
    id: TicketId,
    done: Result<T, RecordError>,
) -> Result<Response, ApiError> {
    match done {
        Ok(_) => {
            let ticket = seen(desk, asker, id).await?;
            Ok(versioned(ticket.version, ticket))
        }
        Err(error @ RecordError::Stale(_)) => {
            let now = seen(desk, asker, id).await?;
            Err(ApiError::from(error).with_now(&now))
        }
        Err(error) => Err(error.into()),
    }
}

/// What of a ticket is to be changed; what is absent stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `TicketChange` for the API's document")]
pub struct TicketChangeBody {
    category: Option<String>,
    /// By when it is to be settled (RFC 3339).
    due_at: Option<String>,
    /// Whose login works on it.
    owner: Option<String>,
}

/// Changes a ticket. With `If-Match` only if nobody else was faster: 412 tells how it is now.
#[utoipa::path(
    patch, path = "/api/v1/tickets/{id}", tag = "tickets", params(("id" = String, Path)),
    request_body = TicketChangeBody,
    responses(
        (status = 200, body = TicketSummary), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn change(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<TicketChange>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let (id, version) = (ticket_id(&id)?, if_match(&headers)?);
    let done = desk.record.change_ticket(id, change, version, &asker.name).await;
    changed(&desk, &asker, id, done).await
}

/// The words that the customer shall hear.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultBody {
    #[schema(value_type = String)]
    result: Pii<String>,
}

/// Publishes a ticket's result: it is closed, rendered into speech, and the customer is told to call.
#[utoipa::path(
    post, path = "/api/v1/tickets/{id}/result", tag = "tickets", params(("id" = String, Path)),
    request_body = ResultBody,
    responses(
        (status = 200, body = TicketSummary), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn publish(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ResultBody>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let (id, version) = (ticket_id(&id)?, if_match(&headers)?);
    let done = desk.record.publish_result(id, body.result, version, &asker.name).await;
    changed(&desk, &asker, id, done).await
}

/// Which follow-ups are wanted.
#[derive(Deserialize, IntoParams)]
pub struct FollowUpsAsked {
    /// `open` (default: all that are not done), `untaken` or `mine`.
    state: Option<String>,
    /// At most this many, 200 at most. Default 50.
    limit: Option<u32>,
}

/// Follow-ups, the most urgent first; a look at each customer among them is logged once an hour.
#[utoipa::path(
    get, path = "/api/v1/follow-ups", tag = "tickets", params(FollowUpsAsked),
    responses((status = 200, body = Vec<Object>), (status = 400, body = Problem), (status = 403, body = Problem))
)]
pub async fn follow_ups(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(asked): Asked<FollowUpsAsked>,
) -> Result<Json<Vec<FollowUp>>, ApiError> {
    asker.serves()?;
    let list = match asked.state.as_deref() {
        None | Some("open") => FollowUpList::Open,
        Some("untaken") => FollowUpList::Untaken,
        Some("mine") => FollowUpList::Of(&asker.name),
        Some(_) => {
            return Err(ApiError::new(StatusCode::BAD_REQUEST, "bad-query", "state: open, untaken or mine"));
        }
    };
    let found = desk.record.follow_ups(list, asked.limit.unwrap_or(50)).await?;
    let seen: BTreeSet<_> = found.iter().filter_map(|one| one.customer.as_ref()?.parse().ok()).collect();
    desk.record.log_accesses_hourly(&asker.name, seen, "follow-ups").await?;
    Ok(Json(found))
}

/// How a follow-up went.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// A word of the firm's: `reached`, `settled`, `no-answer`.
    outcome: String,
}

async fn act(
    desk: &Desk,
    asker: &Asker,
    id: &str,
    headers: &HeaderMap,
    act: FollowUpAct,
) -> Result<Response, ApiError> {
    let done = desk.record.act_on_follow_up(id, act, if_match(headers)?, &asker.name).await;
    let now = desk.record.find_follow_up(id).await?;
    match (done, now) {
        (Ok(()), Some(now)) => Ok(versioned(now.version, now)),
        (Err(error @ RecordError::Stale(_)), Some(now)) => Err(ApiError::from(error).with_now(&now)),
        (Err(error), Some(_)) => Err(error.into()),
        (_, None) => Err(ApiError::not_found("follow-up")),
    }
}

/// Takes a follow-up: whoever was faster has it, and 412 tells who.
#[utoipa::path(
    post, path = "/api/v1/follow-ups/{id}/take", tag = "tickets", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 412, body = Problem))
)]
pub async fn take(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    asker.serves()?;
    act(&desk, &asker, &id, &headers, FollowUpAct::Take).await
}

/// Gives a follow-up back.
#[utoipa::path(
    post, path = "/api/v1/follow-ups/{id}/release", tag = "tickets", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 412, body = Problem))
)]
pub async fn release(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    asker.serves()?;
    act(&desk, &asker, &id, &headers, FollowUpAct::Release).await
}

/// Ends a follow-up.
#[utoipa::path(
    post, path = "/api/v1/follow-ups/{id}/done", tag = "tickets", params(("id" = String, Path)),
    request_body = Outcome,
    responses((status = 200, body = Object), (status = 404, body = Problem), (status = 412, body = Problem))
)]
pub async fn done(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<Outcome>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    act(&desk, &asker, &id, &headers, FollowUpAct::Done { outcome: body.outcome }).await
}
