//! One call: its leg, its media and its interpreter, owned by one task.

mod agent;
mod announced;
mod commands;
mod end;
mod made;
mod negotiate;
mod origin;
mod other;
mod parties;
mod party;
mod pick_up;
mod recording;
mod sound;
mod telephone;
mod words;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::Queueing;
use announced::{Asked, Unclear};
use hotline_audio::Clip;
use hotline_bus::{Act, BusError, DialNews};
use hotline_campaign::Disposition;
use hotline_dialplan::plan::Answering as PlanAnswering;
use hotline_dialplan::session::HungUpBy;
use hotline_dialplan::{Event, OpId, Plans, Session, StartContext};
use hotline_media::{LegId, LegStats, MediaEvent};
use hotline_model::campaign::Outcome;
use hotline_model::{CallId, CustomerId, EndReason, Ending, Language, RebateId, TicketId, UserId, WaitingId};
use hotline_record::{CallDirection, NewCall, OpenedCall};
use hotline_sip::LegKey;
use hotline_sip::sdp::{Capabilities, Codec};
use hotline_speech::SpeechError;
use jiff::Timestamp;
use made::Early;
use origin::Origin;
pub(crate) use origin::Side;
use other::Other;
use pick_up::PickUp;
use recording::Recording;
use sound::Watch;
use telephone::Asking;
pub(crate) use telephone::{WantsToAsk, is_number};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use words::Words;

use crate::doors::Brought;
use crate::ending;
use crate::exchange::House;
use crate::play::{Player, Rendered};
use crate::switchboard::{News, Reached};
use crate::transport::Wish;

/// What reaches a call.
pub(crate) enum Note {
    Sip(hotline_sip::Event),
    Media(MediaEvent),
    Rendered(Rendered),
    NotPlayed(OpId),
    Brought(OpId, Brought),
    Recognised(OpenedCall),
    /// News of the caller's place in a queue.
    Queue(WaitingId, News),
    /// What rings for the party with this media.
    Rings(LegId, Vec<LegKey>),
    /// Whom an agent's telephone wants the caller to go to.
    Referred(LegKey, Option<Reached>),
    /// An agent's telephone calls somebody while they have this caller.
    WantsToAsk(Box<WantsToAsk>),
    /// A colleague's sentence for the caller, spoken.
    Sentence(UserId, String, Result<Vec<Clip>, SpeechError>),
    /// What an agent wants to happen; the agent whom the call is to go to.
    Act(UserId, Act, Option<Reached>, oneshot::Sender<Result<(), BusError>>),
    /// Whether the customer has withdrawn their consent to recordings.
    Consent {
        withdrawn: bool,
    },
    /// An agent said who calls.
    Identified(CustomerId),
    /// What an announcement of the network means, if anything.
    Announced(Option<Outcome>),
    /// Whom we call is not to be rung any longer.
    StopDialling,
}

/// The plan that answers a call, fixed for as long as the call lasts.
pub(crate) struct Answering {
    plans: Arc<Plans>,
    plan: String,
    version: String,
}

impl Answering {
    /// What is heard on hold by those who came by this queue.
    fn music_of(&self, queue: &str) -> Option<&str> {
        self.plans.find_queue(queue)?.music.as_deref()
    }

    /// Whether the plan answers by a step.
    fn is_by_step(&self) -> bool {
        self.plans.find_plan(&self.plan).is_some_and(|plan| plan.answering == PlanAnswering::ByStep)
    }

    /// The plan of a dialled number.
    pub fn find(plans: &Arc<Plans>, dialled: &str) -> Option<Self> {
        Self::by_name(plans, plans.numbers().find_route(dialled)?.plan)
    }

    /// The plan of this name.
    pub fn by_name(plans: &Arc<Plans>, plan: String) -> Option<Self> {
        let version = plans.find_plan(&plan)?.version.clone();
        Some(Self { plans: Arc::clone(plans), plan, version })
    }
}

/// The record has this long to say who the number suggests; then the call begins without.
const RECOGNISE: Duration = Duration::from_millis(150);
/// Nobody presses more keys while the record is asked.
const EARLY_KEYS: usize = 16;
/// A key that comes by INFO as well as in the sound within this time is one key.
const SAME_KEY: Duration = Duration::from_millis(250);

