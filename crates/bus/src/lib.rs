//! Commands from one room of floor 3 to another, each answered or given up in time.
//!
//! What happened is a row, and the record's commits tell of it; a command is what somebody wants to
//! happen now, to a call or an agent that the engine has in hand. There is one engine in a process:
//! it takes [`Commands`], everybody else holds a [`Bus`].

use std::time::Duration;

use hotline_campaign::Disposition;
use hotline_model::campaign::Detection;
use hotline_model::{CallId, CustomerId, Fields, Language, PhoneNumber, Pii, TicketId, UserId, WaitingId};
use tokio::sync::{mpsc, oneshot};

/// What an agent wants to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// To be offered callers, with what they are good at.
    Available(
        /// Words of the queues' `skills`.
        Vec<String>,
    ),
    /// A break, after the call if there is one.
    Break(
        /// Why.
        String,
    ),
    /// To go home, after the call if there is one.
    SignedOut,
}

/// To whom a call is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Somebody at a telephone number, as far as a trunk may call it.
    Number(
        /// As it was typed.
        Pii<String>,
    ),
    /// An agent who is free.
    Agent(
        /// Who.
        UserId,
    ),
    /// The line of a queue.
    Queue(
        /// Its name.
        String,
    ),
}

/// What an agent wants to happen to the call they talk in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The caller hears music, the agent nothing.
    Hold,
    /// Both hear each other again.
    Resume,
    /// The agent leaves; the plan goes on with the caller.
    Leave,
    /// The caller goes to somebody else, the agent leaves. If nobody answers, the caller is back in the line.
    Transfer(
        /// To whom.
        Target,
    ),
    /// The caller waits, the agent asks somebody.
    Consult(
        /// Whom; no queue.
        Target,
    ),
    /// Who was asked has the caller from now on, the agent leaves.
    Complete,
    /// Who was asked is let go, the agent has the caller again.
    Back,
    /// Caller, agent and who was asked talk together.
    Confer,
    /// Nothing is recorded of what both say, until it goes on or the agent leaves.
    PauseRecording,
    /// The recording goes on.
    ResumeRecording,
    /// A sentence is spoken to the caller; by anybody who serves the customer.
    Say(
        /// What.
        Pii<String>,
        /// In which language; the caller's if left out.
        Option<Language>,
    ),
    /// A supervisor's telephone rings, and they hear the call; or they do so in another way than before.
    Watch(
        /// How.
        Watching,
    ),
    /// They hear it no longer.
    StopWatching,
}

/// How a supervisor is in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// Hears all, is heard by nobody.
    Listen,
    /// The agent hears them, the caller does not.
    Whisper,
    /// Everybody hears them.
    Join,
}

/// A call back that was promised to somebody who waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promised {
    /// The place that is kept for them.
    pub place: WaitingId,
    /// The call in which it was promised.
    pub call: CallId,
}

/// A call to a customer.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Names the call.
    pub call: CallId,
    /// By which policy; empty if it is no policy's.
    pub policy: String,
    /// What was promised to them, if it is no policy's.
    pub promised: Option<Promised>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// About what, if that is known.
    pub ticket: Option<TicketId>,
    /// To whom, if that is known.
    pub customer: Option<CustomerId>,
    /// At which number.
    pub number: PhoneNumber,
    /// The number they see; the trunk's own if it is empty.
    pub shown: String,
    /// By which trunk; by the first that may call the number if it is empty.
    pub trunk: String,
    /// The plan that speaks to them.
    pub plan: String,
    /// What that plan takes.
    pub given: Fields,
    /// The language they are spoken to in, if it is known.
    pub language: Option<Language>,
    /// How long it rings.
    pub ring: Duration,
    /// How it is told who answered.
    pub detection: Detection,
    /// Where news of it goes. The last of it is [`DialNews::Ended`]; if the sender is dropped without that, nobody
    /// knows what became of the call.
    pub news: mpsc::UnboundedSender<(CallId, DialNews)>,
}

/// What becomes of a call to a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialNews {
    /// They have answered, or something has.
    Answered,
    /// They are on the way to a human.
    Escalated,
    /// It is over.
    Ended(Disposition),
}

