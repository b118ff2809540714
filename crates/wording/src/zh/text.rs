//! Free Chinese text to the words that are spoken.

use super::marks::{latin, symbol};
use super::number::{cardinal_text, digit_text};
use crate::scan::{self, clock, digits, follows, is_digit, iso_date, numeral, skip_spaces};
use crate::value::phone_groups;

/// Measure words and units behind which 2 is 两 and a number is a number.
const MEASURES: [&str; 71] = [
    "个", "位", "元", "块", "天", "次", "张", "条", "笔", "件", "分", "小时", "年", "周", "人", "项", "份",
    "种", "台", "部", "家", "名", "季", "点", "页", "层", "倍", "斤", "公斤", "公里", "米", "秒", "角", "毛",
    "兆", "套", "度", "户", "款", "档", "级", "步", "句", "遍", "趟", "封", "万", "千", "百", "亿", "月",
    "日", "号", "岁", "折", "星", "美元", "字", "门", "道", "枚", "根", "辆", "间", "批", "类", "组", "场",
    "岁以", "克", "期",
];
/// Before these 2 stays 二.
const ORDINAL: [&str; 7] = ["月", "日", "号", "期", "级", "层", "折"];
/// Behind these words digits are a code, however few they are.
const CODES: [&str; 28] = [
    "编号",
    "码",
    "邮编",
    "分机",
    "艾特",
    "单号",
    "订单",
    "工单",
    "电话",
    "热线",
    "拨打",
    "致电",
    "尾号",
    "后四位",
    "账号",
    "卡号",
    "流水号",
    "客服",
    "发送",
    "回复",
    "会员卡",
    "身份证",
    "短号",
    "工号",
    "受理号",
    "呼叫",
    "手机",
    "为您回电",
];

/// Behind these, and before those, three digits or more are a room.
const BUILDINGS: [&str; 6] = ["座", "单元", "栋", "幢", "楼", "室"];
const ROOMS: [&str; 2] = ["室", "房"];
/// Behind these `11/25` and `20261120` are days.
const ON_DAYS: [&str; 12] =
    ["于", "在", "截至", "截止", "至", "到", "自", "从", "日期", "时间", "预计", "有效期"];

/// Spoken words, with Chinese punctuation.
pub(crate) fn normalise(chars: &[char]) -> String {
    let mut out = String::with_capacity(chars.len() * 4);
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let next = currency(chars, at, &mut out)
            .or_else(|| international(chars, at, &mut out))
            .or_else(|| if c.is_ascii_digit() { number(chars, at, &mut out) } else { None })
            .or_else(|| if c.is_ascii_alphabetic() { latin(chars, at, &mut out) } else { None });
        at = match next {
            // Each reading goes forward, whatever the text.
            Some(next) if next > at => next,
            _ => {
                symbol(chars, at, &mut out);
                at + 1
            }
        };
    }
    out
}

/// `¥1,234.50`, `$5.60`.
fn currency(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let unit = match chars[at] {
        '¥' => "元",
        '$' => "美元",
        '€' => "欧元",
        '£' => "英镑",
        _ => return None,
    };
    let begin = skip_spaces(chars, at + 1);
    let found = numeral(chars, begin)?;
    let mut end = found.end;
    let mut scale = String::new();
    if let Some(c @ ('万' | '亿')) = chars.get(end) {
        scale.push(*c);
        end += 1;
    }
    out.push_str(&number_text(&found, true));
    out.push_str(&scale);
    out.push_str(unit);
    // "¥30元": the unit is there twice.
    Some(if follows(chars, end, unit) { end + unit.chars().count() } else { end })
}

/// `+86 138 0013 8000`.
fn international(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    if chars[at] != '+' || !is_digit(chars, at + 1) || at > 0 && is_digit(chars, at - 1) {
        return None;
    }
    let (found, end) = spaced_digits(chars, at + 1);
    if found.len() < 9 {
        return None;
    }
    let number = found.strip_prefix("86").unwrap_or(&found);
    push_groups(&phone_groups(number), out);
    Some(end)
}

/// Digits with single spaces or hyphens between them, and where they end.
fn spaced_digits(chars: &[char], mut at: usize) -> (String, usize) {
    let mut found = String::new();
    loop {
        match chars.get(at) {
            Some(c) if c.is_ascii_digit() => found.push(*c),
            Some(' ' | '-') if is_digit(chars, at + 1) => {}
            _ => return (found, at),
        }
        at += 1;
    }
}

