//! Words, codes and punctuation in English text.

use super::number::{MONTHS, cardinal_text, digit_text};
use super::short::{expand, stroke};
use super::text::{currency_code, say};
use crate::scan::{self, is_digit, skip_spaces};

/// A word; with digits in it a code: `A12-0358`. Months and short forms are written out.
pub(super) fn word(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let run: String = chars
        .iter()
        .enumerate()
        .skip(at)
        .take_while(|(n, c)| {
            c.is_alphanumeric()
                || **c == '\'' && *n > at
                || **c == '-' && *n > at && chars.get(n + 1).is_some_and(|c| c.is_ascii_alphanumeric())
        })
        .map(|(_, c)| *c)
        .collect();
    let end = at + run.chars().count();
    if let Some(end) = currency_code(chars, &run, end, out) {
        return Some(end);
    }
    let expanded = expand(chars, at, &run, out);
    let glued = out.ends_with('\'') || at > 0 && chars[at - 1] == '\'';
    let mut put = |text: &str| if glued { out.push_str(text) } else { say(text, out) };
    let characters: Vec<char> = run.chars().collect();
    if let Some((name, number)) = scan::named_number(&characters) {
        put(&format!("{name} {}", cardinal_text(number)));
        return Some(end);
    }
    if run.chars().any(|c| c.is_ascii_digit()) {
        let mut spoken: Vec<String> = Vec::new();
        for c in run.chars() {
            match c {
                '-' => {
                    if let Some(last) = spoken.last_mut() {
                        last.push(',');
                    }
                }
                c if c.is_ascii_digit() => spoken.push(digit_text(c.encode_utf8(&mut [0; 4]))),
                c if spoken.last().is_some_and(|s| {
                    s.len() < 6 && s.chars().all(|c| c.is_ascii_alphabetic()) && s != "zero"
                }) && c.is_ascii_lowercase() =>
                {
                    if let Some(last) = spoken.last_mut() {
                        last.push(c);
                    }
                }
                c => spoken.push(c.to_string()),
            }
        }
        put(&spoken.join(" "));
        return Some(end);
    }
    let lower = run.to_ascii_lowercase();
    let dotted = chars.get(end) == Some(&'.');
    if let Some((words, end)) = expanded {
        put(&words);
        return Some(end);
    }
    // "Nov 22", "22 Nov."
    let near_digit = is_digit(chars, skip_spaces(chars, if dotted { end + 1 } else { end }))
        || at > 1 && chars[at - 1] == ' ' && is_digit(chars, at - 2);
    if let Some(month) = MONTHS.iter().find(|name| {
        near_digit && lower.len() >= 3 && lower.len() <= 4 && name.to_ascii_lowercase().starts_with(&lower)
    }) {
        put(month);
        return Some(if dotted { end + 1 } else { end });
    }
    if ["yuan", "rmb", "cny"].contains(&lower.as_str()) {
        put("yuan");
        return Some(end);
    }
    put(&run);
    Some(end)
}

pub(super) fn symbol(chars: &[char], at: usize, out: &mut String) {
    let c = chars[at];
    let sign = matches!(chars.get(at + 1), Some('¥' | '$' | '€' | '£'));
    let before_digit = is_digit(chars, at + 1) || sign && is_digit(chars, at + 2);
    let behind_word = out.chars().next_back().is_some_and(char::is_alphanumeric);
    let mark = match c {
        ',' | '，' | '、' => ',',
        '.' if scan::dot_of_address(chars, at) => return say("dot", out),
        '.' | '。' | '…' | '\n' => '.',
        ';' | '；' => ';',
        ':' | '：' => ':',
        '!' | '！' => '!',
        '?' | '？' => '?',
        '(' | ')' | '[' | ']' | '—' | '|' => ',',
        '-' if at > 0 && chars[at - 1] == ' ' && !before_digit => ',',
        '-' | '~' if before_digit && at > 0 && chars[at - 1] == '%' => return say("to", out),
        // 9am-5pm.
        '-' | '~' if before_digit && [" AM", " PM"].iter().any(|half| out.ends_with(half)) => {
            return say("to", out);
        }
        '-' if before_digit && at.checked_sub(1).is_none_or(|n| !chars[n].is_alphanumeric()) => {
            return say("minus", out);
        }
        '*' => return say("star", out),
        '#' if !before_digit => return say("pound", out),
        '#' if before_digit => return say("number", out),
        '&' => return say("and", out),
        '+' => {
            return if behind_word {
                say("plus", out)
            };
        }
        '=' => return say("equals", out),
        '@' => return say("at", out),
        '%' => return say("percent", out),
        '°' => return say("degrees", out),
        '×' => return say("times", out),
        '/' if before_digit => return,
        '/' if behind_word => return stroke(out).into_iter().for_each(|word| say(word, out)),
        '\'' if behind_word => return out.push('\''),
        _ => return,
    };
    while out.ends_with(' ') {
        out.pop();
    }
    match out.chars().next_back() {
        None => {}
        Some(last) if matches!(last, ',' | ':' | ';') && mark != ',' => {
            out.pop();
            out.push(mark);
        }
        Some(',' | ':' | ';' | '.' | '!' | '?') => {}
        Some(_) => out.push(mark),
    }
}
