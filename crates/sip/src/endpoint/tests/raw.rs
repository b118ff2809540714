//! The endpoint against hand-written messages: what a `Pair` of ourselves would never send.

use std::time::{Duration, Instant};

use super::pair::{sdp, start};
use crate::message::{Framing, Limits, Message, Name};
use crate::*;

/// One endpoint and the pen.
pub(super) struct Desk {
    pub(super) now: Instant,
    pub(super) endpoint: Endpoint,
    source: Source,
}

impl Desk {
    pub(super) fn new(config: Config) -> Desk {
        let now = start();
        let source = Source {
            transport: Transport::Udp,
            local: "192.0.2.1:5060".parse().unwrap(),
            remote: "192.0.2.9:5060".parse().unwrap(),
            connection: None,
        };
        Desk { now, endpoint: Endpoint::new(config, now, [7; 32]), source }
    }

    pub(super) fn hear(&mut self, text: impl AsRef<str>) {
        let bytes = text.as_ref().replace('\n', "\r\n").into_bytes();
        self.endpoint.handle_datagram(self.now, self.source, bytes.into());
    }

    pub(super) fn sent(&mut self) -> Vec<Message> {
        let endpoint = &mut self.endpoint;
        let read = |datagram: Datagram| {
            Message::parse(datagram.bytes, Framing::Datagram, &Limits::default()).unwrap()
        };
        std::iter::from_fn(|| endpoint.poll_datagram()).map(read).collect()
    }

    pub(super) fn codes(&mut self) -> Vec<u16> {
        self.sent().iter().filter_map(Message::code).collect()
    }

    pub(super) fn only(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.endpoint.poll_event()).collect()
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.endpoint.handle_timeout(self.now);
    }

    /// An answered and acknowledged call from the desk; our tag.
    pub(super) fn call(&mut self, headers: &str) -> (LegKey, String) {
        self.hear(request("INVITE", 1, "", headers));
        let events = self.events();
        let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
        self.endpoint.answer(self.now, *leg, sdp(5000)).unwrap();
        let sent = self.sent();
        let tag = sent.last().unwrap().to().unwrap().tag().unwrap().to_owned();
        self.hear(request("ACK", 1, &tag, ""));
        assert!(matches!(self.events()[..], [Event::Established { .. }]));
        (*leg, tag)
    }
}

/// A request of the desk's dialog; each CSeq has its own branch.
pub(super) fn request(method: &str, seq: u32, tag: &str, headers: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let (branch, number) = match method {
        // The CANCEL has the INVITE's branch.
        "CANCEL" => ("INVITE", seq),
        method => (method, seq),
    };
    let body = if method == "INVITE" && !headers.contains("Content-Type") {
        "v=0\no=x 1 1 IN IP4 192.0.2.9\ns=-\nc=IN IP4 192.0.2.9\nt=0 0\nm=audio 4000 RTP/AVP 0\n"
    } else {
        ""
    };
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\n" };
    format!(
        "{method} sip:4000@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{branch}{number}\n\
         From: <sip:100@192.0.2.9>;tag=desk\nTo: <sip:4000@192.0.2.1>{tag}\nCall-ID: desk\n\
         CSeq: {seq} {method}\nContact: <sip:100@192.0.2.9>\nMax-Forwards: 70\n{headers}{kind}\
         \n{body}"
    )
}

#[test]
fn a_retransmitted_invite_gets_the_same_response_and_one_event() {
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", ""));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!() };
    desk.endpoint.ring(desk.now, *leg).unwrap();
    let first = desk.sent();
    desk.hear(request("INVITE", 1, "", ""));
    let again = desk.only();
    assert_eq!(again.as_bytes(), first[1].as_bytes());
    assert!(desk.events().is_empty());
}

#[test]
fn a_merged_request_gets_482() {
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", ""));
    desk.sent();
    desk.hear(request("INVITE", 1, "", "").replace("z9hG4bK", "z9hG4bKother"));
    assert_eq!(desk.codes(), [482]);
}

