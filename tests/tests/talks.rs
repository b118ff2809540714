//! What is between two telephones that talk: recordings of both sides, laws of G.711, telephones of one agent.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::support::agents::{AGENT_HZ, Agent, CALLER_HZ, PASSWORD};
use crate::support::baresip::{Baresip, Line};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup};
use crate::support::tones::{share_of_tone, together};
use crate::support::{seconds, tickets, wait_until};

fn length_s(wav: &Path) -> f64 {
    let wav = hotline_audio::read_wav(std::fs::File::open(wav).unwrap()).unwrap();
    wav.samples.len() as f64 / f64::from(wav.rate_hz)
}

/// The caller asks for a human, and has one. Which call it is.
fn reach(server: &Server, agent: &Agent<'_>, caller: &mut Baresip) -> String {
    assert_eq!(agent.goes("available").status, 200);
    agent.await_state("available");
    caller.dial("10086");
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    agent.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    server.calls()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn both_sides_of_a_talk_are_recorded_from_the_notice_on() {
    let server = Server::start(Setup { voice: false, recordings: true, ..Setup::default() });
    let anna = Agent::hire(&server, "anna");
    let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    reach(&server, &anna, &mut caller);
    std::thread::sleep(seconds(5));
    desk.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    let name = calls[0]["recording"].as_str().expect("the call was recorded");
    let file = server.disk().join("recordings").join(name);
    let tones = [CALLER_HZ, AGENT_HZ];
    let both = together(&file, &tones, &tones);
    assert!(both >= 3.0, "both are in the file: for {both} s");
    // The notice is over when it begins, and it is there when they talk.
    let notice = Path::new(env!("CARGO_MANIFEST_DIR")).join("../prompts/zh-CN/may-be-recorded.wav");
    let missing = length_s(&caller.heard()) - length_s(&file);
    let notice = length_s(&notice);
    assert!(
        missing > notice - 0.3 && missing < notice + 3.0,
        "{missing} s are not in it, the notice takes {notice}"
    );
    let heard = calls[0]["path"].as_array().unwrap().iter().find(|event| event["type"] == "call.heard");
    assert_eq!(heard.unwrap()["body"]["prompt"], "may-be-recorded", "{}", heard.unwrap());
}

#[test]
fn what_is_said_while_an_agent_pauses_the_recording_is_not_in_it() {
    let server = Server::start(Setup { voice: false, recordings: true, ..Setup::default() });
    let anna = Agent::hire(&server, "anna");
    let bert = Agent::hire(&server, "bert");
    let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    let call = reach(&server, &anna, &mut caller);
    let wants = |agent: &Agent<'_>, act: &str| agent.act(&call, json!({ "act": act }));
    assert_eq!(wants(&anna, "resume-recording"), 409, "it goes on already");
    std::thread::sleep(seconds(3));
    assert_eq!(wants(&bert, "pause-recording"), 404, "it is not his call");
    assert_eq!(wants(&anna, "pause-recording"), 204);
    assert_eq!(wants(&anna, "pause-recording"), 409);
    std::thread::sleep(seconds(5));
    assert_eq!(wants(&anna, "resume-recording"), 204);
    std::thread::sleep(seconds(3));
    // Who leaves takes the pause along: the next one may not know of it.
    assert_eq!(wants(&anna, "pause-recording"), 204);
    desk.hang_up();
    caller.await_closed(seconds(30));
    let calls = server.await_calls(1);
    let path = calls[0]["path"].as_array().unwrap().iter();
    let noted: Vec<_> = path.filter(|event| event["type"] == "call.recording").collect();
    let states: Vec<_> = noted.iter().map(|event| event["body"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["on", "paused", "resumed", "paused", "resumed"]);
    let by: Vec<_> = noted.iter().map(|event| event["body"]["by"].as_str()).collect();
    let user = Some(anna.user.as_str());
    assert_eq!(by, [None, user, user, user, None]);
    let file = server.disk().join("recordings").join(calls[0]["recording"].as_str().unwrap());
    let tones = [CALLER_HZ, AGENT_HZ];
    let (both, heard) = (together(&file, &tones, &tones), share_of_tone(&desk.heard(), CALLER_HZ));
    assert!((4.0..=7.5).contains(&both), "six of eleven seconds are in it: {both}");
    assert!(heard > 0.8, "nobody hears anything of a pause: {heard}");
    assert!(length_s(&file) > 10.5, "what is not recorded is silence in it: {}", length_s(&file));
}

#[test]
fn one_law_talks_with_the_other() {
    let server = Server::start(Setup { voice: false, ..Setup::default() });
    let anna = Agent::hire(&server, "anna");
    let mut desk = Baresip::european_agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    reach(&server, &anna, &mut caller);
    std::thread::sleep(seconds(4));
    desk.hang_up();
    caller.await_closed(seconds(30));
    let (at_the_desk, at_the_caller) = (desk.heard(), caller.heard());
    assert!(share_of_tone(&at_the_desk, CALLER_HZ) > 0.8, "{}", share_of_tone(&at_the_desk, CALLER_HZ));
    assert!(share_of_tone(&at_the_caller, AGENT_HZ) > 0.15, "{}", share_of_tone(&at_the_caller, AGENT_HZ));
}

#[test]
fn all_telephones_of_an_agent_ring_and_the_one_that_answers_has_the_call() {
    let server = Server::start(Setup { voice: false, ..Setup::default() });
    let anna = Agent::hire(&server, "anna");
    let mut office = Baresip::agent_by_hand(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    let mut home = Baresip::agent_by_hand(&server, anna.login, PASSWORD, Line::Silence);
    office.await_registered();
    home.await_registered();
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let mut caller = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    home.await_ringing();
    office.answer();
    // The other stops to ring, at once.
    home.await_closed(seconds(5));
    anna.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    std::thread::sleep(Duration::from_millis(2_500));
    caller.hang_up();
    office.await_closed(seconds(20));
    anna.await_state("wrap-up");
    assert_eq!(server.query("SELECT COUNT(*) FROM interaction WHERE channel = 'talk'").trim(), "1");
    // One of both is gone: the other still rings.
    drop(office);
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let mut again = Phone::call(&server, "10086", tickets::PHONE);
    wait_until("the call is there", seconds(20), || server.calls().len() == 2);
    server.await_step("choose", 1, seconds(40));
    again.key("0");
    home.answer();
    anna.await_state("talking");
    again.hang_up();
    anna.await_state("wrap-up");
}
