//! The four transactions of RFC 3261 §17 with the Accepted states of RFC 6026.
//!
//! Each machine takes an [`Input`] and says what to do with [`Action`]s: one function per state, to be read
//! beside the figures of the RFC. They know no message: the endpoint matches, builds and sends.

mod invite_client;
mod invite_server;
mod key;
mod other_client;
mod other_server;
mod timer;

#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub(crate) use invite_client::InviteClient;
pub(crate) use invite_server::InviteServer;
pub(crate) use key::{ClientKey, ServerKey, merge_key};
pub(crate) use other_client::OtherClient;
pub(crate) use other_server::OtherServer;
pub(crate) use timer::{Timer, Timing};

/// The states of all four machines; each uses its own few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// INVITE client: sent, nothing heard.
    Calling,
    /// Other client: sent, nothing heard. Other server: received, nothing answered.
    Trying,
    /// A provisional response was sent or heard (INVITE server: from the start).
    Proceeding,
    /// A final response was sent or heard (INVITE: one that is no 2xx).
    Completed,
    /// INVITE: a 2xx was sent or heard (RFC 6026 §7.1, §7.2).
    Accepted,
    /// INVITE server: the ACK for a failure has come.
    Confirmed,
    /// To be forgotten.
    Terminated,
}

/// What happens to a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// Server: the same request again.
    Request,
    /// INVITE server: the ACK of its failure.
    Ack,
    /// Server: the user answers. Client: a response came; for failures of INVITE the bytes are the ACK.
    Response { class: Class, bytes: Bytes },
    /// A timer the transaction set.
    Timer(Timer),
    /// What it sent could not be delivered.
    TransportError,
}

/// Which of the three kinds a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// 1xx.
    Provisional,
    /// 2xx.
    Success,
    /// 3xx to 6xx.
    Failure,
}

impl Class {
    pub(crate) fn of(code: u16) -> Class {
        match code {
            0..=199 => Class::Provisional,
            200..=299 => Class::Success,
            _ => Class::Failure,
        }
    }
}

/// What the endpoint shall do for a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send these bytes where the transaction sends.
    Send(Bytes),
    /// Come back with [`Input::Timer`] after this long.
    Set(Timer, Duration),
    /// Hand the response at hand to the transaction's user.
    Deliver,
    /// Tell the user that nobody answered.
    TimedOut,
    /// Tell the user that the message could not be sent.
    TransportFailed,
}

/// One transaction of any kind.
#[derive(Debug)]
pub(crate) enum Machine {
    InviteClient(InviteClient),
    InviteServer(InviteServer),
    OtherClient(OtherClient),
    OtherServer(OtherServer),
}

impl Machine {
    pub(crate) fn handle(&mut self, input: Input, out: &mut Vec<Action>) {
        match self {
            Machine::InviteClient(machine) => machine.handle(input, out),
            Machine::InviteServer(machine) => machine.handle(input, out),
            Machine::OtherClient(machine) => machine.handle(input, out),
            Machine::OtherServer(machine) => machine.handle(input, out),
        }
    }

    pub(crate) fn state(&self) -> State {
        match self {
            Machine::InviteClient(machine) => machine.state(),
            Machine::InviteServer(machine) => machine.state(),
            Machine::OtherClient(machine) => machine.state(),
            Machine::OtherServer(machine) => machine.state(),
        }
    }
}
