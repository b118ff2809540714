//! What the tests share.

pub mod agents;
pub mod baresip;
pub mod browser;
pub mod ear;
pub mod http;
pub mod pcap;
pub mod people;
pub mod phone;
pub mod postgres;
pub mod process;
pub mod server;
pub mod sipp;
pub mod tickets;
pub mod tones;
pub mod warm;
pub mod wire;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package stands in the workspace").to_owned()
}

/// Looks until there is something to see; panics with `what` after `within`.
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// [`wait_for`] a condition.
pub fn wait_until(what: &str, within: Duration, mut look: impl FnMut() -> bool) {
    wait_for(what, within, || look().then_some(()));
}

/// A number that `tools/faults` sets for longer runs.
pub fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
}

/// Seconds, for limits.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
