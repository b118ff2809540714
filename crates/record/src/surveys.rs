//! What customers answer when they are asked, and what they say into a recording.

use hotline_model::{CallId, CustomerId, Pii, TicketId};
use jiff::Timestamp;
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::sql::{Columns, FAMILY, clean};
use crate::{Record, RecordError};

/// An answer to be kept.
#[derive(Debug, Clone)]
pub struct NewAnswer {
    /// The call.
    pub call: CallId,
    /// The question's name.
    pub question: String,
    /// The answer: a number of the scale, or the plan's word for the key.
    pub answer: String,
    /// Whether it says that the customer is content, as the plan counts it; `None`: the question does not measure that.
    pub content: Option<bool>,
    /// The plan that asked.
    pub plan: String,
    /// Its version: which words were heard.
    pub plan_version: String,
    /// The policy by which the customer was called; `None` if they called.
    pub policy: Option<String>,
    /// About which ticket.
    pub ticket: Option<TicketId>,
    /// Who, if known.
    pub customer: Option<CustomerId>,
}

/// What a caller said into a recording of their own.
#[derive(Debug, Clone)]
pub struct NewWords {
    /// The call.
    pub call: CallId,
    /// What the plan calls it.
    pub name: String,
    /// The file in the folder of recordings.
    pub recording: Pii<String>,
    /// How long, in seconds.
    pub seconds: u32,
}

/// An answer as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SurveyAnswer {
    /// The call.
    pub call: String,
    /// The question's name.
    pub question: String,
    /// The answer.
    pub answer: String,
    /// Whether it says that the customer is content, if the question measured that.
    pub content: Option<bool>,
    /// The plan that asked.
    pub plan: String,
    /// Its version.
    pub plan_version: String,
    /// The policy by which the customer was called; empty if they called.
    pub policy: String,
    /// About which ticket.
    pub ticket: Option<String>,
    /// When.
    pub at: Timestamp,
}

const COLUMNS: &str = "call_id, question, answer, plan, plan_version, policy, ticket_id, at, content";

impl Record {
    /// Keeps an answer and returns when it is committed: what the customer hears next is the confirmation. The same
    /// question answered again in a call replaces the answer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn store_answer(&self, answer: NewAnswer) -> Result<(), RecordError> {
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let answer = answer.clone();
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO survey_answer (call_id, question, answer, plan, plan_version, policy, ticket_id, \
                         customer_id, at, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                         ON CONFLICT (call_id, question) DO UPDATE SET answer = excluded.answer, at = excluded.at, \
                         content = excluded.content",
                    )
                    .bind(answer.call.to_string())
                    .bind(clean(answer.question))
                    .bind(clean(answer.answer))
                    .bind(answer.plan)
                    .bind(answer.plan_version)
                    .bind(answer.policy.unwrap_or_default())
                    .bind(answer.ticket.map(|id| id.to_string()))
                    .bind(answer.customer.map(|id| id.to_string()))
                    .bind(now)
                    .bind(answer.content.map(i64::from))
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Keeps where a caller's words lie; told before anything is written there, so that a crash leaves no file that
    /// nobody knows, and again with their length.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn store_words(&self, words: NewWords) -> Result<(), RecordError> {
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let words = words.clone();
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO caller_words (call_id, name, recording, seconds, at) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (call_id, name) DO UPDATE SET \
                         recording = excluded.recording, seconds = excluded.seconds",
                    )
                    .bind(words.call.to_string())
                    .bind(clean(words.name))
                    .bind(words.recording.expose().clone())
                    .bind(i64::from(words.seconds))
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Nobody spoke: there are no such words.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn forget_words(&self, call: CallId, name: &str) -> Result<(), RecordError> {
        self.change((call.to_string(), name.to_owned()), |connection, words, _| {
            Box::pin(async move {
                let (call, name) = &*words;
                let sql = "DELETE FROM caller_words WHERE call_id = $1 AND name = $2";
                sqlx::query(sql).bind(call).bind(name).execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Where a caller's words lie: the file, and whose call it was.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_words(
        &self,
        call: &str,
        name: &str,
    ) -> Result<Option<(String, Option<CustomerId>)>, RecordError> {
        let row = sqlx::query(
            "SELECT w.recording, i.customer_id FROM caller_words w JOIN interaction i ON i.id = w.call_id \
             WHERE w.call_id = $1 AND w.name = $2 AND w.recording IS NOT NULL AND i.erased = 0",
        )
        .bind(call)
        .bind(name)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Ok((row.text("recording")?, row.parsed_or_none("customer_id")?))).transpose()
    }

    /// What was answered in a call, in the order it was.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn answers_of_call(&self, call: &str) -> Result<Vec<SurveyAnswer>, RecordError> {
        let sql = format!("SELECT {COLUMNS} FROM survey_answer WHERE call_id = $1 ORDER BY at, question");
        sqlx::query(&sql).bind(call).fetch_all(&self.readers).await?.iter().map(answer_of).collect()
    }

    /// What a customer answered, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn answers_of(
        &self,
        customer: CustomerId,
        limit: u32,
    ) -> Result<Vec<SurveyAnswer>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM survey_answer WHERE customer_id IN {FAMILY} ORDER BY at DESC LIMIT $2"
        );
        sqlx::query(&sql)
            .bind(customer.to_string())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?
            .iter()
            .map(answer_of)
            .collect()
    }
}

fn answer_of(row: &AnyRow) -> Result<SurveyAnswer, RecordError> {
    Ok(SurveyAnswer {
        call: row.text("call_id")?,
        question: row.text("question")?,
        answer: row.text("answer")?,
        plan: row.text("plan")?,
        plan_version: row.text("plan_version")?,
        policy: row.text("policy")?,
        ticket: row.text_or_none("ticket_id")?,
        at: row.time("at")?,
        content: row.int_or_none("content")?.map(|content| content == 1),
    })
}
