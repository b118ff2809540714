//! What other systems are told, as an implementation of Standard Webhooks reads it that others wrote.

use serde_json::Value;

use crate::support::process::{Process, quiet};
use crate::support::server::{Server, Setup};
use crate::support::{root, seconds, tickets, wait_for};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn what_is_told_is_taken_for_genuine_by_others_code_and_what_is_changed_is_not() {
    let mut server = Server::prepare(Setup { warm: false, voice: false, ..Setup::default() });
    let receiver = format!("{}:8099", server.address());
    let python = root().join(".cache/venv/bin/python");
    assert!(python.exists(), "tools/install --tests makes the tests' own Python");
    let mut command = quiet(python);
    command.arg(root().join("tests/tools/hook.py")).args([&receiver, SECRET]);
    let heard = server.folder().join("heard");
    let _receiver = Process::start(&mut command, &heard);
    let config = server.folder().join("hotline.toml");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!(
        "[[webhooks]]\nname = \"crm\"\nurl = \"http://{receiver}/hooks\"\nsecret = \"{SECRET}\"\n\
         events = [\"ticket.*\"]\nprivate = true\n"
    ));
    std::fs::write(&config, text).unwrap();
    wait_for("the receiver listens", seconds(20), || std::net::TcpStream::connect(&receiver).ok());
    server.launch();
    server.await_ready();
    server.put_ticket(&tickets::closed());
    let told = wait_for("it came twice", seconds(30), || {
        let text = std::fs::read_to_string(&heard).unwrap_or_default();
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        assert!(!text.contains("Error"), "the receiver cannot run: {text}");
        (lines.len() >= 2).then_some(lines)
    });
    assert_eq!(told[0]["id"], told[1]["id"], "what was not taken comes again under its id");
    for one in &told {
        assert_eq!(one["type"], "ticket.created", "{one}");
        assert_eq!(one["genuine"], true, "{one}");
        assert_eq!(one["forged"], serde_json::json!([false, false, false]), "{one}");
    }
}
