//! What goes into a session and what comes out of it.

use std::time::Duration;

use hotline_model::verification::Given;
use hotline_model::{AgentId, Fields, Language, Pii, StepEvent, Utterance};

use crate::plan::{Outcome, Pace, Save};

/// Names an operation that is answered: a play, a look-up, a verification, words that are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct OpId(pub u64);

/// What happened.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The call was answered.
    Started,
    /// Everything of a play was said.
    PlayDone {
        /// Which play.
        op: OpId,
    },
    /// A play was not said: there was no voice for it, or no way to play it.
    PlayFailed {
        /// Which play.
        op: OpId,
    },
    /// The caller pressed a key: `0` to `9`, `*`, `#`.
    Key {
        /// The key.
        key: char,
    },
    /// An operation was answered.
    Answer {
        /// Which.
        op: OpId,
        /// How.
        answer: Answer,
    },
    /// Where a caller who waits stands now.
    Place {
        /// The `Enqueue`.
        op: OpId,
        /// From 1.
        place: u32,
        /// How long, as one would say it; `None` if nobody knows.
        wait: Option<Duration>,
    },
    /// Somebody has answered and hears the caller.
    Joined {
        /// The `Enqueue` or `Transfer`.
        op: OpId,
        /// The agent; `None` where it is none of ours.
        agent: Option<AgentId>,
    },
    /// The agent was lost in mid-talk: the caller waits again, at the place they had.
    Returned {
        /// The `Enqueue`.
        op: OpId,
    },
    /// The talk is over and the caller is still there.
    TalkEnded {
        /// The `Enqueue` or `Transfer`.
        op: OpId,
    },
    /// No agent came, or none is signed in.
    Nobody {
        /// The `Enqueue`.
        op: OpId,
    },
    /// The queue is closed.
    QueueClosed {
        /// The `Enqueue`.
        op: OpId,
    },
    /// The queue cannot be asked.
    QueueFailed {
        /// The `Enqueue`.
        op: OpId,
    },
    /// Nobody could be put through to; the caller is still there.
    TransferFailed {
        /// The `Transfer`.
        op: OpId,
        /// Why.
        how: NotThrough,
    },
    /// The call is over.
    HungUp {
        /// Who ended it.
        by: HungUpBy,
    },
}

/// Why a call was not put through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotThrough {
    /// They are on the telephone.
    Busy,
    /// They do not answer.
    NoAnswer,
    /// They cannot be reached, or may not be called.
    Failed,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HungUpBy {
    /// The caller.
    Caller,
    /// We did, on a `Hangup` command or at a limit.
    Us,
    /// The network.
    Network,
}

/// The answer to an operation: a look-up, a verification, an answer or words to be kept.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// There is one.
    Found {
        /// Its fields.
        fields: Fields,
    },
    /// There is none; nobody spoke.
    Empty,
    /// It could not be asked, or not be kept.
    Failed,
    /// What the verification says.
    Verified {
        /// The verdict, without the reason of a refusal.
        verdict: Verified,
    },
    /// The answer of a survey is on the record, and will be whatever happens from here on.
    Stored,
    /// The words are kept.
    Kept {
        /// How long they are: the beep and the rest at their end left out.
        length: Duration,
    },
}

