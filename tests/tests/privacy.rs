//! Nobody's data is in the log. Every test looks for it when its server stops
//! (`support::server::leak`); here the most talkative log is looked through, and the looking.

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, leak, verified};
use crate::support::{seconds, tickets};

#[test]
fn a_whole_call_leaves_nobodys_data_in_the_most_talkative_log() {
    let mut server = Server::start(Setup { log: "trace", ..Setup::default() });
    server.put_ticket(&tickets::closed());
    server.put_ticket(&tickets::of_somebody_else());
    crate::support::wait_until("the messages are sent", seconds(30), || server.messages().len() == 2);
    let mut phone = Phone::call(&server, "10086", tickets::PHONE);
    phone.key("1");
    for (nth, code) in [(1, tickets::WRONG[0]), (2, tickets::CODE)] {
        server.await_step("ask-code", nth, seconds(30));
        phone.attempt(code);
    }
    server.await_step("offer", 1, seconds(60));
    phone.hang_up();
    let calls = server.await_calls(1);
    assert_eq!(verified(&calls[0]), ["refused", "passed"]);
    // Somebody's number reached us as the one dialled, and as no number at all.
    for dialled in ["13700137042", "+8613700137042", "wang.jianguo", "13700137042;x=y"] {
        let mut phone = Phone::new(&server, dialled, "13700137042");
        let offer = phone.offer();
        assert!(phone.invite(&offer) >= 400);
    }
    for field in ["13700137042", "wang.jianguo"] {
        server.note_secrets(&serde_json::json!({ "phone": field }));
    }
    server.note_secrets(&serde_json::json!({ "code": tickets::WRONG[0] }));
    server.stop();
    let log = server.log();
    for line in ["ready for calls", "a result is rendered", "a call has ended", "no plan serves"] {
        assert!(log.contains(line), "the log that is looked through must hold the call: {line}");
    }
    // The log itself is looked through when the server is dropped.
}

#[test]
fn what_may_not_be_in_the_log_is_found_there() {
    let secrets: Vec<String> =
        [tickets::PHONE, tickets::NAME, tickets::CODE, tickets::REFUND].map(str::to_owned).into();
    for line in [
        "INFO a call from 13800138000",
        "INFO a call from +8613800138000",
        "INFO caller=013800138000 step=check",
        "DEBUG customer 李晓梅",
        "DEBUG code 407192865",
        "TRACE {\"result\":\"您3月产生128.5元流量费,已按30元套餐核减,为您退费98.5元,7个工作日到账,请您关注。\"}",
    ] {
        let log = format!("INFO ready for calls\n{line}\nINFO stopped\n");
        assert_eq!(leak(&log, &secrets).as_deref(), Some(line));
    }
    assert_eq!(leak("INFO a call from +86 138 •••• 8000, 9 digits\n", &secrets), None);
}

#[test]
fn the_path_of_a_call_shows_no_second_factor() {
    let mut server = Server::start(Setup::default());
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    phone.attempt(tickets::CODE);
    server.await_step("hear", 1, seconds(60));
    phone.hang_up();
    let calls = server.await_calls(1);
    let path = calls[0]["path"].as_array().unwrap();
    let keyed: Vec<&str> = path.iter().filter_map(|event| event["body"]["keys"].as_str()).collect();
    assert!(!keyed.iter().any(|keys| keys.contains(tickets::LAST_FOUR)), "{keyed:?}");
    assert!(!keyed.iter().any(|keys| keys.contains(tickets::CODE)), "{keyed:?}");
    assert!(!calls[0].to_string().contains("退费"), "the words of the result are no part of the path");
}

#[test]
fn nobody_else_on_the_machine_reads_the_record() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    for name in ["hotline.db", "hotline.db-wal", "hotline.db-shm"] {
        let mode = std::fs::metadata(server.folder().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}
