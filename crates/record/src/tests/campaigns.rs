//! Whom the firm calls, as a restart finds it.

use std::sync::Arc;
use std::time::Duration;

use hotline_campaign::{
    AttemptRow, CaseKey, CaseRow, Decision, Disposition, Done, PolicyRow, Row, Verdict, Waits,
};
use hotline_model::campaign::{Channel, Outcome};
use hotline_model::{CallId, CustomerId, TicketId};
use jiff::Timestamp;

use super::house::{House, execute};
use super::*;
use crate::{CampaignDeed, CampaignsSince, MessageState, NewMessage, SendOutcome, TicketChange};

/// A case with an attempt that goes on.
fn rows(house: &House, ticket: TicketId, customer: CustomerId) -> (CaseRow, AttemptRow, PolicyRow) {
    let now = house.clock.now();
    let key = CaseKey { ticket, policy: Arc::from("survey") };
    let case = CaseRow {
        key: key.clone(),
        round: now,
        customer,
        channel: Channel::Call,
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
        channel: Channel::Call,
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

/// A message that a policy plans, and its attempt: one commit.
async fn planned(house: &House, ticket: TicketId, customer: CustomerId, until: Timestamp) -> CallId {
    let now = house.clock.now();
    let (mut case, mut attempt, _) = rows(house, ticket, customer);
    (case.channel, attempt.channel) = (Channel::Message, Channel::Message);
    (attempt.trunk, attempt.answered_at) = (Arc::from(""), None);
    let message = NewMessage {
        idempotency_key: format!("notice-{}", attempt.call),
        customer,
        ticket: Some(ticket),
        recipient: "13800138000".parse().unwrap(),
        text: "moved".to_owned().into(),
        due_at: now,
        urgent: true,
        attempt: Some(attempt.call),
        until: Some(until),
    };
    let decision = Decision {
        at: now,
        customer,
        key: case.key.clone(),
        verdict: Verdict::Messaged { call: attempt.call },
    };
    let deeds = vec![
        CampaignDeed::Row(Row::Case(case)),
        CampaignDeed::Row(Row::Attempt(attempt.clone())),
        CampaignDeed::Message(Box::new(message)),
        CampaignDeed::Decision(decision),
    ];
    // Stored twice is stored once.
    house.record.store_campaign(deeds.clone()).await.unwrap();
    house.record.store_campaign(deeds).await.unwrap();
    attempt.call
}

async fn state_of(house: &House, attempt: CallId) -> MessageState {
    let key = format!("notice-{attempt}");
    house.record.find_message(&key).await.unwrap().unwrap().state
}

pub async fn a_message_of_a_policy_is_planned_with_its_attempt_and_what_became_of_it_is_told(house: House) {
    let stored = house.with_ticket().await;
    let (ticket, customer) = (stored.ticket, stored.customer);
    let now = house.clock.now();
    let later = now + Duration::from_secs(3_600);
    let settled = async |house: &House| house.record.load_campaigns(all_since(now)).await.unwrap().settled;
    // Sent; and then it could not be delivered after all.
    let call = planned(&house, ticket, customer, later).await;
    assert!(settled(&house).await.is_empty(), "it may still leave");
    let claimed = house.record.claim_messages(8, true).await.unwrap();
    let [message] = claimed.as_slice() else { panic!("{claimed:?}") };
    assert_eq!(message.attempt, Some(call));
    house.record.settle_message(message, SendOutcome::Sent(None)).await.unwrap();
    assert_eq!(settled(&house).await, [(call, Disposition::Sent)]);
    let entries = house.record.follow(0, 500).await.unwrap();
    let sent = entries.iter().find(|entry| entry.type_name == "message.sent").unwrap();
    assert_eq!(sent.body["attempt"], call.to_string());
    assert_eq!(house.record.find_ticket(ticket).await.unwrap().unwrap().notified_at, None);
    let ended = |call: CallId| {
        let (_, mut row, _) = rows(&house, ticket, customer);
        (row.call, row.channel, row.answered_at) = (call, Channel::Message, None);
        row.ended = Some((now, Disposition::Sent));
        vec![CampaignDeed::Row(Row::Attempt(row))]
    };
    house.record.store_campaign(ended(call)).await.unwrap();
    house.record.settle_message(message, SendOutcome::Undeliverable("off".into())).await.unwrap();
    let how = async |house: &House, call: CallId| {
        let found = house.record.load_campaigns(all_since(now)).await.unwrap().restored.attempts;
        found.into_iter().find(|row| row.call == call).unwrap().ended.unwrap().1
    };
    assert_eq!(how(&house, call).await, Disposition::Not(Outcome::Failed));
    assert!(house.record.follow_ups_of(customer).await.unwrap().is_empty(), "the policy's own matter");
    // The receipt may come before the scheduler has heard that it was taken.
    let call = planned(&house, ticket, customer, later).await;
    let message = house.record.claim_messages(8, true).await.unwrap().remove(0);
    house.record.settle_message(&message, SendOutcome::Sent(None)).await.unwrap();
    house.record.settle_message(&message, SendOutcome::Undeliverable("off".into())).await.unwrap();
    house.record.store_campaign(ended(call)).await.unwrap();
    assert_eq!(how(&house, call).await, Disposition::Not(Outcome::Failed));
    // Taken back before it left, or left lying until its time was over.
    let call = planned(&house, ticket, customer, later).await;
    house.record.cancel_message(call).await.unwrap();
    house.record.cancel_message(call).await.unwrap();
    assert_eq!(state_of(&house, call).await, MessageState::Cancelled);
    assert_eq!(settled(&house).await, [(call, Disposition::Not(Outcome::Cancelled))]);
    house.record.store_campaign(ended(call)).await.unwrap();
    let call = planned(&house, ticket, customer, now).await;
    assert!(!house.record.has_due_messages(true).await.unwrap());
    assert!(house.record.claim_messages(8, true).await.unwrap().is_empty());
    house.record.expire_messages().await.unwrap();
    assert_eq!(state_of(&house, call).await, MessageState::Cancelled);
}

pub async fn a_date_that_slips_moves_a_ticket_that_is_open(house: House) {
    let open = TicketInput { state: TicketState::Open, result: None, ..ticket("T-slips", "13800138000") };
    let stored = house.record.upsert_ticket(open, Language::ZhCn).await.unwrap();
    let since = async |house: &House| house.record.campaign_tickets(&[stored.ticket]).await.unwrap()[0].since;
    let slips = async |house: &House, due: &str| {
        let change = TicketChange { due_at: due.parse().ok(), ..TicketChange::default() };
        house.record.change_ticket(stored.ticket, change, None, "wang").await.unwrap();
    };
    let made = since(&house).await;
    house.clock.advance(Duration::from_secs(60));
    let change = TicketChange { owner: Some("wang".into()), ..TicketChange::default() };
    house.record.change_ticket(stored.ticket, change, None, "wang").await.unwrap();
    assert_eq!(since(&house).await, made, "who works on it is nothing to tell a customer");
    slips(&house, "2026-12-24T04:00:00Z").await;
    let moved = since(&house).await;
    assert_eq!(moved, house.clock.now());
    assert_eq!(house.record.tickets_changed_since(moved).await.unwrap(), [stored.ticket]);
    house.clock.advance(Duration::from_secs(60));
    slips(&house, "2026-12-24T04:00:00Z").await;
    assert_eq!(since(&house).await, moved, "the same date again");
    slips(&house, "2026-12-31T04:00:00Z").await;
    assert_eq!(since(&house).await, house.clock.now());
    // Of one that is settled the result is told, and no date.
    let closed = TicketInput { code: None, ..ticket("T-slips", "13800138000") };
    house.clock.advance(Duration::from_secs(60));
    house.record.upsert_ticket(closed, Language::ZhCn).await.unwrap();
    let settled = since(&house).await;
    house.clock.advance(Duration::from_secs(60));
    slips(&house, "2027-01-07T04:00:00Z").await;
    assert_eq!(since(&house).await, settled);
}
