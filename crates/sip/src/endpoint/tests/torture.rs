//! The 49 messages of RFC 4475: what section 3 of the RFC demands of a user agent server, and what it gets.
//! What is kept of each message is in `torture_kept`.

use std::time::Duration;

use bytes::Bytes;

use super::pair::start;
use crate::message::{Frame, FrameError, Framing, Limits, Message, Name, StreamFramer};
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
    /// Every outcome that the message's section allows.
    due: &'static [Outcome],
}

macro_rules! row {
    ($name:literal, $($due:expr),+) => {
        Row {
            name: $name,
            bytes: include_bytes!(concat!("../../../fixtures/rfc4475/", $name, ".dat")),
            due: &[$($due),+],
        }
    };
}

/// Messages whose outcome differs from the RFC's: what they get, and the reason.
const EXPECTED_FAILURES: [(&str, Outcome, &str); 5] = [
    ("escnull", Code(405), NO_REGISTRAR),
    ("dblreq", Code(405), NO_REGISTRAR),
    ("cparam01", Code(405), NO_REGISTRAR),
    ("cparam02", Code(405), NO_REGISTRAR),
    ("regescrt", Code(405), NO_REGISTRAR),
];

/// §3.3.7 allows it: "Endpoints choosing not to act as registrars will simply reject the request."
const NO_REGISTRAR: &str = "the endpoint is no registrar: 405 to each REGISTER";

pub(super) const ROWS: [Row; 49] = [
    // §3.1.1.1: all elements treat it as well formed; it is in a dialog that we do not have.
    row!("wsinv", Code(481)),
    // §3.1.1.2: endpoints answer 501 and list their methods in Allow.
    row!("intmeth", Code(501)),
    // §3.1.1.3: well formed.
    row!("esc01", Invited),
    // §3.1.1.4: well formed; registers two contacts.
    row!("escnull", Code(200)),
    // §3.1.1.5: an endpoint rejects it with 501: the method is not REGISTER.
    row!("esc02", Code(501)),
    // §3.1.1.6: accepted as well formed.
    row!("lwsdisp", Code(200)),
    // §3.1.1.7: well formed.
    row!("longreq", Invited),
    // §3.1.1.8: the REGISTER is handled, the octets after it are noise.
    row!("dblreq", Code(200)),
    // §3.1.1.9: well formed.
    row!("semiuri", Code(200)),
    // §3.1.1.10: as if the second and further Vias named UDP.
    row!("transports", Code(200)),
    // §3.1.1.11: well formed, even where multipart or MESSAGE is not supported.
    row!("mpart01", Code(405), Code(415)),
    // §3.1.1.12: a well-formed response.
    row!("unreason", Dropped),
    // §3.1.1.13: a well-formed response.
    row!("noreason", Dropped),
    // §3.1.2.1: should get 400.
    row!("badinv01", Code(400)),
    // §3.1.2.2: should get 400 over UDP; over TCP one waits for the rest.
    row!("clerr", Code(400)),
    // §3.1.2.3: should get an error over UDP; over TCP the connection is closed.
    row!("ncl", Code(400)),
    // §3.1.2.4: should get 400 for its CSeq.
    row!("scalar02", Code(400)),
    // §3.1.2.5: is discarded.
    row!("scalarlg", Dropped),
    // §3.1.2.6: should get 400; a quote may be inferred.
    row!("quotbal", Code(400), Invited),
    // §3.1.2.7: 400 is always reasonable.
    row!("ltgtruri", Code(400), Invited),
    // §3.1.2.8: should get 400.
    row!("lwsruri", Code(400)),
    // §3.1.2.9: rejected, or the spaces ignored.
    row!("lwsstart", Code(400), Invited),
    // §3.1.2.10: rejected, or the spaces ignored.
    row!("trws", Code(400), Code(200)),
    // §3.1.2.11: 400, or the headers ignored.
    row!("escruri", Invited, Code(400)),
    // §3.1.2.12: not to be rejected by an element that does not use Date.
    row!("baddate", Invited),
    // §3.1.2.13: 400 is reasonable; registering an inferred contact is not our business.
    row!("regbadct", Code(400)),
    // §3.1.2.14: 400 is reasonable, or the spaces ignored.
    row!("badaspec", Code(400), Code(200)),
    // §3.1.2.15: 400 is always reasonable, or the quotes inferred.
    row!("baddn", Code(400), Code(200)),
    // §3.1.2.16: should get 505.
    row!("badvers", Code(505)),
    // §3.1.2.17: gets 400.
    row!("mismatch01", Code(400)),
    // §3.1.2.18: should get 501; 400 is acceptable, with less of a future.
    row!("mismatch02", Code(501)),
    // §3.1.2.19: dropped.
    row!("bigcode", Dropped),
    // §3.2.1: 400, or matched as RFC 2543 did.
    row!("badbranch", Code(200), Code(400)),
    // §3.3.1: ideally 400.
    row!("insuf", Code(400)),
    // §3.3.2: gets 416.
    row!("unkscm", Code(416)),
    // §3.3.3: 416 by who never accepts the scheme.
    row!("novelsc", Code(416)),
    // §3.3.4: well formed; a registrar answers 400, an endpoint as to any REGISTER.
    row!("unksm2", Code(405), Code(400)),
    // §3.3.5: gets 420 with Unsupported.
    row!("bext01", Code(420)),
    // §3.3.6: an endpoint rejects it with 415.
    row!("invut", Code(415)),
    // §3.3.7: 405 by an endpoint that is no registrar.
    row!("regaut01", Code(405)),
    // §3.3.8: gets 400.
    row!("multi01", Code(400)),
    // §3.3.9: should get an error over UDP; over TCP the connection is closed.
    row!("mcl01", Code(400)),
    // §3.3.10: an endpoint discards it.
    row!("bcast", Dropped),
    // §3.3.11: an endpoint treats it as if the number were positive.
    row!("zeromf", Code(200)),
    // §3.3.12: the registration succeeds.
    row!("cparam01", Code(200)),
    // §3.3.13: the registration succeeds.
    row!("cparam02", Code(200)),
    // §3.3.14: the registration succeeds.
    row!("regescrt", Code(200)),
    // §3.3.15: 406, or 400.
    row!("sdp01", Code(406), Code(400)),
    // §3.4.1: accepted by elements that keep backwards compatibility.
    row!("inv2543", Invited),
];

