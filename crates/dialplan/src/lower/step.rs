//! One step: its verb, and what goes with it.

use std::time::Duration;

use hotline_model::Language;
use hotline_model::verification::Factor;
use indexmap::IndexMap;

use super::plan::Scope;
use super::question::{Asking, first_word};
use super::{Reader, Table, inner, is_key};
use crate::check::entities;
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::expression::Expression;
use crate::plan::{
    Action, AskFactor, Collect, Confirm, FollowUp, LanguageChoice, Lookup, LookupOf, Menu, Outcome, Pace, Pattern,
    PromptId, Question, Save, Step, StepId, VariablePath, Verify,
};
use crate::source::Span;
use crate::tree::{Entry, Kind, Name, Node};

/// Every verb with the words that may stand beside it, besides `say` and `pace`.
pub(crate) const VERBS: [(&str, &[&str]); 15] = [
    (
        "collect",
        &[
            "prompt", "length", "min", "max", "end-key", "pattern", "check-digit", "slip", "secret", "confirm",
            "first-digit", "inter-digit", "no-input", "no-match", "then", "keys",
        ],
    ),
    ("menu", &[]),
    ("branch", &["else"]),
    ("set", &["then"]),
    ("lookup", &["url", "with", "as", "fields", "within", "meanwhile", "found", "empty", "late", "failed"]),
    (
        "verify",
        &["with", "within", "meanwhile", "first-digit", "inter-digit", "no-input", "no-match", "passed", "pending", "refused", "late", "failed"],
    ),
    ("hours", &["open", "closed", "holiday"]),
    ("save", &["then"]),
    ("message", &["then"]),
    ("language", &["then"]),
    ("call", &["with", "gives", "then"]),
    ("repeat", &[]),
    ("return", &[]),
    ("hangup", &[]),
    ("say", &["then"]),
];

/// The words of a `menu`.
pub(crate) const MENU: [&str; 6] = ["prompt", "keys", "first-digit", "inter-digit", "no-input", "no-match"];

/// Text messages that a plan may send: to the number on file, never to another.
const TEMPLATES: [&str; 1] = ["code-again"];

const LONGEST_LOOKUP: Duration = Duration::from_secs(10);

