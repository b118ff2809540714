//! Which tones stand in what somebody heard.

use std::path::Path;

use hotline_audio::RATE_HZ;

/// Quieter than this, as a root mean square, is nothing.
const QUIET: f64 = 300.0;

/// Whether there is anything to hear.
pub fn is_loud(samples: &[i16]) -> bool {
    power(samples).sqrt() >= QUIET
}

fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}

/// The part of the power that a tone has: a Fourier sum at the one frequency, which for a tone alone holds all of it.
pub fn part_of_tone(samples: &[i16], rate_hz: u32, hertz: f64) -> f64 {
    let angle = |n: usize| 2.0 * std::f64::consts::PI * hertz * n as f64 / f64::from(rate_hz);
    let (re, im) = samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, sample)| {
        (re + f64::from(*sample) * angle(n).cos(), im + f64::from(*sample) * angle(n).sin())
    });
    2.0 * (re * re + im * im) / (samples.len() as f64).powi(2) / power(samples).max(1.0)
}

/// Those of these tones that are heard together in 8 kHz sound.
pub fn tones_in(samples: &[i16], among: &[f64]) -> Vec<f64> {
    heard(samples, RATE_HZ, among)
}

fn heard(samples: &[i16], rate_hz: u32, among: &[f64]) -> Vec<f64> {
    let is_there = |hertz: &f64| is_loud(samples) && part_of_tone(samples, rate_hz, *hertz) > 0.2;
    among.iter().copied().filter(is_there).collect()
}

fn halves(wav: &Path) -> (u32, Vec<Vec<i16>>) {
    let wav = hotline_audio::read_wav(std::fs::File::open(wav).unwrap()).unwrap();
    let halves = wav.samples.chunks(wav.rate_hz as usize / 2).map(<[i16]>::to_vec).collect();
    (wav.rate_hz, halves)
}

/// The share of a recording's loud half seconds in which a tone is heard, and hardly anything else.
pub fn share_of_tone(wav: &Path, hertz: f64) -> f64 {
    let (rate, halves) = halves(wav);
    let loud: Vec<_> = halves.iter().filter(|half| is_loud(half)).collect();
    let with = loud.iter().filter(|half| part_of_tone(half, rate, hertz) > 0.5).count();
    with as f64 / loud.len().max(1) as f64
}

/// Seconds of a recording in which all of these tones are heard together, and no others of `among`.
pub fn together(wav: &Path, tones: &[f64], among: &[f64]) -> f64 {
    let (rate, halves) = halves(wav);
    let exact = |half: &&Vec<i16>| {
        let heard = heard(half, rate, among);
        heard.len() == tones.len() && tones.iter().all(|tone| heard.contains(tone))
    };
    halves.iter().filter(exact).count() as f64 / 2.0
}
