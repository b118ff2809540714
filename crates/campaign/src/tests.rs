//! One rule a test, on a clock of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::calendar::Span;
use hotline_model::campaign::*;
use hotline_model::{Calendar, CallId, CustomerId, IdSource, Pii, TicketId, TicketState};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::*;

/// Ten in the morning in Shanghai, a Friday.
const START: &str = "2026-11-20T02:00:00Z";

mod gate;
mod messages;
mod restarts;
mod trunks;

struct House {
    scheduler: Scheduler,
    settings: Settings,
    now: Timestamp,
    told: Vec<Command>,
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn who(number: u128) -> CustomerId {
    CustomerId::from(number)
}

fn key(ticket: u128) -> CaseKey {
    CaseKey { ticket: TicketId::from(ticket), policy: Name::from("survey") }
}

fn hours(from: &str, to: &str) -> Arc<Calendar> {
    let day = vec![Span { from: from.parse().unwrap(), to: to.parse().unwrap() }];
    Arc::new(Calendar {
        name: "calls".into(),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        week: std::array::from_fn(|_| day.clone()),
        holidays: Vec::new(),
        make_up: Vec::new(),
    })
}

fn policy() -> Policy {
    Policy {
        who: Who::default(),
        hours: hours("09:00", "20:00"),
        earliest: secs(600),
        latest: secs(5 * 86_400),
        caps: Vec::new(),
        priority: 0,
        calls: Some(Calls {
            plan: Name::from("survey"),
            retries: Retries::default(),
            ring_limit: secs(45),
            pace: None,
            trunks: vec![Name::from("one")],
            show: Name::from("10086"),
            detection: hotline_model::campaign::Detection::default(),
        }),
        message: None,
    }
}

impl House {
    fn new(change: impl FnOnce(&mut Policy)) -> Self {
        let mut policy = policy();
        change(&mut policy);
        Self::with(Settings {
            policies: [(Name::from("survey"), Arc::new(policy))].into(),
            ..Settings::default()
        })
    }

    fn with(settings: Settings) -> Self {
        let now = START.parse().unwrap();
        let scheduler = Scheduler::new(now, settings.clone(), Arc::new(IdSource::new(1)));
        let mut house = Self { scheduler, settings, now, told: Vec::new() };
        house.trunk("one", true, 100);
        house
    }

    fn happen(&mut self, event: Event) -> Vec<Command> {
        self.scheduler.handle_event(self.now, event);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Command> {
        let told: Vec<Command> = std::iter::from_fn(|| self.scheduler.poll_command()).collect();
        self.told.extend(told.iter().cloned());
        told
    }

    fn pass(&mut self, seconds: u64) -> Vec<Command> {
        let end = self.now + secs(seconds);
        let mut told = Vec::new();
        while let Some(at) = self.scheduler.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.scheduler.handle_timeout(self.now);
            told.extend(self.drain());
        }
        self.now = end;
        told
    }

    /// The time of the first call within so many seconds, and the call.
    fn first_call(&mut self, seconds: u64) -> Option<(Timestamp, CallId)> {
        let end = self.now + secs(seconds);
        while let Some(at) = self.scheduler.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.scheduler.handle_timeout(self.now);
            if let Some(call) = dialled(&self.drain()).first() {
                return Some((self.now, *call));
            }
        }
        None
    }

    fn trunk(&mut self, name: &str, up: bool, lines: u32) -> Vec<Command> {
        let trunk = Trunk { up, lines, per_second: 10 };
        self.happen(Event::Trunk { name: Name::from(name), trunk })
    }

    fn customer(&mut self, number: u128, change: impl FnOnce(&mut CustomerFacts)) {
        let mut facts = CustomerFacts {
            customer: who(number),
            number: Some(Pii::new(format!("138001380{number:02}"))),
            zone: None,
            attributes: BTreeMap::new(),
            do_not_call: false,
        };
        change(&mut facts);
        self.happen(Event::Customer(Box::new(facts)));
    }

    fn ticket(&mut self, ticket: u128, of: u128, change: impl FnOnce(&mut TicketFacts)) -> Vec<Command> {
        let mut facts = TicketFacts {
            ticket: TicketId::from(ticket),
            customer: who(of),
            state: TicketState::Closed,
            since: self.now,
            category: Name::from("fees"),
            outcome: None,
        };
        change(&mut facts);
        self.happen(Event::Ticket(Box::new(facts)))
    }

