//! Trunks that fail, and calls that never left the house.

use super::*;

const FAILED: Disposition = Disposition::TrunkFailed;

/// A policy with two trunks, and so many customers who are due now.
fn two_trunks(customers: u128) -> House {
    let mut house = House::new(|policy| policy.calls.as_mut().unwrap().trunks.push(Name::from("two")));
    house.trunk("two", true, 100);
    for number in 1..=customers {
        house.settled(number);
    }
    house
}

/// Ends every attempt as it begins, for so long; gives the trunks in the order they were tried, each with when.
fn tried(house: &mut House, seconds: u64, how: impl Fn(&str) -> Disposition) -> Vec<(String, Timestamp)> {
    let (end, mut tried) = (house.now + secs(seconds), Vec::new());
    while let Some((at, _)) = {
        let left = end.duration_since(house.now).as_secs().max(0);
        house.first_call(u64::try_from(left).unwrap())
    } {
        let open: Vec<(CallId, Name)> =
            house.scheduler.attempts().map(|row| (row.call, row.trunk.clone())).collect();
        for (call, trunk) in open {
            tried.push((trunk.to_string(), at));
            house.end(call, how(&trunk));
        }
    }
    house.now = end;
    tried
}

#[test]
fn the_next_trunk_takes_over_from_one_that_fails_and_nobody_is_lost() {
    let mut house = two_trunks(20);
    let how = |trunk: &str| if trunk == "one" { FAILED } else { Disposition::Completed };
    let tried = tried(&mut house, 660, how);
    for number in 1..=20 {
        assert_eq!(house.done(number), Some(Done::Ended(Disposition::Completed)), "{number}");
    }
    // Three in a row, and perhaps a probe after its rest.
    let failed: Vec<_> = tried.iter().filter(|(trunk, _)| trunk == "one").collect();
    assert!((3..=4).contains(&failed.len()), "{tried:?}");
    let first = failed[0].1;
    let next = tried.iter().find(|(trunk, at)| trunk == "two" && *at >= first).unwrap().1;
    assert!(next.duration_since(first).as_secs_f64() < 2.0, "{tried:?}");
}

#[test]
fn a_trunk_that_fails_rests_twice_as_long_each_time_and_its_customers_wait() {
    let mut house = House::new(|_| {});
    for number in 1..=40 {
        house.settled(number);
    }
    let failed = tried(&mut house, 4_000, |_| FAILED);
    assert_eq!(house.waits_for(40), Waits::Trunk);
    let gaps: Vec<i64> =
        failed.windows(2).map(|pair| pair[1].1.duration_since(pair[0].1).as_secs()).collect();
    assert_eq!(gaps[..8], [0, 0, 30, 60, 120, 240, 480, 600], "three, then one probe after each rest");
    for number in 1..=40 {
        assert_eq!(house.done(number), None, "{number}");
    }
    let answered = |house: &House| house.scheduler.clone().running_of(&Name::from("survey")).row.answered_ppm;
    assert_eq!(answered(&house), 1_000_000, "it says nothing about who answers");
    // It comes back: everybody is called, and no cap was filled meanwhile.
    tried(&mut house, 4_000, |_| Disposition::Completed);
    for number in 1..=40 {
        assert_eq!(house.done(number), Some(Done::Ended(Disposition::Completed)), "{number}");
    }
}

#[test]
fn a_probe_that_is_answered_ends_the_rest() {
    let mut house = House::new(|_| {});
    for number in 1..=10 {
        house.settled(number);
    }
    tried(&mut house, 610, |_| FAILED);
    let (_, probe) = house.first_call(31).unwrap();
    assert!(dialled(&house.pass(5)).is_empty(), "one probe at a time");
    let mut told = house.happen(Event::Answered { call: probe });
    told.extend(house.pass(5));
    assert_eq!(dialled(&told).len(), 6, "the others, one after the other");
}

#[test]
fn a_number_that_the_trunk_refuses_while_it_takes_others_comes_to_an_end() {
    let mut house = House::new(|_| {});
    house.settled(1);
    let mut next = 1;
    for _ in 0..2 {
        let (_, call) = house.first_call(86_400).unwrap();
        house.end(call, FAILED);
        next += 1;
        house.settled(next);
        let (_, other) = house.first_call(86_400).unwrap();
        house.end(other, Disposition::Not(Outcome::WrongNumber));
    }
    let (_, call) = house.first_call(86_400).unwrap();
    house.end(call, FAILED);
    assert_eq!(house.done(1), Some(Done::Exhausted(Outcome::Failed)));
}

