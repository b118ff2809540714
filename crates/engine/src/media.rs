//! Media events to the calls they belong to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use hotline_media::{LegId, MediaConfig, MediaEvent, MediaPlane};
use tokio::sync::mpsc;

use crate::call::Note;

/// The media plane with the mailboxes of the calls that use it.
pub(crate) struct Media {
    pub plane: MediaPlane,
    mailboxes: Arc<RwLock<HashMap<LegId, mpsc::UnboundedSender<Note>>>>,
    next: AtomicU64,
}

impl Media {
    /// Starts the media threads and the task that hands their events on.
    pub fn start(config: MediaConfig) -> Result<Self, hotline_media::MediaError> {
        // A media thread puts a batch into the channel and goes on; it meets no lock of ours.
        let (batches, mut events) = mpsc::unbounded_channel::<Vec<MediaEvent>>();
        let plane = MediaPlane::start(config, move |batch| {
            let _ = batches.send(batch);
        })?;
        let mailboxes: Arc<RwLock<HashMap<LegId, mpsc::UnboundedSender<Note>>>> = Arc::default();
        let known = Arc::clone(&mailboxes);
        tokio::spawn(async move {
            while let Some(batch) = events.recv().await {
                for event in batch {
                    let leg = leg_of(&event);
                    let mailbox = known.read().expect("no holder of this lock panics").get(&leg).cloned();
                    if let Some(mailbox) = mailbox {
                        let _ = mailbox.send(Note::Media(event));
                    }
                }
            }
        });
        Ok(Self { plane, mailboxes, next: AtomicU64::new(1) })
    }

    /// A leg id that was never used before, whose events go to `mailbox` from now on.
    pub fn register(&self, mailbox: mpsc::UnboundedSender<Note>) -> LegId {
        let leg = LegId(self.next.fetch_add(1, Ordering::Relaxed));
        self.mailboxes.write().expect("no holder of this lock panics").insert(leg, mailbox);
        leg
    }

    /// Closes legs whose calls are gone without a word.
    pub fn close_orphans(&self) {
        let mut mailboxes = self.mailboxes.write().expect("no holder of this lock panics");
        mailboxes.retain(|leg, mailbox| {
            let is_gone = mailbox.is_closed();
            if is_gone {
                let _ = self.plane.close(*leg);
            }
            !is_gone
        });
    }

    pub fn forget(&self, leg: LegId) {
        self.mailboxes.write().expect("no holder of this lock panics").remove(&leg);
    }
}

pub(crate) fn leg_of(event: &MediaEvent) -> LegId {
    match event {
        MediaEvent::PlayDone { leg, .. }
        | MediaEvent::Digit { leg, .. }
        | MediaEvent::Heard { leg, .. }
        | MediaEvent::Overheard { leg, .. }
        | MediaEvent::FirstPacket { leg }
        | MediaEvent::RtpTimeout { leg }
        | MediaEvent::RecordingFailed { leg, .. }
        | MediaEvent::RecordingDone { leg, .. }
        | MediaEvent::Stats { leg, .. }
        | MediaEvent::Closed { leg, .. }
        | MediaEvent::Failed { leg } => *leg,
    }
}
