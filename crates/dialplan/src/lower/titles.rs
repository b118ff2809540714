//! What people call something: agents read it, callers never hear it.

use std::collections::BTreeMap;

use hotline_model::Language;

use super::{Reader, Table};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::Span;
use crate::tree::{Kind, Node};

impl Reader {
    /// The `title` of a plan or step, if it has one. `missing`: what is said of it in a language without.
    pub(super) fn title(&mut self, table: &Table<'_>, missing: &str) -> BTreeMap<Language, String> {
        let node = table.find("title");
        node.map(|node| self.called(node, "`title`", missing, &table.key_span("title"))).unwrap_or_default()
    }

    /// What people call something: once, or in each language. `what`: as it stands in a finding; `missing`: that it is
    /// called nothing, for one in a language without.
    pub(super) fn called(
        &mut self,
        node: &Node,
        what: &str,
        missing: &str,
        head: &Span,
    ) -> BTreeMap<Language, String> {
        if !matches!(node.kind, Kind::Map(_)) {
            let text = self.text(node, what, head).map(|name| name.text).unwrap_or_default();
            return Language::ALL.into_iter().map(|language| (language, text.clone())).collect();
        }
        let Some(table) = self.table(node, head, what, &["zh-CN", "en-US"]) else {
            return BTreeMap::new();
        };
        let mut called = BTreeMap::new();
        for language in Language::ALL {
            match table.find(language.tag()) {
                Some(node) => {
                    let text = self.text(node, "a name", &table.key_span(language.tag()));
                    called.extend(text.map(|text| (language, text.text)));
                }
                None => self.report(
                    Diagnostic::error(codes::LANGUAGE, head, format!("{missing} in {language}"))
                        .label(format!("agents who work in {} would see nothing", language.english_name()))
                        .help(format!("add `{language}: …` to it")),
                ),
            }
        }
        called
    }
}
