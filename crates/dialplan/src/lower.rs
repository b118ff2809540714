//! From the tree to checked types: readers that say what they expected and what they found.

pub(crate) mod calendar;
pub(crate) mod campaign;
pub(crate) mod notice;
pub(crate) mod numbers;
pub(crate) mod plan;
pub(crate) mod policy;
mod prompt;
mod question;
pub(crate) mod queues;
pub(crate) mod step;
mod titles;
mod words;

use std::time::Duration;

use crate::diagnostic::{Code, Diagnostic, closest, codes};
use crate::source::Span;
use crate::tree::{Entry, Kind, Name, Node};

pub(crate) use words::looks_like_name;
use words::{NoLength, duration_of};

/// Collects findings while a file is lowered.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    pub found: Vec<Diagnostic>,
    /// Variables whose definition has an error: not reported again as unknown.
    pub tainted: Vec<String>,
    /// Where a message tells a link, the first time.
    pub link: Option<Span>,
}

/// A table whose words are known.
pub(crate) struct Table<'n> {
    entries: &'n [Entry],
    /// Where a missing word is reported: the name of what the table describes.
    head: Span,
    /// What it is, for messages: "a step that collects".
    what: String,
    /// Known words that an unknown one was most likely meant to be: not reported as missing.
    meant: Vec<&'static str>,
}