fn push_groups(groups: &[String], out: &mut String) {
    let spoken: Vec<String> = groups.iter().map(|group| digit_text(group, "幺")).collect();
    out.push_str(&spoken.join("、"));
}

/// Everything that begins with a digit.
fn number(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    date(chars, at, out)
        .or_else(|| time(chars, at, out))
        .or_else(|| telephone(chars, at, out))
        .or_else(|| range(chars, at, out))
        .or_else(|| plain(chars, at, out))
}

/// `2026-11-20`, `2026年11月22日`, `2026年`.
fn date(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    if at > 0 && is_digit(chars, at - 1) {
        return None;
    }
    if let Some((year, month, day, end)) = iso_date(chars, at).filter(|(.., end)| !is_digit(chars, *end)) {
        push_day(Some(&year), month, day, out);
        let dash = skip_spaces(chars, end);
        let until = skip_spaces(chars, dash + 1);
        if matches!(chars.get(dash), Some('-' | '~' | '—')) && iso_date(chars, until).is_some() {
            out.push('到');
            return Some(until);
        }
        return Some(end);
    }
    let year = digits(chars, at);
    if let Some(end) = short_date(chars, at, &year, out) {
        return Some(end);
    }
    let behind = skip_spaces(chars, at + year.len());
    let is_year = chars.get(behind) == Some(&'年')
        && (year.len() == 4 && ["19", "20"].iter().any(|century| year.starts_with(century))
            || year.len() == 2 && is_digit(chars, behind + 1));
    if is_year {
        out.push_str(&digit_text(&year, "一"));
        return Some(behind);
    }
    None
}

fn push_day(year: Option<&str>, month: u8, day: u8, out: &mut String) {
    if let Some(year) = year {
        out.push_str(&format!("{}年", digit_text(year, "一")));
    }
    let (month, day) = (cardinal_text(month.into(), false), cardinal_text(day.into(), false));
    out.push_str(&format!("{month}月{day}日"));
}

