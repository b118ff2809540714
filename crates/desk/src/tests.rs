//! The API as a client sees it: statuses and bodies.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hotline_model::clock::ManualClock;
use hotline_model::{Clock, Language};
use hotline_record::{Record, Settings};
use serde_json::{Value, json};
use tower::ServiceExt;
use utoipa::OpenApi;

use crate::{ApiDocument, Desk, Token, Tokens, router};

struct House {
    desk: Desk,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

const MASKED: &str = "token-that-sees-masks";
const WHOLE: &str = "token-that-sees-numbers";

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new("2026-11-20T02:00:00Z".parse().unwrap()));
    let record = Record::open(&Settings::sqlite(&folder.path().join("record.db")), clock).await.unwrap();
    let tokens = Tokens(vec![Token::new("crm", MASKED, false), Token::new("supervisor", WHOLE, true)]);
    let desk = Desk::new(record, tokens, Language::ZhCn);
    House { router: router(desk.clone()), desk, _folder: folder }
}

impl House {
    async fn ask(&self, token: &str, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn post_ticket(&self, ticket: &Value) -> (StatusCode, Value) {
        self.ask(MASKED, "POST", "/api/v1/tickets", &ticket.to_string()).await
    }
}

fn ticket() -> Value {
    json!({ "external-ref": "T-1", "phone": "138 0013 8000", "name": "王小明", "state": "closed",
        "code": "407192865", "result": "您的退费25元7个工作日到账。" })
}

#[tokio::test]
async fn a_ticket_is_created_once() {
    let house = house().await;
    let (status, body) = house.post_ticket(&ticket()).await;
    assert_eq!((status, &body["change"]), (StatusCode::CREATED, &json!("created")));
    let (status, again) = house.post_ticket(&ticket()).await;
    assert_eq!((status, &again["change"]), (StatusCode::OK, &json!("unchanged")));
    assert_eq!(again["ticket"], body["ticket"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_ticket_is_told_and_nothing_is_stored() {
    let house = house().await;
    let (status, body) = house.ask(MASKED, "POST", "/api/v1/tickets", "{").await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("bad-json")));
    let mut unknown = ticket();
    unknown["colour"] = json!("red");
    let (status, body) = house.post_ticket(&unknown).await;
    assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("bad-field")));
    assert!(body["message"].as_str().unwrap().starts_with("unknown field `colour`"), "{body}");
    let mut kind = ticket();
    kind["name"] = json!(13_800_138_000_u64);
    let (_, body) = house.post_ticket(&kind).await;
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with("name: expected a string") && !message.contains("13800138000"), "{body}");
    let mut number = ticket();
    number["phone"] = json!("12");
    let (status, body) = house.post_ticket(&number).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body["message"].as_str().unwrap().starts_with("phone: "), "{body}");
    let (_, journal) = house.ask(MASKED, "GET", "/api/v1/events", "").await;
    assert_eq!(journal["events"], json!([]));
}

#[tokio::test]
async fn nobody_asks_without_a_token() {
    let house = house().await;
    for (method, path) in [
        ("POST", "/api/v1/tickets"),
        ("GET", "/api/v1/customers?phone=13800138000"),
        ("GET", "/api/v1/calls"),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/receipts"),
    ] {
        let (status, body) = house.ask("guessed", method, path, "{}").await;
        assert_eq!((status, &body["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")), "{path}");
    }
}

#[tokio::test]
async fn a_customer_is_shown_masked_unless_the_token_sees_numbers_and_never_with_a_code() {
    let house = house().await;
    house.post_ticket(&ticket()).await;
    let path = "/api/v1/customers?phone=%2B8613800138000";
    let (status, masked) = house.ask(MASKED, "GET", path, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(masked["identities"][0]["value"], "+86138••••8000");
    let (_, whole) = house.ask(WHOLE, "GET", path, "").await;
    assert_eq!(whole["identities"][0]["value"], "+8613800138000");
    assert!(!whole.to_string().contains("407192865"));
    let by_id = format!("/api/v1/customers/{}", whole["id"].as_str().unwrap());
    assert_eq!(house.ask(WHOLE, "GET", &by_id, "").await.1["tickets"][0]["external-ref"], "T-1");
    assert_eq!(house.ask(WHOLE, "GET", "/api/v1/customers/nobody", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.ask(WHOLE, "GET", "/api/v1/customers?phone=x", "").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_of_more_than_a_megabyte_is_refused() {
    let house = house().await;
    let mut large = ticket();
    large["result"] = json!("费".repeat(400_000));
    let (status, body) = house.post_ticket(&large).await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too-large")));
}

#[tokio::test]
async fn whatever_is_wrong_with_a_request_is_told_in_one_shape() {
    let house = house().await;
    for (method, path, status, code) in [
        ("GET", "/api/v1/nothing", StatusCode::NOT_FOUND, "no-route"),
        ("GET", "/api/v1/calls/%f6", StatusCode::NOT_FOUND, "no-route"),
        ("DELETE", "/api/v1/tickets", StatusCode::METHOD_NOT_ALLOWED, "no-method"),
        ("GET", "/api/v1/customers", StatusCode::BAD_REQUEST, "bad-query"),
        ("GET", "/api/v1/calls?limit=many", StatusCode::BAD_REQUEST, "bad-query"),
        ("POST", "/api/v1/receipts", StatusCode::BAD_REQUEST, "bad-json"),
    ] {
        let (found, body) = house.ask(MASKED, method, path, "").await;
        assert_eq!((found, &body["code"]), (status, &json!(code)), "{method} {path}");
        assert!(body["message"].is_string(), "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn a_receipt_for_an_unknown_message_is_told() {
    let house = house().await;
    let receipt = json!({ "message": "no-such", "state": "delivered" }).to_string();
    assert_eq!(house.ask(MASKED, "POST", "/api/v1/receipts", &receipt).await.0, StatusCode::NOT_FOUND);
    let bad = json!({ "message": "no-such", "state": "eaten" }).to_string();
    assert_eq!(house.ask(MASKED, "POST", "/api/v1/receipts", &bad).await.0, StatusCode::BAD_REQUEST);
}

#[test]
fn the_document_describes_every_route() {
    let document = serde_json::to_value(ApiDocument::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let routes = include_str!("lib.rs");
    let paths: Vec<&str> = routes
        .split(".route(\"")
        .skip(1)
        .filter_map(|line| line.split('"').next())
        .filter(|path| path.starts_with("/api/v1/") && !path.ends_with("openapi.json"))
        .collect();
    assert!(paths.len() >= 40, "{paths:?}");
    for path in paths.into_iter().chain(["/healthz", "/readyz"]) {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

mod attachments;
mod consents;
mod desktop;
mod floor;
mod import;
mod live;
mod mine;
mod people;
mod rebates;
mod reviews;
mod roles;
mod surveys;
