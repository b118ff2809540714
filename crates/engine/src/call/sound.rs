//! Who hears whom, whoever is in the call; supervisors who listen; sentences that colleagues send.

use std::time::{Duration, Instant};

use hotline_audio::Clip;
use hotline_bus::{BusError, Watching};
use hotline_media::{LegId, PlayId};
use hotline_model::{Language, Segment, Slot, StepEvent, UserId, Utterance, Value};
use hotline_speech::{Pace, SpeechError};

use super::party::{Party, PartyNews};
use super::{Call, Note};
use crate::switchboard::Reached;

/// A supervisor at a telephone of theirs.
pub(super) struct Watch {
    by: UserId,
    pub party: Party,
    how: Watching,
    joined: bool,
    ring_until: Instant,
    /// They are offered nobody meanwhile.
    _reached: Reached,
}

/// Sentences of colleagues have a play id of their own.
const SENTENCE: PlayId = PlayId(u64::MAX / 2 + 1);
/// A supervisor's telephone rings for this long.
const RING: Duration = Duration::from_secs(25);

impl Call {
    /// The leg on which the agent speaks, if they have the caller.
    pub(super) fn agent_media(&self) -> Option<LegId> {
        let agent = self.queueing.as_ref()?.agent.as_ref().filter(|agent| agent.joined)?;
        Some(self.asking.as_ref().map_or(agent.party.media, |asking| asking.party.media))
    }

