//! A call from its row to its end, and what the case makes of the end of any attempt.

use std::time::Duration;

use hotline_model::campaign::{Calls, Channel, Name, Outcome, Retries};
use hotline_model::{CallId, PhoneNumber};
use jiff::Timestamp;

use crate::event::{Attempt, CancelWhy, Command};
use crate::explain::{Done, Verdict, Waits};
use crate::messages::after_message;
use crate::number::NumberRefused;
use crate::pace::measure;
use crate::row::{AttemptRow, CaseKey, CaseRow, Disposition, Row};
use crate::scheduler::{Case, Place, Scheduler, after};

/// An end that is not told for so long after it must have come is not told at all.
const SILENCE: Duration = Duration::from_secs(60);
/// What never left, or found its trunk resting, is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);

/// An attempt that goes on: a call, or a message that was not taken yet.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    pub row: AttemptRow,
    pub escalated: bool,
    pub cancelled: bool,
    /// Settled as unknown then.
    pub deadline: Timestamp,
}

/// Whether the customer was on the line.
pub(crate) const fn was_spoken_to(how: Disposition) -> bool {
    matches!(
        how,
        Disposition::Completed
            | Disposition::HungUp { .. }
            | Disposition::OptedOut
            | Disposition::Not(Outcome::Refused | Outcome::HungUp)
    )
}

impl Scheduler {
    /// Its row, then the call.
    pub(crate) fn dial(&mut self, now: Timestamp, key: &CaseKey, number: PhoneNumber, trunk: Name) {
        let Some(calls) = self.policy(&key.policy).and_then(|policy| policy.calls.clone()) else { return };
        let Some(row) = self.begin(now, key, Channel::Call, trunk.clone(), calls.ring_limit + SILENCE) else {
            return;
        };
        let call = row.call;
        self.rate.take(now, self.settings.per_second);
        if let Some(line) = self.trunks.get_mut(&trunk) {
            line.begin(now, call);
        }
        self.running_of(&key.policy).ringing += 1;
        self.store(Row::Attempt(row.clone()));
        self.decide(now, key, Verdict::Called { call });
        self.tell(Command::Dial(Box::new(Attempt {
            call,
            policy: key.policy.clone(),
            ticket: key.ticket,
            customer: row.customer,
            number,
            show: calls.show.clone(),
            trunk,
            plan: calls.plan.clone(),
            ring_limit: calls.ring_limit,
        })));
        // What else there is about this customer waits.
        self.judge_all(now, row.customer);
    }

    /// An attempt of which the end is told within so long, or not at all: its row, to be stored.
    pub(crate) fn begin(
        &mut self,
        now: Timestamp,
        key: &CaseKey,
        channel: Channel,
        trunk: Name,
        within: Duration,
    ) -> Option<AttemptRow> {
        self.put(key, Place::Nowhere);
        let call: CallId = self.ids.next(now);
        let case = self.cases.get_mut(key)?;
        case.calling = Some(call);
        let row = AttemptRow {
            call,
            channel,
            key: key.clone(),
            round: case.row.round,
            number: case.row.made.saturating_add(1),
            customer: case.row.customer,
            trunk,
            at: now,
            answered_at: None,
            ended: None,
        };
        let keep = self.remember_for();
        if let Some(person) = self.customers.get_mut(&row.customer) {
            person.calling = Some(call);
            person.tried.retain(|(at, _)| after(*at, keep) > now);
            person.tried.push((now, key.policy.clone()));
        }
        let deadline = after(now, within);
        self.deadlines.insert((deadline, call));
        self.flights.insert(call, Flight { row: row.clone(), escalated: false, cancelled: false, deadline });
        Some(row)
    }

    pub(crate) fn answered(&mut self, now: Timestamp, call: CallId) {
        let deadline = after(now, self.settings.longest_call + SILENCE);
        let rings = |flight: &Flight| flight.row.answered_at.is_none() && flight.row.channel == Channel::Call;
        let Some(flight) = self.flights.get_mut(&call).filter(|flight| rings(flight)) else { return };
        flight.row.answered_at = Some(now);
        self.deadlines.remove(&(flight.deadline, call));
        flight.deadline = deadline;
        self.deadlines.insert((deadline, call));
        let row = flight.row.clone();
        if let Some(line) = self.trunks.get_mut(&row.trunk) {
            line.works();
        }
        let running = self.running_of(&row.key.policy);
        running.ringing = running.ringing.saturating_sub(1);
        running.talking += 1;
        self.store(Row::Attempt(row));
    }

