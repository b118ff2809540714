//! Bytes to a message.

use bytes::Bytes;

use super::header::{Values, is_token, number};
use super::{Field, Limits, Message, Method, Name, NameAddr, Span, Start, Via};

/// How the message came: what Content-Length means differs (RFC 3261 §18.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Alone in a datagram: bytes after the body are dropped, a missing Content-Length means "to the end".
    Datagram,
    /// Cut from a stream by [`super::StreamFramer`]: Content-Length is exact.
    Stream,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    /// Not SIP at all: no start line, or a line without colon before any sense appeared.
    #[error("not a SIP message")]
    NotSip,
    /// The start line is malformed.
    #[error("malformed start line")]
    StartLine,
    /// A SIP version other than 2.0.
    #[error("SIP version not supported")]
    Version,
    /// A header line is malformed.
    #[error("malformed header line")]
    HeaderLine,
    /// A header this stack must understand is missing.
    #[error("{0:?} is missing")]
    Missing(Name),
    /// A header this stack must understand is malformed or contradicts another.
    #[error("{0:?} is malformed")]
    Malformed(Name),
    /// The header section has no end, or the body is shorter than Content-Length.
    #[error("message is cut short")]
    Truncated,
    /// A limit of [`Limits`] is passed.
    #[error("message too large")]
    TooLarge,
}

impl ParseErrorKind {
    /// The status code due to a request with this error.
    pub fn code(self) -> u16 {
        match self {
            ParseErrorKind::Version => 505,
            ParseErrorKind::TooLarge => 513,
            _ => 400,
        }
    }
}

/// A message that cannot be used, with as much of it as could be read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{kind}")]
pub struct ParseError {
    /// What is wrong.
    pub kind: ParseErrorKind,
    /// What was read, so that a request can still be answered.
    pub partial: Option<Box<Message>>,
}

impl From<ParseErrorKind> for ParseError {
    fn from(kind: ParseErrorKind) -> ParseError {
        ParseError { kind, partial: None }
    }
}

impl Message {
    /// Reads one message.
    ///
    /// # Errors
    ///
    /// [`ParseError`] names the first fault; for a request, [`ParseErrorKind::code`] is the answer due.
    pub fn parse(bytes: impl Into<Bytes>, framing: Framing, limits: &Limits) -> Result<Message, ParseError> {
        let bytes = unfold(skip_blank_lines(bytes.into()));
        let size_limit = match framing {
            Framing::Datagram => limits.datagram_bytes,
            Framing::Stream => limits.stream_bytes,
        };
        let oversized = bytes.len() > size_limit;
        if bytes.len() > limits.stream_bytes.max(limits.datagram_bytes) {
            return Err(ParseErrorKind::TooLarge.into());
        }
        let (line_end, next) = line(&bytes, 0).ok_or(ParseErrorKind::NotSip)?;
        let (start, mut fault) = start_line(&bytes[..line_end])?;
        let mut message = Message { bytes, start, headers: Vec::with_capacity(20), body: Span::new(0..0) };
        let mut note = |kind: ParseErrorKind| fault = fault.or(Some(kind));
        let body_at = match message.read_headers(next, limits, &mut note) {
            Some(at) => at,
            None => {
                note(ParseErrorKind::Truncated);
                message.bytes.len()
            }
        };
        if oversized {
            note(ParseErrorKind::TooLarge);
        }
        message.cut_body(body_at, framing, limits, &mut note);
        if let Some(kind) = message.find_fault(limits) {
            note(kind);
        }
        match fault {
            None => Ok(message),
            Some(kind) => Err(ParseError { kind, partial: Some(Box::new(message)) }),
        }
    }

    /// Reads header lines from `at`; the answer is where the body begins.
    fn read_headers(
        &mut self,
        mut at: usize,
        limits: &Limits,
        note: &mut impl FnMut(ParseErrorKind),
    ) -> Option<usize> {
        loop {
            let (end, next) = line(&self.bytes, at)?;
            if end == at {
                return Some(next);
            }
            if self.headers.len() == limits.headers || end - at > limits.header_bytes {
                note(ParseErrorKind::TooLarge);
                if self.headers.len() == limits.headers {
                    return None;
                }
                at = next;
                continue;
            }
            match field(&self.bytes, at, end) {
                Some(field) => self.headers.push(field),
                None => note(ParseErrorKind::HeaderLine),
            }
            at = next;
        }
    }

    fn cut_body(
        &mut self,
        at: usize,
        framing: Framing,
        limits: &Limits,
        note: &mut impl FnMut(ParseErrorKind),
    ) {
        let available = self.bytes.len() - at;
        let length = match self.find(Name::ContentLength) {
            None if framing == Framing::Datagram => available,
            None => 0,
            Some(value) => match number(value) {
                Some(length) if length as usize <= available => length as usize,
                Some(_) => {
                    note(ParseErrorKind::Truncated);
                    available
                }
                None => {
                    note(ParseErrorKind::Malformed(Name::ContentLength));
                    0
                }
            },
        };
        if length > limits.body_bytes {
            note(ParseErrorKind::TooLarge);
        }
        self.body = Span::new(at..at + length);
    }

