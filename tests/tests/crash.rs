//! `kill -9` in mid-call.

use std::time::Duration;

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup};
use crate::support::{seconds, tickets, wait_until};

#[test]
fn no_step_that_was_seen_is_lost_and_service_is_back_within_five_seconds() {
    killed_at_three_steps(Server::start(Setup::default()));
}

#[test]
fn no_step_that_was_seen_is_lost_with_the_record_in_postgres() {
    killed_at_three_steps(Server::start(Setup { postgres: true, ..Setup::default() }));
}

fn killed_at_three_steps(mut server: Server) {
    server.put_ticket(&tickets::closed());
    for (round, step) in ["ask-code", "check", "hear"].into_iter().enumerate() {
        let phone = Phone::call(&server, "10086123", tickets::PHONE);
        wait_until("the call is on the record", seconds(10), || server.calls().len() == round + 1);
        if step != "ask-code" {
            server.await_step("ask-code", 1, seconds(30));
            phone.key(&format!("{}#", tickets::CODE));
        }
        if step == "hear" {
            phone.key(&format!("{}#", tickets::LAST_FOUR));
        }
        server.await_step(step, 1, seconds(60));
        let seen = server.calls().pop().expect("the call");
        server.kill();
        drop(phone);
        server.launch();
        let back = server.await_ready();
        assert!(back < seconds(5), "service was back after {back:?}");
        let calls = server.await_calls(round + 1);
        let kept = calls.last().expect("the call");
        assert_eq!(kept["id"], seen["id"]);
        let path = |call: &serde_json::Value| call["path"].as_array().cloned().unwrap_or_default();
        let (seen, stored) = (path(&seen), path(kept));
        assert!(stored.len() >= seen.len());
        assert_eq!(stored[..seen.len()], seen[..], "what was seen is there as it was");
        assert_eq!(kept["ending"], "us/crashed");
    }
    // And calls are taken.
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    wait_until("sound comes", seconds(5), || phone.packets() > 10);
    phone.hang_up();
}

#[test]
fn wrong_attempts_that_were_answered_are_counted_after_a_kill() {
    let mut server = Server::start(Setup::default());
    server.put_ticket(&tickets::closed());
    let phone = Phone::call(&server, "10086123", tickets::PHONE);
    phone.attempt(tickets::WRONG[0]);
    // The moment the refusal is told, not a step later.
    wait_until("the code is refused", Duration::from_secs(60), || {
        server.calls().last().is_some_and(|call| crate::support::server::verified(call).len() == 1)
    });
    server.kill();
    let database = server.folder().join("hotline.db");
    let counted = std::process::Command::new("sqlite3")
        .arg(database)
        .arg("SELECT COUNT(*) FROM verification WHERE counts = 1;")
        .output()
        .expect("sqlite3 is installed");
    assert_eq!(String::from_utf8_lossy(&counted.stdout).trim(), "1");
}
