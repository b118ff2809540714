//! The one task that writes, and commits what came in the same few milliseconds together.
//!
//! Two kinds of work reach it. A *prompt* one has somebody waiting (a caller, an API request): if
//! the database does not take it, that somebody is told. A [`Deed`] has nobody waiting: it is kept
//! in memory, in order, until the database takes it, and on disk too while the database is away
//! ([`crate::spool`]); it stands there once however often it was written.

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
use crate::deed::Deed;
use crate::engine::Connector;
use crate::spool::{self, Spool};

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
/// So long deeds wait for others to be committed with.
const TOGETHER: Duration = Duration::from_millis(25);
/// Between two tries to reach a database that is away.
const RETRY: Duration = Duration::from_millis(250);
/// A connection that is lost and made anew within this time is noticed by nobody.
const AT_ONCE: Duration = Duration::from_secs(1);
/// While the database is away, what comes within this time is one write to the spool.
const GATHER: Duration = Duration::from_millis(20);
/// A group that is not committed by then is given up, with its connection: the network lost it.
const COMMIT: Duration = Duration::from_secs(10);
/// So often a group is tried again at once when others wrote at the same moment.
const COLLISIONS: u32 = 6;

impl Writer {
    /// Starts the task. `left`: what the last process could not store, which is in the spool.
    pub fn start(
        connector: Connector,
        connection: AnyConnection,
        clock: Arc<dyn Clock>,
        spool: Option<(Spool, Vec<Deed>)>,
        patience: Duration,
    ) -> Self {
        let (items, queue) = mpsc::unbounded_channel();
        let (wake, wake_ups) = watch::channel(0);
        let shared = Arc::new(Shared::default());
        let (spool, left) = spool.map_or((None, Vec::new()), |(spool, left)| (Some(spool), left));
        shared.spooled.fetch_add(left.iter().map(Deed::steps).sum(), Ordering::Relaxed);
        let on_disk = left.len();
        let task = Task {
            connector: Arc::new(connector),
            clock,
            shared: Arc::clone(&shared),
            wake,
            connection: Some(connection),
            waiting: left.into_iter().map(Item::Deed).collect(),
            spool,
            on_disk,
            spool_fails: false,
            patience,
            troubled: None,
        };
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
    connector: Arc<Connector>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    wake: watch::Sender<u64>,
    connection: Option<AnyConnection>,
    /// What is to be stored, in order.
    waiting: VecDeque<Item>,
    spool: Option<Spool>,
    /// How many of those that wait, from the first, are in the spool.
    on_disk: usize,
    /// The spool could not be written when it was tried last.
    spool_fails: bool,
    patience: Duration,
    /// Since when the database, which is there, fails on what it is given.
    troubled: Option<tokio::time::Instant>,
}

/// What became of a prompt piece of work inside a group that was committed.
type Settled = (oneshot::Sender<Result<(), RecordError>>, Result<(), RecordError>);

impl Task {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Item>) {
        // A process that ended before it could empty the file stored what was in it.
        self.empty_spool().await;
        loop {
            if self.waiting.is_empty() {
                match queue.recv().await {
                    Some(item) => self.waiting.push_back(item),
                    None => return,
                }
            }
            gather(&mut self.waiting, &mut queue).await;
            // What is in the spool is stored and forgotten there before anything that came later
            // is stored: replayed after a crash it changes nothing then.
            let ready = if self.on_disk > 0 { self.on_disk } else { self.waiting.len() };
            let mut group: Vec<Item> = self.waiting.drain(..ready.min(GROUP)).collect();
            match self.commit(&group).await {
                Ok(results) => {
                    self.came_back();
                    self.troubled = None;
                    self.on_disk = self.on_disk.saturating_sub(group.len());
                    self.settle(group, results).await;
                    self.empty_spool().await;
                    self.wake.send_modify(|commits| *commits += 1);
                }
                Err(error) => {
                    self.went_away(&error);
                    self.troubled = match error {
                        RecordError::Trouble(_) => {
                            self.troubled.or_else(|| Some(tokio::time::Instant::now()))
                        }
                        _ => None,
                    };
                    self.connection = None;
                    group.extend(self.waiting.drain(..));
                    self.waiting = group.into();
                    self.keep_on_disk().await;
                    if queue.is_closed() && queue.is_empty() && self.waiting.is_empty() {
                        return;
                    }
                    self.come_back(&mut queue).await;
                }
            }
        }
    }

