//! Sound in even time out of packets in uneven time.

use std::time::{Duration, Instant};

/// A jitter buffer for 8 kHz samples, for what is recorded or recognised (what is only bridged does not need one).
///
/// Packets of any length go in as they come; frames of any length are taken out by the clock. A frame stands for the
/// moment it is taken: the delay between a packet's arrival and its playing adapts to what the last seconds showed.
/// Gaps are filled with the last sound, fading over 60 ms, then with silence.
#[derive(Debug, Clone)]
pub struct JitterBuffer {
    /// Samples by position modulo the length.
    ring: Box<[i16; RING]>,
    /// One bit a sample: whether it has arrived.
    present: Box<[u64; RING / 64]>,
    clock: Option<Clock>,
    /// The position the next frame starts at; none before the first.
    playhead: Option<i64>,
    /// The last samples played, for concealment.
    history: [i16; 160],
    /// Samples concealed in a row.
    concealed: usize,
    max_target: i64,
    late: u32,
}

/// Relates arrival to media time. Positions are samples since the first packet's timestamp.
#[derive(Debug, Clone, Copy)]
struct Clock {
    origin: Instant,
    last_timestamp: u32,
    last_position: i64,
    window_start: i64,
    /// Least and greatest delay in this window and the one before.
    least: [i64; 2],
    most: [i64; 2],
}

/// What a frame taken consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filled {
    /// Only what arrived.
    Whole,
    /// With this many samples made up.
    Concealed(usize),
    /// Nothing is due: silence.
    Nothing,
}

impl JitterBuffer {
    /// An empty buffer that delays by at most `max_delay` (200 ms is usual; at most 500 ms).
    #[must_use]
    pub fn new(max_delay: Duration) -> JitterBuffer {
        let max_target = i64::try_from(max_delay.as_millis()).unwrap_or(i64::MAX).clamp(20, 500) * 8;
        JitterBuffer {
            ring: Box::new([0; RING]),
            present: Box::new([0; RING / 64]),
            clock: None,
            playhead: None,
            history: [0; 160],
            concealed: usize::MAX / 2,
            max_target,
            late: 0,
        }
    }

    /// Takes a packet's samples, at most 200 ms, which arrived at `now` with this RTP timestamp.
    pub fn insert(&mut self, now: Instant, timestamp: u32, samples: &[i16]) {
        if samples.is_empty() || samples.len() > MAX_PACKET {
            return;
        }
        let clock = self.clock.get_or_insert_with(|| Clock::new(now, timestamp));
        let Some(position) = clock.note(now, timestamp) else {
            // A new clock on the other side, or a long pause in which it stood still.
            self.clock = Some(Clock::new(now, timestamp));
            self.playhead = None;
            self.present.fill(0);
            return self.insert(now, timestamp, samples);
        };
        let floor = self.playhead.unwrap_or(i64::MIN / 2);
        if position + samples.len() as i64 <= floor {
            self.late += 1;
            return;
        }
        if self.playhead.is_some() && position - floor > (RING - MAX_PACKET) as i64 {
            // Nobody has taken frames for a second.
            self.present.fill(0);
            self.playhead = None;
        }
        for (n, &sample) in samples.iter().enumerate() {
            let at = position + n as i64;
            if at >= floor {
                let slot = at.rem_euclid(RING as i64) as usize;
                self.ring[slot] = sample;
                self.present[slot / 64] |= 1 << (slot % 64);
            }
        }
    }

    /// Fills `frame` (mono, 160 samples = 20 ms) with what is due at `now`.
    pub fn take(&mut self, now: Instant, frame: &mut [i16]) -> Filled {
        let Some(clock) = &self.clock else {
            frame.fill(0);
            return Filled::Nothing;
        };
        let due = clock.arrival(now) - clock.least() - self.target(clock);
        let playhead = match self.playhead {
            Some(playhead) => playhead,
            None if due < 0 => {
                frame.fill(0);
                return Filled::Nothing;
            }
            None => due - due.rem_euclid(FRAME),
        };
        let behind = due - playhead;
        if behind < -(FRAME * 3 / 2) {
            // The delay grew: wait, and conceal the time.
            self.playhead = Some(playhead);
            let made = self.conceal(frame);
            return if made { Filled::Concealed(frame.len()) } else { Filled::Nothing };
        }
        let skip = if behind > FRAME * 3 / 2 { behind - behind.rem_euclid(FRAME) } else { 0 };
        for at in playhead..playhead + skip.min(RING as i64) {
            self.clear(at);
        }
        let start = playhead + skip;
        self.playhead = Some(start + frame.len() as i64);
        self.fill(start, frame)
    }

