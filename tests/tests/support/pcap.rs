//! Keys as SIPp plays them: RFC 4733 packets in a capture file, and tones in a µ-law file.

use std::path::Path;
use std::time::Duration;

use hotline_audio::{Law, dtmf_key, encode, silence};

/// One caller's RTP: its sequence numbers and times go on from file to file.
pub struct Keys {
    sequence: u16,
    /// Samples since the beginning.
    time: u32,
}

const EVENT: u8 = 101;
const FRAME: u32 = 160;

impl Keys {
    pub const fn new() -> Self {
        Self { sequence: 100, time: 8_000 }
    }

    /// Writes a capture of one group of keys: each held for 100 ms, 100 ms apart, its end three
    /// times. Gives how long it plays.
    pub fn write(&mut self, path: &Path, keys: &str) -> Duration {
        // Time passes between two files: what exactly, no receiver may care.
        self.time += 16_000;
        let begin = self.time;
        let mut file = header();
        for key in keys.chars() {
            self.sound(&mut file, begin, 5);
            self.press(&mut file, begin, key);
        }
        self.sound(&mut file, begin, 5);
        std::fs::write(path, file).unwrap();
        Duration::from_millis(u64::from(self.time - begin) / 8)
    }

    fn sound(&mut self, file: &mut Vec<u8>, begin: u32, frames: u32) {
        for _ in 0..frames {
            self.packet(file, begin, 0, false, self.time, &[0xff; FRAME as usize]);
            self.time += FRAME;
        }
    }

    fn press(&mut self, file: &mut Vec<u8>, begin: u32, key: char) {
        let code = match key {
            '*' => 10,
            '#' => 11,
            digit => u8::try_from(digit.to_digit(10).expect("a key")).expect("one digit"),
        };
        let pressed = self.time;
        for frame in 1..=8u32 {
            let end = frame > 5;
            let [.., high, low] = (frame.min(5) * FRAME).to_be_bytes();
            let flags = if end { 0x80 | 10 } else { 10 };
            self.packet(file, begin, EVENT, frame == 1, pressed, &[code, flags, high, low]);
            self.time += FRAME;
        }
    }

    fn packet(
        &mut self,
        file: &mut Vec<u8>,
        begin: u32,
        payload: u8,
        marker: bool,
        timestamp: u32,
        body: &[u8],
    ) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut rtp = vec![0x80, payload | if marker { 0x80 } else { 0 }];
        rtp.extend(self.sequence.to_be_bytes());
        rtp.extend(timestamp.to_be_bytes());
        rtp.extend(0x0407_1928_u32.to_be_bytes());
        rtp.extend(body);
        frame(file, self.time - begin, &rtp);
    }
}

/// The head of a capture of Ethernet frames.
fn header() -> Vec<u8> {
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4_u32.to_le_bytes());
    file.extend(2u16.to_le_bytes());
    file.extend(4u16.to_le_bytes());
    file.extend([0; 8]);
    file.extend(65_535u32.to_le_bytes());
    file.extend(1u32.to_le_bytes());
    file
}

/// One Ethernet frame with IPv4 and UDP; SIPp puts its own addresses in.
fn frame(file: &mut Vec<u8>, at_samples: u32, rtp: &[u8]) {
    let udp = u16::try_from(8 + rtp.len()).expect("a short packet");
    let mut bytes = vec![0; 12];
    bytes.extend([0x08, 0x00]);
    bytes.extend([0x45, 0]);
    bytes.extend((20 + udp).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
    bytes.extend(6000u16.to_be_bytes());
    bytes.extend(6000u16.to_be_bytes());
    bytes.extend(udp.to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(rtp);
    let length = u32::try_from(bytes.len()).expect("a short frame");
    let micros = u64::from(at_samples) * 125;
    file.extend(u32::try_from(micros / 1_000_000).expect("seconds").to_le_bytes());
    file.extend(u32::try_from(micros % 1_000_000).expect("microseconds").to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(bytes);
}

/// Writes µ-law sound: each group of keys as tones after its pause, then `rest` of silence.
pub fn write_tones(path: &Path, groups: &[(Duration, &str)], rest: Duration) {
    let mut samples = Vec::new();
    for (pause, keys) in groups {
        samples.extend(silence(*pause));
        for key in keys.chars() {
            samples.extend(dtmf_key(key, Duration::from_millis(100)).expect("a key"));
            samples.extend(silence(Duration::from_millis(100)));
        }
    }
    samples.extend(silence(rest));
    let mut codes = vec![0; samples.len()];
    encode(Law::Pcmu, &samples, &mut codes);
    std::fs::write(path, codes).unwrap();
}
