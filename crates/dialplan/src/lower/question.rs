//! What all questions share: attempts, times, the prompt.

use std::time::Duration;

use super::plan::Scope;
use super::{Reader, Table};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::{Attempt, PromptId, Question, StepId};
use crate::source::Span;
use crate::tree::{Kind, Node};

/// How long the first key may take if the plan does not say.
pub(crate) const FIRST_DIGIT: Duration = Duration::from_secs(6);

/// How long the next key may take if the plan does not say.
pub(crate) const INTER_DIGIT: Duration = Duration::from_secs(3);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What asks, in the words of messages.
pub(super) struct Asking<'a> {
    pub verb: &'a str,
    pub step: &'a str,
}

impl Reader {
    /// Reads the words that all questions share.
    pub(super) fn question(&mut self, table: &Table<'_>, scope: &Scope<'_>, asking: &Asking<'_>) -> Question {
        let prompt = table
            .need(
                self,
                "prompt",
                "the caller would hear nothing and not know what to do",
                "add `prompt: …` with the name of a prompt",
            )
            .map(|node| self.prompts_of(node, scope, "`prompt`", &table.key_span("prompt")).0)
            .unwrap_or_default();
        let (first_digit, inter_digit) = self.times(table);
        let no_input = self.attempts(
            table,
            "no-input",
            scope,
            asking,
            "a caller who presses nothing would hear silence for ever",
        );
        let no_match = self.attempts(
            table,
            "no-match",
            scope,
            asking,
            "a caller who presses something else would get no answer",
        );
        Question { prompt, first_digit, inter_digit, no_input, no_match }
    }

    pub(super) fn times(&mut self, table: &Table<'_>) -> (Duration, Duration) {
        let mut time = |word: &str, usual: Duration| {
            let node = table.find(word)?;
            self.duration(node, &format!("`{word}`"), LONGEST_WAIT, &table.key_span(word)).or(Some(usual))
        };
        (
            time("first-digit", FIRST_DIGIT).unwrap_or(FIRST_DIGIT),
            time("inter-digit", INTER_DIGIT).unwrap_or(INTER_DIGIT),
        )
    }

    /// A list of attempts that must be there and end somewhere.
    fn attempts(
        &mut self,
        table: &Table<'_>,
        word: &'static str,
        scope: &Scope<'_>,
        asking: &Asking<'_>,
        label: &str,
    ) -> Vec<Attempt> {
        let help = format!("add `{word}:` with two lines below it: `- say: …` and `- then: …`");
        let Some(node) = table.find(word) else {
            if !table.meant.contains(&word) {
                self.report(
                    Diagnostic::error(
                        codes::SILENCE,
                        table.head(),
                        format!("{} `{}` does not say what happens on `{word}`", asking.verb, asking.step),
                    )
                    .label(label)
                    .help(help),
                );
            }
            return Vec::new();
        };
        self.attempt_list(node, word, scope, &table.key_span(word), false)
    }

    /// A step, or a list of attempts.
    pub(super) fn attempt_list(
        &mut self,
        node: &Node,
        word: &str,
        scope: &Scope<'_>,
        head: &Span,
        each_leads: bool,
    ) -> Vec<Attempt> {
        if node.scalar().is_some() {
            let then = self.step_of(node, scope, &format!("`{word}`"), head);
            return vec![Attempt { say: Vec::new(), then: Some(then) }];
        }
        let Kind::List(items) = &node.kind else {
            self.shape(node, &format!("`{word}`"), "a list", head);
            return Vec::new();
        };
        let mut attempts = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let place = first_word(item);
            let Some(table) = self.table(item, &place, &format!("an item of `{word}`"), &["say", "then"])
            else {
                continue;
            };
            let say = table
                .find("say")
                .map(|node| self.prompts_of(node, scope, "`say`", &table.key_span("say")).0)
                .unwrap_or_default();
            let then =
                table.find("then").map(|node| self.step_of(node, scope, "`then`", &table.key_span("then")));
            let last = number + 1 == items.len();
            if then.is_none() && (last || each_leads) && !table.meant.contains(&"then") {
                let (message, label) = if each_leads {
                    (
                        format!("an item of `{word}` does not say where the call goes"),
                        "after this the caller would hear silence",
                    )
                } else {
                    (
                        format!("the last item of `{word}` leads nowhere"),
                        "from here on the caller would be asked for ever",
                    )
                };
                self.report(Diagnostic::error(codes::LAST_ITEM, &place, message).label(label).help(
                    if each_leads {
                        "add `then: …` with the name of a step"
                    } else {
                        "add a line `- then: …` with the name of a step"
                    },
                ));
            }
            if then.is_some() && !last && !each_leads {
                let next = first_word(&items[number + 1]);
                self.report(
                    Diagnostic::warning(
                        codes::DEAD_ITEM,
                        &next,
                        format!("this item of `{word}` is never used"),
                    )
                    .label("no caller ever hears this")
                    .also(&place, "every caller leaves here")
                    .help("remove it, or take `then` from the item before it"),
                );
            }
            attempts.push(Attempt { say, then });
        }
        if items.is_empty() {
            self.shape(
                &Node { span: node.span.clone(), kind: Kind::Nothing },
                &format!("`{word}`"),
                "a list",
                head,
            );
        }
        attempts
    }

    /// One prompt or a list of them, with their places.
    pub(super) fn prompts_of(
        &mut self,
        node: &Node,
        scope: &Scope<'_>,
        what: &str,
        head: &Span,
    ) -> (Vec<PromptId>, Vec<Span>) {
        let mut prompts = Vec::new();
        let mut spans = Vec::new();
        for item in self.items(node, what, head) {
            if let Some(name) = self.text(item, what, head) {
                prompts.push(self.prompt_named(&name, scope));
                spans.push(name.span);
            }
        }
        (prompts, spans)
    }

    /// A step by its name.
    pub(super) fn step_of(&mut self, node: &Node, scope: &Scope<'_>, what: &str, head: &Span) -> StepId {
        self.step_pressed(node, scope, what, head, None)
    }

    /// A step by its name; `pressed` is the key that leads there.
    pub(super) fn step_pressed(
        &mut self,
        node: &Node,
        scope: &Scope<'_>,
        what: &str,
        head: &Span,
        pressed: Option<&str>,
    ) -> StepId {
        match self.text(node, what, head) {
            Some(name) => self.step_named(&name, scope, pressed),
            None => StepId::NOWHERE,
        }
    }
}

/// The first line of a node: where a mark stays small.
pub(super) fn first_word(node: &Node) -> Span {
    match node.entries().and_then(<[_]>::first) {
        Some(entry) => entry.key.span.clone(),
        None => super::first_line(&node.span),
    }
}
