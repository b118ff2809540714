//! One step: its verb, and what goes with it.

mod asks;
mod human;
mod keys;
mod record;
mod survey;
mod values;
mod written;

use std::collections::BTreeMap;
use std::time::Duration;

use indexmap::IndexMap;

use super::plan::Scope;
use super::{Reader, Table};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::{Action, Outcome, Pace, Step, StepId};
use crate::tree::{Entry, Kind, Name};

/// Words that may stand beside every verb.
pub(crate) const BESIDE: [&str; 4] = ["title", "say", "pace", "hung-up"];

/// Every verb with the words that may stand beside it, besides those of all.
pub(crate) const VERBS: [(&str, &[&str]); 23] = [
    (
        "collect",
        &[
            "prompt",
            "length",
            "min",
            "max",
            "end-key",
            "pattern",
            "check-digit",
            "slip",
            "secret",
            "confirm",
            "first-digit",
            "inter-digit",
            "no-input",
            "no-match",
            "then",
            "keys",
        ],
    ),
    ("menu", &[]),
    (
        "survey",
        &[
            "prompt",
            "scale",
            "answers",
            "content",
            "first-digit",
            "inter-digit",
            "no-input",
            "no-match",
            "keys",
            "written",
            "then",
            "failed",
        ],
    ),
    ("record", &["prompt", "longest", "silence", "end-key", "keys", "written", "nothing", "then", "failed"]),
    ("branch", &["else"]),
    ("set", &["then"]),
    ("lookup", &["url", "with", "as", "fields", "within", "meanwhile", "found", "empty", "late", "failed"]),
    (
        "verify",
        &[
            "with",
            "within",
            "meanwhile",
            "first-digit",
            "inter-digit",
            "no-input",
            "no-match",
            "passed",
            "pending",
            "refused",
            "late",
            "failed",
        ],
    ),
    ("hours", &["open", "closed", "holiday"]),
    ("save", &["then"]),
    ("message", &["then", "refused", "failed"]),
    ("language", &["then"]),
    ("call", &["with", "gives", "then"]),
    ("answer", &["then"]),
    ("queue", &["priority", "skills", "agent", "reason", "then", "nobody", "closed", "failed", "left"]),
    ("transfer", &["ring", "busy", "no-answer", "failed", "then"]),
    ("music", &["for", "keys", "then"]),
    ("call-back", &["then", "refused", "failed"]),
    ("leave", &[]),
    ("repeat", &[]),
    ("return", &[]),
    ("hangup", &[]),
    ("say", &["then"]),
];

/// The words of a `menu`.
pub(crate) const MENU: [&str; 7] =
    ["prompt", "keys", "written", "first-digit", "inter-digit", "no-input", "no-match"];

/// The words of a `written`.
pub(crate) const WRITTEN: [&str; 3] = ["ask", "answers", "take"];

/// The words of a `save`.
pub(crate) const SAVE: [&str; 6] = ["outcome", "reason", "note", "tags", "follow-up", "do-not-call"];

/// The words of a `follow-up`.
pub(crate) const FOLLOW_UP: [&str; 5] = ["reason", "within", "hours", "promised", "note"];

/// Text messages that a plan may send: to the number on file, never to another.
const TEMPLATES: [&str; 2] = ["code-again", "rebate-again"];

const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

