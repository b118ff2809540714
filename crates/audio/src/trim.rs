//! Cutting the silence before and after.

use std::time::Duration;

use crate::RATE_HZ;

/// The part with sound: silence before and after is cut, but for `keep` on either side.
///
/// Silent is a 10 ms window whose RMS lies under `threshold_dbov` (−50 is a good value for recordings, 8 kHz). All
/// silence gives nothing.
#[must_use]
pub fn trim_silence(samples: &[i16], threshold_dbov: f64, keep: Duration) -> &[i16] {
    let window = RATE_HZ as usize / 100;
    let loud = |part: &[i16]| crate::rms_dbov(part) > threshold_dbov;
    let Some(first) = samples.chunks(window).position(loud) else { return &[] };
    let last = samples.chunks(window).rposition(loud).unwrap_or(first);
    let keep = crate::samples_in(keep);
    let start = (first * window).saturating_sub(keep);
    let end = ((last + 1) * window).saturating_add(keep).min(samples.len());
    &samples[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{duration_of, silence, sine};

    #[test]
    fn silence_around_a_tone_is_cut_to_what_is_kept() {
        let mut samples = silence(Duration::from_millis(500));
        samples.extend(sine(440.0, -20.0, Duration::from_millis(300)));
        samples.extend(silence(Duration::from_millis(700)));
        let trimmed = trim_silence(&samples, -50.0, Duration::from_millis(20));
        assert_eq!(duration_of(trimmed.len()), Duration::from_millis(340));
        assert!(trim_silence(&[3; 4000], -50.0, Duration::ZERO).is_empty());
    }
}
