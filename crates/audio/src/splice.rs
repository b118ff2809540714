//! Joining recordings so that the joint is not heard.

use std::time::Duration;

use crate::{Clip, samples_in};

/// A part of what is said.
#[derive(Debug, Clone)]
pub enum Piece {
    /// Recorded or synthesised speech.
    Clip(Clip),
    /// Nothing for a while.
    Pause(Duration),
}

/// Joins pieces into one clip. Neighbouring clips are cut at a zero crossing and overlap by a cross-fade of up to
/// 5 ms; before and after a pause a clip fades over 2 ms, so nothing clicks. Pauses next to each other add up.
#[must_use]
pub fn splice(pieces: &[Piece]) -> Clip {
    let mut joined: Vec<i16> = Vec::new();
    // Whether the last sample comes from a clip, so that the next clip must be cross-faded.
    let mut sounding = false;
    for piece in pieces {
        match piece {
            Piece::Clip(clip) if clip.is_empty() => {}
            Piece::Clip(clip) if sounding => cross_fade(&mut joined, clip.samples()),
            Piece::Clip(clip) => {
                let start = joined.len();
                joined.extend_from_slice(clip.samples());
                if start > 0 {
                    fade(joined[start..].iter_mut().take(FADE));
                }
                sounding = true;
            }
            Piece::Pause(pause) => {
                if sounding {
                    fade(joined.iter_mut().rev().take(FADE));
                }
                joined.resize(joined.len() + samples_in(*pause), 0);
                sounding = sounding && pause.is_zero();
            }
        }
    }
    Clip::from_samples(joined)
}

/// Appends `next` to `joined`, both cut back to a zero crossing near the joint.
fn cross_fade(joined: &mut Vec<i16>, next: &[i16]) {
    let reach = OVERLAP.min(joined.len() / 2).min(next.len() / 2);
    let tail = joined.len() - reach..joined.len();
    if let Some(zero) = tail.rev().find(|&n| crosses(joined, n)) {
        joined.truncate(zero);
    }
    let start = (1..=reach).find(|&n| crosses(next, n)).unwrap_or(0);
    let next = &next[start..];
    let overlap = OVERLAP.min(joined.len()).min(next.len());
    let base = joined.len() - overlap;
    for n in 0..overlap {
        let rising = (2 * n + 1) as i32;
        let whole = (2 * overlap) as i32;
        let mixed = (i32::from(joined[base + n]) * (whole - rising) + i32::from(next[n]) * rising) / whole;
        joined[base + n] = mixed as i16;
    }
    joined.extend_from_slice(&next[overlap..]);
}

/// Whether the signal changes its sign just before sample `n`.
fn crosses(samples: &[i16], n: usize) -> bool {
    n > 0 && n < samples.len() && (samples[n - 1] >= 0) != (samples[n] >= 0)
}

/// Raises from nothing along the iterator; reversed, it lets fade out.
fn fade<'a>(samples: impl Iterator<Item = &'a mut i16>) {
    for (n, sample) in samples.enumerate() {
        *sample = (i32::from(*sample) * n as i32 / FADE as i32) as i16;
    }
}

/// Longest cross-fade: 5 ms.
const OVERLAP: usize = 40;
/// Fade beside a pause: 2 ms.
const FADE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sine;

    fn tone(frequency_hz: f64) -> Clip {
        Clip::from_samples(sine(frequency_hz, -12.0, Duration::from_millis(103)))
    }

    fn steepest(samples: &[i16]) -> i32 {
        samples.windows(2).map(|w| (i32::from(w[1]) - i32::from(w[0])).abs()).max().unwrap_or(0)
    }

    #[test]
    fn a_joint_is_no_steeper_than_the_clips_themselves() {
        let (a, b) = (tone(210.0), tone(333.0));
        let joined = splice(&[Piece::Clip(a.clone()), Piece::Clip(b.clone())]);
        assert!(steepest(joined.samples()) <= steepest(a.samples()).max(steepest(b.samples())) * 3 / 2);
        let lost = a.len() + b.len() - joined.len();
        assert!(lost <= 3 * OVERLAP, "{lost}");
    }

    #[test]
    fn pauses_last_as_long_as_asked_and_do_not_click() {
        let pause = Duration::from_millis(200);
        let joined = splice(&[
            Piece::Clip(tone(210.0)),
            Piece::Pause(pause),
            Piece::Pause(pause),
            Piece::Clip(tone(333.0)),
        ]);
        assert_eq!(joined.duration(), Duration::from_millis(606));
        assert!(joined.samples()[824..824 + 3200].iter().all(|&s| s == 0));
        assert!(steepest(joined.samples()) < 4000);
    }

    #[test]
    fn nothing_and_very_short_clips_can_be_joined() {
        let short = Clip::from_samples(vec![5i16, -5, 7]);
        assert!(splice(&[]).is_empty());
        let joined = splice(&[Piece::Clip(short.clone()), Piece::Clip(short.clone()), Piece::Clip(short)]);
        assert!(!joined.is_empty());
    }
}
