//! Everybody of a call beside the caller: whose telephones ring, and what happens on them.

use std::sync::Arc;

use hotline_media::{LegId, MediaEvent};
use hotline_sip::LegKey;

use super::Call;
use super::party::{Party, PartyNews};
use crate::transport::Wish;

/// Whose a party is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// The agent's who is offered the caller, or has them.
    Agent,
    /// Whom the caller is put through to, or the agent asks.
    Other,
    /// The agent's too: their telephone's own call to whom they ask.
    Asking,
    /// A supervisor's who listens.
    Watcher,
}

impl Call {
    /// All of them that there are now.
    fn parties(&mut self) -> impl Iterator<Item = (Whose, &mut Party)> {
        let agent = self.queueing.as_mut().and_then(|queueing| queueing.agent.as_mut());
        let agent = agent.map(|agent| (Whose::Agent, &mut agent.party));
        let other = self.other.as_mut().map(|other| (Whose::Other, &mut other.party));
        let asking = self.asking.as_mut().map(|asking| (Whose::Asking, &mut asking.party));
        let watcher = self.watch.as_mut().map(|watch| (Whose::Watcher, &mut watch.party));
        [agent, other, asking, watcher].into_iter().flatten()
    }

    fn party_news(&mut self, whose: Whose, news: PartyNews) {
        match whose {
            Whose::Agent => self.agent_news(news),
            Whose::Other => self.other_news(news),
            Whose::Asking => self.asking_news(news),
            Whose::Watcher => self.watch_news(news),
        }
    }

    /// It is known what rings for a party, or that nothing does.
    pub(super) fn rings(&mut self, media: LegId, legs: Vec<LegKey>) {
        let found = self.parties().find(|(_, party)| party.media == media);
        if let Some((whose, party)) = found {
            if !party.rings(legs) {
                self.party_news(whose, PartyNews::NotAnswered(480));
            }
        } else {
            // Taken back meanwhile.
            legs.into_iter().for_each(|leg| self.house.signalling.wish(leg, Wish::Cancel));
        }
        for event in std::mem::take(&mut self.early_party_events) {
            self.party_event(event);
        }
    }

    /// Something happened on a leg that is not the caller's.
    pub(super) fn party_event(&mut self, event: hotline_sip::Event) {
        let Some(leg) = event.leg() else { return };
        let house = Arc::clone(&self.house);
        let found = self.parties().find(|(_, party)| party.has(leg));
        if let Some((whose, party)) = found {
            if let (Whose::Agent | Whose::Asking, hotline_sip::Event::Refer { refer_to, .. }) =
                (whose, &event)
            {
                return self.referred(leg, refer_to);
            }
            let news = party.handle_event(&house, event);
            return self.party_news(whose, news);
        }
        let all_known = self.parties().all(|(_, party)| party.is_known());
        if !all_known {
            // It answers faster than the call to it is known here.
            self.early_party_events.push(event);
        } else if let hotline_sip::Event::Answered { leg, .. } = event {
            // Answered just when it was given up.
            house.signalling.wish(leg, Wish::HangUp);
        }
    }

    /// A media event of another leg than the caller's; `false` if it is the caller's.
    pub(super) fn party_media_event(&mut self, event: &MediaEvent) -> bool {
        let leg = crate::media::leg_of(event);
        if leg == self.media {
            return false;
        }
        if !matches!(event, MediaEvent::RtpTimeout { .. } | MediaEvent::Failed { .. }) {
            return true;
        }
        let found = self.parties().find(|(_, party)| party.media == leg).map(|(whose, _)| whose);
        match found {
            Some(Whose::Agent) => self.agent_is_lost(),
            Some(whose) => self.party_news(whose, PartyNews::Lost),
            None => {}
        }
        true
    }
}