impl Reader {
    /// A step.
    pub(super) fn step(&mut self, entry: &Entry, scope: &Scope<'_>) -> Step {
        let name = &entry.key;
        self.new_name(name, "a step");
        let mut step = Step {
            name: name.text.clone(),
            span: name.span.clone(),
            say: Vec::new(),
            say_spans: Vec::new(),
            pace: Pace::Normal,
            action: Action::Say,
            then: None,
            skippable: false,
        };
        let Some(entries) = entry.value.entries() else {
            self.shape(&entry.value, &format!("step `{}`", name.text), "a table of `key: value` lines", &name.span);
            step.action = Action::Hangup(Outcome::Failed);
            return step;
        };
        let verbs: Vec<&Entry> =
            entries.iter().filter(|e| VERBS.iter().any(|(verb, _)| *verb == e.key.text && *verb != "say")).collect();
        if let [first, second, ..] = verbs.as_slice() {
            self.report(
                Diagnostic::error(codes::VERB, &second.key.span, format!("step `{}` does two things: `{}` and `{}`", name.text, first.key.text, second.key.text))
                    .label("nobody can tell which of them the caller gets")
                    .also(&first.key.span, "the first one is here")
                    .help(format!("make a step of its own for `{}`, and lead there with `then`", second.key.text)),
            );
            step.action = Action::Hangup(Outcome::Failed);
            return step;
        }
        let verb = verbs.first().map(|e| e.key.text.as_str()).or_else(|| entry.value.find("say").map(|_| "say"));
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
            .chain(["say", "pace"].into_iter().filter(|word| *word != verb))
            .chain(beside.iter().copied())
            .collect();
        let what = format!("step `{}`", name.text);
        let Some(table) = self.table(&entry.value, &name.span, &what, &known) else { return step };
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
                .need(self, "then", "after this the caller would hear silence", "add `then: ` and the name of the next step")
                .map(|node| self.step_of(node, scope, "`then`", &table.key_span("then")))
                .or(Some(StepId::NOWHERE));
        }
        if let (Action::Collect(collect), Some(then)) = (&mut step.action, step.then) {
            collect.then = then;
        }
        step
    }

    fn no_verb(&mut self, name: &Name, entries: &[Entry]) {
        let words = VERBS.iter().map(|(verb, _)| *verb);
        let near = entries.iter().find_map(|e| closest(&e.key.text, words.clone()).map(|near| (e, near)));
        match near {
            Some((entry, near)) => self.report(
                Diagnostic::error(codes::UNKNOWN_KEY, &entry.key.span, format!("step `{}` has no word `{}`", name.text, entry.key.text))
                    .label("nothing would come of this line")
                    .help(format!("did you mean `{near}`?")),
            ),
            None => self.report(
                Diagnostic::error(codes::VERB, &name.span, format!("step `{}` does not say what it does", name.text))
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
            "branch" => self.branch(node, table, scope, &head),
            "set" => self.set(node, &head),
            "lookup" => self.lookup(node, table, scope, step),
            "verify" => self.verify(node, table, scope, step),
            "hours" => self.hours(node, table, scope),
            "save" => Action::Save(self.save(node, &head)),
            "message" => self.message(node, &head),
            "language" => self.language_choice(node, &head),
            "call" => self.call(node, table, scope, &head),
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

    fn variable_name(&mut self, node: &Node, what: &str, head: &Span) -> String {
        let Some(name) = self.text(node, what, head) else { return String::new() };
        self.new_name(&name, "a variable");
        name.text
    }

    fn collect(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, step: &Name) -> Action {
        let variable = self.variable_name(node, "`collect`", &table.key_span("collect"));
        let question = self.question(table, scope, &Asking { verb: "collect", step: &step.text });
        let mut count = |word: &'static str| {
            let node = table.find(word)?;
            self.count(node, &format!("`{word}`"), 1..=64, &table.key_span(word))
        };
        let (length, min, max) = (count("length"), count("min"), count("max"));
        let pattern = table.find("pattern").and_then(|node| self.pattern(node, &table.key_span("pattern")));
        let end_key = table.find("end-key").and_then(|node| self.key(node, "`end-key`", &table.key_span("end-key")));
        let (low, high) = match (length, min, max, &pattern) {
            (Some(length), ..) => (length, length),
            (None, None, None, Some(pattern)) => (pattern.0.len(), pattern.0.len()),
            (None, min, max, _) => (min.unwrap_or(1), max.unwrap_or_else(|| min.unwrap_or(1).max(20))),
        };
        if table.find("length").is_some() && (table.find("min").is_some() || table.find("max").is_some()) {
            let word = if table.find("min").is_some() { "min" } else { "max" };
            self.report(
                Diagnostic::error(codes::RANGE, &table.key_span(word), format!("`{word}` contradicts `length`"))
                    .label("nobody can tell how many keys the caller may press")
                    .also(&table.key_span("length"), "this asks for one length only")
                    .help(format!("keep `length` alone, or write `min` and `max` without it; remove `{word}`")),
            );
        } else if low > high {
            self.report(
                Diagnostic::error(codes::RANGE, &table.key_span("min"), format!("`min` is {low} and `max` is {high}: no entry is long enough and short enough"))
                    .label("whatever the caller keys would be wrong")
                    .also(&table.key_span("max"), "no more than this may be keyed")
                    .help(format!("write `min: {high}` and `max: {low}`")),
            );
        } else if table.find("length").is_none() && table.find("max").is_none() && table.find("pattern").is_none() && table.find("end-key").is_none() && !table.meant.contains(&"length") {
            self.report(
                Diagnostic::warning(codes::RANGE, table.head(), format!("collect `{}` does not say how many keys it takes", step.text))
                    .label("callers would always wait for the pause at the end")
                    .help("add `length: …`, or `max: …`, or `end-key: \"#\"`"),
            );
        }
        let mut flag = |word: &'static str| {
            table.find(word).and_then(|node| self.flag(node, &format!("`{word}`"), &table.key_span(word))).unwrap_or(false)
        };
        let (check_digit, secret) = (flag("check-digit"), flag("secret"));
        let slip = table
            .find("slip")
            .map(|node| self.attempt_list(node, "slip", scope, &table.key_span("slip"), false))
            .unwrap_or_default();
        let confirm = table.find("confirm").and_then(|node| self.confirm(node, table, scope));
        let keys = match table.find("keys") {
            Some(node) => self.keys_alone(node, "`keys`", &table.key_span("keys"), scope),
            None => IndexMap::new(),
        };
        Action::Collect(Box::new(Collect {
            variable,
            question,
            min: low,
            max: high,
            end_key,
            keys,
            pattern,
            check_digit,
            slip,
            secret,
            confirm,
            then: StepId::NOWHERE,
        }))
    }

    /// Single keys to steps.
    pub(super) fn keys_alone(&mut self, node: &Node, what: &str, head: &Span, scope: &Scope<'_>) -> IndexMap<char, StepId> {
        let mut keys = IndexMap::new();
        let Some(entries) = node.entries() else {
            self.shape(node, what, "a table of `key: value` lines", head);
            return keys;
        };
        for entry in entries {
            let mut pressed = entry.key.text.chars();
            match (pressed.next(), pressed.next()) {
                (Some(key), None) if is_key(key) => {
                    let to = self.step_pressed(&entry.value, scope, &format!("key {key}"), &entry.key.span, Some(&entry.key.text));
                    keys.insert(key, to);
                }
                _ if entry.key.text.contains(['“', '”']) => {
                    self.report(crate::tree::quotes(&entry.key.span, entry.key.text.trim_matches(['“', '”'])));
                }
                _ => self.report(super::no_such_key(&entry.key, "what callers press")),
            }
        }
        keys
    }

    fn confirm(&mut self, node: &Node, outer: &Table<'_>, scope: &Scope<'_>) -> Option<Confirm> {
        let table = self.table(node, &outer.key_span("confirm"), "`confirm`", &["prompt", "yes", "no"])?;
        let prompt = table
            .need(self, "prompt", "the caller would not hear what was keyed", "add `prompt: …` that reads back the answer")
            .and_then(|node| self.text(node, "`prompt`", &table.key_span("prompt")))
            .map_or(PromptId::NONE, |name| self.prompt_named(&name, scope));
        let mut key = |word: &'static str, usual: char| {
            table.find(word).and_then(|node| self.key(node, &format!("`{word}`"), &table.key_span(word))).unwrap_or(usual)
        };
        let (yes, no) = (key("yes", '1'), key("no", '2'));
        if yes == no {
            self.report(
                Diagnostic::error(codes::RANGE, &table.key_span("no"), format!("`yes` and `no` are both key {yes}"))
                    .label("callers could not say no")
                    .help("give them two keys, for example yes: \"1\" and no: \"2\""),
            );
        }
        Some(Confirm { prompt, yes, no })
    }

    fn pattern(&mut self, node: &Node, head: &Span) -> Option<Pattern> {
        let text = self.digits(node, "`pattern`", head)?;
        match read_pattern(&text.text) {
            Some(places) if (1..=64).contains(&places.len()) => Some(Pattern(places)),
            _ => {
                self.report(
                    Diagnostic::error(codes::PATTERN, &text.span, format!("`{}` is no pattern of keys", text.text))
                        .label("whatever the caller keys would be wrong")
                        .help("write digits, `?` for any digit, `[1-5]` for a range, for example \"1[3-9]?????????\""),
                );
                None
            }
        }
    }

    fn menu(&mut self, node: &Node, scope: &Scope<'_>, step: &Name) -> Action {
        let empty = Menu {
            question: Question {
                prompt: Vec::new(),
                first_digit: super::question::FIRST_DIGIT,
                inter_digit: super::question::INTER_DIGIT,
                no_input: Vec::new(),
                no_match: Vec::new(),
            },
            keys: IndexMap::new(),
        };
        let Some(table) = self.table(node, &step.span, &format!("menu `{}`", step.text), &MENU) else {
            return Action::Menu(Box::new(empty));
        };
        let question = self.question(&table, scope, &Asking { verb: "menu", step: &step.text });
        let mut keys = IndexMap::new();
        let mut spans: Vec<(String, Span)> = Vec::new();
        let node = table.need(self, "keys", "whatever the caller presses would be wrong", "add `keys:` with lines as `\"1\": a-step`");
        match node.map(|node| (node, node.entries())) {
            Some((_, Some(entries))) => {
                for entry in entries {
                    let text = &entry.key.text;
                    if text.is_empty() || text.len() > 8 || !text.chars().all(is_key) {
                        if text.contains(['“', '”']) {
                            self.report(crate::tree::quotes(&entry.key.span, text.trim_matches(['“', '”'])));
                        } else {
                            self.report(super::no_such_key(&entry.key, "what callers press"));
                        }
                        continue;
                    }
                    let target = self.step_pressed(&entry.value, scope, &format!("key {text}"), &entry.key.span, Some(text));
                    keys.insert(text.clone(), target);
                    spans.push((text.clone(), entry.key.span.clone()));
                }
            }
            Some((node, None)) => self.shape(node, "`keys`", "a table of `key: value` lines", &table.key_span("keys")),
            None => {}
        }
        if table.find("inter-digit").is_none() {
            self.prefixes(&spans);
        }
        Action::Menu(Box::new(Menu { question, keys }))
    }

    fn prefixes(&mut self, spans: &[(String, Span)]) {
        for (short, span) in spans {
            if let Some((long, other)) = spans.iter().find(|(long, _)| long != short && long.starts_with(short.as_str())) {
                self.report(
                    Diagnostic::warning(codes::PREFIX, span, format!("`{short}` is the beginning of `{long}` in the same menu"))
                        .label(format!("callers who press {short} would wait {} in silence before anything happens", super::words::spell(super::question::INTER_DIGIT)))
                        .also(other, "this one begins with it")
                        .help("add `inter-digit: 1s` to the menu, or choose keys that do not begin alike"),
                );
            }
        }
    }

    fn expression(&mut self, node: &Node, what: &str, head: &Span) -> Option<Expression> {
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
                    (super::first_line(&text.span), "write a comparison, for example `ticket.state == \"closed\"`".to_owned())
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

    fn branch(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, head: &Span) -> Action {
        let mut arms = Vec::new();
        for item in self.items(node, "`branch`", head) {
            let place = first_word(item);
            let Some(arm) = self.table(item, &place, "a branch", &["when", "then"]) else { continue };
            let when = arm
                .need(self, "when", "nobody can tell who goes this way", "add `when: ` and a condition")
                .and_then(|node| self.expression(node, "this condition", &arm.key_span("when")));
            let then = arm
                .need(self, "then", "callers of this branch would hear silence", "add `then: ` and the name of a step")
                .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, "`then`", &arm.key_span("then")));
            if let Some(when) = when {
                arms.push((when, then));
            }
        }
        let otherwise = table
            .need(self, "else", "callers for whom nothing holds would hear silence", "add `else: ` and the name of a step")
            .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, "`else`", &table.key_span("else")));
        Action::Branch { arms, otherwise }
    }

    fn set(&mut self, node: &Node, head: &Span) -> Action {
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
    fn paths(&mut self, node: &Node, what: &str, head: &Span) -> IndexMap<String, VariablePath> {
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

    fn path(&mut self, node: &Node, what: &str, head: &Span) -> Option<VariablePath> {
        let name = self.text(node, what, head)?;
        let (variable, field) = match name.text.split_once('.') {
            Some((variable, field)) => (variable, Some(field)),
            None => (name.text.as_str(), None),
        };
        if !super::looks_like_name(variable) || !field.is_none_or(super::looks_like_name) {
            let bare = name.text.trim_matches(['{', '}', ' ']).split('|').next().unwrap_or_default().trim().to_owned();
            self.report(
                Diagnostic::error(codes::NAME, &name.span, format!("a variable is expected in {what}, and `{}` is none", name.text))
                    .label("there would be nothing to hand over")
                    .help(if super::looks_like_name(&bare) { format!("write `{bare}` without braces") } else { "write the name of a variable, for example `code`".into() }),
            );
            return None;
        }
        Some(VariablePath { variable: variable.to_owned(), field: field.map(str::to_owned), span: name.span })
    }

    fn deadline(&mut self, table: &Table<'_>) -> Duration {
        table
            .need_as(self, codes::NO_DEADLINE, "within", "if no answer comes the caller would wait in silence", "add `within: 3s`")
            .and_then(|node| self.duration(node, "`within`", LONGEST_LOOKUP, &table.key_span("within")))
            .unwrap_or(Duration::from_secs(3))
    }

    fn meanwhile(&mut self, table: &Table<'_>, scope: &Scope<'_>) -> Option<PromptId> {
        let node = table.find("meanwhile")?;
        let name = self.text(node, "`meanwhile`", &table.key_span("meanwhile"))?;
        Some(self.prompt_named(&name, scope))
    }

    fn exit(&mut self, table: &Table<'_>, scope: &Scope<'_>, word: &'static str, label: &str) -> StepId {
        table
            .need_as(self, codes::NO_DEADLINE, word, label, &format!("add `{word}: ` and the name of a step"))
            .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word)))
    }

    fn lookup(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, step: &Name) -> Action {
        let head = table.key_span("lookup");
        let known = [("customer", 0), ("ticket", 1), ("http", 2)];
        let kind = self.word(node, "what is looked up", &known, &head);
        let with = table.find("with").map(|node| self.paths(node, "`with`", &table.key_span("with"))).unwrap_or_default();
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
                let fields = table.find("fields").map(|node| self.typed(node, "fields", &table.key_span("fields"))).unwrap_or_default();
                (LookupOf::Http { url }, variable, crate::plan::Type::Record(fields.into()))
            }
            Some(1) => (LookupOf::Ticket, "ticket".to_owned(), entities::ticket()),
            _ => (LookupOf::Customer, "customer".to_owned(), entities::customer()),
        };
        if kind != Some(2) {
            for word in ["url", "as", "fields"] {
                if table.find(word).is_some() {
                    self.report(
                        Diagnostic::error(codes::UNKNOWN_KEY, &table.key_span(word), format!("`{word}` belongs to `lookup: http` only"))
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
            late: self.exit(table, scope, "late", "when the answer takes too long the caller would hear silence"),
            failed: self.exit(table, scope, "failed", "when nobody answers the caller would hear silence"),
        }))
    }

    fn url(&mut self, url: &Name) -> String {
        let rest = url.text.strip_prefix("https://").or_else(|| url.text.strip_prefix("http://"));
        let sound = rest.is_some_and(|rest| {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c)) && !rest.contains(['{', '}', ' '])
        });
        if !sound {
            self.report(
                Diagnostic::error(codes::ALLOWED, &url.span, format!("`{}` is no address that a plan may ask", url.text))
                    .label("nobody would be asked, and the caller would go to `failed`")
                    .help("write a fixed address, and hand values over by `with: { code: code }`"),
            );
        }
        url.text.clone()
    }

    fn verify(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, step: &Name) -> Action {
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
            table.find(word).map(|node| self.attempt_list(node, word, scope, &table.key_span(word), false)).unwrap_or_default()
        };
        let (no_input, no_match) = (list("no-input"), list("no-match"));
        let mut asks = Vec::new();
        if let Some(Some(known)) = known {
            for asked in known.factors.iter().filter(|asked| !with.iter().any(|(factor, _)| *factor == asked.factor)) {
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
                        Diagnostic::error(codes::FACTOR, &path.span, format!("policy `{}` does not ask for `{}`", known.policy, factor.name()))
                            .label("what the caller keyed for it would be thrown away")
                            .help("remove it from `with`, or add the factor to the policy's file"),
                    );
                }
            }
        }
        let within = self.deadline(table);
        let meanwhile = self.meanwhile(table, scope);
        let refused = table
            .need_as(self, codes::NO_DEADLINE, "refused", "callers with a wrong code would hear silence", "add `refused:` with a step, or a list of `say` and `then`")
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
            pending: self.exit(table, scope, "pending", "callers whose ticket is not settled would hear silence"),
            refused,
            late: self.exit(table, scope, "late", "when the answer takes too long the caller would hear silence"),
            failed: self.exit(table, scope, "failed", "when the record is away the caller would hear silence"),
        }))
    }

    fn cannot_ask(
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
            None => Diagnostic::error(codes::FACTOR, name, format!("nobody asks for `{factor}`, which policy `{policy}` wants"))
                .label("no caller could ever pass")
                .help(format!("hand it over with `with: {{ {factor}: … }}`, or name a prompt in the policy's `ask`")),
        };
        let _ = head;
        self.report(diagnostic);
    }

    fn factors(&mut self, table: &Table<'_>) -> Vec<(Factor, VariablePath)> {
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
                    Diagnostic::error(codes::WORD, &entry.key.span, format!("no factor is called `{}`: code and last-four are known", entry.key.text))
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
    fn unknown_file<'w>(
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
                Diagnostic::error(codes::KIND, &name.span, format!("a {kind} is expected here, and `{}` is a step", name.text))
                    .label("the call could not go on here")
                    .also(step, "the step is here")
                    .help(format!("name a file in {folder} without `.yaml`")),
            );
            return;
        }
        let near = closest(&name.text, known.clone().map(String::as_str));
        let names: Vec<&str> = known.map(String::as_str).take(8).collect();
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => format!("add the file {folder}{}.yaml", name.text),
            None => format!("known are {}; or add the file {folder}{}.yaml", super::list(&names, "and"), name.text),
        };
        self.report(
            Diagnostic::error(code, &name.span, format!("no {kind} is called `{}`", name.text))
                .label("the call could not go on here")
                .help(help),
        );
    }

    fn hours(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>) -> Action {
        let name = self.text(node, "`hours`", &table.key_span("hours"));
        if let Some(name) = &name
            && !scope.world.calendars.contains(&name.text)
        {
            self.unknown_file(name, "calendar", codes::CALENDAR, scope.world.calendars.iter(), scope);
        }
        let mut exit = |word: &'static str, label: &str| {
            table
                .need(self, word, label, &format!("add `{word}: ` and the name of a step"))
                .map_or(StepId::NOWHERE, |node| self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word)))
        };
        let open = exit("open", "callers would hear silence while you are open");
        let closed = exit("closed", "callers would hear silence while you are closed");
        let holiday = match table.find("holiday") {
            Some(node) => self.step_of(node, scope, "`holiday`", &table.key_span("holiday")),
            None => closed,
        };
        Action::Hours { calendar: name.map(|name| name.text).unwrap_or_default(), open, closed, holiday }
    }

    fn word_of_record(&mut self, node: &Node, what: &str, head: &Span) -> Option<String> {
        let name = self.text(node, what, head)?;
        self.new_name(&name, what.trim_matches('`'));
        Some(name.text)
    }

    fn save(&mut self, node: &Node, head: &Span) -> Save {
        let mut save = Save::default();
        let Some(table) = self.table(node, head, "`save`", &["outcome", "reason", "note", "tags", "follow-up"]) else {
            return save;
        };
        let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), outcome));
        save.outcome = table.find("outcome").and_then(|node| self.word(node, "`outcome`", &outcomes, &table.key_span("outcome")));
        save.reason = table.find("reason").and_then(|node| self.word_of_record(node, "a reason", &table.key_span("reason")));
        save.note = table.find("note").and_then(|node| self.text(node, "`note`", &table.key_span("note"))).map(|name| name.text);
        if let Some(node) = table.find("tags") {
            for item in self.items(node, "`tags`", &table.key_span("tags")) {
                save.tags.extend(self.word_of_record(item, "a tag", &table.key_span("tags")));
            }
        }
        save.follow_up = table.find("follow-up").and_then(|node| self.follow_up(node, &table.key_span("follow-up")));
        save
    }

    fn follow_up(&mut self, node: &Node, head: &Span) -> Option<FollowUp> {
        let table = self.table(node, head, "`follow-up`", &["reason", "within", "note"])?;
        let reason = table
            .need(self, "reason", "whoever calls back would not know why", "add `reason: ` and a word, for example `wants-a-person`")
            .and_then(|node| self.word_of_record(node, "a reason", &table.key_span("reason")));
        let within = table
            .need(self, "within", "nobody could tell by when the caller is called back", "add `within: 24h`")
            .and_then(|node| self.duration(node, "`within`", Duration::from_secs(30 * 86_400), &table.key_span("within")));
        let note = table.find("note").and_then(|node| self.text(node, "`note`", &table.key_span("note"))).map(|n| n.text);
        Some(FollowUp { reason: reason?, within: within?, note })
    }

    fn message(&mut self, node: &Node, head: &Span) -> Action {
        let templates = TEMPLATES.map(|template| (template, template));
        let template = self.word(node, "a text message", &templates, head).unwrap_or_default();
        Action::Message { template: template.to_owned() }
    }

    fn language_choice(&mut self, node: &Node, head: &Span) -> Action {
        let Some(name) = self.text(node, "`language`", head) else { return Action::Language(LanguageChoice::Other) };
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
        let near = Language::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(&name.text) || l.tag().starts_with(name.text.as_str()));
        self.report(
            Diagnostic::error(codes::WORD, &name.span, format!("no language is called `{}`", name.text))
                .label("the caller would go on hearing the language from before")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "write `zh-CN`, `en-US`, `other`, or a variable such as `customer.language`".into(),
                }),
        );
        Action::Language(LanguageChoice::Other)
    }

    fn call(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, head: &Span) -> Action {
        let plan = self.text(node, "`call`", head);
        let known = plan.as_ref().and_then(|name| scope.world.plans.get(&name.text));
        let with = table.find("with").map(|node| self.paths(node, "`with`", &table.key_span("with"))).unwrap_or_default();
        let gives = table.find("gives").map(|node| self.paths(node, "`gives`", &table.key_span("gives"))).unwrap_or_default();
        match (&plan, known) {
            (Some(name), None) => self.unknown_file(name, "plan", codes::PLAN, scope.world.plans.keys(), scope),
            (Some(name), Some(callee)) => {
                for language in scope.languages.iter().filter(|l| !callee.languages.contains(l)) {
                    self.report(
                        Diagnostic::error(codes::SUB_LANGUAGE, &name.span, format!("plan `{}` does not speak {language}, and this one does", name.text))
                            .label(format!("callers who hear {language} would hear another language from here on"))
                            .help(format!("add {language} to `languages` of `{}`, with all its prompts", name.text)),
                    );
                }
                self.arguments(name, table, callee, &with, &gives);
            }
            _ => {}
        }
        let gives = gives.into_iter().map(|(name, path)| (name, path.variable)).collect();
        Action::Call { plan: plan.map(|name| name.text).unwrap_or_default(), with, gives }
    }
}