#[test]
fn an_old_invite_without_branch_is_matched_with_its_ack() {
    let old = |text: String| text.replace(";branch=z9hG4bKINVITE1", "").replace(";branch=z9hG4bKACK1", "");
    let mut desk = Desk::new(Config::default());
    desk.hear(old(request("INVITE", 1, "", "")));
    desk.hear(old(request("INVITE", 1, "", "")));
    let events = desk.events();
    let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
    desk.endpoint.reject(desk.now, *leg, 486, None, None).unwrap();
    let tag = desk.sent().last().unwrap().to().unwrap().tag().unwrap().to_owned();
    desk.hear(old(request("ACK", 1, &tag, "")));
    desk.wait(Duration::from_secs(5));
    assert_eq!(desk.endpoint.counts(), Counts::default());
    assert!(desk.sent().is_empty());
}

#[test]
fn requests_out_of_order_get_500_and_unknown_dialogs_481() {
    let mut desk = Desk::new(Config::default());
    let (_, tag) = desk.call("");
    desk.hear(request("INFO", 5, &tag, ""));
    desk.hear(request("INFO", 4, &tag, ""));
    desk.hear(request("BYE", 6, "stranger", ""));
    desk.hear(request("CANCEL", 77, "", ""));
    desk.hear(request("BYE", 7, "", ""));
    assert_eq!(desk.codes(), [200, 500, 481, 481, 481]);
}

#[test]
fn what_is_not_understood_is_refused_with_the_header_that_says_why() {
    for (text, code, name, value) in [
        (request("INVITE", 1, "", "Require: 100rel, timer, x, y\n"), 420, Name::Unsupported, "x, y"),
        (
            request("INVITE", 1, "", "Content-Type: text/plain\n") + "hello",
            415,
            Name::Accept,
            super::super::screen::ACCEPT,
        ),
        (request("INVITE", 1, "", "Session-Expires: 60\nSupported: timer\n"), 422, Name::MinSe, "90"),
        (request("SUBSCRIBE", 1, "", ""), 405, Name::Allow, super::super::screen::ALLOW),
        (request("JUGGLE", 1, "", ""), 501, Name::Allow, super::super::screen::ALLOW),
        (request("OPTIONS", 1, "", ""), 200, Name::Supported, "timer, 100rel"),
    ] {
        let mut desk = Desk::new(Config::default());
        desk.hear(&text);
        let response = desk.only();
        assert_eq!((response.code(), response.find(name)), (Some(code), Some(value.as_bytes())), "{text}");
        assert!(desk.events().is_empty());
    }
    let mut desk = Desk::new(Config::default());
    desk.hear(request("INVITE", 1, "", "Content-Type: application/pkcs7-mime\n") + "secret");
    assert_eq!(desk.codes(), [493]);
    let mut desk = Desk::new(Config::default());
    let large = format!("X: {}\n", "x".repeat(20_000));
    desk.hear(request("OPTIONS", 1, "", &large));
    assert_eq!(desk.codes(), [513]);
}

#[test]
fn strangers_get_silence_and_are_told_of_once_a_minute() {
    let sources = Sources::Networks(vec!["10.0.0.0/8".parse().unwrap()]);
    let mut desk = Desk::new(Config { sources, ..Config::default() });
    for seq in 0..5 {
        desk.hear(request("OPTIONS", seq, "", ""));
        desk.hear("garbage");
        desk.hear(request("BYE", seq, "x", ""));
    }
    assert!(desk.sent().is_empty());
    assert!(matches!(desk.events()[..], [Event::UnknownSource { .. }]));
    desk.wait(Duration::from_secs(61));
    desk.hear(request("INVITE", 9, "", ""));
    assert!(matches!(desk.events()[..], [Event::UnknownSource { .. }]));
    assert_eq!(desk.endpoint.counts(), Counts::default());
}

#[test]
fn responses_go_where_via_and_rport_say() {
    let mut desk = Desk::new(Config::default());
    desk.source.remote = "198.51.100.7:31337".parse().unwrap();
    desk.hear(request("OPTIONS", 1, "", ""));
    assert_eq!(desk.endpoint.poll_datagram().unwrap().to, "198.51.100.7:5060".parse().unwrap());
    desk.hear(request("OPTIONS", 2, "", "").replace("192.0.2.9;branch", "192.0.2.9;rport;branch"));
    let datagram = desk.endpoint.poll_datagram().unwrap();
    assert_eq!(datagram.to, desk.source.remote);
    let text = String::from_utf8_lossy(&datagram.bytes).into_owned();
    assert!(text.contains("192.0.2.9;rport=31337;branch=z9hG4bKOPTIONS2;received=198.51.100.7"), "{text}");
}

