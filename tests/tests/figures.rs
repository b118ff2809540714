//! What the operator sees: the figures and their meaning, the line of each call, health.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::phone::Phone;
use crate::support::server::{Server, Setup};
use crate::support::{root, seconds, tickets, wait_until};

/// A name with a label of each of its series, `""` where there is none.
type Series = BTreeMap<String, BTreeSet<String>>;

struct Figures {
    helped: BTreeSet<String>,
    /// Label names of each figure.
    labels: Series,
    /// All label values of each figure.
    series: Series,
}

fn figures(server: &Server) -> Figures {
    let text = server.try_request("GET", "/metrics", None).unwrap().body;
    let mut found = Figures { helped: BTreeSet::new(), labels: BTreeMap::new(), series: BTreeMap::new() };
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and words");
            assert!(words.len() > 10, "{line}");
            found.helped.insert(name.to_owned());
        }
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let (series, _) = line.rsplit_once(' ').expect("a series and its value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let name = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|part| name.strip_suffix(part).filter(|name| name.ends_with("_seconds")))
            .unwrap_or(name);
        let labels: Vec<(&str, &str)> = labels
            .trim_end_matches('}')
            .split(',')
            .filter_map(|label| label.split_once('='))
            .filter(|(label, _)| *label != "le")
            .collect();
        let of = found.labels.entry(name.to_owned()).or_default();
        of.extend(labels.iter().map(|(label, _)| (*label).to_owned()));
        found
            .series
            .entry(name.to_owned())
            .or_default()
            .insert(labels.iter().map(|(_, value)| *value).collect::<Vec<_>>().join(","));
    }
    found
}

/// The table of `crates/README.md`: the labels of each figure.
fn table() -> Series {
    let text = std::fs::read_to_string(root().join("crates/README.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `hotline_"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[2].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        (cells[1].trim_matches('`').to_owned(), labels.filter(|label| !label.is_empty()).collect())
    })
    .collect()
}

#[test]
fn every_figure_of_the_table_is_there_with_its_meaning_and_nobody_makes_new_ones() {
    let mut server = Server::start(Setup::default());
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    phone.attempt(tickets::CODE);
    server.await_step("hear", 1, seconds(60));
    phone.hang_up();
    refuse(&server, "4711", "13955550000");
    server.await_calls(1);
    let table = table();
    assert!(table.len() > 20, "the table is found");
    wait_until("every figure of the table is there", seconds(20), || {
        let labels = figures(&server).labels;
        table.keys().all(|name| labels.contains_key(name))
    });
    let first = figures(&server);
    assert_eq!(first.labels, table, "the table says what /metrics shows");
    assert_eq!(first.helped, table.keys().cloned().collect(), "each has a sentence");
    // Whoever calls, whatever is dialled: no new series.
    for caller in 0..20 {
        refuse(&server, &format!("99{caller}"), &format!("139777700{caller:02}"));
        refuse(&server, &format!("bad{caller}.name"), &format!("caller-{caller}"));
        let mut phone = Phone::call(&server, "10086", &format!("139666600{caller:02}"));
        phone.hang_up();
    }
    server.await_calls(21);
    let now = figures(&server).series;
    for (name, series) in &now {
        // Another end or verdict may have come, which are few.
        let new = series.difference(&first.series[name]).count();
        assert!(new <= 1, "{name}: {series:?}");
        assert!(series.len() <= 12, "{name}: {series:?}");
        assert!(
            !series.iter().any(|values| values.contains("1396666") || values.contains("bad1")),
            "{series:?}"
        );
    }
}

fn refuse(server: &Server, number: &str, caller: &str) {
    let mut phone = Phone::new(server, number, caller);
    let offer = phone.offer();
    assert_eq!(phone.invite(&offer), 404);
}

/// The lines of the log that hold these words.
fn lines(server: &Server, words: &str) -> Vec<String> {
    server.log().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
}

