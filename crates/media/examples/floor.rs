//! cargo run --release -p hotline-media --example floor -- 1000 5
//!
//! What the kernel alone takes for a packet out and a packet in, with a socket per leg: the floor under `load`. Nothing
//! is encoded, no clock is kept, nothing is watched; each socket sends 172 bytes to its far end and receives one packet.

use std::error::Error;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let legs: usize = args.next().as_deref().unwrap_or("1000").parse()?;
    let seconds: u64 = args.next().as_deref().unwrap_or("5").parse()?;
    let pairs: Vec<(UdpSocket, UdpSocket)> = (0..legs).map(|_| pair()).collect::<Result<_, _>>()?;
    let packet = [0u8; 172];
    let mut bytes = [0u8; 2000];
    let until = Instant::now() + Duration::from_secs(seconds);
    let (mut used, mut rounds) = (Duration::ZERO, 0u32);
    while Instant::now() < until {
        for (_, far) in &pairs {
            far.send(&packet)?;
        }
        let began = cpu()?;
        for (near, _) in &pairs {
            near.send(&packet)?;
            near.recv(&mut bytes)?;
        }
        used += cpu()? - began;
        rounds += 1;
        for (_, far) in &pairs {
            far.recv(&mut bytes)?;
        }
    }
    let each = used.as_secs_f64() * 1e6 / f64::from(rounds) / legs as f64;
    println!("{legs} legs: {each:.2} µs of the kernel's for a packet out and one in");
    Ok(())
}

fn pair() -> Result<(UdpSocket, UdpSocket), std::io::Error> {
    let (near, far) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    Ok((near, far))
}

/// What this thread has used, in nanoseconds of the scheduler's own count.
fn cpu() -> Result<Duration, Box<dyn Error>> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let used = stat.split_whitespace().next().ok_or("/proc/thread-self/schedstat is empty")?;
    Ok(Duration::from_nanos(used.parse()?))
}
