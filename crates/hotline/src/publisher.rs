//! Plans from the folder to the calls: all of them when the operator says so, `numbers.yaml` with
//! its announcement as soon as it is saved. With an error, what runs stays.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use hotline_desk::{QueueWords, Reason};
use hotline_dialplan::Plans;
use hotline_dialplan::plans::Queue;
use hotline_jobs::campaigns::{Calling, QueueOf};
use hotline_model::campaign::Policy;
use hotline_model::{Calendar, Language};
use hotline_record::Record;
use hotline_speech::Speech;
use tokio::sync::watch;

use crate::commands::{Problem, check, plan_files};
use crate::config::{Config, Messages};

/// The sources as they were published last.
pub struct Publisher {
    files: Vec<(String, String)>,
    numbers: PathBuf,
    numbers_saved: Option<SystemTime>,
}

impl Publisher {
    /// Reads and checks the folder. Findings are printed; `None` if one of them is an error.
    pub fn open(config: &Config) -> Result<Option<(Plans, Self)>, Problem> {
        let numbers = config.plans.folder.join("numbers.yaml");
        let numbers_saved = saved(&numbers);
        let files = plan_files::read(&config.plans.folder)?;
        let plans = load(config, &files);
        if let Some(problem) = plans.as_ref().and_then(|plans| links_missing(config, plans)) {
            return Err(problem.into());
        }
        for missing in plans.iter().flat_map(|plans| trunks_missing(config, plans)) {
            tracing::warn!("{missing}");
        }
        Ok(plans.map(|plans| (plans, Self { files, numbers, numbers_saved })))
    }

    /// The plans as they are in the folder now.
    pub fn take_all(&mut self, config: &Config) -> Result<Option<Plans>, Problem> {
        let Some((plans, publisher)) = Self::open(config)? else {
            return Err("the plans have errors".into());
        };
        *self = publisher;
        Ok(Some(plans))
    }

    /// The published plans with `numbers.yaml` as it is now, if it was saved since.
    pub fn take_numbers(&mut self, config: &Config) -> Result<Option<Plans>, Problem> {
        let now = saved(&self.numbers);
        if now == self.numbers_saved {
            return Ok(None);
        }
        self.numbers_saved = now;
        let text = std::fs::read_to_string(&self.numbers)
            .map_err(|error| format!("{}: {error}", self.numbers.display()))?;
        let path = self.numbers.display().to_string();
        let mut files = self.files.clone();
        files.retain(|(known, _)| *known != path);
        files.push((path, text));
        files.sort();
        let plans = load(config, &files).ok_or("numbers.yaml has errors")?;
        self.files = files;
        Ok(Some(plans))
    }
}

fn saved(path: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|facts| facts.modified()).ok()
}

fn load(config: &Config, files: &[(String, String)]) -> Option<Plans> {
    let (plans, found) = Plans::load(files.to_vec(), &plan_files::recordings(&config.plans.prompts));
    check::print(&found);
    for finding in found.iter().filter(|finding| finding.is_error()) {
        tracing::error!(finding = hotline_dialplan::diagnostic::concise(finding), "a plan cannot run");
    }
    plans
}

/// A policy whose message has a link, where the configuration does not say where links lead.
pub fn links_missing(config: &Config, plans: &Plans) -> Option<String> {
    if config.messages.links.is_some() {
        return None;
    }
    let has_link = |policy: &Arc<Policy>| policy.message.as_ref().is_some_and(|message| message.has_link());
    let (name, _) = plans.campaigns().policies.iter().find(|(_, policy)| has_link(policy))?;
    Some(format!(
        "messages.links: the message of policy `{name}` has a link, and nothing says where it leads; write \
         `links = \"https://…\"` under [messages], the address at which customers reach this server by HTTPS, or take \
         `{{{{ link }}}}` out of the message"
    ))
}

/// Policies that call by a trunk which the configuration does not have, or that takes no calls from us: a sentence each.
pub fn trunks_missing(config: &Config, plans: &Plans) -> Vec<String> {
    let outward = |name: &str| config.trunks.iter().any(|trunk| trunk.name == name && trunk.out.is_some());
    let mut missing = Vec::new();
    for (name, policy) in &plans.campaigns().policies {
        let Some(calls) = &policy.calls else { continue };
        for trunk in calls.trunks.iter().filter(|trunk| !outward(trunk)) {
            missing.push(format!(
                "trunks: policy `{name}` calls by `{trunk}`, and no trunk with `[trunks.out]` is called so; the policy \
                 waits for it, or calls by its other trunks"
            ));
        }
    }
    missing
}

