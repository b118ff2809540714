//! What the endpoint is told once: names, times, limits, whom it listens to.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::message::Limits;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream, cut by [`crate::message::StreamFramer`].
    Tcp,
}

impl Transport {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
        }
    }
}

/// The transport's number for a TCP connection; never reused while the endpoint lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub u64);

/// Where a message came from, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// How it travels.
    pub transport: Transport,
    /// Our address: a real one, not `0.0.0.0`; it is written into Via and Contact.
    pub local: SocketAddr,
    /// Their address.
    pub remote: SocketAddr,
    /// The connection, on TCP.
    pub connection: Option<ConnectionId>,
}

/// Addresses with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not `address/bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is written as address/bits, such as 192.0.2.0/24")]
pub struct NetworkError;

impl Network {
    /// Whether `address` lies in the network; an IPv4 address inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let shift = 32 - u32::from(self.prefix);
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let shift = 128 - u32::from(self.prefix);
                (ours.to_bits() ^ theirs.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// `192.0.2.0/24`, `2001:db8::/32`, or one address.
    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse().map_err(|_| NetworkError)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        if prefix > most { Err(NetworkError) } else { Ok(Network { address, prefix }) }
    }
}

/// Whom the endpoint listens to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Everybody: for tests and closed networks.
    Any,
    /// Only these. Others get silence, unless they answer or continue a dialog of ours.
    Networks(Vec<Network>),
}

impl Sources {
    /// Whether requests from `address` are served.
    pub fn allow(&self, address: IpAddr) -> bool {
        match self {
            Sources::Any => true,
            Sources::Networks(networks) => networks.iter().any(|network| network.contains(address)),
        }
    }
}

/// The endpoint's configuration. [`Config::default`] follows the RFCs and the house's limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The value of User-Agent and Server. Default `hotline`.
    pub user_agent: String,
    /// The user part of our Contact. Default `hotline`.
    pub contact_user: String,
    /// The address others reach us at, if it is not the local one (NAT). Default `None`.
    pub advertised: Option<IpAddr>,
    /// Whom we listen to. Default everybody.
    pub sources: Sources,
    /// Sizes of messages.
    pub limits: Limits,
    /// T1, the round trip estimate. Default 500 ms.
    pub t1: Duration,
    /// T2, the longest interval of repetition. Default 4 s.
    pub t2: Duration,
    /// T4, how long messages wander. Default 5 s.
    pub t4: Duration,
    /// How long an INVITE, in or out, may wait for its final response. Default 180 s.
    pub answer_limit: Duration,
    /// How long an established call may last. Default 2 h.
    pub call_limit: Duration,
    /// How long the engine may think about a re-INVITE before it is refused with 500. Default 10 s.
    pub change_limit: Duration,
    /// Session-Expires asked for in our INVITEs; `None` asks for none. Default 1,800 s (RFC 4028).
    pub session_interval: Option<Duration>,
    /// The shortest session interval accepted. Default 90 s (RFC 4028 §4).
    pub session_minimum: Duration,
    /// Whether REFER is accepted and handed on as an event; else it is refused with 603. Default false.
    pub allow_refer: bool,
    /// Legs at one time; further INVITEs get 503. Default 20,000.
    pub legs_limit: usize,
    /// Transactions at one time; further requests are dropped. Default 200,000.
    pub transactions_limit: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            user_agent: "hotline".into(),
            contact_user: "hotline".into(),
            advertised: None,
            sources: Sources::Any,
            limits: Limits::default(),
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            answer_limit: Duration::from_secs(180),
            call_limit: Duration::from_secs(2 * 60 * 60),
            change_limit: Duration::from_secs(10),
            session_interval: Some(Duration::from_secs(1800)),
            session_minimum: Duration::from_secs(90),
            allow_refer: false,
            legs_limit: 20_000,
            transactions_limit: 200_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_and_no_others() {
        let network: Network = "192.0.2.0/24".parse().unwrap();
        assert!(network.contains("192.0.2.77".parse().unwrap()));
        assert!(network.contains("::ffff:192.0.2.77".parse().unwrap()));
        assert!(!network.contains("192.0.3.1".parse().unwrap()));
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("8.8.8.8".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
        assert!("192.0.2.0/33".parse::<Network>().is_err());
    }
}
