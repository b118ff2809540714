//! How fast: calls a second, lines of trunks, and the agents who are free for those who want one.

use std::collections::VecDeque;
use std::time::Duration;

use hotline_model::campaign::{Channel, Name, Pace, Policy};
use jiff::Timestamp;

use crate::explain::Waits;
use crate::lines::{Passed, Slot};
use crate::row::PolicyRow;
use crate::scheduler::{Scheduler, after};

/// So many in any second, evenly.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rate {
    next: Option<Timestamp>,
    /// When those of the last second began.
    begun: VecDeque<Timestamp>,
}

const SECOND: Duration = Duration::from_secs(1);
/// Who comes late because a step took its time is made up for within this: otherwise each gap would be longer by that.
const MADE_UP: jiff::SignedDuration = jiff::SignedDuration::from_millis(100);

impl Rate {
    /// When the next may begin; `None` if now.
    pub fn waits(&self, now: Timestamp, per_second: u32) -> Option<Timestamp> {
        // A time farther off than one gap was set before the clock went back, and so was one that is yet to come.
        let even = self.next.filter(|next| now < *next && *next <= after(now, gap(per_second)));
        let most = usize::try_from(per_second.max(1)).unwrap_or(usize::MAX);
        let first = self.begun.len().checked_sub(most).and_then(|first| self.begun.get(first));
        let full = first.filter(|first| **first <= now).map(|first| after(*first, SECOND));
        even.max(full.filter(|end| now < *end))
    }

    pub fn take(&mut self, now: Timestamp, per_second: u32) {
        let due = self.next.filter(|next| *next <= now && now.duration_since(*next) <= MADE_UP);
        self.next = Some(after(due.unwrap_or(now), gap(per_second)));
        while self.begun.back().is_some_and(|at| *at > now) {
            self.begun.pop_back();
        }
        while self.begun.front().is_some_and(|at| after(*at, SECOND) <= now) {
            self.begun.pop_front();
        }
        self.begun.push_back(now);
    }
}

fn gap(per_second: u32) -> Duration {
    SECOND / per_second.max(1)
}

/// A policy at work.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub row: PolicyRow,
    pub ringing: u32,
    /// Answered, and not yet on the way to a human.
    pub talking: u32,
    /// How long a call is so, in seconds: a moving average; of all, and of those on the way to a human in the end.
    pub talk: Length,
    pub until_human: Length,
}

/// A moving average of lengths of time, with how many were measured.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Length {
    seconds: f64,
    measured: u32,
}

impl Length {
    pub fn measure(&mut self, length: jiff::SignedDuration) {
        // A clock that went back measures nothing.
        let seconds = length.as_secs_f64().max(0.0);
        self.measured = self.measured.saturating_add(1);
        let share = f64::from(self.measured.min(SHARE));
        self.seconds += (seconds - self.seconds) / share;
    }
}

impl Running {
    /// How many of those who talk will want a human. Of the calls under way at a moment more will than of all calls:
    /// they last longer until then than those that end without. By Little's law it is so many times more as their
    /// talk is longer than that of all.
    fn wants_human(&self) -> f64 {
        let escalated = f64::from(self.row.escalated_ppm) / 1e6;
        let enough = self.talk.measured >= ENOUGH && self.until_human.measured >= ENOUGH;
        let longer = if enough && self.talk.seconds > 0.0 {
            self.until_human.seconds / self.talk.seconds
        } else {
            UNMEASURED
        };
        (escalated * longer.max(1.0)).min(1.0)
    }
}

/// So many calls are measured before their average is believed.
const ENOUGH: u32 = 10;
/// Until then calls that lead to a human are taken to last so many times as long.
const UNMEASURED: f64 = 3.0;

/// The moving averages take a five-hundredth of what is new.
const SHARE: u32 = 500;

pub(crate) fn measure(average: &mut u32, hit: bool) {
    *average = *average - *average / SHARE + if hit { 1_000_000 / SHARE } else { 0 };
}

impl Scheduler {
    pub(crate) fn running_of(&mut self, policy: &Name) -> &mut Running {
        let pace = self.settings.policies.get(policy).and_then(|policy| pace_of(policy));
        let expected = pace.map_or(0, |pace| u32::from(pace.expected_permille.min(1_000)) * 1_000);
        self.running.entry(policy.clone()).or_insert_with(|| Running {
            row: PolicyRow {
                policy: policy.clone(),
                paused: false,
                attempts: 0,
                // As if everybody answered, until it is measured.
                answered_ppm: 1_000_000,
                answered: 0,
                escalated_ppm: expected,
            },
            ringing: 0,
            talking: 0,
            talk: Length::default(),
            until_human: Length::default(),
        })
    }

