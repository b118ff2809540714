//! Customers who are called: by policies, at numbers where people behave as people do.

mod trunks;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browser::{run_with_customers, run_with_people};
use crate::support::people::{People, Person};
use crate::support::phone::Phone;
use crate::support::server::{Server, Setup, entered, own_address};
use crate::support::{seconds, setting, tickets, wait_for, wait_until};

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

/// The same for customers who say nothing but a tone, as machines do.
fn to_tones(folder: &Path) {
    plans(folder);
    std::fs::write(folder.join("policies/survey.yaml"), format!("{POLICY}machine: off\n")).unwrap();
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
        (Person::Words, "completed"),
    ] {
        assert_eq!(disposition(&server, person), expected, "{person:?}\n{}", people.errors());
    }
    let answers = server.query("SELECT t.external_ref, question, answer FROM survey_answer a JOIN ticket t ON t.id = a.ticket_id ORDER BY 1");
    assert_eq!(
        answers.lines().collect::<Vec<_>>(),
        [
            "C-8001|satisfied|satisfied",
            "C-8006|satisfied|dissatisfied",
            "C-8007|satisfied|dissatisfied",
            "C-8010|satisfied|dissatisfied",
        ],
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
    let said = call_of(&server, Person::Words);
    let words = said["path"].as_array().unwrap().iter().find(|event| event["type"] == "call.recorded");
    let seconds_said = words.expect("words were kept")["body"]["seconds"].as_u64().unwrap();
    assert!((3..=6).contains(&seconds_said), "{seconds_said} s");
    let path = format!("/api/v1/calls/{}/words/comment", said["id"].as_str().unwrap());
    let sound = server.try_request("GET", &path, None).unwrap();
    assert_eq!(sound.status, 200);
    let file = server.disk().join("recordings").join(format!("{}-comment.wav", said["id"].as_str().unwrap()));
    let sound = hotline_audio::read_wav(std::fs::File::open(file).unwrap()).unwrap();
    assert_eq!((sound.channels, sound.rate_hz), (1, 8_000));
    let level = hotline_audio::active_level(&sound.samples, 8_000).expect("somebody speaks");
    assert!(level.active_dbov > -40.0, "{level:?}");
    // No agent is signed in: who is dissatisfied has a dated promise.
    let promised = server
        .query("SELECT COUNT(*) FROM follow_up WHERE reason = 'dissatisfied' AND ticket_id IS NOT NULL");
    assert_eq!(promised.trim(), "2");
    assert_eq!(server.query("SELECT COUNT(*) FROM customer WHERE do_not_call = 1").trim(), "1");
    wait_until("all calls are over", seconds(20), || server.metric("hotline_calls_active") == Some(0.0));
}

#[test]
fn keys_during_the_greeting_are_answers_and_no_machine_presses_them() {
    let people = People::start();
    // With a voice the greeting lasts for seconds: the first key comes half a second after the answer.
    let mut server = Server::start(Setup { trunk: people.trunk(), plans, ..Setup::default() });
    settled(&mut server, Person::Content);
    assert_eq!(disposition(&server, Person::Content), "completed", "{}", people.errors());
    assert_eq!(server.query("SELECT answer FROM survey_answer").trim(), "satisfied");
    let call = call_of(&server, Person::Content);
    let picked_up = call["path"].as_array().unwrap().iter().find(|event| event["type"] == "call.picked-up");
    assert_eq!(picked_up.expect("it is told who picked up")["body"]["by"], "human", "{call}");
}

/// Numbers of other countries are refused, and there those that earn by the call.
fn abroad(folder: &Path) {
    plans(folder);
    let campaigns = "countries: [86, 1]\ncaps: [{ attempts: 9, within: 24h }]\ncalls-per-second: 50\n";
    std::fs::write(folder.join("campaigns.yaml"), campaigns).unwrap();
}

