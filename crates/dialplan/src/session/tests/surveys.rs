//! Questions whose answers are kept, words after a beep, deadlines that are told, and calls that we make.

use super::*;

const PLAN: &str = r##"
plan: asks
languages: [en-US]
start: how
takes: { reference: text, closed-on: date }
keys-everywhere: { "*": again, "0": human }
prompts:
  how-was-it: How was it?
  from-one: From zero to ten?
  which: Which?
  more: Say more after the beep.
  kept: Thank you.
  lost: We could not keep that.
  nothing-said: Nothing then.
  about: "It was {{ reference | text }} of {{ closed-on | date }}."
  by-then: "By {{ promised.date | date }}, {{ promised.time | time }}."
steps:
  how:
    survey: satisfied
    prompt: how-was-it
    answers: { "1": satisfied, "2": dissatisfied }
    keys: { "9": refuse }
    no-input: [{ say: which }, { then: bye }]
    no-match: [{ say: which }, { then: bye }]
    then: sort
    failed: not-kept
  sort:
    branch: [{ when: satisfied == "satisfied", then: score }]
    else: talk
  score:
    survey: score
    prompt: from-one
    scale: 0-10
    no-input: bye
    no-match: bye
    then: sum
  sum:
    branch: [{ when: score >= 9, then: thanks }]
    else: talk
  talk:
    record: comment
    prompt: more
    longest: 30s
    silence: 2s
    keys: { "0": human }
    nothing: silent
    failed: not-kept
    then: thanks
  thanks: { say: [kept, about], then: promise }
  promise:
    save: { follow-up: { reason: dissatisfied, within: 8h, hours: office, promised: promised } }
    then: told
  told: { say: by-then, then: bye }
  silent: { say: nothing-said, then: bye }
  not-kept: { say: lost, then: bye }
  refuse: { save: { outcome: refused, do-not-call: true }, then: bye }
  again: { repeat: normal }
  human: { save: { outcome: wants-human, follow-up: { reason: a-person, within: 24h } }, then: bye }
  bye: { hangup: contained }
"##;

fn given() -> Fields {
    [
        ("reference".to_owned(), Value::text("C-17")),
        ("closed-on".to_owned(), Value::Date("2026-11-19".parse().unwrap())),
        ("name".to_owned(), Value::text("not taken")),
    ]
    .into()
}

fn asks() -> Call {
    Call::start(&load(&[("asks", PLAN)]), "asks", StartContext { given: given(), ..context() })
}

fn surveyed(call: &Call) -> Vec<(String, String)> {
    let one = |event: &StepEvent| match event {
        StepEvent::Surveyed { question, answer, .. } => Some((question.clone(), answer.clone())),
        _ => None,
    };
    call.events.iter().filter_map(one).collect()
}

fn troubles(call: &Call) -> Vec<&str> {
    let one = |event: &'_ StepEvent| match event {
        StepEvent::Trouble { code, .. } => Some(&*Box::leak(code.clone().into_boxed_str())),
        _ => None,
    };
    call.events.iter().filter_map(one).collect()
}

#[test]
fn an_answer_is_kept_before_the_caller_hears_more() {
    let mut call = asks();
    call.listen().keys("1");
    let kept = call.commands.iter().find_map(|command| match command {
        Command::KeepAnswer { step, question, answer, content, within, .. } => {
            Some((step.as_str(), question.as_str(), answer.as_str(), *content, *within))
        }
        _ => None,
    });
    assert_eq!(kept, Some(("how", "satisfied", "satisfied", Some(true), Duration::from_secs(2))));
    assert_eq!((call.step(), call.keyed(), surveyed(&call)), ("how", vec!["1"], Vec::new()));
    call.take_heard();
    call.answer(Answer::Stored);
    assert_eq!(surveyed(&call), [("satisfied".to_owned(), "satisfied".to_owned())]);
    assert_eq!(call.take_heard(), ["from-one"]);
    assert_eq!((call.step(), call.session.questions_asked()), ("score", 2));
}

