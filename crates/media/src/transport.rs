//! How a media thread reaches the network.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::mpsc::SyncSender;

use crate::ports::BoundPort;
use crate::sys::{Inbox, READY, Watch, disconnect};

/// Which of a leg's two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Channel {
    Rtp,
    Rtcp,
}

/// The network behind one media thread. Legs are named by their place in the thread's table.
///
/// A backend for a shared socket fits the same words: `receive` then serves what its one socket has sorted by leg, `send`
/// collects, and `flush` at the end of each tick sends it all by one `sendmmsg`.
pub(crate) trait Transport: Send {
    /// For the log.
    fn name(&self) -> &'static str;
    /// Takes a leg's port over.
    fn add(&mut self, leg: usize, port: BoundPort) -> io::Result<()>;
    /// Gives a leg's port back to rest.
    fn remove(&mut self, leg: usize);
    /// Lets the network itself filter for this one peer, or for nobody.
    fn connect(&mut self, leg: usize, peer: Option<SocketAddr>);
    /// Legs and channels where something arrived. Told once, so all of it must be received. True if there is more to be
    /// told.
    fn ready(&mut self, found: &mut Vec<(usize, Channel)>) -> bool;
    /// Receives a batch into the inbox; gives the number.
    fn receive(&mut self, leg: usize, channel: Channel, inbox: &mut Inbox) -> usize;
    /// Sends a datagram; false if the system would not have it.
    fn send(&mut self, leg: usize, channel: Channel, to: SocketAddr, datagram: &[u8]) -> bool;
    /// The end of a tick: what was collected goes out.
    fn flush(&mut self);
}

/// Two UDP sockets a leg: needs no privilege. One `epoll_wait` a tick, which never waits, tells where something arrived;
/// a leg that is sent nothing costs nothing.
pub(crate) struct SocketPerLeg {
    ports: Vec<Option<Port>>,
    watch: Watch,
    give_back: SyncSender<BoundPort>,
}

struct Port {
    bound: BoundPort,
    connected: bool,
}

impl SocketPerLeg {
    pub fn new(give_back: SyncSender<BoundPort>) -> io::Result<SocketPerLeg> {
        Ok(SocketPerLeg { ports: Vec::new(), watch: Watch::new()?, give_back })
    }

    fn port(&mut self, leg: usize) -> Option<&mut Port> {
        self.ports.get_mut(leg)?.as_mut()
    }
}

impl Transport for SocketPerLeg {
    fn name(&self) -> &'static str {
        "a UDP socket per leg"
    }

    fn add(&mut self, leg: usize, port: BoundPort) -> io::Result<()> {
        if leg >= self.ports.len() {
            self.ports.resize_with(leg + 1, || None);
        }
        self.watch.add(port.rtcp.as_fd(), token(leg, Channel::Rtcp))?;
        self.watch.add(port.rtp.as_fd(), token(leg, Channel::Rtp))?;
        self.ports[leg] = Some(Port { bound: port, connected: false });
        Ok(())
    }

    fn remove(&mut self, leg: usize) {
        let Some(port) = self.ports.get_mut(leg).and_then(Option::take) else { return };
        self.watch.remove(port.bound.rtcp.as_fd());
        self.watch.remove(port.bound.rtp.as_fd());
        // If the pool is gone or full the sockets simply close.
        let _ = self.give_back.try_send(port.bound);
    }

    fn connect(&mut self, leg: usize, peer: Option<SocketAddr>) {
        let Some(port) = self.port(leg) else { return };
        match peer {
            Some(peer) => port.connected = port.bound.rtp.connect(peer).is_ok(),
            None if port.connected => {
                port.connected = false;
                disconnect(port.bound.rtp.as_fd());
            }
            None => {}
        }
    }

    fn ready(&mut self, found: &mut Vec<(usize, Channel)>) -> bool {
        let mut tokens = [0; READY];
        let count = self.watch.poll(&mut tokens);
        found.extend(tokens[..count].iter().map(|&token| {
            let channel = if token & 1 == 0 { Channel::Rtp } else { Channel::Rtcp };
            ((token >> 1) as usize, channel)
        }));
        count == READY
    }

    #[inline]
    fn receive(&mut self, leg: usize, channel: Channel, inbox: &mut Inbox) -> usize {
        let Some(port) = self.port(leg) else { return 0 };
        let socket = match channel {
            Channel::Rtp => port.bound.rtp.as_fd(),
            Channel::Rtcp => port.bound.rtcp.as_fd(),
        };
        loop {
            match inbox.receive(socket) {
                Ok(count) => return count,
                // What an earlier packet of ours met (ICMP port unreachable) is told here; the error is then gone.
                Err(error)
                    if error.kind() == ErrorKind::ConnectionRefused
                        || error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return 0,
            }
        }
    }

    #[inline]
    fn send(&mut self, leg: usize, channel: Channel, to: SocketAddr, datagram: &[u8]) -> bool {
        let Some(port) = self.port(leg) else { return false };
        let once = || match channel {
            Channel::Rtp if port.connected => port.bound.rtp.send(datagram),
            Channel::Rtp => port.bound.rtp.send_to(datagram, to),
            Channel::Rtcp => port.bound.rtcp.send_to(datagram, to),
        };
        match once() {
            Ok(_) => true,
            // The refusal is that of an earlier packet, and this one was not sent yet.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => once().is_ok(),
            Err(_) => false,
        }
    }

    fn flush(&mut self) {}
}

fn token(leg: usize, channel: Channel) -> u64 {
    ((leg as u64) << 1) | u64::from(channel == Channel::Rtcp)
}