#[test]
fn a_premium_or_foreign_number_is_not_called_and_that_is_told() {
    let people = People::start();
    let mut server =
        Server::start(Setup { voice: false, trunk: people.trunk(), plans: abroad, ..Setup::default() });
    for (reference, phone, why, words) in [
        ("P-1", "+19002345678", "number:premium", "the called party earns"),
        ("P-2", "+442079460018", "number:foreign", "a country that is not called"),
    ] {
        server.put_ticket(&json!({
            "external-ref": reference, "phone": phone, "language": "zh-CN", "category": "data-charge",
            "state": "closed", "result": tickets::REFUND,
        }));
        let sql = format!(
            "SELECT done_why FROM campaign_case c JOIN ticket t ON t.id = c.ticket_id WHERE t.external_ref = '{reference}'"
        );
        wait_until(&format!("{reference} is settled: {why}"), seconds(20), || {
            server.query(&sql).trim() == why
        });
        let told = server.tool(&["campaign", "explain", reference]);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("survey: ") && told.contains(words), "{told}");
    }
    assert_eq!(server.query("SELECT COUNT(*) FROM campaign_attempt").trim(), "0");
    assert_eq!(people.called(), Vec::<String>::new());
}

#[test]
fn what_goes_on_is_explained_as_it_is_and_not_settled_by_asking() {
    let people = People::start();
    let mut server = server(&people);
    settled(&mut server, Person::Silent);
    server.await_event("call.dialled", 1, seconds(20));
    let explain = |server: &Server| {
        let told = server.tool(&["campaign", "explain", &format!("C-{}", Person::Silent.ending())]);
        String::from_utf8_lossy(&told.stdout).into_owned()
    };
    let told = explain(&server);
    assert!(told.contains("survey: the telephone rings") && !told.contains("nobody knows"), "{told}");
    assert_eq!(disposition(&server, Person::Silent), "no-answer", "{}", people.errors());
    let told = explain(&server);
    assert!(!told.contains("rings") && told.contains("that came to: "), "{told}");
}

fn not_now(folder: &Path) {
    plans(folder);
    let never = "calendar: always\nzone: Asia/Shanghai\nweek: { sunday: 00:00-00:01 }\n";
    std::fs::write(folder.join("calendars/always.yaml"), never).unwrap();
}

/// The plans are read anew, and run from then on: for the `nth` time.
fn taken_over(server: &Server, nth: usize, asks: impl Fn()) {
    asks();
    wait_until("the plans are taken over", seconds(30), || {
        server.log().matches("new calls run the plans as they are now").count() >= nth
    });
    std::thread::sleep(seconds(1));
}

#[test]
fn a_policy_that_changes_counts_from_then_on_and_a_broken_one_changes_nothing() {
    let people = People::start();
    let setup = Setup { voice: false, trunk: people.trunk(), plans: not_now, ..Setup::default() };
    let mut server = Server::start(setup);
    let plans = server.folder().join("dialplans");
    settled(&mut server, Person::Content);
    let waits = |server: &Server| {
        server.query("SELECT COUNT(*) FROM campaign_case WHERE done_at IS NULL AND made = 0").trim() == "1"
    };
    wait_until("the matter waits", seconds(20), || waits(&server));
    std::thread::sleep(seconds(3));
    assert_eq!(people.called(), Vec::<String>::new(), "its hours are not");
    // The hours change while it runs.
    std::fs::write(plans.join("calendars/always.yaml"), ALWAYS).unwrap();
    server.signal("HUP");
    assert_eq!(disposition(&server, Person::Content), "completed", "{}", people.errors());
    // A file with a fault is told of, and what was published goes on.
    let before = server.log().len();
    std::fs::write(plans.join("policies/survey.yaml"), POLICY.replace("latest: 2d", "latest: 0s")).unwrap();
    server.signal("HUP");
    wait_until("the fault is told", seconds(20), || server.log()[before..].contains("latest"));
    settled(&mut server, Person::Busy);
    assert_eq!(disposition(&server, Person::Busy), "busy", "{}", people.errors());
    // Mended, and it calls nobody of this category any more.
    let other = POLICY.replace("when: closed", "when: closed, categories: [broadband]");
    std::fs::write(plans.join("policies/survey.yaml"), other).unwrap();
    taken_over(&server, 2, || server.signal("HUP"));
    settled(&mut server, Person::Leaves);
    let told = wait_for("it is explained", seconds(20), || {
        let told = server.tool(&["campaign", "explain", &format!("C-{}", Person::Leaves.ending())]);
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        told.contains("does not concern it").then_some(told)
    });
    assert!(told.contains("another category"), "{told}");
    assert_eq!(people.called().len(), 2);
}

