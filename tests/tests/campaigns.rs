//! Whom the firm would call, and why, as a terminal tells it beside a server that runs.

use std::path::Path;

use serde_json::json;

use crate::support::server::{Server, Setup};
use crate::support::tickets;

const SURVEY: &str = "campaign: survey\nwho:\n  when: closed\n  categories: [data-charge]\nplan: main-menu\nhours: always\nearliest: 1h\ntrunks: carrier\nshow: \"10086\"\n";
const ALWAYS: &str =
    "calendar: always\nzone: Asia/Shanghai\nweek: { weekdays: 00:00-24:00, weekend: 00:00-24:00 }\n";

fn survey(dialplans: &Path) {
    std::fs::write(dialplans.join("policies/survey.yaml"), SURVEY).unwrap();
    std::fs::write(dialplans.join("calendars/always.yaml"), ALWAYS).unwrap();
}

fn told(server: &Server, arguments: &[&str]) -> String {
    let done = server.tool(arguments);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn who_is_called_and_who_is_not_is_explained() {
    let mut server = Server::start(Setup { plans: survey, ..Setup::default() });
    let mut fits = tickets::closed();
    fits["category"] = json!("data-charge");
    server.put_ticket(&fits);
    let mut other = tickets::of_somebody_else();
    other["category"] = json!("broadband");
    server.put_ticket(&other);
    let reference = |ticket: &serde_json::Value| ticket["external-ref"].as_str().unwrap().to_owned();
    let waits = told(&server, &["campaign", "explain", &reference(&fits)]);
    assert!(waits.contains("survey: not now: the earliest time has not come"), "{waits}");
    // Nobody would ever be called: it is told where somebody looks.
    let missing = "policy `survey` calls by `carrier`, and no trunk with `[trunks.out]` is called so";
    assert!(waits.contains(missing), "{waits}");
    assert!(server.log().contains(missing), "at the start");
    let checked = server.tool(&["config", "check"]);
    let said = [checked.stdout, checked.stderr].concat();
    assert!(String::from_utf8_lossy(&said).contains(missing), "{}", String::from_utf8_lossy(&said));
    let customer = told(&server, &["campaign", "explain", tickets::PHONE]);
    assert_eq!(waits, customer, "a customer's tickets are explained by their number");
    let not = told(&server, &["campaign", "explain", &reference(&other)]);
    assert!(not.contains("survey: does not concern it: another category"), "{not}");
    let nobody = server.tool(&["campaign", "explain", "T-nobody"]);
    assert!(!nobody.status.success());
    let week = told(&server, &["campaign", "forecast", "--days", "2"]);
    // No trunk takes calls from us here: what is due stays due.
    assert!(
        week.contains("1 customers are due now") && week.contains("still due at the end  survey: 1"),
        "{week}"
    );
}

#[test]
fn a_hotline_that_calls_nobody_says_how_it_would() {
    let server = Server::prepare(Setup::default());
    let said = told(&server, &["campaign", "forecast"]);
    assert!(said.contains("no policy calls or tells anybody"), "{said}");
}