#[test]
fn a_number_that_no_plan_serves_is_told_with_its_trunk_and_only_if_it_is_short() {
    let mut server = Server::start(Setup::default());
    server.note_secrets(&serde_json::json!({ "phone": "13800138999" }));
    refuse(&server, "4711", tickets::PHONE);
    refuse(&server, "13800138999", tickets::PHONE);
    wait_until("both are told", seconds(5), || lines(&server, "no plan serves").len() == 2);
    let told = lines(&server, "no plan serves");
    assert!(told[0].contains("trunk.name=test") && told[0].contains("call.dialled=4711"), "{}", told[0]);
    assert!(told[1].contains("(11 digits)"), "{}", told[1]);
}

#[test]
fn a_call_leaves_one_line_that_says_how_it_went() {
    let mut server = Server::start(Setup::default());
    server.put_ticket(&tickets::closed());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    phone.attempt(tickets::CODE);
    server.await_step("hear", 1, seconds(60));
    phone.hang_up();
    server.await_calls(1);
    let told = lines(&server, "a call has ended");
    let [line] = told.as_slice() else { panic!("{told:?}") };
    for field in [
        "call.id=",
        "trunk.name=test",
        "dialplan.name=complaint-result",
        "dialplan.version=",
        "call.direction=\"in\"",
        "call.end=",
        "call.outcome=",
        "call.answered_ms=",
        "call.heard_ms=",
        "call.duration_s=",
        "call.steps=",
        "call.keys=",
        "rtp.sent=",
        "rtp.unsent=0",
        "rtp.received=",
        "rtp.lost=0",
        "rtp.late=0",
        "rtp.duplicates=0",
        "rtp.strangers=0",
        "rtp.jitter_ms=",
        "rtp.remote_lost=",
    ] {
        assert!(line.contains(field), "{field}: {line}");
    }
    assert!(!line.contains("8000\"") && !line.contains(tickets::CODE), "{line}");
}

#[test]
fn a_description_that_is_none_ends_the_call_by_its_own_reason() {
    let server = Server::start(Setup::default());
    for (body, code, end) in [
        ("this is no description\r\n".to_owned(), 400, "caller/malformed-sdp"),
        (String::new(), 488, "caller/no-codec"),
    ] {
        let mut phone = Phone::new(&server, "10086123", tickets::PHONE);
        let body = if body.is_empty() { phone.offer().replace("m=audio", "m=video") } else { body };
        assert_eq!(phone.invite(&body), code);
        wait_until("the line of the call tells it", seconds(5), || {
            lines(&server, "a call has ended").iter().any(|line| line.contains(&format!("call.end={end} ")))
        });
    }
}

#[test]
fn readiness_is_lost_while_it_drains_and_life_is_not() {
    let mut server = Server::start(Setup::default());
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    server.signal("TERM");
    wait_until("it is not ready any more", seconds(5), || {
        let answer = server.try_request("GET", "/readyz", None).unwrap();
        answer.status == 503 && answer.body.contains("no new calls")
    });
    assert_eq!(server.try_request("GET", "/healthz", None).unwrap().status, 200);
    phone.hang_up();
    assert!(server.await_end(seconds(20)).success());
}

#[test]
fn the_log_as_json_is_one_object_a_line() {
    let mut server = Server::start(Setup { json_log: true, ..Setup::default() });
    let mut phone = Phone::call(&server, "10086123", tickets::PHONE);
    server.await_step("ask-code", 1, seconds(30));
    phone.hang_up();
    server.await_calls(1);
    server.stop();
    let log = server.log();
    let ends: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .filter(|line: &serde_json::Value| line["fields"]["message"] == "a call has ended")
        .collect();
    let [end] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!(end["fields"]["trunk.name"], "test");
    assert!(end["fields"]["rtp.received"].as_u64().is_some_and(|packets| packets > 10), "{end}");
}

#[test]
fn the_doctor_finds_everything_good_beside_a_server_that_runs() {
    let server = Server::start(Setup::default());
    let done = server.tool(&["doctor"]);
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{told}");
    assert!(!told.contains("BAD"), "{told}");
    for what in
        ["configuration", "plans", "record", "speech", "SIP address", "API address", "held by a hotline"]
    {
        assert!(told.contains(what), "{what}: {told}");
    }
}