impl Reader {
    /// Whether what is handed over is what the called plan takes and returns.
    fn arguments(
        &mut self,
        plan: &Name,
        table: &Table<'_>,
        callee: &super::plan::PlanHead,
        with: &IndexMap<String, VariablePath>,
        gives: &IndexMap<String, VariablePath>,
    ) {
        let place = |word: &str, name: &str| {
            let entries = table.find(word).and_then(Node::entries).unwrap_or_default();
            entries.iter().find(|e| e.key.text == name).map_or_else(|| plan.span.clone(), |e| e.key.span.clone())
        };
        let help = |word: &str, known: &IndexMap<String, crate::plan::Type>| {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            if names.is_empty() { format!("remove `{word}`") } else { format!("write `{word}: {{ {}: … }}`", names.join(": …, ")) }
        };
        let mut strange = false;
        for (word, verb, found, known) in [("with", "takes", with, &callee.takes), ("gives", "returns", gives, &callee.returns)] {
            for name in found.keys().filter(|name| !known.contains_key(*name)) {
                strange = true;
                self.report(
                    Diagnostic::error(codes::ARGUMENT, &place(word, name), format!("plan `{}` {verb} no `{name}`", plan.text))
                        .label(if word == "with" { "would be handed over to nobody" } else { "would never have a value" })
                        .help(help(word, known)),
                );
            }
        }
        for name in callee.takes.keys().filter(|name| !with.contains_key(*name) && !strange) {
            self.report(
                Diagnostic::error(codes::ARGUMENT, &plan.span, format!("plan `{}` takes `{name}`, and nobody hands it over", plan.text))
                    .label(format!("where that plan says `{name}` the caller would hear nothing"))
                    .help(help("with", &callee.takes)),
            );
        }
    }
}

