//! The state machine: events and time in, commands out.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::campaign::{Channel, Name, Policy, Settings};
use hotline_model::{Calendar, CallId, CustomerId, IdSource, PhoneNumber, TicketId};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::attempts::Flight;
use crate::event::{CancelWhy, Command, CustomerFacts, Event, TicketFacts};
use crate::explain::{Decision, Done, NotDrawn, Verdict};
use crate::gate::Gate;
use crate::lines::{Line, Passed};
use crate::number::{NumberRefused, check_number};
use crate::pace::{Rate, Running};
use crate::row::{CaseKey, CaseRow, Row};

/// Cases judged in one step; what is left is due at once, so that no step is long.
const BUDGET: usize = 8;

/// A customer.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub facts: Option<CustomerFacts>,
    pub number: Result<PhoneNumber, NumberRefused>,
    pub opted_out: bool,
    /// Calls of theirs that go on.
    pub calls_in: u32,
    pub calling: Option<CallId>,
    /// Left alone until then.
    pub quiet_until: Option<Timestamp>,
    /// Attempts within the longest period of a cap.
    pub tried: Vec<(Timestamp, Name)>,
    pub tickets: Vec<TicketId>,
}

impl Person {
    /// Wants no calls and messages.
    pub fn refuses(&self) -> bool {
        self.opted_out || self.facts.as_ref().is_some_and(|facts| facts.do_not_call)
    }

    /// On the line with us, whoever called.
    pub fn is_busy(&self) -> bool {
        self.calling.is_some() || self.calls_in > 0
    }
}

impl Default for Person {
    fn default() -> Self {
        Self {
            facts: None,
            number: Err(NumberRefused::Missing),
            opted_out: false,
            calls_in: 0,
            calling: None,
            quiet_until: None,
            tried: Vec::new(),
            tickets: Vec::new(),
        }
    }
}

/// A ticket, and what the policies said of it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub facts: TicketFacts,
    /// Those that have a case of it.
    pub policies: Vec<Name>,
    pub not_drawn: Vec<(Name, NotDrawn)>,
}

/// Where a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Over, or being called.
    Nowhere,
    /// Judged again then.
    Waiting(Timestamp),
    /// May be called, as soon as its policy may call.
    Ready,
}

/// A policy for a ticket.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub row: CaseRow,
    pub place: Place,
    pub calling: Option<CallId>,
    pub passed: Passed,
    pub decisions: Vec<Decision>,
}

/// Who is called or sent a message when, for all policies of an installation.
///
/// A customer has at most one attempt at once; every case ends in exactly one way; an attempt is stored
/// before it is dialled or sent, and one whose end nobody knows is never repeated.
#[derive(Debug, Clone)]
pub struct Scheduler {
    pub(crate) settings: Arc<Settings>,
    pub(crate) ids: Arc<IdSource>,
    /// The latest time that was told.
    pub(crate) now: Timestamp,
    pub(crate) customers: HashMap<CustomerId, Person>,
    /// Who has a number: to a telephone it is the same which of its owners is meant.
    pub(crate) owners: HashMap<PhoneNumber, Vec<CustomerId>>,
    pub(crate) tickets: HashMap<TicketId, Known>,
    pub(crate) cases: HashMap<CaseKey, Case>,
    pub(crate) flights: HashMap<CallId, Flight>,
    pub(crate) waiting: BTreeSet<(Timestamp, CaseKey)>,
    /// By policy and channel: the earliest to be too late first.
    pub(crate) ready: BTreeMap<(Name, Channel), BTreeSet<(Timestamp, CaseKey)>>,
    /// Those among the waiting for whom a trunk that comes back may be the one that was missing.
    pub(crate) aside: BTreeSet<CaseKey>,
    pub(crate) deadlines: BTreeSet<(Timestamp, CallId)>,
    pub(crate) forget: BTreeSet<(Timestamp, TicketId)>,
    /// Tickets to be matched anew.
    pub(crate) redraw: VecDeque<TicketId>,
    pub(crate) running: BTreeMap<Name, Running>,
    pub(crate) trunks: BTreeMap<Name, Line>,
    pub(crate) free: BTreeMap<Name, u32>,
    pub(crate) rate: Rate,
    /// Calendars in the zones of customers.
    pub(crate) hours: HashMap<Name, Vec<(TimeZone, Arc<Calendar>)>>,
    commands: VecDeque<Command>,
    /// Another scheduler calls: this one says how things stand.
    pub(crate) only_looks: bool,
}

impl Scheduler {
    /// A scheduler that knows nobody. `ids` names the attempts: no other source may have its seed.
    pub fn new(now: Timestamp, settings: Settings, ids: Arc<IdSource>) -> Self {
        Self {
            settings: Arc::new(settings),
            ids,
            now,
            customers: HashMap::new(),
            owners: HashMap::new(),
            tickets: HashMap::new(),
            cases: HashMap::new(),
            flights: HashMap::new(),
            waiting: BTreeSet::new(),
            ready: BTreeMap::new(),
            aside: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            forget: BTreeSet::new(),
            redraw: VecDeque::new(),
            running: BTreeMap::new(),
            trunks: BTreeMap::new(),
            free: BTreeMap::new(),
            rate: Rate::default(),
            hours: HashMap::new(),
            commands: VecDeque::new(),
            only_looks: false,
        }
    }

