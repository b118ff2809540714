//! One file a command.

pub mod campaign;
pub mod check;
pub mod config;
pub mod customer;
pub mod dial;
pub mod doctor;
pub mod import;
mod import_rebates;
pub mod migrate;
pub mod plan_files;
pub mod prompts;
pub mod retention;
pub mod say;
pub mod serve;
pub mod simulate;
pub mod test;
pub mod user;
pub mod webhooks;

use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_model::SystemClock;
use hotline_record::{DatabaseAddress, Record, RecordError, Settings};
use hotline_speech::kokoro::Voices;
use hotline_speech::{SpeechConfig, VoiceConfig};

use crate::config::Config;

/// What a command says when it cannot do its work: words for whoever typed it.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;

/// The runtime of a server. Calls wake each other all the time: workers beyond those that the media
/// threads leave cost more in waking each other than they bring.
pub fn server_runtime(media_threads: usize) -> Result<tokio::runtime::Runtime, Problem> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = cores.saturating_sub(media_threads).clamp(1, 4);
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?)
}

/// A runtime for commands that wait.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Opens the record that the configuration names, and makes its folder: for a command that looks
/// or changes something and ends.
pub async fn open_record(config: &Config) -> Result<Record, Problem> {
    let address = config.database()?;
    open_as(Settings::new(address.clone())).await.map_err(|error| format!("{address}: {error}").into())
}

/// Opens the record as the server that takes calls, which may be one of several. Both may have
/// been started at the same moment: the database is waited for, `within` at most.
pub async fn open_record_to_serve(config: &Config, within: Duration) -> Result<Record, Problem> {
    let (address, server) = (config.database()?, config.server_name()?);
    let settings = Settings {
        server: Some(server),
        spool: Some(config.spool(&address)),
        ..Settings::new(address.clone())
    };
    let begun = Instant::now();
    loop {
        match open_as(settings.clone()).await {
            Ok(record) => return Ok(record),
            Err(error @ RecordError::Unavailable(_)) if begun.elapsed() < within => {
                tracing::warn!(database = %address, %error, "waiting for the database");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(format!("{address}: {error}").into()),
        }
    }
}

async fn open_as(settings: Settings) -> Result<Record, RecordError> {
    make_file(&settings.address)?;
    Record::open(&settings, Arc::new(SystemClock)).await
}

/// A SQLite file with its folder, as far as they are not there: nobody else on this machine reads who the customers
/// are, and SQLite gives the files beside it the same rights.
pub fn make_file(address: &DatabaseAddress) -> Result<(), RecordError> {
    let Some(file) = address.file() else { return Ok(()) };
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| RecordError::Unusable(format!("{}: {error}", folder.display())))?;
    }
    // What goes wrong here is told when the file is opened.
    if !file.exists() {
        let _ = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    }
    Ok(())
}

/// Threads that render for seconds are interrupted at once by those that serve calls.
fn long_turns() {
    if let Err(error) = hotline_media::take_long_turns() {
        tracing::debug!(%error, "the voice takes turns as the others do");
    }
}

/// How texts are spoken, as the configuration says; without the voice's folder only recordings are
/// played, and what other machines rendered.
///
/// # Errors
/// Settings of a provider that cannot be used.
pub fn speech_config(config: &Config) -> Result<SpeechConfig, Problem> {
    let speech = &config.speech;
    let provider = speech
        .provider
        .as_ref()
        .map(|provider| provider.settings().map_err(|problem| format!("speech.provider: {problem}")))
        .transpose()?;
    let voice =
        speech.folder.join("kokoro.onnx").is_file().then(|| VoiceConfig { folder: speech.folder.clone() });
    Ok(SpeechConfig {
        provider,
        voices: Voices { zh_cn: speech.voice_zh_cn.clone(), en_us: speech.voice_en_us.clone() },
        lexicon: speech.lexicon.clone(),
        voice,
        workers: speech.workers.max(1),
        at_start: long_turns,
        ..SpeechConfig::recordings(config.plans.prompts.clone())
    })
}
