//! Running call scripts on virtual time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Act, AgentDoes, CallReport, CallScript, CallScripts, Expected};
use crate::diagnostic::{Diagnostic, codes};
use crate::plans::Plans;
use crate::session::StartContext;
use crate::simulation::{PromptLength, Simulation};
use crate::source::Span;
use crate::tree::Name;

/// Between two keys that a caller presses.
const BETWEEN_KEYS: Duration = Duration::from_millis(250);

/// A caller who hears nothing for so long is told of.
const PATIENCE: Duration = Duration::from_secs(120);

/// Steps of the plans that no script of any file comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanReport {
    /// The plan.
    pub plan: String,
    /// Its steps that no script enters.
    pub unvisited: Vec<String>,
}

impl CallScripts {
    /// Runs every call.
    pub fn run(&self, plans: &Arc<Plans>, lengths: &dyn PromptLength) -> Vec<CallReport> {
        self.calls.iter().filter_map(|call| call.run(plans, &self.plan, lengths)).collect()
    }
}

/// The steps that no call came to, plan by plan.
pub fn unvisited<'r>(plans: &Plans, reports: impl IntoIterator<Item = &'r CallReport>) -> Vec<PlanReport> {
    let visited: BTreeSet<&(String, String)> = reports.into_iter().flat_map(|report| &report.steps).collect();
    plans
        .plans()
        .map(|plan| PlanReport {
            plan: plan.name.clone(),
            unvisited: plan
                .steps
                .iter()
                .filter(|step| !visited.contains(&(plan.name.clone(), step.name.clone())))
                .map(|step| step.name.clone())
                .collect(),
        })
        .collect()
}

impl CallScript {
    /// Runs the call; `None` if no plan is called so.
    pub fn run(&self, plans: &Arc<Plans>, plan: &str, lengths: &dyn PromptLength) -> Option<CallReport> {
        let language =
            self.record.customer.as_ref().and_then(|customer| customer.get("language")?.plain().parse().ok());
        let context = StartContext {
            caller: self.from.clone(),
            dialled: self.dialled.clone(),
            language,
            customer: self.record.customer.clone(),
            started: self.at.clone(),
            announcement: plans.numbers().find_announcement(plan).cloned(),
            given: self.given.clone(),
        };
        let simulation = Simulation::new(plans, plan, context, self.record.clone(), lengths)?;
        let mut actor = Actor { simulation, next: 0, failures: Vec::new() };
        actor.simulation.start();
        for act in &self.acts {
            if !actor.act(act, self) {
                break;
            }
        }
        actor.simulation.hang_up();
        if actor.failures.is_empty() {
            actor.compare(&self.expected);
        }
        Some(CallReport {
            name: self.name.clone(),
            failures: actor.failures,
            transcript: actor.simulation.lines().to_vec(),
            steps: actor.simulation.steps().to_vec(),
            lasted: actor.simulation.now(),
        })
    }
}

/// A caller who follows a script.
struct Actor<'a> {
    simulation: Simulation<'a>,
    /// The next prompt that has not been listened to.
    next: usize,
    failures: Vec<Diagnostic>,
}

