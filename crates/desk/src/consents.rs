//! What customers agreed to or refused: shown and added to, never changed.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_record::{Consent, NewConsent};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::{Asker, SERVES};
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::extract::{Body, idempotency_key};

/// What a customer agreed to or refused, the newest first; `current`: nothing newer of its kind is known.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/consents", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn list(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<Consent>>, ApiError> {
    asker.serves()?;
    let id = customer_id(&id)?;
    let family = desk.record.family(id).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    desk.record.log_access(&asker.name, family.root, "consents").await?;
    Ok(Json(desk.record.consents_of(family.root).await?))
}

/// How it was said.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsentState {
    /// The customer agrees.
    Given,
    /// They do not, or no more.
    Withdrawn,
}

/// What a customer said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConsentBody {
    /// `recording`, `surveys`, `marketing`, `data-sharing`, or a word of the firm's in kebab case.
    kind: String,
    state: ConsentState,
    /// `call`, `chat`, `message`, `web`, `email`, `letter`, `counter` or `crm`.
    channel: String,
    /// In which contact.
    #[serde(default)]
    interaction: Option<String>,
    /// The `seq` of the journal's entry that proves it.
    #[serde(default)]
    event: Option<i64>,
    /// What was shown or announced: at most 4,000 characters.
    #[serde(default)]
    words: Option<String>,
    /// In which version.
    #[serde(default)]
    words_version: Option<String>,
}

/// The id of a row that was added.
#[derive(Serialize, ToSchema)]
pub struct ConsentMade {
    id: String,
}

/// Adds what a customer agreed to or refused; what was said before stays on the record. `surveys` sets `do-not-call`
/// and takes it away. Two with one `Idempotency-Key` are one. For agents and supervisors.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/consents", tag = "customers", params(("id" = String, Path)),
    request_body = ConsentBody,
    responses(
        (status = 201, body = ConsentMade), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn add(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ConsentBody>,
) -> Result<Response, ApiError> {
    asker.needs(&SERVES)?;
    let new = NewConsent {
        customer: customer_id(&id)?,
        kind: body.kind,
        given: body.state == ConsentState::Given,
        channel: body.channel,
        interaction: body.interaction,
        event: body.event,
        words: body.words,
        words_version: body.words_version,
        key: idempotency_key(&headers)?,
    };
    let id = desk.record.add_consent(new, &asker.name).await?;
    Ok((StatusCode::CREATED, Json(ConsentMade { id })).into_response())
}
