//! The queues' rows, as a restart finds them.

use std::time::Duration;

use hotline_campaign::Disposition;
use hotline_model::{AgentId, CallId, CustomerId, OfferId, UserId, WaitingId};
use hotline_queue::{
    AfterCall, AgentRow, AgentState, CallBackRow, HandlingRow, OfferOutcome, OfferRow, Row, WaitingRow,
    WaitingState, skills,
};

use super::house::House;
use super::people::user;
use super::surveys;
use super::*;
use crate::Telephone;

/// A caller who is offered to an agent, and everything around it.
pub async fn rows(house: &House, agent: UserId) -> Vec<Row> {
    let now = house.clock.now();
    let (waiting, offer): (WaitingId, OfferId) = (house.ids.next(now), house.ids.next(now));
    let agent = AgentId::from(agent);
    let call = house.call("13800138000").await;
    vec![
        Row::Waiting(WaitingRow {
            waiting,
            call,
            queue: "complaints".into(),
            priority: 3,
            skills: skills(["en-us", "complaints"]),
            last_agent: Some(agent),
            joined_at: now,
            state: WaitingState::Offered,
            since: now,
            agent: Some(agent),
            customer: None,
            identity: None,
            kept_until: Some(now),
            call_back: Some(CallBackRow {
                number: PhoneNumber::parse("13800138000").unwrap(),
                tries: 2,
                not_before: Some(now),
            }),
        }),
        Row::Agent(AgentRow {
            agent,
            state: AgentState::Offered { offer, waiting },
            since: now,
            idle_since: now,
            skills: skills([]),
            missed: 2,
            after_call: Some(AfterCall::Break { reason: "lunch".into() }),
        }),
        Row::Offer(OfferRow { offer, waiting, agent, at: now, outcome: None }),
        Row::Handling(HandlingRow {
            queue: "complaints".into(),
            average: Duration::from_millis(90_500),
            calls: 7,
        }),
    ]
}

pub fn telephone(login: &str) -> Telephone {
    Telephone { login: login.into(), md5: "5".into(), sha256: "256".into() }
}

pub async fn what_is_stored_of_queues_is_what_a_restart_finds(house: House) {
    let agent = user(&house, "min.li", &[Role::Agent]).await;
    let mut stored = rows(&house, agent).await;
    // Twice: a piece that was spooled is run again.
    house.record.store_queue_rows(&stored);
    house.record.store_queue_rows(&stored);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let found = house.record.load_queues().await.unwrap();
    let Row::Waiting(waiting) = &stored[0] else { panic!() };
    assert_eq!(found.rows.waiting, std::slice::from_ref(waiting));
    let Row::Agent(row) = &stored[1] else { panic!() };
    assert_eq!(found.rows.agents, std::slice::from_ref(row));
    let Row::Offer(offer) = &stored[2] else { panic!() };
    assert_eq!(found.rows.offers, std::slice::from_ref(offer));
    let Row::Handling(handling) = &stored[3] else { panic!() };
    assert_eq!(found.rows.handling, std::slice::from_ref(handling));
    assert_eq!(found.logins[&AgentId::from(agent)], "min.li");
    let told =
        |kind: &str, events: &[crate::JournalEvent]| events.iter().filter(|e| e.type_name == kind).count();
    let events = house.record.follow(0, 1000).await.unwrap();
    let counts = ["queue.offered", "queue.offer"].map(|kind| told(kind, &events));
    assert_eq!(counts, [1, 1], "the journal tells each change once");
    // Everything that is over is found no more.
    for row in &mut stored {
        match row {
            Row::Waiting(row) => row.state = WaitingState::Served,
            Row::Offer(row) => row.outcome = Some((OfferOutcome::Answered, house.clock.now())),
            Row::Agent(row) => row.state = AgentState::WrapUp { until: house.clock.now() },
            Row::Handling(_) => {}
        }
    }
    house.record.store_queue_rows(&stored);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let found = house.record.load_queues().await.unwrap();
    assert!(found.rows.waiting.is_empty() && found.rows.offers.is_empty());
    assert_eq!(found.rows.agents[0].state, AgentState::WrapUp { until: house.clock.now() });
}

