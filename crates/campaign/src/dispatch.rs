//! Whose turn it is.

use std::cmp::Reverse;
use std::time::Duration;

use hotline_model::campaign::Channel;
use jiff::Timestamp;

use crate::explain::{Verdict, Waits};
use crate::gate::Gate;
use crate::lines::Slot;
use crate::row::CaseKey;
use crate::scheduler::{Place, Scheduler, after};

/// Who finds no line of the trunks that are left to them looks again after this, if one of them may have a line by then.
const ASIDE: Duration = Duration::from_secs(15);

impl Scheduler {
    /// Calls and sends as long as policies may, at most `budget` times; not before everything that is due was
    /// judged, so that the first place is the right one's.
    pub(crate) fn dispatch(&mut self, now: Timestamp, mut budget: usize) {
        if self.only_looks
            || !self.redraw.is_empty()
            || self.waiting.first().is_some_and(|(at, _)| *at <= now)
        {
            return;
        }
        while budget > 0
            && let Some(key) = self.next_in_turn(now)
        {
            budget -= 1;
            self.remember_hours(&key);
            let Some(case) = self.cases.get(&key) else { return };
            let gate = self.gate(now, case);
            match (gate, self.slot_past(now, &key.policy, case.row.channel, &case.passed)) {
                (Gate::Pass(number), Ok(Slot::Trunk(trunk))) => self.dial(now, &key, number, trunk),
                (Gate::Pass(number), Ok(Slot::Outbox)) => self.send(now, &key, number),
                // Others of its policy go by trunks that it is passed over by: it steps aside.
                (Gate::Pass(_), Err(why)) => self.step_aside(now, &key, why),
                _ => self.judge(now, &key),
            }
        }
    }

    fn step_aside(&mut self, now: Timestamp, key: &CaseKey, why: Waits) {
        let Some(case) = self.cases.get_mut(key) else { return };
        // A trunk that failed at it may have recovered by then.
        case.passed.failed.clear();
        let too_late = case.row.until;
        let has_line = self.cases.get(key).is_some_and(|case| self.has_line_one_day(case));
        let until = if has_line { after(now, ASIDE).min(too_late) } else { too_late };
        self.put(key, Place::Waiting(until));
        self.aside.insert(key.clone());
        self.decide(now, key, Verdict::Waits { until, why });
    }

    /// A trunk came back, or has more lines: whoever stepped aside may have waited for it.
    pub(crate) fn end_aside(&mut self, now: Timestamp) {
        for key in std::mem::take(&mut self.aside) {
            self.put(&key, Place::Waiting(now));
        }
    }

    /// The first of the policies that may call: by priority, then by who would be too late first.
    fn next_in_turn(&self, now: Timestamp) -> Option<CaseKey> {
        let heads = self.ready.iter().filter_map(|((policy, channel), line)| {
            let (until, key) = line.first()?;
            let priority = self.settings.policies.get(policy).map_or(0, |policy| policy.priority);
            Some((Reverse(priority), *until, key, *channel))
        });
        let mut heads: Vec<_> = heads.collect();
        heads.sort_unstable();
        // The case of a policy that is gone is judged, which ends it.
        let may = |key: &CaseKey, channel: Channel| {
            !self.settings.policies.contains_key(&key.policy) || self.slot(now, &key.policy, channel).is_ok()
        };
        heads.into_iter().find(|(.., key, channel)| may(key, *channel)).map(|(.., key, _)| key.clone())
    }
}
