//! Telephones that register: RFC 3261 §10.3 row by row, and those who try too often.

use std::time::Duration;

use super::raw::Desk;
use crate::auth::{Algorithm, Challenge, Credentials, hash_user};
use crate::message::{Message, Name};
use crate::*;

const REALM: &str = "hotline";

/// A telephone and the registrar.
struct House {
    desk: Desk,
    seq: u32,
    password: &'static str,
    authorization: Option<(Challenge, u32)>,
}

impl House {
    fn new() -> House {
        House::with(|registrar| registrar)
    }

    fn with(change: fn(Registrar) -> Registrar) -> House {
        let mut desk = Desk::new(Config::default());
        let mut registrar = change(Registrar::new(desk.now, REALM, [3; 32]));
        let device = |name: &str| Device {
            username: name.into(),
            hashes: [Algorithm::Sha256, Algorithm::Md5]
                .map(|algorithm| (algorithm, hash_user(algorithm, name, REALM, "secret of anna")))
                .into(),
        };
        registrar.set_devices([device("anna"), device("bert")]);
        desk.endpoint.set_registrar(registrar);
        House { desk, seq: 0, password: "secret of anna", authorization: None }
    }

    fn send(&mut self, aor: &str, lines: &str) -> Option<Message> {
        self.seq += 1;
        let mut text = format!(
            "REGISTER sip:192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK{0}\nFrom: <sip:{aor}@192.0.2.1>;tag=f\n\
             To: <sip:{aor}@192.0.2.1>\nCall-ID: r@192.0.2.9\nCSeq: {0} REGISTER\nMax-Forwards: 70\n{lines}",
            self.seq
        );
        if let Some((challenge, count)) = &mut self.authorization {
            *count += 1;
            let known = Credentials { username: "anna".into(), password: self.password.into() };
            let value = challenge.answer(&known, "REGISTER", "sip:192.0.2.1", "c", *count);
            text.push_str(&format!("Authorization: {value}\n"));
        }
        text.push_str("Content-Length: 0\n\n");
        self.desk.hear(text);
        let mut sent = self.desk.sent();
        assert!(sent.len() <= 1, "{sent:?}");
        sent.pop()
    }

    /// Registers, with the challenge answered.
    fn register(&mut self, aor: &str, lines: &str) -> Message {
        let first = self.send(aor, lines).unwrap();
        if first.code() != Some(401) {
            return first;
        }
        let challenge = Challenge::strongest(first.all(Name::WwwAuthenticate)).unwrap();
        self.authorization = Some((challenge, 0));
        self.send(aor, lines).unwrap()
    }

    fn contacts(&mut self) -> Vec<String> {
        let now = self.desk.now;
        self.desk
            .endpoint
            .registrar_mut()
            .unwrap()
            .bindings(now, "anna")
            .map(|one| one.contact.clone())
            .collect()
    }
}

const DESK: &str = "Contact: <sip:anna@192.0.2.9:5062>\nExpires: 120\n";

#[test]
fn a_telephone_registers_is_found_and_is_forgotten_in_time() {
    let mut house = House::new();
    let done = house.register("anna", DESK);
    assert_eq!(done.code(), Some(200));
    assert_eq!(done.find(Name::Contact).unwrap(), b"<sip:anna@192.0.2.9:5062>;expires=120");
    assert!(matches!(&house.desk.events()[..], [Event::Registered { user, count: 1 }] if user == "anna"));
    assert_eq!(house.contacts(), ["sip:anna@192.0.2.9:5062"]);
    let remote = "192.0.2.9:5060".parse().unwrap();
    let now = house.desk.now;
    assert_eq!(house.desk.endpoint.registrar_mut().unwrap().find_user(now, remote), Some("anna"));
    house.desk.wait(Duration::from_secs(60));
    house.register("anna", DESK);
    house.desk.wait(Duration::from_secs(100));
    assert_eq!(house.contacts().len(), 1, "it registered again in between");
    house.desk.wait(Duration::from_secs(21));
    assert!(house.contacts().is_empty());
}

