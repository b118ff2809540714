//! The plans that are shipped: checked without a finding, and every call script runs.
#![expect(clippy::disallowed_methods, reason = "tests read the files they check")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hotline_dialplan::calls::{self, CallScripts};
use hotline_dialplan::simulation::BySyllables;
use hotline_dialplan::{Plans, Recordings, diagnostic};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialplans")
}

fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &name, files);
        } else if name.ends_with(".yaml") {
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    read(&folder(), "dialplans", &mut files);
    files
}

fn plans() -> Arc<Plans> {
    let (plans, found) = Plans::load(files(), &Recordings::default());
    let text: Vec<String> = found.iter().map(|finding| diagnostic::full(finding, false)).collect();
    assert!(found.is_empty(), "{}", text.join("\n\n"));
    Arc::new(plans.unwrap())
}

#[test]
fn shipped_plans_have_no_finding() {
    let plans = plans();
    assert_eq!(plans.numbers().find_route("10086").unwrap().plan, "main-menu");
    assert_eq!(plans.numbers().find_route("complaint").unwrap().plan, "complaint-result");
    assert!(plans.numbers().find_route("9001").unwrap().test);
    assert_eq!(plans.numbers().find_route("12345"), None);
}

#[test]
fn every_call_script_runs_and_every_step_is_visited() {
    let plans = plans();
    let mut reports = Vec::new();
    for (path, text) in files().iter().filter(|(path, _)| path.contains(".calls.")) {
        let (scripts, found) = CallScripts::load(path, text, &plans);
        let told: Vec<String> = found.iter().map(|finding| diagnostic::full(finding, false)).collect();
        assert!(found.is_empty(), "{}", told.join("\n\n"));
        reports.extend(scripts.unwrap().run(&plans, &BySyllables));
    }
    let failed: Vec<String> =
        reports.iter().filter(|report| !report.passed()).map(|report| report.text(false)).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    for plan in calls::unvisited(&plans, &reports) {
        assert_eq!(plan.unvisited, Vec::<String>::new(), "no script comes to these steps of {}", plan.plan);
    }
}
