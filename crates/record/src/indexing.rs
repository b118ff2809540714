//! The words that search looks for: made of a row when it changes, and of what was stored in bulk later.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::RebateInput;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::deed::{places, statement};
use crate::sql::Columns;
use crate::words::{tail_word, words};
use crate::{Record, RecordError};

/// Words of one row at most: a text of 2,000 characters has its first ones.
const WORDS: usize = 400;
/// Words of one INSERT: under the engines' limits of parameters.
const TOGETHER: usize = 500;
/// Rows whose words are made together.
const ROWS: usize = 500;

impl Record {
    /// Makes the words of customers and tickets that have none yet: what was stored before there was
    /// a search, or in bulk. Gives how many were done: 0, and all are.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn index_missing(&self, limit: u32) -> Result<u64, RecordError> {
        self.change(i64::from(limit), |connection, limit, _| {
            Box::pin(async move {
                let mut done = 0;
                for table in ["customer", "ticket"] {
                    let rows = sqlx::query(&format!("SELECT id FROM {table} WHERE indexed = 0 LIMIT $1"))
                        .bind(*limit)
                        .fetch_all(&mut *connection)
                        .await?;
                    let ids = rows.iter().map(|row| row.text("id")).collect::<Result<Vec<_>, _>>()?;
                    for ids in ids.chunks(ROWS) {
                        match table {
                            "customer" => index_customers(connection, ids).await?,
                            _ => index_tickets(connection, ids).await?,
                        }
                    }
                    done += ids.len() as u64;
                }
                Ok(done)
            })
        })
        .await
    }

    /// Whether anything has no words yet: asked first, because a look is no commit.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn lacks_words(&self) -> Result<bool, RecordError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM (SELECT 1 AS one FROM customer WHERE indexed = 0 LIMIT 1) c) + \
             (SELECT COUNT(*) FROM (SELECT 1 AS one FROM ticket WHERE indexed = 0 LIMIT 1) t) AS missing",
        )
        .fetch_one(&self.readers)
        .await?;
        Ok(row.int("missing")? > 0)
    }
}

/// A row whose words are looked for.
pub(crate) struct Indexed<'a> {
    pub kind: &'static str,
    pub id: &'a str,
    pub customer: &'a str,
    /// Microseconds since 1970.
    pub at: i64,
}

impl Indexed<'_> {
    /// Its words are these and no others.
    pub async fn store(
        self,
        connection: &mut AnyConnection,
        words: BTreeSet<String>,
    ) -> Result<(), RecordError> {
        store(connection, &[(self, words)]).await
    }
}

