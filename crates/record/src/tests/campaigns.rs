//! Whom the firm calls, as a restart finds it.

use std::sync::Arc;
use std::time::Duration;

use hotline_campaign::{
    AttemptRow, CaseKey, CaseRow, Decision, Disposition, Done, PolicyRow, Row, Verdict, Waits,
};
use hotline_model::campaign::Outcome;
use hotline_model::{CallId, CustomerId, TicketId};
use jiff::Timestamp;

use super::house::{House, execute};
use super::*;
use crate::{CampaignDeed, CampaignsSince};

/// A case with an attempt that goes on.
fn rows(house: &House, ticket: TicketId, customer: CustomerId) -> (CaseRow, AttemptRow, PolicyRow) {
    let now = house.clock.now();
    let key = CaseKey { ticket, policy: Arc::from("survey") };
    let case = CaseRow {
        key: key.clone(),
        round: now,
        customer,
        since: now,
        next: now,
        next_why: Waits::After(Outcome::Busy),
        until: now + Duration::from_secs(3 * 86_400),
        made: 2,
        outcomes: vec![(Outcome::Busy, 1), (Outcome::NoAnswer, 1)],
        done: None,
    };
    let attempt = AttemptRow {
        call: house.ids.next(now),
        key,
        round: now,
        number: 3,
        customer,
        trunk: Arc::from("carrier"),
        at: now,
        answered_at: Some(now),
        ended: None,
    };
    let policy = PolicyRow {
        policy: Arc::from("survey"),
        paused: true,
        attempts: 30,
        answered_ppm: 700_000,
        answered: 21,
        escalated_ppm: 190_000,
    };
    (case, attempt, policy)
}

fn all_since(at: Timestamp) -> CampaignsSince {
    CampaignsSince { done: at, tried: at, changed: at, spoke: at }
}

/// The same as deeds, with a decision.
pub fn deeds(house: &House, ticket: TicketId, customer: CustomerId) -> Vec<CampaignDeed> {
    let (case, attempt, policy) = rows(house, ticket, customer);
    let decision = Decision {
        at: house.clock.now(),
        customer,
        key: case.key.clone(),
        verdict: Verdict::Called { call: attempt.call },
    };
    vec![
        CampaignDeed::Row(Row::Case(case)),
        CampaignDeed::Row(Row::Policy(policy)),
        CampaignDeed::Row(Row::Attempt(attempt)),
        CampaignDeed::Decision(decision),
    ]
}

pub async fn what_is_stored_of_campaigns_is_what_a_restart_finds(house: House) {
    let stored = house.with_ticket().await;
    let (ticket, customer) = (stored.ticket, stored.customer);
    let (case, mut attempt, policy) = rows(&house, ticket, customer);
    let begun = vec![
        CampaignDeed::Row(Row::Case(case.clone())),
        CampaignDeed::Row(Row::Policy(policy.clone())),
        CampaignDeed::Row(Row::Attempt(attempt.clone())),
    ];
    house.record.store_campaign(begun).await.unwrap();
    let now = house.clock.now();
    let found = house.record.load_campaigns(all_since(now)).await.unwrap().restored;
    assert_eq!(found.cases, std::slice::from_ref(&case));
    assert_eq!(found.attempts, std::slice::from_ref(&attempt));
    assert_eq!(found.policies, [policy]);
    assert_eq!(found.tickets.len(), 1);
    assert_eq!((found.tickets[0].ticket, found.tickets[0].state), (ticket, TicketState::Closed));
    assert_eq!(&*found.tickets[0].category, "data-charge");
    let facts = &found.customers[0];
    assert_eq!(facts.customer, customer);
    assert_eq!(facts.number.as_ref().map(|number| number.expose().as_str()), Some("+8613800138000"));
    // It ends; the same rows are written again and not beside.
    attempt.ended = Some((now, Disposition::HungUp { question: 2 }));
    let mut over = case;
    over.done = Some((now, Done::Ended(Disposition::HungUp { question: 2 })));
    let ended =
        vec![CampaignDeed::Row(Row::Attempt(attempt.clone())), CampaignDeed::Row(Row::Case(over.clone()))];
    house.record.store_campaign(ended).await.unwrap();
    let found = house.record.load_campaigns(all_since(now)).await.unwrap().restored;
    assert_eq!((found.cases, found.attempts), (vec![over], vec![attempt]));
    // What is long over is left where it is.
    let later = now + Duration::from_secs(90 * 86_400);
    let found = house.record.load_campaigns(all_since(later)).await.unwrap().restored;
    assert!(found.cases.is_empty() && found.attempts.is_empty() && found.tickets.is_empty());
}

pub async fn decisions_of_campaigns_stand_in_the_journal(house: House) {
    let stored = house.with_ticket().await;
    house.record.store_campaign(deeds(&house, stored.ticket, stored.customer)).await.unwrap();
    let told = house.record.campaign_decisions(stored.ticket).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].type_name, "campaign.called");
    let call: CallId = told[0].interaction_id.as_deref().unwrap().parse().unwrap();
    let now = house.clock.now();
    let found = house.record.load_campaigns(all_since(now)).await.unwrap();
    assert_eq!(found.restored.attempts[0].call, call);
    assert!(found.seq >= told[0].seq);
}

pub async fn who_wants_no_calls_is_known_and_attributes_are_told(house: House) {
    let stored = house.with_ticket().await;
    let attributes = format!(
        "INSERT INTO customer_attribute (customer_id, name, value, at) VALUES ('{0}', 'zone', 'Asia/Urumqi', 1), \
         ('{0}', 'plan', '88', 1); UPDATE customer SET tier = 'gold' WHERE id = '{0}'",
        stored.customer
    );
    execute(&house.address, &attributes).await;
    let out = |out| vec![CampaignDeed::Row(Row::OptOut { customer: stored.customer, out })];
    house.record.store_campaign(out(true)).await.unwrap();
    let facts = house.record.campaign_customers(&[stored.customer]).await.unwrap().remove(0);
    assert!(facts.do_not_call);
    assert_eq!(facts.zone.unwrap().iana_name(), Some("Asia/Urumqi"));
    assert_eq!(facts.attributes["tier"].as_ref(), "gold");
    assert_eq!(facts.attributes["plan"].as_ref(), "88");
    house.record.store_campaign(out(false)).await.unwrap();
    assert!(!house.record.campaign_customers(&[stored.customer]).await.unwrap()[0].do_not_call);
    house.record.erase_customer(stored.customer, "tests").await.unwrap();
    assert!(house.record.campaign_customers(&[stored.customer]).await.unwrap().is_empty());
}
