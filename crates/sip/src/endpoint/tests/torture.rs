//! The 49 messages of RFC 4475, each with the outcome that its section asks of a user agent.

use std::time::Duration;

use bytes::Bytes;

use super::pair::start;
use crate::message::{Framing, Limits, Message};
use crate::*;

/// What a user agent server does with the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It becomes a call.
    Invited,
    /// It is answered with this code.
    Code(u16),
    /// A response: it belongs to nothing and nothing happens.
    Dropped,
}

use Outcome::{Code, Dropped, Invited};

/// One message.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) bytes: &'static [u8],
    outcome: Outcome,
}

macro_rules! row {
    ($name:literal, $outcome:expr) => {
        Row {
            name: $name,
            bytes: include_bytes!(concat!("../../../fixtures/rfc4475/", $name, ".dat")),
            outcome: $outcome,
        }
    };
}

/// Messages whose outcome differs from the RFC, with the reason.
const EXPECTED_FAILURES: [(&str, &str); 0] = [];

pub(super) const ROWS: [Row; 49] = [
    // §3.1.1.1: well formed; it has a To tag of no dialog of ours.
    row!("wsinv", Code(481)),
    // §3.1.1.2: well formed; the method is unknown.
    row!("intmeth", Code(501)),
    // §3.1.1.3: escapes do not hide the user part.
    row!("esc01", Invited),
    // §3.1.1.4: escaped NUL is legal; we are no registrar.
    row!("escnull", Code(405)),
    // §3.1.1.5: an escaped method name is another method.
    row!("esc02", Code(501)),
    // §3.1.1.6: no white space needed before the bracket.
    row!("lwsdisp", Code(200)),
    // §3.1.1.7: long values are legal.
    row!("longreq", Invited),
    // §3.1.1.8: bytes after the body are dropped, one answer only.
    row!("dblreq", Code(405)),
    // §3.1.1.9: a semicolon in the user part.
    row!("semiuri", Code(200)),
    // §3.1.1.10: unknown transports in Via.
    row!("transports", Code(200)),
    // §3.1.1.11: binary multipart is legal; MESSAGE is not for us.
    row!("mpart01", Code(405)),
    // §3.1.1.12: a response with UTF-8 reason, readable.
    row!("unreason", Dropped),
    // §3.1.1.13: a response with empty reason, readable.
    row!("noreason", Dropped),
    // §3.1.2.1: extra separators.
    row!("badinv01", Code(400)),
    // §3.1.2.2: Content-Length beyond the datagram.
    row!("clerr", Code(400)),
    // §3.1.2.3: negative Content-Length.
    row!("ncl", Code(400)),
    // §3.1.2.4: numbers too large.
    row!("scalar02", Code(400)),
    // §3.1.2.5: a response with numbers too large.
    row!("scalarlg", Dropped),
    // §3.1.2.6: unbalanced quote.
    row!("quotbal", Code(400)),
    // §3.1.2.7: brackets around the Request-URI.
    row!("ltgtruri", Code(400)),
    // §3.1.2.8: white space in the Request-URI.
    row!("lwsruri", Code(400)),
    // §3.1.2.9: several spaces in the start line; refusing is allowed.
    row!("lwsstart", Code(400)),
    // §3.1.2.10: spaces after the version; refusing is allowed.
    row!("trws", Code(400)),
    // §3.1.2.11: headers in the Request-URI may be ignored.
    row!("escruri", Invited),
    // §3.1.2.12: a Date not in GMT may be ignored.
    row!("baddate", Invited),
    // §3.1.2.13: Contact with headers but no brackets.
    row!("regbadct", Code(400)),
    // §3.1.2.14: spaces inside the brackets.
    row!("badaspec", Code(400)),
    // §3.1.2.15: a display name that should be quoted alone would pass; the header's empty line is missing too.
    row!("baddn", Code(400)),
    // §3.1.2.16: SIP 7.0.
    row!("badvers", Code(505)),
    // §3.1.2.17: CSeq names another method.
    row!("mismatch01", Code(400)),
    // §3.1.2.18: the same with an unknown method.
    row!("mismatch02", Code(400)),
    // §3.1.2.19: a status code beyond 699.
    row!("bigcode", Dropped),
    // §3.2.1: an empty branch after the cookie is matched the old way.
    row!("badbranch", Code(200)),
    // §3.3.1: From, To, Call-ID are missing.
    row!("insuf", Code(400)),
    // §3.3.2: unknown scheme.
    row!("unkscm", Code(416)),
    // §3.3.3: a known scheme that is not SIP.
    row!("novelsc", Code(416)),
    // §3.3.4: unknown schemes in From, To, Contact; we are no registrar.
    row!("unksm2", Code(405)),
    // §3.3.5: unknown extensions.
    row!("bext01", Code(420)),
    // §3.3.6: unknown body type.
    row!("invut", Code(415)),
    // §3.3.7: unknown authorization scheme; we are no registrar.
    row!("regaut01", Code(405)),
    // §3.3.8: several values where one is due.
    row!("multi01", Code(400)),
    // §3.3.9: two Content-Lengths.
    row!("mcl01", Code(400)),
    // §3.3.10: a response with a broadcast Via.
    row!("bcast", Dropped),
    // §3.3.11: Max-Forwards 0 stops a proxy, not the end.
    row!("zeromf", Code(200)),
    // §3.3.12: REGISTER with Contact parameters.
    row!("cparam01", Code(405)),
    // §3.3.13: the same with URI parameters.
    row!("cparam02", Code(405)),
    // §3.3.14: REGISTER with escaped Route.
    row!("regescrt", Code(405)),
    // §3.3.15: Accept leaves out SDP.
    row!("sdp01", Code(406)),
    // §3.4.1: an INVITE of RFC 2543.
    row!("inv2543", Invited),
];