    /// Connects anew, however long that takes; what is handed over meanwhile is kept.
    async fn come_back(&mut self, queue: &mut mpsc::UnboundedReceiver<Item>) {
        let connector = Arc::clone(&self.connector);
        // Mostly only the connection was lost: who asks just now need not be told about it.
        tokio::time::sleep(RETRY).await;
        if let Ok(Ok(connection)) = tokio::time::timeout(AT_ONCE, connector.connect()).await {
            self.connection = Some(connection);
            return;
        }
        let connect = async {
            loop {
                tokio::time::sleep(RETRY).await;
                if let Ok(connection) = connector.connect().await {
                    return connection;
                }
            }
        };
        tokio::pin!(connect);
        loop {
            tokio::select! {
                connection = &mut connect => {
                    self.connection = Some(connection);
                    return;
                }
                item = queue.recv() => match item {
                    Some(item) => {
                        self.waiting.push_back(item);
                        // The others of the same moment, so that they are one write.
                        tokio::time::sleep(GATHER).await;
                        while let Ok(item) = queue.try_recv() {
                            self.waiting.push_back(item);
                        }
                        self.keep_on_disk().await;
                    }
                    // No handle is left; what waits is stored if the database is back in time.
                    None => {
                        self.connection = Some(connect.await);
                        return;
                    }
                }
            }
        }
    }

    /// The database is away: whoever waits is told, and what nobody waits for is written behind
    /// what is in the spool already.
    async fn keep_on_disk(&mut self) {
        for item in std::mem::take(&mut self.waiting) {
            match item {
                Item::Prompt { done, .. } => {
                    let _ = done.send(Err(RecordError::Unavailable("see the log".into())));
                }
                other => self.waiting.push_back(other),
            }
        }
        let Some(mut spool) = self.spool.take() else { return };
        let deeds = self.waiting.iter().skip(self.on_disk).filter_map(|item| match item {
            Item::Deed(deed) => Some(deed),
            _ => None,
        });
        let lines = spool::lines(deeds);
        let path = spool.path().to_owned();
        // A disk may be slow: the calls go on meanwhile.
        let written = tokio::task::spawn_blocking(move || {
            let written = if lines.is_empty() { Ok(()) } else { spool.append(&lines) };
            (spool, written)
        });
        // The task is ended with the runtime only.
        let Ok((spool, written)) = written.await else { return };
        self.spool = Some(spool);
        match written {
            Ok(()) => {
                self.on_disk = self.waiting.len();
                if std::mem::take(&mut self.spool_fails) {
                    tracing::warn!(spool = %path.display(), "the spool is written again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.spool_fails, true) {
                    tracing::error!(
                        spool = %path.display(),
                        %error,
                        "the spool cannot be written: calls go on, and what the database cannot take is kept in memory only"
                    );
                }
            }
        }
    }

    /// Empties the spool once the database has everything that is in it.
    async fn empty_spool(&mut self) {
        if self.on_disk > 0 || self.spool.as_ref().is_none_or(Spool::is_empty) {
            return;
        }
        let Some(mut spool) = self.spool.take() else { return };
        let path = spool.path().to_owned();
        let cleared = tokio::task::spawn_blocking(move || {
            let cleared = spool.clear();
            (spool, cleared)
        });
        let Ok((spool, cleared)) = cleared.await else { return };
        self.spool = Some(spool);
        if let Err(error) = cleared {
            tracing::error!(spool = %path.display(), %error, "the spool cannot be emptied: it is tried again");
        }
    }

    fn came_back(&self) {
        if self.shared.away.swap(false, Ordering::Relaxed) {
            tracing::warn!(spooled = self.shared.spooled.load(Ordering::Relaxed), "the database is back");
        }
    }

    fn went_away(&self, error: &RecordError) {
        if !self.shared.away.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the database does not take what is written: calls go on, what they leave is kept");
        }
    }

