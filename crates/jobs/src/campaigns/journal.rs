//! What the journal tells the scheduler: tickets that moved, customers who changed, calls that came in.

use std::collections::BTreeSet;
use std::time::Duration;

use hotline_campaign::Event;
use hotline_model::{CustomerId, TicketId};
use hotline_record::{JournalEvent, MessageState, PAUSE_ASKED, RecordError, disposition_of};

use super::caller::Run;

/// Entries read at once.
const ENTRIES: u32 = 500;

/// What a piece of the journal is about.
#[derive(Debug, Default)]
struct About {
    tickets: BTreeSet<TicketId>,
    customers: BTreeSet<CustomerId>,
    agents: bool,
}

impl Run<'_> {
    /// Reads on, to the journal's end.
    pub(super) async fn read_journal(&mut self) -> Result<(), RecordError> {
        loop {
            let entries = self.caller.record.follow(self.seq, ENTRIES).await?;
            let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok(()) };
            let mut about = About::default();
            let mut over = Vec::new();
            for entry in &entries {
                self.look_at(entry, &mut about, &mut over);
            }
            self.know(about).await?;
            for customer in over {
                self.tell(Event::CallInEnded { customer });
            }
            self.seq = last;
            if entries.len() < ENTRIES as usize {
                return Ok(());
            }
        }
    }

    fn look_at(&mut self, entry: &JournalEvent, about: &mut About, over: &mut Vec<CustomerId>) {
        let customer = entry.customer_id.as_deref().and_then(|id| id.parse().ok());
        let ours = entry.interaction_id.as_deref().and_then(|id| id.parse().ok());
        let is_ours = ours.is_some_and(|call| self.scheduler.is_calling(call));
        match (entry.type_name.as_str(), &entry.interaction_id) {
            // Decisions of our own; what supervisors want is among them.
            (PAUSE_ASKED, _) => {
                if let (Some(policy), Some(paused)) =
                    (entry.body["policy"].as_str(), entry.body["paused"].as_bool())
                {
                    self.tell(Event::Pause { policy: policy.into(), paused });
                }
            }
            ("call.started" | "customer.verified", Some(interaction)) => {
                if let Some(customer) = customer.filter(|_| !is_ours) {
                    self.calls_in(interaction.clone(), customer);
                }
            }
            // A turn on a survey's page, a text message: written, and they do not want to be rung up now.
            ("survey.answered" | "survey.completed" | "message.received", Some(_)) if !is_ours => {
                if let Some(customer) = customer {
                    self.tell(Event::Wrote { customer });
                }
            }
            ("call.ended", Some(interaction)) => over.extend(self.on_the_line.remove(interaction)),
            (kind, _) if kind.starts_with("message.") => {
                let state = kind.trim_start_matches("message.").parse::<MessageState>().ok();
                let attempt = entry.body["attempt"].as_str().and_then(|id| id.parse().ok());
                if let (Some(call), Some(how)) = (attempt, state.and_then(disposition_of)) {
                    self.ended_by_outbox(call, how);
                }
            }
            ("agent.state" | "agent.changed", _) => about.agents = true,
            (kind, _) if kind.starts_with("ticket.") => {
                about.tickets.extend(entry.ticket_id.as_deref().and_then(|id| id.parse::<TicketId>().ok()));
            }
            (kind, _) if kind.starts_with("customer.") => about.customers.extend(customer),
            _ => {}
        }
    }

    /// Tickets and customers as they stand now: a customer before their tickets.
    async fn know(&mut self, mut about: About) -> Result<(), RecordError> {
        let tickets: Vec<TicketId> = about.tickets.into_iter().collect();
        let tickets = self.caller.record.campaign_tickets(&tickets).await?;
        about.customers.extend(tickets.iter().map(|ticket| ticket.customer));
        let customers: Vec<CustomerId> = about.customers.into_iter().collect();
        for facts in self.caller.record.campaign_customers(&customers).await? {
            self.tell(Event::Customer(Box::new(facts)));
        }
        for facts in tickets {
            self.tell(Event::Ticket(Box::new(facts)));
        }
        if about.agents {
            self.count_agents().await?;
        }
        Ok(())
    }

    /// Tickets that changed lately, looked at once more: with several servers an entry may be committed behind a later
    /// one, and the journal was read past it.
    pub(super) async fn look_back(&mut self, over: Duration) -> Result<(), RecordError> {
        let since = self.now().checked_sub(over).unwrap_or_default();
        let tickets = self.caller.record.tickets_changed_since(since).await?.into_iter().collect();
        self.know(About { tickets, ..About::default() }).await
    }
}
