//! One call: its leg, its media and its interpreter, owned by one task.

mod agent;
mod negotiate;
mod other;
mod party;
mod sound;

use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::Queueing;
use hotline_audio::Clip;
use hotline_bus::{Act, BusError};
use hotline_dialplan::plan::Answering as PlanAnswering;
use hotline_dialplan::session::{HungUpBy, Query};
use hotline_dialplan::{Command, Event, OpId, Plans, Session, StartContext};
use hotline_media::{LegId, LegStats, MediaEvent};
use hotline_model::{
    CallId, CallerNumber, CustomerId, EndReason, Ending, Language, StepEvent, TicketId, UserId, Value,
    WaitingId,
};
use hotline_queue::Leaving;
use hotline_record::{CallEnd, CallSave, CallStep, NewCall, NewFollowUp, OpenedCall};
use hotline_sip::sdp::Capabilities;
use hotline_sip::{Invite, LegKey};
use hotline_speech::SpeechError;
use jiff::Timestamp;
use other::Other;
use sound::Watch;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::doors::{self, Brought};
use crate::ending;
use crate::exchange::House;
use crate::figures;
use crate::play::{Player, Rendered};
use crate::switchboard::{News, Reached};
use crate::transport::{Incoming, Wish};
use crate::trunk::TrunkSettings;

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
    /// A colleague's sentence for the caller, spoken.
    Sentence(UserId, String, Result<Vec<Clip>, SpeechError>),
    /// What an agent wants to happen; the agent whom the call is to go to.
    Act(UserId, Act, Option<Reached>, oneshot::Sender<Result<(), BusError>>),
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
        let route = plans.numbers().find_route(dialled)?;
        let version = plans.find_plan(&route.plan)?.version.clone();
        Some(Self { plans: Arc::clone(plans), plan: route.plan, version })
    }
}

/// The record has this long to say who the number suggests; then the call begins without.
const RECOGNISE: Duration = Duration::from_millis(150);
/// The media thread has this long to hand over the leg's counts.
const COUNTS: Duration = Duration::from_millis(200);
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
    trunk: TrunkSettings,
    caller: CallerNumber,
    answering: Answering,
    sip: LegKey,
    invite: Box<Invite>,
    began: Instant,
    house: Arc<House>,
    mailbox: mpsc::UnboundedSender<Note>,
    notes: Option<mpsc::UnboundedReceiver<Note>>,
    media: LegId,
    player: Player,
    session: Option<Session>,
    capabilities: Option<Capabilities>,
    language: Language,
    customer: Option<CustomerId>,
    ticket: Option<TicketId>,
    steps: u32,
    keys: u32,
    last_key: Option<(char, KeyCame, Instant)>,
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
    /// Somebody beside the agent: put through to, or asked.
    other: Option<Other>,
    /// A supervisor who listens.
    watch: Option<Watch>,
    /// What came of a telephone before it was known that it rings.
    early_party_events: Vec<hotline_sip::Event>,
}

impl Call {
    pub fn new(
        id: CallId,
        arrived: Timestamp,
        trunk: TrunkSettings,
        caller: CallerNumber,
        answering: Answering,
        incoming: Incoming,
        house: Arc<House>,
    ) -> Self {
        let (mailbox, notes) = mpsc::unbounded_channel();
        house.signalling.register(incoming.leg, mailbox.clone());
        let media = house.media.register(mailbox.clone());
        Self {
            id,
            arrived,
            trunk,
            caller,
            answering,
            sip: incoming.leg,
            invite: incoming.invite,
            began: incoming.at,
            player: Player::new(media, Arc::clone(&house), mailbox.clone()),
            house,
            mailbox,
            notes: Some(notes),
            media,
            session: None,
            capabilities: None,
            language: Language::default(),
            customer: None,
            ticket: None,
            steps: 0,
            keys: 0,
            last_key: None,
            outcome_is_good: false,
            outcome: None,
            heard_after: None,
            answered_after: None,
            unanswered: None,
            counts: None,
            ended: None,
            leg_is_over: false,
            queueing: None,
            other: None,
            watch: None,
            early_party_events: Vec::new(),
        }
    }

    pub fn mailbox(&self) -> mpsc::UnboundedSender<Note> {
        self.mailbox.clone()
    }

    pub const fn sip_leg(&self) -> LegKey {
        self.sip
    }

