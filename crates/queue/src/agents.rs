//! Agents: from signed out to available, and what they do between calls.

use hotline_model::{AgentId, OfferId, WaitingId};
use jiff::Timestamp;

use crate::event::Withdrawn;
use crate::queues::{Queues, after, between};
use crate::row::{AfterCall, AgentRow, AgentState, OfferOutcome, Row, WaitingState};
use crate::settings::{Name, Skills};
use crate::timers::Timer;

/// Why an agent is on a break who has missed too many offers.
const MISSED: &str = "missed";

#[derive(Debug)]
pub(crate) struct Agent {
    pub row: AgentRow,
    /// The offer that became the call they are on.
    pub answered: Option<OfferId>,
    /// The queue and the beginning of the call that is being handled, wrap-up included.
    pub handles: Option<(Name, Timestamp)>,
}

impl Agent {
    /// Whether callers may hope for them.
    pub fn is_signed_in(&self) -> bool {
        self.row.state != AgentState::SignedOut
    }

    /// Whether they take calls now, or will after the one they are on.
    pub fn is_at_work(&self) -> bool {
        self.row.after_call.is_none()
            && !matches!(self.row.state, AgentState::SignedOut | AgentState::Break { .. })
    }
}

impl Queues {
    pub(crate) fn sign_in(&mut self, now: Timestamp, agent: AgentId, skills: Skills) {
        self.staff_changed = true;
        let Some(known) = self.agents.get_mut(&agent) else {
            let row = AgentRow {
                agent,
                state: AgentState::Available,
                since: now,
                idle_since: now,
                skills,
                missed: 0,
                after_call: None,
            };
            self.agents.insert(agent, Agent { row: row.clone(), answered: None, handles: None });
            self.free.insert(agent);
            self.store(Row::Agent(row));
            return;
        };
        known.row.skills = skills;
        known.row.missed = 0;
        self.make_available(now, agent);
    }

    pub(crate) fn sign_out(&mut self, now: Timestamp, agent: AgentId) {
        self.go_away(now, agent, AfterCall::SignOut);
    }

    pub(crate) fn take_break(&mut self, now: Timestamp, agent: AgentId, reason: String) {
        if self.agents.get(&agent).is_some_and(Agent::is_signed_in) {
            self.go_away(now, agent, AfterCall::Break { reason });
        }
    }

