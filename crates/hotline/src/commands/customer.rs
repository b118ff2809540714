//! `hotline customer`: a customer's record on a terminal.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use hotline_model::{CustomerId, Language, PhoneNumber, StepEvent};
use hotline_record::{ContactView, CustomerView, JournalEvent, Record};
use hotline_speech::{Speech, SpeechConfig};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Problem, open_record, runtime, speech_config};
use crate::audio_cache::RecordCache;
use crate::config::Config;

/// `hotline customer`
#[derive(clap::Args)]
pub struct Arguments {
    /// A telephone number or a customer's id; without it the last calls of everybody are shown.
    who: Option<String>,
    /// How many calls are shown.
    #[arg(long, default_value_t = 10)]
    calls: u32,
    /// Erase the customer for good: what identifies them goes, what is counted stays. Recordings of
    /// theirs that lie on this machine are deleted.
    #[arg(long, requires = "who")]
    erase: bool,
    /// Print everything that is known of the customer as JSON, numbers whole.
    #[arg(long, requires = "who", conflicts_with = "erase")]
    export: bool,
    /// The zone that times are shown in.
    #[arg(long, default_value = "Asia/Shanghai")]
    zone: String,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    let zone =
        TimeZone::get(&arguments.zone).map_err(|_| format!("no time zone is called `{}`", arguments.zone))?;
    runtime()?.block_on(async {
        let record = open_record(&config).await?;
        let Some(who) = &arguments.who else {
            for contact in record.last_contacts(arguments.calls).await? {
                print_contact(&contact, &zone);
            }
            return Ok(ExitCode::SUCCESS);
        };
        let (id, phone) = match who.parse::<CustomerId>() {
            Ok(id) => (Some(id), None),
            Err(_) => {
                let phone =
                    PhoneNumber::parse(who).map_err(|_| "neither a telephone number nor a customer's id")?;
                (record.find_customer_by_phone(&phone).await?, Some(phone))
            }
        };
        let view = match id {
            Some(id) => record.find_customer(id, arguments.calls).await?,
            None => None,
        };
        let Some(view) = view else {
            let calls = match phone {
                Some(phone) => record.contacts_from(&phone, arguments.calls).await?,
                None => Vec::new(),
            };
            if calls.is_empty() {
                return Err("nobody is known by that, and nobody called from it".into());
            }
            println!("no customer is known by this number; its calls:");
            calls.iter().for_each(|contact| print_contact(contact, &zone));
            return Ok(ExitCode::SUCCESS);
        };
        if arguments.erase {
            return erase(&record, &config, view.id).await;
        }
        if arguments.export {
            record.log_access("terminal", view.id, "export").await?;
            if let Some(data) = record.export_customer(view.id).await? {
                println!("{}", serde_json::to_string_pretty(&data)?);
            }
            return Ok(ExitCode::SUCCESS);
        }
        record.log_access("terminal", view.id, "customer").await?;
        print_customer(&view, &zone);
        Ok(ExitCode::SUCCESS)
    })
}

