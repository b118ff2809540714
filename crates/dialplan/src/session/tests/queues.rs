//! Waiting, talking, being put through; music.

use hotline_model::AgentId;

use super::*;

const PLAN: &str = r#"
plan: hotline
languages: [en-US]
start: to-a-human
keys-everywhere: { "*": again }
prompts:
  hold-on: { barge-in: false, en-US: Hold on. }
  bye: Goodbye.
  nobody-there: Nobody is there.
  is-closed: We are closed.
  is-broken: Something is broken.
  is-away: You went away.
steps:
  to-a-human:
    say: hold-on
    queue: desk
    priority: 7
    skills: [english]
    agent: last
    reason: wants-a-person
    then: leave
    nobody: no-agent
    closed: shut
    failed: broken
    left: { away: gone }
  no-agent: { say: nobody-there, then: leave }
  shut: { say: is-closed, then: leave }
  broken: { say: is-broken, then: leave }
  gone: { say: is-away, then: leave }
  again: { repeat: normal }
  leave: { say: bye, hangup: contained }
"#;

const WAIT: &str = r#"
plan: hold
languages: [en-US]
takes: { place: number, wait: number }
start: tell
keys-everywhere: { "*": again }
prompts:
  your-place: { barge-in: false, en-US: "You are number {{ place | number }}, {{ wait | number }}." }
  nothing-else: Nothing else to say.
  which-number: Which number?
  we-call: We call you.
steps:
  tell: { say: your-place, then: listen }
  listen: { say: nothing-else, music: calm, for: 10s, keys: { "1": away, "2": off, "3": later, "4": elsewhere }, then: round }
  later: { call-back: caller, then: thanks, refused: listen, failed: away }
  elsewhere: { collect: number, prompt: which-number, length: 11, no-input: listen, no-match: listen, then: there }
  there: { call-back: number, then: thanks, refused: listen, failed: away }
  thanks: { say: we-call, hangup: wants-human }
  round: { return: }
  off: { hangup: abandoned }
  away: { leave: away }
  again: { repeat: normal }
"#;

const DESK: &str =
    "queues:\n  desk: { name: { zh-CN: 台, en-US: Desk }, while-waiting: hold, call-back: hotline }\n";

impl Call {
    /// What is being said is said.
    fn done(&mut self) {
        let op = self.playing.take().expect("something is being said");
        self.at += Duration::from_secs(2);
        self.happen(Event::PlayDone { op });
    }
}

fn waiting() -> (Call, OpId) {
    let files = [("hotline.yaml", PLAN), ("hold.yaml", WAIT), ("queues.yaml", DESK)];
    let files = files.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let (plans, found) = Plans::load(files, &Recordings::default());
    let told: Vec<String> = found.iter().map(|f| crate::diagnostic::full(f, false)).collect();
    let plans = Arc::new(plans.unwrap_or_else(|| panic!("{}", told.join("\n"))));
    let mut call = Call::start(&plans, "hotline", context());
    call.done();
    let op = call
        .commands
        .iter()
        .find_map(|command| match command {
            Command::Enqueue { op, queue, priority: 7, skills, last_agent: true, reason }
                if queue == "desk"
                    && skills == &["english"]
                    && reason.as_deref() == Some("wants-a-person") =>
            {
                Some(*op)
            }
            _ => None,
        })
        .expect("the caller waits");
    (call, op)
}

fn place(op: OpId, place: u32, minutes: u64) -> Event {
    Event::Place { op, place, wait: (minutes > 0).then(|| Duration::from_secs(minutes * 60)) }
}

#[test]
fn where_nobody_is_nothing_is_said_of_waiting() {
    for (event, heard) in [
        (Event::Nobody { op: OpId(2) }, "nobody-there"),
        (Event::QueueClosed { op: OpId(2) }, "is-closed"),
        (Event::QueueFailed { op: OpId(2) }, "is-broken"),
    ] {
        let (mut call, op) = waiting();
        assert_eq!(op, OpId(2));
        call.happen(event);
        assert_eq!(call.heard, ["hold-on", heard]);
    }
}

#[test]
fn the_place_is_told_as_it_is_when_it_is_told() {
    let (mut call, op) = waiting();
    call.happen(place(op, 3, 4));
    call.done();
    assert!(call.events.contains(&StepEvent::PlaceTold { place: 3, minutes: Some(4) }));
    call.happen(place(op, 2, 0));
    call.done();
    call.pause();
    assert!(call.events.contains(&StepEvent::PlaceTold { place: 2, minutes: None }), "from its start again");
    assert_eq!(call.heard, ["hold-on", "your-place", "nothing-else", "your-place"]);
}

