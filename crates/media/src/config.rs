//! What the media plane must know at its start.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// Settings of the media plane.
#[derive(Debug, Clone)]
pub struct MediaConfig {
    /// Media threads; 0 counts as 1. Default 1.
    pub threads: usize,
    /// Whether each thread stays on a core of its own. Default no.
    pub pin: bool,
    /// Address the RTP sockets are bound to. Default 127.0.0.1.
    pub bind_ip: IpAddr,
    /// Ports for RTP (even) and RTCP (odd). Default 20000–32767, which is under the ephemeral range.
    pub port_range: RangeInclusive<u16>,
    /// How long a port stays bound after its call, so that late packets reach nobody else. Default 5 s.
    pub port_rest: Duration,
    /// Neither RTP nor RTCP for this long while both sides send: the leg is told to be dead. Default 60 s.
    pub rtp_timeout: Duration,
    /// The same while one side is on hold. Default 30 min.
    pub hold_timeout: Duration,
    /// How long after `connect` another source may be latched on to. Default 5 s.
    pub latch_window: Duration,
    /// Send frames of silence while nothing plays. Default yes.
    pub send_silence: bool,
    /// Our name in RTCP. Default `hotline`.
    pub cname: String,
}

impl Default for MediaConfig {
    fn default() -> Self {
        MediaConfig {
            threads: 1,
            pin: false,
            bind_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port_range: 20_000..=32_767,
            port_rest: Duration::from_secs(5),
            rtp_timeout: Duration::from_secs(60),
            hold_timeout: Duration::from_secs(30 * 60),
            latch_window: Duration::from_secs(5),
            send_silence: true,
            cname: "hotline".to_owned(),
        }
    }
}
