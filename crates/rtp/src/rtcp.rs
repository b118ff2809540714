//! RTCP: sender and receiver reports, source descriptions, farewells (RFC 3550 §6).

/// A part of a compound packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// SR: what a source sent, and how it receives others.
    SenderReport {
        /// The source.
        ssrc: u32,
        /// What it sent.
        sent: Sent,
        /// How it receives.
        blocks: Blocks<'a>,
    },
    /// RR: how one receives that sends nothing.
    ReceiverReport {
        /// The reporter.
        ssrc: u32,
        /// How it receives.
        blocks: Blocks<'a>,
    },
    /// SDES: only the first CNAME is read.
    Description {
        /// The source.
        ssrc: u32,
        /// Its canonical name, not always UTF-8.
        cname: &'a [u8],
    },
    /// BYE: the source leaves.
    Bye {
        /// The source.
        ssrc: u32,
    },
    /// Another packet type.
    Other(u8),
}

/// The sender's part of an SR (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sent {
    /// Time of the report: seconds since 1900 in the upper half, 2⁻³² s in the lower.
    pub ntp: u64,
    /// The same time on the media clock.
    pub timestamp: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Payload bytes sent since the start.
    pub octets: u32,
}

/// How one source is received (RFC 3550 §6.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block {
    /// The source reported on.
    pub ssrc: u32,
    /// Share lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; negative if more came than were sent. 24 bits.
    pub lost: i32,
    /// Highest sequence number, extended by its wraps.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time of the last SR; 0 if there was none.
    pub last_report: u32,
    /// Since that SR arrived, in 1/65536 s.
    pub delay: u32,
}

/// Report blocks still in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

impl Blocks<'_> {
    /// Each block.
    pub fn iter(&self) -> impl Iterator<Item = Block> {
        self.0.chunks_exact(BLOCK_LEN).map(|bytes| Block {
            ssrc: word(bytes, 0),
            fraction_lost: bytes[4],
            // Sign-extends the 24 bits.
            lost: ((word(bytes, 4) << 8) as i32) >> 8,
            highest: word(bytes, 8),
            jitter: word(bytes, 12),
            last_report: word(bytes, 16),
            delay: word(bytes, 20),
        })
    }
}

/// Why a datagram is no RTCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A part longer than the datagram or shorter than its fields.
    #[error("an RTCP packet that ends within a part")]
    Short,
    /// Not version 2.
    #[error("RTCP version {0}, not 2")]
    Version(u8),
}

/// Reads the parts of a compound packet; the first error is the last item.
pub fn parse(datagram: &[u8]) -> impl Iterator<Item = Result<Part<'_>, ControlError>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let part = next_part(&mut rest);
        if part.is_err() {
            rest = &[];
        }
        Some(part)
    })
}

/// Whether a datagram on a shared port is RTCP and not RTP (RFC 5761 §4).
#[inline]
#[must_use]
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram.get(1), Some(192..=223))
}

