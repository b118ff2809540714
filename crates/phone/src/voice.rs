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

pub(crate) struct Voice {
    law: Law,
    event_payload: Option<u8>,
    frames: VecDeque<Frame>,
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
        for key in keys.chars() {
            match (by, self.event_payload, event_code(key)) {
                (KeyBy::Rfc4733, Some(_), Some(code)) => self.push_event(code),
                _ => self.push_tone(key),
            }
            for _ in 0..APART {
                self.frames.push_back(Frame::Sound(vec![0; FRAME]));
            }
        }
    }

    fn push_event(&mut self, code: u8) {
        for frame in 1..=HELD {
            self.frames.push_back(Frame::Event {
                code,
                duration: frame * 160,
                end: false,
                first: frame == 1,
            });
        }
        // The end is sent three times (RFC 4733 §2.5.1.4).
        for _ in 0..3 {
            self.frames.push_back(Frame::Event { code, duration: HELD * 160, end: true, first: false });
        }
    }

    fn push_tone(&mut self, key: char) {
        let held = Duration::from_millis(u64::from(HELD) * 20);
        let Some(tone) = hotline_audio::dtmf_key(key, held) else { return };
        for frame in tone.chunks(FRAME) {
            let mut frame = frame.to_vec();
            frame.resize(FRAME, 0);
            self.frames.push_back(Frame::Sound(frame));
        }
    }

    pub fn is_keying(&self) -> bool {
        !self.frames.is_empty()
    }

    /// The packet of the next 20 ms.
    pub fn next_packet(&mut self) -> Bytes {
        let frame = self.frames.pop_front().unwrap_or_else(|| Frame::Sound(vec![0; FRAME]));
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
        Packet { header, payload: payload.into() }.marshal().unwrap_or_default()
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
