//! `hotline simulate`: a telephone in the terminal, on virtual time.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use hotline_dialplan::plan::{Plan, Type};
use hotline_dialplan::simulation::{MemoryRecord, SimulatedQueue, SimulatedTicket};
use hotline_dialplan::{Plans, Simulation, StartContext};
use hotline_model::{CallerNumber, Clock, Fields, Language, SystemClock};
use hotline_speech::{MemoryCache, Speech, SpeechConfig};
use jiff::tz::TimeZone;

use super::test::Recorded;
use super::{Problem, check, plan_files, runtime};
use crate::config::Config;

/// `hotline simulate`
#[derive(clap::Args)]
pub struct Arguments {
    /// The plan: its name or its file.
    plan: String,
    /// The folder of plans, policies, calendars and numbers.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// The folder of recorded prompts.
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// Who calls.
    #[arg(long, default_value = "13800138000")]
    from: String,
    /// When, as 2026-11-20T10:00 in the zone of the calendars; now if absent.
    #[arg(long)]
    at: Option<jiff::civil::DateTime>,
    /// The language of the customer's record.
    #[arg(long)]
    language: Option<Language>,
    /// What a plan that customers are called with takes: NAME=VALUE. May be given again; made up where it is not.
    #[arg(long = "about", value_name = "NAME=VALUE")]
    about: Vec<String>,
    /// A closed ticket that is there: CODE,LAST-FOUR,RESULT. May be given again.
    #[arg(long = "ticket", value_name = "CODE,LAST-FOUR,RESULT")]
    tickets: Vec<String>,
    /// How the queues are: agents are there and two callers wait before this one, or nobody, or closed.
    #[arg(long, value_enum, default_value_t)]
    queue: Queue,
}

#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum Queue {
    #[default]
    Open,
    Nobody,
    Closed,
}

impl Queue {
    const fn simulated(self) -> SimulatedQueue {
        match self {
            Self::Open => {
                SimulatedQueue::Open { place: 3, wait: Some(std::time::Duration::from_secs(4 * 60)) }
            }
            Self::Nobody => SimulatedQueue::Nobody,
            Self::Closed => SimulatedQueue::Closed,
        }
    }
}

const HELP: &str = "Type keys and press Enter. An empty line lets time pass without a key; q hangs up.
After a beep: `speak 4` speaks for four seconds.
In a queue: `agent` answers, and hangs up when typed again; `lost` loses the agent; `next` moves the caller up.";

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let settings = Config::load(config)?.plans;
    let prompts = arguments.prompts.unwrap_or(settings.prompts);
    let files = plan_files::read(&arguments.folder.unwrap_or(settings.folder))?;
    let (plans, found) = Plans::load(files, &plan_files::recordings(&prompts));
    let Some(plans) = plans.map(Arc::new) else {
        check::print(&found);
        return Err("the plans have errors (above)".into());
    };
    let name =
        Path::new(&arguments.plan).file_stem().and_then(|stem| stem.to_str()).unwrap_or(&arguments.plan);
    let zone = plans.calendars().next().map_or(TimeZone::UTC, |calendar| calendar.zone.clone());
    let started = match arguments.at {
        Some(at) => at.to_zoned(zone).map_err(|error| format!("--at: {error}"))?,
        None => SystemClock.now().to_zoned(zone),
    };
    let given = match plans.find_plan(name) {
        Some(plan) => given(plan, &arguments.about, &started)?,
        None => Fields::new(),
    };
    let context = StartContext {
        caller: CallerNumber::parse(&arguments.from),
        dialled: name.to_owned(),
        language: arguments.language,
        customer: None,
        started,
        announcement: plans.numbers().find_announcement(name).cloned(),
        given,
    };
    let mut record = MemoryRecord::default();
    record.queue = arguments.queue.simulated();
    for ticket in &arguments.tickets {
        let mut parts = ticket.splitn(3, ',');
        let (Some(code), Some(last_four), Some(result)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("--ticket: write CODE,LAST-FOUR,RESULT".into());
        };
        record.tickets.push(SimulatedTicket::closed(code, last_four, result));
    }
    if record.tickets.is_empty() {
        record.tickets.push(SimulatedTicket::closed("407192865", "8000", "您的退费25元7个工作日到账。"));
        println!("(ticket 407192865, last four digits 8000, is there)");
    }
    let runtime = runtime()?;
    let _inside = runtime.enter();
    let config = SpeechConfig::recordings(prompts);
    let lengths = Recorded(Speech::open(config, Arc::new(MemoryCache::default()))?);
    let Some(call) = Simulation::new(&plans, name, context, record, &lengths) else {
        let known: Vec<&str> = plans.plans().map(|plan| plan.name.as_str()).collect();
        return Err(format!("no plan is called `{name}`: {} are there", known.join(", ")).into());
    };
    talk(call)?;
    Ok(ExitCode::SUCCESS)
}

