//! The user agent: datagrams in, events out; operations in, datagrams out.

mod change;
mod config;
mod dtmf;
mod event;
mod in_dialog;
mod inbound;
mod leg;
mod outbound;
mod reliable;
mod screen;
mod session_timer;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;

pub use config::{Config, ConnectionId, Network, NetworkError, Source, Sources, Transport};
pub use dtmf::dtmf_relay;
pub use event::{Counts, Datagram, EndCause, Event, Invite, LegKey, OpError, Outbound, Party};

use crate::arena::{Arena, Key};
use crate::ids::Ids;
use crate::message::{Framing, Message, Method, Name, ParseError, ParseErrorKind};
use crate::registrar::Registrar;
use crate::timers::Timers;
use crate::transaction::{Action, ClientKey, Input, Machine, ServerKey, State};
use leg::{Due, Leg, LegTimer};
use wire::Transaction;

/// A SIP user agent without sockets and clock.
///
/// Its methods are of four kinds: `handle_*` (something happened), operations on a leg (`ring`, `answer`,
/// `bye`, …), `poll_*` (what to send, tell, wait for), and `counts`. After each of the first two, drain
/// [`Endpoint::poll_datagram`] and [`Endpoint::poll_event`] until `None`, then wait until
/// [`Endpoint::poll_timeout`].
#[derive(Debug)]
pub struct Endpoint {
    config: Config,
    ids: Ids,
    transactions: Arena<Transaction>,
    servers: HashMap<ServerKey, Key>,
    clients: HashMap<ClientKey, Key>,
    merges: HashMap<Box<[u8]>, Key>,
    legs: Arena<Leg>,
    /// Legs by our tag, which is unique.
    dialogs: HashMap<String, Key>,
    timers: Timers<Due>,
    datagrams: VecDeque<Datagram>,
    events: VecDeque<Event>,
    /// Telephones that register; without it a REGISTER is refused.
    registrar: Option<Registrar>,
    /// When each unknown source was last told of.
    strangers: HashMap<IpAddr, Instant>,
    /// Kept empty between calls, to be filled without allocating.
    actions: Vec<Action>,
}

/// An unknown source is told of once in this time.
const STRANGER_INTERVAL: Duration = Duration::from_secs(60);
/// Unknown sources remembered at most; beyond, new ones are not told of.
const STRANGERS_LIMIT: usize = 1024;

impl Endpoint {
    /// An endpoint with nothing going on. Tags, branches and Call-IDs come from `seed`, which must be secret
    /// in operation.
    pub fn new(config: Config, _now: Instant, seed: [u8; 32]) -> Endpoint {
        Endpoint {
            config,
            ids: Ids::new(seed),
            transactions: Arena::new(),
            servers: HashMap::new(),
            clients: HashMap::new(),
            merges: HashMap::new(),
            legs: Arena::new(),
            dialogs: HashMap::new(),
            timers: Timers::new(),
            datagrams: VecDeque::new(),
            events: VecDeque::new(),
            registrar: None,
            strangers: HashMap::new(),
            actions: Vec::new(),
        }
    }

    /// The configuration; changes count from the next message on.
    pub fn config_mut(&mut self) -> &mut Config {
        &mut self.config
    }

    /// Takes REGISTERs from now on.
    pub fn set_registrar(&mut self, registrar: Registrar) {
        self.registrar = Some(registrar);
    }

    /// Who may register and where they are; `None`: nobody may.
    pub fn registrar_mut(&mut self) -> Option<&mut Registrar> {
        self.registrar.as_mut()
    }

