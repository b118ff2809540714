//! May this customer be called, or sent a message, now? Every rule that concerns one case, in the order it is told.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::campaign::{Cap, Channel, Name, Policy};
use hotline_model::{Calendar, CustomerId, PhoneNumber};
use jiff::Timestamp;

use crate::explain::{Done, Waits};
use crate::hours::next_ring;
use crate::number::{NumberRefused, takes_messages};
use crate::row::CaseKey;
use crate::scheduler::{Case, Person, Scheduler, after};

/// A message is planned only where the hours last so much longer: time to hand it over.
const HAND_OVER: Duration = Duration::from_secs(60);

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Gate {
    /// Now, at this number.
    Pass(PhoneNumber),
    /// Not before.
    Wait(Timestamp, Waits),
    /// Never.
    End(Done),
}

impl Scheduler {
    pub(crate) fn gate(&self, now: Timestamp, case: &Case) -> Gate {
        let row = &case.row;
        let Some(policy) = self.settings.policies.get(&row.key.policy) else {
            return Gate::End(Done::PolicyGone);
        };
        let person = self.customers.get(&row.customer);
        if person.is_some_and(Person::refuses) || self.others(row.customer).any(Person::refuses) {
            return Gate::End(Done::OptedOut);
        }
        let answer = self.rules(now, case, policy, person);
        if now < row.until {
            return answer;
        }
        // Too late: for want of what it waited for last.
        let why = match answer {
            Gate::Wait(_, why) => why,
            Gate::Pass(_) => {
                let slot = self.slot_past(now, &row.key.policy, row.channel, &case.passed);
                slot.err().unwrap_or(Waits::Turn)
            }
            Gate::End(done) => return Gate::End(done),
        };
        Gate::End(Done::TooLate(why))
    }

    fn rules(&self, now: Timestamp, case: &Case, policy: &Policy, person: Option<&Person>) -> Gate {
        let row = &case.row;
        if now < row.next {
            return Gate::Wait(row.next, row.next_why);
        }
        let Some((person, facts)) = person.and_then(|person| Some((person, person.facts.as_ref()?))) else {
            return Gate::Wait(row.until, Waits::CustomerUnknown);
        };
        let number = match &person.number {
            Ok(number) => number,
            Err(refused) => return Gate::End(Done::Number(*refused)),
        };
        if row.channel == Channel::Message && !takes_messages(number) {
            return Gate::End(Done::Number(NumberRefused::NotMobile));
        }
        // A telephone is one, whichever of its owners is meant.
        let others = || self.others(row.customer);
        if person.is_busy() || others().any(Person::is_busy) {
            return Gate::Wait(row.until, Waits::OnTheLine);
        }
        let quiet = others().map(|other| other.quiet_until).chain([person.quiet_until]).flatten().max();
        if let Some(quiet) = quiet.filter(|quiet| now < *quiet) {
            return Gate::Wait(quiet, Waits::JustSpoken);
        }
        for (which, cap) in self.settings.caps.iter().enumerate() {
            let all = others().chain([person]).flat_map(|one| one.tried.iter().map(|(at, _)| *at));
            if let Some(at) = full_until(now, *cap, all) {
                return Gate::Wait(at, Waits::Cap(which));
            }
        }
        for (which, cap) in policy.caps.iter().enumerate() {
            let all = others().chain([person]).flat_map(|one| &one.tried);
            let own = all.filter(|(_, policy)| *policy == row.key.policy).map(|(at, _)| *at);
            if let Some(at) = full_until(now, *cap, own) {
                return Gate::Wait(at, Waits::PolicyCap(which));
            }
        }
        let hours = self.hours_for(&row.key.policy, policy, facts.zone.as_ref());
        let ring = match (row.channel, &policy.calls) {
            (Channel::Call, Some(calls)) => calls.ring_limit,
            (Channel::Call, None) => return Gate::End(Done::PolicyGone),
            (Channel::Message, _) if policy.message.is_none() => return Gate::End(Done::PolicyGone),
            (Channel::Message, _) => HAND_OVER,
        };
        match next_ring(&hours, now, ring) {
            Some(at) if at <= now => Gate::Pass(number.clone()),
            Some(at) => Gate::Wait(at, Waits::Closed),
            None => Gate::Wait(row.until, Waits::Closed),
        }
    }

    /// Other customers who have this one's number.
    fn others(&self, customer: CustomerId) -> impl Iterator<Item = &Person> {
        let number = self.customers.get(&customer).and_then(|person| person.number.as_ref().ok());
        let owners = number.and_then(|number| self.owners.get(number)).map(Vec::as_slice).unwrap_or_default();
        owners.iter().filter(move |owner| **owner != customer).filter_map(|owner| self.customers.get(owner))
    }

    /// A policy's calendar on the clock of a zone.
    pub(crate) fn hours_for(
        &self,
        name: &Name,
        policy: &Policy,
        zone: Option<&jiff::tz::TimeZone>,
    ) -> Arc<Calendar> {
        let Some(zone) = zone.filter(|zone| **zone != policy.hours.zone) else {
            return Arc::clone(&policy.hours);
        };
        let kept = self.hours.get(name).and_then(|kept| kept.iter().find(|(of, _)| of == zone));
        kept.map_or_else(
            || Arc::new(Calendar { zone: zone.clone(), ..(*policy.hours).clone() }),
            |(_, hours)| Arc::clone(hours),
        )
    }

    /// Keeps the calendar of a case's customer, so that it is made once a zone.
    pub(crate) fn remember_hours(&mut self, key: &CaseKey) {
        let Some(policy) = self.settings.policies.get(&key.policy) else { return };
        let person = self.cases.get(key).and_then(|case| self.customers.get(&case.row.customer));
        let zone = person.and_then(|person| person.facts.as_ref()?.zone.as_ref());
        let Some(zone) = zone.filter(|zone| **zone != policy.hours.zone) else { return };
        if let Some(kept) = self.hours.get(&key.policy)
            && kept.iter().any(|(of, _)| of == zone)
        {
            return;
        }
        let made = self.hours_for(&key.policy, policy, Some(zone));
        let zone = zone.clone();
        self.hours.entry(key.policy.clone()).or_default().push((zone, made));
    }
}

/// When a cap lets the next attempt pass; `None` if it does now. Attempts that a clock which went back
/// has put into the future count.
fn full_until(now: Timestamp, cap: Cap, tried: impl Iterator<Item = Timestamp>) -> Option<Timestamp> {
    let mut ends: Vec<Timestamp> = tried.map(|at| after(at, cap.period)).filter(|end| *end > now).collect();
    let most = usize::try_from(cap.attempts).unwrap_or(usize::MAX);
    if ends.len() < most {
        return None;
    }
    ends.sort_unstable();
    Some(ends.get(ends.len() - most).copied().unwrap_or(Timestamp::MAX))
}
