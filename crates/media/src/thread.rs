//! A media thread: the clock, the slots, the legs.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, Law, dtmf_key};

use crate::command::Command;
use crate::disk::DiskJob;
use crate::leg::Leg;
use crate::mix::MixPort;
use crate::plane::EventSink;
use crate::recorder::Recorder;
use crate::stats::{ThreadStats, TickWindow};
use crate::sys::{self, BATCH, Bell, Inbox};
use crate::transport::{Channel, Transport};
use crate::{LegId, LegStats, MediaConfig, MediaEvent};

/// Everything of one media thread; nothing of it is shared but the rings and the counters.
pub(crate) struct MediaThread {
    pub config: Arc<MediaConfig>,
    pub transport: Box<dyn Transport>,
    pub commands: Receiver<Command>,
    pub on_events: EventSink,
    pub disk: SyncSender<DiskJob>,
    pub tones: Arc<KeyTones>,
    pub stats: Arc<ThreadStats>,
    /// Rung when something is played: its first packet does not wait for the tick.
    pub bell: Arc<Bell>,
    /// Distinguishes recordings of this thread from those of others.
    pub next_recording: u64,
    pub table: Table,
    pub inbox: Inbox,
}

/// The legs by place, by id, and by the slot in which they are served.
#[derive(Default)]
pub(crate) struct Table {
    legs: Vec<Option<Box<Leg>>>,
    free: Vec<usize>,
    places: HashMap<LegId, usize>,
    slots: [Vec<usize>; SLOTS as usize],
}

/// What a leg may use while it is its turn.
pub(crate) struct Turn<'a> {
    pub now: Instant,
    /// Ticks of 5 ms since the thread began.
    pub tick: u64,
    pub config: &'a MediaConfig,
    pub transport: &'a mut dyn Transport,
    pub events: &'a mut Vec<MediaEvent>,
    pub tones: &'a KeyTones,
    pub sent: &'a mut u64,
}

/// The sixteen key tones, made once.
pub(crate) struct KeyTones(Vec<(char, Arc<[Clip]>)>);

/// What lives from one tick to the next beside the legs.
struct Work {
    ready: Vec<(usize, Channel)>,
    /// Who begins to be played to, and hears it at once.
    eager: Vec<usize>,
    /// Who goes back to which slot.
    homing: Vec<(usize, u64)>,
    /// Between two ticks.
    early: bool,
    events: Vec<MediaEvent>,
    sent: u64,
    received: u64,
}

impl MediaThread {
    /// Runs until told to shut down.
    pub fn run(mut self) {
        let mut work = Work {
            ready: Vec::new(),
            eager: Vec::new(),
            homing: Vec::new(),
            early: false,
            events: Vec::new(),
            sent: 0,
            received: 0,
        };
        let mut window = TickWindow::default();
        let start = sys::monotonic();
        let (mut due, mut tick) = (start, SLOTS);
        loop {
            due += TICK;
            let mut early = Duration::ZERO;
            while self.bell.sleep_until(due) {
                let rung = sys::monotonic();
                if rung >= due {
                    break;
                }
                if !self.run_early(tick, &mut work) {
                    return;
                }
                early += sys::monotonic().saturating_sub(rung);
            }
            tick += 1;
            let began = sys::monotonic();
            let late = began.saturating_sub(due);
            if late > MAX_LATE {
                // Too much to catch up with: media time jumps as real time did.
                let skipped = (late.as_micros() / TICK.as_micros()) as u64;
                tick += skipped;
                due += TICK * skipped as u32;
                self.stats.add_skipped(skipped);
            }
            if !self.run_tick(tick, &mut work) {
                break;
            }
            let end = sys::monotonic();
            self.stats.store_counts(self.table.places.len(), work.sent, work.received);
            window.note(late, early + end.saturating_sub(began), end.saturating_sub(start), &self.stats);
        }
    }

