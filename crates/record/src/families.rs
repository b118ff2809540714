//! Two records of one person, made one, and made two again. A merge is a row that points: nothing
//! moves, ids that were given out resolve for ever, and a merge of the wrong two is undone.

use hotline_model::CustomerId;
use jiff::Timestamp;
use serde::Serialize;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::sql::{Columns, clean};
use crate::{Record, RecordError};

/// A customer with all the records that were merged into theirs.
#[derive(Debug, Clone)]
pub struct Family {
    /// The record that stands for all.
    pub root: CustomerId,
    /// All ids, the root's first.
    pub ids: Vec<String>,
}

/// A merge, undone or not.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Merge {
    /// Its id.
    pub id: String,
    /// The record that points now.
    pub from: CustomerId,
    /// Where it points.
    pub into: CustomerId,
    /// Why, in words.
    pub reason: Option<String>,
    /// Who did it.
    pub made_by: String,
    /// When.
    pub at: Timestamp,
    /// Who undid it.
    pub undone_by: Option<String>,
    /// When that was.
    pub undone_at: Option<Timestamp>,
}

struct Asked {
    from: String,
    into: String,
    by: String,
    reason: Option<String>,
}

impl Record {
    /// The record an id stands for today, with all that were merged into it.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn family(&self, id: CustomerId) -> Result<Option<Family>, RecordError> {
        let rows = sqlx::query(
            "SELECT c.id AS id, COALESCE(c.merged_into, c.id) AS root FROM customer c WHERE c.id = \
             (SELECT COALESCE(merged_into, id) FROM customer WHERE id = $1) OR c.merged_into = \
             (SELECT COALESCE(merged_into, id) FROM customer WHERE id = $1) \
             ORDER BY CASE WHEN c.merged_into IS NULL THEN 0 ELSE 1 END, c.id",
        )
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let ids = rows.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
        Ok(Some(Family { root: first.parsed("root")?, ids }))
    }

    /// Makes one customer of two: `from` is `into` from now on. Gives the merge's id, by which it is
    /// undone.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if either is not there; [`RecordError::Invalid`] if both are one
    /// already or one was erased.
    pub async fn merge_customers(
        &self,
        from: CustomerId,
        into: CustomerId,
        by: &str,
        reason: Option<&str>,
    ) -> Result<String, RecordError> {
        let reason = reason.map(|text| clean(text.chars().take(500).collect()));
        let asked = Asked { from: from.to_string(), into: into.to_string(), by: by.to_owned(), reason };
        self.change(asked, |connection, asked, stamp| {
            Box::pin(async move { merge(connection, &asked, &stamp).await })
        })
        .await
    }

    /// Undoes a merge. What came to the merged record meanwhile stays with it; what came to `from`
    /// before is its own again.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such merge, [`RecordError::Stale`] if it was undone
    /// already.
    pub async fn undo_merge(&self, merge: &str, by: &str) -> Result<(), RecordError> {
        self.change((merge.to_owned(), by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (merge, by) = &*input;
                undo(connection, merge, by, &stamp).await
            })
        })
        .await
    }

    /// The merges of a customer, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn merges_of(&self, id: CustomerId) -> Result<Vec<Merge>, RecordError> {
        let rows = sqlx::query(
            "SELECT m.id, m.from_id, m.into_id, m.reason, m.made_by, m.at, m.undone_by, m.undone_at \
             FROM customer_merge m WHERE m.from_id IN (SELECT id FROM customer WHERE id = $1 OR merged_into = $1) \
             OR m.into_id IN (SELECT id FROM customer WHERE id = $1 OR merged_into = $1) ORDER BY m.at DESC, m.id DESC",
        )
        .bind(id.to_string())
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Merge {
                    id: row.text("id")?,
                    from: row.parsed("from_id")?,
                    into: row.parsed("into_id")?,
                    reason: row.text_or_none("reason")?,
                    made_by: row.text("made_by")?,
                    at: row.time("at")?,
                    undone_by: row.text_or_none("undone_by")?,
                    undone_at: row.time_or_none("undone_at")?,
                })
            })
            .collect()
    }
}

