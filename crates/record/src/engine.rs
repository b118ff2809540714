//! What differs between database engines: how they are opened, migrated and locked, and what their
//! errors mean. Each engine's own words stand in a module of its own.

mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::error::DatabaseError;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Executor, Row};

use crate::{DatabaseAddress, RecordError};

/// Where the record is kept, and by whom it is used.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database.
    pub address: DatabaseAddress,
    /// How many connections read at once. Default 4.
    pub readers: u32,
    /// The name of the server that takes calls, which no other server of the same database may
    /// have: what a crash left is found again by it. Empty for SQLite, whose file one server has
    /// for itself. `None`: a command that looks or changes something and ends.
    pub server: Option<String>,
    /// The file that keeps what calls leave behind while the database is away. `None`: it is kept
    /// in memory only.
    pub spool: Option<PathBuf>,
    /// A piece that the database fails on is tried for so long; then it is laid aside beside the
    /// spool and the others go on. Default 60 s.
    pub patience: Duration,
}

impl Settings {
    /// A command's settings for a database.
    pub const fn new(address: DatabaseAddress) -> Self {
        Self { address, readers: 4, server: None, spool: None, patience: Duration::from_secs(60) }
    }

    /// The record in one SQLite file, which this process has for itself.
    pub fn sqlite(path: &std::path::Path) -> Self {
        Self { server: Some(String::new()), ..Self::new(DatabaseAddress::sqlite(path)) }
    }
}

/// Who keeps the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file.
    Sqlite,
    /// A server of its own, which several servers of ours may share.
    Postgres,
}

impl Engine {
    /// Begins a group of changes.
    pub(crate) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => sqlite::BEGIN,
            Self::Postgres => postgres::BEGIN,
        }
    }

    /// Behind a SELECT that chooses rows to be taken: rows that somebody else is taking at this
    /// moment are passed over.
    pub(crate) const fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// What search sets for its own transaction, so that it is answered by way of the indexes, in their order.
    pub(crate) const fn settings_of_search(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(postgres::SEARCH),
        }
    }

    fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &sqlite::MIGRATIONS,
            Self::Postgres => &postgres::MIGRATIONS,
        }
    }

    /// The newest version of the tables that this program knows.
    pub(crate) fn newest(self) -> i64 {
        self.migrations().iter().map(|migration| migration.version).max().unwrap_or(0)
    }

    /// Names and types of a table's columns, in their order.
    pub(crate) const fn columns(self) -> &'static str {
        match self {
            Self::Sqlite => sqlite::COLUMNS,
            Self::Postgres => postgres::COLUMNS,
        }
    }

    const fn reader(self) -> &'static str {
        match self {
            Self::Sqlite => sqlite::READER,
            Self::Postgres => postgres::READER,
        }
    }
}

/// A connection that is not made by then will not be.
const CONNECT: Duration = Duration::from_secs(5);

/// Makes a connection that writes, and another one when it is lost.
pub(crate) struct Connector {
    /// One for SQLite; for PostgreSQL one a host.
    hosts: Vec<AnyConnectOptions>,
    /// The host that is used.
    host: AtomicUsize,
    pub engine: Engine,
    server: Option<String>,
    /// Those that read follow to another host.
    readers: OnceLock<AnyPool>,
}

impl Connector {
    pub fn new(settings: &Settings) -> Result<Self, RecordError> {
        sqlx::any::install_default_drivers();
        let engine = settings.address.engine();
        let options = |mut url: String| {
            if engine == Engine::Sqlite && !url.contains('?') {
                url.push_str("?mode=rwc");
            }
            AnyConnectOptions::from_str(&url)
                .map(ConnectOptions::disable_statement_logging)
                .map_err(|_| RecordError::Unusable("its address cannot be read".into()))
        };
        let hosts = settings.address.hosts().into_iter().map(options).collect::<Result<_, _>>()?;
        let (host, server) = (AtomicUsize::new(0), settings.server.clone());
        Ok(Self { hosts, host, engine, server, readers: OnceLock::new() })
    }

    /// A connection as the driver makes it: of several hosts to the first that takes changes, the one that was used
    /// last before the others.
    pub async fn plain(&self) -> Result<AnyConnection, RecordError> {
        let last = self.host.load(Ordering::Relaxed);
        let mut refused = None;
        for host in (last..self.hosts.len()).chain(0..last) {
            match self.reach(host).await {
                Ok(connection) => {
                    self.settle_on(host);
                    return Ok(connection);
                }
                // A host that is not there says less than one that is and refuses.
                Err(error @ RecordError::Unavailable(_)) if refused.is_some() => drop(error),
                Err(error) => refused = Some(error),
            }
        }
        Err(refused.unwrap_or_else(|| RecordError::Unusable("its address names no host".into())))
    }

