//! The agent's side of a call: telephones that ring, the one that answers, the bridge.

use std::net::SocketAddr;

use bytes::Bytes;
use hotline_bus::{Act, BusError};
use hotline_dialplan::{Event, OpId};
use hotline_media::{LegId, PlayId};
use hotline_model::{AgentId, OfferId, UserId, WaitingId};
use hotline_queue::{Join, Leaving, Left, NotAnswered, skills};
use hotline_sip::sdp::{self, Capabilities};
use hotline_sip::{LegKey, Outbound, Party};

use super::{Call, Note};
use crate::switchboard::News;
use crate::transport::Wish;

/// The caller's place in a queue, and the talk that comes of it.
pub(super) struct Queueing {
    op: OpId,
    waiting: WaitingId,
    queue: String,
    /// Who rings, or talks.
    agent: Option<AgentLeg>,
}

/// An agent who is rung for this call, or talks in it.
pub(super) struct AgentLeg {
    offer: OfferId,
    agent: AgentId,
    media: LegId,
    capabilities: Capabilities,
    /// Telephones of theirs that ring; `None` until it is known which.
    ringing: Option<Vec<LegKey>>,
    /// The one that was answered.
    answered: Option<LegKey>,
    /// Both hear each other, or could but for a hold.
    joined: bool,
    held: bool,
}

/// Music on hold has play ids of its own.
const HOLD_MUSIC: PlayId = PlayId(u64::MAX / 2);

impl Call {
    /// The plan wants an agent for the caller.
    pub(super) fn enqueue(
        &mut self,
        op: OpId,
        queue: String,
        priority: u8,
        wanted: &[String],
        last_agent: bool,
    ) {
        let waiting = self.house.ids.next(self.house.clock.now());
        self.queueing = Some(Queueing { op, waiting, queue: queue.clone(), agent: None });
        let (switchboard, mailbox) = (self.house.switchboard.clone(), self.mailbox.clone());
        let (record, ticket, customer) = (self.house.record.clone(), self.ticket, self.customer);
        let phone = self.caller.phone().cloned();
        let call = self.id;
        let skills = skills(wanted.iter().map(String::as_str));
        tokio::spawn(async move {
            // Who had the ticket last, and by which number a kept place is known: a database that
            // does not answer costs the caller both, never the place.
            let known = record.queue_facts(customer, ticket, phone, last_agent).await.unwrap_or_default();
            switchboard.join(
                Join {
                    waiting,
                    call,
                    queue: queue.into(),
                    priority,
                    skills,
                    last_agent: known.last_agent,
                    customer: known.customer.or(customer),
                    identity: known.identity,
                    joined_at: None,
                },
                mailbox,
            );
        });
    }

    /// The plan wants no agent any more.
    pub(super) fn leave_queue(&mut self, op: OpId) {
        if self.queueing.as_ref().is_some_and(|queueing| queueing.op == op) {
            self.give_up_queue(Leaving::OtherWay);
        }
    }

    /// Lets go of the place and of whoever rings or talks.
    pub(super) fn give_up_queue(&mut self, how: Leaving) {
        let Some(mut queueing) = self.queueing.take() else { return };
        self.house.switchboard.leave(queueing.waiting, how);
        if let Some(agent) = queueing.agent.take() {
            self.let_go(agent);
        }
    }

    /// What the switchboard says.
    pub(super) fn queue_news(&mut self, waiting: WaitingId, news: News) {
        let Some(queueing) = self.queueing.as_mut().filter(|queueing| queueing.waiting == waiting) else {
            return;
        };
        let op = queueing.op;
        match news {
            News::Place { place, wait } => self.tell(Event::Place { op, place, wait }),
            News::Left(how) => {
                self.queueing = None;
                self.tell(match how {
                    Left::Nobody(_) => Event::Nobody { op },
                    Left::Closed => Event::QueueClosed { op },
                    Left::Failed => Event::QueueFailed { op },
                });
            }
            News::Offer { offer, agent, login } => self.ring_agent(offer, agent, login),
            News::Withdraw { offer } | News::TooLate { offer } => {
                if let Some(agent) = queueing.agent.take_if(|agent| agent.offer == offer) {
                    self.let_go(agent);
                }
            }
            News::Joined { offer } => self.join_agent(offer),
            News::Returned => self.tell(Event::Returned { op }),
        }
    }

