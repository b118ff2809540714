//! Customers and tickets come, and the policies say whom they concern.

use std::time::Duration;

use hotline_model::campaign::{Channel, Name, Policy};
use hotline_model::{CustomerId, PhoneNumber, TicketId};
use jiff::Timestamp;

use crate::event::{Command, CustomerFacts, TicketFacts};
use crate::explain::{Decision, Done, NotDrawn, Verdict, Waits};
use crate::lines::Passed;
use crate::number::check_number;
use crate::policy::draws;
use crate::row::{CaseKey, CaseRow, Row};
use crate::scheduler::{Case, Known, Place, Scheduler, after};

/// What a cap has counted is kept for so long after it counts no more: a clock that goes back makes it count again.
const GOES_BACK: Duration = Duration::from_secs(7 * 86_400);

impl Scheduler {
    pub(crate) fn customer_known(&mut self, facts: CustomerFacts) {
        let number = facts.number.as_ref().map(|number| number.expose().as_str());
        let person = self.customers.entry(facts.customer).or_default();
        let same_number = person.facts.as_ref().is_some_and(|before| before.number == facts.number);
        let (customer, before) = (facts.customer, person.number.clone());
        if !same_number {
            person.number = check_number(&self.settings.numbers, number);
        }
        let now = person.number.clone();
        person.facts = Some(facts);
        self.redraw.extend(person.tickets.iter().copied());
        if before != now {
            // Trunks may call this number that might not call the one before.
            for key in self.cases_of(customer) {
                if let Some(case) = self.cases.get_mut(&key) {
                    case.passed = Passed::default();
                }
            }
            self.disown(customer, before.ok());
            if let Ok(number) = now {
                self.owners.entry(number).or_default().push(customer);
            }
        }
    }

    /// A customer and those who have the same number.
    pub(crate) fn sharing(&self, customer: CustomerId) -> Vec<CustomerId> {
        let number = self.customers.get(&customer).and_then(|person| person.number.as_ref().ok());
        number.and_then(|number| self.owners.get(number)).cloned().unwrap_or_else(|| vec![customer])
    }

    fn disown(&mut self, customer: CustomerId, number: Option<PhoneNumber>) {
        let Some(number) = number else { return };
        if let Some(owners) = self.owners.get_mut(&number) {
            owners.retain(|owner| *owner != customer);
            if owners.is_empty() {
                self.owners.remove(&number);
            }
        }
    }

    pub(crate) fn ticket_known(&mut self, now: Timestamp, facts: TicketFacts) {
        let ticket = facts.ticket;
        match self.tickets.get_mut(&ticket) {
            // The same again, or an older state of it.
            Some(known) if known.facts == facts || facts.since < known.facts.since => return,
            Some(known) => {
                let before = std::mem::replace(&mut known.facts, facts.clone()).customer;
                if before != facts.customer
                    && let Some(person) = self.customers.get_mut(&before)
                {
                    person.tickets.retain(|other| *other != ticket);
                }
            }
            None => {
                let known = Known { facts: facts.clone(), policies: Vec::new(), not_drawn: Vec::new() };
                self.tickets.insert(ticket, known);
                self.forget.insert((after(now, self.remember_for()), ticket));
            }
        }
        let person = self.customers.entry(facts.customer).or_default();
        if !person.tickets.contains(&ticket) {
            person.tickets.push(ticket);
        }
        self.draw(now, ticket);
    }

    /// Matches a ticket with every policy.
    pub(crate) fn draw(&mut self, now: Timestamp, ticket: TicketId) {
        let Some(known) = self.tickets.get(&ticket) else { return };
        let facts = known.facts.clone();
        for policy in known.policies.clone() {
            if !self.settings.policies.contains_key(&policy) {
                self.finish(now, &CaseKey { policy, ticket }, Done::PolicyGone);
            }
        }
        let settings = std::sync::Arc::clone(&self.settings);
        for (name, policy) in &settings.policies {
            let customer = self.customers.get(&facts.customer).and_then(|person| person.facts.as_ref());
            match draws(&policy.who, name, &facts, customer) {
                Ok(()) => self.drawn(now, name, policy, &facts),
                Err(why) => self.not_drawn(now, name, &facts, why),
            }
        }
    }

    fn not_drawn(&mut self, now: Timestamp, name: &Name, facts: &TicketFacts, why: NotDrawn) {
        let key = CaseKey { policy: name.clone(), ticket: facts.ticket };
        if self.cases.contains_key(&key) {
            self.finish(now, &key, Done::Ticket);
            return;
        }
        let Some(known) = self.tickets.get_mut(&facts.ticket) else { return };
        match known.not_drawn.iter_mut().find(|(policy, _)| policy == name) {
            Some((_, before)) if *before == why => return,
            Some((_, before)) => *before = why.clone(),
            None => known.not_drawn.push((name.clone(), why.clone())),
        }
        let verdict = Verdict::NotDrawn(why);
        self.tell(Command::Explain(Decision { at: now, customer: facts.customer, key, verdict }));
    }

