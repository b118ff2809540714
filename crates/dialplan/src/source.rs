//! A source file and places in it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One file as a designer wrote it.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: String,
    text: String,
    /// Byte offset of the first character of each line.
    lines: Vec<usize>,
}

impl SourceFile {
    /// Takes a file's path, as it is shown in messages, and its text; a byte order mark, which some editors write
    /// first, is no part of it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let mut text = text.into();
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Arc::new(Self { path: path.into(), text, lines })
    }

    /// The path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line (from 1) and column (from 1, in characters) of a byte.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= byte).max(1);
        let start = self.lines[line - 1];
        let column = self.text.get(start..byte).map_or(1, |before| before.chars().count() + 1);
        (line, column)
    }

    /// The bytes of a line (from 1) without its end.
    pub fn line(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line).map_or(self.text.len(), |&next| next - 1);
        let end = if end > start && self.text.as_bytes()[end - 1] == b'\r' { end - 1 } else { end };
        start..end.max(start)
    }

    /// How many lines there are.
    pub fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The byte at a line (from 1) and a column (from 0, in characters), as YAML parsers count.
    pub(crate) fn byte_at(&self, line: usize, column: usize) -> usize {
        let range = self.lines.get(line.wrapping_sub(1)).copied().unwrap_or(self.text.len())..self.text.len();
        let rest = &self.text[range.clone()];
        rest.char_indices().nth(column).map_or(self.text.len(), |(at, _)| range.start + at)
    }

    /// A place in this file.
    pub fn span(self: &Arc<Self>, range: Range<usize>) -> Span {
        Span { file: Arc::clone(self), start: range.start, end: range.end.max(range.start) }
    }
}

/// A place in a source file: bytes `start..end`.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub file: Arc<SourceFile>,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// Line and column (both from 1) of its beginning.
    pub fn line_column(&self) -> (usize, usize) {
        self.file.line_column(self.start)
    }

    /// Its line, from 1.
    pub fn line(&self) -> usize {
        self.line_column().0
    }

    /// The text it covers.
    pub fn text(&self) -> &str {
        self.file.text.get(self.start..self.end).unwrap_or_default()
    }

    /// A part of it, by bytes counted from its beginning.
    pub fn part(&self, range: Range<usize>) -> Self {
        let place = |at: usize| {
            let mut at = (self.start + at).min(self.file.text.len());
            while !self.file.text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        self.file.span(place(range.start)..place(range.end))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.file.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_may_end_like_on_windows() {
        let file = SourceFile::new("a.yaml", "a: 您好\r\nb: c\n");
        assert_eq!(file.line_column(file.text().find('好').unwrap()), (1, 5));
        assert_eq!(&file.text()[file.line(1)], "a: 您好");
        assert_eq!(&file.text()[file.line(2)], "b: c");
        assert_eq!(file.byte_at(1, 4), file.text().find('好').unwrap());
        assert_eq!(file.line(99), file.text().len()..file.text().len());
    }
}
