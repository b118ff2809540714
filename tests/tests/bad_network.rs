//! What a bad network does to a call: loss, late and doubled packets, packets out of order, and a
//! wire that is cut. The server and its caller are in network namespaces of their own.

use serde_json::json;

use crate::support::ear::{Heard, assert_heard};
use crate::support::server::{Server, entered, verified};
use crate::support::wire::{Told, Wire};
use crate::support::{seconds, tickets, wait_until};

const COMPLAINT: &str = "10086123";
/// Both factors, each once the other side has stopped asking.
const KEYS: &str = "407192865#,8000#";
/// As many keys must come; a doubled one would be one more.
const KEYED: u64 = 15;

/// A figure of the one line that a call leaves in the log.
fn figure(server: &Server, name: &str) -> f64 {
    let log = server.log();
    let line = log.lines().rev().find(|line| line.contains("a call has ended")).expect("the call has ended");
    let (_, behind) = line.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{name}: {line}"));
    behind
        .split(' ')
        .next()
        .and_then(|figure| figure.parse().ok())
        .unwrap_or_else(|| panic!("{name}: {line}"))
}

/// A whole call over a wire that does `rule`: the code and the second factor arrive, each key once.
fn a_whole_call(rule: &serde_json::Value) -> (Server, Told, std::path::PathBuf) {
    let mut wire = Wire::start();
    let mut server = Server::start(wire.setup(""));
    server.put_ticket(&tickets::closed());
    wire.set(rule);
    let mut call = wire.dial(COMPLAINT, tickets::PHONE, &["--keys", KEYS, "--at-most", "45"]);
    let told = call.told();
    let calls = server.await_calls(1);
    let did = wire.set(&json!({}));
    assert_eq!(verified(&calls[0]), ["passed"], "{told:?} {did} {calls:#?}");
    assert_eq!(entered(&calls[0], "hear"), 1);
    assert_eq!(figure(&server, "call.keys") as u64, KEYED, "{did}");
    // The good wire is back when the call ends, or the BYE came through again.
    let ending = calls[0]["ending"].as_str().unwrap_or_default();
    assert!(["success/hung-up", "caller/hung-up", "success/completed"].contains(&ending), "{ending}");
    let wav = server.folder().join("heard.wav");
    std::fs::copy(&call.wav, &wav).unwrap();
    (server, told, wav)
}

/// What was lost is about what the wire lost, as both sides tell it.
fn assert_lost(server: &Server, told: &Told, share: f64) {
    let there = told.lost / (told.packets + told.lost);
    let (received, lost) = (figure(server, "rtp.received"), figure(server, "rtp.lost"));
    let here = lost / (received + lost);
    for (side, seen) in [("the caller", there), ("the record", here)] {
        assert!((seen - share).abs() < share * 0.35 + 0.01, "{side}: {seen} of {share}: {}", told.text);
    }
}

#[test]
fn at_five_percent_loss_with_jitter_every_key_counts_once_and_the_result_is_understood() {
    let rule = json!({ "loss": 0.05, "delay-ms": 20, "jitter-ms": 60, "reordered": 0.05, "doubled": 0.05 });
    let (server, told, wav) = a_whole_call(&rule);
    assert_lost(&server, &told, 0.05);
    assert!(figure(&server, "rtp.duplicates") > 0.0, "the wire doubled packets");
    assert_heard("zh", &[Heard::new(&wav, tickets::REFUND)]);
}

#[test]
fn at_twenty_percent_loss_every_key_counts_once() {
    let (server, told, _) = a_whole_call(&json!({ "loss": 0.2 }));
    assert_lost(&server, &told, 0.2);
}

#[test]
fn keys_out_of_order_and_three_fold_late_are_keys_once() {
    let rule = json!({ "reordered": 0.3, "doubled": 0.3, "delay-ms": 100, "jitter-ms": 150 });
    let (server, told, _) = a_whole_call(&rule);
    assert_lost(&server, &told, 0.0);
}

#[test]
fn a_cut_of_three_seconds_is_a_gap_and_no_end() {
    let mut wire = Wire::start();
    let mut server = Server::start(wire.setup(""));
    server.put_ticket(&tickets::closed());
    // The silence of the cut is no invitation to key.
    let arguments = ["--keys", "407192865#8000#", "--pause", "4.5", "--at-most", "45"];
    let mut call = wire.dial(COMPLAINT, tickets::PHONE, &arguments);
    server.await_step("ask-code", 1, seconds(20));
    wire.set(&json!({ "cut": true }));
    std::thread::sleep(seconds(3));
    let did = wire.set(&json!({ "cut": false }));
    let told = call.told();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["passed"], "{told:?} {calls:#?}");
    // Fifty packets a second each way: the cut and nothing else is missing.
    let cut = did["cut"].as_f64().unwrap_or_default();
    assert!(cut > 250.0, "{did}");
    for lost in [told.lost, figure(&server, "rtp.lost")] {
        assert!((140.0..175.0).contains(&lost), "{lost} packets: {}", told.text);
    }
}

#[test]
fn a_cut_longer_than_the_silence_limit_ends_the_call() {
    let mut wire = Wire::start();
    let server = Server::start(wire.setup("silence-limit-s = 3"));
    let _call = wire.dial(COMPLAINT, tickets::PHONE, &["--at-most", "40"]);
    server.await_step("ask-code", 1, seconds(20));
    wire.set(&json!({ "cut": true }));
    let began = std::time::Instant::now();
    wait_until("the call has ended", seconds(15), || {
        server.calls().last().is_some_and(|call| !call["ended-at"].is_null())
    });
    assert!(began.elapsed() >= seconds(2), "not before its limit");
    let calls = server.await_calls(1);
    assert_eq!(calls[0]["ending"], "unattributable/no-media");
    wait_until("nothing of it is left", seconds(40), || server.metric("hotline_sip_legs") == Some(0.0));
    assert_eq!(server.metric("hotline_calls_active"), Some(0.0));
}
