//! The media plane against telephones of plain sockets on loopback.

mod phone;
mod wideband;

use std::time::{Duration, Instant};

use hotline_audio::{Clip, DtmfDetector, Heard, Law, Press, decode, dtmf_key, rms_dbov, sine};
use hotline_media::{DigitBy, Direction, LegId, MediaError, MediaEvent, PlayEnd, PlayId, Remote};
use phone::{Bench, Phone};

const A: LegId = LegId(1);
const B: LegId = LegId(2);

fn tone(ms: u64) -> Clip {
    Clip::from_samples(sine(1000.0, -13.0, Duration::from_millis(ms)))
}

fn closed(event: &MediaEvent) -> Option<hotline_media::LegStats> {
    if let MediaEvent::Closed { stats, .. } = event { Some(*stats) } else { None }
}

#[test]
fn nothing_is_sent_before_connect_and_silence_every_20_ms_after() {
    let bench = Bench::new(|_| {});
    let mut phone = Phone::new();
    let local = bench.open(1, 1);
    phone.send(local.addr, 0, &[0xFF; 160]);
    assert!(phone.hear().is_none());
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    let heard = phone.hear_many(40);
    assert!(heard[0].marker && !heard[1].marker);
    assert!(heard.iter().all(|p| p.payload_type == 0 && p.payload == [0xFF; 160] && p.ssrc == heard[0].ssrc));
    for pair in heard.windows(2) {
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
    }
    let took = heard[39].at - heard[0].at;
    assert!((760..=800).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn what_is_played_into_silence_begins_at_once_and_its_time_does_not_drift() {
    let bench = Bench::new(|_| {});
    let phone = Phone::new();
    bench.open(1, 1);
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    let first = phone.hear_many(5).remove(0);
    let mut heard = Vec::new();
    for play in 0..40 {
        bench.plane.play(A, PlayId(play), vec![tone(60)]).unwrap();
        // To the end of the tone and the silence after it: plays begin at all phases of the leg's 20 ms.
        let mut begun = false;
        loop {
            let packet = phone.hear().unwrap();
            let spoken = packet.payload.iter().any(|code| *code != 0xFF);
            heard.push(packet);
            if begun && !spoken {
                break;
            }
            begun |= spoken;
        }
        std::thread::sleep(Duration::from_micros(700 * play % 20_000));
    }
    for pair in heard.windows(2) {
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(160));
        assert_eq!(pair[1].sequence, pair[0].sequence.wrapping_add(1));
    }
    // Frames are early by less than one of their length, at the end as at the beginning.
    let last = phone.hear_many(20).pop().unwrap();
    let (real, told) = (last.at - first.at, u64::from(last.timestamp.wrapping_sub(first.timestamp)) / 8);
    let apart = i128::from(told) - real.as_millis() as i128;
    assert!((-25..=25).contains(&apart), "{apart} ms between the frames' time and ours");
}

#[test]
fn clips_are_played_to_their_end_in_order_and_stop_tells_how_much_was_sent() {
    let mut bench = Bench::new(|_| {});
    let phone = Phone::new();
    bench.open(1, 1);
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcma)).unwrap();
    let clip = tone(90);
    bench.plane.play(A, PlayId(1), vec![clip.clone(), clip.clone()]).unwrap();
    bench.plane.enqueue(A, PlayId(2), vec![clip.clone()]).unwrap();
    let done = |event: &MediaEvent| match *event {
        MediaEvent::PlayDone { play, end, played, .. } => Some((play.0, end, played.as_millis())),
        _ => None,
    };
    assert_eq!(bench.wait(done), (1, PlayEnd::Completed, 180));
    assert_eq!(bench.wait(done), (2, PlayEnd::Completed, 90));
    let heard = phone.hear_many(14);
    let codes: Vec<u8> = heard.iter().flat_map(|p| p.payload.clone()).collect();
    let expected = clip.encoded(Law::Pcma);
    let start = codes.iter().position(|&code| code != 0xD5).unwrap() / 160 * 160;
    assert_eq!(codes[start..start + 720], expected[..]);
    assert_eq!(codes[start + 1440..start + 2160], expected[..]);

    bench.plane.play_loop(A, PlayId(3), vec![tone(30)]).unwrap();
    phone.hear_many(10);
    bench.plane.stop(A).unwrap();
    let (play, end, played) = bench.wait(done);
    assert_eq!((play, end), (3, PlayEnd::Stopped));
    assert!((100..500).contains(&played), "{played}");
}

