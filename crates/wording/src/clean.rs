//! What was typed, as characters that can be read: one width, no control characters, no addresses.

use crate::scan;

/// Folds widths and spaces, drops control characters, marks and pictures, and web addresses.
pub(crate) fn clean(text: &str) -> Vec<char> {
    let folded: Vec<char> = text.chars().filter_map(fold).collect();
    let mut out = Vec::with_capacity(folded.len());
    let mut at = 0;
    while at < folded.len() {
        // Behind `example.com` a path says nothing to an ear.
        let path = if folded[at] == '/' && scan::ends_with_domain(&out) { graphic(&folded[at..]) } else { 0 };
        match path.max(address(&folded[at..])) {
            0 => {
                out.push(folded[at]);
                at += 1;
            }
            length => at += length,
        }
    }
    out
}

/// The zeros of other scripts (Unicode, general category Nd); nine digits follow each.
const ZEROS: [char; 64] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e950}',
    '\u{1fbf0}',
];

/// A digit of any script as an ASCII one: ٣, ३, 𝟑.
fn digit(c: char) -> Option<char> {
    let zero = ZEROS.iter().rev().find(|zero| **zero <= c)?;
    char::from_digit((c as u32 - *zero as u32).min(36), 10)
}

/// One character as it is read; `None`: it is not.
fn fold(c: char) -> Option<char> {
    let folded = match c {
        '\n' | '\r' | '\u{2028}' | '\u{2029}' => '\n',
        c if c.is_whitespace() => ' ',
        c if c.is_control() => return None,
        // Full-width forms of ASCII, but for the punctuation that Chinese is written with.
        '，' | '；' | '：' | '！' | '？' => c,
        '\u{ff0e}' => '.',
        '\u{ffe5}' => '¥',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{2019}' | '\u{2018}' => '\'',
        '\u{2010}'..='\u{2013}' | '\u{2212}' | '\u{fe63}' => '-',
        '\u{301c}' | '∼' => '~',
        '×' | '÷' | '°' | '℃' | '‰' | '…' | '—' | '¥' | '£' | '€' | '·' => c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            return None;
        }
        '\u{fe00}'..='\u{fe0f}' | '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' => return None,
        // Circled digits are read as digits.
        '①'..='⑨' => char::from_u32(c as u32 - '①' as u32 + '1' as u32).unwrap_or(c),
        '“' | '”' | '「' | '」' | '『' | '』' => '"',
        '【' | '】' | '《' | '》' | '〈' | '〉' | '〔' | '〕' => '(',
        '、' | '。' | '〇' => c,
        c if c.is_ascii() => c,
        c if c.is_numeric() => digit(c).unwrap_or(c),
        c if c.is_alphanumeric() => c,
        _ => ' ',
    };
    Some(folded)
}

/// The length of a web address that begins here, 0 if none does.
fn address(chars: &[char]) -> usize {
    let begins = |head: &str| {
        chars.len() > head.len() && chars.iter().zip(head.chars()).all(|(a, b)| a.to_ascii_lowercase() == b)
    };
    if !["https://", "http://", "www."].iter().any(|head| begins(head)) {
        return 0;
    }
    graphic(chars)
}

/// The length of what stands here without a space, the punctuation of the sentence left out.
fn graphic(chars: &[char]) -> usize {
    let end = chars.iter().position(|c| !c.is_ascii_graphic() || matches!(c, '"' | '<' | '>'));
    let mut end = end.unwrap_or(chars.len());
    while end > 0 && matches!(chars[end - 1], '.' | ',' | ')' | '(' | ';' | '!' | '?') {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text).into_iter().collect()
    }

    #[test]
    fn widths_are_one_and_pictures_and_addresses_go() {
        assert_eq!(cleaned("退费２５．５元"), "退费25.5元");
        assert_eq!(cleaned("a\u{0}b\u{200b}c"), "abc");
        assert_eq!(cleaned("好😀的").replace(' ', ""), "好的");
        assert_eq!(cleaned("详见https://10086.cn/a?b=1。谢谢"), "详见。谢谢");
        assert_eq!(cleaned("See www.example.com."), "See .");
    }
}
