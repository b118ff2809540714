//! The shape of the files for editors: completion and hover. The checker reads files by itself and
//! says far more; a test compares the words of both.
#![expect(dead_code, reason = "these types are read by their derive only")]

use std::collections::BTreeMap;

use hotline_model::{Language, TicketState, VerificationPolicy};
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use crate::plan::{Answering, Outcome, Pace};
use crate::plans::QueueStrategy;

/// Every schema with the name of its file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    let plan = schema_for!(PlanFile);
    let policy = schema_for!(VerificationPolicy);
    let calendar = schema_for!(CalendarFile);
    let numbers = schema_for!(NumbersFile);
    let queues = schema_for!(QueuesFile);
    let calls = schema_for!(CallsFile);
    [
        ("dialplan", plan),
        ("policy", policy),
        ("calendar", calendar),
        ("numbers", numbers),
        ("queues", queues),
        ("calls", calls),
    ]
    .into_iter()
    .map(|(name, schema)| (name, schema.to_value()))
    .collect()
}

/// One, or a list.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// A plan: what callers hear and what happens then.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PlanFile {
    /// The plan's name: the file's name without `.yaml`.
    plan: String,
    /// What it is for.
    about: Option<String>,
    /// The languages it speaks. The first one is used unless the customer's record or a key says otherwise.
    languages: Vec<Language>,
    /// The first step.
    start: String,
    /// by-step: the caller hears what is said without being charged, until a step `answer`. at-once if left out.
    answer: Option<Answering>,
    /// What a plan that calls this one hands over: name and type.
    takes: Option<BTreeMap<String, TypeWord>>,
    /// What this plan gives back: name and type.
    returns: Option<BTreeMap<String, TypeWord>>,
    /// Keys that work in every menu, and wherever they cannot be part of the answer.
    keys_everywhere: Option<BTreeMap<String, String>>,
    /// The prompt said before a text that is not in the caller's language.
    bridge: Option<String>,
    /// The prompt said before the call ends because something of ours went wrong.
    apology: Option<String>,
    /// The prompt that says, to its end, that the call is recorded. Without this line nothing is recorded.
    recording_notice: Option<String>,
    /// What is said, by name.
    prompts: Option<BTreeMap<String, PromptFile>>,
    /// What happens, by name.
    steps: BTreeMap<String, StepFile>,
}

/// The words of a prompt, with values as `{{ code | digits }}`.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum PromptFile {
    /// The words, in a plan of one language.
    Words(String),
    /// The words in each language.
    Languages(PromptWords),
}

/// The words in each language.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PromptWords {
    /// Mandarin.
    #[schemars(rename = "zh-CN")]
    zh_cn: Option<String>,
    /// American English.
    #[schemars(rename = "en-US")]
    en_us: Option<String>,
    /// Whether a key stops it; a legal notice says false. true if left out.
    #[schemars(rename = "barge-in")]
    barge_in: Option<bool>,
}

/// The type of a variable.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum TypeWord {
    Digits,
    Number,
    Money,
    Date,
    Time,
    Text,
    Choice,
    Flag,
}

