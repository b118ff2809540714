//! How many look at pages at once, and how often somebody may be wrong.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Pages that are looked up at once, over all addresses.
const AT_ONCE: usize = 32;
/// Links that lead nowhere, from one address in [`WITHIN`]. A token has 128 bits: this saves the database, not the page.
const WRONG: u32 = 20;
const WITHIN: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// Counts those who look.
pub struct Guard {
    at_once: Arc<Semaphore>,
    wrong: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { at_once: Arc::new(Semaphore::new(AT_ONCE)), wrong: Mutex::default() }
    }
}

impl Guard {
    /// A place for one look, held until it is dropped; `None`: too many.
    pub(super) fn enter(&self, address: Option<IpAddr>) -> Option<OwnedSemaphorePermit> {
        if let Some(address) = address {
            let wrong = self.wrong.lock().expect("no holder of this lock panics");
            if wrong.get(&address).is_some_and(|(since, times)| since.elapsed() < WITHIN && *times >= WRONG) {
                return None;
            }
        }
        Arc::clone(&self.at_once).try_acquire_owned().ok()
    }

    /// A link from this address led nowhere.
    pub(super) fn guessed(&self, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let mut wrong = self.wrong.lock().expect("no holder of this lock panics");
        if wrong.len() >= ADDRESSES {
            wrong.retain(|_, (since, _)| since.elapsed() < WITHIN);
            if wrong.len() >= ADDRESSES {
                wrong.clear();
            }
        }
        let count = wrong.entry(address).or_insert((Instant::now(), 0));
        if count.0.elapsed() >= WITHIN {
            *count = (Instant::now(), 0);
        }
        count.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_is_kept_out_and_others_are_not() {
        let guard = Guard::default();
        let (one, other) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        for _ in 0..WRONG {
            assert!(guard.enter(one).is_some());
            guard.guessed(one);
        }
        assert!(guard.enter(one).is_none() && guard.enter(other).is_some());
        let held: Vec<_> = (0..AT_ONCE).map(|_| guard.enter(other).unwrap()).collect();
        assert!(guard.enter(other).is_none());
        drop(held);
        assert!(guard.enter(other).is_some());
    }
}
