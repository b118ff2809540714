//! Mutations from a seed: the same numbers give the same inputs, so a failure comes again.

/// Makes inputs out of other inputs.
pub struct Mutator {
    state: u64,
}

/// What parsers trip over.
const WORDS: [&[u8]; 16] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\0",
    b"\"",
    b"<",
    b">",
    b";",
    b":",
    b"=",
    b"@",
    b"4294967296",
    b"-1",
    b"%00",
    b"\xff\xfe",
    b"[::1]",
    b" ",
];
/// Inputs do not grow beyond this.
const LONGEST: usize = 20_000;

impl Mutator {
    /// A generator with a fixed beginning.
    pub fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state >> 16).unwrap_or(0) % limit.max(1)
    }

    /// One of the seeds with a few changes.
    pub fn next_input(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds.get(self.below(seeds.len())).cloned().unwrap_or_default();
        for _ in 0..=self.below(6) {
            self.change(&mut input, seeds);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let end = at + self.below((input.len() - at).min(64) + 1);
        match self.below(9) {
            0 if at < input.len() => input[at] = self.below(256).to_le_bytes()[0],
            1 if at < input.len() => input[at] ^= 1 << self.below(8),
            2 => input.truncate(at),
            3 => drop(input.drain(at..end)),
            4 => {
                let piece = input[at..end].to_vec();
                let times = 1 + self.below(20);
                input.splice(at..at, piece.repeat(times));
            }
            5 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..end, word.iter().copied());
            }
            6 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            // The end of another input.
            7 => {
                if let Some(other) = seeds.get(self.below(seeds.len())) {
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
            }
            // A line moves.
            _ => {
                let mut lines: Vec<Vec<u8>> =
                    input.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
                if lines.len() > 1 {
                    let (from, to) = (self.below(lines.len()), self.below(lines.len()));
                    lines.swap(from, to);
                    *input = lines.concat();
                }
            }
        }
    }
}
