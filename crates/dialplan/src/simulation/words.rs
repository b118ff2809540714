//! Words after a beep in a simulation: as long as the script or the person at the keyboard says.

use std::time::Duration;

use super::Simulation;
use crate::session::{Answer, OpId};

/// How long a beep is.
const BEEP: Duration = Duration::from_millis(300);

/// A recording that goes on.
#[derive(Debug)]
pub(super) struct Words {
    op: OpId,
    name: String,
    from: Duration,
    longest: Duration,
    silence: Duration,
    /// From when until when the caller speaks.
    speaks: Option<(Duration, Duration)>,
}

impl Words {
    /// When they end by themselves.
    fn ends(&self) -> Duration {
        let rest = match self.speaks {
            Some((_, to)) => to + self.silence,
            None => self.from + self.silence * 2,
        };
        rest.min(self.from + self.longest)
    }

    /// How long they are at a moment; `None` if nobody has spoken.
    fn length(&self, at: Duration) -> Option<Duration> {
        let (_, to) = self.speaks.filter(|(from, _)| *from < at)?;
        Some(to.min(at).saturating_sub(self.from))
    }
}

impl Simulation<'_> {
    pub(super) fn record_words(&mut self, op: OpId, name: String, longest: Duration, silence: Duration) {
        self.tell(format!("beep: {name} is recorded"));
        let from = self.now + BEEP;
        self.words = Some(Words { op, name, from, longest, silence, speaks: None });
    }

    /// The session ends them.
    pub(super) fn end_words(&mut self, op: OpId) {
        if self.words.as_ref().is_some_and(|words| words.op == op) {
            self.words_over();
        }
    }

    pub(super) fn words_end_at(&self) -> Option<Duration> {
        self.words.as_ref().map(Words::ends)
    }

    /// They are kept, if the record can.
    pub(super) fn words_over(&mut self) {
        let Some(words) = self.words.take() else { return };
        let Some(length) = words.length(self.now) else {
            self.silences += 1;
            self.tell(format!("nobody speaks: no {}", words.name));
            self.answer(words.op, Duration::ZERO, Some(Answer::Empty));
            return;
        };
        let (delay, answer) = self.record.keep(Answer::Kept { length });
        if matches!(answer, Some(Answer::Kept { .. })) {
            self.written.recordings.push(words.name);
        }
        self.answer(words.op, delay, answer);
    }

    /// Whether the caller's words are being recorded.
    pub const fn records_words(&self) -> bool {
        self.words.is_some() && !self.over
    }

    /// The caller speaks for so long, from now or from the end of the beep; `false` if nothing is recorded.
    pub fn speak(&mut self, length: Duration) -> bool {
        let now = self.now;
        let Some(words) = self.words.as_mut().filter(|_| !self.over) else { return false };
        let from = now.max(words.from);
        let first = words.speaks.map_or(from, |(first, _)| first);
        words.speaks = Some((first, from + length));
        self.tell(format!("caller speaks for {} s", length.as_secs_f64()));
        true
    }
}
