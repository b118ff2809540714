//! A firm's own readings: names of plans, places and products that no dictionary knows.
//!
//! A text file in UTF-8, one entry a line: a phrase, a tab, and how it is read. Han characters are
//! read in pinyin, one syllable a character, each with its tone (1 to 5, 5 is the neutral one, `v`
//! for ü): `银行\tyin2 hang2`. A word in Latin letters is read in the phones of the CMU dictionary,
//! the stress behind the vowel: `Unicom\tY UW1 N IH0 K AA2 M`. Lines that begin with `#`, and empty
//! ones, say nothing.

use std::collections::BTreeMap;
use std::path::Path;

use crate::SpeechError;
use crate::mandarin::Syllable;

/// More characters than this are no name but a text.
const LONGEST: usize = 24;

/// The phones of the CMU dictionary.
const PHONES: [&str; 39] = [
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY",
    "JH", "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y",
    "Z", "ZH",
];
/// The first of them that are vowels carry a stress.
const VOWELS: [&str; 15] =
    ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"];

/// Readings by phrase.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    phrases: BTreeMap<String, Vec<Syllable>>,
    words: BTreeMap<String, String>,
}

impl Lexicon {
    /// Reads a file; `None` has no entries.
    ///
    /// # Errors
    /// [`SpeechError::Lexicon`] with the file, the line and what is wrong with it.
    pub fn load(path: Option<&Path>) -> Result<Self, SpeechError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let wrong = |line, reason| SpeechError::Lexicon { path: path.to_owned(), line, reason };
        let bytes = std::fs::read(path).map_err(|error| wrong(0, error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            wrong(read.iter().filter(|b| **b == b'\n').count() + 1, "this is no UTF-8".into())
        })?;
        Self::parse(&text).map_err(|(line, reason)| wrong(line, reason))
    }

    /// Reads the text of a file. The error is the number of the line and what is wrong with it.
    ///
    /// # Errors
    /// The first line that cannot be taken.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut lexicon = Self::default();
        for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let line = line.trim_end();
            if !line.is_empty() && !line.starts_with('#') {
                lexicon.add(line).map_err(|reason| (number + 1, reason))?;
            }
        }
        Ok(lexicon)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let (phrase, reading) =
            line.split_once('\t').ok_or("a phrase, a tab and its reading are expected; there is no tab")?;
        let phrase = phrase.trim();
        let characters = phrase.chars().count();
        if characters == 0 || characters > LONGEST {
            return Err(format!("a phrase has 1 to {LONGEST} characters, this one has {characters}"));
        }
        let fresh = if phrase.chars().all(crate::mandarin::han) {
            self.phrases.insert(phrase.to_owned(), syllables(reading, characters)?).is_none()
        } else if phrase.chars().all(|c| c.is_ascii_alphabetic() || c == '\'') {
            self.words.insert(phrase.to_lowercase(), phones(reading)?).is_none()
        } else {
            return Err(format!("`{phrase}` is neither Han characters nor one word in Latin letters"));
        };
        if fresh { Ok(()) } else { Err(format!("`{phrase}` stands in the file twice")) }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.phrases.len() + self.words.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn phrases(&self) -> impl Iterator<Item = (&String, &Vec<Syllable>)> {
        self.phrases.iter()
    }

    /// Words in lower case, and their phones.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&String, &String)> {
        self.words.iter()
    }

    /// The entries that a text is read by, as text: speech that was rendered with other readings is
    /// other speech.
    pub(crate) fn used_by(&self, text: &str) -> String {
        let mut used = String::new();
        for (phrase, syllables) in self.phrases.iter().filter(|(phrase, _)| text.contains(phrase.as_str())) {
            used.push_str(phrase);
            syllables.iter().for_each(|syllable| used.push_str(&format!(" {syllable}")));
            used.push('\n');
        }
        if !self.words.is_empty() {
            let lower = text.to_lowercase();
            for (word, phones) in self.words.iter().filter(|(word, _)| lower.contains(word.as_str())) {
                used.push_str(&format!("{word} {phones}\n"));
            }
        }
        used
    }
}

fn syllables(reading: &str, characters: usize) -> Result<Vec<Syllable>, String> {
    let syllables: Vec<Syllable> = reading
        .split_whitespace()
        .map(|syllable| {
            let read = Syllable::parse(&syllable.to_lowercase().replace('ü', "v"))
                .ok_or_else(|| format!("`{syllable}` has no tone: one of 1 to 5 stands behind it"))?;
            if read.is_known() { Ok(read) } else { Err(format!("`{syllable}` is no syllable of Mandarin")) }
        })
        .collect::<Result<_, _>>()?;
    if syllables.len() == characters {
        return Ok(syllables);
    }
    Err(format!("{characters} characters need as many syllables; there are {}", syllables.len()))
}

fn phones(reading: &str) -> Result<String, String> {
    let mut phones = Vec::new();
    for phone in reading.split_whitespace() {
        let upper = phone.to_uppercase();
        let name = upper.trim_end_matches(['0', '1', '2']);
        let known = PHONES.contains(&name) && upper.len() - name.len() == usize::from(VOWELS.contains(&name));
        if !known {
            return Err(format!("`{phone}` is no phone of the CMU dictionary (a vowel ends with 0, 1 or 2)"));
        }
        phones.push(upper);
    }
    if phones.is_empty() { Err("there is no reading behind the tab".into()) } else { Ok(phones.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_those_a_text_uses_are_known() {
        let lexicon = Lexicon::parse(
            "\u{feff}# ours\r\n\r\n畅享套餐\tchang4 xiang3 tao4 can1\r\nUnicom\ty uw1 n ih0 k aa2 m\n绿\tLü4\n",
        )
        .unwrap();
        assert_eq!(lexicon.len(), 3);
        assert_eq!(
            lexicon.used_by("您的畅享套餐，UNICOM"),
            "畅享套餐 chang4 xiang3 tao4 can1\nunicom Y UW1 N IH0 K AA2 M\n"
        );
        assert_eq!(lexicon.used_by("您的套餐"), "");
        assert!(Lexicon::parse("").unwrap().is_empty());
    }

    #[test]
    fn a_wrong_line_is_told_with_its_number() {
        for (text, line, words) in [
            ("银行 yin2 hang2", 1, "no tab"),
            ("# x\n\n银行\tyin2", 3, "2 characters need as many syllables; there are 1"),
            ("银行\tyin hang2", 1, "`yin` has no tone"),
            ("银行\tyin2 hxng2", 1, "`hxng2` is no syllable"),
            ("银行\tyin2 hang6", 1, "`hang6` has no tone"),
            ("行\thang2\n行\txing2", 2, "twice"),
            ("5G套餐\tg1", 1, "neither Han"),
            ("Unicom\tUNICOM", 1, "`UNICOM` is no phone"),
            ("Unicom\tY UW N", 1, "`UW` is no phone"),
            ("Unicom\t", 1, "no tab"),
            ("\tyin2", 1, "1 to 24 characters"),
        ] {
            let (at, reason) = Lexicon::parse(text).unwrap_err();
            assert!(at == line && reason.contains(words), "{text:?}: {at}: {reason}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lexicon.tsv");
        let told = Lexicon::load(Some(&path)).unwrap_err().to_string();
        assert!(told.contains("lexicon.tsv"), "{told}");
        std::fs::write(&path, b"# x\n\xff\xfe\t").unwrap();
        let told = Lexicon::load(Some(&path)).unwrap_err().to_string();
        assert!(told.contains("lexicon.tsv:2: ") && told.contains("UTF-8"), "{told}");
    }
}
