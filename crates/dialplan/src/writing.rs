//! A survey answered in writing: the same plan, read on a page instead of heard.
//!
//! A page keeps nothing but the answers that were given, each with its time. [`walk`] begins the plan anew, gives it
//! the answers in their order, and tells what is asked next, or how it ended, with everything the plan has written
//! down on the way: what a page has led to is a function of its answers. Given again it is the same.

mod words;

use std::sync::Arc;
use std::time::Duration;

use hotline_model::{CallerNumber, Fields, Language, Segment, Utterance};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::plan::{Action, Outcome, Plan, Save, Step, StepId};
use crate::plans::Plans;
use crate::session::{Answer, Command, Event, HungUpBy, NotThrough, OpId, Session, StartContext};

/// Words that a customer writes are no longer than this, in characters.
pub const LONGEST: usize = 1_000;

/// No page has more answers: a plan may ask in a circle.
pub const MOST_TURNS: usize = 40;

/// What a plan may do between two answers: far more than any does, and no circle goes on for ever.
const MOST_MOVES: usize = 200;

/// What is known when a page is begun.
#[derive(Debug, Clone)]
pub struct Page {
    /// The plan.
    pub plan: String,
    /// What is told of the ticket, as [`StartContext::given`].
    pub given: Fields,
    /// The language that is read; the plan's first one where it does not speak it.
    pub language: Language,
    /// When the page was begun: times of day and deadlines are counted from it.
    pub began: Timestamp,
    /// The firm's zone.
    pub zone: TimeZone,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Turn {
    /// What was asked: [`Asked::step`].
    pub step: String,
    /// When it was answered.
    pub at: Timestamp,
    /// The answer.
    pub said: Said,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// One of the choices, by its entry.
    Choice(String),
    /// Words; empty: nothing to say.
    Words(String),
}

/// What a plan leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// An answer to be kept.
    Answer {
        /// The question's name.
        question: String,
        /// A number of the scale, or the plan's word.
        answer: String,
        /// Whether it says that the customer is content, if the question measures that.
        content: Option<bool>,
    },
    /// Words of the customer to be kept.
    Words {
        /// What the plan calls them.
        name: String,
        /// The words.
        text: String,
    },
    /// Something written down. Deadlines of follow-ups count from `at`.
    Save {
        /// When.
        at: Timestamp,
        /// What.
        save: Save,
    },
}

/// One of the answers of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its entry: what would be keyed.
    pub value: String,
    /// Its words.
    pub label: String,
    /// The word or number under which it is kept; empty where it leads elsewhere.
    pub kept: String,
}

/// How a question is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// By one of these.
    Choices(Vec<Choice>),
    /// In words of one's own, [`LONGEST`] characters at most; or not at all.
    Words,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Plan and step.
    pub step: String,
    /// The question's name, of a survey.
    pub question: Option<String>,
    /// The question, a paragraph each.
    pub words: Vec<String>,
    /// How it is answered.
    pub form: Form,
    /// How many questions can still come, this one included.
    pub left: usize,
}

/// Where a page stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// What was said since the last answer, besides the question: a paragraph each.
    pub said: Vec<String>,
    /// What is asked; `None`: the plan is over.
    pub asked: Option<Asked>,
    /// How it ended, or would end if the customer went away now.
    pub outcome: Outcome,
    /// Everything that is to be on the record now, in its order: also what follows if the customer goes away here.
    pub effects: Vec<Effect>,
}

/// Why answers could not be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// No plan is called so.
    NoPlan,
    /// The answer at this place is to another question, or none of its answers: the plan was changed meanwhile. Those
    /// before it are sound.
    At(usize),
}

/// Follows the answers from the plan's beginning.
///
/// # Errors
/// [`Lost`], where they cannot be.
pub fn walk(plans: &Arc<Plans>, page: &Page, turns: &[Turn]) -> Result<Walk, Lost> {
    let mut walker = Walker::new(plans, page).ok_or(Lost::NoPlan)?;
    walker.begin();
    for (at, turn) in turns.iter().take(MOST_TURNS).enumerate() {
        walker.take(turn).ok_or(Lost::At(at))?;
    }
    Ok(walker.stop())
}

/// A session whose questions are read.
struct Walker<'a> {
    page: &'a Page,
    session: Session,
    now: Duration,
    /// What was said since the last answer: prompt and words.
    said: Vec<(String, String)>,
    effects: Vec<Effect>,
    outcome: Option<Outcome>,
    /// Words that wait to be written.
    words: Option<(OpId, String)>,
}

impl<'a> Walker<'a> {
    fn new(plans: &Arc<Plans>, page: &'a Page) -> Option<Self> {
        let context = StartContext {
            caller: CallerNumber::Withheld,
            dialled: String::new(),
            language: Some(page.language),
            customer: None,
            started: page.began.to_zoned(page.zone.clone()),
            announcement: None,
            given: page.given.clone(),
        };
        let session = Session::in_writing(Arc::clone(plans), &page.plan, context)?;
        let (said, effects) = (Vec::new(), Vec::new());
        Some(Self { page, session, now: Duration::ZERO, said, effects, outcome: None, words: None })
    }

