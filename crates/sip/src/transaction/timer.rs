//! The timers of RFC 3261 §17 (table 4) and RFC 6026 §7.1.

use std::time::Duration;

/// Every timer a transaction sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Timer {
    /// INVITE client, unreliable: send again after T1, 2 × T1, 4 × T1, … (0.5, 1, 2, 4, 8, 16 s).
    A,
    /// INVITE client: nobody answered for 64 × T1 = 32 s.
    B,
    /// INVITE client, Completed: absorb repeated failures for at least 32 s; 0 when reliable.
    D,
    /// Other client, unreliable: send again after min(2ⁿ × T1, T2) (0.5, 1, 2, 4, 4, … s).
    E,
    /// Other client: nobody answered for 64 × T1 = 32 s.
    F,
    /// INVITE server, unreliable: send the failure again after min(2ⁿ × T1, T2).
    G,
    /// INVITE server: no ACK for 64 × T1 = 32 s.
    H,
    /// INVITE server, Confirmed: absorb repeated ACKs for T4 = 5 s; 0 when reliable.
    I,
    /// Other server, Completed: answer repeated requests for 64 × T1 = 32 s; 0 when reliable.
    J,
    /// Other client, Completed: absorb repeated responses for T4 = 5 s; 0 when reliable.
    K,
    /// INVITE server, Accepted: absorb repeated INVITEs for 64 × T1 = 32 s (RFC 6026).
    L,
    /// INVITE client, Accepted: let repeated and forked 2xx pass for 64 × T1 = 32 s (RFC 6026).
    M,
}

/// The three basic times of RFC 3261 §17.1.1.1, and whether the transport repeats by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Round trip estimate, 500 ms.
    pub(crate) t1: Duration,
    /// Longest interval between repetitions, 4 s.
    pub(crate) t2: Duration,
    /// How long a message may wander in the network, 5 s.
    pub(crate) t4: Duration,
    /// TCP: nothing is sent twice and nothing arrives twice.
    pub(crate) reliable: bool,
}

impl Timing {
    /// 64 × T1 = 32 s.
    pub(crate) fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// `wait`, or nothing when the transport is reliable.
    pub(crate) fn linger(&self, wait: Duration) -> Duration {
        if self.reliable { Duration::ZERO } else { wait }
    }
}
