//! Whatever happens in whatever order: no agent and no caller is ever offered twice at once, nobody
//! is overtaken by an equal, every caller ends in exactly one way, nobody is stuck, and the rows
//! are the truth.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{AgentId, CallId, IdSource, IdentityId, OfferId, PhoneNumber, WaitingId};
use hotline_queue::{
    AgentRow, AgentState, CallBackEnd, CallBackSettings, Command, Event, Join, Leaving, Name, NotAnswered,
    OfferRow, QueueSettings, Queues, Restored, Row, Settings, Strategy as Chooses, WaitingRow, WaitingState,
    skills,
};
use jiff::Timestamp;
use proptest::prelude::*;

const SKILLS: [&str; 3] = ["english", "billing", "roaming"];

#[derive(Debug, Clone)]
enum Act {
    Join { queue: usize, priority: u8, skill: Option<usize>, last: Option<u8>, number: u8 },
    Leave { which: usize, how: u8 },
    SignIn { agent: u8, skills: u8 },
    SignOut { agent: u8 },
    Available { agent: u8 },
    Break { agent: u8 },
    Accept { which: usize },
    AcceptAnything { which: usize, agent: u8 },
    NotAnswered { which: usize, how: u8 },
    TalkBegan { agent: u8 },
    TalkEnded { agent: u8 },
    AgentLost { agent: u8 },
    CallBack { which: usize, number: u8 },
    CalledBack { which: usize },
    CallBackEnded { which: usize, settled: bool },
    Restart,
    Pass { seconds: u32 },
}

fn act() -> impl Strategy<Value = Act> {
    let agent = 0..5u8;
    prop_oneof![
        6 => (0..3usize, 0..3u8, proptest::option::weighted(0.3, 0..3usize), proptest::option::weighted(0.2, 0..5u8), 0..6u8)
            .prop_map(|(queue, priority, skill, last, number)| Act::Join { queue, priority, skill, last, number }),
        2 => (any::<usize>(), 0..3u8).prop_map(|(which, how)| Act::Leave { which, how }),
        3 => (agent.clone(), 0..8u8).prop_map(|(agent, skills)| Act::SignIn { agent, skills }),
        1 => agent.clone().prop_map(|agent| Act::SignOut { agent }),
        2 => agent.clone().prop_map(|agent| Act::Available { agent }),
        1 => agent.clone().prop_map(|agent| Act::Break { agent }),
        6 => any::<usize>().prop_map(|which| Act::Accept { which }),
        1 => (any::<usize>(), agent.clone()).prop_map(|(which, agent)| Act::AcceptAnything { which, agent }),
        2 => (any::<usize>(), 0..3u8).prop_map(|(which, how)| Act::NotAnswered { which, how }),
        1 => agent.clone().prop_map(|agent| Act::TalkBegan { agent }),
        5 => agent.clone().prop_map(|agent| Act::TalkEnded { agent }),
        1 => agent.prop_map(|agent| Act::AgentLost { agent }),
        3 => (any::<usize>(), 0..4u8).prop_map(|(which, number)| Act::CallBack { which, number }),
        2 => any::<usize>().prop_map(|which| Act::CalledBack { which }),
        2 => (any::<usize>(), proptest::bool::weighted(0.2))
            .prop_map(|(which, settled)| Act::CallBackEnded { which, settled }),
        1 => Just(Act::Restart),
        4 => (1..90u32).prop_map(|seconds| Act::Pass { seconds }),
    ]
}

/// What the shell and the record know, from the commands alone.
struct World {
    queues: Queues,
    now: Timestamp,
    seed: u64,
    next: u128,
    waiting: BTreeMap<WaitingId, WaitingRow>,
    agents: BTreeMap<AgentId, AgentRow>,
    open: HashMap<OfferId, OfferRow>,
    all_offers: Vec<OfferId>,
    over: BTreeSet<WaitingId>,
    joined: BTreeSet<WaitingId>,
    /// Those who are to be called back, and have not hung up yet.
    on_the_line: BTreeSet<WaitingId>,
    /// Those who were called and are back: their turn was when they were called.
    called_back: BTreeSet<WaitingId>,
    /// How often each was called.
    calls: BTreeMap<WaitingId, (u32, Timestamp)>,
}

