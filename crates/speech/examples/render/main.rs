//! tools/render-prompts [--all] [--only NAME] — speaks every prompt of the plans and every word of
//! the values into `prompts/`, what changed only; `--all` speaks everything anew.

mod cut;
mod groups;
mod hear;
mod list;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use hotline_audio::{normalize, resample, write_wav};
use hotline_model::Language;
use hotline_speech::Lexicon;
use hotline_speech::kokoro::{self, Kokoro, Voices};
use hotline_speech::{LEVEL_DBOV, text_hash};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Samples a second of what is written.
pub const RATE_HZ: u32 = 16_000;

/// Samples a second of words of values.
const RATE_8K: u32 = 8_000;

/// A recording to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    language: Language,
    /// Below `prompts/<language>/`, without `.wav`.
    name: String,
    text: String,
}

struct Options {
    root: PathBuf,
    all: bool,
    only: Option<String>,
    /// Which way of speaking words is tried, instead of the one that `takes.json` names.
    take: Option<usize>,
    /// Speaks these only, whatever was said before: a file of names, one a line.
    names: Option<PathBuf>,
    /// Where the recordings go, instead of `prompts/`.
    into: Option<PathBuf>,
    /// The recordings that values are spliced from when the recogniser hears, instead of `prompts/`.
    prompts: Option<PathBuf>,
    /// Writes what the recogniser shall hear instead: where to, and where its list stands.
    hear: Option<PathBuf>,
    /// Who speaks Chinese and English when the recogniser hears, instead of the usual voices.
    voices: Voices,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    if let Some(folder) = &options.hear {
        let prompts = options.prompts.clone().unwrap_or_else(|| options.root.join("prompts"));
        return hear::write_all(&options.root, &prompts, &options.voices, folder);
    }
    let prompts = options.into.clone().unwrap_or_else(|| options.root.join("prompts"));
    let mut texts = BTreeMap::new();
    let mut wanted = list::prompts(&options.root)?;
    wanted.extend(words::wanted());
    wanted.retain(|w| options.only.as_ref().is_none_or(|only| w.name.starts_with(only.as_str())));
    if let Some(names) = &options.names {
        let names = std::fs::read_to_string(names)?;
        let names: std::collections::HashSet<&str> = names.lines().collect();
        wanted.retain(|w| names.contains(format!("{}/{}", w.language, w.name).as_str()));
    }
    let takes = takes(&options)?;
    for language in Language::ALL {
        texts.insert(language, read_texts(&prompts, language)?);
    }
    if options.only.is_none() && options.names.is_none() {
        let names: Vec<_> = wanted.iter().map(|w| (w.language, &w.name)).collect();
        for (language, known) in &texts {
            for name in known.keys().filter(|name| !names.contains(&(*language, *name))) {
                println!("{language}/{name}: no plan says this any more; delete it");
            }
        }
    }
    let before = wanted.len();
    if !options.all && options.names.is_none() {
        wanted.retain(|w| {
            let known = texts[&w.language].get(&w.name).is_some_and(|hash| *hash == text_hash(&w.text));
            !known || !path(&prompts, w).is_file()
        });
    }
    println!("{before} recordings, {} to be made", wanted.len());
    let count = wanted.len();
    let tasks = tasks(wanted, |w| {
        options
            .take
            .or_else(|| takes.get(&format!("{}/{}", w.language, w.name)).copied())
            .unwrap_or_else(|| groups::usual_take(w))
    });
    let kokoro = Kokoro::open(&options.root.join(".cache/speech"), Voices::default(), &Lexicon::default())?;
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let texts = Mutex::new(texts);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| -> Result<(), Failure> {
                    while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        for (made, samples) in task.render(&kokoro)? {
                            save(&prompts, made, &samples, &texts)?;
                            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                            println!("{done}/{count} {}/{}", made.language, made.name);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        handles.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result,
            Err(_) => Err("a worker broke off".into()),
        })
    })?;
    Ok(())
}

/// What is spoken in one go.
enum Task {
    /// A recording and its take.
    One(Wanted, usize),
    /// Groups of digits, the take, and those of them that are wanted.
    Groups(Vec<String>, usize, Vec<Wanted>),
}

impl Task {
    fn render(&self, kokoro: &Kokoro) -> Result<Vec<(&Wanted, Vec<i16>)>, Failure> {
        match self {
            Task::One(wanted, take) => Ok(vec![(wanted, render(kokoro, wanted, *take)?)]),
            Task::Groups(all, take, wanted) => {
                let made = groups::render(kokoro, all, *take)?;
                let of = |w: &Wanted| all.iter().position(|g| groups::digits(w) == Some(g.as_str()));
                Ok(wanted.iter().filter_map(|w| Some((w, made.get(of(w)?)?.clone()))).collect())
            }
        }
    }
}

fn tasks(wanted: Vec<Wanted>, take: impl Fn(&Wanted) -> usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut together: BTreeMap<(Vec<String>, usize), Vec<Wanted>> = BTreeMap::new();
    for wanted in wanted {
        match groups::digits(&wanted) {
            Some(digits) => {
                let take = take(&wanted);
                together.entry((groups::companions(digits, take), take)).or_default().push(wanted);
            }
            None => {
                let take = take(&wanted);
                tasks.push(Task::One(wanted, take));
            }
        }
    }
    tasks.extend(together.into_iter().map(|((all, take), wanted)| Task::Groups(all, take, wanted)));
    tasks
}