    /// The delay between arrival and playing that is aimed at.
    #[must_use]
    pub fn delay(&self) -> Duration {
        self.clock.map_or(Duration::ZERO, |clock| Duration::from_micros(self.target(&clock) as u64 * 125))
    }

    /// Packets that came too late to be played.
    #[must_use]
    pub fn late(&self) -> u32 {
        self.late
    }

    /// What jitter of the last seconds asks for, in whole frames, and one frame at least.
    fn target(&self, clock: &Clock) -> i64 {
        let spread = clock.most() - clock.least();
        (FRAME + (spread + FRAME / 2) / FRAME * FRAME).clamp(FRAME, self.max_target.max(FRAME))
    }

    fn fill(&mut self, start: i64, frame: &mut [i16]) -> Filled {
        let mut missing = 0;
        let mut audible = false;
        for (n, sample) in frame.iter_mut().enumerate() {
            let slot = (start + n as i64).rem_euclid(RING as i64) as usize;
            let bit = 1 << (slot % 64);
            if self.present[slot / 64] & bit != 0 {
                self.present[slot / 64] &= !bit;
                *sample = self.ring[slot];
                self.concealed = 0;
            } else {
                audible |= self.concealed < FADE;
                *sample = self.made_up(n);
                missing += 1;
            }
        }
        self.remember(frame);
        match missing {
            0 => Filled::Whole,
            all if all == frame.len() && !audible => Filled::Nothing,
            some => Filled::Concealed(some),
        }
    }

    /// Whether anything but silence was made up.
    fn conceal(&mut self, frame: &mut [i16]) -> bool {
        let audible = self.concealed < FADE;
        for (n, sample) in frame.iter_mut().enumerate() {
            *sample = self.made_up(n);
        }
        audible
    }

    /// The last 20 ms again, fading.
    fn made_up(&mut self, n: usize) -> i16 {
        let left = FADE.saturating_sub(self.concealed);
        self.concealed = self.concealed.saturating_add(1);
        (i32::from(self.history[n % self.history.len()]) * left as i32 / FADE as i32) as i16
    }

    fn remember(&mut self, frame: &[i16]) {
        if self.concealed == 0
            && let Some(last) = frame.last_chunk()
        {
            self.history = *last;
        }
    }

    fn clear(&mut self, at: i64) {
        let slot = at.rem_euclid(RING as i64) as usize;
        self.present[slot / 64] &= !(1 << (slot % 64));
    }
}

impl Clock {
    fn new(now: Instant, timestamp: u32) -> Clock {
        Clock {
            origin: now,
            last_timestamp: timestamp,
            last_position: 0,
            window_start: 0,
            least: [0, 0],
            most: [0, 0],
        }
    }

    /// The position of a timestamp; nothing if it does not fit the clock so far.
    fn note(&mut self, now: Instant, timestamp: u32) -> Option<i64> {
        let step = i64::from(timestamp.wrapping_sub(self.last_timestamp) as i32);
        let position = self.last_position + step;
        let arrival = self.arrival(now);
        let delay = arrival - position;
        if (delay - self.least()).abs() > MAX_STEP {
            return None;
        }
        if step > 0 {
            self.last_timestamp = timestamp;
            self.last_position = position;
        }
        if arrival - self.window_start > WINDOW {
            self.window_start = arrival;
            self.least = [delay, self.least[0]];
            self.most = [delay, self.most[0]];
        }
        self.least[0] = self.least[0].min(delay);
        self.most[0] = self.most[0].max(delay);
        Some(position)
    }

    fn arrival(&self, now: Instant) -> i64 {
        (now.saturating_duration_since(self.origin).as_micros() / 125) as i64
    }

    fn least(&self) -> i64 {
        self.least[0].min(self.least[1])
    }

    fn most(&self) -> i64 {
        self.most[0].max(self.most[1])
    }
}

