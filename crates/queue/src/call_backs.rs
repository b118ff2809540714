//! Call backs: a caller keeps the place and hangs up, and is called when it comes. An agent is kept
//! free meanwhile, as for any call that comes by no queue, and is rung as soon as the caller is back.

use std::time::Duration;

use hotline_model::{AgentId, PhoneNumber, WaitingId};
use jiff::Timestamp;

use crate::event::{CallBackEnd, Command, Join, Left, NobodyWhy, Withdrawn};
use crate::queues::{Queues, after};
use crate::row::{AgentState, CallBackRow, Row, WaitingRow, WaitingState};
use crate::settings::CallBackSettings;
use crate::timers::Timer;

/// Beyond the ringing, an agent is kept free for what a caller hears before they are back in the line.
const GRACE: Duration = Duration::from_secs(30);
/// A telephone that was just hung up is still busy for a moment.
const HANGS_UP: Duration = Duration::from_secs(3);

impl Queues {
    /// Keeps the place of a caller who hangs up soon, and has no other call back.
    pub(crate) fn keep_for_call_back(&mut self, now: Timestamp, waiting: WaitingId, number: PhoneNumber) {
        let kept = self.may_have_call_back(waiting, &number);
        if kept {
            self.withdraw_from(now, waiting, Withdrawn::CallerLeft);
            self.timers.clear(Timer::LongestWait(waiting));
            self.timers.clear(Timer::Hold(waiting));
            if let Some(caller) = self.callers.get_mut(&waiting) {
                caller.on_the_line = true;
                caller.row.state = WaitingState::CallBack;
                caller.row.since = now;
                caller.row.call_back = Some(CallBackRow { number, tries: 0, not_before: None });
                let row = caller.row.clone();
                self.store(Row::Waiting(row));
            }
        }
        self.commands.push_back(Command::CallBackKept { waiting, kept });
    }

    /// The call in which they asked for it is over: from now on they may be called.
    pub(crate) fn hung_up_to_be_called(&mut self, now: Timestamp, waiting: WaitingId) {
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        if !std::mem::take(&mut caller.on_the_line) {
            return;
        }
        if let Some(call_back) = &mut caller.row.call_back {
            call_back.not_before = Some(after(now, HANGS_UP));
        }
        let row = caller.row.clone();
        self.store(Row::Waiting(row));
    }

    fn may_have_call_back(&self, waiting: WaitingId, number: &PhoneNumber) -> bool {
        let Some(row) = self.find_waiting(waiting) else { return false };
        let has_one = |other: &WaitingRow| {
            other.call_back.as_ref().is_some_and(|call_back| {
                call_back.number == *number
                    || (other.identity.is_some() && other.identity == row.identity)
                    || (other.customer.is_some() && other.customer == row.customer)
            })
        };
        matches!(row.state, WaitingState::Waiting | WaitingState::Offered)
            && self.queue(&row.queue).is_some_and(|queue| queue.call_back.is_some())
            && !self.waiting().any(has_one)
    }

    /// Whether somebody whose place is kept may be called now; if not, when that is asked again.
    pub(crate) fn may_be_called(&mut self, now: Timestamp, waiting: WaitingId) -> bool {
        let Some(caller) = self.callers.get(&waiting) else { return false };
        if caller.on_the_line {
            return false;
        }
        let not_before = caller.row.call_back.as_ref().and_then(|call_back| call_back.not_before);
        let hours = self.queue(&caller.row.queue).and_then(|queue| queue.hours.as_ref());
        let later = match (not_before.filter(|at| *at > now), hours) {
            (Some(at), _) => Some(at),
            (None, Some(hours)) if !hours.is_open(now) => match hours.next_open(now) {
                Some(at) => Some(at),
                // Open no more as far as anybody knows, until the calendar says otherwise.
                None => return false,
            },
            (None, _) => None,
        };
        if let Some(at) = later {
            self.timers.set(Timer::CallBack(waiting), at);
        }
        later.is_none()
    }

    /// Their turn has come: keeps the agent free, and has them called.
    pub(crate) fn call_back(&mut self, now: Timestamp, waiting: WaitingId, agent: AgentId) {
        let settings = self.call_back_settings(waiting);
        self.out_of_line(waiting);
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        caller.row.state = WaitingState::Calling;
        caller.row.since = now;
        caller.row.agent = Some(agent);
        let Some(call_back) = &mut caller.row.call_back else { return };
        call_back.tries += 1;
        call_back.not_before = None;
        let command = Command::CallBack {
            place: waiting,
            call: caller.row.call,
            queue: caller.row.queue.clone(),
            customer: caller.row.customer,
            number: call_back.number.clone(),
            attempt: call_back.tries,
            ring: settings.ring,
        };
        let row = caller.row.clone();
        self.timers.set(Timer::Reserved(waiting), after(now, settings.ring + GRACE));
        self.store(Row::Waiting(row));
        self.begin_talk(now, agent, None);
        self.commands.push_back(command);
    }

