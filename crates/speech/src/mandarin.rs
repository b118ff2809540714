//! Mandarin words to the phonemes that Kokoro was trained on: segmentation, readings, tone sandhi,
//! then initials and finals to IPA with tone arrows (→ ↗ ↓ ↘).

use std::collections::HashMap;

use jieba_rs::Jieba;

use crate::english::English;

/// One syllable: pinyin without its tone (`v` for ü), and the tone, 5 for the neutral one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Syllable {
    pinyin: String,
    tone: u8,
}

impl Syllable {
    fn parse(text: &str) -> Option<Self> {
        let tone = text.bytes().last()?.checked_sub(b'0').filter(|t| (1..=5).contains(t))?;
        Some(Self { pinyin: text[..text.len() - 1].to_owned(), tone })
    }
}

/// Readings of phrases and characters, with the words that they make.
pub struct Mandarin {
    words: Jieba,
    readings: HashMap<String, Vec<Syllable>>,
    longest: usize,
}

/// The readings this crate brings for the language of tickets.
const LEXICON: &str = include_str!("../data/lexicon-zh.tsv");

impl Mandarin {
    /// Reads `phrases`: lines of a phrase, a tab, and a reading for each character
    /// (`银行\tyin2 hang2`); later lexicons win over it: ours, then `firm` (a firm's own names).
    pub fn new(phrases: &str, firm: &str) -> Self {
        let mut words = Jieba::new();
        let mut readings = HashMap::new();
        let mut longest = 1;
        for (text, own) in [(phrases, false), (LEXICON, true), (firm, true)] {
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let Some((phrase, reading)) = line.split_once('\t') else { continue };
                let syllables: Option<Vec<_>> = reading.split_whitespace().map(Syllable::parse).collect();
                let characters = phrase.chars().count();
                let Some(syllables) = syllables.filter(|s| s.len() == characters) else { continue };
                longest = longest.max(characters);
                if own && characters > 1 {
                    words.add_word(phrase, Some(100_000), None);
                }
                readings.insert(phrase.to_owned(), syllables);
            }
        }
        Self { words, readings, longest }
    }

    /// Phonemes of spoken words: numbers are written out already. Latin words are spoken by
    /// `english`.
    pub fn phonemes(&self, text: &str, english: &English) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let is_han = han(first);
            let end = rest.find(|c| han(c) != is_han).unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            if is_han {
                for (part, code) in codes(run) {
                    if code {
                        // Each digit by itself, as a list: read in one go, the voice rushes and
                        // swallows every tenth of them.
                        let digits: Vec<String> = part
                            .chars()
                            .map(|digit| self.han_phonemes(digit.encode_utf8(&mut [0; 4])))
                            .collect();
                        out.push_str(&format!(" {} ", digits.join(", ")));
                    } else {
                        out.push_str(&self.han_phonemes(part));
                    }
                }
            } else {
                out.push_str(&other_phonemes(run, english));
            }
            rest = behind;
        }
        tidy(&out)
    }

    fn han_phonemes(&self, run: &str) -> String {
        let words: Vec<(String, Vec<Syllable>)> =
            self.words.cut(run, true).into_iter().map(|word| (word.to_owned(), self.read(word))).collect();
        let mut flat: Vec<Syllable> = words.iter().flat_map(|(_, s)| s.clone()).collect();
        let characters: Vec<char> = run.chars().collect();
        if flat.len() == characters.len() {
            sandhi(&characters, &mut flat, &words.iter().map(|(_, s)| s.len()).collect::<Vec<_>>());
        }
        let mut out = String::new();
        let mut syllables = flat.into_iter();
        for (place, (_, read)) in words.iter().enumerate() {
            if place > 0 {
                out.push(' ');
            }
            for syllable in syllables.by_ref().take(read.len()) {
                out.push_str(&ipa(&syllable));
            }
        }
        out
    }

    /// The readings of a word: its own, or those of the longest phrases it is made of.
    fn read(&self, word: &str) -> Vec<Syllable> {
        let characters: Vec<char> = word.chars().collect();
        let mut out = Vec::with_capacity(characters.len());
        let mut at = 0;
        while at < characters.len() {
            let most = (characters.len() - at).min(self.longest);
            let found = (1..=most).rev().find_map(|length| {
                let part: String = characters[at..at + length].iter().collect();
                self.readings.get(&part).map(|syllables| (length, syllables))
            });
            match found {
                Some((length, syllables)) => {
                    out.extend_from_slice(syllables);
                    at += length;
                }
                // A character nobody knows is passed over with a neutral "e", so that what
                // stands around it keeps its place.
                None => {
                    out.push(Syllable { pinyin: "e".into(), tone: 5 });
                    at += 1;
                }
            }
        }
        out
    }
}

