//! Pieces of what is heard, kept for somebody who understands words.

use std::time::Duration;

use crate::{Heard, samples_in};

/// Keeps 8 kHz sound from where speech begins to its rest, in pieces no longer than agreed; the time between is not kept.
/// It is fed beside a [`crate::Hearing`], and told what that one hears.
#[derive(Debug)]
pub struct Excerpts {
    longest: usize,
    kept: Vec<i16>,
    /// Where in what is kept it was told that somebody speaks.
    since: Option<usize>,
}

/// Speech is told of when it has begun: so much before that belongs to it.
const BEFORE: Duration = Duration::from_millis(300);
/// What is over sooner, the rest behind it included, is a click or a greeting, and says nothing.
const SHORTEST: Duration = Duration::from_millis(1_200);

impl Excerpts {
    /// Keeps pieces of this length at most. The room for one is taken here, so that none is while frames come.
    #[must_use]
    pub fn new(longest: Duration) -> Excerpts {
        let longest = samples_in(longest).max(samples_in(SHORTEST));
        Excerpts { longest, kept: Vec::with_capacity(longest + crate::FRAME), since: None }
    }

    /// Takes what comes next, before it is told what is heard in it; gives a piece that is full.
    pub fn process(&mut self, samples: &[i16]) -> Option<Vec<i16>> {
        self.kept.extend_from_slice(samples);
        let before = samples_in(BEFORE);
        if self.since.is_none() && self.kept.len() > 2 * before {
            self.kept.drain(..self.kept.len() - before);
        }
        (self.since.is_some() && self.kept.len() >= self.longest).then(|| self.take()).flatten()
    }

    /// Takes what was heard; gives the piece that a rest has ended.
    pub fn heard(&mut self, what: Heard) -> Option<Vec<i16>> {
        match what {
            Heard::Speech => {
                self.since.get_or_insert(self.kept.len());
                None
            }
            Heard::Rest => self.take(),
            Heard::Tone(_) => None,
        }
    }

    /// Nothing more comes: the piece that was begun.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<i16>> {
        self.take()
    }

    /// What is kept, if somebody spoke in it for long enough. After a full one the speech goes on.
    fn take(&mut self) -> Option<Vec<i16>> {
        let since = self.since.take()?;
        if self.kept.len() >= self.longest {
            self.since = Some(0);
        }
        let spoken = self.kept.len().saturating_sub(since);
        let room = Vec::with_capacity(self.kept.capacity());
        let mut piece = std::mem::replace(&mut self.kept, room);
        piece.truncate(self.longest);
        (spoken >= samples_in(SHORTEST)).then_some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FRAME, Hearing, RATE_HZ, duration_of, silence};

    fn ms(length: u64) -> Duration {
        Duration::from_millis(length)
    }

    /// Noise, as loud as a voice.
    fn voice(length: u64) -> Vec<i16> {
        let mut noise = 1_u32;
        let sample = |_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((noise >> 19) as i16) - 4_096
        };
        (0..samples_in(ms(length))).map(sample).collect()
    }

    /// The lengths of the pieces in milliseconds, the last by the end of the sound.
    fn pieces(sound: &[i16], longest: u64) -> Vec<u128> {
        let (mut hearing, mut excerpts) = (Hearing::new(ms(500)), Excerpts::new(ms(longest)));
        let mut pieces = Vec::new();
        for frame in sound.chunks(FRAME) {
            pieces.extend(excerpts.process(frame));
            hearing.process(frame, |_, what| pieces.extend(excerpts.heard(what)));
        }
        pieces.extend(excerpts.finish());
        pieces.iter().map(|piece| duration_of(piece.len()).as_millis()).collect()
    }

    #[test]
    fn a_piece_is_the_speech_with_a_little_before_it_and_its_rest() {
        let sound = [silence(ms(3_000)), voice(2_000), silence(ms(4_000)), voice(1_500)].concat();
        let told = pieces(&sound, 8_000);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!((2_500..=3_200).contains(&told[0]), "{told:?}");
        assert!((1_500..=2_200).contains(&told[1]), "{told:?}");
    }

    #[test]
    fn silence_and_clicks_are_no_piece_and_tones_are_none() {
        let ringing = [crate::sine(450.0, -18.0, ms(1_000)), silence(ms(4_000))].concat();
        assert_eq!(pieces(&ringing.repeat(3), 8_000), []);
        assert_eq!(pieces(&[silence(ms(900)), voice(200), silence(ms(2_000))].concat(), 8_000), []);
    }

    #[test]
    fn no_piece_is_longer_than_agreed_and_no_sound_is_kept_for_longer() {
        let told = pieces(&voice(7_000), 2_000);
        assert_eq!(told, [2_000, 2_000, 2_000], "{told:?}");
        let mut excerpts = Excerpts::new(ms(2_000));
        for frame in voice(60_000).chunks(FRAME) {
            assert_eq!(excerpts.process(frame), None);
        }
        assert!(excerpts.kept.len() <= samples_in(BEFORE) * 2, "{}", excerpts.kept.len());
        assert!(excerpts.kept.capacity() < 3 * RATE_HZ as usize, "no room was taken besides that of a piece");
    }
}
