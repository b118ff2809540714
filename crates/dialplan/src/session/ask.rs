//! Questions: first key, next key, end key, attempts. The state table is in the crate's README.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::verification::{Factor, Given};
use hotline_model::{Pii, StepEvent, TicketCode, Value};

use super::voice::Manner;
use super::{Session, State};
use crate::plan::{Action, Attempt, Collect, Menu, Pace, Plan, Question, Step, StepId, Survey, Verify};

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// `collect`.
    Collect,
    /// Whether what was collected is right.
    Confirm { entry: String },
    /// `menu`.
    Menu,
    /// `survey`.
    Survey,
    /// A factor of a `verify`, by its place, with what is known so far.
    Factor { at: usize, given: Given },
}

/// When a question goes on by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Its prompt is still to be said.
    Prompting,
    /// The prompt is over, nothing is keyed yet.
    First(Duration),
    /// Something is keyed, more may come.
    Next(Duration),
}

/// A question that is being asked.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub what: What,
    pub step: StepId,
    /// The names of its prompts.
    pub prompts: Vec<String>,
    keys: String,
    phase: Phase,
    no_inputs: usize,
    no_matches: usize,
    slips: usize,
}

impl Ask {
    pub fn new(what: What) -> Self {
        Self {
            what,
            step: StepId(0),
            prompts: Vec::new(),
            keys: String::new(),
            phase: Phase::Prompting,
            no_inputs: 0,
            no_matches: 0,
            slips: 0,
        }
    }

    /// Whether something is keyed, and more may come.
    pub const fn is_begun(&self) -> bool {
        !self.keys.is_empty()
    }

    pub const fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Prompting => None,
            Phase::First(until) | Phase::Next(until) => Some(until),
        }
    }
}

/// What a question accepts.
struct Accepts<'a> {
    question: &'a Question,
    min: usize,
    max: usize,
    end_key: Option<char>,
    secret: bool,
    collect: Option<&'a Collect>,
    menu: Option<&'a Menu>,
    survey: Option<&'a Survey>,
    verify: Option<&'a Verify>,
}

impl<'a> Accepts<'a> {
    fn of(question: &'a Question) -> Self {
        Self {
            question,
            min: 1,
            max: 1,
            end_key: None,
            secret: false,
            collect: None,
            menu: None,
            survey: None,
            verify: None,
        }
    }

    /// What can be keyed, where that is a few entries.
    fn entries(&self) -> Option<Vec<&'a str>> {
        let menu = self.menu.map(|menu| menu.keys.keys().map(String::as_str).collect());
        menu.or_else(|| self.survey.map(|survey| survey.answers.keys().map(String::as_str).collect()))
    }
}

fn longest<'a>(entries: impl Iterator<Item = &'a String>) -> usize {
    entries.map(String::len).max().unwrap_or(1)
}

fn accepts<'a>(step: &'a Step, what: &What) -> Option<Accepts<'a>> {
    match (&step.action, what) {
        (Action::Collect(collect), What::Collect) => Some(Accepts {
            min: collect.min,
            max: collect.max,
            end_key: collect.end_key,
            secret: collect.secret,
            collect: Some(collect),
            ..Accepts::of(&collect.question)
        }),
        (Action::Collect(collect), What::Confirm { .. }) => {
            Some(Accepts { collect: Some(collect), ..Accepts::of(&collect.question) })
        }
        (Action::Menu(menu), What::Menu) => {
            Some(Accepts { max: longest(menu.keys.keys()), menu: Some(menu), ..Accepts::of(&menu.question) })
        }
        (Action::Survey(survey), What::Survey) => Some(Accepts {
            max: longest(survey.answers.keys()),
            survey: Some(survey),
            ..Accepts::of(&survey.question)
        }),
        (Action::Verify(verify), What::Factor { at, .. }) => {
            let ask = verify.asks.get(*at)?;
            Some(Accepts {
                min: ask.length,
                max: ask.length,
                // Callers are used to the pound key after the code.
                end_key: Some('#'),
                secret: true,
                verify: Some(verify),
                ..Accepts::of(&ask.question)
            })
        }
        _ => None,
    }
}

impl Session {
    /// Begins to ask.
    pub(super) fn ask(&mut self, ask: Ask) {
        let ask = Ask { step: self.frame().step, ..ask };
        self.ask_again(ask, true, Pace::Normal);
    }

