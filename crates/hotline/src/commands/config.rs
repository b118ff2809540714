//! `hotline config`: make, check or show a configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;

use super::Problem;
use crate::config::{Config, TEMPLATE};

/// `hotline config`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print a configuration to begin with: every field with what it means and its default.
    Generate,
    /// Say what is wrong with a configuration.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print the configuration that is in force, secrets hidden.
    Dump,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    match arguments.what {
        What::Generate => print!("{TEMPLATE}"),
        What::Check { file } => {
            Config::load(Some(&file))?;
            println!("{}: good", file.display());
        }
        What::Dump => println!("{:#?}", Config::load(config)?),
    }
    Ok(ExitCode::SUCCESS)
}