    /// Away now, or after the call.
    fn go_away(&mut self, now: Timestamp, agent: AgentId, away: AfterCall) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        match known.row.state {
            AgentState::Talking { .. } => {
                known.row.after_call = Some(away);
                let row = known.row.clone();
                self.staff_changed = true;
                self.store(Row::Agent(row));
            }
            AgentState::Offered { offer, .. } => {
                // Away first, so that the caller is not offered to them again.
                self.change_agent(now, agent, state_of(away));
                self.end_offer(now, offer, OfferOutcome::Declined, Some(Withdrawn::AgentLeft));
            }
            _ => self.change_agent(now, agent, state_of(away)),
        }
    }

    /// Free from a break, from a wrap-up, or staying after the call.
    pub(crate) fn make_available(&mut self, now: Timestamp, agent: AgentId) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        match known.row.state {
            AgentState::Talking { .. } => {
                known.row.after_call = None;
                let row = known.row.clone();
                self.staff_changed = true;
                self.store(Row::Agent(row));
            }
            AgentState::Offered { .. } => {
                let row = known.row.clone();
                self.store(Row::Agent(row));
            }
            // Who says so themselves needs no rest.
            AgentState::Available => self.change_agent(now, agent, AgentState::Available),
            AgentState::WrapUp { .. } => {
                known.row.after_call = None;
                self.change_agent(now, agent, AgentState::Available);
            }
            AgentState::SignedOut | AgentState::Break { .. } => {
                known.row.missed = 0;
                known.row.idle_since = now;
                self.change_agent(now, agent, AgentState::Available);
            }
        }
    }

    pub(crate) fn wrap_up_is_over(&mut self, now: Timestamp, agent: AgentId) {
        if self.agents.get(&agent).is_some_and(|known| matches!(known.row.state, AgentState::WrapUp { .. })) {
            self.change_agent(now, agent, AgentState::Available);
        }
    }

    /// Free again after an offer that was none of their fault: they keep their turn.
    pub(crate) fn back_to_available(&mut self, now: Timestamp, agent: AgentId) {
        if self.agents.get(&agent).is_some_and(|known| matches!(known.row.state, AgentState::Offered { .. }))
        {
            self.change_agent(now, agent, AgentState::Available);
        }
    }

    /// An offer was not answered: their turn is over, and after too many in a row they are not there.
    pub(crate) fn agent_missed(&mut self, now: Timestamp, agent: AgentId, how: OfferOutcome) {
        let (limit, rest) = (self.settings.missed_limit, self.settings.rest);
        let Some(known) = self.agents.get_mut(&agent) else { return };
        if !matches!(known.row.state, AgentState::Offered { .. }) {
            return;
        }
        known.row.missed += 1;
        known.row.idle_since = now;
        if known.row.missed >= limit {
            self.change_agent(now, agent, AgentState::Break { reason: MISSED.to_owned() });
            return;
        }
        self.change_agent(now, agent, AgentState::Available);
        // What came back at once would come back at once again, and again.
        if how != OfferOutcome::TimedOut && !rest.is_zero() {
            self.free.remove(&agent);
            self.timers.set(Timer::Rest(agent), after(now, rest));
        }
    }

    pub(crate) fn talk_began(&mut self, now: Timestamp, agent: AgentId) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        match known.row.state.clone() {
            AgentState::Talking { .. } => {}
            AgentState::Offered { offer, .. } => {
                self.begin_talk(now, agent, None);
                self.end_offer(now, offer, OfferOutcome::Busy, Some(Withdrawn::AgentLeft));
            }
            // Who calls somebody during a break is on it again afterwards.
            AgentState::Break { reason } => {
                known.row.after_call = Some(AfterCall::Break { reason });
                self.begin_talk(now, agent, None);
            }
            AgentState::SignedOut => {
                known.row.after_call = Some(AfterCall::SignOut);
                self.begin_talk(now, agent, None);
            }
            AgentState::Available | AgentState::WrapUp { .. } => self.begin_talk(now, agent, None),
        }
    }

    /// On a call from now on: of a queue, or another one.
    pub(crate) fn begin_talk(&mut self, now: Timestamp, agent: AgentId, of: Option<(OfferId, WaitingId)>) {
        let queue = of.and_then(|(_, waiting)| Some(self.callers.get(&waiting)?.row.queue.clone()));
        let waiting = of.map(|(_, waiting)| waiting);
        if let Some(known) = self.agents.get_mut(&agent) {
            known.answered = of.map(|(offer, _)| offer);
            known.handles = queue.map(|queue| (queue, now));
            known.row.missed = 0;
        }
        self.change_agent(now, agent, AgentState::Talking { waiting });
    }

    pub(crate) fn talk_ended(&mut self, now: Timestamp, agent: AgentId) {
        if let Some(waiting) = self.wrap_up(now, agent) {
            self.finish(now, waiting, WaitingState::Served);
        }
    }

    /// The agent left the caller to somebody else: the caller's talk goes on without them.
    pub(crate) fn handed_on(&mut self, now: Timestamp, agent: AgentId) {
        self.wrap_up(now, agent);
    }

    /// They have the caller whom another agent handed on.
    pub(crate) fn took_over(&mut self, now: Timestamp, agent: AgentId, waiting: WaitingId) {
        let talks = AgentState::Talking { waiting: None };
        let Some(known) = self.agents.get_mut(&agent).filter(|known| known.row.state == talks) else {
            return;
        };
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        if caller.row.state != WaitingState::Talking {
            return;
        }
        caller.row.agent = Some(agent);
        known.handles = Some((caller.row.queue.clone(), now));
        let row = caller.row.clone();
        self.store(Row::Waiting(row));
        self.change_agent(now, agent, AgentState::Talking { waiting: Some(waiting) });
    }

    /// Nobody came to talk with them.
    pub(crate) fn not_reached(&mut self, now: Timestamp, agent: AgentId) {
        if self
            .agents
            .get(&agent)
            .is_some_and(|known| known.row.state == AgentState::Talking { waiting: None })
        {
            self.change_agent(now, agent, AgentState::Available);
        }
    }

    /// The talk is over for the agent; gives the caller they had, who came by a queue.
    fn wrap_up(&mut self, now: Timestamp, agent: AgentId) -> Option<WaitingId> {
        let known = self.agents.get_mut(&agent)?;
        let AgentState::Talking { waiting } = known.row.state else { return None };
        known.answered = None;
        known.row.idle_since = now;
        let queue = waiting.and_then(|waiting| self.callers.get(&waiting)).map(|caller| &caller.row.queue);
        let queue = queue.and_then(|queue| self.settings.queues.get(queue));
        let wrap_up = queue.map_or(self.settings.wrap_up, |queue| queue.wrap_up);
        let next = if wrap_up.is_zero() {
            AgentState::Available
        } else {
            AgentState::WrapUp { until: after(now, wrap_up) }
        };
        self.change_agent(now, agent, next);
        waiting
    }

    /// The agent's telephone was lost and the caller is still there: they come first again.
    pub(crate) fn agent_lost(&mut self, now: Timestamp, agent: AgentId) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        let AgentState::Talking { waiting } = known.row.state else { return };
        known.answered = None;
        // What was said so far is no measure of a call.
        known.handles = None;
        known.row.idle_since = now;
        if let Some(waiting) = waiting {
            self.return_to_line(now, waiting, Some(agent));
        }
        self.change_agent(now, agent, AgentState::Available);
    }

    /// The one place where an agent's state changes: what they wanted to do after the call is done
    /// here, and timers and the list of free agents follow.
    pub(crate) fn change_agent(&mut self, now: Timestamp, agent: AgentId, state: AgentState) {
        let Some(known) = self.agents.get_mut(&agent) else { return };
        let was_there = known.is_at_work();
        let busy = matches!(state, AgentState::Offered { .. } | AgentState::Talking { .. });
        let state = match known.row.after_call.take() {
            // What they wanted to do after the call comes once the notes are written.
            Some(away) if state == AgentState::Available => state_of(away),
            Some(away) => {
                known.row.after_call = Some(away);
                state
            }
            None => state,
        };
        let handled = matches!(known.row.state, AgentState::Talking { .. } | AgentState::WrapUp { .. })
            && !matches!(state, AgentState::Talking { .. } | AgentState::WrapUp { .. });
        let measured = if handled { known.handles.take() } else { None };
        known.row.state = state;
        known.row.since = now;
        if matches!(known.row.state, AgentState::SignedOut | AgentState::Break { .. }) {
            known.row.after_call = None;
        }
        let there = known.is_at_work();
        let row = known.row.clone();
        self.timers.clear(Timer::Rest(agent));
        self.timers.clear(Timer::WrapUp(agent));
        self.free.remove(&agent);
        match row.state {
            AgentState::Available => {
                self.free.insert(agent);
            }
            AgentState::WrapUp { until } => self.timers.set(Timer::WrapUp(agent), until),
            _ => {}
        }
        self.staff_changed |= was_there != there || (!busy && !there);
        self.store(Row::Agent(row));
        if let Some((queue, began)) = measured {
            self.measure(queue, between(began, now));
        }
    }
}

fn state_of(away: AfterCall) -> AgentState {
    match away {
        AfterCall::Break { reason } => AgentState::Break { reason },
        AfterCall::SignOut => AgentState::SignedOut,
    }
}
