//! cargo run --release -p hotline-speech --example speak -- FOLDER zh-CN 您的退费到账 out.wav [VOICE]
use hotline_model::Language;
use hotline_speech::kokoro::{Kokoro, RATE_HZ, Voices};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, language, text, out, voice @ ..] = arguments.as_slice() else {
        return Err("FOLDER LANGUAGE TEXT OUT.wav [VOICE] are expected".into());
    };
    let language: Language = language.parse()?;
    let mut voices = Voices::default();
    if let Some(voice) = voice.first() {
        match language {
            Language::ZhCn => voices.zh_cn.clone_from(voice),
            Language::EnUs => voices.en_us.clone_from(voice),
        }
    }
    let kokoro = Kokoro::open(folder.as_ref(), voices, &hotline_speech::Lexicon::default())?;
    let mut samples: Vec<i16> = Vec::new();
    for clause in hotline_wording::clauses(text, language) {
        println!("{clause} {}", kokoro.phonemes(&clause, language));
        let spoken = kokoro.speak(&clause, language, 1.0)?;
        samples.extend(spoken.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16));
    }
    hotline_audio::write_wav(std::fs::File::create(out)?, RATE_HZ, &samples)?;
    println!("{:.2} s", samples.len() as f64 / f64::from(RATE_HZ));
    Ok(())
}
