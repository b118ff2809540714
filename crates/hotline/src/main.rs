//! The telephone engine for customer service.

mod audio_cache;
mod commands;
mod config;
mod erasure;
mod figures;
mod progress;
mod publisher;
mod retention;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The telephone engine for customer service.
#[derive(Parser)]
#[command(name = "hotline", version, propagate_version = true)]
struct Arguments {
    /// The configuration; without it the defaults hold (`hotline config generate` shows them).
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database, in place of the configuration's: `sqlite:PATH` or `postgres://USER@HOST/DATABASE`
    /// (give the password as PGPASSWORD: what stands here is seen by everybody on this machine).
    #[arg(long, global = true, value_name = "ADDRESS")]
    database: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take calls.
    Serve(commands::serve::Arguments),
    /// Check plans, policies, calendars and numbers: every error at once.
    Check(commands::check::Arguments),
    /// Run the call scripts that stand beside the plans.
    Test(commands::test::Arguments),
    /// Try a plan in the terminal: type keys, read what is said.
    Simulate(commands::simulate::Arguments),
    /// Explain an error code of `check`: cause, example, remedy.
    Explain {
        /// The code, as `D201`.
        code: String,
    },
    /// Speak a text into a WAV file.
    Say(commands::say::Arguments),
    /// Measure the recorded prompts: level, peaks and format, and list what is outside.
    Prompts(commands::prompts::Arguments),
    /// Call a number, key digits, and keep what was heard.
    Dial(commands::dial::Arguments),
    /// Take in tickets or customers from a CSV file.
    Import(commands::import::Arguments),
    /// Move the record to another database: SQLite to PostgreSQL, or back.
    Migrate(commands::migrate::Arguments),
    /// Show a customer's record: tickets, messages, calls with their path.
    Customer(commands::customer::Arguments),
    /// Make, list, reset or disable the accounts of people who sign in.
    User(commands::user::Arguments),
    /// Delete what is older than its period now; a server does it every night.
    Retention(commands::retention::Arguments),
    /// See what other systems are told, and send once more what was given up.
    Webhooks(commands::webhooks::Arguments),
    /// Say why customers are called or not, and what the coming days will bring.
    Campaign(commands::campaign::Arguments),
    /// Make, check or show a configuration.
    Config(commands::config::Arguments),
    /// Ask everything the hotline needs whether it is there, and say what to do if not.
    Doctor,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // `hotline explain D201 | head` ends quietly; a server writes its log whoever reads it.
    if !matches!(arguments.command, Command::Serve(_)) {
        sigpipe::reset();
    }
    // Read here and not by the parser of arguments, which would print it with its password.
    if let Some(address) = &arguments.database {
        match address.parse() {
            Ok(address) => config::DATABASE.get_or_init(|| address),
            Err(problem) => {
                eprintln!("hotline: --database: {problem}");
                return ExitCode::from(2);
            }
        };
    }
    let config = arguments.config.as_deref();
    let done = match arguments.command {
        Command::Serve(arguments) => commands::serve::run(config, arguments),
        Command::Check(arguments) => commands::check::run(config, arguments),
        Command::Test(arguments) => commands::test::run(config, arguments),
        Command::Simulate(arguments) => commands::simulate::run(config, arguments),
        Command::Explain { code } => commands::check::explain(&code),
        Command::Say(arguments) => commands::say::run(config, arguments),
        Command::Prompts(arguments) => commands::prompts::run(config, arguments),
        Command::Dial(arguments) => commands::dial::run(arguments),
        Command::Import(arguments) => commands::import::run(config, arguments),
        Command::Migrate(arguments) => commands::migrate::run(arguments),
        Command::Customer(arguments) => commands::customer::run(config, arguments),
        Command::User(arguments) => commands::user::run(config, arguments),
        Command::Retention(arguments) => commands::retention::run(config, arguments),
        Command::Webhooks(arguments) => commands::webhooks::run(config, arguments),
        Command::Campaign(arguments) => commands::campaign::run(config, arguments),
        Command::Config(arguments) => commands::config::run(config, arguments),
        Command::Doctor => commands::doctor::run(config),
    };
    match done {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("hotline: {problem}");
            ExitCode::from(2)
        }
    }
}
