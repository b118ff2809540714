//! Typed values in English, as recorded words.

use std::collections::BTreeSet;
use std::time::Duration;

use hotline_model::{Currency, Decimal, Money};
use jiff::civil::{Date, Time};

use super::number::{MONTHS, SCALES, cardinal, digit, ordinal, small_word};
use crate::value::Typed;
use crate::{Token, Word, scan};

/// Between the groups of a code.
const GROUP: Duration = Duration::from_millis(250);

/// A value as words and pauses.
pub(crate) fn slot(value: &Typed) -> Vec<Token> {
    match value {
        Typed::Digits(digits) => digit_groups(&scan::groups(digits)),
        Typed::Phone(groups) => digit_groups(groups),
        Typed::Number(number) => words(decimal(*number)),
        Typed::Count { number, unit } => count(*number, unit),
        Typed::Money { money, .. } => words(amount(*money)),
        Typed::Date(date) => words(day(*date)),
        Typed::Time(time) => words(time_of_day(*time)),
    }
}

fn words(words: Vec<Word>) -> Vec<Token> {
    words.into_iter().map(Token::Word).collect()
}

fn digit_groups(groups: &[String]) -> Vec<Token> {
    let mut tokens = Vec::new();
    for group in groups {
        if !tokens.is_empty() {
            tokens.push(Token::Pause(GROUP));
        }
        let last = group.chars().count();
        for (at, c) in group.chars().enumerate() {
            tokens.push(Token::Word(digit_word(c, at + 1 == last)));
        }
    }
    tokens
}

fn digit_word(c: char, last: bool) -> Word {
    let place = if last { "end" } else { "mid" };
    match (c, c.to_digit(10)) {
        ('*', _) => Word::new("star", "star"),
        ('#', _) => Word::new("pound", "pound"),
        (_, Some(d)) => Word::new(format!("d{d}-{place}"), digit(d)),
        (c, None) => Word::new(format!("letter-{c}"), c.to_string()),
    }
}

/// One hundred twenty-eight point five: the decimals digit by digit.
fn decimal(number: Decimal) -> Vec<Word> {
    let plain = number.to_string();
    let unsigned = plain.trim_start_matches('-');
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut words = Vec::new();
    if plain.starts_with('-') {
        words.push(Word::new("minus", "minus"));
    }
    words.extend(cardinal(whole.parse().unwrap_or(0)));
    if !decimals.is_empty() {
        words.push(Word::new("point", "point"));
        let last = decimals.len();
        for (at, c) in decimals.chars().enumerate() {
            words.push(digit_word(c, at + 1 == last));
        }
    }
    words
}

fn count(number: Decimal, unit: &str) -> Vec<Token> {
    let one = number.mantissa == 1 && number.scale == 0;
    let unit = if one { unit.to_owned() } else { plural(unit) };
    let mut tokens = words(decimal(number));
    tokens.push(Token::Word(Word::new(format!("u-{}", unit.replace(' ', "-").to_lowercase()), unit)));
    tokens
}

/// The plural of a noun as most are formed.
fn plural(noun: &str) -> String {
    if noun == "person" {
        return "people".into();
    }
    let vowel_before = |stem: &str| stem.ends_with(['a', 'e', 'i', 'o', 'u']);
    match noun.strip_suffix('y') {
        Some(stem) if !vowel_before(stem) => format!("{stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| noun.ends_with(end)) => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Ninety-eight dollars and fifty cents; ninety-eight point five yuan.
fn amount(money: Money) -> Vec<Word> {
    let mut words = Vec::new();
    let hundredths = money.hundredths.unsigned_abs();
    let (whole, cents) = (hundredths / 100, hundredths % 100);
    if money.currency == Currency::Cny {
        let scale: u8 = match (cents, cents % 10) {
            (0, _) => 0,
            (_, 0) => 1,
            _ => 2,
        };
        let mantissa = i64::try_from(hundredths / 10u64.pow(u32::from(2 - scale))).unwrap_or(i64::MAX);
        if money.hundredths < 0 {
            words.push(Word::new("minus", "minus"));
        }
        words.extend(decimal(Decimal { mantissa, scale }));
        words.push(Word::new("yuan", "yuan"));
        return words;
    }
    if money.hundredths < 0 {
        words.push(Word::new("minus", "minus"));
    }
    let named = |n: u64, one: &'static str, many: &'static str| {
        let name = if n == 1 { one } else { many };
        Word::new(name, name)
    };
    if whole > 0 || cents == 0 {
        words.extend(cardinal(whole));
        words.push(named(whole, "dollar", "dollars"));
    }
    if cents > 0 {
        if whole > 0 {
            words.push(Word::new("and", "and"));
        }
        words.extend([small_word(cents), named(cents, "cent", "cents")]);
    }
    words
}

/// November twentieth.
fn day(date: Date) -> Vec<Word> {
    vec![month_word(date.month().unsigned_abs()), day_word(u64::from(date.day().unsigned_abs()))]
}

fn month_word(month: u8) -> Word {
    Word::new(format!("month{month}"), MONTHS[usize::from(month.clamp(1, 12)) - 1])
}

fn day_word(day: u64) -> Word {
    Word::new(format!("day{day}"), ordinal(day))
}

/// Two thirty p.m.
fn time_of_day(time: Time) -> Vec<Word> {
    let (hour, minute) = (u64::from(time.hour().unsigned_abs()), u64::from(time.minute().unsigned_abs()));
    let mut words = vec![small_word(if hour.is_multiple_of(12) { 12 } else { hour % 12 })];
    match minute {
        0 => {}
        1..=9 => words.extend([Word::new("oh", "oh"), small_word(minute)]),
        _ => words.push(small_word(minute)),
    }
    words.push(if hour < 12 { Word::new("am", "AM") } else { Word::new("pm", "PM") });
    words
}

/// Nouns that are recorded in both numbers.
const UNITS: [&str; 17] = [
    "digit",
    "day",
    "working day",
    "week",
    "month",
    "year",
    "hour",
    "minute",
    "second",
    "time",
    "call",
    "message",
    "person",
    "caller",
    "point",
    "gigabyte",
    "megabyte",
];

/// Every recorded word.
pub(crate) fn inventory() -> Vec<Word> {
    let mut all = BTreeSet::new();
    for c in '0'..='9' {
        all.extend([digit_word(c, false), digit_word(c, true)]);
    }
    all.extend((0..100).map(small_word));
    all.extend(SCALES.iter().skip(2).map(|(_, name)| Word::new(*name, *name)));
    for name in [
        "hundred", "point", "minus", "and", "oh", "yuan", "dollar", "dollars", "cent", "cents", "star",
        "pound",
    ] {
        all.insert(Word::new(name, name));
    }
    all.extend([Word::new("am", "AM"), Word::new("pm", "PM")]);
    all.extend((1..=12).map(month_word));
    all.extend((1..=31).map(day_word));
    for unit in UNITS {
        for text in [unit.to_owned(), plural(unit)] {
            all.insert(Word::new(format!("u-{}", text.replace(' ', "-")), text));
        }
    }
    all.into_iter().collect()
}
