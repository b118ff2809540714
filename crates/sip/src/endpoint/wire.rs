//! The transaction layer: matching, sending, timers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Endpoint;
use super::config::{Source, Transport};
use super::event::Datagram;
use super::leg::Due;
use crate::arena::Key;
use crate::message::{Framing, Limits, Message, Method, Name, Writer};
use crate::timers::TimerId;
use crate::transaction::{
    Action, Class, ClientKey, Input, InviteClient, InviteServer, Machine, OtherClient, OtherServer,
    ServerKey, State, Timer, Timing, merge_key,
};

/// A transaction and whom it serves.
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) machine: Machine,
    /// Where it sends.
    pub(crate) to: Source,
    role: Role,
    timers: Vec<(Timer, TimerId)>,
}

#[derive(Debug)]
enum Role {
    Server { key: ServerKey, merge: Option<Box<[u8]>>, leg: Option<Key> },
    Client { key: ClientKey, leg: Key, what: What, request: Bytes },
}

/// What a request of ours was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The first INVITE of a leg.
    Invite,
    /// A re-INVITE.
    Reinvite,
    /// An UPDATE that refreshes the session.
    Refresh,
    /// A BYE.
    Bye,
    /// INFO, NOTIFY: only the answer that the dialog is gone counts.
    Other,
    /// A CANCEL, the BYE of a forked call: no answer counts.
    Aside,
}

/// How a request of ours ended without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Nobody answered: counts as 408 (RFC 3261 §8.1.3.1).
    TimedOut,
    /// It could not be sent: counts as 503.
    Unreachable,
}

impl Silence {
    pub(crate) fn code(self) -> u16 {
        match self {
            Silence::TimedOut => 408,
            Silence::Unreachable => 503,
        }
    }
}

impl Endpoint {
    pub(crate) fn send(&mut self, to: &Source, bytes: Bytes) {
        self.datagrams.push_back(Datagram {
            transport: to.transport,
            local: to.local,
            to: to.remote,
            connection: to.connection,
            bytes,
        });
    }

    fn timing(&self, transport: Transport) -> Timing {
        Timing {
            t1: self.config.t1,
            t2: self.config.t2,
            t4: self.config.t4,
            reliable: transport == Transport::Tcp,
        }
    }

    /// Sends `request` and follows it to its end.
    pub(crate) fn begin_client(
        &mut self,
        now: Instant,
        to: Source,
        method: Method,
        branch: &str,
        request: Bytes,
        user: (Key, What),
    ) -> Key {
        let timing = self.timing(to.transport);
        let mut actions = std::mem::take(&mut self.actions);
        let machine = match method {
            Method::Invite => Machine::InviteClient(InviteClient::new(timing, request.clone(), &mut actions)),
            _ => Machine::OtherClient(OtherClient::new(timing, request.clone(), &mut actions)),
        };
        let key = ClientKey::new(branch, method);
        let role = Role::Client { key: key.clone(), leg: user.0, what: user.1, request };
        let transaction = self.transactions.insert(Transaction { machine, to, role, timers: Vec::new() });
        self.clients.insert(key, transaction);
        self.actions = actions;
        self.perform(now, transaction, None);
        transaction
    }

    /// Begins to answer `request`; `None` if it cannot be matched or too much goes on.
    pub(crate) fn begin_server(&mut self, request: &Message, source: &Source) -> Option<Key> {
        if self.transactions.len() >= self.config.transactions_limit {
            return None;
        }
        let method = request.method()?;
        let to = response_path(request, source);
        let timing = self.timing(to.transport);
        let machine = match method {
            Method::Invite => Machine::InviteServer(InviteServer::new(timing)),
            _ => Machine::OtherServer(OtherServer::new(timing)),
        };
        let key = ServerKey::of_request(request, method)?;
        let has_tag = request.to().is_some_and(|to| to.tag().is_some());
        let merge = if has_tag || method == Method::Cancel { None } else { merge_key(request) };
        let role = Role::Server { key: key.clone(), merge: merge.clone(), leg: None };
        let transaction = self.transactions.insert(Transaction { machine, to, role, timers: Vec::new() });
        self.servers.insert(key, transaction);
        if let Some(merge) = merge {
            self.merges.entry(merge).or_insert(transaction);
        }
        Some(transaction)
    }

    /// Whether `request` came before by another way (RFC 3261 §8.2.2.2).
    pub(crate) fn is_merged(&self, request: &Message) -> bool {
        merge_key(request).is_some_and(|key| self.merges.contains_key(&key))
    }

    /// The server transaction of `request` taken as `method`.
    pub(crate) fn find_server(&self, request: &Message, method: Method) -> Option<Key> {
        self.servers.get(&ServerKey::of_request(request, method)?).copied()
    }