#[test]
fn where_a_server_is_lost_the_other_goes_on_calling_and_nobody_is_called_twice() {
    let people = People::start();
    let setup = || Setup { voice: false, trunk: people.trunk(), plans, ..Setup::default() };
    let mut first = Server::start(Setup { postgres: true, ..setup() });
    let second = Server::start(Setup { shares: Some(first.postgres().url()), ..setup() });
    for person in Person::ALL {
        settled(&mut first, person);
    }
    // In the midst of it: some are over, some talk, one rings.
    wait_until("some are called", seconds(40), || people.called().len() >= 5);
    first.signal("KILL");
    first.kill();
    let count = |sql: &str| first.postgres().query(sql).trim().parse::<usize>().expect("a count");
    wait_until("every matter has come to its end or waits for another day", seconds(150), || {
        count("SELECT COUNT(*) FROM campaign_attempt WHERE ended_at IS NULL") == 0
            && count("SELECT COUNT(*) FROM campaign_case WHERE done_at IS NULL AND made = 0") == 0
            && count("SELECT COUNT(*) FROM campaign_case") == Person::ALL.len()
    });
    let mut rung = people.called();
    let rings = rung.len();
    rung.sort();
    rung.dedup();
    assert_eq!(rung.len(), rings, "called twice: {rung:?}");
    assert_eq!(
        count("SELECT COUNT(*) FROM campaign_attempt"),
        Person::ALL.len(),
        "one attempt for everybody"
    );
    assert!(
        count("SELECT COUNT(*) FROM campaign_attempt WHERE disposition = 'unknown'") > 0,
        "none was cut off"
    );
    assert!(second.log().contains("call.direction=\"out\""), "the other calls on");
    let by_second =
        count("SELECT COUNT(*) FROM campaign_attempt WHERE disposition NOT IN ('unknown', 'cancelled')");
    assert!(by_second > 0);
    let lost = first.postgres().query(
        "SELECT e.seq FROM event e WHERE e.type = 'call.surveyed' AND NOT EXISTS \
         (SELECT 1 FROM survey_answer s WHERE s.call_id = e.interaction_id)",
    );
    assert_eq!(lost.trim(), "", "answers that were confirmed are kept");
}

#[test]
fn who_calls_us_while_we_call_them_is_rung_no_further() {
    let people = People::start();
    let mut server = server(&people);
    settled(&mut server, Person::Silent);
    server.await_event("call.dialled", 1, seconds(20));
    let mut caller = Phone::call(&server, "10086", &Person::Silent.phone());
    assert_eq!(disposition(&server, Person::Silent), "cancelled", "{}", people.errors());
    caller.hang_up();
    let contact = call_of(&server, Person::Silent);
    assert_eq!(contact["ending"], "us/cancelled", "{contact}");
    assert_eq!(people.called().len(), 1);
}

#[test]
fn who_is_not_content_reaches_a_human_who_knows() {
    let outside = own_address();
    let trunk = format!(
        "from = [\"127.0.0.0/8\"]\nlatch = true\ncalls-per-second = 0\nin-band-digits = true\n\
         [trunks.out]\nhost = \"{outside}\"\nnumbers = [\"138*\"]\nshown = \"10086\"\n"
    );
    let setup = Setup { voice: false, trunk: trunk.leak(), plans: to_tones, ..Setup::default() };
    run_with_customers("surveys.mjs", setup, outside);
}

/// Who has said what was wrong goes to a human with it.
fn words_first(folder: &Path) {
    plans(folder);
    let plan = PLAN.replace("silence: 1s, then: promise", "silence: 1s, then: agent");
    assert_ne!(plan, PLAN);
    std::fs::write(folder.join("ask.yaml"), plan).unwrap();
    std::fs::write(folder.join("policies/survey.yaml"), format!("{POLICY}machine: off\n")).unwrap();
}

#[test]
fn what_a_customer_said_is_played_on_the_card_before_the_agent_answers() {
    let tone = |hz| hotline_audio::sine(hz, -22.0, seconds(3));
    // Neither of the two alone: a lasting tone is no speech.
    let chord: Vec<i16> = tone(500.0).iter().zip(tone(1_300.0)).map(|(one, other)| one + other).collect();
    let people = People::who_say(&chord);
    let setup = Setup { voice: false, trunk: people.trunk(), plans: words_first, ..Setup::default() };
    run_with_people("comment.mjs", setup);
}

/// The same moments in every run.
struct Chance(u64);

