//! Whom the firm calls: the scheduler's rows, what it must know of tickets and customers, and its decisions in the
//! journal.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use hotline_campaign::{
    AttemptRow, CaseKey, CaseRow, CustomerFacts, Decision, Disposition, Done, PolicyRow, Restored, Row,
    TicketFacts, Verdict, Waits,
};
use hotline_model::campaign::{Channel, Name, Outcome};
use hotline_model::{CallId, CustomerId, MessageId, Pii, TicketId};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::Stamp;
use crate::consents::{heard_in, set_do_not_call};
use crate::deed::{EventRow, insert_events};
use crate::events::JournalEvent;
use crate::messages::{MessageState, NewMessage, insert_message, store_undelivered};
use crate::sql::Columns;
use crate::survey_pages::{NewPage, insert_page};
use crate::writer::Ran;
use crate::{Record, RecordError};

/// What the record keeps of campaigns.
#[derive(Debug, Default)]
pub struct StoredCampaigns {
    /// The scheduler's rows and facts.
    pub restored: Restored,
    /// What became of messages of which the attempt does not know it yet.
    pub settled: Vec<(CallId, Disposition)>,
    /// The journal's newest entry that is among them.
    pub seq: i64,
}

/// How far back a scheduler reads.
#[derive(Debug, Clone, Copy)]
pub struct CampaignsSince {
    /// Cases that have ended.
    pub done: Timestamp,
    /// Attempts.
    pub tried: Timestamp,
    /// Tickets that changed.
    pub changed: Timestamp,
    /// Customers who called in.
    pub spoke: Timestamp,
}

/// A row or a decision, in the scheduler's order.
#[derive(Debug, Clone)]
pub enum CampaignDeed {
    /// A row to keep.
    Row(Row),
    /// A decision to tell in the journal.
    Decision(Decision),
    /// A message of an attempt whose row stands before it.
    Message(Box<NewMessage>),
    /// The page that the link of such a message leads to.
    Page(Box<NewPage>),
}

/// The journal's entry by which a policy is stopped, or goes on.
pub const PAUSE_ASKED: &str = "campaign.pause-asked";

/// Ids in one statement: under SQLite's and PostgreSQL's limits of parameters.
const IDS: usize = 500;

impl Record {
    /// Keeps what a step of the scheduler wants kept, all of it or nothing; what it says to do next may be
    /// done when this has returned.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if it was not committed.
    pub async fn store_campaign(&self, deeds: Vec<CampaignDeed>) -> Result<(), RecordError> {
        self.store_campaign_unless(None, deeds).await.map(|_| ())
    }

    /// The same for whoever holds a lease, in one commit with it: `false`, and nothing is stored, where another server has
    /// it by now.
    ///
    /// # Errors
    /// As [`Record::store_campaign`].
    pub async fn store_campaign_by(
        &self,
        lease: &'static str,
        deeds: Vec<CampaignDeed>,
    ) -> Result<bool, RecordError> {
        self.store_campaign_unless(Some((lease, self.server.to_string())), deeds).await
    }

    async fn store_campaign_unless(
        &self,
        lease: Option<(&'static str, String)>,
        deeds: Vec<CampaignDeed>,
    ) -> Result<bool, RecordError> {
        self.change((lease, deeds), |connection, input, stamp| -> Ran<'_, bool> {
            Box::pin(async move {
                let (lease, deeds) = &*input;
                if let Some((name, holder)) = lease {
                    let sql = "SELECT 1 AS held FROM lease WHERE name = $1 AND holder <> $2";
                    let other = sqlx::query(sql).bind(*name).bind(holder);
                    if other.fetch_optional(&mut *connection).await?.is_some() {
                        return Ok(false);
                    }
                }
                for deed in deeds.iter() {
                    match deed {
                        CampaignDeed::Row(row) => store(row, connection, &stamp).await?,
                        CampaignDeed::Decision(decision) => {
                            insert_events(connection, &[&entry(decision, &stamp)], stamp.now).await?;
                        }
                        CampaignDeed::Message(message) => {
                            let id = stamp.new_id::<MessageId>();
                            insert_message(connection, message, &id, stamp.now).await?;
                        }
                        CampaignDeed::Page(page) => insert_page(connection, page, stamp.now).await?,
                    }
                }
                Ok(true)
            })
        })
        .await
    }

