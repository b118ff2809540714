//! From parser events to the tree, and from the parser's complaints to ours.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::{Entry, Kind, Name, Node, Style, traps};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{SourceFile, Span};

/// Deeper nesting is no plan but an attack on the stack.
const DEPTH_LIMIT: usize = 64;

/// How often a slip is mended to look for further ones.
const MENDING_LIMIT: usize = 50;

/// Reads a file. A slip that YAML stumbles over is reported, mended in a copy of the same length,
/// and reading goes on; the lines so mended are returned so that nothing else is said about them.
/// `empty` is what an empty file leads to, and how such a file begins.
pub(crate) fn parse(file: &Arc<SourceFile>, empty: (&str, &str)) -> (Option<Node>, Vec<Diagnostic>) {
    if let Some(at) = file.text().find('\0') {
        let (label, help) =
            ("no text holds such a byte", "save the file as text in UTF-8, or fetch it once more");
        let span = file.span(at..at + 1);
        let message = "this file is no text: it holds a zero byte";
        return (None, vec![Diagnostic::error(codes::SYNTAX, &span, message).label(label).help(help)]);
    }
    let mut found = traps::comments_that_were_keys(file);
    let mut mended_lines: Vec<usize> = found.iter().map(|d: &Diagnostic| d.primary.span.line()).collect();
    let mut copy = file.text().to_owned();
    let root = loop {
        let stumbled = match build(file, &copy, &mut found) {
            Ok(root) => break root,
            Err(stumbled) => stumbled,
        };
        let line = stumbled.line;
        let mended = (mended_lines.len() < MENDING_LIMIT)
            .then(|| traps::find(file, &copy, line, &stumbled.info, stumbled.alias))
            .flatten()
            .filter(|trap| !mended_lines.contains(&trap.diagnostic.primary.span.line()));
        match mended {
            Some(trap) => {
                mended_lines.push(trap.diagnostic.primary.span.line());
                found.push(trap.diagnostic);
                copy = trap.mended;
            }
            None => {
                // A fault that stands beside a mended one most likely follows from it.
                if !mended_lines.iter().any(|&mended| mended.abs_diff(line) <= 2) {
                    found.push(traps::unknown(file, line, stumbled.byte, &stumbled.info));
                }
                break None;
            }
        }
    };
    if root.is_none() && found.is_empty() {
        let span = file.span(0..file.text().len().min(1));
        found.push(Diagnostic::error(codes::EMPTY, &span, "this file is empty").label(empty.0).help(empty.1));
    }
    (root, found)
}

/// Where the parser gave up.
struct Stumbled {
    line: usize,
    byte: usize,
    info: String,
    alias: bool,
}

impl Stumbled {
    fn new(file: &SourceFile, error: &ScanError) -> Self {
        let mark = error.marker();
        let byte = file.byte_at(mark.line(), mark.col());
        let line = mark.line().clamp(1, file.line_count());
        let info = error.info().to_owned();
        let alias = info.contains("alias") || info.contains("anchor");
        Self { line, byte, info, alias }
    }
}

/// One open list or map.
enum Open {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, places: HashMap<String, usize>, key: Option<Name> },
}

fn build(file: &Arc<SourceFile>, text: &str, found: &mut Vec<Diagnostic>) -> Result<Option<Node>, Stumbled> {
    let before = found.len();
    let outcome = Builder { file, found, open: Vec::new(), root: None, documents: 0 }.run(text);
    if outcome.is_err() {
        found.truncate(before);
    }
    outcome
}

struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    found: &'a mut Vec<Diagnostic>,
    open: Vec<(Open, usize)>,
    root: Option<Node>,
    documents: usize,
}

