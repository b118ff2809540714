//! Typed values: each is read back from its words, so that no value sounds like another.

use hotline_model::{Currency, Decimal, Language, Money, Slot, Value};
use hotline_wording::{Token, inventory, slot};
use jiff::civil::{date, time};
use proptest::prelude::*;

/// Words with a bar for each pause.
fn said(how: &Slot, value: &Value, language: Language) -> String {
    let gap = if language == Language::EnUs { " " } else { "" };
    let mut said = String::new();
    for token in slot(how, value, language).expect("the slot speaks this type") {
        match token {
            Token::Word(word) => {
                if !said.is_empty() && !said.ends_with('|') {
                    said.push_str(gap);
                }
                said.push_str(&word.text);
            }
            Token::Pause(_) => said.push('|'),
            Token::Text { text, .. } => said.push_str(&text),
        }
    }
    said
}

fn yuan(hundredths: i64) -> Value {
    Value::Money(Money { hundredths, currency: Currency::Cny })
}

fn number(text: &str) -> Value {
    Value::Number(Decimal::parse(text).expect("a number"))
}

const MONEY: Slot = Slot::Money { colloquial: false };
const COLLOQUIAL: Slot = Slot::Money { colloquial: true };

#[test]
fn chinese_values_are_spoken_as_people_do() {
    let digits = |text: &str| Value::Digits(text.into());
    let count = |unit: &str| Slot::Count { unit: unit.into() };
    let dollars = Value::Money(Money { hundredths: 560, currency: Currency::Usd });
    for (how, value, expected) in [
        (Slot::Digits, digits("407192865"), "四零七|幺九二|八六五"),
        (Slot::Digits, digits("10086"), "幺零零八六"),
        (Slot::Digits, digits("12*#"), "幺二星号井号"),
        (Slot::Phone, digits("13800138000"), "幺三八|零零幺三|八零零零"),
        (Slot::Phone, Value::text("+86 138 0013 8000"), "幺三八|零零幺三|八零零零"),
        (Slot::Phone, digits("057188889999"), "零五七幺|八八八八|九九九九"),
        (Slot::Number, number("128.5"), "一百二十八点五"),
        (Slot::Number, number("2"), "二"),
        (Slot::Number, number("-11.1"), "负十一点一"),
        (count("位"), number("2"), "两位"),
        (count("位"), number("12"), "十二位"),
        (count("个工作日"), number("7"), "七个工作日"),
        (MONEY, yuan(9850), "九十八元五角"),
        (MONEY, yuan(3560), "三十五元六角"),
        (MONEY, yuan(200), "两元"),
        (MONEY, yuan(222), "两元两角两分"),
        (MONEY, yuan(10_005), "一百元零五分"),
        (MONEY, yuan(5), "五分"),
        (MONEY, yuan(0), "零元"),
        (MONEY, yuan(-1200), "负十二元"),
        (MONEY, yuan(111_100), "一千一百一十一元"),
        (MONEY, dollars, "五点六美元"),
        (COLLOQUIAL, yuan(3560), "三十五块六"),
        (COLLOQUIAL, yuan(3565), "三十五块六毛五"),
        (COLLOQUIAL, yuan(3505), "三十五块零五分"),
        (COLLOQUIAL, yuan(60), "六毛"),
        (COLLOQUIAL, yuan(22_220), "两百二十二块二"),
        (Slot::Date, Value::Date(date(2026, 11, 20)), "十一月二十日"),
        (Slot::Date, Value::Date(date(2026, 2, 2)), "二月二日"),
        (Slot::Time, Value::Time(time(14, 30, 0, 0)), "下午两点半"),
        (Slot::Time, Value::Time(time(9, 5, 0, 0)), "上午九点零五分"),
        (Slot::Time, Value::Time(time(12, 0, 0, 0)), "中午十二点"),
        (Slot::Time, Value::Time(time(0, 15, 0, 0)), "凌晨零点十五分"),
        (Slot::Time, Value::Time(time(20, 45, 0, 0)), "晚上八点四十五分"),
    ] {
        assert_eq!(said(&how, &value, Language::ZhCn), expected);
    }
}

