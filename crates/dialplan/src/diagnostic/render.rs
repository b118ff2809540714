//! Diagnostics as text for people, as one line, and as JSON for editors.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use super::{Diagnostic, Label, Severity};

/// The whole message with the source beside it, as a compiler shows it. `colour` writes ANSI
/// escapes.
pub fn full(diagnostic: &Diagnostic, colour: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let primary = &diagnostic.primary;
    let annotate = |kind: AnnotationKind, label: &Label| {
        let mut annotation = kind.span(visible(label));
        if !label.text.is_empty() {
            annotation = annotation.label(label.text.clone());
        }
        annotation
    };
    let mut here = Snippet::source(primary.span.file.text())
        .path(primary.span.file.path())
        .annotation(annotate(AnnotationKind::Primary, primary));
    let mut elsewhere = Vec::new();
    for label in &diagnostic.secondary {
        if label.span.file == primary.span.file {
            here = here.annotation(annotate(AnnotationKind::Context, label));
        } else {
            elsewhere.push(
                Snippet::source(label.span.file.text())
                    .path(label.span.file.path())
                    .annotation(annotate(AnnotationKind::Context, label)),
            );
        }
    }
    let mut group: Group<'_> =
        level.primary_title(diagnostic.message.clone()).id(diagnostic.code.id).element(here);
    for snippet in elsewhere {
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.clone()));
    }
    if let Some(note) = &diagnostic.note {
        group = group.element(Level::NOTE.message(note.clone()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.decor_style(DecorStyle::Ascii).term_width(140).render(&[group]).to_string()
}

/// A span that can be seen: never empty, never over the end of its line.
fn visible(label: &Label) -> std::ops::Range<usize> {
    let text = label.span.file.text();
    let mut start = label.span.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let line_end = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
    let mut end = label.span.end.clamp(start, line_end);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    if end == start {
        end = text[start..line_end].chars().next().map_or(start, |c| start + c.len_utf8());
    }
    start..end
}

/// One line: `file:line:column: error[D201]: no step is called …`.
pub fn concise(diagnostic: &Diagnostic) -> String {
    let (line, column) = diagnostic.primary.span.line_column();
    format!(
        "{}:{line}:{column}: {}[{}]: {}",
        diagnostic.primary.span.file.path(),
        diagnostic.severity.word(),
        diagnostic.code.id,
        diagnostic.message
    )
}

/// The same data for editors: lines and columns count from 1, columns in characters.
pub fn json(diagnostic: &Diagnostic) -> Value {
    let label = |label: &Label| {
        let (line, column) = label.span.line_column();
        let (end_line, end_column) = label.span.file.line_column(label.span.end);
        json!({
            "file": label.span.file.path(),
            "line": line, "column": column, "end-line": end_line, "end-column": end_column,
            "text": label.text,
        })
    };
    json!({
        "code": diagnostic.code.id,
        "severity": diagnostic.severity.word(),
        "message": diagnostic.message,
        "primary": label(&diagnostic.primary),
        "secondary": diagnostic.secondary.iter().map(label).collect::<Vec<_>>(),
        "help": diagnostic.help,
        "note": diagnostic.note,
    })
}
