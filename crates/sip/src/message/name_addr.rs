//! Values of From, To, Contact, Route, P-Asserted-Identity: an optional name, a URI, parameters.

use std::borrow::Cow;

use super::header::{Params, find_unquoted, is_quoted};
use super::uri::Uri;

/// `"Name" <uri>;params` or `uri;params` (RFC 3261 §20.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    display: &'a [u8],
    uri: Uri<'a>,
    params: Params<'a>,
}

/// Not a name-addr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid name and address")]
pub struct NameAddrError;

impl<'a> NameAddr<'a> {
    /// Reads one value.
    ///
    /// # Errors
    ///
    /// [`NameAddrError`] if quotes or brackets do not close, the URI is none, or parameters are malformed.
    pub fn parse(value: &'a [u8]) -> Result<NameAddr<'a>, NameAddrError> {
        let value = value.trim_ascii();
        let (display, uri, rest) = match find_unquoted(value, b"<", false) {
            Some(open) => {
                let close = value[open..].iter().position(|&byte| byte == b'>').ok_or(NameAddrError)? + open;
                (value[..open].trim_ascii(), &value[open + 1..close], &value[close + 1..])
            }
            None => {
                // Without brackets, parameters belong to the header and `?` and `,` are not allowed
                // (RFC 3261 §20).
                let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
                let uri = value[..end].trim_ascii();
                if uri.contains(&b'?') || uri.contains(&b',') {
                    return Err(NameAddrError);
                }
                (&value[..0], uri, &value[end..])
            }
        };
        let display_ok = match display.first() {
            Some(b'"') => is_quoted(display),
            _ => !display.contains(&b'"') && !display.contains(&b'>'),
        };
        let params = Params::new(rest);
        if !display_ok || !params.is_valid() {
            return Err(NameAddrError);
        }
        Ok(NameAddr { display, uri: Uri::parse(uri).map_err(|_| NameAddrError)?, params })
    }

    /// The display name without quotes and escapes; bytes that are no UTF-8 become U+FFFD.
    pub fn display(&self) -> Cow<'a, str> {
        if !is_quoted(self.display) {
            return String::from_utf8_lossy(self.display);
        }
        let inside = &self.display[1..self.display.len() - 1];
        if !inside.contains(&b'\\') {
            return String::from_utf8_lossy(inside);
        }
        let mut out = Vec::with_capacity(inside.len());
        let mut bytes = inside.iter();
        while let Some(&byte) = bytes.next() {
            out.extend(if byte == b'\\' { bytes.next() } else { Some(&byte) });
        }
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }

    /// The URI.
    pub fn uri(&self) -> &Uri<'a> {
        &self.uri
    }

    /// Parameters of the header, not of the URI.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The `tag` parameter; `None` if absent or empty.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.find("tag").filter(|tag| !tag.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_lose_quotes_and_escapes() {
        let value = NameAddr::parse(br#""Anna \"A\" Li" <sip:anna@example.com;x=1>;tag=7"#).unwrap();
        assert_eq!(value.display(), "Anna \"A\" Li");
        assert_eq!(value.uri().as_str(), "sip:anna@example.com;x=1");
        assert_eq!(value.tag(), Some("7"));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let value = NameAddr::parse(b"sip:anna@example.com;tag=9").unwrap();
        assert_eq!((value.uri().as_str(), value.tag()), ("sip:anna@example.com", Some("9")));
    }

    #[test]
    fn a_name_in_another_encoding_is_kept_readable() {
        let value = NameAddr::parse(b"\"\xc1\xf5\" <sip:a@b>").unwrap();
        assert_eq!(value.display(), "\u{fffd}\u{fffd}");
    }

    #[test]
    fn unbalanced_values_are_refused() {
        for text in [r#""Mr <sip:a@b>"#, "<sip:a@b", "A\" <sip:a@b>", "< sip:a@b >", "sip:a@b?Route=x"] {
            assert!(NameAddr::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
