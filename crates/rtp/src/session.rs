//! One leg's RTP session (RFC 3550): both directions, reports, keys.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::rtcp::{self, Block, Part, Sent};
use crate::{DigitReceiver, HEADER_LEN, Header, Order, Packet, PacketError, Reception};

/// What a session must know from the start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Our source, random.
    pub ssrc: u32,
    /// Our first sequence number, random.
    pub first_sequence: u16,
    /// Payload type of the sound expected.
    pub audio: u8,
    /// Payload type of telephone-event, if negotiated.
    pub digits: Option<u8>,
    /// Our canonical name; not a person's.
    pub cname: String,
}

/// One leg's RTP: datagrams in, keys, reports and statistics out. Sound is not kept here: [`Session::handle_datagram`]
/// gives it back borrowed, and [`Session::next_header`] makes the header for what is sent.
#[derive(Debug)]
pub struct Session {
    config: Config,
    start: Instant,
    /// NTP time at `start`.
    start_ntp: u64,
    source: Option<Source>,
    digits: DigitReceiver,
    allowance: Allowance,
    next_sequence: u16,
    sent: Sent,
    /// When `sent.timestamp` was the media clock.
    sent_at: Instant,
    next_report: Instant,
    closing: bool,
    report: Vec<u8>,
    report_waits: bool,
    events: VecDeque<Event>,
    totals: Totals,
}

/// The source that is received.
#[derive(Debug)]
struct Source {
    ssrc: u32,
    reception: Reception,
    /// Middle bits of the NTP time of its last SR, and when that came.
    last_report: Option<(u32, Instant)>,
}

/// Of sources before the present one, and of what was not counted to any.
#[derive(Debug, Default, Clone, Copy)]
struct Totals {
    received: u32,
    lost: u32,
    late: u32,
    duplicates: u32,
    refused: u32,
    rtt: Option<Duration>,
    remote_lost: i32,
    remote_jitter: u32,
}

/// 200 packets a second, with as many at once.
#[derive(Debug)]
struct Allowance {
    /// Thousandths of a packet.
    left: u64,
    last: Instant,
}

/// What a datagram was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// Sound to use, newer than all before or late.
    Audio(Packet<'a>),
    /// A telephone-event; keys come by [`Session::poll_event`].
    Digits(Packet<'a>),
    /// A payload type that was not negotiated, a packet seen before, or one far out of order: to be ignored.
    Ignored,
    /// RTCP, taken note of.
    Control,
}

/// Why a datagram was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// No RTP.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// No RTCP.
    #[error(transparent)]
    Control(#[from] rtcp::ControlError),
    /// More than 200 packets a second.
    #[error("more than 200 packets a second")]
    TooMany,
}

/// What the session has to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key was pressed, told once.
    Key(char),
    /// The other side's source is a new one; its clock starts anew.
    SourceChanged {
        /// The new source.
        ssrc: u32,
    },
    /// The other side left (RTCP BYE). It may come back with a new source.
    Left,
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Packets sent.
    pub sent: u32,
    /// Payload bytes sent.
    pub sent_bytes: u32,
    /// Different packets received.
    pub received: u32,
    /// Packets that never came.
    pub lost: u32,
    /// Packets that came after a newer one.
    pub late: u32,
    /// Packets that came again.
    pub duplicates: u32,
    /// Datagrams not taken: damaged, too many, not negotiated.
    pub refused: u32,
    /// Interarrival jitter as it is now.
    pub jitter: Duration,
    /// Round trip by the last RTCP report, if there was one.
    pub rtt: Option<Duration>,
    /// What the other side says it has lost of ours.
    pub remote_lost: i32,
    /// Jitter the other side reports.
    pub remote_jitter: Duration,
}

impl Session {
    /// A session that begins at `now`, which is `wallclock` for the reports.
    #[must_use]
    pub fn new(now: Instant, wallclock: SystemTime, config: Config) -> Session {
        // Spread the first reports over 2.5–5 s, so that sessions that start together do not report together.
        let spread = u64::from(config.ssrc) % 2500;
        Session {
            start: now,
            start_ntp: to_ntp(wallclock),
            source: None,
            digits: DigitReceiver::new(),
            allowance: Allowance { left: MAX_BURST, last: now },
            next_sequence: config.first_sequence,
            sent: Sent::default(),
            sent_at: now,
            next_report: now + Duration::from_millis(2500 + spread),
            closing: false,
            report: Vec::with_capacity(160),
            report_waits: false,
            events: VecDeque::with_capacity(8),
            totals: Totals::default(),
            config,
        }
    }

    /// Other payload types, after a new offer and answer.
    pub fn set_payload_types(&mut self, audio: u8, digits: Option<u8>) {
        self.config.audio = audio;
        self.config.digits = digits;
    }

