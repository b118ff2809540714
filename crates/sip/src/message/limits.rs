//! How large a message may be.

/// Limits on what is read; beyond them a message is refused before anything looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A datagram, in bytes. Default 16 KB.
    pub datagram_bytes: usize,
    /// A message on a stream, in bytes. Default 64 KB.
    pub stream_bytes: usize,
    /// A body, in bytes. Default 32 KB.
    pub body_bytes: usize,
    /// Header fields in a message. Default 128.
    pub headers: usize,
    /// One header field's line, folds included, in bytes. Default 8 KB.
    pub header_bytes: usize,
    /// Via values. Default 70: as many hops as the usual Max-Forwards allows (RFC 4475 §3.1.1.7 sends 34).
    pub vias: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            datagram_bytes: 16 * 1024,
            stream_bytes: 64 * 1024,
            body_bytes: 32 * 1024,
            headers: 128,
            header_bytes: 8 * 1024,
            vias: 70,
        }
    }
}
