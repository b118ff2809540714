//! The task that holds the scheduler: what happens goes in, rows and calls come out.
//!
//! One server of all that share a record does this at a time, by a lease. What a step of the scheduler
//! wants kept is committed before anything it says is done, so an attempt is on the record before its
//! INVITE leaves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use hotline_bus::{Bus, BusError, Command as Ask, Dial, DialNews};
use hotline_campaign::{Attempt, Command, Disposition, Event, Notice, Row, Scheduler, Trunk};
use hotline_model::campaign::{Channel, Name, Outcome, Settings};
use hotline_model::{CallId, Clock, CustomerId, Fields, IdSource, Language, Value};
use hotline_record::{AgentState, CampaignDeed, Record, RecordError};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::notice::Written;
use super::restore;

/// What the designer's files say of calls that we make.
#[derive(Debug, Clone)]
pub struct Calling {
    /// The policies, and what they share.
    pub settings: Settings,
    /// The queues that those who want a human go to.
    pub queues: Vec<QueueOf>,
    /// The clock of days that customers are told, where theirs is not known.
    pub zone: TimeZone,
    /// The number to dial that messages tell.
    pub short_number: String,
    /// Where links of messages lead: what stands before `/s/`.
    pub links: Option<String>,
}

/// A queue, as far as its free agents are counted.
#[derive(Debug, Clone)]
pub struct QueueOf {
    /// Its name.
    pub name: Name,
    /// What an agent must be able to do to serve it.
    pub skills: Vec<String>,
}

/// Calls customers by the policies of the firm.
pub struct Caller {
    /// Where everything is kept.
    pub record: Record,
    /// The way to the exchange.
    pub bus: Bus,
    /// What the files say, as they stand now.
    pub calling: watch::Receiver<Arc<Calling>>,
    /// The trunks that take calls from us.
    pub trunks: Vec<(Name, Trunk)>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The lease's name.
const NAME: &str = "campaigns";
/// The lease is held for so long, and asked for again far sooner.
const LEASE: Duration = Duration::from_secs(15);
const RENEW: Duration = Duration::from_secs(4);
/// What could not be committed is tried again after this.
const AGAIN: Duration = Duration::from_millis(500);
/// Tickets that changed within the longer one are looked at once more after each of the shorter.
const LOOK_BACK: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];
/// At least this often the journal is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Why a scheduler is given up.
enum Over {
    /// The server stops.
    Stopped,
    /// Another server has the lease.
    Lost,
}

impl Caller {
    /// Calls customers until `draining`, and keeps what becomes of the calls until `stop`.
    pub async fn run(self, draining: CancellationToken, stop: CancellationToken) {
        loop {
            if !self.holds_lease().await {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(RENEW) => continue,
                }
            }
            match Run::open(&self).await {
                Ok(run) => match run.go_on(&draining, &stop).await {
                    Over::Stopped => {
                        // The next one need not wait for the lease's end.
                        if let Err(error) = self.record.drop_lease(NAME).await {
                            tracing::debug!(%error, "whoever calls the customers next waits for a few seconds");
                        }
                        return;
                    }
                    Over::Lost => tracing::warn!("another server calls the customers from now on"),
                },
                Err(error) => {
                    tracing::warn!(%error, "the record cannot tell who is to be called; it is asked again");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(RENEW) => {}
                    }
                }
            }
        }
    }

    async fn holds_lease(&self) -> bool {
        self.record.hold_lease(NAME, LEASE).await.unwrap_or(false)
    }
}

/// A scheduler that runs.
pub(super) struct Run<'a> {
    pub caller: &'a Caller,
    pub scheduler: Scheduler,
    /// The journal is known up to here.
    pub seq: i64,
    /// Calls of customers who called us, by interaction.
    pub on_the_line: HashMap<String, CustomerId>,
    /// Which attempt of its case each call is.
    attempts: HashMap<CallId, u16>,
    /// Attempts that are messages.
    messages: HashSet<CallId>,
    news: mpsc::UnboundedReceiver<(CallId, DialNews)>,
    tell: mpsc::UnboundedSender<(CallId, DialNews)>,
    pub(super) calling: watch::Receiver<Arc<Calling>>,
}

