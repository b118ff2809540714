//! The Via header field.

use super::header::{Params, is_token, is_token_byte};
use super::uri::split_host_port;

/// One Via value: where the request came by and where its response goes (RFC 3261 §20.42).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    transport: &'a str,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
}

/// Not a Via value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid Via")]
pub struct ViaError;

impl<'a> Via<'a> {
    /// Reads one value; white space may stand around every separator (RFC 3261 §25.1).
    ///
    /// # Errors
    ///
    /// [`ViaError`] if protocol, sent-by or parameters are malformed.
    pub fn parse(value: &'a [u8]) -> Result<Via<'a>, ViaError> {
        let text = std::str::from_utf8(value).map_err(|_| ViaError)?.trim_ascii();
        let (name, rest) = text.split_once('/').ok_or(ViaError)?;
        let (version, rest) = rest.split_once('/').ok_or(ViaError)?;
        if !name.trim_ascii().eq_ignore_ascii_case("SIP") || version.trim_ascii() != "2.0" {
            return Err(ViaError);
        }
        let rest = rest.trim_ascii_start();
        let end = rest.bytes().position(|byte| !is_token_byte(byte)).ok_or(ViaError)?;
        let (transport, rest) = rest.split_at(end);
        if !is_token(transport.as_bytes()) || !rest.starts_with([' ', '\t']) {
            return Err(ViaError);
        }
        let (sent_by, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
        let (host, port) = match split_host_port(sent_by.trim_ascii()) {
            Some(found) => found,
            None => spaced_host_port(sent_by).ok_or(ViaError)?,
        };
        let params = Params::new(params.as_bytes());
        // `rport` comes without a value in requests (RFC 3581 §3); all others follow the grammar.
        if !params.is_valid() {
            return Err(ViaError);
        }
        Ok(Via { transport, host, port, params })
    }

    /// `UDP`, `TCP`, … as written.
    pub fn transport(&self) -> &'a str {
        self.transport
    }

    /// The host of sent-by.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// The port of sent-by, if written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// The branch; `None` if absent or empty.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.find("branch").filter(|branch| !branch.is_empty())
    }
}

/// `host : port`.
fn spaced_host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = text.rsplit_once(':')?;
    let (host, none) = split_host_port(host.trim_ascii())?;
    if none.is_some() {
        return None;
    }
    Some((host, Some(port.trim_ascii().parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_may_stand_anywhere() {
        let via =
            Via::parse(b"SIP  / 2.0  / TCP     spindle.example.com   ;   branch  =   z9hG4bK9ikj8").unwrap();
        assert_eq!(
            (via.transport(), via.host(), via.branch()),
            ("TCP", "spindle.example.com", Some("z9hG4bK9ikj8"))
        );
        let via = Via::parse(b"SIP/2.0/UDP 192.0.2.1 : 5070;rport").unwrap();
        assert_eq!((via.host(), via.port(), via.params().find("rport")), ("192.0.2.1", Some(5070), Some("")));
    }

    #[test]
    fn extra_separators_are_refused() {
        for text in ["SIP/2.0/UDP 192.0.2.15;;", "SIP/2.0/UDP", "SIP/3.0/UDP host", "SIP/2.0/UDP ;branch=x"] {
            assert!(Via::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
