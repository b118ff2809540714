//! How texts are spoken: `[speech]`.

use std::path::PathBuf;
use std::time::Duration;

use hotline_speech::{AudioFormat, ProviderConfig};
use serde::{Deserialize, Serialize};

use super::secret_of;

/// `[speech]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Speech {
    /// Where `tools/fetch-speech` put the voice. Without it only recordings are played.
    pub folder: PathBuf,
    /// The Mandarin voice.
    pub voice_zh_cn: String,
    /// The English voice.
    pub voice_en_us: String,
    /// A firm's own readings: a phrase, a tab, a syllable with its tone for each character.
    pub lexicon: Option<PathBuf>,
    /// Texts rendered at once, each on one core.
    pub workers: usize,
    /// How much rendered speech is kept in the record, in megabytes; what was used longest ago goes
    /// first. An hour of speech is 58.
    pub cache_mb: u64,
    /// A file of texts that are rendered before anybody needs them, one a line.
    pub templates: Option<PathBuf>,
    /// A voice reached by HTTP: customers' words are sent to it.
    pub provider: Option<SpeechProvider>,
}

impl Default for Speech {
    fn default() -> Self {
        let voices = hotline_speech::kokoro::Voices::default();
        Self {
            folder: ".cache/speech".into(),
            voice_zh_cn: voices.zh_cn,
            voice_en_us: voices.en_us,
            lexicon: None,
            workers: 1,
            cache_mb: 4_000,
            templates: None,
            provider: None,
        }
    }
}

/// `[speech.provider]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SpeechProvider {
    /// Where texts are posted.
    pub url: String,
    /// The model.
    pub model: String,
    /// Its Mandarin voice; without one the voice here speaks Mandarin.
    pub voice_zh_cn: Option<String>,
    /// Its English voice, likewise.
    pub voice_en_us: Option<String>,
    /// How fast it speaks: 0.25 to 4.
    #[serde(default = "usual_speed")]
    pub speed: f32,
    /// What it answers with: `wav` or `pcm`.
    #[serde(default)]
    pub format: SpeechFormat,
    /// The rate of `pcm`, in samples a second.
    #[serde(default = "pcm_rate")]
    pub pcm_rate_hz: u32,
    /// The file whose first line is the bearer token.
    pub token_file: Option<PathBuf>,
    /// The environment's variable that holds the bearer token.
    pub token_env: Option<String>,
    /// How long an answer may take, in seconds.
    #[serde(default = "five")]
    pub within_s: u64,
    /// Requests at once.
    #[serde(default = "two")]
    pub at_once: usize,
}

/// What a provider of speech answers with.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpeechFormat {
    /// A WAV file.
    #[default]
    Wav,
    /// Bare 16-bit samples.
    Pcm,
}

const fn usual_speed() -> f32 {
    1.0
}

const fn pcm_rate() -> u32 {
    24_000
}

const fn five() -> u64 {
    5
}

const fn two() -> usize {
    2
}

impl SpeechProvider {
    /// The settings, with the token read.
    ///
    /// # Errors
    /// What is wrong with them, in words for the operator; never the token.
    pub fn settings(&self) -> Result<ProviderConfig, String> {
        let token =
            secret_of(("token-file", self.token_file.as_deref()), ("token-env", self.token_env.as_deref()))?;
        let format = match self.format {
            SpeechFormat::Wav => AudioFormat::Wav,
            SpeechFormat::Pcm => AudioFormat::Pcm { rate_hz: self.pcm_rate_hz },
        };
        let settings = ProviderConfig {
            url: self.url.clone(),
            model: self.model.clone(),
            voice_zh_cn: self.voice_zh_cn.clone(),
            voice_en_us: self.voice_en_us.clone(),
            speed: self.speed,
            format,
            token,
            within: Duration::from_secs(self.within_s.max(1)),
            at_once: self.at_once,
        };
        settings.check()?;
        Ok(settings)
    }
}
