//! Where speech finds what it needs.

use std::path::PathBuf;

use crate::kokoro::Voices;

/// Recordings, voice and workers.
#[derive(Debug, Clone)]
pub struct SpeechConfig {
    /// The folder of recorded prompts: `<prompts>/<language>/<name>.wav`.
    pub prompts: PathBuf,
    /// The voice that speaks what is not recorded; `None`: recordings only.
    pub voice: Option<VoiceConfig>,
    /// Threads that render, each keeping one core busy while it does. At least 1 is taken.
    pub workers: usize,
}

/// The voice and where it is kept.
#[derive(Debug, Clone)]
pub struct VoiceConfig {
    /// The folder that `tools/fetch-speech` fills.
    pub folder: PathBuf,
    /// Who speaks which language.
    pub voices: Voices,
    /// The firm's own names and how they are read: lines of a phrase, a tab, and pinyin with tone
    /// numbers (`银行\tyin2 hang2`).
    pub lexicon: Option<PathBuf>,
}

/// How fast it is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pace {
    /// As people speak.
    #[default]
    Usual,
    /// Slower by a quarter, for a caller who asks for it.
    Slow,
}
