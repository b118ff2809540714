//! Words of values: each is spoken where it usually stands and cut out by the voice's own timing.

use hotline_audio::{normalize, resample};
use hotline_model::Language;
use hotline_speech::LEVEL_DBOV;
use hotline_speech::kokoro::{self, Kokoro, Spoken};
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

/// What stands before and behind words of a kind: the beginning of their keys, or a whole key. Behind
/// other words the voice keeps its pace, and no breath of a beginning is taken for a syllable. A word
/// is cut off before a consonant that stops or hisses, so that nothing of its neighbour is in it; with
/// nothing but a full stop behind it, it falls as at the end. A phrase of an amount has a comma behind
/// it: it is said to its end and stays up, and a short rest follows it when it is spliced.
struct Place {
    kind: &'static str,
    before: &'static str,
    behind: &'static str,
}

const fn place(kind: &'static str, before: &'static str, behind: &'static str) -> Place {
    Place { kind, before, behind }
}

const ZH: &[Place] = &[
    place("d*-mid", "您输入了，", "三三。"),
    place("d*-end", "您输入了，", "。"),
    place("yao-mid", "您输入了，", "三三。"),
    place("yao-end", "您输入了，", "。"),
    place("*-yuan", "为您退费，", "。"),
    place("yuan", "为您退费三百", "。"),
    place("jf*", "为您退费，", "。"),
    place("qh*", "为您退费，", "，三十元。"),
    place("zh*", "为您退费，", "，三十元。"),
    place("kuai", "为您退费三百", "。"),
    place("n*", "您还有，", "次。"),
    place("x*", "您还有，", "次。"),
    place("q*", "为您退费，", "，三十元。"),
    place("liang", "您还有，", "次。"),
    place("hour*", "时间是，", "三分。"),
    place("half", "时间是，", "。"),
    place("h*", "为您退费，", "，三十元。"),
    place("wan", "为您退费三", "三千次。"),
    place("w*", "为您退费，", "，三千元。"),
    place("yi", "为您退费三", "三千次。"),
    place("point", "一共是三十", "三次。"),
    place("minus", "一共是，", "三次。"),
    place("month*", "时间是，", "三日。"),
    place("before-dawn", "时间是，", "三点。"),
    place("early", "时间是，", "三点。"),
    place("morning", "时间是，", "三点。"),
    place("noon", "时间是，", "三点。"),
    place("afternoon", "时间是，", "三点。"),
    place("evening", "时间是，", "三点。"),
    place("day*", "时间是，", "。"),
    place("jiao*", "为您退费，", "。"),
    place("fen*", "为您退费，", "。"),
    place("*", "一共是，", "。"),
];