    /// What was kept: cases that are open or ended since, attempts since and those of the cases, tickets of the cases
    /// and those that changed since, and their customers.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn load_campaigns(&self, since: CampaignsSince) -> Result<StoredCampaigns, RecordError> {
        // Before everything else: what happens meanwhile is told again, and the same twice changes nothing.
        let seq = self.newest_seq().await?;
        let mut restored = Restored::default();
        let sql = "SELECT * FROM campaign_case WHERE done_at IS NULL OR done_at >= $1 OR until_at >= $1";
        for row in sqlx::query(sql).bind(since.done.as_microsecond()).fetch_all(&self.readers).await? {
            restored.cases.push(case_of(&row)?);
        }
        let sql = "SELECT a.* FROM campaign_attempt a WHERE a.at >= $1 OR a.ended_at IS NULL OR EXISTS \
                   (SELECT 1 FROM campaign_case c WHERE c.ticket_id = a.ticket_id AND c.policy = a.policy \
                   AND c.done_at IS NULL)";
        for row in sqlx::query(sql).bind(since.tried.as_microsecond()).fetch_all(&self.readers).await? {
            restored.attempts.push(attempt_of(&row)?);
        }
        for row in sqlx::query("SELECT * FROM campaign_policy").fetch_all(&self.readers).await? {
            restored.policies.push(policy_of(&row)?);
        }
        let mut tickets: HashSet<TicketId> = restored.cases.iter().map(|case| case.key.ticket).collect();
        let sql = "SELECT id FROM ticket WHERE changed_at >= $1 OR moved_at >= $1";
        for row in sqlx::query(sql).bind(since.changed.as_microsecond()).fetch_all(&self.readers).await? {
            tickets.insert(row.parsed("id")?);
        }
        let tickets: Vec<TicketId> = tickets.into_iter().collect();
        restored.tickets = self.campaign_tickets(&tickets).await?;
        let mut customers: HashSet<CustomerId> =
            restored.tickets.iter().map(|ticket| ticket.customer).collect();
        customers.extend(restored.attempts.iter().map(|attempt| attempt.customer));
        let customers: Vec<CustomerId> = customers.into_iter().collect();
        restored.customers = self.campaign_customers(&customers).await?;
        restored.opted_out =
            restored.customers.iter().filter(|facts| facts.do_not_call).map(|facts| facts.customer).collect();
        let sql = "SELECT customer_id, MAX(ended_at) AS at FROM interaction WHERE ended_at >= $1 \
                   AND direction = 'in' AND customer_id IS NOT NULL GROUP BY customer_id";
        for row in sqlx::query(sql).bind(since.spoke.as_microsecond()).fetch_all(&self.readers).await? {
            restored.spoke.push((row.parsed("customer_id")?, row.time("at")?));
        }
        let mut settled = Vec::new();
        let sql = "SELECT m.attempt_id, m.state FROM message m JOIN campaign_attempt a ON a.call_id = m.attempt_id \
                   WHERE a.ended_at IS NULL";
        for row in sqlx::query(sql).fetch_all(&self.readers).await? {
            if let Some(how) = disposition_of(row.parsed("state")?) {
                settled.push((row.parsed("attempt_id")?, how));
            }
        }
        Ok(StoredCampaigns { restored, settled, seq })
    }

    /// Tickets that changed since then.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn tickets_changed_since(&self, at: Timestamp) -> Result<Vec<TicketId>, RecordError> {
        let rows = sqlx::query("SELECT id FROM ticket WHERE changed_at >= $1 OR moved_at >= $1")
            .bind(at.as_microsecond())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| row.parsed("id")).collect()
    }

    /// Customers who are on the line with us because they called, each with the interaction.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn on_the_line(&self) -> Result<Vec<(String, CustomerId)>, RecordError> {
        let rows = sqlx::query(
            "SELECT i.id, COALESCE(c.merged_into, c.id) AS whose FROM interaction i \
             JOIN customer c ON c.id = i.customer_id WHERE i.ended_at IS NULL AND i.direction = 'in' \
             AND i.channel = 'call'",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Ok((row.text("id")?, row.parsed("whose")?))).collect()
    }

    /// A supervisor wants a policy to stop, or to go on: whoever runs the scheduler reads it in the journal.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn ask_to_pause(&self, policy: &str, paused: bool, by: &str) -> Result<(), RecordError> {
        self.change((policy.to_owned(), paused, by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (policy, paused, by) = &*input;
                let body = serde_json::json!({ "policy": policy, "paused": paused, "by": by });
                crate::act::Entry { type_name: PAUSE_ASKED, body, ..crate::act::Entry::default() }
                    .write(connection, &stamp)
                    .await
            })
        })
        .await
    }

    /// Takes or keeps, for so long, what one server does for all of them. `false`: another one has it. The clocks of
    /// the servers may differ by less than that.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn hold_lease(&self, name: &'static str, hold: Duration) -> Result<bool, RecordError> {
        let holder = self.server.to_string();
        self.change((name, holder, hold), |connection, input, stamp| {
            Box::pin(async move {
                let (name, holder, hold) = &*input;
                let until = stamp.now + i64::try_from(hold.as_micros()).unwrap_or(i64::MAX / 2);
                let done = sqlx::query(
                    "INSERT INTO lease (name, holder, until_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
                     SET holder = excluded.holder, until_at = excluded.until_at \
                     WHERE lease.holder = excluded.holder OR lease.until_at < $4",
                )
                .bind(*name)
                .bind(holder)
                .bind(until)
                .bind(stamp.now)
                .execute(connection)
                .await?;
                Ok(done.rows_affected() > 0)
            })
        })
        .await
    }

    /// Lets go of what [`Record::hold_lease`] holds.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it now.
    pub async fn drop_lease(&self, name: &'static str) -> Result<(), RecordError> {
        self.change((name, self.server.to_string()), |connection, input, _| {
            Box::pin(async move {
                let (name, holder) = &*input;
                sqlx::query("DELETE FROM lease WHERE name = $1 AND holder = $2")
                    .bind(*name)
                    .bind(holder)
                    .execute(connection)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// What was decided about a ticket, in the order it was.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn campaign_decisions(&self, ticket: TicketId) -> Result<Vec<JournalEvent>, RecordError> {
        self.events_about(ticket, "campaign.").await
    }

    /// Tickets as the scheduler must know them; one that is not there is left out.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn campaign_tickets(&self, ids: &[TicketId]) -> Result<Vec<TicketFacts>, RecordError> {
        let mut facts = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS) {
            let sql = format!(
                "SELECT t.id, t.state, t.category, t.outcome, CASE WHEN t.moved_at > t.changed_at THEN t.moved_at \
                 ELSE t.changed_at END AS changed_at, COALESCE(c.merged_into, c.id) AS whose \
                 FROM ticket t JOIN customer c ON c.id = t.customer_id WHERE t.id IN ({})",
                numbered(ids.len())
            );
            let mut query = sqlx::query(&sql).persistent(false);
            for id in ids {
                query = query.bind(id.to_string());
            }
            for row in query.fetch_all(&self.readers).await? {
                facts.push(TicketFacts {
                    ticket: row.parsed("id")?,
                    customer: row.parsed("whose")?,
                    state: row.parsed("state")?,
                    since: row.time("changed_at")?,
                    category: row.text_or_none("category")?.unwrap_or_default().into(),
                    outcome: row.text_or_none("outcome")?.map(Into::into),
                });
            }
        }
        Ok(facts)
    }

    /// Customers as the scheduler must know them: the number of their newest ticket, their zone (the attribute
    /// `zone`), tier, language and attributes. One who is not there or was erased is left out.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn campaign_customers(&self, ids: &[CustomerId]) -> Result<Vec<CustomerFacts>, RecordError> {
        let mut known = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS) {
            let places = numbered(ids.len());
            let mut attributes: HashMap<String, BTreeMap<Name, Name>> = HashMap::new();
            let sql = format!(
                "SELECT customer_id, name, value FROM customer_attribute WHERE customer_id IN ({places})"
            );
            for row in bound(&sql, ids).fetch_all(&self.readers).await? {
                let of = attributes.entry(row.text("customer_id")?).or_default();
                of.insert(row.text("name")?.into(), row.text("value")?.into());
            }
            let sql = format!(
                "SELECT c.id, c.tier, c.language, c.do_not_call, (SELECT t.phone FROM ticket t WHERE t.customer_id \
                 IN (SELECT f.id FROM customer f WHERE f.id = c.id OR f.merged_into = c.id) \
                 ORDER BY t.created_at DESC LIMIT 1) AS phone \
                 FROM customer c WHERE c.erased_at IS NULL AND c.id IN ({places})"
            );
            for row in bound(&sql, ids).fetch_all(&self.readers).await? {
                let mut attributes = attributes.remove(&row.text("id")?).unwrap_or_default();
                for word in ["tier", "language"] {
                    if let Some(value) = row.text_or_none(word)? {
                        attributes.insert(word.into(), value.into());
                    }
                }
                let zone = attributes.get("zone").and_then(|zone| TimeZone::get(zone).ok());
                known.push(CustomerFacts {
                    customer: row.parsed("id")?,
                    number: row.text_or_none("phone")?.map(Pii::from),
                    zone,
                    attributes,
                    do_not_call: row.int("do_not_call")? != 0,
                });
            }
        }
        Ok(known)
    }
}