    /// Asks, saying the prompt or leaving it out because it is queued already.
    pub(super) fn ask_again(&mut self, mut ask: Ask, prompt: bool, pace: Pace) {
        let plan = Arc::clone(&self.frame().plan);
        let Some((step, accepts)) =
            plan.step(ask.step).and_then(|step| Some((step, accepts(step, &ask.what)?)))
        else {
            self.trouble("no-question");
            return;
        };
        if accepts.secret {
            self.mask();
        } else {
            self.unmask();
        }
        let pace = if pace == Pace::Normal { step.pace } else { pace };
        let prompts = match (&ask.what, accepts.collect.and_then(|collect| collect.confirm.as_ref())) {
            (What::Confirm { .. }, Some(confirm)) => vec![confirm.prompt],
            _ if self.in_writing => {
                step.action.written().map_or_else(Vec::new, |written| written.ask.clone())
            }
            _ => accepts.question.prompt.clone(),
        };
        ask.prompts =
            prompts.iter().filter_map(|id| plan.prompt(*id)).map(|prompt| prompt.name.clone()).collect();
        if prompt {
            self.say(&prompts, Manner { pace, skippable: true, repeats: true });
        }
        ask.keys.clear();
        ask.phase = Phase::Prompting;
        self.last_ask = Some(ask.clone());
        self.state = State::Asking(Box::new(ask));
    }

    /// Asks the next factor that the plan did not hand over, or verifies if none is left.
    pub(super) fn ask_next_factor(&mut self, at: usize, mut given: Given) {
        let plan = Arc::clone(&self.frame().plan);
        let Some(Action::Verify(verify)) = plan.step(self.frame().step).map(|step| &step.action) else {
            self.trouble("no-question");
            return;
        };
        if at == 0 {
            let variables = self.variables();
            for (factor, path) in &verify.with {
                let value = crate::expression::find(&variables, &path.variable, path.field.as_deref());
                given.insert(*factor, Pii::new(value.map(Value::plain).unwrap_or_default()));
            }
        }
        if at < verify.asks.len() {
            self.ask(Ask::new(What::Factor { at, given }));
        } else {
            self.unmask();
            self.verify(verify, given);
        }
    }

    /// Takes keys, or begins to wait for them; whether the call goes on at once.
    pub(super) fn go_on_asking(&mut self, mut ask: Ask) -> bool {
        let plan = Arc::clone(&self.frame().plan);
        let Some(accepts) = plan.step(ask.step).and_then(|step| accepts(step, &ask.what)) else {
            self.trouble("no-question");
            return true;
        };
        while let Some(key) = self.type_ahead.pop_front() {
            if let Some(to) = self.key_everywhere(&plan, &ask, &accepts, key) {
                self.leave_for(&plan, &ask, to, &key.to_string());
                return true;
            }
            if Some(key) == accepts.end_key {
                self.complete(&plan, ask, &accepts);
                return true;
            }
            ask.keys.push(key);
            ask.phase = Phase::Next(self.now + accepts.question.inter_digit);
            if self.is_complete(&ask, &accepts) {
                self.swallow_end_key(&accepts);
                self.complete(&plan, ask, &accepts);
                return true;
            }
        }
        if ask.phase == Phase::Prompting {
            ask.phase = Phase::First(self.now + accepts.question.first_digit);
        }
        self.state = State::Asking(Box::new(ask));
        false
    }

    /// An end key that follows a complete entry is not typed ahead for the next question.
    fn swallow_end_key(&mut self, accepts: &Accepts<'_>) {
        let Some(end_key) = accepts.end_key else { return };
        if self.type_ahead.front() == Some(&end_key) {
            self.type_ahead.pop_front();
        } else if self.type_ahead.is_empty() {
            self.swallow = Some((end_key, self.now + accepts.question.inter_digit));
        }
    }

    fn is_complete(&self, ask: &Ask, accepts: &Accepts<'_>) -> bool {
        match accepts.entries() {
            Some(entries) => {
                !entries.iter().any(|keys| keys.len() > ask.keys.len() && keys.starts_with(&ask.keys))
            }
            None => ask.keys.len() >= accepts.max,
        }
    }

