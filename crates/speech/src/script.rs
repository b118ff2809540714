//! An utterance as what is played for it: recordings, pauses, and clauses that a voice speaks.

use std::time::Duration;

use hotline_audio::{Clip, Piece, add_line_noise, splice};
use hotline_model::{Language, Segment, Slot, Utterance, Value};
use hotline_wording::{Said, Token, Word, clauses, pause_after, runs, said};
use sha2::{Digest, Sha256};

use crate::kokoro::Voices;
use crate::lexicon::Lexicon;
use crate::library::Library;
use crate::provider::MOST_CHARACTERS;
use crate::queue::Clause;
use crate::{Pace, ProviderConfig, SpeechError};

/// One piece of what is played.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Recorded.
    Recorded(Clip),
    /// Recorded digits of a Chinese code, which are told on a line that is not quite silent.
    Group(Clip),
    /// Nothing for a while.
    Pause(Duration),
    /// Spoken by the voice of its language.
    Spoken(Clause),
}

/// Between a fixed segment and a value that follows it without punctuation.
const JOINT: Duration = Duration::from_millis(60);
/// Before a code, a telephone number or an amount: whoever listens gets ready to keep it in mind.
const BEFORE_VALUE: Duration = Duration::from_millis(200);
/// Between a value inside a text and the words behind it.
const BEHIND_VALUE: Duration = Duration::from_millis(120);
/// Between digits of a group.
const BETWEEN_DIGITS: Duration = Duration::from_millis(50);
/// Between the phrases of a Chinese amount; with less, the same word at the end of one and the
/// beginning of the next is taken for one.
const BETWEEN_PHRASES: Duration = Duration::from_millis(150);
/// Between the words of a number.
const BETWEEN_WORDS: Duration = Duration::from_millis(15);
/// After what is said in one go, so that the next prompt does not fall into it.
const REST: Duration = Duration::from_millis(250);
/// Counted up when rendering changes, so that what was rendered before is not found any more.
const RECIPE: &str = "6";

/// Who speaks, and how names are read: what one clause sounds like.
#[derive(Debug, Default)]
pub(crate) struct Speaker {
    pub(crate) voices: Voices,
    pub(crate) lexicon: Lexicon,
    /// Who speaks before the voice here.
    pub(crate) provider: Option<ProviderConfig>,
}

/// What is played for an utterance.
pub(crate) fn lay_out(library: &Library, speaker: &Speaker, utterance: &Utterance, pace: Pace) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut segments = utterance.segments.iter().peekable();
    while let Some(segment) = segments.next() {
        match segment {
            Segment::Words { part, text } => {
                let value_follows = matches!(segments.peek(), Some(Segment::Value { .. }));
                parts.extend(words(library, speaker, utterance, *part, text, value_follows, pace));
            }
            Segment::Value { slot, value } => {
                if matches!(slot, Slot::Digits | Slot::Phone | Slot::Money { .. }) {
                    parts.push(Part::Pause(BEFORE_VALUE));
                }
                match value_parts(library, speaker, slot, value, utterance.language, pace) {
                    Ok(of_value) => parts.extend(of_value),
                    Err(error) => {
                        tracing::warn!(prompt = utterance.prompt, %error, "a value is left out of a prompt");
                    }
                }
                parts.push(Part::Pause(JOINT));
            }
        }
    }
    parts
}

fn words(
    library: &Library,
    speaker: &Speaker,
    utterance: &Utterance,
    part: Option<u16>,
    text: &str,
    value_follows: bool,
    pace: Pace,
) -> Vec<Part> {
    let mut parts = Vec::new();
    let name = match part {
        Some(number) => format!("{}.{number}", utterance.prompt),
        None => utterance.prompt.clone(),
    };
    let text = text.trim();
    if let Some(first) = text.chars().next().filter(|c| !c.is_alphanumeric()) {
        parts.push(Part::Pause(pause_after(first.encode_utf8(&mut [0; 4]))));
    }
    if !text.chars().any(char::is_alphanumeric) {
        return parts;
    }
    let ends_open = text.chars().next_back().is_some_and(char::is_alphanumeric);
    match library.find_words(utterance.language, &name, text, pace) {
        Some(clip) => parts.push(Part::Recorded(clip)),
        // Before a value the voice stays up, as at a comma; without it the Chinese one swallows 退费.
        None if value_follows && ends_open && utterance.language == Language::ZhCn => {
            let open = format!("{text}，");
            parts.extend(spoken_parts(library, speaker, &open, utterance.language, pace));
            parts.pop();
        }
        None => parts.extend(spoken_parts(library, speaker, text, utterance.language, pace)),
    }
    parts.push(Part::Pause(if ends_open { JOINT } else { pause_after(text) }));
    parts
}

