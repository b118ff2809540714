//! A plan's words.

use std::collections::BTreeMap;

use hotline_model::Language;
use schemars::JsonSchema;

use super::OneOrMany;
use crate::plan::{Answering, Outcome, Pace};

/// A plan: what callers hear and what happens then.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PlanFile {
    /// The plan's name: the file's name without `.yaml`.
    plan: String,
    /// What it is for.
    about: Option<String>,
    /// What agents call it, in each language; they see a word of their desktop's own if left out.
    title: Option<BTreeMap<Language, String>>,
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
    /// What agents call it, in each language; they see what kind of step it is if left out.
    title: Option<BTreeMap<Language, String>>,
    /// The prompt, or prompts, heard first.
    say: Option<OneOrMany<String>>,
    /// How fast they are said.
    pace: Option<Pace>,
    /// Digits into a variable of this name.
    collect: Option<String>,
    /// Keys to steps.
    menu: Option<MenuFile>,
    /// A question of a survey, by this name; the answer is kept, and is a variable from here on.
    survey: Option<String>,
    /// Records some words of the caller after a beep, by this name.
    record: Option<String>,
    /// Conditions, in order; the first that holds leads on.
    branch: Option<Vec<ArmFile>>,
    /// Gives variables values: name and expression.
    set: Option<BTreeMap<String, String>>,
    /// Asks for the customer of the caller's number, the verified ticket once more, the verified
    /// customer's next rebate (`rebate` from there on), or a web service.
    lookup: Option<LookupWord>,
    /// Asks the factors of this policy, then looks up and checks in one act.
    verify: Option<String>,
    /// Asks this calendar.
    hours: Option<String>,
    /// Writes to the record.
    save: Option<SaveFile>,
    /// Sends a text message: one that the record knows, to the number on file; or prompts of the plan, to the number that
    /// calls.
    message: Option<MessageFile>,
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
    /// Keeps the place, in a plan that runs inside a queue: the caller hangs up and is called when their turn comes. caller, or
    /// a variable of digits.
    call_back: Option<String>,
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
    /// collect, survey: the prompt that asks. record: what is said before the beep.
    prompt: Option<OneOrMany<String>>,
    /// collect: exactly so many digits.
    length: Option<u32>,
    /// collect: at least so many digits.
    min: Option<u32>,
    /// collect: at most so many digits.
    max: Option<u32>,
    /// survey: whole numbers from 0 or more to 10 or less, for example 1-5.
    scale: Option<String>,
    /// survey: keys in quotes, each with a word for what it means.
    answers: Option<BTreeMap<String, String>>,
    /// survey: the answers by which a customer counts as content, and by all others as not: words, or numbers of the scale
    /// as 4-5. In the question `satisfied` it is the answer satisfied, or 4-5 of a scale to 5, if left out.
    content: Option<OneOrMany<String>>,
    /// record: no words are longer. 60s if left out.
    longest: Option<String>,
    /// record: a rest of this length ends them. 3s if left out.
    silence: Option<String>,
    /// record: the step when nobody spoke; as then if left out.
    nothing: Option<String>,
    /// collect: the key that ends the entry, in quotes. record: the key that ends the words, # if left out.
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
    /// collect: keys that lead elsewhere when they are pressed alone. survey, record, music: keys that lead elsewhere.
    keys: Option<BTreeMap<String, String>>,
    /// survey, record: how it is asked in writing, on a page.
    written: Option<WrittenFile>,
    /// collect, survey, verify: how long the first key may take. 6s if left out.
    first_digit: Option<String>,
    /// collect, survey, verify: how long the next key may take. 3s if left out.
    inter_digit: Option<String>,
    /// collect, survey, verify: what happens when nothing is keyed; one item an attempt.
    no_input: Option<Attempts>,
    /// collect, survey, verify: what happens when the entry does not fit; one item an attempt.
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
    /// lookup, verify, queue, transfer: the step when nobody could be asked or reached. survey, record: when it could not be
    /// kept; as then if left out.
    failed: Option<String>,
    /// verify: the step when everything is right; `ticket` exists from there on.
    passed: Option<String>,
    /// verify: the step when everything is right and there is no result yet.
    pending: Option<String>,
    /// call-back: the step when there is one already, or the number may not be called. verify: unknown, wrong or locked; a step, or one item for each refusal of the call.
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
    /// The step that writes down what is still to be done when the caller hangs up here, unless a human is on the way.
    hung_up: Option<String>,
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
    /// How it is asked in writing, on a page.
    written: Option<WrittenFile>,
    /// How long the first key may take. 6s if left out.
    first_digit: Option<String>,
    /// How long the next key may take. 3s if left out.
    inter_digit: Option<String>,
    /// What happens when nothing is keyed.
    no_input: Attempts,
    /// What happens when another key is pressed.
    no_match: Attempts,
}

/// How a step is asked in writing: where a policy's message has a link, the customer answers the same plan on a page.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct WrittenFile {
    /// The prompt, or prompts, that are read in place of those that are said.
    ask: Option<OneOrMany<String>>,
    /// Keys in quotes, each with the words beside it in each language, in the order in which they are shown.
    answers: Option<BTreeMap<String, BTreeMap<Language, String>>>,
    /// menu: this key is taken without asking, because the question makes no sense in writing.
    take: Option<String>,
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
    Rebates,
    Http,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum AnswerWord {
    /// The call that runs.
    Call,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum MessageFile {
    Known(MessageWord),
    Prompts(OneOrMany<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum MessageWord {
    /// The code of the caller's ticket once more.
    CodeAgain,
    /// The text message of the rebate that was looked up last; without one, of the newest that can be used and stands
    /// on the caller's number.
    RebateAgain,
}

/// What is written to the record.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct SaveFile {
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
    /// The customer wants no more calls from us, whatever they are about.
    do_not_call: Option<bool>,
}

/// Something a human must do after the call.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct FollowUpFile {
    /// Why: a word in kebab case.
    reason: String,
    /// By when, for example 24h.
    within: String,
    /// The calendar whose open hours count for within; all hours if left out.
    hours: Option<String>,
    /// The variable that holds the deadline from here on: its fields are date and time.
    promised: Option<String>,
    /// Words for whoever does it.
    note: Option<String>,
}
