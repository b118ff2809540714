//! After a restart: places are kept, no agent is stuck.

use std::collections::BTreeSet;
use std::sync::Arc;

use hotline_model::{IdSource, WaitingId};
use jiff::Timestamp;

use crate::agents::Agent;
use crate::callers::Caller;
use crate::queues::{Queues, after};
use crate::row::{AgentRow, AgentState, HandlingRow, OfferOutcome, OfferRow, Row, WaitingRow, WaitingState};
use crate::settings::Settings;
use crate::timers::Timer;
use crate::wait::Handling;

/// What the record holds.
#[derive(Debug, Clone, Default)]
pub struct Restored {
    /// Rows of `waiting` that are not over.
    pub waiting: Vec<WaitingRow>,
    /// Rows of `agent`.
    pub agents: Vec<AgentRow>,
    /// Rows of `offer` without an outcome.
    pub offers: Vec<OfferRow>,
    /// Handling times.
    pub handling: Vec<HandlingRow>,
    /// Those of `waiting` whose calls are there: none after a crash, all of another server's when
    /// only the queues move.
    pub alive: BTreeSet<WaitingId>,
}

impl Queues {
    /// Queues as the record knows them. Callers whose calls are gone keep their places, for as long
    /// as their queue says from now on; also those who were talking. Agents who were offered a
    /// caller or talked on a call that is gone are available.
    pub fn restore(now: Timestamp, settings: Settings, ids: Arc<IdSource>, rows: Restored) -> Self {
        let mut queues = Self::new(settings, ids);
        for row in rows.handling {
            let milliseconds = u64::try_from(row.average.as_millis()).unwrap_or(u64::MAX);
            queues.handling.insert(row.queue, Handling { milliseconds, calls: row.calls });
        }
        for row in rows.agents {
            queues.restore_agent(now, row, &rows.alive);
        }
        for mut row in rows.offers {
            row.outcome = Some((OfferOutcome::Lost, now));
            queues.store(Row::Offer(row));
        }
        for row in rows.waiting {
            queues.restore_caller(now, row, &rows.alive);
        }
        queues.staff_changed = true;
        queues.handle_timeout(now);
        queues
    }

    fn restore_agent(&mut self, now: Timestamp, mut row: AgentRow, alive: &BTreeSet<WaitingId>) {
        let before = row.state.clone();
        let talks_on = matches!(&row.state, AgentState::Talking { waiting: Some(w) } if alive.contains(w));
        if matches!(row.state, AgentState::Offered { .. } | AgentState::Talking { .. }) && !talks_on {
            row.state = match row.after_call.take() {
                Some(crate::row::AfterCall::SignOut) => AgentState::SignedOut,
                Some(crate::row::AfterCall::Break { reason }) => AgentState::Break { reason },
                None => AgentState::Available,
            };
            row.since = now;
            row.idle_since = now;
        }
        let agent = row.agent;
        match row.state {
            AgentState::Available => {
                self.free.insert(agent);
            }
            AgentState::WrapUp { until } => self.timers.set(Timer::WrapUp(agent), until),
            _ => {}
        }
        if row.state != before {
            self.store(Row::Agent(row.clone()));
        }
        self.agents.insert(agent, Agent { row, answered: None, handles: None });
    }

    fn restore_caller(&mut self, now: Timestamp, row: WaitingRow, alive: &BTreeSet<WaitingId>) {
        if row.state.is_over() {
            return;
        }
        let waiting = row.waiting;
        // A queue that is gone meanwhile is served to its end by the usual settings.
        let queue = self.settings.queues.entry(row.queue.clone()).or_default().clone();
        let need = self.needs.find_or_add(&row.queue, &queue.skills, &row.skills, &self.agents);
        let until = after(now, queue.longest_wait);
        let state = row.state;
        let kept_until = row.kept_until;
        let last_agent = row.last_agent.or(row.agent.filter(|_| state == WaitingState::Talking));
        let row = WaitingRow { last_agent, ..row };
        let caller =
            Caller { row, need, until, hold_until: None, tried: Vec::new(), told: None, on_the_line: false };
        let key = caller.key();
        let has_number = caller.row.call_back.is_some();
        self.callers.insert(waiting, caller);
        match state {
            // Of somebody who was erased.
            WaitingState::CallBack | WaitingState::Calling if !has_number => {
                self.finish(now, waiting, WaitingState::Expired);
            }
            WaitingState::CallBack => {
                self.line.insert(key);
            }
            // Whether it reached them is not known: it counts.
            WaitingState::Calling => self.not_reached_by_call(now, waiting),
            WaitingState::Kept => self.timers.set(Timer::Kept(waiting), kept_until.unwrap_or(now)),
            _ if !alive.contains(&waiting) => self.keep(now, waiting, after(now, queue.keep_place)),
            WaitingState::Talking => {}
            _ => self.back_into_line(now, waiting),
        }
    }
}
