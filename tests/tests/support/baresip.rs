//! baresip, without a sound card: silence goes out of a file, what is heard goes into one, and
//! commands go in by its control port.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hotline_audio::{RATE_HZ, silence, sine, write_wav};
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

/// What a telephone says all the time.
#[derive(Clone, Copy)]
pub enum Line {
    Silence,
    /// A tone, in Hz.
    Tone(f64),
    /// A voice that speaks without a rest.
    Voice,
}

/// What telephones of agents speak, if nothing else is said.
const NARROW: &str = "PCMA/8000/1,PCMU/8000/1";

impl Baresip {
    /// Starts it as `caller`, who says nothing.
    pub fn start(server: &Server, caller: &str) -> Self {
        Self::with(server, caller, Line::Silence)
    }

    /// Starts it as `caller`.
    pub fn with(server: &Server, caller: &str, line: Line) -> Self {
        let address = own_address();
        let account = format!("<sip:{caller}@{address}>;regint=0;audio_codecs=PCMU/8000/1\n");
        Self::launch(server, address, &account, line)
    }

    /// Starts it as `caller`, who speaks G.722 alone.
    pub fn wideband(server: &Server, caller: &str, line: Line) -> Self {
        let address = own_address();
        let account = format!("<sip:{caller}@{address}>;regint=0;audio_codecs=G722/16000/1\n");
        Self::launch(server, address, &account, line)
    }

    /// Starts it as an agent's telephone, which registers and answers by itself.
    pub fn agent(server: &Server, login: &str, password: &str, line: Line) -> Self {
        Self::registered(server, login, password, line, "auto", NARROW)
    }

    /// The same, and it speaks G.722 alone.
    pub fn wideband_agent(server: &Server, login: &str, password: &str, line: Line) -> Self {
        Self::registered(server, login, password, line, "auto", "G722/16000/1")
    }

    /// The same, and it speaks A-law alone.
    pub fn european_agent(server: &Server, login: &str, password: &str, line: Line) -> Self {
        Self::registered(server, login, password, line, "auto", "PCMA/8000/1")
    }

    /// The same, but somebody has to answer it.
    pub fn agent_by_hand(server: &Server, login: &str, password: &str, line: Line) -> Self {
        Self::registered(server, login, password, line, "manual", NARROW)
    }

    fn registered(
        server: &Server,
        login: &str,
        password: &str,
        line: Line,
        answers: &str,
        codecs: &str,
    ) -> Self {
        // The exchange asks once a second who may register; a telephone that is refused tries again in a minute.
        std::thread::sleep(seconds(2));
        let account = format!(
            "<sip:{login}@{}>;auth_user={login};auth_pass={password};regint=60;answermode={answers};\
             audio_codecs={codecs}\n",
            server.sip()
        );
        Self::launch(server, own_address(), &account, line)
    }

    /// Starts it as somebody outside, whom a trunk reaches by their number at `address`, and who answers at once.
    pub fn outside(server: &Server, number: &str, address: Ipv4Addr, line: Line) -> Self {
        let account = format!("<sip:{number}@{address}>;regint=0;answermode=auto;audio_codecs=PCMU/8000/1\n");
        Self::launch(server, address, &account, line)
    }

    /// Waits until it rings.
    pub fn await_ringing(&mut self) {
        self.await_event("CALL_INCOMING");
    }

    /// Answers what rings, or will in a moment.
    pub fn answer(&mut self) {
        self.await_ringing();
        self.command("accept", "");
        self.await_event("CALL_ESTABLISHED");
    }

    /// Waits until it has registered: it may have told so before anybody listened.
    pub fn await_registered(&mut self) {
        let begun = Instant::now();
        let known = wait_for("the telephone is registered", seconds(20), || {
            self.command("reginfo", "");
            let answer =
                std::iter::from_fn(|| self.next_message()).find(|message| message["response"] == true);
            let data =
                answer.and_then(|answer| answer["data"].as_str().map(str::to_owned)).unwrap_or_default();
            if !data.contains("OK") && begun.elapsed() > seconds(18) {
                panic!(
                    "{data}\n{}",
                    std::fs::read_to_string(self.folder.path().join("baresip.log")).unwrap()
                );
            }
            data.contains("OK").then_some(data)
        });
        assert!(!known.contains("ERR"), "{known}");
    }

