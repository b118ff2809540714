//! Calls that we make, as a supervisor sees them: what came of them, every decision, pause and go on.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_record::{CampaignDecision, Funnel, Role};
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body};

/// A time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// Of tickets that were settled or moved in so many days until now; 30 if left out.
    days: Option<u16>,
}

/// What came of the calls of a time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Campaigns {
    /// The moment.
    at: String,
    /// The beginning of the time.
    since: String,
    /// Policies that are stopped.
    paused: Vec<String>,
    /// All that are in effect, or are stopped, whether anybody was drawn or not.
    policies: Vec<String>,
    /// For each policy and category of tickets.
    #[schema(value_type = Vec<Object>)]
    funnels: Vec<Funnel>,
}

/// The longest time asked for, in days.
const LONGEST: u16 = 400;

/// What came of the calls that we make, for each policy and category. Both denominators of a share stand beside it:
/// of all who were called, and of all who answered.
#[utoipa::path(
    get, path = "/api/v1/campaigns", tag = "campaigns", params(Days),
    responses((status = 200, body = Campaigns), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn funnel(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(days): Asked<Days>,
) -> Result<Json<Campaigns>, ApiError> {
    asker.needs(&[Role::Supervisor, Role::Operator])?;
    let now = Timestamp::now();
    let days = days.days.unwrap_or(30).clamp(1, LONGEST);
    let since = now.checked_sub(Span::new().hours(i64::from(days) * 24)).unwrap_or(now);
    let paused = desk.record.paused_policies().await?;
    let mut policies: BTreeSet<String> = paused.iter().cloned().collect();
    if let Some(surveys) = &desk.surveys {
        policies.extend(surveys.plans.borrow().campaigns().policies.keys().map(ToString::to_string));
    }
    Ok(Json(Campaigns {
        at: now.to_string(),
        since: since.to_string(),
        paused,
        policies: policies.into_iter().collect(),
        funnels: desk.record.funnel(since, now).await?,
    }))
}

/// Which decisions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Of this policy alone.
    policy: Option<String>,
    /// Those before this place of the journal.
    before: Option<i64>,
    /// At most so many; 50 if left out, 500 at most.
    limit: Option<u32>,
}

/// The decisions of the scheduler, the newest first.
#[utoipa::path(
    get, path = "/api/v1/campaigns/decisions", tag = "campaigns", params(Which),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn decisions(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(which): Asked<Which>,
) -> Result<Json<Vec<CampaignDecision>>, ApiError> {
    asker.needs(&[Role::Supervisor, Role::Operator])?;
    // No policy is called otherwise, and its name stands in a pattern.
    if which.policy.iter().any(|name| !name.chars().all(|c| c.is_alphanumeric() || c == '-')) {
        return Ok(Json(Vec::new()));
    }
    let limit = which.limit.unwrap_or(50).clamp(1, 500);
    Ok(Json(desk.record.decisions(which.policy.as_deref(), which.before, limit).await?))
}

/// Whether a policy is stopped.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pause {
    /// `true`: nobody else is called by it. Calls that go on are not ended.
    paused: bool,
}

/// Stops a policy, or lets it go on; soon after, on whichever server calls the customers. One that does not exist changes
/// nothing.
#[utoipa::path(
    put, path = "/api/v1/campaigns/{policy}/pause", tag = "campaigns", params(("policy" = String, Path)),
    request_body = Pause,
    responses(
        (status = 202), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 503, body = Problem),
    )
)]
pub async fn pause(
    State(desk): State<Desk>,
    asker: Asker,
    Path(policy): Path<String>,
    Body(wish): Body<Pause>,
) -> Result<StatusCode, ApiError> {
    asker.needs(&[Role::Supervisor, Role::Operator])?;
    desk.record.ask_to_pause(&policy, wish.paused, &asker.name).await?;
    Ok(StatusCode::ACCEPTED)
}
