//! Rebates in, shown and sent again; articles written, read and fitting.

use hotline_record::Role;

use super::*;

fn rebate(reference: &str) -> Value {
    json!({ "external-ref": reference, "phone": "13800138000", "activity": "春节充值返礼", "type": "e-recharge-card",
        "face-value": "50", "quantity": 2, "returned-at": "2026-11-19T10:00:00+08:00",
        "expires-at": "2027-01-01T00:00:00+08:00", "message": "您获赠50元充值卡2张,卡密8842-1190。" })
}

impl House {
    async fn put_rebate(&self, rebate: &Value) -> (StatusCode, Value) {
        self.ask(MASKED, "POST", "/api/v1/rebates", &rebate.to_string()).await
    }
}

#[tokio::test]
async fn a_rebate_is_stored_once_and_what_is_wrong_with_it_is_told() {
    let house = house().await;
    let (status, made) = house.put_rebate(&rebate("R-1")).await;
    assert_eq!((status, &made["change"]), (StatusCode::CREATED, &json!("created")), "{made}");
    let (status, again) = house.put_rebate(&rebate("R-1")).await;
    assert_eq!((status, &again["change"]), (StatusCode::OK, &json!("unchanged")));
    assert_eq!(again["rebate"], made["rebate"]);
    for (field, value, status, code) in [
        ("face-value", json!("5.001"), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        ("face-value", json!(50), StatusCode::BAD_REQUEST, "bad-field"),
        ("type", json!("card"), StatusCode::BAD_REQUEST, "bad-field"),
        ("phone", json!("12"), StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
        ("colour", json!("red"), StatusCode::BAD_REQUEST, "bad-field"),
    ] {
        let mut bad = rebate("R-2");
        bad[field] = value;
        let (found, body) = house.put_rebate(&bad).await;
        assert_eq!((found, &body["code"]), (status, &json!(code)), "{body}");
        assert!(body["message"].as_str().unwrap().contains(field), "{body}");
    }
    let mut bad = rebate("R-2");
    bad["quantity"] = json!(0);
    let batch = json!({ "rebates": [rebate("R-1"), bad, rebate("R-3")] }).to_string();
    let (status, rows) = house.ask(MASKED, "POST", "/api/v1/rebates/batch", &batch).await;
    assert_eq!(
        (status, &rows[0]["change"], &rows[2]["change"]),
        (StatusCode::OK, &json!("unchanged"), &json!("created"))
    );
    assert!(rows[1]["problem"].as_str().unwrap().starts_with("quantity: "), "{rows}");
    let none = json!({ "rebates": [] }).to_string();
    let (status, _) = house.ask(MASKED, "POST", "/api/v1/rebates/batch", &none).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (status, _) = house.by(&agent, "POST", "/api/v1/rebates", rebate("R-4")).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "agents make nothing of value");
}

#[tokio::test]
async fn a_rebate_is_shown_and_sent_again_three_times_a_day() {
    let house = house().await;
    let (_, made) = house.put_rebate(&rebate("R-1")).await;
    let list = format!("/api/v1/customers/{}/rebates", made["customer"].as_str().unwrap());
    let path = format!("/api/v1/rebates/{}/resend", made["rebate"].as_str().unwrap());
    let agent = house.browser("min.li", &[Role::Agent]).await;
    for left in [2, 1, 0] {
        let (status, body) = house.by(&agent, "POST", &path, Value::Null).await;
        assert_eq!((status, &body["left"]), (StatusCode::ACCEPTED, &json!(left)));
    }
    let (status, body) = house.by(&agent, "POST", &path, Value::Null).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("too-often")));
    let (status, rows) = house.by(&agent, "GET", &list, Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    let row = &rows[0];
    assert_eq!(
        (&row["face-value"], &row["currency"], &row["state"]),
        (&json!("50.00"), &json!("CNY"), &json!("unused"))
    );
    assert_eq!((&row["resends"], &row["resends-left"]), (&json!(3), &json!(0)));
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let log = format!("/api/v1/customers/{}/access-log", made["customer"].as_str().unwrap());
    let (_, looks) = house.by(&boss, "GET", &log, Value::Null).await;
    let seen = |look: &Value| look["who"] == "min.li" && look["what"] == "rebates";
    assert!(looks.as_array().unwrap().iter().any(seen), "{looks}");
    let mut used = rebate("R-2");
    used["state"] = json!("used");
    let (_, used) = house.put_rebate(&used).await;
    let path = format!("/api/v1/rebates/{}/resend", used["rebate"].as_str().unwrap());
    let (status, body) = house.by(&agent, "POST", &path, Value::Null).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("not-usable")));
    let nobody = "/api/v1/rebates/nobody/resend";
    assert_eq!(house.by(&agent, "POST", nobody, Value::Null).await.0, StatusCode::NOT_FOUND);
    let designer = house.browser("d", &[Role::Designer]).await;
    assert_eq!(house.by(&designer, "POST", &path, Value::Null).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn articles_are_written_by_designers_and_read_by_agents() {
    let house = house().await;
    let designer = house.browser("d", &[Role::Designer]).await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let mut article = json!({ "title": { "zh-CN": "流量费争议" }, "body": { "zh-CN": "先核对套餐,再退费。" },
        "categories": ["data-charge"] });
    let (status, _) = house.by(&agent, "POST", "/api/v1/articles", article.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, made) = house.by(&designer, "POST", "/api/v1/articles", article.clone()).await;
    assert_eq!(
        (status, &made["state"], &made["version"]),
        (StatusCode::CREATED, &json!("draft"), &json!(1)),
        "{made}"
    );
    let path = format!("/api/v1/articles/{}", made["id"].as_str().unwrap());
    assert_eq!(house.by(&agent, "GET", &path, Value::Null).await.0, StatusCode::NOT_FOUND, "a draft");
    article["state"] = json!("published");
    let (status, now) = house.by(&designer, "PUT", &path, article.clone()).await;
    assert_eq!((status, &now["version"], &now["changed-by"]), (StatusCode::OK, &json!(2), &json!("d")));
    assert_eq!(house.by(&agent, "GET", &path, Value::Null).await.0, StatusCode::OK);
    let (_, found) = house.by(&agent, "GET", "/api/v1/articles?q=%E5%A5%97%E9%A4%90", Value::Null).await;
    assert_eq!(found.as_array().unwrap().len(), 1);
    article["body"] = json!({ "en-US": "x" });
    let (status, body) = house.by(&designer, "PUT", &path, article).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body["message"].as_str().unwrap().starts_with("title, body: "), "{body}");
    let (status, _) = house.by(&agent, "GET", "/api/v1/articles?state=eaten", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let mut open = json!({ "external-ref": "T-9", "phone": "13800138000", "state": "open" });
    open["category"] = json!("data-charge");
    let (_, ticket) = house.post_ticket(&open).await;
    let fitting = format!("/api/v1/customers/{}/articles", ticket["customer"].as_str().unwrap());
    let (_, found) = house.by(&agent, "GET", &fitting, Value::Null).await;
    assert_eq!(found[0]["id"], made["id"]);
    assert_eq!(house.by(&designer, "DELETE", &path, Value::Null).await.1["state"], "withdrawn");
    let (_, found) = house.by(&agent, "GET", &fitting, Value::Null).await;
    assert_eq!(found, json!([]));
}
