//! One leg's recording, on the media thread's side.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use hotline_audio::{FRAME, Law, decode};
use hotline_rtp::JitterBuffer;

use crate::disk::DiskJob;
use crate::{LegId, MediaEvent};

/// Brings both directions onto one clock and hands them to the disk in blocks of half a second: left the other side,
/// right we.
pub(crate) struct Recorder {
    recording: u64,
    path: PathBuf,
    heard: JitterBuffer,
    said: JitterBuffer,
    block: Vec<i16>,
    muted: bool,
    /// Sound keyed before the end of muting is still in the jitter buffers until then.
    unmuted_at: Option<Instant>,
    failed: bool,
    /// The other side alone.
    one_sided: bool,
    disk: SyncSender<DiskJob>,
}

impl Recorder {
    /// Records both sides.
    pub fn start(
        recording: u64,
        leg: LegId,
        path: PathBuf,
        disk: SyncSender<DiskJob>,
        events: &mut Vec<MediaEvent>,
    ) -> Recorder {
        Self::new(recording, leg, path, disk, events, false)
    }

    /// Records the other side alone.
    pub fn of_words(
        recording: u64,
        leg: LegId,
        path: PathBuf,
        disk: SyncSender<DiskJob>,
        events: &mut Vec<MediaEvent>,
    ) -> Recorder {
        Self::new(recording, leg, path, disk, events, true)
    }

    fn new(
        recording: u64,
        leg: LegId,
        path: PathBuf,
        disk: SyncSender<DiskJob>,
        events: &mut Vec<MediaEvent>,
        one_sided: bool,
    ) -> Recorder {
        let mut recorder = Recorder {
            recording,
            path: path.clone(),
            heard: JitterBuffer::new(MAX_DELAY),
            said: JitterBuffer::new(MAX_DELAY),
            block: Vec::with_capacity(BLOCK),
            muted: false,
            unmuted_at: None,
            failed: false,
            one_sided,
            disk,
        };
        let channels = if one_sided { 1 } else { 2 };
        if recorder.disk.try_send(DiskJob::Start { recording, leg, path, channels }).is_err() {
            recorder.fail(leg, events);
        }
        recorder
    }

    /// What the other side said.
    pub fn hear(&mut self, now: Instant, law: Law, timestamp: u32, codes: &[u8]) {
        insert(&mut self.heard, now, law, timestamp, codes);
    }

    /// What we said.
    pub fn say(&mut self, now: Instant, law: Law, timestamp: u32, codes: &[u8]) {
        insert(&mut self.said, now, law, timestamp, codes);
    }

    /// Writes silence from now on, or sound again.
    pub fn mute(&mut self, now: Instant, muted: bool) {
        if self.muted && !muted {
            self.unmuted_at = Some(now + MAX_DELAY + HANGOVER);
        }
        self.muted = muted;
    }

    /// Takes one frame of 20 ms of each side; tells if the disk cannot keep up.
    pub fn tick(&mut self, now: Instant, leg: LegId, events: &mut Vec<MediaEvent>) {
        let (mut left, mut right) = ([0; FRAME], [0; FRAME]);
        self.heard.take(now, &mut left);
        self.said.take(now, &mut right);
        if self.unmuted_at.is_some_and(|at| at <= now) {
            self.unmuted_at = None;
        }
        if self.muted || self.unmuted_at.is_some() {
            (left, right) = ([0; FRAME], [0; FRAME]);
        }
        if self.one_sided {
            self.block.extend_from_slice(&left);
        } else {
            self.block.extend(left.iter().zip(&right).flat_map(|(&left, &right)| [left, right]));
        }
        if self.block.len() >= BLOCK {
            // The block's memory goes with it; one allocation in half a second.
            let samples = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK));
            if !self.failed
                && self.disk.try_send(DiskJob::Block { recording: self.recording, samples }).is_err()
            {
                self.fail(leg, events);
            }
        }
    }

    /// Tells once that the disk cannot keep up. The disk thread ends the file when it comes to it.
    fn fail(&mut self, leg: LegId, events: &mut Vec<MediaEvent>) {
        self.failed = true;
        let _ = self.disk.try_send(DiskJob::Finish { recording: self.recording });
        let error = "the disk is too slow".to_owned();
        events.push(MediaEvent::RecordingFailed { leg, path: self.path.clone(), error });
    }

    /// Hands over what is left and ends the file.
    pub fn finish(mut self) {
        let samples = std::mem::take(&mut self.block);
        if !self.failed {
            let _ = self.disk.try_send(DiskJob::Block { recording: self.recording, samples });
            let _ = self.disk.try_send(DiskJob::Finish { recording: self.recording });
        }
    }
}

fn insert(buffer: &mut JitterBuffer, now: Instant, law: Law, timestamp: u32, codes: &[u8]) {
    let mut samples = [0; 1600];
    if let Some(samples) = samples.get_mut(..codes.len()) {
        decode(law, codes, samples);
        buffer.insert(now, timestamp, samples);
    }
}

/// Longest delay of the jitter buffers.
const MAX_DELAY: Duration = Duration::from_millis(200);
/// A key's tone may end after the key was told.
const HANGOVER: Duration = Duration::from_millis(100);
/// Half a second, left and right.
const BLOCK: usize = 25 * FRAME * 2;
