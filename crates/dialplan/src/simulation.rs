//! A call on virtual time: a session, a record in memory, and a stop-watch for prompts. What
//! `hotline test` and `hotline simulate` drive; it never waits and never reads a clock.

mod human;
mod record;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{Language, Segment, StepEvent, Utterance, Value};

pub use human::{SimulatedCallBack, SimulatedQueue, SimulatedText, SimulatedTransfer};
pub use record::{Database, MemoryRecord, SimulatedTicket};

use human::Human;
use words::Words;

use crate::plan::{Outcome, Pace, Save};
use crate::plans::Plans;
use crate::session::{Answer, Command, Event, HungUpBy, OpId, Session, StartContext};

/// How long something said lasts.
pub trait PromptLength {
    /// The length of an utterance: of its recording where there is one.
    fn length(&self, utterance: &Utterance, pace: Pace) -> Duration;
}

/// 0.22 s a syllable: a Han character or a digit is one, a Latin word has one for every three
/// letters.
#[derive(Debug, Clone, Copy, Default)]
pub struct BySyllables;

/// The length of a syllable.
const SYLLABLE: Duration = Duration::from_millis(220);

impl PromptLength for BySyllables {
    fn length(&self, utterance: &Utterance, pace: Pace) -> Duration {
        let syllables: usize = utterance.segments.iter().map(|segment| syllables(&words_of(segment))).sum();
        let length = SYLLABLE * u32::try_from(syllables).unwrap_or(u32::MAX).min(100_000);
        if pace == Pace::Slow { length * 4 / 3 } else { length }
    }
}

fn syllables(text: &str) -> usize {
    let mut letters = 0usize;
    let mut count = 0;
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphabetic() {
            letters += 1;
            continue;
        }
        count += letters.div_ceil(3);
        letters = 0;
        count += usize::from(c.is_alphanumeric());
    }
    count
}

fn words_of(segment: &Segment) -> String {
    match segment {
        Segment::Words { text, .. } => text.clone(),
        Segment::Value { value, .. } => value.plain(),
    }
}

/// The words of an utterance, values as they are written.
pub fn words(utterance: &Utterance) -> String {
    utterance
        .segments
        .iter()
        .map(words_of)
        .collect::<Vec<_>>()
        .join(if utterance.language == Language::EnUs { " " } else { "" })
}

/// Something the caller heard, or began to hear.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// The prompt.
    pub prompt: String,
    /// The words.
    pub words: String,
    /// The language of its fixed words.
    pub language: Language,
    /// How fast.
    pub pace: Pace,
    /// When it began.
    pub from: Duration,
    /// When it ends, or was stopped.
    pub to: Duration,
}

/// A line of what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// When.
    pub at: Duration,
    /// What, in words.
    pub text: String,
}

/// Everything that a call left on the record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Written {
    /// How it ended up.
    pub outcome: Option<Outcome>,
    /// Why the caller called.
    pub reason: Option<String>,
    /// Notes.
    pub notes: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Reasons of follow-ups.
    pub follow_ups: Vec<String>,
    /// When each is due, as 2026-11-20 10:00 in the zone of the call.
    pub due: Vec<String>,
    /// Text messages sent, by template.
    pub messages: Vec<String>,
    /// Whether the call was recorded.
    pub recorded: bool,
    /// Answers to questions of surveys, by the question.
    pub answers: BTreeMap<String, String>,
    /// Words that the caller left, by the plan's name for them.
    pub recordings: Vec<String>,
    /// Whether the customer wants no more calls.
    pub do_not_call: bool,
    /// Whether the place in the queue is kept for a call back.
    pub call_back: bool,
}

impl Written {
    fn take(&mut self, save: Save, now: &jiff::Zoned) {
        self.outcome = save.outcome.or(self.outcome);
        self.reason = save.reason.or(self.reason.take());
        self.notes.extend(save.note);
        self.tags.extend(save.tags);
        self.do_not_call |= save.do_not_call;
        let within = save.follow_up.as_ref().map(|follow_up| follow_up.within);
        let due = within.and_then(|within| now.checked_add(within).ok());
        self.due.extend(due.map(|due| due.strftime("%Y-%m-%d %H:%M").to_string()));
        self.follow_ups.extend(save.follow_up.map(|follow_up| follow_up.reason));
    }
}

struct Playing {
    op: OpId,
    ends: Duration,
}

/// A call on virtual time.
pub struct Simulation<'a> {
    session: Session,
    /// The record the call talks to.
    pub record: MemoryRecord,
    lengths: &'a dyn PromptLength,
    plans: Arc<Plans>,
    now: Duration,
    playing: Option<Playing>,
    answers: Vec<(Duration, OpId, Answer)>,
    heard: Vec<Heard>,
    lines: Vec<Line>,
    steps: Vec<(String, String)>,
    silences: usize,
    written: Written,
    over: bool,
    withheld: bool,
    human: Human,
    music: Option<OpId>,
    words: Option<Words>,
    started: jiff::Zoned,
}

