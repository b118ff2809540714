//! The words of call scripts.

use std::collections::BTreeMap;

use hotline_model::{Language, TicketState};
use schemars::JsonSchema;
use serde_json::Value;

use super::OneOrMany;
use crate::plan::Outcome;

/// Calls that prove a plan.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CallsFile {
    /// The plan they reach.
    plan: String,
    /// The time zone of `at`.
    zone: Option<String>,
    /// The calls.
    calls: Vec<CallFile>,
}

/// One call.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CallFile {
    /// What it proves.
    name: String,
    /// The caller's number, or withheld.
    from: Option<String>,
    /// The customer's number, in a call that we make.
    #[schemars(rename = "we-call")]
    we_call: Option<String>,
    /// What the plan takes: in a call that we make, what is told of the ticket.
    about: Option<BTreeMap<String, Value>>,
    /// What was dialled.
    dialled: Option<String>,
    /// When: 2026-11-20 10:00.
    at: Option<String>,
    /// What is so before the call.
    given: Option<Vec<GivenFile>>,
    /// What the caller hears and does.
    caller: Vec<ActFile>,
    /// What the record holds after it.
    record: Option<RecordFile>,
}

/// What is so before the call.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct GivenFile {
    /// A ticket on the record.
    ticket: Option<TicketFile>,
    /// A rebate of whoever is verified, the newest first: activity, returned-on, type, face-value, quantity, state.
    rebate: Option<BTreeMap<String, Value>>,
    /// The customer of the caller's number: name, tier, language, over-65.
    customer: Option<BTreeMap<String, Value>>,
    /// Wrong attempts so far; write it below the tickets.
    attempts: Option<BTreeMap<String, u32>>,
    /// away, silent, or how long it takes to answer, for example 2s.
    database: Option<String>,
    /// What a web service answers.
    web: Option<WebFile>,
    /// How the queues are: nobody (as if left out), open (a free agent's telephone rings), closed, failed, or place and wait.
    queue: Option<GivenQueue>,
    /// What comes of putting a call through: answers if left out.
    transfer: Option<TransferWord>,
    /// What comes of asking to be called back: kept if left out.
    #[schemars(rename = "call-back")]
    call_back: Option<CallBackWord>,
    /// What comes of sending the caller a prompt as a text message: sent if left out.
    #[schemars(rename = "text-message")]
    text_message: Option<TextWord>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum TextWord {
    Sent,
    Refused,
    Failed,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum CallBackWord {
    Kept,
    Refused,
    Failed,
}

/// How the queues are.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum GivenQueue {
    /// nobody, open, closed or failed.
    Word(QueueWord),
    /// Agents are there, and others wait before the caller.
    Open(PlaceFile),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum QueueWord {
    Nobody,
    Open,
    Closed,
    Failed,
}

/// Where the caller stands.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct PlaceFile {
    /// From 1.
    place: Option<u32>,
    /// How long, for example 5min.
    wait: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum TransferWord {
    Answers,
    Busy,
    NoAnswer,
    Failed,
}

/// What a web service answers; nothing found if `answer` is left out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct WebFile {
    /// The address.
    url: String,
    /// The fields of the answer.
    answer: Option<BTreeMap<String, String>>,
}

/// A ticket on the record.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct TicketFile {
    /// The code, in quotes.
    code: String,
    /// The last four digits of the number on file, in quotes.
    last_four: String,
    /// Where it stands: closed if left out.
    state: Option<TicketState>,
    /// Whether its code has run out.
    expired: Option<bool>,
    /// The result as it is spoken.
    result: Option<String>,
    /// What it is about.
    category: Option<String>,
    /// Its number in the firm's own system.
    reference: Option<String>,
    /// When it was changed last.
    changed_on: Option<String>,
}

/// One thing the caller hears or does.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum ActFile {
    /// says nothing, hangs up, the call ends, agent answers, agent hangs up, or agent is lost.
    Word(ActWord),
    /// hears, keys, waits, speaks or place.
    Does(DoesFile),
}

#[derive(JsonSchema)]
enum ActWord {
    #[schemars(rename = "says nothing")]
    SaysNothing,
    #[schemars(rename = "hangs up")]
    HangsUp,
    #[schemars(rename = "the call ends")]
    TheCallEnds,
    #[schemars(rename = "agent answers")]
    AgentAnswers,
    #[schemars(rename = "agent hangs up")]
    AgentHangsUp,
    #[schemars(rename = "agent is lost")]
    AgentIsLost,
}

/// One of the five.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct DoesFile {
    /// Hears these prompts next, each to its end.
    hears: Option<OneOrMany<String>>,
    /// Presses these keys; in quotes.
    keys: Option<String>,
    /// Waits so long.
    waits: Option<String>,
    /// Speaks for so long after the beep of a step that records.
    speaks: Option<String>,
    /// Has this place in the queue from now on.
    place: Option<u32>,
}

/// What the record holds after the call; `none` for nothing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RecordFile {
    /// How it ended up.
    outcome: Option<Outcome>,
    /// Why the caller called.
    reason: Option<String>,
    /// Wrong attempts that were counted.
    wrong_attempts: Option<u32>,
    /// The reason of a follow-up, or none.
    follow_up: Option<String>,
    /// When the follow-up is due: 2026-11-20 10:00.
    due: Option<String>,
    /// A tag, or none.
    tag: Option<String>,
    /// A text message that was sent, or none.
    message: Option<String>,
    /// Whether the call was recorded.
    recorded: Option<bool>,
    /// The language at the end.
    language: Option<Language>,
    /// The answers to questions of a survey, by the question: these and no others, or none.
    answers: Option<Answers>,
    /// Words that the caller left, by the plan's name for them, or none.
    recording: Option<String>,
    /// Whether the customer wants no more calls.
    do_not_call: Option<bool>,
    /// Whether the place in the queue is kept for a call back.
    call_back: Option<bool>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Answers {
    /// none.
    None(NoneWord),
    /// By the question.
    Given(BTreeMap<String, Value>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum NoneWord {
    /// Nothing was answered.
    None,
}
