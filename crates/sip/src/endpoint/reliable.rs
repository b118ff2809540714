//! Reliable provisional responses: RSeq, RAck and PRACK (RFC 3262), ours and theirs.

use std::time::Instant;

use bytes::Bytes;

use super::Endpoint;
use super::config::Source;
use super::event::{EndCause, Event, LegKey, OpError};
use super::inbound::PROVISIONAL_INTERVAL;
use super::leg::{Change, Leg, LegTimer, Pending, Phase, Reliable};
use super::wire::What;
use crate::arena::Key;
use crate::message::{Message, Method, Name};

/// Provisional responses that may wait for the PRACK of the one before.
const QUEUE_LIMIT: usize = 8;

impl Reliable {
    /// For a caller who knows PRACK.
    pub(crate) fn of_request(request: &Message) -> Option<Box<Reliable>> {
        let required = request.has_token(Name::Require, "100rel");
        let known = required || request.has_token(Name::Supported, "100rel");
        known.then(|| Box::new(Reliable { required, ..Reliable::default() }))
    }

    /// Whether a provisional response goes this way. What comes while one is pending waits behind it, so that
    /// the caller sees them in order.
    pub(crate) fn wants(&self, has_description: bool) -> bool {
        self.required || has_description || self.pending.is_some()
    }
}

impl Leg {
    /// Keeps our answer if a description still waits for its PRACK: a 2xx before it would race its offer or
    /// answer (RFC 3262 §3).
    pub(crate) fn holds_answer(&mut self, sdp: &Bytes) -> Result<bool, OpError> {
        let changes = matches!(self.change, Change::Theirs { .. });
        let Some(reliable) = self.reliable.as_mut().filter(|_| self.phase == Phase::Incoming) else {
            return Ok(false);
        };
        if reliable.answer.is_some() {
            return Err(OpError::WrongState);
        }
        let waits = changes || reliable.pending.as_ref().is_some_and(|pending| pending.has_description);
        if waits {
            reliable.answer = Some(sdp.clone());
        }
        Ok(waits)
    }

    /// The code that refuses an offer in their UPDATE while another offer is open (RFC 3311 §5.2).
    pub(crate) fn find_offer_conflict(&self) -> Option<u16> {
        match self.phase {
            Phase::Incoming => {
                let reliable = self.reliable.as_ref();
                if reliable.is_some_and(|reliable| reliable.described) {
                    return None;
                }
                let ours = self.request.as_ref().is_some_and(|request| request.sdp().is_none());
                let offered = reliable.is_some_and(|reliable| reliable.pending.is_some());
                Some(if ours && offered { 491 } else { 500 })
            }
            // Our offer in the 2xx waits for the ACK.
            _ => self.success.as_ref().is_some_and(|success| success.late_offer).then_some(491),
        }
    }
}

impl Endpoint {
    /// Sends a provisional response reliably, or lets it wait for the one before.
    pub(crate) fn begin_reliable(
        &mut self,
        now: Instant,
        key: Key,
        code: u16,
        sdp: Option<Bytes>,
    ) -> Result<(), OpError> {
        let rseq = self.ids.number() as u32 >> 2;
        let Some(leg) = self.legs.find_mut(key) else { return Err(OpError::NoLeg) };
        let (Some(reliable), Some(request), Some(transaction)) =
            (leg.reliable.as_mut(), &leg.request, leg.invite)
        else {
            return Err(OpError::WrongState);
        };
        if reliable.pending.is_some() {
            if reliable.queue.len() == QUEUE_LIMIT {
                return Err(OpError::WrongState);
            }
            reliable.queue.push_back((code, sdp));
            return Ok(());
        }
        // The first is chosen from 1 to 2³¹ - 1, each further one is one more.
        reliable.rseq = if reliable.rseq == 0 { rseq + 1 } else { reliable.rseq + 1 };
        let rseq = reliable.rseq;
        let (request, peer, tag) = (request.clone(), leg.peer, leg.dialog.local_tag.clone());
        if sdp.is_some() {
            leg.local_sdp.clone_from(&sdp);
        }
        let bytes = self.write_provisional(&request, &peer, &tag, code, sdp.as_ref(), Some(rseq));
        let t1 = self.config.t1;
        if let Some(reliable) = self.legs.find_mut(key).and_then(|leg| leg.reliable.as_mut()) {
            reliable.pending = Some(Pending {
                code,
                bytes: bytes.clone(),
                has_description: sdp.is_some(),
                interval: t1,
                give_up: now + t1 * 64,
            });
        }
        self.respond(now, transaction, code, bytes);
        self.set_leg_timer(key, LegTimer::RepeatReliable, Some(now + t1));
        self.set_leg_timer(key, LegTimer::RepeatProvisional, Some(now + PROVISIONAL_INTERVAL));
        Ok(())
    }