/// What the endpoint does with the bytes; more than one answer or event is a fault of its own.
fn outcome_of(bytes: &'static [u8]) -> Result<Outcome, String> {
    let now = start();
    let mut endpoint = Endpoint::new(Config::default(), now, [5; 32]);
    let source = Source {
        transport: Transport::Udp,
        local: "192.0.2.200:5060".parse().unwrap(),
        remote: "192.0.2.201:5060".parse().unwrap(),
        connection: None,
    };
    endpoint.handle_datagram(now, source, Bytes::from_static(bytes));
    let mut codes = Vec::new();
    while let Some(datagram) = endpoint.poll_datagram() {
        let limits = Limits::default();
        let bytes = datagram.bytes.clone();
        // An answer to a broken request repeats what was broken, so only its first line is read.
        let line = String::from_utf8_lossy(&bytes);
        let code = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status line")?;
        if code < 300 {
            Message::parse(bytes.clone(), Framing::Datagram, &limits).map_err(|error| error.to_string())?;
        }
        codes.push(code);
    }
    let mut calls = 0;
    while let Some(event) = endpoint.poll_event() {
        match event {
            Event::Invite { leg, .. } => {
                calls += 1;
                endpoint.reject(now, leg, 486, None, None).map_err(|error| error.to_string())?;
            }
            other => return Err(format!("{other:?}")),
        }
    }
    endpoint.handle_timeout(now + Duration::from_secs(40));
    endpoint.handle_timeout(now + Duration::from_secs(80));
    if endpoint.counts() != Counts::default() {
        return Err(format!("left: {:?}", endpoint.counts()));
    }
    match (&codes[..], calls) {
        ([], 0) => Ok(Dropped),
        ([100], 1) => Ok(Invited),
        ([code], 0) => Ok(Code(*code)),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn every_message_of_rfc_4475_gets_what_its_section_asks() {
    let mut faults = Vec::new();
    for row in &ROWS {
        let found = outcome_of(row.bytes);
        let expected_failure = EXPECTED_FAILURES.iter().any(|(name, _)| *name == row.name);
        if (found == Ok(row.outcome)) == expected_failure {
            faults.push(format!("{}: {found:?}, due {:?}", row.name, row.outcome));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn responses_with_odd_reasons_are_read() {
    for (name, code) in [("unreason", 200), ("noreason", 100), ("bcast", 200)] {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        let message = Message::parse(row.bytes, Framing::Datagram, &Limits::default()).unwrap();
        assert_eq!(message.code(), Some(code), "{name}");
    }
}

#[test]
fn unusable_responses_are_not_read() {
    for name in ["scalarlg", "bigcode"] {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        assert!(Message::parse(row.bytes, Framing::Datagram, &Limits::default()).is_err(), "{name}");
    }
}

#[test]
fn the_short_escaped_and_old_values_mean_what_they_should() {
    let read = |name: &str| {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        Message::parse(row.bytes, Framing::Datagram, &Limits::default()).unwrap()
    };
    assert_eq!(read("esc01").request_uri().unwrap().user(), "sips:user@example.com");
    assert_eq!(read("semiuri").request_uri().unwrap().user(), "user;par=u@example.net");
    assert_eq!(read("wsinv").via().unwrap().branch(), Some("390skdjuw"));
    assert_eq!(read("wsinv").contact().unwrap().display(), "Quoted string \"\"");
    assert_eq!(read("inv2543").from().unwrap().tag(), None);
}
