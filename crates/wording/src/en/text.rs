//! Free English text to the words that are spoken.

use super::number::{MONTHS, cardinal_text, digit_text, ordinal, small, year};
use super::words::{symbol, word};
use crate::scan::{self, clock, digits, is_digit, iso_date, numeral, skip_spaces};
use crate::value::phone_groups;

/// Words behind which digits are a code.
const CODES: [&str; 26] = [
    "ending",
    "room",
    "suite",
    "apartment",
    "zip",
    "box",
    "puk",
    "imei",
    "digits",
    "code",
    "number",
    "no",
    "order",
    "ticket",
    "call",
    "dial",
    "phone",
    "pin",
    "id",
    "account",
    "ending in",
    "ext",
    "extension",
    "hotline",
    "card",
    "text",
];
/// Words behind which four digits are a year.
const YEARS: [&str; 9] = ["in", "since", "of", "by", "until", "year", "before", "after", "from"];

/// Words behind which `11/23` is a day.
const ON_DAYS: [&str; 8] = ["on", "by", "until", "before", "after", "since", "from", "till"];

/// Spoken words, with English punctuation.
pub(crate) fn normalise(chars: &[char]) -> String {
    let mut out = String::with_capacity(chars.len() * 2);
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = currency(chars, at, &mut out)
            .or_else(|| international(chars, at, &mut out))
            .or_else(|| if c.is_ascii_digit() || c == '(' { number(chars, at, &mut out) } else { None })
            .or_else(|| if c.is_alphabetic() { word(chars, at, &mut out) } else { None });
        at = match next {
            // Each reading goes forward, whatever the text.
            Some(next) if next > at => next,
            _ => {
                symbol(chars, at, &mut out);
                at + 1
            }
        };
    }
    out.trim_end().to_owned()
}

/// Adds words with one space before them.
pub(super) fn say(words: &str, out: &mut String) {
    if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
    out.push_str(words);
}

/// `25 USD`, `RMB 98.50`: a currency by its letters, before a number or behind one.
pub(super) fn currency_code(chars: &[char], run: &str, end: usize, out: &mut String) -> Option<usize> {
    let (unit, sign) = match run {
        "USD" => ("dollars", '$'),
        "EUR" => ("euros", '€'),
        "GBP" => ("pounds", '£'),
        "RMB" | "CNY" => ("yuan", '¥'),
        _ => return None,
    };
    let number = skip_spaces(chars, end);
    if is_digit(chars, number) {
        // Read as if the sign stood there.
        let mut signed = vec![sign];
        signed.extend(&chars[number..]);
        return currency(&signed, 0, out).map(|read| number + read - 1);
    }
    say(unit, out);
    Some(end)
}

fn named(n: Option<u64>, one: &str) -> String {
    if n == Some(1) { one.to_owned() } else { format!("{one}s") }
}

/// `$5.60`, `¥1,234.50`.
fn currency(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let sign = chars[at];
    if !matches!(sign, '$' | '¥' | '€' | '£') {
        return None;
    }
    let found = numeral(chars, skip_spaces(chars, at + 1))?;
    let scale = letters(chars, skip_spaces(chars, found.end));
    if ["million", "billion", "thousand"].contains(&scale.as_str()) {
        let end = skip_spaces(chars, found.end) + scale.len();
        let unit = if sign == '$' { "dollars" } else { "yuan" };
        say(&format!("{} {scale} {unit}", number_text(&found)), out);
        return Some(end);
    }
    let text = match (sign, found.hundredths()) {
        ('$' | '€' | '£', Some(hundredths)) => {
            let unit = match sign {
                '$' => "dollar",
                '€' => "euro",
                _ => "pound",
            };
            let (whole, cents) = (hundredths / 100, hundredths % 100);
            let minor = if sign == '£' { "penny" } else { "cent" };
            let cents_text =
                format!("{} {}", small(cents), named(Some(cents), minor).replace("pennys", "pence"));
            match (whole, cents) {
                (whole, 0) => format!("{} {}", cardinal_text(whole), named(Some(whole), unit)),
                (0, _) => cents_text,
                (whole, _) => {
                    format!("{} {} and {cents_text}", cardinal_text(whole), named(Some(whole), unit))
                }
            }
        }
        ('¥', _) => format!("{} yuan", number_text(&found)),
        _ => format!("{} dollars", number_text(&found)),
    };
    say(&text, out);
    Some(found.end)
}