/// `$1, $2, $3`.
fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}

fn bound<'q>(
    sql: &'q str,
    ids: &[CustomerId],
) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments<'q>> {
    ids.iter().fold(sqlx::query(sql).persistent(false), |query, id| query.bind(id.to_string()))
}

async fn store(row: &Row, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
    match row {
        Row::Case(row) => store_case(row, connection).await,
        Row::Attempt(row) => store_attempt(row, connection).await,
        Row::Policy(row) => {
            sqlx::query(
                "INSERT INTO campaign_policy (policy, paused, attempts, answered_ppm, answered, escalated_ppm) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (policy) DO UPDATE SET paused = excluded.paused, \
                 attempts = excluded.attempts, answered_ppm = excluded.answered_ppm, \
                 answered = excluded.answered, escalated_ppm = excluded.escalated_ppm",
            )
            .bind(row.policy.to_string())
            .bind(i64::from(row.paused))
            .bind(i64::from(row.attempts))
            .bind(i64::from(row.answered_ppm))
            .bind(i64::from(row.answered))
            .bind(i64::from(row.escalated_ppm))
            .execute(connection)
            .await?;
            Ok(())
        }
        Row::OptOut { customer, out } => {
            let customer = customer.to_string();
            let heard = heard_in(connection, None, &customer).await?;
            set_do_not_call(connection, &customer, *out, &heard.proof(), stamp).await
        }
    }
}

