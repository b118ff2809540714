//! A bad wire between a server and its callers (`tests/tools/wire.py`), each in a network
//! namespace of its own. It takes root.

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::process::quiet;
use super::root;
use super::server::{Place, Setup, binary};

/// A wire; the namespaces go with it.
pub struct Wire {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    name: String,
    near: Ipv4Addr,
}

/// Where a server at the near end is called.
pub const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);

impl Wire {
    /// A wire that is good so far.
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let number = (std::process::id() * 8 + nth % 8) & 0x7fff;
        // 198.18.0.0/15 is for tests of networks (RFC 2544): nothing else is there.
        let outside = u32::from(Ipv4Addr::new(198, 18, 0, 1)) + number * 4;
        let (outside, near) = (Ipv4Addr::from(outside), Ipv4Addr::from(outside + 1));
        let name = format!("hl{number}");
        let mut child = Command::new("python3")
            .arg(root().join("tests/tools/wire.py"))
            .args([&name, &outside.to_string(), &near.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut told = String::new();
        stdout.read_line(&mut told).unwrap();
        assert_eq!(
            told.trim(),
            "ready",
            "no network namespaces: these tests take root, /dev/net/tun and iproute2 (tools/install --tests)"
        );
        Self { child, stdin, stdout, name, near }
    }

    /// A server at its near end.
    pub fn setup(&self, media: &'static str) -> Setup {
        Setup {
            place: Some(Place { namespace: format!("{}-a", self.name), sip: SERVER, api: self.near }),
            trunk: "from = [\"10.9.0.0/30\"]\ncalls-per-second = 0",
            media,
            ..Setup::default()
        }
    }

    /// Changes what it does from here on; gives what it did so far.
    pub fn set(&mut self, rule: &Value) -> Value {
        writeln!(self.stdin.as_mut().expect("it runs"), "{rule}").unwrap();
        let mut told = String::new();
        self.stdout.read_line(&mut told).unwrap();
        serde_json::from_str(&told).expect("the wire tells what it did")
    }

    /// A call from its far end by `hotline dial`, with more of its arguments.
    pub fn dial(&self, number: &str, from: &str, arguments: &[&str]) -> Dialled {
        let folder = tempfile::Builder::new().prefix("dial-").tempdir().unwrap();
        let wav = folder.path().join("heard.wav");
        let mut command = quiet("ip");
        command.args(["netns", "exec", &format!("{}-b", self.name)]).arg(binary());
        command.arg("dial").arg(format!("sip:{number}@{SERVER}")).args(["--from", from]);
        command.arg("--wav").arg(&wav).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("iproute2 is installed");
        Dialled { child: Some(child), wav, _folder: folder }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The end of its input ends it; it takes the namespaces down.
        self.stdin = None;
        let _ = self.child.wait();
    }
}

/// A call that goes on.
pub struct Dialled {
    child: Option<Child>,
    pub wav: PathBuf,
    _folder: tempfile::TempDir,
}

/// What the caller's telephone says of the call.
#[derive(Debug)]
pub struct Told {
    pub text: String,
    pub packets: f64,
    pub lost: f64,
}

impl Dialled {
    /// Waits for its end.
    pub fn told(&mut self) -> Told {
        let done = self.child.take().expect("it is waited for once").wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{text}{errors}");
        let line = text.lines().find(|line| line.contains(" packets, ")).unwrap_or_default();
        let figure = |place: usize| -> f64 {
            let part = line.split(", ").nth(place).and_then(|part| part.split(' ').next());
            part.and_then(|figure| figure.parse().ok()).unwrap_or_else(|| panic!("{text}"))
        };
        Told { packets: figure(1), lost: figure(2), text }
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
