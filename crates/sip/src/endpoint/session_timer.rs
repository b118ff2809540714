//! Session timers (RFC 4028).

use std::time::{Duration, Instant};

use super::Endpoint;
use super::leg::{Change, LegTimer, Phase, Session};
use super::wire::What;
use crate::arena::Key;
use crate::message::{Message, Method, Name, Params, Writer};

/// The longest interval agreed to, seconds.
const LONGEST: u32 = 86_400;
/// The refresh is tried again after this long when a change is under way.
const BUSY_WAIT: Duration = Duration::from_secs(5);

impl Session {
    /// Session-Expires of a refresh: the sender of this request is its `uac`.
    pub(crate) fn write_request(&self, writer: &mut Writer) {
        let role = if self.refresher_is_us { "uac" } else { "uas" };
        writer.format(Name::SessionExpires, format_args!("{};refresher={role}", self.interval.as_secs()));
    }
}

impl Endpoint {
    /// Agrees to the timer of their INVITE or UPDATE and says so in our 2xx (RFC 4028 §9). Where they ask for none
    /// but know timers, we do; a timer that runs goes on.
    pub(crate) fn agree_as_server(
        &mut self,
        now: Instant,
        key: Key,
        request: &Message,
        response: &mut Writer,
    ) {
        let Some(leg) = self.legs.find(key).filter(|leg| leg.phase != Phase::Incoming) else { return };
        let (peer_can, running) = (knows_timer(request), leg.session);
        let asked = read(request);
        let ours = self.config.session_interval.filter(|_| peer_can);
        let Some(interval) =
            asked.map(|(interval, _)| interval).or(running.map(|timer| timer.interval)).or(ours)
        else {
            return;
        };
        let minimum = Duration::from_secs(request.number(Name::MinSe).unwrap_or(0).min(LONGEST).into());
        let interval = if asked.is_some() { interval } else { interval.max(minimum) };
        let theirs = peer_can
            && match asked {
                Some((_, refresher)) => refresher != Some(Refresher::Uas),
                None => running.is_some_and(|running| !running.refresher_is_us),
            };
        let role = if theirs { "uac" } else { "uas" };
        response.format(Name::SessionExpires, format_args!("{};refresher={role}", interval.as_secs()));
        if theirs {
            response.header(Name::Require, "timer");
        }
        self.start_session(now, key, Session { interval, refresher_is_us: !theirs });
    }

    /// Reads the timer of a 2xx to our INVITE or UPDATE (RFC 4028 §7.2); without one there is none.
    pub(crate) fn agree_as_client(&mut self, now: Instant, key: Key, response: &Message) {
        match read(response) {
            Some((interval, refresher)) => {
                let refresher_is_us = refresher != Some(Refresher::Uas);
                self.start_session(now, key, Session { interval, refresher_is_us });
            }
            None => self.stop_session(key),
        }
    }

    fn start_session(&mut self, now: Instant, key: Key, session: Session) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        leg.session = Some(session);
        // The other side is given up min(32 s, a third) before the end (RFC 4028 §10).
        let margin = Duration::from_secs(32).min(session.interval / 3);
        self.set_leg_timer(key, LegTimer::SessionLimit, Some(now + session.interval - margin));
        let refresh = session.refresher_is_us.then_some(now + session.interval / 2);
        self.set_leg_timer(key, LegTimer::Refresh, refresh);
    }

    fn stop_session(&mut self, key: Key) {
        if let Some(leg) = self.legs.find_mut(key) {
            leg.session = None;
        }
        self.set_leg_timer(key, LegTimer::SessionLimit, None);
        self.set_leg_timer(key, LegTimer::Refresh, None);
    }

    /// Half the interval has passed: UPDATE if they know it, else the last description again.
    pub(crate) fn refresh_session(&mut self, now: Instant, key: Key) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        let Some(session) = leg.session else { return };
        if leg.phase != Phase::Established || !matches!(leg.change, Change::Idle) || leg.success.is_some() {
            return self.set_leg_timer(key, LegTimer::Refresh, Some(now + BUSY_WAIT));
        }
        if leg.knows_update {
            self.send_in_dialog(now, key, Method::Update, What::Refresh, None, |writer| {
                session.write_request(writer);
            });
        } else {
            let sdp = leg.local_sdp.clone();
            self.send_reinvite(now, key, sdp, 0);
        }
    }

    /// The answer to our UPDATE.
    pub(crate) fn handle_refresh_response(&mut self, now: Instant, key: Key, response: &Message, code: u16) {
        match code {
            200..=299 => {
                if let Some(leg) = self.legs.find_mut(key) {
                    leg.dialog.refresh_target(response);
                }
                self.agree_as_client(now, key, response);
            }
            408 | 481 => self.lose(now, key, code),
            422 if self.lengthen_session(key, response) => self.refresh_session(now, key),
            491 => self.set_glare_timer(now, key, LegTimer::Refresh),
            405 | 501 => {
                if let Some(leg) = self.legs.find_mut(key) {
                    leg.knows_update = false;
                }
                self.refresh_session(now, key);
            }
            _ => self.set_leg_timer(key, LegTimer::Refresh, Some(now + BUSY_WAIT)),
        }
    }
}

impl Endpoint {
    /// Takes the interval that a 422 asks for; `false` if it asks for no more than we had (RFC 4028 §7.3).
    pub(crate) fn lengthen_session(&mut self, key: Key, response: &Message) -> bool {
        let session = self.legs.find_mut(key).and_then(|leg| leg.session.as_mut());
        let (Some(session), Some(minimum)) = (session, response.number(Name::MinSe)) else { return false };
        let minimum = Duration::from_secs(minimum.into());
        let grows = minimum > session.interval && minimum <= Duration::from_secs(LONGEST.into());
        if grows {
            session.interval = minimum;
        }
        grows
    }

    /// A refresh was refused for now: again soon, as long as the session lasts.
    pub(crate) fn retry_refresh(&mut self, now: Instant, key: Key) {
        let session = self.legs.find(key).and_then(|leg| leg.session);
        if session.is_some_and(|session| session.refresher_is_us) {
            self.set_leg_timer(key, LegTimer::Refresh, Some(now + BUSY_WAIT));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refresher {
    Uac,
    Uas,
}

/// Whether the sender knows session timers.
fn knows_timer(message: &Message) -> bool {
    message.has_token(Name::Supported, "timer") || message.has_token(Name::Require, "timer")
}

/// `1800;refresher=uac`; at most a day.
fn read(message: &Message) -> Option<(Duration, Option<Refresher>)> {
    let seconds = message.number(Name::SessionExpires)?.clamp(1, LONGEST);
    let value = message.find(Name::SessionExpires)?;
    let params = value.iter().position(|&byte| byte == b';').map_or(&[][..], |at| &value[at..]);
    let refresher = match Params::new(params).find("refresher") {
        Some(name) if name.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
        Some(name) if name.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
        _ => None,
    };
    Some((Duration::from_secs(seconds.into()), refresher))
}
