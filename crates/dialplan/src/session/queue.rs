//! Waiting for an agent, talking with one, being put through; music.
//!
//! While a caller waits, the queue's waiting plan runs on top of the plan that waits: its end leads back
//! to its start. Whoever answers interrupts whatever is said.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::{AgentId, CallerNumber, Fields, Pii, StepEvent, Value};
use indexmap::IndexMap;

use super::steps::entered;
use super::wait::{BREATH, Came};
use super::{Answer, Command, DEPTH_LIMIT, Frame, NotThrough, OpId, Session, State};
use crate::expression;
use crate::plan::{
    Action, CallBack, CallBackTo, Enqueue, Music, Outcome, Piece, Prompt, Save, StepId, Transfer, TransferTo,
};

/// The place of a caller who waits, to the plan that runs meanwhile; 0 while it is not known.
const PLACE: &str = "place";

/// The wait in minutes; 0 while it is not known.
const WAIT: &str = "wait";

/// A talk of which nobody told the end.
const TALK_LIMIT: Duration = Duration::from_secs(4 * 3_600);

/// An attempt to put a call through of which nobody told anything, after its ringing.
const RING_GRACE: Duration = Duration::from_secs(10);

/// The queue that the caller waits in, or whose agent they talk with.
#[derive(Debug)]
pub(super) struct Queued {
    op: OpId,
    /// How many plans there are below the waiting plan.
    depth: usize,
    talking: bool,
    /// Whether the place is kept for a call back.
    kept: bool,
    /// Place and wait in minutes; 0 while they are not known.
    place: (i64, i64),
}

/// Music that plays.
#[derive(Debug)]
pub(super) struct Listening {
    /// `None` before it has begun.
    op: Option<OpId>,
    pub until: Duration,
}

/// Somebody who is called or talks.
#[derive(Debug)]
pub(super) struct Talk {
    op: OpId,
    pub until: Duration,
}

impl Session {
    pub(super) fn waits_in_queue(&self, op: OpId) -> bool {
        self.queued.as_ref().is_some_and(|queued| queued.op == op && !queued.talking)
    }

    pub(super) fn talks_with_agent(&self, op: OpId) -> bool {
        self.queued.as_ref().is_some_and(|queued| queued.op == op && queued.talking)
    }

    pub(super) fn talks(&self, op: OpId) -> bool {
        matches!(&self.state, State::Talking(talk) if talk.op == op)
    }

    pub(super) fn is_put_through(&self, op: OpId) -> bool {
        matches!(&self.state, State::Transferring(talk) if talk.op == op)
    }

    /// Comes into the line, and begins the waiting plan.
    pub(super) fn enqueue(&mut self, step: &str, enqueue: &Enqueue) {
        if self.queued.is_some() || self.frames.len() >= DEPTH_LIMIT {
            self.trouble("queue-in-queue");
            return;
        }
        let op = self.op();
        self.note(StepEvent::Queued { step: step.to_owned(), queue: enqueue.queue.clone() });
        self.commands.push_back(Command::Enqueue {
            op,
            queue: enqueue.queue.clone(),
            priority: enqueue.priority,
            skills: enqueue.skills.clone(),
            last_agent: enqueue.last_agent,
            reason: enqueue.reason.clone(),
        });
        self.queued =
            Some(Queued { op, depth: self.frames.len(), talking: false, kept: false, place: (0, 0) });
        self.state = State::Queueing(Talk { op, until: self.now + BREATH });
    }

    /// The queue has told something, or lets us wait: begins the waiting plan.
    fn begin_waiting(&mut self) {
        let plan = Arc::clone(&self.frame().plan);
        match plan.step(self.frame().step).map(|step| &step.action) {
            Some(Action::Queue(enqueue)) => self.wait_in_queue(&enqueue.queue),
            _ => self.trouble("no-queue"),
        }
    }

    /// The waiting plan, from its start.
    fn wait_in_queue(&mut self, queue: &str) {
        let plan = self.plans.find_queue(queue).and_then(|queue| self.plans.find_plan(&queue.while_waiting));
        let Some(plan) = plan.cloned() else {
            self.waited_in_vain("failed");
            return;
        };
        let (place, wait) = self.queued.as_ref().map_or((0, 0), |queued| queued.place);
        let number = |number: i64| Value::Number(number.into());
        let variables: Fields = [(PLACE.to_owned(), number(place)), (WAIT.to_owned(), number(wait))].into();
        let start = plan.start;
        self.frames.push(Frame { plan, step: start, variables, gives: IndexMap::new() });
        self.last_ask = None;
        self.voice.answered();
        self.say_recording_notice();
        self.state = State::Opening;
    }

