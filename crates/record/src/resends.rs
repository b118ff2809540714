//! A rebate's text message, sent again word for word and to the number on file alone.

use hotline_model::{CallId, CallerNumber, JobId, MessageId, RebateId, RebateState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;

use crate::deed::{Deed, EventRow, insert_events};
use crate::messages::{NewMessage, insert_message};
use crate::rebates::{COLUMNS, DAY, REBATE_RESENDS_A_DAY, RESENT, RebateRow};
use crate::sql::Columns;
use crate::users::hash_of;
use crate::{Record, RecordError};

/// What came of one that was to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RebateResend {
    /// It goes out at once; so often it may be sent again after this.
    Planned {
        /// In 24 hours.
        left: u32,
    },
    /// It was used, its time is over, or the firm took it back.
    NotUsable(RebateState),
    /// The text message that carried it is not known: there is nothing to be sent.
    NoText,
    /// It was sent again three times in the last 24 hours.
    TooOften,
}

impl Record {
    /// Sends a rebate's text message again, word for word and to the number on file. Two with one `key`, of one
    /// person, are one.
    ///
    /// # Errors
    /// [`RecordError::NotFound`], [`RecordError::Unavailable`] if the database does not take it.
    pub async fn resend_rebate(
        &self,
        rebate: RebateId,
        key: Option<&str>,
        by: &str,
    ) -> Result<RebateResend, RecordError> {
        let id = self.new_id::<MessageId>().to_string();
        let key = match key {
            Some(key) => hash_of(&format!("{by} {key}"))[..40].to_owned(),
            None => id.clone(),
        };
        let again = Again {
            rebate: rebate.to_string(),
            id,
            key: format!("rebate:{rebate}:{key}"),
            event: self.new_id::<JobId>().to_string(),
            call: None,
            by: Some(by.to_owned()),
        };
        self.change(again, |connection, again, stamp| {
            Box::pin(async move { again.store(connection, stamp.now).await })
        })
        .await
    }

    /// A caller asked for a rebate again: for the one they were told of (`rebate`, once they were verified), else for
    /// the newest on the number the call comes from that can be used and was not sent again three times today. It goes
    /// to the number **on file**; nobody learns from the call whether there is one.
    pub fn request_rebate_resend(&self, call: CallId, caller: &CallerNumber, rebate: Option<RebateId>) {
        let phone = caller.phone().map(|number| number.e164().to_owned());
        if phone.is_none() && rebate.is_none() {
            return;
        }
        self.writer.keep(Deed::ResendRebate(RebateResendRow {
            id: self.new_id::<MessageId>().to_string(),
            event: self.new_id::<JobId>().to_string(),
            call: call.to_string(),
            phone,
            rebate: rebate.map(|id| id.to_string()),
            at: self.now_micros(),
        }));
    }
}

/// A caller asked for a rebate again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RebateResendRow {
    /// The message's.
    id: String,
    event: String,
    call: String,
    phone: Option<String>,
    rebate: Option<String>,
    /// Microseconds since 1970.
    at: i64,
}

impl RebateResendRow {
    pub async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        let done = sqlx::query("SELECT id FROM message WHERE id = $1")
            .bind(&self.id)
            .fetch_optional(&mut *connection)
            .await?;
        if done.is_some() {
            return Ok(());
        }
        let Some(rebate) = self.which(connection).await? else { return Ok(()) };
        let again = Again {
            key: format!("rebate:{rebate}:{}", self.id),
            rebate,
            id: self.id.clone(),
            event: self.event.clone(),
            call: Some(self.call.clone()),
            by: None,
        };
        match again.store(connection, self.at).await {
            // Its customer was erased meanwhile.
            Ok(_) | Err(RecordError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn which(&self, connection: &mut AnyConnection) -> Result<Option<String>, RecordError> {
        if self.rebate.is_some() {
            return Ok(self.rebate.clone());
        }
        let Some(phone) = &self.phone else { return Ok(None) };
        let row = sqlx::query(
            "SELECT id FROM rebate WHERE phone = $1 AND state = 'unused' AND text IS NOT NULL \
             AND (expires_at IS NULL OR expires_at > $3) AND (SELECT COUNT(*) FROM message m \
             WHERE m.rebate_id = rebate.id AND m.created_at > $2) < $4 ORDER BY returned_at DESC, id DESC LIMIT 1",
        )
        .bind(phone)
        .bind(self.at - DAY)
        .bind(self.at)
        .bind(REBATE_RESENDS_A_DAY)
        .fetch_optional(connection)
        .await?;
        row.map(|row| row.text("id")).transpose()
    }
}

/// A rebate to be sent again.
struct Again {
    rebate: String,
    /// The message's.
    id: String,
    /// The message's, for its provider.
    key: String,
    /// The journal's entry's.
    event: String,
    /// In which it was asked for.
    call: Option<String>,
    /// The login of whoever sends it.
    by: Option<String>,
}

impl Again {
    async fn store(&self, connection: &mut AnyConnection, now: i64) -> Result<RebateResend, RecordError> {
        let row =
            sqlx::query(&format!("SELECT {COLUMNS}, {RESENT} FROM rebate WHERE id = $1 AND phone <> ''"))
                .bind(&self.rebate)
                .bind(now - DAY)
                .fetch_optional(&mut *connection)
                .await?
                .ok_or(RecordError::NotFound("rebate"))?;
        let row = RebateRow::from_row(&row)?;
        let at = Timestamp::from_microsecond(now).map_err(|_| RecordError::Corrupt("a time".into()))?;
        let known = sqlx::query("SELECT id FROM message WHERE idempotency_key = $1")
            .bind(&self.key)
            .fetch_optional(&mut *connection)
            .await?;
        if known.is_some() {
            return Ok(RebateResend::Planned { left: row.resends_left(at) });
        }
        let state = row.state_at(at);
        if state != RebateState::Unused {
            return Ok(RebateResend::NotUsable(state));
        }
        let Some(text) = row.text.clone() else { return Ok(RebateResend::NoText) };
        let left = row.resends_left(at);
        if left == 0 {
            return Ok(RebateResend::TooOften);
        }
        let message = NewMessage {
            idempotency_key: self.key.clone(),
            customer: row.customer,
            ticket: None,
            recipient: row.phone.clone(),
            text,
            due_at: at,
            urgent: true,
            attempt: None,
            until: None,
        };
        insert_message(connection, &message, &self.id, now).await?;
        sqlx::query("UPDATE message SET rebate_id = $2 WHERE id = $1")
            .bind(&self.id)
            .bind(&self.rebate)
            .execute(&mut *connection)
            .await?;
        sqlx::query("UPDATE rebate SET resends = resends + 1 WHERE id = $1")
            .bind(&self.rebate)
            .execute(&mut *connection)
            .await?;
        let entry = EventRow {
            source: "rebate".into(),
            source_event_id: self.event.clone(),
            type_name: "rebate.resent".into(),
            customer_id: Some(row.customer.to_string()),
            interaction_id: self.call.clone(),
            ticket_id: None,
            occurred_at: now,
            body: serde_json::json!({ "rebate": self.rebate, "message": self.id, "by": self.by }).to_string(),
        };
        insert_events(connection, &[&entry], now).await?;
        Ok(RebateResend::Planned { left: left - 1 })
    }
}
