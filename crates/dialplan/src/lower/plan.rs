//! A plan file: names first, then everything that refers to them.

use std::sync::Arc;

use hotline_model::{Language, VerificationPolicy};
use indexmap::IndexMap;

use super::{Reader, Table, list};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::{Answering, Plan, PromptId, StepId, Type};
use crate::recordings::short_hash;
use crate::source::{SourceFile, Span};
use crate::tree::{Name, Node};

pub(crate) const KNOWN: [&str; 14] = [
    "plan",
    "about",
    "title",
    "languages",
    "start",
    "answer",
    "takes",
    "returns",
    "keys-everywhere",
    "bridge",
    "apology",
    "recording-notice",
    "prompts",
    "steps",
];

/// What other files offer by name.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Policies; `None` for one whose file has errors.
    pub policies: IndexMap<String, Option<VerificationPolicy>>,
    /// Where each policy's `ask` stands.
    pub policy_asks: IndexMap<String, Vec<(String, Span)>>,
    /// Calendars.
    pub calendars: Vec<String>,
    /// Plans.
    pub plans: IndexMap<String, PlanHead>,
    /// Queues; `None` without a `queues.yaml`.
    pub queues: Option<IndexMap<String, QueueHead>>,
}

/// What a plan must know of a queue.
#[derive(Debug, Clone)]
pub(crate) struct QueueHead {
    /// The plan that runs inside it, as far as it is named.
    pub while_waiting: Option<String>,
}

impl World {
    /// Whether a plan runs inside a queue.
    pub fn waits(&self, plan: &str) -> bool {
        let mut queues = self.queues.iter().flat_map(IndexMap::values);
        queues.any(|queue| queue.while_waiting.as_deref() == Some(plan))
    }
}

/// What another plan must know of a plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanHead {
    pub languages: Vec<Language>,
    pub takes: IndexMap<String, Type>,
    pub returns: IndexMap<String, Type>,
}

/// The names that a plan's steps may use.
pub(crate) struct Scope<'a> {
    pub prompts: IndexMap<String, Span>,
    pub steps: IndexMap<String, Span>,
    pub languages: &'a [Language],
    pub world: &'a World,
}

impl Reader {
    /// Reads what other plans need to know; says nothing of faults, which the whole reading finds.
    pub(crate) fn plan_head(root: &Node) -> Option<(Name, PlanHead)> {
        let mut quiet = Self::default();
        let node = root.find("plan")?;
        let name = quiet.text(node, "`plan`", &node.span)?;
        let languages =
            root.find("languages").map(|node| quiet.languages(node, &node.span)).unwrap_or_default();
        let mut typed =
            |word: &str| root.find(word).map(|node| quiet.typed(node, word, &node.span)).unwrap_or_default();
        let (takes, returns) = (typed("takes"), typed("returns"));
        Some((name, PlanHead { languages, takes, returns }))
    }

