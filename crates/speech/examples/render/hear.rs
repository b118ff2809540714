//! What a caller hears (8 kHz, through µ-law) and the words that were meant, for the recogniser:
//! values spliced from recorded words, texts by the voice, the recorded prompts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::{Failure, list};
use hotline_audio::{Clip, Law, decode, write_wav};
use hotline_model::{Language, Segment, Slot, Utterance, Value};
use hotline_speech::kokoro::Voices;
use hotline_speech::{MemoryCache, Pace, Speech, SpeechConfig, VoiceConfig};
use hotline_wording::Token;
use serde_json::Value as Json;

/// Says what `items.json` in a folder asks for (`tools/judge_items.py` tells its form), and writes
/// the files beside it, `expected.json` with their words, and `pieces.json` with the recorded words that
/// their values are spliced from. Of an item that is `silent` only the pieces are told.
#[tokio::main]
pub async fn write_all(
    root: &Path,
    prompts_of: &Path,
    voices: &Voices,
    folder: &Path,
) -> Result<(), Failure> {
    let voice = VoiceConfig { folder: root.join(".cache/speech") };
    let config = SpeechConfig {
        voice: Some(voice),
        voices: voices.clone(),
        ..SpeechConfig::recordings(prompts_of.to_owned())
    };
    let speech = Speech::open(config, Arc::new(MemoryCache::default()))?;
    let items: Vec<Json> = serde_json::from_slice(&std::fs::read(folder.join("items.json"))?)?;
    let (mut expected, mut pieces) = (BTreeMap::new(), BTreeMap::new());
    for item in &items {
        let field = |name: &str| item.get(name).and_then(Json::as_str);
        let name = field("name").ok_or("an item has a name")?;
        let language: Language = field("language").ok_or("an item has a language")?.parse()?;
        if field("kind") == Some("prompts") {
            prompts(root, &speech, language, folder, &mut expected)?;
            continue;
        }
        let words = |text: &str| Segment::Words { part: None, text: text.to_owned() };
        let segments = match (field("text"), field("slot"), field("value")) {
            (Some(text), ..) => vec![Segment::Value { slot: Slot::Text, value: Value::text(text) }],
            (_, Some(slot), Some(value)) => {
                let slot = match slot {
                    "digits" => Slot::Digits,
                    "money" => Slot::Money { colloquial: false },
                    "count" => Slot::Count { unit: field("unit").unwrap_or_default().to_owned() },
                    "date" => Slot::Date,
                    "time" => Slot::Time,
                    other => return Err(format!("{name}: no slot `{other}`").into()),
                };
                let value = Value::text(value);
                let recorded: Vec<[String; 2]> = hotline_wording::slot(&slot, &value, language)?
                    .into_iter()
                    .filter_map(|token| match token {
                        Token::Word(word) => Some([word.key, word.text]),
                        _ => None,
                    })
                    .collect();
                pieces.insert(name.to_owned(), recorded);
                if item.get("silent").is_some() {
                    continue;
                }
                let spoken = Segment::Value { slot, value };
                let [before, after] = ["before", "after"].map(|side| words(field(side).unwrap_or_default()));
                vec![before, spoken, after]
            }
            _ => return Err(format!("{name}: neither text nor slot and value").into()),
        };
        let utterance = Utterance { prompt: "judged".into(), language, barge_in: true, segments };
        speech.prepare_utterance(&utterance).await?;
        for clip in speech.clips(std::slice::from_ref(&utterance), Pace::Usual).await? {
            write(&folder.join(name), &clip)?;
        }
        expected.insert(name.to_owned(), speech.words(&utterance));
    }
    std::fs::write(folder.join("pieces.json"), serde_json::to_string(&pieces)?)?;
    std::fs::write(folder.join("expected.json"), serde_json::to_string(&expected)?)?;
    Ok(())
}

/// The recorded prompts of a language.
fn prompts(
    root: &Path,
    speech: &Speech,
    language: Language,
    folder: &Path,
    expected: &mut BTreeMap<String, String>,
) -> Result<(), Failure> {
    for prompt in list::prompts(root)?.into_iter().filter(|prompt| prompt.language == language) {
        // A prompt that switches languages is no test for a recogniser of one.
        let one = hotline_wording::runs(&prompt.text, language).len() == 1;
        if let Some(clip) = speech.recorded(language, &prompt.name).filter(|_| one) {
            let name = format!("{language}-prompt-{}.wav", prompt.name);
            write(&folder.join(&name), &clip)?;
            expected.insert(name, hotline_wording::spoken(&prompt.text, language));
        }
    }
    Ok(())
}

/// As it comes out of the telephone.
fn write(path: &Path, clip: &Clip) -> Result<(), Failure> {
    let codes = clip.encoded(Law::Pcmu);
    let mut heard = vec![0; codes.len()];
    decode(Law::Pcmu, &codes, &mut heard);
    write_wav(std::fs::File::create(path)?, hotline_audio::RATE_HZ, &heard)?;
    Ok(())
}
