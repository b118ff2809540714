//! What a short call costs: `cargo run --release -p hotline-sip --example short_calls`.
//!
//! Two endpoints call each other on a clock of their own: INVITE, 100, 180, 200, ACK, BYE, 200. Printed is
//! the CPU of one side in microseconds for each call, the best and the median of ten rounds.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hotline_sip::{Config, Endpoint, Event, Outbound, Party, Source, Transport, sdp};

const CALLS: u32 = 5_000;
const ROUNDS: usize = 10;

struct Two {
    a: Endpoint,
    b: Endpoint,
    to_a: Source,
    to_b: Source,
}

impl Two {
    /// Carries everything both want to send; gives the events of both.
    fn carry(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            let mut idle = true;
            while let Some(datagram) = self.a.poll_datagram() {
                self.b.handle_datagram(now, self.to_b, datagram.bytes);
                idle = false;
            }
            while let Some(datagram) = self.b.poll_datagram() {
                self.a.handle_datagram(now, self.to_a, datagram.bytes);
                idle = false;
            }
            events.extend(std::iter::from_fn(|| self.a.poll_event()));
            events.extend(std::iter::from_fn(|| self.b.poll_event()));
            if idle {
                return events;
            }
        }
    }

    fn call(&mut self, now: Instant, outbound: Outbound, answer: &Bytes) {
        let leg = self.a.invite(now, outbound).expect("the URIs are sound");
        for event in self.carry(now) {
            if let Event::Invite { leg, .. } = event {
                self.b.ring(now, leg).expect("it waits");
                self.b.answer(now, leg, answer.clone()).expect("it waits");
            }
        }
        self.carry(now);
        self.a.bye(now, leg, None).expect("it stands");
        self.carry(now);
    }
}

fn main() {
    let (here, there): (SocketAddr, SocketAddr) =
        (([192, 0, 2, 1], 5060).into(), ([192, 0, 2, 2], 5060).into());
    let source = |local, remote| Source { transport: Transport::Udp, local, remote, connection: None };
    let description = |address| Bytes::from(sdp::offer(&sdp::Capabilities::new(address, 1)));
    let outbound = Outbound {
        target: "sip:10086@192.0.2.2".into(),
        destination: there,
        transport: Transport::Udp,
        local: here,
        connection: None,
        from: Party { display: String::new(), uri: "sip:100@192.0.2.1".into() },
        to: Party { display: String::new(), uri: "sip:10086@192.0.2.2".into() },
        sdp: Some(description(here)),
        credentials: None,
        headers: Vec::new(),
        answer_limit: None,
        silence_limit: None,
    };
    let answer = description(there);
    let mut now = Instant::now();
    let mut two = Two {
        a: Endpoint::new(Config::default(), now, [1; 32]),
        b: Endpoint::new(Config::default(), now, [2; 32]),
        to_a: source(here, there),
        to_b: source(there, here),
    };
    let mut costs: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            for _ in 0..CALLS {
                now += Duration::from_millis(2);
                two.call(now, outbound.clone(), &answer);
                two.a.handle_timeout(now);
                two.b.handle_timeout(now);
                two.carry(now);
            }
            began.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS) / 2.0
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    println!("{:.1} µs a side at best, {:.1} µs in the middle", costs[0], costs[ROUNDS / 2]);
}
