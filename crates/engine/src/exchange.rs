//! Calls come in here: admission, the plan for the number dialled, and a task for each call.

mod call_backs;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use hotline_bus::{Act, Asked, BusError, Commands, Dial, DialNews, Target};
use hotline_campaign::Disposition;
use hotline_dialplan::Plans;
use hotline_dialplan::plans::QueueStrategy;
use hotline_media::{MediaConfig, MediaError};
use hotline_model::{AgentId, CallId, CallerNumber, Clock, EndReason, Ending, IdSource, Pii, UserId};
use hotline_queue::{CallBackSettings, QueueSettings, Strategy};
use hotline_record::{CallEnd, Record};
use hotline_sip::auth::Algorithm;
use hotline_sip::{Device, Network, Sources};
use hotline_speech::Speech;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::call::{Answering, Call, Note, Side, WantsToAsk, is_number};
use crate::doors::HttpDoor;
use crate::figures;
use crate::media::Media;
use crate::recogniser::Recogniser;
use crate::routes::{NoRoute, RouteSettings, Routes};
use crate::switchboard::{Switchboard, lease};
use crate::transport::{Incoming, Signalling, SipTransport, Wish};
use crate::trunk::{RETRY_AFTER, TrunkSettings, Trunks};

/// How the exchange is set up.
pub struct Settings {
    /// Address and port for SIP over UDP and TCP.
    pub bind: SocketAddr,
    /// The address others reach us at, if it is not the one a packet came in by.
    pub advertised: Option<IpAddr>,
    /// Who may call.
    pub trunks: Vec<TrunkSettings>,
    /// By which trunks we call, and whom.
    pub routes: Vec<RouteSettings>,
    /// Calls at once.
    pub calls: usize,
    /// How long a call may last.
    pub longest_call: Duration,
    /// Where sound goes.
    pub media: MediaConfig,
    /// Where calls are recorded; `None`: they are not.
    pub recordings: Option<PathBuf>,
    /// Where words lie that plans record.
    pub words: PathBuf,
    /// The web services that plans may ask.
    pub http: HttpDoor,
    /// Who understands what networks announce; `None`: nobody, and no sound leaves the house.
    pub recogniser: Option<Recogniser>,
    /// Where agents' telephones are.
    pub telephones: Vec<Network>,
    /// Whether they are asked for SHA-256 beside MD5, which some of them do not survive.
    pub telephones_sha256: bool,
}

