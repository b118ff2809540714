//! The HTTP API: whatever is asked, the answer is one of the API's own, and the API goes on.

use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use hotline_desk::{Desk, Token, Tokens, router};
use hotline_model::clock::ManualClock;
use hotline_model::{Clock, Language};
use hotline_record::{Record, Role, Settings};
use serde_json::Value;
use tokio::runtime::Runtime;
use tower::ServiceExt;

const SECRET: &str = "the-secret-of-the-fuzz-target";

struct House {
    runtime: Runtime,
    router: Router,
    _folder: tempfile::TempDir,
}

/// One API for all inputs: what one leaves behind, the next one meets.
fn house() -> &'static Mutex<House> {
    static HOUSE: OnceLock<Mutex<House>> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let start = "2026-11-20T02:00:00Z".parse().expect("a time that is written here");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(start));
        let settings = Settings::sqlite(&folder.path().join("record.db"));
        let record = runtime.block_on(Record::open(&settings, clock)).expect("an empty record can be opened");
        let roles = Role::ALL.to_vec();
        let tokens = Tokens(vec![Token::new("fuzz", SECRET, true).with_roles(roles)]);
        let desk = Desk::new(record, tokens, Language::ZhCn);
        Mutex::new(House { runtime, router: router(desk), _folder: folder })
    })
}

/// The first line is method and path, what follows is the body.
pub fn request(bytes: &[u8]) {
    let (line, body) = bytes.split_at(bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len()));
    let line = String::from_utf8_lossy(line);
    let (method, path) = line.split_once(' ').unwrap_or(("POST", line.as_ref()));
    let asked = Request::builder()
        .method(method)
        .uri(path.trim())
        .header(header::AUTHORIZATION, format!("Bearer {SECRET}"))
        .body(Body::from(body.strip_prefix(b"\n").unwrap_or(body).to_vec()));
    // What is no request at all never reaches the routes: hyper answers it.
    let Ok(asked) = asked else { return };
    let is_api = asked.uri().path().starts_with("/api/");
    let is_head = asked.method() == axum::http::Method::HEAD;
    let house = house().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (status, body) = house.runtime.block_on(async {
        let answer = house.router.clone().oneshot(asked).await.expect("the routes never fail");
        let status = answer.status();
        (status, axum::body::to_bytes(answer.into_body(), 1 << 24).await.expect("an answer ends"))
    });
    assert!(!status.is_server_error(), "{line}: {status}");
    if is_api && !is_head && status.is_client_error() {
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert!(told["code"].is_string() && told["message"].is_string(), "{line}: {status} without words");
    }
    if status == StatusCode::CREATED {
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert!(told["ticket"].is_string(), "{line}: created, and nobody knows what");
    }
}

/// Requests as a CRM, a gateway and a desktop make them.
pub fn requests() -> Vec<Vec<u8>> {
    let ticket = r#"{"external-ref": "T-1", "phone": "138 0013 8000", "name": "王小明", "state": "closed", "code": "407192865", "result": "您的退费25元7个工作日到账。", "changed-at": "2026-11-20T01:00:00Z"}"#;
    [
        format!("POST /api/v1/tickets\n{ticket}"),
        "POST /api/v1/tickets\n{\"external-ref\": \"T-2\", \"phone\": \"+14155550123\", \"language\": \"en-US\", \"state\": \"open\"}".into(),
        "POST /api/v1/receipts\n{\"message\": \"m-1\", \"state\": \"failed\", \"reason\": \"no such number\"}".into(),
        "GET /api/v1/customers?phone=%2B8613800138000".into(),
        "GET /api/v1/customers/01981f6e-0000-7000-8000-000000000000".into(),
        "GET /api/v1/calls?limit=3".into(),
        "GET /api/v1/calls/01981f6e-0000-7000-8000-000000000000".into(),
        "GET /api/v1/events?after=0&limit=5".into(),
        "GET /api/v1/openapi.json".into(),
        "GET /readyz".into(),
    ]
    .map(String::into_bytes)
    .into()
}
