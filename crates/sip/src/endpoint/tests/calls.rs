//! One test per way a call can go.

use std::time::Duration;

use super::pair::{Pair, Side, sdp};
use crate::*;

const SOON: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);

/// Whether the datagram is a request of this method, or a response with this start.
fn starts(datagram: &Datagram, text: &str) -> bool {
    datagram.bytes.starts_with(text.as_bytes())
}

#[test]
fn a_call_rings_is_answered_and_hung_up_by_the_caller() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut pair = Pair::over(transport);
        let outbound = pair.outbound();
        let a = pair.a.invite(pair.now, outbound).unwrap();
        pair.run(SOON);
        let events = pair.events(Side::B);
        let [Event::Invite { leg: b, invite }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((&invite.user[..], &invite.host[..]), ("4000", "10.0.0.2"));
        assert_eq!((&invite.from.display[..], &invite.from.uri[..]), ("Anna \"A\"", "sip:100@10.0.0.1"));
        assert_eq!(invite.asserted.as_ref().unwrap().user(), "+8613800138000");
        assert_eq!(invite.offer, Some(sdp(4000)));
        pair.b.ring(pair.now, *b).unwrap();
        pair.run(SECOND);
        assert!(matches!(pair.events(Side::A)[..], [Event::Progress { code: 180, sdp: None, .. }]));
        pair.b.answer(pair.now, *b, sdp(5000)).unwrap();
        pair.run(SECOND);
        let events = pair.events(Side::A);
        assert!(matches!(&events[..], [Event::Answered { sdp: Some(found), .. }] if *found == sdp(5000)));
        assert!(matches!(pair.events(Side::B)[..], [Event::Established { .. }]));
        pair.a.bye(pair.now, a, Some("Q.850;cause=16")).unwrap();
        pair.run(SECOND);
        assert!(matches!(pair.events(Side::A)[..], [Event::Ended { cause: EndCause::LocalBye, .. }]));
        let events = pair.events(Side::B);
        let [Event::Ended { cause: EndCause::RemoteBye, reason: Some(reason), .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert_eq!(reason, "Q.850;cause=16");
        assert_eq!(
            pair.sent_lines(),
            ["A INVITE", "B 100 INVITE", "B 180 INVITE", "B 200 INVITE", "A ACK", "A BYE", "B 200 BYE"]
        );
        pair.assert_empty();
    }
}

#[test]
fn early_media_comes_with_183() {
    let mut pair = Pair::new();
    let (_, b) = pair.call();
    pair.b.progress(pair.now, b, sdp(5000)).unwrap();
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::Progress { code: 183, sdp: Some(_), .. }]));
    pair.b.hang_up(pair.now, b).unwrap();
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 480, .. }]));
    pair.assert_empty();
}

#[test]
fn a_refusal_carries_reason_and_retry_after() {
    let mut pair = Pair::new();
    let (_, b) = pair.call();
    pair.b.reject(pair.now, b, 503, Some("Full\r\nX: y"), Some(Duration::from_secs(30))).unwrap();
    pair.run(SOON);
    let events = pair.events(Side::A);
    let [Event::Failed { code: 503, reason, retry_after, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&reason[..], *retry_after), ("Full  X: y", Some(Duration::from_secs(30))));
    assert_eq!(pair.b.ring(pair.now, b), Err(OpError::NoLeg));
    pair.assert_empty();
}

#[test]
fn a_cancelled_call_is_reported_on_both_sides() {
    let mut pair = Pair::new();
    let (a, b) = pair.call();
    pair.b.ring(pair.now, b).unwrap();
    pair.run(SECOND);
    pair.a.cancel(pair.now, a).unwrap();
    pair.run(SECOND);
    assert!(matches!(pair.events(Side::A)[..], [Event::Progress { .. }, Event::Failed { code: 487, .. }]));
    assert!(matches!(pair.events(Side::B)[..], [Event::Cancelled { .. }]));
    let lines = pair.sent_lines();
    assert_eq!(lines[3..], ["A CANCEL", "B 200 CANCEL", "B 487 INVITE", "A ACK"]);
    pair.assert_empty();
}

