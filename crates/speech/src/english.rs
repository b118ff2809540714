//! English words to the phonemes that Kokoro was trained on, by the CMU pronouncing dictionary;
//! words it lacks are read by rule, abbreviations letter by letter.

use std::collections::{HashMap, HashSet};

use crate::lexicon::Lexicon;

/// The dictionary.
pub struct English {
    words: HashMap<String, String>,
    /// Words that are words even in capitals.
    as_words: HashSet<String>,
}

/// Words of telephones that are said as words though they are written in capitals; other capitals
/// are spelled.
const SAID: [(&str, &str); 8] = [
    ("sim", "S IH1 M"),
    ("esim", "IY1 S IH2 M"),
    ("pin", "P IH1 N"),
    ("puk", "P AH1 K"),
    ("wifi", "W AY1 F AY2"),
    ("wlan", "W IY1 L AE2 N"),
    ("email", "IY1 M EY2 L"),
    ("iphone", "AY1 F OW2 N"),
];

/// Words that carry no stress inside a sentence.
const WEAK: [&str; 24] = [
    "a", "an", "the", "to", "of", "and", "or", "for", "in", "on", "at", "is", "are", "was", "be", "it",
    "your", "you", "will", "has", "have", "by", "as", "we",
];

impl English {
    /// Reads a dictionary in CMU's form: a word and its phones, `#` before remarks,
    /// `word(2)` for second readings, which are passed over; a firm's own readings win over it.
    pub fn new(dictionary: &str, firm: &Lexicon) -> Self {
        let mut words = HashMap::new();
        for line in dictionary.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((word, phones)) = line.split_once(' ') else { continue };
            if !word.ends_with(')') {
                words.insert(word.to_lowercase(), kokoro(phones));
            }
        }
        let mut as_words: HashSet<String> = SAID.iter().map(|(word, _)| (*word).to_owned()).collect();
        for (word, phones) in SAID {
            words.entry(word.to_owned()).or_insert_with(|| kokoro(phones));
        }
        for (word, phones) in firm.words() {
            as_words.insert(word.clone());
            words.insert(word.clone(), kokoro(phones));
        }
        Self { words, as_words }
    }

    /// Phonemes of spoken words with their punctuation: numbers are written out already.
    pub fn phonemes(&self, text: &str) -> String {
        let mut out = String::new();
        let mut word = String::new();
        for c in text.chars().chain(std::iter::once(' ')) {
            match c {
                'a'..='z' | 'A'..='Z' | '\'' | '\u{2019}' => {
                    word.push(if c == '\u{2019}' { '\'' } else { c })
                }
                other => {
                    if !word.is_empty() {
                        out.push_str(&self.word(&word));
                        word.clear();
                    }
                    out.push_str(match other {
                        ',' | '，' | '、' => ", ",
                        '.' | '。' => ". ",
                        '!' | '！' => "! ",
                        '?' | '？' => "? ",
                        ':' | '：' => ": ",
                        ';' | '；' => "; ",
                        _ => " ",
                    });
                }
            }
        }
        crate::mandarin::tidy(&out)
    }

    fn word(&self, word: &str) -> String {
        let word = word.trim_matches('\'');
        let lower = word.to_lowercase();
        let spelled = is_abbreviation(word) && !self.as_words.contains(&lower);
        if let Some(phonemes) = self.words.get(&lower).filter(|_| !spelled) {
            return if WEAK.contains(&lower.as_str()) {
                phonemes.replace(['ˈ', 'ˌ'], "")
            } else {
                phonemes.clone()
            };
        }
        if spelled {
            return lower.chars().map(letter).collect::<Vec<_>>().join(" ");
        }
        // A plural or a genitive of a known word.
        if let Some(stem) = lower.strip_suffix("'s").or_else(|| lower.strip_suffix('s'))
            && let Some(phonemes) = self.words.get(stem)
        {
            let voiceless = phonemes.ends_with(['p', 't', 'k', 'f', 'θ']);
            return format!("{phonemes}{}", if voiceless { "s" } else { "z" });
        }
        by_rule(&lower)
    }
}

