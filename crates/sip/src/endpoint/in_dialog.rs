//! Requests inside a dialog, theirs and ours (RFC 3261 §12.2, §14, §15; RFC 3311; RFC 6086; RFC 3515).

use std::time::Instant;

use super::Endpoint;
use super::config::Source;
use super::event::{EndCause, Event, LegKey, OpError};
use super::inbound::{reason_of, write_abilities};
use super::leg::{Change, Phase};
use super::screen::{ACCEPT, ALLOW, SUPPORTED, find_content_refusal};
use super::wire::{Silence, What};
use crate::arena::Key;
use crate::message::{Message, Method, Name, Writer};

impl Endpoint {
    /// Hangs up: BYE. [`Event::Ended`] follows at once; the leg is kept until the BYE is answered. If our
    /// 200 is not acknowledged yet, the BYE waits for that (RFC 3261 §15).
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if the call is not answered: see [`Endpoint::hang_up`].
    pub fn bye(&mut self, now: Instant, leg: LegKey, reason: Option<&str>) -> Result<(), OpError> {
        let found = self.leg_mut(leg)?;
        match found.phase {
            Phase::Answered => found.bye_after_ack = true,
            Phase::Established => {
                if let Change::Theirs { .. } = found.change {
                    self.refuse_change(now, leg.0, 487)?;
                }
                self.send_bye(now, leg.0, reason);
            }
            _ => return Err(OpError::WrongState),
        }
        self.tell(Event::Ended { leg, cause: EndCause::LocalBye, reason: None });
        Ok(())
    }

    /// Ends the leg in the way its phase asks for: refuses with 480, cancels, or says BYE.
    ///
    /// # Errors
    ///
    /// [`OpError::NoLeg`] if it has ended.
    pub fn hang_up(&mut self, now: Instant, leg: LegKey) -> Result<(), OpError> {
        match self.leg_mut(leg)?.phase {
            Phase::Incoming => self.reject(now, leg, 480, None, None),
            Phase::Calling | Phase::Proceeding => self.cancel(now, leg),
            _ => self.bye(now, leg, None),
        }
    }

    /// Sends an INFO.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if the call does not stand.
    pub fn info(
        &mut self,
        now: Instant,
        leg: LegKey,
        content_type: &str,
        body: &[u8],
    ) -> Result<(), OpError> {
        if self.leg_mut(leg)?.phase != Phase::Established {
            return Err(OpError::WrongState);
        }
        self.send_in_dialog(now, leg.0, Method::Info, What::Other, Some((content_type, body)), |_| {});
        Ok(())
    }

    /// Answers [`Event::Refer`]: 202, with [`Endpoint::notify`] to follow, or a refusal, with nothing to follow.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if no REFER waits.
    pub fn answer_refer(&mut self, now: Instant, leg: LegKey, code: u16) -> Result<(), OpError> {
        let (source, request) = *self.leg_mut(leg)?.refer.take().ok_or(OpError::WrongState)?;
        self.refuse(now, &source, &request, code, |_| {});
        Ok(())
    }

    /// Reports how the call asked for by REFER goes: a status line such as `SIP/2.0 180 Ringing`
    /// (RFC 3515 §2.4.4). `done` ends the subscription.
    ///
    /// # Errors
    ///
    /// [`OpError::WrongState`] if the call does not stand.
    pub fn notify(&mut self, now: Instant, leg: LegKey, status: &str, done: bool) -> Result<(), OpError> {
        if self.leg_mut(leg)?.phase != Phase::Established {
            return Err(OpError::WrongState);
        }
        let body = Some(("message/sipfrag;version=2.0", status.as_bytes()));
        self.send_in_dialog(now, leg.0, Method::Notify, What::Other, body, |writer| {
            let state = if done { "terminated;reason=noresource" } else { "active;expires=60" };
            writer.other("Event", "refer").other("Subscription-State", state);
        });
        Ok(())
    }

