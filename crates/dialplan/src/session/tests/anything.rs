//! Anything may happen in any order.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Happens {
    Key(char),
    PlayDone(u64),
    PlayFailed(u64),
    Answer(u64, u8),
    Pause,
    Time(u16),
    News(u64, u8),
    HangUp,
}

fn anything() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => prop::sample::select("0123456789*#x\u{1F4DE}".chars().collect::<Vec<_>>()).prop_map(Happens::Key),
        4 => (0u64..40).prop_map(Happens::PlayDone),
        1 => (0u64..40).prop_map(Happens::PlayFailed),
        3 => ((0u64..40), 0u8..6).prop_map(|(op, answer)| Happens::Answer(op, answer)),
        3 => Just(Happens::Pause),
        2 => any::<u16>().prop_map(Happens::Time),
        3 => ((0u64..40), 0u8..8).prop_map(|(op, news)| Happens::News(op, news)),
        1 => prop::bool::weighted(0.05).prop_map(|end| if end { Happens::HangUp } else { Happens::Pause }),
    ]
}

fn some_answer(kind: u8) -> Answer {
    let ticket: Fields = [("result".to_owned(), Value::text("Refunded 25 yuan."))].into();
    match kind {
        0 => Answer::Found { fields: ticket },
        1 => Answer::Empty,
        2 => Answer::Failed,
        3 => Answer::Verified { verdict: Verified::Passed { ticket } },
        4 => Answer::Verified { verdict: Verified::Pending },
        _ => Answer::Verified { verdict: Verified::Refused },
    }
}

fn some_news(op: OpId, kind: u8) -> Event {
    match kind {
        0 => Event::Place { op, place: 3, wait: Some(Duration::from_secs(240)) },
        1 => Event::Joined { op, agent: None },
        2 => Event::Returned { op },
        3 => Event::TalkEnded { op },
        4 => Event::Nobody { op },
        5 => Event::QueueClosed { op },
        6 => Event::QueueFailed { op },
        _ => Event::TransferFailed { op, how: NotThrough::Busy },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_sequence_of_events_makes_a_call_panic_or_hang(
        plan in prop::sample::select(vec!["complaint-result", "main-menu", "rebates"]),
        happens in prop::collection::vec(anything(), 0..120),
    ) {
        let plans = load(&[("complaint-result", SHIPPED), ("main-menu", MAIN), ("rebates", REBATES)]);
        let mut session = Session::new(plans, plan, context()).unwrap();
        let mut at = Duration::ZERO;
        session.handle_event(at, Event::Started);
        for happening in happens {
            let mut drained = 0;
            while let Some(command) = session.poll_command() {
                drained += 1;
                prop_assert!(drained < 20_000, "{command:?}");
            }
            prop_assert!(session.is_over() || session.poll_timeout().is_some(), "a call that waits for nothing");
            match happening {
                Happens::Key(key) => session.handle_event(at, Event::Key { key }),
                Happens::PlayDone(op) => session.handle_event(at, Event::PlayDone { op: OpId(op) }),
                Happens::PlayFailed(op) => session.handle_event(at, Event::PlayFailed { op: OpId(op) }),
                Happens::Answer(op, kind) => {
                    session.handle_event(at, Event::Answer { op: OpId(op), answer: some_answer(kind) });
                }
                Happens::Pause => {
                    at = session.poll_timeout().unwrap_or(at).max(at);
                    session.handle_timeout(at);
                }
                Happens::Time(millis) => {
                    at += Duration::from_millis(millis.into());
                    session.handle_timeout(at);
                }
                Happens::News(op, kind) => session.handle_event(at, some_news(OpId(op), kind)),
                Happens::HangUp => session.handle_event(at, Event::HungUp { by: HungUpBy::Caller }),
            }
        }
        // Left alone, every call comes to its end; a queue sends its callers away one day.
        for round in 0..5_000 {
            while session.poll_command().is_some() {}
            if round % 50 == 0 {
                (0..1_000).for_each(|op| session.handle_event(at, Event::Nobody { op: OpId(op) }));
            }
            let Some(next) = session.poll_timeout() else { break };
            at = at.max(next);
            session.handle_timeout(at);
        }
        while session.poll_command().is_some() {}
        prop_assert!(session.is_over());
    }
}
