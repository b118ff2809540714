//! A telephone made of sockets, for what well-behaved clients never do: nothing of ours builds or
//! reads its SIP.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hotline_audio::{Law, RATE_HZ, decode, write_wav};

use super::server::Server;
use super::{seconds, tickets};

/// One call of a telephone: its dialog and its line.
pub struct Phone {
    socket: UdpSocket,
    server: SocketAddr,
    number: String,
    caller: String,
    call_id: String,
    cseq: u32,
    /// The tag that the server gave, once it has.
    to_tag: Option<String>,
    line: Line,
    up: bool,
}

/// A SIP message, read as far as the tests need.
#[derive(Debug, Clone)]
pub struct Message {
    text: String,
}

static CALLS: AtomicU32 = AtomicU32::new(1);

impl Phone {
    /// A telephone that will call `number` as `caller`.
    pub fn new(server: &Server, number: &str, caller: &str) -> Self {
        let socket = UdpSocket::bind((server.address(), 0)).unwrap();
        socket.connect(server.sip()).unwrap();
        let unique = CALLS.fetch_add(1, Ordering::Relaxed);
        Self {
            line: Line::new(server),
            socket,
            server: server.sip(),
            number: number.to_owned(),
            caller: caller.to_owned(),
            call_id: format!("{unique}-{}", std::process::id()),
            cseq: 1,
            to_tag: None,
            up: false,
        }
    }

    /// An offer of µ-law and telephone-event.
    pub fn offer(&self) -> String {
        self.offer_of("RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n")
    }

    /// An offer of one audio stream with these payloads.
    pub fn offer_of(&self, payloads: &str, lines: &str) -> String {
        let (ip, port) = (self.line.local.ip(), self.line.local.port());
        format!(
            "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} {payloads}\r\n{lines}a=sendrecv\r\n"
        )
    }

    /// The bytes of a request.
    pub fn request(&self, method: &str, cseq: u32, branch: &str, body: &str) -> String {
        let local = self.socket.local_addr().unwrap();
        let tag = self.to_tag.as_ref().map_or_else(String::new, |tag| format!(";tag={tag}"));
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:{number}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK-{id}-{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{caller}@{local}>;tag=t{id}\r\nTo: <sip:{number}@{server}>{tag}\r\n\
             Call-ID: {id}\r\nCSeq: {cseq} {method}\r\nContact: <sip:{caller}@{local}>\r\n{kind}\
             Content-Length: {length}\r\n\r\n{body}",
            number = self.number,
            server = self.server,
            caller = self.caller,
            id = self.call_id,
            length = body.len(),
        )
    }

    /// Sends bytes as they are.
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.socket.send(bytes.as_ref()).unwrap();
    }

    /// The next message within `within`.
    pub fn receive(&self, within: Duration) -> Option<Message> {
        self.socket.set_read_timeout(Some(within.max(Duration::from_millis(1)))).unwrap();
        let mut bytes = vec![0; 65_536];
        let length = self.socket.recv(&mut bytes).ok()?;
        Some(Message { text: String::from_utf8_lossy(&bytes[..length]).into_owned() })
    }

    /// The next final answer to a method.
    pub fn final_answer(&self, method: &str) -> Message {
        let deadline = Instant::now() + seconds(10);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message = self.receive(left).unwrap_or_else(|| panic!("no final answer to {method}"));
            if message.status().is_some_and(|code| code >= 200) && message.cseq().1 == method {
                return message;
            }
        }
    }

    /// Sends an INVITE with this body and gives the status of the final answer, acknowledged.
    pub fn invite(&mut self, body: &str) -> u16 {
        self.send(self.request("INVITE", 1, "invite", body));
        let answer = self.final_answer("INVITE");
        self.acknowledge(&answer);
        answer.status().unwrap_or_default()
    }

    /// Takes in and acknowledges a final answer to the INVITE.
    pub fn acknowledge(&mut self, answer: &Message) {
        self.to_tag = answer.to_tag();
        let taken = answer.status() == Some(200);
        // The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
        let branch = if taken { "ack" } else { "invite" };
        self.send(self.request("ACK", 1, branch, ""));
        if taken {
            let remote = answer.media().expect("the answer says where media goes");
            self.line.connect(remote);
            self.up = true;
        }
    }

    /// Calls and is answered.
    pub fn call(server: &Server, number: &str, caller: &str) -> Self {
        let mut phone = Self::new(server, number, caller);
        let offer = phone.offer();
        assert_eq!(phone.invite(&offer), 200);
        phone
    }

    /// Keys, as RFC 4733 events, behind those keyed before.
    pub fn key(&self, keys: &str) {
        self.line.key(keys);
    }

    /// Keys a code and the last four digits.
    pub fn attempt(&self, code: &str) {
        self.key(&format!("{code}#"));
        self.key(&format!("{}#", tickets::LAST_FOUR));
    }

    /// Wants somebody else to be called (REFER); gives the status of the answer.
    pub fn refer(&mut self, to: &str) -> Option<u16> {
        self.cseq += 1;
        let line = format!("Refer-To: <{to}>\r\nContent-Length:");
        self.send(self.request("REFER", self.cseq, "refer", "").replacen("Content-Length:", &line, 1));
        self.final_answer("REFER").status()
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        self.cseq += 1;
        self.send(self.request("BYE", self.cseq, "bye", ""));
        self.up = false;
        assert_eq!(self.final_answer("BYE").status(), Some(200));
    }

    /// Waits until the other side hangs up.
    pub fn await_bye(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(message) = self.receive(left) else {
                panic!("the other side did not hang up within {within:?}")
            };
            if message.text.starts_with("BYE ") {
                self.send(message.reply_ok());
                self.up = false;
                return;
            }
        }
    }

    /// How many packets of sound have come.
    pub fn packets(&self) -> usize {
        self.line.heard.lock().unwrap().len() / 160
    }

    /// Keeps what was heard so far.
    pub fn keep(&self, path: &Path) {
        let codes = self.line.heard.lock().unwrap().clone();
        let mut samples = vec![0; codes.len()];
        decode(Law::Pcmu, &codes, &mut samples);
        write_wav(std::fs::File::create(path).unwrap(), RATE_HZ, &samples).unwrap();
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        if self.up {
            self.cseq += 1;
            let bye = self.request("BYE", self.cseq, "drop", "");
            let _ = self.socket.send(bye.as_bytes());
        }
    }
}

