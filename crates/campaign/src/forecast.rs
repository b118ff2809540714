//! A dry run of the coming days.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::campaign::{Channel, Name, Outcome};
use hotline_model::{CallId, IdSource};
use jiff::{Timestamp, ToSpan};

use crate::event::{Command, Event};
use crate::row::Disposition;
use crate::scheduler::{Scheduler, after};

/// What the coming days will bring, if nothing new becomes due.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecast {
    /// Calls, by the beginning of the hour (UTC) and the policy.
    pub attempts: BTreeMap<(Timestamp, Name), u32>,
    /// Messages, in the same way.
    pub messages: BTreeMap<(Timestamp, Name), u32>,
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
/// How long it takes until a message is taken.
const SENDS: Duration = Duration::from_secs(2);

impl Scheduler {
    /// Runs what is due through `days` days on a clock of its own, with the agents and trunks of now and
    /// as many answers as were measured. The scheduler itself is as it was; what it wants dialled and was not yet
    /// polled is dialled first.
    pub fn forecast(&self, now: Timestamp, days: u16) -> Forecast {
        let mut dry = self.clone();
        dry.ids = Arc::new(IdSource::new(0));
        let mut run = Run { told: Forecast::default(), ends: BTreeMap::new(), debt: BTreeMap::new() };
        run.obey(&mut dry, now);
        for (call, flight) in &dry.flights {
            let begun = run.ends.keys().any(|(_, known)| known == call);
            if !begun {
                let (at, how) = match flight.row.channel {
                    Channel::Call => (after(now, RINGS), Disposition::Unknown),
                    Channel::Message => (after(now, SENDS), Disposition::Sent),
                };
                run.ends.insert((at, *call), Next::Ends(how));
            }
        }
        let end = now.checked_add((24 * i64::from(days)).hours()).unwrap_or(Timestamp::MAX);
        let mut clock = now;
        loop {
            let due = dry.poll_timeout().map(|at| at.max(clock));
            let over = run.ends.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = [due, over].into_iter().flatten().min().filter(|at| *at < end) else { break };
            clock = next.max(clock);
            if let Some(first) = run.ends.first_entry().filter(|first| first.key().0 <= clock) {
                let ((_, call), next) = first.remove_entry();
                match next {
                    Next::Answers => {
                        run.ends.insert((after(clock, TALKS), call), Next::Ends(Disposition::Completed));
                        dry.handle_event(clock, Event::Answered { call });
                    }
                    Next::Ends(how) => dry.handle_event(clock, Event::Ended { call, how }),
                }
            } else {
                dry.handle_timeout(clock);
            }
            run.obey(&mut dry, clock);
        }
        for row in dry.due() {
            *run.told.left.entry(row.key.policy.clone()).or_default() += 1;
        }
        run.told
    }
}

/// A dry run as it goes.
struct Run {
    told: Forecast,
    ends: BTreeMap<(Timestamp, CallId), Next>,
    /// Parts of an answer, in millionths, that each policy's calls have not had yet.
    debt: BTreeMap<Name, u32>,
}

impl Run {
    /// Makes the calls and sends the messages that are wanted: as many answer as were measured, evenly.
    fn obey(&mut self, dry: &mut Scheduler, clock: Timestamp) {
        while let Some(command) = dry.poll_command() {
            let attempt = match command {
                Command::Dial(attempt) => attempt,
                Command::Send(notice) => {
                    let place = (hour(clock), notice.policy.clone());
                    *self.told.messages.entry(place).or_default() += 1;
                    let ends = Next::Ends(Disposition::Sent);
                    self.ends.insert((after(clock, SENDS), notice.call), ends);
                    continue;
                }
                _ => continue,
            };
            *self.told.attempts.entry((hour(clock), attempt.policy.clone())).or_default() += 1;
            let share = dry.running_of(&attempt.policy).row.answered_ppm;
            let debt = self.debt.entry(attempt.policy.clone()).or_default();
            *debt += share;
            let (at, next) = if *debt >= 1_000_000 {
                *debt -= 1_000_000;
                (RINGS.min(attempt.ring_limit), Next::Answers)
            } else {
                (attempt.ring_limit, Next::Ends(Disposition::Not(Outcome::NoAnswer)))
            };
            self.ends.insert((after(clock, at), attempt.call), next);
        }
    }
}

fn hour(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(3_600) * 3_600).unwrap_or(at)
}