/// Two to five capitals, or a single letter.
fn is_abbreviation(word: &str) -> bool {
    let capitals = word.chars().all(|c| c.is_ascii_uppercase());
    capitals && (2..=5).contains(&word.len()) || (word.len() == 1 && !matches!(word, "a" | "A" | "I" | "i"))
}

fn letter(c: char) -> String {
    let phones = match c {
        'a' => "EY1",
        'b' => "B IY1",
        'c' => "S IY1",
        'd' => "D IY1",
        'e' => "IY1",
        'f' => "EH1 F",
        'g' => "JH IY1",
        'h' => "EY1 CH",
        'i' => "AY1",
        'j' => "JH EY1",
        'k' => "K EY1",
        'l' => "EH1 L",
        'm' => "EH1 M",
        'n' => "EH1 N",
        'o' => "OW1",
        'p' => "P IY1",
        'q' => "K Y UW1",
        'r' => "AA1 R",
        's' => "EH1 S",
        't' => "T IY1",
        'u' => "Y UW1",
        'v' => "V IY1",
        'w' => "D AH1 B AH0 L Y UW0",
        'x' => "EH1 K S",
        'y' => "W AY1",
        'z' => "Z IY1",
        _ => "",
    };
    kokoro(phones)
}

/// ARPAbet phones to Kokoro's symbols; the mark of stress stands right before the vowel.
fn kokoro(phones: &str) -> String {
    let phones: Vec<&str> = phones.split_whitespace().collect();
    let vowel = |phone: Option<&&str>| phone.is_some_and(|p| p.ends_with(['0', '1', '2']));
    let mut out = String::new();
    for (at, phone) in phones.iter().enumerate() {
        let (name, stress) = match phone.as_bytes().last() {
            Some(b'0'..=b'2') => phone.split_at(phone.len() - 1),
            _ => (*phone, ""),
        };
        match stress {
            "1" => out.push('ˈ'),
            "2" => out.push('ˌ'),
            _ => {}
        }
        // American speakers flap a t between vowels when the second is unstressed.
        let flap = name == "T"
            && at > 0
            && vowel(phones.get(at - 1))
            && phones.get(at + 1).is_some_and(|p| p.ends_with('0'));
        out.push_str(match (name, stress) {
            ("AA", _) => "ɑ",
            ("AE", _) => "æ",
            ("AH", "0") => "ə",
            ("AH", _) => "ʌ",
            ("AO", _) => "ɔ",
            ("AW", _) => "W",
            ("AY", _) => "I",
            ("B", _) => "b",
            ("CH", _) => "ʧ",
            ("D", _) => "d",
            ("DH", _) => "ð",
            ("EH", _) => "ɛ",
            ("ER", "0") => "əɹ",
            ("ER", _) => "ɜɹ",
            ("EY", _) => "A",
            ("F", _) => "f",
            ("G", _) => "ɡ",
            ("HH", _) => "h",
            ("IH", _) => "ɪ",
            ("IY", _) => "i",
            ("JH", _) => "ʤ",
            ("K", _) => "k",
            ("L", _) => "l",
            ("M", _) => "m",
            ("N", _) => "n",
            ("NG", _) => "ŋ",
            ("OW", _) => "O",
            ("OY", _) => "Y",
            ("P", _) => "p",
            ("R", _) => "ɹ",
            ("S", _) => "s",
            ("SH", _) => "ʃ",
            ("T", _) if flap => "ɾ",
            ("T", _) => "t",
            ("TH", _) => "θ",
            ("UH", _) => "ʊ",
            ("UW", _) => "u",
            ("V", _) => "v",
            ("W", _) => "w",
            ("Y", _) => "j",
            ("Z", _) => "z",
            ("ZH", _) => "ʒ",
            _ => "",
        });
    }
    out
}

