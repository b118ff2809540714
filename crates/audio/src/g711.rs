//! G.711: one byte a sample, µ-law (PCMU) and A-law (PCMA).

/// The two companding laws of ITU-T G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, RTP payload type 0.
    Pcmu,
    /// A-law, RTP payload type 8.
    Pcma,
}

impl Law {
    /// The static RTP payload type (RFC 3551 §6).
    #[must_use]
    pub fn payload_type(self) -> u8 {
        match self {
            Law::Pcmu => 0,
            Law::Pcma => 8,
        }
    }

    /// The law of a static RTP payload type, if it is one of ours.
    #[must_use]
    pub fn from_payload_type(payload_type: u8) -> Option<Law> {
        match payload_type {
            0 => Some(Law::Pcmu),
            8 => Some(Law::Pcma),
            _ => None,
        }
    }

    /// The code of digital silence.
    #[must_use]
    pub fn silence(self) -> u8 {
        match self {
            Law::Pcmu => 0xFF,
            Law::Pcma => 0xD5,
        }
    }

    /// The linear value of each code.
    #[must_use]
    pub fn table(self) -> &'static [i16; 256] {
        match self {
            Law::Pcmu => &ULAW_TO_LINEAR,
            Law::Pcma => &ALAW_TO_LINEAR,
        }
    }

    /// For each code of this law, the nearest code of `other`: transcoding without linear samples.
    #[must_use]
    pub fn to_law(self, other: Law) -> &'static [u8; 256] {
        match (self, other) {
            (Law::Pcmu, Law::Pcma) => &ULAW_TO_ALAW,
            (Law::Pcma, Law::Pcmu) => &ALAW_TO_ULAW,
            _ => &SAME,
        }
    }
}

/// Encodes linear samples; `codes` takes one byte a sample and must be as long as `samples`.
///
/// Branch-free, so that the compiler uses vector instructions.
///
/// # Panics
/// If the lengths differ.
pub fn encode(law: Law, samples: &[i16], codes: &mut [u8]) {
    assert_eq!(samples.len(), codes.len(), "one code per sample");
    match law {
        Law::Pcmu => codes.iter_mut().zip(samples).for_each(|(code, &sample)| *code = linear_to_ulaw(sample)),
        Law::Pcma => codes.iter_mut().zip(samples).for_each(|(code, &sample)| *code = linear_to_alaw(sample)),
    }
}

/// Decodes G.711 codes; `samples` takes one value a code and must be as long as `codes`.
///
/// # Panics
/// If the lengths differ.
pub fn decode(law: Law, codes: &[u8], samples: &mut [i16]) {
    assert_eq!(samples.len(), codes.len(), "one sample per code");
    let table = law.table();
    samples.iter_mut().zip(codes).for_each(|(sample, &code)| *sample = table[usize::from(code)]);
}

/// One sample to µ-law. The exponent and the first four bits of the mantissa of the biased magnitude as a float
/// *are* segment and step, which spares the search for the highest bit.
#[inline]
fn linear_to_ulaw(sample: i16) -> u8 {
    let value = i32::from(sample);
    let magnitude = value.abs().min(ULAW_CLIP) + ULAW_BIAS;
    let bits = (magnitude as f32).to_bits() >> 19;
    let code = bits - ((127 + 7) << 4);
    let sign = ((value >> 31) as u32) & 0x80;
    !((code | sign) as u8)
}

/// One sample to A-law, after the ITU-T G.191 reference (one's complement for negative values).
#[inline]
fn linear_to_alaw(sample: i16) -> u8 {
    let value = i32::from(sample);
    let magnitude = (value ^ (value >> 31)) >> 4;
    let bits = (magnitude as f32).to_bits() >> 19;
    let segmented = bits.wrapping_sub((127 + 3) << 4);
    let code = if magnitude < 16 { magnitude as u32 } else { segmented };
    let sign = (!(value >> 31) as u32) & 0x80;
    ((code | sign) ^ 0x55) as u8
}

/// 14-bit bias of 33, in 16-bit units.
const ULAW_BIAS: i32 = 132;
/// The largest magnitude before the bias.
const ULAW_CLIP: i32 = 32_635;