#[test]
fn sha_256_is_asked_for_where_it_is_wanted() {
    for (mut house, algorithms) in [(House::new(), 1), (House::with(Registrar::with_sha256), 2)] {
        let asked = house.send("anna", DESK).unwrap();
        assert_eq!(asked.all(Name::WwwAuthenticate).count(), algorithms);
        assert_eq!(house.register("anna", DESK).code(), Some(200));
    }
}

#[test]
fn several_telephones_of_one_user_stand_side_by_side_the_newest_first() {
    let mut house = House::new();
    house.register("anna", DESK);
    let done = house.register("anna", "Contact: <sip:anna@192.0.2.8>;expires=600, <sip:anna@192.0.2.7>\n");
    assert_eq!(done.all(Name::Contact).count(), 3);
    assert_eq!(house.contacts(), ["sip:anna@192.0.2.7", "sip:anna@192.0.2.8", "sip:anna@192.0.2.9:5062"]);
    // Asking without a contact changes nothing.
    assert_eq!(house.register("anna", "").all(Name::Contact).count(), 3);
    house.register("anna", "Contact: <sip:anna@192.0.2.8>;expires=0\n");
    assert_eq!(house.contacts().len(), 2);
    assert_eq!(house.register("anna", "Contact: *\nExpires: 0\n").code(), Some(200));
    assert!(house.contacts().is_empty());
    for number in 0..12 {
        house.desk.wait(Duration::from_secs(1));
        house.register("anna", &format!("Contact: <sip:anna@192.0.2.{number}>\n"));
    }
    assert_eq!(house.contacts().len(), 8);
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let mut house = House::new();
    house.register("anna", DESK);
    for (lines, code) in [
        ("Contact: *\nExpires: 60\n", 400),
        ("Contact: *, <sip:anna@192.0.2.8>\nExpires: 0\n", 400),
        ("Contact: <sip:anna@192.0.2.8>;expires=59\n", 423),
        ("Contact: <sip:anna@192.0.2.8>, <mailto:anna@example.com>\n", 400),
        ("Contact: <sip:anna@192.0.2.8?Route=x>\n", 400),
        ("Require: outbound\nContact: <sip:anna@192.0.2.8>\n", 420),
    ] {
        house.desk.wait(Duration::from_secs(1));
        assert_eq!(house.register("anna", lines).code(), Some(code), "{lines}");
        assert_eq!(house.contacts(), ["sip:anna@192.0.2.9:5062"], "{lines}");
    }
    // An older one that comes late (§10.3, step 7).
    house.desk.wait(Duration::from_secs(40));
    house.seq = 0;
    house.authorization = None;
    let late = house.register("anna", DESK);
    assert_eq!(late.code(), Some(500));
}

#[test]
fn nobody_registers_for_another_nor_without_the_password() {
    let mut house = House::new();
    assert_eq!(house.register("bert", DESK).code(), Some(403));
    let mut house = House::new();
    house.password = "wrong";
    let wrong = house.register("anna", DESK);
    assert_eq!(wrong.code(), Some(401));
    house.desk.endpoint.registrar_mut().unwrap().set_devices([]);
    let unknown = house.send("anna", DESK).unwrap();
    assert_eq!((unknown.code(), unknown.reason()), (wrong.code(), wrong.reason()));
    assert!(house.contacts().is_empty());
}