impl Actor<'_> {
    /// Does one thing; `false` if the call cannot go on.
    fn act(&mut self, act: &Act, script: &CallScript) -> bool {
        match act {
            Act::Hears(prompts) => prompts.iter().all(|prompt| self.hears(prompt)),
            Act::Keys(keys) => self.keys(keys),
            Act::Waits(length) => {
                self.waits(*length);
                true
            }
            Act::Speaks(length, span) => self.speaks(*length, span),
            Act::SaysNothing(span) => {
                let before = self.simulation.silences();
                let patience = self.simulation.now() + PATIENCE;
                while self.simulation.silences() == before {
                    if self.simulation.now() > patience || !self.simulation.step() {
                        self.failures.push(
                            Diagnostic::error(
                                codes::SCRIPT_WAIT,
                                span,
                                "the caller says nothing, and nobody was waiting for a key",
                            )
                            .label("no question is being asked here, and nothing is recorded")
                            .help("say first what the caller `hears`"),
                        );
                        return false;
                    }
                }
                true
            }
            Act::HangsUp => {
                self.simulation.hang_up();
                true
            }
            Act::Agent(does, span) => self.agent(*does, span),
            Act::CallEnds(span) => {
                let patience = self.simulation.now() + PATIENCE;
                while !self.simulation.is_over() {
                    if self.simulation.now() > patience || !self.simulation.step() {
                        self.failures.push(
                            Diagnostic::error(codes::SCRIPT_WAIT, span, "the call goes on")
                                .label(format!(
                                    "the call is at step `{}`",
                                    self.simulation.session().position().1
                                ))
                                .help("say what the caller does next, or `hangs up`"),
                        );
                        return false;
                    }
                }
                let rest: Vec<&str> =
                    self.simulation.heard()[self.next..].iter().map(|heard| heard.prompt.as_str()).collect();
                if !rest.is_empty() {
                    let message =
                        format!("before the end the caller heard {}", crate::lower::list(&rest, "and"));
                    self.failures.push(
                        Diagnostic::error(codes::SCRIPT_HEARD, span, message)
                            .label("the script does not mention it")
                            .help(format!("write `- hears: [{}]` before this line", rest.join(", "))),
                    );
                }
                let _ = script;
                true
            }
        }
    }

    /// Speaks after the beep, which may be still to come; after the words nothing more is said.
    fn speaks(&mut self, length: Duration, span: &Span) -> bool {
        let patience = self.simulation.now() + PATIENCE;
        while !self.simulation.records_words() {
            if self.simulation.now() > patience || !self.simulation.step() {
                break;
            }
        }
        if !self.simulation.speak(length) {
            self.failures.push(
                Diagnostic::error(codes::SCRIPT_WAIT, span, "the caller speaks, and nothing is recorded")
                    .label(format!("the call is at step `{}`", self.simulation.session().position().1))
                    .help("let the call come to a step that records, or write `waits: …`"),
            );
            return false;
        }
        // What was said before the beep was skipped, or listened to.
        let now = self.simulation.now();
        self.next = self.next.max(self.simulation.heard().iter().filter(|heard| heard.to <= now).count());
        self.simulation.advance_to(now + length);
        true
    }

    /// Lets time pass. What a queue says meanwhile, again and again, need not be named.
    fn waits(&mut self, length: Duration) {
        let until = self.simulation.now() + length;
        while let Some(at) = self.simulation.next_at().filter(|at| *at <= until) {
            let (waited, heard) = (self.simulation.waits_in_queue(), self.simulation.heard().len());
            self.simulation.advance_to(at);
            if waited {
                let now = self.simulation.now();
                let whole = self.simulation.heard().iter().filter(|heard| heard.to <= now).count();
                let listened = if self.simulation.waits_in_queue() { whole } else { heard };
                self.next = self.next.max(listened);
            }
        }
        self.simulation.advance_to(until);
    }

    /// The human at the other end; what is on its way to them comes first.
    fn agent(&mut self, does: AgentDoes, span: &Span) -> bool {
        let patience = self.simulation.now() + PATIENCE;
        loop {
            let ready = match does {
                AgentDoes::Answers | AgentDoes::MovesUp(_) => self.simulation.waits_in_queue(),
                AgentDoes::HangsUp | AgentDoes::IsLost => self.simulation.talks(),
            };
            if ready || self.simulation.now() > patience || !self.simulation.step() {
                break;
            }
        }
        let done = match does {
            AgentDoes::Answers => self.simulation.agent_answers(),
            AgentDoes::HangsUp => self.simulation.agent_hangs_up(),
            AgentDoes::IsLost => self.simulation.agent_is_lost(),
            AgentDoes::MovesUp(place) => self.simulation.move_up(place),
        };
        if !done {
            let (message, help) = match does {
                AgentDoes::Answers | AgentDoes::MovesUp(_) => (
                    "the caller waits in no queue",
                    "write `queue: open` under `given`, and let the caller come there",
                ),
                AgentDoes::HangsUp | AgentDoes::IsLost => {
                    ("nobody talks with the caller", "write `- agent answers` before this line")
                }
            };
            self.failures.push(
                Diagnostic::error(codes::SCRIPT_AGENT, span, message)
                    .label(format!("the call is at step `{}`", self.simulation.session().position().1))
                    .help(help),
            );
            return false;
        }
        // What was stopped has been listened to as far as it went.
        let now = self.simulation.now();
        while self.simulation.heard().get(self.next).is_some_and(|heard| heard.to <= now) {
            self.next += 1;
        }
        true
    }

    fn hears(&mut self, prompt: &Name) -> bool {
        let patience = self.simulation.now() + PATIENCE;
        while self.simulation.heard().len() <= self.next {
            if self.simulation.now() > patience || !self.simulation.step() {
                let step = self.simulation.session().position().1.to_owned();
                let over = self.simulation.is_over();
                let message = if over {
                    format!("the call was over before `{}` was heard", prompt.text)
                } else {
                    format!("`{}` was never heard: silence", prompt.text)
                };
                self.failures.push(
                    Diagnostic::error(codes::SCRIPT_HEARD, &prompt.span, message)
                        .label(if over {
                            format!("the call ended at step `{step}`")
                        } else {
                            format!("the call is at step `{step}`")
                        })
                        .help("see below what happened in the call"),
                );
                return false;
            }
        }
        let heard = self.simulation.heard()[self.next].clone();
        self.next += 1;
        if heard.prompt != prompt.text {
            self.failures.push(
                Diagnostic::error(
                    codes::SCRIPT_HEARD,
                    &prompt.span,
                    format!("the caller heard `{}` instead of `{}`", heard.prompt, prompt.text),
                )
                .label(format!("heard here: {}", heard.words))
                .help(format!("mend the plan, or write `hears: {}`", heard.prompt)),
            );
            return false;
        }
        // Listens to its end, unless it is stopped by something else.
        while self.simulation.now() < heard.to {
            let next = self.simulation.next_at().filter(|at| *at < heard.to);
            self.simulation.advance_to(next.unwrap_or(heard.to));
        }
        true
    }

    fn keys(&mut self, keys: &Name) -> bool {
        for (number, key) in keys.text.chars().enumerate() {
            let at = self.simulation.now() + BETWEEN_KEYS;
            self.simulation.advance_to(at);
            if number == 0 {
                // What has begun by now is stopped by the key, or was not listened to.
                self.next = self.simulation.heard().iter().filter(|heard| heard.from <= at).count();
            }
            if self.simulation.is_over() {
                self.failures.push(
                    Diagnostic::error(
                        codes::SCRIPT_OVER,
                        &keys.span,
                        format!("the call is over before `{}` is keyed", keys.text),
                    )
                    .label("nobody hears these keys")
                    .help("remove this line, or see below why the call ended"),
                );
                return false;
            }
            self.simulation.key(key);
        }
        // Prompts that the keys skipped or stopped were not listened to.
        let now = self.simulation.now();
        while self.simulation.heard().get(self.next).is_some_and(|heard| heard.to < now) {
            self.next += 1;
        }
        true
    }

    fn compare(&mut self, expected: &[(Name, Expected)]) {
        let written = self.simulation.written();
        let some = |word: Option<String>| word.into_iter().collect::<Vec<_>>();
        for (name, wanted) in expected {
            let found: Vec<String> = match name.text.as_str() {
                "outcome" => some(written.outcome.map(|outcome| outcome.word().to_owned())),
                "reason" => some(written.reason.clone()),
                "follow-up" => written.follow_ups.clone(),
                "due" => written.due.clone(),
                "answers" => {
                    written.answers.iter().map(|(name, answer)| format!("{name}: {answer}")).collect()
                }
                "recording" => written.recordings.clone(),
                "call-back" => vec![written.call_back.to_string()],
                "do-not-call" => vec![written.do_not_call.to_string()],
                "tag" => written.tags.clone(),
                "message" => written.messages.clone(),
                "recorded" => vec![written.recorded.to_string()],
                "language" => vec![self.simulation.session().language().tag().to_owned()],
                "wrong-attempts" => vec![self.simulation.record.counters.in_call.to_string()],
                _ => continue,
            };
            let matches = match wanted {
                Expected::Word(word) if word == "none" => found.is_empty(),
                Expected::Word(word) => found.contains(word),
                Expected::Answers(answers) => *answers == written.answers,
                Expected::Count(count) => found.contains(&count.to_string()),
            };
            if !matches {
                let is = match found.join(", ") {
                    _ if found.is_empty() => "none".to_owned(),
                    all if name.text == "answers" => format!("{{ {all} }}"),
                    all => all,
                };
                self.failures.push(
                    Diagnostic::error(
                        codes::SCRIPT_RECORD,
                        &name.span,
                        format!("the record says `{}: {is}`", name.text),
                    )
                    .label("the script says otherwise")
                    .help(format!("mend the plan, or write `{}: {is}`", name.text)),
                );
            }
        }
    }
}
