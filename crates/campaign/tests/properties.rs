//! Whatever happens in a year: never outside the hours, never above a cap, never twice at once, every due
//! call made or explained; a restart at any moment loses nothing and repeats nothing.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hotline_campaign::*;
use hotline_model::calendar::Span;
use hotline_model::campaign::*;
use hotline_model::{Calendar, CallId, CustomerId, IdSource, Pii, TicketId, TicketState};
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const HOUR: u64 = 3_600;
const ZONES: [&str; 4] = ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"];

/// Hours on the clock of New York, with hours that its clock leaves out and has twice, and a closed month.
fn calendar() -> Calendar {
    let time = |text: &str| text.parse().unwrap();
    let mut week: [Vec<Span>; 7] =
        std::array::from_fn(|_| vec![Span { from: time("09:00"), to: time("20:00") }]);
    week[5].clear();
    // Sundays: the clock jumps from 2 to 3 in March and back in November.
    week[6] = vec![
        Span { from: time("01:30"), to: time("01:50") },
        Span { from: time("02:10"), to: time("02:40") },
        Span { from: time("02:50"), to: time("04:00") },
    ];
    Calendar {
        name: "calls".into(),
        zone: TimeZone::get("America/New_York").unwrap(),
        week,
        holidays: vec![("2026-07-01".parse().unwrap(), "2026-07-31".parse().unwrap())],
        make_up: vec![("2026-07-11".parse().unwrap(), Weekday::Monday)],
    }
}

fn settings(other: bool) -> Settings {
    let survey = Policy {
        who: Who { share_permille: if other { 1_000 } else { 800 }, ..Who::default() },
        hours: Arc::new(calendar()),
        earliest: Duration::from_secs(HOUR),
        latest: Duration::from_secs(10 * 24 * HOUR),
        caps: vec![Cap { attempts: 3, period: Duration::from_secs(7 * 24 * HOUR) }],
        priority: 1,
        calls: Some(Calls {
            plan: Name::from("survey"),
            retries: Retries::default(),
            ring_limit: Duration::from_secs(45),
            pace: Some(Pace {
                queue: Name::from("service"),
                keep_free: 0,
                expected_permille: 200,
                stranded_permille: 50,
            }),
            trunks: vec![Name::from("one"), Name::from("two")],
            show: Name::from("10086"),
            detection: hotline_model::campaign::Detection::default(),
        }),
        message: Some(Message {
            texts: BTreeMap::new(),
            otherwise: Some(Otherwise {
                after: [Outcome::NoAnswer, Outcome::Machine, Outcome::SwitchedOff].into(),
                within: Duration::from_secs(2 * 24 * HOUR),
                valid: Duration::from_secs(7 * 24 * HOUR),
            }),
        }),
    };
    let calls = survey.calls.clone().unwrap();
    // It matches everybody, and every change.
    let notice = Policy {
        who: Who { trigger: Trigger::Changed, ..Who::default() },
        earliest: Duration::ZERO,
        latest: Duration::from_secs(3 * 24 * HOUR),
        caps: Vec::new(),
        calls: Some(Calls { pace: None, trunks: vec![Name::from("two")], ..calls.clone() }),
        message: None,
        ..survey.clone()
    };
    let told = Policy {
        calls: None,
        message: Some(Message { texts: BTreeMap::new(), otherwise: None }),
        ..notice.clone()
    };
    let everybody = Policy {
        who: Who::default(),
        hours: Arc::new(Calendar::always_open("always")),
        calls: Some(Calls {
            ring_limit: Duration::from_secs(30),
            pace: None,
            trunks: vec![Name::from("two")],
            ..calls
        }),
        ..notice.clone()
    };
    let mut policies: BTreeMap<Name, Arc<Policy>> =
        [(Name::from("survey"), Arc::new(survey)), (Name::from("everybody"), Arc::new(everybody))].into();
    policies.insert(Name::from("told"), Arc::new(told));
    if !other {
        policies.insert(Name::from("notice"), Arc::new(notice));
    }
    Settings { policies, ..Settings::default() }
}