    /// Between two ticks, the last of which was `tick`: carries out what waits, and sends the first packet of what begins
    /// to be played. False if the thread ends.
    fn run_early(&mut self, tick: u64, work: &mut Work) -> bool {
        let now = Instant::now();
        work.early = true;
        let going_on = self.take_commands(now, tick, work);
        work.early = false;
        while let Some(place) = work.eager.pop() {
            self.with_leg(now, tick, work, place, |leg, turn, _, _| leg.tick(turn));
        }
        self.hand_over(work);
        going_on
    }

    /// Carries out the commands that wait; false if one of them is the last.
    fn take_commands(&mut self, now: Instant, tick: u64, work: &mut Work) -> bool {
        for _ in 0..MAX_COMMANDS {
            match self.commands.try_recv() {
                Ok(Command::Shutdown) | Err(TryRecvError::Disconnected) => {
                    self.close_all(now, tick, work);
                    return false;
                }
                Ok(command) => self.execute(now, tick, work, command),
                Err(TryRecvError::Empty) => break,
            }
        }
        true
    }

    fn hand_over(&mut self, work: &mut Work) {
        self.transport.flush();
        if !work.events.is_empty() {
            (self.on_events)(std::mem::take(&mut work.events));
        }
    }

    /// One tick; false if it was the last.
    fn run_tick(&mut self, tick: u64, work: &mut Work) -> bool {
        let now = Instant::now();
        let going_on = self.take_commands(now, tick, work);
        // They stand in the slot of this tick.
        work.eager.clear();
        let mut more = true;
        while more {
            more = self.transport.ready(&mut work.ready);
            while let Some((place, channel)) = work.ready.pop() {
                self.receive(now, tick, work, place, channel);
            }
        }
        let slot = (tick % SLOTS) as usize;
        for n in 0..self.table.slots[slot].len() {
            // A leg that failed has left the slot; the next has taken its number and is served in 20 ms.
            let Some(&place) = self.table.slots[slot].get(n) else { break };
            let home = self.with_leg(now, tick, work, place, |leg, turn, table, _| {
                leg.tick(turn);
                hand_round(leg, turn.now, table);
                leg.goes_home()
            });
            work.homing.extend(home.flatten().map(|slot| (place, slot)));
        }
        // After the round, so that nobody is left out of it.
        for (place, slot) in work.homing.drain(..) {
            self.table.put_in_slot(place, slot);
        }
        self.hand_over(work);
        going_on
    }

    fn receive(&mut self, now: Instant, tick: u64, work: &mut Work, place: usize, channel: Channel) {
        for _ in 0..MAX_BATCHES {
            let count = self.transport.receive(place, channel, &mut self.inbox);
            work.received += count as u64;
            if count > 0 {
                self.with_leg(now, tick, work, place, |leg, turn, table, inbox| {
                    for n in 0..count {
                        if let Some((datagram, from)) = inbox.datagram(n) {
                            take_in(leg, turn, table, channel, from, datagram);
                        }
                    }
                });
            }
            if count < BATCH {
                break;
            }
        }
    }