    /// Takes a datagram, RTP or RTCP (told apart by RFC 5761 §4), from an address the caller trusts.
    ///
    /// # Errors
    /// If it is neither, is damaged, or is one too many. Nothing of it was used then.
    #[inline]
    pub fn handle_datagram<'d>(
        &mut self,
        now: Instant,
        datagram: &'d [u8],
    ) -> Result<Incoming<'d>, DatagramError> {
        let result = if self.allowance.take(now) {
            if rtcp::is_rtcp(datagram) {
                self.handle_control(now, datagram)
            } else {
                Packet::parse(datagram)
                    .map_err(DatagramError::from)
                    .map(|packet| self.handle_packet(now, packet))
            }
        } else {
            Err(DatagramError::TooMany)
        };
        if result.is_err() {
            self.totals.refused += 1;
        }
        result
    }

    /// Does what was due by [`Session::poll_timeout`]: a report every 5 s.
    pub fn handle_timeout(&mut self, now: Instant) {
        if now >= self.next_report && !self.closing {
            self.next_report = now + REPORT_EVERY;
            self.write_report(now);
        }
    }

    /// Says farewell: one last report with BYE waits to be sent.
    pub fn close(&mut self, now: Instant) {
        self.closing = true;
        self.write_report(now);
    }

    /// RTCP to send, until there is none.
    pub fn poll_datagram(&mut self) -> Option<&[u8]> {
        std::mem::take(&mut self.report_waits).then_some(&self.report[..])
    }

    /// What there is to tell, until there is nothing.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Session::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        (!self.closing).then_some(self.next_report)
    }

    /// The header for the next packet we send. `timestamp` is the media clock of the payload, of `payload_len` bytes.
    #[inline]
    pub fn next_header(
        &mut self,
        now: Instant,
        payload_type: u8,
        timestamp: u32,
        marker: bool,
        payload_len: usize,
    ) -> [u8; HEADER_LEN] {
        let sequence = self.next_sequence;
        self.forward_header(now, payload_type, sequence, timestamp, marker, payload_len)
    }

    /// The header for a packet forwarded from another leg, which keeps its place: the caller maps sequence number and
    /// timestamp, so that gaps and disorder stay visible to the receiver.
    #[inline]
    pub fn forward_header(
        &mut self,
        now: Instant,
        payload_type: u8,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload_len: usize,
    ) -> [u8; HEADER_LEN] {
        if sequence.wrapping_sub(self.next_sequence) < 0x8000 {
            self.next_sequence = sequence.wrapping_add(1);
        }
        self.sent.timestamp = timestamp;
        self.sent_at = now;
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.octets = self.sent.octets.wrapping_add(payload_len as u32);
        Header { marker, payload_type, sequence, timestamp, ssrc: self.config.ssrc }.to_bytes()
    }

    /// The sequence number the next packet will have.
    #[must_use]
    pub fn next_sequence(&self) -> u16 {
        self.next_sequence
    }

    /// Our source.
    #[must_use]
    pub fn ssrc(&self) -> u32 {
        self.config.ssrc
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let Totals { received, lost, late, duplicates, refused, rtt, remote_lost, remote_jitter } =
            self.totals;
        let mut stats = Stats {
            sent: self.sent.packets,
            sent_bytes: self.sent.octets,
            received,
            lost,
            late,
            duplicates,
            refused,
            rtt,
            remote_lost,
            jitter: Duration::ZERO,
            remote_jitter: units(remote_jitter),
        };
        if let Some(Source { reception, .. }) = &self.source {
            stats.received += reception.received();
            stats.lost += reception.lost();
            stats.late += reception.late();
            stats.duplicates += reception.duplicates();
            stats.jitter = units(reception.jitter());
        }
        stats
    }

    fn handle_packet<'d>(&mut self, now: Instant, packet: Packet<'d>) -> Incoming<'d> {
        let Header { payload_type, sequence, timestamp, ssrc, .. } = packet.header;
        let is_audio = payload_type == self.config.audio;
        let is_digits = Some(payload_type) == self.config.digits;
        if !is_audio && !is_digits && payload_type != COMFORT_NOISE {
            self.totals.refused += 1;
            return Incoming::Ignored;
        }
        let arrival = (now.saturating_duration_since(self.start).as_micros() / 125) as u32;
        let source = match &mut self.source {
            Some(source) if source.ssrc == ssrc => source,
            _ => self.change_source(ssrc, sequence),
        };
        let order = source.reception.place(sequence).order;
        if is_digits {
            // The receiver of digits knows its events by their timestamps and wants every packet, even a stray one.
            let events = &mut self.events;
            self.digits.handle_payload(now, ssrc, timestamp, packet.payload, |key| {
                if events.len() < MAX_EVENTS {
                    events.push_back(Event::Key(key));
                }
            });
            let fresh = matches!(order, Order::Newer | Order::Late);
            return if fresh { Incoming::Digits(packet) } else { Incoming::Ignored };
        }
        match order {
            Order::Newer | Order::Late if is_audio => {
                source.reception.note_arrival(arrival, timestamp);
                Incoming::Audio(packet)
            }
            _ => Incoming::Ignored,
        }
    }

    fn change_source(&mut self, ssrc: u32, sequence: u16) -> &mut Source {
        if let Some(Source { reception, .. }) = &self.source {
            self.totals.received += reception.received();
            self.totals.lost += reception.lost();
            self.totals.late += reception.late();
            self.totals.duplicates += reception.duplicates();
            if self.events.len() < MAX_EVENTS {
                self.events.push_back(Event::SourceChanged { ssrc });
            }
        }
        self.source.insert(Source { ssrc, reception: Reception::new(sequence), last_report: None })
    }

    fn handle_control<'d>(&mut self, now: Instant, datagram: &[u8]) -> Result<Incoming<'d>, DatagramError> {
        for part in rtcp::parse(datagram) {
            match part? {
                Part::SenderReport { ssrc, sent, blocks } => {
                    if let Some(source) = self.source.as_mut().filter(|source| source.ssrc == ssrc) {
                        source.last_report = Some(((sent.ntp >> 16) as u32, now));
                    }
                    blocks.iter().for_each(|block| self.handle_block(now, block));
                }
                Part::ReceiverReport { blocks, .. } => {
                    blocks.iter().for_each(|block| self.handle_block(now, block))
                }
                Part::Bye { ssrc } => {
                    let mine = self.source.as_ref().is_some_and(|source| source.ssrc == ssrc);
                    if mine && self.events.len() < MAX_EVENTS {
                        self.events.push_back(Event::Left);
                    }
                }
                _ => {}
            }
        }
        Ok(Incoming::Control)
    }

    fn handle_block(&mut self, now: Instant, block: Block) {
        if block.ssrc != self.config.ssrc {
            return;
        }
        self.totals.remote_lost = block.lost;
        self.totals.remote_jitter = block.jitter;
        if block.last_report != 0 {
            // RFC 3550 §6.4.1: arrival − LSR − DLSR, in 1/65536 s.
            let arrival = (self.ntp(now) >> 16) as u32;
            let trip = arrival.wrapping_sub(block.last_report).wrapping_sub(block.delay);
            if trip < MAX_TRIP {
                self.totals.rtt = Some(Duration::from_micros(u64::from(trip) * 1_000_000 / 65_536));
            }
        }
    }

    fn write_report(&mut self, now: Instant) {
        let ntp = self.ntp(now);
        let sent = (self.sent.packets > 0).then(|| {
            let since = now.saturating_duration_since(self.sent_at).as_micros() / 125;
            Sent { ntp, timestamp: self.sent.timestamp.wrapping_add(since as u32), ..self.sent }
        });
        let block = self.source.as_mut().map(|source| {
            let (last_report, delay) = source.last_report.map_or((0, 0), |(report, at)| {
                (report, (now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000) as u32)
            });
            Block {
                ssrc: source.ssrc,
                fraction_lost: source.reception.take_fraction_lost(),
                lost: source.reception.lost() as i32,
                highest: source.reception.highest(),
                jitter: source.reception.jitter(),
                last_report,
                delay,
            }
        });
        self.report.clear();
        rtcp::write(self.config.ssrc, sent, block, &self.config.cname, self.closing, &mut self.report);
        self.report_waits = true;
    }

    fn ntp(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start).as_nanos();
        self.start_ntp.wrapping_add(((since << 32) / 1_000_000_000) as u64)
    }
}