#[derive(Debug, Clone)]
enum Act {
    Customer { who: u8, zone: usize, number: usize },
    Ticket { ticket: u8, who: u8, state: u8, ago: u32 },
    Ring { which: usize, how: u8 },
    Outbox { which: usize, how: u8 },
    OptOut { who: u8, out: bool },
    CallsIn { who: u8 },
    CallInEnded { who: u8 },
    Pause { policy: usize, paused: bool },
    Agents { free: u32 },
    Trunk { name: usize, up: bool, lines: u32 },
    Settings { other: bool },
    Restart { lost: usize },
    Jump { seconds: i64 },
    Pass { seconds: u64 },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => (0..8_u8, 0..5_usize, 0..8_usize).prop_map(|(who, zone, number)| Act::Customer { who, zone, number }),
        12 => (0..24_u8, 0..8_u8, 0..6_u8, 0..200_000_u32)
            .prop_map(|(ticket, who, state, ago)| Act::Ticket { ticket, who, state, ago }),
        12 => (any::<usize>(), 0..18_u8).prop_map(|(which, how)| Act::Ring { which, how }),
        6 => (any::<usize>(), 0..8_u8).prop_map(|(which, how)| Act::Outbox { which, how }),
        1 => (0..8_u8, any::<bool>()).prop_map(|(who, out)| Act::OptOut { who, out }),
        2 => (0..8_u8).prop_map(|who| Act::CallsIn { who }),
        2 => (0..8_u8).prop_map(|who| Act::CallInEnded { who }),
        1 => (0..4_usize, any::<bool>()).prop_map(|(policy, paused)| Act::Pause { policy, paused }),
        2 => (0..4_u32).prop_map(|free| Act::Agents { free }),
        2 => (0..2_usize, any::<bool>(), 0..4_u32).prop_map(|(name, up, lines)| Act::Trunk { name, up, lines }),
        1 => any::<bool>().prop_map(|other| Act::Settings { other }),
        2 => (0..6_usize).prop_map(|lost| Act::Restart { lost }),
        1 => (-100_000..100_000_i64).prop_map(|seconds| Act::Jump { seconds }),
        8 => (0..400_u64).prop_map(|seconds| Act::Pass { seconds }),
        10 => (0..500_000_u64).prop_map(|seconds| Act::Pass { seconds }),
    ]
}

struct World {
    scheduler: Scheduler,
    now: Timestamp,
    other: bool,
    /// Since when the policies are what they are.
    rules_since: Timestamp,
    seed: u64,
    // What the record holds.
    customers: HashMap<CustomerId, CustomerFacts>,
    opted_out: BTreeSet<CustomerId>,
    tickets: BTreeMap<TicketId, TicketFacts>,
    cases: BTreeMap<CaseKey, CaseRow>,
    attempts: BTreeMap<CallId, AttemptRow>,
    policies: BTreeMap<Name, PolicyRow>,
    spoke: BTreeMap<CustomerId, Timestamp>,
    // What goes on outside.
    ringing: BTreeSet<CallId>,
    talking: BTreeSet<CallId>,
    in_line: HashMap<CustomerId, u32>,
    /// Messages that were planned and have not left; they outlive the process, as what became of those that have.
    outbox: BTreeMap<CallId, Notice>,
    settled: BTreeMap<CallId, Disposition>,
    taken_back: Vec<CallId>,
    /// Rounds of which a customer was, or may have been, sent a message.
    told: BTreeSet<(CaseKey, Timestamp)>,
    dialled: BTreeSet<CallId>,
    /// When who was called, in the order of the telephone's own clock.
    rang: HashMap<CustomerId, Vec<Timestamp>>,
    not_drawn: BTreeSet<CaseKey>,
    /// The process dies when it is told more than so many commands at once: the rest is neither stored
    /// nor dialled.
    lost: Option<usize>,
}

