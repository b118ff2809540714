//! `hotline migrate`: the whole record from one database to another.

use std::process::ExitCode;

use hotline_record::{DatabaseAddress, Transfer};

use super::{Problem, make_file, runtime};
use crate::progress::Progress;

/// `hotline migrate`
#[derive(clap::Args)]
pub struct Arguments {
    /// The database as it is: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`. It is not changed.
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// An empty database.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// Only look at both, and say what would be moved.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(arguments: Arguments) -> Result<ExitCode, Problem> {
    let address = |option: &str, text: &str| {
        text.parse::<DatabaseAddress>().map_err(|problem| Problem::from(format!("{option}: {problem}")))
    };
    let (from, to) = (address("--from", &arguments.from)?, address("--to", &arguments.to)?);
    if from == to || from.is_same_file(&to) {
        return Err("--from and --to name the same database".into());
    }
    let runtime = runtime()?;
    for (option, address) in [("--from", &from), ("--to", &to)] {
        let in_use = runtime.block_on(hotline_record::is_in_use(address));
        if in_use.map_err(|error| format!("{option} {address}: {error}"))? {
            let told = format!("{option}: a server, or another program, has {address} open: stop it first");
            if !arguments.dry_run {
                return Err(told.into());
            }
            println!("{told}");
        }
    }
    if arguments.dry_run {
        let would = runtime.block_on(hotline_record::dry_run(&from, &to))?;
        println!("from {from} to {to} these rows would be moved; nothing was changed:");
        print(&would);
        return Ok(ExitCode::SUCCESS);
    }
    make_file(&to)?;
    let mut progress: Option<(&str, Progress)> = None;
    let done = runtime.block_on(hotline_record::transfer(&from, &to, &mut |table, rows, total| {
        let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        if progress.as_ref().is_none_or(|(shown, _)| *shown != table) {
            progress = Some((table, Progress::new(table, count(total))));
        }
        if let Some((_, progress)) = &mut progress {
            progress.done(count(rows));
        }
    }));
    drop(progress);
    let done =
        done.map_err(|error| format!("{error}; the target is left without a row, {from} is as it was"))?;
    println!("moved from {from} to {to}, counted and compared on both sides:");
    print(&done);
    if done.added_meanwhile > 0 {
        println!(
            "A server wrote {} entries to {from} meanwhile, which are NOT in {to}: stop it, empty the target and \
             migrate again.",
            done.added_meanwhile
        );
        return Ok(ExitCode::FAILURE);
    }
    println!("Now write the new address as record.database in the configuration, and start the server.");
    Ok(ExitCode::SUCCESS)
}

fn print(transfer: &Transfer) {
    for (table, rows) in &transfer.tables {
        println!("  {table:<14} {rows:>10}");
    }
}
