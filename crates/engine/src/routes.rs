//! Calls we make: which trunk takes them, to which numbers, and how many.
//!
//! A number that no trunk lists is not called: what a plan's author or an agent can be brought to
//! dial is bounded by what the operator wrote down.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hotline_model::PhoneNumber;
use hotline_sip::auth::Credentials;
use hotline_sip::{Network, Outbound, Party, Transport};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::trunk::Bucket;

/// Looking a host up takes at most this long.
const LOOK_UP: Duration = Duration::from_secs(2);
/// SIP's own port (RFC 3261 §19.1.2).
const SIP_PORT: u16 = 5060;

/// Numbers that may be called: digits, `+` before them for an international one, `*` at the end for
/// any that begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberPattern {
    digits: String,
    open: bool,
}

/// The text is no pattern of numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no numbers: write digits, `+` before them or not, `*` at the end or not")]
pub struct NotAPattern(String);

impl FromStr for NumberPattern {
    type Err = NotAPattern;

    fn from_str(text: &str) -> Result<Self, NotAPattern> {
        let (digits, open) = text.strip_suffix('*').map_or((text, false), |digits| (digits, true));
        let plain = digits.strip_prefix('+').unwrap_or(digits);
        let is_number = plain.bytes().all(|byte| byte.is_ascii_digit()) && (open || !plain.is_empty());
        is_number
            .then(|| Self { digits: digits.to_owned(), open })
            .ok_or_else(|| NotAPattern(text.to_owned()))
    }
}

impl NumberPattern {
    fn matches(&self, number: &str) -> bool {
        if self.open { number.starts_with(&self.digits) } else { number == self.digits }
    }
}

/// How a trunk takes calls from us.
#[derive(Debug, Clone)]
pub struct RouteSettings {
    /// The trunk's name.
    pub trunk: String,
    /// Where its INVITEs go: an address or a name, with a port or not.
    pub host: String,
    /// By which transport.
    pub transport: Transport,
    /// What may be called; nothing else is. The number is dialled as the pattern writes it: with
    /// the country's code if the pattern begins with `+`.
    pub numbers: Vec<NumberPattern>,
    /// The number shown to who is called.
    pub shown: String,
    /// Name and password for a challenge.
    pub credentials: Option<Credentials>,
    /// Whether media may come from another address than the answer says.
    pub latch: bool,
    /// Whether tones are listened for although telephone-event was agreed.
    pub in_band_digits: bool,
    /// Calls at once.
    pub calls: usize,
    /// New calls a second; 0 is without limit.
    pub calls_per_second: u32,
}

impl RouteSettings {
    /// The host's address, where it is not a name.
    #[must_use]
    pub fn network(&self) -> Option<Network> {
        self.host_and_port().0.parse::<IpAddr>().ok()?.to_string().parse().ok()
    }

    /// How the number is dialled, if it may be.
    fn spelling<'a>(&self, spellings: &'a [String]) -> Option<&'a String> {
        spellings.iter().find(|number| self.numbers.iter().any(|pattern| pattern.matches(number)))
    }

    fn host_and_port(&self) -> (&str, u16) {
        if self.host.parse::<IpAddr>().is_ok() {
            return (&self.host, SIP_PORT);
        }
        let split = self.host.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        let (host, port) = split.unwrap_or((&self.host, SIP_PORT));
        (host.trim_start_matches('[').trim_end_matches(']'), port)
    }
}

/// Why a number is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoRoute {
    #[error("no trunk may call that number; `out.numbers` of a trunk lists what it may")]
    NotAllowed,
    #[error("all lines of the trunk are taken")]
    Full,
    #[error("the trunk's host cannot be looked up")]
    NoHost,
}

/// All ways out.
pub(crate) struct Routes {
    routes: Vec<Route>,
    /// Where our SIP listens.
    local: SocketAddr,
}

struct Route {
    settings: RouteSettings,
    lines: Arc<Semaphore>,
    rate: Mutex<Bucket>,
}

