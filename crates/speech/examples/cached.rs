//! cargo run --release -p hotline-speech --example cached -- .cache/speech [PROMPTS]
//!
//! How long a caller waits for a ticket's text that was rendered before: from asking to the first packet (20 ms) being
//! encoded, with its clauses in memory, and with memory empty and the clauses in the cache (its reading apart: here it
//! is a table in memory). Prints the median and the 99th of a hundred of 1,000 askings each.
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_audio::Law;
use hotline_model::{Language, Segment, Slot, Utterance, Value};
use hotline_speech::{MemoryCache, Pace, Speech, SpeechConfig, VoiceConfig};

/// A whole ticket's result: four clauses, eleven seconds.
const TEXT: &str =
    "尊敬的客户，您好，您十月产生183.3元流量费，已按28元套餐核减，为您退费54.9元，6个工作日到账，请您关注。";
const ROUNDS: usize = 1_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("FOLDER [PROMPTS] are expected")?;
    let prompts = arguments.next().unwrap_or_else(|| "prompts".into());
    let config = SpeechConfig { voice: Some(VoiceConfig { folder }), ..SpeechConfig::recordings(prompts) };
    let speech = Speech::open(config, Arc::new(MemoryCache::default()))?;
    let length = speech.prepare(TEXT, Language::ZhCn).await?;
    let said = [Utterance {
        prompt: "result".into(),
        language: Language::ZhCn,
        barge_in: true,
        segments: vec![Segment::Value { slot: Slot::Text, value: Value::text(TEXT) }],
    }];
    let mut of_memory = Vec::with_capacity(ROUNDS);
    let mut of_cache = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let clips = speech.ready(&said, Pace::Usual).ok_or("it was rendered before")?;
        std::hint::black_box(clips[0].encoded(Law::Pcmu).get(..160));
        of_memory.push(began.elapsed());
        speech.clear_memory();
        let began = Instant::now();
        let clips = speech.clips(&said, Pace::Usual).await?;
        std::hint::black_box(clips[0].encoded(Law::Pcmu).get(..160));
        of_cache.push(began.elapsed());
    }
    println!("{:.1} s of speech, asked for {ROUNDS} times", length.as_secs_f64());
    for (what, mut took) in [("in memory", of_memory), ("in the cache", of_cache)] {
        took.sort();
        let ms = |at: usize| took.get(at).copied().unwrap_or(Duration::ZERO).as_secs_f64() * 1_000.0;
        println!("{what}: {:.2} ms, p99 {:.2} ms", ms(ROUNDS / 2), ms(ROUNDS * 99 / 100));
    }
    Ok(())
}
