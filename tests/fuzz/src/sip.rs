//! SIP messages, whole endpoints, streams and session descriptions.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hotline_sip::message::{Frame, Framing, Limits, Message, Name, NameAddr, StreamFramer, Uri, Via};
use hotline_sip::{Config, ConnectionId, Counts, Endpoint, Event, Source, Transport, auth, sdp};

/// Divides an input into messages.
const CUT: &[u8] = b"\n----\n";

/// Reading does not panic, nor does any accessor; what is written reads the same.
pub fn message(data: &[u8]) {
    let limits = Limits::default();
    for framing in [Framing::Datagram, Framing::Stream] {
        let read = match Message::parse(data.to_vec(), framing, &limits) {
            Ok(read) => read,
            Err(error) => {
                if let Some(partial) = error.partial {
                    look_at(&partial);
                }
                continue;
            }
        };
        look_at(&read);
        let written = read.to_bytes();
        // Long names in place of short ones may pass a limit.
        if let Ok(again) = Message::parse(written.clone(), Framing::Stream, &limits) {
            assert_eq!(again.to_bytes(), written);
            assert_eq!(
                (again.body(), again.code(), again.method()),
                (read.body(), read.code(), read.method())
            );
        } else {
            assert!(written.len() > data.len(), "what was written cannot be read");
        }
    }
}

fn look_at(message: &Message) {
    let _ =
        (message.via(), message.from(), message.to(), message.contact(), message.cseq(), message.call_id());
    let _ = (message.request_uri().map(|uri| uri.user().len()), message.sdp(), message.content_type());
    for (_, value) in message.fields() {
        let _ = Uri::parse(value).map(|uri| (uri.find_param("lr").is_some(), uri.address()));
        let _ = NameAddr::parse(value).map(|found| (found.display().len(), found.tag().map(str::len)));
        let _ = Via::parse(value).map(|via| via.branch().map(str::len));
        let _ = auth::Challenge::parse(value);
    }
    let _ = message.values(Name::Via).count();
}

/// An endpoint takes any datagrams, answers every call it is offered in one of several ways, answers with nothing
/// but SIP, and has forgotten everything a few hours later.
pub fn endpoint(data: &[u8]) {
    // One start for all: only differences matter.
    let start = Instant::now();
    let mut now = start;
    let mut endpoint = Endpoint::new(Config::default(), now, [7; 32]);
    // A first byte that begins no message says how we behave; else we answer every call.
    let (plan, mut rest) = match data {
        [first, rest @ ..] if !(0x20..0x7f).contains(first) => (*first, rest),
        _ => (4, data),
    };
    let source = Source {
        transport: if plan & 0x80 == 0 { Transport::Udp } else { Transport::Tcp },
        local: SocketAddr::from(([192, 0, 2, 1], 5060)),
        remote: SocketAddr::from(([192, 0, 2, 9], 5060)),
        connection: (plan & 0x80 != 0).then_some(ConnectionId(1)),
    };
    let mut tag = String::new();
    while !rest.is_empty() {
        let at = rest.windows(CUT.len()).position(|window| window == CUT).unwrap_or(rest.len());
        let (part, next) = (&rest[..at], &rest[(at + CUT.len()).min(rest.len())..]);
        rest = next;
        // What a peer does with our tag is possible only if it can write it.
        let part = replace(part, b"OURTAG", tag.as_bytes());
        endpoint.handle_datagram(now, source, Bytes::from(part));
        drain(&mut endpoint, now, plan, &mut tag);
        now += Duration::from_millis(u64::from(plan & 0x3f) * 40);
        endpoint.handle_timeout(now);
        drain(&mut endpoint, now, plan, &mut tag);
    }
    let end = start + Duration::from_secs(4 * 3600);
    while let Some(at) = endpoint.poll_timeout().filter(|at| *at < end) {
        now = now.max(at);
        endpoint.handle_timeout(now);
        drain(&mut endpoint, now, plan, &mut tag);
    }
    assert_eq!(endpoint.counts(), Counts::default(), "something is never forgotten");
}

fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(from) {
            out.extend_from_slice(to);
            at += from.len();
        } else {
            out.push(text[at]);
            at += 1;
        }
    }
    out
}

fn drain(endpoint: &mut Endpoint, now: Instant, plan: u8, tag: &mut String) {
    let description = Bytes::from(sdp::offer(&sdp::Capabilities::new(([192, 0, 2, 1], 4000).into(), 1)));
    loop {
        let mut idle = true;
        while let Some(datagram) = endpoint.poll_datagram() {
            idle = false;
            assert!(
                datagram.bytes.starts_with(b"SIP/2.0 ")
                    || datagram.bytes.windows(8).any(|window| window == b" SIP/2.0"),
                "no SIP is sent"
            );
            // An answer to a broken request repeats what was broken.
            if let Ok(sent) = Message::parse(datagram.bytes, Framing::Datagram, &Limits::default())
                && let Some(found) = sent.to().and_then(|to| to.tag())
                && sent.code().is_some()
            {
                found.clone_into(tag);
            }
        }
        while let Some(event) = endpoint.poll_event() {
            idle = false;
            // An operation that comes too late is refused, and that is all.
            match event {
                Event::Invite { leg, .. } => {
                    let _ = match plan & 7 {
                        0 => endpoint.reject(now, leg, 486, None, None),
                        1 => endpoint.ring(now, leg),
                        2 => endpoint.progress(now, leg, description.clone()),
                        3 => endpoint
                            .progress(now, leg, description.clone())
                            .and_then(|()| endpoint.answer(now, leg, description.clone())),
                        _ => endpoint.answer(now, leg, description.clone()),
                    };
                }
                Event::Reinvite { leg, .. } if plan & 8 == 0 => {
                    let _ = endpoint.accept_reinvite(now, leg, description.clone());
                }
                Event::Established { leg, .. } if plan & 16 != 0 => {
                    let _ = endpoint.reinvite(now, leg, description.clone());
                }
                Event::Established { leg, .. } if plan & 32 != 0 => {
                    let _ = endpoint.bye(now, leg, None);
                }
                _ => {}
            }
        }
        if idle {
            return;
        }
    }
}