/// The words of these rows are these and no others.
async fn store(
    connection: &mut AnyConnection,
    rows: &[(Indexed<'_>, BTreeSet<String>)],
) -> Result<(), RecordError> {
    let ids: Vec<&str> = rows.iter().map(|(row, _)| row.id).collect();
    run(connection, "DELETE FROM search_word WHERE ref_id IN", &ids).await?;
    let all: Vec<(&Indexed<'_>, &String)> =
        rows.iter().flat_map(|(row, words)| words.iter().take(WORDS).map(move |word| (row, word))).collect();
    for words in all.chunks(TOGETHER) {
        let sql = format!(
            "INSERT INTO search_word (ref_id, word, kind, customer_id, at) VALUES {} \
             ON CONFLICT (ref_id, word) DO NOTHING",
            places(words.len(), &["$"; 5])
        );
        let mut insert = statement(&sql, words.len());
        for (row, word) in words {
            insert = insert.bind(row.id).bind(*word).bind(row.kind).bind(row.customer).bind(row.at);
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Runs a statement that ends in a list of ids.
async fn run(connection: &mut AnyConnection, sql: &str, ids: &[&str]) -> Result<(), RecordError> {
    let sql = format!("{sql} {}", places(1, &vec!["$"; ids.len()]));
    let mut query = statement(&sql, ids.len());
    for id in ids {
        query = query.bind(*id);
    }
    query.execute(connection).await?;
    Ok(())
}

/// The rows of a statement that has a list of ids where `{ids}` stands.
async fn rows_of(
    connection: &mut AnyConnection,
    sql: &str,
    ids: &[String],
) -> Result<Vec<AnyRow>, RecordError> {
    let sql = sql.replace("{ids}", &places(1, &vec!["$"; ids.len()]));
    let mut query = statement(&sql, ids.len());
    for id in ids {
        query = query.bind(id);
    }
    Ok(query.fetch_all(connection).await?)
}

/// The words of a customer: name, tags, the firm's own number, numbers and addresses.
pub(crate) async fn index_customer(connection: &mut AnyConnection, id: &str) -> Result<(), RecordError> {
    index_customers(connection, &[id.to_owned()]).await
}

async fn index_customers(connection: &mut AnyConnection, ids: &[String]) -> Result<(), RecordError> {
    let sql = "SELECT id, name, external_ref, created_at, erased_at FROM customer WHERE id IN {ids}";
    let rows = rows_of(connection, sql, ids).await?;
    let mut found: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
    let mut erased: BTreeSet<String> = BTreeSet::new();
    for row in &rows {
        let (id, mut said) = (row.text("id")?, BTreeSet::new());
        if row.int_or_none("erased_at")?.is_some() {
            erased.insert(id.clone());
        } else {
            for column in ["name", "external_ref"] {
                said.extend(row.text_or_none(column)?.iter().flat_map(|text| words(text)));
            }
        }
        found.insert(id, (row.int("created_at")?, said));
    }
    let sql = "SELECT l.customer_id AS customer, i.kind AS kind, i.value AS value FROM identity_link l \
               JOIN identity i ON i.id = l.identity_id WHERE l.customer_id IN {ids} AND l.valid_to IS NULL";
    for row in rows_of(connection, sql, ids).await? {
        let (customer, value) = (row.text("customer")?, row.text("value")?);
        let Some((_, said)) = found.get_mut(&customer).filter(|_| !erased.contains(&customer)) else {
            continue;
        };
        match row.text("kind")?.as_str() {
            "phone" | "short" => {
                said.insert(tail_word(&value));
            }
            _ => said.extend(words(&value)),
        }
    }
    let sql = "SELECT customer_id AS customer, tag FROM customer_tag WHERE customer_id IN {ids}";
    for row in rows_of(connection, sql, ids).await? {
        let customer = row.text("customer")?;
        if let Some((_, said)) = found.get_mut(&customer).filter(|_| !erased.contains(&customer)) {
            said.extend(words(&row.text("tag")?));
        }
    }
    let rows: Vec<(Indexed<'_>, BTreeSet<String>)> = found
        .iter_mut()
        .map(|(id, (at, said))| {
            (Indexed { kind: "customer", id, customer: id, at: *at }, std::mem::take(said))
        })
        .collect();
    finish(connection, "customer", rows).await
}

/// The words of a ticket: its number, what it is about, its result.
pub(crate) async fn index_ticket(connection: &mut AnyConnection, id: &str) -> Result<(), RecordError> {
    index_tickets(connection, &[id.to_owned()]).await
}

/// The words of a rebate: its number and its activity.
pub(crate) async fn index_rebate(
    connection: &mut AnyConnection,
    id: &str,
    customer: &str,
    input: &RebateInput,
) -> Result<(), RecordError> {
    let mut said = words(&input.external_ref);
    said.extend(words(&input.activity));
    let row = Indexed { kind: "rebate", id, customer, at: input.returned_at.as_microsecond() };
    row.store(connection, said).await
}

async fn index_tickets(connection: &mut AnyConnection, ids: &[String]) -> Result<(), RecordError> {
    let sql =
        "SELECT id, external_ref, category, result, customer_id, created_at FROM ticket WHERE id IN {ids}";
    let mut tickets = Vec::with_capacity(ids.len());
    for row in rows_of(connection, sql, ids).await? {
        let mut said = BTreeSet::new();
        for column in ["external_ref", "category", "result"] {
            said.extend(row.text_or_none(column)?.iter().flat_map(|text| words(text)));
        }
        tickets.push((row.text("id")?, row.text("customer_id")?, row.int("created_at")?, said));
    }
    let rows = tickets
        .iter_mut()
        .map(|(id, customer, at, said)| {
            (Indexed { kind: "ticket", id, customer, at: *at }, std::mem::take(said))
        })
        .collect();
    finish(connection, "ticket", rows).await
}

async fn finish(
    connection: &mut AnyConnection,
    table: &str,
    rows: Vec<(Indexed<'_>, BTreeSet<String>)>,
) -> Result<(), RecordError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = rows.iter().map(|(row, _)| row.id).collect();
    let update = format!("UPDATE {table} SET indexed = 1 WHERE id IN");
    run(connection, &update, &ids).await?;
    store(connection, &rows).await
}
