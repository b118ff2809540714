//! One key from two ways of sending it.

use std::time::{Duration, Instant};

use crate::DigitBy;

/// Matches a key heard as tones with the same key sent as an event, where both are listened to.
#[derive(Debug, Default)]
pub(crate) struct DigitMerge {
    waiting: [Option<(char, DigitBy, Instant)>; 4],
    next: usize,
}

impl DigitMerge {
    /// Whether this key counts: it does not if the other way told it lately.
    pub fn counts(&mut self, now: Instant, key: char, by: DigitBy) -> bool {
        let twin = self.waiting.iter_mut().find(|entry| {
            entry.is_some_and(|(k, other, at)| {
                k == key && other != by && now.saturating_duration_since(at) < SAME
            })
        });
        if let Some(twin) = twin {
            *twin = None;
            return false;
        }
        self.waiting[self.next] = Some((key, by, now));
        self.next = (self.next + 1) % self.waiting.len();
        true
    }
}

/// Events trail their tones, or tones are found after their events, by less than this.
const SAME: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_sent_both_ways_counts_once_and_pressed_twice_counts_twice() {
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        let mut merge = DigitMerge::default();
        let counted = [
            (0, DigitBy::Rfc4733),
            (30, DigitBy::InBand),
            (160, DigitBy::Rfc4733),
            (190, DigitBy::InBand),
            (900, DigitBy::InBand),
            (940, DigitBy::Rfc4733),
            (1500, DigitBy::InBand),
        ]
        .map(|(at, by)| merge.counts(ms(at), '5', by));
        assert_eq!(counted, [true, false, true, false, true, false, true]);
    }
}
