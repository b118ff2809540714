//! A call that we make: from its INVITE to whoever picks up, and what came of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_audio::{Heard, NetworkTone};
use hotline_bus::DialNews;
use hotline_campaign::Disposition;
use hotline_dialplan::session::HungUpBy;
use hotline_model::campaign::Outcome;
use hotline_model::{EndReason, Ending, StepEvent};
use hotline_record::OpenedCall;
use hotline_sip::{Outbound, sdp};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::origin::Origin;
use super::pick_up::{By, PickUp};
use super::{Call, Note};
use crate::ending;
use crate::transport::Wish;

impl Call {
    /// Calls the customer; returns when they have answered, or why they have not.
    pub(super) async fn dial(
        &mut self,
        notes: &mut mpsc::UnboundedReceiver<Note>,
        stop: &CancellationToken,
    ) -> Result<(), EndReason> {
        let Origin::Made { dial, line, .. } = &self.side.origin else { return Ok(()) };
        let (line, ring) = (Arc::clone(line), dial.ring);
        let dialled = StepEvent::Dialled { policy: dial.policy.clone(), attempt: dial.attempt };
        let known = OpenedCall { customer: dial.customer, language: dial.language, tier: None };
        self.begin_on_record(&known);
        self.note_step(dialled);
        // Until its INVITE leaves, whatever ends the call has kept it from being made …
        self.not_reached = Some(Disposition::NotMade);
        let outbound = match line.way().await {
            Ok((_, local)) => {
                self.side.found_way(local.ip());
                let capabilities = self.make_room()?;
                let offered = sdp::offer(&capabilities).into();
                self.capabilities = Some(capabilities);
                let outbound = line.outbound(offered, ring).await;
                outbound.map(|outbound| Outbound { silence_limit: Some(SILENCE), ..outbound })
            }
            Err(why) => Err(why),
        };
        self.sip = match outbound {
            Ok(outbound) => self.house.signalling.call(outbound, self.mailbox.clone()).await,
            Err(why) => {
                tracing::warn!(call.id = %self.id, trunk.name = line.trunk(), %why, "a customer cannot be called");
                self.not_reached = Some(Disposition::TrunkFailed);
                None
            }
        };
        if self.sip.is_none() {
            return Err(NOT_DIALLED);
        }
        // … and from then on, until somebody answers or refuses, it is a failure of ours.
        self.not_reached = Some(Disposition::Not(Outcome::Failed));
        while self.answered_after.is_none() && self.ended.is_none() {
            let wake = self.unclear_wake().unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                Some(note) = notes.recv() => self.take(note),
                () = tokio::time::sleep_until(wake.into()), if self.unclear_wake().is_some() => self.unclear_timeout(),
                () = stop.cancelled() => {
                    self.stop_dialling();
                    self.end(HungUpBy::Us, ending::STOPPED);
                }
            }
        }
        if let Some(reason) = self.ended.take() {
            return Err(reason);
        }
        self.start(known);
        Ok(())
    }

    /// The customer is not to be rung any longer; who has answered is not cut off.
    pub(super) fn stop_dialling(&mut self) {
        if self.answered_after.is_none() {
            self.not_reached = Some(Disposition::Not(Outcome::Cancelled));
            self.wish(Wish::Cancel);
        }
    }

    /// Something is to be heard before the call is answered.
    pub(super) fn hear_early(&mut self, answer: &[u8]) {
        if self.side.dial().is_some() && self.answered_after.is_none() {
            self.agree_early(answer);
            if !std::mem::replace(&mut self.early.listens, true) {
                let _ = self.house.media.plane.listen(self.media, Some(EARLY_REST));
                self.overhear();
            }
        }
    }

    /// Something was heard of whoever we call.
    pub(super) fn heard(&mut self, what: Heard) {
        if self.answered_after.is_none() {
            self.early.heard(what);
            return;
        }
        let now = self.since();
        let by = self.pick_up.as_mut().and_then(|pick_up| pick_up.handle_heard(now, what));
        self.known(by);
    }

    /// A key was pressed by whoever we call.
    pub(super) fn pick_up_key(&mut self) {
        let by = self.pick_up.as_mut().and_then(PickUp::handle_key);
        self.known(by);
    }

    /// When who picked up is settled by what was not heard.
    pub(super) fn pick_up_wake(&self) -> Option<Instant> {
        self.pick_up.as_ref().and_then(PickUp::poll_timeout).map(|at| self.began + at)
    }

    pub(super) fn pick_up_timeout(&mut self) {
        let now = self.since();
        let by = self.pick_up.as_mut().and_then(|pick_up| pick_up.handle_timeout(now));
        self.known(by);
    }

    /// It is known who picked up: a machine is not spoken to.
    fn known(&mut self, by: Option<By>) {
        let Some(by) = by else { return };
        self.pick_up = None;
        if self.words.is_none() {
            let _ = self.house.media.plane.listen(self.media, None);
        }
        self.note_step(StepEvent::PickedUp { by: by.word().to_owned() });
        if by == By::Machine {
            self.not_reached = Some(Disposition::Not(Outcome::Machine));
            self.hang_up(MACHINE);
        }
    }

    /// Whoever we call has answered.
    pub(super) fn picked_up(&mut self, answer: Option<&[u8]>) {
        if self.side.dial().is_none() || self.answered_after.is_some() {
            return;
        }
        self.answered_after = Some(self.began.elapsed());
        self.overhear_no_longer();
        match answer {
            Some(answer) => self.late_answer(answer),
            None => self.hang_up(ending::NO_CODEC),
        }
        if self.ended.is_none() {
            self.not_reached = None;
            self.side.tell(DialNews::Answered);
            let detection = self.side.dial().map(|dial| dial.detection).unwrap_or_default();
            self.pick_up = Some(PickUp::new(self.since(), detection));
            if !detection.within.is_zero() {
                let _ = self.house.media.plane.listen(self.media, Some(detection.rest));
            }
        }
    }

    /// Whoever we call has not answered.
    pub(super) fn refused(&mut self, code: u16, cause: Option<u16>) {
        self.leg_is_over = true;
        let cancelled = self.not_reached == Some(Disposition::Not(Outcome::Cancelled));
        if cancelled || said_by(code, cause).is_some() || !self.waits_for_words(code, cause) {
            self.settle_refusal(code, cause);
        }
    }

    /// Whoever we call has not answered, and everything is known that says why.
    pub(super) fn settle_refusal(&mut self, code: u16, cause: Option<u16>) {
        let cancelled = self.not_reached == Some(Disposition::Not(Outcome::Cancelled));
        let outcome = if cancelled { Outcome::Cancelled } else { outcome_of(code, cause, self.early) };
        let ring = self.side.dial().map(|dial| dial.ring).unwrap_or_default();
        let by_trunk = !cancelled
            && cause.and_then(|cause| said_by(code, Some(cause))).is_none()
            && self.early.is_of_trunk(code, self.began.elapsed() >= ring);
        self.not_reached = Some(match by_trunk {
            true if self.early.silent => Disposition::TrunkSilent,
            true => Disposition::TrunkFailed,
            false => Disposition::Not(outcome),
        });
        let outcome = if by_trunk { Outcome::Failed } else { outcome };
        // Nobody was rung: the trunk wants a name and a password, and does not take what we have.
        if matches!(code, 401 | 407) && outcome == Outcome::Failed {
            tracing::error!(
                call.id = %self.id,
                trunk.name = self.side.trunk,
                "the trunk does not take our name and password: see `username` and `password` of its `out`"
            );
            return self.end(HungUpBy::Network, NOT_LET_IN);
        }
        let ending = match outcome {
            Outcome::Failed => Ending::Upstream,
            Outcome::Cancelled => Ending::Us,
            _ => Ending::Caller,
        };
        self.end(HungUpBy::Network, EndReason::new(ending, outcome.word()));
    }

    /// What came of the call.
    pub(super) fn disposition(&self) -> Disposition {
        if let Some(how) = self.not_reached {
            return how;
        }
        match self.outcome {
            _ if self.opted_out => Disposition::OptedOut,
            Some("refused") => Disposition::Not(Outcome::Refused),
            Some("contained" | "wants-human") => Disposition::Completed,
            Some("failed") => Disposition::Not(Outcome::Failed),
            _ => {
                let question = self.session.as_ref().map_or(0, hotline_dialplan::Session::questions_asked);
                Disposition::HungUp { question }
            }
        }
    }
}

