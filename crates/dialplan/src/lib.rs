//! A designer's plan file: source, checked plan, session; diagnostics, call scripts, simulator.
//!
//! ```text
//! files ─ Plans::load ─→ Plans (checked, immutable, shared)  and  Diagnostics
//! Plans ─ Session::new ─→ Session: events in, commands out, time as an argument
//! Plans + *.calls.yaml ─ calls::CallScripts ─→ Report, by a Simulation on virtual time
//! ```
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

pub mod calls;
mod check;
pub mod diagnostic;
pub mod expression;
mod lower;
pub mod plan;
pub mod plans;
pub mod recordings;
pub mod schema;
pub mod session;
pub mod simulation;
pub mod source;
mod tree;
pub mod writing;

pub use calls::CallScripts;
pub use diagnostic::{Diagnostic, Severity};
pub use plan::{Outcome, Pace, Plan};
pub use plans::Plans;
pub use recordings::Recordings;
pub use session::{Answer, Command, Event, OpId, Session, StartContext};
pub use simulation::Simulation;
