//! Messages: a rule a test.

use super::*;

fn notice_policy() -> Policy {
    Policy {
        who: Who { trigger: Trigger::Changed, ..Who::default() },
        calls: None,
        message: Some(Message { texts: BTreeMap::new(), otherwise: None }),
        ..policy()
    }
}

/// Messages, where nobody is called.
fn notices() -> House {
    House::new(|policy| *policy = notice_policy())
}

/// Calls, and a message where they lead to nothing.
fn otherwise(after: &[Outcome]) -> House {
    House::new(|policy| {
        policy.message = Some(Message {
            texts: BTreeMap::new(),
            otherwise: Some(Otherwise {
                after: after.iter().copied().collect(),
                within: secs(2 * 86_400),
                valid: secs(7 * 86_400),
            }),
        });
    })
}

fn sent(told: &[Command]) -> Vec<Notice> {
    let notice = |command: &Command| match command {
        Command::Send(notice) => Some((**notice).clone()),
        _ => None,
    };
    told.iter().filter_map(notice).collect()
}

/// A ticket that moved now.
fn moved(house: &mut House, ticket: u128, of: u128) {
    house.customer(of, |_| {});
    house.ticket(ticket, of, |facts| facts.state = TicketState::Open);
}

#[test]
fn a_ticket_that_moves_is_told_of_once_and_its_row_comes_first() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    assert!(sent(&house.pass(599)).is_empty());
    let told = house.pass(1);
    let row = told.iter().position(|command| matches!(command, Command::Store(Row::Attempt(_)))).unwrap();
    assert!(matches!(&told[row + 1], Command::Send(_)), "one commit: {told:?}");
    let notices = sent(&told);
    let [notice] = notices.as_slice() else { panic!("{told:?}") };
    assert_eq!((notice.number.e164(), notice.ticket), ("+8613800138001", TicketId::from(1)));
    assert_eq!(local(notice.until, "Asia/Shanghai"), "Fri 20:00");
    house.end(notice.call, Disposition::Sent);
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Sent)));
    assert!(sent(&house.pass(10 * 86_400)).is_empty());
}

#[test]
fn what_moves_at_night_is_told_of_in_the_morning_and_several_changes_at_once() {
    let mut house = notices();
    house.pass(12 * 3_600);
    moved(&mut house, 1, 1);
    house.pass(60);
    moved(&mut house, 1, 1);
    assert_eq!(house.waits_for(1), Waits::NotYetDue);
    house.pass(3_600);
    assert_eq!(house.waits_for(1), Waits::Closed);
    let mut notices = Vec::new();
    while notices.is_empty() {
        notices = sent(&house.pass(60));
    }
    assert_eq!(local(house.now, "Asia/Shanghai"), "Sat 09:00");
    assert_eq!(notices.len(), 1);
}

#[test]
fn what_changes_while_a_message_is_on_its_way_is_told_of_by_another() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    let first = sent(&house.pass(600)).remove(0);
    house.pass(5);
    moved(&mut house, 1, 1);
    let told = house.end(first.call, Disposition::Sent);
    assert!(
        told.iter().any(|c| matches!(c, Command::Explain(Decision { verdict: Verdict::Drawn { .. }, .. })))
    );
    assert_eq!(sent(&house.pass(700)).len(), 1);
}

#[test]
fn a_message_counts_in_the_caps_of_all_policies() {
    let mut settings = House::new(|_| {}).settings;
    settings.caps = vec![Cap { attempts: 1, period: secs(86_400) }];
    settings.policies.insert(Name::from("told"), Arc::new(notice_policy()));
    let mut house = House::with(settings);
    moved(&mut house, 2, 1);
    let notice = sent(&house.pass(600)).remove(0);
    house.end(notice.call, Disposition::Sent);
    house.settled(1);
    house.pass(700);
    assert_eq!(house.waits_for(1), Waits::Cap(0));
    let (at, _) = house.first_call(2 * 86_400).unwrap();
    assert_eq!(local(at, "Asia/Shanghai"), "Sat 10:10", "a day after the message");
}