    /// The first header that breaks the rules of RFC 3261 §8.1.1 and §20.
    fn find_fault(&self, limits: &Limits) -> Option<ParseErrorKind> {
        use ParseErrorKind::{Malformed, Missing};
        let mut seen = 0_u64;
        let mut vias = 0;
        for field in &self.headers {
            let value = field.value.of(&self.bytes);
            let bit = 1 << field.name as u64;
            if field.name.is_single() && seen & bit != 0 {
                return Some(Malformed(field.name));
            }
            seen |= bit;
            let sound = match field.name {
                Name::Via => Values::new(value).all(|value| {
                    vias += 1;
                    vias > limits.vias || Via::parse(value).is_ok()
                }),
                Name::From | Name::To => NameAddr::parse(value).is_ok(),
                Name::Contact => {
                    value == b"*" || Values::new(value).all(|value| NameAddr::parse(value).is_ok())
                }
                Name::MaxForwards => number(value).is_some_and(|number| number <= 255),
                Name::Expires if self.is_request() => self.number(Name::Expires).is_some(),
                Name::Route | Name::RecordRoute => {
                    Values::new(value).all(|value| NameAddr::parse(value).is_ok())
                }
                _ => true,
            };
            if !sound {
                return Some(Malformed(field.name));
            }
        }
        if vias > limits.vias {
            return Some(ParseErrorKind::TooLarge);
        }
        for name in [Name::Via, Name::From, Name::To, Name::CallId, Name::CSeq] {
            if seen & (1 << name as u64) == 0 {
                return Some(Missing(name));
            }
        }
        if self.call_id().is_none_or(|id| id.bytes().any(|byte| byte <= b' ')) {
            return Some(Malformed(Name::CallId));
        }
        match self.cseq() {
            Some(cseq) if !self.is_request() || cseq.name == self.method_name() => None,
            _ => Some(Malformed(Name::CSeq)),
        }
    }
}

/// The end of the line at `at` without its line break, and where the next begins. A lone LF ends a line too.
fn line(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let feed = at + bytes.get(at..)?.iter().position(|&byte| byte == b'\n')?;
    let end = if feed > at && bytes[feed - 1] == b'\r' { feed - 1 } else { feed };
    Some((end, feed + 1))
}

/// Reads the first line; a fault beside it means the line could be read, but not all is well.
fn start_line(line: &[u8]) -> Result<(Start, Option<ParseErrorKind>), ParseErrorKind> {
    if line.len() >= 4 && line[..4].eq_ignore_ascii_case(b"SIP/") {
        return status_line(line).map(|start| (start, None));
    }
    let method_end = line.iter().position(|&byte| byte == b' ').ok_or(ParseErrorKind::NotSip)?;
    let version_at =
        line.trim_ascii_end().iter().rposition(|&byte| byte == b' ').ok_or(ParseErrorKind::NotSip)?;
    let version = line[version_at + 1..].trim_ascii();
    if !is_token(&line[..method_end]) || version.len() < 4 || !version[..4].eq_ignore_ascii_case(b"SIP/") {
        return Err(ParseErrorKind::NotSip);
    }
    let uri = Span::new(method_end + 1..version_at.max(method_end + 1));
    let method = Method::from_bytes(&line[..method_end]);
    let start = Start::Request { method, name: Span::new(0..method_end), uri };
    let strict = line.len() == version_at + 1 + version.len();
    let uri = uri.of(line);
    let fault = if !version[4..].eq_ignore_ascii_case(b"2.0") {
        Some(ParseErrorKind::Version)
    } else if !strict
        || uri.is_empty()
        || uri.iter().any(|&byte| byte <= b' ' || byte == b'<' || byte == b'>')
    {
        Some(ParseErrorKind::StartLine)
    } else {
        None
    };
    Ok((start, fault))
}

fn status_line(line: &[u8]) -> Result<Start, ParseErrorKind> {
    let rest = line.get(8..).filter(|_| line[4..7] == *b"2.0" && line[7] == b' ');
    let rest = rest.ok_or(ParseErrorKind::Version)?;
    let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let code = number(&rest[..end]).filter(|code| end == 3 && (100..700).contains(code));
    let code = code.ok_or(ParseErrorKind::StartLine)? as u16;
    let reason = (9 + end).min(line.len());
    Ok(Start::Response { code, reason: Span::new(reason..line.len()) })
}

fn field(bytes: &[u8], at: usize, end: usize) -> Option<Field> {
    let colon = at + bytes[at..end].iter().position(|&byte| byte == b':')?;
    let name_end = at + bytes[at..colon].trim_ascii_end().len();
    if !is_token(&bytes[at..name_end]) {
        return None;
    }
    let value = &bytes[colon + 1..end];
    let from = end - value.trim_ascii_start().len();
    let to = from + value.trim_ascii().len();
    let name = Name::from_bytes(&bytes[at..name_end]);
    Some(Field { name, written: Span::new(at..name_end), value: Span::new(from..to) })
}

/// Line breaks before the start line are ignored (RFC 3261 §7.5).
fn skip_blank_lines(mut bytes: Bytes) -> Bytes {
    let blank = bytes.iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
    bytes::Buf::advance(&mut bytes, blank);
    bytes
}

/// Turns folds (a line break before white space, RFC 3261 §7.3.1) into spaces of the same length.
fn unfold(bytes: Bytes) -> Bytes {
    let head = head_length(&bytes);
    let is_fold = |at: usize| bytes[at] == b'\n' && matches!(bytes.get(at + 1), Some(b' ' | b'\t'));
    if !(0..head).any(is_fold) {
        return bytes;
    }
    let mut copy = bytes.to_vec();
    for at in (0..head).filter(|&at| is_fold(at)) {
        copy[at] = b' ';
        if at > 0 && copy[at - 1] == b'\r' {
            copy[at - 1] = b' ';
        }
    }
    copy.into()
}

/// Bytes up to the empty line, or all.
pub(super) fn head_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some((end, next)) = line(bytes, at) {
        if end == at {
            return at;
        }
        at = next;
    }
    bytes.len()
}