#[test]
fn the_peer_refreshes_the_session_or_loses_it() {
    let mut desk = Desk::new(Config::default());
    let (_, tag) = desk.call("Session-Expires: 90;refresher=uac\nSupported: timer\n");
    desk.wait(Duration::from_secs(50));
    desk.hear(request("UPDATE", 2, &tag, "Session-Expires: 90;refresher=uac\nSupported: timer\n"));
    let response = desk.only();
    assert_eq!(response.find(Name::SessionExpires), Some(&b"90;refresher=uac"[..]));
    assert_eq!(response.find(Name::Require), Some(&b"timer"[..]));
    desk.wait(Duration::from_secs(59));
    assert!(desk.events().is_empty());
    desk.wait(Duration::from_secs(2));
    assert!(matches!(desk.events()[..], [Event::Ended { cause: EndCause::SessionExpired, .. }]));
    assert_eq!(desk.only().method_name(), b"BYE");
}

#[test]
fn a_peer_without_update_is_refreshed_by_reinvite() {
    let mut desk = Desk::new(Config::default());
    desk.call("Session-Expires: 90;refresher=uas\n");
    desk.wait(Duration::from_secs(45));
    let reinvite = desk.only();
    assert_eq!(reinvite.method_name(), b"INVITE");
    assert_eq!(reinvite.sdp(), Some(sdp(5000)));
    assert_eq!(reinvite.find(Name::SessionExpires), Some(&b"90;refresher=uac"[..]));
}

#[test]
fn refer_is_refused_unless_allowed() {
    for (allow_refer, code) in [(false, 603), (true, 202)] {
        let mut desk = Desk::new(Config { allow_refer, ..Config::default() });
        let (leg, tag) = desk.call("");
        desk.hear(request("REFER", 2, &tag, "Refer-To: <sip:900@x.example>\n"));
        assert_eq!(desk.events().len(), usize::from(allow_refer));
        if allow_refer {
            assert!(desk.codes().is_empty(), "the engine decides");
            desk.hear(request("REFER", 3, &tag, "Refer-To: <sip:901@x.example>\n"));
            assert_eq!(desk.codes(), [491]);
            desk.endpoint.answer_refer(desk.now, leg, code).unwrap();
            assert!(desk.endpoint.answer_refer(desk.now, leg, code).is_err());
        }
        assert_eq!(desk.codes(), [code]);
    }
}

#[test]
fn requests_follow_the_route_set() {
    let mut desk = Desk::new(Config::default());
    let routes = "Record-Route: <sip:192.0.2.50;lr>, <sip:192.0.2.60;lr>\n";
    let (leg, _) = desk.call(routes);
    desk.endpoint.bye(desk.now, leg, None).unwrap();
    let datagram = desk.endpoint.poll_datagram().unwrap();
    assert_eq!(datagram.to, "192.0.2.50:5060".parse().unwrap());
    let bye = Message::parse(datagram.bytes, Framing::Datagram, &Limits::default()).unwrap();
    let found: Vec<_> = bye.all(Name::Route).collect();
    assert_eq!(found, [&b"<sip:192.0.2.50;lr>"[..], b"<sip:192.0.2.60;lr>"]);
    assert_eq!(bye.request_uri_bytes(), b"sip:100@192.0.2.9");
}

#[test]
fn a_strict_router_gets_the_target_as_last_route() {
    let mut desk = Desk::new(Config::default());
    let (leg, _) = desk.call("Record-Route: <sip:192.0.2.50>\n");
    desk.endpoint.bye(desk.now, leg, None).unwrap();
    let bye = desk.only();
    assert_eq!(bye.request_uri_bytes(), b"sip:192.0.2.50");
    assert_eq!(bye.find(Name::Route), Some(&b"<sip:100@192.0.2.9>"[..]));
}

