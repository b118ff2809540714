//! One rule a test, on a clock of its own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{AgentId, Calendar, CallId, IdSource, IdentityId, OfferId, WaitingId};
use jiff::Timestamp;

mod call_backs;

use crate::*;

const START: &str = "2026-11-20T02:00:00Z";

struct House {
    queues: Queues,
    now: Timestamp,
    next: u128,
    told: Vec<Command>,
}

fn agent(number: u128) -> AgentId {
    AgentId::from(number)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl House {
    fn new(change: impl FnOnce(&mut QueueSettings)) -> Self {
        let mut queue = QueueSettings::default();
        change(&mut queue);
        let settings = Settings { queues: [(Name::from("service"), queue)].into(), ..Settings::default() };
        let now = START.parse().unwrap();
        Self { queues: Queues::new(settings, Arc::new(IdSource::new(1))), now, next: 1, told: Vec::new() }
    }

    fn drain(&mut self) -> Vec<Command> {
        let told: Vec<Command> = std::iter::from_fn(|| self.queues.poll_command()).collect();
        self.told.extend(told.iter().cloned());
        told
    }

    fn happen(&mut self, event: Event) -> Vec<Command> {
        self.queues.handle_event(self.now, event);
        self.drain()
    }

    fn pass(&mut self, seconds: u64) -> Vec<Command> {
        let end = queues::after(self.now, secs(seconds));
        let mut told = Vec::new();
        while let Some(at) = self.queues.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.queues.handle_timeout(self.now);
            told.extend(self.drain());
        }
        self.now = end;
        told
    }

    fn sign_in(&mut self, number: u128, can: &[&str]) -> Vec<Command> {
        self.happen(Event::SignIn { agent: agent(number), skills: skills(can.iter().copied()) })
    }

    fn joined(&mut self, change: impl FnOnce(&mut Join)) -> (WaitingId, Vec<Command>) {
        let waiting = WaitingId::from(self.next);
        self.next += 1;
        let mut join = Join {
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
        change(&mut join);
        (waiting, self.happen(Event::Join(Box::new(join))))
    }

    fn join(&mut self) -> WaitingId {
        self.joined(|_| {}).0
    }

    /// The offer that rings for an agent.
    fn rings(&self, number: u128) -> Option<(OfferId, WaitingId)> {
        match self.queues.find_agent(agent(number))?.state {
            AgentState::Offered { offer, waiting } => Some((offer, waiting)),
            _ => None,
        }
    }

    fn answer(&mut self, number: u128) -> WaitingId {
        let (offer, waiting) = self.rings(number).expect("the telephone rings");
        let told = self.happen(Event::Accepted { offer, agent: agent(number) });
        assert!(told.contains(&Command::Joined { offer, waiting, agent: agent(number) }));
        waiting
    }

    fn state(&self, number: u128) -> &'static str {
        self.queues.find_agent(agent(number)).map_or("unknown", |row| row.state.word())
    }

    fn end_talk(&mut self, number: u128) {
        self.happen(Event::TalkEnded { agent: agent(number) });
    }
}

fn left(told: &[Command]) -> Vec<Left> {
    told.iter()
        .filter_map(|command| match command {
            Command::Left { how, .. } => Some(*how),
            _ => None,
        })
        .collect()
}

