//! Files of customers: listed, shown, put there by agents, deleted by supervisors; and links by which customers send
//! their own.

use std::path::PathBuf;

use axum::Json;
use axum::body::Body as HttpBody;
use axum::extract::{Path, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use hotline_model::{Language, Pii};
use hotline_record::{Attached, Attachment, LinkSent, NewAttachment, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::{Asker, SERVES};
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body, idempotency_key};
use crate::files::{self, Refused, Taken, kind_of};

/// A file of a customer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct AttachmentRow {
    id: String,
    /// What the sender calls it.
    name: String,
    /// `image/jpeg`, `image/png`, `image/webp`, `image/heic` or `application/pdf`, by what it holds.
    media_type: String,
    bytes: u64,
    /// In hexadecimal digits.
    sha256: String,
    interaction: Option<String>,
    ticket: Option<String>,
    /// A login, a token's name, or `customer`.
    by: String,
    at: String,
}

impl From<Attachment> for AttachmentRow {
    fn from(one: Attachment) -> Self {
        Self {
            id: one.id,
            name: one.name.into_exposed(),
            media_type: one.media_type,
            bytes: one.bytes,
            sha256: one.sha256,
            interaction: one.interaction,
            ticket: one.ticket,
            by: one.made_by,
            at: one.at.to_string(),
        }
    }
}

/// The files of a customer, the newest first.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/attachments", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Vec<AttachmentRow>), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn list(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<AttachmentRow>>, ApiError> {
    asker.needs(&SERVES)?;
    let family = desk.record.family(customer_id(&id)?).await?;
    let family = family.ok_or_else(|| ApiError::not_found("customer"))?;
    desk.record.log_access(&asker.name, family.root, "attachments").await?;
    let rows = desk.record.attachments_of(family.root).await?;
    Ok(Json(rows.into_iter().map(AttachmentRow::from).collect()))
}

/// What is known of a file besides what it holds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// What it is called.
    name: Option<String>,
    /// In which contact it was sent.
    interaction: Option<String>,
    /// About which ticket.
    ticket: Option<String>,
}

/// A file that is on the record.
#[derive(Serialize, ToSchema)]
pub struct AttachmentStored {
    id: String,
}

/// The folder of files, where this server has one.
pub(crate) fn folder(desk: &Desk) -> Result<PathBuf, ApiError> {
    desk.attachments.clone().ok_or_else(|| {
        ApiError::new(StatusCode::CONFLICT, "no-folder", "this server has no folder for attachments")
    })
}

fn told(refused: Refused) -> ApiError {
    let (status, code, message) = match refused {
        Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the file is larger than 10 MB"),
        Refused::Kind => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "wrong-kind",
            "the file is no JPEG, PNG, WebP, HEIC or PDF: what it holds is looked at, not its name",
        ),
        Refused::Empty => (StatusCode::UNPROCESSABLE_ENTITY, "empty", "there is nothing in the file"),
        Refused::Broken => {
            (StatusCode::BAD_REQUEST, "unreadable", "the file broke off, or did not come in time")
        }
        Refused::Disk => (
            StatusCode::INSUFFICIENT_STORAGE,
            "no-room",
            "the file cannot be kept on this server's disk; nothing was stored, see the log",
        ),
    };
    ApiError::new(status, code, message)
}

/// The row of a file that was taken.
pub(crate) fn row(taken: &Taken, customer: hotline_model::CustomerId, name: &str) -> NewAttachment {
    NewAttachment {
        id: taken.id.clone(),
        customer,
        interaction: None,
        ticket: None,
        link: None,
        name: Pii::new(name.to_owned()),
        media_type: taken.kind.media_type.to_owned(),
        bytes: taken.bytes,
        sha256: taken.sha256.clone(),
        file: taken.file.clone(),
    }
}

/// Puts a file on a customer's record: the body is the file, 10 MB at most, a JPEG, PNG, WebP, HEIC or PDF by what it
/// holds. The same file once more is the one that is there. For agents and supervisors.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/attachments", tag = "customers", params(("id" = String, Path), About),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = AttachmentStored), (status = 200, body = AttachmentStored),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 413, body = Problem),
        (status = 415, description = "wrong-kind", body = Problem), (status = 422, body = Problem),
        (status = 503, description = "busy", body = Problem), (status = 507, description = "no-room", body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Asked(about): Asked<About>,
    body: HttpBody,
) -> Result<Response, ApiError> {
    asker.needs(&SERVES)?;
    let (customer, folder) = (customer_id(&id)?, folder(&desk)?);
    desk.record.family(customer).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    let _turn = desk.uploads.of_agent().ok_or_else(|| {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "other files are being taken: try again in a minute",
        )
    })?;
    let taken = files::take(&desk.record, &folder, body.into_data_stream()).await.map_err(told)?;
    let new = NewAttachment {
        interaction: about.interaction,
        ticket: about.ticket,
        ..row(&taken, customer, about.name.as_deref().unwrap_or_default())
    };
    match desk.record.add_attachment(new, &asker.name).await? {
        Attached::Stored(id) => {
            taken.keep();
            Ok((StatusCode::CREATED, Json(AttachmentStored { id })).into_response())
        }
        Attached::Known(id) => Ok(Json(AttachmentStored { id }).into_response()),
        // Of links only.
        Attached::Full | Attached::Expired => Err(ApiError::not_found("link")),
    }
}

async fn found(desk: &Desk, id: &str) -> Result<Attachment, ApiError> {
    desk.record.find_attachment(id).await?.ok_or_else(|| ApiError::not_found("attachment"))
}