pub(super) fn outbound(credentials: Option<auth::Credentials>) -> Outbound {
    Outbound {
        target: "sip:900@192.0.2.9".into(),
        destination: "192.0.2.9:5060".parse().unwrap(),
        transport: Transport::Udp,
        local: "192.0.2.1:5060".parse().unwrap(),
        connection: None,
        from: Party { display: String::new(), uri: "sip:us@192.0.2.1".into() },
        to: Party { display: String::new(), uri: "sip:900@192.0.2.9".into() },
        sdp: Some(sdp(4000)),
        credentials,
        headers: Vec::new(),
        answer_limit: None,
        silence_limit: None,
    }
}

/// A response of the desk to a request of ours.
pub(super) fn answer(request: &Message, code: u16, tag: &str, headers: &str) -> String {
    let text = |name| String::from_utf8_lossy(request.find(name).unwrap()).into_owned();
    format!(
        "SIP/2.0 {code} Some\nVia: {}\nFrom: {}\nTo: <sip:900@192.0.2.9>;tag={tag}\nCall-ID: {}\nCSeq: {}\n\
         Contact: <sip:{tag}@192.0.2.9>\n{headers}Content-Length: 0\n\n",
        text(Name::Via),
        text(Name::From),
        text(Name::CallId),
        text(Name::CSeq)
    )
}

#[test]
fn a_challenge_is_answered_once_and_a_second_one_fails_the_call() {
    let credentials = auth::Credentials { username: "us".into(), password: "secret".into() };
    let mut desk = Desk::new(Config::default());
    let mut verifier = auth::Verifier::new(desk.now, "trunk", [1; 32]);
    desk.endpoint.invite(desk.now, outbound(Some(credentials))).unwrap();
    let invite = desk.only();
    let [strong, weak] = verifier.challenge(desk.now, false);
    let challenge = format!("Proxy-Authenticate: {weak}\nProxy-Authenticate: {strong}\n");
    desk.hear(answer(&invite, 407, "a", &challenge));
    let sent = desk.sent();
    assert_eq!(sent[0].method_name(), b"ACK");
    let again = &sent[1];
    assert_eq!(again.cseq().unwrap().number, 2);
    let value = again.find(Name::ProxyAuthorization).unwrap();
    let hash = |name: &str, algorithm| Some(auth::hash_user(algorithm, name, "trunk", "secret"));
    let verdict = verifier.verify(desk.now, value, "INVITE", hash);
    assert_eq!(verdict, auth::Verdict::Accepted { username: "us".into() });
    desk.hear(answer(again, 407, "b", &challenge));
    assert!(matches!(desk.events()[..], [Event::Failed { code: 407, .. }]));
}

#[test]
fn the_cause_of_the_telephone_network_is_told_with_the_failure() {
    for (header, expected) in [
        ("Reason: Q.850;cause=20;text=\"subscriber absent\"\n", Some(20)),
        ("Reason: SIP;cause=480, q.850; cause = 17\n", Some(17)),
        ("Reason: SIP;cause=480\n", None),
        ("Reason: Q.850;cause=99999999\n", None),
        ("", None),
    ] {
        let mut desk = Desk::new(Config::default());
        desk.endpoint.invite(desk.now, outbound(None)).unwrap();
        let invite = desk.only();
        desk.hear(answer(&invite, 480, "theirs", header));
        let [Event::Failed { code: 480, cause, .. }] = desk.events()[..] else {
            panic!("no failure: {header}")
        };
        assert_eq!(cause, expected, "{header}");
    }
}

#[test]
fn a_forked_200_is_acknowledged_and_hung_up() {
    let mut desk = Desk::new(Config::default());
    let leg = desk.endpoint.invite(desk.now, outbound(None)).unwrap();
    let invite = desk.only();
    desk.hear(answer(&invite, 180, "one", ""));
    desk.hear(answer(&invite, 180, "two", ""));
    desk.hear(answer(&invite, 200, "one", ""));
    desk.hear(answer(&invite, 200, "two", ""));
    desk.hear(answer(&invite, 200, "one", ""));
    let sent: Vec<_> = desk
        .sent()
        .iter()
        .map(|message| {
            let to = message.to().unwrap().tag().unwrap_or_default().to_owned();
            (String::from_utf8_lossy(message.method_name()).into_owned(), to)
        })
        .collect();
    let line = |method: &str, tag: &str| (method.to_owned(), tag.to_owned());
    assert_eq!(sent, [line("ACK", "one"), line("ACK", "two"), line("BYE", "two"), line("ACK", "one")]);
    assert_eq!(desk.events().len(), 3);
    desk.endpoint.bye(desk.now, leg, None).unwrap();
}

