//! What can go wrong with speech.

use std::path::PathBuf;

/// Why something could not be spoken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SpeechError {
    /// A file of the voice is not there.
    #[error("{} is missing: run tools/fetch-speech", .0.display())]
    Missing(PathBuf),
    /// A file of the voice is not what it should be.
    #[error("{} is damaged: delete it and run tools/fetch-speech", .0.display())]
    Damaged(PathBuf),
    /// The model's runtime failed.
    #[error("the voice does not run: {0}")]
    Runtime(String),
    /// The text holds nothing that can be spoken.
    #[error("there is nothing to speak in the text")]
    Nothing,
    /// It took longer than it may.
    #[error("the speech was not ready in time")]
    Late,
}
