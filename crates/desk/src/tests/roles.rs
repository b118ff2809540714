//! Who may ask for what: each route by each role, and by nobody.

use std::collections::BTreeSet;

use hotline_record::Role;

use super::people::Browser;
use super::*;

const AGENT: char = 'a';
const SUPERVISOR: char = 's';
const DESIGNER: char = 'd';
const OPERATOR: char = 'o';

const TICKET: &str = r#"{"external-ref": "T-7", "phone": "13800138007", "state": "open"}"#;
const ARTICLE: &str = r#"{"title": {"en-US": "a"}, "body": {"en-US": "b"}}"#;
const CONSENT: &str = r#"{"kind": "marketing", "state": "given", "channel": "call"}"#;
const REPLY: &str = r#"{"id": "1", "from": "13800138009", "to": "1069", "text": "hello"}"#;
const REBATE: &str = r#"{"external-ref": "R-7", "phone": "13800138007", "activity": "a", "type": "e-voucher",
    "face-value": "5", "returned-at": "2026-11-19T10:00:00+08:00"}"#;

/// Method, path, what stands behind the `?`, which roles may, and a body that can be read.
const ROUTES: &[(&str, &str, &str, &str, &str)] = &[
    ("POST", "/api/v1/tickets", "", "so", TICKET),
    ("GET", "/api/v1/tickets/{id}", "", "as", ""),
    ("PATCH", "/api/v1/tickets/{id}", "", "as", "{}"),
    ("POST", "/api/v1/tickets/{id}/result", "", "as", r#"{"result": "x"}"#),
    ("POST", "/api/v1/tickets/{id}/code", "", "as", ""),
    ("GET", "/api/v1/customers", "phone=13800138000", "as", ""),
    ("POST", "/api/v1/customers", "", "so", r#"{"external-ref": "C-7"}"#),
    ("POST", "/api/v1/customers/import", "", "so", ""),
    ("GET", "/api/v1/customers/{id}", "", "as", ""),
    ("PATCH", "/api/v1/customers/{id}", "", "as", "{}"),
    ("DELETE", "/api/v1/customers/{id}", "", "s", ""),
    ("GET", "/api/v1/customers/{id}/card", "", "as", ""),
    ("GET", "/api/v1/customers/{id}/timeline", "", "as", ""),
    ("GET", "/api/v1/customers/{id}/export", "", "s", ""),
    ("GET", "/api/v1/customers/{id}/access-log", "", "s", ""),
    ("GET", "/api/v1/customers/{id}/merges", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/merge", "", "as", r#"{"into": "nobody"}"#),
    ("DELETE", "/api/v1/merges/{id}", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/identities", "", "as", r#"{"kind": "phone", "value": "1"}"#),
    ("DELETE", "/api/v1/customers/{id}/identities/{identity}", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/notes", "", "as", r#"{"text": "x"}"#),
    ("POST", "/api/v1/customers/{id}/tickets", "", "as", "{}"),
    ("GET", "/api/v1/customers/{id}/attachments", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/attachments", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/upload-links", "", "as", "{}"),
    ("DELETE", "/api/v1/attachments/{id}", "", "s", ""),
    ("GET", "/api/v1/attachments/{id}/file", "", "as", ""),
    ("GET", "/api/v1/customers/{id}/consents", "", "as", ""),
    ("POST", "/api/v1/customers/{id}/consents", "", "as", CONSENT),
    ("GET", "/api/v1/customers/{id}/articles", "", "as", ""),
    ("GET", "/api/v1/customers/{id}/rebates", "", "as", ""),
    ("POST", "/api/v1/rebates", "", "so", REBATE),
    ("POST", "/api/v1/rebates/batch", "", "so", r#"{"rebates": []}"#),
    ("POST", "/api/v1/rebates/{id}/resend", "", "as", ""),
    ("GET", "/api/v1/matches", "phone=13800138000", "as", ""),
    ("GET", "/api/v1/search", "q=x", "as", ""),
    ("GET", "/api/v1/follow-ups", "", "as", ""),
    ("POST", "/api/v1/follow-ups/{id}/take", "", "as", ""),
    ("POST", "/api/v1/follow-ups/{id}/release", "", "as", ""),
    ("POST", "/api/v1/follow-ups/{id}/done", "", "as", r#"{"outcome": "reached"}"#),
    ("GET", "/api/v1/calls", "", "as", ""),
    ("GET", "/api/v1/calls/{id}", "", "as", ""),
    ("GET", "/api/v1/calls/{id}/words/{name}", "", "as", ""),
    ("GET", "/api/v1/calls/{id}/vcon", "", "s", ""),
    ("GET", "/api/v1/calls/{id}/recording", "", "s", ""),
    ("POST", "/api/v1/calls/{id}/act", "", "as", r#"{"act": "hold"}"#),
    ("POST", "/api/v1/calls/{id}/message", "", "as", r#"{"text": "x"}"#),
    ("GET", "/api/v1/calls/{id}/matches", "", "as", ""),
    ("PUT", "/api/v1/calls/{id}/customer", "", "as", r#"{"new": {}}"#),
    // Of one's own calls alone.
    ("PUT", "/api/v1/calls/{id}/wrap-up", "", "asdo", r#"{"reason": "x"}"#),
    ("PUT", "/api/v1/calls/{id}/dissatisfaction", "", "asdo", r#"{"reason": "money"}"#),
    ("GET", "/api/v1/reviews", "", "as", ""),
    ("GET", "/api/v1/reviews/rubric", "", "as", ""),
    ("GET", "/api/v1/reviews/sample", "", "s", ""),
    ("GET", "/api/v1/reviews/figures", "", "s", ""),
    ("PUT", "/api/v1/reviews/talks/{talk}", "", "s", "{}"),
    ("POST", "/api/v1/reviews/{id}/share", "", "s", ""),
    // Of one's own talks alone.
    ("POST", "/api/v1/reviews/{id}/answer", "", "asdo", "{}"),
    ("GET", "/api/v1/articles", "", "asdo", ""),
    ("POST", "/api/v1/articles", "", "sd", ARTICLE),
    ("GET", "/api/v1/articles/{id}", "", "asdo", ""),
    ("PUT", "/api/v1/articles/{id}", "", "sd", ARTICLE),
    ("DELETE", "/api/v1/articles/{id}", "", "sd", ""),
    ("GET", "/api/v1/events", "", "so", ""),
    ("GET", "/api/v1/queues", "", "aso", ""),
    ("GET", "/api/v1/reasons", "", "asdo", ""),
    ("GET", "/api/v1/agents", "", "asdo", ""),
    ("PUT", "/api/v1/agents/{user}", "", "so", "{}"),
    ("GET", "/api/v1/users", "", "o", ""),
    ("GET", "/api/v1/me", "", "asdo", ""),
    ("PUT", "/api/v1/me/state", "", "asdo", r#"{"state": "signed-out"}"#),
    ("GET", "/api/v1/me/telephone", "", "asdo", ""),
    ("GET", "/api/v1/me/work", "", "as", ""),
    ("GET", "/api/v1/me/missed", "", "asdo", ""),
    ("GET", "/api/v1/me/wrap-up", "", "asdo", ""),
    ("GET", "/api/v1/webhooks", "", "o", ""),
    ("GET", "/api/v1/webhooks/{name}/deliveries", "", "o", ""),
    ("POST", "/api/v1/webhooks/{name}/replay", "", "o", "{}"),
    ("GET", "/api/v1/campaigns", "", "so", ""),
    ("GET", "/api/v1/campaigns/decisions", "", "so", ""),
    ("PUT", "/api/v1/campaigns/{policy}/pause", "", "so", r#"{"paused": true}"#),
    ("POST", "/api/v1/receipts", "", "so", r#"{"message": "x", "state": "delivered"}"#),
    ("POST", "/api/v1/replies", "", "so", REPLY),
];

/// For whoever is not signed in, or about to be no longer.
const DOORS: [(&str, &str); 5] = [
    ("POST", "/api/v1/session"),
    ("DELETE", "/api/v1/session"),
    ("GET", "/api/v1/sign-in"),
    ("GET", "/api/v1/sign-in/service"),
    ("GET", "/api/v1/sign-in/callback"),
];

fn address(path: &str, query: &str) -> String {
    let filled: Vec<&str> =
        path.split('/').map(|part| if part.starts_with('{') { "nobody" } else { part }).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    filled.join("/") + &query
}

#[test]
fn the_table_has_every_route() {
    let document = serde_json::to_value(ApiDocument::openapi()).unwrap();
    let mut there = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let known = |method: &&String| ["get", "post", "put", "patch", "delete"].contains(&method.as_str());
        for method in methods.as_object().unwrap().keys().filter(known) {
            if path.starts_with("/api/v1/") {
                there.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    let table = ROUTES.iter().map(|(method, path, ..)| (*method, *path)).chain(DOORS);
    let table: BTreeSet<_> = table.map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(table, there);
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nobody_may_anything() {
    let house = house().await;
    let people: [(char, Browser); 4] = [
        (AGENT, house.browser("agent", &[Role::Agent]).await),
        (SUPERVISOR, house.browser("boss", &[Role::Supervisor]).await),
        (DESIGNER, house.browser("designer", &[Role::Designer]).await),
        (OPERATOR, house.browser("operator", &[Role::Operator]).await),
    ];
    let mut wrong = Vec::new();
    for &(method, path, query, who, body) in ROUTES {
        let address = address(path, query);
        let body: Value = serde_json::from_str(body).unwrap_or(Value::Null);
        for (role, browser) in &people {
            let (status, told) = house.by(browser, method, &address, body.clone()).await;
            let refused = status == StatusCode::FORBIDDEN || status == StatusCode::UNAUTHORIZED;
            if refused == who.contains(*role) || status == StatusCode::METHOD_NOT_ALLOWED {
                wrong.push(format!("{method} {address} as {role}: {status} {told}"));
            }
        }
        let sent = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(&address)
            .header(header::CONTENT_TYPE, "application/json")
            .body(sent)
            .unwrap();
        let status = house.send(request).await.0;
        if status != StatusCode::UNAUTHORIZED {
            wrong.push(format!("{method} {address} as nobody: {status}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn who_has_several_roles_may_what_each_of_them_may() {
    let house = house().await;
    let both = house.browser("both", &[Role::Designer, Role::Agent]).await;
    assert_eq!(house.by(&both, "GET", "/api/v1/calls", Value::Null).await.0, StatusCode::OK);
    let article: Value = serde_json::from_str(ARTICLE).unwrap();
    assert_eq!(house.by(&both, "POST", "/api/v1/articles", article).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn an_agent_makes_tickets_at_the_desktop_and_none_in_the_firms_name() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let mut forged = ticket();
    forged["result"] = json!("您的退费2500元。");
    let (status, body) = house.by(&agent, "POST", "/api/v1/tickets", forged).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));
    let path = format!("/api/v1/customers/{}/tickets", made["customer"].as_str().unwrap());
    let (status, own) = house.by(&agent, "POST", &path, json!({ "category": "plan" })).await;
    assert_eq!(status, StatusCode::CREATED, "{own}");
    let path = format!("/api/v1/tickets/{}", own["ticket"].as_str().unwrap());
    let (status, _) = house.by(&agent, "PATCH", &path, json!({ "category": "data-charge" })).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn lists_that_show_customers_are_logged_once_an_hour() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let mut open = ticket();
    open["state"] = json!("open");
    open.as_object_mut().unwrap().retain(|name, _| name != "result" && name != "code");
    let (_, made) = house.post_ticket(&open).await;
    // A message that somebody has to read is a contact and a follow-up.
    let wrote = json!({ "id": "1", "from": "13800138000", "to": "1069", "text": "hello" }).to_string();
    assert_eq!(house.ask(MASKED, "POST", "/api/v1/replies", &wrote).await.0, StatusCode::OK);
    for _ in 0..2 {
        let (_, calls) = house.by(&agent, "GET", "/api/v1/calls", Value::Null).await;
        let (_, promised) = house.by(&agent, "GET", "/api/v1/follow-ups", Value::Null).await;
        assert_eq!((calls.as_array().unwrap().len(), promised.as_array().unwrap().len()), (1, 1));
    }
    let path = format!("/api/v1/customers/{}/access-log", made["customer"].as_str().unwrap());
    let (_, looks) = house.by(&boss, "GET", &path, Value::Null).await;
    for what in ["calls", "follow-ups"] {
        let seen = |look: &&Value| look["who"] == "min.li" && look["what"] == what;
        assert_eq!(looks.as_array().unwrap().iter().filter(seen).count(), 1, "{what}: {looks}");
    }
}
