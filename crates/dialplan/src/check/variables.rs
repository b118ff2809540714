//! Variables: their types, and whether they exist wherever they are used.

use std::collections::BTreeSet;

use hotline_model::Slot;
use indexmap::IndexMap;

use super::entities;
use super::graph::Graph;
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::expression::Expression;
use crate::lower::Reader;
use crate::lower::plan::World;
use crate::plan::{
    Action, Attempt, CallBackTo, LookupOf, Piece, Plan, PromptId, Step, TransferTo, Type, VariablePath,
};
use crate::source::Span;

type Types = IndexMap<String, Type>;

/// Exists only while a wrong entry is being answered.
pub(crate) const KEYED: &str = "keyed";

pub(super) fn check(reader: &mut Reader, plan: &Plan, world: &World, graph: &Graph, tainted: &[String]) {
    let types = types_of(reader, plan, world);
    let defined = defined_at(plan, graph);
    let mut checker = Checker { reader, plan, types, tainted, told: BTreeSet::new() };
    for (at, step) in plan.steps.iter().enumerate() {
        // Nobody comes to an unreachable step: it is told of elsewhere.
        if let Some(defined) = &defined[at] {
            checker.step(step, defined);
        }
    }
    let always = builtin_names();
    for prompt in [plan.bridge, plan.apology, plan.recording_notice].into_iter().flatten() {
        checker.prompt(prompt, &always, None);
    }
}

fn builtin_names() -> BTreeSet<String> {
    ["caller", "call"].map(str::to_owned).into()
}

/// The type of each variable of a plan.
fn types_of(reader: &mut Reader, plan: &Plan, world: &World) -> Types {
    let mut types: Types =
        [("caller".to_owned(), entities::caller()), ("call".to_owned(), entities::call())].into();
    let mut places: IndexMap<String, Span> = IndexMap::new();
    types.extend(plan.takes.iter().map(|(name, of)| (name.clone(), of.clone())));
    let mut define = |types: &mut Types, name: &str, of: Type, place: &Span| {
        let Some(known) = types.get(name) else {
            types.insert(name.to_owned(), of);
            places.insert(name.to_owned(), place.clone());
            return;
        };
        if *known != of {
            let mut diagnostic = Diagnostic::error(
                codes::TWO_TYPES,
                place,
                format!("`{name}` is {} here and {} elsewhere", of.described(), known.described()),
            )
            .label("a prompt that says it could not know how")
            .help(format!("give one of them another name, for example `{name}-2`"));
            if let Some(first) = places.get(name) {
                diagnostic = diagnostic.also(first, format!("here it is {}", known.described()));
            }
            reader.report(diagnostic);
        }
    };
    for step in &plan.steps {
        match &step.action {
            Action::Collect(collect) => define(&mut types, &collect.variable, Type::Digits, &step.span),
            Action::Survey(survey) => {
                let of = if survey.scale { Type::Number } else { Type::Choice };
                define(&mut types, &survey.name, of, &step.span);
            }
            Action::Save(save) => {
                for name in save.follow_up.iter().filter_map(|follow_up| follow_up.promised.as_ref()) {
                    define(&mut types, name, entities::promise(), &step.span);
                }
            }
            Action::Lookup(lookup) => define(&mut types, &lookup.variable, lookup.record.clone(), &step.span),
            Action::Verify(_) => define(&mut types, "ticket", entities::ticket(), &step.span),
            Action::Call { plan: callee, gives, .. } => {
                for (name, variable) in gives {
                    let of = world.plans.get(callee).and_then(|callee| callee.returns.get(name));
                    if let Some(of) = of {
                        define(&mut types, variable, of.clone(), &step.span);
                    }
                }
            }
            _ => {}
        }
    }
    // A value may rest on variables that are set further down: as many rounds as can be needed.
    let sets: Vec<&(String, Expression)> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.action {
            Action::Set(values) => Some(values),
            _ => None,
        })
        .flatten()
        .collect();
    let mut open = sets;
    while !open.is_empty() {
        let before = open.len();
        open.retain(|(name, value)| {
            let known =
                value.uses.iter().all(|used| types.contains_key(&used.variable) || used.variable == *name);
            if known {
                let inferred = value.infer(|variable, field| field_type(&types, variable, field));
                define(&mut types, name, inferred.unwrap_or(Type::Text), &value.span);
            }
            !known
        });
        if open.len() == before {
            // What is left rests on unknown variables, which are told of where they stand.
            for (name, _) in open {
                types.entry(name.clone()).or_insert(Type::Text);
            }
            break;
        }
    }
    types
}

