//! Reliable provisional responses (RFC 3262) and offers before the answer (RFC 3311).

use std::time::Duration;

use super::pair::{Pair, Side, sdp};
use super::raw::{Desk, answer, outbound, request};
use crate::message::{Message, Name};
use crate::*;

const SOON: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);

fn text(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.find(name).unwrap_or_default()).into_owned()
}

fn is_prack(datagram: &Datagram) -> bool {
    datagram.bytes.starts_with(b"PRACK")
}

/// A pair in which the caller insists on PRACK.
fn insisting() -> (Pair, LegKey, LegKey) {
    let mut pair = Pair::new();
    let mut outbound = pair.outbound();
    outbound.headers.push(("Require".into(), "100rel".into()));
    let a = pair.a.invite(pair.now, outbound).unwrap();
    pair.run(SOON);
    let events = pair.events(Side::B);
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    pair.sent_lines();
    (pair, a, *leg)
}

#[test]
fn early_media_is_acknowledged_and_the_200_describes_nothing_again() {
    let mut pair = Pair::new();
    let (a, b) = pair.call();
    pair.b.progress(pair.now, b, sdp(5000)).unwrap();
    pair.run(SOON);
    assert!(matches!(pair.events(Side::A)[..], [Event::Progress { code: 183, sdp: Some(_), .. }]));
    assert!(matches!(pair.events(Side::B)[..], [Event::ProgressAcked { sdp: None, .. }]));
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    pair.run(SOON);
    let events = pair.events(Side::A);
    assert!(
        matches!(&events[..], [Event::Answered { sdp: Some(found), .. }] if *found == sdp(5000)),
        "{events:?}"
    );
    let bodies: Vec<bool> = pair
        .sent
        .iter()
        .filter(|(side, _)| *side == Side::B)
        .map(|(_, sent)| String::from_utf8_lossy(&sent.bytes).contains("m=audio"))
        .collect();
    let lines = pair.sent_lines();
    assert_eq!(lines[2..], ["B 183 INVITE", "A PRACK", "B 200 PRACK", "B 200 INVITE", "A ACK"]);
    assert_eq!(bodies, [false, true, false, false], "{lines:?}");
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn the_answer_waits_for_the_prack_of_a_description() {
    let mut pair = Pair::new();
    let (a, b) = pair.call();
    pair.filter = is_prack;
    pair.b.progress(pair.now, b, sdp(5000)).unwrap();
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    assert_eq!(pair.b.answer(pair.now, b, sdp(5000)), Err(OpError::WrongState));
    pair.run(Duration::from_secs(4));
    let lines = pair.sent_lines();
    let count = |what: &str| lines.iter().filter(|line| *line == what).count();
    // At 0, 0.5, 1.5 and 3.5 s.
    assert_eq!((count("B 183 INVITE"), count("B 200 INVITE")), (4, 0), "{lines:?}");
    pair.filter = |_| false;
    pair.run(Duration::from_secs(4));
    assert!(matches!(
        pair.events(Side::A)[..],
        [Event::Progress { .. }, Event::Answered { sdp: Some(_), .. }]
    ));
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

#[test]
fn a_caller_that_never_acknowledges_is_refused_with_504() {
    let (mut pair, _, b) = insisting();
    pair.filter = is_prack;
    pair.b.ring(pair.now, b).unwrap();
    pair.run(Duration::from_secs(31));
    assert!(pair.events(Side::B).is_empty());
    pair.run(Duration::from_secs(2));
    assert!(matches!(pair.events(Side::B)[..], [Event::Ended { cause: EndCause::NoAck, .. }]));
    assert!(matches!(pair.events(Side::A)[..], [Event::Progress { .. }, Event::Failed { code: 504, .. }]));
    pair.assert_empty();
}

#[test]
fn a_caller_who_insists_gets_each_response_in_order() {
    let (mut pair, a, b) = insisting();
    pair.b.ring(pair.now, b).unwrap();
    pair.b.progress(pair.now, b, sdp(5000)).unwrap();
    pair.b.ring(pair.now, b).unwrap();
    pair.run(SECOND);
    let codes: Vec<u16> = pair
        .events(Side::A)
        .iter()
        .map(|event| if let Event::Progress { code, .. } = event { *code } else { panic!("{event:?}") })
        .collect();
    assert_eq!(codes, [180, 183, 180]);
    let lines = pair.sent_lines();
    assert_eq!(lines.iter().filter(|line| *line == "A PRACK").count(), 3);
    pair.a.cancel(pair.now, a).unwrap();
    pair.run(SECOND);
    assert!(matches!(pair.events(Side::A)[..], [Event::Failed { code: 487, .. }]));
    pair.assert_empty();
}

#[test]
fn an_answer_without_description_before_need_not_wait() {
    let (mut pair, a, b) = insisting();
    pair.filter = is_prack;
    pair.b.ring(pair.now, b).unwrap();
    pair.b.answer(pair.now, b, sdp(5000)).unwrap();
    pair.run(SOON);
    pair.filter = |_| false;
    pair.run(SECOND);
    let lines = pair.sent_lines();
    assert_eq!(lines[..3], ["B 180 INVITE", "B 200 INVITE", "A PRACK"], "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("B 200 PRACK"), "the late PRACK is answered");
    pair.a.bye(pair.now, a, None).unwrap();
    pair.assert_empty();
}

/// An INVITE at the desk, unanswered: the leg.
fn ringing(desk: &mut Desk, headers: &str) -> LegKey {
    desk.hear(request("INVITE", 1, "", headers));
    desk.sent();
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    *leg
}

fn with_offer(request: String) -> String {
    let offer = "v=0\no=x 1 2 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 0\n";
    request.replace("Max-Forwards: 70\n", "Max-Forwards: 70\nContent-Type: application/sdp\n") + offer
}

#[test]
fn a_prack_of_nothing_gets_481_and_one_repeated_the_same_answer() {
    let mut desk = Desk::new(Config::default());
    let leg = ringing(&mut desk, "Require: 100rel\n");
    desk.endpoint.ring(desk.now, leg).unwrap();
    let ringing = desk.only();
    assert_eq!(text(&ringing, Name::Require), "100rel");
    let (rseq, tag) = (ringing.number(Name::RSeq).unwrap(), ringing.to().unwrap().tag().unwrap().to_owned());
    assert!((1..1 << 31).contains(&rseq));
    for (seq, rack) in
        [(2, format!("{} 1 INVITE", rseq + 1)), (3, format!("{rseq} 2 INVITE")), (4, "x".into())]
    {
        desk.hear(request("PRACK", seq, &tag, &format!("RAck: {rack}\n")));
        assert_eq!(desk.codes(), [481], "{rack}");
    }
    let prack = request("PRACK", 5, &tag, &format!("RAck: {rseq} 1 INVITE\n"));
    desk.hear(&prack);
    desk.hear(&prack);
    assert_eq!(desk.codes(), [200, 200]);
    desk.hear(request("PRACK", 6, &tag, &format!("RAck: {rseq} 1 INVITE\n")));
    desk.hear(request("PRACK", 7, "", "RAck: 1 1 INVITE\n"));
    assert_eq!(desk.codes(), [481, 481]);
    assert!(matches!(desk.events()[..], [Event::ProgressAcked { .. }]));
}

#[test]
fn offers_before_the_answer_are_taken_once_the_first_is_settled() {
    let mut desk = Desk::new(Config::default());
    let leg = ringing(&mut desk, "Supported: 100rel\n");
    desk.endpoint.ring(desk.now, leg).unwrap();
    let tag = desk.only().to().unwrap().tag().unwrap().to_owned();
    // Their offer is not answered.
    desk.hear(with_offer(request("UPDATE", 2, &tag, "")));
    let refusal = desk.only();
    assert_eq!((refusal.code(), refusal.number(Name::RetryAfter).is_some()), (Some(500), true));
    // No offer: only the target is new.
    desk.hear(request("UPDATE", 3, &tag, ""));
    assert_eq!(desk.codes(), [200]);
    desk.endpoint.progress(desk.now, leg, sdp(5000)).unwrap();
    let rseq = desk.only().number(Name::RSeq).unwrap();
    desk.hear(request("PRACK", 4, &tag, &format!("RAck: {rseq} 1 INVITE\n")));
    assert_eq!(desk.codes(), [200]);
    desk.events();
    desk.hear(with_offer(request("UPDATE", 5, &tag, "")));
    assert!(matches!(desk.events()[..], [Event::Reinvite { offer: Some(_), .. }]));
    // The 200 of the INVITE waits for the answer to this offer.
    desk.endpoint.answer(desk.now, leg, sdp(5000)).unwrap();
    assert!(desk.sent().is_empty());
    desk.endpoint.accept_reinvite(desk.now, leg, sdp(5002)).unwrap();
    let sent = desk.sent();
    assert_eq!((sent[0].code(), sent[0].sdp()), (Some(200), Some(sdp(5002))));
    assert_eq!((text(&sent[1], Name::CSeq).as_str(), sent[1].sdp()), ("1 INVITE", None));
    desk.hear(request("ACK", 1, &tag, ""));
    assert!(matches!(desk.events()[..], [Event::Established { sdp: None, .. }]));
}

#[test]
fn an_offer_of_ours_is_answered_in_the_prack() {
    let mut desk = Desk::new(Config::default());
    let no_offer = |headers: &str| {
        let invite = request("INVITE", 1, "", headers);
        let head = invite.split("Content-Type").next().unwrap().to_owned();
        head + "Content-Length: 0\n\n"
    };
    desk.hear(no_offer("Supported: 100rel\n"));
    desk.sent();
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.endpoint.progress(desk.now, *leg, sdp(5000)).unwrap();
    let progress = desk.only();
    let (rseq, tag) =
        (progress.number(Name::RSeq).unwrap(), progress.to().unwrap().tag().unwrap().to_owned());
    desk.hear(with_offer(request("UPDATE", 2, &tag, "")));
    assert_eq!(desk.codes(), [491], "our offer is open");
    desk.hear(with_offer(request("PRACK", 3, &tag, &format!("RAck: {rseq} 1 INVITE\n"))));
    assert_eq!(desk.codes(), [200]);
    assert!(matches!(desk.events()[..], [Event::ProgressAcked { sdp: Some(_), .. }]));
    desk.endpoint.answer(desk.now, *leg, sdp(5000)).unwrap();
    assert_eq!(desk.only().sdp(), None);

    let mut desk = Desk::new(Config::default());
    desk.hear(no_offer(""));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    let refused = desk.endpoint.progress(desk.now, *leg, sdp(5000));
    assert!(matches!(refused, Err(OpError::Invalid(_))), "an offer may not be lost");
    let mut desk = Desk::new(Config::default());
    desk.hear(no_offer("Require: 100rel\n"));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.sent();
    desk.endpoint.ring(desk.now, *leg).unwrap();
    assert!(desk.sent().is_empty(), "the first reliable response has to carry our offer");
}

#[test]
fn forks_are_acknowledged_each_in_its_dialog_and_in_order() {
    let mut desk = Desk::new(Config::default());
    let leg = desk.endpoint.invite(desk.now, outbound(None)).unwrap();
    let invite = desk.only();
    assert_eq!(text(&invite, Name::Supported), "timer, 100rel");
    let reliable =
        |tag: &str, rseq: u32| answer(&invite, 183, tag, &format!("Require: 100rel\nRSeq: {rseq}\n"));
    for (tag, rseq) in
        [("one", 7), ("two", 70), ("one", 7), ("one", 9), ("one", 8), ("two", 71), ("three", 1)]
    {
        desk.hear(reliable(tag, rseq));
    }
    let pracks: Vec<_> = desk
        .sent()
        .iter()
        .map(|prack| {
            assert_eq!(prack.method_name(), b"PRACK");
            let tag = prack.to().unwrap().tag().unwrap().to_owned();
            (tag, text(prack, Name::RAck), prack.cseq().unwrap().number)
        })
        .collect();
    let due = [("one", "7 1 INVITE", 2), ("two", "70 1 INVITE", 2), ("one", "8 1 INVITE", 3)];
    let due = due.into_iter().chain([("two", "71 1 INVITE", 3), ("three", "1 1 INVITE", 2)]);
    let due: Vec<_> = due.map(|(tag, rack, seq)| (tag.to_owned(), rack.to_owned(), seq)).collect();
    assert_eq!(pracks, due);
    assert_eq!(desk.events().len(), 5, "what came again or too early is told of by nobody");
    // A fork may ask in its own dialog.
    let in_fork = |text: String, tag: &str| {
        let from = format!("From: <sip:900@192.0.2.9>;tag={tag}");
        let (ours, call_id) = (invite.from().unwrap().tag().unwrap(), invite.call_id().unwrap());
        text.replace("From: <sip:100@192.0.2.9>;tag=desk", &from)
            .replace("tag=OURS", &format!("tag={ours}"))
            .replace("Call-ID: desk", &format!("Call-ID: {call_id}"))
    };
    desk.hear(in_fork(request("OPTIONS", 1, "OURS", ""), "one"));
    desk.hear(in_fork(request("OPTIONS", 2, "OURS", ""), "two"));
    desk.hear(in_fork(request("OPTIONS", 3, "OURS", ""), "four"));
    assert_eq!(desk.codes(), [200, 200, 481]);
    // Two of them answer: one call, and one that is hung up with the next number of its own dialog.
    desk.hear(answer(&invite, 200, "one", ""));
    desk.hear(answer(&invite, 200, "two", ""));
    let sent: Vec<_> = desk
        .sent()
        .iter()
        .map(|message| {
            let tag = message.to().unwrap().tag().unwrap().to_owned();
            (String::from_utf8_lossy(message.method_name()).into_owned(), tag, message.cseq().unwrap().number)
        })
        .collect();
    let line = |method: &str, tag: &str, seq| (method.to_owned(), tag.to_owned(), seq);
    assert_eq!(sent, [line("ACK", "one", 1), line("ACK", "two", 1), line("BYE", "two", 4)]);
    desk.hear(in_fork(request("BYE", 4, "OURS", ""), "two"));
    assert_eq!(desk.codes(), [481], "the surplus dialog is gone, the call is not");
    desk.endpoint.bye(desk.now, leg, None).unwrap();
    assert_eq!(desk.only().cseq().unwrap().number, 4);
}

#[test]
fn without_an_offer_of_ours_nothing_reliable_is_asked_for() {
    let mut desk = Desk::new(Config::default());
    desk.endpoint.invite(desk.now, Outbound { sdp: None, ..outbound(None) }).unwrap();
    assert_eq!(text(&desk.only(), Name::Supported), "timer");
}
