//! The one task that writes, and commits what came in the same few milliseconds together.
//!
//! Two kinds of work reach it. A *prompt* one has somebody waiting (a caller, an API request): if
//! the database does not take it, that somebody is told. *Steps* have nobody waiting: they are kept
//! in memory, in order, until the database takes them, and each carries an id of its own, so that
//! one written twice stands there once.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_model::Clock;
use sqlx::{Any, AnyConnection, Executor, QueryBuilder};
use tokio::sync::{mpsc, oneshot, watch};

use crate::RecordError;
use crate::engine::Connector;

/// What a piece of work gives back when it runs on the connection.
pub(crate) type Ran<'c, T> = Pin<Box<dyn Future<Output = Result<T, RecordError>> + Send + 'c>>;
type Work = Box<dyn for<'c> Fn(&'c mut AnyConnection) -> Ran<'c, ()> + Send + Sync>;

/// One row of the journal.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub source: &'static str,
    pub source_event_id: String,
    pub type_name: &'static str,
    pub customer_id: Option<String>,
    pub interaction_id: Option<String>,
    pub ticket_id: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: i64,
    pub body: String,
}

enum Item {
    Prompt {
        work: Work,
        done: oneshot::Sender<Result<(), RecordError>>,
    },
    /// Work that must be done once the database is there again, after the steps before it.
    Patient {
        work: Work,
    },
    Steps(Vec<EventRow>),
    Flush(oneshot::Sender<()>),
}

/// A handle to the writer task.
#[derive(Clone)]
pub(crate) struct Writer {
    items: mpsc::UnboundedSender<Item>,
    shared: Arc<Shared>,
    wake_ups: watch::Receiver<u64>,
}

#[derive(Default)]
struct Shared {
    away: AtomicBool,
    spooled: AtomicUsize,
    refused: AtomicU64,
}

/// How many steps and patient pieces of work are kept while the database is away: at 30 calls a
/// second with 20 steps each, a good two minutes more than the 60 s promised.
const SPOOL_LIMIT: usize = 120_000;
/// At most this many items are committed together.
const GROUP: usize = 512;
/// Rows of one INSERT: 9 columns each, under SQLite's and PostgreSQL's limits of parameters.
const ROWS: usize = 200;
/// Between two tries to reach a database that is away.
const RETRY: Duration = Duration::from_millis(250);

impl Writer {
    pub fn start(connector: Connector, clock: Arc<dyn Clock>) -> Self {
        let (items, queue) = mpsc::unbounded_channel();
        let (wake, wake_ups) = watch::channel(0);
        let shared = Arc::new(Shared::default());
        let task = Task { connector, clock, shared: Arc::clone(&shared), wake, connection: None };
        tokio::spawn(task.run(queue));
        Self { items, shared, wake_ups }
    }

    pub fn wake_ups(&self) -> watch::Receiver<u64> {
        self.wake_ups.clone()
    }

    pub fn is_available(&self) -> bool {
        !self.shared.away.load(Ordering::Relaxed)
    }

    pub fn spooled(&self) -> usize {
        self.shared.spooled.load(Ordering::Relaxed)
    }

    /// Runs `work` in a transaction shared with others, in a savepoint of its own, and answers
    /// when that transaction is committed. `work` may run more than once.
    ///
    /// # Cancel safety
    /// Dropping the future does not undo the work.
    pub async fn prompt<T, F>(&self, work: F) -> Result<T, RecordError>
    where
        T: Send + 'static,
        F: for<'c> Fn(&'c mut AnyConnection) -> Ran<'c, T> + Send + Sync + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let work = Arc::new(work);
        let work: Work = Box::new(move |connection| {
            let (filled, work) = (Arc::clone(&filled), Arc::clone(&work));
            Box::pin(async move {
                let value = work(connection).await?;
                *filled.lock().expect("no holder of this lock panics") = Some(value);
                Ok(())
            })
        });
        let (done, answer) = oneshot::channel();
        let gone = || RecordError::Unavailable("the writer has stopped".into());
        self.items.send(Item::Prompt { work, done }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())??;
        let value = slot.lock().expect("no holder of this lock panics").take();
        value.ok_or_else(gone)
    }

    /// Stores steps in the order they were handed over, sooner or later.
    pub fn steps(&self, rows: Vec<EventRow>) {
        let count = rows.len();
        self.spool(count, Item::Steps(rows));
    }

    /// Runs `work` in the order it was handed over, sooner or later, once or (after a lost
    /// connection) again: it must be idempotent.
    pub fn patient<F>(&self, work: F)
    where
        F: for<'c> Fn(&'c mut AnyConnection) -> Ran<'c, ()> + Send + Sync + 'static,
    {
        self.spool(1, Item::Patient { work: Box::new(work) });
    }

    fn spool(&self, count: usize, item: Item) {
        if self.shared.spooled.fetch_add(count, Ordering::Relaxed) + count > SPOOL_LIMIT {
            self.shared.spooled.fetch_sub(count, Ordering::Relaxed);
            let refused = self.shared.refused.fetch_add(count as u64, Ordering::Relaxed);
            if refused == 0 {
                tracing::error!(
                    limit = SPOOL_LIMIT,
                    "the database is away and the spool is full: steps of calls are lost from now on"
                );
            }
            return;
        }
        // The task outlives every handle: it ends when the last one is dropped.
        let _ = self.items.send(item);
    }

    pub async fn flush(&self, within: Duration) -> bool {
        let (done, answer) = oneshot::channel();
        self.items.send(Item::Flush(done)).is_ok()
            && tokio::time::timeout(within, answer).await.is_ok_and(|answer| answer.is_ok())
    }
}

struct Task {
    connector: Connector,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    wake: watch::Sender<u64>,
    connection: Option<AnyConnection>,
}

