//! A plan that runs: events in, commands out, time as an argument.
//!
//! The rule: one `handle_*`, then drain [`Session::poll_command`] until `None`, then ask
//! [`Session::poll_timeout`], then wait. Time is the time since the call began, so a recorded
//! call replays exactly. A session that is not over always waits for a time it names.

mod ask;
mod io;
mod queue;
mod steps;
mod survey;
#[cfg(test)]
mod tests;
mod voice;
mod wait;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{CallerNumber, Fields, Language, StepEvent, Value};
use indexmap::IndexMap;

use crate::plan::{Answering, Outcome, Plan, Save, StepId};
use crate::plans::Plans;
use ask::Ask;
pub use io::{Answer, Command, Event, HungUpBy, NotThrough, OpId, Query, Verified};
use queue::{Listening, Queued, Talk};
use survey::Words;
use voice::Voice;
use wait::Waiting;

/// What is known when a call begins.
#[derive(Debug, Clone)]
pub struct StartContext {
    /// Who the call says it is from.
    pub caller: CallerNumber,
    /// What was dialled.
    pub dialled: String,
    /// The language of the customer's record; the plan's first one if `None`.
    pub language: Option<Language>,
    /// What is known of the customer: for the language only until a plan looks it up.
    pub customer: Option<Fields>,
    /// When the call began, in the firm's zone.
    pub started: jiff::Zoned,
    /// Said before everything else: [`crate::plans::Numbers::find_announcement`].
    pub announcement: Option<BTreeMap<Language, String>>,
    /// Values for what the plan `takes`, by name: of a call that we make, what is known of the ticket (`reference` and
    /// `category` as text, `closed-on` as a date). What the plan does not take, or takes as another type, is left out;
    /// a call that comes in brings nothing.
    pub given: Fields,
}

/// A plan that is running in this call.
#[derive(Debug)]
struct Frame {
    plan: Arc<Plan>,
    step: StepId,
    variables: Fields,
    /// What the caller of this plan takes back: our name, and its variable.
    gives: IndexMap<String, String>,
}

/// What happens when nothing is left to say.
#[derive(Debug)]
enum State {
    /// The call has not begun.
    New,
    /// Then the plan starts.
    Opening,
    /// Then the step acts.
    Entering,
    /// Then the call goes to this step.
    Leaving(StepId),
    /// A question, before, during or after its prompt.
    Asking(Box<Ask>),
    /// An operation that has not been answered.
    Waiting(Box<Waiting>),
    /// The caller speaks after a beep, or is about to.
    Recording(Words),
    /// The queue has not told anything yet: a closed one is heard of at once.
    Queueing(Talk),
    /// Music, until its time is over or a key leads on.
    Listening(Listening),
    /// The call is being put through.
    Transferring(Talk),
    /// Somebody talks with the caller.
    Talking(Talk),
    /// Then the call is ended.
    Closing(Outcome),
    /// The call is over.
    Over,
}

/// Steps that may run without the caller doing anything.
const STEP_LIMIT: u32 = 1_000;

/// Plans inside each other.
const DEPTH_LIMIT: usize = 8;

/// Keys that are kept for later questions.
const TYPE_AHEAD_LIMIT: usize = 64;

/// A call on its way through a plan.
#[derive(Debug)]
pub struct Session {
    plans: Arc<Plans>,
    context: StartContext,
    language: Language,
    frames: Vec<Frame>,
    state: State,
    voice: Voice,
    now: Duration,
    next_op: u64,
    commands: VecDeque<Command>,
    type_ahead: VecDeque<char>,
    /// An end key that is dropped if it comes before this time: its entry was complete already.
    swallow: Option<(char, Duration)>,
    /// Words that somebody interrupted, until they are kept: step and name.
    interrupted: Option<(OpId, String, String)>,
    /// The question asked last, for `repeat`.
    last_ask: Option<Ask>,
    steps_since_input: u32,
    /// Refusals by plan and step.
    refusals: BTreeMap<(String, String), usize>,
    outcome: Option<Outcome>,
    masked: bool,
    recording: bool,
    answered: bool,
    /// The queue that the caller waits in, or whose agent they talk with.
    queued: Option<Queued>,
    /// The questions of surveys that were asked, by name.
    questions: BTreeSet<String>,
    /// How many rebates the caller was told of, one after the other.
    rebates_told: u32,
    /// Whether a human had the caller, or will call back.
    human_is_coming: bool,
    /// Whether it is read and answered in writing: questions are asked by their `written`.
    in_writing: bool,
}

