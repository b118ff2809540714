//! A month of the reference deployment: `cargo run --release -p hotline-campaign --example month`.
//!
//! 100,000 tickets are settled over thirty days, in the hours and on the days on which people work; a policy draws 60
//! of 100 of them. Customers behave as the published figures have it: 70 of 100 who answer take part, 73 of 100 of
//! those are content. Who is not wants a human three times of four. Printed are the funnel, with both denominators,
//! what every promise of the scheduler came to, and the time it took.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_campaign::{
    Attempt, Command, CustomerFacts, Disposition, Event, Row, Scheduler, TicketFacts, Trunk,
};
use hotline_model::calendar::Span;
use hotline_model::campaign::{Calls, Name, Outcome, Pace, Policy, Retries, Settings, Who};
use hotline_model::{Calendar, CallId, CustomerId, IdSource, Pii, TicketId, TicketState};
use jiff::Timestamp;
use jiff::tz::TimeZone;

const TICKETS: u128 = 100_000;
const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const AGENTS: u32 = 12;

/// The same month in every run.
struct Chance(u64);

impl Chance {
    fn permille(&mut self) -> u64 {
        self.up_to(1_000)
    }

    fn up_to(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Settled(u128),
    Answers(CallId),
    /// Who answered wants a human: the second number is how long they talk.
    Escalates(CallId, u64),
    Ends(CallId, Came),
    AgentIsFree,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Busy,
    NoAnswer,
    SwitchedOff,
    WrongNumber,
    Machine,
    Refused,
    HungUp,
    Content,
    NotContent,
}

impl Came {
    const fn disposition(self) -> Disposition {
        match self {
            Self::Busy => Disposition::Not(Outcome::Busy),
            Self::NoAnswer => Disposition::Not(Outcome::NoAnswer),
            Self::SwitchedOff => Disposition::Not(Outcome::SwitchedOff),
            Self::WrongNumber => Disposition::Not(Outcome::WrongNumber),
            Self::Machine => Disposition::Not(Outcome::Machine),
            Self::Refused => Disposition::Not(Outcome::Refused),
            Self::HungUp => Disposition::HungUp { question: 0 },
            Self::Content | Self::NotContent => Disposition::Completed,
        }
    }
}

#[derive(Default)]
struct Funnel {
    settled: u64,
    drawn: u64,
    attempts: u64,
    answered: u64,
    took_part: u64,
    content: u64,
    not_content: u64,
    humans: u64,
    stranded: u64,
    done: BTreeMap<String, u64>,
    most_at_once: usize,
    per_customer: HashMap<TicketId, u8>,
}

fn calendar() -> Calendar {
    let time = |hour| jiff::civil::time(hour, 0, 0, 0);
    let day = vec![Span { from: time(9), to: time(12) }, Span { from: time(14), to: time(20) }];
    Calendar {
        name: "calls".into(),
        zone: TimeZone::get("Asia/Shanghai").expect("the zone's data is compiled in"),
        week: std::array::from_fn(|_| day.clone()),
        holidays: Vec::new(),
        make_up: Vec::new(),
    }
}

fn settings() -> Settings {
    let survey = Policy {
        who: Who { share_permille: 600, ..Who::default() },
        hours: Arc::new(calendar()),
        earliest: Duration::from_secs(HOUR),
        latest: Duration::from_secs(3 * DAY),
        caps: Vec::new(),
        priority: 5,
        calls: Some(Calls {
            plan: Name::from("survey"),
            retries: Retries::default(),
            ring_limit: Duration::from_secs(25),
            pace: Some(Pace {
                queue: Name::from("complaints"),
                keep_free: 0,
                expected_permille: 140,
                stranded_permille: 10,
            }),
            trunks: vec![Name::from("carrier")],
            show: Name::from("10086"),
            detection: hotline_model::campaign::Detection::default(),
        }),
        message: None,
    };
    Settings { policies: [(Name::from("survey"), Arc::new(survey))].into(), ..Settings::default() }
}

struct Month {
    now: Timestamp,
    scheduler: Scheduler,
    chance: Chance,
    agenda: BinaryHeap<Reverse<(Timestamp, Happens)>>,
    funnel: Funnel,
    free: u32,
    running: usize,
    steps: u64,
}

impl Month {
    fn later(&mut self, seconds: u64, what: Happens) {
        self.agenda.push(Reverse((self.now + Duration::from_secs(seconds), what)));
    }