#[test]
fn a_cancel_waits_for_the_first_provisional_response() {
    let mut pair = Pair::new();
    let outbound = pair.outbound();
    let a = pair.a.invite(pair.now, outbound).unwrap();
    pair.a.cancel(pair.now, a).unwrap();
    pair.run(SECOND);
    let lines = pair.sent_lines();
    assert_eq!(lines, ["A INVITE", "B 100 INVITE", "A CANCEL", "B 200 CANCEL", "B 487 INVITE", "A ACK"]);
    pair.assert_empty();
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let mut pair = Pair::new();
    let (a, b) = pair.call();
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    pair.a.cancel(pair.now, a).unwrap();
    pair.run(SECOND);
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 487, .. }]));
    let events = pair.events(Side::B);
    assert!(
        matches!(events[..], [Event::Established { .. }, Event::Ended { cause: EndCause::RemoteBye, .. }]),
        "{events:?}"
    );
    pair.assert_empty();
}

#[test]
fn nobody_there_fails_with_408_after_32_seconds() {
    let mut pair = Pair::new();
    pair.filter = |_| true;
    let outbound = pair.outbound();
    pair.a.invite(pair.now, outbound).unwrap();
    pair.run(Duration::from_millis(31_900));
    assert!(pair.events(Side::A).is_empty());
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 408, .. }]));
    assert_eq!(pair.sent_lines().len(), 7);
    pair.assert_empty();
}

#[test]
fn an_unreachable_address_fails_with_503_at_once() {
    let mut pair = Pair::new();
    let outbound = pair.outbound();
    pair.a.invite(pair.now, outbound).unwrap();
    pair.a.handle_unreachable(pair.now, "10.0.0.2:5060".parse().unwrap());
    pair.drain();
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 503, .. }]));
    pair.a = Endpoint::new(Config::default(), pair.now, [9; 32]);
    pair.run(SOON);
}

#[test]
fn an_unanswered_call_is_cancelled_by_the_caller_limit() {
    let mut pair = Pair::new();
    let mut outbound = pair.outbound();
    outbound.answer_limit = Some(Duration::from_secs(20));
    pair.a.invite(pair.now, outbound).unwrap();
    pair.run(Duration::from_secs(21));
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 408, .. }]));
    assert!(matches!(pair.events(Side::B)[..], [Event::Invite { .. }, Event::Cancelled { .. }]));
    pair.assert_empty();
}

#[test]
fn a_call_that_nothing_answers_is_given_up_as_silent_and_what_comes_late_is_cancelled() {
    let mut pair = Pair::new();
    let invite = |pair: &mut Pair| {
        let outbound = Outbound { silence_limit: Some(Duration::from_secs(4)), ..pair.outbound() };
        pair.a.invite(pair.now, outbound).unwrap();
    };
    pair.filter = |_| true;
    invite(&mut pair);
    pair.run(Duration::from_secs(5));
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 408, silent: true, .. }]));
    let invites = |pair: &mut Pair| pair.sent_lines().iter().filter(|line| line.contains("INVITE")).count();
    assert_eq!(invites(&mut pair), 4, "at once, and after 0.5, 1.5 and 3.5 s");
    pair.run(Duration::from_secs(60));
    assert_eq!(invites(&mut pair), 0, "repeated");
    assert!(pair.events(Side::A).is_empty(), "told once");
    pair.assert_empty();
    // Whatever else is heard, and be it 100, is no silence.
    pair.filter = |_| false;
    invite(&mut pair);
    pair.run(Duration::from_secs(10));
    assert!(pair.events(Side::A).is_empty());
}

#[test]
fn a_call_the_engine_forgets_is_refused_by_the_limit() {
    let quick = Config { answer_limit: Duration::from_secs(90), ..Config::default() };
    let mut pair = Pair::with(Config::default(), quick, 3);
    let (_, b) = pair.call();
    pair.b.ring(pair.now, b).unwrap();
    pair.run(Duration::from_secs(91));
    assert!(matches!(pair.events(Side::B)[..], [Event::Ended { cause: EndCause::NoAnswer, .. }]));
    let ringing = pair.sent_lines().iter().filter(|line| *line == "B 180 INVITE").count();
    assert_eq!(ringing, 2, "180 is repeated after a minute");
    pair.assert_empty();
}

