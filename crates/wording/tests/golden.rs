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