impl World {
    fn new() -> Self {
        let now = "2026-02-20T02:00:00Z".parse().unwrap();
        let scheduler = Scheduler::new(now, settings(false), Arc::new(IdSource::new(1)));
        let mut world = Self {
            scheduler,
            now,
            other: false,
            rules_since: now,
            seed: 1,
            customers: HashMap::new(),
            opted_out: BTreeSet::new(),
            tickets: BTreeMap::new(),
            cases: BTreeMap::new(),
            attempts: BTreeMap::new(),
            policies: BTreeMap::new(),
            spoke: BTreeMap::new(),
            ringing: BTreeSet::new(),
            talking: BTreeSet::new(),
            in_line: HashMap::new(),
            outbox: BTreeMap::new(),
            settled: BTreeMap::new(),
            taken_back: Vec::new(),
            told: BTreeSet::new(),
            dialled: BTreeSet::new(),
            rang: HashMap::new(),
            not_drawn: BTreeSet::new(),
            lost: None,
        };
        for who in 0..8 {
            world.act(Act::Customer { who, zone: usize::from(who % 4), number: usize::from(who % 5) });
        }
        world.act(Act::Agents { free: 3 });
        world.act(Act::Trunk { name: 0, up: true, lines: 2 });
        world.act(Act::Trunk { name: 1, up: true, lines: 2 });
        world
    }

    fn happen(&mut self, event: Event) {
        self.scheduler.handle_event(self.now, event);
        self.obey();
    }

    fn pass(&mut self, length: Duration) {
        let end = self.now + length;
        let mut steps = 0;
        while let Some(at) = self.scheduler.poll_timeout().filter(|at| *at <= end) {
            steps += 1;
            assert!(steps < 20_000, "turns in place at {}", self.now);
            self.now = self.now.max(at);
            self.scheduler.handle_timeout(self.now);
            self.obey();
        }
        self.now = end;
    }

    fn obey(&mut self) {
        let mut told: Vec<Command> = std::iter::from_fn(|| self.scheduler.poll_command()).collect();
        let mut dies = self.lost.take_if(|lost| told.len() > *lost);
        // A message and its row are one commit.
        if let Some(lost) = &mut dies
            && told.get(*lost).is_some_and(|next| matches!(next, Command::Send(_)))
        {
            *lost += 1;
        }
        told.truncate(dies.unwrap_or(told.len()));
        for command in told {
            match command {
                Command::Store(Row::Case(row)) => {
                    if let Some(before) = self.cases.get(&row.key) {
                        let over = before.done.is_some() && before.round == row.round;
                        assert!(!over, "ended twice: {row:?}");
                        assert!(row.round >= before.round, "an older round");
                    }
                    self.cases.insert(row.key.clone(), row);
                }
                Command::Store(Row::Attempt(row)) => {
                    if let Some(before) = self.attempts.get(&row.call) {
                        assert_eq!(before.ended, None, "ended twice");
                    }
                    self.attempts.insert(row.call, row);
                }
                Command::Store(Row::Policy(row)) => {
                    self.policies.insert(row.policy.clone(), row);
                }
                Command::Store(Row::OptOut { customer, out }) => {
                    if out {
                        self.opted_out.insert(customer)
                    } else {
                        self.opted_out.remove(&customer)
                    };
                }
                Command::Dial(attempt) => self.dial(&attempt),
                Command::Send(notice) => self.send(*notice),
                Command::Cancel { call, .. } => self.taken_back.push(call),
                Command::Explain(decision) => {
                    if matches!(decision.verdict, Verdict::NotDrawn(_)) {
                        self.not_drawn.insert(decision.key);
                    }
                }
            }
        }
        if dies.is_some() {
            self.taken_back.clear();
            self.restart();
        }
        while let Some(call) = self.taken_back.pop() {
            self.settle(call, Disposition::Not(Outcome::Cancelled));
        }
    }

    /// What becomes of a message, once.
    fn settle(&mut self, call: CallId, how: Disposition) {
        let Some(notice) = self.outbox.remove(&call) else { return };
        // The outbox hands nothing over when the hours have ended.
        let how = if self.now < notice.until { how } else { Disposition::Not(Outcome::Cancelled) };
        if matches!(how, Disposition::Sent | Disposition::Unknown) {
            let row = &self.attempts[&call];
            assert!(self.told.insert((row.key.clone(), row.round)), "told twice");
        }
        if how == Disposition::Not(Outcome::Cancelled) {
            // It never left, and fills no cap.
            let at = self.attempts[&call].at;
            let rang = self.rang.entry(notice.customer).or_default();
            if let Some(nth) = rang.iter().position(|rang| *rang == at) {
                rang.remove(nth);
            }
        }
        self.settled.insert(call, how);
        self.happen(Event::Ended { call, how });
        self.happen(Event::Ended { call, how });
    }

