//! The versions of plans that calls ran on, so that an old call's path can be read beside them.

use crate::{Record, RecordError};

impl Record {
    /// Stores a version of a plan; the same version again changes nothing.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn store_plan(&self, plan: &str, version: &str, source: &str) -> Result<(), RecordError> {
        let (plan, version, source) = (plan.to_owned(), version.to_owned(), source.to_owned());
        let now = self.now_micros();
        self.writer
            .prompt(move |connection| {
                let (plan, version, source) = (plan.clone(), version.clone(), source.clone());
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO plan_version (version, plan, source, published_at) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (plan, version) DO NOTHING",
                    )
                    .bind(version)
                    .bind(plan)
                    .bind(source)
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}