impl Reader {
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// The name that was most likely meant, as long as somebody reads it: of each file the first findings are shown.
    pub fn near<'w>(&self, wrong: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
        if self.found.len() < crate::diagnostic::SHOWN { closest(wrong, known) } else { None }
    }

    /// A table with these words only.
    pub fn table<'n>(
        &mut self,
        node: &'n Node,
        head: &Span,
        what: &str,
        known: &[&'static str],
    ) -> Option<Table<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.shape(node, what, "a table of `key: value` lines", head);
            return None;
        };
        let mut meant = Vec::new();
        // Looked up once: a table may have thousands of unknown words.
        let mut missing = None;
        for entry in entries {
            if known.contains(&entry.key.text.as_str()) {
                continue;
            }
            let missing = missing.get_or_insert_with(|| {
                known.iter().copied().filter(|word| node.find(word).is_none()).collect::<Vec<&'static str>>()
            });
            let near = self
                .near(&entry.key.text, missing.iter().copied())
                .and_then(|near| known.iter().find(|k| **k == near));
            meant.extend(near.copied());
            self.report(unknown_key(&entry.key, what, known, near.copied()));
        }
        Some(Table { entries, head: head.clone(), what: what.to_owned(), meant })
    }

    /// Reports that something else stands here than what is expected.
    pub fn shape(&mut self, node: &Node, what: &str, expected: &str, head: &Span) {
        if let Kind::Scalar { text, .. } = &node.kind
            && let Some((key, rest)) = text.split_once('：')
        {
            let at = key.len();
            self.report(crate::tree::colon_fullwidth(&node.span.part(at..at + '：'.len_utf8()), key));
            let _ = rest;
            return;
        }
        let (span, found) = match node.kind {
            Kind::Nothing => (head, "nothing stands here"),
            _ => (&node.span, node.kind_name()),
        };
        let message = if matches!(node.kind, Kind::Nothing) {
            format!("{what} is empty: {expected} is expected")
        } else {
            format!("{what} must be {expected}, and this is {found}")
        };
        let span = first_line(span);
        self.report(
            Diagnostic::error(codes::SHAPE, &span, message)
                .label("cannot be understood, so the caller would hear nothing of it")
                .help(shape_help(expected, node)),
        );
    }

    /// A text that is not empty.
    pub fn text(&mut self, node: &Node, what: &str, head: &Span) -> Option<Name> {
        match &node.kind {
            Kind::Scalar { text, .. } => Some(Name { text: text.clone(), span: inner(node) }),
            _ => {
                self.shape(node, what, "a text", head);
                None
            }
        }
    }

    /// A string of digits: quoted, because YAML would make a number of it.
    pub fn digits(&mut self, node: &Node, what: &str, head: &Span) -> Option<Name> {
        let text = self.text(node, what, head)?;
        if node.reads_as_number() {
            let zeros = text.text.starts_with('0');
            let label = if zeros {
                "YAML makes a number of it and drops the zeros: no caller could ever key it right"
            } else {
                "YAML makes a number of it: the next code that begins with 0 would lose its zeros"
            };
            self.report(
                Diagnostic::error(
                    codes::NUMBER,
                    &node.span,
                    format!("{what} stands without quotes: `{}` is a number to YAML", text.text),
                )
                .label(label)
                .help(format!("write \"{}\"", text.text)),
            );
            return None;
        }
        Some(text)
    }

    /// A list, or one item that stands for a list of one.
    pub fn items<'n>(&mut self, node: &'n Node, what: &str, head: &Span) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            Kind::Nothing => {
                self.shape(node, what, "a list", head);
                &[]
            }
            _ => std::slice::from_ref(node),
        }
    }

    /// A list in which something stands: one without anything is refused, with what it would mean.
    pub fn some<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        head: &Span,
        label: &str,
        help: impl Into<String>,
    ) -> &'n [Node] {
        let items = self.items(node, what, head);
        if items.is_empty() && matches!(node.kind, Kind::List(_)) {
            let message = format!("{what} names nothing: at least one is needed");
            self.report(Diagnostic::error(codes::NOBODY, &node.span, message).label(label).help(help));
        }
        items
    }

    /// A telephone number as it is shown to those who are called: digits, and perhaps a `+` before them.
    pub fn shown_number(&mut self, node: &Node, what: &str, head: &Span) -> Option<Name> {
        let text = self.digits(node, what, head)?;
        let digits = text.text.strip_prefix('+').unwrap_or(&text.text);
        if (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(text);
        }
        let said: String = text.text.chars().take(40).collect();
        let message = format!("{what} is a telephone number, and `{}` is none", said.escape_debug());
        self.report(
            Diagnostic::error(codes::PHONE, &first_line(&text.span), message)
                .label("carriers refuse calls that show it, or show something else")
                .help("write digits in quotes, 20 at most, with a `+` before them or without: \"10086\""),
        );
        None
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: &Node, what: &str, head: &Span) -> Option<bool> {
        match node.scalar() {
            Some("true" | "yes") => Some(true),
            Some("false" | "no") => Some(false),
            Some(other) => {
                let span = inner(node);
                self.report(
                    Diagnostic::error(codes::WORD, &span, format!("{what} is true or false, not `{other}`"))
                        .label("cannot be obeyed")
                        .help("write `true` or `false`"),
                );
                None
            }
            None => {
                self.shape(node, what, "true or false", head);
                None
            }
        }
    }

    /// A whole number within limits.
    pub fn count(
        &mut self,
        node: &Node,
        what: &str,
        limits: std::ops::RangeInclusive<usize>,
        head: &Span,
    ) -> Option<usize> {
        let text = self.text(node, what, head)?;
        match text.text.parse::<usize>() {
            Ok(number) if limits.contains(&number) => Some(number),
            read => {
                let whole = text.text.bytes().all(|byte| byte.is_ascii_digit()) && !text.text.is_empty();
                let label = match read {
                    Ok(number) if number < *limits.start() => format!("{} is the least", limits.start()),
                    _ if whole => format!("{} is the most", limits.end()),
                    _ => "this is no whole number".to_owned(),
                };
                self.report(
                    Diagnostic::error(
                        codes::RANGE,
                        &text.span,
                        format!(
                            "{what} is a number from {} to {}, not `{}`",
                            limits.start(),
                            limits.end(),
                            text.text
                        ),
                    )
                    .label(label)
                    .help(format!(
                        "write a whole number from {} to {}",
                        limits.start(),
                        limits.end()
                    )),
                );
                None
            }
        }
    }

    /// A length of time with its unit.
    pub fn duration(&mut self, node: &Node, what: &str, most: Duration, head: &Span) -> Option<Duration> {
        let text = self.text(node, what, head)?;
        let outside = |said: String, label: &str| {
            Diagnostic::error(codes::RANGE, &text.span, said)
                .label(label)
                .help(format!("write `{}` or less", words::spell(most)))
        };
        let read = duration_of(&text.text);
        if read == Err(NoLength::Negative) {
            self.report(outside(
                format!("{what} must not be negative, and this is `{}`", text.text),
                "it would be over before it began",
            ));
            return None;
        }
        let too_long = read == Err(NoLength::TooLong);
        let Some(length) = read.ok().or(too_long.then_some(Duration::MAX)) else {
            let bare = !text.text.is_empty() && text.text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
            let help = if bare {
                format!("write `{0}s` for seconds, or `{0}ms` for thousandths", text.text)
            } else {
                "write a number and its unit: `700ms`, `3s`, `2min`, `24h`".into()
            };
            self.report(
                Diagnostic::error(
                    codes::DURATION,
                    &text.span,
                    format!("{what} needs a length of time, and `{}` has no unit that is known", text.text),
                )
                .label("nobody can tell how long the caller would wait")
                .help(help),
            );
            return None;
        };
        if length > most || length.is_zero() {
            self.report(outside(
                format!("{what} may last from 1ms to {}", words::spell(most)),
                if length.is_zero() { "it would be over before it began" } else { "this is too long" },
            ));
            return None;
        }
        Some(length)
    }

    /// Reports a name of a kind that no file defines, and what comes of it.
    pub fn no_such<'w>(
        &mut self,
        name: &Name,
        kind: &str,
        code: Code,
        known: impl Iterator<Item = &'w str> + Clone,
        label: &str,
    ) {
        let near = self.near(&name.text, known.clone());
        let names: Vec<&str> = known.take(8).collect();
        self.report(
            Diagnostic::error(code, &name.span, format!("no {kind} is called `{}`", name.text))
                .label(label)
                .help(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if names.is_empty() => format!("there is no {kind} yet"),
                    None => format!("the {kind}s are {}", list(&names, "and")),
                }),
        );
    }

    /// One of a few words.
    pub fn word<T: Copy>(&mut self, node: &Node, what: &str, known: &[(&str, T)], head: &Span) -> Option<T> {
        let text = self.text(node, what, head)?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == text.text) {
            return Some(*value);
        }
        let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let near = self.near(&text.text, words.iter().copied());
        self.report(
            Diagnostic::error(
                codes::WORD,
                &text.span,
                format!("{what} is {}, not `{}`", list(&words, "or"), text.text),
            )
            .label("nobody could tell what is meant: it is none of them")
            .help(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write `{}`", words.first().unwrap_or(&"")),
            }),
        );
        None
    }

    /// Checks the spelling of a name that is being given.
    pub fn new_name(&mut self, name: &Name, what: &str) -> bool {
        if looks_like_name(&name.text) {
            return true;
        }
        if name.text.contains(['“', '”', '‘', '’']) {
            let inner = name.text.trim_matches(['“', '”', '‘', '’']);
            self.report(crate::tree::quotes(&name.span, inner));
            return false;
        }
        let suggestion = words::as_name(&name.text);
        let diagnostic =
            Diagnostic::error(codes::NAME, &name.span, format!("`{}` is no name for {what}", name.text))
                .label("names are small letters, digits and hyphens, and begin with a letter");
        self.report(match suggestion {
            Some(suggestion) => diagnostic.help(format!("write `{suggestion}`")),
            None => diagnostic.help("write a name such as `ask-code`"),
        });
        false
    }

    /// A key of the telephone.
    pub fn key(&mut self, node: &Node, what: &str, head: &Span) -> Option<char> {
        let text = self.text(node, what, head)?;
        let mut keys = text.text.chars();
        match (keys.next(), keys.next()) {
            (Some(key), None) if is_key(key) => Some(key),
            _ => {
                self.report(no_such_key(&text, what));
                None
            }
        }
    }
}

