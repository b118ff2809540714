//! Rebates in, a customer's shown, and one sent again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::{Pii, RebateInput, RebateState, RebateType};
use hotline_record::{Change, RebateResend, RebateRow, RecordError, UpsertedRebate};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::{Asker, SERVES};
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::extract::{Body, idempotency_key};

/// Rebates in one request at most.
const TOGETHER: usize = 500;

/// A rebate as it is handed over.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `RebateInput` for the API's document")]
pub struct RebateBody {
    /// Its number in the firm's own system; the same one again changes the same rebate.
    external_ref: String,
    /// The telephone number it was sent to: it is sent again to no other.
    phone: String,
    /// The customer's name.
    name: Option<String>,
    /// `zh-CN` or `en-US`.
    language: Option<String>,
    /// The activity that it belongs to: at most 100 characters.
    activity: String,
    /// `e-recharge-card`, `e-voucher` or `small-fee-rebate`.
    #[schema(rename = "type")]
    kind: String,
    /// What one of them is worth, with at most two decimals: `"98.50"`.
    face_value: String,
    /// `CNY` (if absent) or `USD`.
    currency: Option<String>,
    /// How many of them, 1 to 1,000; 1 if absent.
    quantity: Option<u32>,
    /// `unused` (if absent), `used`, `expired` or `revoked`.
    state: Option<String>,
    /// When it was given (RFC 3339).
    returned_at: String,
    /// When it was used.
    used_at: Option<String>,
    /// When it can be used no longer.
    expires_at: Option<String>,
    /// The text message that carried it, word for word: at most 1,000 characters.
    message: Option<String>,
    /// When it was changed there last (RFC 3339); an older change is not taken.
    changed_at: Option<String>,
}

/// What was done with a rebate.
#[derive(Serialize, ToSchema)]
pub struct RebateStored {
    /// The rebate's id.
    rebate: String,
    /// Its customer's id.
    customer: String,
    /// `created`, `changed`, `unchanged`, or `stale` where a later change is known already or its customer was erased.
    #[schema(value_type = String)]
    change: Change,
}

impl From<UpsertedRebate> for RebateStored {
    fn from(stored: UpsertedRebate) -> Self {
        Self {
            rebate: stored.rebate.to_string(),
            customer: stored.customer.to_string(),
            change: stored.change,
        }
    }
}

/// Stores a rebate by the firm's own number. The same one again changes nothing, so a request may be repeated. For
/// supervisors, operators and machines.
#[utoipa::path(
    post, path = "/api/v1/rebates", tag = "rebates", request_body = RebateBody,
    responses(
        (status = 201, body = RebateStored), (status = 200, body = RebateStored),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Body(input): Body<RebateInput>,
) -> Result<(StatusCode, Json<RebateStored>), ApiError> {
    // It is worth money: agents do not make it.
    asker.may_tell()?;
    let mut stored = desk.record.upsert_rebates(vec![input], &asker.name).await?;
    let stored = stored.pop().unwrap_or(Err(RecordError::NotFound("rebate")))?;
    let status = if stored.change == Change::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(stored.into())))
}

/// Many rebates.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// 1 to 500, each as one is handed over alone.
    #[schema(value_type = Vec<RebateBody>)]
    rebates: Vec<RebateInput>,
}

/// What came of one of many.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum BatchRow {
    /// It is stored.
    Stored(RebateStored),
    /// It is not; the text names the field.
    Refused {
        /// What is wrong.
        problem: String,
    },
}