fn value_parts(
    library: &Library,
    speaker: &Speaker,
    slot: &Slot,
    value: &Value,
    language: Language,
    pace: Pace,
) -> Result<Vec<Part>, hotline_wording::WordingError> {
    let tokens = hotline_wording::slot(slot, value, language)?;
    let gap = match slot {
        Slot::Digits | Slot::Phone => BETWEEN_DIGITS,
        Slot::Money { .. } if language == Language::ZhCn => BETWEEN_PHRASES,
        _ => BETWEEN_WORDS,
    };
    Ok(recorded(library, &tokens, language, gap, pace).unwrap_or_else(|| {
        phrases(&tokens, language)
            .into_iter()
            .flat_map(|(text, language)| spoken_parts(library, speaker, &text, language, pace))
            .collect()
    }))
}

/// A value of recorded words, a `gap` behind each; `None` if one of them has no recording.
fn recorded(
    library: &Library,
    tokens: &[Token],
    language: Language,
    gap: Duration,
    pace: Pace,
) -> Option<Vec<Part>> {
    let find = |word: &Word| {
        let clip = library.find_word(language, word, pace)?;
        Some(if word.is_group() { Part::Group(clip) } else { Part::Recorded(clip) })
    };
    let parts: Option<Vec<Vec<Part>>> = tokens
        .iter()
        .map(|token| match token {
            // A group of digits that nobody recorded is spoken digit by digit.
            Token::Word(word) => find(word).map(|part| vec![part]).or_else(|| {
                let digits = word.smaller();
                if digits.is_empty() { None } else { digits.iter().map(find).collect() }
            }),
            Token::Pause(pause) => Some(vec![Part::Pause(*pause)]),
            Token::Text { .. } => None,
        })
        .collect();
    Some(parts?.into_iter().flatten().flat_map(|part| [part, Part::Pause(gap)]).collect())
}

/// Tokens as words of one language after the other: pauses become commas.
fn phrases(tokens: &[Token], language: Language) -> Vec<(String, Language)> {
    let mut phrases: Vec<(String, Language)> = Vec::new();
    let mut phrase = String::new();
    for token in tokens {
        match token {
            Token::Word(word) => {
                if language == Language::EnUs && !phrase.is_empty() {
                    phrase.push(' ');
                }
                phrase.push_str(&word.text);
            }
            Token::Pause(_) if phrase.is_empty() => {}
            Token::Pause(_) => phrase.push(if language == Language::ZhCn { '，' } else { ',' }),
            Token::Text { text, language: own } => {
                if !phrase.is_empty() {
                    phrases.push((std::mem::take(&mut phrase), language));
                }
                phrases.push((text.clone(), *own));
            }
        }
    }
    if !phrase.is_empty() {
        phrases.push((phrase, language));
    }
    phrases
}

/// A text by clause, each in the voice of its language, with the pauses between them.
pub(crate) fn spoken_parts(
    library: &Library,
    speaker: &Speaker,
    text: &str,
    language: Language,
    pace: Pace,
) -> Vec<Part> {
    let mut parts = Vec::new();
    for (text, language) in runs(text, language) {
        for text in clauses(&text, language) {
            let pause = pause_after(&text);
            match with_recordings(library, speaker, &text, language, pace) {
                Some(of_clause) => parts.extend(of_clause),
                None => parts.push(Part::Spoken(clause(speaker, text, language))),
            }
            parts.push(Part::Pause(pause));
        }
    }
    parts
}

/// A clause whose codes, and the amount at its end, are recorded words: the voice rushes digits, recorded ones
/// were chosen for being understood. `None` if it has none of them, or if somebody else recorded the words than
/// speaks the rest: two voices in one sentence sound broken.
fn with_recordings(
    library: &Library,
    speaker: &Speaker,
    text: &str,
    language: Language,
    pace: Pace,
) -> Option<Vec<Part>> {
    let elsewhere = speaker.provider.as_ref().is_some_and(|of| of.name(language).is_some());
    if elsewhere || !library.is_voice_of_words(language, speaker.voices.of(language)) {
        return None;
    }
    let told_apart = said(text, language);
    if !told_apart.iter().any(|part| matches!(part, Said::Value(_))) {
        return None;
    }
    let mut parts = Vec::new();
    for part in told_apart {
        match part {
            Said::Words(words) => parts.push(Part::Spoken(clause(speaker, words, language))),
            Said::Value(tokens) => {
                parts.push(Part::Pause(BEFORE_VALUE));
                parts.extend(recorded(library, &tokens, language, BETWEEN_DIGITS, pace)?);
                parts.push(Part::Pause(BEHIND_VALUE));
            }
        }
    }
    Some(parts)
}