impl Session {
    /// A call that will run this plan; `None` if no plan is called so.
    pub fn new(plans: Arc<Plans>, plan: &str, context: StartContext) -> Option<Self> {
        let plan = Arc::clone(plans.find_plan(plan)?);
        let known = context.language.filter(|language| plan.languages.contains(language));
        let language = known.or_else(|| plan.languages.first().copied()).unwrap_or_default();
        let start = plan.start;
        let answered = plan.answering == Answering::AtOnce;
        let fits = |name: &String, value: &Value| {
            plan.takes.get(name).is_some_and(|of| *of == crate::check::type_of_value(value))
        };
        let variables = context.given.iter().filter(|(name, value)| fits(name, value));
        let variables = variables.map(|(name, value)| (name.clone(), value.clone())).collect();
        Some(Self {
            plans,
            context,
            language,
            frames: vec![Frame { plan, step: start, variables, gives: IndexMap::new() }],
            state: State::New,
            voice: Voice::default(),
            now: Duration::ZERO,
            next_op: 1,
            commands: VecDeque::new(),
            type_ahead: VecDeque::new(),
            swallow: None,
            interrupted: None,
            last_ask: None,
            steps_since_input: 0,
            refusals: BTreeMap::new(),
            outcome: None,
            masked: false,
            recording: false,
            answered,
            queued: None,
            questions: BTreeSet::new(),
            rebates_told: 0,
            human_is_coming: false,
            in_writing: false,
        })
    }

    /// The same plan, read and answered in writing: [`crate::writing`] drives it.
    pub(crate) fn in_writing(plans: Arc<Plans>, plan: &str, context: StartContext) -> Option<Self> {
        // Nothing is recorded, so nobody is told that it is.
        Self::new(plans, plan, context).map(|session| Self { in_writing: true, recording: true, ..session })
    }

    /// Whether something is keyed that may not be whole yet.
    pub(crate) fn has_keys(&self) -> bool {
        matches!(&self.state, State::Asking(ask) if ask.is_begun())
    }

    /// The step whose question waits for an answer, with its plan.
    pub(crate) fn asked(&self) -> Option<(&Arc<Plan>, StepId)> {
        let frame = self.frame();
        match &self.state {
            State::Asking(ask) => Some((&frame.plan, ask.step)),
            State::Recording(_) => Some((&frame.plan, frame.step)),
            _ => None,
        }
    }

    /// Something happened, `at` since the call began. An answer to an operation that no longer
    /// runs is dropped here.
    pub fn handle_event(&mut self, at: Duration, event: Event) {
        self.now = self.now.max(at);
        match event {
            Event::Started if matches!(self.state, State::New) => self.start(),
            Event::PlayDone { op } if self.voice.is_playing(op) => self.play_ended(true),
            Event::PlayFailed { op } if self.voice.is_playing(op) => self.play_failed(),
            Event::Answer { op, answer } if self.waits_for(op) => self.take_answer(answer),
            Event::Answer { op, answer } if self.records_words(op) => self.words_came(answer),
            Event::Answer { op, ref answer } if self.was_interrupted(op) => {
                self.interrupted_words_came(op, answer);
            }
            Event::Key { key } if crate::lower::is_key(key) => self.take_key(key),
            Event::HungUp { .. } => self.hung_up(),
            Event::Place { op, place, wait } if self.waits_in_queue(op) => self.take_place(place, wait),
            Event::Joined { op, agent } if self.waits_in_queue(op) || self.is_put_through(op) => {
                self.joined(op, agent);
            }
            Event::Returned { op } if self.talks_with_agent(op) => self.returned(),
            Event::TalkEnded { op } if self.talks(op) => self.talk_ended(op),
            Event::Nobody { op } if self.waits_in_queue(op) => self.waited_in_vain("nobody"),
            Event::QueueClosed { op } if self.waits_in_queue(op) => self.waited_in_vain("closed"),
            Event::QueueFailed { op } if self.waits_in_queue(op) => self.waited_in_vain("failed"),
            Event::TransferFailed { op, how } if self.is_put_through(op) => self.not_through(how),
            Event::Started
            | Event::PlayDone { .. }
            | Event::PlayFailed { .. }
            | Event::Answer { .. }
            | Event::Key { .. }
            | Event::Place { .. }
            | Event::Joined { .. }
            | Event::Returned { .. }
            | Event::TalkEnded { .. }
            | Event::Nobody { .. }
            | Event::QueueClosed { .. }
            | Event::QueueFailed { .. }
            | Event::TransferFailed { .. } => return,
        }
        self.advance();
    }

