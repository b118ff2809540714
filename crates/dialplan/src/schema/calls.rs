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
    /// hears, keys, waits or place.
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

/// One of the four.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct DoesFile {
    /// Hears these prompts next, each to its end.
    hears: Option<OneOrMany<String>>,
    /// Presses these keys; in quotes.
    keys: Option<String>,
    /// Waits so long.
    waits: Option<String>,
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
    /// A tag, or none.
    tag: Option<String>,
    /// A text message that was sent, or none.
    message: Option<String>,
    /// Whether the call was recorded.
    recorded: Option<bool>,
    /// The language at the end.
    language: Option<Language>,
}