    /// Where a key leads that cannot be part of the answer: at once, without waiting for a pause.
    fn key_everywhere(&self, plan: &Plan, ask: &Ask, accepts: &Accepts<'_>, key: char) -> Option<StepId> {
        if !ask.keys.is_empty() {
            return None;
        }
        let own = accepts
            .collect
            .filter(|_| matches!(ask.what, What::Collect))
            .and_then(|c| c.keys.get(&key).copied())
            .or_else(|| accepts.survey?.keys.get(&key).copied());
        if accepts.end_key == Some(key) {
            return own;
        }
        let to = own.or_else(|| plan.keys_everywhere.get(&key).copied())?;
        let free = match (accepts.entries(), &ask.what, accepts.collect) {
            (Some(entries), ..) => !entries.iter().any(|keys| keys.starts_with(key)),
            (None, What::Confirm { .. }, Some(collect)) => {
                collect.confirm.as_ref().is_none_or(|confirm| confirm.yes != key && confirm.no != key)
            }
            (None, _, Some(collect)) => {
                !key.is_ascii_digit()
                    && collect
                        .pattern
                        .as_ref()
                        .is_none_or(|p| !p.0.first().is_some_and(|set| set.contains(&key)))
            }
            _ => !key.is_ascii_digit(),
        };
        free.then_some(to)
    }

    /// The caller chose another way.
    fn leave_for(&mut self, plan: &Plan, ask: &Ask, to: StepId, keys: &str) {
        self.note_keyed(plan, ask.step, keys, false);
        self.steps_since_input = 0;
        let repeats = plan.step(to).is_some_and(|step| matches!(step.action, Action::Repeat(_)));
        if repeats {
            self.last_ask = Some(ask.clone());
        } else {
            self.voice.answered();
            self.unmask();
        }
        self.go(to);
    }

    pub(super) fn note_keyed(&mut self, plan: &Plan, step: StepId, keys: &str, secret: bool) {
        let step = plan.step(step).map(|step| step.name.clone()).unwrap_or_default();
        let keys = if secret { "•".repeat(keys.chars().count()) } else { keys.to_owned() };
        self.note(StepEvent::Keyed { step, keys });
    }

    /// The entry is over: by its length, by the end key, or by a pause.
    fn complete(&mut self, plan: &Arc<Plan>, ask: Ask, accepts: &Accepts<'_>) {
        self.steps_since_input = 0;
        let keys = ask.keys.clone();
        // One key and a pause: the caller wants something else than to answer.
        if let [key] = keys.chars().collect::<Vec<_>>()[..]
            && accepts.entries().is_none()
            && accepts.min > 1
            && let Some(to) =
                accepts.collect.and_then(|c| c.keys.get(&key)).or_else(|| plan.keys_everywhere.get(&key))
        {
            self.leave_for(plan, &ask, *to, &keys);
            return;
        }
        self.note_keyed(plan, ask.step, &keys, accepts.secret);
        match &ask.what {
            What::Menu => match accepts.menu.and_then(|menu| menu.keys.get(&keys)) {
                Some(to) => {
                    let repeats = plan.step(*to).is_some_and(|step| matches!(step.action, Action::Repeat(_)));
                    if !repeats {
                        self.voice.answered();
                    }
                    self.go(*to);
                }
                None => self.wrong(plan, ask, accepts),
            },
            What::Survey => {
                match accepts.survey.and_then(|survey| Some((survey, survey.answers.get(&keys)?))) {
                    Some((survey, answer)) => {
                        let step = plan.step(ask.step).map(|step| step.name.clone()).unwrap_or_default();
                        self.voice.answered();
                        self.keep_answer(&step, survey, answer.clone());
                    }
                    None => self.wrong(plan, ask, accepts),
                }
            }
            What::Collect => self.collected(plan, ask, accepts, keys),
            What::Confirm { entry } => {
                let confirm = accepts.collect.and_then(|collect| collect.confirm.as_ref());
                let key = keys.chars().next();
                if key.is_some() && key == confirm.map(|confirm| confirm.yes) {
                    let entry = entry.clone();
                    self.assign(plan, ask.step, entry);
                } else if key.is_some() && key == confirm.map(|confirm| confirm.no) {
                    self.voice.answered();
                    self.ask(Ask::new(What::Collect));
                } else {
                    self.wrong(plan, ask, accepts);
                }
            }
            What::Factor { at, given } => {
                if keys.len() != accepts.max || !keys.bytes().all(|b| b.is_ascii_digit()) {
                    self.wrong(plan, ask, accepts);
                    return;
                }
                let factor = accepts.verify.and_then(|verify| verify.asks.get(*at)).map(|ask| ask.factor);
                let mut given = given.clone();
                given.insert(factor.unwrap_or(Factor::LastFour), Pii::new(keys));
                self.voice.answered();
                self.ask_next_factor(at + 1, given);
            }
        }
    }

