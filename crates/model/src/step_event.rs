//! What happens in a call, step by step: the path that everyone who serves the customer reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AgentId, EndReason, Language};

/// One step of a call, written to the record as it happens. Digits that a plan calls secret never
/// enter one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum StepEvent {
    /// The call was answered and the plan began.
    Started {
        /// The plan's name.
        plan: String,
        /// The plan's version: a hash of its source.
        version: String,
        /// The language it began in.
        language: Language,
        /// What agents call the plan, by language; empty where nobody has said.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        title: BTreeMap<Language, String>,
    },
    /// We call a customer: noted by the shell before the INVITE leaves.
    Dialled {
        /// By which policy.
        policy: String,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// Whoever we call has answered, as far as it can be told by what was heard.
    PickedUp {
        /// `human` or `machine`.
        by: String,
    },
    /// The caller reached a step.
    Entered {
        /// The plan (or sub-plan) the step stands in.
        plan: String,
        /// The step's name.
        step: String,
        /// What kind of step it is: the verb in the plan. Empty in what was written before this was kept.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        verb: String,
        /// What agents call it, by language; empty where nobody has said.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        title: BTreeMap<Language, String>,
    },
    /// A prompt was heard, entirely or until a key or the end of the call.
    Heard {
        /// The prompt's name.
        prompt: String,
        /// Whether it was heard to its end.
        whole: bool,
    },
    /// Something was keyed as the answer to a step.
    Keyed {
        /// The step that asked.
        step: String,
        /// What was keyed; masked with `•` where the step is secret.
        keys: String,
    },
    /// Nothing was keyed in time.
    NoInput {
        /// The step that asked.
        step: String,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// What was keyed does not fit what was asked.
    NoMatch {
        /// The step that asked.
        step: String,
        /// Which attempt, from 1.
        attempt: u32,
    },
    /// A look-up came back.
    LookedUp {
        /// The step that asked.
        step: String,
        /// `found`, `empty`, `late` or `failed`.
        outcome: String,
    },
    /// A verification came back. It never says why it was refused: the record's `verification`
    /// rows do.
    Verified {
        /// The step that asked.
        step: String,
        /// `passed`, `pending`, `refused`, `late` or `failed`.
        outcome: String,
    },
    /// The call, which was heard without being charged so far, is answered.
    Answered {
        /// The step that answers.
        step: String,
    },
    /// The language was changed.
    Language {
        /// The new language.
        language: Language,
    },
    /// The plan wrote to the record.
    Saved {
        /// The step that wrote.
        step: String,
        /// The names of the fields written.
        fields: Vec<String>,
    },
    /// A question of a survey was answered.
    Surveyed {
        /// The step that asked.
        step: String,
        /// The question's name, which stays the same when its words change.
        question: String,
        /// The answer: a number of the scale, or the plan's word for the key.
        answer: String,
        /// Whether it says that the customer is content, if the question measures that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<bool>,
    },
    /// The caller left some words.
    Recorded {
        /// The step that recorded them.
        step: String,
        /// What the plan calls them.
        name: String,
        /// How long, in seconds.
        seconds: u32,
    },
    /// The caller waits for an agent.
    Queued {
        /// The step that waits.
        step: String,
        /// The queue.
        queue: String,
    },
    /// The caller was told where they stand.
    PlaceTold {
        /// The place, from 1.
        place: u32,
        /// The wait in minutes, if it was known.
        minutes: Option<u32>,
    },
    /// An agent's telephone rings for the caller. Noted by the shell, which makes the offer.
    Offered {
        /// Whose.
        agent: AgentId,
    },
    /// Somebody has the caller: an agent, or whom the call was put through to.
    Joined {
        /// The agent; `None` where it is none of ours.
        agent: Option<AgentId>,
    },
    /// The caller's agent was lost: they wait again, at their place.
    Returned {
        /// The step that waits.
        step: String,
    },
    /// The caller waits no longer, or the talk is over.
    LeftQueue {
        /// The step that waited.
        step: String,
        /// `answered`, `nobody`, `closed`, `failed`, `hung-up`, or the word of the plan's `leave`.
        how: String,
    },
    /// The call was to be put through, by the plan or by the agent who had it.
    Transferred {
        /// The step; the queue, where an agent did it.
        step: String,
        /// Of the plan and of agents: `answered`, `busy`, `no-answer`, `failed` or `hung-up`. Of agents
        /// alone: `sent` (without asking first), `consulted`, `back`, `completed`, `conference`, `queue`.
        how: String,
        /// The agent who did it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<AgentId>,
        /// The agent it goes to, where it is one of ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<AgentId>,
    },
    /// A colleague had a sentence spoken to the caller.
    Said {
        /// Who sent it.
        by: AgentId,
        /// What.
        text: String,
        /// Whether it was spoken: the caller may have gone on, or there was no voice.
        spoken: bool,
    },
    /// Whether the call is recorded from here on. Noted by the shell, which writes the file.
    Recording {
        /// `on`, `paused`, `resumed` or `off`.
        state: String,
        /// The agent who did it; left out where no agent did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<AgentId>,
    },
    /// Something of ours went wrong and the plan went on by its exit for it.
    Trouble {
        /// The step.
        step: String,
        /// A short code in kebab case.
        code: String,
    },
    /// The call ended.
    Ended {
        /// Why.
        reason: EndReason,
    },
}

impl StepEvent {
    /// That the caller reached a step of which agents have no words.
    pub fn entered(plan: &str, step: &str) -> Self {
        let (plan, step) = (plan.to_owned(), step.to_owned());
        Self::Entered { plan, step, verb: String::new(), title: BTreeMap::new() }
    }

    /// The event's type as stored in the journal: `call.` and the name in kebab case.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "call.started",
            Self::Dialled { .. } => "call.dialled",
            Self::PickedUp { .. } => "call.picked-up",
            Self::Entered { .. } => "call.entered",
            Self::Heard { .. } => "call.heard",
            Self::Keyed { .. } => "call.keyed",
            Self::NoInput { .. } => "call.no-input",
            Self::NoMatch { .. } => "call.no-match",
            Self::LookedUp { .. } => "call.looked-up",
            Self::Verified { .. } => "call.verified",
            Self::Answered { .. } => "call.answered",
            Self::Language { .. } => "call.language",
            Self::Saved { .. } => "call.saved",
            Self::Surveyed { .. } => "call.surveyed",
            Self::Recorded { .. } => "call.recorded",
            Self::Queued { .. } => "call.queued",
            Self::PlaceTold { .. } => "call.place-told",
            Self::Offered { .. } => "call.offered",
            Self::Joined { .. } => "call.joined",
            Self::Returned { .. } => "call.returned",
            Self::LeftQueue { .. } => "call.left-queue",
            Self::Transferred { .. } => "call.transferred",
            Self::Said { .. } => "call.said",
            Self::Recording { .. } => "call.recording",
            Self::Trouble { .. } => "call.trouble",
            Self::Ended { .. } => "call.ended",
        }
    }
}