    /// No PRACK for the interval: again; for 64 × T1: the call is refused.
    pub(crate) fn repeat_reliable(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let pending = leg.reliable.as_mut().and_then(|reliable| reliable.pending.as_mut());
        let (Some(pending), Some(transaction)) = (pending, leg.invite) else { return };
        if now >= pending.give_up {
            self.refuse_incoming(now, key, 504, None, None);
            return self.tell(Event::Ended { leg: LegKey(key), cause: EndCause::NoAck, reason: None });
        }
        pending.interval *= 2;
        let next = pending.give_up.min(now + pending.interval);
        let (code, bytes) = (pending.code, pending.bytes.clone());
        self.respond(now, transaction, code, bytes);
        self.set_leg_timer(key, LegTimer::RepeatReliable, Some(next));
    }

    /// Their PRACK; one that matches nothing gets 481 (RFC 3262 §3).
    pub(crate) fn handle_prack(&mut self, now: Instant, source: &Source, request: Message, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let invite = leg.request.as_ref().and_then(Message::cseq).map(|cseq| cseq.number);
        let is_late_offer = leg.request.as_ref().is_some_and(|invite| invite.sdp().is_none());
        let is_ours = |reliable: &Reliable| {
            read_rack(&request).is_some_and(|(rseq, seq)| {
                // Once the INVITE is answered it is not kept; its RSeq is enough.
                rseq == reliable.rseq && invite.is_none_or(|invite| invite == seq)
            })
        };
        let reliable = leg.reliable.as_mut().filter(|reliable| is_ours(reliable));
        let taken = reliable.and_then(|reliable| {
            let pending = reliable.pending.take()?;
            let answers = pending.has_description && is_late_offer && !reliable.described;
            reliable.described |= pending.has_description;
            Some(answers)
        });
        let Some(answers) = taken else { return self.refuse(now, source, &request, 481, |_| {}) };
        self.set_leg_timer(key, LegTimer::RepeatReliable, None);
        let sdp = request.sdp();
        if sdp.is_some() && !answers {
            // A further offer: its answer goes into the 200 of the PRACK (RFC 3262 §5).
            let Some(transaction) = self.begin_server(&request, source) else { return };
            self.set_server_leg(transaction, key);
            self.tell(Event::ProgressAcked { leg: LegKey(key), sdp: None });
            return self.hand_over_change(now, key, transaction, request);
        }
        self.refuse(now, source, &request, 200, |_| {});
        self.tell(Event::ProgressAcked { leg: LegKey(key), sdp });
        self.go_on_incoming(now, key);
    }

    /// Nothing is pending any more: the answer that waited, else the next provisional response.
    pub(crate) fn go_on_incoming(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let is_idle = leg.phase == Phase::Incoming && matches!(leg.change, Change::Idle);
        let Some(reliable) = leg.reliable.as_mut().filter(|_| is_idle) else { return };
        if reliable.pending.is_some() {
            return;
        }
        if let Some(sdp) = reliable.answer.take() {
            let _ = self.answer(now, LegKey(key), sdp);
        } else if let Some((code, sdp)) = reliable.queue.pop_front() {
            let _ = self.begin_reliable(now, key, code, sdp);
        }
    }

    /// Their provisional response: `false` if it came before or out of order, so that it counts for nothing
    /// (RFC 3262 §4). A reliable one is acknowledged in its own dialog.
    pub(crate) fn acknowledge_reliable(&mut self, now: Instant, key: Key, response: &Message) -> bool {
        let rseq = match response.number(Name::RSeq) {
            Some(rseq) if rseq > 0 && response.has_token(Name::Require, "100rel") => rseq,
            _ => return true,
        };
        let Some(leg) = self.legs.find_mut(key) else { return false };
        let early = &mut leg.dialog.early;
        if early.rseq != 0 && rseq != early.rseq.saturating_add(1) {
            return false;
        }
        early.rseq = rseq;
        if early.answer.is_none() {
            early.answer = response.sdp();
        }
        let seq = response.cseq().map_or(0, |cseq| cseq.number);
        self.send_in_dialog(now, key, Method::Prack, What::Aside, None, |writer| {
            writer.format(Name::RAck, format_args!("{rseq} {seq} INVITE"));
        });
        true
    }
}

/// `RAck: 776656 1 INVITE`: the RSeq and the CSeq number of an INVITE (RFC 3262 §7.2).
fn read_rack(request: &Message) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(request.find(Name::RAck)?).ok()?;
    let mut words = text.split_ascii_whitespace();
    let numbers = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (words.next()? == "INVITE" && words.next().is_none()).then_some(numbers)
}
