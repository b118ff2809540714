//! The one task that writes, and commits what came in the same few milliseconds together.
//!
//! Two kinds of work reach it. A *prompt* one has somebody waiting (a caller, an API request): if
//! the database does not take it, that somebody is told. A [`Deed`] has nobody waiting: it is kept
//! in memory, in order, until the database takes it, and stands there once however often it was
//! written.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotline_model::Clock;
use sqlx::{AnyConnection, Executor};
use tokio::sync::{mpsc, oneshot, watch};

use crate::RecordError;
use crate::deed::{Deed, EventRow, insert_events};
use crate::engine::Connector;

/// What a piece of work gives back when it runs on the connection.
pub(crate) type Ran<'c, T> = Pin<Box<dyn Future<Output = Result<T, RecordError>> + Send + 'c>>;
type Work = Box<dyn for<'c> Fn(&'c mut AnyConnection) -> Ran<'c, ()> + Send + Sync>;

enum Item {
    Prompt {
        work: Work,
        done: oneshot::Sender<Result<(), RecordError>>,
    },
    /// To be stored once the database is there, after the deeds before it.
    Deed(Deed),
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

/// How many steps are kept while the database is away: at 30 calls a second with 20 steps each, a
/// good two minutes more than the 60 s promised.
const SPOOL_LIMIT: usize = 120_000;
/// At most this many items are committed together.
const GROUP: usize = 512;
/// Between two tries to reach a database that is away.
const RETRY: Duration = Duration::from_millis(250);
/// A group that is not committed by then is given up, with its connection: the network lost it.
const COMMIT: Duration = Duration::from_secs(25);
/// So often a group is tried again at once when others wrote at the same moment.
const COLLISIONS: u32 = 6;

impl Writer {
    pub fn start(connector: Connector, connection: AnyConnection, clock: Arc<dyn Clock>) -> Self {
        let (items, queue) = mpsc::unbounded_channel();
        let (wake, wake_ups) = watch::channel(0);
        let shared = Arc::new(Shared::default());
        let connection = Some(connection);
        let task = Task { connector, clock, shared: Arc::clone(&shared), wake, connection };
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

    /// Stores a deed behind those that were handed over before, sooner or later.
    pub fn keep(&self, deed: Deed) {
        let count = deed.steps();
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
        let _ = self.items.send(Item::Deed(deed));
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
            match self.commit(&waiting.make_contiguous()[..group]).await {
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
                Item::Deed(deed) => {
                    self.shared.spooled.fetch_sub(deed.steps(), Ordering::Relaxed);
                    if let Some(error) = result {
                        tracing::error!(%error, steps = deed.steps(), "a piece of a call's record was refused by the database");
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

    /// Stores a group in one transaction. `Err`: nothing of it is stored, as far as is known.
    async fn commit(&mut self, items: &[Item]) -> Result<Vec<Option<RecordError>>, RecordError> {
        let mut collisions = 0;
        let mut alone = false;
        loop {
            let connection = match &mut self.connection {
                Some(connection) => connection,
                none => none.insert(self.connector.connect().await?),
            };
            let group =
                Group { items, begin: self.connector.engine.begin(), now: self.clock.now().as_microsecond() };
            let result = match tokio::time::timeout(COMMIT, group.run(connection, alone)).await {
                Ok(result) => result,
                Err(_) => {
                    self.connection = None;
                    return Err(RecordError::Unavailable(format!("no answer within {} s", COMMIT.as_secs())));
                }
            };
            let error = match result {
                Ok(results) => return Ok(results),
                Err(error) => error,
            };
            // The transaction may still be open on a connection that is kept.
            let undone = connection.execute("ROLLBACK").await.is_ok();
            match error {
                RecordError::Collision(code) if collisions < COLLISIONS => {
                    collisions += 1;
                    tracing::debug!(code, collisions, "others wrote at the same moment: tried again");
                    let pause = Duration::from_millis(5 << collisions);
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.5))).await;
                }
                RecordError::Collision(code) => {
                    return Err(RecordError::Unavailable(format!(
                        "others write the same again and again (code {code})"
                    )));
                }
                // One of the group is refused: each in a savepoint of its own tells which.
                error if !error.is_passing() && !alone && undone => alone = true,
                error => return Err(error),
            }
        }
    }
}

/// Items that are committed together.
struct Group<'a> {
    items: &'a [Item],
    begin: &'static str,
    now: i64,
}

impl Group<'_> {
    /// Runs and commits them. `alone`: each in a savepoint of its own, so that one that is refused
    /// leaves the others; else the first refusal is the group's, which costs a statement or two
    /// less for each of them.
    async fn run(
        &self,
        connection: &mut AnyConnection,
        alone: bool,
    ) -> Result<Vec<Option<RecordError>>, RecordError> {
        connection.execute(self.begin).await?;
        let mut results = Vec::with_capacity(self.items.len());
        if alone {
            for item in self.items {
                results.push(self.run_alone(connection, item).await?);
            }
        } else {
            let mut rest = self.items;
            while let [item, behind @ ..] = rest {
                rest = behind;
                if let Item::Deed(Deed::Steps(_)) = item {
                    // Steps of many calls that came one behind the other are one statement.
                    let first = self.items.len() - rest.len() - 1;
                    let count = self.items[first..].iter().take_while(|item| steps(item).is_some()).count();
                    let rows: Vec<&EventRow> =
                        self.items[first..first + count].iter().filter_map(steps).flatten().collect();
                    insert_events(connection, &rows, self.now).await?;
                    rest = &self.items[first + count..];
                } else {
                    self.run_item(connection, item).await?;
                }
            }
            results.resize_with(self.items.len(), || None);
        }
        connection.execute("COMMIT").await?;
        Ok(results)
    }

    async fn run_item(&self, connection: &mut AnyConnection, item: &Item) -> Result<(), RecordError> {
        match item {
            Item::Prompt { work, .. } => work(connection).await,
            Item::Deed(deed) => deed.store(connection, self.now).await,
            Item::Flush(_) => Ok(()),
        }
    }

    async fn run_alone(
        &self,
        connection: &mut AnyConnection,
        item: &Item,
    ) -> Result<Option<RecordError>, RecordError> {
        connection.execute("SAVEPOINT item").await?;
        let refused = match self.run_item(connection, item).await {
            Ok(()) => None,
            // The database itself is the trouble: the whole group is tried again later.
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => {
                connection.execute("ROLLBACK TO SAVEPOINT item").await?;
                Some(error)
            }
        };
        connection.execute("RELEASE SAVEPOINT item").await?;
        Ok(refused)
    }
}

/// The rows of an item that is steps.
fn steps(item: &Item) -> Option<&Vec<EventRow>> {
    match item {
        Item::Deed(Deed::Steps(rows)) => Some(rows),
        _ => None,
    }
}
