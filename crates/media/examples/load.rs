//! cargo run --release -p hotline-media --example load -- 1000 10 [two-way | bridge | transcode | record]
//!
//! Plays to many legs for some seconds and prints what a call costs. A second thread of this process is the other side;
//! only the media threads' time is counted (from /proc/self/task).

use std::error::Error;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotline_audio::{Clip, Codec, Law, sine};
use hotline_media::{LegId, MediaConfig, MediaPlane, PlayId, Remote};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let legs: u64 = args.next().as_deref().unwrap_or("1000").parse()?;
    let seconds: u64 = args.next().as_deref().unwrap_or("10").parse()?;
    let mode = args.next().unwrap_or_default();
    let threads: usize = args.next().as_deref().unwrap_or("1").parse()?;
    let config = MediaConfig { port_range: 10_000..=32_767, threads, ..MediaConfig::default() };
    let plane = MediaPlane::start(config, |_| {})?;
    let music = Clip::from_samples(sine(440.0, -20.0, Duration::from_secs(10)));
    let bridged = mode == "bridge" || mode == "transcode";
    // Every other leg of those that are transcoded speaks G.722.
    let codec =
        |n: u64| if mode == "transcode" && n.is_multiple_of(2) { Codec::G722 } else { Law::Pcmu.into() };
    let mut far = Vec::new();
    for n in 0..legs {
        let call = if bridged { n / 2 } else { n };
        let local = plane.open(LegId(n), call)?.addr;
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(local)?;
        socket.set_nonblocking(true)?;
        plane.connect(LegId(n), Remote::new(socket.local_addr()?, codec(n)))?;
        if !bridged {
            plane.play_loop(LegId(n), PlayId(n), vec![music.clone()])?;
        } else if n % 2 == 1 {
            plane.bridge(LegId(n - 1), LegId(n), true)?;
        }
        if mode == "record" {
            plane.start_recording(LegId(n), std::env::temp_dir().join(format!("hotline-load-{n}.wav")))?;
        }
        far.push((socket, codec(n).payload_type()));
        std::thread::sleep(Duration::from_micros(500));
    }
    let (running, received) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicU64::new(0)));
    let other_side = {
        let (running, received, sends) = (running.clone(), received.clone(), !mode.is_empty());
        std::thread::spawn(move || run_far(&far, sends, &running, &received))
    };
    std::thread::sleep(Duration::from_secs(7));
    let (cpu, packets) = (media_cpu()?, received.load(Ordering::Relaxed));
    let mut late = Vec::new();
    for _ in 0..seconds {
        std::thread::sleep(Duration::from_secs(1));
        late.extend(plane.threads().iter().map(|thread| thread.late_p99));
    }
    let used = media_cpu()? - cpu;
    let packets = received.load(Ordering::Relaxed) - packets;
    late.sort_unstable();
    let percent = used.as_secs_f64() / seconds as f64 * 100.0;
    println!(
        "{legs} legs {mode}: {percent:.1} % of a core, {:.2} % per 100 legs, {:.2} µs per leg and 20 ms; \
         {:.1} % of packets; late p99 (median of seconds) {:?}",
        percent / legs as f64 * 100.0,
        used.as_secs_f64() * 1e6 / (legs * seconds * 50) as f64,
        packets as f64 / (legs * seconds) as f64 * 2.0,
        late[late.len() / 2],
    );
    running.store(false, Ordering::Relaxed);
    other_side.join().map_err(|_| "the other side failed")?;
    Ok(())
}

/// Drains all sockets and, if asked, sends each a packet every 20 ms, spread over 20 slots.
fn run_far(far: &[(UdpSocket, u8)], sends: bool, running: &AtomicBool, received: &AtomicU64) {
    let (mut packet, mut bytes) = ([0xFFu8; 172], [0u8; 2000]);
    packet[0] = 0x80;
    let start = Instant::now();
    for tick in 0u32.. {
        if !running.load(Ordering::Relaxed) {
            return;
        }
        std::thread::sleep(
            (start + Duration::from_millis(1) * tick).saturating_duration_since(Instant::now()),
        );
        for (n, (socket, payload_type)) in
            far.iter().enumerate().filter(|(n, _)| n % 20 == tick as usize % 20)
        {
            while socket.recv(&mut bytes).is_ok() {
                received.fetch_add(1, Ordering::Relaxed);
            }
            if sends {
                packet[1] = *payload_type;
                packet[2..4].copy_from_slice(&((tick / 20) as u16).to_be_bytes());
                packet[4..8].copy_from_slice(&((tick / 20) * 160).to_be_bytes());
                packet[8..12].copy_from_slice(&(n as u32 + 1).to_be_bytes());
                let _ = socket.send(&packet);
            }
        }
    }
}

/// CPU time of the media threads.
fn media_cpu() -> Result<Duration, Box<dyn Error>> {
    let mut total = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task")? {
        let path = task?.path();
        if std::fs::read_to_string(path.join("comm"))?.starts_with("hotline-media") {
            let stat = std::fs::read_to_string(path.join("schedstat"))?;
            total += Duration::from_nanos(stat.split_whitespace().next().unwrap_or("0").parse()?);
        }
    }
    Ok(total)
}
