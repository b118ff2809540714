//! What requests carry, taken apart: whatever is wrong is told in the API's own shape.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::Desk;
use crate::error::ApiError;

/// Within this a body is there whole.
const WITHIN: Duration = Duration::from_secs(30);

/// A JSON body.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Desk> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, ApiError> {
        let bytes = within(WITHIN, Bytes::from_request(request, desk)).await?.map_err(|refused| {
            if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiError::new(refused.status(), "too-large", "the body is larger than 1 MB")
            } else {
                ApiError::new(StatusCode::BAD_REQUEST, "unreadable", "the body broke off")
            }
        })?;
        let mut reader = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let field = error.path().to_string();
            wrong(&field, error.inner())
        })?;
        reader.end().map_err(|error| wrong(".", &error))?;
        Ok(Self(value))
    }
}

/// Waits for a body, which a peer may never send.
async fn within<T>(limit: Duration, read: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(limit, read).await.map_err(|_| {
        ApiError::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not come within 30 seconds")
    })
}

/// The parser's own words may quote a value, so only names are taken from them.
fn wrong(field: &str, error: &serde_json::Error) -> ApiError {
    let place = format!("line {}, column {}", error.line(), error.column());
    if error.classify() != serde_json::error::Category::Data {
        return ApiError::new(StatusCode::BAD_REQUEST, "bad-json", format!("the body is no JSON ({place})"));
    }
    let words = error.to_string();
    let names_only = words.starts_with("unknown field") || words.starts_with("missing field");
    let what = match words.split_once(", expected ") {
        _ if names_only => words.split(" at line ").next().unwrap_or_default().to_owned(),
        Some((_, expected)) => {
            format!("{field}: expected {}", expected.split(" at line ").next().unwrap_or_default())
        }
        None => format!("{field}: of the wrong kind"),
    };
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "bad-field",
        format!("{what} ({place}); /api/v1/openapi.json tells the fields"),
    )
}

/// What stands behind the `?`.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Desk> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, desk: &Desk) -> Result<Self, ApiError> {
        let Query(value) = Query::from_request_parts(parts, desk).await.map_err(|_| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad-query",
                format!(
                    "what stands behind `?` cannot be read for {}; /api/v1/openapi.json tells the fields",
                    parts.uri.path()
                ),
            )
        })?;
        Ok(Self(value))
    }
}

/// The version that a change rests on: `If-Match: "3"`. Without the header it rests on none.
pub fn if_match(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.trim_start_matches("W/").trim_matches('"').parse();
    version.map(Some).map_err(|_| {
        ApiError::new(StatusCode::BAD_REQUEST, "bad-version", "If-Match: send back the ETag as it came")
    })
}

/// What makes two requests one: `Idempotency-Key`, 1 to 200 characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text.is_empty() || text.len() > 200 {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-key",
            "Idempotency-Key: 1 to 200 characters are expected",
        ));
    }
    Ok(Some(text.to_owned()))
}

/// An answer with its version as ETag.
pub fn versioned<T: serde::Serialize>(version: i64, body: T) -> Response {
    let mut answer = axum::Json(body).into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("\"{version}\"")) {
        answer.headers_mut().insert(ETAG, value);
    }
    answer
}

/// Refuses paths whose `%` escapes are no UTF-8: nothing is called so, and no route could read them.
pub async fn readable_path(asked: Request, next: Next) -> Response {
    if is_readable(asked.uri().path()) { next.run(asked).await } else { no_route().await.into_response() }
}

/// Whether a path's escapes (RFC 3986 §2.1) are UTF-8; a `%` without two digits behind it stands for itself.
fn is_readable(path: &str) -> bool {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| char::from(*behind.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// A path that nothing serves.
pub async fn no_route() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "no-route", "nothing is served here; see /api/v1/openapi.json")
}

/// A method that the path does not take.
pub async fn no_method() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no-method",
        "the path does not take this method; see /api/v1/openapi.json",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_never_comes_is_given_up() {
        let silent = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let never = axum::body::to_bytes(axum::body::Body::from_stream(silent), 1 << 20);
        let ApiError(status, problem) = within(Duration::from_millis(5), never).await.unwrap_err();
        assert_eq!((status, problem.code), (StatusCode::REQUEST_TIMEOUT, "too-slow"));
    }
}
