//! Immutable shared audio, encoded once per law.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::{Law, duration_of, encode};

/// Mono audio at 8 kHz. Cloning shares; the codes of each law are made on first use and kept.
#[derive(Clone)]
pub struct Clip {
    inner: Arc<Inner>,
}

struct Inner {
    samples: Arc<[i16]>,
    pcmu: OnceLock<Arc<[u8]>>,
    pcma: OnceLock<Arc<[u8]>>,
}

impl Clip {
    /// A clip of linear samples, 8 kHz.
    #[must_use]
    pub fn from_samples(samples: impl Into<Arc<[i16]>>) -> Clip {
        let inner = Inner { samples: samples.into(), pcmu: OnceLock::new(), pcma: OnceLock::new() };
        Clip { inner: Arc::new(inner) }
    }

    /// A clip without any sound.
    #[must_use]
    pub fn silence(duration: Duration) -> Clip {
        Clip::from_samples(crate::silence(duration))
    }

    /// The linear samples, 8 kHz.
    #[must_use]
    pub fn samples(&self) -> &Arc<[i16]> {
        &self.inner.samples
    }

    /// One code a sample. The first call for a law encodes (80 ns a frame), later ones share.
    ///
    /// Call it once where the clip is made, so that a media thread never pays for it.
    #[must_use]
    pub fn encoded(&self, law: Law) -> Arc<[u8]> {
        let slot = match law {
            Law::Pcmu => &self.inner.pcmu,
            Law::Pcma => &self.inner.pcma,
        };
        slot.get_or_init(|| {
            let mut codes = vec![0; self.inner.samples.len()];
            encode(law, &self.inner.samples, &mut codes);
            codes.into()
        })
        .clone()
    }

    /// How long it plays.
    #[must_use]
    pub fn duration(&self) -> Duration {
        duration_of(self.inner.samples.len())
    }

    /// Number of samples, 8 kHz.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.samples.len()
    }

    /// Whether there is nothing to play.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.samples.is_empty()
    }
}

impl fmt::Debug for Clip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clip").field("duration", &self.duration()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_made_once_and_shared_by_clones() {
        let clip = Clip::from_samples(vec![0i16; 320]);
        let again = clip.clone();
        assert!(Arc::ptr_eq(&clip.encoded(Law::Pcmu), &again.encoded(Law::Pcmu)));
        assert_eq!(clip.encoded(Law::Pcma)[0], Law::Pcma.silence());
        assert_eq!(clip.duration(), Duration::from_millis(40));
    }
}
