//! Words of the caller that a plan records: a beep, then the caller's side alone, until they stop.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, Heard};
use hotline_dialplan::{Answer, Event, OpId};
use hotline_media::PlayId;
use hotline_model::{CallId, Pii, StepEvent};
use hotline_record::{CallStep, NewWords};

use super::Call;

/// The beep has a play id of its own.
pub(super) const BEEP: PlayId = PlayId(u64::MAX / 2 + 2);

/// Words that are being recorded.
pub(super) struct Words {
    op: OpId,
    step: String,
    name: String,
    file: String,
    longest: Duration,
    silence: Duration,
    stage: Stage,
}

enum Stage {
    /// The beep is heard.
    Beep,
    /// Since then, and whether anybody has spoken.
    Recording { since: Instant, spoke: bool },
    /// The file is being ended: how long the words are; none if nobody spoke.
    Ending(Option<Duration>),
}

impl Words {
    fn deadline(&self) -> Option<Instant> {
        let Stage::Recording { since, spoke } = self.stage else { return None };
        Some(since + if spoke { self.longest } else { self.longest.min(self.silence * 2) })
    }
}

impl Call {
    /// The plan wants words.
    pub(super) fn record_words(
        &mut self,
        op: OpId,
        step: String,
        name: String,
        longest: Duration,
        silence: Duration,
    ) {
        let file = file_of(self.id, &name);
        self.words = Some(Words { op, step, name, file, longest, silence, stage: Stage::Beep });
        if self.house.media.plane.play(self.media, BEEP, vec![beep()]).is_err() {
            self.words_failed("the beep cannot be played");
        }
    }

    /// The beep is over: from here on it is recorded.
    pub(super) fn beep_ended(&mut self) {
        let Some(words) = &mut self.words else { return };
        if !matches!(words.stage, Stage::Beep) {
            return;
        }
        words.stage = Stage::Recording { since: Instant::now(), spoke: false };
        let path = self.house.words.join(&words.file);
        let silence = words.silence;
        self.store_words(0);
        let plane = &self.house.media.plane;
        let began =
            std::fs::create_dir_all(&self.house.words).map_err(|error| error.to_string()).and_then(|()| {
                plane
                    .record_words(self.media, path)
                    .and_then(|()| plane.listen(self.media, Some(silence)))
                    .map_err(|error| error.to_string())
            });
        if let Err(error) = began {
            self.words_failed(&error);
        }
    }

    /// Something was heard while words are recorded; `false` if none are.
    pub(super) fn words_heard(&mut self, what: Heard) -> bool {
        let Some(words) = &mut self.words else { return false };
        let Stage::Recording { since, spoke } = &mut words.stage else { return false };
        match what {
            Heard::Speech => *spoke = true,
            Heard::Rest if *spoke => {
                let length = since.elapsed().saturating_sub(words.silence);
                self.end_recording(Some(length));
            }
            Heard::Rest | Heard::Tone(_) => {}
        }
        true
    }

    /// The caller pressed the key that ends them.
    pub(super) fn end_words(&mut self, op: OpId) {
        let Some(words) = self.words.as_ref().filter(|words| words.op == op) else { return };
        match words.stage {
            Stage::Recording { since, spoke } => self.end_recording(spoke.then(|| since.elapsed())),
            Stage::Beep => {
                let _ = self.house.media.plane.stop(self.media);
                self.words = None;
                self.tell(Event::Answer { op, answer: Answer::Empty });
            }
            Stage::Ending(_) => {}
        }
    }

    /// When words that are being recorded have lasted for long enough.
    pub(super) fn words_wake(&self) -> Option<Instant> {
        self.words.as_ref().and_then(Words::deadline)
    }

    pub(super) fn words_timeout(&mut self, now: Instant) {
        let Some(words) = &self.words else { return };
        if words.deadline().is_some_and(|deadline| deadline <= now)
            && let Stage::Recording { since, spoke } = words.stage
        {
            self.end_recording(spoke.then(|| since.elapsed()));
        }
    }

