//! `kill -9` at any moment, again and again: whatever somebody was told stands on the record,
//! once. `tools/faults kill` runs as many rounds as one likes.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup};
use crate::support::{seconds, setting, tickets, wait_until};

/// The same moments in every run, other ones for every test.
struct Chance(u64);

impl Chance {
    fn up_to(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Rows of a question to the database, a text each.
fn ask(database: &Path, sql: &str) -> Vec<String> {
    let done = Command::new("sqlite3").arg(database).arg(sql).output().expect("sqlite3 is installed");
    assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).lines().map(str::to_owned).collect()
}

/// What the API showed before the kill: the place of each event, with its call and type.
type Seen = BTreeMap<i64, String>;

fn look(server: &Server, seen: &mut Seen) {
    let Ok(answer) = server.try_request("GET", "/api/v1/calls?limit=6", None) else { return };
    if answer.status != 200 {
        return;
    }
    for call in answer.json().as_array().into_iter().flatten() {
        for event in call["path"].as_array().into_iter().flatten() {
            let id = call["id"].as_str().unwrap_or_default();
            let kind = event["type"].as_str().unwrap_or_default();
            seen.insert(event["seq"].as_i64().expect("a place"), format!("{id} {kind}"));
        }
    }
}

fn ticket(round: usize, seed: u64) -> Value {
    json!({
        "external-ref": format!("K-{seed}-{round}"), "phone": format!("137{:04}{round:04}", seed % 10_000),
        "language": "zh-CN", "state": "closed", "result": tickets::REFUND,
    })
}

/// The ledger: nothing that was seen is missing, nothing stands there twice, nothing goes on.
fn check(database: &Path, seen: &Seen, round: usize) {
    let stored: BTreeMap<i64, String> = ask(
        database,
        "SELECT seq || ' ' || interaction_id || ' ' || type FROM event WHERE interaction_id IS NOT NULL",
    )
    .iter()
    .filter_map(|row| row.split_once(' '))
    .map(|(seq, rest)| (seq.parse().expect("a place"), rest.to_owned()))
    .collect();
    for (seq, what) in seen {
        assert_eq!(stored.get(seq), Some(what), "round {round}: what was seen stands where it stood");
    }
    let none = |what: &str, sql: &str| {
        assert_eq!(ask(database, sql), Vec::<String>::new(), "round {round}: {what}");
    };
    none("calls without an end", "SELECT id FROM interaction WHERE ended_at IS NULL");
    none(
        "calls with a hole in their steps, or a step twice",
        "SELECT interaction_id FROM event WHERE source = 'call' GROUP BY interaction_id \
         HAVING COUNT(*) <> MAX(CAST(substr(source_event_id, instr(source_event_id, ':') + 1) AS INTEGER))",
    );
    none(
        "steps of no call",
        "SELECT e.seq FROM event e LEFT JOIN interaction i ON i.id = e.interaction_id WHERE e.source = 'call' AND i.id IS NULL",
    );
    none(
        "verifications that were told and not counted, or counted more than once",
        "SELECT i.id FROM interaction i, (SELECT COUNT(*) AS told, interaction_id FROM event \
         WHERE type = 'call.verified' GROUP BY interaction_id) e WHERE e.interaction_id = i.id AND \
         (SELECT COUNT(*) FROM verification v WHERE v.interaction_id = i.id) NOT BETWEEN e.told AND e.told + 1",
    );
    none(
        "more verifications than a caller keyed",
        "SELECT interaction_id FROM verification GROUP BY interaction_id HAVING COUNT(*) > 1",
    );
    none(
        "promised call-backs that nobody will make, or two",
        "SELECT interaction_id FROM event WHERE type = 'call.entered' AND body LIKE '%\"promise\"%' AND \
         (SELECT COUNT(*) FROM follow_up f WHERE f.interaction_id = event.interaction_id) <> 1",
    );
    none("messages about one result", "SELECT ticket_id FROM message GROUP BY ticket_id HAVING COUNT(*) > 1");
    assert_eq!(ask(database, "PRAGMA integrity_check"), ["ok"], "round {round}");
}

fn killed_at_random_moments(rounds: usize, seed: u64) {
    let mut server = Server::start(Setup::default());
    let database = server.folder().join("hotline.db");
    server.put_ticket(&tickets::closed());
    let mut chance = Chance(seed | 1);
    let mut confirmed = Vec::new();
    // How far the rounds came: a kill that always comes too early shows nothing.
    let mut verified = 0;
    let mut slowest = Duration::ZERO;
    for round in 1..=rounds {
        let delay = Duration::from_millis(50 + chance.up_to(6_500));
        let put_after = Duration::from_millis(chance.up_to(6_500));
        let ticket = ticket(round, seed);
        server.note_secrets(&ticket);
        let (seen, over) = (Mutex::new(Seen::new()), AtomicBool::new(false));
        let taken = std::thread::scope(|scope| {
            let server = &server;
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    look(server, &mut seen.lock().unwrap());
                }
            });
            let phones = [tickets::PHONE, "13955556666", "13977778888"]
                .map(|caller| Phone::call(server, "10086123", caller));
            // Keyed ahead of what is asked. One who knows the code, one who does not, one who wants a person.
            phones[0].attempt(tickets::CODE);
            phones[1].attempt(tickets::WRONG[round % 4]);
            phones[2].key("0");
            let putting = scope.spawn(|| {
                std::thread::sleep(put_after.min(delay));
                let answer = server.try_request("POST", "/api/v1/tickets", Some(&ticket));
                answer.is_ok_and(|answer| answer.status == 201)
            });
            std::thread::sleep(delay);
            server.signal("KILL");
            over.store(true, Ordering::Relaxed);
            putting.join().unwrap()
        });
        server.kill();
        server.launch();
        slowest = slowest.max(server.await_ready());
        let seen = seen.into_inner().unwrap();
        verified += seen.values().filter(|what| what.ends_with("call.verified")).count();
        check(&database, &seen, round);
        if taken {
            confirmed.push(ticket["external-ref"].as_str().expect("a name").to_owned());
        }
    }
    assert!(verified > 0 && !confirmed.is_empty(), "no round came far enough: {verified} verifications");
    for reference in &confirmed {
        let sql = format!("SELECT COUNT(*) FROM ticket WHERE external_ref = '{reference}'");
        assert_eq!(ask(&database, &sql), ["1"], "{reference} was taken");
    }
    // What the tickets set in motion came to its end: one message each.
    wait_until("nothing waits", seconds(60), || {
        ask(&database, "SELECT id FROM job WHERE state = 'due' UNION SELECT id FROM message WHERE state IN ('due', 'sending')")
            .is_empty()
    });
    let count = |sql: &str| ask(&database, sql)[0].parse::<usize>().expect("a count");
    let tickets = count("SELECT COUNT(*) FROM ticket");
    assert!(tickets > confirmed.len());
    assert_eq!(count("SELECT COUNT(*) FROM message WHERE state = 'sent'"), tickets);
    server.stop();
    assert_eq!(server.messages().len(), tickets, "each message went out once");
    let taken = confirmed.len();
    eprintln!(
        "{rounds} rounds: {verified} verifications seen, {taken} tickets taken, back within {slowest:?}"
    );
}

/// Half of the rounds in each of two tests, side by side.
fn rounds() -> usize {
    setting("HOTLINE_KILL_ROUNDS", 20).div_ceil(2)
}

#[test]
fn what_was_seen_before_a_kill_is_there_after_it() {
    killed_at_random_moments(rounds(), setting("HOTLINE_SEED", 0x5eed) as u64);
}

#[test]
fn what_was_seen_before_a_kill_is_there_after_it_at_other_moments() {
    killed_at_random_moments(rounds(), setting("HOTLINE_SEED", 0x5eed) as u64 + 4_711);
}
