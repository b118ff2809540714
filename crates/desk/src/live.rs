//! The journal as it grows, to every desktop at once: one reader for all streams.
//!
//! A page paints from a snapshot, which tells the `seq` it stands at, and follows from there. After
//! a lost connection the browser says where it was (`Last-Event-ID`) and is told what it missed, or
//! that it missed too much (`event: gap`) and has to paint anew.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::response::sse;
use hotline_record::{Engine, JournalEvent, Record};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Entries that wait for a slow reader; one that is further behind is cut off and resumes.
const WAITING: usize = 512;
/// Entries that are told to somebody who resumes; who missed more has to paint anew.
const MISSED: i64 = 10_000;
/// Entries of one look at the journal.
const LOOK: u32 = 500;
/// Commits that come within this time are one look.
const TOGETHER: Duration = Duration::from_millis(20);
/// What other servers of the same database wrote wakes nobody here.
const OTHERS: Duration = Duration::from_secs(1);
/// A stream whose session has ended is cut off within this time.
const CHECK: Duration = Duration::from_secs(30);
/// The reader rests once nobody has listened for so long.
const REST: Duration = Duration::from_secs(60);

/// What a stream is to tell.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Everything.
    pub everything: bool,
    /// What happens to these customers.
    pub customers: BTreeSet<String>,
    /// What happens in these queues.
    pub queues: BTreeSet<String>,
    /// What concerns this user.
    pub user: Option<String>,
    /// What everybody at work sees: who is where, queues, what is to be followed up.
    pub house: bool,
}

impl Filter {
    fn takes(&self, line: &Line) -> bool {
        let word = |field: &str| line.event.body.get(field).and_then(|value| value.as_str());
        self.everything
            || line.event.customer_id.as_ref().is_some_and(|id| self.customers.contains(id))
            || self
                .user
                .as_deref()
                .is_some_and(|user| ["user", "agent", "to"].iter().any(|field| word(field) == Some(user)))
            || (!self.queues.is_empty() && word("queue").is_some_and(|queue| self.queues.contains(queue)))
            || (self.house
                && ["agent.", "queue.", "follow-up."]
                    .iter()
                    .any(|kind| line.event.type_name.starts_with(kind)))
    }
}

/// An entry, written once for all streams.
struct Line {
    event: JournalEvent,
    text: String,
}

impl Line {
    fn new(event: JournalEvent) -> Self {
        let text = serde_json::to_string(&event).unwrap_or_default();
        Self { event, text }
    }

    fn frame(&self) -> sse::Event {
        sse::Event::default().id(self.event.seq.to_string()).data(&self.text)
    }
}

/// The reader and those it reads for.
#[derive(Clone)]
pub struct Live {
    record: Record,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: bool,
    /// The last entry that was told to everybody.
    seq: i64,
    next: u64,
    streams: HashMap<u64, Listener>,
}

struct Listener {
    filter: Filter,
    lines: mpsc::Sender<Arc<Line>>,
}

/// Somebody who listens.
pub struct Stream {
    live: Live,
    id: u64,
    filter: Filter,
    lines: mpsc::Receiver<Arc<Line>>,
    /// What was missed and is told first.
    missed: std::vec::IntoIter<sse::Event>,
    /// The last entry that is known or was told.
    at: i64,
    /// What is still to be read of what was missed: up to this entry.
    until: i64,
    next_check: Instant,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.live.lock().streams.remove(&self.id);
    }
}

