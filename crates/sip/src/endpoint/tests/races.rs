//! Messages that cross, come late or come again, and what a refused refresh leads to.

use std::time::Duration;

use super::pair::sdp;
use super::raw::{Desk, answer, outbound, request};
use crate::message::{Message, Name};
use crate::*;

const SECOND: Duration = Duration::from_secs(1);
const TIMER: &str = "Supported: timer\n";

fn text(message: &Message, name: Name) -> String {
    String::from_utf8_lossy(message.find(name).unwrap_or_default()).into_owned()
}

/// A call that the desk answered; our leg and our INVITE.
fn called(desk: &mut Desk, headers: &str) -> (LegKey, Message) {
    let leg = desk.endpoint.invite(desk.now, outbound(None)).unwrap();
    let invite = desk.only();
    desk.hear(answer(&invite, 200, "desk", headers));
    desk.only();
    desk.events();
    (leg, invite)
}

/// A request of the desk in the dialog of our INVITE.
fn in_call(invite: &Message, method: &str, seq: u32, headers: &str) -> String {
    let ours = invite.from().unwrap().tag().unwrap();
    request(method, seq, ours, headers)
        .replace("<sip:100@192.0.2.9>;tag=desk", "<sip:900@192.0.2.9>;tag=desk")
        .replace("Call-ID: desk", &format!("Call-ID: {}", invite.call_id().unwrap()))
}

/// How long after a 491 our re-INVITE comes again.
fn glare_wait(desk: &mut Desk, leg: LegKey) -> Duration {
    desk.endpoint.reinvite(desk.now, leg, sdp(6000)).unwrap();
    let reinvite = desk.only();
    desk.hear(answer(&reinvite, 491, "desk", ""));
    assert_eq!(desk.only().method_name(), b"ACK");
    for waited in 0..=400_u32 {
        if let Some(again) = desk.sent().first() {
            assert_eq!(again.sdp(), Some(sdp(6000)));
            desk.hear(answer(again, 200, "desk", ""));
            desk.sent();
            desk.events();
            return Duration::from_millis(10) * waited;
        }
        desk.wait(Duration::from_millis(10));
    }
    panic!("no second re-INVITE")
}

#[test]
fn after_glare_the_owner_of_the_call_id_waits_longer() {
    let mut desk = Desk::new(Config::default());
    let (leg, _) = called(&mut desk, "");
    let waits: Vec<_> = (0..40).map(|_| glare_wait(&mut desk, leg)).collect();
    let range = Duration::from_millis(2100)..=Duration::from_millis(4010);
    assert!(waits.iter().all(|wait| range.contains(wait)), "{waits:?}");
    assert!(waits.iter().min() < waits.iter().max(), "the wait is random");

    let mut desk = Desk::new(Config::default());
    let (leg, _) = desk.call("");
    let waits: Vec<_> = (0..40).map(|_| glare_wait(&mut desk, leg)).collect();
    assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(2010)), "{waits:?}");
}

#[test]
fn their_change_gets_491_while_ours_is_open_and_500_while_theirs_is() {
    let mut desk = Desk::new(Config::default());
    let (leg, tag) = desk.call("");
    desk.endpoint.reinvite(desk.now, leg, sdp(6000)).unwrap();
    desk.only();
    desk.hear(request("INVITE", 2, &tag, ""));
    assert_eq!(desk.codes(), [491]);
    let mut desk = Desk::new(Config::default());
    let (_, tag) = desk.call("");
    desk.hear(request("INVITE", 2, &tag, ""));
    desk.hear(request("INVITE", 3, &tag, ""));
    let sent = desk.sent();
    assert_eq!((sent[0].code(), sent[1].code()), (Some(100), Some(500)));
    assert!(sent[1].number(Name::RetryAfter).is_some_and(|wait| wait <= 10));
    // A second INVITE before the first is answered at all.
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", ""));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.endpoint.ring(desk.now, *leg).unwrap();
    let tag = desk.sent().last().unwrap().to().unwrap().tag().unwrap().to_owned();
    desk.hear(request("INVITE", 2, &tag, ""));
    assert_eq!(desk.codes(), [500]);
}

#[test]
fn a_cancel_that_comes_after_the_200_changes_nothing() {
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", ""));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.endpoint.answer(desk.now, *leg, sdp(5000)).unwrap();
    let tag = desk.sent().last().unwrap().to().unwrap().tag().unwrap().to_owned();
    desk.hear(request("CANCEL", 1, "", ""));
    let cancelled = desk.only();
    assert_eq!((cancelled.code(), text(&cancelled, Name::CSeq).as_str()), (Some(200), "1 CANCEL"));
    assert_eq!(cancelled.to().unwrap().tag(), Some(&tag[..]), "both responses have one tag (RFC 3261 §9.2)");
    desk.hear(request("ACK", 1, &tag, ""));
    assert!(matches!(desk.events()[..], [Event::Established { .. }]));
    desk.hear(request("BYE", 2, &tag, ""));
    assert_eq!(desk.codes(), [200]);
}

