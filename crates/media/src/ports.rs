//! Ports for RTP, and where they rest after a call.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};

use crate::MediaConfig;

/// The two sockets of a leg: RTP on an even port, RTCP on the next.
#[derive(Debug)]
pub(crate) struct BoundPort {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    pub addr: SocketAddr,
}

/// Hands out ports in turn, so that one that was used comes back as late as possible.
#[derive(Debug)]
pub(crate) struct PortPool {
    free: VecDeque<u16>,
    /// Still bound; nobody reads them.
    resting: VecDeque<(Instant, BoundPort)>,
    returned: Receiver<BoundPort>,
}

impl PortPool {
    /// A pool over the even ports of the range, and the way back into it.
    pub fn new(config: &MediaConfig) -> (PortPool, SyncSender<BoundPort>) {
        let last = *config.port_range.end();
        let free: VecDeque<u16> =
            config.port_range.clone().filter(|port| port % 2 == 0 && *port > 0 && *port < last).collect();
        let (give_back, returned) = sync_channel(free.len().max(1));
        (PortPool { free, resting: VecDeque::new(), returned }, give_back)
    }

    /// Binds the next port.
    ///
    /// # Errors
    /// If no port is free, or none of the next 100 can be bound.
    pub fn bind(&mut self, now: Instant, config: &MediaConfig) -> io::Result<BoundPort> {
        self.settle(now, config);
        let mut error = io::Error::new(io::ErrorKind::AddrInUse, "every port of the RTP range is in use");
        for _ in 0..MAX_TRIES {
            let Some(port) = self.free.pop_front() else { break };
            match bind_pair(config, port) {
                Ok(bound) => return Ok(bound),
                Err(failed) => {
                    self.free.push_back(port);
                    error = failed;
                }
            }
        }
        Err(error)
    }

    /// Takes a port back that nobody has used.
    pub fn take_back(&mut self, port: BoundPort) {
        self.free.push_front(port.addr.port());
    }

    /// Takes returned ports in and frees those that have rested.
    fn settle(&mut self, now: Instant, config: &MediaConfig) {
        while let Ok(port) = self.returned.try_recv() {
            self.resting.push_back((now + config.port_rest, port));
        }
        while self.resting.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, port)) = self.resting.pop_front() {
                self.free.push_back(port.addr.port());
            }
        }
    }
}

fn bind_pair(config: &MediaConfig, port: u16) -> io::Result<BoundPort> {
    let addr = SocketAddr::new(config.bind_ip, port);
    let rtp = bind(addr, RTP_BUFFER)?;
    let rtcp = bind(SocketAddr::new(config.bind_ip, port + 1), RTCP_BUFFER)?;
    Ok(BoundPort { rtp, rtcp, addr })
}

fn bind(addr: SocketAddr, buffer: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(buffer)?;
    // Expedited forwarding (DSCP 46) for voice; a system that refuses it sends all the same.
    let _ = if addr.is_ipv4() { socket.set_tos_v4(0xB8) } else { socket.set_tclass_v6(0xB8) };
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// Ports tried before giving up; others may use some of the range.
const MAX_TRIES: usize = 100;
/// About a second of packets: what a stall of the machine may pile up.
const RTP_BUFFER: usize = 64 * 1024;
const RTCP_BUFFER: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_port_rests_before_it_is_used_again() {
        let config = MediaConfig { port_range: 19_100..=19_103, ..MediaConfig::default() };
        let (mut pool, give_back) = PortPool::new(&config);
        let now = Instant::now();
        let first = pool.bind(now, &config).unwrap();
        let second = pool.bind(now, &config).unwrap();
        assert_eq!((first.addr.port(), second.addr.port()), (19_100, 19_102));
        assert!(pool.bind(now, &config).is_err());
        give_back.try_send(first).unwrap();
        assert!(pool.bind(now, &config).is_err());
        assert!(pool.bind(now + Duration::from_secs(4), &config).is_err());
        assert_eq!(pool.bind(now + Duration::from_secs(6), &config).unwrap().addr.port(), 19_100);
    }
}
