//! What can go wrong with the record.

/// Why the record could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The database cannot be reached or does not answer; the same may work later.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The database holds tables that this version cannot use; nothing was changed.
    #[error("the database cannot be used by this version: {0}")]
    Schema(String),
    /// What was handed over is not acceptable; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// A rule of the tables forbids it: a reference to a row that is not there, a duplicate.
    #[error("a rule of the database forbids it (code {0})")]
    Conflict(String),
    /// A row holds something that should not be there.
    #[error("the record holds something unexpected: {0}")]
    Corrupt(String),
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt(format!("column {index}")),
            sqlx::Error::ColumnNotFound(name) => Self::Corrupt(format!("column {name} is missing")),
            // The text of a database error can quote values: only its code is kept.
            sqlx::Error::Database(error) => {
                let code = error.code().map_or_else(|| "unknown".to_owned(), |code| code.into_owned());
                match error.kind() {
                    sqlx::error::ErrorKind::Other if code == "1" => {
                        Self::Corrupt("a statement is refused".into())
                    }
                    sqlx::error::ErrorKind::Other => Self::Unavailable(format!("code {code}")),
                    _ => Self::Conflict(code),
                }
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}
