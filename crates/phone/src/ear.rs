//! What the telephone hears: packets put in order, and whether somebody speaks.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hotline_audio::Law;
use rtp::packet::Packet;
use webrtc_util::marshal::Unmarshal;

/// Sound louder than this is somebody speaking (mean magnitude of 16-bit samples).
const SPEECH: i64 = 120;

pub(crate) struct Ear {
    law: Law,
    /// Sequence number and samples of every packet, as they came.
    packets: Vec<(i64, Vec<i16>)>,
    highest: Option<i64>,
    first_at: Option<Instant>,
    /// When somebody was heard last, and since when it is listened anew.
    spoke_at: Option<Instant>,
    anew_at: Instant,
}

impl Ear {
    pub fn new(law: Law) -> Self {
        Self {
            law,
            packets: Vec::new(),
            highest: None,
            first_at: None,
            spoke_at: None,
            anew_at: Instant::now(),
        }
    }

    /// Takes a packet; `true` if somebody speaks in it.
    pub fn hear(&mut self, bytes: &[u8], now: Instant) -> bool {
        let Ok(packet) = Packet::unmarshal(&mut Bytes::copy_from_slice(bytes)) else { return false };
        if packet.header.payload_type != self.law.payload_type() {
            return false;
        }
        let sequence = self.extend(packet.header.sequence_number);
        let mut samples = vec![0; packet.payload.len()];
        hotline_audio::decode(self.law, &packet.payload, &mut samples);
        let loudness = samples.iter().map(|s| i64::from(*s).abs()).sum::<i64>() / samples.len().max(1) as i64;
        self.packets.push((sequence, samples));
        self.first_at.get_or_insert(now);
        let speaks = loudness > SPEECH;
        if speaks {
            self.spoke_at = Some(now);
        }
        speaks
    }

    fn extend(&mut self, sequence: u16) -> i64 {
        let extended = match self.highest {
            None => i64::from(sequence),
            Some(highest) => {
                let step = sequence.wrapping_sub(highest as u16) as i16;
                highest + i64::from(step)
            }
        };
        self.highest = Some(self.highest.map_or(extended, |highest| highest.max(extended)));
        extended
    }

    /// Whether somebody spoke since it is listened anew, and has been silent for `pause` since.
    pub fn quiet_for(&self, pause: Duration) -> bool {
        self.spoke_at.is_some_and(|at| at > self.anew_at && at.elapsed() >= pause)
    }

    pub fn listen_anew(&mut self) {
        self.anew_at = Instant::now();
    }

    /// How long the other side spoke since it is listened anew.
    pub fn listened(&self) -> Duration {
        self.spoke_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(self.first_at.unwrap_or(at)))
    }

    pub const fn first_packet_at(&self) -> Option<Instant> {
        self.first_at
    }

    pub fn packets(&self) -> u32 {
        u32::try_from(self.packets.len()).unwrap_or(u32::MAX)
    }

    pub fn lost(&self) -> u32 {
        let mut numbers: Vec<i64> = self.packets.iter().map(|(sequence, _)| *sequence).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let span = numbers.last().zip(numbers.first()).map_or(0, |(last, first)| last - first + 1);
        u32::try_from(span - numbers.len() as i64).unwrap_or(0)
    }

    /// Everything heard, in order, a missing packet as silence.
    pub fn into_samples(mut self) -> Vec<i16> {
        self.packets.sort_by_key(|(sequence, _)| *sequence);
        let mut samples = Vec::new();
        let mut expected: Option<i64> = None;
        for (sequence, packet) in self.packets {
            match expected {
                Some(next) if sequence < next => continue,
                Some(next) => {
                    let missing = usize::try_from(sequence - next).unwrap_or(0).min(500);
                    samples.extend(std::iter::repeat_n(0, missing * packet.len()));
                }
                None => {}
            }
            expected = Some(sequence + 1);
            samples.extend(packet);
        }
        samples
    }
}
