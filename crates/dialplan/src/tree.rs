//! YAML 1.2 with the place of everything: what lowering reads.

mod build;
mod traps;

pub(crate) use build::parse;
pub(crate) use traps::{colon_fullwidth, quotes};

use crate::source::Span;

/// A piece of YAML and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Nothing was written.
    Nothing,
    /// A word, a number, a sentence.
    Scalar { text: String, style: Style },
    /// `- …`
    List(Vec<Node>),
    /// `key: …`
    Map(Vec<Entry>),
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Quoted,
    Block,
}

/// One `key: value` of a map.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: Name,
    pub value: Node,
}

/// A text and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    pub text: String,
    pub span: Span,
}

impl Node {
    /// What it is, as messages say it.
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::Nothing => "nothing",
            Kind::Scalar { .. } => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a table of `key: value` lines",
        }
    }

    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value under a key.
    pub fn find(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// Whether YAML readers take it for a number: it was not quoted and looks like one.
    pub fn reads_as_number(&self) -> bool {
        let Kind::Scalar { text, style: Style::Plain } = &self.kind else { return false };
        let digits = text.trim_start_matches(['-', '+']);
        digits.starts_with(|c: char| c.is_ascii_digit())
            && (digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '_')
                || digits.parse::<f64>().is_ok()
                || digits.starts_with("0x")
                || digits.starts_with("0o"))
    }
}
