//! Finds keyed tones in speech: eight Goertzel filters side by side.

use crate::tone::{HIGH_HZ, LOW_HZ};
use crate::{RATE_HZ, key_for_frequencies};

/// What the detector saw change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// A key began: `0`–`9`, `*`, `#`, `A`–`D`.
    Down(char),
    /// The key that was held ended.
    Up(char),
}

/// In-band DTMF detector after ITU-T Q.24, for 8 kHz mono in pieces of any length.
///
/// A key counts after two equal blocks of 12.75 ms, so 40 ms are always found and 15 ms never; it ends after three
/// blocks without it, so a dropout of 10 ms does not double it and a pause of 40 ms always parts two keys.
#[derive(Debug, Clone)]
pub struct DtmfDetector {
    /// Goertzel states, one lane a frequency: rows in 0–3, columns in 4–7.
    previous: [f32; 8],
    before: [f32; 8],
    energy: f32,
    filled: usize,
    last: Option<char>,
    current: Option<char>,
    /// Blocks in a row without `current`.
    missing: u8,
}

impl DtmfDetector {
    /// A detector that has heard nothing.
    #[must_use]
    pub fn new() -> DtmfDetector {
        DtmfDetector {
            previous: [0.0; 8],
            before: [0.0; 8],
            energy: 0.0,
            filled: 0,
            last: None,
            current: None,
            missing: 0,
        }
    }

    /// The key held at present.
    #[must_use]
    pub fn held(&self) -> Option<char> {
        self.current
    }

    /// Takes the next samples and tells each change by `changed`.
    pub fn process(&mut self, mut samples: &[i16], mut changed: impl FnMut(Press)) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(samples.len().min(BLOCK - self.filled));
            self.filter(now);
            samples = later;
            self.filled += now.len();
            if self.filled == BLOCK {
                let hit = self.judge();
                self.advance(hit, &mut changed);
                self.previous = [0.0; 8];
                self.before = [0.0; 8];
                self.energy = 0.0;
                self.filled = 0;
            }
        }
    }

    #[inline]
    fn filter(&mut self, samples: &[i16]) {
        let (mut previous, mut before, mut energy) = (self.previous, self.before, self.energy);
        for &sample in samples {
            let x = f32::from(sample);
            energy += x * x;
            for lane in 0..8 {
                let next = COEFFICIENTS[lane] * previous[lane] - before[lane] + x;
                before[lane] = previous[lane];
                previous[lane] = next;
            }
        }
        (self.previous, self.before, self.energy) = (previous, before, energy);
    }

    /// The key of the block just filled, if it is one.
    fn judge(&self) -> Option<char> {
        let mut power = [0.0f32; 8];
        for (lane, power) in power.iter_mut().enumerate() {
            let (a, b) = (self.previous[lane], self.before[lane]);
            *power = a * a + b * b - COEFFICIENTS[lane] * a * b;
        }
        let row = strongest(&power[..4]);
        let column = strongest(&power[4..]);
        let (low, high) = (power[row], power[4 + column]);
        let loud = low >= FLOOR && high >= FLOOR;
        let twist = high <= low * MAX_FORWARD_TWIST && low <= high * MAX_REVERSE_TWIST;
        let alone = (0..4).all(|n| {
            (n == row || power[n] * PEAK_RATIO < low) && (n == column || power[4 + n] * PEAK_RATIO < high)
        });
        let pure = low + high > PURITY * (BLOCK as f32 / 2.0) * self.energy;
        (loud && twist && alone && pure).then(|| key_for_frequencies(row, column))
    }

    fn advance(&mut self, hit: Option<char>, changed: &mut impl FnMut(Press)) {
        if let Some(key) = self.current {
            if hit == Some(key) {
                self.missing = 0;
            } else {
                self.missing += 1;
                let another = hit.is_some() && hit == self.last;
                if self.missing >= 3 || another {
                    changed(Press::Up(key));
                    self.current = None;
                }
            }
        }
        if self.current.is_none()
            && let Some(key) = hit
            && self.last == hit
        {
            changed(Press::Down(key));
            self.current = Some(key);
            self.missing = 0;
        }
        self.last = hit;
    }
}

impl Default for DtmfDetector {
    fn default() -> Self {
        DtmfDetector::new()
    }
}

fn strongest(power: &[f32]) -> usize {
    (1..power.len()).fold(0, |best, n| if power[n] > power[best] { n } else { best })
}

/// Samples a block: 12.75 ms, a bin of 78 Hz.
const BLOCK: usize = 102;
/// Power of a sine of −36 dBov after the filter: (N × amplitude ÷ 2)².
const FLOOR: f32 = 2.8e8 * 2.0;
/// Column over row at most 8 dB (Q.24 asks for 4 at least).
const MAX_FORWARD_TWIST: f32 = 6.3;
/// Row over column at most 6 dB (networks attenuate the high group; Q.24 asks for 4 in some countries, 8 in others).
const MAX_REVERSE_TWIST: f32 = 4.0;
/// The strongest of a group stands 7 dB above its neighbours.
const PEAK_RATIO: f32 = 5.0;
/// Share of the block's energy that must lie in the two tones.
const PURITY: f32 = 0.68;

/// 2 cos(2πf ÷ rate), one lane a frequency.
static COEFFICIENTS: [f32; 8] = {
    let mut table = [0.0; 8];
    let mut n = 0;
    while n < 4 {
        table[n] = two_cos(LOW_HZ[n]);
        table[4 + n] = two_cos(HIGH_HZ[n]);
        n += 1;
    }
    table
};

/// 2 cos(2πf ÷ rate) by its series, since `cos` is not available in constants.
const fn two_cos(frequency_hz: f64) -> f32 {
    let x = std::f64::consts::TAU * frequency_hz / RATE_HZ as f64;
    let (mut term, mut sum, mut n) = (1.0, 1.0, 1.0);
    while n < 40.0 {
        term *= -x * x / (n * (n + 1.0));
        sum += term;
        n += 2.0;
    }
    (2.0 * sum) as f32
}

#[cfg(test)]
mod tests;
