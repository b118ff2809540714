//! The agent's desktop in a real browser: the scripts in `desktop/tests/` work at it, and this starts
//! and stops what they work with.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::support::baresip::{Baresip, Line};
use crate::support::pcap::{Keys, write_tones};
use crate::support::process::Process;
use crate::support::process::quiet;
use crate::support::server::{Server, Setup, TOKEN, binary};
use crate::support::sipp::Scenario;
use crate::support::{root, seconds, tickets, wait_until};

const PASSWORD: &str = "correct-horse-battery";
/// What an agent's telephone says.
const AGENT_HZ: f64 = 900.0;

fn add_user(server: &Server, login: &str, name: &str, roles: &str) {
    let done = server.tool_told(&["user", "add", login, "--name", name, "--roles", roles], PASSWORD);
    assert!(done.status.success(), "{login} has no account: {}", String::from_utf8_lossy(&done.stderr));
}

/// A browser script that is killed with its test.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a script of `desktop/tests/` against a server; what it asks for is done by `does`.
fn run(script: &str, server: &mut Server, mut does: impl FnMut(&mut Server, &[&str])) {
    let mut command = Command::new(root().join("tools/desktop"));
    command.args(["node", &format!("desktop/tests/{script}")]).current_dir(root());
    command.env("DESKTOP_URL", server.url()).env("DESKTOP_TOKEN", TOKEN).env("DESKTOP_PASSWORD", PASSWORD);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut script = Script(child);
    let mut answers = script.0.stdin.take().unwrap();
    for line in BufReader::new(script.0.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(asked) = line.strip_prefix("ask ") else {
            println!("{line}");
            continue;
        };
        does(server, &asked.split(' ').collect::<Vec<_>>());
        writeln!(answers, "done").unwrap();
    }
    assert!(script.0.wait().unwrap().success(), "the lines above say what went wrong in the browser");
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
    let mut caller = None;
    run("browser.mjs", &mut server, |server, asked| match asked {
        ["stop"] => server.stop(),
        ["start"] => {
            server.launch();
            server.await_ready();
        }
        ["call"] => caller = Some(call(server)),
        other => panic!("nobody knows how to {other:?}"),
    });
    drop(caller);
    // The code went out to the number on file as often as it was asked for and allowed.
    wait_until("the code is sent three times", seconds(20), || {
        server.messages().iter().filter(|message| message.to_string().contains(tickets::CODE)).count() >= 3
    });
}

/// Callers by SIPp, each in a folder of their own.
#[derive(Default)]
struct Callers(Vec<(Process, tempfile::TempDir)>);

impl Callers {
    /// A caller who keys 0 for a person. `patience`: seconds until they hang up; `None`: they stay.
    fn call(&mut self, server: &Server, caller: &str, patience: Option<u64>) {
        let folder = tempfile::Builder::new().prefix("sipp-").tempdir().unwrap();
        Keys::new().write(&folder.path().join("zero.pcap"), "0");
        // Who stays is heard all the while: a caller whose sound has stopped for a minute is gone.
        write_tones(&folder.path().join("zero.ulaw"), &[(seconds(6), "0")], seconds(300));
        let file = if patience.is_some() { "gives-up.xml" } else { "stays.xml" };
        let listens = seconds(patience.unwrap_or(1));
        let scenario =
            Scenario { file, number: "10086", caller, listens, folder: folder.path(), options: &[] };
        self.0.push((scenario.start(server), folder));
    }

    /// All calls went as their scenarios say.
    fn done(self) {
        for (mut process, _folder) in self.0 {
            assert!(process.wait(seconds(30)).success(), "a caller's call did not go as written");
        }
    }
}

/// Runs a script that has callers, and agents with telephones that somebody has to answer.
fn run_with_callers(script: &str) {
    let mut server = Server::start(Setup { voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in
        [("min.li", "李敏", "agent"), ("hong.zhao", "赵红", "agent"), ("boss", "周主管", "agent,supervisor")]
    {
        add_user(&server, login, name, roles);
        assert!(server.tool_told(&["user", "telephone", login], PASSWORD).status.success());
    }
    let mut telephones: HashMap<String, Baresip> = HashMap::new();
    let mut callers = Callers::default();
    run(script, &mut server, |server, asked| match asked {
        ["telephone", login] => {
            let mut telephone = Baresip::agent_by_hand(server, login, PASSWORD, Line::Tone(AGENT_HZ));
            telephone.await_registered();
            telephones.insert((*login).to_owned(), telephone);
        }
        ["answer", login] => telephones.get_mut(*login).expect("it is there").answer(),
        ["caller", number, "stays"] => callers.call(server, number, None),
        ["caller", number, patience] => callers.call(server, number, Some(patience.parse().unwrap())),
        other => panic!("nobody knows how to {other:?}"),
    });
    callers.done();
}

#[test]
fn a_caller_is_known_before_the_first_word() {
    run_with_callers("calls.mjs");
}

/// Measures rather than judges: see the script.
#[test]
#[ignore = "takes minutes and a quiet machine"]
fn offer_bench() {
    run_with_callers("offer-bench.mjs");
}

#[test]
fn a_record_is_kept_in_order_at_the_desktop() {
    let mut server = Server::start(Setup { warm: false, voice: false, ..Setup::default() });
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in [("min.li", "李敏", "agent"), ("boss", "周主管", "agent,supervisor")] {
        add_user(&server, login, name, roles);
    }
    run("records.mjs", &mut server, |_, asked| panic!("nobody knows how to {asked:?}"));
}
