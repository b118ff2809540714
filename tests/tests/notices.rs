//! Customers who are told by message before they ask: by the policies that calls keep too.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::agents::Agent;
use crate::support::browser::run_told;
use crate::support::http;
use crate::support::people::{People, Person};
use crate::support::server::{Server, Setup};
use crate::support::{seconds, tickets, wait_until};

const MOVED: &str = "campaign: moved\nwho: { when: changed, categories: [day] }\nhours: always\nearliest: 1s\n\
    message:\n  zh-CN: \"编号{{ reference }}有新进展,预计{{ due-on }}前办结,详询{{ number }}。\"\n  \
    en-US: \"{{ reference }} has moved, due {{ due-on }}. Call {{ number }}.\"\n";
const ALWAYS: &str =
    "calendar: always\nzone: Asia/Shanghai\nweek: { weekdays: 00:00-24:00, weekend: 00:00-24:00 }\n";

fn plans(folder: &Path) {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("policies/moved.yaml", MOVED);
    // Where it is night now.
    let night = MOVED.replace("moved\n", "night\n").replace("[day]", "[night]").replace("always", "later");
    write("policies/night.yaml", &night);
    write("calendars/always.yaml", ALWAYS);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("the clock is right");
    let opens = (since.as_secs() / 3_600 + 12) % 24;
    let hours = format!("{opens:02}:00-{opens:02}:30");
    write(
        "calendars/later.yaml",
        &format!("calendar: later\nzone: UTC\nweek: {{ weekdays: \"{hours}\", weekend: \"{hours}\" }}\n"),
    );
    write("campaigns.yaml", "caps: [{ attempts: 3, within: 24h }]\nleave-alone: 1s\n");
}

fn ticket(category: &str) -> Value {
    json!({
        "external-ref": format!("N-{category}"), "phone": tickets::PHONE, "language": "zh-CN", "category": category,
        "state": "open",
    })
}

/// The ticket is to be settled by another day.
fn slips(server: &Server, ticket: &Value, due: &str) {
    let path = format!("/api/v1/tickets/{}", ticket["ticket"].as_str().unwrap());
    let answer = server.try_request("PATCH", &path, Some(&json!({ "due-at": due }))).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What the customer was told, one a line.
fn told(server: &Server) -> Vec<String> {
    server.messages().iter().filter_map(|line| Some(line["text"].as_str()?.to_owned())).collect()
}

#[test]
fn a_ticket_that_moves_is_told_of_once_a_change_and_not_at_night() {
    let mut server = Server::start(Setup { voice: false, plans, ..Setup::default() });
    server.put_ticket(&ticket("night"));
    let stored = server.put_ticket(&ticket("day"));
    wait_until("the customer is told", seconds(30), || told(&server).len() == 1);
    assert_eq!(told(&server)[0], "编号N-day有新进展,预计待定前办结,详询10086123。");
    // The same again is no change.
    server.put_ticket(&ticket("day"));
    server.kill();
    server.launch();
    server.await_ready();
    slips(&server, &stored, "2026-12-31T04:00:00Z");
    wait_until("the customer is told of the change", seconds(30), || told(&server).len() == 2);
    assert_eq!(told(&server)[1], "编号N-day有新进展,预计2026年12月31日前办结,详询10086123。");
    slips(&server, &stored, "2026-12-31T04:00:00Z");
    let of = |policy: &str, what: &str| {
        server.query(&format!("SELECT {what} FROM campaign_case WHERE policy = '{policy}'")).trim().to_owned()
    };
    wait_until("it is on the record that it was sent", seconds(20), || {
        of("moved", "done_why") == "ended:sent"
    });
    assert_eq!(of("night", "done_at IS NULL"), "1");
    let waits = server.query("SELECT body FROM event WHERE type = 'campaign.waits'");
    assert!(waits.contains("\"closed\"") && waits.contains("night"), "{waits}");
    // The caps of all policies: one more attempt, and then none.
    slips(&server, &stored, "2027-01-07T04:00:00Z");
    wait_until("the customer is told once more", seconds(30), || told(&server).len() == 3);
    slips(&server, &stored, "2027-01-14T04:00:00Z");
    wait_until("the caps hold", seconds(30), || {
        let waits = "SELECT COUNT(*) FROM event WHERE type = 'campaign.waits' AND body LIKE '%cap:0%'";
        server.query(waits).trim() != "0"
    });
    assert_eq!(told(&server).len(), 3);
    let page = server.customer(tickets::PHONE).expect("the customer is known");
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(3), "{page}");
}

