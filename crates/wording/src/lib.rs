//! Text and typed slots to spoken words and recordings, zh-CN and en-US.
#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "floors 0 and 1 are pure: time, randomness, files and sockets are handed in"
)]