fn options() -> Result<Options, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut options = Options {
        root,
        all: false,
        only: None,
        take: None,
        names: None,
        into: None,
        prompts: None,
        hear: None,
        voices: Voices::default(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--all" => options.all = true,
            "--only" => options.only = Some(arguments.next().ok_or("--only needs the beginning of a name")?),
            "--hear" => options.hear = Some(arguments.next().ok_or("--hear needs a folder")?.into()),
            "--take" => options.take = Some(arguments.next().ok_or("--take needs a number")?.parse()?),
            "--names" => options.names = Some(arguments.next().ok_or("--names needs a file")?.into()),
            "--prompts" => options.prompts = Some(arguments.next().ok_or("--prompts needs a folder")?.into()),
            "--into" => options.into = Some(arguments.next().ok_or("--into needs a folder")?.into()),
            "--voice" => {
                let voice = arguments.next().ok_or("--voice needs a name of .cache/speech/voices")?;
                // The second letter tells who: zf_xiaoxiao and zm_yunxi speak Mandarin.
                if voice.starts_with('z') {
                    options.voices.zh_cn = voice
                } else {
                    options.voices.en_us = voice
                }
            }
            "--root" => options.root = arguments.next().ok_or("--root needs a folder")?.into(),
            other => {
                return Err(format!(
                    "`{other}` is not known; --all, --only NAME, --root DIR, --hear DIR are"
                )
                .into());
            }
        }
    }
    Ok(options)
}

/// Which take of a word the recogniser told best, by language and name: `takes.json`, beside the tool.
fn takes(options: &Options) -> Result<BTreeMap<String, usize>, Failure> {
    let path = options.root.join("crates/speech/examples/render/takes.json");
    Ok(if path.is_file() { serde_json::from_slice(&std::fs::read(path)?)? } else { BTreeMap::new() })
}

fn render(kokoro: &Kokoro, wanted: &Wanted, take: usize) -> Result<Vec<i16>, Failure> {
    match wanted.name.starts_with("words/") {
        true => words::render(kokoro, wanted, take),
        false => prompt(kokoro, wanted),
    }
}

/// Speaks a prompt sentence by sentence, each in the voice of its language.
fn prompt(kokoro: &Kokoro, wanted: &Wanted) -> Result<Vec<i16>, Failure> {
    let part = wanted.name.rsplit('.').next().is_some_and(|n| n.parse::<u16>().is_ok());
    let mut samples: Vec<i16> = Vec::new();
    for (run, language) in hotline_wording::runs(&wanted.text, wanted.language) {
        for sentence in sentences(&hotline_wording::spoken(&run, language)) {
            if !samples.is_empty() {
                samples.resize(samples.len() + milliseconds(400), 0);
            }
            samples.extend(cut::trimmed(&speak(kokoro, &sentence, language)?));
        }
    }
    // A whole prompt rests at its end; a part joins what follows.
    let rest = if part { 0 } else { 250 };
    samples.resize(samples.len().max(milliseconds(100)) + milliseconds(rest), 0);
    Ok(samples)
}

/// Sentences of spoken text; one that ends openly gets a comma, so that the voice stays up.
fn sentences(spoken: &str) -> Vec<String> {
    spoken
        .split_inclusive(['。', '！', '？', '.', '!', '?'])
        .map(str::trim)
        .filter(|sentence| sentence.chars().any(char::is_alphanumeric))
        .map(|sentence| {
            let open = sentence.ends_with(char::is_alphanumeric);
            if open { format!("{sentence},") } else { sentence.to_owned() }
        })
        .collect()
}

/// Words at the usual level, 16 kHz.
pub fn speak(kokoro: &Kokoro, text: &str, language: Language) -> Result<Vec<i16>, Failure> {
    let spoken = kokoro.speak(text, language, 1.0)?;
    let samples: Vec<i16> = spoken.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    Ok(normalize(&resample(&samples, kokoro::RATE_HZ, RATE_HZ)?, RATE_HZ, LEVEL_DBOV))
}

/// Samples in so many milliseconds.
pub fn milliseconds(ms: usize) -> usize {
    RATE_HZ as usize / 1000 * ms
}

fn path(prompts: &Path, wanted: &Wanted) -> PathBuf {
    prompts.join(wanted.language.tag()).join(format!("{}.wav", wanted.name))
}

type Texts = BTreeMap<Language, BTreeMap<String, String>>;

fn read_texts(prompts: &Path, language: Language) -> Result<BTreeMap<String, String>, Failure> {
    match std::fs::read(prompts.join(language.tag()).join("texts.json")) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

/// Writes a recording and then its line in `texts.json`, so that a run that is broken off goes on
/// where it was.
fn save(prompts: &Path, made: &Wanted, samples: &[i16], texts: &Mutex<Texts>) -> Result<(), Failure> {
    let file = path(prompts, made);
    std::fs::create_dir_all(file.parent().ok_or("a recording stands in a folder")?)?;
    if made.name.starts_with("words/") {
        // Texts of the same voice take codes and amounts from them.
        let voice = prompts.join(made.language.tag()).join("words/voice.txt");
        std::fs::write(voice, format!("{}\n", Voices::default().of(made.language)))?;
        // There are 2,000 of these: at the rate of the telephone they take half of the room.
        let samples = normalize(&resample(samples, RATE_HZ, RATE_8K)?, RATE_8K, LEVEL_DBOV);
        write_wav(std::fs::File::create(file)?, RATE_8K, &samples)?;
    } else {
        write_wav(std::fs::File::create(file)?, RATE_HZ, samples)?;
    }
    let mut texts = texts.lock().map_err(|_| "a worker broke off")?;
    let of_language = texts.entry(made.language).or_default();
    of_language.insert(made.name.clone(), text_hash(&made.text));
    let json = serde_json::to_string_pretty(of_language)?;
    std::fs::write(prompts.join(made.language.tag()).join("texts.json"), json + "\n")?;
    Ok(())
}
