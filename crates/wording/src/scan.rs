//! Reading numerals out of text.

/// A number as it stands in a text: `1,234.50`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Numeral {
    /// The digits before the point, without separators.
    pub(crate) whole: String,
    /// The digits behind it.
    pub(crate) decimals: String,
    /// Whether thousands are parted by commas.
    pub(crate) grouped: bool,
    /// Where the text goes on.
    pub(crate) end: usize,
}

impl Numeral {
    /// The whole part, if it is no more than sixteen digits.
    pub(crate) fn value(&self) -> Option<u64> {
        if self.whole.len() > 16 { None } else { self.whole.parse().ok() }
    }

    /// The whole part, if there are no decimals.
    pub(crate) fn integer(&self) -> Option<u64> {
        if self.decimals.is_empty() { self.value() } else { None }
    }

    /// Hundredths, if there are at most two decimals that matter.
    pub(crate) fn hundredths(&self) -> Option<u64> {
        let decimals = self.decimals.trim_end_matches('0');
        if decimals.len() > 2 {
            return None;
        }
        let part: u64 = format!("{decimals:0<2}").parse().ok()?;
        self.value()?.checked_mul(100)?.checked_add(part)
    }
}

/// The digits from `at` on.
pub(crate) fn digits(chars: &[char], at: usize) -> String {
    chars.iter().skip(at).take_while(|c| c.is_ascii_digit()).collect()
}

/// Whether there is a digit at a place.
pub(crate) fn is_digit(chars: &[char], at: usize) -> bool {
    chars.get(at).is_some_and(char::is_ascii_digit)
}

/// The number that begins at a place.
pub(crate) fn numeral(chars: &[char], at: usize) -> Option<Numeral> {
    let mut whole = digits(chars, at);
    if whole.is_empty() {
        return None;
    }
    let mut end = at + whole.len();
    let mut grouped = false;
    while whole.len() <= 3 || grouped {
        let group = digits(chars, end + 1);
        if chars.get(end) != Some(&',') || group.len() != 3 {
            break;
        }
        whole.push_str(&group);
        end += 4;
        grouped = true;
    }
    let mut decimals = String::new();
    if chars.get(end) == Some(&'.') {
        decimals = digits(chars, end + 1);
        if !decimals.is_empty() {
            end += 1 + decimals.len();
        }
    }
    Some(Numeral { whole, decimals, grouped, end })
}

/// Whether the text at a place goes on with a word.
pub(crate) fn follows(chars: &[char], at: usize, word: &str) -> bool {
    let mut here = chars.iter().skip(at);
    word.chars().all(|c| here.next() == Some(&c))
}

/// The place after spaces.
pub(crate) fn skip_spaces(chars: &[char], mut at: usize) -> usize {
    while chars.get(at) == Some(&' ') {
        at += 1;
    }
    at
}

/// A year, a month and a day: `2026-11-20`, `2026/11/20`, `2026.11.20`; and where the text goes on.
pub(crate) fn iso_date(chars: &[char], at: usize) -> Option<(String, u8, u8, usize)> {
    let year = digits(chars, at);
    let separator = *chars.get(at + 4)?;
    if year.len() != 4 || !(year.starts_with("19") || year.starts_with("20")) || !"-/.".contains(separator) {
        return None;
    }
    let month = digits(chars, at + 5);
    let behind = at + 5 + month.len();
    let day = digits(chars, behind + 1);
    if chars.get(behind) != Some(&separator) || month.len() > 2 || day.len() > 2 {
        return None;
    }
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    let end = behind + 1 + digits(chars, behind + 1).len();
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then_some((year, month, day, end))
}

/// Hours and minutes, `15:30` or `15:30:00`, and where the text goes on.
pub(crate) fn clock(chars: &[char], at: usize) -> Option<(u8, u8, usize)> {
    let hour = digits(chars, at);
    let colon = at + hour.len();
    let minute = digits(chars, colon + 1);
    if !matches!(chars.get(colon), Some(':' | '：')) || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
    let mut end = colon + 3;
    let seconds = digits(chars, end + 1);
    if chars.get(end) == Some(&':') && seconds.len() == 2 {
        end += 3;
    }
    (hour <= 24 && minute < 60).then_some((hour, minute, end))
}

/// Groups of three or four digits with single spaces between them, as a card or a code is written:
/// `6225 8888 8888 1234`; and where the text goes on. `None` for less than three groups.
pub(crate) fn spaced_groups(chars: &[char], at: usize) -> Option<(Vec<String>, usize)> {
    let mut groups = vec![digits(chars, at)];
    let mut end = at + groups[0].len();
    while chars.get(end) == Some(&' ') && is_digit(chars, end + 1) {
        let group = digits(chars, end + 1);
        end += 1 + group.len();
        groups.push(group);
    }
    let fits = groups.len() >= 3 && groups.iter().all(|group| (3..=4).contains(&group.len()));
    let decimal = chars.get(end) == Some(&'.') && is_digit(chars, end + 1);
    (fits && !decimal).then_some((groups, end))
}