fn places(told: &[Command], of: WaitingId) -> Vec<(u32, Option<u64>)> {
    told.iter()
        .filter_map(|command| match command {
            Command::Place { waiting, place, wait } if *waiting == of => {
                Some((*place, wait.map(|wait| wait.as_secs() / 60)))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_caller_gets_the_agent_who_was_free_for_longest() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.pass(10);
    house.sign_in(2, &[]);
    let first = house.join();
    assert_eq!(house.rings(1).unwrap().1, first);
    let second = house.join();
    assert_eq!(house.rings(2).unwrap().1, second);
    assert_eq!(house.answer(1), first);
    house.end_talk(1);
    assert_eq!(house.state(1), "wrap-up");
    house.pass(30);
    assert_eq!(house.state(1), "available");
    assert_eq!(house.queues.find_waiting(first), None);
}

#[test]
fn without_anybody_signed_in_nobody_waits() {
    let mut house = House::new(|_| {});
    let (_, told) = house.joined(|_| {});
    assert_eq!(left(&told), [Left::Nobody(NobodyWhy::NobodySignedIn)]);
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    let waits = house.join();
    assert!(house.queues.find_waiting(waits).is_some(), "an agent on a break comes back");
    let told = house.happen(Event::SignOut { agent: agent(1) });
    assert_eq!(left(&told), [Left::Nobody(NobodyWhy::NobodySignedIn)]);
    assert_eq!(house.queues.poll_timeout(), None);
}

#[test]
fn a_wait_has_an_end() {
    let mut house = House::new(|queue| queue.longest_wait = secs(60));
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    house.join();
    assert_eq!(left(&house.pass(59)), []);
    assert_eq!(left(&house.pass(1)), [Left::Nobody(NobodyWhy::LongestWait)]);
}

#[test]
fn a_queue_is_closed_outside_its_hours_and_when_the_last_agent_goes_home_after_them() {
    let mut week: Calendar = Calendar::always_open("office");
    for day in &mut week.week {
        day[0].to = jiff::civil::time(3, 0, 0, 0);
    }
    let mut house = House::new(|queue| queue.hours = Some(week));
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    house.now = "2026-11-20T02:59:00Z".parse().unwrap();
    let early = house.join();
    house.pass(120);
    let (_, told) = house.joined(|_| {});
    assert_eq!(left(&told), [Left::Closed]);
    assert!(house.queues.find_waiting(early).is_some(), "who was there before is served");
    let told = house.happen(Event::SignOut { agent: agent(1) });
    assert_eq!(left(&told), [Left::Closed]);
}

#[test]
fn an_offer_that_nobody_answers_goes_to_the_next_agent() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.sign_in(2, &[]);
    let caller = house.join();
    let (offer, _) = house.rings(1).unwrap();
    let told = house.pass(20);
    assert!(told.iter().any(|c| matches!(c, Command::Withdraw { why: Withdrawn::TimedOut, .. })));
    assert_eq!(house.rings(2).unwrap().1, caller);
    // The answer that comes too late does not take the caller away from the other one.
    let told = house.happen(Event::Accepted { offer, agent: agent(1) });
    assert_eq!(told, [Command::TooLate { offer, agent: agent(1) }]);
    assert_eq!(house.answer(2), caller);
}

#[test]
fn an_agent_who_misses_three_in_a_row_is_on_a_break() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.join();
    house.pass(40);
    assert_eq!(house.state(1), "offered");
    house.pass(20);
    assert_eq!(house.queues.find_agent(agent(1)).unwrap().state.reason(), Some("missed"));
    house.happen(Event::Available { agent: agent(1) });
    house.answer(1);
    assert_eq!(house.queues.find_agent(agent(1)).unwrap().missed, 0);
}

#[test]
fn a_telephone_that_fails_is_not_rung_again_at_once() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.join();
    for _ in 0..3 {
        let (offer, _) = house.rings(1).unwrap();
        house.happen(Event::NotAnswered { offer, how: NotAnswered::Failed });
        assert_eq!(house.rings(1), None);
        house.pass(5);
    }
    assert_eq!(house.queues.find_agent(agent(1)).unwrap().state.reason(), Some("missed"));
}

#[test]
fn two_pages_of_one_agent_answer_once() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.join();
    let (offer, _) = house.rings(1).unwrap();
    house.answer(1);
    assert_eq!(house.happen(Event::Accepted { offer, agent: agent(1) }), []);
    let told = house.happen(Event::Accepted { offer, agent: agent(2) });
    assert_eq!(told, [Command::TooLate { offer, agent: agent(2) }]);
}

#[test]
fn an_answer_after_the_caller_has_gone_is_too_late() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    let caller = house.join();
    let (offer, _) = house.rings(1).unwrap();
    let told = house.happen(Event::Leave { waiting: caller, how: Leaving::HungUp });
    assert!(told.iter().any(|c| matches!(c, Command::Withdraw { why: Withdrawn::CallerLeft, .. })));
    let told = house.happen(Event::Accepted { offer, agent: agent(1) });
    assert_eq!(told, [Command::TooLate { offer, agent: agent(1) }]);
    assert_eq!(house.state(1), "available");
    assert_eq!(house.queues.find_agent(agent(1)).unwrap().missed, 0, "it was none of their fault");
}

#[test]
fn who_loses_their_agent_comes_first_again() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    let first = house.join();
    house.answer(1);
    house.pass(600);
    let second = house.join();
    house.sign_in(2, &[]);
    assert_eq!(house.rings(2).unwrap().1, second);
    let third = house.join();
    let told = house.happen(Event::AgentLost { agent: agent(1) });
    assert!(told.contains(&Command::Returned { waiting: first }));
    // The agent who was lost is tried last; with nobody else free they are rung.
    assert_eq!(house.rings(1).unwrap().1, first);
    assert_eq!(house.queues.find_waiting(third).unwrap().state, WaitingState::Waiting);
}

#[test]
fn higher_priorities_come_first_and_equal_ones_in_order() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    let a = house.join();
    let b = house.joined(|join| join.priority = 5).0;
    let (c, told) = house.joined(|join| join.priority = 5);
    assert_eq!(places(&told, c), [(2, None)]);
    assert_eq!(places(&told, a), [(3, None)]);
    house.happen(Event::Available { agent: agent(1) });
    for expected in [b, c, a] {
        assert_eq!(house.answer(1), expected);
        house.end_talk(1);
        house.pass(30);
    }
}

