//! What is PostgreSQL's own.

use sqlx::migrate::Migrator;

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// A connection that is lost without a word (a cable, a firewall) is noticed by either side within
/// half a minute, and a server that froze in mid-transaction does not hold up the others for longer.
pub(super) const WRITER: &str = "SET application_name = 'hotline'; SET client_min_messages = warning; \
     SET synchronous_commit = on; SET statement_timeout = '8s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET tcp_keepalives_idle = 10; \
     SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 20000;";

/// Readers never write. What they ask is answered sooner than machine code for it is made.
pub(super) const READER: &str = "SET application_name = 'hotline reader'; SET client_min_messages = warning; SET jit = off; \
     SET statement_timeout = '10s'; SET default_transaction_read_only = on; SET tcp_keepalives_idle = 10; \
     SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 20000;";

/// The planner believes of each word that it is as frequent as words are on the average, and rather reads and sorts all
/// places of one than take the newest out of an index.
pub(super) const SEARCH: &str = "SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; \
     SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0;";

/// All servers of one record write one after the other, a group at a time. So the journal's `seq`
/// is given in the order of the commits and a reader that resumes behind one misses nothing; wrong
/// attempts are counted one by one whichever server they reach; and two servers never deadlock.
/// The number is ours and means nothing; the lock ends with the transaction.
pub(super) const BEGIN: &str = "BEGIN; SELECT 1 FROM pg_advisory_xact_lock(7120385491);";

/// The lock that a server of this name holds as long as it is connected.
pub(super) const HOLD_NAME: &str =
    "SELECT CASE WHEN pg_try_advisory_lock(1214205, hashtext($1)) THEN 1 ELSE 0 END AS held";

/// How many servers hold a name.
pub(super) const NAMES_HELD: &str = "SELECT COUNT(*) AS held FROM pg_locks WHERE locktype = 'advisory' AND granted \
     AND classid = 1214205 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// A standby, or a server that was told not to write.
pub(super) const READ_ONLY: &str =
    "SELECT CASE WHEN current_setting('transaction_read_only') = 'on' THEN 1 ELSE 0 END AS read_only";

/// The tables that are there.
pub(super) const TABLES: &str =
    "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE schemaname = current_schema()";

/// Names and types of a table's columns.
pub(super) const COLUMNS: &str = "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS type \
     FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";

/// What a SQLSTATE means (PostgreSQL documentation, appendix A).
pub(super) enum Meaning {
    /// The same may work later, on this connection or another.
    Later(&'static str),
    /// The server fails on this statement, perhaps for ever.
    Trouble,
    /// Others wrote at the same moment: the same will work at once.
    Collision,
    /// The operator has to do something.
    Setup(&'static str),
    /// A rule of the tables.
    Rule,
    /// The statement or what it carries is wrong.
    Wrong,
}

pub(super) fn meaning(code: &str) -> Meaning {
    match code {
        "40001" | "40P01" => Meaning::Collision,
        "28P01" | "28000" => Meaning::Setup(
            "the server refuses the user or the password: look at both in the address (or set PGPASSWORD), \
             and at pg_hba.conf on the server",
        ),
        "3D000" => Meaning::Setup(
            "the server has no database of this name: make it with `createdb -O USER DATABASE`",
        ),
        "42501" => Meaning::Setup(
            "the user may not do this here: make it the owner of the database (`ALTER DATABASE … OWNER TO …`)",
        ),
        "25006" => Meaning::Setup(
            "the database takes no changes: the address names a standby, or default_transaction_read_only is on",
        ),
        "53100" => Meaning::Later("the server's disk is full: make room"),
        "53300" => Meaning::Later("the server has no connection free: raise max_connections"),
        "57P03" => Meaning::Later("the server is starting or stopping"),
        "57P01" | "57P02" => Meaning::Later("the server was stopped"),
        "55P03" => Meaning::Later("another server or program holds a lock"),
        // A plan that was cached before the tables were changed: a new connection makes a new one.
        "0A000" => Meaning::Later("the tables were changed meanwhile"),
        _ => match code.get(..2) {
            Some("23") => Meaning::Rule,
            Some("08" | "25" | "53" | "55") => Meaning::Later("the server is in trouble"),
            Some("57" | "58" | "F0" | "XX") => Meaning::Trouble,
            _ => Meaning::Wrong,
        },
    }
}
