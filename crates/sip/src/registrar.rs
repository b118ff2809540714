//! Telephones that register: RFC 3261 §10.3, with digest (RFC 8760).
//!
//! An address of record is the user's own name: who proves to be `anna` registers for `anna` and
//! for nobody else. Unknown names and wrong passwords are answered alike. Who tries too often gets
//! no answer for a while.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::auth::{Algorithm, Verdict, Verifier};
use crate::endpoint::Source;
use crate::message::{Message, Name, NameAddr, Scheme};

/// Somebody who may register.
#[derive(Clone, PartialEq, Eq)]
pub struct Device {
    /// The user name, which is the user part of the address too.
    pub username: String,
    /// [`crate::auth::hash_user`] of the password, for each algorithm that is to be taken.
    pub hashes: Vec<(Algorithm, String)>,
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device {{ username: ***, hashes: *** }}")
    }
}

/// Where a telephone is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its Contact: the Request-URI of a call to it.
    pub contact: String,
    /// Where its REGISTER came from, and so where a call goes: behind NAT the contact says less.
    pub path: Source,
    /// When it is forgotten, unless it registers again.
    pub until: Instant,
    call_id: String,
    seq: u32,
}

/// What becomes of a REGISTER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing is sent.
    Silence,
    /// A response with this code and these headers.
    Response(u16, Vec<(&'static str, String)>),
    /// 200 with the bindings, of which there are now so many.
    Registered { user: String, count: usize, headers: Vec<(&'static str, String)> },
}

/// Who may register, and where everybody is.
#[derive(Debug)]
pub struct Registrar {
    verifier: Verifier,
    /// Whether SHA-256 is asked for beside MD5.
    offers_sha256: bool,
    devices: HashMap<String, Device>,
    bindings: HashMap<String, Vec<Binding>>,
    sources: HashMap<IpAddr, Tries>,
    /// Who gets no answer from now on, and for how long.
    banned: Option<(IpAddr, Duration)>,
}

/// What one address has tried of late.
#[derive(Clone, Copy, Debug)]
struct Tries {
    /// REGISTERs since.
    count: u32,
    since: Instant,
    /// Wrong passwords since.
    wrong: u32,
    wrong_since: Instant,
    /// No answer until then, and for how long that was.
    banned: Option<(Instant, Duration)>,
}

/// A telephone is forgotten after this time at the latest (RFC 3261 §10.2.1.1 leaves it to us).
const LONGEST: u32 = 3_600;
/// A shorter time is refused (RFC 3261 §10.3, step 7).
const SHORTEST: u32 = 60;
/// Telephones of one user.
const BINDINGS: usize = 8;
/// REGISTERs that one address may send in [`BURST_TIME`].
const BURST: u32 = 16;
const BURST_TIME: Duration = Duration::from_secs(2);
/// Who sends more gets no answer for so long.
const BURST_BAN: Duration = Duration::from_secs(300);
/// Wrong passwords of one address in [`WRONG_TIME`].
const WRONG: u32 = 5;
const WRONG_TIME: Duration = Duration::from_secs(300);
/// Who has more gets no answer for so long, and twice as long the next time.
const WRONG_BAN: Duration = Duration::from_secs(900);
/// No ban is longer.
const LONGEST_BAN: Duration = Duration::from_secs(86_400);
/// Addresses remembered.
const SOURCES: usize = 16_384;

impl Registrar {
    /// A registrar whom nobody may register with yet. `secret` signs what is sent to be proven by.
    pub fn new(now: Instant, realm: &str, secret: [u8; 32]) -> Registrar {
        Registrar {
            verifier: Verifier::new(now, realm, secret),
            offers_sha256: false,
            devices: HashMap::new(),
            bindings: HashMap::new(),
            sources: HashMap::new(),
            banned: None,
        }
    }

    /// Asks for SHA-256 as well, first (RFC 8760). Not the default: telephones that know MD5 only should pass it
    /// over, and some give up instead (libre before 2).
    #[must_use]
    pub fn with_sha256(self) -> Registrar {
        Registrar { offers_sha256: true, ..self }
    }

    /// Who may register from now on; telephones of others are forgotten.
    pub fn set_devices(&mut self, devices: impl IntoIterator<Item = Device>) {
        self.devices = devices.into_iter().map(|device| (device.username.clone(), device)).collect();
        self.bindings.retain(|user, _| self.devices.contains_key(user));
    }

    /// Where a user's telephones are, the one that registered last first.
    pub fn bindings(&self, now: Instant, user: &str) -> impl Iterator<Item = &Binding> {
        self.bindings.get(user).into_iter().flatten().filter(move |binding| binding.until > now)
    }

    /// Whose telephone is at this address.
    pub fn find_user(&self, now: Instant, remote: SocketAddr) -> Option<&str> {
        self.bindings.iter().find_map(|(user, bindings)| {
            bindings.iter().any(|one| one.path.remote == remote && one.until > now).then_some(user.as_str())
        })
    }

    /// Handles a REGISTER that has passed the screen.
    pub(crate) fn handle(&mut self, now: Instant, source: &Source, request: &Message) -> Answer {
        if self.is_banned(now, source.remote.ip()) {
            return Answer::Silence;
        }
        let user = match self.prove(now, source, request, "REGISTER") {
            Ok(user) => user,
            Err(challenge) => return challenge,
        };
        let Some(to) = request.to().filter(|to| matches!(to.uri().scheme(), Scheme::Sip | Scheme::Sips))
        else {
            return Answer::Response(400, Vec::new());
        };
        if to.uri().user() != user.as_str() {
            return Answer::Response(403, Vec::new());
        }
        self.bind(now, source, request, user)
    }

    /// Whether an INVITE is of a telephone that is registered: it comes from where that is, with its user's name in
    /// From. Whoever sends such a one has to prove to be the user, for the firm's money is behind it. `None`: it is
    /// nobody's of ours.
    pub(crate) fn handle_call(
        &mut self,
        now: Instant,
        source: &Source,
        request: &Message,
    ) -> Option<Result<String, Answer>> {
        let user = request.from()?.uri().user().into_owned();
        let is_there = |one: &Binding| {
            one.path.remote == source.remote && one.path.transport == source.transport && one.until > now
        };
        if !self.bindings.get(&user)?.iter().any(is_there) {
            return None;
        }
        if self.is_banned(now, source.remote.ip()) {
            return Some(Err(Answer::Silence));
        }
        let proved = self.prove(now, source, request, "INVITE");
        Some(proved.and_then(
            |name| {
                if name == user { Ok(user) } else { Err(Answer::Response(403, Vec::new())) }
            },
        ))
    }

    /// Who sent a request, by digest (RFC 3261 §22); else what it is answered with.
    fn prove(
        &mut self,
        now: Instant,
        source: &Source,
        request: &Message,
        method: &str,
    ) -> Result<String, Answer> {
        let verdict = match request.all(Name::Authorization).next() {
            Some(value) => {
                let devices = &self.devices;
                self.verifier.verify(now, value, method, |username, algorithm| {
                    let hashes = &devices.get(username)?.hashes;
                    hashes.iter().find(|(of, _)| *of == algorithm).map(|(_, hash)| hash.clone())
                })
            }
            None => Verdict::Absent,
        };
        match verdict {
            Verdict::Accepted { username } => {
                if let Some(tries) = self.sources.get_mut(&source.remote.ip()) {
                    tries.wrong = 0;
                }
                Ok(username)
            }
            Verdict::Stale => Err(self.challenge(now, true)),
            Verdict::Absent => Err(self.challenge(now, false)),
            Verdict::Wrong => {
                self.note_wrong(now, source.remote.ip());
                Err(self.challenge(now, false))
            }
        }
    }

    fn challenge(&self, now: Instant, stale: bool) -> Answer {
        let values = self.verifier.challenge(now, stale);
        let values = values.into_iter().skip(usize::from(!self.offers_sha256));
        Answer::Response(401, values.map(|value| ("WWW-Authenticate", value)).collect())
    }

    /// Steps 6 to 8 of RFC 3261 §10.3: all contacts, or none.
    fn bind(&mut self, now: Instant, source: &Source, request: &Message, user: String) -> Answer {
        let (Some(call_id), Some(cseq)) = (request.call_id(), request.cseq()) else {
            return Answer::Response(400, Vec::new());
        };
        let (call_id, seq) = (call_id.to_owned(), cseq.number);
        let header = request.number(Name::Expires);
        let contacts: Vec<&[u8]> = request.values(Name::Contact).collect();
        let mut bindings = self.bindings.get(&user).cloned().unwrap_or_default();
        bindings.retain(|binding| binding.until > now);
        let is_old = |binding: &Binding| binding.call_id == call_id && binding.seq >= seq;
        if contacts.iter().any(|contact| *contact == b"*") {
            if contacts.len() > 1 || header != Some(0) {
                return Answer::Response(400, Vec::new());
            }
            if bindings.iter().any(is_old) {
                return Answer::Response(500, Vec::new());
            }
            bindings.clear();
        }
        for contact in contacts.into_iter().filter(|contact| *contact != b"*") {
            let Ok(contact) = NameAddr::parse(contact) else { return Answer::Response(400, Vec::new()) };
            if !matches!(contact.uri().scheme(), Scheme::Sip | Scheme::Sips)
                || !contact.uri().headers().is_empty()
            {
                return Answer::Response(400, Vec::new());
            }
            let uri = contact.uri().as_str().to_owned();
            // A value that is no number counts as one hour (RFC 3261 §20.10).
            let own = contact.params().find("expires").map(|text| text.parse().unwrap_or(LONGEST));
            let expires = own.or(header).unwrap_or(LONGEST).min(LONGEST);
            if expires > 0 && expires < SHORTEST {
                return Answer::Response(423, vec![("Min-Expires", SHORTEST.to_string())]);
            }
            let known = bindings.iter().position(|binding| binding.contact == uri);
            if known.is_some_and(|at| is_old(&bindings[at])) {
                return Answer::Response(500, Vec::new());
            }
            known.map(|at| bindings.remove(at));
            if expires > 0 {
                let until = now + Duration::from_secs(expires.into());
                let binding = Binding { contact: uri, path: *source, until, call_id: call_id.clone(), seq };
                bindings.insert(0, binding);
            }
        }
        // The telephone that registered longest ago gives way.
        bindings.truncate(BINDINGS);
        let headers = bindings.iter().map(|binding| {
            let left = binding.until.saturating_duration_since(now).as_secs();
            ("Contact", format!("<{}>;expires={left}", binding.contact))
        });
        let (headers, count) = (headers.collect(), bindings.len());
        if bindings.is_empty() {
            self.bindings.remove(&user);
        } else {
            self.bindings.insert(user.clone(), bindings);
        }
        Answer::Registered { user, count, headers }
    }

    /// Whose REGISTERs get no answer since the last one, and for how long: told once.
    pub(crate) fn take_ban(&mut self) -> Option<(IpAddr, Duration)> {
        self.banned.take()
    }

    /// Counts a try; whether it gets no answer.
    fn is_banned(&mut self, now: Instant, address: IpAddr) -> bool {
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&address) {
            let since = |at: Instant| now.saturating_duration_since(at);
            self.sources.retain(|_, tries| {
                tries.banned.is_some_and(|(until, _)| until > now) || since(tries.wrong_since) < WRONG_TIME
            });
            if self.sources.len() >= SOURCES {
                return true;
            }
        }
        let fresh = Tries { count: 0, since: now, wrong: 0, wrong_since: now, banned: None };
        let tries = self.sources.entry(address).or_insert(fresh);
        if tries.banned.is_some_and(|(until, _)| until > now) {
            return true;
        }
        if now.saturating_duration_since(tries.since) > BURST_TIME {
            (tries.count, tries.since) = (0, now);
        }
        tries.count += 1;
        if tries.count > BURST {
            tries.banned = Some((now + BURST_BAN, BURST_BAN));
            self.banned = Some((address, BURST_BAN));
            return true;
        }
        false
    }

    fn note_wrong(&mut self, now: Instant, address: IpAddr) {
        let Some(tries) = self.sources.get_mut(&address) else { return };
        if now.saturating_duration_since(tries.wrong_since) > WRONG_TIME {
            (tries.wrong, tries.wrong_since) = (0, now);
        }
        tries.wrong += 1;
        if tries.wrong >= WRONG {
            let ban = tries.banned.map_or(WRONG_BAN, |(_, last)| (last * 2).clamp(WRONG_BAN, LONGEST_BAN));
            tries.banned = Some((now + ban, ban));
            tries.wrong = 0;
            self.banned = Some((address, ban));
        }
    }
}