#[test]
fn specialists_stay_free_for_those_who_need_them() {
    let mut house = House::new(|queue| queue.strategy = Strategy::Skills);
    house.sign_in(1, &["english", "billing", "roaming"]);
    house.pass(100);
    house.sign_in(2, &["english"]);
    let plain = house.joined(|join| join.skills = skills(["english"])).0;
    assert_eq!(house.rings(2).unwrap().1, plain);
    let special = house.joined(|join| join.skills = skills(["roaming"])).0;
    assert_eq!(house.rings(1).unwrap().1, special);
}

#[test]
fn a_caller_waits_a_little_for_the_agent_who_knows_the_ticket() {
    let mut house = House::new(|queue| queue.strategy = Strategy::LastAgent);
    house.sign_in(1, &[]);
    house.join();
    house.answer(1);
    house.sign_in(2, &[]);
    let back = |house: &mut House, number| house.joined(|join| join.last_agent = Some(agent(number))).0;
    let caller = back(&mut house, 1);
    assert_eq!(house.rings(2), None, "the other one is free, and the last agent is talking");
    house.pass(20);
    assert_eq!(house.rings(2).unwrap().1, caller, "not for ever");
    house.answer(2);
    house.end_talk(1);
    house.pass(30);
    // Free: at once. Not there: nobody waits for them.
    let again = back(&mut house, 1);
    assert_eq!(house.answer(1), again);
    house.sign_in(3, &[]);
    let gone = back(&mut house, 9);
    assert_eq!(house.answer(3), gone);
}

#[test]
fn a_break_or_the_end_of_the_day_waits_for_the_end_of_the_call() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.join();
    house.answer(1);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    assert_eq!(house.state(1), "talking");
    house.end_talk(1);
    assert_eq!(house.state(1), "wrap-up");
    house.pass(30);
    assert_eq!(house.queues.find_agent(agent(1)).unwrap().state.reason(), Some("lunch"));
    house.happen(Event::TalkBegan { agent: agent(1) });
    house.end_talk(1);
    house.pass(30);
    assert_eq!(house.state(1), "break", "a call out during a break does not end it");
}

#[test]
fn who_goes_while_it_rings_leaves_the_caller_to_the_next() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.sign_in(2, &[]);
    let caller = house.join();
    house.happen(Event::SignOut { agent: agent(1) });
    assert_eq!((house.state(1), house.rings(2).unwrap().1), ("signed-out", caller));
}

#[test]
fn the_wait_is_measured_and_not_known_before() {
    let mut house = House::new(|queue| queue.wrap_up = Duration::ZERO);
    house.sign_in(1, &[]);
    house.sign_in(2, &[]);
    for _ in 0..3 {
        house.join();
        let free = if house.rings(1).is_some() { 1 } else { 2 };
        house.answer(free);
        house.pass(300);
        house.end_talk(free);
    }
    house.join();
    house.join();
    house.answer(1);
    house.answer(2);
    // Five minutes a call, two agents: an agent every two and a half minutes.
    let (third, told) = house.joined(|_| {});
    assert_eq!(places(&told, third), [(1, Some(3))]);
    let (fourth, told) = house.joined(|_| {});
    assert_eq!(places(&told, fourth), [(2, Some(5))]);
    let told = house.happen(Event::Break { agent: agent(2), reason: "lunch".into() });
    assert_eq!(places(&told, fourth), [(2, Some(10))], "one agent less after this call");
}

#[test]
fn a_lost_connection_keeps_the_place_for_a_while() {
    let mut house = House::new(|queue| queue.longest_wait = secs(3_600));
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    let number = IdentityId::from(77);
    let first = house.joined(|join| join.identity = Some(number)).0;
    house.pass(60);
    let other = house.join();
    house.happen(Event::Leave { waiting: first, how: Leaving::ConnectionLost });
    house.pass(300);
    let (again, told) = house.joined(|join| join.identity = Some(number));
    assert_eq!(places(&told, again), [(1, None)]);
    assert_eq!(places(&told, other), [(2, None)]);
    house.happen(Event::Leave { waiting: again, how: Leaving::ConnectionLost });
    let told = house.pass(601);
    assert!(told.contains(&Command::KeptExpired { waiting: again }));
    let (late, told) = house.joined(|join| join.identity = Some(number));
    assert_eq!(places(&told, late), [(2, None)]);
}

