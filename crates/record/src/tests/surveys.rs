//! What customers answered and said, and what came of the calls to them.

use std::time::Duration;

use hotline_campaign::{AttemptRow, CaseKey, CaseRow, Disposition, Done, Row, Waits};
use hotline_model::campaign::Outcome;
use hotline_model::{CallId, CustomerId, PhoneNumber, Pii, TicketId};

use super::house::House;
use super::people::user;
use super::queues::has_served;
use super::*;
use crate::{
    Alert, CallDirection, CallEnd, CampaignDeed, NewAnswer, NewCall, NewFollowUp, NewWords, OpenedCall,
};

/// A customer with a settled ticket who was called about it, and what came of that.
pub async fn called(
    house: &House,
    reference: &str,
    phone: &str,
    how: Disposition,
) -> (CallId, CustomerId, TicketId) {
    let input = super::TicketInput { code: None, ..super::ticket(reference, phone) };
    let stored = house.record.upsert_ticket(input, hotline_model::Language::ZhCn).await.unwrap();
    let now = house.clock.now();
    let call: CallId = house.ids.next(now);
    let key = CaseKey { ticket: stored.ticket, policy: "survey".into() };
    let case = CaseRow {
        key: key.clone(),
        round: now,
        customer: stored.customer,
        channel: hotline_model::campaign::Channel::Call,
        since: now,
        next: now,
        next_why: Waits::NotYetDue,
        until: now + Duration::from_secs(86_400),
        made: 1,
        outcomes: Vec::new(),
        done: Some((now, Done::Ended(how))),
    };
    let answered = !matches!(how, Disposition::Not(_));
    let attempt = AttemptRow {
        call,
        channel: hotline_model::campaign::Channel::Call,
        key,
        round: now,
        number: 1,
        customer: stored.customer,
        trunk: "carrier".into(),
        at: now,
        answered_at: answered.then_some(now),
        ended: Some((now, how)),
    };
    let rows = vec![CampaignDeed::Row(Row::Case(case)), CampaignDeed::Row(Row::Attempt(attempt))];
    house.record.store_campaign(rows).await.unwrap();
    let number = PhoneNumber::parse(phone).unwrap();
    let new = NewCall {
        call,
        sip_call_id: String::new(),
        direction: CallDirection::Out,
        caller: hotline_model::CallerNumber::Phone(number),
        dialled: "10086".into(),
        trunk: "carrier".into(),
        plan: "ask".into(),
        plan_version: "1".into(),
        ticket: Some(stored.ticket),
        parent: None,
        at: now,
    };
    let known = OpenedCall { customer: Some(stored.customer), ..OpenedCall::default() };
    house.record.begin_call(new, &known);
    (call, stored.customer, stored.ticket)
}

/// As a plan would keep it whose questions `satisfied` and `settled` measure whether customers are content.
pub async fn answers(house: &House, called: (CallId, CustomerId, TicketId), question: &str, answer: &str) {
    let (call, customer, ticket) = called;
    let answer = NewAnswer {
        call,
        question: question.into(),
        answer: answer.into(),
        content: ["satisfied", "settled"]
            .contains(&question)
            .then_some(matches!(answer, "satisfied" | "yes" | "4" | "5")),
        plan: "ask".into(),
        plan_version: "1".into(),
        policy: Some("survey".into()),
        ticket: Some(ticket),
        customer: Some(customer),
    };
    house.record.store_answer(answer).await.unwrap();
}