/// Every clause that a text may have become, whatever was recorded then and is now.
pub(crate) fn every_clause(speaker: &Speaker, text: &str, language: Language) -> Vec<Clause> {
    let mut texts = std::collections::BTreeSet::new();
    for (text, language) in runs(text, language) {
        for text in clauses(&text, language) {
            texts.extend(said(&text, language).into_iter().filter_map(|part| match part {
                Said::Words(words) => Some((words, language)),
                Said::Value(_) => None,
            }));
            texts.insert((text, language));
        }
    }
    texts.into_iter().map(|(text, language)| clause(speaker, text, language)).collect()
}

fn clause(speaker: &Speaker, text: String, language: Language) -> Clause {
    // Most texts use no reading of the firm's: they are the same speech on machines without them.
    let readings = speaker.lexicon.used_by(&text);
    let mut parts = vec![RECIPE, speaker.voices.of(language), &text];
    if !readings.is_empty() {
        parts.push(&readings);
    }
    let own_key = hash(&parts);
    let long = text.chars().count() > MOST_CHARACTERS;
    let provider = speaker.provider.as_ref().filter(|_| !long).and_then(|of| of.name(language));
    let key = provider.map_or_else(|| own_key.clone(), |name| hash(&[RECIPE, &name, &text]));
    Clause { key, own_key, text, language }
}

/// The key of a clause's words, whoever speaks them.
pub(crate) fn text_key(text: &str) -> String {
    hash(&["text", text])
}

/// The SHA-256 of several texts, as 64 hexadecimal digits.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Joins parts into what is played in one go; `find` gives the speech of each clause.
pub(crate) fn assemble(
    parts: &[Part],
    mut find: impl FnMut(&Clause) -> Result<Clip, SpeechError>,
) -> Result<Clip, SpeechError> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut rest = Duration::ZERO;
    for part in parts {
        let clip = match part {
            Part::Recorded(clip) | Part::Group(clip) => clip.clone(),
            Part::Spoken(clause) => find(clause)?,
            // Of several pauses after each other the longest is kept.
            Part::Pause(pause) => {
                rest = rest.max(*pause);
                continue;
            }
        };
        if !pieces.is_empty() && !rest.is_zero() {
            pieces.push(Piece::Pause(rest));
        }
        rest = Duration::ZERO;
        pieces.push(Piece::Clip(clip));
    }
    match pieces.as_slice() {
        // A recorded prompt is shared with all who hear it, encoded once.
        [Piece::Clip(clip)] if matches!(parts, [Part::Recorded(_), ..]) => Ok(clip.clone()),
        _ => {
            pieces.push(Piece::Pause(REST));
            let joined = splice(&pieces);
            if !parts.iter().any(|part| matches!(part, Part::Group(_))) {
                return Ok(joined);
            }
            let mut samples = joined.samples().to_vec();
            add_line_noise(&mut samples);
            Ok(Clip::from_samples(samples))
        }
    }
}

/// What is said, as words.
pub(crate) fn in_words(utterance: &Utterance) -> String {
    let mut said = String::new();
    for segment in &utterance.segments {
        let text = match segment {
            Segment::Words { text, .. } => text.trim().to_owned(),
            Segment::Value { slot, value } => match hotline_wording::slot(slot, value, utterance.language) {
                Ok(tokens) => phrases(&tokens, utterance.language)
                    .into_iter()
                    .map(|(text, language)| hotline_wording::spoken(&text, language))
                    .collect::<Vec<_>>()
                    .join(" "),
                Err(_) => String::new(),
            },
        };
        let open = said.chars().next_back().is_some_and(|c| c.is_ascii() && !c.is_whitespace());
        if open && text.chars().next().is_some_and(|c| c.is_ascii_alphanumeric()) {
            said.push(' ');
        }
        said.push_str(&text);
    }
    said
}
