//! What the endpoint remembers of one party.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::Source;
use super::event::Outbound;
use crate::arena::Key;
use crate::dialog::{Dialog, Early};
use crate::message::{Message, Name};
use crate::timers::TimerId;

/// How far a leg has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Their INVITE, not yet answered.
    Incoming,
    /// Their INVITE, our 200 sent, no ACK yet.
    Answered,
    /// Our INVITE, nothing heard.
    Calling,
    /// Our INVITE, a provisional response heard.
    Proceeding,
    /// The call stands.
    Established,
    /// Our BYE waits for its answer; the engine has been told the end.
    Terminating,
}

/// Timers of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LegTimer {
    /// Send our 2xx again: T1, doubling to T2 (RFC 3261 §13.3.1.4).
    RepeatSuccess,
    /// No ACK for 64 × T1.
    AckLimit,
    /// Neither answered nor refused; after a CANCEL: 64 × T1 without final response (§9.1).
    AnswerLimit,
    /// Nothing at all has answered our INVITE.
    Silence,
    /// Repeat the provisional response each minute, so that proxies keep waiting (§13.3.1.1).
    RepeatProvisional,
    /// Send our reliable provisional response again: T1, doubling (RFC 3262 §3).
    RepeatReliable,
    /// The call is too long.
    CallLimit,
    /// The engine thinks too long about their re-INVITE.
    ChangeLimit,
    /// Our re-INVITE met theirs: try again (§14.1).
    RetryChange,
    /// Half the session interval has passed: refresh (RFC 4028 §10).
    Refresh,
    /// Their refresh is overdue (RFC 4028 §10).
    SessionLimit,
}

/// A 2xx to INVITE that is repeated until its ACK.
#[derive(Debug)]
pub(crate) struct Success {
    pub(crate) bytes: Bytes,
    pub(crate) to: Source,
    pub(crate) seq: u32,
    pub(crate) interval: Duration,
    /// The 2xx carries our offer, so the ACK carries the answer.
    pub(crate) late_offer: bool,
}

/// Our provisional responses to a caller who knows PRACK (RFC 3262 §3): one at a time on the wire.
#[derive(Debug, Default)]
pub(crate) struct Reliable {
    /// The caller insists: each provisional response above 100 is reliable. Else those with a description.
    pub(crate) required: bool,
    /// RSeq of the last one; 0 before the first.
    pub(crate) rseq: u32,
    /// The one that waits for its PRACK.
    pub(crate) pending: Option<Pending>,
    /// Those behind it.
    pub(crate) queue: VecDeque<(u16, Option<Bytes>)>,
    /// A description was sent and acknowledged: the 200 needs none.
    pub(crate) described: bool,
    /// Our 200, which waits for the PRACK of a description.
    pub(crate) answer: Option<Bytes>,
}

/// A reliable provisional response without PRACK.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) code: u16,
    pub(crate) bytes: Bytes,
    pub(crate) has_description: bool,
    pub(crate) interval: Duration,
    pub(crate) give_up: Instant,
}

/// The one change of session that may be under way.
#[derive(Debug)]
pub(crate) enum Change {
    /// None.
    Idle,
    /// Their re-INVITE or UPDATE waits for the engine.
    Theirs { transaction: Key, request: Message },
    /// Our re-INVITE waits for its response.
    Ours { sdp: Option<Bytes>, tries: u32 },
    /// Our re-INVITE was refused with 491 and waits to be sent again.
    Waiting { sdp: Option<Bytes>, tries: u32 },
}

/// Whether our INVITE is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// No.
    No,
    /// As soon as a provisional response allows (RFC 3261 §9.1).
    Wanted,
    /// The CANCEL is sent.
    Sent,
}

/// What only a leg we called has.
#[derive(Debug)]
pub(crate) struct Calling {
    pub(crate) outbound: Outbound,
    pub(crate) cancel: Cancel,
    /// The code to report once a cancelled INVITE is over: 487, or 408 for the limit.
    pub(crate) cancel_code: u16,
    /// Its failure was told, although the INVITE is not over.
    pub(crate) told: bool,
    /// Challenges answered in a row.
    pub(crate) auth_tries: u32,
    /// The request under way inside the dialog carries credentials for its challenge.
    pub(crate) renewed: bool,
    /// The nonce used last, and how often.
    pub(crate) nonce: (String, u32),
    /// The credentials of the last request.
    pub(crate) authorization: Option<(Name, String)>,
    /// Min-SE learnt from a 422, seconds.
    pub(crate) session_minimum: u32,
    /// CSeq of the INVITE under way or answered.
    pub(crate) seq: u32,
    /// Early dialogs of a forked call besides the leg's own, which is the one heard last.
    pub(crate) forks: Vec<Dialog>,
}

/// Early dialogs of one call remembered at most.
const FORKS_LIMIT: usize = 16;

