//! A telephone for tests and newcomers, on rsip and rtp, independent of our own stack.
