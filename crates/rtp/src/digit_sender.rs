//! Keys into telephone-event packets (RFC 4733 §2.5.1).

use std::collections::VecDeque;

use crate::digit::{Report, code_of};

/// Sends keys one after another: 100 ms each, 60 ms between, the end three times.
#[derive(Debug, Clone, Default)]
pub struct DigitSender {
    waiting: VecDeque<u8>,
    current: Option<Current>,
}

#[derive(Debug, Clone, Copy)]
struct Current {
    code: u8,
    timestamp: u32,
    /// Ticks of 20 ms since the key began.
    tick: u16,
}

/// One packet to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutgoingDigit {
    /// The event's timestamp, the same in all its packets.
    pub timestamp: u32,
    /// Set in the first packet of an event.
    pub marker: bool,
    /// The four bytes of the report.
    pub payload: [u8; 4],
}

impl DigitSender {
    /// A sender with nothing to send.
    #[must_use]
    pub fn new() -> DigitSender {
        DigitSender::default()
    }

    /// Adds a key; what is no key is left out. At most 64 wait.
    pub fn push(&mut self, key: char) {
        if let Some(code) = code_of(key)
            && self.waiting.len() < MAX_WAITING
        {
            self.waiting.push_back(code);
        }
    }

    /// Whether all keys and the pause behind the last are over.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.current.is_none() && self.waiting.is_empty()
    }

    /// What to send in this tick of 20 ms in place of sound; nothing between keys. `timestamp` is the media clock now.
    pub fn next(&mut self, timestamp: u32) -> Option<OutgoingDigit> {
        if self.current.is_none() {
            let code = self.waiting.pop_front()?;
            self.current = Some(Current { code, timestamp, tick: 0 });
        }
        let current = self.current.as_mut()?;
        current.tick += 1;
        let Current { code, timestamp, tick } = *current;
        if tick >= ON_TICKS + OFF_TICKS {
            self.current = None;
        }
        let end = tick >= ON_TICKS;
        let duration = tick.min(ON_TICKS) * TICK_UNITS;
        let report = Report { code, end, volume: VOLUME, duration };
        (tick < ON_TICKS + END_PACKETS).then(|| OutgoingDigit {
            timestamp,
            marker: tick == 1,
            payload: report.to_bytes(),
        })
    }
}

/// 100 ms of key.
const ON_TICKS: u16 = 5;
/// 60 ms of pause, which carry the repeated ends.
const OFF_TICKS: u16 = 3;
/// The end is sent three times (RFC 4733 §2.5.1.4).
const END_PACKETS: u16 = 3;
/// 20 ms at 8 kHz.
const TICK_UNITS: u16 = 160;
/// −10 dBm0.
const VOLUME: u8 = 10;
const MAX_WAITING: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_five_packets_of_growing_length_and_two_more_ends() {
        let mut sender = DigitSender::new();
        sender.push('x');
        sender.push('#');
        let packets: Vec<_> = (0..8).filter_map(|tick| sender.next(tick * 160)).collect();
        assert!(sender.is_idle());
        let reports: Vec<_> = packets.iter().map(|p| Report::from_bytes(p.payload)).collect();
        assert_eq!(
            reports.iter().map(|r| r.duration).collect::<Vec<_>>(),
            [160, 320, 480, 640, 800, 800, 800]
        );
        assert_eq!(reports.iter().filter(|r| r.end).count(), 3);
        assert!(packets.iter().all(|p| p.timestamp == 0) && reports.iter().all(|r| r.code == 11));
        assert!(packets[0].marker && !packets[1].marker);
    }
}
