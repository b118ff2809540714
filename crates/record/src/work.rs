//! What agents do with tickets and follow-ups. Two who click at once: the first is done, the second
//! is told how it is now.

use hotline_model::{CustomerId, Language, PhoneNumber, Pii, TicketId, TicketInput, TicketState};
use jiff::Timestamp;
use serde::Deserialize;
use sqlx::AnyConnection;

use crate::act::{Entry, Stamp};
use crate::follow_ups::FollowUp;
use crate::indexing::index_ticket;
use crate::sql::{Columns, FAMILY, short};
use crate::tickets::{COLUMNS as TICKET, Checked, NewIds, TicketRow, Upserted, check, upsert};
use crate::users::hash_of;
use crate::{Record, RecordError};

/// A ticket that an agent makes.
#[derive(Debug, Clone)]
pub struct AgentTicket {
    /// Whose it is.
    pub customer: CustomerId,
    /// Two with one key, of one person, are one ticket.
    pub key: Option<String>,
    /// What it is about.
    pub category: Option<String>,
    /// By when it is to be settled.
    pub due_at: Option<Timestamp>,
    /// The language the customer is spoken to in.
    pub language: Language,
}

/// What of a ticket an agent changes; what is absent stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TicketChange {
    /// What it is about: at most 64 characters.
    pub category: Option<String>,
    /// By when it is to be settled.
    pub due_at: Option<Timestamp>,
    /// Whose login works on it.
    pub owner: Option<String>,
}

/// What is done with a follow-up.
#[derive(Debug, Clone)]
pub enum FollowUpAct {
    /// Somebody keeps the promise from now on.
    Take,
    /// They give it back.
    Release,
    /// It is kept: how it went, in a word of the firm's.
    Done {
        /// How it went.
        outcome: String,
    },
}

/// Which follow-ups are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUpList<'a> {
    /// All that are not done.
    Open,
    /// Those that are nobody's.
    Untaken,
    /// Those that are somebody's and not done.
    Of(&'a str),
}

struct Change {
    ticket: String,
    change: TicketChange,
    version: Option<i64>,
    by: String,
}

struct Act {
    id: String,
    act: FollowUpAct,
    version: Option<i64>,
    by: String,
}

