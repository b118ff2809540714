//! Steps that keep what the caller has to say: `survey` and `record`.

use std::time::Duration;

use indexmap::IndexMap;

use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::Scope;
use crate::lower::question::Asking;
use crate::lower::{Reader, Table, inner, is_key, no_such_key};
use crate::plan::{Action, PromptId, Record, StepId, Survey};
use crate::source::Span;
use crate::tree::{Name, Node};

/// The highest number of a scale: ten takes two keys.
const HIGHEST: u8 = 10;

/// How long words may be if the plan does not say.
const LONGEST: Duration = Duration::from_secs(60);

const LONGEST_WORDS: Duration = Duration::from_secs(600);

/// The rest that ends words if the plan does not say.
const SILENCE: Duration = Duration::from_secs(3);

const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// What says that a customer is content where the plan does not: `satisfied` in the question of that name, and 4 and 5 of
/// its scale if that goes to 5.
fn usually_content(name: &str, answers: &IndexMap<String, String>, scale: bool) -> Vec<String> {
    let usual: &[&str] = match scale {
        true if answers.keys().last().is_some_and(|last| last == "5") => &["4", "5"],
        true => &[],
        false => &["satisfied"],
    };
    let said = |word: &str| answers.values().any(|answer| answer == word);
    usual.iter().filter(|word| name == "satisfied" && said(word)).map(|word| (*word).to_owned()).collect()
}

impl Reader {
    pub(super) fn survey(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        step: &Name,
    ) -> Action {
        let name = self.variable_name(node, "`survey`", &table.key_span("survey"));
        let question = self.question(table, scope, &Asking { verb: "survey", step: &step.text });
        let scale = table.find("scale");
        let answers = match (scale, table.find("answers")) {
            (Some(_), Some(_)) => {
                self.report(
                    Diagnostic::error(
                        codes::ANSWERS,
                        &table.key_span("answers"),
                        format!("survey `{}` has both a scale and answers", step.text),
                    )
                    .label("nobody can tell what a key means")
                    .also(&table.key_span("scale"), "the scale is here")
                    .help("remove one of them"),
                );
                self.tainted.push(name.clone());
                IndexMap::new()
            }
            (Some(node), None) => self.scale(node, &table.key_span("scale")),
            (None, Some(node)) => self.answers(node, table),
            (None, None) => {
                table.need(
                    self,
                    "answers",
                    "whatever the customer presses would be wrong",
                    "add `scale: 1-5`, or `answers:` with lines as `\"1\": satisfied`",
                );
                self.tainted.push(name.clone());
                IndexMap::new()
            }
        };
        let keys = self.own_keys(table, scope);
        for (key, _) in keys.iter().filter(|(key, _)| answers.keys().any(|entry| entry.starts_with(**key))) {
            self.report(
                Diagnostic::error(
                    codes::ANSWERS,
                    &table.key_span("keys"),
                    format!("key {key} is an answer of survey `{}`, and leads elsewhere", step.text),
                )
                .label("nobody could give this answer")
                .help(format!("remove \"{key}\" from `keys`, or choose another key for the answer")),
            );
        }
        let content = match table.find("content") {
            Some(node) => self.content(node, &table.key_span("content"), &answers, scale.is_some()),
            None => usually_content(&name, &answers, scale.is_some()),
        };
        Action::Survey(Box::new(Survey {
            name,
            content,
            question,
            answers,
            scale: scale.is_some(),
            keys,
            then: StepId::NOWHERE,
            failed: self.other_way(table, scope, "failed"),
            written: self.written(table, scope),
        }))
    }

    /// `1-5`: the numbers of a scale, each with what is keyed for it.
    fn scale(&mut self, node: &Node, head: &Span) -> IndexMap<String, String> {
        let Some(text) = self.text(node, "`scale`", head) else { return IndexMap::new() };
        let read = text.text.split_once('-').and_then(|(low, high)| {
            let number = |text: &str| text.trim().parse::<u8>().ok();
            Some((number(low)?, number(high)?))
        });
        let help = match read {
            Some((low, high)) if high < low && low <= HIGHEST => format!("write `{high}-{low}`"),
            _ => "write `1-5`, or `0-10`".to_owned(),
        };
        match read {
            Some((low, high)) if low < high && high <= HIGHEST => {
                return (low..=high).map(|number| (number.to_string(), number.to_string())).collect();
            }
            Some((low, high)) if low <= HIGHEST && high <= HIGHEST => self.report(
                Diagnostic::error(
                    codes::ANSWERS,
                    &text.span,
                    format!("a scale goes up, and `{}` does not", text.text),
                )
                .label("no customer could give an answer")
                .help(help),
            ),
            _ => self.report(
                Diagnostic::error(
                    codes::ANSWERS,
                    &text.span,
                    format!("a scale goes from 0 or more to {HIGHEST} or less, not `{}`", text.text),
                )
                .label("no customer could answer on it")
                .help(help),
            ),
        }
        IndexMap::new()
    }

