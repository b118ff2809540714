//! The whole flow by clients of others: SIPp, baresip, and the telephone that newcomers get.
//! Each hears the result; what it heard is listened to.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::baresip::Baresip;
use crate::support::ear::{Heard, assert_heard, assert_not_heard};
use crate::support::pcap::{Keys, write_tones};
use crate::support::server::{Server, Setup, binary, entered, verified};
use crate::support::sipp::Scenario;
use crate::support::{seconds, tickets, wait_until};

/// The plan that asks for a code at once, and the menu before it.
const COMPLAINT: &str = "10086123";
const MENU: &str = "10086";

fn server() -> Server {
    let mut server = Server::start(Setup { recordings: true, ..Setup::default() });
    server.put_ticket(&tickets::closed());
    await_speech(&server);
    server
}

/// The result may be heard from here on without a wait.
fn await_speech(server: &Server) {
    wait_until("the result's speech is ready", seconds(60), || {
        server.customer(tickets::PHONE).is_some_and(|page| page["tickets"][0]["speech-ready"] == true)
    });
}

/// The recording that the server made of a call.
fn recording(server: &Server, call: &Value) -> std::path::PathBuf {
    let name = call["recording"].as_str().expect("the call was recorded");
    let path = server.folder().join("recordings").join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path
}

fn assert_contained(call: &Value) {
    assert_eq!(verified(call), ["passed"]);
    assert_eq!(call["outcome"], "contained");
    assert_eq!(call["reason"], "complaint-result");
    assert_eq!(call["known-by"], "verified");
}

// SIPp

/// The captures that a scenario plays: a code and the last four digits an attempt.
fn captures(folder: &Path, codes: &[&str]) {
    let mut keys = Keys::new();
    for (number, code) in (1..).zip(codes) {
        keys.write(&folder.join(format!("code-{number}.pcap")), &format!("{code}#"));
        keys.write(&folder.join(format!("last-four-{number}.pcap")), &format!("{}#", tickets::LAST_FOUR));
    }
}

fn sipp(server: &Server, file: &str, folder: &Path, listens: Duration) {
    Scenario { file, number: COMPLAINT, caller: tickets::PHONE, listens, folder, options: &[] }.run(server);
}

#[test]
fn sipp_keys_by_rfc_4733_and_hears_the_result() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    captures(folder.path(), &[tickets::CODE]);
    sipp(&server, "right.xml", folder.path(), seconds(20));
    let calls = server.await_calls(1);
    assert_contained(&calls[0]);
    assert_heard("zh", &[Heard::new(&recording(&server, &calls[0]), tickets::REFUND)]);
}

#[test]
fn sipp_keys_by_tones_and_hears_the_result() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let code = format!("{}#", tickets::CODE);
    let last_four = format!("{}#", tickets::LAST_FOUR);
    let groups = [(seconds(6), code.as_str()), (seconds(4), last_four.as_str())];
    write_tones(&folder.path().join("in-band.ulaw"), &groups, seconds(30));
    sipp(&server, "in-band.xml", folder.path(), seconds(36));
    let calls = server.await_calls(1);
    assert_contained(&calls[0]);
    assert_heard("zh", &[Heard::new(&recording(&server, &calls[0]), tickets::REFUND)]);
}

#[test]
fn sipp_is_wrong_once_and_then_hears_the_result() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    captures(folder.path(), &[tickets::WRONG[0], tickets::CODE]);
    sipp(&server, "wrong-then-right.xml", folder.path(), seconds(20));
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "passed"]);
    assert_eq!(calls[0]["outcome"], "contained");
    assert_heard("zh", &[Heard::new(&recording(&server, &calls[0]), tickets::REFUND)]);
}

#[test]
fn sipp_is_locked_after_the_third_wrong_code_and_handed_on() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    captures(folder.path(), &tickets::WRONG[..3]);
    sipp(&server, "locked.xml", folder.path(), seconds(1));
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "refused", "refused"]);
    assert_eq!(calls[0]["outcome"], "wants-human");
    assert_eq!(entered(&calls[0], "to-a-human"), 1);
    assert_not_heard("zh", &[Heard::new(&recording(&server, &calls[0]), tickets::REFUND)]);
}

// baresip

/// Keys the code and the last four digits when the call has come there.
fn attempt(server: &Server, telephone: &mut Baresip, code: &str, number: usize) {
    server.await_step("ask-code", number, seconds(40));
    telephone.key(&format!("{code}#"));
    server.await_step("check", number, seconds(20));
    telephone.key(&format!("{}#", tickets::LAST_FOUR));
}

#[test]
fn baresip_hears_the_result() {
    let server = server();
    let mut telephone = Baresip::start(&server, tickets::PHONE);
    telephone.dial(COMPLAINT);
    attempt(&server, &mut telephone, tickets::CODE, 1);
    server.await_step("offer", 1, seconds(40));
    telephone.hang_up();
    let calls = server.await_calls(1);
    assert_contained(&calls[0]);
    let heard = telephone.heard();
    assert_heard("zh", &[Heard::new(&heard, tickets::REFUND)]);
}

