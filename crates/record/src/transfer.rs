//! Moves a whole record from one database to another: read in one consistent snapshot, written in
//! one transaction, counted and compared before it is committed. Whatever goes wrong, the target
//! is as empty as it was, and the source is never changed.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Executor, Row};

use crate::engine::{self, Connector, Engine, Settings};
use crate::sql::{Columns, clean};
use crate::{DatabaseAddress, RecordError};

/// Every table, each behind those it refers to.
const TABLES: [&str; 46] = [
    "customer",
    "customer_tag",
    "identity",
    "identity_link",
    "ticket",
    "rebate",
    "interaction",
    "event",
    "verification",
    "message",
    "job",
    "follow_up",
    "audio",
    "plan_version",
    "access_log",
    "customer_attribute",
    "customer_merge",
    "note",
    "search_word",
    "user",
    "sign_in_try",
    "session",
    "sign_in_begun",
    "agent",
    "waiting",
    "offer",
    "handling",
    "telephone",
    "wrap_up",
    "webhook",
    "webhook_delivery",
    "mark",
    "campaign_case",
    "campaign_attempt",
    "campaign_policy",
    "survey_page",
    "survey_answer",
    "caller_words",
    "dissatisfaction",
    "consent",
    "attachment",
    "upload_link",
    "review",
    "article",
    "article_topic",
    "article_word",
];

/// What servers say of the moment: whoever starts there says it anew.
const LEFT: [&str; 1] = ["lease"];

/// Rows of one INSERT at most, and values: under both engines' limits of parameters.
const ROWS: usize = 200;
const VALUES: usize = 4000;

/// What was moved, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Each table with its number of rows.
    pub tables: Vec<(&'static str, u64)>,
    /// Entries that a running server added to the source's journal after the snapshot: they are not
    /// in the target.
    pub added_meanwhile: u64,
}