#[test]
fn keys_are_told_once_by_event_and_by_tone() {
    let mut bench = Bench::new(|_| {});
    let (mut phone, mut old) = (Phone::new(), Phone::new());
    let (local, old_local) = (bench.open(1, 1), bench.open(2, 2));
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    bench.plane.connect(B, Remote { dtmf_payload: None, ..Remote::new(old.addr(), Law::Pcmu) }).unwrap();
    phone.hear();
    for code in [1, 1, 11] {
        phone.key(local.addr, code);
    }
    let digit = |event: &MediaEvent| match *event {
        MediaEvent::Digit { leg, key, by } => Some((leg, key, by)),
        _ => None,
    };
    let keys: Vec<_> = (0..3).map(|_| bench.wait(digit)).collect();
    assert_eq!(keys, ['1', '1', '#'].map(|key| (A, key, DigitBy::Rfc4733)));

    old.hear();
    let mut samples = dtmf_key('7', Duration::from_millis(80)).unwrap();
    samples.resize(1600, 0);
    for frame in samples.chunks(160) {
        let mut codes = [0; 160];
        hotline_audio::encode(Law::Pcmu, frame, &mut codes);
        old.send(old_local.addr, 0, &codes);
    }
    assert_eq!(bench.wait(digit), (B, '7', DigitBy::InBand));
    assert_eq!(bench.keys(), "11#7");
}

#[test]
fn digits_are_sent_as_events_or_as_tones() {
    let bench = Bench::new(|_| {});
    let (phone, old) = (Phone::new(), Phone::new());
    bench.open(1, 1);
    bench.open(2, 1);
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    bench.plane.connect(B, Remote { dtmf_payload: None, ..Remote::new(old.addr(), Law::Pcmu) }).unwrap();
    bench.plane.send_digits(A, "5x#").unwrap();
    bench.plane.send_digits(B, "42").unwrap();
    let events: Vec<_> = phone.hear_many(20).into_iter().filter(|p| p.payload_type == 101).collect();
    assert_eq!(events.iter().map(|p| p.payload[0]).collect::<Vec<_>>(), [[5; 7], [11; 7]].concat());
    assert_eq!(events.iter().filter(|p| p.payload[1] & 0x80 != 0).count(), 6);

    let mut detector = DtmfDetector::new();
    let mut keys = String::new();
    for packet in old.hear_many(22) {
        let mut samples = vec![0; packet.payload.len()];
        decode(Law::Pcmu, &packet.payload, &mut samples);
        detector.process(&samples, |press| {
            if let Press::Down(key) = press {
                keys.push(key);
            }
        });
    }
    assert_eq!(keys, "42");
}

#[test]
fn strangers_are_never_heard_and_latching_follows_the_first_source_only() {
    let mut bench = Bench::new(|_| {});
    let (mut phone, mut stranger) = (Phone::new(), Phone::new());
    // On loopback every source has the SDP's host, so the SDP names another one, as behind NAT.
    let elsewhere = "127.0.0.9:4000".parse().unwrap();
    let (strict, local) = (bench.open(1, 1), bench.open(2, 2));
    bench.plane.connect(A, Remote::new(elsewhere, Law::Pcmu)).unwrap();
    bench.plane.connect(B, Remote { latch: true, ..Remote::new(elsewhere, Law::Pcmu) }).unwrap();
    for _ in 0..3 {
        stranger.send(strict.addr, 0, &[0; 160]);
        phone.send(local.addr, 0, &[0; 160]);
    }
    bench.wait(|event| matches!(event, MediaEvent::FirstPacket { leg: B }).then_some(()));
    assert!(phone.hear().is_some());
    for _ in 0..3 {
        stranger.send(local.addr, 0, &[0; 160]);
    }
    assert!(stranger.hear().is_none());
    bench.plane.close(A).unwrap();
    let refused = bench.wait(closed);
    assert_eq!((refused.rtp.received, refused.strangers), (0, 3));
    bench.plane.close(B).unwrap();
    // The kernel filters by then, so the stranger's packets are not even counted.
    assert_eq!(bench.wait(closed).rtp.received, 3);
}