    /// The legs that hear each other now. While the caller is on hold the agent alone.
    fn talkers(&self) -> Vec<LegId> {
        let agent = self.agent_media();
        if let Some(legs) = self.talkers_with_other(agent) {
            return legs;
        }
        let held =
            self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref()).is_some_and(|a| a.held);
        match agent {
            Some(agent) if held => vec![agent],
            Some(agent) => vec![self.media, agent],
            None => Vec::new(),
        }
    }

    /// Lets those hear each other who should: two are bridged, more are mixed.
    pub(super) fn arrange(&self) {
        let (talkers, plane) = (self.talkers(), &self.house.media.plane);
        let watcher = self.watch.as_ref().filter(|watch| watch.joined);
        let done = match (&talkers[..], watcher) {
            ([one, other], None) => plane.bridge(*one, *other, true),
            ([] | [_], None) => Ok(()),
            (_, watcher) => {
                let agent = self.agent_media();
                let mut hears: Vec<(LegId, Vec<LegId>)> = Vec::new();
                for &leg in &talkers {
                    let mut others: Vec<LegId> = talkers.iter().copied().filter(|one| *one != leg).collect();
                    others
                        .extend(watcher.filter(|watch| watch.is_heard_by(leg, agent)).map(|w| w.party.media));
                    hears.push((leg, others));
                }
                hears.extend(watcher.map(|watch| (watch.party.media, talkers.clone())));
                let named: Vec<(LegId, &[LegId])> =
                    hears.iter().map(|(leg, others)| (*leg, &others[..])).collect();
                plane.mix(&named)
            }
        };
        if let Err(error) = done {
            tracing::error!(call.id = %self.id, %error, "some who should talk cannot hear each other");
        }
    }

    /// Parts a leg from all others.
    pub(super) fn part(&self, leg: LegId) {
        let plane = &self.house.media.plane;
        let _ = plane.unbridge(leg).and_then(|()| plane.unmix(leg));
    }

    /// A supervisor's telephone rings, or they hear the call in another way than before.
    pub(super) fn watch(
        &mut self,
        by: UserId,
        how: Watching,
        reached: Option<Reached>,
    ) -> Result<(), BusError> {
        if let Some(watch) = &mut self.watch {
            if watch.by != by {
                return Err(BusError::Unfit);
            }
            watch.how = how;
            self.arrange();
            return Ok(());
        }
        let has_it = self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref());
        if has_it.is_none_or(|agent| !agent.joined || agent.agent == by.into()) {
            return Err(BusError::Unfit);
        }
        let reached = reached.ok_or(BusError::NoWay)?;
        let opened = Party::open(self, self.ears_of_telephones());
        let (party, offered, address) = opened.ok_or(BusError::Unfit)?;
        self.ring_telephones(party.media, reached.login().to_owned(), offered, address);
        let ring_until = Instant::now() + RING;
        self.watch = Some(Watch { by, party, how, joined: false, ring_until, _reached: reached });
        Ok(())
    }

    /// A supervisor listens no longer.
    pub(super) fn stop_watching(&mut self, by: UserId) -> Result<(), BusError> {
        if self.watch.as_ref().is_none_or(|watch| watch.by != by) {
            return Err(BusError::Unfit);
        }
        self.let_go_of_watcher();
        self.arrange();
        Ok(())
    }

    /// What came of a supervisor's telephones.
    pub(super) fn watch_news(&mut self, news: PartyNews) {
        let Some(watch) = &mut self.watch else { return };
        match news {
            PartyNews::Answered => {
                watch.joined = true;
                self.arrange();
            }
            PartyNews::NotAnswered(_) | PartyNews::Unfit | PartyNews::HungUp | PartyNews::Lost => {
                self.let_go_of_watcher();
                self.arrange();
            }
            PartyNews::Nothing | PartyNews::Rings | PartyNews::Heard => {}
        }
    }

    pub(super) fn let_go_of_watcher(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.party.let_go(&self.house);
        }
    }

    /// When a supervisor's telephone is given up.
    pub(super) fn watch_wake(&self) -> Option<Instant> {
        self.watch.as_ref().filter(|watch| !watch.joined).map(|watch| watch.ring_until)
    }

    pub(super) fn watch_timeout(&mut self, now: Instant) {
        if self.watch_wake().is_some_and(|until| until <= now) {
            self.let_go_of_watcher();
        }
    }

    /// A colleague's sentence is spoken to the caller, over whoever talks.
    pub(super) fn say_for_agent(
        &mut self,
        by: UserId,
        text: &str,
        language: Option<Language>,
    ) -> Result<(), BusError> {
        // In the plan's own part the caller hears the plan; a sentence would be cut off, or cut it off.
        if self.talkers().is_empty() {
            return Err(BusError::Unfit);
        }
        let utterance = Utterance {
            prompt: "sentence".into(),
            language: language.unwrap_or(self.language),
            barge_in: false,
            segments: vec![Segment::Value { slot: Slot::Text, value: Value::text(text) }],
        };
        let (speech, mailbox) = (self.house.speech.clone(), self.mailbox.clone());
        let said = text.to_owned();
        tokio::spawn(async move {
            let clips = speech.clips(&[utterance], Pace::Usual).await;
            let _ = mailbox.send(Note::Sentence(by, said, clips));
        });
        Ok(())
    }

    /// It has been made: the caller hears it if they still talk with somebody.
    pub(super) fn sentence(&mut self, by: UserId, text: String, clips: Result<Vec<Clip>, SpeechError>) {
        let spoken = match clips {
            Ok(clips) if !self.talkers().is_empty() => {
                self.house.media.plane.play(self.media, SENTENCE, clips).is_ok()
            }
            Ok(_) => false,
            Err(error) => {
                tracing::error!(call.id = %self.id, %error, "a colleague's sentence could not be spoken");
                false
            }
        };
        self.note_step(StepEvent::Said { by: by.into(), text, spoken });
    }

    /// After a sentence a caller on hold hears music again; `false` if something else ended.
    pub(super) fn sentence_ended(&self, play: PlayId) -> bool {
        if play != SENTENCE {
            return false;
        }
        if let Some(queueing) = &self.queueing
            && queueing.agent.as_ref().is_some_and(|agent| agent.held)
            && let Some(music) = self.answering.music_of(&queueing.queue)
            && let Some(music) = self.house.speech.music(music)
        {
            let _ = self.house.media.plane.play_loop(self.media, super::agent::HOLD_MUSIC, vec![music]);
        }
        true
    }
}

impl Watch {
    /// Whether a leg hears the supervisor.
    fn is_heard_by(&self, leg: LegId, agent: Option<LegId>) -> bool {
        match self.how {
            Watching::Listen => false,
            Watching::Whisper => Some(leg) == agent,
            Watching::Join => true,
        }
    }
}
