//! Who has the queues, where several servers share a record: one of them, by a lease. What it has is in its memory and
//! in rows; when it is gone, the next one begins with the rows, and every place is kept.

use std::time::{Duration, Instant};

use hotline_record::{Record, RecordError, StoredQueues};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Request;

/// The lease's name.
const NAME: &str = "queues";
/// It is held for so long, and asked for again far sooner.
const HOLD: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(4);

/// A record that is busy when a server starts is asked again until then.
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(500);

/// What is kept of the queues, if this server has them now.
///
/// # Errors
/// If the record cannot be read, not even after a while.
pub(crate) async fn take(record: &Record) -> Result<Option<StoredQueues>, RecordError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let taken = match record.hold_lease(NAME, HOLD).await {
            Ok(true) => record.load_queues().await.map(Some),
            Ok(false) => Ok(None),
            Err(error) => Err(error),
        };
        match taken {
            Err(RecordError::Unavailable(_)) if Instant::now() < until => tokio::time::sleep(AGAIN).await,
            taken => return taken,
        }
    }
}

/// Holds the lease, or waits for it, and tells the switchboard of every change.
pub(super) async fn keep(
    record: Record,
    mut holds: bool,
    switchboard: mpsc::UnboundedSender<Request>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(RENEW) => {}
        }
        // A database that is away is away for the others too: whoever has the queues goes on.
        let Ok(held) = record.hold_lease(NAME, HOLD).await else { continue };
        let request = match (holds, held) {
            (true, false) => Request::LoseQueues,
            (false, true) => match record.load_queues().await {
                Ok(stored) => Request::TakeQueues(Box::new(stored)),
                Err(error) => {
                    tracing::warn!(%error, "the queues cannot be read; they are asked for again");
                    continue;
                }
            },
            _ => continue,
        };
        holds = held;
        if switchboard.send(request).is_err() {
            return;
        }
    }
    // The next one need not wait for the lease's end.
    if holds && let Err(error) = record.drop_lease(NAME).await {
        tracing::debug!(%error, "whoever has the queues next waits for a few seconds");
    }
}