    /// A customer with a ticket that was closed now.
    fn settled(&mut self, number: u128) {
        self.customer(number, |_| {});
        self.ticket(number, number, |_| {});
    }

    fn end(&mut self, call: CallId, how: Disposition) -> Vec<Command> {
        self.happen(Event::Ended { call, how })
    }

    fn done(&self, ticket: u128) -> Option<Done> {
        self.scheduler.find_case(&key(ticket)).and_then(|row| row.done).map(|(_, done)| done)
    }

    /// How it stands with a ticket.
    fn stands(&self, ticket: u128) -> Verdict {
        let told = self.scheduler.explain_ticket(self.now, TicketId::from(ticket));
        told.last().expect("every ticket has a word").verdict.clone()
    }

    fn waits_for(&self, ticket: u128) -> Waits {
        match self.stands(ticket) {
            Verdict::Waits { why, .. } => why,
            other => panic!("does not wait: {other:?}"),
        }
    }
}

fn dialled(told: &[Command]) -> Vec<CallId> {
    let call = |command: &Command| match command {
        Command::Dial(attempt) => Some(attempt.call),
        _ => None,
    };
    told.iter().filter_map(call).collect()
}

fn local(at: Timestamp, zone: &str) -> String {
    at.to_zoned(TimeZone::get(zone).unwrap()).strftime("%a %H:%M").to_string()
}

#[test]
fn a_settled_ticket_is_called_at_the_earliest_time_and_its_row_comes_first() {
    let mut house = House::new(|_| {});
    house.settled(1);
    assert_eq!(house.waits_for(1), Waits::NotYetDue);
    assert!(dialled(&house.pass(599)).is_empty());
    let told = house.pass(1);
    let row = told.iter().position(|c| matches!(c, Command::Store(Row::Attempt(_)))).unwrap();
    let dial = told.iter().position(|c| matches!(c, Command::Dial(_))).unwrap();
    assert!(row < dial);
    let Command::Dial(attempt) = &told[dial] else { unreachable!() };
    assert_eq!((attempt.number.e164(), &*attempt.show), ("+8613800138001", "10086"));
    house.end(attempt.call, Disposition::Completed);
    assert_eq!(house.done(1), Some(Done::Ended(Disposition::Completed)));
    assert!(dialled(&house.pass(10 * 86_400)).is_empty(), "once is enough");
}

#[test]
fn the_same_ticket_twice_changes_nothing() {
    let mut house = House::new(|_| {});
    house.settled(1);
    assert_eq!(house.ticket(1, 1, |_| {}), []);
    let (_, call) = house.first_call(3_600).unwrap();
    house.end(call, Disposition::Completed);
    let since = START.parse().unwrap();
    assert_eq!(house.ticket(1, 1, |facts| facts.since = since), []);
    // Opened again and settled again, it is another matter; the customer is left alone for a while.
    house.pass(60);
    house.ticket(1, 1, |facts| facts.state = TicketState::Open);
    house.ticket(1, 1, |_| {});
    house.pass(1_000);
    assert_eq!(house.waits_for(1), Waits::JustSpoken);
    assert!(house.first_call(86_400).is_some());
}

#[test]
fn what_another_policy_tells_is_told_once() {
    let mut house = House::new(|policy| policy.who.except = [Name::from("sent-again")].into());
    house.customer(1, |_| {});
    house.ticket(1, 1, |facts| facts.outcome = Some(Name::from("sent-again")));
    house.ticket(2, 1, |facts| facts.outcome = Some(Name::from("refunded")));
    house.ticket(3, 1, |_| {});
    assert_eq!(house.stands(1), Verdict::NotDrawn(NotDrawn::Outcome));
    assert_eq!((house.waits_for(2), house.waits_for(3)), (Waits::NotYetDue, Waits::NotYetDue));
}

