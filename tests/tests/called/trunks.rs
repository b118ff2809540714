//! Trunks by which customers are called: they ask for a password, are in trouble, say nothing, answer everything, or speak
//! before anybody has answered.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::{POLICY, disposition, plans, server, settled};
use crate::support::people::{People, Person};
use crate::support::server::{Server, Setup, own_address};
use crate::support::{seconds, tickets, wait_until};

/// Whether the answer to a challenge shows the password (RFC 7616 §3.4.1, MD5 with qop), by another hand than ours.
fn is_right(answer: &str, name: &str, password: &str) -> bool {
    let script = "import hashlib, re, sys\n\
        h = lambda *parts: hashlib.md5(':'.join(parts).encode()).hexdigest()\n\
        d = dict(re.findall(r'(\\w+)=\"?([^\",]+)\"?', sys.argv[1]))\n\
        one, two = h(sys.argv[2], d['realm'], sys.argv[3]), h('INVITE', d['uri'])\n\
        print(d['username'] == sys.argv[2] and d['response'] == h(one, d['nonce'], d['nc'], d['cnonce'], d['qop'], two))";
    let done = Command::new("python3").args(["-c", script, answer, name, password]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    done.stdout == b"True\n"
}

#[test]
fn a_trunk_that_asks_for_a_password_gets_it_and_the_call_goes_on() {
    let people = People::behind_challenges();
    let setup = Setup { voice: false, trunk: people.trunk_with("open sesame"), plans, ..Setup::default() };
    let mut server = Server::start(setup);
    // 401 by the one, 407 by the other.
    for ending in ["7001", "7002"] {
        server.put_ticket(&json!({
            "external-ref": format!("D-{ending}"), "phone": format!("1391234{ending}"), "language": "zh-CN",
            "category": "data-charge", "state": "closed", "result": tickets::REFUND,
        }));
    }
    wait_until("both have answered", seconds(60), || {
        let told = server.query("SELECT disposition FROM campaign_attempt WHERE ended_at IS NOT NULL");
        told.lines().collect::<Vec<_>>() == ["completed", "completed"]
    });
    let answers = server.query("SELECT answer FROM survey_answer");
    assert_eq!(answers.lines().collect::<Vec<_>>(), ["satisfied", "satisfied"], "{}", people.errors());
    assert_eq!(people.called().len(), 2);
    let given = people.notes();
    let answers: Vec<&str> =
        given.lines().filter_map(|line| line.split_once("answered Digest ")).map(|(_, d)| d).collect();
    assert_eq!(answers.len(), 2, "{given}");
    for answer in answers {
        assert!(is_right(answer, "4711", "open sesame") && !is_right(answer, "4711", "guessed"), "{answer}");
    }
    assert!(!given.contains("sesame") && !server.log().contains("sesame"));
}

#[test]
fn a_trunk_that_refuses_the_password_is_told_to_the_operator_and_rings_nobody() {
    let people = People::behind_challenges();
    let setup = Setup { voice: false, trunk: people.trunk_with("guessed"), plans, ..Setup::default() };
    let mut server = Server::start(setup);
    for ending in ["7001", "7003"] {
        server.put_ticket(&json!({
            "external-ref": format!("D-{ending}"), "phone": format!("1391234{ending}"), "language": "zh-CN",
            "category": "data-charge", "state": "closed", "result": tickets::REFUND,
        }));
    }
    wait_until("both attempts have ended", seconds(60), || {
        let told = server.query("SELECT disposition FROM campaign_attempt WHERE ended_at IS NOT NULL");
        told.lines().collect::<Vec<_>>() == ["trunk-failed", "trunk-failed"]
    });
    for call in server.await_calls(2) {
        assert_eq!(call["ending"], "us/credentials", "{call}");
    }
    let told =
        server.log().lines().filter(|line| line.contains("does not take our name and password")).count();
    assert_eq!(told, 2, "the operator is told");
    // Both are tried again in a while: no more attempts now, and no more INVITEs than the two of each.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(server.query("SELECT COUNT(*) FROM campaign_attempt").trim(), "2");
    assert_eq!((people.called().len(), people.notes().matches("answered Digest").count()), (2, 2));
}

fn by_two_trunks(folder: &Path) {
    plans(folder);
    let policy = POLICY.replace("trunks: test\n", "trunks: [test, next]\n").replace("ring: 4s", "ring: 15s");
    std::fs::write(folder.join("policies/survey.yaml"), policy).unwrap();
}

#[test]
fn where_one_trunk_refuses_everything_the_next_takes_over_and_nobody_is_rung_twice() {
    let (people, down) = (People::start(), People::behind_a_carrier_in_trouble());
    let trunk = people.next_trunk(down.host());
    let setup = Setup { voice: false, trunk, plans: by_two_trunks, ..Setup::default() };
    let mut server = Server::start(setup);
    let persons = [Person::Content, Person::Busy, Person::Human, Person::Leaves, Person::Mute];
    for person in persons {
        settled(&mut server, person);
    }
    let of = |person: Person, trunk: &str| {
        server.query(&format!(
            "SELECT disposition FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id \
             WHERE t.external_ref = 'C-{}' AND trunk = '{trunk}' AND ended_at IS NOT NULL",
            person.ending()
        ))
    };
    for (person, expected) in
        persons.into_iter().zip(["completed", "busy", "completed", "hung-up:1", "hung-up:0"])
    {
        wait_until(&format!("{person:?} was called by the next trunk"), seconds(40), || {
            !of(person, "next").trim().is_empty()
        });
        assert_eq!(of(person, "next").trim(), expected, "{person:?}\n{}", people.errors());
    }
    let failed: Vec<String> = persons
        .iter()
        .flat_map(|person| of(*person, "test").lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!((3..=5).contains(&failed.len()) && failed.iter().all(|how| how == "trunk-failed"), "{failed:?}");
    let mut rung = people.called();
    rung.sort();
    let count = rung.len();
    rung.dedup();
    assert_eq!((rung.len(), count), (5, 5), "nobody is rung twice: {rung:?}");
    assert_eq!(down.called().len(), failed.len());
    // One answer each, and what the trunk did not do counts for nothing.
    assert_eq!(server.query("SELECT COUNT(*) FROM survey_answer").trim(), "3");
}

#[test]
fn a_trunk_that_answers_nothing_is_given_up_after_seconds_and_rests() {
    let people = People::start();
    // A carrier's address where packets are taken and nothing comes back.
    let hole = own_address();
    let _socket = std::net::UdpSocket::bind((hole, 5060)).unwrap();
    let setup = Setup {
        voice: false,
        trunk: people.next_trunk(&hole.to_string()),
        plans: by_two_trunks,
        ..Setup::default()
    };
    let mut server = Server::start(setup);
    for nth in 0..8 {
        server.put_ticket(&json!({
            "external-ref": format!("S-{nth}"), "phone": Person::Busy.phone_of(nth), "language": "zh-CN",
            "category": "data-charge", "state": "closed", "result": tickets::REFUND,
        }));
    }
    let count = |server: &Server, of: &str| {
        server.query(&format!("SELECT COUNT(*) FROM campaign_attempt WHERE {of}")).trim().to_owned()
    };
    wait_until("everybody was tried", seconds(60), || count(&server, "ended_at IS NOT NULL") == "8");
    // Whoever was tried in those seconds may have rung, and is not tried again at once.
    let silent: usize = count(&server, "disposition = 'trunk-silent' AND trunk = 'test'").parse().unwrap();
    assert!((3..=7).contains(&silent), "{silent}");
    assert_eq!(count(&server, "disposition = 'busy' AND trunk = 'next'"), (8 - silent).to_string());
    let longest =
        server.query("SELECT MAX(ended_at - at) FROM campaign_attempt WHERE disposition = 'trunk-silent'");
    let longest_us: i64 = longest.trim().parse().unwrap();
    assert!((3_900_000..8_000_000).contains(&longest_us), "{longest_us} µs");
    // Who comes now goes by the trunk that works.
    server.put_ticket(&json!({
        "external-ref": "S-9", "phone": Person::Busy.phone_of(9), "language": "zh-CN",
        "category": "data-charge", "state": "closed", "result": tickets::REFUND,
    }));
    wait_until("the next trunk takes over", seconds(20), || count(&server, "ended_at IS NOT NULL") == "9");
    assert_eq!(count(&server, "disposition = 'trunk-silent'"), silent.to_string());
}

#[test]
fn a_trunk_that_answers_everything_and_is_silent_has_nobody_who_takes_part() {
    let people = People::behind_a_yes();
    let mut server = server(&people);
    for person in [Person::Content, Person::Busy, Person::Announced] {
        settled(&mut server, person);
    }
    for person in [Person::Content, Person::Busy, Person::Announced] {
        assert_eq!(disposition(&server, person), "hung-up:0", "{person:?}\n{}", people.errors());
    }
    assert_eq!(server.query("SELECT COUNT(*) FROM survey_answer").trim(), "0");
    assert_eq!(people.called().len(), 3, "who said nothing is not called again at once");
    wait_until("all calls are over", seconds(20), || server.metric("hotline_calls_active") == Some(0.0));
}

/// What a recogniser answers to whatever it hears; `None`: nothing, for as long as it is asked.
fn recogniser(answer: Option<&'static str>) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind((own_address(), 0)).unwrap();
    let url = format!("http://{}/v1/audio/transcriptions", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let Some(answer) = answer else {
                silent.push(stream);
                continue;
            };
            std::thread::spawn(move || {
                stream.set_read_timeout(Some(seconds(10))).unwrap();
                let (mut request, mut part) = (Vec::new(), [0; 4_096]);
                let is_whole = |request: &[u8]| {
                    let head = request.windows(4).position(|four| four == b"\r\n\r\n")?;
                    let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
                    let length =
                        text.split("content-length:").nth(1)?.split_whitespace().next()?.parse().ok();
                    Some(request.len() >= head + 4 + length.unwrap_or(0_usize))
                };
                while is_whole(&request) != Some(true) {
                    match stream.read(&mut part) {
                        Ok(length @ 1..) => request.extend(&part[..length]),
                        _ => return,
                    }
                }
                let body = json!({ "text": answer }).to_string();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    format!("[recogniser]\nurl = \"{url}\"\nmodel = \"any\"\nwithin-s = 2\n")
}

/// It rings for long enough that words end it.
fn rings_long(folder: &Path) {
    plans(folder);
    std::fs::write(folder.join("policies/survey.yaml"), POLICY.replace("ring: 4s", "ring: 25s")).unwrap();
}

#[test]
fn what_the_network_announces_is_understood_by_a_recogniser_and_ends_the_ringing() {
    let people = People::behind_an_announcement();
    // What the words mean, and how long it takes; a recogniser that hangs costs nothing but its words.
    for (answer, expected, lasts_s) in [
        (Some("您好,您拨打的号码是空号,请核对后再拨。"), "wrong-number", 0..18),
        (Some("您拨打的电话已关机。"), "switched-off", 0..18),
        (None, "switched-off", 20..35),
    ] {
        let media = recogniser(answer).leak();
        let setup =
            Setup { voice: false, trunk: people.trunk(), plans: rings_long, media, ..Setup::default() };
        let mut server = Server::start(setup);
        settled(&mut server, Person::Announced);
        let how = disposition(&server, Person::Announced);
        let lasted = server.query("SELECT (ended_at - at) / 1000000 FROM campaign_attempt");
        let lasted: u64 = lasted.trim().parse().unwrap();
        assert_eq!(how, expected, "{answer:?} after {lasted} s\n{}", people.errors());
        assert!(lasts_s.contains(&lasted), "{answer:?}: {lasted} s");
    }
}