    pub(crate) fn find_client(&self, response: &Message) -> Option<Key> {
        self.clients.get(&ClientKey::of_response(response)?).copied()
    }

    pub(crate) fn set_server_leg(&mut self, transaction: Key, leg: Key) {
        if let Some(Transaction { role: Role::Server { leg: place, .. }, .. }) =
            self.transactions.find_mut(transaction)
        {
            *place = Some(leg);
        }
    }

    pub(crate) fn server_leg(&self, transaction: Key) -> Option<Key> {
        match self.transactions.find(transaction)?.role {
            Role::Server { leg, .. } => leg,
            Role::Client { .. } => None,
        }
    }

    pub(crate) fn client_request(&self, transaction: Key) -> Option<(Bytes, Source)> {
        let found = self.transactions.find(transaction)?;
        match &found.role {
            Role::Client { request, .. } => Some((request.clone(), found.to)),
            Role::Server { .. } => None,
        }
    }

    /// Sends a response through its transaction.
    pub(crate) fn respond(&mut self, now: Instant, transaction: Key, code: u16, bytes: Bytes) {
        self.drive(now, transaction, Input::Response { class: Class::of(code), bytes }, None);
    }

    /// Feeds a transaction and does what it says.
    pub(crate) fn drive(&mut self, now: Instant, key: Key, input: Input, response: Option<&Message>) {
        let Some(transaction) = self.transactions.find_mut(key) else { return };
        let mut actions = std::mem::take(&mut self.actions);
        transaction.machine.handle(input, &mut actions);
        self.actions = actions;
        self.perform(now, key, response);
    }

    fn perform(&mut self, now: Instant, key: Key, response: Option<&Message>) {
        let mut actions = std::mem::take(&mut self.actions);
        let mut deliver = false;
        let mut silence = None;
        let mut index = 0;
        while let Some(action) = actions.get(index).cloned() {
            index += 1;
            let Some(transaction) = self.transactions.find_mut(key) else { break };
            match action {
                Action::Send(bytes) => {
                    let to = transaction.to;
                    self.send(&to, bytes);
                }
                // Nothing to wait for: the timer fires within this call.
                Action::Set(timer, Duration::ZERO) => {
                    transaction.machine.handle(Input::Timer(timer), &mut actions);
                }
                Action::Set(timer, wait) => {
                    transaction.timers.retain(|(set, _)| *set != timer);
                    let id = self.timers.set(now + wait, Due::Transaction(key, timer));
                    transaction.timers.push((timer, id));
                }
                Action::Deliver => deliver = true,
                Action::TimedOut => silence = Some(Silence::TimedOut),
                Action::TransportFailed => silence = Some(Silence::Unreachable),
            }
        }
        actions.clear();
        self.actions = actions;
        let user = self.transactions.find(key).and_then(|transaction| match transaction.role {
            Role::Client { leg, what, .. } => Some((leg, what)),
            Role::Server { .. } => None,
        });
        // The user may need the request once more, so a transaction that ended is forgotten after it.
        if let Some((leg, what)) = user {
            if let Some(response) = response.filter(|_| deliver) {
                self.handle_final_or_provisional(now, key, leg, what, response);
            } else if let Some(silence) = silence {
                self.handle_silence(now, leg, what, silence);
            }
        }
        self.forget_if_over(key);
    }

    fn forget_if_over(&mut self, key: Key) {
        if self.transactions.find(key).is_none_or(|found| found.machine.state() != State::Terminated) {
            return;
        }
        let Some(transaction) = self.transactions.remove(key) else { return };
        for (_, id) in transaction.timers {
            self.timers.cancel(id);
        }
        match transaction.role {
            Role::Client { key, .. } => {
                self.clients.remove(&key);
            }
            Role::Server { key: server, merge, .. } => {
                self.servers.remove(&server);
                if let Some(merge) = merge.filter(|merge| self.merges.get(merge) == Some(&key)) {
                    self.merges.remove(&merge);
                }
            }
        }
    }

    pub(crate) fn handle_transaction_timer(&mut self, now: Instant, key: Key, timer: Timer) {
        if let Some(transaction) = self.transactions.find_mut(key) {
            transaction.timers.retain(|(set, _)| *set != timer);
        }
        self.drive(now, key, Input::Timer(timer), None);
    }

    /// Sends a request no more; what answers it is still taken.
    pub(crate) fn stop_repeating(&mut self, key: Key) {
        let Some(transaction) = self.transactions.find_mut(key) else { return };
        let (repeats, others) =
            std::mem::take(&mut transaction.timers).into_iter().partition(|(timer, _)| *timer == Timer::A);
        transaction.timers = others;
        let repeats: Vec<(Timer, TimerId)> = repeats;
        for (_, id) in repeats {
            self.timers.cancel(id);
        }
    }

