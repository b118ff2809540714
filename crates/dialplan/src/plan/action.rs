//! What a step does: a verb, and what goes with it.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_model::Language;
use indexmap::IndexMap;

use super::{PromptId, StepId, Type, VariablePath};
use crate::expression::Expression;
use crate::source::Span;

/// How fast something is said.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    /// As recorded.
    #[default]
    Normal,
    /// Slower, for those who could not follow.
    Slow,
}

/// One attempt of `no-input`, `no-match`, `slip` or `refused`: what is said, and where the call
/// goes; without a step it asks again.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// What is said.
    pub say: Vec<PromptId>,
    /// Where the call goes.
    pub then: Option<StepId>,
}

/// A question that is answered with keys: what `collect`, `menu` and `verify` have in common.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked.
    pub prompt: Vec<PromptId>,
    /// How long the first key may take once the prompt is over.
    pub first_digit: Duration,
    /// How long the next key may take.
    pub inter_digit: Duration,
    /// What happens when nothing is keyed.
    pub no_input: Vec<Attempt>,
    /// What happens when what is keyed does not fit.
    pub no_match: Vec<Attempt>,
}

/// `collect`: digits into a variable.
#[derive(Debug, Clone)]
pub struct Collect {
    /// The variable.
    pub variable: String,
    /// How it is asked.
    pub question: Question,
    /// The fewest digits.
    pub min: usize,
    /// The most digits.
    pub max: usize,
    /// The key that ends the entry.
    pub end_key: Option<char>,
    /// Keys that lead elsewhere when they are pressed alone, instead of an answer.
    pub keys: IndexMap<char, StepId>,
    /// What the digits must look like.
    pub pattern: Option<Pattern>,
    /// Whether the last digit is a check digit.
    pub check_digit: bool,
    /// What happens when the check digit does not fit; `no_match` if empty.
    pub slip: Vec<Attempt>,
    /// Whether the digits are kept out of recordings and records.
    pub secret: bool,
    /// Reads back and asks whether it is right.
    pub confirm: Option<Confirm>,
    /// Where the call goes on.
    pub then: StepId,
}

/// Reading back what was keyed.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// Reads back and says the keys.
    pub prompt: PromptId,
    /// The key for "right".
    pub yes: char,
    /// The key for "once more".
    pub no: char,
}

/// A pattern of keys: one set of keys for each place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub(crate) Vec<Vec<char>>);

impl Pattern {
    /// Whether an entry fits.
    pub fn fits(&self, keys: &str) -> bool {
        keys.chars().count() == self.0.len()
            && keys.chars().zip(&self.0).all(|(key, allowed)| allowed.contains(&key))
    }
}

/// How a step is asked in writing: on a page, where nobody hears anything and there are no keys.
#[derive(Debug, Clone)]
pub struct Written {
    /// What is asked, in place of the prompt that is said.
    pub ask: Vec<PromptId>,
    /// The words beside each entry, in the order in which they are shown.
    pub answers: IndexMap<String, BTreeMap<Language, String>>,
    /// The entry that is taken without asking, where the question makes no sense in writing.
    pub take: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// `menu`: a key, or a few, to a step.
#[derive(Debug, Clone)]
pub struct Menu {
    /// How it is asked.
    pub question: Question,
    /// Where each entry leads.
    pub keys: IndexMap<String, StepId>,
    /// How it is asked in writing, if it can be.
    pub written: Option<Written>,
}

/// `survey`: a question whose answer is kept.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The question's name, which stays when its words change; also the variable that holds the answer.
    pub name: String,
    /// How it is asked.
    pub question: Question,
    /// What each entry means: a number of the scale, or the plan's word.
    pub answers: IndexMap<String, String>,
    /// Whether the answers are numbers of a scale.
    pub scale: bool,
    /// The answers by which a customer counts as content; by every other one as not. Empty: the question does not measure
    /// that.
    pub content: Vec<String>,
    /// Keys that lead elsewhere, instead of an answer.
    pub keys: IndexMap<char, StepId>,
    /// Where the call goes on once the answer is kept.
    pub then: StepId,
    /// It could not be kept; as `then` if left out.
    pub failed: Option<StepId>,
    /// How it is asked in writing, if it can be.
    pub written: Option<Written>,
}

