//! Kokoro-82M by ONNX Runtime.
//!
//! The crate `tts-rs` drives the same model, but takes its phonemes from an espeak-ng program
//! that it starts for each text: the only hook is that program's path. Mandarin from there is
//! gibberish, and another phonemiser would have to pose as a program. So the runtime is driven here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use hotline_model::Language;
use ort::session::Session;
use ort::value::Tensor;
use sha2::{Digest, Sha256};

use crate::SpeechError;
use crate::english::English;
use crate::hibari::Hibari;
use crate::lexicon::Lexicon;
use crate::mandarin::Mandarin;

/// Samples a second of what the model speaks.
pub const RATE_HZ: u32 = 24_000;
/// A style is 256 numbers, one row for each count of tokens up to 510.
const STYLE: usize = 256;
const ROWS: usize = 510;

/// Samples of one frame, the unit of a phoneme's length: 25 ms.
const FRAME: usize = 600;
/// The model's inner value that says how many frames each token lasts.
const DURATIONS: &str = "/encoder/Clip_output_0";

/// Speech, and where its phonemes lie.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// Mono, 24 kHz.
    pub samples: Vec<f32>,
    /// The sample each character of the phonemes begins at, and the one where the last ends.
    pub starts: Vec<usize>,
}

/// Bytes that, behind a model, make it give [`DURATIONS`] as a second output. A model is a protocol
/// buffer, and of those the parts of a message may follow each other:
/// `ModelProto.graph(7).output(12) { name(1), type(2).tensor_type(1).elem_type(1) = FLOAT(1) }`.
fn durations_as_output() -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| [&[tag << 3 | 2, content.len() as u8], content].concat();
    let element = [1 << 3, 1];
    let value = [field(1, DURATIONS.as_bytes()), field(2, &field(1, &element))].concat();
    field(7, &field(12, &value))
}

/// Which voice speaks a language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voices {
    /// Mandarin. Default `zf_xiaoxiao`: the recogniser makes fewest errors with it.
    pub zh_cn: String,
    /// English. Default [`HEART`]: a tenth of the cost of Kokoro's `af_heart`, which it learned from.
    pub en_us: String,
}

impl Default for Voices {
    fn default() -> Self {
        Self { zh_cn: "zf_xiaoxiao".into(), en_us: HEART.into() }
    }
}

impl Voices {
    /// The voice of a language.
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::ZhCn => &self.zh_cn,
            Language::EnUs => &self.en_us,
        }
    }
}

/// The voice of a model of its own, `voices/heart.onnx`, and whose voice of Kokoro's it learned from.
pub const HEART: &str = "heart";
const TEACHER: &str = "af_heart";

/// Words to phonemes, in both languages.
struct Words {
    mandarin: Mandarin,
    english: English,
}

impl Words {
    fn load(folder: &Path, firm: &Lexicon) -> Result<Self, SpeechError> {
        let phrases = read(folder, "phrases.tsv")?;
        let dictionary = read(folder, "cmudict.dict")?;
        Ok(Self { mandarin: Mandarin::new(&phrases, firm), english: English::new(&dictionary, firm) })
    }
}

fn read(folder: &Path, name: &str) -> Result<String, SpeechError> {
    std::fs::read_to_string(folder.join(name)).map_err(|_| SpeechError::Missing(folder.join(name)))
}

/// The voice: dictionaries shared by all, and one session for each worker.
pub struct Kokoro {
    folder: PathBuf,
    vocabulary: HashMap<char, i64>,
    words: RwLock<Arc<Words>>,
    voices: Voices,
    /// Who speaks English instead, if its voice has a model of its own.
    own: Option<Hibari>,
    styles: Mutex<HashMap<String, Arc<[f32]>>>,
    /// Sessions that are not in use; a worker takes one or makes one.
    sessions: Mutex<Vec<Session>>,
}

static RUNTIME: OnceLock<Result<(), String>> = OnceLock::new();

impl Kokoro {
    /// Opens the voice in `folder`, as `tools/fetch-speech` filled it; the model is loaded by the
    /// first text.
    ///
    /// # Errors
    /// [`SpeechError::Missing`] names the first file that is not there.
    pub fn open(folder: &Path, mut voices: Voices, firm: &Lexicon) -> Result<Self, SpeechError> {
        for name in ["kokoro.onnx", "libonnxruntime.so"] {
            if !folder.join(name).is_file() {
                return Err(SpeechError::Missing(folder.join(name)));
            }
        }
        let vocabulary = vocabulary(&read(folder, "vocab.json")?)?;
        let words = RwLock::new(Arc::new(Words::load(folder, firm)?));
        let runtime = RUNTIME.get_or_init(|| {
            ort::init_from(folder.join("libonnxruntime.so"))
                .map(|builder| {
                    builder.with_telemetry(false).commit();
                })
                .map_err(|error| error.to_string())
        });
        runtime.clone().map_err(SpeechError::Runtime)?;
        let own = folder.join("voices").join(format!("{HEART}.onnx"));
        let own = (voices.en_us == HEART && own.is_file()).then(|| Hibari::new(&own));
        if own.is_none() && voices.en_us == HEART {
            tracing::warn!(
                "{HEART}.onnx is not there: {TEACHER} speaks English, slower; run tools/fetch-speech"
            );
            voices.en_us = TEACHER.to_owned();
        }
        let kokoro = Self {
            folder: folder.to_owned(),
            vocabulary,
            words,
            voices,
            own,
            styles: Mutex::default(),
            sessions: Mutex::default(),
        };
        for language in Language::ALL {
            kokoro.style(kokoro.style_name(language))?;
        }
        Ok(kokoro)
    }