impl Builder<'_> {
    fn run(mut self, text: &str) -> Result<Option<Node>, Stumbled> {
        for event in Parser::new(StrInput::new(text)) {
            let (event, place) = event.map_err(|error| Stumbled::new(self.file, &error))?;
            let start = self.file.byte_at(place.start.line(), place.start.col());
            let end = self.file.byte_at(place.end.line(), place.end.col());
            match event {
                Event::DocumentStart(_) => {
                    self.documents += 1;
                    if self.documents > 1 {
                        let span = self.file.span(start..start + 3);
                        self.found.push(
                            Diagnostic::error(codes::SYNTAX, &span, "a second document begins here")
                                .label("nothing below this line would be heard")
                                .help("remove the line `---`, or move what follows into a file of its own"),
                        );
                        break;
                    }
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let span = self.file.span(start..end.max(start));
                    self.refuse_anchor(anchor != 0 || tag.is_some(), &span);
                    let style = match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                        ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    };
                    let nothing = style == Style::Plain && (text.is_empty() || text == "~" || text == "null");
                    let kind =
                        if nothing { Kind::Nothing } else { Kind::Scalar { text: text.into_owned(), style } };
                    self.place(Node { span, kind });
                }
                Event::SequenceStart(anchor, tag) => {
                    self.refuse_anchor(anchor != 0 || tag.is_some(), &self.file.span(start..start + 1));
                    self.descend(Open::List(Vec::new()), start)?;
                }
                Event::MappingStart(anchor, tag) => {
                    self.refuse_anchor(anchor != 0 || tag.is_some(), &self.file.span(start..start + 1));
                    self.descend(
                        Open::Map { entries: Vec::new(), places: HashMap::new(), key: None },
                        start,
                    )?;
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(end),
                Event::Alias(_) => {
                    return Err(Stumbled {
                        line: self.file.line_column(start).0,
                        byte: start,
                        info: "an alias".into(),
                        alias: true,
                    });
                }
                _ => {}
            }
        }
        Ok(self.root)
    }

    fn refuse_anchor(&mut self, used: bool, span: &Span) {
        if used {
            self.found.push(
                Diagnostic::error(
                    codes::ANCHOR,
                    span,
                    "anchors and tags (`&name`, `!tag`) are no part of plans",
                )
                .label("begins with a sign that YAML keeps for itself")
                .help("put the text in quotes, or write it out where it is needed"),
            );
        }
    }

    fn descend(&mut self, open: Open, start: usize) -> Result<(), Stumbled> {
        if self.open.len() >= DEPTH_LIMIT {
            return Err(Stumbled {
                line: self.file.line_column(start).0,
                byte: start,
                info: format!("more than {DEPTH_LIMIT} levels inside each other"),
                alias: false,
            });
        }
        self.open.push((open, start));
        Ok(())
    }

    fn close(&mut self, end: usize) {
        let Some((open, start)) = self.open.pop() else { return };
        let end = closing(self.file.text(), start, &open).unwrap_or_else(|| {
            // A block ends where the next one begins: without the white space between.
            let text = self.file.text().get(start..end).unwrap_or_default();
            start + text.trim_end().len()
        });
        let span = self.file.span(start..end);
        let kind = match open {
            Open::List(items) => Kind::List(items),
            Open::Map { entries, .. } => Kind::Map(entries),
        };
        self.place(Node { span, kind });
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(items), _)) => items.push(node),
            Some((Open::Map { key: key @ None, .. }, _)) => {
                let text = match &node.kind {
                    Kind::Scalar { text, .. } => text.clone(),
                    _ => String::new(),
                };
                *key = Some(Name { text, span: node.span });
            }
            Some((Open::Map { entries, places, key }, _)) => {
                let Some(key) = key.take() else { return };
                let raw = self.file.text();
                // `{{ value }}` without quotes is a table inside a table to YAML.
                if key.text.is_empty() && key.span.text().starts_with('{') {
                    entries.push(Entry { key, value: node });
                    return;
                }
                let value = match &node.kind {
                    Kind::Map(inner) if is_braces(inner, &node.span, raw) => {
                        let line = self.file.line(node.span.line());
                        let written = self.file.span(node.span.start..line.end);
                        self.found.push(traps::braces(&written));
                        let text = written.text().to_owned();
                        Node { span: written, kind: Kind::Scalar { text, style: Style::Quoted } }
                    }
                    _ => node,
                };
                if let Some(first) = places.get(&key.text).and_then(|&at| entries.get(at)) {
                    self.found.push(traps::duplicate(&key, &first.key, &value));
                    return;
                }
                places.insert(key.text.clone(), entries.len());
                entries.push(Entry { key, value });
            }
        }
    }
}

/// Behind the bracket that closes what one has opened: the parser goes on to the next line, over a comment.
fn closing(raw: &str, start: usize, open: &Open) -> Option<usize> {
    let (sign, last) = match open {
        Open::List(items) => ('[', items.last()),
        Open::Map { entries, .. } => ('{', entries.last().map(|entry| &entry.value)),
    };
    let rest = raw.get(start..)?.strip_prefix(sign)?;
    let mut at = last.map_or(raw.len() - rest.len(), |last| last.span.end);
    loop {
        let rest = raw.get(at..)?;
        at += match rest.chars().next()? {
            ']' | '}' => return Some(at + 1),
            '#' => rest.find('\n')?,
            ',' | ' ' | '\t' | '\r' | '\n' => 1,
            _ => return None,
        };
    }
}

/// Whether a map is what YAML makes of an unquoted `{{ … }}`.
fn is_braces(entries: &[Entry], span: &Span, raw: &str) -> bool {
    raw.get(span.start..).is_some_and(|rest| rest.starts_with("{{"))
        && entries.iter().all(|entry| entry.key.text.is_empty())
}
