//! Two endpoints and a network between them, on virtual time.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::*;

/// What the network does to datagrams; chances in 0..=100.
#[derive(Clone, Copy, Default)]
pub(super) struct Weather {
    pub(super) loss: u64,
    pub(super) duplication: u64,
    /// Each datagram is late by 0 to this, so that they overtake each other.
    pub(super) delay_ms: u64,
}

/// One side of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    A,
    B,
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) a: Endpoint,
    pub(super) b: Endpoint,
    pub(super) transport: Transport,
    pub(super) weather: Weather,
    /// Drops the datagrams it says yes to.
    pub(super) filter: fn(&Datagram) -> bool,
    pub(super) sent: Vec<(Side, Datagram)>,
    wire: Vec<(Instant, u64, Side, Bytes)>,
    events: Vec<(Side, Event)>,
    dice: u64,
    count: u64,
}

#[expect(clippy::disallowed_methods, reason = "a virtual clock needs one real instant to start from")]
pub(super) fn start() -> Instant {
    Instant::now()
}

pub(super) fn sdp(port: u16) -> Bytes {
    let address = std::net::SocketAddr::new("192.0.2.1".parse().unwrap(), port);
    sdp::offer(&sdp::Capabilities::new(address, 1)).into()
}

impl Pair {
    pub(super) fn new() -> Pair {
        Pair::with(Config::default(), Config::default(), 1)
    }

    pub(super) fn over(transport: Transport) -> Pair {
        Pair { transport, ..Pair::new() }
    }

    pub(super) fn with(a: Config, b: Config, seed: u8) -> Pair {
        let now = start();
        Pair {
            now,
            a: Endpoint::new(a, now, [seed; 32]),
            b: Endpoint::new(b, now, [seed ^ 0xff; 32]),
            transport: Transport::Udp,
            weather: Weather::default(),
            filter: |_| false,
            sent: Vec::new(),
            wire: Vec::new(),
            events: Vec::new(),
            dice: u64::from(seed) + 1,
            count: 0,
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.dice >> 33
    }

    pub(super) fn side(&mut self, side: Side) -> &mut Endpoint {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    pub(super) fn path(&self, side: Side) -> Source {
        let (a, b) = ("10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5060".parse().unwrap());
        let (local, remote) = if side == Side::A { (a, b) } else { (b, a) };
        let connection = (self.transport == Transport::Tcp).then_some(ConnectionId(1));
        Source { transport: self.transport, local, remote, connection }
    }

    pub(super) fn outbound(&self) -> Outbound {
        let path = self.path(Side::A);
        Outbound {
            target: "sip:4000@10.0.0.2".into(),
            destination: path.remote,
            transport: path.transport,
            local: path.local,
            connection: path.connection,
            from: Party { display: "Anna \"A\"".into(), uri: "sip:100@10.0.0.1".into() },
            to: Party { display: String::new(), uri: "sip:4000@10.0.0.2".into() },
            sdp: Some(sdp(4000)),
            credentials: None,
            headers: vec![("P-Asserted-Identity".into(), "<tel:+8613800138000>".into())],
            answer_limit: None,
            silence_limit: None,
        }
    }

    /// Takes what both sides want to send and say.
    pub(super) fn drain(&mut self) {
        for side in [Side::A, Side::B] {
            while let Some(datagram) = self.side(side).poll_datagram() {
                self.sent.push((side, datagram.clone()));
                let lost = self.roll() % 100 < self.weather.loss;
                if lost || (self.filter)(&datagram) {
                    continue;
                }
                let copies = 1 + u64::from(self.roll() % 100 < self.weather.duplication);
                for _ in 0..copies {
                    let late = Duration::from_millis(1 + self.roll() % (self.weather.delay_ms + 1));
                    self.count += 1;
                    let to = if side == Side::A { Side::B } else { Side::A };
                    self.wire.push((self.now + late, self.count, to, datagram.bytes.clone()));
                }
            }
            while let Some(event) = self.side(side).poll_event() {
                self.events.push((side, event));
            }
        }
    }

    /// To the next thing that happens, if it is before `end`.
    pub(super) fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let arrival = self.wire.iter().map(|(at, count, ..)| (*at, *count)).min();
        let due = [self.a.poll_timeout(), self.b.poll_timeout()].into_iter().flatten().min();
        let next = [arrival.map(|(at, _)| at), due].into_iter().flatten().min().filter(|at| *at <= end);
        let Some(next) = next else {
            self.now = end;
            return false;
        };
        self.now = self.now.max(next);
        if let Some((at, count)) = arrival.filter(|(at, _)| *at <= self.now) {
            let place =
                self.wire.iter().position(|(when, number, ..)| (*when, *number) == (at, count)).unwrap();
            let (_, _, to, bytes) = self.wire.remove(place);
            let (path, now) = (self.path(to), self.now);
            self.side(to).handle_datagram(now, path, bytes);
        } else {
            let now = self.now;
            self.a.handle_timeout(now);
            self.b.handle_timeout(now);
        }
        self.drain();
        true
    }

    pub(super) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.step(end) {}
    }

    /// Events of one side since the last call, as short words, with what `pick` finds.
    pub(super) fn events(&mut self, side: Side) -> Vec<Event> {
        let all = std::mem::take(&mut self.events);
        let (ours, others) = all.into_iter().partition(|(from, _)| *from == side);
        self.events = others;
        let ours: Vec<(Side, Event)> = ours;
        ours.into_iter().map(|(_, event)| event).collect()
    }

    /// A calls B; the key of A and of B.
    pub(super) fn call(&mut self) -> (LegKey, LegKey) {
        let (now, outbound) = (self.now, self.outbound());
        let a = self.a.invite(now, outbound).unwrap();
        self.run(Duration::from_millis(200));
        let events = self.events(Side::B);
        let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
        (a, *leg)
    }

    /// A calls B and B answers.
    pub(super) fn established(&mut self) -> (LegKey, LegKey) {
        let (a, b) = self.call();
        self.b.answer(self.now, b, sdp(5000)).unwrap();
        self.run(Duration::from_millis(200));
        assert!(matches!(self.events(Side::A)[..], [Event::Answered { sdp: Some(_), .. }]));
        assert!(matches!(self.events(Side::B)[..], [Event::Established { sdp: None, .. }]));
        (a, b)
    }

    /// Waits for every transaction to end, then nothing may be left.
    pub(super) fn assert_empty(&mut self) {
        self.run(Duration::from_secs(200));
        assert_eq!(self.a.counts(), Counts::default(), "A");
        assert_eq!(self.b.counts(), Counts::default(), "B");
    }

    /// First lines of what was sent since the last call, `A INVITE`, `B 200 INVITE`, …
    pub(super) fn sent_lines(&mut self) -> Vec<String> {
        let name = |(side, datagram): (Side, Datagram)| {
            let message = message::Message::parse(
                datagram.bytes,
                message::Framing::Datagram,
                &message::Limits::default(),
            )
            .unwrap();
            let method = String::from_utf8_lossy(message.cseq().unwrap().name).into_owned();
            match message.code() {
                Some(code) => format!("{side:?} {code} {method}"),
                None => format!("{side:?} {method}"),
            }
        };
        std::mem::take(&mut self.sent).into_iter().map(name).collect()
    }
}
