//! One customer on one page: who this is, what is open, every touch on every channel.

use hotline_model::{CallerNumber, CustomerId, Language, PhoneNumber, Pii};
use jiff::Timestamp;

use crate::events::JournalEvent;
use crate::follow_ups::FollowUp;
use crate::messages::Message;
use crate::sql::{Columns, FAMILY};
use crate::talks::Talk;
use crate::tickets::TicketRow;
use crate::{Record, RecordError};

/// A way to reach or recognise a customer.
#[derive(Debug, Clone)]
pub struct IdentityView {
    /// Its id.
    pub id: String,
    /// `phone`, `short`, …
    pub kind: String,
    /// The number or address.
    pub value: Pii<String>,
    /// `claimed`, `observed` or `verified`.
    pub level: String,
}

/// One call (later: any touch) with its path.
#[derive(Debug, Clone)]
pub struct ContactView {
    /// The interaction's id.
    pub id: String,
    /// `call`.
    pub channel: String,
    /// `in` or `out`.
    pub direction: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None`: it goes on.
    pub ended_at: Option<Timestamp>,
    /// The plan that answered.
    pub plan: Option<String>,
    /// Its version.
    pub plan_version: Option<String>,
    /// The language spoken.
    pub language: Option<Language>,
    /// How it ended up, in the plan's word.
    pub outcome: Option<String>,
    /// Why the caller called.
    pub reason: Option<String>,
    /// How the customer is known: `caller-id` or `verified`.
    pub known_by: Option<String>,
    /// Who ended it, and how: `caller/hung-up`.
    pub ending: Option<String>,
    /// Where its recording lies.
    pub recording: Option<String>,
    /// Whose it is, if known.
    pub customer: Option<CustomerId>,
    /// About which ticket.
    pub ticket: Option<String>,
    /// The contact that it goes on from.
    pub parent: Option<String>,
    /// The first of all that go on from one another: its own id, if it goes on from none.
    pub root: String,
    /// What happened, step by step.
    pub path: Vec<JournalEvent>,
    /// The agents who talked in it, in order.
    pub talks: Vec<Talk>,
}

/// All that is known of a customer.
#[derive(Debug, Clone)]
pub struct CustomerView {
    /// The customer.
    pub id: CustomerId,
    /// Their name.
    pub name: Option<Pii<String>>,
    /// The language they are spoken to in.
    pub language: Option<Language>,
    /// Their identities.
    pub identities: Vec<IdentityView>,
    /// Their tickets, the newest first.
    pub tickets: Vec<TicketRow>,
    /// Their messages, the newest first.
    pub messages: Vec<Message>,
    /// What was promised, the most urgent first.
    pub follow_ups: Vec<FollowUp>,
    /// Their calls, the newest first, each with its path.
    pub contacts: Vec<ContactView>,
}

const CONTACT: &str = "id, channel, direction, started_at, ended_at, plan, plan_version, language, outcome, \
    reason, known_by, ending, end_code, recording, customer_id, ticket_id, parent_id, root_id";

impl Record {
    /// The customer a number belongs to, if there is exactly one.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_customer_by_phone(
        &self,
        number: &PhoneNumber,
    ) -> Result<Option<CustomerId>, RecordError> {
        Ok(self.recognise(&CallerNumber::Phone(number.clone())).await?.customer)
    }

    /// Everything about a customer, with the last `contacts` touches.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_customer(
        &self,
        id: CustomerId,
        contacts: u32,
    ) -> Result<Option<CustomerView>, RecordError> {
        let row = sqlx::query("SELECT id, merged_into, name, language FROM customer WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        if let Some(into) = row.parsed_or_none::<CustomerId>("merged_into")? {
            return Box::pin(self.find_customer(into, contacts)).await;
        }
        let identities = self.identities_of(id).await?;
        let rows = sqlx::query(&format!(
            "SELECT {CONTACT} FROM interaction WHERE customer_id IN {FAMILY} ORDER BY started_at DESC, id DESC LIMIT $2"
        ))
        .bind(id.to_string())
        .bind(i64::from(contacts))
        .fetch_all(&self.readers)
        .await?;
        let touches = self.contacts(&rows).await?;
        Ok(Some(CustomerView {
            id,
            name: row.text_or_none("name")?.map(Pii::new),
            language: row.parsed_or_none("language")?,
            identities,
            tickets: self.tickets_of(id).await?,
            messages: self.messages_of(id).await?,
            follow_ups: self.follow_ups_of(id).await?,
            contacts: touches,
        }))
    }

    pub(crate) async fn contacts_where(
        &self,
        condition: &str,
        value: &str,
    ) -> Result<Vec<ContactView>, RecordError> {
        let rows = sqlx::query(&format!("SELECT {CONTACT} FROM interaction WHERE {condition}"))
            .bind(value)
            .fetch_all(&self.readers)
            .await?;
        self.contacts(&rows).await
    }

    /// One interaction with its path.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_contact(&self, id: &str) -> Result<Option<ContactView>, RecordError> {
        let row =
            sqlx::query(&format!("SELECT {CONTACT} FROM interaction WHERE id = $1 AND channel <> 'talk'"))
                .bind(id)
                .fetch_optional(&self.readers)
                .await?;
        match row {
            Some(row) => Ok(Some(self.contact(&row).await?)),
            None => Ok(None),
        }
    }

    /// The last calls, whoever made them, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn last_contacts(&self, limit: u32) -> Result<Vec<ContactView>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {CONTACT} FROM interaction WHERE channel <> 'talk' ORDER BY started_at DESC, id DESC LIMIT $1"
        ))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        self.contacts(&rows).await
    }

    /// The last calls from a number, the newest first, whether or not a customer is known by it.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn contacts_from(
        &self,
        phone: &PhoneNumber,
        limit: u32,
    ) -> Result<Vec<ContactView>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {CONTACT} FROM interaction WHERE identity_id IN \
             (SELECT id FROM identity WHERE kind = 'phone' AND namespace = '' AND value = $1) \
             ORDER BY started_at DESC, id DESC LIMIT $2"
        ))
        .bind(phone.e164())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        self.contacts(&rows).await
    }

    async fn contacts(&self, rows: &[sqlx::any::AnyRow]) -> Result<Vec<ContactView>, RecordError> {
        let mut contacts = Vec::with_capacity(rows.len());
        for row in rows {
            contacts.push(self.contact(row).await?);
        }
        Ok(contacts)
    }

    async fn contact(&self, row: &sqlx::any::AnyRow) -> Result<ContactView, RecordError> {
        let id = row.text("id")?;
        let ending = match (row.text_or_none("ending")?, row.text_or_none("end_code")?) {
            (Some(ending), Some(code)) => Some(format!("{ending}/{code}")),
            (ending, _) => ending,
        };
        let path = self.events_of(&id).await?;
        let talked = path.iter().any(|event| event.type_name == "call.joined");
        Ok(ContactView {
            talks: if talked { self.talks_of(&id).await? } else { Vec::new() },
            path,
            id,
            channel: row.text("channel")?,
            direction: row.text("direction")?,
            started_at: row.time("started_at")?,
            ended_at: row.time_or_none("ended_at")?,
            plan: row.text_or_none("plan")?,
            plan_version: row.text_or_none("plan_version")?,
            language: row.parsed_or_none("language")?,
            outcome: row.text_or_none("outcome")?,
            reason: row.text_or_none("reason")?,
            known_by: row.text_or_none("known_by")?,
            ending,
            recording: row.text_or_none("recording")?,
            customer: row.parsed_or_none("customer_id")?,
            ticket: row.text_or_none("ticket_id")?,
            parent: row.text_or_none("parent_id")?,
            root: row.text("root_id")?,
        })
    }
}
