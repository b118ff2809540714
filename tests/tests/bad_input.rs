//! What networks and callers send that they should not.

use std::net::UdpSocket;
use std::time::Duration;

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, verified};
use crate::support::{seconds, tickets, wait_until};

const COMPLAINT: &str = "10086123";

fn server() -> Server {
    Server::start(Setup::default())
}

/// That a call can still be made.
fn assert_alive(server: &Server) {
    let mut phone = Phone::call(server, COMPLAINT, tickets::PHONE);
    phone.hang_up();
}

#[test]
fn a_retransmitted_invite_is_one_call() {
    let server = server();
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let invite = phone.request("INVITE", 1, "invite", &phone.offer());
    for _ in 0..5 {
        phone.send(&invite);
    }
    let answer = phone.final_answer("INVITE");
    phone.send(&invite);
    let again = phone.final_answer("INVITE");
    assert_eq!(answer.to_tag(), again.to_tag(), "the same call answers");
    phone.acknowledge(&answer);
    phone.hang_up();
    assert_eq!(server.await_calls(1).len(), 1);
}

#[test]
fn unknown_codecs_are_488() {
    let server = server();
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let offer = phone.offer_of("RTP/AVP 18 96", "a=rtpmap:18 G729/8000\r\na=rtpmap:96 opus/48000/2\r\n");
    assert_eq!(phone.invite(&offer), 488);
    assert_alive(&server);
}

#[test]
fn a_description_without_audio_is_488() {
    let server = server();
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let offer = phone.offer().replace("m=audio", "m=video");
    assert_eq!(phone.invite(&offer), 488);
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let nothing: String = phone.offer().split_inclusive("t=0 0\r\n").take(1).collect();
    assert_eq!(phone.invite(&nothing), 488);
    assert_alive(&server);
}

#[test]
fn a_description_that_is_none_is_refused() {
    let server = server();
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let code = phone.invite("this is no description\r\n");
    assert!(matches!(code, 400 | 488), "{code}");
    assert_alive(&server);
}

#[test]
fn a_number_that_no_plan_serves_is_404() {
    let server = server();
    let mut phone = Phone::new(&server, "4711", tickets::PHONE);
    let offer = phone.offer();
    assert_eq!(phone.invite(&offer), 404);
    assert_eq!(server.calls().len(), 0, "nobody was called");
}

#[test]
fn a_stranger_gets_no_answer_and_one_line_in_the_log() {
    let trunk = "from = [\"192.0.2.0/24\"]";
    let server = Server::start(Setup { trunk, ..Setup::default() });
    let phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let invite = phone.request("INVITE", 1, "invite", &phone.offer());
    phone.send(&invite);
    wait_until("the log says how to allow it", seconds(5), || server.log().contains("[[trunks]]"));
    assert!(phone.receive(Duration::from_millis(300)).is_none(), "a stranger was answered");
}

#[test]
fn garbage_on_the_sip_port_harms_nobody() {
    let mut server = server();
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    let socket = UdpSocket::bind((server.address(), 0)).unwrap();
    let invite = phone.request("INVITE", 1, "garbage", &phone.offer());
    // A generator with a fixed beginning: the same bytes in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..2_000 {
        let mut bytes = invite.clone().into_bytes();
        match round % 4 {
            0 => bytes = (0..random() % 1_400).map(|_| random().to_le_bytes()[0]).collect(),
            1 => bytes.truncate(usize::try_from(random()).unwrap_or(0) % bytes.len()),
            2 => {
                for _ in 0..8 {
                    let at = usize::try_from(random()).unwrap_or(0) % bytes.len();
                    bytes[at] = random().to_le_bytes()[0];
                }
            }
            _ => bytes = bytes.repeat(1 + round % 3),
        }
        socket.send_to(&bytes, server.sip()).unwrap();
    }
    assert!(server.is_running());
    let heard = phone.packets();
    wait_until("the call that ran goes on", seconds(5), || phone.packets() > heard + 25);
    phone.hang_up();
    assert_alive(&server);
}

