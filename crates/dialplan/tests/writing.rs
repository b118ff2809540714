//! The shipped survey in writing: every way through it, in both languages, and whatever else somebody may send.
#![expect(clippy::disallowed_methods, reason = "tests read the files they check")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use hotline_dialplan::plan::Outcome;
use hotline_dialplan::writing::{Effect, Form, Lost, MOST_TURNS, Page, Said, Turn, Walk, walk};
use hotline_dialplan::{Plans, Recordings};
use hotline_model::{Language, Value};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

fn read(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            read(&path, &name, files);
        } else if name.ends_with(".yaml") {
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

static PLANS: LazyLock<Arc<Plans>> = LazyLock::new(|| {
    let mut files = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialplans");
    read(&folder, "dialplans", &mut files);
    Arc::new(Plans::load(files, &Recordings::default()).0.unwrap())
});

/// A Friday, at this hour in Shanghai.
fn page(language: Language, hour: i8) -> Page {
    let date = jiff::civil::date(2026, 11, 20).at(hour, 0, 0, 0);
    let began = date.to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()).unwrap();
    Page {
        plan: "after-complaint".into(),
        given: [("closed-on".to_owned(), Value::Date("2026-11-19".parse().unwrap()))].into(),
        language,
        began: began.timestamp(),
        zone: began.time_zone().clone(),
    }
}

fn minute(page: &Page, minute: i64) -> Timestamp {
    page.began + SignedDuration::from_mins(minute)
}

/// Answers in order, a minute each.
fn answered(page: &Page, said: &[Said]) -> (Vec<Turn>, Walk) {
    let mut turns = Vec::new();
    let mut now = walk(&PLANS, page, &turns).unwrap();
    for (at, said) in said.iter().enumerate() {
        let step = now.asked.as_ref().expect("something is asked").step.clone();
        turns.push(Turn { step, at: minute(page, at as i64 + 1), said: said.clone() });
        now = walk(&PLANS, page, &turns).unwrap();
    }
    (turns, now)
}

fn choice(value: &str) -> Said {
    Said::Choice(value.into())
}

fn words(text: &str) -> Said {
    Said::Words(text.into())
}

fn answers(walk: &Walk) -> Vec<(&str, &str)> {
    fn answer(effect: &Effect) -> Option<(&str, &str)> {
        match effect {
            Effect::Answer { question, answer, .. } => Some((question, answer)),
            _ => None,
        }
    }
    walk.effects.iter().filter_map(answer).collect()
}

/// The promise, with the moment by which it is due.
fn promise(walk: &Walk) -> Option<(String, Timestamp)> {
    walk.effects.iter().rev().find_map(|effect| match effect {
        Effect::Save { at, save } => {
            let follow_up = save.follow_up.as_ref()?;
            Some((follow_up.reason.clone(), at.checked_add(follow_up.within).unwrap()))
        }
        _ => None,
    })
}

#[test]
fn the_first_question_stands_there_in_both_languages_and_nothing_of_keys() {
    let zh = walk(&PLANS, &page(Language::ZhCn, 10), &[]).unwrap();
    assert_eq!(zh.said, ["您好,这里是客户服务中心,想请您用一分钟评价我们的服务。"]);
    let asked = zh.asked.unwrap();
    assert_eq!(asked.words, ["您的投诉已经在2026年11月19日办结。", "您对处理结果满意吗?"]);
    assert_eq!((asked.question.as_deref(), asked.left), (Some("satisfied"), 3));
    let Form::Choices(choices) = asked.form else { panic!("it is chosen") };
    let told: Vec<_> =
        choices.iter().map(|one| (one.value.as_str(), one.label.as_str(), one.kept.as_str())).collect();
    assert_eq!(
        told,
        [("1", "满意", "satisfied"), ("2", "不满意", "dissatisfied"), ("0", "请安排人工给我回电", "")]
    );
    let en = walk(&PLANS, &page(Language::EnUs, 10), &[]).unwrap().asked.unwrap();
    assert_eq!(
        en.words,
        ["We closed your complaint on November 19, 2026.", "Are you satisfied with the result?"]
    );
}

#[test]
fn who_is_content_is_thanked_and_nothing_is_promised() {
    let page = page(Language::ZhCn, 10);
    let (_, walk) = answered(&page, &[choice("1")]);
    assert_eq!(walk.said, ["感谢您的认可,您的评价已经记下。", "感谢您的时间,再见。"]);
    assert!(walk.asked.is_none() && promise(&walk).is_none());
    assert_eq!((walk.outcome, answers(&walk)), (Outcome::Contained, vec![("satisfied", "satisfied")]));
}