    fn tell(&mut self, event: Event) {
        self.steps += 1;
        self.scheduler.handle_event(self.now, event);
        self.obey();
    }

    fn obey(&mut self) {
        while let Some(command) = self.scheduler.poll_command() {
            match command {
                Command::Dial(attempt) => self.dial(&attempt),
                Command::Store(Row::Case(case)) => {
                    if let Some((_, done)) = case.done {
                        *self.funnel.done.entry(done.to_words()).or_default() += 1;
                    }
                }
                Command::Explain(decision) => {
                    if matches!(decision.verdict, hotline_campaign::Verdict::Drawn { .. }) {
                        self.funnel.drawn += 1;
                    }
                }
                // Nobody is sent a message by this policy.
                Command::Store(_) | Command::Cancel { .. } | Command::Send(_) => {}
            }
        }
    }

    fn dial(&mut self, attempt: &Attempt) {
        self.funnel.attempts += 1;
        *self.funnel.per_customer.entry(attempt.ticket).or_default() += 1;
        self.running += 1;
        self.funnel.most_at_once = self.funnel.most_at_once.max(self.running);
        let call = attempt.call;
        let rings = 3 + self.chance.up_to(17);
        match self.chance.permille() {
            0..80 => self.later(2, Happens::Ends(call, Came::Busy)),
            80..240 => self.later(25, Happens::Ends(call, Came::NoAnswer)),
            240..280 => self.later(4, Happens::Ends(call, Came::SwitchedOff)),
            280..290 => self.later(3, Happens::Ends(call, Came::WrongNumber)),
            _ => self.later(rings, Happens::Answers(call)),
        }
    }

    fn answers(&mut self, call: CallId) {
        self.tell(Event::Answered { call });
        match self.chance.permille() {
            0..60 => return self.later(4, Happens::Ends(call, Came::Machine)),
            60..200 => return self.later(6, Happens::Ends(call, Came::HungUp)),
            200..340 => return self.later(8, Happens::Ends(call, Came::Refused)),
            _ => {}
        }
        self.funnel.answered += 1;
        self.funnel.took_part += 1;
        if self.chance.permille() < 730 {
            self.funnel.content += 1;
            self.later(35, Happens::Ends(call, Came::Content));
        } else {
            self.funnel.not_content += 1;
            if self.chance.permille() < 750 {
                let talk = 120 + self.chance.up_to(180);
                self.later(50, Happens::Escalates(call, talk));
            } else {
                self.later(70, Happens::Ends(call, Came::NotContent));
            }
        }
    }

    fn happens(&mut self, what: Happens) {
        match what {
            Happens::Settled(number) => {
                self.funnel.settled += 1;
                let (customer, ticket) = (CustomerId::from(number), TicketId::from(number));
                let facts = CustomerFacts {
                    customer,
                    number: Some(Pii::new(format!("+86138{:08}", number % 100_000_000))),
                    zone: None,
                    attributes: BTreeMap::new(),
                    do_not_call: false,
                };
                self.tell(Event::Customer(Box::new(facts)));
                let facts = TicketFacts {
                    ticket,
                    customer,
                    state: TicketState::Closed,
                    since: self.now,
                    category: Name::from("data-charge"),
                    outcome: None,
                };
                self.tell(Event::Ticket(Box::new(facts)));
            }
            Happens::Answers(call) => self.answers(call),
            Happens::Escalates(call, talk) => {
                self.tell(Event::Escalated { call });
                if self.free == 0 {
                    self.funnel.stranded += 1;
                } else {
                    self.free -= 1;
                    self.funnel.humans += 1;
                    self.tell(Event::Agents { queue: Name::from("complaints"), free: self.free });
                    self.later(talk + 30, Happens::AgentIsFree);
                }
                self.later(talk, Happens::Ends(call, Came::NotContent));
            }
            Happens::Ends(call, came) => {
                self.running -= 1;
                if matches!(came, Came::HungUp | Came::Refused) {
                    self.funnel.answered += 1;
                }
                self.tell(Event::Ended { call, how: came.disposition() });
            }
            Happens::AgentIsFree => {
                self.free += 1;
                self.tell(Event::Agents { queue: Name::from("complaints"), free: self.free });
            }
        }
    }