#[test]
fn an_answer_that_cannot_be_kept_goes_by_failed_and_is_known_all_the_same() {
    let mut call = asks();
    call.listen().keys("2").answer(Answer::Failed).listen();
    assert_eq!((surveyed(&call), troubles(&call)), (Vec::new(), vec!["answer-not-kept"]));
    assert!(call.heard.contains(&"lost".into()));
    let mut late = asks();
    late.listen().keys("2");
    assert_eq!(late.session.poll_timeout(), Some(late.at + Duration::from_secs(2)));
    late.pause();
    assert_eq!((surveyed(&late), troubles(&late)), (Vec::new(), vec!["answer-late"]));
    // Without `failed` it goes on by `then`, and the number can be compared.
    let mut scale = asks();
    scale.listen().keys("1").answer(Answer::Stored).listen().keys("9").answer(Answer::Failed);
    assert_eq!((scale.step(), troubles(&scale)), ("thanks", vec!["answer-not-kept"]));
}

#[test]
fn ten_takes_two_keys_and_one_waits_for_a_pause() {
    let mut call = asks();
    call.listen().keys("1").answer(Answer::Stored).listen();
    call.keys("10");
    call.answer(Answer::Stored);
    assert_eq!(surveyed(&call)[1].1, "10", "at once");
    assert_eq!(call.step(), "thanks");
    let mut one = asks();
    one.listen().keys("1").answer(Answer::Stored).listen().keys("1");
    assert!(one.waiting.is_none(), "a zero may follow");
    one.pause();
    one.answer(Answer::Stored);
    assert_eq!((surveyed(&one)[1].1.as_str(), one.step()), ("1", "talk"));
    let mut zero = asks();
    zero.listen().keys("1").answer(Answer::Stored).listen().keys("0").answer(Answer::Stored);
    assert_eq!(
        (surveyed(&zero)[1].1.as_str(), zero.step()),
        ("0", "talk"),
        "0 is an answer here, and no way to a human"
    );
}

#[test]
fn other_keys_lead_where_the_plan_says_and_the_rest_does_not_fit() {
    let mut refused = asks();
    refused.listen().keys("9");
    let saved = refused.commands.iter().find_map(|command| match command {
        Command::Save { save, .. } if save.do_not_call => Some(save.outcome),
        _ => None,
    });
    assert_eq!(saved, Some(Some(Outcome::Refused)));
    assert!(refused.events.contains(&StepEvent::Saved {
        step: "refuse".into(),
        fields: vec!["outcome".into(), "do-not-call".into()]
    }));
    let mut other = asks();
    other.listen().keys("5");
    assert!(other.events.contains(&StepEvent::NoMatch { step: "how".into(), attempt: 1 }));
    other.listen().keys("0");
    assert_eq!(
        other
            .events
            .iter()
            .filter(|event| matches!(event, StepEvent::Entered { step, .. } if step == "human"))
            .count(),
        1
    );
    let mut again = asks();
    again.listen().take_heard();
    again.keys("*");
    assert_eq!(again.take_heard(), ["how-was-it"]);
    assert_eq!(again.session.questions_asked(), 1);
}

#[test]
fn keys_pressed_ahead_answer_the_next_question_and_not_the_wait() {
    let mut call = asks();
    call.keys("19");
    call.answer(Answer::Stored);
    assert!(!call.heard.contains(&"from-one".into()), "skipped: its answer is there");
    call.answer(Answer::Stored);
    assert_eq!(surveyed(&call).len(), 2);
}

fn speaks() -> Call {
    let mut call = asks();
    call.listen().keys("2").answer(Answer::Stored);
    assert_eq!(call.heard.last().map(String::as_str), Some("more"));
    call
}

#[test]
fn words_are_recorded_once_the_prompt_was_heard_until_they_are_kept() {
    let mut call = speaks();
    assert!(call.waiting.is_none(), "no beep before the prompt is over");
    call.listen();
    let asked = call.commands.iter().find_map(|command| match command {
        Command::RecordWords { step, name, longest, silence, .. } => {
            Some((step.as_str(), name.as_str(), *longest, *silence))
        }
        _ => None,
    });
    assert_eq!(asked, Some(("talk", "comment", Duration::from_secs(30), Duration::from_secs(2))));
    call.keys("3*7");
    assert_eq!((call.step(), call.keyed()), ("talk", vec!["2"]), "a cheek on the keys is nothing");
    call.answer(Answer::Kept { length: Duration::from_millis(4_200) });
    assert!(call.events.contains(&StepEvent::Recorded {
        step: "talk".into(),
        name: "comment".into(),
        seconds: 5
    }));
    assert_eq!(call.step(), "thanks");
}