    /// Whether the plan that ends now is the waiting plan itself.
    pub(super) fn is_waiting_plan(&self) -> bool {
        self.queued.as_ref().is_some_and(|queued| self.frames.len() == queued.depth + 1)
    }

    pub(super) fn take_place(&mut self, place: u32, wait: Option<Duration>) {
        let minutes = wait.map_or(0, |wait| wait.as_secs().div_ceil(60));
        let minutes = i64::try_from(minutes).unwrap_or(i64::MAX);
        let Some(queued) = self.queued.as_mut() else { return };
        let depth = queued.depth;
        queued.place = (i64::from(place), minutes);
        if matches!(self.state, State::Queueing(_)) {
            self.begin_waiting();
        } else if let Some(frame) = self.frames.get_mut(depth) {
            frame.variables.insert(PLACE.to_owned(), Value::Number(i64::from(place).into()));
            frame.variables.insert(WAIT.to_owned(), Value::Number(minutes.into()));
        }
    }

    /// Notes for the record that the caller is told where they stand.
    pub(super) fn note_place(&mut self, prompt: &Prompt) {
        if !self.is_waiting_plan() {
            return;
        }
        let says = |name: &str| {
            let mut pieces = prompt.texts.values().flatten();
            pieces.any(|piece| matches!(piece, Piece::Value { path, .. } if path.variable == name))
        };
        if !says(PLACE) && !says(WAIT) {
            return;
        }
        let number = |name: &str| {
            let value = self.frame().variables.get(name)?;
            value.plain().parse::<u32>().ok().filter(|number| *number > 0)
        };
        let (place, minutes) = (number(PLACE).unwrap_or(0), number(WAIT).filter(|_| says(WAIT)));
        self.note(StepEvent::PlaceTold { place, minutes });
    }

    /// An agent has the caller, or whom the call was put through to has.
    pub(super) fn joined(&mut self, op: OpId, agent: Option<AgentId>) {
        self.hush(false);
        if let Some(queued) = self.queued.as_mut().filter(|queued| queued.op == op) {
            queued.talking = true;
            let depth = queued.depth;
            self.frames.truncate(depth);
        }
        self.note(StepEvent::Joined { agent });
        self.human_is_coming = true;
        self.outcome = Some(Outcome::WantsHuman);
        let step = self.position().1.to_owned();
        let frame = self.frame();
        let reason = frame.plan.step(frame.step).and_then(|step| match &step.action {
            Action::Queue(enqueue) => enqueue.reason.clone(),
            _ => None,
        });
        let save = Save { outcome: self.outcome, reason, ..Save::default() };
        self.commands.push_back(Command::Save { step, save });
        self.state = State::Talking(Talk { op, until: self.now + TALK_LIMIT });
    }

    /// The agent was lost: back to the place.
    pub(super) fn returned(&mut self) {
        let Some(queued) = self.queued.as_mut() else { return };
        queued.talking = false;
        queued.place = (0, 0);
        let step = self.position().1.to_owned();
        self.note(StepEvent::Returned { step });
        self.steps_since_input = 0;
        self.begin_waiting();
    }

    pub(super) fn talk_ended(&mut self, op: OpId) {
        self.steps_since_input = 0;
        if self.talks_with_agent(op) {
            self.end_waiting("answered");
        } else {
            let step = self.position().1.to_owned();
            self.note(put_through(step, "answered"));
        }
        let frame = self.frame();
        let then = frame.plan.step(frame.step).and_then(|step| step.then);
        self.go_on(then);
    }

    /// No agent: on by the exit that says why.
    pub(super) fn waited_in_vain(&mut self, how: &str) {
        self.hush(false);
        let Some(enqueue) = self.end_waiting(how) else { return };
        self.go(match how {
            "nobody" => enqueue.nobody,
            "closed" => enqueue.closed,
            _ => enqueue.failed,
        });
    }

    /// The caller takes another way out.
    pub(super) fn leave_by(&mut self, word: &str) {
        if !self.is_waiting_plan() {
            self.trouble("no-queue");
            return;
        }
        self.hush(true);
        if let Some(enqueue) = self.leave_queue(word) {
            self.go(enqueue.left.find(word).unwrap_or(enqueue.failed));
        }
    }