/// Samples held: a little over a second.
const RING: usize = 8192;
/// 20 ms.
const FRAME: i64 = 160;
/// 60 ms.
const FADE: usize = 480;
/// Longest packet: 200 ms.
const MAX_PACKET: usize = 1600;
/// Two seconds.
const WINDOW: i64 = 16_000;
/// A delay that changes by more than half a second is another clock.
const MAX_STEP: i64 = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an Instant can be had in no other way; only differences are used"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    /// Sends frame n (all samples n + 1) 20 ms apart with the delay `fate` gives, or not at all; takes a frame every
    /// 20 ms, 10 ms off the sending. Gives the first sample of each frame taken.
    fn run(frames: u32, first: u32, fate: impl Fn(u32) -> Option<u64>) -> (Vec<i16>, JitterBuffer) {
        let mut buffer = JitterBuffer::new(Duration::from_millis(200));
        let start = start();
        let mut arrivals: Vec<(u64, u32)> =
            (0..frames).filter_map(|n| Some((u64::from(n) * 20 + fate(n)?, n))).collect();
        arrivals.sort_unstable();
        let mut arrivals = arrivals.into_iter().peekable();
        let mut taken = Vec::new();
        for tick in 0..u64::from(frames) + 20 {
            let time = tick * 20 + 10;
            while let Some((at, n)) = arrivals.next_if(|&(at, _)| at <= time) {
                let now = start + Duration::from_millis(at);
                buffer.insert(now, first.wrapping_add(n * 160), &[n as i16 + 1; 160]);
            }
            let mut frame = [0; 160];
            buffer.take(start + Duration::from_millis(time), &mut frame);
            taken.push(frame[0]);
        }
        (taken, buffer)
    }

    #[test]
    fn even_packets_come_out_whole_and_in_order_over_a_wrap() {
        let (taken, buffer) = run(100, u32::MAX - 3000, |_| Some(0));
        let heard: Vec<i16> = taken.into_iter().skip_while(|&s| s == 0).take(100).collect();
        assert_eq!(heard, (1..=100).collect::<Vec<i16>>());
        assert!(buffer.delay() <= Duration::from_millis(40));
    }

    #[test]
    fn reordered_and_doubled_packets_do_not_matter_once_the_delay_has_grown() {
        let (taken, buffer) = run(300, 0, |n| Some(if n % 3 == 0 { 55 } else { 5 }));
        assert!(buffer.delay() >= Duration::from_millis(60), "{:?}", buffer.delay());
        let late = &taken[150..290];
        assert!(late.windows(2).all(|w| w[1] == w[0] + 1), "{late:?}");
    }

    #[test]
    fn a_gap_is_concealed_for_sixty_milliseconds_and_then_silent_and_time_goes_on() {
        let (taken, _) = run(100, 0, |n| (!(40..50).contains(&n)).then_some(0));
        let at = taken.iter().position(|&s| s == 40).unwrap();
        assert_eq!(taken[at + 10], 0);
        assert_eq!(taken[at + 11], 51);
        assert!(taken[at + 1] > 0);
    }

    #[test]
    fn another_clock_of_the_sender_is_followed() {
        let mut buffer = JitterBuffer::new(Duration::from_millis(200));
        let start = start();
        let mut heard = 0;
        for n in 0..100u32 {
            let now = start + Duration::from_millis(20) * n;
            let timestamp = if n < 50 { n * 160 } else { 3_000_000_000 + n * 160 };
            buffer.insert(now, timestamp, &[7; 160]);
            let mut frame = [0; 160];
            heard += usize::from(buffer.take(now, &mut frame) == Filled::Whole);
        }
        assert!(heard >= 94, "{heard}");
    }

    proptest::proptest! {
        #[test]
        fn no_packets_panic(packets in proptest::collection::vec((0u64..5000, proptest::num::u32::ANY, 0usize..1700), 0..80)) {
            let mut buffer = JitterBuffer::new(Duration::from_millis(200));
            let mut now = start();
            for (wait, timestamp, len) in packets {
                now += Duration::from_millis(wait);
                buffer.insert(now, timestamp, &vec![1; len]);
                buffer.take(now, &mut [0; 160]);
            }
        }
    }
}
