//! What happens to queues, and what they want done.

use std::time::Duration;

use hotline_model::{AgentId, CallId, CustomerId, IdentityId, OfferId, PhoneNumber, WaitingId};
use jiff::Timestamp;

use crate::row::{Row, WaitingRow};
use crate::settings::{Name, Settings, Skills};

/// A caller comes into the line.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// A new id: one for each time that a call waits.
    pub waiting: WaitingId,
    /// The call.
    pub call: CallId,
    /// The queue.
    pub queue: Name,
    /// 0 to 9; higher ones come first.
    pub priority: u8,
    /// What the agent must be able to do, besides what the queue asks for.
    pub skills: Skills,
    /// The agent who had the caller's ticket last.
    pub last_agent: Option<AgentId>,
    /// Who waits, if that is known.
    pub customer: Option<CustomerId>,
    /// The number they call from. A place kept for it, or for the customer, in the same queue is
    /// theirs again.
    pub identity: Option<IdentityId>,
    /// A place from before that the shell knows of; never later than now.
    pub joined_at: Option<Timestamp>,
}

/// How a caller went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Hung up.
    HungUp,
    /// Took another way out: left a message, chose another channel.
    OtherWay,
    /// The network lost the call: the place is kept.
    ConnectionLost,
}

/// Why an offer was not answered, as the agent's telephone or page tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnswered {
    /// The agent does not want it.
    Declined,
    /// The telephone is busy.
    Busy,
    /// The telephone cannot be reached.
    Failed,
}

/// How a call to somebody whose place is kept ended without their coming back into the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallBackEnd {
    /// They were not reached, or went before anything was settled.
    NotReached,
    /// They need nobody any more, or all is settled without an agent.
    Settled,
    /// No call was made: it is no try.
    NotMade,
}

/// Something happened. What does not fit what goes on is dropped.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A caller comes into the line.
    Join(Box<Join>),
    /// A caller goes away.
    Leave {
        /// Which.
        waiting: WaitingId,
        /// How.
        how: Leaving,
    },
    /// An agent signs in, or comes back from a break, and is free; or has other skills from now on.
    SignIn {
        /// Who.
        agent: AgentId,
        /// What they can do.
        skills: Skills,
    },
    /// An agent signs out; after the call, if they are on one.
    SignOut {
        /// Who.
        agent: AgentId,
    },
    /// An agent is free: after a break, or before the wrap-up is over. Takes back what they wanted
    /// to do after the call.
    Available {
        /// Who.
        agent: AgentId,
    },
    /// An agent takes a break; after the call, if they are on one.
    Break {
        /// Who.
        agent: AgentId,
        /// Why.
        reason: String,
    },
    /// An agent has answered.
    Accepted {
        /// The offer.
        offer: OfferId,
        /// Who.
        agent: AgentId,
    },
    /// An offer does not come to anything.
    NotAnswered {
        /// The offer.
        offer: OfferId,
        /// Why.
        how: NotAnswered,
    },
    /// An agent is on a call that came by no queue: a transfer, a call out.
    TalkBegan {
        /// Who.
        agent: AgentId,
    },
    /// An agent's talk is over: one of both hung up, or the caller was put through to somebody else.
    TalkEnded {
        /// Who.
        agent: AgentId,
    },
    /// An agent who was kept free for a call by [`Event::TalkBegan`] was not reached: no talk came of it.
    NotReached {
        /// Who.
        agent: AgentId,
    },
    /// An agent has left their caller to somebody outside the queue: their talk is over, the caller's is not.
    HandedOn {
        /// Who.
        agent: AgentId,
    },
    /// The agent kept by [`Event::TalkBegan`] has the caller who was handed on to them.
    TookOver {
        /// Who.
        agent: AgentId,
        /// Whom.
        waiting: WaitingId,
    },
    /// Nobody had the caller who was handed on: back to their place.
    TakenBack {
        /// Which.
        waiting: WaitingId,
    },
    /// An agent's telephone was lost in mid-call, and the caller is still there: back to their place.
    AgentLost {
        /// Who.
        agent: AgentId,
    },
    /// A caller would rather be called back than wait. [`Command::CallBackKept`] says whether the place is kept for it;
    /// they are called once they have hung up ([`Event::Leave`]),
    /// and have had a moment for it; who goes another way is not called.
    CallBack {
        /// Who.
        waiting: WaitingId,
        /// At which number.
        number: PhoneNumber,
    },
    /// Somebody who was called has answered, and comes back to their place: with what is asked for there, whatever
    /// the new call says.
    CalledBack {
        /// The place that was kept.
        place: WaitingId,
        /// The new call.
        join: Box<Join>,
    },
    /// A call that [`Command::CallBack`] wanted is over, or was never made, and they did not come back to their place.
    CallBackEnded {
        /// The place that is kept.
        place: WaitingId,
        /// How.
        how: CallBackEnd,
    },
    /// The firm has changed its queues.
    Settings(Box<Settings>),
}

