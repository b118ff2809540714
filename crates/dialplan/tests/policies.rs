//! What policies and calendars must not say without a word of the checker, and what it says.

use hotline_dialplan::{Plans, Recordings, diagnostic::Diagnostic};

const PLAN: &str = "plan: hello\nlanguages: [en-US]\nstart: greet\nprompts:\n  welcome: Hello.\nsteps:\n  greet: { say: welcome, then: never-again }\n  never-again: { save: { do-not-call: true }, then: end }\n  end: { hangup: contained }\n";
const OFFICE: &str = "calendar: office\nzone: Asia/Shanghai\nweek: { weekdays: 09:00-18:00 }\n";

fn load(path: &str, text: &str) -> Vec<Diagnostic> {
    let files = [("hello.yaml", PLAN), ("calendars/office.yaml", OFFICE), (path, text)];
    Plans::load(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into(), &Recordings::default()).1
}

fn campaign(who: &str, show: &str, more: &str) -> Vec<Diagnostic> {
    let text = format!(
        "campaign: survey\nwho: {{ when: closed{who} }}\nplan: hello\nhours: office\nshow: {show}\n{more}\n"
    );
    load("policies/survey.yaml", &text)
}

fn codes(found: &[Diagnostic]) -> Vec<&str> {
    found.iter().map(|finding| finding.code.id).collect()
}

#[test]
fn empty_lists_numbers_that_are_none_and_questions_that_are_not_asked_are_errors() {
    for who in [", categories: []", ", outcomes: []", ", attributes: { tier: [] }", ", attributes: {}"] {
        assert_eq!(codes(&campaign(who, "\"1\"", "trunks: a")), ["D313"], "{who}");
    }
    for show in ["\"call me maybe\"", "\"10086>;x=y\\r\\nX-Evil: 1\"", "\"\"", "\"1+\""] {
        assert_eq!(codes(&campaign("", show, "trunks: a")), ["D312"], "{show}");
    }
    assert_eq!(codes(&campaign("", "\"+8610086\"", "trunks: a")), [] as [&str; 0]);
    assert_eq!(codes(&campaign("", "\"1\"", "trunks: a\ntook-part-from: 99")), ["D306"]);
    let found = campaign("", "\"1\"", "trunks: []   # a comment");
    assert_eq!((codes(&found), found[0].primary.span.text()), (vec!["D313"], "[]"));
    let files =
        [("hello.yaml", PLAN), ("calendars/office.yaml", OFFICE)].map(|(path, text)| (path, text.to_owned()));
    let policy = "campaign: survey\nactive: false\nwho: { when: closed }\nplan: hello\nhours: office\ntrunks: a\nshow: \"1\"\n";
    let twice = ["policies/a.yaml", "policies/b.yaml"].map(|path| (path, policy.to_owned()));
    let files = files.into_iter().chain(twice).map(|(path, text)| (path.to_owned(), text));
    assert_eq!(codes(&Plans::load(files.collect(), &Recordings::default()).1), ["D515"]);
}

#[test]
fn calendars_open_some_time_and_holidays_end() {
    let calendar = |hours: &str, holiday: &str| {
        load(
            "calendars/c.yaml",
            &format!(
                "calendar: c\nzone: Asia/Shanghai\nweek: {{ weekdays: {hours} }}\nholidays: [{holiday}]\n"
            ),
        )
    };
    assert_eq!(codes(&calendar("24:00-24:00", "2026-10-01")), ["D311"]);
    assert_eq!(codes(&calendar("20:00-24:00", "2026-10-01")), [] as [&str; 0]);
    assert_eq!(codes(&calendar("09:00-18:00", "2026-10-01 to 9999-12-31")), ["D306"]);
    let help = |holiday: &str| calendar("09:00-18:00", holiday)[0].help.clone().unwrap();
    assert_eq!(help("2026-12-31 to 2026-01-01"), "write `2026-12-31 to 2027-01-01`");
    assert_eq!(help("2026-10-07 to 2026-10-01"), "write `2026-10-01 to 2026-10-07`");
}

