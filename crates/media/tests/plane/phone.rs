//! A telephone of plain sockets: it shares no code with the plane but G.711 and the packet parser.

#![expect(clippy::unwrap_used, reason = "a test helper: what fails here fails the test")]

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use hotline_media::{LegId, LocalMedia, MediaConfig, MediaEvent, MediaPlane};

/// A plane with ports of its own, and its events.
pub struct Bench {
    pub plane: MediaPlane,
    events: Receiver<MediaEvent>,
    seen: Vec<MediaEvent>,
}

impl Bench {
    pub fn new(change: impl FnOnce(&mut MediaConfig)) -> Bench {
        static NEXT: AtomicU16 = AtomicU16::new(21_000);
        let first = NEXT.fetch_add(40, Ordering::Relaxed);
        let mut config = MediaConfig { port_range: first..=first + 39, ..MediaConfig::default() };
        change(&mut config);
        let (sender, events) = channel();
        let plane = MediaPlane::start(config, move |batch| {
            for event in batch {
                let _ = sender.send(event);
            }
        })
        .unwrap();
        Bench { plane, events, seen: Vec::new() }
    }

    pub fn open(&self, leg: u64, call: u64) -> LocalMedia {
        self.plane.open(LegId(leg), call).unwrap()
    }

    /// The next event that `wanted` accepts, within 3 s; others are kept in `seen`.
    pub fn wait<R>(&mut self, mut wanted: impl FnMut(&MediaEvent) -> Option<R>) -> R {
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("only {:?}", self.seen));
            let found = wanted(&event);
            self.seen.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// All keys told so far.
    pub fn keys(&mut self) -> String {
        self.seen.extend(self.events.try_iter());
        let key =
            |event: &MediaEvent| if let MediaEvent::Digit { key, .. } = event { Some(*key) } else { None };
        self.seen.iter().filter_map(key).collect()
    }
}

pub struct Phone {
    socket: UdpSocket,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

/// A packet as it came.
#[derive(Debug)]
pub struct Heard {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
    pub at: Instant,
}

impl Phone {
    pub fn new() -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let port = socket.local_addr().unwrap().port();
        Phone { socket, sequence: 65_530, timestamp: 4_294_960_000, ssrc: u32::from(port) }
    }

    pub fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub fn send(&mut self, to: SocketAddr, payload_type: u8, payload: &[u8]) {
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(self.timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.socket.send_to(&packet, to).unwrap();
        self.sequence = self.sequence.wrapping_add(1);
        if payload_type < 96 {
            self.timestamp = self.timestamp.wrapping_add(payload.len() as u32);
        }
    }

    /// Keys by telephone-event 101: start, middle, and the end three times, without waiting.
    pub fn key(&mut self, to: SocketAddr, code: u8) {
        for (flags, duration) in [(10, 160u16), (10, 480), (0x8A, 800), (0x8A, 800), (0x8A, 800)] {
            let [high, low] = duration.to_be_bytes();
            self.send(to, 101, &[code, flags, high, low]);
        }
        self.timestamp = self.timestamp.wrapping_add(1280);
    }

    /// The next packet; none within half a second.
    pub fn hear(&self) -> Option<Heard> {
        let mut bytes = [0; 2000];
        let (len, _) = self.socket.recv_from(&mut bytes).ok()?;
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Some(Heard {
            payload_type: bytes[1] & 0x7F,
            marker: bytes[1] & 0x80 != 0,
            sequence: u16::from_be_bytes([bytes[2], bytes[3]]),
            timestamp: word(4),
            ssrc: word(8),
            payload: bytes[12..len].to_vec(),
            at: Instant::now(),
        })
    }

    pub fn hear_many(&self, count: usize) -> Vec<Heard> {
        (0..count).map_while(|_| self.hear()).collect()
    }
}
