//! Whose packets a leg accepts.

use std::net::SocketAddr;
use std::time::Instant;

/// Decides by source address. Within the window after `connect` the first source settles it: the SDP's address; the
/// same host from another port; or, where latching is allowed, anyone. After that nobody else is ever followed (RTP
/// bleed: CVE-2017-14099, CVE-2025-53399).
#[derive(Debug, Clone)]
pub(crate) struct Latch {
    /// The SDP's address.
    sdp: SocketAddr,
    /// Where to send.
    target: SocketAddr,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Open { until: Instant, anyone: bool },
    Settled(SocketAddr),
}

/// What becomes of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// Accepted, and the source is settled by it.
    Settled,
    Refused,
}

impl Latch {
    pub fn new(sdp: SocketAddr, anyone: bool, until: Instant) -> Latch {
        Latch { sdp, target: sdp, state: State::Open { until, anyone } }
    }

    /// The SDP's address.
    pub fn sdp(&self) -> SocketAddr {
        self.sdp
    }

    /// Where to send RTP.
    pub fn target(&self) -> SocketAddr {
        self.target
    }

    /// Judges the source of an RTP packet.
    #[inline]
    pub fn judge(&mut self, now: Instant, from: SocketAddr) -> Verdict {
        match self.state {
            State::Settled(source) if source == from => Verdict::Accepted,
            State::Settled(_) => Verdict::Refused,
            State::Open { until, .. } if now > until => {
                self.state = State::Settled(self.sdp);
                if from == self.sdp { Verdict::Settled } else { Verdict::Refused }
            }
            State::Open { anyone, .. } => {
                if from == self.sdp || from.ip() == self.sdp.ip() || anyone {
                    self.state = State::Settled(from);
                    if anyone {
                        self.target = from;
                    }
                    Verdict::Settled
                } else {
                    Verdict::Refused
                }
            }
        }
    }

    /// Whether RTCP may come from this host: ports differ there.
    pub fn knows_host(&self, from: SocketAddr) -> bool {
        from.ip() == self.target.ip()
            || matches!(self.state, State::Settled(source) if source.ip() == from.ip())
    }

    /// The one address both for sending and receiving, once that is settled, so that the kernel can filter.
    pub fn both_ways(&mut self, now: Instant) -> Option<SocketAddr> {
        if let State::Open { until, .. } = self.state
            && now > until
        {
            self.state = State::Settled(self.sdp);
        }
        match self.state {
            State::Settled(source) if source == self.target => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SDP: &str = "192.0.2.1:4000";

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn latch(anyone: bool) -> (Latch, Instant, Instant) {
        let start = Instant::now();
        let until = start + Duration::from_secs(5);
        (Latch::new(at(SDP), anyone, until), start, until + Duration::from_millis(1))
    }

    #[test]
    fn without_latching_only_the_host_of_the_sdp_is_heard_and_nothing_is_sent_elsewhere() {
        let (mut latch, start, _) = latch(false);
        assert_eq!(latch.judge(start, at("198.51.100.9:4000")), Verdict::Refused);
        assert_eq!(latch.judge(start, at("192.0.2.1:4999")), Verdict::Settled);
        assert_eq!(latch.judge(start, at(SDP)), Verdict::Refused);
        assert_eq!(latch.target(), at(SDP));
        assert_eq!(latch.both_ways(start), None);
    }

    #[test]
    fn latching_happens_once_and_strangers_are_never_followed_later() {
        let (mut latch, start, late) = latch(true);
        assert_eq!(latch.judge(start, at("198.51.100.9:4000")), Verdict::Settled);
        assert_eq!(latch.target(), at("198.51.100.9:4000"));
        for stranger in ["203.0.113.5:4000", SDP] {
            assert_eq!(latch.judge(start, at(stranger)), Verdict::Refused);
            assert_eq!(latch.judge(late, at(stranger)), Verdict::Refused);
        }
        assert_eq!(latch.judge(late, at("198.51.100.9:4000")), Verdict::Accepted);
    }

    #[test]
    fn a_packet_from_the_sdp_ends_latching_and_so_does_time() {
        let (mut first, start, _) = latch(true);
        assert_eq!(first.judge(start, at(SDP)), Verdict::Settled);
        assert_eq!(first.judge(start, at("198.51.100.9:4000")), Verdict::Refused);
        let (mut second, _, late) = latch(true);
        assert_eq!(second.judge(late, at("198.51.100.9:4000")), Verdict::Refused);
        assert_eq!(second.judge(late, at(SDP)), Verdict::Accepted);
        assert_eq!(second.both_ways(late), Some(at(SDP)));
    }
}
