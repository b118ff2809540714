//! What an export lists: everything, however much it is. Lists that pages show are cut; these are not.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::CustomerId;
use serde_json::{Value, json};
use sqlx::any::AnyRow;

use super::{contact, without_codes};
use crate::customers::ContactView;
use crate::follow_ups::FollowUp;
use crate::rebates::{self, RebateRow};
use crate::sql::{Columns, FAMILY};
use crate::{Record, RecordError};

/// The lists of a customer's export.
pub(super) struct Lists {
    pub rebates: Vec<Value>,
    pub consents: Vec<Value>,
    pub attachments: Vec<Value>,
    pub reviews: Vec<Value>,
    pub notes: Vec<Value>,
    pub written: Vec<Value>,
    pub decisions: Vec<Value>,
    pub attempts: Vec<Value>,
    pub words: Words,
}

/// How a row is told.
type Told = fn(&AnyRow) -> Result<Value, RecordError>;

/// What was written beside contacts and follow-ups, by their ids.
#[derive(Default)]
pub(super) struct Words {
    /// What a customer wrote in a text message, or a plan noted in a call.
    contacts: BTreeMap<String, String>,
    /// What agents wrote down about a call.
    wrap_ups: BTreeMap<String, Vec<Value>>,
    /// Why they were not content, as an agent found.
    found: BTreeMap<String, Value>,
    /// The words and the number of a follow-up.
    follow_ups: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl Words {
    /// A contact with what was written in it and about it.
    pub fn contact(&self, view: &ContactView) -> Value {
        let mut told = contact(view);
        told["ticket"] = json!(view.ticket);
        told["note"] = json!(self.contacts.get(&view.id));
        told["wrap-ups"] = json!(self.wrap_ups.get(&view.id).map_or(&[][..], Vec::as_slice));
        told["dissatisfaction"] = json!(self.found.get(&view.id));
        told
    }

    /// A follow-up with its words.
    pub fn follow_up(&self, one: &FollowUp) -> Value {
        let mut told = json!(one);
        if let Some((note, phone)) = self.follow_ups.get(&one.id) {
            told["note"] = json!(note);
            told["phone"] = json!(phone);
        }
        told
    }
}

const CONSENTS: &str = "SELECT id, kind, given, channel, interaction_id, event_seq, words, words_version, noted_by, at \
    FROM consent WHERE customer_id IN {family} ORDER BY at DESC, id DESC";
const ATTACHMENTS: &str = "SELECT a.id, a.name, a.media_type, a.bytes, a.sha256, a.file, a.ticket_id, a.interaction_id, \
    a.made_by, a.at FROM attachment a JOIN customer c ON c.id = a.customer_id WHERE a.customer_id IN {family} \
    AND c.erased_at IS NULL ORDER BY a.at DESC, a.id DESC";
/// A draft is its reviewer's alone.
const REVIEWS: &str = "SELECT r.id, r.interaction_id, t.parent_id, r.scores, r.note, r.state, r.answer, r.made_at \
    FROM review r JOIN interaction t ON t.id = r.interaction_id WHERE r.state <> 'draft' AND t.parent_id IN \
    (SELECT id FROM interaction WHERE customer_id IN {family}) ORDER BY r.made_at DESC, r.id DESC";
const NOTES: &str = "SELECT id, text, made_by, at FROM note WHERE customer_id IN {family} ORDER BY at, id";
const WRITTEN: &str = "SELECT w.call_id, w.name, w.text, w.at FROM caller_words w JOIN interaction i ON i.id = w.call_id \
    WHERE i.customer_id IN {family} AND w.text IS NOT NULL ORDER BY w.at, w.name";
const DECISIONS: &str = "SELECT type, ticket_id, interaction_id, occurred_at, body FROM event \
    WHERE customer_id IN {family} AND type LIKE 'campaign.%' ORDER BY seq";
const ATTEMPTS: &str = "SELECT call_id, ticket_id, policy, channel, number, at, answered_at, ended_at, disposition \
    FROM campaign_attempt WHERE customer_id IN {family} ORDER BY at, call_id";
const CONTACTS: &str =
    "SELECT id, note FROM interaction WHERE customer_id IN {family} AND note IS NOT NULL ORDER BY id";
const WRAP_UPS: &str = "SELECT w.interaction_id, w.reason, w.note, w.made_by, w.at FROM wrap_up w \
    JOIN interaction i ON i.id = w.interaction_id WHERE i.customer_id IN {family} ORDER BY w.at, w.made_by";
const FOUND: &str = "SELECT d.interaction_id, d.reason, d.note, d.made_by, d.at FROM dissatisfaction d \
    JOIN interaction i ON i.id = d.interaction_id WHERE i.customer_id IN {family}";
const FOLLOW_UPS: &str = "SELECT id, note, phone FROM follow_up WHERE customer_id IN {family}";
const DAY: i64 = 86_400_000_000;

impl Record {
    /// All of a customer's lists; `codes` stand in none of their words.
    pub(super) async fn lists_of(&self, id: CustomerId, codes: &[String]) -> Result<Lists, RecordError> {
        Ok(Lists {
            rebates: self.all_rebates(id).await?,
            consents: self.all_consents(id).await?,
            attachments: self.listed(id, ATTACHMENTS, attachment).await?,
            reviews: self.listed(id, REVIEWS, review).await?,
            notes: self.listed(id, NOTES, note).await?,
            written: self.listed(id, WRITTEN, written).await?,
            decisions: self.listed(id, DECISIONS, decision).await?,
            attempts: self.listed(id, ATTEMPTS, attempt).await?,
            words: self.words(id, codes).await?,
        })
    }

