//! The one task that holds the queues and the agents: callers join and leave here, agents come and
//! go, and offers are made. Its rows are the record's, written in order, so that a restart keeps
//! every place. Of several servers one has them ([`lease`]): at the others nobody waits.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hotline_bus::{BusError, Choice};
use hotline_model::{AgentId, CallId, Clock, CustomerId, IdSource, OfferId, PhoneNumber, UserId, WaitingId};
use hotline_queue::{
    AgentState, CallBackEnd, Command, Event, Join, Leaving, Left, Name, NotAnswered, Queues, Settings,
    WaitingRow, WaitingState, skills,
};
use hotline_record::{Record, StoredQueues};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::call::Note;
use crate::figures;

pub(crate) mod lease;

/// What the switchboard tells a call that waits or talks.
#[derive(Debug)]
pub(crate) enum News {
    /// Where the caller stands.
    Place { place: u32, wait: Option<Duration> },
    /// No agent came, or the queue is closed, or there is none of that name.
    Left(Left),
    /// Ring this agent's telephones.
    Offer { offer: OfferId, agent: AgentId, login: String },
    /// Stop ringing.
    Withdraw { offer: OfferId },
    /// The agent who answered has the caller.
    Joined { offer: OfferId },
    /// The agent who answered was too late.
    TooLate { offer: OfferId },
    /// The agent was lost: the caller waits again.
    Returned,
    /// Whether the place is kept for a call back.
    CallBackKept(bool),
}

/// What is to be done about callers who are called back.
#[derive(Debug)]
pub(crate) enum CallBacks {
    /// Call them.
    Call(CallBack),
    /// Let it ring no longer: they have called in.
    Off(WaitingId),
    /// They could not be reached.
    GivenUp(Box<WaitingRow>),
}

/// A caller who is to be called back.
#[derive(Debug)]
pub(crate) struct CallBack {
    /// Whose place.
    pub place: WaitingId,
    /// The call in which they asked for it.
    pub call: CallId,
    pub queue: Name,
    pub customer: Option<CustomerId>,
    pub number: PhoneNumber,
    pub attempt: u32,
    pub ring: Duration,
}

enum Request {
    Join(Box<Join>, mpsc::UnboundedSender<Note>),
    CalledBack(WaitingId, Box<Join>, mpsc::UnboundedSender<Note>),
    Event(Event),
    Choice(UserId, Choice, oneshot::Sender<Result<(), BusError>>),
    Login(UserId, oneshot::Sender<Result<String, BusError>>),
    Reach(AgentId, oneshot::Sender<Option<String>>),
    Find(String, oneshot::Sender<Option<AgentId>>),
    /// Who this login is, and where notes for the call go that they talk in.
    Talk(String, oneshot::Sender<Option<(AgentId, mpsc::UnboundedSender<Note>)>>),
    /// The login, and whether nobody needs to be freed afterwards.
    ReachSupervisor(AgentId, oneshot::Sender<Option<(String, bool)>>),
    /// The task of this call is gone without a word.
    Gone(CallId),
    /// The queues are this server's from now on, as the record keeps them.
    TakeQueues(Box<StoredQueues>),
    /// Another server has the queues.
    LoseQueues,
}

/// An agent who is kept free for a call that came by no queue; let go of when this is dropped.
pub(crate) struct Reached {
    agent: AgentId,
    login: String,
    talks: bool,
    /// Somebody else sees to it from now on.
    kept: bool,
    switchboard: Switchboard,
}

impl Reached {
    pub const fn agent(&self) -> AgentId {
        self.agent
    }

    /// By which their telephones are registered.
    pub fn login(&self) -> &str {
        &self.login
    }

    /// They have answered: notes are to be written afterwards.
    pub const fn talks(&mut self) {
        self.talks = true;
    }

    /// They have the caller from now on, as if a queue had brought them.
    pub fn take_over(mut self, waiting: WaitingId) {
        self.kept = true;
        self.switchboard.tell(Event::TookOver { agent: self.agent, waiting });
    }
}

impl Drop for Reached {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let agent = self.agent;
        self.switchboard.tell(if self.talks {
            Event::TalkEnded { agent }
        } else {
            Event::NotReached { agent }
        });
    }
}

/// A handle to the task.
#[derive(Clone)]
pub(crate) struct Switchboard {
    requests: mpsc::UnboundedSender<Request>,
}

