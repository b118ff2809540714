//! How single words are written: lengths of time, names.

use std::time::Duration;

/// Why a text is no length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoLength {
    /// It has no unit that is known, or no number.
    Unit,
    /// It would be right but for its minus.
    Negative,
    /// Its number has too many digits.
    TooLong,
}

/// Reads `700ms`, `3s`, `1.5s`, `2min`, `24h`, `3d`.
pub(crate) fn duration_of(text: &str) -> Result<Duration, NoLength> {
    if let Some(rest) = text.strip_prefix('-') {
        return Err(if duration_of(rest) == Err(NoLength::Unit) {
            NoLength::Unit
        } else {
            NoLength::Negative
        });
    }
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(NoLength::Unit)?;
    let (number, unit) = text.split_at(digits);
    let millis_each: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(NoLength::Unit),
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || decimals.len() > 3 || decimals.contains('.') {
        return Err(NoLength::Unit);
    }
    if whole.len() > 9 {
        return Err(NoLength::TooLong);
    }
    let thousandths: u64 = format!("{whole}{decimals:0<3}").parse().map_err(|_| NoLength::TooLong)?;
    let millis = thousandths.checked_mul(millis_each).ok_or(NoLength::TooLong)? / 1_000;
    Ok(Duration::from_millis(millis))
}

/// Writes a length of time as a designer would.
pub(crate) fn spell(length: Duration) -> String {
    let millis = length.as_millis();
    for (each, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")] {
        if millis >= each && millis.is_multiple_of(each) {
            return format!("{}{unit}", millis / each);
        }
    }
    format!("{millis}ms")
}

/// Kebab case that begins with a letter, at most 64 characters.
pub(crate) fn looks_like_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// What a name was probably meant to be.
pub(crate) fn as_name(text: &str) -> Option<String> {
    let mut name = String::new();
    for c in text.trim().chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            'A'..='Z' => name.push(c.to_ascii_lowercase()),
            ' ' | '_' | '.' | '-' if !name.ends_with('-') && !name.is_empty() => name.push('-'),
            ' ' | '_' | '.' | '-' => {}
            _ => return None,
        }
    }
    let name = name.trim_end_matches('-').to_owned();
    looks_like_name(&name).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_carry_their_unit() {
        for (text, millis) in
            [("700ms", 700), ("3s", 3_000), ("1.5s", 1_500), ("2min", 120_000), ("24h", 86_400_000)]
        {
            let length = duration_of(text).unwrap();
            assert_eq!(length, Duration::from_millis(millis));
            assert!(duration_of(&spell(length)) == Ok(length));
        }
        for text in ["3", "s", "", "3 weeks", "1.2.3s", "-3", "-"] {
            assert_eq!(duration_of(text), Err(NoLength::Unit), "{text}");
        }
        assert_eq!(duration_of("99999999999s"), Err(NoLength::TooLong));
        assert_eq!(duration_of("-3s"), Err(NoLength::Negative));
    }

    #[test]
    fn names_are_kebab_case() {
        assert!(looks_like_name("ask-code-2"));
        assert!(!looks_like_name("Ask Code") && !looks_like_name("2nd") && !looks_like_name("a-"));
        assert_eq!(as_name("Ask_Code").as_deref(), Some("ask-code"));
        assert_eq!(as_name("问候"), None);
    }
}
