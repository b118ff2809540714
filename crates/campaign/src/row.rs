//! What the record keeps. The rows are the truth, written in the order they are told.

use hotline_model::campaign::{Channel, Name, Outcome};
use hotline_model::{CallId, CustomerId, TicketId};
use jiff::Timestamp;

use crate::explain::{Done, Waits};

/// One policy for one ticket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseKey {
    /// The ticket.
    pub ticket: TicketId,
    /// The policy.
    pub policy: Name,
}

/// A row of `campaign_case`: a customer to be called, or told, about a ticket by a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseRow {
    /// Policy and ticket.
    pub key: CaseKey,
    /// The closing or change that it was drawn for first: another one after it was done is another round.
    pub round: Timestamp,
    /// Whom to call.
    pub customer: CustomerId,
    /// How they are tried next.
    pub channel: Channel,
    /// The ticket's closing or change that made it due.
    pub since: Timestamp,
    /// No attempt before.
    pub next: Timestamp,
    /// Why not before.
    pub next_why: Waits,
    /// No attempt from then on.
    pub until: Timestamp,
    /// The number of the last attempt of this round that has ended, those included that were taken back.
    pub made: u16,
    /// How often which outcome.
    pub outcomes: Vec<(Outcome, u8)>,
    /// Over: when and why.
    pub done: Option<(Timestamp, Done)>,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Answered every question.
    Completed,
    /// Hung up while this question was asked; 0 is the greeting.
    HungUp {
        /// The question, from 1.
        question: u32,
    },
    /// Wants no more calls at all.
    OptedOut,
    /// Nobody knows: the attempt was begun, and its end was not told.
    Unknown,
    /// The message was taken to be delivered.
    Sent,
    /// The trunk took no call, and no telephone rang: it refused, or could not be reached.
    TrunkFailed,
    /// The trunk answered nothing at all. Perhaps only its answers were lost: the telephone may have rung.
    TrunkSilent,
    /// It never left the house: no line, too many calls, the record away.
    NotMade,
    /// It never left the house: the trunk may not call that number.
    NotListed,
    /// One of those after which a policy may try again.
    Not(Outcome),
}

/// A row of `campaign_attempt`; stored before the INVITE or the message leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptRow {
    /// Names the attempt, and the call if it is one.
    pub call: CallId,
    /// What it is.
    pub channel: Channel,
    /// Policy and ticket.
    pub key: CaseKey,
    /// The case's round.
    pub round: Timestamp,
    /// Which attempt of the round, from 1.
    pub number: u16,
    /// Who is called.
    pub customer: CustomerId,
    /// By which trunk; empty if it is a message.
    pub trunk: Name,
    /// When it was decided.
    pub at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// The end.
    pub ended: Option<(Timestamp, Disposition)>,
}

impl AttemptRow {
    /// Whether the customer was not tried by it: a message that was taken back before it left, a call that rang nobody.
    pub fn is_taken_back(&self) -> bool {
        self.ended.is_some_and(|(_, how)| match self.channel {
            Channel::Message => how == Disposition::Not(Outcome::Cancelled),
            Channel::Call => {
                matches!(how, Disposition::TrunkFailed | Disposition::NotMade | Disposition::NotListed)
            }
        })
    }
}

/// A row of `campaign_policy`: what is known of a policy beyond its file.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyRow {
    /// The policy.
    pub policy: Name,
    /// Paused by a supervisor.
    pub paused: bool,
    /// Attempts measured.
    pub attempts: u32,
    /// How many of 1,000,000 attempts are answered: a moving average.
    pub answered_ppm: u32,
    /// Answered calls measured.
    pub answered: u32,
    /// How many of 1,000,000 answered want a human: a moving average.
    pub escalated_ppm: u32,
}

/// What to store.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// A case.
    Case(CaseRow),
    /// An attempt.
    Attempt(AttemptRow),
    /// A policy.
    Policy(PolicyRow),
    /// The customer wants no calls, or wants them again.
    OptOut {
        /// Who.
        customer: CustomerId,
        /// No calls.
        out: bool,
    },
}