/// Who erases: the terminal of whoever may run commands here. What was spoken goes from the cache; servers
/// that run read of it in the journal, and let go of what they have in memory.
async fn erase(record: &Record, config: &Config, id: CustomerId) -> Result<ExitCode, Problem> {
    let erased = record.erase_customer(id, "terminal").await?;
    if !erased.spoken.is_empty() {
        let cache = Arc::new(RecordCache::new(record.clone(), u64::MAX));
        // Nothing is spoken here: the voice is not needed.
        let speech = Speech::open(SpeechConfig { voice: None, ..speech_config(config)? }, cache)?;
        for (text, language) in &erased.spoken {
            speech.forget(text, language.unwrap_or_else(|| Language::of_text(text))).await?;
        }
    }
    let (mut gone, mut left) = (Vec::new(), 0);
    for recording in erased.recordings {
        match std::fs::remove_file(config.recordings.folder.join(&recording)) {
            Ok(()) => {
                println!("deleted {recording}");
                gone.push(recording);
            }
            Err(error) => {
                left += 1;
                eprintln!("{recording}: {error}; the server on whose disk it lies deletes it");
            }
        }
    }
    record.forget_recordings(&gone).await?;
    let mut files = erased.attachments;
    files.retain(|one| {
        let done = std::fs::remove_file(config.attachments.folder.join(&one.file));
        match done {
            Ok(()) => println!("deleted {}", one.file),
            Err(ref error) => {
                left += 1;
                eprintln!("{}: {error}; the server on whose disk it lies deletes it", one.file);
            }
        }
        done.is_ok()
    });
    record.forget_attachments(&files).await?;
    println!("{id} is erased; the ids, times and counts remain");
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

fn print_customer(view: &CustomerView, zone: &TimeZone) {
    let name = view.name.as_ref().map_or("(no name)", |name| name.expose().as_str());
    println!("{name}  {}", view.id);
    for identity in &view.identities {
        let shown = PhoneNumber::parse(identity.value.expose()).map_or_else(|_| "•••".into(), |n| n.masked());
        println!("  {} {shown} ({})", identity.kind, identity.level);
    }
    for ticket in &view.tickets {
        let heard = ticket.heard_at.map_or("not heard yet".into(), |at| format!("heard {}", time(at, zone)));
        let told = ticket
            .notified_at
            .map_or("not announced yet".into(), |at| format!("announced {}", time(at, zone)));
        println!("  ticket {} {} — {told}, {heard}", ticket.external_ref, ticket.state);
    }
    for message in &view.messages {
        let about = message.ticket.and_then(|id| view.tickets.iter().find(|ticket| ticket.id == id));
        let about = about.map_or("no ticket", |ticket| ticket.external_ref.as_str());
        println!("  message about {about}: {}, for {}", message.state.word(), time(message.due_at, zone));
    }
    for follow_up in &view.follow_ups {
        println!(
            "  follow-up {} ({}) by {}",
            follow_up.reason,
            follow_up.state,
            time(follow_up.due_at, zone)
        );
    }
    for contact in &view.contacts {
        print_contact(contact, zone);
    }
}

fn print_contact(contact: &ContactView, zone: &TimeZone) {
    let way = if contact.direction == "in" { "from the customer" } else { "to the customer" };
    println!("\n{}  {} {way}", time(contact.started_at, zone), contact.channel);
    let plan = contact.plan.as_ref().map(|plan| match &contact.plan_version {
        Some(version) => format!("{plan} ({version})"),
        None => plan.clone(),
    });
    let known = contact.known_by.as_ref().map(|by| match by.as_str() {
        "caller-id" => "by the number only".to_owned(),
        other => other.to_owned(),
    });
    let facts = [
        ("plan", &plan),
        ("outcome", &contact.outcome),
        ("reason", &contact.reason),
        ("customer known", &known),
        ("ended", &contact.ending),
    ];
    for (word, fact) in facts {
        println!("  {word:<15} {}", fact.as_deref().unwrap_or("—"));
    }
    for event in &contact.path {
        println!("  {:>7.2} s  {}", seconds(contact, event), describe(event));
    }
}

fn seconds(contact: &ContactView, event: &JournalEvent) -> f64 {
    (event.occurred_at.as_microsecond() - contact.started_at.as_microsecond()) as f64 / 1e6
}

/// A step of a call in words.
fn describe(event: &JournalEvent) -> String {
    let Ok(step) = serde_json::from_value::<StepEvent>(event.body.clone()) else {
        // What the record itself notes about the customer: `customer.verified`.
        return event.type_name.replace('.', " ");
    };
    match step {
        StepEvent::Started { plan, language, .. } => format!("began in plan {plan}, in {language}"),
        StepEvent::Entered { plan, step, .. } => format!("step {step} of {plan}"),
        StepEvent::Heard { prompt, whole: true } => format!("  heard {prompt}"),
        StepEvent::Heard { prompt, whole: false } => format!("  heard {prompt}, not to its end"),
        StepEvent::Keyed { keys, .. } => format!("  keyed {keys}"),
        StepEvent::NoInput { attempt, .. } => format!("  keyed nothing (attempt {attempt})"),
        StepEvent::NoMatch { attempt, .. } => format!("  keyed what does not fit (attempt {attempt})"),
        StepEvent::LookedUp { outcome, .. } => format!("  look-up: {outcome}"),
        StepEvent::Verified { outcome, .. } => format!("  verification: {outcome}"),
        StepEvent::Answered { .. } => "  answered".to_owned(),
        StepEvent::Language { language } => format!("  changed to {language}"),
        StepEvent::Saved { fields, .. } => format!("  stored {}", fields.join(", ")),
        StepEvent::Dialled { policy, attempt } => format!("called by policy {policy} (attempt {attempt})"),
        StepEvent::PickedUp { by } => format!("  picked up by a {by}"),
        StepEvent::Surveyed { question, answer, .. } => format!("  {question}: {answer}"),
        StepEvent::Recorded { name, seconds, .. } => format!("  left {seconds} s of {name}"),
        StepEvent::Queued { queue, .. } => format!("  waits in queue {queue}"),
        StepEvent::PlaceTold { place, minutes: Some(minutes) } => {
            format!("  was told place {place}, about {minutes} min")
        }
        StepEvent::PlaceTold { place, minutes: None } => format!("  was told place {place}"),
        StepEvent::Offered { agent } => format!("  offered to agent {agent}"),
        StepEvent::Joined { agent: Some(agent) } => format!("  talks with agent {agent}"),
        StepEvent::Joined { agent: None } => "  put through".to_owned(),
        StepEvent::Returned { .. } => "  lost the agent, waits again".to_owned(),
        StepEvent::LeftQueue { how, .. } => format!("  waiting or talk over: {how}"),
        StepEvent::Transferred { how, .. } => format!("  transfer: {how}"),
        StepEvent::Said { text, spoken: true, .. } => format!("  a colleague said: {text}"),
        StepEvent::Said { text, spoken: false, .. } => {
            format!("  a colleague's sentence was not heard: {text}")
        }
        StepEvent::Recording { state, by: Some(agent) } => format!("  recording {state} by agent {agent}"),
        StepEvent::Recording { state, by: None } => format!("  recording {state}"),
        StepEvent::Trouble { code, .. } => format!("  trouble of ours: {code}"),
        StepEvent::Ended { reason } => format!("ended: {reason}"),
    }
}
