//! Programs that are started by a test and end with it.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::wait_for;

/// A program that is killed when it is dropped. What it prints goes into a file.
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts it; standard output and error are appended to `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let out = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let errors = out.try_clone().unwrap();
        let child = command.stdout(out).stderr(errors).spawn().unwrap_or_else(|error| {
            panic!("{name}: {error}; tools/install --tests installs what is missing")
        });
        Self { child, name }
    }

    /// Sends a signal by its name: `TERM`, `HUP`.
    pub fn signal(&self, signal: &str) {
        let done = quiet("sh").arg("-c").arg(format!("kill -{signal} {}", self.child.id())).status().unwrap();
        assert!(done.success(), "{}: no signal could be sent", self.name);
    }

    /// Whether it has ended, and how.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let name = self.name.clone();
        wait_for(&format!("{name} ends"), within, || self.ended())
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command that reads nothing.
pub fn quiet(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}