/// The type of a value that a session holds.
pub(crate) fn type_of_value(value: &hotline_model::Value) -> Type {
    use hotline_model::Value;
    match value {
        Value::Digits(_) => Type::Digits,
        Value::Number(_) => Type::Number,
        Value::Money(_) => Type::Money,
        Value::Date(_) => Type::Date,
        Value::Time(_) => Type::Time,
        Value::Text { .. } => Type::Text,
        Value::Choice(_) => Type::Choice,
        Value::Flag(_) => Type::Flag,
        Value::Record(_) => Type::Record(Default::default()),
    }
}

fn field_type(types: &Types, variable: &str, field: Option<&str>) -> Option<Type> {
    match (types.get(variable)?, field) {
        (Type::Record(fields), Some(field)) => fields.get(field).cloned(),
        (_, Some(_)) => None,
        (of, None) => Some(of.clone()),
    }
}

/// The variables that exist on every way to each step; `None` for a step without a way.
fn defined_at(plan: &Plan, graph: &Graph) -> Vec<Option<BTreeSet<String>>> {
    let mut defined: Vec<Option<BTreeSet<String>>> = vec![None; plan.steps.len()];
    let mut first = builtin_names();
    first.extend(plan.takes.keys().cloned());
    if plan.start.0 >= defined.len() {
        return defined;
    }
    defined[plan.start.0] = Some(first);
    let mut open = vec![plan.start.0];
    while let Some(at) = open.pop() {
        let Some(here) = defined[at].clone() else { continue };
        for edge in &graph.edges[at] {
            let mut there = here.clone();
            there.extend(edge.defines.iter().cloned());
            let merged = match &defined[edge.to] {
                None => there,
                Some(known) => known.intersection(&there).cloned().collect(),
            };
            if defined[edge.to].as_ref() != Some(&merged) {
                defined[edge.to] = Some(merged);
                open.push(edge.to);
            }
        }
    }
    defined
}

struct Checker<'a> {
    reader: &'a mut Reader,
    plan: &'a Plan,
    types: Types,
    tainted: &'a [String],
    /// Places already told of: a prompt may be said by many steps.
    told: BTreeSet<(usize, &'static str)>,
}

