//! What lies on one's own desk, and a ticket's code sent again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_model::Pii;
use hotline_record::{FollowUp, FollowUpList, Resend, TicketRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::views::TicketSummary;

/// Rows of each kind.
const SHOWN: u32 = 50;

/// What lies on one's own desk.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MyWork {
    /// Open tickets that one works on, the most urgent first.
    tickets: Vec<MyTicket>,
    /// Follow-ups that one has taken, then those that nobody has, the most urgent first.
    follow_ups: Vec<MyFollowUp>,
}

/// A ticket with whose it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MyTicket {
    customer: String,
    name: Option<String>,
    #[serde(flatten)]
    ticket: TicketSummary,
}

/// A follow-up with whose it is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MyFollowUp {
    name: Option<String>,
    #[serde(flatten)]
    #[schema(value_type = Object)]
    follow_up: FollowUp,
}

/// What lies on one's own desk: tickets that one works on, follow-ups that are one's own, taken or given, and those that are nobody's.
#[utoipa::path(
    get, path = "/api/v1/me/work", tag = "people",
    responses((status = 200, body = MyWork), (status = 401, body = Problem))
)]
pub async fn work(State(desk): State<Desk>, asker: Asker) -> Result<Json<MyWork>, ApiError> {
    asker.serves()?;
    let tickets = desk.record.tickets_owned_by(&asker.name, SHOWN).await?;
    let mut follow_ups = desk.record.follow_ups(FollowUpList::Of(&asker.name), SHOWN).await?;
    follow_ups.extend(desk.record.follow_ups(FollowUpList::Untaken, SHOWN).await?);
    let whose = follow_ups.iter().filter_map(|one| one.customer.clone());
    let mut ids: Vec<String> = tickets.iter().map(|one| one.customer.to_string()).chain(whose).collect();
    ids.sort();
    ids.dedup();
    let seen: Vec<_> = ids.iter().filter_map(|id| customer_id(id).ok()).collect();
    desk.record.log_accesses(&asker.name, seen, "work").await?;
    let names = desk.record.names_of(&ids).await?;
    let name = |id: Option<&String>| names.get(id?).cloned().map(Pii::into_exposed);
    let ticket = |row: TicketRow| {
        let customer = row.customer.to_string();
        MyTicket { name: name(Some(&customer)), customer, ticket: TicketSummary::from(row) }
    };
    let follow_up = |one: FollowUp| MyFollowUp { name: name(one.customer.as_ref()), follow_up: one };
    Ok(Json(MyWork {
        tickets: tickets.into_iter().map(ticket).collect(),
        follow_ups: follow_ups.into_iter().map(follow_up).collect(),
    }))
}

/// Sends a ticket's code to the number on file once more, at most three times in 24 hours.
#[utoipa::path(
    post, path = "/api/v1/tickets/{id}/code", tag = "tickets", params(("id" = String, Path)),
    responses(
        (status = 202, description = "It goes out at once"), (status = 404, body = Problem),
        (status = 409, description = "no-result, code-expired or too-often", body = Problem),
    )
)]
pub async fn resend(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    asker.serves()?;
    let id = id.parse().map_err(|_| ApiError::not_found("ticket"))?;
    let (code, message) = match desk.record.resend_code(id, &asker.name).await? {
        Resend::Planned => return Ok(StatusCode::ACCEPTED),
        Resend::NoResult => ("no-result", "the ticket has no result yet: publish one first"),
        Resend::Expired => ("code-expired", "the code is valid no longer: publish the result again"),
        Resend::TooOften => ("too-often", "the code was sent again three times in the last 24 hours"),
    };
    Err(ApiError::new(StatusCode::CONFLICT, code, message))
}
