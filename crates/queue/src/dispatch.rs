//! Who gets whom: callers in the order of the line, each the agent their queue's strategy gives.

use std::collections::BTreeMap;

use hotline_model::{AgentId, WaitingId};
use jiff::Timestamp;

use crate::agents::Agent;
use crate::callers::Caller;
use crate::queues::Queues;
use crate::row::{AgentState, WaitingState};
use crate::settings::{Name, Settings, Skills, Strategy};

/// What callers need of agents: each combination of queue and skills once, as plans name few of them.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    list: Vec<Need>,
}

#[derive(Debug)]
pub(crate) struct Need {
    pub queue: Name,
    /// What the plan asked for.
    asked: Skills,
    /// That, and what the queue asks for.
    pub skills: Skills,
    /// Agents who could, and are signed in.
    signed_in: usize,
    /// Agents who could, and take calls: sorted.
    pub at_work: Vec<AgentId>,
}

impl Needs {
    pub fn find_or_add(
        &mut self,
        queue: &Name,
        of_queue: &Skills,
        asked: &Skills,
        agents: &BTreeMap<AgentId, Agent>,
    ) -> usize {
        let found = self.list.iter().position(|need| need.queue == *queue && need.asked == *asked);
        found.unwrap_or_else(|| {
            let mut need = Need {
                queue: queue.clone(),
                asked: asked.clone(),
                skills: of_queue | asked,
                signed_in: 0,
                at_work: Vec::new(),
            };
            need.count(agents);
            self.list.push(need);
            self.list.len() - 1
        })
    }

    pub fn list(&self) -> &[Need] {
        &self.list
    }

    pub fn signed_in(&self, need: usize) -> usize {
        self.list.get(need).map_or(0, |need| need.signed_in)
    }

    pub fn count(&mut self, agents: &BTreeMap<AgentId, Agent>) {
        self.list.iter_mut().for_each(|need| need.count(agents));
    }

    pub fn change(&mut self, settings: &Settings) {
        for need in &mut self.list {
            if let Some(queue) = settings.queues.get(&need.queue) {
                need.skills = &queue.skills | &need.asked;
            }
        }
    }
}

impl Need {
    fn count(&mut self, agents: &BTreeMap<AgentId, Agent>) {
        let able = |agent: &&Agent| agent.is_signed_in() && self.skills.is_subset(&agent.row.skills);
        self.signed_in = agents.values().filter(able).count();
        self.at_work = agents
            .values()
            .filter(able)
            .filter(|agent| agent.is_at_work())
            .map(|agent| agent.row.agent)
            .collect();
    }
}

/// What becomes of a caller now.
enum Choice {
    Agent(AgentId),
    /// Others are free, and their last agent will be soon.
    Hold,
    /// Nobody who is free can serve them.
    None,
}

impl Queues {
    pub(crate) fn dispatch(&mut self, now: Timestamp) {
        if self.free.is_empty() || self.line.is_empty() {
            return;
        }
        let mut hopeless = vec![false; self.needs.list().len()];
        let line: Vec<WaitingId> = self.line.iter().map(|(.., waiting)| *waiting).collect();
        for waiting in line {
            if self.free.is_empty() {
                return;
            }
            let Some(caller) = self.callers.get(&waiting) else { continue };
            let need = caller.need;
            let is_called = caller.row.state == WaitingState::CallBack;
            if is_called && !self.may_be_called(now, waiting) {
                continue;
            }
            let Some(caller) = self.callers.get(&waiting) else { continue };
            if hopeless[need] {
                continue;
            }
            match self.choose(caller, now) {
                Choice::Agent(agent) if is_called => self.call_back(now, waiting, agent),
                Choice::Agent(agent) => self.offer(now, waiting, agent),
                Choice::Hold => {}
                Choice::None => hopeless[need] = true,
            }
        }
    }

    fn choose(&self, caller: &Caller, now: Timestamp) -> Choice {
        let Some(need) = self.needs.list().get(caller.need) else { return Choice::None };
        let strategy = self.queue(&need.queue).map(|queue| queue.strategy).unwrap_or_default();
        let able = |agent: &Agent| need.skills.is_subset(&agent.row.skills);
        let last = caller
            .row
            .last_agent
            .filter(|last| strategy == Strategy::LastAgent && !caller.tried.contains(last));
        let mut best: Option<((bool, usize, Timestamp, AgentId), AgentId)> = None;
        for agent in self.free.iter().filter_map(|agent| self.agents.get(agent)).filter(|agent| able(agent)) {
            let row = &agent.row;
            if last == Some(row.agent) {
                return Choice::Agent(row.agent);
            }
            let others = if strategy == Strategy::Skills { row.skills.len() - need.skills.len() } else { 0 };
            let rank = (caller.tried.contains(&row.agent), others, row.idle_since, row.agent);
            if best.is_none_or(|(known, _)| rank < known) {
                best = Some((rank, row.agent));
            }
        }
        let Some((_, agent)) = best else { return Choice::None };
        let soon = last.and_then(|last| self.agents.get(&last)).is_some_and(|last| {
            let busy = matches!(
                last.row.state,
                AgentState::Offered { .. } | AgentState::Talking { .. } | AgentState::WrapUp { .. }
            );
            busy && last.is_at_work() && able(last)
        });
        if soon && caller.hold_until.is_some_and(|until| now < until) {
            return Choice::Hold;
        }
        Choice::Agent(agent)
    }
}
