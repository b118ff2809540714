//! Readings that what stands around them decides: 为, 得, 地, 儿, and tones beside each other.

use super::ipa::Syllable;

/// Who something is done for: 为 before these is wèi.
const FOR_WHOM: &str = "您你我他她它其此何什客用大每各本确保避方防提更了";
/// Words before 得 that say how something is done follow: 说得很清楚.
const HOW: &str = "很太不好快慢清多少非特更最真这那比了到出过起上下来去";

/// Readings of single characters that the characters around them decide. `words` are the words of
/// the text with their number of characters.
pub(super) fn in_context(characters: &[char], syllables: &mut [Syllable], word_lengths: &[usize]) {
    let mut at = 0usize;
    for (place, &length) in word_lengths.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| characters[before]);
        let next = characters.get(at + length).copied();
        if length == 1 {
            match characters[at] {
                // 余额为零, 变更为八十八元; but 已为您, 为客户.
                '为' => {
                    let whom = next.is_some_and(|c| FOR_WHOM.contains(c));
                    syllables[at].tone = if before.is_none() || whom { 4 } else { 2 };
                }
                '得' if before.is_some() && next.is_some_and(|c| HOW.contains(c)) => syllables[at].tone = 5,
                // 及时地处理, 顺利地办理: behind a word of how, before a verb.
                '地' if place > 0
                    && word_lengths[place - 1] >= 2
                    && next.is_some()
                    && before.is_some_and(|c| "时快利力心真细常慢好速楚确效切动情意极".contains(c)) =>
                {
                    syllables[at] = Syllable { pinyin: "de".into(), tone: 5 };
                }
                _ => {}
            }
        }
        at += length;
    }
    // 儿 belongs to the syllable before it, but where it means a child.
    for at in 1..characters.len() {
        let child = "女婴幼胎孤少健男".contains(characters[at - 1]);
        let goes_on = characters.get(at + 1).is_some_and(|c| "童科子女歌园".contains(*c));
        if characters[at] == '儿' && !child && !goes_on {
            syllables[at] = Syllable { pinyin: "r".into(), tone: 5 };
        }
    }
}

/// Tones as they are spoken beside each other: third tones, 一 and 不.
pub(super) fn sandhi(characters: &[char], syllables: &mut [Syllable], word_lengths: &[usize]) {
    for at in 0..syllables.len() {
        let next = syllables.get(at + 1).map(|s| s.tone);
        let number = |c: Option<&char>| {
            c.is_some_and(|c| "零一二三四五六七八九十百千万亿两点幺第月号日期".contains(*c))
        };
        // Dictionaries give some phrases as they are spoken, some as they are written.
        match (characters[at], syllables[at].tone) {
            ('一', 2..=4) => syllables[at].tone = 1,
            ('不', 1..=3) => syllables[at].tone = 4,
            _ => {}
        }
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