/// How a key came, for telling one that came twice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyCame {
    Media,
    Info,
}

/// A call that runs.
pub(crate) struct Call {
    id: CallId,
    arrived: Timestamp,
    side: Side,
    answering: Answering,
    /// The leg to the caller, or to the customer we call: there is none before its INVITE has left.
    sip: Option<LegKey>,
    began: Instant,
    house: Arc<House>,
    mailbox: mpsc::UnboundedSender<Note>,
    notes: Option<mpsc::UnboundedReceiver<Note>>,
    media: LegId,
    player: Player,
    session: Option<Session>,
    capabilities: Option<Capabilities>,
    /// What the caller speaks.
    codec: Option<Codec>,
    language: Language,
    customer: Option<CustomerId>,
    /// What we call about; nobody has verified themselves by that.
    about: Option<TicketId>,
    /// What was verified.
    ticket: Option<TicketId>,
    /// The rebate that was told of last.
    rebate: Option<RebateId>,
    /// It stands on the record that the call began.
    on_record: bool,
    /// Why whom we called was not reached.
    not_reached: Option<Disposition>,
    /// The customer wants no more calls.
    opted_out: bool,
    /// What the network said before anybody answered.
    early: Early,
    /// What the recogniser was asked about it.
    asked: Asked,
    /// A refusal that does not say why.
    unclear: Option<Unclear>,
    /// Who picked up, until it is known.
    pick_up: Option<PickUp>,
    recording: Recording,
    /// Words of the caller that are being recorded.
    words: Option<Words>,
    steps: u32,
    keys: u32,
    last_key: Option<(char, KeyCame, Instant)>,
    /// Keys of a caller who was faster than the record: the plan begins with them.
    early_keys: String,
    outcome_is_good: bool,
    /// What the plan said last that came of the call.
    outcome: Option<&'static str>,
    /// When the first packet of the caller came.
    heard_after: Option<Duration>,
    answered_after: Option<Duration>,
    /// What the 200 will say, as long as the plan has not answered.
    unanswered: Option<bytes::Bytes>,
    counts: Option<LegStats>,
    ended: Option<EndReason>,
    /// The leg's last SIP event has come.
    leg_is_over: bool,
    queueing: Option<Queueing>,
    /// Whom we call back has come to the place that was kept.
    is_back: bool,
    /// Somebody beside the agent: put through to, or asked.
    other: Option<Other>,
    /// The telephone's own call by which the agent speaks with whom they ask.
    asking: Option<Asking>,
    /// A supervisor who listens.
    watch: Option<Watch>,
    /// What came of a telephone before it was known that it rings.
    early_party_events: Vec<hotline_sip::Event>,
}

impl Call {
    pub fn new(
        id: CallId,
        arrived: Timestamp,
        side: Side,
        answering: Answering,
        came_in: Option<(LegKey, Instant)>,
        house: Arc<House>,
    ) -> Self {
        let (mailbox, notes) = mpsc::unbounded_channel();
        if let Some((leg, _)) = came_in {
            house.signalling.register(leg, mailbox.clone());
        }
        let media = house.media.register(mailbox.clone());
        let (customer, about) = side.dial().map(|dial| (dial.customer, dial.ticket)).unwrap_or_default();
        Self {
            id,
            arrived,
            side,
            answering,
            sip: came_in.map(|(leg, _)| leg),
            began: came_in.map_or_else(Instant::now, |(_, at)| at),
            player: Player::new(media, Arc::clone(&house), mailbox.clone()),
            house,
            mailbox,
            notes: Some(notes),
            media,
            session: None,
            capabilities: None,
            codec: None,
            language: Language::default(),
            customer,
            about,
            ticket: None,
            rebate: None,
            on_record: false,
            not_reached: None,
            opted_out: false,
            recording: Recording::default(),
            early: Early::default(),
            asked: Asked::default(),
            unclear: None,
            pick_up: None,
            words: None,
            steps: 0,
            keys: 0,
            last_key: None,
            early_keys: String::new(),
            outcome_is_good: false,
            outcome: None,
            heard_after: None,
            answered_after: None,
            unanswered: None,
            counts: None,
            ended: None,
            leg_is_over: false,
            queueing: None,
            is_back: false,
            other: None,
            asking: None,
            watch: None,
            early_party_events: Vec::new(),
        }
    }

