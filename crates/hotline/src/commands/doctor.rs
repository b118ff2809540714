//! `hotline doctor`: asks everything the hotline needs whether it is there.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use hotline_dialplan::Plans;
use hotline_model::Language;
use hotline_speech::{MemoryCache, Speech};

use super::{Problem, plan_files, runtime, speech_config};
use crate::config::Config;

/// What was found where a server can do its work.
struct Found {
    text: String,
    /// It works, but for something that somebody may miss.
    is_note: bool,
}

impl From<String> for Found {
    fn from(text: String) -> Self {
        Self { text, is_note: false }
    }
}

fn note(text: String) -> Found {
    Found { text, is_note: true }
}

/// How long a hotline that runs may take to say so.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

pub fn run(config: Option<&Path>) -> Result<ExitCode, Problem> {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => {
            tell("configuration", Err(error.to_string()));
            return Ok(ExitCode::FAILURE);
        }
    };
    tell("configuration", Ok("can be used".to_owned().into()));
    let runtime = runtime()?;
    let findings = [
        ("plans", plans(&config).map(Found::from)),
        ("prompts", prompts(&config.plans.prompts)),
        ("record", runtime.block_on(record(&config)).map(Found::from)),
        ("speech", runtime.block_on(async { speech(&config) })),
        ("SIP address", sip(&config).map(Found::from)),
        ("API address", api(&config).map(Found::from)),
        ("API tokens", tokens(&config).map(Found::from)),
        ("messages", messages(&config).map(Found::from)),
        ("open files", open_files().map(Found::from)),
    ];
    let mut good = true;
    for (what, found) in findings {
        good &= found.is_ok();
        tell(what, found);
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(what: &str, found: Result<Found, String>) {
    match found {
        Ok(Found { text, is_note: true }) => println!("note  {what}: {text}"),
        Ok(Found { text, .. }) => println!("good  {what}: {text}"),
        Err(text) => println!("BAD   {what}: {text}"),
    }
}

fn plans(config: &Config) -> Result<String, String> {
    let files = plan_files::read(&config.plans.folder).map_err(|error| error.to_string())?;
    let (plans, found) = Plans::load(files, &plan_files::recordings(&config.plans.prompts));
    let plans = plans.ok_or_else(|| {
        format!("{} findings; `hotline check {}` shows them", found.len(), config.plans.folder.display())
    })?;
    if plans.find_calendar(&config.messages.calendar).is_none() {
        return Err(format!("messages.calendar: no calendar is called `{}`", config.messages.calendar));
    }
    Ok(format!("{} plans, {} warnings", plans.plans().count(), found.len()))
}

/// Without recordings the voice speaks everything, and there is no music.
fn prompts(folder: &Path) -> Result<Found, String> {
    let shown = folder.display();
    if !folder.is_dir() {
        return Ok(note(format!(
            "the folder {shown} is missing, so there are no recordings and no music: start where it is, or name it \
             under [plans] in the configuration"
        )));
    }
    let of = |language: Language| {
        let files = std::fs::read_dir(folder.join(language.tag())).into_iter().flatten().flatten();
        files.filter(|file| file.path().extension().is_some_and(|ending| ending == "wav")).count()
    };
    let counts = Language::ALL.map(|language| (language, of(language)));
    let told: Vec<String> =
        counts.iter().map(|(language, count)| format!("{count} in {}", language.tag())).collect();
    let told = format!("{}, in {shown}", told.join(", "));
    Ok(if counts.iter().all(|(_, count)| *count == 0) {
        note(format!("{told}: the voice speaks everything"))
    } else {
        told.into()
    })
}

async fn record(config: &Config) -> Result<String, String> {
    let address = config.database().map_err(|problem| problem.to_string())?;
    if address.file().is_some_and(|file| !file.exists()) {
        return Ok(format!("{address} will be made by the first start"));
    }
    let found = hotline_record::look(&address).await.map_err(|error| format!("{address}: {error}"))?;
    let tables = match (found.version, found.old) {
        (None, _) => "empty, the first start makes its tables".to_owned(),
        (Some(version), true) => {
            format!("tables of version {version}, which the next start brings up to date")
        }
        (Some(version), false) => format!("tables of version {version}"),
    };
    let server = config.server_name()?;
    let server = if server.is_empty() { server } else { format!("; this server is `{server}` there") };
    Ok(format!("{address}: {}, {tables}{server}", found.engine))
}

fn speech(config: &Config) -> Result<Found, String> {
    let settings = speech_config(config).map_err(|problem| problem.to_string())?;
    let provider = settings.provider.as_ref().map(|provider| provider.model.clone());
    if settings.voice.is_none() {
        let folder = config.speech.folder.display();
        return Ok(note(match provider {
            Some(model) => format!(
                "no voice in {folder}, so nothing is spoken while `{model}` does not answer: run tools/fetch-speech"
            ),
            None => format!(
                "no voice in {folder}, so recordings are played and nothing else is spoken, no customer's result \
                 either: run tools/fetch-speech"
            ),
        }));
    }
    let speech =
        Speech::open(settings, Arc::new(MemoryCache::default())).map_err(|error| error.to_string())?;
    let recordings = speech.recordings().len();
    Ok(match provider {
        Some(model) => {
            format!("the voice is there, {recordings} prompts; `{model}` speaks before it, by HTTP")
        }
        None => format!("the voice is there, {recordings} prompts"),
    }
    .into())
}

fn sip(config: &Config) -> Result<String, String> {
    let bound = std::net::UdpSocket::bind(config.sip.bind).map(drop);
    free_or_ours(config, config.sip.bind, bound)
}

fn api(config: &Config) -> Result<String, String> {
    let bound = std::net::TcpListener::bind(config.api.bind).map(drop);
    free_or_ours(config, config.api.bind, bound)
}

/// An address is good if nobody holds it, or if a running hotline does.
fn free_or_ours(config: &Config, address: SocketAddr, bound: std::io::Result<()>) -> Result<String, String> {
    match bound {
        Ok(()) => Ok(format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_running(config.api.bind) => {
            Ok(format!("{address} is held by a hotline that runs"))
        }
        Err(error) => Err(format!("{address}: {error}; another program may hold it (`ss -lnp` shows which)")),
    }
}

/// Whether a hotline answers at the API's address.
fn is_running(api: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&api, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(4096).read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains(" 200 ") && answer.ends_with("ok\n"))
}

fn tokens(config: &Config) -> Result<String, String> {
    Ok(match config.api.tokens.len() {
        0 => "none, so only health and figures can be asked: add `[[api.tokens]]` for tickets and records"
            .into(),
        count => count.to_string(),
    })
}

fn messages(config: &Config) -> Result<String, String> {
    if let Some(gateway) = &config.messages.gateway {
        return Ok(format!("by {}", gateway.url));
    }
    let file = &config.messages.file;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(if folder.is_dir() {
        format!("into {}", file.display())
    } else {
        format!("into {}, whose folder the first message makes", file.display())
    })
}

/// Each call holds two sockets, and a recording one file.
fn open_files() -> Result<String, String> {
    let limits = std::fs::read_to_string("/proc/self/limits").map_err(|error| error.to_string())?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap_or_default();
    let hard = line.split_whitespace().nth(4).unwrap_or_default();
    match hard.parse::<u64>() {
        Ok(limit) if limit < 8192 => Err(format!(
            "the hard limit is {limit}: enough for {} calls; raise it with `ulimit -Hn`",
            limit / 3
        )),
        _ => Ok(format!("up to {hard}")),
    }
}