    /// The rows of a customer's family that a statement asks for.
    async fn family_rows(&self, id: CustomerId, sql: &str) -> Result<Vec<AnyRow>, RecordError> {
        let sql = sql.replace("{family}", FAMILY);
        Ok(sqlx::query(&sql).bind(id.to_string()).fetch_all(&self.readers).await?)
    }

    /// Those rows, each as it is told.
    async fn listed(&self, id: CustomerId, sql: &str, told: Told) -> Result<Vec<Value>, RecordError> {
        self.family_rows(id, sql).await?.iter().map(told).collect()
    }

    async fn all_consents(&self, id: CustomerId) -> Result<Vec<Value>, RecordError> {
        let mut kinds = BTreeSet::new();
        let rows = self.family_rows(id, CONSENTS).await?;
        rows.iter()
            .map(|row| {
                let mut told = consent(row)?;
                told["current"] = json!(kinds.insert(row.text("kind")?));
                Ok(told)
            })
            .collect()
    }

    async fn all_rebates(&self, id: CustomerId) -> Result<Vec<Value>, RecordError> {
        let sql = format!(
            "SELECT {}, {} FROM rebate WHERE customer_id IN {FAMILY} AND phone <> '' \
             ORDER BY returned_at DESC, id DESC",
            rebates::COLUMNS,
            rebates::RESENT
        );
        let rows = sqlx::query(&sql)
            .bind(id.to_string())
            .bind(self.now_micros() - DAY)
            .fetch_all(&self.readers)
            .await?;
        let now = self.now();
        let told = |rebate: RebateRow| {
            json!({ "id": rebate.id, "external-ref": rebate.external_ref, "activity": rebate.activity,
                "type": rebate.kind, "face-value": rebate.face_value.to_string(),
                "currency": rebate.face_value.currency, "quantity": rebate.quantity, "state": rebate.state_at(now),
                "returned-at": rebate.returned_at, "used-at": rebate.used_at, "expires-at": rebate.expires_at,
                "text": rebate.text.as_ref().map(|text| text.expose()), "resends": rebate.resends })
        };
        rows.iter().map(|row| RebateRow::from_row(row).map(told)).collect()
    }

