//! A plan after checking: what a [`crate::Session`] runs.

mod action;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use action::{
    Action, Answering, AskFactor, Attempt, CallBack, CallBackTo, Collect, Confirm, Enqueue, FollowUp,
    LanguageChoice, Left, Lookup, LookupOf, Menu, Music, Outcome, Pace, Pattern, Question, Record, Save,
    Survey, Text, Transfer, TransferTo, Verify, Written,
};

use hotline_model::{Decimal, Language, Slot, Value};
use indexmap::IndexMap;

use crate::source::{SourceFile, Span};

/// A step by its place in [`Plan::steps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub(crate) usize);

impl StepId {
    /// Stands for an exit that names no step; only in plans that have errors and never run.
    pub(crate) const NOWHERE: Self = Self(usize::MAX);
}

/// A prompt by its place in [`Plan::prompts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub(crate) usize);

impl PromptId {
    pub(crate) const NONE: Self = Self(usize::MAX);
}

/// The type of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Digits as keyed.
    Digits,
    /// A number.
    Number,
    /// An amount of money.
    Money,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// Words.
    Text,
    /// One of a few names.
    Choice,
    /// Yes or no.
    Flag,
    /// A record with these fields.
    Record(Arc<IndexMap<String, Type>>),
}

impl Type {
    /// The name a designer writes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Number => "number",
            Self::Money => "money",
            Self::Date => "date",
            Self::Time => "time",
            Self::Text => "text",
            Self::Choice => "choice",
            Self::Flag => "flag",
            Self::Record(_) => "record",
        }
    }

    /// The name as it stands in a sentence.
    pub const fn described(&self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Number => "a number",
            Self::Money => "an amount of money",
            Self::Date => "a date",
            Self::Time => "a time",
            Self::Text => "text",
            Self::Choice => "a choice",
            Self::Flag => "yes or no",
            Self::Record(_) => "a record",
        }
    }

    /// The types that a designer may name.
    pub const NAMED: [Self; 8] = [
        Self::Digits,
        Self::Number,
        Self::Money,
        Self::Date,
        Self::Time,
        Self::Text,
        Self::Choice,
        Self::Flag,
    ];

    /// The value of this type that a text writes (`2026-11-20`, `14:30`, `98.50`); `None` if it writes none, and of
    /// records, which are not written.
    pub fn value(&self, text: &str) -> Option<Value> {
        let keys = !text.is_empty() && text.chars().all(crate::lower::is_key);
        match self {
            Self::Digits => keys.then(|| Value::Digits(text.to_owned())),
            Self::Number => Decimal::parse(text).map(Value::Number),
            Self::Money => text.parse().ok().map(Value::Money),
            Self::Date => text.parse().ok().map(Value::Date),
            Self::Time => text.parse().ok().map(Value::Time),
            Self::Text => Some(Value::text(text)),
            Self::Choice => Some(Value::Choice(text.to_owned())),
            Self::Flag => text.parse().ok().map(Value::Flag),
            Self::Record(_) => None,
        }
    }

    /// Whether `slot` can say a value of this type.
    pub fn fits(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Digits | Slot::Phone => matches!(self, Self::Digits),
            Slot::Number | Slot::Count { .. } => matches!(self, Self::Number),
            Slot::Money { .. } => matches!(self, Self::Money),
            Slot::Date => matches!(self, Self::Date),
            Slot::Time => matches!(self, Self::Time),
            Slot::Text => matches!(self, Self::Text | Self::Choice),
        }
    }

    /// The slot that says it, as a designer writes it.
    pub const fn usual_slot(&self) -> Option<&'static str> {
        match self {
            Self::Digits => Some("digits"),
            Self::Number => Some("number"),
            Self::Money => Some("money"),
            Self::Date => Some("date"),
            Self::Time => Some("time"),
            Self::Text | Self::Choice => Some("text"),
            Self::Flag | Self::Record(_) => None,
        }
    }
}

/// A variable or a field of one: `code`, `ticket.result`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariablePath {
    /// The variable.
    pub variable: String,
    /// The field, if it is a record.
    pub field: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// One piece of a prompt's text.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece {
    /// Fixed words.
    Words {
        /// Which of several, from 1; `None` for the only piece.
        part: Option<u16>,
        /// The words.
        text: String,
    },
    /// A value and how to say it.
    Value {
        /// Which.
        path: VariablePath,
        /// How.
        slot: Slot,
    },
}

/// Something said to the caller.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// Where its name stands.
    pub span: Span,
    /// Whether a key stops it.
    pub barge_in: bool,
    /// Its pieces in each language.
    pub texts: BTreeMap<Language, Vec<Piece>>,
}

/// One step of a plan.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What agents call it; may be empty.
    pub title: BTreeMap<Language, String>,
    /// Where its name stands.
    pub span: Span,
    /// What is heard first.
    pub say: Vec<PromptId>,
    /// Where `say` stands, prompt by prompt.
    pub(crate) say_spans: Vec<Span>,
    /// How fast.
    pub pace: Pace,
    /// What it does then.
    pub action: Action,
    /// Where the call goes on, where the action has one exit.
    pub then: Option<StepId>,
    /// What is still written down when the caller hangs up here, and no human is on the way.
    pub hung_up: Option<StepId>,
    /// Keys typed ahead skip what is said here, because a question follows.
    pub skippable: bool,
}

/// A plan without errors.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What agents call it; may be empty.
    pub title: BTreeMap<Language, String>,
    /// Its file.
    pub file: Arc<SourceFile>,
    /// The first twelve hexadecimal digits of its source's SHA-256.
    pub version: String,
    /// The languages it speaks, the usual one first.
    pub languages: Vec<Language>,
    /// When its calls are answered.
    pub answering: Answering,
    /// Where it starts.
    pub start: StepId,
    /// Everything it says.
    pub prompts: Vec<Prompt>,
    /// Everything it does.
    pub steps: Vec<Step>,
    /// Keys that work in every menu, and as the only key of an entry in every other question.
    pub keys_everywhere: IndexMap<char, StepId>,
    /// Said once before a text in another language.
    pub bridge: Option<PromptId>,
    /// Said before the call ends because something of ours went wrong.
    pub apology: Option<PromptId>,
    /// The notice that is said, to its end, before the call is recorded.
    pub recording_notice: Option<PromptId>,
    /// Variables that the calling plan hands over.
    pub takes: IndexMap<String, Type>,
    /// Variables that it gives back.
    pub returns: IndexMap<String, Type>,
}

impl Plan {
    /// A step by its name.
    pub fn find_step(&self, name: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// A prompt by its name.
    pub fn find_prompt(&self, name: &str) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.name == name)
    }

    pub(crate) fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    pub(crate) fn prompt(&self, id: PromptId) -> Option<&Prompt> {
        self.prompts.get(id.0)
    }
}
