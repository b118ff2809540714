//! `hotline check` and `hotline explain`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use hotline_dialplan::{Diagnostic, Plans, diagnostic};

use super::{Problem, plan_files};
use crate::config::Config;

/// `hotline check`
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder of plans, policies, calendars and numbers; the configuration's if absent.
    folder: Option<PathBuf>,
    /// The folder of recorded prompts; the configuration's if absent.
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Full)]
    format: Format,
}

/// How findings are printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// With the line, what the caller would hear, and the remedy.
    Full,
    /// One line each.
    Concise,
    /// For editors.
    Json,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let settings = Config::load(config)?.plans;
    let folder = arguments.folder.unwrap_or(settings.folder);
    let files = plan_files::read(&folder)?;
    let recordings = plan_files::recordings(&arguments.prompts.unwrap_or(settings.prompts));
    let (plans, found) = Plans::load(files, &recordings);
    match arguments.format {
        Format::Json => {
            let findings: Vec<_> = found.iter().map(diagnostic::json).collect();
            println!("{}", serde_json::to_string_pretty(&findings)?);
        }
        Format::Concise => found.iter().for_each(|finding| println!("{}", diagnostic::concise(finding))),
        Format::Full => print(&found),
    }
    if plans.as_ref().is_some_and(|plans| plans.plans().next().is_none()) {
        return Err(format!("{}: there is no plan here", folder.display()).into());
    }
    let errors = found.iter().filter(|finding| finding.is_error()).count();
    let warnings = found.len() - errors;
    if arguments.format != Format::Json {
        match (&plans, warnings) {
            (Some(plans), 0) => println!("{} plans are good", plans.plans().count()),
            (Some(plans), _) => println!("{} plans can run; {warnings} warnings", plans.plans().count()),
            (None, _) => println!("{errors} errors, {warnings} warnings"),
        }
    }
    Ok(if plans.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Findings in full, in colour on a terminal.
pub fn print(found: &[Diagnostic]) {
    let colour = std::io::stdout().is_terminal();
    for finding in found {
        println!("{}\n", diagnostic::full(finding, colour));
    }
}

pub fn explain(code: &str) -> Result<ExitCode, Problem> {
    match diagnostic::explain(code) {
        Some(page) => {
            println!("{page}");
            Ok(ExitCode::SUCCESS)
        }
        None => {
            Err(format!("no code is called `{code}`; codes look like D201 and stand behind `error`").into())
        }
    }
}
