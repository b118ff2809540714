//! One test for each row of the state table in the crate's README, and the promises around it.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::verification::Factor;
use hotline_model::{CallerNumber, Fields, StepEvent, Value};

use super::*;

mod anything;
mod queues;
mod said;
mod surveys;
use crate::recordings::Recordings;

const POLICY: &str = include_str!("../../../../dialplans/policies/ticket-result.yaml");
const OFFICE: &str = include_str!("../../../../dialplans/calendars/office.yaml");
const SHIPPED: &str = include_str!("../../../../dialplans/complaint-result.yaml");
const QUEUES: &str = include_str!("../../../../dialplans/queues.yaml");
const WAITING: &str = include_str!("../../../../dialplans/waiting.yaml");
const CALLED_BACK: &str = include_str!("../../../../dialplans/called-back.yaml");
const REBATES: &str = include_str!("../../../../dialplans/rebates.yaml");
const MAIN: &str = include_str!("../../../../dialplans/main-menu.yaml");

fn load(plans: &[(&str, &str)]) -> Arc<Plans> {
    let mut files: Vec<(String, String)> = vec![
        ("policies/ticket-result.yaml".into(), POLICY.into()),
        ("calendars/office.yaml".into(), OFFICE.into()),
        ("queues.yaml".into(), QUEUES.into()),
        ("waiting.yaml".into(), WAITING.into()),
        ("called-back.yaml".into(), CALLED_BACK.into()),
    ];
    files.extend(plans.iter().map(|(name, text)| (format!("{name}.yaml"), (*text).to_owned())));
    let (plans, found) = Plans::load(files, &Recordings::default());
    let text: Vec<String> =
        found.iter().filter(|f| f.is_error()).map(|f| crate::diagnostic::full(f, false)).collect();
    Arc::new(plans.unwrap_or_else(|| panic!("{}", text.join("\n"))))
}

fn context() -> StartContext {
    StartContext {
        caller: CallerNumber::parse("+8613800138000"),
        dialled: "10086".into(),
        language: None,
        customer: None,
        started: "2026-11-20T10:00:00+08:00[Asia/Shanghai]".parse().unwrap(),
        announcement: None,
        given: Fields::new(),
    }
}

#[test]
fn a_plan_that_answers_by_a_step_is_heard_unanswered_until_then() {
    let plan = "plan: night\nlanguages: [en-US]\nanswer: by-step\nstart: tell\nprompts: { closed: We are closed., hello: Hello. }\n\
                steps:\n  tell: { say: closed, then: take }\n  take: { answer: call, then: again }\n  again: { answer: call, then: end }\n  \
                end: { say: hello, hangup: contained }\n";
    let mut call = Call::start(&load(&[("night", plan)]), "night", context());
    assert_eq!(call.heard, ["closed"]);
    assert!(!call.commands.contains(&Command::Answer));
    call.listen();
    assert_eq!(call.heard, ["closed", "hello"]);
    let answers = call.commands.iter().filter(|command| **command == Command::Answer).count();
    assert_eq!(answers, 1, "a call is answered once");
    assert!(call.events.contains(&StepEvent::Answered { step: "take".into() }));
}

/// A session with its commands in plain words.
struct Call {
    session: Session,
    at: Duration,
    playing: Option<OpId>,
    waiting: Option<OpId>,
    heard: Vec<String>,
    events: Vec<StepEvent>,
    commands: Vec<Command>,
}

impl Call {
    fn start(plans: &Arc<Plans>, plan: &str, context: StartContext) -> Self {
        let session = Session::new(Arc::clone(plans), plan, context).unwrap();
        let mut call = Self {
            session,
            at: Duration::ZERO,
            playing: None,
            waiting: None,
            heard: Vec::new(),
            events: Vec::new(),
            commands: Vec::new(),
        };
        call.happen(Event::Started);
        call
    }

