//! Mandarin words to the phonemes that Kokoro was trained on: segmentation, readings, tone sandhi,
//! then initials and finals to IPA with tone arrows (→ ↗ ↓ ↘).

use std::collections::HashMap;

use jieba_rs::Jieba;

use crate::english::English;
use crate::lexicon::Lexicon;
use context::{in_context, sandhi};
pub(crate) use ipa::Syllable;
use ipa::{ipa, rhotic};

mod context;
mod ipa;

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
    /// (`银行\tyin2 hang2`); later lexicons win over it: ours, then a firm's own.
    pub(crate) fn new(phrases: &str, firm: &Lexicon) -> Self {
        let mut mandarin = Self { words: Jieba::new(), readings: HashMap::new(), longest: 1 };
        for (text, own) in [(phrases, false), (LEXICON, true)] {
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let Some((phrase, reading)) = line.split_once('\t') else { continue };
                let syllables: Option<Vec<_>> = reading.split_whitespace().map(Syllable::parse).collect();
                if let Some(syllables) = syllables.filter(|s| s.len() == phrase.chars().count()) {
                    mandarin.learn(phrase, syllables, own);
                }
            }
        }
        for (phrase, syllables) in firm.phrases() {
            mandarin.learn(phrase, syllables.clone(), true);
        }
        mandarin
    }

    fn learn(&mut self, phrase: &str, syllables: Vec<Syllable>, as_word: bool) {
        self.longest = self.longest.max(syllables.len());
        if as_word && syllables.len() > 1 {
            self.words.add_word(phrase, Some(100_000), None);
        }
        self.readings.insert(phrase.to_owned(), syllables);
    }

    /// Phonemes of spoken words: numbers are written out already. Latin words are spoken by
    /// `english`.
    pub fn phonemes(&self, text: &str, english: &English) -> String {
        let mut out = String::new();
        let mut rest = text;
        let mut inside = false;
        while let Some(first) = rest.chars().next() {
            let is_han = han(first);
            let end = rest.find(|c| han(c) != is_han).unwrap_or(rest.len());
            let (run, behind) = rest.split_at(end);
            if is_han {
                for (part, code) in codes(run) {
                    inside = code;
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
            } else if inside && run == "、" {
                out.push_str(". ");
            } else {
                out.push_str(&other_phonemes(run, english));
            }
            rest = behind;
        }
        tidy(&out)
    }

    fn han_phonemes(&self, run: &str) -> String {
        let mut out = String::new();
        for (place, word) in self.syllables(run).iter().enumerate() {
            if place > 0 {
                out.push(' ');
            }
            for (at, syllable) in word.iter().enumerate() {
                match word.get(at + 1) {
                    _ if syllable.pinyin == "r" && at > 0 => {}
                    Some(next) if next.pinyin == "r" => out.push_str(&rhotic(syllable)),
                    _ => out.push_str(&ipa(syllable)),
                }
            }
        }
        out
    }

    /// The syllables of Han characters as they are spoken, by word.
    fn syllables(&self, run: &str) -> Vec<Vec<Syllable>> {
        let words: Vec<Vec<Syllable>> =
            self.words.cut(run, true).into_iter().map(|word| self.read(word)).collect();
        let lengths: Vec<usize> = words.iter().map(Vec::len).collect();
        let mut flat: Vec<Syllable> = words.into_iter().flatten().collect();
        let characters: Vec<char> = run.chars().collect();
        if flat.len() == characters.len() {
            in_context(&characters, &mut flat, &lengths);
            sandhi(&characters, &mut flat, &lengths);
        }
        let mut flat = flat.into_iter();
        lengths.into_iter().map(|length| flat.by_ref().take(length).collect()).collect()
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

pub(crate) fn han(c: char) -> bool {
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
        Mandarin::new(readings, &Lexicon::default()).phonemes(text, &English::new("", &Lexicon::default()))
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
        assert_eq!(phonemes("五一一、一二二、五"), "u↓, i→, i→. i→, ɚ↘, ɚ↘. u↓");
    }

    #[test]
    fn our_lexicon_reads_the_language_of_tickets() {
        assert!(phonemes("银行").contains("xa↗ŋ"));
        assert!(phonemes("退还").contains("xwa↗n"));
    }

    /// Phrases and how they are heard: pinyin with the tones that are spoken, one syllable a
    /// character. `tools/fetch-speech` brings the dictionary.
    #[test]
    fn the_language_of_tickets_is_read_as_people_do() {
        let dictionary =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/speech/phrases.tsv");
        let dictionary = std::fs::read_to_string(dictionary).expect("tools/fetch-speech has been run");
        let mandarin = Mandarin::new(&dictionary, &Lexicon::default());
        let mut wrong = String::new();
        let table = include_str!("../tests/readings-zh.tsv");
        for line in table.lines().filter(|line| !line.starts_with('#')) {
            let (text, expected) = line.split_once('\t').expect("a phrase and its reading");
            let heard: Vec<String> =
                mandarin.syllables(text).into_iter().flatten().map(|s| s.to_string()).collect();
            if heard.join(" ") != expected {
                wrong.push_str(&format!("{text}\n  expected {expected}\n  heard    {}\n", heard.join(" ")));
            }
        }
        assert!(table.lines().count() > 150);
        assert!(wrong.is_empty(), "\n{wrong}");
    }

    #[test]
    fn latin_words_and_letters_stand_between_han() {
        let mandarin = Mandarin::new("卡\tka3\n五\twu3\n码\tma3", &Lexicon::default());
        let english = English::new("", &Lexicon::default());
        for (text, expected) in [
            ("SIM卡", "sˈɪm kʰa↓"),
            ("五G", "u↓ ʤˈi"),
            ("PIN码", "pˈɪn ma↓"),
            ("WiFi", "wˈIfˌI"),
            ("APP，URL", "ˈA pˈi pˈi, jˈu ˈɑɹ ˈɛl"),
            ("email", "ˈimˌAl"),
        ] {
            assert_eq!(mandarin.phonemes(text, &english), expected);
        }
    }

    #[test]
    fn er_is_spoken_with_the_syllable_before_it() {
        let readings = "一\tyi1\n会\thui4\n儿\ter2\n女\tnv3\n点\tdian3";
        let mandarin = Mandarin::new(readings, &Lexicon::default());
        let english = English::new("", &Lexicon::default());
        assert!(
            mandarin.phonemes("一会儿", &english).ends_with("xwe↘ɚ"),
            "{}",
            mandarin.phonemes("一会儿", &english)
        );
        assert!(mandarin.phonemes("女儿", &english).ends_with("ɚ↗"));
    }
}
