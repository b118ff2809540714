//! Typed values in Mandarin, as recorded words.

use std::collections::BTreeSet;
use std::time::Duration;

use hotline_model::{Currency, Decimal, Money};
use jiff::civil::{Date, Time};

use super::number::{
    DIGITS, cardinal, digit_text, hundreds_word, small, small_word, teen_word, thousands_word, two, zero,
};
use super::phrases;
use crate::value::Typed;
use crate::{Token, Word, scan};

/// Between the groups of a code: with less, the last digit of one and the same first digit of the
/// next are taken for one.
const GROUP: Duration = Duration::from_millis(320);
/// Where the digit before the rest is the one behind it, too.
const REPEATED: Duration = Duration::from_millis(480);

/// A value as words and pauses.
pub(crate) fn slot(value: &Typed) -> Vec<Token> {
    match value {
        Typed::Digits(digits) => digit_groups(&scan::groups(digits)),
        Typed::Phone(groups) => digit_groups(groups),
        Typed::Number(number) => words(decimal(*number, false)),
        Typed::Count { number, unit } => count(*number, unit),
        Typed::Money { money, colloquial } => words(amount(*money, *colloquial)),
        Typed::Date(date) => words(day(*date)),
        Typed::Time(time) => words(time_of_day(*time)),
    }
}

fn words(words: Vec<Word>) -> Vec<Token> {
    phrases::joined(&words).into_iter().map(Token::Word).collect()
}

/// Digits of a code, by the groups that are recorded whole.
pub(super) fn digit_groups(groups: &[String]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut before = None;
    for group in groups {
        if !tokens.is_empty() {
            let repeated = before == group.chars().next();
            tokens.push(Token::Pause(if repeated { REPEATED } else { GROUP }));
        }
        before = group.chars().next_back();
        let characters: Vec<char> = group.chars().collect();
        let mut rest = characters.as_slice();
        while !rest.is_empty() {
            let size = match rest.len() {
                2 | 4 | 5 => 2,
                1 => 1,
                _ => 3,
            };
            let (part, behind) = rest.split_at(size);
            rest = behind;
            if size > 1 && part.iter().all(char::is_ascii_digit) {
                tokens.push(Token::Word(group_word(&part.iter().collect::<String>())));
            } else {
                let last = part.len();
                tokens.extend(
                    part.iter()
                        .enumerate()
                        .map(|(at, c)| Token::Word(digit(*c, at + 1 == last && behind.is_empty()))),
                );
            }
        }
    }
    tokens
}

/// Two or three digits of a code in one recording: 幺 for 1. Digits that are spoken one by one and
/// joined lose their tones and their beginnings.
fn group_word(digits: &str) -> Word {
    Word::new(format!("g{digits}"), digit_text(digits, "幺"))
}

/// The digits of a group or the words of a phrase, for who has no recording of it.
pub(crate) fn smaller(word: &Word) -> Option<Vec<Word>> {
    digits_of_group(word).or_else(|| phrases::parts(word))
}

fn digits_of_group(word: &Word) -> Option<Vec<Word>> {
    let digits = word.key.strip_prefix('g').filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()))?;
    let last = digits.len();
    Some(digits.chars().enumerate().map(|(at, c)| digit(c, at + 1 == last)).collect())
}

fn digit(c: char, last: bool) -> Word {
    let place = if last { "end" } else { "mid" };
    match (c, c.to_digit(10)) {
        ('*', _) => Word::new("star", "星号"),
        ('#', _) => Word::new("pound", "井号"),
        (_, Some(1)) => Word::new(format!("yao-{place}"), "幺"),
        (_, Some(d)) => Word::new(format!("d{d}-{place}"), DIGITS[d as usize]),
        (c, None) => Word::new(format!("letter-{c}"), c.to_string()),
    }
}

