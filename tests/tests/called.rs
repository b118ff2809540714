//! Customers who are called: by policies, at numbers where people behave as people do.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::people::{People, Person};
use crate::support::server::{Server, Setup, entered};
use crate::support::{seconds, tickets, wait_for, wait_until};

const POLICY: &str = "campaign: survey\nwho: { when: closed }\nplan: ask\nhours: always\nearliest: 1s\nlatest: 2d\nring: 4s\n\
    attempts: 2\nagain: { busy: { after: 1h } }\ncaps: [{ attempts: 9, within: 1d }]\ntrunks: test\nshow: \"10086\"\n";
const ALWAYS: &str =
    "calendar: always\nzone: Asia/Shanghai\nweek: { weekdays: 00:00-24:00, weekend: 00:00-24:00 }\n";
const PLAN: &str = r#"plan: ask
languages: [zh-CN]
start: greet
takes: { reference: text, closed-on: date }
prompts:
  part: { zh-CN: "请您参加回访,参加请按1,不再接听此类来电请按9。" }
  content: { zh-CN: "对处理结果满意请按1,不满意请按2。" }
  human: { zh-CN: "转人工请按1,不转请按2。" }
  comment: { zh-CN: "请在提示音后留言。" }
  goodbye: { zh-CN: "感谢您的来电,再见。" }
steps:
  greet:
    menu:
      prompt: part
      keys: { "1": satisfied, "9": never }
      no-input: [{ then: nobody }]
      no-match: [{ then: nobody }]
      first-digit: 6s
  never: { save: { do-not-call: true, outcome: refused }, then: bye }
  satisfied:
    survey: satisfied
    prompt: content
    answers: { "1": satisfied, "2": dissatisfied }
    no-input: [{ then: nobody }]
    no-match: [{ then: nobody }]
    then: which
  which:
    branch: [{ when: satisfied == "satisfied", then: thanks }]
    else: human
  human:
    menu:
      prompt: human
      keys: { "1": agent, "2": comment }
      no-input: [{ then: promise }]
      no-match: [{ then: promise }]
      first-digit: 6s
  comment: { record: comment, prompt: comment, longest: 8s, silence: 1s, then: promise }
  agent: { queue: service, reason: dissatisfied, then: bye, nobody: promise, closed: promise, failed: promise, left: bye }
  promise:
    save: { outcome: wants-human, follow-up: { reason: dissatisfied, within: 24h } }
    then: bye
  thanks: { save: { outcome: contained }, then: bye }
  nobody: { hangup: abandoned }
  bye: { say: goodbye, hangup: contained }
"#;

fn plans(folder: &Path) {
    std::fs::write(folder.join("policies/survey.yaml"), POLICY).unwrap();
    std::fs::write(folder.join("calendars/always.yaml"), ALWAYS).unwrap();
    std::fs::write(folder.join("ask.yaml"), PLAN).unwrap();
    let campaigns = "caps: [{ attempts: 9, within: 24h }]\ncalls-per-second: 50\nleave-alone: 1s\n";
    std::fs::write(folder.join("campaigns.yaml"), campaigns).unwrap();
}

fn server(people: &People) -> Server {
    Server::start(Setup { voice: false, trunk: people.trunk(), plans, ..Setup::default() })
}

/// A settled ticket of somebody.
fn settled(server: &mut Server, person: Person) {
    server.put_ticket(&json!({
        "external-ref": format!("C-{}", person.ending()), "phone": person.phone(), "language": "zh-CN",
        "category": "data-charge", "state": "closed", "result": tickets::REFUND,
    }));
}

/// How the attempt at somebody ended, in the scheduler's word.
fn disposition(server: &Server, person: Person) -> String {
    let sql = format!(
        "SELECT disposition FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id \
         WHERE t.external_ref = 'C-{}' AND ended_at IS NOT NULL",
        person.ending()
    );
    wait_for(&format!("{person:?} was called"), seconds(40), || {
        let told = server.query(&sql);
        (!told.trim().is_empty()).then(|| told.trim().to_owned())
    })
}

fn call_of(server: &Server, person: Person) -> Value {
    let id = server.query(&format!(
        "SELECT call_id FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id WHERE t.external_ref = 'C-{}'",
        person.ending()
    ));
    server.ask(&format!("/api/v1/calls/{}", id.trim()))
}

#[test]
fn what_became_of_each_call_is_known() {
    let people = People::start();
    let mut server = server(&people);
    for person in Person::ALL {
        settled(&mut server, person);
    }
    for (person, expected) in [
        (Person::Content, "completed"),
        (Person::Busy, "busy"),
        (Person::Silent, "no-answer"),
        (Person::Machine, "machine"),
        (Person::Announced, "wrong-number"),
        (Person::Leaves, "hung-up:1"),
        (Person::Never, "opted-out"),
        (Person::Mute, "hung-up:0"),
        (Person::Human, "completed"),
    ] {
        assert_eq!(disposition(&server, person), expected, "{person:?}\n{}", people.errors());
    }
    let answers = server.query("SELECT t.external_ref, question, answer FROM survey_answer a JOIN ticket t ON t.id = a.ticket_id ORDER BY 1");
    assert_eq!(
        answers.lines().collect::<Vec<_>>(),
        ["C-8001|satisfied|satisfied", "C-8006|satisfied|dissatisfied", "C-8007|satisfied|dissatisfied"],
    );
    let content = call_of(&server, Person::Content);
    assert_eq!(
        (&content["direction"], &content["outcome"]),
        (&json!("out"), &json!("contained")),
        "{content}"
    );
    assert_eq!(entered(&content, "thanks"), 1);
    let kinds: Vec<&str> =
        content["path"].as_array().unwrap().iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(kinds[..3], ["campaign.called", "call.dialled", "call.started"], "{kinds:?}");
    assert!(kinds.contains(&"call.surveyed") && kinds.contains(&"call.picked-up"), "{kinds:?}");
    // No agent is signed in: who is dissatisfied has a dated promise.
    let promised = server
        .query("SELECT COUNT(*) FROM follow_up WHERE reason = 'dissatisfied' AND ticket_id IS NOT NULL");
    assert_eq!(promised.trim(), "1");
    assert_eq!(server.query("SELECT COUNT(*) FROM customer WHERE do_not_call = 1").trim(), "1");
    wait_until("all calls are over", seconds(20), || server.metric("hotline_calls_active") == Some(0.0));
}
