//! What the engine holds: commands in, events out.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, Law};

use crate::command::Command;
use crate::disk::{self, DiskJob};
use crate::ports::PortPool;
use crate::stats::{ThreadSnapshot, ThreadStats};
use crate::sys::Bell;
use crate::thread::{KeyTones, MediaThread, Table};
use crate::transport::{SocketPerLeg, Transport};
use crate::{LegId, MediaConfig, MediaEvent, PlayId, Remote, sys};

/// Where events go: called on media threads at most once a tick, and on the disk thread. It must not block.
pub(crate) type EventSink = Arc<dyn Fn(Vec<MediaEvent>) + Send + Sync>;

/// The media threads and their disk thread. All calls return at once; they can be made from any thread or task.
///
/// Commands for one leg are carried out in the order they were given, within 5 ms; what is played begins at once where
/// nothing else was heard. Dropping the plane closes all legs and
/// waits for the threads.
pub struct MediaPlane {
    config: Arc<MediaConfig>,
    threads: Vec<Handle>,
    disk: Option<(SyncSender<DiskJob>, JoinHandle<()>)>,
    /// Held for moments, never by a media thread.
    book: Mutex<Book>,
}

struct Handle {
    commands: SyncSender<Command>,
    stats: Arc<ThreadStats>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// Which leg is where.
struct Book {
    legs: HashMap<LegId, Entry>,
    calls: HashMap<u64, OnThread>,
    ports: PortPool,
    /// Legs on each thread.
    load: Vec<usize>,
}

#[derive(Clone, Copy)]
struct Entry {
    thread: usize,
    call: u64,
    law: Option<Law>,
}

struct OnThread {
    thread: usize,
    legs: usize,
}

/// A leg's own side, for its SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where we receive RTP; RTCP is on the next port.
    pub addr: SocketAddr,
}

