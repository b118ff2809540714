//! The HTTP API: tickets in, customers and calls out, receipts of messages, health and figures.
//!
//! It never knows the exchange: it reads and writes the record, so it can be tested without a
//! telephone and can move to another machine.

mod access;
mod calls;
mod customers;
mod error;
mod extract;
mod health;
mod receipts;
mod serve;
mod tickets;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use hotline_model::Language;
use hotline_record::Record;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;

pub use access::{Token, Tokens};
pub use serve::serve;

/// What the API works with.
#[derive(Clone)]
pub struct Desk {
    /// The record.
    pub record: Record,
    /// Who may ask.
    pub tokens: Arc<Tokens>,
    /// The language of customers whose CRM names none.
    pub language: Language,
    /// The figures, if they are collected.
    pub metrics: Option<PrometheusHandle>,
    /// Cancelled once no new calls are taken.
    pub draining: CancellationToken,
}

/// The largest body that is read: 1 MB.
const BODY: usize = 1 << 20;

/// The document that describes the API, made from the code.
#[derive(OpenApi)]
#[openapi(
    info(title = "hotline", description = "Tickets in; customers, calls and their paths out."),
    paths(
        tickets::put,
        customers::find,
        customers::load,
        calls::list,
        calls::load,
        calls::events,
        receipts::put,
        health::healthz,
        health::readyz,
    )
)]
pub struct ApiDocument;

/// The routes.
pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/api/v1/tickets", post(tickets::put))
        .route("/api/v1/customers", get(customers::find))
        .route("/api/v1/customers/{id}", get(customers::load))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::load))
        .route("/api/v1/events", get(calls::events))
        .route("/api/v1/receipts", post(receipts::put))
        .route("/api/v1/openapi.json", get(|| async { axum::Json(ApiDocument::openapi()) }))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(extract::no_route)
        .method_not_allowed_fallback(extract::no_method)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(desk)
}

#[cfg(test)]
mod tests;
