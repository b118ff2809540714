//! Offer and answer for one audio stream (RFC 3264).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::{Direction, Media, Sdp, SdpError};

/// The codecs this house speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711 µ-law, payload type 0, 8 kHz.
    Pcmu,
    /// G.711 A-law, payload type 8, 8 kHz.
    Pcma,
    /// G.722, payload type 9, 16 kHz; its RTP clock is 8 kHz all the same (RFC 3551 §4.5.2).
    G722,
}

impl Codec {
    /// The static RTP payload type (RFC 3551 §6).
    pub fn payload_type(self) -> u8 {
        match self {
            Codec::Pcmu => 0,
            Codec::Pcma => 8,
            Codec::G722 => 9,
        }
    }

    /// The encoding's name in `rtpmap`.
    pub fn as_str(self) -> &'static str {
        match self {
            Codec::Pcmu => "PCMU",
            Codec::Pcma => "PCMA",
            Codec::G722 => "G722",
        }
    }
}

/// What we can do on one leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Where our RTP socket can be reached; RTCP is one port above.
    pub address: SocketAddr,
    /// Codecs, preferred first (our order counts only in our own offers).
    pub codecs: Vec<Codec>,
    /// Whether telephone events (RFC 4733) are offered and accepted.
    pub telephone_events: bool,
    /// Whether RTP and RTCP may share a port if the other side offers it (RFC 5761).
    pub rtcp_mux: bool,
    /// Packet length written in `ptime`, milliseconds.
    pub ptime_ms: u32,
    /// The session id in `o=`, the same for the life of a dialog.
    pub session_id: u64,
    /// The version in `o=`, one more for each changed description.
    pub session_version: u64,
    /// What we want to do: `SendRecv`, or `SendOnly`/`Inactive` to hold.
    pub direction: Direction,
}

impl Capabilities {
    /// PCMU, PCMA and, last, G.722 with telephone events at `address`, 20 ms, both ways.
    pub fn new(address: SocketAddr, session_id: u64) -> Capabilities {
        Capabilities {
            address,
            codecs: vec![Codec::Pcmu, Codec::Pcma, Codec::G722],
            telephone_events: true,
            rtcp_mux: true,
            ptime_ms: 20,
            session_id,
            session_version: 1,
            direction: Direction::SendRecv,
        }
    }

    /// The same with `codec` first: what the other leg of a bridge speaks needs no transcoding.
    #[must_use]
    pub fn preferring(mut self, codec: Codec) -> Capabilities {
        self.codecs.sort_by_key(|one| *one != codec);
        self
    }
}

/// What both sides agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// The codec to send and to expect.
    pub codec: Codec,
    /// The payload type of the codec as we send it.
    pub payload_type: u8,
    /// The payload type of telephone events, if agreed.
    pub event_payload_type: Option<u8>,
    /// Where our RTP goes; an unspecified address means nowhere for now (hold).
    pub remote: SocketAddr,
    /// Where our RTCP goes.
    pub remote_rtcp: SocketAddr,
    /// Whether RTP and RTCP share one port.
    pub rtcp_mux: bool,
    /// Our direction: what we may send and shall receive.
    pub direction: Direction,
    /// The packet length the other side asks for, milliseconds; 20 if it says nothing.
    pub ptime_ms: u32,
    /// The longest packet the other side takes, milliseconds.
    pub maxptime_ms: Option<u32>,
    /// Our description: the answer to their offer, or empty after [`accept_answer`].
    pub sdp: String,
}

/// Why an offer or answer cannot be used. The response due is 488 (RFC 3261 §21.4.26).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    /// The text is no session description; the response due is 400.
    #[error(transparent)]
    Malformed(#[from] SdpError),
    /// No audio stream over plain RTP in use.
    #[error("no audio stream over RTP/AVP")]
    NoAudio,
    /// No codec in common.
    #[error("no common codec")]
    NoCodec,
    /// The stream has no address.
    #[error("the audio stream has no address")]
    NoAddress,
}

