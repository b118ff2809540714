//! What is heard: speech and its rests, and the tones by which telephone networks speak.

use std::f64::consts::TAU;
use std::time::Duration;

use crate::{FRAME, RATE_HZ, duration_of, samples_in};

/// A tone of the network or of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkTone {
    /// It rings: 450 Hz for a second, then a rest of four (ITU-T E.180 supplement 2, China).
    RingBack,
    /// Busy: 450 Hz for 0.35 s, a rest as long.
    Busy,
    /// The network has no line: 450 Hz for 0.7 s, a rest as long.
    Congestion,
    /// An announcement of the network follows: 950, 1,400 and 1,800 Hz, one after the other (ITU-T E.180).
    Information,
    /// Any other steady tone of some length: a machine asks for words.
    Beep,
}

/// Something that was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Somebody speaks.
    Speech,
    /// Nobody has spoken for the length of a rest.
    Rest,
    /// A tone.
    Tone(NetworkTone),
}

/// Listens to 8 kHz sound, frame by frame of 20 ms. What it tells carries the time since it began to listen, at which
/// it began to be so: that of a rest is the end of the speech before.
#[derive(Debug)]
pub struct Hearing {
    rest: usize,
    frame: Vec<i16>,
    frames: usize,
    /// The steady tone under way, and since which frame.
    tone: Option<(u32, usize)>,
    /// Frames of speech since it began, of those lately.
    loud: usize,
    /// The last frame with speech in it.
    last_speech: Option<usize>,
    speaks: bool,
    cadence: Cadence,
    information: u8,
}

/// Tones of 450 Hz with their rests, the latest last.
#[derive(Debug, Default)]
struct Cadence {
    on_since: Option<usize>,
    off_since: Option<usize>,
    /// The lengths of a tone and the rest behind it, of the period before.
    before: Option<(usize, usize)>,
    on: usize,
    told: Option<NetworkTone>,
}

/// Under this a frame is silence.
const SILENCE_DBOV: f64 = -48.0;
/// This share of a frame's power within 75 Hz around a frequency makes it a tone.
const PURE: f64 = 0.85;
/// Frames of speech, in a row or nearly, that are somebody speaking: 60 ms.
const SPOKEN: usize = 3;
/// A steady tone this long is no vowel: 120 ms.
const STEADY: usize = 6;
/// A beep is no shorter: 200 ms.
const BEEP: usize = 10;
const STEP_HZ: u32 = 50;

impl Hearing {
    /// Listens; silence no shorter than `rest` is one.
    #[must_use]
    pub fn new(rest: Duration) -> Hearing {
        Hearing {
            rest: (samples_in(rest) / FRAME).max(1),
            frame: Vec::with_capacity(FRAME),
            frames: 0,
            tone: None,
            loud: 0,
            last_speech: None,
            speaks: false,
            cadence: Cadence::default(),
            information: 0,
        }
    }

    /// Takes what comes next, in pieces of any length.
    pub fn process(&mut self, samples: &[i16], mut tell: impl FnMut(Duration, Heard)) {
        for &sample in samples {
            self.frame.push(sample);
            if self.frame.len() == FRAME {
                let frame = std::mem::take(&mut self.frame);
                self.take_frame(&frame, &mut tell);
                self.frame = frame;
                self.frame.clear();
            }
        }
    }

    fn take_frame(&mut self, frame: &[i16], tell: &mut impl FnMut(Duration, Heard)) {
        let now = self.frames;
        self.frames += 1;
        let power = mean_power(frame);
        let silent = 10.0 * power.max(1e-12).log10() < SILENCE_DBOV;
        let tone = if silent { None } else { pure_tone(frame, power) };
        let steady = self.follow_tone(now, tone, tell);
        // A pure frame that is no steady tone yet may be either: it begins no speech, and ends none.
        let speech = !silent && steady.is_none() && (tone.is_none() || self.speaks);
        self.loud = if speech { self.loud + 1 } else { self.loud.saturating_sub(1) };
        if speech && (self.speaks || self.loud >= SPOKEN) {
            if !self.speaks {
                self.speaks = true;
                tell(at(now + 1 - self.loud.min(now + 1)), Heard::Speech);
            }
            self.last_speech = Some(now);
        }
        self.cadence.follow(now, steady == Some(450), self.speaks, tell);
        if let Some(last) = self.last_speech
            && self.speaks
            && now - last >= self.rest
        {
            self.speaks = false;
            self.loud = 0;
            tell(at(last + 1), Heard::Rest);
        }
    }

