//! The floor, reasons and wrap-up by the API.

use std::time::Duration;

use hotline_model::{AgentId, CallId, CallerNumber, IdSource, OfferId, WaitingId};
use hotline_queue::{
    AfterCall, AgentRow, AgentState, HandlingRow, OfferOutcome, OfferRow, Row, WaitingRow, WaitingState,
    skills,
};
use hotline_record::{CallDirection, NewCall, Role};

use super::*;
use crate::{QueueWords, Reason, router};

fn reason(code: &str) -> Reason {
    Reason { code: code.into(), name: [(Language::ZhCn, "好".into())].into() }
}

/// A house with one queue, and a caller of a known customer in it. Gives the call.
async fn with_a_caller() -> (House, IdSource, WaitingRow) {
    let mut house = house().await;
    let words: Arc<[QueueWords]> = vec![QueueWords {
        name: "complaints".into(),
        title: [(Language::EnUs, "Complaints".into())].into(),
        skills: vec!["complaints".into()],
        reasons: vec![reason("refund")],
    }]
    .into();
    house.desk.house.queues = tokio::sync::watch::channel(words).1;
    house.desk.house.wrap_up_reasons = vec![reason("settled")];
    house.desk.house.break_reasons = vec![reason("meal")];
    house.router = router(house.desk.clone());
    house.post_ticket(&ticket()).await;
    let (record, ids) = (&house.desk.record, IdSource::new(7));
    let now = record.now();
    let call: CallId = ids.next(now);
    let caller = CallerNumber::parse("13800138000");
    let known = record.recognise(&caller).await.unwrap();
    let new = NewCall {
        call,
        sip_call_id: "a@b".into(),
        direction: CallDirection::In,
        caller,
        dialled: "10086".into(),
        trunk: "t".into(),
        plan: "main".into(),
        plan_version: "1".into(),
        ticket: None,
        parent: None,
        at: now,
    };
    record.begin_call(new, &known);
    let waiting: WaitingId = ids.next(now);
    let row = WaitingRow {
        waiting,
        call,
        queue: "complaints".into(),
        priority: 0,
        skills: skills([]),
        last_agent: None,
        joined_at: now - Duration::from_secs(65),
        state: WaitingState::Waiting,
        since: now,
        agent: None,
        customer: known.customer,
        identity: None,
        kept_until: None,
        call_back: None,
    };
    record.store_queue_rows(&[Row::Waiting(row.clone())]);
    assert!(record.flush(Duration::from_secs(5)).await);
    (house, ids, row)
}