fn han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '〇')
}

/// Han characters as what is read and what is told digit by digit: three digits or more that are
/// neither decimals nor a year nor part of a number.
fn codes(run: &str) -> Vec<(&str, bool)> {
    let digit = |c: char| "零幺一二三四五六七八九".contains(c);
    let mut parts = Vec::new();
    let (mut rest, mut before) = (run, None);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| digit(c) != digit(first)).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        let number = before == Some('点') || behind.starts_with(['年', '十', '百', '千', '万', '亿', '点']);
        parts.push((part, digit(first) && part.chars().count() >= 3 && !number));
        before = part.chars().next_back();
        rest = behind;
    }
    // What is read is read in one piece.
    let mut joined: Vec<(usize, usize, bool)> = Vec::new();
    let mut at = 0;
    for (part, code) in parts {
        let end = at + part.len();
        match joined.last_mut() {
            Some((_, until, false)) if !code => *until = end,
            _ => joined.push((at, end, code)),
        }
        at = end;
    }
    joined.into_iter().map(|(from, until, code)| (&run[from..until], code)).collect()
}

/// Tones as they are spoken beside each other: third tones, 一 and 不.
fn sandhi(characters: &[char], syllables: &mut [Syllable], word_lengths: &[usize]) {
    for at in 0..syllables.len() {
        let next = syllables.get(at + 1).map(|s| s.tone);
        let number = |c: Option<&char>| {
            c.is_some_and(|c| "零一二三四五六七八九十百千万亿两点幺第月号日期".contains(*c))
        };
        match characters[at] {
            '不' if next == Some(4) => syllables[at].tone = 2,
            // 一 keeps its tone in numbers, dates and counting, and at the end.
            '一' if at > 0 && number(characters.get(at - 1)) => {}
            '一' if characters.get(at + 1).is_some_and(|c| "百千".contains(*c)) => syllables[at].tone = 4,
            '一' if characters.get(at + 1).is_some_and(|c| "万亿".contains(*c)) => syllables[at].tone = 2,
            '一' if number(characters.get(at + 1)) => {}
            '一' => match next {
                Some(4 | 5) => syllables[at].tone = 2,
                Some(1..=3) => syllables[at].tone = 4,
                _ => {}
            },
            _ => {}
        }
    }
    // Third tones rise before another one inside a word, and at the seam of two short words.
    let mut begin = 0;
    for &length in word_lengths {
        let end = (begin + length).min(syllables.len());
        for at in begin..end {
            let seam_is_short = at + 1 == end && length == 1;
            let follows = syllables.get(at + 1).is_some_and(|s| s.tone == 3);
            if syllables[at].tone == 3 && follows && (at + 1 < end || seam_is_short) {
                syllables[at].tone = 2;
            }
        }
        begin = end;
    }
}

/// Initials, longest first, with the IPA they were trained as.
const INITIALS: [(&str, &str); 21] = [
    ("zh", "ꭧ"),
    ("ch", "ꭧʰ"),
    ("sh", "ʂ"),
    ("b", "p"),
    ("p", "pʰ"),
    ("m", "m"),
    ("f", "f"),
    ("d", "t"),
    ("t", "tʰ"),
    ("n", "n"),
    ("l", "l"),
    ("g", "k"),
    ("k", "kʰ"),
    ("h", "x"),
    ("j", "ʨ"),
    ("q", "ʨʰ"),
    ("x", "ɕ"),
    ("r", "ɻ"),
    ("z", "ʦ"),
    ("c", "ʦʰ"),
    ("s", "s"),
];

