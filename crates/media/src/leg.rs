//! One leg on its media thread.

mod ears;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hotline_audio::{Clip, Codec, DtmfDetector, Excerpts, Hearing, Law};
use hotline_rtp::{DigitSender, HEADER_LEN, Incoming, Packet, Session, rtcp};

use crate::latch::{Latch, Verdict};
use crate::merge::DigitMerge;
use crate::mix::MixPort;
use crate::player::Player;
use crate::recorder::Recorder;
use crate::route::Route;
use crate::thread::{SLOTS, Turn};
use crate::transport::Channel;
use crate::wideband::Wideband;
use crate::{DigitBy, Direction, LegId, LegStats, MediaEvent, PlayId, Remote};

/// The state of a leg: its RTP session, what it plays, whom it is bridged to.
pub(crate) struct Leg {
    pub id: LegId,
    /// Its place in the thread's table, by which the transport knows it.
    pub place: usize,
    session: Session,
    clock: MediaClock,
    far: Option<Far>,
    /// Where the other side speaks G.722.
    wideband: Option<Box<Wideband>>,
    player: Player,
    /// Key tones for a side without telephone-event; they come before what plays.
    tones: Player,
    digits: DigitSender,
    /// How many ticks before their own time its frames are sent.
    lead: u64,
    /// It had a turn ahead of its time and nothing to say.
    rests: bool,
    /// Whether the last period had a packet of ours, so that the next is no start of a talkspurt.
    talking: bool,
    pub bridge: Option<Bridge>,
    /// Its part in a mix, if more than two talk.
    pub mix: Option<Box<MixPort>>,
    detector: Option<Box<DtmfDetector>>,
    merge: DigitMerge,
    recorder: Option<Box<Recorder>>,
    /// The other side alone.
    words: Option<Box<Recorder>>,
    /// What is told of the other side.
    hearing: Option<Box<Hearing>>,
    /// What the other side says, for somebody who understands it.
    excerpts: Option<Box<Excerpts>>,
    /// Own ticks since something of the other side came; it is told as silence from the third on.
    unheard: u8,
    heard_at: Instant,
    heard_any: bool,
    timeout_told: bool,
    strangers: u32,
    unsent: u32,
}

/// The other side, after `connect`.
struct Far {
    remote: Remote,
    latch: Latch,
    /// The kernel filters for this peer.
    filtered: bool,
}

/// The other leg of a bridge.
pub(crate) struct Bridge {
    /// Its place in the thread's table.
    pub peer: usize,
    /// Whether our side's telephone-events go over.
    pub forward_digits: bool,
    /// How its packets fall into our stream.
    route: Route,
    /// When it last said something.
    forwarded_at: Option<Instant>,
}

/// The RTP timestamp, driven by the thread's ticks.
#[derive(Debug, Clone, Copy)]
struct MediaClock {
    base: u32,
    opened: u64,
}

impl Leg {
    pub fn new(turn: &Turn<'_>, id: LegId, place: usize, slot: u64) -> Leg {
        let config = hotline_rtp::Config {
            ssrc: rand::random(),
            first_sequence: rand::random(),
            audio: Law::Pcmu.payload_type(),
            digits: None,
            cname: turn.config.cname.clone(),
        };
        // The last tick of this leg's slot.
        let opened = turn.tick - (turn.tick + SLOTS - slot) % SLOTS;
        Leg {
            id,
            place,
            session: Session::new(turn.now, SystemTime::now(), config),
            clock: MediaClock { base: rand::random(), opened },
            far: None,
            wideband: None,
            player: Player::default(),
            tones: Player::default(),
            digits: DigitSender::new(),
            lead: 0,
            rests: false,
            talking: false,
            bridge: None,
            mix: None,
            detector: None,
            merge: DigitMerge::default(),
            recorder: None,
            words: None,
            hearing: None,
            excerpts: None,
            unheard: 0,
            heard_at: turn.now,
            heard_any: false,
            timeout_told: false,
            strangers: 0,
            unsent: 0,
        }
    }