const EN: &[Place] = &[
    place("d*-mid", "", ", two two."),
    place("month*", "", "tenth."),
    place("n*", "", "times."),
    place("hundred", "", "times."),
    place("*illion", "", "times."),
    place("thousand", "", "times."),
    place("point", "", "two."),
    place("minus", "", "two."),
    place("and", "", "two."),
    place("oh", "", "two."),
    place("*", "", "."),
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

/// Ways of speaking a word: how much faster than usual, and what stands before it instead where a
/// phrase of its own does.
const TAKES: [(f32, Option<&str>); 6] = [
    (1.0, None),
    (1.15, None),
    (1.0, Some("一共是，")),
    (1.25, Some("您的账单是，")),
    (0.88, Some("您还有，")),
    (1.4, Some("您还有，")),
];

/// Speaks a word in its place and cuts it out.
pub fn render(kokoro: &Kokoro, word: &Wanted, take: usize) -> Result<Vec<i16>, Failure> {
    let (places, gap) = match word.language {
        Language::ZhCn => (ZH, ""),
        Language::EnUs => (EN, " "),
    };
    let key = word.name.trim_start_matches("words/");
    let Place { before, behind, .. } =
        places.iter().find(|place| fits(place.kind, key)).ok_or("every word has a place")?;
    let (faster, other) = TAKES[take % TAKES.len()];
    let before = other.filter(|_| before.ends_with('，')).unwrap_or(before);
    let phonemes = |text: &str| kokoro.phonemes(text, word.language);
    let speed = pace(word.language, key) * faster;
    let own = phonemes(&word.text);
    let last = behind.chars().count() == 1;
    let comma = behind.strip_prefix("，").or_else(|| behind.strip_prefix(", "));
    let rest = match comma {
        _ if last => ".".to_owned(),
        Some(behind) => format!(", {}", phonemes(behind)),
        None => format!("{gap}{}", phonemes(behind)),
    };
    // The phonemiser drops punctuation that nothing stands before or behind.
    let (words_before, pauses) = match before.strip_suffix('，') {
        Some(words) => (phonemes(words), PAUSES),
        None => (phonemes(before), [""; 2]),
    };
    let head = words_before.chars().count();
    let speak = |pause: &str| {
        let line = format!("{words_before}{pause}{own}{rest}");
        kokoro.speak_phonemes(&line, word.language, speed).map(|spoken| (spoken, head + pause.len()))
    };
    let (mut spoken, mut first) = speak(pauses[0])?;
    let begin = match first {
        0 => 0,
        _ if first == head => quietest(&spoken.samples, spoken.starts[first]),
        _ => match rest_between(&spoken, head, first) {
            (begin, true) => begin,
            (_, false) => {
                (spoken, first) = speak(pauses[1])?;
                rest_between(&spoken, head, first).0
            }
        },
    };
    let at = |character: usize| spoken.starts.get(character).copied().unwrap_or(spoken.samples.len());
    let behind_own = first + own.chars().count();
    let end = at(behind_own);
    let end = match last || comma.is_some() {
        // An English pause is short, and the burst of what follows lies in it: it ends where it is quietest.
        true if comma.is_some() && word.language == Language::EnUs => {
            kokoro::quietest(&spoken.samples, end, at(behind_own + 2).min(end + RELEASE))
        }
        // The last sound dies away in the silence behind it.
        true => end + RELEASE,
        // In front of the consonant that stops or hisses: its burst would be heard as another word.
        false => quiet_end(&spoken.samples, end),
    };
    let cut_out = &spoken.samples[begin..end.clamp(begin, spoken.samples.len())];
    finished(cut_out)
}

/// At the usual level, without silence, with soft ends.
pub fn finished(cut_out: &[f32]) -> Result<Vec<i16>, Failure> {
    let samples: Vec<i16> = cut_out.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    let samples = normalize(&resample(&samples, kokoro::RATE_HZ, RATE_HZ)?, RATE_HZ, LEVEL_DBOV);
    // Without the silence a short word is louder than with it.
    let mut samples = normalize(cut::trimmed(&samples), RATE_HZ, LEVEL_DBOV);
    for (n, sample) in samples.iter_mut().rev().take(FADE).enumerate() {
        *sample = (i32::from(*sample) * n as i32 / FADE as i32) as i16;
    }
    for (n, sample) in samples.iter_mut().take(FADE / 4).enumerate() {
        *sample = (i32::from(*sample) * n as i32 * 4 / FADE as i32) as i16;
    }
    Ok(samples)
}

/// Numbers are read a little slower in Chinese: the voice rushes them.
fn pace(language: Language, key: &str) -> f32 {
    match language {
        Language::ZhCn if key.starts_with("yao") || key.starts_with('d') && !key.starts_with("da") => 0.7,
        Language::ZhCn if short(key) => 0.7,
        Language::ZhCn => 0.85,
        Language::EnUs => 1.0,
    }
}

/// 七角, 六万: too short to be told at the pace of longer ones. 七元 is not: slower, it becomes 稀元.
fn short(key: &str) -> bool {
    let multiple = ["w", "jiao", "fen"].into_iter().find_map(|kind| key.strip_prefix(kind));
    multiple.is_some_and(|rest| rest.len() == 1)
}

/// Where a word begins that nothing stands before: the quietest 10 ms near the time that the model tells, which is
/// exact to its 25 ms only.
fn quietest(samples: &[f32], near: usize) -> usize {
    kokoro::quietest(samples, near.saturating_sub(600), near + 300)
}

/// Where a word begins behind a pause, both told by their first characters: the quietest 10 ms of the pause, and
/// whether the voice rests there. The rest can end a fifth of a second before the time that the model tells for
/// the word, since the hiss of 十 counts as a part of the pause. Before the l of 零 there may be none at all: the
/// vowel in front of it would then be heard as a syllable of the word, 百零 as 百四零.
pub fn rest_between(spoken: &Spoken, pause: usize, word: usize) -> (usize, bool) {
    let start = |character: usize| spoken.starts.get(character).copied().unwrap_or(spoken.samples.len());
    let begin = kokoro::quietest(&spoken.samples, start(pause).saturating_sub(FRAME), start(word));
    let energy = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32;
    let around = &spoken.samples[begin.saturating_sub(120)..(begin + 120).min(spoken.samples.len())];
    (begin, energy(around) < REST * energy(&spoken.samples))
}

/// What stands before a word that the voice shall rest before, and what makes it rest where this does not.
pub const PAUSES: [&str; 2] = [", ", ", , "];
/// The energy of a rest, as a part of that of all that is spoken in one go: 20 dB less.
const REST: f32 = 0.01;
/// Samples of the 25 ms that the model's times are exact to, at 24 kHz.
const FRAME: usize = 600;

/// Where a word ends that another one follows without a pause.
fn quiet_end(samples: &[f32], near: usize) -> usize {
    kokoro::quietest(samples, near.saturating_sub(1_400), near + 240)
}

/// Samples of 50 ms at 24 kHz.
const RELEASE: usize = 1_200;
/// Samples of 12 ms at 16 kHz.
const FADE: usize = 192;