    fn launch(server: &Server, address: Ipv4Addr, account: &str, line: Line) -> Self {
        let folder = tempfile::Builder::new().prefix("baresip-").tempdir().unwrap();
        configure(folder.path(), address, account, line);
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

    /// Wants the other side to call somebody else (REFER).
    pub fn refer(&mut self, to: &str) {
        let to = format!("sip:{to}@{}", self.server);
        self.command("transfer", &to);
    }

    /// Holds its call and calls somebody else, as the transfer key of a desk telephone does first; gives the Call-ID
    /// of the second call once it is answered.
    pub fn asks(&mut self, user: &str) -> String {
        self.command("hold", "");
        let to = format!("sip:{user}@{}", self.server);
        self.command("dial", &to);
        self.await_talk()
    }

    /// Waits until a call is answered; gives its Call-ID.
    pub fn await_talk(&mut self) -> String {
        let told = self.await_event("CALL_ESTABLISHED");
        told["id"].as_str().unwrap_or_else(|| panic!("which call? {told}")).to_owned()
    }

    /// Takes its call off hold.
    pub fn resume(&mut self) {
        self.command("resume", "");
    }

    /// Makes the call with this Call-ID the one that commands are for.
    pub fn turns_to(&mut self, call_id: &str) {
        self.command("callfind", call_id);
    }

    /// Wants whoever it asked by its second call to have the first one's other side, as the transfer key does when it
    /// is pressed again (REFER with Replaces).
    pub fn joins(&mut self, user: &str, second: &str) {
        let escaped = second.replace('@', "%40");
        let to = format!("sip:{user}@{}?Replaces={escaped}%3Bto-tag%3D1%3Bfrom-tag%3D2", self.server);
        self.command("transfer", &to);
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

    /// What was heard, as it recorded it itself, in the longest call.
    pub fn heard(&self) -> PathBuf {
        let length = |path: &PathBuf| {
            let wav = std::fs::File::open(path).ok().and_then(|file| hotline_audio::read_wav(file).ok());
            wav.map_or(0, |wav| wav.samples.len())
        };
        // The length is written into the file a moment after the call's end.
        wait_for(&format!("baresip's recording\n{}", self.log()), seconds(10), || {
            let entries = std::fs::read_dir(self.folder.path()).unwrap().flatten().map(|entry| entry.path());
            let recordings = entries.filter(|path| path.to_string_lossy().ends_with("-dec.wav"));
            recordings.max_by_key(length).filter(|path| length(path) > 0)
        })
    }

    /// What it has heard lately, half a second at 8 kHz, while it goes on: of the call whose recording grew last.
    pub fn hears(&self) -> Vec<i16> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().flatten();
        let recordings = entries.filter(|entry| entry.path().to_string_lossy().ends_with("-dec.wav"));
        let newest = recordings.max_by_key(|entry| entry.metadata().and_then(|facts| facts.modified()).ok());
        // Its lengths are written at its end: what stands behind the head counts.
        let bytes = newest.and_then(|entry| std::fs::read(entry.path()).ok()).unwrap_or_default();
        let head = bytes.windows(4).position(|word| word == b"data").map_or(bytes.len(), |at| at + 8);
        let sound = bytes.get(head..).unwrap_or_default();
        let samples: Vec<i16> =
            sound.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        samples[samples.len().saturating_sub(4_000)..].to_vec()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("baresip.log")).unwrap_or_default()
    }

    /// Sends a command: a netstring of JSON.
    fn command(&mut self, command: &str, parameters: &str) {
        let body = json!({ "command": command, "params": parameters }).to_string();
        write!(self.control.get_mut(), "{}:{body},", body.len()).unwrap();
    }

    fn await_event(&mut self, kind: &str) -> Value {
        loop {
            let message =
                self.next_message().unwrap_or_else(|| panic!("baresip does not tell {kind}\n{}", self.log()));
            if message["type"] == kind {
                return message;
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

fn configure(folder: &Path, address: Ipv4Addr, account: &str, line: Line) {
    let quiet = folder.join("line.wav");
    // It takes a file of its codec's rate only. A tone of half the frequency, read twice as fast, is the tone.
    let wide = if account.contains("G722") { 2 } else { 1 };
    let lasts = seconds(120 * wide);
    let said = match line {
        Line::Silence => silence(lasts),
        Line::Tone(hertz) => sine(hertz / wide as f64, -16.0, lasts),
        Line::Voice => {
            let prompt = std::fs::File::open(super::root().join("prompts/zh-CN/call-you-back.wav")).unwrap();
            hotline_audio::read_wav(prompt).unwrap().samples.repeat(20)
        }
    };
    write_wav(std::fs::File::create(&quiet).unwrap(), RATE_HZ * wide as u32, &said).unwrap();
    let folder_shown = folder.display();
    let config = format!(
        "poll_method epoll\nsip_listen {address}:5060\ncall_local_timeout 120\ncall_max_calls 4\n\
         audio_path {folder_shown}\naudio_player aubridge,nothing\naudio_source aufile,{quiet}\naudio_alert aubridge,nothing\n\
         audio_srate 8000-16000\naudio_channels 1-1\nrtp_ports 22000-22100\nnet_interface {address}\n\
         module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule g722.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
         module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen {address}:4444\nsnd_path {folder_shown}\n",
        quiet = quiet.display(),
    );
    std::fs::write(folder.join("config"), config).unwrap();
    std::fs::write(folder.join("accounts"), account).unwrap();
    std::fs::write(folder.join("contacts"), "").unwrap();
}
