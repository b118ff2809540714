//! Callers who would rather be called back.

use std::collections::BTreeSet;

use hotline_model::{IdentityId, PhoneNumber};

use super::*;
use crate::event::CallBackEnd;
use crate::restore::Restored;
use crate::row::WaitingRow;
use crate::settings::CallBackSettings;

fn desk() -> House {
    House::new(|queue| queue.call_back = Some(CallBackSettings::default()))
}

/// Open until three o'clock, UTC.
fn office() -> Calendar {
    let mut office = Calendar::always_open("office");
    for day in &mut office.week {
        day[0].to = jiff::civil::time(3, 0, 0, 0);
    }
    office
}

fn number(last: u8) -> PhoneNumber {
    PhoneNumber::parse(&format!("1380013800{last}")).unwrap()
}

impl House {
    /// Asks to be called back, and hangs up; whether the place is kept.
    fn asks_back(&mut self, waiting: WaitingId, last: u8) -> bool {
        let told = self.happen(Event::CallBack { waiting, number: number(last) });
        let kept = told.contains(&Command::CallBackKept { waiting, kept: true });
        self.happen(Event::Leave { waiting, how: Leaving::HungUp });
        self.pass(3);
        kept
    }

    fn is_in(&self, waiting: WaitingId) -> &'static str {
        self.queues.find_waiting(waiting).map_or("over", |row| row.state.word())
    }

    fn come_back(&mut self, place: WaitingId) -> (WaitingId, Vec<Command>) {
        let waiting = WaitingId::from(self.next);
        self.next += 1;
        let join = Join {
            waiting,
            call: CallId::from(self.next),
            queue: Name::from("service"),
            priority: 0,
            skills: Skills::new(),
            last_agent: None,
            customer: None,
            identity: None,
            joined_at: None,
        };
        (waiting, self.happen(Event::CalledBack { place, join: Box::new(join) }))
    }
}

fn attempts(told: &[Command]) -> Vec<(WaitingId, u32)> {
    let one = |command: &Command| match command {
        Command::CallBack { place, attempt, .. } => Some((*place, *attempt)),
        _ => None,
    };
    told.iter().filter_map(one).collect()
}

/// An agent who talks, two who wait behind each other, the first of whom is called back.
fn one_keeps_the_place() -> (House, WaitingId, WaitingId) {
    let mut desk = desk();
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let (first, second) = (desk.join(), desk.join());
    assert!(desk.asks_back(first, 1));
    assert_eq!(desk.is_in(first), "call-back");
    (desk, first, second)
}

fn frees_the_agent(desk: &mut House) -> Vec<Command> {
    desk.end_talk(1);
    desk.happen(Event::Available { agent: agent(1) })
}

#[test]
fn who_keeps_a_place_is_called_when_it_comes_and_meets_the_agent_who_was_kept_free() {
    let (mut desk, first, second) = one_keeps_the_place();
    let told = frees_the_agent(&mut desk);
    assert_eq!(attempts(&told), [(first, 1)], "before who came later");
    assert_eq!((desk.is_in(first), desk.is_in(second), desk.state(1)), ("calling", "waiting", "talking"));
    let since = desk.queues.find_waiting(first).unwrap().joined_at;
    desk.pass(10);
    let (back, _) = desk.come_back(first);
    assert_eq!(desk.is_in(first), "over");
    assert_eq!(desk.rings(1).map(|(_, waiting)| waiting), Some(back));
    assert_eq!(desk.queues.find_waiting(back).unwrap().joined_at, since);
    assert_eq!(desk.answer(1), back);
    frees_the_agent(&mut desk);
    assert_eq!(desk.rings(1).map(|(_, waiting)| waiting), Some(second));
}

#[test]
fn nobody_is_called_while_they_are_still_on_the_line() {
    let mut desk = desk();
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let first = desk.join();
    desk.happen(Event::CallBack { waiting: first, number: number(1) });
    assert_eq!(attempts(&frees_the_agent(&mut desk)), []);
    desk.happen(Event::Leave { waiting: first, how: Leaving::HungUp });
    assert_eq!(attempts(&desk.pass(2)), []);
    assert_eq!(attempts(&desk.pass(1)), [(first, 1)]);
}

