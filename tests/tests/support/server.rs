//! The real binary, started with a folder, an address and a record of its own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{self, Response};
use super::postgres::Postgres;
use super::process::{Process, quiet};
use super::{root, seconds, wait_for, wait_until, warm};

/// How a server is set up.
pub struct Setup {
    /// Begin with a database that knows the speech of `tickets`.
    pub warm: bool,
    /// Have a voice; without it only what is recorded or cached is spoken.
    pub voice: bool,
    /// Record calls, both sides.
    pub recordings: bool,
    /// A gateway for messages in place of the file.
    pub gateway: Option<String>,
    /// What is logged, as `RUST_LOG` says it.
    pub log: &'static str,
    /// Edits the plans in the server's own folder before it starts.
    pub plans: fn(&Path),
    /// Whether SIP and sound go over IPv6; the API does not.
    pub ipv6: bool,
    /// More lines of `[media]`.
    pub media: &'static str,
    /// Keep the record in a PostgreSQL of this server's own; else in a file.
    pub postgres: bool,
    /// Keep it in this one, another server's, and be a second server beside it.
    pub shares: Option<String>,
    /// Record, spool and recordings on a small disk of their own, mounted for this; it takes root.
    pub small_disk: bool,
    /// Log as JSON, one object a line.
    pub json_log: bool,
    /// Run in a network namespace, at addresses of it.
    pub place: Option<Place>,
    /// Trunk lines of the configuration; by default this machine calls without a limit.
    pub trunk: &'static str,
    /// Variables of the server's environment.
    pub env: &'static [(&'static str, &'static str)],
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            warm: true,
            voice: true,
            recordings: false,
            gateway: None,
            log: "debug",
            plans: |_| {},
            ipv6: false,
            media: "",
            postgres: false,
            shares: None,
            small_disk: false,
            json_log: false,
            place: None,
            trunk: "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true",
            env: &[],
        }
    }
}

/// A network namespace and where its server is reached.
pub struct Place {
    pub namespace: String,
    pub sip: Ipv4Addr,
    pub api: Ipv4Addr,
}

/// A disk of 24 MB, mounted as long as this lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: PathBuf) -> Self {
        std::fs::create_dir(&at).unwrap();
        let mut mount = quiet("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m,mode=700", "tmpfs"]).arg(&at);
        let done = mount.output().expect("mount is there");
        assert!(
            done.status.success(),
            "a small disk cannot be mounted, which takes root: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        Self(at)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = quiet("umount").arg("-l").arg(&self.0).status();
    }
}

/// A running server.
pub struct Server {
    process: Option<Process>,
    // Dropped before the folder that it is in.
    disk: Option<Disk>,
    folder: TempDir,
    address: Ipv4Addr,
    setup: Setup,
    postgres: Option<Postgres>,
    /// What must never stand in the log: of every ticket that was put.
    secrets: Vec<String>,
}

/// The secret of the API's token.
pub const TOKEN: &str = "a-token-for-the-tests";
/// RTP ports; every server has an address of its own, so all can have the same.
const PORTS: &str = "[20000, 20999]";

/// Where the binary is: `HOTLINE_BINARY`, else the release binary of this workspace.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("HOTLINE_BINARY")
        .map_or_else(|| root().join("target/release/hotline"), PathBuf::from);
    assert!(path.exists(), "{} is missing: cargo build --release -p hotline", path.display());
    path
}

