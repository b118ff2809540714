//! Webhooks as an operator sees them: what waits, what was given up, sending it once more.

use axum::Json;
use axum::extract::{Path, State};
use hotline_record::{Delivery, Replay, Role, WebhookState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body};

/// All webhooks, with what waits and what was given up. For operators.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = Vec<Object>), (status = 403, body = Problem))
)]
pub async fn list(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<WebhookState>>, ApiError> {
    asker.needs(&[Role::Operator])?;
    Ok(Json(desk.record.webhooks().await?))
}

/// Which deliveries are wanted.
#[derive(Deserialize, IntoParams)]
pub struct DeliveriesAsked {
    /// `dead` (default), `due` or `delivered` (kept for 7 days).
    state: Option<String>,
    /// At most this many, 500 at most. Default 50.
    limit: Option<u32>,
}

/// Deliveries of a webhook, the newest first. For operators.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{name}/deliveries", tag = "webhooks", params(("name" = String, Path), DeliveriesAsked),
    responses((status = 200, body = Vec<Object>), (status = 400, body = Problem), (status = 403, body = Problem))
)]
pub async fn deliveries(
    State(desk): State<Desk>,
    asker: Asker,
    Path(name): Path<String>,
    Asked(asked): Asked<DeliveriesAsked>,
) -> Result<Json<Vec<Delivery>>, ApiError> {
    asker.needs(&[Role::Operator])?;
    let state = asked.state.as_deref().unwrap_or("dead");
    if !["dead", "due", "delivered"].contains(&state) {
        return Err(ApiError::new(
            axum::http::StatusCode::BAD_REQUEST,
            "bad-query",
            "state: dead, due or delivered",
        ));
    }
    Ok(Json(desk.record.deliveries(&name, state, asked.limit.unwrap_or(50)).await?))
}

/// What is sent once more: without a field all that was given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    /// These deliveries.
    #[serde(default)]
    ids: Option<Vec<String>>,
    /// All that were planned since (RFC 3339), those included that arrived and are kept.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    since: Option<Timestamp>,
}

/// How many are sent once more.
#[derive(Serialize, ToSchema)]
pub struct Replayed {
    deliveries: u64,
}

/// Sends deliveries once more, under the ids they had; a webhook that wanted no more (410) is taken up again.
/// For operators.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{name}/replay", tag = "webhooks", params(("name" = String, Path)),
    request_body = ReplayBody,
    responses(
        (status = 200, body = Replayed), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn replay(
    State(desk): State<Desk>,
    asker: Asker,
    Path(name): Path<String>,
    Body(body): Body<ReplayBody>,
) -> Result<Json<Replayed>, ApiError> {
    asker.needs(&[Role::Operator])?;
    let which = match (body.ids, body.since) {
        (None, None) => Replay::Dead,
        (Some(ids), None) => Replay::Ids(ids),
        (None, Some(since)) => Replay::Since(since),
        (Some(_), Some(_)) => {
            return Err(ApiError::new(
                axum::http::StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "ids, since: one of them is enough",
            ));
        }
    };
    Ok(Json(Replayed { deliveries: desk.record.replay_deliveries(&name, which, &asker.name).await? }))
}