    /// Something happened.
    pub fn handle_event(&mut self, now: Timestamp, event: Event) {
        self.now = now;
        match event {
            Event::Customer(facts) => self.customer_known(*facts),
            Event::Ticket(facts) => self.ticket_known(now, *facts),
            Event::Answered { call } => self.answered(now, call),
            Event::Escalated { call } => self.escalated(call),
            Event::Ended { call, how } => self.ended(now, call, how),
            Event::OptOut { customer, out } => self.opt_out(now, customer, out),
            Event::CallsIn { customer } => self.calls_in(now, customer),
            Event::CallInEnded { customer } => self.call_in_ended(now, customer),
            Event::Wrote { customer } => self.wrote(now, customer),
            Event::Pause { policy, paused } => self.pause(policy, paused),
            Event::Agents { queue, free } => {
                self.free.insert(queue, free);
            }
            Event::Trunk { name, trunk } => {
                self.trunks.entry(name).or_default().trunk = trunk;
                self.end_aside(now);
            }
            Event::Settings(settings) => self.change_settings(*settings),
        }
        self.settle(now);
    }

    /// The time named by [`Scheduler::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.now = now;
        self.settle(now);
    }

    /// What to do next, until `None`.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call [`Scheduler::handle_timeout`]; `None` if nothing happens by itself. At once if a
    /// step left something to do.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        if !self.redraw.is_empty() {
            return Some(self.now);
        }
        let times = [
            self.waiting.first().map(|(at, _)| *at),
            self.deadlines.first().map(|(at, _)| *at),
            self.forget.first().map(|(at, _)| *at),
            self.ready.values().filter_map(|line| line.first().map(|(until, _)| *until)).min(),
            if self.only_looks { None } else { self.next_slot() },
        ];
        times.into_iter().flatten().min()
    }

    /// Cases that are not over, being called included.
    pub fn due(&self) -> impl Iterator<Item = &CaseRow> {
        self.cases.values().map(|case| &case.row).filter(|row| row.done.is_none())
    }

    /// The case of a policy and a ticket, for as long as it is remembered.
    pub fn find_case(&self, key: &CaseKey) -> Option<&CaseRow> {
        self.cases.get(key).map(|case| &case.row)
    }

    /// Attempts that go on.
    pub fn attempts(&self) -> impl Iterator<Item = &crate::row::AttemptRow> {
        self.flights.values().map(|flight| &flight.row)
    }

    /// Whether a call is an attempt that goes on.
    pub fn is_calling(&self, call: CallId) -> bool {
        self.flights.contains_key(&call)
    }

    /// What the firm has decided.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn tell(&mut self, command: Command) {
        self.commands.push_back(command);
    }

    pub(crate) fn store(&mut self, row: Row) {
        self.tell(Command::Store(row));
    }

    pub(crate) fn policy(&self, name: &str) -> Option<Arc<Policy>> {
        self.settings.policies.get(name).cloned()
    }

    /// What follows from a change and from the time: a bounded piece of it.
    fn settle(&mut self, now: Timestamp) {
        let mut budget = BUDGET;
        while let Some(&(at, call)) = self.deadlines.first()
            && at <= now
        {
            self.silent(now, call);
        }
        while budget > 0
            && let Some(ticket) = self.redraw.pop_front()
        {
            budget -= 1;
            self.draw(now, ticket);
        }
        while budget > 0
            && let Some((at, ticket)) = self.forget.first().copied()
            && at <= now
        {
            budget -= 1;
            self.forget.remove(&(at, ticket));
            self.forget_ticket(now, ticket);
        }
        while budget > 0
            && let Some((at, key)) = self.waiting.first()
            && *at <= now
        {
            let key = key.clone();
            budget -= 1;
            self.judge(now, &key);
        }
        let late = |line: &BTreeSet<(Timestamp, CaseKey)>| line.first().filter(|(at, _)| *at <= now).cloned();
        while budget > 0
            && let Some((_, key)) = self.ready.values().find_map(late)
        {
            budget -= 1;
            self.judge(now, &key);
        }
        self.dispatch(now, budget);
    }

    pub(crate) fn put(&mut self, key: &CaseKey, place: Place) {
        self.aside.remove(key);
        let Some(case) = self.cases.get_mut(key) else { return };
        let (before, until) = (std::mem::replace(&mut case.place, place), case.row.until);
        let lane = (key.policy.clone(), case.row.channel);
        match before {
            Place::Waiting(at) => {
                self.waiting.remove(&(at, key.clone()));
            }
            Place::Ready => {
                if let Some(line) = self.ready.get_mut(&lane) {
                    line.remove(&(until, key.clone()));
                }
            }
            Place::Nowhere => {}
        }
        match place {
            Place::Waiting(at) => {
                self.waiting.insert((at, key.clone()));
            }
            Place::Ready => {
                self.ready.entry(lane).or_default().insert((until, key.clone()));
            }
            Place::Nowhere => {}
        }
    }

    /// Puts a case where it belongs now.
    pub(crate) fn judge(&mut self, now: Timestamp, key: &CaseKey) {
        self.remember_hours(key);
        let Some(case) = self.cases.get(key) else { return };
        if case.row.done.is_some() || case.calling.is_some() {
            self.put(key, Place::Nowhere);
            return;
        }
        let until = case.row.until;
        match self.gate(now, case) {
            Gate::Pass(_) => self.put(key, Place::Ready),
            Gate::Wait(at, why) => {
                self.put(key, Place::Waiting(at.min(until)));
                self.decide(now, key, Verdict::Waits { until: at, why });
            }
            Gate::End(done) => self.conclude(now, key, done),
        }
    }

    /// Judges everything of a customer, and of those who have the same number.
    pub(crate) fn judge_all(&mut self, now: Timestamp, customer: CustomerId) {
        for key in self.sharing(customer).into_iter().flat_map(|one| self.cases_of(one)).collect::<Vec<_>>() {
            self.judge(now, &key);
        }
    }

    pub(crate) fn cases_of(&self, customer: CustomerId) -> Vec<CaseKey> {
        let tickets =
            self.customers.get(&customer).map(|person| person.tickets.as_slice()).unwrap_or_default();
        let known = tickets.iter().filter_map(|ticket| Some((*ticket, self.tickets.get(ticket)?)));
        known
            .flat_map(|(ticket, known)| {
                known.policies.iter().map(move |policy| CaseKey { policy: policy.clone(), ticket })
            })
            .collect()
    }

    pub(crate) fn finish(&mut self, now: Timestamp, key: &CaseKey, done: Done) {
        self.put(key, Place::Nowhere);
        let Some(case) = self.cases.get_mut(key).filter(|case| case.row.done.is_none()) else { return };
        case.row.done = Some((now, done));
        let (row, call) = (case.row.clone(), case.calling);
        self.store(Row::Case(row));
        self.decide(now, key, Verdict::Done(done));
        if let Some(call) = call {
            self.cancel(call, if done == Done::OptedOut { CancelWhy::OptedOut } else { CancelWhy::Ticket });
        }
    }

    fn opt_out(&mut self, now: Timestamp, customer: CustomerId, out: bool) {
        let person = self.customers.entry(customer).or_default();
        if std::mem::replace(&mut person.opted_out, out) != out {
            self.store(Row::OptOut { customer, out });
        }
        if out {
            for one in self.sharing(customer) {
                self.end_all(now, one, Done::OptedOut);
            }
        }
    }

    /// Ends everything of a customer, what is being called included.
    fn end_all(&mut self, now: Timestamp, customer: CustomerId, done: Done) {
        for key in self.cases_of(customer) {
            self.finish(now, &key, done);
        }
    }

    fn calls_in(&mut self, now: Timestamp, customer: CustomerId) {
        let person = self.customers.entry(customer).or_default();
        person.calls_in = person.calls_in.saturating_add(1);
        for one in self.sharing(customer) {
            if let Some(call) = self.customers.get(&one).and_then(|person| person.calling) {
                self.cancel(call, CancelWhy::CallsIn);
            }
        }
        self.judge_all(now, customer);
    }

    fn call_in_ended(&mut self, now: Timestamp, customer: CustomerId) {
        let quiet = after(now, self.settings.after_contact);
        let Some(person) = self.customers.get_mut(&customer) else { return };
        person.calls_in = person.calls_in.saturating_sub(1);
        person.quiet_until = Some(quiet);
        self.judge_all(now, customer);
    }

    fn wrote(&mut self, now: Timestamp, customer: CustomerId) {
        let quiet = after(now, self.settings.after_contact);
        self.customers.entry(customer).or_default().quiet_until = Some(quiet);
        self.judge_all(now, customer);
    }

    fn pause(&mut self, policy: Name, paused: bool) {
        if !self.settings.policies.contains_key(&policy) {
            return;
        }
        let running = self.running_of(&policy);
        if std::mem::replace(&mut running.row.paused, paused) != paused {
            let row = running.row.clone();
            self.store(Row::Policy(row));
        }
    }

    fn change_settings(&mut self, settings: Settings) {
        let other_numbers = settings.numbers != self.settings.numbers;
        self.settings = Arc::new(settings);
        self.hours.clear();
        if other_numbers {
            self.owners.clear();
            for (customer, person) in &mut self.customers {
                let number = person.facts.as_ref().and_then(|facts| facts.number.as_ref());
                person.number =
                    check_number(&self.settings.numbers, number.map(|number| number.expose().as_str()));
                if let Ok(number) = &person.number {
                    self.owners.entry(number.clone()).or_default().push(*customer);
                }
            }
        }
        let mut all: Vec<TicketId> = self.tickets.keys().copied().collect();
        all.sort_unstable();
        self.redraw = all.into();
    }
}

/// `now` and a length of time; the end of time if there is none so late.
pub(crate) fn after(now: Timestamp, length: Duration) -> Timestamp {
    now.checked_add(length).unwrap_or(Timestamp::MAX)
}
