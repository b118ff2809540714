//! What customers agreed to or refused, as clients say it.

use hotline_record::Role;

use super::*;

#[tokio::test]
async fn a_consent_is_noted_by_agents_and_goes_with_the_card() {
    let house = house().await;
    let (agent, designer) =
        (house.browser("min.li", &[Role::Agent]).await, house.browser("plan.maker", &[Role::Designer]).await);
    let (_, made) = house.post_ticket(&ticket()).await;
    let customer = made["customer"].as_str().unwrap();
    let path = format!("/api/v1/customers/{customer}/consents");
    let body =
        json!({ "kind": "surveys", "state": "withdrawn", "channel": "call", "words": "<b>\u{4e0d}</b>" });
    let (status, one) = house.by(&agent, "POST", &path, body.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{one}");
    let (_, list) = house.by(&agent, "GET", &path, Value::Null).await;
    assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
    let row = &list[0];
    assert_eq!(
        (&row["kind"], &row["state"], &row["current"]),
        (&json!("surveys"), &json!("withdrawn"), &json!(true))
    );
    assert_eq!((&row["noted-by"], &row["words"]), (&json!("min.li"), &json!("<b>不</b>")));
    let (_, card) = house.by(&agent, "GET", &format!("/api/v1/customers/{customer}/card"), Value::Null).await;
    assert_eq!((&card["do-not-call"], &card["consents"][0]["id"]), (&json!(true), &one["id"]));
    let (_, line) =
        house.by(&agent, "GET", &format!("/api/v1/customers/{customer}/timeline"), Value::Null).await;
    assert!(line["entries"].as_array().unwrap().iter().any(|entry| entry["kind"] == "consent"), "{line}");

    assert_eq!(house.by(&designer, "POST", &path, body).await.0, StatusCode::FORBIDDEN);
    for (body, status, says) in [
        (json!({ "kind": "surveys", "state": "maybe", "channel": "call" }), StatusCode::BAD_REQUEST, "state"),
        (
            json!({ "kind": "Sur veys", "state": "given", "channel": "call" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "kind",
        ),
        (
            json!({ "kind": "surveys", "state": "given", "channel": "" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "channel",
        ),
        (
            json!({ "kind": "surveys", "state": "given", "channel": "call", "words": "x".repeat(4001) }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "words",
        ),
        (
            json!({ "kind": "surveys", "state": "given", "channel": "call", "interaction": "01M8" }),
            StatusCode::UNPROCESSABLE_ENTITY,
            "interaction",
        ),
    ] {
        let (found, told) = house.by(&agent, "POST", &path, body).await;
        assert_eq!(found, status, "{told}");
        assert!(told["message"].as_str().unwrap().starts_with(says), "{told}");
    }
    let unknown = "/api/v1/customers/nobody/consents";
    assert_eq!(house.by(&agent, "GET", unknown, Value::Null).await.0, StatusCode::NOT_FOUND);
}