/// Spellings and how they are usually read, longest first: enough to be understood in a name that
/// no dictionary holds.
const RULES: [(&str, &str); 58] = [
    ("tion", "SH AH0 N"),
    ("ight", "AY1 T"),
    ("ough", "AO1"),
    ("augh", "AO1"),
    ("tch", "CH"),
    ("sch", "SH"),
    ("dge", "JH"),
    ("igh", "AY1"),
    ("ch", "CH"),
    ("sh", "SH"),
    ("th", "TH"),
    ("ph", "F"),
    ("wh", "W"),
    ("ck", "K"),
    ("ng", "NG"),
    ("qu", "K W"),
    ("kn", "N"),
    ("wr", "R"),
    ("ee", "IY1"),
    ("ea", "IY1"),
    ("oo", "UW1"),
    ("ou", "AW1"),
    ("ow", "OW1"),
    ("oa", "OW1"),
    ("oi", "OY1"),
    ("oy", "OY1"),
    ("ai", "EY1"),
    ("ay", "EY1"),
    ("ei", "EY1"),
    ("ie", "IY1"),
    ("au", "AO1"),
    ("aw", "AO1"),
    ("ar", "AA1 R"),
    ("er", "ER0"),
    ("ir", "ER1"),
    ("or", "AO1 R"),
    ("ur", "ER1"),
    ("a", "AE1"),
    ("b", "B"),
    ("c", "K"),
    ("d", "D"),
    ("e", "EH1"),
    ("f", "F"),
    ("g", "G"),
    ("h", "HH"),
    ("i", "IH1"),
    ("j", "JH"),
    ("k", "K"),
    ("l", "L"),
    ("m", "M"),
    ("n", "N"),
    ("o", "AA1"),
    ("p", "P"),
    ("r", "R"),
    ("s", "S"),
    ("t", "T"),
    ("u", "AH1"),
    ("v", "V"),
];

fn by_rule(word: &str) -> String {
    let mut phones: Vec<&str> = Vec::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let found = RULES.iter().find(|(spelling, _)| rest.starts_with(spelling));
        match (found, first) {
            (Some((spelling, sound)), _) => {
                phones.push(sound);
                rest = &rest[spelling.len()..];
            }
            (None, c) => {
                phones.push(match c {
                    'w' => "W",
                    'x' => "K S",
                    'y' if rest.len() == 1 => "IY0",
                    'y' => "Y",
                    'z' => "Z",
                    _ => "",
                });
                rest = &rest[c.len_utf8()..];
            }
        }
        // A silent e at the end.
        if rest == "e" && word.len() > 3 {
            break;
        }
    }
    kokoro(&phones.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn english() -> English {
        English::new(
            "hello HH AH0 L OW1\nwater W AO1 T ER0\nthe DH AH0\npress P R EH1 S\nday D EY1\nno N OW1\nno(2) N AA1 # x",
            &Lexicon::parse("Unicom\tY UW1 N IH0 K AA2 M").unwrap(),
        )
    }

    #[test]
    fn words_become_the_symbols_of_the_training() {
        assert_eq!(english().phonemes("Hello, water."), "həlˈO, wˈɔɾəɹ.");
        assert_eq!(english().phonemes("the press"), "ðə pɹˈɛs");
    }

    #[test]
    fn plurals_abbreviations_and_unknown_names_are_spoken() {
        assert_eq!(english().phonemes("days"), "dˈAz");
        assert_eq!(english().phonemes("SMS"), "ˈɛs ˈɛm ˈɛs");
        assert!(!english().phonemes("Zweistein").is_empty());
        assert_eq!(english().phonemes("URL"), "jˈu ˈɑɹ ˈɛl");
        assert_eq!(english().phonemes("APP"), "ˈA pˈi pˈi");
        assert_eq!(english().phonemes("SIM"), "sˈɪm");
        assert_eq!(english().phonemes("PIN"), "pˈɪn");
        assert_eq!(english().phonemes("WiFi"), "wˈIfˌI");
        assert_eq!(english().phonemes("email"), "ˈimˌAl");
        assert_eq!(english().phonemes("UNICOM"), "jˈunɪkˌɑm");
        assert_eq!(english().phonemes("😀"), "");
    }
}
