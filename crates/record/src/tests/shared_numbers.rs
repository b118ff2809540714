//! A telephone number that several customers have.

use hotline_model::CustomerId;

use super::*;
use crate::{CustomerInput, NewReply};

async fn who_has(house: &House, reference: &str) -> CustomerId {
    let input = CustomerInput {
        external_ref: reference.into(),
        phones: vec!["13800138000".to_owned().into()],
        ..CustomerInput::default()
    };
    house.record.upsert_customers(vec![input], "crm").await.unwrap().remove(0).unwrap().customer
}

fn one(reference: &str) -> TicketInput {
    TicketInput { code: None, ..ticket(reference, "13800138000") }
}

fn reply(id: &str, outcome: Option<&'static str>) -> NewReply {
    NewReply {
        id: id.into(),
        from: PhoneNumber::parse("13800138000").unwrap(),
        to: "10690001".into(),
        text: "还没有解决".to_owned().into(),
        outcome,
    }
}

pub async fn tickets_of_a_number_that_two_have_go_to_one_customer_and_all_refuse(house: House) {
    let record = &house.record;
    let (first, second) = (who_has(&house, "C-1").await, who_has(&house, "C-2").await);
    assert_ne!(first, second);
    let mut whose = Vec::new();
    for reference in ["T-1", "T-2", "T-3"] {
        whose.push(record.upsert_ticket(one(reference), Language::ZhCn).await.unwrap().customer);
        house.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(whose[1..], [whose[0]; 2], "nobody is made for every ticket");
    let number = PhoneNumber::parse("13800138000").unwrap();
    assert_eq!(record.refuse_number(&number, "message").await.unwrap(), 3);
    for customer in [first, second, whose[0]] {
        let card = record.card(customer).await.unwrap().unwrap();
        assert!(card.do_not_call && card.consents.len() == 1, "{card:?}");
    }
    assert_eq!(record.refuse_number(&number, "message").await.unwrap(), 3);
    assert_eq!(record.consents_of(first).await.unwrap().len(), 1, "it is said once");
    let other = PhoneNumber::parse("13800138009").unwrap();
    assert_eq!(record.refuse_number(&other, "message").await.unwrap(), 0);
}

pub async fn a_merge_loses_no_refusal_and_neither_does_its_end(house: House) {
    let record = &house.record;
    let into = record.upsert_ticket(one("T-1"), Language::ZhCn).await.unwrap().customer;
    let from = TicketInput { phone: "13900139000".to_owned().into(), ..one("T-2") };
    let from = record.upsert_ticket(from, Language::ZhCn).await.unwrap().customer;
    record.refuse_contact(from, "message").await.unwrap();
    let merge = record.merge_customers(from, into, "min.li", None).await.unwrap();
    assert!(record.card(into).await.unwrap().unwrap().do_not_call);
    let known = record.campaign_customers(&[into]).await.unwrap();
    assert!(known[0].do_not_call);
    // They may be called again, and refuse while they are one: that holds for both.
    let change = |out| crate::ProfileChange { do_not_call: Some(out), ..crate::ProfileChange::default() };
    record.change_profile(into, change(false), None, "min.li").await.unwrap();
    assert!(!record.card(into).await.unwrap().unwrap().do_not_call);
    record.refuse_contact(from, "message").await.unwrap();
    record.undo_merge(&merge, "min.li").await.unwrap();
    for customer in [from, into] {
        assert!(record.card(customer).await.unwrap().unwrap().do_not_call);
    }
}

pub async fn a_message_is_taken_in_once_and_what_came_of_it_is_told_again(house: House) {
    let record = &house.record;
    assert_eq!(record.reply_of("m-1").await.unwrap(), None);
    let stored = record.store_reply(reply("m-1", Some("refused"))).await.unwrap();
    assert_eq!(record.reply_of("m-1").await.unwrap(), Some((stored.contact, Some("refused".into()))));
    let unread = record.store_reply(reply("m-2", None)).await.unwrap();
    assert_eq!(record.reply_of("m-2").await.unwrap(), Some((unread.contact, None)));
    assert!(!unread.follow_up, "nobody knows who wrote, and nothing is open");
}