#[test]
fn english_values_are_spoken_as_people_do() {
    let digits = |text: &str| Value::Digits(text.into());
    let count = |unit: &str| Slot::Count { unit: unit.into() };
    let dollars = |hundredths| Value::Money(Money { hundredths, currency: Currency::Usd });
    for (how, value, expected) in [
        (Slot::Digits, digits("407192865"), "four zero seven|one nine two|eight six five"),
        (Slot::Phone, digits("13800138000"), "one three eight|zero zero one three|eight zero zero zero"),
        (Slot::Number, number("128.5"), "one hundred twenty-eight point five"),
        (count("digit"), number("1"), "one digit"),
        (count("digit"), number("8"), "eight digits"),
        (count("person"), number("2"), "two people"),
        (count("working day"), number("7"), "seven working days"),
        (MONEY, dollars(9850), "ninety-eight dollars and fifty cents"),
        (MONEY, dollars(101), "one dollar and one cent"),
        (MONEY, dollars(5), "five cents"),
        (MONEY, yuan(9850), "ninety-eight point five yuan"),
        (MONEY, yuan(10_005), "one hundred point zero five yuan"),
        (Slot::Date, Value::Date(date(2026, 11, 20)), "November twentieth"),
        (Slot::Time, Value::Time(time(14, 30, 0, 0)), "two thirty PM"),
        (Slot::Time, Value::Time(time(9, 5, 0, 0)), "nine oh five AM"),
        (Slot::Time, Value::Time(time(0, 0, 0, 0)), "twelve AM"),
    ] {
        assert_eq!(said(&how, &value, Language::EnUs), expected);
    }
}

#[test]
fn what_a_slot_cannot_speak_is_an_error() {
    let record = Value::Record(Default::default());
    for how in [Slot::Digits, Slot::Number, MONEY, Slot::Date, Slot::Time, Slot::Phone, Slot::Text] {
        assert!(slot(&how, &record, Language::ZhCn).is_err());
    }
    assert!(slot(&Slot::Date, &Value::Digits("407192865".into()), Language::ZhCn).is_err());
}

#[test]
fn a_text_is_spoken_in_its_own_language() {
    let tokens = slot(&Slot::Text, &Value::text("退费25元"), Language::EnUs).expect("text is spoken");
    assert_eq!(tokens, [Token::Text { text: "退费25元".into(), language: Language::ZhCn }]);
}

/// Reads a Chinese number below 10^16.
fn read_zh(text: &str) -> u64 {
    let (mut total, mut section, mut digit) = (0u64, 0u64, 0u64);
    for c in text.chars() {
        match c {
            '十' => (section, digit) = (section + digit.max(1) * 10, 0),
            '百' => (section, digit) = (section + digit * 100, 0),
            '千' => (section, digit) = (section + digit * 1_000, 0),
            '万' => (total, section, digit) = (total + (section + digit) * 10_000, 0, 0),
            '亿' => (total, section, digit) = ((total + section + digit) * 100_000_000, 0, 0),
            '两' => digit = 2,
            c => digit = "零一二三四五六七八九".chars().position(|d| d == c).expect("a digit") as u64,
        }
    }
    total + section + digit
}

fn read_yuan(text: &str) -> i64 {
    let (whole, rest) = text.split_once('元').unwrap_or(("零", text));
    let rest = rest.trim_start_matches('零');
    let (dimes, cents) = match rest.split_once('角') {
        Some((dimes, cents)) => (read_zh(dimes), cents),
        None => (0, rest),
    };
    let cents = cents.strip_suffix('分').map_or(0, read_zh);
    (read_zh(whole) * 100 + dimes * 10 + cents) as i64
}

fn read_digits(text: &str, language: Language) -> String {
    const EN: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let place = |found: Option<usize>| found.expect("a digit").to_string();
    match language {
        Language::ZhCn => text
            .chars()
            .filter(|c| *c != '|')
            .map(|c| place("零幺二三四五六七八九".chars().position(|d| d == c)))
            .collect(),
        Language::EnUs => text.split([' ', '|']).map(|w| place(EN.iter().position(|d| *d == w))).collect(),
    }
}

/// Reads an English number of hyphened tens, hundreds and scales.
fn read_en(text: &str) -> u64 {
    const ONES: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 10] =
        ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let (mut total, mut part) = (0, 0);
    for word in text.split([' ', '-']) {
        match word {
            "hundred" => part *= 100,
            "thousand" => (total, part) = (total + part * 1_000, 0),
            "million" => (total, part) = (total + part * 1_000_000, 0),
            word => {
                let ones = ONES.iter().position(|w| *w == word);
                let tens = TENS.iter().position(|w| *w == word).map(|t| t * 10);
                part += ones.or(tens).expect("a number word") as u64;
            }
        }
    }
    total + part
}

/// Reads an English ordinal below 100.
fn read_ordinal(text: &str) -> u64 {
    const IRREGULAR: [(&str, u64); 7] = [
        ("first", 1),
        ("second", 2),
        ("third", 3),
        ("fifth", 5),
        ("eighth", 8),
        ("ninth", 9),
        ("twelfth", 12),
    ];
    let (tens, last) = text.split_once('-').map_or((0, text), |(tens, last)| (read_en(tens), last));
    let ones = IRREGULAR.iter().find(|(word, _)| *word == last).map(|(_, n)| *n);
    tens + ones.unwrap_or_else(|| {
        let stem = last.strip_suffix("th").expect("an ordinal");
        read_en(&stem.strip_suffix("ie").map_or_else(|| stem.to_owned(), |tens| format!("{tens}y")))
    })
}

