//! Surveys that are answered in writing.

use hotline_campaign::{AttemptRow, CaseKey, CaseRow, Disposition, Done, Row, Waits};
use hotline_model::campaign::{Channel, Outcome};
use hotline_model::{CallId, CustomerId, Pii, TicketId};

use super::house::{House, execute};
use super::*;
use crate::{
    CallDirection, CallEnd, CampaignDeed, NewCall, NewPage, OpenedCall, PagePromise, PageStored, PageTurn,
    Retained,
};

const TOKEN: &str = "0123456789abcdefghjkmnpqrs";
const DAY: Duration = Duration::from_secs(86_400);

struct Sent {
    call: CallId,
    attempt: CallId,
    customer: CustomerId,
    ticket: TicketId,
}

/// A customer who was called in vain and sent a message with a link.
async fn sent(house: &House) -> Sent {
    let input = super::TicketInput { code: None, ..super::ticket("W-1", "13800138001") };
    let stored = house.record.upsert_ticket(input, Language::ZhCn).await.unwrap();
    let now = house.clock.now();
    let (call, attempt): (CallId, CallId) = (house.ids.next(now), house.ids.next(now));
    let key = CaseKey { ticket: stored.ticket, policy: "survey".into() };
    let row = |id, channel, number, how| AttemptRow {
        call: id,
        channel,
        key: key.clone(),
        round: now,
        number,
        customer: stored.customer,
        trunk: "carrier".into(),
        at: now,
        answered_at: None,
        ended: Some((now, how)),
    };
    let case = CaseRow {
        key: key.clone(),
        round: now,
        customer: stored.customer,
        channel: Channel::Message,
        since: now,
        next: now,
        next_why: Waits::NotYetDue,
        until: now + DAY,
        made: 2,
        outcomes: Vec::new(),
        done: Some((now, Done::Ended(Disposition::Sent))),
    };
    let message = NewMessage {
        idempotency_key: format!("notice-{attempt}"),
        customer: stored.customer,
        ticket: Some(stored.ticket),
        recipient: PhoneNumber::parse("13800138001").unwrap(),
        text: format!("请点 https://s.example/s/{TOKEN} 告诉我们").into(),
        due_at: now,
        urgent: true,
        attempt: Some(attempt),
        until: None,
    };
    let page = NewPage {
        attempt,
        token: Pii::new(TOKEN.into()),
        customer: stored.customer,
        ticket: stored.ticket,
        policy: "survey".into(),
        plan: "ask".into(),
        language: Language::ZhCn,
        given: Pii::new("{\"reference\":1}".into()),
        valid_until: now + DAY * 7,
    };
    let deeds = vec![
        CampaignDeed::Row(Row::Case(case)),
        CampaignDeed::Row(Row::Attempt(row(call, Channel::Call, 1, Disposition::Not(Outcome::NoAnswer)))),
        CampaignDeed::Row(Row::Attempt(row(attempt, Channel::Message, 2, Disposition::Sent))),
        CampaignDeed::Message(Box::new(message)),
        CampaignDeed::Page(Box::new(page)),
    ];
    house.record.store_campaign(deeds.clone()).await.unwrap();
    let new = NewCall {
        call,
        sip_call_id: String::new(),
        direction: CallDirection::Out,
        caller: hotline_model::CallerNumber::Phone(PhoneNumber::parse("13800138001").unwrap()),
        dialled: "10086".into(),
        trunk: "carrier".into(),
        plan: "ask".into(),
        plan_version: "1".into(),
        ticket: Some(stored.ticket),
        parent: None,
        at: now,
    };
    house.record.begin_call(new, &OpenedCall { customer: Some(stored.customer), ..OpenedCall::default() });
    let reason = hotline_model::EndReason::new(hotline_model::Ending::Us, "no-answer");
    house.record.end_call(call, CallEnd { reason, at: now });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    Sent { call, attempt, customer: stored.customer, ticket: stored.ticket }
}