/// A stream gives the same frames however it is cut.
pub fn stream(data: &[u8]) {
    let whole = frames(data, data.len().max(1));
    assert_eq!(frames(data, 1), whole);
    assert_eq!(frames(data, 7), whole);
}

fn frames(data: &[u8], size: usize) -> (Vec<Frame>, bool) {
    let mut framer = StreamFramer::new(Limits::default());
    let mut seen = Vec::new();
    for chunk in data.chunks(size) {
        framer.handle_bytes(chunk);
        loop {
            match framer.poll_frame() {
                Ok(Some(frame)) => seen.push(frame),
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
    }
    (seen, false)
}

/// An answer to any offer is a description that the same reader reads, with the offer's streams.
pub fn sdp(data: &[u8]) {
    let ours = sdp::Capabilities::new(([192, 0, 2, 1], 4000).into(), 1);
    let Ok(offer) = sdp::Sdp::parse(data) else { return };
    let _ = sdp::accept_answer(&offer, &ours);
    if let Ok(agreed) = sdp::answer(&offer, &ours) {
        let answer = sdp::Sdp::parse(agreed.sdp.as_bytes()).expect("our answer is a description");
        assert_eq!(answer.media.len(), offer.media.len());
        assert!(sdp::accept_answer(&answer, &ours).is_ok(), "our answer takes a stream");
    }
}

/// Calls as peers make them, each request of one call after the other.
pub fn dialogue() -> Vec<Vec<u8>> {
    let description = "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n";
    let request = |method: &str, seq: u32, branch: &str, headers: &str, body: &str| {
        let tag = if seq == 1 && method != "ACK" { "" } else { ";tag=OURTAG" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:4000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{branch};rport\r\n\
             From: <sip:100@192.0.2.9>;tag=desk\r\nTo: <sip:4000@192.0.2.1>{tag}\r\nCall-ID: desk\r\n\
             CSeq: {seq} {method}\r\nContact: <sip:100@192.0.2.9>\r\nMax-Forwards: 70\r\n{headers}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let cut = std::str::from_utf8(CUT).unwrap_or_default();
    let call = |first: &str, headers: &str, more: &[String]| {
        let mut parts = vec![request("INVITE", 1, "1", headers, description)];
        parts.extend_from_slice(more);
        format!("{first}{}", parts.join(cut)).into_bytes()
    };
    let ack = request("ACK", 1, "2", "", "");
    let bye = request("BYE", 9, "9", "Reason: Q.850;cause=16\r\n", "");
    let hold = request("INVITE", 3, "3", "", &description.replace("t=0", "a=sendonly\r\nt=0"));
    let update = request("UPDATE", 4, "4", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", "");
    let prack = request("PRACK", 2, "5", "RAck: 1 1 INVITE\r\n", "");
    let cancel = request("CANCEL", 1, "1", "", "");
    let info = request("INFO", 5, "6", "", "");
    vec![
        call("\x04", "", &[ack.clone(), hold.clone(), request("ACK", 3, "7", "", ""), info, bye.clone()]),
        call("\x03", "Supported: timer, 100rel\r\nSession-Expires: 90\r\n", &[prack, ack.clone(), update, bye.clone()]),
        call("\x01", "Require: 100rel\r\n", &[cancel.clone(), ack.clone()]),
        call("\x1d", "Record-Route: <sip:192.0.2.8;lr>\r\n", &[ack, cancel, hold, bye]),
        request("OPTIONS", 1, "1", "", "").into_bytes(),
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n\
          Call-ID: x\r\nCSeq: 1 INVITE\r\nRequire: 100rel\r\nRSeq: 1\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\", qop=\"auth\"\r\n\r\n"
            .to_vec(),
    ]
}

/// Session descriptions as trunks and browsers write them.
pub fn descriptions() -> Vec<Vec<u8>> {
    [
        "v=0\r\no=x 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=maxptime:60\r\na=rtcp:4007 IN IP4 192.0.2.8\r\na=rtcp-mux\r\na=sendonly\r\n",
        "v=0\r\no=- 1 2 IN IP6 ::1\r\ns=-\r\nt=0 0\r\nm=video 5000 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\nm=audio 4002 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n",
        "v=0\no=- 1 2 IN IP4 host.example\ns=-\nt=0 0\na=inactive\nm=audio 9 UDP/TLS/RTP/SAVPF 111\nm=audio 4002/2 RTP/AVP 96 0\na=rtpmap:96 PCMA/8000/1\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