/// A loopback address that no other test on this machine uses at the time: ports need not be
/// looked for, and nothing that another test does reaches this server.
pub fn own_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let process = std::process::id();
    let [.., high, low] = process.to_be_bytes();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let number = u8::try_from(number).expect("fewer than 255 addresses in one process");
    Ipv4Addr::new(127, 16 + (high & 0x7f), low, number)
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub fn start(setup: Setup) -> Self {
        let mut server = Self::prepare(setup);
        server.launch();
        server.await_ready();
        server
    }

    /// A server's folder with everything in it, not started.
    pub fn prepare(setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("hotline-").tempdir().unwrap();
        copy(&root().join("dialplans"), &folder.path().join("dialplans"));
        open_always(&folder.path().join("dialplans/calendars/office.yaml"));
        (setup.plans)(&folder.path().join("dialplans"));
        let disk = setup.small_disk.then(|| Disk::mount(folder.path().join("disk")));
        let file = disk.as_ref().map_or(folder.path(), |disk| &disk.0).join("hotline.db");
        if setup.warm {
            warm::database(&file);
        }
        let postgres = setup.postgres.then(Postgres::start);
        let secrets = postgres.iter().map(Postgres::password).collect();
        if let Some(postgres) = postgres.as_ref().filter(|_| setup.warm) {
            postgres.fill_from(&file);
        }
        let address = setup.place.as_ref().map_or_else(own_address, |place| place.sip);
        let server = Self { process: None, disk, folder, address, setup, postgres, secrets };
        server.configure();
        server
    }

    fn configure(&self) {
        let folder = self.folder.path().display();
        let speech =
            if self.setup.voice { root().join(".cache/speech") } else { self.folder.path().join("no-voice") };
        let gateway = self.setup.gateway.as_ref().map_or_else(String::new, |url| {
            format!("[messages.gateway]\nurl = \"{url}/send\"\ninquiry-url = \"{url}/messages/{{key}}\"\nwithin-s = 5\n")
        });
        let text = format!(
            "[sip]\nbind = \"{sip}\"\n\n[media]\nports = {PORTS}\n{media}\n\n[[trunks]]\nname = \"test\"\n{trunk}\n\n\
             [record]\ndatabase = \"{database}\"\n{second}\n\
             [plans]\nfolder = \"{folder}/dialplans\"\nprompts = \"{prompts}\"\n\n[speech]\nfolder = \"{speech}\"\n\n\
             [recordings]\non = {recordings}\nfolder = \"{disk}/recordings\"\n\n\
             [messages]\nfile = \"{folder}/messages.jsonl\"\nlinks = \"http://{api}\"\n{gateway}\n\
             [desk]\npop-url = \"https://crm.example/open?customer={{{{ customer }}}}\"\n\n\
             [api]\nbind = \"{api}\"\n[[api.tokens]]\nname = \"tests\"\nsecret = \"{TOKEN}\"\n",
            api = self.api(),
            sip = self.sip(),
            disk = self.disk().display(),
            media = self.setup.media,
            database = self.database(),
            second = self.setup.shares.as_ref().map_or("", |_| "server = \"second\""),
            trunk = self.setup.trunk,
            prompts = root().join("prompts").display(),
            speech = speech.display(),
            recordings = self.setup.recordings,
        );
        std::fs::write(self.folder.path().join("hotline.toml"), text).unwrap();
    }

    /// The address of its record.
    fn database(&self) -> String {
        match (&self.setup.shares, &self.postgres) {
            (Some(url), _) => url.clone(),
            (None, Some(postgres)) => postgres.url(),
            (None, None) => format!("sqlite:{}", self.disk().join("hotline.db").display()),
        }
    }

    /// Where record, spool and recordings are.
    pub fn disk(&self) -> PathBuf {
        self.disk.as_ref().map_or_else(|| self.folder.path().to_owned(), |disk| disk.0.clone())
    }

    /// Its PostgreSQL.
    pub fn postgres(&self) -> &Postgres {
        self.postgres.as_ref().expect("it was set up with one")
    }

    /// Starts the binary and does not wait.
    pub fn launch(&mut self) {
        let mut command = match &self.setup.place {
            None => quiet(binary()),
            Some(place) => {
                // It becomes the server: its process is the server's.
                let mut command = quiet("ip");
                command.args(["netns", "exec", &place.namespace]).arg(binary());
                command
            }
        };
        command.arg("--config").arg(self.folder.path().join("hotline.toml")).arg("serve");
        if self.setup.json_log {
            command.arg("--json-log");
        }
        command
            .current_dir(self.folder.path())
            .env("RUST_LOG", self.setup.log)
            .envs(self.setup.env.iter().copied());
        self.process = Some(Process::start(&mut command, &self.folder.path().join("server.log")));
    }

    /// Runs another command of the binary with this server's configuration.
    pub fn tool(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = quiet(binary());
        command.arg("--config").arg(self.folder.path().join("hotline.toml")).args(arguments);
        command.current_dir(self.folder.path()).output().unwrap()
    }

    /// The same, told something on its standard input.
    pub fn tool_told(&self, arguments: &[&str], text: &str) -> std::process::Output {
        let said = self.folder.path().join("said");
        std::fs::write(&said, text).unwrap();
        let mut command = quiet(binary());
        command.arg("--config").arg(self.folder.path().join("hotline.toml")).args(arguments);
        command.stdin(std::fs::File::open(&said).unwrap());
        command.current_dir(self.folder.path()).output().unwrap()
    }

    /// What stands in its SQLite file: a line for each row, `|` between the columns.
    pub fn query(&self, sql: &str) -> String {
        let script = "import sqlite3, sys\nfor row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): \
                      print('|'.join(map(str, row)))";
        let file = self.disk().join("hotline.db");
        let done = quiet("python3").args(["-c", script]).arg(file).arg(sql).output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    /// Waits until it is ready; gives the time that took.
    pub fn await_ready(&mut self) -> Duration {
        let began = Instant::now();
        wait_until("the server is ready", seconds(60), || {
            if let Some(status) = self.process.as_mut().and_then(Process::ended) {
                panic!("the server ended: {status}");
            }
            self.try_request("GET", "/readyz", None).is_ok_and(|response| response.status == 200)
        });
        began.elapsed()
    }

    /// Waits for it to end by itself.
    pub fn await_end(&mut self, within: Duration) -> std::process::ExitStatus {
        self.process.as_mut().expect("it was started").wait(within)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process = None;
    }

    pub fn signal(&self, signal: &str) {
        self.process.as_ref().expect("it runs").signal(signal);
    }

    /// Asks it to stop and waits until it has.
    pub fn stop(&mut self) {
        self.signal("TERM");
        let status = self.await_end(seconds(30));
        assert!(status.success(), "the server ended with {status}");
        self.process = None;
    }

    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| process.ended().is_none())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    pub fn sip(&self) -> SocketAddr {
        if self.setup.ipv6 {
            // There is one loopback address of this kind, so the port is the server's own.
            let [.., high, low] = self.address.octets();
            return (Ipv6Addr::LOCALHOST, 33_000 + u16::from(high) * 16 + u16::from(low)).into();
        }
        SocketAddr::new(IpAddr::V4(self.address), 5060)
    }

    /// Where the API and the desktop are.
    pub fn url(&self) -> String {
        format!("http://{}", self.api())
    }

    pub fn api(&self) -> SocketAddr {
        let address = self.setup.place.as_ref().map_or(self.address, |place| place.api);
        SocketAddr::new(IpAddr::V4(address), 8080)
    }

    /// Everything it printed, over all its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("server.log")).unwrap_or_default()
    }

    /// Asks the API; an error where nobody answers.
    pub fn try_request(&self, method: &str, path: &str, body: Option<&Value>) -> std::io::Result<Response> {
        http::request(self.api(), method, path, TOKEN, body)
    }

    /// Asks the API for something that is there.
    pub fn ask(&self, path: &str) -> Value {
        let response = self.try_request("GET", path, None).unwrap();
        assert_eq!(response.status, 200, "{path}: {}", response.body);
        response.json()
    }

    /// Puts a ticket and waits until it is stored.
    pub fn put_ticket(&mut self, ticket: &Value) -> Value {
        self.note_secrets(ticket);
        let response = self.try_request("POST", "/api/v1/tickets", Some(ticket)).unwrap();
        assert!(matches!(response.status, 200 | 201), "{}", response.body);
        response.json()
    }

    /// From now on these words of a ticket may not stand in the log.
    pub fn note_secrets(&mut self, ticket: &Value) {
        for field in ["phone", "name", "code", "result"] {
            if let Some(value) = ticket[field].as_str() {
                self.secrets.push(value.to_owned());
            }
        }
    }

    /// The page of a customer, if they are known.
    pub fn customer(&self, phone: &str) -> Option<Value> {
        let response = self.try_request("GET", &format!("/api/v1/customers?phone={phone}"), None).ok()?;
        (response.status == 200).then(|| response.json())
    }

    /// A figure of `/metrics`, if it is there.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let text = self.try_request("GET", "/metrics", None).ok()?.body;
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
    }

    /// All calls, the oldest first.
    pub fn calls(&self) -> Vec<Value> {
        let mut calls = self.ask("/api/v1/calls?limit=100").as_array().cloned().unwrap_or_default();
        calls.reverse();
        calls
    }

    /// Waits for the end of the last call of `count` and gives them all.
    pub fn await_calls(&self, count: usize) -> Vec<Value> {
        wait_for(&format!("{count} calls have ended on the record"), seconds(30), || {
            let calls = self.calls();
            (calls.len() >= count && calls.iter().all(|call| !call["ended-at"].is_null())).then_some(calls)
        })
    }

    /// Waits until a call's path holds a step, for the `nth` time.
    pub fn await_step(&self, step: &str, nth: usize, within: Duration) {
        wait_until(&format!("a call reaches `{step}` ({nth})"), within, || {
            self.calls().last().is_some_and(|call| entered(call, step) >= nth)
        });
    }

    /// Waits until the last call's path holds an event of a type, for the `nth` time.
    pub fn await_event(&self, kind: &str, nth: usize, within: Duration) {
        wait_until(&format!("a call's path holds {kind} ({nth})"), within, || {
            let call = self.calls().pop();
            let path = call.as_ref().and_then(|call| call["path"].as_array());
            path.is_some_and(|path| path.iter().filter(|event| event["type"] == kind).count() >= nth)
        });
    }

    /// The lines of the file that messages go to.
    pub fn messages(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("messages.jsonl")).unwrap_or_default();
        text.lines()
            .filter(|line| !line.is_empty())
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The first secret that stands in the log, with its line.
    fn leak(&self) -> Option<String> {
        leak(&self.log(), &self.secrets)
    }
}