/// One step: `say`, and at most one other verb.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StepFile {
    /// The prompt, or prompts, heard first.
    say: Option<OneOrMany<String>>,
    /// How fast they are said.
    pace: Option<Pace>,
    /// Digits into a variable of this name.
    collect: Option<String>,
    /// Keys to steps.
    menu: Option<MenuFile>,
    /// Conditions, in order; the first that holds leads on.
    branch: Option<Vec<ArmFile>>,
    /// Gives variables values: name and expression.
    set: Option<BTreeMap<String, String>>,
    /// Asks for the customer of the caller's number, the verified ticket once more, or a web service.
    lookup: Option<LookupWord>,
    /// Asks the factors of this policy, then looks up and checks in one act.
    verify: Option<String>,
    /// Asks this calendar.
    hours: Option<String>,
    /// Writes to the record.
    save: Option<SaveFile>,
    /// Sends a text message to the number on file.
    message: Option<MessageWord>,
    /// Changes the language: zh-CN, en-US, other, or a variable.
    language: Option<String>,
    /// Runs another plan.
    call: Option<String>,
    /// Answers the call, in a plan with `answer: by-step`.
    answer: Option<AnswerWord>,
    /// Waits in this queue for an agent; its waiting plan runs meanwhile.
    queue: Option<String>,
    /// Puts the call through: a number in quotes, or a variable of digits.
    transfer: Option<String>,
    /// Plays prompts/music/<name>.wav, over and over; keys count meanwhile.
    music: Option<String>,
    /// Leaves the queue, in a plan that runs inside one: a word that `left` of the waiting step knows.
    leave: Option<String>,
    /// queue: 0 to 9; higher ones come first. 0 if left out.
    priority: Option<u8>,
    /// queue: what the agent must be able to do, besides what the queue asks for.
    skills: Option<OneOrMany<String>>,
    /// queue: last prefers the agent who had the caller's ticket last.
    agent: Option<AgentWord>,
    /// queue: why the caller wants an agent; the agent reads it.
    reason: Option<String>,
    /// queue: the step when no agent comes or none is signed in.
    nobody: Option<String>,
    /// queue: the step for all ways out of the waiting plan, or one for each word of its `leave`.
    left: Option<LeftFile>,
    /// transfer: how long it rings. 30s if left out.
    ring: Option<String>,
    /// transfer: the step when they are on the telephone.
    busy: Option<String>,
    /// transfer: the step when nobody answers.
    no_answer: Option<String>,
    /// music: how long it plays. 30s if left out.
    #[schemars(rename = "for")]
    for_: Option<String>,
    /// Says again what was said since the last key, and asks again.
    repeat: Option<Pace>,
    /// Ends this plan and goes back to the one that called it, with these variables.
    #[schemars(rename = "return")]
    return_: Option<BTreeMap<String, String>>,
    /// Ends the call. The outcome counts unless a step has saved one.
    hangup: Option<Outcome>,
    /// collect: the prompt that asks.
    prompt: Option<OneOrMany<String>>,
    /// collect: exactly so many digits.
    length: Option<u32>,
    /// collect: at least so many digits.
    min: Option<u32>,
    /// collect: at most so many digits.
    max: Option<u32>,
    /// collect: the key that ends the entry, in quotes.
    end_key: Option<String>,
    /// collect: what the digits must look like: a digit, `?` for any, `[1-5]` for a range.
    pattern: Option<String>,
    /// collect: whether the last digit is a check digit.
    check_digit: Option<bool>,
    /// collect: what happens when the check digit does not fit; as no-match if left out.
    slip: Option<Attempts>,
    /// collect: keep the digits out of recordings and of the record.
    secret: Option<bool>,
    /// collect: read back and ask whether it is right.
    confirm: Option<ConfirmFile>,
    /// collect: keys that lead elsewhere when they are pressed alone. music: keys that lead elsewhere.
    keys: Option<BTreeMap<String, String>>,
    /// collect, verify: how long the first key may take. 6s if left out.
    first_digit: Option<String>,
    /// collect, verify: how long the next key may take. 3s if left out.
    inter_digit: Option<String>,
    /// collect, verify: what happens when nothing is keyed; one item an attempt.
    no_input: Option<Attempts>,
    /// collect, verify: what happens when the entry does not fit; one item an attempt.
    no_match: Option<Attempts>,
    /// lookup http: the address.
    url: Option<String>,
    /// What is handed over: names and variables.
    with: Option<BTreeMap<String, String>>,
    /// call: what is taken back: names there and variables here.
    gives: Option<BTreeMap<String, String>>,
    /// lookup http: the name of the answer.
    #[schemars(rename = "as")]
    as_: Option<String>,
    /// lookup http: the fields of the answer and their types.
    fields: Option<BTreeMap<String, TypeWord>>,
    /// lookup, verify: the deadline, for example 3s.
    within: Option<String>,
    /// lookup, verify: the prompt said when the answer takes longer than a breath.
    meanwhile: Option<String>,
    /// lookup: the step when there is one.
    found: Option<String>,
    /// lookup: the step when there is none.
    empty: Option<String>,
    /// lookup, verify: the step when no answer comes within the deadline.
    late: Option<String>,
    /// lookup, verify, queue, transfer: the step when nobody could be asked or reached.
    failed: Option<String>,
    /// verify: the step when everything is right; `ticket` exists from there on.
    passed: Option<String>,
    /// verify: the step when everything is right and there is no result yet.
    pending: Option<String>,
    /// verify: unknown, wrong or locked; a step, or one item for each refusal of the call.
    refused: Option<Attempts>,
    /// hours: the step when it is open.
    open: Option<String>,
    /// hours, queue: the step when it is closed.
    closed: Option<String>,
    /// hours: the step on a holiday; as closed if left out.
    holiday: Option<String>,
    /// branch: the step when no condition holds.
    #[schemars(rename = "else")]
    else_: Option<String>,
    /// The next step.
    then: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum AgentWord {
    /// Whoever the queue's strategy gives.
    Any,
    /// The agent who had the caller's ticket last, if they come free soon.
    Last,
}