/// `+86 138 0013 8000`, `+1 (212) 555-0100`.
fn international(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    if chars[at] != '+' || !is_digit(chars, at + 1) {
        return None;
    }
    let (found, end) = spaced_digits(chars, at + 1);
    if found.len() < 9 {
        return None;
    }
    let number = match found.as_str() {
        n if n.starts_with("86") => &n[2..],
        n if n.starts_with('1') && n.len() == 11 => &n[1..],
        n => n,
    };
    push_groups(&american(number), out);
    Some(end)
}

fn american(number: &str) -> Vec<String> {
    if number.len() == 10 && !number.starts_with('0') {
        return vec![number[..3].to_owned(), number[3..6].to_owned(), number[6..].to_owned()];
    }
    phone_groups(number)
}

/// Digits with spaces, hyphens and brackets between them, and where they end.
fn spaced_digits(chars: &[char], mut at: usize) -> (String, usize) {
    let mut found = String::new();
    loop {
        match chars.get(at) {
            Some(c) if c.is_ascii_digit() => found.push(*c),
            Some(' ' | '-' | '.' | '(') if is_digit(chars, at + 1) => {}
            Some(')' | ' ' | '-')
                if matches!(chars.get(at + 1), Some(' ' | '(' | '-')) && is_digit(chars, at + 2) => {}
            Some(')') if is_digit(chars, at + 1) => {}
            _ => return (found, at),
        }
        at += 1;
    }
}

fn push_groups(groups: &[String], out: &mut String) {
    let spoken: Vec<String> = groups.iter().map(|group| digit_text(group)).collect();
    say(&spoken.join(", "), out);
}

fn number(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    telephone(chars, at, out)
        .or_else(|| date(chars, at, out))
        .or_else(|| time(chars, at, out))
        .or_else(|| range(chars, at, out))
        .or_else(|| plain(chars, at, out))
}

/// `(212) 555-0100`, `138 0013 8000`, `400-810-0086`.
fn telephone(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let begin = if chars[at] == '(' { at + 1 } else { at };
    if !is_digit(chars, begin) {
        return None;
    }
    let first = digits(chars, begin);
    if let Some((groups, end)) =
        scan::spaced_groups(chars, begin).filter(|(groups, _)| !(10..=12).contains(&groups.concat().len()))
    {
        push_groups(&groups, out);
        return Some(end);
    }
    let (all, end) = spaced_digits(chars, begin);
    if first == "1" && all.len() == 11 {
        let mut groups = vec![first];
        groups.extend(american(&all[1..]));
        push_groups(&groups, out);
        return Some(end);
    }
    let parted = all.len() > first.len();
    let local = all.len() == 10 && first.len() == 3 && parted && chars.get(begin + 3) != Some(&'.');
    let mobile = all.len() == 11 && all.starts_with('1') && (first.len() == 3 || !parted);
    let area = parted && first.starts_with('0') && (10..=12).contains(&all.len());
    if !(local || mobile || area) {
        return None;
    }
    push_groups(&if local { american(&all) } else { phone_groups(&all) }, out);
    Some(end)
}

/// `2026-11-20`, `11/22/2026`.
fn date(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    if let Some((years, month, day, end)) = iso_date(chars, at).filter(|(.., end)| !is_digit(chars, *end)) {
        push_date(month, day, years.parse().ok()?, out);
        return Some(end);
    }
    let month = digits(chars, at);
    let second = at + month.len() + 1;
    let day = digits(chars, second);
    let third = second + day.len() + 1;
    let years = digits(chars, third);
    let slashes = chars.get(second - 1) == Some(&'/') && chars.get(third - 1) == Some(&'/');
    let (month, day): (u8, u8) = (month.parse().ok()?, day.parse().ok()?);
    if !slashes || years.len() != 4 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    push_date(month, day, years.parse().ok()?, out);
    Some(third + 4)
}