    pub(crate) fn escalated(&mut self, call: CallId) {
        let Some(flight) = self.flights.get_mut(&call) else { return };
        if flight.row.answered_at.is_none() || std::mem::replace(&mut flight.escalated, true) {
            return;
        }
        let policy = flight.row.key.policy.clone();
        let talked = flight.row.answered_at.map(|at| self.now.duration_since(at)).unwrap_or_default();
        let running = self.running_of(&policy);
        running.talking = running.talking.saturating_sub(1);
        running.talk.measure(talked);
        running.until_human.measure(talked);
        // One of the free is as good as taken, until the queue tells how many there are.
        let queue =
            self.policy(&policy).and_then(|policy| Some(policy.calls.as_ref()?.pace.as_ref()?.queue.clone()));
        if let Some(free) = queue.and_then(|queue| self.free.get_mut(&queue)) {
            *free = free.saturating_sub(1);
        }
    }

    /// Stops the ringing; who has answered is not cut off.
    pub(crate) fn cancel(&mut self, call: CallId, why: CancelWhy) {
        if let Some(flight) = self.flights.get_mut(&call)
            && flight.row.answered_at.is_none()
            && !std::mem::replace(&mut flight.cancelled, true)
        {
            self.tell(Command::Cancel { call, why });
        }
    }

    /// Nobody told the end of an attempt.
    pub(crate) fn silent(&mut self, now: Timestamp, call: CallId) {
        self.tell(Command::Cancel { call, why: CancelWhy::Silent });
        self.ended(now, call, Disposition::Unknown);
    }

    pub(crate) fn ended(&mut self, now: Timestamp, call: CallId, how: Disposition) {
        let Some(flight) = self.flights.remove(&call) else { return };
        self.deadlines.remove(&(flight.deadline, call));
        let mut row = flight.row;
        row.ended = Some((now, how));
        self.store(Row::Attempt(row.clone()));
        if let Some(line) = self.trunks.get_mut(&row.trunk) {
            line.end(now, &row, how);
        }
        self.count(&row, flight.escalated, how);
        let spoken_to = row.answered_at.is_some() && how != Disposition::Not(Outcome::Machine);
        let quiet = after(now, self.settings.after_contact);
        let person = self.customers.entry(row.customer).or_default();
        person.calling = None;
        if row.is_taken_back() {
            // It never left, or rang nobody: the customer was not tried.
            let is_it = |(at, policy): &(Timestamp, Name)| *at == row.at && *policy == row.key.policy;
            // This one alone: another may have begun, and ended, in the same moment.
            if let Some(nth) = person.tried.iter().position(is_it) {
                person.tried.remove(nth);
            }
        }
        if spoken_to || was_spoken_to(how) {
            person.quiet_until = Some(quiet);
        }
        let (key, customer) = (row.key.clone(), row.customer);
        if let Some(case) = self.cases.get_mut(&key).filter(|case| case.calling == Some(call)) {
            case.calling = None;
        }
        self.decide(now, &key, Verdict::Ended { call, how });
        self.settle_case(now, &row);
        // The ticket may have become another customer's meanwhile, in another round.
        self.judge(now, &key);
        if row.channel == Channel::Message {
            // What has changed since it was written.
            self.redraw.push_back(key.ticket);
        }
        if how == Disposition::OptedOut {
            self.handle_opt_out(now, customer);
        }
        self.judge_all(now, customer);
    }

    fn handle_opt_out(&mut self, now: Timestamp, customer: hotline_model::CustomerId) {
        let person = self.customers.entry(customer).or_default();
        if !std::mem::replace(&mut person.opted_out, true) {
            self.store(Row::OptOut { customer, out: true });
        }
        self.judge_all(now, customer);
    }

    /// What the case makes of the end of an attempt; also after a restart.
    pub(crate) fn settle_case(&mut self, now: Timestamp, attempt: &AttemptRow) {
        let Some((at, how)) = attempt.ended else { return };
        let policy = self.policy(&attempt.key.policy);
        let passed_on = self.passed_on(now, attempt);
        let Some(case) = self.cases.get_mut(&attempt.key) else { return };
        // Another round has begun meanwhile, it is over already, or the end was counted.
        if case.row.round != attempt.round || case.row.done.is_some() || case.row.made >= attempt.number {
            return;
        }
        case.row.made = attempt.number;
        if !attempt.is_taken_back() {
            case.passed.failed.clear();
        }
        let Some(policy) = policy else {
            self.finish(now, &attempt.key, Done::PolicyGone);
            return;
        };
        let done = match (attempt.channel, &policy.calls) {
            (Channel::Message, _) => after_message(&mut case.row, at, how),
            (Channel::Call, Some(calls)) if attempt.is_taken_back() => {
                not_tried(case, calls, at, how, passed_on)
            }
            (Channel::Call, Some(calls)) => follows(&mut case.row, &calls.retries, at, how),
            (Channel::Call, None) => Some(Done::PolicyGone),
        };
        match done {
            Some(done) => self.conclude(now, &attempt.key, done),
            None => {
                let row = case.row.clone();
                self.store(Row::Case(row));
                self.judge(now, &attempt.key);
            }
        }
    }

