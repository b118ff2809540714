//! Phrases of Chinese numbers that are recorded whole: 六万, 九千八百, 二十七元, 两角七分. Joined inside
//! a phrase, words lose their tones and their beginnings; between phrases a speaker rests anyway.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::number::{hundreds_word, small_word, teen_word, thousands_word, two, zero};
use super::slots::{cents, dimes};
use crate::Word;

/// A phrase and the words it is made of.
struct Phrase {
    word: Word,
    parts: Vec<Word>,
}

/// Phrases by the keys of their parts, and by their own.
struct Table {
    by_parts: HashMap<Vec<String>, Word>,
    by_key: HashMap<String, Vec<Word>>,
    /// Whole amounts by what they say.
    amounts: HashMap<String, Word>,
}

/// The most words that one phrase holds.
const LONGEST: usize = 3;

/// The same number in as few pieces as there are recordings for, its end first: the unit has to
/// stand in one phrase with what is before it.
pub(super) fn joined(words: &[Word]) -> Vec<Word> {
    let table = table();
    let mut pieces = Vec::with_capacity(words.len());
    let mut end = words.len();
    while end > 0 {
        let found = (2..=LONGEST.min(end)).rev().find_map(|count| {
            let keys: Vec<String> = words[end - count..end].iter().map(|word| word.key.clone()).collect();
            table.by_parts.get(&keys).map(|word| (count, word.clone()))
        });
        let (count, piece) = found.unwrap_or_else(|| (1, words[end - 1].clone()));
        pieces.push(piece);
        end -= count;
    }
    pieces.reverse();
    pieces
}

/// The words of a phrase, for who has no recording of it.
pub(super) fn parts(word: &Word) -> Option<Vec<Word>> {
    table().by_key.get(&word.key).cloned()
}

/// The phrase that says an amount of whole yuan: 八元, 三百元.
pub(super) fn amount(text: &str) -> Option<Word> {
    table().amounts.get(text).cloned()
}

/// Every phrase.
pub(super) fn inventory() -> impl Iterator<Item = Word> {
    phrases().into_iter().map(|phrase| phrase.word)
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { by_parts: HashMap::new(), by_key: HashMap::new(), amounts: HashMap::new() };
        for Phrase { word, parts } in phrases() {
            // 零五元 stands behind thousands only.
            if word.key.ends_with("-yuan") && !word.key.starts_with(['x', 'z']) {
                table.amounts.insert(word.text.clone(), word.clone());
            }
            table.by_parts.insert(parts.iter().map(|part| part.key.clone()).collect(), word.clone());
            table.by_key.insert(word.key, parts);
        }
        table
    })
}

fn phrases() -> Vec<Phrase> {
    let yuan = || Word::new("yuan", "元");
    let wan = || Word::new("wan", "万");
    let mut all = Vec::new();
    let mut put = |key: String, parts: Vec<Word>| {
        let text: String = parts.iter().map(|part| part.text.as_str()).collect();
        all.push(Phrase { word: Word::new(key, text), parts });
    };
    let with_yuan = |word: &Word| format!("{}-yuan", word.key);
    // 零元, 两元, 二元 to 九十九元, 一十五元.
    let ones = [zero(), two()].into_iter().chain((1..100).map(small_word)).chain((10..20).map(teen_word));
    for word in ones {
        put(with_yuan(&word), vec![word, yuan()]);
    }
    // 三百元, 五千元, 一千零五元, 一千零一十五元, 一万零三百元.
    for n in (1..10).map(|n| hundreds_word(n, false)).chain([hundreds_word(2, true)]) {
        put(with_yuan(&n), vec![n, yuan()]);
    }
    for n in (1..10).map(thousands_word) {
        put(with_yuan(&n), vec![n, yuan()]);
    }
    for n in 1..100 {
        let word = if (10..20).contains(&n) { teen_word(n) } else { small_word(n) };
        put(format!("z{n}-yuan"), vec![zero(), word, yuan()]);
    }
    for n in 1..10 {
        let hundreds = || hundreds_word(n, false);
        put(format!("zh{n}"), vec![zero(), hundreds()]);
        put(format!("zh{n}-yuan"), vec![zero(), hundreds(), yuan()]);
        for thousands in 1..10 {
            put(format!("qh{thousands}{n}"), vec![thousands_word(thousands), hundreds()]);
        }
    }
    for n in 1..=MOST_WAN {
        let word = || if n == 2 { two() } else { small_word(n) };
        put(format!("w{n}"), vec![word(), wan()]);
        put(format!("w{n}-yuan"), vec![word(), wan(), yuan()]);
    }
    // 两角七分, and 零七分 behind 元.
    for n in 1..10 {
        put(format!("jf0{n}"), vec![zero(), cents(n)]);
        for tenths in 1..10 {
            put(format!("jf{tenths}{n}"), vec![dimes(tenths, false), cents(n)]);
        }
    }
    all
}

/// 万 up to this many are one phrase; more are rare.
const MOST_WAN: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zh::number::cardinal;

    fn keys(n: u64) -> Vec<String> {
        let mut words = cardinal(n, true);
        words.push(Word::new("yuan", "元"));
        joined(&words).into_iter().map(|word| word.key).collect()
    }

    #[test]
    fn an_amount_falls_into_phrases_from_its_end() {
        assert_eq!(keys(2), ["liang-yuan"]);
        assert_eq!(keys(69_827), ["w6", "qh98", "n27-yuan"]);
        assert_eq!(keys(9_800), ["q9", "h8-yuan"]);
        assert_eq!(keys(200), ["h2-first-yuan"]);
        assert_eq!(keys(1_015), ["q1", "z15-yuan"]);
        assert_eq!(keys(20_000), ["w2-yuan"]);
        assert_eq!(keys(80_300), ["w8", "zh3-yuan"]);
        assert_eq!(keys(80_327), ["w8", "zh3", "n27-yuan"]);
        assert_eq!(keys(1_200_005), ["h1", "w20", "z5-yuan"]);
        let cents = [Word::new("n0", "零"), cents(7)];
        assert_eq!(joined(&cents)[0].text, "零七分");
    }

    #[test]
    fn a_phrase_says_what_its_parts_say() {
        for n in [1, 2, 15, 305, 1_015, 9_827, 20_000, 99_999, 1_020_304, 99_999_999] {
            let words = cardinal(n, true);
            let pieces = joined(&words);
            let text = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect::<String>();
            assert_eq!(text(&pieces), text(&words));
            let small: Vec<Word> =
                pieces.into_iter().flat_map(|p| parts(&p).unwrap_or_else(|| vec![p])).collect();
            assert_eq!(small, words);
        }
    }

    #[test]
    fn no_two_phrases_share_a_key_or_their_parts() {
        let count = phrases().len();
        assert_eq!(table().by_key.len(), count);
        assert_eq!(table().by_parts.len(), count);
    }
}