/// Says how far it is: the table, its rows so far, and all its rows.
pub type OnProgress<'a> = &'a mut (dyn FnMut(&'static str, u64, u64) + Send);

/// Moves everything from `from` to `to`. The target may have the hotline's tables, but no row in
/// them.
///
/// # Errors
/// [`RecordError::Invalid`] if the target is not empty or the source cannot be moved as it is;
/// otherwise as [`crate::Record::open`]. Nothing is left in the target then.
pub async fn transfer(
    from: &DatabaseAddress,
    to: &DatabaseAddress,
    progress: OnProgress<'_>,
) -> Result<Transfer, RecordError> {
    let (mut source, tables, newest) = snapshot(from).await?;
    let connector = connector(to)?;
    refuse_rows(&connector).await?;
    engine::migrate(&connector).await?;
    let mut target = connector.plain().await?;
    target.execute(connector.engine.begin()).await?;
    // Again, now that nobody else can write: a server may have begun to use it.
    refuse_rows_of(&mut target).await?;
    for &(table, total) in &tables {
        let columns = columns(&mut target, connector.engine, table).await?;
        let mut copy = Copy { table, columns: &columns, total, progress: &mut *progress };
        let moved = copy.run(&mut source, &mut target).await?;
        let stored = digest(&mut target, table, &columns).await?;
        if moved != stored || moved.rows != total {
            return Err(RecordError::Corrupt(format!(
                "{table}: {total} rows were to be moved, {} arrived, or one arrived changed; nothing is kept",
                stored.rows
            )));
        }
    }
    if connector.engine == Engine::Postgres {
        // What is journalled next stands behind what was moved.
        let behind = "SELECT setval(pg_get_serial_sequence('event', 'seq'), COALESCE(MAX(seq), 1), MAX(seq) IS NOT NULL) FROM event";
        target.execute(behind).await?;
    }
    target.execute("COMMIT").await?;
    source.execute("ROLLBACK").await?;
    let added_meanwhile = (count_events(&mut source).await? - newest).unsigned_abs();
    Ok(Transfer { tables, added_meanwhile })
}

/// What [`transfer`] would move; nothing is written, and both databases are looked over.
///
/// # Errors
/// As [`transfer`].
pub async fn dry_run(from: &DatabaseAddress, to: &DatabaseAddress) -> Result<Transfer, RecordError> {
    let (_, tables, _) = snapshot(from).await?;
    refuse_rows(&connector(to)?).await?;
    Ok(Transfer { tables, added_meanwhile: 0 })
}

fn connector(address: &DatabaseAddress) -> Result<Connector, RecordError> {
    Connector::new(&Settings::new(address.clone()))
}

/// Opens the source in a snapshot: its tables with their rows, and how many entries its journal has.
async fn snapshot(
    from: &DatabaseAddress,
) -> Result<(AnyConnection, Vec<(&'static str, u64)>, i64), RecordError> {
    if let Some(file) = from.file()
        && !file.exists()
    {
        return Err(RecordError::Invalid(format!("{} is not there: nothing can be moved", file.display())));
    }
    let connector = connector(from)?;
    let mut source = connector.plain().await?;
    let known = engine::look_over(&mut source, connector.engine).await?;
    let version = engine::version(&mut source, &known).await?;
    if version != Some(connector.engine.newest()) {
        return Err(RecordError::Invalid(
            "the source's tables are of an older version: start this version of the hotline on it once, then move it"
                .into(),
        ));
    }
    let is_known = |table: &str| table.starts_with('_') || TABLES.contains(&table) || LEFT.contains(&table);
    if let Some(table) = known.iter().find(|table| !is_known(table)) {
        return Err(RecordError::Invalid(format!("the source has a table that is not known: {table}")));
    }
    source
        .execute(match connector.engine {
            Engine::Sqlite => "PRAGMA busy_timeout = 5000; BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
        .await?;
    let mut tables = Vec::new();
    for table in TABLES {
        tables.push((table, count(&mut source, table).await?));
    }
    let newest = count_events(&mut source).await?;
    Ok((source, tables, newest))
}

async fn count(connection: &mut AnyConnection, table: &str) -> Result<u64, RecordError> {
    let row = sqlx::query(&format!("SELECT COUNT(*) AS rows FROM \"{table}\"")).fetch_one(connection).await?;
    Ok(row.int("rows")?.unsigned_abs())
}

async fn count_events(connection: &mut AnyConnection) -> Result<i64, RecordError> {
    let row = sqlx::query("SELECT COUNT(*) AS rows FROM event").fetch_one(connection).await?;
    row.int("rows")
}

/// Refuses a target that holds anything, without changing it.
async fn refuse_rows(connector: &Connector) -> Result<(), RecordError> {
    let mut target = connector.plain().await?;
    if engine::look_over(&mut target, connector.engine).await?.is_empty() {
        return Ok(());
    }
    refuse_rows_of(&mut target).await
}

async fn refuse_rows_of(target: &mut AnyConnection) -> Result<(), RecordError> {
    for table in TABLES {
        let rows = count(target, table).await?;
        if rows > 0 {
            return Err(RecordError::Invalid(format!(
                "the target is not empty ({table}: {rows} rows), and nothing of it is overwritten: name an empty database"
            )));
        }
    }
    Ok(())
}

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Int,
    Bytes,
}

struct Column {
    name: String,
    kind: Kind,
}

async fn columns(
    connection: &mut AnyConnection,
    engine: Engine,
    table: &str,
) -> Result<Vec<Column>, RecordError> {
    let rows = sqlx::query(engine.columns()).bind(table).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let kind = match row.text("type")?.to_ascii_lowercase().as_str() {
                "text" => Kind::Text,
                "bigint" | "integer" => Kind::Int,
                "blob" | "bytea" => Kind::Bytes,
                other => return Err(RecordError::Corrupt(format!("{table}: a column of type {other}"))),
            };
            Ok(Column { name: row.text("name")?, kind })
        })
        .collect()
}

fn select(table: &str, columns: &[Column]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    format!("SELECT {} FROM \"{table}\"", names.join(", "))
}

#[derive(Clone, Hash)]
enum Value {
    Text(Option<String>),
    Int(Option<i64>),
    Bytes(Option<Vec<u8>>),
}

fn values(row: &AnyRow, columns: &[Column]) -> Result<Vec<Value>, RecordError> {
    columns
        .iter()
        .map(|column| {
            Ok(match column.kind {
                Kind::Text => Value::Text(row.text_or_none(&column.name)?.map(clean)),
                Kind::Int => Value::Int(row.int_or_none(&column.name)?),
                Kind::Bytes => Value::Bytes(row.try_get(column.name.as_str())?),
            })
        })
        .collect()
}

/// How many rows there are and what they hold together, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    hash: u128,
}

impl Sum {
    fn add(&mut self, row: &[Value]) {
        let mut hash = Sha256::new();
        for value in row {
            let (kind, bytes): (u8, &[u8]) = match value {
                Value::Text(Some(text)) => (1, text.as_bytes()),
                Value::Int(Some(number)) => (2, &number.to_le_bytes()),
                Value::Bytes(Some(bytes)) => (3, bytes),
                _ => (0, &[]),
            };
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finalize()[..16]);
        self.rows += 1;
        self.hash = self.hash.wrapping_add(u128::from_le_bytes(half));
    }
}

async fn digest(connection: &mut AnyConnection, table: &str, columns: &[Column]) -> Result<Sum, RecordError> {
    let sql = select(table, columns);
    let mut rows = sqlx::query(&sql).fetch(connection);
    let mut sum = Sum::default();
    while let Some(row) = next(&mut rows).await? {
        sum.add(&values(&row, columns)?);
    }
    Ok(sum)
}

/// The next row of a stream.
async fn next<S>(rows: &mut S) -> Result<Option<AnyRow>, RecordError>
where
    S: futures_core::Stream<Item = Result<AnyRow, sqlx::Error>> + Unpin,
{
    let row = std::future::poll_fn(|context| std::pin::Pin::new(&mut *rows).poll_next(context)).await;
    Ok(row.transpose()?)
}

/// One table on its way.
struct Copy<'a> {
    table: &'static str,
    columns: &'a [Column],
    total: u64,
    progress: OnProgress<'a>,
}

