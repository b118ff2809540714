//! The database goes away in mid-call and comes back.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Instant;

use crate::support::ear::{Heard, assert_heard};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, verified};
use crate::support::{seconds, setting, tickets, wait_until};

/// Somebody else's lock on the whole database, from now until it is dropped.
struct Lock {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Lock {
    fn hold(database: &Path) -> Self {
        let mut child = Command::new("sqlite3")
            .arg(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sqlite3 is installed");
        let mut stdin = child.stdin.take().expect("it is piped");
        let mut told = String::new();
        writeln!(stdin, ".timeout 5000\nBEGIN EXCLUSIVE;\nSELECT 'locked';").unwrap();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut told).unwrap();
        assert_eq!(told.trim(), "locked");
        Self { child, stdin: Some(stdin) }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The end of its input ends the program and with it the lock.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

#[test]
fn the_caller_hears_an_apology_and_the_steps_are_stored_when_it_is_back() {
    let server = Server::start(Setup::default());
    let database = server.folder().join("hotline.db");
    apology(server, |_| Lock::hold(&database), |_, lock| drop(lock));
}

#[test]
fn a_postgres_that_crashes_in_mid_call_costs_an_apology_and_no_step() {
    let server = Server::start(Setup { postgres: true, ..Setup::default() });
    apology(server, |server| server.postgres().crash(), |server, ()| server.postgres().start_again());
}

/// A caller verifies while the database is away, which comes back after the call.
fn apology<T>(mut server: Server, take_away: impl FnOnce(&Server) -> T, give_back: impl FnOnce(&Server, T)) {
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    let away = take_away(&server);
    phone.attempt(tickets::CODE);
    wait_until("the server says that the database is away", seconds(15), || {
        server.try_request("GET", "/readyz", None).is_ok_and(|response| response.status == 503)
    });
    // The plan apologises, promises a call back and ends the call.
    phone.await_bye(seconds(90));
    // `tools/faults away` keeps it away for longer; calls go on all the time.
    let until = Instant::now() + seconds(setting("HOTLINE_AWAY_S", 0) as u64);
    let mut more = 0;
    while Instant::now() < until {
        let mut another = Phone::call(&server, "10086123", "13955556666");
        wait_until("a call has sound", seconds(5), || another.packets() > 50);
        another.hang_up();
        more += 1;
    }
    give_back(&server, away);
    wait_until("the database is back", seconds(10), || {
        server.try_request("GET", "/readyz", None).is_ok_and(|response| response.status == 200)
    });
    let calls = server.await_calls(1 + more);
    assert_eq!(calls.len(), 1 + more);
    assert!(
        matches!(verified(&calls[0]).as_slice(), [outcome] if outcome == "failed" || outcome == "late"),
        "{calls:?}"
    );
    for step in ["check", "cannot-look-up", "promise", "bye"] {
        assert_eq!(entered(&calls[0], step), 1, "{step}");
    }
    assert_eq!(calls[0]["outcome"], "failed");
    // Every step stands there once, in order.
    let steps = calls[0]["path"].as_array().unwrap().iter();
    let path: Vec<_> =
        steps.filter(|event| event["type"].as_str().unwrap_or_default().starts_with("call.")).collect();
    let places: Vec<i64> = path.iter().map(|event| event["seq"].as_i64().expect("a place")).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "{path:#?}");
    let wav = server.folder().join("heard.wav");
    phone.keep(&wav);
    assert_heard("zh", &[Heard::new(&wav, "非常抱歉,系统现在查不到,不是您的问题。")]);
}

/// The steps of a call that ended while the database was away are on disk: neither the end of the
/// process loses them, nor are they stored twice.
#[test]
fn what_happened_while_postgres_was_away_survives_a_kill() {
    let mut server = Server::start(Setup { postgres: true, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    server.postgres().crash();
    phone.attempt(tickets::CODE);
    phone.await_bye(seconds(90));
    let spool = server.folder().join("var/hotline.spool");
    wait_until("the end of the call is on disk", seconds(10), || {
        std::fs::read_to_string(&spool).is_ok_and(|text| text.contains("\"End\""))
    });
    server.kill();
    server.postgres().start_again();
    server.launch();
    server.await_ready();
    let calls = server.await_calls(1);
    for step in ["check", "cannot-look-up", "promise", "bye"] {
        assert_eq!(entered(&calls[0], step), 1, "{step}");
    }
    assert_eq!(calls[0]["outcome"], "failed");
    assert_ne!(calls[0]["ending"], "us/crashed", "the call had ended before the process did");
    wait_until("the spool is empty", seconds(10), || {
        std::fs::metadata(&spool).is_ok_and(|file| file.len() == 0)
    });
}
