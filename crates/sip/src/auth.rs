//! Digest authentication (RFC 8760, RFC 7616 in SIP): answering a challenge and making one.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::message::{Params, unquote};

/// The hash of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// MD5, which every telephone knows.
    Md5,
    /// SHA-256 (RFC 8760).
    Sha256,
}

impl Algorithm {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn from_name(name: &str) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Sha256]
            .into_iter()
            .find(|known| known.as_str().eq_ignore_ascii_case(name))
    }

    /// The hash of the parts joined by `:`, in hex.
    fn hash(self, parts: &[&str]) -> String {
        fn digest<D: Digest>(parts: &[&str]) -> String {
            let mut hash = D::new();
            for (index, part) in parts.iter().enumerate() {
                if index > 0 {
                    hash.update(b":");
                }
                hash.update(part.as_bytes());
            }
            hex(&hash.finalize())
        }
        match self {
            Algorithm::Md5 => digest::<Md5>(parts),
            Algorithm::Sha256 => digest::<Sha256>(parts),
        }
    }
}

/// Name and password for a trunk that challenges us. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials {{ username: ***, password: *** }}")
    }
}

/// A challenge of the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    qop_auth: bool,
    /// The nonce was too old but the password was right: try again with the new one.
    pub stale: bool,
}

impl Challenge {
    /// Reads one value of WWW-Authenticate or Proxy-Authenticate; `None` for schemes, algorithms and
    /// qualities of protection we do not know.
    pub fn parse(value: &[u8]) -> Option<Challenge> {
        let fields = Fields::parse(value)?;
        let algorithm = match fields.find("algorithm") {
            Some(name) => Algorithm::from_name(&name)?,
            None => Algorithm::Md5,
        };
        let qop = fields.find("qop");
        let qop_auth = qop.as_deref().is_some_and(|qop| qop.split(',').any(|one| one.trim() == "auth"));
        if qop.is_some() && !qop_auth {
            return None;
        }
        Some(Challenge {
            realm: fields.find("realm")?,
            nonce: fields.find("nonce")?,
            opaque: fields.find("opaque"),
            algorithm,
            qop_auth,
            stale: fields.find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    pub(crate) fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The strongest of several challenges that we can answer (RFC 8760 §2.4).
    pub fn strongest<'a>(values: impl Iterator<Item = &'a [u8]>) -> Option<Challenge> {
        values.filter_map(Challenge::parse).max_by_key(|challenge| challenge.algorithm)
    }

    /// The value of Authorization or Proxy-Authorization for a request; `count` is 1 for the first use of
    /// the nonce.
    pub fn answer(
        &self,
        credentials: &Credentials,
        method: &str,
        uri: &str,
        cnonce: &str,
        count: u32,
    ) -> String {
        let user = hash_user(self.algorithm, &credentials.username, &self.realm, &credentials.password);
        let request = self.algorithm.hash(&[method, uri]);
        let count = format!("{count:08x}");
        let response = if self.qop_auth {
            self.algorithm.hash(&[&user, &self.nonce, &count, cnonce, "auth", &request])
        } else {
            self.algorithm.hash(&[&user, &self.nonce, &request])
        };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            credentials.username,
            self.realm,
            self.nonce,
            self.algorithm.as_str()
        );
        if self.qop_auth {
            let _ = write!(value, ", qop=auth, nc={count}, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }
}

/// `HA1`: what may be stored instead of a password (RFC 7616 §3.4.2).
pub fn hash_user(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[username, realm, password])
}

/// What became of an Authorization header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The password is right.
    Accepted {
        /// Who it is.
        username: String,
    },
    /// The password is right, the nonce too old or its count used before: challenge again with `stale`.
    Stale,
    /// Unknown name or wrong password.
    Wrong,
    /// No usable Digest credentials for our realm.
    Absent,
}

/// The side that challenges. Nonces are a time, a number of their own and the keyed hash of both, so none are stored
/// until used, and two telephones that come in one second do not count on the same one.
#[derive(Debug)]
pub struct Verifier {
    realm: String,
    secret: Secret,
    start: Instant,
    /// Nonces given so far.
    given: AtomicU32,
    /// Highest count seen per nonce, for as long as the nonce lives.
    counts: HashMap<String, u32>,
}

struct Secret([u8; 32]);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Verifier {
    /// A verifier for `realm`; `secret` signs its nonces.
    pub fn new(now: Instant, realm: impl Into<String>, secret: [u8; 32]) -> Verifier {
        Verifier {
            realm: realm.into(),
            secret: Secret(secret),
            start: now,
            given: AtomicU32::new(0),
            counts: HashMap::new(),
        }
    }

    /// Values for WWW-Authenticate, one per algorithm, strongest first (RFC 8760 §2.3).
    pub fn challenge(&self, now: Instant, stale: bool) -> [String; 2] {
        let seconds = now.saturating_duration_since(self.start).as_secs();
        let nonce = self.nonce(seconds, self.given.fetch_add(1, Ordering::Relaxed));
        let stale = if stale { ", stale=true" } else { "" };
        [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| {
            let (realm, algorithm) = (&self.realm, algorithm.as_str());
            format!("Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm={algorithm}, qop=\"auth\"{stale}")
        })
    }

    /// Checks an Authorization value. `find_hash` gives the user's [`hash_user`] for an algorithm.
    pub fn verify(
        &mut self,
        now: Instant,
        value: &[u8],
        method: &str,
        find_hash: impl FnOnce(&str, Algorithm) -> Option<String>,
    ) -> Verdict {
        let Some(given) = Given::parse(value).filter(|given| given.realm == self.realm) else {
            return Verdict::Absent;
        };
        let Some(user) = find_hash(&given.username, given.algorithm) else { return Verdict::Wrong };
        let request = given.algorithm.hash(&[method, &given.uri]);
        let expected =
            given.algorithm.hash(&[&user, &given.nonce, &given.count, &given.cnonce, "auth", &request]);
        if !same(expected.as_bytes(), given.response.to_ascii_lowercase().as_bytes()) {
            return Verdict::Wrong;
        }
        let count = u32::from_str_radix(&given.count, 16).unwrap_or(0);
        if !self.is_fresh(now, &given.nonce) || !self.count_up(now, given.nonce, count) {
            return Verdict::Stale;
        }
        Verdict::Accepted { username: given.username }
    }

    fn nonce(&self, seconds: u64, number: u32) -> String {
        let mut text = format!("{seconds:010x}{number:08x}");
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret.0) {
            mac.update(text.as_bytes());
            text.push_str(&hex(&mac.finalize().into_bytes()[..16]));
        }
        text
    }

    fn is_fresh(&self, now: Instant, nonce: &str) -> bool {
        let part = |range: std::ops::Range<usize>| u64::from_str_radix(nonce.get(range)?, 16).ok();
        let (Some(seconds), Some(number)) = (part(0..10), part(10..18)) else { return false };
        let Ok(number) = u32::try_from(number) else { return false };
        let age = now.saturating_duration_since(self.start).as_secs().checked_sub(seconds);
        same(self.nonce(seconds, number).as_bytes(), nonce.as_bytes())
            && age.is_some_and(|age| age <= NONCE_LIFE.as_secs())
    }

    /// Whether `count` is new for the nonce (RFC 7616 §3.4: a replay repeats it).
    fn count_up(&mut self, now: Instant, nonce: String, count: u32) -> bool {
        if self.counts.len() >= NONCES_LIMIT {
            let mut counts = std::mem::take(&mut self.counts);
            counts.retain(|nonce, _| self.is_fresh(now, nonce));
            self.counts = counts;
        }
        if self.counts.len() >= NONCES_LIMIT && !self.counts.contains_key(&nonce) {
            return false;
        }
        let last = self.counts.entry(nonce).or_insert(0);
        let fresh = count > *last;
        *last = count.max(*last);
        fresh
    }
}

/// A nonce is good for this long.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Used nonces remembered at most.
const NONCES_LIMIT: usize = 16_384;

/// Credentials of an Authorization header with `qop=auth`.
struct Given {
    username: String,
    realm: String,
    nonce: String,
    uri: String,
    response: String,
    cnonce: String,
    count: String,
    algorithm: Algorithm,
}

impl Given {
    fn parse(value: &[u8]) -> Option<Given> {
        let fields = Fields::parse(value)?;
        let algorithm =
            fields.find("algorithm").map_or(Some(Algorithm::Md5), |name| Algorithm::from_name(&name));
        (fields.find("qop")? == "auth").then_some(())?;
        Some(Given {
            username: fields.find("username")?,
            realm: fields.find("realm")?,
            nonce: fields.find("nonce")?,
            uri: fields.find("uri")?,
            response: fields.find("response")?,
            cnonce: fields.find("cnonce")?,
            count: fields.find("nc")?,
            algorithm: algorithm?,
        })
    }
}

/// `Digest name=value, …`.
struct Fields(Vec<u8>);

impl Fields {
    fn parse(value: &[u8]) -> Option<Fields> {
        let value = value.trim_ascii();
        let end = value.iter().position(|&byte| byte == b' ')?;
        if !value[..end].eq_ignore_ascii_case(b"Digest") {
            return None;
        }
        // Commas outside quotes become semicolons, and the reader of parameters does the rest.
        let mut text = vec![b';'];
        let mut quoted = false;
        for &byte in &value[end + 1..] {
            quoted ^= byte == b'"';
            text.push(if byte == b',' && !quoted { b';' } else { byte });
        }
        Some(Fields(text))
    }

