//! What agents do with customers: data, links, merges, notes, erasure.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hotline_model::{IdentityId, Pii};
use hotline_record::{KeptFile, LinkLevel, NewLink, NewNote, ProfileChange, RecordError, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Desk;
use crate::access::Asker;
use crate::cards::{card_of, customer_id};
use crate::error::{ApiError, Problem};
use crate::extract::{Body, idempotency_key, if_match, versioned};

/// An id of what was made.
#[derive(Serialize, ToSchema)]
pub struct Made {
    id: String,
}

/// The version of what was changed.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    version: i64,
}

/// What of a customer is to be changed; what is absent stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `ProfileChange` for the API's document")]
pub struct ProfileBody {
    name: Option<String>,
    language: Option<String>,
    tier: Option<String>,
    do_not_call: Option<bool>,
    add_tags: Option<Vec<String>>,
    remove_tags: Option<Vec<String>>,
    /// Texts by name; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    attributes: Option<()>,
}

/// Changes what is known of a customer. With `If-Match` only if nobody else was faster: 412 tells the card as it is now.
#[utoipa::path(
    patch, path = "/api/v1/customers/{id}", tag = "customers", params(("id" = String, Path)),
    request_body = ProfileBody,
    responses(
        (status = 200, body = Changed), (status = 404, body = Problem),
        (status = 412, description = "Somebody else was faster; `now` is the card", body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn change(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<ProfileChange>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let (id, version) = (customer_id(&id)?, if_match(&headers)?);
    match desk.record.change_profile(id, change, version, &asker.name).await {
        Ok(version) => Ok(versioned(version, Changed { version })),
        Err(error @ RecordError::Stale(_)) => {
            let now = card_of(&desk, &asker, id).await?;
            Err(ApiError::from(error).with_now(&now))
        }
        Err(error) => Err(error.into()),
    }
}

/// A way to reach or recognise a customer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    /// `phone`, `short`, `wechat`, `web`, `email`, `membership` or `crm`.
    kind: String,
    /// Of a WeChat identity the app.
    #[serde(default)]
    namespace: String,
    #[schema(value_type = String)]
    value: Pii<String>,
    /// `claimed` (default) or `observed`; `verified` for supervisors and machines.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    level: Option<LinkLevel>,
}

/// Links an identity to a customer, or makes a link surer.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/identities", tag = "customers", params(("id" = String, Path)),
    request_body = LinkBody,
    responses((status = 200, body = Made), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn link(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<LinkBody>,
) -> Result<Json<Made>, ApiError> {
    asker.serves()?;
    let level = body.level.unwrap_or(LinkLevel::Claimed);
    // A verified link joins by itself, and lets the next caller from that number be taken for them.
    if level == LinkLevel::Verified && asker.user.is_some() {
        asker.needs(&[Role::Supervisor])?;
    }
    let method = if asker.user.is_some() { "agent" } else { "api" };
    let link = NewLink {
        kind: body.kind,
        namespace: body.namespace,
        value: body.value,
        level,
        method: method.into(),
    };
    let identity = desk.record.link_identity(customer_id(&id)?, link, &asker.name).await?;
    Ok(Json(Made { id: identity.to_string() }))
}

/// Ends a link that was made by mistake.
#[utoipa::path(
    delete, path = "/api/v1/customers/{id}/identities/{identity}", tag = "customers",
    params(("id" = String, Path), ("identity" = String, Path)),
    responses((status = 204), (status = 404, body = Problem))
)]
pub async fn unlink(
    State(desk): State<Desk>,
    asker: Asker,
    Path((id, identity)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    asker.serves()?;
    let identity: IdentityId = identity.parse().map_err(|_| ApiError::not_found("link"))?;
    desk.record.unlink_identity(customer_id(&id)?, identity, &asker.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// With whom a customer is one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MergeBody {
    /// The customer whose record stands for both from now on.
    into: String,
    #[serde(default)]
    reason: Option<String>,
}

/// Makes one customer of two; undone by `DELETE /api/v1/merges/{id}`.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/merge", tag = "customers", params(("id" = String, Path)),
    request_body = MergeBody,
    responses((status = 200, body = Made), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn merge(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<MergeBody>,
) -> Result<Json<Made>, ApiError> {
    asker.serves()?;
    let (from, into) = (customer_id(&id)?, customer_id(&body.into)?);
    let id = desk.record.merge_customers(from, into, &asker.name, body.reason.as_deref()).await?;
    Ok(Json(Made { id }))
}

/// Undoes a merge.
#[utoipa::path(
    delete, path = "/api/v1/merges/{id}", tag = "customers", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 412, body = Problem))
)]
pub async fn unmerge(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    asker.serves()?;
    desk.record.undo_merge(&id, &asker.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is noted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    #[schema(value_type = String)]
    text: Pii<String>,
    /// In which contact.
    #[serde(default)]
    interaction: Option<String>,
    /// About which ticket.
    #[serde(default)]
    ticket: Option<String>,
}

/// Notes something about a customer. Two with one `Idempotency-Key` are one.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/notes", tag = "customers", params(("id" = String, Path)),
    request_body = NoteBody,
    responses((status = 200, body = Made), (status = 404, body = Problem), (status = 422, body = Problem))
)]
pub async fn note(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body<NoteBody>,
) -> Result<Json<Made>, ApiError> {
    asker.serves()?;
    let note = NewNote {
        customer: customer_id(&id)?,
        interaction: body.interaction,
        ticket: body.ticket,
        text: body.text,
        key: idempotency_key(&headers)?,
    };
    Ok(Json(Made { id: desk.record.add_note(note, &asker.name).await? }))
}

/// What an erasure left to be taken away elsewhere.
#[derive(Serialize, ToSchema)]
pub struct ErasedPage {
    /// Recordings that do not lie on this server: to be deleted where they do.
    recordings: Vec<String>,
}

/// Erases a customer for good: what identifies them goes, what is counted stays. For supervisors.
#[utoipa::path(
    delete, path = "/api/v1/customers/{id}", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = ErasedPage), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn erase(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<ErasedPage>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let erased = desk.record.erase_customer(customer_id(&id)?, &asker.name).await?;
    if let Some(forget) = &desk.forget {
        for (text, language) in erased.spoken {
            forget(text, language).await;
        }
    }
    let (folder, files) = (desk.recordings.clone(), desk.attachments.clone());
    let attachments = erased.attachments;
    let deleted = tokio::task::spawn_blocking(move || {
        let gone = |one: &KeptFile| delete(files.as_deref(), &one.file);
        attachments.into_iter().filter(gone).collect::<Vec<_>>()
    });
    // Those that do not lie here go where they lie, as soon as the server there looks.
    desk.record.forget_attachments(&deleted.await.unwrap_or_default()).await?;
    let sorted = move || {
        let gone = |name: &String| delete(folder.as_deref(), name);
        erased.recordings.into_iter().partition::<Vec<_>, _>(gone)
    };
    let (gone, recordings) = tokio::task::spawn_blocking(sorted).await.unwrap_or_default();
    desk.record.forget_recordings(&gone).await?;
    Ok(Json(ErasedPage { recordings }))
}

/// Deletes a recording or another file. `false`: it does not lie here.
fn delete(folder: Option<&std::path::Path>, name: &str) -> bool {
    let Some(folder) = folder.filter(|_| !name.contains(['/', '\\'])) else { return false };
    match std::fs::remove_file(folder.join(name)) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "a file of an erased customer cannot be deleted here");
            false
        }
    }
}
