//! The door to everything spoken.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, RATE_HZ, to_telephone};
use hotline_model::{Language, Utterance};
use tokio::task::JoinSet;

use crate::cache::{AudioCache, CacheKey, CachedAudio};
use crate::finish::finished;
use crate::kokoro::{self, Kokoro};
use crate::lexicon::Lexicon;
use crate::library::{Library, RecordingFact};
use crate::memory::Memory;
use crate::provider::{Fault, Provider, ProviderConfig, Rest};
use crate::queue::{Answer, Clause, Queue, Urgency, stand_back, start_workers};
use crate::script::{Part, Speaker, assemble, in_words, lay_out, spoken_parts, text_key};
use crate::{Pace, SpeechConfig, SpeechError, stretch};

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

/// The provider, its own queue of requests, and whether it rests.
struct Remote {
    config: ProviderConfig,
    queue: Arc<Queue>,
    rest: Arc<Mutex<Rest>>,
}

#[derive(Default)]
struct Tally {
    rendered: AtomicU64,
    provided: AtomicU64,
    provider_failed: AtomicU64,
    provider_characters: AtomicU64,
    provided_ms: AtomicU64,
    memory_hits: AtomicU64,
    cache_hits: AtomicU64,
    failed: AtomicU64,
    rendered_ms: AtomicU64,
    memory_ms: AtomicU64,
    cache_ms: AtomicU64,
}

fn add_length(tally: &AtomicU64, clip: &Clip) {
    tally.fetch_add(u64::try_from(clip.duration().as_millis()).unwrap_or(0), Ordering::Relaxed);
}

