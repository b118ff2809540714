//! Queues and agents of a simulation: as the script or the person at the keyboard says.

use std::time::Duration;

use super::Simulation;
use crate::session::{Event, NotThrough, OpId};

/// How the queues are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimulatedQueue {
    /// No agent is signed in.
    #[default]
    Nobody,
    /// Closed, whatever the calendar says.
    Closed,
    /// They cannot be asked.
    Failed,
    /// Agents are there; the caller has this place and wait.
    Open {
        /// From 1; 0 for a free agent, whose telephone rings: no place is told.
        place: u32,
        /// `None` if nobody knows.
        wait: Option<Duration>,
    },
}

/// What comes of asking to be called back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimulatedCallBack {
    /// The place is kept.
    #[default]
    Kept,
    /// There is one already, or the number may not be called.
    Refused,
    /// It cannot be kept.
    Failed,
}

/// What comes of sending the caller a prompt as a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimulatedText {
    /// It goes out.
    #[default]
    Sent,
    /// The number takes none.
    Refused,
    /// It cannot be kept.
    Failed,
}

/// What comes of putting a call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SimulatedTransfer {
    /// They answer.
    #[default]
    Answers,
    /// They do not.
    Fails(NotThrough),
}

/// The queue answers after this time.
const ANSWERS: Duration = Duration::from_millis(50);

/// Whoever is called picks up, or turns out to be busy, after this time.
const PICKS_UP: Duration = Duration::from_secs(3);

/// What comes within this time is not waited for at the keyboard.
const SOON: Duration = Duration::from_secs(1);

/// The humans at the other end.
#[derive(Debug, Default)]
pub(super) struct Human {
    news: Vec<(Duration, Event)>,
    waits: Option<OpId>,
    talks: Option<(OpId, bool)>,
}

impl Human {
    pub fn next_at(&self) -> Option<Duration> {
        self.news.iter().map(|(at, _)| *at).min()
    }

    pub fn is_due_soon(&self, now: Duration) -> bool {
        self.next_at().is_some_and(|at| at <= now + SOON)
    }

    pub fn take_due(&mut self, now: Duration) -> Option<Event> {
        let at = self.news.iter().position(|(at, _)| *at <= now)?;
        Some(self.news.remove(at).1)
    }

    /// Nobody waits in the queue any more.
    pub fn forget(&mut self, op: OpId) {
        if self.waits == Some(op) {
            self.waits = None;
            self.news.clear();
        }
    }
}

impl Simulation<'_> {
    pub(super) fn enqueue(&mut self, op: OpId, name: &str) {
        let queue = self.plans.find_queue(name);
        let longest = queue.map(|queue| queue.longest_wait).unwrap_or_default();
        let now = jiff::SignedDuration::try_from(self.now).unwrap_or_default();
        let now = self.started.timestamp().checked_add(now).unwrap_or(self.started.timestamp());
        let hours = queue.and_then(|queue| self.plans.find_calendar(queue.hours.as_ref()?));
        let closed = hours.is_some_and(|hours| !hours.is_open(now));
        let at = self.now + ANSWERS;
        self.human.news.clear();
        self.human.waits = Some(op);
        match self.record.queue {
            SimulatedQueue::Failed => self.human.news.push((at, Event::QueueFailed { op })),
            SimulatedQueue::Closed => self.human.news.push((at, Event::QueueClosed { op })),
            _ if closed => self.human.news.push((at, Event::QueueClosed { op })),
            SimulatedQueue::Nobody => self.human.news.push((at, Event::Nobody { op })),
            SimulatedQueue::Open { place, wait } => {
                if place > 0 {
                    self.human.news.push((at, Event::Place { op, place, wait }));
                }
                self.human.news.push((self.now + longest, Event::Nobody { op }));
            }
        }
    }

    pub(super) fn transfer(&mut self, op: OpId, to: &str, ring: Duration) {
        self.tell(format!("rings {to}"));
        let (after, event) = match self.record.transfer {
            SimulatedTransfer::Answers => (PICKS_UP, Event::Joined { op, agent: None }),
            SimulatedTransfer::Fails(how) => {
                let after = if how == NotThrough::NoAnswer { ring } else { PICKS_UP };
                (after.min(ring), Event::TransferFailed { op, how })
            }
        };
        self.human.news = vec![(self.now + after, event)];
    }

    pub(super) fn human_news(&mut self, event: Event) {
        match event {
            Event::Joined { op, .. } => self.human.talks = Some((op, false)),
            Event::Nobody { .. } | Event::QueueClosed { .. } | Event::QueueFailed { .. } => {
                self.human.waits = None;
            }
            _ => {}
        }
        self.happen(event);
    }

    /// Whether the caller waits in a queue.
    pub const fn waits_in_queue(&self) -> bool {
        self.human.waits.is_some() && !self.over
    }

    /// Whether somebody talks with the caller.
    pub const fn talks(&self) -> bool {
        self.human.talks.is_some() && !self.over
    }

    /// An agent answers; `false` if the caller does not wait.
    pub fn agent_answers(&mut self) -> bool {
        let Some(op) = self.human.waits.take().filter(|_| !self.over) else { return false };
        self.tell("an agent answers".into());
        self.human.news.clear();
        self.human.talks = Some((op, true));
        self.happen(Event::Joined { op, agent: None });
        true
    }

    /// Whoever talks with the caller hangs up; `false` if nobody does.
    pub fn agent_hangs_up(&mut self) -> bool {
        let Some((op, _)) = self.human.talks.take().filter(|_| !self.over) else { return false };
        self.tell("the other side hangs up".into());
        self.happen(Event::TalkEnded { op });
        true
    }

    /// The agent's telephone is lost, and the caller waits again, first in line; `false` if no agent
    /// of a queue talks with them.
    pub fn agent_is_lost(&mut self) -> bool {
        let talks = self.human.talks.filter(|(_, of_queue)| *of_queue && !self.over);
        let Some((op, _)) = talks else { return false };
        self.human.talks = None;
        self.human.waits = Some(op);
        self.happen(Event::Returned { op });
        self.move_up(1)
    }

    /// The caller has another place now; `false` if they do not wait.
    pub fn move_up(&mut self, place: u32) -> bool {
        let Some(op) = self.human.waits.filter(|_| !self.over) else { return false };
        let wait = match self.record.queue {
            SimulatedQueue::Open { wait, .. } => wait,
            _ => None,
        };
        self.happen(Event::Place { op, place, wait });
        true
    }
}