    fn ring_agent(&mut self, offer: OfferId, agent: AgentId, login: String) {
        let media = self.house.media.register(self.mailbox.clone());
        let opened = self.house.media.plane.open(media, self.media.0);
        let Ok(local) = opened else {
            self.house.media.forget(media);
            self.house.switchboard.not_answered(offer, NotAnswered::Failed);
            return;
        };
        let address = SocketAddr::new(self.media_address(local.addr.ip()), local.addr.port());
        let capabilities = Capabilities::new(address, media.0);
        let offered: Bytes = sdp::offer(&capabilities).into();
        if let Some(queueing) = &mut self.queueing {
            let leg = AgentLeg {
                offer,
                agent,
                media,
                capabilities,
                ringing: None,
                answered: None,
                joined: false,
                held: false,
            };
            queueing.agent = Some(leg);
        }
        let (signalling, mailbox) = (self.house.signalling.clone(), self.mailbox.clone());
        let from = Party { display: String::new(), uri: format!("sip:hotline@{}", uri_host(address)) };
        tokio::spawn(async move {
            let mut ringing = Vec::new();
            for binding in signalling.bindings(&login).await {
                let outbound = Outbound {
                    target: binding.contact.clone(),
                    destination: binding.path.remote,
                    transport: binding.path.transport,
                    local: binding.path.local,
                    connection: binding.path.connection,
                    from: from.clone(),
                    to: Party { display: String::new(), uri: format!("sip:{login}@{}", uri_host(address)) },
                    sdp: Some(offered.clone()),
                    credentials: None,
                    headers: Vec::new(),
                    answer_limit: None,
                };
                ringing.extend(signalling.call(outbound, mailbox.clone()).await);
            }
            let _ = mailbox.send(Note::Rings(offer, ringing));
        });
    }

    /// The agent's telephones ring, or none of them can be reached.
    pub(super) fn rings(&mut self, offer: OfferId, legs: Vec<LegKey>) {
        let agent = self.queueing.as_mut().and_then(|queueing| queueing.agent.as_mut());
        match agent.filter(|agent| agent.offer == offer) {
            Some(agent) if !legs.is_empty() => agent.ringing = Some(legs),
            Some(_) => self.house.switchboard.not_answered(offer, NotAnswered::Failed),
            // Taken back meanwhile.
            None => legs.into_iter().for_each(|leg| self.house.signalling.wish(leg, Wish::Cancel)),
        }
        for event in std::mem::take(&mut self.early_agent_events) {
            self.agent_event(event);
        }
    }

