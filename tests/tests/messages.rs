//! One ticket, one message: whatever moment the server is killed at.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::server::{Server, Setup, own_address};
use crate::support::{seconds, tickets, wait_for, wait_until};

/// A ticket of a customer of its own.
fn ticket(number: usize) -> Value {
    json!({
        "external-ref": format!("T-{number}"), "phone": phone(number), "language": "zh-CN",
        "state": "closed", "result": tickets::REFUND,
    })
}

fn phone(number: usize) -> String {
    format!("136{number:08}")
}

/// Puts a ticket and kills the server after `delay`; then starts it again and puts the ticket
/// again, as a CRM does that got no answer.
fn put_and_kill(server: &mut Server, number: usize, delay: Duration) {
    let ticket = ticket(number);
    server.note_secrets(&ticket);
    std::thread::scope(|scope| {
        let asking = &*server;
        let body = &ticket;
        scope.spawn(move || {
            // Whether an answer comes is chance.
            let _ = asking.try_request("POST", "/api/v1/tickets", Some(body));
        });
        std::thread::sleep(delay);
        asking.signal("KILL");
    });
    server.kill();
    server.launch();
    server.await_ready();
    server.put_ticket(&ticket);
}

/// The state of a customer's only message, once it is none of those that pass.
fn settled(server: &Server, number: usize) -> String {
    wait_for("what became of the message is known", seconds(30), || {
        let page = server.customer(&phone(number))?;
        let messages = page["messages"].as_array()?;
        assert!(messages.len() <= 1, "{messages:?}");
        let state = messages.first()?["state"].as_str()?.to_owned();
        (!["due", "sending"].contains(&state.as_str())).then_some(state)
    })
}

fn keys(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut keys = BTreeMap::new();
    for line in lines {
        *keys.entry(line["to"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    keys
}

#[test]
fn a_server_killed_between_arrival_and_sending_sends_one_message() {
    let mut server = Server::start(Setup::default());
    // How long it takes undisturbed: the kills are spread over that time and a little more.
    let began = std::time::Instant::now();
    server.put_ticket(&ticket(0));
    wait_until("a message is sent", seconds(30), || server.messages().len() == 1);
    let whole = began.elapsed();
    const ROUNDS: usize = 40;
    for number in 1..=ROUNDS {
        let delay = whole.mul_f64(1.3 * number as f64 / ROUNDS as f64);
        put_and_kill(&mut server, number, delay);
        assert_eq!(settled(&server, number), "sent", "killed after {delay:?}");
    }
    server.stop();
    server.launch();
    server.await_ready();
    server.stop();
    let lines = server.messages();
    let keys = keys(&lines);
    assert_eq!(keys.len(), ROUNDS + 1);
    assert!(keys.values().all(|count| *count == 1), "{keys:?}");
}

#[test]
fn the_same_ticket_many_times_is_one_message() {
    let mut server = Server::start(Setup::default());
    let first = server.put_ticket(&ticket(1));
    for _ in 0..10 {
        let again = server.put_ticket(&ticket(1));
        assert_eq!(again["ticket"], first["ticket"]);
        assert_eq!(again["change"], "unchanged");
    }
    assert_eq!(settled(&server, 1), "sent");
    server.stop();
    assert_eq!(server.messages().len(), 1);
    // And the message holds the number to dial and the code that works.
    let text = server.messages()[0]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("10086"), "the short number is told");
    assert_eq!(
        text.chars()
            .collect::<String>()
            .split(|c: char| !c.is_ascii_digit())
            .filter(|d| d.len() == 9)
            .count(),
        1
    );
}

/// A gateway that takes a message when it has read it, and answers late.
struct Gateway {
    address: SocketAddr,
    /// How often each key was taken.
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Gateway {
    /// `answers`: whether it tells what became of a message it is asked for.
    fn start(late: Duration, answers: bool) -> Self {
        let listener = TcpListener::bind((own_address(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let taken: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
        let counts = Arc::clone(&taken);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&counts);
                std::thread::spawn(move || serve(stream, &counts, late, answers));
            }
        });
        Self { address, taken }
    }

    fn taken(&self) -> BTreeMap<String, usize> {
        self.taken.lock().unwrap().clone()
    }
}

fn serve(
    stream: TcpStream,
    taken: &Mutex<BTreeMap<String, usize>>,
    late: Duration,
    answers: bool,
) -> Option<()> {
    stream.set_read_timeout(Some(seconds(10))).ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let (status, answer) = if first.starts_with("POST ") {
            let body: Value = serde_json::from_slice(&body).ok()?;
            let key = body["key"].as_str()?.to_owned();
            let count = {
                let mut taken = taken.lock().unwrap();
                *taken.entry(key).or_default() += 1;
                taken.len()
            };
            std::thread::sleep(late);
            ("200 OK", json!({ "id": format!("m-{count}") }))
        } else if !answers {
            ("500 Internal Server Error", json!({}))
        } else {
            let key = first.split(' ').nth(1)?.rsplit('/').next()?.to_owned();
            match taken.lock().unwrap().get(&key) {
                Some(count) => ("200 OK", json!({ "id": format!("m-{count}") })),
                None => ("404 Not Found", json!({})),
            }
        };
        let answer = answer.to_string();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
            answer.len()
        );
        reader.get_mut().write_all(text.as_bytes()).ok()?;
    }
}

#[test]
fn a_slow_gateway_gets_one_message_however_often_the_server_is_killed() {
    let gateway = Gateway::start(Duration::from_millis(300), true);
    let url = format!("http://{}", gateway.address);
    let mut server = Server::start(Setup { gateway: Some(url), ..Setup::default() });
    const ROUNDS: usize = 16;
    for number in 1..=ROUNDS {
        // From before it is asked until after it has answered.
        let delay = Duration::from_millis(30 * number as u64);
        put_and_kill(&mut server, number, delay);
        assert_eq!(settled(&server, number), "sent", "killed after {delay:?}");
    }
    server.stop();
    let taken = gateway.taken();
    assert_eq!(taken.len(), ROUNDS);
    assert!(taken.values().all(|count| *count == 1), "{taken:?}");
}

#[test]
fn what_a_gateway_cannot_tell_is_unknown_and_never_sent_again() {
    let gateway = Gateway::start(seconds(60), false);
    let url = format!("http://{}", gateway.address);
    let mut server = Server::start(Setup { gateway: Some(url), ..Setup::default() });
    server.put_ticket(&ticket(1));
    wait_until("the gateway has it", seconds(30), || gateway.taken().len() == 1);
    server.kill();
    server.launch();
    server.await_ready();
    assert_eq!(settled(&server, 1), "unknown");
    let page = server.customer(&phone(1)).unwrap();
    assert_eq!(page["follow-ups"].as_array().map(Vec::len), Some(1), "somebody must look: {page}");
    server.kill();
    server.launch();
    server.await_ready();
    assert_eq!(settled(&server, 1), "unknown");
    assert!(gateway.taken().values().all(|count| *count == 1), "{:?}", gateway.taken());
}
