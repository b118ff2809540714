use proptest::prelude::*;

use super::*;
use crate::digit::Report;

#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had in no other way; only differences are used"
)]
fn start() -> Instant {
    Instant::now()
}

fn session(now: Instant, ssrc: u32) -> Session {
    let config =
        Config { ssrc, first_sequence: 65_530, audio: 0, digits: Some(101), cname: "hotline".into() };
    Session::new(now, UNIX_EPOCH + Duration::from_secs(1_700_000_000), config)
}

fn packet(payload_type: u8, sequence: u16, timestamp: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Packet::new(Header { marker: false, payload_type, sequence, timestamp, ssrc }, payload)
        .write(0, &mut bytes);
    bytes
}

#[test]
fn two_sessions_measure_their_round_trip() {
    let start = start();
    let (mut a, mut b) = (session(start, 1), session(start, 2));
    let way = Duration::from_millis(30);
    let mut on_the_way: Vec<(Instant, bool, Vec<u8>)> = Vec::new();
    for tick in 0..800u32 {
        let now = start + Duration::from_millis(20) * tick;
        for (from_a, side) in [(true, &mut a), (false, &mut b)] {
            let header = side.next_header(now, 0, tick * 160, tick == 0, 160);
            on_the_way.push((now + way, from_a, [&header[..], &[0xFF; 160]].concat()));
            side.handle_timeout(now);
            if let Some(report) = side.poll_datagram() {
                on_the_way.push((now + way, from_a, report.to_vec()));
            }
        }
        on_the_way.retain(|(due, from_a, bytes)| {
            if *due <= now {
                let side = if *from_a { &mut b } else { &mut a };
                side.handle_datagram(*due, bytes).unwrap();
            }
            *due > now
        });
    }
    let stats = a.stats();
    assert_eq!((stats.sent, stats.lost, stats.jitter), (800, 0, Duration::ZERO));
    let rtt = stats.rtt.unwrap();
    assert!((59..=61).contains(&rtt.as_millis()), "{rtt:?}");
}

#[test]
fn payload_types_that_were_not_negotiated_are_ignored() {
    let now = start();
    let mut session = session(now, 1);
    assert_eq!(session.handle_datagram(now, &packet(8, 1, 0, 7, &[0xD5; 160])), Ok(Incoming::Ignored));
    assert!(matches!(
        session.handle_datagram(now, &packet(0, 2, 0, 7, &[0xFF; 160])),
        Ok(Incoming::Audio(_))
    ));
    assert_eq!(session.stats().refused, 1);
}

#[test]
fn a_new_source_is_told_and_the_counts_add_up() {
    let now = start();
    let mut session = session(now, 1);
    for (sequence, ssrc) in [(1, 7), (3, 7), (900, 8), (901, 8)] {
        let bytes = packet(0, sequence, u32::from(sequence) * 160, ssrc, &[0xFF; 160]);
        assert!(matches!(session.handle_datagram(now, &bytes), Ok(Incoming::Audio(_))));
    }
    assert_eq!(session.poll_event(), Some(Event::SourceChanged { ssrc: 8 }));
    assert_eq!(session.poll_event(), None);
    assert_eq!((session.stats().received, session.stats().lost), (4, 1));
}

#[test]
fn more_than_two_hundred_packets_a_second_are_refused() {
    let start = start();
    let mut session = session(start, 1);
    let mut taken = 0;
    for n in 0..5000u16 {
        let now = start + Duration::from_millis(u64::from(n));
        taken +=
            u32::from(session.handle_datagram(now, &packet(0, n, u32::from(n) * 160, 7, &[0; 160])).is_ok());
    }
    assert!((1190..=1201).contains(&taken), "{taken}");
}

#[test]
fn a_key_in_three_end_packets_is_one_event_and_a_farewell_is_told() {
    let now = start();
    let mut session = session(now, 1);
    let report = Report { code: 4, end: true, volume: 10, duration: 800 }.to_bytes();
    for sequence in 1..4 {
        session.handle_datagram(now, &packet(101, sequence, 160, 7, &report)).unwrap();
    }
    let mut bye = Vec::new();
    rtcp::write(7, None, None, "x", true, &mut bye);
    assert_eq!(session.handle_datagram(now, &bye), Ok(Incoming::Control));
    let events: Vec<_> = std::iter::from_fn(|| session.poll_event()).collect();
    assert_eq!(events, [Event::Key('4'), Event::Left]);
}

#[test]
fn our_own_sequence_numbers_wrap_and_a_farewell_is_written() {
    let now = start();
    let mut session = session(now, 1);
    let sequences: Vec<u16> = (0..10u32)
        .map(|n| session.next_header(now, 0, n * 160, false, 160))
        .map(|h| u16::from_be_bytes([h[2], h[3]]))
        .collect();
    assert_eq!(sequences[5..7], [65_535, 0]);
    session.close(now);
    let parts: Vec<_> = rtcp::parse(session.poll_datagram().unwrap()).map(Result::unwrap).collect();
    assert_eq!(parts.last(), Some(&Part::Bye { ssrc: 1 }));
    assert_eq!(session.poll_datagram(), None);
    assert_eq!(session.poll_timeout(), None);
}

proptest! {
    #[test]
    fn no_datagrams_panic(datagrams in prop::collection::vec((0u64..500, prop::collection::vec(any::<u8>(), 0..100)), 0..80)) {
        let mut now = start();
        let mut session = session(now, 1);
        for (wait, mut bytes) in datagrams {
            now += Duration::from_millis(wait);
            if let Some(first) = bytes.first_mut() {
                *first = 0x80 | (*first & 0x1F);
            }
            let _ = session.handle_datagram(now, &bytes);
            session.handle_timeout(now);
            let _ = session.poll_datagram();
            let _ = session.stats();
        }
    }
}
