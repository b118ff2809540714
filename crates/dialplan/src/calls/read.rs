//! Reading call scripts: checked like plans.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{CallerNumber, Fields, Language, TicketState, Value};
use indexmap::IndexMap;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::{Act, AgentDoes, CallScript, CallScripts, Expected};
use crate::check::entities;
use crate::diagnostic::{self, Diagnostic, closest, codes};
use crate::lower::{Reader, Table, inner};
use crate::plan::{Outcome, Type};
use crate::plans::Plans;
use crate::session::NotThrough;
use crate::simulation::{
    Database, MemoryRecord, SimulatedCallBack, SimulatedQueue, SimulatedText, SimulatedTicket,
    SimulatedTransfer,
};
use crate::source::{SourceFile, Span};
use crate::tree::{self, Entry, Name, Node};

pub(crate) const SCRIPT: [&str; 3] = ["plan", "zone", "calls"];
pub(crate) const CALL: [&str; 9] =
    ["name", "from", "we-call", "about", "dialled", "at", "given", "caller", "record"];
pub(crate) const GIVEN: [&str; 10] = [
    "ticket",
    "rebate",
    "customer",
    "attempts",
    "database",
    "web",
    "queue",
    "transfer",
    "call-back",
    "text-message",
];
pub(crate) const TICKET: [&str; 8] =
    ["code", "last-four", "state", "expired", "result", "category", "reference", "changed-on"];
pub(crate) const RECORD: [&str; 13] = [
    "outcome",
    "reason",
    "wrong-attempts",
    "follow-up",
    "due",
    "tag",
    "message",
    "recorded",
    "language",
    "answers",
    "recording",
    "do-not-call",
    "call-back",
];
pub(crate) const QUEUE: [&str; 2] = ["place", "wait"];
const ACTS: [&str; 6] =
    ["says nothing", "hangs up", "the call ends", "agent answers", "agent hangs up", "agent is lost"];
pub(crate) const ACT: [&str; 5] = ["hears", "keys", "waits", "speaks", "place"];
const ATTEMPTS: [&str; 5] = ["by-caller", "on-ticket", "by-withheld", "by-all", "attempts-by-all"];

impl CallScripts {
    /// Reads a `*.calls.yaml`; `None` if it has errors.
    pub fn load(path: &str, text: &str, plans: &Plans) -> (Option<Self>, Vec<Diagnostic>) {
        let file = SourceFile::new(path, text);
        let (root, mut found) = tree::parse(
            &file,
            ("no call would be played", "begin with `plan: ` and the name of the plan that is called"),
        );
        let mut reader = Reader::default();
        let scripts = root.and_then(|root| reader.scripts(&root, &file, plans));
        found.append(&mut reader.found);
        let sound = !found.iter().any(Diagnostic::is_error);
        (scripts.filter(|_| sound), diagnostic::arrange(found))
    }
}