impl NotAcceptable {
    /// The status code due to a request with such an offer.
    pub fn code(self) -> u16 {
        match self {
            NotAcceptable::Malformed(_) => 400,
            _ => 488,
        }
    }
}

/// [`answer`] to an offer in bytes.
///
/// # Errors
///
/// [`NotAcceptable`], [`NotAcceptable::Malformed`] included.
pub fn answer_bytes(offer: &[u8], capabilities: &Capabilities) -> Result<Negotiated, NotAcceptable> {
    answer(&Sdp::parse(offer)?, capabilities)
}

/// Answers an offer: the first audio stream is taken with the first codec of the offer that we have, every
/// other stream is refused with port 0 (RFC 3264 §6).
///
/// # Errors
///
/// [`NotAcceptable`] says why 488 is due.
pub fn answer(offer: &Sdp<'_>, capabilities: &Capabilities) -> Result<Negotiated, NotAcceptable> {
    let (index, media) = offer.audio().ok_or(NotAcceptable::NoAudio)?;
    let mut negotiated = choose(offer, media, capabilities)?;
    let mut sdp = head(capabilities);
    for (place, other) in offer.media.iter().enumerate() {
        if place == index {
            let payloads = [(negotiated.codec, negotiated.payload_type)];
            stream(&mut sdp, capabilities, &payloads, negotiated.event_payload_type, negotiated.direction);
            if negotiated.rtcp_mux {
                sdp.push_str("a=rtcp-mux\r\n");
            }
        } else {
            let _ = write!(sdp, "m={} 0 {} {}\r\n", other.kind, other.proto, other.formats);
        }
    }
    negotiated.sdp = sdp;
    Ok(negotiated)
}

/// Our offer: one audio stream with every codec, preferred first.
pub fn offer(capabilities: &Capabilities) -> String {
    let mut sdp = head(capabilities);
    let payloads: Vec<_> = capabilities.codecs.iter().map(|codec| (*codec, codec.payload_type())).collect();
    let events = capabilities.telephone_events.then_some(OFFERED_EVENTS);
    stream(&mut sdp, capabilities, &payloads, events, capabilities.direction);
    if capabilities.rtcp_mux {
        sdp.push_str("a=rtcp-mux\r\n");
    }
    sdp
}

/// Reads the answer to our [`offer`].
///
/// # Errors
///
/// [`NotAcceptable`] if the answer refuses audio or names no codec of ours: the call cannot go on.
pub fn accept_answer(answer: &Sdp<'_>, capabilities: &Capabilities) -> Result<Negotiated, NotAcceptable> {
    let (_, media) = answer.audio().ok_or(NotAcceptable::NoAudio)?;
    choose(answer, media, capabilities)
}

/// `capabilities` with another direction and the next version in `o=`: a hold that changes nothing else.
pub fn with_direction(capabilities: &Capabilities, direction: Direction) -> Capabilities {
    Capabilities { direction, session_version: capabilities.session_version + 1, ..capabilities.clone() }
}

/// The payload type of telephone events in our offers.
const OFFERED_EVENTS: u8 = 101;

fn choose(sdp: &Sdp<'_>, media: &Media<'_>, ours: &Capabilities) -> Result<Negotiated, NotAcceptable> {
    let (codec, payload_type) = media
        .payloads()
        .find_map(|payload| {
            let (name, clock) = media.encoding(payload)?;
            let codec = ours.codecs.iter().find(|codec| codec.as_str().eq_ignore_ascii_case(name))?;
            (clock == 8000).then_some((*codec, payload))
        })
        .ok_or(NotAcceptable::NoCodec)?;
    let is_event = |payload: &u8| {
        media
            .encoding(*payload)
            .is_some_and(|(name, clock)| name.eq_ignore_ascii_case("telephone-event") && clock == 8000)
    };
    let address = sdp.address(media).ok_or(NotAcceptable::NoAddress)?;
    let remote = SocketAddr::new(address, media.port);
    let rtcp_mux = ours.rtcp_mux && media.find("rtcp-mux").is_some();
    let theirs = sdp.direction(media);
    let number = |name| media.find(name).and_then(|value| value.parse::<u32>().ok()).filter(|&ms| ms > 0);
    Ok(Negotiated {
        codec,
        payload_type,
        event_payload_type: ours.telephone_events.then(|| media.payloads().find(is_event)).flatten(),
        remote,
        remote_rtcp: if rtcp_mux { remote } else { rtcp_address(media, remote) },
        rtcp_mux,
        direction: Direction::from_ways(
            ours.direction.sends() && theirs.receives(),
            ours.direction.receives() && theirs.sends(),
        ),
        ptime_ms: number("ptime").unwrap_or(20).min(number("maxptime").unwrap_or(u32::MAX)),
        maxptime_ms: number("maxptime"),
        sdp: String::new(),
    })
}