    /// Every promise about a message that is planned.
    fn send(&mut self, notice: Notice) {
        let key = CaseKey { ticket: notice.ticket, policy: notice.policy.clone() };
        let policy = settings(self.other).policies[&notice.policy].clone();
        assert_eq!(self.cases[&key].channel, Channel::Message);
        assert!(policy.message.is_some() && self.attempts[&notice.call].channel == Channel::Message);
        let hours = self.may_be_tried(notice.call, &key, notice.customer, &notice.number);
        assert!(notice.until > self.now && notice.until <= self.cases[&key].until);
        assert_eq!(hours.closes(self.now, notice.until), notice.until, "left lying into the night");
        self.outbox.insert(notice.call, notice);
    }

    /// Every promise about a call that leaves.
    fn dial(&mut self, attempt: &Attempt) {
        let key = CaseKey { ticket: attempt.ticket, policy: attempt.policy.clone() };
        let policy = settings(self.other).policies[&attempt.policy].clone();
        let calls = policy.calls.as_ref().unwrap();
        assert_eq!(self.cases[&key].channel, Channel::Call);
        let hours = self.may_be_tried(attempt.call, &key, attempt.customer, &attempt.number);
        assert!(hours.is_open(self.now + calls.ring_limit), "rings into the evening at {}", self.now);
        let case = &self.cases[&key];
        let of_round = self.attempts.values().filter(|row| row.key == key && row.round == case.round);
        let of_round = of_round.filter(|row| !row.is_taken_back()).count();
        assert!(of_round <= usize::from(calls.retries.attempts), "above the attempts of the policy");
        self.ringing.insert(attempt.call);
    }

    /// Every promise about an attempt, by call or by message; gives the hours on the customer's clock.
    fn may_be_tried(
        &mut self,
        call: CallId,
        key: &CaseKey,
        customer: CustomerId,
        number: &hotline_model::PhoneNumber,
    ) -> Calendar {
        assert_eq!(self.attempts[&call].ended, None, "stored before it leaves");
        assert!(self.dialled.insert(call), "tried twice");
        let rules = settings(self.other);
        let policy = &rules.policies[&key.policy];
        let facts = &self.customers[&customer];
        let zone = facts.zone.clone().unwrap_or_else(|| policy.hours.zone.clone());
        let hours = Calendar { zone, ..(*policy.hours).clone() };
        assert!(hours.is_open(self.now), "outside the hours at {}", self.now);
        assert!(number.e164().starts_with("+86138"), "a number that is never called");
        assert!(!self.opted_out.contains(&customer) && !facts.do_not_call);
        assert_eq!(self.in_line.get(&customer).copied().unwrap_or(0), 0, "is calling us");
        let open = self.attempts.values().filter(|row| row.ended.is_none());
        assert_eq!(open.filter(|row| row.customer == customer).count(), 1, "twice at once");
        let case = &self.cases[key];
        assert!(case.done.is_none() && case.next <= self.now && self.now < case.until);
        let rang = self.rang.entry(customer).or_default();
        rang.push(self.now);
        for cap in &rules.caps {
            // As the clock on the wall has it, and where it went back, at least no more than that.
            let recent = rang.iter().filter(|at| **at + cap.period > self.now).count();
            assert!(recent <= cap.attempts as usize, "above a cap");
        }
        hours
    }