impl<'a> Run<'a> {
    async fn open(caller: &'a Caller) -> Result<Run<'a>, RecordError> {
        let mut calling = caller.calling.clone();
        let settings = calling.borrow_and_update().settings.clone();
        let now = caller.clock.now();
        let ids = Arc::new(IdSource::new(rand::random()));
        let restored = restore(&caller.record, settings, ids, now).await?;
        let (tell, news) = mpsc::unbounded_channel();
        let mut run = Run {
            caller,
            scheduler: restored.scheduler,
            seq: restored.seq,
            on_the_line: HashMap::new(),
            attempts: HashMap::new(),
            messages: HashSet::new(),
            news,
            tell,
            calling,
        };
        let open = run.scheduler.attempts().filter(|row| row.channel == Channel::Message);
        run.messages = open.map(|row| row.call).collect();
        for (interaction, customer) in caller.record.on_the_line().await? {
            run.calls_in(interaction, customer);
        }
        for (name, trunk) in &caller.trunks {
            run.tell(Event::Trunk { name: name.clone(), trunk: *trunk });
        }
        run.count_agents().await?;
        Ok(run)
    }

    pub(super) fn now(&self) -> Timestamp {
        self.caller.clock.now()
    }

    pub(super) fn tell(&mut self, event: Event) {
        let now = self.now();
        self.scheduler.handle_event(now, event);
    }

    /// A customer is on the line because they called.
    pub(super) fn calls_in(&mut self, interaction: String, customer: CustomerId) {
        if self.on_the_line.insert(interaction, customer).is_none() {
            self.tell(Event::CallsIn { customer });
        }
    }

    /// So many agents of each queue are free.
    pub(super) async fn count_agents(&mut self) -> Result<(), RecordError> {
        let agents = self.caller.record.agents().await?;
        let queues = self.calling.borrow().queues.clone();
        for queue in queues {
            let serves = |skills: &[String]| queue.skills.iter().all(|skill| skills.contains(skill));
            let free = agents
                .iter()
                .filter(|agent| agent.state == AgentState::Available && serves(&agent.skills))
                .count();
            self.tell(Event::Agents { queue: queue.name, free: u32::try_from(free).unwrap_or(u32::MAX) });
        }
        Ok(())
    }

    async fn go_on(mut self, draining: &CancellationToken, stop: &CancellationToken) -> Over {
        let mut wake = self.caller.record.wake_ups();
        let mut lease = tokio::time::interval(RENEW);
        let mut held_at = tokio::time::Instant::now();
        let mut back = tokio::time::interval(LOOK_BACK[0]);
        let mut drains = false;
        loop {
            wake.borrow_and_update();
            if let Err(error) = self.read_journal().await {
                tracing::warn!(%error, "what happened to tickets and customers is asked for again");
            }
            if let Some(over) = self.obey(stop).await {
                return over;
            }
            let now = self.now();
            let next = self
                .scheduler
                .poll_timeout()
                .map_or(LOOK, |at| Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LOOK));
            tokio::select! {
                () = stop.cancelled() => {
                    self.take_news();
                    let _ = self.obey(stop).await;
                    return Over::Stopped;
                }
                () = draining.cancelled(), if !drains => {
                    drains = true;
                    self.no_more_calls();
                }
                () = tokio::time::sleep(next) => {}
                Some((call, news)) = self.news.recv() => self.take(call, news),
                changed = wake.changed() => if changed.is_err() { return Over::Stopped },
                changed = self.calling.changed() => {
                    if changed.is_err() {
                        return Over::Stopped;
                    }
                    let settings = self.calling.borrow_and_update().settings.clone();
                    self.tell(Event::Settings(Box::new(settings)));
                    // A queue may be new, or ask for other skills.
                    if let Err(error) = self.count_agents().await {
                        tracing::warn!(%error, "who is free is counted when they move next");
                    }
                }
                _ = back.tick() => {
                    if let Err(error) = self.look_back(LOOK_BACK[1]).await {
                        tracing::warn!(%error, "the tickets of the last minutes are looked at later");
                    }
                }
                _ = lease.tick() => {
                    if self.caller.holds_lease().await {
                        held_at = tokio::time::Instant::now();
                    } else if held_at.elapsed() > LEASE {
                        return Over::Lost;
                    }
                }
            }
            self.take_news();
        }
    }

