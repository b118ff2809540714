//! Groups of digits of Chinese codes. Spoken one by one, digits lose their tones and their
//! beginnings; as a group behind other words they are understood. Three groups are spoken in one
//! go, with full stops between them, and cut apart in the silence.

use hotline_model::Language;
use hotline_speech::kokoro::{Kokoro, Spoken};

use crate::{Failure, Wanted, words};

/// What the groups are spoken behind.
const BEFORE: &str = "您输入了";
/// Ways of speaking groups: the pace, and what stands between the digits. Each way also puts a group in another place
/// of the three. A comma keeps digits apart that are taken for one otherwise: 幺幺.
const TAKES: [(f32, &str); 6] = [(0.65, " "), (0.7, " "), (0.6, " "), (0.9, ", "), (0.55, " "), (0.75, ", ")];

/// The way of a group that begins with 七 or 九: slower, their beginning becomes a hiss, 西 or 有.
const HISSING: usize = 3;

/// The way of speaking a group as long as no other one was chosen for it.
pub fn usual_take(wanted: &Wanted) -> usize {
    let hisses = |digits: &str| digits.len() == 3 && digits.starts_with(['7', '9']);
    if digits(wanted).is_some_and(hisses) { HISSING } else { 0 }
}

/// The digits of a group's name; `None` for other recordings.
pub fn digits(wanted: &Wanted) -> Option<&str> {
    let digits = wanted.name.strip_prefix("words/g")?;
    (wanted.language == Language::ZhCn && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}

/// The groups that are spoken in one go with this one, in order: far apart, so that they differ.
pub fn companions(digits: &str, take: usize) -> Vec<String> {
    let number: usize = digits.parse().unwrap_or_default();
    let (first, count, stride) = match digits.len() {
        3 if take == HISSING => (number / 100 * 100, 100, 34),
        3 => (0, 1_000, 334),
        _ => (0, 100, 34),
    };
    let mut numbers: Vec<usize> =
        ((number - first) % stride..count).step_by(stride).map(|n| first + n).collect();
    let places = numbers.len();
    numbers.rotate_left(take % places.max(1));
    numbers.into_iter().map(|n| format!("{n:0width$}", width = digits.len())).collect()
}

/// Speaks groups in one go; one recording for each, 16 kHz.
pub fn render(kokoro: &Kokoro, groups: &[String], take: usize) -> Result<Vec<Vec<i16>>, Failure> {
    let phonemes = |text: &str| kokoro.phonemes(text, Language::ZhCn);
    let (pace, between) = TAKES[take % TAKES.len()];
    let digits: Vec<String> = groups
        .iter()
        .map(|group| group.chars().map(|c| phonemes(of_digit(c))).collect::<Vec<_>>().join(between))
        .collect();
    let before = phonemes(BEFORE);
    // What is spoken with these pauses before the first group and the others, and where each begins.
    let speak = |first: &str, other: &str| -> Result<(Spoken, Vec<(usize, bool)>), Failure> {
        let mut line = before.clone();
        let mut places = Vec::new();
        for (n, digits) in digits.iter().enumerate() {
            let pause = line.chars().count();
            line += if n == 0 { first } else { other };
            places.push((pause, line.chars().count()));
            line += digits;
        }
        line.push('.');
        let spoken = kokoro.speak_phonemes(&line, Language::ZhCn, pace)?;
        let begins = places.iter().map(|&(pause, word)| words::rest_between(&spoken, pause, word)).collect();
        Ok((spoken, begins))
    };
    let (mut spoken, mut begins) = speak(words::PAUSES[0], ". ")?;
    if begins.iter().any(|(_, rests)| !rests) {
        (spoken, begins) = speak(words::PAUSES[1], ". . ")?;
    }
    let mut cuts: Vec<usize> = begins.into_iter().map(|(begin, _)| begin).collect();
    cuts.push(spoken.samples.len());
    cuts.windows(2).map(|cut| words::finished(&spoken.samples[cut[0].min(cut[1])..cut[1]])).collect()
}

fn of_digit(digit: char) -> &'static str {
    match digit {
        '0' => "零",
        '1' => "幺",
        '2' => "二",
        '3' => "三",
        '4' => "四",
        '5' => "五",
        '6' => "六",
        '7' => "七",
        '8' => "八",
        _ => "九",
    }
}