#[test]
fn calls_that_lead_to_nothing_are_followed_by_one_message() {
    let mut house = otherwise(&[Outcome::NoAnswer]);
    house.settled(1);
    for _ in 0..3 {
        let (_, call) = house.first_call(86_400).unwrap();
        assert!(house.done(1).is_none());
        house.end(call, Disposition::Not(Outcome::NoAnswer));
    }
    // The caps let two attempts pass in a day.
    for _ in 0..48 * 60 {
        if !sent(&house.told).is_empty() {
            break;
        }
        house.pass(60);
    }
    let otherwise = Done::Exhausted(Outcome::NoAnswer);
    let told = |command: &Command| matches!(command, Command::Explain(Decision { verdict: Verdict::Otherwise { why, .. }, .. }) if *why == otherwise);
    assert!(house.told.iter().any(told));
    let notices = sent(&house.told);
    let [notice] = notices.as_slice() else { panic!("{notices:?}") };
    house.end(notice.call, Disposition::Sent);
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Sent)));
    let told = house.pass(9 * 86_400);
    assert!(dialled(&told).is_empty() && sent(&told).is_empty());
}

#[test]
fn an_outcome_that_is_not_named_leads_to_no_message() {
    for (how, follows) in [
        (Disposition::Not(Outcome::WrongNumber), false),
        (Disposition::Not(Outcome::Refused), false),
        (Disposition::Unknown, false),
        (Disposition::Completed, false),
        (Disposition::OptedOut, false),
        (Disposition::HungUp { question: 0 }, true),
    ] {
        let mut house = otherwise(&[Outcome::NoAnswer, Outcome::HungUp]);
        house.settled(1);
        let (_, call) = house.first_call(86_400).unwrap();
        house.end(call, how);
        assert_eq!(house.done(1).is_none(), follows, "{how:?}");
        // Whoever spoke with us is left alone for a while.
        house.pass(3 * 3_600);
        assert_eq!(!sent(&house.told).is_empty(), follows, "{how:?}");
    }
}

#[test]
fn who_could_not_be_called_in_time_is_sent_the_message_in_the_hours() {
    let mut house = otherwise(&[Outcome::NoAnswer]);
    house.trunk("one", false, 0);
    house.settled(1);
    let told = house.pass(5 * 86_400 - 1);
    assert!(sent(&told).is_empty());
    let notice = sent(&house.pass(1)).remove(0);
    // A redraw gives the case no other time.
    house.customer(1, |_| {});
    assert_eq!(house.scheduler.find_case(&key(1)).unwrap().until, house.now + secs(2 * 86_400));
    house.end(notice.call, Disposition::Sent);
    // Found too late only long after, when everything had stood still: nothing is sent any more.
    let mut house = otherwise(&[Outcome::NoAnswer]);
    house.trunk("one", false, 0);
    house.settled(1);
    house.pass(700);
    house.now += secs(30 * 86_400);
    assert!(sent(&house.pass(60)).is_empty());
    assert_eq!(house.done(1), Some(Done::TooLate(Waits::Trunk)));
}

#[test]
fn what_certainly_did_not_leave_is_sent_in_the_next_hours_and_nothing_else_is() {
    for (how, again) in [
        (Disposition::Not(Outcome::Cancelled), true),
        (Disposition::Not(Outcome::Failed), false),
        (Disposition::Unknown, false),
    ] {
        let mut house = notices();
        moved(&mut house, 1, 1);
        let notice = sent(&house.pass(600)).remove(0);
        // Five minutes after the hours have ended.
        house.pass(9 * 3_600 + 55 * 60);
        house.end(notice.call, how);
        assert_eq!(!sent(&house.pass(86_400)).is_empty(), again, "{how:?}");
    }
}

