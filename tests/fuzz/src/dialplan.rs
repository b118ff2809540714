//! Files that a designer uploads.

use hotline_dialplan::{Plans, Recordings};

/// Any text as a plan, a policy, a calendar and the list of numbers: findings, never a panic, and a sound folder has
/// the version that the same files have again.
pub fn load(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    for path in ["plan.yaml", "policies/policy.yaml", "calendars/calendar.yaml", "numbers.yaml"] {
        let files = vec![(path.to_owned(), text.clone())];
        let (plans, found) = Plans::load(files.clone(), &Recordings::default());
        for finding in &found {
            assert!(!format!("{finding:?}").is_empty());
        }
        if let Some(plans) = plans {
            let again = Plans::load(files, &Recordings::default()).0.map(|plans| plans.version().to_owned());
            assert_eq!(again.as_deref(), Some(plans.version()));
        }
    }
}
