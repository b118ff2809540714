//! Calls we make: RFC 3261 §13.2, §9.1, §22.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::config::Source;
use super::event::{EndCause, Event, LegKey, OpError, Outbound};
use super::inbound::write_abilities;
use super::leg::{Calling, Cancel, Change, Leg, LegTimer, Phase};
use super::wire::{Silence, What};
use crate::arena::Key;
use crate::auth::Challenge;
use crate::dialog::{Dialog, Early};
use crate::message::{Framing, Limits, Message, Method, Name, Uri, Writer};

/// Challenges answered in a row: the first, and one for a stale nonce.
const AUTH_TRIES: u32 = 2;

impl Endpoint {
    /// Calls someone. [`Event::Progress`], then [`Event::Answered`] or [`Event::Failed`], tell how it goes.
    ///
    /// # Errors
    ///
    /// [`OpError::Invalid`] if target, From or To is no URI.
    pub fn invite(&mut self, now: Instant, outbound: Outbound) -> Result<LegKey, OpError> {
        for uri in [&outbound.target, &outbound.from.uri, &outbound.to.uri] {
            Uri::parse(uri.as_bytes()).map_err(|_| OpError::Invalid("not a URI"))?;
        }
        let peer = Source {
            transport: outbound.transport,
            local: outbound.local,
            remote: outbound.destination,
            connection: outbound.connection,
        };
        let tag = self.ids.tag();
        let dialog = Dialog {
            call_id: self.ids.call_id(),
            local_tag: tag.clone(),
            remote_tag: String::new(),
            local: outbound.from.to_value(),
            remote: outbound.to.to_value(),
            target: outbound.target.clone(),
            route_set: Vec::new(),
            local_seq: 0,
            remote_seq: None,
            early: Early::default(),
        };
        let limit = outbound.answer_limit.unwrap_or(self.config.answer_limit);
        let mut leg = Leg::new(Phase::Calling, dialog, peer);
        leg.local_sdp.clone_from(&outbound.sdp);
        leg.calling = Some(Box::new(Calling {
            outbound,
            cancel: Cancel::No,
            cancel_code: 487,
            told: false,
            auth_tries: 0,
            renewed: false,
            nonce: (String::new(), 0),
            authorization: None,
            session_minimum: 0,
            seq: 0,
            forks: Vec::new(),
        }));
        let key = self.legs.insert(leg);
        self.dialogs.insert(tag, key);
        self.set_leg_timer(key, LegTimer::AnswerLimit, Some(now + limit));
        self.send_invite(now, key);
        Ok(LegKey(key))
    }

