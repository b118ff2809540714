//! Who looked at whom.

use std::collections::BTreeSet;

use hotline_model::{CustomerId, JobId};
use jiff::Timestamp;
use serde::Serialize;

use crate::sql::{Columns, FAMILY};
use crate::{Record, RecordError};

/// One look at a customer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Access {
    /// A login or a token's name.
    pub who: String,
    /// At what: `card`, `timeline`, `search`, …
    pub what: String,
    /// When.
    pub at: Timestamp,
}

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

    /// As [`Record::log_access`], of several customers at once.
    ///
    /// # Errors
    /// As [`Record::log_access`].
    pub async fn log_accesses(
        &self,
        who: &str,
        customers: impl IntoIterator<Item = CustomerId>,
        what: &'static str,
    ) -> Result<(), RecordError> {
        let customers: BTreeSet<String> = customers.into_iter().map(|id| id.to_string()).collect();
        if customers.is_empty() {
            return Ok(());
        }
        self.change((who.to_owned(), customers, what), |connection, input, stamp| {
            Box::pin(async move {
                let (who, customers, what) = &*input;
                for customer in customers {
                    sqlx::query(
                        "INSERT INTO access_log (id, who, customer_id, what, at) VALUES ($1, $2, $3, $4, $5)",
                    )
                    .bind(stamp.id())
                    .bind(who)
                    .bind(customer)
                    .bind(*what)
                    .bind(stamp.now)
                    .execute(&mut *connection)
                    .await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// As [`Record::log_accesses`], but a look that was noted within the last hour is not noted again: for
    /// pages that ask every few seconds.
    ///
    /// # Errors
    /// As [`Record::log_access`].
    pub async fn log_accesses_hourly(
        &self,
        who: &str,
        customers: impl IntoIterator<Item = CustomerId>,
        what: &'static str,
    ) -> Result<(), RecordError> {
        let mut new = BTreeSet::new();
        for customer in customers {
            let known = sqlx::query(
                "SELECT 1 AS there FROM access_log WHERE customer_id = $1 AND at > $2 AND who = $3 AND what = $4 LIMIT 1",
            )
            .bind(customer.to_string())
            .bind(self.now_micros() - 3_600_000_000)
            .bind(who)
            .bind(what)
            .fetch_optional(&self.readers)
            .await?;
            if known.is_none() {
                new.insert(customer);
            }
        }
        self.log_accesses(who, new, what).await
    }

    /// Who looked at a customer, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn accesses_of(&self, customer: CustomerId, limit: u32) -> Result<Vec<Access>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT who, what, at FROM access_log WHERE customer_id IN {FAMILY} ORDER BY at DESC, id DESC LIMIT $2"
        ))
        .bind(customer.to_string())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| Ok(Access { who: row.text("who")?, what: row.text("what")?, at: row.time("at")? }))
            .collect()
    }
}