/// `11/25` and `20261120`, behind a word that a day follows.
fn short_date(chars: &[char], at: usize, first: &str, out: &mut String) -> Option<usize> {
    let before = out.trim_end_matches([' ', '：', '是', '为', '，']);
    if !ON_DAYS.iter().any(|word| before.ends_with(word)) {
        return None;
    }
    let fits = |month: &str, day: &str| {
        let (month, day): (u8, u8) = (month.parse().ok()?, day.parse().ok()?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((month, day))
    };
    let end = at + first.len();
    if first.len() == 8 && (first.starts_with("19") || first.starts_with("20")) {
        let (month, day) = fits(&first[4..6], &first[6..])?;
        push_day(Some(&first[..4]), month, day, out);
        return Some(end);
    }
    let day = digits(chars, end + 1);
    let behind = end + 1 + day.len();
    if chars.get(end) != Some(&'/') || first.len() > 2 || chars.get(behind) == Some(&'/') {
        return None;
    }
    let (month, day) = fits(first, &day)?;
    push_day(None, month, day, out);
    Some(behind)
}

/// `15:30`, `9:00-18:00` (the hyphen is read by the range of times here).
fn time(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let (hour, minute, mut end) = clock(chars, at)?;
    push_time(hour, minute, out);
    let dash = skip_spaces(chars, end);
    if matches!(chars.get(dash), Some('-' | '~' | '—' | '至' | '到')) {
        let begin = skip_spaces(chars, dash + 1);
        if let Some((hour, minute, behind)) = clock(chars, begin) {
            out.push('到');
            push_time(hour, minute, out);
            end = behind;
        }
    }
    Some(end)
}

fn push_time(hour: u8, minute: u8, out: &mut String) {
    out.push_str(&cardinal_text(hour.into(), true));
    out.push('点');
    match minute {
        0 => {}
        1..=9 => out.push_str(&format!("零{}分", cardinal_text(minute.into(), false))),
        _ => out.push_str(&format!("{}分", cardinal_text(minute.into(), false))),
    }
}

/// `13800138000`, `0571-88889999`, `400-810-0086`, `138****8000`.
fn telephone(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let first = digits(chars, at);
    let end = at + first.len();
    if chars.get(end) == Some(&'*') && (2..=7).contains(&first.len()) {
        let stars = chars.iter().skip(end).take_while(|c| **c == '*').count();
        let last = digits(chars, end + stars);
        if !last.is_empty() {
            push_groups(&[first, last.clone()], out);
            return Some(end + stars + last.len());
        }
    }
    if first.len() == 11 && first.starts_with('1') {
        push_groups(&phone_groups(&first), out);
        return Some(end);
    }
    if let Some((groups, end)) =
        scan::spaced_groups(chars, at).filter(|(groups, _)| groups.concat().len() != 11)
    {
        push_groups(&groups, out);
        return Some(end);
    }
    let (all, behind) = spaced_digits(chars, at);
    let mobile = all.len() == 11 && all.starts_with('1') && first.len() == 3;
    let fixed = first.starts_with('0') && (3..=4).contains(&first.len()) && (10..=12).contains(&all.len());
    let service = (first == "400" || first == "800") && all.len() == 10;
    if mobile || fixed || service {
        push_groups(&phone_groups(&all), out);
        return Some(behind);
    }
    None
}

/// `3-5天`, `10~20元`.
fn range(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let low = numeral(chars, at)?;
    // `3天-5天` keeps its unit where it stands: only the dash is read, by `symbol`.
    let dash = skip_spaces(chars, low.end);
    let marked = matches!(chars.get(dash), Some('-' | '~' | '—'));
    let begin = skip_spaces(chars, if chars.get(dash + 1) == Some(&'—') { dash + 2 } else { dash + 1 });
    let high = numeral(chars, begin).filter(|_| marked)?;
    let longer = matches!(chars.get(high.end), Some('-' | '/'));
    let small = low.whole.len() <= 5 && high.whole.len() <= 5 && !low.whole.starts_with("00");
    let unit = skip_spaces(chars, high.end);
    let counts =
        measured(chars, unit).is_some() || chars.get(unit) == Some(&'%') || unit_name(chars, unit).is_some();
    if longer || !small || !counts {
        return None;
    }
    let two = takes_two(chars, unit);
    if let Some((per, _)) = percent(chars, unit) {
        out.push_str(per);
    }
    out.push_str(&number_text(&low, two));
    out.push('到');
    let mut end = high.end;
    if let Some((per, behind)) = percent(chars, unit) {
        out.push_str(per);
        end = behind;
    }
    out.push_str(&number_text(&high, two));
    Some(end)
}

/// A single number, by what stands around it.
fn plain(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    let found = numeral(chars, at)?;
    let unit = skip_spaces(chars, found.end);
    // Versions and addresses: 1.2.3.
    if !found.decimals.is_empty() && chars.get(found.end) == Some(&'.') && is_digit(chars, found.end + 1) {
        let dotted = |(n, c): &(usize, &char)| c.is_ascii_digit() || **c == '.' && is_digit(chars, n + 1);
        let end = at + chars.iter().enumerate().skip(at).take_while(dotted).count();
        let text: String = chars[at..end].iter().collect();
        let parts: Vec<String> =
            text.split('.').filter(|p| !p.is_empty()).map(|part| digit_text(part, "一")).collect();
        out.push_str(&parts.join("点"));
        return Some(end);
    }
    if let Some((per, behind)) = percent(chars, unit) {
        out.push_str(per);
        out.push_str(&number_text(&found, false));
        return Some(behind);
    }
    if let Some((name, behind)) = unit_name(chars, unit) {
        // 2G is a network, 2GB an amount.
        let network = name == "G" && behind == unit + 1;
        out.push_str(&number_text(&found, !network));
        out.push_str(name);
        return Some(behind);
    }
    if let Some(end) = fraction(chars, &found, out) {
        return Some(end);
    }
    let named = behind_code_word(out, found.whole.len());
    let counted = measured(chars, unit).is_some();
    let is_code = found.decimals.is_empty()
        && !found.grouped
        && (found.whole.len() > 1 && found.whole.starts_with('0')
            || found.whole.len() >= 7 && !counted
            || named && !counted
            || is_room(chars, unit, found.whole.len(), out)
            || is_service(&found.whole) && !counted
            || found.whole.len() > 12);
    if is_code {
        let (all, end) = code_behind(chars, at);
        push_groups(&scan::groups(&all), out);
        return Some(end);
    }
    // Version 3.0 is not version 3.
    if found.decimals.ends_with('0') && (out.ends_with("版本") || follows(chars, unit, "版")) {
        let decimals = digit_text(&found.decimals, "一");
        out.push_str(&format!("{}点{decimals}", cardinal_text(found.value()?, false)));
        return Some(found.end);
    }
    out.push_str(&number_text(&found, takes_two(chars, unit) && !out.ends_with('第')));
    Some(found.end)
}

/// Whether the words before a number of so many digits make it a code. A second code may follow the
/// first: 110 or 119.
fn behind_code_word(out: &str, length: usize) -> bool {
    let ends = |text: &str| {
        let text = text.trim_end_matches([' ', '：', '是', '为', '，']);
        CODES.iter().any(|word| text.ends_with(word)) || length >= 3 && text.ends_with('转')
    };
    if ends(out) {
        return true;
    }
    let first = out.trim_end_matches(['或', '者', '和', '及']);
    let before = first.trim_end_matches(|c| "、零幺二三四五六七八九".contains(c));
    first.len() < out.len() && before.len() < first.len() && ends(before)
}

/// Whether three digits or more are a room: 1203室, A座1201.
fn is_room(chars: &[char], behind: usize, length: usize, out: &str) -> bool {
    (3..=4).contains(&length)
        && (ROOMS.iter().any(|word| follows(chars, behind, word))
            || BUILDINGS.iter().any(|word| out.ends_with(word)) && measured(chars, behind).is_none())
}

/// A code may be written in groups: `407-192-865`.
fn code_behind(chars: &[char], at: usize) -> (String, usize) {
    let alone = digits(chars, at);
    let (all, end) = spaced_digits(chars, at);
    if chars[at..end].contains(&' ') { (alone.clone(), at + alone.len()) } else { (all, end) }
}

/// Short numbers that are dialled: 10086, 12315, 95588.
fn is_service(digits: &str) -> bool {
    digits.len() == 5
        && ["100", "123", "955", "956", "116", "118", "125"].iter().any(|p| digits.starts_with(p))
}

/// `1/3`.
fn fraction(chars: &[char], top: &scan::Numeral, out: &mut String) -> Option<usize> {
    let bottom = numeral(chars, top.end + 1).filter(|_| chars.get(top.end) == Some(&'/'))?;
    let (a, b) = (top.integer()?, bottom.integer()?);
    let fits = a < b && b <= 10 && !matches!(chars.get(bottom.end), Some('/' | '-'));
    if !fits {
        return None;
    }
    out.push_str(&format!("{}分之{}", cardinal_text(b, false), cardinal_text(a, false)));
    Some(bottom.end)
}

fn percent(chars: &[char], at: usize) -> Option<(&'static str, usize)> {
    match chars.get(at)? {
        '%' => Some(("百分之", at + 1)),
        '‰' => Some(("千分之", at + 1)),
        _ => None,
    }
}

/// Units in Latin letters, and how they are said.
fn unit_name(chars: &[char], at: usize) -> Option<(&'static str, usize)> {
    let word: String = chars.iter().skip(at).take_while(|c| c.is_ascii_alphabetic()).take(5).collect();
    let end = at + word.len();
    if is_digit(chars, end) {
        return None;
    }
    let name = match word.to_ascii_lowercase().as_str() {
        "gb" | "g" => "G",
        "mb" | "m" | "mbps" => "兆",
        "kb" | "k" => "K",
        "tb" | "t" => "T",
        "kg" => "公斤",
        "km" => "公里",
        "cm" => "厘米",
        "ml" => "毫升",
        "min" | "mins" => "分钟",
        "cny" | "rmb" => "元",
        "usd" => "美元",
        "" if chars.get(at) == Some(&'℃') => return Some(("摄氏度", at + 1)),
        "" if follows(chars, at, "°C") => return Some(("摄氏度", at + 2)),
        "" if follows(chars, at, "°F") => return Some(("华氏度", at + 2)),
        _ => return None,
    };
    Some((name, end))
}

/// The measure word at a place.
pub(super) fn measured(chars: &[char], at: usize) -> Option<&'static str> {
    MEASURES.into_iter().filter(|word| follows(chars, at, word)).max_by_key(|word| word.len())
}

fn takes_two(chars: &[char], at: usize) -> bool {
    measured(chars, at).is_some_and(|word| !ORDINAL.contains(&word))
        // 2日 is a date, 2日内 two days; neither is 两. 2号线, 2月 stay 二; 2个月 is 两.
        || follows(chars, at, "多")
}

/// 一百二十八点五, 零点零五.
fn number_text(found: &scan::Numeral, measured: bool) -> String {
    let Some(value) = found.value() else { return digit_text(&found.whole, "一") };
    if found.decimals.trim_end_matches('0').is_empty() {
        return cardinal_text(value, measured);
    }
    let decimals = digit_text(found.decimals.trim_end_matches('0'), "一");
    format!("{}点{decimals}", cardinal_text(value, false))
}