    fn begin(&mut self) {
        self.tell(Event::Started);
        self.settle();
    }

    fn tell(&mut self, event: Event) {
        self.session.handle_event(self.now, event);
    }

    /// Goes on until the customer is asked, or the plan is over.
    fn settle(&mut self) {
        for _ in 0..MOST_MOVES {
            self.obey();
            if self.session.is_over() || self.outcome.is_some() {
                return;
            }
            match self.asks() {
                Some((plan, id)) => {
                    let take = plan.step(id).and_then(|step| step.action.written()?.take.clone());
                    let Some(take) = take else { return };
                    self.key(&take);
                }
                // Nothing else is waited for: a pause, music, an answer that nobody gives.
                None => {
                    let Some(at) = self.session.poll_timeout() else { return };
                    self.now = self.now.max(at);
                    self.session.handle_timeout(self.now);
                }
            }
        }
        // In a circle: nobody will ever be asked.
        self.outcome = Some(Outcome::Failed);
    }

    /// What the customer is asked, if the plan waits for it.
    fn asks(&self) -> Option<(Arc<Plan>, StepId)> {
        self.session.asked().map(|(plan, id)| (Arc::clone(plan), id))
    }

    fn key(&mut self, entry: &str) {
        let before = self.asks().map(|(_, id)| id);
        for key in entry.chars() {
            self.tell(Event::Key { key });
            self.obey();
        }
        // One number of a scale may be the beginning of another: the pause behind it says that it is whole.
        if self.asks().map(|(_, id)| id) == before
            && let Some(at) = self.session.poll_timeout()
            && self.session.has_keys()
        {
            self.now = self.now.max(at);
            self.session.handle_timeout(self.now);
        }
    }

    /// Does what the session says until it says nothing more.
    fn obey(&mut self) {
        while let Some(command) = self.session.poll_command() {
            match command {
                Command::Play { op, utterances, .. } => {
                    for utterance in utterances {
                        let words = words_of(&utterance);
                        self.said.push((utterance.prompt, words));
                    }
                    self.tell(Event::PlayDone { op });
                }
                Command::KeepAnswer { op, question, answer, content, .. } => {
                    self.effects.push(Effect::Answer { question, answer, content });
                    self.tell(Event::Answer { op, answer: Answer::Stored });
                }
                Command::RecordWords { op, name, .. } => self.words = Some((op, name)),
                Command::Save { save, .. } => {
                    let at = self.page.began.checked_add(self.now).unwrap_or(self.page.began);
                    self.effects.push(Effect::Save { at, save });
                }
                // A human now is a human later: the plan promises it.
                Command::Enqueue { op, .. } => self.tell(Event::Nobody { op }),
                Command::Transfer { op, .. } => {
                    self.tell(Event::TransferFailed { op, how: NotThrough::Failed });
                }
                Command::Lookup { op, .. }
                | Command::Verify { op, .. }
                | Command::CallBack { op, .. }
                | Command::Text { op, .. } => {
                    self.tell(Event::Answer { op, answer: Answer::Failed });
                }
                Command::Hangup { outcome } => {
                    self.outcome = Some(outcome);
                    self.tell(Event::HungUp { by: HungUpBy::Us });
                }
                Command::Message { .. }
                | Command::StopPlaying { .. }
                | Command::EndWords { .. }
                | Command::Music { .. }
                | Command::LeaveQueue { .. }
                | Command::StartRecording
                | Command::Answer
                | Command::Mask(_)
                | Command::Note(_)
                | Command::SetLanguage(_) => {}
            }
        }
    }

    /// Gives an answer; `None`: it is no answer to what is asked.
    fn take(&mut self, turn: &Turn) -> Option<()> {
        let (plan, id) = self.asks().filter(|_| self.outcome.is_none())?;
        let step = plan.step(id).filter(|step| name_of(&plan, step) == turn.step)?;
        let since = Duration::try_from(turn.at.duration_since(self.page.began)).unwrap_or_default();
        let fits = match &turn.said {
            Said::Choice(entry) => {
                choices(&plan, step, self.session.language())?.iter().any(|choice| choice.value == *entry)
            }
            Said::Words(_) => matches!(step.action, Action::Record(_)),
        };
        if !fits {
            return None;
        }
        self.now = self.now.max(since);
        self.said.clear();
        match &turn.said {
            Said::Choice(entry) => self.key(entry),
            Said::Words(text) => {
                let (op, name) = self.words.take()?;
                let text: String = text.trim().chars().take(LONGEST).collect();
                let answer = if text.is_empty() {
                    Answer::Empty
                } else {
                    self.effects.push(Effect::Words { name, text });
                    Answer::Kept { length: Duration::ZERO }
                };
                self.tell(Event::Answer { op, answer });
            }
        }
        self.settle();
        Some(())
    }

