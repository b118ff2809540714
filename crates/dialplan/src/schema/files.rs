//! The words of what plans share: queues, calendars, numbers.

use std::collections::BTreeMap;

use hotline_model::Language;
use schemars::JsonSchema;

use super::OneOrMany;
use crate::plans::QueueStrategy;

/// Where callers wait for whom.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct QueuesFile {
    /// The queues, by name.
    queues: BTreeMap<String, QueueFile>,
}

/// One queue.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct QueueFile {
    /// What people call it, in each language.
    name: BTreeMap<Language, String>,
    /// Which of the agents who are free gets a caller: longest-idle if left out.
    strategy: Option<QueueStrategy>,
    /// What an agent must be able to do to serve it; every agent serves a queue that asks for nothing.
    skills: Option<OneOrMany<String>>,
    /// How long an offer rings before the next agent gets it: 20s if left out.
    ring: Option<String>,
    /// How long an agent has for notes after a call: 30s if left out.
    wrap_up: Option<String>,
    /// What its calls may have been about, by the word that is stored; those of the configuration if left out.
    wrap_up_reasons: Option<BTreeMap<String, BTreeMap<Language, String>>>,
    /// After this time the caller goes to `nobody`: 15min if left out.
    longest_wait: Option<String>,
    /// How long the place of a caller whose connection was lost is kept: 10min if left out.
    keep_place: Option<String>,
    /// How long a caller waits for the last agent of their ticket while others are free: 20s if left out.
    last_agent_wait: Option<String>,
    /// The calendar of its hours; always open if left out.
    hours: Option<String>,
    /// The plan that runs while a caller waits.
    while_waiting: String,
    /// The plan that callers are called back with who would rather not wait; without it they cannot be.
    call_back: Option<String>,
    /// What a caller on hold hears: prompts/music/<name>.wav.
    music: Option<String>,
}

/// A calendar.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CalendarFile {
    /// Its name: the file's name without `.yaml`.
    calendar: String,
    /// What it is for.
    about: Option<String>,
    /// The time zone, for example Asia/Shanghai.
    zone: String,
    /// Opening hours by day.
    week: WeekFile,
    /// Days that are closed: `2026-10-01`, or `2026-10-01 to 2026-10-07`.
    holidays: Option<Vec<String>>,
    /// Days that are open although a weekend or holiday says otherwise, and the day whose hours they follow.
    make_up: Option<BTreeMap<String, DayWord>>,
}

/// Opening hours: `09:00-18:00`, or a list of them. Days left out are closed.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct WeekFile {
    /// Monday to Friday.
    weekdays: Option<OneOrMany<String>>,
    /// Saturday and Sunday.
    weekend: Option<OneOrMany<String>>,
    /// Monday.
    monday: Option<OneOrMany<String>>,
    /// Tuesday.
    tuesday: Option<OneOrMany<String>>,
    /// Wednesday.
    wednesday: Option<OneOrMany<String>>,
    /// Thursday.
    thursday: Option<OneOrMany<String>>,
    /// Friday.
    friday: Option<OneOrMany<String>>,
    /// Saturday.
    saturday: Option<OneOrMany<String>>,
    /// Sunday.
    sunday: Option<OneOrMany<String>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum DayWord {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Which dialled number runs which plan.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct NumbersFile {
    /// Numbers in quotes, or names, and their plans.
    numbers: Option<BTreeMap<String, String>>,
    /// The same, for trying drafts.
    test_numbers: Option<BTreeMap<String, String>>,
    /// The plan of all other numbers, or none.
    default: Option<String>,
    /// Said before everything else, as soon as it is saved.
    announcement: Option<AnnouncementFile>,
}

/// Said before everything else.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct AnnouncementFile {
    /// all, none, or a list of plans.
    #[schemars(rename = "for")]
    for_: Option<OneOrMany<String>>,
    /// The words in each language.
    text: BTreeMap<Language, String>,
}