static ULAW_TO_LINEAR: [i16; 256] = ulaw_table();
static ALAW_TO_LINEAR: [i16; 256] = alaw_table();
static ULAW_TO_ALAW: [u8; 256] = transcode(&ulaw_table(), &alaw_table());
static ALAW_TO_ULAW: [u8; 256] = transcode(&alaw_table(), &ulaw_table());
static SAME: [u8; 256] = identity();

const fn ulaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut code = 0usize;
    while code < 256 {
        let bits = !(code as u8);
        let segment = ((bits >> 4) & 7) as i32;
        let step = (bits & 0x0F) as i32;
        let magnitude = (((step << 3) + ULAW_BIAS) << segment) - ULAW_BIAS;
        table[code] = if bits & 0x80 != 0 { -magnitude as i16 } else { magnitude as i16 };
        code += 1;
    }
    table
}

const fn alaw_table() -> [i16; 256] {
    let mut table = [0i16; 256];
    let mut code = 0usize;
    while code < 256 {
        let bits = (code as u8) ^ 0x55;
        let segment = ((bits >> 4) & 7) as i32;
        let step = (bits & 0x0F) as i32;
        let magnitude = if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 0x108) << (segment - 1) };
        table[code] = if bits & 0x80 != 0 { magnitude as i16 } else { -magnitude as i16 };
        code += 1;
    }
    table
}

const fn transcode(from: &[i16; 256], to: &[i16; 256]) -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut code = 0usize;
    while code < 256 {
        let value = from[code] as i32;
        let mut best = 0usize;
        let mut best_distance = i32::MAX;
        let mut other = 0usize;
        while other < 256 {
            let candidate = to[other] as i32;
            let distance = (candidate - value).abs();
            // On a tie the code with the sign of the source wins, so that silence stays positive silence.
            let same_sign = (candidate >= 0) == (value >= 0);
            if distance < best_distance || (distance == best_distance && same_sign) {
                best_distance = distance;
                best = other;
            }
            other += 1;
        }
        table[code] = best as u8;
        code += 1;
    }
    table
}

const fn identity() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut code = 0usize;
    while code < 256 {
        table[code] = code as u8;
        code += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The search of Sun's g711.c, kept as the plain statement of the law.
    fn ulaw_by_search(sample: i16) -> u8 {
        let mask = if sample < 0 { 0x7F } else { 0xFF };
        let magnitude = i32::from(sample).abs().min(ULAW_CLIP) + ULAW_BIAS;
        let segment = (0..8).find(|segment| magnitude < (256 << segment)).unwrap();
        (((segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)) as u8) ^ mask
    }

    fn alaw_by_search(sample: i16) -> u8 {
        let mut magnitude = if sample < 0 { !sample } else { sample } >> 4;
        if magnitude > 15 {
            let mut exponent = 1;
            while magnitude > 31 {
                magnitude >>= 1;
                exponent += 1;
            }
            magnitude = (magnitude - 16) + (exponent << 4);
        }
        if sample >= 0 {
            magnitude |= 0x80;
        }
        (magnitude as u8) ^ 0x55
    }

    #[test]
    fn every_sample_gets_the_code_of_the_reference() {
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(linear_to_ulaw(sample), ulaw_by_search(sample), "{sample}");
            assert_eq!(linear_to_alaw(sample), alaw_by_search(sample), "{sample}");
        }
    }

    #[test]
    fn decoding_and_encoding_again_gives_the_same_code() {
        for law in [Law::Pcmu, Law::Pcma] {
            for code in 0..=255u8 {
                let mut sample = [0];
                let mut again = [0];
                decode(law, &[code], &mut sample);
                encode(law, &sample, &mut again);
                // µ-law has two zeros; the negative one becomes the positive one.
                let expected = if law == Law::Pcmu && code == 0x7F { 0xFF } else { code };
                assert_eq!(again[0], expected);
            }
        }
    }

    #[test]
    fn silence_stays_silence_through_transcoding() {
        assert_eq!(Law::Pcmu.table()[0xFF], 0);
        assert_eq!(Law::Pcmu.to_law(Law::Pcma)[0xFF], 0xD5);
        assert_eq!(Law::Pcma.to_law(Law::Pcmu)[0xD5].max(0xFE), Law::Pcma.to_law(Law::Pcmu)[0xD5]);
        assert_eq!(Law::Pcma.to_law(Law::Pcma)[17], 17);
    }
}
