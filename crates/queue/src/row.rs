//! The rows of the record: what must be known after a restart.

use std::time::Duration;

use hotline_model::{AgentId, CallId, CustomerId, IdentityId, OfferId, PhoneNumber, WaitingId};
use jiff::Timestamp;

use crate::settings::{Name, Skills};

/// Where a caller who wanted an agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitingState {
    /// Waits.
    Waiting,
    /// An agent's telephone rings.
    Offered,
    /// Talks with an agent.
    Talking,
    /// Their connection was lost; the place is kept for when they call again.
    Kept,
    /// Would rather not wait on the line: the place is kept, and they are called when it comes.
    CallBack,
    /// Is being called, and an agent is kept free for them.
    Calling,
    /// Talked with an agent.
    Served,
    /// Went away: hung up, or took another way out.
    Left,
    /// No agent came.
    Nobody,
    /// The queue is closed.
    Closed,
    /// No queue is called so.
    Failed,
    /// Called again: another row has the place.
    Resumed,
    /// Did not call again in time.
    Expired,
    /// Was called, and could not be reached.
    NotReached,
}

impl WaitingState {
    /// Every state.
    pub const ALL: [Self; 14] = [
        Self::Waiting,
        Self::Offered,
        Self::Talking,
        Self::Kept,
        Self::CallBack,
        Self::Calling,
        Self::Served,
        Self::Left,
        Self::Nobody,
        Self::Closed,
        Self::Failed,
        Self::Resumed,
        Self::Expired,
        Self::NotReached,
    ];

    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Talking => "talking",
            Self::Kept => "kept",
            Self::CallBack => "call-back",
            Self::Calling => "calling",
            Self::Served => "served",
            Self::Left => "left",
            Self::Nobody => "nobody",
            Self::Closed => "closed",
            Self::Failed => "failed",
            Self::Resumed => "resumed",
            Self::Expired => "expired",
            Self::NotReached => "not-reached",
        }
    }

    /// Whether nothing comes after it.
    pub const fn is_over(self) -> bool {
        !matches!(
            self,
            Self::Waiting | Self::Offered | Self::Talking | Self::Kept | Self::CallBack | Self::Calling
        )
    }
}

/// A row of `waiting`.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingRow {
    /// Its id.
    pub waiting: WaitingId,
    /// The call that waits.
    pub call: CallId,
    /// The queue.
    pub queue: Name,
    /// 0 to 9; higher ones come first.
    pub priority: u8,
    /// What the agent must be able to do, besides what the queue asks for.
    pub skills: Skills,
    /// The agent who had the caller's ticket last.
    pub last_agent: Option<AgentId>,
    /// When the caller came into the line: of an earlier call, if its place was kept.
    pub joined_at: Timestamp,
    /// Where the caller stands.
    pub state: WaitingState,
    /// Since when.
    pub since: Timestamp,
    /// The agent who is offered the call, is kept free for it, talks, or talked.
    pub agent: Option<AgentId>,
    /// Who waits, if that is known.
    pub customer: Option<CustomerId>,
    /// The number they call from: by it they get a kept place back.
    pub identity: Option<IdentityId>,
    /// Until when the place is kept, in the state `Kept`.
    pub kept_until: Option<Timestamp>,
    /// What is kept for a call back, in the states `CallBack` and `Calling`.
    pub call_back: Option<CallBackRow>,
}

/// Where and how a caller is called back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBackRow {
    /// At which number.
    pub number: PhoneNumber,
    /// How often they were called, the call that goes on included.
    pub tries: u32,
    /// Not before.
    pub not_before: Option<Timestamp>,
}

/// What an agent does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentState {
    /// Not here.
    SignedOut,
    /// Free.
    Available,
    /// On a break. Reasons are the firm's, and `missed`.
    Break {
        /// Why.
        reason: String,
    },
    /// The telephone rings.
    Offered {
        /// Which offer.
        offer: OfferId,
        /// Whose.
        waiting: WaitingId,
    },
    /// On a call.
    Talking {
        /// With whom, if it came by a queue.
        waiting: Option<WaitingId>,
    },
    /// Writes down what the call was about.
    WrapUp {
        /// When it ends by itself.
        until: Timestamp,
    },
}

impl AgentState {
    /// The word in the record.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Available => "available",
            Self::Break { .. } => "break",
            Self::Offered { .. } => "offered",
            Self::Talking { .. } => "talking",
            Self::WrapUp { .. } => "wrap-up",
        }
    }

    /// Why, on a break.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Break { reason } => Some(reason),
            _ => None,
        }
    }
}

/// What an agent who is busy does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterCall {
    /// Goes on a break.
    Break {
        /// Why.
        reason: String,
    },
    /// Signs out.
    SignOut,
}

/// A row of `agent`.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    /// Who.
    pub agent: AgentId,
    /// What they do.
    pub state: AgentState,
    /// Since when.
    pub since: Timestamp,
    /// Since when they have had no call; counts for `longest-idle`.
    pub idle_since: Timestamp,
    /// What they can do.
    pub skills: Skills,
    /// Offers missed in a row.
    pub missed: u32,
    /// What they do after this call.
    pub after_call: Option<AfterCall>,
}

/// How an offer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferOutcome {
    /// The agent answered.
    Answered,
    /// Nobody answered in time.
    TimedOut,
    /// The agent did not want it.
    Declined,
    /// The agent's telephone was busy.
    Busy,
    /// The agent's telephone could not be reached.
    Failed,
    /// The caller went away, or the agent did.
    Withdrawn,
    /// The server ended meanwhile.
    Lost,
}

impl OfferOutcome {
    /// Every outcome.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::TimedOut,
        Self::Declined,
        Self::Busy,
        Self::Failed,
        Self::Withdrawn,
        Self::Lost,
    ];

    /// The word in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::TimedOut => "timed-out",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
            Self::Lost => "lost",
        }
    }
}

/// A row of `offer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRow {
    /// Its id.
    pub offer: OfferId,
    /// Whose.
    pub waiting: WaitingId,
    /// To whom.
    pub agent: AgentId,
    /// When it was made.
    pub at: Timestamp,
    /// How it ended, and when; `None` while it rings.
    pub outcome: Option<(OfferOutcome, Timestamp)>,
}

/// How long calls of a queue take: what a wait is estimated from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandlingRow {
    /// The queue.
    pub queue: Name,
    /// The moving average of talk and wrap-up.
    pub average: Duration,
    /// How many calls were measured.
    pub calls: u64,
}

/// A row that is to be written as it stands here, by its id.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// Of `waiting`.
    Waiting(WaitingRow),
    /// Of `agent`.
    Agent(AgentRow),
    /// Of `offer`.
    Offer(OfferRow),
    /// The handling time of a queue.
    Handling(HandlingRow),
}
