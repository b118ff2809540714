//! Callers: into the line, out of it, back to their place.

use std::cmp::Reverse;

use hotline_model::{AgentId, WaitingId};
use jiff::Timestamp;

use crate::event::{Command, Join, Leaving, Left, NobodyWhy, Withdrawn};
use crate::queues::{LineKey, Queues, after};
use crate::row::{AgentState, OfferOutcome, Row, WaitingRow, WaitingState};
use crate::settings::Strategy;
use crate::timers::Timer;

/// The highest priority.
const MOST_URGENT: u8 = 9;

#[derive(Debug)]
pub(crate) struct Caller {
    pub row: WaitingRow,
    /// What an agent must be able to do: a place in `Needs`.
    pub need: usize,
    /// When the longest wait is over.
    pub until: Timestamp,
    /// Until when the caller may wait for their last agent.
    pub hold_until: Option<Timestamp>,
    /// Agents who did not answer this caller, since all free ones did not.
    pub tried: Vec<AgentId>,
    /// Place and wait as told last.
    pub told: Option<(u32, Option<std::time::Duration>)>,
    /// The call in which they asked to be called back still goes on.
    pub on_the_line: bool,
}

impl Caller {
    pub fn key(&self) -> LineKey {
        (Reverse(self.row.priority), self.row.joined_at, self.row.waiting)
    }
}

impl Queues {
    pub(crate) fn join(&mut self, now: Timestamp, join: Join) {
        if self.callers.contains_key(&join.waiting) {
            return;
        }
        let mut row = WaitingRow {
            waiting: join.waiting,
            call: join.call,
            queue: join.queue,
            priority: join.priority.min(MOST_URGENT),
            skills: join.skills,
            last_agent: join.last_agent,
            joined_at: join.joined_at.into_iter().chain([now]).min().unwrap_or(now),
            state: WaitingState::Waiting,
            since: now,
            agent: None,
            customer: join.customer,
            identity: join.identity,
            kept_until: None,
            call_back: None,
        };
        let Some(queue) = self.settings.queues.get(&row.queue) else {
            self.refuse(row, WaitingState::Failed, Left::Failed);
            return;
        };
        if queue.hours.as_ref().is_some_and(|hours| !hours.is_open(now)) {
            self.refuse(row, WaitingState::Closed, Left::Closed);
            return;
        }
        let until = after(now, queue.longest_wait);
        let (strategy, last_agent_wait) = (queue.strategy, queue.last_agent_wait);
        let need = self.needs.find_or_add(&row.queue, &queue.skills, &row.skills, &self.agents);
        if self.needs.signed_in(need) == 0 {
            self.refuse(row, WaitingState::Nobody, Left::Nobody(NobodyWhy::NobodySignedIn));
            return;
        }
        if let Some(kept) = self.take_kept_place(now, &row) {
            row.joined_at = row.joined_at.min(kept.joined_at);
            row.priority = row.priority.max(kept.priority);
            row.last_agent = row.last_agent.or(kept.last_agent);
        }
        let hold_until = (strategy == Strategy::LastAgent && row.last_agent.is_some())
            .then(|| after(now, last_agent_wait));
        self.stand_in_line(row, need, until, hold_until);
    }

    /// A new row, at the place that its time of joining gives.
    pub(crate) fn stand_in_line(
        &mut self,
        row: WaitingRow,
        need: usize,
        until: Timestamp,
        hold_until: Option<Timestamp>,
    ) {
        let waiting = row.waiting;
        self.store(Row::Waiting(row.clone()));
        self.timers.set(Timer::LongestWait(waiting), until);
        if let Some(hold_until) = hold_until {
            self.timers.set(Timer::Hold(waiting), hold_until);
        }
        let caller =
            Caller { row, need, until, hold_until, tried: Vec::new(), told: None, on_the_line: false };
        self.line.insert(caller.key());
        self.callers.insert(waiting, caller);
        self.places_changed = true;
    }

