//! The recorded prompts and words, loaded into memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use hotline_audio::{Clip, active_level, amplify, read_wav};
use hotline_model::Language;
use hotline_wording::Word;
use sha2::{Digest, Sha256};

use crate::{Pace, SpeechError, stretch};

/// One recorded prompt, for the checker of plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingFact {
    /// Its language.
    pub language: Language,
    /// Its file below `prompts/<language>/` without `.wav`: `welcome`, `nine-digits.1`.
    pub name: String,
    /// The hash of the words it was made from, if `texts.json` tells.
    pub text_hash: Option<String>,
    /// How long it plays.
    pub duration: Duration,
}

/// A recording at both paces: each is made when it is first wanted, or by [`Library::decode_all`].
struct Recording {
    path: PathBuf,
    /// `None`: its file cannot be read.
    usual: OnceLock<Option<Clip>>,
    slow: OnceLock<Clip>,
    text_hash: Option<String>,
}

impl Recording {
    /// The recording, decoded now if nobody has wanted it yet: about a millisecond for a second of it.
    fn usual(&self) -> Option<&Clip> {
        let decoded = self.usual.get_or_init(|| {
            load(&self.path)
                .inspect_err(
                    |error| tracing::error!(%error, "a recording cannot be played; the voice speaks it"),
                )
                .ok()
        });
        decoded.as_ref()
    }

    fn slow(&self) -> Option<&Clip> {
        let usual = self.usual()?;
        Some(self.slow.get_or_init(|| Clip::from_samples(stretch::stretch(usual.samples(), stretch::SLOW))))
    }
}

/// Everything recorded, by language and name.
#[derive(Default)]
pub(crate) struct Library {
    recordings: HashMap<(Language, String), Recording>,
    /// Names by [`text_hash`].
    by_words: HashMap<(Language, String), String>,
    /// Which voice spoke the words of values, where it is known: `<prompts>/<language>/words/voice.txt`.
    voices: HashMap<Language, String>,
    /// `<prompts>/music/*.wav`.
    music: HashMap<String, Recording>,
}

