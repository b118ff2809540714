//! SIP over TCP as networks cut it: a byte at a time, and many messages in one piece.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::server::{Server, Setup};
use crate::support::{seconds, tickets, wait_for, wait_until};

const COMPLAINT: &str = "10086123";

/// Idle connections of addresses that are not served that are kept; the next one is closed.
const STRANGERS: usize = 64;

#[test]
fn strangers_cannot_take_the_connections_of_those_who_are_served() {
    let nobody_near = "from = [\"127.255.0.1/32\"]";
    let server = Server::start(Setup { trunk: nobody_near, warm: false, voice: false, ..Setup::default() });
    let streams: Vec<TcpStream> = (0..STRANGERS + 36)
        .map(|_| {
            let stream = TcpStream::connect(server.sip()).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    let closed = || streams.iter().filter(|stream| matches!(stream.peek(&mut [0]), Ok(0))).count();
    wait_until("those beyond the limit are closed", seconds(10), || closed() == 36);
    // As soon as they go, others may come.
    drop(streams);
    wait_until("there is room again", seconds(10), || {
        let stream = TcpStream::connect(server.sip()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        stream.peek(&mut [0]).is_err()
    });
}

/// A caller on one connection.
struct Caller {
    stream: TcpStream,
    server: String,
    heard: String,
    tag: String,
}

impl Caller {
    fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(server.sip()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        Self { stream, server: server.sip().to_string(), heard: String::new(), tag: String::new() }
    }

    fn request(&self, method: &str, seq: u32, branch: u32, body: &str) -> String {
        let local = self.stream.local_addr().unwrap();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        format!(
            "{method} sip:{COMPLAINT}@{server} SIP/2.0\r\nVia: SIP/2.0/TCP {local};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{caller}@{local}>;tag=caller\r\nTo: <sip:{COMPLAINT}@{server}>{tag}\r\n\
             Call-ID: stream-{port}\r\nCSeq: {seq} {method}\r\nContact: <sip:{caller}@{local};transport=tcp>\r\n{kind}\
             Content-Length: {length}\r\n\r\n{body}",
            server = self.server,
            caller = tickets::PHONE,
            tag = self.tag,
            port = local.port(),
            length = body.len(),
        )
    }

    fn offer(&self) -> String {
        let ip = self.stream.local_addr().unwrap().ip();
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
    }

    /// Reads until `text` came `times` in all.
    fn await_text(&mut self, text: &str, times: usize) {
        let mut buffer = [0; 16_384];
        wait_for(&format!("{times} of {text:?}"), seconds(10), || {
            if let Ok(length) = self.stream.read(&mut buffer) {
                self.heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            (self.heard.matches(text).count() >= times).then_some(())
        });
    }

    /// Takes the tag of the answered call.
    fn take_tag(&mut self) {
        let answer = &self.heard[self.heard.find("SIP/2.0 200").expect("it was answered")..];
        let to = answer.lines().find(|line| line.starts_with("To:")).expect("a To");
        let (_, tag) = to.split_once(";tag=").expect("a tag");
        self.tag = format!(";tag={tag}");
    }
}

#[test]
fn a_call_that_comes_a_byte_at_a_time_is_a_call() {
    let server = Server::start(Setup { voice: false, ..Setup::default() });
    let mut caller = Caller::new(&server);
    let send = |caller: &mut Caller, text: String| {
        for byte in text.bytes() {
            caller.stream.write_all(&[byte]).unwrap();
        }
    };
    let invite = caller.request("INVITE", 1, 1, &caller.offer());
    send(&mut caller, invite);
    caller.await_text("SIP/2.0 200", 1);
    caller.take_tag();
    // A keep-alive between two messages is answered by itself (RFC 5626 §4.4.1).
    let ack = caller.request("ACK", 1, 2, "");
    send(&mut caller, ack + "\r\n\r\n");
    server.await_event("call.entered", 1, seconds(10));
    let bye = caller.request("BYE", 2, 3, "");
    send(&mut caller, bye);
    caller.await_text("2 BYE", 1);
    assert_eq!(server.await_calls(1)[0]["ending"], "caller/hung-up");
}

#[test]
fn many_messages_in_one_piece_are_all_answered() {
    let server = Server::start(Setup { voice: false, ..Setup::default() });
    let mut caller = Caller::new(&server);
    let mut piece: String =
        (0..40).map(|number| caller.request("OPTIONS", 100 + number, 100 + number, "")).collect();
    piece += &caller.request("INVITE", 200, 200, &caller.offer());
    // The last message comes in two halves.
    let last = caller.request("OPTIONS", 201, 201, "");
    let (head, tail) = last.split_at(last.len() / 2);
    caller.stream.write_all((piece + head).as_bytes()).unwrap();
    caller.await_text("200 INVITE", 2);
    caller.stream.write_all(tail.as_bytes()).unwrap();
    caller.await_text("201 OPTIONS", 1);
    assert_eq!(caller.heard.matches(" OPTIONS\r\n").count(), 41);
    let calls = wait_for("the call is on the record", seconds(10), || {
        let calls = server.calls();
        (!calls.is_empty()).then_some(calls)
    });
    assert_eq!(calls.len(), 1);
}

#[test]
fn a_stream_without_a_length_is_closed_and_nothing_else_is_hurt() {
    let server = Server::start(Setup { voice: false, ..Setup::default() });
    let (mut bad, mut good) = (Caller::new(&server), Caller::new(&server));
    let broken = bad.request("OPTIONS", 1, 1, "").replace("Content-Length: 0", "Content-Length: five");
    bad.stream.write_all(broken.as_bytes()).unwrap();
    wait_until("the connection is closed", seconds(5), || matches!(bad.stream.read(&mut [0; 64]), Ok(0)));
    let options = good.request("OPTIONS", 1, 1, "");
    good.stream.write_all(options.as_bytes()).unwrap();
    good.await_text("SIP/2.0 200", 1);
}
