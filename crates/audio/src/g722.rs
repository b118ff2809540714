//! G.722 as a telephone at 8 kHz hears it: its lower sub-band, 0 to 4 kHz.
//!
//! A byte of G.722 at 64 kbit/s holds six bits for the lower sub-band, which is sampled at 8 kHz, and two for the
//! upper one (ITU-T G.722 §1.3). What comes from G.711, prompts or a mix has nothing above 4 kHz, and what goes there
//! loses it: so one byte is one sample here, as in G.711, and neither the upper sub-band nor the filters that split
//! and join the two are needed. Two sides with G.722 are passed through and keep all of it.

/// Turns 8 kHz samples into G.722; the upper sub-band is empty.
#[derive(Debug, Clone)]
pub struct G722Encoder {
    band: LowerBand,
}

/// Turns G.722 into 8 kHz samples; the upper sub-band is left out.
#[derive(Debug, Clone)]
pub struct G722Decoder {
    band: LowerBand,
}

/// The predictor and the quantiser's step, which both sides adapt alike (ITU-T G.722 §3.2 to §3.6). Names are those of
/// the recommendation.
#[derive(Debug, Clone)]
struct LowerBand {
    /// The predicted sample.
    s: i32,
    /// What the zeroes predict of it.
    sz: i32,
    /// The last two reconstructed samples.
    r: [i32; 2],
    /// The last two samples reconstructed from the zeroes alone.
    p: [i32; 2],
    /// The poles.
    a: [i32; 2],
    /// The zeroes.
    b: [i32; 6],
    /// The last six differences.
    d: [i32; 6],
    /// The step's logarithm.
    nb: i32,
    /// The step.
    det: i32,
}

impl Default for G722Encoder {
    fn default() -> Self {
        Self { band: LowerBand::new() }
    }
}

impl Default for G722Decoder {
    fn default() -> Self {
        Self { band: LowerBand::new() }
    }
}

impl G722Encoder {
    /// Encodes what follows the samples before; `codes` takes one byte a sample.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn encode(&mut self, samples: &[i16], codes: &mut [u8]) {
        assert_eq!(samples.len(), codes.len(), "one code per sample");
        for (code, &sample) in codes.iter_mut().zip(samples) {
            let difference = saturate((i32::from(sample) >> 1) - self.band.s);
            let magnitude = if difference < 0 { -(difference + 1) } else { difference };
            let det = self.band.det;
            let level = 1 + LEVELS.partition_point(|&level| (level * det) >> 12 <= magnitude) as i32;
            let lower = match (difference < 0, level) {
                (false, level) => 62 - level,
                (true, 1 | 2) => 64 - level,
                (true, level) => 34 - level,
            };
            self.band.adapt(lower >> 2);
            *code = EMPTY_UPPER | lower as u8;
        }
    }
}

impl G722Decoder {
    /// Decodes what follows the bytes before; `samples` takes one value a byte. After bytes that were lost the sound is
    /// right again within some tens of milliseconds.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn decode(&mut self, codes: &[u8], samples: &mut [i16]) {
        assert_eq!(samples.len(), codes.len(), "one sample per code");
        for (sample, &code) in samples.iter_mut().zip(codes) {
            let lower = usize::from(code & 0x3F);
            let difference = (self.band.det * SIX_BITS[lower]) >> 15;
            let heard = (self.band.s + difference).clamp(-16_384, 16_383);
            self.band.adapt((lower >> 2) as i32);
            *sample = (heard << 1) as i16;
        }
    }
}

impl LowerBand {
    const fn new() -> Self {
        Self { s: 0, sz: 0, r: [0; 2], p: [0; 2], a: [0; 2], b: [0; 6], d: [0; 6], nb: 0, det: 32 }
    }

    /// Goes on by the upper four of a code's six bits, all that the prediction rests on.
    fn adapt(&mut self, code: i32) {
        let code = code as usize & 0x0F;
        let d = (self.det * FOUR_BITS[code]) >> 15;
        self.nb = (((self.nb * 127) >> 7) + STEPS[code]).clamp(0, 18_432);
        let (power, shift) = (POWERS[(self.nb >> 6) as usize & 31], 8 - (self.nb >> 11));
        self.det = (if shift < 0 { power << -shift } else { power >> shift }) << 2;

        let (r, p) = (saturate(self.s + d), saturate(self.sz + d));
        let is_alike = |one: i32, other: i32| one >> 15 == other >> 15;
        let first = is_alike(p, self.p[0]);
        // The poles: the second before the first, which is bounded by it (§3.6.4).
        let four = saturate(self.a[0] << 2);
        let toward = if first { -four } else { four }.min(32_767) >> 7;
        let second = toward + if is_alike(p, self.p[1]) { 128 } else { -128 } + ((self.a[1] * 32_512) >> 15);
        let a1 = second.clamp(-12_288, 12_288);
        let a0 = saturate(if first { 192 } else { -192 } + ((self.a[0] * 32_640) >> 15));
        let bound = saturate(15_360 - a1);
        self.a = [a0.clamp(-bound, bound), a1];
        // The zeroes (§3.6.3).
        let step = if d == 0 { 0 } else { 128 };
        for (b, before) in self.b.iter_mut().zip(self.d) {
            let toward = if is_alike(before, d) { step } else { -step };
            *b = saturate(toward + ((*b * 32_640) >> 15));
        }
        self.d.rotate_right(1);
        self.d[0] = d;
        self.r = [r, self.r[0]];
        self.p = [p, self.p[0]];
        // What they predict (§3.6.5).
        let part = |weight: i32, value: i32| (weight * saturate(value << 1)) >> 15;
        self.sz = saturate(self.b.iter().zip(self.d).map(|(&b, d)| part(b, d)).sum());
        let sp = saturate(part(self.a[0], self.r[0]) + part(self.a[1], self.r[1]));
        self.s = saturate(sp + self.sz);
    }
}

