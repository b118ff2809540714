//! Who calls, where the number does not tell: whom it may be, and who an agent says it is.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_bus::Command;
use hotline_model::{CallId, CustomerId, PhoneNumber, Pii};
use hotline_record::{Identified, RECORDING, Role, TakenFor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::cards::{MatchRow, customer_id, matches_of};
use crate::error::{ApiError, Problem};
use crate::extract::Body;

/// Somebody who is not on the record yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCaller {
    /// At most 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Pii<String>>,
}

/// Who calls: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum CallerBody {
    /// A customer's id.
    Customer(String),
    /// A record is made, with the number that calls.
    New(NewCaller),
}

/// Whose call it is.
#[derive(Serialize, ToSchema)]
pub struct CallerPage {
    customer: String,
}

/// Says who calls. For the agent whose telephone rings for the call or who talked in it, and for supervisors. The number
/// is linked as observed. Who was verified, or called by us, stays who they are.
#[utoipa::path(
    put, path = "/api/v1/calls/{id}/customer", tag = "calls", params(("id" = String, Path)),
    request_body = CallerBody,
    responses(
        (status = 200, body = CallerPage), (status = 404, body = Problem),
        (status = 409, description = "certain", body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn identify(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<CallerBody>,
) -> Result<Json<CallerPage>, ApiError> {
    let user = asker.person()?;
    asker.needs(&[Role::Agent, Role::Supervisor])?;
    let call: CallId = id.parse().map_err(|_| ApiError::not_found("call"))?;
    if !asker.has(&[Role::Supervisor]) && !desk.record.served(call, user).await? {
        return Err(ApiError::not_found("call of yours"));
    }
    let who = match body {
        CallerBody::Customer(id) => TakenFor::Customer(customer_id(&id)?),
        CallerBody::New(new) => TakenFor::New(new.name.filter(|name| !name.expose().trim().is_empty())),
    };
    let Identified::As(customer) = desk.record.identify_caller(call, who, &asker.name).await? else {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "certain",
            "it is certain who this is: they were verified, or called by us",
        ));
    };
    desk.record.log_access(&asker.name, customer, "identified").await?;
    if desk.bus.ask(Command::Identified(call, customer)).await.is_err() {
        forget_unwanted(&desk, call, customer).await?;
    }
    Ok(Json(CallerPage { customer: customer.to_string() }))
}

/// A call that is over turns out to be of somebody who wants no recordings: what lies here of it goes. Of one that goes
/// on the exchange knows.
async fn forget_unwanted(desk: &Desk, call: CallId, customer: CustomerId) -> Result<(), ApiError> {
    let (Some(folder), Some((name, _))) =
        (&desk.recordings, desk.record.find_recording(&call.to_string()).await?)
    else {
        return Ok(());
    };
    if name.contains(['/', '\\']) || !desk.record.has_withdrawn(customer, RECORDING).await? {
        return Ok(());
    }
    match tokio::fs::remove_file(folder.join(&name)).await {
        Ok(()) => Ok(desk.record.forget_recordings_of(&[(call, name)]).await?),
        Err(error) => {
            tracing::error!(call.id = %call, %error, "a recording that its customer does not want stays");
            Ok(())
        }
    }
}

/// The customers whom a caller's number may belong to, the likeliest first: also where one sees it masked.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/matches", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, body = Vec<MatchRow>), (status = 403, body = Problem))
)]
pub async fn matches(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<MatchRow>>, ApiError> {
    asker.serves()?;
    let caller = desk.record.caller_of(&id).await?;
    let Some(phone) = caller.and_then(|value| PhoneNumber::parse(value.expose()).ok()) else {
        return Ok(Json(Vec::new()));
    };
    Ok(Json(matches_of(&desk, &asker, &phone).await?))
}