    /// A first or new description of the other side.
    pub fn connect(&mut self, turn: &mut Turn<'_>, remote: Remote) {
        let digits = remote.dtmf_payload;
        self.session.set_payload_types(remote.codec.payload_type(), digits);
        self.wideband = (remote.codec == Codec::G722).then(|| self.wideband.take().unwrap_or_default());
        let in_band = digits.is_none() || remote.detect_in_band;
        self.detector = in_band.then(|| self.detector.take().unwrap_or_default());
        self.heard_at = turn.now;
        self.timeout_told = false;
        match &mut self.far {
            // A re-INVITE that moves nothing keeps what was settled.
            Some(far) if far.latch.sdp() == remote.addr => far.remote = remote,
            _ => {
                let latch = Latch::new(remote.addr, remote.latch, turn.now + turn.config.latch_window);
                self.far = Some(Far { remote, latch, filtered: false });
                turn.transport.connect(self.place, None);
            }
        }
    }

    /// Whether what is played now, in place of what plays or behind it, can be heard before this leg's next turn: only
    /// silence would be interrupted. `early`: the turn of this tick is over.
    pub fn may_begin_now(&self, turn: &Turn<'_>, append: bool, early: bool) -> bool {
        let Some(far) = self.far.as_ref().filter(|far| far.remote.direction.sends()) else { return false };
        let on_turn = (turn.tick - self.clock.opened).is_multiple_of(SLOTS);
        self.lead == 0
            && (early || !on_turn)
            && !matches!(far.remote.ptime, 40 | 60)
            && (!append || self.player.is_idle())
            && self.tones.is_idle()
            && self.digits.is_idle()
            && !self.is_forwarding(turn.now)
    }

    /// Sends its next frame in this tick, and the following ones each 20 ms later, ahead of their time, until nothing is
    /// to be said any more. The timestamps are those of the frames' own time: nothing drifts.
    pub fn begin_now(&mut self, turn: &Turn<'_>) {
        if self.session.stats().sent == 0 {
            self.clock = MediaClock { base: self.clock.at(turn.tick), opened: turn.tick };
        } else {
            self.lead = SLOTS - (turn.tick - self.clock.opened) % SLOTS;
        }
    }

    /// The slot to which it goes back, having said everything that was said ahead of its time.
    pub fn goes_home(&mut self) -> Option<u64> {
        std::mem::take(&mut self.rests).then(|| {
            self.lead = 0;
            self.clock.opened % SLOTS
        })
    }

    fn is_quiet(&self) -> bool {
        self.player.is_idle() && self.tones.is_idle() && self.digits.is_idle()
    }

    /// Plays; whatever played before is stopped unless this is appended.
    pub fn play(
        &mut self,
        turn: &mut Turn<'_>,
        play: PlayId,
        clips: Arc<[Clip]>,
        looped: bool,
        append: bool,
    ) {
        if !append {
            self.stop(turn);
        }
        self.player.append(Some(play), clips, looped);
    }

