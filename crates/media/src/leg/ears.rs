//! What a leg hears besides handing it on: recordings, words, keys in the sound, speech and tones.

use std::time::{Duration, Instant};

use hotline_audio::{Clip, Excerpts, FRAME, Hearing, Law, Press, decode};
use hotline_rtp::Packet;

use super::{Leg, MAX_PAYLOAD};
use crate::recorder::Recorder;
use crate::thread::Turn;
use crate::{DigitBy, MediaEvent};

impl Leg {
    pub fn start_recording(&mut self, recorder: Recorder) {
        if let Some(before) = self.recorder.replace(Box::new(recorder)) {
            before.finish();
        }
    }

    pub fn stop_recording(&mut self) {
        if let Some(recorder) = self.recorder.take() {
            recorder.finish();
        }
    }

    pub fn start_words(&mut self, recorder: Recorder) {
        if let Some(before) = self.words.replace(Box::new(recorder)) {
            before.finish();
        }
    }

    pub fn stop_words(&mut self) {
        if let Some(recorder) = self.words.take() {
            recorder.finish();
        }
    }

    /// Tells what is heard from now on, or no longer.
    pub fn hear(&mut self, rest: Option<Duration>) {
        self.hearing = rest.map(|rest| Box::new(Hearing::new(rest)));
        self.unheard = 0;
    }

    /// Keeps pieces of what is heard from now on, or no longer; what was begun is handed over.
    pub fn overhear(&mut self, turn: &mut Turn<'_>, longest: Option<Duration>) {
        let next = longest.map(|longest| Box::new(Excerpts::new(longest)));
        let last = next.is_none();
        let piece = std::mem::replace(&mut self.excerpts, next).and_then(|excerpts| excerpts.finish());
        if last || piece.is_some() {
            let sound = piece.map(Clip::from_samples);
            turn.events.push(MediaEvent::Overheard { leg: self.id, sound, last });
        }
    }

    pub fn mute_recording(&mut self, now: Instant, muted: bool) {
        if let Some(recorder) = &mut self.recorder {
            recorder.mute(now, muted);
        }
    }

    /// Who sends nothing says nothing.
    pub(super) fn miss(&mut self, turn: &mut Turn<'_>) {
        if self.hearing.is_none() {
            return;
        }
        self.unheard = self.unheard.saturating_add(1);
        if self.unheard > 2 {
            self.hark(turn, &[0; FRAME]);
        }
    }

    /// Tells what is heard in sound that comes next, and hands over what was said.
    fn hark(&mut self, turn: &mut Turn<'_>, samples: &[i16]) {
        let Some(hearing) = &mut self.hearing else { return };
        let (leg, events) = (self.id, &mut *turn.events);
        let overheard =
            |piece| MediaEvent::Overheard { leg, sound: Some(Clip::from_samples(piece)), last: false };
        let mut excerpts = self.excerpts.as_deref_mut();
        events.extend(excerpts.as_mut().and_then(|excerpts| excerpts.process(samples)).map(overheard));
        hearing.process(samples, |_, what| {
            events.push(MediaEvent::Heard { leg, what });
            events.extend(excerpts.as_mut().and_then(|excerpts| excerpts.heard(what)).map(overheard));
        });
    }

    /// Recording, tone detection, what is told of the other side, and the ears of a mix.
    pub(super) fn listen(&mut self, turn: &mut Turn<'_>, packet: &Packet<'_>) {
        if self.mix.is_none()
            && self.recorder.is_none()
            && self.words.is_none()
            && self.hearing.is_none()
            && self.detector.is_none()
        {
            return;
        }
        let law = self.far.as_ref().map_or(Law::Pcmu, |far| far.remote.codec.law());
        let mut wideband = self.wideband.take();
        let codes = wideband.as_mut().map_or(packet.payload, |wideband| wideband.hear(packet));
        if let Some(mix) = &mut self.mix {
            let mut samples = [0; MAX_PAYLOAD];
            if let Some(samples) = samples.get_mut(..codes.len()) {
                decode(law, codes, samples);
                mix.hear(turn.now, packet.header.timestamp, samples);
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.hear(turn.now, law, packet.header.timestamp, codes);
        }
        if let Some(words) = &mut self.words {
            words.hear(turn.now, law, packet.header.timestamp, codes);
        }
        if self.hearing.is_some() {
            self.unheard = 0;
            let mut samples = [0; MAX_PAYLOAD];
            if let Some(samples) = samples.get_mut(..codes.len()) {
                decode(law, codes, samples);
                self.hark(turn, samples);
            }
        }
        if let Some(mut detector) = self.detector.take() {
            let mut samples = [0; MAX_PAYLOAD];
            if let Some(samples) = samples.get_mut(..codes.len()) {
                decode(law, codes, samples);
                detector.process(samples, |press| {
                    if let Press::Down(key) = press {
                        self.tell_key(turn, key, DigitBy::InBand);
                    }
                });
            }
            self.detector = Some(detector);
        }
        self.wideband = wideband;
    }
}