/// The session timer (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) interval: Duration,
    pub(crate) refresher_is_us: bool,
}

#[derive(Debug)]
pub(crate) struct Leg {
    pub(crate) phase: Phase,
    pub(crate) dialog: Dialog,
    /// Where their INVITE came from or ours goes.
    pub(crate) peer: Source,
    /// The transaction of the first INVITE.
    pub(crate) invite: Option<Key>,
    /// Their first INVITE, until it is answered.
    pub(crate) request: Option<Message>,
    pub(crate) calling: Option<Box<Calling>>,
    pub(crate) success: Option<Success>,
    pub(crate) reliable: Option<Box<Reliable>>,
    /// Our ACK and the CSeq it acknowledges.
    pub(crate) ack: Option<(u32, Bytes)>,
    pub(crate) change: Change,
    /// What we described last, for a refresh by re-INVITE.
    pub(crate) local_sdp: Option<Bytes>,
    pub(crate) session: Option<Session>,
    /// Whether their Allow names UPDATE.
    pub(crate) knows_update: bool,
    /// The engine has hung up; the BYE waits for the ACK (RFC 3261 §15).
    pub(crate) bye_after_ack: bool,
    /// Their REFER, until it is answered.
    pub(crate) refer: Option<Box<(Source, Message)>>,
    pub(crate) timers: Vec<(LegTimer, TimerId)>,
}

impl Leg {
    pub(crate) fn new(phase: Phase, dialog: Dialog, peer: Source) -> Leg {
        Leg {
            phase,
            dialog,
            peer,
            invite: None,
            request: None,
            calling: None,
            success: None,
            reliable: None,
            ack: None,
            change: Change::Idle,
            local_sdp: None,
            session: None,
            knows_update: false,
            bye_after_ack: false,
            refer: None,
            timers: Vec::new(),
        }
    }

    /// Makes the dialog with this remote tag the leg's own, if there is one; only a call that is not answered
    /// has several (RFC 3261 §12.1.2).
    pub(crate) fn focus(&mut self, tag: &str) -> bool {
        if self.dialog.remote_tag == tag {
            return true;
        }
        let forks = self.calling.as_mut().map(|calling| &mut calling.forks);
        let Some(fork) = forks.and_then(|forks| forks.iter_mut().find(|fork| fork.remote_tag == tag)) else {
            return false;
        };
        std::mem::swap(&mut self.dialog, fork);
        true
    }

    /// Takes what a response to our INVITE says of its dialog, which may be a new one of a fork.
    pub(crate) fn handle_response(&mut self, response: &Message) {
        let tag = response.to().and_then(|to| to.tag()).unwrap_or_default();
        if !self.dialog.remote_tag.is_empty() && !self.focus(tag) {
            let fork = self.fork();
            if let Some(calling) = &mut self.calling {
                if calling.forks.len() == FORKS_LIMIT {
                    calling.forks.remove(0);
                }
                calling.forks.push(std::mem::replace(&mut self.dialog, fork));
            }
        }
        self.dialog.handle_response(response);
    }

    /// A dialog of the same INVITE in which nothing has happened yet.
    pub(crate) fn fork(&self) -> Dialog {
        let local_seq = self.calling.as_ref().map_or(self.dialog.local_seq, |calling| calling.seq);
        Dialog { local_seq, remote_seq: None, early: Early::default(), ..self.dialog.clone() }
    }

    /// Where requests in the dialog go: an open connection, else the next hop's address, else where the
    /// INVITE came from. A private address in the Contact of a public peer is a NAT's inside: not followed.
    pub(crate) fn hop(&self) -> Source {
        if self.peer.connection.is_some() {
            return self.peer;
        }
        let remote = match self.dialog.next_hop() {
            Some(hop) if is_private(hop.ip()) && !is_private(self.peer.remote.ip()) => self.peer.remote,
            Some(hop) if hop.is_ipv4() == self.peer.local.is_ipv4() => hop,
            _ => self.peer.remote,
        };
        Source { remote, ..self.peer }
    }
}

fn is_private(address: std::net::IpAddr) -> bool {
    match address.to_canonical() {
        std::net::IpAddr::V4(v4) => {
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()
        }
        std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local(),
    }
}

/// Everything that can be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Transaction(Key, crate::transaction::Timer),
    Leg(Key, LegTimer),
}

/// Sets, replaces and cancels a leg's timers.
pub(crate) fn set_timer(
    timers: &mut crate::timers::Timers<Due>,
    leg: &mut Leg,
    key: Key,
    timer: LegTimer,
    at: Option<Instant>,
) {
    if let Some(place) = leg.timers.iter().position(|(set, _)| *set == timer) {
        timers.cancel(leg.timers.swap_remove(place).1);
    }
    if let Some(at) = at {
        leg.timers.push((timer, timers.set(at, Due::Leg(key, timer))));
    }
}