/// Finals, with the IPA they were trained as; `0` is where the tone stands.
const FINALS: [(&str, &str); 39] = [
    ("a", "a0"),
    ("ai", "ai0"),
    ("an", "a0n"),
    ("ang", "a0ŋ"),
    ("ao", "au0"),
    ("e", "ɤ0"),
    ("ei", "ei0"),
    ("en", "ə0n"),
    ("eng", "ə0ŋ"),
    ("i", "i0"),
    ("ia", "ja0"),
    ("ian", "jɛ0n"),
    ("iang", "ja0ŋ"),
    ("iao", "jau0"),
    ("ie", "je0"),
    ("in", "i0n"),
    ("iou", "jou0"),
    ("iu", "jou0"),
    ("ing", "i0ŋ"),
    ("iong", "jʊ0ŋ"),
    ("ong", "ʊ0ŋ"),
    ("ou", "ou0"),
    ("u", "u0"),
    ("uei", "wei0"),
    ("ui", "wei0"),
    ("ua", "wa0"),
    ("uai", "wai0"),
    ("uan", "wa0n"),
    ("uen", "wə0n"),
    ("un", "wə0n"),
    ("uang", "wa0ŋ"),
    ("ueng", "wə0ŋ"),
    ("uo", "wo0"),
    ("o", "wo0"),
    ("v", "y0"),
    ("ve", "ɥe0"),
    ("van", "ɥɛ0n"),
    ("vn", "y0n"),
    ("io", "jɔ0"),
];

fn ipa(syllable: &Syllable) -> String {
    let tone = match syllable.tone {
        1 => "→",
        2 => "↗",
        3 => "↓",
        4 => "↘",
        _ => "",
    };
    let with_tone = |pattern: &str| pattern.replace('0', tone);
    let pinyin = syllable.pinyin.as_str();
    match pinyin {
        "er" | "r" => return with_tone("ɚ0"),
        "o" => return with_tone("ɔ0"),
        "m" | "hm" => return with_tone("m0"),
        "n" => return with_tone("n0"),
        "ng" | "hng" => return with_tone("ŋ0"),
        _ => {}
    }
    let spelled = without_glide(pinyin);
    let (initial, sound, rest) = INITIALS
        .iter()
        .find_map(|(initial, sound)| {
            spelled.strip_prefix(initial).map(|rest| (*initial, *sound, rest.to_owned()))
        })
        .unwrap_or(("", "", spelled.clone()));
    // After these a written i is no vowel of its own, and a written u is ü.
    let pattern = match (initial, rest.as_str()) {
        ("zh" | "ch" | "sh" | "r" | "z" | "c" | "s", "i") => "ɨ0".to_owned(),
        ("j" | "q" | "x", under) if under.starts_with('u') => final_of(&format!("v{}", &under[1..])),
        (_, other) => {
            final_of(&other.replace("ue", if initial == "n" || initial == "l" { "ve" } else { "ue" }))
        }
    };
    format!("{sound}{}", with_tone(&pattern))
}

fn final_of(name: &str) -> String {
    FINALS
        .iter()
        .find(|(known, _)| *known == name)
        .map_or_else(|| "ə0".to_owned(), |(_, ipa)| (*ipa).to_owned())
}

/// Spells a syllable that begins with y or w by its final: yi → i, wang → uang, yuan → van.
fn without_glide(pinyin: &str) -> String {
    if let Some(rest) = pinyin.strip_prefix("yu") {
        return format!("v{rest}");
    }
    if let Some(rest) = pinyin.strip_prefix('y') {
        return if rest.starts_with('i') { rest.to_owned() } else { format!("i{rest}") };
    }
    if let Some(rest) = pinyin.strip_prefix('w') {
        return if rest.starts_with('u') { rest.to_owned() } else { format!("u{rest}") };
    }
    pinyin.to_owned()
}

