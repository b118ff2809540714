//! Webhooks against a server that fails, hangs, sends elsewhere and wants no more.

use std::net::SocketAddr;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hotline_model::clock::ManualClock;
use hotline_model::{Language, TicketInput, TicketState};
use hotline_record::{Replay, Settings};
use serde_json::Value;

use super::*;

/// What came: its path, headers and body.
type Came = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// A firm's own server: `/500`, `/410`, `/302`, `/429`, `/hang`, anything else is taken.
async fn receiver() -> (SocketAddr, Came) {
    async fn take(State(came): State<Came>, request: axum::extract::Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let path = parts.uri.path().to_owned();
        came.lock().unwrap().push((path.clone(), parts.headers, String::from_utf8(body.to_vec()).unwrap()));
        match path.as_str() {
            "/500" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            "/410" => StatusCode::GONE.into_response(),
            "/302" => (StatusCode::FOUND, [("location", "/ok")]).into_response(),
            "/429" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "120")]).into_response(),
            "/hang" => std::future::pending().await,
            _ => StatusCode::NO_CONTENT.into_response(),
        }
    }
    let came = Came::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(any(take)).with_state(Arc::clone(&came));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, came)
}

struct House {
    record: Record,
    clock: Arc<ManualClock>,
    address: SocketAddr,
    came: Came,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new("2026-11-20T02:00:00Z".parse().unwrap()));
    let shared: Arc<dyn Clock> = clock.clone();
    let record = Record::open(&Settings::sqlite(&folder.path().join("record.db")), shared).await.unwrap();
    let (address, came) = receiver().await;
    House { record, clock, address, came, _folder: folder }
}

fn settings(url: String) -> WebhookSettings {
    WebhookSettings {
        name: "crm".into(),
        url,
        secrets: vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned().into()],
        events: vec!["ticket.*".into()],
        sees: Sees::default(),
        private: true,
        within: Duration::from_secs(10),
    }
}

impl House {
    fn webhook(&self, path: &str) -> Arc<Webhook> {
        Arc::new(Webhook::new(settings(format!("http://{}{path}", self.address))).unwrap())
    }

    async fn turn(&self, webhook: &Arc<Webhook>) {
        let clock: Arc<dyn Clock> = self.clock.clone();
        while turn(&self.record, webhook, &clock).await.unwrap() {}
    }

    async fn ticket(&self, reference: &str) {
        let input = TicketInput {
            external_ref: reference.into(),
            phone: "13800138000".to_owned().into(),
            name: Some("王小明".to_owned().into()),
            language: None,
            category: None,
            outcome: None,
            state: TicketState::Open,
            result: None,
            result_language: None,
            code: None,
            changed_at: None,
        };
        self.record.upsert_ticket(input, Language::ZhCn).await.unwrap();
    }

    fn came(&self) -> Vec<(String, HeaderMap, String)> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }

    async fn told(&self, type_name: &str) -> usize {
        let events = self.record.follow(0, 1000).await.unwrap();
        events.iter().filter(|event| event.type_name == type_name).count()
    }
}

#[tokio::test]
async fn an_entry_is_told_once_signed_and_names_nobody() {
    let house = house().await;
    let webhook = house.webhook("/ok");
    house.ticket("T-0").await;
    house.turn(&webhook).await;
    assert!(house.came().is_empty(), "a new webhook is told from now on");
    house.ticket("T-1").await;
    house.turn(&webhook).await;
    house.turn(&webhook).await;
    let came = house.came();
    let [(_, headers, body)] = came.as_slice() else { panic!("{came:?}") };
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let timestamp: i64 = header("webhook-timestamp").parse().unwrap();
    assert_eq!(timestamp, house.clock.now().as_second());
    assert_eq!(header("webhook-signature"), webhook.signatures(&header("webhook-id"), timestamp, body));
    assert!(!body.contains("王小明") && !body.contains("13800138000"), "{body}");
    let told: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&told["type"], &told["data"]["ticket-ref"]), (&"ticket.created".into(), &"T-1".into()));
    assert_eq!(told["data"]["body"]["state"], "open");
    // Who may see more is told more.
    let sees = Sees { names: true, numbers: true, ..Sees::default() };
    let all = WebhookSettings { name: "all".into(), sees, ..webhook.settings.clone() };
    let all = Arc::new(Webhook::new(all).unwrap());
    house.turn(&all).await;
    house.ticket("T-2").await;
    house.turn(&all).await;
    let told: Value = serde_json::from_str(&house.came()[0].2).unwrap();
    assert_eq!(told["data"]["customer-name"], "王小明");
    assert_eq!(told["data"]["customer-phone"], "+8613800138000");
}