    async fn settle(&mut self, items: Vec<Item>, results: Vec<Option<RecordError>>) {
        let mut settled: Vec<Settled> = Vec::new();
        let mut refused = Vec::new();
        let mut flushed = Vec::new();
        for (item, result) in items.into_iter().zip(results) {
            match item {
                Item::Prompt { done, .. } => settled.push((done, result.map_or(Ok(()), Err))),
                Item::Deed(deed) => {
                    self.shared.spooled.fetch_sub(deed.steps(), Ordering::Relaxed);
                    if let Some(error) = result {
                        tracing::error!(%error, steps = deed.steps(), "a piece of a call's record was refused by the database");
                        refused.push(deed);
                    }
                }
                Item::Flush(done) => flushed.push(done),
            }
        }
        for (done, result) in settled {
            let _ = done.send(result);
        }
        self.lay_aside(refused).await;
        // Only now is everything where it stays.
        for done in flushed {
            let _ = done.send(());
        }
    }

    /// Puts what the database refused beside the spool, for a human.
    async fn lay_aside(&mut self, refused: Vec<Deed>) {
        let Some(path) = self.spool.as_ref().filter(|_| !refused.is_empty()).map(Spool::refused) else {
            return;
        };
        let lines = spool::lines(refused.iter());
        let laid = tokio::task::spawn_blocking(move || {
            spool::lay_aside(&path, &lines).map_err(|error| (path.display().to_string(), error))
        });
        if let Ok(Err((file, error))) = laid.await {
            tracing::error!(file, %error, "what the database refused cannot be laid aside: it is lost");
        }
    }

    /// Stores a group in one transaction. `Err`: nothing of it is stored, as far as is known.
    async fn commit(&mut self, items: &[Item]) -> Result<Vec<Option<RecordError>>, RecordError> {
        let mut collisions = 0;
        // What it has failed on for long is left out, and the others are stored.
        let patient = self.troubled.is_none_or(|since| since.elapsed() < self.patience);
        let mut alone = !patient;
        loop {
            let connection = match &mut self.connection {
                Some(connection) => connection,
                none => none.insert(self.connector.connect().await?),
            };
            let group = Group {
                items,
                begin: self.connector.engine.begin(),
                now: self.clock.now().as_microsecond(),
                patient,
            };
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

/// Adds what came meanwhile. Deeds wait a moment for others, so that those of many calls share a
/// transaction; as soon as somebody waits for an answer nothing waits.
async fn gather(waiting: &mut VecDeque<Item>, queue: &mut mpsc::UnboundedReceiver<Item>) {
    let until = tokio::time::Instant::now() + TOGETHER;
    loop {
        while waiting.len() < GROUP
            && let Ok(item) = queue.try_recv()
        {
            waiting.push_back(item);
        }
        if waiting.len() >= GROUP || !waiting.iter().all(|item| deed(item).is_some()) {
            return;
        }
        match tokio::time::timeout_at(until, queue.recv()).await {
            Ok(Some(item)) => waiting.push_back(item),
            Ok(None) | Err(_) => return,
        }
    }
}

/// Items that are committed together.
struct Group<'a> {
    items: &'a [Item],
    begin: &'static str,
    now: i64,
    /// Whether the trouble of one is the trouble of all.
    patient: bool,
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
                // Deeds of many calls that came one behind the other share their statements.
                let deeds: Vec<&Deed> = rest.iter().map_while(deed).collect();
                if deeds.is_empty() {
                    self.run_item(connection, item).await?;
                    rest = behind;
                } else {
                    Deed::store(&deeds, connection, self.now).await?;
                    rest = &rest[deeds.len()..];
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
            Item::Deed(deed) => Deed::store(&[deed], connection, self.now).await,
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
            Err(error)
                if error.is_passing() && (self.patient || !matches!(error, RecordError::Trouble(_))) =>
            {
                return Err(error);
            }
            Err(error) => {
                connection.execute("ROLLBACK TO SAVEPOINT item").await?;
                Some(error)
            }
        };
        connection.execute("RELEASE SAVEPOINT item").await?;
        Ok(refused)
    }
}

const fn deed(item: &Item) -> Option<&Deed> {
    match item {
        Item::Deed(deed) => Some(deed),
        Item::Prompt { .. } | Item::Flush(_) => None,
    }
}
