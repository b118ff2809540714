//! What happens without a caller: a ticket with a result is rendered into speech, then its
//! customer is sent a text message with the short number and the code, inside the calendar's hours.
//!
//! Each step is a row that was committed with its cause ([`hotline_record`]): whatever moment the
//! process dies in, the next start goes on where it was, and nothing is sent twice.

mod announce;
pub mod campaigns;
mod outbox;
mod provider;
mod render;
mod sender;
pub mod template;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use hotline_model::{Calendar, Clock};
use hotline_record::{Record, RecordError};
use hotline_speech::Speech;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use outbox::FileOutbox;
pub use provider::http::{HttpGateway, HttpSettings};
pub use provider::{Inquiry, MessageProvider, SendError};
pub use template::{BadTemplate, MessageTexts};
pub use webhooks::{Sees, Webhook, WebhookSettings, Webhooks};

/// How the messages that announce a result are made and sent.
pub struct Settings {
    /// The hours in which messages are sent, as they stand now.
    pub calendar: watch::Receiver<Calendar>,
    /// The words, by language.
    pub texts: MessageTexts,
    /// The number that customers dial, as the message tells it.
    pub short_number: String,
}

/// Everything the jobs work with.
pub struct Jobs {
    record: Record,
    speech: Speech,
    provider: Arc<dyn MessageProvider>,
    settings: Settings,
    clock: Arc<dyn Clock>,
}

/// At least this often the tables are looked at, even if no wake-up came.
const LOOK: Duration = Duration::from_secs(5);
/// Promises are looked at so often.
const REMIND_EVERY: Duration = Duration::from_secs(60);
/// Of a promise one is reminded so long before it is due, and again so long after each time.
const REMIND_AHEAD: Duration = Duration::from_secs(3_600);
const REMIND_AGAIN: Duration = Duration::from_secs(4 * 3_600);
/// So long nobody else is given a job that was taken: eight results are rendered in far less.
const HOLD: Duration = Duration::from_secs(600);

impl Jobs {
    /// Jobs that work on `record`.
    pub fn new(
        record: Record,
        speech: Speech,
        provider: Arc<dyn MessageProvider>,
        settings: Settings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { record, speech, provider, settings, clock }
    }

    /// Works until `stop`. What a crash left half done is settled first.
    pub async fn run(self, stop: CancellationToken) {
        let jobs = Arc::new(self);
        let render = tokio::spawn(
            Arc::clone(&jobs)
                .repeat(stop.clone(), "render", |jobs| Box::pin(async move { jobs.render_due().await })),
        );
        let announce = tokio::spawn(
            Arc::clone(&jobs)
                .repeat(stop.clone(), "announce", |jobs| Box::pin(async move { jobs.announce_due().await })),
        );
        let remind = tokio::spawn(Arc::clone(&jobs).remind(stop.clone()));
        let settled = jobs.settle_what_a_crash_left(&stop).await;
        if settled {
            Arc::clone(&jobs)
                .repeat(stop, "send", |jobs| Box::pin(async move { jobs.send_due().await }))
                .await;
        }
        let _ = tokio::join!(render, announce, remind);
    }

    /// Whoever keeps a promise is reminded of it; on a shared record by the server that looks first. By the clock
    /// alone: what was committed makes no promise late.
    async fn remind(self: Arc<Self>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(REMIND_EVERY) => {}
            }
            if let Err(error) = self.record.remind(REMIND_AHEAD, REMIND_AGAIN).await {
                tracing::warn!(%error, "promises that are late are looked for again");
            }
        }
    }

    /// Does one kind of work whenever something was committed or its time has come.
    async fn repeat<F>(self: Arc<Self>, stop: CancellationToken, name: &'static str, work: F)
    where
        F: Fn(Arc<Self>) -> std::pin::Pin<Box<dyn Future<Output = Result<(), RecordError>> + Send>>,
    {
        let mut wake = self.record.wake_ups();
        loop {
            wake.borrow_and_update();
            if let Err(error) = work(Arc::clone(&self)).await {
                tracing::warn!(job.kind = name, %error, "the work is tried again");
            }
            let pause = self.until_next().await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                changed = wake.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn until_next(&self) -> Duration {
        let next = match (self.record.next_job_at().await, self.record.next_message_at().await) {
            (Ok(job), Ok(message)) => [job, message].into_iter().flatten().min(),
            _ => None,
        };
        let until = next.map(|at| at.duration_since(self.clock.now()));
        // What is overdue waits for something (a provider, the voice): it is not spun on.
        until.and_then(|d| Duration::try_from(d).ok()).unwrap_or(LOOK).clamp(Duration::from_millis(100), LOOK)
    }
}