/// A file itself. It lies on the server that took it. For agents and supervisors; a look is logged once an hour.
#[utoipa::path(
    get, path = "/api/v1/attachments/{id}/file", tag = "customers", params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "application/octet-stream", body = Vec<u8>),
        (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub async fn file(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    asker.needs(&SERVES)?;
    let one = found(&desk, &id).await?;
    // A time line shows its pictures whenever it is painted.
    desk.record.log_accesses_hourly(&asker.name, [one.customer], "attachment").await?;
    let gone = || ApiError::not_found("file on this server");
    let kind = kind_of(&one.media_type).ok_or_else(gone)?;
    // The name is ours; a path in it would be none of ours.
    let name = std::path::Path::new(&one.file).file_name().ok_or_else(gone)?;
    let bytes = tokio::fs::read(folder(&desk)?.join(name)).await.map_err(|_| gone())?;
    let rules: [(HeaderName, String); 5] = [
        (CONTENT_TYPE, kind.media_type.to_owned()),
        (CONTENT_DISPOSITION, disposition(one.name.expose(), &one.id, kind.ending)),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".into()),
        (CACHE_CONTROL, "private, no-store".into()),
    ];
    Ok((rules, bytes).into_response())
}

/// RFC 6266: saved, never shown as a page; with the sender's name for it where that can be said safely.
fn disposition(name: &str, id: &str, ending: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    // Whatever it is called, it ends as what it is.
    let end = format!(".{ending}");
    if !name.to_lowercase().ends_with(&end) {
        escaped.push_str(&end);
    }
    format!("attachment; filename=\"{id}.{ending}\"; filename*=UTF-8''{escaped}")
}

/// Deletes a file for good. For supervisors, on the server where it lies.
#[utoipa::path(
    delete, path = "/api/v1/attachments/{id}", tag = "customers", params(("id" = String, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn delete(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let one = found(&desk, &id).await?;
    let elsewhere = || {
        ApiError::new(
            StatusCode::CONFLICT,
            "elsewhere",
            "the file does not lie on this server: delete it on the one that took it",
        )
    };
    let name = std::path::Path::new(&one.file).file_name().filter(|_| one.here).ok_or_else(elsewhere)?;
    // The file first: what a crash leaves is a row whose file is gone, which is done again.
    if let Err(error) = tokio::fs::remove_file(folder(&desk)?.join(name)).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::error!(%error, "an attachment cannot be deleted");
        return Err(told(Refused::Disk));
    }
    desk.record.delete_attachment(&id, &asker.name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For what a link is sent.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkWanted {
    /// About which ticket.
    #[serde(default)]
    ticket: Option<String>,
}

/// The message of a link.
fn words(base: &str, token: &str, language: Language) -> String {
    let base = base.trim_end_matches('/');
    match language {
        Language::ZhCn => {
            format!("您好,请点开链接上传照片或文件,48小时内有效: {base}/u/{token} 请勿转发。")
        }
        Language::EnUs => format!(
            "Please open this link to send us a photo or a document. It is valid for 48 hours; do not pass it on: {base}/u/{token}"
        ),
    }
}

/// Sends a customer a link by which they can send photos and documents: to the verified number on file alone, valid for
/// 48 hours. Two with one `Idempotency-Key` are one; a customer gets five in 24 hours at most.
#[utoipa::path(
    post, path = "/api/v1/customers/{id}/upload-links", tag = "customers", params(("id" = String, Path)),
    request_body = LinkWanted,
    responses(
        (status = 202, description = "It goes out at once"), (status = 403, body = Problem),
        (status = 404, body = Problem),
        (status = 409, description = "no-number, too-often, or no-address: `[messages] links` is not set", body = Problem),
    )
)]
pub async fn send_link(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(wanted): Body<LinkWanted>,
) -> Result<StatusCode, ApiError> {
    asker.needs(&SERVES)?;
    let (customer, key) = (customer_id(&id)?, idempotency_key(&headers)?);
    let ticket = wanted.ticket.map(|id| id.parse()).transpose();
    let ticket = ticket.map_err(|_| ApiError::not_found("ticket"))?;
    folder(&desk)?;
    let conflict = |code, message| Err(ApiError::new(StatusCode::CONFLICT, code, message));
    let Some(base) = desk.links.clone() else {
        return conflict(
            "no-address",
            "there is no address for links: set `links = \"https://…\"` under `[messages]` of the configuration",
        );
    };
    let words = move |token: &str, language| words(&base, token, language);
    let sent = desk
        .record
        .send_upload_link(customer, ticket, &words, desk.language, key.as_deref(), &asker.name)
        .await?;
    match sent {
        LinkSent::Planned => Ok(StatusCode::ACCEPTED),
        LinkSent::NoNumber => conflict("no-number", "none of the customer's numbers is verified"),
        LinkSent::TooOften => conflict("too-often", "this customer got five links in the last 24 hours"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("a\"; x=\r\n账.JPG", "01", "jpg"),
            "attachment; filename=\"01.jpg\"; filename*=UTF-8''a%22%3B%20x%3D%0D%0A%E8%B4%A6.JPG"
        );
        assert!(disposition("evil.html", "01", "pdf").ends_with("UTF-8''evil.html.pdf"));
    }

    #[test]
    fn a_message_of_a_link_fits_a_few_short_messages() {
        let token = "0123456789abcdef0123456789abcdef";
        let english = words("https://kf.example/", token, Language::EnUs);
        assert!(english.contains("https://kf.example/u/0123") && english.len() < 200, "{english}");
        assert!(words("https://kf.example", token, Language::ZhCn).chars().count() < 134);
    }
}