    fn collected(&mut self, plan: &Arc<Plan>, mut ask: Ask, accepts: &Accepts<'_>, keys: String) {
        let Some(collect) = accepts.collect else { return };
        let fits = (collect.min..=collect.max).contains(&keys.len())
            && match &collect.pattern {
                Some(pattern) => pattern.fits(&keys),
                None => keys.bytes().all(|b| b.is_ascii_digit()),
            };
        if !fits {
            self.wrong(plan, ask, accepts);
        } else if collect.check_digit && !check_digit_fits(&keys) {
            if collect.slip.is_empty() {
                self.wrong(plan, ask, accepts);
                return;
            }
            ask.slips += 1;
            let number = ask.slips;
            self.not_so(plan, ask, &collect.slip, number);
        } else if collect.confirm.is_some() {
            self.frame_mut().variables.insert(collect.variable.clone(), Value::Digits(keys.clone()));
            self.voice.answered();
            self.ask(Ask::new(What::Confirm { entry: keys }));
        } else {
            self.assign(plan, ask.step, keys);
        }
    }

    fn assign(&mut self, plan: &Plan, step: StepId, entry: String) {
        let Some(Action::Collect(collect)) = plan.step(step).map(|step| &step.action) else { return };
        self.frame_mut().variables.insert(collect.variable.clone(), Value::Digits(entry));
        self.unmask();
        self.voice.answered();
        self.go(collect.then);
    }

    /// What was keyed does not fit.
    fn wrong(&mut self, plan: &Arc<Plan>, mut ask: Ask, accepts: &Accepts<'_>) {
        ask.no_matches += 1;
        let number = ask.no_matches;
        let attempts = attempts_or_once_more(&accepts.question.no_match, accepts.verify, number);
        self.not_so(plan, ask, &attempts, number);
    }

    fn not_so(&mut self, plan: &Arc<Plan>, ask: Ask, attempts: &[Attempt], number: usize) {
        let step = plan.step(ask.step).map(|step| step.name.clone()).unwrap_or_default();
        self.note(StepEvent::NoMatch { step, attempt: u32::try_from(number).unwrap_or(u32::MAX) });
        // Keys typed ahead were meant for what would have come after a right answer.
        self.type_ahead.clear();
        self.set_keyed(ask.keys.chars().count());
        self.next_attempt(ask, attempts, number);
    }

    fn next_attempt(&mut self, ask: Ask, attempts: &[Attempt], number: usize) {
        if self.attempt(attempts, number) {
            self.unmask();
        } else {
            self.ask_again(ask, true, Pace::Normal);
        }
    }

    /// A pause after the prompt or between keys.
    pub(super) fn ask_timeout(&mut self) {
        let State::Asking(ask) = &self.state else { return };
        if self.voice.is_busy() || ask.deadline().is_none_or(|deadline| deadline > self.now) {
            return;
        }
        let mut ask = ask.as_ref().clone();
        let plan = Arc::clone(&self.frame().plan);
        let Some((step, accepts)) =
            plan.step(ask.step).and_then(|step| Some((step, accepts(step, &ask.what)?)))
        else {
            self.trouble("no-question");
            return;
        };
        if !ask.keys.is_empty() {
            self.complete(&plan, ask, &accepts);
            return;
        }
        ask.no_inputs += 1;
        self.steps_since_input = 0;
        let number = ask.no_inputs;
        self.note(StepEvent::NoInput {
            step: step.name.clone(),
            attempt: u32::try_from(number).unwrap_or(u32::MAX),
        });
        let attempts = attempts_or_once_more(&accepts.question.no_input, accepts.verify, number);
        self.next_attempt(ask, &attempts, number);
    }
}

/// How often a verification asks for a factor again where the plan does not say.
const FACTOR_ATTEMPTS: usize = 3;

/// The plan's attempts; for a verification that has none: ask again, then as if refused for good.
fn attempts_or_once_more(attempts: &[Attempt], verify: Option<&Verify>, number: usize) -> Vec<Attempt> {
    match verify {
        Some(verify) if attempts.is_empty() && number >= FACTOR_ATTEMPTS => {
            vec![
                verify
                    .refused
                    .last()
                    .cloned()
                    .unwrap_or(Attempt { say: Vec::new(), then: Some(verify.failed) }),
            ]
        }
        _ => attempts.to_vec(),
    }
}

/// GS1 check digit for entries of any length; nine digits are a ticket's code.
fn check_digit_fits(keys: &str) -> bool {
    if keys.len() == 9 {
        return TicketCode::check(keys).is_ok();
    }
    let digits: Vec<u32> = keys.chars().filter_map(|c| c.to_digit(10)).collect();
    let weighted =
        digits.iter().rev().zip([1u32, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    !digits.is_empty() && weighted.sum::<u32>() % 10 == 0
}
