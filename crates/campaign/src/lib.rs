//! Who is called when: the policies of an installation, the tickets that are settled, and the agents and
//! trunks that are free → calls and messages to customers, as one pure state machine.
//!
//! ```text
//! Scheduler ─ handle_event(now, Event), handle_timeout(now) ─→ poll_command() until None, poll_timeout()
//! rows of the record ─ Scheduler::restore ─→ Scheduler after a restart: nothing lost, nobody called twice
//! ```
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod attempts;
mod dispatch;
mod draw;
mod event;
mod explain;
mod forecast;
mod gate;
mod hours;
mod lines;
mod messages;
mod number;
mod pace;
mod policy;
mod restore;
mod row;
mod scheduler;
#[cfg(test)]
mod tests;
mod words;

pub use event::{Attempt, CancelWhy, Command, CustomerFacts, Event, Notice, TicketFacts, Trunk};
pub use explain::{Decision, Done, NotDrawn, Verdict, Waits};
pub use forecast::Forecast;
pub use number::{NumberRefused, check_number, takes_messages};
pub use restore::Restored;
pub use row::{AttemptRow, CaseKey, CaseRow, Disposition, PolicyRow, Row};
pub use scheduler::Scheduler;