fn push_date(month: u8, day: u8, years: u64, out: &mut String) {
    let name = MONTHS[usize::from(month.clamp(1, 12)) - 1];
    say(&format!("{name} {}, {}", ordinal(day.into()), year(years)), out);
}

/// `15:30`, `3:05 pm`.
fn time(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let (hour, minute, end) = clock(chars, at)?;
    let behind = skip_spaces(chars, end);
    let usual = if hour % 24 < 12 { "AM" } else { "PM" };
    let (half, end) = half_of_day(chars, behind)
        .or_else(|| Some((half_of_range(chars, hour, end)?, end)))
        .unwrap_or((usual, end));
    say(&time_text(hour.into(), minute.into(), half), out);
    if let Some(dash) = Some(skip_spaces(chars, end)).filter(|d| matches!(chars.get(*d), Some('-' | '~')))
        && clock(chars, skip_spaces(chars, dash + 1)).is_some()
    {
        out.push_str(" to");
        return Some(dash + 1);
    }
    Some(end)
}

/// `2:00-4:00 PM`: the half of the day that is written behind the second time is the first one's too.
fn half_of_range(chars: &[char], hour: u8, end: usize) -> Option<&'static str> {
    let dash = Some(skip_spaces(chars, end)).filter(|d| matches!(chars.get(*d), Some('-' | '~')))?;
    let (until, _, behind) = clock(chars, skip_spaces(chars, dash + 1))?;
    let (half, _) = half_of_day(chars, skip_spaces(chars, behind))?;
    // 11:00-1:00 PM begins in the morning.
    (hour <= 12 && hour % 12 <= until % 12).then_some(half)
}

fn time_text(hour: u64, minute: u64, half: &str) -> String {
    let hour = small(if hour.is_multiple_of(12) { 12 } else { hour % 12 });
    match minute {
        0 => format!("{hour} {half}"),
        1..=9 => format!("{hour} oh {} {half}", small(minute)),
        _ => format!("{hour} {} {half}", small(minute)),
    }
}

/// `am`, `p.m.`
fn half_of_day(chars: &[char], at: usize) -> Option<(&'static str, usize)> {
    for (spelling, half) in [("a.m.", "AM"), ("p.m.", "PM"), ("am", "AM"), ("pm", "PM")] {
        let word: String = chars.iter().skip(at).take(spelling.len()).collect();
        let end = at + spelling.len();
        if word.to_ascii_lowercase() == spelling && !chars.get(end).is_some_and(|c| c.is_alphanumeric()) {
            return Some((half, end));
        }
    }
    None
}

/// `3-5 days`.
fn range(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let low = numeral(chars, at)?;
    let dash = skip_spaces(chars, low.end);
    let marked = matches!(chars.get(dash), Some('-' | '~' | '—'));
    let high = numeral(chars, skip_spaces(chars, dash + 1)).filter(|_| marked)?;
    let small = low.whole.len() <= 5 && high.whole.len() <= 5 && !low.whole.starts_with("00");
    let counts = {
        let unit = skip_spaces(chars, high.end);
        chars.get(unit).is_some_and(|c| c.is_alphabetic() || *c == '%')
    };
    if !small || !counts || chars.get(high.end) == Some(&'-') {
        return None;
    }
    say(&format!("{} to", number_text(&low)), out);
    Some(skip_spaces(chars, dash + 1))
}

