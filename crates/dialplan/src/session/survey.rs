//! What a caller has to say: answers that are kept before the plan goes on, and words after a beep.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::{Decimal, StepEvent, Value};

use super::voice::Manner;
use super::wait::Came;
use super::{Answer, Command, OpId, Session, State};
use crate::plan::{Action, Pace, Record, StepId, Survey};

/// Words of which nobody told the end, after their greatest length; and after their end, until they are kept.
const GRACE: Duration = Duration::from_secs(5);

/// Words that are recorded, or about to be.
#[derive(Debug)]
pub(super) struct Words {
    /// `None` before the beep.
    op: Option<OpId>,
    /// When they are given up.
    until: Duration,
    /// Whether their end was commanded.
    ended: bool,
    /// Where a key leads once they are kept.
    to: Option<StepId>,
    /// How they came out.
    answer: Option<Answer>,
}

impl Words {
    /// Before the beep nothing runs but the prompt, which has a deadline of its own.
    pub fn deadline(&self) -> Option<Duration> {
        self.op.map(|_| self.until)
    }
}

impl Session {
    /// The answer is on the record, or will not be: on it goes, and the plan knows the answer in any case.
    pub(super) fn answer_kept(&mut self, step: &str, survey: &Survey, answer: String, came: Came) {
        let value = if survey.scale {
            Value::Number(Decimal::parse(&answer).unwrap_or_else(|| 0.into()))
        } else {
            Value::Choice(answer.clone())
        };
        self.frame_mut().variables.insert(survey.name.clone(), value);
        let (step, question) = (step.to_owned(), survey.name.clone());
        let content = survey.is_content(&answer);
        let code = match came {
            Came::Answered(Answer::Stored) => {
                self.note(StepEvent::Surveyed { step, question, answer, content });
                self.go(survey.then);
                return;
            }
            Came::Answered(_) => "answer-not-kept",
            Came::Late => "answer-late",
        };
        self.note(StepEvent::Trouble { step, code: code.to_owned() });
        self.go(survey.failed.unwrap_or(survey.then));
    }

    /// Says what is asked; the beep comes after it.
    pub(super) fn record_words(&mut self, pace: Pace, record: &Record) {
        // Keys that mean nothing here would only keep the caller from hearing what is asked.
        let means = |key: &char| record.end_key == Some(*key) || record.keys.contains_key(key);
        self.type_ahead.retain(means);
        let prompt = match &record.written {
            Some(written) if self.in_writing => &written.ask,
            _ => &record.prompt,
        };
        self.say(prompt, Manner { pace, skippable: true, repeats: true });
        self.state =
            State::Recording(Words { op: None, until: self.now, ended: false, to: None, answer: None });
    }

    pub(super) fn records_words(&self, op: OpId) -> bool {
        matches!(&self.state, State::Recording(words) if words.op == Some(op) && words.answer.is_none())
    }

    pub(super) fn words_came(&mut self, answer: Answer) {
        if let State::Recording(words) = &mut self.state {
            words.answer = Some(answer);
        }
    }

    /// Begins to record, takes keys, or goes on; whether the call goes on at once.
    pub(super) fn go_on_recording(&mut self, mut words: Words) -> bool {
        let plan = Arc::clone(&self.frame().plan);
        let at = self.frame().step;
        let Some((step, Action::Record(record))) = plan.step(at).map(|step| (step, &step.action)) else {
            self.trouble("no-recording");
            return true;
        };
        let then = step.then.unwrap_or(StepId::NOWHERE);
        if let Some(answer) = words.answer.take() {
            self.words_over(&step.name, record, then, &words, answer);
            return true;
        }
        while let Some(key) = self.type_ahead.pop_front() {
            let to = record.keys.get(&key).copied();
            if words.ended || (to.is_none() && record.end_key != Some(key)) {
                continue;
            }
            self.note_keyed(&plan, at, &key.to_string(), false);
            self.steps_since_input = 0;
            let Some(op) = words.op else {
                // Nothing is recorded yet, and nothing shall be.
                self.voice.answered();
                self.go(to.or(record.nothing).unwrap_or(then));
                return true;
            };
            self.commands.push_back(Command::EndWords { op });
            words = Words { until: self.now + GRACE, ended: true, to, ..words };
        }
        if words.op.is_none() {
            let op = self.op();
            let (longest, silence) = (record.longest, record.silence);
            let (step, name) = (step.name.clone(), record.name.clone());
            self.commands.push_back(Command::RecordWords { op, step, name, longest, silence });
            words = Words { op: Some(op), until: self.now + longest + GRACE, ..words };
        }
        self.state = State::Recording(words);
        false
    }

    fn words_over(&mut self, step: &str, record: &Record, then: StepId, words: &Words, answer: Answer) {
        self.steps_since_input = 0;
        self.voice.answered();
        let step = step.to_owned();
        let to = match answer {
            Answer::Kept { length } => {
                let seconds = u32::try_from(length.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
                self.note(StepEvent::Recorded { step, name: record.name.clone(), seconds });
                then
            }
            Answer::Empty => record.nothing.unwrap_or(then),
            _ => {
                self.note(StepEvent::Trouble { step, code: "words-not-kept".into() });
                record.failed.unwrap_or(then)
            }
        };
        self.go(words.to.unwrap_or(to));
    }

    /// Nobody told the end of the words.
    pub(super) fn words_timeout(&mut self) {
        let now = self.now;
        let State::Recording(words) = &self.state else { return };
        if words.answer.is_some() || words.deadline().is_none_or(|until| until > now) {
            return;
        }
        self.end_words();
        let plan = Arc::clone(&self.frame().plan);
        let Some(step) = plan.step(self.frame().step) else { return };
        let Action::Record(record) = &step.action else { return };
        self.note(StepEvent::Trouble { step: step.name.clone(), code: "words-late".into() });
        self.steps_since_input = 0;
        self.voice.answered();
        self.go(record.failed.or(step.then).unwrap_or(StepId::NOWHERE));
    }

    /// Stops a recording that goes on.
    pub(super) fn end_words(&mut self) {
        if let State::Recording(words) = &mut self.state
            && let Some(op) = words.op
            && !std::mem::replace(&mut words.ended, true)
        {
            self.commands.push_back(Command::EndWords { op });
        }
    }

    /// Somebody comes while the caller speaks: what was said until then is kept, and noted once it is.
    pub(super) fn interrupt_words(&mut self) {
        let op = match &self.state {
            State::Recording(words) if words.answer.is_none() => words.op,
            _ => None,
        };
        self.end_words();
        if let Some(op) = op
            && let Some(step) = self.frame().plan.step(self.frame().step)
            && let Action::Record(record) = &step.action
        {
            self.interrupted = Some((op, step.name.clone(), record.name.clone()));
        }
    }

    pub(super) fn was_interrupted(&self, op: OpId) -> bool {
        self.interrupted.as_ref().is_some_and(|(words, ..)| *words == op)
    }

    /// Words that somebody interrupted are kept, or there were none.
    pub(super) fn interrupted_words_came(&mut self, op: OpId, answer: &Answer) {
        let Some((_, step, name)) = self.interrupted.take_if(|(words, ..)| *words == op) else { return };
        if let Answer::Kept { length } = answer {
            let seconds = u32::try_from(length.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
            self.note(StepEvent::Recorded { step, name, seconds });
        }
    }
}