    /// The frequency of a tone that has lasted for long enough, in Hz.
    fn follow_tone(
        &mut self,
        now: usize,
        tone: Option<u32>,
        tell: &mut impl FnMut(Duration, Heard),
    ) -> Option<u32> {
        let goes_on =
            matches!((self.tone, tone), (Some((known, _)), Some(tone)) if known.abs_diff(tone) <= STEP_HZ);
        if !goes_on {
            self.tone = tone.map(|tone| (tone, now));
        }
        let (frequency, since) = self.tone?;
        let lasts = now + 1 - since;
        if lasts < STEADY {
            return None;
        }
        let step = match frequency {
            900..=1000 => Some(1),
            1350..=1450 => Some(2),
            1750..=1850 => Some(3),
            _ => None,
        };
        if let Some(step) = step
            && lasts == STEADY
        {
            self.information = if step == self.information + 1 { step } else { u8::from(step == 1) };
            if self.information == 3 {
                self.information = 0;
                tell(at(since), Heard::Tone(NetworkTone::Information));
            }
        }
        let is_networks = (400..=500).contains(&frequency);
        if lasts == BEEP && !is_networks && step.is_none_or(|step| step == 1 && self.information == 0) {
            tell(at(since), Heard::Tone(NetworkTone::Beep));
        }
        // A beep of 950 Hz could be the first of three: it is one when it has lasted for longer than theirs.
        if step == Some(1) && lasts == LONGEST_OF_THREE {
            tell(at(since), Heard::Tone(NetworkTone::Beep));
        }
        Some(if is_networks { 450 } else { frequency })
    }
}

/// Each of the three tones before an announcement lasts 330 ms, and never longer than this: 440 ms.
const LONGEST_OF_THREE: usize = 22;

impl Cadence {
    fn follow(&mut self, now: usize, on: bool, spoken: bool, tell: &mut impl FnMut(Duration, Heard)) {
        if on {
            // The tone was there before it was known for steady.
            let since = *self.on_since.get_or_insert(now + 1 - STEADY);
            if let Some(off) = self.off_since.take() {
                self.before = Some((self.on, since.saturating_sub(off)));
            }
            self.on = now + 1 - since;
            return;
        }
        if self.on_since.take().is_some() {
            self.off_since = Some(now);
            let tone = match (self.before, self.on) {
                (Some((on, off)), last) if like(on, 17) && like(off, 17) && like(last, 17) => {
                    Some(NetworkTone::Busy)
                }
                (Some((on, off)), last) if like(on, 35) && like(off, 35) && like(last, 35) => {
                    Some(NetworkTone::Congestion)
                }
                (_, 40..=70) => Some(NetworkTone::RingBack),
                _ => None,
            };
            if let Some(tone) = tone.filter(|tone| self.told != Some(*tone)) {
                self.told = Some(tone);
                tell(at(now - self.on), Heard::Tone(tone));
            }
        }
        if spoken {
            // Somebody speaks: no rest of a cadence.
            self.off_since = None;
            self.before = None;
        }
    }
}

/// Whether a length in frames is about the one meant.
fn like(frames: usize, meant: usize) -> bool {
    frames.abs_diff(meant) <= meant / 4
}

fn at(frame: usize) -> Duration {
    duration_of(frame * FRAME)
}

/// Of a full-scale square wave 1.
fn mean_power(frame: &[i16]) -> f64 {
    frame.iter().map(|&s| (f64::from(s) / 32_768.0).powi(2)).sum::<f64>() / frame.len() as f64
}

/// The frequency that holds nearly all of a frame's power, in Hz to the next 50.
fn pure_tone(frame: &[i16], power: f64) -> Option<u32> {
    let powers: Vec<f64> = (6..=50).map(|bin| power_at(frame, bin * STEP_HZ)).collect();
    let (best, _) = powers.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let around: f64 = powers[best.saturating_sub(1)..(best + 2).min(powers.len())].iter().sum();
    (around >= PURE * power).then_some((best as u32 + 6) * STEP_HZ)
}

