//! Cutting the silence off rendered speech, 16 kHz.

use hotline_audio::rms_dbov;

use crate::milliseconds;

/// Quieter than this, beside speech of −26 dBov, is silence.
const SILENCE_DBOV: f64 = -50.0;
/// Soft beginnings and ends are kept.
const KEEP_MS: usize = 30;

/// Without the silence before and after.
pub fn trimmed(samples: &[i16]) -> &[i16] {
    let loud = |frame: &[i16]| rms_dbov(frame) > SILENCE_DBOV;
    let frame = milliseconds(5);
    let Some(first) = samples.chunks(frame).position(loud) else { return &[] };
    let last = samples.chunks(frame).rposition(loud).unwrap_or(first);
    let start = (first * frame).saturating_sub(milliseconds(KEEP_MS));
    let end = ((last + 1) * frame + milliseconds(KEEP_MS)).min(samples.len());
    &samples[start..end]
}