fn plain(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let found = numeral(chars, at)?;
    if !found.decimals.is_empty() && chars.get(found.end) == Some(&'.') && is_digit(chars, found.end + 1) {
        let end = dotted_end(chars, at);
        let text: String = chars[at..end].iter().collect();
        let parts: Vec<String> = text.split('.').filter(|p| !p.is_empty()).map(digit_text).collect();
        say(&parts.join(" point "), out);
        return Some(end);
    }
    let behind = skip_spaces(chars, found.end);
    match chars.get(behind) {
        Some('%') => {
            say(&format!("{} percent", number_text(&found)), out);
            return Some(behind + 1);
        }
        Some('℃') => {
            say(&format!("{} degrees Celsius", number_text(&found)), out);
            return Some(behind + 1);
        }
        Some('°') => {
            let scale = match chars.get(behind + 1) {
                Some('C') => "Celsius",
                Some('F') => "Fahrenheit",
                _ => "",
            };
            say(format!("{} degrees {scale}", number_text(&found)).trim_end(), out);
            return Some(behind + 1 + usize::from(!scale.is_empty()));
        }
        _ => {}
    }
    if let Some((half, end)) = half_of_day(chars, behind).filter(|_| found.integer().is_some_and(|h| h <= 12))
    {
        say(&format!("{} {half}", number_text(&found)), out);
        return Some(end);
    }
    let suffix = letters(chars, found.end).to_ascii_lowercase();
    if let Some(end) = day_and_month(chars, &found, out) {
        return Some(end);
    }
    if let Some((top, bottom, end)) = fraction(chars, &found) {
        let part = if bottom == 2 { "half".to_owned() } else { ordinal(bottom) };
        let many = if top == 1 { "" } else { "s" };
        say(&format!("{} {part}{many}", cardinal_text(top)), out);
        return Some(end);
    }
    if let Some(n) = found.integer().filter(|n| *n < 10_000)
        && ["st", "nd", "rd", "th"].contains(&suffix.as_str())
    {
        say(&ordinal_text(n), out);
        return Some(found.end + 2);
    }
    let unit = letters(chars, behind);
    if let Some(name) = unit_name(&unit).filter(|_| !is_digit(chars, behind + unit.len())) {
        let spoken = if name == "G" || name.contains(" per ") {
            name.to_owned()
        } else {
            named(found.integer(), name)
        };
        say(&format!("{} {spoken}", number_text(&found)), out);
        return Some(behind + unit.len());
    }
    let last = last_word(out);
    if let Some(n) = found.integer().filter(|_| !found.grouped) {
        let month = MONTHS.iter().any(|name| name.eq_ignore_ascii_case(&last));
        if month && (1..=31).contains(&n) && found.whole.len() <= 2 {
            say(&ordinal(n), out);
            return Some(found.end);
        }
        // In 2026; November twentieth, 2026.
        let dated = MONTHS
            .iter()
            .any(|name| out.rsplit(' ').take(2).any(|w| w.trim_end_matches(',').eq_ignore_ascii_case(name)));
        if found.whole.len() == 4 && (1900..2100).contains(&n) && (YEARS.contains(&last.as_str()) || dated) {
            say(&year(n), out);
            return Some(found.end);
        }
    }
    let lower = out.trim_end_matches([' ', ':', '.', '#']).to_ascii_lowercase();
    let lower = lower.strip_suffix(" is").unwrap_or(&lower);
    let is_code = found.decimals.is_empty()
        && !found.grouped
        && (found.whole.len() > 1 && found.whole.starts_with('0')
            || found.whole.len() >= 7
            || is_emergency(&found.whole, lower)
            || is_zip(chars, behind, &found.whole, out)
            || found.whole.len() >= 4 && CODES.iter().any(|word| ends_with_word(lower, word)));
    if is_code {
        push_groups(&scan::groups(&found.whole), out);
        return Some(found.end);
    }
    // Version 3.0 is not version 3.
    if found.decimals.ends_with('0') && last == "version" {
        say(&format!("{} point {}", cardinal_text(found.value()?), digit_text(&found.decimals)), out);
        return Some(found.end);
    }
    say(&number_text(&found), out);
    Some(found.end)
}

