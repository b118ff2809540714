//! Header field names and how their values are divided.

/// The header fields this stack looks at; every other one is [`Name::Other`] and travels along unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the header field of the same name")]
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    MaxForwards,
    Route,
    RecordRoute,
    ContentType,
    ContentLength,
    ContentEncoding,
    ContentDisposition,
    Require,
    ProxyRequire,
    Supported,
    Unsupported,
    Allow,
    Accept,
    PAssertedIdentity,
    RetryAfter,
    WwwAuthenticate,
    Authorization,
    ProxyAuthenticate,
    ProxyAuthorization,
    SessionExpires,
    MinSe,
    Reason,
    ReferTo,
    ReferredBy,
    Timestamp,
    Expires,
    Diversion,
    RSeq,
    RAck,
    Other,
}

impl Name {
    /// The header field of this name, long or compact, in any case (RFC 3261 §7.3.1, §7.3.3).
    pub fn from_bytes(name: &[u8]) -> Name {
        let compact = (name.len() == 1).then(|| name[0].to_ascii_lowercase());
        NAMES
            .iter()
            .find(|(long, short, _)| match compact {
                Some(letter) => *short == letter,
                None => long.len() == name.len() && long.as_bytes().eq_ignore_ascii_case(name),
            })
            .map_or(Name::Other, |(_, _, found)| *found)
    }

    /// The long form, as written on the wire; empty for [`Name::Other`].
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(_, _, name)| *name == self).map_or("", |(long, _, _)| long)
    }

    /// Whether two fields of this name in one message contradict each other (RFC 3261 §7.3.1).
    pub(crate) fn is_single(self) -> bool {
        matches!(
            self,
            Name::From
                | Name::To
                | Name::CallId
                | Name::CSeq
                | Name::MaxForwards
                | Name::ContentLength
                | Name::ContentType
        )
    }
}

/// Long form, compact form (0: none), name. Most frequent first: the list is searched in order.
const NAMES: [(&str, u8, Name); 35] = [
    ("Via", b'v', Name::Via),
    ("From", b'f', Name::From),
    ("To", b't', Name::To),
    ("Call-ID", b'i', Name::CallId),
    ("CSeq", 0, Name::CSeq),
    ("Contact", b'm', Name::Contact),
    ("Max-Forwards", 0, Name::MaxForwards),
    ("Content-Length", b'l', Name::ContentLength),
    ("Content-Type", b'c', Name::ContentType),
    ("Allow", 0, Name::Allow),
    ("Supported", b'k', Name::Supported),
    ("Route", 0, Name::Route),
    ("Record-Route", 0, Name::RecordRoute),
    ("Content-Encoding", b'e', Name::ContentEncoding),
    ("Content-Disposition", 0, Name::ContentDisposition),
    ("Require", 0, Name::Require),
    ("Proxy-Require", 0, Name::ProxyRequire),
    ("Unsupported", 0, Name::Unsupported),
    ("Accept", 0, Name::Accept),
    ("P-Asserted-Identity", 0, Name::PAssertedIdentity),
    ("Retry-After", 0, Name::RetryAfter),
    ("WWW-Authenticate", 0, Name::WwwAuthenticate),
    ("Authorization", 0, Name::Authorization),
    ("Proxy-Authenticate", 0, Name::ProxyAuthenticate),
    ("Proxy-Authorization", 0, Name::ProxyAuthorization),
    ("Session-Expires", b'x', Name::SessionExpires),
    ("Min-SE", 0, Name::MinSe),
    ("Reason", 0, Name::Reason),
    ("Refer-To", b'r', Name::ReferTo),
    ("Referred-By", b'b', Name::ReferredBy),
    ("Timestamp", 0, Name::Timestamp),
    ("Expires", 0, Name::Expires),
    ("Diversion", 0, Name::Diversion),
    ("RSeq", 0, Name::RSeq),
    ("RAck", 0, Name::RAck),
];

/// The values of one field, divided at commas outside quotes and angle brackets (RFC 3261 §7.3.1).
///
/// Empty values are yielded too, so that a strict reader can refuse them.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Values<'a> {
    /// Divides `value`.
    pub fn new(value: &'a [u8]) -> Values<'a> {
        Values { rest: Some(value) }
    }
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let text = self.rest.take()?;
        match find_unquoted(text, b",", true) {
            Some(comma) => {
                self.rest = Some(&text[comma + 1..]);
                Some(text[..comma].trim_ascii())
            }
            None => Some(text.trim_ascii()),
        }
    }
}

/// Where the first of `wanted` stands outside a quoted string and, if `brackets`, outside `<…>`.
pub(crate) fn find_unquoted(text: &[u8], wanted: &[u8], brackets: bool) -> Option<usize> {
    let mut quoted = false;
    let mut depth = false;
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        if quoted {
            match byte {
                b'\\' => at += 1,
                b'"' => quoted = false,
                _ => {}
            }
        } else if !depth && wanted.contains(&byte) {
            return Some(at);
        } else {
            match byte {
                b'"' if !depth => quoted = true,
                b'<' if brackets => depth = true,
                b'>' if brackets => depth = false,
                _ => {}
            }
        }
        at += 1;
    }
    None
}

/// Whether `byte` may stand in a token (RFC 3261 §25.1).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// Whether `text` is a token.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().copied().all(is_token_byte)
}

/// A decimal number without sign, at most `u32::MAX`.
pub(crate) fn number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `;name=value` parameters, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    text: &'a [u8],
}

impl<'a> Params<'a> {
    /// Parameters from `text`, which begins with `;` or is empty.
    pub fn new(text: &'a [u8]) -> Params<'a> {
        Params { text: text.trim_ascii() }
    }

    /// Name and value (`None` without `=`); values keep their quotes.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            if rest.first() != Some(&b';') {
                return None;
            }
            let body = &rest[1..];
            let end = find_unquoted(body, b";", false).unwrap_or(body.len());
            rest = &body[end..];
            let param = &body[..end];
            Some(match param.iter().position(|&byte| byte == b'=') {
                Some(equals) => (param[..equals].trim_ascii(), Some(param[equals + 1..].trim_ascii())),
                None => (param.trim_ascii(), None),
            })
        })
    }

    /// The value of the first parameter of this name, without quotes; empty if it has none.
    pub fn find(self, name: &str) -> Option<&'a str> {
        let (_, value) = self.iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(unquote(value.unwrap_or_default())).ok()
    }

    /// Whether every parameter has a token for a name and a value of sane bytes.
    pub(crate) fn is_valid(self) -> bool {
        if !self.text.is_empty() && self.text[0] != b';' {
            return false;
        }
        self.iter().all(|(name, value)| {
            is_token(name)
                && value.is_none_or(|value| match value.first() {
                    Some(b'"') => is_quoted(value),
                    Some(_) => value.iter().all(|&byte| byte > b' ' && !b"\",<>".contains(&byte)),
                    None => false,
                })
        })
    }

    /// The parameters as written, with the leading `;`.
    pub fn as_bytes(self) -> &'a [u8] {
        self.text
    }
}

/// Whether `text` is exactly one closed quoted string.
pub(crate) fn is_quoted(text: &[u8]) -> bool {
    if text.len() < 2 || text[0] != b'"' {
        return false;
    }
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 1,
            b'"' => return at + 1 == text.len(),
            _ => {}
        }
        at += 1;
    }
    false
}

/// The inside of a quoted string, escapes left in place; other text unchanged.
pub(crate) fn unquote(text: &[u8]) -> &[u8] {
    if is_quoted(text) { &text[1..text.len() - 1] } else { text }
}
