//! What the sound of a leg is coded by.

use crate::Law;

/// A codec of 64 kbit/s: 160 bytes are 20 ms, and RTP counts 8,000 a second, of G.722 too (RFC 3551 §4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// G.711, one byte a sample.
    G711(Law),
    /// G.722, sampled at 16 kHz.
    G722,
}

impl Codec {
    /// The static RTP payload type (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Codec::G711(law) => law.payload_type(),
            Codec::G722 => 9,
        }
    }

    /// The law that stands for it where there is no G.722: prompts, mixes, recordings.
    #[must_use]
    pub fn law(self) -> Law {
        match self {
            Codec::G711(law) => law,
            Codec::G722 => Law::Pcmu,
        }
    }
}

impl From<Law> for Codec {
    fn from(law: Law) -> Self {
        Codec::G711(law)
    }
}
