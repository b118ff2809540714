//! Somebody beside the caller's agent: whom the plan or the agent puts the caller through to, or whom
//! the agent asks first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline_audio::Clip;
use hotline_bus::{BusError, Target};
use hotline_dialplan::session::NotThrough;
use hotline_dialplan::{Event, OpId};
use hotline_media::LegId;
use hotline_model::{AgentId, Pii, StepEvent};
use hotline_queue::{Join, Leaving};
use hotline_sip::LegKey;

use super::agent::{AgentLeg, HOLD_MUSIC};
use super::negotiate::Ears;
use super::party::{Party, PartyNews};
use super::{Call, Note, telephone};
use crate::figures;
use crate::routes::Line;
use crate::switchboard::Reached;
use crate::transport::Wish;

/// Somebody beside the caller's agent.
pub(super) struct Other {
    pub party: Party,
    purpose: Purpose,
    by: Way,
    /// There is something to hear of them, answered or not.
    heard: bool,
    joined: bool,
    /// Given up then.
    ring_until: Instant,
}

/// How they are reached; what is kept for it is free again when this is dropped.
enum Way {
    /// An agent of ours.
    Agent(Reached),
    /// A number, by a trunk.
    Number(Arc<Line>),
}

impl Way {
    const fn agent(&self) -> Option<AgentId> {
        match self {
            Self::Agent(reached) => Some(reached.agent()),
            Self::Number(_) => None,
        }
    }
}

/// Why they are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The plan puts the caller through.
    Plan(OpId),
    /// The agent asks them; the caller waits.
    Asked,
    /// All three talk.
    Conference,
    /// The agent has left the caller to them.
    Sent,
}

/// Whom an agent brings in rings for this long.
const RING: Duration = Duration::from_secs(25);
/// The trunk's own limit comes first; this is for telephones of ours.
const GRACE: Duration = Duration::from_millis(500);

impl Call {
    /// The plan puts the call through.
    pub(super) fn put_through(&mut self, op: OpId, to: &str, ring: Duration) {
        let line = self.house.routes.take(to, Instant::now());
        let done = match line {
            Ok(line) => self.call_number(line, Purpose::Plan(op), ring),
            Err(why) => {
                tracing::warn!(call.id = %self.id, %why, "a plan wants to put a caller through and cannot");
                false
            }
        };
        if done {
            self.ring_back();
        } else {
            figures::put_through("none", "failed");
            self.tell(Event::TransferFailed { op, how: NotThrough::Failed });
        }
    }

    /// The agent leaves the caller to somebody else.
    pub(super) fn send_to(&mut self, to: &Target, reached: Option<Reached>) -> Result<(), BusError> {
        self.send_away(to, reached)?;
        self.agent_has_sent(to);
        Ok(())
    }

    /// Calls whom the caller is to go to; nobody has left yet.
    fn send_away(&mut self, to: &Target, reached: Option<Reached>) -> Result<(), BusError> {
        match to {
            Target::Queue(queue) if self.answering.plans.find_queue(queue).is_none() => Err(BusError::NoWay),
            Target::Queue(_) => Ok(()),
            _ => self.bring_in(to, reached, Purpose::Sent),
        }
    }

    /// The agent leaves.
    fn agent_has_sent(&mut self, to: &Target) {
        if let Target::Queue(queue) = to {
            self.change_queue(queue);
        } else {
            self.agent_leaves();
            self.ring_back();
        }
    }

    /// An agent's telephone sends the caller on by its own key (REFER, RFC 3515): to a number, a queue or a colleague.
    pub(super) fn referred(&mut self, leg: LegKey, refer_to: &str) {
        if let Some(replaced) = telephone::replaced_by(refer_to) {
            return self.refer_to_asked(leg, &replaced);
        }
        let to = user_of(refer_to);
        let target = match to {
            Some(user) if telephone::is_number(&user) => Target::Number(Pii::new(user)),
            Some(user) if self.answering.plans.find_queue(&user).is_some() => Target::Queue(user),
            Some(login) => {
                let (switchboard, mailbox) = (self.house.switchboard.clone(), self.mailbox.clone());
                tokio::spawn(async move {
                    let _ = mailbox.send(Note::Referred(leg, switchboard.reach_login(login).await));
                });
                return;
            }
            None => return self.answer_refer(leg, false),
        };
        self.refer(leg, &target, None);
    }