    /// The time named by [`Session::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, at: Duration) {
        self.now = self.now.max(at);
        if self.voice.deadline().is_some_and(|deadline| deadline <= self.now) {
            self.play_is_lost();
        }
        self.wait_timeout();
        self.ask_timeout();
        self.queue_timeout();
        self.words_timeout();
        self.advance();
    }

    /// What to do next, until `None`.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call [`Session::handle_timeout`], since the call began; `None` before the call
    /// begins and after it is over.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let state = match &self.state {
            State::Asking(ask) => ask.deadline(),
            State::Waiting(waiting) => waiting.deadline(),
            State::Recording(words) => words.deadline(),
            State::Listening(listening) => Some(listening.until),
            State::Queueing(talk) | State::Transferring(talk) | State::Talking(talk) => Some(talk.until),
            _ => None,
        };
        self.voice.deadline().into_iter().chain(state).min()
    }

    /// Whether the call is over: nothing will be commanded any more.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// How many different questions of surveys were asked so far; 0 while none was: the greeting. For the shell, when
    /// the customer hangs up.
    pub fn questions_asked(&self) -> u32 {
        u32::try_from(self.questions.len()).unwrap_or(u32::MAX)
    }

    /// The language the caller is spoken to in.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Where the call is: plan and step.
    pub fn position(&self) -> (&str, &str) {
        let frame = self.frame();
        let step = frame.plan.step(frame.step).map_or("", |step| step.name.as_str());
        (&frame.plan.name, step)
    }

    /// The plan the call began with, for its version.
    pub fn plans(&self) -> &Arc<Plans> {
        &self.plans
    }

    fn start(&mut self) {
        let frame = self.frame();
        let (plan, version) = (frame.plan.name.clone(), frame.plan.version.clone());
        let title = frame.plan.title.clone();
        self.note(StepEvent::Started { plan, version, language: self.language, title });
        self.state = State::Opening;
        if let Some(text) =
            self.context.announcement.as_ref().and_then(|texts| texts.get(&self.language)).cloned()
        {
            self.announce(text);
        }
        self.say_recording_notice();
    }

    fn take_key(&mut self, key: char) {
        if matches!(self.state, State::New | State::Over | State::Transferring(_) | State::Talking(_)) {
            return;
        }
        if let Some((end_key, until)) = self.swallow.take()
            && key == end_key
            && self.now <= until
        {
            return;
        }
        if self.type_ahead.len() < TYPE_AHEAD_LIMIT {
            self.type_ahead.push_back(key);
        }
        self.barge_in();
    }

    /// Goes on as long as nothing has to be waited for.
    fn advance(&mut self) {
        loop {
            if matches!(self.state, State::New | State::Over) {
                return;
            }
            self.speak();
            if self.voice.is_busy() {
                return;
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Opening => {
                    let start = self.frame().plan.start;
                    self.enter(start);
                }
                State::Entering => self.act(),
                State::Leaving(step) => self.enter(step),
                State::Asking(ask) => {
                    if !self.go_on_asking(*ask) {
                        return;
                    }
                }
                State::Waiting(waiting) => {
                    if !self.go_on_waiting(*waiting) {
                        return;
                    }
                }
                State::Recording(words) => {
                    if !self.go_on_recording(words) {
                        return;
                    }
                }
                State::Listening(listening) => {
                    if !self.go_on_listening(listening) {
                        return;
                    }
                }
                State::Closing(outcome) => {
                    self.unmask();
                    self.commands.push_back(Command::Hangup { outcome });
                    return;
                }
                state @ (State::New
                | State::Over
                | State::Queueing(_)
                | State::Transferring(_)
                | State::Talking(_)) => {
                    self.state = state;
                    return;
                }
            }
        }
    }

    /// Ends the call once everything is said.
    fn close(&mut self, outcome: Outcome) {
        let outcome = self.served(self.outcome.unwrap_or(outcome));
        self.outcome = Some(outcome);
        self.leave_queue("hung-up");
        let step = self.position().1.to_owned();
        if !matches!(self.state, State::Closing(_)) {
            let mut save = Save { outcome: Some(outcome), ..Save::default() };
            self.see_to_what_was_not_said(&mut save);
            self.commands.push_back(Command::Save { step, save });
        }
        self.state = State::Closing(outcome);
    }

    /// Something of ours went wrong and no exit of the plan leads on.
    fn trouble(&mut self, code: &str) {
        let step = self.position().1.to_owned();
        self.note(StepEvent::Trouble { step, code: code.to_owned() });
        self.voice.clear();
        self.apologise();
        self.outcome = None;
        self.close(Outcome::Failed);
    }

    fn hung_up(&mut self) {
        if matches!(self.state, State::New) {
            self.state = State::Over;
        }
        if matches!(self.state, State::Over) {
            return;
        }
        if self.voice.is_busy() {
            self.play_ended(false);
            self.voice.clear();
        }
        self.unmask();
        self.hung_up_with_human();
        self.write_after_hang_up();
        let abandoned = self.outcome.is_none().then_some(Outcome::Abandoned);
        let mut save = Save { outcome: abandoned, ..Save::default() };
        self.see_to_what_was_not_said(&mut save);
        if save != Save::default() {
            let step = self.position().1.to_owned();
            self.commands.push_back(Command::Save { step, save });
        }
        self.state = State::Over;
    }

    fn frame(&self) -> &Frame {
        self.frames.last().expect("a session has at least the plan it began with")
    }

    fn frame_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a session has at least the plan it began with")
    }

    fn op(&mut self) -> OpId {
        let op = OpId(self.next_op);
        self.next_op += 1;
        op
    }

    fn note(&mut self, event: StepEvent) {
        self.commands.push_back(Command::Note(event));
    }

    fn mask(&mut self) {
        if !self.masked {
            self.masked = true;
            self.commands.push_back(Command::Mask(true));
        }
    }

    fn unmask(&mut self) {
        if self.masked {
            self.masked = false;
            self.commands.push_back(Command::Mask(false));
        }
    }

    /// The variables that conditions and prompts see now.
    fn variables(&self) -> Fields {
        let mut variables = self.frame().variables.clone();
        let number = match &self.context.caller {
            CallerNumber::Phone(number) => number.national().to_owned(),
            CallerNumber::Short(digits) => digits.expose().clone(),
            CallerNumber::Withheld => String::new(),
        };
        let withheld = matches!(self.context.caller, CallerNumber::Withheld);
        let caller: Fields =
            [("number".to_owned(), Value::Digits(number)), ("withheld".to_owned(), Value::Flag(withheld))]
                .into();
        variables.insert("caller".into(), Value::Record(caller));
        let now = self.wall_clock();
        let weekday = now.strftime("%A").to_string().to_ascii_lowercase();
        let call: Fields = [
            ("dialled".to_owned(), Value::Digits(self.context.dialled.clone())),
            ("language".to_owned(), Value::Choice(self.language.tag().to_owned())),
            ("date".to_owned(), Value::Date(now.date())),
            ("time".to_owned(), Value::Time(now.time())),
            ("weekday".to_owned(), Value::Choice(weekday)),
        ]
        .into();
        variables.insert("call".into(), Value::Record(call));
        variables
    }

    /// The time of day, in the firm's zone.
    fn wall_clock(&self) -> jiff::Zoned {
        let passed = jiff::SignedDuration::try_from(self.now).unwrap_or_default();
        self.context.started.checked_add(passed).unwrap_or_else(|_| self.context.started.clone())
    }
}
