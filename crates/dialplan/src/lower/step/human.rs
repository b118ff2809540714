//! Steps that bring a human, and the music until then: `queue`, `transfer`, `music`.

use std::time::Duration;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::Scope;
use crate::lower::{Reader, Table};
use crate::plan::{Action, CallBack, CallBackTo, Enqueue, Left, Music, StepId, Transfer, TransferTo};
use crate::source::Span;
use crate::tree::{Kind, Node};

/// How long a transfer rings if the plan does not say.
const RING: Duration = Duration::from_secs(30);

const LONGEST_RING: Duration = Duration::from_secs(120);

/// How long music plays if the plan does not say.
const MUSIC: Duration = Duration::from_secs(30);

const LONGEST_MUSIC: Duration = Duration::from_secs(600);

/// The highest priority.
const MOST_URGENT: usize = 9;

impl Reader {
    /// An exit that must be there: without it the caller would be left in silence.
    pub(super) fn way_on(
        &mut self,
        table: &Table<'_>,
        scope: &Scope<'_>,
        word: &'static str,
        label: &str,
    ) -> StepId {
        table
            .need_as(self, codes::NO_EXIT, word, label, &format!("add `{word}: ` and the name of a step"))
            .map_or(StepId::NOWHERE, |node| {
                self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word))
            })
    }

    pub(super) fn enqueue(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        head: &Span,
    ) -> Action {
        let queue = self.text(node, "`queue`", head);
        if let Some(name) = &queue {
            let known = scope.world.queues.as_ref();
            match known.and_then(|queues| queues.get(&name.text)) {
                None => {
                    let names: IndexMap<String, ()> =
                        known.into_iter().flat_map(IndexMap::keys).map(|name| (name.clone(), ())).collect();
                    self.unknown_file(name, "queue", codes::QUEUE, names.keys(), scope);
                }
                Some(of) => {
                    let plan =
                        of.while_waiting.as_ref().and_then(|plan| scope.world.plans.get_key_value(plan));
                    for language in scope.languages {
                        if let Some((plan, waiting)) = plan
                            && !waiting.languages.contains(language)
                        {
                            self.report(
                                Diagnostic::error(
                                    codes::SUB_LANGUAGE,
                                    &name.span,
                                    format!("`{plan}`, the plan of those who wait in `{}`, does not speak {language}", name.text),
                                )
                                .label(format!(
                                    "callers who speak {} would wait in another language",
                                    language.english_name()
                                ))
                                .help(format!("add {language} to `languages` of `{plan}`, with all its prompts")),
                            );
                        }
                    }
                }
            }
        }
        let priority = table
            .find("priority")
            .and_then(|node| self.count(node, "`priority`", 0..=MOST_URGENT, &table.key_span("priority")));
        let mut skills = Vec::new();
        if let Some(node) = table.find("skills") {
            for item in self.items(node, "`skills`", &table.key_span("skills")) {
                skills.extend(self.word_of_record(item, "a skill", &table.key_span("skills")));
            }
        }
        let last_agent = table
            .find("agent")
            .and_then(|node| {
                self.word(node, "`agent`", &[("any", false), ("last", true)], &table.key_span("agent"))
            })
            .unwrap_or(false);
        let reason = table
            .find("reason")
            .and_then(|node| self.word_of_record(node, "a reason", &table.key_span("reason")));
        Action::Queue(Box::new(Enqueue {
            queue: queue.map(|name| name.text).unwrap_or_default(),
            priority: priority.map_or(0, |priority| priority as u8),
            skills,
            last_agent,
            reason,
            nobody: self.way_on(table, scope, "nobody", "when no agent comes the caller would hear silence"),
            closed: self.way_on(table, scope, "closed", "outside your hours the caller would hear silence"),
            failed: self.way_on(
                table,
                scope,
                "failed",
                "when the queue cannot be asked the caller would hear silence",
            ),
            left: table
                .find("left")
                .map(|node| self.left(node, scope, &table.key_span("left")))
                .unwrap_or_default(),
        }))
    }

    /// One step for all ways out of the waiting plan, or one for each.
    fn left(&mut self, node: &Node, scope: &Scope<'_>, head: &Span) -> Left {
        if let Kind::Map(entries) = &node.kind {
            let mut words = IndexMap::new();
            for entry in entries {
                self.new_name(&entry.key, "a way out");
                let what = format!("`{}`", entry.key.text);
                words.insert(
                    entry.key.text.clone(),
                    self.step_of(&entry.value, scope, &what, &entry.key.span),
                );
            }
            return Left { words, others: None };
        }
        Left { words: IndexMap::new(), others: Some(self.step_of(node, scope, "`left`", head)) }
    }

    pub(super) fn transfer(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        head: &Span,
    ) -> Action {
        let begins_as_name =
            node.scalar().is_some_and(|text| text.starts_with(|c: char| c.is_ascii_lowercase()));
        let to = if begins_as_name {
            self.path(node, "`transfer`", head).map(TransferTo::Variable)
        } else {
            self.digits(node, "`transfer`", head).and_then(|number| {
                let sound = number.text.strip_prefix('+').unwrap_or(&number.text);
                if !sound.is_empty() && sound.len() <= 32 && sound.chars().all(crate::lower::is_key) {
                    return Some(TransferTo::Number(number.text));
                }
                self.report(
                    Diagnostic::error(
                        codes::NAME,
                        &number.span,
                        format!("`{}` is nothing that can be dialled", number.text),
                    )
                    .label("the call could not be put through")
                    .help("write the digits in quotes, for example \"10010\", or the name of a variable"),
                );
                None
            })
        };
        let ring = table
            .find("ring")
            .and_then(|node| self.duration(node, "`ring`", LONGEST_RING, &table.key_span("ring")))
            .unwrap_or(RING);
        Action::Transfer(Box::new(Transfer {
            to: to.unwrap_or(TransferTo::Number(String::new())),
            ring,
            busy: self.way_on(
                table,
                scope,
                "busy",
                "when they are on the telephone the caller would hear silence",
            ),
            no_answer: self.way_on(
                table,
                scope,
                "no-answer",
                "when nobody answers the caller would hear silence",
            ),
            failed: self.way_on(
                table,
                scope,
                "failed",
                "when they cannot be reached the caller would hear silence",
            ),
        }))
    }

    pub(super) fn call_back(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        head: &Span,
    ) -> Action {
        let to = match node.scalar() {
            Some("caller") => CallBackTo::Caller,
            _ => self.path(node, "`call-back`", head).map_or(CallBackTo::Caller, CallBackTo::Variable),
        };
        Action::CallBack(Box::new(CallBack {
            to,
            refused: self.way_on(
                table,
                scope,
                "refused",
                "whoever cannot be called back would hear silence, and believe they are",
            ),
            failed: self.way_on(
                table,
                scope,
                "failed",
                "when the call back cannot be kept the caller would hear silence",
            ),
        }))
    }

    pub(super) fn music(&mut self, node: &Node, table: &Table<'_>, scope: &Scope<'_>, head: &Span) -> Action {
        let name = self.word_of_record(node, "music", head).unwrap_or_default();
        let lasts = table
            .find("for")
            .and_then(|node| self.duration(node, "`for`", LONGEST_MUSIC, &table.key_span("for")))
            .unwrap_or(MUSIC);
        let keys = match table.find("keys") {
            Some(node) => self.keys_alone(node, "`keys`", &table.key_span("keys"), scope),
            None => IndexMap::new(),
        };
        Action::Music(Box::new(Music { name, lasts, keys }))
    }
}
