//! The payload of a telephone-event (RFC 4733 §2.3).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     event     |E|R| volume    |          duration             |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

/// One event report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Event code; 0–15 are the keys.
    pub code: u8,
    /// The event has ended.
    pub end: bool,
    /// Power in −dBm0, 0–63.
    pub volume: u8,
    /// Since the timestamp of the packet, in timestamp units.
    pub duration: u16,
}

impl Report {
    /// The report in its four bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, (u8::from(self.end) << 7) | (self.volume & 0x3F), high, low]
    }

    /// Reads four bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 4]) -> Report {
        Report {
            code: bytes[0],
            end: bytes[1] & 0x80 != 0,
            volume: bytes[1] & 0x3F,
            duration: u16::from_be_bytes([bytes[2], bytes[3]]),
        }
    }
}

/// The event code of a key: `0`–`9`, `*`, `#`, `A`–`D` (RFC 4733 §3.2).
#[must_use]
pub fn code_of(key: char) -> Option<u8> {
    KEYS.iter().position(|&k| k == key.to_ascii_uppercase()).map(|n| n as u8)
}

/// The key of an event code.
#[must_use]
pub fn key_of(code: u8) -> Option<char> {
    KEYS.get(usize::from(code)).copied()
}

const KEYS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];