    /// The voices that speak: their names go into the keys of the cache.
    pub fn voices(&self) -> &Voices {
        &self.voices
    }

    /// Who of Kokoro's own voices speaks a language where phonemes have to be timed.
    fn style_name(&self, language: Language) -> &str {
        match (language, &self.own) {
            (Language::EnUs, Some(_)) => TEACHER,
            _ => self.voices.of(language),
        }
    }

    /// Reads the dictionaries anew, with a firm's own readings as they are now. Takes about a second.
    ///
    /// # Errors
    /// [`SpeechError::Missing`] names a dictionary that is not there; nothing changes then.
    pub fn learn(&self, firm: &Lexicon) -> Result<(), SpeechError> {
        let words = Words::load(&self.folder, firm)?;
        *self.words.write().expect("no holder of this lock panics") = Arc::new(words);
        Ok(())
    }

    /// The phonemes of spoken words.
    pub fn phonemes(&self, text: &str, language: Language) -> String {
        let words = Arc::clone(&self.words.read().expect("no holder of this lock panics"));
        match language {
            Language::ZhCn => words.mandarin.phonemes(text, &words.english),
            Language::EnUs => words.english.phonemes(text),
        }
    }

    /// Speaks words: mono samples at 24 kHz. `speed` is 1.0 for the usual pace. Takes about 0.3
    /// seconds of one core for a second of Mandarin: never called on a thread that serves calls.
    ///
    /// # Errors
    /// [`SpeechError::Runtime`] if the model cannot be loaded or fails; [`SpeechError::Nothing`]
    /// if there is nothing in the words that can be spoken.
    pub fn speak(&self, text: &str, language: Language, speed: f32) -> Result<Vec<f32>, SpeechError> {
        let phonemes = self.phonemes(text, language);
        if let (Language::EnUs, Some(own)) = (language, &self.own) {
            let known: Vec<i64> = phonemes.chars().filter_map(|c| self.vocabulary.get(&c).copied()).collect();
            return if known.is_empty() { Err(SpeechError::Nothing) } else { own.speak(&known, speed) };
        }
        Ok(self.speak_phonemes(&phonemes, language, speed)?.samples)
    }

    /// Speaks phonemes, and tells where each of them lies: by Kokoro itself, in English also where
    /// another model speaks.
    ///
    /// # Errors
    /// As [`Kokoro::speak`].
    pub fn speak_phonemes(
        &self,
        phonemes: &str,
        language: Language,
        speed: f32,
    ) -> Result<Spoken, SpeechError> {
        let ids: Vec<Option<i64>> = phonemes.chars().map(|c| self.vocabulary.get(&c).copied()).collect();
        let known: Vec<i64> = ids.iter().copied().flatten().collect();
        if known.is_empty() {
            return Err(SpeechError::Nothing);
        }
        let style = self.style(self.style_name(language))?;
        let mut spoken = Spoken { samples: Vec::new(), starts: Vec::with_capacity(ids.len() + 1) };
        let mut starts = Vec::with_capacity(known.len());
        // Texts come by clause; one of more than 510 phonemes is spoken in pieces.
        for piece in known.chunks(ROWS - 2) {
            let (samples, frames) = self.run(piece, &style, speed)?;
            // The first and the last frame count belong to the silence around the phonemes.
            let mut at = spoken.samples.len() + frames.first().map_or(0, |f| f * FRAME);
            for count in frames.iter().skip(1).take(piece.len()) {
                starts.push(at);
                at += count * FRAME;
            }
            starts.push(at);
            spoken.samples.extend(samples);
            if starts.len() <= known.len() {
                starts.pop();
            }
        }
        let mut next = 0;
        for id in ids {
            spoken.starts.push(starts.get(next).copied().unwrap_or(spoken.samples.len()));
            next += usize::from(id.is_some());
        }
        spoken.starts.push(starts.last().copied().unwrap_or(spoken.samples.len()));
        Ok(spoken)
    }

