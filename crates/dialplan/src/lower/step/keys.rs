//! Steps that wait for keys: `collect` and `menu`.

use indexmap::IndexMap;

use super::MENU;
use crate::diagnostic::{Diagnostic, codes};
use crate::lower::plan::Scope;
use crate::lower::question::{Asking, FIRST_DIGIT, INTER_DIGIT};
use crate::lower::{Reader, Table, is_key, no_such_key, words};
use crate::plan::{Action, Collect, Confirm, Menu, Pattern, PromptId, Question, StepId};
use crate::source::Span;
use crate::tree::{Name, Node};

impl Reader {
    pub(super) fn collect(
        &mut self,
        node: &Node,
        table: &Table<'_>,
        scope: &Scope<'_>,
        step: &Name,
    ) -> Action {
        let variable = self.variable_name(node, "`collect`", &table.key_span("collect"));
        let question = self.question(table, scope, &Asking { verb: "collect", step: &step.text });
        let mut count = |word: &'static str| {
            let node = table.find(word)?;
            self.count(node, &format!("`{word}`"), 1..=64, &table.key_span(word))
        };
        let (length, min, max) = (count("length"), count("min"), count("max"));
        let pattern = table.find("pattern").and_then(|node| self.pattern(node, &table.key_span("pattern")));
        let end_key =
            table.find("end-key").and_then(|node| self.key(node, "`end-key`", &table.key_span("end-key")));
        let (low, high) = match (length, min, max, &pattern) {
            (Some(length), ..) => (length, length),
            (None, None, None, Some(pattern)) => (pattern.0.len(), pattern.0.len()),
            (None, min, max, _) => (min.unwrap_or(1), max.unwrap_or_else(|| min.unwrap_or(1).max(20))),
        };
        if table.find("length").is_some() && (table.find("min").is_some() || table.find("max").is_some()) {
            let word = if table.find("min").is_some() { "min" } else { "max" };
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span(word),
                    format!("`{word}` contradicts `length`"),
                )
                .label("nobody can tell how many keys the caller may press")
                .also(&table.key_span("length"), "this asks for one length only")
                .help(format!("keep `length` alone, or write `min` and `max` without it; remove `{word}`")),
            );
        } else if low > high {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span("min"),
                    format!("`min` is {low} and `max` is {high}: no entry is long enough and short enough"),
                )
                .label("whatever the caller keys would be wrong")
                .also(&table.key_span("max"), "no more than this may be keyed")
                .help(format!("write `min: {high}` and `max: {low}`")),
            );
        } else if table.find("length").is_none()
            && table.find("max").is_none()
            && table.find("pattern").is_none()
            && table.find("end-key").is_none()
            && !table.meant.contains(&"length")
        {
            self.report(
                Diagnostic::warning(
                    codes::RANGE,
                    table.head(),
                    format!("collect `{}` does not say how many keys it takes", step.text),
                )
                .label("callers would always wait for the pause at the end")
                .help("add `length: …`, or `max: …`, or `end-key: \"#\"`"),
            );
        }
        let mut flag = |word: &'static str| {
            table
                .find(word)
                .and_then(|node| self.flag(node, &format!("`{word}`"), &table.key_span(word)))
                .unwrap_or(false)
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
    pub(in crate::lower) fn keys_alone(
        &mut self,
        node: &Node,
        what: &str,
        head: &Span,
        scope: &Scope<'_>,
    ) -> IndexMap<char, StepId> {
        let mut keys = IndexMap::new();
        let Some(entries) = node.entries() else {
            self.shape(node, what, "a table of `key: value` lines", head);
            return keys;
        };
        for entry in entries {
            let mut pressed = entry.key.text.chars();
            match (pressed.next(), pressed.next()) {
                (Some(key), None) if is_key(key) => {
                    let to = self.step_pressed(
                        &entry.value,
                        scope,
                        &format!("key {key}"),
                        &entry.key.span,
                        Some(&entry.key.text),
                    );
                    keys.insert(key, to);
                }
                _ if entry.key.text.contains(['“', '”']) => {
                    self.report(crate::tree::quotes(
                        &entry.key.span,
                        entry.key.text.trim_matches(['“', '”']),
                    ));
                }
                _ => self.report(no_such_key(&entry.key, "what callers press")),
            }
        }
        keys
    }

    pub(super) fn confirm(&mut self, node: &Node, outer: &Table<'_>, scope: &Scope<'_>) -> Option<Confirm> {
        let table = self.table(node, &outer.key_span("confirm"), "`confirm`", &["prompt", "yes", "no"])?;
        let prompt = table
            .need(
                self,
                "prompt",
                "the caller would not hear what was keyed",
                "add `prompt: …` that reads back the answer",
            )
            .and_then(|node| self.text(node, "`prompt`", &table.key_span("prompt")))
            .map_or(PromptId::NONE, |name| self.prompt_named(&name, scope));
        let mut key = |word: &'static str, usual: char| {
            table
                .find(word)
                .and_then(|node| self.key(node, &format!("`{word}`"), &table.key_span(word)))
                .unwrap_or(usual)
        };
        let (yes, no) = (key("yes", '1'), key("no", '2'));
        if yes == no {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &table.key_span("no"),
                    format!("`yes` and `no` are both key {yes}"),
                )
                .label("callers could not say no")
                .help("give them two keys, for example yes: \"1\" and no: \"2\""),
            );
        }
        Some(Confirm { prompt, yes, no })
    }

    pub(super) fn pattern(&mut self, node: &Node, head: &Span) -> Option<Pattern> {
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

    pub(super) fn menu(&mut self, node: &Node, scope: &Scope<'_>, step: &Name) -> Action {
        let empty = Menu {
            question: Question {
                prompt: Vec::new(),
                first_digit: FIRST_DIGIT,
                inter_digit: INTER_DIGIT,
                no_input: Vec::new(),
                no_match: Vec::new(),
            },
            keys: IndexMap::new(),
            written: None,
        };
        let Some(table) = self.table(node, &step.span, &format!("menu `{}`", step.text), &MENU) else {
            return Action::Menu(Box::new(empty));
        };
        let question = self.question(&table, scope, &Asking { verb: "menu", step: &step.text });
        let mut keys = IndexMap::new();
        let mut spans: Vec<(String, Span)> = Vec::new();
        let node = table.need(
            self,
            "keys",
            "whatever the caller presses would be wrong",
            "add `keys:` with lines as `\"1\": a-step`",
        );
        match node.map(|node| (node, node.entries())) {
            Some((_, Some(entries))) => {
                for entry in entries {
                    let text = &entry.key.text;
                    if text.is_empty() || text.len() > 8 || !text.chars().all(is_key) {
                        if text.contains(['“', '”']) {
                            self.report(crate::tree::quotes(&entry.key.span, text.trim_matches(['“', '”'])));
                        } else {
                            self.report(no_such_key(&entry.key, "what callers press"));
                        }
                        continue;
                    }
                    let target = self.step_pressed(
                        &entry.value,
                        scope,
                        &format!("key {text}"),
                        &entry.key.span,
                        Some(text),
                    );
                    keys.insert(text.clone(), target);
                    spans.push((text.clone(), entry.key.span.clone()));
                }
            }
            Some((node, None)) => {
                self.shape(node, "`keys`", "a table of `key: value` lines", &table.key_span("keys"))
            }
            None => {}
        }
        if table.find("inter-digit").is_none() {
            self.prefixes(&spans);
        }
        let written = self.written(&table, scope);
        Action::Menu(Box::new(Menu { question, keys, written }))
    }

    pub(super) fn prefixes(&mut self, spans: &[(String, Span)]) {
        for (short, span) in spans {
            if let Some((long, other)) =
                spans.iter().find(|(long, _)| long != short && long.starts_with(short.as_str()))
            {
                self.report(
                    Diagnostic::warning(
                        codes::PREFIX,
                        span,
                        format!("`{short}` is the beginning of `{long}` in the same menu"),
                    )
                    .label(format!(
                        "callers who press {short} would wait {} in silence before anything happens",
                        words::spell(INTER_DIGIT)
                    ))
                    .also(other, "this one begins with it")
                    .help("add `inter-digit: 1s` to the menu, or choose keys that do not begin alike"),
                );
            }
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