/// The bytes of a message.
pub(super) fn bytes_of(name: &str) -> &'static [u8] {
    ROWS.iter().find(|row| row.name == name).unwrap().bytes
}

/// What the endpoint does with the bytes, and its answer; more than one answer or event is a fault.
pub(super) fn outcome_of(bytes: &'static [u8]) -> Result<(Outcome, Bytes), String> {
    let now = start();
    let mut endpoint = Endpoint::new(Config::default(), now, [5; 32]);
    let source = Source {
        transport: Transport::Udp,
        local: "192.0.2.200:5060".parse().unwrap(),
        remote: "192.0.2.201:5060".parse().unwrap(),
        connection: None,
    };
    endpoint.handle_datagram(now, source, Bytes::from_static(bytes));
    let mut answers = Vec::new();
    while let Some(datagram) = endpoint.poll_datagram() {
        // An answer to a broken request repeats what was broken, so only its first line is read.
        let line = String::from_utf8_lossy(&datagram.bytes);
        let code: u16 = line.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no status line")?;
        if code < 300 {
            Message::parse(datagram.bytes.clone(), Framing::Datagram, &Limits::default())
                .map_err(|error| error.to_string())?;
        }
        answers.push((code, datagram.bytes));
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
    match (&answers[..], calls) {
        ([], 0) => Ok((Dropped, Bytes::new())),
        ([(100, bytes)], 1) => Ok((Invited, bytes.clone())),
        ([(code, bytes)], 0) => Ok((Code(*code), bytes.clone())),
        other => Err(format!("{other:?}")),
    }
}

#[test]
fn every_message_of_rfc_4475_gets_what_its_section_asks() {
    let mut faults = Vec::new();
    for row in &ROWS {
        let found = outcome_of(row.bytes).map(|(outcome, _)| outcome);
        let expected = EXPECTED_FAILURES.iter().find(|(name, ..)| *name == row.name);
        let sound = match (&found, expected) {
            (Ok(found), None) => row.due.contains(found),
            (Ok(found), Some((_, gets, _))) => found == gets && !row.due.contains(found),
            (Err(_), _) => false,
        };
        if !sound {
            faults.push(format!("{}: {found:?}, due {:?}; {expected:?}", row.name, row.due));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn refusals_carry_the_header_that_the_section_names() {
    let value = |name: &str, header: Name| {
        let (_, answer) = outcome_of(bytes_of(name)).unwrap();
        let answer = Message::parse(answer, Framing::Datagram, &Limits::default()).unwrap();
        String::from_utf8_lossy(answer.find(header).unwrap_or_default()).into_owned()
    };
    for name in ["intmeth", "esc02"] {
        assert_eq!(value(name, Name::Allow), super::super::screen::ALLOW, "{name}");
    }
    // Not those of Proxy-Require: a user agent does not read it.
    assert_eq!(value("bext01", Name::Unsupported), "nothingSupportsThis, nothingSupportsThisEither");
    assert_eq!(value("invut", Name::Accept), super::super::screen::ACCEPT);
    let (_, answer) = outcome_of(bytes_of("mismatch02")).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("\r\nAllow: INVITE"));
}

#[test]
fn on_a_stream_a_wrong_length_closes_and_a_long_one_waits() {
    for (name, due) in
        [("clerr", Ok(None)), ("ncl", Err(FrameError::Length)), ("mcl01", Err(FrameError::Length))]
    {
        let mut framer = StreamFramer::new(Limits::default());
        framer.handle_bytes(bytes_of(name));
        assert_eq!(framer.poll_frame(), due, "{name}");
    }
    // §3.1.1.8 on a stream: two messages, and the second is no noise.
    let mut framer = StreamFramer::new(Limits::default());
    framer.handle_bytes(bytes_of("dblreq"));
    for method in ["REGISTER", "INVITE"] {
        let Ok(Some(Frame::Message(bytes))) = framer.poll_frame() else { panic!("{method}") };
        assert!(bytes.starts_with(method.as_bytes()));
    }
}
