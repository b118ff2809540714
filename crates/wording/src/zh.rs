//! Mandarin.

mod marks;
pub(crate) mod number;
mod slots;
mod text;

pub(crate) use slots::{digits_of_group, inventory, slot};
pub(crate) use text::normalise;