#[tokio::test]
async fn the_floor_shows_who_waits_masked_and_each_look_is_logged_once_an_hour() {
    let (house, _, row) = with_a_caller().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let designer = house.browser("de.sign", &[Role::Designer]).await;
    let refused = house.by(&designer, "GET", "/api/v1/queues", Value::Null).await.0;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    let (status, floor) = house.by(&agent, "GET", "/api/v1/queues", Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{floor}");
    let queue = &floor["queues"][0];
    assert_eq!((&queue["name"], &queue["title"]["en-US"]), (&json!("complaints"), &json!("Complaints")));
    assert_eq!((&queue["waiting"], &queue["longest-wait-s"]), (&json!(1), &json!(65)));
    let caller = &queue["callers"][0];
    assert_eq!((&caller["place"], &caller["wait-s"]), (&json!(1), &json!(65)));
    assert_eq!(caller["number"], "+86138••••8000");
    assert_eq!(queue["today"]["offered"], 1);
    assert_eq!(queue["agents-at-work"], 0);
    assert_eq!(floor["agents"][0]["missed"], 0);
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    for _ in 0..3 {
        let (_, floor) = house.by(&boss, "GET", "/api/v1/queues", Value::Null).await;
        assert_eq!(floor["queues"][0]["callers"][0]["number"], "+8613800138000");
    }
    let path = format!("/api/v1/customers/{}/access-log", row.customer.unwrap());
    let (_, log) = house.by(&boss, "GET", &path, Value::Null).await;
    let looks = log.as_array().unwrap().iter().filter(|look| look["what"] == "queues").count();
    assert_eq!(looks, 2, "one of each person: {log}");
}

#[tokio::test]
async fn who_talked_in_a_call_wraps_it_up_with_a_known_reason() {
    let (house, ids, row) = with_a_caller().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, reasons) = house.by(&agent, "GET", "/api/v1/reasons", Value::Null).await;
    assert_eq!(reasons["breaks"][0]["code"], "meal");
    assert_eq!(reasons["by-queue"]["complaints"][0]["name"]["zh-CN"], "好");
    let path = format!("/api/v1/calls/{}/wrap-up", row.call);
    let body = json!({ "reason": "settled", "note": "answered" });
    assert_eq!(house.by(&agent, "PUT", &path, body.clone()).await.0, StatusCode::NOT_FOUND, "not their call");
    let me = house.by(&agent, "GET", "/api/v1/me", Value::Null).await.1;
    let user: AgentId = me["id"].as_str().unwrap().parse::<hotline_model::UserId>().unwrap().into();
    let offer = |outcome| {
        Row::Offer(OfferRow {
            offer: ids.next::<OfferId>(house.desk.record.now()),
            waiting: row.waiting,
            agent: user,
            at: house.desk.record.now(),
            outcome: Some((outcome, house.desk.record.now())),
        })
    };
    assert_eq!(house.by(&agent, "GET", "/api/v1/me/wrap-up", Value::Null).await.0, StatusCode::NO_CONTENT);
    let ended = WaitingRow { state: WaitingState::Served, agent: Some(user), ..row.clone() };
    let rows = [offer(OfferOutcome::TimedOut), offer(OfferOutcome::Answered), Row::Waiting(ended)];
    house.desk.record.store_queue_rows(&rows);
    assert!(house.desk.record.flush(Duration::from_secs(5)).await);
    let (status, told) = house.by(&agent, "PUT", &path, json!({ "reason": "bored" })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(told["message"].as_str().unwrap().contains("refund, settled"), "{told}");
    // A page that was not there when the talk ended learns what is to be written.
    let (_, open) = house.by(&agent, "GET", "/api/v1/me/wrap-up", Value::Null).await;
    assert_eq!((&open["call"], &open["name"]), (&json!(row.call.to_string()), &json!("王小明")), "{open}");
    assert_eq!(house.by(&agent, "PUT", &path, body.clone()).await.0, StatusCode::NO_CONTENT);
    assert_eq!(house.by(&agent, "GET", "/api/v1/me/wrap-up", Value::Null).await.0, StatusCode::NO_CONTENT);
    // The same again is no other; what is another replaces it only if it says so.
    assert_eq!(house.by(&agent, "PUT", &path, body).await.0, StatusCode::NO_CONTENT);
    let other = json!({ "reason": "refund", "note": "answered" });
    let (status, told) = house.by(&agent, "PUT", &path, other.clone()).await;
    assert_eq!((status, &told["code"]), (StatusCode::CONFLICT, &json!("wrapped-up")), "{told}");
    assert_eq!((&told["now"]["reason"], &told["now"]["note"]), (&json!("settled"), &json!("answered")));
    let amended = json!({ "reason": "refund", "note": "answered", "amend": true });
    assert_eq!(house.by(&agent, "PUT", &path, amended).await.0, StatusCode::NO_CONTENT);
    let (_, call) = house.by(&agent, "GET", &format!("/api/v1/calls/{}", row.call), Value::Null).await;
    assert_eq!(
        (&call["wrap-ups"][0]["by"], &call["wrap-ups"][0]["reason"]),
        (&json!("min.li"), &json!("refund"))
    );
    let (_, missed) = house.by(&agent, "GET", "/api/v1/me/missed", Value::Null).await;
    assert_eq!((&missed[0]["outcome"], &missed[0]["name"]), (&json!("timed-out"), &json!("王小明")));
}

#[tokio::test]
async fn the_floor_tells_what_is_known_of_the_wait_and_where_agents_go_next() {
    let (house, _, row) = with_a_caller().await;
    let mut users = Vec::new();
    for login in ["min.li", "wei.wang"] {
        let agent = house.browser(login, &[Role::Agent]).await;
        users.push(house.by(&agent, "GET", "/api/v1/me", Value::Null).await.1);
    }
    let (record, boss) = (&house.desk.record, house.browser("boss", &[Role::Supervisor]).await);
    let wait = async |boss: &people::Browser| {
        let (_, floor) = house.by(boss, "GET", "/api/v1/queues", Value::Null).await;
        floor["queues"][0]["expected-wait-s"].clone()
    };
    let handling = |calls| {
        Row::Handling(HandlingRow { queue: "complaints".into(), average: Duration::from_secs(90), calls })
    };
    let agent = |at: usize, state, after_call| {
        let user: hotline_model::UserId = users[at]["id"].as_str().unwrap().parse().unwrap();
        Row::Agent(AgentRow {
            agent: user.into(),
            state,
            since: record.now(),
            idle_since: record.now(),
            skills: skills(["complaints"]),
            missed: 2,
            after_call,
        })
    };
    let store = async |rows: &[Row]| {
        record.store_queue_rows(rows);
        assert!(record.flush(Duration::from_secs(5)).await);
    };
    for user in &users {
        let path = format!("/api/v1/agents/{}", user["id"].as_str().unwrap());
        house.by(&boss, "PUT", &path, json!({ "skills": ["complaints"] })).await;
    }
    let talking = AgentState::Talking { waiting: Some(row.waiting) };
    store(&[handling(2), agent(0, AgentState::Available, None)]).await;
    assert_eq!(wait(&boss).await, Value::Null, "two calls say nothing");
    // Somebody waits already: two calls of 90 s, and one agent.
    store(&[handling(3)]).await;
    assert_eq!(wait(&boss).await, 180);
    store(&[agent(1, talking.clone(), None)]).await;
    assert_eq!(wait(&boss).await, 120, "90 s, said in whole minutes");
    // Who goes on a break after this call takes no other.
    let after = AfterCall::Break { reason: "meal".into() };
    store(&[agent(1, talking, Some(after))]).await;
    assert_eq!(wait(&boss).await, 180);
    let (_, agents) = house.by(&boss, "GET", "/api/v1/agents", Value::Null).await;
    let [first, second] = [0, 1]
        .map(|at| agents.as_array().unwrap().iter().find(|agent| agent["user"] == users[at]["id"]).unwrap());
    assert_eq!((&first["missed"], &first["after-call"]), (&json!(2), &Value::Null));
    assert_eq!(second["after-call"], json!({ "state": "break", "reason": "meal" }));
    store(&[agent(0, AgentState::SignedOut, None)]).await;
    assert_eq!(wait(&boss).await, Value::Null, "nobody takes calls");
    let gone = WaitingRow { state: WaitingState::Left, ..row };
    store(&[Row::Waiting(gone), agent(0, AgentState::Available, None)]).await;
    assert_eq!(wait(&boss).await, 120);
}

#[tokio::test]
async fn webhooks_are_the_operators() {
    let house = house().await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let operator = house.browser("op", &[Role::Operator]).await;
    assert_eq!(house.by(&boss, "GET", "/api/v1/webhooks", Value::Null).await.0, StatusCode::FORBIDDEN);
    let replay = "/api/v1/webhooks/crm/replay";
    assert_eq!(house.by(&boss, "POST", replay, json!({})).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.by(&operator, "POST", replay, json!({})).await.0, StatusCode::NOT_FOUND);
    let record = &house.desk.record;
    record.plan_deliveries("crm", |_| true).await.unwrap();
    house.post_ticket(&ticket()).await;
    record.plan_deliveries("crm", |kind| kind == "ticket.created").await.unwrap();
    let (_, all) = house.by(&operator, "GET", "/api/v1/webhooks", Value::Null).await;
    assert_eq!((&all[0]["name"], &all[0]["due"]), (&json!("crm"), &json!(1)), "{all}");
    let path = "/api/v1/webhooks/crm/deliveries?state=due";
    let (_, due) = house.by(&operator, "GET", path, Value::Null).await;
    assert_eq!((&due[0]["type"], &due[0]["attempts"]), (&json!("ticket.created"), &json!(0)));
    let both = json!({ "ids": [], "since": "2026-11-20T00:00:00Z" });
    assert_eq!(house.by(&operator, "POST", replay, both).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, done) = house.by(&operator, "POST", replay, json!({ "ids": [due[0]["id"]] })).await;
    assert_eq!((status, &done["deliveries"]), (StatusCode::OK, &json!(1)));
    let wrong = "/api/v1/webhooks/crm/deliveries?state=eaten";
    assert_eq!(house.by(&operator, "GET", wrong, Value::Null).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_agent_says_who_calls_in_their_own_call_alone() {
    let (house, ids, row) = with_a_caller().await;
    let record = &house.desk.record;
    let caller = CallerNumber::parse("13900139000");
    let call: CallId = ids.next(record.now());
    let new = NewCall {
        call,
        sip_call_id: "c@d".into(),
        direction: CallDirection::In,
        caller,
        dialled: "10086".into(),
        trunk: "t".into(),
        plan: "main".into(),
        plan_version: "1".into(),
        ticket: None,
        parent: None,
        at: record.now(),
    };
    record.begin_call(new, &hotline_record::OpenedCall::default());
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let other = house.browser("wei.wang", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let me = house.by(&agent, "GET", "/api/v1/me", Value::Null).await.1;
    let user: AgentId = me["id"].as_str().unwrap().parse::<hotline_model::UserId>().unwrap().into();
    let waiting = ids.next::<WaitingId>(record.now());
    let offered =
        WaitingRow { waiting, call, state: WaitingState::Offered, agent: Some(user), customer: None, ..row };
    record.store_queue_rows(&[Row::Waiting(offered)]);
    assert!(record.flush(Duration::from_secs(5)).await);
    let (path, matches) = (format!("/api/v1/calls/{call}/customer"), format!("/api/v1/calls/{call}/matches"));
    assert_eq!(house.by(&agent, "GET", &matches, Value::Null).await, (StatusCode::OK, json!([])));
    let new = json!({ "new": { "name": "王建国" } });
    assert_eq!(house.by(&other, "PUT", &path, new.clone()).await.0, StatusCode::NOT_FOUND, "not their call");
    let (status, made) = house.by(&agent, "PUT", &path, new).await;
    assert_eq!(status, StatusCode::OK, "{made}");
    let (_, found) = house.by(&agent, "GET", &matches, Value::Null).await;
    assert_eq!(
        (&found[0]["customer"], &found[0]["level"]),
        (&made["customer"], &json!("observed")),
        "{found}"
    );
    // The floor knows it too, and whoever leads may say it better.
    let (_, floor) = house.by(&agent, "GET", "/api/v1/queues", Value::Null).await;
    let callers = floor["queues"][0]["callers"].as_array().unwrap();
    assert!(callers.iter().any(|one| one["customer"] == made["customer"]), "{floor}");
    let (_, whole) = house.ask(WHOLE, "GET", "/api/v1/customers?phone=13800138000", "").await;
    let (status, said) = house.by(&boss, "PUT", &path, json!({ "customer": whole["id"] })).await;
    assert_eq!((status, &said["customer"]), (StatusCode::OK, &whole["id"]));
    let log = format!("/api/v1/customers/{}/access-log", made["customer"].as_str().unwrap());
    let (_, log) = house.by(&boss, "GET", &log, Value::Null).await;
    assert!(log.as_array().unwrap().iter().any(|look| look["what"] == "identified"), "{log}");
    let (status, _) = house.by(&boss, "PUT", &path, json!({ "customer": "nobody" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
