//! Prompt name, language and values to audio: recordings first, then text-to-speech, cached.
//!
//! A live call asks [`Speech::ready`] first, which never waits; what it does not have comes from
//! [`Speech::clips`] behind a filler. What is known before a call is rendered before it:
//! [`Speech::prepare`] for a ticket's text, [`Speech::prepare_utterance`] for a plan's prompts.

mod cache;
mod config;
mod english;
mod error;
mod finish;
mod hibari;
pub mod kokoro;
mod levels;
mod lexicon;
mod library;
mod mandarin;
mod memory;
mod provider;
mod queue;
mod script;
mod speech;
mod stretch;

pub use cache::{AudioCache, BoxFuture, CacheKey, CachedAudio, MemoryCache};
pub use config::{Pace, SpeechConfig, VoiceConfig};
pub use error::SpeechError;
pub use levels::{Measured, PEAK_DBFS, measure};
pub use lexicon::Lexicon;
pub use library::{LEVEL_DBOV, RecordingFact, text_hash};
pub use provider::{AudioFormat, ProviderConfig};
pub use speech::{Counts, Speech};