impl Record {
    /// Makes a ticket for a customer whose number is known.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such customer, [`RecordError::Invalid`] if no number
    /// of theirs is verified or a field is wrong.
    pub async fn make_ticket(&self, new: AgentTicket, by: &str) -> Result<Upserted, RecordError> {
        let family = self.family(new.customer).await?.ok_or(RecordError::NotFound("customer"))?;
        let row = sqlx::query(&format!(
            "SELECT i.value FROM identity_link l JOIN identity i ON i.id = l.identity_id \
             WHERE l.customer_id IN {FAMILY} AND l.valid_to IS NULL AND l.level = 'verified' AND i.kind = 'phone' \
             ORDER BY l.valid_from DESC LIMIT 1"
        ))
        .bind(family.root.to_string())
        .fetch_optional(&self.readers)
        .await?;
        let phone: PhoneNumber = row
            .ok_or_else(|| {
                RecordError::Invalid("customer: no number of theirs is verified; link one first".into())
            })?
            .parsed("value")?;
        let made = match &new.key {
            Some(key) => format!("H-{}", &hash_of(&format!("{by} {key}"))[..24]),
            None => format!("H-{}", self.new_id::<TicketId>()),
        };
        if let Some(known) = self.find_ticket_by_ref(&made).await? {
            let change = crate::Change::Unchanged;
            return Ok(Upserted { ticket: known.id, customer: known.customer, change });
        }
        let input = TicketInput {
            external_ref: made,
            phone: phone.e164().to_owned().into(),
            name: None,
            language: Some(new.language),
            category: new.category,
            outcome: None,
            state: TicketState::Open,
            result: None,
            result_language: None,
            code: None,
            changed_at: None,
        };
        let mut checked = check(input, new.language)?;
        // Others may have that number too.
        checked.customer = Some(family.root);
        let input = Make {
            checked,
            new: self.new_ids(),
            change: TicketChange { due_at: new.due_at, owner: Some(by.to_owned()), category: None },
            by: by.to_owned(),
        };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// Changes a ticket. `version`: the one that the change rests on.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`], [`RecordError::Stale`]
    /// if somebody else was faster.
    pub async fn change_ticket(
        &self,
        ticket: TicketId,
        change: TicketChange,
        version: Option<i64>,
        by: &str,
    ) -> Result<i64, RecordError> {
        if change.category.as_ref().is_some_and(|text| text.chars().count() > 64) {
            return Err(RecordError::Invalid("category: 64 characters at most".into()));
        }
        let change = TicketChange {
            category: change.category.as_deref().map(short),
            owner: change.owner.as_deref().map(short),
            ..change
        };
        let input = Change { ticket: ticket.to_string(), change, version, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    /// Publishes a ticket's result: it is closed, rendered, and its customer told, as if the firm's
    /// own system had closed it. The same words again change nothing.
    ///
    /// # Errors
    /// As [`Record::change_ticket`].
    pub async fn publish_result(
        &self,
        ticket: TicketId,
        result: Pii<String>,
        version: Option<i64>,
        by: &str,
    ) -> Result<Upserted, RecordError> {
        let input =
            Publish { ticket: ticket.to_string(), result, version, by: by.to_owned(), new: self.new_ids() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }

    pub(crate) async fn open_tickets_of(
        &self,
        customer: CustomerId,
        limit: i64,
    ) -> Result<Vec<TicketRow>, RecordError> {
        let rows = sqlx::query(&format!(
            "SELECT {TICKET} FROM ticket WHERE customer_id IN {FAMILY} AND state = 'open' AND phone <> '' \
             ORDER BY CASE WHEN due_at IS NULL THEN 1 ELSE 0 END, due_at, created_at DESC LIMIT $2"
        ))
        .bind(customer.to_string())
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(TicketRow::from_row).collect()
    }

    /// Follow-ups, the most urgent first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn follow_ups(&self, list: FollowUpList<'_>, limit: u32) -> Result<Vec<FollowUp>, RecordError> {
        let (condition, owner) = match list {
            FollowUpList::Open => ("state <> 'done' AND $1 = ''", ""),
            FollowUpList::Untaken => ("state = 'open' AND owner IS NULL AND $1 = ''", ""),
            FollowUpList::Of(owner) => ("state <> 'done' AND owner = $1", owner),
        };
        self.follow_ups_where(
            &format!("{condition} ORDER BY due_at, id LIMIT {}", limit.clamp(1, 200)),
            owner,
        )
        .await
    }

    /// One follow-up.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_follow_up(&self, id: &str) -> Result<Option<FollowUp>, RecordError> {
        Ok(self.follow_ups_where("id = $1", id).await?.pop())
    }

    /// Takes, gives back or ends a follow-up. One that somebody else has taken is theirs; one that was only given to
    /// them may be taken.
    ///
    /// # Errors
    /// [`RecordError::NotFound`], [`RecordError::Stale`] if somebody else was faster.
    pub async fn act_on_follow_up(
        &self,
        id: &str,
        act: FollowUpAct,
        version: Option<i64>,
        by: &str,
    ) -> Result<(), RecordError> {
        let act = match act {
            FollowUpAct::Done { outcome } => FollowUpAct::Done { outcome: short(&outcome) },
            other => other,
        };
        let input = Act { id: id.to_owned(), act, version, by: by.to_owned() };
        self.change(input, |connection, input, stamp| {
            Box::pin(async move { input.store(connection, &stamp).await })
        })
        .await
    }
}

/// A ticket that an agent makes.
struct Make {
    checked: Checked,
    new: NewIds,
    change: TicketChange,
    by: String,
}

impl Make {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Upserted, RecordError> {
        let stored = upsert(connection, &self.checked, &self.new, stamp.now).await?;
        // One that was made by the same request before stays as it is.
        if stored.change == crate::Change::Created {
            let (ticket, change, by) = (stored.ticket.to_string(), self.change.clone(), self.by.clone());
            Change { ticket, change, version: None, by }.store(connection, stamp).await?;
        }
        Ok(stored)
    }
}

/// A result that an agent publishes.
struct Publish {
    ticket: String,
    result: Pii<String>,
    version: Option<i64>,
    by: String,
    new: NewIds,
}

impl Publish {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Upserted, RecordError> {
        let row = sqlx::query(&format!("SELECT {TICKET} FROM ticket WHERE id = $1 AND phone <> ''"))
            .bind(&self.ticket)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(RecordError::NotFound("ticket"))?;
        let row = TicketRow::from_row(&row)?;
        let language = row.language;
        let input = TicketInput {
            external_ref: row.external_ref,
            phone: row.phone.e164().to_owned().into(),
            name: None,
            language: Some(language),
            category: row.category,
            outcome: row.outcome,
            state: TicketState::Closed,
            result: Some(self.result.clone()),
            result_language: None,
            code: None,
            changed_at: None,
        };
        let checked = check(input, language)?;
        // Counted first: of two at once one is told that the other was faster.
        let (ticket, version, by) = (self.ticket.clone(), self.version, self.by.clone());
        Change { ticket, change: TicketChange::default(), version, by }.store(connection, stamp).await?;
        upsert(connection, &checked, &self.new, stamp.now).await
    }
}

impl Change {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<i64, RecordError> {
        let row = sqlx::query("SELECT version, customer_id FROM ticket WHERE id = $1")
            .bind(&self.ticket)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(RecordError::NotFound("ticket"))?;
        let known = row.int("version")?;
        if self.version.is_some_and(|version| version != known) {
            return Err(RecordError::Stale("the ticket was changed by somebody else meanwhile".into()));
        }
        let change = &self.change;
        sqlx::query(
            "UPDATE ticket SET moved_at = CASE WHEN $3 IS NULL OR state <> 'open' OR due_at = $3 THEN moved_at \
             ELSE $6 END, category = COALESCE($2, category), due_at = COALESCE($3, due_at), \
             owner = COALESCE($4, owner), made_by = COALESCE(made_by, $5), version = version + 1 WHERE id = $1",
        )
        .bind(&self.ticket)
        .bind(&change.category)
        .bind(change.due_at.map(Timestamp::as_microsecond))
        .bind(&change.owner)
        .bind(&self.by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        index_ticket(connection, &self.ticket).await?;
        let customer = row.text("customer_id")?;
        let body = serde_json::json!({ "by": self.by, "version": known + 1, "owner": change.owner,
            "due-at": change.due_at, "category": change.category });
        Entry {
            type_name: "ticket.worked-on",
            customer: Some(&customer),
            ticket: Some(&self.ticket),
            body,
            ..Entry::default()
        }
        .write(connection, stamp)
        .await?;
        Ok(known + 1)
    }
}

impl Act {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let row = sqlx::query(
            "SELECT version, state, owner, customer_id, ticket_id, interaction_id FROM follow_up WHERE id = $1",
        )
        .bind(&self.id)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("follow-up"))?;
        let (state, owner) = (row.text("state")?, row.text_or_none("owner")?);
        let stale = |words: String| Err(RecordError::Stale(words));
        if state == "done" {
            return stale("the follow-up is done already".into());
        }
        // What was given to somebody who has not taken it on may be kept by whoever does.
        let is_theirs = state == "taken" || matches!(self.act, FollowUpAct::Release);
        if let Some(owner) = owner.as_ref().filter(|owner| is_theirs && **owner != self.by) {
            return stale(format!("the follow-up is with {owner}"));
        }
        if self.version.is_some_and(|version| row.int("version").is_ok_and(|known| known != version)) {
            return stale("the follow-up was changed by somebody else meanwhile".into());
        }
        let (type_name, state, owner, outcome) = match &self.act {
            FollowUpAct::Take => ("follow-up.taken", "taken", Some(&self.by), None),
            FollowUpAct::Release => ("follow-up.released", "open", None, None),
            FollowUpAct::Done { outcome } => ("follow-up.done", "done", Some(&self.by), Some(outcome)),
        };
        sqlx::query(
            "UPDATE follow_up SET state = $2, owner = $3, outcome = $4, version = version + 1, \
             taken_at = CASE WHEN $2 = 'taken' THEN $5 WHEN $2 = 'open' THEN NULL ELSE taken_at END, \
             done_at = CASE WHEN $2 = 'done' THEN $5 ELSE NULL END WHERE id = $1",
        )
        .bind(&self.id)
        .bind(state)
        .bind(owner)
        .bind(outcome)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        let (customer, ticket, interaction) = (
            row.text_or_none("customer_id")?,
            row.text_or_none("ticket_id")?,
            row.text_or_none("interaction_id")?,
        );
        let body = serde_json::json!({ "follow-up": self.id, "by": self.by, "outcome": outcome });
        Entry {
            type_name,
            customer: customer.as_deref(),
            interaction: interaction.as_deref(),
            ticket: ticket.as_deref(),
            body,
        }
        .write(connection, stamp)
        .await
    }
}