/// The ends of names of computers that are read as such.
const TOP: [&str; 12] = ["com", "cn", "net", "org", "gov", "edu", "info", "io", "app", "top", "vip", "hk"];

fn of_domain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '-' | '_')
}

/// Whether a text ends with the name of a computer: `example.com`.
pub(crate) fn ends_with_domain(chars: &[char]) -> bool {
    let begin = chars.iter().rposition(|c| !of_domain(*c)).map_or(0, |before| before + 1);
    let name: String = chars[begin..].iter().collect();
    name.rsplit_once('.')
        .is_some_and(|(before, top)| !before.is_empty() && TOP.contains(&top.to_ascii_lowercase().as_str()))
}

/// Whether the dot at a place is inside an address: `example.com`, `li.lei@example`.
pub(crate) fn dot_of_address(chars: &[char], at: usize) -> bool {
    let beside = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_alphanumeric);
    if !beside(at.checked_sub(1)) || !beside(Some(at + 1)) {
        return false;
    }
    let begin = chars[..at].iter().rposition(|c| !of_domain(*c)).map_or(0, |before| before + 1);
    let length = chars[at..].iter().position(|c| !of_domain(*c)).unwrap_or(chars.len() - at);
    let mut end = at + length;
    while end > at && !chars[end - 1].is_ascii_alphanumeric() {
        end -= 1;
    }
    chars[begin..end].contains(&'@') || ends_with_domain(&chars[begin..end])
}

/// Letters and a number of at most two digits, as makers name their things: `iPhone15`, `WiFi6`.
/// `None` for a code.
pub(crate) fn named_number(run: &[char]) -> Option<(String, u64)> {
    let split = run.iter().position(char::is_ascii_digit)?;
    let (letters, number) = run.split_at(split);
    let name: String = letters.iter().collect();
    let is_name = letters.len() >= 3
        && letters.iter().all(char::is_ascii_alphabetic)
        && letters.iter().any(char::is_ascii_lowercase);
    let number: String = number.iter().collect();
    let short = number.len() <= 2 && !number.starts_with('0');
    if is_name && short { Some((name, number.parse().ok()?)) } else { None }
}

/// Digits by groups, the way codes and telephone numbers are told: threes and fours, up to five as
/// one, and 3-4-4 for eleven.
pub(crate) fn groups(digits: &str) -> Vec<String> {
    let characters: Vec<char> = digits.chars().collect();
    let total = characters.len();
    let mut sizes: Vec<usize> = match total {
        0..=5 => vec![total],
        _ if total.is_multiple_of(3) => vec![3; total / 3],
        _ if total.is_multiple_of(4) => vec![4; total / 4],
        11 => vec![3, 4, 4],
        // Threes, and as many fours at the end as it takes.
        _ => {
            let fours = total % 3;
            let mut sizes = vec![3; (total - 4 * fours) / 3];
            sizes.extend(vec![4; fours]);
            sizes
        }
    };
    let mut rest = characters.as_slice();
    sizes.retain(|size| *size > 0);
    sizes
        .into_iter()
        .map(|size| {
            let (group, behind) = rest.split_at(size.min(rest.len()));
            rest = behind;
            group.iter().collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chars(text: &str) -> Vec<char> {
        text.chars().collect()
    }

    #[test]
    fn numerals_keep_their_parts() {
        let read = |text: &str| numeral(&chars(text), 0).unwrap();
        assert_eq!(read("1,234.50元").hundredths(), Some(123_450));
        assert_eq!(read("1,23").whole, "1");
        assert_eq!(read("25.").end, 2);
        assert_eq!(read("0.05").hundredths(), Some(5));
        assert_eq!(read("99999999999999999999").value(), None);
    }

    #[test]
    fn addresses_and_cards_are_found() {
        let text = chars("mail a.b@example.cn. Then www.x.com/y");
        let dots: Vec<usize> = (0..text.len()).filter(|at| text[*at] == '.').collect();
        let inside: Vec<bool> = dots.iter().map(|at| dot_of_address(&text, *at)).collect();
        assert_eq!(inside, [true, true, false, true, true]);
        assert!(!dot_of_address(&chars("done.Then"), 4));
        let (groups, end) = spaced_groups(&chars("6225 8888 1234 is"), 0).unwrap();
        assert_eq!((groups.len(), end), (3, 14));
        assert!(spaced_groups(&chars("300 400"), 0).is_none());
        assert_eq!(named_number(&chars("WiFi6")), Some(("WiFi".into(), 6)));
        assert_eq!(named_number(&chars("KTDX10")), None);
    }

    #[test]
    fn digits_fall_into_groups() {
        assert_eq!(groups("407192865"), ["407", "192", "865"]);
        assert_eq!(groups("13800138000"), ["138", "0013", "8000"]);
        assert_eq!(groups("10086"), ["10086"]);
        assert_eq!(groups("2024112200358"), ["202", "411", "220", "0358"]);
        assert_eq!(groups("1234567"), ["123", "4567"]);
        assert!(groups("").is_empty());
        for length in 0..40 {
            assert_eq!(groups(&"1".repeat(length)).concat().len(), length);
        }
    }
}
