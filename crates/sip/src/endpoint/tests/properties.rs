//! No input panics; reading what was written gives the same.

use bytes::Bytes;
use proptest::prelude::*;

use super::pair::{Pair, Side, start};
use crate::message::{Framing, Limits, Message};
use crate::*;

/// The fixtures, with some bytes changed, cut or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&'static [u8]> = super::torture::ROWS.iter().map(|row| row.bytes).collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 0..8);
    (prop::sample::select(names), edits).prop_map(|(bytes, edits)| {
        let mut bytes = bytes.to_vec();
        for (place, byte, kind) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.insert(at, byte),
                _ => drop(bytes.remove(at)),
            }
        }
        bytes
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_endpoint_panic(bytes in mutated(), tcp in any::<bool>()) {
        let now = start();
        let mut pair = Pair::new();
        if tcp {
            pair.transport = Transport::Tcp;
        }
        let mut endpoint = Endpoint::new(Config::default(), now, [3; 32]);
        endpoint.handle_datagram(now, pair.path(Side::A), bytes.clone().into());
        endpoint.handle_datagram(now, pair.path(Side::A), bytes.into());
    }

    #[test]
    fn what_is_written_reads_the_same(bytes in mutated()) {
        let limits = Limits::default();
        if let Ok(message) = Message::parse(bytes, Framing::Datagram, &limits) {
            let written = message.to_bytes();
            let again = Message::parse(written.clone(), Framing::Stream, &limits).unwrap();
            prop_assert_eq!(&again.to_bytes(), &written);
            prop_assert_eq!(again.body(), message.body());
            prop_assert_eq!(again.request_uri_bytes(), message.request_uri_bytes());
            prop_assert_eq!(again.code(), message.code());
        }
    }

    #[test]
    fn no_session_description_panics(text in "(v=0\r\no=x 1 1 IN IP4 1.1.1.1\r\n)?([a-z]=[ -~]{0,30}\r?\n|m=audio [0-9]{1,6} RTP/AVP [0-9 ]{0,9}\r\n|c=IN IP[46] [0-9.:]{0,12}\r\n|a=(rtpmap|rtcp|fmtp|ptime):[0-9]{0,4} [ -~]{0,12}\r\n){0,12}") {
        let ours = sdp::Capabilities::new("192.0.2.1:4000".parse().unwrap(), 1);
        if let Ok(agreed) = sdp::answer_bytes(text.as_bytes(), &ours) {
            prop_assert!(sdp::Sdp::parse(agreed.sdp.as_bytes()).is_ok());
        }
    }

    #[test]
    fn no_stream_makes_the_framer_panic(chunks in prop::collection::vec(mutated(), 0..4)) {
        let mut framer = message::StreamFramer::new(Limits::default());
        'all: for chunk in chunks {
            framer.handle_bytes(&chunk);
            loop {
                match framer.poll_frame() {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => break 'all,
                }
            }
        }
    }

    #[test]
    fn no_header_value_panics_its_reader(value in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = message::Uri::parse(&value);
        let _ = message::NameAddr::parse(&value).map(|found| found.display().len());
        let _ = message::Via::parse(&value).map(|found| found.branch().is_some());
        let _ = auth::Challenge::parse(&value);
        let _ = dtmf_relay(&value);
        let _ = message::find_part(b"multipart/mixed;boundary=x", &Bytes::from(value), "application/sdp");
    }
}
