//! How long a caller who comes in now will wait: the queues' own reckoning (`hotline-queue`, `wait.rs`), for somebody
//! who stands behind all that wait.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hotline_queue::spoken;
use hotline_record::{Agent, AgentState, Floor, Handling};

use crate::floor::QueueWords;

/// An average of fewer calls says nothing.
const ENOUGH: u64 = 3;
/// The longest a call lasts.
const LONGEST: Duration = Duration::from_secs(2 * 3_600);

/// Agents who take calls now or after the one they are on, and the work that is ahead of them.
pub struct Outlook {
    /// What each of them is good at.
    at_work: Vec<BTreeSet<String>>,
    /// For each caller who waits: who could serve them, and for how long they would be busy.
    ahead: Vec<(BTreeSet<usize>, Duration)>,
    handling: BTreeMap<String, Duration>,
}

impl Outlook {
    pub fn new(floor: &Floor, agents: &[Agent], words: &[QueueWords]) -> Self {
        let takes_calls = |agent: &&Agent| {
            agent.after_call.is_none() && !matches!(agent.state, AgentState::SignedOut | AgentState::Break)
        };
        let at_work: Vec<BTreeSet<String>> =
            agents.iter().filter(takes_calls).map(|agent| agent.skills.iter().cloned().collect()).collect();
        let known = |calls: &&Handling| calls.calls >= ENOUGH;
        let handling: BTreeMap<String, Duration> = floor
            .handling
            .iter()
            .filter_map(|(queue, calls)| Some((queue.clone(), Some(calls).filter(known)?.average)))
            .collect();
        let ahead = floor
            .callers
            .iter()
            .filter(|caller| caller.state == "waiting")
            .map(|caller| {
                let of_queue = words.iter().find(|words| words.name == caller.queue);
                let needs = of_queue.into_iter().flat_map(|words| &words.skills).chain(&caller.skills);
                let busy = handling.get(&caller.queue).copied().unwrap_or_default();
                (able(&at_work, needs), busy)
            })
            .collect();
        Self { at_work, ahead, handling }
    }

    /// The wait in a queue, as it would be told; `None` if nobody can say.
    pub fn wait(&self, queue: &QueueWords) -> Option<Duration> {
        let own = self.handling.get(&queue.name)?;
        let staff = able(&self.at_work, queue.skills.iter());
        if staff.is_empty() {
            return None;
        }
        let shared = self.ahead.iter().filter(|(others, _)| !others.is_disjoint(&staff));
        let work: f64 = shared.map(|(_, busy)| busy.as_secs_f64()).sum();
        let seconds = (work + own.as_secs_f64()) / staff.len() as f64;
        Some(spoken(Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST)))
    }
}

/// Who of these has all the skills.
fn able<'a>(at_work: &[BTreeSet<String>], needs: impl Iterator<Item = &'a String>) -> BTreeSet<usize> {
    let needs: Vec<&String> = needs.collect();
    let all = at_work.iter().enumerate();
    all.filter(|(_, skills)| needs.iter().all(|skill| skills.contains(*skill))).map(|(at, _)| at).collect()
}