#[tokio::test]
async fn what_fails_is_tried_for_three_days_then_given_up_and_replayed_under_its_id() {
    let house = house().await;
    let failing = house.webhook("/500");
    house.turn(&failing).await;
    house.ticket("T-1").await;
    let mut passed = Duration::ZERO;
    for pause in PAUSES_S {
        house.turn(&failing).await;
        assert_eq!(house.came().len(), 1, "after {passed:?}");
        house.turn(&failing).await;
        assert!(house.came().is_empty(), "not before its time");
        // Up to a fifth longer.
        house.clock.advance(Duration::from_secs(pause * 6 / 5 + 1));
        passed += Duration::from_secs(pause);
    }
    house.turn(&failing).await;
    let last = house.came();
    assert_eq!(last.len(), 1);
    let dead = house.record.deliveries("crm", "dead", 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts, dead[0].status), (1, 10, Some(500)));
    assert_eq!(house.told("webhook.gave-up").await, 1);
    assert_eq!(house.record.replay_deliveries("crm", Replay::Dead, "op").await.unwrap(), 1);
    let mended = house.webhook("/ok");
    house.turn(&mended).await;
    let came = house.came();
    assert_eq!(came.len(), 1, "what webhooks leave in the journal is told to none");
    assert_eq!(came[0].1["webhook-id"], last[0].1["webhook-id"]);
    let states = house.record.webhooks().await.unwrap();
    assert_eq!((states[0].due, states[0].dead, states[0].delivered_at.is_some()), (0, 0, true));
    let since = house.clock.now() - Duration::from_secs(30 * 86_400);
    assert_eq!(house.record.replay_deliveries("crm", Replay::Since(since), "op").await.unwrap(), 1);
    assert!(house.record.replay_deliveries("nobody", Replay::Dead, "op").await.is_err());
    house.turn(&mended).await;
    house.clock.advance(KEPT[0] + Duration::from_secs(1));
    let now = house.clock.now();
    assert_eq!(house.record.prune_deliveries(now - KEPT[0], now - KEPT[1]).await.unwrap(), 1);
}

#[tokio::test]
async fn who_wants_no_more_is_left_alone_until_somebody_says_otherwise() {
    let house = house().await;
    let gone = house.webhook("/410");
    house.turn(&gone).await;
    house.ticket("T-1").await;
    house.turn(&gone).await;
    assert_eq!(house.came().len(), 1);
    house.ticket("T-2").await;
    house.turn(&gone).await;
    assert!(house.came().is_empty());
    assert!(house.record.webhooks().await.unwrap()[0].disabled_at.is_some());
    assert_eq!(house.told("webhook.disabled").await, 1);
    house.record.replay_deliveries("crm", Replay::Dead, "op").await.unwrap();
    let back = house.webhook("/ok");
    house.turn(&back).await;
    house.ticket("T-3").await;
    house.turn(&back).await;
    assert!(house.came().len() >= 2);
}

