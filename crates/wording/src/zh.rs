//! Mandarin.

mod inside;
mod marks;
pub(crate) mod number;
mod phrases;
mod slots;
mod text;

pub(crate) use inside::said;
pub(crate) use slots::{inventory, slot, smaller};
pub(crate) use text::normalise;
