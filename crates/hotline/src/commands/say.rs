//! `hotline say`: a text as callers hear it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    /// Say how long it took, and how much of a core.
    #[arg(long)]
    time: bool,
}

/// What is spoken before anything is measured, by language.
const WARM_UP: [&str; 2] = ["您好。", "Hello."];

/// Time of all cores that this process has used, user and system, in steps of 10 ms (proc_pid_stat(5):
/// `utime` and `stime`, in hundredths of a second on Linux). Zero where the kernel does not tell.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The program's name may hold spaces: the fields are counted from the bracket behind it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
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
        let speech = Speech::open(speech_config(&config)?, Arc::new(MemoryCache::default()))?;
        println!("{}", speech.words(&utterance));
        // The model is loaded by the first clause; what is told is the cost of speech.
        if arguments.time {
            let first = if language == Language::ZhCn { WARM_UP[0] } else { WARM_UP[1] };
            speech.prepare(first, language).await?;
        }
        let (began, used) = (Instant::now(), cpu_time());
        let clips = speech.clips(std::slice::from_ref(&utterance), pace).await?;
        let (took, used) = (began.elapsed(), cpu_time().saturating_sub(used));
        let samples: Vec<i16> = clips.iter().flat_map(|clip| clip.samples().iter().copied()).collect();
        let file = std::fs::File::create(&arguments.wav)
            .map_err(|error| format!("{}: {error}", arguments.wav.display()))?;
        hotline_audio::write_wav(std::io::BufWriter::new(file), hotline_audio::RATE_HZ, &samples)?;
        let seconds = samples.len() as f64 / f64::from(hotline_audio::RATE_HZ);
        println!("{}: {seconds:.1} s", arguments.wav.display());
        if arguments.time {
            println!(
                "{:.2} s to render, {:.2} a second of speech; {:.2} s of processor time, {:.2} a second of speech",
                took.as_secs_f64(),
                took.as_secs_f64() / seconds,
                used.as_secs_f64(),
                used.as_secs_f64() / seconds
            );
        }
        Ok(ExitCode::SUCCESS)
    })
}