async fn store_case(row: &CaseRow, connection: &mut AnyConnection) -> Result<(), RecordError> {
    let outcomes: Vec<String> =
        row.outcomes.iter().map(|(outcome, times)| format!("{}={times}", outcome.word())).collect();
    sqlx::query(
        "INSERT INTO campaign_case (ticket_id, policy, customer_id, round, since, next_at, next_why, until_at, made, \
         outcomes, done_at, done_why, channel) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (ticket_id, policy) DO UPDATE SET customer_id = excluded.customer_id, round = excluded.round, \
         channel = excluded.channel, \
         since = excluded.since, next_at = excluded.next_at, next_why = excluded.next_why, \
         until_at = excluded.until_at, made = excluded.made, outcomes = excluded.outcomes, \
         done_at = excluded.done_at, done_why = excluded.done_why",
    )
    .bind(row.key.ticket.to_string())
    .bind(row.key.policy.to_string())
    .bind(row.customer.to_string())
    .bind(row.round.as_microsecond())
    .bind(row.since.as_microsecond())
    .bind(row.next.as_microsecond())
    .bind(row.next_why.to_words())
    .bind(row.until.as_microsecond())
    .bind(i64::from(row.made))
    .bind(outcomes.join(" "))
    .bind(row.done.map(|(at, _)| at.as_microsecond()))
    .bind(row.done.map(|(_, why)| why.to_words()))
    .bind(row.channel.word())
    .execute(connection)
    .await?;
    Ok(())
}