    fn happen(&mut self, event: Event) {
        self.session.handle_event(self.at, event);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(command) = self.session.poll_command() {
            match &command {
                Command::Play { op, utterances, .. } => {
                    self.playing = Some(*op);
                    self.heard.extend(utterances.iter().map(|utterance| utterance.prompt.clone()));
                }
                Command::StopPlaying { .. } => self.playing = None,
                Command::Lookup { op, .. }
                | Command::Verify { op, .. }
                | Command::KeepAnswer { op, .. }
                | Command::RecordWords { op, .. }
                | Command::CallBack { op, .. } => self.waiting = Some(*op),
                Command::Note(event) => self.events.push(event.clone()),
                _ => {}
            }
            self.commands.push(command);
        }
    }

    /// Everything that is being said is said.
    fn listen(&mut self) -> &mut Self {
        while let Some(op) = self.playing.take() {
            self.at += Duration::from_secs(2);
            self.happen(Event::PlayDone { op });
        }
        self
    }

    fn keys(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            self.at += Duration::from_millis(200);
            self.happen(Event::Key { key });
        }
        self
    }

    /// Nothing happens until the session asks to be woken.
    fn pause(&mut self) -> &mut Self {
        let at = self.session.poll_timeout().expect("it waits for something");
        self.at = at;
        self.session.handle_timeout(at);
        self.drain();
        self
    }

    fn answer(&mut self, answer: Answer) -> &mut Self {
        let op = self.waiting.take().expect("something was asked");
        self.happen(Event::Answer { op, answer });
        self
    }

    fn take_heard(&mut self) -> Vec<String> {
        std::mem::take(&mut self.heard)
    }

    fn step(&self) -> &str {
        self.session.position().1
    }

    fn keyed(&self) -> Vec<&str> {
        let keys = |event: &'_ StepEvent| match event {
            StepEvent::Keyed { keys, .. } => Some(keys.clone()),
            _ => None,
        };
        let found: Vec<String> = self.events.iter().filter_map(keys).collect();
        found.into_iter().map(|keys| &*Box::leak(keys.into_boxed_str())).collect()
    }
}

/// A plan with one `collect`; `extra` stands beside it.
fn collect(extra: &str) -> Arc<Plans> {
    load(&[(
        "one",
        &format!(
            r##"
plan: one
languages: [en-US]
start: ask
prompts:
  question: Please enter it.
  legal: {{ en-US: This is a legal notice., barge-in: false }}
  wrong: "You entered {{{{ keyed | number }}}} digits."
  silent: I heard nothing.
  slipped: Please check it.
  read-back: "{{{{ answer | digits }}}}. Right? 1, no? 2."
  next: And now?
  bye: Goodbye.
keys-everywhere: {{ "0": human, "*": again }}
steps:
  ask:
    collect: answer
    prompt: question
{extra}
    no-match:
      - say: wrong
      - say: wrong
        then: human
    no-input:
      - say: silent
      - then: bye
    then: more
  more:
    menu:
      prompt: next
      keys: {{ "1": bye, "12": human }}
      inter-digit: 1s
      no-match:
        - say: wrong
        - then: bye
      no-input: bye
  again: {{ repeat: normal }}
  human: {{ say: bye, hangup: wants-human }}
  bye: {{ say: bye, hangup: contained }}
"##
        ),
    )])
}

fn ask(extra: &str) -> Call {
    Call::start(&collect(extra), "one", context())
}

const FOUR: &str = "    length: 4";
const UP_TO_SIX: &str = "    min: 2\n    max: 6\n    end-key: \"#\"";

// The rows of the state table, in its order.

#[test]
fn row_1_a_key_during_the_prompt_stops_it_and_begins_the_entry() {
    let mut call = ask(FOUR);
    call.keys("4");
    assert!(call.commands.iter().any(|command| matches!(command, Command::StopPlaying { .. })));
    assert_eq!(call.keys("071").step(), "more");
}

