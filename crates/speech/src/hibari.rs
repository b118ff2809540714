//! A voice of its own model: hibari, English only, distilled from one of Kokoro's voices and taking the
//! same phonemes. The model gives a spectrum for each 12.5 ms; the sound is made of it here, as the
//! package `hibari-tts` does (its README, "ONNX interface"):
//!
//! `S = exp(lh) e^(iπ tanh θ) STFT(pulses(f0)) + exp(ln) Z + exp(lr) e^(iφ)`

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ort::session::Session;
use ort::value::Tensor;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::SpeechError;
use crate::kokoro::{HEART_SHA256, session, whole};

/// Samples of a window, of a step, and numbers of a spectrum.
const WINDOW: usize = 1_200;
const HOP: usize = 300;
const BINS: usize = WINDOW / 2 + 1;
/// Samples a second, as of Kokoro.
const RATE_HZ: f32 = 24_000.0;
/// A frame of a lower pitch has none; harmonics are made up to the other, in Hz.
const UNVOICED_HZ: f32 = 40.0;
const HIGHEST_HZ: f32 = 11_000.0;
/// No part of a spectrum is louder than the exponential of this.
const LOUDEST: f32 = 7.0;
/// Phonemes spoken in one go: longer texts are spoken in pieces.
const LONGEST: usize = 400;

/// The voice of one model file.
pub(crate) struct Hibari {
    path: PathBuf,
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Sessions that are not in use; a worker takes one or makes one.
    sessions: Mutex<Vec<Session>>,
}

/// What the model gives for a text: five parts of a spectrum, bins by frames, and the pitch by frame.
struct Frames {
    parts: [Vec<f32>; 5],
    pitch_hz: Vec<f32>,
}

impl Hibari {
    /// The voice of a file, which is loaded by the first text.
    pub(crate) fn new(path: &Path) -> Self {
        let mut planner = RealFftPlanner::new();
        let window = (0..WINDOW)
            .map(|n| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / WINDOW as f32).cos())
            .collect();
        Self {
            path: path.to_owned(),
            window,
            forward: planner.plan_fft_forward(WINDOW),
            inverse: planner.plan_fft_inverse(WINDOW),
            sessions: Mutex::default(),
        }
    }

    /// Speaks phonemes by their numbers: mono samples at 24 kHz. `speed` is 1.0 for the usual pace.
    pub(crate) fn speak(&self, ids: &[i64], speed: f32) -> Result<Vec<f32>, SpeechError> {
        let mut samples = Vec::new();
        for piece in ids.chunks(LONGEST) {
            samples.extend(self.sound(&self.run(piece, speed)?));
        }
        Ok(samples)
    }

    fn run(&self, ids: &[i64], speed: f32) -> Result<Frames, SpeechError> {
        let idle = self.sessions.lock().expect("no holder of this lock panics").pop();
        let mut session = match idle {
            Some(session) => session,
            None => self.load()?,
        };
        let tokens: Vec<i64> =
            std::iter::once(0).chain(ids.iter().copied()).chain(std::iter::once(0)).collect();
        let result = (|| {
            let ids = Tensor::from_array(([1usize, tokens.len()], tokens))?;
            let speed = Tensor::from_array(([1usize], vec![speed]))?;
            let outputs = session.run(ort::inputs!["ids" => ids, "speed" => speed])?;
            let of = |name: &str| Ok::<_, ort::Error>(outputs[name].try_extract_tensor::<f32>()?.1.to_vec());
            Ok(Frames {
                parts: [of("lh")?, of("theta")?, of("ln")?, of("lr")?, of("phi")?],
                pitch_hz: of("f0")?,
            })
        })();
        self.sessions.lock().expect("no holder of this lock panics").push(session);
        let frames = result.map_err(|error: ort::Error| SpeechError::Runtime(error.to_string()))?;
        let count = frames.pitch_hz.len();
        if frames.parts.iter().any(|part| part.len() != BINS * count) {
            return Err(SpeechError::Damaged(self.path.clone()));
        }
        Ok(frames)
    }

    fn load(&self) -> Result<Session, SpeechError> {
        session(&whole(&self.path, HEART_SHA256)?)
    }

    /// The sound of frames.
    fn sound(&self, frames: &Frames) -> Vec<f32> {
        let count = frames.pitch_hz.len();
        let pulses = pulses(&frames.pitch_hz);
        let [harmonic, turn, noise, free, phase] = &frames.parts;
        // The noise of breath: always the same, so that a text always sounds the same.
        let mut dice = StdRng::seed_from_u64(0);
        let mut spectrum = self.forward.make_output_vec();
        let mut frame = self.forward.make_input_vec();
        let mut out = vec![0f32; (count + WINDOW / HOP) * HOP];
        let mut weight = vec![0f32; out.len()];
        for at in 0..count {
            for (n, sample) in frame.iter_mut().enumerate() {
                let place = reflected(at * HOP + n, pulses.len());
                *sample = pulses.get(place).copied().unwrap_or(0.0) * self.window[n] / HOP as f32;
            }
            // Refused are buffers of another length only, and these are the plan's own.
            let _ = self.forward.process(&mut frame, &mut spectrum);
            for (bin, value) in spectrum.iter_mut().enumerate() {
                let place = bin * count + at;
                let loud = |part: &[f32]| part[place].min(LOUDEST).exp();
                *value *= Complex32::from_polar(loud(harmonic), std::f32::consts::PI * turn[place].tanh());
                *value += gaussian(&mut dice) * loud(noise);
                *value += Complex32::from_polar(loud(free), phase[place]);
            }
            for end in [0, BINS - 1] {
                spectrum[end].im = 0.0;
            }
            let _ = self.inverse.process(&mut spectrum, &mut frame);
            let begin = at * HOP;
            for (n, (sample, window)) in frame.iter().zip(&self.window).enumerate() {
                out[begin + n] += sample * window / WINDOW as f32;
                weight[begin + n] += window * window;
            }
        }
        let half = WINDOW / 2;
        out.iter().zip(&weight).skip(half).take(count * HOP).map(|(s, w)| s / w.max(1e-11)).collect()
    }
}

