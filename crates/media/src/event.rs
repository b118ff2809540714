//! What media threads tell the engine.

use std::path::PathBuf;
use std::time::Duration;

use hotline_audio::{Clip, Heard};

use crate::{LegId, PlayId};

/// Something happened to a leg.
#[derive(Debug, Clone)]
pub enum MediaEvent {
    /// A playing is over.
    PlayDone {
        /// The leg.
        leg: LegId,
        /// The playing.
        play: PlayId,
        /// How it ended.
        end: PlayEnd,
        /// How much of it was sent.
        played: Duration,
    },
    /// A key was pressed; told once, when it goes down.
    Digit {
        /// The leg.
        leg: LegId,
        /// `0`–`9`, `*`, `#`, `A`–`D`.
        key: char,
        /// How it came.
        by: DigitBy,
    },
    /// Something was heard of the other side, which is listened to.
    Heard {
        /// The leg.
        leg: LegId,
        /// What.
        what: Heard,
    },
    /// A piece of what the other side said, where it is overheard.
    Overheard {
        /// The leg.
        leg: LegId,
        /// The piece; of the last one it may be that nobody spoke.
        sound: Option<Clip>,
        /// It is overheard no longer.
        last: bool,
    },
    /// The first packet of the other side was accepted.
    FirstPacket {
        /// The leg.
        leg: LegId,
    },
    /// Neither RTP nor RTCP for the configured time; told once until something comes again.
    RtpTimeout {
        /// The leg.
        leg: LegId,
    },
    /// The recording ended early; the call goes on. Told once for each recording.
    RecordingFailed {
        /// The leg.
        leg: LegId,
        /// The file.
        path: PathBuf,
        /// Why.
        error: String,
    },
    /// The recording is on disk.
    RecordingDone {
        /// The leg.
        leg: LegId,
        /// The file.
        path: PathBuf,
        /// How long it is.
        duration: Duration,
    },
    /// The answer to `MediaPlane::stats`.
    Stats {
        /// The leg.
        leg: LegId,
        /// Its counts so far.
        stats: LegStats,
    },
    /// The leg is closed: the last event of its id, but for those of its recording.
    Closed {
        /// The leg.
        leg: LegId,
        /// Its counts.
        stats: LegStats,
    },
    /// A fault of ours ended the leg. `Closed` follows.
    Failed {
        /// The leg.
        leg: LegId,
    },
}

/// How a playing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlayEnd {
    /// To its end.
    Completed,
    /// By `stop`, by another `play`, or with the leg.
    Stopped,
}

/// How a key came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitBy {
    /// As a telephone-event.
    Rfc4733,
    /// As tones in the sound.
    InBand,
}

/// Counts of a leg: packets, loss, jitter, round trip ([`hotline_rtp::Stats`]), and what was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegStats {
    /// Both directions' packets.
    pub rtp: hotline_rtp::Stats,
    /// Datagrams from strangers.
    pub strangers: u32,
    /// Packets the socket would not send.
    pub unsent: u32,
}