fn settings() -> Settings {
    let queue = |strategy, of: &[&str]| QueueSettings {
        strategy,
        skills: skills(of.iter().copied()),
        call_back: Some(CallBackSettings::default()),
        ..QueueSettings::default()
    };
    let queues = [
        (Name::from("service"), queue(Chooses::LongestIdle, &[])),
        (Name::from("complaints"), queue(Chooses::Skills, &["billing"])),
        (Name::from("known"), queue(Chooses::LastAgent, &[])),
    ];
    Settings { queues: queues.into(), ..Settings::default() }
}

fn agent(number: u8) -> AgentId {
    AgentId::from(u128::from(number) + 1)
}

impl World {
    fn new() -> Self {
        Self {
            queues: Queues::new(settings(), Arc::new(IdSource::new(0))),
            now: "2026-11-20T02:00:00Z".parse().unwrap(),
            seed: 0,
            next: 0,
            waiting: BTreeMap::new(),
            agents: BTreeMap::new(),
            open: HashMap::new(),
            all_offers: Vec::new(),
            over: BTreeSet::new(),
            joined: BTreeSet::new(),
            on_the_line: BTreeSet::new(),
            called_back: BTreeSet::new(),
            calls: BTreeMap::new(),
        }
    }

    fn happen(&mut self, event: Event) {
        self.queues.handle_event(self.now, event);
        self.obey();
    }

