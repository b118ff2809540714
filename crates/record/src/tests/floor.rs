//! The floor as a supervisor reads it from the queues' rows.

use std::time::Duration;

use hotline_model::{AgentId, OfferId, Pii, UserId, WaitingId};
use hotline_queue::{OfferOutcome, OfferRow, Row, WaitingRow, WaitingState, skills};
use jiff::Timestamp;

use super::house::House;
use super::people::user;
use super::*;

impl House {
    /// A caller in the line, since so many seconds ago.
    async fn caller(&self, from: &str, ago_s: u64, state: WaitingState) -> WaitingRow {
        let call = self.call(from).await;
        let now = self.clock.now();
        WaitingRow {
            waiting: self.ids.next::<WaitingId>(now),
            call,
            queue: "service".into(),
            priority: 0,
            skills: skills([]),
            last_agent: None,
            joined_at: now - Duration::from_secs(ago_s),
            state,
            since: now,
            agent: None,
            customer: None,
            identity: None,
            kept_until: None,
            call_back: None,
        }
    }

    fn offer(&self, of: &WaitingRow, to: UserId, outcome: OfferOutcome, ended: Timestamp) -> Row {
        Row::Offer(OfferRow {
            offer: self.ids.next::<OfferId>(ended),
            waiting: of.waiting,
            agent: AgentId::from(to),
            at: ended - Duration::from_secs(5),
            outcome: Some((outcome, ended)),
        })
    }
}

