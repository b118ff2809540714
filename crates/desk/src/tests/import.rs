//! Customers in, by JSON and by file.

use hotline_record::Role;

use super::*;

const HEAD: &str = "external-ref,name,phone,tags\n";

impl House {
    async fn import(&self, token: &str, query: &str, file: impl Into<Body>) -> (StatusCode, Vec<Value>) {
        let request = Request::post(format!("/api/v1/customers/import{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "text/csv")
            .body(file.into())
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await.unwrap();
        let lines = String::from_utf8(bytes.to_vec()).unwrap();
        (status, lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

#[tokio::test]
async fn a_customer_of_the_firms_own_system_is_stored_once() {
    let house = house().await;
    let body = json!({ "external-ref": "C-1", "name": "王小明", "phones": ["13800138000"],
        "attributes": { "plan": "88" } });
    let put = async |body: &Value| house.ask(MASKED, "POST", "/api/v1/customers", &body.to_string()).await;
    let (status, made) = put(&body).await;
    assert_eq!((status, &made["change"]), (StatusCode::CREATED, &json!("created")), "{made}");
    let (status, again) = put(&body).await;
    assert_eq!((status, &again["change"]), (StatusCode::OK, &json!("unchanged")));
    assert_eq!(again["customer"], made["customer"]);
    let (status, refused) = put(&json!({ "external-ref": "C-1", "phones": ["12"] })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["message"].as_str().unwrap().starts_with("phone: "), "{refused}");
    let path = format!("/api/v1/customers/{}/card", made["customer"].as_str().unwrap());
    let (_, card) = house.ask(WHOLE, "GET", &path, "").await;
    assert_eq!((&card["attributes"]["plan"], &card["version"]), (&json!("88"), &json!(1)));
    assert_eq!(card["identities"][0]["level"], "verified");
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let (status, _) = house.by(&agent, "POST", "/api/v1/customers", body).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "an agent proves nobody's number");
    let (status, _) = house.by(&agent, "POST", "/api/v1/customers/import", Value::Null).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_file_is_tried_taken_in_and_taken_in_again() {
    let house = house().await;
    let mut file = HEAD.to_owned();
    for number in 0..120 {
        file.push_str(&format!("C-{number},客户{number},1380013{number:04},vip\n"));
    }
    file.push_str("C-x,<b>markup</b>,12,\n");
    let counts = |told: &[Value]| {
        let last = told.last().unwrap();
        ["created", "changed", "unchanged", "refused"].map(|name| last[name].as_u64().unwrap())
    };
    let (status, told) = house.import(MASKED, "?dry-run=true", file.clone()).await;
    assert_eq!((status, counts(&told)), (StatusCode::OK, [120, 0, 0, 1]), "{told:?}");
    let search = "/api/v1/search?q=%E5%AE%A2%E6%88%B7";
    assert_eq!(house.ask(MASKED, "GET", search, "").await.1, json!([]), "nothing was stored");
    let (_, told) = house.import(MASKED, "", file.clone()).await;
    assert_eq!(counts(&told), [120, 0, 0, 1]);
    let bad: Vec<&Value> = told.iter().filter(|one| one["problem"].is_string()).collect();
    assert_eq!((bad.len(), &bad[0]["line"]), (1, &json!(122)));
    let progress: Vec<u64> = told.iter().filter_map(|one| one["done"].as_u64()).collect();
    assert_eq!((progress.len(), progress.last()), (3, Some(&122)), "{told:?}");
    assert_eq!(house.ask(MASKED, "GET", search, "").await.1.as_array().unwrap().len(), 20);
    let (_, told) = house.import(MASKED, "", file.replace("客户7,", "客户七,")).await;
    assert_eq!(counts(&told), [0, 1, 119, 1]);
    let (status, told) = house.import(MASKED, "", "external-ref,colour\n").await;
    assert_eq!((status, &told[0]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("bad-file")));
    let (status, _) = house.import(MASKED, "?encoding=big5", file).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_file_of_any_length_is_bounded_and_one_that_breaks_off_stores_nothing() {
    let house = house().await;
    let (status, told) = house.import(MASKED, "", "x".repeat((64 << 20) + 1)).await;
    assert_eq!((status, &told[0]["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too-large")));
    let pieces = [Ok(format!("{HEAD}C-1,a,13800138000,\n")), Err(std::io::Error::other("gone"))];
    let (status, told) =
        house.import(MASKED, "", Body::from_stream(futures_util::stream::iter(pieces))).await;
    assert_eq!((status, &told[0]["code"]), (StatusCode::BAD_REQUEST, &json!("unreadable")));
    let (_, hits) = house.ask(MASKED, "GET", "/api/v1/search?q=13800138000", "").await;
    assert_eq!(hits, json!([]));
}