#[test]
fn a_200_without_ack_is_repeated_and_then_hung_up() {
    let mut pair = Pair::new();
    let (_, b) = pair.call();
    pair.filter = |datagram| starts(datagram, "ACK");
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    pair.run(Duration::from_secs(31));
    assert!(pair.events(Side::B).is_empty());
    let lines = pair.sent_lines();
    assert_eq!(lines.iter().filter(|line| *line == "B 200 INVITE").count(), 10);
    assert_eq!(lines.iter().filter(|line| *line == "A ACK").count(), 10);
    pair.run(Duration::from_secs(2));
    assert!(matches!(pair.events(Side::B)[..], [Event::Ended { cause: EndCause::NoAck, .. }]));
    let events = pair.events(Side::A);
    assert!(matches!(events[..], [Event::Answered { .. }, Event::Ended { cause: EndCause::RemoteBye, .. }]));
    pair.assert_empty();
}

#[test]
fn a_bye_before_the_ack_waits_for_it() {
    let mut pair = Pair::new();
    let (_, b) = pair.call();
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    pair.b.bye(pair.now, b, None).unwrap();
    pair.run(SECOND);
    let lines = pair.sent_lines();
    assert_eq!(lines[2..], ["B 200 INVITE", "A ACK", "B BYE", "A 200 BYE"]);
    assert!(matches!(pair.events(Side::B)[..], [Event::Ended { cause: EndCause::LocalBye, .. }]));
    pair.assert_empty();
}

#[test]
fn both_hang_up_at_once() {
    let mut pair = Pair::new();
    let (a, b) = pair.established();
    pair.a.bye(pair.now, a, None).unwrap();
    pair.b.bye(pair.now, b, None).unwrap();
    pair.run(SECOND);
    assert_eq!((pair.events(Side::A).len(), pair.events(Side::B).len()), (1, 1));
    assert_eq!(pair.a.bye(pair.now, a, None), Err(OpError::NoLeg));
    pair.assert_empty();
}

#[test]
fn a_late_offer_is_answered_in_the_ack() {
    let mut pair = Pair::new();
    let mut outbound = pair.outbound();
    outbound.sdp = None;
    let a = pair.a.invite(pair.now, outbound).unwrap();
    pair.run(SOON);
    let events = pair.events(Side::B);
    let [Event::Invite { leg: b, invite }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(invite.offer, None);
    pair.b.answer(pair.now, *b, sdp(5000)).unwrap();
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::Answered { sdp: Some(_), .. }]));
    pair.a.acknowledge(pair.now, a, sdp(4000)).unwrap();
    pair.run(SOON);
    let events = pair.events(Side::B);
    assert!(matches!(&events[..], [Event::Established { sdp: Some(found), .. }] if *found == sdp(4000)));
    pair.b.bye(pair.now, *b, None).unwrap();
    pair.assert_empty();
}