    fn find(&self, name: &str) -> Option<String> {
        let (_, value) =
            Params::new(&self.0).iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(unquote(value?)).ok().map(str::to_owned)
    }
}

/// Comparison whose time does not tell where the difference is.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.iter().zip(right).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a virtual clock needs one real instant to start from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn credentials() -> Credentials {
        Credentials { username: "bob".into(), password: "zanzibar".into() }
    }

    #[test]
    fn the_example_of_rfc_7616_is_answered() {
        let user = Credentials { username: "Mufasa".into(), password: "Circle of Life".into() };
        for (algorithm, expected) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let value = format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            );
            let challenge = Challenge::parse(value.as_bytes()).unwrap();
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            let answer = challenge.answer(&user, "GET", "/dir/index.html", cnonce, 1);
            assert!(answer.contains(&format!("response=\"{expected}\"")), "{answer}");
        }
    }

    #[test]
    fn our_answer_satisfies_our_verifier_once_per_count() {
        let now = start();
        let mut verifier = Verifier::new(now, "hotline", [7; 32]);
        let values = verifier.challenge(now, false);
        let challenge = Challenge::strongest(values.iter().map(|value| value.as_bytes())).unwrap();
        assert_eq!(challenge.algorithm, Algorithm::Sha256);
        let hash = |name: &str, algorithm| Some(hash_user(algorithm, name, "hotline", "zanzibar"));
        let first = challenge.answer(&credentials(), "INVITE", "sip:a@b", "c", 1);
        assert_eq!(
            verifier.verify(now, first.as_bytes(), "INVITE", hash),
            Verdict::Accepted { username: "bob".into() }
        );
        assert_eq!(verifier.verify(now, first.as_bytes(), "INVITE", hash), Verdict::Stale);
        let second = challenge.answer(&credentials(), "INVITE", "sip:a@b", "c", 2);
        assert!(matches!(verifier.verify(now, second.as_bytes(), "INVITE", hash), Verdict::Accepted { .. }));
        assert_eq!(verifier.verify(now, second.as_bytes(), "BYE", hash), Verdict::Wrong);
    }

    #[test]
    fn an_old_nonce_is_stale_and_a_foreign_one_too() {
        let now = start();
        let mut verifier = Verifier::new(now, "hotline", [7; 32]);
        let stranger = Verifier::new(now, "hotline", [8; 32]);
        let hash = |name: &str, algorithm| Some(hash_user(algorithm, name, "hotline", "zanzibar"));
        for (from, later) in [(&verifier.challenge(now, false), 301), (&stranger.challenge(now, false), 0)] {
            let challenge = Challenge::parse(from[0].as_bytes()).unwrap();
            let value = challenge.answer(&credentials(), "INVITE", "sip:a@b", "c", 1);
            let then = now + Duration::from_secs(later);
            assert_eq!(verifier.verify(then, value.as_bytes(), "INVITE", hash), Verdict::Stale);
        }
    }
}
