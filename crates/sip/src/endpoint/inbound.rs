//! Calls that come in: RFC 3261 §13.3.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::config::{Source, Transport};
use super::event::{EndCause, Event, Invite, LegKey, OpError, Party};
use super::leg::{Change, Leg, LegTimer, Phase, Reliable, Success};
use super::screen::{ACCEPT, ALLOW, SUPPORTED};
use crate::arena::Key;
use crate::dialog::Dialog;
use crate::message::{Message, Method, Name, Scheme, Writer};
use crate::transaction::Input;

/// A provisional response is repeated each minute (RFC 3261 §13.3.1.1).
pub(crate) const PROVISIONAL_INTERVAL: Duration = Duration::from_secs(60);

impl Endpoint {
    /// Says 100 again; it was said when the INVITE came, so this is rarely needed.
    ///
    /// # Errors
    ///
    /// [`OpError`] if the leg is not waiting for an answer.
    pub fn trying(&mut self, now: Instant, leg: LegKey) -> Result<(), OpError> {
        self.provisional(now, leg, 100, None)
    }

    /// 180: the caller hears ringing. Not sent to one who insists on PRACK and made no offer: the first reliable
    /// response would have to carry ours (RFC 3261 §13.2.1).
    ///
    /// # Errors
    ///
    /// [`OpError`] if the leg is not waiting for an answer.
    pub fn ring(&mut self, now: Instant, leg: LegKey) -> Result<(), OpError> {
        self.provisional(now, leg, 180, None)
    }

    /// 183 with a description: the caller hears us before the call is answered. To a caller who knows PRACK it
    /// is sent reliably, and [`Event::ProgressAcked`] follows (RFC 3262). The same description is due in
    /// [`Endpoint::answer`].
    ///
    /// # Errors
    ///
    /// [`OpError`] if the leg is not waiting for an answer, or the caller made no offer and knows no PRACK: then
    /// the description would be an offer that may be lost (RFC 3262 §5).
    pub fn progress(&mut self, now: Instant, leg: LegKey, sdp: Bytes) -> Result<(), OpError> {
        self.provisional(now, leg, 183, Some(sdp))
    }