    pub(crate) fn refuse(&mut self, mut row: WaitingRow, state: WaitingState, how: Left) {
        row.state = state;
        let waiting = row.waiting;
        self.store(Row::Waiting(row));
        self.commands.push_back(Command::Left { waiting, how });
    }

    /// The earliest place that is kept for this caller in this queue; it is theirs again.
    fn take_kept_place(&mut self, now: Timestamp, join: &WaitingRow) -> Option<WaitingRow> {
        let theirs = |row: &WaitingRow| {
            matches!(row.state, WaitingState::Kept | WaitingState::CallBack | WaitingState::Calling)
                && row.queue == join.queue
                && ((row.identity.is_some() && row.identity == join.identity)
                    || (row.customer.is_some() && row.customer == join.customer))
        };
        let found = self.callers.values().map(|caller| &caller.row).filter(|row| theirs(row));
        let kept = found.min_by_key(|row| (row.joined_at, row.waiting))?.waiting;
        self.timers.clear(Timer::Kept(kept));
        self.no_call_back(now, kept);
        self.finish(now, kept, WaitingState::Resumed)
    }

    pub(crate) fn leave(&mut self, now: Timestamp, waiting: WaitingId, how: Leaving) {
        let Some(caller) = self.callers.get(&waiting) else { return };
        match caller.row.state {
            WaitingState::Talking => {
                let talks = AgentState::Talking { waiting: Some(waiting) };
                // Who handed them on, or was put on another call meanwhile, has nothing to do with it any more.
                if let Some(agent) = caller.row.agent
                    && self.agents.get(&agent).is_some_and(|known| known.row.state == talks)
                {
                    self.talk_ended(now, agent);
                }
                self.finish(now, waiting, WaitingState::Served);
                return;
            }
            WaitingState::Offered => self.withdraw_from(now, waiting, Withdrawn::CallerLeft),
            WaitingState::Waiting => {}
            WaitingState::CallBack if how != Leaving::OtherWay => {
                self.hung_up_to_be_called(now, waiting);
                return;
            }
            // They have found another way: nobody calls them.
            WaitingState::CallBack => {}
            _ => return,
        }
        let kept_until = match how {
            Leaving::ConnectionLost => {
                self.callers.get(&waiting).and_then(|caller| self.queue(&caller.row.queue))
            }
            Leaving::HungUp | Leaving::OtherWay => None,
        }
        .map(|queue| after(now, queue.keep_place));
        match kept_until {
            Some(until) => self.keep(now, waiting, until),
            None => {
                self.finish(now, waiting, WaitingState::Left);
            }
        }
    }

    /// Keeps the place of a caller whose call is gone.
    pub(crate) fn keep(&mut self, now: Timestamp, waiting: WaitingId, until: Timestamp) {
        self.out_of_line(waiting);
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        caller.row.state = WaitingState::Kept;
        caller.row.since = now;
        caller.row.agent = None;
        caller.row.kept_until = Some(until);
        let row = caller.row.clone();
        self.timers.set(Timer::Kept(waiting), until);
        self.store(Row::Waiting(row));
    }

    /// Takes a caller out of everything, with their last state.
    pub(crate) fn finish(
        &mut self,
        now: Timestamp,
        waiting: WaitingId,
        state: WaitingState,
    ) -> Option<WaitingRow> {
        self.out_of_line(waiting);
        let mut row = self.callers.remove(&waiting)?.row;
        row.state = state;
        row.since = now;
        row.kept_until = None;
        row.call_back = None;
        self.store(Row::Waiting(row.clone()));
        Some(row)
    }

    /// Back into the line after a talk that came to nothing, with the longest wait before them again.
    /// `not`: the agent whom they should not meet at once.
    pub(crate) fn return_to_line(&mut self, now: Timestamp, waiting: WaitingId, not: Option<AgentId>) {
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        let queue = self.settings.queues.get(&caller.row.queue);
        caller.until = after(now, queue.map(|queue| queue.longest_wait).unwrap_or_default());
        caller.tried = not.into_iter().collect();
        self.commands.push_back(Command::Returned { waiting });
        self.back_into_line(now, waiting);
    }

