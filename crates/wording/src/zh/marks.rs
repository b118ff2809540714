//! Latin letters, codes and punctuation in Chinese text.

use super::number::{cardinal_text, digit_text};
use super::text::measured;
use crate::scan::{self, is_digit};

/// A run of Latin letters, with the digits of a code: `A12-0358`, `5G`, `VIP`, `iPhone15`.
pub(super) fn latin(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let inside = |n: usize| n > at && chars.get(n + 1).is_some_and(char::is_ascii_alphanumeric);
    let run: Vec<char> = chars
        .iter()
        .enumerate()
        .skip(at)
        .take_while(|(n, c)| {
            c.is_ascii_alphanumeric()
                || **c == '\''
                || matches!(c, '-' | '_') && inside(*n)
                || **c == '.' && *n > at && is_digit(chars, n + 1)
        })
        .map(|(_, c)| *c)
        .collect();
    let end = at + run.len();
    if out.ends_with('每')
        && let Some(unit) = per(&run)
    {
        out.push_str(unit);
        return Some(end);
    }
    if out.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric()) {
        out.push(' ');
    }
    if let Some((name, number)) = scan::named_number(&run) {
        out.push_str(&format!("{name}{}", cardinal_text(number, false)));
        return Some(end);
    }
    let code = run.iter().any(char::is_ascii_digit);
    // The numbers of a version are told as numbers are, those of a code as codes are.
    let one = if run.contains(&'.') { "一" } else { "幺" };
    let mut at = 0;
    while let Some(&c) = run.get(at) {
        let found = scan::digits(&run, at);
        match c {
            '-' if code => out.push('、'),
            '-' => out.push(' '),
            '_' => out.push_str("下划线"),
            '.' => out.push('点'),
            c if found.is_empty() => out.push(c),
            _ if found.len() >= 6 => {
                let groups: Vec<String> =
                    scan::groups(&found).iter().map(|group| digit_text(group, one)).collect();
                out.push_str(&groups.join("、"));
            }
            _ => out.push_str(&digit_text(&found, one)),
        }
        at += found.len().max(1);
    }
    Some(end)
}

/// A unit behind "per".
fn per(run: &[char]) -> Option<&'static str> {
    let unit: String = run.iter().collect();
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" => "秒",
        "min" => "分钟",
        "h" | "hr" => "小时",
        "gb" | "g" => "G",
        "mb" | "m" => "兆",
        "kg" => "公斤",
        "km" => "公里",
        _ => return None,
    })
}

/// Everything else: punctuation becomes Chinese, what cannot be read becomes nothing.
pub(super) fn symbol(chars: &[char], at: usize, out: &mut String) {
    let c = chars[at];
    let sign = matches!(chars.get(at + 1), Some('¥' | '$' | '€' | '£'));
    let before_digit = is_digit(chars, at + 1) || sign && is_digit(chars, at + 2);
    let behind_word = out.chars().next_back().is_some_and(char::is_alphanumeric);
    let mark = match c {
        ',' | '，' | '、' => "，",
        '.' if before_digit && behind_word || scan::dot_of_address(chars, at) => return out.push('点'),
        '.' | '。' | '…' | '\n' => "。",
        ';' | '；' => "；",
        ':' | '：' => "：",
        '!' | '！' => "！",
        '?' | '？' => "？",
        '-' | '~' | '—' if before_digit && reaches(chars, at) => return out.push('到'),
        '-' if before_digit && at.checked_sub(1).is_none_or(|n| !chars[n].is_ascii_alphanumeric()) => {
            return out.push('负');
        }
        '*' if before_digit && behind_word => return out.push('乘'),
        '*' => return out.push_str("星号"),
        '#' => return out.push_str("井号"),
        '(' | ')' | '[' | ']' | '—' | '|' | '~' => "，",
        '+' => return out.push_str(if behind_word { "加" } else { "" }),
        '&' => return out.push('和'),
        '=' => return out.push_str("等于"),
        '%' => return out.push_str("百分号"),
        '°' | '℃' => return out.push('度'),
        '×' => return out.push('乘'),
        '_' if behind_word && chars.get(at + 1).is_some_and(char::is_ascii_alphanumeric) => {
            return out.push_str("下划线");
        }
        '@' if behind_word => return out.push_str("艾特"),
        '/' if behind_word && !before_digit && out.ends_with(['元', '兆', 'G', '次', '条', '天']) => {
            return out.push('每');
        }
        '/' | '\\' if behind_word => "，",
        ' ' => {
            let latin = |c: Option<&char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            if at > 0 && latin(chars.get(at - 1)) && latin(chars.get(at + 1)) && behind_word {
                out.push(' ');
            }
            return;
        }
        c if c.is_alphanumeric() => return out.push(c),
        _ => return,
    };
    stop(mark, out);
}

/// `3天-5天`, `20%-30%`: a dash behind a number with its unit means "to".
fn reaches(chars: &[char], at: usize) -> bool {
    let unit = (1..=4).find(|back| at > *back && is_digit(chars, at - back - 1));
    at > 0 && chars[at - 1] == '%' || unit.is_some_and(|back| measured(chars, at - back).is_some())
}

/// One mark at a time: a stronger one takes the place of a weaker, none stands at the beginning.
fn stop(mark: &str, out: &mut String) {
    while out.ends_with(' ') {
        out.pop();
    }
    let weak = |c: char| matches!(c, '，' | '：' | '；');
    match out.chars().next_back() {
        None => {}
        Some(last) if weak(last) && mark != "，" => {
            out.pop();
            out.push_str(mark);
        }
        Some(last) if weak(last) || matches!(last, '。' | '！' | '？' | '、') => {}
        Some(_) => out.push_str(mark),
    }
}