    /// 200, repeated until its ACK; [`Event::Established`] tells of that. `sdp` is the answer, or our offer
    /// if the INVITE had none. It waits for the PRACK of a description that was sent before (RFC 3262 §3).
    ///
    /// # Errors
    ///
    /// [`OpError`] if the leg is not waiting for an answer.
    pub fn answer(&mut self, now: Instant, leg: LegKey, sdp: Bytes) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        if found.holds_answer(&sdp)? {
            return Ok(());
        }
        let (Phase::Incoming, Some(transaction), Some(request)) =
            (found.phase, found.invite, found.request.take())
        else {
            return Err(OpError::WrongState);
        };
        found.phase = Phase::Answered;
        found.local_sdp = Some(sdp.clone());
        self.set_leg_timer(leg.0, LegTimer::AnswerLimit, None);
        self.set_leg_timer(leg.0, LegTimer::RepeatProvisional, None);
        self.set_leg_timer(leg.0, LegTimer::RepeatReliable, None);
        self.send_success(now, leg.0, transaction, &request, &sdp);
        Ok(())
    }

    /// Refuses the call with a code from 300 to 699; the leg is gone at once, without an event.
    ///
    /// # Errors
    ///
    /// [`OpError`] if the leg is not waiting for an answer, or the code is no refusal.
    pub fn reject(
        &mut self,
        now: Instant,
        leg: LegKey,
        code: u16,
        reason: Option<&str>,
        retry_after: Option<Duration>,
    ) -> Result<(), OpError> {
        if !(300..700).contains(&code) {
            return Err(OpError::Invalid("a refusal has a code from 300 to 699"));
        }
        if self.leg_mut(leg)?.phase != Phase::Incoming {
            return Err(OpError::WrongState);
        }
        self.refuse_incoming(now, leg.0, code, reason, retry_after);
        Ok(())
    }

    fn provisional(
        &mut self,
        now: Instant,
        leg: LegKey,
        code: u16,
        sdp: Option<Bytes>,
    ) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        let (Phase::Incoming, Some(transaction), Some(request)) = (found.phase, found.invite, &found.request)
        else {
            return Err(OpError::WrongState);
        };
        if code > 100 && found.reliable.as_ref().is_some_and(|reliable| reliable.wants(sdp.is_some())) {
            let offers_first = request.sdp().is_none() && sdp.is_none();
            if offers_first && found.reliable.as_ref().is_some_and(|reliable| reliable.rseq == 0) {
                return Ok(());
            }
            return self.begin_reliable(now, leg.0, code, sdp);
        }
        if sdp.is_some() && request.sdp().is_none() {
            return Err(OpError::Invalid("an offer takes a reliable response"));
        }
        let (request, peer, tag) = (request.clone(), found.peer, found.dialog.local_tag.clone());
        if sdp.is_some() {
            found.local_sdp.clone_from(&sdp);
        }
        let bytes = self.write_provisional(&request, &peer, &tag, code, sdp.as_ref(), None);
        self.respond(now, transaction, code, bytes);
        self.set_leg_timer(leg.0, LegTimer::RepeatProvisional, Some(now + PROVISIONAL_INTERVAL));
        Ok(())
    }

    /// A provisional response; `rseq` makes it a reliable one.
    pub(crate) fn write_provisional(
        &self,
        request: &Message,
        peer: &Source,
        tag: &str,
        code: u16,
        sdp: Option<&Bytes>,
        rseq: Option<u32>,
    ) -> Bytes {
        let mut response = self.response(request, peer, code, None, (code > 100).then_some(tag));
        if code > 100 {
            response.copy(request, Name::RecordRoute).header(Name::Contact, self.contact(peer));
            response.header(Name::Allow, ALLOW);
        }
        if let Some(rseq) = rseq {
            response.header(Name::Require, "100rel").format(Name::RSeq, format_args!("{rseq}"));
        }
        response.finish(sdp.map(|sdp| ("application/sdp", &sdp[..])))
    }

    /// An INVITE that passed every check.
    pub(crate) fn handle_new_invite(
        &mut self,
        now: Instant,
        source: Source,
        request: Message,
        telephone: Option<String>,
    ) {
        let tag = self.ids.tag();
        let (Some(dialog), Some(mut invite)) =
            (Dialog::of_request(&request, tag.clone()), read_invite(&request, source))
        else {
            return self.refuse(now, &source, &request, 400, |_| {});
        };
        invite.telephone = telephone;
        let Some(transaction) = self.begin_server(&request, &source) else { return };
        let trying = self.response(&request, &source, 100, None, None).finish(None);
        self.respond(now, transaction, 100, trying);
        let mut leg = Leg::new(Phase::Incoming, dialog, source);
        leg.invite = Some(transaction);
        leg.knows_update = request.has_token(Name::Allow, "UPDATE");
        leg.reliable = Reliable::of_request(&request);
        leg.request = Some(request);
        let key = self.legs.insert(leg);
        self.dialogs.insert(tag, key);
        self.set_server_leg(transaction, key);
        self.set_leg_timer(key, LegTimer::AnswerLimit, Some(now + self.config.answer_limit));
        self.tell(Event::Invite { leg: LegKey(key), invite: Box::new(invite) });
    }

    /// 200 to an INVITE or re-INVITE, repeated until the ACK.
    pub(crate) fn send_success(
        &mut self,
        now: Instant,
        key: Key,
        transaction: Key,
        request: &Message,
        sdp: &Bytes,
    ) {
        // What was described reliably is not described again (RFC 3262 §5).
        let described = self
            .legs
            .find(key)
            .filter(|leg| leg.invite == Some(transaction))
            .and_then(|leg| leg.reliable.as_ref())
            .is_some_and(|reliable| reliable.described);
        let sdp = Some(sdp).filter(|_| !described);
        let Some((to, bytes)) = self.success(now, key, transaction, request, sdp) else { return };
        let (t1, ack_limit) = (self.config.t1, self.config.t1 * 64);
        if let Some(leg) = self.legs.find_mut(key) {
            leg.success = Some(Success {
                bytes: bytes.clone(),
                to,
                seq: request.cseq().map_or(0, |cseq| cseq.number),
                interval: t1,
                late_offer: request.sdp().is_none() && !described,
            });
        }
        self.respond(now, transaction, 200, bytes);
        self.set_leg_timer(key, LegTimer::RepeatSuccess, Some(now + t1));
        self.set_leg_timer(key, LegTimer::AckLimit, Some(now + ack_limit));
    }

    /// A 200 within a dialog, and where it goes.
    pub(crate) fn success(
        &mut self,
        now: Instant,
        key: Key,
        transaction: Key,
        request: &Message,
        sdp: Option<&Bytes>,
    ) -> Option<(Source, Bytes)> {
        let to = self.transactions.find(transaction)?.to;
        let leg = self.legs.find(key)?;
        let (tag, peer) = (leg.dialog.local_tag.clone(), leg.peer);
        let mut response = self.response(request, &peer, 200, None, Some(&tag));
        response.copy(request, Name::RecordRoute).header(Name::Contact, self.contact(&peer));
        response.header(Name::Allow, ALLOW).header(Name::Accept, ACCEPT).header(Name::Supported, SUPPORTED);
        self.agree_as_server(now, key, request, &mut response);
        Some((to, response.finish(sdp.map(|sdp| ("application/sdp", &sdp[..])))))
    }

    /// The 2xx went unacknowledged for its interval: again (RFC 3261 §13.3.1.4).
    pub(crate) fn repeat_success(&mut self, now: Instant, key: Key) {
        let t2 = self.config.t2;
        let Some(success) = self.legs.find_mut(key).and_then(|leg| leg.success.as_mut()) else { return };
        success.interval = (success.interval * 2).min(t2);
        let (to, bytes, next) = (success.to, success.bytes.clone(), now + success.interval);
        self.send(&to, bytes);
        self.set_leg_timer(key, LegTimer::RepeatSuccess, Some(next));
    }

    pub(crate) fn repeat_provisional(&mut self, now: Instant, key: Key) {
        let Some(transaction) = self.legs.find(key).and_then(|leg| leg.invite) else { return };
        // To the transaction it looks as if the INVITE had come again.
        self.drive(now, transaction, Input::Request, None);
        self.set_leg_timer(key, LegTimer::RepeatProvisional, Some(now + PROVISIONAL_INTERVAL));
    }

    /// The ACK of a 2xx.
    pub(crate) fn handle_success_ack(&mut self, now: Instant, key: Key, ack: &Message) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let seq = ack.cseq().map(|cseq| cseq.number);
        let Some(success) = leg.success.take_if(|success| Some(success.seq) == seq) else { return };
        let sdp = if success.late_offer { ack.sdp() } else { None };
        let first = leg.phase == Phase::Answered;
        if first {
            leg.phase = Phase::Established;
        }
        let bye = leg.bye_after_ack;
        self.set_leg_timer(key, LegTimer::RepeatSuccess, None);
        self.set_leg_timer(key, LegTimer::AckLimit, None);
        if bye {
            return self.send_bye(now, key, None);
        }
        if first {
            self.set_leg_timer(key, LegTimer::CallLimit, Some(now + self.config.call_limit));
            self.tell(Event::Established { leg: LegKey(key), sdp });
        } else {
            self.tell(Event::ReinviteAcked { leg: LegKey(key), sdp });
        }
    }

    /// The caller gave up an INVITE or a re-INVITE in time.
    pub(crate) fn cancel_incoming(&mut self, now: Instant, key: Key, cancel: &Message) {
        let Some(leg) = self.legs.find(key) else { return };
        if leg.phase == Phase::Incoming {
            self.refuse_incoming(now, key, 487, None, None);
            self.tell(Event::Cancelled { leg: LegKey(key), reason: reason_of(cancel) });
        } else if matches!(leg.change, Change::Theirs { .. }) {
            let _ = self.refuse_change(now, key, 487);
        }
    }

    /// Refuses an unanswered INVITE and forgets the leg; the transaction repeats the refusal by itself.
    pub(crate) fn refuse_incoming(
        &mut self,
        now: Instant,
        key: Key,
        code: u16,
        reason: Option<&str>,
        retry_after: Option<Duration>,
    ) {
        let Some(leg) = self.remove_leg(key) else { return };
        let (Some(transaction), Some(request)) = (leg.invite, &leg.request) else { return };
        let mut response = self.response(request, &leg.peer, code, reason, Some(&leg.dialog.local_tag));
        if let Some(wait) = retry_after {
            response.format(Name::RetryAfter, format_args!("{}", wait.as_secs()));
        }
        self.respond(now, transaction, code, response.finish(None));
    }

    pub(crate) fn handle_answer_limit(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find(key) else { return };
        match leg.phase {
            Phase::Incoming => {
                self.refuse_incoming(now, key, 480, None, None);
                self.tell(Event::Ended { leg: LegKey(key), cause: EndCause::NoAnswer, reason: None });
            }
            Phase::Calling | Phase::Proceeding => self.handle_calling_limit(now, key),
            _ => {}
        }
    }

    /// Our Contact on this way.
    pub(crate) fn contact(&self, path: &Source) -> String {
        let address = self.advertised(path);
        let transport = if path.transport == Transport::Tcp { ";transport=tcp" } else { "" };
        format!("<sip:{}@{address}{transport}>", self.config.contact_user)
    }

    /// Our address as the other side sees it.
    pub(crate) fn advertised(&self, path: &Source) -> std::net::SocketAddr {
        let ip = self.config.advertised.filter(|ip| ip.is_ipv4() == path.local.is_ipv4());
        std::net::SocketAddr::new(ip.unwrap_or(path.local.ip()), path.local.port())
    }
}

/// The value of Reason, if there is one.
pub(crate) fn reason_of(message: &Message) -> Option<String> {
    message.find(Name::Reason).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn read_invite(request: &Message, source: Source) -> Option<Invite> {
    let uri = request.request_uri()?;
    debug_assert_eq!(request.method(), Some(Method::Invite));
    Some(Invite {
        user: uri.user().into_owned(),
        host: uri.host().to_owned(),
        scheme: match uri.scheme() {
            Scheme::Other => return None,
            known => known,
        },
        from: Party::of(&request.from()?),
        to: Party::of(&request.to()?),
        asserted: request.name_addr(Name::PAssertedIdentity).map(|value| Party::of(&value)),
        call_id: request.call_id()?.to_owned(),
        source,
        telephone: None,
        offer: request.sdp(),
        message: request.clone(),
    })
}

/// Adds what every request of ours says of us. `reliable`: its provisional responses may ask for PRACK.
pub(crate) fn write_abilities(writer: &mut Writer, reliable: bool) {
    writer.header(Name::Allow, ALLOW);
    writer.header(Name::Supported, if reliable { SUPPORTED } else { "timer" });
}
