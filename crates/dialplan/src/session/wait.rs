//! Operations that are answered: look-ups and verifications, each with a deadline.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::verification::Given;
use hotline_model::{CallerNumber, Fields, Language, Pii, StepEvent, Utterance, Value};

use super::voice::Manner;
use super::{Answer, Command, OpId, Query, Session, State, Verified};
use crate::expression;
use crate::plan::{Action, Lookup, LookupOf, Pace, PromptId, StepId, Survey, Text, Type, Verify};

/// A breath: after this time the caller hears that it takes a moment.
pub(super) const BREATH: Duration = Duration::from_millis(700);

/// How long a caller waits until an answer is kept.
const KEEPS: Duration = Duration::from_secs(2);

/// An operation that runs.
#[derive(Debug)]
pub(super) struct Waiting {
    op: OpId,
    deadline: Duration,
    /// When the filler begins, if there is one that has not been said.
    filler_at: Option<(Duration, PromptId)>,
    /// How it came out, while the filler is still being said.
    outcome: Option<Came>,
    /// The answer to a question that is being kept.
    answer: Option<String>,
}

#[derive(Debug)]
pub(super) enum Came {
    Answered(Answer),
    Late,
}

impl Waiting {
    pub fn deadline(&self) -> Option<Duration> {
        if self.outcome.is_some() {
            return None;
        }
        Some(self.filler_at.map_or(self.deadline, |(at, _)| at.min(self.deadline)))
    }
}

impl Session {
    pub(super) fn waits_for(&self, op: OpId) -> bool {
        matches!(&self.state, State::Waiting(waiting) if waiting.op == op && waiting.outcome.is_none())
    }

    fn wait(&mut self, op: OpId, within: Duration, meanwhile: Option<PromptId>) {
        let filler_at = meanwhile.map(|prompt| (self.now + BREATH, prompt));
        let deadline = self.now + within;
        self.state =
            State::Waiting(Box::new(Waiting { op, deadline, filler_at, outcome: None, answer: None }));
    }

    /// Asks for a call back, and waits until the place is kept.
    pub(super) fn ask_to_call_back(&mut self, number: Option<Pii<String>>) {
        let op = self.op();
        self.commands.push_back(Command::CallBack { op, number });
        self.wait(op, KEEPS, None);
    }

    /// Has a prompt sent to the number that calls, and waits until that is kept.
    pub(super) fn text(&mut self, step: &str, text: &Text) {
        if matches!(self.context.caller, CallerNumber::Withheld) {
            self.go(text.refused);
            return;
        }
        let plan = Arc::clone(&self.frame().plan);
        let prompts = text.prompts.iter().filter_map(|id| plan.prompt(*id));
        let filled: Vec<Utterance> = prompts.filter_map(|prompt| self.fill(prompt)).collect();
        let Some(first) = filled.first() else {
            self.note(StepEvent::Trouble { step: step.to_owned(), code: "text-empty".into() });
            self.go(text.failed);
            return;
        };
        let op = self.op();
        let prompt = first.prompt.clone();
        let gap = if matches!(self.language, Language::ZhCn) { "" } else { " " };
        let words: Vec<String> = filled.iter().map(crate::writing::words_of).collect();
        let (step, text) = (step.to_owned(), Pii::new(words.join(gap)));
        self.commands.push_back(Command::Text { op, step, prompt, text });
        self.wait(op, KEEPS, None);
    }

    fn text_kept(&mut self, step: &str, then: Option<StepId>, text: &Text, came: Came) {
        let step = step.to_owned();
        match came {
            Came::Answered(Answer::Stored) => {
                self.note(StepEvent::Saved { step, fields: vec!["text-message".into()] });
                self.go_on(then);
            }
            Came::Answered(Answer::Empty) => self.go(text.refused),
            Came::Answered(_) => {
                self.note(StepEvent::Trouble { step, code: "text-not-kept".into() });
                self.go(text.failed);
            }
            // It may go out all the same.
            Came::Late => {
                self.note(StepEvent::Trouble { step, code: "text-late".into() });
                self.go(text.failed);
            }
        }
    }

    /// Has an answer kept, and waits until it is.
    pub(super) fn keep_answer(&mut self, step: &str, survey: &Survey, answer: String) {
        let op = self.op();
        self.commands.push_back(Command::KeepAnswer {
            op,
            step: step.to_owned(),
            question: survey.name.clone(),
            content: survey.is_content(&answer),
            answer: answer.clone(),
            within: KEEPS,
        });
        self.wait(op, KEEPS, None);
        if let State::Waiting(waiting) = &mut self.state {
            waiting.answer = Some(answer);
        }
    }

