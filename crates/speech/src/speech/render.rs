//! A clause by the voice here, at its pace.

use hotline_model::Language;

use crate::SpeechError;
use crate::finish::finished;
use crate::kokoro::{self, Kokoro};
use crate::queue::{Answer, Clause};

/// How fast a clause is spoken. The voices rush the digits of a code: the same digit twice is taken for
/// one then.
fn pace_of(clause: &Clause) -> f32 {
    match clause.language {
        Language::ZhCn => {
            let digits = clause.text.chars().filter(|c| "零幺二三四五六七八九".contains(*c)).count();
            if digits >= 6 && clause.text.contains('、') { 0.8 } else { 1.0 }
        }
        Language::EnUs => {
            let mut run = 0;
            let code = clause.text.split_whitespace().any(|word| {
                let digit = EN_DIGITS.contains(&word.trim_end_matches([',', '.']));
                run = if digit { run + 1 } else { 0 };
                run >= 3
            });
            if code { 0.85 } else { 1.0 }
        }
    }
}

const EN_DIGITS: [&str; 10] =
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// Speaks a clause, at the usual level, without the silence around it.
pub(super) fn render(kokoro: &Kokoro, clause: &Clause) -> Answer {
    let spoken = kokoro.speak(&clause.text, clause.language, pace_of(clause))?;
    let samples: Vec<i16> = spoken.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    finished(&samples, kokoro::RATE_HZ)
        .map_err(|error| SpeechError::Runtime(error.to_string()))?
        .ok_or(SpeechError::Nothing)
}