impl Reader {
    fn scripts(&mut self, root: &Node, file: &Arc<SourceFile>, plans: &Plans) -> Option<CallScripts> {
        let whole = file.span(0..file.line(1).end);
        let table = self.table(root, &whole, "a file of call scripts", &SCRIPT)?;
        let plan = table
            .need(
                self,
                "plan",
                "nobody could tell which plan these callers reach",
                "begin with `plan: ` and the plan's name",
            )
            .and_then(|node| self.text(node, "`plan`", &table.key_span("plan")))?;
        if plans.find_plan(&plan.text).is_none() {
            let names: Vec<&str> = plans.plans().map(|plan| plan.name.as_str()).collect();
            let near = closest(&plan.text, names.iter().copied());
            self.report(
                Diagnostic::error(codes::PLAN, &plan.span, format!("no plan is called `{}`", plan.text))
                    .label("these callers would reach nobody")
                    .help(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("the plans are {}", crate::lower::list(&names, "and")),
                    }),
            );
        }
        let zone = table
            .find("zone")
            .and_then(|node| self.text(node, "`zone`", &table.key_span("zone")))
            .and_then(|name| self.zone(&name))
            .unwrap_or(TimeZone::UTC);
        let node = table.need(self, "calls", "nobody calls", "add `calls:` with a list of calls")?;
        let mut calls = Vec::new();
        for item in self.items(node, "`calls`", &table.key_span("calls")) {
            calls.extend(self.script(item, &zone, plans, &plan.text));
        }
        Some(CallScripts { file: Arc::clone(file), plan: plan.text, calls })
    }

    fn script(&mut self, node: &Node, zone: &TimeZone, plans: &Plans, plan: &str) -> Option<CallScript> {
        let head = node
            .entries()
            .and_then(<[_]>::first)
            .map_or_else(|| crate::lower::first_line(&node.span), |e| e.key.span.clone());
        let table = self.table(node, &head, "a call", &CALL)?;
        let name = table
            .need(
                self,
                "name",
                "nobody could tell which call failed",
                "add `name: ` and what the call proves",
            )
            .and_then(|node| self.text(node, "`name`", &table.key_span("name")));
        let from = self.other_end(&table);
        let given = self.told_of(&table, plans.find_plan(plan).map(|plan| &plan.takes));
        let at = table.find("at").and_then(|node| self.moment(node, &table.key_span("at"), zone));
        let at = at.or_else(|| DateTime::constant(2026, 11, 20, 10, 0, 0, 0).to_zoned(zone.clone()).ok())?;
        let dialled =
            table.find("dialled").and_then(|node| self.digits(node, "`dialled`", &table.key_span("dialled")));
        let mut record = MemoryRecord::default();
        if let Some(node) = table.find("given") {
            for item in self.items(node, "`given`", &table.key_span("given")) {
                self.given(item, &mut record);
            }
        }
        let mut acts = Vec::new();
        let node = table.need(
            self,
            "caller",
            "the caller does nothing",
            "add `caller:` with a list of what is heard and keyed",
        );
        for item in
            node.map(|node| self.items(node, "`caller`", &table.key_span("caller"))).unwrap_or_default()
        {
            acts.extend(self.act(item, plans, plan));
        }
        let expected = match table.find("record") {
            Some(node) => self.expected(node, &table.key_span("record")),
            None => Vec::new(),
        };
        let name = name?;
        let dialled = dialled.map(|name| name.text).unwrap_or_default();
        Some(CallScript { name: name.text, from, dialled, at, record, given, acts, expected })
    }

    /// The number of whoever calls, or is called.
    fn other_end(&mut self, table: &Table<'_>) -> CallerNumber {
        let we_call = table.find("we-call").is_some();
        if we_call && table.find("from").is_some() {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span("from"),
                    "a call comes `from` somebody, or `we-call` them",
                )
                .label("nobody can tell who calls whom")
                .also(&table.key_span("we-call"), "here we call")
                .help("remove one of them"),
            );
        }
        let word = if we_call { "we-call" } else { "from" };
        let text =
            table.find(word).and_then(|node| self.text(node, &format!("`{word}`"), &table.key_span(word)));
        let Some(text) = text else { return CallerNumber::Withheld };
        if text.text == "withheld" && !we_call {
            return CallerNumber::Withheld;
        }
        let number = CallerNumber::parse(&text.text.replace(' ', ""));
        if matches!(number, CallerNumber::Withheld) {
            let message = format!("`{}` is no telephone number", text.text);
            let diagnostic = Diagnostic::error(codes::CIVIL, &text.span, message);
            self.report(if we_call {
                diagnostic.label("nobody can be called at it").help("write it as \"+86 138 0013 8000\"")
            } else {
                diagnostic
                    .label("nobody can call from it")
                    .help("write it as \"+86 138 0013 8000\", or `withheld`")
            });
        }
        number
    }

    /// What the plan takes: told of the ticket that a call of ours is about.
    fn told_of(&mut self, table: &Table<'_>, takes: Option<&IndexMap<String, Type>>) -> Fields {
        let mut given = Fields::new();
        let Some(takes) = takes else { return given };
        if let Some(node) = table.find("about") {
            let of = Type::Record(Arc::new(takes.clone()));
            given = self.fields(node, "`about`", &table.key_span("about"), &of);
        }
        let named = table.find("about").and_then(Node::entries).unwrap_or_default();
        // A name that was meant is told of where it stands.
        let meant = |text: &str, name: &str| text == name || closest(text, [name]).is_some();
        let names = takes.keys().map(String::as_str);
        let missing: Vec<&str> =
            names.filter(|name| !named.iter().any(|e| meant(&e.key.text, name))).collect();
        if let Some(first) = missing.first() {
            let place =
                if table.find("about").is_some() { table.key_span("about") } else { table.head().clone() };
            self.report(
                Diagnostic::error(
                    codes::ARGUMENT,
                    &place,
                    format!("the plan takes `{first}`, and this call does not tell it"),
                )
                .label(format!("where the plan says `{first}` the caller would hear nothing"))
                .help(format!("write `about: {{ {}: … }}`", missing.join(": …, "))),
            );
        }
        given
    }

    fn moment(&mut self, node: &Node, head: &Span, zone: &TimeZone) -> Option<jiff::Zoned> {
        let text = self.text(node, "`at`", head)?;
        let moment = DateTime::strptime("%Y-%m-%d %H:%M", &text.text)
            .ok()
            .and_then(|at| at.to_zoned(zone.clone()).ok());
        if moment.is_none() {
            self.report(
                Diagnostic::error(codes::CIVIL, &text.span, format!("`{}` is no moment", text.text))
                    .label("nobody can tell when this call comes in")
                    .help("write `2026-11-20 10:00`"),
            );
        }
        moment
    }

    fn given(&mut self, node: &Node, record: &mut MemoryRecord) {
        let head = crate::lower::first_line(&node.span);
        let Some(table) = self.table(node, &head, "an item of `given`", &GIVEN) else { return };
        if let Some(node) = table.find("ticket") {
            record.tickets.extend(self.given_ticket(node, &table.key_span("ticket")));
        }
        if let Some(node) = table.find("rebate") {
            let head = table.key_span("rebate");
            record.rebates.push(self.fields(node, "a rebate", &head, &entities::rebate()));
        }
        if let Some(node) = table.find("customer") {
            record.customer =
                Some(self.fields(node, "`customer`", &table.key_span("customer"), &entities::customer()));
        }
        if let Some(node) = table.find("database") {
            record.database = self.database(node, &table.key_span("database")).unwrap_or(record.database);
        }
        if let Some(node) = table.find("attempts")
            && let Some(attempts) = self.table(node, &table.key_span("attempts"), "`attempts`", &ATTEMPTS)
        {
            let mut count = |word: &str| {
                let node = attempts.find(word)?;
                self.count(node, &format!("`{word}`"), 0..=1_000_000, &attempts.key_span(word))
                    .map(|n| n as u32)
            };
            record.counters.by_caller = count("by-caller").unwrap_or(0);
            record.counters.by_withheld = count("by-withheld").unwrap_or(0);
            record.counters.by_all = count("by-all").unwrap_or(0);
            record.counters.attempts_by_all = count("attempts-by-all").unwrap_or(0);
            if let Some(on_ticket) = count("on-ticket") {
                record.on_ticket.extend(record.tickets.iter().map(|ticket| (ticket.code.clone(), on_ticket)));
            }
        }
        if let Some(node) = table.find("queue") {
            record.queue = self.given_queue(node, &table.key_span("queue")).unwrap_or_default();
        }
        if let Some(node) = table.find("transfer") {
            let words = [
                ("answers", SimulatedTransfer::Answers),
                ("busy", SimulatedTransfer::Fails(NotThrough::Busy)),
                ("no-answer", SimulatedTransfer::Fails(NotThrough::NoAnswer)),
                ("failed", SimulatedTransfer::Fails(NotThrough::Failed)),
            ];
            record.transfer =
                self.word(node, "`transfer`", &words, &table.key_span("transfer")).unwrap_or_default();
        }
        if let Some(node) = table.find("call-back") {
            let words = [
                ("kept", SimulatedCallBack::Kept),
                ("refused", SimulatedCallBack::Refused),
                ("failed", SimulatedCallBack::Failed),
            ];
            record.call_back =
                self.word(node, "`call-back`", &words, &table.key_span("call-back")).unwrap_or_default();
        }
        if let Some(node) = table.find("text-message") {
            let words = [
                ("sent", SimulatedText::Sent),
                ("refused", SimulatedText::Refused),
                ("failed", SimulatedText::Failed),
            ];
            record.text_message = self
                .word(node, "`text-message`", &words, &table.key_span("text-message"))
                .unwrap_or_default();
        }
        if let Some(node) = table.find("web")
            && let Some(web) = self.table(node, &table.key_span("web"), "`web`", &["url", "answer"])
        {
            let url = web.find("url").and_then(|node| self.text(node, "`url`", &web.key_span("url")));
            let answer = web.find("answer").and_then(Node::entries).map(|entries| {
                let value = |node: &Node| node.scalar().map(Value::text).unwrap_or(Value::Flag(false));
                entries.iter().map(|entry| (entry.key.text.clone(), value(&entry.value))).collect::<Fields>()
            });
            record.web.extend(url.map(|url| (url.text, answer)));
        }
    }

    /// `nobody`, `closed`, `failed`, or `{ place: 2, wait: 5min }`.
    fn given_queue(&mut self, node: &Node, head: &Span) -> Option<SimulatedQueue> {
        if node.entries().is_none() {
            let words = [
                ("nobody", SimulatedQueue::Nobody),
                ("closed", SimulatedQueue::Closed),
                ("failed", SimulatedQueue::Failed),
                ("open", SimulatedQueue::Open { place: 0, wait: None }),
            ];
            return self.word(node, "`queue`", &words, head);
        }
        let table = self.table(node, head, "`queue`", &QUEUE)?;
        let place = table
            .find("place")
            .and_then(|node| self.count(node, "`place`", 1..=1_000, &table.key_span("place")))
            .map_or(1, |place| u32::try_from(place).unwrap_or(u32::MAX));
        let wait = table.find("wait").and_then(|node| {
            self.duration(node, "`wait`", Duration::from_secs(6 * 3_600), &table.key_span("wait"))
        });
        Some(SimulatedQueue::Open { place, wait })
    }

    fn database(&mut self, node: &Node, head: &Span) -> Option<Database> {
        match node.scalar() {
            Some("away") => Some(Database::Away),
            Some("silent") => Some(Database::Silent),
            _ => self.duration(node, "`database`", Duration::from_secs(60), head).map(Database::Answers),
        }
    }

    fn given_ticket(&mut self, node: &Node, head: &Span) -> Option<SimulatedTicket> {
        let table = self.table(node, head, "a ticket", &TICKET)?;
        let mut digits = |word: &'static str, label: &str, help: &str| {
            table
                .need(self, word, label, help)
                .and_then(|node| self.digits(node, &format!("`{word}`"), &table.key_span(word)))
        };
        let code = digits("code", "no caller could key it", "add `code: \"407192865\"`");
        let last_four = digits("last-four", "no caller could pass", "add `last-four: \"8000\"`");
        let states = [TicketState::Open, TicketState::Closed, TicketState::Cancelled]
            .map(|state| (state.word(), state));
        let state = table
            .find("state")
            .and_then(|node| self.word(node, "`state`", &states, &table.key_span("state")));
        let expired =
            table.find("expired").and_then(|node| self.flag(node, "`expired`", &table.key_span("expired")));
        let mut fields = Fields::new();
        for word in ["result", "category", "reference", "changed-on"] {
            let Some(node) = table.find(word) else { continue };
            let Some(text) = self.text(node, &format!("`{word}`"), &table.key_span(word)) else { continue };
            let value = match text.text.parse::<Date>() {
                Ok(date) if word == "changed-on" => Value::Date(date),
                _ => Value::text(text.text),
            };
            fields.insert(word.to_owned(), value);
        }
        let state = state.unwrap_or(TicketState::Closed);
        fields.insert("state".to_owned(), Value::Choice(state.word().to_owned()));
        Some(SimulatedTicket {
            code: code?.text,
            last_four: last_four?.text,
            state,
            expired: expired.unwrap_or(false),
            fields,
        })
    }

    fn fields(&mut self, node: &Node, what: &str, head: &Span, of: &Type) -> Fields {
        let Type::Record(known) = of else { return Fields::new() };
        let mut fields = Fields::new();
        let Some(entries) = node.entries() else {
            self.shape(node, what, "a table of `key: value` lines", head);
            return fields;
        };
        for entry in entries {
            let name = &entry.key.text;
            let Some(of) = known.get(name) else {
                let names: Vec<&str> = known.keys().map(String::as_str).collect();
                self.report(
                    Diagnostic::error(codes::FIELD, &entry.key.span, format!("{what} has no field `{name}`"))
                        .label("no plan could use it")
                        .help(match closest(name, names.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("its fields are {}", crate::lower::list(&names, "and")),
                        }),
                );
                continue;
            };
            let value = match of {
                Type::Flag => self.flag(&entry.value, &format!("`{name}`"), &entry.key.span).map(Value::Flag),
                _ => self.typed_value(&entry.value, &format!("`{name}`"), &entry.key.span, of),
            };
            fields.extend(value.map(|value| (name.clone(), value)));
        }
        fields
    }

    /// A value of a type, written as a designer would.
    fn typed_value(&mut self, node: &Node, what: &str, head: &Span, of: &Type) -> Option<Value> {
        if *of == Type::Digits {
            return self.digits(node, what, head).map(|digits| Value::Digits(digits.text));
        }
        let text = self.text(node, what, head)?;
        let read = of.value(&text.text);
        let example = match of {
            Type::Number => "3",
            Type::Money => "98.50",
            Type::Time => "\"14:30\"",
            _ => "2026-11-20",
        };
        if read.is_none() {
            self.report(
                Diagnostic::error(
                    codes::CIVIL,
                    &text.span,
                    format!("{what} is {}, and `{}` is none", of.described(), text.text),
                )
                .label("no plan could use it")
                .help(format!("write `{example}`")),
            );
        }
        read
    }

    fn act(&mut self, node: &Node, plans: &Plans, plan: &str) -> Option<Act> {
        const DOES: &str = "write `hears: …`, `keys: \"…\"`, `waits: 5s`, `speaks: 5s`, `says nothing`, `hangs up`, or `the call ends`";
        match node.scalar() {
            Some("says nothing") => return Some(Act::SaysNothing(inner(node))),
            Some("hangs up") => return Some(Act::HangsUp),
            Some("the call ends") => return Some(Act::CallEnds(inner(node))),
            Some("agent answers") => return Some(Act::Agent(AgentDoes::Answers, inner(node))),
            Some("agent hangs up") => return Some(Act::Agent(AgentDoes::HangsUp, inner(node))),
            Some("agent is lost") => return Some(Act::Agent(AgentDoes::IsLost, inner(node))),
            Some(other) => {
                let near = closest(other, ACTS);
                self.report(
                    Diagnostic::error(codes::WORD, &inner(node), format!("no caller does `{other}`"))
                        .label("cannot be acted")
                        .help(near.map_or_else(|| DOES.to_owned(), |near| format!("did you mean `{near}`?"))),
                );
                return None;
            }
            None => {}
        }
        let head = crate::lower::first_line(&node.span);
        let table = self.table(node, &head, "an item of `caller`", &ACT)?;
        if let Some(node) = table.find("place") {
            let place = self.count(node, "`place`", 1..=1_000, &table.key_span("place"))?;
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            return Some(Act::Agent(AgentDoes::MovesUp(place), inner(node)));
        }
        if let Some(node) = table.find("hears") {
            return Some(Act::Hears(self.prompts_heard(node, &table, plans, plan)));
        }
        if let Some(node) = table.find("keys") {
            let keys = self.digits(node, "`keys`", &table.key_span("keys"))?;
            if keys.text.is_empty() || !keys.text.chars().all(crate::lower::is_key) {
                self.report(crate::lower::no_such_key(&keys, "what callers press"));
                return None;
            }
            return Some(Act::Keys(keys));
        }
        if let Some(node) = table.find("speaks") {
            let most = Duration::from_secs(600);
            let length = self.duration(node, "`speaks`", most, &table.key_span("speaks"))?;
            return Some(Act::Speaks(length, inner(node)));
        }
        let node = table.find("waits")?;
        self.duration(node, "`waits`", Duration::from_secs(3_600), &table.key_span("waits")).map(Act::Waits)
    }

    fn prompts_heard(&mut self, node: &Node, table: &Table<'_>, plans: &Plans, plan: &str) -> Vec<Name> {
        let mut names = Vec::new();
        let known: Vec<&str> = plans
            .plans()
            .flat_map(|plan| plan.prompts.iter().map(|prompt| prompt.name.as_str()))
            .chain(["announcement"])
            .collect();
        for item in self.items(node, "`hears`", &table.key_span("hears")) {
            let Some(name) = self.text(item, "`hears`", &table.key_span("hears")) else { continue };
            if !known.contains(&name.text.as_str()) {
                let own = plans
                    .find_plan(plan)
                    .map(|plan| plan.prompts.iter().map(|p| p.name.as_str()).collect::<Vec<_>>());
                let near = closest(&name.text, own.unwrap_or_default());
                self.report(
                    Diagnostic::error(
                        codes::PROMPT,
                        &name.span,
                        format!("no prompt is called `{}`", name.text),
                    )
                    .label("no caller could ever hear this")
                    .help(match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "name a prompt of the plan".to_owned(),
                    }),
                );
            }
            names.push(name);
        }
        names
    }

    /// The answers to questions of a survey: these and no others.
    fn answers_given(&mut self, entry: &Entry) -> Option<Expected> {
        let Some(entries) = entry.value.entries() else {
            self.shape(&entry.value, "`answers`", "a table of `key: value` lines", &entry.key.span);
            return None;
        };
        let mut answers = BTreeMap::new();
        for entry in entries {
            let answer = self.text(&entry.value, &format!("`{}`", entry.key.text), &entry.key.span)?;
            answers.insert(entry.key.text.clone(), answer.text);
        }
        Some(Expected::Answers(answers))
    }

    fn expected(&mut self, node: &Node, head: &Span) -> Vec<(Name, Expected)> {
        let mut expected = Vec::new();
        let Some(table) = self.table(node, head, "`record`", &RECORD) else { return expected };
        let outcomes = Outcome::ALL.map(|outcome| (outcome.word(), outcome));
        let languages = Language::ALL.map(|language| (language.tag(), language));
        for entry in node.entries().unwrap_or_default() {
            let word = entry.key.text.as_str();
            let value = match word {
                "outcome" => self
                    .word(&entry.value, "`outcome`", &outcomes, &entry.key.span)
                    .map(|o| Expected::Word(o.word().to_owned())),
                "language" => self
                    .word(&entry.value, "`language`", &languages, &entry.key.span)
                    .map(|l| Expected::Word(l.tag().to_owned())),
                "recorded" | "do-not-call" | "call-back" => self
                    .flag(&entry.value, &format!("`{word}`"), &entry.key.span)
                    .map(|flag| Expected::Word(flag.to_string())),
                "answers" if entry.value.scalar() != Some("none") => self.answers_given(entry),
                "wrong-attempts" => self
                    .count(&entry.value, "`wrong-attempts`", 0..=1_000, &entry.key.span)
                    .map(Expected::Count),
                _ if RECORD.contains(&word) => self
                    .text(&entry.value, &format!("`{word}`"), &entry.key.span)
                    .map(|text| Expected::Word(text.text)),
                _ => None,
            };
            let name = Name { text: word.to_owned(), span: inner(&entry.value) };
            expected.extend(value.map(|value| (name, value)));
        }
        let _ = table;
        expected
    }
}
