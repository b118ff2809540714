//! Who may be called now: hours, caps, wishes, numbers, and a clock that is put back.

use super::*;

#[test]
fn it_rings_in_the_hours_of_the_customers_zone_from_beginning_to_end() {
    let mut house = House::new(|_| {});
    house.customer(1, |facts| facts.zone = TimeZone::get("Asia/Urumqi").ok());
    house.ticket(1, 1, |_| {});
    // Half past ten in Shanghai would be half past eight in Urumqi.
    let (at, call) = house.first_call(86_400).unwrap();
    assert_eq!(local(at, "Asia/Urumqi"), "Fri 09:00");
    house.end(call, Disposition::Completed);
    // Closed 20 seconds before the end of the day: the ring would reach into the evening.
    house.now = "2026-11-20T11:49:40Z".parse().unwrap();
    house.settled(2);
    let (at, _) = house.first_call(86_400).unwrap();
    assert_eq!(local(at, "Asia/Shanghai"), "Sat 09:00");
}

#[test]
fn an_hour_that_daylight_saving_leaves_out_is_closed() {
    let mut house = House::new(|policy| {
        let mut calendar = (*hours("02:10", "02:40")).clone();
        calendar.zone = TimeZone::get("America/New_York").unwrap();
        policy.hours = Arc::new(calendar);
        policy.earliest = Duration::ZERO;
    });
    // Sunday, the 8th of March 2026: the clock jumps from 2 to 3.
    house.now = "2026-03-08T06:00:00Z".parse().unwrap();
    house.settled(1);
    let (at, _) = house.first_call(3 * 86_400).unwrap();
    assert_eq!(local(at, "America/New_York"), "Mon 02:10");
}

#[test]
fn what_is_closed_until_it_is_too_late_says_so() {
    let mut house = House::new(|policy| {
        let mut calendar = (*policy.hours).clone();
        calendar.holidays = vec![("2026-11-20".parse().unwrap(), "2026-12-20".parse().unwrap())];
        policy.hours = Arc::new(calendar);
    });
    house.settled(1);
    house.pass(4 * 86_400);
    assert_eq!(house.waits_for(1), Waits::Closed);
    house.pass(2 * 86_400);
    assert_eq!(house.done(1), Some(Done::TooLate(Waits::Closed)));
    // One that becomes known only when it is too late is no case at all.
    let since = START.parse().unwrap();
    house.ticket(2, 1, |facts| facts.since = since);
    assert_eq!(house.stands(2), Verdict::NotDrawn(NotDrawn::TooLate));
}

#[test]
fn caps_count_every_policy_and_every_attempt() {
    let mut other = policy();
    other.who.trigger = Trigger::Changed;
    let policies = [(Name::from("survey"), Arc::new(policy())), (Name::from("notice"), Arc::new(other))];
    let cap = Cap { attempts: 1, period: secs(86_400) };
    let mut house =
        House::with(Settings { policies: policies.into(), caps: vec![cap], ..Settings::default() });
    house.settled(1);
    house.ticket(2, 1, |facts| facts.state = TicketState::Open);
    let (first, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::Not(Outcome::WrongNumber));
    let (second, _) = house.first_call(3 * 86_400).unwrap();
    assert!(second.duration_since(first).as_secs() >= 86_400);
    let told = house.scheduler.explain_customer(house.now, who(1));
    let capped = |decision: &Decision| matches!(decision.verdict, Verdict::Waits { why: Waits::Cap(0), .. });
    assert!(told.iter().any(capped), "{told:?}");
}

#[test]
fn a_customer_is_called_by_one_policy_at_a_time_and_not_while_calling_us() {
    let mut house = House::new(|_| {});
    house.settled(1);
    house.ticket(2, 1, |_| {});
    let (_, call) = house.first_call(3_600).unwrap();
    assert!(dialled(&house.pass(40)).is_empty());
    let told = house.happen(Event::CallsIn { customer: who(1) });
    assert_eq!(told.first(), Some(&Command::Cancel { call, why: CancelWhy::CallsIn }));
    house.end(call, Disposition::Not(Outcome::Cancelled));
    assert_eq!(house.first_call(3_600), None);
    assert_eq!(house.waits_for(2), Waits::OnTheLine);
    house.happen(Event::CallInEnded { customer: who(1) });
    assert_eq!(house.waits_for(2), Waits::JustSpoken);
    let ended = house.now;
    let (at, _) = house.first_call(86_400).unwrap();
    assert_eq!(at.duration_since(ended).as_hours(), 2);
}

#[test]
fn who_has_written_to_us_is_left_alone_as_who_has_called() {
    let mut house = House::new(|_| {});
    house.settled(1);
    house.happen(Event::Wrote { customer: who(1) });
    let wrote = house.now;
    assert!(dialled(&house.pass(700)).is_empty());
    assert_eq!(house.waits_for(1), Waits::JustSpoken);
    let (at, _) = house.first_call(86_400).unwrap();
    assert_eq!(at.duration_since(wrote).as_hours(), 2);
}

