//! `hotline retention`: deletes what is older than its period now, or says what would go.

use std::path::Path;
use std::process::ExitCode;

use jiff::Timestamp;

use super::{Problem, open_record, runtime};
use crate::config::Config;
use crate::erasure::Folders;
use crate::retention;

/// `hotline retention`
#[derive(clap::Args)]
pub struct Arguments {
    /// Only say what would be deleted.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    runtime()?.block_on(async {
        let record = open_record(&config).await?;
        let (periods, now) = (&config.retention, Timestamp::now());
        let done = if arguments.dry_run {
            retention::count(&record, periods, now).await?
        } else {
            retention::delete(&record, periods, &Folders::of(&config), now).await?
        };
        if done.is_empty() {
            println!("nothing has a period: everything is kept ([retention] of the configuration)");
        }
        let word = if arguments.dry_run { "would be deleted" } else { "deleted" };
        for (kind, rows) in done {
            println!("{kind}: {rows} {word}");
        }
        Ok(ExitCode::SUCCESS)
    })
}