/// The power at one frequency (Goertzel); of frequencies 50 Hz apart the powers of a frame add up to its own.
fn power_at(frame: &[i16], frequency_hz: u32) -> f64 {
    let coefficient = 2.0 * (TAU * f64::from(frequency_hz) / f64::from(RATE_HZ)).cos();
    let (mut last, mut before) = (0.0, 0.0);
    for &sample in frame {
        let next = f64::from(sample) / 32_768.0 + coefficient * last - before;
        (before, last) = (last, next);
    }
    let length = frame.len() as f64;
    2.0 * (last * last + before * before - coefficient * last * before) / (length * length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{silence, sine};

    fn ms(length: u64) -> Duration {
        Duration::from_millis(length)
    }

    fn tone(hz: f64, length: u64) -> Vec<i16> {
        sine(hz, -18.0, ms(length))
    }

    /// Something like a voice: harmonics of a pitch that moves, with the noise of breath.
    fn voice(length: u64) -> Vec<i16> {
        let mut noise = 12_345_u32;
        let mut phase = 0.0;
        (0..samples_in(ms(length)))
            .map(|n| {
                let time = n as f64 / f64::from(RATE_HZ);
                phase += TAU * (140.0 + 30.0 * (TAU * 3.0 * time).sin()) / f64::from(RATE_HZ);
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let breath = f64::from(noise >> 16) / 65_536.0 - 0.5;
                let sound: f64 = (1..=12).map(|h| (f64::from(h) * phase).sin() / f64::from(h)).sum();
                (3_000.0 * sound + 1_500.0 * breath) as i16
            })
            .collect()
    }

    fn heard(sound: &[i16]) -> Vec<(u128, Heard)> {
        let mut told = Vec::new();
        let mut hearing = Hearing::new(ms(500));
        // In pieces that are no frames.
        for piece in sound.chunks(137) {
            hearing.process(piece, |at, what| told.push((at.as_millis(), what)));
        }
        told
    }

    #[test]
    fn speech_is_told_with_its_beginning_and_its_rest_with_the_end_of_the_speech() {
        let sound = [silence(ms(400)), voice(900), silence(ms(300)), voice(600), silence(ms(700))].concat();
        let told = heard(&sound);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(matches!(told[0], (380..=440, Heard::Speech)), "{told:?}");
        // 300 ms between two words are no rest.
        assert!(matches!(told[1], (2_160..=2_240, Heard::Rest)), "{told:?}");
    }

    #[test]
    fn silence_and_a_faint_noise_are_nobody() {
        assert_eq!(heard(&silence(ms(3_000))), []);
        let faint: Vec<i16> = voice(3_000).iter().map(|s| s / 300).collect();
        assert_eq!(heard(&faint), []);
    }

    #[test]
    fn tones_of_the_network_are_told_apart_and_are_no_speech() {
        let period = |on, off| [tone(450.0, on), silence(ms(off))].concat();
        for (sound, expected) in [
            (period(1_000, 4_000), NetworkTone::RingBack),
            (period(350, 350).repeat(4), NetworkTone::Busy),
            (period(700, 700).repeat(4), NetworkTone::Congestion),
            (
                [tone(950.0, 330), tone(1_400.0, 330), tone(1_800.0, 330), silence(ms(900))].concat(),
                NetworkTone::Information,
            ),
            ([silence(ms(200)), tone(1_000.0, 600), silence(ms(600))].concat(), NetworkTone::Beep),
            ([tone(820.0, 400), silence(ms(600))].concat(), NetworkTone::Beep),
        ] {
            let told: Vec<Heard> = heard(&sound).into_iter().map(|(_, what)| what).collect();
            assert_eq!(told, [Heard::Tone(expected)], "{expected:?}");
        }
    }

    #[test]
    fn an_announcement_between_tones_is_speech() {
        let sound =
            [tone(450.0, 1_000), silence(ms(1_000)), voice(2_000), silence(ms(600)), tone(450.0, 350)]
                .concat();
        let told: Vec<Heard> = heard(&sound).into_iter().map(|(_, what)| what).collect();
        assert_eq!(told, [Heard::Tone(NetworkTone::RingBack), Heard::Speech, Heard::Rest], "{told:?}");
    }

    #[test]
    fn a_key_is_neither_a_beep_nor_a_network() {
        let key = crate::dtmf_key('5', ms(300)).unwrap();
        let told = heard(&[key, silence(ms(800))].concat());
        assert!(!told.iter().any(|(_, what)| matches!(what, Heard::Tone(_))), "{told:?}");
    }
}
