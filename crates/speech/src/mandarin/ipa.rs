//! Syllables to the IPA that Kokoro was trained on, with tone arrows (→ ↗ ↓ ↘).

/// One syllable: pinyin without its tone (`v` for ü), and the tone, 5 for the neutral one. `r` is
/// 儿 at the end of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Syllable {
    pub(crate) pinyin: String,
    pub(crate) tone: u8,
}

impl Syllable {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let tone = text.bytes().last()?.checked_sub(b'0').filter(|t| (1..=5).contains(t))?;
        Some(Self { pinyin: text[..text.len() - 1].to_owned(), tone })
    }

    /// Whether there is such a syllable, whatever its tone.
    pub(crate) fn is_known(&self) -> bool {
        if ["er", "r", "o", "m", "hm", "n", "ng", "hng"].contains(&self.pinyin.as_str()) {
            return true;
        }
        parts(&self.pinyin).2.is_some() && self.pinyin.bytes().all(|b| b.is_ascii_lowercase())
    }
}

impl std::fmt::Display for Syllable {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}{}", self.pinyin, self.tone)
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

/// A syllable in IPA.
pub(super) fn ipa(syllable: &Syllable) -> String {
    let tone = match syllable.tone {
        1 => "→",
        2 => "↗",
        3 => "↓",
        4 => "↘",
        _ => "",
    };
    let with_tone = |pattern: &str| pattern.replace('0', tone);
    match syllable.pinyin.as_str() {
        "er" | "r" => return with_tone("ɚ0"),
        "o" => return with_tone("ɔ0"),
        "m" | "hm" => return with_tone("m0"),
        "n" => return with_tone("n0"),
        "ng" | "hng" => return with_tone("ŋ0"),
        _ => {}
    }
    let (_, sound, pattern) = parts(&syllable.pinyin);
    format!("{sound}{}", with_tone(pattern.unwrap_or("ə0")))
}

/// A syllable whose 儿 behind it is spoken with it: -n and -i are swallowed (点儿, 会儿).
pub(super) fn rhotic(syllable: &Syllable) -> String {
    let mut sound = ipa(syllable);
    let tone: String = sound.chars().filter(|c| "→↗↓↘".contains(*c)).collect();
    sound.retain(|c| !"→↗↓↘".contains(c));
    let glide = ["ai", "ei", "ui"].iter().any(|end| syllable.pinyin.ends_with(end));
    if sound.ends_with('n') || glide && sound.ends_with('i') {
        sound.pop();
    }
    format!("{sound}{tone}ɚ")
}

/// Initial, its sound, and the sound of the final.
fn parts(pinyin: &str) -> (&'static str, &'static str, Option<&'static str>) {
    let spelled = without_glide(pinyin);
    let (initial, sound, rest) = INITIALS
        .iter()
        .find_map(|(initial, sound)| {
            spelled.strip_prefix(initial).map(|rest| (*initial, *sound, rest.to_owned()))
        })
        .unwrap_or(("", "", spelled.clone()));
    // After these a written i is no vowel of its own, and a written u is ü.
    let pattern = match (initial, rest.as_str()) {
        ("zh" | "ch" | "sh" | "r" | "z" | "c" | "s", "i") => Some("ɨ0"),
        ("j" | "q" | "x", under) if under.starts_with('u') => final_of(&format!("v{}", &under[1..])),
        (_, other) => {
            final_of(&other.replace("ue", if initial == "n" || initial == "l" { "ve" } else { "ue" }))
        }
    };
    (initial, sound, pattern)
}

fn final_of(name: &str) -> Option<&'static str> {
    FINALS.iter().find(|(known, _)| *known == name).map(|(_, ipa)| *ipa)
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
