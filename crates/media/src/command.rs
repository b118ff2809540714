//! What the engine tells a media thread.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hotline_audio::{Clip, Codec};

use crate::ports::BoundPort;

/// A leg, by a number its owner chose; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(pub u64);

/// One playing, by a number its owner chose; comes back in `PlayDone`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlayId(pub u64);

/// Who sends, seen from us (RFC 3264 §5.1, after turning the other side's word around).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only we.
    SendOnly,
    /// Only the other side.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// Whether we send.
    #[must_use]
    pub fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether we listen.
    #[must_use]
    pub fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }
}

/// The other side as the SDP describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Where its SDP wants RTP.
    pub addr: SocketAddr,
    /// Where it wants RTCP (RFC 3605); else the port after `addr`.
    pub rtcp: Option<SocketAddr>,
    /// RTCP on the RTP port (RFC 5761).
    pub rtcp_mux: bool,
    /// The codec, both ways.
    pub codec: Codec,
    /// Payload type of telephone-event, if negotiated.
    pub dtmf_payload: Option<u8>,
    /// Milliseconds of sound a packet: 20, 40 or 60; anything else counts as 20.
    pub ptime: u8,
    /// Whether the first packet within the latch window may come from elsewhere and is then answered there (for trunks
    /// behind NAT).
    pub latch: bool,
    /// Look for tones in the sound even though telephone-event was negotiated.
    pub detect_in_band: bool,
    /// Who sends.
    pub direction: Direction,
}

impl Remote {
    /// A side that talks both ways in 20 ms packets, with telephone-event 101 and no latching.
    #[must_use]
    pub fn new(addr: SocketAddr, codec: impl Into<Codec>) -> Remote {
        Remote {
            addr,
            rtcp: None,
            rtcp_mux: false,
            codec: codec.into(),
            dtmf_payload: Some(101),
            ptime: 20,
            latch: false,
            detect_in_band: false,
            direction: Direction::SendRecv,
        }
    }
}

/// One entry of a thread's ring.
#[derive(Debug)]
pub(crate) enum Command {
    Open { leg: LegId, port: BoundPort },
    Connect { leg: LegId, remote: Box<Remote> },
    Play { leg: LegId, play: PlayId, clips: Arc<[Clip]>, looped: bool, append: bool },
    Stop { leg: LegId },
    SendDigits { leg: LegId, keys: String },
    Record { leg: LegId, path: PathBuf },
    StopRecording { leg: LegId },
    RecordWords { leg: LegId, path: PathBuf },
    StopWords { leg: LegId },
    Listen { leg: LegId, rest: Option<Duration> },
    Overhear { leg: LegId, longest: Option<Duration> },
    MuteRecording { leg: LegId, muted: bool },
    Bridge { a: LegId, b: LegId, forward_digits: bool },
    Unbridge { leg: LegId },
    Mix { hears: Vec<(LegId, Vec<LegId>)> },
    Unmix { leg: LegId },
    Stats { leg: LegId },
    Close { leg: LegId },
    Shutdown,
}
