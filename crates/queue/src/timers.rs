//! Deadlines by what they are for: each at most once.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{AgentId, OfferId, WaitingId};
use jiff::Timestamp;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// An offer has rung long enough.
    Offer(OfferId),
    /// A wrap-up is over.
    WrapUp(AgentId),
    /// An agent may be offered calls again.
    Rest(AgentId),
    /// A caller has waited for their last agent long enough.
    Hold(WaitingId),
    /// A caller has waited long enough.
    LongestWait(WaitingId),
    /// A kept place runs out.
    Kept(WaitingId),
    /// Somebody may be called back now.
    CallBack(WaitingId),
    /// An agent was kept free for a call back for long enough.
    Reserved(WaitingId),
}

#[derive(Debug, Default)]
pub(crate) struct Timers {
    by_time: BTreeSet<(Timestamp, Timer)>,
    at: BTreeMap<Timer, Timestamp>,
}

impl Timers {
    pub fn set(&mut self, timer: Timer, at: Timestamp) {
        self.clear(timer);
        self.at.insert(timer, at);
        self.by_time.insert((at, timer));
    }

    pub fn clear(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    pub fn next(&self) -> Option<Timestamp> {
        self.by_time.first().map(|(at, _)| *at)
    }

    /// Takes the earliest that is due.
    pub fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let (at, timer) = *self.by_time.first()?;
        if at > now {
            return None;
        }
        self.clear(timer);
        Some(timer)
    }
}