/// What a verification says to a plan.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verified {
    /// Everything right.
    Passed {
        /// What may be told of the ticket.
        ticket: Fields,
    },
    /// Everything right, no result yet.
    Pending,
    /// Not to be told, and not to be told why.
    Refused,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Say these one after the other, then answer with [`Event::PlayDone`].
    Play {
        /// Names the play.
        op: OpId,
        /// What is said. All of them can be stopped by a key, or none.
        utterances: Vec<Utterance>,
        /// How fast.
        pace: Pace,
    },
    /// Stop saying it. No `PlayDone` is expected any more; one that comes is dropped.
    StopPlaying {
        /// Which play.
        op: OpId,
    },
    /// Ask for a record.
    Lookup {
        /// Names the look-up.
        op: OpId,
        /// What is asked.
        query: Query,
        /// How long an answer is of use.
        within: Duration,
    },
    /// Look up and check in one act, and count before answering.
    Verify {
        /// Names the verification.
        op: OpId,
        /// The policy.
        policy: String,
        /// What was keyed.
        given: Given,
        /// How long an answer is of use.
        within: Duration,
    },
    /// Keep the answer to a question of a survey. The shell stores it for good, with the version of the plan that asked,
    /// and only then answers [`Answer::Stored`]; [`Answer::Failed`] if it cannot. The same question answered again in
    /// the same call replaces what was answered before. What comes later than `within` is not waited for: it is kept
    /// all the same. A hang-up meanwhile changes nothing: the answer was given.
    KeepAnswer {
        /// Names the operation.
        op: OpId,
        /// The step that asked.
        step: String,
        /// The question's name.
        question: String,
        /// The answer: a number of the scale, or the plan's word for the key.
        answer: String,
        /// Whether it says that the customer is content; `None`: the question does not measure that.
        content: Option<bool>,
        /// How long the caller can wait.
        within: Duration,
    },
    /// Record some words of the caller. The shell plays a beep, then records the caller's side alone, and answers with
    /// [`Answer::Kept`] when they are over: after a rest of `silence`, at the length of `longest`, or at
    /// [`Command::EndWords`]; with [`Answer::Empty`] if nobody spoke, for which it waits twice as long as `silence`; with
    /// [`Answer::Failed`] if they cannot be kept. If the caller hangs up meanwhile, the shell keeps what there is and
    /// notes [`StepEvent::Recorded`] itself: the session is over.
    RecordWords {
        /// Names the recording.
        op: OpId,
        /// The step that records.
        step: String,
        /// What the plan calls the words.
        name: String,
        /// No words are longer.
        longest: Duration,
        /// A rest of this length ends them.
        silence: Duration,
    },
    /// The words are over: keep what there is, without the tone of the key that ended them, and answer. Given once at most.
    EndWords {
        /// The `RecordWords`.
        op: OpId,
    },
    /// Write to the record. Not answered: what cannot be stored now is stored later.
    Save {
        /// The step that writes.
        step: String,
        /// What.
        save: Save,
    },
    /// Send a text message to the number on file, if there is one: of the rebate that was looked up last
    /// (`rebate-again`), else of what stands on the caller's number. Not answered, so that nobody learns
    /// whether there is one.
    Message {
        /// The step that sends.
        step: String,
        /// The template.
        template: String,
    },
    /// Send these words as a text message to the number that calls. Answered with [`Answer::Stored`] once it is planned,
    /// [`Answer::Empty`] if this number takes none, [`Answer::Failed`] if it cannot be kept.
    Text {
        /// Names the operation.
        op: OpId,
        /// The step that sends.
        step: String,
        /// The prompt.
        prompt: String,
        /// Its words, in the caller's language.
        text: Pii<String>,
    },
    /// Play `prompts/music/<name>.wav` over and over until [`Command::StopPlaying`] of this `op`, another
    /// play, or the end of the call. No `PlayDone` is expected.
    Music {
        /// Names the play.
        op: OpId,
        /// The file.
        name: String,
    },
    /// Put the caller into a queue. The shell: makes a place (`queue::Event::Join`, with the last agent of
    /// the verified ticket or of the customer if `last_agent`, and what is known of the caller), and tells
    /// [`Event::Place`] whenever it changes, until one of [`Event::Joined`] (stop what plays, bridge the
    /// legs), [`Event::Nobody`], [`Event::QueueClosed`], [`Event::QueueFailed`], or [`Command::LeaveQueue`].
    /// After `Joined`: [`Event::TalkEnded`] when the agent is gone and the caller is not, or
    /// [`Event::Returned`] when the agent was lost and the caller is back in the line. While the caller
    /// waits this session goes on saying and asking things. A caller whom the network loses keeps the
    /// place (`Leaving::ConnectionLost`); the shell knows how the call ended, the session does not.
    Enqueue {
        /// Names the waiting, and the talk that comes of it.
        op: OpId,
        /// The queue.
        queue: String,
        /// 0 to 9; higher ones come first.
        priority: u8,
        /// What the agent must be able to do, besides what the queue asks for.
        skills: Vec<String>,
        /// Whether the agent who had the caller's ticket last is preferred.
        last_agent: bool,
        /// Why the caller wants an agent.
        reason: Option<String>,
    },
    /// The caller waits no longer: take the place away, withdraw an offer that rings. Not answered;
    /// news of this `op` that comes all the same is dropped.
    LeaveQueue {
        /// The `Enqueue`.
        op: OpId,
    },
    /// The caller would rather be called back when their turn comes. The shell keeps the place for it, and answers
    /// [`Answer::Stored`]: from then on it offers this place to nobody until the call is over, gives no place away on the
    /// hang-up that follows, and calls when an agent is about to be free, in the hours of the queue's calendar. It answers
    /// [`Answer::Empty`] if this caller has a call back already or the number may not be called (then they go on waiting),
    /// and [`Answer::Failed`] if it cannot be kept. No [`Command::LeaveQueue`] of this `Enqueue` follows `Stored`.
    CallBack {
        /// Names the operation.
        op: OpId,
        /// The number; the one that the call comes from if `None`.
        number: Option<Pii<String>>,
    },
    /// Put the call through: ring the number (where the trunk's allow-list has it) for so long, with
    /// ring-back for the caller, then [`Event::Joined`] and the bridge, or [`Event::TransferFailed`].
    /// [`Event::TalkEnded`] when they hang up and the caller does not.
    Transfer {
        /// Names the transfer.
        op: OpId,
        /// The number: digits, with `+` where it is international.
        to: Pii<String>,
        /// How long it rings.
        ring: Duration,
    },
    /// The notice has been heard: record from here on.
    StartRecording,
    /// Answer the call, which the caller has heard without being charged so far.
    Answer,
    /// Mute the recording while something secret is keyed.
    Mask(
        /// Whether it is muted from here on.
        bool,
    ),
    /// Note for the record what happened.
    Note(StepEvent),
    /// The caller is spoken to in this language from here on.
    SetLanguage(Language),
    /// End the call.
    Hangup {
        /// How it ended up.
        outcome: Outcome,
    },
}

/// What a look-up asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Query {
    /// The customer whom the caller's number suggests.
    Customer,
    /// The ticket that was verified in this call, as it stands now.
    Ticket,
    /// A rebate of the customer who was verified in this call, the newest first: its fields as
    /// `rebate` has them, or nothing behind the last.
    Rebates {
        /// How many were told before.
        skip: u32,
    },
    /// A web service.
    Http {
        /// Its address.
        url: String,
        /// What is handed over.
        with: Fields,
        /// The fields expected in the answer, with the names of their types.
        fields: Vec<(String, &'static str)>,
    },
}
