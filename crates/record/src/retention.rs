//! What is deleted by its age, in small commits, so that calls do not wait for it.

use hotline_model::CallId;
use jiff::Timestamp;
use serde::Serialize;

use crate::act::Entry;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// What has a period of its own. Recordings have one too, and lie on disks: [`Record::old_recordings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retained {
    /// Steps of calls in the journal.
    Steps,
    /// Text messages that went out, failed or were taken back.
    Messages,
    /// The rest of the journal.
    Journal,
    /// Who looked at whom.
    AccessLog,
    /// What supervisors think of talks.
    Reviews,
    /// Rebates that can be used no longer, by when they were given.
    Rebates,
}

/// Rows of a commit.
const ROWS: i64 = 500;
/// Entries of the journal that are looked through at once.
const ENTRIES: i64 = 5_000;

impl Retained {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Steps, Self::Messages, Self::Journal, Self::AccessLog, Self::Reviews, Self::Rebates];

    /// The word in figures and in the journal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Messages => "messages",
            Self::Journal => "journal",
            Self::AccessLog => "access-log",
            Self::Reviews => "reviews",
            Self::Rebates => "rebates",
        }
    }

    /// Table and condition; of the journal's two kinds also by `seq`, below `$1`.
    const fn rows(self) -> (&'static str, &'static str) {
        match self {
            Self::Steps => ("event", "source = 'call'"),
            Self::Journal => ("event", "source <> 'call'"),
            Self::Messages => (
                "message",
                "state IN ('sent', 'delivered', 'failed', 'cancelled', 'unknown') AND due_at < $1",
            ),
            Self::AccessLog => ("access_log", "at < $1"),
            Self::Reviews => ("review", "made_at < $1"),
            // What can still be used is somebody's money.
            Self::Rebates => (
                "rebate",
                "returned_at < $1 AND (state <> 'unused' OR (expires_at IS NOT NULL AND expires_at < $1))",
            ),
        }
    }

    /// What goes with it uncounted, older than `$1`, `$2` rows at once.
    const fn goes_with(self) -> &'static [&'static str] {
        match self {
            // What was written in place of what was said.
            Self::Steps => &[
                "UPDATE caller_words SET text = NULL WHERE (call_id, name) IN \
                 (SELECT call_id, name FROM caller_words WHERE text IS NOT NULL AND at < $1 LIMIT $2)",
                "UPDATE interaction SET note = NULL WHERE id IN (SELECT id FROM interaction \
                 WHERE channel = 'web' AND note IS NOT NULL AND started_at < $1 LIMIT $2)",
            ],
            // The pages that messages led to, and what was written back.
            Self::Messages => &[
                "DELETE FROM survey_page WHERE attempt_id IN \
                 (SELECT attempt_id FROM survey_page WHERE valid_until < $1 LIMIT $2)",
                "UPDATE interaction SET note = NULL WHERE id IN (SELECT id FROM interaction \
                 WHERE channel = 'message' AND note IS NOT NULL AND started_at < $1 LIMIT $2)",
            ],
            Self::Journal | Self::AccessLog | Self::Reviews | Self::Rebates => &[],
        }
    }
}

