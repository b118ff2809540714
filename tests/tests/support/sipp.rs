//! SIPp: scenarios of `tests/sipp/`, run in a folder that holds the sounds they play.

use std::path::Path;
use std::time::Duration;

use super::process::{Process, quiet};
use super::root;
use super::server::{Server, own_address};

/// A scenario for one call.
pub struct Scenario<'a> {
    /// The file in `tests/sipp/`.
    pub file: &'a str,
    pub number: &'a str,
    pub caller: &'a str,
    /// How long the pauses without a length of their own are.
    pub listens: Duration,
    /// More arguments of SIPp.
    pub options: &'a [&'a str],
    /// Where the sounds lie and the traces go.
    pub folder: &'a Path,
}

impl Scenario<'_> {
    /// Runs it to its end and gives the trace of its messages; panics with SIPp's own words if the call did not
    /// go as written.
    pub fn run(&self, server: &Server) -> String {
        let status = self.start(server).wait(super::seconds(110));
        if !status.success() {
            eprintln!("{}\n{}", self.log("_errors.log"), self.log("_messages.log"));
            panic!("SIPp, {}: {status}", self.file);
        }
        self.log("_messages.log")
    }

    /// Starts it and does not wait.
    pub fn start(&self, server: &Server) -> Process {
        let address = if server.sip().is_ipv6() { "[::1]".to_owned() } else { own_address().to_string() };
        // One loopback address of IPv6 serves all: the port is the server's, and one.
        let port = if server.sip().is_ipv6() { server.sip().port() + 8192 } else { 5060 };
        let mut command = sipp();
        command
            .arg("-sf")
            .arg(root().join("tests/sipp").join(self.file))
            .args(["-i", &address, "-mi", &address, "-p", &port.to_string(), "-mp", "21000"])
            .args(["-m", "1", "-l", "1", "-r", "1", "-nostdin", "-trace_err", "-trace_msg"])
            .args(["-timeout", "100s", "-timeout_error"])
            .args(["-s", self.number, "-key", "caller", self.caller])
            .args(["-d", &self.listens.as_millis().to_string()])
            .args(self.options)
            .arg(server.sip().to_string())
            .current_dir(self.folder)
            .env("TERM", "dumb");
        Process::start(&mut command, &self.folder.join("sipp.log"))
    }

    fn log(&self, ending: &str) -> String {
        let entries = std::fs::read_dir(self.folder).unwrap().flatten().map(|entry| entry.path());
        let mut paths = entries.filter(|path| path.to_string_lossy().ends_with(ending));
        paths.next().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
    }
}

/// A telephone that is called: it registers at an address of its own, and then plays a scenario there.
pub struct Telephone {
    process: Process,
    folder: tempfile::TempDir,
}

impl Telephone {
    /// Registers as `login` and waits for calls, of which `scenario` of `tests/sipp/telephone/` says the rest.
    pub fn start(server: &Server, login: &str, scenario: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("sipp-").tempdir().unwrap();
        let address = own_address().to_string();
        let run = |file: &str, log: &str| {
            let mut command = sipp();
            command
                .arg("-sf")
                .arg(root().join("tests/sipp/telephone").join(file))
                .args(["-i", &address, "-mi", &address, "-p", "5060", "-mp", "21000", "-m", "1", "-nostdin"])
                .args(["-trace_err", "-timeout", "100s", "-timeout_error", "-key", "login", login])
                .arg(server.sip().to_string())
                .current_dir(folder.path())
                .env("TERM", "dumb");
            Process::start(&mut command, &folder.path().join(log))
        };
        let status = run("register.xml", "register.log").wait(super::seconds(60));
        assert!(status.success(), "SIPp does not register: {status}\n{}", errors(folder.path()));
        Self { process: run(scenario, "sipp.log"), folder }
    }

    /// Waits until everything went as the scenario says.
    pub fn done(mut self) {
        let status = self.process.wait(super::seconds(60));
        assert!(status.success(), "SIPp as a telephone: {status}\n{}", errors(self.folder.path()));
    }
}

/// Somebody outside, whom a trunk reaches at an address of their own; gives it as `host`.
pub struct Outside {
    process: Process,
    folder: tempfile::TempDir,
    pub host: String,
}

impl Outside {
    /// Waits for one call, which goes as `scenario` of `tests/sipp/outside/` says. The announcement is a tone.
    pub fn start(scenario: &str, announcement: &[i16]) -> Self {
        let folder = tempfile::Builder::new().prefix("sipp-").tempdir().unwrap();
        let mut said = vec![0; announcement.len()];
        hotline_audio::encode(hotline_audio::Law::Pcmu, announcement, &mut said);
        std::fs::write(folder.path().join("announcement.ulaw"), said).unwrap();
        let address = own_address().to_string();
        let mut command = sipp();
        command
            .arg("-sf")
            .arg(root().join("tests/sipp/outside").join(scenario))
            .args(["-i", &address, "-mi", &address, "-p", "5060", "-mp", "21000", "-m", "1", "-nostdin"])
            .args(["-trace_err", "-timeout", "100s", "-timeout_error"])
            .current_dir(folder.path())
            .env("TERM", "dumb");
        let process = Process::start(&mut command, &folder.path().join("sipp.log"));
        Self { process, folder, host: address }
    }

    /// Waits until everything went as the scenario says.
    pub fn done(mut self) {
        let status = self.process.wait(super::seconds(60));
        assert!(status.success(), "SIPp outside: {status}\n{}", errors(self.folder.path()));
    }
}

/// What SIPp did not expect.
pub fn errors(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut paths = entries.filter(|path| path.to_string_lossy().ends_with("_errors.log"));
    paths.next().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
}

/// SIPp plays captures through a raw socket, which takes a privilege.
pub fn sipp() -> std::process::Command {
    let root = std::process::Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if root {
        return quiet("sipp");
    }
    let mut command = quiet("sudo");
    command.args(["-n", "sipp"]);
    command
}