    /// Ends what plays. Ticks are at frame edges, so this is at one too.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        let (id, events) = (self.id, &mut *turn.events);
        self.player
            .stop(|play, end, played| events.push(MediaEvent::PlayDone { leg: id, play, end, played }));
    }

    /// Sends a key: as an event where negotiated, else as tones.
    pub fn press(&mut self, turn: &Turn<'_>, key: char) {
        if self.far.as_ref().is_some_and(|far| far.remote.dtmf_payload.is_some()) {
            self.digits.push(key);
        } else if let Some(tone) = turn.tones.of(key) {
            self.tones.append(None, tone, false);
        }
    }

    pub fn join(&mut self, peer: usize, forward_digits: bool) {
        self.bridge = Some(Bridge { peer, forward_digits, route: Route::default(), forwarded_at: None });
    }

    /// Says farewell and ends everything.
    pub fn close(&mut self, turn: &mut Turn<'_>) {
        self.stop(turn);
        self.stop_recording();
        self.stop_words();
        self.session.close(turn.now);
        self.send_report(turn);
    }

    pub fn stats(&self) -> LegStats {
        LegStats { rtp: self.session.stats(), strangers: self.strangers, unsent: self.unsent }
    }

    /// The leg's own 20 ms: one frame out, the reports, the recording.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        // A frame of silence ahead of its time would be of use to nobody: it waits for its own turn.
        self.rests = self.lead > 0 && self.is_quiet();
        if !self.rests {
            self.say(turn);
        }
        self.session.handle_timeout(turn.now);
        self.send_report(turn);
        if let Some(recorder) = &mut self.recorder {
            recorder.tick(turn.now, self.id, turn.events);
        }
        if let Some(words) = &mut self.words {
            words.tick(turn.now, self.id, turn.events);
        }
        self.miss(turn);
        if (turn.tick + self.lead - self.clock.opened).is_multiple_of(ONE_SECOND) {
            self.check(turn);
        }
    }

    /// Takes a datagram. Gives the packet back if it is for the leg bridged to.
    pub fn accept<'d>(
        &mut self,
        turn: &mut Turn<'_>,
        channel: Channel,
        from: std::net::SocketAddr,
        datagram: &'d [u8],
    ) -> Option<(Packet<'d>, bool)> {
        let far = self.far.as_mut()?;
        let known = if channel == Channel::Rtcp || rtcp::is_rtcp(datagram) {
            far.latch.knows_host(from)
        } else if far.may_settle_by(datagram) {
            match far.latch.judge(turn.now, from) {
                Verdict::Refused => false,
                Verdict::Accepted => true,
                Verdict::Settled => {
                    far.filter(turn, self.place);
                    true
                }
            }
        } else {
            return None;
        };
        if !known {
            self.strangers = self.strangers.saturating_add(1);
            return None;
        }
        let receives = far.remote.direction.receives();
        let incoming = self.session.handle_datagram(turn.now, datagram).ok()?;
        self.heard_at = turn.now;
        self.timeout_told = false;
        if !receives {
            return None;
        }
        match incoming {
            Incoming::Audio(packet) => {
                self.note_first(turn);
                self.listen(turn, &packet);
                Some((packet, false))
            }
            Incoming::Digits(packet) => {
                self.note_first(turn);
                Some((packet, true))
            }
            Incoming::Ignored | Incoming::Control => None,
        }
    }

    /// Tells keys that came as events; gives them back for a bridged leg without telephone-event.
    pub fn next_key(&mut self, turn: &mut Turn<'_>) -> Option<char> {
        while let Some(event) = self.session.poll_event() {
            if let hotline_rtp::Event::Key(key) = event {
                self.tell_key(turn, key, DigitBy::Rfc4733);
                return Some(key);
            }
        }
        None
    }

    /// Whether keys can go to the other side as events.
    pub fn takes_events(&self) -> bool {
        self.far.as_ref().is_some_and(|far| far.remote.dtmf_payload.is_some())
    }

    /// A packet of the other side's as G.711, and by which law.
    fn narrow<'p>(&'p mut self, packet: &'p Packet<'_>) -> (Law, &'p [u8]) {
        let law = self.far.as_ref().map_or(Law::Pcmu, |far| far.remote.codec.law());
        match &mut self.wideband {
            Some(wideband) => (law, wideband.hear(packet)),
            None => (law, packet.payload),
        }
    }

    /// Sends a packet of the leg bridged to, unless we say something ourselves.
    pub fn forward(
        &mut self,
        turn: &mut Turn<'_>,
        packet: &Packet<'_>,
        from: &mut Leg,
        is_digits: bool,
        pass: bool,
    ) {
        let clock = self.clock.at(turn.tick + self.lead);
        let busy = !self.is_quiet();
        let (Some(far), Some(bridge)) = (&self.far, &mut self.bridge) else { return };
        if busy || !far.remote.direction.sends() || packet.payload.len() > MAX_PAYLOAD {
            return;
        }
        bridge.forwarded_at = Some(turn.now);
        let codec = far.remote.codec;
        let payload_type = match (is_digits, far.remote.dtmf_payload) {
            (false, _) => codec.payload_type(),
            (true, Some(payload_type)) if pass => payload_type,
            (true, _) => return bridge.route.skip(),
        };
        let next = self.session.next_sequence();
        let Some(place) = bridge.route.place(&packet.header, next, clock) else { return };
        let mut out = [0; HEADER_LEN + MAX_PAYLOAD];
        let len = packet.payload.len();
        let payload = &mut out[HEADER_LEN..HEADER_LEN + len];
        let as_it_is = is_digits || from.far.as_ref().is_some_and(|far| far.remote.codec == codec);
        if !as_it_is || (!is_digits && self.recorder.is_some()) {
            let (law, (from_law, codes)) = (codec.law(), from.narrow(packet));
            let table = from_law.to_law(law);
            payload.iter_mut().zip(codes).for_each(|(to, from)| *to = table[usize::from(*from)]);
            if let Some(recorder) = &mut self.recorder {
                recorder.say(turn.now, law, place.timestamp, payload);
            }
        }
        if as_it_is {
            payload.copy_from_slice(packet.payload);
        } else if let Some(wideband) = &mut self.wideband {
            wideband.say(payload);
        }
        let marker = packet.header.marker || place.fresh;
        let header =
            self.session.forward_header(turn.now, payload_type, place.sequence, place.timestamp, marker, len);
        out[..HEADER_LEN].copy_from_slice(&header);
        self.talking = true;
        self.send_rtp(turn, &out[..HEADER_LEN + len]);
    }

    /// One frame of our own: a key, a tone, what plays, or silence.
    fn say(&mut self, turn: &mut Turn<'_>) {
        let Some(far) = self.far.as_ref().filter(|far| far.remote.direction.sends()) else {
            self.talking = false;
            return;
        };
        let (codec, ptime) = (far.remote.codec, far.remote.ptime);
        let law = codec.law();
        let clock = self.clock.at(turn.tick + self.lead);
        if let Some(payload_type) = far.remote.dtmf_payload
            && let Some(digit) = self.digits.next(clock)
        {
            let header = self.session.next_header(
                turn.now,
                payload_type,
                digit.timestamp,
                digit.marker,
                digit.payload.len(),
            );
            let mut out = [0; HEADER_LEN + 4];
            out[..HEADER_LEN].copy_from_slice(&header);
            out[HEADER_LEN..].copy_from_slice(&digit.payload);
            self.interrupt_bridge();
            return self.send_rtp(turn, &out);
        }
        let frames = match ptime {
            40 => 2,
            60 => 3,
            _ => 1,
        };
        if !((turn.tick - self.clock.opened) / SLOTS).is_multiple_of(frames) {
            return;
        }
        let mut out = [0; HEADER_LEN + 3 * hotline_audio::FRAME];
        let out = &mut out[..HEADER_LEN + frames as usize * hotline_audio::FRAME];
        let payload = &mut out[HEADER_LEN..];
        let (id, events) = (self.id, &mut *turn.events);
        let ended = |play, end, played| events.push(MediaEvent::PlayDone { leg: id, play, end, played });
        if !self.tones.is_idle() {
            self.tones.fill(law, payload, |_, _, _| {});
        } else if !self.player.is_idle() {
            self.player.fill(law, payload, ended);
        } else if let Some(mix) = &mut self.mix {
            mix.fill(law, payload);
        } else if self.is_forwarding(turn.now) {
            return;
        } else if turn.config.send_silence {
            payload.fill(law.silence());
        } else {
            self.talking = false;
            return;
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.say(turn.now, law, clock, payload);
        }
        if let Some(wideband) = &mut self.wideband {
            wideband.say(payload);
        }
        let len = payload.len();
        let header = self.session.next_header(turn.now, codec.payload_type(), clock, !self.talking, len);
        out[..HEADER_LEN].copy_from_slice(&header);
        self.talking = true;
        self.interrupt_bridge();
        self.send_rtp(turn, out);
    }

    fn is_forwarding(&self, now: Instant) -> bool {
        let last = self.bridge.as_ref().and_then(|bridge| bridge.forwarded_at);
        last.is_some_and(|at| now.saturating_duration_since(at) < BRIDGE_SILENCE)
    }

    fn interrupt_bridge(&mut self) {
        if let Some(bridge) = &mut self.bridge {
            bridge.route.reset();
        }
    }

    fn send_rtp(&mut self, turn: &mut Turn<'_>, datagram: &[u8]) {
        let Some(far) = &self.far else { return };
        let target = far.latch.target();
        if target.port() == 0 || target.ip().is_unspecified() {
            return;
        }
        if turn.transport.send(self.place, Channel::Rtp, target, datagram) {
            *turn.sent += 1;
        } else {
            self.unsent = self.unsent.saturating_add(1);
        }
    }

    fn send_report(&mut self, turn: &mut Turn<'_>) {
        let Some(report) = self.session.poll_datagram() else { return };
        let Some(far) = &self.far else { return };
        let target = far.latch.target();
        let beside = std::net::SocketAddr::new(target.ip(), target.port().saturating_add(1));
        let (channel, to) = match far.remote.rtcp {
            _ if far.remote.rtcp_mux => (Channel::Rtp, target),
            // An address in the SDP is of no use behind NAT.
            Some(rtcp) if target == far.latch.sdp() => (Channel::Rtcp, rtcp),
            _ => (Channel::Rtcp, beside),
        };
        if to.port() != 0 && !to.ip().is_unspecified() && turn.transport.send(self.place, channel, to, report)
        {
            *turn.sent += 1;
        }
    }

    fn note_first(&mut self, turn: &mut Turn<'_>) {
        if !self.heard_any {
            self.heard_any = true;
            turn.events.push(MediaEvent::FirstPacket { leg: self.id });
        }
    }

    fn tell_key(&mut self, turn: &mut Turn<'_>, key: char, by: DigitBy) {
        let far = self.far.as_ref();
        let both_ways = far.is_some_and(|far| far.remote.detect_in_band && far.remote.dtmf_payload.is_some());
        if !both_ways || self.merge.counts(turn.now, key, by) {
            turn.events.push(MediaEvent::Digit { leg: self.id, key, by });
        }
    }

    /// Once a second: is the other side still there, may the kernel filter.
    fn check(&mut self, turn: &mut Turn<'_>) {
        let Some(far) = &mut self.far else { return };
        far.filter(turn, self.place);
        let limit = match far.remote.direction {
            Direction::SendRecv => turn.config.rtp_timeout,
            _ => turn.config.hold_timeout,
        };
        if !self.timeout_told && turn.now.saturating_duration_since(self.heard_at) > limit {
            self.timeout_told = true;
            turn.events.push(MediaEvent::RtpTimeout { leg: self.id });
        }
    }
}

