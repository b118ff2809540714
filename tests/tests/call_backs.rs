//! Callers who would rather not wait: they keep their place, hang up, and are called when it comes.

use std::time::Duration;

use serde_json::json;

use crate::support::agents::{AGENT_HZ, Agent, CALLER_HZ, PASSWORD};
use crate::support::baresip::{Baresip, Line};
use crate::support::people::{People, Person};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, own_address};
use crate::support::tones::share_of_tone;
use crate::support::{seconds, tickets, wait_until};

/// A server whose trunk may call mobiles, which are at `host`.
fn server(host: &str) -> Server {
    Server::start(setup(host))
}

fn setup(host: &str) -> Setup {
    let trunk = format!(
        "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true\n\
         [trunks.out]\nhost = \"{host}\"\nnumbers = [\"138*\"]\nshown = \"10086\"\n"
    );
    Setup { voice: false, trunk: trunk.leak(), ..Setup::default() }
}

/// An agent who is at work, and not free.
fn on_a_break<'a>(server: &'a Server, login: &'static str) -> Agent<'a> {
    let agent = Agent::hire(server, login);
    assert_eq!(agent.goes("available").status, 200);
    let lunch = json!({ "state": "break", "reason": "lunch" });
    assert_eq!(agent.ask("PUT", "/api/v1/me/state", lunch).status, 200);
    agent.await_state("break");
    agent
}

/// Somebody calls, waits for an agent, and presses the key; the server says that the place is kept, and hangs up.
fn keeps_the_place(server: &Server, number: &str) {
    let mut caller = Phone::call(server, "10086", number);
    server.await_step("choose", 1, seconds(40));
    caller.key("0");
    server.await_step("settle-in", 1, seconds(20));
    caller.key("1");
    caller.await_bye(seconds(30));
}

/// Where all places stand, the oldest first.
fn states(server: &Server) -> Vec<String> {
    server.query("SELECT state FROM waiting ORDER BY id").lines().map(str::to_owned).collect()
}

fn count(server: &Server, sql: &str) -> usize {
    server.query(sql).trim().parse().expect("a count")
}

const CALLS_OUT: &str = "SELECT COUNT(*) FROM interaction WHERE channel = 'call' AND direction = 'out'";