    /// Fails every transaction whose path is `lost`.
    pub(crate) fn fail_transactions(&mut self, now: Instant, lost: impl Fn(&Source) -> bool) {
        let failed: Vec<Key> =
            self.transactions.iter().filter(|(_, found)| lost(&found.to)).map(|(key, _)| key).collect();
        for key in failed {
            self.drive(now, key, Input::TransportError, None);
        }
    }

    /// A response comes back: to its transaction, with the ACK if it is a failure of INVITE.
    pub(crate) fn handle_response(&mut self, now: Instant, response: &Message) {
        let (Some(key), Some(code)) = (self.find_client(response), response.code()) else { return };
        let class = Class::of(code);
        let is_invite = response.cseq().is_some_and(|cseq| cseq.method == Method::Invite);
        let bytes = if class == Class::Failure && is_invite {
            self.client_request(key)
                .and_then(|(request, _)| failure_ack(&request, response))
                .unwrap_or_default()
        } else {
            Bytes::new()
        };
        self.drive(now, key, Input::Response { class, bytes }, Some(response));
    }

    /// Begins a response: Via with the source noted, From, To with `tag`, Call-ID, CSeq.
    pub(crate) fn response(
        &self,
        request: &Message,
        source: &Source,
        code: u16,
        reason: Option<&str>,
        tag: Option<&str>,
    ) -> Writer {
        let mut writer = Writer::response(code, reason);
        write_vias(&mut writer, request, source);
        writer.copy(request, Name::From);
        match (tag, request.find(Name::To)) {
            (Some(tag), Some(to)) if request.to().is_some_and(|parsed| parsed.tag().is_none()) => {
                writer.header(Name::To, [to, b";tag=", tag.as_bytes()].concat());
            }
            _ => {
                writer.copy(request, Name::To);
            }
        }
        writer.copy(request, Name::CallId).copy(request, Name::CSeq);
        if code == 100 {
            writer.copy(request, Name::Timestamp);
        } else {
            writer.other("Server", &self.config.user_agent);
        }
        writer
    }
}

/// Where responses go (RFC 3261 §18.2.2, RFC 3581 §4).
pub(crate) fn response_path(request: &Message, source: &Source) -> Source {
    if source.transport == Transport::Tcp {
        return *source;
    }
    let port = request.via().and_then(|via| match via.params().find("rport") {
        Some(_) => None,
        None => Some(via.port().unwrap_or(5060)),
    });
    let remote =
        SocketAddr::new(source.remote.ip(), port.filter(|&port| port > 0).unwrap_or(source.remote.port()));
    Source { remote, ..*source }
}

/// Copies every Via, `received` and `rport` added to the topmost (RFC 3261 §18.2.1, RFC 3581 §4).
fn write_vias(writer: &mut Writer, request: &Message, source: &Source) {
    let Some(via) = request.via() else {
        writer.copy(request, Name::Via);
        return;
    };
    let remote = source.remote;
    let mut top = format!("SIP/2.0/{} {}", via.transport(), via.host());
    if let Some(port) = via.port() {
        top.push_str(&format!(":{port}"));
    }
    let mut has_rport = false;
    for (name, value) in via.params().iter() {
        let name = String::from_utf8_lossy(name);
        if name.eq_ignore_ascii_case("received") {
            continue;
        }
        top.push(';');
        top.push_str(&name);
        if name.eq_ignore_ascii_case("rport") {
            has_rport = true;
            top.push_str(&format!("={}", remote.port()));
        } else if let Some(value) = value {
            top.push('=');
            top.push_str(&String::from_utf8_lossy(value));
        }
    }
    let ip = remote.ip().to_canonical();
    if has_rport || crate::message::parse_ip(via.host()).is_none_or(|host| host.to_canonical() != ip) {
        top.push_str(&format!(";received={ip}"));
    }
    writer.header(Name::Via, top);
    for value in request.values(Name::Via).skip(1) {
        writer.header(Name::Via, value);
    }
}

/// The ACK of a failed INVITE, from the INVITE and the failure (RFC 3261 §17.1.1.3).
fn failure_ack(request: &Bytes, response: &Message) -> Option<Bytes> {
    let request = Message::parse(request.clone(), Framing::Datagram, &Limits::default()).ok()?;
    let mut ack = Writer::request("ACK", request.request_uri()?.as_str());
    ack.copy(&request, Name::Via).header(Name::MaxForwards, "70").copy(&request, Name::Route);
    ack.copy(&request, Name::From).copy(response, Name::To).copy(&request, Name::CallId);
    ack.format(Name::CSeq, format_args!("{} ACK", request.cseq()?.number));
    Some(ack.finish(None))
}