/// Reads `1[3-9]?*#`: one set of keys for each place.
fn read_pattern(text: &str) -> Option<Vec<Vec<char>>> {
    let mut places = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '?' => places.push(('0'..='9').collect()),
            '[' => {
                let set: String = rest.by_ref().take_while(|&c| c != ']').collect();
                let mut keys = Vec::new();
                let chars: Vec<char> = set.chars().collect();
                let mut at = 0;
                while at < chars.len() {
                    if at + 2 < chars.len() && chars[at + 1] == '-' {
                        let (from, to) = (chars[at], chars[at + 2]);
                        if !from.is_ascii_digit() || !to.is_ascii_digit() || from > to {
                            return None;
                        }
                        keys.extend(from..=to);
                        at += 3;
                    } else if is_key(chars[at]) {
                        keys.push(chars[at]);
                        at += 1;
                    } else {
                        return None;
                    }
                }
                if keys.is_empty() || !text.contains(']') {
                    return None;
                }
                places.push(keys);
            }
            key if is_key(key) => places.push(vec![key]),
            _ => return None,
        }
    }
    // An opening bracket without its end swallowed the rest.
    (text.matches('[').count() == text.matches(']').count()).then_some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_lists_of_places() {
        let mobile = Pattern(read_pattern("1[3-9]?").unwrap());
        assert!(mobile.fits("138") && !mobile.fits("128") && !mobile.fits("1380"));
        for text in ["1[3", "[]", "a", "[9-1]", "1]"] {
            assert_eq!(read_pattern(text), None, "{text}");
        }
    }
}