/// The hash of recorded words in `texts.json`: the first 16 hexadecimal digits of the SHA-256 of
/// the text, without white space at its ends.
pub fn text_hash(words: &str) -> String {
    Sha256::digest(words.trim().as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The level of prompts, in dBov.
pub const LEVEL_DBOV: f64 = -26.0;
/// Names of recorded words begin so.
const WORDS: &str = "words/";
/// Beside the words: the name of the voice that spoke them. A studio takes it away.
const VOICE: &str = "voice.txt";
/// A recording further away than this is brought to the level of the others.
pub(crate) const TOLERANCE_DB: f64 = 3.0;
impl Library {
    /// Finds `<prompts>/<language>/*.wav` and `<prompts>/<language>/words/*.wav` and `<prompts>/music/*.wav`; none of them is read
    /// yet. A folder that is not there holds nothing.
    pub(crate) fn find_all(prompts: &Path) -> Result<Self, SpeechError> {
        let mut library = Self::default();
        for language in Language::ALL {
            let texts = texts(&prompts.join(language.tag()).join("texts.json"))?;
            // Without the file somebody else has spoken them.
            if let Ok(voice) = std::fs::read_to_string(prompts.join(language.tag()).join(WORDS).join(VOICE)) {
                library.voices.insert(language, voice.trim().to_owned());
            }
            for (path, name) in waves_of(prompts, language)? {
                let text_hash = texts.get(&name).cloned();
                if let Some(hash) = text_hash.as_ref().filter(|_| !name.starts_with(WORDS)) {
                    library.by_words.insert((language, hash.clone()), name.clone());
                }
                let recording = Recording { path, usual: OnceLock::new(), slow: OnceLock::new(), text_hash };
                library.recordings.insert((language, name), recording);
            }
        }
        for (path, name) in waves(&prompts.join("music"))? {
            let recording =
                Recording { path, usual: OnceLock::new(), slow: OnceLock::new(), text_hash: None };
            library.music.insert(name, recording);
        }
        Ok(library)
    }

    /// Decodes what nobody has wanted yet, prompts before words: seconds of a core for thousands.
    ///
    /// # Errors
    /// The first recording, in order, that cannot be read; the others are decoded all the same.
    pub(crate) fn decode_all(&self) -> Result<(), SpeechError> {
        let mut names: Vec<_> = self.recordings.keys().collect();
        names.sort_by_key(|(language, name)| (name.starts_with(WORDS), *language, name));
        let mut broken = Ok(());
        let prompts = names.into_iter().filter_map(|name| self.recordings.get(name));
        for recording in prompts.chain(self.music.values()) {
            if recording.usual().is_none() && broken.is_ok() {
                broken = load(&recording.path).map(drop);
            }
        }
        broken
    }

    /// Music by its name.
    pub(crate) fn music(&self, name: &str) -> Option<Clip> {
        self.music.get(name)?.usual().cloned()
    }

    /// The recording of a prompt, or of one of its parts.
    pub(crate) fn find(&self, language: Language, name: &str, pace: Pace) -> Option<Clip> {
        let recording = self.recordings.get(&(language, name.to_owned()))?;
        match pace {
            Pace::Usual => recording.usual().cloned(),
            Pace::Slow => recording.slow().cloned(),
        }
    }

    /// The recording of these words under a name. One that is known to say other words is not
    /// used; the same words recorded under another name are.
    pub(crate) fn find_words(&self, language: Language, name: &str, words: &str, pace: Pace) -> Option<Clip> {
        let hash = text_hash(words);
        let own = self.recordings.get(&(language, name.to_owned()));
        if own.is_some_and(|own| own.text_hash.as_ref().is_none_or(|known| *known == hash)) {
            return self.find(language, name, pace);
        }
        let twin = self.by_words.get(&(language, hash))?;
        self.find(language, twin, pace)
    }

    /// The recording of a word, that of its other place if it has none for its own.
    pub(crate) fn find_word(&self, language: Language, word: &Word, pace: Pace) -> Option<Clip> {
        word.candidates().iter().find_map(|key| self.find(language, &format!("{WORDS}{key}"), pace))
    }

    /// Whether a voice has spoken the words of values: they fit between its own then.
    pub(crate) fn is_voice_of_words(&self, language: Language, voice: &str) -> bool {
        self.voices.get(&language).is_some_and(|of_words| of_words == voice)
    }

    /// The recorded prompts, without the words, in order.
    pub(crate) fn facts(&self) -> Vec<RecordingFact> {
        let mut facts: Vec<_> = self
            .recordings
            .iter()
            .filter(|((_, name), _)| !name.starts_with(WORDS))
            .map(|((language, name), recording)| RecordingFact {
                language: *language,
                name: name.clone(),
                text_hash: recording.text_hash.clone(),
                duration: recording.usual().map(Clip::duration).unwrap_or_default(),
            })
            .collect();
        facts.sort_by(|a, b| (a.language, &a.name).cmp(&(b.language, &b.name)));
        facts
    }

    /// Number of files.
    pub(crate) fn len(&self) -> usize {
        self.recordings.len()
    }
}

/// The recordings of a language below a folder of prompts, with their names, in order.
pub(crate) fn waves_of(prompts: &Path, language: Language) -> Result<Vec<(PathBuf, String)>, SpeechError> {
    let folder = prompts.join(language.tag());
    let mut found = waves(&folder)?;
    let words = waves(&folder.join("words"))?;
    found.extend(words.into_iter().map(|(path, stem)| (path, format!("{WORDS}{stem}"))));
    Ok(found)
}

/// The WAV files of a folder with their names, in order.
fn waves(folder: &Path) -> Result<Vec<(PathBuf, String)>, SpeechError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(folder, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|e| e == "wav")
            && let Some(stem) = path.file_stem().and_then(|s| s.to_str())
        {
            found.push((path.clone(), stem.to_owned()));
        }
    }
    found.sort();
    Ok(found)
}

/// `texts.json`: a recording's name to the hash of its words.
fn texts(path: &Path) -> Result<HashMap<String, String>, SpeechError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(path, &error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashMap::new()),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn load(path: &Path) -> Result<Clip, SpeechError> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let clip = read_wav(std::io::BufReader::new(file))
        .and_then(hotline_audio::Wav::into_clip)
        .map_err(|error| unreadable(path, &error))?;
    let level = active_level(clip.samples(), hotline_audio::RATE_HZ).map(|level| level.active_dbov);
    Ok(match level {
        Some(level) if (level - LEVEL_DBOV).abs() > TOLERANCE_DB => {
            tracing::debug!(path = %path.display(), level_dbov = level, "a recording is brought to the usual level");
            Clip::from_samples(amplify(clip.samples(), hotline_audio::RATE_HZ, LEVEL_DBOV - level))
        }
        _ => clip,
    })
}

pub(crate) fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> SpeechError {
    SpeechError::Recording { path: path.to_owned(), reason: error.to_string() }
}
