//! Where speech finds what it needs.

use std::path::PathBuf;

use crate::ProviderConfig;
use crate::kokoro::Voices;

/// Recordings, voice and workers.
#[derive(Debug, Clone)]
pub struct SpeechConfig {
    /// The folder of recorded prompts: `<prompts>/<language>/<name>.wav`.
    pub prompts: PathBuf,
    /// Who speaks which language. Their names are in the keys of the cache: where the voice itself is
    /// not there, what another machine rendered with it is still found.
    pub voices: Voices,
    /// The firm's own names and how they are read ([`crate::Lexicon`]).
    pub lexicon: Option<PathBuf>,
    /// The voice that speaks what is not recorded; `None`: recordings, and what is cached.
    pub voice: Option<VoiceConfig>,
    /// Threads that render, each keeping one core busy while it does. At least 1 is taken.
    pub workers: usize,
    /// What each of these threads calls first, when it stands back by its niceness: a wish to the scheduler that
    /// the house knows better than this room. Default: nothing.
    pub at_start: fn(),
    /// A voice reached by HTTP, which speaks before the voice here; `None`: no customer's words leave
    /// the house.
    pub provider: Option<ProviderConfig>,
}

/// Where the voice is kept.
#[derive(Debug, Clone)]
pub struct VoiceConfig {
    /// The folder that `tools/fetch-speech` fills.
    pub folder: PathBuf,
}

impl SpeechConfig {
    /// Recordings only, until more is said.
    pub fn recordings(prompts: PathBuf) -> Self {
        Self {
            prompts,
            voices: Voices::default(),
            lexicon: None,
            voice: None,
            workers: 1,
            at_start: || {},
            provider: None,
        }
    }
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