    fn take_news(&mut self) {
        while let Ok((call, news)) = self.news.try_recv() {
            self.take(call, news);
        }
    }

    /// The server is about to stop: as if no trunk took calls.
    fn no_more_calls(&mut self) {
        for (name, trunk) in &self.caller.trunks {
            self.tell(Event::Trunk { name: name.clone(), trunk: Trunk { up: false, ..*trunk } });
        }
    }

    fn take(&mut self, call: CallId, news: DialNews) {
        self.tell(match news {
            DialNews::Answered => Event::Answered { call },
            DialNews::Escalated => Event::Escalated { call },
            DialNews::Ended(how) => Event::Ended { call, how },
        });
    }

    /// Everything that is due now, step by step: kept, then done.
    async fn obey(&mut self, stop: &CancellationToken) -> Option<Over> {
        loop {
            let now = self.now();
            if self.scheduler.poll_timeout().is_some_and(|at| at <= now) {
                self.scheduler.handle_timeout(now);
            }
            let (mut deeds, mut acts, mut failed) = (Vec::new(), Vec::new(), Vec::new());
            while let Some(command) = self.scheduler.poll_command() {
                match command {
                    Command::Store(row) => {
                        if let Row::Attempt(attempt) = &row
                            && attempt.channel == Channel::Call
                        {
                            self.attempts.insert(attempt.call, attempt.number);
                        }
                        deeds.push(CampaignDeed::Row(row));
                    }
                    Command::Explain(decision) => deeds.push(CampaignDeed::Decision(decision)),
                    // In one commit with its row: a message is in the outbox exactly if its attempt is on the record.
                    Command::Send(notice) => match self.message_for(&notice, stop).await {
                        Ok(Some(written)) => {
                            self.messages.insert(notice.call);
                            deeds.push(CampaignDeed::Message(Box::new(written.message)));
                            deeds.extend(written.page.map(|page| CampaignDeed::Page(Box::new(page))));
                        }
                        Ok(None) => failed.push(notice.call),
                        Err(over) => return Some(over),
                    },
                    act @ (Command::Dial(_) | Command::Cancel { .. }) => acts.push(act),
                }
            }
            if deeds.is_empty() && acts.is_empty() {
                let due = self.scheduler.poll_timeout().is_some_and(|at| at <= self.now());
                if due {
                    continue;
                }
                return None;
            }
            // What the scheduler has decided stands in its memory alone until this is committed: nothing is
            // done, and nothing else decided, before.
            loop {
                match self.caller.record.store_campaign_by(NAME, deeds.clone()).await {
                    Ok(true) => break,
                    // It would call the same customers, and send the same messages.
                    Ok(false) => return Some(Over::Lost),
                    Err(error) => {
                        tracing::warn!(%error, "what was decided about calls cannot be kept; it is tried again");
                    }
                }
                tokio::select! {
                    () = stop.cancelled() => return Some(Over::Stopped),
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
            for act in acts {
                match act {
                    Command::Dial(attempt) => self.dial(*attempt, stop).await,
                    Command::Cancel { call, .. } if self.messages.contains(&call) => {
                        self.take_back(call).await
                    }
                    Command::Cancel { call, .. } => {
                        // One that has just ended is told of by its news.
                        let _ = self.caller.bus.ask(Ask::StopDialling(call)).await;
                    }
                    Command::Store(_) | Command::Explain(_) | Command::Send(_) => {}
                }
            }
            for call in failed {
                self.take(call, DialNews::Ended(Disposition::Not(Outcome::Failed)));
            }
        }
    }

    /// The message of a notice, however long the database is away.
    async fn message_for(&self, notice: &Notice, stop: &CancellationToken) -> Result<Option<Written>, Over> {
        loop {
            match self.message_of(notice).await {
                Ok(message) => return Ok(message),
                Err(error) => {
                    tracing::warn!(call.id = %notice.call, %error, "the ticket of a message cannot be read; it is tried again");
                    tokio::select! {
                        () = stop.cancelled() => return Err(Over::Stopped),
                        () = tokio::time::sleep(AGAIN) => {}
                    }
                }
            }
        }
    }

    /// A message that has not left stays here; what became of it is told by the journal.
    async fn take_back(&mut self, call: CallId) {
        if let Err(error) = self.caller.record.cancel_message(call).await {
            tracing::warn!(call.id = %call, %error, "a message could not be taken back");
        }
    }

    /// What became of a message.
    pub(super) fn ended_by_outbox(&mut self, call: CallId, how: Disposition) {
        if self.messages.remove(&call) {
            self.tell(Event::Ended { call, how });
        }
    }

    async fn dial(&mut self, attempt: Attempt, stop: &CancellationToken) {
        let call = attempt.call;
        let number = self.attempts.remove(&call).unwrap_or(1);
        let dial = match self.dial_of(attempt, number).await {
            Ok(Some(dial)) if !stop.is_cancelled() => dial,
            // Taken back, or erased, between the decision and now.
            Ok(_) => return self.take(call, DialNews::Ended(Disposition::Not(Outcome::Cancelled))),
            Err(error) => {
                tracing::warn!(call.id = %call, %error, "a customer is not called now: the ticket cannot be read");
                return self.take(call, DialNews::Ended(Disposition::NotMade));
            }
        };
        if let Err(error) = self.caller.bus.ask(Ask::Dial(Box::new(dial))).await {
            tracing::warn!(call.id = %call, %error, "a customer cannot be called now");
            let how = match error {
                // It may have been tried all the same.
                BusError::Late => Disposition::Unknown,
                BusError::NotListed => Disposition::NotListed,
                BusError::Nobody
                | BusError::Elsewhere
                | BusError::Unknown
                | BusError::Unfit
                | BusError::NoWay => Disposition::NotMade,
            };
            self.take(call, DialNews::Ended(how));
        }
    }

    async fn dial_of(&self, attempt: Attempt, number: u16) -> Result<Option<Dial>, RecordError> {
        let Some(ticket) = self.caller.record.find_ticket(attempt.ticket).await? else { return Ok(None) };
        let facts = self.caller.record.campaign_customers(&[attempt.customer]).await?;
        let Some(facts) = facts.into_iter().next() else { return Ok(None) };
        let calling = self.calling.borrow().clone();
        let closed = self.caller.record.campaign_tickets(&[attempt.ticket]).await?;
        let policy = calling.settings.policies.get(&attempt.policy);
        let zone =
            facts.zone.or_else(|| Some(policy?.hours.zone.clone())).unwrap_or_else(|| calling.zone.clone());
        let closed_on = closed.first().map_or_else(|| self.now(), |facts| facts.since).to_zoned(zone).date();
        let language: Option<Language> = facts.attributes.get("language").and_then(|tag| tag.parse().ok());
        let given: Fields = [
            ("reference".to_owned(), Value::text(&ticket.external_ref)),
            ("category".to_owned(), Value::text(ticket.category.as_deref().unwrap_or_default())),
            ("closed-on".to_owned(), Value::Date(closed_on)),
        ]
        .into();
        let policy = calling.settings.policies.get(&attempt.policy);
        let calls = policy.and_then(|policy| policy.calls.as_ref());
        Ok(Some(Dial {
            call: attempt.call,
            policy: attempt.policy.to_string(),
            attempt: u32::from(number),
            promised: None,
            ticket: Some(attempt.ticket),
            customer: Some(attempt.customer),
            number: attempt.number,
            shown: attempt.show.to_string(),
            trunk: attempt.trunk.to_string(),
            plan: attempt.plan.to_string(),
            given,
            language: language.or(Some(ticket.language)),
            ring: attempt.ring_limit,
            detection: calls.map(|calls| calls.detection).unwrap_or_default(),
            news: self.tell.clone(),
        }))
    }
}