#[test]
fn customers_who_share_a_telephone_are_one_to_it() {
    let number = || Some(Pii::from(String::from("+8613800138000")));
    let cap = Cap { attempts: 2, period: secs(30 * 86_400) };
    let mut house = House::new(|policy| policy.caps = vec![cap]);
    for customer in 1..=4 {
        house.customer(customer, |facts| facts.number = number());
        house.ticket(customer, customer, |_| {});
    }
    // It rings for one of them at a time …
    let (_, first) = house.first_call(3_600).unwrap();
    assert!(dialled(&house.pass(30)).is_empty());
    assert_eq!(house.waits_for(2), Waits::OnTheLine);
    // … not while another of them calls us …
    let told = house.happen(Event::CallsIn { customer: who(3) });
    assert_eq!(told.first(), Some(&Command::Cancel { call: first, why: CancelWhy::CallsIn }));
    house.end(first, Disposition::Not(Outcome::Cancelled));
    house.happen(Event::CallInEnded { customer: who(3) });
    assert_eq!(house.waits_for(4), Waits::JustSpoken);
    // … as often as a cap lets it ring, all of them together …
    let (_, second) = house.first_call(86_400).unwrap();
    house.end(second, Disposition::Not(Outcome::Busy));
    assert!(dialled(&house.pass(4 * 86_400)).is_empty());
    // … and what one of them refuses is refused.
    house.customer(5, |facts| facts.number = number());
    house.happen(Event::OptOut { customer: who(5), out: true });
    house.ticket(6, 2, |_| {});
    assert_eq!(house.done(6), Some(Done::OptedOut));
}

#[test]
fn who_wants_no_calls_gets_none() {
    let mut house = House::new(|_| {});
    house.customer(1, |facts| facts.do_not_call = true);
    house.ticket(1, 1, |_| {});
    assert_eq!(house.done(1), Some(Done::OptedOut));
    house.settled(2);
    house.ticket(3, 2, |_| {});
    let (_, call) = house.first_call(3_600).unwrap();
    house.happen(Event::Answered { call });
    let told = house.end(call, Disposition::OptedOut);
    assert!(told.contains(&Command::Store(Row::OptOut { customer: who(2), out: true })));
    assert_eq!((house.done(2), house.done(3)), (Some(Done::OptedOut), Some(Done::OptedOut)));
    house.settled(4);
    let (_, call) = house.first_call(3_600).unwrap();
    let told = house.happen(Event::OptOut { customer: who(4), out: true });
    assert!(told.contains(&Command::Cancel { call, why: CancelWhy::OptedOut }));
}

#[test]
fn numbers_that_cost_or_are_none_are_refused() {
    let rules = NumberRules::default();
    let check = |text| check_number(&rules, Some(text)).map(|number| number.e164().to_owned());
    assert_eq!(check("138 0013 8000"), Ok("+8613800138000".into()));
    assert_eq!(check("010-62345678"), Ok("+861062345678".into()));
    assert_eq!(check("10086"), Err(NumberRefused::NotANumber));
    assert_eq!(check("+1 202 555 0143"), Err(NumberRefused::Foreign));
    assert_eq!(check_number(&rules, None), Err(NumberRefused::Missing));
    assert_eq!(check(" "), Err(NumberRefused::Missing));
    assert_eq!(check("+86 800 810 0000"), Err(NumberRefused::NotAPerson));
    let america = NumberRules { countries: [1].into() };
    assert_eq!(check_number(&america, Some("+1 900 234 5678")), Err(NumberRefused::Premium));
    let mut house = House::new(|_| {});
    house.customer(1, |facts| facts.number = Some(Pii::new("+1 202 555 0143".to_owned())));
    house.ticket(1, 1, |_| {});
    house.pass(600);
    assert_eq!(house.done(1), Some(Done::Number(NumberRefused::Foreign)));
}

#[test]
fn a_clock_that_goes_back_lets_nobody_be_called_too_often() {
    let mut house = House::new(|policy| policy.calls.as_mut().unwrap().retries.after.clear());
    house.settings.caps = vec![Cap { attempts: 1, period: secs(86_400) }];
    let settings = house.settings.clone();
    house.happen(Event::Settings(Box::new(settings)));
    house.settled(1);
    house.ticket(2, 1, |_| {});
    let (first, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::Not(Outcome::Busy));
    house.now -= jiff::SignedDuration::from_hours(1);
    let (second, _) = house.first_call(3 * 86_400).unwrap();
    assert!(second.duration_since(first).as_hours() >= 24, "a day on the later clock");
}

#[test]
fn what_a_cap_counted_no_more_counts_again_when_the_clock_goes_back() {
    let mut house = House::new(|policy| policy.calls.as_mut().unwrap().retries.after.clear());
    house.settings.caps = vec![Cap { attempts: 2, period: secs(10 * 86_400) }];
    house.settings.remember = Duration::ZERO;
    let settings = house.settings.clone();
    house.happen(Event::Settings(Box::new(settings)));
    house.settled(1);
    let (first, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::Not(Outcome::Busy));
    house.pass(10 * 86_400 - 600);
    let since = house.now;
    house.ticket(2, 1, |facts| facts.since = since);
    let (second, call) = house.first_call(3_600).unwrap();
    assert_eq!(second.duration_since(first).as_hours(), 240);
    house.end(call, Disposition::Not(Outcome::Busy));
    house.now -= jiff::SignedDuration::from_hours(1);
    house.ticket(3, 1, |facts| facts.since = since - secs(3_600));
    assert_eq!(house.first_call(3_500), None, "two within ten days, by this clock");
    assert!(house.first_call(7_200).is_some());
}
