//! The nouns every room shares: ids, telephone number, money, language, customer, ticket,
//! interaction, call events, end reason; calendar, verification policy, clock.
//!
//! Nothing here does anything by itself: no sockets, no files, no time of its own.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

pub mod calendar;
pub mod campaign;
pub mod clock;
pub mod code;
pub mod end_reason;
pub mod id;
pub mod language;
pub mod money;
pub mod phone_number;
pub mod pii;
pub mod rebate;
pub mod say;
pub mod step_event;
pub mod ticket;
pub mod value;
pub mod verification;

pub use calendar::Calendar;
pub use clock::{Clock, SystemClock};
pub use code::TicketCode;
pub use end_reason::{EndReason, Ending};
pub use id::{
    AgentId, ArticleId, CallId, CustomerId, IdSource, IdentityId, InteractionId, JobId, MessageId, OfferId,
    RebateId, TicketId, UserId, WaitingId,
};
pub use language::Language;
pub use money::{Currency, Money};
pub use phone_number::{CallerNumber, PhoneNumber};
pub use pii::Pii;
pub use rebate::{RebateInput, RebateState, RebateType};
pub use say::{Segment, Slot, Utterance};
pub use step_event::StepEvent;
pub use ticket::{TicketInput, TicketState};
pub use value::{Decimal, Fields, Value};
pub use verification::VerificationPolicy;