/// The place of sample `at` of a signal that is continued by its mirror image, half a window before
/// its beginning and behind its end.
fn reflected(at: usize, length: usize) -> usize {
    let half = WINDOW / 2;
    let place = at.abs_diff(half);
    if place < length { place } else { (2 * length).saturating_sub(2 + place) }
}

/// A complex number of unit variance in each of its parts (Box and Muller).
fn gaussian(dice: &mut impl Rng) -> Complex32 {
    let (a, b): (f32, f32) = (dice.random(), dice.random());
    Complex32::from_polar((-2.0 * (1.0 - a).ln()).sqrt(), std::f32::consts::TAU * b)
}

/// Pulses of a pitch, with every harmonic below [`HIGHEST_HZ`] as loud: `sin((H+½)t) / (2 sin(t/2)) − ½`.
fn pulses(pitch_hz: &[f32]) -> Vec<f32> {
    let mut phase = 0f64;
    let mut out = Vec::with_capacity(pitch_hz.len() * HOP);
    for at in 0..pitch_hz.len() {
        let of = |n: usize| pitch_hz[n.min(pitch_hz.len() - 1)];
        for n in 0..HOP {
            // Between the middles of frames the pitch goes in a straight line.
            let within = (n as f32 + 0.5) / HOP as f32 - 0.5;
            let other = if within < 0.0 { of(at.saturating_sub(1)) } else { of(at + 1) };
            let pitch = of(at) + (other - of(at)) * within.abs();
            let voiced = pitch > UNVOICED_HZ;
            let pitch = pitch.max(UNVOICED_HZ);
            phase = (phase + f64::from(pitch / RATE_HZ)).fract();
            let t = (phase * std::f64::consts::TAU) as f32;
            let harmonics = (HIGHEST_HZ / pitch).floor() + 0.5;
            let below = 2.0 * (t * 0.5).sin();
            let pulse = if below.abs() <= 2e-3 { harmonics } else { (harmonics * t).sin() / below };
            out.push(if voiced { pulse - 0.5 } else { 0.0 });
        }
    }
    out
}
