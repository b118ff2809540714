//! Whom the firm calls and sends messages: the scheduler as the record knows it, and the task that does what it says.

mod caller;
mod journal;
mod notice;

pub use caller::{Caller, Calling, QueueOf};

use std::sync::Arc;
use std::time::Duration;

use hotline_campaign::{Event, Scheduler};
use hotline_model::IdSource;
use hotline_model::campaign::Settings;
use hotline_record::{CampaignsSince, Record, RecordError};
use jiff::Timestamp;

/// A scheduler that has read the record.
pub struct Restored {
    /// The scheduler. Trunks, agents and customers who are on the line are to be told to it.
    pub scheduler: Scheduler,
    /// The journal's entry up to which it knows everything.
    pub seq: i64,
}

/// Reads what the record holds of campaigns: nothing is written, and nobody is called by this.
///
/// # Errors
/// [`RecordError::Unavailable`] if the database does not answer.
pub async fn restore(
    record: &Record,
    settings: Settings,
    ids: Arc<IdSource>,
    now: Timestamp,
) -> Result<Restored, RecordError> {
    read(record, settings, ids, now, Scheduler::restore).await
}

/// The same beside a server that calls: its calls go on, see [`Scheduler::look`].
///
/// # Errors
/// [`RecordError::Unavailable`] if the database does not answer.
pub async fn look(
    record: &Record,
    settings: Settings,
    ids: Arc<IdSource>,
    now: Timestamp,
) -> Result<Restored, RecordError> {
    read(record, settings, ids, now, Scheduler::look).await
}

async fn read(
    record: &Record,
    settings: Settings,
    ids: Arc<IdSource>,
    now: Timestamp,
    begin: fn(Timestamp, Settings, Arc<IdSource>, hotline_campaign::Restored) -> Scheduler,
) -> Result<Restored, RecordError> {
    let policies = settings.policies.values();
    let latest = policies.clone().map(|policy| policy.latest).max().unwrap_or_default();
    let caps = settings.caps.iter().chain(policies.flat_map(|policy| policy.caps.iter()));
    let tried = caps.map(|cap| cap.period).max().unwrap_or_default().max(settings.remember);
    let before = |length: Duration| now.checked_sub(length).unwrap_or(Timestamp::MIN);
    let since = CampaignsSince {
        done: before(settings.remember),
        tried: before(tried),
        changed: before(latest),
        spoke: before(settings.after_contact),
    };
    let stored = record.load_campaigns(since).await?;
    let mut scheduler = begin(now, settings, ids, stored.restored);
    for (call, how) in stored.settled {
        scheduler.handle_event(now, Event::Ended { call, how });
    }
    Ok(Restored { scheduler, seq: stored.seq })
}