    /// Something happened on a leg that is not the caller's.
    pub(super) fn agent_event(&mut self, event: hotline_sip::Event) {
        use hotline_sip::Event as Sip;
        let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.as_mut()) else {
            // Answered just when it was given up.
            if let Sip::Answered { leg, .. } = event {
                self.house.signalling.wish(leg, Wish::HangUp);
            }
            return;
        };
        let Some(ringing) = &mut agent.ringing else {
            // It answers faster than the call to it is known here.
            self.early_agent_events.push(event);
            return;
        };
        match event {
            Sip::Answered { leg, sdp } if ringing.contains(&leg) && agent.answered.is_none() => {
                let others: Vec<LegKey> = ringing.iter().copied().filter(|other| *other != leg).collect();
                ringing.retain(|one| *one == leg);
                agent.answered = Some(leg);
                let (offer, who, media) = (agent.offer, agent.agent, agent.media);
                let agreed = sdp
                    .as_deref()
                    .and_then(|sdp| sdp::Sdp::parse(sdp).ok())
                    .and_then(|answer| sdp::accept_answer(&answer, &agent.capabilities).ok());
                for other in others {
                    self.house.signalling.wish(other, Wish::Cancel);
                }
                match agreed {
                    Some(agreed) => {
                        self.connect_leg(media, &agreed, true);
                        self.house.switchboard.accepted(offer, who);
                    }
                    None => self.agent_is_gone(NotAnswered::Failed),
                }
            }
            Sip::Answered { leg, .. } => self.house.signalling.wish(leg, Wish::HangUp),
            Sip::Failed { leg, code, .. } => {
                let how = match code {
                    486 | 600 => NotAnswered::Busy,
                    603 => NotAnswered::Declined,
                    _ => NotAnswered::Failed,
                };
                ringing.retain(|one| *one != leg);
                if ringing.is_empty() && agent.answered.is_none() {
                    self.agent_is_gone(how);
                }
            }
            Sip::Ended { leg, cause, .. } if agent.answered == Some(leg) => {
                agent.answered = None;
                if cause == hotline_sip::EndCause::RemoteBye || !agent.joined {
                    self.agent_is_gone(NotAnswered::Declined);
                } else {
                    self.agent_is_lost();
                }
            }
            Sip::Reinvite { leg, offer } if agent.answered == Some(leg) => {
                agent.capabilities.session_version += 1;
                let (capabilities, media) = (agent.capabilities.clone(), agent.media);
                let wish = match offer {
                    None => Wish::AcceptReinvite(sdp::offer(&capabilities).into()),
                    Some(offer) => match sdp::answer_bytes(&offer, &capabilities) {
                        Ok(agreed) => {
                            self.connect_leg(media, &agreed, true);
                            Wish::AcceptReinvite(agreed.sdp.into())
                        }
                        Err(problem) => Wish::RejectReinvite(problem.code()),
                    },
                };
                self.house.signalling.wish(leg, wish);
            }
            _ => {}
        }
    }

    /// Nobody is there any more on the agent's side: not answered, or the talk is over.
    fn agent_is_gone(&mut self, how: NotAnswered) {
        let Some(queueing) = &mut self.queueing else { return };
        let Some(agent) = queueing.agent.take() else { return };
        let (op, offer, who, joined) = (queueing.op, agent.offer, agent.agent, agent.joined);
        self.let_go(agent);
        if joined {
            self.queueing = None;
            self.house.switchboard.talk_ended(who);
            self.tell(Event::TalkEnded { op });
        } else {
            self.house.switchboard.not_answered(offer, how);
        }
    }

    /// The network lost the agent in mid-talk: the caller is back in the line.
    fn agent_is_lost(&mut self) {
        let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.take()) else { return };
        let who = agent.agent;
        self.let_go(agent);
        self.house.switchboard.agent_lost(who);
    }

    fn join_agent(&mut self, offer: OfferId) {
        let Some(queueing) = &mut self.queueing else { return };
        let Some(agent) = queueing.agent.as_mut().filter(|agent| agent.offer == offer) else { return };
        agent.joined = true;
        let (op, media, who) = (queueing.op, agent.media, agent.agent);
        self.player.silence();
        if let Err(error) = self.house.media.plane.bridge(self.media, media, true) {
            tracing::error!(call.id = %self.id, %error, "two who should talk cannot hear each other");
        }
        self.tell(Event::Joined { op, agent: Some(who) });
    }

    /// Ends whatever an agent's leg still has.
    fn let_go(&self, agent: AgentLeg) {
        if agent.joined {
            let _ = self.house.media.plane.unbridge(self.media);
            if agent.held {
                let _ = self.house.media.plane.stop(self.media);
            }
        }
        for leg in agent.ringing.into_iter().flatten() {
            let wish = if agent.answered == Some(leg) { Wish::HangUp } else { Wish::Cancel };
            self.house.signalling.wish(leg, wish);
        }
        let _ = self.house.media.plane.close(agent.media);
        self.house.media.forget(agent.media);
    }

    /// A media event of the agent's leg; `false` if it is the caller's.
    pub(super) fn agent_media_event(&mut self, event: &hotline_media::MediaEvent) -> bool {
        use hotline_media::MediaEvent;
        let leg = crate::media::leg_of(event);
        if leg == self.media {
            return false;
        }
        let is_agent = self
            .queueing
            .as_ref()
            .and_then(|queueing| queueing.agent.as_ref())
            .is_some_and(|agent| agent.media == leg);
        if is_agent && matches!(event, MediaEvent::RtpTimeout { .. } | MediaEvent::Failed { .. }) {
            self.agent_is_lost();
        }
        true
    }

    /// An agent's act on the call they talk in.
    pub(super) fn act(&mut self, by: UserId, act: &Act) -> Result<(), BusError> {
        let who = AgentId::from(by);
        let queueing = self.queueing.as_mut().ok_or(BusError::Unknown)?;
        let music = self.answering.music_of(&queueing.queue).and_then(|name| self.house.speech.music(name));
        let agent = queueing.agent.as_mut();
        let agent = agent.filter(|agent| agent.agent == who && agent.joined).ok_or(BusError::Unknown)?;
        let plane = &self.house.media.plane;
        match act {
            Act::Hold if !agent.held => {
                agent.held = true;
                // A queue without music holds in silence.
                let held = plane.unbridge(self.media).and_then(|()| match music {
                    Some(music) => plane.play_loop(self.media, HOLD_MUSIC, vec![music]),
                    None => Ok(()),
                });
                held.map_err(|_| BusError::Unfit)
            }
            Act::Resume if agent.held => {
                agent.held = false;
                let media = agent.media;
                let done = plane.stop(self.media).and_then(|()| plane.bridge(self.media, media, true));
                done.map_err(|_| BusError::Unfit)
            }
            Act::Leave => {
                self.agent_is_gone(NotAnswered::Declined);
                Ok(())
            }
            Act::Hold | Act::Resume => Err(BusError::Unfit),
        }
    }
}

/// An address as the host of a URI.
fn uri_host(address: SocketAddr) -> String {
    match address.ip() {
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}