/// Why a command was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The leg is not open.
    #[error("leg {} is not open", .0.0)]
    NoLeg(LegId),
    /// The leg is open already.
    #[error("leg {} is open already", .0.0)]
    Taken(LegId),
    /// The thread's ring is full: the machine is overloaded.
    #[error("the media thread does not keep up")]
    Busy,
    /// The legs are on different threads: they were opened with different call numbers.
    #[error("legs {} and {} belong to different calls", .0.0, .1.0)]
    Apart(LegId, LegId),
    /// No port could be bound.
    #[error("no RTP port could be bound")]
    NoPort(#[source] io::Error),
    /// Threads or their resources could not be had.
    #[error("media threads could not be started")]
    Start(#[source] io::Error),
}

impl MediaPlane {
    /// Starts the threads. `on_events` is called on them, at most once in a tick of 5 ms each, and must not block: hand
    /// the batch to an unbounded channel or a ring.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn start(
        config: MediaConfig,
        on_events: impl Fn(Vec<MediaEvent>) + Send + Sync + 'static,
    ) -> Result<MediaPlane, MediaError> {
        let config = Arc::new(config);
        let on_events: EventSink = Arc::new(on_events);
        let files = sys::raise_file_limit();
        let (ports, give_back) = PortPool::new(&config);
        let (jobs, disk_thread) = disk::start(on_events.clone()).map_err(MediaError::Start)?;
        let tones = Arc::new(KeyTones::new());
        let count = config.threads.max(1);
        let mut threads = Vec::with_capacity(count);
        for n in 0..count {
            let (commands, queue) = sync_channel(RING);
            let (stats, bell) = (Arc::new(ThreadStats::default()), Arc::new(Bell::default()));
            let transport = SocketPerLeg::new(give_back.clone()).map_err(MediaError::Start)?;
            tracing::info!(
                thread = n,
                backend = transport.name(),
                pinned = config.pin,
                files,
                "media thread starts"
            );
            let thread = MediaThread {
                config: config.clone(),
                transport: Box::new(transport),
                commands: queue,
                on_events: on_events.clone(),
                disk: jobs.clone(),
                tones: tones.clone(),
                stats: stats.clone(),
                bell: bell.clone(),
                next_recording: (n as u64) << 48,
                table: Table::default(),
                inbox: sys::Inbox::new(),
            };
            let pin = config.pin;
            let thread = thread::Builder::new()
                .name(format!("hotline-media-{n}"))
                .spawn(move || {
                    if pin && let Err(error) = sys::pin_to_core(n) {
                        tracing::warn!(%error, "a media thread could not be pinned to its core");
                    }
                    thread.run();
                })
                .map_err(MediaError::Start)?;
            threads.push(Handle { commands, stats, bell, thread: Some(thread) });
        }
        let book = Book { legs: HashMap::new(), calls: HashMap::new(), ports, load: vec![0; count] };
        Ok(MediaPlane { config, threads, disk: Some((jobs, disk_thread)), book: Mutex::new(book) })
    }

    /// Opens a leg: binds its port. All legs of a `call` are on one thread, the least loaded for a new call. Nothing is
    /// sent or accepted before `connect`.
    ///
    /// # Errors
    /// If the leg is open, no port is free, or the thread is overloaded.
    pub fn open(&self, leg: LegId, call: u64) -> Result<LocalMedia, MediaError> {
        let mut book = self.book();
        if book.legs.contains_key(&leg) {
            return Err(MediaError::Taken(leg));
        }
        let port = book.ports.bind(Instant::now(), &self.config).map_err(MediaError::NoPort)?;
        let addr = port.addr;
        let thread = match book.calls.get(&call) {
            Some(on) => on.thread,
            None => (0..book.load.len()).min_by_key(|&n| book.load[n]).unwrap_or(0),
        };
        if let Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) =
            self.threads[thread].commands.try_send(Command::Open { leg, port })
        {
            if let Command::Open { port, .. } = refused {
                book.ports.take_back(port);
            }
            return Err(MediaError::Busy);
        }
        book.calls.entry(call).or_insert(OnThread { thread, legs: 0 }).legs += 1;
        book.load[thread] += 1;
        book.legs.insert(leg, Entry { thread, call, law: None });
        Ok(LocalMedia { addr })
    }

    /// Tells the other side's description; again after a re-INVITE.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn connect(&self, leg: LegId, remote: Remote) -> Result<(), MediaError> {
        let thread = {
            let mut book = self.book();
            let entry = book.legs.get_mut(&leg).ok_or(MediaError::NoLeg(leg))?;
            entry.law = Some(remote.codec.law());
            entry.thread
        };
        self.send(thread, Command::Connect { leg, remote: Box::new(remote) })
    }

    /// Plays clips in place of whatever plays. `PlayDone` tells the end.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn play(&self, leg: LegId, play: PlayId, clips: impl Into<Arc<[Clip]>>) -> Result<(), MediaError> {
        self.start_playing(leg, play, clips.into(), false, false)
    }

    /// Plays clips after whatever plays, without a gap.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn enqueue(&self, leg: LegId, play: PlayId, clips: impl Into<Arc<[Clip]>>) -> Result<(), MediaError> {
        self.start_playing(leg, play, clips.into(), false, true)
    }

    /// Plays clips over and over (music, ringing) until `stop` or another `play`.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn play_loop(
        &self,
        leg: LegId,
        play: PlayId,
        clips: impl Into<Arc<[Clip]>>,
    ) -> Result<(), MediaError> {
        self.start_playing(leg, play, clips.into(), true, false)
    }

    /// Ends all playing at the next frame.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn stop(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Stop { leg })
    }

    /// Keys to the other side: by telephone-event where negotiated, else as tones. Other characters are left out.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn send_digits(&self, leg: LegId, keys: &str) -> Result<(), MediaError> {
        self.to_leg(leg, Command::SendDigits { leg, keys: keys.to_owned() })
    }

    /// Records to a WAV file, left the other side, right we. The folder must exist. A recording that runs is ended.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded; what the disk says comes as `RecordingFailed`.
    pub fn start_recording(&self, leg: LegId, path: impl AsRef<Path>) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Record { leg, path: path.as_ref().to_owned() })
    }

    /// Ends the recording; `RecordingDone` tells when it is on disk.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn stop_recording(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::StopRecording { leg })
    }

    /// Records the other side alone to a WAV file of one channel, beside whatever recording runs. The folder must exist.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded; what the disk says comes as `RecordingFailed`.
    pub fn record_words(&self, leg: LegId, path: impl AsRef<Path>) -> Result<(), MediaError> {
        self.to_leg(leg, Command::RecordWords { leg, path: path.as_ref().to_owned() })
    }

    /// Ends that recording; `RecordingDone` tells when it is on disk.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn stop_words(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::StopWords { leg })
    }

    /// Tells what is heard of the other side from now on, as `Heard`: silence no shorter than `rest` is one. `None`: it is
    /// listened to no longer.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn listen(&self, leg: LegId, rest: Option<Duration>) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Listen { leg, rest })
    }

    /// Gives what the other side says in pieces no longer than this, as `Overheard`, while it is listened to. They are kept
    /// in memory alone. `None`: it is overheard no longer; the last piece follows, were it empty.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn overhear(&self, leg: LegId, longest: Option<Duration>) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Overhear { leg, longest })
    }

    /// Records silence while something secret is keyed or said; time goes on in the file.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn mute_recording(&self, leg: LegId, muted: bool) -> Result<(), MediaError> {
        self.to_leg(leg, Command::MuteRecording { leg, muted })
    }

    /// Joins two legs of one call: each hears the other while nothing is played to it. Keys are always told as events;
    /// `forward_digits` says whether the other leg gets them as well.
    ///
    /// # Errors
    /// If a leg is not open, the legs are on different threads, or the thread is overloaded.
    pub fn bridge(&self, a: LegId, b: LegId, forward_digits: bool) -> Result<(), MediaError> {
        let (first, second) = (self.entry(a)?, self.entry(b)?);
        if first.thread != second.thread {
            return Err(MediaError::Apart(a, b));
        }
        self.send(first.thread, Command::Bridge { a, b, forward_digits })
    }

    /// Parts a leg from the one it is bridged to.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn unbridge(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Unbridge { leg })
    }

    /// Lets several legs of one call hear each other as told: each leg with those it hears. A leg that was bridged is
    /// parted; legs of an earlier mix that are not named leave it by [`MediaPlane::unmix`]. Keys are told as events and
    /// go to nobody else.
    ///
    /// # Errors
    /// If a leg is not open, the legs are on different threads, or the thread is overloaded.
    pub fn mix(&self, hears: &[(LegId, &[LegId])]) -> Result<(), MediaError> {
        let Some(&(first, _)) = hears.first() else { return Ok(()) };
        let thread = self.entry(first)?.thread;
        for &(leg, _) in hears {
            if self.entry(leg)?.thread != thread {
                return Err(MediaError::Apart(first, leg));
            }
        }
        let hears = hears.iter().map(|(leg, others)| (*leg, others.to_vec())).collect();
        self.send(thread, Command::Mix { hears })
    }

    /// Takes a leg out of its mix; the others go on.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn unmix(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Unmix { leg })
    }

    /// Asks for the counts so far; the answer is the event `Stats`.
    ///
    /// # Errors
    /// If the leg is not open or the thread is overloaded.
    pub fn stats(&self, leg: LegId) -> Result<(), MediaError> {
        self.to_leg(leg, Command::Stats { leg })
    }

    /// Closes a leg; `Closed` with its counts is its last event. The id cannot be used any more from here on.
    ///
    /// # Errors
    /// If the leg is not open, or the thread is overloaded; then the leg stays open and `close` must be repeated.
    pub fn close(&self, leg: LegId) -> Result<(), MediaError> {
        let mut book = self.book();
        let entry = *book.legs.get(&leg).ok_or(MediaError::NoLeg(leg))?;
        self.send(entry.thread, Command::Close { leg })?;
        book.legs.remove(&leg);
        book.load[entry.thread] -= 1;
        if let Some(on) = book.calls.get_mut(&entry.call) {
            on.legs -= 1;
            if on.legs == 0 {
                book.calls.remove(&entry.call);
            }
        }
        Ok(())
    }

    /// How each media thread keeps its time, for metrics and overload control.
    #[must_use]
    pub fn threads(&self) -> Vec<ThreadSnapshot> {
        self.threads.iter().map(|handle| handle.stats.snapshot()).collect()
    }

    fn start_playing(
        &self,
        leg: LegId,
        play: PlayId,
        clips: Arc<[Clip]>,
        looped: bool,
        append: bool,
    ) -> Result<(), MediaError> {
        let entry = self.entry(leg)?;
        // Encoded here if nobody has yet, so that the media thread does not have to.
        for clip in clips.iter() {
            for law in [Law::Pcmu, Law::Pcma] {
                if entry.law.is_none_or(|known| known == law) {
                    let _ = clip.encoded(law);
                }
            }
        }
        self.send(entry.thread, Command::Play { leg, play, clips, looped, append })?;
        self.threads[entry.thread].bell.ring();
        Ok(())
    }

    fn to_leg(&self, leg: LegId, command: Command) -> Result<(), MediaError> {
        self.send(self.entry(leg)?.thread, command)
    }

    fn entry(&self, leg: LegId) -> Result<Entry, MediaError> {
        self.book().legs.get(&leg).copied().ok_or(MediaError::NoLeg(leg))
    }

    fn send(&self, thread: usize, command: Command) -> Result<(), MediaError> {
        self.threads[thread].commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => MediaError::Busy,
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for MediaPlane {
    fn drop(&mut self) {
        for handle in &mut self.threads {
            // A full ring drains within a tick, so waiting for room is short.
            let _ = handle.commands.send(Command::Shutdown);
            if let Some(thread) = handle.thread.take() {
                let _ = thread.join();
            }
        }
        if let Some((jobs, thread)) = self.disk.take() {
            let _ = jobs.send(DiskJob::Shutdown);
            let _ = thread.join();
        }
    }
}

/// Commands waiting for a tick.
const RING: usize = 4096;