/// 一百二十八点五: the decimals digit by digit, 1 is 一.
fn decimal(number: Decimal, measured: bool) -> Vec<Word> {
    let plain = number.to_string();
    let unsigned = plain.trim_start_matches('-');
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut words = Vec::new();
    if plain.starts_with('-') {
        words.push(Word::new("minus", "负"));
    }
    words.extend(cardinal(whole.parse().unwrap_or(0), measured && decimals.is_empty()));
    if !decimals.is_empty() {
        words.push(Word::new("point", "点"));
        let last = decimals.len();
        for (at, d) in decimals.chars().filter_map(|c| c.to_digit(10)).enumerate() {
            words.push(decimal_digit(d, at + 1 == last && !measured));
        }
    }
    words
}

fn decimal_digit(d: u32, last: bool) -> Word {
    Word::new(format!("d{d}-{}", if last { "end" } else { "mid" }), DIGITS[d as usize % 10])
}

fn count(number: Decimal, unit: &str) -> Vec<Token> {
    let mut tokens = words(decimal(number, true));
    match UNITS.iter().find(|(known, _)| *known == unit) {
        Some((text, key)) => tokens.push(Token::Word(Word::new(format!("u-{key}"), *text))),
        // A measure word nobody recorded: the whole is spoken by the voice.
        None => tokens.push(Token::Word(Word::new("u-other", unit))),
    }
    tokens
}

/// 三十五元六角; colloquially 三十五块六.
fn amount(money: Money, colloquial: bool) -> Vec<Word> {
    let mut words = Vec::new();
    if money.hundredths < 0 {
        words.push(Word::new("minus", "负"));
    }
    let hundredths = money.hundredths.unsigned_abs();
    let (whole, tenths, rest) = (hundredths / 100, hundredths / 10 % 10, hundredths % 10);
    if money.currency == Currency::Usd {
        let scale = if hundredths.is_multiple_of(100) {
            0
        } else if rest == 0 {
            1
        } else {
            2
        };
        let mantissa = hundredths / 10u64.pow(2 - scale);
        let mantissa = i64::try_from(mantissa).unwrap_or(i64::MAX);
        words.extend(decimal(Decimal { mantissa, scale: scale as u8 }, true));
        words.push(Word::new("dollar", "美元"));
        return words;
    }
    if whole > 0 || hundredths == 0 {
        words.extend(cardinal(whole, true));
        if colloquial {
            words.push(Word::new("kuai", "块"));
        } else {
            words.push(Word::new("yuan", "元"));
        }
    }
    let alone = whole == 0;
    match (tenths, rest) {
        (0, 0) => {}
        (0, rest) => {
            if !alone {
                words.push(zero());
            }
            words.push(cents(rest));
        }
        // 三十五块六, 六毛, 三十五块六毛五.
        (tenths, 0) if colloquial && !alone => words.push(small_word(tenths)),
        (tenths, 0) if colloquial => words.push(dimes(tenths, true)),
        (tenths, rest) if colloquial => words.extend([dimes(tenths, true), small_word(rest)]),
        (tenths, 0) => words.push(dimes(tenths, false)),
        (tenths, rest) => words.extend([dimes(tenths, false), cents(rest)]),
    }
    words
}

fn measured(n: u64) -> &'static str {
    if n == 2 { "两" } else { DIGITS[(n % 10) as usize] }
}

pub(super) fn dimes(n: u64, colloquial: bool) -> Word {
    let (key, unit) = if colloquial { ("mao", "毛") } else { ("jiao", "角") };
    Word::new(format!("{key}{n}"), format!("{}{unit}", measured(n)))
}

pub(super) fn cents(n: u64) -> Word {
    Word::new(format!("fen{n}"), format!("{}分", measured(n)))
}

/// 十一月二十日.
fn day(date: Date) -> Vec<Word> {
    vec![month_word(u64::from(date.month().unsigned_abs())), day_word(u64::from(date.day().unsigned_abs()))]
}

fn month_word(month: u64) -> Word {
    Word::new(format!("month{month}"), format!("{}月", small(month)))
}

