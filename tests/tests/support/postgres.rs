//! A PostgreSQL of a test's own (`tools/postgres`), which it may stop in the middle of a call.

use std::path::{Path, PathBuf};

use super::process::{Process, quiet};
use super::{root, wait_until};

/// A running PostgreSQL; its end is this value's.
pub struct Postgres {
    folder: PathBuf,
}

fn tool(arguments: &[&str]) -> String {
    let done = quiet(root().join("tools/postgres")).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

impl Postgres {
    pub fn start() -> Self {
        Self { folder: PathBuf::from(tool(&["make"])) }
    }

    /// The address of its database, with the password.
    pub fn url(&self) -> String {
        format!("{}/postgres", std::fs::read_to_string(self.folder.join("url")).unwrap())
    }

    pub fn password(&self) -> String {
        std::fs::read_to_string(self.folder.join("password")).unwrap().trim().to_owned()
    }

    fn folder(&self) -> &str {
        self.folder.to_str().expect("the folder's name is text")
    }

    /// Ends it as a crash would.
    pub fn crash(&self) {
        tool(&["stop", self.folder(), "immediate"]);
    }

    /// Lets nobody read a table for so many seconds, from when this returns.
    pub fn hold(&self, table: &str, seconds: u32) -> Process {
        let sql = format!(
            "BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'held'; SELECT pg_sleep({seconds}); COMMIT;"
        );
        let told = self.folder.join("held");
        let mut command = quiet("psql");
        command.args(["--no-psqlrc", "--tuples-only", "--dbname", &self.url()]);
        for statement in sql.split_inclusive(';') {
            command.args(["--command", statement.trim()]);
        }
        let process = Process::start(&mut command, &told);
        wait_until("the table is held", super::seconds(20), || {
            std::fs::read_to_string(&told).is_ok_and(|told| told.contains("held"))
        });
        process
    }

    /// The rows of a statement, columns parted by `|`.
    pub fn query(&self, sql: &str) -> String {
        let mut command = quiet("psql");
        command.args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--dbname",
            &self.url(),
            "--command",
            sql,
        ]);
        let done = command.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    pub fn start_again(&self) {
        tool(&["start", self.folder()]);
    }

    /// Makes the tables and what is in them from a SQLite file, by the command that an operator uses.
    pub fn fill_from(&self, file: &Path) {
        let mut migrate = quiet(super::server::binary());
        migrate
            .arg("migrate")
            .arg("--from")
            .arg(format!("sqlite:{}", file.display()))
            .arg("--to")
            .arg(self.url());
        let done = migrate.output().unwrap();
        let told =
            format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        assert!(done.status.success(), "{told}");
        assert!(told.contains("counted and compared") && !told.contains(&self.password()), "{told}");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        tool(&["remove", self.folder()]);
    }
}
