//! Rendered speech, kept by voice and text, so that any machine plays what any rendered.

use sqlx::Row;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// What a piece of rendered speech is kept under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioKey<'a> {
    /// Of voice, words and the way it was rendered.
    pub key: &'a str,
    /// Of the words alone.
    pub text_key: &'a str,
    /// Who speaks.
    pub voice: &'a str,
}

/// A piece of rendered speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudio {
    /// Mono samples, 16 bits.
    pub samples: Vec<i16>,
    /// Samples a second.
    pub rate_hz: u32,
}

/// Use is noted to the hour: noting it each time would make a writer of every reader.
const NOTED_MICROS: i64 = 3_600_000_000;

impl Record {
    /// Rendered speech by its key; notes that it is still wanted.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_audio(&self, key: &str) -> Result<Option<StoredAudio>, RecordError> {
        let row = sqlx::query("SELECT samples, rate_hz, used_at FROM audio WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let now = self.now_micros();
        if now - row.int("used_at")? > NOTED_MICROS
            && let Err(error) = self.note_use(key, now).await
        {
            // Whoever waits for the speech has it; it only seems older than it is.
            tracing::debug!(%error, "the use of rendered speech could not be noted");
        }
        let bytes: Vec<u8> = row.try_get("samples")?;
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let rate_hz =
            u32::try_from(row.int("rate_hz")?).map_err(|_| RecordError::Corrupt("column rate_hz".into()))?;
        Ok(Some(StoredAudio { samples, rate_hz }))
    }

    async fn note_use(&self, key: &str, now: i64) -> Result<(), RecordError> {
        let key = key.to_owned();
        self.writer
            .prompt(move |connection| {
                let key = key.clone();
                Box::pin(async move {
                    sqlx::query("UPDATE audio SET used_at = $2 WHERE key = $1")
                        .bind(key)
                        .bind(now)
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Whether speech is there under this key.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn has_audio(&self, key: &str) -> Result<bool, RecordError> {
        let row = sqlx::query("SELECT 1 AS there FROM audio WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.readers)
            .await?;
        Ok(row.is_some())
    }

    /// Stores rendered speech; what is there under the key already is replaced.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn store_audio(&self, under: AudioKey<'_>, audio: &StoredAudio) -> Result<(), RecordError> {
        let AudioKey { key, text_key, voice } = under;
        let (key, text_key, voice) = (key.to_owned(), text_key.to_owned(), voice.to_owned());
        let rate = i64::from(audio.rate_hz);
        let bytes: Vec<u8> = audio.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (key, text_key, voice) = (key.clone(), text_key.clone(), voice.clone());
                let bytes = bytes.clone();
                let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO audio (key, text_key, voice, samples, size, rate_hz, created_at, used_at) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (key) DO UPDATE \
                         SET text_key = excluded.text_key, samples = excluded.samples, size = excluded.size, \
                         rate_hz = excluded.rate_hz, used_at = excluded.used_at",
                    )
                    .bind(key)
                    .bind(text_key)
                    .bind(voice)
                    .bind(bytes)
                    .bind(size)
                    .bind(rate)
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Lets go of the speech that was used longest ago, until at most `limit` bytes are kept. Tells
    /// how many pieces went.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn prune_audio(&self, limit: u64) -> Result<u64, RecordError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.writer
            .prompt(move |connection| {
                Box::pin(async move {
                    let gone = sqlx::query(
                        "DELETE FROM audio WHERE key IN (SELECT key FROM (SELECT key, \
                         SUM(size) OVER (ORDER BY used_at DESC, key ROWS UNBOUNDED PRECEDING) AS kept \
                         FROM audio) AS by_use WHERE kept > $1)",
                    )
                    .bind(limit)
                    .execute(connection)
                    .await?;
                    Ok(gone.rows_affected())
                })
            })
            .await
    }

    /// Deletes the speech of these words, whoever speaks them: what an erased customer was told.
    /// Tells how many pieces went.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn forget_audio(&self, text_keys: &[String]) -> Result<u64, RecordError> {
        let text_keys: Vec<String> = text_keys.iter().filter(|key| !key.is_empty()).cloned().collect();
        self.writer
            .prompt(move |connection| {
                let text_keys = text_keys.clone();
                Box::pin(async move {
                    let mut gone = 0;
                    for text_key in text_keys {
                        let deleted = sqlx::query("DELETE FROM audio WHERE text_key = $1")
                            .bind(text_key)
                            .execute(&mut *connection)
                            .await?;
                        gone += deleted.rows_affected();
                    }
                    Ok(gone)
                })
            })
            .await
    }
}
