//! Trunks: our links to carriers, each known by its addresses, each with its rate of new calls.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use hotline_sip::Network;

/// A trunk's settings.
#[derive(Debug, Clone)]
pub struct TrunkSettings {
    /// Its name in logs and records.
    pub name: String,
    /// Where its calls come from.
    pub from: Vec<Network>,
    /// Whether its media may come from another address than its SDP says.
    pub latch: bool,
    /// New calls a second; 0 is without limit.
    pub calls_per_second: u32,
    /// New calls at one moment above that rate.
    pub burst: u32,
    /// Whether tones are listened for although telephone-event was agreed.
    pub in_band_digits: bool,
    /// How long a call rings (180) before it is answered.
    pub ring: Duration,
}

/// The trunks with the state of their rates.
pub(crate) struct Trunks {
    trunks: Vec<(TrunkSettings, Bucket)>,
}

impl Trunks {
    pub fn new(settings: Vec<TrunkSettings>, now: Instant) -> Self {
        let trunks = settings
            .into_iter()
            .map(|trunk| {
                let bucket = Bucket::new(trunk.calls_per_second, trunk.burst, now);
                (trunk, bucket)
            })
            .collect();
        Self { trunks }
    }

    /// The trunk an address belongs to, and whether it may begin a call now.
    pub fn admit(&mut self, address: IpAddr, now: Instant) -> Option<(&TrunkSettings, bool)> {
        let (trunk, bucket) = self
            .trunks
            .iter_mut()
            .find(|(trunk, _)| trunk.from.iter().any(|network| network.contains(address)))?;
        let admitted = bucket.take(now);
        Some((trunk, admitted))
    }
}

/// A token bucket: fills at `rate` a second up to `burst`.
pub(crate) struct Bucket {
    rate: u32,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub fn new(rate: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst.max(1));
        Self { rate, burst, tokens: burst, at: now }
    }

    pub fn take(&mut self, now: Instant) -> bool {
        if self.rate == 0 {
            return true;
        }
        let passed = now.saturating_duration_since(self.at);
        self.at = now;
        self.tokens = (self.tokens + passed.as_secs_f64() * f64::from(self.rate)).min(self.burst);
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// How long a caller over the rate is asked to wait.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rate: u32, burst: u32) -> Vec<TrunkSettings> {
        vec![TrunkSettings {
            name: "carrier".into(),
            from: vec!["192.0.2.0/24".parse().unwrap()],
            latch: false,
            calls_per_second: rate,
            burst,
            in_band_digits: false,
            ring: Duration::ZERO,
        }]
    }

    #[test]
    fn a_burst_is_taken_and_then_the_rate_holds() {
        let begin = Instant::now();
        let mut trunks = Trunks::new(settings(30, 60), begin);
        let address = "192.0.2.7".parse().unwrap();
        let taken =
            |trunks: &mut Trunks, at| (0..1000).filter(|_| trunks.admit(address, at).unwrap().1).count();
        assert_eq!(taken(&mut trunks, begin), 60);
        assert_eq!(taken(&mut trunks, begin + Duration::from_secs(1)), 30);
        assert_eq!(taken(&mut trunks, begin + Duration::from_secs(100)), 60, "never more than the burst");
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit_and_a_stranger_has_no_trunk() {
        let begin = Instant::now();
        let mut trunks = Trunks::new(settings(0, 0), begin);
        assert!((0..10_000).all(|_| trunks.admit("192.0.2.7".parse().unwrap(), begin).unwrap().1));
        assert!(trunks.admit("198.51.100.1".parse().unwrap(), begin).is_none());
    }
}