    /// Where it stands; then the customer goes away.
    fn stop(mut self) -> Walk {
        let asked = self.asks().filter(|_| self.outcome.is_none());
        let asked = asked.and_then(|(plan, id)| {
            let step = plan.step(id)?;
            let written = step.action.written()?;
            let asks: Vec<&str> = written
                .ask
                .iter()
                .filter_map(|id| plan.prompt(*id))
                .map(|prompt| prompt.name.as_str())
                .collect();
            let is_asked = |prompt: &String| asks.contains(&prompt.as_str());
            let words = self
                .said
                .iter()
                .filter(|(prompt, _)| is_asked(prompt))
                .map(|(_, words)| words.clone())
                .collect();
            self.said.retain(|(prompt, _)| !is_asked(prompt));
            let form = match choices(&plan, step, self.session.language()) {
                Some(choices) => Form::Choices(choices),
                None => Form::Words,
            };
            let question = match &step.action {
                Action::Survey(survey) => Some(survey.name.clone()),
                _ => None,
            };
            Some(Asked { step: name_of(&plan, step), question, words, form, left: left(&plan, id) })
        });
        let said = std::mem::take(&mut self.said).into_iter().map(|(_, words)| words).collect();
        if asked.is_some() {
            self.tell(Event::HungUp { by: HungUpBy::Caller });
            self.obey();
        }
        let saved = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::Save { save, .. } => save.outcome,
            _ => None,
        });
        let outcome = self.outcome.or(saved).unwrap_or(Outcome::Abandoned);
        Walk { said, asked, outcome, effects: self.effects }
    }
}

fn name_of(plan: &Plan, step: &Step) -> String {
    format!("{}/{}", plan.name, step.name)
}

/// The answers of a step in a language, as they stand under `written`; `None`: it is answered in words.
fn choices(plan: &Plan, step: &Step, language: Language) -> Option<Vec<Choice>> {
    let written = step.action.written()?;
    let label = |entry: &String| {
        let words = written.answers.get(entry)?;
        words.get(&language).or_else(|| words.values().next()).cloned()
    };
    let choice = |entry: &String, kept: String| {
        let label = label(entry).unwrap_or_else(|| entry.clone());
        Choice { value: entry.clone(), label, kept }
    };
    let elsewhere = |survey: Option<&crate::plan::Survey>| {
        let mut keys = Vec::new();
        for entry in written.answers.keys() {
            let mut pressed = entry.chars();
            let Some(key) = pressed.next().filter(|_| pressed.next().is_none()) else { continue };
            let own = survey.is_some_and(|survey| survey.keys.contains_key(&key));
            if own || plan.keys_everywhere.contains_key(&key) {
                keys.push(choice(entry, String::new()));
            }
        }
        keys
    };
    match &step.action {
        Action::Survey(survey) if survey.scale => {
            let scale = survey.answers.iter().map(|(entry, kept)| choice(entry, kept.clone()));
            let others = elsewhere(Some(survey)).into_iter();
            Some(scale.chain(others.filter(|one| !survey.answers.contains_key(&one.value))).collect())
        }
        Action::Survey(survey) => {
            let own = written.answers.keys();
            let own = own.filter_map(|entry| Some(choice(entry, survey.answers.get(entry)?.clone())));
            let others = elsewhere(Some(survey)).into_iter();
            Some(own.chain(others.filter(|one| !survey.answers.contains_key(&one.value))).collect())
        }
        Action::Menu(menu) => {
            let own = written.answers.keys().filter(|entry| menu.keys.contains_key(*entry));
            let own = own.map(|entry| choice(entry, String::new()));
            let others = elsewhere(None).into_iter();
            Some(own.chain(others.filter(|one| !menu.keys.contains_key(&one.value))).collect())
        }
        _ => None,
    }
}

/// The most questions that can come from a step on, itself included; a circle counts once.
fn left(plan: &Plan, from: StepId) -> usize {
    fn longest(plan: &Plan, at: StepId, seen: &mut Vec<StepId>, budget: &mut usize) -> usize {
        let Some(step) = plan.step(at).filter(|_| !seen.contains(&at) && *budget > 0) else { return 0 };
        *budget -= 1;
        seen.push(at);
        let ways = crate::check::ways_in_writing(plan, step).unwrap_or_default();
        let behind = ways.into_iter().map(|to| longest(plan, to, seen, budget)).max().unwrap_or(0);
        seen.pop();
        let asks = step.action.written().is_some_and(|written| written.take.is_none());
        behind + usize::from(asks)
    }
    longest(plan, from, &mut Vec::new(), &mut 2_000).max(1)
}

/// What an utterance reads like.
pub(crate) fn words_of(utterance: &Utterance) -> String {
    let pieces = utterance.segments.iter().map(|segment| match segment {
        Segment::Words { text, .. } => text.trim().to_owned(),
        Segment::Value { slot, value } => words::written(value, slot, utterance.language),
    });
    words::join(pieces, utterance.language)
}