pub async fn what_came_of_the_calls_is_counted_once_for_each_customer(house: House) {
    let content = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    answers(&house, content, "satisfied", "dissatisfied").await;
    answers(&house, content, "satisfied", "satisfied").await;
    let promised = called(&house, "C-2", "13800138002", Disposition::HungUp { question: 2 }).await;
    answers(&house, promised, "settled", "no").await;
    answers(&house, promised, "manner", "2").await;
    answers(&house, promised, "reason", "too-slow").await;
    let kept = called(&house, "C-3", "13800138003", Disposition::Completed).await;
    answers(&house, kept, "satisfied", "dissatisfied").await;
    answers(&house, kept, "reason", "too-slow").await;
    called(&house, "C-4", "13800138004", Disposition::Not(Outcome::Busy)).await;
    for (call, customer, ticket) in [promised, kept] {
        house.record.store_follow_up(NewFollowUp {
            customer: Some(customer),
            interaction: Some(call),
            ticket: Some(ticket),
            phone: None,
            reason: "dissatisfied".into(),
            note: None,
            due_in: Duration::from_secs(3_600),
        });
    }
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let follow_up = house.record.follow_ups_of(kept.1).await.unwrap().remove(0);
    house.record.act_on_follow_up(&follow_up.id, crate::FollowUpAct::Take, None, "min.li").await.unwrap();
    let done = crate::FollowUpAct::Done { outcome: "settled".into() };
    house.record.act_on_follow_up(&follow_up.id, done, None, "min.li").await.unwrap();
    let now = house.clock.now();
    let day = Duration::from_secs(86_400);
    let funnels = house.record.funnel(now - day, now + day).await.unwrap();
    let [all] = &funnels[..] else { panic!("one policy and one category: {funnels:?}") };
    assert_eq!((all.policy.as_str(), all.category.as_str()), ("survey", "data-charge"));
    let counted = [
        all.drawn,
        all.due,
        all.attempted,
        all.attempts,
        all.answered,
        all.took_part,
        all.completed,
        all.satisfied,
        all.dissatisfied,
        all.followed_up,
        all.promised,
    ];
    assert_eq!(counted, [4, 4, 4, 4, 3, 3, 2, 1, 2, 1, 1], "{all:?}");
    assert_eq!(all.reasons, [("too-slow".to_owned(), 2)].into());
    assert_eq!(house.record.funnel(now - day * 9, now - day * 8).await.unwrap(), []);
    // Whoever serves the customer sees at once that they were not content, and why.
    let card = house.record.card(promised.1).await.unwrap().unwrap();
    let told = card.alerts.iter().find_map(|alert| match alert {
        Alert::Dissatisfied { reason, ticket, .. } => Some((reason.clone(), ticket.clone())),
        _ => None,
    });
    assert_eq!(told, Some((Some("too-slow".to_owned()), Some(promised.2.to_string()))));
    let card = house.record.card(content.1).await.unwrap().unwrap();
    assert!(
        !card.alerts.iter().any(|alert| matches!(alert, Alert::Dissatisfied { .. })),
        "the last answer counts"
    );
}

pub async fn why_they_are_not_content_is_kept_beside_what_they_answered(house: House) {
    let first = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    answers(&house, first, "settled", "no").await;
    answers(&house, first, "reason", "too-slow").await;
    let content = called(&house, "C-2", "13800138002", Disposition::Completed).await;
    answers(&house, content, "settled", "yes").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let explain = async |call, reason: &str, note: Option<&str>, by: &str| {
        let note = note.map(|text| Pii::new(text.to_owned()));
        house.record.explain_dissatisfaction(call, reason, note, by).await
    };
    // Whoever is content has no reason not to be, and there are no other reasons than these.
    let none = explain(content.0, "money", None, "min.li").await;
    assert!(matches!(none, Err(RecordError::NotFound(_))), "{none:?}");
    for (reason, note) in [("bad-mood", None), ("", None), ("money", Some("\u{1b}[31m"))] {
        let wrong = explain(first.0, reason, note, "min.li").await;
        assert!(matches!(wrong, Err(RecordError::Invalid(_))), "{reason}: {wrong:?}");
    }
    explain(first.0, "manner", Some("要求经理道歉"), "min.li").await.unwrap();
    explain(first.0, "money", Some("少退了十元"), "hong.zhao").await.unwrap();
    let found = house.record.dissatisfaction_of(&first.0.to_string()).await.unwrap().unwrap();
    assert_eq!(
        (found.reason.as_str(), found.made_by.as_str(), found.at),
        ("money", "hong.zhao", house.clock.now())
    );
    assert_eq!(found.note.unwrap().expose(), "少退了十元");
    let events = house.record.events_of(&first.0.to_string()).await.unwrap();
    let told: Vec<_> = events.iter().filter(|event| event.type_name == "call.explained").collect();
    assert_eq!(
        (told.len(), &told[1].body["was"], &told[1].body["reason"]),
        (2, &"manner".into(), &"money".into())
    );
    assert!(
        !told.iter().any(|event| event.body.to_string().contains("十元")),
        "the journal has no words of it"
    );
    let card = house.record.card(first.1).await.unwrap().unwrap();
    let alert = card.alerts.iter().find_map(|alert| match alert {
        Alert::Dissatisfied { reason, found, .. } => Some((reason.as_deref(), found.as_deref())),
        _ => None,
    });
    assert_eq!(alert, Some((Some("too-slow"), Some("money"))));
    // A second call about the same ticket: each reason counts the ticket once.
    let again = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    answers(&house, again, "settled", "no").await;
    answers(&house, again, "reason", "too-slow").await;
    explain(again.0, "money", None, "min.li").await.unwrap();
    let (now, day) = (house.clock.now(), Duration::from_secs(86_400));
    let funnels = house.record.funnel(now - day, now + day).await.unwrap();
    let [all] = &funnels[..] else { panic!("one policy and one category: {funnels:?}") };
    assert_eq!((all.satisfied, all.dissatisfied), (1, 1));
    assert_eq!(all.reasons, [("too-slow".to_owned(), 1)].into());
    assert_eq!(all.found, [("money".to_owned(), 1)].into());
    house.record.erase_customer(first.1, "boss").await.unwrap();
    let found = house.record.dissatisfaction_of(&first.0.to_string()).await.unwrap().unwrap();
    assert_eq!((found.reason.as_str(), found.note), ("money", None), "the words go with the customer");
}

