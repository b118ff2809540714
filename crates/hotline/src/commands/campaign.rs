//! `hotline campaign`: why somebody is called or not, and what the coming days will bring.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use hotline_campaign::{Decision, Event, Scheduler, Verdict};
use hotline_dialplan::Plans;
use hotline_model::campaign::{Channel, Name, Settings};
use hotline_model::{CustomerId, IdSource, PhoneNumber, TicketId};
use hotline_record::{AgentState, Record};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Problem, open_record, plan_files, runtime};
use crate::config::Config;
use crate::publisher;

/// `hotline campaign`
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The zone that times are shown in.
    #[arg(long, default_value = "Asia/Shanghai", global = true)]
    zone: String,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Say why somebody was called, will be, or will not.
    Explain {
        /// A customer's id or telephone number, or a ticket's id or the firm's number of it.
        who: String,
    },
    /// Run what is due through the coming days, without calling anybody.
    Forecast {
        /// How many days.
        #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=31))]
        days: u16,
        /// Free agents of each queue; those who are signed in now if left out.
        #[arg(long)]
        agents: Option<u32>,
    },
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    let zone =
        TimeZone::get(&arguments.zone).map_err(|_| format!("no time zone is called `{}`", arguments.zone))?;
    let (plans, settings) = policies(&config)?;
    if settings.policies.is_empty() {
        println!(
            "no policy calls or tells anybody: a file in {}/policies that begins with `campaign:` and is not `active: false` is one",
            config.plans.folder.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    runtime()?.block_on(async {
        let record = open_record(&config).await?;
        let now = Timestamp::now();
        let ids = Arc::new(IdSource::new(rand::random()));
        match arguments.command {
            Command::Explain { who } => {
                let mut scheduler =
                    hotline_jobs::campaigns::look(&record, settings, ids, now).await?.scheduler;
                // As the server counts them: who is free this moment.
                let is_there = |state| state == AgentState::Available;
                tell(&mut scheduler, &config, &plans, &record, None, is_there, now).await?;
                judge(&mut scheduler, now);
                for missing in publisher::trunks_missing(&config, &plans) {
                    println!("{missing}");
                }
                explain(&record, &scheduler, &who, now, &zone).await
            }
            Command::Forecast { days, agents } => {
                let mut scheduler =
                    hotline_jobs::campaigns::restore(&record, settings, ids, now).await?.scheduler;
                let is_there = |state| state != AgentState::SignedOut;
                tell(&mut scheduler, &config, &plans, &record, agents, is_there, now).await?;
                forecast(&scheduler, now, days, &zone);
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn policies(config: &Config) -> Result<(Plans, Settings), Problem> {
    let files = plan_files::read(&config.plans.folder)?;
    let (plans, found) = Plans::load(files, &plan_files::recordings(&config.plans.prompts));
    let plans = plans.ok_or_else(|| {
        format!("{} findings; `hotline check {}` shows them", found.len(), config.plans.folder.display())
    })?;
    let settings = plans.campaigns().clone();
    Ok((plans, settings))
}

/// Trunks as the configuration has them, agents as they are now or as many as are said.
async fn tell(
    scheduler: &mut Scheduler,
    config: &Config,
    plans: &Plans,
    record: &Record,
    agents: Option<u32>,
    is_there: impl Fn(AgentState) -> bool,
    now: Timestamp,
) -> Result<(), Problem> {
    for (name, trunk) in super::serve::outward_trunks(config) {
        scheduler.handle_event(now, Event::Trunk { name, trunk });
    }
    let here = record.agents().await?;
    for queue in plans.queues() {
        let serves = |skills: &[String]| queue.skills.iter().all(|skill| skills.contains(skill));
        let present = here.iter().filter(|agent| is_there(agent.state) && serves(&agent.skills)).count();
        let free = agents.unwrap_or_else(|| u32::try_from(present).unwrap_or(u32::MAX));
        scheduler.handle_event(now, Event::Agents { queue: queue.name.as_str().into(), free });
    }
    Ok(())
}

/// Looks at everything that changed of late.
fn judge(scheduler: &mut Scheduler, now: Timestamp) {
    while scheduler.poll_timeout().is_some_and(|at| at <= now) {
        scheduler.handle_timeout(now);
        while scheduler.poll_command().is_some() {}
    }
}

async fn explain(
    record: &Record,
    scheduler: &Scheduler,
    who: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<ExitCode, Problem> {
    let ticket = match who.parse::<TicketId>() {
        Ok(id) if record.find_ticket(id).await?.is_some() => Some(id),
        _ => record.find_ticket_by_ref(who).await?.map(|ticket| ticket.id),
    };
    let tickets = match ticket {
        Some(ticket) => vec![ticket],
        None => {
            let customer = match (who.parse::<CustomerId>(), PhoneNumber::parse(who)) {
                (Ok(id), _) => Some(id),
                (_, Ok(phone)) => record.find_customer_by_phone(&phone).await?,
                _ => None,
            };
            let customer = customer.ok_or("no ticket and no customer is known by that")?;
            record.log_access("terminal", customer, "campaign").await?;
            record.tickets_of(customer).await?.into_iter().map(|ticket| ticket.id).collect()
        }
    };
    if tickets.is_empty() {
        println!("the customer has no ticket, so no policy concerns them");
    }
    for ticket in tickets {
        let row = record.find_ticket(ticket).await?;
        println!("ticket {}", row.map_or_else(|| ticket.to_string(), |row| row.external_ref));
        let before = record.campaign_decisions(ticket).await?;
        for event in &before {
            let kind = event.type_name.trim_start_matches("campaign.");
            let Some(policy) = event.body["policy"].as_str() else {
                println!("  {}  a decision of which the words were erased", shown(event.occurred_at, zone));
                continue;
            };
            let why =
                ["why", "how"].into_iter().find_map(|word| event.body[word].as_str()).unwrap_or_default();
            println!("  {}  {policy}: {}", shown(event.occurred_at, zone), told(kind, why));
        }
        for row in scheduler.attempts().filter(|row| row.key.ticket == ticket && row.channel == Channel::Call)
        {
            let goes_on = match row.answered_at {
                Some(_) => "they are on the line",
                None => "the telephone rings",
            };
            println!("  now  {}: {goes_on}, if the server that called goes on", row.key.policy);
        }
        let stands = scheduler.explain_ticket(now, ticket);
        let last: BTreeMap<&Name, &Decision> =
            stands.iter().map(|decision| (&decision.key.policy, decision)).collect();
        for (policy, decision) in &last {
            let (kind, why, until) = words(&decision.verdict);
            let until = until.map(|at| format!(" (looked at again {})", shown(at, zone))).unwrap_or_default();
            println!("  now  {policy}: {}{until}", told(kind, &why));
        }
        if before.is_empty() && last.is_empty() {
            println!("  it changed too long ago to be called about");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A verdict as the journal names it, and until when.
fn words(verdict: &Verdict) -> (&'static str, String, Option<Timestamp>) {
    match verdict {
        Verdict::NotDrawn(why) => ("not-drawn", why.to_words(), None),
        Verdict::Drawn { from, .. } => ("drawn", String::new(), Some(*from)),
        Verdict::Waits { until, why } => ("waits", why.to_words(), Some(*until)),
        Verdict::Called { .. } => ("called", String::new(), None),
        Verdict::Messaged { .. } => ("messaged", String::new(), None),
        Verdict::Otherwise { until, why } => ("otherwise", why.to_words(), Some(*until)),
        Verdict::Ended { how, .. } => ("ended", how.to_words(), None),
        Verdict::Done(why) => ("done", why.to_words(), None),
    }
}

/// A decision in a sentence.
fn told(kind: &str, why: &str) -> String {
    let (word, more) = why.split_once(':').unwrap_or((why, ""));
    match kind {
        "not-drawn" => format!("does not concern it: {}", not_drawn(word, more)),
        "drawn" => "is to be called or told about".into(),
        "waits" => format!("not now: {}", waits(word, more)),
        "called" => "called".into(),
        "messaged" => "a message is sent".into(),
        "otherwise" => format!("a message follows: {}", done(word, more)),
        "ended" => format!("that came to: {}", outcome(word, more)),
        "done" => format!("nothing follows: {}", done(word, more)),
        _ => why.to_owned(),
    }
}

/// How a case, or its calls, came to an end.
fn done(word: &str, more: &str) -> String {
    match word {
        "ended" => {
            let (word, more) = more.split_once(':').unwrap_or((more, ""));
            outcome(word, more)
        }
        "exhausted" => format!("tried as often as may be, the last came to: {}", outcome(more, "")),
        "too-late" => {
            let (word, more) = more.split_once(':').unwrap_or((more, ""));
            format!("it is too late; it waited because {}", waits(word, more))
        }
        "number" => number(more).into(),
        "opted-out" => "the customer wants no calls".into(),
        "ticket" => "the ticket is no longer one of the policy's".into(),
        _ => "there is no such policy any more".into(),
    }
}

fn not_drawn(word: &str, more: &str) -> String {
    match word {
        "state" => "the ticket does not stand where the policy wants it".into(),
        "category" => "another category".into(),
        "outcome" => "another outcome".into(),
        "attribute" => format!("the customer's attribute `{more}` has another value, or none"),
        "sample" => "not in the sample".into(),
        _ => "it became known too late".into(),
    }
}

fn waits(word: &str, more: &str) -> String {
    match word {
        "not-yet-due" => "the earliest time has not come".into(),
        "after" => format!("the call before came to: {}", outcome(more, "")),
        "customer-unknown" => "nothing is known of the customer, or they were erased".into(),
        "on-the-line" => "the customer is on the line, being called or being sent a message".into(),
        "just-spoken" => "the customer was spoken with a while ago".into(),
        "cap" => "tried as often as all policies together may".into(),
        "policy-cap" => "tried as often as this policy may".into(),
        "closed" => "it is outside the hours on the customer's clock".into(),
        "paused" => "a supervisor has paused the policy".into(),
        "agents" => "too few agents are free for those who will want one".into(),
        "trunk" => "it is due, and waits for a line of a trunk".into(),
        "rate" => "so many calls a second, no more".into(),
        _ => "it is due, at once or behind others".into(),
    }
}

fn number(word: &str) -> &'static str {
    match word {
        "missing" => "the customer has no number",
        "not-a-number" => "what stands as number is none",
        "foreign" => "a number of a country that is not called (`countries` of campaigns.yaml)",
        "premium" => "a number at whose calls the called party earns",
        "not-listed" => "no trunk of the policy may call that number (`numbers` of its `out`)",
        "not-mobile" => "a number of a fixed line, which takes no messages",
        _ => "nobody sits at that kind of number",
    }
}

fn outcome(word: &str, more: &str) -> String {
    match word {
        "completed" => "every question answered".into(),
        "hung-up" if more == "0" => "hung up during the greeting".into(),
        "hung-up" if !more.is_empty() => format!("hung up at question {more}"),
        "hung-up" => "hung up early".into(),
        "opted-out" => "the customer wants no calls".into(),
        "sent" => "the message was accepted for delivery".into(),
        "unknown" => "nobody knows: it was cut off, and is not repeated".into(),
        "busy" => "busy".into(),
        "no-answer" => "nobody answered".into(),
        "switched-off" => "switched off or out of reach".into(),
        "wrong-number" => "no such number, or somebody else's".into(),
        "machine" => "a machine answered".into(),
        "refused" => "declined".into(),
        "failed" => "the network failed".into(),
        "trunk-silent" => "the trunk answered nothing; the telephone may have rung".into(),
        "trunk-failed" => "the trunk took no call, and no telephone rang".into(),
        "not-made" => "it was not made: no line was free, or the record was away".into(),
        "not-listed" => "the trunk may not call that number (`numbers` of its `out`)".into(),
        "cancelled" => "we gave up before it was answered".into(),
        other => other.to_owned(),
    }
}

fn forecast(scheduler: &Scheduler, now: Timestamp, days: u16, zone: &TimeZone) {
    let due = scheduler.due().count();
    let forecast = scheduler.forecast(now, days);
    println!("{due} customers are due now; the coming {days} days, if nothing new becomes due:");
    /// A day, the policy, and what it plans.
    type Row<'a> = (String, &'a Name, &'static str);
    let mut by_day: BTreeMap<Row<'_>, Vec<(String, u32)>> = BTreeMap::new();
    for (what, planned) in [("attempts", &forecast.attempts), ("messages", &forecast.messages)] {
        for ((hour, policy), count) in planned {
            let at = hour.to_zoned(zone.clone());
            let day = by_day.entry((at.strftime("%Y-%m-%d %a").to_string(), policy, what)).or_default();
            day.push((at.strftime("%H").to_string(), *count));
        }
    }
    for ((day, policy, what), hours) in by_day {
        let sum: u32 = hours.iter().map(|(_, count)| count).sum();
        let hours: Vec<String> = hours.iter().map(|(hour, count)| format!("{hour}h {count}")).collect();
        println!("  {day}  {policy}: {sum} {what} ({})", hours.join(", "));
    }
    for (policy, left) in &forecast.left {
        println!("  still due at the end  {policy}: {left}");
    }
}
