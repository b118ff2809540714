//! Whether the hotline lives, whether it can serve, and its figures.

use axum::extract::State;
use axum::http::StatusCode;

use crate::Desk;

/// The process lives. Nothing else is said by it: only a process that does not answer is to be
/// started anew.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Calls may be sent here: the record takes what is written, and new calls are taken. With 503 those
/// that run go on; the text says why. Which calls a plan or a limit refuses is no part of it.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String), (status = 503, body = String)))]
pub async fn readyz(State(desk): State<Desk>) -> (StatusCode, String) {
    if desk.draining.is_cancelled() {
        (StatusCode::SERVICE_UNAVAILABLE, "no new calls are taken: the process is about to end\n".into())
    } else if desk.record.is_available() {
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
