//! The state machine: events and time in, commands out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{AgentId, IdSource, OfferId, WaitingId};
use jiff::Timestamp;

use crate::agents::Agent;
use crate::callers::Caller;
use crate::dispatch::Needs;
use crate::event::{Command, Event};
use crate::row::{AgentRow, OfferRow, Row, WaitingRow};
use crate::settings::{Name, QueueSettings, Settings};
use crate::timers::{Timer, Timers};
use crate::wait::Handling;

/// The place of a caller among all: higher priority first, then who came first.
pub(crate) type LineKey = (Reverse<u8>, Timestamp, WaitingId);

/// All queues and agents of an installation.
///
/// Every caller ends in exactly one way; an agent has at most one offer or call; every state of an
/// agent other than signed out, available and break ends by a time or by the call it belongs to.
#[derive(Debug)]
pub struct Queues {
    pub(crate) settings: Settings,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) callers: HashMap<WaitingId, Caller>,
    /// Those who wait, here or for a call back, in order: not those whose offer rings.
    pub(crate) line: BTreeSet<LineKey>,
    pub(crate) agents: BTreeMap<AgentId, Agent>,
    /// Agents who may be offered a call now.
    pub(crate) free: BTreeSet<AgentId>,
    pub(crate) offers: HashMap<OfferId, OfferRow>,
    pub(crate) needs: Needs,
    pub(crate) handling: BTreeMap<Name, Handling>,
    pub(crate) timers: Timers,
    pub(crate) commands: VecDeque<Command>,
    /// Agents came, went, or can do something else.
    pub(crate) staff_changed: bool,
    /// Somebody's place or wait may be another one.
    pub(crate) places_changed: bool,
}

impl Queues {
    /// Queues without callers and agents. `ids` names the offers: no other source may have its seed.
    pub fn new(settings: Settings, ids: Arc<IdSource>) -> Self {
        Self {
            settings,
            ids,
            callers: HashMap::new(),
            line: BTreeSet::new(),
            agents: BTreeMap::new(),
            free: BTreeSet::new(),
            offers: HashMap::new(),
            needs: Needs::default(),
            handling: BTreeMap::new(),
            timers: Timers::default(),
            commands: VecDeque::new(),
            staff_changed: true,
            places_changed: false,
        }
    }

    /// Something happened.
    pub fn handle_event(&mut self, now: Timestamp, event: Event) {
        match event {
            Event::Join(join) => self.join(now, *join),
            Event::Leave { waiting, how } => self.leave(now, waiting, how),
            Event::SignIn { agent, skills } => self.sign_in(now, agent, skills),
            Event::SignOut { agent } => self.sign_out(now, agent),
            Event::Available { agent } => self.make_available(now, agent),
            Event::Break { agent, reason } => self.take_break(now, agent, reason),
            Event::Accepted { offer, agent } => self.accepted(now, offer, agent),
            Event::NotAnswered { offer, how } => self.not_answered(now, offer, how),
            Event::TalkBegan { agent } => self.talk_began(now, agent),
            Event::TalkEnded { agent } => self.talk_ended(now, agent),
            Event::NotReached { agent } => self.not_reached(now, agent),
            Event::HandedOn { agent } => self.handed_on(now, agent),
            Event::TookOver { agent, waiting } => self.took_over(now, agent, waiting),
            Event::TakenBack { waiting } => self.taken_back(now, waiting),
            Event::AgentLost { agent } => self.agent_lost(now, agent),
            Event::CallBack { waiting, number } => self.keep_for_call_back(now, waiting, number),
            Event::CalledBack { place, join } => self.called_back(now, place, *join),
            Event::CallBackEnded { place, how } => self.call_back_ended(now, place, how),
            Event::Settings(settings) => self.change_settings(*settings),
        }
        self.settle(now);
    }

    /// The time named by [`Queues::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Offer(offer) => self.offer_timed_out(now, offer),
                Timer::WrapUp(agent) => self.wrap_up_is_over(now, agent),
                Timer::Rest(agent) => {
                    self.free.insert(agent);
                }
                // The next dispatch sees that the time is over.
                Timer::Hold(_) | Timer::CallBack(_) => {}
                Timer::LongestWait(waiting) => self.waited_too_long(now, waiting),
                Timer::Kept(waiting) => self.kept_expired(now, waiting),
                Timer::Reserved(waiting) => self.reserved_for_too_long(now, waiting),
            }
        }
        self.settle(now);
    }

    /// What to do next, until `None`.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When to call [`Queues::handle_timeout`]; `None` if nothing happens by itself.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The queues, by name.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.settings.queues.keys()
    }

    /// Everyone who waits, is offered, talks, or whose place is kept; in no order.
    pub fn waiting(&self) -> impl Iterator<Item = &WaitingRow> {
        self.callers.values().map(|caller| &caller.row)
    }

    /// One of them.
    pub fn find_waiting(&self, waiting: WaitingId) -> Option<&WaitingRow> {
        self.callers.get(&waiting).map(|caller| &caller.row)
    }

    /// Every agent who has signed in since the start, and those restored.
    pub fn agents(&self) -> impl Iterator<Item = &AgentRow> {
        self.agents.values().map(|agent| &agent.row)
    }

    /// One of them.
    pub fn find_agent(&self, agent: AgentId) -> Option<&AgentRow> {
        self.agents.get(&agent).map(|agent| &agent.row)
    }

    /// The queues' names and settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The moving average of talk and wrap-up of a queue's calls, once enough were measured.
    pub fn handling_time(&self, queue: &str) -> Option<Duration> {
        self.handling.get(queue).and_then(Handling::average)
    }

    /// Callers of queues that are gone are served to the end by what the queue was.
    fn change_settings(&mut self, mut settings: Settings) {
        for caller in self.callers.values() {
            if !settings.queues.contains_key(&caller.row.queue)
                && let Some(before) = self.settings.queues.get(&caller.row.queue)
            {
                settings.queues.insert(Arc::clone(&caller.row.queue), before.clone());
            }
        }
        self.settings = settings;
        self.needs.change(&self.settings);
        self.staff_changed = true;
        self.places_changed = true;
    }

    /// What follows from a change: callers whom nobody can serve go, free agents get callers, and
    /// everybody else hears of a new place.
    fn settle(&mut self, now: Timestamp) {
        if self.staff_changed {
            self.staff_changed = false;
            self.places_changed = true;
            self.needs.count(&self.agents);
            self.send_away_unservable(now);
        }
        self.dispatch(now);
        if self.places_changed {
            self.places_changed = false;
            self.tell_places();
        }
    }

    pub(crate) fn queue(&self, name: &str) -> Option<&QueueSettings> {
        self.settings.queues.get(name)
    }

    pub(crate) fn store(&mut self, row: Row) {
        self.commands.push_back(Command::Store(row));
    }
}

/// `now` and a length of time; the end of time if there is none so late.
pub(crate) fn after(now: Timestamp, length: Duration) -> Timestamp {
    now.checked_add(length).unwrap_or(Timestamp::MAX)
}

/// The time from `earlier` to `now`; nothing if the clock went back.
pub(crate) fn between(earlier: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(earlier)).unwrap_or_default()
}