/// What became of a prompt piece of work inside a group that was committed.
type Settled = (oneshot::Sender<Result<(), RecordError>>, Result<(), RecordError>);

impl Task {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Item>) {
        let mut waiting: VecDeque<Item> = VecDeque::new();
        loop {
            if waiting.is_empty() {
                match queue.recv().await {
                    Some(item) => waiting.push_back(item),
                    None => return,
                }
            }
            while waiting.len() < GROUP
                && let Ok(item) = queue.try_recv()
            {
                waiting.push_back(item);
            }
            let group = waiting.len().min(GROUP);
            match self.commit(waiting.iter().take(group)).await {
                Ok(results) => {
                    self.came_back();
                    let items: Vec<Item> = waiting.drain(..group).collect();
                    self.settle(items, results);
                    self.wake.send_modify(|commits| *commits += 1);
                }
                Err(error) => {
                    self.went_away(&error);
                    self.connection = None;
                    // Whoever waits is told now; what nobody waits for stays, in order.
                    for item in std::mem::take(&mut waiting) {
                        match item {
                            Item::Prompt { done, .. } => {
                                let _ = done.send(Err(RecordError::Unavailable("see the log".into())));
                            }
                            other => waiting.push_back(other),
                        }
                    }
                    if queue.is_closed() && queue.is_empty() && waiting.is_empty() {
                        return;
                    }
                    tokio::time::sleep(RETRY).await;
                    while let Ok(item) = queue.try_recv() {
                        waiting.push_back(item);
                    }
                }
            }
        }
    }

    fn came_back(&self) {
        if self.shared.away.swap(false, Ordering::Relaxed) {
            tracing::warn!(spooled = self.shared.spooled.load(Ordering::Relaxed), "the database is back");
        }
    }

    fn went_away(&self, error: &RecordError) {
        if !self.shared.away.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the database does not take what is written: calls go on, their steps are kept in memory");
        }
    }

    fn settle(&self, items: Vec<Item>, results: Vec<Option<RecordError>>) {
        let mut settled: Vec<Settled> = Vec::new();
        for (item, result) in items.into_iter().zip(results) {
            match item {
                Item::Prompt { done, .. } => settled.push((done, result.map_or(Ok(()), Err))),
                Item::Patient { .. } => {
                    self.shared.spooled.fetch_sub(1, Ordering::Relaxed);
                    if let Some(error) = result {
                        tracing::error!(%error, "a piece of a call's record was refused by the database");
                    }
                }
                Item::Steps(rows) => {
                    self.shared.spooled.fetch_sub(rows.len(), Ordering::Relaxed);
                    if let Some(error) = result {
                        tracing::error!(%error, rows = rows.len(), "steps were refused by the database");
                    }
                }
                Item::Flush(done) => {
                    let _ = done.send(());
                }
            }
        }
        for (done, result) in settled {
            let _ = done.send(result);
        }
    }

    /// Runs a group in one transaction. `Err`: nothing of it is stored.
    async fn commit(
        &mut self,
        items: impl Iterator<Item = &Item>,
    ) -> Result<Vec<Option<RecordError>>, RecordError> {
        if self.connection.is_none() {
            self.connection = Some(self.connector.connect().await?);
        }
        let connection = self.connection.as_mut().expect("made above");
        let now = self.clock.now().as_microsecond();
        let result = run_group(connection, items, now).await;
        if result.is_err() {
            // The transaction may still be open on a connection that is kept.
            let _ = connection.execute("ROLLBACK").await;
        }
        result
    }
}

async fn run_group(
    connection: &mut AnyConnection,
    items: impl Iterator<Item = &Item>,
    now: i64,
) -> Result<Vec<Option<RecordError>>, RecordError> {
    connection.execute("BEGIN").await?;
    let mut results = Vec::new();
    for item in items {
        let result = match item {
            Item::Prompt { work, .. } | Item::Patient { work } => {
                connection.execute("SAVEPOINT item").await?;
                let ran = work(connection).await;
                match ran {
                    Ok(()) => {
                        connection.execute("RELEASE SAVEPOINT item").await?;
                        None
                    }
                    // The database itself is the trouble: the whole group is tried again later.
                    Err(error @ RecordError::Unavailable(_)) => return Err(error),
                    Err(error) => {
                        connection.execute("ROLLBACK TO SAVEPOINT item").await?;
                        connection.execute("RELEASE SAVEPOINT item").await?;
                        Some(error)
                    }
                }
            }
            Item::Steps(rows) => match insert_events(connection, rows, now).await {
                Err(error @ RecordError::Unavailable(_)) => return Err(error),
                other => other.err(),
            },
            Item::Flush(_) => None,
        };
        results.push(result);
    }
    connection.execute("COMMIT").await?;
    Ok(results)
}

/// Writes rows of the journal; one that is there already (same source, same id) stays as it is.
pub(crate) async fn insert_events(
    connection: &mut AnyConnection,
    rows: &[EventRow],
    now: i64,
) -> Result<(), RecordError> {
    for rows in rows.chunks(ROWS) {
        let mut insert = QueryBuilder::<Any>::new(
            "INSERT INTO event (source, source_event_id, type, customer_id, interaction_id, ticket_id, \
             occurred_at, recorded_at, body) ",
        );
        insert.push_values(rows, |mut values, row| {
            values
                .push_bind(row.source)
                .push_bind(row.source_event_id.clone())
                .push_bind(row.type_name)
                .push_bind(row.customer_id.clone())
                .push_bind(row.interaction_id.clone())
                .push_bind(row.ticket_id.clone())
                .push_bind(row.occurred_at)
                .push_bind(now)
                .push_bind(row.body.clone());
        });
        insert.push(" ON CONFLICT (source, source_event_id) DO NOTHING");
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}