#[test]
fn who_wants_no_calls_is_sent_no_message_and_one_that_waits_is_taken_back() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    let notice = sent(&house.pass(600)).remove(0);
    let told = house.happen(Event::OptOut { customer: who(1), out: true });
    let back = Command::Cancel { call: notice.call, why: CancelWhy::OptedOut };
    assert!(told.contains(&back), "{told:?}");
    house.end(notice.call, Disposition::Not(Outcome::Cancelled));
    assert_eq!(house.done(1), Some(Done::OptedOut));
    house.pass(60);
    moved(&mut house, 2, 1);
    assert!(sent(&house.pass(86_400)).is_empty());
}

#[test]
fn a_fixed_line_takes_calls_and_no_messages() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    house.customer(1, |facts| facts.number = Some(Pii::new("010 6552 9988".to_owned())));
    assert!(sent(&house.pass(86_400)).is_empty());
    assert_eq!(house.done(1), Some(Done::Number(NumberRefused::NotMobile)));
}

#[test]
fn a_message_of_which_nothing_is_heard_is_unknown_and_not_repeated() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    let notice = sent(&house.pass(600)).remove(0);
    let told = house.pass(86_400);
    assert!(told.contains(&Command::Cancel { call: notice.call, why: CancelWhy::Silent }));
    assert!(sent(&told).is_empty());
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Unknown)));
}

#[test]
fn after_a_restart_a_message_is_still_on_its_way() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    let notice = sent(&house.pass(600)).remove(0);
    let row = house.scheduler.attempts().next().unwrap().clone();
    let case = house.scheduler.find_case(&key(1)).unwrap().clone();
    let facts = TicketFacts {
        ticket: TicketId::from(1),
        customer: who(1),
        state: TicketState::Open,
        since: case.since,
        category: Name::from("fees"),
        outcome: None,
    };
    let rows =
        Restored { cases: vec![case], attempts: vec![row], tickets: vec![facts], ..Restored::default() };
    let ids = Arc::new(IdSource::new(2));
    house.scheduler = Scheduler::restore(house.now, house.settings.clone(), ids, rows);
    moved(&mut house, 1, 1);
    assert!(sent(&house.pass(3_600)).is_empty());
    assert!(house.scheduler.is_calling(notice.call));
    house.end(notice.call, Disposition::Sent);
    assert!(!house.scheduler.is_calling(notice.call));
}

#[test]
fn messages_do_not_wait_behind_calls_that_wait_for_agents() {
    let mut house = otherwise(&[Outcome::NoAnswer]);
    let mut policy = (*house.settings.policies["survey"]).clone();
    let calls = policy.calls.as_mut().unwrap();
    calls.retries.after.clear();
    calls.pace = Some(Pace {
        queue: Name::from("service"),
        keep_free: 0,
        expected_permille: 200,
        stranded_permille: 10,
    });
    house.settings.policies.insert(Name::from("survey"), Arc::new(policy));
    let settings = house.settings.clone();
    house.happen(Event::Settings(Box::new(settings)));
    house.happen(Event::Agents { queue: Name::from("service"), free: 1 });
    house.settled(1);
    house.pass(1);
    house.settled(2);
    let (_, call) = house.first_call(3_600).unwrap();
    house.happen(Event::Agents { queue: Name::from("service"), free: 0 });
    house.pass(10);
    assert_eq!(house.waits_for(2), Waits::Agents);
    let told = house.end(call, Disposition::Not(Outcome::NoAnswer));
    assert_eq!(sent(&told).len(), 1);
}

#[test]
fn a_forecast_tells_messages_apart_from_calls() {
    let mut house = notices();
    moved(&mut house, 1, 1);
    moved(&mut house, 2, 2);
    let forecast = house.scheduler.forecast(house.now, 2);
    assert_eq!(forecast.messages.values().sum::<u32>(), 2);
    assert!(forecast.attempts.is_empty() && forecast.left.is_empty());
}
