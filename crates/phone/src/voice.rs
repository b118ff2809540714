//! What the telephone sends: silence, and keys as events or tones.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use hotline_audio::{FRAME, Law};
use rtp::header::Header;
use rtp::packet::Packet;
use webrtc_util::marshal::Marshal;

use crate::KeyBy;

/// A key is held for 100 ms, and 100 ms pass to the next.
const HELD: u16 = 5;
const APART: u16 = 5;

/// One frame of 20 ms.
enum Frame {
    Sound(Vec<i16>),
    /// A telephone-event: its code, how long it lasts by now in samples, whether it is over.
    Event {
        code: u8,
        duration: u16,
        end: bool,
        first: bool,
    },
}

/// A packet, and whether the last key of a group is over with it: at the first end packet of its
/// event or the last frame of its tone.
pub(crate) struct Sent {
    pub packet: Bytes,
    pub keyed: bool,
}

pub(crate) struct Voice {
    law: Law,
    event_payload: Option<u8>,
    /// Frames to come, each with whether the last key of a group is over with it.
    frames: VecDeque<(Frame, bool)>,
    sequence: u16,
    timestamp: u32,
    /// The timestamp of the event being sent: all its packets carry it (RFC 4733 §2.1).
    event_timestamp: u32,
    ssrc: u32,
}

impl Voice {
    pub fn new(law: Law, event_payload: Option<u8>) -> Self {
        Self {
            law,
            event_payload,
            frames: VecDeque::new(),
            sequence: rand::random(),
            timestamp: rand::random(),
            event_timestamp: 0,
            ssrc: rand::random(),
        }
    }

    pub fn key(&mut self, keys: &str, by: KeyBy) {
        let mut keys = keys.chars().peekable();
        while let Some(key) = keys.next() {
            let is_last = keys.peek().is_none();
            match (by, self.event_payload, event_code(key)) {
                (KeyBy::Rfc4733, Some(_), Some(code)) => self.push_event(code, is_last),
                _ => self.push_tone(key, is_last),
            }
            for _ in 0..APART {
                self.frames.push_back((Frame::Sound(vec![0; FRAME]), false));
            }
        }
    }

    fn push_event(&mut self, code: u8, is_last: bool) {
        for frame in 1..=HELD {
            let event = Frame::Event { code, duration: frame * 160, end: false, first: frame == 1 };
            self.frames.push_back((event, false));
        }
        // The end is sent three times (RFC 4733 §2.5.1.4).
        for copy in 0..3 {
            let event = Frame::Event { code, duration: HELD * 160, end: true, first: false };
            self.frames.push_back((event, is_last && copy == 0));
        }
    }

    fn push_tone(&mut self, key: char, is_last: bool) {
        let held = Duration::from_millis(u64::from(HELD) * 20);
        let Some(tone) = hotline_audio::dtmf_key(key, held) else { return };
        let mut frames = tone.chunks(FRAME).peekable();
        while let Some(frame) = frames.next() {
            let mut frame = frame.to_vec();
            frame.resize(FRAME, 0);
            self.frames.push_back((Frame::Sound(frame), is_last && frames.peek().is_none()));
        }
    }

    pub fn is_keying(&self) -> bool {
        !self.frames.is_empty()
    }

    /// The packet of the next 20 ms.
    pub fn next_packet(&mut self) -> Sent {
        let (frame, keyed) = self.frames.pop_front().unwrap_or_else(|| (Frame::Sound(vec![0; FRAME]), false));
        let (payload_type, timestamp, marker, payload) = match frame {
            Frame::Sound(samples) => {
                let mut codes = vec![0; samples.len()];
                hotline_audio::encode(self.law, &samples, &mut codes);
                (self.law.payload_type(), self.timestamp, false, codes)
            }
            Frame::Event { code, duration, end, first } => {
                if first {
                    self.event_timestamp = self.timestamp;
                }
                let [high, low] = duration.to_be_bytes();
                let flags = if end { 0x80 | 10 } else { 10 };
                let payload_type = self.event_payload.unwrap_or(101);
                (payload_type, self.event_timestamp, first, vec![code, flags, high, low])
            }
        };
        self.timestamp = self.timestamp.wrapping_add(FRAME as u32);
        self.sequence = self.sequence.wrapping_add(1);
        let header = Header {
            version: 2,
            marker,
            payload_type,
            sequence_number: self.sequence,
            timestamp,
            ssrc: self.ssrc,
            ..Header::default()
        };
        let packet = Packet { header, payload: payload.into() }.marshal().unwrap_or_default();
        Sent { packet, keyed }
    }
}

/// RFC 4733 §3.2.
fn event_code(key: char) -> Option<u8> {
    match key {
        '0'..='9' => Some(key as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(key as u8 - b'A' + 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which packets of a group of keys end its last key.
    fn ends(keys: &str, by: KeyBy) -> Vec<usize> {
        let mut voice = Voice::new(Law::Pcmu, Some(101));
        voice.key(keys, by);
        let sent = std::iter::from_fn(|| voice.is_keying().then(|| voice.next_packet().keyed));
        sent.enumerate().filter_map(|(at, keyed)| keyed.then_some(at)).collect()
    }

    #[test]
    fn the_last_key_is_over_at_its_first_end_packet() {
        // Each key: five packets held, three ends, five apart.
        assert_eq!(ends("1", KeyBy::Rfc4733), [5]);
        assert_eq!(ends("407", KeyBy::Rfc4733), [13 + 13 + 5]);
    }

    #[test]
    fn the_last_key_in_band_is_over_with_its_tone() {
        assert_eq!(ends("40", KeyBy::InBand), [10 + 4]);
    }
}