    /// The colleague was looked for.
    pub(super) fn refer_to_agent(&mut self, leg: LegKey, reached: Option<Reached>) {
        match reached {
            Some(reached) => self.refer(leg, &Target::Agent(reached.agent().into()), Some(reached)),
            None => self.answer_refer(leg, false),
        }
    }

    fn refer(&mut self, leg: LegKey, to: &Target, reached: Option<Reached>) {
        let agent = self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref());
        let is_theirs = agent.is_some_and(|agent| agent.joined && agent.party.has(leg));
        let done = is_theirs && self.other.is_none() && self.send_away(to, reached).is_ok();
        // Before the BYE that follows from it.
        self.answer_refer(leg, done);
        if done {
            self.agent_has_sent(to);
        }
    }

    pub(super) fn answer_refer(&self, leg: LegKey, done: bool) {
        self.house.signalling.wish(leg, Wish::AnswerRefer(done));
    }

    /// The agent asks somebody while the caller waits.
    pub(super) fn consult(&mut self, to: &Target, reached: Option<Reached>) -> Result<(), BusError> {
        self.bring_in(to, reached, Purpose::Asked)?;
        if self
            .queueing
            .as_ref()
            .and_then(|queueing| queueing.agent.as_ref())
            .is_some_and(|agent| !agent.held)
        {
            self.hold()?;
        }
        // A telephone that asks by a call of its own makes the sound of ringing itself.
        if let Some(media) = self.agent_media().filter(|_| self.asking.is_none()) {
            let _ = self.house.media.plane.play_loop(media, HOLD_MUSIC, vec![ring_back()]);
        }
        Ok(())
    }

    fn bring_in(&mut self, to: &Target, reached: Option<Reached>, purpose: Purpose) -> Result<(), BusError> {
        let how = if purpose == Purpose::Asked { "consulted" } else { "sent" };
        match to {
            Target::Number(number) => {
                let line = self.house.routes.take(number.expose(), Instant::now());
                let line = line.map_err(|_| BusError::NoWay)?;
                if !self.call_number(line, purpose, RING) {
                    return Err(BusError::Unfit);
                }
            }
            Target::Agent(_) => {
                let reached = reached.ok_or(BusError::NoWay)?;
                let opened = Party::open(self, self.ears_of_telephones());
                let (party, offered, address) = opened.ok_or(BusError::Unfit)?;
                self.ring_telephones(party.media, reached.login().to_owned(), offered, address);
                let ring_until = Instant::now() + RING;
                self.other = Some(Other {
                    party,
                    purpose,
                    by: Way::Agent(reached),
                    heard: false,
                    joined: false,
                    ring_until,
                });
            }
            Target::Queue(_) => return Err(BusError::Unfit),
        }
        self.note_other(how);
        Ok(())
    }

    /// Calls a number by a trunk; `false` if there is no room for its media.
    fn call_number(&mut self, line: Line, purpose: Purpose, ring: Duration) -> bool {
        let ears = Ears { latch: line.latch(), in_band_digits: line.in_band_digits() };
        let Some((party, offered, _)) = Party::open(self, ears) else { return false };
        let media = party.media;
        let (line, ring_until) = (Arc::new(line), Instant::now() + ring + GRACE);
        let by = Way::Number(Arc::clone(&line));
        self.other = Some(Other { party, purpose, by, heard: false, joined: false, ring_until });
        let (signalling, mailbox) = (self.house.signalling.clone(), self.mailbox.clone());
        tokio::spawn(async move {
            let legs = match line.outbound(offered, ring).await {
                Ok(outbound) => signalling.call(outbound, mailbox.clone()).await.into_iter().collect(),
                Err(why) => {
                    tracing::warn!(trunk.name = line.trunk(), %why, "a call of ours cannot be made");
                    Vec::new()
                }
            };
            let _ = mailbox.send(Note::Rings(media, legs));
        });
        true
    }

    /// When whoever rings is given up.
    pub(super) fn other_wake(&self) -> Option<Instant> {
        self.other.as_ref().filter(|other| !other.joined).map(|other| other.ring_until)
    }

    /// Nobody has answered in time.
    pub(super) fn other_timeout(&mut self, now: Instant) {
        if self.other_wake().is_some_and(|until| until <= now) {
            self.other_news(PartyNews::NotAnswered(408));
        }
    }

    /// What came of somebody who was called.
    pub(super) fn other_news(&mut self, news: PartyNews) {
        let Some(other) = &mut self.other else { return };
        let (purpose, joined) = (other.purpose, other.joined);
        match news {
            PartyNews::Heard => {
                self.asking_hears();
                self.hear_other();
            }
            PartyNews::Answered => {
                other.joined = true;
                if let Way::Agent(reached) = &mut other.by {
                    reached.talks();
                }
                self.asking_is_answered();
                self.hear_other();
                self.count_other("answered");
                if let Purpose::Plan(op) = purpose {
                    self.tell(Event::Joined { op, agent: None });
                } else if purpose == Purpose::Sent {
                    self.note_other("answered");
                    self.take_over();
                }
            }
            PartyNews::NotAnswered(code) if !joined => self.other_failed(match code {
                486 | 600 | 603 => NotThrough::Busy,
                408 | 480 | 487 => NotThrough::NoAnswer,
                _ => NotThrough::Failed,
            }),
            PartyNews::Unfit => self.other_failed(NotThrough::Failed),
            PartyNews::HungUp | PartyNews::Lost | PartyNews::NotAnswered(_) => self.other_left(),
            PartyNews::Nothing | PartyNews::Rings => {}
        }
    }

    /// Those who are to hear each other do: before the answer, if there is something to hear.
    fn hear_other(&mut self) {
        let Some(other) = &mut self.other else { return };
        other.heard = true;
        let purpose = other.purpose;
        let near = match (purpose, self.agent_media()) {
            (Purpose::Asked, Some(agent)) => agent,
            _ => self.media,
        };
        if near == self.media {
            self.player.silence();
        }
        let _ = self.house.media.plane.stop(near);
        self.arrange();
    }

    /// Caller, agent and whoever was asked talk together.
    pub(super) fn confer(&mut self) -> Result<(), BusError> {
        let Some(other) = &mut self.other else { return Err(BusError::Unfit) };
        if !other.joined || other.purpose != Purpose::Asked {
            return Err(BusError::Unfit);
        }
        other.purpose = Purpose::Conference;
        if let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.as_mut()) {
            agent.held = false;
        }
        let _ = self.house.media.plane.stop(self.media);
        self.note_other("conference");
        self.arrange();
        Ok(())
    }

    /// The legs of somebody beside the agent that hear each other with the caller's or the agent's.
    pub(super) fn talkers_with_other(&self, agent: Option<LegId>) -> Option<Vec<LegId>> {
        let other = self.other.as_ref().filter(|other| other.heard)?;
        let media = other.party.media;
        Some(match (other.purpose, agent) {
            (Purpose::Conference, Some(agent)) => vec![self.media, agent, media],
            (Purpose::Asked, Some(agent)) => vec![agent, media],
            _ => vec![self.media, media],
        })
    }

    /// Nobody answered: the plan goes on, the agent has the caller again, or the caller is back in the line.
    fn other_failed(&mut self, how: NotThrough) {
        let Some(other) = &self.other else { return };
        let word = match how {
            NotThrough::Busy => "busy",
            NotThrough::NoAnswer => "no-answer",
            NotThrough::Failed => "failed",
        };
        self.count_other(word);
        match other.purpose {
            Purpose::Plan(op) => {
                self.let_go_of_other();
                self.player.silence();
                self.tell(Event::TransferFailed { op, how });
            }
            Purpose::Asked | Purpose::Conference => self.take_back(word),
            Purpose::Sent => {
                self.note_other(word);
                self.let_go_of_other();
                self.player.silence();
                if let Some(queueing) = &self.queueing {
                    self.house.switchboard.take_back(queueing.waiting);
                }
            }
        }
    }

    /// Who had the caller hung up, or was lost.
    fn other_left(&mut self) {
        let Some(other) = &self.other else { return };
        match other.purpose {
            Purpose::Plan(op) => {
                self.let_go_of_other();
                self.tell(Event::TalkEnded { op });
            }
            Purpose::Asked | Purpose::Conference => self.take_back("back"),
            Purpose::Sent => {
                self.let_go_of_other();
                if let Some(queueing) = self.queueing.take() {
                    self.house.switchboard.leave(queueing.waiting, Leaving::OtherWay);
                    self.tell(Event::TalkEnded { op: queueing.op });
                }
            }
        }
    }

    /// Who was asked, or still rings, has the caller; the agent leaves.
    pub(super) fn hand_on(&mut self) {
        let Some(other) = &mut self.other else { return };
        other.purpose = Purpose::Sent;
        let (joined, heard) = (other.joined, other.heard);
        self.note_other("completed");
        self.agent_leaves();
        if heard {
            let _ = self.house.media.plane.stop(self.media);
            self.arrange();
        } else {
            self.ring_back();
        }
        if joined {
            self.take_over();
        }
    }

    /// An agent of ours has the caller who was handed on, and may do with the call what the first one might.
    fn take_over(&mut self) {
        let Some(queueing) = &mut self.queueing else { return };
        let Some(other) = self.other.take() else { return };
        match other.by {
            Way::Agent(reached) => {
                let agent = reached.agent();
                reached.take_over(queueing.waiting);
                let party = other.party;
                queueing.agent = Some(AgentLeg { offer: None, agent, party, joined: true, held: false });
                self.note_step(StepEvent::Joined { agent: Some(agent) });
            }
            Way::Number(_) => self.other = Some(other),
        }
    }

    /// Who was asked is let go; the agent has the caller again.
    pub(super) fn take_back(&mut self, how: &str) {
        self.note_other(how);
        let agent = self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref());
        if let Some(agent) = agent {
            let _ = self.house.media.plane.stop(agent.party.media);
        }
        self.let_go_of_other();
        if let Err(error) = self.resume() {
            tracing::warn!(call.id = %self.id, %error, "an agent cannot have the caller again");
        }
    }

    /// The agent's part is over, the caller's is not.
    fn agent_leaves(&mut self) {
        let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.take()) else { return };
        let who = agent.agent;
        // Who listens, listens to an agent's talk.
        self.let_go_of_watcher();
        self.let_go_of_asking();
        self.let_go(agent);
        self.house.switchboard.handed_on(who);
    }

    /// The caller stands in another line, as one who was there first.
    fn change_queue(&mut self, name: &str) {
        self.note_other("queue");
        self.agent_leaves();
        let Some(queueing) = &mut self.queueing else { return };
        self.house.switchboard.leave(queueing.waiting, Leaving::OtherWay);
        let now = self.house.clock.now();
        queueing.waiting = self.house.ids.next(now);
        name.clone_into(&mut queueing.queue);
        let join = Join {
            waiting: queueing.waiting,
            call: self.id,
            queue: name.into(),
            priority: queueing.priority,
            skills: hotline_queue::skills(std::iter::empty()),
            last_agent: None,
            customer: self.customer,
            identity: None,
            joined_at: Some(queueing.since),
        };
        let op = queueing.op;
        self.house.switchboard.join(join, self.mailbox.clone());
        self.tell(Event::Returned { op });
    }

    /// Ends whatever somebody beside the agent still has.
    pub(super) fn let_go_of_other(&mut self) {
        self.let_go_of_asking();
        let Some(other) = self.other.take() else { return };
        let _ = self.house.media.plane.unbridge(other.party.media);
        other.party.let_go(&self.house);
    }

    /// The caller hears that it rings.
    fn ring_back(&mut self) {
        self.player.silence();
        let _ = self.house.media.plane.play_loop(self.media, HOLD_MUSIC, vec![ring_back()]);
    }

    fn count_other(&self, how: &'static str) {
        if let Some(other) = &self.other {
            let trunk = match &other.by {
                Way::Number(line) => line.trunk(),
                Way::Agent(_) => "none",
            };
            figures::put_through(trunk, how);
        }
    }

    /// Tells the record what an agent did with the call.
    fn note_other(&mut self, how: &str) {
        let Some(queueing) = &self.queueing else { return };
        let event = StepEvent::Transferred {
            step: queueing.queue.clone(),
            how: how.to_owned(),
            by: queueing.agent.as_ref().map(|agent| agent.agent),
            to: self.other.as_ref().and_then(|other| other.by.agent()),
        };
        self.note_step(event);
    }
}

/// The user part of a Refer-To; `None` for what is no SIP address.
fn user_of(refer_to: &str) -> Option<String> {
    let address =
        refer_to.split_once('<').map_or(refer_to, |(_, rest)| rest.split('>').next().unwrap_or_default());
    let uri = hotline_sip::message::Uri::parse(address.trim().as_bytes()).ok()?;
    let user = uri.user();
    (!user.is_empty()).then(|| user.to_string())
}

/// What is heard while it rings, as in China: 450 Hz, one second of five (ITU-T E.180 supplement 2).
fn ring_back() -> Clip {
    static CLIP: std::sync::OnceLock<Clip> = std::sync::OnceLock::new();
    let make = || {
        let mut samples = hotline_audio::sine(450.0, -20.0, Duration::from_secs(1));
        samples.extend(hotline_audio::silence(Duration::from_secs(4)));
        Clip::from_samples(samples)
    };
    CLIP.get_or_init(make).clone()
}