#[test]
fn the_end_key_ends_the_words_and_waits_until_they_are_kept() {
    let mut call = speaks();
    call.listen().keys("#");
    let ended = |call: &Call| call.commands.iter().filter(|c| matches!(c, Command::EndWords { .. })).count();
    assert_eq!((ended(&call), call.step()), (1, "talk"));
    call.keys("##0");
    assert_eq!(ended(&call), 1, "they end once");
    call.answer(Answer::Kept { length: Duration::from_secs(3) });
    assert_eq!(call.step(), "thanks");
    // Before the beep: nothing is to be said.
    let mut early = speaks();
    early.keys("#");
    assert!(early.waiting.is_none());
    assert_eq!(early.step(), "silent");
    // A key that leads elsewhere: what was said until then is kept.
    let mut human = speaks();
    human.listen().keys("0");
    assert_eq!((ended(&human), human.step()), (1, "talk"));
    human.answer(Answer::Kept { length: Duration::from_secs(1) });
    assert!(human.events.iter().any(|event| matches!(event, StepEvent::Recorded { .. })));
    assert!(
        human.events.iter().any(|event| matches!(event, StepEvent::Entered { step, .. } if step == "human"))
    );
}

#[test]
fn nobody_speaks_nothing_can_be_kept_or_nobody_tells() {
    let mut silent = speaks();
    silent.listen().answer(Answer::Empty);
    assert_eq!((silent.step(), troubles(&silent)), ("silent", vec![]));
    let mut failed = speaks();
    failed.listen().answer(Answer::Failed);
    assert_eq!((failed.step(), troubles(&failed)), ("not-kept", vec!["words-not-kept"]));
    let mut lost = speaks();
    lost.listen();
    assert_eq!(lost.session.poll_timeout(), Some(lost.at + Duration::from_secs(35)));
    let op = lost.waiting.unwrap();
    lost.pause();
    assert_eq!((lost.step(), troubles(&lost)), ("not-kept", vec!["words-late"]));
    assert!(lost.commands.contains(&Command::EndWords { op }));
    let before = lost.events.len();
    lost.answer(Answer::Kept { length: Duration::from_secs(1) });
    assert_eq!(lost.events.len(), before, "too late");
}

#[test]
fn a_hang_up_in_the_middle_ends_the_session() {
    let mut call = speaks();
    call.listen();
    call.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(call.session.is_over());
    assert_eq!(call.session.questions_asked(), 1);
    assert!(!call.commands.iter().any(|command| matches!(command, Command::EndWords { .. })));
}

#[test]
fn what_is_given_is_said_and_the_promise_is_told_in_open_hours() {
    // Friday at 16:40: 80 minutes are left today, and the weekend is open from ten to four.
    let started = "2026-11-20T16:40:30+08:00[Asia/Shanghai]".parse().unwrap();
    let context = StartContext { given: given(), started, ..context() };
    let mut call = Call::start(&load(&[("asks", PLAN)]), "asks", context);
    call.listen()
        .keys("2")
        .answer(Answer::Stored)
        .listen()
        .answer(Answer::Kept { length: Duration::from_secs(1) });
    call.listen();
    let said: Vec<Value> = call
        .commands
        .iter()
        .filter_map(|command| match command {
            Command::Play { utterances, .. } => Some(utterances),
            _ => None,
        })
        .flatten()
        .flat_map(|utterance| &utterance.segments)
        .filter_map(|segment| match segment {
            hotline_model::Segment::Value { value, .. } => Some(value.clone()),
            _ => None,
        })
        .collect();
    let date = |text: &str| Value::Date(text.parse().unwrap());
    // 79 minutes today, six hours on Saturday, 41 minutes on Sunday, up to the next quarter.
    let time = Value::Time("10:45:00".parse().unwrap());
    assert_eq!(said, [Value::text("C-17"), date("2026-11-19"), date("2026-11-22"), time]);
    let due = call.commands.iter().find_map(|command| match command {
        Command::Save { save, .. } => save.follow_up.as_ref().map(|follow_up| follow_up.within),
        _ => None,
    });
    let told: jiff::Zoned = "2026-11-22T10:45:00+08:00[Asia/Shanghai]".parse().unwrap();
    let saved: jiff::Zoned = "2026-11-20T16:40:30+08:00[Asia/Shanghai]".parse().unwrap();
    let left = Duration::try_from(saved.duration_until(&told)).unwrap();
    assert!(
        due.is_some_and(|due| due <= left && due + Duration::from_secs(60) > left),
        "{due:?} of {left:?}"
    );
    assert!(troubles(&call).is_empty());
}

