//! A day of a hotline on virtual time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{AgentId, CallId, IdSource, WaitingId};
use hotline_queue::{
    AgentState, Command, Event, Join, Leaving, Left, Name, QueueSettings, Queues, Settings, Skills, Strategy,
    skills,
};
use jiff::Timestamp;

/// What came of the day.
#[derive(Debug, Default)]
pub struct Done {
    pub served: usize,
    pub gave_up: usize,
    pub nobody: usize,
    /// Callers still known when everybody has gone home.
    pub left_over: usize,
    /// Waits that were told, and how many of them were near the truth.
    pub estimates: usize,
    pub honest: usize,
    /// Events and timeouts handled.
    pub steps: u64,
}

enum Happens {
    Calls(WaitingId),
    GivesUp(WaitingId),
    Answers(hotline_model::OfferId, AgentId),
    HangsUp(AgentId),
}

/// A generator that gives every run of a day the same callers.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most.max(1)
    }
}

/// `callers` in nine hours with a busy one before noon, served by `agents`.
pub fn run(callers: u64, agents: u64, seed: u64) -> Done {
    let queue = |strategy, of: &[&str]| QueueSettings {
        strategy,
        skills: skills(of.iter().copied()),
        ..QueueSettings::default()
    };
    let queues = [
        (Name::from("service"), queue(Strategy::LongestIdle, &[])),
        (Name::from("complaints"), queue(Strategy::LastAgent, &["complaints"])),
        (Name::from("english"), queue(Strategy::Skills, &["english"])),
    ];
    let settings = Settings { queues: queues.into(), ..Settings::default() };
    let mut queues = Queues::new(settings, Arc::new(IdSource::new(seed)));
    let (mut dice, mut done) = (Dice(seed), Done::default());
    let start: Timestamp = "2026-11-20T01:00:00Z".parse().unwrap_or_default();
    let mut agenda: BTreeMap<(Timestamp, u64), Happens> = BTreeMap::new();
    let mut number = 0u64;
    let mut plan = |agenda: &mut BTreeMap<(Timestamp, u64), Happens>, at: Timestamp, what: Happens| {
        number += 1;
        agenda.insert((at, number), what);
    };
    let later = |at: Timestamp, seconds: u64| at + Duration::from_secs(seconds);
    for caller in 0..callers {
        // A third of the day's callers come in one hour.
        let second = if dice.throw(3) == 0 { 7_200 + dice.throw(3_600) } else { dice.throw(9 * 3_600) };
        plan(&mut agenda, later(start, second), Happens::Calls(WaitingId::from(u128::from(caller) + 1)));
    }
    for agent in 0..agents {
        let can = skills(
            [("complaints", 2), ("english", 5)]
                .into_iter()
                .filter(|(_, every)| agent % every == 0)
                .map(|(skill, _)| skill),
        );
        queues
            .handle_event(start, Event::SignIn { agent: AgentId::from(u128::from(agent) + 1), skills: can });
    }
    let mut told: HashMap<WaitingId, (Timestamp, Duration)> = HashMap::new();
    let mut now = start;
    loop {
        while let Some(command) = queues.poll_command() {
            match command {
                Command::Offer { offer, agent, waiting, .. } => {
                    if let Some((at, wait)) = told.remove(&waiting) {
                        let (waited, told) = (now.duration_since(at).as_secs_f64(), wait.as_secs_f64());
                        done.estimates += 1;
                        let near = waited <= told * 3.0 + 120.0 && told <= waited * 3.0 + 120.0;
                        done.honest += usize::from(near);
                    }
                    // One in twenty is not answered.
                    if dice.throw(20) > 0 {
                        plan(&mut agenda, later(now, 2 + dice.throw(9)), Happens::Answers(offer, agent));
                    }
                }
                Command::Joined { agent, .. } => {
                    plan(&mut agenda, later(now, 60 + dice.throw(1_000)), Happens::HangsUp(agent));
                }
                Command::Place { waiting, wait: Some(wait), .. } => {
                    told.entry(waiting).or_insert((now, wait));
                }
                Command::Left { how: Left::Nobody(_), .. } => done.nobody += 1,
                _ => {}
            }
        }
        let next = agenda.first_key_value().map(|((at, _), _)| *at);
        let Some(at) = next.into_iter().chain(queues.poll_timeout()).min() else { break };
        now = now.max(at);
        done.steps += 1;
        if queues.poll_timeout().is_some_and(|due| due <= now) {
            queues.handle_timeout(now);
            // Agents who missed too many come back after a while, by themselves.
            let missed: Vec<AgentId> = queues
                .agents()
                .filter(|row| matches!(row.state, AgentState::Break { .. }))
                .map(|row| row.agent)
                .collect();
            missed.into_iter().for_each(|agent| queues.handle_event(now, Event::Available { agent }));
            continue;
        }
        let Some((_, what)) = agenda.pop_first() else { break };
        match what {
            Happens::Calls(waiting) => {
                let queue = ["service", "service", "service", "complaints", "english"];
                let queue = Name::from(queue[usize::try_from(dice.throw(5)).unwrap_or_default()]);
                let last = dice.throw(agents) + 1;
                plan(&mut agenda, later(now, 240 + dice.throw(900)), Happens::GivesUp(waiting));
                queues.handle_event(
                    now,
                    Event::Join(Box::new(Join {
                        waiting,
                        call: CallId::from(1),
                        queue,
                        priority: u8::from(dice.throw(10) == 0),
                        skills: Skills::new(),
                        last_agent: Some(AgentId::from(u128::from(last))),
                        customer: None,
                        identity: None,
                        joined_at: None,
                    })),
                );
            }
            Happens::GivesUp(waiting) => {
                let waits = queues.find_waiting(waiting).is_some_and(|row| row.state.word() != "talking");
                if waits {
                    told.remove(&waiting);
                    done.gave_up += 1;
                    queues.handle_event(now, Event::Leave { waiting, how: Leaving::HungUp });
                }
            }
            Happens::Answers(offer, agent) => queues.handle_event(now, Event::Accepted { offer, agent }),
            Happens::HangsUp(agent) => {
                done.served += 1;
                queues.handle_event(now, Event::TalkEnded { agent });
            }
        }
    }
    done.left_over = queues.waiting().count();
    done
}
