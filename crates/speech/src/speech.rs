//! The door to everything spoken.

mod fetch;
mod render;
mod tally;

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use hotline_audio::Clip;
use hotline_model::{Language, Utterance};

pub use tally::Counts;

use crate::cache::AudioCache;
use crate::kokoro::Kokoro;
use crate::lexicon::Lexicon;
use crate::library::{Library, RecordingFact};
use crate::memory::Memory;
use crate::queue::{Clause, Queue, Urgency, stand_back, start_workers};
use crate::script::{Part, Speaker, assemble, every_clause, in_words, lay_out, spoken_parts, text_key};
use crate::{Pace, SpeechConfig, SpeechError, stretch};
use fetch::{Remote, Spoken, start_provider};
use render::render;
use tally::{Tally, add_length};

/// Prompts and texts to audio. Cloning shares.
#[derive(Clone)]
pub struct Speech {
    inner: Arc<Inner>,
}

struct Inner {
    config: SpeechConfig,
    speaker: RwLock<Arc<Speaker>>,
    kokoro: Option<Arc<Kokoro>>,
    library: RwLock<Arc<Library>>,
    memory: Mutex<Memory>,
    cache: Arc<dyn AudioCache>,
    queue: Arc<Queue>,
    remote: Option<Remote>,
    tally: Tally,
}

/// A caller never waits longer for speech; the plan's filler and deadline are shorter.
const LIVE_LIMIT: Duration = Duration::from_secs(30);
/// Rendered clauses kept in memory: 32 million samples are 64 MB, over an hour of speech.
const MEMORY_SAMPLES: usize = 32_000_000;

