//! A ticket's result is rendered when it arrives, so that no caller waits for it.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::Language;
use hotline_record::{Job, JobKind, RecordError};
use hotline_speech::SpeechError;

use crate::{HOLD, Jobs};

/// Between two tries: 5 s, 10 s, 20 s … 10 min 40 s.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const DOUBLINGS: u32 = 7;
/// After this many tries (about 20 min) the customer is told anyway: the result is then spoken
/// on the call, behind a filler.
const TRIES: i64 = 8;

impl Jobs {
    pub(crate) async fn render_due(self: Arc<Self>) -> Result<(), RecordError> {
        for job in self.record.claim_jobs(JobKind::RenderResult, 8, HOLD).await? {
            self.render(&job).await?;
        }
        Ok(())
    }

    async fn render(&self, job: &Job) -> Result<(), RecordError> {
        let Some(ticket) = self.record.find_ticket(job.ticket).await? else {
            return self.record.finish_job(job).await;
        };
        // A newer result has a job of its own.
        let Some(text) = ticket.result.as_deref().filter(|_| ticket.result_version == job.version()) else {
            return self.record.finish_job(job).await;
        };
        let language = ticket.result_language.unwrap_or_else(|| Language::of_text(text));
        match self.speech.prepare(text, language).await {
            Ok(length) => {
                tracing::info!(ticket.id = %ticket.id, audio_ms = length.as_millis() as u64, "a result is rendered");
                self.record.finish_render(job).await?;
                self.forget_what_was_erased(job, text, language).await
            }
            // A text that cannot be spoken at all is announced: the plan apologises and a human
            // reads it out.
            Err(SpeechError::Nothing) => self.record.finish_render(job).await,
            Err(error) if job.attempts + 1 >= TRIES => {
                tracing::error!(ticket.id = %ticket.id, %error, "a result could not be rendered and is announced all the same");
                self.record.finish_render(job).await
            }
            Err(error) => {
                let pause = FIRST_PAUSE * (1 << u32::try_from(job.attempts).unwrap_or(0).min(DOUBLINGS));
                tracing::warn!(ticket.id = %ticket.id, %error, pause_s = pause.as_secs(), "a result could not be rendered yet");
                let again = self.clock.now() + pause;
                self.record.postpone_job(job, Some(again), &error.to_string()).await
            }
        }
    }

    /// The customer may have been erased while the words were being spoken.
    async fn forget_what_was_erased(
        &self,
        job: &Job,
        text: &str,
        language: Language,
    ) -> Result<(), RecordError> {
        if self.record.find_ticket(job.ticket).await?.is_none()
            && let Err(error) = self.speech.forget(text, language).await
        {
            tracing::error!(%error, "what an erased customer was told is still in the cache: erase them again");
        }
        Ok(())
    }
}
