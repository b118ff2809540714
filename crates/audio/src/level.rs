//! How loud speech is (ITU-T P.56), and making it as loud as wished.

use crate::tone::to_sample;

/// The measurement of ITU-T P.56, method B.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActiveLevel {
    /// Level while somebody speaks, in dB under full scale (dBov).
    pub active_dbov: f64,
    /// Share of the time in which somebody speaks, 0–1.
    pub activity: f64,
}

/// Active speech level of 8 kHz samples (or of any rate, given as `rate_hz`); nothing if there is no speech.
///
/// ITU-T P.56 §7: an envelope of two 30 ms smoothings, thresholds by factors of two, 200 ms hangover, and the
/// threshold that lies 15.9 dB under the level of what is above it.
#[must_use]
pub fn active_level(samples: &[i16], rate_hz: u32) -> Option<ActiveLevel> {
    let smoothing = (-1.0 / (f64::from(rate_hz) * 0.03)).exp();
    let hangover = (f64::from(rate_hz) * 0.2).ceil() as u32;
    let mut counts = [0u64; THRESHOLDS];
    let mut held = [u32::MAX; THRESHOLDS];
    let (mut sum, mut p, mut q) = (0.0f64, 0.0f64, 0.0f64);
    for &sample in samples {
        let x = f64::from(sample) / 32_768.0;
        sum += x * x;
        p = smoothing * p + (1.0 - smoothing) * x.abs();
        q = smoothing * q + (1.0 - smoothing) * p;
        for n in 0..THRESHOLDS {
            if q >= threshold(n) {
                counts[n] += 1;
                held[n] = 0;
            } else if held[n] < hangover {
                counts[n] += 1;
                held[n] += 1;
            }
        }
    }
    let level = |n: usize| 10.0 * (sum / counts[n] as f64).log10();
    let margin = |n: usize| level(n) - 20.0 * threshold(n).log10() - MARGIN_DB;
    let usable = counts.iter().take_while(|&&count| count > 0).count();
    if usable == 0 || sum == 0.0 {
        return None;
    }
    let crossing = (0..usable).find(|&n| margin(n) <= 0.0);
    let active_dbov = match crossing {
        None => level(usable - 1),
        Some(0) => level(0),
        Some(n) => {
            let (above, below) = (margin(n - 1), margin(n));
            let share = above / (above - below);
            level(n - 1) + share * (level(n) - level(n - 1))
        }
    };
    let long_term = 10.0 * (sum / samples.len() as f64).log10();
    let activity = 10f64.powf((long_term - active_dbov) / 10.0).min(1.0);
    Some(ActiveLevel { active_dbov, activity })
}

/// RMS level over all samples, in dBov; −∞ for silence.
#[must_use]
pub fn rms_dbov(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|&s| (f64::from(s) / 32_768.0).powi(2)).sum();
    10.0 * (sum / samples.len().max(1) as f64).log10()
}

/// Largest magnitude, in dB under full scale; −∞ for silence.
#[must_use]
pub fn peak_dbov(samples: &[i16]) -> f64 {
    let peak = samples.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    20.0 * (f64::from(peak) / 32_768.0).log10()
}

/// Brings speech to an active level (prompts: −26 dBov) and limits its peaks to −3.5 dBov. Silence is left as it is.
#[must_use]
pub fn normalize(samples: &[i16], rate_hz: u32, target_dbov: f64) -> Vec<i16> {
    match active_level(samples, rate_hz) {
        Some(level) => amplify(samples, rate_hz, target_dbov - level.active_dbov),
        None => samples.to_vec(),
    }
}

/// Applies a gain in dB, then the limiter at −3.5 dBov.
#[must_use]
pub fn amplify(samples: &[i16], rate_hz: u32, gain_db: f64) -> Vec<i16> {
    let gain = 10f64.powf(gain_db / 20.0);
    let mut louder: Vec<f64> = samples.iter().map(|&s| f64::from(s) * gain).collect();
    limit(&mut louder, rate_hz, 32_768.0 * 10f64.powf(PEAK_DBOV / 20.0));
    louder.into_iter().map(to_sample).collect()
}

/// Turns peaks above `ceiling` (same unit as the samples) down, 5 ms ahead of them and back after them, without ever
/// passing the ceiling.
pub fn limit(samples: &mut [f64], rate_hz: u32, ceiling: f64) {
    if samples.iter().all(|x| x.abs() <= ceiling) {
        return;
    }
    let window = (rate_hz as usize / 200).max(1);
    let needed: Vec<f64> = samples.iter().map(|x| (ceiling / x.abs()).min(1.0)).collect();
    // The least gain needed within ±window/2, then its mean over the same span: each mean holds only values that are
    // small enough for its middle.
    let half = window / 2;
    let least: Vec<f64> = (0..needed.len())
        .map(|n| {
            let span = &needed[n.saturating_sub(half)..(n + half + 1).min(needed.len())];
            span.iter().copied().fold(1.0, f64::min)
        })
        .collect();
    for (n, sample) in samples.iter_mut().enumerate() {
        let span = &least[n.saturating_sub(half)..(n + half + 1).min(least.len())];
        *sample *= span.iter().sum::<f64>() / span.len() as f64;
    }
}

/// Thresholds 2⁻¹ … 2⁻¹⁵ of full scale.
const THRESHOLDS: usize = 15;
/// No sample is louder: prompts have peaks under −3 dBFS, and another rate adds a little.
const PEAK_DBOV: f64 = -3.5;
/// The margin between active level and threshold.
const MARGIN_DB: f64 = 15.9;

/// Thresholds rise with `n`, from 2⁻¹⁵.
fn threshold(n: usize) -> f64 {
    2f64.powi(n as i32 - THRESHOLDS as i32)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{silence, sine};

    #[test]
    fn pauses_do_not_lower_the_active_level() {
        let mut samples = sine(400.0, -26.0, Duration::from_secs(2));
        let steady = active_level(&samples, 8000).unwrap();
        samples.extend(silence(Duration::from_secs(4)));
        samples.extend(sine(400.0, -26.0, Duration::from_secs(2)));
        let broken = active_level(&samples, 8000).unwrap();
        assert!((steady.active_dbov + 26.0).abs() < 0.3, "{steady:?}");
        assert!((broken.active_dbov + 26.0).abs() < 0.5, "{broken:?}");
        assert!((broken.activity - 0.5).abs() < 0.06, "{broken:?}");
    }

    #[test]
    fn silence_has_no_active_level() {
        assert_eq!(active_level(&[0; 8000], 8000), None);
        assert_eq!(active_level(&[], 8000), None);
    }

    #[test]
    fn normalizing_reaches_the_target_and_never_clips() {
        let mut samples = sine(300.0, -40.0, Duration::from_secs(20));
        samples[8000..8002].fill(12_000);
        let loud = normalize(&samples, 8000, -26.0);
        assert!((active_level(&loud, 8000).unwrap().active_dbov + 26.0).abs() < 1.0);
        assert!(peak_dbov(&loud) <= -3.49);
    }
}
