//! What is SQLite's own.

use sqlx::migrate::Migrator;

use super::Engine;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// WAL lets readers read while the writer writes; FULL makes a commit survive a power cut, which
/// group commit makes affordable; the busy time-out is short because the writer tries again itself. What is deleted or
/// written over is filled with zeros: nobody who has the file reads what was erased
/// (<https://www.sqlite.org/pragma.html#pragma_secure_delete>).
pub(super) const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 500; PRAGMA temp_store = MEMORY;";

/// Readers never write.
pub(super) const READER: &str =
    "PRAGMA busy_timeout = 500; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON;";

pub(super) const BEGIN: &str = "BEGIN IMMEDIATE";

/// Reads the file as nobody may who is not alone with it: every connection that has read it in WAL mode holds a lock
/// until it ends (<https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory>).
pub(super) const ALONE: &str =
    "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; SELECT COUNT(*) FROM sqlite_master;";

impl Engine {
    /// Puts into the file what stands in the log beside it, and cuts the log to nothing: a row with `busy`, which is 0 if
    /// it did. A connection that may not write may do this too
    /// (<https://www.sqlite.org/pragma.html#pragma_query_only>). PostgreSQL's log is its server's business.
    pub(crate) const fn empty_log(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("PRAGMA wal_checkpoint(TRUNCATE)"),
            Self::Postgres => None,
        }
    }
}

/// Whether a result code says that another connection holds a lock.
pub(super) fn is_busy(code: &str) -> bool {
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6))
}

/// The tables that are there.
pub(super) const TABLES: &str =
    "SELECT name AS name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";

/// Names and types of a table's columns.
pub(super) const COLUMNS: &str = "SELECT name AS name, type AS type FROM pragma_table_info($1) ORDER BY cid";

/// What a result code means (<https://www.sqlite.org/rescode.html>); the low byte is the code, the
/// rest says more.
pub(super) enum Meaning {
    /// The same may work later; with words where the reader can do something.
    Later(&'static str),
    /// The file itself is the trouble: what to do.
    File(&'static str),
    /// A rule of the tables.
    Rule,
    /// The statement or what it carries is wrong.
    Wrong,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code.parse::<u32>().map_or(1, |code| code & 0xff) {
        19 => Meaning::Rule,
        5 | 6 => Meaning::Later("another program holds the file locked"),
        10 => Meaning::Later("the disk cannot be read or written: look at the system's log"),
        13 => Meaning::Later("the disk is full: make room"),
        8 => Meaning::File(
            "it cannot be written: give this user the right to write the file and its folder, and look whether \
             the disk is mounted read-only",
        ),
        11 => Meaning::File(
            "the file is damaged; it is left as it is. Restore a backup, or save what can be read: \
             `sqlite3 FILE .recover | sqlite3 NEW-FILE`",
        ),
        14 => Meaning::File(
            "the file cannot be opened or made: look whether its folder is there and may be written",
        ),
        26 => Meaning::File(
            "the file is no database; it is left as it is. Name another file, or move this one away",
        ),
        // Error, too big, mismatch, misuse, out of range.
        1 | 18 | 20 | 21 | 25 => Meaning::Wrong,
        _ => Meaning::Later("it does not do what it is asked"),
    }
}