#[test]
fn who_is_not_content_is_promised_a_call_by_a_time_that_is_told() {
    let page = page(Language::EnUs, 16);
    let (_, walk) = answered(&page, &[choice("2"), choice("2"), words(" It was\nnever fixed. ")]);
    assert_eq!(answers(&walk), [("satisfied", "dissatisfied"), ("reason", "not-solved")]);
    assert!(
        walk.effects.contains(&Effect::Words { name: "comment".into(), text: "It was\nnever fixed.".into() })
    );
    // Three minutes past four on a Friday: two hours of it today, six on Saturday.
    let (reason, due) = promise(&walk).unwrap();
    assert_eq!(reason, "dissatisfied");
    let due = due.to_zoned(page.zone.clone());
    let told =
        format!("We'll call you back by {} on {}.", due.strftime("%-I:%M %p"), due.strftime("%B %-d, %Y"));
    assert!(walk.said[1].starts_with(&told), "{:?} does not tell {told}", walk.said);
    assert_eq!((walk.outcome, walk.asked), (Outcome::WantsHuman, None));
    assert_eq!(walk.said[0], "Thank you. We've kept that.");
}

#[test]
fn who_goes_away_dissatisfied_is_called_back_all_the_same() {
    let page = page(Language::ZhCn, 20);
    let (_, walk) = answered(&page, &[choice("2")]);
    assert_eq!(walk.asked.as_ref().unwrap().question.as_deref(), Some("reason"));
    assert_eq!((promise(&walk).unwrap().0.as_str(), walk.outcome), ("dissatisfied", Outcome::WantsHuman));
    let (_, walk) = answered(&page, &[choice("2"), choice("1")]);
    assert_eq!(walk.asked.as_ref().unwrap().form, Form::Words);
    assert_eq!(promise(&walk).unwrap().0, "dissatisfied");
    // Nothing was said about it.
    let (_, walk) = answered(&page, &[choice("2"), choice("1"), words("  ")]);
    assert!(walk.effects.iter().all(|effect| !matches!(effect, Effect::Words { .. })));
    assert!(walk.said[0].contains("之前给您回电"), "{:?}", walk.said);
    // Nothing was answered at all.
    let (_, walk) = answered(&page, &[]);
    assert_eq!((promise(&walk), walk.outcome), (None, Outcome::Abandoned));
}

#[test]
fn a_human_is_promised_to_who_wants_one_where_nobody_can_talk() {
    let page = page(Language::ZhCn, 10);
    let (_, walk) = answered(&page, &[choice("0")]);
    assert_eq!(promise(&walk).unwrap().0, "wants-a-person");
    assert!(walk.asked.is_none());
    assert!(answers(&answered(&page, &[choice("0")]).1).is_empty());
}

#[test]
fn an_answer_to_something_else_is_told_with_its_place() {
    let page = page(Language::ZhCn, 10);
    let (mut turns, _) = answered(&page, &[choice("2"), choice("1")]);
    turns[1].step = "after-complaint/gone".into();
    assert_eq!(walk(&PLANS, &page, &turns).unwrap_err(), Lost::At(1));
    turns[0].said = choice("7");
    assert_eq!(walk(&PLANS, &page, &turns).unwrap_err(), Lost::At(0));
    let nowhere = Page { plan: "nobody".into(), ..page };
    assert_eq!(walk(&PLANS, &nowhere, &[]).unwrap_err(), Lost::NoPlan);
}

