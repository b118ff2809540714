//! English.

pub(crate) mod number;
mod short;
mod slots;
mod text;
mod words;

pub(crate) use slots::{inventory, slot};
pub(crate) use text::normalise;