/// Appends a compound packet: SR if something was sent, else RR, with at most one block, then SDES with the CNAME (cut
/// to 255 bytes), then BYE if `bye`.
pub fn write(ssrc: u32, sent: Option<Sent>, block: Option<Block>, cname: &str, bye: bool, out: &mut Vec<u8>) {
    let count = u8::from(block.is_some());
    let block_len = block.map_or(0, |_| BLOCK_LEN);
    match sent {
        Some(sent) => {
            put_head(out, count, SENDER_REPORT, 24 + block_len);
            out.extend_from_slice(&ssrc.to_be_bytes());
            out.extend_from_slice(&sent.ntp.to_be_bytes());
            for field in [sent.timestamp, sent.packets, sent.octets] {
                out.extend_from_slice(&field.to_be_bytes());
            }
        }
        None => {
            put_head(out, count, RECEIVER_REPORT, 4 + block_len);
            out.extend_from_slice(&ssrc.to_be_bytes());
        }
    }
    if let Some(block) = block {
        let lost = block.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0x00FF_FFFF;
        let lost = lost | (u32::from(block.fraction_lost) << 24);
        for field in [block.ssrc, lost, block.highest, block.jitter, block.last_report, block.delay] {
            out.extend_from_slice(&field.to_be_bytes());
        }
    }
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // SSRC, type, length, name, at least one zero, up to a multiple of four.
    let chunk = (4 + 2 + name.len() + 1).next_multiple_of(4);
    put_head(out, 1, DESCRIPTION, chunk);
    let end = out.len() + chunk;
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[CNAME, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(end, 0);
    if bye {
        put_head(out, 1, BYE, 4);
        out.extend_from_slice(&ssrc.to_be_bytes());
    }
}

fn put_head(out: &mut Vec<u8>, count: u8, packet_type: u8, body_len: usize) {
    let words = (body_len / 4) as u16;
    out.extend_from_slice(&[0x80 | count, packet_type]);
    out.extend_from_slice(&words.to_be_bytes());
}

fn next_part<'a>(rest: &mut &'a [u8]) -> Result<Part<'a>, ControlError> {
    let (head, tail) = rest.split_first_chunk::<4>().ok_or(ControlError::Short)?;
    if head[0] >> 6 != 2 {
        return Err(ControlError::Version(head[0] >> 6));
    }
    let len = usize::from(u16::from_be_bytes([head[2], head[3]])) * 4;
    let (body, tail) = tail.split_at_checked(len).ok_or(ControlError::Short)?;
    *rest = tail;
    let count = usize::from(head[0] & 0x1F);
    let at_least = |len: usize| if body.len() < len { Err(ControlError::Short) } else { Ok(()) };
    let blocks =
        |from: usize| body.get(from..from + count * BLOCK_LEN).map(Blocks).ok_or(ControlError::Short);
    match head[1] {
        SENDER_REPORT => {
            at_least(24)?;
            let ntp = (u64::from(word(body, 4)) << 32) | u64::from(word(body, 8));
            let sent =
                Sent { ntp, timestamp: word(body, 12), packets: word(body, 16), octets: word(body, 20) };
            Ok(Part::SenderReport { ssrc: word(body, 0), sent, blocks: blocks(24)? })
        }
        RECEIVER_REPORT => {
            at_least(4)?;
            Ok(Part::ReceiverReport { ssrc: word(body, 0), blocks: blocks(4)? })
        }
        DESCRIPTION if count > 0 => {
            at_least(4)?;
            Ok(Part::Description { ssrc: word(body, 0), cname: find_cname(&body[4..]) })
        }
        BYE if count > 0 => {
            at_least(4)?;
            Ok(Part::Bye { ssrc: word(body, 0) })
        }
        other => Ok(Part::Other(other)),
    }
}

/// The CNAME among the items of a chunk; empty if there is none.
fn find_cname(mut items: &[u8]) -> &[u8] {
    while let [kind, len, rest @ ..] = items {
        let Some((value, tail)) = rest.split_at_checked(usize::from(*len)) else { return &[] };
        match *kind {
            0 => return &[],
            CNAME => return value,
            _ => items = tail,
        }
    }
    &[]
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;
/// A report block.
const BLOCK_LEN: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Block = Block {
        ssrc: 9,
        fraction_lost: 64,
        lost: -3,
        highest: 70_000,
        jitter: 12,
        last_report: 5,
        delay: 65_536,
    };

    #[test]
    fn a_compound_packet_is_read_as_it_was_written() {
        let sent = Sent { ntp: 0x0102_0304_0506_0708, timestamp: 160, packets: 50, octets: 8000 };
        let mut bytes = Vec::new();
        write(7, Some(sent), Some(BLOCK), "abc@host", true, &mut bytes);
        assert!(is_rtcp(&bytes) && bytes.len().is_multiple_of(4));
        let parts: Vec<_> = parse(&bytes).map(Result::unwrap).collect();
        let Part::SenderReport { ssrc: 7, sent: read, blocks } = parts[0] else { panic!("{parts:?}") };
        assert_eq!(read, sent);
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [BLOCK]);
        assert_eq!(parts[1..], [Part::Description { ssrc: 7, cname: b"abc@host" }, Part::Bye { ssrc: 7 }]);
    }

    #[test]
    fn who_sends_nothing_writes_a_receiver_report() {
        let mut bytes = Vec::new();
        write(7, None, None, "", false, &mut bytes);
        let parts: Vec<_> = parse(&bytes).map(Result::unwrap).collect();
        assert!(matches!(parts[0], Part::ReceiverReport { ssrc: 7, blocks } if blocks.iter().count() == 0));
    }

    proptest::proptest! {
        #[test]
        fn no_datagram_panics(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..120), kind in 200u8..206) {
            if let [first, second, high, ..] = bytes.as_mut_slice() {
                *first = 0x80 | (*first & 0x3F);
                *second = kind;
                *high = 0;
            }
            for part in parse(&bytes) {
                if let Ok(Part::SenderReport { blocks, .. } | Part::ReceiverReport { blocks, .. }) = part {
                    blocks.iter().for_each(drop);
                }
            }
        }
    }
}