impl Allowance {
    #[inline]
    fn take(&mut self, now: Instant) -> bool {
        // 200 packets a second are a fifth of a packet a millisecond: 200 thousandths.
        let grown = now.saturating_duration_since(self.last).as_micros() as u64 * MAX_RATE / 1000;
        if grown > 0 {
            self.last = now;
            self.left = (self.left + grown).min(MAX_BURST);
        }
        let taken = self.left >= 1000;
        if taken {
            self.left -= 1000;
        }
        taken
    }
}

/// 8 kHz timestamp units as time.
fn units(units: u32) -> Duration {
    Duration::from_micros(u64::from(units) * 125)
}

/// Seconds since 1900 in the upper half.
fn to_ntp(wallclock: SystemTime) -> u64 {
    let since = wallclock.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs().wrapping_add(2_208_988_800);
    (seconds << 32) | ((u64::from(since.subsec_nanos()) << 32) / 1_000_000_000)
}

/// RFC 3550 §6.2: the least interval for a session of two.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// Packets a second that one stream may have.
const MAX_RATE: u64 = 200;
/// Thousandths of a packet that may come at once: a second's worth.
const MAX_BURST: u64 = 200_000;
/// Events kept while nobody polls.
const MAX_EVENTS: usize = 64;
/// A round trip above a minute (in 1/65536 s) is a mistake in the report.
const MAX_TRIP: u32 = 60 * 65_536;
/// RFC 3389, static payload type; counted so that it is no loss, and else ignored.
const COMFORT_NOISE: u8 = 13;

#[cfg(test)]
mod tests;
