//! SIP messages: read from bytes, asked by type, written to bytes (RFC 3261 §7).
//!
//! A [`Message`] is one [`Bytes`] and a list of ranges into it: reading allocates the list and nothing per
//! header. Header values are bytes, because not every trunk speaks UTF-8.

mod frame;
mod header;
mod limits;
mod method;
mod multipart;
mod name_addr;
mod parse;
mod uri;
mod via;
mod write;

use std::ops::Range;

use bytes::Bytes;

pub use frame::{Frame, FrameError, StreamFramer};
pub use header::{Name, Params, Values};
pub use limits::Limits;
pub use method::Method;
pub use multipart::find_part;
pub use name_addr::{NameAddr, NameAddrError};
pub use parse::{Framing, ParseError, ParseErrorKind};
pub use uri::{Scheme, Uri, UriError, unescape};
pub use via::{Via, ViaError};
pub use write::{Writer, reason_phrase};

pub(crate) use header::{is_token, number, unquote};
pub(crate) use uri::parse_ip;

/// A request or a response.
#[derive(Clone, Debug)]
pub struct Message {
    bytes: Bytes,
    start: Start,
    headers: Vec<Field>,
    body: Span,
}

/// What the first line says.
#[derive(Clone, Copy, Debug)]
enum Start {
    Request { method: Method, name: Span, uri: Span },
    Response { code: u16, reason: Span },
}

/// A range of the message's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: u32,
    to: u32,
}

impl Span {
    fn new(range: Range<usize>) -> Span {
        // A message is at most 64 KB, and `Message::parse` refuses what does not fit.
        Span { from: range.start as u32, to: range.end as u32 }
    }

    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// One header field.
#[derive(Clone, Copy, Debug)]
struct Field {
    name: Name,
    written: Span,
    value: Span,
}

/// CSeq: a number and the method it counts (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Below 2³¹.
    pub number: u32,
    /// The method.
    pub method: Method,
    /// The method's name as written.
    pub name: &'a [u8],
}

impl Message {
    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The request's method; `None` in a response.
    pub fn method(&self) -> Option<Method> {
        match self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// The request's method as written; empty in a response.
    pub fn method_name(&self) -> &[u8] {
        match self.start {
            Start::Request { name, .. } => name.of(&self.bytes),
            Start::Response { .. } => &[],
        }
    }

    /// The Request-URI as written; empty in a response.
    pub fn request_uri_bytes(&self) -> &[u8] {
        match self.start {
            Start::Request { uri, .. } => uri.of(&self.bytes),
            Start::Response { .. } => &[],
        }
    }

    /// The Request-URI, if it is a URI.
    pub fn request_uri(&self) -> Option<Uri<'_>> {
        Uri::parse(self.request_uri_bytes()).ok()
    }

    /// The status code, 100 to 699; `None` in a request.
    pub fn code(&self) -> Option<u16> {
        match self.start {
            Start::Response { code, .. } => Some(code),
            Start::Request { .. } => None,
        }
    }

    /// The reason phrase; empty in a request.
    pub fn reason(&self) -> &[u8] {
        match self.start {
            Start::Response { reason, .. } => reason.of(&self.bytes),
            Start::Request { .. } => &[],
        }
    }

    /// The body, cut to Content-Length.
    pub fn body(&self) -> Bytes {
        self.bytes.slice(self.body.from as usize..self.body.to as usize)
    }

    /// The body, borrowed.
    pub fn body_bytes(&self) -> &[u8] {
        self.body.of(&self.bytes)
    }

    /// Every header field in order: name as written, value with folds turned into spaces.
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.headers.iter().map(|field| (field.written.of(&self.bytes), field.value.of(&self.bytes)))
    }

    /// The values of each field of this name, whole.
    pub fn all(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.headers.iter().filter(move |field| field.name == name).map(|field| field.value.of(&self.bytes))
    }

    /// The value of the first field of this name.
    pub fn find(&self, name: Name) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first field of a name that has no [`Name`], in any case.
    pub fn find_other(&self, name: &str) -> Option<&[u8]> {
        self.fields()
            .find(|(written, _)| written.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Every value of this name, fields in order and divided at commas; empty ones left out.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        self.all(name).flat_map(Values::new).filter(|value| !value.is_empty())
    }

    /// Whether the list `name` holds the token `wanted`, in any case.
    pub fn has_token(&self, name: Name, wanted: &str) -> bool {
        self.values(name).any(|value| value.eq_ignore_ascii_case(wanted.as_bytes()))
    }

    /// The topmost Via.
    pub fn via(&self) -> Option<Via<'_>> {
        self.values(Name::Via).next().and_then(|value| Via::parse(value).ok())
    }

    /// The first value of a name-addr header.
    pub fn name_addr(&self, name: Name) -> Option<NameAddr<'_>> {
        self.values(name).next().and_then(|value| NameAddr::parse(value).ok())
    }

    /// From.
    pub fn from(&self) -> Option<NameAddr<'_>> {
        self.find(Name::From).and_then(|value| NameAddr::parse(value).ok())
    }

    /// To.
    pub fn to(&self) -> Option<NameAddr<'_>> {
        self.find(Name::To).and_then(|value| NameAddr::parse(value).ok())
    }

    /// The first Contact; `None` too for `*`.
    pub fn contact(&self) -> Option<NameAddr<'_>> {
        self.name_addr(Name::Contact)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Option<&str> {
        std::str::from_utf8(self.find(Name::CallId)?).ok().filter(|text| !text.is_empty())
    }

    /// CSeq.
    pub fn cseq(&self) -> Option<CSeq<'_>> {
        let value = self.find(Name::CSeq)?;
        let end = value.iter().position(|byte| !byte.is_ascii_digit())?;
        let name = value[end..].trim_ascii();
        let number = number(&value[..end]).filter(|&number| number < 1 << 31)?;
        (is_token(name) && name.len() < value.len() - end).then_some(CSeq {
            number,
            method: Method::from_bytes(name),
            name,
        })
    }

    /// A header that is one number, such as Max-Forwards or Min-SE; parameters and comments are cut off.
    pub fn number(&self, name: Name) -> Option<u32> {
        let value = self.find(name)?;
        let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
        number(&value[..end])
    }

    /// Content-Type without parameters, as written.
    pub fn content_type(&self) -> Option<&str> {
        let value = self.find(Name::ContentType)?;
        let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
        std::str::from_utf8(value[..end].trim_ascii()).ok()
    }

    /// The SDP: the body itself, or the part of a multipart body that is `application/sdp`.
    pub fn sdp(&self) -> Option<Bytes> {
        find_part(self.find(Name::ContentType)?, &self.body(), "application/sdp")
    }

    /// The message as it was received, folds turned into spaces.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }
}
