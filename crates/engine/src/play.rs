//! What a call plays: ready at once where it was rendered before, else behind a filler; never
//! silence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_audio::Clip;
use hotline_dialplan::{OpId, Pace};
use hotline_media::{LegId, PlayId};
use hotline_model::{Language, Utterance};
use hotline_speech::SpeechError;
use tokio::sync::mpsc;

use crate::call::Note;
use crate::exchange::House;

/// After this long without speech the caller hears that somebody is there.
const FILLER_AFTER: Duration = Duration::from_millis(700);
/// And again, this long after the last time.
const FILLER_AGAIN: Duration = Duration::from_secs(6);
/// Speech that is not there by then is given up: the plan goes on.
const GIVE_UP: Duration = Duration::from_secs(20);

/// The playing of one leg.
pub(crate) struct Player {
    leg: LegId,
    house: Arc<House>,
    mailbox: mpsc::UnboundedSender<Note>,
    /// What plays or is being rendered for it.
    current: Option<Current>,
    /// Fillers have play ids of their own, counted down from the top.
    fillers: u64,
}

struct Current {
    op: OpId,
    /// When the next filler is due, while the speech is not there yet.
    filler_at: Option<Instant>,
    filler_plays: bool,
}

/// What came of rendering for a live call.
pub(crate) struct Rendered {
    pub op: OpId,
    pub clips: Result<Vec<Clip>, SpeechError>,
}

impl Player {
    pub const fn new(leg: LegId, house: Arc<House>, mailbox: mpsc::UnboundedSender<Note>) -> Self {
        Self { leg, house, mailbox, current: None, fillers: 0 }
    }

    /// Plays utterances in place of whatever plays.
    pub fn play(&mut self, now: Instant, op: OpId, utterances: Vec<Utterance>, pace: Pace) {
        let pace = match pace {
            Pace::Normal => hotline_speech::Pace::Usual,
            Pace::Slow => hotline_speech::Pace::Slow,
        };
        if let Some(clips) = self.house.speech.ready(&utterances, pace) {
            self.current = Some(Current { op, filler_at: None, filler_plays: false });
            self.start(clips);
            return;
        }
        let _ = self.house.media.plane.stop(self.leg);
        let filler_at = Some(now + FILLER_AFTER);
        self.current = Some(Current { op, filler_at, filler_plays: false });
        let (speech, mailbox) = (self.house.speech.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            let clips = match tokio::time::timeout(GIVE_UP, speech.clips(&utterances, pace)).await {
                Ok(clips) => clips,
                Err(_) => Err(SpeechError::Late),
            };
            let _ = mailbox.send(Note::Rendered(Rendered { op, clips }));
        });
    }

    /// Plays music over and over, until it is stopped or something else plays.
    pub fn music(&mut self, op: OpId, name: &str) {
        self.current = Some(Current { op, filler_at: None, filler_plays: false });
        let plane = &self.house.media.plane;
        let begun = match self.house.speech.music(name) {
            Some(clip) => plane.play_loop(self.leg, PlayId(op.0), vec![clip]),
            // The checker has warned of it: silence, and keys count all the same.
            None => plane.stop(self.leg),
        };
        if let Err(error) = begun {
            tracing::warn!(%error, "music could not be played");
        }
    }

    /// Speech has come, or will not come. Gives the operation back if there is nothing to play:
    /// then the plan goes on at once.
    pub fn rendered(&mut self, rendered: Rendered) -> Option<(OpId, SpeechError)> {
        // Something else plays meanwhile: the caller has gone on.
        let current = self.current.as_mut().filter(|current| current.op == rendered.op)?;
        current.filler_at = None;
        match rendered.clips {
            Ok(clips) => {
                self.start(clips);
                None
            }
            Err(error) => {
                let op = current.op;
                self.current = None;
                Some((op, error))
            }
        }
    }

    fn start(&mut self, clips: Vec<Clip>) {
        let plane = &self.house.media.plane;
        let Some(current) = self.current.as_mut() else { return };
        let play = PlayId(current.op.0);
        // A filler is heard to its end.
        let begun = if current.filler_plays {
            plane.enqueue(self.leg, play, clips)
        } else {
            plane.play(self.leg, play, clips)
        };
        current.filler_plays = false;
        if let Err(error) = begun {
            // The ring of an overloaded thread: the plan goes on, the caller hears the next thing.
            tracing::warn!(%error, "a prompt could not be played");
            let _ = self.mailbox.send(Note::NotPlayed(current.op));
        }
    }

    /// Stops whatever plays: somebody talks with the caller.
    pub fn silence(&mut self) {
        self.current = None;
        let _ = self.house.media.plane.stop(self.leg);
    }

    /// Stops what plays for `op`.
    pub fn stop(&mut self, op: OpId) {
        if self.current.as_ref().is_some_and(|current| current.op == op) {
            self.current = None;
            let _ = self.house.media.plane.stop(self.leg);
        }
    }

    /// A playing ended: gives the operation if it is the one that plays.
    pub fn ended(&mut self, play: PlayId) -> Option<OpId> {
        let op = self.current.as_ref().filter(|current| current.op.0 == play.0)?.op;
        self.current = None;
        Some(op)
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.current.as_ref()?.filler_at
    }

    /// Says that somebody is there, where the speech is still being made.
    pub fn handle_timeout(&mut self, now: Instant, language: Language) {
        let Some(current) = self.current.as_mut() else { return };
        if current.filler_at.is_none_or(|at| at > now) {
            return;
        }
        current.filler_at = Some(now + FILLER_AGAIN);
        if let Some(filler) = self.house.speech.filler(language) {
            self.fillers += 1;
            current.filler_plays =
                self.house.media.plane.play(self.leg, PlayId(u64::MAX - self.fillers), vec![filler]).is_ok();
        }
    }
}