/// The INVITE could not leave.
const NOT_DIALLED: EndReason = EndReason::new(Ending::Us, "not-dialled");
/// The trunk does not take our name and password.
const NOT_LET_IN: EndReason = EndReason::new(Ending::Us, "credentials");
/// What answered is a machine.
const MACHINE: EndReason = EndReason::new(Ending::Caller, "machine");
/// A trunk that has not answered an INVITE for so long, not even with 100, is not there.
const SILENCE: Duration = Duration::from_secs(4);
/// What is a rest in what the network says.
const EARLY_REST: Duration = Duration::from_millis(500);

/// What was heard before anybody answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Early {
    listens: bool,
    tone: Option<NetworkTone>,
    rang: bool,
    spoke: bool,
    /// What its words mean.
    pub said: Option<Outcome>,
    /// It is on the way to a telephone: the network said more than 100.
    pub progressed: bool,
    /// Nothing has answered the INVITE, not even 100.
    pub silent: bool,
}

impl Early {
    fn heard(&mut self, what: Heard) {
        match what {
            Heard::Tone(NetworkTone::RingBack) => self.rang = true,
            Heard::Tone(NetworkTone::Beep) | Heard::Rest => {}
            Heard::Tone(tone) => self.tone = Some(tone),
            Heard::Speech => self.spoke = true,
        }
    }

