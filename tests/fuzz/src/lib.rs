//! Fuzz targets: each takes any bytes and panics where something does not hold that must hold for all bytes.
//!
//! Two drivers run them: `tests/bounded.rs`, the kept corpus and seeded mutations of it, on every test run; and
//! libFuzzer by `tools/fuzz`, guided by coverage, for as long as one likes. What libFuzzer finds goes into
//! `corpus/<target>/` and is part of the bounded run from then on.

mod dialplan;
mod http;
mod mutate;
mod rtp;
mod sip;

use std::path::{Path, PathBuf};

pub use mutate::Mutator;

/// A target by its name.
pub struct Target {
    /// Also the folder of its corpus.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
    /// Folders of this workspace whose files are seeds as well.
    pub seeds: &'static [&'static str],
    /// Seeds that are no files.
    pub made: fn() -> Vec<Vec<u8>>,
    /// Inputs of the bounded run; a few seconds' worth.
    pub bounded: u32,
}

const MESSAGES: &[&str] = &["crates/sip/fixtures/rfc4475", "crates/sip/fixtures/rfc5118"];

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target { name: "sip-message", run: sip::message, seeds: MESSAGES, made: sip::dialogue, bounded: 60_000 },
    Target {
        name: "sip-endpoint",
        run: sip::endpoint,
        seeds: MESSAGES,
        made: sip::dialogue,
        bounded: 20_000,
    },
    Target { name: "sip-stream", run: sip::stream, seeds: MESSAGES, made: sip::dialogue, bounded: 40_000 },
    Target { name: "sdp", run: sip::sdp, seeds: &[], made: sip::descriptions, bounded: 100_000 },
    Target { name: "rtp", run: rtp::session, seeds: &[], made: rtp::packets, bounded: 100_000 },
    Target { name: "rtcp", run: rtp::control, seeds: &[], made: rtp::packets, bounded: 200_000 },
    Target {
        name: "dialplan",
        run: dialplan::load,
        seeds: &["dialplans", "dialplans/policies", "dialplans/calendars"],
        made: Vec::new,
        bounded: 2_000,
    },
    Target { name: "http", run: http::request, seeds: &[], made: http::requests, bounded: 5_000 },
];

/// The root of the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where a target's corpus is kept.
pub fn corpus(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// Everything a target begins with: its corpus, files of the workspace, made ones; in a fixed order.
pub fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let folders = target.seeds.iter().map(|folder| root().join(folder)).chain([corpus(target)]);
    let mut paths: Vec<PathBuf> = folders
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let read = paths.iter().filter_map(|path| std::fs::read(path).ok());
    read.chain((target.made)()).collect()
}
