//! Why somebody is called or not: a list of decisions, each with its reason.

use hotline_model::campaign::{Name, Outcome};
use hotline_model::{CallId, CustomerId, TicketId};
use jiff::Timestamp;

use crate::gate::Gate;
use crate::number::NumberRefused;
use crate::row::{CaseKey, Disposition};
use crate::scheduler::Scheduler;

/// Why a policy does not concern a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDrawn {
    /// The ticket is open where it must be closed, or the other way round, or was taken back.
    State,
    /// Another category.
    Category,
    /// Another outcome.
    Outcome,
    /// The customer has another value of this attribute, or none.
    Attribute(Name),
    /// Not in the sample.
    Sample,
    /// It became known only after the latest time.
    TooLate,
}

/// Why a call waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// The earliest time has not come.
    NotYetDue,
    /// So long after this outcome of the attempt before.
    After(Outcome),
    /// Nothing is known of the customer.
    CustomerUnknown,
    /// The customer is on the line with us, or is being called.
    OnTheLine,
    /// We spoke with the customer a while ago.
    JustSpoken,
    /// The customer was tried as often as all policies together may, by this cap of the settings.
    Cap(usize),
    /// The customer was tried as often as the policy may, by this cap of its own.
    PolicyCap(usize),
    /// Outside the hours.
    Closed,
    /// A supervisor has paused the policy.
    Paused,
    /// Too few agents are free for those who will want one.
    Agents,
    /// No trunk is up with a line free, or those that are up rest because they failed.
    Trunk,
    /// So many calls a second, no more.
    Rate,
    /// Others come first.
    Turn,
}

/// Why a case is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The attempt came to this, and no other follows.
    Ended(Disposition),
    /// Tried as often as the policy may; the last came to this.
    Exhausted(Outcome),
    /// The latest time came while it waited for this.
    TooLate(Waits),
    /// The customer wants no calls.
    OptedOut,
    /// The number is never called.
    Number(NumberRefused),
    /// The ticket was opened again, taken back, or is no longer one of the policy's.
    Ticket,
    /// There is no such policy any more.
    PolicyGone,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The policy does not concern the ticket.
    NotDrawn(NotDrawn),
    /// To be called between these times.
    Drawn {
        /// The earliest.
        from: Timestamp,
        /// The latest.
        until: Timestamp,
    },
    /// Not now.
    Waits {
        /// Looked at again then.
        until: Timestamp,
        /// Why.
        why: Waits,
    },
    /// Called.
    Called {
        /// The attempt.
        call: CallId,
    },
    /// A message is sent.
    Messaged {
        /// The attempt.
        call: CallId,
    },
    /// Calls led to nothing: a message follows.
    Otherwise {
        /// Sent before that, or not at all.
        until: Timestamp,
        /// How the calls would have ended it.
        why: Done,
    },
    /// The attempt is over.
    Ended {
        /// The attempt.
        call: CallId,
        /// What came of it.
        how: Disposition,
    },
    /// Nothing follows.
    Done(Done),
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// About whom.
    pub customer: CustomerId,
    /// Policy and ticket.
    pub key: CaseKey,
    /// What.
    pub verdict: Verdict,
}

impl Scheduler {
    /// Every decision about a ticket, policy by policy, the last one being how it stands now. Decisions
    /// from before a restart are in the record.
    pub fn explain_ticket(&self, now: Timestamp, ticket: TicketId) -> Vec<Decision> {
        let Some(known) = self.tickets.get(&ticket) else { return Vec::new() };
        let mut told = Vec::new();
        for (policy, why) in &known.not_drawn {
            told.push(Decision {
                at: known.facts.since,
                customer: known.facts.customer,
                key: CaseKey { policy: policy.clone(), ticket },
                verdict: Verdict::NotDrawn(why.clone()),
            });
        }
        for policy in &known.policies {
            let key = CaseKey { policy: policy.clone(), ticket };
            let Some(case) = self.cases.get(&key) else { continue };
            told.extend(case.decisions.iter().cloned());
            if let Some(verdict) = self.stands(now, &key) {
                told.push(Decision { at: now, customer: case.row.customer, key, verdict });
            }
        }
        told
    }

    /// Every decision about a customer's tickets.
    pub fn explain_customer(&self, now: Timestamp, customer: CustomerId) -> Vec<Decision> {
        let Some(person) = self.customers.get(&customer) else { return Vec::new() };
        person.tickets.iter().flat_map(|ticket| self.explain_ticket(now, *ticket)).collect()
    }

    /// What holds a case that is neither over nor being called.
    fn stands(&self, now: Timestamp, key: &CaseKey) -> Option<Verdict> {
        let case = self.cases.get(key)?;
        if case.row.done.is_some() || case.calling.is_some() {
            return None;
        }
        Some(match self.gate(now, case) {
            Gate::End(done) => Verdict::Done(done),
            Gate::Wait(until, why) => Verdict::Waits { until, why },
            Gate::Pass(_) => {
                let why = self
                    .slot_past(now, &key.policy, case.row.channel, &case.passed)
                    .err()
                    .unwrap_or(Waits::Turn);
                Verdict::Waits { until: case.row.until, why }
            }
        })
    }

    pub(crate) fn decide(&mut self, now: Timestamp, key: &CaseKey, verdict: Verdict) {
        /// Decisions kept of one case; the first ones say why it came to be.
        const MOST: usize = 64;
        let Some(case) = self.cases.get_mut(key) else { return };
        if case.decisions.last().is_some_and(|last| last.verdict == verdict) {
            return;
        }
        let decision = Decision { at: now, customer: case.row.customer, key: key.clone(), verdict };
        if case.decisions.len() == MOST {
            case.decisions.remove(MOST / 2);
        }
        case.decisions.push(decision.clone());
        self.tell(crate::event::Command::Explain(decision));
    }
}
