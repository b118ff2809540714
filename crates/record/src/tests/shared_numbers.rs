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

fn named(name: &str) -> TakenFor {
    TakenFor::New(Some(name.to_owned().into()))
}

pub async fn a_ticket_that_an_agent_makes_is_that_customers_whoever_else_has_the_number(house: House) {
    let record = &house.record;
    let (first, second) = (who_has(&house, "C-1").await, who_has(&house, "C-2").await);
    for customer in [second, first] {
        let new = crate::AgentTicket {
            customer,
            key: None,
            category: Some("plan".into()),
            due_at: None,
            language: Language::ZhCn,
        };
        assert_eq!(record.make_ticket(new, "min.li").await.unwrap().customer, customer);
    }
    let number = PhoneNumber::parse("13800138000").unwrap();
    assert_eq!(record.find_matches(&number).await.unwrap().len(), 2, "nobody is made");
}

pub async fn an_agent_says_whose_a_call_is_that_two_might_have_made(house: House) {
    let record = &house.record;
    let (first, second) = (who_has(&house, "C-1").await, who_has(&house, "C-2").await);
    let call = house.call("13800138000").await;
    let step = CallStep { number: 1, at: house.clock.now(), event: StepEvent::entered("main", "menu") };
    record.store_steps(call, None, &[step]);
    assert!(record.flush(Duration::from_secs(5)).await);
    let of = async |call: CallId| record.find_contact(&call.to_string()).await.unwrap().unwrap();
    assert_eq!(of(call).await.customer, None, "the number names nobody");
    let said = record.identify_caller(call, TakenFor::Customer(second), "min.li").await.unwrap();
    assert_eq!(said, Identified::As(second));
    let known = of(call).await;
    assert_eq!((known.customer, known.known_by.as_deref()), (Some(second), Some("agent")));
    assert!(known.path.iter().all(|event| event.customer_id == Some(second.to_string())), "{:?}", known.path);
    let told = known.path.iter().filter(|event| event.type_name == "call.identified").count();
    record.identify_caller(call, TakenFor::Customer(second), "min.li").await.unwrap();
    assert_eq!((told, of(call).await.path.len()), (1, known.path.len()), "said again it changes nothing");
    assert_eq!(record.card(second).await.unwrap().unwrap().live.len(), 1);
    // They were wrong, and say so.
    record.identify_caller(call, TakenFor::Customer(first), "min.li").await.unwrap();
    assert!(record.card(second).await.unwrap().unwrap().live.is_empty());
    assert_eq!(record.card(first).await.unwrap().unwrap().live[0].id, call.to_string());
    let nobody: CustomerId = house.ids.next(house.clock.now());
    let refused = record.identify_caller(call, TakenFor::Customer(nobody), "min.li").await;
    assert!(matches!(refused, Err(RecordError::NotFound(_))), "{refused:?}");
}

pub async fn who_was_verified_is_not_taken_for_somebody_else(house: House) {
    let stored = house.with_ticket().await;
    let call = house.call("13900139000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert!(house.verify(call, "13900139000", "407192865", "8000").await.passed.is_some());
    let say = async |who| house.record.identify_caller(call, who, "min.li").await.unwrap();
    assert_eq!(say(named("王小明")).await, Identified::Certain);
    assert_eq!(say(TakenFor::Customer(stored.customer)).await, Identified::As(stored.customer));
    let known = house.record.find_contact(&call.to_string()).await.unwrap().unwrap();
    assert_eq!((known.customer, known.known_by.as_deref()), (Some(stored.customer), Some("verified")));
}

pub async fn a_new_caller_is_a_customer_whose_number_is_seen_and_not_verified(house: House) {
    let record = &house.record;
    let call = house.call("13900139000").await;
    assert!(record.flush(Duration::from_secs(5)).await);
    let long = record.identify_caller(call, named(&"王".repeat(101)), "min.li").await.unwrap_err();
    assert!(long.to_string().starts_with("name: "), "{long}");
    let said = record.identify_caller(call, named(" 王建国 "), "min.li").await.unwrap();
    let Identified::As(customer) = said else { panic!("{said:?}") };
    let number = PhoneNumber::parse("13900139000").unwrap();
    let found = record.find_matches(&number).await.unwrap();
    assert_eq!((found.len(), found[0].customer, found[0].level), (1, customer, LinkLevel::Observed));
    assert_eq!(found[0].name.as_ref().unwrap().expose(), "王建国");
    assert_eq!(
        record.find_customer_by_phone(&number).await.unwrap(),
        None,
        "it lets nobody be taken for them"
    );
    assert_eq!(record.search("建国", 5).await.unwrap().hits.len(), 1);
}

pub async fn words_about_a_caller_whom_nobody_knows_are_on_a_record(house: House) {
    let record = &house.record;
    let write = async |from: &str, note: Option<&str>| {
        let call = house.call(from).await;
        assert!(record.flush(Duration::from_secs(5)).await);
        let note = note.map(|text| text.to_owned().into());
        record.wrap_up(call, "other", note, "min.li", false).await.unwrap();
        house.clock.advance(Duration::from_secs(1));
        record.find_contact(&call.to_string()).await.unwrap().unwrap().customer
    };
    assert_eq!(write("13900139000", None).await, None, "without words nobody is made");
    let made = write("13900139000", Some("问套餐")).await.unwrap();
    assert_eq!(write("13900139000", Some("又问套餐")).await, Some(made), "one of a number");
    let card = record.card(made).await.unwrap().unwrap();
    assert_eq!((card.name.is_none(), card.identities.len()), (true, 1));
    assert_eq!(card.identities[0].value.expose(), "+8613900139000");
    assert!(write("anonymous", Some("匿名来电")).await.is_some_and(|other| other != made));
}
