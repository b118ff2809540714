//! `dialplans/queues.yaml`: where callers wait for whom.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_model::Language;
use indexmap::IndexMap;

use super::Reader;
use super::plan::{PlanHead, QueueHead, World};
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::plan::Type;
use crate::plans::{Queue, QueueStrategy};
use crate::recordings::Recordings;
use crate::source::Span;
use crate::tree::{Entry, Name, Node};

pub(crate) const KNOWN: [&str; 1] = ["queues"];

pub(crate) const QUEUE: [&str; 13] = [
    "name",
    "strategy",
    "skills",
    "ring",
    "wrap-up",
    "wrap-up-reasons",
    "longest-wait",
    "keep-place",
    "last-agent-wait",
    "hours",
    "while-waiting",
    "call-back",
    "music",
];

const STRATEGIES: [(&str, QueueStrategy); 3] = [
    ("longest-idle", QueueStrategy::LongestIdle),
    ("skills", QueueStrategy::Skills),
    ("last-agent", QueueStrategy::LastAgent),
];

/// What a waiting plan may take: told by the queue, and told anew when it changes.
pub(crate) const TOLD: [&str; 2] = ["place", "wait"];

const MINUTE: Duration = Duration::from_secs(60);

impl Reader {
    /// Names of queues, with what plans must know of them; says nothing of faults.
    pub(crate) fn queue_heads(root: &Node) -> IndexMap<String, QueueHead> {
        let entries = root.find("queues").and_then(Node::entries).unwrap_or_default();
        entries
            .iter()
            .map(|entry| {
                let plan = entry.value.find("while-waiting").and_then(Node::scalar).map(str::to_owned);
                (entry.key.text.clone(), QueueHead { while_waiting: plan })
            })
            .collect()
    }

    /// All queues.
    pub(crate) fn queues(
        &mut self,
        root: &Node,
        whole: &Span,
        world: &World,
        recordings: &Recordings,
    ) -> IndexMap<String, Queue> {
        let mut queues = IndexMap::new();
        let Some(table) = self.table(root, whole, "queues.yaml", &KNOWN) else { return queues };
        let node = table.need(
            self,
            "queues",
            "nobody could wait for an agent",
            "begin with `queues:` and a queue below it",
        );
        match node.map(|node| (node, node.entries())) {
            Some((_, Some(entries))) => {
                for entry in entries {
                    if let Some(queue) = self.one_queue(entry, world, recordings) {
                        queues.insert(queue.name.clone(), queue);
                    }
                }
            }
            Some((node, None)) => {
                self.shape(node, "`queues`", "a table of `key: value` lines", &table.key_span("queues"));
            }
            None => {}
        }
        queues
    }