impl<'a> Simulation<'a> {
    /// A call that will run this plan; `None` if no plan is called so.
    pub fn new(
        plans: &Arc<Plans>,
        plan: &str,
        context: StartContext,
        record: MemoryRecord,
        lengths: &'a dyn PromptLength,
    ) -> Option<Self> {
        let withheld = matches!(context.caller, hotline_model::CallerNumber::Withheld);
        let started = context.started.clone();
        Some(Self {
            session: Session::new(Arc::clone(plans), plan, context)?,
            record,
            lengths,
            plans: Arc::clone(plans),
            now: Duration::ZERO,
            playing: None,
            answers: Vec::new(),
            heard: Vec::new(),
            lines: Vec::new(),
            steps: Vec::new(),
            silences: 0,
            written: Written::default(),
            over: false,
            withheld,
            human: Human::default(),
            music: None,
            words: None,
            started,
        })
    }

    /// The call is answered.
    pub fn start(&mut self) {
        self.happen(Event::Started);
    }

    /// The caller presses a key.
    pub fn key(&mut self, key: char) {
        self.tell(format!("caller presses {key}"));
        self.happen(Event::Key { key });
    }

    /// The caller hangs up. What was said after a beep until then is kept.
    pub fn hang_up(&mut self) {
        if !self.over {
            self.tell("caller hangs up".into());
            self.words_over();
            self.happen(Event::HungUp { by: HungUpBy::Caller });
            self.over = true;
        }
    }

    /// When something will happen by itself.
    pub fn next_at(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let play = self.playing.as_ref().map(|playing| playing.ends);
        let answer = self.answers.iter().map(|(at, ..)| *at).min();
        let happens = [play, answer, self.human.next_at(), self.words_end_at(), self.session.poll_timeout()];
        happens.into_iter().flatten().min()
    }

    /// Lets time pass; everything that falls due on the way happens.
    pub fn advance_to(&mut self, at: Duration) {
        while let Some(next) = self.next_at().filter(|next| *next <= at) {
            self.now = self.now.max(next);
            self.due();
        }
        self.now = self.now.max(at);
    }