/// Punctuation as Kokoro knows it, and Latin words.
fn other_phonemes(run: &str, english: &English) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in run.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_alphabetic() || (c == '\'' && !word.is_empty()) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            out.push(' ');
            out.push_str(&english.phonemes(&word));
            out.push(' ');
            word.clear();
        }
        out.push_str(match c {
            '，' | ',' | '、' => ", ",
            '。' | '．' | '.' => ". ",
            '！' | '!' => "! ",
            '？' | '?' => "? ",
            '：' | ':' => ": ",
            '；' | ';' => "; ",
            _ => " ",
        });
    }
    out
}

/// One space at most, none before punctuation.
pub(crate) fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' if out.is_empty() || out.ends_with(' ') => {}
            ',' | '.' | '!' | '?' | ':' | ';' => {
                while out.ends_with(' ') {
                    out.pop();
                }
                if !out.is_empty() && !out.ends_with([',', '.', '!', '?', ':', ';']) {
                    out.push(c);
                }
            }
            c => out.push(c),
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phonemes(text: &str) -> String {
        let readings = "您\tnin2\n好\thao3\n的\tde5\n退\ttui4\n费\tfei4\n元\tyuan2\n五\twu3\n百\tbai3\n一\tyi1\n\
            不\tbu4\n会\thui4\n起\tqi3\n月\tyue4\n女\tnv3\n二\ter4\n两\tliang3\n到\tdao4\n账\tzhang4\n\
            是\tshi4\n字\tzi4\n流\tliu2\n量\tliang4\n万\twan4\n略\tlve4";
        Mandarin::new(readings, "").phonemes(text, &English::new(""))
    }

    #[test]
    fn syllables_become_the_ipa_of_the_training() {
        assert_eq!(phonemes("退费"), "tʰwei↘fei↘");
        assert_eq!(phonemes("元"), "ɥɛ↗n");
        assert_eq!(phonemes("月"), "ɥe↘");
        assert_eq!(phonemes("女"), "ny↓");
        assert_eq!(phonemes("略"), "lɥe↘");
        assert_eq!(phonemes("二"), "ɚ↘");
        assert_eq!(phonemes("是"), "ʂɨ↘");
        assert_eq!(phonemes("流量"), "ljou↗lja↘ŋ");
    }

    #[test]
    fn tones_change_beside_each_other() {
        assert_eq!(phonemes("不会"), "pu↗xwei↘");
        assert!(phonemes("一百").starts_with("i↘"), "{}", phonemes("一百"));
        assert!(phonemes("一万").starts_with("i↗"));
        assert!(phonemes("一月").starts_with("i→"));
        assert!(phonemes("一起").starts_with("i↘"));
    }

    #[test]
    fn punctuation_is_kept_as_pauses_and_an_unknown_character_takes_a_beat() {
        assert_eq!(phonemes("您好，退费。"), "ni↗n xau↓, tʰwei↘fei↘.".replace("n x", "nx"));
        assert!(!phonemes("龘").is_empty());
        assert_eq!(phonemes(""), "");
    }

    #[test]
    fn codes_are_told_digit_by_digit() {
        assert_eq!(codes("您的工单号是四零七"), [("您的工单号是", false), ("四零七", true)]);
        assert_eq!(codes("零点零零五元"), [("零点零零五元", false)]);
        assert_eq!(codes("二零二六年一百二十五"), [("二零二六年一百二十五", false)]);
        assert_eq!(phonemes("五一一到"), "u↓, i→, i→ tau↘");
    }

    #[test]
    fn our_lexicon_reads_the_language_of_tickets() {
        assert!(phonemes("银行").contains("xa↗ŋ"));
        assert!(phonemes("退还").contains("xwa↗n"));
    }
}
