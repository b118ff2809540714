//! Policies that send messages, and the links in them.

use std::time::Duration;

use hotline_dialplan::diagnostic::Diagnostic;
use hotline_dialplan::{Plans, Recordings};
use hotline_model::Language;
use hotline_model::campaign::{Channel, Otherwise, Outcome, Part, Told};

use super::{OFFICE, POLICY, load_campaign, told};

const NOTICE: &str = "campaign: survey\nwho: { when: changed }\nhours: office\nmessage:\n  zh-CN: \"{{ reference }}有进展,{{ due-on }}前办结\"\n  en-US: \"{{ reference }} has moved.\"\n";

#[test]
fn a_policy_with_a_message_calls_nobody() {
    let (plans, found) = load_campaign(NOTICE);
    assert_eq!(told(&found), [] as [&str; 0]);
    let plans = plans.unwrap();
    let policy = &plans.campaigns().policies["survey"];
    assert_eq!((policy.first_channel(), policy.calls.is_none()), (Channel::Message, true));
    let message = policy.message.as_ref().unwrap();
    assert_eq!(message.otherwise, None);
    assert_eq!(
        message.texts[&Language::ZhCn],
        [
            Part::Told(Told::Reference),
            Part::Words("有进展,".into()),
            Part::Told(Told::DueOn),
            Part::Words("前办结".into())
        ]
    );
}

#[test]
fn a_message_may_follow_calls() {
    let words = "message: { zh-CN: 我们打过您的电话, en-US: We called you }";
    let read = |lines: &str| {
        let (plans, found) = load_campaign(&format!("{POLICY}otherwise:\n{lines}\n  {words}\n"));
        let message = plans.and_then(|plans| plans.campaigns().policies["survey"].message.clone());
        (message.and_then(|message| message.otherwise), told(&found))
    };
    let usual = [Outcome::Busy, Outcome::NoAnswer, Outcome::SwitchedOff, Outcome::Machine];
    let days = |days: u64| Duration::from_secs(days * 86_400);
    assert_eq!(
        read(""),
        (Some(Otherwise { after: usual.into(), within: days(2), valid: days(7) }), Vec::new())
    );
    let (otherwise, found) = read("  after: no-answer\n  within: 1d\n  valid: 3d");
    assert_eq!(found, [] as [&str; 0]);
    assert_eq!(
        otherwise,
        Some(Otherwise { after: [Outcome::NoAnswer].into(), within: days(1), valid: days(3) })
    );
    let (_, found) = read("  after: [no-anser]\n  in: 1d");
    assert_eq!(found.len(), 2, "{found:?}");
    let (_, found) = load_campaign(&format!("{POLICY}message: {{ zh-CN: 好, en-US: Good }}\n"));
    assert_eq!(
        told(&found),
        ["plan", "trunks", "show"]
            .map(|word| format!("D530 `{word}` stands in a policy that sends a message and calls nobody"))
    );
}

#[test]
fn a_message_with_faults_tells_all_of_them() {
    let text = "campaign: survey\nwho: { when: changed }\nhours: office\nring: 20s\nshow: \"1\"\nmessage:\n  zh-CN: \"{{ refrence }} {{ number\"\n";
    let (plans, found) = load_campaign(text);
    assert!(plans.is_none());
    assert_eq!(
        told(&found),
        [
            "D530 `ring` stands in a policy that sends a message and calls nobody",
            "D530 `show` stands in a policy that sends a message and calls nobody",
            "D403 the message has no words in en-US",
            "D203 a message knows nothing called `refrence`",
            "D401 a value begins with `{{` and is never closed",
        ]
    );
    let lines: Vec<usize> = found.iter().map(|finding| finding.primary.span.line()).collect();
    assert_eq!(lines, [4, 5, 6, 7, 7]);
    let name = &found[3].primary.span;
    assert_eq!(name.text(), "refrence");
    assert!(found.iter().all(|finding| finding.help.is_some()));
}