impl Message {
    /// The status of a response.
    pub fn status(&self) -> Option<u16> {
        self.text.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().take_while(|line| !line.is_empty()).find_map(|line| {
            let (head, value) = line.split_once(':')?;
            head.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn cseq(&self) -> (u32, String) {
        let (number, method) =
            self.header("CSeq").and_then(|value| value.split_once(' ')).unwrap_or(("0", ""));
        (number.parse().unwrap_or(0), method.to_owned())
    }

    pub fn to_tag(&self) -> Option<String> {
        let value = self.header("To")?;
        let tag = value.split(";tag=").nth(1)?;
        Some(tag.split(';').next().unwrap_or(tag).to_owned())
    }

    fn media(&self) -> Option<SocketAddr> {
        let line = |prefix: &str| self.text.lines().find_map(|line| line.strip_prefix(prefix));
        let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        Some(SocketAddr::new(ip, port))
    }

    fn reply_ok(&self) -> String {
        let mut reply = String::from("SIP/2.0 200 OK\r\n");
        for line in self.text.lines().take_while(|line| !line.is_empty()).skip(1) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if ["via", "from", "to", "call-id", "cseq"].contains(&name.as_str()) {
                reply.push_str(line);
                reply.push_str("\r\n");
            }
        }
        reply + "Content-Length: 0\r\n\r\n"
    }
}

/// Sound both ways on a thread of its own: silence and keys out, everything heard kept.
struct Line {
    local: SocketAddr,
    remote: Arc<Mutex<Option<SocketAddr>>>,
    keys: Arc<Mutex<VecDeque<char>>>,
    heard: Arc<Mutex<Vec<u8>>>,
    over: Arc<AtomicBool>,
}

impl Line {
    fn new(server: &Server) -> Self {
        let socket = UdpSocket::bind((server.address(), 0)).unwrap();
        let line = Self {
            local: socket.local_addr().unwrap(),
            remote: Arc::default(),
            keys: Arc::default(),
            heard: Arc::default(),
            over: Arc::default(),
        };
        let (remote, keys) = (Arc::clone(&line.remote), Arc::clone(&line.keys));
        let (heard, over) = (Arc::clone(&line.heard), Arc::clone(&line.over));
        std::thread::spawn(move || run_line(&socket, &remote, &keys, &heard, &over));
        line
    }

    fn connect(&self, remote: SocketAddr) {
        *self.remote.lock().unwrap() = Some(remote);
    }

    fn key(&self, keys: &str) {
        self.keys.lock().unwrap().extend(keys.chars());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

const FRAME: Duration = Duration::from_millis(20);

fn run_line(
    socket: &UdpSocket,
    remote: &Mutex<Option<SocketAddr>>,
    keys: &Mutex<VecDeque<char>>,
    heard: &Mutex<Vec<u8>>,
    over: &AtomicBool,
) {
    let (mut sequence, mut time) = (7_000u16, 90_000u32);
    // What is still to be sent of a key: eight packets, then five of silence.
    let mut key: Option<(u8, u32, u8)> = None;
    let mut next = Instant::now();
    let mut bytes = [0; 2_048];
    while !over.load(Ordering::Relaxed) {
        let wait = next.saturating_duration_since(Instant::now());
        if wait > Duration::from_micros(200) {
            socket.set_read_timeout(Some(wait)).unwrap();
            if let Ok((length, _)) = socket.recv_from(&mut bytes)
                && length > 12
                && bytes[1] & 0x7f == 0
            {
                heard.lock().unwrap().extend(&bytes[12..length]);
            }
            continue;
        }
        next += FRAME;
        let Some(to) = *remote.lock().unwrap() else { continue };
        if key.is_none() {
            key = keys.lock().unwrap().pop_front().map(|key| (event(key), time, 0));
        }
        let (payload, stamp, body) = match &mut key {
            Some((code, pressed, sent)) if *sent < 8 => {
                *sent += 1;
                let [.., high, low] = (u32::from((*sent).min(5)) * 160).to_be_bytes();
                let end = if *sent > 5 { 0x80 } else { 0 };
                (101 | if *sent == 1 { 0x80 } else { 0 }, *pressed, vec![*code, end | 10, high, low])
            }
            Some((_, _, sent)) => {
                *sent += 1;
                if *sent == 13 {
                    key = None;
                }
                (0, time, vec![0xff; 160])
            }
            None => (0, time, vec![0xff; 160]),
        };
        sequence = sequence.wrapping_add(1);
        time = time.wrapping_add(160);
        let mut packet = vec![0x80, payload];
        packet.extend(sequence.to_be_bytes());
        packet.extend(stamp.to_be_bytes());
        packet.extend(0x5eed_u32.to_be_bytes());
        packet.extend(body);
        let _ = socket.send_to(&packet, to);
    }
}

fn event(key: char) -> u8 {
    match key {
        '*' => 10,
        '#' => 11,
        digit => u8::try_from(digit.to_digit(10).expect("a key")).expect("one digit"),
    }
}
