//! `hotline customer`: a customer's record on a terminal.

use std::path::Path;
use std::process::ExitCode;

use hotline_model::{CustomerId, PhoneNumber};
use hotline_record::{ContactView, CustomerView, JournalEvent};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Problem, open_record, runtime};
use crate::config::Config;

/// `hotline customer`
#[derive(clap::Args)]
pub struct Arguments {
    /// A telephone number or a customer's id; without it the last calls of everybody are shown.
    who: Option<String>,
    /// How many calls are shown.
    #[arg(long, default_value_t = 10)]
    calls: u32,
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
        let id = match who.parse::<CustomerId>() {
            Ok(id) => Some(id),
            Err(_) => {
                let phone =
                    PhoneNumber::parse(who).map_err(|_| "neither a telephone number nor a customer's id")?;
                record.find_customer_by_phone(&phone).await?
            }
        };
        let view = match id {
            Some(id) => record.find_customer(id, arguments.calls).await?,
            None => None,
        };
        let Some(view) = view else { return Err("nobody is known by that number".into()) };
        record.log_access("terminal", view.id, "customer").await?;
        print_customer(&view, &zone);
        Ok(ExitCode::SUCCESS)
    })
}

fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
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
        println!("  message {}, for {}", message.state.word(), time(message.due_at, zone));
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
    let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "—".into());
    println!(
        "\n{} {} {}  plan {} {}  outcome {}  reason {}  end {}  known by {}",
        time(contact.started_at, zone),
        contact.channel,
        contact.direction,
        or(&contact.plan),
        or(&contact.plan_version),
        or(&contact.outcome),
        or(&contact.reason),
        or(&contact.ending),
        or(&contact.known_by),
    );
    for event in &contact.path {
        println!("  {:>7.2} s  {}", seconds(contact, event), describe(event));
    }
}

fn seconds(contact: &ContactView, event: &JournalEvent) -> f64 {
    (event.occurred_at.as_microsecond() - contact.started_at.as_microsecond()) as f64 / 1e6
}

/// A step in a few words: its type and the facts in its body.
fn describe(event: &JournalEvent) -> String {
    let name = event.type_name.strip_prefix("call.").unwrap_or(&event.type_name);
    let facts: Vec<String> = event
        .body
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| key.as_str() != "what" && key.as_str() != "version")
        .map(|(_, value)| match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Object(fields) => {
                fields.values().filter_map(|v| v.as_str()).collect::<Vec<_>>().join("/")
            }
            other => other.to_string(),
        })
        .collect();
    format!("{name:<12} {}", facts.join("  "))
}
