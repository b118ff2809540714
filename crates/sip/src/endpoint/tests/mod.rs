//! Whole calls on virtual time.

mod calls;
mod chaos;
mod pair;
mod properties;
mod races;
mod raw;
mod registrar;
mod reliable;
mod torture;
mod torture_kept;
