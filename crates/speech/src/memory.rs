//! Rendered clauses in memory: what was used longest ago goes first.

use std::collections::{BTreeMap, HashMap};

use hotline_audio::Clip;

/// Clips by key, bounded by their size.
pub(crate) struct Memory {
    clips: HashMap<String, (Clip, u64)>,
    by_use: BTreeMap<u64, String>,
    uses: u64,
    samples: usize,
    limit: usize,
}

impl Memory {
    /// Holds at most `limit` samples.
    pub(crate) fn new(limit: usize) -> Self {
        Self { clips: HashMap::new(), by_use: BTreeMap::new(), uses: 0, samples: 0, limit }
    }

    /// A clip, which is then the last used.
    pub(crate) fn find(&mut self, key: &str) -> Option<Clip> {
        let (clip, used) = self.clips.get_mut(key)?;
        self.by_use.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, key.to_owned());
        Some(clip.clone())
    }

    /// Lets go of a clip.
    pub(crate) fn forget(&mut self, key: &str) {
        if let Some((clip, used)) = self.clips.remove(key) {
            self.by_use.remove(&used);
            self.samples -= clip.len();
        }
    }

    /// Keeps a clip, and lets go of those used longest ago.
    pub(crate) fn keep(&mut self, key: &str, clip: Clip) {
        self.forget(key);
        self.uses += 1;
        self.samples += clip.len();
        self.clips.insert(key.to_owned(), (clip, self.uses));
        self.by_use.insert(self.uses, key.to_owned());
        while self.samples > self.limit
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            if let Some((clip, _)) = self.clips.remove(&oldest) {
                self.samples -= clip.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let clip = || Clip::from_samples(vec![0i16; 100]);
        let mut memory = Memory::new(250);
        memory.keep("a", clip());
        memory.keep("b", clip());
        assert!(memory.find("a").is_some());
        memory.keep("c", clip());
        assert!(memory.find("b").is_none());
        assert!(memory.find("a").is_some() && memory.find("c").is_some());
        memory.keep("a", clip());
        assert_eq!(memory.samples, 200);
        memory.forget("a");
        assert_eq!((memory.samples, memory.find("a").is_none()), (100, true));
    }
}
