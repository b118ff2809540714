//! Calls and the journal out.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Asked;
use crate::views::CallPage;

/// How many calls are wanted.
#[derive(Deserialize, IntoParams)]
pub struct Amount {
    /// At most this many, 100 at most. Default 20.
    limit: Option<u32>,
}

/// The last calls, whoever made them, the newest first; a look at each customer among them is logged once an hour.
#[utoipa::path(
    get, path = "/api/v1/calls", params(Amount),
    responses((status = 200, body = Vec<CallPage>), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn list(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(amount): Asked<Amount>,
) -> Result<Json<Vec<CallPage>>, ApiError> {
    asker.serves()?;
    let calls = desk.record.last_contacts(amount.limit.unwrap_or(20).min(100)).await?;
    let seen: BTreeSet<_> = calls.iter().filter_map(|call| call.customer).collect();
    desk.record.log_accesses_hourly(&asker.name, seen, "calls").await?;
    Ok(Json(calls.into_iter().map(CallPage::from).collect()))
}

/// One call with its path through the plan.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}", params(("id" = String, Path)),
    responses((status = 200, body = CallPage), (status = 404, body = Problem), (status = 401, body = Problem))
)]
pub async fn load(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<CallPage>, ApiError> {
    asker.serves()?;
    let call = desk.record.find_contact(&id).await?.ok_or_else(|| ApiError::not_found("call"))?;
    if let Some(customer) = call.customer {
        desk.record.log_access(&asker.name, customer, "contact").await?;
    }
    let caller = desk.record.caller_of(&call.id).await?;
    let wrap_ups = desk.record.wrap_ups_of(&call.id).await?;
    let found = desk.record.dissatisfaction_of(&call.id).await?;
    let page = CallPage::from(call).with_wrap_ups(wrap_ups).with_dissatisfaction(found);
    Ok(Json(page.with_caller(caller, asker.sees_numbers)))
}

/// A WAV file, and that no cache keeps it.
pub(crate) type Sound = ([(HeaderName, &'static str); 2], Vec<u8>);

/// One of the recordings on this server's disk.
pub(crate) async fn read_sound(desk: &Desk, file: &str) -> Result<Sound, ApiError> {
    let gone = || ApiError::not_found("recording");
    let folder = desk.recordings.clone().ok_or_else(gone)?;
    // The name is ours; a path in it would be none of ours.
    let path = std::path::Path::new(file).file_name().map(|name| folder.join(name)).ok_or_else(gone)?;
    let sound = tokio::fs::read(path).await.map_err(|_| gone())?;
    Ok(([(CONTENT_TYPE, "audio/wav"), (CACHE_CONTROL, "private, no-store")], sound))
}

/// What a caller said into a recording of their own, as a WAV file. It lies on the server that had the call.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/words/{name}", params(("id" = String, Path), ("name" = String, Path)),
    responses(
        (status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 404, body = Problem), (status = 401, body = Problem),
    )
)]
pub async fn words(
    State(desk): State<Desk>,
    asker: Asker,
    Path((id, name)): Path<(String, String)>,
) -> Result<Sound, ApiError> {
    asker.serves()?;
    let gone = || ApiError::not_found("recording");
    let (file, customer) = desk.record.find_words(&id, &name).await?.ok_or_else(gone)?;
    if let Some(customer) = customer {
        desk.record.log_access(&asker.name, customer, "words").await?;
    }
    read_sound(&desk, &file).await
}