#[test]
fn who_guesses_gets_no_answer_for_longer_and_longer() {
    let mut house = House::new();
    house.register("anna", DESK);
    house.password = "wrong";
    let silent_after = |house: &mut House| {
        let answered = (0..10).take_while(|_| house.send("anna", DESK).is_some()).count();
        house.desk.wait(Duration::from_secs(3));
        answered
    };
    assert_eq!(silent_after(&mut house), 5);
    let banned = |house: &mut House| {
        let told = house.desk.events().into_iter().filter_map(|event| match event {
            Event::Banned { address, duration } => Some((address.to_string(), duration.as_secs())),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(banned(&mut house), [("192.0.2.9".to_owned(), 900)], "told once");
    house.desk.wait(Duration::from_secs(900));
    let challenged = house.send("anna", DESK).unwrap();
    house.authorization = Some((Challenge::strongest(challenged.all(Name::WwwAuthenticate)).unwrap(), 0));
    // The question for a new challenge was wrong too.
    assert_eq!(silent_after(&mut house), 4);
    assert_eq!(banned(&mut house), [("192.0.2.9".to_owned(), 1800)]);
    house.desk.wait(Duration::from_secs(900));
    assert!(house.send("anna", DESK).is_none(), "twice as long this time");
    house.desk.wait(Duration::from_secs(900));
    assert!(house.send("anna", DESK).is_some());
}

#[test]
fn who_sends_too_many_gets_no_answer_for_a_while() {
    let mut house = House::new();
    let answered = (0..40).take_while(|_| house.send("anna", DESK).is_some()).count();
    assert_eq!(answered, 16);
    house.desk.wait(Duration::from_secs(301));
    assert!(house.send("anna", DESK).is_some());
}

#[test]
fn without_a_registrar_nobody_registers() {
    let mut desk = Desk::new(Config::default());
    desk.hear(
        "REGISTER sip:192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\nFrom: <sip:a@b>;tag=f\nTo: <sip:a@b>\n\
         Call-ID: r\nCSeq: 1 REGISTER\nMax-Forwards: 70\nContent-Length: 0\n\n",
    );
    assert_eq!(desk.codes(), [405]);
}

impl House {
    /// An INVITE from where the telephone is; gives the code it is refused with, and whose telephone is said to call.
    fn call(&mut self, from: &str) -> (Option<u16>, Option<Option<String>>) {
        self.seq += 1;
        let mut text = format!(
            "INVITE sip:10010@192.0.2.1 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKi{0}\n\
             From: <sip:{from}@192.0.2.1>;tag=f{0}\nTo: <sip:10010@192.0.2.1>\nCall-ID: i{0}@192.0.2.9\n\
             CSeq: {0} INVITE\nMax-Forwards: 70\nContact: <sip:anna@192.0.2.9:5062>\n",
            self.seq
        );
        if let Some((challenge, count)) = &mut self.authorization {
            *count += 1;
            let known = Credentials { username: "anna".into(), password: self.password.into() };
            let value = challenge.answer(&known, "INVITE", "sip:10010@192.0.2.1", "c", *count);
            text.push_str(&format!("Authorization: {value}\n"));
        }
        text.push_str("Content-Length: 0\n\n");
        self.desk.hear(text);
        let refused =
            self.desk.sent().into_iter().find(|message| message.code().is_some_and(|code| code > 100));
        if let Some(challenge) =
            refused.as_ref().and_then(|refused| Challenge::strongest(refused.all(Name::WwwAuthenticate)))
        {
            self.authorization = Some((challenge, 0));
        }
        let called = self.desk.events().into_iter().find_map(|event| match event {
            Event::Invite { invite, .. } => Some(invite.telephone.clone()),
            _ => None,
        });
        (refused.and_then(|refused| refused.code()), called)
    }
}

#[test]
fn a_registered_telephone_proves_whose_it_is_before_it_calls() {
    let mut house = House::new();
    assert_eq!(house.call("anna"), (None, Some(None)), "it is nobody's yet");
    house.register("anna", DESK);
    house.desk.events();
    house.authorization = None;
    // In the same second: each challenge has a nonce of its own.
    assert_eq!(house.call("anna"), (Some(401), None));
    assert_eq!(house.call("anna"), (None, Some(Some("anna".into()))));
    house.password = "wrong";
    assert_eq!(house.call("anna"), (Some(401), None));
    // With another name in From it is a call like any other, and says nothing of whose telephone it is.
    assert_eq!(house.call("bert"), (None, Some(None)));
}
