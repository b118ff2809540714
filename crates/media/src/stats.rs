//! How a media thread keeps its time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A thread's counters; written by it alone, read by anyone.
#[derive(Debug, Default)]
pub(crate) struct ThreadStats {
    legs: AtomicU64,
    ticks: AtomicU64,
    skipped: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    late_p99_us: AtomicU64,
    late_max_us: AtomicU64,
    busy_permille: AtomicU64,
}

/// A media thread as it was a moment ago; lateness and load are those of the last whole second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadSnapshot {
    /// Legs open.
    pub legs: u64,
    /// Ticks of 5 ms since the start.
    pub ticks: u64,
    /// Ticks left out because the thread was more than 200 ms late.
    pub skipped_ticks: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received.
    pub received: u64,
    /// 99 of 100 ticks began at most this late.
    pub late_p99: Duration,
    /// The latest began this late.
    pub late_max: Duration,
    /// Share of time the thread worked, in thousandths. Above 850 the next call is one too many.
    pub busy_permille: u64,
}

/// One second's ticks, kept by the thread itself.
#[derive(Debug, Default)]
pub(crate) struct TickWindow {
    late_us: Vec<u32>,
    busy: Duration,
    began: Duration,
}

impl ThreadStats {
    pub fn snapshot(&self) -> ThreadSnapshot {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ThreadSnapshot {
            legs: load(&self.legs),
            ticks: load(&self.ticks),
            skipped_ticks: load(&self.skipped),
            sent: load(&self.sent),
            received: load(&self.received),
            late_p99: Duration::from_micros(load(&self.late_p99_us)),
            late_max: Duration::from_micros(load(&self.late_max_us)),
            busy_permille: load(&self.busy_permille),
        }
    }

    pub fn store_counts(&self, legs: usize, sent: u64, received: u64) {
        self.legs.store(legs as u64, Ordering::Relaxed);
        self.sent.store(sent, Ordering::Relaxed);
        self.received.store(received, Ordering::Relaxed);
    }

    pub fn add_skipped(&self, ticks: u64) {
        self.skipped.fetch_add(ticks, Ordering::Relaxed);
    }
}

impl TickWindow {
    /// Takes a tick in: how late it began, how long it worked, and when it ended. Once a second the figures go to
    /// `stats`.
    pub fn note(&mut self, late: Duration, busy: Duration, end: Duration, stats: &ThreadStats) {
        stats.ticks.fetch_add(1, Ordering::Relaxed);
        self.late_us.push(u32::try_from(late.as_micros()).unwrap_or(u32::MAX));
        self.busy += busy;
        let span = end.saturating_sub(self.began);
        if span < Duration::from_secs(1) {
            return;
        }
        self.late_us.sort_unstable();
        let p99 = self.late_us[(self.late_us.len() * 99).div_ceil(100) - 1];
        stats.late_p99_us.store(u64::from(p99), Ordering::Relaxed);
        stats.late_max_us.store(u64::from(self.late_us.last().copied().unwrap_or(0)), Ordering::Relaxed);
        let permille = self.busy.as_micros() * 1000 / span.as_micros();
        stats.busy_permille.store(permille as u64, Ordering::Relaxed);
        self.late_us.clear();
        self.busy = Duration::ZERO;
        self.began = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_ticks_gives_its_ninety_ninth_percentile_and_load() {
        let stats = ThreadStats::default();
        let mut window = TickWindow::default();
        for tick in 1..=200u64 {
            let late = Duration::from_micros(if tick > 198 { 9000 } else { tick });
            window.note(late, Duration::from_millis(1), Duration::from_millis(tick * 5), &stats);
        }
        let snapshot = stats.snapshot();
        assert_eq!((snapshot.late_p99.as_micros(), snapshot.late_max.as_micros()), (198, 9000));
        assert_eq!((snapshot.busy_permille, snapshot.ticks), (200, 200));
    }
}