    /// The answers by which a customer counts as content: words, or numbers `4-5` of the scale. Others have to be left, or
    /// nobody could be dissatisfied.
    fn content(
        &mut self,
        node: &Node,
        head: &Span,
        answers: &IndexMap<String, String>,
        scale: bool,
    ) -> Vec<String> {
        let mut meant = Vec::new();
        let mut wrong = Vec::new();
        if scale {
            let Some(text) = self.text(node, "`content`", head) else { return meant };
            let (low, high) = text.text.split_once('-').unwrap_or((&text.text, &text.text));
            let bounds = low.trim().parse::<u8>().ok().zip(high.trim().parse::<u8>().ok());
            let numbers = bounds.map(|(low, high)| (low..=high).map(|number| number.to_string()));
            match numbers.map(Iterator::collect::<Vec<_>>) {
                Some(all) if !all.is_empty() && all.iter().all(|one| answers.contains_key(one)) => {
                    meant = all
                }
                _ => wrong.push(text),
            }
        } else {
            for item in self.items(node, "`content`", head) {
                let Some(word) = self.text(item, "an answer", head) else { continue };
                if answers.values().any(|answer| *answer == word.text) {
                    meant.push(word.text);
                } else {
                    wrong.push(word);
                }
            }
        }
        // Of answers that were wrong themselves nothing follows.
        for word in wrong.iter().filter(|_| !answers.is_empty()) {
            let known: Vec<&str> = answers.values().map(String::as_str).collect();
            self.report(
                Diagnostic::error(
                    codes::ANSWERS,
                    &word.span,
                    format!("`{}` is no answer of this question", word.text),
                )
                .label("nobody would ever count as content by it")
                .help(format!("its answers are {}", crate::lower::list(&known, "and"))),
            );
        }
        if !answers.is_empty() && meant.len() >= answers.len() {
            self.report(
                Diagnostic::error(codes::ANSWERS, head, "every answer says that the customer is content")
                    .label("nobody could be dissatisfied")
                    .help("leave out the answers of those who are not"),
            );
        }
        meant
    }

    /// What each entry means.
    fn answers(&mut self, node: &Node, outer: &Table<'_>) -> IndexMap<String, String> {
        let mut answers = IndexMap::new();
        let Some(entries) = node.entries() else {
            self.shape(node, "`answers`", "a table of `key: value` lines", &outer.key_span("answers"));
            return answers;
        };
        let mut spans: Vec<(String, Span)> = Vec::new();
        let mut words: IndexMap<String, Span> = IndexMap::new();
        for entry in entries {
            let keyed = &entry.key.text;
            if keyed.is_empty() || keyed.len() > 8 || !keyed.chars().all(is_key) {
                self.report(if keyed.contains(['“', '”']) {
                    crate::tree::quotes(&entry.key.span, keyed.trim_matches(['“', '”']))
                } else {
                    no_such_key(&entry.key, "what customers press")
                });
                continue;
            }
            let Some(word) = self.word_of_record(&entry.value, "an answer", &entry.key.span) else {
                continue;
            };
            let place = inner(&entry.value);
            match words.get(&word) {
                Some(first) => self.report(
                    Diagnostic::error(codes::ANSWERS, &place, format!("two keys mean `{word}`"))
                        .label("nobody could tell from the answers which key was pressed")
                        .also(first, "the other one is here")
                        .help(format!("give one of them another word, for example `{word}-2`")),
                ),
                None => {
                    words.insert(word.clone(), place);
                }
            }
            spans.push((keyed.clone(), entry.key.span.clone()));
            answers.insert(keyed.clone(), word);
        }
        if outer.find("inter-digit").is_none() {
            self.prefixes(&spans);
        }
        answers
    }

    pub(super) fn record(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        step: &Name,
    ) -> Action {
        let name = self.word_of_record(node, "a recording", &table.key_span("record")).unwrap_or_default();
        let prompt: Vec<PromptId> = table
            .find("prompt")
            .map(|node| self.prompts_of(node, scope, "`prompt`", &table.key_span("prompt")).0)
            .unwrap_or_default();
        let mut time = |word: &'static str, usual: Duration, most: Duration| {
            table
                .find(word)
                .and_then(|node| self.duration(node, &format!("`{word}`"), most, &table.key_span(word)))
                .unwrap_or(usual)
        };
        let longest = time("longest", LONGEST, LONGEST_WORDS);
        let silence = time("silence", SILENCE, LONGEST_SILENCE);
        if silence >= longest {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span(if table.find("silence").is_some() { "silence" } else { "longest" }),
                    format!("record `{}` ends before its `silence` could end it", step.text),
                )
                .label("every caller would be cut off")
                .help("write a longer `longest`, for example `60s`"),
            );
        }
        if prompt.is_empty() && table.find("say").is_none() && !table.meant.contains(&"prompt") {
            self.report(
                Diagnostic::warning(
                    codes::UNANNOUNCED,
                    table.head(),
                    format!("record `{}` does not say that the caller may speak", step.text),
                )
                .label("the caller would hear a beep and not know that it is kept")
                .help("add `prompt: …` that says what is asked, that it is recorded, and how it ends"),
            );
        }
        let end_key = match table.find("end-key") {
            Some(node) => self.key(node, "`end-key`", &table.key_span("end-key")),
            None => Some('#'),
        };
        let keys = self.own_keys(table, scope);
        if let Some(key) = end_key.filter(|key| keys.contains_key(key)) {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span("keys"),
                    format!("key {key} ends the recording, and leads elsewhere"),
                )
                .label("nobody can tell which of them the caller gets")
                .help(format!("remove \"{key}\" from `keys`, or choose another `end-key`")),
            );
        }
        Action::Record(Box::new(Record {
            name,
            prompt,
            longest,
            silence,
            end_key,
            keys,
            nothing: self.other_way(table, scope, "nothing"),
            failed: self.other_way(table, scope, "failed"),
            written: self.written(table, scope),
        }))
    }

    fn own_keys(&mut self, table: &Table<'_>, scope: &Scope<'_>) -> IndexMap<char, StepId> {
        match table.find("keys") {
            Some(node) => self.keys_alone(node, "`keys`", &table.key_span("keys"), scope),
            None => IndexMap::new(),
        }
    }

    /// An exit that may be left out.
    fn other_way(&mut self, table: &Table<'_>, scope: &Scope<'_>, word: &'static str) -> Option<StepId> {
        let node = table.find(word)?;
        Some(self.step_of(node, scope, &format!("`{word}`"), &table.key_span(word)))
    }
}
