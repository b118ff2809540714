//! From any rate to any other.

use rubato::{FftFixedIn, Resampler};

use crate::RATE_HZ;
use crate::tone::to_sample;

/// Why audio could not be brought to another rate.
#[derive(Debug, thiserror::Error)]
pub enum ResampleError {
    /// A rate outside 4–192 kHz.
    #[error("{rate_hz} Hz is no sample rate between 4,000 and 192,000 Hz")]
    Rate {
        /// The rate given, in Hz.
        rate_hz: u32,
    },
    /// The filter could not be made.
    #[error("no filter from {from_hz} Hz to {to_hz} Hz")]
    Filter {
        /// Rate of the input, in Hz.
        from_hz: u32,
        /// Rate wanted, in Hz.
        to_hz: u32,
        /// What the filter says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Brings mono samples from one rate to another, with a filter against aliases and without its delay.
///
/// # Errors
/// If a rate is outside 4–192 kHz.
pub fn resample(samples: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>, ResampleError> {
    for rate_hz in [from_hz, to_hz] {
        if !(4_000..=192_000).contains(&rate_hz) {
            return Err(ResampleError::Rate { rate_hz });
        }
    }
    if from_hz == to_hz || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| ResampleError::Filter { from_hz, to_hz, source };
    let mut filter = FftFixedIn::<f64>::new(from_hz as usize, to_hz as usize, block(from_hz, to_hz), 1, 1)
        .map_err(|error| failed(Box::new(error)))?;
    let wanted = (samples.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize;
    let delay = filter.output_delay();
    let mut out: Vec<i16> = Vec::with_capacity(wanted + delay + 4096);
    let mut input = samples.iter().map(|&s| f64::from(s));
    let mut chunk = Vec::new();
    while out.len() < wanted + delay {
        chunk.clear();
        let needed = filter.input_frames_next();
        chunk.extend(input.by_ref().take(needed));
        chunk.resize(needed, 0.0);
        let made = filter.process(&[&chunk], None).map_err(|error| failed(Box::new(error)))?;
        out.extend(made[0].iter().map(|&x| to_sample(x)));
    }
    out.drain(..delay);
    out.truncate(wanted);
    Ok(out)
}

/// Samples a step: an even multiple of the shortest exact one, since half an odd step would be a fraction of delay.
fn block(from_hz: u32, to_hz: u32) -> usize {
    let unit = (from_hz / greatest_common_divisor(from_hz, to_hz)) as usize;
    1024usize.div_ceil(2 * unit) * 2 * unit
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Brings mono samples to 8 kHz.
///
/// # Errors
/// If the rate is outside 4–192 kHz.
pub fn to_telephone(samples: &[i16], rate_hz: u32) -> Result<Vec<i16>, ResampleError> {
    resample(samples, rate_hz, RATE_HZ)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;
    use crate::rms_dbov;

    fn sine_at(rate_hz: u32, frequency_hz: f64, seconds: u32) -> Vec<i16> {
        (0..rate_hz * seconds)
            .map(|n| to_sample(8000.0 * (TAU * frequency_hz * f64::from(n) / f64::from(rate_hz)).sin()))
            .collect()
    }

    #[test]
    fn a_tone_keeps_length_level_and_phase_at_every_rate() {
        let expected = sine_at(8000, 1000.0, 1);
        for rate_hz in [8000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000] {
            let out = to_telephone(&sine_at(rate_hz, 1000.0, 1), rate_hz).unwrap();
            assert_eq!(out.len(), 8000, "{rate_hz}");
            let error: Vec<i16> =
                out[800..7200].iter().zip(&expected[800..7200]).map(|(a, b)| a.saturating_sub(*b)).collect();
            assert!(rms_dbov(&error) < -50.0, "{rate_hz}: {}", rms_dbov(&error));
        }
    }

    #[test]
    fn what_eight_kilohertz_cannot_hold_is_filtered_out() {
        let out = to_telephone(&sine_at(24_000, 6000.0, 1), 24_000).unwrap();
        assert!(rms_dbov(&out[400..7600]) < -60.0);
    }

    #[test]
    fn absurd_rates_are_errors() {
        assert!(resample(&[1, 2], 0, 8000).is_err());
        assert!(resample(&[1, 2], 8000, 1_000_000).is_err());
    }
}
