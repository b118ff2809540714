//! Offers: at most one for an agent and one for a caller, settled by their id.

use hotline_model::{AgentId, OfferId, WaitingId};
use jiff::Timestamp;

use crate::event::{Command, NotAnswered, Withdrawn};
use crate::queues::{Queues, after};
use crate::row::{AgentState, OfferOutcome, OfferRow, Row, WaitingState};
use crate::timers::Timer;

impl Queues {
    /// Rings a free agent for a caller who waits.
    pub(crate) fn offer(&mut self, now: Timestamp, waiting: WaitingId, agent: AgentId) {
        let Some(caller) = self.callers.get_mut(&waiting) else { return };
        let queue = caller.row.queue.clone();
        let ring = self.settings.queues.get(&queue).map(|queue| queue.ring).unwrap_or_default();
        let offer: OfferId = self.ids.next(now);
        let until = after(now, ring);
        self.line.remove(&caller.key());
        caller.row.state = WaitingState::Offered;
        caller.row.since = now;
        caller.row.agent = Some(agent);
        caller.told = None;
        let row = caller.row.clone();
        self.timers.clear(Timer::LongestWait(waiting));
        self.timers.clear(Timer::Hold(waiting));
        self.timers.set(Timer::Offer(offer), until);
        self.places_changed = true;
        let made = OfferRow { offer, waiting, agent, at: now, outcome: None };
        self.offers.insert(offer, made.clone());
        self.store(Row::Waiting(row));
        self.store(Row::Offer(made));
        self.change_agent(now, agent, AgentState::Offered { offer, waiting });
        self.commands.push_back(Command::Offer { offer, waiting, queue, agent, until });
    }

    /// An offer is over: the caller is back in the line (unless they are gone), the agent free.
    /// `told` says why the ringing stops, where it has not stopped by itself.
    pub(crate) fn end_offer(
        &mut self,
        now: Timestamp,
        offer: OfferId,
        outcome: OfferOutcome,
        told: Option<Withdrawn>,
    ) {
        let Some(mut ended) = self.offers.remove(&offer) else { return };
        let (waiting, agent) = (ended.waiting, ended.agent);
        self.timers.clear(Timer::Offer(offer));
        ended.outcome = Some((outcome, now));
        self.store(Row::Offer(ended));
        if let Some(why) = told {
            self.commands.push_back(Command::Withdraw { offer, waiting, agent, why });
        }
        let missed = match outcome {
            OfferOutcome::TimedOut | OfferOutcome::Declined | OfferOutcome::Busy | OfferOutcome::Failed => {
                true
            }
            OfferOutcome::Answered | OfferOutcome::Withdrawn | OfferOutcome::Lost => false,
        };
        if missed && let Some(caller) = self.callers.get_mut(&waiting) {
            caller.tried.push(agent);
        }
        self.back_into_line(now, waiting);
        if missed {
            self.agent_missed(now, agent, outcome);
        } else {
            self.back_to_available(now, agent);
        }
    }

    pub(crate) fn offer_timed_out(&mut self, now: Timestamp, offer: OfferId) {
        self.end_offer(now, offer, OfferOutcome::TimedOut, Some(Withdrawn::TimedOut));
    }

    pub(crate) fn not_answered(&mut self, now: Timestamp, offer: OfferId, how: NotAnswered) {
        let (outcome, told) = match how {
            // On a page: the telephone still rings.
            NotAnswered::Declined => (OfferOutcome::Declined, Some(Withdrawn::AgentLeft)),
            NotAnswered::Busy => (OfferOutcome::Busy, None),
            NotAnswered::Failed => (OfferOutcome::Failed, None),
        };
        self.end_offer(now, offer, outcome, told);
    }

    /// An agent has answered: only the one whose offer still rings gets the caller.
    pub(crate) fn accepted(&mut self, now: Timestamp, offer: OfferId, agent: AgentId) {
        let theirs = self.offers.get(&offer).is_some_and(|row| row.agent == agent);
        if !theirs {
            // Twice on two pages of the same agent is once.
            let has_it = self.agents.get(&agent).is_some_and(|agent| agent.answered == Some(offer));
            if !has_it {
                self.commands.push_back(Command::TooLate { offer, agent });
            }
            return;
        }
        let Some(mut row) = self.offers.remove(&offer) else { return };
        let waiting = row.waiting;
        self.timers.clear(Timer::Offer(offer));
        row.outcome = Some((OfferOutcome::Answered, now));
        self.store(Row::Offer(row));
        if let Some(caller) = self.callers.get_mut(&waiting) {
            caller.row.state = WaitingState::Talking;
            caller.row.since = now;
            caller.tried.clear();
            let row = caller.row.clone();
            self.store(Row::Waiting(row));
        }
        self.begin_talk(now, agent, Some((offer, waiting)));
        self.commands.push_back(Command::Joined { offer, waiting, agent });
    }
}
