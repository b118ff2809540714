//! Callers who would rather not wait leave a message, or go on by text message: the shipped waiting plan.

use crate::support::agents::{AGENT_HZ, Agent, PASSWORD};
use crate::support::baresip::{Baresip, Line};
use crate::support::server::{Server, Setup, entered};
use crate::support::{seconds, tickets, wait_until};

fn asks_for_a_human(server: &Server, caller: &mut Baresip, calls: usize) {
    caller.dial("10086");
    wait_until("the call is there", seconds(20), || server.calls().len() == calls);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    server.await_step("settle-in", 1, seconds(20));
}

/// A caller whom the record knows waits for an agent, and hears music.
fn waits(server: &Server, calls: usize) -> Baresip {
    let mut caller = Baresip::with(server, tickets::PHONE, Line::Voice);
    asks_for_a_human(server, &mut caller, calls);
    caller
}

/// At work and not free: callers wait.
fn on_a_break(agent: &Agent<'_>) {
    assert_eq!(agent.goes("available").status, 200);
    let lunch = serde_json::json!({ "state": "break", "reason": "lunch" });
    assert_eq!(agent.ask("PUT", "/api/v1/me/state", lunch).status, 200);
    agent.await_state("break");
}

#[test]
fn a_message_in_place_of_waiting_is_kept_and_somebody_calls_back() {
    let mut server = Server::start(Setup { voice: false, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    let anna = Agent::hire(&server, "anna");
    on_a_break(&anna);
    let mut caller = waits(&server, 1);
    caller.key("2");
    server.await_step("leave-words", 1, seconds(20));
    // The prompt takes some seconds; what is said behind the beep lasts for as long as they do not press the key.
    std::thread::sleep(seconds(12));
    caller.key("#");
    caller.await_closed(seconds(40));
    let calls = server.await_calls(1);
    let call = &calls[0];
    assert_eq!((entered(call, "words-kept"), &call["outcome"]), (1, &"wants-human".into()), "{call}");
    let id = call["id"].as_str().unwrap();
    let file = server.disk().join("recordings").join(format!("{id}-message.wav"));
    wait_until("the words are on disk", seconds(10), || file.exists());
    let said = hotline_audio::read_wav(std::fs::File::open(&file).unwrap()).unwrap();
    let level = hotline_audio::active_level(&said.samples, said.rate_hz).expect("somebody speaks");
    assert!(level.active_dbov > -40.0 && said.samples.len() > 3 * 8_000, "{level:?}, {}", said.samples.len());
    let promised =
        server.query("SELECT reason FROM follow_up WHERE state = 'open' AND customer_id IS NOT NULL");
    assert_eq!(promised.trim(), "left-message");
    assert_eq!(server.query("SELECT state FROM waiting").trim(), "left");
    assert_eq!(anna.ask("GET", &format!("/api/v1/calls/{id}/words/message"), ().into()).status, 200);
    // The next one speaks, and somebody is free before they are done: they talk, and what was said is kept.
    let mut caller = waits(&server, 2);
    caller.key("2");
    server.await_step("leave-words", 1, seconds(20));
    std::thread::sleep(seconds(9));
    let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    assert_eq!(anna.goes("available").status, 200);
    server.await_event("call.joined", 1, seconds(60));
    server.await_event("call.recorded", 1, seconds(20));
    std::thread::sleep(seconds(3));
    desk.hang_up();
    caller.await_closed(seconds(30));
    assert_eq!(server.query("SELECT COUNT(*) FROM follow_up").trim(), "1", "they had their human");
}

#[test]
fn who_would_rather_write_gets_a_text_message_to_reply_to() {
    let mut server = Server::start(Setup { voice: false, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    let sent = |server: &Server| -> Vec<String> {
        let messages = server.messages().into_iter();
        let text = |message: serde_json::Value| message["text"].as_str().unwrap_or_default().to_owned();
        messages.map(text).filter(|text| text.contains("直接回复")).collect()
    };
    let anna = Agent::hire(&server, "anna");
    on_a_break(&anna);
    let mut caller = waits(&server, 1);
    caller.key("3");
    caller.await_closed(seconds(40));
    let calls = server.await_calls(1);
    assert_eq!((entered(&calls[0], "text-sent"), entered(&calls[0], "bye")), (1, 1), "{}", calls[0]);
    wait_until("the message is sent", seconds(20), || sent(&server).len() == 1);
    assert_eq!(server.query("SELECT state FROM waiting").trim(), "left");
    // Whom nobody knows, too: a record is made for what they reply.
    let mut stranger = Baresip::with(&server, "13700137000", Line::Silence);
    asks_for_a_human(&server, &mut stranger, 2);
    stranger.key("3");
    stranger.await_closed(seconds(40));
    wait_until("the message is sent", seconds(20), || sent(&server).len() == 2);
    assert_eq!(
        server
            .query("SELECT COUNT(*) FROM interaction WHERE customer_id IS NULL AND channel = 'call'")
            .trim(),
        "0"
    );
    // A landline takes none: they are told so, and wait on.
    let mut office = Baresip::with(&server, "01065529988", Line::Silence);
    asks_for_a_human(&server, &mut office, 3);
    office.key("3");
    server.await_step("not-by-text", 1, seconds(20));
    server.await_step("listen", 1, seconds(30));
    office.hang_up();
    server.await_calls(3);
    assert_eq!(sent(&server).len(), 2);
}