#[test]
fn who_keeps_the_place_is_called_and_talks_with_the_agent_who_was_kept_free() {
    let outside = own_address();
    let server = server(&outside.to_string());
    let anna = on_a_break(&server, "anna");
    let mut desk = Baresip::agent(&server, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut customer = Baresip::outside(&server, tickets::PHONE, outside, Line::Tone(CALLER_HZ));
    keeps_the_place(&server, tickets::PHONE);
    assert_eq!(states(&server), ["call-back"]);
    std::thread::sleep(seconds(5));
    assert_eq!(count(&server, CALLS_OUT), 0, "nobody is free");
    assert_eq!(anna.goes("available").status, 200);
    server.await_step("ask", 1, seconds(20));
    assert_eq!(states(&server), ["calling"]);
    customer.key("1");
    server.await_event("call.joined", 1, seconds(20));
    std::thread::sleep(seconds(5));
    desk.hang_up();
    customer.await_closed(seconds(30));
    anna.await_state("wrap-up");
    let calls = server.await_calls(2);
    let back = calls.iter().find(|call| call["direction"] == "out").expect("a call that we made");
    assert_eq!((entered(back, "to-a-human"), entered(back, "bye")), (1, 1), "{back}");
    assert_eq!(states(&server), ["resumed", "served"]);
    let joined = server.query("SELECT DISTINCT joined_at FROM waiting");
    assert_eq!(joined.trim().lines().count(), 1, "the same place: {joined}");
    // Both calls are one contact.
    let tree = "SELECT COUNT(*) FROM interaction b JOIN interaction a ON a.id = b.parent_id AND a.id = b.root_id \
                WHERE b.direction = 'out' AND a.direction = 'in' AND a.outcome = 'wants-human'";
    assert_eq!(count(&server, tree), 1);
    let talk = "SELECT COUNT(*) FROM interaction t JOIN interaction b ON b.id = t.parent_id AND b.root_id = t.root_id \
                WHERE t.channel = 'talk' AND t.ended_at IS NOT NULL AND b.direction = 'out' AND b.parent_id IS NOT NULL";
    assert_eq!(count(&server, talk), 1, "with its human below it");
    assert_eq!(count(&server, "SELECT COUNT(*) FROM waiting WHERE call_back_to IS NOT NULL"), 0);
    assert_eq!(count(&server, "SELECT COUNT(*) FROM follow_up"), 0, "it is done");
    let (at_the_desk, outside) = (desk.heard(), customer.heard());
    assert!(share_of_tone(&at_the_desk, CALLER_HZ) > 0.8, "{}", share_of_tone(&at_the_desk, CALLER_HZ));
    assert!(share_of_tone(&outside, AGENT_HZ) > 0.15, "{}", share_of_tone(&outside, AGENT_HZ));
}

#[test]
fn a_place_outlives_the_server_and_its_owner_is_called_once() {
    let outside = own_address();
    let mut server = server(&outside.to_string());
    {
        let anna = on_a_break(&server, "anna");
        anna.await_state("break");
        keeps_the_place(&server, tickets::PHONE);
    }
    let since = server.query("SELECT joined_at FROM waiting");
    server.kill();
    server.launch();
    server.await_ready();
    assert_eq!(states(&server), ["call-back"]);
    let bert = Agent::hire(&server, "bert");
    let mut desk = Baresip::agent(&server, bert.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut customer = Baresip::outside(&server, tickets::PHONE, outside, Line::Tone(CALLER_HZ));
    assert_eq!(bert.goes("available").status, 200);
    server.await_step("ask", 1, seconds(20));
    customer.key("1");
    server.await_event("call.joined", 1, seconds(20));
    customer.hang_up();
    bert.await_state("wrap-up");
    assert_eq!(bert.goes("available").status, 200);
    bert.await_state("available");
    std::thread::sleep(seconds(5));
    assert_eq!(count(&server, CALLS_OUT), 1);
    assert_eq!(states(&server), ["resumed", "served"]);
    assert_eq!(server.query("SELECT DISTINCT joined_at FROM waiting"), since);
}

#[test]
fn where_servers_share_a_record_one_has_the_queues_and_the_next_keeps_every_place() {
    let outside = own_address();
    let first_setup = Setup { postgres: true, ..setup(&outside.to_string()) };
    let mut first = Server::start(first_setup);
    let beside = Setup { shares: Some(first.postgres().url()), ..setup(&outside.to_string()) };
    let second = Server::start(beside);
    {
        let anna = on_a_break(&first, "anna");
        anna.await_state("break");
        let there = Agent::sign_in(&second, anna.login);
        assert_eq!(there.goes("available").status, 503, "the other one has the queues");
        keeps_the_place(&first, tickets::PHONE);
    }
    first.kill();
    wait_until("the second server has the queues", seconds(40), || {
        second.log().contains("the queues are this server's from now on")
    });
    let anna = Agent::sign_in(&second, "anna");
    let mut desk = Baresip::agent(&second, anna.login, PASSWORD, Line::Tone(AGENT_HZ));
    desk.await_registered();
    let mut customer = Baresip::outside(&second, tickets::PHONE, outside, Line::Tone(CALLER_HZ));
    assert_eq!(anna.goes("available").status, 200);
    second.await_step("ask", 1, seconds(30));
    customer.key("1");
    second.await_event("call.joined", 1, seconds(20));
    customer.hang_up();
    anna.await_state("wrap-up");
}

#[test]
fn a_call_back_that_a_crash_cut_off_counts_and_is_not_made_again_at_once() {
    let people = People::start();
    let setup = Setup { voice: false, trunk: people.trunk(), ..Setup::default() };
    let mut server = Server::start(setup);
    let number = Person::Silent.phone();
    {
        let anna = on_a_break(&server, "anna");
        keeps_the_place(&server, &number);
        assert_eq!(anna.goes("available").status, 200);
        server.await_event("call.dialled", 1, seconds(20));
        wait_until("it rings", seconds(10), || people.called().len() == 1);
    }
    assert_eq!(states(&server), ["calling"]);
    server.kill();
    server.launch();
    server.await_ready();
    assert_eq!(states(&server), ["call-back"]);
    wait_until("anna is free again", seconds(10), || server.ask("/api/v1/agents")[0]["state"] == "available");
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(people.called().len(), 1, "{}", people.errors());
    let tries = server.query("SELECT call_back_tries, call_back_at - since FROM waiting");
    assert_eq!(tries.trim(), "1|300000000");
    assert_eq!(count(&server, CALLS_OUT), 1);
}