    /// Runs `act` for a leg, taken out of the table so that it can reach its peer. A panic costs this leg alone.
    fn with_leg<R>(
        &mut self,
        now: Instant,
        tick: u64,
        work: &mut Work,
        place: usize,
        act: impl FnOnce(&mut Leg, &mut Turn<'_>, &mut Table, &Inbox) -> R,
    ) -> Option<R> {
        let mut leg = self.table.legs.get_mut(place)?.take()?;
        let id = leg.id;
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut turn = Turn {
                now,
                tick,
                config: &self.config,
                transport: &mut *self.transport,
                events: &mut work.events,
                tones: &self.tones,
                sent: &mut work.sent,
            };
            act(&mut leg, &mut turn, &mut self.table, &self.inbox)
        }));
        if let Ok(result) = result {
            self.table.legs[place] = Some(leg);
            return Some(result);
        }
        tracing::error!(leg.id = id.0, "a fault of ours ended a leg");
        self.forget(id, place, leg.bridge.as_ref().map(|bridge| bridge.peer));
        work.events.push(MediaEvent::Failed { leg: id });
        work.events.push(MediaEvent::Closed { leg: id, stats: LegStats::default() });
        None
    }

    fn execute(&mut self, now: Instant, tick: u64, work: &mut Work, command: Command) {
        match command {
            Command::Open { leg, port } => {
                let (place, slot) = self.table.reserve();
                if let Err(error) = self.transport.add(place, port) {
                    tracing::error!(leg.id = leg.0, %error, "a leg's sockets could not be watched");
                }
                let turn = Turn {
                    now,
                    tick,
                    config: &self.config,
                    transport: &mut *self.transport,
                    events: &mut work.events,
                    tones: &self.tones,
                    sent: &mut work.sent,
                };
                self.table.insert(leg, place, slot, Leg::new(&turn, leg, place, slot));
            }
            Command::Connect { leg, remote } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| leg.connect(turn, *remote));
            }
            Command::Play { leg, play, clips, looped, append } => {
                let early = work.early;
                let eager = self.on(now, tick, work, leg, |leg, turn, table, _| {
                    let eager = leg.may_begin_now(turn, append, early);
                    leg.play(turn, play, clips, looped, append);
                    // Its first packet leaves now, not when its slot comes round.
                    let place = leg.place;
                    (eager && table.move_to_slot(place, turn.tick % SLOTS)).then(|| {
                        leg.begin_now(turn);
                        place
                    })
                });
                work.eager.extend(eager.flatten());
            }
            Command::Stop { leg } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| leg.stop(turn));
            }
            Command::SendDigits { leg, keys } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| {
                    keys.chars().for_each(|key| leg.press(turn, key));
                });
            }
            Command::Record { leg, path } => {
                self.next_recording += 1;
                let (recording, disk) = (self.next_recording, self.disk.clone());
                self.on(now, tick, work, leg, |leg, turn, _, _| {
                    leg.start_recording(Recorder::start(recording, leg.id, path, disk, turn.events));
                });
            }
            Command::StopRecording { leg } => {
                self.on(now, tick, work, leg, |leg, _, _, _| leg.stop_recording());
            }
            Command::RecordWords { leg, path } => {
                self.next_recording += 1;
                let (recording, disk) = (self.next_recording, self.disk.clone());
                self.on(now, tick, work, leg, |leg, turn, _, _| {
                    leg.start_words(Recorder::of_words(recording, leg.id, path, disk, turn.events));
                });
            }
            Command::StopWords { leg } => {
                self.on(now, tick, work, leg, |leg, _, _, _| leg.stop_words());
            }
            Command::Listen { leg, rest } => {
                self.on(now, tick, work, leg, |leg, _, _, _| leg.hear(rest));
            }
            Command::Overhear { leg, longest } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| leg.overhear(turn, longest));
            }
            Command::MuteRecording { leg, muted } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| leg.mute_recording(turn.now, muted));
            }
            Command::Bridge { a, b, forward_digits } => self.bridge(a, b, forward_digits),
            Command::Unbridge { leg } => {
                if let Some(&place) = self.table.places.get(&leg) {
                    self.unbridge(place);
                }
            }
            Command::Mix { hears } => self.mix(&hears),
            Command::Unmix { leg } => {
                if let Some(&place) = self.table.places.get(&leg)
                    && let Some(leg) = self.table.leg(place)
                {
                    leg.mix = None;
                }
            }
            Command::Stats { leg } => {
                self.on(now, tick, work, leg, |leg, turn, _, _| {
                    turn.events.push(MediaEvent::Stats { leg: leg.id, stats: leg.stats() });
                });
            }
            Command::Close { leg } => self.close(now, tick, work, leg),
            Command::Shutdown => {}
        }
    }

    fn on<R>(
        &mut self,
        now: Instant,
        tick: u64,
        work: &mut Work,
        leg: LegId,
        act: impl FnOnce(&mut Leg, &mut Turn<'_>, &mut Table, &Inbox) -> R,
    ) -> Option<R> {
        let &place = self.table.places.get(&leg)?;
        self.with_leg(now, tick, work, place, act)
    }

    fn bridge(&mut self, a: LegId, b: LegId, forward_digits: bool) {
        let (Some(&a), Some(&b)) = (self.table.places.get(&a), self.table.places.get(&b)) else { return };
        if a == b {
            return;
        }
        for (place, peer) in [(a, b), (b, a)] {
            self.unbridge(place);
            if let Some(leg) = self.table.leg(place) {
                leg.mix = None;
                leg.join(peer, forward_digits);
            }
        }
    }

    fn mix(&mut self, hears: &[(LegId, Vec<LegId>)]) {
        for (id, others) in hears {
            let Some(&place) = self.table.places.get(id) else { continue };
            self.unbridge(place);
            let by = hears.iter().filter(|(_, heard)| heard.contains(id));
            let by = by.filter_map(|(by, _)| Some((*self.table.places.get(by)?, *by))).collect();
            if let Some(leg) = self.table.leg(place) {
                leg.mix.get_or_insert_with(|| Box::new(MixPort::new())).set(by, others);
            }
        }
    }

    /// Parts a leg and whoever it is bridged to.
    fn unbridge(&mut self, place: usize) {
        let Some(bridge) = self.table.leg(place).and_then(|leg| leg.bridge.take()) else { return };
        self.part(bridge.peer, place);
    }

    /// Ends the bridge of a peer if it is the one to `place`.
    fn part(&mut self, peer: usize, place: usize) {
        if let Some(peer_leg) = self.table.leg(peer)
            && peer_leg.bridge.as_ref().is_some_and(|bridge| bridge.peer == place)
        {
            peer_leg.bridge = None;
        }
    }

    fn close(&mut self, now: Instant, tick: u64, work: &mut Work, id: LegId) {
        let Some(&place) = self.table.places.get(&id) else { return };
        self.unbridge(place);
        let stats = self.with_leg(now, tick, work, place, |leg, turn, _, _| {
            leg.close(turn);
            leg.stats()
        });
        if let Some(stats) = stats {
            work.events.push(MediaEvent::Closed { leg: id, stats });
            self.forget(id, place, None);
        }
    }

    fn close_all(&mut self, now: Instant, tick: u64, work: &mut Work) {
        let all: Vec<LegId> = self.table.places.keys().copied().collect();
        for leg in all {
            self.close(now, tick, work, leg);
        }
    }

    fn forget(&mut self, id: LegId, place: usize, peer: Option<usize>) {
        if let Some(peer) = peer {
            self.part(peer, place);
        }
        self.table.remove(id, place);
        self.transport.remove(place);
    }
}

