//! From step to step: what each does when it is entered.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::{Calendar, Fields, Language, StepEvent, Value};
use jiff::{RoundMode, Unit, Zoned, ZonedRound};

use super::ask::{Ask, What};
use super::voice::Manner;
use super::{Command, DEPTH_LIMIT, Frame, STEP_LIMIT, Session, State};
use crate::expression;
use crate::plan::{Action, Attempt, FollowUp, LanguageChoice, Outcome, Pace, Plan, Save, Step, StepId};

impl Session {
    /// Comes to a step: says its prompts, then it acts.
    pub(super) fn enter(&mut self, id: StepId) {
        self.steps_since_input += 1;
        if self.steps_since_input > STEP_LIMIT {
            self.trouble("endless");
            return;
        }
        let plan = Arc::clone(&self.frame().plan);
        let Some(step) = plan.step(id) else {
            self.trouble("no-step");
            return;
        };
        self.frame_mut().step = id;
        self.note(entered(&plan, step));
        self.say(&step.say, Manner { pace: step.pace, skippable: step.skippable, repeats: true });
        self.state = State::Entering;
    }

    /// Goes on to a step at the next turn.
    pub(super) fn go(&mut self, id: StepId) {
        self.state = State::Leaving(id);
    }

    pub(super) fn go_on(&mut self, then: Option<StepId>) {
        match then {
            Some(id) => self.go(id),
            None => self.trouble("no-exit"),
        }
    }

    /// What a step does once its prompts are said.
    pub(super) fn act(&mut self) {
        let plan = Arc::clone(&self.frame().plan);
        let Some(step) = plan.step(self.frame().step) else {
            self.trouble("no-step");
            return;
        };
        match &step.action {
            Action::Say => self.go_on(step.then),
            Action::Collect(_) => self.ask(Ask::new(What::Collect)),
            Action::Menu(_) => self.ask(Ask::new(What::Menu)),
            Action::Survey(survey) => {
                self.questions.insert(survey.name.clone());
                self.ask(Ask::new(What::Survey));
            }
            Action::Record(record) => self.record_words(step.pace, record),
            Action::Verify(_) => self.ask_next_factor(0, hotline_model::verification::Given::new()),
            Action::Branch { arms, otherwise } => {
                let variables = self.variables();
                let mut to = *otherwise;
                for (when, then) in arms {
                    match when.holds(&variables) {
                        Ok(true) => {
                            to = *then;
                            break;
                        }
                        Ok(false) => {}
                        Err(_) => self
                            .note(StepEvent::Trouble { step: step.name.clone(), code: "condition".into() }),
                    }
                }
                self.go(to);
            }
            Action::Set(values) => {
                for (name, value) in values {
                    let variables = self.variables();
                    let of = value.infer(|name, field| {
                        expression::find(&variables, name, field).map(crate::check::type_of_value)
                    });
                    match value.variable(&variables, &of.unwrap_or(crate::plan::Type::Number)) {
                        Ok(value) => {
                            self.frame_mut().variables.insert(name.clone(), value);
                        }
                        Err(_) => {
                            self.note(StepEvent::Trouble { step: step.name.clone(), code: "value".into() })
                        }
                    }
                }
                self.go_on(step.then);
            }
            Action::Lookup(lookup) => self.look_up(lookup),
            Action::Hours { calendar, open, closed, holiday } => {
                let now = self.wall_clock().timestamp();
                let to = match self.plans.find_calendar(calendar) {
                    Some(calendar) if calendar.is_open(now) => *open,
                    Some(calendar) => {
                        let day = now.to_zoned(calendar.zone.clone()).date();
                        if calendar.is_holiday(day) { *holiday } else { *closed }
                    }
                    None => *closed,
                };
                self.go(to);
            }
            Action::Save(save) => {
                self.save(&step.name, save);
                self.go_on(step.then);
            }
            Action::Message { template } => {
                let (step_name, template) = (step.name.clone(), template.clone());
                self.commands.push_back(Command::Message { step: step_name, template });
                self.go_on(step.then);
            }
            Action::Text(text) => self.text(&step.name, text),
            Action::Language(choice) => {
                self.choose_language(choice);
                self.go_on(step.then);
            }
            Action::Call { plan: callee, with, gives } => self.call(callee, with, gives),
            Action::Answer => {
                if !std::mem::replace(&mut self.answered, true) {
                    self.commands.push_back(Command::Answer);
                    self.note(StepEvent::Answered { step: step.name.clone() });
                }
                self.go_on(step.then);
            }
            Action::Queue(enqueue) => self.enqueue(&step.name, enqueue),
            Action::Transfer(transfer) => self.transfer(transfer),
            Action::Music(music) => self.listen(music),
            Action::CallBack(call_back) => self.call_back(call_back),
            Action::Leave(word) => self.leave_by(word),
            Action::Repeat(pace) => self.repeat(*pace),
            Action::Return(values) => self.return_from(values),
            Action::Hangup(outcome) => self.close(*outcome),
        }
    }