#[test]
fn cancel_before_or_after_the_answer_leaves_nothing_behind() {
    let server = server();
    // Both at once: whichever the server takes first, the call must end.
    let mut phone = Phone::new(&server, COMPLAINT, tickets::PHONE);
    let invite = phone.request("INVITE", 1, "invite", &phone.offer());
    let cancel = phone.request("CANCEL", 1, "invite", "");
    phone.send(&invite);
    phone.send(&cancel);
    let answer = phone.final_answer("INVITE");
    assert!(matches!(answer.status(), Some(200 | 487)), "{answer:?}");
    phone.acknowledge(&answer);
    if answer.status() == Some(200) {
        phone.hang_up();
    }
    wait_until("no call is left", seconds(10), || {
        server.metric("hotline_calls_active") == Some(0.0)
            && server.calls().iter().all(|call| !call["ended-at"].is_null())
    });
    assert_alive(&server);
}

#[test]
fn a_caller_who_hangs_up_in_the_first_prompt_is_on_the_record() {
    let server = server();
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    wait_until("the first prompt is heard", seconds(10), || phone.packets() > 10);
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(calls[0]["ending"], "caller/hung-up");
    assert_eq!(verified(&calls[0]).len(), 0);
}

#[test]
fn too_few_digits_are_told_and_counted_nowhere() {
    let mut server = server();
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    phone.key("40719#");
    // Keys are taken again from here on: what was typed ahead of a mistake belongs to it.
    server.await_event("call.no-match", 1, seconds(30));
    phone.attempt(tickets::CODE);
    server.await_step("hear", 1, seconds(60));
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["passed"], "no attempt was spent");
}

#[test]
fn a_slip_of_the_finger_is_told_and_counted_nowhere() {
    let mut server = server();
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    // The last digit is wrong: its check digit does not fit.
    phone.key("407192866#");
    server.await_event("call.no-match", 1, seconds(30));
    phone.attempt(tickets::CODE);
    server.await_step("hear", 1, seconds(60));
    phone.hang_up();
    assert_eq!(verified(&server.await_calls(1)[0]), ["passed"]);
}

#[test]
fn silence_is_asked_again_and_ends_with_a_goodbye() {
    let server = server();
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    phone.await_bye(seconds(150));
    let calls = server.await_calls(1);
    let path = calls[0]["path"].as_array().unwrap();
    let asked = path.iter().filter(|event| event["type"] == "call.no-input").count();
    assert!(asked >= 3, "{path:?}");
    assert_eq!(entered(&calls[0], "bye"), 1);
}

#[test]
fn a_ticket_not_yet_closed_is_told_to_be_in_progress() {
    let mut server = server();
    server.put_ticket(&tickets::open());
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    phone.attempt("841620399");
    server.await_step("ask-what-now", 1, seconds(60));
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["pending"]);
    assert_eq!(calls[0]["reason"], "complaint-in-progress");
}

#[test]
fn somebody_elses_ticket_is_refused_like_an_unknown_code() {
    let mut server = server();
    server.put_ticket(&tickets::closed());
    server.put_ticket(&tickets::of_somebody_else());
    let mut phone = Phone::call(&server, COMPLAINT, tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    for (nth, code) in [(1, "203847167"), (2, tickets::WRONG[0])] {
        phone.attempt(code);
        server.await_step("ask-code", nth + 1, seconds(30));
    }
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "refused"]);
    assert_ne!(calls[0]["known-by"], "verified");
    // Never sooner than the wait that hides what was looked up and found.
    let waits = refusal_waits(&calls[0]);
    assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(590)), "{waits:?}");
}

/// How long after the last key each refusal came.
fn refusal_waits(call: &serde_json::Value) -> Vec<Duration> {
    let at = |event: &serde_json::Value| -> Duration {
        let text = event["occurred-at"].as_str().expect("a time");
        let (_, seconds) = text.trim_end_matches('Z').rsplit_once(':').expect("seconds");
        let minutes: u64 = text[14..16].parse().expect("minutes");
        Duration::from_secs(minutes * 60) + Duration::from_secs_f64(seconds.parse().expect("seconds"))
    };
    let path = call["path"].as_array().expect("a call has a path");
    let mut keyed = Duration::ZERO;
    let mut waits = Vec::new();
    for event in path {
        if event["type"] == "call.keyed" {
            keyed = at(event);
        } else if event["type"] == "call.verified" {
            waits.push(at(event).saturating_sub(keyed));
        }
    }
    waits
}
