//! Messages that are due go out; what became of them is stored, asked for, or marked unknown.

use std::sync::Arc;
use std::time::Duration;

use hotline_record::{Message, RecordError, SendOutcome};
use tokio_util::sync::CancellationToken;

use crate::Jobs;
use crate::provider::{Inquiry, SendError};

impl Jobs {
    /// Settles the messages that a crash left between being handed over and the answer: the
    /// provider is asked; what it cannot say stays unknown, and is never sent again by itself.
    /// `false`: stopped before that was done.
    pub(crate) async fn settle_what_a_crash_left(&self, stop: &CancellationToken) -> bool {
        loop {
            match self.settle_unsettled().await {
                Ok(()) => return true,
                Err(error) => tracing::warn!(%error, "messages that were being sent are not settled yet"),
            }
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn settle_unsettled(&self) -> Result<(), RecordError> {
        for message in self.record.unsettled_messages().await? {
            let outcome = match self.provider.inquire(&message).await {
                Inquiry::Taken(reference) => SendOutcome::Sent(reference),
                Inquiry::NotTaken => {
                    SendOutcome::Again(self.clock.now(), "not taken before a restart".into())
                }
                Inquiry::Unknown => SendOutcome::Unknown("the process ended while it was being sent".into()),
            };
            self.record.settle_message(&message, outcome).await?;
        }
        Ok(())
    }

    pub(crate) async fn send_due(self: Arc<Self>) -> Result<(), RecordError> {
        self.record.expire_messages().await?;
        // The hours may have ended since a message was planned.
        let closed = !self.settings.calendar.borrow().is_open(self.clock.now());
        if !self.record.has_due_messages(closed).await? {
            return Ok(());
        }
        for message in self.record.claim_messages(16, closed).await? {
            let outcome = self.hand_over(&message).await;
            self.settle_surely(&message, outcome).await;
        }
        Ok(())
    }

    async fn hand_over(&self, message: &Message) -> SendOutcome {
        match self.provider.send(message).await {
            Ok(reference) => SendOutcome::Sent(reference),
            Err(SendError::NotTaken { problem, again_in }) => {
                tracing::warn!(message.id = %message.id, problem, "a message was not taken and is tried again");
                SendOutcome::Again(self.clock.now() + again_in, problem)
            }
            Err(SendError::Refused(problem)) => {
                tracing::error!(message.id = %message.id, problem, "a message was refused: it becomes a follow-up");
                SendOutcome::Refused(problem)
            }
            Err(SendError::Unclear(problem)) => match self.provider.inquire(message).await {
                Inquiry::Taken(reference) => SendOutcome::Sent(reference),
                Inquiry::NotTaken => SendOutcome::Again(self.clock.now() + Duration::from_secs(30), problem),
                Inquiry::Unknown => {
                    tracing::error!(message.id = %message.id, problem, "nobody knows whether a message was taken: it becomes a follow-up");
                    SendOutcome::Unknown(problem)
                }
            },
        }
    }

    /// The answer is known: it is stored, however long the database is away.
    async fn settle_surely(&self, message: &Message, outcome: SendOutcome) {
        loop {
            match self.record.settle_message(message, outcome.clone()).await {
                Ok(()) => return,
                Err(RecordError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(500)).await,
                Err(error) => {
                    tracing::error!(message.id = %message.id, %error, "what became of a message cannot be stored");
                    return;
                }
            }
        }
    }
}
