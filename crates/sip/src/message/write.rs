//! A message to bytes.

use std::fmt::{self, Write as _};

use bytes::Bytes;

use super::{Message, Name};

/// Writes one message into one buffer.
///
/// Values from outside cannot add lines: control bytes become spaces.
#[derive(Debug)]
pub struct Writer {
    buffer: Vec<u8>,
}

impl Writer {
    /// Begins a request.
    pub fn request(method: &str, uri: &str) -> Writer {
        let mut writer = Writer::empty();
        writer.push(method.as_bytes());
        writer.raw(b" ");
        writer.push(uri.as_bytes());
        writer.raw(b" SIP/2.0\r\n");
        writer
    }

    /// Begins a response; without `reason`, the usual phrase.
    pub fn response(code: u16, reason: Option<&str>) -> Writer {
        let mut writer = Writer::empty();
        let _ = write!(writer, "SIP/2.0 {code} {}", reason.unwrap_or(reason_phrase(code)));
        writer.raw(b"\r\n");
        writer
    }

    fn empty() -> Writer {
        Writer { buffer: Vec::with_capacity(1024) }
    }

    /// Adds a header field.
    pub fn header(&mut self, name: Name, value: impl AsRef<[u8]>) -> &mut Writer {
        self.other(name.as_str(), value)
    }

    /// Adds a header field of any name.
    pub fn other(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Writer {
        self.push(name.as_bytes());
        self.raw(b": ");
        self.push(value.as_ref());
        self.raw(b"\r\n")
    }

    /// Adds a header field whose value is formatted.
    pub fn format(&mut self, name: Name, value: fmt::Arguments<'_>) -> &mut Writer {
        self.raw(name.as_str().as_bytes());
        self.raw(b": ");
        let _ = self.write_fmt(value);
        self.raw(b"\r\n")
    }

    /// Copies every field of `name` from `message`, in order.
    pub fn copy(&mut self, message: &Message, name: Name) -> &mut Writer {
        for value in message.all(name) {
            self.header(name, value);
        }
        self
    }

    /// Ends the message: Content-Type if there is a body, Content-Length, the body.
    pub fn finish(mut self, body: Option<(&str, &[u8])>) -> Bytes {
        if let Some((content_type, _)) = body {
            self.header(Name::ContentType, content_type);
        }
        let body = body.map_or(&[][..], |(_, body)| body);
        self.format(Name::ContentLength, format_args!("{}", body.len()));
        self.raw(b"\r\n");
        self.raw(body);
        self.buffer.into()
    }

    fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.buffer.extend_from_slice(bytes);
        self
    }

    fn push(&mut self, bytes: &[u8]) {
        let is_break = |byte: u8| matches!(byte, b'\r' | b'\n' | 0);
        if bytes.iter().copied().any(is_break) {
            self.buffer.extend(bytes.iter().map(|&byte| if is_break(byte) { b' ' } else { byte }));
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

impl Message {
    /// The message written anew: long header names, no folds, Content-Length right and last.
    pub fn to_bytes(&self) -> Bytes {
        let mut writer = Writer::empty();
        match self.code() {
            None => {
                writer.raw(self.method_name()).raw(b" ").raw(self.request_uri_bytes()).raw(b" SIP/2.0\r\n");
            }
            Some(code) => {
                let _ = write!(writer, "SIP/2.0 {code} ");
                writer.raw(self.reason()).raw(b"\r\n");
            }
        }
        for field in self.headers.iter().filter(|field| field.name != Name::ContentLength) {
            let name = match field.name {
                Name::Other => field.written.of(&self.bytes),
                known => known.as_str().as_bytes(),
            };
            writer.raw(name).raw(b": ").raw(field.value.of(&self.bytes)).raw(b"\r\n");
        }
        writer.format(Name::ContentLength, format_args!("{}", self.body_bytes().len()));
        writer.raw(b"\r\n").raw(self.body_bytes());
        writer.buffer.into()
    }
}

/// The usual reason phrase of a status code (RFC 3261 §21 and its extensions).
pub fn reason_phrase(code: u16) -> &'static str {
    match code {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300..=399 => "Redirection",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "Unspecified",
    }
}