pub async fn the_floor_tells_places_waits_and_how_the_day_went(house: House) {
    let agent = user(&house, "min.li", &[Role::Agent]).await;
    let now = house.clock.now();
    let first = house.caller("13800138001", 90, WaitingState::Waiting).await;
    let mut urgent = house.caller("13800138002", 10, WaitingState::Waiting).await;
    urgent.priority = 5;
    let rings = house.caller("13800138003", 120, WaitingState::Offered).await;
    let kept = house.caller("anonymous", 30, WaitingState::Kept).await;
    let mut served = house.caller("13800138004", 600, WaitingState::Served).await;
    served.agent = Some(AgentId::from(agent));
    let left = house.caller("13800138005", 200, WaitingState::Left).await;
    let resumed = house.caller("13800138006", 7, WaitingState::Resumed).await;
    let yesterday = house.caller("13800138007", 90_000, WaitingState::Left).await;
    let all = [&first, &urgent, &rings, &kept, &served, &left, &resumed, &yesterday];
    let mut rows: Vec<Row> = all.into_iter().cloned().map(Row::Waiting).collect();
    // Answered after 40 s; what was talked afterwards is no wait.
    let answered = served.joined_at + Duration::from_secs(40);
    rows.push(house.offer(&served, agent, OfferOutcome::Answered, answered));
    rows.push(house.offer(&left, agent, OfferOutcome::TimedOut, now));
    rows.push(house.offer(&first, agent, OfferOutcome::Withdrawn, now));
    house.record.store_queue_rows(&rows);
    house.record.save_call(first.call, CallSave { reason: Some("refund".into()), ..CallSave::default() });
    let event = StepEvent::PlaceTold { place: 2, minutes: Some(3) };
    house.record.store_steps(first.call, None, &[CallStep { number: 1, at: now, event }]);
    assert!(house.record.flush(Duration::from_secs(5)).await);

    let floor = house.record.floor(now - Duration::from_secs(3600)).await.unwrap();
    let line: Vec<(String, Option<u32>)> =
        floor.callers.iter().map(|caller| (caller.call.clone(), caller.place)).collect();
    let expected = [
        (urgent.call.to_string(), Some(1)),
        (rings.call.to_string(), None),
        (first.call.to_string(), Some(2)),
        (kept.call.to_string(), None),
    ];
    assert_eq!(line, expected, "by priority, then by who came first; who is offered has no place");
    let shown = &floor.callers[2];
    assert_eq!((shown.reason.as_deref(), shown.told), (Some("refund"), Some((2, Some(3)))));
    assert_eq!(shown.identity.as_ref().unwrap().1.expose(), "+8613800138001");
    assert!(floor.callers[3].identity.is_none(), "withheld");
    let day = &floor.queues["service"];
    assert_eq!((day.came, day.answered, day.gave_up, day.nobody), (6, 1, 1, 0));
    assert_eq!(day.longest_wait, Duration::from_secs(200));
    assert_eq!(day.average_wait, Some(Duration::from_secs(40)));
    let own = &floor.agents[&agent.to_string()];
    assert_eq!((own.offered, own.answered, own.missed), (3, 1, 1));
    let written = house.record.to_wrap_up(agent, "min.li").await.unwrap().unwrap();
    assert_eq!((&written.call, written.queue.as_str()), (&served.call.to_string(), "service"));
    assert_eq!(written.talked, Some(Duration::from_secs(560)));
    house.record.wrap_up(served.call, "settled", None, "min.li", false).await.unwrap();
    assert!(house.record.to_wrap_up(agent, "min.li").await.unwrap().is_none());
    let missed = house.record.missed_calls(agent, 10).await.unwrap();
    let [one] = missed.as_slice() else { panic!("{missed:?}") };
    assert_eq!((one.outcome.as_str(), one.caller.as_str()), ("timed-out", "left"));
    assert!(house.record.served(served.call, agent).await.unwrap());
    assert!(!house.record.served(left.call, agent).await.unwrap());
    // A colleague put the caller through: the queue's rows know nothing of it, the call's path does.
    let event = StepEvent::Joined { agent: Some(agent.into()) };
    house.record.store_steps(left.call, None, &[CallStep { number: 1, at: now, event }]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert!(house.record.served(left.call, agent).await.unwrap());
    let other = user(&house, "hong.zhao", &[Role::Agent]).await;
    assert!(!house.record.served(left.call, other).await.unwrap());
}

pub async fn each_talk_with_an_agent_is_an_interaction_below_its_call(house: House) {
    let anna: AgentId = user(&house, "anna", &[Role::Agent]).await.into();
    let bert: AgentId = user(&house, "bert", &[Role::Agent]).await.into();
    let call = house.call("13800138000").await;
    let began = house.clock.now();
    let at = |seconds: i64| began + jiff::SignedDuration::from_secs(seconds);
    let transferred = |how: &str, to| StepEvent::Transferred {
        step: "service".into(),
        how: how.into(),
        by: Some(anna),
        to,
    };
    let steps: Vec<CallStep> = [
        (10, StepEvent::Joined { agent: Some(anna) }),
        (70, transferred("consulted", Some(bert))),
        (80, transferred("completed", Some(bert))),
        (81, StepEvent::Joined { agent: Some(bert) }),
        (100, StepEvent::LeftQueue { step: "to-a-human".into(), how: "answered".into() }),
    ]
    .into_iter()
    .zip(1..)
    .map(|((seconds, event), number)| CallStep { number, at: at(seconds), event })
    .collect();
    house.record.store_steps(call, None, &steps[..4]);
    // Twice: a piece that was spooled is run again, also when the talk is over.
    house.record.store_steps(call, None, &steps);
    house.record.store_steps(call, None, &steps[..4]);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    house.record.wrap_up(call, "settled", None, "bert", false).await.unwrap();
    let found = house.record.find_contact(&call.to_string()).await.unwrap().unwrap();
    assert_eq!((found.root, found.parent), (call.to_string(), None));
    let talks: Vec<_> = found
        .talks
        .iter()
        .map(|talk| (talk.agent, talk.started_at, talk.ended_at, talk.reason.as_deref()))
        .collect();
    assert_eq!(talks, [(anna, at(10), Some(at(80)), None), (bert, at(81), Some(at(100)), Some("settled"))]);
    // A talk is no call: lists of calls are as they were.
    assert_eq!(house.record.last_contacts(10).await.unwrap().len(), 1);
    assert!(house.record.find_contact(&found.talks[0].id).await.unwrap().is_none());
}

pub async fn what_an_agent_writes_down_is_kept_once_and_goes_with_the_customer(house: House) {
    let stored = house.with_ticket().await;
    let call = house.call("13800138000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let wrong = house.record.wrap_up(call, " ", None, "min.li", false).await.unwrap_err();
    assert!(wrong.to_string().starts_with("reason: "), "{wrong}");
    let unknown: CallId = house.ids.next(house.clock.now());
    assert!(matches!(
        house.record.wrap_up(unknown, "settled", None, "min.li", false).await,
        Err(RecordError::NotFound(_))
    ));
    let write = async |reason: &str, words: &str, by: &str, amends: bool| {
        let words = (!words.is_empty()).then(|| Pii::new(words.to_owned()));
        house.record.wrap_up(call, reason, words, by, amends).await.unwrap()
    };
    write("other", "王小明 calls again", "min.li", false).await;
    assert!(
        matches!(write("other", "王小明 calls again", "min.li", false).await, Wrapped::Stored),
        "the same"
    );
    // What was written is not lost to who does not know of it.
    let refused = write("settled", "王小明 wants a call", "min.li", false).await;
    let Wrapped::Before(before) = refused else { panic!("{refused:?}") };
    assert_eq!((before.reason.as_str(), before.note.is_some()), ("other", true));
    write("settled", "王小明 wants a call", "min.li", true).await;
    house.clock.advance(Duration::from_secs(1));
    write("passed-on", "", "bo.chen", false).await;
    let written = house.record.wrap_ups_of(&call.to_string()).await.unwrap();
    assert_eq!(written.len(), 2);
    assert_eq!((written[0].reason.as_str(), written[0].made_by.as_str()), ("settled", "min.li"));
    let events = house.record.events_of(&call.to_string()).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.type_name == "call.wrapped-up").count(), 3);
    let amended = events.iter().find(|event| event.body["was"] == "other").unwrap();
    assert_eq!(amended.body["reason"], "settled");
    assert!(events.iter().all(|event| !event.body.to_string().contains("王小明")));
    house.record.erase_customer(stored.customer, "boss").await.unwrap();
    write("other", "王小明 again", "min.li", true).await;
    let written = house.record.wrap_ups_of(&call.to_string()).await.unwrap();
    assert!(written.iter().all(|row| row.note.is_none()), "before and after: nothing is kept");
}

