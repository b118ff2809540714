//! What is deleted by its age, every night at three where messages keep their hours; what a night missed
//! because nothing ran is done after the start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hotline_model::{Calendar, Clock};
use hotline_record::{Record, RecordError, Retained};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use metrics::counter;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Retention};
use crate::erasure::{Folders, is_gone};

/// Deleted with their number, by kind.
pub type Deleted = Vec<(&'static str, u64)>;

const RECORDINGS: &str = "recordings";
const ATTACHMENTS: &str = "attachments";
/// A link whose time is over tells nobody anything after so many days.
const LINK_DAYS: u32 = 30;
/// A file without a row is what a crash left, once it is so many days old.
const LEFT_OVER_DAYS: u32 = 1;
/// Files of one look.
const FILES: u32 = 200;
/// So often it is looked whether the night has come.
const LOOK: Duration = Duration::from_secs(60);
const HOUR: i8 = 3;

/// When the last night was: the newest three o'clock that is past.
fn last_night(now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let now_there = now.to_zoned(zone.clone());
    let at = |day: jiff::civil::Date| day.at(HOUR, 0, 0, 0).to_zoned(zone.clone()).ok();
    let today = at(now_there.date())?.timestamp();
    if today <= now { Some(today) } else { Some(at(now_there.date().yesterday().ok()?)?.timestamp()) }
}

/// Before which moment a kind goes; `None`: it is kept for good.
fn before(now: Timestamp, days: u32) -> Option<Timestamp> {
    let period = Duration::from_secs(u64::from(days) * 86_400);
    (days > 0).then(|| now.checked_sub(period).ok()).flatten()
}

const fn days(periods: &Retention, kind: Retained) -> u32 {
    match kind {
        Retained::Steps => periods.steps_days,
        Retained::Messages => periods.messages_days,
        Retained::Journal => periods.journal_days,
        Retained::AccessLog => periods.access_log_days,
        Retained::Reviews => periods.reviews_days,
        Retained::Rebates => periods.rebates_days,
    }
}

/// What would be deleted now.
pub async fn count(record: &Record, periods: &Retention, now: Timestamp) -> Result<Deleted, RecordError> {
    let mut counts = Deleted::new();
    if let Some(before) = before(now, periods.recordings_days) {
        counts.push((RECORDINGS, record.old_recordings(before, u32::MAX).await?.len() as u64));
    }
    if let Some(before) = before(now, periods.attachments_days) {
        counts.push((ATTACHMENTS, record.old_attachments(before, u32::MAX).await?.len() as u64));
    }
    for kind in Retained::ALL {
        if let Some(before) = before(now, days(periods, kind)) {
            counts.push((kind.word(), record.count_older(kind, before).await?));
        }
    }
    Ok(counts)
}

/// Deletes what is older than its period, tells the journal, and gives what went.
pub async fn delete(
    record: &Record,
    periods: &Retention,
    folders: &Folders,
    now: Timestamp,
) -> Result<Deleted, RecordError> {
    let mut deleted = Deleted::new();
    if let Some(before) = before(now, periods.recordings_days) {
        deleted.push((RECORDINGS, delete_recordings(record, &folders.recordings, before).await?));
    }
    if let Some(before) = before(now, periods.attachments_days) {
        deleted.push((ATTACHMENTS, delete_attachments(record, &folders.attachments, before).await?));
    }
    if let Some(before) = before(now, LINK_DAYS) {
        record.prune_upload_links(before).await?;
    }
    sweep(record, &folders.attachments).await?;
    for kind in Retained::ALL {
        if let Some(before) = before(now, days(periods, kind)) {
            deleted.push((kind.word(), record.delete_older(kind, before).await?));
        }
    }
    for (kind, rows) in &deleted {
        counter!("hotline_retention_rows_total", "kind" => *kind).increment(*rows);
    }
    record.tell_retention(&deleted).await?;
    Ok(deleted)
}

/// The file first: what a crash leaves is a row whose file is gone, which is done again.
async fn delete_recordings(record: &Record, folder: &Path, before: Timestamp) -> Result<u64, RecordError> {
    let mut deleted = 0;
    loop {
        let old = record.old_recordings(before, FILES).await?;
        let gone: Vec<_> = old.iter().filter(|(_, name)| is_gone(folder, name)).cloned().collect();
        record.forget_recordings_of(&gone).await?;
        deleted += gone.len() as u64;
        // One that cannot be deleted would be found again for ever.
        if gone.len() < old.len() || old.len() < FILES as usize {
            return Ok(deleted);
        }
    }
}

async fn delete_attachments(record: &Record, folder: &Path, before: Timestamp) -> Result<u64, RecordError> {
    let mut deleted = 0;
    loop {
        let old = record.old_attachments(before, FILES).await?;
        let gone: Vec<_> = old.iter().filter(|one| is_gone(folder, &one.file)).cloned().collect();
        record.forget_attachments(&gone).await?;
        deleted += gone.len() as u64;
        if gone.len() < old.len() || old.len() < FILES as usize {
            return Ok(deleted);
        }
    }
}

/// Deletes what a crash left in the folder of attachments: halves of files, and whole ones without a row.
async fn sweep(record: &Record, folder: &Path) -> Result<(), RecordError> {
    let old = Duration::from_secs(u64::from(LEFT_OVER_DAYS) * 86_400);
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let names = entries.filter_map(|entry| {
        let entry = entry.ok()?;
        let facts = entry.metadata().ok()?;
        let is_old = facts.modified().ok()?.elapsed().is_ok_and(|age| age > old);
        let name = entry.file_name().into_string().ok()?;
        (facts.is_file() && is_old && is_ours(&name)).then_some(name)
    });
    for name in record.unnamed_attachments(names.collect()).await? {
        if is_gone(folder, &name) {
            tracing::info!("a file that no record names is deleted from the folder of attachments");
        }
    }
    Ok(())
}

/// Whether a name is one that we give: an id and an ending. Whatever else lies in the folder is somebody else's.
fn is_ours(name: &str) -> bool {
    name.split_once('.').is_some_and(|(id, ending)| {
        id.len() == 26
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && matches!(ending, "jpg" | "png" | "webp" | "heic" | "pdf" | "part")
    })
}

/// Deletes every night until `stop`.
pub async fn nightly(
    config: Config,
    record: Record,
    calendar: watch::Receiver<Calendar>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut beat = tokio::time::interval(LOOK);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = beat.tick() => {}
        }
        let now = clock.now();
        let zone = calendar.borrow().zone.clone();
        let Some(night) = last_night(now, &zone) else { continue };
        match record.retained_at().await {
            Ok(done) if done.is_some_and(|done| done >= night) => continue,
            Ok(_) => {}
            Err(_) => continue,
        }
        match delete(&record, &config.retention, &Folders::of(&config), now).await {
            Ok(deleted) => {
                let rows: u64 = deleted.iter().map(|(_, rows)| rows).sum();
                tracing::info!(rows, "what is older than its period is deleted");
            }
            Err(error) => tracing::warn!(%error, "what is older than its period is deleted later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use hotline_model::clock::ManualClock;
    use hotline_model::{CallId, CallerNumber, EndReason, Ending, IdSource, StepEvent};
    use hotline_record::{CallDirection, CallEnd, CallSave, CallStep, NewCall, OpenedCall, Settings};

    use super::*;

    #[test]
    fn the_night_is_where_the_house_is() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let night = |now: &str| last_night(now.parse().unwrap(), &zone).unwrap().to_string();
        assert_eq!(night("2026-11-19T19:00:00Z"), "2026-11-19T19:00:00Z");
        assert_eq!(night("2026-11-19T18:59:59Z"), "2026-11-18T19:00:00Z");
        assert_eq!(night("2026-11-20T12:00:00Z"), "2026-11-19T19:00:00Z");
    }

    #[tokio::test]
    async fn what_is_older_than_its_period_goes_with_its_files_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-20T02:00:00Z".parse().unwrap()));
        let settings = Settings::sqlite(&folder.path().join("hotline.db"));
        let record = Record::open(&settings, clock.clone()).await.unwrap();
        let ids = IdSource::new(3);
        for name in ["old.wav", "new.wav"] {
            let call: CallId = ids.next(clock.now());
            let new = NewCall {
                call,
                sip_call_id: name.into(),
                direction: CallDirection::In,
                caller: CallerNumber::Withheld,
                dialled: "10086".into(),
                trunk: "t".into(),
                plan: "main".into(),
                plan_version: "1".into(),
                ticket: None,
                parent: None,
                at: clock.now(),
            };
            record.begin_call(new, &OpenedCall::default());
            record.save_call(call, CallSave { recording: Some(name.into()), ..CallSave::default() });
            let event = StepEvent::entered("main", "menu");
            record.store_steps(call, None, &[CallStep { number: 1, at: clock.now(), event }]);
            let reason = EndReason::new(Ending::Caller, "hung-up");
            record.end_call(call, CallEnd { reason, at: clock.now() });
            let customer = ids.next(clock.now());
            record.log_access("min.li", customer, "card").await.unwrap();
            assert!(record.flush(Duration::from_secs(5)).await);
            std::fs::write(folder.path().join(name), "sound").unwrap();
            clock.advance(Duration::from_secs(40 * 86_400));
        }
        let periods =
            Retention { recordings_days: 50, steps_days: 50, access_log_days: 50, ..Retention::default() };
        let folders = Folders { recordings: folder.path().into(), attachments: folder.path().join("files") };
        let expected = [("recordings", 1), ("steps", 1), ("access-log", 1)];
        assert_eq!(count(&record, &periods, clock.now()).await.unwrap(), expected);
        assert_eq!(record.retained_at().await.unwrap(), None);
        let deleted = delete(&record, &periods, &folders, clock.now()).await.unwrap();
        assert_eq!(deleted, expected);
        assert!(!folder.path().join("old.wav").exists() && folder.path().join("new.wav").exists());
        assert_eq!(record.retained_at().await.unwrap(), Some(clock.now()));
        let again = delete(&record, &periods, &folders, clock.now()).await.unwrap();
        assert_eq!(again, [("recordings", 0), ("steps", 0), ("access-log", 0)]);
        let events = record.follow(0, 100).await.unwrap();
        let told = events.iter().find(|event| event.type_name == "retention.done").unwrap();
        assert_eq!(told.body["rows"]["steps"], 1);
        assert_eq!(events.iter().filter(|event| event.type_name == "call.entered").count(), 1);
        assert_eq!(record.last_contacts(10).await.unwrap().len(), 2, "that they called is kept");
        // Without a period nothing goes.
        let none = delete(&record, &Retention::default(), &folders, clock.now()).await.unwrap();
        assert!(none.is_empty() && folder.path().join("new.wav").exists());
    }
}