    pub fn mailbox(&self) -> mpsc::UnboundedSender<Note> {
        self.mailbox.clone()
    }

    pub const fn sip_leg(&self) -> Option<LegKey> {
        self.sip
    }

    /// Where news of it goes, if it is a call that we make.
    pub fn wanted_by(&self) -> Option<mpsc::UnboundedSender<(CallId, DialNews)>> {
        self.side.dial().map(|dial| dial.news.clone())
    }

    /// Runs the call to its end.
    pub async fn run(mut self, stop: CancellationToken) {
        let Some(mut notes) = self.notes.take() else { return };
        let answered = if self.side.dial().is_some() {
            self.dial(&mut notes, &stop).await
        } else {
            self.ring(&mut notes, &stop).await;
            match self.ended.take() {
                Some(reason) => Err(reason),
                None => self.open_media(),
            }
        };
        if let Err(reason) = answered {
            self.finish(reason, &mut notes).await;
            return;
        }
        if self.side.dial().is_none() {
            self.recognise();
        }
        let recognise_by = tokio::time::Instant::now() + RECOGNISE;
        while self.ended.is_none() {
            let wake = self.wake().unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            let starting = self.session.is_none();
            tokio::select! {
                note = notes.recv() => {
                    if let Some(note) = note {
                        self.take(note);
                    }
                }
                () = tokio::time::sleep_until(recognise_by), if starting => self.start(OpenedCall::default()),
                () = tokio::time::sleep_until(wake.into()) => self.handle_timeout(),
                () = stop.cancelled() => self.hang_up(ending::STOPPED),
            }
            self.drain();
        }
        let reason = self.ended.take().unwrap_or(ending::COMPLETED);
        self.finish(reason, &mut notes).await;
    }

