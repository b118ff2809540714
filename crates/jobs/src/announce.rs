//! The message that tells a customer to call: planned for the calendar's hours.

use std::sync::Arc;

use hotline_record::{Job, JobKind, NewMessage, RecordError};

use crate::template::Facts;
use crate::{HOLD, Jobs};

impl Jobs {
    pub(crate) async fn announce_due(self: Arc<Self>) -> Result<(), RecordError> {
        for job in self.record.claim_jobs(JobKind::AnnounceResult, 64, HOLD).await? {
            self.announce(&job).await?;
        }
        for job in self.record.claim_jobs(JobKind::ResendCode, 64, HOLD).await? {
            self.resend(&job).await?;
        }
        Ok(())
    }

    async fn announce(&self, job: &Job) -> Result<(), RecordError> {
        let Some(ticket) = self.record.find_ticket(job.ticket).await? else {
            return self.record.finish_job(job).await;
        };
        if ticket.result_version != job.version() || ticket.state != hotline_model::TicketState::Closed {
            return self.record.finish_job(job).await;
        }
        let now = self.clock.now();
        let opening = self.settings.calendar.borrow().next_open(now);
        let Some(due_at) = opening else {
            tracing::error!("the calendar does not open within 400 days: no message is sent");
            let again = now + jiff::SignedDuration::from_hours(24);
            return self.record.postpone_job(job, Some(again), "the calendar never opens").await;
        };
        let facts = Facts { number: &self.settings.short_number, code: &ticket.code.digits() };
        let message = NewMessage {
            idempotency_key: format!("result-{}-{}", ticket.id, job.version()),
            customer: ticket.customer,
            ticket: Some(ticket.id),
            recipient: ticket.phone,
            text: self.settings.texts.render(ticket.language, &facts).into(),
            due_at,
            urgent: false,
            attempt: None,
            until: None,
        };
        self.record.plan_message(job, message).await
    }

    /// A code is sent again to the number on file, at once: its customer waits for it.
    async fn resend(&self, job: &Job) -> Result<(), RecordError> {
        let Some(ticket) = self.record.find_ticket(job.ticket).await? else {
            return self.record.finish_job(job).await;
        };
        let facts = Facts { number: &self.settings.short_number, code: &ticket.code.digits() };
        let message = NewMessage {
            idempotency_key: format!("code-{}", job.key.replace(':', "-")),
            customer: ticket.customer,
            ticket: Some(ticket.id),
            recipient: ticket.phone,
            text: self.settings.texts.render(ticket.language, &facts).into(),
            due_at: self.clock.now(),
            urgent: true,
            attempt: None,
            until: None,
        };
        self.record.plan_message(job, message).await
    }
}
