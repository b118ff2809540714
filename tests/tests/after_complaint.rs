//! The survey that is shipped, with its policy and its recordings, once it is made active.

use std::path::Path;

use serde_json::json;

use crate::support::people::{People, Person};
use crate::support::server::{Server, Setup, entered};
use crate::support::{seconds, tickets, wait_for, wait_until};

/// Makes the policy that is shipped call people at any time of day, and at once.
fn active(dialplans: &Path) {
    let edit = |name: &str, edits: &[(&str, &str)]| {
        let path = dialplans.join(name);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in edits {
            assert!(text.contains(from), "{name} is not the one this test knows: {from}");
            text = text.replacen(from, to, 1);
        }
        std::fs::write(&path, text).unwrap();
    };
    let policy = [
        ("active: false", "active: true"),
        ("share: 20%", "share: 100%"),
        ("hours: office", "hours: always"),
        ("earliest: 2h", "earliest: 1s"),
        ("trunks: [carrier]", "trunks: [test]"),
    ];
    edit("policies/after-complaint.yaml", &policy);
    let path = dialplans.join("policies/after-complaint.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    // Calls are paced by agents who are free, and none is here.
    let (before, after) = text.split_once("humans:").unwrap();
    let after = after.split_once("trunks:").unwrap().1;
    std::fs::write(&path, format!("{before}trunks:{after}")).unwrap();
    std::fs::write(
        dialplans.join("calendars/always.yaml"),
        "calendar: always\nzone: Asia/Shanghai\nweek: { weekdays: 00:00-24:00, weekend: 00:00-24:00 }\n",
    )
    .unwrap();
}

fn settled(server: &mut Server, person: Person) {
    server.put_ticket(&json!({
        "external-ref": format!("C-{}", person.ending()), "phone": person.phone(), "language": "zh-CN",
        "category": "data-charge", "state": "closed", "result": tickets::REFUND,
    }));
}

fn call_of(server: &Server, person: Person) -> serde_json::Value {
    let sql = format!(
        "SELECT call_id FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id \
         WHERE t.external_ref = 'C-{}' AND ended_at IS NOT NULL",
        person.ending()
    );
    let id = wait_for(&format!("{person:?} was called"), seconds(60), || {
        let id = server.query(&sql);
        (!id.trim().is_empty()).then(|| id.trim().to_owned())
    });
    server.ask(&format!("/api/v1/calls/{id}"))
}

#[test]
fn the_shipped_survey_is_heard_answered_refused_and_hung_up_on() {
    let people = People::start();
    let setup = Setup { voice: false, trunk: people.trunk(), plans: active, ..Setup::default() };
    let mut server = Server::start(setup);
    for person in [Person::Content, Person::Leaves, Person::Never, Person::Mute] {
        settled(&mut server, person);
    }
    let content = call_of(&server, Person::Content);
    assert_eq!((&content["outcome"], entered(&content, "glad")), (&json!("contained"), 1), "{content}");
    let never = call_of(&server, Person::Never);
    assert_eq!((&never["outcome"], entered(&never, "tell-never-again")), (&json!("refused"), 1), "{never}");
    // Whoever goes away dissatisfied is called back all the same.
    let leaves = call_of(&server, Person::Leaves);
    assert_eq!((&leaves["outcome"], entered(&leaves, "keep-track")), (&json!("wants-human"), 1), "{leaves}");
    let mute = call_of(&server, Person::Mute);
    assert_eq!(entered(&mute, "how-was-it"), 0, "nothing of the matter before a key: {mute}");
    wait_until("the promise is on the record", seconds(10), || {
        server.query("SELECT reason FROM follow_up").trim() == "dissatisfied"
    });
    let answers = "SELECT t.external_ref, question, answer FROM survey_answer a JOIN ticket t ON t.id = a.ticket_id ORDER BY 1";
    assert_eq!(
        server.query(answers).lines().collect::<Vec<_>>(),
        ["C-8001|satisfied|satisfied", "C-8007|satisfied|dissatisfied"]
    );
    assert_eq!(server.query("SELECT COUNT(*) FROM customer WHERE do_not_call = 1").trim(), "1");
}