    fn one_queue(&mut self, entry: &Entry, world: &World, recordings: &Recordings) -> Option<Queue> {
        let name = &entry.key;
        self.new_name(name, "a queue");
        let what = format!("queue `{}`", name.text);
        let table = self.table(&entry.value, &name.span, &what, &QUEUE)?;
        let called = table
            .need(self, "name", "agents could not tell who is calling", "add `name: { zh-CN: …, en-US: … }`")
            .map(|node| self.called(node, "`name`", "the queue has no name", &table.key_span("name")))
            .unwrap_or_default();
        let strategy = table
            .find("strategy")
            .and_then(|node| self.word(node, "`strategy`", &STRATEGIES, &table.key_span("strategy")))
            .unwrap_or_default();
        let mut skills = Vec::new();
        if let Some(node) = table.find("skills") {
            for item in self.items(node, "`skills`", &table.key_span("skills")) {
                if let Some(skill) = self.text(item, "a skill", &table.key_span("skills")) {
                    self.new_name(&skill, "a skill");
                    skills.push(skill.text);
                }
            }
        }
        let mut time = |word: &'static str, usual: Duration, most: Duration| {
            table
                .find(word)
                .and_then(|node| self.duration(node, &format!("`{word}`"), most, &table.key_span(word)))
                .unwrap_or(usual)
        };
        let ring = time("ring", Duration::from_secs(20), 2 * MINUTE);
        let wrap_up = time("wrap-up", Duration::from_secs(30), 60 * MINUTE);
        let longest_wait = time("longest-wait", 15 * MINUTE, 120 * MINUTE);
        let keep_place = time("keep-place", 10 * MINUTE, 120 * MINUTE);
        let last_agent_wait = time("last-agent-wait", Duration::from_secs(20), 10 * MINUTE);
        let hours = table.find("hours").and_then(|node| {
            let hours = self.text(node, "`hours`", &table.key_span("hours"))?;
            if !world.calendars.contains(&hours.text) {
                let known = world.calendars.iter().map(String::as_str);
                let label = "callers would hear that the queue is closed";
                self.no_such(&hours, "calendar", codes::CALENDAR, known, label);
            }
            Some(hours.text)
        });
        let wrap_up_reasons = table
            .find("wrap-up-reasons")
            .map(|node| self.wrap_up_reasons(node, &table.key_span("wrap-up-reasons")))
            .unwrap_or_default();
        let while_waiting = table
            .need(
                self,
                "while-waiting",
                "callers who wait would hear nothing",
                "add `while-waiting: ` and the name of a plan",
            )
            .and_then(|node| self.text(node, "`while-waiting`", &table.key_span("while-waiting")))
            .map(|plan| {
                match world.plans.get(&plan.text) {
                    None => {
                        let known = world.plans.keys().map(String::as_str);
                        let label = "callers who wait would hear nothing";
                        self.no_such(&plan, "plan", codes::PLAN, known, label);
                    }
                    Some(head) => self.waiting_plan(&plan, head),
                }
                plan.text
            })
            .unwrap_or_default();
        let call_back = table.find("call-back").and_then(|node| {
            let plan = self.text(node, "`call-back`", &table.key_span("call-back"))?;
            match world.plans.get(&plan.text) {
                None => {
                    let known = world.plans.keys().map(String::as_str);
                    let label = "callers who are called back would hear nothing";
                    self.no_such(&plan, "plan", codes::PLAN, known, label);
                }
                Some(head) => self.call_back_plan(&plan, head),
            }
            Some(plan.text)
        });
        let music = table.find("music").and_then(|node| {
            let music = self.text(node, "`music`", &table.key_span("music"))?;
            self.music_there(&music.text, &music.span, recordings);
            Some(music.text)
        });
        Some(Queue {
            name: name.text.clone(),
            called,
            strategy,
            skills,
            ring,
            wrap_up,
            wrap_up_reasons,
            longest_wait,
            keep_place,
            last_agent_wait,
            hours,
            while_waiting,
            call_back,
            music,
        })
    }

    /// What the queue's calls may have been about.
    fn wrap_up_reasons(&mut self, node: &Node, head: &Span) -> IndexMap<String, BTreeMap<Language, String>> {
        let Some(entries) = node.entries() else {
            self.shape(node, "`wrap-up-reasons`", "a table of `key: value` lines", head);
            return IndexMap::new();
        };
        let mut reasons = IndexMap::new();
        for entry in entries {
            self.new_name(&entry.key, "a reason");
            let what = format!("reason `{}`", entry.key.text);
            let called = self.called(&entry.value, &what, "the reason has no name", &entry.key.span);
            reasons.insert(entry.key.text.clone(), called);
        }
        reasons
    }

    /// A waiting plan takes what the queue tells, and gives nothing back: its end is its beginning.
    fn waiting_plan(&mut self, plan: &Name, head: &PlanHead) {
        for (name, of) in &head.takes {
            let help = "take `place: number` and `wait: number` (in minutes, 0 if nobody knows), or nothing";
            if !TOLD.contains(&name.as_str()) || *of != Type::Number {
                self.report(
                    Diagnostic::error(
                        codes::WAITING_PLAN,
                        &plan.span,
                        format!(
                            "plan `{}` takes `{name}` as {}, which no queue tells",
                            plan.text,
                            of.described()
                        ),
                    )
                    .label("where that plan says it the caller would hear nothing")
                    .help(help),
                );
            }
        }
        if let Some(name) = head.returns.keys().next() {
            self.report(
                Diagnostic::error(
                    codes::WAITING_PLAN,
                    &plan.span,
                    format!("plan `{}` returns `{name}`, and nobody takes it", plan.text),
                )
                .label("its end leads back to its beginning, for as long as the caller waits")
                .help("remove `returns` from it; `leave: ` and a word is the way out of a queue"),
            );
        }
    }

    /// A plan for call backs begins a call: nobody gives it anything.
    fn call_back_plan(&mut self, plan: &Name, head: &PlanHead) {
        if let Some(name) = head.takes.keys().next() {
            self.report(
                Diagnostic::error(
                    codes::WAITING_PLAN,
                    &plan.span,
                    format!("plan `{}` takes `{name}`, which no queue tells who is called back", plan.text),
                )
                .label("where that plan says it the caller would hear nothing")
                .help("name a plan without `takes`: it greets, and has a step with `queue`"),
            );
        }
    }

    /// Tells of music whose file is missing, where any is there.
    pub(crate) fn music_there(&mut self, name: &str, span: &Span, recordings: &Recordings) {
        if recordings.any_music() && !recordings.has_music(name) {
            let near = closest(name, recordings.music());
            self.report(
                Diagnostic::warning(
                    codes::RECORDING_MISSING,
                    span,
                    format!("`prompts/music/{name}.wav` is missing"),
                )
                .label("the caller would hear silence instead")
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "put the file there: one channel, 16 bits, 8,000 or 16,000 samples a second"
                        .to_owned(),
                }),
            );
        }
    }
}