impl Survey {
    /// Whether an answer says that the customer is content; `None`: the question does not measure that.
    pub fn is_content(&self, answer: &str) -> Option<bool> {
        (!self.content.is_empty()).then(|| self.content.iter().any(|one| one == answer))
    }
}

/// `record`: some words of the caller.
#[derive(Debug, Clone)]
pub struct Record {
    /// What they are called on the record.
    pub name: String,
    /// What is said before the beep; may be empty.
    pub prompt: Vec<PromptId>,
    /// No words are longer.
    pub longest: Duration,
    /// A rest of this length ends them.
    pub silence: Duration,
    /// The key that ends them.
    pub end_key: Option<char>,
    /// Keys that lead elsewhere; what was said until then is kept.
    pub keys: IndexMap<char, StepId>,
    /// Nobody spoke; as `then` if left out.
    pub nothing: Option<StepId>,
    /// They could not be kept; as `then` if left out.
    pub failed: Option<StepId>,
    /// How it is asked in writing, if it can be.
    pub written: Option<Written>,
}

/// What is looked up.
#[derive(Debug, Clone)]
pub enum LookupOf {
    /// The customer whom the caller's number suggests.
    Customer,
    /// The verified ticket once more.
    Ticket,
    /// The next rebate of the verified customer, the newest first.
    Rebates,
    /// A web service.
    Http {
        /// Its address.
        url: String,
    },
}

/// The five ways a look-up or verification may come back, less those it does not have.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// What.
    pub of: LookupOf,
    /// The variable that exists after `found`.
    pub variable: String,
    /// Its fields.
    pub record: Type,
    /// Parameters, by name.
    pub with: IndexMap<String, VariablePath>,
    /// The deadline.
    pub within: Duration,
    /// What is said when the answer takes longer than a breath.
    pub meanwhile: Option<PromptId>,
    /// There is one.
    pub found: StepId,
    /// There is none.
    pub empty: StepId,
    /// No answer within the deadline.
    pub late: StepId,
    /// It could not be asked.
    pub failed: StepId,
}

/// `verify`: asks the factors of a policy, then looks up and checks in one act.
#[derive(Debug, Clone)]
pub struct Verify {
    /// The policy.
    pub policy: String,
    /// Factors the plan already holds.
    pub with: Vec<(hotline_model::verification::Factor, VariablePath)>,
    /// Factors it asks for, in the policy's order.
    pub asks: Vec<AskFactor>,
    /// The deadline.
    pub within: Duration,
    /// What is said when the answer takes longer than a breath.
    pub meanwhile: Option<PromptId>,
    /// Everything right: `ticket` exists from here on.
    pub passed: StepId,
    /// Everything right, no result yet.
    pub pending: StepId,
    /// Anything wrong: one item for each refusal of this call.
    pub refused: Vec<Attempt>,
    /// No answer within the deadline.
    pub late: StepId,
    /// It could not be asked.
    pub failed: StepId,
}

/// A factor that a verification asks for.
#[derive(Debug, Clone)]
pub struct AskFactor {
    /// Which.
    pub factor: hotline_model::verification::Factor,
    /// How many digits it has.
    pub length: usize,
    /// How it is asked.
    pub question: Question,
}

/// How a call ended up, in the words of the record.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The caller got what they called for without a human.
    Contained,
    /// A human goes on: by a call back, or at once.
    WantsHuman,
    /// The caller went away or gave no answer.
    Abandoned,
    /// The customer whom we called wants no part in it.
    Refused,
    /// Something of ours did not work.
    Failed,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 5] =
        [Self::Contained, Self::WantsHuman, Self::Abandoned, Self::Refused, Self::Failed];

    /// The word in plans and in the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Contained => "contained",
            Self::WantsHuman => "wants-human",
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// What a `save` writes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Save {
    /// How the call ended up.
    pub outcome: Option<Outcome>,
    /// Why the caller called.
    pub reason: Option<String>,
    /// Words for whoever reads it.
    pub note: Option<String>,
    /// Tags on the customer.
    pub tags: Vec<String>,
    /// Something a human must do.
    pub follow_up: Option<FollowUp>,
    /// The customer wants no more calls from us, whatever they are about.
    pub do_not_call: bool,
}

