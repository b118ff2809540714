//! English short forms written out: `Mr.`, `St.`, `e.g.`, `Mon-Fri`, `MB/s`.

use super::text::ends_with_word;
use crate::scan::{is_digit, skip_spaces};

/// Short forms that end with a dot, and what is said.
const DOTTED: [(&str, &str); 24] = [
    ("approx", "approximately"),
    ("tel", "telephone"),
    ("dept", "department"),
    ("mr", "Mister"),
    ("mrs", "Missus"),
    ("ms", "Ms"),
    ("prof", "Professor"),
    ("apt", "apartment"),
    ("ave", "Avenue"),
    ("blvd", "Boulevard"),
    ("rd", "Road"),
    ("ln", "Lane"),
    ("bldg", "Building"),
    ("fl", "Floor"),
    ("incl", "including"),
    ("excl", "excluding"),
    ("etc", "et cetera"),
    ("vs", "versus"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("inc", "incorporated"),
    ("ltd", "limited"),
    ("acct", "account"),
    ("ref", "reference"),
];
/// Days of the week by their first letters, where nothing else can be meant.
const WEEKDAYS: [(&str, &str); 10] = [
    ("mon", "Monday"),
    ("tue", "Tuesday"),
    ("tues", "Tuesday"),
    ("wed", "Wednesday"),
    ("thu", "Thursday"),
    ("thur", "Thursday"),
    ("thurs", "Thursday"),
    ("fri", "Friday"),
    ("sat", "Saturday"),
    ("sun", "Sunday"),
];
/// Units behind "per".
const PER: [(&str, &str); 12] = [
    ("s", "second"),
    ("sec", "second"),
    ("min", "minute"),
    ("h", "hour"),
    ("hr", "hour"),
    ("mo", "month"),
    ("yr", "year"),
    ("gb", "gigabyte"),
    ("mb", "megabyte"),
    ("kb", "kilobyte"),
    ("kg", "kilogram"),
    ("km", "kilometer"),
];
/// Words behind which a stroke means "per".
const MEASURES: [&str; 16] = [
    "yuan",
    "dollar",
    "dollars",
    "euro",
    "euros",
    "pounds",
    "cents",
    "gigabyte",
    "gigabytes",
    "megabyte",
    "megabytes",
    "kilobytes",
    "minutes",
    "times",
    "calls",
    "messages",
];

fn find(list: &[(&str, &'static str)], word: &str) -> Option<&'static str> {
    list.iter().find(|(short, _)| *short == word).map(|(_, long)| *long)
}

fn capital(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// What is said for the short form `run`, which stands at `at`, and where the text goes on.
pub(super) fn expand(chars: &[char], at: usize, run: &str, out: &str) -> Option<(String, usize)> {
    let lower = run.to_ascii_lowercase();
    let end = at + run.chars().count();
    if out.ends_with(" per")
        && let Some(unit) = find(&PER, &lower)
    {
        return Some((unit.to_owned(), end));
    }
    if run == "N"
        && chars.get(end) == Some(&'/')
        && letter(chars, end + 1) == Some('A')
        && letter(chars, end + 2).is_none()
    {
        return Some(("not available".to_owned(), end + 2));
    }
    if let Some((first, last)) = run.split_once('-')
        && let (Some(first), Some(last)) =
            (find(&WEEKDAYS, &first.to_ascii_lowercase()), find(&WEEKDAYS, &last.to_ascii_lowercase()))
        && capital(run)
    {
        return Some((format!("{first} to {last}"), end));
    }
    let dotted = chars.get(end) == Some(&'.');
    // The last dot of a text is its own, too.
    let ends_text = skip_spaces(chars, end + 1) >= chars.len();
    let behind = if dotted && !ends_text { end + 1 } else { end };
    let unmistakable = !matches!(lower.as_str(), "sat" | "sun");
    if let Some(day) = find(&WEEKDAYS, &lower).filter(|_| capital(run) && unmistakable) {
        return Some((day.to_owned(), behind));
    }
    if !dotted {
        return None;
    }
    if let Some(found) = initials(chars, at, run) {
        return Some(found);
    }
    let before = out.trim_end_matches(' ').rsplit(' ').next().unwrap_or_default();
    let of_name = capital(before) && before.ends_with(char::is_alphanumeric)
        || before.ends_with("th")
        || before.ends_with("st");
    let next = skip_spaces(chars, end + 1);
    match lower.as_str() {
        "no" if is_digit(chars, next) => return Some(("number".to_owned(), end + 1)),
        "st" if of_name => return Some(("Street".to_owned(), behind)),
        "st" if capital(run) => return Some(("Saint".to_owned(), behind)),
        "dr" if of_name && !ends_with_word(out, "Dear") => return Some(("Drive".to_owned(), behind)),
        "dr" => return Some(("Doctor".to_owned(), behind)),
        // "The minimum is 5 min." ends here; "min. 5 yuan" does not.
        "min" | "max" | "fl" | "inc" if !is_digit(chars, next) => return None,
        _ => {}
    }
    find(&DOTTED, &lower).map(|long| (long.to_owned(), behind))
}

fn letter(chars: &[char], at: usize) -> Option<char> {
    chars.get(at).copied().filter(char::is_ascii_alphanumeric)
}

/// `U.S.`, `P.O.`, `e.g.`, `i.e.`: single letters, each with its dot.
fn initials(chars: &[char], at: usize, run: &str) -> Option<(String, usize)> {
    if run.chars().count() != 1 {
        return None;
    }
    let mut letters = String::new();
    let mut end = at;
    while let Some(c) = chars.get(end).filter(|c| c.is_ascii_alphabetic() && chars.get(end + 1) == Some(&'.'))
    {
        letters.push(*c);
        end += 2;
    }
    if letters.len() < 2 || letter(chars, end).is_some() {
        return None;
    }
    if skip_spaces(chars, end) >= chars.len() {
        end -= 1;
    }
    let said = match letters.as_str() {
        "eg" => "for example".to_owned(),
        "ie" => "that is".to_owned(),
        _ => letters.to_ascii_uppercase(),
    };
    Some((said, end))
}

/// What a stroke behind these words is: "per", "or", or nothing.
pub(super) fn stroke(out: &str) -> Option<&'static str> {
    let last = out.rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
    if MEASURES.contains(&last.as_str()) {
        Some("per")
    } else if last == "and" || last == "or" {
        None
    } else {
        Some("or")
    }
}