#[tokio::test]
async fn redirects_are_not_followed_a_server_that_hangs_is_left_and_a_busy_one_is_given_its_time() {
    let house = house().await;
    let moved = house.webhook("/302");
    house.turn(&moved).await;
    house.ticket("T-1").await;
    house.turn(&moved).await;
    let came = house.came();
    assert_eq!((came.len(), came[0].0.as_str()), (1, "/302"));
    let due = house.record.deliveries("crm", "due", 1).await.unwrap();
    assert_eq!(due[0].status, Some(302));
    house.clock.advance(Duration::from_secs(7));
    let slow = settings(format!("http://{}/hang", house.address));
    let slow =
        Arc::new(Webhook::new(WebhookSettings { within: Duration::from_millis(100), ..slow }).unwrap());
    house.turn(&slow).await;
    let due = house.record.deliveries("crm", "due", 1).await.unwrap();
    assert!(due[0].error.as_ref().unwrap().starts_with("no answer in time"), "{due:?}");
    house.clock.advance(Duration::from_secs(361));
    let busy = house.webhook("/429");
    let before = house.clock.now();
    house.record.replay_deliveries("crm", Replay::Ids(vec![due[0].id.clone()]), "op").await.unwrap();
    house.turn(&busy).await;
    let due = house.record.deliveries("crm", "due", 1).await.unwrap();
    assert_eq!(due[0].run_at, before + Duration::from_secs(120), "longer than its own pause");
}

#[tokio::test]
async fn nothing_is_sent_into_our_own_network_unless_it_may() {
    let refused = |url: &str, private: bool| {
        Webhook::new(WebhookSettings { private, ..settings(url.to_owned()) }).err().unwrap_or_default()
    };
    for url in [
        "https://127.0.0.1/x",
        "https://10.0.0.9/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://169.254.169.254/",
    ] {
        assert!(refused(url, false).contains("private address"), "{url}");
        assert_eq!(refused(url, true), "", "{url}");
    }
    // As browsers read them: an address in other clothes.
    for url in ["https://0x7f.1/", "https://2130706433/"] {
        assert!(refused(url, false).contains("private address"), "{url}");
    }
    assert!(refused("http://crm.example/", false).contains("https"));
    assert!(refused("https://a:b@crm.example/", true).contains("no name and password"));
    assert!(refused("ftp://crm.example/", true).contains("https"));
    assert_eq!(refused("https://crm.example/hooks", false), "");
    // A name that leads inside is found out when it is looked up.
    let house = house().await;
    let inside = WebhookSettings { private: false, ..settings("https://localhost:1/".into()) };
    let inside = Arc::new(Webhook::new(inside).unwrap());
    house.turn(&inside).await;
    house.ticket("T-1").await;
    house.turn(&inside).await;
    let due = house.record.deliveries("crm", "due", 1).await.unwrap();
    assert!(due[0].error.as_ref().unwrap().contains("no public address"), "{due:?}");
}

#[test]
fn addresses_that_are_public() {
    for (text, public) in [
        ("8.8.8.8", true),
        ("100.64.0.1", false),
        ("172.31.0.1", false),
        ("198.18.0.1", false),
        ("0.0.0.0", false),
        ("255.255.255.255", false),
        ("2606:4700::1", true),
        ("fe80::1", false),
        ("fd00::1", false),
        ("::ffff:8.8.8.8", true),
        ("2002:0a00:0001::1", false),
        ("64:ff9b::7f00:1", false),
    ] {
        assert_eq!(address::is_public(text.parse().unwrap()), public, "{text}");
    }
}

#[test]
fn a_secret_is_as_the_specification_has_it_and_each_signs() {
    let with = |secrets: &[&str]| {
        let secrets = secrets.iter().map(|text| Pii::new((*text).to_owned())).collect();
        Webhook::new(WebhookSettings { secrets, ..settings("https://crm.example/".into()) })
    };
    for bad in ["", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"] {
        let problem = with(&[bad]).err().unwrap();
        assert!(problem.contains("whsec_") && !problem.contains("MfKQ"), "{problem}");
    }
    let webhook =
        with(&["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"]).unwrap();
    let signed = webhook.signatures("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
    assert_eq!(signed.split(' ').count(), 2);
    let known = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= ";
    assert!(signed.starts_with(known), "as the reference implementations sign: {signed}");
}