pub async fn words_are_found_and_go_with_their_customer(house: House) {
    let (call, customer, _) = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    let words =
        |seconds| NewWords { call, name: "comment".into(), recording: Pii::new("a.wav".into()), seconds };
    house.record.store_words(words(0)).await.unwrap();
    house.record.store_words(words(7)).await.unwrap();
    let empty = NewWords { call, name: "empty".into(), recording: Pii::new("b.wav".into()), seconds: 0 };
    house.record.store_words(empty).await.unwrap();
    house.record.forget_words(call, "empty").await.unwrap();
    let reason = hotline_model::EndReason::new(hotline_model::Ending::Success, "completed");
    house.record.end_call(call, CallEnd { reason, at: house.clock.now() });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let found = house.record.find_words(&call.to_string(), "comment").await.unwrap();
    assert_eq!(found, Some(("a.wav".to_owned(), Some(customer))));
    assert_eq!(house.record.find_words(&call.to_string(), "empty").await.unwrap(), None);
    let later = house.clock.now() + Duration::from_secs(60);
    assert_eq!(house.record.old_recordings(later, 9).await.unwrap(), [(call, "a.wav".to_owned())]);
    let erased = house.record.erase_customer(customer, "boss").await.unwrap();
    assert_eq!(erased.recordings, ["a.wav"]);
    assert_eq!(house.record.erased_recordings().await.unwrap(), ["a.wav"]);
    house.record.forget_recordings(&["a.wav".to_owned()]).await.unwrap();
    assert!(house.record.erased_recordings().await.unwrap().is_empty());
    assert_eq!(house.record.find_words(&call.to_string(), "comment").await.unwrap(), None);
}

pub async fn one_server_at_a_time_calls_the_customers(house: House) {
    let minute = Duration::from_secs(60);
    assert!(house.record.hold_lease("campaigns", minute).await.unwrap());
    assert!(house.record.hold_lease("campaigns", minute).await.unwrap(), "who has it keeps it");
    house.record.ask_to_pause("survey", true, "boss").await.unwrap();
    let asked = house.record.follow(0, 100).await.unwrap();
    let asked = asked.iter().find(|event| event.type_name == crate::PAUSE_ASKED).unwrap();
    assert_eq!((asked.body["policy"].as_str(), asked.body["paused"].as_bool()), (Some("survey"), Some(true)));
    assert!(house.record.decisions(Some("survey"), None, 10).await.unwrap().is_empty());
    assert!(house.record.paused_policies().await.unwrap().is_empty(), "the scheduler decides");
}

/// Who a promise to a customer is given to.
async fn promised(house: &House, customer: CustomerId, ticket: Option<TicketId>) -> Option<String> {
    house.record.store_follow_up(NewFollowUp {
        customer: Some(customer),
        interaction: None,
        ticket,
        phone: None,
        reason: "dissatisfied".into(),
        note: None,
        due_in: Duration::from_secs(86_400),
    });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let made = house.record.follow_ups_of(customer).await.unwrap();
    let made = made.into_iter().find(|one| one.state == "open").unwrap();
    let done = crate::FollowUpAct::Done { outcome: "settled".into() };
    house.record.act_on_follow_up(&made.id, done, None, "boss").await.unwrap();
    made.owner
}

