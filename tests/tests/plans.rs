//! Broken plans: at the start, and under a server that runs.

use std::path::Path;

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered};
use crate::support::{seconds, tickets, wait_until};

/// Makes an exit lead nowhere; gives the line it stands in.
fn break_plan(dialplans: &Path) -> usize {
    let path = dialplans.join("main-menu.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let broken = text.replacen("\"1\": complaint", "\"1\": complant", 1);
    assert_ne!(text, broken, "the plan is not the one this test knows");
    std::fs::write(&path, &broken).unwrap();
    broken.lines().position(|line| line.contains("complant")).expect("it was written") + 1
}

#[test]
fn a_broken_plan_at_the_start_is_told_with_its_place() {
    let mut server = Server::prepare(Setup { plans: break_menu, ..Setup::default() });
    let line = break_line(&server);
    server.launch();
    let status = server.await_end(seconds(30));
    assert!(!status.success());
    let log = server.log();
    assert!(log.contains(&format!("main-menu.yaml:{line}:")), "{log}");
    assert!(log.contains("complaint"), "what was meant is told: {log}");
}

fn break_menu(dialplans: &Path) {
    break_plan(dialplans);
}

fn break_line(server: &Server) -> usize {
    let text = std::fs::read_to_string(server.folder().join("dialplans/main-menu.yaml")).unwrap();
    text.lines().position(|line| line.contains("complant")).expect("the plan is broken") + 1
}

#[test]
fn a_broken_plan_never_replaces_one_that_runs() {
    let server = Server::start(Setup::default());
    let line = break_plan(&server.folder().join("dialplans"));
    server.signal("HUP");
    wait_until("the place is told", seconds(10), || {
        server.log().contains(&format!("main-menu.yaml:{line}:"))
    });
    let mut phone = Phone::call(&server, "10086", tickets::PHONE);
    phone.key("1");
    server.await_step("ask-code", 1, seconds(30));
    phone.hang_up();
    assert_eq!(server.await_calls(1).len(), 1);
}

#[test]
fn a_plan_that_is_mended_is_taken_over_and_a_running_call_stays_on_its_own() {
    let server = Server::start(Setup::default());
    let mut before = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(30));
    let path = server.folder().join("dialplans/main-menu.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        text.replace("\"1\": complaint", "\"1\": hours").replace("\"2\": hours", "\"2\": complaint"),
    )
    .unwrap();
    let log = server.log().len();
    server.signal("HUP");
    wait_until("the plans are taken over", seconds(20), || {
        server.log()[log..].contains("new calls run the plans")
    });
    before.key("1");
    server.await_step("ask-code", 1, seconds(30));
    before.hang_up();
    let mut after = Phone::call(&server, "10086", tickets::PHONE);
    wait_until("the second call is on the record", seconds(10), || server.calls().len() == 2);
    after.key("1");
    server.await_step("hours", 1, seconds(30));
    after.hang_up();
    let calls = server.await_calls(2);
    assert_ne!(calls[0]["plan-version"], calls[1]["plan-version"]);
    assert_eq!(entered(&calls[1], "ask-code"), 0);
}

#[test]
fn a_missing_prompt_is_told_at_the_start_and_costs_no_call() {
    // Without the voice, a prompt that is nowhere recorded or cached cannot be spoken.
    let server = Server::start(Setup { warm: false, voice: false, plans: new_prompt, ..Setup::default() });
    assert!(server.log().contains("prompts/zh-CN/unheard-of.wav` is missing"), "it is told at the start");
    let mut phone = Phone::call(&server, "10086", tickets::PHONE);
    server.await_step("choose", 1, seconds(30));
    phone.hang_up();
    server.await_calls(1);
}

/// Gives a prompt words that no recording has.
fn new_prompt(dialplans: &Path) {
    let path = dialplans.join("main-menu.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let changed = text.replacen("  main-welcome:", "  unheard-of:", 1).replacen(
        "say: main-welcome",
        "say: unheard-of",
        1,
    );
    assert_ne!(text, changed);
    std::fs::write(&path, changed).unwrap();
}
