//! The scripts of `desktop/tests/` in a real browser, and what they work with: the server, telephones, callers.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hotline_audio::RATE_HZ;

use super::baresip::{Baresip, Line};
use super::pcap::Keys;
use super::process::Process;
use super::server::{Server, Setup, TOKEN};
use super::sipp::Scenario;
use super::tones::{is_loud, part_of_tone, tones_in};
use super::{root, seconds, tickets};

/// Of everybody who signs in.
const PASSWORD: &str = "correct-horse-battery";

/// Makes an account.
pub fn add_user(server: &Server, login: &str, name: &str, roles: &str) {
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
pub fn run(script: &str, server: &mut Server, does: impl FnMut(&mut Server, &[&str])) {
    run_told(script, server, &[], does);
}

/// The same for a script that is told more by its environment.
pub fn run_told(
    script: &str,
    server: &mut Server,
    told: &[(&str, &str)],
    mut does: impl FnMut(&mut Server, &[&str]),
) {
    let mut command = Command::new(root().join("tools/desktop"));
    command.args(["node", &format!("desktop/tests/{script}")]).current_dir(root());
    command.env("DESKTOP_URL", server.url()).env("DESKTOP_TOKEN", TOKEN).env("DESKTOP_PASSWORD", PASSWORD);
    command.envs(told.iter().copied());
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

/// Callers by SIPp, each in a folder of their own.
#[derive(Default)]
struct Callers(Vec<(Process, tempfile::TempDir)>);

impl Callers {
    /// A caller who keys 0 for a person, and hangs up after so many seconds.
    fn call(&mut self, server: &Server, caller: &str, patience: u64) {
        let folder = tempfile::Builder::new().prefix("sipp-").tempdir().unwrap();
        Keys::new().write(&folder.path().join("zero.pcap"), "0");
        let (file, listens) = ("gives-up.xml", seconds(patience));
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

/// What the telephones of a script say, each a tone of its own: callers, then whoever is signed in.
const CALLER_HZ: f64 = 500.0;
const DESKS: [(&str, f64); 3] = [("min.li", 900.0), ("hong.zhao", 700.0), ("boss", 1200.0)];
const TONES: [f64; 4] = [CALLER_HZ, DESKS[0].1, DESKS[1].1, DESKS[2].1];

/// Telephones that people use, by whose they are: an agent's login, or a caller's name in the script.
#[derive(Default)]
pub struct Telephones(pub HashMap<String, Baresip>);

impl Telephones {
    fn of(&mut self, who: &str) -> &mut Baresip {
        self.0.get_mut(who).unwrap_or_else(|| panic!("{who} has no telephone"))
    }

    /// Somebody's at a desk, who has to answer it.
    fn put(&mut self, server: &Server, login: &str) {
        let (_, hertz) = DESKS.iter().find(|(desk, _)| *desk == login).expect("a desk of the script's");
        let mut telephone = Baresip::agent_by_hand(server, login, PASSWORD, Line::Tone(*hertz));
        telephone.await_registered();
        self.0.insert(login.to_owned(), telephone);
    }

    /// Somebody calls and keys 0 for a person, before they are asked.
    fn call(&mut self, server: &Server, who: &str, number: &str) {
        let mut telephone = Baresip::with(server, number, Line::Tone(CALLER_HZ));
        telephone.dial("10086");
        std::thread::sleep(Duration::from_millis(500));
        telephone.key("0");
        self.0.insert(who.to_owned(), telephone);
    }

    /// Somebody outside, who answers when they are called.
    fn wait_outside(&mut self, server: &Server, who: &str, number: &str, address: Ipv4Addr) {
        let telephone = Baresip::outside(server, number, address, Line::Tone(CALLER_HZ));
        self.0.insert(who.to_owned(), telephone);
    }

    /// Waits until somebody hears what is said: `nothing`, `music` or `words` (no voice of the script's), or tones, and those alone.
    fn await_heard(&mut self, who: &str, what: &[&str]) {
        let telephone = self.of(who);
        let mut last = Vec::new();
        // A colleague's sentence may be long.
        let until = Instant::now() + seconds(25);
        loop {
            let sound = telephone.hears();
            let tones = tones_in(&sound, &TONES);
            let part = |hertz: &f64| part_of_tone(&sound, RATE_HZ, *hertz);
            let fits = match what {
                ["nothing"] => !sound.is_empty() && !is_loud(&sound),
                ["music" | "words"] => is_loud(&sound) && TONES.iter().all(|hertz| part(hertz) < 0.3),
                tones_meant => {
                    let meant: Vec<f64> = tones_meant.iter().map(|hertz| hertz.parse().unwrap()).collect();
                    // Not where one sound ends and another begins: hardly anything else is heard.
                    let alone = meant.iter().map(part).sum::<f64>() > 0.8;
                    alone && tones.len() == meant.len() && meant.iter().all(|hertz| tones.contains(hertz))
                }
            };
            if fits {
                return;
            }
            last.push((is_loud(&sound), tones));
            assert!(Instant::now() < until, "{who} does not hear {what:?}: loud, and which tones: {last:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Runs a script that has callers, and agents with telephones that somebody has to answer. Gives the telephones.
pub fn run_with_callers(script: &str) -> Telephones {
    run_with(script, Server::start(Setup { voice: false, ..Setup::default() }), None)
}

/// The same on a server that calls customers, who are at an address of theirs.
pub fn run_with_customers(script: &str, setup: Setup, outside: Ipv4Addr) -> Telephones {
    run_with(script, Server::start(setup), Some(outside))
}

/// The same with customers who behave by themselves.
pub fn run_with_people(script: &str, setup: Setup) -> Telephones {
    run_with(script, Server::start(setup), None)
}

fn run_with(script: &str, mut server: Server, outside: Option<Ipv4Addr>) -> Telephones {
    server.note_secrets(&serde_json::json!({ "phone": tickets::PHONE, "name": tickets::NAME }));
    for (login, name, roles) in
        [("min.li", "李敏", "agent"), ("hong.zhao", "赵红", "agent"), ("boss", "周主管", "agent,supervisor")]
    {
        add_user(&server, login, name, roles);
        assert!(server.tool_told(&["user", "telephone", login], PASSWORD).status.success());
    }
    let mut telephones = Telephones::default();
    let mut callers = Callers::default();
    run(script, &mut server, |server, asked| match asked {
        ["telephone", login] => telephones.put(server, login),
        ["answer", login] => telephones.of(login).answer(),
        ["calls", who, number] => telephones.call(server, who, number),
        ["outside", who, number] => {
            telephones.wait_outside(server, who, number, outside.expect("an address"))
        }
        ["keys", who, keys] => telephones.of(who).key(keys),
        ["hangs-up", who] => telephones.of(who).hang_up(),
        ["hears", who, what @ ..] => telephones.await_heard(who, what),
        ["caller", number, patience] => callers.call(server, number, patience.parse().unwrap()),
        other => panic!("nobody knows how to {other:?}"),
    });
    callers.done();
    telephones
}