pub async fn a_promise_is_given_to_whoever_knows_the_matter(house: House) {
    let (call, customer, ticket) = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    assert_eq!(promised(&house, customer, Some(ticket)).await, None, "nobody knows it");
    let wang = user(&house, "wang", &[Role::Agent]).await;
    let min = user(&house, "min.li", &[Role::Agent]).await;
    user(&house, "hong.zhao", &[Role::Agent]).await;
    let other = house.call("13800138001").await;
    has_served(&house, wang, other, Some(customer)).await;
    assert_eq!(promised(&house, customer, Some(ticket)).await.as_deref(), Some("wang"));
    let owner = crate::TicketChange { owner: Some("hong.zhao".into()), ..crate::TicketChange::default() };
    house.record.change_ticket(ticket, owner, None, "boss").await.unwrap();
    assert_eq!(promised(&house, customer, Some(ticket)).await.as_deref(), Some("hong.zhao"));
    has_served(&house, min, call, Some(customer)).await;
    has_served(&house, wang, other, Some(customer)).await;
    assert_eq!(promised(&house, customer, Some(ticket)).await.as_deref(), Some("min.li"));
    assert_eq!(promised(&house, customer, None).await.as_deref(), Some("wang"), "it is not about the ticket");
    house.record.disable_user("min.li", true).await.unwrap();
    assert_eq!(
        promised(&house, customer, Some(ticket)).await.as_deref(),
        Some("hong.zhao"),
        "who has left keeps nothing"
    );
    house.record.disable_user("min.li", false).await.unwrap();
    // What they write back is a promise too.
    let reply = crate::NewReply {
        id: "m-1".into(),
        from: PhoneNumber::parse("13800138001").unwrap(),
        to: "10086".into(),
        text: Pii::new("还没退费".into()),
        outcome: None,
    };
    let open = TicketInput { state: TicketState::Open, result: None, ..super::ticket("C-2", "13800138001") };
    house.record.upsert_ticket(open, hotline_model::Language::ZhCn).await.unwrap();
    assert!(house.record.store_reply(reply).await.unwrap().follow_up);
    let made = house.record.follow_ups_of(customer).await.unwrap();
    let made = made.iter().find(|one| one.state == "open").unwrap();
    assert_eq!((made.reason.as_str(), made.owner.as_deref()), ("wrote-back", Some("wang")));
    // What was given to somebody may be taken by another, and is theirs then.
    house.record.act_on_follow_up(&made.id, crate::FollowUpAct::Take, None, "min.li").await.unwrap();
    let late = house.record.act_on_follow_up(&made.id, crate::FollowUpAct::Take, None, "wang").await;
    assert!(matches!(late, Err(RecordError::Stale(_))), "{late:?}");
}

pub async fn whoever_keeps_a_promise_is_reminded_until_it_is_done(house: House) {
    user(&house, "hong.zhao", &[Role::Agent]).await;
    let (call, customer, ticket) = called(&house, "C-1", "13800138001", Disposition::Completed).await;
    let (hour, minute) = (Duration::from_secs(3_600), Duration::from_secs(60));
    let owner = crate::TicketChange { owner: Some("hong.zhao".into()), ..crate::TicketChange::default() };
    house.record.change_ticket(ticket, owner, None, "boss").await.unwrap();
    house.record.store_follow_up(NewFollowUp {
        customer: Some(customer),
        interaction: Some(call),
        ticket: Some(ticket),
        phone: None,
        reason: "dissatisfied".into(),
        note: None,
        due_in: hour * 2,
    });
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert_eq!(house.record.remind(hour, hour * 4).await.unwrap(), 0, "there is time");
    house.clock.advance(hour + minute);
    assert_eq!(house.record.remind(hour, hour * 4).await.unwrap(), 1);
    assert_eq!(house.record.remind(hour, hour * 4).await.unwrap(), 0, "not again at once");
    house.clock.advance(hour * 4);
    assert_eq!(house.record.remind(hour, hour * 4).await.unwrap(), 1);
    let told = house.record.follow(0, 1_000).await.unwrap();
    let late: Vec<_> = told.iter().filter(|event| event.type_name == "follow-up.reminded").collect();
    assert_eq!(
        late.iter().map(|event| event.body["late"].as_bool()).collect::<Vec<_>>(),
        [Some(false), Some(true)]
    );
    assert!(
        late.iter().all(|event| event.body["owner"] == "hong.zhao"),
        "they are told, not everybody: {late:?}"
    );
    let follow_up = house.record.follow_ups_of(customer).await.unwrap().remove(0);
    house.record.act_on_follow_up(&follow_up.id, crate::FollowUpAct::Take, None, "min.li").await.unwrap();
    let done = crate::FollowUpAct::Done { outcome: "settled".into() };
    house.record.act_on_follow_up(&follow_up.id, done, None, "min.li").await.unwrap();
    house.clock.advance(hour * 9);
    assert_eq!(house.record.remind(hour, hour * 4).await.unwrap(), 0, "it is done");
}