impl Switchboard {
    /// Starts the task with what the record keeps of the queues, if they are this server's; whom it wants called goes to
    /// `call_backs`.
    pub fn start(
        settings: Settings,
        stored: Option<StoredQueues>,
        record: Record,
        clock: Arc<dyn Clock>,
        call_backs: mpsc::UnboundedSender<CallBacks>,
        stop: CancellationToken,
    ) -> Self {
        let (requests, queue) = mpsc::unbounded_channel();
        let ids = Arc::new(IdSource::new(rand::random()));
        let now = clock.now();
        let ours = stored.is_some();
        let stored = stored.unwrap_or_default();
        let agents = stored.logins;
        let queues = Queues::restore(now, settings.clone(), Arc::clone(&ids), stored.rows);
        let (callers, offers) = (HashMap::new(), HashMap::new());
        tokio::spawn(lease::keep(record.clone(), ours, requests.clone(), stop));
        let task = Task { ours, settings, ids, queues, record, clock, agents, callers, offers, call_backs };
        tokio::spawn(task.run(queue));
        Self { requests }
    }

    /// A caller comes into the line; news of it goes to the mailbox.
    pub fn join(&self, join: Join, mailbox: mpsc::UnboundedSender<Note>) {
        let _ = self.requests.send(Request::Join(Box::new(join), mailbox));
    }

    /// A caller who was called back comes to the place that was kept.
    pub fn called_back(&self, place: WaitingId, join: Join, mailbox: mpsc::UnboundedSender<Note>) {
        let _ = self.requests.send(Request::CalledBack(place, Box::new(join), mailbox));
    }

    /// A caller would rather be called back; [`News::CallBackKept`] answers.
    pub fn keep_for_call_back(&self, waiting: WaitingId, number: PhoneNumber) {
        self.tell(Event::CallBack { waiting, number });
    }

    /// A call back is over, and they did not come to their place.
    pub fn call_back_ended(&self, place: WaitingId, how: CallBackEnd) {
        self.tell(Event::CallBackEnded { place, how });
    }

    pub fn leave(&self, waiting: WaitingId, how: Leaving) {
        self.tell(Event::Leave { waiting, how });
    }

    pub fn accepted(&self, offer: OfferId, agent: AgentId) {
        self.tell(Event::Accepted { offer, agent });
    }

    pub fn not_answered(&self, offer: OfferId, how: NotAnswered) {
        self.tell(Event::NotAnswered { offer, how });
    }

    pub fn talk_ended(&self, agent: AgentId) {
        self.tell(Event::TalkEnded { agent });
    }

    pub fn agent_lost(&self, agent: AgentId) {
        self.tell(Event::AgentLost { agent });
    }

    /// An agent has left the caller to somebody else.
    pub fn handed_on(&self, agent: AgentId) {
        self.tell(Event::HandedOn { agent });
    }

    /// Nobody had the caller whom an agent handed on: back into the line.
    pub fn take_back(&self, waiting: WaitingId) {
        self.tell(Event::TakenBack { waiting });
    }

    /// Keeps an agent free for a call that comes by no queue; `None` if they are not.
    pub async fn reach(&self, agent: AgentId) -> Option<Reached> {
        let (answer, login) = oneshot::channel();
        self.requests.send(Request::Reach(agent, answer)).ok()?;
        let login = login.await.ok()??;
        Some(Reached { agent, login, talks: false, kept: false, switchboard: self.clone() })
    }

    /// The same, by a login.
    pub async fn reach_login(&self, login: String) -> Option<Reached> {
        let (answer, agent) = oneshot::channel();
        self.requests.send(Request::Find(login, answer)).ok()?;
        self.reach(agent.await.ok()??).await
    }

    /// The call in which an agent talks with somebody who came by a queue.
    pub async fn talk_of(&self, login: String) -> Option<(AgentId, mpsc::UnboundedSender<Note>)> {
        let (answer, talk) = oneshot::channel();
        self.requests.send(Request::Talk(login, answer)).ok()?;
        talk.await.ok()?
    }

    /// A supervisor's telephones, wherever they are; whoever is signed in is offered nobody meanwhile. `None` if they
    /// have another call, or no account.
    pub async fn reach_supervisor(&self, agent: AgentId) -> Option<Reached> {
        let (answer, login) = oneshot::channel();
        self.requests.send(Request::ReachSupervisor(agent, answer)).ok()?;
        let (login, kept) = login.await.ok()??;
        Some(Reached { agent, login, talks: false, kept, switchboard: self.clone() })
    }

    /// The task of a call is gone without a word: its places and agents are freed.
    pub fn gone(&self, call: CallId) {
        let _ = self.requests.send(Request::Gone(call));
    }

    /// The firm has changed its queues.
    pub fn set_queues(&self, settings: Settings) {
        self.tell(Event::Settings(Box::new(settings)));
    }

    /// By which an agent's telephones are registered.
    pub async fn login_of(&self, user: UserId) -> Result<String, BusError> {
        let (answer, login) = oneshot::channel();
        self.requests.send(Request::Login(user, answer)).map_err(|_| BusError::Nobody)?;
        login.await.unwrap_or(Err(BusError::Nobody))
    }