/// A number with the line that it is called by.
pub(crate) struct Line {
    settings: RouteSettings,
    number: String,
    local: SocketAddr,
    /// Taken for as long as the call lasts.
    _line: OwnedSemaphorePermit,
}

impl Routes {
    pub fn new(settings: Vec<RouteSettings>, local: SocketAddr, now: Instant) -> Self {
        let route = |settings: RouteSettings| Route {
            lines: Arc::new(Semaphore::new(settings.calls.min(Semaphore::MAX_PERMITS))),
            rate: Mutex::new(Bucket::new(settings.calls_per_second, settings.calls_per_second, now)),
            settings,
        };
        Self { routes: settings.into_iter().map(route).collect(), local }
    }

    /// A free line for a number: the first of all trunks that may call it.
    pub fn take(&self, number: &str, now: Instant) -> Result<Line, NoRoute> {
        self.take_of(number, now, |_| true)
    }

    /// A free line of one trunk for a number.
    pub fn take_by(&self, trunk: &str, number: &str, now: Instant) -> Result<Line, NoRoute> {
        self.take_of(number, now, |settings| settings.trunk == trunk)
    }

    /// Whether any trunk may call a number.
    pub fn may_call(&self, number: &str) -> bool {
        let spellings = spellings(number);
        self.routes.iter().any(|route| route.settings.spelling(&spellings).is_some())
    }

    fn take_of(
        &self,
        number: &str,
        now: Instant,
        may: impl Fn(&RouteSettings) -> bool,
    ) -> Result<Line, NoRoute> {
        let mut why = NoRoute::NotAllowed;
        let spellings = spellings(number);
        for route in self.routes.iter().filter(|route| may(&route.settings)) {
            let Some(number) = route.settings.spelling(&spellings) else { continue };
            why = NoRoute::Full;
            let admitted = route.rate.lock().expect("no holder of this lock panics").take(now);
            if let (true, Ok(line)) = (admitted, Arc::clone(&route.lines).try_acquire_owned()) {
                let (settings, local) = (route.settings.clone(), self.local);
                return Ok(Line { settings, number: number.clone(), local, _line: line });
            }
        }
        Err(why)
    }
}

/// A number as it may be written in a pattern: as it came, with its country, without it; none of
/// what is no number.
fn spellings(number: &str) -> Vec<String> {
    let plain = number.strip_prefix('+').unwrap_or(number);
    let mut all = Vec::new();
    if !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        all.push(number.to_owned());
    }
    if let Ok(parsed) = PhoneNumber::parse(number) {
        all.extend([parsed.e164().to_owned(), parsed.national().to_owned()]);
    }
    all
}

impl Line {
    pub fn trunk(&self) -> &str {
        &self.settings.trunk
    }

    /// The number of ours that is shown.
    pub fn shown(&self) -> &str {
        &self.settings.shown
    }

    /// Shows another number of ours, unless it is empty.
    pub fn showing(mut self, shown: &str) -> Self {
        if !shown.is_empty() {
            shown.clone_into(&mut self.settings.shown);
        }
        self
    }

    pub const fn latch(&self) -> bool {
        self.settings.latch
    }

    pub const fn in_band_digits(&self) -> bool {
        self.settings.in_band_digits
    }

    /// Where the trunk is, and our address on the way there.
    pub async fn way(&self) -> Result<(SocketAddr, SocketAddr), NoRoute> {
        let (host, port) = self.settings.host_and_port();
        let wants_v6 = self.local.is_ipv6();
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port))).await;
        let destination = found
            .ok()
            .and_then(Result::ok)
            .and_then(|mut all| all.find(|address| address.is_ipv6() == wants_v6))
            .ok_or(NoRoute::NoHost)?;
        Ok((destination, towards(self.local, destination).ok_or(NoRoute::NoHost)?))
    }

    /// The INVITE, once the host is looked up; given up after `ring`.
    pub async fn outbound(&self, sdp: Bytes, ring: Duration) -> Result<Outbound, NoRoute> {
        let (destination, local) = self.way().await?;
        let host = &self.settings.host;
        let party = |user: &str, host: &str| Party {
            display: String::new(),
            uri: if user.is_empty() { format!("sip:{host}") } else { format!("sip:{user}@{host}") },
        };
        Ok(Outbound {
            target: format!("sip:{}@{host}", self.number),
            destination,
            transport: self.settings.transport,
            local,
            connection: None,
            from: party(&self.settings.shown, &uri_host(local.ip())),
            to: party(&self.number, host),
            sdp: Some(sdp),
            credentials: self.settings.credentials.clone(),
            headers: Vec::new(),
            answer_limit: Some(ring),
            silence_limit: None,
        })
    }
}

