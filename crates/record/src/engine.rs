//! What differs between database engines: how they are opened and migrated.

use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::MigrateError;
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Executor};

use crate::RecordError;

/// Where the record is kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A database URL: `sqlite:PATH`, made if it is not there.
    pub url: String,
    /// How many connections read at once. Default 4.
    pub readers: u32,
}

impl Settings {
    /// The record in one SQLite file.
    pub fn sqlite(path: &std::path::Path) -> Self {
        Self { url: format!("sqlite:{}?mode=rwc", path.display()), readers: 4 }
    }
}

/// WAL lets readers read while the writer writes; FULL makes a commit survive a power cut, which
/// group commit makes affordable; the busy time-out is short because the writer tries again itself.
const SQLITE_SETUP: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 500; PRAGMA temp_store = MEMORY;";

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// Makes a connection that writes, and tells how to make another one when it is lost.
pub struct Connector {
    options: AnyConnectOptions,
}

impl Connector {
    /// Connects anew.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if that fails.
    pub async fn connect(&self) -> Result<AnyConnection, RecordError> {
        let mut connection = self.options.connect().await?;
        connection.execute(SQLITE_SETUP).await?;
        Ok(connection)
    }
}

pub(crate) async fn open(settings: &Settings) -> Result<(AnyPool, Connector), RecordError> {
    sqlx::any::install_default_drivers();
    if !settings.url.starts_with("sqlite:") {
        return Err(RecordError::Invalid(
            "this database is not known: write `sqlite:` and the path of a file".into(),
        ));
    }
    let options = AnyConnectOptions::from_str(&settings.url)?.disable_statement_logging();
    let connector = Connector { options: options.clone() };
    let mut connection = connector.connect().await?;
    SQLITE.run(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => RecordError::Schema(format!(
            "its tables are of version {version}, newer than this program; start the newer program"
        )),
        MigrateError::VersionMismatch(version) => {
            RecordError::Schema(format!("version {version} of its tables is not the one this program knows"))
        }
        MigrateError::Dirty(version) => {
            RecordError::Schema(format!("the change to version {version} of its tables was cut short"))
        }
        other => RecordError::Unavailable(other.to_string()),
    })?;
    let readers = AnyPoolOptions::new()
        .max_connections(settings.readers)
        .acquire_timeout(Duration::from_secs(2))
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection.execute(SQLITE_SETUP).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok((readers, connector))
}