impl Far {
    /// Whether this datagram may settle the source: only RTP of a payload type that was negotiated.
    fn may_settle_by(&self, datagram: &[u8]) -> bool {
        self.filtered
            || Packet::parse(datagram).is_ok_and(|packet| {
                let payload_type = packet.header.payload_type;
                payload_type == self.remote.codec.payload_type()
                    || Some(payload_type) == self.remote.dtmf_payload
            })
    }

    fn filter(&mut self, turn: &mut Turn<'_>, place: usize) {
        if !self.filtered
            && let Some(peer) = self.latch.both_ways(turn.now)
        {
            self.filtered = true;
            turn.transport.connect(place, Some(peer));
        }
    }
}

impl MediaClock {
    /// 40 units of the 8 kHz clock a tick of 5 ms.
    fn at(self, tick: u64) -> u32 {
        self.base.wrapping_add((tick.saturating_sub(self.opened) as u32).wrapping_mul(40))
    }
}

/// Longest payload taken: 120 ms of G.711 or G.722.
pub(crate) const MAX_PAYLOAD: usize = 960;
/// Ticks of 5 ms.
const ONE_SECOND: u64 = 200;
/// A bridged leg that hears nothing from its peer for this long gets silence of ours.
const BRIDGE_SILENCE: Duration = Duration::from_millis(200);
