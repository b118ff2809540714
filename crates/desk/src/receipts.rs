//! Delivery receipts in: what became of a message on its way to the telephone.

use axum::extract::State;
use axum::http::StatusCode;
use hotline_record::SendOutcome;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Body;

/// What became of a message.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptState {
    /// It reached the telephone.
    Delivered,
    /// It will not reach the telephone.
    Failed,
}

/// A delivery receipt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The message's idempotency key, or the gateway's own name for it.
    message: String,
    /// What became of it.
    state: ReceiptState,
    /// Why it failed.
    #[serde(default)]
    reason: Option<String>,
}

/// Takes in a delivery receipt. The same one again changes nothing. For supervisors, operators and machines.
#[utoipa::path(
    post, path = "/api/v1/receipts", request_body = Receipt,
    responses(
        (status = 204), (status = 404, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Body(receipt): Body<Receipt>,
) -> Result<StatusCode, ApiError> {
    asker.may_tell()?;
    let message =
        desk.record.find_message(&receipt.message).await?.ok_or_else(|| ApiError::not_found("message"))?;
    let outcome = match receipt.state {
        ReceiptState::Delivered => SendOutcome::Delivered,
        ReceiptState::Failed => {
            let reason: String = receipt.reason.unwrap_or_default().chars().take(200).collect();
            SendOutcome::Undeliverable(reason)
        }
    };
    desk.record.settle_message(&message, outcome).await?;
    Ok(StatusCode::NO_CONTENT)
}
