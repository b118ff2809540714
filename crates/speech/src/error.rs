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
    /// The firm's own readings cannot be taken.
    #[error("{}:{line}: {reason}", path.display())]
    Lexicon {
        /// The file.
        path: PathBuf,
        /// The line, 0 where the file cannot be read at all.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A recording, or the list of them, cannot be read.
    #[error("{}: {reason}", path.display())]
    Recording {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model's runtime failed.
    #[error("the voice does not run: {0}")]
    Runtime(String),
    /// The voice that is reached by HTTP is set wrongly, or failed.
    #[error("speech.provider: {0}")]
    Provider(String),
    /// It is not recorded, and there is no voice to speak it. Its words may be a customer's: no log may show them.
    #[error("a clause of {} characters is not recorded, and no voice is configured", .0.chars().count())]
    NoVoice(String),
    /// The text holds nothing that can be spoken.
    #[error("there is nothing to speak in the text")]
    Nothing,
    /// Too much waits to be rendered.
    #[error("{0} clauses wait to be rendered already")]
    Busy(usize),
    /// It took longer than it may.
    #[error("the speech was not ready in time")]
    Late,
}
