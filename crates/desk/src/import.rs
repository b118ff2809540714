//! Customers in, as the firm's own system knows them: one as JSON, many as a CSV file.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body as HttpBody, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use hotline_record::{Change, CustomerFile, CustomerInput, Encoding, RecordError, Told};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body};

/// The largest file: 64 MB, some hundred thousand customers.
const FILE: usize = 64 << 20;
/// A file whose next bytes do not come within this time has broken off.
const PATIENCE: Duration = Duration::from_secs(30);

/// A customer as the firm's own system knows them; what is absent stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `CustomerInput` for the API's document")]
pub struct CustomerBody {
    /// The customer's number there: 1 to 64 characters. The same one again changes the same customer.
    external_ref: String,
    name: Option<String>,
    /// Five at most; taken for verified.
    phones: Option<Vec<String>>,
    email: Option<String>,
    membership: Option<String>,
    /// `zh-CN` or `en-US`.
    language: Option<String>,
    tier: Option<String>,
    do_not_call: Option<bool>,
    /// Added to those that are there.
    tags: Option<Vec<String>>,
    /// Texts by name; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    attributes: Option<()>,
    /// When it was changed there last (RFC 3339); an older change is not taken.
    changed_at: Option<String>,
}

/// What was done with a customer.
#[derive(Serialize, ToSchema)]
pub struct CustomerStored {
    /// The customer's id.
    customer: String,
    /// `created`, `changed`, `unchanged`, or `stale` where a later change is known already or they were erased here.
    #[schema(value_type = String)]
    change: Change,
}

/// Stores a customer by the firm's own number. The same again changes nothing, so a request may be repeated. For
/// supervisors, operators and machines.
#[utoipa::path(
    post, path = "/api/v1/customers", tag = "customers", request_body = CustomerBody,
    responses(
        (status = 201, body = CustomerStored), (status = 200, body = CustomerStored),
        (status = 400, body = Problem), (status = 403, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn put(
    State(desk): State<Desk>,
    asker: Asker,
    Body(input): Body<CustomerInput>,
) -> Result<(StatusCode, Json<CustomerStored>), ApiError> {
    asker.may_tell()?;
    let mut stored = desk.record.upsert_customers(vec![input], &asker.name).await?;
    let stored = stored.pop().unwrap_or(Err(RecordError::NotFound("customer")))?;
    let status = if stored.change == Change::Created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(CustomerStored { customer: stored.customer.to_string(), change: stored.change })))
}

/// How a file is taken in.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "kebab-case")]
pub struct Wanted {
    /// `true`: only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// `utf-8` or `gbk`; found out if absent.
    encoding: Option<String>,
}

/// Takes in a CSV file of customers, 64 MB at most. Each row is stored whole or told with its line; the same file
/// again changes nothing. The answer comes line by line while it is done: `{"line": 17, "problem": "phone: …"}`,
/// `{"done": 1000, "of": 5000}`, last `{"created": …, "changed": …, "unchanged": …, "stale": …, "refused": …}`, or
/// `{"code": "…", "message": "…"}` where the database went away. For supervisors, operators and machines.
#[utoipa::path(
    post, path = "/api/v1/customers/import", tag = "customers", params(Wanted),
    request_body(content = String, content_type = "text/csv"),
    responses(
        (status = 200, body = String, content_type = "application/x-ndjson"),
        (status = 403, body = Problem), (status = 409, description = "Another file is being taken in", body = Problem),
        (status = 413, body = Problem), (status = 422, description = "No file of customers", body = Problem),
    )
)]
pub async fn import(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(wanted): Asked<Wanted>,
    body: HttpBody,
) -> Result<Response, ApiError> {
    asker.may_tell()?;
    let encoding: Option<Encoding> =
        wanted.encoding.as_deref().map(str::parse).transpose().map_err(|problem: String| {
            ApiError::new(StatusCode::BAD_REQUEST, "bad-query", format!("encoding: {problem}"))
        })?;
    let turn = Arc::clone(&desk.imports).try_acquire_owned().map_err(|_| {
        ApiError::new(
            StatusCode::CONFLICT,
            "busy",
            "another file is being taken in: try again when it is done",
        )
    })?;
    let source = receive(body).await?;
    let opened = tokio::task::spawn_blocking(move || CustomerFile::open(source, encoding)).await;
    let file = opened
        .map_err(|_| lost())?
        .map_err(|problem| ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-file", problem))?;
    let of = file.lines();
    let (tell, mut heard) = mpsc::channel(64);
    let (lines, answer) = mpsc::channel::<Bytes>(64);
    let work = tokio::spawn(async move {
        let _turn = turn;
        desk.record.import_customers(file, wanted.dry_run, &asker.name, &tell).await
    });
    tokio::spawn(async move {
        while let Some(told) = heard.recv().await {
            let told = match told {
                Told::Bad { line, problem } => json!({ "line": line, "problem": problem }),
                Told::Done { line } => json!({ "done": line, "of": of }),
            };
            // Whoever has hung up hears nothing more, and the import ends with its next rows.
            if lines.send(line_of(&told)).await.is_err() {
                return;
            }
        }
        let told = match work.await {
            Ok(Ok(counts)) => json!({ "created": counts.created, "changed": counts.changed,
                "unchanged": counts.unchanged, "stale": counts.stale, "refused": counts.refused }),
            Ok(Err(error)) => json!(ApiError::from(error).1),
            Err(_) => json!(lost().1),
        };
        let _ = lines.send(line_of(&told)).await;
    });
    let answer = futures_util::stream::unfold(answer, |mut answer| async move {
        Some((Ok::<_, std::convert::Infallible>(answer.recv().await?), answer))
    });
    let mut response = HttpBody::from_stream(answer).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn line_of(told: &serde_json::Value) -> Bytes {
    Bytes::from(format!("{told}\n"))
}

fn lost() -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "something is wrong on our side; see the log")
}

/// The file, on disk under no name: it may be long, and is read twice.
async fn receive(body: HttpBody) -> Result<std::fs::File, ApiError> {
    let broken = || ApiError::new(StatusCode::BAD_REQUEST, "unreadable", "the body broke off");
    let full = |error: std::io::Error| {
        tracing::error!(%error, "a file that is taken in cannot be kept while it is read");
        lost()
    };
    let mut file = tempfile::tempfile().map_err(full)?;
    let (mut data, mut size) = (body.into_data_stream(), 0);
    while let Some(bytes) = tokio::time::timeout(PATIENCE, data.next()).await.map_err(|_| broken())? {
        let bytes = bytes.map_err(|_| broken())?;
        size += bytes.len();
        if size > FILE {
            return Err(ApiError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "the file is larger than 64 MB: take it in in parts, or with `hotline import --customers`",
            ));
        }
        let written = tokio::task::spawn_blocking(move || file.write_all(&bytes).map(|()| file)).await;
        file = written.map_err(|_| lost())?.map_err(full)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(full)?;
    Ok(file)
}
