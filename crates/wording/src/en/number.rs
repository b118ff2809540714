//! English numbers, as the words they are spliced from.

use crate::Word;

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
const ORDINALS: [&str; 20] = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
];
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The name of a digit.
pub(super) fn digit(d: u32) -> &'static str {
    ONES[(d % 10) as usize]
}

/// 0 to 99: thirty-five.
pub(super) fn small(n: u64) -> String {
    let n = (n % 100) as usize;
    match n {
        0..20 => ONES[n].to_owned(),
        _ if n.is_multiple_of(10) => TENS[n / 10].to_owned(),
        _ => format!("{}-{}", TENS[n / 10], ONES[n % 10]),
    }
}

pub(super) fn small_word(n: u64) -> Word {
    Word::new(format!("n{n}"), small(n))
}

/// Of a thousand what: from the greatest down.
pub(super) const SCALES: [(u64, &str); 5] = [
    (1_000_000_000_000_000, "quadrillion"),
    (1_000_000_000_000, "trillion"),
    (1_000_000_000, "billion"),
    (1_000_000, "million"),
    (1_000, "thousand"),
];

/// A whole number: one thousand two hundred thirty-four.
pub(crate) fn cardinal(n: u64) -> Vec<Word> {
    if n == 0 {
        return vec![small_word(0)];
    }
    let mut words = Vec::new();
    let mut rest = n;
    for (scale, name) in SCALES {
        if rest >= scale {
            words.extend(cardinal(rest / scale));
            words.push(Word::new(name, name));
            rest %= scale;
        }
    }
    if rest >= 100 {
        words.extend([small_word(rest / 100), Word::new("hundred", "hundred")]);
        rest %= 100;
    }
    if rest > 0 {
        words.push(small_word(rest));
    }
    words
}

/// 1 to 99: thirty-first.
pub(crate) fn ordinal(n: u64) -> String {
    let n = (n % 100) as usize;
    match n {
        0..20 => ORDINALS[n].to_owned(),
        _ if n.is_multiple_of(10) => TENS[n / 10].replace('y', "ieth"),
        _ => format!("{}-{}", TENS[n / 10], ORDINALS[n % 10]),
    }
}

/// Words as text.
pub(crate) fn text(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// A whole number as text.
pub(crate) fn cardinal_text(n: u64) -> String {
    text(&cardinal(n))
}

/// One digit after the other.
pub(crate) fn digit_text(digits: &str) -> String {
    digits.chars().filter_map(|c| c.to_digit(10)).map(digit).collect::<Vec<_>>().join(" ")
}

/// A year by its halves: twenty twenty-six, two thousand five, nineteen hundred.
pub(crate) fn year(n: u64) -> String {
    match (n / 100, n % 100) {
        (20, rest @ 1..=9) => format!("two thousand {}", small(rest)),
        (_, 0) if n.is_multiple_of(1_000) => cardinal_text(n),
        (century, 0) => format!("{} hundred", small(century)),
        (century, rest @ 1..=9) => format!("{} oh {}", small(century), small(rest)),
        (century, rest) => format!("{} {}", small(century), small(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_years_are_read_as_people_do() {
        assert_eq!(cardinal_text(0), "zero");
        assert_eq!(cardinal_text(1_234), "one thousand two hundred thirty-four");
        assert_eq!(cardinal_text(1_000_005), "one million five");
        assert_eq!(ordinal(20), "twentieth");
        assert_eq!(ordinal(31), "thirty-first");
        assert_eq!(ordinal(12), "twelfth");
        assert_eq!(year(2026), "twenty twenty-six");
        assert_eq!(year(2005), "two thousand five");
        assert_eq!(year(1900), "nineteen hundred");
        assert_eq!(year(2000), "two thousand");
        assert!(!cardinal_text(u64::MAX).is_empty());
    }
}