    fn end_recording(&mut self, length: Option<Duration>) {
        let Some(words) = &mut self.words else { return };
        words.stage = Stage::Ending(length);
        let plane = &self.house.media.plane;
        let _ = plane.listen(self.media, None);
        if let Err(error) = plane.stop_words(self.media) {
            self.words_failed(&error.to_string());
        }
    }

    /// A file is on disk; `false` if it is another one.
    pub(super) fn words_on_disk(&mut self, path: &Path) -> bool {
        let Some(words) = self.words.take_if(|words| path.ends_with(&words.file)) else { return false };
        let Words { op, name, file, stage, .. } = words;
        let answer = match stage {
            Stage::Ending(Some(length)) => {
                self.keep_words(name, file, length);
                Answer::Kept { length }
            }
            // Nobody spoke: there is nothing to keep.
            _ => {
                self.drop_words(name, path.to_owned());
                Answer::Empty
            }
        };
        self.tell(Event::Answer { op, answer });
        true
    }

    /// The disk does not take a file; `false` if it is another one.
    pub(super) fn words_not_on_disk(&mut self, path: &Path, error: &str) -> bool {
        let is_ours = self.words.as_ref().is_some_and(|words| path.ends_with(&words.file));
        if is_ours {
            self.words_failed(error);
        }
        is_ours
    }

    fn words_failed(&mut self, error: &str) {
        let Some(words) = self.words.take() else { return };
        tracing::error!(call.id = %self.id, error, "words of a caller cannot be recorded");
        let _ = self.house.media.plane.listen(self.media, None);
        self.tell(Event::Answer { op: words.op, answer: Answer::Failed });
    }

    /// The caller hung up in the middle of their words: what there is, is kept.
    pub(super) fn words_cut_off(&mut self) -> Option<CallStep> {
        let words = self.words.take()?;
        let length = match words.stage {
            Stage::Recording { since, spoke: true } => since.elapsed(),
            Stage::Ending(Some(length)) => length,
            Stage::Recording { .. } | Stage::Ending(None) => {
                let path = self.house.words.join(&words.file);
                self.drop_words(words.name, path);
                return None;
            }
            Stage::Beep => return None,
        };
        let seconds = whole_seconds(length);
        let step = StepEvent::Recorded { step: words.step, name: words.name.clone(), seconds };
        self.keep_words(words.name, words.file, length);
        Some(self.step(step))
    }

    fn store_words(&self, seconds: u32) {
        let Some(words) = &self.words else { return };
        let (name, file) = (words.name.clone(), words.file.clone());
        self.write_words(name, file, seconds);
    }

    fn keep_words(&self, name: String, file: String, length: Duration) {
        self.write_words(name, file, whole_seconds(length));
    }

    fn write_words(&self, name: String, file: String, seconds: u32) {
        let (record, call) = (self.house.record.clone(), self.id);
        tokio::spawn(async move {
            let words = NewWords { call, name, recording: Pii::new(file), seconds };
            if let Err(error) = record.store_words(words).await {
                tracing::error!(call.id = %call, %error, "where a caller's words lie is not on the record");
            }
        });
    }

    fn drop_words(&self, name: String, path: PathBuf) {
        let (record, call) = (self.house.record.clone(), self.id);
        tokio::spawn(async move {
            let _ = tokio::fs::remove_file(path).await;
            if let Err(error) = record.forget_words(call, &name).await {
                tracing::warn!(call.id = %call, %error, "words that nobody spoke still stand on the record");
            }
        });
    }
}

/// A comment of four tenths of a second is one.
fn whole_seconds(length: Duration) -> u32 {
    u32::try_from(length.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// The name of the file: the call, and what the plan calls the words as far as a file may be called so.
fn file_of(call: CallId, name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("{call}-{name}.wav")
}

/// What is heard before one may speak: 1,000 Hz for 0.3 s.
fn beep() -> Clip {
    static CLIP: std::sync::OnceLock<Clip> = std::sync::OnceLock::new();
    let make = || Clip::from_samples(hotline_audio::sine(1_000.0, -20.0, Duration::from_millis(300)));
    CLIP.get_or_init(make).clone()
}
