//! One heap of all timers, cancelled lazily.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::arena::{Arena, Key};

/// A timer that was set; setting again gives another.
pub(crate) type TimerId = Key;

/// Timers of `T`. A cancelled timer stays in the heap as a dead entry until it comes to the top, or until
/// the dead outnumber the living and the heap is rebuilt.
#[derive(Debug)]
pub(crate) struct Timers<T> {
    heap: BinaryHeap<Reverse<(Instant, TimerId)>>,
    live: Arena<T>,
}

impl<T> Timers<T> {
    pub(crate) fn new() -> Timers<T> {
        Timers { heap: BinaryHeap::new(), live: Arena::new() }
    }

    pub(crate) fn set(&mut self, at: Instant, what: T) -> TimerId {
        let id = self.live.insert(what);
        self.heap.push(Reverse((at, id)));
        id
    }

    pub(crate) fn cancel(&mut self, id: TimerId) {
        if self.live.remove(id).is_none() {
            return;
        }
        if self.heap.len() > 2 * self.live.len() + 64 {
            let live = &self.live;
            self.heap.retain(|Reverse((_, id))| live.find(*id).is_some());
        }
    }

    /// When the next living timer is due.
    pub(crate) fn next(&mut self) -> Option<Instant> {
        loop {
            let Reverse((at, id)) = self.heap.peek()?;
            if self.live.find(*id).is_some() {
                return Some(*at);
            }
            self.heap.pop();
        }
    }

    /// The next timer due at or before `now`, with the instant it was set for.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.next()? > now {
            return None;
        }
        let Reverse((at, id)) = self.heap.pop()?;
        Some((at, self.live.remove(id)?))
    }

    pub(crate) fn len(&self) -> usize {
        self.live.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a virtual clock needs one real instant to start from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn timers_come_in_order_and_cancelled_ones_never() {
        let (start, mut timers) = (start(), Timers::new());
        let at = |seconds| start + Duration::from_secs(seconds);
        timers.set(at(3), 'c');
        let gone = timers.set(at(1), 'a');
        timers.set(at(2), 'b');
        timers.cancel(gone);
        assert_eq!(timers.next(), Some(at(2)));
        assert_eq!(timers.pop(at(1)), None);
        assert_eq!(timers.pop(at(9)), Some((at(2), 'b')));
        assert_eq!(timers.pop(at(9)), Some((at(3), 'c')));
        assert_eq!(timers.next(), None);
    }

    #[test]
    fn cancelled_timers_do_not_pile_up() {
        let (start, mut timers) = (start(), Timers::new());
        for second in 0..100_000 {
            let id = timers.set(start + Duration::from_secs(7200 + second), ());
            timers.cancel(id);
        }
        assert!(timers.heap.len() < 200);
    }
}
