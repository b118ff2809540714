//! A clause from memory, the cache, the provider or the voice here.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use hotline_audio::{Clip, RATE_HZ, to_telephone};
use tokio::task::JoinSet;

use super::Speech;
use super::tally::add_length;
use crate::SpeechError;
use crate::cache::{CacheKey, CachedAudio};
use crate::provider::{Fault, Provider, ProviderConfig, Rest};
use crate::queue::{Answer, Clause, Queue, Urgency, start_workers};
use crate::script::{Part, text_key};

/// The provider, its own queue of requests, and whether it rests.
pub(super) struct Remote {
    config: ProviderConfig,
    pub(super) queue: Arc<Queue>,
    rest: Arc<Mutex<Rest>>,
}

/// The speech of a clause, and the key of who spoke it.
pub(super) struct Spoken {
    pub(super) key: String,
    pub(super) clip: Clip,
}

async fn ask(queue: &Queue, clause: &Clause, urgency: Urgency) -> Answer {
    let gone = || SpeechError::Runtime("its workers have ended".into());
    queue.ask(clause, urgency)?.await.unwrap_or_else(|_| Err(gone()))
}

impl Speech {
    /// The speech of all clauses among the parts, by key.
    pub(super) async fn obtain(
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

/// Starts the threads that wait for the provider's answers.
pub(super) fn start_provider(config: ProviderConfig) -> Result<Remote, SpeechError> {
    config.check().map_err(SpeechError::Provider)?;
    let (queue, rest) = (Arc::new(Queue::default()), Arc::new(Mutex::new(Rest::default())));
    // They wait for somebody else's machine.
    let nothing: fn() = || {};
    start_workers(&queue, "provider", config.at_once, nothing, || {
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