#[test]
fn a_policy_says_whom_it_concerns() {
    let set = |name: &str| [Name::from(name)].into();
    let mut house = House::new(|policy| {
        policy.who.categories = set("fees");
        policy.who.outcomes = set("refunded");
        policy.who.attributes = [(Name::from("tier"), set("gold"))].into();
    });
    let refunded = |facts: &mut TicketFacts| facts.outcome = Some(Name::from("refunded"));
    house.customer(1, |facts| {
        facts.attributes.insert(Name::from("tier"), Name::from("gold"));
    });
    house.customer(2, |_| {});
    house.ticket(1, 1, refunded);
    house.ticket(2, 1, |_| {});
    house.ticket(3, 2, refunded);
    house.ticket(4, 1, |facts| facts.category = Name::from("network"));
    house.ticket(5, 1, |facts| facts.state = TicketState::Cancelled);
    assert_eq!(house.waits_for(1), Waits::NotYetDue);
    let why = |house: &House, ticket| match house.stands(ticket) {
        Verdict::NotDrawn(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&house, 2), NotDrawn::Outcome);
    assert_eq!(why(&house, 3), NotDrawn::Attribute(Name::from("tier")));
    assert_eq!(why(&house, 4), NotDrawn::Category);
    assert_eq!(why(&house, 5), NotDrawn::State);
    // The customer becomes gold: the ticket is drawn after all.
    house.customer(2, |facts| {
        facts.attributes.insert(Name::from("tier"), Name::from("gold"));
    });
    assert_eq!(house.waits_for(3), Waits::NotYetDue);
}

#[test]
fn a_sample_is_about_its_share_and_always_the_same() {
    let draw = || {
        let mut house = House::new(|policy| policy.who.share_permille = 200);
        house.customer(1, |_| {});
        (1..=2_000_u128)
            .filter(|ticket| {
                house.ticket(*ticket, 1, |_| {});
                house.scheduler.find_case(&key(*ticket)).is_some()
            })
            .collect::<Vec<_>>()
    };
    let first = draw();
    assert!((340..460).contains(&first.len()), "{}", first.len());
    assert_eq!(first, draw());
}

#[test]
fn every_outcome_has_its_spacing_and_its_end() {
    let mut house = House::new(|policy| {
        policy.calls.as_mut().unwrap().retries.attempts = 4;
    });
    house.settings.caps.clear();
    let settings = house.settings.clone();
    house.happen(Event::Settings(Box::new(Settings { caps: Vec::new(), ..settings })));
    let retries = [(Outcome::Busy, 30), (Outcome::NoAnswer, 180), (Outcome::Machine, 360)];
    for (number, (outcome, minutes)) in (1..).zip(retries) {
        let mut other = House::new(|_| {});
        other.settled(number);
        let (_, call) = other.first_call(3_600).unwrap();
        other.end(call, Disposition::Not(outcome));
        assert_eq!(other.waits_for(number), Waits::After(outcome));
        let ended = other.now;
        let (again, _) = other.first_call(86_400).unwrap();
        assert_eq!(again.duration_since(ended).as_mins(), minutes, "{outcome:?}");
    }
    house.settled(1);
    for _ in 0..2 {
        let (_, call) = house.first_call(86_400).unwrap();
        house.end(call, Disposition::Not(Outcome::Busy));
    }
    let (_, call) = house.first_call(86_400).unwrap();
    house.end(call, Disposition::Not(Outcome::Busy));
    assert_eq!(house.done(1), Some(Done::Exhausted(Outcome::Busy)), "busy twice and no more");
    house.settled(2);
    let (_, call) = house.first_call(86_400).unwrap();
    house.end(call, Disposition::Not(Outcome::WrongNumber));
    assert_eq!(house.done(2), Some(Done::Ended(Disposition::Not(Outcome::WrongNumber))));
}

#[test]
fn who_hangs_up_early_may_be_asked_again_and_late_has_taken_part() {
    for (question, again) in [(1, true), (2, false)] {
        let mut house = House::new(|policy| {
            policy.calls.as_mut().unwrap().retries.took_part_from = 2;
            policy
                .calls
                .as_mut()
                .unwrap()
                .retries
                .after
                .insert(Outcome::HungUp, Retry { after: secs(3 * 3_600), most: 1 });
        });
        house.settled(1);
        let (_, call) = house.first_call(3_600).unwrap();
        house.happen(Event::Answered { call });
        house.end(call, Disposition::HungUp { question });
        assert_eq!(house.first_call(86_400).is_some(), again, "question {question}");
    }
}

#[test]
fn who_has_answered_is_not_cut_off() {
    let mut house = House::new(|_| {});
    house.settled(1);
    let (_, call) = house.first_call(3_600).unwrap();
    house.happen(Event::Answered { call });
    let told = house.happen(Event::CallsIn { customer: who(1) });
    assert!(!told.iter().any(|command| matches!(command, Command::Cancel { .. })));
}

