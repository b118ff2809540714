//! The sound of a line on which nobody speaks.

use std::sync::LazyLock;

/// How loud the line is while nothing is said, in dBov: about −58 dBm0, what a good analogue line has, and far below
/// what disturbs. Digital silence between words sounds as if the call had broken off.
pub const LINE_NOISE_DBOV: f64 = -64.0;

/// Two seconds of it at 8 kHz: too long for an ear to notice that it comes again.
const PERIOD: usize = 16_000;

static LINE: LazyLock<Vec<i16>> = LazyLock::new(|| {
    // Four bytes of a xorshift generator (Marsaglia, 2003) are nearly normally distributed together, always the same.
    let deviation = (4.0 * (256.0f64 * 256.0 - 1.0) / 12.0).sqrt();
    let scale = 32_768.0 * 10f64.powf(LINE_NOISE_DBOV / 20.0) / deviation;
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes().iter().map(|&byte| f64::from(byte) - 127.5).sum::<f64>()
    };
    (0..PERIOD).map(|_| (next() * scale).round() as i16).collect()
});

/// Adds the noise of a quiet line ([`LINE_NOISE_DBOV`]) to samples at 8 kHz. The same samples become the same.
pub fn add_line_noise(samples: &mut [i16]) {
    for part in samples.chunks_mut(PERIOD) {
        for (sample, noise) in part.iter_mut().zip(LINE.iter()) {
            *sample = sample.saturating_add(*noise);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Law, decode, encode, peak_dbov, rms_dbov};

    #[test]
    fn a_line_is_as_loud_as_told_and_stays_so_through_both_laws() {
        let mut silence = vec![0; 5 * PERIOD / 2];
        add_line_noise(&mut silence);
        assert!((rms_dbov(&silence) - LINE_NOISE_DBOV).abs() < 0.3, "{}", rms_dbov(&silence));
        assert!(peak_dbov(&silence) < LINE_NOISE_DBOV + 15.0);
        for law in [Law::Pcmu, Law::Pcma] {
            let (mut codes, mut heard) = (vec![0; silence.len()], vec![0; silence.len()]);
            encode(law, &silence, &mut codes);
            decode(law, &codes, &mut heard);
            assert!((rms_dbov(&heard) - LINE_NOISE_DBOV).abs() < 1.5, "{law:?} {}", rms_dbov(&heard));
        }
    }

    #[test]
    fn what_is_loud_stays_within_bounds_and_nothing_is_random() {
        let mut twice = [vec![i16::MAX, i16::MIN, 0, 100], vec![i16::MAX, i16::MIN, 0, 100]];
        twice.iter_mut().for_each(|samples| add_line_noise(samples));
        assert_eq!(twice[0], twice[1]);
        assert!(twice[0][0] > i16::MAX - 100 && twice[0][1] < i16::MIN + 100);
    }
}
