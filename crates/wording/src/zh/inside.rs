//! Amounts inside spoken Chinese text that recorded words say better. Codes are left to the voice: in one go
//! behind its own words its digits are understood better than recorded ones.

use super::phrases;
use crate::{Said, Token};

/// Beside these a digit belongs to a number, a date or a list.
const NUMERALS: &str = "零幺一二三四五六七八九十百千万亿两点第、年月";

/// A clause with the amount that it ends with told apart from its words.
pub(crate) fn said(clause: &str) -> Vec<Said> {
    let chars: Vec<char> = clause.chars().collect();
    let (mut parts, mut words, mut at) = (Vec::new(), String::new(), 0);
    while let Some(&c) = chars.get(at) {
        let alone = at == 0 || !NUMERALS.contains(chars[at - 1]);
        let found = if alone { amount(&chars, at) } else { None };
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
            "您的工单号是四零七、幺九二、八六五。",
        ] {
            assert_eq!(told(text).concat(), if text == "。" { "" } else { text });
        }
    }
}
