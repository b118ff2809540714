//! Media threads: RTP sockets, the 20 ms clock, play, collect, record to file.
//!
//! [`MediaPlane`] is what the engine holds. Its calls never wait: each puts a command into the ring of the media thread
//! that owns the leg, and what happens comes back in batches of [`MediaEvent`].

mod command;
mod config;
mod disk;
mod event;
mod latch;
mod leg;
mod merge;
mod mix;
mod plane;
mod player;
mod ports;
mod recorder;
mod route;
mod stats;
mod sys;
mod thread;
mod transport;
mod wideband;

pub use command::{Direction, LegId, PlayId, Remote};
pub use config::MediaConfig;
pub use event::{DigitBy, LegStats, MediaEvent, PlayEnd};
pub use plane::{LocalMedia, MediaError, MediaPlane};
pub use stats::ThreadSnapshot;
pub use sys::take_long_turns;
