//! Agents on SIP telephones: a caller in the plan asks for a human, waits, and talks with one.

use std::time::Duration;

use serde_json::json;

use crate::support::agents::{AGENT_HZ, Agent, CALLER_HZ, PASSWORD};
use crate::support::baresip::{Baresip, Line};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered};
use crate::support::sipp::Telephone;
use crate::support::tones::share_of_tone;
use crate::support::{seconds, tickets, wait_for, wait_until};

fn server() -> Server {
    Server::start(Setup { voice: false, ..Setup::default() })
}

#[test]
fn a_caller_who_asks_for_a_human_talks_with_one() {
    let server = server();
    let anna = Agent::hire(&server, "anna");
    let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    caller.dial("10086");
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    anna.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    std::thread::sleep(seconds(4));
    let call = server.calls()[0]["id"].as_str().unwrap().to_owned();
    // Somebody else's call cannot be touched, and what is no act is told.
    let act =
        |act: &str| anna.ask("POST", &format!("/api/v1/calls/{call}/act"), json!({ "act": act })).status;
    assert_eq!(act("sing"), 422);
    assert_eq!(act("resume"), 409);
    assert_eq!(act("hold"), 204);
    assert_eq!(act("hold"), 409);
    std::thread::sleep(seconds(2));
    assert_eq!(act("resume"), 204);
    std::thread::sleep(seconds(2));
    desk.hang_up();
    caller.await_closed(seconds(30));
    anna.await_state("wrap-up");
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let calls = server.await_calls(1);
    assert_eq!(entered(&calls[0], "bye"), 1, "{}", calls[0]);
    assert_eq!(act("hold"), 404, "the call is over");
    // A tone each way, told by its frequency. The caller heard prompts and music as well.
    let (at_the_desk, at_the_caller) = (desk.heard(), caller.heard());
    assert!(share_of_tone(&at_the_desk, CALLER_HZ) > 0.8, "{}", share_of_tone(&at_the_desk, CALLER_HZ));
    assert!(share_of_tone(&at_the_desk, AGENT_HZ) < 0.1);
    assert!(share_of_tone(&at_the_caller, AGENT_HZ) > 0.15, "{}", share_of_tone(&at_the_caller, AGENT_HZ));
}

/// What nobody hears who has no wideband.
const HIGH_HZ: f64 = 5_500.0;

/// An agent talks with a caller for some seconds; gives what they heard: the agent, the caller.
fn talk(
    server: &Server,
    agent: &Agent<'_>,
    desk: &mut Baresip,
    caller: &mut Baresip,
) -> [std::path::PathBuf; 2] {
    desk.await_registered();
    assert_eq!(agent.goes("available").status, 200);
    agent.await_state("available");
    caller.dial("10086");
    std::thread::sleep(Duration::from_millis(500));
    caller.key("0");
    agent.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    std::thread::sleep(seconds(4));
    desk.hang_up();
    caller.await_closed(seconds(30));
    agent.await_state("wrap-up");
    assert_eq!(agent.goes("signed-out").status, 200);
    [desk.heard(), caller.heard()]
}