#[test]
fn every_question_comes_up_on_some_way_in_both_languages_with_its_words() {
    for language in Language::ALL {
        let page = page(language, 10);
        let (mut open, mut steps, mut ends) = (vec![Vec::new()], BTreeSet::new(), 0);
        while let Some(said) = open.pop() {
            let (_, walk) = answered(&page, &said);
            let Some(asked) = walk.asked else {
                assert!(!walk.said.is_empty(), "the end says something: {said:?}");
                ends += 1;
                continue;
            };
            assert!(!asked.words.is_empty() && asked.left >= 1);
            let read = asked.words.join("").to_lowercase();
            assert!(!read.contains('按') && !read.contains("press"), "nobody can press anything: {read}");
            steps.insert(asked.step);
            let ways: Vec<Said> = match asked.form {
                Form::Choices(choices) => choices.iter().map(|one| choice(&one.value)).collect(),
                Form::Words => vec![words("x"), words("")],
            };
            open.extend(ways.into_iter().map(|way| [said.clone(), vec![way]].concat()));
        }
        let expected = ["comment", "how-was-it", "why"].map(|step| format!("after-complaint/{step}"));
        assert_eq!(steps.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(ends, 1 + 1 + 5 * 2);
    }
}

const CIRCLE: &str = "plan: circle\nlanguages: [zh-CN, en-US]\nstart: ask\nprompts:\n  q: { zh-CN: 问, en-US: Q }\n\
    keys-everywhere: { \"0\": talk, \"*\": again }\nsteps:\n  again: { repeat: normal }\n\
    \u{20} talk: { save: { follow-up: { reason: person, within: 1h } }, then: end }\n\
    \u{20} ask:\n    survey: score\n    scale: 0-10\n    prompt: q\n    first-digit: 2s\n    inter-digit: 2s\n    no-input: end\n    no-match: end\n    written: { ask: q }\n    then: more\n\
    \u{20} more:\n    menu:\n      prompt: q\n      keys: { \"1\": ask, \"2\": end }\n      no-input: end\n      no-match: end\n      written: { ask: q, answers: { \"1\": { zh-CN: 再来, en-US: Again }, \"2\": { zh-CN: 完, en-US: End } } }\n\
    \u{20} end: { hangup: contained }\n";

fn circle() -> (Arc<Plans>, Page) {
    let (plans, found) = Plans::load(vec![("circle.yaml".into(), CIRCLE.into())], &Recordings::default());
    let errors: Vec<_> = found.iter().filter(|one| one.is_error()).map(|one| one.message.clone()).collect();
    (
        Arc::new(plans.unwrap_or_else(|| panic!("{errors:?}"))),
        Page { plan: "circle".into(), ..page(Language::EnUs, 10) },
    )
}

#[test]
fn a_number_that_begins_like_another_is_taken_as_it_is() {
    let (plans, page) = circle();
    for score in ["1", "10", "0"] {
        let turn = |step: &str, said| Turn { step: format!("circle/{step}"), at: minute(&page, 1), said };
        let walk = walk(&plans, &page, &[turn("ask", choice(score)), turn("more", choice("2"))]).unwrap();
        assert_eq!(answers(&walk), [("score", score)]);
        assert!(walk.asked.is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is sent, in whatever order: it ends, it is the same again, and what fits is followed.
    #[test]
    fn any_answers_are_followed_or_refused_and_never_for_ever(
        sent in prop::collection::vec((0..6usize, 0..8u8, 0..100_000i64, "\\PC{0,8}"), 0..60),
        in_a_circle: bool,
    ) {
        let (plans, page) = if in_a_circle { circle() } else { (Arc::clone(&PLANS), page(Language::ZhCn, 17)) };
        let steps = ["how-was-it", "why", "comment", "ask", "more", "gone"];
        let plan = page.plan.clone();
        let turns: Vec<Turn> = sent.into_iter().map(|(step, key, at, text)| Turn {
            step: format!("{plan}/{}", steps[step]),
            at: page.began + SignedDuration::from_secs(at - 50_000),
            said: if key == 7 { words(&text) } else { choice(&key.to_string()) },
        }).collect();
        let once = walk(&plans, &page, &turns);
        prop_assert_eq!(&once, &walk(&plans, &page, &turns));
        if let Err(Lost::At(at)) = once {
            let sound = walk(&plans, &page, &turns[..at]).unwrap();
            prop_assert!(at < MOST_TURNS);
            prop_assert!(sound.asked.is_some() || at > 0 || turns.is_empty());
        }
    }

    /// Only answers that fit, chosen at random: every one of them is followed.
    #[test]
    fn a_customer_who_only_chooses_comes_to_an_end_or_to_the_limit(chosen in prop::collection::vec(0..11usize, 0..70)) {
        for (plans, page) in [circle(), (Arc::clone(&PLANS), page(Language::EnUs, 9))] {
            let mut turns: Vec<Turn> = Vec::new();
            for (number, chosen) in chosen.iter().enumerate() {
                let Some(asked) = walk(&plans, &page, &turns).unwrap().asked else { break };
                let said = match asked.form {
                    Form::Choices(choices) => choice(&choices[chosen % choices.len()].value),
                    Form::Words => words("好"),
                };
                turns.push(Turn { step: asked.step, at: minute(&page, number as i64), said });
            }
            prop_assert!(walk(&plans, &page, &turns).is_ok());
        }
    }
}