    pub(super) fn look_up(&mut self, lookup: &Lookup) {
        let variables = self.variables();
        let query = match &lookup.of {
            LookupOf::Customer => Query::Customer,
            LookupOf::Ticket => Query::Ticket,
            LookupOf::Rebates => Query::Rebates { skip: self.rebates_told },
            LookupOf::Http { url } => {
                let value = |path: &crate::plan::VariablePath| {
                    expression::find(&variables, &path.variable, path.field.as_deref()).cloned()
                };
                let with: Fields = lookup
                    .with
                    .iter()
                    .filter_map(|(name, path)| Some((name.clone(), value(path)?)))
                    .collect();
                let fields = match &lookup.record {
                    Type::Record(fields) => {
                        fields.iter().map(|(name, of)| (name.clone(), of.name())).collect()
                    }
                    _ => Vec::new(),
                };
                Query::Http { url: url.clone(), with, fields }
            }
        };
        let op = self.op();
        self.commands.push_back(Command::Lookup { op, query, within: lookup.within });
        self.wait(op, lookup.within, lookup.meanwhile);
    }

    pub(super) fn verify(&mut self, verify: &Verify, given: Given) {
        let op = self.op();
        let (policy, within) = (verify.policy.clone(), verify.within);
        self.commands.push_back(Command::Verify { op, policy, given, within });
        self.wait(op, within, verify.meanwhile);
    }

    /// Takes the answer to the operation that runs; it counts once the filler is over.
    pub(super) fn take_answer(&mut self, answer: Answer) {
        if let State::Waiting(waiting) = &mut self.state {
            waiting.outcome = Some(Came::Answered(answer));
        }
    }

    pub(super) fn wait_timeout(&mut self) {
        let now = self.now;
        let State::Waiting(waiting) = &mut self.state else { return };
        if waiting.outcome.is_some() {
            return;
        }
        if waiting.deadline <= now {
            waiting.outcome = Some(Came::Late);
        } else if let Some((at, prompt)) = waiting.filler_at
            && at <= now
        {
            waiting.filler_at = None;
            self.say(&[prompt], Manner { pace: Pace::Normal, skippable: false, repeats: false });
        }
    }

    /// Leaves by the exit that fits; whether the call goes on at once.
    pub(super) fn go_on_waiting(&mut self, waiting: Waiting) -> bool {
        let Some(came) = waiting.outcome else {
            self.state = State::Waiting(Box::new(waiting));
            return false;
        };
        self.steps_since_input = 0;
        let plan = Arc::clone(&self.frame().plan);
        let Some(step) = plan.step(self.frame().step) else {
            self.trouble("no-step");
            return true;
        };
        match &step.action {
            Action::Lookup(lookup) => self.looked_up(&step.name, lookup, came),
            Action::Verify(verify) => self.verified(&plan.name, &step.name, verify, came),
            Action::CallBack(call_back) => self.call_back_kept(&step.name, step.then, call_back, came),
            Action::Text(text) => self.text_kept(&step.name, step.then, text, came),
            Action::Survey(survey) => {
                self.answer_kept(&step.name, survey, waiting.answer.unwrap_or_default(), came);
            }
            _ => self.trouble("no-question"),
        }
        true
    }

    fn looked_up(&mut self, step: &str, lookup: &Lookup, came: Came) {
        let (outcome, to) = match came {
            Came::Answered(Answer::Found { fields }) => {
                self.frame_mut().variables.insert(lookup.variable.clone(), Value::Record(fields));
                if matches!(lookup.of, LookupOf::Rebates) {
                    self.rebates_told += 1;
                }
                ("found", lookup.found)
            }
            Came::Answered(Answer::Empty) => {
                // Behind the last one the first comes again.
                if matches!(lookup.of, LookupOf::Rebates) {
                    self.rebates_told = 0;
                }
                ("empty", lookup.empty)
            }
            Came::Answered(_) => ("failed", lookup.failed),
            Came::Late => ("late", lookup.late),
        };
        self.note(StepEvent::LookedUp { step: step.to_owned(), outcome: outcome.to_owned() });
        self.go(to);
    }

    fn verified(&mut self, plan: &str, step: &str, verify: &Verify, came: Came) {
        let note = |outcome: &str| StepEvent::Verified { step: step.to_owned(), outcome: outcome.to_owned() };
        match came {
            Came::Answered(Answer::Verified { verdict: Verified::Passed { ticket } }) => {
                self.note(note("passed"));
                self.frame_mut().variables.insert("ticket".into(), Value::Record(ticket));
                self.go(verify.passed);
            }
            Came::Answered(Answer::Verified { verdict: Verified::Pending }) => {
                self.note(note("pending"));
                self.go(verify.pending);
            }
            Came::Answered(Answer::Verified { verdict: Verified::Refused }) => {
                self.note(note("refused"));
                // Keys typed ahead were meant for what would have come after a right answer.
                self.type_ahead.clear();
                let count = self.refusals.entry((plan.to_owned(), step.to_owned())).or_default();
                *count += 1;
                let number = *count;
                if !self.attempt(&verify.refused, number) {
                    self.go(verify.failed);
                }
            }
            Came::Answered(_) => {
                self.note(note("failed"));
                self.go(verify.failed);
            }
            Came::Late => {
                self.note(note("late"));
                self.go(verify.late);
            }
        }
    }
}
