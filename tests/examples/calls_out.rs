//! How fast customers are called: `tools/calls-out`.
//!
//! So many tickets are settled; everybody is busy. Printed are calls begun a second, the time from the scheduler's
//! decision to the INVITE at the trunk, and what a call cost the server.

#![expect(clippy::unwrap_used, reason = "what fails here is told by its panic")]

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::collections::HashMap;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use support::server::{Server, Setup, own_address};
use support::{seconds, setting, wait_until};

const POLICY: &str = "campaign: survey\nwho: { when: closed }\nplan: main-menu\nhours: always\nearliest: 60s\nlatest: 2d\n\
    attempts: 1\ntrunks: test\nshow: \"10086\"\n";
const ALWAYS: &str =
    "calendar: always\nzone: Asia/Shanghai\nweek: { weekdays: 00:00-24:00, weekend: 00:00-24:00 }\n";

fn plans(folder: &Path) {
    std::fs::write(folder.join("policies/survey.yaml"), POLICY).unwrap();
    std::fs::write(folder.join("calendars/always.yaml"), ALWAYS).unwrap();
    std::fs::write(folder.join("campaigns.yaml"), "calls-per-second: 50\n").unwrap();
}

/// When the INVITE to each number came, in microseconds since 1970.
type Came = Arc<Mutex<HashMap<String, i64>>>;

/// Everybody is busy (RFC 3261 §8.2.6).
fn refuse(socket: &UdpSocket, came: &Came) {
    let mut datagram = [0; 4_096];
    while let Ok((length, from)) = socket.recv_from(&mut datagram) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros();
        let text = String::from_utf8_lossy(&datagram[..length]).into_owned();
        let Some(target) = text.strip_prefix("INVITE sip:") else { continue };
        let number = target.split('@').next().unwrap_or_default().trim_start_matches("+86").to_owned();
        came.lock().unwrap().entry(number).or_insert(i64::try_from(now).unwrap());
        let mut answer = "SIP/2.0 486 Busy Here\r\n".to_owned();
        for line in text.lines() {
            let is = |name: &str| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name);
            if ["Via:", "From:", "Call-ID:", "CSeq:"].iter().any(|name| is(name)) {
                answer.push_str(&format!("{line}\r\n"));
            } else if is("To:") {
                answer.push_str(&format!("{line};tag=busy\r\n"));
            }
        }
        answer.push_str("Content-Length: 0\r\n\r\n");
        socket.send_to(answer.as_bytes(), from).unwrap();
    }
}

/// The server that this process has started.
fn server_process() -> u32 {
    let ours = format!(" {} ", std::process::id());
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let mut processes = all.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok());
    let is_server = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        stat.contains("(hotline)") && stat.split(')').nth(1).is_some_and(|rest| rest[2..].starts_with(&ours))
    };
    processes.find(is_server).expect("a server")
}

fn cpu_seconds(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    // Ticks of user and system, a hundred a second on Linux.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

fn main() {
    let calls = setting("CALLS", 1_500);
    let address = own_address();
    let socket = UdpSocket::bind((address, 5060)).unwrap();
    let came = Came::default();
    let (listening, told) = (socket.try_clone().unwrap(), Arc::clone(&came));
    std::thread::spawn(move || refuse(&listening, &told));
    let trunk = format!(
        "from = [\"127.0.0.0/8\"]\ncalls-per-second = 0\n[trunks.out]\nhost = \"{address}\"\nnumbers = [\"139*\"]\n\
         shown = \"10086\"\ncalls = 500\ncalls-per-second = 0\n"
    );
    let setup = Setup { voice: false, log: "warn", trunk: trunk.leak(), plans, ..Setup::default() };
    let server = Server::start(setup);
    println!("{calls} tickets are put");
    for number in 0..calls {
        let ticket = json!({
            "external-ref": format!("B-{number}"), "phone": format!("139{number:08}"), "language": "zh-CN",
            "category": "data-charge", "state": "closed", "result": support::tickets::REFUND,
        });
        assert_eq!(server.try_request("POST", "/api/v1/tickets", Some(&ticket)).unwrap().status, 201);
    }
    let process = server_process();
    let before = cpu_seconds(process);
    println!("they are called a minute after they were settled");
    wait_until("everybody was called", seconds(300), || came.lock().unwrap().len() == calls);
    let cpu = cpu_seconds(process) - before;
    std::thread::sleep(Duration::from_secs(2));
    let decided = server.query(
        "SELECT substr(t.phone, 4) || '|' || a.at FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id",
    );
    let came = came.lock().unwrap();
    let mut delays: Vec<f64> = decided
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(number, at)| (came[number] - at.parse::<i64>().unwrap()) as f64 / 1e3)
        .collect();
    delays.sort_by(f64::total_cmp);
    let mut times: Vec<i64> = came.values().copied().collect();
    times.sort_unstable();
    let lasted = (times[times.len() - 1] - times[0]) as f64 / 1e6;
    let at = |share: f64| delays[((delays.len() as f64 * share) as usize).min(delays.len() - 1)];
    println!(
        "{} calls in {lasted:.1} s: {:.1} a second; decision to INVITE p50 {:.2} ms, p99 {:.2}, worst {:.2}; \
         {:.2} ms of CPU a call",
        times.len(),
        (times.len() - 1) as f64 / lasted,
        at(0.5),
        at(0.99),
        at(1.0),
        1e3 * cpu / times.len() as f64,
    );
}