    async fn words(&self, id: CustomerId, codes: &[String]) -> Result<Words, RecordError> {
        let hidden = |text: String| without_codes(&text, codes.iter().cloned());
        let mut words = Words::default();
        for row in self.family_rows(id, CONTACTS).await? {
            words.contacts.insert(row.text("id")?, hidden(row.text("note")?));
        }
        for row in self.family_rows(id, WRAP_UPS).await? {
            let note = row.text_or_none("note")?.map(hidden);
            let told = json!({ "reason": row.text("reason")?, "note": note, "by": row.text("made_by")?,
                "at": row.time("at")? });
            words.wrap_ups.entry(row.text("interaction_id")?).or_default().push(told);
        }
        for row in self.family_rows(id, FOUND).await? {
            let note = row.text_or_none("note")?.map(hidden);
            let told = json!({ "reason": row.text("reason")?, "note": note, "by": row.text("made_by")?,
                "at": row.time("at")? });
            words.found.insert(row.text("interaction_id")?, told);
        }
        for row in self.family_rows(id, FOLLOW_UPS).await? {
            let written = (row.text_or_none("note")?.map(hidden), row.text_or_none("phone")?);
            words.follow_ups.insert(row.text("id")?, written);
        }
        Ok(words)
    }
}

fn consent(row: &AnyRow) -> Result<Value, RecordError> {
    let state = if row.int("given")? == 1 { "given" } else { "withdrawn" };
    Ok(
        json!({ "id": row.text("id")?, "kind": row.text("kind")?, "state": state, "channel": row.text("channel")?,
        "interaction": row.text_or_none("interaction_id")?, "event": row.int_or_none("event_seq")?,
        "words": row.text_or_none("words")?, "words-version": row.text_or_none("words_version")?,
        "noted-by": row.text("noted_by")?, "at": row.time("at")? }),
    )
}

fn attachment(row: &AnyRow) -> Result<Value, RecordError> {
    Ok(json!({ "id": row.text("id")?, "name": row.text("name")?, "media-type": row.text("media_type")?,
        "bytes": row.number("bytes")?, "sha256": row.text("sha256")?, "file": row.text("file")?,
        "ticket": row.text_or_none("ticket_id")?, "interaction": row.text_or_none("interaction_id")?,
        "by": row.text("made_by")?, "at": row.time("at")? }))
}

fn review(row: &AnyRow) -> Result<Value, RecordError> {
    let scores: Value = serde_json::from_str(&row.text("scores")?).unwrap_or_default();
    Ok(
        json!({ "id": row.text("id")?, "talk": row.text("interaction_id")?, "call": row.text_or_none("parent_id")?,
        "scores": scores, "state": row.text("state")?, "note": row.text_or_none("note")?,
        "answer": row.text_or_none("answer")?, "at": row.time("made_at")? }),
    )
}

fn note(row: &AnyRow) -> Result<Value, RecordError> {
    Ok(
        json!({ "id": row.text("id")?, "text": row.text("text")?, "by": row.text("made_by")?, "at": row.time("at")? }),
    )
}

fn written(row: &AnyRow) -> Result<Value, RecordError> {
    Ok(json!({ "contact": row.text("call_id")?, "name": row.text("name")?, "text": row.text("text")?,
        "at": row.time("at")? }))
}

/// A decision of the scheduler about whom the firm calls.
fn decision(row: &AnyRow) -> Result<Value, RecordError> {
    let body: Value = serde_json::from_str(&row.text("body")?).unwrap_or_default();
    Ok(json!({ "at": row.time("occurred_at")?, "verdict": row.text("type")?.trim_start_matches("campaign."),
        "policy": body["policy"], "why": body["why"].as_str().or(body["how"].as_str()),
        "ticket": row.text_or_none("ticket_id")?, "contact": row.text_or_none("interaction_id")? }))
}

/// A call or a message by which the firm tried to reach the customer.
fn attempt(row: &AnyRow) -> Result<Value, RecordError> {
    Ok(
        json!({ "contact": row.text("call_id")?, "ticket": row.text("ticket_id")?, "policy": row.text("policy")?,
        "channel": row.text("channel")?, "number": row.int("number")?, "at": row.time("at")?,
        "answered-at": row.time_or_none("answered_at")?, "ended-at": row.time_or_none("ended_at")?,
        "disposition": row.text_or_none("disposition")? }),
    )
}
