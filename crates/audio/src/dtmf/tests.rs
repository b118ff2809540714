use std::time::Duration;

use super::*;
use crate::tone::to_sample;
use crate::{dtmf_frequencies, dtmf_key, silence, tone_pair};

const KEYS: &str = "123A456B789C*0#D";

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn keys_in(samples: &[i16]) -> String {
    let mut detector = DtmfDetector::new();
    let mut keys = String::new();
    for frame in samples.chunks(160) {
        detector.process(frame, |press| {
            if let Press::Down(key) = press {
                keys.push(key);
            }
        });
    }
    keys
}

/// Uniform noise in −1…1 that is the same on every run.
fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) * 2.0 - 1.0
    }
}

#[test]
fn every_key_is_found_wherever_its_forty_milliseconds_fall() {
    for offset_ms in 0..13 {
        let mut samples = silence(ms(offset_ms + 1));
        for key in KEYS.chars() {
            samples.extend(dtmf_key(key, ms(40)).unwrap());
            samples.extend(silence(ms(40)));
        }
        assert_eq!(keys_in(&samples), KEYS);
    }
}

#[test]
fn keys_are_found_with_one_and_a_half_percent_of_detuning_and_noise() {
    for detune in [0.985, 1.0, 1.015] {
        let mut samples = silence(ms(7));
        let mut noise = noise(7);
        for key in KEYS.chars() {
            let (low, high) = dtmf_frequencies(key).unwrap();
            samples.extend(tone_pair((low * detune, -16.0), (high * detune, -14.0), ms(60)));
            samples.extend(silence(ms(60)));
        }
        // Uniform noise of ±1000 is −35 dBov: 20 dB under the tones.
        for sample in &mut samples {
            *sample = to_sample(f64::from(*sample) + noise() * 1000.0);
        }
        assert_eq!(keys_in(&samples), KEYS, "detuned by {detune}");
    }
}

#[test]
fn keys_are_found_with_four_decibels_of_twist_either_way() {
    for (low_dbov, high_dbov) in [(-14.0, -18.0), (-18.0, -14.0), (-30.0, -30.0), (-7.0, -7.0)] {
        let mut samples = Vec::new();
        for key in KEYS.chars() {
            let (low, high) = dtmf_frequencies(key).unwrap();
            samples.extend(tone_pair((low, low_dbov), (high, high_dbov), ms(50)));
            samples.extend(silence(ms(50)));
        }
        assert_eq!(keys_in(&samples), KEYS, "{low_dbov} {high_dbov}");
    }
}

#[test]
fn a_key_held_long_counts_once_even_with_a_dropout() {
    let mut samples = dtmf_key('5', ms(500)).unwrap();
    samples[2000..2080].fill(0);
    samples.extend(silence(ms(50)));
    assert_eq!(keys_in(&samples), "5");
}

#[test]
fn fifteen_milliseconds_or_a_single_tone_or_twelve_decibels_of_twist_are_no_key() {
    let mut samples = Vec::new();
    for key in KEYS.chars() {
        let (low, high) = dtmf_frequencies(key).unwrap();
        samples.extend(dtmf_key(key, ms(15)).unwrap());
        samples.extend(silence(ms(50)));
        samples.extend(tone_pair((low, -12.0), (high, -24.0), ms(60)));
        samples.extend(silence(ms(50)));
        samples.extend(tone_pair((low, -12.0), (high, -120.0), ms(60)));
        samples.extend(silence(ms(50)));
    }
    assert_eq!(keys_in(&samples), "");
}

#[test]
fn voiced_sounds_of_any_pitch_are_no_key() {
    // Pulse trains through three resonances, pitch gliding, as voices do: 8 minutes in all.
    let vowels =
        [[730.0, 1090.0, 2440.0], [270.0, 2290.0, 3010.0], [530.0, 1840.0, 2480.0], [660.0, 1420.0, 2400.0]];
    let mut found = 0;
    for seed in 1..=8u32 {
        let mut noise = noise(seed * 977);
        let mut state = [[0.0f64; 2]; 3];
        let (mut phase, mut pitch, mut slope) = (0.0, 80.0 + 25.0 * f64::from(seed), 0.0);
        let samples: Vec<i16> = (0..60 * 8000usize)
            .map(|n| {
                if n % 1200 == 0 {
                    slope = noise() * 0.01;
                }
                pitch = f64::clamp(pitch + slope, 70.0, 400.0);
                phase += pitch / 8000.0;
                let mut x = noise() * 0.02;
                if phase >= 1.0 {
                    phase -= 1.0;
                    x += 1.0;
                }
                let vowel = vowels[(n / 1600 + seed as usize) % 4];
                for (formant, state) in vowel.iter().zip(&mut state) {
                    let radius = 0.975;
                    let y = x + 2.0 * radius * (std::f64::consts::TAU * formant / 8000.0).cos() * state[0]
                        - radius * radius * state[1];
                    *state = [y, state[0]];
                    x = y * 0.2;
                }
                to_sample(x * 60_000.0)
            })
            .collect();
        found += keys_in(&samples).len();
    }
    assert_eq!(found, 0, "talk-off in eight minutes");
}
