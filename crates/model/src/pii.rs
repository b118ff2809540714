//! What identifies a person, wrapped so that a log cannot print it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that identifies a customer: printed as `‹hidden›` by `Debug` and `Display`, so that no
/// log line, error or panic message can carry it. [`Pii::expose`] is the one way to the content,
/// and is easy to search for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: for the wire, the record and the ear of the caller, never for a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, unwrapped.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹hidden›")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹hidden›")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_content() {
        let number = Pii::new("+8613800138000");
        assert_eq!(format!("{number} {number:?}"), "‹hidden› ‹hidden›");
        assert_eq!(number.expose(), &"+8613800138000");
    }
}
