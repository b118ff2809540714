//! URIs: `sip`, `sips`, `tel`, and others as they are.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::Params;

/// What kind of URI it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `sip:` (RFC 3261 §19.1).
    Sip,
    /// `sips:` (RFC 3261 §19.1).
    Sips,
    /// `tel:` (RFC 3966).
    Tel,
    /// Any other scheme.
    Other,
}

/// A URI, borrowed from a message.
///
/// For `tel`, [`Uri::user`] is the number and [`Uri::host`] is empty; for other schemes both are empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme,
    user: &'a str,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: &'a str,
    headers: &'a str,
}

/// Not a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid URI")]
pub struct UriError;

impl<'a> Uri<'a> {
    /// Reads a URI that fills `text`.
    ///
    /// # Errors
    ///
    /// [`UriError`] if there is white space or a control byte in it, no scheme, an empty host, or a port
    /// that is no port.
    pub fn parse(text: &'a [u8]) -> Result<Uri<'a>, UriError> {
        let text = std::str::from_utf8(text).map_err(|_| UriError)?;
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"<>\"".contains(&byte)) {
            return Err(UriError);
        }
        let (scheme, rest) = text.split_once(':').ok_or(UriError)?;
        let scheme_ok = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !scheme_ok || rest.is_empty() {
            return Err(UriError);
        }
        let uri = Uri {
            text,
            scheme: Scheme::Other,
            user: "",
            password: None,
            host: "",
            port: None,
            params: "",
            headers: "",
        };
        if scheme.eq_ignore_ascii_case("sip") {
            uri.with_sip(Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            uri.with_sip(Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            let end = rest.find(';').unwrap_or(rest.len());
            Ok(Uri { scheme: Scheme::Tel, user: &rest[..end], params: &rest[end..], ..uri })
        } else {
            Ok(uri)
        }
    }

    fn with_sip(self, scheme: Scheme, rest: &'a str) -> Result<Uri<'a>, UriError> {
        // A user part may hold `;`, `?` and `/` (RFC 3261 §25.1), so `@` decides first.
        let (userinfo, rest) = match rest.split_once('@') {
            Some((userinfo, rest)) if !userinfo.is_empty() => (userinfo, rest),
            Some(_) => return Err(UriError),
            None => ("", rest),
        };
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        let (rest, headers) = match rest.find('?') {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        let (hostport, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let (host, port) = split_host_port(hostport).ok_or(UriError)?;
        Ok(Uri { scheme, user, password, host, port, params, headers, ..self })
    }

    /// The URI as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part as written, escapes included; empty if there is none.
    pub fn raw_user(&self) -> &'a str {
        self.user
    }

    /// The user part with `%` escapes resolved.
    pub fn user(&self) -> Cow<'a, str> {
        unescape(self.user)
    }

    /// The password, which nobody should send (RFC 3261 §19.1.1).
    pub fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// The host; IPv6 addresses in brackets.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The port, if one is written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The address, if the host is an IP address; port 5060 unless written (5061 for `sips`).
    pub fn address(&self) -> Option<SocketAddr> {
        let ip = parse_ip(self.host)?;
        Some(SocketAddr::new(ip, self.port.unwrap_or(if self.scheme == Scheme::Sips { 5061 } else { 5060 })))
    }

    /// The URI's own parameters.
    pub fn params(&self) -> Params<'a> {
        Params::new(self.params.as_bytes())
    }

    /// The value of a parameter of the URI, `%` escapes resolved once in name and value
    /// (RFC 3261 §19.1.2); empty if it has none.
    pub fn find_param(&self, name: &str) -> Option<Cow<'a, str>> {
        let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).map(unescape).ok();
        let named = |found: &&'a [u8]| text(found).is_some_and(|found| found.eq_ignore_ascii_case(name));
        let (_, value) = self.params().iter().find(|(found, _)| named(found))?;
        text(value.unwrap_or_default())
    }

    /// What follows `?`, as written.
    pub fn headers(&self) -> &'a str {
        self.headers
    }
}

/// Host and port of `host[:port]`; the host keeps the brackets of IPv6.
pub(crate) fn split_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
    let (host, rest) = text.split_at(end);
    let host_ok = if let Some(inner) = host.strip_prefix('[') {
        parse_ipv6(inner.strip_suffix(']')?).is_some()
    } else {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    if !host_ok {
        return None;
    }
    match rest.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok()?)))
        }
        Some(_) => None,
        None if rest.is_empty() => Some((host, None)),
        None => None,
    }
}

/// An IP address, with or without the brackets of IPv6.
pub(crate) fn parse_ip(host: &str) -> Option<IpAddr> {
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    host.parse().ok().or_else(|| parse_ipv6(host).map(IpAddr::V6))
}

/// An IPv6 address; three colons before an IPv4 tail are two, because the grammar of RFC 3261 had them
/// (RFC 5118 §4.10).
fn parse_ipv6(text: &str) -> Option<Ipv6Addr> {
    text.parse().ok().or_else(|| {
        let (head, tail) = text.split_once(":::")?;
        let tail: Ipv4Addr = tail.parse().ok()?;
        format!("{head}::{tail}").parse().ok()
    })
}

/// `text` with `%xx` resolved (RFC 3261 §19.1.2); bytes that are no UTF-8 become U+FFFD.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|&byte| (byte as char).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_part_may_hold_semicolons_and_escapes() {
        let uri = Uri::parse(b"sip:user;par=u%40example.net@example.com:5070;lr").unwrap();
        assert_eq!(uri.user(), "user;par=u@example.net");
        assert_eq!((uri.host(), uri.port()), ("example.com", Some(5070)));
        assert_eq!(uri.params().find("lr"), Some(""));
    }

    #[test]
    fn an_ipv6_host_gives_an_address() {
        let uri = Uri::parse(b"sip:a@[2001:db8::1]:5061;transport=tcp").unwrap();
        assert_eq!(uri.address(), Some("[2001:db8::1]:5061".parse().unwrap()));
    }

    #[test]
    fn a_telephone_number_is_the_user() {
        let uri = Uri::parse(b"tel:+358-555-1234567;phone-context=x").unwrap();
        assert_eq!((uri.scheme(), uri.raw_user()), (Scheme::Tel, "+358-555-1234567"));
    }

    #[test]
    fn broken_uris_are_refused() {
        for text in
            ["", "sip:", "sip:@host", "sip:a b@host", "<sip:a@b>", "sip:a@b:port", "sip:a@[::1", "a@b"]
        {
            assert!(Uri::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