async fn store_attempt(row: &AttemptRow, connection: &mut AnyConnection) -> Result<(), RecordError> {
    sqlx::query(
        "INSERT INTO campaign_attempt (call_id, ticket_id, policy, round, number, customer_id, trunk, at, answered_at, \
         ended_at, disposition, channel) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT (call_id) \
         DO UPDATE SET answered_at = excluded.answered_at, ended_at = excluded.ended_at, \
         disposition = excluded.disposition",
    )
    .bind(row.call.to_string())
    .bind(row.key.ticket.to_string())
    .bind(row.key.policy.to_string())
    .bind(row.round.as_microsecond())
    .bind(i64::from(row.number))
    .bind(row.customer.to_string())
    .bind(row.trunk.to_string())
    .bind(row.at.as_microsecond())
    .bind(row.answered_at.map(|at| at.as_microsecond()))
    .bind(row.ended.map(|(at, _)| at.as_microsecond()))
    .bind(row.ended.map(|(_, how)| how.to_words()))
    .bind(row.channel.word())
    .execute(&mut *connection)
    .await?;
    // The receipt may have come before the scheduler heard that the message was taken.
    if row.channel == Channel::Message && row.ended.is_some() {
        store_undelivered(connection, row.call).await?;
    }
    Ok(())
}

/// A decision as the journal tells it.
fn entry(decision: &Decision, stamp: &Stamp) -> EventRow {
    let policy = &decision.key.policy;
    let (type_name, call, body) = match &decision.verdict {
        Verdict::NotDrawn(why) => ("campaign.not-drawn", None, serde_json::json!({ "why": why.to_words() })),
        Verdict::Drawn { from, until } => {
            ("campaign.drawn", None, serde_json::json!({ "from": from, "until": until }))
        }
        Verdict::Waits { until, why } => {
            ("campaign.waits", None, serde_json::json!({ "until": until, "why": why.to_words() }))
        }
        Verdict::Called { call } => ("campaign.called", Some(call), serde_json::json!({})),
        Verdict::Messaged { call } => ("campaign.messaged", Some(call), serde_json::json!({})),
        Verdict::Otherwise { until, why } => {
            ("campaign.otherwise", None, serde_json::json!({ "until": until, "why": why.to_words() }))
        }
        Verdict::Ended { call, how } => {
            ("campaign.ended", Some(call), serde_json::json!({ "how": how.to_words() }))
        }
        Verdict::Done(why) => ("campaign.done", None, serde_json::json!({ "why": why.to_words() })),
    };
    let mut body = body;
    body["policy"] = policy.as_ref().into();
    EventRow {
        source: "campaign".into(),
        source_event_id: stamp.id(),
        type_name: type_name.into(),
        customer_id: Some(decision.customer.to_string()),
        interaction_id: call.map(ToString::to_string),
        ticket_id: Some(decision.key.ticket.to_string()),
        occurred_at: decision.at.as_microsecond(),
        body: body.to_string(),
    }
}

