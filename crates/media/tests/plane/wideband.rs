//! Legs whose other side speaks G.722.

use std::time::Duration;

use hotline_audio::{Clip, Codec, G722Decoder, G722Encoder, Law, decode, rms_dbov, sine};
use hotline_media::{PlayId, Remote};

use crate::phone::{Bench, Heard, Phone};
use crate::{A, B};

fn voice() -> Vec<i16> {
    sine(1000.0, -16.0, Duration::from_secs(1))
}

/// One second of the voice in 20 ms packets, paced by what comes back; gives what came back to whom.
fn speak(
    from: &mut Phone,
    to: std::net::SocketAddr,
    payload_type: u8,
    codes: &[u8],
    at: &Phone,
) -> Vec<Heard> {
    let mut heard = Vec::new();
    for payload in codes.chunks_exact(160) {
        from.send(to, payload_type, payload);
        heard.extend(at.hear());
    }
    heard
}

fn sound_of_g722(heard: &[Heard]) -> Vec<i16> {
    let codes: Vec<u8> = heard.iter().flat_map(|packet| packet.payload.iter().copied()).collect();
    let mut samples = vec![0; codes.len()];
    G722Decoder::default().decode(&codes, &mut samples);
    samples
}

#[test]
fn wideband_passes_between_two_that_speak_it_as_it_is() {
    let bench = Bench::new(|_| {});
    let (mut caller, agent) = (Phone::new(), Phone::new());
    let (a, _) = (bench.open(1, 7), bench.open(2, 7));
    bench.plane.connect(A, Remote::new(caller.addr(), Codec::G722)).unwrap();
    bench.plane.connect(B, Remote::new(agent.addr(), Codec::G722)).unwrap();
    bench.plane.bridge(A, B, true).unwrap();
    // Bytes of no sound at all: only what is passed on untouched comes out as it went in.
    let codes: Vec<u8> = (0..8000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let heard = speak(&mut caller, a.addr, 9, &codes, &agent);
    let passed = heard.iter().filter(|packet| codes.chunks_exact(160).any(|sent| sent == packet.payload));
    let passed: Vec<_> = passed.collect();
    assert!(passed.len() > 40 && passed.iter().all(|packet| packet.payload_type == 9), "{}", passed.len());
    for pair in passed.windows(2) {
        let samples = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
        assert_eq!(samples % 160, 0, "its RTP clock is 8 kHz");
    }
}

#[test]
fn wideband_and_g711_hear_each_other_and_prompts() {
    let bench = Bench::new(|_| {});
    let (mut caller, mut agent) = (Phone::new(), Phone::new());
    let (a, b) = (bench.open(1, 7), bench.open(2, 7));
    bench.plane.connect(A, Remote::new(caller.addr(), Codec::G722)).unwrap();
    bench.plane.connect(B, Remote::new(agent.addr(), Law::Pcma)).unwrap();
    bench.plane.bridge(A, B, true).unwrap();
    let (mut wide, mut narrow) = (vec![0; 8000], vec![0; 8000]);
    G722Encoder::default().encode(&voice(), &mut wide);
    hotline_audio::encode(Law::Pcma, &voice(), &mut narrow);

    let at_agent = speak(&mut caller, a.addr, 9, &wide, &agent);
    assert!(at_agent[20..].iter().all(|packet| packet.payload_type == 8));
    let mut samples = vec![0; 160 * 20];
    for (packet, frame) in at_agent[20..40].iter().zip(samples.chunks_exact_mut(160)) {
        decode(Law::Pcma, &packet.payload, frame);
    }
    assert!((rms_dbov(&samples) - rms_dbov(&voice())).abs() < 1.0, "{}", rms_dbov(&samples));

    let at_caller = speak(&mut agent, b.addr, 8, &narrow, &caller);
    assert!(at_caller.iter().all(|packet| packet.payload_type == 9));
    let samples = sound_of_g722(&at_caller);
    let level = rms_dbov(&samples[samples.len() - 3200..]);
    assert!((level - rms_dbov(&voice())).abs() < 1.0, "{level}");

    bench.plane.unbridge(A).unwrap();
    bench.plane.play_loop(A, PlayId(1), vec![Clip::from_samples(voice())]).unwrap();
    let samples = sound_of_g722(&caller.hear_many(50));
    let level = rms_dbov(&samples[samples.len() - 3200..]);
    assert!((level - rms_dbov(&voice())).abs() < 1.0, "a prompt: {level}");
}

#[test]
fn wideband_is_mixed_and_recorded() {
    let mut bench = Bench::new(|_| {});
    let (mut caller, agent) = (Phone::new(), Phone::new());
    let (a, _) = (bench.open(1, 7), bench.open(2, 7));
    bench.plane.connect(A, Remote::new(caller.addr(), Codec::G722)).unwrap();
    bench.plane.connect(B, Remote::new(agent.addr(), Codec::G722)).unwrap();
    let path = std::env::temp_dir().join(format!("hotline-wideband-{}.wav", std::process::id()));
    bench.plane.mix(&[(A, &[B]), (B, &[A])]).unwrap();
    bench.plane.start_recording(A, &path).unwrap();
    let mut codes = vec![0; 8000];
    G722Encoder::default().encode(&voice(), &mut codes);
    let heard = speak(&mut caller, a.addr, 9, &codes, &agent);
    let samples = sound_of_g722(&heard);
    let level = rms_dbov(&samples[samples.len() - 3200..]);
    assert!((level - rms_dbov(&voice())).abs() < 1.5, "in a mix: {level}");
    bench.plane.stop_recording(A).unwrap();
    bench.wait(|event| matches!(event, hotline_media::MediaEvent::RecordingDone { .. }).then_some(()));
    let mut wav = hound::WavReader::open(&path).unwrap();
    let samples: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).step_by(2).collect();
    std::fs::remove_file(&path).unwrap();
    let level = rms_dbov(&samples[samples.len() / 2..samples.len() / 2 + 1600]);
    assert!((level - rms_dbov(&voice())).abs() < 1.5, "in a recording: {level}");
}
