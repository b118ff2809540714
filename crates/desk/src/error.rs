//! What the API says when it cannot do what was asked.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotline_record::RecordError;
use serde::Serialize;
use utoipa::ToSchema;

/// An error as the API tells it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A short code in kebab case that never changes its meaning.
    pub code: &'static str,
    /// What is wrong and what to do, in words.
    pub message: String,
    /// Of a conflict: how it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub now: Option<serde_json::Value>,
}

/// A problem with its HTTP status.
#[derive(Debug)]
pub struct ApiError(pub StatusCode, pub Problem);

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(status, Problem { code, message: message.into(), now: None })
    }

    /// The same with how it is now.
    #[must_use]
    pub fn with_now(mut self, now: &impl Serialize) -> Self {
        self.1.now = serde_json::to_value(now).ok();
        self
    }

    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no such {what}"))
    }
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Invalid(message) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message),
            RecordError::NotFound(what) => Self::not_found(what),
            RecordError::Stale(message) => Self::new(StatusCode::PRECONDITION_FAILED, "stale", message),
            RecordError::Unavailable(_) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "the record cannot be reached; nothing was stored, try again",
            ),
            other => {
                tracing::error!(error = %other, "a request failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "failed",
                    "something is wrong on our side; see the log",
                )
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(self.1)).into_response()
    }
}