impl Live {
    /// A reader that begins with the first stream.
    pub fn new(record: Record) -> Self {
        Self { record, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of this lock panics")
    }

    /// How many listen.
    pub fn streams(&self) -> usize {
        self.lock().streams.len()
    }

    /// Listens. `after`: the last entry that is known; `None`: from now on.
    pub async fn listen(
        &self,
        filter: Filter,
        after: Option<i64>,
    ) -> Result<Stream, hotline_record::RecordError> {
        let newest = self.record.newest_seq().await?;
        let (lines, queue) = mpsc::channel(WAITING);
        let (id, from) = {
            let mut state = self.lock();
            if !state.running {
                state.running = true;
                state.seq = newest;
                tokio::spawn(self.clone().read());
            }
            state.next += 1;
            let id = state.next;
            state.streams.insert(id, Listener { filter: filter.clone(), lines });
            (id, state.seq)
        };
        let mut stream = Stream {
            live: self.clone(),
            id,
            filter,
            lines: queue,
            missed: Vec::new().into_iter(),
            at: after.unwrap_or(from),
            until: from,
            next_check: Instant::now() + CHECK,
        };
        // A client that is ahead of the journal knows another one: of before a restored backup.
        // It missed nothing that can be counted.
        let missed = from.saturating_sub(stream.at.max(0)).max(0);
        if stream.at > newest.max(from) || missed > MISSED {
            let gap = serde_json::json!({ "seq": from, "missed": missed });
            let frame = sse::Event::default().id(from.to_string()).event("gap").data(gap.to_string());
            stream.missed = vec![frame].into_iter();
            stream.at = from;
        } else {
            let ready = serde_json::json!({ "seq": stream.at });
            stream.missed = vec![sse::Event::default().event("ready").data(ready.to_string())].into_iter();
        }
        Ok(stream)
    }

    async fn read(self) {
        let mut wake = self.record.wake_ups();
        let pause = if self.record.engine() == Engine::Postgres { OTHERS } else { OTHERS * 5 };
        let mut heard = Instant::now();
        loop {
            wake.borrow_and_update();
            let after = self.lock().seq;
            let more = match self.record.follow(after, LOOK).await {
                Ok(events) => {
                    let more = events.len() == LOOK as usize;
                    self.tell(events);
                    more
                }
                // It is tried again; the streams only wait.
                Err(error) => {
                    tracing::debug!(%error, "the journal cannot be read");
                    false
                }
            };
            {
                let mut state = self.lock();
                if !state.streams.is_empty() {
                    heard = Instant::now();
                } else if heard.elapsed() > REST {
                    state.running = false;
                    return;
                }
            }
            if more {
                continue;
            }
            tokio::select! {
                changed = wake.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    tokio::time::sleep(TOGETHER).await;
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn tell(&self, events: Vec<JournalEvent>) {
        let mut state = self.lock();
        for event in events {
            state.seq = event.seq;
            let line = Arc::new(Line::new(event));
            // Who is too slow is cut off, and resumes from the database where they were.
            state.streams.retain(|_, stream| {
                !stream.filter.takes(&line) || stream.lines.try_send(Arc::clone(&line)).is_ok()
            });
        }
    }
}

impl Stream {
    /// The next thing to tell. `None`: the stream ends.
    pub async fn next<F, Fut>(&mut self, still_known: F) -> Option<Result<sse::Event, Infallible>>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = bool>,
    {
        loop {
            if let Some(frame) = self.missed.next() {
                return Some(Ok(frame));
            }
            if self.at < self.until {
                self.read_missed().await?;
                continue;
            }
            tokio::select! {
                line = self.lines.recv() => {
                    let line = line?;
                    // What was read behind a place may have been told there already.
                    if line.event.seq > self.at {
                        self.at = line.event.seq;
                        return Some(Ok(line.frame()));
                    }
                }
                () = tokio::time::sleep_until(self.next_check) => {
                    if !still_known().await {
                        return None;
                    }
                    self.next_check = Instant::now() + CHECK;
                }
            }
        }
    }

    /// The next piece of what was missed.
    async fn read_missed(&mut self) -> Option<()> {
        let events = self.live.record.follow(self.at, LOOK).await.ok()?;
        self.at = events.last().map_or(self.until, |event| event.seq);
        let lines = events.into_iter().map(Line::new).filter(|line| self.filter.takes(line));
        self.missed = lines.map(|line| line.frame()).collect::<Vec<_>>().into_iter();
        Some(())
    }
}