/// The record that an id stands for today, as `(id, erased)`.
pub(crate) async fn root(connection: &mut AnyConnection, id: &str) -> Result<(String, bool), RecordError> {
    let row = sqlx::query(
        "SELECT r.id AS id, r.erased_at AS erased_at FROM customer c \
         JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) WHERE c.id = $1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await?
    .ok_or(RecordError::NotFound("customer"))?;
    Ok((row.text("id")?, row.int_or_none("erased_at")?.is_some()))
}

/// As [`root`], of a customer who was not erased.
pub(crate) async fn living(connection: &mut AnyConnection, id: &str) -> Result<String, RecordError> {
    match root(connection, id).await? {
        (_, true) => Err(RecordError::Invalid("the customer was erased".into())),
        (root, false) => Ok(root),
    }
}

async fn merge(connection: &mut AnyConnection, asked: &Asked, stamp: &Stamp) -> Result<String, RecordError> {
    let from = living(connection, &asked.from).await?;
    let into = living(connection, &asked.into).await?;
    if from == into {
        return Err(RecordError::Invalid("both are one customer already".into()));
    }
    // Every id points at the root itself, so that whoever resolves one looks once.
    sqlx::query(
        "UPDATE customer SET merged_into = $2, version = version + 1, changed_at = $3 \
                 WHERE id = $1 OR merged_into = $1",
    )
    .bind(&from)
    .bind(&into)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    // What one of them refused stays refused.
    let sql = "UPDATE customer SET do_not_call = 1 WHERE id = $1 AND EXISTS \
               (SELECT 1 FROM customer f WHERE f.merged_into = $1 AND f.do_not_call = 1)";
    sqlx::query(sql).bind(&into).execute(&mut *connection).await?;
    let id = stamp.id();
    sqlx::query(
        "INSERT INTO customer_merge (id, from_id, into_id, reason, made_by, at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&id)
    .bind(&from)
    .bind(&into)
    .bind(&asked.reason)
    .bind(&asked.by)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    report(connection, "customer.merged", [&id, &from, &into, &asked.by], stamp).await?;
    Ok(id)
}

async fn undo(
    connection: &mut AnyConnection,
    merge: &str,
    by: &str,
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let row = sqlx::query("SELECT from_id, into_id, undone_at FROM customer_merge WHERE id = $1")
        .bind(merge)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("merge"))?;
    if row.int_or_none("undone_at")?.is_some() {
        return Err(RecordError::Stale("the merge was undone already".into()));
    }
    let (from, into) = (row.text("from_id")?, row.text("into_id")?);
    if root(connection, &from).await?.1 {
        return Err(RecordError::Invalid("the customer was erased".into()));
    }
    sqlx::query("UPDATE customer_merge SET undone_by = $2, undone_at = $3 WHERE id = $1")
        .bind(merge)
        .bind(by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
    // Whoever was merged into `from` goes with it.
    sqlx::query(
        "WITH RECURSIVE own (id) AS (SELECT CAST($1 AS TEXT) UNION SELECT m.from_id FROM customer_merge m \
         JOIN own ON m.into_id = own.id WHERE m.undone_at IS NULL) \
         UPDATE customer SET merged_into = CASE WHEN id = $1 THEN NULL ELSE $1 END, version = version + 1, \
         changed_at = $2 WHERE id IN (SELECT id FROM own)",
    )
    .bind(&from)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    report(connection, "customer.unmerged", [merge, &from, &into, by], stamp).await
}

async fn report(
    connection: &mut AnyConnection,
    type_name: &'static str,
    [merge, from, into, by]: [&str; 4],
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let body = serde_json::json!({ "merge": merge, "from": from, "into": into, "by": by });
    // On both records: whoever looks at either sees it.
    for customer in [into, from] {
        Entry { type_name, customer: Some(customer), body: body.clone(), ..Entry::default() }
            .write(connection, stamp)
            .await?;
    }
    Ok(())
}