fn corrupt(what: &str) -> RecordError {
    RecordError::Corrupt(format!("column {what}"))
}

fn key_of(row: &AnyRow) -> Result<CaseKey, RecordError> {
    Ok(CaseKey { ticket: row.parsed("ticket_id")?, policy: row.text("policy")?.into() })
}

fn channel_of(row: &AnyRow) -> Result<Channel, RecordError> {
    Channel::find(&row.text("channel")?).ok_or_else(|| corrupt("channel"))
}

/// What a message's state says of its attempt; `None` as long as it may still leave.
pub fn disposition_of(state: MessageState) -> Option<Disposition> {
    Some(match state {
        MessageState::Due | MessageState::Sending => return None,
        MessageState::Sent | MessageState::Delivered => Disposition::Sent,
        MessageState::Unknown => Disposition::Unknown,
        MessageState::Failed => Disposition::Not(Outcome::Failed),
        MessageState::Cancelled => Disposition::Not(Outcome::Cancelled),
    })
}

fn small(row: &AnyRow, name: &str) -> Result<u16, RecordError> {
    row.int(name)?.try_into().map_err(|_| corrupt(name))
}

fn count(row: &AnyRow, name: &str) -> Result<u32, RecordError> {
    row.int(name)?.try_into().map_err(|_| corrupt(name))
}

fn case_of(row: &AnyRow) -> Result<CaseRow, RecordError> {
    let outcomes = row.text("outcomes")?;
    let read = outcomes.split_whitespace().map(|one| {
        let (word, times) = one.split_once('=')?;
        Some((Outcome::find(word)?, times.parse().ok()?))
    });
    let done = match (row.time_or_none("done_at")?, row.text_or_none("done_why")?) {
        (Some(at), Some(why)) => Some((at, Done::of_words(&why).ok_or_else(|| corrupt("done_why"))?)),
        _ => None,
    };
    Ok(CaseRow {
        key: key_of(row)?,
        round: row.time("round")?,
        customer: row.parsed("customer_id")?,
        channel: channel_of(row)?,
        since: row.time("since")?,
        next: row.time("next_at")?,
        next_why: Waits::of_words(&row.text("next_why")?).ok_or_else(|| corrupt("next_why"))?,
        until: row.time("until_at")?,
        made: small(row, "made")?,
        outcomes: read.collect::<Option<_>>().ok_or_else(|| corrupt("outcomes"))?,
        done,
    })
}

fn attempt_of(row: &AnyRow) -> Result<AttemptRow, RecordError> {
    let ended = match (row.time_or_none("ended_at")?, row.text_or_none("disposition")?) {
        (Some(at), Some(how)) => {
            Some((at, Disposition::of_words(&how).ok_or_else(|| corrupt("disposition"))?))
        }
        _ => None,
    };
    Ok(AttemptRow {
        call: row.parsed("call_id")?,
        channel: channel_of(row)?,
        key: key_of(row)?,
        round: row.time("round")?,
        number: small(row, "number")?,
        customer: row.parsed("customer_id")?,
        trunk: row.text("trunk")?.into(),
        at: row.time("at")?,
        answered_at: row.time_or_none("answered_at")?,
        ended,
    })
}

fn policy_of(row: &AnyRow) -> Result<PolicyRow, RecordError> {
    Ok(PolicyRow {
        policy: row.text("policy")?.into(),
        paused: row.int("paused")? != 0,
        attempts: count(row, "attempts")?,
        answered_ppm: count(row, "answered_ppm")?,
        answered: count(row, "answered")?,
        escalated_ppm: count(row, "escalated_ppm")?,
    })
}