/// Stores many rebates, each whole or not at all; the answers stand in their order. For supervisors, operators and
/// machines.
#[utoipa::path(
    post, path = "/api/v1/rebates/batch", tag = "rebates", request_body = Batch,
    responses(
        (status = 200, body = Vec<BatchRow>), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn batch(
    State(desk): State<Desk>,
    asker: Asker,
    Body(batch): Body<Batch>,
) -> Result<Json<Vec<BatchRow>>, ApiError> {
    // It is worth money: agents do not make it.
    asker.may_tell()?;
    if batch.rebates.is_empty() || batch.rebates.len() > TOGETHER {
        return Err(RecordError::Invalid(format!("rebates: 1 to {TOGETHER} are expected")).into());
    }
    let mut rows = Vec::with_capacity(batch.rebates.len());
    for one in desk.record.upsert_rebates(batch.rebates, &asker.name).await? {
        rows.push(match one {
            Ok(stored) => BatchRow::Stored(stored.into()),
            Err(RecordError::Invalid(problem)) => BatchRow::Refused { problem },
            Err(error) => return Err(error.into()),
        });
    }
    Ok(Json(rows))
}

/// A rebate as whoever serves its customer sees it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RebateSummary {
    id: String,
    external_ref: String,
    activity: String,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: RebateType,
    /// What one of them is worth, with two decimals.
    face_value: String,
    /// `CNY` or `USD`.
    #[schema(value_type = String)]
    currency: hotline_model::Currency,
    quantity: u32,
    /// `unused`, `used`, `expired` or `revoked`: as it is now.
    #[schema(value_type = String)]
    state: RebateState,
    returned_at: String,
    used_at: Option<String>,
    expires_at: Option<String>,
    /// The text message that carried it.
    text: Option<String>,
    /// How often it was sent again.
    resends: i64,
    /// How often it may be sent again now; 0: not at all.
    resends_left: u32,
}

impl RebateSummary {
    fn new(row: RebateRow, now: Timestamp) -> Self {
        Self {
            state: row.state_at(now),
            resends_left: row.resends_left(now),
            id: row.id.to_string(),
            external_ref: row.external_ref,
            activity: row.activity,
            kind: row.kind,
            face_value: row.face_value.to_string(),
            currency: row.face_value.currency,
            quantity: row.quantity,
            returned_at: row.returned_at.to_string(),
            used_at: row.used_at.map(|at| at.to_string()),
            expires_at: row.expires_at.map(|at| at.to_string()),
            text: row.text.map(Pii::into_exposed),
            resends: row.resends,
        }
    }
}

/// The rebates of a customer, the newest first; the look is logged. For whoever serves customers.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/rebates", tag = "rebates", params(("id" = String, Path)),
    responses(
        (status = 200, body = Vec<RebateSummary>), (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub async fn list(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<RebateSummary>>, ApiError> {
    asker.serves()?;
    let family = desk.record.family(customer_id(&id)?).await?;
    let customer = family.ok_or_else(|| ApiError::not_found("customer"))?.root;
    let rebates = desk.record.rebates_of(customer).await?;
    desk.record.log_access(&asker.name, customer, "rebates").await?;
    let now = desk.record.now();
    Ok(Json(rebates.into_iter().map(|row| RebateSummary::new(row, now)).collect()))
}

/// That it goes out.
#[derive(Serialize, ToSchema)]
pub struct Resent {
    /// How often it may be sent again after this, in 24 hours.
    left: u32,
}

/// Sends a rebate's text message again, word for word and to the number on file alone; at most three times in 24
/// hours. For anybody who serves customers; two with one `Idempotency-Key` are one.
#[utoipa::path(
    post, path = "/api/v1/rebates/{id}/resend", tag = "rebates", params(("id" = String, Path)),
    responses(
        (status = 202, description = "It goes out at once", body = Resent), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "not-usable, no-text or too-often", body = Problem),
    )
)]
pub async fn resend(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    asker.needs(&SERVES)?;
    let id = id.parse().map_err(|_| ApiError::not_found("rebate"))?;
    let key = idempotency_key(&headers)?;
    let (code, message) = match desk.record.resend_rebate(id, key.as_deref(), &asker.name).await? {
        RebateResend::Planned { left } => {
            return Ok((StatusCode::ACCEPTED, Json(Resent { left })).into_response());
        }
        RebateResend::NotUsable(state) => ("not-usable", format!("it can be used no longer: {state}")),
        RebateResend::NoText => (
            "no-text",
            "the text message that carried it is not known: send it from the firm's own system".into(),
        ),
        RebateResend::TooOften => ("too-often", "it was sent again three times in the last 24 hours".into()),
    };
    Err(ApiError::new(StatusCode::CONFLICT, code, message))
}
