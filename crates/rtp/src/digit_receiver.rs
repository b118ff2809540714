//! Keys out of telephone-event packets: none lost, none doubled.

use std::time::{Duration, Instant};

use crate::digit::{Report, key_of};

/// Recognises key presses by RFC 4733, whatever the network does to the packets of an event.
///
/// An event is its source, timestamp and code. A key is reported with the first packet of its event that arrives, be
/// it the end packet; all others of the event are silent. An event that was seen lately stays known, so late packets and
/// repeated ends do not count again.
#[derive(Debug, Clone)]
pub struct DigitReceiver {
    known: [Option<Known>; HISTORY],
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    ssrc: u32,
    /// Start of the event, or of its latest segment.
    timestamp: u32,
    code: u8,
    /// Longest duration reported since `timestamp`.
    duration: u16,
    ended: bool,
    last_seen: Instant,
}

impl DigitReceiver {
    /// A receiver that knows no event.
    #[must_use]
    pub fn new() -> DigitReceiver {
        DigitReceiver { known: [None; HISTORY], next: 0 }
    }

    /// Takes the payload of one packet; tells each key that was newly pressed.
    ///
    /// A payload may report several events that follow one another (RFC 4733 §2.5.1.5); bytes after the last whole
    /// report and codes that are no keys are ignored.
    pub fn handle_payload(
        &mut self,
        now: Instant,
        ssrc: u32,
        timestamp: u32,
        payload: &[u8],
        mut pressed: impl FnMut(char),
    ) {
        let mut timestamp = timestamp;
        for bytes in payload.chunks_exact(4).take(MAX_REPORTS) {
            let report = Report::from_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            if let Some(key) = key_of(report.code)
                && self.is_new(now, ssrc, timestamp, report)
            {
                pressed(key);
            }
            timestamp = timestamp.wrapping_add(u32::from(report.duration));
        }
    }

    fn is_new(&mut self, now: Instant, ssrc: u32, timestamp: u32, report: Report) -> bool {
        let lately = |known: &&mut Known| now.saturating_duration_since(known.last_seen) < REMEMBER;
        let mine = |known: &&mut Known| known.ssrc == ssrc && known.code == report.code;
        let mut recent = self.known.iter_mut().flatten().filter(lately).filter(mine);
        let same = recent.find(|known| known.timestamp == timestamp || known.goes_on_at(timestamp, report));
        if let Some(known) = same {
            known.update(now, timestamp, report);
            return false;
        }
        self.known[self.next] = Some(Known {
            ssrc,
            timestamp,
            code: report.code,
            duration: report.duration,
            ended: report.end,
            last_seen: now,
        });
        self.next = (self.next + 1) % HISTORY;
        true
    }
}

impl Default for DigitReceiver {
    fn default() -> Self {
        DigitReceiver::new()
    }
}

impl Known {
    /// Whether a packet of the same key with another timestamp belongs to this event all the same.
    fn goes_on_at(&self, timestamp: u32, report: Report) -> bool {
        let since = timestamp.wrapping_sub(self.timestamp);
        // The next segment of an event too long for its field (RFC 4733 §2.5.1.3). Segments end at the field's limit,
        // so an event of which less is known is another press of the key.
        let segment = !self.ended
            && self.duration >= SEGMENT_LIMIT
            && since >= u32::from(self.duration)
            && since <= u32::from(u16::MAX) + 1;
        // A segment's packet that arrives after the next segment has begun.
        let previous_segment = self.timestamp.wrapping_sub(timestamp) <= u32::from(u16::MAX) + 1
            && report.duration >= SEGMENT_LIMIT;
        // Senders that move the timestamp on with every packet of an event: no other event can start within this one.
        let within = !self.ended && since < u32::from(self.duration) && report.duration >= self.duration;
        segment || previous_segment || within
    }

    fn update(&mut self, now: Instant, timestamp: u32, report: Report) {
        self.last_seen = now;
        let behind = self.timestamp.wrapping_sub(timestamp);
        if timestamp == self.timestamp {
            self.duration = self.duration.max(report.duration);
            self.ended |= report.end;
        } else if behind > u32::from(u16::MAX) + 1 {
            self.timestamp = timestamp;
            self.duration = report.duration;
            self.ended = report.end;
        }
    }
}

/// Events remembered; keys come at most 20 a second.
const HISTORY: usize = 32;
/// Reports read from one packet.
const MAX_REPORTS: usize = 8;
/// How long after its last packet an event is known. Networks do not hold packets back longer; and some test
/// tools use the same timestamp for every press.
const REMEMBER: Duration = Duration::from_secs(2);
/// An event whose known duration reaches this (of 65,535) may go on in another segment.
const SEGMENT_LIMIT: u16 = 0xFFFF - 8_000;

#[cfg(test)]
mod tests;