    fn restart(&mut self) {
        self.seed += 1;
        self.ringing.clear();
        self.talking.clear();
        self.in_line.clear();
        let open = self.attempts.values().filter(|row| row.ended.is_none());
        let (unknown, messages): (Vec<&AttemptRow>, Vec<&AttemptRow>) =
            open.partition(|row| row.channel == Channel::Call);
        let unknown: Vec<CallId> = unknown.into_iter().map(|row| row.call).collect();
        // What became of a message stands in the outbox, and is told again.
        let known = |row: &&AttemptRow| Some((row.call, *self.settled.get(&row.call)?));
        let settled: Vec<(CallId, Disposition)> = messages.iter().filter_map(known).collect();
        let rows = Restored {
            customers: self.customers.values().cloned().collect(),
            opted_out: self.opted_out.iter().copied().collect(),
            spoke: self.spoke.iter().map(|(who, at)| (*who, *at)).collect(),
            tickets: self.tickets.values().cloned().collect(),
            cases: self.cases.values().cloned().collect(),
            attempts: self.attempts.values().cloned().collect(),
            policies: self.policies.values().cloned().collect(),
        };
        let ids = Arc::new(IdSource::new(self.seed));
        self.scheduler = Scheduler::restore(self.now, settings(self.other), ids, rows);
        self.obey();
        for call in unknown {
            let row = &self.attempts[&call];
            assert_eq!(row.ended.map(|(_, how)| how), Some(Disposition::Unknown));
            let case = &self.cases[&row.key];
            assert!(case.round > row.round || case.done.is_some(), "never repeated: {case:?}");
        }
        for (call, how) in settled {
            self.happen(Event::Ended { call, how });
        }
        self.act(Act::Agents { free: 2 });
        self.act(Act::Trunk { name: 0, up: true, lines: 2 });
        self.act(Act::Trunk { name: 1, up: true, lines: 1 });
    }

    fn act(&mut self, act: Act) {
        let id = |who: u8| CustomerId::from(u128::from(who) + 1);
        match act {
            Act::Customer { who, zone, number } => {
                let numbers = [
                    "13800138000",
                    "+86 138 0013 8001",
                    "13800138002",
                    "13800138003",
                    "13800138004",
                    "12",
                    "+1 900 555 0100",
                    "+44 20 7946 0018",
                ];
                let facts = CustomerFacts {
                    customer: id(who),
                    number: Some(Pii::new(numbers[number].to_owned())),
                    zone: ZONES.get(zone).map(|zone| TimeZone::get(zone).unwrap()),
                    attributes: BTreeMap::new(),
                    do_not_call: who == 7,
                };
                self.customers.insert(facts.customer, facts.clone());
                self.happen(Event::Customer(Box::new(facts)));
            }
            Act::Ticket { ticket, who, state, ago } => {
                let facts = TicketFacts {
                    ticket: TicketId::from(u128::from(ticket) + 1),
                    customer: id(who),
                    state: match state {
                        0 => TicketState::Cancelled,
                        1 => TicketState::Open,
                        _ => TicketState::Closed,
                    },
                    since: self.now - SignedDuration::from_secs(i64::from(ago)),
                    category: Name::from("fees"),
                    outcome: None,
                };
                let known = self.tickets.get(&facts.ticket);
                if known.is_none_or(|known| known.since <= facts.since) {
                    self.tickets.insert(facts.ticket, facts.clone());
                }
                self.happen(Event::Ticket(Box::new(facts)));
            }
            Act::Ring { which, how } => self.ring(which, how),
            Act::Outbox { which, how } => {
                let calls: Vec<CallId> = self.outbox.keys().copied().collect();
                let Some(call) = calls.get(which % calls.len().max(1)) else { return };
                let how = match how {
                    0..=4 => Disposition::Sent,
                    5 => Disposition::Not(Outcome::Cancelled),
                    6 => Disposition::Not(Outcome::Failed),
                    _ => Disposition::Unknown,
                };
                self.settle(*call, how);
            }
            Act::OptOut { who, out } => self.happen(Event::OptOut { customer: id(who), out }),
            Act::CallsIn { who } => {
                *self.in_line.entry(id(who)).or_default() += 1;
                self.happen(Event::CallsIn { customer: id(who) });
            }
            Act::CallInEnded { who } => {
                let line = self.in_line.entry(id(who)).or_default();
                if *line > 0 {
                    *line -= 1;
                    self.spoke.insert(id(who), self.now);
                    self.happen(Event::CallInEnded { customer: id(who) });
                }
            }
            Act::Pause { policy, paused } => {
                let policy = Name::from(["survey", "everybody", "notice", "told"][policy]);
                self.happen(Event::Pause { policy, paused });
            }
            Act::Agents { free } => self.happen(Event::Agents { queue: Name::from("service"), free }),
            Act::Trunk { name, up, lines } => {
                let trunk = Trunk { up, lines, per_second: 2 };
                self.happen(Event::Trunk { name: Name::from(["one", "two"][name]), trunk });
            }
            Act::Settings { other } => {
                self.other = other;
                self.rules_since = self.rules_since.max(self.now);
                self.happen(Event::Settings(Box::new(settings(other))));
            }
            Act::Restart { lost } => self.lost = Some(lost),
            Act::Jump { seconds } => self.now += SignedDuration::from_secs(seconds),
            Act::Pass { seconds } => self.pass(Duration::from_secs(seconds)),
        }
    }