/// The policies as they are shipped, at work at once and at any hour.
fn shipped(folder: &Path) {
    for name in ["progress", "sent-again"] {
        let path = folder.join(format!("policies/{name}.yaml"));
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("active: false", "active: true").replace("earliest: 30min", "earliest: 1s");
        let text = text.replace("attempts: 1, within: 24h", "attempts: 9, within: 24h");
        assert!(
            text.contains("active: true") && text.contains("earliest: 1s") && text.contains("attempts: 9")
        );
        std::fs::write(path, text).unwrap();
    }
    std::fs::write(folder.join("campaigns.yaml"), "caps: [{ attempts: 9, within: 24h }]\nleave-alone: 1s\n")
        .unwrap();
}

#[test]
fn a_ticket_that_moves_a_date_that_slips_and_a_parcel_sent_again_are_told_each_once() {
    let mut server = Server::start(Setup { voice: false, plans: shipped, ..Setup::default() });
    let mut parcel = ticket("parcel");
    let stored = server.put_ticket(&parcel);
    wait_until("the customer is told that it moves", seconds(30), || told(&server).len() == 1);
    slips(&server, &stored, "2026-12-31T04:00:00Z");
    wait_until("the customer is told of the date", seconds(30), || told(&server).len() == 2);
    parcel["outcome"] = json!("sent-again");
    server.put_ticket(&parcel);
    wait_until("the customer is told of the parcel", seconds(30), || told(&server).len() == 3);
    // The one policy told of it, and the other had its time to.
    std::thread::sleep(Duration::from_secs(3));
    let update = |due: &str| {
        format!("您好,您反映的问题(编号N-parcel)有更新,预计办结日期:{due}。如有疑问,请拨打10086123。")
    };
    let again = "您好,您反映的问题(编号N-parcel)有更新:已重新为您寄出,预计2026年12月31日前办结。如有疑问,请拨打10086123。";
    assert_eq!(told(&server), [update("待定"), update("2026年12月31日"), again.to_owned()]);
}

