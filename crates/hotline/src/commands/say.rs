//! `hotline say`: a text as callers hear it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use hotline_model::{Language, Segment, Slot, Utterance, Value};
use hotline_speech::{MemoryCache, Pace, Speech};

use super::{Problem, runtime, speech_config};
use crate::config::Config;

/// `hotline say`
#[derive(clap::Args)]
pub struct Arguments {
    /// The words, as a ticket's result holds them.
    text: String,
    /// The WAV file that is written: 8 kHz, as a telephone carries it.
    #[arg(long, default_value = "said.wav", value_name = "FILE")]
    wav: PathBuf,
    /// The language; told from the words if absent.
    #[arg(long)]
    language: Option<Language>,
    /// Speak slower.
    #[arg(long)]
    slow: bool,
    /// Say how long it took.
    #[arg(long)]
    time: bool,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    if !arguments.text.chars().any(char::is_alphanumeric) {
        return Err("there is nothing in the text that can be spoken".into());
    }
    let language = arguments.language.unwrap_or_else(|| Language::of_text(&arguments.text));
    let value = Value::Text { text: arguments.text, language: Some(language) };
    let utterance = Utterance {
        prompt: "said".into(),
        language,
        barge_in: true,
        segments: vec![Segment::Value { slot: Slot::Text, value }],
    };
    let pace = if arguments.slow { Pace::Slow } else { Pace::Usual };
    runtime()?.block_on(async {
        let speech = Speech::open(speech_config(&config), Arc::new(MemoryCache::default()))?;
        println!("{}", speech.words(&utterance));
        let began = Instant::now();
        let clips = speech.clips(std::slice::from_ref(&utterance), pace).await?;
        let took = began.elapsed();
        let samples: Vec<i16> = clips.iter().flat_map(|clip| clip.samples().iter().copied()).collect();
        let file = std::fs::File::create(&arguments.wav)
            .map_err(|error| format!("{}: {error}", arguments.wav.display()))?;
        hotline_audio::write_wav(std::io::BufWriter::new(file), hotline_audio::RATE_HZ, &samples)?;
        let seconds = samples.len() as f64 / f64::from(hotline_audio::RATE_HZ);
        println!("{}: {seconds:.1} s", arguments.wav.display());
        if arguments.time {
            println!(
                "{:.2} s to render, {:.2} a second of speech",
                took.as_secs_f64(),
                took.as_secs_f64() / seconds
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}