impl Checker<'_> {
    fn step(&mut self, step: &crate::plan::Step, defined: &BTreeSet<String>) {
        for (prompt, place) in step.say.iter().zip(&step.say_spans) {
            self.prompt(*prompt, defined, Some(place));
        }
        let mut keyed = defined.clone();
        keyed.insert(KEYED.to_owned());
        match &step.action {
            Action::Collect(collect) => {
                self.prompts(&collect.question.prompt, defined, &step.span);
                self.attempts(&collect.question.no_input, defined, &step.span);
                self.attempts(&collect.question.no_match, &keyed, &step.span);
                self.attempts(&collect.slip, &keyed, &step.span);
                if let Some(confirm) = &collect.confirm {
                    keyed.insert(collect.variable.clone());
                    self.prompt(confirm.prompt, &keyed, Some(&step.span));
                }
            }
            Action::Menu(menu) => {
                self.prompts(&menu.question.prompt, defined, &step.span);
                self.read(step, defined);
                self.attempts(&menu.question.no_input, defined, &step.span);
                self.attempts(&menu.question.no_match, &keyed, &step.span);
            }
            Action::Survey(survey) => {
                self.prompts(&survey.question.prompt, defined, &step.span);
                self.read(step, defined);
                self.attempts(&survey.question.no_input, defined, &step.span);
                self.attempts(&survey.question.no_match, &keyed, &step.span);
            }
            Action::Record(record) => {
                self.prompts(&record.prompt, defined, &step.span);
                self.read(step, defined);
            }
            Action::Branch { arms, .. } => arms.iter().for_each(|(when, _)| self.expression(when, defined)),
            Action::Set(values) => {
                let mut so_far = defined.clone();
                for (name, value) in values {
                    self.expression(value, &so_far);
                    so_far.insert(name.clone());
                }
            }
            Action::Lookup(lookup) => {
                lookup.with.values().for_each(|path| self.path(path, defined, None));
                lookup
                    .meanwhile
                    .into_iter()
                    .for_each(|prompt| self.prompt(prompt, defined, Some(&step.span)));
                let told_of = match lookup.of {
                    LookupOf::Ticket => Some((
                        "a ticket is looked up before anybody proved to be its customer",
                        "whoever guesses a code would learn that it exists",
                    )),
                    LookupOf::Rebates => Some((
                        "rebates are looked up before anybody proved whose they are",
                        "whoever calls would hear what somebody else was given",
                    )),
                    LookupOf::Customer | LookupOf::Http { .. } => None,
                };
                if let Some((what, label)) = told_of.filter(|_| !defined.contains("ticket")) {
                    self.reader.report(
                        Diagnostic::error(codes::UNVERIFIED, &step.span, what)
                            .label(label)
                            .help("write `verify: ticket-result` with `with: { code: code }` instead"),
                    );
                }
            }
            Action::Verify(verify) => {
                verify.with.iter().for_each(|(_, path)| self.path(path, defined, None));
                for (_, path) in &verify.with {
                    self.expect(path, &[Type::Digits], "a factor");
                }
                verify
                    .meanwhile
                    .into_iter()
                    .for_each(|prompt| self.prompt(prompt, defined, Some(&step.span)));
                for ask in &verify.asks {
                    self.prompts(&ask.question.prompt, defined, &step.span);
                    self.attempts(&ask.question.no_input, defined, &step.span);
                    self.attempts(&ask.question.no_match, &keyed, &step.span);
                }
                self.attempts(&verify.refused, defined, &step.span);
            }
            Action::Language(crate::plan::LanguageChoice::Variable(path)) => {
                self.path(path, defined, None);
                self.expect(path, &[Type::Choice, Type::Text], "a language");
            }
            Action::Call { with, .. } => with.values().for_each(|path| self.path(path, defined, None)),
            Action::CallBack(call_back) => {
                if let CallBackTo::Variable(path) = &call_back.to {
                    self.path(path, defined, None);
                    self.expect(path, &[Type::Digits], "a number to call back");
                }
            }
            Action::Transfer(transfer) => {
                if let TransferTo::Variable(path) = &transfer.to {
                    self.path(path, defined, None);
                    self.expect(path, &[Type::Digits], "a number to dial");
                }
            }
            Action::Return(values) => values.values().for_each(|path| self.path(path, defined, None)),
            _ => {}
        }
    }

    fn expect(&mut self, path: &VariablePath, wanted: &[Type], what: &str) {
        let found = field_type(&self.types, &path.variable, path.field.as_deref());
        if let Some(found) = found
            && !wanted.contains(&found)
            && self.told.insert((path.span.start, "type"))
        {
            self.reader.report(
                Diagnostic::error(
                    codes::SLOT,
                    &path.span,
                    format!("{what} is {}, and `{}` is {}", wanted[0].name(), spelled(path), found.name()),
                )
                .label("would never be right, whatever the caller keys")
                .help("name a variable that a `collect` made"),
            );
        }
    }

    /// What stands there in writing.
    fn read(&mut self, step: &Step, defined: &BTreeSet<String>) {
        if let Some(written) = step.action.written() {
            self.prompts(&written.ask, defined, &written.span);
        }
        if let Action::Text(text) = &step.action {
            self.prompts(&text.prompts, defined, &step.span);
        }
    }

    fn prompts(&mut self, prompts: &[PromptId], defined: &BTreeSet<String>, at: &Span) {
        prompts.iter().for_each(|prompt| self.prompt(*prompt, defined, Some(at)));
    }

    fn attempts(&mut self, attempts: &[Attempt], defined: &BTreeSet<String>, at: &Span) {
        attempts.iter().for_each(|attempt| self.prompts(&attempt.say, defined, at));
    }

    /// A prompt said at `said`, where these variables exist.
    fn prompt(&mut self, id: PromptId, defined: &BTreeSet<String>, said: Option<&Span>) {
        let Some(prompt) = self.plan.prompt(id) else { return };
        for piece in prompt.texts.values().flatten() {
            if let Piece::Value { path, slot } = piece {
                self.path(path, defined, said);
                self.slot(path, slot);
            }
        }
    }

    fn expression(&mut self, expression: &Expression, defined: &BTreeSet<String>) {
        for used in &expression.uses {
            let path = VariablePath {
                variable: used.variable.clone(),
                field: used.field.clone(),
                span: expression.span.part(used.at.clone()),
            };
            self.path(&path, defined, None);
        }
        for (used, word, at) in expression.compared() {
            self.answer_compared(&used.variable, &word, &expression.span.part(at));
        }
    }

    /// A question of a survey has no other answers than its own.
    fn answer_compared(&mut self, variable: &str, word: &str, at: &Span) {
        let asked = self.plan.steps.iter().find_map(|step| match &step.action {
            Action::Survey(survey) if survey.name == variable && !survey.scale => Some((step, survey)),
            _ => None,
        });
        let Some((step, survey)) = asked else { return };
        if survey.answers.is_empty() || survey.answers.values().any(|answer| answer == word) {
            return;
        }
        let words: Vec<&str> = survey.answers.values().map(String::as_str).collect();
        if self.told.insert((at.start, "answer")) {
            self.reader.report(
                Diagnostic::error(codes::WORD, at, format!("`{variable}` is never `{word}`"))
                    .label("this would never be so, whatever the customer answers")
                    .also(&step.span, "it is asked here")
                    .help(match closest(word, words.iter().copied()) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("its answers are {}", crate::lower::list(&words, "and")),
                    }),
            );
        }
    }

    fn slot(&mut self, path: &VariablePath, slot: &Slot) {
        let of = if path.variable == KEYED && path.field.is_none() {
            Some(Type::Number)
        } else {
            field_type(&self.types, &path.variable, path.field.as_deref())
        };
        let Some(of) = of else { return };
        if of.fits(slot) || !self.told.insert((path.span.start, "slot")) {
            return;
        }
        let name = spelled(path);
        let help = match of.usual_slot() {
            Some(usual) => format!("write {{{{ {name} | {usual} }}}}"),
            None if matches!(of, Type::Record(_)) => {
                let (field, usual) = field_to_say(&of, slot);
                format!("say one of its fields, for example {{{{ {name}.{field} | {usual} }}}}")
            }
            None => "decide in a step: `branch:` with one prompt for each case".into(),
        };
        self.reader.report(
            Diagnostic::error(
                codes::SLOT,
                &path.span,
                format!("`{name}` is {} and cannot be said as {}", of.name(), slot.name()),
            )
            .label("the caller would hear nothing in this place")
            .help(help),
        );
    }

    /// A variable used where `defined` exist; in a prompt said at `said`.
    fn path(&mut self, path: &VariablePath, defined: &BTreeSet<String>, said: Option<&Span>) {
        let name = &path.variable;
        if self.tainted.contains(name) {
            return;
        }
        if name == KEYED {
            if !defined.contains(KEYED) && self.told.insert((path.span.start, "keyed")) {
                let diagnostic = Diagnostic::error(
                    codes::UNASSIGNED,
                    &path.span,
                    "`keyed` exists only where a wrong entry is answered",
                )
                .label("nothing has been keyed here, so there is no number to say")
                .help("say this prompt under `no-match:` or `slip:`, or name the variable of a `collect`");
                self.reader.report(match said {
                    Some(said) => diagnostic.also(said, "it is said here"),
                    None => diagnostic,
                });
            }
            return;
        }
        let Some(of) = self.types.get(name) else {
            self.unknown(path);
            return;
        };
        if let Some(field) = &path.field {
            self.field(path, field, &of.clone());
        }
        if !defined.contains(name) && self.told.insert((path.span.start, "defined")) {
            let (label, help) = match name.as_str() {
                "ticket" => (
                    "there is no ticket yet on some way to this place: the caller would hear nothing",
                    "lead here from the exit `passed` of a `verify`",
                ),
                "customer" => (
                    "nobody has looked the customer up on some way to this place",
                    "lead here from the exit `found` of `lookup: customer`",
                ),
                _ => (
                    "has no value yet on some way to this place: the caller would hear nothing",
                    "give it a value before, with `collect` or `set`",
                ),
            };
            let diagnostic = Diagnostic::error(
                codes::UNASSIGNED,
                &path.span,
                format!("`{name}` is used where it may not exist yet"),
            )
            .label(label)
            .help(help);
            self.reader.report(match said {
                Some(said) => diagnostic.also(said, "said here, where it may not exist"),
                None => diagnostic,
            });
        }
    }

    fn unknown(&mut self, path: &VariablePath) {
        let name = &path.variable;
        if !self.told.insert((path.span.start, "unknown")) {
            return;
        }
        let known: Vec<&str> = self.types.keys().map(String::as_str).collect();
        let near = self.reader.near(name, known.iter().copied());
        let is_step = self.plan.find_step(name).map(|step| ("a step", &step.span));
        let is_prompt = self.plan.find_prompt(name).map(|prompt| ("a prompt", &prompt.span));
        let diagnostic = match is_step.or(is_prompt) {
            Some((kind, span)) => Diagnostic::error(
                codes::KIND,
                &path.span,
                format!("a variable is expected here, and `{name}` is {kind}"),
            )
            .label("has no value that could be used")
            .also(span, format!("{kind} is defined here")),
            None => Diagnostic::error(codes::VARIABLE, &path.span, format!("no variable is called `{name}`"))
                .label("there is no value in this place: the caller would hear nothing"),
        };
        let rest = path.field.as_ref().map(|field| format!(".{field}")).unwrap_or_default();
        self.reader.report(diagnostic.help(match near {
            Some(near) => format!("did you mean `{near}{rest}`?"),
            None => format!("the variables of this plan are {}", crate::lower::list(&known, "and")),
        }));
    }

    fn field(&mut self, path: &VariablePath, field: &str, of: &Type) {
        let Type::Record(fields) = of else {
            if self.told.insert((path.span.start, "field")) {
                self.reader.report(
                    Diagnostic::error(
                        codes::FIELD,
                        &path.span,
                        format!("`{}` is {} and has no fields", path.variable, of.name()),
                    )
                    .label("there is no value in this place: the caller would hear nothing")
                    .help(format!("write `{}`", path.variable)),
                );
            }
            return;
        };
        if fields.contains_key(field) || !self.told.insert((path.span.start, "field")) {
            return;
        }
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        let at = path.variable.len() + 1;
        let span = path.span.part(at..at + field.len());
        self.reader.report(
            Diagnostic::error(codes::FIELD, &span, format!("`{}` has no field `{field}`", path.variable))
                .label("there is no value in this place: the caller would hear nothing")
                .help(match closest(field, names.iter().copied()) {
                    Some(near) => format!("did you mean `{}.{near}`?", path.variable),
                    None => format!("its fields are {}", crate::lower::list(&names, "and")),
                }),
        );
    }
}

fn spelled(path: &VariablePath) -> String {
    match &path.field {
        Some(field) => format!("{}.{field}", path.variable),
        None => path.variable.clone(),
    }
}

/// A field that can be said in this way, or else the first one in its own.
fn field_to_say<'a>(of: &'a Type, slot: &Slot) -> (&'a str, &'a str) {
    let Type::Record(fields) = of else { return ("field", "text") };
    let field = fields.iter().find(|(_, of)| of.fits(slot)).or_else(|| fields.first());
    field.map_or(("field", "text"), |(name, of)| (name, of.usual_slot().unwrap_or("text")))
}