/// `a=rtcp:port [IN IP4 address]` (RFC 3605), else one port above RTP.
fn rtcp_address(media: &Media<'_>, remote: SocketAddr) -> SocketAddr {
    let next = SocketAddr::new(remote.ip(), remote.port().saturating_add(1));
    let Some(value) = media.find("rtcp") else { return next };
    let mut words = value.split_ascii_whitespace();
    let Some(port) = words.next().and_then(|port| port.parse().ok()) else { return next };
    let address = words.nth(2).and_then(|address| address.parse().ok()).unwrap_or(remote.ip());
    SocketAddr::new(address, port)
}

fn head(ours: &Capabilities) -> String {
    let kind = family(ours.address.ip());
    let address = ours.address.ip();
    let mut sdp = String::with_capacity(320);
    let _ = write!(
        sdp,
        "v=0\r\no=- {} {} IN {kind} {address}\r\ns=-\r\nc=IN {kind} {address}\r\nt=0 0\r\n",
        ours.session_id, ours.session_version
    );
    sdp
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IP4" } else { "IP6" }
}

fn stream(
    sdp: &mut String,
    ours: &Capabilities,
    payloads: &[(Codec, u8)],
    events: Option<u8>,
    direction: Direction,
) {
    let _ = write!(sdp, "m=audio {} RTP/AVP", ours.address.port());
    for number in payloads.iter().map(|(_, number)| *number).chain(events) {
        let _ = write!(sdp, " {number}");
    }
    sdp.push_str("\r\n");
    for (codec, number) in payloads {
        let _ = write!(sdp, "a=rtpmap:{number} {}/8000\r\n", codec.as_str());
    }
    if let Some(number) = events {
        let _ = write!(sdp, "a=rtpmap:{number} telephone-event/8000\r\na=fmtp:{number} 0-15\r\n");
    }
    let _ = write!(sdp, "a=ptime:{}\r\na={}\r\n", ours.ptime_ms, direction.as_str());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours() -> Capabilities {
        Capabilities::new("192.0.2.1:30000".parse().unwrap(), 42)
    }

    fn offer_with(lines: &str) -> String {
        format!("v=0\r\no=x 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n{lines}")
    }

    #[test]
    fn the_offerers_first_codec_and_its_event_number_are_taken() {
        let text = offer_with(
            "m=audio 4000 RTP/AVP 18 8 0 96\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:30\r\n",
        );
        let agreed = answer_bytes(text.as_bytes(), &ours()).unwrap();
        assert_eq!(
            (agreed.codec, agreed.payload_type, agreed.event_payload_type),
            (Codec::Pcma, 8, Some(96))
        );
        assert_eq!(agreed.remote, "198.51.100.7:4000".parse().unwrap());
        assert_eq!(agreed.remote_rtcp, "198.51.100.7:4001".parse().unwrap());
        assert_eq!(agreed.ptime_ms, 30);
        assert!(agreed.sdp.contains("m=audio 30000 RTP/AVP 8 96\r\n"), "{}", agreed.sdp);
    }

    #[test]
    fn wideband_is_taken_where_the_offerer_prefers_it_and_offered_last() {
        let text = offer_with("m=audio 4000 RTP/AVP 9 8 0\r\na=rtpmap:9 G722/8000\r\n");
        let agreed = answer_bytes(text.as_bytes(), &ours()).unwrap();
        assert_eq!((agreed.codec, agreed.payload_type), (Codec::G722, 9));
        assert!(agreed.sdp.contains("m=audio 30000 RTP/AVP 9\r\na=rtpmap:9 G722/8000\r\n"), "{}", agreed.sdp);
        // Without its line in `rtpmap`, by the static number.
        let text = offer_with("m=audio 4000 RTP/AVP 9\r\n");
        assert_eq!(answer_bytes(text.as_bytes(), &ours()).unwrap().codec, Codec::G722);
        assert!(offer(&ours()).contains("RTP/AVP 0 8 9 101\r\n"));
        assert!(offer(&ours().preferring(Codec::Pcma)).contains("RTP/AVP 8 0 9 101\r\n"));
        assert!(offer(&ours().preferring(Codec::G722)).contains("RTP/AVP 9 0 8 101\r\n"));
    }

    #[test]
    fn other_streams_are_refused_with_port_zero_in_their_place() {
        let text =
            offer_with("m=video 5000 RTP/AVP 31\r\nm=audio 4000 RTP/AVP 0\r\nm=audio 4002 RTP/AVP 0\r\n");
        let agreed = answer_bytes(text.as_bytes(), &ours()).unwrap();
        let lines: Vec<_> = agreed.sdp.lines().filter(|line| line.starts_with("m=")).collect();
        assert_eq!(lines, ["m=video 0 RTP/AVP 31", "m=audio 30000 RTP/AVP 0", "m=audio 0 RTP/AVP 0"]);
    }

    #[test]
    fn hold_is_understood_in_both_ways_of_writing() {
        for (line, connection) in [("a=sendonly\r\n", ""), ("", "c=IN IP4 0.0.0.0\r\n")] {
            let text = offer_with(&format!("m=audio 4000 RTP/AVP 0\r\n{connection}{line}"));
            let agreed = answer_bytes(text.as_bytes(), &ours()).unwrap();
            assert_eq!(agreed.direction, Direction::RecvOnly);
            assert!(agreed.sdp.contains("a=recvonly"));
        }
    }

    #[test]
    fn no_audio_and_no_codec_are_told_apart() {
        let text = offer_with("m=video 5000 RTP/AVP 31\r\n");
        assert_eq!(answer_bytes(text.as_bytes(), &ours()), Err(NotAcceptable::NoAudio));
        let text = offer_with("m=audio 5000 RTP/SAVP 0\r\n");
        assert_eq!(answer_bytes(text.as_bytes(), &ours()), Err(NotAcceptable::NoAudio));
        let text = offer_with("m=audio 5000 RTP/AVP 18\r\n");
        assert_eq!(answer_bytes(text.as_bytes(), &ours()).unwrap_err().code(), 488);
    }

    #[test]
    fn our_offer_is_answered_by_ourselves_over_ipv6() {
        let here = Capabilities::new("[2001:db8::1]:30000".parse().unwrap(), 1);
        let there = Capabilities::new("[2001:db8::2]:40000".parse().unwrap(), 2);
        let agreed = answer_bytes(offer(&here).as_bytes(), &there).unwrap();
        assert_eq!((agreed.remote, agreed.rtcp_mux), (here.address, true));
        let back = accept_answer(&Sdp::parse(agreed.sdp.as_bytes()).unwrap(), &here).unwrap();
        assert_eq!(
            (back.remote, back.codec, back.event_payload_type),
            (there.address, Codec::Pcmu, Some(101))
        );
    }

    #[test]
    fn rtcp_may_live_elsewhere() {
        let text = offer_with("m=audio 4000 RTP/AVP 0\r\na=rtcp:53020 IN IP4 198.51.100.8\r\n");
        let agreed = answer_bytes(text.as_bytes(), &ours()).unwrap();
        assert_eq!(agreed.remote_rtcp, "198.51.100.8:53020".parse().unwrap());
    }

    #[test]
    fn an_endless_description_is_refused() {
        let text = offer_with(&"a=x\r\n".repeat(300));
        assert_eq!(Sdp::parse(text.as_bytes()), Err(SdpError::TooLarge));
    }
}
