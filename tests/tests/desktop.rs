//! The agent's desktop in a real browser: the scripts in `desktop/tests/` work at it, and this starts
//! and stops what they work with.

use crate::support::browser::{add_user, run, run_told, run_with_callers, run_with_people};
use crate::support::ear::{Heard, assert_heard};
use crate::support::process::{Process, quiet};
use crate::support::server::{Server, Setup, binary};
use crate::support::{seconds, tickets, wait_until};

/// A caller who wants a person.
fn call(server: &Server) -> Process {
    let mut dial = quiet(binary());
    let whom = format!("sip:10086123@{}", server.sip());
    dial.args(["dial", &whom, "--keys", "0", "--from", tickets::PHONE, "--at-most", "60"]);
    Process::start(dial.current_dir(server.folder()), &server.folder().join("dial.log"))
}

#[test]
fn an_agent_works_a_day_at_the_desktop() {
    let mut server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in
        [("min.li", "李敏", "agent"), ("lock.me", "锁", "agent"), ("boss", "周主管", "agent,supervisor")]
    {
        add_user(&server, login, name, roles);
    }
    let mut caller = None;
    run("browser.mjs", &mut server, |server, asked| match asked {
        ["stop"] => server.stop(),
        ["start"] => {
            server.launch();
            server.await_ready();
        }
        ["call"] => caller = Some(call(server)),
        other => panic!("nobody knows how to {other:?}"),
    });
    drop(caller);
    // The code went out to the number on file as often as it was asked for and allowed.
    wait_until("the code is sent three times", seconds(20), || {
        server.messages().iter().filter(|message| message.to_string().contains(tickets::CODE)).count() >= 3
    });
}

#[test]
fn a_caller_is_known_before_the_first_word() {
    let telephones = run_with_callers("calls.mjs");
    // Who gave up was told the place that they had.
    let heard = telephones.0["wang"].heard();
    assert_heard("zh", &[Heard::new(&heard, "您现在排在第一位")]);
}

#[test]
fn agents_and_supervisors_talk_as_they_click() {
    run_with_callers("talks.mjs");
}

#[test]
fn a_record_is_kept_in_order_at_the_desktop() {
    let mut server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in [("min.li", "李敏", "agent"), ("boss", "周主管", "agent,supervisor")] {
        add_user(&server, login, name, roles);
    }
    let messages = server.folder().join("messages.jsonl");
    let told = [("MESSAGES", messages.to_str().unwrap())];
    run_told("records.mjs", &mut server, &told, |_, asked| panic!("nobody knows how to {asked:?}"));
}

#[test]
fn what_was_given_and_what_is_known_stand_beside_the_customer() {
    let mut server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in [("min.li", "李敏", "agent"), ("boss", "周主管", "agent,supervisor")] {
        add_user(&server, login, name, roles);
    }
    let messages = server.folder().join("messages.jsonl");
    let told = [("MESSAGES", messages.to_str().unwrap())];
    run_told("gifts.mjs", &mut server, &told, |_, asked| panic!("nobody knows how to {asked:?}"));
}

#[test]
fn a_talk_is_heard_scored_shared_and_answered_at_the_desktop() {
    run_with_people("reviews.mjs", Setup { voice: false, recordings: true, ..Setup::default() });
}

#[test]
fn a_page_that_was_away_knows_what_happened() {
    run_with_callers("away.mjs");
}
