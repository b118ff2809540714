//! baresip, without a sound card: silence goes out of a file, what is heard goes into one, and
//! commands go in by its control port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline_audio::{RATE_HZ, silence, write_wav};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{Process, quiet};
use super::server::{Server, own_address};
use super::{seconds, wait_for};

/// A telephone that people use.
pub struct Baresip {
    // Fields are dropped in order: the program before its folder.
    _process: Process,
    control: BufReader<TcpStream>,
    server: String,
    folder: TempDir,
}

impl Baresip {
    /// Starts it as `caller`.
    pub fn start(server: &Server, caller: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("baresip-").tempdir().unwrap();
        let address = own_address();
        configure(folder.path(), address, caller);
        let mut command = quiet("baresip");
        command.arg("-f").arg(folder.path()).current_dir(folder.path());
        let log = folder.path().join("baresip.log");
        let mut process = Process::start(&mut command, &log);
        let control = wait_for("baresip takes commands", seconds(20), || {
            if let Some(status) = process.ended() {
                panic!("baresip ended: {status}\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            TcpStream::connect((address, 4444)).ok()
        });
        control.set_read_timeout(Some(seconds(60))).unwrap();
        Self { _process: process, control: BufReader::new(control), server: server.sip().to_string(), folder }
    }

    /// Calls and waits until the call is up.
    pub fn dial(&mut self, number: &str) {
        let to = format!("sip:{number}@{}", self.server);
        self.command("dial", &to);
        self.await_event("CALL_ESTABLISHED");
    }

    /// Keys.
    pub fn key(&mut self, keys: &str) {
        self.command("sndcode", keys);
    }

    pub fn hang_up(&mut self) {
        self.command("hangup", "");
        self.await_event("CALL_CLOSED");
    }

    /// Waits until the other side has hung up.
    pub fn await_closed(&mut self, within: Duration) {
        self.control.get_ref().set_read_timeout(Some(within)).unwrap();
        self.await_event("CALL_CLOSED");
    }

    /// What was heard, as it recorded it itself.
    pub fn heard(&self) -> PathBuf {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let mut recordings = entries.map(|entry| entry.path());
        recordings
            .find(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .unwrap_or_else(|| panic!("baresip recorded nothing\n{}", self.log()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("baresip.log")).unwrap_or_default()
    }

    /// Sends a command: a netstring of JSON.
    fn command(&mut self, command: &str, parameters: &str) {
        let body = json!({ "command": command, "params": parameters }).to_string();
        write!(self.control.get_mut(), "{}:{body},", body.len()).unwrap();
    }

    fn await_event(&mut self, kind: &str) {
        loop {
            let message =
                self.next_message().unwrap_or_else(|| panic!("baresip does not tell {kind}\n{}", self.log()));
            if message["type"] == kind {
                return;
            }
            assert_ne!(message["ok"], false, "{message}\n{}", self.log());
        }
    }

    fn next_message(&mut self) -> Option<Value> {
        let mut length = Vec::new();
        self.control.read_until(b':', &mut length).ok()?;
        let length: usize = std::str::from_utf8(&length).ok()?.trim_end_matches(':').parse().ok()?;
        let mut body = vec![0; length + 1];
        self.control.read_exact(&mut body).ok()?;
        serde_json::from_slice(&body[..length]).ok()
    }
}

fn configure(folder: &Path, address: Ipv4Addr, caller: &str) {
    let quiet = folder.join("silence.wav");
    write_wav(std::fs::File::create(&quiet).unwrap(), RATE_HZ, &silence(seconds(120))).unwrap();
    let folder_shown = folder.display();
    let config = format!(
        "poll_method epoll\nsip_listen {address}:5060\ncall_local_timeout 120\ncall_max_calls 4\n\
         audio_path {folder_shown}\naudio_player aubridge,nothing\naudio_source aufile,{quiet}\naudio_alert aubridge,nothing\n\
         audio_srate 8000-8000\naudio_channels 1-1\nrtp_ports 22000-22100\nnet_interface {address}\n\
         module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
         module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen {address}:4444\nsnd_path {folder_shown}\n",
        quiet = quiet.display(),
    );
    std::fs::write(folder.join("config"), config).unwrap();
    let account = format!("<sip:{caller}@{address}>;regint=0;audio_codecs=PCMU/8000/1\n");
    std::fs::write(folder.join("accounts"), account).unwrap();
    std::fs::write(folder.join("contacts"), "").unwrap();
}
