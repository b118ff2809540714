//! What is not known of an attempt, and what a restart finds.

use super::*;

#[test]
fn an_attempt_of_which_nothing_is_heard_is_unknown_and_not_repeated() {
    let mut house = House::new(|_| {});
    house.settled(1);
    let (_, call) = house.first_call(3_600).unwrap();
    let told = house.pass(105);
    assert!(told.contains(&Command::Cancel { call, why: CancelWhy::Silent }));
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Unknown)));
    assert_eq!(house.first_call(5 * 86_400), None);
}

/// The rows as they were stored last.
fn stored(house: &House) -> Restored {
    let mut rows = Restored::default();
    for command in &house.told {
        match command {
            Command::Store(Row::Case(row)) => {
                rows.cases.retain(|before| before.key != row.key);
                rows.cases.push(row.clone());
            }
            Command::Store(Row::Attempt(row)) => {
                rows.attempts.retain(|before| before.call != row.call);
                rows.attempts.push(row.clone());
            }
            _ => {}
        }
    }
    rows
}

/// The rows of two customers, of whom one is being called: the other call was not begun when the process died.
fn rows_of_two(house: &mut House) -> Restored {
    house.settled(1);
    house.settled(2);
    house.pass(600);
    let mut rows = stored(house);
    // The second call was not begun when the process died.
    rows.attempts.truncate(1);
    for number in [1, 2] {
        rows.customers.push(CustomerFacts {
            customer: who(number),
            number: Some(Pii::new(format!("138001380{number:02}"))),
            zone: None,
            attributes: BTreeMap::new(),
            do_not_call: false,
        });
        rows.tickets.push(TicketFacts {
            ticket: TicketId::from(number),
            customer: who(number),
            state: TicketState::Closed,
            since: START.parse().unwrap(),
            category: Name::from("fees"),
            outcome: None,
        });
    }
    rows
}

#[test]
fn beside_a_server_that_calls_an_open_attempt_goes_on_and_nobody_is_called() {
    let mut house = House::new(|_| {});
    let rows = rows_of_two(&mut house);
    let ids = Arc::new(IdSource::new(2));
    house.scheduler = Scheduler::look(house.now, house.settings.clone(), ids, rows);
    house.trunk("one", true, 100);
    assert!(dialled(&house.pass(5)).is_empty());
    assert_eq!(house.done(1), None);
    let goes_on: Vec<CustomerId> = house.scheduler.attempts().map(|row| row.customer).collect();
    assert_eq!(goes_on, [who(1)]);
    let told = house.scheduler.explain_customer(house.now, who(2));
    let last = told.last().map(|decision| &decision.verdict);
    assert!(matches!(last, Some(Verdict::Waits { why: Waits::Turn, .. })), "it would be called: {last:?}");
}

#[test]
fn after_a_restart_an_open_attempt_is_unknown_and_the_rest_goes_on() {
    let mut house = House::new(|_| {});
    let rows = rows_of_two(&mut house);
    let ids = Arc::new(IdSource::new(2));
    house.scheduler = Scheduler::restore(house.now, house.settings.clone(), ids, rows);
    house.trunk("one", true, 100);
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Unknown)));
    let goes_on: Vec<CustomerId> = house.scheduler.attempts().map(|row| row.customer).collect();
    assert_eq!(goes_on, [who(2)], "the second, once");
}

#[test]
fn a_ticket_that_becomes_somebody_elses_during_a_call_is_called_about() {
    let mut house = House::new(|_| {});
    house.settled(1);
    house.customer(2, |_| {});
    let (_, call) = house.first_call(3_600).unwrap();
    house.happen(Event::OptOut { customer: who(1), out: true });
    house.ticket(1, 2, |_| {});
    house.pass(1);
    house.end(call, Disposition::Not(Outcome::Cancelled));
    let (_, second) = house.first_call(3_600).unwrap();
    let whom: Vec<CustomerId> = house.scheduler.attempts().map(|row| row.customer).collect();
    assert!(second != call && whom == [who(2)], "{whom:?}");
}

#[test]
fn a_call_that_never_left_takes_no_other_of_its_moment_off_the_caps() {
    let cap = Cap { attempts: 2, period: secs(86_400) };
    let mut policy = policy();
    policy.earliest = Duration::ZERO;
    let policies = [(Name::from("survey"), Arc::new(policy))];
    let settings = Settings { policies: policies.into(), caps: vec![cap], ..Settings::default() };
    let mut house = House::with(settings);
    house.settled(1);
    house.ticket(2, 1, |_| {});
    house.ticket(3, 1, |_| {});
    // The process dies as it rings, and the next one calls in the same moment.
    let mut rows = stored(&house);
    assert_eq!(rows.attempts.len(), 1, "{:?}", rows.attempts);
    rows.customers = house.scheduler.customers.values().filter_map(|person| person.facts.clone()).collect();
    rows.tickets = house.scheduler.tickets.values().map(|known| known.facts.clone()).collect();
    house.scheduler = Scheduler::restore(house.now, house.settings.clone(), Arc::new(IdSource::new(2)), rows);
    house.trunk("one", true, 100);
    house.pass(0);
    let second = house.scheduler.attempts().map(|row| row.call).next().unwrap();
    house.end(second, Disposition::NotMade);
    // Whatever comes of the rest: two within a day, the one before the restart among them.
    while let Some((_, call)) = house.first_call(80_000) {
        house.end(call, Disposition::Not(Outcome::WrongNumber));
    }
    let rows = stored(&house);
    let tried = rows.attempts.iter().filter(|row| !row.is_taken_back()).count();
    assert_eq!(tried, 2, "{:?}", rows.attempts);
    assert_eq!(house.waits_for(2), Waits::Cap(0));
}
