//! Who picked up: a human, or a machine that speaks for longer than people do. In doubt it is a human.

use std::time::Duration;

use hotline_audio::{Heard, NetworkTone};
use hotline_model::campaign::Detection;

/// Who picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody.
    Human,
    /// Something.
    Machine,
}

impl By {
    /// The word on the record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Machine => "machine",
        }
    }
}

/// Listens to whoever picked up until it is known who it is. Times are those since the call began.
#[derive(Debug)]
pub(super) struct PickUp {
    detection: Detection,
    until: Duration,
    speaks_since: Option<Duration>,
    by: Option<By>,
}

impl PickUp {
    /// Somebody or something picked up now.
    pub fn new(now: Duration, detection: Detection) -> Self {
        // Nobody listens: a human it is.
        let by = detection.within.is_zero().then_some(By::Human);
        Self { detection, until: now + detection.within, speaks_since: None, by }
    }

    /// Something was heard; who it is, once that is known.
    pub fn handle_heard(&mut self, now: Duration, what: Heard) -> Option<By> {
        if self.by.is_some() {
            return None;
        }
        let by = match what {
            Heard::Speech => {
                self.speaks_since = Some(now);
                None
            }
            // A rest is told when it has lasted for its length: the words before it were shorter by that.
            Heard::Rest => self.speaks_since.take().map(|since| {
                let spoke = now.saturating_sub(since).saturating_sub(self.detection.rest);
                if spoke >= self.detection.greeting { By::Machine } else { By::Human }
            }),
            Heard::Tone(NetworkTone::RingBack) => None,
            Heard::Tone(_) => Some(By::Machine),
        };
        self.settle(by)
    }

    /// A key was pressed: machines press none.
    pub fn handle_key(&mut self) -> Option<By> {
        if self.by.is_some() {
            return None;
        }
        self.settle(Some(By::Human))
    }

    /// When to call [`PickUp::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        if self.by.is_some() {
            return None;
        }
        // Words that end just before the limit are told of by a rest after it.
        let greeting = self.detection.greeting + self.detection.rest;
        Some(self.speaks_since.map_or(self.until, |since| since + greeting))
    }

    /// The time named by [`PickUp::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Duration) -> Option<By> {
        let due = self.poll_timeout().is_some_and(|at| at <= now);
        let by = if self.speaks_since.is_some() { By::Machine } else { By::Human };
        self.settle(due.then_some(by))
    }

    fn settle(&mut self, by: Option<By>) -> Option<By> {
        self.by = self.by.or(by);
        by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(length: u64) -> Duration {
        Duration::from_millis(length)
    }

    fn picked_up() -> PickUp {
        PickUp::new(ms(10_000), Detection::default())
    }

    #[test]
    fn a_short_word_and_a_rest_is_a_human() {
        let mut up = picked_up();
        assert_eq!(up.handle_heard(ms(10_400), Heard::Speech), None);
        assert_eq!(up.handle_heard(ms(11_500), Heard::Rest), Some(By::Human));
        assert_eq!(up.poll_timeout(), None);
        assert_eq!(up.handle_heard(ms(13_000), Heard::Tone(NetworkTone::Beep)), None, "told once");
    }

    #[test]
    fn words_without_a_rest_are_a_machine() {
        let mut up = picked_up();
        up.handle_heard(ms(10_400), Heard::Speech);
        assert_eq!(up.poll_timeout(), Some(ms(10_400 + 2_400 + 500)));
        assert_eq!(up.handle_timeout(ms(12_000)), None);
        assert_eq!(up.handle_timeout(ms(13_300)), Some(By::Machine));
    }

    #[test]
    fn words_that_end_just_before_the_limit_are_a_human_and_just_after_it_a_machine() {
        for (end, expected) in [(2_399, By::Human), (2_400, By::Machine)] {
            let mut up = picked_up();
            up.handle_heard(ms(10_000), Heard::Speech);
            assert_eq!(up.handle_heard(ms(10_000 + end + 500), Heard::Rest), Some(expected));
        }
    }

    #[test]
    fn a_beep_is_a_machine_and_a_key_a_human() {
        assert_eq!(picked_up().handle_heard(ms(10_100), Heard::Tone(NetworkTone::Beep)), Some(By::Machine));
        let mut up = picked_up();
        up.handle_heard(ms(10_100), Heard::Speech);
        assert_eq!(up.handle_key(), Some(By::Human), "somebody talks while they press");
        assert_eq!(up.handle_key(), None);
    }

    #[test]
    fn who_says_nothing_is_a_human_in_the_end() {
        let mut up = picked_up();
        assert_eq!(up.poll_timeout(), Some(ms(16_000)));
        assert_eq!(up.handle_timeout(ms(16_000)), Some(By::Human));
        let off = Detection { within: Duration::ZERO, ..Detection::default() };
        let mut up = PickUp::new(ms(1), off);
        assert_eq!((up.poll_timeout(), up.handle_heard(ms(2), Heard::Tone(NetworkTone::Beep))), (None, None));
    }
}
