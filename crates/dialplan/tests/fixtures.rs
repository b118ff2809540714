//! Every file of `fixtures/invalid` is a plan with a fault, and the text beside it what a designer
//! reads about it; every file of `fixtures/valid` is a plan without any finding.
//!
//! After a deliberate change: `cargo run -p hotline-dialplan --example fixtures` writes the texts
//! anew; read the difference before it is committed.
#![expect(clippy::disallowed_methods, reason = "tests read the files they check")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use hotline_dialplan::{Plans, Recordings, diagnostic};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(root().join("fixtures").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|of| of == "yaml"))
        .collect();
    paths.sort();
    paths
}

fn found(path: &Path) -> Vec<diagnostic::Diagnostic> {
    let file = |name: &str, from: PathBuf| (name.to_owned(), std::fs::read_to_string(from).unwrap());
    let shipped = root().join("../../dialplans");
    let mut files = vec![
        file("dialplans/policies/ticket-result.yaml", shipped.join("policies/ticket-result.yaml")),
        file("dialplans/calendars/office.yaml", shipped.join("calendars/office.yaml")),
        file("dialplans/help.yaml", root().join("fixtures/world/help.yaml")),
        file("dialplans/queues.yaml", root().join("fixtures/world/queues.yaml")),
        file("dialplans/hold.yaml", root().join("fixtures/world/hold.yaml")),
    ];
    let name = path.file_name().unwrap().to_str().unwrap();
    files.push(file(&format!("dialplans/{name}"), path.to_owned()));
    let (plans, found) = Plans::load(files, &Recordings::default());
    assert_eq!(plans.is_none(), found.iter().any(diagnostic::Diagnostic::is_error), "{name}");
    found
}

#[test]
fn every_fault_is_told_as_its_text_says() {
    let paths = yaml("invalid");
    assert!(paths.len() >= 30);
    let mut differ = Vec::new();
    for path in paths {
        let found = found(&path);
        assert!(!found.is_empty(), "{}: nothing was found", path.display());
        let text: String = found.iter().map(|finding| diagnostic::full(finding, false) + "\n\n").collect();
        let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
        if text.trim() != expected.trim() {
            differ.push(format!("{}\n--- expected\n{expected}\n--- found\n{text}", path.display()));
        }
        for finding in &found {
            assert!(!finding.message.contains('\n') && finding.message.len() < 160, "{}", finding.message);
            assert!(!finding.primary.text.is_empty(), "{}: no label", finding.message);
            assert!(finding.help.is_some(), "{}: no help", finding.message);
            assert!(diagnostic::explain(finding.code.id).is_some());
            assert!(diagnostic::json(finding)["primary"]["line"].as_u64() > Some(0));
            let one_line = diagnostic::concise(finding);
            assert!(one_line.starts_with("dialplans/") && !one_line.contains('\n'));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[test]
fn valid_plans_have_no_finding() {
    for path in yaml("valid") {
        let text: Vec<String> = found(&path).iter().map(|finding| diagnostic::full(finding, false)).collect();
        assert!(text.is_empty(), "{}\n{}", path.display(), text.join("\n\n"));
    }
}