#[test]
fn wideband_is_heard_as_it_is_said_and_by_those_without() {
    let server = server();
    let anna = Agent::hire(&server, "anna");
    let wide = |login: &str, hertz: f64| Baresip::wideband_agent(&server, login, PASSWORD, Line::Tone(hertz));
    let mut desk = wide(anna.login, HIGH_HZ);
    let mut caller = Baresip::wideband(&server, tickets::PHONE, Line::Tone(HIGH_HZ));
    let [at_the_desk, at_the_caller] = talk(&server, &anna, &mut desk, &mut caller);
    assert!(share_of_tone(&at_the_desk, HIGH_HZ) > 0.8, "{}", share_of_tone(&at_the_desk, HIGH_HZ));
    assert!(share_of_tone(&at_the_caller, HIGH_HZ) > 0.15, "{}", share_of_tone(&at_the_caller, HIGH_HZ));
    drop((desk, caller));
    // One of both has G.711 alone, whoever it is.
    let bert = Agent::hire(&server, "bert");
    let mut desk = Baresip::agent(&server, bert.login, PASSWORD, Line::Tone(AGENT_HZ));
    let mut caller = Baresip::wideband(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    let heard = talk(&server, &bert, &mut desk, &mut caller);
    let carl = Agent::hire(&server, "carl");
    let mut desk = wide(carl.login, AGENT_HZ);
    let mut caller = Baresip::with(&server, tickets::PHONE, Line::Tone(CALLER_HZ));
    for [at_the_desk, at_the_caller] in [heard, talk(&server, &carl, &mut desk, &mut caller)] {
        assert!(share_of_tone(&at_the_desk, CALLER_HZ) > 0.8, "{}", share_of_tone(&at_the_desk, CALLER_HZ));
        assert!(
            share_of_tone(&at_the_caller, AGENT_HZ) > 0.15,
            "{}",
            share_of_tone(&at_the_caller, AGENT_HZ)
        );
    }
}

#[test]
fn of_a_call_that_a_proxy_forked_the_first_answer_counts() {
    let server = server();
    let anna = Agent::hire(&server, "anna");
    let telephone = Telephone::start(&server, anna.login, "forked.xml");
    assert_eq!(anna.goes("available").status, 200);
    let mut caller = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    anna.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    caller.hang_up();
    telephone.done();
    anna.await_state("wrap-up");
}

#[test]
fn an_agent_whose_telephone_is_away_is_passed_over_and_a_break_is_kept() {
    let server = server();
    let (anna, bert) = (Agent::hire(&server, "anna"), Agent::hire(&server, "bert"));
    let mut desk = Baresip::agent(&server, bert.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    // Free for longer, so she is asked first; her telephone is nowhere.
    assert_eq!(anna.goes("available").status, 200);
    assert_eq!(bert.goes("available").status, 200);
    let mut caller = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    bert.await_state("talking");
    assert_eq!(
        bert.ask("PUT", "/api/v1/me/state", json!({ "state": "break", "reason": "lunch" })).status,
        200
    );
    caller.hang_up();
    // After the call, and after the notes on it.
    bert.await_state("wrap-up");
    assert_eq!(anna.goes("signed-out").status, 200);
    anna.await_state("signed-out");
}

#[test]
fn a_caller_keeps_the_place_when_the_server_is_killed() {
    let mut server = server();
    {
        let anna = Agent::hire(&server, "anna");
        // Signed in without a telephone: callers wait.
        assert_eq!(anna.goes("available").status, 200);
    }
    let caller = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    server.await_event("queue.waiting", 1, seconds(20));
    let waiting = |server: &Server, state: &'static str| -> Vec<(String, i64)> {
        let text = server.query("SELECT state, joined_at FROM waiting ORDER BY id");
        let row = |line: &str| {
            let (state, at) = line.split_once('|')?;
            Some((state.to_owned(), at.parse().ok()?))
        };
        text.lines().filter_map(row).filter(|(is, _)| is == state || state.is_empty()).collect()
    };
    let joined =
        wait_for("the place is stored", seconds(10), || waiting(&server, "").first().map(|(_, at)| *at));
    std::thread::sleep(seconds(1));
    server.kill();
    drop(caller);
    server.launch();
    server.await_ready();
    wait_until("the place is kept", seconds(10), || {
        waiting(&server, "kept") == [("kept".to_owned(), joined)]
    });
    let mut again = Phone::call(&server, "10086", tickets::PHONE);
    wait_until("the second call is there", seconds(20), || server.calls().len() == 2);
    server.await_step("choose", 1, seconds(40));
    again.key("0");
    wait_until("the place is theirs again", seconds(20), || waiting(&server, "resumed").len() == 1);
    let all = waiting(&server, "");
    assert!(all.iter().all(|(_, at)| *at == joined), "{all:?}");
    // No agent is stuck, and the caller goes by hanging up.
    again.hang_up();
    wait_until("the caller has left", seconds(10), || waiting(&server, "left").len() == 1);
    let agents = server.ask("/api/v1/agents");
    assert_eq!(agents[0]["state"], "available");
}

/// A killed server starts again; its agent's telephone registers again. Whoever calls then reaches her.
fn killed_and_reached(server: &mut Server, login: &'static str) {
    server.launch();
    server.await_ready();
    let mut desk = Baresip::agent(server, login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let anna = Agent::sign_in(server, login);
    // She was rung or talked, and does neither: wrapping up ends by itself or by her.
    wait_until("she is not stuck", seconds(20), || ["available", "wrap-up"].contains(&anna.state().as_str()));
    assert_eq!(anna.goes("available").status, 200);
    anna.await_state("available");
    let calls = server.calls().len();
    let mut again = Phone::call(server, "10086", tickets::PHONE);
    wait_until("the call is there", seconds(20), || server.calls().len() == calls + 1);
    server.await_step("choose", 1, seconds(40));
    again.key("0");
    anna.await_state("talking");
    server.await_event("call.joined", 1, seconds(20));
    again.hang_up();
    anna.await_state("wrap-up");
    let open = "SELECT COUNT(*) FROM waiting WHERE state IN ('waiting', 'offered', 'talking')";
    assert_eq!(server.query(open).trim(), "0", "nobody is left behind");
    let unended = "SELECT COUNT(*) FROM interaction WHERE ended_at IS NULL AND channel = 'talk'";
    wait_until("no talk goes on", seconds(10), || server.query(unended).trim() == "0");
}

#[test]
fn a_server_killed_while_a_telephone_rings_leaves_no_agent_stuck() {
    let mut server = server();
    {
        let anna = Agent::hire(&server, "anna");
        let mut desk = Baresip::agent_by_hand(&server, anna.login, PASSWORD, Line::Silence);
        desk.await_registered();
        assert_eq!(anna.goes("available").status, 200);
        let caller = Phone::call(&server, "10086", tickets::PHONE);
        server.await_step("choose", 1, seconds(40));
        caller.key("0");
        desk.await_ringing();
        anna.await_state("offered");
        server.kill();
        drop((caller, desk));
    }
    killed_and_reached(&mut server, "anna");
}

#[test]
fn a_server_killed_while_two_talk_leaves_no_agent_stuck() {
    let mut server = server();
    {
        let anna = Agent::hire(&server, "anna");
        let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
        desk.await_registered();
        assert_eq!(anna.goes("available").status, 200);
        let caller = Phone::call(&server, "10086", tickets::PHONE);
        server.await_step("choose", 1, seconds(40));
        caller.key("0");
        anna.await_state("talking");
        server.await_event("call.joined", 1, seconds(20));
        server.kill();
        drop((caller, desk));
    }
    killed_and_reached(&mut server, "anna");
}
