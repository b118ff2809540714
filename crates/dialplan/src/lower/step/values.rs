//! Steps that decide and compute: `branch`, `set`; and how variables are named.

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, codes};
use crate::expression::Expression;
use crate::lower::plan::Scope;
use crate::lower::question::first_word;
use crate::lower::{Reader, Table, first_line, looks_like_name};
use crate::plan::{Action, StepId, VariablePath};
use crate::source::Span;
use crate::tree::Node;

impl Reader {
    pub(super) fn expression(&mut self, node: &Node, what: &str, head: &Span) -> Option<Expression> {
        let text = self.text(node, what, head)?;
        let exact = text.span.text() == text.text;
        match Expression::parse(&text.text, text.span.clone(), 0) {
            Ok(mut expression) => {
                if !exact {
                    // Escapes or folds moved the bytes: point at the whole.
                    expression.uses.iter_mut().for_each(|used| used.at = 0..text.span.text().len());
                }
                Some(expression)
            }
            Err(why) => {
                let assigned = text.text.contains(" = ");
                let why = if assigned { "`=` gives a value, and `==` compares".to_owned() } else { why };
                let (at, help) = if assigned {
                    let at = text.text.find(" = ").map_or(0, |at| at + 1);
                    (text.span.part(at..at + 1), format!("write `{}`", text.text.replacen(" = ", " == ", 1)))
                } else {
                    (
                        first_line(&text.span),
                        "write a comparison, for example `ticket.state == \"closed\"`".to_owned(),
                    )
                };
                self.report(
                    Diagnostic::error(codes::CONDITION, &at, format!("{what} cannot be read: {why}"))
                        .label("nobody can tell which way the caller goes")
                        .help(help),
                );
                None
            }
        }
    }

    pub(super) fn branch(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        head: &Span,
    ) -> Action {
        let mut arms = Vec::new();
        for item in self.items(node, "`branch`", head) {
            let place = first_word(item);
            let Some(arm) = self.table(item, &place, "a branch", &["when", "then"]) else { continue };
            let when = arm
                .need(self, "when", "nobody can tell who goes this way", "add `when: ` and a condition")
                .and_then(|node| self.expression(node, "this condition", &arm.key_span("when")));
            let then = arm
                .need(
                    self,
                    "then",
                    "callers of this branch would hear silence",
                    "add `then: ` and the name of a step",
                )
                .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, "`then`", &arm.key_span("then")));
            if let Some(when) = when {
                arms.push((when, then));
            }
        }
        let otherwise = table
            .need(
                self,
                "else",
                "callers for whom nothing holds would hear silence",
                "add `else: ` and the name of a step",
            )
            .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, "`else`", &table.key_span("else")));
        Action::Branch { arms, otherwise }
    }

    pub(super) fn set(&mut self, node: &Node, head: &Span) -> Action {
        let Some(entries) = node.entries() else {
            self.shape(node, "`set`", "a table of `key: value` lines", head);
            return Action::Set(Vec::new());
        };
        let mut values = Vec::new();
        for entry in entries {
            self.new_name(&entry.key, "a variable");
            if let Some(value) = self.expression(&entry.value, "this value", &entry.key.span) {
                values.push((entry.key.text.clone(), value));
            } else {
                self.tainted.push(entry.key.text.clone());
            }
        }
        Action::Set(values)
    }

    /// `name: variable` for each.
    pub(super) fn paths(&mut self, node: &Node, what: &str, head: &Span) -> IndexMap<String, VariablePath> {
        let Some(entries) = node.entries() else {
            self.shape(node, what, "a table of `key: value` lines", head);
            return IndexMap::new();
        };
        let mut paths = IndexMap::new();
        for entry in entries {
            if let Some(path) = self.path(&entry.value, what, &entry.key.span) {
                paths.insert(entry.key.text.clone(), path);
            }
        }
        paths
    }

    pub(super) fn path(&mut self, node: &Node, what: &str, head: &Span) -> Option<VariablePath> {
        let name = self.text(node, what, head)?;
        let (variable, field) = match name.text.split_once('.') {
            Some((variable, field)) => (variable, Some(field)),
            None => (name.text.as_str(), None),
        };
        if !looks_like_name(variable) || !field.is_none_or(looks_like_name) {
            let bare = name
                .text
                .trim_matches(['{', '}', ' '])
                .split('|')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            self.report(
                Diagnostic::error(
                    codes::NAME,
                    &name.span,
                    format!("a variable is expected in {what}, and `{}` is none", name.text),
                )
                .label("there would be nothing to hand over")
                .help(if looks_like_name(&bare) {
                    format!("write `{bare}` without braces")
                } else {
                    "write the name of a variable, for example `code`".into()
                }),
            );
            return None;
        }
        Some(VariablePath { variable: variable.to_owned(), field: field.map(str::to_owned), span: name.span })
    }

    pub(super) fn variable_name(&mut self, node: &Node, what: &str, head: &Span) -> String {
        let Some(name) = self.text(node, what, head) else { return String::new() };
        self.new_name(&name, "a variable");
        name.text
    }
}