/// No telephone has this key.
pub(crate) fn no_such_key(text: &Name, what: &str) -> Diagnostic {
    Diagnostic::error(
        codes::NOT_A_KEY,
        &text.span,
        format!("{what} is a key of the telephone, and `{}` is none", text.text),
    )
    .label("no caller can press it")
    .help("use \"0\" to \"9\", \"*\" or \"#\"")
}

pub(crate) fn is_key(key: char) -> bool {
    key.is_ascii_digit() || key == '*' || key == '#'
}

fn shape_help(expected: &str, node: &Node) -> String {
    match (expected, node.scalar()) {
        ("a list", Some(text)) => format!("write `[{text}]`"),
        ("a list", None) => "begin each line with `- `".into(),
        ("a text", _) => "write it on the same line, after the colon".into(),
        _ => "write `key: value` on the lines below, two spaces further in".into(),
    }
}

fn unknown_key(key: &Name, what: &str, known: &[&str], near: Option<&str>) -> Diagnostic {
    let bare = key.text.trim_matches(['“', '”', '‘', '’']);
    if bare != key.text {
        return crate::tree::quotes(&key.span, bare);
    }
    if let Some((word, _)) = key.text.split_once('：') {
        return crate::tree::colon_fullwidth(&key.span.part(word.len()..word.len() + '：'.len_utf8()), word);
    }
    let diagnostic =
        Diagnostic::error(codes::UNKNOWN_KEY, &key.span, format!("{what} has no word `{}`", key.text))
            .label("nothing would come of this line");
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(format!("remove it; known here: {}", known.join(", "))),
    }
}