#[test]
fn row_2_a_key_during_a_prompt_that_must_be_heard_is_kept() {
    let mut call = Call::start(
        &load(&[(
            "one",
            "plan: one\nlanguages: [en-US]\nstart: a\nprompts:\n  legal: { en-US: A notice., barge-in: false }\n  q: Which?\n  x: Bye.\nsteps:\n  a: { say: legal, then: b }\n  b: { menu: { prompt: q, keys: { \"1\": c }, no-input: c, no-match: b } }\n  c: { say: x, hangup: contained }\n",
        )]),
        "one",
        context(),
    );
    call.keys("1");
    assert!(!call.commands.iter().any(|command| matches!(command, Command::StopPlaying { .. })));
    assert_eq!(call.listen().step(), "c");
    assert_eq!(call.heard, ["legal", "x"], "the question was answered before it was asked");
}

#[test]
fn row_3_silence_after_the_prompt_takes_the_next_no_input_item() {
    let mut call = ask(FOUR);
    call.listen();
    let asked_at = call.at;
    call.pause();
    assert_eq!(
        call.at,
        asked_at + Duration::from_secs(6),
        "the first key may take six seconds after the prompt"
    );
    assert_eq!(call.take_heard(), ["question", "silent", "question"]);
    call.listen().pause();
    assert_eq!(call.step(), "bye");
}

#[test]
fn row_4_an_entry_of_full_length_goes_on_at_once() {
    let mut call = ask(FOUR);
    call.listen().keys("4071");
    assert_eq!(call.step(), "more");
    assert_eq!(call.keyed(), ["4071"]);
}

#[test]
fn row_5_an_end_key_after_a_complete_entry_is_swallowed_within_the_inter_digit_time() {
    let mut call = ask("    length: 4\n    end-key: \"#\"");
    call.listen().keys("4071#");
    assert_eq!(call.step(), "more");
    assert!(call.playing.is_some(), "the menu's prompt is not stopped by it");
    call.at += Duration::from_secs(4);
    call.keys("#");
    assert!(
        call.playing.is_some() && call.heard.ends_with(&["wrong".into(), "next".into()]),
        "later it is a key like others"
    );
}

#[test]
fn row_6_an_end_key_ends_a_shorter_entry() {
    let mut call = ask(UP_TO_SIX);
    call.listen().keys("407#");
    assert_eq!((call.step(), call.keyed()), ("more", vec!["407"]));
}

#[test]
fn row_7_a_pause_ends_an_entry_that_is_long_enough() {
    let mut call = ask(UP_TO_SIX);
    call.listen().keys("407").pause();
    assert_eq!((call.step(), call.keyed()), ("more", vec!["407"]));
}

#[test]
fn row_8_a_pause_after_too_few_keys_is_no_match_and_says_how_many() {
    let mut call = ask(FOUR);
    call.listen().keys("407").pause();
    assert_eq!(call.step(), "ask");
    let said = call.commands.iter().rev().find_map(|command| match command {
        Command::Play { utterances, .. } => Some(crate::simulation::words(&utterances[0])),
        _ => None,
    });
    assert_eq!(said.unwrap(), "You entered 3 digits.");
}

#[test]
fn row_9_attempts_are_counted_and_the_last_item_leads_on() {
    let mut call = ask(FOUR);
    call.listen().keys("*");
    assert_eq!(call.step(), "ask", "star is heard as a key that works everywhere");
    call.listen().keys("1").pause();
    call.listen().keys("2").pause();
    call.listen();
    let at_human = |event: &StepEvent| matches!(event, StepEvent::Entered { step, verb, .. } if step == "human" && verb == "hangup");
    assert!(call.events.iter().any(at_human));
}

#[test]
fn row_10_a_wrong_entry_drops_what_was_keyed_ahead() {
    let mut call = ask(UP_TO_SIX);
    // Short entry, end key, and a menu choice keyed ahead for a question that never came.
    call.keys("4#1");
    assert_eq!(call.step(), "ask");
    call.listen().keys("40#");
    assert_eq!(call.step(), "more");
}

