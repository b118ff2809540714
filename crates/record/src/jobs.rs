//! Work that goes on when nobody calls. A job is made in the transaction of its cause, once per
//! kind and key, and is finished in the transaction of its effect.

use std::sync::Arc;
use std::time::Duration;

use hotline_model::TicketId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::deed::Deed;
use crate::sql::{Columns, clean};
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
    const ALL: [Self; 3] = [Self::RenderResult, Self::AnnounceResult, Self::ResendCode];

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
pub(crate) const RESENDS_A_DAY: i64 = 3;

fn job(row: &AnyRow, kind: JobKind) -> Result<Job, RecordError> {
    Ok(Job {
        id: row.text("id")?,
        kind,
        key: row.text("key")?,
        ticket: row.parsed("ticket_id")?,
        attempts: row.int("attempts")?,
    })
}

/// A code is to be sent again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ResendRow {
    id: String,
    call: String,
    phone: String,
    /// Microseconds since 1970.
    at: i64,
}

impl ResendRow {
    pub async fn store(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        let day_ago = self.at - 24 * 3_600_000_000;
        let ticket = sqlx::query(
            "SELECT t.id AS id FROM ticket t WHERE t.phone = $1 AND t.state = 'closed' \
             AND t.result IS NOT NULL AND t.code_expires_at > $2 AND (SELECT COUNT(*) FROM job j \
             WHERE j.ticket_id = t.id AND j.kind = 'resend-code' AND j.changed_at > $3) < $4 \
             ORDER BY t.changed_at DESC LIMIT 1",
        )
        .bind(&self.phone)
        .bind(self.at)
        .bind(day_ago)
        .bind(RESENDS_A_DAY)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = ticket {
            let ticket = row.text("id")?;
            let key = format!("{ticket}:{}", self.call);
            insert_job(connection, &self.id, JobKind::ResendCode, &key, &ticket, self.at, self.at).await?;
        }
        Ok(())
    }
}

impl Record {
    /// A caller asked for the code of the ticket that stands on the number the call comes from.
    /// If there is one with a result, its code is sent again to the number **on file**, three
    /// times a day at most. Nobody learns from the call whether there is one.
    pub fn request_resend(&self, call: hotline_model::CallId, caller: &hotline_model::CallerNumber) {
        let Some(phone) = caller.phone().map(|number| number.e164().to_owned()) else { return };
        let id = self.new_id::<hotline_model::JobId>().to_string();
        self.writer.keep(Deed::Resend(ResendRow {
            id,
            call: call.to_string(),
            phone,
            at: self.now_micros(),
        }));
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
        rows.iter().map(|row| job(row, kind)).collect()
    }

    /// Takes jobs that are due, the oldest first: no other server is given the same ones until
    /// `hold` is over. One that is neither finished nor postponed by then is given again.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn claim_jobs(
        &self,
        kind: JobKind,
        limit: u32,
        hold: Duration,
    ) -> Result<Vec<Job>, RecordError> {
        // A claim is a commit, and a commit wakes those who claim.
        if self.due_jobs(kind, 1).await?.is_empty() {
            return Ok(Vec::new());
        }
        let (now, server) = (self.now_micros(), Arc::clone(&self.server));
        let until = now + i64::try_from(hold.as_micros()).unwrap_or(0);
        let sql = format!(
            "UPDATE job SET server = $1, held = 1, run_at = $2 WHERE id IN (SELECT id FROM job WHERE state = 'due' \
             AND kind = $3 AND run_at <= $4 ORDER BY run_at, id LIMIT $5 {}) RETURNING id, key, ticket_id, attempts",
            self.engine.skip_locked()
        );
        self.writer
            .prompt(move |connection| {
                let (sql, server) = (sql.clone(), Arc::clone(&server));
                Box::pin(async move {
                    let rows = sqlx::query(&sql)
                        .bind(&*server)
                        .bind(until)
                        .bind(kind.word())
                        .bind(now)
                        .bind(i64::from(limit))
                        .fetch_all(connection)
                        .await?;
                    let mut jobs = rows.iter().map(|row| job(row, kind)).collect::<Result<Vec<_>, _>>()?;
                    // Ids grow with time.
                    jobs.sort_by(|a, b| a.id.cmp(&b.id));
                    Ok(jobs)
                })
            })
            .await
    }

    /// Gives back the jobs that this server held when it ended last, so that nobody waits for the
    /// end of their time.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn release_jobs(&self) -> Result<u64, RecordError> {
        let (now, server) = (self.now_micros(), Arc::clone(&self.server));
        self.writer
            .prompt(move |connection| {
                let server = Arc::clone(&server);
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE job SET run_at = $2, held = 0 WHERE server = $1 AND held = 1 AND state = 'due'",
                    )
                    .bind(&*server)
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected())
                })
            })
            .await
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

    /// How many jobs of each kind wait (`due`) or were given up (`failed`), zeros included.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn count_jobs(&self) -> Result<Vec<(&'static str, &'static str, i64)>, RecordError> {
        let rows = sqlx::query(
            "SELECT kind, state, COUNT(*) AS jobs FROM job WHERE state IN ('due', 'failed') GROUP BY kind, state",
        )
        .fetch_all(&self.readers)
        .await?;
        let mut counts = Vec::new();
        for kind in JobKind::ALL.map(JobKind::word) {
            for state in ["due", "failed"] {
                let mut count = 0;
                for row in &rows {
                    if row.text("kind")? == kind && row.text("state")? == state {
                        count = row.int("jobs")?;
                    }
                }
                counts.push((kind, state, count));
            }
        }
        Ok(counts)
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
        let (id, error, now) = (job.id.clone(), clean(error.to_owned()), self.now_micros());
        self.writer
            .prompt(move |connection| {
                let (id, error) = (id.clone(), error.clone());
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE job SET attempts = attempts + 1, error = $2, changed_at = $3, held = 0, \
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
    sqlx::query("UPDATE job SET state = 'done', changed_at = $2, error = NULL, held = 0 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
