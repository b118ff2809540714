//! One RTP packet (RFC 3550 §5.1).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |V=2|P|X|  CC   |M|     PT      |       sequence number         |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           timestamp                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                             SSRC                              |
//! +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
//! |                     CSRC (CC times), extension                |
//! ```

/// Bytes of a header without CSRC and extension.
pub const HEADER_LEN: usize = 12;

/// The fixed part of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Start of a talkspurt or of an event.
    pub marker: bool,
    /// Payload type, 0–127.
    pub payload_type: u8,
    /// Sequence number.
    pub sequence: u16,
    /// Media clock, 8,000 a second for telephony.
    pub timestamp: u32,
    /// Source.
    pub ssrc: u32,
}

/// A header extension (RFC 3550 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Defined by profile.
    pub profile: u16,
    /// A multiple of four bytes.
    pub data: &'a [u8],
}

/// A packet that borrows the datagram it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fixed part.
    pub header: Header,
    /// Contributing sources, four bytes each.
    csrc: &'a [u8],
    /// Header extension.
    pub extension: Option<Extension<'a>>,
    /// Payload without padding.
    pub payload: &'a [u8],
}

/// Why a datagram is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// Shorter than its header says.
    #[error("an RTP packet that ends within its header")]
    Short,
    /// Not version 2.
    #[error("RTP version {0}, not 2")]
    Version(u8),
    /// Padding longer than the payload, or of no bytes.
    #[error("RTP padding longer than the payload")]
    Padding,
}

impl Header {
    /// The twelve bytes of the header, without padding, extension or CSRC.
    #[inline]
    #[must_use]
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0] = 0x80;
        bytes[1] = (self.payload_type & 0x7F) | (u8::from(self.marker) << 7);
        bytes[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        bytes
    }
}

impl<'a> Packet<'a> {
    /// A packet without CSRC and extension.
    #[must_use]
    pub fn new(header: Header, payload: &'a [u8]) -> Packet<'a> {
        Packet { header, csrc: &[], extension: None, payload }
    }

    /// Reads a packet.
    ///
    /// # Errors
    /// If the datagram is no whole packet of version 2.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        let (fixed, mut rest) = datagram.split_first_chunk::<HEADER_LEN>().ok_or(PacketError::Short)?;
        if fixed[0] >> 6 != 2 {
            return Err(PacketError::Version(fixed[0] >> 6));
        }
        let header = Header {
            marker: fixed[1] & 0x80 != 0,
            payload_type: fixed[1] & 0x7F,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        };
        let csrc;
        (csrc, rest) = rest.split_at_checked(usize::from(fixed[0] & 0x0F) * 4).ok_or(PacketError::Short)?;
        let mut extension = None;
        if fixed[0] & 0x10 != 0 {
            let (head, tail) = rest.split_first_chunk::<4>().ok_or(PacketError::Short)?;
            let words = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let (data, tail) = tail.split_at_checked(words * 4).ok_or(PacketError::Short)?;
            extension = Some(Extension { profile: u16::from_be_bytes([head[0], head[1]]), data });
            rest = tail;
        }
        if fixed[0] & 0x20 != 0 {
            let padding = usize::from(*rest.last().ok_or(PacketError::Padding)?);
            let kept = rest.len().checked_sub(padding).filter(|_| padding > 0).ok_or(PacketError::Padding)?;
            rest = &rest[..kept];
        }
        Ok(Packet { header, csrc, extension, payload: rest })
    }

    /// Contributing sources.
    pub fn csrc(&self) -> impl Iterator<Item = u32> + 'a {
        self.csrc.chunks_exact(4).map(|c| u32::from_be_bytes([c[0], c[1], c[2], c[3]]))
    }

    /// Appends the packet to `out`, with `padding` bytes (0–255) behind the payload.
    ///
    /// Extension data that is no multiple of four bytes is cut to one.
    pub fn write(&self, padding: u8, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&self.header.to_bytes());
        out[start] |= (self.csrc.len() / 4) as u8 & 0x0F;
        out.extend_from_slice(self.csrc);
        if let Some(extension) = self.extension {
            out[start] |= 0x10;
            let words = (extension.data.len() / 4).min(usize::from(u16::MAX));
            out.extend_from_slice(&extension.profile.to_be_bytes());
            out.extend_from_slice(&(words as u16).to_be_bytes());
            out.extend_from_slice(&extension.data[..words * 4]);
        }
        out.extend_from_slice(self.payload);
        if padding > 0 {
            out[start] |= 0x20;
            out.resize(out.len() + usize::from(padding) - 1, 0);
            out.push(padding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header =
        Header { marker: true, payload_type: 101, sequence: 65_535, timestamp: 7, ssrc: 0xDEAD_BEEF };

    #[test]
    fn a_packet_with_every_part_is_read_as_it_was_written() {
        let csrc = [1, 2, 3, 4, 5, 6, 7, 8];
        let extension = Some(Extension { profile: 0xBEDE, data: &[9, 9, 9, 9] });
        let packet = Packet { header: HEADER, csrc: &csrc, extension, payload: b"voice" };
        let mut bytes = Vec::new();
        packet.write(3, &mut bytes);
        assert_eq!(bytes.len(), 12 + 8 + 8 + 5 + 3);
        let read = Packet::parse(&bytes).unwrap();
        assert_eq!(read, packet);
        assert_eq!(read.csrc().collect::<Vec<_>>(), [0x0102_0304, 0x0506_0708]);
    }

    #[test]
    fn damaged_packets_are_refused() {
        let good = Packet::new(HEADER, b"x");
        let mut bytes = Vec::new();
        good.write(0, &mut bytes);
        assert_eq!(Packet::parse(&bytes[..11]), Err(PacketError::Short));
        let with = |first: u8| [&[first], &bytes[1..]].concat();
        assert_eq!(Packet::parse(&with(0x40)), Err(PacketError::Version(1)));
        assert_eq!(Packet::parse(&with(0x81)), Err(PacketError::Short));
        assert_eq!(Packet::parse(&with(0x90)), Err(PacketError::Short));
        assert_eq!(Packet::parse(&with(0xA0)), Err(PacketError::Padding));
        assert_eq!(Packet::parse(&[&with(0xA0)[..12], &[0]].concat()), Err(PacketError::Padding));
    }

    proptest::proptest! {
        #[test]
        fn no_datagram_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                let mut again = Vec::new();
                packet.write(0, &mut again);
                proptest::prop_assert_eq!(Packet::parse(&again).unwrap(), packet);
            }
        }
    }
}