#[test]
fn files_that_are_empty_marked_or_no_text_are_told_as_that() {
    assert!(load("policies/p.yaml", "")[0].help.as_ref().unwrap().contains("campaign: "));
    assert!(load("campaigns.yaml", "")[0].help.as_ref().unwrap().contains("calls-per-second"));
    assert_eq!(codes(&load("policies/p.yaml", "\0\0\0")), ["D100"]);
    assert!(load("policies/p.yaml", "- a\n")[0].message.starts_with("a policy must be"));
    assert_eq!(codes(&load("campaigns.yaml", "\u{feff}calls-per-second: 3\n")), [] as [&str; 0]);
    let found = load("policies/p.yaml", "campaign: p\nwho:\n  when: closed\n\tshare: 20%\n");
    assert_eq!((found[0].code.id, found[0].primary.span.line()), ("D101", 4));
    let found =
        load("campaigns.yaml", "leave-alone: -2h\nlongest-call: 99999999999999d\ncalls-per-second: 9999\n");
    assert_eq!(codes(&found), ["D306", "D306", "D306"]);
    assert!(found[0].message.contains("negative") && found[2].primary.text == "1000 is the most");
}

#[test]
fn the_first_two_hundred_findings_of_a_file_are_told() {
    let words: String = (0..20_000).map(|at| format!("word-{at}: x\n")).collect();
    let found = load("campaigns.yaml", &words);
    assert_eq!((found.len(), found[200].code.id), (201, "D110"));
    assert_eq!(found[200].message, "this file has 19800 more errors");
}

/// What is found of a policy that calls with a plan of these two questions.
fn asks(first: &str, second: &str) -> Vec<Diagnostic> {
    let step = |name: &str, then: &str, more: &str| {
        format!("  {name}: {{ prompt: q, no-input: end, no-match: end, then: {then}, {more} }}\n")
    };
    let plan = format!(
        "plan: hello\nlanguages: [en-US]\nstart: choose\nkeys-everywhere: {{ \"0\": refuse, \"*\": again }}\nprompts:\n  \
         q: Your answer, please.\nsteps:\n  choose: {{ menu: {{ prompt: q, keys: {{ \"1\": one }}, no-input: end, no-match: end }} }}\n\
         {}{}  again: {{ repeat: normal }}\n  \
         refuse: {{ save: {{ do-not-call: true, follow-up: {{ reason: person, within: 1h }} }}, then: end }}\n  \
         end: {{ hangup: contained }}\n",
        step("one", "two", first),
        step("two", "end", second)
    );
    let policy =
        "campaign: survey\nwho: { when: closed }\nplan: hello\nhours: office\nshow: \"1\"\ntrunks: a\n";
    let files =
        [("hello.yaml", plan.as_str()), ("calendars/office.yaml", OFFICE), ("policies/survey.yaml", policy)];
    Plans::load(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into(), &Recordings::default()).1
}

#[test]
fn one_question_of_a_survey_tells_who_is_content() {
    let (words, why) = ("answers: { \"1\": yes-it-is, \"2\": no-it-is-not }", "survey: why, scale: 1-3");
    let none = asks(&format!("survey: resolved, {words}"), why);
    assert_eq!(codes(&none), ["D532"], "{none:?}");
    assert!(!none[0].is_error() && none[0].primary.span.text() == "hello");
    assert_eq!(codes(&asks(&format!("survey: resolved, {words}, content: yes-it-is"), why)), [] as [&str; 0]);
    assert_eq!(codes(&asks("survey: resolved, scale: 0-10, content: 9-10", why)), [] as [&str; 0]);
    // The usual name and answers need no more; a scale to 10 has no usual end.
    assert_eq!(codes(&asks("survey: satisfied, scale: 1-5", why)), [] as [&str; 0]);
    assert_eq!(codes(&asks("survey: satisfied, scale: 0-10", why)), ["D532"]);
    let twice = asks("survey: satisfied, scale: 1-5", "survey: manner, scale: 1-5, content: 5");
    assert_eq!((codes(&twice), twice[0].message.starts_with("2 questions")), (vec!["D532"], true));
    // What is no answer, or every one, counts nobody.
    for wrong in ["content: 4-6", "content: 5-4", "content: many", "content: 1-5"] {
        let found = asks(&format!("survey: satisfied, scale: 1-5, {wrong}"), why);
        assert_eq!(codes(&found)[0], "D523", "{wrong}: {found:?}");
    }
    for wrong in ["content: maybe", "content: [yes-it-is, no-it-is-not]"] {
        let found = asks(&format!("survey: resolved, {words}, {wrong}"), why);
        assert_eq!(codes(&found)[0], "D523", "{wrong}: {found:?}");
    }
}
