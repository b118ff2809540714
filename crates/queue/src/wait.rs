//! Places and honest waits.
//!
//! The estimate: an agent is busy with a call of a queue for its *handling time* (talk and wrap-up),
//! a moving average in which the last call counts a tenth. *n* agents who take calls and could serve
//! a caller work off, one after the other, everybody ahead who would get one of the same agents, and
//! then the caller: wait = (sum of their handling times + one of the caller's queue) / n. With one
//! queue that is place × handling time / n. No distribution of arrivals is assumed; callers who give
//! up make it shorter. It is unknown (`None`) before three calls of a queue were measured, and while
//! no agent takes calls.

use std::collections::HashMap;
use std::time::Duration;

use crate::dispatch::Need;
use crate::event::Command;
use crate::queues::Queues;
use crate::row::{HandlingRow, Row, WaitingState};
use crate::settings::Name;

/// How much of the average the last call is: one part in ten.
const PARTS: u64 = 10;

/// An average of fewer calls says nothing.
const ENOUGH: u64 = 3;

/// A call is counted with two hours at most, the longest a call lasts.
const LONGEST: Duration = Duration::from_secs(2 * 3_600);

/// How long a queue's calls take.
#[derive(Debug, Clone, Default)]
pub(crate) struct Handling {
    pub milliseconds: u64,
    pub calls: u64,
}

impl Handling {
    fn take(&mut self, length: Duration) {
        let length = u64::try_from(length.min(LONGEST).as_millis()).unwrap_or(u64::MAX);
        self.calls += 1;
        // The plain mean until there are ten, so that the first call does not outweigh them.
        let parts = self.calls.min(PARTS);
        self.milliseconds = (self.milliseconds * (parts - 1) + length) / parts;
    }

    pub fn average(&self) -> Option<Duration> {
        (self.calls >= ENOUGH).then(|| Duration::from_millis(self.milliseconds))
    }
}

/// A wait as one would say it, in whole minutes and never shorter than it is: to ten minutes each,
/// to half an hour in fives, then in tens.
pub fn spoken(wait: Duration) -> Duration {
    let minutes = wait.as_secs().div_ceil(60).max(1);
    let step = match minutes {
        0..=10 => 1,
        11..=30 => 5,
        _ => 10,
    };
    Duration::from_secs(minutes.div_ceil(step) * step * 60)
}

impl Queues {
    pub(crate) fn measure(&mut self, queue: Name, length: Duration) {
        let handling = self.handling.entry(queue.clone()).or_default();
        handling.take(length);
        let (calls, average) = (handling.calls, Duration::from_millis(handling.milliseconds));
        self.places_changed = true;
        self.store(Row::Handling(HandlingRow { queue, average, calls }));
    }

    /// Tells everybody whose place or wait is another one than they were told.
    pub(crate) fn tell_places(&mut self) {
        let needs = self.needs.list();
        let shared = shared(needs);
        let averages: Vec<Option<Duration>> =
            needs.iter().map(|need| self.handling_time(&need.queue)).collect();
        // Seconds of work ahead, by need.
        let mut ahead = vec![0.0f64; needs.len()];
        let mut places: HashMap<Name, u32> = HashMap::new();
        let mut told = Vec::new();
        for (.., waiting) in &self.line {
            let Some(caller) = self.callers.get(waiting) else { continue };
            let place = places.entry(caller.row.queue.clone()).or_default();
            *place += 1;
            let (need, staff) = (caller.need, needs[caller.need].at_work.len());
            let wait = averages[need].filter(|_| staff > 0).map(|own| {
                let work: f64 = shared[need].iter().map(|other| ahead[*other]).sum();
                let seconds = (work + own.as_secs_f64()) / staff as f64;
                spoken(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST))
            });
            ahead[need] += averages[need].map_or(0.0, |own| own.as_secs_f64());
            if caller.row.state == WaitingState::Waiting && caller.told != Some((*place, wait)) {
                told.push((*waiting, *place, wait));
            }
        }
        for (waiting, place, wait) in told {
            if let Some(caller) = self.callers.get_mut(&waiting) {
                caller.told = Some((place, wait));
            }
            self.commands.push_back(Command::Place { waiting, place, wait });
        }
    }
}

/// For each need the needs that some of the same agents serve, itself included.
fn shared(needs: &[Need]) -> Vec<Vec<usize>> {
    let meet = |a: &Need, b: &Need| a.at_work.iter().any(|agent| b.at_work.binary_search(agent).is_ok());
    needs
        .iter()
        .enumerate()
        .map(|(at, need)| {
            (0..needs.len()).filter(|other| *other == at || meet(need, &needs[*other])).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_said_in_minutes_and_never_too_short() {
        let said = |seconds| spoken(Duration::from_secs(seconds)).as_secs() / 60;
        assert_eq!([0, 1, 60, 61, 599, 600].map(said), [1, 1, 1, 2, 10, 10]);
        assert_eq!(
            [601, 15 * 60, 15 * 60 + 1, 30 * 60, 31 * 60, 95 * 60].map(said),
            [15, 15, 20, 30, 40, 100]
        );
    }

    #[test]
    fn an_average_follows_slowly() {
        let mut handling = Handling::default();
        for _ in 0..2 {
            handling.take(Duration::from_secs(300));
            assert_eq!(handling.average(), None);
        }
        handling.take(Duration::from_secs(300));
        assert_eq!(handling.average(), Some(Duration::from_secs(300)));
        (0..20).for_each(|_| handling.take(Duration::from_secs(300)));
        handling.take(Duration::from_secs(1_300));
        assert_eq!(handling.average(), Some(Duration::from_secs(400)));
    }
}
