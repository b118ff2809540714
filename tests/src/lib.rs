//! Helpers of the whole-call tests.
