//! Policies, calendars, numbers, recordings and call scripts are checked by the same machinery.

#[path = "other_files/notices.rs"]
mod notices;

use std::sync::Arc;
use std::time::Duration;

use hotline_dialplan::calls::CallScripts;
use hotline_dialplan::diagnostic::{self, Diagnostic};
use hotline_dialplan::simulation::BySyllables;
use hotline_dialplan::{Plans, Recordings, recordings};
use hotline_model::Language;
use hotline_model::campaign::{Cap, Detection, Outcome, Retries, Retry, Trigger};

const PLAN: &str = "plan: hello\nlanguages: [en-US]\nstart: greet\nprompts:\n  welcome: Hello.\n  again: \"Again {{ call.time | time }}, please.\"\nsteps:\n  greet: { say: [welcome, again], hangup: contained }\n";

fn load(path: &str, text: &str) -> (Option<Plans>, Vec<Diagnostic>) {
    let files = vec![("hello.yaml".to_owned(), PLAN.to_owned()), (path.to_owned(), text.to_owned())];
    Plans::load(files, &Recordings::default())
}

fn told(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
}

#[test]
fn a_policy_with_faults_tells_all_of_them() {
    let text = "policy: p\nfactors:\n  - { factor: cod, length: 9 }\n  - { factor: last-four, length: many }\nlimits: { per-cal: 3, attack-share: 200 }\n";
    let (plans, found) = load("policies/p.yaml", text);
    assert!(plans.is_none());
    assert_eq!(
        told(&found),
        [
            "D308 a factor is code or last-four, not `cod`",
            "D306 `length` is a number from 1 to 32, not `many`",
            "D301 `limits` has no word `per-cal`",
            "D306 `attack-share` is a number from 1 to 100, not `200`",
        ]
    );
}

const OFFICE: &str = "calendar: office\nzone: Asia/Shanghai\nweek: { weekdays: 09:00-18:00 }\n";

/// A plan that customers may be called with.
const CALLED: &str = "plan: hello\nlanguages: [en-US]\nstart: greet\nprompts:\n  welcome: Hello.\nsteps:\n  greet: { say: welcome, then: never-again }\n  never-again: { save: { do-not-call: true }, then: end }\n  end: { hangup: contained }\n";

fn load_campaign(text: &str) -> (Option<Plans>, Vec<Diagnostic>) {
    load_campaign_with(CALLED, text)
}

