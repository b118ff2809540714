//! Whole calls with the record in PostgreSQL; crashes and a database that is away stand beside
//! those on SQLite (`crash`, `database_away`).

use crate::support::phone::Phone;
use crate::support::process::quiet;
use crate::support::server::{Server, Setup, binary, verified};
use crate::support::{seconds, tickets, wait_until};

#[test]
fn a_call_is_answered_from_postgres_and_stands_there() {
    let mut server = Server::start(Setup { postgres: true, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    wait_until("the message is sent", seconds(60), || server.messages().len() == 1);
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(60));
    phone.attempt(tickets::WRONG[0]);
    server.await_step("ask-code", 2, seconds(60));
    phone.attempt(tickets::CODE);
    server.await_step("offer", 1, seconds(60));
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "passed"]);
    let customer = server.customer(tickets::PHONE).expect("the customer is known");
    assert_eq!(customer["tickets"].as_array().map(Vec::len), Some(1));
    server.stop();
    assert!(server.log().contains("ready for calls"));
}

/// Whom the number suggests is asked while the caller hears us already.
#[test]
fn a_key_counts_that_is_pressed_before_the_record_has_answered() {
    let mut server = Server::start(Setup { postgres: true, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    wait_until("the message is sent", seconds(60), || server.messages().len() == 1);
    let held = server.postgres().hold("identity", 5);
    let mut phone = Phone::call(&server, "10086", tickets::PHONE);
    phone.key("1");
    server.await_step("ask-code", 1, seconds(60));
    phone.hang_up();
    drop(held);
    server.await_calls(1);
    server.stop();
}

#[test]
fn the_commands_know_postgres_and_never_tell_its_password() {
    let server = Server::prepare(Setup { postgres: true, warm: false, ..Setup::default() });
    let password = server.postgres().password();
    let told = |arguments: &[&str]| {
        let mut command = quiet(binary());
        command.arg("--config").arg(server.folder().join("hotline.toml")).args(arguments);
        let done = command.current_dir(server.folder()).output().unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(!told.contains(&password), "{arguments:?}: {told}");
        told
    };
    assert!(told(&["doctor"]).contains("PostgreSQL 1"), "{}", told(&["doctor"]));
    assert!(told(&["config", "dump"]).contains("postgres://hotline@127."));
    let file = server.folder().join("hotline.toml");
    assert!(told(&["config", "check", file.to_str().unwrap()]).contains("good"));
    assert_eq!(told(&["customer"]), "", "nobody has called yet");
    let wrong = server.postgres().url().replace("hotline:", "hotline:x");
    let refused = told(&["--database", &wrong, "customer"]);
    assert!(refused.contains("refuses the user or the password"), "{refused}");
    let refused = told(&["--database", &wrong, "serve"]);
    assert!(refused.contains("refuses the user or the password"), "{refused}");
    let refused = told(&["--database", "postgres://hotline:secret@nowhere", "serve"]);
    assert!(refused.contains("--database") && !refused.contains("secret"), "{refused}");
    assert!(told(&["doctor"]).contains("tables of version"));
}