pub async fn telephones_are_those_of_accounts_that_may_sign_in(house: House) {
    user(&house, "min.li", &[Role::Agent]).await;
    let unknown = house.record.set_telephone("hotline", telephone("nobody")).await.unwrap_err();
    assert!(matches!(unknown, RecordError::NotFound(_)), "{unknown}");
    house.record.set_telephone("hotline", telephone("min.li")).await.unwrap();
    let other = Telephone { sha256: "another".into(), ..telephone("min.li") };
    house.record.set_telephone("hotline", other).await.unwrap();
    let found = house.record.telephones().await.unwrap();
    assert_eq!((found.len(), found[0].sha256.as_str()), (1, "another"));
    house.record.disable_user("min.li", true).await.unwrap();
    assert!(house.record.telephones().await.unwrap().is_empty());
}

pub async fn the_last_agent_of_a_caller_is_known(house: House) {
    let agent = user(&house, "min.li", &[Role::Agent]).await;
    let customer = house.with_ticket().await.customer;
    let phone = PhoneNumber::parse("13800138000").unwrap();
    let mut stored = rows(&house, agent).await;
    if let Row::Waiting(row) = &mut stored[0] {
        row.state = WaitingState::Served;
        row.customer = Some(customer);
    }
    house.record.store_queue_rows(&stored[..1]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let facts = house.record.queue_facts(Some(customer), None, Some(phone.clone()), true).await.unwrap();
    assert_eq!(facts.last_agent, Some(AgentId::from(agent)));
    assert!(facts.identity.is_some());
    let facts = house.record.queue_facts(Some(customer), None, Some(phone), false).await.unwrap();
    assert_eq!(facts.last_agent, None);
}

/// A caller whom an agent has served.
pub async fn has_served(house: &House, agent: UserId, call: CallId, customer: Option<CustomerId>) {
    house.clock.advance(Duration::from_secs(60));
    let mut stored = rows(house, agent).await;
    if let Row::Waiting(row) = &mut stored[0] {
        (row.call, row.customer, row.state) = (call, customer, WaitingState::Served);
    }
    house.record.store_queue_rows(&stored[..1]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
}

pub async fn a_caller_is_brought_to_whoever_knows_their_matter(house: House) {
    let (min, hong, wang) = (
        user(&house, "min.li", &[Role::Agent]).await,
        user(&house, "hong.zhao", &[Role::Agent]).await,
        user(&house, "wang", &[Role::Agent]).await,
    );
    let (about, customer, ticket) =
        surveys::called(&house, "C-1", "13800138000", Disposition::Completed).await;
    let other = house.call("13800138000").await;
    let known = async |ticket| {
        let facts = house.record.queue_facts(Some(customer), ticket, None, true).await.unwrap();
        facts.last_agent.map(UserId::from)
    };
    assert_eq!(known(Some(ticket)).await, None);
    has_served(&house, wang, other, Some(customer)).await;
    assert_eq!(known(Some(ticket)).await, Some(wang), "who served the customer last");
    let owner = crate::TicketChange { owner: Some("hong.zhao".into()), ..crate::TicketChange::default() };
    house.record.change_ticket(ticket, owner, None, "boss").await.unwrap();
    assert_eq!(known(Some(ticket)).await, Some(hong), "whose the ticket is");
    assert_eq!(known(None).await, Some(wang), "of another matter the ticket says nothing");
    has_served(&house, min, about, Some(customer)).await;
    has_served(&house, wang, other, Some(customer)).await;
    assert_eq!(known(Some(ticket)).await, Some(min), "who served them about it");
    house.record.disable_user("min.li", true).await.unwrap();
    assert_eq!(known(Some(ticket)).await, Some(hong), "nobody is brought to whoever has left");
}