    /// Samples, and frames by token.
    fn run(&self, ids: &[i64], style: &[f32], speed: f32) -> Result<(Vec<f32>, Vec<usize>), SpeechError> {
        let runtime = |error: ort::Error| SpeechError::Runtime(error.to_string());
        let idle = self.sessions.lock().expect("no holder of this lock panics").pop();
        let mut session = match idle {
            Some(session) => session,
            None => self.load()?,
        };
        let row = ids.len().min(ROWS - 1) * STYLE;
        let tokens: Vec<i64> =
            std::iter::once(0).chain(ids.iter().copied()).chain(std::iter::once(0)).collect();
        let result = (|| {
            let tokens = Tensor::from_array(([1usize, tokens.len()], tokens))?;
            let style = Tensor::from_array(([1usize, STYLE], style[row..row + STYLE].to_vec()))?;
            let speed = Tensor::from_array(([1usize], vec![speed]))?;
            let outputs =
                session.run(ort::inputs!["tokens" => tokens, "style" => style, "speed" => speed])?;
            let (_, samples) = outputs[0].try_extract_tensor::<f32>()?;
            let (_, frames) = outputs[1].try_extract_tensor::<f32>()?;
            Ok((samples.to_vec(), frames.iter().map(|f| f.max(0.0) as usize).collect()))
        })();
        self.sessions.lock().expect("no holder of this lock panics").push(session);
        result.map_err(runtime)
    }

    fn load(&self) -> Result<Session, SpeechError> {
        let float = self.folder.join(FLOAT);
        let made = float.is_file().then(|| whole(&float, FLOAT_SHA256));
        let mut model = match made {
            Some(Ok(model)) => model,
            other => {
                if other.is_some() {
                    tracing::warn!("{FLOAT} is not the one that is expected: the packaged model speaks");
                }
                whole(&self.folder.join("kokoro.onnx"), MODEL_SHA256)?
            }
        };
        model.extend(durations_as_output());
        session(&model)
    }

    fn style(&self, voice: &str) -> Result<Arc<[f32]>, SpeechError> {
        let mut styles = self.styles.lock().expect("no holder of this lock panics");
        if let Some(style) = styles.get(voice) {
            return Ok(Arc::clone(style));
        }
        let path = self.folder.join("voices").join(format!("{voice}.bin"));
        let bytes = std::fs::read(&path).map_err(|_| SpeechError::Missing(path.clone()))?;
        let style: Arc<[f32]> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        if style.len() != ROWS * STYLE {
            return Err(SpeechError::Damaged(path));
        }
        styles.insert(voice.to_owned(), Arc::clone(&style));
        Ok(style)
    }
}

/// The middle of the quietest 10 ms between two samples of 24 kHz; never behind the last sample.
pub fn quietest(samples: &[f32], from: usize, until: usize) -> usize {
    const FRAME: usize = 240;
    let energy = |at: usize| samples.iter().skip(at).take(FRAME).map(|s| s * s).sum::<f32>();
    let until = until.min(samples.len());
    (from..until.saturating_sub(FRAME).max(from + 1))
        .step_by(60)
        .min_by(|&a, &b| energy(a).total_cmp(&energy(b)))
        .map_or(until, |at| at + FRAME / 2)
        .min(samples.len())
}

/// The SHA-256 of the models, as `tools/fetch-speech` has them.
const MODEL_SHA256: &str = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb";
/// The same voice for processors without dot products of bytes, where the packaged one costs three times as
/// much: `tools/faster-voice` makes it.
const FLOAT: &str = "kokoro-float.onnx";
const FLOAT_SHA256: &str = "8493796b668cd2e9c310316ebde73fa535039e4b03f27be6dcc8af6795f232b1";
pub(crate) const HEART_SHA256: &str = "5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8";

/// A model's file, if it is the one that is expected: another may speak, and say anything.
pub(crate) fn whole(path: &Path, sha256: &str) -> Result<Vec<u8>, SpeechError> {
    let model = std::fs::read(path).map_err(|_| SpeechError::Missing(path.to_owned()))?;
    let found: String = Sha256::digest(&model).iter().map(|byte| format!("{byte:02x}")).collect();
    if found == sha256 { Ok(model) } else { Err(SpeechError::Damaged(path.to_owned())) }
}

/// A session that keeps one core busy.
pub(crate) fn session(model: &[u8]) -> Result<Session, SpeechError> {
    let session =
        || Session::builder()?.with_intra_threads(1)?.with_inter_threads(1)?.commit_from_memory(model);
    session().map_err(|error: ort::Error| SpeechError::Runtime(error.to_string()))
}

fn vocabulary(json: &str) -> Result<HashMap<char, i64>, SpeechError> {
    let damaged = || SpeechError::Damaged(PathBuf::from("vocab.json"));
    let value: serde_json::Value = serde_json::from_str(json).map_err(|_| damaged())?;
    let table = value.get("vocab").and_then(|v| v.as_object()).ok_or_else(damaged)?;
    table
        .iter()
        .map(|(symbol, id)| Some((symbol.chars().next()?, id.as_i64()?)))
        .collect::<Option<_>>()
        .ok_or_else(damaged)
}
