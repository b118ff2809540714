//! The words of the messages that policies send.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::Language;
use hotline_model::campaign::{Message, Otherwise, Outcome, Part, Told};

use super::campaign::DAY;
use super::{Reader, first_line, inner};
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::source::Span;
use crate::tree::{Kind, Node};

/// The words of `otherwise`.
pub(crate) const OTHERWISE: [&str; 4] = ["after", "within", "valid", "message"];

/// Words that concern calls alone.
pub(crate) const NOT_CALLED: [&str; 10] = [
    "plan",
    "otherwise",
    "ring",
    "attempts",
    "again",
    "took-part-from",
    "humans",
    "machine",
    "trunks",
    "show",
];

/// Text messages of more characters become five and more for the customer and the bill (70 in UCS-2; 3GPP TS 23.040).
const LONGEST: usize = 300;

/// Outcomes after which a message makes sense where the policy names none.
const USUAL: [Outcome; 4] = [Outcome::Busy, Outcome::NoAnswer, Outcome::SwitchedOff, Outcome::Machine];

impl Reader {
    /// The message that follows calls.
    pub(super) fn otherwise(&mut self, node: &Node, head: &Span) -> Option<Message> {
        let table = self.table(node, head, "`otherwise`", &OTHERWISE)?;
        let mut after: BTreeSet<Outcome> = USUAL.into();
        if let Some(node) = table.find("after") {
            let head = table.key_span("after");
            let words = Outcome::ALL.map(|outcome| (outcome.word(), outcome));
            let help = "leave the line out, or name outcomes: `after: [no-answer, switched-off]`";
            let items = self.some(node, "`after`", &head, "the message would follow nothing", help);
            after = items.iter().filter_map(|item| self.word(item, "an outcome", &words, &head)).collect();
        }
        let within = table
            .find("within")
            .and_then(|node| self.duration(node, "`within`", 30 * DAY, &table.key_span("within")))
            .unwrap_or(2 * DAY);
        let valid = table
            .find("valid")
            .and_then(|node| self.duration(node, "`valid`", 90 * DAY, &table.key_span("valid")))
            .unwrap_or(7 * DAY);
        let node = table.need(
            self,
            "message",
            "customers would be sent nothing",
            "add `message:` with `zh-CN:` and `en-US:` below it",
        )?;
        let texts = self.notice_texts(node, &table.key_span("message"));
        Some(Message { texts, otherwise: Some(Otherwise { after, within, valid }) })
    }

    /// The words of a message in every language: customers have theirs.
    pub(super) fn notice_texts(&mut self, node: &Node, head: &Span) -> BTreeMap<Language, Vec<Part>> {
        let mut texts = BTreeMap::new();
        let tags = Language::ALL.map(Language::tag);
        let Some(table) = self.table(node, head, "`message`", &tags) else { return texts };
        for language in Language::ALL {
            let Some(node) = table.find(language.tag()) else {
                let who = format!("customers who read {} would be sent nothing", language.english_name());
                self.report(
                    Diagnostic::error(
                        codes::LANGUAGE,
                        head,
                        format!("the message has no words in {language}"),
                    )
                    .label(who)
                    .help(format!("add a line `{language}: …` below it")),
                );
                continue;
            };
            if !matches!(node.kind, Kind::Scalar { .. }) {
                self.shape(node, "the words of a message", "a text", &table.key_span(language.tag()));
                continue;
            }
            let Some(parts) = self.parts(node) else { continue };
            texts.insert(language, parts);
        }
        texts
    }

    /// Fixed words and what is known of the ticket.
    fn parts(&mut self, node: &Node) -> Option<Vec<Part>> {
        let span = inner(node);
        let text = node.scalar()?.trim();
        if text.chars().count() > LONGEST {
            self.report(
                Diagnostic::error(
                    codes::RANGE,
                    &first_line(&span),
                    format!("this message is longer than {LONGEST} characters"),
                )
                .label("the network would cut it into many, and each one costs")
                .help("say it in fewer words"),
            );
            return None;
        }
        let exact = span.text() == text;
        let place = |from: usize, to: usize| if exact { span.part(from..to) } else { first_line(&span) };
        let known = Told::ALL.map(Told::word);
        let mut parts = Vec::new();
        let (mut at, mut sound) = (0, true);
        while let Some(open) = text[at..].find("{{").map(|open| at + open) {
            if open > at {
                parts.push(Part::Words(text[at..open].to_owned()));
            }
            let Some(close) = text[open..].find("}}").map(|close| open + close) else {
                self.report(
                    Diagnostic::error(
                        codes::TEMPLATE,
                        &place(open, open + 2),
                        "a value begins with `{{` and is never closed",
                    )
                    .label("the customer would read it as it stands here")
                    .help("close it with `}}`"),
                );
                return None;
            };
            let name = text[open + 2..close].trim();
            let lead = text[open + 2..close].find(name).unwrap_or(0);
            let span = place(open + 2 + lead, open + 2 + lead + name.len());
            match Told::ALL.into_iter().find(|told| told.word() == name) {
                Some(told) => {
                    if told == Told::Link {
                        self.link.get_or_insert(span);
                    }
                    parts.push(Part::Told(told));
                }
                None => {
                    sound = false;
                    let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    self.report(
                        Diagnostic::error(
                            codes::VARIABLE,
                            &span,
                            format!("a message knows nothing called `{name}`"),
                        )
                        .label("there would be nothing to read here")
                        .help(match closest(name, known) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("it may tell {}", super::list(&names, "and")),
                        }),
                    );
                }
            }
            at = close + 2;
        }
        if at < text.len() {
            parts.push(Part::Words(text[at..].to_owned()));
        }
        sound.then_some(parts)
    }
}
