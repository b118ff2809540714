//! The end of a call: who ended it, what is let go, its line in the log.

use std::time::Duration;

use hotline_bus::DialNews;
use hotline_dialplan::Event;
use hotline_dialplan::session::HungUpBy;
use hotline_media::MediaEvent;
use hotline_model::{EndReason, Ending, StepEvent};
use hotline_queue::Leaving;
use hotline_record::{CallEnd, OpenedCall};
use tokio::sync::mpsc;

use super::{Call, Note};
use crate::figures;
use crate::transport::Wish;

/// The media thread has this long to hand over the leg's counts.
const COUNTS: Duration = Duration::from_millis(200);

impl Call {
    /// Ends the call from our side; the leg's own last event follows.
    pub(super) fn hang_up(&mut self, reason: EndReason) {
        if self.unanswered.take().is_some() {
            // The caller has heard why; to the network the call was not to be had.
            let code = if reason.ending == Ending::Us { 500 } else { 480 };
            self.refuse(code);
        } else {
            self.wish(Wish::HangUp);
        }
        self.end(HungUpBy::Us, reason);
    }

    pub(super) fn end(&mut self, by: HungUpBy, reason: EndReason) {
        if self.ended.is_none() {
            let lost = by == HungUpBy::Network;
            self.recording_ends();
            self.give_up_queue(if lost { Leaving::ConnectionLost } else { Leaving::HungUp });
            self.tell(Event::HungUp { by });
            self.ended = Some(reason);
        }
    }

    /// Lets go of everything and writes the call's last line.
    pub(super) async fn finish(mut self, reason: EndReason, notes: &mut mpsc::UnboundedReceiver<Note>) {
        // A caller who gave up before the plan began still called.
        if self.session.is_none() && self.answered_after.is_some() && self.side.dial().is_none() {
            self.start(OpenedCall::default());
            self.tell(Event::HungUp { by: HungUpBy::Caller });
        }
        self.drain();
        let opened = self.house.media.plane.close(self.media).is_ok();
        let until = tokio::time::Instant::now() + COUNTS;
        while opened && self.counts.is_none() {
            match tokio::time::timeout_at(until, notes.recv()).await {
                Ok(Some(Note::Media(MediaEvent::Closed { stats, .. }))) => self.counts = Some(stats),
                Ok(Some(_)) => {}
                _ => break,
            }
        }
        self.house.media.forget(self.media);
        let cut_off = self.words_cut_off();
        let ended = self.step(StepEvent::Ended { reason: reason.clone() });
        if self.on_record {
            let steps: Vec<_> = cut_off.into_iter().chain([ended]).collect();
            self.house.record.store_steps(self.id, self.customer, &steps);
            let end = CallEnd { reason: reason.clone(), at: self.house.clock.now() };
            self.house.record.end_call(self.id, end);
        }
        self.report(&reason);
        if self.side.dial().is_some() {
            self.side.tell(DialNews::Ended(self.disposition()));
        }
    }

    /// One line for each call, and its figures.
    fn report(&self, reason: &EndReason) {
        let seconds = self.since().as_secs_f64();
        let counts = self.counts.unwrap_or_default();
        let (rtp, unsent, strangers) = (counts.rtp, counts.unsent, counts.strangers);
        figures::call_ended(reason, seconds, self.answered_after, &counts);
        let milliseconds = |after: Duration| after.as_millis() as u64;
        let rounded = |after: Duration| (after.as_secs_f64() * 10_000.0).round() / 10.0;
        tracing::info!(
            call.id = %self.id,
            trunk.name = %self.side.trunk,
            dialplan.name = %self.answering.plan,
            dialplan.version = %self.answering.version,
            call.direction = if self.side.dial().is_some() { "out" } else { "in" },
            call.end = %reason,
            call.outcome = self.outcome,
            call.answered_ms = self.answered_after.map(milliseconds),
            call.heard_ms = self.heard_after.map(milliseconds),
            call.duration_s = (seconds * 10.0).round() / 10.0,
            call.steps = self.steps,
            call.keys = self.keys,
            rtp.sent = rtp.sent,
            rtp.unsent = unsent,
            rtp.received = rtp.received,
            rtp.lost = rtp.lost,
            rtp.late = rtp.late,
            rtp.duplicates = rtp.duplicates,
            rtp.strangers = strangers,
            rtp.jitter_ms = rounded(rtp.jitter),
            rtp.remote_lost = rtp.remote_lost,
            rtp.rtt_ms = rtp.rtt.map(rounded),
            "a call has ended"
        );
    }
}