#[test]
fn baresip_is_wrong_once_and_then_hears_the_result() {
    let server = server();
    let mut telephone = Baresip::start(&server, tickets::PHONE);
    telephone.dial(COMPLAINT);
    attempt(&server, &mut telephone, tickets::WRONG[0], 1);
    attempt(&server, &mut telephone, tickets::CODE, 2);
    server.await_step("offer", 1, seconds(40));
    telephone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "passed"]);
    assert_heard("zh", &[Heard::new(&telephone.heard(), tickets::REFUND)]);
}

#[test]
fn baresip_is_locked_after_the_third_wrong_code_and_handed_on() {
    let server = server();
    let mut telephone = Baresip::start(&server, tickets::PHONE);
    telephone.dial(COMPLAINT);
    for (number, code) in (1..).zip(&tickets::WRONG[..3]) {
        attempt(&server, &mut telephone, code, number);
    }
    telephone.await_closed(seconds(60));
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "refused", "refused"]);
    assert_eq!(calls[0]["outcome"], "wants-human");
    assert_not_heard("zh", &[Heard::new(&telephone.heard(), tickets::REFUND)]);
}

// hotline dial

/// Calls by `hotline dial` and keeps what was heard.
fn dial(server: &Server, number: &str, keys: &str, wav: &Path, options: &[&str]) {
    let done = Command::new(binary())
        .args(["dial", &format!("sip:{number}@{}", server.sip()), "--keys", keys, "--from", tickets::PHONE])
        .arg("--wav")
        .arg(wav)
        .args(options)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{told}{}", String::from_utf8_lossy(&done.stderr));
    eprintln!("{told}");
}

#[test]
fn the_first_call_of_the_readme_is_heard() {
    let server = server();
    let wav = server.folder().join("heard.wav");
    dial(&server, MENU, &format!("1,{}#,{}#", tickets::CODE, tickets::LAST_FOUR), &wav, &[]);
    let calls = server.await_calls(1);
    assert_contained(&calls[0]);
    assert_heard("zh", &[Heard::new(&wav, tickets::REFUND)]);
}

#[test]
fn the_telephone_keys_in_every_way_and_hears_the_result_in_both_laws() {
    let server = server();
    let keys = format!("{}#,{}#", tickets::CODE, tickets::LAST_FOUR);
    let ways: [&[&str]; 3] = [&["--by", "in-band"], &["--by", "info"], &["--by", "rfc4733", "--a-law"]];
    let wavs: Vec<_> = (1..=ways.len()).map(|way| server.folder().join(format!("heard-{way}.wav"))).collect();
    std::thread::scope(|scope| {
        for (options, wav) in ways.into_iter().zip(&wavs) {
            let (server, keys) = (&server, keys.as_str());
            scope.spawn(move || dial(server, COMPLAINT, keys, wav, options));
        }
    });
    let calls = server.await_calls(ways.len());
    for call in &calls {
        assert_contained(call);
    }
    let heard: Vec<Heard> = wavs.iter().map(|wav| Heard::new(wav, tickets::REFUND)).collect();
    assert_heard("zh", &heard);
}

#[test]
fn the_telephone_is_wrong_once_and_locked_after_the_third() {
    let server = server();
    let attempt = |code: &str| format!("{code}#,{}#", tickets::LAST_FOUR);
    let wrong_once = format!("{},{}", attempt(tickets::WRONG[0]), attempt(tickets::CODE));
    let locked: Vec<String> = tickets::WRONG[..3].iter().map(|code| attempt(code)).collect();
    let locked = locked.join(",");
    let (first, second) = (server.folder().join("wrong-once.wav"), server.folder().join("locked.wav"));
    dial(&server, COMPLAINT, &wrong_once, &first, &[]);
    dial(&server, COMPLAINT, &locked, &second, &[]);
    let calls = server.await_calls(2);
    assert_eq!(verified(&calls[0]), ["refused", "passed"]);
    assert_eq!(verified(&calls[1]), ["refused", "refused", "refused"]);
    assert_heard("zh", &[Heard::new(&first, tickets::REFUND)]);
    assert_not_heard("zh", &[Heard::new(&second, tickets::REFUND)]);
}

#[test]
fn an_english_caller_hears_an_english_result() {
    let mut server = Server::start(Setup { recordings: true, ..Setup::default() });
    let mut ticket = tickets::closed();
    ticket["language"] = "en-US".into();
    ticket["result"] = tickets::REPAIRED.into();
    server.put_ticket(&ticket);
    await_speech(&server);
    let wav = server.folder().join("heard.wav");
    dial(&server, COMPLAINT, &format!("{}#,{}#", tickets::CODE, tickets::LAST_FOUR), &wav, &[]);
    let calls = server.await_calls(1);
    assert_contained(&calls[0]);
    assert_eq!(calls[0]["language"], "en-US");
    assert_heard("en", &[Heard::new(&wav, tickets::REPAIRED)]);
}
