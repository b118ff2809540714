//! Whole calls on virtual time.

mod calls;
mod chaos;
mod pair;
mod properties;
mod raw;
mod torture;
mod torture_kept;
