use proptest::prelude::*;

use super::*;
use crate::digit::code_of;
use crate::{DigitSender, OutgoingDigit};

/// A start for virtual time; only differences count.
#[expect(
    clippy::disallowed_methods,
    reason = "an Instant can be had in no other way; only differences are used"
)]
fn start() -> Instant {
    Instant::now()
}

fn report(key: char, end: bool, duration: u16) -> [u8; 4] {
    Report { code: code_of(key).unwrap(), end, volume: 10, duration }.to_bytes()
}

/// Feeds (timestamp, payload) 20 ms apart and collects the keys.
fn keys(packets: &[(u32, [u8; 4])]) -> String {
    let mut receiver = DigitReceiver::new();
    let mut keys = String::new();
    let start = start();
    for (n, (timestamp, payload)) in packets.iter().enumerate() {
        let now = start + Duration::from_millis(20) * n as u32;
        receiver.handle_payload(now, 1, *timestamp, payload, |key| keys.push(key));
    }
    keys
}

#[test]
fn a_key_is_reported_with_its_first_packet() {
    assert_eq!(keys(&[(1000, report('5', false, 160))]), "5");
}

#[test]
fn start_packets_may_be_lost_and_end_packets_may_repeat() {
    assert_eq!(keys(&[(1000, report('5', true, 800)); 3]), "5");
}

#[test]
fn the_same_key_twice_with_every_end_lost_counts_twice() {
    assert_eq!(keys(&[(1000, report('5', false, 160)), (2400, report('5', false, 160))]), "55");
}

#[test]
fn a_late_packet_of_an_earlier_key_does_not_count_again() {
    let packets = [
        (1000, report('1', false, 160)),
        (2400, report('2', false, 160)),
        (1000, report('1', true, 800)),
        (2400, report('2', true, 800)),
        (1000, report('1', true, 800)),
    ];
    assert_eq!(keys(&packets), "12");
}

#[test]
fn an_event_in_three_segments_is_one_press() {
    let mut packets = Vec::new();
    let mut timestamp = 5u32.wrapping_sub(80_000);
    for segment in 0..3 {
        for duration in (160..=65_440u16).step_by(160).chain([65_535]) {
            packets.push((timestamp, report('#', false, duration)));
        }
        if segment < 2 {
            timestamp = timestamp.wrapping_add(65_535);
        }
    }
    // The last packet of the segment before arrives once more, late.
    packets.push((timestamp.wrapping_sub(65_535), report('#', false, 65_535)));
    packets.push((timestamp, report('#', true, 65_535)));
    assert_eq!(keys(&packets), "#");
}

#[test]
fn a_sender_that_moves_the_timestamp_with_every_packet_is_understood() {
    let packets: Vec<_> =
        (0..6).map(|n| (1000 + n * 160, report('7', n == 5, 320 + n as u16 * 160))).collect();
    assert_eq!(keys(&packets), "7");
}

#[test]
fn flash_and_short_payloads_are_ignored_and_two_reports_in_a_packet_are_read() {
    let mut receiver = DigitReceiver::new();
    let mut found = String::new();
    let now = start();
    receiver.handle_payload(now, 1, 0, &[16, 0, 0, 160], |key| found.push(key));
    receiver.handle_payload(now, 1, 0, &[1, 0, 0], |key| found.push(key));
    let two = [report('1', true, 800), report('2', false, 160)].concat();
    receiver.handle_payload(now, 1, 4000, &two, |key| found.push(key));
    receiver.handle_payload(now, 1, 4800, &report('2', true, 800), |key| found.push(key));
    assert_eq!(found, "12");
}

#[test]
fn another_source_with_the_same_timestamp_is_another_press() {
    let mut receiver = DigitReceiver::new();
    let mut found = String::new();
    let now = start();
    receiver.handle_payload(now, 1, 0, &report('1', true, 800), |key| found.push(key));
    receiver.handle_payload(now, 2, 0, &report('1', true, 800), |key| found.push(key));
    assert_eq!(found, "11");
}

/// What the network does to one packet: lost, how often it comes, and how many ms late each time.
fn fates() -> impl Strategy<Value = Vec<(bool, Vec<u16>)>> {
    let fate = (prop::bool::weighted(0.3), prop::collection::vec(0u16..60, 1..3));
    prop::collection::vec(fate, 64 * 8)
}

proptest! {
    #[test]
    fn every_key_counts_once_whatever_is_lost_doubled_or_late(keys in "[0-9*#A-D]{1,40}", fates in fates(), first in any::<u32>()) {
        let mut sender = DigitSender::new();
        for key in keys.chars() {
            sender.push(key);
        }
        let mut packets: Vec<(u64, OutgoingDigit)> = Vec::new();
        let mut events = Vec::new();
        let mut tick = 0u64;
        while !sender.is_idle() {
            if let Some(packet) = sender.next(first.wrapping_add(tick as u32 * 160)) {
                if events.last() != Some(&packet.timestamp) {
                    events.push(packet.timestamp);
                }
                packets.push((tick * 20, packet));
            }
            tick += 1;
        }
        prop_assert_eq!(events.len(), keys.len());
        let mut arrivals = Vec::new();
        for event in &events {
            let mut any = false;
            let of_event: Vec<_> = packets.iter().enumerate().filter(|(_, (_, p))| p.timestamp == *event).collect();
            for &(n, &(sent, packet)) in &of_event {
                let (lost, delays) = &fates[n % fates.len()];
                if !lost {
                    any = true;
                    arrivals.extend(delays.iter().map(|&delay| (sent + u64::from(delay), packet)));
                }
            }
            if !any {
                arrivals.push(of_event.last().map(|(_, packet)| **packet).unwrap());
            }
        }
        arrivals.sort_by_key(|&(at, _)| at);
        let mut receiver = DigitReceiver::new();
        let mut found = Vec::new();
        let start = start();
        for (at, packet) in arrivals {
            receiver.handle_payload(start + Duration::from_millis(at), 9, packet.timestamp, &packet.payload, |key| found.push(key));
        }
        // Delays of up to 60 ms keep the order of presses that begin 160 ms apart unless only late packets survive.
        let (mut sorted, mut expected): (Vec<char>, Vec<char>) = (found, keys.chars().collect());
        sorted.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(sorted, expected);
    }

    #[test]
    fn no_payload_panics(packets in prop::collection::vec((any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)), 0..60)) {
        let mut receiver = DigitReceiver::new();
        let now = start();
        for (timestamp, payload) in packets {
            receiver.handle_payload(now, 1, timestamp, &payload, |_| {});
        }
    }
}
