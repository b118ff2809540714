//! What is kept, where and for how long: `[record]`, `[recordings]`, `[attachments]`, `[retention]`.

use std::path::PathBuf;

use hotline_model::Pii;
use hotline_record::DatabaseAddress;
use serde::{Deserialize, Serialize, Serializer};

/// `[record]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RecordSection {
    /// `sqlite:` and the path of a file, or the address of a PostgreSQL database; [`super::Config::database`]
    /// reads it.
    #[serde(serialize_with = "without_password")]
    pub database: Pii<String>,
    /// The name of this server, which no other server of the same database may have; the
    /// machine's own if absent.
    pub server: Option<String>,
    /// The file that keeps what calls leave behind while the database is away; beside a SQLite file,
    /// else `var/hotline.spool`, if absent.
    pub spool: Option<PathBuf>,
}

impl Default for RecordSection {
    fn default() -> Self {
        Self { database: "sqlite:var/hotline.db".to_owned().into(), server: None, spool: None }
    }
}

/// `[recordings]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Recordings {
    /// Whether calls are recorded; the plans announce it first.
    pub on: bool,
    /// Where they are kept.
    pub folder: PathBuf,
}

impl Default for Recordings {
    fn default() -> Self {
        Self { on: false, folder: "var/recordings".into() }
    }
}

/// `[attachments]`
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Attachments {
    /// Where files that customers and agents put on the record are kept.
    pub folder: PathBuf,
}

impl Default for Attachments {
    fn default() -> Self {
        Self { folder: "var/attachments".into() }
    }
}

/// `[retention]`: in days; 0 keeps for good.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Retention {
    /// Recordings, with their files.
    pub recordings_days: u32,
    /// Files of customers.
    pub attachments_days: u32,
    /// Steps of calls.
    pub steps_days: u32,
    /// Text messages.
    pub messages_days: u32,
    /// The journal but for steps.
    pub journal_days: u32,
    /// Who looked at whom.
    pub access_log_days: u32,
    /// What supervisors think of talks.
    pub reviews_days: u32,
    /// Rebates that can be used no longer, counted from when they were given.
    pub rebates_days: u32,
}

fn without_password<S: Serializer>(address: &Pii<String>, to: S) -> Result<S::Ok, S::Error> {
    match address.expose().parse::<DatabaseAddress>() {
        Ok(address) => to.collect_str(&address),
        Err(_) => to.serialize_str("(hidden)"),
    }
}