#[test]
fn a_server_that_is_killed_again_and_again_tells_each_customer_once() {
    const ROUNDS: usize = 12;
    let mut server = Server::start(Setup { voice: false, plans, ..Setup::default() });
    for round in 0..ROUNDS {
        let mut one = ticket("day");
        one["external-ref"] = json!(format!("K-{round}"));
        one["phone"] = json!(format!("1371234{round:04}"));
        server.put_ticket(&one);
        // From before it is due until long after it was handed over.
        std::thread::sleep(Duration::from_millis(900) + Duration::from_millis(60) * round as u32);
        server.kill();
        server.launch();
        server.await_ready();
    }
    let sent = "SELECT COUNT(*) FROM campaign_case WHERE policy = 'moved' AND done_why = 'ended:sent'";
    wait_until("all were told", seconds(60), || server.query(sent).trim() == ROUNDS.to_string());
    let open = "SELECT COUNT(*) FROM campaign_attempt WHERE ended_at IS NULL";
    assert_eq!(server.query(open).trim(), "0", "every attempt is accounted for");
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for line in server.messages() {
        *times.entry(line["to"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
    assert!(times.len() == ROUNDS && times.values().all(|times| *times == 1), "{times:?}");
}

const SURVEY: &str = "campaign: survey\nwho: { when: closed }\nplan: after-complaint\nhours: always\nearliest: 1s\n\
    ring: 3s\nattempts: 1\ntrunks: test\nshow: \"10086\"\notherwise:\n  after: [no-answer]\n  \
    message: { zh-CN: \"我们打过您的电话,请您拨打{{ number }}。\", en-US: \"We called. Please call {{ number }}.\" }\n";

fn calls_first(folder: &Path) {
    plans(folder);
    std::fs::write(folder.join("policies/survey.yaml"), SURVEY).unwrap();
}

#[test]
fn who_does_not_answer_is_sent_a_message_and_the_funnel_tells_both() {
    let people = People::start();
    let mut server =
        Server::start(Setup { voice: false, trunk: people.trunk(), plans: calls_first, ..Setup::default() });
    for person in [Person::Silent, Person::Announced] {
        server.put_ticket(&json!({
            "external-ref": format!("C-{}", person.ending()), "phone": person.phone(), "language": "zh-CN",
            "category": "data-charge", "state": "closed", "result": tickets::REFUND,
        }));
    }
    let line =
        || server.messages().into_iter().find(|line| line["text"] == "我们打过您的电话,请您拨打10086123。");
    wait_until("the message follows", seconds(40), || line().is_some());
    let line = line().unwrap();
    assert_eq!(line["to"], format!("+86{}", Person::Silent.phone()));
    let ends = "SELECT t.external_ref, c.done_why FROM campaign_case c JOIN ticket t ON t.id = c.ticket_id \
                WHERE c.policy = 'survey' AND c.done_why IS NOT NULL ORDER BY 1";
    wait_until("both matters have ended", seconds(40), || server.query(ends).lines().count() == 2);
    let expected = ["C-8003|ended:sent", "C-8005|ended:wrong-number"];
    assert_eq!(server.query(ends).lines().collect::<Vec<_>>(), expected, "{}", people.errors());
    let receipt = json!({ "message": line["key"], "state": "delivered" });
    assert_eq!(server.try_request("POST", "/api/v1/receipts", Some(&receipt)).unwrap().status, 204);
    let boss = Agent::hire_as(&server, "boss", "supervisor");
    let page = boss.ask("GET", "/api/v1/campaigns", Value::Null).json();
    let funnel = page["funnels"].as_array().unwrap().iter().find(|row| row["policy"] == "survey").unwrap();
    for (step, count) in [("drawn", 2), ("attempted", 2), ("answered", 0), ("messaged", 1), ("delivered", 1)]
    {
        assert_eq!(funnel[step], count, "{step}: {funnel}");
    }
    let told = boss.ask("GET", "/api/v1/campaigns/decisions?policy=survey", Value::Null).json();
    let verdict = |word: &str| told.as_array().unwrap().iter().filter(|one| one["verdict"] == word).count();
    assert_eq!((verdict("called"), verdict("otherwise"), verdict("messaged")), (2, 1, 1), "{told}");
}

fn calls_and_links(folder: &Path) {
    plans(folder);
    let survey = SURVEY
        .replace("我们打过您的电话,请您拨打{{ number }}。", "请点 {{ link }} 告诉我们")
        .replace("We called. Please call {{ number }}.", "Tell us at {{ link }} please");
    std::fs::write(folder.join("policies/survey.yaml"), survey).unwrap();
}

/// The path that the link of a message leads to.
fn path_of(message: &Value) -> String {
    let text = message["text"].as_str().unwrap_or_default();
    let link = text.split(' ').find(|word| word.starts_with("http://")).expect("the message has a link");
    format!("/s/{}", link.rsplit('/').next().unwrap())
}

#[test]
fn who_does_not_answer_answers_in_writing_and_is_counted_and_called_back() {
    let people = People::start();
    let mut server = Server::start(Setup {
        voice: false,
        trunk: people.trunk(),
        plans: calls_and_links,
        ..Setup::default()
    });
    let stored = server.put_ticket(&json!({
        "external-ref": "W-1", "phone": Person::Silent.phone(), "language": "zh-CN", "category": "data-charge",
        "state": "closed", "result": tickets::REFUND,
    }));
    let linked =
        || server.messages().into_iter().find(|line| line["text"].as_str().unwrap_or("").contains("/s/"));
    wait_until("the message with the link follows", seconds(40), || linked().is_some());
    let path = path_of(&linked().unwrap());
    let token = path.rsplit('/').next().unwrap().to_owned();
    // A messenger looks first, and changes nothing.
    let look = |path: &str| http::send(server.api(), "GET", path, &[], None).unwrap();
    let page = look(&path);
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("您对处理结果满意吗?"), "{}", page.body);
    assert_eq!(server.query("SELECT COUNT(*) FROM interaction WHERE channel = 'web'").trim(), "0");
    let answer = |form: &str| {
        let answer = http::send_form(server.api(), &path, form).unwrap();
        assert_eq!(answer.status, 303, "{}", answer.body);
        look(answer.header("location").expect("it leads on"))
    };
    assert!(answer("at=0&step=after-complaint%2Fhow-was-it&choice=2").body.contains("主要是什么原因?"));
    assert!(answer("at=1&step=after-complaint%2Fwhy&choice=2").body.contains("<textarea"));
    let end = answer("at=2&step=after-complaint%2Fcomment&words=%E8%BF%98%E6%B2%A1%E9%80%80");
    assert!(end.body.contains("之前给您回电"), "{}", end.body);
    let customer = stored["customer"].as_str().unwrap();
    let card = server.ask(&format!("/api/v1/customers/{customer}/card"));
    let promised = card["open-follow-ups"].as_array().unwrap();
    assert_eq!((promised.len(), promised[0]["reason"].as_str()), (1, Some("dissatisfied")), "{card}");
    let boss = Agent::hire_as(&server, "boss", "supervisor");
    let page = boss.ask("GET", "/api/v1/campaigns", Value::Null).json();
    let funnel = page["funnels"].as_array().unwrap().iter().find(|row| row["policy"] == "survey").unwrap();
    for (step, count) in [
        ("messaged", 1),
        ("took-part", 1),
        ("completed", 1),
        ("dissatisfied", 1),
        ("promised", 1),
        ("satisfied", 0),
    ] {
        assert_eq!(funnel[step], count, "{step}: {funnel}");
    }
    assert_eq!(funnel["reasons"], json!({ "not-solved": 1 }));
    // One contact with the call that nobody answered; nobody is called or written to again.
    let root = server.query(
        "SELECT COUNT(*) FROM interaction w JOIN interaction c ON c.id = w.parent_id \
                             WHERE w.channel = 'web' AND w.root_id = c.root_id AND c.channel = 'call'",
    );
    assert_eq!(root.trim(), "1");
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(
        server.messages().iter().filter(|line| line["text"].as_str().unwrap_or("").contains("/s/")).count(),
        1
    );
    assert_eq!(server.query("SELECT COUNT(*) FROM campaign_attempt").trim(), "2");
    // The key to the page is nowhere but with the customer.
    assert_eq!(
        server.query("SELECT text FROM message WHERE text LIKE '%/s/%'").trim().rsplit('/').next(),
        Some("… 告诉我们")
    );
    assert!(!server.log().contains(&token), "the log tells the link");
}

#[test]
fn a_survey_in_writing_can_be_read_and_answered_by_everybody() {
    let people = People::start();
    let mut server = Server::start(Setup {
        voice: false,
        trunk: people.trunk(),
        plans: calls_and_links,
        ..Setup::default()
    });
    server.put_ticket(&json!({
        "external-ref": "W-2", "phone": Person::Silent.phone(), "language": "zh-CN", "category": "data-charge",
        "state": "closed", "result": tickets::REFUND,
    }));
    let linked = |server: &Server| {
        server.messages().into_iter().find(|line| line["text"].as_str().unwrap_or("").contains("/s/"))
    };
    wait_until("the message with the link follows", seconds(40), || linked(&server).is_some());
    let path = path_of(&linked(&server).unwrap());
    let nobody = |_: &mut Server, asked: &[&str]| panic!("nobody knows how to {asked:?}");
    run_told("in-writing.mjs", &mut server, &[("SURVEY_PATH", &path)], nobody);
}