#[test]
fn a_queue_that_says_nothing_lets_the_caller_wait() {
    let (mut call, _) = waiting();
    assert_eq!(call.heard, ["hold-on"]);
    call.pause();
    assert_eq!(call.heard, ["hold-on", "your-place"]);
    assert!(call.events.contains(&StepEvent::PlaceTold { place: 0, minutes: None }));
}

#[test]
fn an_agent_interrupts_whatever_is_said_and_keys_of_a_talk_count_nowhere() {
    let (mut call, op) = waiting();
    call.happen(place(op, 1, 0));
    let playing = call.playing.expect("the place is being told");
    call.happen(Event::Joined { op, agent: Some(AgentId::from(5)) });
    assert!(
        call.commands.contains(&Command::StopPlaying { op: playing }),
        "although it may not be stopped by keys"
    );
    call.happen(Event::Key { key: '2' });
    call.happen(place(op, 1, 0));
    assert_eq!(call.heard, ["hold-on", "your-place"]);
    call.happen(Event::TalkEnded { op });
    assert_eq!(call.heard.last().map(String::as_str), Some("bye"));
    call.done();
    assert!(call.commands.contains(&Command::Hangup { outcome: Outcome::WantsHuman }));
    assert!(!call.commands.contains(&Command::LeaveQueue { op }), "the queue knows");
}

#[test]
fn who_loses_the_agent_waits_again() {
    let (mut call, op) = waiting();
    call.happen(Event::Joined { op, agent: None });
    call.happen(Event::Returned { op });
    assert_eq!(call.heard, ["hold-on", "your-place"]);
    call.happen(Event::Joined { op, agent: None });
    call.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(call.session.is_over());
    assert!(!call.commands.contains(&Command::LeaveQueue { op }));
}

#[test]
fn keys_count_while_something_is_said_and_while_music_plays() {
    let (mut call, op) = waiting();
    call.happen(place(op, 1, 0));
    // Kept until what must be heard is heard; then it leads on.
    call.happen(Event::Key { key: '1' });
    assert_eq!(call.heard, ["hold-on", "your-place"]);
    call.done();
    assert_eq!(call.heard, ["hold-on", "your-place", "is-away"]);
    assert!(call.commands.contains(&Command::LeaveQueue { op }));
    let left = StepEvent::LeftQueue { step: "to-a-human".into(), how: "away".into() };
    assert!(call.events.contains(&left));
    call.happen(Event::Joined { op, agent: None });
    assert_eq!(call.heard.len(), 3, "news that comes too late");
}

#[test]
fn music_goes_on_after_a_key_that_means_nothing_and_after_a_repeat() {
    let (mut call, op) = waiting();
    call.happen(place(op, 1, 0));
    call.done();
    call.done();
    let music =
        |call: &Call| call.commands.iter().filter(|command| matches!(command, Command::Music { .. })).count();
    assert_eq!(music(&call), 1);
    call.happen(Event::Key { key: '5' });
    assert_eq!(music(&call), 1);
    call.happen(Event::Key { key: '*' });
    assert_eq!(call.heard, ["hold-on", "your-place", "nothing-else", "your-place"]);
    call.done();
    assert_eq!(call.heard.last().map(String::as_str), Some("nothing-else"));
    call.done();
    assert_eq!(music(&call), 2);
    call.happen(Event::Key { key: '1' });
    assert_eq!(call.heard.last().map(String::as_str), Some("is-away"));
}

#[test]
fn who_hangs_up_or_is_hung_up_on_waits_no_longer() {
    let (mut call, op) = waiting();
    call.happen(place(op, 1, 0));
    call.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(call.commands.contains(&Command::LeaveQueue { op }));
    let (mut call, op) = waiting();
    call.happen(place(op, 1, 0));
    call.happen(Event::Key { key: '2' });
    call.done();
    assert!(call.commands.contains(&Command::LeaveQueue { op }));
    assert!(call.commands.contains(&Command::Hangup { outcome: Outcome::Abandoned }));
}

const THROUGH: &str = r#"
plan: through
languages: [en-US]
takes: { office: digits }
start: put-through
prompts: { bye: Goodbye., busy-now: They are busy., no-one: They do not answer., no-line: There is no line. }
steps:
  put-through: { transfer: "10010", ring: 20s, then: leave, busy: is-busy, no-answer: is-silent, failed: no-way }
  is-busy: { say: busy-now, then: other }
  other: { transfer: office, then: leave, busy: leave, no-answer: leave, failed: no-way }
  is-silent: { say: no-one, then: leave }
  no-way: { say: no-line, then: leave }
  leave: { say: bye, hangup: contained }