    async fn reach(&self, host: usize) -> Result<AnyConnection, RecordError> {
        let Ok(connected) = tokio::time::timeout(CONNECT, self.hosts[host].connect()).await else {
            return Err(RecordError::Unavailable(format!(
                "nobody answers within {} s: look at host and port, and whether a firewall lies between",
                CONNECT.as_secs()
            )));
        };
        let mut connection = connected?;
        if self.hosts.len() > 1 {
            refuse_read_only(&mut connection).await?;
        }
        Ok(connection)
    }

    /// From now on this host is asked first, and by those that read.
    fn settle_on(&self, host: usize) {
        if self.host.swap(host, Ordering::Relaxed) != host {
            tracing::warn!(
                host = host + 1,
                of = self.hosts.len(),
                "another host of the database is used now"
            );
            if let Some(readers) = self.readers.get() {
                readers.set_connect_options(self.hosts[host].clone());
            }
        }
    }

    /// A connection that writes.
    pub async fn connect(&self) -> Result<AnyConnection, RecordError> {
        let mut connection = self.plain().await?;
        match self.engine {
            Engine::Sqlite => {
                connection.execute(sqlite::WRITER).await?;
            }
            Engine::Postgres => {
                connection.execute(postgres::WRITER).await?;
                refuse_read_only(&mut connection).await?;
                // Known to be ours since the start: who holds it now is our own lost connection.
                let _ = self.hold_name(&mut connection).await?;
            }
        }
        Ok(connection)
    }

    /// Says at once if the database cannot be written; changes nothing.
    pub async fn refuse_unwritable(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        match self.engine {
            Engine::Sqlite => {
                connection.execute("PRAGMA busy_timeout = 2000; BEGIN IMMEDIATE; ROLLBACK;").await?;
                Ok(())
            }
            Engine::Postgres => refuse_read_only(connection).await,
        }
    }

    /// Whether this connection now holds the server's name.
    async fn hold_name(&self, connection: &mut AnyConnection) -> Result<bool, RecordError> {
        let Some(server) = self.server.as_ref().filter(|_| self.engine == Engine::Postgres) else {
            return Ok(true);
        };
        let row = sqlx::query(postgres::HOLD_NAME).bind(server.as_str()).fetch_one(connection).await?;
        Ok(row.try_get::<i32, _>("held")? == 1)
    }

    /// The first connection that writes, which holds the server's name. A server of the same name
    /// is refused: it would take the other's calls and messages for its own that a crash left. One
    /// that was just killed is given a moment to be gone.
    async fn first(&self) -> Result<AnyConnection, RecordError> {
        let mut connection = self.connect().await?;
        for _ in 0..30 {
            if self.hold_name(&mut connection).await? {
                return Ok(connection);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(RecordError::Unusable(format!(
            "another server named `{}` uses it at this moment: stop that one, or give this one a name of its own \
             (`record.server` in the configuration)",
            self.server.as_deref().unwrap_or_default()
        )))
    }

    /// Connections that read.
    pub async fn readers(&self, count: u32) -> Result<AnyPool, RecordError> {
        let setup = self.engine.reader();
        let pool = AnyPoolOptions::new()
            .max_connections(count)
            .acquire_timeout(Duration::from_secs(2))
            // A file does not go away behind a connection; a server does.
            .test_before_acquire(self.engine == Engine::Postgres)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    connection.execute(setup).await?;
                    Ok(())
                })
            })
            .connect_with(self.hosts[self.host.load(Ordering::Relaxed)].clone())
            .await?;
        let _ = self.readers.set(pool.clone());
        Ok(pool)
    }
}

async fn refuse_read_only(connection: &mut AnyConnection) -> Result<(), RecordError> {
    let row = sqlx::query(postgres::READ_ONLY).fetch_one(connection).await?;
    if row.try_get::<i32, _>("read_only")? == 1 {
        return Err(of_code("25006"));
    }
    Ok(())
}

/// Opens a database: connections that read, the one that writes, and who makes it anew.
pub(crate) async fn open(settings: &Settings) -> Result<(AnyPool, AnyConnection, Connector), RecordError> {
    let connector = Connector::new(settings)?;
    migrate(&connector).await?;
    let writer = connector.first().await?;
    let readers = connector.readers(settings.readers).await?;
    Ok((readers, writer, connector))
}

