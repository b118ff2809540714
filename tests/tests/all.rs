//! One binary for all whole-call tests.
