//! RTP packets, RTCP, jitter buffer and RFC 4733 digits: bytes in, bytes out.
//!
//! [`Session`] is one leg's RTP: datagrams and time go in, keys, reports and statistics come out. The other modules are
//! its parts and can be used alone.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

pub mod digit;
mod digit_receiver;
mod digit_sender;
mod jitter;
mod packet;
mod reception;
pub mod rtcp;
mod session;

pub use digit_receiver::DigitReceiver;
pub use digit_sender::{DigitSender, OutgoingDigit};
pub use jitter::{Filled, JitterBuffer};
pub use packet::{Extension, HEADER_LEN, Header, Packet, PacketError};
pub use reception::{Order, Placed, Reception};
pub use session::{Config, DatagramError, Event, Incoming, Session, Stats};