    fn call_back_settings(&self, waiting: WaitingId) -> CallBackSettings {
        let queue = self.find_waiting(waiting).and_then(|row| self.queue(&row.queue));
        // A queue that has none any more keeps what it promised.
        queue.and_then(|queue| queue.call_back).unwrap_or_default()
    }

    /// They have answered, and are in the line again at their place; the agent who was kept free is rung.
    pub(crate) fn called_back(&mut self, now: Timestamp, place: WaitingId, mut join: Join) {
        let is_calling = self.find_waiting(place).is_some_and(|row| row.state == WaitingState::Calling);
        if !is_calling || self.callers.contains_key(&join.waiting) {
            // They called in themselves meanwhile; one of both calls has the place.
            join.joined_at = None;
            self.join(now, join);
            return;
        }
        let agent = self.let_agent_go(now, place);
        let Some(kept) = self.finish(now, place, WaitingState::Resumed) else { return };
        let row = WaitingRow {
            waiting: join.waiting,
            call: join.call,
            state: WaitingState::Waiting,
            since: now,
            agent: None,
            customer: kept.customer.or(join.customer),
            identity: kept.identity.or(join.identity),
            last_agent: kept.last_agent.or(join.last_agent),
            ..kept
        };
        let queue = self.settings.queues.entry(row.queue.clone()).or_default();
        let until = after(now, queue.longest_wait);
        let need = self.needs.find_or_add(&row.queue, &queue.skills, &row.skills, &self.agents);
        if self.needs.signed_in(need) == 0 {
            self.refuse(row, WaitingState::Nobody, Left::Nobody(NobodyWhy::NobodySignedIn));
            return;
        }
        let waiting = row.waiting;
        self.stand_in_line(row, need, until, None);
        let needed = self.needs.list().get(need).map(|need| need.skills.clone()).unwrap_or_default();
        let may = |agent: &AgentId| {
            self.free.contains(agent)
                && self.agents.get(agent).is_some_and(|known| needed.is_subset(&known.row.skills))
        };
        if let Some(agent) = agent.filter(may) {
            self.offer(now, waiting, agent);
        }
    }

    pub(crate) fn call_back_ended(&mut self, now: Timestamp, place: WaitingId, how: CallBackEnd) {
        if self.find_waiting(place).is_none_or(|row| row.state != WaitingState::Calling) {
            return;
        }
        self.let_agent_go(now, place);
        match how {
            CallBackEnd::NotReached => self.not_reached_by_call(now, place),
            CallBackEnd::NotMade => {
                let row = self.callers.get_mut(&place).and_then(|caller| caller.row.call_back.as_mut());
                if let Some(call_back) = row {
                    call_back.tries = call_back.tries.saturating_sub(1);
                }
                self.not_reached_by_call(now, place);
            }
            CallBackEnd::Settled => {
                self.finish(now, place, WaitingState::Left);
            }
        }
    }

    /// Another try later, or none.
    pub(crate) fn not_reached_by_call(&mut self, now: Timestamp, waiting: WaitingId) {
        let settings = self.call_back_settings(waiting);
        self.timers.clear(Timer::Reserved(waiting));
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        caller.row.agent = None;
        let tries = caller.row.call_back.as_ref().map_or(u32::MAX, |call_back| call_back.tries);
        if tries >= settings.tries {
            let row = Box::new(caller.row.clone());
            self.finish(now, waiting, WaitingState::NotReached);
            self.commands.push_back(Command::CallBackGivenUp { row });
            return;
        }
        let again = after(now, settings.again);
        caller.row.state = WaitingState::CallBack;
        caller.row.since = now;
        if let Some(call_back) = &mut caller.row.call_back {
            call_back.not_before = Some(again);
        }
        let (key, row) = (caller.key(), caller.row.clone());
        self.line.insert(key);
        self.timers.set(Timer::CallBack(waiting), again);
        self.places_changed = true;
        self.store(Row::Waiting(row));
    }

    /// They have called in themselves: nobody calls them any more.
    pub(crate) fn no_call_back(&mut self, now: Timestamp, place: WaitingId) {
        if self.find_waiting(place).is_some_and(|row| row.state == WaitingState::Calling) {
            self.let_agent_go(now, place);
            self.commands.push_back(Command::CallBackOff { place });
        }
    }

    /// The call goes on for longer than an agent should be kept from others.
    pub(crate) fn reserved_for_too_long(&mut self, now: Timestamp, waiting: WaitingId) {
        self.let_agent_go(now, waiting);
        if let Some(caller) = self.callers.get(&waiting) {
            let row = caller.row.clone();
            self.store(Row::Waiting(row));
        }
    }

    /// The agent who was kept free for a call is free again; who it was.
    fn let_agent_go(&mut self, now: Timestamp, waiting: WaitingId) -> Option<AgentId> {
        self.timers.clear(Timer::Reserved(waiting));
        let agent = self.callers.get_mut(&waiting)?.row.agent.take()?;
        let kept = AgentState::Talking { waiting: None };
        if self.agents.get(&agent).is_some_and(|known| known.row.state == kept) {
            self.not_reached(now, agent);
        }
        Some(agent)
    }
}
