//! How a step is asked in writing: `written` of `survey`, `record` and `menu`.

use std::collections::BTreeMap;

use hotline_model::Language;
use indexmap::IndexMap;

use super::WRITTEN;
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::Scope;
use crate::lower::{Reader, Table, is_key, no_such_key};
use crate::plan::Written;
use crate::source::Span;
use crate::tree::Node;

impl Reader {
    /// The `written` of a step, if it has one. Whether its answers are those of the question is told by
    /// [`crate::check`], which knows the keys that work everywhere.
    pub(super) fn written(&mut self, outer: &Table<'_>, scope: &Scope<'_>) -> Option<Written> {
        let span = outer.key_span("written");
        let table = self.table(outer.find("written")?, &span, "`written`", &WRITTEN)?;
        let ask = table
            .find("ask")
            .map(|node| self.prompts_of(node, scope, "`ask`", &table.key_span("ask")).0)
            .unwrap_or_default();
        let answers = table
            .find("answers")
            .map(|node| self.written_answers(node, &table.key_span("answers")))
            .unwrap_or_default();
        let take = table.find("take").and_then(|node| self.digits(node, "`take`", &table.key_span("take")));
        Some(Written { ask, answers, take: take.map(|name| name.text), span })
    }

    fn written_answers(&mut self, node: &Node, head: &Span) -> IndexMap<String, BTreeMap<Language, String>> {
        let mut answers = IndexMap::new();
        let Some(entries) = node.entries() else {
            self.shape(node, "`answers`", "a table of `key: words` lines", head);
            return answers;
        };
        for entry in entries {
            let keyed = &entry.key.text;
            if keyed.is_empty() || keyed.len() > 8 || !keyed.chars().all(is_key) {
                self.report(if keyed.contains(['“', '”']) {
                    crate::tree::quotes(&entry.key.span, keyed.trim_matches(['“', '”']))
                } else {
                    no_such_key(&entry.key, "what stands for an answer")
                });
                continue;
            }
            let tags = Language::ALL.map(Language::tag);
            let what = format!("the words of \"{keyed}\"");
            let Some(table) = self.table(&entry.value, &entry.key.span, &what, &tags) else { continue };
            let mut words = BTreeMap::new();
            for language in Language::ALL {
                match table.find(language.tag()) {
                    Some(node) => {
                        let text = self.text(node, &what, &table.key_span(language.tag()));
                        words.extend(text.map(|text| (language, text.text)));
                    }
                    None => self.report(
                        Diagnostic::error(
                            codes::LANGUAGE,
                            &entry.key.span,
                            format!("the answer \"{keyed}\" has no words in {language}"),
                        )
                        .label(format!(
                            "customers who read {} would see an answer without words",
                            language.english_name()
                        ))
                        .help(format!("add `{language}: …` to it")),
                    ),
                }
            }
            answers.insert(keyed.clone(), words);
        }
        answers
    }
}
