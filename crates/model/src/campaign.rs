//! Whom a firm calls, with what, when and how often: the checked form of its policies, which the plans' checker
//! makes and the scheduler obeys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::{Calendar, Language};

/// The name of a policy, queue, trunk, plan, category or attribute.
pub type Name = Arc<str>;

/// What makes a ticket due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// It was settled: a survey.
    Closed,
    /// It moved while it is open: a notice of its progress.
    Changed,
}

/// Who is called. Empty sets let everybody pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Who {
    /// What makes a ticket due.
    pub trigger: Trigger,
    /// Categories of the ticket.
    pub categories: BTreeSet<Name>,
    /// Outcomes of the ticket.
    pub outcomes: BTreeSet<Name>,
    /// Outcomes of the ticket that do not pass: another policy tells of them.
    pub except: BTreeSet<Name>,
    /// Attributes of the customer with the values that pass: all of them must.
    pub attributes: BTreeMap<Name, BTreeSet<Name>>,
    /// How many of 1,000 tickets are drawn: always the same ones.
    pub share_permille: u16,
}

impl Default for Who {
    fn default() -> Self {
        Self {
            trigger: Trigger::Closed,
            categories: BTreeSet::new(),
            outcomes: BTreeSet::new(),
            except: BTreeSet::new(),
            attributes: BTreeMap::new(),
            share_permille: 1_000,
        }
    }
}

/// Outcomes of an attempt after which a policy may want another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Busy.
    Busy,
    /// It rang, and nobody answered.
    NoAnswer,
    /// Switched off or out of reach (关机).
    SwitchedOff,
    /// No such number (空号), or somebody else's.
    WrongNumber,
    /// A machine answered.
    Machine,
    /// The customer declined.
    Refused,
    /// The customer hung up before the question that the policy names.
    HungUp,
    /// The network failed.
    Failed,
    /// We gave up before it was answered.
    Cancelled,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Busy,
        Self::NoAnswer,
        Self::SwitchedOff,
        Self::WrongNumber,
        Self::Machine,
        Self::Refused,
        Self::HungUp,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The word that a designer writes and the record keeps.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::SwitchedOff => "switched-off",
            Self::WrongNumber => "wrong-number",
            Self::Machine => "machine",
            Self::Refused => "refused",
            Self::HungUp => "hung-up",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// Another attempt after an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// After the end of the one before; then the next moment that hours and caps allow.
    pub after: Duration,
    /// At most so often after this outcome.
    pub most: u8,
}

/// How often one ticket's customer is tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Retries {
    /// Attempts in all; at least one.
    pub attempts: u8,
    /// What follows an outcome; those that are not listed end the matter. There is none for an attempt
    /// whose end nobody knows: it is never repeated.
    pub after: BTreeMap<Outcome, Retry>,
    /// Who hung up at this question or later has taken part; before it, [`Outcome::HungUp`] counts.
    pub took_part_from: u32,
}

impl Default for Retries {
    fn default() -> Self {
        let after = |minutes: u64, most| Retry { after: Duration::from_secs(minutes * 60), most };
        Self {
            attempts: 3,
            after: [
                (Outcome::Busy, after(30, 2)),
                (Outcome::NoAnswer, after(180, 2)),
                (Outcome::SwitchedOff, after(360, 2)),
                (Outcome::Machine, after(360, 1)),
                (Outcome::Failed, after(15, 2)),
                (Outcome::Cancelled, after(60, 1)),
            ]
            .into(),
            took_part_from: 1,
        }
    }
}

/// A customer is tried at most so often in a rolling period. Every attempt counts, whatever came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// Attempts.
    pub attempts: u32,
    /// The period.
    pub period: Duration,
}

/// Calls are begun only as long as somebody is likely to be free for those who want a human.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// The queue they go to.
    pub queue: Name,
    /// Free agents who are left to those who call in.
    pub keep_free: u32,
    /// How many of 1,000 who answer want a human, as long as too few calls were measured.
    pub expected_permille: u16,
    /// The chance, of 1,000, that one of them finds nobody free.
    pub stranded_permille: u16,
}

/// How a machine that answers is told from a human: by how long it speaks without a rest. In doubt it is a
/// human.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detection {
    /// It is listened so long after the answer; not at all if zero.
    pub within: Duration,
    /// Words that go on for so long without a rest are a machine's greeting.
    pub greeting: Duration,
    /// What is no shorter than this is a rest.
    pub rest: Duration,
}

impl Default for Detection {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(6),
            greeting: Duration::from_millis(2_400),
            rest: Duration::from_millis(500),
        }
    }
}

/// The way on which a customer is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// By a call.
    Call,
    /// By a text message.
    Message,
}

impl Channel {
    /// The word that the record keeps.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Message => "message",
        }
    }

    /// The channel of this word.
    pub fn find(word: &str) -> Option<Self> {
        [Self::Call, Self::Message].into_iter().find(|channel| channel.word() == word)
    }
}

