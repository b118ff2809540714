//! `hotline webhooks`: what waits to be told to other systems, what was given up, sending it once more.

use std::path::Path;
use std::process::ExitCode;

use hotline_record::Replay;
use jiff::Timestamp;

use super::{Problem, open_record, runtime};
use crate::config::Config;

/// `hotline webhooks`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// All webhooks, with what waits and what was given up.
    List,
    /// Deliveries of one webhook that were given up, the newest first.
    Dead {
        /// The webhook.
        name: String,
    },
    /// Send deliveries once more, under the ids they had; a webhook that wanted no more (410) is taken up
    /// again. Without more words: all that were given up.
    Replay {
        /// The webhook.
        name: String,
        /// Only this delivery; may be said several times.
        #[arg(long, value_name = "ID", conflicts_with = "since")]
        id: Vec<String>,
        /// All that were planned since (2026-11-20T10:00:00+08:00), also those that arrived in the last 7 days.
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
    },
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    runtime()?.block_on(async {
        let record = open_record(&config).await?;
        match arguments.command {
            Command::List => {
                for webhook in record.webhooks().await? {
                    let last = webhook.delivered_at.map_or("never".to_owned(), |at| at.to_string());
                    let off =
                        webhook.disabled_at.map_or(String::new(), |at| format!(", wants no more since {at}"));
                    println!(
                        "{}: {} due, {} given up, last arrived: {last}{off}",
                        webhook.name, webhook.due, webhook.dead
                    );
                }
            }
            Command::Dead { name } => {
                for one in record.deliveries(&name, "dead", 500).await? {
                    let why = one.error.unwrap_or_default();
                    println!(
                        "{}  {}  {}  {} tries: {why}",
                        one.id, one.created_at, one.type_name, one.attempts
                    );
                }
            }
            Command::Replay { name, id, since } => {
                let which = match since {
                    Some(since) => Replay::Since(since),
                    None if id.is_empty() => Replay::Dead,
                    None => Replay::Ids(id),
                };
                let deliveries = record.replay_deliveries(&name, which, "terminal").await?;
                println!("{deliveries} are sent once more by the server that runs");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}
