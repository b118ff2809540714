//! Reviews: by the rubric, by lot, by role.

use std::time::Duration;

use hotline_model::{AgentId, CallId, CallerNumber, EndReason, Ending, IdSource, StepEvent, UserId};
use hotline_record::{CallDirection, CallEnd, CallStep, NewCall, OpenedCall, Role};

use super::*;
use crate::Criterion;

async fn rubric() -> House {
    let mut house = house().await;
    let criterion = |code: &str, weight| Criterion {
        code: code.into(),
        name: [(Language::ZhCn, "问候".into()), (Language::EnUs, "Greeting".into())].into(),
        scale: 5,
        weight,
    };
    house.desk.house.rubric = vec![criterion("greeting", 1), criterion("solution", 3)];
    house.router = router(house.desk.clone());
    house
}

/// A call that somebody talked in; gives the call.
async fn talked(house: &House, agent: &str) -> String {
    let (record, now) = (&house.desk.record, house.desk.record.now());
    let agent: AgentId = agent.parse::<UserId>().unwrap().into();
    let call: CallId = IdSource::new(7).next(now);
    let new = NewCall {
        call,
        sip_call_id: "a@b".into(),
        direction: CallDirection::In,
        caller: CallerNumber::Withheld,
        dialled: "10086".into(),
        trunk: "t".into(),
        plan: "main".into(),
        plan_version: "1".into(),
        ticket: None,
        parent: None,
        at: now,
    };
    record.begin_call(new, &OpenedCall::default());
    let left = StepEvent::LeftQueue { step: "s".into(), how: "answered".into() };
    let steps = [StepEvent::Joined { agent: Some(agent) }, left];
    let steps: Vec<CallStep> =
        steps.into_iter().zip(1..).map(|(event, number)| CallStep { number, at: now, event }).collect();
    record.store_steps(call, None, &steps);
    record.end_call(call, CallEnd { reason: EndReason::new(Ending::Caller, "hung-up"), at: now });
    assert!(record.flush(Duration::from_secs(5)).await);
    call.to_string()
}

#[tokio::test]
async fn a_talk_is_reviewed_shared_and_answered() {
    let house = rubric().await;
    let agent = house.browser("min.li", &[Role::Agent]).await;
    let other = house.browser("wei.wang", &[Role::Agent]).await;
    let boss = house.browser("boss", &[Role::Supervisor]).await;
    let (_, me) = house.by(&agent, "GET", "/api/v1/me", Value::Null).await;
    let call = talked(&house, me["id"].as_str().unwrap()).await;
    assert_eq!(house.by(&agent, "GET", "/api/v1/reviews/sample", Value::Null).await.0, StatusCode::FORBIDDEN);
    let (_, drawn) = house.by(&boss, "GET", "/api/v1/reviews/sample", Value::Null).await;
    assert_eq!((&drawn[0]["call"], &drawn[0]["agent"]), (&json!(call), &me["id"]), "{drawn}");
    let path = format!("/api/v1/reviews/talks/{}", drawn[0]["talk"].as_str().unwrap());
    for (body, says) in [
        (json!({ "scores": { "charm": 5 } }), "scores: the rubric has no `charm`"),
        (json!({ "scores": { "greeting": 6 } }), "greeting: 0 to 5"),
        (json!({ "scores": {}, "note": "x".repeat(4001) }), "note: "),
    ] {
        let (status, told) = house.by(&boss, "PUT", &path, body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told["message"].as_str().unwrap().starts_with(says), "{told}");
    }
    assert_eq!(house.by(&agent, "PUT", &path, json!({ "scores": {} })).await.0, StatusCode::FORBIDDEN);
    let nothing = "/api/v1/reviews/talks/nothing";
    assert_eq!(house.by(&boss, "PUT", nothing, json!({ "scores": {} })).await.0, StatusCode::NOT_FOUND);
    let body = json!({ "scores": { "greeting": 5, "solution": 3 }, "note": "<i>好</i>" });
    let (status, draft) = house.by(&boss, "PUT", &path, body.clone()).await;
    assert_eq!(
        (status, &draft["state"], &draft["permille"]),
        (StatusCode::OK, &json!("draft"), &json!(700)),
        "{draft}"
    );
    let (_, seen) = house.by(&agent, "GET", "/api/v1/reviews", Value::Null).await;
    assert_eq!(seen, json!([]));
    let id = draft["id"].as_str().unwrap();
    let share = format!("/api/v1/reviews/{id}/share");
    assert_eq!(house.by(&agent, "POST", &share, Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.by(&boss, "POST", &share, Value::Null).await.0, StatusCode::OK);
    assert_eq!(house.by(&boss, "PUT", &path, body).await.0, StatusCode::PRECONDITION_FAILED);
    let (_, seen) = house.by(&agent, "GET", "/api/v1/reviews", Value::Null).await;
    assert_eq!((&seen[0]["id"], &seen[0]["note"]), (&json!(id), &json!("<i>好</i>")));
    assert_eq!(house.by(&other, "GET", "/api/v1/reviews", Value::Null).await.1, json!([]));
    let answer = format!("/api/v1/reviews/{id}/answer");
    let words = json!({ "dispute": true, "text": "客户没有问" });
    assert_eq!(house.by(&other, "POST", &answer, words.clone()).await.0, StatusCode::NOT_FOUND);
    let (status, told) = house.by(&agent, "POST", &answer, json!({ "dispute": true })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    let (status, told) = house.by(&agent, "POST", &answer, words).await;
    assert_eq!((status, &told["state"]), (StatusCode::OK, &json!("disputed")), "{told}");
    let (_, figures) = house.by(&boss, "GET", "/api/v1/reviews/figures?days=7", Value::Null).await;
    assert_eq!((&figures[0]["permille"], &figures[0]["criteria"]["solution"]), (&json!(700), &json!(600)));
    assert_eq!(
        house.by(&agent, "GET", "/api/v1/reviews/figures", Value::Null).await.0,
        StatusCode::FORBIDDEN
    );
    let (_, left) = house.by(&boss, "GET", "/api/v1/reviews/sample", Value::Null).await;
    assert_eq!(left, json!([]), "it is heard once");
    let sound = format!("/api/v1/calls/{call}/recording");
    assert_eq!(house.by(&agent, "GET", &sound, Value::Null).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.by(&boss, "GET", &sound, Value::Null).await.0, StatusCode::NOT_FOUND);
}
