//! A dry run of the coming days.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{CallId, IdSource};
use jiff::{Timestamp, ToSpan};

use crate::event::{Command, Event};
use crate::policy::{Name, Outcome};
use crate::row::Disposition;
use crate::scheduler::{Scheduler, after};

/// What the coming days will bring, if nothing new becomes due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Attempts, by the beginning of the hour (UTC) and the policy.
    pub attempts: BTreeMap<(Timestamp, Name), u32>,
    /// Cases that are still due at the end, by policy.
    pub left: BTreeMap<Name, u32>,
}

/// What a call of the dry run does next.
enum Next {
    Answers,
    Ends(Disposition),
}

/// How long a call rings and how long it lasts, in the dry run.
const RINGS: Duration = Duration::from_secs(20);
const TALKS: Duration = Duration::from_secs(90);

impl Scheduler {
    /// Runs what is due through `days` days on a clock of its own, with the agents and trunks of now and
    /// as many answers as were measured. The scheduler itself is as it was.
    pub fn forecast(&self, now: Timestamp, days: u16) -> Forecast {
        let mut dry = self.clone();
        dry.ids = Arc::new(IdSource::new(0));
        while dry.poll_command().is_some() {}
        let end = now.checked_add((24 * i64::from(days)).hours()).unwrap_or(Timestamp::MAX);
        let mut ends: BTreeMap<(Timestamp, CallId), Next> = dry
            .flights
            .keys()
            .map(|call| ((after(now, RINGS), *call), Next::Ends(Disposition::Unknown)))
            .collect();
        let mut told = Forecast::default();
        let mut clock = now;
        let mut debt: BTreeMap<Name, u32> = BTreeMap::new();
        loop {
            let due = dry.poll_timeout().map(|at| at.max(clock));
            let over = ends.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = [due, over].into_iter().flatten().min().filter(|at| *at < end) else { break };
            clock = next.max(clock);
            if let Some(first) = ends.first_entry().filter(|first| first.key().0 <= clock) {
                let ((_, call), next) = first.remove_entry();
                match next {
                    Next::Answers => {
                        ends.insert((after(clock, TALKS), call), Next::Ends(Disposition::Completed));
                        dry.handle_event(clock, Event::Answered { call });
                    }
                    Next::Ends(how) => dry.handle_event(clock, Event::Ended { call, how }),
                }
            } else {
                dry.handle_timeout(clock);
            }
            while let Some(command) = dry.poll_command() {
                let Command::Dial(attempt) = command else { continue };
                *told.attempts.entry((hour(clock), attempt.policy.clone())).or_default() += 1;
                // As many answers as were measured, evenly.
                let share = dry.running_of(&attempt.policy).row.answered_ppm;
                let debt = debt.entry(attempt.policy.clone()).or_default();
                *debt += share;
                if *debt >= 1_000_000 {
                    *debt -= 1_000_000;
                    ends.insert((after(clock, RINGS.min(attempt.ring_limit)), attempt.call), Next::Answers);
                } else {
                    let how = Disposition::Not(Outcome::NoAnswer);
                    ends.insert((after(clock, attempt.ring_limit), attempt.call), Next::Ends(how));
                }
            }
        }
        for row in dry.due() {
            *told.left.entry(row.key.policy.clone()).or_default() += 1;
        }
        told
    }
}

fn hour(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).unwrap_or(at)
}