impl Record {
    /// How much is older than `before`.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn count_older(&self, kind: Retained, before: Timestamp) -> Result<u64, RecordError> {
        let (table, condition) = kind.rows();
        let (condition, limit) = match table {
            "event" => (format!("{condition} AND seq < $1"), self.first_seq_since(before).await?),
            _ => (condition.to_owned(), before.as_microsecond()),
        };
        let row = sqlx::query(&format!("SELECT COUNT(*) AS rows FROM {table} WHERE {condition}"))
            .bind(limit)
            .fetch_one(&self.readers)
            .await?;
        row.number("rows")
    }

    /// Deletes what is older than `before`, and gives its number.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it: what was deleted until then stays so.
    pub async fn delete_older(&self, kind: Retained, before: Timestamp) -> Result<u64, RecordError> {
        let deleted = self.delete_rows(kind, before).await?;
        for sql in kind.goes_with() {
            while self.delete(vec![(*sql).to_owned()], [before.as_microsecond(), ROWS]).await? > 0 {}
        }
        Ok(deleted)
    }

    async fn delete_rows(&self, kind: Retained, before: Timestamp) -> Result<u64, RecordError> {
        let (table, condition) = kind.rows();
        let mut deleted = 0;
        if table == "event" {
            let end = self.first_seq_since(before).await?;
            let first = sqlx::query("SELECT MIN(seq) AS seq FROM event").fetch_one(&self.readers).await?;
            let mut from = first.int_or_none("seq")?.unwrap_or(end);
            while from < end {
                let to = end.min(from + ENTRIES);
                let sql = format!(
                    "SELECT 1 AS there FROM event WHERE seq >= $1 AND seq < $2 AND {condition} LIMIT 1"
                );
                let there = sqlx::query(&sql).bind(from).bind(to).fetch_optional(&self.readers).await?;
                if there.is_some() {
                    let sql = format!("DELETE FROM event WHERE seq >= $1 AND seq < $2 AND {condition}");
                    deleted += self.delete(vec![sql], [from, to]).await?;
                }
                from = to;
            }
            return Ok(deleted);
        }
        let some = format!("(SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT $2)");
        let mut sql = Vec::new();
        if kind == Retained::Rebates {
            // Nothing is found by words of what is not there.
            sql.push(format!("DELETE FROM search_word WHERE ref_id IN {some}"));
        }
        sql.push(format!("DELETE FROM {table} WHERE id IN {some}"));
        loop {
            let rows = self.delete(sql.clone(), [before.as_microsecond(), ROWS]).await?;
            deleted += rows;
            if rows == 0 {
                return Ok(deleted);
            }
        }
    }

    /// Runs statements in one commit, and gives the rows of the last.
    async fn delete(&self, sql: Vec<String>, values: [i64; 2]) -> Result<u64, RecordError> {
        self.change((sql, values), |connection, input, _| {
            Box::pin(async move {
                let mut rows = 0;
                for sql in &input.0 {
                    let query = sqlx::query(sql).bind(input.1[0]).bind(input.1[1]);
                    rows = query.execute(&mut *connection).await?.rows_affected();
                }
                Ok(rows)
            })
        })
        .await
    }

    /// The first entry that was stored at `at` or later: entries stand in the order in which they were stored.
    async fn first_seq_since(&self, at: Timestamp) -> Result<i64, RecordError> {
        let row = sqlx::query("SELECT MIN(seq) AS first, MAX(seq) AS last FROM event")
            .fetch_one(&self.readers)
            .await?;
        let (Some(mut low), Some(last)) = (row.int_or_none("first")?, row.int_or_none("last")?) else {
            return Ok(0);
        };
        let mut high = last + 1;
        while low < high {
            let middle = low + (high - low) / 2;
            let row = sqlx::query("SELECT seq, recorded_at FROM event WHERE seq >= $1 ORDER BY seq LIMIT 1")
                .bind(middle)
                .fetch_one(&self.readers)
                .await?;
            if row.int("recorded_at")? < at.as_microsecond() {
                low = row.int("seq")? + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Recordings on this server's disk of calls that began before `before`, the oldest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn old_recordings(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<(CallId, String)>, RecordError> {
        let rows = sqlx::query(
            "SELECT id, recording, started_at FROM interaction WHERE recording IS NOT NULL AND started_at < $1 \
             AND ended_at IS NOT NULL AND server IN ('', $2) UNION ALL \
             SELECT w.call_id AS id, w.recording, i.started_at FROM caller_words w \
             JOIN interaction i ON i.id = w.call_id WHERE w.recording IS NOT NULL AND i.started_at < $1 \
             AND i.ended_at IS NOT NULL AND i.server IN ('', $2) ORDER BY started_at LIMIT $3",
        )
        .bind(before.as_microsecond())
        .bind(&*self.server)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.parsed("id")?, row.text("recording")?))).collect()
    }

    /// These recordings of calls are deleted: nothing leads to them any more.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn forget_recordings_of(&self, gone: &[(CallId, String)]) -> Result<(), RecordError> {
        if gone.is_empty() {
            return Ok(());
        }
        self.change(gone.to_vec(), |connection, gone, _| {
            Box::pin(async move {
                for (call, name) in &*gone {
                    for sql in [
                        "UPDATE interaction SET recording = NULL WHERE id = $1 AND recording = $2",
                        "UPDATE caller_words SET recording = NULL WHERE call_id = $1 AND recording = $2",
                    ] {
                        sqlx::query(sql).bind(call.to_string()).bind(name).execute(&mut *connection).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// When the old was deleted last.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn retained_at(&self) -> Result<Option<Timestamp>, RecordError> {
        let row = sqlx::query("SELECT at FROM mark WHERE name = $1")
            .bind(format!("retention {}", self.server))
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| row.time("at")).transpose()
    }

    /// Tells the journal what was deleted, and notes when.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn tell_retention(&self, deleted: &[(&'static str, u64)]) -> Result<(), RecordError> {
        let counts: serde_json::Map<String, serde_json::Value> =
            deleted.iter().map(|(kind, rows)| ((*kind).to_owned(), (*rows).into())).collect();
        self.change((format!("retention {}", self.server), counts), |connection, input, stamp| {
            Box::pin(async move {
                sqlx::query(
                    "INSERT INTO mark (name, at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET at = excluded.at",
                )
                .bind(&input.0)
                .bind(stamp.now)
                .execute(&mut *connection)
                .await?;
                let body = serde_json::json!({ "rows": input.1 });
                Entry { type_name: "retention.done", body, ..Entry::default() }.write(connection, &stamp).await
            })
        })
        .await
    }
}