impl<'n> Table<'n> {
    /// The value under a word.
    pub fn find(&self, word: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.key.text == word).map(|entry| &entry.value)
    }

    /// Where the word itself stands.
    pub fn key_span(&self, word: &str) -> Span {
        self.entries
            .iter()
            .find(|entry| entry.key.text == word)
            .map_or_else(|| self.head.clone(), |entry| entry.key.span.clone())
    }

    /// Where the whole table's name stands.
    pub fn head(&self) -> &Span {
        &self.head
    }

    /// The value under a word that must be there.
    pub fn need(&self, reader: &mut Reader, word: &'static str, label: &str, help: &str) -> Option<&'n Node> {
        self.need_as(reader, codes::MISSING_KEY, word, label, help)
    }

    /// The same, reported under another code.
    pub fn need_as(
        &self,
        reader: &mut Reader,
        code: Code,
        word: &'static str,
        label: &str,
        help: &str,
    ) -> Option<&'n Node> {
        let found = self.find(word);
        if found.is_none() && !self.meant.contains(&word) {
            reader.report(
                Diagnostic::error(code, &self.head, format!("{} needs `{word}`", self.what))
                    .label(label)
                    .help(help),
            );
        }
        found
    }
}

/// The place of a scalar's own characters: without quotation marks.
pub(crate) fn inner(node: &Node) -> Span {
    let text = node.span.text();
    if text.len() >= 2 && text.starts_with(['"', '\'']) {
        node.span.part(1..text.len() - 1)
    } else {
        node.span.clone()
    }
}

/// A span cut to its first line, so that a mark stays small.
pub(crate) fn first_line(span: &Span) -> Span {
    let end = span.text().find('\n').unwrap_or(span.text().len());
    span.part(0..end)
}

/// `a, b or c`.
pub(crate) fn list(words: &[&str], joint: &str) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [init @ .., last] => format!("{} {joint} {last}", init.join(", ")),
    }
}
