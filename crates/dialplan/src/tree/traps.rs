//! What people stumble over in YAML, recognised by the line it stands on.

use std::sync::Arc;

use super::{Name, Node};
use crate::diagnostic::{Diagnostic, codes};
use crate::source::{SourceFile, Span};

/// A slip that was recognised, and the text with it mended: every byte keeps its place.
pub(super) struct Trap {
    pub diagnostic: Diagnostic,
    pub mended: String,
}

/// How many lines below the beginning of a text its tab is looked for.
const TAB_BELOW: usize = 50;

/// Looks for the slip behind a fault that YAML reports at `line`: on the line itself, then on the
/// lines before it.
pub(super) fn find(file: &Arc<SourceFile>, copy: &str, line: usize, info: &str, alias: bool) -> Option<Trap> {
    if info.contains("found a tab")
        && let Some(trap) = tab_below(file, copy, line)
    {
        return Some(trap);
    }
    let first = line.saturating_sub(3).max(1);
    let mut lines: Vec<usize> = (first..=line).rev().collect();
    if alias {
        // The parser knows the exact line of an alias.
        lines.truncate(1);
    }
    let kinds: [fn(&Line<'_>) -> Option<Trap>; 7] =
        [tab, fullwidth, star, braces_with_words, braces_in_table, colon, sign];
    if let Some(trap) = open_quote(file, copy, line) {
        return Some(trap);
    }
    kinds.iter().find_map(|kind| {
        lines.iter().find_map(|&line| {
            let range = file.line(line);
            let text = copy.get(range.clone())?;
            let is_comment = text.trim_start().starts_with('#');
            if is_comment { None } else { kind(&Line { file, copy, start: range.start, text }) }
        })
    })
}

struct Line<'a> {
    file: &'a Arc<SourceFile>,
    copy: &'a str,
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn span(&self, range: std::ops::Range<usize>) -> Span {
        self.file.span(self.start + range.start..self.start + range.end)
    }

    /// The file with some bytes of this line replaced by as many others.
    fn mend(&self, diagnostic: Diagnostic, pieces: &[(usize, &str)]) -> Option<Trap> {
        let mut bytes = self.copy.as_bytes().to_vec();
        for (at, piece) in pieces {
            let at = self.start + at;
            bytes.get_mut(at..at + piece.len())?.copy_from_slice(piece.as_bytes());
        }
        Some(Trap { diagnostic, mended: String::from_utf8(bytes).ok()? })
    }

    /// Where the value of `key: value` or `- value` begins, if it is not quoted; without white
    /// space at either end.
    fn value(&self) -> Option<std::ops::Range<usize>> {
        let indent = self.text.len() - self.text.trim_start().len();
        let mut at = indent;
        let mut is_value = false;
        while self.text[at..].starts_with("- ") {
            is_value = true;
            at += 2;
            at += self.text[at..].len() - self.text[at..].trim_start().len();
        }
        if !self.text[at..].starts_with(['"', '\'']) {
            if let Some(colon) = self.text[at..].find(": ") {
                is_value = true;
                at += colon + 2;
                at += self.text[at..].len() - self.text[at..].trim_start().len();
            }
        } else if let Some(colon) = self.text[at..].find("\": ").or_else(|| self.text[at..].find("': ")) {
            is_value = true;
            at += colon + 3;
            at += self.text[at..].len() - self.text[at..].trim_start().len();
        }
        let end = self.text.trim_end().len();
        (is_value && at < end).then_some(at..end)
    }

    fn key(&self) -> Option<(usize, &str)> {
        let at = self.text.len() - self.text.trim_start().len();
        let rest = &self.text[at..];
        let colon = rest.find(':')?;
        Some((at, &rest[..colon]))
    }
}

/// A text may go on over lines, so the parser tells the line where one begins and not the one with the tab.
fn tab_below(file: &Arc<SourceFile>, copy: &str, line: usize) -> Option<Trap> {
    (line..=file.line_count().min(line + TAB_BELOW)).find_map(|line| {
        let range = file.line(line);
        tab(&Line { file, copy, start: range.start, text: copy.get(range)? })
    })
}

fn tab(line: &Line<'_>) -> Option<Trap> {
    let indent = &line.text[..line.text.len() - line.text.trim_start().len()];
    let tab = indent.find('\t')?;
    let width = indent.bytes().filter(|&b| b == b'\t').count();
    let diagnostic =
        Diagnostic::error(codes::TAB, &line.span(tab..indent.len()), "this line is indented with a tab")
            .label("YAML counts spaces only, so nobody can tell which step this line belongs to")
            .help(format!(
                "write {} spaces instead of the tab{}",
                2 * width,
                if width == 1 { "" } else { "s" }
            ))
            .note("most editors turn tabs into spaces for YAML: in VS Code `\"editor.insertSpaces\": true`");
    let spaces = " ".repeat(indent.len());
    line.mend(diagnostic, &[(0, &spaces)])
}

fn fullwidth(line: &Line<'_>) -> Option<Trap> {
    let at = line.text.len() - line.text.trim_start().len();
    let rest = &line.text[at..];
    let quote = ['“', '”', '＂', '‘', '’'].into_iter().find(|&quote| rest.starts_with(quote));
    if let Some(open) = quote {
        let close = rest[open.len_utf8()..].find(['“', '”', '＂', '‘', '’']).map(|c| c + open.len_utf8());
        let end = close.map_or(open.len_utf8(), |c| c + '”'.len_utf8());
        let diagnostic = quotes(
            &line.span(at..at + end),
            rest.get(open.len_utf8()..close.unwrap_or(end)).unwrap_or_default(),
        );
        return line.mend(diagnostic, &[(at, "___")]);
    }
    let colon = rest.find('：')?;
    let key = rest.get(..colon)?.trim_start_matches("- ");
    let is_key = !key.is_empty()
        && key.chars().all(|c| c.is_ascii_alphanumeric() || "-\"'*#".contains(c))
        && !rest[..colon].contains(": ");
    if !is_key {
        return None;
    }
    let place = line.span(at + colon..at + colon + '：'.len_utf8());
    line.mend(colon_fullwidth(&place, key), &[(at + colon, ":  ")])
}

/// `：` where `: ` was meant.
pub(crate) fn colon_fullwidth(place: &Span, key: &str) -> Diagnostic {
    Diagnostic::error(codes::FULL_WIDTH, place, format!("`{key}` is followed by a full-width colon `：`"))
        .label("YAML does not see a colon here, so this line says nothing to the caller")
        .help(format!("write `{key}: ` with the colon and the space of the English keyboard"))
        .note("full-width punctuation is welcome inside prompts, never in YAML's own signs")
}

/// `“…”` where `"…"` was meant.
pub(crate) fn quotes(place: &Span, inner: &str) -> Diagnostic {
    let is_key = inner.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') && !inner.is_empty();
    let label = if is_key {
        format!("YAML takes the marks for part of the key: callers who press {inner} would get no answer")
    } else {
        "YAML takes the marks for part of the word, so it means nothing here".to_owned()
    };
    Diagnostic::error(codes::FULL_WIDTH, place, "these are the quotation marks of a text, not of YAML")
        .label(label)
        .help(format!("write `\"{inner}\"`"))
        .note("full-width punctuation is welcome inside prompts, never in YAML's own signs")
}

fn star(line: &Line<'_>) -> Option<Trap> {
    if let Some((at, key)) = line.key().filter(|(_, key)| key.trim_start_matches("- ").trim() == "*") {
        let at = at + key.find('*').unwrap_or_default();
        let diagnostic = unquoted_key('*', &line.span(at..at + 1));
        return line.mend(diagnostic, &[(at, "_")]);
    }
    let value = line.value()?;
    if !line.text[value.clone()].starts_with('*') {
        return None;
    }
    let word = line.text[value.clone()].split(' ').next().unwrap_or("*");
    let end = value.start + word.len();
    let diagnostic = Diagnostic::error(
        codes::UNQUOTED_KEY,
        &line.span(value.start..end),
        format!("`{word}` stands without quotes"),
    )
    .label("YAML keeps `*` for itself: the caller's star key would do nothing here")
    .help(format!("write `\"{word}\"`"));
    line.mend(diagnostic, &[(value.start, "_")])
}

fn unquoted_key(key: char, span: &Span) -> Diagnostic {
    let (name, why) = if key == '*' {
        ("star", "YAML keeps `*` for itself")
    } else {
        ("pound", "YAML takes the rest of the line for a comment")
    };
    Diagnostic::error(codes::UNQUOTED_KEY, span, format!("the key `{key}` stands without quotes"))
        .label(format!("{why}: callers who press {name} would get no answer"))
        .help(format!("write `\"{key}\":`"))
}

/// `#: step` is a comment to YAML and would vanish without a word.
pub(super) fn comments_that_were_keys(file: &Arc<SourceFile>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for line in 1..=file.line_count() {
        let range = file.line(line);
        let text = &file.text()[range.clone()];
        let at = text.len() - text.trim_start().len();
        let rest = &text[at..];
        if let Some(after) = rest.strip_prefix("#:")
            && after.trim().chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !after.trim().is_empty()
        {
            found.push(unquoted_key('#', &file.span(range.start + at..range.start + at + 1)));
        } else if let Some(colon) = rest.find("key: #") {
            let at = range.start + at + colon + 5;
            found.push(
                Diagnostic::error(codes::UNQUOTED_KEY, &file.span(at..at + 1), "`#` stands without quotes")
                    .label("YAML takes it for a comment: the caller's pound key would end nothing")
                    .help("write `\"#\"`"),
            );
        }
    }
    found
}

fn braces_with_words(line: &Line<'_>) -> Option<Trap> {
    let value = line.value()?;
    let text = &line.text[value.clone()];
    if !text.starts_with("{{") {
        return None;
    }
    let diagnostic = braces(&line.span(value.clone()));
    let plain: String = text.chars().map(|c| if "{}:|#\"'".contains(c) { '_' } else { c }).collect();
    line.mend(diagnostic, &[(value.start, &plain)])
}

/// `{ en-US: You have {{ n | number }}. }`: inside a table in braces every text with a value needs
/// quotes.
fn braces_in_table(line: &Line<'_>) -> Option<Trap> {
    let value = line.value()?;
    let text = &line.text[value.clone()];
    if !text.starts_with('{') || text.starts_with("{{") {
        return None;
    }
    let quoted = |at: usize| text[..at].matches('"').count() % 2 == 1;
    let open = text.match_indices("{{").map(|(at, _)| at).find(|&at| !quoted(at))?;
    let close = open + text[open..].find("}}")? + 2;
    let begin = text[..open].rfind([',', '{']).map_or(0, |at| at + 1);
    let begin = text[begin..open].find(": ").map_or(begin, |colon| begin + colon + 2);
    let end = close + text[close..].find([',', '}']).unwrap_or(text.len() - close);
    let words = text[begin..end].trim();
    let place = line.span(value.start + open..value.start + open + 2);
    let diagnostic = Diagnostic::error(
        codes::BRACES,
        &place,
        "a text with a value stands without quotes inside a table in braces",
    )
    .label("YAML takes the brace for the beginning of another table: the caller would hear nothing")
    .help(format!("write \"{words}\""));
    let plain: String = text
        .char_indices()
        .map(|(at, c)| if (open..close).contains(&at) && c.is_ascii() { '_' } else { c })
        .collect();
    line.mend(diagnostic, &[(value.start, &plain)])
}

/// A text that begins with a value and stands without quotes.
pub(super) fn braces(written: &Span) -> Diagnostic {
    let text = written.text().trim_end();
    let place = written.part(0..2);
    let quoted =
        if text.contains('"') { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") };
    Diagnostic::error(codes::BRACES, &place, "a text that begins with `{{` stands without quotes")
        .label("YAML takes the brace for the beginning of a table: the caller would hear nothing")
        .help(format!("write {quoted}"))
}

/// A text in quotes that is never closed: the parser reads on to the next quotation mark, or to
/// the end.
fn open_quote(file: &Arc<SourceFile>, copy: &str, line: usize) -> Option<Trap> {
    (1..=line).find_map(|line| {
        let range = file.line(line);
        let text = copy.get(range.clone())?;
        let line = Line { file, copy, start: range.start, text };
        let value = line.value()?;
        let words = &text[value.clone()];
        let rest = words.strip_prefix('"')?;
        let marks = rest.matches('"').count() - rest.matches("\\\"").count();
        if marks > 0 || rest.ends_with('\\') {
            return None;
        }
        let diagnostic = Diagnostic::error(
            codes::SYNTAX,
            &line.span(value.start..value.start + 1),
            "a quotation mark is opened and never closed",
        )
        .label("everything from here on is taken for one text: the caller would hear the plan read aloud")
        .help(format!("write {words}\""));
        let plain: String = words.chars().map(|c| if "\":#{}[]".contains(c) { '_' } else { c }).collect();
        line.mend(diagnostic, &[(value.start, &plain)])
    })
}

fn colon(line: &Line<'_>) -> Option<Trap> {
    let value = line.value()?;
    let text = &line.text[value.clone()];
    if text.starts_with(['"', '\'', '{', '[', '|', '>']) {
        return None;
    }
    let colon = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1))?;
    let at = value.start + colon;
    let quoted =
        if text.contains('"') { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") };
    let diagnostic = Diagnostic::error(
        codes::COLON,
        &line.span(at..at + 1),
        "a colon inside a text that stands without quotes",
    )
    .label("YAML takes the words before it for a key: the caller would hear none of this sentence")
    .help(format!("write {quoted}"));
    let plain: String = text.chars().map(|c| if c == ':' || c == '#' { '_' } else { c }).collect();
    line.mend(diagnostic, &[(value.start, &plain)])
}

fn sign(line: &Line<'_>) -> Option<Trap> {
    let value = line.value()?;
    let text = &line.text[value.clone()];
    let first = text.chars().next().filter(|c| "@`%&!".contains(*c))?;
    let diagnostic = Diagnostic::error(
        codes::SYNTAX,
        &line.span(value.start..value.start + 1),
        format!("a text that begins with `{first}` stands without quotes"),
    )
    .label("YAML keeps this sign for itself: the caller would hear nothing")
    .help(format!("write \"{text}\""));
    line.mend(diagnostic, &[(value.start, "_")])
}

/// The same key twice in one table.
pub(super) fn duplicate(again: &Name, first: &Name, value: &Node) -> Diagnostic {
    let key = &again.text;
    let is_key = key.chars().all(|c| "0123456789*#".contains(c)) && !key.is_empty();
    let label = if is_key {
        format!("callers who press {key} would be sent to one place only")
    } else {
        "only one of the two would be heard".to_owned()
    };
    let help = match value.scalar() {
        Some(text) if is_key => format!("give `{text}` a key of its own, or remove this line"),
        _ => format!("rename the second `{key}`, or remove it"),
    };
    Diagnostic::error(codes::DUPLICATE, &again.span, format!("`{key}` stands twice in the same table"))
        .label(label)
        .also(&first.span, "the first one is here")
        .help(help)
}

/// A fault of the YAML that is none of the known slips.
pub(super) fn unknown(file: &Arc<SourceFile>, line: usize, byte: usize, info: &str) -> Diagnostic {
    let range = file.line(line);
    let text = &file.text()[range.clone()];
    let first = range.start + (text.len() - text.trim_start().len());
    let at = if range.contains(&byte) { byte } else { first };
    let (message, label, help) = explain(info, text);
    Diagnostic::error(codes::SYNTAX, &file.span(at..at), message).label(label).help(help)
}

fn explain(info: &str, line: &str) -> (String, &'static str, String) {
    let quotes = line.matches('"').count() % 2 == 1;
    if quotes || info.contains("unexpected end of stream") || info.contains("quoted scalar") {
        return (
            "a quotation mark is opened and never closed".into(),
            "everything from here on is taken for one text",
            "close the text with `\"` at its end; inside it write `\\\"` for a quotation mark".into(),
        );
    }
    if info.contains("indentation") || info.contains("block") || info.contains("key") {
        return (
            "this line does not fit the lines above it".into(),
            "nobody can tell which step or prompt it belongs to",
            "begin it in the same column as its neighbours, as `key: value`".into(),
        );
    }
    (
        format!("this cannot be read as YAML: {info}"),
        "nothing below this line can be understood",
        "put the text in quotes".into(),
    )
}
