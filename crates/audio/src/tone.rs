//! Sines, key tones and silence.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::{RATE_HZ, samples_in};

/// A sine at 8 kHz. `level_dbov` is its RMS level under full scale (a full-scale sine is −3 dBov).
#[must_use]
pub fn sine(frequency_hz: f64, level_dbov: f64, duration: Duration) -> Vec<i16> {
    let amplitude = amplitude(level_dbov);
    (0..samples_in(duration))
        .map(|n| to_sample(amplitude * (TAU * frequency_hz * n as f64 / f64::from(RATE_HZ)).sin()))
        .collect()
}

/// Two sines added, each with its own RMS level in dBov.
#[must_use]
pub fn tone_pair(low: (f64, f64), high: (f64, f64), duration: Duration) -> Vec<i16> {
    let (low_amplitude, high_amplitude) = (amplitude(low.1), amplitude(high.1));
    (0..samples_in(duration))
        .map(|n| {
            let time = n as f64 / f64::from(RATE_HZ);
            to_sample(
                low_amplitude * (TAU * low.0 * time).sin() + high_amplitude * (TAU * high.0 * time).sin(),
            )
        })
        .collect()
}

/// The tone pair of a key (ITU-T Q.23) at −12 and −10 dBov, or nothing if it is no key.
#[must_use]
pub fn dtmf_key(key: char, duration: Duration) -> Option<Vec<i16>> {
    let (low, high) = dtmf_frequencies(key)?;
    Some(tone_pair((low, -12.0), (high, -10.0), duration))
}

/// Low and high frequency of a key, in Hz (ITU-T Q.23).
#[must_use]
pub fn dtmf_frequencies(key: char) -> Option<(f64, f64)> {
    KEYS.iter().enumerate().find_map(|(row, keys)| {
        let column = keys.iter().position(|&k| k == key.to_ascii_uppercase())?;
        Some((LOW_HZ[row], HIGH_HZ[column]))
    })
}

/// The key of a row (0–3, 697–941 Hz) and a column (0–3, 1209–1633 Hz).
///
/// # Panics
/// If either is above 3.
#[must_use]
pub fn key_for_frequencies(row: usize, column: usize) -> char {
    KEYS[row][column]
}

/// Zeros.
#[must_use]
pub fn silence(duration: Duration) -> Vec<i16> {
    vec![0; samples_in(duration)]
}

/// Row frequencies.
pub(crate) const LOW_HZ: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
/// Column frequencies.
pub(crate) const HIGH_HZ: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Peak amplitude of a sine with this RMS level.
fn amplitude(level_dbov: f64) -> f64 {
    32_768.0 * 2f64.sqrt() * 10f64.powf(level_dbov / 20.0)
}

/// Rounds and clips to 16 bits.
pub(crate) fn to_sample(value: f64) -> i16 {
    value.round().clamp(-32_768.0, 32_767.0) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rms_dbov;

    #[test]
    fn a_sine_has_the_level_it_was_asked_for() {
        let tone = sine(1000.0, -20.0, Duration::from_secs(1));
        assert!((rms_dbov(&tone) + 20.0).abs() < 0.05);
    }

    #[test]
    fn only_sixteen_characters_are_keys() {
        let keys: String = (0..128u8).map(char::from).filter(|&c| dtmf_frequencies(c).is_some()).collect();
        assert_eq!(keys, "#*0123456789ABCDabcd");
    }
}