    fn pass(&mut self, length: Duration) {
        let end = self.now.checked_add(length).unwrap();
        while let Some(at) = self.queues.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.queues.handle_timeout(self.now);
            assert!(self.queues.poll_timeout().is_none_or(|at| at > self.now), "what is due is done");
            self.obey();
        }
        self.now = end;
    }

    fn obey(&mut self) {
        while let Some(command) = self.queues.poll_command() {
            match command {
                Command::Store(Row::Waiting(row)) => {
                    assert!(!self.over.contains(&row.waiting), "ended twice: {row:?}");
                    if row.state.is_over() {
                        self.over.insert(row.waiting);
                        self.waiting.remove(&row.waiting);
                    } else {
                        self.waiting.insert(row.waiting, row);
                    }
                }
                Command::Store(Row::Agent(row)) => {
                    self.agents.insert(row.agent, row);
                }
                Command::Store(Row::Offer(row)) => {
                    if row.outcome.is_some() {
                        assert!(self.open.remove(&row.offer).is_some(), "ended twice: {row:?}");
                        continue;
                    }
                    let twice = self.open.values().any(|o| o.agent == row.agent || o.waiting == row.waiting);
                    assert!(!twice, "two at once: {row:?}");
                    if !self.called_back.contains(&row.waiting) {
                        self.nobody_is_overtaken(row.waiting);
                    }
                    self.all_offers.push(row.offer);
                    self.open.insert(row.offer, row);
                }
                Command::Store(Row::Handling(_)) => {}
                Command::Offer { offer, waiting, agent, .. } => {
                    let row = &self.open[&offer];
                    assert_eq!((row.waiting, row.agent), (waiting, agent));
                }
                Command::Joined { waiting, agent, .. } => {
                    assert_eq!(self.waiting[&waiting].state, WaitingState::Talking);
                    assert_eq!(self.waiting[&waiting].agent, Some(agent));
                }
                Command::TooLate { offer, agent } => {
                    assert!(self.open.get(&offer).is_none_or(|row| row.agent != agent));
                }
                Command::Left { waiting, .. } | Command::KeptExpired { waiting } => {
                    assert!(self.over.contains(&waiting), "the row is written first");
                }
                Command::Place { waiting, place, .. } => {
                    assert!(place > 0);
                    assert_eq!(self.waiting[&waiting].state, WaitingState::Waiting);
                }
                Command::Withdraw { offer, .. } => assert!(!self.open.contains_key(&offer)),
                Command::CallBackKept { waiting, kept } => {
                    let is_kept =
                        |row: &WaitingRow| row.state == WaitingState::CallBack && row.agent.is_none();
                    assert!(!kept || self.waiting.get(&waiting).is_some_and(is_kept));
                }
                Command::CallBack { place, attempt, .. } => {
                    let row = &self.waiting[&place];
                    assert_eq!(row.state, WaitingState::Calling, "the row is written first");
                    assert!(!self.on_the_line.contains(&place), "called while they are still here");
                    let agent = &self.agents[&row.agent.unwrap()];
                    assert_eq!(
                        agent.state,
                        AgentState::Talking { waiting: None },
                        "somebody is there for them"
                    );
                    let tries = CallBackSettings::default();
                    assert!(attempt <= tries.tries);
                    if let Some((before, at)) = self.calls.insert(place, (attempt, self.now)) {
                        assert_eq!(attempt, before + 1);
                        assert!(self.now >= at.checked_add(tries.again).unwrap(), "again too soon");
                    }
                    self.nobody_is_overtaken(place);
                }
                Command::CallBackOff { place } => assert!(self.waiting.contains_key(&place)),
                Command::CallBackGivenUp { row } => assert!(self.over.contains(&row.waiting)),
                Command::Returned { waiting } => assert!(!self.over.contains(&waiting)),
            }
        }
        self.check();
    }

    /// Nobody of the same queue, priority and skills came before the one who is offered an agent,
    /// but for those who wait for a certain agent.
    fn nobody_is_overtaken(&self, offered: WaitingId) {
        let offered = &self.waiting[&offered];
        let before = self.waiting.values().find(|row| {
            row.state == WaitingState::Waiting
                && row.queue == offered.queue
                && row.priority == offered.priority
                && row.skills == offered.skills
                && (row.joined_at, row.waiting) < (offered.joined_at, offered.waiting)
                && !(row.queue.as_ref() == "known" && row.last_agent.is_some())
        });
        assert_eq!(before, None, "overtaken by {offered:?}");
    }

    fn check(&self) {
        let rows: BTreeMap<WaitingId, WaitingRow> =
            self.queues.waiting().map(|row| (row.waiting, row.clone())).collect();
        assert_eq!(rows, self.waiting, "the rows are the truth");
        let agents: BTreeMap<AgentId, AgentRow> =
            self.queues.agents().map(|row| (row.agent, row.clone())).collect();
        assert_eq!(agents, self.agents);
        for row in self.agents.values() {
            match &row.state {
                AgentState::Offered { offer, waiting } => {
                    let open = &self.open[offer];
                    assert_eq!((open.agent, open.waiting), (row.agent, *waiting));
                    assert!(self.queues.poll_timeout().is_some(), "an offer ends by itself");
                }
                AgentState::WrapUp { until } => {
                    assert!(self.queues.poll_timeout().is_some_and(|at| at <= *until));
                }
                AgentState::Talking { waiting: Some(waiting) } => {
                    let caller = &self.waiting[waiting];
                    assert_eq!((caller.state, caller.agent), (WaitingState::Talking, Some(row.agent)));
                }
                _ => {}
            }
        }
        for row in self.waiting.values() {
            match row.state {
                WaitingState::Waiting | WaitingState::Kept => assert!(self.queues.poll_timeout().is_some()),
                WaitingState::CallBack => assert_eq!(row.agent, None),
                WaitingState::Calling => {}
                WaitingState::Offered => assert!(self.open.values().any(|o| o.waiting == row.waiting)),
                WaitingState::Talking => {
                    let agent = &self.agents[&row.agent.unwrap()];
                    assert_eq!(agent.state, AgentState::Talking { waiting: Some(row.waiting) });
                }
                _ => unreachable!("over"),
            }
            assert_eq!(
                row.call_back.is_some(),
                matches!(row.state, WaitingState::CallBack | WaitingState::Calling)
            );
            let same = |other: &&WaitingRow| {
                let (Some(one), Some(two)) = (&row.call_back, &other.call_back) else { return false };
                row.waiting < other.waiting
                    && (one.number == two.number
                        || (row.identity.is_some() && row.identity == other.identity))
            };
            assert_eq!(self.waiting.values().find(same), None, "two call backs for {row:?}");
            // A free agent who could serve somebody who waits would have been offered.
            let held = row.queue.as_ref() == "known" && row.last_agent.is_some();
            let is_due = row.state == WaitingState::CallBack
                && !self.on_the_line.contains(&row.waiting)
                && row.call_back.as_ref().unwrap().not_before.is_none_or(|at| at <= self.now);
            if (row.state == WaitingState::Waiting || is_due) && !held {
                let mut needed = row.skills.clone();
                needed.extend(settings().queues[&row.queue].skills.iter().cloned());
                let free = self.agents.values().find(|agent| {
                    agent.state == AgentState::Available
                        && needed.is_subset(&agent.skills)
                        // Those rest for a moment after a miss.
                        && agent.missed == 0
                });
                assert_eq!(free, None, "idle while {row:?} waits");
            }
        }
    }

    fn restart(&mut self) {
        self.seed += 1;
        let rows = Restored {
            waiting: self.waiting.values().cloned().collect(),
            agents: self.agents.values().cloned().collect(),
            offers: self.open.values().cloned().collect(),
            handling: Vec::new(),
            alive: BTreeSet::new(),
        };
        self.on_the_line.clear();
        self.queues = Queues::restore(self.now, settings(), Arc::new(IdSource::new(self.seed)), rows);
        self.obey();
        assert!(self.open.is_empty());
        assert!(self.waiting.values().all(|row| matches!(
            row.state,
            WaitingState::Kept | WaitingState::CallBack | WaitingState::Calling
        )));
    }

    fn act(&mut self, act: Act) {
        let open = |world: &Self, which: usize| {
            let mut open: Vec<&OfferRow> = world.open.values().collect();
            open.sort_by_key(|row| row.offer);
            (!open.is_empty()).then(|| (*open[which % open.len()]).clone())
        };
        let calling = |world: &Self, which: usize| {
            let calling = world.waiting.values().filter(|row| row.state == WaitingState::Calling);
            let calling: Vec<WaitingId> = calling.map(|row| row.waiting).collect();
            (!calling.is_empty()).then(|| calling[which % calling.len()])
        };
        match act {
            Act::Join { queue, priority, skill, last, number } => {
                self.next += 1;
                let waiting = WaitingId::from(self.next);
                self.joined.insert(waiting);
                self.happen(Event::Join(Box::new(Join {
                    waiting,
                    call: CallId::from(self.next),
                    queue: Name::from(["service", "complaints", "known"][queue]),
                    priority,
                    skills: skills(skill.map(|skill| SKILLS[skill])),
                    last_agent: last.map(agent),
                    customer: None,
                    identity: (number > 0).then(|| IdentityId::from(u128::from(number))),
                    joined_at: None,
                })));
            }
            Act::Leave { which, how } => {
                let ids: Vec<WaitingId> = self.waiting.keys().copied().collect();
                if !ids.is_empty() {
                    let how = [Leaving::HungUp, Leaving::OtherWay, Leaving::ConnectionLost][usize::from(how)];
                    let waiting = ids[which % ids.len()];
                    self.on_the_line.remove(&waiting);
                    self.happen(Event::Leave { waiting, how });
                }
            }
            Act::SignIn { agent: who, skills: can } => {
                let can = (0..3).filter(|bit| can & (1 << bit) != 0).map(|bit| SKILLS[bit]);
                self.happen(Event::SignIn { agent: agent(who), skills: skills(can) });
            }
            Act::SignOut { agent: who } => self.happen(Event::SignOut { agent: agent(who) }),
            Act::Available { agent: who } => self.happen(Event::Available { agent: agent(who) }),
            Act::Break { agent: who } => {
                self.happen(Event::Break { agent: agent(who), reason: "lunch".into() });
            }
            Act::Accept { which } => {
                if let Some(row) = open(self, which) {
                    self.happen(Event::Accepted { offer: row.offer, agent: row.agent });
                    assert_eq!(self.waiting[&row.waiting].state, WaitingState::Talking);
                }
            }
            Act::AcceptAnything { which, agent: who } => {
                if !self.all_offers.is_empty() {
                    let offer = self.all_offers[which % self.all_offers.len()];
                    self.happen(Event::Accepted { offer, agent: agent(who) });
                }
            }
            Act::NotAnswered { which, how } => {
                if let Some(row) = open(self, which) {
                    let how =
                        [NotAnswered::Declined, NotAnswered::Busy, NotAnswered::Failed][usize::from(how)];
                    self.happen(Event::NotAnswered { offer: row.offer, how });
                }
            }
            Act::TalkBegan { agent: who } => self.happen(Event::TalkBegan { agent: agent(who) }),
            Act::TalkEnded { agent: who } => self.happen(Event::TalkEnded { agent: agent(who) }),
            Act::AgentLost { agent: who } => self.happen(Event::AgentLost { agent: agent(who) }),
            Act::CallBack { which, number } => {
                let ids: Vec<WaitingId> = self.waiting.keys().copied().collect();
                if !ids.is_empty() {
                    let waiting = ids[which % ids.len()];
                    let here =
                        matches!(self.waiting[&waiting].state, WaitingState::Waiting | WaitingState::Offered);
                    if here {
                        self.on_the_line.insert(waiting);
                    }
                    let number = PhoneNumber::parse(&format!("1380013800{number}")).unwrap();
                    self.happen(Event::CallBack { waiting, number });
                    if here && self.waiting[&waiting].state != WaitingState::CallBack {
                        self.on_the_line.remove(&waiting);
                    }
                }
            }
            Act::CalledBack { which } => {
                if let Some(place) = calling(self, which) {
                    let row = self.waiting[&place].clone();
                    let mut needed = row.skills.clone();
                    needed.extend(settings().queues[&row.queue].skills.iter().cloned());
                    let kept_free = row.agent.filter(|agent| {
                        let agent = &self.agents[agent];
                        agent.state == AgentState::Talking { waiting: None }
                            && needed.is_subset(&agent.skills)
                    });
                    self.next += 1;
                    let waiting = WaitingId::from(self.next);
                    self.joined.insert(waiting);
                    self.called_back.insert(waiting);
                    let join = Box::new(Join {
                        waiting,
                        call: CallId::from(self.next),
                        queue: Name::from("service"),
                        priority: 0,
                        skills: skills([]),
                        last_agent: None,
                        customer: None,
                        identity: None,
                        joined_at: None,
                    });
                    self.happen(Event::CalledBack { place, join });
                    assert!(self.over.contains(&place));
                    if let Some(now) = self.waiting.get(&waiting) {
                        assert_eq!(
                            (&now.queue, now.joined_at),
                            (&row.queue, row.joined_at),
                            "the same place"
                        );
                        let kept_free = kept_free.filter(|agent| {
                            matches!(
                                self.agents[agent].state,
                                AgentState::Available | AgentState::Offered { .. }
                            )
                        });
                        assert!(kept_free.is_none() || now.agent == kept_free, "the agent who was kept free");
                    }
                }
            }
            Act::CallBackEnded { which, settled } => {
                if let Some(place) = calling(self, which) {
                    let how = if settled { CallBackEnd::Settled } else { CallBackEnd::NotReached };
                    self.happen(Event::CallBackEnded { place, how });
                    assert!(self.waiting.get(&place).is_none_or(|row| row.state == WaitingState::CallBack));
                }
            }
            Act::Restart => self.restart(),
            Act::Pass { seconds } => self.pass(Duration::from_secs(u64::from(seconds))),
        }
    }

    /// Everybody hangs up, and time passes: nothing is left over.
    fn finish(mut self) {
        let talking: Vec<AgentId> = self.agents.keys().copied().collect();
        for agent in talking {
            self.happen(Event::TalkEnded { agent });
        }
        let ids: Vec<WaitingId> = self.waiting.keys().copied().collect();
        for waiting in ids {
            self.happen(Event::Leave { waiting, how: Leaving::HungUp });
        }
        self.on_the_line.clear();
        // Whoever is to be called back is, and cannot be reached, until nobody is left.
        self.happen(Event::SignIn { agent: agent(0), skills: skills(SKILLS) });
        while !self.waiting.is_empty() {
            self.pass(Duration::from_secs(3_600));
            while let Some(row) = self.waiting.values().find(|row| row.state == WaitingState::Calling) {
                let place = row.waiting;
                self.happen(Event::CallBackEnded { place, how: CallBackEnd::NotReached });
            }
        }
        self.pass(Duration::from_secs(3_600));
        assert_eq!(self.joined, self.over, "every caller has ended");
        assert_eq!(self.queues.poll_timeout(), None, "nothing is left to wait for");
        let stuck = |row: &&AgentRow| {
            !matches!(row.state, AgentState::SignedOut | AgentState::Available | AgentState::Break { .. })
        };
        assert_eq!(self.agents.values().find(stuck), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(acts in proptest::collection::vec(act(), 1..160)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
        }
        world.finish();
    }
}
