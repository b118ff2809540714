//! The agent's desktop in a real browser: `desktop/tests/browser.mjs` works at it, and this starts
//! and stops what it works with.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::process::Process;
use crate::support::process::quiet;
use crate::support::server::{Server, Setup, TOKEN, binary};
use crate::support::{root, seconds, tickets, wait_until};

const PASSWORD: &str = "correct-horse-battery";

fn add_user(server: &Server, login: &str, name: &str, roles: &str) {
    let mut add = Command::new(binary());
    add.arg("--config").arg(server.folder().join("hotline.toml"));
    add.args(["user", "add", login, "--name", name, "--roles", roles]).current_dir(server.folder());
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{login} has no account");
}

/// A browser script that is killed with its test.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A caller who wants a person.
fn call(server: &Server) -> Process {
    let mut dial = quiet(binary());
    let whom = format!("sip:10086123@{}", server.sip());
    dial.args(["dial", &whom, "--keys", "0", "--from", tickets::PHONE, "--at-most", "60"]);
    Process::start(dial.current_dir(server.folder()), &server.folder().join("dial.log"))
}

#[test]
fn an_agent_works_a_day_at_the_desktop() {
    let mut server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in
        [("min.li", "李敏", "agent"), ("lock.me", "锁", "agent"), ("boss", "周主管", "agent,supervisor")]
    {
        add_user(&server, login, name, roles);
    }
    let mut script = Command::new(root().join("tools/desktop"));
    script.args(["node", "desktop/tests/browser.mjs"]).current_dir(root());
    script.env("DESKTOP_URL", server.url()).env("DESKTOP_TOKEN", TOKEN).env("DESKTOP_PASSWORD", PASSWORD);
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut script = Script(child);
    let mut answers = script.0.stdin.take().unwrap();
    let mut caller = None;
    for line in BufReader::new(script.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        match line.strip_prefix("ask ") {
            Some("stop") => server.stop(),
            Some("start") => {
                server.launch();
                server.await_ready();
            }
            Some("call") => caller = Some(call(&server)),
            Some(other) => panic!("nobody knows how to {other}"),
            None => {
                println!("{line}");
                continue;
            }
        }
        writeln!(answers, "done").unwrap();
    }
    assert!(script.0.wait().unwrap().success(), "the lines above say what went wrong in the browser");
    drop(caller);
    // The code went out to the number on file as often as it was asked for and allowed.
    wait_until("the code is sent three times", seconds(20), || {
        server.messages().iter().filter(|message| message.to_string().contains(tickets::CODE)).count() >= 3
    });
}
