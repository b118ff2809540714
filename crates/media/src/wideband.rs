//! A leg whose other side speaks G.722: all else here knows G.711 alone, and this is where one becomes the other.

use hotline_audio::{G722Decoder, G722Encoder, Law, decode, encode};
use hotline_rtp::Packet;

use crate::leg::MAX_PAYLOAD;

/// Both directions of such a leg. What goes to another G.722 leg does not come through here.
pub(crate) struct Wideband {
    decoder: G722Decoder,
    encoder: G722Encoder,
    samples: [i16; MAX_PAYLOAD],
    /// The packet heard last, as codes of [`LAW`].
    heard: [u8; MAX_PAYLOAD],
    len: usize,
    /// Its RTP sequence number: it is decoded once, whoever wants it.
    sequence: Option<u16>,
}

impl Default for Wideband {
    fn default() -> Self {
        Self {
            decoder: G722Decoder::default(),
            encoder: G722Encoder::default(),
            samples: [0; MAX_PAYLOAD],
            heard: [0; MAX_PAYLOAD],
            len: 0,
            sequence: None,
        }
    }
}

impl Wideband {
    /// A packet of the other side's as G.711; nothing of one that is too long.
    pub fn hear(&mut self, packet: &Packet<'_>) -> &[u8] {
        if self.sequence != Some(packet.header.sequence) {
            self.sequence = Some(packet.header.sequence);
            self.len = if packet.payload.len() > MAX_PAYLOAD { 0 } else { packet.payload.len() };
            let samples = &mut self.samples[..self.len];
            self.decoder.decode(&packet.payload[..self.len], samples);
            encode(LAW, samples, &mut self.heard[..self.len]);
        }
        &self.heard[..self.len]
    }

    /// What we say, from G.711 to G.722 in place; at most [`MAX_PAYLOAD`] bytes.
    pub fn say(&mut self, codes: &mut [u8]) {
        let samples = &mut self.samples[..codes.len()];
        decode(LAW, codes, samples);
        self.encoder.encode(samples, codes);
    }
}

/// What stands for G.722, as [`hotline_audio::Codec::law`] says.
const LAW: Law = Law::Pcmu;