fn turn(sent: &Sent, version: i64, answers: &[(&str, &str)]) -> PageTurn {
    PageTurn {
        attempt: sent.attempt.to_string(),
        version,
        plan_version: "1".into(),
        turns: Pii::new(format!("[{version}]")),
        answers: answers
            .iter()
            .map(|(question, answer)| PageAnswer {
                question: (*question).to_owned(),
                answer: (*answer).to_owned(),
                content: (*question == "satisfied").then_some(*answer == "satisfied"),
            })
            .collect(),
        outcome: "wants-human".into(),
        ..PageTurn::default()
    }
}

fn promise(house: &House, hours: u64) -> Option<PagePromise> {
    let due_at = house.clock.now() + Duration::from_secs(hours * 3_600);
    Some(PagePromise { reason: "dissatisfied".into(), note: None, due_at })
}

async fn count(house: &House, what: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) AS n FROM {what}");
    let row = sqlx::query(&sql).fetch_one(&house.record.readers).await.unwrap();
    crate::sql::Columns::int(&row, "n").unwrap()
}

pub async fn a_page_keeps_each_answer_once_and_counts_as_its_attempt(house: House) {
    let sent = sent(&house).await;
    user(&house, "min.li", &[Role::Agent]).await;
    let owner = crate::TicketChange { owner: Some("min.li".into()), ..crate::TicketChange::default() };
    house.record.change_ticket(sent.ticket, owner, None, "boss").await.unwrap();
    assert!(house.record.find_page("0123456789abcdefghjkmnpqrt").await.unwrap().is_none());
    let page = house.record.find_page(TOKEN).await.unwrap().unwrap();
    assert_eq!((page.attempt.clone(), page.version, page.done_at), (sent.attempt.to_string(), 0, None));
    let first =
        PageTurn { follow_up: promise(&house, 8), ..turn(&sent, 0, &[("satisfied", "dissatisfied")]) };
    assert_eq!(house.record.store_page_turn(first.clone()).await.unwrap(), PageStored::Kept);
    // The same again, or another tab that had not seen it.
    assert_eq!(house.record.store_page_turn(first).await.unwrap(), PageStored::Meanwhile);
    let second = PageTurn {
        follow_up: promise(&house, 9),
        words: vec![("comment".into(), Pii::new("还没退费".into()))],
        ..turn(&sent, 1, &[("satisfied", "dissatisfied"), ("reason", "money")])
    };
    assert_eq!(house.record.store_page_turn(second).await.unwrap(), PageStored::Kept);
    let contact = house.record.find_contact(&sent.attempt.to_string()).await.unwrap().unwrap();
    assert_eq!((contact.channel.as_str(), contact.root.as_str()), ("web", sent.call.to_string().as_str()));
    assert!(contact.ended_at.is_some() && contact.ticket == Some(sent.ticket.to_string()));
    let promised = house.record.follow_ups_of(sent.customer).await.unwrap();
    assert_eq!(promised.len(), 1, "{promised:?}");
    assert_eq!(promised[0].owner.as_deref(), Some("min.li"), "whose the ticket is");
    assert_eq!(promised[0].due_at, promise(&house, 9).unwrap().due_at);
    let words = house.record.written_words(&sent.attempt.to_string()).await.unwrap();
    assert_eq!(words[0].1.expose(), "还没退费");
    let now = house.clock.now();
    let funnel = |done: i64, content: i64, not: i64, promised: i64| (1, 1, done, content, not, promised);
    let counted = async || {
        let all = house.record.funnel(now - DAY, now + DAY).await.unwrap().remove(0);
        (all.drawn, all.took_part, all.completed, all.satisfied, all.dissatisfied, all.promised)
    };
    assert_eq!(counted().await, funnel(0, 0, 1, 1));
    // On second thoughts: nothing is kept of the way that was left, and nobody calls.
    let third =
        PageTurn { outcome: "contained".into(), done: true, ..turn(&sent, 2, &[("satisfied", "satisfied")]) };
    assert_eq!(house.record.store_page_turn(third.clone()).await.unwrap(), PageStored::Kept);
    assert_eq!(counted().await, funnel(1, 1, 0, 0));
    assert_eq!(house.record.answers_of_call(&sent.attempt.to_string()).await.unwrap().len(), 1);
    assert!(house.record.written_words(&sent.attempt.to_string()).await.unwrap().is_empty());
    assert_eq!(house.record.follow_ups_of(sent.customer).await.unwrap()[0].state, "done");
    assert_eq!(count(&house, "event WHERE type IN ('survey.answered', 'survey.completed')").await, 3);
    assert_eq!(count(&house, "interaction WHERE channel = 'web'").await, 1);
    assert_eq!(
        house.record.store_page_turn(PageTurn { version: 3, ..third }).await.unwrap(),
        PageStored::Meanwhile
    );
}

