//! Slower without being deeper: waveform-similarity overlap-add (WSOLA) at 8 kHz.

/// How much longer slow speech is.
pub(crate) const SLOW: f64 = 1.25;

/// One window: 25 ms.
const WINDOW: usize = 200;
/// Windows are laid half over each other.
const HOP: usize = WINDOW / 2;
/// How far a window is moved to fit the one before it: a pitch period of 80 Hz.
const SEARCH: usize = 100;

/// Makes speech `factor` times as long (1.25 is slower by a quarter).
pub(crate) fn stretch(samples: &[i16], factor: f64) -> Vec<i16> {
    if samples.len() < 4 * WINDOW {
        return samples.to_vec();
    }
    let length = (samples.len() as f64 * factor) as usize;
    let mut out = vec![0f32; length + WINDOW];
    // A raised cosine: two of them half over each other add up to one.
    let window: Vec<f32> = (0..WINDOW)
        .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * (n as f32 + 0.5) / WINDOW as f32).cos())
        .collect();
    let mut from = 0;
    let mut to = 0;
    while to < length {
        for (n, weight) in window.iter().enumerate() {
            // The first half window has nothing under it that it could fade over.
            let weight = if to == 0 && n < HOP { 1.0 } else { *weight };
            out[to + n] += f32::from(samples.get(from + n).copied().unwrap_or(0)) * weight;
        }
        to += HOP;
        let natural = from + HOP;
        let wanted = (to as f64 / factor) as usize;
        from = best(samples, natural, wanted);
    }
    out.truncate(length);
    out.into_iter().map(|s| s.clamp(-32768.0, 32767.0) as i16).collect()
}

/// The place near `wanted` whose window continues what was played as `natural` would.
fn best(samples: &[i16], natural: usize, wanted: usize) -> usize {
    let template: Vec<f32> = samples.iter().skip(natural).take(WINDOW).map(|&s| f32::from(s)).collect();
    let first = wanted.saturating_sub(SEARCH);
    let last = (wanted + SEARCH).min(samples.len().saturating_sub(WINDOW));
    let mut found = (f32::MIN, wanted.min(last));
    for at in (first..=last).step_by(2) {
        let (mut product, mut energy) = (0f32, 1f32);
        for (a, b) in template.iter().zip(&samples[at..]) {
            let b = f32::from(*b);
            product += a * b;
            energy += b * b;
        }
        let likeness = product / energy.sqrt();
        if likeness > found.0 {
            found = (likeness, at);
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_tone_is_longer_and_as_high_and_as_loud() {
        let tone = hotline_audio::sine(220.0, -20.0, Duration::from_secs(1));
        let slow = stretch(&tone, 1.25);
        assert_eq!(slow.len(), 10_000);
        let crossings = |s: &[i16]| s.windows(2).filter(|w| (w[0] < 0) != (w[1] < 0)).count() as f64;
        let ratio = crossings(&slow) / slow.len() as f64 / (crossings(&tone) / tone.len() as f64);
        assert!((ratio - 1.0).abs() < 0.03, "{ratio}");
        let level = hotline_audio::rms_dbov(&slow[1000..9000]);
        assert!((level + 20.0).abs() < 1.0, "{level}");
    }

    #[test]
    fn nothing_and_little_are_left_as_they_are() {
        assert!(stretch(&[], 1.25).is_empty());
        assert_eq!(stretch(&[1, 2, 3], 1.25), [1, 2, 3]);
    }
}