fn saturate(value: i32) -> i32 {
    value.clamp(i16::MIN.into(), i16::MAX.into())
}

/// The upper sub-band's code for as good as nothing; a decoder's step for it shrinks to zero.
const EMPTY_UPPER: u8 = 0xC0;

/// Where the quantiser decides (table 5, `Q6`).
const LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
    1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
];

/// What six bits stand for, in parts of the step (`QM6`).
const SIX_BITS: [i32; 64] = [
    -136, -136, -136, -136, -24_808, -21_904, -19_008, -16_704, -14_984, -13_512, -12_280, -11_192, -10_232,
    -9_360, -8_576, -7_856, -7_192, -6_576, -6_000, -5_456, -4_944, -4_464, -4_008, -3_576, -3_168, -2_776,
    -2_400, -2_032, -1_688, -1_360, -1_040, -728, 24_808, 21_904, 19_008, 16_704, 14_984, 13_512, 12_280,
    11_192, 10_232, 9_360, 8_576, 7_856, 7_192, 6_576, 6_000, 5_456, 4_944, 4_464, 4_008, 3_576, 3_168,
    2_776, 2_400, 2_032, 1_688, 1_360, 1_040, 728, 432, 136, -432, -136,
];

/// What the upper four of them stand for (`QM4`).
const FOUR_BITS: [i32; 16] = [
    0, -20_456, -12_896, -8_968, -6_288, -4_240, -2_584, -1_200, 20_456, 12_896, 8_968, 6_288, 4_240, 2_584,
    1_200, 0,
];

/// By how much the step's logarithm grows with each (`WL` by `RL42`).
const STEPS: [i32; 16] =
    [-60, 3_042, 1_198, 538, 334, 172, 58, -30, 3_042, 1_198, 538, 334, 172, 58, -30, -60];

/// Powers of two in steps of a thirty-second (`ILB`).
const POWERS: [i32; 32] = [
    2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896,
    2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{rms_dbov, sine};

    /// Noise by xorshift, the same everywhere.
    struct Noise(u32);

    impl Noise {
        fn next(&mut self) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            self.0
        }
    }

    /// Silence, then a rectangle whose level changes, without and with noise: one second.
    fn signal() -> Vec<i16> {
        let mut noise = Noise(0x2545_F491);
        (0..8000)
            .map(|n: i32| {
                let noise = (noise.next() >> 16 & 0x7FFF) as i32 - 0x4000;
                let level = [0, 500, 4_000, 15_000][n as usize / 800 % 4];
                let sample = if n / 16 % 2 == 1 { level } else { -level } + ((noise * (n / 1600 % 3)) >> 2);
                sample as i16
            })
            .collect()
    }

    /// FNV-1a.
    fn sum(bytes: impl IntoIterator<Item = u8>) -> u64 {
        let fold = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        bytes.into_iter().fold(0xCBF2_9CE4_8422_2325, fold)
    }

    fn decoded(codes: &[u8]) -> Vec<i16> {
        let mut samples = vec![0; codes.len()];
        G722Decoder::default().decode(codes, &mut samples);
        samples
    }

    fn encoded(samples: &[i16]) -> Vec<u8> {
        let mut codes = vec![0; samples.len()];
        G722Encoder::default().encode(samples, &mut codes);
        codes
    }

    // The sums and bytes are those of libg722 (1.2.8, of the Python package G722) at 8,000 samples a second.

    #[test]
    fn a_signal_is_coded_bit_for_bit_as_by_others() {
        let codes = encoded(&signal());
        let (at_2000, all) = (&codes[2000..2016], sum(codes.iter().copied()));
        assert_eq!(
            at_2000,
            [0xE9, 0xF7, 0xF6, 0xEB, 0xF3, 0xF6, 0xDF, 0xF7, 0xFA, 0xFF, 0xF0, 0xF2, 0xDF, 0xFC, 0xE8, 0xFC]
        );
        assert_eq!(all, 0x8582_0629_B401_AFCD);
    }

    #[test]
    fn codes_are_heard_bit_for_bit_as_by_others() {
        let heard = decoded(&encoded(&signal()));
        assert_eq!(heard[2000..2008], [3344, 2008, 2490, 7052, 7238, 7382, 4706, 4824]);
        assert_eq!(sum(heard.iter().flat_map(|sample| sample.to_le_bytes())), 0xA642_E869_899A_C44A);
        // Any bytes, those that no encoder makes among them.
        let mut noise = Noise(0x2545_F491);
        let codes: Vec<u8> = (0..8000).map(|_| (noise.next() >> 24) as u8).collect();
        let heard = decoded(&codes);
        assert_eq!(sum(heard.iter().flat_map(|sample| sample.to_le_bytes())), 0x1743_B1B1_6AD3_80F1);
    }

    #[test]
    fn a_tone_keeps_its_level_and_comes_back_after_a_loss() {
        let tone = sine(1000.0, -16.0, Duration::from_secs(1));
        let codes = encoded(&tone);
        let heard = decoded(&codes);
        assert!((rms_dbov(&heard[800..]) - rms_dbov(&tone)).abs() < 0.5, "{}", rms_dbov(&heard[800..]));
        let with_a_gap: Vec<u8> = codes[..4000].iter().chain(&codes[4480..]).copied().collect();
        let (after, before) = (&decoded(&with_a_gap)[5000..], &heard[5480..]);
        let wrong: Vec<i16> = after.iter().zip(before).map(|(one, other)| one - other).collect();
        assert!(rms_dbov(&wrong) < -40.0, "{}", rms_dbov(&wrong));
    }
}