fn read_month(text: &str) -> u64 {
    const MONTHS: &str =
        "January February March April May June July August September October November December";
    MONTHS.split(' ').position(|month| month == text).expect("a month") as u64 + 1
}

/// Reads an English year of four digits.
fn read_year(text: &str) -> u64 {
    if let Some(rest) = text.strip_prefix("two thousand") {
        return 2_000 + if rest.is_empty() { 0 } else { read_en(rest.trim_start()) };
    }
    let (century, rest) = text.split_once(' ').expect("a century and a year");
    let rest = match rest.strip_prefix("oh ") {
        Some(ones) => read_en(ones),
        None if rest == "hundred" => 0,
        None => read_en(rest),
    };
    read_en(century) * 100 + rest
}

/// Amounts where words begin, end or carry over.
fn edges() -> impl Iterator<Item = i64> {
    let powers = (0..10).map(|n| 10i64.pow(n));
    let beside = powers.flat_map(|p| [1, 2, 9, 10, 11, 19, 20, 22].map(|n| n * p));
    beside
        .flat_map(|n| [n - 1, n, n + 1])
        .chain([0, 9_999_999_999])
        .filter(|n| (0..10_000_000_000).contains(n))
}

fn check_amount(hundredths: i64) {
    assert_eq!(read_yuan(&said(&MONEY, &yuan(hundredths), Language::ZhCn)), hundredths);
    let english = said(&MONEY, &yuan(hundredths), Language::EnUs);
    let spoken = english.strip_suffix(" yuan").expect("a currency");
    let (whole, decimals) = spoken.split_once(" point ").unwrap_or((spoken, ""));
    let decimals = if decimals.is_empty() { String::new() } else { read_digits(decimals, Language::EnUs) };
    let read: i64 = format!("{decimals:0<2}").parse().expect("two digits");
    assert_eq!(read_en(whole) as i64 * 100 + read, hundredths, "{english}");
    let dollars = Value::Money(Money { hundredths, currency: Currency::Usd });
    let english = said(&MONEY, &dollars, Language::EnUs);
    let (whole, cents) = match english.split_once(" and ") {
        Some((whole, cents)) => (whole, cents),
        None if english.contains("cent") => ("", english.as_str()),
        None => (english.as_str(), ""),
    };
    let read = |text: &str, unit: &str| {
        if text.is_empty() {
            0
        } else {
            read_en(text.trim_end_matches('s').strip_suffix(unit).expect("a unit"))
        }
    };
    assert_eq!((read(whole, " dollar") * 100 + read(cents, " cent")) as i64, hundredths, "{english}");
}

#[test]
fn amounts_at_the_edges_are_read_back() {
    edges().for_each(check_amount);
}

/// An amount inside a text says the same as one in a slot.
fn check_written_amount(hundredths: i64) {
    let (whole, cents) = (hundredths / 100, hundredths % 100);
    let text = format!("为您退费{whole}.{cents:02}元，");
    let heard = hotline_wording::spoken(&text, Language::ZhCn);
    let amount = heard.strip_prefix("为您退费").and_then(|h| h.strip_suffix("元，")).expect("an amount");
    let (read, decimals) = amount.split_once('点').unwrap_or((amount, ""));
    let decimals: String = decimals
        .chars()
        .map(|c| "零一二三四五六七八九".chars().position(|d| d == c).expect("a digit").to_string())
        .collect();
    let decimals: i64 = format!("{decimals:0<2}").parse().expect("two digits");
    assert_eq!(read_zh(read) as i64 * 100 + decimals, hundredths, "{heard}");
}

#[test]
fn every_date_is_read_back() {
    let mut day = date(2028, 1, 1);
    while day.year() == 2028 {
        let (m, d) = (day.month() as u64, day.day() as u64);
        let heard = said(&Slot::Date, &Value::Date(day), Language::ZhCn);
        let (month, of_month) = heard.strip_suffix('日').and_then(|h| h.split_once('月')).expect("a month");
        assert_eq!((read_zh(month), read_zh(of_month)), (m, d), "{heard}");
        let heard = said(&Slot::Date, &Value::Date(day), Language::EnUs);
        let (month, of_month) = heard.split_once(' ').expect("a month");
        assert_eq!((read_month(month), read_ordinal(of_month)), (m, d), "{heard}");
        day = day.tomorrow().expect("a day after it");
    }
}

