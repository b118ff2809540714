//! One file a command.

pub mod check;
pub mod config;
pub mod customer;
pub mod dial;
pub mod doctor;
pub mod import;
pub mod plan_files;
pub mod say;
pub mod serve;
pub mod simulate;
pub mod test;

use std::sync::Arc;

use hotline_model::SystemClock;
use hotline_record::{Record, Settings};
use hotline_speech::kokoro::Voices;
use hotline_speech::{SpeechConfig, VoiceConfig};

use crate::config::Config;

/// What a command says when it cannot do its work: words for whoever typed it.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// A runtime for commands that wait.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Opens the record that the configuration names, and makes its folder.
pub async fn open_record(config: &Config) -> Result<Record, Problem> {
    let path = config.database_path();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Record::open(&Settings::sqlite(&path), Arc::new(SystemClock))
        .await
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

/// How texts are spoken, as the configuration says; without the voice's folder only recordings are
/// played.
pub fn speech_config(config: &Config) -> SpeechConfig {
    let speech = &config.speech;
    let voice = speech.folder.join("kokoro.onnx").is_file().then(|| VoiceConfig {
        folder: speech.folder.clone(),
        voices: Voices { zh_cn: speech.voice_zh_cn.clone(), en_us: speech.voice_en_us.clone() },
        lexicon: speech.lexicon.clone(),
    });
    SpeechConfig { prompts: config.plans.prompts.clone(), voice, workers: speech.workers.max(1) }
}