    /// Their request in a dialog of ours.
    pub(crate) fn handle_in_dialog(&mut self, now: Instant, source: Source, request: Message, key: Key) {
        let (Some(leg), Some(cseq)) = (self.legs.find_mut(key), request.cseq()) else { return };
        leg.focus(request.from().and_then(|from| from.tag()).unwrap_or_default());
        if !leg.dialog.count_remote(cseq.number) {
            return self.refuse(now, &source, &request, 500, |_| {});
        }
        if leg.peer.transport == source.transport && source.connection.is_some() {
            leg.peer = source;
        }
        let gone = leg.phase == Phase::Terminating && request.method() != Some(Method::Bye);
        if gone {
            return self.refuse(now, &source, &request, 481, |_| {});
        }
        if let Some(refusal) = find_content_refusal(&request).or_else(|| self.find_session_refusal(&request))
        {
            return self.refuse(now, &source, &request, refusal.code, |writer| {
                if let Some((name, value)) = &refusal.header {
                    writer.header(*name, value);
                }
            });
        }
        match request.method() {
            Some(Method::Bye) => self.handle_bye(now, &source, &request, key),
            Some(Method::Invite) => self.handle_reinvite(now, &source, request, key),
            Some(Method::Update) => self.handle_update(now, &source, request, key),
            Some(Method::Prack) => self.handle_prack(now, &source, request, key),
            Some(Method::Info) => {
                self.refuse(now, &source, &request, 200, |_| {});
                let content_type = request.content_type().unwrap_or_default().to_owned();
                self.tell(Event::Info { leg: LegKey(key), content_type, body: request.body() });
            }
            Some(Method::Options) => self.refuse(now, &source, &request, 200, |writer| {
                writer
                    .header(Name::Allow, ALLOW)
                    .header(Name::Accept, ACCEPT)
                    .header(Name::Supported, SUPPORTED);
            }),
            Some(Method::Refer) => self.handle_refer(now, source, request, key),
            Some(Method::Notify) => self.refuse(now, &source, &request, 481, |_| {}),
            method => {
                let code = if method == Some(Method::Other) { 501 } else { 405 };
                self.refuse(now, &source, &request, code, |writer| {
                    writer.header(Name::Allow, ALLOW);
                });
            }
        }
    }

    /// BYE ends the dialog, early ones too; an INVITE still pending gets 487 (RFC 3261 §15.1.2).
    fn handle_bye(&mut self, now: Instant, source: &Source, request: &Message, key: Key) {
        self.refuse(now, source, request, 200, |_| {});
        let Some(leg) = self.legs.find(key) else { return };
        let told = leg.phase == Phase::Terminating || leg.bye_after_ack;
        match leg.phase {
            Phase::Incoming => self.refuse_incoming(now, key, 487, None, None),
            Phase::Calling | Phase::Proceeding => {
                // The callee must not do this (RFC 3261 §15); its INVITE response is still to come.
                return;
            }
            _ => {
                if let Change::Theirs { .. } = leg.change {
                    let _ = self.refuse_change(now, key, 487);
                }
                self.remove_leg(key);
            }
        }
        if !told {
            let reason = reason_of(request);
            self.tell(Event::Ended { leg: LegKey(key), cause: EndCause::RemoteBye, reason });
        }
    }

    /// A REFER waits for [`Endpoint::answer_refer`]; a second one meanwhile is refused (RFC 3515 §2.4.2).
    fn handle_refer(&mut self, now: Instant, source: Source, request: Message, key: Key) {
        let refer_to = request.find(Name::ReferTo).map(|value| String::from_utf8_lossy(value).into_owned());
        let waits = self.legs.find(key).is_none_or(|leg| leg.refer.is_some());
        match refer_to {
            Some(_) if waits => self.refuse(now, &source, &request, 491, |_| {}),
            Some(refer_to) if self.config.allow_refer => {
                if let Some(leg) = self.legs.find_mut(key) {
                    leg.refer = Some(Box::new((source, request)));
                }
                self.tell(Event::Refer { leg: LegKey(key), refer_to });
            }
            Some(_) => self.refuse(now, &source, &request, 603, |_| {}),
            None => self.refuse(now, &source, &request, 400, |_| {}),
        }
    }