/// Something a human must do after the call.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Why.
    pub reason: String,
    /// By when, counted from the step that saves it. In a plan: as it is written, open hours alone where `hours` names
    /// a calendar. In [`crate::Command::Save`]: what the clock on the wall makes of it.
    pub within: Duration,
    /// The calendar whose open hours count; all hours without one.
    pub hours: Option<String>,
    /// The variable that holds the date and time of the deadline from here on, so that the caller can be told.
    pub promised: Option<String>,
    /// Words for whoever does it.
    pub note: Option<String>,
}

/// When a call is answered.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Answering {
    /// Before the caller hears anything.
    #[default]
    AtOnce,
    /// By a step `answer`. Until then the caller hears what is said without being charged, and keys do not count.
    ByStep,
}

/// Which language comes next.
#[derive(Debug, Clone)]
pub enum LanguageChoice {
    /// This one.
    Named(Language),
    /// The plan's next one after the caller's.
    Other,
    /// The one a variable names; nothing changes if the plan does not speak it.
    Variable(VariablePath),
}

/// `queue`: waits for an agent; the queue's waiting plan runs meanwhile.
#[derive(Debug, Clone)]
pub struct Enqueue {
    /// The queue.
    pub queue: String,
    /// 0 to 9; higher ones come first.
    pub priority: u8,
    /// What the agent must be able to do, besides what the queue asks for.
    pub skills: Vec<String>,
    /// Whether the agent who had the caller's ticket last is preferred.
    pub last_agent: bool,
    /// Why the caller wants an agent.
    pub reason: Option<String>,
    /// No agent came, or none is signed in.
    pub nobody: StepId,
    /// The queue is closed.
    pub closed: StepId,
    /// It could not be asked.
    pub failed: StepId,
    /// Where each `leave` of the waiting plan leads.
    pub left: Left,
}

/// Where the ways out of a waiting plan lead.
#[derive(Debug, Clone, Default)]
pub struct Left {
    /// By the word of the `leave`.
    pub words: IndexMap<String, StepId>,
    /// All others.
    pub others: Option<StepId>,
}

impl Left {
    /// Where a word leads.
    pub fn find(&self, word: &str) -> Option<StepId> {
        self.words.get(word).copied().or(self.others)
    }

    /// Everywhere it leads.
    pub fn steps(&self) -> impl Iterator<Item = StepId> {
        self.words.values().copied().chain(self.others)
    }
}

/// Whom a call is put through to.
#[derive(Debug, Clone)]
pub enum TransferTo {
    /// A number that stands in the plan.
    Number(String),
    /// The number that a variable holds.
    Variable(VariablePath),
}

/// `transfer`: puts the call through.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// To whom.
    pub to: TransferTo,
    /// How long it rings.
    pub ring: Duration,
    /// They are on the telephone.
    pub busy: StepId,
    /// They do not answer.
    pub no_answer: StepId,
    /// They cannot be reached.
    pub failed: StepId,
}

/// Whom a caller who would rather not wait is called back at.
#[derive(Debug, Clone)]
pub enum CallBackTo {
    /// The number that they call from.
    Caller,
    /// The number that a variable holds.
    Variable(VariablePath),
}

/// `call-back`: the caller keeps the place, hangs up, and is called when their turn comes.
#[derive(Debug, Clone)]
pub struct CallBack {
    /// At which number.
    pub to: CallBackTo,
    /// There is one already, or this number may not be called.
    pub refused: StepId,
    /// It could not be kept.
    pub failed: StepId,
}

/// `message` with a prompt: whoever calls gets it as a text message, at the number that they call from.
#[derive(Debug, Clone)]
pub struct Text {
    /// What they read.
    pub prompts: Vec<PromptId>,
    /// The number is withheld or takes no text messages, or there were too many.
    pub refused: StepId,
    /// It could not be kept.
    pub failed: StepId,
}

