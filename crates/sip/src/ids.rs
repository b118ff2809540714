//! Identifiers nobody can guess: tags, branches, Call-IDs, nonces.

use sha2::{Digest, Sha256};

/// A stream of identifiers from a seed: SHA-256 of seed and counter.
///
/// Tags and branches decide whom we believe, so a seed must be secret in operation; the same seed gives the
/// same identifiers, so tests repeat.
#[derive(Clone)]
pub(crate) struct Ids {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl std::fmt::Debug for Ids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ids(***)")
    }
}

impl Ids {
    pub(crate) fn new(seed: [u8; 32]) -> Ids {
        Ids { seed, counter: 0, block: [0; 32], used: 32 }
    }

    /// 64 bits.
    pub(crate) fn number(&mut self) -> u64 {
        if self.used == self.block.len() {
            let mut hash = Sha256::new();
            hash.update(self.seed);
            hash.update(self.counter.to_be_bytes());
            self.block = hash.finalize().into();
            self.counter += 1;
            self.used = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[self.used..self.used + 8]);
        self.used += 8;
        u64::from_be_bytes(bytes)
    }

    /// A tag: 64 bits in hex (RFC 3261 §19.3 asks for 32).
    pub(crate) fn tag(&mut self) -> String {
        format!("{:016x}", self.number())
    }

    /// A branch with the cookie of RFC 3261 §8.1.1.7.
    pub(crate) fn branch(&mut self) -> String {
        format!("z9hG4bK{:016x}", self.number())
    }

    /// A Call-ID of 128 bits, without any host name.
    pub(crate) fn call_id(&mut self) -> String {
        format!("{:016x}{:016x}", self.number(), self.number())
    }
}
