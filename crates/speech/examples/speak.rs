//! cargo run --release -p hotline-speech --example speak -- FOLDER zh-CN 您的退费到账 out.wav
use hotline_speech::kokoro::{Kokoro, RATE_HZ, Voices};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, language, text, out] = arguments.as_slice() else {
        return Err("FOLDER LANGUAGE TEXT OUT.wav are expected".into());
    };
    let language = language.parse()?;
    let kokoro = Kokoro::open(folder.as_ref(), Voices::default(), "")?;
    println!("{}", kokoro.phonemes(text, language));
    let samples: Vec<i16> =
        kokoro.speak(text, language, 1.0)?.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    let file = std::fs::File::create(out)?;
    hotline_audio::write_wav(file, RATE_HZ, &samples)?;
    println!("{:.2} s", samples.len() as f64 / f64::from(RATE_HZ));
    Ok(())
}