    /// Keeps the place for a call back, if the caller has one and a number.
    pub(super) fn call_back(&mut self, call_back: &CallBack) {
        let number = match &call_back.to {
            CallBackTo::Caller => None,
            CallBackTo::Variable(path) => {
                let variables = self.variables();
                let value = expression::find(&variables, &path.variable, path.field.as_deref());
                Some(value.map(Value::plain).unwrap_or_default())
            }
        };
        let nowhere = match &number {
            Some(number) => number.is_empty(),
            None => matches!(self.context.caller, CallerNumber::Withheld),
        };
        match &self.queued {
            None => self.go(call_back.failed),
            Some(_) if nowhere => self.go(call_back.refused),
            Some(queued) if queued.kept => self.go(call_back.refused),
            Some(_) => self.ask_to_call_back(number.map(Pii::new)),
        }
    }

    /// The place is kept, or it is not and the caller goes on waiting.
    pub(super) fn call_back_kept(
        &mut self,
        step: &str,
        then: Option<StepId>,
        call_back: &CallBack,
        came: Came,
    ) {
        let step = step.to_owned();
        match came {
            Came::Answered(Answer::Stored) => {
                if let Some(queued) = self.queued.as_mut() {
                    queued.kept = true;
                }
                self.human_is_coming = true;
                self.outcome = Some(Outcome::WantsHuman);
                let save = Save { outcome: self.outcome, ..Save::default() };
                self.commands.push_back(Command::Save { step: step.clone(), save });
                self.note(StepEvent::Saved { step, fields: vec!["call-back".into()] });
                self.go_on(then);
            }
            Came::Answered(Answer::Empty) => self.go(call_back.refused),
            Came::Answered(_) => {
                self.note(StepEvent::Trouble { step, code: "call-back-not-kept".into() });
                self.go(call_back.failed);
            }
            Came::Late => {
                self.note(StepEvent::Trouble { step, code: "call-back-late".into() });
                self.go(call_back.failed);
            }
        }
    }

    /// Leaves the line, if the caller is in one and not talking; gives the step that waited.
    pub(super) fn leave_queue(&mut self, how: &str) -> Option<Enqueue> {
        let queued = self.queued.as_ref().filter(|queued| !queued.talking)?;
        let (op, kept) = (queued.op, queued.kept);
        if !kept {
            self.commands.push_back(Command::LeaveQueue { op });
        }
        let how = if kept && how == "hung-up" { "call-back" } else { how };
        let mut waited = None;
        if how == "hung-up" || how == "call-back" {
            // The plan that says goodbye is still the one that runs.
            let depth = self.queued.take().map_or(0, |queued| queued.depth);
            let step = self.step_at(depth).map(|step| step.name.clone()).unwrap_or_default();
            self.note(StepEvent::LeftQueue { step, how: how.to_owned() });
        } else {
            waited = self.end_waiting(how);
        }
        waited
    }

    /// Notes how a talk, or an attempt at one, ended by the caller's hanging up.
    pub(super) fn hung_up_with_human(&mut self) {
        let step = self.position().1.to_owned();
        match (&self.state, &self.queued) {
            (State::Transferring(_), _) => {
                self.note(put_through(step, "hung-up"));
            }
            (State::Talking(_), None) => self.note(put_through(step, "answered")),
            (State::Talking(_), Some(_)) => self.note(StepEvent::LeftQueue { step, how: "answered".into() }),
            _ => {
                self.leave_queue("hung-up");
            }
        }
    }

    /// The waiting is over: the plan that waited is the one that runs.
    fn end_waiting(&mut self, how: &str) -> Option<Enqueue> {
        let queued = self.queued.take()?;
        self.frames.truncate(queued.depth);
        self.steps_since_input = 0;
        let step = self.step_at(queued.depth)?;
        let (name, action) = (step.name.clone(), step.action.clone());
        self.note(StepEvent::LeftQueue { step: name, how: how.to_owned() });
        match action {
            Action::Queue(enqueue) => Some(*enqueue),
            _ => None,
        }
    }

    /// The step at which the topmost of so many plans stands.
    fn step_at(&self, depth: usize) -> Option<&crate::plan::Step> {
        let frame = self.frames.get(depth.checked_sub(1)?)?;
        frame.plan.step(frame.step)
    }

    /// Stops everything that is said, asked and played.
    fn hush(&mut self, keep_keys: bool) {
        self.stop_playing();
        self.voice.clear();
        self.voice.answered();
        self.stop_music();
        self.interrupt_words();
        if !keep_keys {
            self.type_ahead.clear();
        }
        self.swallow = None;
        self.last_ask = None;
        self.unmask();
    }

    fn stop_music(&mut self) {
        if let State::Listening(Listening { op: Some(op), .. }) = self.state {
            self.commands.push_back(Command::StopPlaying { op });
        }
    }

