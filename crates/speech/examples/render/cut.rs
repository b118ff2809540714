//! Cutting rendered speech at its silences, 16 kHz.

use std::ops::Range;

use hotline_audio::rms_dbov;

use crate::milliseconds;

/// Quieter than this, beside speech of −26 dBov, is silence.
const SILENCE_DBOV: f64 = -50.0;
/// Soft beginnings and ends are kept.
const KEEP_MS: usize = 15;

/// Frames of 5 ms: whether each has sound.
fn sounding(samples: &[i16]) -> Vec<bool> {
    samples.chunks(milliseconds(5)).map(|frame| rms_dbov(frame) > SILENCE_DBOV).collect()
}

/// Without the silence before and after.
pub fn trimmed(samples: &[i16]) -> &[i16] {
    let frames = sounding(samples);
    let Some(first) = frames.iter().position(|s| *s) else { return &[] };
    let last = frames.iter().rposition(|s| *s).unwrap_or(first);
    &samples[widened(first..last + 1, samples.len())]
}

fn widened(frames: Range<usize>, length: usize) -> Range<usize> {
    let start = (frames.start * milliseconds(5)).saturating_sub(milliseconds(KEEP_MS));
    let end = (frames.end * milliseconds(5) + milliseconds(KEEP_MS)).min(length);
    start..end
}

/// Cuts at the `count - 1` longest silences; `None` if they are not clearly silences between words.
pub fn pieces(samples: &[i16], count: usize) -> Option<Vec<&[i16]>> {
    let frames = sounding(samples);
    let first = frames.iter().position(|s| *s)?;
    let last = frames.iter().rposition(|s| *s)?;
    let mut gaps: Vec<Range<usize>> = Vec::new();
    let mut begin = None;
    for (at, sounds) in frames.iter().enumerate().take(last + 1).skip(first) {
        match (*sounds, begin) {
            (false, None) => begin = Some(at),
            (true, Some(from)) => {
                gaps.push(from..at);
                begin = None;
            }
            _ => {}
        }
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.len()));
    gaps.truncate(count.checked_sub(1)?);
    // A pause between words lasts 80 ms and more; the closure before a consonant does not.
    if gaps.len() + 1 < count || gaps.last().is_some_and(|gap| gap.len() * 5 < 80) {
        return None;
    }
    gaps.sort_by_key(|gap| gap.start);
    let starts = std::iter::once(first).chain(gaps.iter().map(|gap| gap.end));
    let ends = gaps.iter().map(|gap| gap.start).chain(std::iter::once(last + 1));
    let pieces: Vec<&[i16]> =
        starts.zip(ends).map(|(start, end)| &samples[widened(start..end, samples.len())]).collect();
    pieces.iter().all(|piece| piece.len() >= milliseconds(90)).then_some(pieces)
}
