//! A designer's plan file: source, checked plan, session; diagnostics, call scripts, simulator.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]
