//! Words of values: spoken in a row, so that none stands alone, and cut out of it.

use hotline_audio::normalize;
use hotline_model::Language;
use hotline_speech::LEVEL_DBOV;
use hotline_speech::kokoro::Kokoro;
use hotline_wording::inventory;

use crate::{Failure, RATE_HZ, Wanted, cut, speak};

/// Words in one row.
const ROW: usize = 4;

/// Every word of every language.
pub fn wanted() -> Vec<Wanted> {
    Language::ALL
        .into_iter()
        .flat_map(|language| {
            inventory(language).into_iter().map(move |word| Wanted {
                language,
                name: format!("words/{}", word.key),
                text: word.text,
            })
        })
        .collect()
}

/// Words of one language and place together.
pub fn batches(words: Vec<Wanted>) -> Vec<Vec<Wanted>> {
    let mut batches: Vec<Vec<Wanted>> = Vec::new();
    for word in words {
        match batches.last_mut() {
            Some(batch)
                if batch.len() < ROW
                    && !ends(&word)
                    && batch.iter().all(|w| w.language == word.language && !ends(w)) =>
            {
                batch.push(word);
            }
            _ => batches.push(vec![word]),
        }
    }
    batches
}

/// Whether the word is the last of its group, where the voice falls.
fn ends(word: &Wanted) -> bool {
    word.name.ends_with("-end")
}

/// Speaks a row and cuts it; a row that cannot be cut is spoken word by word.
pub fn render(kokoro: &Kokoro, words: &[Wanted]) -> Result<Vec<(Wanted, Vec<i16>)>, Failure> {
    if let [word] = words {
        return Ok(vec![(word.clone(), alone(kokoro, word)?)]);
    }
    let language = words.first().map_or(Language::ZhCn, |w| w.language);
    // The last one would fall: something stands behind it.
    let row: Vec<&str> =
        words.iter().map(|w| w.text.as_str()).chain(words.first().map(|w| w.text.as_str())).collect();
    let samples = speak(kokoro, &carrier(&row, language), language)?;
    match cut::pieces(&samples, row.len()) {
        Some(pieces) => Ok(words.iter().cloned().zip(pieces).map(|(w, p)| (w, level(p))).collect()),
        None => words.iter().map(|word| Ok((word.clone(), alone(kokoro, word)?))).collect(),
    }
}

/// One word three times: the second stands inside, the third at the end.
fn alone(kokoro: &Kokoro, word: &Wanted) -> Result<Vec<i16>, Failure> {
    let text = word.text.as_str();
    let samples = speak(kokoro, &carrier(&[text, text, text], word.language), word.language)?;
    if let Some(pieces) = cut::pieces(&samples, 3) {
        return Ok(level(pieces[if ends(word) { 2 } else { 1 }]));
    }
    let samples = speak(kokoro, &carrier(&[text], word.language), word.language)?;
    Ok(level(cut::trimmed(&samples)))
}

fn carrier(words: &[&str], language: Language) -> String {
    match language {
        Language::ZhCn => words.join("，") + "。",
        Language::EnUs => words.join(", ") + ".",
    }
}

fn level(samples: &[i16]) -> Vec<i16> {
    normalize(samples, RATE_HZ, LEVEL_DBOV)
}