#[test]
fn a_call_that_brings_nothing_or_another_type_says_nothing_in_its_place() {
    let wrong: Fields = [("reference".to_owned(), Value::Flag(true))].into();
    let mut call = Call::start(&load(&[("asks", PLAN)]), "asks", StartContext { given: wrong, ..context() });
    call.listen().keys("1").answer(Answer::Stored).listen().keys("10").answer(Answer::Stored).listen();
    assert_eq!(troubles(&call), ["value-missing", "value-missing"]);
}

const HANGS_UP: &str = r##"
plan: hangs-up
languages: [en-US]
start: how
prompts: { how-was-it: How was it?, on-hold: One moment., bye: Goodbye. }
steps:
  how: { survey: satisfied, prompt: how-was-it, answers: { "1": good, "2": bad, "3": so-so }, no-input: bye, no-match: bye, then: sort }
  sort: { branch: [{ when: satisfied == "bad", then: person }], else: help }
  help: { call: helps, then: bye, hung-up: weigh }
  person: { queue: complaints, then: bye, nobody: bye, closed: bye, failed: bye, left: bye, hung-up: weigh }
  weigh: { branch: [{ when: satisfied == "good", then: fine }], else: keep }
  keep: { save: { reason: dissatisfied, follow-up: { reason: dissatisfied, within: 8h } }, then: lost }
  fine: { hangup: contained }
  lost: { hangup: wants-human }
  bye: { say: bye, hangup: contained }
"##;

const HELPS: &str = "plan: helps\nlanguages: [en-US]\nstart: tell\nprompts: { on-hold: One moment. }\nsteps:\n  tell: { say: on-hold, then: back }\n  back: { return: }\n";

/// What is saved from the hang-up on, and where the call was last.
fn hangs_up(until: impl FnOnce(&mut Call)) -> (Vec<(Option<Outcome>, bool)>, String) {
    let mut call = Call::start(&load(&[("hangs-up", HANGS_UP), ("helps", HELPS)]), "hangs-up", context());
    call.listen();
    until(&mut call);
    let before = call.commands.len();
    call.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(call.session.is_over() && call.session.poll_timeout().is_none());
    let saved = call.commands[before..].iter().filter_map(|command| match command {
        Command::Save { save, .. } => Some((save.outcome, save.follow_up.is_some())),
        Command::Note(_) | Command::LeaveQueue { .. } | Command::StopPlaying { .. } => None,
        other => panic!("nobody is there any more: {other:?}"),
    });
    (saved.collect(), call.step().to_owned())
}

#[test]
fn what_is_to_be_done_is_written_when_the_caller_hangs_up() {
    let wants = (Some(Outcome::WantsHuman), false);
    let kept = vec![(None, true), wants];
    // In the question itself there is no such exit.
    let abandoned = vec![(Some(Outcome::Abandoned), false)];
    assert_eq!(hangs_up(|_| {}), (abandoned, "how".to_owned()));
    // While another plan runs: by the step that called it.
    let help = hangs_up(|call| {
        call.keys("3").answer(Answer::Stored);
    });
    assert_eq!(help, (kept.clone(), "lost".to_owned()));
    let good = hangs_up(|call| {
        call.keys("1").answer(Answer::Stored);
    });
    assert_eq!(good, (vec![(Some(Outcome::Contained), false)], "fine".to_owned()));
    // In the line: by the step that waits.
    let op = |call: &Call| {
        let op = call.commands.iter().find_map(|command| match command {
            Command::Enqueue { op, .. } => Some(*op),
            _ => None,
        });
        op.unwrap()
    };
    let waits = hangs_up(|call| {
        call.keys("2").answer(Answer::Stored);
        let op = op(call);
        call.happen(Event::Place { op, place: 2, wait: None });
    });
    assert_eq!(waits, (kept, "lost".to_owned()));
    // A human had the caller, or a call back is promised by the waiting plan.
    let talked = hangs_up(|call| {
        call.keys("2").answer(Answer::Stored);
        let op = op(call);
        call.happen(Event::Joined { op, agent: None });
    });
    assert_eq!(talked.0, []);
    let promised = hangs_up(|call| {
        call.keys("2").answer(Answer::Stored);
        let op = op(call);
        call.happen(Event::Place { op, place: 2, wait: None });
        call.listen();
        call.keys("1").answer(Answer::Stored);
    });
    assert_eq!(promised.0, []);
}