    /// An agent goes somewhere of their own accord.
    pub fn choose(&self, user: UserId, choice: Choice, answer: oneshot::Sender<Result<(), BusError>>) {
        let _ = self.requests.send(Request::Choice(user, choice, answer));
    }

    fn tell(&self, event: Event) {
        let _ = self.requests.send(Request::Event(event));
    }
}

struct Task {
    /// Whether the queues are this server's: if not, they are empty here, and nobody waits.
    ours: bool,
    settings: Settings,
    ids: Arc<IdSource>,
    queues: Queues,
    record: Record,
    clock: Arc<dyn Clock>,
    /// Logins of agents, by which their telephones register.
    agents: HashMap<AgentId, String>,
    callers: HashMap<WaitingId, mpsc::UnboundedSender<Note>>,
    /// Whose each offer is, as long as it may still be answered.
    offers: HashMap<OfferId, WaitingId>,
    call_backs: mpsc::UnboundedSender<CallBacks>,
}

impl Task {
    async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        figures::queues(&self.queues);
        self.drain();
        loop {
            let due = self.queues.poll_timeout();
            let wait =
                due.map(|due| Duration::try_from(due.duration_since(self.clock.now())).unwrap_or_default());
            tokio::select! {
                request = requests.recv() => match request {
                    Some(request) => self.take(request).await,
                    None => return,
                },
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)), if wait.is_some() => {
                    self.queues.handle_timeout(self.clock.now());
                }
            }
            self.drain();
        }
    }

    async fn take(&mut self, request: Request) {
        let now = self.clock.now();
        match request {
            Request::Join(join, mailbox) | Request::CalledBack(_, join, mailbox) if !self.ours => {
                tracing::warn!(call.id = %join.call, "a caller cannot wait here: another server has the queues");
                let _ = mailbox.send(Note::Queue(join.waiting, News::Left(Left::Failed)));
            }
            Request::Join(join, mailbox) => {
                self.callers.insert(join.waiting, mailbox);
                self.queues.handle_event(now, Event::Join(join));
            }
            Request::CalledBack(place, join, mailbox) => {
                self.callers.insert(join.waiting, mailbox);
                self.queues.handle_event(now, Event::CalledBack { place, join });
            }
            Request::Event(event) => {
                if let Event::Settings(settings) = &event {
                    self.settings.clone_from(settings);
                }
                self.queues.handle_event(now, event);
            }
            Request::TakeQueues(stored) => {
                tracing::info!("the queues are this server's from now on");
                self.ours = true;
                self.agents = stored.logins;
                self.queues = Queues::restore(now, self.settings.clone(), Arc::clone(&self.ids), stored.rows);
            }
            Request::LoseQueues => {
                tracing::warn!("another server has the queues: nobody waits here any more");
                self.ours = false;
                // Their places stay with whoever has them now; who talks talks on.
                for (waiting, mailbox) in self.callers.drain() {
                    let talks = self.queues.find_waiting(waiting);
                    if talks.is_none_or(|row| row.state != WaitingState::Talking) {
                        let _ = mailbox.send(Note::Queue(waiting, News::Left(Left::Failed)));
                    }
                }
                self.offers.clear();
                self.queues = Queues::new(self.settings.clone(), Arc::clone(&self.ids));
                figures::queues(&self.queues);
            }
            Request::Login(user, answer) => {
                let _ = answer.send(self.login_of(user).await);
            }
            Request::Choice(user, choice, answer) => {
                let done = self.choose(user, choice).await;
                let _ = answer.send(done);
            }
            Request::Reach(agent, answer) => {
                let row = self.queues.find_agent(agent);
                let is_free = row.is_some_and(|row| {
                    matches!(row.state, AgentState::Available | AgentState::WrapUp { .. })
                });
                let login = self.agents.get(&agent).filter(|_| is_free).cloned();
                let found = login.is_some();
                // Nobody waits for the answer any more: nobody would let them go.
                if answer.send(login).is_ok() && found {
                    self.queues.handle_event(now, Event::TalkBegan { agent });
                }
            }
            Request::Find(login, answer) => {
                let found = self.agents.iter().find(|(_, of)| **of == login).map(|(agent, _)| *agent);
                let _ = answer.send(found);
            }
            Request::Talk(login, answer) => {
                let found = self.agents.iter().find(|(_, of)| **of == login).map(|(agent, _)| *agent);
                let talk = found.and_then(|agent| match self.queues.find_agent(agent)?.state {
                    AgentState::Talking { waiting: Some(waiting) } => {
                        Some((agent, self.callers.get(&waiting)?.clone()))
                    }
                    _ => None,
                });
                let _ = answer.send(talk);
            }
            Request::ReachSupervisor(agent, answer) => {
                // Supervisors need not be agents.
                let user = UserId::from(agent);
                let users = self.record.users().await.unwrap_or_default();
                let login =
                    users.into_iter().find(|one| one.id == user && !one.disabled).map(|one| one.login);
                let state = self.queues.find_agent(agent).map(|row| row.state.clone());
                let busy = matches!(state, Some(AgentState::Talking { .. } | AgentState::Offered { .. }));
                let at_work = matches!(state, Some(AgentState::Available | AgentState::WrapUp { .. }));
                let found = login.filter(|_| !busy).map(|login| (login, !at_work));
                let keeps = found.is_some() && at_work;
                if answer.send(found).is_ok() && keeps {
                    self.queues.handle_event(now, Event::TalkBegan { agent });
                }
            }
            Request::Gone(call) => {
                let waits = self.queues.waiting().filter(|row| row.call == call).map(|row| row.waiting);
                for waiting in waits.collect::<Vec<_>>() {
                    self.queues.handle_event(now, Event::Leave { waiting, how: Leaving::HungUp });
                }
            }
        }
    }

    async fn login_of(&mut self, user: UserId) -> Result<String, BusError> {
        if !self.ours {
            return Err(BusError::Elsewhere);
        }
        let agent = AgentId::from(user);
        if let Some(login) = self.agents.get(&agent) {
            return Ok(login.clone());
        }
        // Somebody who was added since the start.
        let found = self.record.find_agent(user).await.ok().flatten().ok_or(BusError::Unknown)?;
        self.agents.insert(agent, found.login.clone());
        Ok(found.login)
    }

    async fn choose(&mut self, user: UserId, choice: Choice) -> Result<(), BusError> {
        self.login_of(user).await?;
        let agent = AgentId::from(user);
        let is_here = self.queues.find_agent(agent).is_some_and(|row| row.state != AgentState::SignedOut);
        let event = match choice {
            Choice::Available(words) => {
                Event::SignIn { agent, skills: skills(words.iter().map(String::as_str)) }
            }
            Choice::Break(reason) if is_here => Event::Break { agent, reason },
            Choice::Break(_) => return Err(BusError::Unfit),
            Choice::SignedOut => Event::SignOut { agent },
        };
        self.queues.handle_event(self.clock.now(), event);
        Ok(())
    }

    fn drain(&mut self) {
        // What is told only once its rows are on their way to the record.
        let (mut rows, mut kept, mut call_backs) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(command) = self.queues.poll_command() {
            match command {
                Command::Store(row) => rows.push(row),
                Command::Offer { offer, waiting, agent, .. } => {
                    self.offers.insert(offer, waiting);
                    let login = self.agents.get(&agent).cloned().unwrap_or_default();
                    self.send(waiting, News::Offer { offer, agent, login });
                }
                Command::Withdraw { offer, waiting, .. } => self.send(waiting, News::Withdraw { offer }),
                Command::Joined { offer, waiting, .. } => {
                    self.offers.remove(&offer);
                    self.send(waiting, News::Joined { offer });
                }
                Command::TooLate { offer, .. } => {
                    if let Some(waiting) = self.offers.remove(&offer) {
                        self.send(waiting, News::TooLate { offer });
                    }
                }
                Command::Returned { waiting } => self.send(waiting, News::Returned),
                Command::Place { waiting, place, wait } => self.send(waiting, News::Place { place, wait }),
                Command::Left { waiting, how } => {
                    self.send(waiting, News::Left(how));
                    self.callers.remove(&waiting);
                }
                Command::KeptExpired { .. } => {}
                Command::CallBackKept { waiting, kept: is_kept } => kept.push((waiting, is_kept)),
                Command::CallBack { place, call, queue, customer, number, attempt, ring } => {
                    let wanted = CallBack { place, call, queue, customer, number, attempt, ring };
                    call_backs.push(CallBacks::Call(wanted));
                }
                Command::CallBackOff { place } => call_backs.push(CallBacks::Off(place)),
                Command::CallBackGivenUp { row } => call_backs.push(CallBacks::GivenUp(row)),
            }
        }
        self.callers.retain(|_, mailbox| !mailbox.is_closed());
        self.offers.retain(|_, waiting| self.callers.contains_key(waiting));
        if !rows.is_empty() {
            figures::queues(&self.queues);
            self.record.store_queue_rows(&rows);
        }
        for (waiting, is_kept) in kept {
            self.send(waiting, News::CallBackKept(is_kept));
        }
        for wanted in call_backs {
            let _ = self.call_backs.send(wanted);
        }
    }

    fn send(&self, waiting: WaitingId, news: News) {
        if let Some(mailbox) = self.callers.get(&waiting) {
            let _ = mailbox.send(Note::Queue(waiting, news));
        }
    }
}
