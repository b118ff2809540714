//! Who looked at whom.

use hotline_model::{CustomerId, JobId};

use crate::{Record, RecordError};

impl Record {
    /// Notes that `who` (a user's or a token's name) looked at a customer's data.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it: then nothing may be shown.
    pub async fn log_access(
        &self,
        who: &str,
        customer: CustomerId,
        what: &'static str,
    ) -> Result<(), RecordError> {
        let (who, id, now) = (who.to_owned(), self.new_id::<JobId>().to_string(), self.now_micros());
        self.writer
            .prompt(move |connection| {
                let (who, id) = (who.clone(), id.clone());
                Box::pin(async move {
                    sqlx::query(
                        "INSERT INTO access_log (id, who, customer_id, what, at) VALUES ($1, $2, $3, $4, $5)",
                    )
                    .bind(id)
                    .bind(who)
                    .bind(customer.to_string())
                    .bind(what)
                    .bind(now)
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}