/// What the files say of calls that we make, whenever plans are published.
pub fn calling(mut plans: watch::Receiver<Arc<Plans>>, config: &Config) -> watch::Receiver<Arc<Calling>> {
    let messages = config.messages.clone();
    let (tell, calling) = watch::channel(Arc::new(calling_of(&plans.borrow(), &messages)));
    tokio::spawn(async move {
        while plans.changed().await.is_ok() {
            let now = Arc::new(calling_of(&plans.borrow_and_update(), &messages));
            if tell.send(now).is_err() {
                return;
            }
        }
    });
    calling
}

fn calling_of(plans: &Plans, messages: &Messages) -> Calling {
    let queue = |queue: &Queue| QueueOf { name: queue.name.as_str().into(), skills: queue.skills.clone() };
    Calling {
        settings: plans.campaigns().clone(),
        queues: plans.queues().map(queue).collect(),
        zone: zone(plans, &messages.calendar),
        short_number: messages.short_number.clone(),
        links: messages.links.clone(),
    }
}

/// Where the days begin that customers are told: as in the calendar of messages, whatever else there is.
fn zone(plans: &Plans, calendar: &str) -> jiff::tz::TimeZone {
    let calendar = plans.find_calendar(calendar).or_else(|| plans.calendars().next());
    calendar.map_or(jiff::tz::TimeZone::UTC, |calendar| calendar.zone.clone())
}

/// The calendar whose hours messages keep.
pub fn calendar(config: &Config, plans: &Plans) -> Result<Calendar, Problem> {
    let name = &config.messages.calendar;
    let calendar = plans.find_calendar(name);
    Ok(calendar.ok_or_else(|| format!("messages.calendar: no calendar is called `{name}`"))?.clone())
}

/// The queues as agents need to know them, new with every set of plans.
pub fn queue_words(mut plans: watch::Receiver<Arc<Plans>>) -> watch::Receiver<Arc<[QueueWords]>> {
    fn words(plans: &Plans) -> Arc<[QueueWords]> {
        let of = |queue: &Queue| QueueWords {
            name: queue.name.clone(),
            title: queue.called.clone(),
            skills: queue.skills.clone(),
            reasons: queue
                .wrap_up_reasons
                .iter()
                .map(|(code, name)| Reason { code: code.clone(), name: name.clone() })
                .collect(),
        };
        plans.queues().map(of).collect()
    }
    let (told, heard) = watch::channel(words(&plans.borrow_and_update()));
    tokio::spawn(async move {
        while plans.changed().await.is_ok() {
            let now = words(&plans.borrow_and_update());
            if told.send(now).is_err() {
                return;
            }
        }
    });
    heard
}

/// Keeps each plan's version, so that an old call's path can be read beside it.
pub async fn store_versions(record: &Record, plans: &Plans) -> Result<(), Problem> {
    for plan in plans.plans() {
        record.store_plan(&plan.name, &plan.version, plan.file.text()).await?;
    }
    Ok(())
}

/// The texts of a file of templates, in order: one a line, those that begin with `#` left out.
pub fn templates(path: &Path) -> Result<Vec<String>, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    Ok(lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// Renders the texts that the firm knows it will say, one after the other, behind whoever waits.
pub fn render_templates(speech: &Speech, file: Option<&Path>) {
    let Some(file) = file else { return };
    let texts = match templates(file) {
        Ok(texts) => texts,
        Err(problem) => return tracing::error!(%problem, "the templates are not rendered before"),
    };
    let speech = speech.clone();
    tokio::spawn(async move {
        for (at, text) in texts.iter().enumerate() {
            if let Err(error) = speech.prepare(text, Language::of_text(text)).await {
                tracing::warn!(template = at + 1, %error, "a template cannot be rendered");
            }
        }
    });
}

/// Renders prompts without a recording before a caller needs them.
pub fn render_prompts(speech: &Speech, plans: &Arc<Plans>) {
    let (speech, plans) = (speech.clone(), Arc::clone(plans));
    tokio::spawn(async move {
        for utterance in plans.plans().flat_map(|plan| plan_files::fixed_utterances(plan)) {
            if speech.duration(&utterance).is_none()
                && let Err(error) = speech.prepare_utterance(&utterance).await
            {
                tracing::warn!(
                    prompt.name = %utterance.prompt,
                    language = %utterance.language,
                    %error,
                    "a prompt has no recording and cannot be rendered"
                );
            }
        }
    });
}
