//! Trunks: what each carries for us, and whether it takes calls. One that fails again and again rests, so that what is
//! due goes by the next one, or waits, and is not burnt.

use std::time::Duration;

use hotline_model::CallId;
use hotline_model::campaign::{Name, Outcome};
use jiff::Timestamp;

use crate::event::Trunk;
use crate::pace::Rate;
use crate::row::{AttemptRow, Disposition};
use crate::scheduler::{Case, Scheduler, after};

/// A trunk that failed so often in a row rests.
const FAILURES: u32 = 3;
/// For so long at first, twice as long each time its probe fails, and at most so long.
const REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(600);
/// A trunk that has no line for us, although we count one, is left alone for so long: transfers share its lines.
const HOLD: Duration = Duration::from_secs(5);

/// A trunk, and what it carries for us.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub trunk: Trunk,
    pub used: u32,
    pub rate: Rate,
    /// Failures in a row, the last of them then.
    failures: u32,
    failed_at: Option<Timestamp>,
    /// Left alone until then.
    rests: Option<Timestamp>,
    /// The one call that finds out whether it takes calls again.
    probe: Option<CallId>,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            trunk: Trunk { up: false, lines: 0, per_second: 1 },
            used: 0,
            rate: Rate::default(),
            failures: 0,
            failed_at: None,
            rests: None,
            probe: None,
        }
    }
}

impl Line {
    /// Whether calls may be tried by it, as far as it is known to take them.
    pub fn is_up(&self, now: Timestamp) -> bool {
        self.trunk.up && self.rests_until(now).is_none() && (self.failures < FAILURES || self.probe.is_none())
    }

    /// Whether it has a line for one call more.
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.is_up(now) && self.used < self.trunk.lines
    }

    /// When it has rested; `None` if it does not rest. A time farther off was set before the clock went back.
    pub fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.rests.filter(|until| now < *until && *until <= after(now, LONGEST_REST))
    }

    pub fn begin(&mut self, now: Timestamp, call: CallId) {
        self.used += 1;
        self.rate.take(now, self.trunk.per_second);
        if self.failures >= FAILURES {
            self.probe = Some(call);
        }
    }

    /// It takes calls.
    pub fn works(&mut self) {
        (self.failures, self.failed_at, self.rests, self.probe) = (0, None, None, None);
    }

    /// A call of it is over.
    pub fn end(&mut self, now: Timestamp, attempt: &AttemptRow, how: Disposition) {
        self.used = self.used.saturating_sub(1);
        let is_probe = self.probe.take_if(|probe| *probe == attempt.call).is_some();
        match how {
            Disposition::TrunkFailed | Disposition::TrunkSilent => {
                // Calls that were under way when it began to rest say nothing new.
                if self.failures >= FAILURES && !is_probe {
                    return;
                }
                self.failures = self.failures.saturating_add(1);
                self.failed_at = Some(now);
                if let Some(doubled) = self.failures.checked_sub(FAILURES) {
                    let rest = REST.saturating_mul(1 << doubled.min(8)).min(LONGEST_REST);
                    self.rests = Some(after(now, rest));
                }
            }
            Disposition::NotMade => {
                self.rests = self.rests.max(Some(after(now, HOLD)));
            }
            // What the network said of the number or the customer came by this trunk.
            Disposition::Not(
                Outcome::Busy
                | Outcome::NoAnswer
                | Outcome::SwitchedOff
                | Outcome::WrongNumber
                | Outcome::Refused,
            ) if attempt.answered_at.is_none()
                && self.failed_at.is_none_or(|failed| attempt.at >= failed) =>
            {
                self.works();
            }
            _ => {}
        }
    }
}

/// The way out that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A line of this trunk.
    Trunk(Name),
    /// Messages are handed to the outbox, which sends them as fast as they are taken.
    Outbox,
}

/// Trunks that a case is not tried by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passed {
    /// They failed at it just now.
    pub failed: Vec<Name>,
    /// They may not call its number.
    pub unlisted: Vec<Name>,
}

impl Passed {
    pub fn has(&self, trunk: &Name) -> bool {
        self.failed.contains(trunk) || self.unlisted.contains(trunk)
    }
}

impl Scheduler {
    /// Whether another trunk of its policy could take this case now.
    pub(crate) fn has_other_line(&self, now: Timestamp, case: &Case) -> bool {
        self.lines_left(case).any(|line| line.is_free(now))
    }

    /// Whether one of the trunks that are left to this case comes to have a line by itself.
    pub(crate) fn has_line_one_day(&self, case: &Case) -> bool {
        self.lines_left(case).any(|line| line.trunk.up && line.trunk.lines > 0)
    }

    /// The trunks of its policy that this case may be tried by.
    fn lines_left(&self, case: &Case) -> impl Iterator<Item = &Line> {
        let policy = self.settings.policies.get(&case.row.key.policy);
        let calls = policy.and_then(|policy| policy.calls.as_ref());
        let trunks = calls.map(|calls| calls.trunks.as_slice()).unwrap_or_default().iter();
        trunks.filter(|name| !case.passed.has(name)).filter_map(|name| self.trunks.get(name))
    }

    /// When the first of a policy's trunks has rested.
    pub(crate) fn rested(&self, now: Timestamp, policy: &Name) -> Option<Timestamp> {
        let trunks = &self.settings.policies.get(policy)?.calls.as_ref()?.trunks;
        let lines = trunks.iter().filter_map(|name| self.trunks.get(name));
        lines
            .filter(|line| line.trunk.up && line.used < line.trunk.lines)
            .filter_map(|line| line.rests_until(now))
            .min()
    }
}