#[test]
fn hold_by_reinvite_goes_both_ways() {
    let mut pair = Pair::new();
    let (a, b) = pair.established();
    for (from, to, asks, answers) in [(Side::A, Side::B, a, b), (Side::B, Side::A, b, a)] {
        let now = pair.now;
        pair.side(from).reinvite(now, asks, sdp(6000)).unwrap();
        assert_eq!(pair.side(from).reinvite(now, asks, sdp(6000)), Err(OpError::WrongState));
        pair.run(SOON);
        let events = pair.events(to);
        assert!(matches!(&events[..], [Event::Reinvite { offer: Some(offer), .. }] if *offer == sdp(6000)));
        let now = pair.now;
        pair.side(to).accept_reinvite(now, answers, sdp(7000)).unwrap();
        pair.run(SOON);
        assert!(matches!(pair.events(from)[..], [Event::ReinviteAnswered { sdp: Some(_), .. }]));
        assert!(matches!(pair.events(to)[..], [Event::ReinviteAcked { sdp: None, .. }]));
    }
    pair.a.reinvite(pair.now, a, sdp(6000)).unwrap();
    pair.run(SOON);
    pair.b.reject_reinvite(pair.now, b, 488).unwrap();
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::ReinviteFailed { code: 488, .. }]));
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn reinvites_that_meet_get_491_and_one_comes_again() {
    let mut pair = Pair::new();
    let (a, b) = pair.established();
    pair.sent_lines();
    pair.a.reinvite(pair.now, a, sdp(6000)).unwrap();
    pair.b.reinvite(pair.now, b, sdp(7000)).unwrap();
    pair.run(SOON);
    let refused = pair.sent_lines().iter().filter(|line| line.contains("491")).count();
    assert_eq!(refused, 2);
    for _ in 0..60 {
        pair.run(SOON);
        for (side, leg) in [(Side::A, a), (Side::B, b)] {
            let asked = pair.events(side).iter().any(|event| matches!(event, Event::Reinvite { .. }));
            if asked {
                let now = pair.now;
                pair.side(side).accept_reinvite(now, leg, sdp(8000)).unwrap();
            }
        }
    }
    pair.a.reinvite(pair.now, a, sdp(6000)).unwrap();
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn an_engine_that_never_answers_a_reinvite_lets_it_fail() {
    let mut pair = Pair::new();
    let (a, _) = pair.established();
    pair.a.reinvite(pair.now, a, sdp(6000)).unwrap();
    pair.run(Duration::from_secs(11));
    assert!(matches!(pair.events(Side::A)[..], [Event::ReinviteFailed { code: 500, .. }]));
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn info_carries_digits() {
    let mut pair = Pair::new();
    let (a, _) = pair.established();
    pair.a.info(pair.now, a, "application/dtmf-relay", b"Signal=7\r\nDuration=120\r\n").unwrap();
    pair.run(SOON);
    let events = pair.events(Side::B);
    let [Event::Info { content_type, body, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(content_type, "application/dtmf-relay");
    assert_eq!(dtmf_relay(body), Some(('7', 120)));
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn the_session_timer_refreshes_by_update_as_long_as_the_call_stands() {
    let mut pair = Pair::new();
    let (a, _) = pair.established();
    pair.sent_lines();
    pair.run(Duration::from_secs(3600));
    let updates = pair.sent_lines().iter().filter(|line| *line == "A UPDATE").count();
    assert_eq!(updates, 4, "each 900 s");
    assert!(pair.events(Side::A).is_empty() && pair.events(Side::B).is_empty());
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn a_peer_that_fell_silent_is_noticed_by_the_session_timer() {
    let mut pair = Pair::new();
    pair.established();
    pair.filter = |_| true;
    pair.run(Duration::from_secs(1800));
    assert!(matches!(pair.events(Side::A)[..], [Event::Ended { cause: EndCause::Lost(408), .. }]));
    assert!(matches!(pair.events(Side::B)[..], [Event::Ended { cause: EndCause::SessionExpired, .. }]));
    pair.assert_empty();
}

#[test]
fn a_call_ends_at_its_limit() {
    let mut pair = Pair::new();
    pair.established();
    pair.run(Duration::from_secs(2 * 3600 + 10));
    let causes = [pair.events(Side::A), pair.events(Side::B)];
    assert!(
        causes.iter().flatten().any(|event| matches!(event, Event::Ended { cause: EndCause::CallLimit, .. }))
    );
    pair.assert_empty();
}

#[test]
fn a_lost_connection_does_not_end_the_call() {
    let mut pair = Pair::over(Transport::Tcp);
    let (a, _) = pair.established();
    pair.a.handle_connection_lost(pair.now, ConnectionId(1));
    pair.a.bye(pair.now, a, None).unwrap();
    pair.drain();
    let (_, last) = pair.sent.last().unwrap();
    assert_eq!((last.connection, last.to), (None, "10.0.0.2:5060".parse().unwrap()));
    pair.assert_empty();
}