    fn run(&mut self, until: Timestamp) {
        loop {
            let next = self.agenda.peek().map(|Reverse((at, _))| *at);
            let timer = self.scheduler.poll_timeout();
            let Some(at) = next.into_iter().chain(timer).min().filter(|at| *at <= until) else { return };
            self.now = self.now.max(at);
            if timer.is_some_and(|due| due <= self.now) {
                self.steps += 1;
                self.scheduler.handle_timeout(self.now);
                self.obey();
            }
            while let Some(Reverse((due, _))) = self.agenda.peek()
                && *due <= self.now
            {
                let Some(Reverse((_, what))) = self.agenda.pop() else { break };
                self.happens(what);
            }
        }
    }
}

fn main() {
    let began = Instant::now();
    let start: Timestamp = "2026-11-01T00:00:00Z".parse().expect("a time");
    let mut month = Month {
        now: start,
        scheduler: Scheduler::new(start, settings(), Arc::new(IdSource::new(1))),
        chance: Chance(0x5eed),
        agenda: BinaryHeap::new(),
        funnel: Funnel::default(),
        free: AGENTS,
        running: 0,
        steps: 0,
    };
    let trunk = Trunk { up: true, lines: 100, per_second: 10 };
    month.tell(Event::Trunk { name: Name::from("carrier"), trunk });
    month.tell(Event::Agents { queue: Name::from("complaints"), free: AGENTS });
    for number in 1..=TICKETS {
        // Settled on any day, from nine to six in Shanghai.
        let day = month.chance.up_to(30);
        let at = start + Duration::from_secs(day * DAY + HOUR + month.chance.up_to(9 * HOUR));
        month.agenda.push(Reverse((at, Happens::Settled(number))));
    }
    month.run(start + Duration::from_secs(35 * DAY));
    let funnel = &month.funnel;
    let share = |part: u64, whole: u64| 100.0 * part as f64 / whole.max(1) as f64;
    println!("settled                {:7}", funnel.settled);
    println!(
        "drawn                  {:7}  {:5.1} % of all settled",
        funnel.drawn,
        share(funnel.drawn, funnel.settled)
    );
    let called = funnel.per_customer.len() as u64;
    println!(
        "called                 {called:7}  {:5.1} % of all drawn, by {} calls",
        share(called, funnel.drawn),
        funnel.attempts
    );
    for (name, count) in [("answered", funnel.answered), ("took part", funnel.took_part)] {
        println!("{name:22} {count:7}  {:5.1} % of all called", share(count, called));
    }
    for (name, count) in [("content", funnel.content), ("not content", funnel.not_content)] {
        println!(
            "{name:22} {count:7}  {:5.1} % of those who took part, {:4.1} % of all called",
            share(count, funnel.took_part),
            share(count, called),
        );
    }
    println!(
        "had a human at once    {:7}  {:5.1} % of those who wanted one",
        funnel.humans,
        share(funnel.humans, funnel.humans + funnel.stranded)
    );
    println!("found nobody free      {:7}  (the policy allows 1 %)", funnel.stranded);
    println!("most calls for one     {:7}", funnel.per_customer.values().max().copied().unwrap_or(0));
    println!("most calls at once     {:7}", funnel.most_at_once);
    println!("cases that are open    {:7}", month.scheduler.due().count());
    for (why, count) in &funnel.done {
        println!("  ended: {why:28} {count:7}");
    }
    println!("{} steps of the scheduler, {:.1} s", month.steps, began.elapsed().as_secs_f64());
}