    /// The way by which a policy may call or send now.
    ///
    /// # Errors
    /// What it waits for.
    pub(crate) fn slot(&self, now: Timestamp, policy: &Name, channel: Channel) -> Result<Slot, Waits> {
        self.slot_past(now, policy, channel, &Passed::default())
    }

    /// The same for a case that some of the trunks are passed over for.
    ///
    /// # Errors
    /// What it waits for.
    pub(crate) fn slot_past(
        &self,
        now: Timestamp,
        policy: &Name,
        channel: Channel,
        passed: &Passed,
    ) -> Result<Slot, Waits> {
        let Some(rules) = self.settings.policies.get(policy) else { return Err(Waits::Turn) };
        if self.running.get(policy).is_some_and(|running| running.row.paused) {
            return Err(Waits::Paused);
        }
        if channel == Channel::Message {
            return Ok(Slot::Outbox);
        }
        let Some(calls) = &rules.calls else { return Err(Waits::Turn) };
        if let Some(pace) = &calls.pace
            && !self.humans_suffice(policy, pace)
        {
            return Err(Waits::Agents);
        }
        let mut why = Waits::Trunk;
        for name in calls.trunks.iter().filter(|name| !passed.has(name)) {
            let Some(line) = self.trunks.get(name).filter(|line| line.is_free(now)) else { continue };
            why = Waits::Rate;
            if line.rate.waits(now, line.trunk.per_second).is_none()
                && self.rate.waits(now, self.settings.per_second).is_none()
            {
                return Ok(Slot::Trunk(name.clone()));
            }
        }
        Err(why)
    }

    /// When a policy with calls to make or messages to send may do so, if that comes by itself.
    pub(crate) fn next_slot(&self) -> Option<Timestamp> {
        let with_calls = self.ready.iter().filter(|(_, line)| !line.is_empty());
        let at = |policy: &Name, channel: Channel| match self.slot(self.now, policy, channel) {
            Ok(_) => Some(self.now),
            Err(Waits::Rate) => {
                let all = self.rate.waits(self.now, self.settings.per_second).unwrap_or(self.now);
                let trunks = self.settings.policies.get(policy)?.calls.as_ref()?.trunks.iter();
                let open = trunks.filter_map(|name| self.trunks.get(name));
                open.filter(|line| line.is_free(self.now))
                    .map(|line| line.rate.waits(self.now, line.trunk.per_second).unwrap_or(all).max(all))
                    .min()
            }
            Err(Waits::Trunk) => self.rested(self.now, policy),
            Err(_) => None,
        };
        with_calls.filter_map(|((policy, channel), _)| at(policy, *channel)).min()
    }

    /// Whether one call more leaves the chance small enough, for each who wants a human, that they find nobody
    /// free. Those who will want one are nearly Poisson: many calls, each with a small chance; that says a
    /// little more than the truth, never less.
    fn humans_suffice(&self, policy: &Name, pace: &Pace) -> bool {
        let free = self.free.get(&pace.queue).copied().unwrap_or(0).saturating_sub(pace.keep_free);
        if free == 0 {
            return false;
        }
        let (mut calls, mut expected) = (1, 0.0);
        for (name, running) in &self.running {
            let rules = self.settings.policies.get(name).and_then(|policy| pace_of(policy));
            if rules.is_some_and(|other| other.queue == pace.queue) {
                calls += running.ringing + running.talking;
                let escalated = f64::from(running.row.escalated_ppm) / 1e6;
                let answered = f64::from(running.row.answered_ppm) / 1e6;
                expected += escalated * f64::from(running.ringing) * answered
                    + running.wants_human() * f64::from(running.talking);
            }
        }
        // There is somebody for each of them.
        if calls <= free {
            return true;
        }
        let own = self.running.get(policy).map_or_else(
            || f64::from(pace.expected_permille) / 1e3,
            |running| f64::from(running.row.escalated_ppm) / 1e6 * f64::from(running.row.answered_ppm) / 1e6,
        );
        stranded(free, expected + own) <= KEPT * f64::from(pace.stranded_permille) / 1e3
    }
}

