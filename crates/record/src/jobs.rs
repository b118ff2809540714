//! Work that goes on when nobody calls. A job is made in the transaction of its cause, once per
//! kind and key, and is finished in the transaction of its effect.

use hotline_model::TicketId;
use jiff::Timestamp;
use sqlx::AnyConnection;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Render a ticket's result into the cache.
    RenderResult,
    /// Plan the text message that tells the customer to call.
    AnnounceResult,
    /// Send a ticket's code again, because its customer asked for it.
    ResendCode,
}

impl JobKind {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RenderResult => "render-result",
            Self::AnnounceResult => "announce-result",
            Self::ResendCode => "resend-code",
        }
    }
}

/// A job that is due.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// What it is about: `ticket:version`, or `ticket:call` for a code sent again.
    pub key: String,
    /// Its ticket.
    pub ticket: TicketId,
    /// How often it was tried.
    pub attempts: i64,
}

impl Job {
    /// The version of the result it is about.
    pub fn version(&self) -> i64 {
        self.key.rsplit_once(':').and_then(|(_, version)| version.parse().ok()).unwrap_or(0)
    }
}

pub(crate) async fn insert_job(
    connection: &mut AnyConnection,
    id: &str,
    kind: JobKind,
    key: &str,
    ticket: &str,
    run_at: i64,
    now: i64,
) -> Result<(), RecordError> {
    sqlx::query(
        "INSERT INTO job (id, kind, key, ticket_id, state, run_at, changed_at) \
         VALUES ($1, $2, $3, $4, 'due', $5, $6) ON CONFLICT (kind, key) DO NOTHING",
    )
    .bind(id)
    .bind(kind.word())
    .bind(key)
    .bind(ticket)
    .bind(run_at)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A code is sent again at most so often in 24 hours.
const RESENDS_A_DAY: i64 = 3;

impl Record {
    /// A caller asked for the code of the ticket that stands on the number the call comes from.
    /// If there is one with a result, its code is sent again to the number **on file**, three
    /// times a day at most. Nobody learns from the call whether there is one.
    pub fn request_resend(&self, call: hotline_model::CallId, caller: &hotline_model::CallerNumber) {
        let Some(phone) = caller.phone().map(|number| number.e164().to_owned()) else { return };
        let (id, now) = (self.new_id::<hotline_model::JobId>().to_string(), self.now_micros());
        self.writer.patient(move |connection| {
            let (id, phone) = (id.clone(), phone.clone());
            Box::pin(async move {
                let day_ago = now - 24 * 3_600_000_000;
                let ticket = sqlx::query(
                    "SELECT t.id AS id FROM ticket t WHERE t.phone = $1 AND t.state = 'closed' \
                     AND t.result IS NOT NULL AND t.code_expires_at > $2 AND (SELECT COUNT(*) FROM job j \
                     WHERE j.ticket_id = t.id AND j.kind = 'resend-code' AND j.changed_at > $3) < $4 \
                     ORDER BY t.changed_at DESC LIMIT 1",
                )
                .bind(phone)
                .bind(now)
                .bind(day_ago)
                .bind(RESENDS_A_DAY)
                .fetch_optional(&mut *connection)
                .await?;
                if let Some(row) = ticket {
                    let ticket = row.text("id")?;
                    let key = format!("{ticket}:{call}");
                    insert_job(connection, &id, JobKind::ResendCode, &key, &ticket, now, now).await?;
                }
                Ok(())
            })
        });
    }

    /// The jobs of a kind that are due, the oldest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn due_jobs(&self, kind: JobKind, limit: u32) -> Result<Vec<Job>, RecordError> {
        let rows = sqlx::query(
            "SELECT id, key, ticket_id, attempts FROM job WHERE state = 'due' AND kind = $1 AND run_at <= $2 \
             ORDER BY run_at, id LIMIT $3",
        )
        .bind(kind.word())
        .bind(self.now_micros())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Job {
                    id: row.text("id")?,
                    kind,
                    key: row.text("key")?,
                    ticket: row.parsed("ticket_id")?,
                    attempts: row.int("attempts")?,
                })
            })
            .collect()
    }

    /// When the next job of any kind is due, if one is waiting.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn next_job_at(&self) -> Result<Option<Timestamp>, RecordError> {
        let row = sqlx::query("SELECT MIN(run_at) AS at FROM job WHERE state = 'due'")
            .fetch_one(&self.readers)
            .await?;
        row.time_or_none("at")
    }

    /// A result's speech is in the cache: ends the job and makes the one that announces it, in one
    /// transaction.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn finish_render(&self, job: &Job) -> Result<(), RecordError> {
        let (job, next, now) =
            (job.clone(), self.new_id::<hotline_model::JobId>().to_string(), self.now_micros());
        self.writer
            .prompt(move |connection| {
                let (job, next) = (job.clone(), next.clone());
                Box::pin(async move {
                    let ticket = job.ticket.to_string();
                    sqlx::query(
                        "UPDATE ticket SET spoken_version = $2 WHERE id = $1 AND spoken_version < $2",
                    )
                    .bind(&ticket)
                    .bind(job.version())
                    .execute(&mut *connection)
                    .await?;
                    insert_job(connection, &next, JobKind::AnnounceResult, &job.key, &ticket, now, now)
                        .await?;
                    end_job(connection, &job.id, now).await
                })
            })
            .await
    }

    /// A job has nothing left to do.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn finish_job(&self, job: &Job) -> Result<(), RecordError> {
        let (id, now) = (job.id.clone(), self.now_micros());
        self.writer
            .prompt(move |connection| {
                let id = id.clone();
                Box::pin(async move { end_job(connection, &id, now).await })
            })
            .await
    }

    /// A job did not succeed: it is tried again at `again`, or given up if that is `None`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn postpone_job(
        &self,
        job: &Job,
        again: Option<Timestamp>,
        error: &str,
    ) -> Result<(), RecordError> {
        let (id, error, now) = (job.id.clone(), error.to_owned(), self.now_micros());
        self.writer
            .prompt(move |connection| {
                let (id, error) = (id.clone(), error.clone());
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE job SET attempts = attempts + 1, error = $2, changed_at = $3, \
                         state = CASE WHEN $4 = 0 THEN 'failed' ELSE 'due' END, run_at = $4 WHERE id = $1",
                    )
                    .bind(id)
                    .bind(error)
                    .bind(now)
                    .bind(again.map_or(0, Timestamp::as_microsecond))
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

pub(crate) async fn end_job(connection: &mut AnyConnection, id: &str, now: i64) -> Result<(), RecordError> {
    sqlx::query("UPDATE job SET state = 'done', changed_at = $2, error = NULL WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