#[test]
fn row_11_a_pattern_that_does_not_fit_is_no_match() {
    let mut call = ask("    pattern: \"1[3-9]??\"");
    call.listen().keys("1200");
    assert_eq!(call.step(), "ask");
    call.keys("1380");
    assert_eq!(call.step(), "more");
}

#[test]
fn row_12_a_check_digit_that_does_not_fit_is_a_slip() {
    let mut call =
        ask("    length: 9\n    check-digit: true\n    slip:\n      - say: slipped\n      - then: human");
    call.listen().keys("407192856");
    assert_eq!(call.take_heard(), ["question", "slipped", "question"]);
    call.keys("407192865");
    assert_eq!(call.step(), "more");
}

#[test]
fn row_13_read_back_takes_yes_asks_again_on_no() {
    let mut call = ask("    length: 4\n    confirm: { prompt: read-back }");
    call.listen().keys("4071").listen().keys("2");
    assert_eq!(call.take_heard(), ["question", "read-back", "question"]);
    call.keys("4072").listen().keys("1");
    assert_eq!(call.step(), "more");
    assert_eq!(call.session.frame().variables["answer"], Value::Digits("4072".into()));
}

#[test]
fn row_14_secret_keys_are_masked_in_the_record_and_in_the_recording() {
    let mut call = ask("    length: 4\n    secret: true");
    assert!(call.commands.contains(&Command::Mask(true)));
    call.listen().keys("4071");
    assert_eq!(call.keyed(), ["••••"]);
    assert!(call.commands.contains(&Command::Mask(false)));
}

#[test]
fn row_15_one_key_and_a_pause_leads_where_that_key_leads_everywhere() {
    let mut call = ask(FOUR);
    call.listen().keys("0").pause();
    assert_eq!(call.step(), "human");
}

#[test]
fn row_16_a_key_that_begins_another_waits_for_the_inter_digit_time() {
    let mut call = ask(FOUR);
    call.keys("4071").listen().keys("1");
    assert_eq!(call.step(), "more");
    let before = call.at;
    call.pause();
    assert_eq!((call.step(), call.at - before), ("bye", Duration::from_secs(1)));
    let mut call = ask(FOUR);
    call.keys("4071").listen().keys("12");
    assert_eq!(call.step(), "human", "the longer entry goes on at once");
}

#[test]
fn row_17_keys_go_on_to_the_next_question_and_stop_its_prompt() {
    let mut call = ask(FOUR);
    let op = call.playing.unwrap();
    call.keys("407112");
    assert_eq!(call.step(), "human");
    assert_eq!(call.take_heard(), ["question", "next", "bye"], "both questions were stopped as they began");
    call.happen(Event::PlayDone { op });
    assert!(!call.session.is_over(), "the end of a stopped play is dropped");
}

// Look-ups and verifications.

fn at_the_check() -> Call {
    let mut call = Call::start(&load(&[("complaint-result", SHIPPED)]), "complaint-result", context());
    call.listen().keys("407192865").keys("8000");
    call
}

#[test]
fn verification_asks_everything_before_it_looks_anything_up() {
    let mut call = Call::start(&load(&[("complaint-result", SHIPPED)]), "complaint-result", context());
    call.listen().keys("123456784");
    assert!(call.waiting.is_none(), "an unknown code is not looked up before the second factor is keyed");
    call.keys("0000");
    let given = call.commands.iter().find_map(|command| match command {
        Command::Verify { given, .. } => Some(given.clone()),
        _ => None,
    });
    assert_eq!(given.unwrap()[&Factor::LastFour].expose(), "0000");
    assert!(call.keyed().contains(&"••••"), "the last four digits are no part of the record's path");
}