/// What somebody wants.
#[derive(Debug, Clone)]
pub enum Command {
    /// An agent goes somewhere.
    Agent(
        /// Who.
        UserId,
        /// Whereto.
        Choice,
    ),
    /// Whether a telephone of an agent's is registered; [`BusError::NoWay`] if none is.
    FindTelephone(
        /// Whose.
        UserId,
    ),
    /// Something is to happen to a call, by the agent who talks in it.
    Call(
        /// Which.
        CallId,
        /// By whom.
        UserId,
        /// What.
        Act,
    ),
    /// An agent said who calls.
    Identified(
        /// In which call.
        CallId,
        /// Who it is.
        CustomerId,
    ),
    /// A customer is to be called. The answer says whether it is tried, the news what becomes of it.
    Dial(
        /// Whom, and how.
        Box<Dial>,
    ),
    /// A call to a customer that has not been answered is to stop ringing.
    StopDialling(
        /// Which.
        CallId,
    ),
}

/// Why a command came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// Nobody takes commands in this process.
    #[error("no exchange runs here")]
    Nobody,
    /// Another server has the queues: there, or once it is gone.
    #[error("another server has the queues")]
    Elsewhere,
    /// It was not answered in time; whether it was carried out is not known.
    #[error("the exchange did not answer in time")]
    Late,
    /// There is no such call or agent, or the call is not the agent's.
    #[error("there is no such call or agent")]
    Unknown,
    /// What is wanted does not fit what goes on.
    #[error("that does not fit what goes on")]
    Unfit,
    /// Whom it is to go to cannot be called: a number that no trunk may call or has a line for, an agent who is
    /// not free, a queue that does not exist.
    #[error("whom the call is to go to cannot be reached")]
    NoWay,
    /// The number is on no list of what the trunk may call.
    #[error("the trunk may not call that number")]
    NotListed,
}

/// A command with the place for its answer.
#[derive(Debug)]
pub struct Asked {
    /// What is wanted.
    pub command: Command,
    /// Where the answer goes; nobody may be waiting for it any more.
    pub answer: oneshot::Sender<Result<(), BusError>>,
}

/// The end that takes commands.
pub type Commands = mpsc::Receiver<Asked>;

/// The end that gives commands.
#[derive(Debug, Clone)]
pub struct Bus(mpsc::Sender<Asked>);

/// Commands that wait; more than this are refused as late.
const WAITING: usize = 1_024;
/// An answer that is not there by then will not be.
const DEADLINE: Duration = Duration::from_secs(3);

/// Both ends.
#[must_use]
pub fn bus() -> (Bus, Commands) {
    let (sender, commands) = mpsc::channel(WAITING);
    (Bus(sender), commands)
}

impl Bus {
    /// A bus on which nobody answers: for a desk without an exchange.
    #[must_use]
    pub fn nobody() -> Self {
        bus().0
    }

    /// Gives a command and waits until it was carried out.
    ///
    /// # Errors
    /// Why it was not, as far as is known.
    pub async fn ask(&self, command: Command) -> Result<(), BusError> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(Asked { command, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => BusError::Late,
            mpsc::error::TrySendError::Closed(_) => BusError::Nobody,
        })?;
        match tokio::time::timeout(DEADLINE, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(BusError::Nobody),
            Err(_) => Err(BusError::Late),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leave() -> Command {
        Command::Call(CallId::from(1), UserId::from(2), Act::Leave)
    }

    #[tokio::test]
    async fn a_command_is_answered_by_who_takes_it() {
        let (bus, mut commands) = bus();
        let exchange = tokio::spawn(async move {
            while let Some(asked) = commands.recv().await {
                let known = matches!(asked.command, Command::Call(call, ..) if call == CallId::from(1));
                let _ = asked.answer.send(if known { Ok(()) } else { Err(BusError::Unknown) });
            }
        });
        assert_eq!(bus.ask(leave()).await, Ok(()));
        let other = Command::Agent(UserId::from(3), Choice::SignedOut);
        assert_eq!(bus.ask(other).await, Err(BusError::Unknown));
        exchange.abort();
        let _ = exchange.await;
        assert_eq!(bus.ask(leave()).await, Err(BusError::Nobody));
        assert_eq!(Bus::nobody().ask(leave()).await, Err(BusError::Nobody));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_answered_is_told_so_in_time() {
        let (bus, mut commands) = bus();
        let asked = tokio::spawn(async move { bus.ask(leave()).await });
        let kept = commands.recv().await;
        assert_eq!(asked.await.unwrap(), Err(BusError::Late));
        assert!(kept.unwrap().answer.send(Ok(())).is_err());
    }
}
