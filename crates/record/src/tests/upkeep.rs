//! What is told to others, and what is deleted by its age.

use std::time::Duration;

use super::house::House;
use super::*;
use crate::{Replay, Retained, Sent};

pub async fn deliveries_are_planned_claimed_and_settled_once(house: House) {
    let record = &house.record;
    let wanted = |kind: &str| kind.starts_with("ticket.");
    record.plan_deliveries("crm", wanted).await.unwrap();
    house.with_ticket().await;
    record.plan_deliveries("crm", wanted).await.unwrap();
    record.plan_deliveries("crm", wanted).await.unwrap();
    let hold = Duration::from_secs(60);
    let claimed = record.claim_deliveries("crm", 10, hold).await.unwrap();
    let [one] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert_eq!((one.attempts, one.ticket_ref.as_deref()), (0, Some("T-1")));
    assert_eq!(one.event.as_ref().unwrap().type_name, "ticket.created");
    assert_eq!(one.phone.as_ref().unwrap().expose(), "+8613800138000");
    assert!(record.claim_deliveries("crm", 10, hold).await.unwrap().is_empty(), "it is being sent");
    // Whoever sent it never came back.
    house.clock.advance(hold + Duration::from_secs(1));
    let again = record.claim_deliveries("crm", 10, hold).await.unwrap();
    assert_eq!((again[0].id.as_str(), again[0].attempts), (one.id.as_str(), 1));
    record.settle_delivery("crm", &one.id, Sent::Gone("answered 410".into())).await.unwrap();
    let state = &record.webhooks().await.unwrap()[0];
    assert_eq!((state.due, state.dead, state.disabled_at.is_some()), (0, 1, true));
    assert_eq!(record.replay_deliveries("crm", Replay::Ids(vec![one.id.clone()]), "op").await.unwrap(), 1);
    let since = house.clock.now() - Duration::from_secs(3600);
    assert_eq!(record.replay_deliveries("crm", Replay::Since(since), "op").await.unwrap(), 1);
    let claimed = record.claim_deliveries("crm", 10, hold).await.unwrap();
    record.settle_delivery("crm", &claimed[0].id, Sent::Delivered(204)).await.unwrap();
    assert_eq!(record.next_delivery_at("crm").await.unwrap(), None);
    assert_eq!(record.deliveries("crm", "delivered", 10).await.unwrap()[0].status, Some(204));
    assert_eq!(record.prune_deliveries(house.clock.now(), house.clock.now()).await.unwrap(), 0);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(record.prune_deliveries(house.clock.now(), house.clock.now()).await.unwrap(), 1);
}

pub async fn what_is_older_than_its_period_is_counted_and_deleted(house: House) {
    let record = &house.record;
    assert_eq!(
        record.delete_older(Retained::Steps, house.clock.now()).await.unwrap(),
        0,
        "of nothing nothing"
    );
    let mut middle = house.clock.now();
    for day in 0..2 {
        let call = house.call("13800138000").await;
        let event = StepEvent::entered("p", "s");
        let steps: Vec<CallStep> =
            (1..=3).map(|number| CallStep { number, at: house.clock.now(), event: event.clone() }).collect();
        record.store_steps(call, None, &steps);
        assert!(record.flush(Duration::from_secs(5)).await);
        let mut input = ticket(&format!("T-{day}"), "13800138000");
        input.code = None;
        let customer = record.upsert_ticket(input, Language::ZhCn).await.unwrap().customer;
        record.log_access("min.li", customer, "card").await.unwrap();
        house.clock.advance(Duration::from_secs(86_400));
        if day == 0 {
            middle = house.clock.now() - Duration::from_secs(60);
        }
    }
    for (kind, rows) in
        [(Retained::Steps, 3), (Retained::Journal, 1), (Retained::AccessLog, 1), (Retained::Messages, 0)]
    {
        assert_eq!(record.count_older(kind, middle).await.unwrap(), rows, "{kind:?}");
        assert_eq!(record.delete_older(kind, middle).await.unwrap(), rows, "{kind:?}");
        assert_eq!(record.count_older(kind, middle).await.unwrap(), 0, "{kind:?}");
    }
    let left = record.follow(0, 100).await.unwrap();
    assert_eq!(left.iter().filter(|event| event.type_name == "call.entered").count(), 3);
    record.tell_retention(&[("steps", 3)]).await.unwrap();
    record.tell_retention(&[("steps", 0)]).await.unwrap();
    assert_eq!(record.retained_at().await.unwrap(), Some(house.clock.now()));
}
