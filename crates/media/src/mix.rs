//! Several who talk with each other: a conference, somebody who listens, somebody who whispers.
//!
//! Two are bridged packet by packet. More than two are mixed: what a leg hears goes through a jitter
//! buffer, at its own turn its 20 ms are handed to those who hear it, and they say the sum at theirs.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hotline_audio::{FRAME, Law, encode};
use hotline_rtp::{Filled, JitterBuffer};

use crate::LegId;

/// What is late by more is lost.
const MAX_DELAY: Duration = Duration::from_millis(120);
/// So many frames of one voice wait for the listener's turn; more would be delay.
const WAITING: usize = 3;

type Frame = [i16; FRAME];

/// A leg's part in a mix.
pub(crate) struct MixPort {
    heard: JitterBuffer,
    /// Who hears it: place in the thread's table, and the id, for places are used again.
    heard_by: Vec<(usize, LegId)>,
    /// Whom it hears, and what of theirs it has not said yet.
    hears: Vec<(LegId, VecDeque<Frame>)>,
}

impl MixPort {
    pub fn new() -> Self {
        Self { heard: JitterBuffer::new(MAX_DELAY), heard_by: Vec::new(), hears: Vec::new() }
    }

    /// Sets who hears whom from now on; voices that stay are not interrupted.
    pub fn set(&mut self, heard_by: Vec<(usize, LegId)>, hears: &[LegId]) {
        self.heard_by = heard_by;
        let before = std::mem::take(&mut self.hears);
        let kept = |id: LegId| before.iter().find(|(one, _)| *one == id).map(|(_, frames)| frames.clone());
        self.hears = hears.iter().map(|&id| (id, kept(id).unwrap_or_default())).collect();
    }

    /// A packet of the other side's.
    pub fn hear(&mut self, now: Instant, timestamp: u32, samples: &[i16]) {
        self.heard.insert(now, timestamp, samples);
    }

    /// The 20 ms that are due, and who is to have them; nothing if nothing is heard.
    pub fn due(&mut self, now: Instant) -> Option<(Frame, &[(usize, LegId)])> {
        let mut frame = [0; FRAME];
        (self.heard.take(now, &mut frame) != Filled::Nothing).then_some((frame, &self.heard_by[..]))
    }

    /// 20 ms of somebody it hears.
    pub fn put(&mut self, from: LegId, frame: &Frame) {
        if let Some((_, frames)) = self.hears.iter_mut().find(|(id, _)| *id == from) {
            if frames.len() == WAITING {
                frames.pop_front();
            }
            frames.push_back(*frame);
        }
    }

    /// What it says now: the sum of all it hears.
    pub fn fill(&mut self, law: Law, payload: &mut [u8]) {
        for payload in payload.chunks_mut(FRAME) {
            let mut sum = [0i32; FRAME];
            for (_, frames) in &mut self.hears {
                if let Some(frame) = frames.pop_front() {
                    sum.iter_mut().zip(frame).for_each(|(sum, sample)| *sum += i32::from(sample));
                }
            }
            let limited = sum.map(|sample| sample.clamp(i16::MIN.into(), i16::MAX.into()) as i16);
            encode(law, &limited[..payload.len()], payload);
        }
    }
}
