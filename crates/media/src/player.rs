//! What a leg plays: clips one after another, frame by frame.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hotline_audio::{Clip, Law, duration_of};

use crate::{PlayEnd, PlayId};

/// The playings of a leg. Frames are copied straight from the shared codes into the packet.
#[derive(Debug, Default)]
pub(crate) struct Player {
    queue: VecDeque<Playing>,
}

#[derive(Debug)]
struct Playing {
    /// None for our own key tones, of whose end nobody is told.
    play: Option<PlayId>,
    clips: Arc<[Clip]>,
    looped: bool,
    /// The clip being played.
    clip: usize,
    /// Its codes, for the law they were made for.
    codes: Option<(Law, Arc<[u8]>)>,
    /// Samples of it already played.
    offset: usize,
    /// Samples played in all.
    played: usize,
}

impl Player {
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Adds a playing behind the others.
    pub fn append(&mut self, play: Option<PlayId>, clips: Arc<[Clip]>, looped: bool) {
        // A loop without sound would never end a frame.
        let looped = looped && clips.iter().any(|clip| !clip.is_empty());
        self.queue.push_back(Playing { play, clips, looped, clip: 0, codes: None, offset: 0, played: 0 });
    }

    /// Ends everything; tells each playing and how much of it was sent.
    pub fn stop(&mut self, mut ended: impl FnMut(PlayId, PlayEnd, Duration)) {
        for playing in self.queue.drain(..) {
            if let Some(play) = playing.play {
                ended(play, PlayEnd::Stopped, duration_of(playing.played));
            }
        }
    }

    /// Fills a frame; what is left over at the end of all playings is silence.
    pub fn fill(&mut self, law: Law, frame: &mut [u8], mut ended: impl FnMut(PlayId, PlayEnd, Duration)) {
        let mut filled = 0;
        while let Some(playing) = self.queue.front_mut() {
            filled += playing.copy(law, &mut frame[filled..]);
            if !playing.is_over() {
                return;
            }
            if let Some(play) = playing.play {
                ended(play, PlayEnd::Completed, duration_of(playing.played));
            }
            self.queue.pop_front();
            if filled == frame.len() {
                return;
            }
        }
        frame[filled..].fill(law.silence());
    }
}

impl Playing {
    fn is_over(&self) -> bool {
        self.clip >= self.clips.len()
    }

    /// Copies as much as there is and fits.
    fn copy(&mut self, law: Law, frame: &mut [u8]) -> usize {
        let mut filled = 0;
        while let Some(clip) = self.clips.get(self.clip) {
            let codes = match &self.codes {
                Some((made_for, codes)) if *made_for == law => codes,
                _ => &self.codes.insert((law, clip.encoded(law))).1,
            };
            let left = &codes[self.offset.min(codes.len())..];
            let count = left.len().min(frame.len() - filled);
            frame[filled..filled + count].copy_from_slice(&left[..count]);
            filled += count;
            self.offset += count;
            self.played += count;
            if self.offset < codes.len() {
                break;
            }
            self.offset = 0;
            self.codes = None;
            self.clip += 1;
            if self.looped && self.clip == self.clips.len() {
                self.clip = 0;
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(code_of_sample: i16, samples: usize) -> Clip {
        Clip::from_samples(vec![code_of_sample; samples])
    }

    fn frames(player: &mut Player, count: usize) -> (Vec<u8>, Vec<(u64, PlayEnd, usize)>) {
        let (mut codes, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut frame = [0; 160];
            player.fill(Law::Pcmu, &mut frame, |play, end, played| {
                ends.push((play.0, end, hotline_audio::samples_in(played)));
            });
            codes.extend(frame);
        }
        (codes, ends)
    }

    #[test]
    fn clips_and_playings_follow_each_other_without_a_gap() {
        let mut player = Player::default();
        player.append(Some(PlayId(1)), [clip(1000, 100), clip(-1000, 200)].into(), false);
        player.append(Some(PlayId(2)), [clip(1000, 80)].into(), false);
        let (codes, ends) = frames(&mut player, 3);
        let at = |n: usize| Law::Pcmu.table()[usize::from(codes[n])];
        assert!(at(99) > 0 && at(100) < 0 && at(299) < 0 && at(300) > 0 && at(379) > 0);
        assert!(codes[380..].iter().all(|&code| code == 0xFF));
        assert_eq!(ends, [(1, PlayEnd::Completed, 300), (2, PlayEnd::Completed, 80)]);
        assert!(player.is_idle());
    }

    #[test]
    fn a_loop_goes_on_until_stopped_and_an_empty_one_ends() {
        let mut player = Player::default();
        player.append(Some(PlayId(1)), [clip(1000, 7)].into(), true);
        let (codes, ends) = frames(&mut player, 10);
        assert!(codes.iter().all(|&code| code == codes[0]) && ends.is_empty());
        let mut stopped = Vec::new();
        player.stop(|play, end, played| stopped.push((play.0, end, played)));
        assert_eq!(stopped, [(1, PlayEnd::Stopped, Duration::from_millis(200))]);
        player.append(Some(PlayId(2)), [clip(0, 0)].into(), true);
        assert_eq!(frames(&mut player, 1).1, [(2, PlayEnd::Completed, 0)]);
    }
}
