//! What comes in by the port for sound: RTP, RTCP, telephone-events, and what only looks like them (STUN).

use std::time::{Duration, Instant, SystemTime};

use hotline_rtp::{Config, Packet, Session, rtcp};

/// A session takes any datagrams; each is as long as the two bytes before it say.
pub fn session(data: &[u8]) {
    let mut now = Instant::now();
    let config = Config { ssrc: 1, first_sequence: 1, audio: 0, digits: Some(101), cname: "x".into() };
    let mut session = Session::new(now, SystemTime::UNIX_EPOCH, config);
    let mut rest = data;
    let mut taken = 0_u32;
    while let [high, low, more @ ..] = rest {
        let length = (usize::from(*high & 0x07) << 8 | usize::from(*low)).min(more.len());
        let (datagram, next) = more.split_at(length);
        rest = next;
        now += Duration::from_millis(u64::from(*high >> 3) * 20);
        let is_taken = session.handle_datagram(now, datagram).is_ok();
        // The two highest bits tell RTP and RTCP from STUN, DTLS and what else comes by such a port (RFC 7983 §7).
        assert!(
            !is_taken || datagram.first().is_some_and(|first| first >> 6 == 2),
            "only RTP and RTCP are taken"
        );
        taken += u32::from(is_taken);
        session.handle_timeout(now);
        while let Some(report) = session.poll_datagram() {
            assert!(
                rtcp::is_rtcp(report) && rtcp::parse(report).all(|part| part.is_ok()),
                "our reports are RTCP"
            );
        }
        while session.poll_event().is_some() {}
    }
    assert!(session.stats().received <= taken, "what was refused is not counted as received");
}

/// RTCP and RTP are read without a panic, and RTP is written as it was read.
pub fn control(data: &[u8]) {
    for part in rtcp::parse(data).take(1000) {
        let _ = format!("{part:?}");
    }
    let _ = rtcp::is_rtcp(data);
    if let Ok(packet) = Packet::parse(data) {
        assert!(packet.payload.len() <= data.len());
        assert!(packet.csrc().count() * 4 <= data.len());
    }
}

/// One packet of each kind, with its length before it.
pub fn packets() -> Vec<Vec<u8>> {
    let sound = |sequence: u8| {
        let mut bytes = vec![0x80, 0, 0, sequence, 0, 0, sequence, 0, 0, 0, 0, 9];
        bytes.extend_from_slice(&[0xff; 160]);
        bytes
    };
    let key = |end: u8| vec![0x80, 0x80 | 101, 0, 9, 0, 0, 0, 1, 0, 0, 0, 9, 5, end | 10, 0, 160];
    let sender = {
        let mut bytes = vec![0x81, 200, 0, 12, 0, 0, 0, 9];
        bytes.extend_from_slice(&[1; 44]);
        bytes.extend_from_slice(&[0x81, 202, 0, 2, 0, 0, 0, 9, 1, 1, b'x', 0, 0x81, 203, 0, 1, 0, 0, 0, 9]);
        bytes
    };
    // A binding request of RFC 8489.
    let stun = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let extended =
        vec![0xb1, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 1, 2, 0, 2];
    let with_length = |bytes: &[u8]| {
        let length = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
        [&[length[0] | 0x08, length[1]], bytes].concat()
    };
    let all = [sound(1), sound(2), key(0), key(0x80), sender, stun, extended];
    let mut seeds: Vec<Vec<u8>> = all.to_vec();
    seeds.push(all.iter().flat_map(|bytes| with_length(bytes)).collect());
    seeds
}
