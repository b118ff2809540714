//! What planning costs: `cargo run --release -p hotline-campaign --example plan -- 100000`.
//!
//! So many tickets of as many customers become due at once, are planned, and are called over the coming
//! days by two trunks, as in real life: some answer, some are busy, some never answer. Printed are the time
//! to plan them all, what a step costs, and a forecast of the week.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_campaign::{Command, CustomerFacts, Disposition, Event, Scheduler, TicketFacts, Trunk};
use hotline_model::calendar::Span;
use hotline_model::campaign::{Calls, Name, Outcome, Pace, Policy, Retries, Settings, Who};
use hotline_model::{Calendar, CallId, CustomerId, IdSource, Pii, TicketId, TicketState};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const HOUR: u64 = 3_600;

fn policy() -> Policy {
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    let day = vec![Span { from: time(9), to: time(12) }, Span { from: time(14), to: time(20) }];
    Policy {
        who: Who::default(),
        hours: Arc::new(Calendar {
            name: "calls".into(),
            zone: TimeZone::get("Asia/Shanghai").expect("the zone's data is compiled in"),
            week: std::array::from_fn(|_| day.clone()),
            holidays: Vec::new(),
            make_up: Vec::new(),
        }),
        earliest: Duration::from_secs(HOUR),
        latest: Duration::from_secs(7 * 24 * HOUR),
        caps: Vec::new(),
        priority: 5,
        calls: Some(Calls {
            plan: Name::from("survey"),
            retries: Retries::default(),
            ring_limit: Duration::from_secs(45),
            pace: Some(Pace {
                queue: Name::from("service"),
                keep_free: 2,
                expected_permille: 190,
                stranded_permille: 20,
            }),
            trunks: vec![Name::from("one"), Name::from("two")],
            show: Name::from("10086"),
            detection: hotline_model::campaign::Detection::default(),
        }),
        message: None,
    }
}

/// How long each step took, and what came of it.
#[derive(Default)]
struct Steps {
    nanoseconds: Vec<u64>,
    dialled: Vec<CallId>,
}

impl Steps {
    fn step(&mut self, scheduler: &mut Scheduler, act: impl FnOnce(&mut Scheduler)) {
        let began = Instant::now();
        act(scheduler);
        self.nanoseconds.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        while let Some(command) = scheduler.poll_command() {
            if let Command::Dial(attempt) = command {
                self.dialled.push(attempt.call);
            }
        }
    }

    fn print(&mut self, what: &str) {
        self.nanoseconds.sort_unstable();
        let steps = self.nanoseconds.len().max(1);
        let sum: u64 = self.nanoseconds.iter().sum();
        let at = |share: f64| {
            let place = (steps as f64 * share) as usize;
            self.nanoseconds.get(place.min(steps - 1)).copied().unwrap_or(0) as f64 / 1e3
        };
        println!(
            "{what}: {:.2} s in {steps} steps; a step: mean {:.1} µs, p50 {:.1}, p99 {:.1}, worst {:.0}",
            sum as f64 / 1e9,
            sum as f64 / 1e3 / steps as f64,
            at(0.5),
            at(0.99),
            at(1.0),
        );
        self.nanoseconds.clear();
    }
}

fn main() {
    let tickets: u128 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100_000);
    let settings = Settings {
        policies: [(Name::from("survey"), Arc::new(policy()))].into(),
        per_second: 20,
        ..Settings::default()
    };
    let mut now: Timestamp = "2026-11-20T02:00:00Z".parse().expect("a time");
    let mut scheduler = Scheduler::new(now, settings, Arc::new(IdSource::new(1)));
    let mut steps = Steps::default();
    for name in ["one", "two"] {
        let trunk = Trunk { up: true, lines: 500, per_second: 10 };
        scheduler.handle_event(now, Event::Trunk { name: Name::from(name), trunk });
    }
    scheduler.handle_event(now, Event::Agents { queue: Name::from("service"), free: 200 });

    for number in 1..=tickets {
        let facts = CustomerFacts {
            customer: CustomerId::from(number),
            number: Some(Pii::new(format!("+86138{:08}", number % 100_000_000))),
            zone: None,
            attributes: BTreeMap::new(),
            do_not_call: false,
        };
        steps.step(&mut scheduler, |s| s.handle_event(now, Event::Customer(Box::new(facts))));
    }
    steps.print("customers known");
    for number in 1..=tickets {
        let facts = TicketFacts {
            ticket: TicketId::from(number),
            customer: CustomerId::from(number),
            state: TicketState::Closed,
            since: now,
            category: Name::from("fees"),
            outcome: None,
        };
        steps.step(&mut scheduler, |s| s.handle_event(now, Event::Ticket(Box::new(facts))));
    }
    steps.print("tickets planned");

    let began = Instant::now();
    let forecast = scheduler.forecast(now, 7);
    let calls: u32 = forecast.attempts.values().sum();
    let busiest = forecast.attempts.values().max().copied().unwrap_or(0);
    println!(
        "forecast of 7 days: {calls} calls in {} hours, at most {busiest} an hour, {} left; {:.2} s",
        forecast.attempts.len(),
        forecast.left.values().sum::<u32>(),
        began.elapsed().as_secs_f64()
    );

    let mut ends: BTreeSet<(Timestamp, CallId, u8)> = BTreeSet::new();
    let (mut dice, mut attempts) = (7_u64, 0_u64);
    let mut came: BTreeMap<u8, u64> = BTreeMap::new();
    loop {
        for call in std::mem::take(&mut steps.dialled) {
            attempts += 1;
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (how, seconds) = match (dice >> 33) % 100 {
                0..60 => (0, 20),
                60..75 => (2, 5),
                _ => (3, 45),
            };
            ends.insert((now + Duration::from_secs(seconds), call, how));
        }
        let due = scheduler.poll_timeout().map(|at| at.max(now));
        let over = ends.first().map(|(at, ..)| *at);
        let Some(next) = [due, over].into_iter().flatten().min() else { break };
        now = next.max(now);
        let Some(&(at, call, how)) = ends.first().filter(|(at, ..)| *at <= now) else {
            steps.step(&mut scheduler, |s| s.handle_timeout(now));
            continue;
        };
        ends.pop_first();
        let event = match how {
            0 => {
                ends.insert((at + Duration::from_secs(90), call, 1));
                Event::Answered { call }
            }
            1 => Event::Ended { call, how: Disposition::Completed },
            2 => Event::Ended { call, how: Disposition::Not(Outcome::Busy) },
            _ => Event::Ended { call, how: Disposition::Not(Outcome::NoAnswer) },
        };
        *came.entry(how).or_default() += 1;
        steps.step(&mut scheduler, |s| s.handle_event(now, event));
    }
    steps.print(&format!("{attempts} attempts until everything was over and forgotten"));
    println!(
        "completed {}, busy {}, not answered {}; last at {now}",
        came.get(&1).unwrap_or(&0),
        came.get(&2).unwrap_or(&0),
        came.get(&3).unwrap_or(&0)
    );
}