impl Chance {
    fn up_to(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Answers that the API showed: they are on the record whatever happens from then on.
fn look(server: &Server, seen: &mut BTreeMap<String, String>) {
    let Ok(calls) = server.try_request("GET", "/api/v1/calls?limit=20", None) else { return };
    if calls.status != 200 {
        return;
    }
    for call in calls.json().as_array().into_iter().flatten() {
        for event in call["path"].as_array().into_iter().flatten() {
            if event["type"] == "call.surveyed" {
                let answer = event["body"]["answer"].as_str().expect("an answer");
                seen.insert(call["id"].as_str().expect("an id").to_owned(), answer.to_owned());
            }
        }
    }
}

#[test]
fn a_server_that_is_killed_calls_nobody_twice_and_loses_no_answer() {
    let rounds = setting("HOTLINE_KILL_ROUNDS", 20);
    let mut chance = Chance(setting("HOTLINE_SEED", 0x5eed) as u64 | 1);
    let people = People::start();
    let mut server = server(&people);
    let mut seen = BTreeMap::new();
    let mut put = 0;
    for round in 0..rounds {
        // Everybody behaves as their number says; nobody has two tickets.
        for person in Person::ALL {
            let ticket = json!({
                "external-ref": format!("K-{round}-{}", person.ending()), "phone": person.phone_of(round),
                "language": "zh-CN", "category": "data-charge", "state": "closed", "result": tickets::REFUND,
            });
            server.put_ticket(&ticket);
            put += 1;
        }
        let delay = Duration::from_millis(200 + chance.up_to(5_000));
        let until = std::time::Instant::now() + delay;
        while std::time::Instant::now() < until {
            look(&server, &mut seen);
            std::thread::sleep(Duration::from_millis(5));
        }
        server.signal("KILL");
        server.kill();
        server.launch();
        server.await_ready();
    }
    let count = |server: &Server, sql: &str| server.query(sql).trim().parse::<usize>().expect("a count");
    wait_until("every matter has come to its end or waits for another day", seconds(120), || {
        count(&server, "SELECT COUNT(*) FROM campaign_attempt WHERE ended_at IS NULL") == 0
            && count(&server, "SELECT COUNT(*) FROM campaign_case") == put
            && count(&server, "SELECT COUNT(*) FROM campaign_case WHERE done_at IS NULL AND made = 0") == 0
    });
    let mut rings: BTreeMap<String, usize> = BTreeMap::new();
    for number in people.called() {
        *rings.entry(number.trim_start_matches("+86").to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = rings.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "called twice: {twice:?}");
    // What rang is an attempt, and an attempt that ended in something rang.
    let attempts = server.query(
        "SELECT t.phone || ' ' || a.disposition FROM campaign_attempt a JOIN ticket t ON t.id = a.ticket_id",
    );
    let attempts: BTreeMap<&str, &str> = attempts.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(attempts.len(), put, "one attempt for everybody");
    for number in rings.keys() {
        assert!(attempts.contains_key(format!("+86{number}").as_str()), "{number} rang without an attempt");
    }
    for (number, how) in &attempts {
        let rang = rings.contains_key(number.trim_start_matches("+86"));
        assert!(rang || matches!(*how, "unknown" | "cancelled"), "{number}: {how}, and it never rang");
    }
    for (call, answer) in &seen {
        let kept = server.query(&format!("SELECT answer FROM survey_answer WHERE call_id = '{call}'"));
        assert_eq!(kept.trim(), answer, "an answer that was seen is kept");
    }
    let none = |what: &str, sql: &str| assert_eq!(server.query(sql), "", "{what}");
    none(
        "answers that were confirmed and are not kept",
        "SELECT e.seq FROM event e WHERE e.type = 'call.surveyed' AND NOT EXISTS \
         (SELECT 1 FROM survey_answer s WHERE s.call_id = e.interaction_id)",
    );
    none(
        "who wants a human was promised one, and none is on the record",
        "SELECT e.seq FROM event e WHERE e.type = 'call.entered' AND e.body LIKE '%\"step\":\"bye\"%' AND EXISTS \
         (SELECT 1 FROM survey_answer s WHERE s.call_id = e.interaction_id AND s.answer = 'dissatisfied') \
         AND NOT EXISTS (SELECT 1 FROM follow_up f WHERE f.interaction_id = e.interaction_id)",
    );
    none("calls without an end", "SELECT id FROM interaction WHERE ended_at IS NULL");
    assert!(!seen.is_empty(), "no round came as far as an answer");
    let unknown = attempts.values().filter(|how| **how == "unknown").count();
    assert!(unknown > 0, "no round cut an attempt off");
    eprintln!("{rounds} rounds: {put} customers, {} answers seen, {unknown} attempts cut off", seen.len());
}