    /// Lets the call ring for as long as its trunk wants; it may end meanwhile.
    async fn ring(&mut self, notes: &mut mpsc::UnboundedReceiver<Note>, stop: &CancellationToken) {
        let Origin::CameIn { ring, .. } = self.side.origin else { return };
        if ring.is_zero() {
            return;
        }
        self.wish(Wish::Ring);
        let until = tokio::time::Instant::now() + ring;
        while self.ended.is_none() {
            tokio::select! {
                Some(note) = notes.recv() => self.take(note),
                () = stop.cancelled() => self.hang_up(ending::STOPPED),
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    /// Asks the record who the number suggests, while the 200 is on its way.
    fn recognise(&self) {
        let (record, caller, mailbox) =
            (self.house.record.clone(), self.side.caller.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            let known = record.recognise(&caller).await.unwrap_or_default();
            let _ = mailbox.send(Note::Recognised(known));
        });
    }

    /// Where the firm's days begin.
    fn zone(&self) -> jiff::tz::TimeZone {
        self.answering.plans.calendars().next().map_or(jiff::tz::TimeZone::UTC, |c| c.zone.clone())
    }

    fn start(&mut self, known: OpenedCall) {
        if self.session.is_some() {
            return;
        }
        self.customer = known.customer;
        self.begin_on_record(&known);
        let zone = self.zone();
        let context = StartContext {
            caller: self.side.caller.clone(),
            dialled: self.side.our_number().to_owned(),
            language: known.language,
            customer: None,
            started: self.house.clock.now().to_zoned(zone),
            announcement: self.answering.plans.numbers().find_announcement(&self.answering.plan).cloned(),
            given: self.side.dial().map(|dial| dial.given.clone()).unwrap_or_default(),
        };
        self.session = Session::new(Arc::clone(&self.answering.plans), &self.answering.plan, context);
        self.tell(Event::Started);
        for key in std::mem::take(&mut self.early_keys).chars() {
            self.tell(Event::Key { key });
        }
    }

    /// The call is on the record from here on.
    fn begin_on_record(&mut self, known: &OpenedCall) {
        if std::mem::replace(&mut self.on_record, true) {
            return;
        }
        let (sip_call_id, direction) = match &self.side.origin {
            Origin::CameIn { invite, .. } => (invite.call_id.clone(), CallDirection::In),
            Origin::Made { .. } => (String::new(), CallDirection::Out),
        };
        self.house.record.begin_call(
            NewCall {
                call: self.id,
                sip_call_id,
                direction,
                caller: self.side.caller.clone(),
                dialled: self.side.our_number().to_owned(),
                trunk: self.side.trunk.clone(),
                plan: self.answering.plan.clone(),
                plan_version: self.answering.version.clone(),
                ticket: self.about,
                parent: self.side.dial().and_then(|dial| dial.promised).map(|promised| promised.call),
                at: self.arrived,
            },
            known,
        );
    }

    /// Asks for something on the leg to the caller.
    fn wish(&self, wish: Wish) {
        if let Some(leg) = self.sip {
            self.house.signalling.wish(leg, wish);
        }
    }

    fn since(&self) -> Duration {
        self.began.elapsed()
    }

    fn tell(&mut self, event: Event) {
        let at = self.since();
        if let Some(session) = self.session.as_mut() {
            session.handle_event(at, event);
        }
    }

    fn wake(&self) -> Option<Instant> {
        let session = self.session.as_ref().and_then(Session::poll_timeout).map(|at| self.began + at);
        let rings = [self.other_wake(), self.watch_wake()].into_iter().flatten().min();
        let heard = [self.words_wake(), self.pick_up_wake()].into_iter().flatten().min();
        [session, self.player.poll_timeout(), rings, heard].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self) {
        let now = Instant::now();
        self.player.handle_timeout(now, self.language);
        self.other_timeout(now);
        self.watch_timeout(now);
        self.words_timeout(now);
        self.pick_up_timeout();
        let at = self.since();
        if let Some(session) = self.session.as_mut()
            && session.poll_timeout().is_some_and(|due| due <= at)
        {
            session.handle_timeout(at);
        }
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Sip(event) if event.leg().is_some() && event.leg() == self.sip => self.sip_event(event),
            Note::Sip(event) => self.party_event(event),
            Note::Media(event) if self.party_media_event(&event) => {}
            Note::Media(event) => self.media_event(event),
            Note::Queue(waiting, news) => self.queue_news(waiting, news),
            Note::Rings(media, legs) => self.rings(media, legs),
            Note::Referred(leg, reached) => self.refer_to_agent(leg, reached),
            Note::WantsToAsk(wanted) => self.telephone_asks(*wanted),
            Note::Sentence(by, text, clips) => self.sentence(by, text, clips),
            Note::Act(by, act, reached, answer) => {
                let done = self.act(by, &act, reached);
                let _ = answer.send(done);
            }
            Note::Announced(means) => self.announced(means),
            Note::Consent { withdrawn } => self.heard_of_consent(withdrawn),
            Note::StopDialling => self.stop_dialling(),
            // Who has proved who they are meanwhile is that.
            Note::Identified(customer) if self.ticket.is_none() => {
                self.customer = Some(customer);
                self.recording_of(customer);
            }
            Note::Identified(_) => {}
            Note::Recognised(known) => self.start(known),
            Note::Rendered(rendered) => {
                if let Some((op, error)) = self.player.rendered(rendered) {
                    tracing::error!(call.id = %self.id, %error, "something could not be spoken to a caller");
                    self.tell(Event::PlayFailed { op });
                }
            }
            Note::NotPlayed(op) => self.tell(Event::PlayFailed { op }),
            Note::Brought(op, brought) => {
                if let Some((ticket, customer)) = brought.verified {
                    self.customer = Some(customer);
                    self.ticket = Some(ticket);
                    self.recording_of(customer);
                    // Whoever is somebody else now asks for nothing of those before.
                    self.rebate = None;
                }
                if brought.rebate.is_some() {
                    self.rebate = brought.rebate;
                }
                self.tell(Event::Answer { op, answer: brought.answer });
            }
        }
    }

    fn sip_event(&mut self, event: hotline_sip::Event) {
        use hotline_sip::Event as Sip;
        match event {
            Sip::Established { sdp: Some(answer), .. } => self.late_answer(&answer),
            Sip::Reinvite { offer, .. } => self.reinvite(offer),
            Sip::ReinviteAcked { sdp: Some(answer), .. } => self.late_answer(&answer),
            Sip::Info { content_type, body, .. } if content_type.starts_with("application/dtmf") => {
                if let Some((key, _)) = hotline_sip::dtmf_relay(&body) {
                    self.key(key, KeyCame::Info);
                }
            }
            // Nobody calls others at our expense by calling us.
            Sip::Refer { leg, .. } => self.house.signalling.wish(leg, Wish::AnswerRefer(false)),
            Sip::Cancelled { .. } => {
                self.leg_is_over = true;
                self.end(HungUpBy::Caller, ending::CANCELLED);
            }
            Sip::Ended { cause, .. } => {
                self.leg_is_over = true;
                let by = match cause {
                    hotline_sip::EndCause::RemoteBye => HungUpBy::Caller,
                    hotline_sip::EndCause::LocalBye => HungUpBy::Us,
                    _ => HungUpBy::Network,
                };
                self.end(by, ending::of_sip(cause, self.outcome_is_good));
            }
            Sip::Progress { sdp, .. } => {
                self.early.progressed = true;
                if let Some(answer) = sdp {
                    self.hear_early(&answer);
                }
            }
            Sip::Answered { sdp, .. } => self.picked_up(sdp.as_deref()),
            Sip::Failed { code, cause, silent, .. } if self.side.dial().is_some() => {
                self.early.silent = silent;
                self.refused(code, cause);
            }
            Sip::Failed { .. } => {
                self.leg_is_over = true;
                self.end(HungUpBy::Network, EndReason::new(Ending::Unattributable, "lost"));
            }
            _ => {}
        }
    }

    fn media_event(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::Digit { key, .. } => self.key(key, KeyCame::Media),
            MediaEvent::PlayDone { play, .. } if self.sentence_ended(play) => {}
            MediaEvent::PlayDone { play: words::BEEP, .. } => self.beep_ended(),
            MediaEvent::PlayDone { play, .. } => {
                if let Some(op) = self.player.ended(play) {
                    self.tell(Event::PlayDone { op });
                }
            }
            MediaEvent::RtpTimeout { .. } => self.hang_up(ending::SILENT),
            MediaEvent::Failed { .. } => self.hang_up(EndReason::new(Ending::Us, "media-failed")),
            MediaEvent::Heard { what, .. } => {
                if !self.words_heard(what) {
                    self.heard(what);
                }
            }
            MediaEvent::Overheard { sound, last, .. } => self.overheard(sound, last),
            MediaEvent::RecordingFailed { path, error, .. } if self.words_not_on_disk(&path, &error) => {}
            MediaEvent::RecordingDone { path, .. } if self.words_on_disk(&path) => {}
            MediaEvent::RecordingFailed { error, .. } => {
                tracing::error!(call.id = %self.id, error, "a call could not be recorded any further");
            }
            MediaEvent::Closed { stats, .. } => self.counts = Some(stats),
            MediaEvent::FirstPacket { .. } => {
                self.heard_after.get_or_insert(self.began.elapsed());
            }
            MediaEvent::RecordingDone { path, .. } => self.recording_closed(&path),
            MediaEvent::Stats { .. } => {}
        }
    }

    fn key(&mut self, key: char, came: KeyCame) {
        let now = Instant::now();
        let twice =
            self.last_key.is_some_and(|(last, by, at)| last == key && by != came && now - at < SAME_KEY);
        self.last_key = Some((key, came, now));
        if !twice {
            self.keys += 1;
            self.pick_up_key();
            if self.session.is_some() {
                self.tell(Event::Key { key });
            } else if self.early_keys.len() < EARLY_KEYS {
                self.early_keys.push(key);
            }
        }
    }
}