impl Reader {
    /// A step.
    pub(super) fn step(&mut self, entry: &Entry, scope: &Scope<'_>) -> Step {
        let name = &entry.key;
        self.new_name(name, "a step");
        let mut step = Step {
            name: name.text.clone(),
            title: BTreeMap::new(),
            span: name.span.clone(),
            say: Vec::new(),
            say_spans: Vec::new(),
            pace: Pace::Normal,
            action: Action::Say,
            then: None,
            hung_up: None,
            skippable: false,
        };
        let Some(entries) = entry.value.entries() else {
            self.shape(
                &entry.value,
                &format!("step `{}`", name.text),
                "a table of `key: value` lines",
                &name.span,
            );
            step.action = Action::Hangup(Outcome::Failed);
            return step;
        };
        let verbs: Vec<&Entry> = entries
            .iter()
            .filter(|e| VERBS.iter().any(|(verb, _)| *verb == e.key.text && *verb != "say"))
            .collect();
        if let [first, second, ..] = verbs.as_slice() {
            self.report(
                Diagnostic::error(
                    codes::VERB,
                    &second.key.span,
                    format!(
                        "step `{}` does two things: `{}` and `{}`",
                        name.text, first.key.text, second.key.text
                    ),
                )
                .label("nobody can tell which of them the caller gets")
                .also(&first.key.span, "the first one is here")
                .help(format!(
                    "make a step of its own for `{}`, and let an exit of this one lead there",
                    second.key.text
                )),
            );
            step.action = Action::Hangup(Outcome::Failed);
            return step;
        }
        let verb =
            verbs.first().map(|e| e.key.text.as_str()).or_else(|| entry.value.find("say").map(|_| "say"));
        let Some(verb) = verb else {
            self.no_verb(name, entries);
            step.action = Action::Hangup(Outcome::Failed);
            return step;
        };
        let beside = VERBS.iter().find(|(known, _)| *known == verb).map_or(&[][..], |(_, words)| *words);
        let known: Vec<&'static str> = VERBS
            .iter()
            .map(|(known, _)| *known)
            .filter(|known| *known == verb)
            .chain(BESIDE.into_iter().filter(|word| *word != verb))
            .chain(beside.iter().copied())
            .collect();
        let what = format!("step `{}`", name.text);
        let Some(table) = self.table(&entry.value, &name.span, &what, &known) else { return step };
        step.title = self.title(&table, "the step has no title");
        if let Some(node) = table.find("say") {
            (step.say, step.say_spans) = self.prompts_of(node, scope, "`say`", &table.key_span("say"));
        }
        if let Some(node) = table.find("pace") {
            let paces = [("normal", Pace::Normal), ("slow", Pace::Slow)];
            step.pace = self.word(node, "`pace`", &paces, &table.key_span("pace")).unwrap_or_default();
        }
        step.action = self.action(verb, &table, scope, name);
        if beside.contains(&"then") {
            step.then = table
                .need(
                    self,
                    "then",
                    "after this the caller would hear silence",
                    "add `then: ` and the name of the next step",
                )
                .map(|node| self.step_of(node, scope, "`then`", &table.key_span("then")))
                .or(Some(StepId::NOWHERE));
        }
        step.hung_up = table
            .find("hung-up")
            .map(|node| self.step_of(node, scope, "`hung-up`", &table.key_span("hung-up")));
        match (&mut step.action, step.then) {
            (Action::Collect(collect), Some(then)) => collect.then = then,
            (Action::Survey(survey), Some(then)) => survey.then = then,
            _ => {}
        }
        step
    }

    fn no_verb(&mut self, name: &Name, entries: &[Entry]) {
        let words = VERBS.iter().map(|(verb, _)| *verb);
        let near = entries.iter().find_map(|e| self.near(&e.key.text, words.clone()).map(|near| (e, near)));
        match near {
            Some((entry, near)) => self.report(
                Diagnostic::error(
                    codes::UNKNOWN_KEY,
                    &entry.key.span,
                    format!("step `{}` has no word `{}`", name.text, entry.key.text),
                )
                .label("nothing would come of this line")
                .help(format!("did you mean `{near}`?")),
            ),
            None => self.report(
                Diagnostic::error(
                    codes::VERB,
                    &name.span,
                    format!("step `{}` does not say what it does", name.text),
                )
                .label("the caller would hear silence")
                .help("add `say: …`, `collect: …`, `menu:`, or another verb"),
            ),
        }
    }

    fn action(&mut self, verb: &str, table: &Table<'_>, scope: &Scope<'_>, step: &Name) -> Action {
        let head = table.key_span(verb);
        let Some(node) = table.find(verb) else { return Action::Say };
        match verb {
            "collect" => self.collect(node, table, scope, step),
            "menu" => self.menu(node, scope, step),
            "survey" => self.survey(node, table, scope, step),
            "record" => self.record(node, table, scope, step),
            "branch" => self.branch(node, table, scope, &head),
            "set" => self.set(node, &head),
            "lookup" => self.lookup(node, table, scope, step),
            "verify" => self.verify(node, table, scope, step),
            "hours" => self.hours(node, table, scope),
            "save" => Action::Save(self.save(node, scope, &head)),
            "message" => self.message(node, table, scope, &head),
            "language" => self.language_choice(node, &head),
            "call" => self.call(node, table, scope, &head),
            "answer" => {
                self.word(node, "`answer`", &[("call", ())], &head);
                Action::Answer
            }
            "queue" => self.enqueue(node, table, scope, &head),
            "transfer" => self.transfer(node, table, scope, &head),
            "music" => self.music(node, table, scope, &head),
            "call-back" => self.call_back(node, table, scope, &head),
            "leave" => Action::Leave(self.word_of_record(node, "a way out", &head).unwrap_or_default()),
            "repeat" => {
                let paces = [("normal", Pace::Normal), ("slow", Pace::Slow)];
                Action::Repeat(self.word(node, "`repeat`", &paces, &head).unwrap_or_default())
            }
            "return" => match node.kind {
                Kind::Nothing => Action::Return(IndexMap::new()),
                _ => Action::Return(self.paths(node, "`return`", &head)),
            },
            "hangup" => {
                let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), outcome));
                Action::Hangup(self.word(node, "`hangup`", &outcomes, &head).unwrap_or(Outcome::Failed))
            }
            _ => Action::Say,
        }
    }
}