impl Speech {
    /// Finds the recordings, opens the voice if there is one and starts its workers. Recordings are
    /// decoded behind it, by a thread that waits for all others; one that is wanted before is decoded then.
    ///
    /// # Errors
    /// A recording or a lexicon that cannot be read; a voice that is configured and not there.
    pub fn open(config: SpeechConfig, cache: Arc<dyn AudioCache>) -> Result<Self, SpeechError> {
        let library = Arc::new(Library::find_all(&config.prompts)?);
        decode_behind(&library)?;
        let queue = Arc::new(Queue::default());
        let lexicon = Lexicon::load(config.lexicon.as_deref())?;
        let (mut kokoro, mut voices) = (None, config.voices.clone());
        if let Some(voice) = &config.voice {
            let opened = Arc::new(Kokoro::open(&voice.folder, voices, &lexicon)?);
            voices = opened.voices().clone();
            kokoro = Some(Arc::clone(&opened));
            start_workers(&queue, "speech", config.workers, config.at_start, || {
                let kokoro = Arc::clone(&opened);
                Ok(move |clause: &Clause| render(&kokoro, clause))
            })?;
        }
        let remote = config.provider.clone().map(start_provider).transpose()?;
        let speaker = Speaker { voices, lexicon, provider: config.provider.clone() };
        tracing::info!(recordings = library.len(), voice = config.voice.is_some(), "speech is ready");
        let inner = Inner {
            config,
            speaker: RwLock::new(Arc::new(speaker)),
            kokoro,
            library: RwLock::new(library),
            memory: Mutex::new(Memory::new(MEMORY_SAMPLES)),
            cache,
            queue,
            remote,
            tally: Tally::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// One clip for each utterance, if all of it is recorded or in memory: nothing is awaited,
    /// fetched or rendered.
    pub fn ready(&self, utterances: &[Utterance], pace: Pace) -> Option<Vec<Clip>> {
        let (library, speaker) = (self.library(), self.speaker());
        utterances
            .iter()
            .map(|utterance| {
                let parts = lay_out(&library, &speaker, utterance, pace);
                assemble(&parts, |clause| self.known(clause, pace).ok_or(SpeechError::Late)).ok()
            })
            .collect()
    }

    /// One clip for each utterance: recorded, in memory, in the cache, or rendered now, before
    /// everything that is only prepared.
    ///
    /// # Errors
    /// If something is neither recorded nor cached and cannot be rendered; [`SpeechError::Late`]
    /// after 30 s.
    ///
    /// # Cancel safety
    /// Dropped, it takes its clauses out of the queue unless somebody else waits for them; one
    /// that is being rendered is finished.
    pub async fn clips(&self, utterances: &[Utterance], pace: Pace) -> Result<Vec<Clip>, SpeechError> {
        let (library, speaker) = (self.library(), self.speaker());
        let scripts: Vec<_> = utterances.iter().map(|u| lay_out(&library, &speaker, u, pace)).collect();
        let wanted = scripts.iter().flatten();
        let spoken = tokio::time::timeout(LIVE_LIMIT, self.obtain(wanted, Urgency::Live))
            .await
            .map_err(|_| SpeechError::Late)??;
        scripts.iter().map(|parts| assemble(parts, |clause| self.at_pace(clause, &spoken, pace))).collect()
    }

    /// Brings a ticket's text into the cache, clause by clause, behind everything a caller waits
    /// for. Tells how long it plays.
    ///
    /// # Errors
    /// [`SpeechError::Nothing`] if there is nothing to speak in it; if it cannot be rendered.
    ///
    /// # Cancel safety
    /// As [`Speech::clips`].
    pub async fn prepare(&self, text: &str, language: Language) -> Result<Duration, SpeechError> {
        let parts = spoken_parts(&self.library(), &self.speaker(), text, language, Pace::Usual);
        if parts.is_empty() {
            return Err(SpeechError::Nothing);
        }
        self.prepare_parts(&parts).await
    }

    /// Renders what is not recorded of a prompt, when its plan is published. Tells how long it plays.
    ///
    /// # Errors
    /// If it cannot be rendered.
    ///
    /// # Cancel safety
    /// As [`Speech::clips`].
    pub async fn prepare_utterance(&self, utterance: &Utterance) -> Result<Duration, SpeechError> {
        let parts = lay_out(&self.library(), &self.speaker(), utterance, Pace::Usual);
        self.prepare_parts(&parts).await
    }

    /// Keeps nothing of a text any more, neither here nor in the cache, whoever spoke it. Clauses it
    /// has in common with other texts are rendered anew for those. Tells how many clauses the cache
    /// had of it.
    ///
    /// # Errors
    /// In the cache's words, if it does not answer: the text may still be there then.
    pub async fn forget(&self, text: &str, language: Language) -> Result<u64, String> {
        let clauses = every_clause(&self.speaker(), text, language);
        for clause in &clauses {
            let mut memory = self.inner.memory.lock().expect("no holder of this lock panics");
            for key in [&clause.key, &clause.own_key] {
                memory.forget(key);
                memory.forget(&slow_key(key));
            }
        }
        let text_keys: Vec<String> = clauses.iter().map(|clause| text_key(&clause.text)).collect();
        self.inner.cache.forget(&text_keys).await
    }

    /// Keeps no rendered clause in memory any more; the cache keeps its own.
    pub fn clear_memory(&self) {
        *self.inner.memory.lock().expect("no holder of this lock panics") = Memory::new(MEMORY_SAMPLES);
    }

    async fn prepare_parts(&self, parts: &[Part]) -> Result<Duration, SpeechError> {
        let spoken = self.obtain(parts.iter(), Urgency::Prepare).await?;
        Ok(assemble(parts, |clause| self.at_pace(clause, &spoken, Pace::Usual))?.duration())
    }

    /// How long an utterance plays, if all of it is recorded or in memory.
    pub fn duration(&self, utterance: &Utterance) -> Option<Duration> {
        let clips = self.ready(std::slice::from_ref(utterance), Pace::Usual)?;
        Some(clips.iter().map(Clip::duration).sum())
    }

    /// What is said, as words, for transcripts.
    pub fn words(&self, utterance: &Utterance) -> String {
        in_words(utterance)
    }

    /// What is played while something takes longer than a breath: the recorded prompt `one-moment`.
    pub fn filler(&self, language: Language) -> Option<Clip> {
        self.recorded(language, "one-moment")
    }

    /// A recorded prompt by its name.
    pub fn recorded(&self, language: Language, name: &str) -> Option<Clip> {
        self.library().find(language, name, Pace::Usual)
    }

    /// Music, to be played over and over: `prompts/music/<name>.wav`.
    pub fn music(&self, name: &str) -> Option<Clip> {
        self.library().music(name)
    }

    /// The recorded prompts, for the checker of plans.
    pub fn recordings(&self) -> Vec<RecordingFact> {
        self.library().facts()
    }

    /// Loads the recordings and the firm's own readings anew; if something cannot be read, all stays
    /// as it was. Tells how many recordings there are.
    ///
    /// # Errors
    /// The first recording, or the line of the lexicon, that cannot be read.
    pub async fn reload(&self) -> Result<usize, SpeechError> {
        let speech = self.clone();
        let (library, speaker) = tokio::task::spawn_blocking(move || speech.load_anew())
            .await
            .map_err(|error| SpeechError::Runtime(error.to_string()))??;
        let count = library.len();
        if let Some(speaker) = speaker {
            *self.inner.speaker.write().expect("no holder of this lock panics") = Arc::new(speaker);
        }
        *self.inner.library.write().expect("no holder of this lock panics") = Arc::new(library);
        Ok(count)
    }

    /// The recordings, and the speaker if his readings are others now; the voice has learned them then.
    fn load_anew(&self) -> Result<(Library, Option<Speaker>), SpeechError> {
        let config = &self.inner.config;
        let library = Library::find_all(&config.prompts)?;
        library.decode_all()?;
        let lexicon = Lexicon::load(config.lexicon.as_deref())?;
        if self.speaker().lexicon == lexicon {
            return Ok((library, None));
        }
        if let Some(kokoro) = &self.inner.kokoro {
            kokoro.learn(&lexicon)?;
        }
        tracing::info!(entries = lexicon.len(), "the readings of the lexicon are taken over");
        let speaker = self.speaker();
        let (voices, provider) = (speaker.voices.clone(), speaker.provider.clone());
        Ok((library, Some(Speaker { voices, lexicon, provider })))
    }

    /// What was done and what waits.
    pub fn counts(&self) -> Counts {
        let remote = self.inner.remote.as_ref().map_or(0, |of| of.queue.len());
        self.inner.tally.counts(self.inner.queue.len() + remote)
    }

    fn speaker(&self) -> Arc<Speaker> {
        Arc::clone(&self.inner.speaker.read().expect("no holder of this lock panics"))
    }

    fn library(&self) -> Arc<Library> {
        Arc::clone(&self.inner.library.read().expect("no holder of this lock panics"))
    }

    fn find(&self, key: &str) -> Option<Clip> {
        self.inner.memory.lock().expect("no holder of this lock panics").find(key)
    }

    fn keep(&self, key: &str, clip: Clip) {
        self.inner.memory.lock().expect("no holder of this lock panics").keep(key, clip);
    }

    /// A clause in memory, whoever spoke it.
    fn remembered(&self, clause: &Clause) -> Option<Spoken> {
        let found = [&clause.key, &clause.own_key]
            .into_iter()
            .find_map(|key| Some(Spoken { clip: self.find(key)?, key: key.clone() }))?;
        self.inner.tally.memory_hits.fetch_add(1, Ordering::Relaxed);
        add_length(&self.inner.tally.memory_ms, &found.clip);
        Some(found)
    }

    fn known(&self, clause: &Clause, pace: Pace) -> Option<Clip> {
        self.remembered(clause).map(|spoken| self.paced(&spoken, pace))
    }

    fn at_pace(
        &self,
        clause: &Clause,
        spoken: &HashMap<String, Spoken>,
        pace: Pace,
    ) -> Result<Clip, SpeechError> {
        let spoken = spoken.get(&clause.key).ok_or(SpeechError::Nothing)?;
        Ok(self.paced(spoken, pace))
    }

    /// A slow clause is the usual one stretched: "slower" is then as quick as "again".
    fn paced(&self, spoken: &Spoken, pace: Pace) -> Clip {
        let usual = &spoken.clip;
        if pace == Pace::Usual {
            return usual.clone();
        }
        let key = slow_key(&spoken.key);
        self.find(&key).unwrap_or_else(|| {
            let slow = Clip::from_samples(stretch::stretch(usual.samples(), stretch::SLOW));
            self.keep(&key, slow.clone());
            slow
        })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(remote) = &self.remote {
            remote.queue.close();
        }
    }
}

/// Decodes recordings behind everything else. Whoever wants one before decodes it himself.
fn decode_behind(library: &Arc<Library>) -> Result<(), SpeechError> {
    let library = Arc::downgrade(library);
    let decode = move || {
        stand_back();
        let began = Instant::now();
        // What cannot be read has been told by then.
        if let Some(library) = library.upgrade().filter(|library| library.decode_all().is_ok()) {
            tracing::debug!(recordings = library.len(), took = ?began.elapsed(), "recordings are decoded");
        }
    };
    std::thread::Builder::new()
        .name("recordings".into())
        .spawn(decode)
        .map(drop)
        .map_err(|error| SpeechError::Runtime(error.to_string()))
}

/// What the slow form of a clause is kept under.
fn slow_key(key: &str) -> String {
    format!("{key}:slow")
}
