//! What supervisors think of talks.

use std::time::Duration;

use hotline_model::{AgentId, UserId};

use super::house::House;
use super::people::user;
use super::*;
use crate::{NewReview, Retained, ReviewState, Score};

/// A call in which an agent talked; gives the talk.
async fn talk(house: &House, agent: UserId) -> (CallId, String) {
    let call = house.call("13800138000").await;
    let agent: AgentId = agent.into();
    let now = house.clock.now();
    let steps = [
        CallStep { number: 1, at: now, event: StepEvent::Joined { agent: Some(agent) } },
        CallStep {
            number: 2,
            at: now + jiff::SignedDuration::from_secs(60),
            event: StepEvent::LeftQueue { step: "s".into(), how: "answered".into() },
        },
    ];
    house.record.store_steps(call, None, &steps);
    let reason = EndReason::new(Ending::Caller, "hung-up");
    house.record.end_call(call, CallEnd { reason, at: now + jiff::SignedDuration::from_secs(60) });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let talks = house.record.talks_of(&call.to_string()).await.unwrap();
    (call, talks[0].id.clone())
}

fn scored(talk: &str, score: Option<u32>) -> NewReview {
    let one = |criterion: &str, score, weight| Score { criterion: criterion.into(), score, scale: 5, weight };
    NewReview {
        talk: talk.into(),
        scores: vec![one("greeting", score, 1), one("solution", Some(5), 3)],
        note: Some("清楚".to_owned().into()),
        version: None,
    }
}

pub async fn talks_to_be_heard_are_drawn_by_lot_and_each_once(house: House) {
    let record = &house.record;
    let anna = user(&house, "anna", &[Role::Agent]).await;
    let bert = user(&house, "bert", &[Role::Agent]).await;
    house.with_ticket().await;
    for _ in 0..6 {
        talk(&house, anna).await;
        house.clock.advance(Duration::from_secs(120));
    }
    talk(&house, bert).await;
    house.clock.advance(Duration::from_secs(120));
    let day = |day: &str| day.parse().unwrap();
    let drawn = record.review_sample(day("2026-11-20"), 3).await.unwrap();
    let of = |agent: UserId| drawn.iter().filter(|talk| talk.agent == agent).count();
    assert_eq!((of(anna), of(bert)), (3, 1));
    let names = |talks: &[crate::DrawnTalk]| talks.iter().map(|one| one.talk.clone()).collect::<Vec<_>>();
    assert_eq!(names(&drawn), names(&record.review_sample(day("2026-11-20"), 3).await.unwrap()));
    let mut others = std::collections::BTreeSet::new();
    for date in ["2026-11-21", "2026-11-22", "2026-11-23", "2026-11-24"] {
        others.insert(names(&record.review_sample(day(date), 3).await.unwrap()));
    }
    assert!(others.len() > 1 || !others.contains(&names(&drawn)), "another lot on another day");
    // What was reviewed is drawn no more, and counts against the week.
    let one = drawn.iter().find(|talk| talk.agent == anna).unwrap();
    record.store_review(scored(&one.talk, Some(3)), true, "boss").await.unwrap();
    let left = record.review_sample(day("2026-11-20"), 3).await.unwrap();
    assert_eq!(left.iter().filter(|talk| talk.agent == anna).count(), 2);
    assert!(!names(&left).contains(&one.talk));
    house.clock.advance(Duration::from_secs(8 * 86_400));
    assert!(record.review_sample(day("2026-11-28"), 3).await.unwrap().is_empty(), "older than a week");
}

pub async fn a_review_is_shared_once_and_answered_once(house: House) {
    let record = &house.record;
    let anna = user(&house, "anna", &[Role::Agent]).await;
    let customer = house.with_ticket().await.customer;
    let (call, talk) = talk(&house, anna).await;
    let refused = record.store_review(scored(&talk, Some(3)), false, "boss").await.unwrap_err().to_string();
    assert!(refused.starts_with("talk: "), "{refused}");
    let none = record.store_review(scored("no-such", None), true, "boss").await;
    assert!(matches!(none, Err(RecordError::NotFound("talk"))));
    let bad = record.store_review(scored(&talk, Some(6)), true, "boss").await.unwrap_err().to_string();
    assert!(bad.starts_with("greeting: 0 to 5"), "{bad}");
    let draft = record.store_review(scored(&talk, Some(1)), true, "boss").await.unwrap();
    assert_eq!((draft.state, draft.version, draft.call), (ReviewState::Draft, 1, Some(call.to_string())));
    assert!(record.reviews_of(anna).await.unwrap().is_empty(), "a draft is its reviewer's");
    assert!(record.reviews_for("other.boss").await.unwrap().is_empty());
    assert!(record.review_figures(house.clock.now() - Duration::from_secs(9)).await.unwrap().is_empty());
    let mut stale = scored(&talk, Some(2));
    stale.version = Some(7);
    assert!(matches!(record.store_review(stale, false, "boss").await, Err(RecordError::Stale(_))));
    let draft = record.store_review(scored(&talk, Some(0)), false, "boss").await.unwrap();
    assert_eq!(draft.version, 2);
    let early = record.answer_review(&draft.id, anna, None, false).await;
    assert!(matches!(early, Err(RecordError::NotFound("review"))), "it was not shared");
    assert!(matches!(record.share_review(&draft.id, "other.boss").await, Err(RecordError::NotFound(_))));
    record.share_review(&draft.id, "boss").await.unwrap();
    assert!(matches!(record.share_review(&draft.id, "boss").await, Err(RecordError::Stale(_))));
    assert!(matches!(
        record.store_review(scored(&talk, None), true, "boss").await,
        Err(RecordError::Stale(_))
    ));
    let silent = record.answer_review(&draft.id, anna, None, true).await.unwrap_err().to_string();
    assert!(silent.starts_with("text: "), "{silent}");
    let words = Some("客户没有问".to_owned().into());
    let answered = record.answer_review(&draft.id, anna, words, true).await.unwrap();
    assert_eq!(
        (answered.state, answered.answer.unwrap().expose().as_str()),
        (ReviewState::Disputed, "客户没有问")
    );
    assert!(matches!(record.answer_review(&draft.id, anna, None, false).await, Err(RecordError::Stale(_))));
    let [figures] = &record.review_figures(house.clock.now() - Duration::from_secs(9)).await.unwrap()[..]
    else {
        panic!("one agent")
    };
    assert_eq!((figures.agent, figures.reviews, figures.permille), (anna, 1, Some(750)));
    assert_eq!(figures.criteria, [("greeting".to_owned(), 0), ("solution".to_owned(), 1000)].into());
    let kinds: Vec<String> = record.follow(0, 500).await.unwrap().into_iter().map(|e| e.type_name).collect();
    assert!(kinds.contains(&"review.shared".into()) && kinds.contains(&"review.disputed".into()));
    let data = record.export_customer(customer).await.unwrap().unwrap();
    assert_eq!(data["reviews"][0]["note"], "清楚");
    record.erase_customer(customer, "boss").await.unwrap();
    let left = record.find_review(&draft.id).await.unwrap().unwrap();
    assert!(left.note.is_none() && left.answer.is_none() && left.scores.len() == 2, "what is counted stays");
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(record.delete_older(Retained::Reviews, house.clock.now()).await.unwrap(), 1);
}