#[test]
fn a_422_raises_the_session_interval() {
    let mut desk = Desk::new(Config::default());
    desk.endpoint.invite(desk.now, outbound(None)).unwrap();
    let invite = desk.only();
    desk.hear(answer(&invite, 422, "a", "Min-SE: 3600\n"));
    let again = desk.sent().remove(1);
    assert_eq!(again.number(Name::SessionExpires), Some(3600));
    assert_eq!(again.number(Name::MinSe), Some(3600));
    assert_eq!(again.to().unwrap().tag(), None);
}

#[test]
fn a_lost_dialog_ends_the_leg() {
    let mut desk = Desk::new(Config::default());
    let (leg, _) = desk.call("");
    desk.endpoint.reinvite(desk.now, leg, sdp(1)).unwrap();
    let reinvite = desk.only();
    let gone = answer(&reinvite, 481, "desk", "").replace("900@192.0.2.9>;tag", "100@192.0.2.9>;tag");
    desk.hear(gone);
    assert!(matches!(desk.events()[..], [Event::Ended { cause: EndCause::Lost(481), .. }]));
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    let mut desk = Desk::new(Config::default());
    for number in 0..1000 {
        let name = |text: String| {
            text.replace("desk", &format!("d{number}")).replace("z9hG4bK", &format!("z9hG4bK{number}x"))
        };
        desk.hear(name(request("INVITE", 1, "", "")));
        let events = desk.events();
        let [Event::Invite { leg, .. }] = &events[..] else { panic!("{events:?}") };
        desk.endpoint.answer(desk.now, *leg, sdp(5000)).unwrap();
        let tag = desk.sent().last().unwrap().to().unwrap().tag().unwrap().to_owned();
        desk.hear(name(request("ACK", 1, &tag, "")));
        desk.hear(name(request("BYE", 2, &tag, "")));
        assert_eq!(desk.codes(), [200]);
        assert_eq!(desk.events().len(), 2);
        desk.wait(Duration::from_millis(10));
    }
    assert_eq!((desk.endpoint.counts().legs, desk.endpoint.counts().dialogs), (0, 0));
    desk.wait(Duration::from_secs(33));
    assert_eq!(desk.endpoint.counts(), Counts::default());
    assert_eq!(desk.endpoint.poll_timeout(), None);
}

#[test]
fn a_bye_that_is_challenged_again_and_again_ends_all_the_same() {
    let credentials = auth::Credentials { username: "us".into(), password: "wrong".into() };
    let mut desk = Desk::new(Config::default());
    let verifier = auth::Verifier::new(desk.now, "trunk", [1; 32]);
    let leg = desk.endpoint.invite(desk.now, outbound(Some(credentials))).unwrap();
    let invite = desk.only();
    desk.hear(answer(&invite, 200, "a", ""));
    desk.only();
    desk.endpoint.bye(desk.now, leg, None).unwrap();
    let mut bye = desk.only();
    let [challenge, _] = verifier.challenge(desk.now, false);
    let challenge = format!("WWW-Authenticate: {challenge}\n");
    desk.hear(answer(&bye, 401, "a", &challenge));
    bye = desk.only();
    assert!(bye.find(Name::Authorization).is_some());
    desk.hear(answer(&bye, 401, "a", &challenge));
    assert!(desk.sent().is_empty());
    assert_eq!(desk.endpoint.counts().legs, 0);
}

#[test]
fn a_fork_that_knows_no_bye_does_not_end_the_call() {
    let mut desk = Desk::new(Config::default());
    desk.endpoint.invite(desk.now, outbound(None)).unwrap();
    let invite = desk.only();
    desk.hear(answer(&invite, 200, "one", ""));
    desk.hear(answer(&invite, 200, "two", ""));
    let bye = desk.sent().pop().unwrap();
    desk.hear(answer(&bye, 481, "two", ""));
    assert!(matches!(desk.events()[..], [Event::Answered { .. }]));
}