    /// Lets time pass until the next thing happens; `false` if nothing ever will.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next_at() else { return false };
        self.now = self.now.max(next);
        self.due();
        true
    }

    /// Since the call began.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Whether the call is over.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// Whether only the caller, or their silence, moves the call on: nothing is said and nothing
    /// is being looked up.
    pub fn waits_for_caller(&self) -> bool {
        !self.over && self.playing.is_none() && self.answers.is_empty() && !self.human.is_due_soon(self.now)
    }

    /// What the caller heard so far.
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// What happened so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The steps entered so far: plan and step.
    pub fn steps(&self) -> &[(String, String)] {
        &self.steps
    }

    /// How often the caller was waited for in vain: for a key, or for words after a beep.
    pub const fn silences(&self) -> usize {
        self.silences
    }

    /// What the call left on the record.
    pub const fn written(&self) -> &Written {
        &self.written
    }

    /// The session, to look at.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    fn due(&mut self) {
        let now = self.now;
        if self.playing.as_ref().is_some_and(|playing| playing.ends <= now)
            && let Some(playing) = self.playing.take()
        {
            self.happen(Event::PlayDone { op: playing.op });
        } else if let Some(at) = self.answers.iter().position(|(at, ..)| *at <= now) {
            let (_, op, answer) = self.answers.remove(at);
            self.happen(Event::Answer { op, answer });
        } else if let Some(event) = self.human.take_due(now) {
            self.human_news(event);
        } else if self.words_end_at().is_some_and(|at| at <= now) {
            self.words_over();
        } else if self.session.poll_timeout().is_some_and(|at| at <= now) {
            self.session.handle_timeout(now);
            self.obey();
        }
    }

    fn happen(&mut self, event: Event) {
        self.session.handle_event(self.now, event);
        self.obey();
    }

    fn tell(&mut self, text: String) {
        self.lines.push(Line { at: self.now, text });
    }

    fn obey(&mut self) {
        while let Some(command) = self.session.poll_command() {
            match command {
                Command::Play { op, utterances, pace } => self.play(op, utterances, pace),
                Command::StopPlaying { op } => self.stop(op),
                Command::Lookup { op, query, .. } => {
                    let (delay, answer) = self.record.look_up(&query);
                    self.answer(op, delay, answer);
                }
                Command::Verify { op, policy, given, .. } => {
                    let policy = self.plans.find_policy(&policy).cloned();
                    let (delay, answer) = match policy {
                        Some(policy) => self.record.verify(&policy, &given, self.withheld),
                        None => (Duration::ZERO, Some(Answer::Failed)),
                    };
                    self.answer(op, delay, answer);
                }
                Command::KeepAnswer { op, question, answer, .. } => {
                    let (delay, kept) = self.record.keep(Answer::Stored);
                    if kept == Some(Answer::Stored) {
                        self.written.answers.insert(question, answer);
                    }
                    self.answer(op, delay, kept);
                }
                Command::RecordWords { op, name, longest, silence, .. } => {
                    self.record_words(op, name, longest, silence);
                }
                Command::EndWords { op } => self.end_words(op),
                Command::Save { save, .. } => {
                    let now = self.started.checked_add(self.now).unwrap_or_else(|_| self.started.clone());
                    self.written.take(save, &now);
                }
                Command::Message { template, .. } => {
                    self.tell(format!("text message: {template}"));
                    self.written.messages.push(template);
                }
                Command::Text { op, prompt, text, .. } => {
                    let (delay, answer) = self.record.keep(match self.record.text_message {
                        SimulatedText::Sent => Answer::Stored,
                        SimulatedText::Refused => Answer::Empty,
                        SimulatedText::Failed => Answer::Failed,
                    });
                    if answer == Some(Answer::Stored) {
                        self.tell(format!("text message {prompt}: {}", text.expose()));
                        self.written.messages.push(prompt);
                    }
                    self.answer(op, delay, answer);
                }
                Command::Music { op, name } => {
                    self.tell(format!("music: {name}"));
                    self.music = Some(op);
                }
                Command::Enqueue { op, queue, .. } => self.enqueue(op, &queue),
                Command::LeaveQueue { op } => self.human.forget(op),
                Command::CallBack { op, .. } => {
                    let (delay, answer) = self.record.keep(match self.record.call_back {
                        SimulatedCallBack::Kept => Answer::Stored,
                        SimulatedCallBack::Refused => Answer::Empty,
                        SimulatedCallBack::Failed => Answer::Failed,
                    });
                    if answer == Some(Answer::Stored) {
                        self.tell("the place is kept for a call back".into());
                        self.written.call_back = true;
                    }
                    self.answer(op, delay, answer);
                }
                Command::Transfer { op, to, ring } => self.transfer(op, to.expose(), ring),
                Command::StartRecording => {
                    self.tell("recording begins".into());
                    self.written.recorded = true;
                }
                Command::Answer => self.tell("the call is answered".into()),
                Command::Mask(_) => {}
                Command::Note(event) => self.note(event),
                Command::SetLanguage(language) => self.tell(format!("language: {language}")),
                Command::Hangup { outcome } => {
                    self.tell(format!("the call ends: {}", outcome.word()));
                    self.over = true;
                }
            }
        }
    }

    fn answer(&mut self, op: OpId, delay: Duration, answer: Option<Answer>) {
        self.answers.extend(answer.map(|answer| (self.now + delay, op, answer)));
    }

    fn play(&mut self, op: OpId, utterances: Vec<Utterance>, pace: Pace) {
        self.music = None;
        let mut at = self.now;
        for utterance in utterances {
            let to = at + self.lengths.length(&utterance, pace);
            let words = words(&utterance);
            let slowly = if pace == Pace::Slow { " (slowly)" } else { "" };
            self.lines.push(Line { at, text: format!("hears {}{slowly}: {words}", utterance.prompt) });
            self.heard.push(Heard {
                prompt: utterance.prompt,
                words,
                language: utterance.language,
                pace,
                from: at,
                to,
            });
            at = to;
        }
        self.playing = Some(Playing { op, ends: at });
    }

    fn stop(&mut self, op: OpId) {
        if self.music == Some(op) {
            self.music = None;
        }
        if self.playing.as_ref().is_some_and(|playing| playing.op == op) {
            self.playing = None;
            let now = self.now;
            self.heard.retain(|heard| heard.from <= now);
            self.lines.retain(|line| line.at <= now);
            if let Some(last) = self.heard.last_mut() {
                last.to = last.to.min(now);
            }
        }
    }

    fn note(&mut self, event: StepEvent) {
        match event {
            StepEvent::Entered { plan, step, .. } => self.steps.push((plan, step)),
            StepEvent::NoInput { step, attempt } => {
                self.silences += 1;
                self.tell(format!("silence at {step}, attempt {attempt}"));
            }
            StepEvent::NoMatch { step, attempt } => {
                self.tell(format!("no match at {step}, attempt {attempt}"))
            }
            StepEvent::LookedUp { step, outcome } => self.tell(format!("look-up at {step}: {outcome}")),
            StepEvent::Verified { step, outcome } => self.tell(format!("verification at {step}: {outcome}")),
            StepEvent::Surveyed { question, answer, content, .. } => self.tell(match content {
                Some(true) => format!("{question}: {answer} (content)"),
                Some(false) => format!("{question}: {answer} (not content)"),
                None => format!("{question}: {answer}"),
            }),
            StepEvent::Recorded { name, seconds, .. } => self.tell(format!("left {seconds} s of {name}")),
            StepEvent::Queued { queue, .. } => self.tell(format!("waits in queue {queue}")),
            StepEvent::Joined { .. } => self.tell("talks with somebody".into()),
            StepEvent::Returned { .. } => self.tell("the agent is lost; waits again".into()),
            StepEvent::LeftQueue { how, .. } => self.tell(format!("waits and talks no longer: {how}")),
            StepEvent::Transferred { how, .. } => self.tell(format!("transfer: {how}")),
            StepEvent::Trouble { step, code } => self.tell(format!("trouble at {step}: {code}")),
            _ => {}
        }
    }
}

/// A record for simulations: text as a value, in the language it turns out to be written in.
pub(crate) fn text(words: &str) -> Value {
    Value::text(words)
}
