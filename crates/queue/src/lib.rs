//! Waiting callers and agents → offers: all queues and agents of an installation in one pure state
//! machine, because an agent serves several queues.
//!
//! ```text
//! Queues ─ handle_event(now, Event), handle_timeout(now) ─→ poll_command() until None, poll_timeout()
//! rows of the record ─ Queues::restore ─→ Queues after a restart, places kept
//! ```
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod agents;
mod call_backs;
mod callers;
mod dispatch;
mod event;
mod offers;
mod queues;
mod restore;
mod row;
mod settings;
#[cfg(test)]
mod tests;
mod timers;
mod wait;

pub use event::{CallBackEnd, Command, Event, Join, Leaving, Left, NobodyWhy, NotAnswered, Withdrawn};
pub use queues::Queues;
pub use restore::Restored;
pub use row::{
    AfterCall, AgentRow, AgentState, CallBackRow, HandlingRow, OfferOutcome, OfferRow, Row, WaitingRow,
    WaitingState,
};
pub use settings::{CallBackSettings, Name, QueueSettings, Settings, Skills, Strategy, skills};
pub use wait::spoken;