/// What speech has done since the start, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Clauses that the voice has spoken.
    pub rendered: u64,
    /// Clauses that the provider has spoken.
    pub provided: u64,
    /// Requests that the provider failed at: the voice here has spoken them, if there is one.
    pub provider_failed: u64,
    /// Characters that were sent to the provider.
    pub provider_characters: u64,
    /// How long the speech is that came from the provider.
    pub provided_audio: Duration,
    /// Clauses that were in memory.
    pub memory_hits: u64,
    /// Clauses that the cache had.
    pub cache_hits: u64,
    /// Clauses that could not be spoken.
    pub failed: u64,
    /// How long the speech is that was rendered.
    pub rendered_audio: Duration,
    /// How long the speech is that was asked for and was in memory.
    pub memory_audio: Duration,
    /// How long the speech is that was asked for and the cache had.
    pub cache_audio: Duration,
    /// Clauses that wait or are being spoken now.
    pub queued: usize,
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
            start_workers(&queue, "speech", config.workers, || {
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
        let parts = spoken_parts(&self.speaker(), text, language);
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
        let parts = spoken_parts(&self.speaker(), text, language);
        let clauses: Vec<&Clause> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Spoken(clause) => Some(clause),
                _ => None,
            })
            .collect();
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
        let tally = &self.inner.tally;
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            rendered: of(&tally.rendered),
            provided: of(&tally.provided),
            provider_failed: of(&tally.provider_failed),
            provider_characters: of(&tally.provider_characters),
            provided_audio: Duration::from_millis(of(&tally.provided_ms)),
            memory_hits: of(&tally.memory_hits),
            cache_hits: of(&tally.cache_hits),
            failed: of(&tally.failed),
            rendered_audio: Duration::from_millis(of(&tally.rendered_ms)),
            memory_audio: Duration::from_millis(of(&tally.memory_ms)),
            cache_audio: Duration::from_millis(of(&tally.cache_ms)),
            queued: self.inner.queue.len() + self.inner.remote.as_ref().map_or(0, |of| of.queue.len()),
        }
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

    /// The speech of all clauses among the parts, by key.
    async fn obtain(
        &self,
        parts: impl Iterator<Item = &Part>,
        urgency: Urgency,
    ) -> Result<HashMap<String, Spoken>, SpeechError> {
        let mut spoken = HashMap::new();
        let mut fetching = JoinSet::new();
        let mut asked = std::collections::HashSet::new();
        for part in parts {
            let Part::Spoken(clause) = part else { continue };
            if !asked.insert(clause.key.clone()) {
                continue;
            }
            if let Some(found) = self.remembered(clause) {
                spoken.insert(clause.key.clone(), found);
                continue;
            }
            let (speech, clause) = (self.clone(), clause.clone());
            fetching.spawn(async move {
                let clip = speech.fetch(&clause, urgency).await;
                (clause.key, clip)
            });
        }
        while let Some(fetched) = fetching.join_next().await {
            let (key, clip) = fetched.map_err(|error| SpeechError::Runtime(error.to_string()))?;
            spoken.insert(key, clip?);
        }
        Ok(spoken)
    }

    /// A clause from the cache, from the provider, or from the voice here.
    async fn fetch(&self, clause: &Clause, urgency: Urgency) -> Result<Spoken, SpeechError> {
        if let Some(found) = self.cached(&clause.key).await {
            return Ok(found);
        }
        let remote = self.inner.remote.as_ref().filter(|_| clause.key != clause.own_key);
        if let Some(remote) = remote {
            // Somebody who listens gets what is there; a ticket can wait for the better voice.
            if urgency == Urgency::Live
                && let Some(found) = self.cached(&clause.own_key).await
            {
                return Ok(found);
            }
            if let Some(clip) = self.provided(remote, clause, urgency).await? {
                return Ok(clip);
            }
            if urgency != Urgency::Live
                && let Some(found) = self.cached(&clause.own_key).await
            {
                return Ok(found);
            }
        }
        self.rendered(clause, urgency).await
    }

    async fn cached(&self, key: &str) -> Option<Spoken> {
        let tally = &self.inner.tally;
        let audio = self.inner.cache.find(key).await?;
        match to_telephone(&audio.samples, audio.rate_hz) {
            Ok(samples) => {
                tally.cache_hits.fetch_add(1, Ordering::Relaxed);
                let clip = Clip::from_samples(samples);
                add_length(&tally.cache_ms, &clip);
                self.keep(key, clip.clone());
                Some(Spoken { key: key.to_owned(), clip })
            }
            Err(error) => {
                tracing::warn!(%error, "cached speech cannot be used and is rendered again");
                None
            }
        }
    }

    /// A clause by the provider; `None`: it rests or failed.
    async fn provided(
        &self,
        remote: &Remote,
        clause: &Clause,
        urgency: Urgency,
    ) -> Result<Option<Spoken>, SpeechError> {
        if !remote.rest.lock().expect("no holder of this lock panics").is_over(Instant::now()) {
            return Ok(None);
        }
        let tally = &self.inner.tally;
        match ask(&remote.queue, clause, urgency).await {
            Ok(clip) => {
                let spoken = Spoken { key: clause.key.clone(), clip };
                let voice = remote.config.name(clause.language).unwrap_or_default();
                if self.keep_for_later(clause, &spoken, &voice).await {
                    tally.provided.fetch_add(1, Ordering::Relaxed);
                    add_length(&tally.provided_ms, &spoken.clip);
                    let characters = clause.text.chars().count() as u64;
                    tally.provider_characters.fetch_add(characters, Ordering::Relaxed);
                }
                Ok(Some(spoken))
            }
            Err(error) => {
                tally.provider_failed.fetch_add(1, Ordering::Relaxed);
                if self.inner.config.voice.is_some() { Ok(None) } else { Err(error) }
            }
        }
    }

    /// A clause by the voice here.
    async fn rendered(&self, clause: &Clause, urgency: Urgency) -> Result<Spoken, SpeechError> {
        let tally = &self.inner.tally;
        if self.inner.config.voice.is_none() {
            return Err(SpeechError::NoVoice(clause.text.clone()));
        }
        let own = Clause { key: clause.own_key.clone(), ..clause.clone() };
        let clip = ask(&self.inner.queue, &own, urgency).await.inspect_err(|_| {
            tally.failed.fetch_add(1, Ordering::Relaxed);
        })?;
        let spoken = Spoken { key: own.key.clone(), clip };
        let voices = &self.speaker().voices;
        if self.keep_for_later(clause, &spoken, voices.of(clause.language)).await {
            tally.rendered.fetch_add(1, Ordering::Relaxed);
            add_length(&tally.rendered_ms, &spoken.clip);
        }
        Ok(spoken)
    }

    /// Keeps new speech in memory and in the cache. Of several who waited for it, the first does: it
    /// is told so.
    async fn keep_for_later(&self, clause: &Clause, spoken: &Spoken, voice: &str) -> bool {
        if self.find(&spoken.key).is_some() {
            return false;
        }
        self.keep(&spoken.key, spoken.clip.clone());
        let audio = CachedAudio { samples: spoken.clip.samples().to_vec(), rate_hz: RATE_HZ };
        let text_key = text_key(&clause.text);
        let under = CacheKey { key: &spoken.key, text_key: &text_key, voice };
        if let Err(error) = self.inner.cache.store(under, audio).await {
            tracing::warn!(error, "rendered speech could not be kept for later");
        }
        true
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

/// The speech of a clause, and the key of who spoke it.
struct Spoken {
    key: String,
    clip: Clip,
}

async fn ask(queue: &Queue, clause: &Clause, urgency: Urgency) -> Answer {
    let gone = || SpeechError::Runtime("its workers have ended".into());
    queue.ask(clause, urgency)?.await.unwrap_or_else(|_| Err(gone()))
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

/// Starts the threads that wait for the provider's answers.
fn start_provider(config: ProviderConfig) -> Result<Remote, SpeechError> {
    config.check().map_err(SpeechError::Provider)?;
    let (queue, rest) = (Arc::new(Queue::default()), Arc::new(Mutex::new(Rest::default())));
    start_workers(&queue, "provider", config.at_once, || {
        let provider = Provider::new(config.clone()).map_err(SpeechError::Provider)?;
        let rest = Arc::clone(&rest);
        Ok(move |clause: &Clause| {
            let answer = provider.speak(&clause.text, clause.language);
            let mut rest = rest.lock().expect("no holder of this lock panics");
            match &answer {
                Ok(_) => rest.succeeded(),
                // Another text may do.
                Err(fault @ Fault::Status(400 | 413 | 422)) => {
                    tracing::warn!(%fault, "the provider does not speak a text: the voice here does");
                }
                Err(fault) => {
                    let rests = rest.failed(Instant::now(), fault);
                    tracing::warn!(%fault, ?rests, "the provider failed: the voice here speaks");
                }
            }
            answer.map_err(|fault| SpeechError::Provider(fault.to_string()))
        })
    })?;
    Ok(Remote { config, queue, rest })
}

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
fn render(kokoro: &Kokoro, clause: &Clause) -> Answer {
    let spoken = kokoro.speak(&clause.text, clause.language, pace_of(clause))?;
    let samples: Vec<i16> = spoken.iter().map(|s| (s.clamp(-1.0, 1.0) * 32767.0) as i16).collect();
    finished(&samples, kokoro::RATE_HZ)
        .map_err(|error| SpeechError::Runtime(error.to_string()))?
        .ok_or(SpeechError::Nothing)
}

/// What the slow form of a clause is kept under.
fn slow_key(key: &str) -> String {
    format!("{key}:slow")
}
