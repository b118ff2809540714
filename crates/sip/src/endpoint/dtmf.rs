//! Digits in INFO bodies.

/// Length of a digit that does not say how long it is, milliseconds.
const DEFAULT_MS: u32 = 100;

/// The digit and its length in milliseconds in an `application/dtmf-relay` body (`Signal=5`,
/// `Duration=160`) or an `application/dtmf` body (`5`).
///
/// `None` if there is no digit: `0`-`9`, `*`, `#`, `A`-`D`, also as the numbers 10 (`*`) to 15 (`D`).
pub fn dtmf_relay(body: &[u8]) -> Option<(char, u32)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut signal = None;
    let mut duration_ms = DEFAULT_MS;
    for line in text.lines() {
        match line.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("signal") => signal = Some(value.trim()),
            Some((name, value)) if name.trim().eq_ignore_ascii_case("duration") => {
                duration_ms =
                    value.trim().parse().ok().filter(|ms| (1..=60_000).contains(ms)).unwrap_or(DEFAULT_MS);
            }
            None if signal.is_none() && !line.trim().is_empty() => signal = Some(line.trim()),
            _ => {}
        }
    }
    Some((digit(signal?)?, duration_ms))
}

fn digit(signal: &str) -> Option<char> {
    let mut letters = signal.chars();
    match (letters.next()?.to_ascii_uppercase(), letters.next()) {
        (letter @ ('0'..='9' | '*' | '#' | 'A'..='D'), None) => Some(letter),
        _ => match signal {
            "10" => Some('*'),
            "11" => Some('#'),
            "12" => Some('A'),
            "13" => Some('B'),
            "14" => Some('C'),
            "15" => Some('D'),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_both_content_types_are_read() {
        assert_eq!(dtmf_relay(b"Signal=5\r\nDuration=160\r\n"), Some(('5', 160)));
        assert_eq!(dtmf_relay(b"Signal= *\r\nDuration= 250"), Some(('*', 250)));
        assert_eq!(dtmf_relay(b"11"), Some(('#', 100)));
        assert_eq!(dtmf_relay(b"#\r\n"), Some(('#', 100)));
        assert_eq!(dtmf_relay(b"Signal=hello"), None);
        assert_eq!(dtmf_relay(b""), None);
    }
}
