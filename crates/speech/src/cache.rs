//! Rendered speech, kept where other machines find it too.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

/// A future on the heap, so that [`AudioCache`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Rendered speech as it is kept: mono.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedAudio {
    /// The samples.
    pub samples: Vec<i16>,
    /// Samples a second.
    pub rate_hz: u32,
}

/// What rendered speech is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheKey<'a> {
    /// Of voice, words and the way it was rendered: 64 hexadecimal digits.
    pub key: &'a str,
    /// Of the words alone, whoever speaks them: 64 hexadecimal digits.
    pub text_key: &'a str,
    /// Who speaks.
    pub voice: &'a str,
}

/// Where rendered speech is kept: the record's table of audio, or memory in tests.
///
/// A cache that fails costs a rendering, never a call: `find` answers `None` then and says why in
/// its own log.
pub trait AudioCache: Send + Sync + 'static {
    /// What is kept under a key: 64 hexadecimal digits.
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<CachedAudio>>;

    /// Keeps a clause that `voice` spoke.
    fn store<'a>(&'a self, under: CacheKey<'a>, audio: CachedAudio) -> BoxFuture<'a, Result<(), String>>;

    /// Keeps nothing of these words any more, whoever speaks them: text keys. Tells how many clauses
    /// went.
    fn forget<'a>(&'a self, text_keys: &'a [String]) -> BoxFuture<'a, Result<u64, String>>;
}

/// A cache that lasts as long as the process.
#[derive(Debug, Default)]
pub struct MemoryCache {
    /// By key, with the text key.
    kept: Mutex<HashMap<String, (String, CachedAudio)>>,
}

impl MemoryCache {
    /// Number of clauses kept.
    pub fn len(&self) -> usize {
        self.kept.lock().expect("no holder of this lock panics").len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl AudioCache for MemoryCache {
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<CachedAudio>> {
        let found =
            self.kept.lock().expect("no holder of this lock panics").get(key).map(|(_, audio)| audio.clone());
        Box::pin(async move { found })
    }

    fn store<'a>(&'a self, under: CacheKey<'a>, audio: CachedAudio) -> BoxFuture<'a, Result<(), String>> {
        let entry = (under.text_key.to_owned(), audio);
        self.kept.lock().expect("no holder of this lock panics").insert(under.key.to_owned(), entry);
        Box::pin(async { Ok(()) })
    }

    fn forget<'a>(&'a self, text_keys: &'a [String]) -> BoxFuture<'a, Result<u64, String>> {
        let mut kept = self.kept.lock().expect("no holder of this lock panics");
        let before = kept.len();
        kept.retain(|_, (text_key, _)| !text_keys.contains(text_key));
        let gone = (before - kept.len()) as u64;
        Box::pin(async move { Ok(gone) })
    }
}