/// Makes the tables, or changes them to what this program knows. What is not ours, is newer or
/// cannot be written is refused before anything is touched.
pub(crate) async fn migrate(connector: &Connector) -> Result<(), RecordError> {
    let mut connection = connector.plain().await?;
    look_over(&mut connection, connector.engine).await?;
    connector.refuse_unwritable(&mut connection).await?;
    connection
        .execute(match connector.engine {
            Engine::Sqlite => sqlite::WRITER,
            Engine::Postgres => "SET client_min_messages = warning",
        })
        .await?;
    connector.engine.migrations().run(&mut connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => newer(version),
        MigrateError::VersionMismatch(version) => {
            RecordError::Schema(format!("version {version} of its tables is not the one this program knows"))
        }
        MigrateError::Dirty(version) => {
            RecordError::Schema(format!("the change to version {version} of its tables was cut short"))
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => RecordError::Unavailable(other.to_string()),
    })
}

/// Whether a SQLite file is open in another connection; this one is closed afterwards.
pub(crate) async fn is_open_elsewhere(connection: &mut AnyConnection) -> bool {
    match connection.execute(sqlite::ALONE).await {
        Err(sqlx::Error::Database(error)) => error.code().is_some_and(|code| sqlite::is_busy(&code)),
        _ => false,
    }
}

/// Whether a server holds its name in a PostgreSQL database.
pub(crate) async fn is_served(connection: &mut AnyConnection) -> Result<bool, RecordError> {
    let row = sqlx::query(postgres::NAMES_HELD).fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>("held")? > 0)
}

/// The migrations' own table.
const VERSIONS: &str = "_sqlx_migrations";

/// The tables of a database, before anything of it is changed.
///
/// # Errors
/// [`RecordError::Schema`] if they are not ours, or of a newer version.
pub(crate) async fn look_over(
    connection: &mut AnyConnection,
    engine: Engine,
) -> Result<Vec<String>, RecordError> {
    let sql = match engine {
        Engine::Sqlite => sqlite::TABLES,
        Engine::Postgres => postgres::TABLES,
    };
    let rows = sqlx::query(sql).fetch_all(&mut *connection).await?;
    let tables = rows.iter().map(|row| row.try_get("name")).collect::<Result<Vec<String>, _>>()?;
    if !tables.iter().any(|table| table == VERSIONS) {
        return match tables.first() {
            None => Ok(tables),
            Some(table) => Err(RecordError::Schema(format!(
                "it holds tables of another program (`{table}`), which are left as they are: give the hotline a \
                 database of its own"
            ))),
        };
    }
    match version(connection, &tables).await? {
        Some(version) if version > engine.newest() => Err(newer(version)),
        _ => Ok(tables),
    }
}

/// The version of the tables of a database, by the list of them.
pub(crate) async fn version(
    connection: &mut AnyConnection,
    tables: &[String],
) -> Result<Option<i64>, RecordError> {
    if !tables.iter().any(|table| table == VERSIONS) {
        return Ok(None);
    }
    let row =
        sqlx::query(&format!("SELECT MAX(version) AS version FROM {VERSIONS}")).fetch_one(connection).await?;
    Ok(row.try_get("version")?)
}

/// The file was read and does not hold together.
pub(crate) fn damaged() -> RecordError {
    of_code("11")
}

fn newer(version: i64) -> RecordError {
    RecordError::Schema(format!(
        "its tables are of version {version}, newer than this program; start the newer program"
    ))
}

/// What a database's own error means. Its text can quote values: only its code is kept.
pub(crate) fn of_database(error: &dyn DatabaseError) -> RecordError {
    of_code(error.code().as_deref().unwrap_or("1"))
}

fn of_code(code: &str) -> RecordError {
    let told = |words: &str| format!("{words} (code {code})");
    // A SQLSTATE has five characters, SQLite's codes have four digits at most.
    if code.len() == 5 {
        match postgres::meaning(code) {
            postgres::Meaning::Later(words) => RecordError::Unavailable(told(words)),
            postgres::Meaning::Trouble => RecordError::Trouble(code.to_owned()),
            postgres::Meaning::Collision => RecordError::Collision(code.to_owned()),
            postgres::Meaning::Setup(words) => RecordError::Unusable(told(words)),
            postgres::Meaning::Rule => RecordError::Conflict(code.to_owned()),
            postgres::Meaning::Wrong => RecordError::Corrupt(told("a statement is refused")),
        }
    } else {
        match sqlite::meaning(code) {
            sqlite::Meaning::Later(words) => RecordError::Unavailable(told(words)),
            sqlite::Meaning::File(words) => RecordError::Unusable(told(words)),
            sqlite::Meaning::Rule => RecordError::Conflict(code.to_owned()),
            sqlite::Meaning::Wrong => RecordError::Corrupt(told("a statement is refused")),
        }
    }
}
