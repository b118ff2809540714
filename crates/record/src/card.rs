//! What whoever serves a customer has to know before the first word.

use hotline_model::{CustomerId, Language, Pii, TicketId};
use jiff::Timestamp;
use serde::Serialize;

use crate::consents::Consent;
use crate::customers::{ContactView, IdentityView};
use crate::follow_ups::FollowUp;
use crate::sql::Columns;
use crate::tickets::TicketRow;
use crate::{Record, RecordError};

/// A customer as the right-hand side of the desktop shows them.
#[derive(Debug, Clone)]
pub struct Card {
    /// The journal's newest entry before all this was read: a page follows from here.
    pub seq: i64,
    /// The record as it stands today; another than the one asked for if that was merged.
    pub id: CustomerId,
    /// Counts changes of the customer's own data.
    pub version: i64,
    /// By what name the firm's own system knows them.
    pub external_ref: Option<String>,
    /// Their name.
    pub name: Option<Pii<String>>,
    /// The language they are spoken to in.
    pub language: Option<Language>,
    /// Their tier.
    pub tier: Option<String>,
    /// Whether they want no calls of their own accord.
    pub do_not_call: bool,
    /// When they were erased, if they were.
    pub erased_at: Option<Timestamp>,
    /// Their tags.
    pub tags: Vec<String>,
    /// What else the firm knows, by name.
    pub attributes: Vec<(String, String)>,
    /// How they are reached and recognised.
    pub identities: Vec<IdentityView>,
    /// What is to be seen first, the most pressing first.
    pub alerts: Vec<Alert>,
    /// Their tickets that are open, the most urgent first.
    pub open_tickets: Vec<TicketRow>,
    /// What was promised and is not done, the most urgent first.
    pub open_follow_ups: Vec<FollowUp>,
    /// Contacts that go on at this moment, each with its path so far.
    pub live: Vec<ContactView>,
    /// What they agreed to or refused, as it stands: the newest of each kind.
    pub consents: Vec<Consent>,
    /// When they were in touch last, this moment's contacts left out.
    pub last_contact_at: Option<Timestamp>,
}

/// Something that must not be overlooked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Alert {
    /// A ticket should have been settled.
    TicketOverdue {
        /// Which.
        ticket: TicketId,
        /// The firm's own number.
        external_ref: String,
        /// Since when.
        due_at: Timestamp,
    },
    /// A promise was not kept in time.
    FollowUpOverdue {
        /// Which.
        follow_up: String,
        /// What it is about.
        reason: String,
        /// Since when.
        due_at: Timestamp,
    },
    /// The customer said lately that they are not content, and nobody has followed that up.
    Dissatisfied {
        /// In which call.
        call: String,
        /// About which ticket.
        ticket: Option<String>,
        /// Why, in the plan's word.
        reason: Option<String>,
        /// Why, as a human found who has dealt with it otherwise than in a call by a queue.
        found: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// The customer is in touch about the same matter again.
    RepeatContact {
        /// How often in seven days, this contact included.
        contacts: i64,
        /// About which ticket, if it is one.
        ticket: Option<TicketId>,
        /// Else why, in the plans' word.
        reason: Option<String>,
    },
}

const MONTH: i64 = 30 * 24 * 3_600_000_000;
const WEEK: i64 = 7 * 24 * 3_600_000_000;
/// Rows of each kind on a card.
const SHOWN: i64 = 20;

