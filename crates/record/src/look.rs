//! Looks at a database without changing it.

use sqlx::Row;

use crate::engine::{self, Connector, Engine, Settings};
use crate::{DatabaseAddress, RecordError};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The engine with its version: `PostgreSQL 15.18`.
    pub engine: String,
    /// The version of its tables; `None`: there are none yet, the first start makes them.
    pub version: Option<i64>,
    /// Whether the next start changes its tables to what this program knows.
    pub old: bool,
}

/// Whether a server uses a database at this moment; of a SQLite file, whether any other program has it open.
///
/// # Errors
/// As [`crate::Record::open`], with words that say what to do.
pub async fn is_in_use(address: &DatabaseAddress) -> Result<bool, RecordError> {
    if address.file().is_some_and(|file| !file.exists()) {
        return Ok(false);
    }
    let connector = Connector::new(&Settings::new(address.clone()))?;
    let mut connection = connector.plain().await?;
    match connector.engine {
        Engine::Sqlite => Ok(engine::is_open_elsewhere(&mut connection).await),
        Engine::Postgres => engine::is_served(&mut connection).await,
    }
}

/// Connects, and looks whether the record can be kept there; a SQLite file is read for damage.
///
/// # Errors
/// As [`crate::Record::open`], with words that say what to do.
pub async fn look(address: &DatabaseAddress) -> Result<Found, RecordError> {
    let connector = Connector::new(&Settings::new(address.clone()))?;
    let mut connection = connector.plain().await?;
    let tables = engine::look_over(&mut connection, connector.engine).await?;
    let version = engine::version(&mut connection, &tables).await?;
    connector.refuse_unwritable(&mut connection).await?;
    let (name, sql) = match connector.engine {
        Engine::Sqlite => ("SQLite", "SELECT sqlite_version() AS version"),
        Engine::Postgres => ("PostgreSQL", "SELECT current_setting('server_version') AS version"),
    };
    let row = sqlx::query(sql).fetch_one(&mut connection).await?;
    let number: String = row.try_get("version")?;
    if connector.engine == Engine::Sqlite {
        // With an argument newer versions of SQLite take it for the name of a table.
        let row = sqlx::query("SELECT quick_check AS found FROM pragma_quick_check")
            .fetch_one(&mut connection)
            .await?;
        if row.try_get::<String, _>("found")? != "ok" {
            return Err(engine::damaged());
        }
    }
    let number = number.split_whitespace().next().unwrap_or_default();
    let old = version.is_some_and(|version| version < connector.engine.newest());
    Ok(Found { engine: format!("{name} {number}"), version, old })
}
