//! No file makes the loader panic: bytes at random, and shipped files with something changed.

use hotline_dialplan::calls::CallScripts;
use hotline_dialplan::{Plans, Recordings, diagnostic};
use proptest::prelude::*;

const SOURCES: [(&str, &str); 9] = [
    ("complaint-result.yaml", include_str!("../../../dialplans/complaint-result.yaml")),
    ("rebates.yaml", include_str!("../../../dialplans/rebates.yaml")),
    ("main-menu.yaml", include_str!("../../../dialplans/main-menu.yaml")),
    ("numbers.yaml", include_str!("../../../dialplans/numbers.yaml")),
    ("called-back.yaml", include_str!("../../../dialplans/called-back.yaml")),
    ("waiting.yaml", include_str!("../../../dialplans/waiting.yaml")),
    ("queues.yaml", include_str!("../../../dialplans/queues.yaml")),
    ("policies/ticket-result.yaml", include_str!("../../../dialplans/policies/ticket-result.yaml")),
    ("calendars/office.yaml", include_str!("../../../dialplans/calendars/office.yaml")),
];

const CALLS: &str = include_str!("../../../dialplans/complaint-result.calls.yaml");

fn render(found: &[diagnostic::Diagnostic]) {
    for finding in found {
        let _ = diagnostic::full(finding, false);
        let _ = diagnostic::concise(finding);
        let _ = diagnostic::json(finding);
    }
}

fn check(files: Vec<(String, String)>) {
    let (plans, found) = Plans::load(files, &Recordings::default());
    assert_eq!(plans.is_none(), found.iter().any(diagnostic::Diagnostic::is_error));
    render(&found);
}

fn spoil(text: &str, at: f64, what: &str, cut: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = ((chars.len() as f64) * at) as usize;
    let rest = chars.iter().skip(at + cut);
    chars.iter().take(at).chain(what.chars().collect::<Vec<_>>().iter()).chain(rest).collect()
}

fn pieces() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            [
                "\t", "*", "#", "：", "“", "\"", "'", ": ", "{{", "}}", "|", "- ", "\n", "&a ", "!x ",
                "---\n", "\u{feff}", "0071", "{", "[", "]", "\r\n"
            ]
            .map(str::to_owned)
            .to_vec()
        ),
        "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_is_read_without_a_panic(text in "(\\PC|\\n|\\t){0,200}", which in 0usize..7) {
        check(vec![(SOURCES[which].0.to_owned(), text)]);
    }

    #[test]
    fn a_spoilt_file_is_read_without_a_panic(
        which in 0usize..7,
        spoils in prop::collection::vec((0.0f64..1.0, pieces(), 0usize..12), 1..4),
    ) {
        let mut files: Vec<(String, String)> = SOURCES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        for (at, what, cut) in spoils {
            files[which].1 = spoil(&files[which].1, at, &what, cut);
        }
        check(files);
    }

    #[test]
    fn a_spoilt_script_is_read_without_a_panic(at in 0.0f64..1.0, what in pieces(), cut in 0usize..12) {
        let files = SOURCES.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
        let (plans, _) = Plans::load(files, &Recordings::default());
        let (_, found) = CallScripts::load("complaint-result.calls.yaml", &spoil(CALLS, at, &what, cut), &plans.unwrap());
        render(&found);
    }
}