    /// Runs the call to its end.
    pub async fn run(mut self, stop: CancellationToken) {
        let Some(mut notes) = self.notes.take() else { return };
        self.ring(&mut notes, &stop).await;
        let answered = match self.ended.take() {
            Some(reason) => Err(reason),
            None => self.open_media(),
        };
        if let Err(reason) = answered {
            self.finish(reason, &mut notes).await;
            return;
        }
        self.recognise();
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
        if self.trunk.ring.is_zero() {
            return;
        }
        self.house.signalling.wish(self.sip, Wish::Ring);
        let until = tokio::time::Instant::now() + self.trunk.ring;
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
            (self.house.record.clone(), self.caller.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            let known = record.recognise(&caller).await.unwrap_or_default();
            let _ = mailbox.send(Note::Recognised(known));
        });
    }

    fn start(&mut self, known: OpenedCall) {
        if self.session.is_some() {
            return;
        }
        self.customer = known.customer;
        self.house.record.begin_call(
            NewCall {
                call: self.id,
                sip_call_id: self.invite.call_id.clone(),
                caller: self.caller.clone(),
                dialled: self.invite.user.clone(),
                trunk: self.trunk.name.clone(),
                plan: self.answering.plan.clone(),
                plan_version: self.answering.version.clone(),
                at: self.arrived,
            },
            &known,
        );
        let zone =
            self.answering.plans.calendars().next().map_or(jiff::tz::TimeZone::UTC, |c| c.zone.clone());
        let context = StartContext {
            caller: self.caller.clone(),
            dialled: self.invite.user.clone(),
            language: known.language,
            customer: None,
            started: self.arrived.to_zoned(zone),
            announcement: self.answering.plans.numbers().find_announcement(&self.answering.plan).cloned(),
        };
        self.session = Session::new(Arc::clone(&self.answering.plans), &self.answering.plan, context);
        self.tell(Event::Started);
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
        [session, self.player.poll_timeout(), rings].into_iter().flatten().min()
    }

    fn handle_timeout(&mut self) {
        let now = Instant::now();
        self.player.handle_timeout(now, self.language);
        self.other_timeout(now);
        self.watch_timeout(now);
        let at = self.since();
        if let Some(session) = self.session.as_mut()
            && session.poll_timeout().is_some_and(|due| due <= at)
        {
            session.handle_timeout(at);
        }
    }

    fn take(&mut self, note: Note) {
        match note {
            Note::Sip(event) if event.leg() == Some(self.sip) => self.sip_event(event),
            Note::Sip(event) => self.party_event(event),
            Note::Media(event) if self.party_media_event(&event) => {}
            Note::Media(event) => self.media_event(event),
            Note::Queue(waiting, news) => self.queue_news(waiting, news),
            Note::Rings(media, legs) => self.rings(media, legs),
            Note::Referred(leg, reached) => self.refer_to_agent(leg, reached),
            Note::Sentence(by, text, clips) => self.sentence(by, text, clips),
            Note::Act(by, act, reached, answer) => {
                let done = self.act(by, &act, reached);
                let _ = answer.send(done);
            }
            Note::Recognised(known) => self.start(known),
            Note::Rendered(rendered) => {
                if let Some((op, error)) = self.player.rendered(rendered) {
                    tracing::error!(call.id = %self.id, %error, "something could not be spoken to a caller");
                    self.tell(Event::PlayDone { op });
                }
            }
            Note::NotPlayed(op) => self.tell(Event::PlayDone { op }),
            Note::Brought(op, brought) => {
                if let Some((ticket, customer)) = brought.verified {
                    self.customer = Some(customer);
                    self.ticket = Some(ticket);
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
            MediaEvent::PlayDone { play, .. } => {
                if let Some(op) = self.player.ended(play) {
                    self.tell(Event::PlayDone { op });
                }
            }
            MediaEvent::RtpTimeout { .. } => self.hang_up(ending::SILENT),
            MediaEvent::Failed { .. } => self.hang_up(EndReason::new(Ending::Us, "media-failed")),
            MediaEvent::RecordingFailed { error, .. } => {
                tracing::error!(call.id = %self.id, error, "a call could not be recorded any further");
            }
            MediaEvent::Closed { stats, .. } => self.counts = Some(stats),
            MediaEvent::FirstPacket { .. } => {
                self.heard_after.get_or_insert(self.began.elapsed());
            }
            MediaEvent::RecordingDone { .. } | MediaEvent::Stats { .. } => {}
        }
    }

    fn key(&mut self, key: char, came: KeyCame) {
        let now = Instant::now();
        let twice =
            self.last_key.is_some_and(|(last, by, at)| last == key && by != came && now - at < SAME_KEY);
        self.last_key = Some((key, came, now));
        if !twice {
            self.keys += 1;
            self.tell(Event::Key { key });
        }
    }

    /// Ends the call from our side; the leg's own last event follows.
    fn hang_up(&mut self, reason: EndReason) {
        if self.unanswered.take().is_some() {
            // The caller has heard why; to the network the call was not to be had.
            let code = if reason.ending == Ending::Us { 500 } else { 480 };
            self.refuse(code);
        } else {
            self.house.signalling.wish(self.sip, Wish::HangUp);
        }
        self.end(HungUpBy::Us, reason);
    }

    fn end(&mut self, by: HungUpBy, reason: EndReason) {
        if self.ended.is_none() {
            let lost = by == HungUpBy::Network;
            self.give_up_queue(if lost { Leaving::ConnectionLost } else { Leaving::HungUp });
            self.tell(Event::HungUp { by });
            self.ended = Some(reason);
        }
    }

    /// Does what the interpreter asks for.
    fn drain(&mut self) {
        let mut steps = Vec::new();
        while let Some(command) = self.session.as_mut().and_then(Session::poll_command) {
            match command {
                Command::Note(event) => steps.push(self.step(event)),
                Command::Play { op, utterances, pace } => {
                    self.player.play(Instant::now(), op, utterances, pace);
                }
                Command::StopPlaying { op } => self.player.stop(op),
                Command::Music { op, name } => self.player.music(op, &name),
                Command::Enqueue { op, queue, priority, skills, last_agent, reason } => {
                    // Whoever is rung sees it.
                    if reason.is_some() {
                        self.house.record.save_call(self.id, CallSave { reason, ..CallSave::default() });
                    }
                    self.enqueue(op, queue, priority, &skills, last_agent);
                }
                Command::LeaveQueue { op } => self.leave_queue(op),
                Command::Transfer { op, to, ring } => self.put_through(op, to.expose(), ring),
                Command::Lookup { op, query, within } => self.look_up(op, query, within),
                Command::Verify { op, policy, given, .. } => self.verify(op, &policy, given),
                Command::Save { save, .. } => self.save(save),
                Command::Message { .. } => self.house.record.request_resend(self.id, &self.caller),
                Command::StartRecording => self.start_recording(),
                Command::Answer => self.answer(),
                Command::Mask(muted) => {
                    let _ = self.house.media.plane.mute_recording(self.media, muted);
                }
                Command::SetLanguage(language) => {
                    self.language = language;
                    self.house
                        .record
                        .save_call(self.id, CallSave { language: Some(language), ..CallSave::default() });
                }
                Command::Hangup { outcome } => {
                    self.outcome = Some(outcome.word());
                    let save = CallSave { outcome: Some(outcome.word().into()), ..CallSave::default() };
                    self.house.record.save_call(self.id, save);
                    let failed = outcome == hotline_dialplan::Outcome::Failed;
                    self.hang_up(if failed { ending::FAILED } else { ending::COMPLETED });
                }
            }
        }
        if !steps.is_empty() {
            self.house.record.store_steps(self.id, self.customer, &steps);
        }
    }

    fn step(&mut self, event: StepEvent) -> CallStep {
        self.steps += 1;
        CallStep { number: self.steps, at: self.house.clock.now(), event }
    }

    fn bring(&self, op: OpId, asked: impl Future<Output = Brought> + Send + 'static) {
        let mailbox = self.mailbox.clone();
        tokio::spawn(async move {
            let _ = mailbox.send(Note::Brought(op, asked.await));
        });
    }

    fn look_up(&self, op: OpId, query: Query, within: Duration) {
        let record = self.house.record.clone();
        match query {
            Query::Customer => self.bring(op, doors::customer(record, self.caller.clone())),
            Query::Ticket => self.bring(op, doors::ticket(record, self.ticket)),
            Query::Http { url, with, fields } => {
                let door = self.house.http.clone();
                let with: Vec<(String, String)> =
                    with.iter().map(|(name, value)| (name.clone(), Value::plain(value))).collect();
                self.bring(op, async move { door.ask(url, with, fields, within).await });
            }
        }
    }

    fn verify(&self, op: OpId, policy: &str, given: hotline_model::verification::Given) {
        // The checker has seen to it that the policy is there.
        let Some(policy) = self.answering.plans.find_policy(policy).cloned() else { return };
        let (record, caller) = (self.house.record.clone(), self.caller.clone());
        self.bring(op, doors::verify(record, policy, given, self.id, caller));
    }

    fn save(&mut self, save: hotline_dialplan::plan::Save) {
        if let Some(outcome) = save.outcome {
            self.outcome = Some(outcome.word());
            self.outcome_is_good = outcome == hotline_dialplan::Outcome::Contained;
        }
        if let Some(follow_up) = save.follow_up {
            self.house.record.store_follow_up(NewFollowUp {
                customer: self.customer,
                interaction: Some(self.id),
                ticket: self.ticket,
                phone: self.caller.phone().cloned(),
                reason: follow_up.reason,
                note: follow_up.note.map(Into::into),
                due_in: follow_up.within,
            });
        }
        self.house.record.save_call(
            self.id,
            CallSave {
                outcome: save.outcome.map(|outcome| outcome.word().to_owned()),
                reason: save.reason,
                note: save.note,
                tags: save.tags,
                language: None,
                recording: None,
                heard_ticket: self.ticket.filter(|_| self.outcome_is_good),
            },
        );
    }

    /// Recorded from here on, where the configuration wants it: the notice has been heard.
    fn start_recording(&mut self) {
        let Some(folder) = &self.house.recordings else { return };
        let name = format!("{}.wav", self.id);
        match self.house.media.plane.start_recording(self.media, folder.join(&name)) {
            Ok(()) => self
                .house
                .record
                .save_call(self.id, CallSave { recording: Some(name), ..CallSave::default() }),
            Err(error) => tracing::error!(call.id = %self.id, %error, "a call cannot be recorded"),
        }
    }

    /// Lets go of everything and writes the call's last line.
    async fn finish(mut self, reason: EndReason, notes: &mut mpsc::UnboundedReceiver<Note>) {
        // A caller who gave up before the plan began still called.
        if self.session.is_none() && self.answered_after.is_some() {
            self.start(OpenedCall::default());
            self.tell(Event::HungUp { by: HungUpBy::Caller });
        }
        self.drain();
        let opened = self.house.media.plane.close(self.media).is_ok();
        let until = tokio::time::Instant::now() + COUNTS;
        while opened && self.counts.is_none() {
            match tokio::time::timeout_at(until, notes.recv()).await {
                Ok(Some(Note::Media(MediaEvent::Closed { stats, .. }))) => self.counts = Some(stats),
                Ok(Some(_)) => {}
                _ => break,
            }
        }
        self.house.media.forget(self.media);
        let ended = self.step(StepEvent::Ended { reason: reason.clone() });
        if self.session.is_some() {
            self.house.record.store_steps(self.id, self.customer, &[ended]);
            let end = CallEnd { reason: reason.clone(), at: self.house.clock.now() };
            self.house.record.end_call(self.id, end);
        }
        self.report(&reason);
    }

    /// One line for each call, and its figures.
    fn report(&self, reason: &EndReason) {
        let seconds = self.since().as_secs_f64();
        let counts = self.counts.unwrap_or_default();
        let (rtp, unsent, strangers) = (counts.rtp, counts.unsent, counts.strangers);
        figures::call_ended(reason, seconds, self.answered_after, &counts);
        let milliseconds = |after: Duration| after.as_millis() as u64;
        let rounded = |after: Duration| (after.as_secs_f64() * 10_000.0).round() / 10.0;
        tracing::info!(
            call.id = %self.id,
            trunk.name = %self.trunk.name,
            dialplan.name = %self.answering.plan,
            dialplan.version = %self.answering.version,
            call.direction = "in",
            call.end = %reason,
            call.outcome = self.outcome,
            call.answered_ms = self.answered_after.map(milliseconds),
            call.heard_ms = self.heard_after.map(milliseconds),
            call.duration_s = (seconds * 10.0).round() / 10.0,
            call.steps = self.steps,
            call.keys = self.keys,
            rtp.sent = rtp.sent,
            rtp.unsent = unsent,
            rtp.received = rtp.received,
            rtp.lost = rtp.lost,
            rtp.late = rtp.late,
            rtp.duplicates = rtp.duplicates,
            rtp.strangers = strangers,
            rtp.jitter_ms = rounded(rtp.jitter),
            rtp.remote_lost = rtp.remote_lost,
            rtp.rtt_ms = rtp.rtt.map(rounded),
            "a call has ended"
        );
    }
}
