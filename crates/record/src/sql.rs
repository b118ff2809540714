//! Small helpers for rows.

use std::str::FromStr;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::RecordError;

/// Reads columns as the model's types.
pub(crate) trait Columns {
    fn text(&self, name: &str) -> Result<String, RecordError>;
    fn text_or_none(&self, name: &str) -> Result<Option<String>, RecordError>;
    fn int(&self, name: &str) -> Result<i64, RecordError>;
    fn int_or_none(&self, name: &str) -> Result<Option<i64>, RecordError>;

    /// A count or a sum; of nothing it is 0.
    fn number(&self, name: &str) -> Result<u64, RecordError> {
        Ok(u64::try_from(self.int_or_none(name)?.unwrap_or(0)).unwrap_or(0))
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<T, RecordError> {
        self.text(name)?.parse().map_err(|_| RecordError::Corrupt(format!("column {name}")))
    }

    fn parsed_or_none<T: FromStr>(&self, name: &str) -> Result<Option<T>, RecordError> {
        self.text_or_none(name)?
            .map(|text| text.parse().map_err(|_| RecordError::Corrupt(format!("column {name}"))))
            .transpose()
    }

    fn time(&self, name: &str) -> Result<Timestamp, RecordError> {
        from_micros(self.int(name)?)
    }

    fn time_or_none(&self, name: &str) -> Result<Option<Timestamp>, RecordError> {
        self.int_or_none(name)?.map(from_micros).transpose()
    }
}

impl Columns for AnyRow {
    fn text(&self, name: &str) -> Result<String, RecordError> {
        Ok(self.try_get(name)?)
    }

    fn text_or_none(&self, name: &str) -> Result<Option<String>, RecordError> {
        Ok(self.try_get(name)?)
    }

    fn int(&self, name: &str) -> Result<i64, RecordError> {
        Ok(self.try_get(name)?)
    }

    fn int_or_none(&self, name: &str) -> Result<Option<i64>, RecordError> {
        Ok(self.try_get(name)?)
    }
}

fn from_micros(micros: i64) -> Result<Timestamp, RecordError> {
    Timestamp::from_microsecond(micros).map_err(|_| RecordError::Corrupt("a time".into()))
}

/// Customer `$1` and all that were merged into it.
pub(crate) const FAMILY: &str = "(SELECT id FROM customer WHERE id = $1 OR merged_into = $1)";

/// A text as both engines take it: PostgreSQL refuses U+0000 in a text, and an index has its limit.
pub(crate) fn clean(mut text: String) -> String {
    text.retain(|c| c != '\0');
    text
}

/// The first 200 characters, for a column with an index: what comes from the network may have any length.
pub(crate) fn short(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(200).collect()
}
