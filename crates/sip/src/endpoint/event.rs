//! What goes in and out of the endpoint besides bytes.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use super::config::{ConnectionId, Source, Transport};
use crate::arena::Key;
use crate::auth::Credentials;
use crate::message::{Message, NameAddr, Scheme};

/// One party of a call: a dialog, from the INVITE to its end. Keys are never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegKey(pub(crate) Key);

impl std::fmt::Display for LegKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0.0 as u32, self.0.0 >> 32)
    }
}

/// Bytes to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// How.
    pub transport: Transport,
    /// From which of our addresses.
    pub local: SocketAddr,
    /// Whereto.
    pub to: SocketAddr,
    /// On which connection; `None` on TCP: open one, and say which by [`super::Endpoint::handle_connection`].
    pub connection: Option<ConnectionId>,
    /// One message.
    pub bytes: Bytes,
}

/// A name and an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The display name, without quotes; empty if there is none.
    pub display: String,
    /// The URI.
    pub uri: String,
}

impl Party {
    pub(crate) fn of(value: &NameAddr<'_>) -> Party {
        Party { display: value.display().into_owned(), uri: value.uri().as_str().to_owned() }
    }

    /// As a header value.
    pub(crate) fn to_value(&self) -> String {
        if self.display.is_empty() {
            return format!("<{}>", self.uri);
        }
        let mut value = String::from("\"");
        for letter in self.display.chars().filter(|letter| !letter.is_control()) {
            if letter == '"' || letter == '\\' {
                value.push('\\');
            }
            value.push(letter);
        }
        value.push_str(&format!("\" <{}>", self.uri));
        value
    }

    /// The user part or telephone number of the URI, escapes resolved; empty if there is none.
    pub fn user(&self) -> String {
        crate::message::Uri::parse(self.uri.as_bytes()).map(|uri| uri.user().into_owned()).unwrap_or_default()
    }
}

/// A call that comes in.
#[derive(Clone, Debug)]
pub struct Invite {
    /// The user part of the Request-URI, escapes resolved: the number dialled.
    pub user: String,
    /// The host of the Request-URI.
    pub host: String,
    /// The scheme of the Request-URI: `sip`, `sips` or `tel`.
    pub scheme: Scheme,
    /// From.
    pub from: Party,
    /// To.
    pub to: Party,
    /// The first P-Asserted-Identity (RFC 3325): to be believed only from a trunk that is trusted.
    pub asserted: Option<Party>,
    /// Call-ID.
    pub call_id: String,
    /// Where it came from.
    pub source: Source,
    /// Whose telephone it is, if it is registered here; they have proved to be that.
    pub telephone: Option<String>,
    /// The session description offered; `None`: we make the offer in our answer.
    pub offer: Option<Bytes>,
    /// The whole request, for every other header.
    pub message: Message,
}