    /// Puts the call through.
    pub(super) fn transfer(&mut self, transfer: &Transfer) {
        let to = match &transfer.to {
            TransferTo::Number(number) => number.clone(),
            TransferTo::Variable(path) => {
                let variables = self.variables();
                expression::find(&variables, &path.variable, path.field.as_deref())
                    .map(Value::plain)
                    .unwrap_or_default()
            }
        };
        if to.is_empty() || self.queued.is_some() {
            self.state = State::Transferring(Talk { op: OpId(0), until: self.now });
            self.not_through(NotThrough::Failed);
            return;
        }
        let op = self.op();
        self.hush(false);
        self.commands.push_back(Command::Transfer { op, to: Pii::new(to), ring: transfer.ring });
        let until = self.now + transfer.ring + RING_GRACE;
        self.state = State::Transferring(Talk { op, until });
    }

    pub(super) fn not_through(&mut self, how: NotThrough) {
        self.steps_since_input = 0;
        let plan = Arc::clone(&self.frame().plan);
        let Some(step) = plan.step(self.frame().step) else { return };
        let Action::Transfer(transfer) = &step.action else { return };
        let (word, to) = match how {
            NotThrough::Busy => ("busy", transfer.busy),
            NotThrough::NoAnswer => ("no-answer", transfer.no_answer),
            NotThrough::Failed => ("failed", transfer.failed),
        };
        self.note(put_through(step.name.clone(), word));
        self.go(to);
    }

    /// Music, once keys typed ahead have had their say.
    pub(super) fn listen(&mut self, music: &Music) {
        self.state = State::Listening(Listening { op: None, until: self.now + music.lasts });
    }

    /// Takes keys while music plays; whether the call goes on at once.
    pub(super) fn go_on_listening(&mut self, mut listening: Listening) -> bool {
        let plan = Arc::clone(&self.frame().plan);
        let at = self.frame().step;
        let Some(Action::Music(music)) = plan.step(at).map(|step| &step.action) else {
            self.trouble("no-music");
            return true;
        };
        while let Some(key) = self.type_ahead.pop_front() {
            let to = music.keys.get(&key).or_else(|| plan.keys_everywhere.get(&key)).copied();
            self.note_keyed(&plan, at, &key.to_string(), false);
            self.steps_since_input = 0;
            let Some(to) = to else { continue };
            if let Some(op) = listening.op {
                self.commands.push_back(Command::StopPlaying { op });
            }
            self.key_in_music(to);
            return true;
        }
        let op = match listening.op {
            Some(op) => op,
            None => {
                let op = self.op();
                self.commands.push_back(Command::Music { op, name: music.name.clone() });
                op
            }
        };
        listening.op = Some(op);
        self.state = State::Listening(listening);
        false
    }

    /// Where a key leads; `repeat` says again what was said last, and the music goes on.
    fn key_in_music(&mut self, to: StepId) {
        let plan = Arc::clone(&self.frame().plan);
        let repeats = plan.step(to).and_then(|step| match step.action {
            Action::Repeat(pace) => Some((pace, step)),
            _ => None,
        });
        match repeats {
            Some((pace, step)) => {
                self.note(entered(&plan, step));
                let said = self.voice.said();
                self.say_again(said, pace);
                self.state = State::Entering;
            }
            None => {
                self.voice.answered();
                self.go(to);
            }
        }
    }

    /// Music that has played long enough, and talks of which nobody told the end.
    pub(super) fn queue_timeout(&mut self) {
        let now = self.now;
        match &self.state {
            State::Queueing(talk) if talk.until <= now => self.begin_waiting(),
            State::Listening(listening) if listening.until <= now => {
                self.stop_music();
                self.voice.answered();
                self.steps_since_input = 0;
                let frame = self.frame();
                let then = frame.plan.step(frame.step).and_then(|step| step.then);
                self.go_on(then);
            }
            State::Talking(talk) if talk.until <= now => {
                let op = talk.op;
                let step = self.position().1.to_owned();
                self.note(StepEvent::Trouble { step, code: "talk-late".into() });
                self.talk_ended(op);
            }
            State::Transferring(talk) if talk.until <= now => {
                let step = self.position().1.to_owned();
                self.note(StepEvent::Trouble { step, code: "transfer-late".into() });
                self.not_through(NotThrough::Failed);
            }
            _ => {}
        }
    }
}

/// The plan was to put the call through, and what came of it.
fn put_through(step: String, how: &str) -> StepEvent {
    StepEvent::Transferred { step, how: how.to_owned(), by: None, to: None }
}
