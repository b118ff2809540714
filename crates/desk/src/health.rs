//! Whether the hotline lives, whether it can serve, and its figures.

use axum::extract::State;
use axum::http::StatusCode;

use crate::Desk;

/// The process lives.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The record takes what is written.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String), (status = 503, body = String)))]
pub async fn readyz(State(desk): State<Desk>) -> (StatusCode, String) {
    if desk.record.is_available() {
        (StatusCode::OK, "ok\n".into())
    } else {
        let spooled = desk.record.spooled_steps();
        (StatusCode::SERVICE_UNAVAILABLE, format!("the database is away; {spooled} steps wait for it\n"))
    }
}

/// The figures in Prometheus' text format.
pub async fn metrics(State(desk): State<Desk>) -> (StatusCode, String) {
    match desk.metrics {
        Some(handle) => (StatusCode::OK, handle.render()),
        None => (StatusCode::NOT_FOUND, "no figures are collected\n".into()),
    }
}
