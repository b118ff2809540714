//! Steps that write, send, change the language, or run another plan.

use std::time::Duration;

use hotline_model::Language;
use indexmap::IndexMap;

use super::{FOLLOW_UP, SAVE, TEMPLATES};
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::{PlanHead, Scope};
use crate::lower::{Reader, Table, looks_like_name};
use crate::plan::{Action, FollowUp, LanguageChoice, Outcome, Save, Text, VariablePath};
use crate::source::Span;
use crate::tree::{Name, Node};

impl Reader {
    pub(super) fn word_of_record(&mut self, node: &Node, what: &str, head: &Span) -> Option<String> {
        let name = self.text(node, what, head)?;
        self.new_name(&name, what.trim_matches('`'));
        Some(name.text)
    }

    pub(super) fn save(&mut self, node: &Node, scope: &Scope<'_>, head: &Span) -> Save {
        let mut save = Save::default();
        let Some(table) = self.table(node, head, "`save`", &SAVE) else { return save };
        let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), outcome));
        save.outcome = table
            .find("outcome")
            .and_then(|node| self.word(node, "`outcome`", &outcomes, &table.key_span("outcome")));
        save.reason = table
            .find("reason")
            .and_then(|node| self.word_of_record(node, "a reason", &table.key_span("reason")));
        save.note = table
            .find("note")
            .and_then(|node| self.text(node, "`note`", &table.key_span("note")))
            .map(|name| name.text);
        if let Some(node) = table.find("tags") {
            for item in self.items(node, "`tags`", &table.key_span("tags")) {
                save.tags.extend(self.word_of_record(item, "a tag", &table.key_span("tags")));
            }
        }
        save.follow_up = table
            .find("follow-up")
            .and_then(|node| self.follow_up(node, scope, &table.key_span("follow-up")));
        save.do_not_call = table
            .find("do-not-call")
            .and_then(|node| self.flag(node, "`do-not-call`", &table.key_span("do-not-call")))
            .unwrap_or(false);
        save
    }

    pub(super) fn follow_up(&mut self, node: &Node, scope: &Scope<'_>, head: &Span) -> Option<FollowUp> {
        let promised = node
            .find("promised")
            .map(|node| self.variable_name(node, "`promised`", head))
            .filter(|name| looks_like_name(name));
        // Whatever else is wrong here, the variable is meant to be there.
        self.tainted.extend(promised.clone());
        let table = self.table(node, head, "`follow-up`", &FOLLOW_UP)?;
        let reason = table
            .need(
                self,
                "reason",
                "whoever calls back would not know why",
                "add `reason: ` and a word, for example `wants-a-person`",
            )
            .and_then(|node| self.word_of_record(node, "a reason", &table.key_span("reason")));
        let within = table
            .need(self, "within", "nobody could tell by when the caller is called back", "add `within: 24h`")
            .and_then(|node| {
                self.duration(node, "`within`", Duration::from_secs(30 * 86_400), &table.key_span("within"))
            });
        let hours = table.find("hours").and_then(|node| self.text(node, "`hours`", &table.key_span("hours")));
        if let Some(name) = &hours
            && !scope.world.calendars.contains(&name.text)
        {
            self.unknown_file(name, "calendar", codes::CALENDAR, scope.world.calendars.iter(), scope);
        }
        let note = table
            .find("note")
            .and_then(|node| self.text(node, "`note`", &table.key_span("note")))
            .map(|n| n.text);
        let follow_up =
            FollowUp { reason: reason?, within: within?, hours: hours.map(|name| name.text), promised, note };
        if let Some(name) = &follow_up.promised {
            self.tainted.retain(|tainted| tainted != name);
        }
        Some(follow_up)
    }

    /// A text message that the record knows, or a prompt of the plan as one.
    pub(super) fn message(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        head: &Span,
    ) -> Action {
        if let Some(template) = node.scalar().filter(|word| TEMPLATES.contains(word)) {
            for exit in ["refused", "failed"].into_iter().filter(|exit| table.find(exit).is_some()) {
                self.report(
                    Diagnostic::error(
                        codes::WORD,
                        &table.key_span(exit),
                        format!("`{exit}` of `message: {template}` is never taken"),
                    )
                    .label("nobody may learn whether there is a number on file")
                    .help("take it out; only a prompt of the plan as a text message has it"),
                );
            }
            return Action::Message { template: template.to_owned() };
        }
        let slip = node.scalar().filter(|word| !scope.prompts.contains_key(*word));
        if slip.is_some_and(|word| self.near(word, TEMPLATES).is_some()) {
            let templates = TEMPLATES.map(|template| (template, template));
            let template = self.word(node, "a text message", &templates, head).unwrap_or_default();
            return Action::Message { template: template.to_owned() };
        }
        Action::Text(Box::new(Text {
            prompts: self.prompts_of(node, scope, "`message`", head).0,
            refused: self.way_on(
                table,
                scope,
                "refused",
                "whoever withholds the number, or calls from a landline, would hear silence and believe it was sent",
            ),
            failed: self.way_on(
                table,
                scope,
                "failed",
                "when the text message cannot be kept the caller would hear silence",
            ),
        }))
    }

    pub(super) fn language_choice(&mut self, node: &Node, head: &Span) -> Action {
        let Some(name) = self.text(node, "`language`", head) else {
            return Action::Language(LanguageChoice::Other);
        };
        if name.text == "other" {
            return Action::Language(LanguageChoice::Other);
        }
        if let Ok(language) = name.text.parse::<Language>()
            && language.tag() == name.text
        {
            return Action::Language(LanguageChoice::Named(language));
        }
        if name.text.contains('.') {
            return match self.path(node, "`language`", head) {
                Some(path) => Action::Language(LanguageChoice::Variable(path)),
                None => Action::Language(LanguageChoice::Other),
            };
        }
        let near = Language::ALL
            .into_iter()
            .find(|l| l.tag().eq_ignore_ascii_case(&name.text) || l.tag().starts_with(name.text.as_str()));
        self.report(
            Diagnostic::error(codes::WORD, &name.span, format!("no language is called `{}`", name.text))
                .label("the caller would go on hearing the language from before")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        "write `zh-CN`, `en-US`, `other`, or a variable such as `customer.language`".into()
                    }
                }),
        );
        Action::Language(LanguageChoice::Other)
    }

    pub(super) fn call(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, head: &Span) -> Action {
        let plan = self.text(node, "`call`", head);
        let known = plan.as_ref().and_then(|name| scope.world.plans.get(&name.text));
        let with = table
            .find("with")
            .map(|node| self.paths(node, "`with`", &table.key_span("with")))
            .unwrap_or_default();
        let gives = table
            .find("gives")
            .map(|node| self.paths(node, "`gives`", &table.key_span("gives")))
            .unwrap_or_default();
        match (&plan, known) {
            (Some(name), None) => {
                self.unknown_file(name, "plan", codes::PLAN, scope.world.plans.keys(), scope)
            }
            (Some(name), Some(callee)) => {
                for language in scope.languages.iter().filter(|l| !callee.languages.contains(l)) {
                    self.report(
                        Diagnostic::error(
                            codes::SUB_LANGUAGE,
                            &name.span,
                            format!("plan `{}` does not speak {language}, and this one does", name.text),
                        )
                        .label(format!(
                            "callers who speak {} would hear another language from here on",
                            language.english_name()
                        ))
                        .help(format!(
                            "add {language} to `languages` of `{}`, with all its prompts",
                            name.text
                        )),
                    );
                }
                self.arguments(name, table, callee, &with, &gives);
            }
            _ => {}
        }
        let gives = gives.into_iter().map(|(name, path)| (name, path.variable)).collect();
        Action::Call { plan: plan.map(|name| name.text).unwrap_or_default(), with, gives }
    }

    /// Whether what is handed over is what the called plan takes and returns.
    pub(super) fn arguments(
        &mut self,
        plan: &Name,
        table: &Table<'_>,
        callee: &PlanHead,
        with: &IndexMap<String, VariablePath>,
        gives: &IndexMap<String, VariablePath>,
    ) {
        let place = |word: &str, name: &str| {
            let entries = table.find(word).and_then(Node::entries).unwrap_or_default();
            entries
                .iter()
                .find(|e| e.key.text == name)
                .map_or_else(|| plan.span.clone(), |e| e.key.span.clone())
        };
        let help = |word: &str, known: &IndexMap<String, crate::plan::Type>| {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            if names.is_empty() {
                format!("remove `{word}`")
            } else {
                format!("write `{word}: {{ {}: … }}`", names.join(": …, "))
            }
        };
        let mut strange = false;
        for (word, verb, found, known) in
            [("with", "takes", with, &callee.takes), ("gives", "returns", gives, &callee.returns)]
        {
            for name in found.keys().filter(|name| !known.contains_key(*name)) {
                strange = true;
                self.report(
                    Diagnostic::error(
                        codes::ARGUMENT,
                        &place(word, name),
                        format!("plan `{}` {verb} no `{name}`", plan.text),
                    )
                    .label(if word == "with" {
                        "this value would be handed over to nobody"
                    } else {
                        "this variable would never have a value"
                    })
                    .help(help(word, known)),
                );
            }
        }
        for name in callee.takes.keys().filter(|name| !with.contains_key(*name) && !strange) {
            self.report(
                Diagnostic::error(
                    codes::ARGUMENT,
                    &plan.span,
                    format!("plan `{}` takes `{name}`, and nobody hands it over", plan.text),
                )
                .label(format!("where that plan says `{name}` the caller would hear nothing"))
                .help(help("with", &callee.takes)),
            );
        }
    }
}
