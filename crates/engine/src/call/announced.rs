//! What the network announces before anybody has answered, understood by a recogniser where the house has one.

use std::time::{Duration, Instant};

use hotline_audio::Clip;
use hotline_model::campaign::Outcome;

use super::{Call, Note};
use crate::transport::Wish;

/// No piece is longer: an announcement has said by then what it has to say, were it in the middle of its first round.
const LONGEST: Duration = Duration::from_secs(8);
/// So many pieces of a call are asked about: a song in place of the ringing goes on for as long as it rings.
const MOST: u8 = 3;
/// What a media thread hands over at the end comes at its next tick.
const HANDED_OVER: Duration = Duration::from_millis(250);

/// What the recogniser was asked about a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    pieces: u8,
    /// Answers that have not come.
    open: u8,
    /// The last piece has not come.
    overhears: bool,
}

/// A refusal that says nothing by itself: it waits for the words that were heard before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unclear {
    pub code: u16,
    pub cause: Option<u16>,
    until: Instant,
}

impl Call {
    /// The network may announce something from now on.
    pub(super) fn overhear(&mut self) {
        let plane = &self.house.media.plane;
        if self.house.recogniser.is_some() && plane.overhear(self.media, Some(LONGEST)).is_ok() {
            self.asked.overhears = true;
        }
    }

    /// Somebody has answered: nothing that is said from now on leaves the house.
    pub(super) fn overhear_no_longer(&mut self) {
        if std::mem::take(&mut self.asked.overhears) {
            let _ = self.house.media.plane.overhear(self.media, None);
        }
    }

    /// A piece of what the network says; of the last one it may be nothing.
    pub(super) fn overheard(&mut self, sound: Option<Clip>, last: bool) {
        self.asked.overhears &= !last;
        let wanted = self.answered_after.is_none() && self.early.said.is_none() && self.asked.pieces < MOST;
        if wanted
            && let Some(sound) = sound
            && let Some(recogniser) = &self.house.recogniser
        {
            self.asked.pieces += 1;
            if let Some(answer) = recogniser.ask(&sound) {
                self.asked.open += 1;
                let mailbox = self.mailbox.clone();
                tokio::spawn(async move {
                    let _ = mailbox.send(Note::Announced(answer.await));
                });
            }
        }
        self.settle_unclear();
    }

    /// What an announcement means, if it was understood: nobody will answer any more, so it need not ring on.
    pub(super) fn announced(&mut self, means: Option<Outcome>) {
        self.asked.open = self.asked.open.saturating_sub(1);
        if let Some(outcome) = means
            && self.answered_after.is_none()
            && self.ended.is_none()
        {
            tracing::info!(call.id = %self.id, call.outcome = outcome.word(), "the network has said why nobody answers");
            if self.early.said.replace(outcome).is_none() && !self.leg_is_over {
                self.wish(Wish::Cancel);
            }
        }
        self.settle_unclear();
    }

    /// A refusal that does not say why, after words: waits for what they mean. `false`: there were none.
    pub(super) fn waits_for_words(&mut self, code: u16, cause: Option<u16>) -> bool {
        let Some(recogniser) = &self.house.recogniser else { return false };
        if self.early.said.is_some() || (self.asked.open == 0 && !self.asked.overhears) {
            return false;
        }
        let until = Instant::now() + recogniser.within() + HANDED_OVER;
        if self.asked.overhears && self.house.media.plane.overhear(self.media, None).is_err() {
            self.asked.overhears = false;
        }
        self.unclear = Some(Unclear { code, cause, until });
        true
    }

    /// When a refusal has waited for long enough.
    pub(super) fn unclear_wake(&self) -> Option<Instant> {
        self.unclear.map(|unclear| unclear.until)
    }

    pub(super) fn unclear_timeout(&mut self) {
        if let Some(unclear) = self.unclear.take() {
            self.settle_refusal(unclear.code, unclear.cause);
        }
    }

    fn settle_unclear(&mut self) {
        if self.early.said.is_some() || (self.asked.open == 0 && !self.asked.overhears) {
            self.unclear_timeout();
        }
    }
}
