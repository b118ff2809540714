//! One's own desk, a code sent again, and the desktop's page.

use hotline_record::Role;

use super::*;

#[tokio::test]
async fn ones_own_work_has_ones_tickets_with_names_and_nobody_elses() {
    let house = house().await;
    let (agent, other) =
        (house.browser("min.li", &[Role::Agent]).await, house.browser("wei.wang", &[Role::Agent]).await);
    let (_, made) = house.post_ticket(&ticket()).await;
    let customer = made["customer"].as_str().unwrap();
    let body = json!({ "category": "plan" });
    let path = format!("/api/v1/customers/{customer}/tickets");
    let (_, new) = house.by(&agent, "POST", &path, body).await;
    let (status, work) = house.by(&agent, "GET", "/api/v1/me/work", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(work["tickets"].as_array().unwrap().len(), 1, "{work}");
    let row = &work["tickets"][0];
    assert_eq!(
        (&row["id"], &row["name"], &row["customer"]),
        (&new["ticket"], &json!("王小明"), &json!(customer))
    );
    let (_, theirs) = house.by(&other, "GET", "/api/v1/me/work", Value::Null).await;
    assert_eq!(theirs, json!({ "tickets": [], "follow-ups": [] }));
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let path = format!("/api/v1/customers/{customer}/access-log");
    let (_, looks) = house.by(&boss, "GET", &path, Value::Null).await;
    let seen = |look: &Value| look["who"] == "min.li" && look["what"] == "work";
    assert!(looks.as_array().unwrap().iter().any(seen), "{looks}");
}

#[tokio::test]
async fn a_code_is_sent_again_three_times_a_day_and_not_without_a_result() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let path = format!("/api/v1/tickets/{}/code", made["ticket"].as_str().unwrap());
    for _ in 0..3 {
        assert_eq!(house.by(&agent, "POST", &path, Value::Null).await.0, StatusCode::ACCEPTED);
    }
    let (status, body) = house.by(&agent, "POST", &path, Value::Null).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("too-often")));
    let open = json!({ "external-ref": "T-2", "phone": "13800138000", "state": "open" });
    let (_, made) = house.post_ticket(&open).await;
    let path = format!("/api/v1/tickets/{}/code", made["ticket"].as_str().unwrap());
    let (status, body) = house.by(&agent, "POST", &path, Value::Null).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("no-result")));
    let unknown = "/api/v1/tickets/nobody/code";
    assert_eq!(house.by(&agent, "POST", unknown, Value::Null).await.0, StatusCode::NOT_FOUND);
}

/// Whether the desktop was built or not: the page says so, and browsers are given the same rules.
#[tokio::test]
async fn the_page_runs_nothing_but_our_own_files() {
    let house = house().await;
    for path in ["/", "/customers/01M8"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = house.router.clone().oneshot(request).await.unwrap();
        assert!(matches!(answer.status(), StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE));
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
    for path in ["/assets/no-such.js", "/assets/..%2Findex.html", "/.built"] {
        assert_eq!(house.ask(MASKED, "GET", path, "").await.0, StatusCode::NOT_FOUND, "{path}");
    }
}
