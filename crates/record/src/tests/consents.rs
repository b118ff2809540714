//! What customers agreed to or refused.

use std::time::Duration;

use hotline_campaign::Row;
use hotline_model::CustomerId;

use super::house::House;
use super::*;
use crate::{CampaignDeed, NewConsent, ProfileChange, RECORDING, SURVEYS};

fn word(customer: CustomerId, kind: &str, given: bool) -> NewConsent {
    NewConsent {
        customer,
        kind: kind.into(),
        given,
        channel: "call".into(),
        interaction: None,
        event: None,
        words: None,
        words_version: None,
        key: None,
    }
}

async fn types(house: &House, start: &str) -> Vec<String> {
    let events = house.record.follow(0, 200).await.unwrap();
    events.into_iter().map(|event| event.type_name).filter(|name| name.starts_with(start)).collect()
}

pub async fn a_consent_is_added_with_its_proof_and_never_changed(house: House) {
    let (record, customer) = (&house.record, house.with_ticket().await.customer);
    let call = house.call("13800138000").await;
    assert!(record.flush(Duration::from_secs(5)).await);
    assert!(!record.has_withdrawn(customer, RECORDING).await.unwrap());
    let mut no = word(customer, RECORDING, false);
    no.interaction = Some(call.to_string());
    no.event = Some(record.newest_seq().await.unwrap());
    no.words = Some("通话可能被录音。".into());
    no.words_version = Some("2026-1".into());
    no.key = Some("one".into());
    let id = record.add_consent(no.clone(), "min.li").await.unwrap();
    assert_eq!(record.add_consent(no, "min.li").await.unwrap(), id, "sent twice");
    assert!(record.has_withdrawn(customer, RECORDING).await.unwrap());
    house.clock.advance(Duration::from_secs(60));
    record.add_consent(word(customer, RECORDING, true), "wei.wang").await.unwrap();
    assert!(!record.has_withdrawn(customer, RECORDING).await.unwrap());
    let all = record.consents_of(customer).await.unwrap();
    let told: Vec<_> = all.iter().map(|one| (one.state, one.current, one.noted_by.as_str())).collect();
    assert_eq!(told, [("given", true, "wei.wang"), ("withdrawn", false, "min.li")]);
    assert_eq!(
        (all[1].words.as_deref(), &all[1].words_version),
        (Some("通话可能被录音。"), &Some("2026-1".into()))
    );
    assert_eq!(all[1].interaction, Some(call.to_string()));
    assert_eq!(record.card(customer).await.unwrap().unwrap().consents, all[..1]);
    assert_eq!(types(&house, "consent.").await, ["consent.withdrawn", "consent.given"]);
    let line = record.timeline(customer, None, 50).await.unwrap().unwrap();
    let shown = line.entries.iter().filter(|entry| entry.kind == crate::EntryKind::Consent).count();
    assert_eq!(shown, 2);
    let data = record.export_customer(customer).await.unwrap().unwrap();
    assert_eq!(data["consents"][1]["words"], "通话可能被录音。");
    // Of a record that was merged into another the other's word is the newest.
    let mut other = ticket("T-9", "13900139000");
    other.code = None;
    let other = record.upsert_ticket(other, Language::ZhCn).await.unwrap().customer;
    house.clock.advance(Duration::from_secs(60));
    record.add_consent(word(other, RECORDING, false), "min.li").await.unwrap();
    record.merge_customers(other, customer, "min.li", None).await.unwrap();
    assert!(record.has_withdrawn(customer, RECORDING).await.unwrap());
    assert!(record.has_withdrawn(other, RECORDING).await.unwrap());
    record.erase_customer(customer, "boss").await.unwrap();
    let left = record.consents_of(customer).await.unwrap();
    assert!(left.len() == 3 && left.iter().all(|one| one.words.is_none()), "{left:?}");
    let late = record.add_consent(word(customer, RECORDING, true), "min.li").await.unwrap_err().to_string();
    assert!(late.contains("erased"), "{late}");
}

pub async fn what_proves_a_consent_is_the_customers_own(house: House) {
    let (record, customer) = (&house.record, house.with_ticket().await.customer);
    let strangers = house.call("13900139000").await;
    assert!(record.flush(Duration::from_secs(5)).await);
    type Bend = fn(&mut NewConsent);
    let bad: [(Bend, &str); 5] = [
        (|new| new.kind = "Kind of".into(), "kind: "),
        (|new| new.channel = "dream".into(), "channel: one of"),
        (|new| new.words = Some("a\u{202e}b".into()), "words: "),
        (|new| new.words_version = Some("x".repeat(65)), "words-version: "),
        (|new| new.event = Some(1 << 40), "event: "),
    ];
    for (bend, expected) in bad {
        let mut new = word(customer, "marketing", true);
        bend(&mut new);
        let told = record.add_consent(new, "min.li").await.unwrap_err().to_string();
        assert!(told.starts_with(expected), "{told}");
    }
    let mut new = word(customer, "marketing", true);
    new.interaction = Some(strangers.to_string());
    let told = record.add_consent(new, "min.li").await.unwrap_err().to_string();
    assert!(told.starts_with("interaction: "), "{told}");
    let nobody = word(house.ids.next(house.clock.now()), "marketing", true);
    assert!(matches!(record.add_consent(nobody, "x").await, Err(RecordError::NotFound("customer"))));
    assert!(record.consents_of(customer).await.unwrap().is_empty());
    assert!(types(&house, "consent.").await.is_empty());
}

pub async fn who_wants_no_calls_has_said_so_somewhere(house: House) {
    let (record, customer) = (&house.record, house.with_ticket().await.customer);
    let call = house.call("13800138000").await;
    let keyed = StepEvent::Keyed { step: "ask".into(), keys: "9".into() };
    record.store_steps(call, Some(customer), &[CallStep { number: 1, at: house.clock.now(), event: keyed }]);
    assert!(record.flush(Duration::from_secs(5)).await);
    let events = record.events_of(&call.to_string()).await.unwrap();
    let proof = events.iter().find(|event| event.type_name == "call.keyed").unwrap().seq;
    record.opt_out(customer, call).await.unwrap();
    // The scheduler says it again once the call has ended.
    let again = vec![CampaignDeed::Row(Row::OptOut { customer, out: true })];
    record.store_campaign(again).await.unwrap();
    let all = record.consents_of(customer).await.unwrap();
    let [one] = all.as_slice() else { panic!("once: {all:?}") };
    assert_eq!((one.kind.as_str(), one.state, one.noted_by.as_str()), (SURVEYS, "withdrawn", "plan"));
    assert_eq!((one.interaction.clone(), one.event), (Some(call.to_string()), Some(proof)));
    assert_eq!(one.words_version.as_deref(), Some("1"));
    assert!(record.card(customer).await.unwrap().unwrap().do_not_call);
    // Set back on the profile, which says the same once more.
    for _ in 0..2 {
        house.clock.advance(Duration::from_secs(60));
        let change = ProfileChange { do_not_call: Some(false), ..ProfileChange::default() };
        record.change_profile(customer, change, None, "min.li").await.unwrap();
    }
    let all = record.consents_of(customer).await.unwrap();
    assert_eq!((all.len(), all[0].state, all[0].noted_by.as_str()), (2, "given", "min.li"));
    // And by a consent: the flag goes with it.
    house.clock.advance(Duration::from_secs(60));
    record.add_consent(word(customer, SURVEYS, false), "min.li").await.unwrap();
    assert!(record.card(customer).await.unwrap().unwrap().do_not_call);
    assert_eq!(record.consents_of(customer).await.unwrap().len(), 3);
}
