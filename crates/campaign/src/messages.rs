//! Messages: where nobody is called, and where calls have led to nothing.

use std::time::Duration;

use hotline_model::PhoneNumber;
use hotline_model::campaign::{Channel, Name, Outcome, Policy};
use jiff::Timestamp;

use crate::attempts::Flight;
use crate::event::{Command, Notice};
use crate::explain::{Done, Verdict, Waits};
use crate::row::{AttemptRow, CaseKey, CaseRow, Disposition, Row};
use crate::scheduler::{Scheduler, after};

/// What became of a message is told so long after its hours have ended, or not at all: a provider that takes it in the
/// last moment may be slow to say so.
const SILENCE: Duration = Duration::from_secs(600);

impl Scheduler {
    /// Its row and the message, which are stored together.
    pub(crate) fn send(&mut self, now: Timestamp, key: &CaseKey, number: PhoneNumber) {
        let until = self.hours_end(now, key);
        let within = Duration::try_from(until.duration_since(now)).unwrap_or_default() + SILENCE;
        let Some(row) = self.begin(now, key, Channel::Message, Name::from(""), within) else { return };
        let (call, customer) = (row.call, row.customer);
        self.store(Row::Attempt(row));
        self.tell(Command::Send(Box::new(Notice {
            call,
            policy: key.policy.clone(),
            ticket: key.ticket,
            customer,
            number,
            until,
        })));
        self.decide(now, key, Verdict::Messaged { call });
        self.judge_all(now, customer);
    }

    /// A message that was planned before a restart: the outbox has it, and tells what becomes of it. Or a call of another
    /// process.
    pub(crate) fn resume(&mut self, now: Timestamp, row: AttemptRow) {
        let deadline = after(self.hours_end(row.at, &row.key).max(now), SILENCE);
        if row.channel == Channel::Call {
            let running = self.running_of(&row.key.policy);
            match row.answered_at {
                Some(_) => running.talking += 1,
                None => running.ringing += 1,
            }
            if let Some(line) = self.trunks.get_mut(&row.trunk) {
                line.used += 1;
            }
        }
        let call = row.call;
        self.customers.entry(row.customer).or_default().calling = Some(call);
        if let Some(case) = self.cases.get_mut(&row.key)
            && case.row.round == row.round
        {
            case.calling = Some(call);
        }
        self.deadlines.insert((deadline, call));
        self.flights.insert(call, Flight { row, escalated: false, cancelled: false, deadline });
    }

    /// When the hours that are open at `at` end for this customer, or their time is over.
    fn hours_end(&self, at: Timestamp, key: &CaseKey) -> Timestamp {
        let (Some(case), Some(policy)) = (self.cases.get(key), self.settings.policies.get(&key.policy))
        else {
            return at;
        };
        let facts = self.customers.get(&case.row.customer).and_then(|person| person.facts.as_ref());
        let hours = self.hours_for(&key.policy, policy, facts.and_then(|facts| facts.zone.as_ref()));
        hours.closes(at, case.row.until.max(at))
    }

    /// Ends a case, or lets a message follow where calls have led to nothing.
    pub(crate) fn conclude(&mut self, now: Timestamp, key: &CaseKey, done: Done) {
        let policy = self.policy(&key.policy);
        let Some(until) = policy.and_then(|policy| self.message_follows(now, key, &policy, done)) else {
            self.finish(now, key, done);
            return;
        };
        self.put(key, crate::scheduler::Place::Nowhere);
        let Some(case) = self.cases.get_mut(key) else { return };
        case.row.channel = Channel::Message;
        case.row.next = now;
        case.row.next_why = Waits::NotYetDue;
        case.row.until = until;
        let row = case.row.clone();
        self.store(Row::Case(row));
        self.decide(now, key, Verdict::Otherwise { until, why: done });
        self.judge(now, key);
    }

    /// Until when a message may follow, if one does.
    fn message_follows(
        &self,
        now: Timestamp,
        key: &CaseKey,
        policy: &Policy,
        done: Done,
    ) -> Option<Timestamp> {
        let row = &self.cases.get(key)?.row;
        let otherwise = policy.message.as_ref()?.otherwise.as_ref()?;
        let took_part_from = policy.calls.as_ref()?.retries.took_part_from;
        if row.channel != Channel::Call || row.done.is_some() {
            return None;
        }
        let follows = match done {
            Done::Exhausted(outcome) | Done::Ended(Disposition::Not(outcome)) => {
                otherwise.after.contains(&outcome)
            }
            Done::Ended(Disposition::HungUp { question }) => {
                question < took_part_from && otherwise.after.contains(&Outcome::HungUp)
            }
            // Nobody can be told anything of whom nothing is known.
            Done::TooLate(why) => why != Waits::CustomerUnknown,
            _ => false,
        };
        // Whoever was found too late only now, because nothing ran, has nothing added to that.
        let until = after(now.min(row.until), otherwise.within);
        (follows && now < until).then_some(until)
    }
}

/// Another message, because this one certainly did not leave (`None`), or how the case ends.
pub(crate) fn after_message(row: &mut CaseRow, at: Timestamp, how: Disposition) -> Option<Done> {
    if how != Disposition::Not(Outcome::Cancelled) {
        return Some(Done::Ended(how));
    }
    row.next = at;
    row.next_why = Waits::After(Outcome::Cancelled);
    None
}