impl Record {
    /// A customer's card. `None`: there is no such customer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn card(&self, customer: CustomerId) -> Result<Option<Card>, RecordError> {
        // Read first: what comes meanwhile is told again, and nothing is missed.
        let seq = self.newest_seq().await?;
        let Some(family) = self.family(customer).await? else { return Ok(None) };
        let id = family.root;
        let row = sqlx::query(
            "SELECT external_ref, name, language, tier, do_not_call, erased_at, version FROM customer WHERE id = $1",
        )
        .bind(id.to_string())
        .fetch_one(&self.readers)
        .await?;
        let now = self.now();
        let open_tickets = self.open_tickets_of(id, SHOWN).await?;
        let mut open_follow_ups = self.follow_ups_of(id).await?;
        open_follow_ups.retain(|follow_up| follow_up.state != "done");
        open_follow_ups.truncate(SHOWN as usize);
        let overdue = |due: Timestamp| due <= now;
        let mut alerts: Vec<Alert> = Vec::new();
        alerts.extend(open_tickets.iter().filter_map(|ticket| {
            let due_at = ticket.due_at.filter(|due| overdue(*due))?;
            Some(Alert::TicketOverdue {
                ticket: ticket.id,
                external_ref: ticket.external_ref.clone(),
                due_at,
            })
        }));
        alerts.extend(open_follow_ups.iter().filter(|f| overdue(f.due_at)).map(|f| Alert::FollowUpOverdue {
            follow_up: f.id.clone(),
            reason: f.reason.clone(),
            due_at: f.due_at,
        }));
        alerts.extend(self.dissatisfied(id).await?);
        alerts.extend(self.repeat_contacts(id).await?);
        Ok(Some(Card {
            seq,
            id,
            version: row.int("version")?,
            external_ref: row.text_or_none("external_ref")?,
            name: row.text_or_none("name")?.map(Pii::new),
            language: row.parsed_or_none("language")?,
            tier: row.text_or_none("tier")?,
            do_not_call: row.int("do_not_call")? == 1,
            erased_at: row.time_or_none("erased_at")?,
            tags: self.tags_of(id).await?,
            attributes: self.attributes_of(id).await?,
            identities: self.identities_of(id).await?,
            alerts,
            open_tickets,
            open_follow_ups,
            live: self.live_contacts_of(id).await?,
            consents: self.consents_of(id).await?.into_iter().filter(|one| one.current).collect(),
            last_contact_at: self.last_contact_of(id).await?,
        }))
    }

    /// The last survey, if the customer was not content in it, and no human has had them since.
    async fn dissatisfied(&self, customer: CustomerId) -> Result<Option<Alert>, RecordError> {
        let answers = self.answers_of(customer, 20).await?;
        let Some(last) = answers.iter().find(|answer| answer.content.is_some()) else { return Ok(None) };
        let lately = self.now_micros() - last.at.as_microsecond() < MONTH;
        if last.content != Some(false) || !lately {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT COUNT(*) AS humans FROM waiting w JOIN interaction i ON i.id = w.interaction_id \
             WHERE i.customer_id IN (SELECT id FROM customer WHERE id = $1 OR merged_into = $1) \
             AND w.state = 'served' AND w.since >= $2",
        )
        .bind(customer.to_string())
        .bind(last.at.as_microsecond())
        .fetch_one(&self.readers)
        .await?;
        if row.int("humans")? > 0 {
            return Ok(None);
        }
        let reason = answers.iter().find(|answer| answer.call == last.call && answer.question == "reason");
        Ok(Some(Alert::Dissatisfied {
            call: last.call.clone(),
            ticket: last.ticket.clone(),
            reason: reason.map(|answer| answer.answer.clone()),
            found: self.dissatisfaction_of(&last.call).await?.map(|found| found.reason),
            at: last.at,
        }))
    }

    /// Matters that the customer was in touch about more than once in seven days, the most frequent
    /// first: about the same ticket, or for the same reason without one.
    async fn repeat_contacts(&self, customer: CustomerId) -> Result<Vec<Alert>, RecordError> {
        let rows = sqlx::query(
            "SELECT ticket_id, CASE WHEN ticket_id IS NULL THEN reason ELSE NULL END AS why, COUNT(*) AS contacts \
             FROM interaction WHERE customer_id IN (SELECT id FROM customer WHERE id = $1 OR merged_into = $1) \
             AND started_at > $2 AND direction = 'in' AND (ticket_id IS NOT NULL OR reason IS NOT NULL) \
             GROUP BY ticket_id, CASE WHEN ticket_id IS NULL THEN reason ELSE NULL END \
             HAVING COUNT(*) > 1 ORDER BY COUNT(*) DESC LIMIT 3",
        )
        .bind(customer.to_string())
        .bind(self.now_micros() - WEEK)
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Alert::RepeatContact {
                    contacts: row.int("contacts")?,
                    ticket: row.parsed_or_none("ticket_id")?,
                    reason: row.text_or_none("why")?,
                })
            })
            .collect()
    }
}
