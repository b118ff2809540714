//! Steps that ask somebody: `lookup`, `verify`, `hours`.

use std::time::Duration;

use hotline_model::verification::Factor;

use super::LONGEST_LOOKUP;
use crate::check::entities;
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::Scope;
use crate::lower::{Reader, Table, inner, list};
use crate::plan::{Action, AskFactor, Lookup, LookupOf, PromptId, Question, StepId, VariablePath, Verify};
use crate::source::Span;
use crate::tree::{Name, Node};

impl Reader {
    pub(super) fn deadline(&mut self, table: &Table<'_>) -> Duration {
        table
            .need_as(
                self,
                codes::NO_DEADLINE,
                "within",
                "if no answer comes the caller would wait in silence",
                "add `within: 3s`",
            )
            .and_then(|node| self.duration(node, "`within`", LONGEST_LOOKUP, &table.key_span("within")))
            .unwrap_or(Duration::from_secs(3))
    }

    pub(super) fn meanwhile(&mut self, table: &Table<'_>, scope: &Scope<'_>) -> Option<PromptId> {
        let node = table.find("meanwhile")?;
        let name = self.text(node, "`meanwhile`", &table.key_span("meanwhile"))?;
        Some(self.prompt_named(&name, scope))
    }

    pub(super) fn exit(
        &mut self,
        table: &Table<'_>,
        scope: &Scope<'_>,
        word: &'static str,
        label: &str,
    ) -> StepId {
        table
            .need_as(self, codes::NO_DEADLINE, word, label, &format!("add `{word}: ` and the name of a step"))
            .map_or(StepId::NOWHERE, |node| {
                self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word))
            })
    }

    pub(super) fn lookup(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        step: &Name,
    ) -> Action {
        let head = table.key_span("lookup");
        let known = [("customer", 0), ("ticket", 1), ("http", 2), ("rebates", 3)];
        let kind = self.word(node, "what is looked up", &known, &head);
        let with = table
            .find("with")
            .map(|node| self.paths(node, "`with`", &table.key_span("with")))
            .unwrap_or_default();
        let (of, variable, record) = match kind {
            Some(2) => {
                let url = table
                    .need(self, "url", "nobody would be asked", "add `url: https://…`")
                    .and_then(|node| self.text(node, "`url`", &table.key_span("url")));
                let url = url.map(|url| self.url(&url)).unwrap_or_default();
                let variable = table
                    .need(self, "as", "the answer would have no name", "add `as: ` and a name for the answer")
                    .map(|node| self.variable_name(node, "`as`", &table.key_span("as")))
                    .unwrap_or_default();
                let fields = table
                    .find("fields")
                    .map(|node| self.typed(node, "fields", &table.key_span("fields")))
                    .unwrap_or_default();
                (LookupOf::Http { url }, variable, crate::plan::Type::Record(fields.into()))
            }
            Some(1) => (LookupOf::Ticket, "ticket".to_owned(), entities::ticket()),
            Some(3) => (LookupOf::Rebates, "rebate".to_owned(), entities::rebate()),
            _ => (LookupOf::Customer, "customer".to_owned(), entities::customer()),
        };
        if kind != Some(2) {
            for word in ["url", "as", "fields"] {
                if table.find(word).is_some() {
                    self.report(
                        Diagnostic::error(
                            codes::UNKNOWN_KEY,
                            &table.key_span(word),
                            format!("`{word}` belongs to `lookup: http` only"),
                        )
                        .label("nothing would come of this line")
                        .help("remove it"),
                    );
                }
            }
        }
        let within = self.deadline(table);
        let meanwhile = self.meanwhile(table, scope);
        let _ = step;
        Action::Lookup(Box::new(Lookup {
            of,
            variable,
            record,
            with,
            within,
            meanwhile,
            found: self.exit(table, scope, "found", "callers who are found would hear silence"),
            empty: self.exit(table, scope, "empty", "callers of whom nothing is known would hear silence"),
            late: self.exit(
                table,
                scope,
                "late",
                "when the answer takes too long the caller would hear silence",
            ),
            failed: self.exit(table, scope, "failed", "when nobody answers the caller would hear silence"),
        }))
    }

    pub(super) fn url(&mut self, url: &Name) -> String {
        let rest = url.text.strip_prefix("https://").or_else(|| url.text.strip_prefix("http://"));
        let sound = rest.is_some_and(|rest| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c))
                && !rest.contains(['{', '}', ' '])
        });
        if !sound {
            self.report(
                Diagnostic::error(
                    codes::ALLOWED,
                    &url.span,
                    format!("`{}` is no address that a plan may ask", url.text),
                )
                .label("nobody would be asked, and the caller would go to `failed`")
                .help("write a fixed address, and hand values over by `with: { code: code }`"),
            );
        }
        url.text.clone()
    }

    pub(super) fn verify(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        step: &Name,
    ) -> Action {
        let head = table.key_span("verify");
        let policy = self.text(node, "`verify`", &head);
        let known = policy.as_ref().and_then(|name| scope.world.policies.get(&name.text));
        if let Some(name) = &policy
            && known.is_none()
        {
            self.unknown_file(name, "policy", codes::POLICY, scope.world.policies.keys(), scope);
        }
        let with = self.factors(table);
        let (first_digit, inter_digit) = self.times(table);
        let mut list = |word: &'static str| {
            table
                .find(word)
                .map(|node| self.attempt_list(node, word, scope, &table.key_span(word), false))
                .unwrap_or_default()
        };
        let (no_input, no_match) = (list("no-input"), list("no-match"));
        let mut asks = Vec::new();
        if let Some(Some(known)) = known {
            for asked in
                known.factors.iter().filter(|asked| !with.iter().any(|(factor, _)| *factor == asked.factor))
            {
                let prompt = asked.ask.as_deref().and_then(|ask| scope.prompts.get_index_of(ask));
                if prompt.is_none() {
                    self.cannot_ask(&head, &inner(node), &known.policy, asked, scope);
                }
                let question = Question {
                    prompt: prompt.map(PromptId).into_iter().collect(),
                    first_digit,
                    inter_digit,
                    no_input: no_input.clone(),
                    no_match: no_match.clone(),
                };
                asks.push(AskFactor { factor: asked.factor, length: asked.length as usize, question });
            }
            for (factor, path) in &with {
                if !known.factors.iter().any(|asked| asked.factor == *factor) {
                    self.report(
                        Diagnostic::error(
                            codes::FACTOR,
                            &path.span,
                            format!("policy `{}` does not ask for `{}`", known.policy, factor.name()),
                        )
                        .label("what the caller keyed for it would be thrown away")
                        .help("remove it from `with`, or add the factor to the policy's file"),
                    );
                }
            }
        }
        let within = self.deadline(table);
        let meanwhile = self.meanwhile(table, scope);
        let refused = table
            .need_as(
                self,
                codes::NO_DEADLINE,
                "refused",
                "callers with a wrong code would hear silence",
                "add `refused:` with a step, or a list of `say` and `then`",
            )
            .map(|node| self.attempt_list(node, "refused", scope, &table.key_span("refused"), true))
            .unwrap_or_default();
        let _ = step;
        Action::Verify(Box::new(Verify {
            policy: policy.map(|name| name.text).unwrap_or_default(),
            with,
            asks,
            within,
            meanwhile,
            passed: self.exit(table, scope, "passed", "callers with the right code would hear silence"),
            pending: self.exit(
                table,
                scope,
                "pending",
                "callers whose ticket is not settled would hear silence",
            ),
            refused,
            late: self.exit(
                table,
                scope,
                "late",
                "when the answer takes too long the caller would hear silence",
            ),
            failed: self.exit(
                table,
                scope,
                "failed",
                "when the record is away the caller would hear silence",
            ),
        }))
    }

    pub(super) fn cannot_ask(
        &mut self,
        head: &Span,
        name: &Span,
        policy: &str,
        asked: &hotline_model::verification::AskedFactor,
        scope: &Scope<'_>,
    ) {
        let factor = asked.factor.name();
        let diagnostic = match &asked.ask {
            Some(ask) => {
                let asks = scope.world.policy_asks.get(policy);
                let place = asks.and_then(|asks| asks.iter().find(|(known, _)| known == ask));
                let diagnostic = Diagnostic::error(codes::FACTOR, name, format!("policy `{policy}` asks for `{factor}` with the prompt `{ask}`, and this plan has none"))
                    .label("the caller would hear silence and not know what to key")
                    .help(format!("add `{ask}:` under `prompts:`"));
                match place {
                    Some((_, span)) => diagnostic.also(span, "the policy names the prompt here"),
                    None => diagnostic,
                }
            }
            None => Diagnostic::error(
                codes::FACTOR,
                name,
                format!("nobody asks for `{factor}`, which policy `{policy}` wants"),
            )
            .label("no caller could ever pass")
            .help(format!(
                "hand it over with `with: {{ {factor}: … }}`, or name a prompt in the policy's `ask`"
            )),
        };
        let _ = head;
        self.report(diagnostic);
    }

    pub(super) fn factors(&mut self, table: &Table<'_>) -> Vec<(Factor, VariablePath)> {
        let Some(node) = table.find("with") else { return Vec::new() };
        let Some(entries) = node.entries() else {
            self.shape(node, "`with`", "a table of `key: value` lines", &table.key_span("with"));
            return Vec::new();
        };
        let known = [Factor::Code, Factor::LastFour];
        let mut with = Vec::new();
        for entry in entries {
            let Some(factor) = known.into_iter().find(|factor| factor.name() == entry.key.text) else {
                self.report(
                    Diagnostic::error(
                        codes::WORD,
                        &entry.key.span,
                        format!("no factor is called `{}`: code and last-four are known", entry.key.text),
                    )
                    .label("no policy would look at it")
                    .help("write `code: …` or `last-four: …`"),
                );
                continue;
            };
            if let Some(path) = self.path(&entry.value, "`with`", &entry.key.span) {
                with.push((factor, path));
            }
        }
        with
    }

    /// Reports a policy, calendar or plan that no file defines.
    pub(super) fn unknown_file<'w>(
        &mut self,
        name: &Name,
        kind: &str,
        code: crate::diagnostic::Code,
        known: impl Iterator<Item = &'w String> + Clone,
        scope: &Scope<'_>,
    ) {
        let folder = match kind {
            "policy" => "dialplans/policies/",
            "calendar" => "dialplans/calendars/",
            _ => "dialplans/",
        };
        if let Some(step) = scope.steps.get(&name.text) {
            self.report(
                Diagnostic::error(
                    codes::KIND,
                    &name.span,
                    format!("a {kind} is expected here, and `{}` is a step", name.text),
                )
                .label("the call could not go on here")
                .also(step, "the step is here")
                .help(match kind {
                    "queue" => "name a queue of dialplans/queues.yaml".to_owned(),
                    _ => format!("name a file in {folder} without `.yaml`"),
                }),
            );
            return;
        }
        let near = self.near(&name.text, known.clone().map(String::as_str));
        let names: Vec<&str> = known.map(String::as_str).take(8).collect();
        let add = match kind {
            "queue" => format!("add `{}:` under `queues:` in dialplans/queues.yaml", name.text),
            _ => format!("add the file {folder}{}.yaml", name.text),
        };
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => add,
            None => format!("known are {}; or {add}", list(&names, "and")),
        };
        self.report(
            Diagnostic::error(code, &name.span, format!("no {kind} is called `{}`", name.text))
                .label("the call could not go on here")
                .help(help),
        );
    }

    pub(super) fn hours(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>) -> Action {
        let name = self.text(node, "`hours`", &table.key_span("hours"));
        if let Some(name) = &name
            && !scope.world.calendars.contains(&name.text)
        {
            self.unknown_file(name, "calendar", codes::CALENDAR, scope.world.calendars.iter(), scope);
        }
        let mut exit = |word: &'static str, label: &str| {
            table
                .need(self, word, label, &format!("add `{word}: ` and the name of a step"))
                .map_or(StepId::NOWHERE, |node| {
                    self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word))
                })
        };
        let open = exit("open", "callers would hear silence while you are open");
        let closed = exit("closed", "callers would hear silence while you are closed");
        let holiday = match table.find("holiday") {
            Some(node) => self.step_of(node, scope, "`holiday`", &table.key_span("holiday")),
            None => closed,
        };
        Action::Hours { calendar: name.map(|name| name.text).unwrap_or_default(), open, closed, holiday }
    }
}
