//! Changes of a session: re-INVITE and UPDATE, theirs and ours (RFC 3261 §14, RFC 3311).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::config::Source;
use super::event::{Event, LegKey, OpError};
use super::leg::{Change, LegTimer, Phase};
use super::wire::What;
use crate::arena::Key;
use crate::message::{Message, Method, Name};

/// A re-INVITE refused with 491 is tried this often.
const GLARE_TRIES: u32 = 4;

impl Endpoint {
    /// Offers a change of session: hold, another address. [`Event::ReinviteAnswered`] or
    /// [`Event::ReinviteFailed`] follows; if both sides ask at once, it is repeated by itself (RFC 3261 §14.1).
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if the call does not stand or another change is under way.
    pub fn reinvite(&mut self, now: Instant, leg: LegKey, sdp: Bytes) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        if found.phase != Phase::Established
            || !matches!(found.change, Change::Idle)
            || found.success.is_some()
        {
            return Err(OpError::WrongState);
        }
        self.send_reinvite(now, leg.0, Some(sdp), 0);
        Ok(())
    }

    /// Accepts their change; `sdp` is the answer, or our offer if they made none.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if none waits.
    pub fn accept_reinvite(&mut self, now: Instant, leg: LegKey, sdp: Bytes) -> Result<(), OpError> {
        let (transaction, request) = self.take_change(leg)?;
        if let Some(found) = self.legs.find_mut(leg.0) {
            found.local_sdp = Some(sdp.clone());
        }
        if request.method() == Some(Method::Invite) {
            self.send_success(now, leg.0, transaction, &request, &sdp);
        } else if let Some((_, bytes)) = self.success(now, leg.0, transaction, &request, Some(&sdp)) {
            self.respond(now, transaction, 200, bytes);
        }
        self.go_on_incoming(now, leg.0);
        Ok(())
    }

    /// Refuses their change, usually with 488; the session stays as it was.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if none waits, [`OpError::Invalid`] if the code is no refusal.
    pub fn reject_reinvite(&mut self, now: Instant, leg: LegKey, code: u16) -> Result<(), OpError> {
        if !(300..700).contains(&code) {
            return Err(OpError::Invalid("a refusal has a code from 300 to 699"));
        }
        self.leg_mut(leg)?;
        self.refuse_change(now, leg.0, code)?;
        self.go_on_incoming(now, leg.0);
        Ok(())
    }

    pub(crate) fn handle_reinvite(&mut self, now: Instant, source: &Source, request: Message, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let conflict = match (&leg.change, leg.phase) {
            (Change::Ours { .. }, _) => Some(491),
            (Change::Theirs { .. }, _) => Some(500),
            (_, Phase::Established) if leg.success.is_none() => None,
            // The first is not answered yet (RFC 3261 §14.2).
            (_, Phase::Incoming) => Some(500),
            _ => Some(491),
        };
        if let Some(code) = conflict {
            return self.refuse_conflict(now, source, &request, code);
        }
        leg.dialog.refresh_target(&request);
        let Some(transaction) = self.begin_server(&request, source) else { return };
        self.set_server_leg(transaction, key);
        let trying = self.response(&request, source, 100, None, None).finish(None);
        self.respond(now, transaction, 100, trying);
        self.hand_over_change(now, key, transaction, request);
    }

    /// UPDATE: with an offer it is a change, without one a refresh (RFC 3311 §5.2, RFC 4028).
    pub(crate) fn handle_update(&mut self, now: Instant, source: &Source, request: Message, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let has_offer = request.sdp().is_some();
        let conflict = match (&leg.change, leg.phase) {
            _ if !has_offer => None,
            (Change::Ours { .. }, _) => Some(491),
            (Change::Theirs { .. }, _) => Some(500),
            (_, Phase::Established | Phase::Answered | Phase::Incoming) => leg.find_offer_conflict(),
            // Our offer is not answered.
            _ if leg.dialog.early.answer.is_none() => Some(491),
            _ => None,
        };
        if let Some(code) = conflict {
            return self.refuse_conflict(now, source, &request, code);
        }
        leg.dialog.refresh_target(&request);
        let Some(transaction) = self.begin_server(&request, source) else { return };
        self.set_server_leg(transaction, key);
        if has_offer {
            self.hand_over_change(now, key, transaction, request);
        } else if let Some((_, bytes)) = self.success(now, key, transaction, &request, None) {
            self.respond(now, transaction, 200, bytes);
        }
    }

    /// 491, or 500 with a Retry-After of 0 to 10 s (RFC 3261 §14.2).
    pub(crate) fn refuse_conflict(&mut self, now: Instant, source: &Source, request: &Message, code: u16) {
        let wait = self.ids.number() % 11;
        self.refuse(now, source, request, code, |writer| {
            if code == 500 {
                writer.format(Name::RetryAfter, format_args!("{wait}"));
            }
        });
    }

    pub(crate) fn hand_over_change(&mut self, now: Instant, key: Key, transaction: Key, request: Message) {
        let offer = request.sdp();
        if let Some(leg) = self.legs.find_mut(key) {
            leg.change = Change::Theirs { transaction, request };
        }
        self.set_leg_timer(key, LegTimer::RetryChange, None);
        self.set_leg_timer(key, LegTimer::ChangeLimit, Some(now + self.config.change_limit));
        self.tell(Event::Reinvite { leg: LegKey(key), offer });
    }

    fn take_change(&mut self, leg: LegKey) -> Result<(Key, Message), OpError> {
        let found = self.leg_mut(leg)?;
        match std::mem::replace(&mut found.change, Change::Idle) {
            Change::Theirs { transaction, request } => {
                self.set_leg_timer(leg.0, LegTimer::ChangeLimit, None);
                Ok((transaction, request))
            }
            other => {
                found.change = other;
                Err(OpError::WrongState)
            }
        }
    }

    /// Refuses their change that waits for the engine.
    pub(crate) fn refuse_change(&mut self, now: Instant, key: Key, code: u16) -> Result<(), OpError> {
        let (transaction, request) = self.take_change(LegKey(key))?;
        let Some(leg) = self.legs.find(key) else { return Err(OpError::NoLeg) };
        let (peer, tag) = (leg.peer, leg.dialog.local_tag.clone());
        let response = self.response(&request, &peer, code, None, Some(&tag)).finish(None);
        self.respond(now, transaction, code, response);
        Ok(())
    }

    pub(crate) fn send_reinvite(&mut self, now: Instant, key: Key, sdp: Option<Bytes>, tries: u32) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        leg.change = Change::Ours { sdp: sdp.clone(), tries };
        let session = leg.session;
        let body = sdp.as_ref().map(|sdp| ("application/sdp", &sdp[..]));
        self.send_in_dialog(now, key, Method::Invite, What::Reinvite, body, |writer| {
            if let Some(session) = session {
                session.write_request(writer);
            }
        });
    }

    pub(crate) fn handle_reinvite_response(&mut self, now: Instant, key: Key, response: &Message, code: u16) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let seq = response.cseq().map_or(0, |cseq| cseq.number);
        if code < 300 {
            if let Some((_, bytes)) = leg.ack.clone().filter(|(acked, _)| *acked == seq) {
                let hop = leg.hop();
                return self.send(&hop, bytes);
            }
            leg.dialog.refresh_target(response);
            self.send_ack(key, seq, None);
            if self.legs.find(key).is_some_and(|leg| leg.phase == Phase::Established) {
                if let Some(sdp) = self.finish_change(key)
                    && let Some(leg) = self.legs.find_mut(key)
                {
                    leg.local_sdp = Some(sdp);
                }
                self.agree_as_client(now, key, response);
                self.tell(Event::ReinviteAnswered { leg: LegKey(key), sdp: response.sdp() });
            }
            return;
        }
        if leg.phase != Phase::Established {
            return;
        }
        if matches!(code, 401 | 407) && self.renew_credentials(key, response, "INVITE") {
            let sdp = self.finish_change(key);
            return self.send_reinvite(now, key, sdp, 0);
        }
        if matches!(code, 408 | 481) {
            return self.lose(now, key, code);
        }
        let Some(leg) = self.legs.find_mut(key) else { return };
        let tries = if let Change::Ours { tries, .. } = leg.change { tries } else { 0 };
        let sdp = self.finish_change(key);
        if code == 422 && self.lengthen_session(key, response) {
            return self.send_reinvite(now, key, sdp, tries);
        }
        if code == 491 && tries < GLARE_TRIES {
            if let Some(leg) = self.legs.find_mut(key) {
                leg.change = Change::Waiting { sdp, tries: tries + 1 };
            }
            return self.set_glare_timer(now, key, LegTimer::RetryChange);
        }
        self.retry_refresh(now, key);
        self.tell(Event::ReinviteFailed { leg: LegKey(key), code });
    }

    /// Both sides asked at once: in steps of 10 ms, 2.1 to 4 s for the one who chose the Call-ID, 0 to 2 s for
    /// the other (RFC 3261 §14.1, RFC 3311 §5.3).
    pub(crate) fn set_glare_timer(&mut self, now: Instant, key: Key, timer: LegTimer) {
        let caller = self.legs.find(key).is_some_and(|leg| leg.calling.is_some());
        let steps = if caller { 210 + self.ids.number() % 191 } else { self.ids.number() % 201 };
        self.set_leg_timer(key, timer, Some(now + Duration::from_millis(steps * 10)));
    }

    pub(crate) fn retry_change(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        if let Change::Waiting { sdp, tries } = std::mem::replace(&mut leg.change, Change::Idle) {
            self.send_reinvite(now, key, sdp, tries);
        }
    }

    /// Our change is over; the description it carried.
    pub(crate) fn finish_change(&mut self, key: Key) -> Option<Bytes> {
        let leg = self.legs.find_mut(key)?;
        match std::mem::replace(&mut leg.change, Change::Idle) {
            Change::Ours { sdp, .. } => sdp,
            other => {
                leg.change = other;
                None
            }
        }
    }
}