/// A plan with one question, and a policy that sends its link.
fn with_link(written: &str, otherwise: &str) -> Vec<Diagnostic> {
    let plan = format!(
        "plan: ask\nlanguages: [zh-CN, en-US]\nstart: first\nkeys-everywhere: {{ \"0\": refuse, \"*\": again }}\nprompts:\n  q: {{ zh-CN: 满意请按1, en-US: Press 1 }}\n  \
         read: {{ zh-CN: 满意吗, en-US: Content? }}\nsteps:\n  first:\n    menu:\n      prompt: q\n      keys: {{ \"1\": content }}\n      \
         no-input: end\n      no-match: end\n      written: {{ take: \"1\" }}\n  content:\n    survey: satisfied\n    prompt: q\n    \
         answers: {{ \"1\": satisfied }}\n    no-input: end\n    no-match: end\n    then: end\n{written}  \
         again: {{ repeat: normal }}\n  refuse: {{ save: {{ do-not-call: true, follow-up: {{ reason: person, within: 1h }} }}, then: end }}\n  end: {{ say: read, hangup: contained }}\n"
    );
    let policy = format!(
        "campaign: survey\nwho: {{ when: closed }}\nplan: ask\nhours: office\ntrunks: a\nshow: \"1\"\n{otherwise}"
    );
    let files =
        [("ask.yaml", plan.as_str()), ("calendars/office.yaml", OFFICE), ("policies/survey.yaml", &policy)];
    let files = files.map(|(path, text)| (path.to_owned(), text.to_owned()));
    Plans::load(files.into(), &Recordings::default()).1
}

const LINK: &str = "otherwise:\n  message: { zh-CN: \"请看 {{ link }} \", en-US: \"See {{ link }}\" }\n";

#[test]
fn a_link_leads_to_a_plan_that_can_be_answered_in_writing() {
    let good = "    written:\n      ask: read\n      answers:\n        \"1\": { zh-CN: 满意, en-US: Content }\n        \"0\": { zh-CN: 人工, en-US: Person }\n";
    assert_eq!(told(&with_link(good, LINK)), [] as [&str; 0]);
    // Without a link nobody reads it.
    assert_eq!(told(&with_link("", "otherwise: { message: { zh-CN: 好, en-US: Good } }\n")), [] as [&str; 0]);
    let found = with_link("", LINK);
    assert_eq!(told(&found), ["D531 step `content` has no written words, and a link leads to plan `ask`"]);
    assert!(found[0].primary.span.file.path() == "ask.yaml" && found[0].help.is_some());
    let elsewhere = "    written:\n      ask: read\n      answers: { \"1\": { zh-CN: 满意, en-US: Content }, \"7\": { zh-CN: 七, en-US: Seven } }\n";
    assert_eq!(
        told(&with_link(elsewhere, LINK)),
        ["D531 step `content` has words for \"7\", and nothing follows from it"]
    );
    assert_eq!(
        told(&with_link("    written: { ask: read }\n", LINK)),
        ["D531 the answer \"1\" of step `content` has no words in writing"]
    );
    let half = "    written:\n      ask: read\n      answers: { \"1\": { zh-CN: 满意 } }\n";
    assert_eq!(told(&with_link(half, LINK)), ["D403 the answer \"1\" has no words in en-US"]);
}

#[test]
fn a_link_without_a_survey_leads_nowhere() {
    let message = "message: { zh-CN: \"看 {{ link }}\", en-US: \"See {{ link }}\" }\n";
    let policy = format!("campaign: moved\nwho: {{ when: changed }}\nhours: office\n{message}");
    assert_eq!(
        told(&load_campaign(&policy).1),
        ["D531 a link leads to the survey of a plan, and this policy names none"]
    );
    let found = load_campaign(&format!("{POLICY}{LINK}")).1;
    assert_eq!(told(&found), ["D531 plan `hello` asks nothing that could be answered in writing"]);
}