"#;

fn put_through() -> (Call, OpId) {
    let plans = load(&[("through", THROUGH)]);
    let call = Call::start(&plans, "through", context());
    let op = call.commands.iter().find_map(|command| match command {
        Command::Transfer { op, to, ring } if to.expose() == "10010" && ring.as_secs() == 20 => Some(*op),
        _ => None,
    });
    (call, op.expect("it rings"))
}

#[test]
fn a_call_is_put_through_or_comes_back() {
    let (mut call, op) = put_through();
    call.happen(Event::Joined { op, agent: None });
    call.happen(Event::TalkEnded { op });
    assert_eq!(call.heard, ["bye"]);
    let (mut call, op) = put_through();
    call.happen(Event::TransferFailed { op, how: NotThrough::NoAnswer });
    assert_eq!(call.heard, ["no-one"]);
    // Nobody handed the number over: not a call to nowhere.
    let (mut call, op) = put_through();
    call.happen(Event::TransferFailed { op, how: NotThrough::Busy });
    call.done();
    assert_eq!(call.heard, ["busy-now", "no-line"]);
    let (mut call, _) = put_through();
    call.pause();
    assert_eq!(call.heard, ["no-line"], "a transfer of which nobody tells anything");
}

fn asked_back(call: &Call) -> Vec<Option<String>> {
    let one = |command: &Command| match command {
        Command::CallBack { number, .. } => Some(number.as_ref().map(|number| number.expose().clone())),
        _ => None,
    };
    call.commands.iter().filter_map(one).collect()
}

#[test]
fn a_caller_who_is_called_back_keeps_the_place_after_the_hang_up() {
    let (mut call, op) = waiting();
    call.happen(Event::Place { op, place: 3, wait: None });
    call.listen();
    call.keys("3");
    assert_eq!(asked_back(&call), [None], "the number that they call from");
    call.answer(Answer::Stored);
    let saved = StepEvent::Saved { step: "later".into(), fields: vec!["call-back".into()] };
    assert!(call.events.contains(&saved));
    call.listen();
    assert!(call.commands.contains(&Command::Hangup { outcome: Outcome::WantsHuman }));
    call.happen(Event::HungUp { by: HungUpBy::Us });
    assert!(!call.commands.iter().any(|command| matches!(command, Command::LeaveQueue { .. })));
    assert!(
        call.events.contains(&StepEvent::LeftQueue { step: "to-a-human".into(), how: "call-back".into() })
    );
    let saves = call.commands.iter().filter_map(|command| match command {
        Command::Save { save, .. } => save.outcome,
        _ => None,
    });
    assert!(saves.into_iter().all(|outcome| outcome == Outcome::WantsHuman), "nobody gave up here");
    // A hang-up in mid-sentence is the same.
    let (mut early, op) = waiting();
    early.happen(Event::Place { op, place: 3, wait: None });
    early.listen();
    early.keys("3").answer(Answer::Stored);
    early.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(!early.commands.iter().any(|command| matches!(command, Command::LeaveQueue { .. })));
}

#[test]
fn a_call_back_that_is_refused_lets_the_caller_wait_and_one_that_fails_leads_on() {
    let (mut call, op) = waiting();
    call.happen(Event::Place { op, place: 3, wait: None });
    call.listen();
    call.keys("4").listen().keys("13900139000");
    assert_eq!(asked_back(&call), [Some("13900139000".to_owned())]);
    call.answer(Answer::Empty);
    assert_eq!(call.step(), "listen");
    call.listen();
    call.happen(Event::Joined { op, agent: None });
    assert!(call.events.contains(&StepEvent::Joined { agent: None }), "still in the line");
    let (mut failed, op) = waiting();
    failed.happen(Event::Place { op, place: 3, wait: None });
    failed.listen();
    failed.keys("3").answer(Answer::Failed).listen();
    assert!(failed.heard.contains(&"is-away".to_owned()));
    assert!(failed.commands.contains(&Command::LeaveQueue { op }), "nothing was kept");
    assert!(
        failed
            .events
            .iter()
            .any(|event| matches!(event, StepEvent::Trouble { code, .. } if code == "call-back-not-kept"))
    );
}
