//! Chinese numbers, as the words they are spliced from.

use crate::Word;

pub(super) const DIGITS: [&str; 10] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"];

/// 0 to 99 as it is read alone: 十五, 三十五.
pub(super) fn small(n: u64) -> String {
    let (tens, ones) = (n / 10 % 10, n % 10);
    let one = if ones == 0 { "" } else { DIGITS[ones as usize] };
    match tens {
        0 => DIGITS[ones as usize].to_owned(),
        1 => format!("十{one}"),
        _ => format!("{}十{one}", DIGITS[tens as usize]),
    }
}

/// 两: two of something.
pub(super) fn two() -> Word {
    Word::new("liang", "两")
}

pub(super) fn zero() -> Word {
    Word::new("n0", "零")
}

/// The recorded words of 1 to 99 where nothing stands before it.
pub(super) fn small_word(n: u64) -> Word {
    Word::new(format!("n{n}"), small(n))
}

/// 10 to 19 behind hundreds: 一十五.
pub(super) fn teen_word(n: u64) -> Word {
    Word::new(format!("x{n}"), format!("一{}", small(n)))
}

/// 一百 to 九百; 200 is 两百 at the beginning and 二百 inside.
pub(super) fn hundreds_word(n: u64, first: bool) -> Word {
    match n {
        2 if first => Word::new("h2-first", "两百"),
        n => Word::new(format!("h{n}"), format!("{}百", DIGITS[(n % 10) as usize])),
    }
}

/// 一千 to 九千, with 两千.
pub(super) fn thousands_word(n: u64) -> Word {
    let digit = if n == 2 { "两" } else { DIGITS[(n % 10) as usize] };
    Word::new(format!("q{n}"), format!("{digit}千"))
}

/// A whole number; `measured`: a measure word follows, so that 2 is 两.
pub(crate) fn cardinal(n: u64, measured: bool) -> Vec<Word> {
    let mut words = Vec::new();
    match n {
        0 => words.push(zero()),
        2 if measured => words.push(two()),
        n => push(&mut words, n),
    }
    words
}

fn push(words: &mut Vec<Word>, n: u64) {
    let (high, middle, low) = (n / 100_000_000, n / 10_000 % 10_000, n % 10_000);
    if high > 0 {
        multiplied(words, high, false);
        words.push(Word::new("yi", "亿"));
    }
    if middle > 0 {
        multiplied(words, middle, high > 0 && middle < 1_000);
        words.push(Word::new("wan", "万"));
    }
    if low > 0 {
        let gap = (high > 0 || middle > 0) && (low < 1_000 || middle == 0);
        section(words, low, gap);
    }
}

/// What stands before 万 and 亿.
fn multiplied(words: &mut Vec<Word>, n: u64, gap: bool) {
    match n {
        2 if words.is_empty() => words.push(two()),
        n if n >= 10_000 => push(words, n),
        n => section(words, n, gap),
    }
}

/// 1 to 9999; `gap`: zeros stand before it.
fn section(words: &mut Vec<Word>, n: u64, gap: bool) {
    if gap {
        words.push(zero());
    }
    let (thousands, hundreds, rest) = (n / 1_000, n / 100 % 10, n % 100);
    if thousands > 0 {
        words.push(thousands_word(thousands));
    }
    if hundreds > 0 {
        words.push(hundreds_word(hundreds, words.is_empty()));
    }
    if rest == 0 {
        return;
    }
    let jump = if hundreds > 0 { rest < 10 } else { thousands > 0 };
    if jump {
        words.push(zero());
    }
    words.push(if (10..20).contains(&rest) && !words.is_empty() {
        teen_word(rest)
    } else {
        small_word(rest)
    });
}

/// Words as text.
pub(crate) fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect()
}

/// A whole number as text.
pub(crate) fn cardinal_text(n: u64, measured: bool) -> String {
    text(&cardinal(n, measured))
}

/// One digit after the other; `one` is what 1 is called: 一 in numbers, 幺 in codes.
pub(crate) fn digit_text(digits: &str, one: &str) -> String {
    digits
        .chars()
        .filter_map(|c| c.to_digit(10))
        .map(|d| if d == 1 { one } else { DIGITS[d as usize] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_do() {
        for (n, expected) in [
            (0, "零"),
            (2, "二"),
            (10, "十"),
            (12, "十二"),
            (20, "二十"),
            (105, "一百零五"),
            (110, "一百一十"),
            (115, "一百一十五"),
            (200, "两百"),
            (222, "两百二十二"),
            (1_005, "一千零五"),
            (1_015, "一千零一十五"),
            (1_234, "一千二百三十四"),
            (2_000, "两千"),
            (10_000, "一万"),
            (20_000, "两万"),
            (10_005, "一万零五"),
            (100_000, "十万"),
            (105_000, "十万五千"),
            (120_000, "十二万"),
            (1_020_304, "一百零二万零三百零四"),
            (100_005_000, "一亿零五千"),
            (200_000_000, "两亿"),
            (99_999_999, "九千九百九十九万九千九百九十九"),
        ] {
            assert_eq!(cardinal_text(n, false), expected);
        }
        assert_eq!(cardinal_text(2, true), "两");
        assert_eq!(cardinal_text(12, true), "十二");
        assert!(!cardinal_text(u64::MAX, false).is_empty());
    }
}
