//! Who understands what networks announce: `[recogniser]`.

use std::path::PathBuf;
use std::time::Duration;

use hotline_engine::{Announcements, RecogniserSettings};
use serde::{Deserialize, Serialize};

use super::secret_of;

/// `[recogniser]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RecogniserSection {
    /// Where sound is posted.
    pub url: String,
    /// The model.
    pub model: String,
    /// The language that is spoken; without one it tells by itself.
    pub language: Option<String>,
    /// The file whose first line is the bearer token.
    pub token_file: Option<PathBuf>,
    /// The environment's variable that holds the bearer token.
    pub token_env: Option<String>,
    /// How long an answer may take, in seconds.
    #[serde(default = "five")]
    pub within_s: u64,
    /// Requests at once.
    #[serde(default = "four")]
    pub at_once: usize,
    /// A file of phrases with what they mean, which go before the shipped ones.
    pub phrases: Option<PathBuf>,
}

const fn five() -> u64 {
    5
}

const fn four() -> usize {
    4
}

impl RecogniserSection {
    /// The settings, with the token and the phrases read.
    ///
    /// # Errors
    /// What is wrong with them, in words for the operator; never the token.
    pub fn settings(&self) -> Result<RecogniserSettings, String> {
        let token =
            secret_of(("token-file", self.token_file.as_deref()), ("token-env", self.token_env.as_deref()))?;
        let announcements = match &self.phrases {
            None => Announcements::default(),
            Some(path) => {
                let wrong = |error: String| format!("phrases: {}: {error}", path.display());
                let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
                Announcements::with(&text).map_err(|error| wrong(error.to_string()))?
            }
        };
        let settings = RecogniserSettings {
            url: self.url.clone(),
            model: self.model.clone(),
            language: self.language.clone(),
            token,
            within: Duration::from_secs(self.within_s.max(1)),
            at_once: self.at_once,
            announcements,
        };
        settings.check()?;
        Ok(settings)
    }
}
