//! How loud recordings are, and in what format (the norm of `prompts/README.md`).

use std::path::Path;

use hotline_audio::{Wav, active_level, peak_dbov, read_wav};
use hotline_model::Language;

use crate::SpeechError;
use crate::library::{LEVEL_DBOV, TOLERANCE_DB, unreadable, waves_of};

/// A recording's peaks stay under this, in dBFS.
pub const PEAK_DBFS: f64 = -3.0;
/// Samples a second that a recording may have.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// What was measured of a recording, and what of it is outside the norm.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Its file below the folder of prompts: `zh-CN/words/g40.wav`.
    pub file: String,
    /// Samples a second.
    pub rate_hz: u32,
    /// Active speech level after ITU-T P.56, method B, in dBov; `None` if nobody speaks.
    pub active_dbov: Option<f64>,
    /// Largest magnitude, in dBFS.
    pub peak_dbfs: f64,
    /// What is outside, in words; nothing for a good recording.
    pub faults: Vec<String>,
}

/// Measures every recording below a folder of prompts, in the order of their names.
///
/// # Errors
/// The first folder or file that cannot be read.
pub fn measure(prompts: &Path) -> Result<Vec<Measured>, SpeechError> {
    let mut measured = Vec::new();
    for language in Language::ALL {
        for (path, name) in waves_of(prompts, language)? {
            let file = std::fs::File::open(&path).map_err(|error| unreadable(&path, &error))?;
            let wav = read_wav(std::io::BufReader::new(file)).map_err(|error| unreadable(&path, &error))?;
            measured.push(of(format!("{language}/{name}.wav"), &wav));
        }
    }
    Ok(measured)
}

fn of(file: String, wav: &Wav) -> Measured {
    let active_dbov = active_level(&wav.samples, wav.rate_hz).map(|level| level.active_dbov);
    let peak_dbfs = peak_dbov(&wav.samples);
    let mut faults = Vec::new();
    match active_dbov {
        None => faults.push("there is no speech in it".to_owned()),
        Some(level) if (level - LEVEL_DBOV).abs() > TOLERANCE_DB => {
            let side = if level > LEVEL_DBOV { "too loud" } else { "too soft" };
            faults.push(format!("{:.1} dB {side}", (level - LEVEL_DBOV).abs()));
        }
        Some(_) => {}
    }
    if peak_dbfs >= PEAK_DBFS {
        faults.push("its peaks are too high".to_owned());
    }
    if wav.channels != 1 {
        faults.push(format!("{} channels instead of one", wav.channels));
    }
    if wav.bits != 16 {
        faults.push(format!("{} bits a sample instead of 16", wav.bits));
    }
    if !RATES_HZ.contains(&wav.rate_hz) {
        faults.push("its rate is not 8 to 48 kHz".to_owned());
    }
    Measured { file, rate_hz: wav.rate_hz, active_dbov, peak_dbfs, faults }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hotline_audio::{sine, write_wav};

    use super::*;

    #[test]
    fn the_shipped_recordings_are_inside_the_norm() {
        let prompts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../prompts");
        let measured = measure(&prompts).unwrap();
        assert!(measured.len() > 1_000, "{}", measured.len());
        let outside: Vec<_> = measured.iter().filter(|of| !of.faults.is_empty()).collect();
        assert!(outside.is_empty(), "{outside:#?}");
    }

    #[test]
    fn what_is_outside_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let words = folder.path().join("en-US/words");
        std::fs::create_dir_all(&words).unwrap();
        let second = Duration::from_secs(1);
        let mut peaks = sine(300.0, -26.0, second * 20);
        peaks[8_000..8_002].fill(30_000);
        for (name, samples) in [
            ("good", sine(300.0, -26.0, second)),
            ("loud", sine(300.0, -20.0, second)),
            ("soft", sine(300.0, -31.0, second)),
            ("none", vec![0; 8_000]),
            ("peaks", peaks),
        ] {
            write_wav(std::fs::File::create(words.join(format!("{name}.wav"))).unwrap(), 8_000, &samples)
                .unwrap();
        }
        let two = std::fs::File::create(folder.path().join("en-US/two.wav")).unwrap();
        let tone = sine(300.0, -26.0, second);
        hotline_audio::write_wav_stereo(two, &tone, &tone).unwrap();
        let faults: Vec<_> =
            measure(folder.path()).unwrap().into_iter().map(|of| (of.file, of.faults.join(", "))).collect();
        let expected = [
            ("en-US/two.wav", "2 channels instead of one"),
            ("en-US/words/good.wav", ""),
            ("en-US/words/loud.wav", "6.1 dB too loud"),
            ("en-US/words/none.wav", "there is no speech in it"),
            ("en-US/words/peaks.wav", "its peaks are too high"),
            ("en-US/words/soft.wav", "4.9 dB too soft"),
        ];
        for (found, (file, fault)) in faults.iter().zip(expected) {
            assert_eq!((found.0.as_str(), found.1.as_str()), (file, fault));
        }
        assert_eq!(faults.len(), expected.len());
    }

    #[test]
    fn bytes_that_are_no_recording_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("zh-CN")).unwrap();
        std::fs::write(folder.path().join("zh-CN/welcome.wav"), b"no wave").unwrap();
        let refused = measure(folder.path()).unwrap_err();
        assert!(refused.to_string().contains("welcome.wav"), "{refused}");
    }
}
