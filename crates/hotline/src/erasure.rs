//! What an erasure leaves outside the database, wherever it was asked for: rendered speech in this
//! server's memory, and recordings and other files on its disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hotline_record::Record;
use hotline_speech::Speech;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// Other servers and commands write without waking us.
const LOOK: Duration = Duration::from_secs(2);
/// Entries of one look.
const ENTRIES: u32 = 500;
/// So often it is looked for recordings of calls that went on when their customer was erased.
const SWEEP: Duration = Duration::from_secs(30);

/// Where this server keeps what is no row.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Recordings of calls.
    pub recordings: PathBuf,
    /// Files of customers.
    pub attachments: PathBuf,
}

impl Folders {
    /// Those of the configuration.
    pub fn of(config: &Config) -> Self {
        Self { recordings: config.recordings.folder.clone(), attachments: config.attachments.folder.clone() }
    }
}

/// Follows the journal until `stop`.
pub async fn follow(record: Record, speech: Speech, folders: Folders, stop: CancellationToken) {
    // What was erased before the start is in no memory.
    let mut seq = None;
    let mut sweep = tokio::time::interval(SWEEP);
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = look.tick() => match erased_since(&record, &mut seq).await {
                Ok(true) => speech.clear_memory(),
                Ok(false) => continue,
                Err(error) => {
                    tracing::debug!(%error, "the journal cannot be read");
                    continue;
                }
            },
            _ = sweep.tick() => {}
        }
        if let Err(error) = delete_recordings(&record, &folders.recordings).await {
            tracing::warn!(%error, "recordings of erased customers are looked for again");
        }
        if let Err(error) = delete_attachments(&record, &folders.attachments).await {
            tracing::warn!(%error, "files of erased customers are looked for again");
        }
    }
}

async fn erased_since(record: &Record, seq: &mut Option<i64>) -> Result<bool, hotline_record::RecordError> {
    let Some(known) = seq else {
        *seq = Some(record.newest_seq().await?);
        return Ok(false);
    };
    let mut erased = false;
    loop {
        let events = record.follow(*known, ENTRIES).await?;
        erased |= events.iter().any(|event| event.type_name == "customer.erased");
        let Some(last) = events.last() else { return Ok(erased) };
        *known = last.seq;
    }
}

async fn delete_recordings(record: &Record, folder: &Path) -> Result<(), hotline_record::RecordError> {
    let mut gone = Vec::new();
    for name in record.erased_recordings().await? {
        if is_gone(folder, &name) {
            gone.push(name);
        }
    }
    record.forget_recordings(&gone).await
}

async fn delete_attachments(record: &Record, folder: &Path) -> Result<(), hotline_record::RecordError> {
    let mut gone = record.erased_attachments().await?;
    gone.retain(|one| is_gone(folder, &one.file));
    record.forget_attachments(&gone).await
}

/// Deletes a recording or another file. `false`: it may still be there.
pub fn is_gone(folder: &Path, name: &str) -> bool {
    // A name in the record is a name in the folder, and never leads out of it.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        return false;
    }
    match std::fs::remove_file(folder.join(name)) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            tracing::error!(%error, "a file cannot be deleted");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hotline_model::{
        CallId, CallerNumber, EndReason, Ending, IdSource, Language, SystemClock, TicketInput, TicketState,
    };
    use hotline_record::{CallDirection, CallEnd, CallSave, NewCall, Settings};

    use super::*;

    #[tokio::test]
    async fn a_recording_of_a_call_that_went_on_is_deleted_when_the_call_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::sqlite(&folder.path().join("hotline.db"));
        let record = Record::open(&settings, Arc::new(SystemClock)).await.unwrap();
        let input = TicketInput {
            external_ref: "T-1".into(),
            phone: "13800138000".to_owned().into(),
            name: None,
            language: None,
            category: None,
            outcome: None,
            state: TicketState::Open,
            result: None,
            result_language: None,
            code: None,
            changed_at: None,
        };
        let customer = record.upsert_ticket(input, Language::ZhCn).await.unwrap().customer;
        let call: CallId = IdSource::new(3).next(record.now());
        let caller = CallerNumber::parse("13800138000");
        let known = record.recognise(&caller).await.unwrap();
        let new = NewCall {
            call,
            sip_call_id: "a@b".into(),
            direction: CallDirection::In,
            caller,
            dialled: "10086".into(),
            trunk: "t".into(),
            plan: "main".into(),
            plan_version: "1".into(),
            ticket: None,
            parent: None,
            at: record.now(),
        };
        record.begin_call(new, &known);
        record.save_call(call, CallSave { recording: Some("a.wav".into()), ..CallSave::default() });
        assert!(record.flush(Duration::from_secs(5)).await);
        let file = folder.path().join("a.wav");
        std::fs::write(&file, "sound").unwrap();
        let mut seq = None;
        assert!(!erased_since(&record, &mut seq).await.unwrap(), "from now on");
        record.erase_customer(customer, "boss").await.unwrap();
        assert!(erased_since(&record, &mut seq).await.unwrap());
        assert!(!erased_since(&record, &mut seq).await.unwrap(), "told once");
        delete_recordings(&record, folder.path()).await.unwrap();
        assert!(file.exists(), "it is still being written");
        let reason = EndReason::new(Ending::Caller, "hung-up");
        record.end_call(call, CallEnd { reason, at: record.now() });
        assert!(record.flush(Duration::from_secs(5)).await);
        delete_recordings(&record, folder.path()).await.unwrap();
        assert!(!file.exists());
        assert!(record.erased_recordings().await.unwrap().is_empty());
        assert!(!is_gone(folder.path(), "../a.wav"), "never out of the folder");
    }
}
