//! After a restart: nothing is lost, nobody is called twice.

use std::sync::Arc;

use hotline_model::campaign::{Channel, Outcome, Settings};
use hotline_model::{CustomerId, IdSource};
use jiff::Timestamp;

use crate::attempts::was_spoken_to;
use crate::event::{CustomerFacts, TicketFacts};
use crate::explain::{Done, Verdict};
use crate::lines::Passed;
use crate::row::{AttemptRow, CaseKey, CaseRow, Disposition, PolicyRow, Row};
use crate::scheduler::{Case, Known, Place, Scheduler, after};

/// What the record holds.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// Customers of the tickets and attempts below.
    pub customers: Vec<CustomerFacts>,
    /// Customers who opted out, of those.
    pub opted_out: Vec<CustomerId>,
    /// When we spoke last with customers who called in, of those.
    pub spoke: Vec<(CustomerId, Timestamp)>,
    /// Tickets of the cases below.
    pub tickets: Vec<TicketFacts>,
    /// Cases that are not over, and those whose end is not older than [`Settings::remember`] or whose
    /// latest time has not come.
    pub cases: Vec<CaseRow>,
    /// Attempts that have no end, those of the cases above, and those within the longest period of a cap.
    pub attempts: Vec<AttemptRow>,
    /// The policies' rows.
    pub policies: Vec<PolicyRow>,
}

impl Scheduler {
    /// A scheduler as the record knows it. Attempts without an end are settled as unknown, which ends
    /// their cases: the telephone may have rung, and nobody is called twice. Agents, trunks and customers
    /// who are on the line are to be told. A message without an end is in the outbox, which tells its end: what it has
    /// told meanwhile is to be told again.
    pub fn restore(now: Timestamp, settings: Settings, ids: Arc<IdSource>, rows: Restored) -> Self {
        Self::new(now, settings, ids).with_rows(now, rows)
    }

    /// The same beside another process that calls, to see how things stand: an attempt without an end goes on, and nobody
    /// is called.
    pub fn look(now: Timestamp, settings: Settings, ids: Arc<IdSource>, rows: Restored) -> Self {
        let mut scheduler = Self::new(now, settings, ids);
        scheduler.only_looks = true;
        scheduler.with_rows(now, rows)
    }

    fn with_rows(self, now: Timestamp, rows: Restored) -> Self {
        let mut scheduler = self;
        for row in rows.policies {
            let policy = row.policy.clone();
            scheduler.running_of(&policy).row = row;
        }
        for facts in rows.customers {
            scheduler.customer_known(facts);
        }
        for customer in rows.opted_out {
            scheduler.customers.entry(customer).or_default().opted_out = true;
        }
        for (customer, at) in rows.spoke {
            scheduler.be_quiet(customer, at);
        }
        for facts in rows.tickets {
            scheduler.restore_ticket(now, facts);
        }
        for row in rows.cases {
            scheduler.restore_case(row);
        }
        scheduler.restore_attempts(now, rows.attempts);
        let mut keys: Vec<CaseKey> = scheduler.cases.keys().cloned().collect();
        keys.sort_unstable();
        for key in keys {
            // Judged step by step, as what is due at once.
            let open = scheduler.cases.get(&key).is_some_and(|case| case.row.done.is_none());
            scheduler.put(&key, if open { Place::Waiting(now) } else { Place::Nowhere });
        }
        scheduler
    }

    fn be_quiet(&mut self, customer: CustomerId, spoke: Timestamp) {
        let until = after(spoke, self.settings.after_contact);
        let person = self.customers.entry(customer).or_default();
        person.quiet_until = person.quiet_until.max(Some(until));
    }

    fn restore_ticket(&mut self, now: Timestamp, facts: TicketFacts) {
        let ticket = facts.ticket;
        let person = self.customers.entry(facts.customer).or_default();
        if !person.tickets.contains(&ticket) {
            person.tickets.push(ticket);
        }
        self.tickets.insert(ticket, Known { facts, policies: Vec::new(), not_drawn: Vec::new() });
        self.forget.insert((after(now, self.remember_for()), ticket));
        // What the policies say may have changed; a change that was told in vain is made up for.
        self.redraw.push_back(ticket);
    }

    fn restore_case(&mut self, row: CaseRow) {
        let key = row.key.clone();
        let Some(known) = self.tickets.get_mut(&key.ticket) else { return };
        if !known.policies.contains(&key.policy) {
            known.policies.push(key.policy.clone());
        }
        let case = Case {
            row,
            place: Place::Nowhere,
            calling: None,
            passed: Passed::default(),
            decisions: Vec::new(),
        };
        self.cases.insert(key, case);
    }

    fn restore_attempts(&mut self, now: Timestamp, mut attempts: Vec<AttemptRow>) {
        attempts.sort_by_key(|row| (row.at, row.call));
        for mut row in attempts {
            let person = self.customers.entry(row.customer).or_default();
            if !row.is_taken_back() {
                person.tried.push((row.at, row.key.policy.clone()));
            }
            let open = row.ended.is_none();
            if open && (row.channel == Channel::Message || self.only_looks) {
                self.resume(now, row);
                continue;
            }
            if open {
                row.ended = Some((now, Disposition::Unknown));
                self.store(Row::Attempt(row.clone()));
                self.decide(now, &row.key, Verdict::Ended { call: row.call, how: Disposition::Unknown });
            }
            let Some((at, how)) = row.ended else { continue };
            let machine = how == Disposition::Not(Outcome::Machine);
            if was_spoken_to(how) || (row.answered_at.is_some() && !machine) {
                self.be_quiet(row.customer, at);
            }
            if how == Disposition::OptedOut {
                let person = self.customers.entry(row.customer).or_default();
                if !std::mem::replace(&mut person.opted_out, true) {
                    self.store(Row::OptOut { customer: row.customer, out: true });
                }
            }
            self.settle_case(now, &row);
            // Whatever the case's row says: an attempt of its round whose end is unknown is its last.
            if open && self.cases.get(&row.key).is_some_and(|case| case.row.round == row.round) {
                self.finish(now, &row.key, Done::Ended(Disposition::Unknown));
            }
        }
    }
}