#[test]
fn an_answer_after_the_deadline_is_dropped() {
    let mut call = at_the_check();
    let op = call.waiting.unwrap();
    call.pause();
    assert_eq!(call.heard.last().unwrap(), "one-moment");
    call.listen().pause();
    assert_eq!(call.step(), "cannot-look-up");
    call.happen(Event::Answer {
        op,
        answer: Answer::Verified { verdict: Verified::Passed { ticket: Fields::new() } },
    });
    assert_eq!(call.step(), "cannot-look-up");
    assert!(!call.heard.contains(&"the-result".to_owned()));
}

#[test]
fn a_quick_answer_needs_no_filler_and_an_answer_under_it_waits_for_its_end() {
    let pending = || Answer::Verified { verdict: Verified::Pending };
    let mut quick = at_the_check();
    quick.answer(pending());
    assert_eq!(quick.heard.last().unwrap(), "not-ready");
    let mut slow = at_the_check();
    slow.pause();
    slow.answer(pending());
    assert_eq!(slow.heard.last().unwrap(), "one-moment");
    slow.listen();
    assert!(slow.heard.contains(&"not-ready".to_owned()));
}

#[test]
fn an_announcement_comes_first_and_the_recording_begins_after_its_notice() {
    let announcement = [(Language::ZhCn, "线路故障。".to_owned())].into();
    let plans = load(&[("complaint-result", SHIPPED)]);
    let mut call = Call::start(
        &plans,
        "complaint-result",
        StartContext { announcement: Some(announcement), ..context() },
    );
    assert!(!call.commands.contains(&Command::StartRecording));
    call.listen();
    assert_eq!(call.heard[..3], ["announcement", "may-be-recorded", "welcome"]);
    assert!(call.commands.contains(&Command::StartRecording));
}

#[test]
fn the_language_of_the_customer_is_used_where_the_plan_speaks_it() {
    let plans = load(&[("complaint-result", SHIPPED)]);
    let call =
        Call::start(&plans, "complaint-result", StartContext { language: Some(Language::EnUs), ..context() });
    assert_eq!(call.session.language(), Language::EnUs);
}

#[test]
fn steps_that_go_round_without_the_caller_end_in_an_apology() {
    let plans = load(&[(
        "one",
        "plan: one\nlanguages: [en-US]\nstart: a\napology: sorry\nprompts:\n  sorry: Sorry.\nsteps:\n  a: { set: { n: 1 }, then: b }\n  b: { branch: [{ when: n > 5, then: c }], else: a }\n  c: { hangup: contained }\n",
    )]);
    let mut call = Call::start(&plans, "one", context());
    assert_eq!(call.heard, ["sorry"]);
    call.listen();
    assert!(call.session.is_over() && call.commands.contains(&Command::Hangup { outcome: Outcome::Failed }));
}

#[test]
fn arguments_and_results_pass_between_plans() {
    let main = "plan: main\nlanguages: [en-US]\nstart: a\nprompts:\n  q: Key it.\n  r: \"{{ twice | number }} and {{ id | digits }}.\"\nsteps:\n  a: { collect: id, prompt: q, length: 2, no-input: z, no-match: z, then: b }\n  b: { call: sub, with: { given: id }, gives: { result: twice }, then: c }\n  c: { say: r, then: z }\n  z: { hangup: contained }\n";
    let sub = "plan: sub\nlanguages: [en-US]\nstart: a\ntakes: { given: digits }\nreturns: { result: number }\nprompts: {}\nsteps:\n  a: { set: { doubled: given | int * 2 }, then: b }\n  b: { return: { result: doubled } }\n";
    let plans = load(&[("main", main), ("sub", sub)]);
    let mut call = Call::start(&plans, "main", context());
    call.keys("21");
    let Some(Command::Play { utterances, .. }) =
        call.commands.iter().rev().find(|c| matches!(c, Command::Play { .. }))
    else {
        panic!("nothing was said")
    };
    assert_eq!(crate::simulation::words(&utterances[0]), "42 and 21 .");
}