#[test]
fn after_a_restart_places_are_kept_and_no_agent_is_stuck() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.sign_in(2, &[]);
    let number = |n| Some(IdentityId::from(n));
    let talked = house.joined(|join| join.identity = number(1)).0;
    house.answer(1);
    house.joined(|join| join.identity = number(2));
    assert!(house.rings(2).is_some());
    house.pass(5);
    house.joined(|join| join.identity = number(3));
    let rows = Restored {
        waiting: house.queues.waiting().cloned().collect(),
        agents: house.queues.agents().cloned().collect(),
        offers: Vec::new(),
        handling: Vec::new(),
        alive: BTreeSet::new(),
    };
    house.now = queues::after(house.now, secs(30));
    let settings = house.queues.settings().clone();
    house.queues = Queues::restore(house.now, settings, Arc::new(IdSource::new(2)), rows);
    house.drain();
    assert_eq!((house.state(1), house.state(2)), ("available", "available"));
    assert!(house.queues.waiting().all(|row| row.state == WaitingState::Kept));
    assert_eq!(house.queues.find_waiting(talked).unwrap().last_agent, Some(agent(1)));
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    house.happen(Event::Break { agent: agent(2), reason: "lunch".into() });
    let third = house.joined(|join| join.identity = number(3)).0;
    let fresh = house.joined(|join| join.identity = number(4)).0;
    let first = house.joined(|join| join.identity = number(1)).0;
    house.happen(Event::Available { agent: agent(1) });
    for expected in [first, third, fresh] {
        assert_eq!(house.answer(1), expected);
        house.end_talk(1);
        house.pass(30);
    }
    assert!(house.pass(600).iter().any(|c| matches!(c, Command::KeptExpired { .. })), "the second one");
    assert_eq!(house.queues.waiting().count(), 0);
}

#[test]
fn callers_of_a_queue_that_is_gone_are_served_and_new_ones_are_told() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    let early = house.join();
    house.happen(Event::Settings(Box::default()));
    house.happen(Event::Available { agent: agent(1) });
    assert_eq!(house.answer(1), early);
    house.end_talk(1);
    house.happen(Event::Settings(Box::default()));
    let (_, told) = house.joined(|_| {});
    assert_eq!(left(&told), [Left::Failed]);
}

#[test]
fn a_caller_who_is_handed_on_keeps_the_talk_and_comes_back_to_their_place() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    let handed = house.join();
    house.answer(1);
    let second = house.join();
    house.happen(Event::HandedOn { agent: agent(1) });
    assert_eq!(house.state(1), "wrap-up");
    assert_eq!(house.queues.find_waiting(handed).unwrap().state, WaitingState::Talking);
    // Nobody answers there: before the one who came later.
    let told = house.happen(Event::TakenBack { waiting: handed });
    assert!(told.contains(&Command::Returned { waiting: handed }), "{told:?}");
    assert!(house.happen(Event::TakenBack { waiting: handed }).is_empty(), "once");
    house.happen(Event::Available { agent: agent(1) });
    assert_eq!(house.answer(1), handed);
    house.happen(Event::HandedOn { agent: agent(1) });
    house.happen(Event::Available { agent: agent(1) });
    assert_eq!(house.answer(1), second);
    // The caller who was handed on goes: the agent's new talk is none of theirs.
    house.happen(Event::Leave { waiting: handed, how: Leaving::OtherWay });
    assert_eq!(house.state(1), "talking");
    assert!(house.told.iter().any(|told| matches!(
        told,
        Command::Store(Row::Waiting(row)) if row.waiting == handed && row.state == WaitingState::Served
    )));
}

#[test]
fn an_agent_to_whom_a_caller_is_handed_on_has_them_like_any_other() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.sign_in(2, &[]);
    let waiting = house.join();
    house.answer(1);
    house.happen(Event::TalkBegan { agent: agent(2) });
    house.happen(Event::HandedOn { agent: agent(1) });
    house.happen(Event::TookOver { agent: agent(2), waiting });
    assert!(house.happen(Event::TakenBack { waiting }).is_empty(), "somebody has them");
    assert_eq!(house.queues.find_waiting(waiting).unwrap().agent, Some(agent(2)));
    // Lost in mid-talk, the caller comes back; else both are through with each other.
    house.happen(Event::Break { agent: agent(1), reason: "lunch".into() });
    house.happen(Event::AgentLost { agent: agent(2) });
    assert_eq!(house.answer(2), waiting);
    house.end_talk(2);
    assert_eq!(house.state(2), "wrap-up");
    assert!(house.queues.find_waiting(waiting).is_none());
}

#[test]
fn an_agent_kept_for_a_call_that_did_not_come_is_free_again_without_notes() {
    let mut house = House::new(|_| {});
    house.sign_in(1, &[]);
    house.happen(Event::TalkBegan { agent: agent(1) });
    let waiting = house.join();
    assert_eq!(house.rings(1), None);
    house.happen(Event::NotReached { agent: agent(1) });
    assert_eq!(house.rings(1).map(|(_, who)| who), Some(waiting));
    house.answer(1);
    house.happen(Event::NotReached { agent: agent(1) });
    assert_eq!(house.state(1), "talking", "late news ends no talk");
}
