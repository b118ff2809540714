//! The shape of the files for editors: completion and hover. The checker reads files by itself and
//! says far more; a test compares the words of both.
#![expect(dead_code, reason = "these types are read by their derive only")]

mod calls;
mod campaign;
mod files;
mod plan;

use calls::CallsFile;
use campaign::{CampaignFile, CampaignsFile};
use files::{CalendarFile, NumbersFile, QueuesFile};
use hotline_model::VerificationPolicy;
use plan::PlanFile;
use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// Every schema with the name of its file.
pub fn schemas() -> Vec<(&'static str, Value)> {
    let plan = schema_for!(PlanFile);
    let policy = schema_for!(VerificationPolicy);
    let calendar = schema_for!(CalendarFile);
    let numbers = schema_for!(NumbersFile);
    let queues = schema_for!(QueuesFile);
    let campaign = schema_for!(CampaignFile);
    let campaigns = schema_for!(CampaignsFile);
    let calls = schema_for!(CallsFile);
    [
        ("dialplan", plan),
        ("policy", policy),
        ("calendar", calendar),
        ("numbers", numbers),
        ("queues", queues),
        ("campaign", campaign),
        ("campaigns", campaigns),
        ("calls", calls),
    ]
    .into_iter()
    .map(|(name, schema)| (name, schema.to_value()))
    .collect()
}

/// One, or a list.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::calls::{CallFile, DoesFile, GivenFile, PlaceFile, RecordFile, TicketFile};
    use super::files::{QueueFile, WeekFile};
    use super::plan::{FollowUpFile, MenuFile, SaveFile, StepFile, WrittenFile};
    use super::*;

    pub(super) fn words<T: JsonSchema>() -> BTreeSet<String> {
        let schema = schema_for!(T).to_value();
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    }

    pub(super) fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn the_schema_knows_exactly_the_words_that_the_checker_knows() {
        use crate::{calls, lower};
        assert_eq!(words::<PlanFile>(), set(&lower::plan::KNOWN));
        let steps = lower::step::VERBS
            .iter()
            .flat_map(|(verb, beside)| [*verb].into_iter().chain(beside.iter().copied()));
        assert_eq!(words::<StepFile>(), set(&steps.chain(lower::step::BESIDE).collect::<Vec<_>>()));
        assert_eq!(words::<MenuFile>(), set(&lower::step::MENU));
        assert_eq!(words::<WrittenFile>(), set(&lower::step::WRITTEN));
        assert_eq!(words::<SaveFile>(), set(&lower::step::SAVE));
        assert_eq!(words::<FollowUpFile>(), set(&lower::step::FOLLOW_UP));
        assert_eq!(words::<VerificationPolicy>(), set(&lower::policy::KNOWN));
        assert_eq!(words::<hotline_model::verification::Limits>(), set(&lower::policy::LIMITS));
        assert_eq!(words::<CalendarFile>(), set(&lower::calendar::KNOWN));
        assert_eq!(words::<WeekFile>(), set(&lower::calendar::WEEK));
        assert_eq!(words::<NumbersFile>(), set(&lower::numbers::KNOWN));
        assert_eq!(words::<QueuesFile>(), set(&lower::queues::KNOWN));
        assert_eq!(words::<QueueFile>(), set(&lower::queues::QUEUE));
        assert_eq!(words::<PlaceFile>(), set(&calls::QUEUE));
        assert_eq!(words::<CallsFile>(), set(&calls::SCRIPT));
        assert_eq!(words::<CallFile>(), set(&calls::CALL));
        assert_eq!(words::<DoesFile>(), set(&calls::ACT));
        assert_eq!(words::<GivenFile>(), set(&calls::GIVEN));
        assert_eq!(words::<TicketFile>(), set(&calls::TICKET));
        assert_eq!(words::<RecordFile>(), set(&calls::RECORD));
    }
}