pub async fn a_page_that_is_over_takes_nothing(house: House) {
    let sent = sent(&house).await;
    assert!(house.record.open_page_of(sent.customer).await.unwrap().is_some());
    let refused = PageTurn { do_not_call: true, done: true, ..turn(&sent, 0, &[]) };
    house.clock.advance(DAY * 8);
    assert_eq!(house.record.store_page_turn(refused).await.unwrap(), PageStored::Meanwhile);
    assert!(house.record.open_page_of(sent.customer).await.unwrap().is_none());
    assert_eq!(count(&house, "interaction WHERE channel = 'web'").await, 0);
    let before = house.record.newest_seq().await.unwrap();
    house.record.refuse_contact(sent.customer, "web").await.unwrap();
    house.record.refuse_contact(sent.customer, "web").await.unwrap();
    assert!(house.record.find_page(TOKEN).await.unwrap().unwrap().do_not_call);
    let told = house.record.follow(before, 10).await.unwrap();
    assert_eq!(
        told.iter().map(|one| one.type_name.as_str()).collect::<Vec<_>>(),
        ["customer.changed", "consent.withdrawn"]
    );
}

pub async fn what_was_written_goes_with_its_customer_and_its_age(house: House) {
    let sent = sent(&house).await;
    // What left has no key to the page in it any more.
    let message = house.record.messages_of(sent.customer).await.unwrap().remove(0);
    assert!(message.text.expose().contains(TOKEN));
    house.record.settle_message(&message, SendOutcome::Sent(None)).await.unwrap();
    let text = house.record.messages_of(sent.customer).await.unwrap().remove(0).text;
    assert_eq!(text.expose(), "请点 https://s.example/s/… 告诉我们");
    let words = || PageTurn {
        words: vec![("comment".into(), Pii::new("我是王小明".into()))],
        ..turn(&sent, 0, &[("satisfied", "dissatisfied")])
    };
    house.record.store_page_turn(words()).await.unwrap();
    let export = house.record.export_customer(sent.customer).await.unwrap().unwrap();
    assert_eq!(export["written"][0]["text"], "我是王小明");
    assert_eq!(export["answers"][0]["answer"], "dissatisfied");
    house.record.erase_customer(sent.customer, "min.li").await.unwrap();
    let page = house.record.find_page(TOKEN).await.unwrap().unwrap();
    assert!(page.erased && page.given.expose() == "{}" && page.turns.expose() == "[]");
    assert_eq!(count(&house, "caller_words WHERE text IS NOT NULL").await, 0);
    let late = PageTurn { version: 1, ..words() };
    assert_eq!(house.record.store_page_turn(late).await.unwrap(), PageStored::Meanwhile);
    // Old pages go with the messages that led to them, old words with the steps.
    let old =
        "INSERT INTO caller_words (call_id, name, seconds, at, text) VALUES ('x', 'comment', 0, 1, '旧')";
    execute(&house.address, old).await;
    let now = house.clock.now();
    house.record.delete_older(Retained::Steps, now).await.unwrap();
    assert_eq!(count(&house, "caller_words WHERE text IS NOT NULL").await, 0);
    house.record.delete_older(Retained::Messages, now).await.unwrap();
    assert_eq!(count(&house, "survey_page").await, 1);
    house.record.delete_older(Retained::Messages, now + DAY * 30).await.unwrap();
    assert_eq!(count(&house, "survey_page").await, 0);
}