/// A step for all ways out, or one for each.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum LeftFile {
    /// A step.
    Step(String),
    /// A step for each word of a `leave`.
    Words(BTreeMap<String, String>),
}

/// Where callers wait for whom.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct QueuesFile {
    /// The queues, by name.
    queues: BTreeMap<String, QueueFile>,
}

/// One queue.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct QueueFile {
    /// What people call it, in each language.
    name: BTreeMap<Language, String>,
    /// Which of the agents who are free gets a caller: longest-idle if left out.
    strategy: Option<QueueStrategy>,
    /// What an agent must be able to do to serve it; every agent serves a queue that asks for nothing.
    skills: Option<OneOrMany<String>>,
    /// How long an offer rings before the next agent gets it: 20s if left out.
    ring: Option<String>,
    /// How long an agent has for notes after a call: 30s if left out.
    wrap_up: Option<String>,
    /// After this time the caller goes to `nobody`: 15min if left out.
    longest_wait: Option<String>,
    /// How long the place of a caller whose connection was lost is kept: 10min if left out.
    keep_place: Option<String>,
    /// How long a caller waits for the last agent of their ticket while others are free: 20s if left out.
    last_agent_wait: Option<String>,
    /// The calendar of its hours; always open if left out.
    hours: Option<String>,
    /// The plan that runs while a caller waits.
    while_waiting: String,
    /// What a caller on hold hears: prompts/music/<name>.wav.
    music: Option<String>,
}

/// A step, or one item for each attempt.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Attempts {
    /// A step.
    Step(String),
    /// One item for each attempt.
    List(Vec<AttemptFile>),
}

/// What is said at an attempt, and where the call goes; without `then` it asks again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AttemptFile {
    /// What is said.
    say: Option<OneOrMany<String>>,
    /// Where the call goes.
    then: Option<String>,
}

/// Keys to steps.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MenuFile {
    /// The prompt that says the options.
    prompt: OneOrMany<String>,
    /// Where each key leads; keys in quotes.
    keys: BTreeMap<String, String>,
    /// How long the first key may take. 6s if left out.
    first_digit: Option<String>,
    /// How long the next key may take. 3s if left out.
    inter_digit: Option<String>,
    /// What happens when nothing is keyed.
    no_input: Attempts,
    /// What happens when another key is pressed.
    no_match: Attempts,
}

/// A condition and where it leads.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ArmFile {
    /// The condition, for example `customer.over-65`.
    when: String,
    /// The step.
    then: String,
}

/// Reading back.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ConfirmFile {
    /// Reads back and says the keys.
    prompt: String,
    /// The key for right: "1" if left out.
    yes: Option<String>,
    /// The key for once more: "2" if left out.
    no: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum LookupWord {
    Customer,
    Ticket,
    Http,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum AnswerWord {
    /// The call that runs.
    Call,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum MessageWord {
    /// The code of the caller's ticket once more.
    CodeAgain,
}

/// What is written to the record.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct SaveFile {
    /// How the call ended up.
    outcome: Option<Outcome>,
    /// Why the caller called: a word in kebab case.
    reason: Option<String>,
    /// Words for whoever reads it.
    note: Option<String>,
    /// Tags on the customer.
    tags: Option<Vec<String>>,
    /// Something a human must do: a call back.
    follow_up: Option<FollowUpFile>,
}

/// Something a human must do after the call.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct FollowUpFile {
    /// Why: a word in kebab case.
    reason: String,
    /// By when, for example 24h.
    within: String,
    /// Words for whoever does it.
    note: Option<String>,
}

