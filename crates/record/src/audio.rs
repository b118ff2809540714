//! Rendered speech, kept by voice and text, so that any machine plays what any rendered.

use sqlx::Row;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// A piece of rendered speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAudio {
    /// Mono samples, 16 bits.
    pub samples: Vec<i16>,
    /// Samples a second.
    pub rate_hz: u32,
}

impl Record {
    /// Rendered speech by its key.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_audio(&self, key: &str) -> Result<Option<StoredAudio>, RecordError> {
        let row = sqlx::query("SELECT samples, rate_hz FROM audio WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let bytes: Vec<u8> = row.try_get("samples")?;
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
        let rate_hz =
            u32::try_from(row.int("rate_hz")?).map_err(|_| RecordError::Corrupt("column rate_hz".into()))?;
        Ok(Some(StoredAudio { samples, rate_hz }))
    }

    /// Whether speech is there under this key; notes that it is still wanted.
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
    pub async fn store_audio(&self, key: &str, voice: &str, audio: &StoredAudio) -> Result<(), RecordError> {
        let (key, voice, rate) = (key.to_owned(), voice.to_owned(), i64::from(audio.rate_hz));
        let bytes: Vec<u8> = audio.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (key, voice, bytes) = (key.clone(), voice.clone(), bytes.clone());
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO audio (key, voice, samples, rate_hz, created_at, used_at) \
                         VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (key) DO UPDATE \
                         SET samples = excluded.samples, rate_hz = excluded.rate_hz, used_at = excluded.used_at",
                    )
                    .bind(key)
                    .bind(voice)
                    .bind(bytes)
                    .bind(rate)
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}
