//! Customers out. Every look is logged before it is answered.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hotline_model::{CustomerId, PhoneNumber};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Asked;
use crate::views::CustomerPage;

/// How many of the last calls a customer's page holds.
const CONTACTS: u32 = 50;

/// By what a customer is looked for.
#[derive(Deserialize, IntoParams)]
pub struct Search {
    /// A telephone number in any spelling; `+` is written `%2B`.
    phone: String,
}

/// The customer a telephone number belongs to.
#[utoipa::path(
    get, path = "/api/v1/customers", params(Search),
    responses((status = 200, body = CustomerPage), (status = 404, body = Problem), (status = 401, body = Problem))
)]
pub async fn find(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(search): Asked<Search>,
) -> Result<Json<CustomerPage>, ApiError> {
    asker.serves()?;
    let phone = PhoneNumber::parse(&search.phone).map_err(|_| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-number",
            "phone: not a telephone number; write 13800138000",
        )
    })?;
    let id =
        desk.record.find_customer_by_phone(&phone).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    page(&desk, &asker, id).await
}

/// A customer by id, with tickets, messages, follow-ups and calls.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}", params(("id" = String, Path)),
    responses((status = 200, body = CustomerPage), (status = 404, body = Problem), (status = 401, body = Problem))
)]
pub async fn load(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<CustomerPage>, ApiError> {
    asker.serves()?;
    let id: CustomerId = id.parse().map_err(|_| ApiError::not_found("customer"))?;
    page(&desk, &asker, id).await
}

async fn page(desk: &Desk, asker: &Asker, id: CustomerId) -> Result<Json<CustomerPage>, ApiError> {
    let view =
        desk.record.find_customer(id, CONTACTS).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    desk.record.log_access(&asker.name, view.id, "customer").await?;
    Ok(Json(CustomerPage::new(view, asker.sees_numbers)))
}
