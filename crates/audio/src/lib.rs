//! Samples in, samples out: G.711, G.722, WAV, resampling, tones, level.
//!
//! Everything here is mono and, unless a rate is named, 8 kHz: `frame: &[i16]` of 160 samples is 20 ms.
//! [`Clip`] is the type the rest of the house passes around: immutable, shared, encoded once per [`Law`].
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]

mod clip;
mod codec;
mod dtmf;
mod excerpt;
mod g711;
mod g722;
mod hearing;
mod level;
mod noise;
mod resample;
mod splice;
mod tone;
mod trim;
mod wav;

pub use clip::Clip;
pub use codec::Codec;
pub use dtmf::{DtmfDetector, Press};
pub use excerpt::Excerpts;
pub use g711::{Law, decode, encode};
pub use g722::{G722Decoder, G722Encoder};
pub use hearing::{Heard, Hearing, NetworkTone};
pub use level::{ActiveLevel, active_level, amplify, limit, normalize, peak_dbov, rms_dbov};
pub use noise::{LINE_NOISE_DBOV, add_line_noise};
pub use resample::{ResampleError, resample, to_telephone};
pub use splice::{Piece, splice};
pub use tone::{dtmf_frequencies, dtmf_key, key_for_frequencies, silence, sine, tone_pair};
pub use trim::trim_silence;
pub use wav::{Wav, WavError, read_wav, write_wav, write_wav_stereo};

/// The rate of every telephone signal here: 8,000 samples a second.
pub const RATE_HZ: u32 = 8_000;
/// Samples of 20 ms at 8 kHz: one frame, one RTP packet.
pub const FRAME: usize = 160;

/// Number of 8 kHz samples in a duration, rounded down.
#[must_use]
pub fn samples_in(duration: std::time::Duration) -> usize {
    usize::try_from(duration.as_micros() * u128::from(RATE_HZ) / 1_000_000).unwrap_or(usize::MAX)
}

/// How long a number of 8 kHz samples lasts.
#[must_use]
pub fn duration_of(samples: usize) -> std::time::Duration {
    std::time::Duration::from_micros(samples as u64 * 1_000_000 / u64::from(RATE_HZ))
}