/// Our address on the way to a peer.
pub(crate) fn towards(bound: SocketAddr, peer: SocketAddr) -> Option<SocketAddr> {
    if !bound.ip().is_unspecified() {
        return Some(bound);
    }
    // The kernel chooses the address when a socket is connected; nothing is sent.
    let socket = std::net::UdpSocket::bind((bound.ip(), 0)).ok()?;
    socket.connect(peer).ok()?;
    Some(SocketAddr::new(socket.local_addr().ok()?.ip(), bound.port()))
}

/// An address as the host of a URI.
pub(crate) fn uri_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(numbers: &[&str], calls: usize) -> Routes {
        let settings = RouteSettings {
            trunk: "carrier".into(),
            host: "127.0.0.1:5995".into(),
            transport: Transport::Udp,
            numbers: numbers.iter().map(|text| text.parse().unwrap()).collect(),
            shown: "10086".into(),
            credentials: None,
            latch: false,
            in_band_digits: false,
            calls,
            calls_per_second: 0,
        };
        Routes::new(vec![settings], "0.0.0.0:5060".parse().unwrap(), Instant::now())
    }

    fn dialled(routes: &Routes, number: &str) -> Result<String, NoRoute> {
        routes.take(number, Instant::now()).map(|line| line.number.clone())
    }

    #[test]
    fn only_listed_numbers_are_called_and_as_the_list_writes_them() {
        let routes = routes(&["10010", "+86138*", "010*"], 9);
        assert_eq!(dialled(&routes, "10010").unwrap(), "10010");
        assert_eq!(dialled(&routes, "13800138000").unwrap(), "+8613800138000");
        assert_eq!(dialled(&routes, "01012345678").unwrap(), "01012345678");
        for refused in ["100101", "1001", "13900139000", "+19005551234", "+882161234567", ""] {
            assert_eq!(dialled(&routes, refused), Err(NoRoute::NotAllowed), "{refused}");
        }
    }

    #[test]
    fn a_trunk_has_so_many_lines_and_gives_them_back() {
        let routes = routes(&["*"], 1);
        let first = routes.take("10010", Instant::now()).unwrap();
        assert_eq!(dialled(&routes, "10010"), Err(NoRoute::Full));
        drop(first);
        assert!(dialled(&routes, "10010").is_ok());
        for no_number in ["", "+", "10010@elsewhere", "1\r\nTo: x", "sip:10010"] {
            assert_eq!(dialled(&routes, no_number), Err(NoRoute::NotAllowed), "{no_number}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for text in ["", "+", "1 0", "abc", "1*0", "**", "sip:a@b"] {
            assert!(text.parse::<NumberPattern>().is_err(), "{text}");
        }
        assert!("*".parse::<NumberPattern>().unwrap().matches("+1900"));
    }

    #[tokio::test]
    async fn an_invite_says_where_it_comes_from_and_goes_to() {
        let routes = routes(&["10010"], 1);
        let line = routes.take("10010", Instant::now()).unwrap();
        let outbound = line.outbound(Bytes::new(), Duration::from_secs(30)).await.unwrap();
        assert_eq!(outbound.target, "sip:10010@127.0.0.1:5995");
        assert_eq!(outbound.destination, "127.0.0.1:5995".parse().unwrap());
        assert_eq!(outbound.local, "127.0.0.1:5060".parse().unwrap());
        assert_eq!(outbound.from.uri, "sip:10086@127.0.0.1");
        assert_eq!(outbound.answer_limit, Some(Duration::from_secs(30)));
    }
}
