//! Values inside spoken Chinese text that recorded words say as well: what a listener writes down.

use super::phrases;
use super::slots::digit_groups;
use crate::{Said, Token};

/// Fewer digits are no code: a list of two numbers, a room.
const FEWEST_DIGITS: usize = 6;
/// Digits of one group of a code.
const GROUP: std::ops::RangeInclusive<usize> = 2..=4;
/// Digits as the texts of codes have them: 1 is 幺 there.
const DIGITS: &str = "零幺二三四五六七八九";
/// Beside these a digit belongs to a number, a date or a list.
const NUMERALS: &str = "零幺一二三四五六七八九十百千万亿两点第、年月";

/// A clause with its codes, and the amount that it ends with, told apart from its words.
pub(crate) fn said(clause: &str) -> Vec<Said> {
    let chars: Vec<char> = clause.chars().collect();
    let (mut parts, mut words, mut at) = (Vec::new(), String::new(), 0);
    while let Some(&c) = chars.get(at) {
        let alone = at == 0 || !NUMERALS.contains(chars[at - 1]);
        let found = if alone { code(&chars, at).or_else(|| amount(&chars, at)) } else { None };
        match found {
            Some((tokens, end)) => {
                push(&mut parts, &mut words, true);
                parts.push(Said::Value(tokens));
                at = end;
            }
            None => {
                words.push(c);
                at += 1;
            }
        }
    }
    push(&mut parts, &mut words, false);
    // One syllable by itself is not understood: the voice says all of it.
    let clipped = |part: &Said| matches!(part, Said::Words(words) if syllables(words) == 1);
    if parts.iter().any(clipped) { vec![Said::Words(clause.to_owned())] } else { parts }
}

fn syllables(words: &str) -> usize {
    words.chars().filter(|c| c.is_alphanumeric()).count()
}

/// Before a value the voice stays up, as at a comma.
fn push(parts: &mut Vec<Said>, words: &mut String, value_follows: bool) {
    let mut words = std::mem::take(words);
    if syllables(&words) == 0 {
        return;
    }
    if value_follows && words.ends_with(char::is_alphanumeric) {
        words.push('，');
    }
    parts.push(Said::Words(words));
}

/// 四零七、幺九二、八六五, and where it ends.
fn code(chars: &[char], at: usize) -> Option<(Vec<Token>, usize)> {
    let digit = |at: usize| chars.get(at).and_then(|c| DIGITS.chars().position(|digit| digit == *c));
    let (mut groups, mut end) = (Vec::new(), at);
    loop {
        let mut group = String::new();
        while let Some(digit) = digit(end) {
            group += &digit.to_string();
            end += 1;
        }
        if !GROUP.contains(&group.len()) {
            return None;
        }
        groups.push(group);
        if chars.get(end) != Some(&'、') || digit(end + 1).is_none() {
            break;
        }
        end += 1;
    }
    let long = groups.len() > 1 && groups.concat().len() >= FEWEST_DIGITS;
    let goes_on = chars.get(end).is_some_and(|c| NUMERALS.contains(*c));
    (long && !goes_on).then(|| (digit_groups(&groups), end))
}

/// 八元 at the end of a clause: an amount of one recorded phrase.
fn amount(chars: &[char], at: usize) -> Option<(Vec<Token>, usize)> {
    let end = chars.len() - chars.iter().rev().take_while(|c| !c.is_alphanumeric()).count();
    let text: String = chars.get(at..end).filter(|rest| rest.len() <= LONGEST)?.iter().collect();
    Some((vec![Token::Word(phrases::amount(&text)?)], end))
}

/// Characters of the longest phrase: 九十九元, 二十万元.
const LONGEST: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(clause: &str) -> Vec<String> {
        said(clause)
            .into_iter()
            .map(|part| match part {
                Said::Words(words) => words,
                Said::Value(tokens) => tokens
                    .iter()
                    .map(|token| match token {
                        Token::Word(word) => word.key.clone(),
                        Token::Pause(_) => "|".to_owned(),
                        Token::Text { text, .. } => text.clone(),
                    })
                    .collect::<Vec<_>>()
                    .join(" "),
            })
            .collect()
    }

    #[test]
    fn a_code_is_told_apart_with_the_words_around_it() {
        assert_eq!(told("您的工单号是四零七、幺九二、八六五。"), ["您的工单号是，", "g407 | g192 | g865"]);
        assert_eq!(
            told("您的四零七、幺九二、八六五号工单已办结，"),
            ["您的，", "g407 | g192 | g865", "号工单已办结，"]
        );
        assert_eq!(told("请拨打幺三八、零零幺三、八零零零。"), ["请拨打，", "g138 | g00 g13 | g80 g00"]);
        assert_eq!(told("四零七、幺九二"), ["g407 | g192"]);
    }

    #[test]
    fn an_amount_of_one_phrase_is_told_apart_at_the_end_of_a_clause() {
        assert_eq!(told("为您退费八元。"), ["为您退费，", "n8-yuan"]);
        assert_eq!(told("金额为三百元，"), ["金额为，", "h3-yuan"]);
        assert_eq!(told("多收的二十元已退还，"), ["多收的二十元已退还，"]);
        assert_eq!(told("退费一百二十八元。"), ["退费一百二十八元。"]);
        assert_eq!(told("退费九十八点五元。"), ["退费九十八点五元。"]);
        assert_eq!(told("共八元。"), ["共八元。"]);
    }

    #[test]
    fn numbers_dates_and_lists_are_left_to_the_voice() {
        for text in [
            "二零二六年、二零二七年都有效，",
            "请按二、三、四、五、六、七键。",
            "房间是八零三、八零四、一五零五。",
            "共三百二十、四百五十六次，",
            "客服热线幺零零八六。",
            "。",
            "是四零七、幺九二。",
        ] {
            assert_eq!(told(text).concat(), if text == "。" { "" } else { text });
        }
    }
}