    /// Whether a refusal is the trunk's own, and no telephone rang: it was silent, does not serve, or does not let us in.
    /// `waited`: it rang for as long as it may, and the 408 is ours.
    const fn is_of_trunk(self, code: u16, waited: bool) -> bool {
        if self.progressed {
            return false;
        }
        self.silent || matches!(code, 401 | 407 | 503) || (code == 408 && !waited)
    }

    /// What the network has said by words that were understood, by tones, or by words where it never rang. Words go before
    /// tones: the three tones are heard before every announcement, that of a switched-off telephone too, and the busy
    /// tone behind it.
    const fn outcome(self) -> Option<Outcome> {
        if self.said.is_some() {
            return self.said;
        }
        match self.tone {
            Some(NetworkTone::Information) => Some(Outcome::WrongNumber),
            Some(NetworkTone::Busy) => Some(Outcome::Busy),
            Some(NetworkTone::Congestion) => Some(Outcome::Failed),
            _ if self.spoke && !self.rang => Some(Outcome::SwitchedOff),
            _ => None,
        }
    }
}

/// What a refusal says by itself: by the telephone network's cause (ITU-T Q.850) where it is told, else by a response that
/// says it (RFC 3261 §21; RFC 8197 and 8688 for 607 and 608).
const fn said_by(code: u16, cause: Option<u16>) -> Option<Outcome> {
    Some(match (cause, code) {
        // Unallocated, no route, changed, in a wrong form.
        (Some(1..=3 | 22 | 28), _) => Outcome::WrongNumber,
        (Some(17), _) => Outcome::Busy,
        (Some(18 | 19), _) => Outcome::NoAnswer,
        // Subscriber absent, destination out of order.
        (Some(20 | 27), _) => Outcome::SwitchedOff,
        (Some(21), _) => Outcome::Refused,
        (_, 486 | 600) => Outcome::Busy,
        (_, 404 | 410 | 484 | 485 | 604) => Outcome::WrongNumber,
        (_, 603 | 607 | 608) => Outcome::Refused,
        _ => return None,
    })
}