/// Values for everything that the plan takes: those of the command line, and made up ones, which are told.
fn given(plan: &Plan, about: &[String], started: &jiff::Zoned) -> Result<Fields, Problem> {
    let mut written = std::collections::BTreeMap::new();
    for text in about {
        let (name, value) = text.split_once('=').ok_or("--about: write NAME=VALUE")?;
        if !plan.takes.contains_key(name) {
            return Err(format!("--about: plan `{}` takes no `{name}`", plan.name).into());
        }
        written.insert(name, value);
    }
    let yesterday = started.date().yesterday().unwrap_or(started.date()).to_string();
    let mut given = Fields::new();
    for (name, of) in &plan.takes {
        let made_up = match (name.as_str(), of) {
            ("reference", Type::Text) => "T-1042",
            ("category", Type::Text) => "data-charge",
            (_, Type::Date) => yesterday.as_str(),
            (_, Type::Time) => "10:00",
            (_, Type::Flag) => "true",
            (_, Type::Digits | Type::Number | Type::Money) => "1",
            _ => name.as_str(),
        };
        let text = written.get(name.as_str()).copied().unwrap_or(made_up);
        let value = of
            .value(text)
            .ok_or_else(|| format!("--about: `{name}` is {}, and `{text}` is none", of.described()))?;
        if !written.contains_key(name.as_str()) {
            println!("({name}: {text})");
        }
        given.insert(name.clone(), value);
    }
    Ok(given)
}

fn talk(mut call: Simulation<'_>) -> Result<(), Problem> {
    println!("{HELP}\n");
    let mut shown = 0;
    let mut place = 3;
    let mut input = std::io::stdin().lock();
    call.start();
    loop {
        while !call.waits_for_caller() && call.step() {}
        for line in &call.lines()[shown.min(call.lines().len())..] {
            println!("{:>6.1} s  {}", line.at.as_secs_f64(), line.text);
        }
        shown = call.lines().len();
        if call.is_over() {
            break;
        }
        print!("keys> ");
        std::io::stdout().flush()?;
        let mut typed = String::new();
        if input.read_line(&mut typed)? == 0 {
            call.hang_up();
            continue;
        }
        match typed.trim() {
            "q" => call.hang_up(),
            "agent" => {
                if !call.agent_hangs_up() && !call.agent_answers() {
                    println!("nobody waits in a queue or talks");
                }
            }
            "lost" => {
                if !call.agent_is_lost() {
                    println!("no agent talks with the caller");
                }
            }
            "next" => {
                place = (place - 1).max(1);
                if !call.move_up(place) {
                    println!("nobody waits in a queue");
                }
            }
            "" => {
                call.step();
            }
            speaks if speaks.starts_with("speak") => {
                let seconds = speaks.trim_start_matches("speak").trim().parse::<u64>().unwrap_or(3);
                let length = std::time::Duration::from_secs(seconds.clamp(1, 600));
                if call.speak(length) {
                    call.advance_to(call.now() + length);
                } else {
                    println!("nothing is recorded: nobody would hear it");
                }
            }
            keys => {
                for key in keys.chars().filter(|key| key.is_ascii_digit() || matches!(key, '*' | '#')) {
                    call.key(key);
                }
            }
        }
    }
    let written = call.written();
    println!(
        "\non the record: outcome {}, reason {}, {} follow-ups, {} messages, {} recordings{}",
        written.outcome.map_or("none", hotline_dialplan::Outcome::word),
        written.reason.as_deref().unwrap_or("none"),
        written.follow_ups.len(),
        written.messages.len(),
        written.recordings.len(),
        if written.do_not_call { ", no more calls" } else { "" }
    );
    for (due, reason) in written.due.iter().zip(&written.follow_ups) {
        println!("follow-up: {reason}, by {due}");
    }
    for (question, answer) in &written.answers {
        println!("answer: {question}: {answer}");
    }
    Ok(())
}
