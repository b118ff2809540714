//! What a caller heard, told by the recogniser.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::root;

/// A recording, and what must have been heard in it.
pub struct Heard {
    pub wav: PathBuf,
    pub expected: &'static str,
}

impl Heard {
    pub fn new(wav: &Path, expected: &'static str) -> Self {
        Self { wav: wav.to_owned(), expected }
    }
}

/// Of the syllables that were to be heard, at most this share may be missing or wrong. The voice
/// alone is at 6 to 7 % over many sentences; one sentence may do worse.
pub const AT_MOST: f64 = 0.2;

/// Listens to recordings of calls and gives for each the share of the expected syllables (words in
/// English) that were not heard in their order. What else was heard, greetings and menus, does
/// not count. One recogniser listens to all of them: it loads slowly.
pub fn missed(language: &str, recordings: &[Heard]) -> Vec<f64> {
    let script = root().join("tests/tools/hear.py");
    let mut command = Command::new(root().join(".cache/venv/bin/python"));
    command.arg(script).arg(language);
    for heard in recordings {
        command.arg(&heard.wav).arg(heard.expected);
    }
    let done = command.output().expect("tools/install --tests makes the virtual environment");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    eprint!("{text}");
    let missed: Vec<f64> = text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()?["missed"].as_f64())
        .collect();
    assert_eq!(missed.len(), recordings.len(), "{text}");
    missed
}

/// That all of them hold the words they must.
pub fn assert_heard(language: &str, recordings: &[Heard]) {
    for (heard, missed) in recordings.iter().zip(missed(language, recordings)) {
        assert!(missed <= AT_MOST, "{}: {missed} of `{}` was not heard", heard.wav.display(), heard.expected);
    }
}

/// That none of them holds the words, not even roughly.
pub fn assert_not_heard(language: &str, recordings: &[Heard]) {
    for (heard, missed) in recordings.iter().zip(missed(language, recordings)) {
        assert!(missed > 0.5, "{}: `{}` was heard ({missed} missing)", heard.wav.display(), heard.expected);
    }
}