    fn save(&mut self, step: &str, save: &Save) {
        let mut save = save.clone();
        if let Some(follow_up) = save.follow_up.as_mut() {
            let calendar = follow_up.hours.as_ref().and_then(|name| self.plans.find_calendar(name));
            let now = self.wall_clock();
            if let Some((due, left)) = due(&now, follow_up, calendar) {
                follow_up.within = left;
                if let Some(name) = &follow_up.promised {
                    let promise: Fields = [
                        ("date".to_owned(), Value::Date(due.date())),
                        ("time".to_owned(), Value::Time(due.time())),
                    ]
                    .into();
                    self.frame_mut().variables.insert(name.clone(), Value::Record(promise));
                }
            }
        }
        save.outcome = save.outcome.map(|outcome| self.served(outcome));
        let written = [
            ("outcome", save.outcome.is_some()),
            ("reason", save.reason.is_some()),
            ("note", save.note.is_some()),
            ("tags", !save.tags.is_empty()),
            ("follow-up", save.follow_up.is_some()),
            ("do-not-call", save.do_not_call),
        ];
        let fields = written.into_iter().filter(|(_, is)| *is).map(|(name, _)| name.to_owned()).collect();
        self.outcome = save.outcome.or(self.outcome);
        self.human_is_coming |= save.follow_up.is_some();
        self.commands.push_back(Command::Save { step: step.to_owned(), save });
        self.note(StepEvent::Saved { step: step.to_owned(), fields });
    }

    /// What the plan still writes down when the caller hangs up: by the step that the call is at, or by the one that
    /// waits for it. Nothing, if a human is on the way.
    pub(super) fn write_after_hang_up(&mut self) {
        let exit = |frame: &Frame| frame.plan.step(frame.step).and_then(|step| step.hung_up);
        let found = self.frames.iter().enumerate().rev().find_map(|(at, frame)| Some((at, exit(frame)?)));
        let Some((at, mut to)) = found.filter(|_| !self.human_is_coming) else { return };
        self.frames.truncate(at + 1);
        for _ in 0..STEP_LIMIT {
            let plan = Arc::clone(&self.frame().plan);
            let Some(step) = plan.step(to).filter(|step| step.action.is_silent()) else { return };
            self.frame_mut().step = to;
            self.note(entered(&plan, step));
            if let Action::Hangup(outcome) = step.action {
                if self.outcome.is_none() {
                    self.outcome = Some(outcome);
                    let save = Save { outcome: Some(outcome), ..Save::default() };
                    self.commands.push_back(Command::Save { step: step.name.clone(), save });
                }
                return;
            }
            self.act();
            match std::mem::replace(&mut self.state, State::Over) {
                State::Leaving(next) => to = next,
                _ => return,
            }
        }
    }

    fn choose_language(&mut self, choice: &LanguageChoice) {
        let languages = self.frame().plan.languages.clone();
        let next = match choice {
            LanguageChoice::Named(language) => Some(*language),
            LanguageChoice::Other => {
                let at = languages.iter().position(|l| *l == self.language).map_or(0, |at| at + 1);
                languages.get(at % languages.len().max(1)).copied()
            }
            LanguageChoice::Variable(path) => {
                let variables = self.variables();
                expression::find(&variables, &path.variable, path.field.as_deref())
                    .and_then(|value| value.plain().parse::<Language>().ok())
            }
        };
        if let Some(language) = next.filter(|next| languages.contains(next) && *next != self.language) {
            self.language = language;
            self.commands.push_back(Command::SetLanguage(language));
            self.note(StepEvent::Language { language });
            // What was said before was said in the other language.
            self.voice.answered();
        }
    }