    fn drawn(&mut self, now: Timestamp, name: &Name, policy: &Policy, facts: &TicketFacts) {
        let key = CaseKey { policy: name.clone(), ticket: facts.ticket };
        let (from, until) = (after(facts.since, policy.earliest), after(facts.since, policy.latest));
        match self.cases.get_mut(&key) {
            Some(case) if case.row.done.is_none() => {
                self.change(now, &key, facts, policy, (from, until));
                return;
            }
            // Done for this closing; another one of the same ticket is another matter.
            Some(case) if facts.since <= case.row.since => return,
            _ => {}
        }
        if until <= now {
            if !self.cases.contains_key(&key) {
                self.not_drawn(now, name, facts, NotDrawn::TooLate);
            }
            return;
        }
        let row = CaseRow {
            key: key.clone(),
            round: facts.since,
            customer: facts.customer,
            channel: policy.first_channel(),
            since: facts.since,
            next: from,
            next_why: Waits::NotYetDue,
            until,
            made: 0,
            outcomes: Vec::new(),
            done: None,
        };
        self.store(Row::Case(row.clone()));
        // A call of the round before may go on yet: who reopened the ticket is asked when it is over.
        let before = self.cases.remove(&key);
        let (calling, decisions) = before.map_or((None, Vec::new()), |case| (case.calling, case.decisions));
        self.cases.insert(
            key.clone(),
            Case { row, place: Place::Nowhere, calling, passed: Passed::default(), decisions },
        );
        if let Some(known) = self.tickets.get_mut(&facts.ticket) {
            known.not_drawn.retain(|(policy, _)| policy != name);
            if !known.policies.contains(name) {
                known.policies.push(name.clone());
            }
        }
        self.decide(now, &key, Verdict::Drawn { from, until });
        self.judge(now, &key);
    }

    /// A case that is due has other times, or another customer.
    fn change(
        &mut self,
        now: Timestamp,
        key: &CaseKey,
        facts: &TicketFacts,
        policy: &Policy,
        (from, until): (Timestamp, Timestamp),
    ) {
        let by_message = |case: &Case| case.row.channel == Channel::Message;
        // What is on its way told of the change before: of this one it does not, so it is another round.
        if self.cases.get(key).is_some_and(|case| by_message(case) && case.calling.is_some()) {
            return;
        }
        self.put(key, Place::Nowhere);
        let Some(case) = self.cases.get_mut(key) else { return };
        let before = case.row.clone();
        case.row.since = facts.since.max(case.row.since);
        // A message that follows calls has a time of its own.
        if !(by_message(case) && policy.calls.is_some()) {
            case.row.until = until;
        }
        if case.row.made == 0 && case.calling.is_none() {
            case.row.next = from;
        }
        if case.calling.is_none() {
            case.row.customer = facts.customer;
        }
        if case.row != before {
            let row = case.row.clone();
            self.store(Row::Case(row));
            self.decide(now, key, Verdict::Drawn { from, until });
        }
        self.judge(now, key);
    }

    /// At least as long as any cap looks back, from where the clock may go back to.
    pub(crate) fn remember_for(&self) -> Duration {
        let own = self.settings.policies.values();
        let latest = own.clone().map(|policy| policy.latest);
        let caps = own.flat_map(|policy| &policy.caps).chain(&self.settings.caps).map(|cap| cap.period);
        caps.chain(latest).chain([self.settings.remember]).max().unwrap_or_default() + GOES_BACK
    }

    /// Forgets a ticket of which everything is over for long enough.
    pub(crate) fn forget_ticket(&mut self, now: Timestamp, ticket: TicketId) {
        let Some(known) = self.tickets.get(&ticket) else { return };
        let keep = self.remember_for();
        let mut again = Some(after(known.facts.since, keep)).filter(|at| *at > now);
        for policy in &known.policies {
            let Some(case) = self.cases.get(&CaseKey { policy: policy.clone(), ticket }) else { continue };
            let over = match case.row.done {
                Some((at, _)) if case.calling.is_none() => after(at.max(case.row.until), keep),
                _ => after(now, keep),
            };
            again = again.max(Some(over).filter(|at| *at > now));
        }
        if let Some(again) = again {
            self.forget.insert((again, ticket));
            return;
        }
        let Some(known) = self.tickets.remove(&ticket) else { return };
        for policy in known.policies {
            self.cases.remove(&CaseKey { policy, ticket });
        }
        let customer = known.facts.customer;
        let Some(person) = self.customers.get_mut(&customer) else { return };
        person.tickets.retain(|other| *other != ticket);
        person.tried.retain(|(at, _)| after(*at, keep) > now);
        let idle = person.calling.is_none() && person.calls_in == 0 && !person.opted_out;
        if idle && person.tickets.is_empty() && person.tried.is_empty() {
            let number = person.number.clone().ok();
            self.customers.remove(&customer);
            self.disown(customer, number);
        }
    }
}
