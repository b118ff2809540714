//! WAV files in and out, by readers and writers.

use std::io::{Read, Seek, Write};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::tone::to_sample;
use crate::{Clip, RATE_HZ, ResampleError, to_telephone};

/// What a WAV file holds, mixed to one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Samples a second.
    pub rate_hz: u32,
    /// Bits a sample in the file.
    pub bits: u16,
    /// Channels in the file, before mixing.
    pub channels: u16,
    /// Mono samples at `rate_hz`.
    pub samples: Vec<i16>,
}

/// Why a WAV file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// No WAV file, cut short, or the reader failed.
    #[error("not a readable WAV file")]
    Format(#[source] hound::Error),
    /// A rate or sample type we do not read.
    #[error("a WAV file of {bits} bits, {rate_hz} Hz, {channels} channels is not supported; use 16-bit PCM")]
    Unsupported {
        /// Bits a sample.
        bits: u16,
        /// Samples a second.
        rate_hz: u32,
        /// Channels.
        channels: u16,
    },
    /// The file could not be written.
    #[error("the WAV file could not be written")]
    Write(#[source] hound::Error),
    /// The rate could not be converted.
    #[error(transparent)]
    Resample(#[from] ResampleError),
}

impl Wav {
    /// As a clip at 8 kHz.
    ///
    /// # Errors
    /// If the rate is outside 4–192 kHz.
    pub fn into_clip(self) -> Result<Clip, WavError> {
        Ok(Clip::from_samples(to_telephone(&self.samples, self.rate_hz)?))
    }
}

/// Reads 8, 16, 24 or 32-bit PCM or 32-bit float of any rate; several channels are mixed to one.
///
/// # Errors
/// If it is no WAV file, is cut short within a sample, or has a type we do not read.
pub fn read_wav(reader: impl Read) -> Result<Wav, WavError> {
    let mut wav = WavReader::new(reader).map_err(WavError::Format)?;
    let WavSpec { channels, sample_rate: rate_hz, bits_per_sample: bits, sample_format } = wav.spec();
    if channels == 0 || channels > 8 || !(4_000..=192_000).contains(&rate_hz) {
        return Err(WavError::Unsupported { bits, rate_hz, channels });
    }
    let interleaved: Vec<f64> = match (sample_format, bits) {
        (SampleFormat::Float, 32) => collect(
            wav.samples::<f32>()
                .map(|s| s.map(|s| if s.is_finite() { f64::from(s) * 32_768.0 } else { 0.0 })),
        )?,
        (SampleFormat::Int, 8 | 16 | 24 | 32) => {
            let scale = 2f64.powi(16 - i32::from(bits));
            collect(wav.samples::<i32>().map(|s| s.map(|s| f64::from(s) * scale)))?
        }
        _ => return Err(WavError::Unsupported { bits, rate_hz, channels }),
    };
    let samples = interleaved
        .chunks_exact(usize::from(channels))
        .map(|frame| to_sample(frame.iter().sum::<f64>() / f64::from(channels)))
        .collect();
    Ok(Wav { rate_hz, bits, channels, samples })
}

/// Writes mono 16-bit PCM.
///
/// # Errors
/// If the writer fails.
pub fn write_wav(writer: impl Write + Seek, rate_hz: u32, samples: &[i16]) -> Result<(), WavError> {
    write(writer, 1, rate_hz, samples.iter().copied())
}

/// Writes two channels of 16-bit PCM at 8 kHz; the shorter one is filled up with silence.
///
/// # Errors
/// If the writer fails.
pub fn write_wav_stereo(writer: impl Write + Seek, left: &[i16], right: &[i16]) -> Result<(), WavError> {
    let at = |side: &[i16], n: usize| side.get(n).copied().unwrap_or(0);
    let frames = (0..left.len().max(right.len())).flat_map(|n| [at(left, n), at(right, n)]);
    write(writer, 2, RATE_HZ, frames)
}

fn write(
    writer: impl Write + Seek,
    channels: u16,
    sample_rate: u32,
    samples: impl Iterator<Item = i16>,
) -> Result<(), WavError> {
    let spec = WavSpec { channels, sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut wav = WavWriter::new(writer, spec).map_err(WavError::Write)?;
    for sample in samples {
        wav.write_sample(sample).map_err(WavError::Write)?;
    }
    wav.finalize().map_err(WavError::Write)
}

fn collect(samples: impl Iterator<Item = hound::Result<f64>>) -> Result<Vec<f64>, WavError> {
    samples.collect::<Result<_, _>>().map_err(WavError::Format)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        let samples: Vec<i16> = (-400..400).map(|n| n * 40).collect();
        let mut file = Cursor::new(Vec::new());
        write_wav(&mut file, 16_000, &samples).unwrap();
        let wav = read_wav(Cursor::new(file.into_inner())).unwrap();
        assert_eq!(wav, Wav { rate_hz: 16_000, bits: 16, channels: 1, samples });
        assert_eq!(wav.into_clip().unwrap().len(), 400);
    }

    #[test]
    fn stereo_is_mixed_and_float_is_scaled() {
        let mut file = Cursor::new(Vec::new());
        write_wav_stereo(&mut file, &[1000, 1000, 1000], &[3000]).unwrap();
        assert_eq!(read_wav(Cursor::new(file.into_inner())).unwrap().samples, [2000, 500, 500]);

        let spec = WavSpec {
            channels: 1,
            sample_rate: 48_000,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let mut file = Cursor::new(Vec::new());
        let mut writer = WavWriter::new(&mut file, spec).unwrap();
        for sample in [0.5f32, -2.0, f32::NAN] {
            writer.write_sample(sample).unwrap();
        }
        writer.finalize().unwrap();
        assert_eq!(read_wav(Cursor::new(file.into_inner())).unwrap().samples, [16_384, -32_768, 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), cut in 0usize..60) {
            let _ = read_wav(Cursor::new(&bytes));
            let mut file = Cursor::new(Vec::new());
            write_wav(&mut file, 8000, &[1, 2, 3, 4]).unwrap();
            let mut damaged = file.into_inner();
            for (n, byte) in bytes.iter().enumerate().take(4) {
                let at = (cut + n * 7) % damaged.len();
                damaged[at] = *byte;
            }
            let _ = read_wav(Cursor::new(&damaged));
        }
    }
}
