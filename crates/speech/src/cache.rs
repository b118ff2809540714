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

/// Where rendered speech is kept: the record's table of audio, or memory in tests.
///
/// A cache that fails costs a rendering, never a call: `find` answers `None` then and says why in
/// its own log.
pub trait AudioCache: Send + Sync + 'static {
    /// What is kept under a key: 64 hexadecimal digits.
    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<CachedAudio>>;

    /// Keeps a clause that `voice` spoke.
    fn store<'a>(
        &'a self,
        key: &'a str,
        voice: &'a str,
        audio: CachedAudio,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// A cache that lasts as long as the process.
#[derive(Debug, Default)]
pub struct MemoryCache {
    kept: Mutex<HashMap<String, CachedAudio>>,
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
        let found = self.kept.lock().expect("no holder of this lock panics").get(key).cloned();
        Box::pin(async move { found })
    }

    fn store<'a>(
        &'a self,
        key: &'a str,
        _voice: &'a str,
        audio: CachedAudio,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.kept.lock().expect("no holder of this lock panics").insert(key.to_owned(), audio);
        Box::pin(async { Ok(()) })
    }
}
