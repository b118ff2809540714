//! Whole calls on virtual time.

mod calls;
mod chaos;
mod pair;
mod raw;
mod torture;
mod properties;