/// So much of the share that may find nobody is planned for. The rest is for what no average knows: how many want a
/// human differs from hour to hour, and an agent who was free takes another call (`examples/month.rs` counts it).
const KEPT: f64 = 0.6;

fn pace_of(policy: &Policy) -> Option<&Pace> {
    policy.calls.as_ref()?.pace.as_ref()
}

/// The share of those who want a human that finds nobody free, where so many are free and so many, by expectation,
/// will want one: of a Poisson variable what is above `free`, over its mean.
fn stranded(free: u32, mean: f64) -> f64 {
    if mean <= 0.0 {
        return 0.0;
    }
    let at_least = |count: u32| count.checked_sub(1).map_or(1.0, |most| more_than(most, mean));
    ((mean * at_least(free) - f64::from(free) * at_least(free + 1)) / mean).max(0.0)
}

/// The chance that a Poisson variable of this mean is more than `most`.
fn more_than(most: u32, mean: f64) -> f64 {
    let mut term = (-mean).exp();
    let mut sum = term;
    for step in 1..=most {
        term *= mean / f64::from(step);
        sum += term;
    }
    1.0 - sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts calls for a minute, as fast as it may; whoever wakes is late by up to so much, in microseconds. Gives when.
    fn begun(per_second: u32, late: u64, seed: &mut u64) -> Vec<Timestamp> {
        let mut chance = || {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            Duration::from_micros(*seed % (late + 1))
        };
        let (mut rate, mut begun) = (Rate::default(), Vec::new());
        let (mut now, end) = (Timestamp::UNIX_EPOCH, after(Timestamp::UNIX_EPOCH, Duration::from_secs(60)));
        while now < end {
            match rate.waits(now, per_second) {
                Some(at) => now = after(at, chance()),
                None => {
                    rate.take(now, per_second);
                    begun.push(now);
                }
            }
        }
        begun
    }

    #[test]
    fn so_many_begin_in_a_second_and_never_more_in_any_however_late_somebody_wakes() {
        let mut seed = 0x5eed;
        for per_second in [1, 2, 7, 10, 50, 333] {
            // On time; a timer and a commit; a disk that is busy; a machine that stood still, of which only the limit is asked.
            for (late, reached) in [(0, 1.0), (2_000, 0.99), (30_000, 0.9), (400_000, 0.0)] {
                let begun = begun(per_second, late, &mut seed);
                let most = per_second as usize;
                for pair in begun.windows(most + 1) {
                    let apart = pair[most].duration_since(pair[0]).as_secs_f64();
                    assert!(apart >= 1.0, "{} in {apart} s, late {late}", most + 1);
                }
                let a_second = begun.len() as f64 / 60.0;
                assert!(
                    a_second >= reached * f64::from(per_second),
                    "{a_second} of {per_second}, late {late}"
                );
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_stops_nobody_and_rest_saves_nothing_up() {
        let at = |ms: i64| Timestamp::from_millisecond(1_000_000 + ms).unwrap();
        let mut rate = Rate::default();
        rate.take(at(5_000), 2);
        assert_eq!(rate.waits(at(5_100), 2), Some(at(5_500)));
        assert_eq!(rate.waits(at(0), 2), None);
        rate.take(at(0), 2);
        assert_eq!(rate.waits(at(100), 2), Some(at(500)));
        // After a minute of nothing there is one at once, and the next behind its gap.
        assert_eq!(rate.waits(at(60_000), 2), None);
        rate.take(at(60_000), 2);
        assert_eq!(rate.waits(at(60_000), 2), Some(at(60_500)));
    }

    #[test]
    fn the_share_that_finds_nobody_is_of_those_who_want_somebody() {
        // One is free, and one wants somebody by expectation: E[(X - 1)+] = P(X = 0) = 1/e.
        assert!((stranded(1, 1.0) - (-1.0_f64).exp()).abs() < 1e-12);
        assert!(stranded(1, 1e-9) < 1e-6 && stranded(5, 0.0) == 0.0);
        // More free agents strand fewer, more calls strand more.
        assert!(stranded(2, 0.5) < stranded(1, 0.5) && stranded(2, 0.6) > stranded(2, 0.5));
        assert!(stranded(3, 500.0) > 0.99);
    }
}