fn load_campaign_with(plan: &str, text: &str) -> (Option<Plans>, Vec<Diagnostic>) {
    let files = [("hello.yaml", plan), ("calendars/office.yaml", OFFICE), ("policies/survey.yaml", text)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    Plans::load(files.into(), &Recordings::default())
}

#[test]
fn a_policy_for_calls_is_read_as_it_is_written() {
    let text = "campaign: survey\nwho:\n  when: closed\n  categories: [billing, broadband]\n  outcomes: refund\n  attributes: { tier: [gold] }\n  share: 12.5%\nplan: hello\nhours: office\nearliest: 1h\nlatest: 2d\nring: 30s\nattempts: 4\nagain:\n  busy: { after: 20min, most: 2 }\n  no-answer: { after: 4h }\ntook-part-from: 2\ncaps: [{ attempts: 1, within: 7d }]\ntrunks: carrier\nshow: \"10086\"\npriority: 7\n";
    let question =
        "{ survey: $, prompt: welcome, scale: 1-5, no-input: never-again, no-match: never-again, then: ^ }";
    let asks = |name: &str, then: &str| question.replace('$', name).replace('^', then);
    let plan = CALLED.replace("start: greet", "start: one").replace(
        "steps:\n",
        &format!("steps:\n  one: {}\n  two: {}\n", asks("one", "two"), asks("two", "greet")),
    );
    let (plans, found) = load_campaign_with(&plan, text);
    assert!(!found.iter().any(Diagnostic::is_error), "{:?}", told(&found));
    let plans = plans.unwrap();
    let policy = &plans.campaigns().policies["survey"];
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    assert_eq!(policy.who.trigger, Trigger::Closed);
    assert_eq!(policy.who.categories, ["billing".into(), "broadband".into()].into());
    assert_eq!(policy.who.outcomes, ["refund".into()].into());
    assert_eq!(policy.who.attributes["tier"], ["gold".into()].into());
    assert_eq!(policy.who.share_permille, 125);
    let calls = policy.calls.as_ref().unwrap();
    assert_eq!((&*calls.plan, policy.hours.name.as_str(), policy.priority), ("hello", "office", 7));
    assert_eq!((policy.earliest, policy.latest), (minutes(60), minutes(2 * 1_440)));
    assert_eq!((calls.retries.attempts, calls.retries.took_part_from), (4, 2));
    let again = [
        (Outcome::Busy, Retry { after: minutes(20), most: 2 }),
        (Outcome::NoAnswer, Retry { after: minutes(240), most: 1 }),
        // Whether or not it is written.
        (Outcome::Failed, Retries::default().after[&Outcome::Failed]),
    ];
    assert_eq!(calls.retries.after, again.into());
    assert_eq!(policy.caps, [Cap { attempts: 1, period: minutes(7 * 1_440) }]);
    assert_eq!((calls.trunks[0].as_ref(), calls.show.as_ref()), ("carrier", "10086"));
    assert_eq!(calls.pace, None);
}

#[test]
fn a_policy_for_calls_with_faults_tells_all_of_them() {
    let text = "campaign: survey\nwho: { when: closd, share: a fifth }\nplan: helo\nhours: ofice\nearliest: 3d\nlatest: 1d\nagain: { bussy: { after: 1h } }\ncaps: [{ attempts: 2 }]\nhumans: { queue: service, stranded: 0% }\ntrunks: []\nshow: 10086\n";
    let (plans, found) = load_campaign(text);
    assert!(plans.is_none());
    assert_eq!(
        told(&found),
        [
            "D308 `when` is closed or changed, not `closd`",
            "D306 `share` is a share from 0.1% to 100%, not `a fifth`",
            "D206 no plan is called `helo`",
            "D205 no calendar is called `ofice`",
            "D306 `latest` is not after `earliest`",
            "D301 `again` has no word `bussy`",
            "D302 a cap needs `within`",
            "D212 no queue is called `service`",
            "D306 `stranded` is a share from 0.1% to 100%, not `0%`",
            "D313 `trunks` names nothing: at least one is needed",
            "D107 `show` stands without quotes: `10086` is a number to YAML",
        ]
    );
}

#[test]
fn a_plan_that_customers_are_called_with_takes_what_tickets_tell() {
    let taking = CALLED.replace("start:", "takes: { reference: text, name: text }\nstart:");
    let text =
        "campaign: survey\nwho: { when: closed }\nplan: hello\nhours: office\ntrunks: a\nshow: \"1\"\n";
    let files =
        [("hello.yaml", taking.as_str()), ("calendars/office.yaml", OFFICE), ("policies/survey.yaml", text)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let (_, found) = Plans::load(files.into(), &Recordings::default());
    assert_eq!(told(&found), ["D522 plan `hello` takes `name` as text, which no ticket tells"]);
}

const POLICY: &str =
    "campaign: survey\nwho: { when: closed }\nplan: hello\nhours: office\ntrunks: a\nshow: \"1\"\n";

#[test]
fn a_policy_that_is_not_active_is_checked_and_calls_nobody() {
    let active = |line: &str| {
        let (plans, found) = load_campaign(&format!("{POLICY}{line}\n"));
        (plans.map(|plans| plans.campaigns().policies.len()), told(&found))
    };
    assert_eq!(active("active: true"), (Some(1), Vec::new()));
    assert_eq!(active("active: false"), (Some(0), Vec::new()));
    assert_eq!(active("active: off").1, ["D308 `active` is true or false, not `off`"]);
    assert_eq!(
        active("active: false\npriority: 10").1,
        ["D306 `priority` is a number from 0 to 9, not `10`"]
    );
}

#[test]
fn how_a_machine_is_told_stands_in_the_policy() {
    let machine = |line: &str| {
        let (plans, found) = load_campaign(&format!("{POLICY}{line}\n"));
        (
            plans.map(|plans| plans.campaigns().policies["survey"].calls.clone().unwrap().detection),
            told(&found),
        )
    };
    let millis = |within, greeting, rest| {
        let [within, greeting, rest] = [within, greeting, rest].map(Duration::from_millis);
        (Some(Detection { within, greeting, rest }), Vec::new())
    };
    assert_eq!(machine(""), (Some(Detection::default()), Vec::new()));
    assert_eq!(machine("machine: { greeting: 3s, within: 8s, rest: 400ms }"), millis(8_000, 3_000, 400));
    assert_eq!(machine("machine: { greeting: 2s }"), millis(6_000, 2_000, 500));
    assert_eq!(machine("machine: off"), millis(0, 2_400, 500));
    assert_eq!(machine("machine: on").1, ["D308 `machine` is off, not `on`"]);
    assert_eq!(
        machine("machine: { rest: 10ms, whithin: 5s }").1,
        ["D306 `rest` lasts from 100ms to 3s, not 10ms", "D301 `machine` has no word `whithin`",]
    );
    assert_eq!(machine("machine: { greeting: 8s }").1, ["D306 `greeting` is 8s and `within` is 6s"]);
    assert_eq!(machine("machine: { within: 40s }").1, ["D306 `within` may last from 1ms to 30s"]);
}

#[test]
fn a_plan_that_customers_are_called_with_lets_them_refuse_and_tells_nothing_before_a_key() {
    let greets = |first: &str| {
        let plan = format!(
            "plan: hello\nlanguages: [en-US]\ntakes: {{ reference: text, closed-on: date }}\nstart: greet\nprompts:\n  welcome: Hello.\n  about: \"About {{{{ reference | text }}}}.\"\n  day: \"Of {{{{ closed-on | date }}}}.\"\nsteps:\n{first}  tell: {{ say: [about, day], then: end }}\n  end: {{ hangup: contained }}\n"
        );
        let files = [
            ("hello.yaml", plan.as_str()),
            ("calendars/office.yaml", OFFICE),
            ("policies/survey.yaml", POLICY),
        ];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        let (_, found) = Plans::load(files.into(), &Recordings::default());
        told(&found).into_iter().filter(|told| told.starts_with("D52")).collect::<Vec<_>>()
    };
    let menu = |no_input: &str, nine: &str| {
        format!(
            "  greet:\n    menu: {{ prompt: welcome, keys: {{ \"1\": tell, \"9\": {nine} }}, no-input: {no_input}, no-match: end }}\n  never: {{ save: {{ outcome: refused, do-not-call: true }}, then: end }}\n"
        )
    };
    const EARLY: &str = "tells `reference` before anybody has pressed a key";
    assert_eq!(greets(&menu("end", "never")), [] as [&str; 0]);
    assert_eq!(greets(&menu("tell", "never")), [format!("D528 step `tell` {EARLY}")]);
    // A step to which no key leads refuses nothing.
    assert_eq!(
        greets(&menu("end", "end")),
        ["D527 plan `hello` has no key by which a customer refuses all further calls"]
    );
    assert_eq!(
        greets("  greet: { say: welcome, then: tell }\n"),
        [
            format!("D528 step `tell` {EARLY}"),
            "D527 plan `hello` has no key by which a customer refuses all further calls".to_owned()
        ]
    );
}

#[test]
fn a_number_leads_to_no_plan_that_has_to_be_told_something() {
    let plan = PLAN.replace("start:", "takes: { reference: text }\nstart:");
    let numbers = "numbers: { \"10086\": hello }\ndefault: hello\n";
    let files = [("hello.yaml", plan.as_str()), ("numbers.yaml", numbers)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let (plans, found) = Plans::load(files.into(), &Recordings::default());
    assert!(plans.is_none());
    let why = "D526 plan `hello` takes `reference`, and who dials a number brings nothing";
    assert_eq!(told(&found), [why, why]);
}

#[test]
fn what_all_policies_share_has_a_file_of_its_own() {
    let (plans, found) = load(
        "campaigns.yaml",
        "countries: [86, 852]\ncaps: [{ attempts: 3, within: 24h }]\ncalls-per-second: 25\nleave-alone: 4h\n",
    );
    assert_eq!(told(&found), [] as [&str; 0]);
    let plans = plans.unwrap();
    let shared = plans.campaigns();
    assert_eq!(shared.numbers.countries, [86, 852].into());
    assert_eq!(shared.caps, [Cap { attempts: 3, period: Duration::from_secs(86_400) }]);
    assert_eq!((shared.per_second, shared.after_contact), (25, Duration::from_secs(4 * 3_600)));
    let (_, found) = load("campaigns.yaml", "countries: [china]\ncals-per-second: 3\n");
    assert_eq!(
        told(&found),
        [
            "D306 a country's calling code is a number from 1 to 999, not `china`",
            "D301 campaigns.yaml has no word `cals-per-second`"
        ]
    );
}

#[test]
fn a_calendar_with_faults_tells_all_of_them() {
    let text = "calendar: c\nzone: Beijing\nweek: { weekdays: 18:00-09:00, sonday: 09:00-12:00 }\nholidays: [2026-10-07 to 2026-10-01, 10/1]\nmake-up: { 2026-02-30: monday }\n";
    let (_, found) = load("calendars/c.yaml", text);
    assert_eq!(
        told(&found),
        [
            "D308 no time zone is called `Beijing`",
            "D311 `18:00-09:00` are no opening hours",
            "D301 `week` has no word `sonday`",
            "D311 this holiday ends before it begins",
            "D311 `10/1` is no day",
            "D311 `2026-02-30` is no day",
        ]
    );
}

#[test]
fn queues_with_faults_tell_all_of_them() {
    let text = "queues:\n  desk:\n    name: { zh-CN: 台 }\n    strategy: longest-idel\n    ring: 20\n    hours: ofice\n    while-waiting: helo\n    skils: [a]\n    wrap-up-reasons: { settled: { zh-CN: 已解决 }, Not This: x }\n  Bad Name: { name: x }\n";
    let (plans, found) = load("queues.yaml", text);
    assert!(plans.is_none());
    assert_eq!(
        told(&found),
        [
            "D403 the queue has no name in en-US",
            "D308 `strategy` is longest-idle, skills or last-agent, not `longest-idel`",
            "D304 `ring` needs a length of time, and `20` has no unit that is known",
            "D205 no calendar is called `ofice`",
            "D206 no plan is called `helo`",
            "D301 queue `desk` has no word `skils`",
            "D403 the reason has no name in en-US",
            "D209 `Not This` is no name for a reason",
            "D209 `Bad Name` is no name for a queue",
            "D302 queue `Bad Name` needs `while-waiting`",
        ]
    );
    assert!(found.iter().all(|finding| finding.help.is_some()));
}

#[test]
fn what_agents_read_is_there_in_their_languages() {
    let plan = "plan: hello\nlanguages: [en-US]\ntitle: Hello\nstart: greet\nprompts:\n  welcome: Hello.\nsteps:\n  greet: { title: { en-US: Greets }, say: welcome, hangup: contained }\n";
    let (plans, found) = Plans::load(vec![("hello.yaml".into(), plan.into())], &Recordings::default());
    assert!(plans.is_none());
    assert_eq!(told(&found), ["D403 the step has no title in zh-CN"]);
    let whole = plan.replace("{ en-US: Greets }", "{ en-US: Greets, zh-CN: 问候 }");
    let (plans, found) = Plans::load(vec![("hello.yaml".into(), whole)], &Recordings::default());
    assert_eq!(told(&found), Vec::<String>::new());
    let plans = plans.unwrap();
    let plan = plans.find_plan("hello").unwrap();
    assert_eq!((&*plan.title[&Language::ZhCn], &*plan.steps[0].title[&Language::ZhCn]), ("Hello", "问候"));
}

#[test]
fn a_queue_has_reasons_of_its_own_in_the_order_of_the_file() {
    let queues = "queues:\n  desk:\n    name: Desk\n    while-waiting: hello\n    wrap-up-reasons:\n      settled: { zh-CN: 已解决, en-US: Settled }\n      other: Other\n";
    let (plans, found) = load("queues.yaml", queues);
    assert_eq!(told(&found), Vec::<String>::new());
    let plans = plans.unwrap();
    let reasons = &plans.find_queue("desk").unwrap().wrap_up_reasons;
    let named: Vec<_> = reasons.iter().map(|(code, name)| (&**code, &*name[&Language::ZhCn])).collect();
    assert_eq!(named, [("settled", "已解决"), ("other", "Other")]);
}

#[test]
fn a_waiting_plan_takes_what_a_queue_tells_and_waits_nowhere_else() {
    let queues = "queues:\n  desk: { name: Desk, while-waiting: hold }\n";
    let hold = "plan: hold\nlanguages: [en-US]\nstart: more\ntakes: { place: text, code: digits }\nreturns: { tries: number }\nsteps:\n  more: { queue: desk, then: back, nobody: back, closed: back, failed: back }\n  back: { return: { tries: place } }\n";
    let files = [("hello.yaml", PLAN), ("queues.yaml", queues), ("hold.yaml", hold)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let (_, found) = Plans::load(files, &Recordings::default());
    assert_eq!(
        told(&found),
        [
            "D520 step `more` is a `queue` in a plan that runs inside a queue",
            "D520 plan `hold` takes `place` as text, which no queue tells",
            "D520 plan `hold` takes `code` as digits, which no queue tells",
            "D520 plan `hold` returns `tries`, and nobody takes it",
        ]
    );
}

#[test]
fn music_that_is_not_there_is_told_where_some_is() {
    let plan = "plan: hum\nlanguages: [en-US]\nstart: hum\nsteps:\n  hum: { music: clam, then: end }\n  end: { hangup: contained }\n";
    let mut recordings = Recordings::default();
    recordings.add_music("calm");
    let (_, found) = Plans::load(vec![("hum.yaml".into(), plan.into())], &recordings);
    assert_eq!(told(&found), ["D406 `prompts/music/clam.wav` is missing"]);
    assert_eq!(found[0].help.as_deref(), Some("did you mean `calm`?"));
}

#[test]
fn numbers_lead_to_plans_that_exist() {
    let text = "numbers: { \"10086\": helo, \"ten\": hello, \"1 2\": hello }\ntest-numbers: { \"9001\": hello }\ndefault: hello\nannouncement: { for: all, text: { zh-CN: 抢修中。 } }\n";
    let (_, found) = load("numbers.yaml", text);
    assert_eq!(
        told(&found),
        [
            "D206 no plan is called `helo`",
            "D209 `1 2` is nothing that can be dialled",
            "D403 the announcement has no words in en-US",
        ]
    );
    let (plans, found) = load(
        "numbers.yaml",
        "numbers: { \"10086\": hello }\ndefault: hello\nannouncement:\n  text: { en-US: We know. }\n",
    );
    let plans = plans.unwrap_or_else(|| panic!("{:?}", told(&found)));
    assert_eq!(plans.numbers().find_route("1").map(|route| route.plan), Some("hello".to_owned()));
    assert!(plans.numbers().find_announcement("hello").is_some());
}

#[test]
fn recordings_are_compared_with_the_words() {
    let check = |names: &[(&str, Option<&str>)]| {
        let mut known = Recordings::default();
        for (name, hash) in names {
            known.add(Language::EnUs, name, *hash);
        }
        told(&Plans::load(vec![("hello.yaml".to_owned(), PLAN.to_owned())], &known).1)
    };
    let same = recordings::hash("Hello.");
    assert_eq!(
        check(&[("welcome", Some(&same)), ("again.1", None), ("again.2", None)]),
        Vec::<String>::new()
    );
    assert_eq!(
        check(&[("welcome", Some("0000")), ("again.1", None)]),
        [
            "D407 the en-US words of `welcome` have changed since `welcome.wav` was recorded",
            "D406 `prompts/en-US/again.2.wav` is missing",
        ]
    );
    assert_eq!(
        check(&[("welcome", None), ("again", None)]),
        ["D405 `prompts/en-US/again.wav` is one recording over a prompt with values"]
    );
}

#[test]
fn a_script_that_fails_shows_its_line_and_the_call() {
    let (plans, _) = load("numbers.yaml", "default: none\n");
    let plans = Arc::new(plans.unwrap_or_default());
    let text = "plan: hello\ncalls:\n  - name: somebody\n    caller:\n      - hears: again\n  - name: another\n    caller:\n      - hears: [welcome, again]\n      - the call ends\n    record: { outcome: wants-human }\n";
    let (scripts, found) = CallScripts::load("hello.calls.yaml", text, &plans);
    assert_eq!(told(&found), Vec::<String>::new());
    let reports = scripts.map(|scripts| scripts.run(&plans, &BySyllables)).unwrap_or_default();
    let report = reports[0].text(false);
    assert!(report.contains("error[D601]: the caller heard `welcome` instead of `again`"), "{report}");
    assert!(report.contains("hello.calls.yaml:5:16") && report.contains("hears welcome: Hello."), "{report}");
    assert!(
        reports[1].text(false).contains("error[D603]: the record says `outcome: contained`"),
        "{}",
        reports[1].text(false)
    );
}

const ASKS: &str = "plan: asks\nlanguages: [en-US]\ntakes: { reference: text, closed-on: date }\nstart: ask\nprompts:\n  how: How was it?\n  more: Say more.\n  about: \"{{ reference | text }} of {{ closed-on | date }}.\"\nsteps:\n  ask: { survey: satisfied, prompt: how, answers: { \"1\": yes-it-was, \"2\": not-at-all }, keys: { \"0\": person, \"9\": never }, no-input: end, no-match: end, then: more, failed: end }\n  more: { record: comment, prompt: more, silence: 2s, longest: 20s, nothing: end, then: tell }\n  tell: { say: about, then: person }\n  person: { save: { outcome: wants-human, follow-up: { reason: not-settled, within: 4h } }, then: end }\n  never: { save: { outcome: refused, do-not-call: true }, then: end }\n  end: { hangup: contained }\n";

fn scripts(text: &str) -> (Vec<hotline_dialplan::calls::CallReport>, Vec<String>) {
    let (plans, found) = Plans::load(vec![("asks.yaml".to_owned(), ASKS.to_owned())], &Recordings::default());
    let plans = Arc::new(plans.unwrap_or_else(|| panic!("{:?}", told(&found))));
    let (scripts, found) = CallScripts::load("asks.calls.yaml", text, &plans);
    (scripts.map(|scripts| scripts.run(&plans, &BySyllables)).unwrap_or_default(), told(&found))
}

#[test]
fn a_script_calls_a_customer_who_answers_and_speaks() {
    let text = r##"
plan: asks
zone: Asia/Shanghai
calls:
  - name: dissatisfied, and says why
    we-call: "+86 138 0013 8000"
    about: { reference: C-1, closed-on: 2026-11-19 }
    at: 2026-11-20 10:00
    caller:
      - { hears: how }
      - { keys: "2" }
      - { hears: more }
      - { speaks: 4s }
      - { hears: about }
      - the call ends
    record: { answers: { satisfied: not-at-all }, recording: comment, follow-up: not-settled, due: 2026-11-20 14:00, do-not-call: false }
  - name: ends the words by the key, and hangs up in the middle of more
    about: { reference: C-1, closed-on: 2026-11-19 }
    caller: [{ hears: how }, { keys: "1" }, { hears: more }, { speaks: 2s }, { keys: "#" }, { hears: about }, the call ends]
    record: { answers: { satisfied: yes-it-was }, recording: comment }
  - name: hangs up while speaking
    about: { reference: C-1, closed-on: 2026-11-19 }
    caller: [{ hears: how }, { keys: "1" }, { hears: more }, { speaks: 2s }, hangs up]
    record: { recording: comment, outcome: abandoned }
  - name: has nothing to say
    about: { reference: C-1, closed-on: 2026-11-19 }
    caller: [{ hears: how }, { keys: "1" }, { hears: more }, says nothing, the call ends]
    record: { recording: none, follow-up: none, due: none }
  - name: wants no more calls
    about: { reference: C-1, closed-on: 2026-11-19 }
    caller: [{ hears: how }, { keys: "9" }, the call ends]
    record: { answers: none, do-not-call: true, outcome: refused }
  - name: the record is away
    given: [{ database: away }]
    about: { reference: C-1, closed-on: 2026-11-19 }
    caller: [{ hears: how }, { keys: "1" }, the call ends]
    record: { answers: none }
"##;
    let (reports, found) = scripts(text);
    assert_eq!(found, Vec::<String>::new());
    let failed: Vec<String> = reports.iter().filter(|r| !r.passed()).map(|r| r.text(false)).collect();
    assert!(failed.is_empty() && reports.len() == 6, "{}", failed.join("\n"));
}

#[test]
fn a_script_of_a_call_that_we_make_is_checked_and_compared() {
    let (_, found) = scripts(
        "plan: asks\ncalls:\n  - name: a\n    from: withheld\n    we-call: nobody\n    about: { refrence: a, closed-on: yesterday }\n    caller: [{ speeks: 4s }, { speaks: 4 }]\n    record: { answers: yes, do-not-call: no-idea }\n  - name: b\n    caller: [hangs up]\n",
    );
    assert_eq!(
        found,
        [
            "D306 a call comes `from` somebody, or `we-call` them",
            "D311 `nobody` is no telephone number",
            "D211 `about` has no field `refrence`",
            "D311 `closed-on` is a date, and `yesterday` is none",
            "D301 an item of `caller` has no word `speeks`",
            "D304 `speaks` needs a length of time, and `4` has no unit that is known",
            "D303 `answers` must be a table of `key: value` lines, and this is text",
            "D308 `do-not-call` is true or false, not `no-idea`",
            "D514 the plan takes `reference`, and this call does not tell it",
        ]
    );
    let about = "about: { reference: C-1, closed-on: 2026-11-19 }";
    let (reports, _) = scripts(&format!(
        "plan: asks\ncalls:\n  - name: a\n    {about}\n    caller: [{{ hears: how }}, {{ keys: \"1\" }}, {{ hears: more }}, hangs up]\n    record: {{ answers: {{ satisfied: not-at-all }} }}\n  - name: b\n    {about}\n    caller: [{{ hears: how }}, {{ speaks: 3s }}]\n"
    ));
    let texts: Vec<String> = reports.iter().map(|report| report.text(false)).collect();
    assert!(
        texts[0].contains("error[D603]: the record says `answers: { satisfied: yes-it-was }`"),
        "{}",
        texts[0]
    );
    assert!(texts[1].contains("error[D602]: the caller speaks, and nothing is recorded"), "{}", texts[1]);
}

#[test]
fn a_queue_says_how_it_calls_back() {
    let plan = "plan: asks\nlanguages: [en-US]\nstart: wait\nprompts: { bye: Goodbye. }\nsteps:\n  wait: { queue: desk, then: end, nobody: end, closed: end, failed: end, left: end }\n  end: { say: bye, hangup: contained }\n";
    let hold = "plan: hold\nlanguages: [en-US]\nstart: listen\ntakes: { place: number }\nprompts: { sure: We call you. }\nsteps:\n  listen: { music: calm, for: 30s, keys: { \"1\": later }, then: listen }\n  later: { call-back: caller, then: end, refused: out, failed: out }\n  out: { leave: away }\n  end: { say: sure, hangup: wants-human }\n";
    for (setting, expected) in [
        (", call-back: asks", None),
        ("", Some("D521 step `later` keeps a place for a call back, and queue `desk` calls nobody")),
        (", call-back: nowhere", Some("D206 no plan is called `nowhere`")),
        (
            ", call-back: hold",
            Some("D520 plan `hold` takes `place`, which no queue tells who is called back"),
        ),
    ] {
        let queues = format!("queues:\n  desk: {{ name: Desk, while-waiting: hold{setting} }}\n");
        let files = [("asks.yaml", plan), ("hold.yaml", hold), ("queues.yaml", queues.as_str())];
        let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
        let (_, found) = Plans::load(files.into(), &Recordings::default());
        let told = told(&found);
        assert_eq!(
            told.iter().map(String::as_str).collect::<Vec<_>>(),
            Vec::from_iter(expected),
            "{setting}"
        );
    }
}

#[test]
fn a_script_asks_to_be_called_back() {
    let plan = "plan: asks\nlanguages: [en-US]\nstart: wait\nprompts: { bye: Goodbye. }\nsteps:\n  wait: { queue: desk, then: end, nobody: end, closed: end, failed: end, left: end }\n  end: { say: bye, hangup: contained }\n";
    let hold = "plan: hold\nlanguages: [en-US]\nstart: listen\nprompts: { sure: We call you., cannot: We cannot call you. }\nsteps:\n  listen: { music: calm, for: 30s, keys: { \"1\": later }, then: listen }\n  later: { call-back: caller, then: end, refused: no, failed: out }\n  no: { say: cannot, then: listen }\n  out: { leave: away }\n  end: { say: sure, hangup: wants-human }\n";
    let queues = "queues:\n  desk: { name: Desk, while-waiting: hold, call-back: asks }\n";
    let files = [("asks.yaml", plan), ("hold.yaml", hold), ("queues.yaml", queues)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let (plans, found) = Plans::load(files.into(), &Recordings::default());
    let plans = Arc::new(plans.unwrap_or_else(|| panic!("{:?}", told(&found))));
    let text = "plan: asks\ncalls:\n  - name: kept\n    from: \"+86 138 0013 8000\"\n    given: [{ queue: { place: 2 } }]\n    caller: [{ waits: 2s }, { keys: \"1\" }, { hears: sure }, the call ends]\n    record: { call-back: true, outcome: wants-human }\n  - name: refused, and waits on\n    from: \"+86 138 0013 8000\"\n    given: [{ queue: { place: 2 } }, { call-back: refused }]\n    caller: [{ waits: 2s }, { keys: \"1\" }, { hears: cannot }, agent answers, agent hangs up, { hears: bye }, the call ends]\n    record: { call-back: false }\n  - name: nobody knows the number\n    from: withheld\n    given: [{ queue: { place: 2 } }]\n    caller: [{ waits: 2s }, { keys: \"1\" }, { hears: cannot }, hangs up]\n    record: { call-back: false, outcome: abandoned }\n  - name: it fails\n    from: \"+86 138 0013 8000\"\n    given: [{ queue: { place: 2 } }, { call-back: failed }]\n    caller: [{ waits: 2s }, { keys: \"1\" }, { hears: bye }, the call ends]\n    record: { call-back: false }\n";
    let (scripts, found) = CallScripts::load("asks.calls.yaml", text, &plans);
    assert_eq!(told(&found), Vec::<String>::new());
    let reports = scripts.map(|scripts| scripts.run(&plans, &BySyllables)).unwrap_or_default();
    let failed: Vec<String> = reports.iter().filter(|r| !r.passed()).map(|r| r.text(false)).collect();
    assert!(failed.is_empty() && reports.len() == 4, "{}", failed.join("\n"));
}

#[test]
fn a_code_that_became_a_number_is_told_in_scripts() {
    let (plans, _) = load("numbers.yaml", "default: none\n");
    let text = "plan: hello\ncalls:\n  - name: zeros\n    given:\n      - ticket: { code: \"407192865\", last-four: 0071 }\n    caller: [hangs up]\n";
    let (_, found) = CallScripts::load("hello.calls.yaml", text, &plans.unwrap_or_default());
    assert_eq!(told(&found), ["D107 `last-four` stands without quotes: `0071` is a number to YAML"]);
    assert!(diagnostic::full(&found[0], false).contains("drops the zeros"));
}

#[test]
fn an_empty_file_and_two_plans_of_one_name_are_told() {
    assert_eq!(told(&load("empty.yaml", "").1), ["D108 this file is empty"]);
    assert_eq!(told(&load("copy.yaml", PLAN).1), ["D515 two plans are called `hello`"]);
}