/// `music`: plays until the time is over, or a key leads elsewhere.
#[derive(Debug, Clone)]
pub struct Music {
    /// `prompts/music/<name>.wav`, over and over.
    pub name: String,
    /// How long.
    pub lasts: Duration,
    /// Keys that lead elsewhere, besides those that work everywhere.
    pub keys: IndexMap<char, StepId>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Only says its prompts.
    Say,
    /// Digits into a variable.
    Collect(Box<Collect>),
    /// Keys to steps.
    Menu(Box<Menu>),
    /// A question whose answer is kept.
    Survey(Box<Survey>),
    /// Words of the caller.
    Record(Box<Record>),
    /// The first condition that holds.
    Branch {
        /// Conditions in order.
        arms: Vec<(Expression, StepId)>,
        /// Where the call goes if none holds.
        otherwise: StepId,
    },
    /// Gives variables values.
    Set(Vec<(String, Expression)>),
    /// Asks the record or a web service.
    Lookup(Box<Lookup>),
    /// Verifies.
    Verify(Box<Verify>),
    /// Asks a calendar.
    Hours {
        /// Which.
        calendar: String,
        /// It is open.
        open: StepId,
        /// It is closed.
        closed: StepId,
        /// It is a holiday.
        holiday: StepId,
    },
    /// Writes to the record.
    Save(Save),
    /// Sends a text message to the number on file.
    Message {
        /// The template.
        template: String,
    },
    /// Sends a prompt as a text message to the number that calls.
    Text(Box<Text>),
    /// Changes the language.
    Language(LanguageChoice),
    /// Runs another plan.
    Call {
        /// Which.
        plan: String,
        /// What it takes, by its names.
        with: IndexMap<String, VariablePath>,
        /// What it gives back: its name, and the variable here.
        gives: IndexMap<String, String>,
    },
    /// Answers the call, where the plan answers by a step.
    Answer,
    /// Waits for an agent.
    Queue(Box<Enqueue>),
    /// Puts the call through.
    Transfer(Box<Transfer>),
    /// Plays music.
    Music(Box<Music>),
    /// Keeps the place for a call back, in a plan that runs inside a queue.
    CallBack(Box<CallBack>),
    /// Leaves the queue, in a plan that runs inside one.
    Leave(String),
    /// Says again what was said since the last key, and asks again.
    Repeat(Pace),
    /// Ends this plan and goes back to the one that called it.
    Return(IndexMap<String, VariablePath>),
    /// Ends the call.
    Hangup(Outcome),
}

impl Action {
    /// The verb a designer writes.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Say => "say",
            Self::Collect(_) => "collect",
            Self::Menu(_) => "menu",
            Self::Survey(_) => "survey",
            Self::Record(_) => "record",
            Self::Branch { .. } => "branch",
            Self::Set(_) => "set",
            Self::Lookup(_) => "lookup",
            Self::Verify(_) => "verify",
            Self::Hours { .. } => "hours",
            Self::Save(_) => "save",
            Self::Message { .. } | Self::Text(_) => "message",
            Self::Language(_) => "language",
            Self::Call { .. } => "call",
            Self::Answer => "answer",
            Self::Queue(_) => "queue",
            Self::Transfer(_) => "transfer",
            Self::Music(_) => "music",
            Self::CallBack(_) => "call-back",
            Self::Leave(_) => "leave",
            Self::Repeat(_) => "repeat",
            Self::Return(_) => "return",
            Self::Hangup(_) => "hangup",
        }
    }

    /// How it is asked in writing, if it can be.
    pub fn written(&self) -> Option<&Written> {
        match self {
            Self::Menu(menu) => menu.written.as_ref(),
            Self::Survey(survey) => survey.written.as_ref(),
            Self::Record(record) => record.written.as_ref(),
            _ => None,
        }
    }

    /// Whether it needs no caller: nothing is said and nothing asked.
    pub const fn is_silent(&self) -> bool {
        matches!(
            self,
            Self::Branch { .. } | Self::Set(_) | Self::Hours { .. } | Self::Save(_) | Self::Hangup(_)
        )
    }

    /// Whether the call waits for the caller here.
    pub fn asks(&self) -> bool {
        match self {
            Self::Collect(_) | Self::Menu(_) | Self::Survey(_) | Self::Record(_) | Self::Music(_) => true,
            Self::Verify(verify) => !verify.asks.is_empty(),
            _ => false,
        }
    }
}
