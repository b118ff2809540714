//! Where calls come from and go to: `[sip]`, `[media]`, `[[trunks]]`, `[telephones]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use hotline_engine::{NotAPattern, NumberPattern, RouteSettings};
use hotline_model::Pii;
use hotline_sip::Transport;
use hotline_sip::auth::Credentials;
use serde::{Deserialize, Serialize};

/// `[sip]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sip {
    /// Address and port for UDP and TCP.
    pub bind: SocketAddr,
    /// The address others reach us at, where it is not the one a packet came in by.
    pub advertised: Option<IpAddr>,
    /// Calls at once; the next one gets 503.
    pub calls: usize,
    /// How long a call may last, in seconds.
    pub longest_call_s: u64,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5060)),
            advertised: None,
            calls: 2000,
            longest_call_s: 7200,
        }
    }
}

/// `[media]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Media {
    /// The address RTP is sent from; the one SIP is bound to if absent.
    pub bind: Option<IpAddr>,
    /// The first and the last port.
    pub ports: [u16; 2],
    /// Threads; each carries about 3,500 calls.
    pub threads: usize,
    /// After this long without any packet a call is taken for dead, in seconds.
    pub silence_limit_s: u64,
}

impl Default for Media {
    fn default() -> Self {
        Self { bind: None, ports: [20_000, 32_767], threads: 1, silence_limit_s: 60 }
    }
}

/// `[[trunks]]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Trunk {
    /// Its name in logs and records.
    pub name: String,
    /// The addresses its calls come from: `192.0.2.7`, `10.0.0.0/8`.
    pub from: Vec<String>,
    /// Whether its media may come from another address than it says (it stands behind NAT).
    #[serde(default)]
    pub latch: bool,
    /// New calls a second; 0 is without limit.
    #[serde(default = "thirty")]
    pub calls_per_second: u32,
    /// New calls at one moment, above that rate.
    #[serde(default = "sixty")]
    pub burst: u32,
    /// Whether digits are listened for in the sound although the trunk signals them (RFC 4733).
    #[serde(default)]
    pub in_band_digits: bool,
    /// How long a call rings before it is answered, in seconds.
    #[serde(default)]
    pub ring_s: u64,
    /// How it takes calls from us; without it, it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<TrunkOut>,
}

pub(super) const fn thirty() -> u32 {
    30
}

pub(super) const fn sixty() -> u32 {
    60
}

/// `[trunks.out]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TrunkOut {
    /// Where its INVITEs go: an address or a name, with a port or not. A name's addresses stand in the trunk's
    /// `from` as well.
    pub host: String,
    /// By which transport.
    #[serde(default)]
    pub transport: OutTransport,
    /// The numbers that may be called by it: digits, `+` before them or not, `*` at the end or not. Nothing else
    /// is called, whoever asks for it.
    pub numbers: Vec<String>,
    /// The number of ours that is shown.
    pub shown: String,
    /// Its name for us, where it wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Its password for us.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "super::hidden")]
    pub password: Option<Pii<String>>,
    /// Calls at once; the next one is refused.
    #[serde(default = "thirty_calls")]
    pub calls: usize,
    /// New calls a second; 0 is without limit.
    #[serde(default = "ten")]
    pub calls_per_second: u32,
}

/// How INVITEs travel.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutTransport {
    /// In datagrams.
    #[default]
    Udp,
    /// On a connection.
    Tcp,
}

const fn thirty_calls() -> usize {
    30
}

const fn ten() -> u32 {
    10
}

impl TrunkOut {
    /// What is wrong with it.
    pub(super) fn check(&self, trunk: &str) -> Vec<String> {
        let mut problems: Vec<String> = self
            .numbers
            .iter()
            .filter_map(|number| number.parse::<NumberPattern>().err())
            .map(|error| format!("trunks: `{trunk}`, out.numbers: {error}"))
            .collect();
        if self.numbers.is_empty() {
            problems
                .push(format!("trunks: `{trunk}`, out.numbers: without a number nothing is called by it"));
        }
        if self.host.trim().is_empty() || self.host.contains(['@', ' ', ';', '<', '>']) {
            problems.push(format!("trunks: `{trunk}`, out.host: an address or a name, with a port or not"));
        }
        if !self.shown.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+') {
            problems.push(format!("trunks: `{trunk}`, out.shown: a number"));
        }
        if self.username.is_some() != self.password.is_some() {
            problems.push(format!("trunks: `{trunk}`, out: a name and a password come together"));
        }
        problems
    }

    /// For the exchange.
    pub fn settings(&self, trunk: &Trunk) -> Result<RouteSettings, NotAPattern> {
        let credentials = self.username.as_ref().zip(self.password.as_ref());
        Ok(RouteSettings {
            trunk: trunk.name.clone(),
            host: self.host.clone(),
            transport: match self.transport {
                OutTransport::Udp => Transport::Udp,
                OutTransport::Tcp => Transport::Tcp,
            },
            numbers: self.numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>()?,
            shown: self.shown.clone(),
            credentials: credentials.map(|(username, password)| Credentials {
                username: username.clone(),
                password: password.expose().clone(),
            }),
            latch: trunk.latch,
            in_band_digits: trunk.in_band_digits,
            calls: self.calls,
            calls_per_second: self.calls_per_second,
        })
    }
}

/// `[telephones]`
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Telephones {
    /// The addresses from which agents' telephones register, besides those of the trunks: `10.0.0.0/8`.
    pub from: Vec<String>,
    /// Whether they are asked for SHA-256 beside MD5. Some telephones that know MD5 only give up then.
    pub sha256: bool,
}
