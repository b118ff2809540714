//! The files by which customers are called.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::OneOrMany;

/// A policy by which customers are called.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CampaignFile {
    /// The policy's name: the file's name without `.yaml`.
    campaign: String,
    /// What it is for.
    about: Option<String>,
    /// Whether customers are called by it: true if left out. It is checked in any case.
    active: Option<bool>,
    /// Who is called.
    who: WhoFile,
    /// The plan that speaks to them. It may take `reference` (text), `category` (text) and `closed-on` (date).
    plan: Option<String>,
    /// In place of a plan: nobody is called, and this message is sent, in each language. It may tell `{{ reference }}`,
    /// `{{ category }}`, `{{ closed-on }}` (the day it was closed or moved), `{{ due-on }}` and `{{ number }}`.
    message: Option<NoticeFile>,
    /// A message to those with whom calls led to nothing.
    otherwise: Option<OtherwiseFile>,
    /// The calendar in whose hours telephones may ring and messages are sent, on the customer's clock.
    hours: String,
    /// So long after the ticket's closing or change at the earliest: 30min if left out.
    earliest: Option<String>,
    /// So long after it at the latest: 3d if left out.
    latest: Option<String>,
    /// How long it rings: 25s if left out.
    ring: Option<String>,
    /// How often in all: 3 if left out.
    attempts: Option<u8>,
    /// After which outcomes another attempt follows; those that are not listed end the matter.
    again: Option<AgainFile>,
    /// Who hung up at this question or later has taken part: 1 if left out.
    took_part_from: Option<u32>,
    /// Attempts by this policy alone, messages among them, for each customer.
    caps: Option<Vec<CapFile>>,
    /// Calls are begun only as long as somebody is likely to be free for those who want a human.
    humans: Option<HumansFile>,
    /// How a machine that answers is told from a human; off: whoever answers is a human.
    machine: Option<Machine>,
    /// The trunks to call by: the first that is up and has a line free.
    trunks: Option<OneOrMany<String>>,
    /// The number that customers see.
    show: Option<String>,
    /// 0 to 9: higher ones come first. 5 if left out.
    priority: Option<u8>,
}

/// The words of a message.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NoticeFile {
    /// In Chinese.
    #[schemars(rename = "zh-CN")]
    zh_cn: String,
    /// In English.
    #[schemars(rename = "en-US")]
    en_us: String,
}

/// A message that follows calls.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct OtherwiseFile {
    /// After which outcomes of the last call: busy, no-answer, switched-off and machine if left out. It also follows
    /// where it became too late to call.
    after: Option<OneOrMany<String>>,
    /// Sent within so long after that, or not at all: 2d if left out.
    within: Option<String>,
    /// For so long the link of the message can be answered: 7d if left out.
    valid: Option<String>,
    /// The words; `{{ link }}` leads to the plan as a page, where the customer answers in writing.
    message: NoticeFile,
}

/// Who is called. What is left out lets everybody pass.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct WhoFile {
    /// What makes a call due: the ticket was closed, or it changed while it is open.
    when: When,
    /// Categories of the ticket.
    categories: Option<OneOrMany<String>>,
    /// Outcomes of the ticket, in the words of the firm's own system.
    outcomes: Option<OneOrMany<String>>,
    /// Outcomes of the ticket that it does not concern: another policy tells of them.
    except: Option<OneOrMany<String>>,
    /// Attributes of the customer with the values that pass: all of them must.
    attributes: Option<BTreeMap<String, OneOrMany<String>>>,
    /// How many are drawn, for example 20%: always the same tickets.
    share: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum When {
    Closed,
    Changed,
}

/// Outcomes after which another attempt follows.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AgainFile {
    /// The line was busy.
    busy: Option<RetryFile>,
    /// It rang, and nobody answered.
    no_answer: Option<RetryFile>,
    /// Switched off or out of reach.
    switched_off: Option<RetryFile>,
    /// No such number, or somebody else's.
    wrong_number: Option<RetryFile>,
    /// A machine answered.
    machine: Option<RetryFile>,
    /// The customer declined.
    refused: Option<RetryFile>,
    /// The customer hung up before the question of took-part-from.
    hung_up: Option<RetryFile>,
    /// The network failed.
    failed: Option<RetryFile>,
    /// We gave up before it was answered.
    cancelled: Option<RetryFile>,
}

/// Another attempt.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct RetryFile {
    /// So long after the one before; then the next moment that hours and caps allow.
    after: String,
    /// At most so often after this outcome: 1 if left out.
    most: Option<u8>,
}

/// At most so many attempts in a rolling period.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct CapFile {
    /// Attempts, whatever came of them.
    attempts: u32,
    /// The period, for example 24h or 30d.
    within: String,
}

/// How calls are paced by the agents who are free.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct HumansFile {
    /// The queue they go to.
    queue: String,
    /// Free agents who are left to those who call in: 0 if left out.
    keep_free: Option<u32>,
    /// How many who answer want a human, as long as too few calls were measured: 25% if left out.
    expected: Option<String>,
    /// The chance that one of them finds nobody free: 1% if left out.
    stranded: Option<String>,
}

/// How a machine that answers is told from a human.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Machine {
    /// off.
    Off(Off),
    /// By how long it speaks without a rest; in doubt it is a human.
    Told(MachineFile),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Off {
    /// Whoever answers is a human.
    Off,
}

/// By how long it speaks without a rest.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct MachineFile {
    /// Words that go on for so long without a rest are a machine's greeting: 2400ms if left out.
    greeting: Option<String>,
    /// It is listened so long after the answer: 6s if left out.
    within: Option<String>,
    /// What is no shorter than this is a rest: 500ms if left out.
    rest: Option<String>,
}

/// What all policies by which customers are called share.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CampaignsFile {
    /// Calling codes of the countries that may be called: 86 alone if left out.
    countries: Option<OneOrMany<u16>>,
    /// Attempts of all policies together, for each customer: 2 in 24h and 6 in 30d if left out.
    caps: Option<Vec<CapFile>>,
    /// Calls begun a second, over all trunks: 10 if left out.
    calls_per_second: Option<u32>,
    /// A customer we spoke with, whoever called, is left alone for so long: 2h if left out.
    leave_alone: Option<String>,
    /// A call of which nothing was heard for longer is settled as unknown: 2h if left out.
    longest_call: Option<String>,
}

#[cfg(test)]
mod tests {
    use hotline_model::campaign::Outcome;

    use super::*;
    use crate::lower::{campaign, notice};
    use crate::schema::tests::{set, words};

    #[test]
    fn the_schema_of_campaigns_knows_exactly_the_words_that_the_checker_knows() {
        assert_eq!(words::<CampaignFile>(), set(&campaign::CAMPAIGN));
        assert_eq!(words::<WhoFile>(), set(&campaign::WHO));
        assert_eq!(words::<AgainFile>(), set(&Outcome::ALL.map(Outcome::word)));
        assert_eq!(words::<RetryFile>(), set(&campaign::AGAIN));
        assert_eq!(
            words::<NoticeFile>(),
            set(&hotline_model::Language::ALL.map(hotline_model::Language::tag))
        );
        assert_eq!(words::<OtherwiseFile>(), set(&notice::OTHERWISE));
        assert_eq!(words::<CapFile>(), set(&campaign::CAP));
        assert_eq!(words::<HumansFile>(), set(&campaign::HUMANS));
        assert_eq!(words::<MachineFile>(), set(&campaign::MACHINE));
        assert_eq!(words::<CampaignsFile>(), set(&campaign::SHARED));
    }
}
