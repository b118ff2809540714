//! How long it takes from an offer to the painted card: `tools/offers`.

#![expect(clippy::unwrap_used, reason = "what fails here is told by its panic")]

#[path = "../tests/support/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod support;

fn main() {
    support::browser::run_with_callers("offer-bench.mjs");
}