/// A call to make.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// The Request-URI.
    pub target: String,
    /// Where the INVITE goes.
    pub destination: SocketAddr,
    /// How it goes.
    pub transport: Transport,
    /// Our address on that way.
    pub local: SocketAddr,
    /// An open connection to the destination, on TCP.
    pub connection: Option<ConnectionId>,
    /// Who calls.
    pub from: Party,
    /// Who is called.
    pub to: Party,
    /// Our offer; `None` asks the other side for one.
    pub sdp: Option<Bytes>,
    /// Name and password for a challenge.
    pub credentials: Option<Credentials>,
    /// Further headers, such as P-Asserted-Identity.
    pub headers: Vec<(String, String)>,
    /// How long to wait for the final response; `None` takes [`super::Config::answer_limit`].
    pub answer_limit: Option<Duration>,
    /// How long to wait for anything at all, 100 included, before the call is given up as silent; `None`: 64 × T1.
    pub silence_limit: Option<Duration>,
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// We hung up.
    LocalBye,
    /// They hung up.
    RemoteBye,
    /// Our 200, or a reliable provisional response, was never acknowledged.
    NoAck,
    /// Neither answered nor refused within [`super::Config::answer_limit`].
    NoAnswer,
    /// The session timer ran out without a refresh (RFC 4028 §10).
    SessionExpired,
    /// The call reached [`super::Config::call_limit`].
    CallLimit,
    /// The other side no longer knows the dialog, does not answer, or cannot be reached; with the code.
    Lost(u16),
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A call comes in; 100 has been sent.
    Invite {
        /// The new leg.
        leg: LegKey,
        /// What it wants.
        invite: Box<Invite>,
    },
    /// A user's telephones registered, or no longer do.
    Registered {
        /// Who.
        user: String,
        /// How many telephones there are now.
        count: usize,
    },
    /// REGISTERs of this address get no answer for a while: too many came, or too many with a wrong password.
    Banned {
        /// Whose.
        address: IpAddr,
        /// For how long.
        duration: Duration,
    },
    /// Our 200 was acknowledged: the call stands.
    Established {
        /// The leg.
        leg: LegKey,
        /// The answer to our offer, if the INVITE had none.
        sdp: Option<Bytes>,
    },
    /// Our reliable provisional response was acknowledged (RFC 3262).
    ProgressAcked {
        /// The leg.
        leg: LegKey,
        /// The answer to the offer it carried, if the INVITE had none.
        sdp: Option<Bytes>,
    },
    /// The caller gave up before we answered. The leg is gone.
    Cancelled {
        /// The leg.
        leg: LegKey,
        /// The value of Reason (RFC 3326), such as `SIP;cause=200` for a call answered elsewhere.
        reason: Option<String>,
    },
    /// The other side wants to change the session, perhaps before the call is answered: answer with `accept_reinvite` or `reject_reinvite`.
    Reinvite {
        /// The leg.
        leg: LegKey,
        /// Its offer; `None`: ours is asked for.
        offer: Option<Bytes>,
    },
    /// Our answer to their re-INVITE was acknowledged.
    ReinviteAcked {
        /// The leg.
        leg: LegKey,
        /// The answer to our offer, if the re-INVITE had none.
        sdp: Option<Bytes>,
    },
    /// Our re-INVITE was accepted; also one that only refreshed the session (RFC 4028), with the same answer.
    ReinviteAnswered {
        /// The leg.
        leg: LegKey,
        /// Their answer.
        sdp: Option<Bytes>,
    },
    /// Our re-INVITE was refused; the session stays as it was.
    ReinviteFailed {
        /// The leg.
        leg: LegKey,
        /// The status code.
        code: u16,
    },
    /// An INFO came and was answered with 200; [`super::dtmf_relay`] reads digits.
    Info {
        /// The leg.
        leg: LegKey,
        /// Content-Type without parameters; empty if absent.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// A REFER came ([`super::Config::allow_refer`]); it waits for `answer_refer`.
    Refer {
        /// The leg.
        leg: LegKey,
        /// The value of Refer-To.
        refer_to: String,
    },
    /// The leg is over after it was answered, or by a limit. The leg is gone.
    Ended {
        /// The leg.
        leg: LegKey,
        /// Why.
        cause: EndCause,
        /// The value of their Reason header.
        reason: Option<String>,
    },
    /// A provisional response to our INVITE, 100 left out.
    Progress {
        /// The leg.
        leg: LegKey,
        /// 180, 183, …
        code: u16,
        /// Early media.
        sdp: Option<Bytes>,
    },
    /// Our INVITE was answered; the ACK is on its way, unless we offered nothing: then `acknowledge`.
    Answered {
        /// The leg.
        leg: LegKey,
        /// Their answer, or their offer if we made none.
        sdp: Option<Bytes>,
    },
    /// Our INVITE failed. The leg is gone, or nothing more is told of it.
    Failed {
        /// The leg.
        leg: LegKey,
        /// The status code: 408 if nobody answered, 503 if it could not be sent, 487 if cancelled.
        code: u16,
        /// The reason phrase.
        reason: String,
        /// Retry-After.
        retry_after: Option<Duration>,
        /// What the telephone network says of it: the cause of ITU-T Q.850 in their Reason header (RFC 3326).
        cause: Option<u16>,
        /// Nothing answered our INVITE, not even with 100: it could not be sent, or whoever it went to is not there.
        silent: bool,
    },
    /// Someone we do not listen to; told at most once a minute and address.
    UnknownSource {
        /// Who.
        addr: SocketAddr,
    },
}

/// An operation that cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpError {
    /// The leg has ended; its last event is still to be read or was.
    #[error("the leg has ended")]
    NoLeg,
    /// Not now: the leg is in another phase, or a change is under way.
    #[error("the leg cannot do that now")]
    WrongState,
    /// An argument is no valid URI, code or header.
    #[error("invalid argument: {0}")]
    Invalid(&'static str),
}

/// How much the endpoint holds; all zero when nothing goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Legs, those that wait for the answer to their BYE included.
    pub legs: usize,
    /// Entries in the table of dialogs.
    pub dialogs: usize,
    /// Transactions of all kinds.
    pub transactions: usize,
    /// Timers set.
    pub timers: usize,
}

impl Event {
    /// The leg it happened on, if on one.
    pub fn leg(&self) -> Option<LegKey> {
        match self {
            Event::UnknownSource { .. } | Event::Registered { .. } | Event::Banned { .. } => None,
            Event::Invite { leg, .. }
            | Event::Established { leg, .. }
            | Event::ProgressAcked { leg, .. }
            | Event::Cancelled { leg, .. }
            | Event::Reinvite { leg, .. }
            | Event::ReinviteAcked { leg, .. }
            | Event::ReinviteAnswered { leg, .. }
            | Event::ReinviteFailed { leg, .. }
            | Event::Info { leg, .. }
            | Event::Refer { leg, .. }
            | Event::Ended { leg, .. }
            | Event::Progress { leg, .. }
            | Event::Answered { leg, .. }
            | Event::Failed { leg, .. } => Some(*leg),
        }
    }
}
