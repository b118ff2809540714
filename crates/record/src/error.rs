//! What can go wrong with the record.

/// Why the record could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The database cannot be reached or does not answer; the same may work later.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The database is there and cannot be used as it is; the text says what to do.
    #[error("the database cannot be used: {0}")]
    Unusable(String),
    /// The database holds tables that this version cannot use; nothing was changed.
    #[error("the database cannot be used by this version: {0}")]
    Schema(String),
    /// What was handed over is not acceptable; the text says what to change.
    #[error("{0}")]
    Invalid(String),
    /// There is no such row; the word says of what kind.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// Somebody else was faster: what was handed over rests on what is no longer so. The text says
    /// how it is now.
    #[error("{0}")]
    Stale(String),
    /// A rule of the tables forbids it: a reference to a row that is not there, a duplicate.
    #[error("a rule of the database forbids it (code {0})")]
    Conflict(String),
    /// Others wrote at the same moment; tried again, it will work.
    #[error("others write the same at this moment (code {0})")]
    Collision(String),
    /// The database is there and fails on this; the same may work later, or never.
    #[error("the database is in trouble (code {0})")]
    Trouble(String),
    /// A row holds something that should not be there.
    #[error("the record holds something unexpected: {0}")]
    Corrupt(String),
}

impl RecordError {
    /// Whether the same may work once the database is well again: the writer keeps what it has.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unusable(_) | Self::Collision(_) | Self::Trouble(_))
    }
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::ColumnDecode { index, .. } => Self::Corrupt(format!("column {index}")),
            sqlx::Error::ColumnNotFound(name) => Self::Corrupt(format!("column {name} is missing")),
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) => Self::Corrupt("a value".into()),
            sqlx::Error::Database(error) => crate::engine::of_database(&*error),
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                Self::Unavailable(
                    "nothing listens at this address: start the database, or look at host and port".into(),
                )
            }
            sqlx::Error::Io(error) => {
                Self::Unavailable(format!("{error}: look at host and port, and at the network"))
            }
            sqlx::Error::Protocol(_) => {
                Self::Unavailable("what answers there does not speak PostgreSQL as expected".into())
            }
            sqlx::Error::Tls(error) => {
                Self::Unusable(format!("no TLS with the server: {error}; see `sslmode`"))
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}
