//! The disk thread: recordings to WAV files, so that no media thread ever waits for a disk.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use hotline_audio::{RATE_HZ, duration_of};
use hound::{SampleFormat, WavSpec, WavWriter};

use crate::plane::EventSink;
use crate::{LegId, MediaEvent};

/// A job for the disk thread.
#[derive(Debug)]
pub(crate) enum DiskJob {
    Start {
        recording: u64,
        leg: LegId,
        path: PathBuf,
        /// Two: left and right; one: the other side alone.
        channels: u16,
    },
    /// Left and right in turn where there are two channels, 8 kHz.
    Block {
        recording: u64,
        samples: Vec<i16>,
    },
    Finish {
        recording: u64,
    },
    Shutdown,
}

/// Starts the thread. Its ring holds blocks of half a second; a full ring is a disk too slow.
pub(crate) fn start(on_events: EventSink) -> io::Result<(SyncSender<DiskJob>, JoinHandle<()>)> {
    let (jobs, queue) = sync_channel(RING);
    let thread = thread::Builder::new().name("hotline-disk".into()).spawn(move || run(&queue, &on_events))?;
    Ok((jobs, thread))
}

/// A recording on its way to its file.
struct Writing {
    leg: LegId,
    path: PathBuf,
    wav: WavWriter<BufWriter<File>>,
    blocks: u32,
}

fn run(queue: &Receiver<DiskJob>, on_events: &EventSink) {
    let mut open: HashMap<u64, Writing> = HashMap::new();
    for job in queue {
        match job {
            DiskJob::Start { recording, leg, path, channels } => match create(&path, channels) {
                Ok(wav) => {
                    open.insert(recording, Writing { leg, path, wav, blocks: 0 });
                }
                Err(error) => on_events(vec![failed(leg, path, &error)]),
            },
            DiskJob::Block { recording, samples } => {
                if let Some(writing) = open.get_mut(&recording)
                    && let Err(error) = writing.write(&samples)
                    && let Some(writing) = open.remove(&recording)
                {
                    // What was written before stays a valid file by its last header.
                    on_events(vec![failed(writing.leg, writing.path, &error)]);
                }
            }
            DiskJob::Finish { recording } => {
                if let Some(writing) = open.remove(&recording) {
                    on_events(vec![writing.finish()]);
                }
            }
            DiskJob::Shutdown => break,
        }
    }
    let ended: Vec<_> = open.into_values().map(Writing::finish).collect();
    if !ended.is_empty() {
        on_events(ended);
    }
}

impl Writing {
    fn write(&mut self, samples: &[i16]) -> hound::Result<()> {
        for &sample in samples {
            self.wav.write_sample(sample)?;
        }
        self.blocks += 1;
        // The header is brought up to date with every second of sound: after a crash the file is valid up to there.
        if self.blocks.is_multiple_of(2) { self.wav.flush() } else { Ok(()) }
    }

    fn finish(self) -> MediaEvent {
        let Writing { leg, path, wav, .. } = self;
        let duration = duration_of(wav.duration() as usize);
        match wav.finalize() {
            Ok(()) => MediaEvent::RecordingDone { leg, path, duration },
            Err(error) => failed(leg, path, &error),
        }
    }
}

/// Makes the file, readable by its owner and group alone: it holds people's voices.
fn create(path: &Path, channels: u16) -> hound::Result<WavWriter<BufWriter<File>>> {
    let spec =
        WavSpec { channels, sample_rate: RATE_HZ, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(path)?;
    let mut wav = WavWriter::new(BufWriter::new(file), spec)?;
    wav.flush()?;
    Ok(wav)
}

fn failed(leg: LegId, path: PathBuf, error: &hound::Error) -> MediaEvent {
    MediaEvent::RecordingFailed { leg, path, error: error.to_string() }
}

/// Jobs waiting: 1,000 recordings may be two seconds behind.
const RING: usize = 4096;
