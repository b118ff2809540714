//! A record in memory that decides as the real one does.

use std::collections::BTreeMap;
use std::time::Duration;

use hotline_model::verification::{Candidate, Counters, Factor, Given, Refusal, Verdict};
use hotline_model::{Fields, TicketState, Value, VerificationPolicy};

use super::{SimulatedCallBack, SimulatedQueue, SimulatedText, SimulatedTransfer};
use crate::session::{Answer, Query, Verified};

/// How the database behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// Answers after this time.
    Answers(Duration),
    /// Says at once that it cannot.
    Away,
    /// Never answers.
    Silent,
}

/// A ticket in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTicket {
    /// The code.
    pub code: String,
    /// The last four digits of the number on file.
    pub last_four: String,
    /// Where it stands.
    pub state: TicketState,
    /// Whether its code has run out.
    pub expired: bool,
    /// What may be told.
    pub fields: Fields,
}

/// A record in memory.
#[derive(Debug, Clone)]
pub struct MemoryRecord {
    /// Tickets.
    pub tickets: Vec<SimulatedTicket>,
    /// Rebates of whoever is verified, the newest first.
    pub rebates: Vec<Fields>,
    /// What the caller's number suggests.
    pub customer: Option<Fields>,
    /// What web services answer, by address; nothing for `None`.
    pub web: BTreeMap<String, Option<Fields>>,
    /// How it behaves.
    pub database: Database,
    /// Wrong attempts so far, but for those on tickets.
    pub counters: Counters,
    /// Wrong second factors so far, by code.
    pub on_ticket: BTreeMap<String, u32>,
    /// How the queues are.
    pub queue: SimulatedQueue,
    /// What comes of putting a call through.
    pub transfer: SimulatedTransfer,
    /// What comes of asking to be called back.
    pub call_back: SimulatedCallBack,
    /// What comes of sending the caller a prompt as a text message.
    pub text_message: SimulatedText,
    verified: Option<Fields>,
}

impl Default for MemoryRecord {
    fn default() -> Self {
        Self {
            tickets: Vec::new(),
            rebates: Vec::new(),
            customer: None,
            web: BTreeMap::new(),
            database: Database::Answers(Duration::from_millis(80)),
            counters: Counters::default(),
            on_ticket: BTreeMap::new(),
            queue: SimulatedQueue::default(),
            transfer: SimulatedTransfer::default(),
            call_back: SimulatedCallBack::default(),
            text_message: SimulatedText::default(),
            verified: None,
        }
    }
}

impl MemoryRecord {
    fn delayed(&self, answer: Answer) -> (Duration, Option<Answer>) {
        match self.database {
            Database::Answers(after) => (after, Some(answer)),
            Database::Away => (Duration::from_millis(20), Some(Answer::Failed)),
            Database::Silent => (Duration::ZERO, None),
        }
    }

    /// Keeps something: after how long, and whether; `None` for never.
    pub fn keep(&self, kept: Answer) -> (Duration, Option<Answer>) {
        self.delayed(kept)
    }

    /// Answers a look-up: after how long, and how; `None` for never.
    pub fn look_up(&self, query: &Query) -> (Duration, Option<Answer>) {
        let found = match query {
            Query::Customer => self.customer.clone(),
            Query::Ticket => self.verified.clone(),
            Query::Rebates { skip } => self.verified.as_ref().and_then(|_| self.rebate(*skip)),
            Query::Http { url, .. } => {
                let delay = Duration::from_millis(200);
                return match self.web.get(url) {
                    Some(Some(fields)) => (delay, Some(Answer::Found { fields: fields.clone() })),
                    Some(None) => (delay, Some(Answer::Empty)),
                    None => (delay, Some(Answer::Failed)),
                };
            }
        };
        self.delayed(found.map_or(Answer::Empty, |fields| Answer::Found { fields }))
    }

    /// The rebate behind so many, with its place among all.
    fn rebate(&self, skip: u32) -> Option<Fields> {
        let mut fields = self.rebates.get(skip as usize)?.clone();
        let number = |number: usize| Value::Number(i64::try_from(number).unwrap_or(i64::MAX).into());
        fields.insert("number".into(), number(skip as usize + 1));
        fields.insert("count".into(), number(self.rebates.len()));
        Some(fields)
    }

    /// Decides by the policy and counts before it answers.
    pub fn verify(
        &mut self,
        policy: &VerificationPolicy,
        given: &Given,
        withheld: bool,
    ) -> (Duration, Option<Answer>) {
        if self.database == Database::Away {
            return self.delayed(Answer::Failed);
        }
        let code = given.get(&Factor::Code).map(|code| code.expose().clone()).unwrap_or_default();
        let ticket = self.tickets.iter().find(|ticket| ticket.code == code);
        let candidate = ticket.map(|ticket| Candidate {
            last_four: ticket.last_four.clone().into(),
            state: ticket.state,
            expired: ticket.expired,
            has_result: ticket.fields.contains_key("result"),
        });
        let on_ticket = self.on_ticket.get(&code).copied().unwrap_or_default();
        let counters = Counters { on_ticket, ..self.counters };
        let verdict = policy.decide(given, candidate.as_ref(), &counters);
        self.counters.attempts_by_all += 1;
        let verified = match verdict {
            Verdict::Passed => {
                let ticket = ticket.map(|ticket| ticket.fields.clone()).unwrap_or_default();
                self.verified = Some(ticket.clone());
                Verified::Passed { ticket }
            }
            Verdict::Pending => Verified::Pending,
            Verdict::Refused(refusal) => {
                if refusal.counts() {
                    self.counters.in_call += 1;
                    self.counters.by_all += 1;
                    let of_number =
                        if withheld { &mut self.counters.by_withheld } else { &mut self.counters.by_caller };
                    *of_number += 1;
                }
                if refusal == Refusal::WrongFactor {
                    *self.on_ticket.entry(code).or_default() += 1;
                }
                Verified::Refused
            }
        };
        self.delayed(Answer::Verified { verdict: verified })
    }
}

impl SimulatedTicket {
    /// A closed ticket with a result.
    pub fn closed(code: &str, last_four: &str, result: &str) -> Self {
        let state = TicketState::Closed;
        let fields = [
            ("result".to_owned(), super::text(result)),
            ("state".to_owned(), Value::Choice(state.word().to_owned())),
        ];
        Self { code: code.into(), last_four: last_four.into(), state, expired: false, fields: fields.into() }
    }
}