#[test]
fn who_is_not_reached_is_called_again_later_three_times_in_all() {
    let (mut desk, first, second) = one_keeps_the_place();
    frees_the_agent(&mut desk);
    for attempt in 2..=3 {
        desk.happen(Event::CallBackEnded { place: first, how: CallBackEnd::NotReached });
        if attempt == 2 {
            // Nobody waits for them.
            assert_eq!(desk.answer(1), second);
            frees_the_agent(&mut desk);
        }
        assert_eq!(attempts(&desk.pass(299)), []);
        assert_eq!(attempts(&desk.pass(1)), [(first, attempt)]);
    }
    let told = desk.happen(Event::CallBackEnded { place: first, how: CallBackEnd::NotReached });
    let given_up = told.iter().find_map(|command| match command {
        Command::CallBackGivenUp { row } => Some(row.as_ref().clone()),
        _ => None,
    });
    assert_eq!(given_up.unwrap().call_back.unwrap().number, number(1));
    assert_eq!((desk.is_in(first), desk.state(1)), ("over", "available"));
    let last = desk.told.iter().rev().find_map(|command| match command {
        Command::Store(Row::Waiting(row)) if row.waiting == first => Some(row.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.state, last.call_back), (WaitingState::NotReached, None), "the number is not kept");
    assert_eq!(desk.queues.poll_timeout(), None);
}

#[test]
fn a_call_that_was_not_made_is_no_try() {
    let (mut desk, first, _) = one_keeps_the_place();
    assert_eq!(attempts(&frees_the_agent(&mut desk)), [(first, 1)]);
    for _ in 0..5 {
        desk.happen(Event::CallBackEnded { place: first, how: CallBackEnd::NotMade });
        if desk.state(1) != "available" {
            desk.answer(1);
            frees_the_agent(&mut desk);
        }
        assert_eq!(attempts(&desk.pass(300)), [(first, 1)]);
    }
}

#[test]
fn who_goes_another_way_is_not_called() {
    let mut desk = desk();
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let first = desk.join();
    desk.happen(Event::CallBack { waiting: first, number: number(1) });
    desk.happen(Event::Leave { waiting: first, how: Leaving::OtherWay });
    assert_eq!(desk.is_in(first), "over");
    assert_eq!(attempts(&frees_the_agent(&mut desk)), []);
    assert_eq!(attempts(&desk.pass(3_600)), []);
}

#[test]
fn there_is_one_call_back_for_a_caller_and_for_a_number() {
    let mut desk = desk();
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let identity = IdentityId::from(7);
    let (first, _) = desk.joined(|join| join.identity = Some(identity));
    let (twin, _) = desk.joined(|join| join.identity = Some(identity));
    let other = desk.join();
    assert!(desk.asks_back(first, 1));
    assert!(!desk.asks_back(twin, 2));
    assert!(!desk.asks_back(other, 1));
    let last = desk.join();
    assert!(desk.asks_back(last, 3));
    // A queue that calls nobody back.
    let mut plain = House::new(|_| {});
    plain.sign_in(1, &[]);
    plain.join();
    plain.answer(1);
    let waiting = plain.join();
    assert!(!plain.asks_back(waiting, 1));
}

#[test]
fn who_calls_in_meanwhile_has_the_place_and_is_not_called() {
    let mut desk = desk();
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let identity = IdentityId::from(7);
    let (first, _) = desk.joined(|join| join.identity = Some(identity));
    assert!(desk.asks_back(first, 1));
    let since = desk.queues.find_waiting(first).unwrap().joined_at;
    desk.pass(60);
    let (again, _) = desk.joined(|join| join.identity = Some(identity));
    assert_eq!((desk.is_in(first), desk.is_in(again)), ("over", "waiting"));
    assert_eq!(desk.queues.find_waiting(again).unwrap().joined_at, since);
    // And one who is being called at that moment.
    assert!(desk.asks_back(again, 1));
    assert_eq!(attempts(&frees_the_agent(&mut desk)), [(again, 1)]);
    let (third, told) = desk.joined(|join| join.identity = Some(identity));
    assert!(told.contains(&Command::CallBackOff { place: again }));
    assert_eq!(desk.rings(1).map(|(_, waiting)| waiting), Some(third));
    desk.happen(Event::CallBackEnded { place: again, how: CallBackEnd::NotReached });
    assert_eq!(desk.answer(1), third);
}

#[test]
fn nobody_is_called_while_the_queue_is_closed() {
    let mut desk = House::new(|queue| {
        queue.call_back = Some(CallBackSettings::default());
        queue.hours = Some(office());
    });
    desk.sign_in(1, &[]);
    desk.join();
    desk.answer(1);
    let first = desk.join();
    assert!(desk.asks_back(first, 1));
    let office = office();
    while office.is_open(desk.now) {
        desk.pass(600);
    }
    assert_eq!(attempts(&frees_the_agent(&mut desk)), []);
    let opens = office.next_open(desk.now).unwrap();
    let night = opens.duration_since(desk.now).as_secs() as u64;
    assert_eq!(attempts(&desk.pass(night - 1)), []);
    assert_eq!(attempts(&desk.pass(1)), [(first, 1)]);
}

#[test]
fn an_agent_is_not_kept_for_long() {
    let (mut desk, first, second) = one_keeps_the_place();
    frees_the_agent(&mut desk);
    desk.pass(59);
    assert_eq!(desk.state(1), "talking");
    desk.pass(1);
    assert_eq!(desk.rings(1).map(|(_, waiting)| waiting), Some(second));
    // Who answers late is the next one all the same.
    let (back, _) = desk.come_back(first);
    assert_eq!(desk.is_in(back), "waiting");
    let rows: Vec<WaitingRow> = desk.queues.waiting().cloned().collect();
    assert!(rows.iter().any(|row| row.waiting == back && row.agent.is_none()));
}

#[test]
fn a_restart_keeps_the_place_and_counts_a_call_that_was_under_way() {
    let (mut desk, first, _) = one_keeps_the_place();
    let again = |desk: &House| {
        let rows = Restored {
            waiting: desk.queues.waiting().cloned().collect(),
            agents: desk.queues.agents().cloned().collect(),
            offers: Vec::new(),
            handling: Vec::new(),
            alive: BTreeSet::new(),
        };
        let settings = desk.queues.settings().clone();
        let queues = Queues::restore(desk.now, settings, Arc::new(IdSource::new(9)), rows);
        House { queues, now: desk.now, next: desk.next + 100, told: Vec::new() }
    };
    // The agent's call went with the server: they are free.
    let mut restarted = again(&desk);
    assert_eq!(attempts(&restarted.drain()), [(first, 1)]);
    frees_the_agent(&mut desk);
    assert_eq!(desk.is_in(first), "calling");
    let mut restarted = again(&desk);
    assert_eq!(attempts(&restarted.drain()), [], "nobody knows whether it rang");
    assert_eq!(restarted.is_in(first), "call-back");
    assert_eq!(attempts(&restarted.pass(299)), []);
    assert_eq!(attempts(&restarted.pass(1)), [(first, 2)]);
}