#[test]
fn bridged_legs_hear_each_other_transcoded_and_keys_pass_on() {
    let mut bench = Bench::new(|_| {});
    let (mut caller, mut agent) = (Phone::new(), Phone::new());
    let (a, b) = (bench.open(1, 7), bench.open(2, 7));
    bench.plane.connect(A, Remote::new(caller.addr(), Law::Pcmu)).unwrap();
    bench
        .plane
        .connect(B, Remote { dtmf_payload: Some(96), ..Remote::new(agent.addr(), Law::Pcma) })
        .unwrap();
    bench.plane.bridge(A, B, true).unwrap();
    for n in 0..20 {
        caller.send(a.addr, 0, &[0x30; 160]);
        agent.send(b.addr, 8, &[0x55; 80]);
        agent.send(b.addr, 8, &[0x55; 80]);
        if n == 10 {
            caller.key(a.addr, 9);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let at_agent = agent.hear_many(20);
    let expected = Law::Pcmu.to_law(Law::Pcma)[0x30];
    let voice: Vec<_> = at_agent.iter().filter(|p| p.payload.first() == Some(&expected)).collect();
    assert!(voice.len() >= 9 && voice.iter().all(|p| p.payload_type == 8), "{}", voice.len());
    for pair in voice.windows(2) {
        assert_eq!(
            pair[1].timestamp.wrapping_sub(pair[0].timestamp) % 160,
            0,
            "forwarded time keeps the sender's steps"
        );
    }
    assert_eq!(at_agent.iter().filter(|p| p.payload_type == 96 && p.payload[0] == 9).count(), 5);
    assert!(caller.hear_many(20).iter().any(|p| p.payload.len() == 80 && p.payload_type == 0));
    assert_eq!(bench.keys(), "9");

    bench.open(3, 8);
    bench.plane.unbridge(B).unwrap();
    bench.plane.close(A).unwrap();
    assert_eq!(bench.wait(closed).rtp.lost, 0);
}

#[test]
fn a_recording_has_both_sides_aligned_and_secrets_muted() {
    let mut bench = Bench::new(|_| {});
    let mut phone = Phone::new();
    let local = bench.open(1, 1);
    let path = std::env::temp_dir().join(format!("hotline-media-test-{}.wav", std::process::id()));
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    bench.plane.start_recording(A, &path).unwrap();
    bench.plane.play_loop(A, PlayId(1), vec![tone(1000)]).unwrap();
    let mut codes = [0; 160];
    hotline_audio::encode(Law::Pcmu, &sine(500.0, -20.0, Duration::from_millis(20)), &mut codes);
    let start = Instant::now();
    for n in 0..100 {
        match n {
            40 => bench.plane.mute_recording(A, true).unwrap(),
            60 => bench.plane.mute_recording(A, false).unwrap(),
            _ => {}
        }
        phone.send(local.addr, 0, &codes);
        std::thread::sleep((Duration::from_millis(20) * (n + 1)).saturating_sub(start.elapsed()));
    }
    bench.plane.stop_recording(A).unwrap();
    let duration = bench.wait(|event| match event {
        MediaEvent::RecordingDone { duration, .. } => Some(duration.as_millis()),
        _ => None,
    });
    assert!((1900..=2100).contains(&duration), "{duration}");
    let mut wav = hound::WavReader::open(&path).unwrap();
    let samples: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).collect();
    std::fs::remove_file(&path).unwrap();
    let side = |side: usize, from_ms: usize, to_ms: usize| -> f64 {
        let part: Vec<i16> = samples.chunks(2).map(|both| both[side]).collect();
        rms_dbov(&part[from_ms * 8..to_ms * 8])
    };
    assert!((side(0, 200, 700) + 20.0).abs() < 1.5, "left {}", side(0, 200, 700));
    assert!((side(1, 200, 700) + 13.0).abs() < 1.5, "right {}", side(1, 200, 700));
    assert!(side(0, 850, 1350) < -90.0 && side(1, 850, 1350) < -90.0);
    assert!((side(0, 1600, 1850) + 20.0).abs() < 1.5);
}

#[test]
fn words_are_recorded_alone_and_what_is_heard_is_told() {
    let mut bench = Bench::new(|_| {});
    let mut phone = Phone::new();
    let local = bench.open(1, 1);
    let path = std::env::temp_dir().join(format!("hotline-words-{}.wav", std::process::id()));
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    bench.plane.record_words(A, &path).unwrap();
    bench.plane.listen(A, Some(Duration::from_millis(300))).unwrap();
    // We say something at the same time: it does not belong to their words.
    bench.plane.play_loop(A, PlayId(1), vec![tone(1000)]).unwrap();
    let mut noise = 1_u32;
    let start = Instant::now();
    for n in 0..40 {
        let mut sound = [0_i16; 160];
        for sample in &mut sound {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *sample = ((noise >> 19) as i16) - 4_096;
        }
        let mut codes = [0; 160];
        hotline_audio::encode(Law::Pcmu, &sound, &mut codes);
        phone.send(local.addr, 0, &codes);
        std::thread::sleep((Duration::from_millis(20) * (n + 1)).saturating_sub(start.elapsed()));
    }
    // Then nothing comes any more, not even silence: that is a rest as well.
    let mut told = Vec::new();
    bench.wait(|event| {
        if let MediaEvent::Heard { leg: A, what } = event {
            told.push(*what);
        }
        (told.last() == Some(&Heard::Rest)).then_some(())
    });
    assert_eq!(told, [Heard::Speech, Heard::Rest]);
    bench.plane.stop_words(A).unwrap();
    bench.wait(|event| matches!(event, MediaEvent::RecordingDone { .. }).then_some(()));
    let mut wav = hound::WavReader::open(&path).unwrap();
    assert_eq!(wav.spec().channels, 1);
    let samples: Vec<i16> = wav.samples::<i16>().map(Result::unwrap).collect();
    std::fs::remove_file(&path).unwrap();
    let (spoken, after) = (rms_dbov(&samples[1_600..5_600]), rms_dbov(&samples[samples.len() - 1_200..]));
    assert!(spoken > -30.0 && after < -80.0, "{spoken} then {after}");
}

#[test]
fn a_recording_that_cannot_be_written_fails_once_and_the_call_goes_on() {
    let mut bench = Bench::new(|_| {});
    let phone = Phone::new();
    bench.open(1, 1);
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    bench.plane.start_recording(A, "/no/such/folder/x.wav").unwrap();
    bench.wait(|event| matches!(event, MediaEvent::RecordingFailed { .. }).then_some(()));
    assert_eq!(phone.hear_many(60).len(), 60);
    bench.plane.close(A).unwrap();
    bench.wait(closed);
}

#[test]
fn silence_from_the_other_side_is_told_once_and_hold_is_patient() {
    let mut bench = Bench::new(|config| config.rtp_timeout = Duration::from_millis(300));
    let (phone, held) = (Phone::new(), Phone::new());
    bench.open(1, 1);
    bench.open(2, 2);
    bench.plane.connect(A, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    let direction = Direction::RecvOnly;
    bench.plane.connect(B, Remote { direction, ..Remote::new(held.addr(), Law::Pcmu) }).unwrap();
    let mut timeouts = 0;
    bench.wait(|event| matches!(event, MediaEvent::RtpTimeout { leg: A }).then_some(()));
    assert!(held.hear().is_none());
    std::thread::sleep(Duration::from_millis(1100));
    bench.plane.close(A).unwrap();
    bench.wait(|event| {
        timeouts += usize::from(matches!(event, MediaEvent::RtpTimeout { .. }));
        closed(event)
    });
    assert_eq!(timeouts, 0);
}

#[test]
fn commands_for_legs_that_are_not_there_are_errors_and_ids_are_not_opened_twice() {
    let bench = Bench::new(|config| config.threads = 2);
    assert!(matches!(bench.plane.stop(A), Err(MediaError::NoLeg(A))));
    let local = bench.open(1, 1);
    assert!(local.addr.port().is_multiple_of(2));
    assert!(matches!(bench.plane.open(A, 1), Err(MediaError::Taken(A))));
    bench.open(2, 2);
    assert!(matches!(bench.plane.bridge(A, B, true), Err(MediaError::Apart(A, B))));
    bench.open(3, 1);
    bench.plane.bridge(A, LegId(3), true).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(bench.plane.threads().iter().map(|thread| thread.legs).collect::<Vec<_>>(), [2, 1]);
    bench.plane.close(A).unwrap();
    assert!(matches!(bench.plane.close(A), Err(MediaError::NoLeg(A))));
}

/// The power of a frequency in what was heard, as a share of all power.
fn share(heard: &[phone::Heard], hertz: f64) -> f64 {
    let mut samples = Vec::new();
    for packet in heard {
        let mut frame = [0; 160];
        decode(Law::Pcmu, &packet.payload, &mut frame);
        samples.extend(frame.map(f64::from));
    }
    let power: f64 = samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64;
    let angle = |n: usize| 2.0 * std::f64::consts::PI * hertz * n as f64 / 8000.0;
    let (re, im) = samples
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |(re, im), (n, s)| (re + s * angle(n).cos(), im + s * angle(n).sin()));
    if power < 1.0 { 0.0 } else { 2.0 * (re * re + im * im) / (samples.len() as f64).powi(2) / power }
}

#[test]
fn three_hear_each_other_and_whoever_only_listens_is_not_heard() {
    const C: LegId = LegId(3);
    const HERTZ: [f64; 3] = [500.0, 900.0, 1300.0];
    let bench = Bench::new(|_| {});
    let mut phones = [Phone::new(), Phone::new(), Phone::new()];
    let legs = [bench.open(1, 7), bench.open(2, 7), bench.open(3, 7)];
    for (leg, phone) in [A, B, C].into_iter().zip(&phones) {
        bench.plane.connect(leg, Remote::new(phone.addr(), Law::Pcmu)).unwrap();
    }
    let voices = HERTZ.map(|hertz| sine(hertz, -16.0, Duration::from_secs(1)));
    // Everybody speaks for a second, paced by what comes back; gives who was heard by whom at its end.
    let mut round = || {
        let mut heard = [Vec::new(), Vec::new(), Vec::new()];
        for n in 0..50 {
            for ((phone, leg), voice) in phones.iter_mut().zip(&legs).zip(&voices) {
                let mut payload = [0; 160];
                hotline_audio::encode(Law::Pcmu, &voice[n * 160..n * 160 + 160], &mut payload);
                phone.send(leg.addr, 0, &payload);
            }
            heard.iter_mut().zip(&phones).for_each(|(heard, phone)| heard.extend(phone.hear()));
        }
        heard.map(|heard| HERTZ.map(|hertz| share(&heard[30..45], hertz) > 0.2))
    };
    bench.plane.mix(&[(A, &[B, C]), (B, &[A, C]), (C, &[A, B])]).unwrap();
    assert_eq!(round(), [[false, true, true], [true, false, true], [true, true, false]], "a conference");
    bench.plane.mix(&[(A, &[B]), (B, &[A]), (C, &[A, B])]).unwrap();
    assert_eq!(round(), [[false, true, false], [true, false, false], [true, true, false]], "C listens");
    bench.plane.mix(&[(A, &[B]), (B, &[A, C]), (C, &[A, B])]).unwrap();
    assert_eq!(round(), [[false, true, false], [true, false, true], [true, true, false]], "C whispers to B");
    bench.plane.unmix(C).unwrap();
    bench.plane.bridge(A, B, true).unwrap();
    assert_eq!(round(), [[false, true, false], [true, false, false], [false; 3]], "two are bridged again");
}