/// Why the exchange cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address for SIP cannot be had.
    #[error("SIP cannot listen on {address}: {source}; is another telephone server running?")]
    Sip {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The media threads cannot start.
    #[error("the media threads cannot start: {0}")]
    Media(#[from] MediaError),
    /// The queues cannot be read.
    #[error("the queues of the record cannot be read: {0}")]
    Record(#[from] hotline_record::RecordError),
}

/// What every call uses.
pub(crate) struct House {
    pub record: Record,
    pub speech: Speech,
    pub signalling: Signalling,
    pub media: Media,
    pub http: HttpDoor,
    pub recogniser: Option<Recogniser>,
    pub clock: Arc<dyn Clock>,
    pub recordings: Option<PathBuf>,
    pub words: PathBuf,
    pub advertised: Option<IpAddr>,
    pub switchboard: Switchboard,
    pub routes: Routes,
    pub ids: IdSource,
    /// Calls that go on, for what agents want to happen in them.
    pub lines: RwLock<HashMap<CallId, mpsc::UnboundedSender<Note>>>,
}

/// The exchange, running.
pub struct Exchange {
    house: Arc<House>,
    local: SocketAddr,
    active: Arc<AtomicUsize>,
    draining: CancellationToken,
    stop: CancellationToken,
}

impl Exchange {
    /// Binds the sockets, starts the media threads and takes calls. A call runs the plans that
    /// `plans` shows when it comes in, until its end.
    ///
    /// # Errors
    /// [`StartError`] if an address or a thread cannot be had.
    pub async fn start(
        settings: Settings,
        plans: watch::Receiver<Arc<Plans>>,
        record: Record,
        speech: Speech,
        clock: Arc<dyn Clock>,
        commands: Commands,
    ) -> Result<Self, StartError> {
        let stored = lease::take(&record).await?;
        if stored.is_none() {
            tracing::warn!("another server has the queues: until it is gone, nobody waits for an agent here");
        }
        let mut networks: Vec<Network> =
            settings.trunks.iter().flat_map(|trunk| trunk.from.clone()).collect();
        networks.extend(settings.telephones);
        networks.extend(settings.routes.iter().filter_map(RouteSettings::network));
        let sip = hotline_sip::Config {
            sources: Sources::Networks(networks),
            advertised: settings.advertised,
            call_limit: settings.longest_call,
            legs_limit: settings.calls * 2 + 100,
            // Agents' telephones have a key for it; what others ask for is declined by the call.
            allow_refer: true,
            ..hotline_sip::Config::default()
        };
        let transport = SipTransport::bind(settings.bind, sip, settings.telephones_sha256)
            .await
            .map_err(|source| StartError::Sip { address: settings.bind, source })?;
        let local = transport.local();
        let media = Media::start(settings.media)?;
        let (incoming, calls) = mpsc::unbounded_channel();
        let signalling = transport.start(incoming.clone());
        let queues = queue_settings(&plans.borrow());
        let (call_backs, wanted) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let switchboard =
            Switchboard::start(queues, stored, record.clone(), Arc::clone(&clock), call_backs, stop.clone());
        let house = Arc::new(House {
            switchboard,
            routes: Routes::new(settings.routes, local, Instant::now()),
            ids: IdSource::new(rand::random()),
            lines: RwLock::default(),
            record,
            speech,
            signalling,
            media,
            http: settings.http,
            recogniser: settings.recogniser,
            clock,
            recordings: settings.recordings,
            words: settings.words,
            advertised: settings.advertised,
        });
        let exchange = Self {
            house: Arc::clone(&house),
            local,
            active: Arc::default(),
            draining: CancellationToken::new(),
            stop,
        };
        tokio::spawn(follow_plans(plans.clone(), house.switchboard.clone()));
        tokio::spawn(follow_telephones(house.record.clone(), house.signalling.clone()));
        let hall = Arc::new(Hall {
            house,
            plans,
            limit: settings.calls,
            active: Arc::clone(&exchange.active),
            draining: exchange.draining.clone(),
            stop: exchange.stop.clone(),
        });
        tokio::spawn(call_backs::run(Arc::clone(&hall), wanted));
        tokio::spawn(obey(commands, Arc::clone(&hall)));
        let trunks = Trunks::new(settings.trunks, Instant::now());
        let reception = Reception { hall, trunks, ids: IdSource::new(rand::random()), again: incoming };
        tokio::spawn(reception.run(calls));
        Ok(exchange)
    }

    /// Where SIP listens.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Calls that go on.
    pub fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    /// Takes no new calls and waits until the running ones have ended, `within` at most; those
    /// that are left are then hung up.
    pub async fn drain(&self, within: Duration) {
        self.draining.cancel();
        let deadline = tokio::time::Instant::now() + within;
        while self.active() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.stop.cancel();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(2);
        while self.active() > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes the figures of this moment: calls, legs, threads.
    pub async fn report(&self) {
        figures::active(self.active());
        if let Some(counts) = self.house.signalling.counts().await {
            figures::signalling(counts.legs, counts.transactions);
        }
        for (number, thread) in self.house.media.plane.threads().into_iter().enumerate() {
            figures::media_thread(number, &thread);
        }
    }
}

/// Where calls begin, whoever made them.
struct Hall {
    house: Arc<House>,
    plans: watch::Receiver<Arc<Plans>>,
    limit: usize,
    active: Arc<AtomicUsize>,
    draining: CancellationToken,
    stop: CancellationToken,
}

/// Above this share of its time a media thread takes no more calls.
const BUSY: u64 = 850;

impl Hall {
    /// Whether there is no room for another call.
    fn is_full(&self) -> bool {
        let busy = self.house.media.plane.threads().iter().all(|thread| thread.busy_permille > BUSY);
        busy || self.active.load(Ordering::Relaxed) >= self.limit
    }

    /// Runs a call to its end.
    fn run(&self, id: CallId, call: Call) {
        self.house.lines.write().expect("no holder of this lock panics").insert(id, call.mailbox());
        let place = Place::take(&self.active);
        let (house, stop) = (Arc::clone(&self.house), self.stop.clone());
        tokio::spawn(async move {
            let (leg, wanted) = (call.sip_leg(), call.wanted_by());
            // A panic costs the one call it happened in: its task ends, and what it held is let
            // go of here.
            if tokio::spawn(call.run(stop)).await.is_err() {
                tracing::error!(call.id = %id, "a fault of ours ended a call");
                if let Some(leg) = leg {
                    house.signalling.wish(leg, Wish::HangUp);
                }
                house.signalling.hang_up_orphans();
                house.media.close_orphans();
                house.switchboard.gone(id);
                let reason = EndReason::new(Ending::Us, "fault");
                house.record.end_call(id, CallEnd { reason, at: house.clock.now() });
                if let Some(news) = wanted {
                    let _ = news.send((id, DialNews::Ended(Disposition::Unknown)));
                }
            }
            house.lines.write().expect("no holder of this lock panics").remove(&id);
            drop(place);
        });
    }

    /// Calls a customer.
    fn dial(&self, dial: Box<Dial>) -> Result<(), BusError> {
        if self.draining.is_cancelled() || self.is_full() {
            return Err(BusError::Unfit);
        }
        let plans = Arc::clone(&self.plans.borrow());
        let answering = Answering::by_name(&plans, dial.plan.clone()).ok_or(BusError::Unknown)?;
        let (routes, number, now) = (&self.house.routes, dial.number.e164(), Instant::now());
        let line = match dial.trunk.as_str() {
            "" => routes.take(number, now),
            trunk => routes.take_by(trunk, number, now),
        };
        let line = line.map_err(|why| {
            tracing::warn!(call.id = %dial.call, trunk.name = dial.trunk, %why, "a customer cannot be called");
            match why {
                NoRoute::NotAllowed => BusError::NotListed,
                NoRoute::Full | NoRoute::NoHost => BusError::NoWay,
            }
        })?;
        let (id, line) = (dial.call, line.showing(&dial.shown));
        figures::call_made(line.trunk());
        let now = self.house.clock.now();
        let call = Call::new(id, now, Side::made(dial, line), answering, None, Arc::clone(&self.house));
        self.run(id, call);
        Ok(())
    }
}

/// Takes the calls that come in.
struct Reception {
    hall: Arc<Hall>,
    trunks: Trunks,
    ids: IdSource,
    /// For calls of telephones whose agent has no caller: they come in like all others.
    again: mpsc::UnboundedSender<Incoming>,
}

impl Reception {
    async fn run(mut self, mut calls: mpsc::UnboundedReceiver<Incoming>) {
        while let Some(incoming) = calls.recv().await {
            self.take(incoming);
        }
    }

    fn reject(&self, incoming: &Incoming, code: u16, why: &'static str, retry_after: Option<Duration>) {
        figures::call_refused(why);
        self.hall.house.signalling.wish(incoming.leg, Wish::Reject { code, retry_after });
    }

    /// An agent's telephone calls: whom they ask, if they have a caller.
    fn take_from_telephone(&self, login: String, incoming: Incoming) {
        let (house, again) = (Arc::clone(&self.hall.house), self.again.clone());
        tokio::spawn(async move {
            let Some((agent, talk)) = house.switchboard.talk_of(login).await else {
                let _ = again.send(incoming);
                return;
            };
            let user = incoming.invite.user.clone();
            let leg = incoming.leg;
            let refuse = |code| house.signalling.wish(leg, Wish::Reject { code, retry_after: None });
            let (to, reached) = if is_number(&user) {
                (Target::Number(Pii::new(user)), None)
            } else {
                // Who is busy, on a break or nobody.
                let Some(reached) = house.switchboard.reach_login(user).await else { return refuse(480) };
                (Target::Agent(reached.agent().into()), Some(reached))
            };
            let wanted = Box::new(WantsToAsk { agent, incoming, to, reached });
            if talk.send(Note::WantsToAsk(wanted)).is_err() {
                refuse(480);
            }
        });
    }

    fn take(&mut self, mut incoming: Incoming) {
        if let Some(login) = incoming.invite.telephone.take() {
            return self.take_from_telephone(login, incoming);
        }
        let address = incoming.invite.source.remote.ip();
        let Some((trunk, admitted)) = self.trunks.admit(address, incoming.at) else {
            return self.reject(&incoming, 403, "no-trunk", None);
        };
        let trunk = trunk.clone();
        if !admitted {
            tracing::warn!(trunk.name = %trunk.name, "the trunk begins more calls than its rate allows");
            return self.reject(&incoming, 503, "rate", Some(RETRY_AFTER));
        }
        if self.hall.draining.is_cancelled() {
            return self.reject(&incoming, 503, "draining", Some(RETRY_AFTER));
        }
        if self.hall.is_full() {
            return self.reject(&incoming, 503, "overload", None);
        }
        let plans = Arc::clone(&self.hall.plans.borrow());
        let Some(answering) = Answering::find(&plans, &incoming.invite.user) else {
            let dialled = shown(&incoming.invite.user);
            tracing::info!(trunk.name = %trunk.name, call.dialled = %dialled, "a number that no plan serves was dialled");
            return self.reject(&incoming, 404, "no-plan", None);
        };
        let now = self.hall.house.clock.now();
        let id: CallId = self.ids.next(now);
        let caller = self.caller(&incoming);
        figures::call_began(&trunk.name);
        let leg = Some((incoming.leg, incoming.at));
        let side = Side::came_in(incoming, &trunk, caller);
        self.hall.run(id, Call::new(id, now, side, answering, leg, Arc::clone(&self.hall.house)));
    }

    /// Who calls, as the trunk tells it: an asserted identity goes before From (RFC 3325).
    fn caller(&self, incoming: &Incoming) -> CallerNumber {
        let invite = &incoming.invite;
        let user = invite.asserted.as_ref().map_or_else(|| invite.from.user(), hotline_sip::Party::user);
        CallerNumber::parse(&user)
    }
}

/// The queues as the designer's files have them.
fn queue_settings(plans: &Plans) -> hotline_queue::Settings {
    let strategy = |strategy| match strategy {
        QueueStrategy::LongestIdle => Strategy::LongestIdle,
        QueueStrategy::Skills => Strategy::Skills,
        QueueStrategy::LastAgent => Strategy::LastAgent,
    };
    let settings = |queue: &hotline_dialplan::plans::Queue| QueueSettings {
        strategy: strategy(queue.strategy),
        skills: hotline_queue::skills(queue.skills.iter().map(String::as_str)),
        ring: queue.ring,
        wrap_up: queue.wrap_up,
        longest_wait: queue.longest_wait,
        keep_place: queue.keep_place,
        last_agent_wait: queue.last_agent_wait,
        call_back: queue.call_back.as_ref().map(|_| CallBackSettings::default()),
        hours: queue.hours.as_deref().and_then(|name| plans.find_calendar(name)).cloned(),
    };
    hotline_queue::Settings {
        queues: plans.queues().map(|queue| (queue.name.as_str().into(), settings(queue))).collect(),
        ..hotline_queue::Settings::default()
    }
}

/// Queues are changed with the plans.
async fn follow_plans(mut plans: watch::Receiver<Arc<Plans>>, switchboard: Switchboard) {
    while plans.changed().await.is_ok() {
        let settings = queue_settings(&plans.borrow());
        switchboard.set_queues(settings);
    }
}

/// Who may register is asked for again so often.
const TELEPHONES: Duration = Duration::from_secs(1);

/// Telephones that were set or taken away count soon.
async fn follow_telephones(record: Record, signalling: Signalling) {
    loop {
        if let Ok(telephones) = record.telephones().await {
            let devices = telephones.into_iter().map(|telephone| Device {
                username: telephone.login,
                hashes: vec![(Algorithm::Sha256, telephone.sha256), (Algorithm::Md5, telephone.md5)],
            });
            signalling.set_devices(devices.collect());
        }
        tokio::time::sleep(TELEPHONES).await;
    }
}

/// Carries out what other rooms want.
async fn obey(mut commands: Commands, hall: Arc<Hall>) {
    let house = &hall.house;
    while let Some(Asked { command, answer }) = commands.recv().await {
        match command {
            hotline_bus::Command::Dial(dial) => {
                let _ = answer.send(hall.dial(dial));
            }
            hotline_bus::Command::StopDialling(call) => {
                let lines = house.lines.read().expect("no holder of this lock panics");
                let told = lines.get(&call).is_some_and(|mailbox| mailbox.send(Note::StopDialling).is_ok());
                let _ = answer.send(if told { Ok(()) } else { Err(BusError::Unknown) });
            }
            hotline_bus::Command::Identified(call, customer) => {
                let lines = house.lines.read().expect("no holder of this lock panics");
                let told =
                    lines.get(&call).is_some_and(|mailbox| mailbox.send(Note::Identified(customer)).is_ok());
                let _ = answer.send(if told { Ok(()) } else { Err(BusError::Unknown) });
            }
            hotline_bus::Command::FindTelephone(user) => {
                let (switchboard, signalling) = (house.switchboard.clone(), house.signalling.clone());
                tokio::spawn(async move {
                    let found = switchboard.login_of(user).await;
                    let _ = answer.send(match found {
                        Ok(login) if signalling.bindings(&login).await.is_empty() => Err(BusError::NoWay),
                        found => found.map(|_| ()),
                    });
                });
            }
            hotline_bus::Command::Agent(user, choice) => house.switchboard.choose(user, choice, answer),
            hotline_bus::Command::Call(call, by, act) => {
                let mailbox = house.lines.read().expect("no holder of this lock panics").get(&call).cloned();
                let Some(mailbox) = mailbox else {
                    let _ = answer.send(Err(BusError::Unknown));
                    continue;
                };
                let Some(wanted) = wanted_agent(&act, by) else {
                    let _ = mailbox.send(Note::Act(by, act, None, answer));
                    continue;
                };
                let switchboard = house.switchboard.clone();
                tokio::spawn(async move {
                    let reached = match wanted {
                        Wanted::Free(agent) => switchboard.reach(agent).await,
                        Wanted::Themselves(agent) => switchboard.reach_supervisor(agent).await,
                    };
                    let note = match reached {
                        Some(reached) => Note::Act(by, act, Some(reached), answer),
                        // They may be in the call already, and want to hear it otherwise.
                        None if matches!(wanted, Wanted::Themselves(_)) => Note::Act(by, act, None, answer),
                        None => {
                            let _ = answer.send(Err(BusError::NoWay));
                            return;
                        }
                    };
                    let _ = mailbox.send(note);
                });
            }
        }
    }
}

/// Whose telephone an act makes ring.
#[derive(Clone, Copy)]
enum Wanted {
    /// An agent who has to be free.
    Free(AgentId),
    /// The supervisor who wants to hear.
    Themselves(AgentId),
}

fn wanted_agent(act: &Act, by: UserId) -> Option<Wanted> {
    match act {
        Act::Transfer(Target::Agent(agent)) | Act::Consult(Target::Agent(agent)) if *agent != by => {
            Some(Wanted::Free((*agent).into()))
        }
        Act::Watch(_) => Some(Wanted::Themselves(by.into())),
        _ => None,
    }
}

/// A dialled number as a log may show it: a short service number whole, for it is ours and is wrong
/// in a plan or at the carrier; of anything longer, which may be somebody's, its length.
fn shown(dialled: &str) -> String {
    let digits = dialled.strip_prefix('+').unwrap_or(dialled);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.len() {
        1..=8 if is_number && digits.len() == dialled.len() => digits.to_owned(),
        length if is_number => format!("•••• ({length} digits)"),
        _ => format!("•••• (no number, {} characters)", dialled.chars().count()),
    }
}

/// One call's place in the count.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(active: &Arc<AtomicUsize>) -> Self {
        active.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(active))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn only_a_short_service_number_is_shown() {
        assert_eq!(shown("4711"), "4711");
        assert_eq!(shown("10086123"), "10086123");
        assert_eq!(shown("+8613800138000"), "•••• (13 digits)");
        assert_eq!(shown("13800138000"), "•••• (11 digits)");
        assert_eq!(shown("+10086"), "•••• (5 digits)");
        assert_eq!(shown("li.xiaomei"), "•••• (no number, 10 characters)");
        assert_eq!(shown(""), "•••• (no number, 0 characters)");
    }
}