fn day_word(day: u64) -> Word {
    Word::new(format!("day{day}"), format!("{}日", small(day)))
}

/// 下午两点半.
fn time_of_day(time: Time) -> Vec<Word> {
    let (hour, minute) = (u64::from(time.hour().unsigned_abs()), u64::from(time.minute().unsigned_abs()));
    let (_, key, text) = PERIODS.iter().rev().find(|(from, ..)| *from <= hour).unwrap_or(&PERIODS[0]);
    let mut words = vec![Word::new(*key, *text), hour_word(if hour > 12 { hour - 12 } else { hour })];
    match minute {
        0 => {}
        30 => words.push(Word::new("half", "半")),
        minute => {
            if minute < 10 {
                words.push(zero());
            }
            words.extend([small_word(minute), Word::new("minute", "分")]);
        }
    }
    words
}

fn hour_word(hour: u64) -> Word {
    let hour_text = if hour == 2 { "两".to_owned() } else { small(hour) };
    Word::new(format!("hour{hour}"), format!("{hour_text}点"))
}

/// From which hour a part of the day is called how.
const PERIODS: [(u64, &str, &str); 6] = [
    (0, "before-dawn", "凌晨"),
    (6, "early", "早上"),
    (9, "morning", "上午"),
    (12, "noon", "中午"),
    (13, "afternoon", "下午"),
    (18, "evening", "晚上"),
];

/// Measure words that are recorded, and the rest of their key.
const UNITS: [(&str, &str); 24] = [
    ("位", "wei"),
    ("个", "ge"),
    ("天", "tian"),
    ("次", "ci"),
    ("张", "zhang"),
    ("条", "tiao"),
    ("笔", "bi"),
    ("件", "jian"),
    ("分钟", "fenzhong"),
    ("秒", "miao"),
    ("小时", "xiaoshi"),
    ("个月", "geyue"),
    ("年", "nian"),
    ("个工作日", "gegongzuori"),
    ("个人", "geren"),
    ("人", "ren"),
    ("项", "xiang"),
    ("份", "fen"),
    ("分", "score"),
    ("元", "yuan"),
    ("兆", "zhao"),
    ("位数字", "weishuzi"),
    ("位客户", "weikehu"),
    ("遍", "bian"),
];

/// Every recorded word.
pub(crate) fn inventory() -> Vec<Word> {
    let mut all = BTreeSet::new();
    for place in ["mid", "end"] {
        all.insert(Word::new(format!("yao-{place}"), "幺"));
        for (d, text) in DIGITS.iter().enumerate() {
            all.insert(Word::new(format!("d{d}-{place}"), *text));
        }
    }
    all.extend((0..100).map(|n| group_word(&format!("{n:02}"))));
    all.extend((0..1000).map(|n| group_word(&format!("{n:03}"))));
    all.extend([two(), zero(), hundreds_word(2, true)]);
    all.extend((1..100).map(small_word));
    all.extend((10..20).map(teen_word));
    all.extend(phrases::inventory());
    for n in 1..10 {
        all.extend([hundreds_word(n, false), thousands_word(n), cents(n), dimes(n, false), dimes(n, true)]);
    }
    for (key, text) in [
        ("wan", "万"),
        ("yi", "亿"),
        ("point", "点"),
        ("minus", "负"),
        ("yuan", "元"),
        ("kuai", "块"),
        ("dollar", "美元"),
        ("half", "半"),
        ("minute", "分"),
        ("star", "星号"),
        ("pound", "井号"),
    ] {
        all.insert(Word::new(key, text));
    }
    all.extend((1..=12).map(month_word));
    all.extend((1..=31).map(day_word));
    all.extend((0..=12).map(hour_word));
    all.extend(PERIODS.iter().map(|(_, key, text)| Word::new(*key, *text)));
    all.extend(UNITS.iter().map(|(text, key)| Word::new(format!("u-{key}"), *text)));
    all.into_iter().collect()
}
