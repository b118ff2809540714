//! A record of a test's own, on either engine.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{Connection, Executor, PgConnection};

use super::*;

/// A record with its clock.
pub struct House {
    pub record: Record,
    pub clock: Arc<ManualClock>,
    pub ids: IdSource,
    pub address: DatabaseAddress,
    _folder: Option<tempfile::TempDir>,
    _server: Option<Shared>,
}

impl House {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = DatabaseAddress::sqlite(&folder.path().join("record.db"));
        let mut house = Self::open(address, Some(String::new())).await.unwrap();
        house._folder = Some(folder);
        house
    }

    pub async fn postgres() -> Self {
        let server = Shared::get();
        let address = server.make_database().await;
        let mut house = Self::open(address, Some("one".into())).await.unwrap();
        house._server = Some(server);
        house
    }

    /// Opens what is there, or makes it.
    pub async fn open(address: DatabaseAddress, server: Option<String>) -> Result<Self, RecordError> {
        Self::with(&Settings { server, ..Settings::new(address) }).await
    }

    pub async fn with(settings: &Settings) -> Result<Self, RecordError> {
        let clock = Arc::new(ManualClock::new("2026-11-20T02:00:00Z".parse().unwrap()));
        let shared: Arc<dyn Clock> = clock.clone();
        let record = Record::open(settings, shared).await?;
        let ids = IdSource::new(rand::random());
        let address = settings.address.clone();
        Ok(Self { record, clock, ids, address, _folder: None, _server: None })
    }
}

/// `tools/postgres`, which says what is missing and what installs it.
pub fn tool(arguments: &[&str]) -> String {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/postgres");
    let done = Command::new(tool).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

/// The PostgreSQL that all tests share; it stays as long as one of these is held.
pub struct Shared {
    url: String,
    _used: File,
}

impl Shared {
    pub fn get() -> Self {
        let folder = PathBuf::from(tool(&["shared"]));
        let used = File::create(folder.with_extension("users")).unwrap();
        used.lock_shared().unwrap();
        Self { url: std::fs::read_to_string(folder.join("url")).unwrap(), _used: used }
    }

    pub async fn make_database(&self) -> DatabaseAddress {
        make_database(&self.url).await
    }
}

/// A server of a test's own, which it may stop.
pub struct Own(String);

impl Own {
    pub fn start() -> Self {
        Self(tool(&["make"]))
    }

    pub async fn make_database(&self) -> DatabaseAddress {
        make_database(&std::fs::read_to_string(Path::new(&self.0).join("url")).unwrap()).await
    }

    /// A standby of it.
    pub fn standby(&self) -> Self {
        Self(tool(&["standby", &self.0]))
    }

    /// A standby takes changes from now on.
    pub fn promote(&self) {
        tool(&["promote", &self.0]);
    }

    /// Host and port.
    pub fn host(&self) -> String {
        let url = std::fs::read_to_string(Path::new(&self.0).join("url")).unwrap();
        url.rsplit_once('@').unwrap().1.to_owned()
    }

    /// `fast`, or `immediate`: as if it crashed.
    pub fn stop(&self, mode: &str) {
        tool(&["stop", &self.0, mode]);
    }

    pub fn start_again(&self) {
        tool(&["start", &self.0]);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        tool(&["remove", &self.0]);
    }
}

async fn make_database(server: &str) -> DatabaseAddress {
    let name = format!("test_{:016x}", rand::random::<u64>());
    let mut connection = PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
    connection.execute(format!("CREATE DATABASE {name}").as_str()).await.unwrap();
    format!("{server}/{name}").parse().unwrap()
}

/// SQL beside the record.
pub async fn execute(address: &DatabaseAddress, sql: &str) {
    match address.engine() {
        Engine::Postgres => {
            let mut connection = PgConnection::connect(address.expose()).await.unwrap();
            connection.execute(sql).await.unwrap();
        }
        Engine::Sqlite => {
            let mut connection = sqlx::SqliteConnection::connect(address.expose()).await.unwrap();
            connection.execute(sql).await.unwrap();
        }
    }
}

/// How many rows a table of a PostgreSQL has; none while it cannot be asked.
pub async fn count(address: &DatabaseAddress, table: &str) -> i64 {
    let Ok(mut connection) = PgConnection::connect(address.expose()).await else { return 0 };
    let sql = format!("SELECT COUNT(*) FROM {table}");
    sqlx::query_scalar(&sql).fetch_one(&mut connection).await.unwrap_or(0)
}