    /// A datagram, or one message of a stream, came in. Never fails: what cannot be used is answered or
    /// dropped as the RFC asks.
    pub fn handle_datagram(&mut self, now: Instant, source: Source, bytes: Bytes) {
        let framing = match source.transport {
            Transport::Udp => Framing::Datagram,
            Transport::Tcp => Framing::Stream,
        };
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            return;
        }
        let known = self.config.sources.allow(source.remote.ip());
        match Message::parse(bytes, framing, &self.config.limits) {
            Ok(message) if message.is_request() => self.handle_request(now, source, message, known),
            Ok(message) => self.handle_response(now, &message),
            Err(error) if known => self.handle_broken(&source, &error),
            Err(_) => self.note_stranger(now, source.remote),
        }
    }

    /// A TCP connection that a [`Datagram`] without connection asked for is open: later messages to
    /// `remote` use it.
    pub fn handle_connection(&mut self, remote: SocketAddr, connection: ConnectionId) {
        let adopt = |path: &mut Source| {
            if path.transport == Transport::Tcp && path.connection.is_none() && path.remote == remote {
                path.connection = Some(connection);
            }
        };
        self.transactions.iter_mut().for_each(|(_, transaction)| adopt(&mut transaction.to));
        self.legs.iter_mut().for_each(|(_, leg)| adopt(&mut leg.peer));
    }

    /// A TCP connection is gone: its transactions fail, its calls go on and open another when they must.
    pub fn handle_connection_lost(&mut self, now: Instant, connection: ConnectionId) {
        for (_, leg) in self.legs.iter_mut().filter(|(_, leg)| leg.peer.connection == Some(connection)) {
            leg.peer.connection = None;
        }
        self.fail_transactions(now, |path| path.connection == Some(connection));
    }

    /// Nothing can be sent to `remote` (a refused connection, an ICMP error): requests waiting for it fail
    /// with 503.
    pub fn handle_unreachable(&mut self, now: Instant, remote: SocketAddr) {
        self.fail_transactions(now, |path| path.remote == remote);
    }

    /// The time of [`Endpoint::poll_timeout`] has come. Coming early or late does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some((_, due)) = self.timers.pop(now) {
            match due {
                Due::Transaction(key, timer) => self.handle_transaction_timer(now, key, timer),
                Due::Leg(key, timer) => self.handle_leg_timer(now, key, timer),
            }
        }
    }

    /// When to call [`Endpoint::handle_timeout`]; `None`: never.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        self.timers.next()
    }

    /// The next message to send.
    pub fn poll_datagram(&mut self) -> Option<Datagram> {
        self.datagrams.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How much is going on.
    pub fn counts(&self) -> Counts {
        Counts {
            legs: self.legs.len(),
            dialogs: self.dialogs.len(),
            transactions: self.transactions.len(),
            timers: self.timers.len(),
        }
    }

    fn handle_request(&mut self, now: Instant, source: Source, request: Message, known: bool) {
        let Some(method) = request.method() else { return };
        if method == Method::Ack {
            return self.handle_ack(now, &request);
        }
        if let Some(transaction) = self.find_server(&request, method) {
            return self.drive(now, transaction, Input::Request, None);
        }
        let in_dialog = request.to().and_then(|to| to.tag()).is_some();
        let leg = self.find_leg(&request);
        let cancelled =
            if method == Method::Cancel { self.find_server(&request, Method::Invite) } else { None };
        if !known && leg.is_none() && cancelled.is_none() {
            return self.note_stranger(now, source.remote);
        }
        match (method, leg) {
            (Method::Cancel, _) => self.handle_cancel(now, &source, &request, cancelled),
            (_, Some(leg)) => self.handle_in_dialog(now, source, request, leg),
            (_, None) if in_dialog => self.refuse(now, &source, &request, 481, |_| {}),
            (_, None) => self.handle_out_of_dialog(now, source, request),
        }
    }

    /// The leg whose dialog the request is in.
    fn find_leg(&self, request: &Message) -> Option<Key> {
        let (from, to) = (request.from()?, request.to()?);
        let key = *self.dialogs.get(to.tag()?)?;
        let leg = self.legs.find(key)?;
        let is_early = matches!(leg.phase, leg::Phase::Calling | leg::Phase::Proceeding);
        let forks = leg.calling.iter().filter(|_| is_early).flat_map(|calling| &calling.forks);
        let (call_id, ours, theirs) = (request.call_id()?, to.tag()?, from.tag().unwrap_or_default());
        std::iter::once(&leg.dialog)
            .chain(forks)
            .any(|dialog| dialog.matches(call_id, ours, theirs))
            .then_some(key)
    }

    /// ACK: of a failure to its transaction, of a 2xx to its dialog.
    fn handle_ack(&mut self, now: Instant, ack: &Message) {
        if let Some(key) = self.find_server(ack, Method::Invite) {
            let state = self.transactions.find(key).map(|found| found.machine.state());
            if matches!(state, Some(State::Completed | State::Confirmed)) {
                return self.drive(now, key, Input::Ack, None);
            }
        }
        if let Some(leg) = self.find_leg(ack) {
            self.handle_success_ack(now, leg, ack);
        }
    }

    /// CANCEL is answered itself, then ends the INVITE if that has no final response (RFC 3261 §9.2).
    fn handle_cancel(&mut self, now: Instant, source: &Source, cancel: &Message, invite: Option<Key>) {
        let Some(invite) = invite else { return self.refuse(now, source, cancel, 481, |_| {}) };
        let leg = self.server_leg(invite);
        let tag = leg.and_then(|key| self.legs.find(key)).map(|leg| leg.dialog.local_tag.clone());
        let Some(transaction) = self.begin_server(cancel, source) else { return };
        let response = self.response(cancel, source, 200, None, tag.as_deref());
        self.respond(now, transaction, 200, response.finish(None));
        let is_pending = self.transactions.find(invite).is_some_and(|found| {
            matches!(found.machine, Machine::InviteServer(_)) && found.machine.state() == State::Proceeding
        });
        if let Some(leg) = leg.filter(|_| is_pending) {
            self.cancel_incoming(now, leg, cancel);
        }
    }

    /// A request that cannot be read is answered without keeping anything (RFC 3261 §8.2.7); broken
    /// responses and ACKs are dropped.
    fn handle_broken(&mut self, source: &Source, error: &ParseError) {
        let Some(request) = &error.partial else { return };
        if !request.is_request() || request.method() == Some(Method::Ack) {
            return;
        }
        // An unknown method says more than a CSeq that names another (RFC 4475 §3.1.2.18).
        let is_unknown = request.method() == Some(Method::Other)
            && error.kind == ParseErrorKind::Malformed(Name::CSeq)
            && request.cseq().is_some();
        let code = if is_unknown { 501 } else { error.kind.code() };
        let tag = self.ids.tag();
        let mut response = self.response(request, source, code, None, Some(&tag));
        if is_unknown {
            response.header(Name::Allow, screen::ALLOW);
        }
        let to = wire::response_path(request, source);
        self.send(&to, response.finish(None));
    }

    fn note_stranger(&mut self, now: Instant, addr: SocketAddr) {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < STRANGER_INTERVAL;
        if self.strangers.get(&addr.ip()).is_some_and(is_recent) {
            return;
        }
        if self.strangers.len() >= STRANGERS_LIMIT {
            self.strangers.retain(|_, at| is_recent(at));
            if self.strangers.len() >= STRANGERS_LIMIT {
                return;
            }
        }
        self.strangers.insert(addr.ip(), now);
        self.events.push_back(Event::UnknownSource { addr });
    }

    fn handle_leg_timer(&mut self, now: Instant, key: Key, timer: LegTimer) {
        let Some(leg) = self.legs.find_mut(key) else { return };
        leg.timers.retain(|(set, _)| *set != timer);
        match timer {
            LegTimer::RepeatSuccess => self.repeat_success(now, key),
            LegTimer::AckLimit => self.end_by_us(now, key, EndCause::NoAck),
            LegTimer::AnswerLimit => self.handle_answer_limit(now, key),
            LegTimer::Silence => self.handle_silence_limit(now, key),
            LegTimer::RepeatProvisional => self.repeat_provisional(now, key),
            LegTimer::RepeatReliable => self.repeat_reliable(now, key),
            LegTimer::CallLimit => self.end_by_us(now, key, EndCause::CallLimit),
            LegTimer::ChangeLimit => {
                let _ = self.refuse_change(now, key, 500);
            }
            LegTimer::RetryChange => self.retry_change(now, key),
            LegTimer::Refresh => self.refresh_session(now, key),
            LegTimer::SessionLimit => self.end_by_us(now, key, EndCause::SessionExpired),
        }
    }

    fn set_leg_timer(&mut self, key: Key, timer: LegTimer, at: Option<Instant>) {
        if let Some(leg) = self.legs.find_mut(key) {
            leg::set_timer(&mut self.timers, leg, key, timer, at);
        }
    }

    /// Forgets a leg and everything that hangs on it.
    fn remove_leg(&mut self, key: Key) -> Option<Leg> {
        let leg = self.legs.remove(key)?;
        for (_, id) in &leg.timers {
            self.timers.cancel(*id);
        }
        self.dialogs.remove(&leg.dialog.local_tag);
        Some(leg)
    }

    fn leg_mut(&mut self, leg: LegKey) -> Result<&mut Leg, OpError> {
        let found = self
            .legs
            .find_mut(leg.0)
            .filter(|leg| leg.phase != leg::Phase::Terminating && !leg.bye_after_ack);
        found.ok_or(OpError::NoLeg)
    }
}
