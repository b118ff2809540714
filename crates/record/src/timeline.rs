//! Everything that happened with a customer, on one line, the newest first.

use hotline_model::{CustomerId, Pii};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::families::Family;
use crate::rebates::state_at;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// What an entry of a time line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A call, a chat: an interaction.
    Contact,
    /// A text message.
    Message,
    /// A ticket, at the time it was made.
    Ticket,
    /// A promise.
    FollowUp,
    /// What somebody noted.
    Note,
    /// What the customer agreed to or refused.
    Consent,
    /// A file.
    Attachment,
    /// Something of value that they were given, at the time it was.
    Rebate,
}

impl std::str::FromStr for EntryKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "contact" => Self::Contact,
            "message" => Self::Message,
            "ticket" => Self::Ticket,
            "follow-up" => Self::FollowUp,
            "note" => Self::Note,
            "consent" => Self::Consent,
            "attachment" => Self::Attachment,
            "rebate" => Self::Rebate,
            _ => return Err(()),
        })
    }
}

/// One entry. Which fields there are depends on what it is.
#[derive(Debug, Clone)]
pub struct TimelineEntry {
    /// What it is.
    pub kind: EntryKind,
    /// The id of the interaction, message, ticket, follow-up, note, consent, file or rebate.
    pub id: String,
    /// When it began or was made.
    pub at: Timestamp,
    /// When it ended, or is due; of a contact `None`: it goes on.
    pub until: Option<Timestamp>,
    /// `call`, `sms`, …
    pub channel: Option<String>,
    /// `in` or `out`.
    pub direction: Option<String>,
    /// A contact's outcome; a message's, ticket's, follow-up's or rebate's state.
    pub state: Option<String>,
    /// A contact's or follow-up's reason, a ticket's category, a rebate's activity.
    pub subject: Option<String>,
    /// A ticket's result, the words of a note. Of messages and rebates none: they hold codes.
    pub text: Option<Pii<String>>,
    /// The plan of a contact, a ticket's or rebate's number, who wrote a note or took a follow-up.
    pub reference: Option<String>,
    /// About which ticket.
    pub ticket: Option<String>,
}

/// Where a page of a time line ends: what is older comes on the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    id: String,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

impl std::str::FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Ok(Self { at: at.parse().map_err(|_| ())?, id: fits.then(|| id.to_owned()).ok_or(())? })
    }
}

/// A page of a time line.
#[derive(Debug, Clone)]
pub struct TimelinePage {
    /// The newest first.
    pub entries: Vec<TimelineEntry>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

/// Each kind with the columns of an entry and its time. What is read is what an index is in the order
/// of, so that a page costs the same however long the line is.
const ARMS: [(&str, &str, &str); 8] = [
    (
        "interaction",
        "started_at",
        "'contact' AS kind, id, started_at AS at, ended_at AS until, channel, direction, outcome AS state, \
         reason AS subject, note AS text, plan AS reference, ticket_id",
    ),
    (
        "message",
        "created_at",
        "'message' AS kind, id, created_at AS at, due_at AS until, 'sms' AS channel, 'out' AS direction, state, \
         NULL AS subject, CASE WHEN idempotency_key LIKE 'text:%' THEN text END AS text, NULL AS reference, ticket_id",
    ),
    (
        "ticket",
        "created_at",
        "'ticket' AS kind, id, created_at AS at, due_at AS until, NULL AS channel, NULL AS direction, state, \
         category AS subject, result AS text, external_ref AS reference, id AS ticket_id",
    ),
    (
        "follow_up",
        "created_at",
        "'follow-up' AS kind, id, created_at AS at, due_at AS until, NULL AS channel, NULL AS direction, state, \
         reason AS subject, note AS text, owner AS reference, ticket_id",
    ),
    (
        "note",
        "at",
        "'note' AS kind, id, at, at AS until, NULL AS channel, NULL AS direction, NULL AS state, NULL AS subject, \
         text, made_by AS reference, ticket_id",
    ),
    (
        "consent",
        "at",
        "'consent' AS kind, id, at, at AS until, channel, NULL AS direction, \
         CASE WHEN given = 1 THEN 'given' ELSE 'withdrawn' END AS state, kind AS subject, words AS text, \
         noted_by AS reference, NULL AS ticket_id",
    ),
    (
        "attachment",
        "at",
        "'attachment' AS kind, id, at, at AS until, NULL AS channel, \
         CASE WHEN link_id IS NULL THEN 'out' ELSE 'in' END AS direction, NULL AS state, media_type AS subject, \
         name AS text, made_by AS reference, ticket_id",
    ),
    (
        "rebate",
        "returned_at",
        "'rebate' AS kind, id, returned_at AS at, expires_at AS until, NULL AS channel, NULL AS direction, state, \
         activity AS subject, NULL AS text, external_ref AS reference, NULL AS ticket_id",
    ),
];
/// Entries of a page at most.
const PAGE: u32 = 200;

impl Record {
    /// A page of a customer's time line, all channels together, the newest first. `None`: there is no
    /// such customer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn timeline(
        &self,
        customer: CustomerId,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<Option<TimelinePage>, RecordError> {
        let Some(family) = self.family(customer).await? else { return Ok(None) };
        Ok(Some(self.timeline_of(&family, before, limit).await?))
    }

    pub(crate) async fn timeline_of(
        &self,
        family: &Family,
        before: Option<&Cursor>,
        limit: u32,
    ) -> Result<TimelinePage, RecordError> {
        let limit = limit.clamp(1, PAGE) as usize;
        // Ids are letters and digits: nothing sorts behind this one.
        let (at, id) = before.map_or((i64::MAX, "~"), |cursor| (cursor.at, cursor.id.as_str()));
        let mut arms = Vec::new();
        for number in 0..family.ids.len() {
            for (table, time, columns) in ARMS {
                arms.push(format!(
                    "SELECT * FROM (SELECT {columns} FROM {table} WHERE customer_id = ${} \
                     AND ({time}, id) < ($1, $2) ORDER BY {time} DESC, id DESC LIMIT {}) a{}",
                    number + 3,
                    limit + 1,
                    arms.len()
                ));
            }
        }
        let sql = format!(
            "SELECT * FROM ({}) line ORDER BY at DESC, id DESC LIMIT {}",
            arms.join(" UNION ALL "),
            limit + 1
        );
        let mut query = sqlx::query(&sql).persistent(family.ids.len() == 1).bind(at).bind(id);
        for id in &family.ids {
            query = query.bind(id);
        }
        let (rows, now) = (query.fetch_all(&self.readers).await?, self.now());
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let (kind, until) = (row.parsed("kind")?, row.time_or_none("until")?);
            let mut state = row.text_or_none("state")?;
            if kind == EntryKind::Rebate {
                state = Some(state_at(row.parsed("state")?, until, now).word().to_owned());
            }
            entries.push(TimelineEntry {
                kind,
                id: row.text("id")?,
                at: row.time("at")?,
                until,
                channel: row.text_or_none("channel")?,
                direction: row.text_or_none("direction")?,
                state,
                subject: row.text_or_none("subject")?,
                text: row.text_or_none("text")?.map(Pii::new),
                reference: row.text_or_none("reference")?,
                ticket: row.text_or_none("ticket_id")?,
            });
        }
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries
            .last()
            .filter(|_| more)
            .map(|last| Cursor { at: last.at.as_microsecond(), id: last.id.clone() });
        Ok(TimelinePage { entries, next })
    }
}