/// A calendar.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CalendarFile {
    /// Its name: the file's name without `.yaml`.
    calendar: String,
    /// What it is for.
    about: Option<String>,
    /// The time zone, for example Asia/Shanghai.
    zone: String,
    /// Opening hours by day.
    week: WeekFile,
    /// Days that are closed: `2026-10-01`, or `2026-10-01 to 2026-10-07`.
    holidays: Option<Vec<String>>,
    /// Days that are open although a weekend or holiday says otherwise, and the day whose hours they follow.
    make_up: Option<BTreeMap<String, DayWord>>,
}

/// Opening hours: `09:00-18:00`, or a list of them. Days left out are closed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct WeekFile {
    /// Monday to Friday.
    weekdays: Option<OneOrMany<String>>,
    /// Saturday and Sunday.
    weekend: Option<OneOrMany<String>>,
    /// Monday.
    monday: Option<OneOrMany<String>>,
    /// Tuesday.
    tuesday: Option<OneOrMany<String>>,
    /// Wednesday.
    wednesday: Option<OneOrMany<String>>,
    /// Thursday.
    thursday: Option<OneOrMany<String>>,
    /// Friday.
    friday: Option<OneOrMany<String>>,
    /// Saturday.
    saturday: Option<OneOrMany<String>>,
    /// Sunday.
    sunday: Option<OneOrMany<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum DayWord {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Which dialled number runs which plan.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NumbersFile {
    /// Numbers in quotes, or names, and their plans.
    numbers: Option<BTreeMap<String, String>>,
    /// The same, for trying drafts.
    test_numbers: Option<BTreeMap<String, String>>,
    /// The plan of all other numbers, or none.
    default: Option<String>,
    /// Said before everything else, as soon as it is saved.
    announcement: Option<AnnouncementFile>,
}

/// Said before everything else.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AnnouncementFile {
    /// all, none, or a list of plans.
    #[schemars(rename = "for")]
    for_: Option<OneOrMany<String>>,
    /// The words in each language.
    text: BTreeMap<Language, String>,
}

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn words<T: JsonSchema>() -> BTreeSet<String> {
        let schema = schema_for!(T).to_value();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_schema_knows_exactly_the_words_that_the_checker_knows() {
        use crate::{calls, lower};
        assert_eq!(words::<PlanFile>(), set(&lower::plan::KNOWN));
        let steps = lower::step::VERBS
            .iter()
            .flat_map(|(verb, beside)| [*verb].into_iter().chain(beside.iter().copied()));
        assert_eq!(words::<StepFile>(), set(&steps.chain(["say", "pace"]).collect::<Vec<_>>()));
        assert_eq!(words::<MenuFile>(), set(&lower::step::MENU));
        assert_eq!(words::<VerificationPolicy>(), set(&lower::policy::KNOWN));
        assert_eq!(words::<hotline_model::verification::Limits>(), set(&lower::policy::LIMITS));
        assert_eq!(words::<CalendarFile>(), set(&lower::calendar::KNOWN));
        assert_eq!(words::<WeekFile>(), set(&lower::calendar::WEEK));
        assert_eq!(words::<NumbersFile>(), set(&lower::numbers::KNOWN));
        assert_eq!(words::<QueuesFile>(), set(&lower::queues::KNOWN));
        assert_eq!(words::<QueueFile>(), set(&lower::queues::QUEUE));
        assert_eq!(words::<PlaceFile>(), set(&calls::QUEUE));
        assert_eq!(words::<CallsFile>(), set(&calls::SCRIPT));
        assert_eq!(words::<CallFile>(), set(&calls::CALL));
        assert_eq!(words::<GivenFile>(), set(&calls::GIVEN));
        assert_eq!(words::<TicketFile>(), set(&calls::TICKET));
        assert_eq!(words::<RecordFile>(), set(&calls::RECORD));
    }
}