/// What a refusal means. Words that were understood before it go before its cause: they are what the carrier of the
/// called one says to people, while causes are translated by each network on the way, and a cause that is left after our
/// CANCEL is our own. A cause or response that says why goes before words that are still being understood: it is not
/// waited for them. Behind both comes what was heard.
fn outcome_of(code: u16, cause: Option<u16>, early: Early) -> Outcome {
    if let Some(outcome) = early.said.or(said_by(code, cause)) {
        return outcome;
    }
    match code {
        // Nobody answered, or could be reached: the network's words say more.
        408 => early.outcome().unwrap_or(Outcome::NoAnswer),
        480 => early.outcome().unwrap_or(Outcome::SwitchedOff),
        487 => early.outcome().unwrap_or(Outcome::Cancelled),
        _ => early.outcome().unwrap_or(Outcome::Failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_by_the_cause_of_the_network_before_the_response() {
        for (code, cause, expected) in [
            (486, None, Outcome::Busy),
            (600, None, Outcome::Busy),
            (480, None, Outcome::SwitchedOff),
            (480, Some(18), Outcome::NoAnswer),
            (480, Some(17), Outcome::Busy),
            (500, Some(20), Outcome::SwitchedOff),
            (404, Some(16), Outcome::WrongNumber),
            (404, None, Outcome::WrongNumber),
            (503, Some(1), Outcome::WrongNumber),
            (408, None, Outcome::NoAnswer),
            (603, None, Outcome::Refused),
            (403, None, Outcome::Failed),
            (503, None, Outcome::Failed),
            (503, Some(60_000), Outcome::Failed),
        ] {
            assert_eq!(outcome_of(code, cause, Early::default()), expected, "{code} {cause:?}");
        }
    }

    #[test]
    fn a_refusal_is_the_trunks_where_no_telephone_rang() {
        let silent = Early { silent: true, ..Early::default() };
        let progressed = Early { progressed: true, ..Early::default() };
        for (early, code, waited, expected) in [
            (Early::default(), 503, false, true),
            (Early::default(), 407, false, true),
            (Early::default(), 408, false, true),
            // It has said 100, and nobody answered for as long as it may ring.
            (Early::default(), 408, true, false),
            (Early::default(), 404, false, false),
            (Early::default(), 500, false, false),
            (silent, 408, true, true),
            (progressed, 503, false, false),
            (progressed, 408, false, false),
        ] {
            assert_eq!(early.is_of_trunk(code, waited), expected, "{early:?} {code} {waited}");
        }
    }

    #[test]
    fn what_was_heard_says_what_the_response_does_not() {
        let heard = |all: &[Heard]| {
            let mut early = Early::default();
            all.iter().for_each(|what| early.heard(*what));
            early
        };
        let (rings, busy) = (Heard::Tone(NetworkTone::RingBack), Heard::Tone(NetworkTone::Busy));
        let information = Heard::Tone(NetworkTone::Information);
        for (all, code, expected) in [
            (&[rings, Heard::Speech][..], 408, Outcome::NoAnswer),
            (&[Heard::Speech, Heard::Rest], 408, Outcome::SwitchedOff),
            (&[information, Heard::Speech], 480, Outcome::WrongNumber),
            (&[rings, busy], 480, Outcome::Busy),
            (&[busy], 404, Outcome::WrongNumber),
            (&[Heard::Tone(NetworkTone::Congestion)], 503, Outcome::Failed),
        ] {
            assert_eq!(outcome_of(code, None, heard(all)), expected, "{all:?} {code}");
        }
        // The three tones stand before every announcement; a gateway's cause is a translation.
        let off = Early { said: Some(Outcome::SwitchedOff), ..heard(&[information, Heard::Speech]) };
        assert_eq!(outcome_of(480, None, off), Outcome::SwitchedOff);
        assert_eq!(outcome_of(480, Some(18), off), Outcome::SwitchedOff);
        assert_eq!(outcome_of(487, None, off), Outcome::SwitchedOff);
    }
}
