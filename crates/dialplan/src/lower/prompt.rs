//! Prompts: fixed words and typed values.

use std::collections::BTreeMap;

use hotline_model::{Language, Slot};

use super::{Reader, inner};
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::plan::{Piece, Prompt, VariablePath};
use crate::source::Span;
use crate::tree::{Entry, Kind, Node};

/// Longest text of a prompt in characters.
const TEXT_LIMIT: usize = 2_000;

impl Reader {
    /// A prompt, with the languages of its plan.
    pub(super) fn prompt(&mut self, entry: &Entry, languages: &[Language]) -> Prompt {
        let head = &entry.key.span;
        self.new_name(&entry.key, "a prompt");
        let mut texts = BTreeMap::new();
        let mut barge_in = true;
        match &entry.value.kind {
            // One text for a plan of one language.
            Kind::Scalar { .. } if languages.len() == 1 => {
                if let Some(pieces) = self.pieces(&entry.value) {
                    texts.insert(languages[0], pieces);
                }
            }
            _ => {
                let known = ["zh-CN", "en-US", "barge-in"];
                if let Some(table) =
                    self.table(&entry.value, head, &format!("prompt `{}`", entry.key.text), &known)
                {
                    if let Some(node) = table.find("barge-in") {
                        barge_in = self.flag(node, "`barge-in`", &table.key_span("barge-in")).unwrap_or(true);
                    }
                    for language in Language::ALL {
                        let Some(node) = table.find(language.tag()) else {
                            if languages.contains(&language) && !table.meant.contains(&language.tag()) {
                                self.missing_language(entry, language);
                            }
                            continue;
                        };
                        if let Kind::Scalar { .. } = node.kind {
                            texts.insert(language, self.pieces(node).unwrap_or_default());
                        } else {
                            self.shape(
                                node,
                                &format!("the words of `{}`", entry.key.text),
                                "a text",
                                &table.key_span(language.tag()),
                            );
                        }
                    }
                }
            }
        }
        Prompt { name: entry.key.text.clone(), span: head.clone(), barge_in, texts }
    }

    fn missing_language(&mut self, entry: &Entry, language: Language) {
        let who = format!("callers who speak {} would hear silence here", language.english_name());
        self.report(
            Diagnostic::error(
                codes::LANGUAGE,
                &entry.key.span,
                format!("prompt `{}` has no words in {language}", entry.key.text),
            )
            .label(who)
            .help(format!("add a line `{language}: …` below it")),
        );
    }