    fn call(
        &mut self,
        callee: &str,
        with: &indexmap::IndexMap<String, crate::plan::VariablePath>,
        gives: &indexmap::IndexMap<String, String>,
    ) {
        let Some(plan) = self.plans.find_plan(callee).cloned().filter(|_| self.frames.len() < DEPTH_LIMIT)
        else {
            self.trouble("no-plan");
            return;
        };
        let here = self.variables();
        let handed = |path: &crate::plan::VariablePath| {
            expression::find(&here, &path.variable, path.field.as_deref()).cloned()
        };
        let variables: Fields =
            with.iter().filter_map(|(name, path)| Some((name.clone(), handed(path)?))).collect();
        let start = plan.start;
        self.frames.push(Frame { plan, step: start, variables, gives: gives.clone() });
        self.say_recording_notice();
        self.state = State::Opening;
    }

    fn return_from(&mut self, values: &indexmap::IndexMap<String, crate::plan::VariablePath>) {
        if self.is_waiting_plan() {
            // Whoever still waits begins anew.
            self.last_ask = None;
            let start = self.frame().plan.start;
            self.go(start);
            return;
        }
        if self.frames.len() < 2 {
            self.close(Outcome::Contained);
            return;
        }
        let here = self.variables();
        let Some(ended) = self.frames.pop() else { return };
        for (name, path) in values {
            if let (Some(variable), Some(value)) =
                (ended.gives.get(name), expression::find(&here, &path.variable, path.field.as_deref()))
            {
                self.frame_mut().variables.insert(variable.clone(), value.clone());
            }
        }
        // A question of the ended plan cannot be asked again.
        self.last_ask = None;
        let frame = self.frame();
        let then = frame.plan.step(frame.step).and_then(|step| step.then);
        self.go_on(then);
    }

    fn repeat(&mut self, pace: Pace) {
        let Some(ask) = self.last_ask.clone() else {
            self.trouble("nothing-to-repeat");
            return;
        };
        self.frame_mut().step = ask.step;
        let said = self.voice.said();
        let asked = said.iter().any(|item| ask.prompts.contains(&item.utterance.prompt));
        self.say_again(said, pace);
        self.ask_again(ask, !asked, pace);
    }

    /// Says what an attempt says, and goes where it leads; `false` if it leads nowhere.
    pub(super) fn attempt(&mut self, attempts: &[Attempt], number: usize) -> bool {
        let Some(attempt) = attempts.get(number.saturating_sub(1)).or(attempts.last()) else { return false };
        let attempt = attempt.clone();
        let plan = Arc::clone(&self.frame().plan);
        let skippable = match attempt.then {
            Some(to) => plan.step(to).is_some_and(|step| step.skippable),
            None => true,
        };
        self.say(&attempt.say, Manner { pace: Pace::Normal, skippable, repeats: false });
        match attempt.then {
            Some(to) => {
                self.go(to);
                true
            }
            None => false,
        }
    }
}

/// A deadline that is told is a time of day that one would say: a quarter of an hour, where it is that far away.
const QUARTER: i64 = 15;

/// When a follow-up is due, on the clock of `now`, and how long that is from now.
fn due(now: &Zoned, follow_up: &FollowUp, calendar: Option<&Calendar>) -> Option<(Zoned, Duration)> {
    let open = calendar.and_then(|calendar| calendar.after_open(now.timestamp(), follow_up.within));
    let mut due = match open {
        Some(due) => due.to_zoned(now.time_zone().clone()),
        None => now.checked_add(jiff::SignedDuration::try_from(follow_up.within).ok()?).ok()?,
    };
    if follow_up.promised.is_some() {
        let whole = if follow_up.within >= Duration::from_secs(3_600) { QUARTER } else { 1 };
        let up = ZonedRound::new().smallest(Unit::Minute).increment(whole).mode(RoundMode::Ceil);
        due = due.round(up).unwrap_or(due);
    }
    let left = Duration::try_from(now.duration_until(&due)).ok()?;
    Some((due, left))
}

/// That the caller has come to a step.
pub(super) fn entered(plan: &Plan, step: &Step) -> StepEvent {
    StepEvent::Entered {
        plan: plan.name.clone(),
        step: step.name.clone(),
        verb: step.action.verb().to_owned(),
        title: step.title.clone(),
    }
}
