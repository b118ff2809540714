//! Words of values: each is spoken where it usually stands and cut out by the voice's own timing.

use hotline_audio::{normalize, resample};
use hotline_model::Language;
use hotline_speech::LEVEL_DBOV;
use hotline_speech::kokoro::{self, Kokoro};
use hotline_wording::inventory;

use crate::{Failure, RATE_HZ, Wanted, cut};

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

/// What stands behind words of a kind: the beginning of their keys, or a whole key. A word begins
/// out of silence and is cut off before a consonant that stops or hisses, so that nothing of its
/// neighbour is in it; with nothing but a full stop behind it, it falls as at the end. The digits'
/// neighbours are those with which a recogniser told spliced codes best.
type Places = [(&'static str, &'static str)];

const ZH: &Places = &[
    ("d5*", "四八。"),
    ("d9*", "四八。"),
    ("yao*", "，三三三。"),
    ("d*-mid", "三三。"),
    ("d*-end", "三三。"),
    ("*-yuan", "三。"),
    ("yuan", "三。"),
    ("n*", "次。"),
    ("x*", "次。"),
    ("q*", "三百次。"),
    ("liang", "次。"),
    ("hour*", "三分。"),
    ("half", "。"),
    ("h*", "三十次。"),
    ("wan", "三千次。"),
    ("yi", "三千次。"),
    ("point", "三次。"),
    ("minus", "三次。"),
    ("kuai", "三。"),
    ("month*", "三日。"),
    ("before-dawn", "三点。"),
    ("early", "三点。"),
    ("morning", "三点。"),
    ("noon", "三点。"),
    ("afternoon", "三点。"),
    ("evening", "三点。"),
    ("*", "。"),
];

const EN: &Places = &[
    ("d*-mid", "two two."),
    ("month*", "tenth."),
    ("n*", "times."),
    ("hundred", "times."),
    ("*illion", "times."),
    ("thousand", "times."),
    ("point", "two."),
    ("minus", "two."),
    ("and", "two."),
    ("oh", "two."),
    ("*", "."),
];

/// Whether a key is of a kind; `*` stands for anything.
fn fits(kind: &str, key: &str) -> bool {
    match kind.split_once('*') {
        None => kind == key,
        Some((head, tail)) => {
            key.len() >= head.len() + tail.len() && key.starts_with(head) && key.ends_with(tail)
        }
    }
}

/// Speaks a word in its place and cuts it out.
pub fn render(kokoro: &Kokoro, word: &Wanted) -> Result<Vec<i16>, Failure> {
    let (places, gap) = match word.language {
        Language::ZhCn => (ZH, ""),
        Language::EnUs => (EN, " "),
    };
    let key = word.name.trim_start_matches("words/");
    let (_, behind) = places.iter().find(|(kind, _)| fits(kind, key)).ok_or("every word has a place")?;
    let phonemes = |text: &str| kokoro.phonemes(text, word.language);
    let own = phonemes(&word.text);
    // The phonemiser drops punctuation that nothing stands before.
    let last = behind.chars().count() == 1;
    let rest = match behind.strip_prefix('，') {
        _ if last => ".".to_owned(),
        Some(rest) => format!(", {}", phonemes(rest)),
        None => format!("{gap}{}", phonemes(behind)),
    };
    let spoken = kokoro.speak_phonemes(&format!("{own}{rest}"), word.language, 1.0)?;
    // The last sound dies away in the silence behind it.
    let tail = if last { RELEASE } else { 0 };
    let end = spoken.starts.get(own.chars().count()).map_or(spoken.samples.len(), |end| end + tail);
    let cut_out = &spoken.samples[..end.min(spoken.samples.len())];
    let samples: Vec<i16> = cut_out.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    let samples = normalize(&resample(&samples, kokoro::RATE_HZ, RATE_HZ)?, RATE_HZ, LEVEL_DBOV);
    let mut samples = cut::trimmed(&samples).to_vec();
    for (n, sample) in samples.iter_mut().rev().take(FADE).enumerate() {
        *sample = (i32::from(*sample) * n as i32 / FADE as i32) as i16;
    }
    Ok(samples)
}

/// Samples of 50 ms at 24 kHz.
const RELEASE: usize = 1_200;
/// Samples of 12 ms at 16 kHz.
const FADE: usize = 192;