    /// Cuts a text into fixed words and values.
    fn pieces(&mut self, node: &Node) -> Option<Vec<Piece>> {
        let span = inner(node);
        let text = node.scalar()?;
        if text.chars().count() > TEXT_LIMIT {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &super::first_line(&span),
                    format!("this text is longer than {TEXT_LIMIT} characters"),
                )
                .label("nobody listens that long")
                .help("divide it into several prompts: `say: [first, second]`"),
            );
            return None;
        }
        // Where the text stands in the file; folded and escaped texts have no one-to-one place.
        let exact = span.text() == text;
        let place =
            |from: usize, to: usize| if exact { span.part(from..to) } else { super::first_line(&span) };
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut sound = true;
        while let Some(open) = text[at..].find("{{").map(|open| at + open) {
            push_words(&mut pieces, &text[at..open]);
            let Some(close) = text[open..].find("}}").map(|close| open + close) else {
                self.report(
                    Diagnostic::error(
                        codes::TEMPLATE,
                        &place(open, open + 2),
                        "a value begins with `{{` and is never closed",
                    )
                    .label("the caller would hear nothing from here on")
                    .help("close it with `}}`"),
                );
                return None;
            };
            match self.value(&text[open + 2..close], |from, to| place(open + 2 + from, open + 2 + to)) {
                Some(piece) => pieces.push(piece),
                None => sound = false,
            }
            at = close + 2;
        }
        push_words(&mut pieces, &text[at..]);
        for sign in ["{%", "{#"] {
            if let Some(found) = text.find(sign) {
                self.report(
                    Diagnostic::error(
                        codes::TEMPLATE,
                        &place(found, found + 2),
                        format!("`{sign}` has no meaning in a prompt"),
                    )
                    .label("the caller would hear it read aloud")
                    .help("decide in a step: `branch:` with one prompt for each case"),
                );
                return None;
            }
        }
        if pieces.is_empty() && sound {
            self.report(
                Diagnostic::error(codes::SHAPE, &node.span, "this prompt has no words")
                    .label("the caller would hear silence")
                    .help("write what the caller shall hear"),
            );
        }
        number(&mut pieces);
        sound.then_some(pieces)
    }

    /// `variable.field | slot("unit")`.
    fn value(&mut self, code: &str, place: impl Fn(usize, usize) -> Span) -> Option<Piece> {
        let (path, slot) = match code.split_once('|') {
            Some((path, slot)) => (path, Some(slot)),
            None => (code, None),
        };
        let lead = path.len() - path.trim_start().len();
        let name = path.trim();
        let path_span = place(lead, lead + name.len());
        let (variable, field) = match name.split_once('.') {
            Some((variable, field)) => (variable, Some(field)),
            None => (name, None),
        };
        if !super::looks_like_name(variable) || !field.is_none_or(super::looks_like_name) {
            self.report(
                Diagnostic::error(codes::TEMPLATE, &path_span, format!("`{name}` is no variable"))
                    .label("there would be nothing to say here")
                    .help("write the name of a variable, or of a record and its field, as `ticket.result`"),
            );
            return None;
        }
        let Some(slot) = slot else {
            self.report(
                Diagnostic::error(codes::TEMPLATE, &path_span, format!("how `{name}` is said is missing"))
                    .label("nobody can tell whether the caller hears a number, digits or words")
                    .help(format!("write {{{{ {name} | {} }}}}", likely_slot(variable, field)))
                    .note(
                        "a value is said as digits, number, count(\"…\"), money, date, time, phone or text",
                    ),
            );
            return None;
        };
        let lead = path.len() + 1 + (slot.len() - slot.trim_start().len());
        let slot_span = place(lead, lead + slot.trim().len());
        let slot = self.slot(slot.trim(), &slot_span)?;
        let path =
            VariablePath { variable: variable.to_owned(), field: field.map(str::to_owned), span: path_span };
        Some(Piece::Value { path, slot })
    }

    fn slot(&mut self, text: &str, span: &Span) -> Option<Slot> {
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => {
                (name.trim(), rest.trim().strip_suffix(')').map(|a| a.trim().trim_matches(['"', '\''])))
            }
            None => (text, None),
        };
        let slot = match (name, argument) {
            ("digits", None) => Slot::Digits,
            ("number", None) => Slot::Number,
            ("count", Some(unit)) if !unit.is_empty() => Slot::Count { unit: unit.to_owned() },
            ("money", None) => Slot::Money { colloquial: false },
            ("money", Some("colloquial")) => Slot::Money { colloquial: true },
            ("date", None) => Slot::Date,
            ("time", None) => Slot::Time,
            ("phone", None) => Slot::Phone,
            ("text", None) => Slot::Text,
            _ => {
                let known = ["digits", "number", "count", "money", "date", "time", "phone", "text"];
                let help = match (name, closest(name, known)) {
                    ("count", _) => {
                        "write count(\"位\") with the measure word, or the English noun".to_owned()
                    }
                    ("money", _) => "write money, or money(\"colloquial\")".to_owned(),
                    (_, Some(near)) if near != name => format!("did you mean `{near}`?"),
                    _ => "write digits, number, count(\"位\"), money, date, time, phone or text".to_owned(),
                };
                self.report(
                    Diagnostic::error(codes::TEMPLATE, span, format!("nothing can be said as `{text}`"))
                        .label("the value before it would stay unsaid")
                        .help(help),
                );
                return None;
            }
        };
        Some(slot)
    }
}

/// How a value is most likely meant to be said.
fn likely_slot(variable: &str, field: Option<&str>) -> &'static str {
    match (crate::check::entities::builtin(variable), field) {
        (Some(crate::plan::Type::Record(fields)), Some(field)) => {
            fields.get(field).and_then(crate::plan::Type::usual_slot).unwrap_or("text")
        }
        _ if variable == crate::check::KEYED => "number",
        _ => "digits",
    }
}

fn push_words(pieces: &mut Vec<Piece>, text: &str) {
    if !text.trim().is_empty() {
        pieces.push(Piece::Words { part: None, text: text.trim().to_owned() });
    }
}

/// Numbers the fixed pieces where values stand between them.
fn number(pieces: &mut [Piece]) {
    if pieces.len() < 2 {
        return;
    }
    let mut next = 1;
    for piece in pieces {
        if let Piece::Words { part, .. } = piece {
            *part = Some(next);
            next += 1;
        }
    }
}