    /// Nobody had the caller who was handed on.
    pub(crate) fn taken_back(&mut self, now: Timestamp, waiting: WaitingId) {
        let Some(caller) = self.callers.get(&waiting) else { return };
        let is_handed_on = caller.row.state == WaitingState::Talking
            && !self
                .agents
                .values()
                .any(|agent| agent.row.state == AgentState::Talking { waiting: Some(waiting) });
        if is_handed_on {
            self.return_to_line(now, waiting, None);
        }
    }

    /// Out of the line and its timers.
    pub(crate) fn out_of_line(&mut self, waiting: WaitingId) {
        let Some(caller) = self.callers.get(&waiting) else { return };
        if self.line.remove(&caller.key()) {
            self.places_changed = true;
        }
        self.timers.clear(Timer::LongestWait(waiting));
        self.timers.clear(Timer::Hold(waiting));
        self.timers.clear(Timer::CallBack(waiting));
        self.timers.clear(Timer::Reserved(waiting));
    }

    /// Back into the line, at the place that the time of joining gives.
    pub(crate) fn back_into_line(&mut self, now: Timestamp, waiting: WaitingId) {
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        caller.row.state = WaitingState::Waiting;
        caller.row.since = now;
        caller.row.agent = None;
        let (key, until, hold_until, need) = (caller.key(), caller.until, caller.hold_until, caller.need);
        let row = caller.row.clone();
        self.line.insert(key);
        self.timers.set(Timer::LongestWait(waiting), until);
        if let Some(hold_until) = hold_until.filter(|until| *until > now) {
            self.timers.set(Timer::Hold(waiting), hold_until);
        }
        self.places_changed = true;
        self.store(Row::Waiting(row));
        if self.needs.signed_in(need) == 0 {
            // The last agent went while this call rang.
            self.staff_changed = true;
        }
    }

    pub(crate) fn waited_too_long(&mut self, now: Timestamp, waiting: WaitingId) {
        if self.callers.get(&waiting).is_some_and(|caller| caller.row.state == WaitingState::Waiting) {
            self.finish(now, waiting, WaitingState::Nobody);
            let how = Left::Nobody(NobodyWhy::LongestWait);
            self.commands.push_back(Command::Left { waiting, how });
        }
    }

    pub(crate) fn kept_expired(&mut self, now: Timestamp, waiting: WaitingId) {
        if self.callers.get(&waiting).is_some_and(|caller| caller.row.state == WaitingState::Kept) {
            self.finish(now, waiting, WaitingState::Expired);
            self.commands.push_back(Command::KeptExpired { waiting });
        }
    }

    /// Callers whom no agent who is signed in could serve do not wait: after hours the queue is
    /// closed, else nobody is there.
    pub(crate) fn send_away_unservable(&mut self, now: Timestamp) {
        let unservable: Vec<WaitingId> = self
            .line
            .iter()
            .map(|(.., waiting)| *waiting)
            .filter(|waiting| {
                self.callers.get(waiting).is_some_and(|caller| {
                    caller.row.state == WaitingState::Waiting && self.needs.signed_in(caller.need) == 0
                })
            })
            .collect();
        for waiting in unservable {
            let hours = self
                .callers
                .get(&waiting)
                .and_then(|caller| self.queue(&caller.row.queue))
                .and_then(|queue| queue.hours.as_ref());
            let (state, how) = if hours.is_some_and(|hours| !hours.is_open(now)) {
                (WaitingState::Closed, Left::Closed)
            } else {
                (WaitingState::Nobody, Left::Nobody(NobodyWhy::NobodySignedIn))
            };
            self.finish(now, waiting, state);
            self.commands.push_back(Command::Left { waiting, how });
        }
    }

    /// Ends the offer that rings for a caller who goes.
    pub(crate) fn withdraw_from(&mut self, now: Timestamp, waiting: WaitingId, why: Withdrawn) {
        let offer = self.offers.values().find(|offer| offer.waiting == waiting).map(|offer| offer.offer);
        if let Some(offer) = offer {
            self.end_offer(now, offer, OfferOutcome::Withdrawn, Some(why));
        }
    }
}
