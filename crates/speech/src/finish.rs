//! What is done to all speech that was made, whoever made it.

use std::time::Duration;

use hotline_audio::{Clip, RATE_HZ, ResampleError, normalize, to_telephone, trim_silence};

use crate::LEVEL_DBOV;

/// Quieter than this, beside speech of −26 dBov, is silence.
const SILENCE_DBOV: f64 = -52.0;

/// At 8 kHz and the usual level, without the silence around it; `None` if there is nothing but silence.
pub(crate) fn finished(samples: &[i16], rate_hz: u32) -> Result<Option<Clip>, ResampleError> {
    let samples = to_telephone(samples, rate_hz)?;
    let level = normalize(&samples, RATE_HZ, LEVEL_DBOV);
    let trimmed = trim_silence(&level, SILENCE_DBOV, Duration::from_millis(20));
    Ok((!trimmed.is_empty()).then(|| Clip::from_samples(trimmed)))
}
