//! Rendered speech is kept in the record: this joins the two rooms, which do not know each other.

use hotline_record::{Record, StoredAudio};
use hotline_speech::{AudioCache, BoxFuture, CachedAudio};

/// The record as the cache of speech.
pub struct RecordCache(pub Record);

impl AudioCache for RecordCache {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<CachedAudio>> {
        Box::pin(async move {
            // A database that is away is a cache that holds nothing: the text is rendered anew.
            let found = match self.0.find_audio(key).await {
                Ok(found) => found?,
                Err(error) => {
                    tracing::warn!(%error, "the cache of rendered speech cannot be read");
                    return None;
                }
            };
            Some(CachedAudio { samples: found.samples, rate_hz: found.rate_hz })
        })
    }

    fn store<'a>(
        &'a self,
        key: &'a str,
        voice: &'a str,
        audio: CachedAudio,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let stored = StoredAudio { samples: audio.samples, rate_hz: audio.rate_hz };
            self.0.store_audio(key, voice, &stored).await.map_err(|error| error.to_string())
        })
    }
}
