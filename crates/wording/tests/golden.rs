//! Free text as it is spoken: a text, a tab, and what is heard, one a line.

use hotline_model::Language;
use hotline_wording::{clauses, spoken};
use proptest::prelude::*;

fn check(lines: &str, language: Language) {
    let mut wrong = String::new();
    for line in lines.lines() {
        let (text, expected) = line.split_once('\t').expect("a text and what is heard, parted by a tab");
        let heard = spoken(text, language);
        if heard != expected {
            wrong.push_str(&format!("{text}\n  expected {expected}\n  heard    {heard}\n"));
        }
    }
    assert!(lines.lines().count() >= 150);
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn chinese_texts_are_spoken_as_people_do() {
    check(include_str!("golden/zh-CN.tsv"), Language::ZhCn);
}

#[test]
fn english_texts_are_spoken_as_people_do() {
    check(include_str!("golden/en-US.tsv"), Language::EnUs);
}

#[test]
fn what_nobody_meant_is_spoken_or_left_out() {
    let zh = |text: &str| spoken(text, Language::ZhCn);
    let en = |text: &str| spoken(text, Language::EnUs);
    // Digits of every script say the same.
    for digits in ["98", "９８", "٩٨", "۹۸", "९८", "๙๘", "𝟗𝟖", "𝟵𝟴"] {
        assert_eq!(zh(&format!("退费{digits}元")), "退费九十八元", "{digits}");
        assert_eq!(en(&format!("We refunded {digits} yuan.")), "We refunded ninety-eight yuan.", "{digits}");
    }
    assert_eq!(zh("退\u{0}费\u{7}2\u{200b}5元\u{feff}"), "退费二十五元");
    assert_eq!(zh("👍🏽退费👨‍👩‍👧25元🎉"), "退费二十五元");
    assert_eq!(en("Hi 👋🏽, José and Zoë!"), "Hi, José and Zoë!");
    assert_eq!(zh("请Müller先生，OK？"), "请Müller先生，OK？");
    for empty in ["", " ", "\n\n", "。。，，", "…", "😀", "\u{0}\u{1}", "https://example.com/a", "()[]（）"]
    {
        for language in Language::ALL {
            assert!(clauses(empty, language).is_empty(), "{empty:?}");
        }
    }
    assert_eq!(clauses("，，您好。。。！谢谢，", Language::ZhCn), ["您好。", "谢谢，"]);
}

#[test]
fn ten_thousand_characters_fall_into_clauses_a_voice_can_take() {
    let long = [
        "很".repeat(10_000),
        "1".repeat(10_000),
        "a".repeat(10_000),
        "word ".repeat(2_000),
        "1,".repeat(5_000),
        "退费98.5元,".repeat(1_250),
        "中a1".repeat(3_333),
        "((".repeat(5_000),
        "1/2-3:4.".repeat(1_250),
    ];
    for text in long {
        for language in Language::ALL {
            let clauses = clauses(&text, language);
            let longest = clauses.iter().map(|clause| clause.chars().count()).max().unwrap_or(0);
            // Only a word without an end is longer.
            let one_word = !text.contains([' ', ',']) && language == Language::EnUs || text.starts_with('a');
            assert!(longest <= 700 || one_word, "{longest} {language} {}", &text[..8.min(text.len())]);
            assert!(!clauses.concat().chars().any(|c| c.is_ascii_digit()));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_and_no_digit_is_left(text in any::<String>()) {
        for language in Language::ALL {
            let heard = spoken(&text, language);
            prop_assert!(!heard.chars().any(|c| c.is_ascii_digit()), "{heard}");
            prop_assert_eq!(clauses(&text, language).iter().any(|c| c.trim().is_empty()), false);
        }
    }

    #[test]
    fn what_tickets_are_made_of_is_taken(text in "[0-9a-zA-Z¥$%.,:/*#+~ 元月日年个天\\-，。（第到()号5-]{0,60}") {
        for language in Language::ALL {
            let heard = spoken(&text, language);
            prop_assert!(!heard.chars().any(|c| c.is_ascii_digit()), "{heard}");
        }
    }
}