/// The first line that holds a secret: a number in any spelling of its last eight digits, a name,
/// a code, a piece of a result.
pub fn leak(log: &str, secrets: &[String]) -> Option<String> {
    let pieces: Vec<String> = secrets
        .iter()
        .map(|secret| {
            let length = secret.chars().count();
            let all_digits = secret.chars().all(|c| c.is_ascii_digit() || c == '+');
            match length {
                // A number may stand there without its country or its trunk prefix.
                10.. if all_digits => secret.chars().skip(length - 10).collect(),
                // A result may stand there without its greeting.
                16.. => secret.chars().skip(length / 2).take(8).collect(),
                _ => secret.clone(),
            }
        })
        .collect();
    log.lines().find(|line| pieces.iter().any(|piece| line.contains(piece.as_str()))).map(str::to_owned)
}

/// How often a call entered a step.
pub fn entered(call: &Value, step: &str) -> usize {
    let path = call["path"].as_array().map_or(&[][..], Vec::as_slice);
    path.iter().filter(|event| event["type"] == "call.entered" && event["body"]["step"] == step).count()
}

/// What came of the verifications of a call, in order.
pub fn verified(call: &Value) -> Vec<String> {
    let path = call["path"].as_array().map_or(&[][..], Vec::as_slice);
    let of = path.iter().filter(|event| event["type"] == "call.verified");
    of.map(|event| event["body"]["outcome"].as_str().unwrap_or_default().to_owned()).collect()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process = None;
        if !std::thread::panicking() {
            // What every test proves besides its own: nobody's data is in the log.
            if let Some(line) = self.leak() {
                panic!("somebody's data stands in the log: {line}");
            }
            return;
        }
        let kept = root().join("target/hotline-tests/logs");
        let name = std::thread::current().name().unwrap_or("test").replace("::", "-");
        let path = kept.join(format!("{name}-{}.log", std::process::id()));
        let _ = std::fs::create_dir_all(&kept);
        let _ = std::fs::copy(self.folder.path().join("server.log"), &path);
        eprintln!("the server's log: {}", path.display());
        let log = self.log();
        let lines: Vec<&str> =
            log.lines().filter(|line| !line.contains("DEBUG") && !line.contains("TRACE")).collect();
        for line in lines.iter().skip(lines.len().saturating_sub(25)) {
            eprintln!("  {line}");
        }
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The tests run at any hour.
fn open_always(calendar: &Path) {
    let text =
        "calendar: office\nzone: Asia/Shanghai\nweek:\n  weekdays: 00:00-24:00\n  weekend: 00:00-24:00\n";
    std::fs::write(calendar, text).unwrap();
}
