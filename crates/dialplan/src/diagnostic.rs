//! What is wrong with a file, as data; `full`, `concise` and `json` render it.

pub mod codes;
mod render;

pub use codes::{Code, explain};
pub use render::{concise, full, json};

use std::collections::BTreeMap;

use crate::source::Span;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The plan cannot run.
    Error,
    /// The plan runs, and a caller would thank us for the hint.
    Warning,
}

impl Severity {
    /// The word shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A place and what to say beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said; empty for a bare mark.
    pub text: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its stable code.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, complete in one line.
    pub message: String,
    /// Where, and what the caller would hear.
    pub primary: Label,
    /// Places that it conflicts with.
    pub secondary: Vec<Label>,
    /// What to write instead: text that can be typed in.
    pub help: Option<String>,
    /// One more fact.
    pub note: Option<String>,
}

impl Diagnostic {
    /// An error; the rest is added by the methods below.
    pub fn error(code: Code, span: &Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span: span.clone(), text: String::new() },
            secondary: Vec::new(),
            help: None,
            note: None,
        }
    }

    /// A warning.
    pub fn warning(code: Code, span: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says beside the place what the caller would hear.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Marks another place.
    #[must_use]
    pub fn also(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Whether it keeps the plan from running.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// How many findings of one file are shown.
pub(crate) const SHOWN: usize = 200;

/// Puts findings in the order of their places and keeps the first [`SHOWN`] of each file, errors before warnings,
/// with a last one that tells how many more there are.
pub(crate) fn arrange(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut files: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for finding in found {
        match files.get_mut(finding.primary.span.file.path()) {
            Some(of_file) => of_file.push(finding),
            None => {
                files.insert(finding.primary.span.file.path().to_owned(), vec![finding]);
            }
        }
    }
    let place = |finding: &Diagnostic| (finding.primary.span.start, finding.severity);
    let mut arranged = Vec::new();
    for mut of_file in files.into_values() {
        of_file.sort_by_key(place);
        of_file.dedup();
        let mut more = None;
        if of_file.len() > SHOWN {
            of_file.sort_by_key(|finding| finding.severity);
            let mut rest = of_file.split_off(SHOWN);
            rest.sort_by_key(place);
            more = too_many(&rest);
            of_file.sort_by_key(place);
        }
        arranged.append(&mut of_file);
        arranged.extend(more);
    }
    arranged
}

/// Says how many findings are not shown.
fn too_many(rest: &[Diagnostic]) -> Option<Diagnostic> {
    let first = rest.first()?;
    let errors = rest.iter().filter(|finding| finding.is_error()).count();
    let kinds = match (errors, rest.len() - errors) {
        (0, warnings) => format!("{warnings} more warnings"),
        (errors, 0) => format!("{errors} more errors"),
        (errors, warnings) => format!("{errors} more errors and {warnings} more warnings"),
    };
    let severity = rest.iter().map(|finding| finding.severity).min()?;
    let message = format!("this file has {kinds}");
    Some(
        Diagnostic { severity, ..Diagnostic::error(codes::TOO_MANY, &first.primary.span, message) }
            .label("the first of them is here")
            .help("mend those above and check again: many of these may follow from them"),
    )
}

/// The name among `known` that is close to `wrong`, if any is: at most a third of its letters
/// differ, swaps of neighbours counted once.
pub(crate) fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = match wrong.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    known
        .into_iter()
        .map(|name| (distance(wrong, name, allowed), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Restricted Damerau-Levenshtein distance; more than `allowed` is told as `usize::MAX`.
fn distance(a: &str, b: &str, allowed: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    if a.len().abs_diff(b.len()) > allowed {
        return usize::MAX;
    }
    let mut rows = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let differs = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + differs);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn did_you_mean_only_when_close() {
        let known = ["support", "to-a-human", "hear"];
        assert_eq!(closest("suport", known), Some("support"));
        assert_eq!(closest("haer", known), Some("hear"));
        assert_eq!(closest("billing", known), None);
        assert_eq!(closest("", known), None);
    }
}