/// What a leg heard in the last 20 ms, to those of its mix who hear it.
fn hand_round(leg: &mut Leg, now: Instant, table: &mut Table) {
    let id = leg.id;
    let Some((frame, by)) = leg.mix.as_mut().and_then(|mix| mix.due(now)) else { return };
    for &(place, listener) in by {
        if let Some(listener) = table.leg(place).filter(|leg| leg.id == listener)
            && let Some(mix) = &mut listener.mix
        {
            mix.put(id, &frame);
        }
    }
}

/// One datagram: to its leg, and on to the leg bridged to.
fn take_in(
    leg: &mut Leg,
    turn: &mut Turn<'_>,
    table: &mut Table,
    channel: Channel,
    from: std::net::SocketAddr,
    datagram: &[u8],
) {
    let accepted = leg.accept(turn, channel, from, datagram);
    let (mut peer, forward_digits) = match &leg.bridge {
        Some(bridge) => (table.leg(bridge.peer), bridge.forward_digits),
        None => (None, false),
    };
    if let (Some((packet, is_digits)), Some(peer)) = (accepted, &mut peer) {
        peer.forward(turn, &packet, leg, is_digits, forward_digits);
    }
    while let Some(key) = leg.next_key(turn) {
        if let Some(peer) = &mut peer
            && forward_digits
            && !peer.takes_events()
        {
            peer.press(turn, key);
        }
    }
}

impl Table {
    fn leg(&mut self, place: usize) -> Option<&mut Leg> {
        self.legs.get_mut(place)?.as_deref_mut()
    }