    fn ring(&mut self, which: usize, how: u8) {
        let calls: Vec<CallId> = self.ringing.iter().chain(&self.talking).copied().collect();
        if calls.is_empty() {
            return;
        }
        let call = calls[which % calls.len()];
        let how = match how {
            0..=3 => {
                if self.ringing.remove(&call) {
                    self.talking.insert(call);
                }
                self.happen(Event::Answered { call });
                return;
            }
            4 => {
                self.happen(Event::Escalated { call });
                return;
            }
            5 => Disposition::Completed,
            6 => Disposition::HungUp { question: 0 },
            7 => Disposition::HungUp { question: 2 },
            8 if which.is_multiple_of(8) => Disposition::OptedOut,
            8 | 9 => Disposition::Not(Outcome::Busy),
            10 => Disposition::Not(Outcome::SwitchedOff),
            11 => Disposition::Not(Outcome::Machine),
            12 => Disposition::Not(Outcome::WrongNumber),
            13 => Disposition::NotMade,
            14 => Disposition::NotListed,
            15 => Disposition::TrunkFailed,
            16 => Disposition::TrunkSilent,
            _ => Disposition::Not(Outcome::NoAnswer),
        };
        let rang_nobody =
            matches!(how, Disposition::NotMade | Disposition::NotListed | Disposition::TrunkFailed);
        if rang_nobody && self.talking.contains(&call) {
            return;
        }
        if rang_nobody {
            // It fills no cap.
            let row = &self.attempts[&call];
            let rang = self.rang.entry(row.customer).or_default();
            if let Some(nth) = rang.iter().position(|rang| *rang == row.at) {
                rang.remove(nth);
            }
        }
        self.ringing.remove(&call);
        self.talking.remove(&call);
        self.happen(Event::Ended { call, how });
        // The same again changes nothing.
        self.happen(Event::Ended { call, how });
    }

    /// Everybody hangs up, and time passes: nothing is left over, and everything has its reason.
    fn finish(mut self) {
        self.pass(Duration::from_secs(20 * 24 * HOUR));
        assert_eq!(self.scheduler.due().count(), 0, "due for ever");
        assert_eq!(self.scheduler.attempts().count(), 0, "every attempt has an end");
        assert!(self.attempts.values().all(|row| row.ended.is_some()));
        for row in self.cases.values() {
            assert!(row.done.is_some(), "neither made nor explained: {row:?}");
        }
        // A policy that came when it was too late for a ticket may have found it forgotten.
        let latest = Duration::from_secs(10 * 24 * HOUR);
        let in_time = |ticket: &&TicketFacts| ticket.since + latest > self.rules_since;
        for ticket in self.tickets.values().filter(in_time) {
            for name in settings(self.other).policies.keys() {
                let key = CaseKey { ticket: ticket.ticket, policy: name.clone() };
                let known = self.cases.contains_key(&key) || self.not_drawn.contains(&key);
                assert!(known, "no word about {key:?}");
            }
        }
        self.pass(Duration::from_secs(200 * 24 * HOUR));
        assert_eq!(self.scheduler.poll_timeout(), None, "nothing is left to wait for");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_in_a_year(acts in proptest::collection::vec(act(), 1..200)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.finish();
    }
}
