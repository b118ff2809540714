//! Prompt name, language and values to audio: recordings first, then text-to-speech, cached.

mod english;
mod error;
pub mod kokoro;
mod mandarin;

pub use error::SpeechError;