#[test]
fn what_the_network_says_of_a_number_is_no_failure_of_the_trunk() {
    let mut house = House::new(|_| {});
    for number in 1..=10 {
        house.settled(number);
    }
    let made = tried(&mut house, 700, |_| Disposition::Not(Outcome::WrongNumber));
    assert_eq!(made.len(), 10, "none waited for a rest");
}

#[test]
fn a_call_that_never_left_fills_no_cap_and_is_made_a_minute_later() {
    let mut house = House::new(|policy| {
        policy.calls.as_mut().unwrap().retries.attempts = 1;
        policy.caps = vec![Cap { attempts: 1, period: secs(30 * 86_400) }];
    });
    house.settled(1);
    for _ in 0..300 {
        let (at, call) = house.first_call(3_600).unwrap();
        house.end(call, Disposition::NotMade);
        let again = house.scheduler.find_case(&key(1)).unwrap().next;
        assert_eq!(again.duration_since(at).as_secs(), 60);
    }
    let (_, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::Completed);
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Completed)));
}

#[test]
fn a_number_goes_by_the_trunk_that_lists_it_and_one_that_none_lists_is_refused() {
    let mut house = two_trunks(1);
    let (first, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::NotListed);
    let (second, _) = house.first_call(3_600).unwrap_or((house.now, call));
    let open: Vec<(CallId, Name)> =
        house.scheduler.attempts().map(|row| (row.call, row.trunk.clone())).collect();
    assert!(open.len() == 1 && &*open[0].1 == "two", "{open:?}");
    assert!(second.duration_since(first).as_secs() < 2);
    house.end(open[0].0, Disposition::NotListed);
    assert_eq!(house.done(1), Some(Done::Number(NumberRefused::NotListed)));
}

#[test]
fn a_trunk_that_is_silent_rests_too_and_whoever_may_have_rung_counts_as_tried() {
    let mut house = two_trunks(30);
    let how = |trunk: &str| if trunk == "one" { Disposition::TrunkSilent } else { Disposition::Completed };
    let tried = tried(&mut house, 620, how);
    assert_eq!(tried.iter().filter(|(trunk, _)| trunk == "one").count(), 3, "it rests: {tried:?}");
    assert_eq!(tried.iter().filter(|(trunk, _)| trunk == "two").count(), 27, "whoever may have rung waits");
    let again = (1..=30).filter(|number| house.done(*number).is_none());
    let again: Vec<_> = again.map(|number| house.scheduler.find_case(&key(number)).unwrap().next).collect();
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|next| next.duration_since(house.now).as_secs() > 800), "{again:?}");
}

#[test]
fn who_has_only_a_trunk_that_is_down_sleeps_until_it_is_back() {
    let mut house = two_trunks(0);
    house.trunk("two", false, 0);
    house.settled(1);
    let (_, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::NotListed);
    house.pass(60);
    assert_eq!(house.waits_for(1), Waits::Trunk);
    let (end, mut steps) = (house.now + secs(2 * 86_400), 0);
    while let Some(at) = house.scheduler.poll_timeout().filter(|at| *at <= end) {
        steps += 1;
        assert!(steps < 10, "looks again and again, at {at}");
        house.now = house.now.max(at);
        house.scheduler.handle_timeout(house.now);
    }
    house.now = end;
    house.trunk("two", true, 1);
    let calls: Vec<(Timestamp, Name)> =
        house.scheduler.attempts().map(|row| (row.at, row.trunk.clone())).collect();
    assert_eq!(calls, [(end, Name::from("two"))], "at once");
    // Another one to whom no trunk comes back is told what was missing.
    house.trunk("two", false, 0);
    house.customer(2, |_| {});
    let now = house.now;
    house.ticket(2, 2, |facts| facts.since = now);
    let (_, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::NotListed);
    house.pass(6 * 86_400);
    assert_eq!(house.done(2), Some(Done::TooLate(Waits::Trunk)));
}
