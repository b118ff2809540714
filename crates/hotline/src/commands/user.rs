//! `hotline user`: who may sign in.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::process::ExitCode;

use hotline_engine::REALM;
use hotline_model::{Language, Pii};
use hotline_record::{NewUser, Record, Role, Telephone};
use hotline_sip::auth::{Algorithm, hash_user};

use super::{Problem, open_record, runtime};
use crate::config::Config;

/// `hotline user`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    act: Act,
}

/// A password is asked for, or read from standard input where that is no terminal; never from the
/// command line, which everybody on the machine can see.
#[derive(clap::Subcommand)]
enum Act {
    /// Make an account.
    Add {
        /// What is typed to sign in: letters, digits, `.`, `_`, `-`, `@`.
        login: String,
        /// The name that colleagues see.
        #[arg(long)]
        name: String,
        /// What they may do: agent, supervisor, designer, operator; with commas between.
        #[arg(long, value_delimiter = ',', default_value = "agent")]
        roles: Vec<Role>,
        /// The languages they serve in, with commas between.
        #[arg(long, value_delimiter = ',', default_value = "zh-CN")]
        languages: Vec<Language>,
        /// Without a password: they sign in by the firm's own service only.
        #[arg(long)]
        no_password: bool,
    },
    /// List the accounts.
    List,
    /// Give an account another password; all its sessions end.
    Reset {
        /// Whose.
        login: String,
    },
    /// Give an agent's telephones a password; they register under the agent's login.
    Telephone {
        /// Whose.
        login: String,
    },
    /// Let nobody sign in by an account any more; all its sessions end.
    Disable {
        /// Whose.
        login: String,
        /// Let them sign in again.
        #[arg(long)]
        undo: bool,
    },
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    // Asked for before the record is opened: a wrong spelling changes nothing.
    let password = match &arguments.act {
        Act::Add { no_password: false, .. } | Act::Reset { .. } | Act::Telephone { .. } => {
            Some(ask_password()?)
        }
        _ => None,
    };
    runtime()?.block_on(async {
        let record = open_record(&config).await?;
        act(&record, arguments.act, password).await
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn act(record: &Record, act: Act, password: Option<Pii<String>>) -> Result<(), Problem> {
    match act {
        Act::Add { login, name, roles, languages, no_password: _ } => {
            let id =
                record.add_user(NewUser { login: login.clone(), name, roles, languages, password }).await?;
            println!("{login} may sign in ({id})");
        }
        Act::List => {
            for user in record.users().await? {
                let roles: Vec<&str> = user.roles.iter().map(|role| role.word()).collect();
                let seen = user.signed_in_at.map_or("never".to_owned(), |at| at.to_string());
                let disabled = if user.disabled { "  disabled" } else { "" };
                println!(
                    "{:<20} {:<16} {}  signed in last: {seen}{disabled}",
                    user.login,
                    user.name,
                    roles.join(",")
                );
            }
        }
        Act::Reset { login } => {
            record.reset_password(&login, password.unwrap_or_default()).await?;
            println!("{login} has a new password; all sessions have ended");
        }
        Act::Telephone { login } => {
            let password = password.unwrap_or_default();
            if password.expose().chars().count() < 10 {
                return Err("a telephone's password has 10 characters or more; nothing was changed".into());
            }
            let hash = |algorithm| hash_user(algorithm, &login, REALM, password.expose());
            let telephone = Telephone {
                md5: hash(Algorithm::Md5),
                sha256: hash(Algorithm::Sha256),
                login: login.clone(),
            };
            record.set_telephone(REALM, telephone).await?;
            println!(
                "telephones of {login} register as `{login}`, with this password, from the next second on"
            );
        }
        Act::Disable { login, undo } => {
            record.disable_user(&login, !undo).await?;
            println!("{login} {}", if undo { "may sign in again" } else { "cannot sign in any more" });
        }
    }
    Ok(())
}

fn ask_password() -> Result<Pii<String>, Problem> {
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin().take(4096).read_to_string(&mut text)?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned().into());
    }
    let password = rpassword::prompt_password("Password (10 characters or more): ")?;
    if rpassword::prompt_password("Once more: ")? != password {
        return Err("these are two different passwords; nothing was changed".into());
    }
    Ok(password.into())
}
