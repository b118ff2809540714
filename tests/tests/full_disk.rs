//! A disk without room: under the record, the spool and the recordings. It takes root, for a small
//! disk of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, verified};
use crate::support::{seconds, setting, tickets, wait_until};

/// What fills the disk.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(disk: &Path) -> Self {
        let path = disk.join("ballast");
        let file = std::fs::File::create(&path).unwrap();
        // Small pieces last: no page is left for anybody.
        for size in [1 << 20, 4_096] {
            while std::io::Write::write_all(&mut &file, &vec![0; size]).is_ok() {}
        }
        Self(path)
    }

    fn refill(&self) {
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.0).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4_096]).is_ok() {}
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn ready(server: &Server) -> u16 {
    server.try_request("GET", "/readyz", None).map_or(0, |answer| answer.status)
}

#[test]
fn calls_go_on_while_the_disk_is_full_and_all_is_stored_when_there_is_room() {
    let mut server = Server::start(Setup { small_disk: true, recordings: true, ..Setup::default() });
    let disk = server.disk();
    server.put_ticket(&tickets::closed());
    wait_until("the message is sent", seconds(30), || server.messages().len() == 1);
    // It speaks when the disk runs full, and calls while it is full.
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    let ballast = Ballast::fill(&disk);
    phone.attempt(tickets::CODE);
    wait_until("the operator is told", seconds(20), || {
        // What was freed by the server itself is no room.
        ballast.refill();
        ready(&server) == 503
    });
    let log = server.log();
    assert!(log.contains("the disk is full: make room"), "the log says what to do");
    let away = server.try_request("GET", "/readyz", None).unwrap().body;
    assert!(away.contains("steps wait"), "{away}");
    phone.await_bye(seconds(90));
    let until = std::time::Instant::now() + seconds(setting("HOTLINE_AWAY_S", 0) as u64);
    let mut calls = 1;
    loop {
        let mut another = Phone::call(&server, "10086123", "13955556666");
        wait_until("a call has sound", seconds(5), || another.packets() > 50);
        another.hang_up();
        calls += 1;
        if calls >= 3 && std::time::Instant::now() >= until {
            break;
        }
    }
    assert_eq!(ready(&server), 503);
    drop(ballast);
    wait_until("it is ready again", seconds(20), || ready(&server) == 200);
    assert!(server.log().contains("the database is back"));
    let stored = server.await_calls(calls);
    assert_eq!(stored.len(), calls);
    for step in ["check", "cannot-look-up", "promise", "bye"] {
        assert_eq!(entered(&stored[0], step), 1, "{step}");
    }
    wait_until("the figures say so", seconds(15), || server.metric("hotline_record_available") == Some(1.0));
    // A call after it is whole: result, recording, record.
    let mut last = Phone::call(&server, "10086123", tickets::PHONE);
    last.attempt(tickets::CODE);
    wait_until("the result is told", seconds(60), || {
        server.calls().last().is_some_and(|call| entered(call, "offer") == 1)
    });
    last.hang_up();
    let stored = server.await_calls(calls + 1);
    let recording = stored[calls]["recording"].as_str().map(|name| disk.join("recordings").join(name));
    assert_eq!(verified(&stored[calls]), ["passed"]);
    if let Some(recording) = recording {
        assert!(std::fs::metadata(recording).is_ok_and(|file| file.len() > 100_000));
    }
    server.stop();
    let done = Command::new("sqlite3")
        .arg(disk.join("hotline.db"))
        .arg("PRAGMA integrity_check")
        .output()
        .expect("sqlite3 is installed");
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "ok");
    let spool = std::fs::metadata(disk.join("hotline.spool"));
    assert!(spool.is_ok_and(|file| file.len() == 0), "the spool is empty");
}