/// Why an offer is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawn {
    /// The agent did not answer in time.
    TimedOut,
    /// The caller is gone.
    CallerLeft,
    /// The agent signed out, took a break, or is on another call.
    AgentLeft,
}

/// How a place in the line came to its end without an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NobodyWhy {
    /// No agent who could serve the caller is signed in.
    NobodySignedIn,
    /// The longest wait is over.
    LongestWait,
}

/// The ways in which a caller's waiting ends, told by [`Command::Left`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// No agent.
    Nobody(NobodyWhy),
    /// Closed.
    Closed,
    /// No queue is called so.
    Failed,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Ring this agent's telephone and show the card. The answer is [`Event::Accepted`] or
    /// [`Event::NotAnswered`].
    Offer {
        /// Names the offer.
        offer: OfferId,
        /// The caller.
        waiting: WaitingId,
        /// The caller's queue.
        queue: Name,
        /// The agent.
        agent: AgentId,
        /// Taken back then.
        until: Timestamp,
    },
    /// Stop ringing. An answer that comes all the same is told [`Command::TooLate`].
    Withdraw {
        /// The offer.
        offer: OfferId,
        /// The caller.
        waiting: WaitingId,
        /// The agent.
        agent: AgentId,
        /// Why.
        why: Withdrawn,
    },
    /// Join the two: the agent has the caller.
    Joined {
        /// The offer.
        offer: OfferId,
        /// The caller.
        waiting: WaitingId,
        /// The agent.
        agent: AgentId,
    },
    /// The agent answered an offer that is no longer theirs: hang up, say so on their page.
    TooLate {
        /// The offer.
        offer: OfferId,
        /// The agent.
        agent: AgentId,
    },
    /// The caller waits again: the agent was lost.
    Returned {
        /// The caller.
        waiting: WaitingId,
    },
    /// Where the caller stands now; told when it changes.
    Place {
        /// The caller.
        waiting: WaitingId,
        /// From 1, within the queue.
        place: u32,
        /// How long, rounded to what one would say; `None` if nobody knows.
        wait: Option<Duration>,
    },
    /// The caller's waiting is over, and no agent came of it.
    Left {
        /// The caller.
        waiting: WaitingId,
        /// How.
        how: Left,
    },
    /// A kept place was not taken up in time.
    KeptExpired {
        /// Whose.
        waiting: WaitingId,
    },
    /// Whether the place is kept for a call back: there is one at most for a caller and for a number.
    CallBackKept {
        /// Whose.
        waiting: WaitingId,
        /// Whether.
        kept: bool,
    },
    /// Call them: an agent is kept free. Not before the rows so far are committed, so that no crash has them called
    /// twice. The answer is [`Event::CalledBack`], or else [`Event::CallBackEnded`].
    CallBack {
        /// Whose place.
        place: WaitingId,
        /// The call in which they asked for it.
        call: CallId,
        /// The queue.
        queue: Name,
        /// Who they are, if that is known.
        customer: Option<CustomerId>,
        /// Whom to call.
        number: PhoneNumber,
        /// Which attempt, from 1.
        attempt: u32,
        /// How long it rings.
        ring: Duration,
    },
    /// They have called in themselves, and have their place: stop ringing. What is told of that call is dropped.
    CallBackOff {
        /// Whose place it was.
        place: WaitingId,
    },
    /// They could not be reached, and are not called again: somebody has to see to it.
    CallBackGivenUp {
        /// The place as it was.
        row: Box<WaitingRow>,
    },
    /// Write this row, in the order of the commands.
    Store(Row),
}