#[test]
fn a_ticket_that_is_opened_again_is_not_called_about() {
    let mut house = House::new(|_| {});
    house.settled(1);
    let (_, call) = house.first_call(3_600).unwrap();
    let told = house.ticket(1, 1, |facts| facts.state = TicketState::Open);
    assert!(told.contains(&Command::Cancel { call, why: CancelWhy::Ticket }));
    assert_eq!(house.done(1), Some(Done::Ticket));
    house.end(call, Disposition::Not(Outcome::Cancelled));
    assert_eq!(house.first_call(5 * 86_400), None);
}

#[test]
fn calls_are_begun_as_fast_as_trunks_take_them() {
    let mut house = House::new(|policy| policy.calls.as_mut().unwrap().trunks.push(Name::from("two")));
    for number in 1..=40 {
        house.settled(number);
    }
    house.trunk("one", true, 5);
    house.trunk("two", true, 12);
    let calls = dialled(&house.pass(601));
    assert!((9..=11).contains(&calls.len()), "ten a second: {}", calls.len());
    let calls = dialled(&house.pass(10));
    assert_eq!(house.scheduler.attempts().count(), 17, "the lines are taken");
    assert_eq!(house.scheduler.poll_timeout().map(|at| at > house.now), Some(true));
    house.trunk("one", false, 5);
    house.trunk("two", false, 12);
    house.end(calls[0], Disposition::Completed);
    assert_eq!(dialled(&house.pass(5)), []);
    assert_eq!(house.waits_for(40), Waits::Trunk);
}

#[test]
fn calls_are_paced_by_the_agents_who_are_free() {
    let mut house = House::new(|policy| {
        policy.calls.as_mut().unwrap().pace = Some(Pace {
            queue: Name::from("service"),
            keep_free: 1,
            expected_permille: 200,
            stranded_permille: 50,
        });
    });
    for number in 1..=40 {
        house.settled(number);
    }
    assert_eq!(dialled(&house.pass(700)), []);
    assert_eq!(house.waits_for(1), Waits::Agents);
    let agents = |house: &mut House, free| {
        house.happen(Event::Agents { queue: Name::from("service"), free });
        house.pass(20);
        house.scheduler.attempts().count()
    };
    assert_eq!(agents(&mut house, 1), 0, "one is left to those who call in");
    assert_eq!(agents(&mut house, 2), 1, "somebody is there for each of them");
    // Three fifths of 5 %: of five calls, each with a chance of 0.2, 2.3 % of those who want somebody find none of three
    // free, of six 3.6 %.
    assert_eq!(agents(&mut house, 4), 5);
}

#[test]
fn a_paused_policy_waits_and_the_rest_go_on() {
    let mut house = House::new(|_| {});
    house.settled(1);
    house.happen(Event::Pause { policy: Name::from("survey"), paused: true });
    assert_eq!(house.first_call(3_600), None);
    assert_eq!(house.waits_for(1), Waits::Paused);
    let told = house.happen(Event::Pause { policy: Name::from("survey"), paused: false });
    assert_eq!(dialled(&told).len(), 1);
}

#[test]
fn a_policy_that_is_gone_calls_nobody_and_a_new_one_draws_what_is_known() {
    let mut house = House::new(|_| {});
    house.settled(1);
    let policies = [(Name::from("other"), Arc::new(policy()))].into();
    house.happen(Event::Settings(Box::new(Settings { policies, ..Settings::default() })));
    assert_eq!(house.done(1), Some(Done::PolicyGone));
    let other = CaseKey { policy: Name::from("other"), ..key(1) };
    assert_eq!(house.scheduler.find_case(&other).map(|row| row.done), Some(None));
}

#[test]
fn a_forecast_changes_nothing_and_says_what_comes() {
    let mut house = House::new(|_| {});
    for number in 1..=20 {
        house.settled(number);
    }
    let forecast = house.scheduler.forecast(house.now, 2);
    assert_eq!(forecast.attempts.values().sum::<u32>(), 20);
    assert!(forecast.attempts.keys().all(|(at, _)| at.to_string() == "2026-11-20T02:00:00Z"));
    assert!(forecast.left.is_empty());
    assert_eq!(house.scheduler.due().count(), 20);
    assert_eq!(house.scheduler.attempts().count(), 0);
    assert_eq!(dialled(&house.pass(700)).len(), 20, "as was foretold");
}
