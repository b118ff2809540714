//! The agent's side of a call: telephones that ring, the one that answers, the bridge.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use hotline_bus::{Act, BusError};
use hotline_dialplan::{Answer, Event, OpId};
use hotline_media::{LegId, PlayId};
use hotline_model::{AgentId, OfferId, PhoneNumber, Pii, UserId, WaitingId};
use hotline_queue::{Join, Leaving, Left, NotAnswered, skills};
use hotline_sip::Outbound;
use jiff::Timestamp;

use super::negotiate::Ears;
use super::party::{Party, PartyNews};
use super::{Call, Note};
use crate::doors::Brought;
use crate::routes::uri_host;
use crate::switchboard::{News, Reached};

/// The caller's place in a queue, and the talk that comes of it.
pub(super) struct Queueing {
    pub op: OpId,
    pub waiting: WaitingId,
    pub queue: String,
    /// When the caller came into the line; a return to it is to that place.
    pub since: Timestamp,
    pub priority: u8,
    /// They would rather be called back: answered by [`News::CallBackKept`].
    pub asks_back: Option<OpId>,
    /// Who rings, or talks.
    pub agent: Option<AgentLeg>,
}

/// An agent who is rung for this call, or talks in it.
pub(super) struct AgentLeg {
    /// The offer; `None` if another agent handed the caller on to them.
    pub offer: Option<OfferId>,
    pub agent: AgentId,
    pub party: Party,
    /// Both hear each other, or could but for a hold.
    pub joined: bool,
    pub held: bool,
}