    pub(crate) fn send_bye(&mut self, now: Instant, key: Key, reason: Option<&str>) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        leg.phase = Phase::Terminating;
        leg.success = None;
        for (_, id) in std::mem::take(&mut leg.timers) {
            self.timers.cancel(id);
        }
        self.send_in_dialog(now, key, Method::Bye, What::Bye, None, |writer| {
            if let Some(reason) = reason {
                writer.header(Name::Reason, reason);
            }
        });
    }

    /// Sends a request in the dialog.
    pub(crate) fn send_in_dialog(
        &mut self,
        now: Instant,
        key: Key,
        method: Method,
        what: What,
        body: Option<(&str, &[u8])>,
        more: impl FnOnce(&mut Writer),
    ) {
        let branch = self.ids.branch();
        let Some(leg) = self.legs.find_mut(key) else { return };
        let seq = leg.dialog.next_seq();
        let hop = leg.hop();
        let via = self.via(&hop, &branch);
        let contact = self.contact(&hop);
        let Some(leg) = self.legs.find_mut(key) else { return };
        let mut writer = leg.dialog.request(method.as_str(), seq, format_args!("{via}"));
        if matches!(method, Method::Invite | Method::Update | Method::Notify) {
            writer.header(Name::Contact, contact);
            write_abilities(&mut writer, false);
        }
        writer.other("User-Agent", &self.config.user_agent);
        // Credentials fit one method, so only a request that was just challenged carries them.
        let renewed = leg.calling.as_ref().filter(|calling| calling.renewed);
        if let Some((name, value)) = renewed.and_then(|calling| calling.authorization.as_ref()) {
            writer.header(*name, value);
        }
        more(&mut writer);
        let bytes = writer.finish(body);
        self.begin_client(now, hop, method, &branch, bytes, (key, what));
    }

    /// A response that its transaction lets through.
    pub(crate) fn handle_final_or_provisional(
        &mut self,
        now: Instant,
        _transaction: Key,
        key: Key,
        what: What,
        response: &Message,
    ) {
        let code = response.code().unwrap_or_default();
        if (200..300).contains(&code)
            && let Some(calling) = self.legs.find_mut(key).and_then(|leg| leg.calling.as_mut())
        {
            calling.renewed = false;
        }
        match what {
            What::Invite => self.handle_invite_response(now, key, response),
            _ if code < 200 => {}
            What::Reinvite => self.handle_reinvite_response(now, key, response, code),
            What::Bye => {
                let challenged = matches!(code, 401 | 407) && self.renew_credentials(key, response, "BYE");
                if challenged {
                    self.send_in_dialog(now, key, Method::Bye, What::Bye, None, |_| {});
                } else {
                    self.remove_leg(key);
                }
            }
            What::Refresh => self.handle_refresh_response(now, key, response, code),
            What::Other if code == 481 => self.lose(now, key, code),
            What::Other | What::Aside => {}
        }
    }

    /// A request of ours that nobody answered.
    pub(crate) fn handle_silence(&mut self, now: Instant, key: Key, what: What, silence: Silence) {
        match what {
            What::Invite => {
                let waits = |phase| matches!(phase, Phase::Calling | Phase::Proceeding);
                if self.legs.find(key).is_some_and(|leg| waits(leg.phase)) {
                    self.handle_invite_silence(key, silence);
                }
            }
            What::Bye => drop(self.remove_leg(key)),
            What::Other | What::Aside => {}
            What::Reinvite if silence == Silence::Unreachable => {
                self.finish_change(key);
                self.tell(Event::ReinviteFailed { leg: LegKey(key), code: silence.code() });
            }
            What::Refresh if silence == Silence::Unreachable => {}
            What::Reinvite | What::Refresh => self.lose(now, key, silence.code()),
        }
    }

    /// A challenge inside the dialog: answered, unless the request carried credentials already.
    pub(crate) fn renew_credentials(&mut self, key: Key, response: &Message, method: &str) -> bool {
        let Some(calling) = self.legs.find_mut(key).and_then(|leg| leg.calling.as_mut()) else {
            return false;
        };
        if std::mem::replace(&mut calling.renewed, true) {
            return false;
        }
        calling.auth_tries = 0;
        self.answer_challenge(key, response, method)
    }

    /// The other side is gone: say BYE all the same (RFC 3261 §12.2.1.2, RFC 5057 §5) and tell.
    pub(crate) fn lose(&mut self, now: Instant, key: Key, code: u16) {
        if self.legs.find(key).is_some_and(|leg| matches!(leg.phase, Phase::Established | Phase::Answered)) {
            self.end_by_us(now, key, EndCause::Lost(code));
        }
    }
}
