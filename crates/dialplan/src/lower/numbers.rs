//! `dialplans/numbers.yaml`: which dialled number runs which plan.

use std::collections::BTreeMap;

use hotline_model::Language;
use indexmap::IndexMap;

use super::plan::World;
use super::{Reader, looks_like_name};
use crate::diagnostic::{Diagnostic, codes};
use crate::plans::{Announcement, AnnouncementFor, Numbers, Route};
use crate::source::Span;
use crate::tree::{Kind, Name, Node};

pub(crate) const KNOWN: [&str; 4] = ["numbers", "test-numbers", "default", "announcement"];

impl Reader {
    /// The numbers.
    pub(crate) fn numbers(&mut self, root: &Node, whole: &Span, world: &World) -> Option<Numbers> {
        let table = self.table(root, whole, "numbers.yaml", &KNOWN)?;
        let mut routes = IndexMap::new();
        for (word, test) in [("numbers", false), ("test-numbers", true)] {
            let Some(node) = table.find(word) else { continue };
            let Some(entries) = node.entries() else {
                if !matches!(node.kind, Kind::Nothing) {
                    self.shape(
                        node,
                        &format!("`{word}`"),
                        "a table of `key: value` lines",
                        &table.key_span(word),
                    );
                }
                continue;
            };
            for entry in entries {
                self.dialled(&entry.key);
                let Some(plan) = self.text(&entry.value, "a plan", &entry.key.span) else { continue };
                self.plan_named(&plan, world, &format!("callers of {}", entry.key.text));
                self.takes_nothing(&plan, world);
                routes.insert(entry.key.text.clone(), Route { plan: plan.text, test });
            }
        }
        let default = table.find("default").and_then(|node| {
            let name = self.text(node, "`default`", &table.key_span("default"))?;
            if name.text == "none" {
                return None;
            }
            self.plan_named(&name, world, "callers of all other numbers");
            self.takes_nothing(&name, world);
            Some(name.text)
        });
        let announcement = table.find("announcement").and_then(|node| {
            if matches!(node.kind, Kind::Nothing) || node.scalar() == Some("none") {
                return None;
            }
            self.announcement(node, &table.key_span("announcement"), world)
        });
        Some(Numbers { routes, default, announcement })
    }

    fn dialled(&mut self, key: &Name) {
        let digits = key.text.chars().all(|c| c.is_ascii_digit() || c == '+' || c == '*' || c == '#');
        if key.text.is_empty() || !(digits || looks_like_name(&key.text)) {
            self.report(
                Diagnostic::error(
                    codes::NAME,
                    &key.span,
                    format!("`{}` is nothing that can be dialled", key.text),
                )
                .label("no call would ever come in here")
                .help("write the digits in quotes, for example \"10086\", or a name such as main"),
            );
        }
    }

    pub(crate) fn plan_named(&mut self, name: &Name, world: &World, who: &str) {
        if world.plans.contains_key(&name.text) {
            return;
        }
        let near = self.near(&name.text, world.plans.keys().map(String::as_str));
        let names: Vec<&str> = world.plans.keys().map(String::as_str).take(8).collect();
        self.report(
            Diagnostic::error(codes::PLAN, &name.span, format!("no plan is called `{}`", name.text))
                .label(format!("{who} would be told that the number does not exist"))
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the plans are {}", super::list(&names, "and")),
                }),
        );
    }

    /// Whoever dials a number brings nothing along.
    fn takes_nothing(&mut self, name: &Name, world: &World) {
        let Some((taken, _)) = world.plans.get(&name.text).and_then(|plan| plan.takes.first()) else {
            return;
        };
        self.report(
            Diagnostic::error(
                codes::NOT_DIALLED,
                &name.span,
                format!("plan `{}` takes `{taken}`, and who dials a number brings nothing", name.text),
            )
            .label(format!("where that plan says `{taken}` callers would hear nothing"))
            .help("name a plan that takes nothing; it may `call` this one and hand the value over"),
        );
    }

    fn announcement(&mut self, node: &Node, head: &Span, world: &World) -> Option<Announcement> {
        let table = self.table(node, head, "`announcement`", &["for", "text"])?;
        let mut plans = AnnouncementFor::All;
        match table.find("for").map(|node| (node, node.scalar())) {
            None | Some((_, Some("all"))) => {}
            Some((node, Some("none"))) => {
                let _ = node;
                plans = AnnouncementFor::Plans(Vec::new());
            }
            Some((node, _)) => {
                let mut names = Vec::new();
                for item in self.items(node, "`for`", &table.key_span("for")) {
                    if let Some(name) = self.text(item, "a plan", &table.key_span("for")) {
                        self.plan_named(&name, world, "the callers meant here");
                        names.push(name.text);
                    }
                }
                plans = AnnouncementFor::Plans(names);
            }
        }
        let mut texts = BTreeMap::new();
        let node = table.need(
            self,
            "text",
            "nothing would be announced",
            "add `text:` with a line for each language",
        )?;
        let text =
            self.table(node, &table.key_span("text"), "the announcement's text", &["zh-CN", "en-US"])?;
        for language in Language::ALL {
            let spoken = world.plans.values().any(|plan| plan.languages.contains(&language));
            match text.find(language.tag()) {
                Some(node) => {
                    if let Some(words) = self.text(node, "the announcement", &text.key_span(language.tag())) {
                        texts.insert(language, words.text);
                    }
                }
                None if spoken => self.report(
                    Diagnostic::error(
                        codes::LANGUAGE,
                        &table.key_span("text"),
                        format!("the announcement has no words in {language}"),
                    )
                    .label(format!("callers who are spoken to in {language} would not hear of it"))
                    .help(format!("add a line `{language}: …` below it")),
                ),
                None => {}
            }
        }
        Some(Announcement { plans, texts })
    }
}
