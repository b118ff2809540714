//! What a desktop does in a day, by the API.

use hotline_record::Role;

use super::*;

#[tokio::test]
async fn a_customer_is_found_looked_at_noted_and_every_look_is_logged() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    house.post_ticket(&ticket()).await;
    let (_, hits) = house.by(&agent, "GET", "/api/v1/search?q=%E9%80%80%E8%B4%B9", Value::Null).await;
    assert_eq!((&hits[0]["kind"], &hits[0]["name"]), (&json!("ticket"), &json!("王小明")));
    let customer = hits[0]["customer"].as_str().unwrap();
    let path = |tail: &str| format!("/api/v1/customers/{customer}{tail}");
    let (status, card) = house.by(&agent, "GET", &path("/card"), Value::Null).await;
    assert_eq!((status, &card["identities"][0]["value"]), (StatusCode::OK, &json!("+86138••••8000")));
    let (_, seen) = house.by(&boss, "GET", &path("/card"), Value::Null).await;
    assert_eq!(seen["identities"][0]["value"], "+8613800138000");
    let note = json!({ "text": "<img src=x onerror=alert(1)>" });
    assert_eq!(house.by(&agent, "POST", &path("/notes"), note.clone()).await.0, StatusCode::OK);
    let (_, line) = house.by(&agent, "GET", &path("/timeline?limit=1"), Value::Null).await;
    assert_eq!((&line["entries"][0]["kind"], &line["entries"][0]["text"]), (&json!("note"), &note["text"]));
    let next = format!("/timeline?before={}", line["next"].as_str().unwrap());
    let (_, rest) = house.by(&agent, "GET", &path(&next), Value::Null).await;
    assert_eq!((&rest["entries"][0]["kind"], &rest["next"]), (&json!("ticket"), &Value::Null));
    let (status, _) = house.by(&agent, "GET", &path("/timeline?before=x"), Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(house.by(&agent, "GET", &path("/access-log"), Value::Null).await.0, StatusCode::FORBIDDEN);
    let (_, looks) = house.by(&boss, "GET", &path("/access-log"), Value::Null).await;
    let whats: Vec<&str> =
        looks.as_array().unwrap().iter().filter_map(|look| look["what"].as_str()).collect();
    assert_eq!(whats.iter().filter(|what| **what == "card").count(), 2);
    assert!(whats.contains(&"search") && whats.contains(&"timeline"), "{whats:?}");
    let (_, matches) = house.by(&agent, "GET", "/api/v1/matches?phone=13800138000", Value::Null).await;
    assert_eq!(matches[0]["level"], "verified");
    assert_eq!(house.by(&agent, "DELETE", &path(""), Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.by(&boss, "DELETE", &path(""), Value::Null).await.0, StatusCode::OK);
    let (_, card) = house.by(&agent, "GET", &path("/card"), Value::Null).await;
    assert!(card["erased-at"].is_string() && card["name"].is_null(), "{card}");
    let (_, hits) = house.by(&agent, "GET", "/api/v1/search?q=%E9%80%80%E8%B4%B9", Value::Null).await;
    assert_eq!(hits, json!([]));
}

#[tokio::test]
async fn two_desktops_that_change_one_ticket_are_told_what_is_now() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let customer = made["customer"].as_str().unwrap();
    let body = json!({ "category": "plan", "due-at": "2026-11-21T10:00:00Z" });
    let path = format!("/api/v1/customers/{customer}/tickets");
    let (status, new) = house.by(&agent, "POST", &path, body).await;
    assert_eq!(status, StatusCode::CREATED);
    let path = format!("/api/v1/tickets/{}", new["ticket"].as_str().unwrap());
    let (_, ticket) = house.by(&agent, "GET", &path, Value::Null).await;
    assert_eq!((&ticket["due-at"], &ticket["owner"]), (&json!("2026-11-21T10:00:00Z"), &json!("min.li")));
    let change = |owner: &str, version: i64| {
        Request::patch(&path)
            .header(header::COOKIE, &agent.cookie)
            .header("X-CSRF-Token", &agent.csrf)
            .header(header::IF_MATCH, format!("\"{version}\""))
            .body(Body::from(json!({ "owner": owner }).to_string()))
            .unwrap()
    };
    let version = ticket["version"].as_i64().unwrap();
    let (status, headers, _) = house.send(change("wang", version)).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::ETAG], format!("\"{}\"", version + 1));
    let (status, _, body) = house.send(change("zhao", version)).await;
    assert_eq!((status, &body["now"]["owner"]), (StatusCode::PRECONDITION_FAILED, &json!("wang")));
    let result = json!({ "result": "为您退费12元。" });
    let (status, published) = house.by(&agent, "POST", &format!("{path}/result"), result).await;
    assert_eq!((status, &published["state"]), (StatusCode::OK, &json!("closed")));
    let (status, _) = house.by(&agent, "GET", "/api/v1/follow-ups?state=mine", Value::Null).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn two_desktops_that_change_one_customer_are_told_what_is_now() {
    let house = house().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let (_, made) = house.post_ticket(&ticket()).await;
    let path = format!("/api/v1/customers/{}", made["customer"].as_str().unwrap());
    let (_, card) = house.by(&agent, "GET", &format!("{path}/card"), Value::Null).await;
    let version = card["version"].as_i64().unwrap();
    let change = |name: &str| {
        Request::patch(&path)
            .header(header::COOKIE, &agent.cookie)
            .header("X-CSRF-Token", &agent.csrf)
            .header(header::IF_MATCH, format!("\"{version}\""))
            .body(Body::from(json!({ "name": name, "add-tags": ["angry"] }).to_string()))
            .unwrap()
    };
    let markup = "<img src=x onerror=alert(1)>";
    let (status, headers, changed) = house.send(change(markup)).await;
    assert_eq!((status, &changed["version"]), (StatusCode::OK, &json!(version + 1)));
    assert_eq!(headers[header::ETAG], format!("\"{}\"", version + 1));
    let (status, _, body) = house.send(change("王小明")).await;
    assert_eq!((status, &body["code"]), (StatusCode::PRECONDITION_FAILED, &json!("stale")));
    let now = &body["now"];
    assert_eq!((&now["name"], &now["version"]), (&json!(markup), &json!(version + 1)), "{body}");
    assert_eq!(now["tags"], json!(["angry"]));
    assert_eq!(now["identities"][0]["value"], "+86138••••8000", "masked as everywhere");
    let (_, looks) = house.by(&boss, "GET", &format!("{path}/access-log"), Value::Null).await;
    let seen = looks.as_array().unwrap().iter().filter(|look| look["what"] == "card").count();
    assert_eq!(seen, 2, "what a conflict told is a look too");
    let gone = format!("/api/v1/customers/{}", "0".repeat(26));
    let (status, _) = house.by(&agent, "PATCH", &gone, json!({ "name": "x" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_firms_own_page_is_an_address_that_tells_only_what_may_be_seen() {
    let mut house = house().await;
    let url = "https://crm.example/open?customer={{ reference }}&n={{ number }}&ticket={{ ticket }}";
    house.desk.pop_url = Some(Arc::new(url.parse().unwrap()));
    house.router = router(house.desk.clone());
    let customer = json!({ "external-ref": "K 7&n=1", "phones": ["13800138000"], "name": "王小明" });
    let (status, made) = house.ask(MASKED, "POST", "/api/v1/customers", &customer.to_string()).await;
    assert!(status.is_success(), "{made}");
    let open = json!({ "external-ref": "T-1", "phone": "13800138000", "state": "open" });
    house.post_ticket(&open).await;
    let path = format!("/api/v1/customers/{}/card", made["customer"].as_str().unwrap());
    let (_, card) = house.ask(MASKED, "GET", &path, "").await;
    assert_eq!(card["pop-url"], "https://crm.example/open?customer=K%207%26n%3D1&n=&ticket=T-1");
    let (_, card) = house.ask(WHOLE, "GET", &path, "").await;
    let whole = "https://crm.example/open?customer=K%207%26n%3D1&n=%2B8613800138000&ticket=T-1";
    assert_eq!(card["pop-url"], whole);
}