impl Copy<'_> {
    async fn run(
        &mut self,
        source: &mut AnyConnection,
        target: &mut AnyConnection,
    ) -> Result<Sum, RecordError> {
        // A customer may be merged into one that comes later: the pointers follow at the end.
        let later = self.columns.iter().position(|column| column.name == "merged_into");
        let mut pointers = Vec::new();
        let mut sum = Sum::default();
        let mut batch: Vec<Vec<Value>> = Vec::new();
        let room = (VALUES / self.columns.len()).min(ROWS);
        (self.progress)(self.table, 0, self.total);
        let sql = select(self.table, self.columns);
        let mut rows = sqlx::query(&sql).fetch(source);
        loop {
            let row = next(&mut rows).await?;
            let ended = row.is_none();
            if let Some(row) = row {
                let mut row = values(&row, self.columns)?;
                sum.add(&row);
                if let Some(place) = later
                    && let Value::Text(Some(_)) = &row[place]
                {
                    pointers.push((row[0].clone(), row[place].clone()));
                    row[place] = Value::Text(None);
                }
                batch.push(row);
            }
            if batch.len() >= room || ended {
                self.insert(target, &mut batch).await?;
                (self.progress)(self.table, sum.rows, self.total);
            }
            if ended {
                break;
            }
        }
        for (id, into) in pointers {
            let (Value::Text(id), Value::Text(into)) = (id, into) else { continue };
            let sql = format!("UPDATE \"{}\" SET merged_into = $2 WHERE id = $1", self.table);
            sqlx::query(&sql).bind(id).bind(into).execute(&mut *target).await?;
        }
        Ok(sum)
    }

    async fn insert(
        &self,
        target: &mut AnyConnection,
        batch: &mut Vec<Vec<Value>>,
    ) -> Result<(), RecordError> {
        if batch.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        let width = self.columns.len();
        let rows: Vec<String> = (0..batch.len())
            .map(|row| {
                let places: Vec<String> =
                    (1..=width).map(|column| format!("${}", row * width + column)).collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let sql = format!("INSERT INTO \"{}\" ({}) VALUES {}", self.table, names.join(", "), rows.join(", "));
        let mut insert = sqlx::query(&sql).persistent(batch.len() > 1);
        for value in batch.drain(..).flatten() {
            insert = match value {
                Value::Text(text) => insert.bind(text),
                Value::Int(number) => insert.bind(number),
                Value::Bytes(bytes) => insert.bind(bytes),
            };
        }
        insert.execute(target).await?;
        Ok(())
    }
}
