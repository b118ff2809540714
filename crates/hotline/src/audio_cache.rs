//! Rendered speech is kept in the record: this joins the two rooms, which do not know each other.

use std::sync::atomic::{AtomicU64, Ordering};

use hotline_record::{AudioKey, Record, StoredAudio};
use hotline_speech::{AudioCache, BoxFuture, CacheKey, CachedAudio};

/// The record as the cache of speech.
pub struct RecordCache {
    record: Record,
    /// Bytes that are kept at most.
    limit: u64,
    /// Bytes that were stored since it was made sure of.
    since: AtomicU64,
}

impl RecordCache {
    /// Keeps at most `limit` bytes, and a hundredth more for a while.
    pub fn new(record: Record, limit: u64) -> Self {
        // The first clause makes sure: the limit may be lower than it was before the start.
        Self { record, limit, since: AtomicU64::new(limit) }
    }

    async fn keep_within_limit(&self, stored: u64) {
        let since = self.since.fetch_add(stored, Ordering::Relaxed).saturating_add(stored);
        if since < self.limit / 100 {
            return;
        }
        self.since.store(0, Ordering::Relaxed);
        match self.record.prune_audio(self.limit).await {
            Ok(0) => {}
            Ok(clauses) => tracing::info!(clauses, "rendered speech that was used longest ago is let go of"),
            Err(error) => tracing::warn!(%error, "rendered speech takes more room than it may"),
        }
    }
}

impl AudioCache for RecordCache {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<CachedAudio>> {
        Box::pin(async move {
            // A database that is away is a cache that holds nothing: the text is rendered anew.
            let found = match self.record.find_audio(key).await {
                Ok(found) => found?,
                Err(error) => {
                    tracing::warn!(%error, "the cache of rendered speech cannot be read");
                    return None;
                }
            };
            Some(CachedAudio { samples: found.samples, rate_hz: found.rate_hz })
        })
    }

    fn store<'a>(&'a self, under: CacheKey<'a>, audio: CachedAudio) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let CacheKey { key, text_key, voice } = under;
            let stored = StoredAudio { samples: audio.samples, rate_hz: audio.rate_hz };
            let bytes = stored.samples.len() as u64 * 2;
            let under = AudioKey { key, text_key, voice };
            self.record.store_audio(under, &stored).await.map_err(|error| error.to_string())?;
            self.keep_within_limit(bytes).await;
            Ok(())
        })
    }

    fn forget<'a>(&'a self, text_keys: &'a [String]) -> BoxFuture<'a, Result<u64, String>> {
        Box::pin(async move { self.record.forget_audio(text_keys).await.map_err(|error| error.to_string()) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use hotline_model::SystemClock;
    use hotline_record::Settings;

    use super::*;

    async fn cache(file: &Path, limit: u64) -> RecordCache {
        let record = Record::open(&Settings::sqlite(file), Arc::new(SystemClock)).await.unwrap();
        RecordCache::new(record, limit)
    }

    /// Keeps 10,000 samples under a key.
    async fn store(cache: &RecordCache, key: &str, text_key: &str) -> Result<(), String> {
        let audio = CachedAudio { samples: vec![7; 10_000], rate_hz: 8_000 };
        cache.store(CacheKey { key, text_key, voice: "heart" }, audio).await
    }

    #[tokio::test]
    async fn what_is_stored_is_found_within_the_limit_and_forgotten_by_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hotline.db");
        let cache = cache(&file, 10_000_000).await;
        assert_eq!(cache.find("a").await, None);
        store(&cache, "a", "words").await.unwrap();
        store(&cache, "b", "words").await.unwrap();
        store(&cache, "c", "other words").await.unwrap();
        let found = cache.find("a").await.unwrap();
        assert_eq!((found.samples.len(), found.samples[0], found.rate_hz), (10_000, 7, 8_000));
        assert_eq!(cache.forget(&["words".to_owned()]).await, Ok(2));
        assert!(cache.find("a").await.is_none() && cache.find("b").await.is_none());
        assert!(cache.find("c").await.is_some());
        drop(cache);
        // After a start with a lower limit the first clause that is stored makes room.
        let cache = self::cache(&file, 1).await;
        assert!(cache.find("c").await.is_some());
        store(&cache, "d", "d").await.unwrap();
        assert!(cache.find("c").await.is_none() && cache.find("d").await.is_none());
    }
}