    /// A whole plan. It may be incomplete where errors were found.
    pub(crate) fn plan(&mut self, root: &Node, file: &Arc<SourceFile>, world: &World) -> Option<Plan> {
        let whole = file.span(0..file.line(1).end);
        let table = self.table(root, &whole, "a plan", &KNOWN)?;
        let head = table.find("plan").map_or(whole, |node| node.span.clone());
        let table = Table { head: head.clone(), ..table };
        let name = table
            .need(
                self,
                "plan",
                "nobody could say which plan a number runs",
                "begin with `plan: ` and the name of the file without `.yaml`",
            )
            .and_then(|node| self.text(node, "`plan`", &table.key_span("plan")))?;
        self.new_name(&name, "a plan");
        let about = table.find("about").and_then(Node::scalar).unwrap_or_default().to_owned();
        let title = self.title(&table, "the plan has no title");
        let languages = table
            .need(
                self,
                "languages",
                "nobody could tell in which language the caller is spoken to",
                "add `languages: [zh-CN, en-US]`",
            )
            .map(|node| self.languages(node, &table.key_span("languages")))
            .unwrap_or_default();
        let entries = |word: &str| table.find(word).and_then(Node::entries).unwrap_or_default();
        let names =
            |word: &str| entries(word).iter().map(|e| (e.key.text.clone(), e.key.span.clone())).collect();
        let scope = Scope { prompts: names("prompts"), steps: names("steps"), languages: &languages, world };
        if let Some(node) = table.find("prompts")
            && node.entries().is_none()
        {
            self.shape(node, "`prompts`", "a table of `key: value` lines", &table.key_span("prompts"));
        }
        let prompts = entries("prompts").iter().map(|entry| self.prompt(entry, &languages)).collect();
        let steps_node = table.need(
            self,
            "steps",
            "the caller would hear nothing",
            "add `steps:` with what happens to the caller",
        );
        if let Some(node) = steps_node
            && node.entries().is_none()
        {
            self.shape(node, "`steps`", "a table of `key: value` lines", &table.key_span("steps"));
        }
        let steps = entries("steps").iter().map(|entry| self.step(entry, &scope)).collect();
        let start = table
            .need(
                self,
                "start",
                "nobody could tell what the caller hears first",
                "add `start: ` and the name of the first step",
            )
            .map_or(StepId::NOWHERE, |node| {
                self.step_pressed(node, &scope, "`start`", &table.key_span("start"), Some("start"))
            });
        let answering = table.find("answer").and_then(|node| {
            let words = [("at-once", Answering::AtOnce), ("by-step", Answering::ByStep)];
            self.word(node, "`answer`", &words, &table.key_span("answer"))
        });
        let mut prompt = |word: &'static str| {
            let node = table.find(word)?;
            let name = self.text(node, &format!("`{word}`"), &table.key_span(word))?;
            Some(self.prompt_named(&name, &scope))
        };
        let (bridge, apology, recording_notice) =
            (prompt("bridge"), prompt("apology"), prompt("recording-notice"));
        let keys_everywhere = match table.find("keys-everywhere") {
            Some(node) => {
                self.keys_alone(node, "`keys-everywhere`", &table.key_span("keys-everywhere"), &scope)
            }
            None => IndexMap::new(),
        };
        let mut typed = |word: &str| {
            table.find(word).map(|node| self.typed(node, word, &table.key_span(word))).unwrap_or_default()
        };
        let (takes, returns) = (typed("takes"), typed("returns"));
        let version = short_hash(file.text().as_bytes(), 6);
        Some(Plan {
            name: name.text,
            about,
            title,
            file: Arc::clone(file),
            version,
            answering: answering.unwrap_or_default(),
            start,
            prompts,
            steps,
            keys_everywhere,
            bridge,
            apology,
            recording_notice,
            takes,
            returns,
            languages,
        })
    }

    pub(super) fn languages(&mut self, node: &Node, head: &Span) -> Vec<Language> {
        let known = [("zh-CN", Language::ZhCn), ("en-US", Language::EnUs)];
        let mut languages = Vec::new();
        if node.scalar().is_some() {
            self.shape(node, "`languages`", "a list", head);
            return node.scalar().and_then(|text| text.parse().ok()).into_iter().collect();
        }
        for item in self.items(node, "`languages`", head) {
            if let Some(language) = self.word(item, "a language", &known, head)
                && !languages.contains(&language)
            {
                languages.push(language);
            }
        }
        languages
    }

    /// `name: type` for each variable.
    pub(super) fn typed(&mut self, node: &Node, word: &str, head: &Span) -> IndexMap<String, Type> {
        let Some(entries) = node.entries() else {
            self.shape(node, &format!("`{word}`"), "a table of `key: value` lines", head);
            return IndexMap::new();
        };
        let known: Vec<(&str, usize)> =
            Type::NAMED.iter().enumerate().map(|(at, of)| (of.name(), at)).collect();
        let mut types = IndexMap::new();
        for entry in entries {
            self.new_name(&entry.key, "a variable");
            if let Some(at) = self.word(&entry.value, "a type", &known, &entry.key.span) {
                types.insert(entry.key.text.clone(), Type::NAMED[at].clone());
            }
        }
        types
    }

    pub(super) fn prompt_named(&mut self, name: &Name, scope: &Scope<'_>) -> PromptId {
        if let Some(at) = scope.prompts.get_index_of(&name.text) {
            return PromptId(at);
        }
        if let Some(step) = scope.steps.get(&name.text) {
            self.report(
                Diagnostic::error(
                    codes::KIND,
                    &name.span,
                    format!("a prompt is expected here, and `{}` is a step", name.text),
                )
                .label("a step cannot be said: the caller would hear silence")
                .also(step, "the step is here")
                .help(format!(
                    "to go there write `then: {}`; to say something name a prompt under `prompts:`",
                    name.text
                )),
            );
            return PromptId::NONE;
        }
        if name.text.contains(' ') || !name.text.is_ascii() {
            self.report(
                Diagnostic::error(
                    codes::PROMPT,
                    &name.span,
                    "the words themselves stand here, and the name of a prompt is expected",
                )
                .label(
                    "callers would hear silence here: words stand under `prompts:`, once for each language",
                )
                .help("add them under `prompts:` with a name before them, for example `greeting: …`, and write `greeting` here"),
            );
            return PromptId::NONE;
        }
        let near = self.near(&name.text, scope.prompts.keys().map(String::as_str));
        let diagnostic =
            Diagnostic::error(codes::PROMPT, &name.span, format!("no prompt is called `{}`", name.text))
                .label("callers would hear silence here");
        match near {
            Some(near) => {
                let at = scope.prompts.get_index_of(near).unwrap_or(usize::MAX);
                self.report(
                    diagnostic
                        .also(&scope.prompts[near], "a prompt with a similar name is here")
                        .help(format!("did you mean `{near}`?")),
                );
                PromptId(at)
            }
            None => {
                let lines = scope.languages.iter().map(|l| format!("{l}: …")).collect::<Vec<_>>().join(", ");
                self.report(
                    diagnostic.help(format!("add it under `prompts:` as `{}: {{ {lines} }}`", name.text)),
                );
                PromptId::NONE
            }
        }
    }

    pub(super) fn step_named(&mut self, name: &Name, scope: &Scope<'_>, pressed: Option<&str>) -> StepId {
        if let Some(at) = scope.steps.get_index_of(&name.text) {
            return StepId(at);
        }
        let kind = if scope.prompts.contains_key(&name.text) {
            Some("a prompt")
        } else if scope.world.policies.contains_key(&name.text) {
            Some("a verification policy")
        } else if scope.world.calendars.contains(&name.text) {
            Some("a calendar")
        } else if scope.world.plans.contains_key(&name.text) {
            Some("a plan")
        } else if scope.world.queues.as_ref().is_some_and(|queues| queues.contains_key(&name.text)) {
            Some("a queue")
        } else {
            None
        };
        let callers = match pressed {
            Some("start") => "every caller".into(),
            Some(key) => format!("callers who press {key}"),
            None => "callers who come here".into(),
        };
        if let Some(kind) = kind {
            let help = match kind {
                "a prompt" => {
                    let speaks = format!(
                        "add a step that says it, for example `say-{0}: {{ say: {0}, then: … }}`",
                        name.text
                    );
                    speaks + ", and name that step here"
                }
                "a plan" => format!(
                    "add a step that runs it, for example `run-{0}: {{ call: {0}, then: … }}`, and name that step here",
                    name.text
                ),
                "a queue" => {
                    format!(
                        "add a step that waits in it with `queue: {}`, and name that step here",
                        name.text
                    )
                }
                "a calendar" => {
                    format!("add a step that asks it with `hours: {}`, and name that step here", name.text)
                }
                _ => format!("add a step that uses it with `verify: {}`, and name that step here", name.text),
            };
            let mut diagnostic = Diagnostic::error(
                codes::KIND,
                &name.span,
                format!("a step is expected here, and `{}` is {kind}", name.text),
            )
            .label(format!("{callers} would have nowhere to go"))
            .help(help);
            if let Some(prompt) = scope.prompts.get(&name.text) {
                diagnostic = diagnostic.also(prompt, "the prompt is here");
            }
            self.report(diagnostic);
            return StepId::NOWHERE;
        }
        let near = self.near(&name.text, scope.steps.keys().map(String::as_str));
        let diagnostic =
            Diagnostic::error(codes::STEP, &name.span, format!("no step is called `{}`", name.text))
                .label(format!("{callers} would have nowhere to go"));
        match near {
            Some(near) => {
                self.report(
                    diagnostic
                        .also(&scope.steps[near], "a step with a similar name is here")
                        .help(format!("did you mean `{near}`?")),
                );
                StepId(scope.steps.get_index_of(near).unwrap_or(usize::MAX))
            }
            None => {
                let names: Vec<&str> = scope.steps.keys().map(String::as_str).take(8).collect();
                let help = if name.text == "hangup" || name.text == "end" {
                    "add a step `the-end: { hangup: contained }` and write `the-end` here".to_owned()
                } else {
                    format!("the steps of this plan are {}", list(&names, "and"))
                };
                self.report(diagnostic.help(help));
                StepId::NOWHERE
            }
        }
    }
}
