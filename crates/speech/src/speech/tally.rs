//! What speech has done, counted.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hotline_audio::Clip;

/// What is counted, by whoever does it.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) rendered: AtomicU64,
    pub(super) provided: AtomicU64,
    pub(super) provider_failed: AtomicU64,
    pub(super) provider_characters: AtomicU64,
    pub(super) provided_ms: AtomicU64,
    pub(super) memory_hits: AtomicU64,
    pub(super) cache_hits: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) rendered_ms: AtomicU64,
    pub(super) memory_ms: AtomicU64,
    pub(super) cache_ms: AtomicU64,
}

pub(super) fn add_length(tally: &AtomicU64, clip: &Clip) {
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

impl Tally {
    /// What was done, and how many clauses wait.
    pub(super) fn counts(&self, queued: usize) -> Counts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            rendered: of(&self.rendered),
            provided: of(&self.provided),
            provider_failed: of(&self.provider_failed),
            provider_characters: of(&self.provider_characters),
            provided_audio: Duration::from_millis(of(&self.provided_ms)),
            memory_hits: of(&self.memory_hits),
            cache_hits: of(&self.cache_hits),
            failed: of(&self.failed),
            rendered_audio: Duration::from_millis(of(&self.rendered_ms)),
            memory_audio: Duration::from_millis(of(&self.memory_ms)),
            cache_audio: Duration::from_millis(of(&self.cache_ms)),
            queued,
        }
    }
}
