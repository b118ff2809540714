//! What was said to its end, what was not, and what follows from it.

use super::*;

#[test]
fn a_missing_value_is_trouble_and_never_silence_for_ever() {
    let mut call = at_the_check();
    call.answer(Answer::Verified { verdict: Verified::Passed { ticket: Fields::new() } });
    assert!(
        call.events
            .iter()
            .any(|event| matches!(event, StepEvent::Trouble { code, .. } if code == "value-missing"))
    );
    assert_eq!(call.listen().step(), "offer");
}

#[test]
fn a_play_that_nobody_reports_done_is_given_up() {
    let mut call = Call::start(&load(&[("complaint-result", SHIPPED)]), "complaint-result", context());
    call.pause();
    assert!(
        call.events
            .iter()
            .any(|event| matches!(event, StepEvent::Trouble { code, .. } if code == "play-late"))
    );
    assert!(call.session.poll_timeout().is_some());
}

/// Everything is said but the prompts of this name.
fn listen_but_for(call: &mut Call, prompt: &str) {
    while let Some(op) = call.playing.take() {
        let says = |command: &Command| match command {
            Command::Play { op: its, utterances, .. } => {
                *its == op && utterances.iter().any(|utterance| utterance.prompt == prompt)
            }
            _ => false,
        };
        let fails = call.commands.iter().any(says);
        call.at += Duration::from_secs(2);
        call.happen(if fails { Event::PlayFailed { op } } else { Event::PlayDone { op } });
    }
}

fn saves(call: &Call) -> Vec<&Save> {
    call.commands.iter().filter_map(save).collect()
}

fn save(command: &Command) -> Option<&Save> {
    if let Command::Save { save, .. } = command { Some(save) } else { None }
}

#[test]
fn a_result_that_could_not_be_said_is_no_service_and_a_human_sees_to_it() {
    let ticket: Fields = [("result".to_owned(), Value::text("退费25元。"))].into();
    let passed = || Answer::Verified { verdict: Verified::Passed { ticket: ticket.clone() } };
    let mut call = at_the_check();
    call.answer(passed());
    listen_but_for(&mut call, "the-result");
    let heard =
        |event: &StepEvent| matches!(event, StepEvent::Heard { prompt, .. } if prompt == "the-result");
    assert!(!call.events.iter().any(heard), "not even in part");
    let trouble = |event: &StepEvent| matches!(event, StepEvent::Trouble { code, .. } if code == "not-said");
    assert!(call.events.iter().any(trouble));
    assert_eq!(call.step(), "offer", "the plan goes on, and a human is a key away");
    let ends = |call: &mut Call| {
        while !call.session.is_over() && !call.commands.iter().any(|c| matches!(c, Command::Hangup { .. })) {
            call.pause();
            call.listen();
        }
    };
    ends(&mut call);
    assert!(saves(&call).iter().all(|save| save.outcome != Some(Outcome::Contained)));
    assert_eq!(saves(&call).last().unwrap().outcome, Some(Outcome::Failed));
    let follow_ups: Vec<_> = saves(&call).into_iter().filter_map(|save| save.follow_up.as_ref()).collect();
    assert_eq!(follow_ups.len(), 1);
    assert_eq!(follow_ups[0].reason, "not-said");

    // Nor is who hangs up at once.
    let mut gone = at_the_check();
    gone.answer(passed());
    listen_but_for(&mut gone, "the-result");
    gone.happen(Event::HungUp { by: HungUpBy::Caller });
    assert!(saves(&gone).last().unwrap().follow_up.is_some());

    // Heard at the second try, all is well.
    let mut again = at_the_check();
    again.answer(passed());
    listen_but_for(&mut again, "the-result");
    again.keys("1").listen();
    ends(&mut again);
    assert_eq!(saves(&again).last().unwrap().outcome, Some(Outcome::Contained));
    assert!(saves(&again).iter().all(|save| save.follow_up.is_none()));
}
