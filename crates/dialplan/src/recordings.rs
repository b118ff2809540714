//! What is known of recorded prompts: facts handed in by whoever can read files.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::Language;
use sha2::{Digest, Sha256};

/// The recordings there are. A name is a file below `prompts/<language>/` without `.wav`:
/// `welcome`, `nine-digits.1`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recordings {
    files: BTreeSet<(Language, String)>,
    /// [`hash`] of the words each was recorded from.
    hashes: BTreeMap<(Language, String), String>,
    music: BTreeSet<String>,
}

impl Recordings {
    /// Adds a recording, with the hash of the words it was made from if that is known
    /// (`prompts/<language>/texts.json`: file name without `.wav` to [`hash`]).
    pub fn add(&mut self, language: Language, name: &str, hash: Option<&str>) {
        let key = (language, name.to_owned());
        if let Some(hash) = hash {
            self.hashes.insert(key.clone(), hash.to_owned());
        }
        self.files.insert(key);
    }

    /// Whether there is one.
    pub fn has(&self, language: Language, name: &str) -> bool {
        self.files.contains(&(language, name.to_owned()))
    }

    /// Adds a file of `prompts/music/`, without `.wav`.
    pub fn add_music(&mut self, name: &str) {
        self.music.insert(name.to_owned());
    }

    pub(crate) fn any_music(&self) -> bool {
        !self.music.is_empty()
    }

    pub(crate) fn has_music(&self, name: &str) -> bool {
        self.music.contains(name)
    }

    pub(crate) fn music(&self) -> impl Iterator<Item = &str> {
        self.music.iter().map(String::as_str)
    }

    /// Whether any prompt of a language is recorded.
    pub fn any(&self, language: Language) -> bool {
        self.files.iter().any(|(of, _)| *of == language)
    }

    /// Whether the words a recording was made from are known to differ from these.
    pub(crate) fn changed(&self, language: Language, name: &str, words: &str) -> bool {
        self.hashes.get(&(language, name.to_owned())).is_some_and(|known| *known != hash(words))
    }
}

/// The hash of recorded words: the first 16 hexadecimal digits of the SHA-256 of the text, without
/// white space at its ends.
pub fn hash(words: &str) -> String {
    short_hash(words.trim().as_bytes(), 8)
}

/// The first `bytes` bytes of a SHA-256 in hexadecimal.
pub(crate) fn short_hash(data: &[u8], bytes: usize) -> String {
    use std::fmt::Write as _;
    Sha256::digest(data).iter().take(bytes).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