    /// A free place, and the slot with the fewest legs.
    fn reserve(&mut self) -> (usize, u64) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.legs.push(None);
            self.legs.len() - 1
        });
        let slot = (0..self.slots.len()).min_by_key(|&slot| self.slots[slot].len()).unwrap_or(0);
        (place, slot as u64)
    }

    fn insert(&mut self, id: LegId, place: usize, slot: u64, leg: Leg) {
        self.legs[place] = Some(Box::new(leg));
        self.places.insert(id, place);
        self.slots[slot as usize].push(place);
    }

    /// Moves a leg to a slot unless that one has many more legs than the emptiest; whether it stands there now.
    fn move_to_slot(&mut self, place: usize, slot: u64) -> bool {
        let slot = slot as usize;
        if self.slots[slot].contains(&place) {
            return true;
        }
        let fewest = self.slots.iter().map(Vec::len).min().unwrap_or(0);
        if self.slots[slot].len() > fewest + fewest / 4 + UNEVEN {
            return false;
        }
        self.put_in_slot(place, slot as u64);
        true
    }

    /// Moves a leg to a slot, however many are there.
    fn put_in_slot(&mut self, place: usize, slot: u64) {
        for slot in &mut self.slots {
            slot.retain(|&other| other != place);
        }
        self.slots[slot as usize].push(place);
    }

    fn remove(&mut self, id: LegId, place: usize) {
        self.places.remove(&id);
        self.legs[place] = None;
        for slot in &mut self.slots {
            slot.retain(|&other| other != place);
        }
        self.free.push(place);
    }
}

impl KeyTones {
    /// Each key for 100 ms and a pause of 60 ms, encoded for both laws.
    pub fn new() -> KeyTones {
        let clip = |key| {
            let mut samples = dtmf_key(key, Duration::from_millis(100))?;
            samples.extend(hotline_audio::silence(Duration::from_millis(60)));
            let clip = Clip::from_samples(samples);
            let _ = (clip.encoded(Law::Pcmu), clip.encoded(Law::Pcma));
            Some((key, Arc::from([clip])))
        };
        KeyTones("0123456789*#ABCD".chars().filter_map(clip).collect())
    }

    /// The tone of a key.
    pub fn of(&self, key: char) -> Option<Arc<[Clip]>> {
        let key = key.to_ascii_uppercase();
        self.0.iter().find(|(k, _)| *k == key).map(|(_, clip)| clip.clone())
    }
}

/// Slots in 20 ms.
pub(crate) const SLOTS: u64 = 4;
/// The clock's step.
const TICK: Duration = Duration::from_millis(5);
/// A slot may have this many legs, and a quarter, more than the emptiest.
const UNEVEN: usize = 16;
/// Later than this, ticks are left out.
const MAX_LATE: Duration = Duration::from_millis(200);
/// Commands taken in one tick; the rest wait for the next.
const MAX_COMMANDS: usize = 1024;
/// Batches taken from one socket in one tick: as much as its allowance of packets.
const MAX_BATCHES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn table(legs: [usize; SLOTS as usize]) -> Table {
        let mut place = 0;
        let slots = legs.map(|count| {
            place += count;
            (place - count..place).collect()
        });
        Table { slots, ..Table::default() }
    }

    #[test]
    fn a_leg_moves_to_the_slot_it_is_wanted_in() {
        let mut table = table([3, 2, 2, 2]);
        assert!(table.move_to_slot(0, 2));
        assert_eq!(table.slots.each_ref().map(Vec::len), [2, 2, 3, 2]);
        assert!(table.slots[2].contains(&0));
    }

    #[test]
    fn a_slot_with_many_more_legs_than_the_emptiest_takes_no_other() {
        let mut table = table([100 + 25 + UNEVEN + 1, 100, 100, 100]);
        assert!(!table.move_to_slot(150, 0));
        assert_eq!(table.slots[1].len(), 100);
        assert!(table.move_to_slot(150, 2));
    }
}
