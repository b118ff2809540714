//! What happens to the scheduler, and what it wants done.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_model::campaign::{Name, Settings};
use hotline_model::{CallId, CustomerId, PhoneNumber, Pii, TicketId, TicketState};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::explain::Decision;
use crate::row::{Disposition, Row};

/// What is known of a customer.
#[derive(Debug, Clone)]
pub struct CustomerFacts {
    /// Who.
    pub customer: CustomerId,
    /// The number to call, as it was written.
    pub number: Option<Pii<String>>,
    /// The zone they live in.
    pub zone: Option<TimeZone>,
    /// Tier, language and what else policies ask for.
    pub attributes: BTreeMap<Name, Name>,
    /// Wants no calls.
    pub do_not_call: bool,
}

/// What is known of a ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketFacts {
    /// Which.
    pub ticket: TicketId,
    /// Whose.
    pub customer: CustomerId,
    /// Where it stands.
    pub state: TicketState,
    /// When it came to stand there, or moved.
    pub since: Timestamp,
    /// What it is about.
    pub category: Name,
    /// How it was settled.
    pub outcome: Option<Name>,
}

/// A trunk as the dialer may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trunk {
    /// It takes calls.
    pub up: bool,
    /// Calls at once.
    pub lines: u32,
    /// Calls begun a second.
    pub per_second: u32,
}

/// Something happened. What does not fit what goes on is dropped.
#[derive(Debug, Clone)]
pub enum Event {
    /// A customer is known, or something of them has changed. Told before their tickets.
    Customer(Box<CustomerFacts>),
    /// A ticket was closed, opened, cancelled, or moved. The same twice changes nothing.
    Ticket(Box<TicketFacts>),
    /// The customer has answered.
    Answered {
        /// The attempt.
        call: CallId,
    },
    /// The customer wants a human, and is on the way to one.
    Escalated {
        /// The attempt.
        call: CallId,
    },
    /// An attempt is over.
    Ended {
        /// The attempt.
        call: CallId,
        /// What came of it.
        how: Disposition,
    },
    /// The customer wants no calls, or wants them again: by key, by message, through an agent.
    OptOut {
        /// Who.
        customer: CustomerId,
        /// No calls.
        out: bool,
    },
    /// The customer is on the line with us, whoever called.
    CallsIn {
        /// Who.
        customer: CustomerId,
    },
    /// That call is over.
    CallInEnded {
        /// Who.
        customer: CustomerId,
    },
    /// The customer was in touch with us in writing: answered on a page, or by text message.
    Wrote {
        /// Who.
        customer: CustomerId,
    },
    /// A supervisor stops a policy, or lets it go on. Calls that go on are not ended.
    Pause {
        /// Which.
        policy: Name,
        /// Stopped.
        paused: bool,
    },
    /// So many agents of a queue are free.
    Agents {
        /// The queue.
        queue: Name,
        /// How many.
        free: u32,
    },
    /// A trunk came, went, or may be used otherwise.
    Trunk {
        /// Which.
        name: Name,
        /// How.
        trunk: Trunk,
    },
    /// The firm has changed its policies. What is due is judged anew.
    Settings(Box<Settings>),
}

/// An attempt to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Names the attempt, and the call.
    pub call: CallId,
    /// By which policy.
    pub policy: Name,
    /// About what.
    pub ticket: TicketId,
    /// To whom.
    pub customer: CustomerId,
    /// At which number.
    pub number: PhoneNumber,
    /// The number they see.
    pub show: Name,
    /// By which trunk.
    pub trunk: Name,
    /// The plan that speaks to them.
    pub plan: Name,
    /// How long it rings.
    pub ring_limit: Duration,
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// Names the attempt.
    pub call: CallId,
    /// By which policy.
    pub policy: Name,
    /// About what.
    pub ticket: TicketId,
    /// To whom.
    pub customer: CustomerId,
    /// At which number.
    pub number: PhoneNumber,
    /// Not handed over at this time or later: the hours have ended.
    pub until: Timestamp,
}

/// Why an attempt is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelWhy {
    /// The customer is calling us.
    CallsIn,
    /// The customer wants no calls.
    OptedOut,
    /// The ticket was opened again or taken back.
    Ticket,
    /// Nothing was heard of it for too long; it is settled as unknown.
    Silent,
}

/// What to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Store a row. What follows waits until it is committed.
    Store(Row),
    /// Call. Its row stands before it. Told back are [`Event::Answered`] and, once, [`Event::Ended`].
    Dial(Box<Attempt>),
    /// Plan a message: in the outbox in the same commit as its row, so that it is there exactly once. Told
    /// back is, once, [`Event::Ended`]: [`Disposition::Sent`] when it was taken, [`Outcome::Cancelled`] if it
    /// certainly was not and may be planned again, [`Outcome::Failed`] if it never will be.
    ///
    /// [`Outcome::Cancelled`]: hotline_model::campaign::Outcome::Cancelled
    /// [`Outcome::Failed`]: hotline_model::campaign::Outcome::Failed
    Send(Box<Notice>),
    /// Stop ringing, or take the message back if it has not left; [`Event::Ended`] comes all the same. Who has answered meanwhile is not cut off.
    Cancel {
        /// The attempt.
        call: CallId,
        /// Why.
        why: CancelWhy,
    },
    /// A decision with its reason, for the record.
    Explain(Decision),
}