/// `22 Nov`, and `11/23` behind a word that a day follows.
fn day_and_month(chars: &[char], found: &scan::Numeral, out: &mut String) -> Option<usize> {
    let first = found.integer().filter(|n| (1..=31).contains(n) && found.whole.len() <= 2)?;
    let last = last_word(out);
    if chars.get(found.end) == Some(&'/') {
        let day = digits(chars, found.end + 1);
        let end = found.end + 1 + day.len();
        let day: u64 = day.parse().ok().filter(|day| (1..=31).contains(day))?;
        if !ON_DAYS.contains(&last.as_str()) || first > 12 || chars.get(end) == Some(&'/') {
            return None;
        }
        say(&format!("{} {}", MONTHS[(first - 1) as usize], ordinal(day)), out);
        return Some(end);
    }
    let begin = skip_spaces(chars, found.end);
    let word = letters(chars, begin);
    let capital = word.starts_with(|c: char| c.is_ascii_uppercase());
    let month = MONTHS.iter().find(|name| {
        capital
            && (name.eq_ignore_ascii_case(&word)
                || word.len() >= 3 && word.len() <= 4 && name.starts_with(&word))
    })?;
    let article = if last == "the" { "" } else { "the " };
    say(&format!("{article}{} of {month}", ordinal(first)), out);
    let end = begin + word.len();
    let short = word.len() < month.len();
    Some(if short && chars.get(end) == Some(&'.') && skip_spaces(chars, end + 1) < chars.len() {
        end + 1
    } else {
        end
    })
}

/// Numbers for emergencies are dialled digit by digit.
fn is_emergency(whole: &str, before: &str) -> bool {
    ["911", "112", "999", "110", "119", "120", "122"].contains(&whole)
        && ["call", "dial", "text"].iter().any(|word| ends_with_word(before, word))
}

/// `IL 62704`: five digits behind the letters of a state.
fn is_zip(chars: &[char], behind: usize, whole: &str, out: &str) -> bool {
    let state = out.trim_end().rsplit(' ').next().unwrap_or_default();
    whole.len() == 5
        && state.len() == 2
        && state.chars().all(|c| c.is_ascii_uppercase())
        && !chars.get(behind).is_some_and(|c| c.is_alphabetic())
}

/// Up to 9,999: one hundred first.
fn ordinal_text(n: u64) -> String {
    match (n / 100 * 100, n % 100) {
        (0, rest) => ordinal(rest),
        (hundreds, 0) => format!("{}th", cardinal_text(hundreds)),
        (hundreds, rest) => format!("{} {}", cardinal_text(hundreds), ordinal(rest)),
    }
}

/// `1/3`.
fn fraction(chars: &[char], top: &scan::Numeral) -> Option<(u64, u64, usize)> {
    let bottom = numeral(chars, top.end + 1).filter(|_| chars.get(top.end) == Some(&'/'))?;
    let (a, b) = (top.integer()?, bottom.integer()?);
    (a < b && b <= 10 && chars.get(bottom.end) != Some(&'/')).then_some((a, b, bottom.end))
}

/// Where `1.2.3` ends: a dot behind it belongs to the sentence.
fn dotted_end(chars: &[char], at: usize) -> usize {
    let dotted = |(n, c): &(usize, &char)| c.is_ascii_digit() || **c == '.' && is_digit(chars, n + 1);
    at + chars.iter().enumerate().skip(at).take_while(dotted).count()
}

pub(super) fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|before| !before.ends_with(char::is_alphanumeric))
}

fn last_word(out: &str) -> String {
    let trimmed = out.trim_end_matches([' ', ',', '.']);
    trimmed.rsplit(' ').next().unwrap_or_default().to_ascii_lowercase()
}

fn letters(chars: &[char], at: usize) -> String {
    chars.iter().skip(at).take_while(|c| c.is_ascii_alphabetic()).collect()
}

fn unit_name(unit: &str) -> Option<&'static str> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "gb" => "gigabyte",
        "mb" => "megabyte",
        "kb" => "kilobyte",
        "tb" => "terabyte",
        "g" => "G",
        "mbps" => "megabits per second",
        "lb" | "lbs" => "pound",
        "oz" => "ounce",
        "kg" => "kilogram",
        "km" => "kilometer",
        "cm" => "centimeter",
        "ml" => "milliliter",
        "min" | "mins" => "minute",
        "hr" | "hrs" => "hour",
        "sec" | "secs" => "second",
        _ => return None,
    })
}

fn number_text(found: &scan::Numeral) -> String {
    let Some(value) = found.value() else { return digit_text(&found.whole) };
    if found.decimals.trim_end_matches('0').is_empty() {
        return cardinal_text(value);
    }
    let decimals = digit_text(found.decimals.trim_end_matches('0'));
    format!("{} point {decimals}", cardinal_text(value))
}