#[test]
fn every_date_of_two_centuries_is_read_back_from_a_text() {
    let mut day = date(1900, 1, 1);
    while day.year() < 2100 {
        let (y, m, d) = (day.year() as u64, day.month() as u64, day.day() as u64);
        let heard = hotline_wording::spoken(&format!("于{day}办理"), Language::ZhCn);
        let rest = heard.strip_prefix('于').and_then(|h| h.strip_suffix("日办理")).expect("a date");
        let (year, rest) = rest.split_once('年').expect("a year");
        let (month, of_month) = rest.split_once('月').expect("a month");
        let year = year.replace('一', "幺");
        assert_eq!(read_digits(&year, Language::ZhCn), y.to_string(), "{heard}");
        assert_eq!((read_zh(month), read_zh(of_month)), (m, d), "{heard}");
        let heard = hotline_wording::spoken(&format!("on {day}."), Language::EnUs);
        let rest = heard.strip_prefix("on ").and_then(|h| h.strip_suffix('.')).expect("a date");
        let (rest, year) = rest.split_once(", ").expect("a year");
        let (month, of_month) = rest.split_once(' ').expect("a month");
        assert_eq!((read_year(year), read_month(month), read_ordinal(of_month)), (y, m, d), "{heard}");
        day = day.tomorrow().expect("a day after it");
    }
}

#[test]
fn every_minute_of_a_day_is_read_back() {
    for of_day in 0..1_440i64 {
        let (hour, minute) = ((of_day / 60) as u64, (of_day % 60) as u64);
        let value = Value::Time(time(hour as i8, minute as i8, 0, 0));
        let heard = said(&Slot::Time, &value, Language::ZhCn);
        let (at, rest) = heard.split_once('点').expect("an hour");
        let at: String = at.chars().filter(|c| "零一二两三四五六七八九十".contains(*c)).collect();
        let minutes = match rest {
            "" => 0,
            "半" => 30,
            rest => read_zh(rest.trim_start_matches('零').trim_end_matches('分')),
        };
        assert_eq!((read_zh(&at) % 12, minutes), (hour % 12, minute), "{heard}");
        let afternoon = ["中午", "下午", "晚上"].iter().any(|period| heard.starts_with(period));
        assert_eq!(afternoon, hour >= 12, "{heard}");
        let heard = said(&Slot::Time, &value, Language::EnUs);
        let (at, half) = heard.rsplit_once(' ').expect("half a day");
        let (at, minutes) = at.split_once(' ').unwrap_or((at, "zero"));
        let minutes = read_en(minutes.trim_start_matches("oh "));
        assert_eq!(
            (read_en(at) % 12 + if half == "PM" { 12 } else { 0 }, minutes),
            (hour, minute),
            "{heard}"
        );
    }
}

#[test]
fn codes_at_the_edges_are_read_back() {
    for code in ["000000000", "000000001", "100000000", "111111111", "999999999", "120000021", "010203040"] {
        check_code(code);
    }
}

fn check_code(code: &str) {
    for language in Language::ALL {
        let heard = said(&Slot::Digits, &Value::Digits(code.to_owned()), language);
        assert_eq!(heard.matches('|').count(), 2);
        assert_eq!(read_digits(&heard, language), code);
        let (text, begin, parting) = match language {
            Language::ZhCn => (format!("编号{code}"), "编号", "、"),
            Language::EnUs => (format!("code {code}"), "code ", ", "),
        };
        let heard = hotline_wording::spoken(&text, language);
        let written = heard.strip_prefix(begin).expect("the words before it");
        assert_eq!(read_digits(&written.replace(parting, "|"), language), code, "{heard}");
    }
}

proptest! {
    #[test]
    fn an_amount_is_read_back(hundredths in 0i64..10_000_000_000) {
        check_amount(hundredths);
        check_written_amount(hundredths);
    }

    #[test]
    fn small_amounts_are_read_back(hundredths in 0i64..100_000) {
        check_amount(hundredths);
        check_written_amount(hundredths);
    }

    #[test]
    fn a_code_is_read_back(code in "[0-9]{9}") {
        check_code(&code);
    }

    #[test]
    fn every_word_of_a_value_is_in_the_inventory(hundredths in 0i64..10_000_000_000, code in "[0-9]{1,20}", hour in 0i8..24, minute in 0i8..60) {
        for language in Language::ALL {
            let known: std::collections::HashMap<_, _> =
                inventory(language).into_iter().map(|w| (w.key, w.text)).collect();
            for (how, value) in [
                (MONEY, yuan(hundredths)),
                (COLLOQUIAL, yuan(hundredths % 100_000)),
                (Slot::Digits, Value::Digits(code.clone())),
                (Slot::Time, Value::Time(time(hour, minute, 0, 0))),
                (Slot::Number, Value::Number(Decimal { mantissa: hundredths, scale: 2 })),
            ] {
                for token in slot(&how, &value, language).expect("the slot speaks this type") {
                    if let Token::Word(word) = token {
                        prop_assert_eq!(known.get(&word.key), Some(&word.text), "{}", word.key);
                    }
                }
            }
        }
    }
}