pub async fn a_text_message_goes_to_whoever_calls_and_not_too_often(house: House) {
    house.with_ticket().await;
    let (known, withheld) = (house.call("13800138000").await, house.call("anonymous").await);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let send = async |call, text: &str, key: Option<&str>| {
        house.record.text_caller(call, text.to_owned().into(), key, "min.li").await
    };
    for key in ["click", "click"] {
        assert_eq!(send(known, "退费7个工作日到账", Some(key)).await.unwrap(), Texted::Planned);
    }
    let sent = house.record.claim_messages(10, true).await.unwrap();
    let [one] = sent.as_slice() else { panic!("one click is one message: {sent:?}") };
    assert_eq!((one.recipient.e164(), one.text.expose().as_str()), ("+8613800138000", "退费7个工作日到账"));
    let told = house.record.events_of(&known.to_string()).await.unwrap();
    let told: Vec<_> = told.iter().filter(|event| event.type_name == "call.texted").collect();
    assert!(told.len() == 1 && !told[0].body.to_string().contains("退费"), "{told:?}");
    assert_eq!(send(withheld, "hello", None).await.unwrap(), Texted::Unknown);
    assert!(send(known, " ", None).await.unwrap_err().to_string().starts_with("text: "));
    for _ in 1..10 {
        assert_eq!(send(known, "again", None).await.unwrap(), Texted::Planned);
    }
    assert_eq!(send(known, "again", None).await.unwrap(), Texted::TooOften);
    assert_eq!(
        send(known, "退费7个工作日到账", Some("click")).await.unwrap(),
        Texted::Planned,
        "it was sent"
    );
    house.clock.advance(Duration::from_secs(86_401));
    assert_eq!(send(known, "again", None).await.unwrap(), Texted::Planned);
}

pub async fn what_a_plan_sends_goes_to_the_number_that_calls_and_is_answered_to_somebody(house: House) {
    house.with_ticket().await;
    let (known, withheld) = (house.call("13800138000").await, house.call("anonymous").await);
    assert!(house.record.flush(Duration::from_secs(5)).await);
    let send = async |call, step: &str| {
        house.record.text_asked_for(call, step, "请直接回复这条短信".to_owned().into()).await.unwrap()
    };
    // Whoever presses twice gets one.
    for _ in 0..2 {
        assert_eq!(send(known, "write-instead").await, Texted::Planned);
    }
    let sent = house.record.claim_messages(10, true).await.unwrap();
    let [one] = sent.as_slice() else { panic!("one step of a call is one message: {sent:?}") };
    assert_eq!(one.recipient.e164(), "+8613800138000");
    let told = house.record.events_of(&known.to_string()).await.unwrap();
    let told: Vec<_> = told.iter().filter(|event| event.type_name == "call.texted").collect();
    assert_eq!((told.len(), &told[0].body["step"]), (1, &"write-instead".into()), "{told:?}");
    // The one on file is for those who serve; whoever calls with another number does not get it there.
    assert_ne!(send(withheld, "write-instead").await, Texted::Planned);
    assert!(house.record.claim_messages(10, true).await.unwrap().is_empty());
    // Whom nobody knows has a record, for what they write back.
    let new = house.call("13700137000").await;
    assert!(house.record.flush(Duration::from_secs(5)).await);
    assert_eq!(send(new, "write-instead").await, Texted::Planned);
    let known = house.record.find_contact(&new.to_string()).await.unwrap().unwrap();
    assert!(known.customer.is_some());
    // They write back, and somebody reads it though nothing of theirs is open.
    let reply = crate::NewReply {
        id: "m-9".into(),
        from: PhoneNumber::parse("13800138000").unwrap(),
        to: "10086".into(),
        text: "我的套餐不对".to_owned().into(),
        outcome: None,
    };
    let stored = house.record.store_reply(reply).await.unwrap();
    assert!(stored.is_new && stored.follow_up, "{stored:?}");
}