/// What a message tells, in the place where its name stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// The firm's own number of the ticket.
    Reference,
    /// What the ticket is about.
    Category,
    /// The day on which the ticket was closed or moved, on the customer's clock.
    ClosedOn,
    /// The day by which the ticket is to be settled, on the customer's clock.
    DueOn,
    /// The number to dial.
    Number,
    /// Where the customer answers the plan of the policy in writing.
    Link,
}

impl Told {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Reference, Self::Category, Self::ClosedOn, Self::DueOn, Self::Number, Self::Link];

    /// The name that a designer writes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Category => "category",
            Self::ClosedOn => "closed-on",
            Self::DueOn => "due-on",
            Self::Number => "number",
            Self::Link => "link",
        }
    }
}

/// A piece of a message's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As they stand.
    Words(String),
    /// What is known at the time.
    Told(Told),
}

/// How customers are called.
#[derive(Debug, Clone, PartialEq)]
pub struct Calls {
    /// The plan that speaks to them.
    pub plan: Name,
    /// How often.
    pub retries: Retries,
    /// How long it rings.
    pub ring_limit: Duration,
    /// Paced by the agents of a queue.
    pub pace: Option<Pace>,
    /// The trunks to call by: the first that is up and has a line free.
    pub trunks: Vec<Name>,
    /// The number the customer sees.
    pub show: Name,
    /// How it is told who answered.
    pub detection: Detection,
}

/// The text message by which customers are told.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The words, in every language.
    pub texts: BTreeMap<Language, Vec<Part>>,
    /// Instead of calls that led to nothing; `None` where nobody is called.
    pub otherwise: Option<Otherwise>,
}

/// When a message follows calls.
#[derive(Debug, Clone, PartialEq)]
pub struct Otherwise {
    /// After these outcomes of the last call; it also follows where it became too late to call.
    pub after: BTreeSet<Outcome>,
    /// Sent within so long after that, in the hours of the policy, or not at all.
    pub within: Duration,
    /// For so long after it was made the link that it tells can be answered.
    pub valid: Duration,
}

impl Message {
    /// Whether it tells a link.
    pub fn has_link(&self) -> bool {
        self.texts.values().flatten().any(|part| *part == Part::Told(Told::Link))
    }
}

/// One policy: customers are called, or sent a message, or sent a message when calls have led to nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Who is called or told.
    pub who: Who,
    /// When calls may ring and messages may be sent, on the customer's clock (the calendar's own where theirs
    /// is not known). The whole ring limit lies within.
    pub hours: Arc<Calendar>,
    /// So long after the ticket's closing or change at the earliest.
    pub earliest: Duration,
    /// So long after it at the latest; then it is too late.
    pub latest: Duration,
    /// Attempts by this policy alone, messages among them, besides [`Settings::caps`].
    pub caps: Vec<Cap>,
    /// 0 to 9; higher ones come first.
    pub priority: u8,
    /// How they are called; `None`: they are only sent the message.
    pub calls: Option<Calls>,
    /// The message; never `None` where nobody is called.
    pub message: Option<Message>,
}

impl Policy {
    /// How a customer is reached first.
    pub const fn first_channel(&self) -> Channel {
        if self.calls.is_some() { Channel::Call } else { Channel::Message }
    }
}

/// Everything that a firm decides about calling out.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The policies by name.
    pub policies: BTreeMap<Name, Arc<Policy>>,
    /// Which numbers may be called at all.
    pub numbers: NumberRules,
    /// Attempts of all policies together, by call or by message, for each customer.
    pub caps: Vec<Cap>,
    /// Calls begun a second, over all trunks; at least one.
    pub per_second: u32,
    /// A customer we spoke with, whoever called, is left alone for so long.
    pub after_contact: Duration,
    /// The longest call: one of which nothing was heard for longer is settled as unknown.
    pub longest_call: Duration,
    /// What is done is remembered here for so long at least (the record keeps it for good).
    pub remember: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: u64 = 86_400;
        Self {
            policies: BTreeMap::new(),
            numbers: NumberRules::default(),
            caps: vec![
                Cap { attempts: 2, period: Duration::from_secs(DAY) },
                Cap { attempts: 6, period: Duration::from_secs(30 * DAY) },
            ],
            per_second: 10,
            after_contact: Duration::from_secs(2 * 3_600),
            longest_call: Duration::from_secs(2 * 3_600),
            remember: Duration::from_secs(30 * DAY),
        }
    }
}

/// The countries that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRules {
    /// Calling codes (ITU-T E.164): 86 is China's.
    pub countries: BTreeSet<u16>,
}

impl Default for NumberRules {
    fn default() -> Self {
        Self { countries: [86].into() }
    }
}