    /// Gives up a call that is not answered; [`Event::Failed`] with 487 follows. If the answer crosses the
    /// CANCEL, the call is hung up at once and never reported as answered.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if the call is answered or was not ours.
    pub fn cancel(&mut self, now: Instant, leg: LegKey) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        if !matches!(found.phase, Phase::Calling | Phase::Proceeding) {
            return Err(OpError::WrongState);
        }
        self.give_up(now, leg.0, 487);
        Ok(())
    }

    /// Sends the ACK of a call we made without an offer: `sdp` answers the offer of [`Event::Answered`].
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if no ACK is owed.
    pub fn acknowledge(&mut self, _now: Instant, leg: LegKey, sdp: Bytes) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        let Some(seq) = found.calling.as_ref().map(|calling| calling.seq) else {
            return Err(OpError::WrongState);
        };
        if found.phase != Phase::Established || found.ack.is_some() {
            return Err(OpError::WrongState);
        }
        found.local_sdp = Some(sdp.clone());
        self.send_ack(leg.0, seq, Some(&sdp));
        Ok(())
    }

    /// Sends the first INVITE, again with credentials or another interval if it must be.
    fn send_invite(&mut self, now: Instant, key: Key) {
        let branch = self.ids.branch();
        let Some(leg) = self.legs.find_mut(key) else { return };
        let peer = leg.peer;
        let via = self.via(&peer, &branch);
        let contact = self.contact(&peer);
        let Some(leg) = self.legs.find_mut(key) else { return };
        let seq = leg.dialog.next_seq();
        leg.phase = Phase::Calling;
        leg.dialog.remote_tag.clear();
        leg.dialog.route_set.clear();
        leg.dialog.early = Early::default();
        let Some(calling) = &mut leg.calling else { return };
        calling.seq = seq;
        calling.forks.clear();
        calling.outbound.target.clone_into(&mut leg.dialog.target);
        let mut writer = leg.dialog.request("INVITE", seq, format_args!("{via}"));
        writer.header(Name::Contact, contact).other("User-Agent", &self.config.user_agent);
        // Without an offer of ours, a reliable response could be theirs, and its PRACK our answer.
        write_abilities(&mut writer, calling.outbound.sdp.is_some());
        if let Some(interval) = self.config.session_interval {
            let seconds = (interval.as_secs() as u32).max(calling.session_minimum);
            writer.format(Name::SessionExpires, format_args!("{seconds}"));
            let minimum = (self.config.session_minimum.as_secs() as u32).max(calling.session_minimum);
            writer.format(Name::MinSe, format_args!("{minimum}"));
        }
        for (name, value) in &calling.outbound.headers {
            if crate::message::is_token(name.as_bytes()) {
                writer.other(name, value);
            }
        }
        if let Some((name, value)) = &calling.authorization {
            writer.header(*name, value);
        }
        let body = calling.outbound.sdp.clone();
        let bytes = writer.finish(body.as_ref().map(|sdp| ("application/sdp", &sdp[..])));
        let transaction = self.begin_client(now, peer, Method::Invite, &branch, bytes, (key, What::Invite));
        if let Some(leg) = self.legs.find_mut(key) {
            leg.invite = Some(transaction);
        }
        let limit = self
            .legs
            .find(key)
            .and_then(|leg| leg.calling.as_ref()?.outbound.silence_limit)
            .map(|limit| now + limit);
        self.set_leg_timer(key, LegTimer::Silence, limit);
    }

    /// A response to the first INVITE.
    pub(crate) fn handle_invite_response(&mut self, now: Instant, key: Key, response: &Message) {
        let Some(code) = response.code() else { return };
        match code {
            0..=199 => self.handle_invite_provisional(now, key, response, code),
            200..=299 => self.handle_invite_success(now, key, response),
            401 | 407 if self.answer_challenge(key, response, "INVITE") => self.send_invite(now, key),
            422 if self.learn_minimum(key, response) => self.send_invite(now, key),
            _ => self.handle_invite_failure(key, response, code),
        }
    }

    fn handle_invite_provisional(&mut self, now: Instant, key: Key, response: &Message, code: u16) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        if !matches!(leg.phase, Phase::Calling | Phase::Proceeding) {
            return;
        }
        let is_first = std::mem::replace(&mut leg.phase, Phase::Proceeding) == Phase::Calling;
        if is_first {
            self.set_leg_timer(key, LegTimer::Silence, None);
        }
        let Some(leg) = self.legs.find_mut(key) else { return };
        if code > 100 && response.to().is_some_and(|to| to.tag().is_some()) {
            leg.handle_response(response);
            if !self.acknowledge_reliable(now, key, response) {
                return;
            }
        }
        let Some(leg) = self.legs.find(key) else { return };
        match leg.calling.as_ref().map(|calling| calling.cancel) {
            Some(Cancel::Wanted) => self.send_cancel(now, key),
            Some(Cancel::No) if code > 100 => {
                self.tell(Event::Progress { leg: LegKey(key), code, sdp: response.sdp() });
            }
            _ => {}
        }
    }

    fn handle_invite_success(&mut self, now: Instant, key: Key, response: &Message) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let Some(calling) = &leg.calling else { return };
        let seq = calling.seq;
        if !matches!(leg.phase, Phase::Calling | Phase::Proceeding) {
            return self.handle_success_again(now, key, response, seq);
        }
        let (cancelled, code, told) = (calling.cancel != Cancel::No, calling.cancel_code, calling.told);
        let offered = calling.outbound.sdp.is_some();
        leg.handle_response(response);
        leg.phase = Phase::Established;
        let answer = response.sdp().or_else(|| leg.dialog.early.answer.take());
        leg.knows_update = response.has_token(Name::Allow, "UPDATE");
        self.set_leg_timer(key, LegTimer::AnswerLimit, None);
        self.set_leg_timer(key, LegTimer::Silence, None);
        if offered || cancelled {
            self.send_ack(key, seq, None);
        }
        if cancelled {
            // The answer crossed our CANCEL: the call stands, so it takes a BYE (RFC 3261 §9.1).
            self.send_bye(now, key, None);
            if !told {
                let reason = "Request Terminated".to_owned();
                self.tell(Event::Failed {
                    leg: LegKey(key),
                    code,
                    reason,
                    retry_after: None,
                    cause: None,
                    silent: false,
                });
            }
            return;
        }
        self.set_leg_timer(key, LegTimer::CallLimit, Some(now + self.config.call_limit));
        self.agree_as_client(now, key, response);
        self.tell(Event::Answered { leg: LegKey(key), sdp: answer });
    }

    /// A 2xx after the first: the same again gets our ACK again, one of another branch of a fork is
    /// acknowledged and hung up (RFC 3261 §13.2.2.4).
    fn handle_success_again(&mut self, now: Instant, key: Key, response: &Message, seq: u32) {
        let Some(leg) = self.legs.find(key) else { return };
        let tag = response.to().and_then(|to| to.tag()).unwrap_or_default();
        if tag == leg.dialog.remote_tag {
            if let Some((_, bytes)) = leg.ack.clone().filter(|(acked, _)| *acked == seq) {
                let hop = leg.hop();
                self.send(&hop, bytes);
            }
            return;
        }
        let early = leg.calling.iter().flat_map(|calling| &calling.forks).find(|fork| fork.remote_tag == tag);
        let mut dialog = early.cloned().unwrap_or_else(|| leg.fork());
        dialog.handle_response(response);
        let bye_seq = dialog.next_seq();
        let fork = Leg { dialog: dialog.clone(), ..Leg::new(Phase::Terminating, dialog.clone(), leg.peer) };
        let hop = fork.hop();
        let (ack_branch, bye_branch) = (self.ids.branch(), self.ids.branch());
        let via = self.via(&hop, &ack_branch);
        let ack = dialog.request("ACK", seq, format_args!("{via}")).finish(None);
        self.send(&hop, ack);
        let via = self.via(&hop, &bye_branch);
        let bye = dialog.request("BYE", bye_seq, format_args!("{via}")).finish(None);
        self.begin_client(now, hop, Method::Bye, &bye_branch, bye, (key, What::Aside));
    }

    fn handle_invite_failure(&mut self, key: Key, response: &Message, code: u16) {
        let Some(leg) = self.legs.find(key) else { return };
        if !matches!(leg.phase, Phase::Calling | Phase::Proceeding) {
            return;
        }
        let code = leg
            .calling
            .as_ref()
            .filter(|calling| calling.cancel != Cancel::No)
            .map_or(code, |calling| calling.cancel_code);
        let told = leg.calling.as_ref().is_some_and(|calling| calling.told);
        self.remove_leg(key);
        if told {
            return;
        }
        self.tell(Event::Failed {
            leg: LegKey(key),
            code,
            reason: String::from_utf8_lossy(response.reason()).into_owned(),
            retry_after: response.number(Name::RetryAfter).map(|seconds| Duration::from_secs(seconds.into())),
            cause: q850_cause(response),
            silent: false,
        });
    }

    /// The first INVITE got no response at all.
    pub(crate) fn handle_invite_silence(&mut self, key: Key, silence: Silence) {
        let Some(leg) = self.remove_leg(key) else { return };
        if leg.calling.as_ref().is_some_and(|calling| calling.told) {
            return;
        }
        let silent = leg.phase == Phase::Calling;
        let cancelled = leg.calling.filter(|calling| calling.cancel != Cancel::No);
        let code = cancelled.map_or(silence.code(), |calling| calling.cancel_code);
        let reason = crate::message::reason_phrase(code).to_owned();
        self.tell(Event::Failed { leg: LegKey(key), code, reason, retry_after: None, cause: None, silent });
    }

    /// Nothing at all has answered: the call is given up at once. An INVITE that nobody has answered cannot be cancelled
    /// (RFC 3261 §9.1): it is sent no more, and what may still answer it is cancelled, or hung up.
    pub(crate) fn handle_silence_limit(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find(key).filter(|leg| leg.phase == Phase::Calling) else { return };
        let Some(calling) = &leg.calling else { return };
        // Given up already, a CANCEL would wait for an answer that does not come.
        let code = if calling.cancel == Cancel::No { 408 } else { calling.cancel_code };
        let transaction = leg.invite;
        self.give_up(now, key, 408);
        if let Some(transaction) = transaction {
            self.stop_repeating(transaction);
        }
        if let Some(calling) = self.legs.find_mut(key).and_then(|leg| leg.calling.as_mut()) {
            calling.told = true;
        }
        let reason = crate::message::reason_phrase(code).to_owned();
        self.tell(Event::Failed {
            leg: LegKey(key),
            code,
            reason,
            retry_after: None,
            cause: None,
            silent: true,
        });
    }

    /// Time is up: cancel, or after a CANCEL without effect, forget.
    pub(crate) fn handle_calling_limit(&mut self, now: Instant, key: Key) {
        let Some(calling) = self.legs.find(key).and_then(|leg| leg.calling.as_ref()) else { return };
        if calling.cancel == Cancel::No {
            self.give_up(now, key, 408);
        } else {
            let transaction = self.legs.find(key).and_then(|leg| leg.invite);
            self.handle_invite_silence(key, Silence::TimedOut);
            if let Some(transaction) = transaction {
                self.drive(now, transaction, crate::transaction::Input::TransportError, None);
            }
        }
    }

    fn give_up(&mut self, now: Instant, key: Key, code: u16) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let phase = leg.phase;
        let Some(calling) = &mut leg.calling else { return };
        if calling.cancel != Cancel::No {
            return;
        }
        calling.cancel = Cancel::Wanted;
        calling.cancel_code = code;
        // 64 × T1 for the final response (RFC 3261 §9.1).
        self.set_leg_timer(key, LegTimer::AnswerLimit, Some(now + self.config.t1 * 64));
        if phase == Phase::Proceeding {
            self.send_cancel(now, key);
        }
    }

    /// The CANCEL has the INVITE's URI, Via, Call-ID, From, To, Route and number (RFC 3261 §9.1).
    fn send_cancel(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        if let Some(calling) = &mut leg.calling {
            calling.cancel = Cancel::Sent;
        }
        let Some((bytes, to)) = leg.invite.and_then(|invite| self.client_request(invite)) else { return };
        let Ok(invite) = Message::parse(bytes, Framing::Datagram, &Limits::default()) else { return };
        let (Some(uri), Some(cseq), Some(via)) = (invite.request_uri(), invite.cseq(), invite.via()) else {
            return;
        };
        let branch = via.branch().unwrap_or_default().to_owned();
        let mut writer = Writer::request("CANCEL", uri.as_str());
        writer.copy(&invite, Name::Via).header(Name::MaxForwards, "70").copy(&invite, Name::Route);
        writer.copy(&invite, Name::From).copy(&invite, Name::To).copy(&invite, Name::CallId);
        writer.format(Name::CSeq, format_args!("{} CANCEL", cseq.number));
        let bytes = writer.finish(None);
        self.begin_client(now, to, Method::Cancel, &branch, bytes, (key, What::Aside));
    }

    /// Sends the ACK of a 2xx and keeps it for repeated ones.
    pub(crate) fn send_ack(&mut self, key: Key, seq: u32, sdp: Option<&Bytes>) {
        let branch = self.ids.branch();
        let Some(leg) = self.legs.find(key) else { return };
        let hop = leg.hop();
        let via = self.via(&hop, &branch);
        let mut writer = leg.dialog.request("ACK", seq, format_args!("{via}"));
        if let Some((name, value)) = leg.calling.as_ref().and_then(|calling| calling.authorization.as_ref()) {
            // An ACK cannot be challenged, so it carries the INVITE's credentials (RFC 3261 §22.1).
            writer.header(*name, value);
        }
        let bytes = writer.finish(sdp.map(|sdp| ("application/sdp", &sdp[..])));
        if let Some(leg) = self.legs.find_mut(key) {
            leg.ack = Some((seq, bytes.clone()));
        }
        self.send(&hop, bytes);
    }

    /// Prepares credentials for a challenge; `false` if there are none, or they were refused.
    pub(crate) fn answer_challenge(&mut self, key: Key, response: &Message, method: &str) -> bool {
        let cnonce = self.ids.tag();
        let Some(leg) = self.legs.find_mut(key) else { return false };
        let target = &leg.dialog.target;
        let Some(calling) = &mut leg.calling else { return false };
        let (asks, answers) = match response.code() {
            Some(407) => (Name::ProxyAuthenticate, Name::ProxyAuthorization),
            _ => (Name::WwwAuthenticate, Name::Authorization),
        };
        let (Some(credentials), Some(challenge)) =
            (&calling.outbound.credentials, Challenge::strongest(response.all(asks)))
        else {
            return false;
        };
        // A second challenge that does not call the nonce stale means the password is wrong.
        let refused = calling.auth_tries > 0 && !challenge.stale;
        let given_up = calling.cancel != Cancel::No && method == "INVITE";
        if refused || calling.auth_tries >= AUTH_TRIES || given_up {
            return false;
        }
        calling.auth_tries += 1;
        if calling.nonce.0 != challenge.nonce() {
            calling.nonce = (challenge.nonce().to_owned(), 0);
        }
        calling.nonce.1 += 1;
        let uri = if method == "INVITE" && leg.phase != Phase::Established {
            &calling.outbound.target
        } else {
            target
        };
        calling.authorization =
            Some((answers, challenge.answer(credentials, method, uri, &cnonce, calling.nonce.1)));
        true
    }

    fn learn_minimum(&mut self, key: Key, response: &Message) -> bool {
        let Some(minimum) = response.number(Name::MinSe) else { return false };
        let Some(calling) = self.legs.find_mut(key).and_then(|leg| leg.calling.as_mut()) else {
            return false;
        };
        let grows = minimum > calling.session_minimum && minimum <= 86_400 && calling.cancel == Cancel::No;
        calling.session_minimum = minimum;
        grows
    }

    /// A Via value of ours.
    pub(crate) fn via(&self, path: &Source, branch: &str) -> String {
        format!("SIP/2.0/{} {};branch={branch};rport", path.transport.as_str(), self.advertised(path))
    }

    /// Hangs up because of a limit and tells so.
    pub(crate) fn end_by_us(&mut self, now: Instant, key: Key, cause: EndCause) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let told = leg.bye_after_ack || leg.phase == Phase::Terminating;
        leg.success = None;
        if let Change::Theirs { .. } = leg.change {
            let _ = self.refuse_change(now, key, 500);
        }
        self.send_bye(now, key, None);
        if !told {
            self.tell(Event::Ended { leg: LegKey(key), cause, reason: None });
        }
    }
}

/// The cause of ITU-T Q.850 among the values of Reason (RFC 3326).
fn q850_cause(response: &Message) -> Option<u16> {
    let value = response.values(Name::Reason).find_map(|value| {
        let value = std::str::from_utf8(value).ok()?;
        let (protocol, parameters) = value.split_once(';')?;
        protocol.trim().eq_ignore_ascii_case("q.850").then_some(parameters)
    })?;
    value.split(';').find_map(|parameter| {
        let (name, cause) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("cause").then(|| cause.trim().parse().ok())?
    })
}