#[test]
fn a_bye_again_gets_the_same_answer_and_a_late_one_481() {
    let mut desk = Desk::new(Config::default());
    let (_, tag) = desk.call("");
    desk.hear(request("BYE", 2, &tag, ""));
    desk.hear(request("BYE", 2, &tag, ""));
    let sent = desk.sent();
    assert_eq!((sent.len(), sent[0].as_bytes()), (2, sent[1].as_bytes()));
    assert_eq!(desk.events().len(), 1);
    desk.hear(request("BYE", 3, &tag, ""));
    assert_eq!(desk.codes(), [481]);
    // Our own BYE is under way: theirs is still answered with 200.
    let mut desk = Desk::new(Config::default());
    let (leg, tag) = desk.call("");
    desk.endpoint.bye(desk.now, leg, None).unwrap();
    let bye = desk.only();
    desk.hear(request("BYE", 2, &tag, ""));
    assert_eq!(desk.codes(), [200]);
    desk.hear(answer(&bye, 481, "desk", ""));
    assert_eq!(desk.events().len(), 1);
    assert_eq!((desk.endpoint.counts().legs, desk.endpoint.counts().dialogs), (0, 0));
}

#[test]
fn who_knows_timers_and_asks_for_none_is_asked() {
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", &format!("{TIMER}Allow: INVITE, UPDATE\nMin-SE: 2000\n")));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.endpoint.answer(desk.now, *leg, sdp(5000)).unwrap();
    let success = desk.sent().pop().unwrap();
    assert_eq!(text(&success, Name::SessionExpires), "2000;refresher=uas");
    assert_eq!(text(&success, Name::Require), "", "only their refreshes would have to be understood");
    let tag = success.to().unwrap().tag().unwrap().to_owned();
    desk.hear(request("ACK", 1, &tag, ""));
    // A change that says nothing of the timer leaves it as it is.
    desk.hear(request("INVITE", 2, &tag, ""));
    desk.endpoint.accept_reinvite(desk.now, *leg, sdp(5002)).unwrap();
    assert_eq!(text(&desk.sent()[1], Name::SessionExpires), "2000;refresher=uas");
    desk.hear(request("ACK", 2, &tag, ""));
    desk.wait(1000 * SECOND);
    let refresh = desk.only();
    assert_eq!(
        (refresh.method_name(), text(&refresh, Name::SessionExpires)),
        (&b"UPDATE"[..], "2000;refresher=uac".into())
    );
}

#[test]
fn a_refresh_takes_a_longer_interval_and_survives_a_refusal() {
    let mut desk = Desk::new(Config::default());
    let timer = "Allow: INVITE, UPDATE\nSession-Expires: 100;refresher=uac\n";
    called(&mut desk, timer);
    desk.wait(50 * SECOND);
    let refresh = desk.only();
    desk.hear(answer(&refresh, 422, "desk", "Min-SE: 300\n"));
    let again = desk.only();
    assert_eq!(text(&again, Name::SessionExpires), "300;refresher=uac");
    desk.hear(answer(&again, 200, "desk", "Session-Expires: 300;refresher=uac\n"));
    desk.wait(150 * SECOND);
    let refresh = desk.only();
    desk.hear(answer(&refresh, 500, "desk", ""));
    desk.wait(5 * SECOND);
    let again = desk.only();
    // A method that is not known any more: by re-INVITE then, and that may be refused too.
    desk.hear(answer(&again, 405, "desk", ""));
    let reinvite = desk.only();
    assert_eq!((reinvite.method_name(), reinvite.sdp()), (&b"INVITE"[..], Some(sdp(4000))));
    desk.hear(answer(&reinvite, 503, "desk", ""));
    assert_eq!(desk.only().method_name(), b"ACK");
    desk.wait(5 * SECOND);
    let again = desk.only();
    assert_eq!(again.method_name(), b"INVITE");
    // Nobody answers: the call ends when the session does.
    desk.wait(200 * SECOND);
    let told = desk.events();
    assert!(told.iter().any(|event| matches!(event, Event::Ended { .. })), "{told:?}");
    assert!(desk.sent().iter().any(|message| message.method_name() == b"BYE"));
}

#[test]
fn a_dialog_answers_options_and_lists_its_methods_to_unknown_ones() {
    let mut desk = Desk::new(Config::default());
    let (_, invite) = called(&mut desk, "");
    desk.hear(in_call(&invite, "OPTIONS", 1, ""));
    desk.hear(in_call(&invite, "JUGGLE", 2, ""));
    desk.hear(in_call(&invite, "MESSAGE", 3, ""));
    desk.hear(in_call(&invite, "INFO", 4, "Require: gruu\n"));
    let sent = desk.sent();
    let codes: Vec<_> = sent.iter().filter_map(Message::code).collect();
    assert_eq!(codes, [200, 501, 405, 420]);
    assert!(sent[..3].iter().all(|message| text(message, Name::Allow).contains("PRACK")));
    assert_eq!(text(&sent[3], Name::Unsupported), "gruu");
    assert!(desk.events().is_empty());
}
