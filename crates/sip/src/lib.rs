//! SIP messages, SDP, transactions, dialogs, digest: bytes in, bytes out.
//!
//! [`Endpoint`] is the user agent: one `handle_*`, then drain [`Endpoint::poll_datagram`] and
//! [`Endpoint::poll_event`] until `None`, then wait until [`Endpoint::poll_timeout`]. It owns no socket and
//! no clock. `README.md` has the loop in full.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod arena;
pub mod auth;
mod dialog;
mod endpoint;
mod ids;
pub mod message;
mod registrar;
pub mod sdp;
mod timers;
mod transaction;

pub use endpoint::{
    Config, ConnectionId, Counts, Datagram, EndCause, Endpoint, Event, Invite, LegKey, Network, NetworkError,
    OpError, Outbound, Party, Source, Sources, Transport, dtmf_relay,
};
pub use registrar::{Binding, Device, Registrar};