    /// Whether another trunk takes a call that this one did not; the one that did not is passed over.
    fn passed_on(&mut self, now: Timestamp, attempt: &AttemptRow) -> PassedOn {
        let Some((_, how)) = attempt.ended else { return PassedOn::Nobody };
        let Some(case) = self.cases.get_mut(&attempt.key) else { return PassedOn::Nobody };
        let passed = match how {
            Disposition::TrunkFailed => &mut case.passed.failed,
            Disposition::NotListed => &mut case.passed.unlisted,
            _ => return PassedOn::Nobody,
        };
        if !passed.contains(&attempt.trunk) {
            passed.push(attempt.trunk.clone());
        }
        if self.cases.get(&attempt.key).is_some_and(|case| self.has_other_line(now, case)) {
            return PassedOn::Next;
        }
        let rests = self.trunks.get(&attempt.trunk).is_some_and(|line| !line.is_up(now));
        if rests { PassedOn::Rests } else { PassedOn::Nobody }
    }

    /// Measures how many answer, and how many of them want a human.
    fn count(&mut self, row: &AttemptRow, escalated: bool, how: Disposition) {
        if row.channel == Channel::Message {
            return;
        }
        let answered = row.answered_at.is_some();
        let talked = row.answered_at.map(|at| self.now.duration_since(at)).unwrap_or_default();
        let running = self.running_of(&row.key.policy);
        match (answered, escalated) {
            (true, false) => {
                running.talking = running.talking.saturating_sub(1);
                running.talk.measure(talked);
            }
            (false, _) => running.ringing = running.ringing.saturating_sub(1),
            (true, true) => {}
        }
        let says_nothing = matches!(
            how,
            Disposition::Not(Outcome::Failed | Outcome::Cancelled)
                | Disposition::TrunkFailed
                | Disposition::TrunkSilent
                | Disposition::NotMade
                | Disposition::NotListed
        );
        // Whether somebody would have answered is known of none of these.
        if how == Disposition::Unknown || (says_nothing && !answered) {
            return;
        }
        running.row.attempts = running.row.attempts.saturating_add(1);
        measure(&mut running.row.answered_ppm, answered);
        if answered {
            running.row.answered = running.row.answered.saturating_add(1);
            measure(&mut running.row.escalated_ppm, escalated);
        }
        let row = running.row.clone();
        self.store(Row::Policy(row));
    }
}

/// What is known of a call that rang nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PassedOn {
    /// Another trunk can take it now.
    Next,
    /// None can, because the trunk that failed rests: it is the trunk's failure, not the number's.
    Rests,
    /// None can; whose failure it was is not known.
    Nobody,
}

/// Another attempt (`None`, and the row says when) after one that rang nobody, or how the case ends.
fn not_tried(
    case: &mut Case,
    calls: &Calls,
    at: Timestamp,
    how: Disposition,
    passed_on: PassedOn,
) -> Option<Done> {
    let row = &mut case.row;
    let wait = match (how, passed_on) {
        (Disposition::NotListed, _) => {
            if calls.trunks.iter().all(|name| case.passed.unlisted.contains(name)) {
                return Some(Done::Number(NumberRefused::NotListed));
            }
            Duration::ZERO
        }
        (Disposition::TrunkFailed, PassedOn::Next) => Duration::ZERO,
        (Disposition::TrunkFailed, PassedOn::Rests) => AGAIN,
        // It is tried as often as after any other failure of the network, so that a number that no trunk can call ends.
        (Disposition::TrunkFailed, PassedOn::Nobody) => {
            case.passed.failed.clear();
            return follows(row, &calls.retries, at, Disposition::Not(Outcome::Failed));
        }
        _ => AGAIN,
    };
    if !wait.is_zero() {
        case.passed.failed.clear();
    }
    row.next = after(at, wait);
    row.next_why = Waits::After(Outcome::Failed);
    None
}

/// Another attempt (`None`, and the row says when), or how the case ends.
fn follows(row: &mut CaseRow, retries: &Retries, at: Timestamp, how: Disposition) -> Option<Done> {
    let outcome = match how {
        Disposition::HungUp { question } if question < retries.took_part_from => Outcome::HungUp,
        Disposition::Not(outcome) => outcome,
        Disposition::TrunkSilent => Outcome::Failed,
        Disposition::OptedOut => return Some(Done::OptedOut),
        other => return Some(Done::Ended(other)),
    };
    let count = match row.outcomes.iter_mut().find(|(of, _)| *of == outcome) {
        Some((_, count)) => {
            *count = count.saturating_add(1);
            *count
        }
        None => {
            row.outcomes.push((outcome, 1));
            1
        }
    };
    let Some(retry) = retries.after.get(&outcome) else { return Some(Done::Ended(how)) };
    // Those that rang nobody are not among them.
    let made = row.outcomes.iter().fold(0_u8, |made, (_, count)| made.saturating_add(*count));
    if count > retry.most || made >= retries.attempts {
        return Some(Done::Exhausted(outcome));
    }
    row.next = after(at, retry.after);
    row.next_why = Waits::After(outcome);
    None
}
