//! Calls in bad weather: whatever is lost, doubled or late, both sides end and nothing is left.

use std::time::Duration;

use super::pair::{Pair, Side, Weather, sdp};
use crate::*;

/// What a side does when asked; the seed decides.
fn react(pair: &mut Pair, side: Side, event: &Event, plan: u8) {
    let now = pair.now;
    let endpoint = pair.side(side);
    match event {
        // Early media, whose PRACK the answer waits for.
        Event::Invite { leg, .. } if plan % 8 >= 6 => {
            endpoint.progress(now, *leg, sdp(5000)).unwrap();
            endpoint.ring(now, *leg).unwrap();
            endpoint.answer(now, *leg, sdp(5000)).unwrap();
        }
        Event::Invite { leg, .. } => {
            endpoint.ring(now, *leg).unwrap();
            match plan % 4 {
                0 => endpoint.reject(now, *leg, 486, None, None).unwrap(),
                1 => {}
                _ => endpoint.answer(now, *leg, sdp(5000)).unwrap(),
            }
        }
        Event::Answered { leg, .. } if plan % 8 == 2 => {
            let _ = endpoint.reinvite(now, *leg, sdp(6000));
        }
        Event::Established { leg, .. } if plan % 8 == 3 => endpoint.bye(now, *leg, None).unwrap(),
        Event::Established { leg, .. } if plan % 8 == 6 => {
            let _ = endpoint.reinvite(now, *leg, sdp(6000));
        }
        Event::Reinvite { leg, .. } => {
            let _ = endpoint.accept_reinvite(now, *leg, sdp(7000));
        }
        _ => {}
    }
}

#[test]
fn whatever_the_network_does_both_sides_end_and_nothing_is_left() {
    for seed in 0..120_u8 {
        let mut pair = Pair::with(Config::default(), Config::default(), seed);
        pair.weather = Weather { loss: 20, duplication: 15, delay_ms: 400 };
        let outbound = pair.outbound();
        let a = pair.a.invite(pair.now, outbound).unwrap();
        let mut ends = Vec::new();
        let end = pair.now + Duration::from_secs(600);
        let hang_up_at = pair.now + Duration::from_secs(20);
        let mut hung_up = false;
        while pair.step(end) {
            for side in [Side::A, Side::B] {
                for event in pair.events(side) {
                    if matches!(event, Event::Ended { .. } | Event::Failed { .. } | Event::Cancelled { .. }) {
                        ends.push(side);
                    }
                    react(&mut pair, side, &event, seed);
                }
            }
            if !hung_up && pair.now >= hang_up_at {
                hung_up = true;
                let _ = pair.a.hang_up(pair.now, a);
            }
        }
        assert_eq!(ends.iter().filter(|side| **side == Side::A).count(), 1, "seed {seed}: {ends:?}");
        assert!(ends.iter().filter(|side| **side == Side::B).count() <= 1, "seed {seed}: {ends:?}");
        assert_eq!(pair.a.counts(), Counts::default(), "A, seed {seed}");
        assert_eq!(pair.b.counts(), Counts::default(), "B, seed {seed}");
    }
}