/// How long a caller waits to hear that the place is kept.
const COMMIT: Duration = Duration::from_millis(1_500);
/// Music on hold has play ids of its own.
pub(super) const HOLD_MUSIC: PlayId = PlayId(u64::MAX / 2);

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
        let now = self.house.clock.now();
        let waiting = self.house.ids.next(now);
        // A place that is kept for a call back, and not needed any more.
        if let Some(before) = self.queueing.take() {
            self.house.switchboard.leave(before.waiting, Leaving::OtherWay);
        }
        self.queueing = Some(Queueing {
            op,
            waiting,
            queue: queue.clone(),
            since: now,
            priority,
            asks_back: None,
            agent: None,
        });
        let place = self.side.dial().and_then(|dial| dial.promised).map(|promised| promised.place);
        // The place that was promised is there once.
        let place = place.filter(|_| !std::mem::replace(&mut self.is_back, true));
        let (switchboard, mailbox) = (self.house.switchboard.clone(), self.mailbox.clone());
        let (record, ticket, customer) =
            (self.house.record.clone(), self.ticket.or(self.about), self.customer);
        let phone = self.side.caller.phone().cloned();
        let call = self.id;
        let skills = skills(wanted.iter().map(String::as_str));
        tokio::spawn(async move {
            // Who had the ticket last, and by which number a kept place is known: a database that
            // does not answer costs the caller both, never the place.
            let known = record.queue_facts(customer, ticket, phone, last_agent).await.unwrap_or_default();
            let join = Join {
                waiting,
                call,
                queue: queue.into(),
                priority,
                skills,
                last_agent: known.last_agent,
                customer: known.customer.or(customer),
                identity: known.identity,
                joined_at: None,
            };
            match place {
                Some(place) => switchboard.called_back(place, join, mailbox),
                None => switchboard.join(join, mailbox),
            }
        });
    }

    /// The plan wants no agent any more.
    pub(super) fn leave_queue(&mut self, op: OpId) {
        if self.queueing.as_ref().is_some_and(|queueing| queueing.op == op) {
            self.give_up_queue(Leaving::OtherWay);
        }
    }

    /// The caller would rather be called back: at a number that a trunk may call, and by a queue that does so.
    pub(super) fn ask_to_be_called(&mut self, op: OpId, number: Option<Pii<String>>) {
        let number = match number {
            Some(number) => PhoneNumber::parse(number.expose()).ok(),
            None => self.side.caller.phone().cloned(),
        };
        let number = number.filter(|number| self.house.routes.may_call(number.e164()));
        let plans = &self.answering.plans;
        let calls = |queue: &str| plans.find_queue(queue).is_some_and(|queue| queue.call_back.is_some());
        match (number, self.queueing.as_mut().filter(|queueing| calls(&queueing.queue))) {
            (Some(number), Some(queueing)) => {
                queueing.asks_back = Some(op);
                self.house.switchboard.keep_for_call_back(queueing.waiting, number);
            }
            (None, Some(_)) => self.bring(op, std::future::ready(Brought::from(Answer::Empty))),
            (_, None) => self.bring(op, std::future::ready(Brought::from(Answer::Failed))),
        }
    }

    /// The place is kept, or it is not.
    fn call_back_kept(&mut self, kept: bool) {
        let Some(op) = self.queueing.as_mut().and_then(|queueing| queueing.asks_back.take()) else { return };
        if !kept {
            self.bring(op, std::future::ready(Brought::from(Answer::Empty)));
            return;
        }
        if let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.take()) {
            self.let_go(agent);
        }
        let (record, call) = (self.house.record.clone(), self.id);
        self.bring(op, async move {
            // Without a database the place stands in the spool.
            if !record.flush(COMMIT).await {
                tracing::warn!(call.id = %call, "a place that is kept for a call back is not in the database yet");
            }
            Brought::from(Answer::Stored)
        });
    }

    /// Lets go of the place and of whoever rings or talks.
    pub(super) fn give_up_queue(&mut self, how: Leaving) {
        self.let_go_of_other();
        self.let_go_of_watcher();
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
                if let Some(agent) = queueing.agent.take_if(|agent| agent.offer == Some(offer)) {
                    self.let_go(agent);
                }
            }
            News::Joined { offer } => self.join_agent(offer),
            News::CallBackKept(kept) => self.call_back_kept(kept),
            News::Returned => {
                self.player.silence();
                self.tell(Event::Returned { op });
            }
        }
    }

    fn ring_agent(&mut self, offer: OfferId, agent: AgentId, login: String) {
        let Some((party, offered, address)) = Party::open(self, self.ears_of_telephones()) else {
            self.house.switchboard.not_answered(offer, NotAnswered::Failed);
            return;
        };
        let media = party.media;
        if let Some(queueing) = &mut self.queueing {
            queueing.agent = Some(AgentLeg { offer: Some(offer), agent, party, joined: false, held: false });
        }
        self.ring_telephones(media, login, offered, address);
    }

    /// How telephones of ours listen: they may stand behind NAT.
    pub(super) fn ears_of_telephones(&self) -> Ears {
        Ears { latch: true, in_band_digits: self.side.ears.in_band_digits }
    }

    /// Rings all telephones that are registered for a login; [`Note::Rings`] tells which.
    pub(super) fn ring_telephones(&self, media: LegId, login: String, offered: Bytes, address: SocketAddr) {
        let (signalling, mailbox) = (self.house.signalling.clone(), self.mailbox.clone());
        let host = uri_host(address.ip());
        let party =
            |user: &str| hotline_sip::Party { display: String::new(), uri: format!("sip:{user}@{host}") };
        let (from, to) = (party("hotline"), party(&login));
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
                    to: to.clone(),
                    sdp: Some(offered.clone()),
                    credentials: None,
                    headers: Vec::new(),
                    answer_limit: None,
                    silence_limit: None,
                };
                ringing.extend(signalling.call(outbound, mailbox.clone()).await);
            }
            let _ = mailbox.send(Note::Rings(media, ringing));
        });
    }

    /// What came of an agent's telephones.
    pub(super) fn agent_news(&mut self, news: PartyNews) {
        let Some(agent) = self.queueing.as_ref().and_then(|queueing| queueing.agent.as_ref()) else { return };
        let (offer, who, joined) = (agent.offer, agent.agent, agent.joined);
        match news {
            PartyNews::Answered => {
                if let Some(offer) = offer {
                    self.house.switchboard.accepted(offer, who);
                }
            }
            PartyNews::Unfit => self.agent_is_gone(NotAnswered::Failed),
            PartyNews::NotAnswered(code) => self.agent_is_gone(match code {
                486 | 600 => NotAnswered::Busy,
                603 => NotAnswered::Declined,
                _ => NotAnswered::Failed,
            }),
            // Who hangs up while asking somebody hands the caller on.
            PartyNews::HungUp if joined && self.other.is_some() => self.hand_on(),
            PartyNews::Lost if joined => self.agent_is_lost(),
            PartyNews::HungUp | PartyNews::Lost => self.agent_is_gone(NotAnswered::Declined),
            PartyNews::Nothing | PartyNews::Rings | PartyNews::Heard => {}
        }
    }

    /// Nobody is there any more on the agent's side: not answered, or the talk is over.
    pub(super) fn agent_is_gone(&mut self, how: NotAnswered) {
        let Some(queueing) = &mut self.queueing else { return };
        let Some(agent) = queueing.agent.take() else { return };
        let (op, offer, who, joined) = (queueing.op, agent.offer, agent.agent, agent.joined);
        self.let_go(agent);
        if joined {
            self.let_go_of_other();
            self.let_go_of_watcher();
            self.queueing = None;
            self.house.switchboard.talk_ended(who);
            self.tell(Event::TalkEnded { op });
        } else if let Some(offer) = offer {
            self.house.switchboard.not_answered(offer, how);
        }
    }

    /// The network lost the agent in mid-talk: the caller is back in the line.
    pub(super) fn agent_is_lost(&mut self) {
        let Some(agent) = self.queueing.as_mut().and_then(|queueing| queueing.agent.take()) else { return };
        let who = agent.agent;
        self.let_go_of_other();
        self.let_go_of_watcher();
        self.let_go(agent);
        self.house.switchboard.agent_lost(who);
    }

    fn join_agent(&mut self, offer: OfferId) {
        let Some(queueing) = &mut self.queueing else { return };
        let Some(agent) = queueing.agent.as_mut().filter(|agent| agent.offer == Some(offer)) else { return };
        agent.joined = true;
        let (op, who) = (queueing.op, agent.agent);
        self.player.silence();
        self.arrange();
        self.tell(Event::Joined { op, agent: Some(who) });
    }

    /// Ends whatever an agent's leg still has.
    pub(super) fn let_go(&mut self, agent: AgentLeg) {
        if agent.joined {
            // Whatever is said from now on is not said to them.
            let _ = self.resume_recording(None);
            self.part(self.media);
            if agent.held {
                let _ = self.house.media.plane.stop(self.media);
            }
        }
        agent.party.let_go(&self.house);
    }

    /// An agent's act on the call they talk in. `reached`: the agent whom it is to go to, kept free for it.
    pub(super) fn act(&mut self, by: UserId, act: &Act, reached: Option<Reached>) -> Result<(), BusError> {
        match act {
            Act::Watch(how) => return self.watch(by, *how, reached),
            Act::StopWatching => return self.stop_watching(by),
            Act::Say(text, language) => return self.say_for_agent(by, text.expose(), *language),
            _ => {}
        }
        let who = AgentId::from(by);
        let queueing = self.queueing.as_mut().ok_or(BusError::Unknown)?;
        let agent = queueing.agent.as_mut();
        let agent = agent.filter(|agent| agent.agent == who && agent.joined).ok_or(BusError::Unknown)?;
        let free = self.other.is_none();
        match act {
            Act::PauseRecording => self.pause_recording(who),
            Act::ResumeRecording => self.resume_recording(Some(who)),
            // In a conference the caller is no more on hold than the third.
            Act::Hold if !agent.held && free => self.hold(),
            Act::Resume if agent.held && free => self.resume(),
            Act::Leave => {
                self.agent_is_gone(NotAnswered::Declined);
                Ok(())
            }
            Act::Transfer(to) if free => self.send_to(to, reached),
            Act::Consult(to) if free => self.consult(to, reached),
            Act::Complete if !free => {
                self.hand_on();
                Ok(())
            }
            Act::Back if !free => {
                self.take_back("back");
                Ok(())
            }
            Act::Confer => self.confer(),
            _ => Err(BusError::Unfit),
        }
    }

    /// The caller hears music, the agent nothing.
    pub(super) fn hold(&mut self) -> Result<(), BusError> {
        let Some(queueing) = &mut self.queueing else { return Err(BusError::Unknown) };
        let Some(agent) = &mut queueing.agent else { return Err(BusError::Unknown) };
        let music = self.answering.music_of(&queueing.queue).and_then(|name| self.house.speech.music(name));
        agent.held = true;
        // A queue without music holds in silence.
        self.part(self.media);
        self.arrange();
        let plane = &self.house.media.plane;
        match music {
            Some(music) => plane.play_loop(self.media, HOLD_MUSIC, vec![music]).map_err(|_| BusError::Unfit),
            None => Ok(()),
        }
    }

    /// Both hear each other again.
    pub(super) fn resume(&mut self) -> Result<(), BusError> {
        let agent = self.queueing.as_mut().and_then(|queueing| queueing.agent.as_mut());
        let Some(agent) = agent else { return Err(BusError::Unknown) };
        agent.held = false;
        self.house.media.plane.stop(self.media).map_err(|_| BusError::Unfit)?;
        self.arrange();
        Ok(())
    }
}
