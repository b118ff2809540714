//! A customer's data handed out: everything as JSON, and a contact as a vCon
//! (draft-ietf-vcon-vcon-core-04 of September 2026, version 0.4.0 of its syntax; section numbers are its).
//!
//! Where it goes its own way: a recording is named and not contained (§4.3.10 SHOULD), because it lies on the disk of
//! the server that the call ran on; the `uuid` is made of the contact's id and not of a time and a host's name (§4.1.2
//! SHOULD), so that it is the same in every export.

use hotline_model::{CustomerId, Language};
use serde_json::{Value, json};

use crate::customers::ContactView;
use crate::sql::Columns;
use crate::talks::Talk;
use crate::{Record, RecordError};

mod lists;

/// Contacts in one export: a firm with more asks for them one by one.
const CONTACTS: u32 = 10_000;

impl Record {
    /// Everything that is known of a customer, numbers whole and texts of messages included, codes and
    /// secrets not. `None`: there is no such customer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn export_customer(&self, id: CustomerId) -> Result<Option<Value>, RecordError> {
        let Some(card) = self.card(id).await? else { return Ok(None) };
        let Some(view) = self.find_customer(card.id, CONTACTS).await? else { return Ok(None) };
        let now = self.now();
        let codes: Vec<String> = view.tickets.iter().map(|ticket| ticket.code.digits()).collect();
        let lists = self.lists_of(card.id, &codes).await?;
        let answers = self.answers_of(card.id, CONTACTS).await?;
        Ok(Some(json!({
            "id": card.id,
            "external-ref": card.external_ref,
            "exported-at": now,
            "name": card.name.as_ref().map(|name| name.expose()),
            "language": card.language.map(Language::tag),
            "tier": card.tier,
            "do-not-call": card.do_not_call,
            "erased-at": card.erased_at,
            "tags": card.tags,
            "attributes": card.attributes.into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            "identities": view.identities.iter().map(|one| json!({ "kind": one.kind, "value": one.value.expose(),
                "level": one.level })).collect::<Vec<_>>(),
            "tickets": view.tickets.iter().map(|ticket| json!({ "id": ticket.id,
                "external-ref": ticket.external_ref, "state": ticket.state, "category": ticket.category,
                "outcome": ticket.outcome, "result": ticket.result, "created-at": ticket.created_at,
                "due-at": ticket.due_at, "notified-at": ticket.notified_at, "heard-at": ticket.heard_at })).collect::<Vec<_>>(),
            "rebates": lists.rebates,
            "messages": view.messages.iter().map(|message| {
                let text = without_codes(message.text.expose(), codes.iter().cloned());
                json!({ "id": message.id, "to": message.recipient.e164(), "text": text,
                    "state": message.state, "due-at": message.due_at })
            }).collect::<Vec<_>>(),
            "follow-ups": view.follow_ups.iter().map(|one| lists.words.follow_up(one)).collect::<Vec<_>>(),
            "consents": lists.consents,
            "attachments": lists.attachments,
            "reviews": lists.reviews,
            "notes": lists.notes,
            "answers": answers,
            "written": lists.written,
            "campaign-decisions": lists.decisions,
            "campaign-attempts": lists.attempts,
            "contacts": view.contacts.iter().map(|one| lists.words.contact(one)).collect::<Vec<_>>(),
            "merges": self.merges_of(card.id).await?,
            "looked-at": self.accesses_of(card.id, CONTACTS).await?,
        })))
    }

    /// A contact as a vCon, with the numbers of its parties. `None`: there is no such contact.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn export_vcon(&self, interaction: &str) -> Result<Option<Value>, RecordError> {
        let Some(view) = self.find_contact(interaction).await? else { return Ok(None) };
        let row = sqlx::query(
            "SELECT n.dialled, i.kind, i.value, c.name FROM interaction n LEFT JOIN identity i ON i.id = n.identity_id \
             LEFT JOIN customer c ON c.id = n.customer_id WHERE n.id = $1",
        )
        .bind(interaction)
        .fetch_one(&self.readers)
        .await?;
        let mut caller = json!({ "type": "person" });
        if row.text_or_none("kind")?.as_deref() == Some("phone") {
            caller["tel"] = json!(row.text_or_none("value")?);
        }
        if let Some(name) = row.text_or_none("name")? {
            caller["name"] = json!(name);
            // §4.2.7: how the name is known, not by what.
            caller["validation"] = json!(view.known_by.as_deref().unwrap_or("none"));
        }
        let house = some(json!({ "type": "bot", "tel": row.text("dialled")?, "name": view.plan }));
        let seconds = view.ended_at.map(|end| end.duration_since(view.started_at).as_secs_f64());
        // The contact as a whole, and its recording, if there is one.
        let recordings: Vec<usize> = view.recording.iter().map(|_| 1).collect();
        let mut dialog =
            vec![some(json!({ "type": "recording-set", "start": view.started_at, "duration": seconds,
            "parties": [0, 1], "recordings": recordings, "application": view.channel }))];
        dialog.extend(view.recording.iter().map(|recording| {
            some(
                json!({ "type": "recording", "start": view.started_at, "duration": seconds, "parties": [0, 1],
                "recording_set": 0, "mediatype": "audio/x-wav", "filename": recording }),
            )
        }));
        Ok(Some(some(json!({
            "vcon": "0.4.0",
            "uuid": uuid(interaction),
            "created_at": view.started_at,
            "updated_at": self.now(),
            "subject": view.reason,
            "parties": [caller, house],
            "dialog": dialog,
            "attachments": [{ "purpose": "path", "start": view.started_at, "party": 1, "dialog": 0,
                "mediatype": "application/json", "encoding": "json", "body": contact(&view) }],
        }))))
    }
}

/// The same without what is not known: a parameter is there or it is not.
fn some(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.retain(|_, value| !value.is_null());
    }
    object
}

/// A text without the codes that stand in it: they open the way to a result.
fn without_codes(text: &str, codes: impl Iterator<Item = String>) -> String {
    codes.fold(text.to_owned(), |text, code| text.replace(&code, "•••••••••"))
}

fn contact(view: &ContactView) -> Value {
    json!({ "id": view.id, "channel": view.channel, "direction": view.direction, "started-at": view.started_at,
        "ended-at": view.ended_at, "plan": view.plan, "plan-version": view.plan_version,
        "language": view.language.map(Language::tag), "outcome": view.outcome, "reason": view.reason,
        "known-by": view.known_by, "ending": view.ending, "recording": view.recording, "parent": view.parent,
        "root": view.root, "path": view.path, "talks": view.talks.iter().map(talk).collect::<Vec<_>>() })
}

fn talk(talk: &Talk) -> Value {
    json!({ "id": talk.id, "agent": talk.agent.to_string(), "started-at": talk.started_at,
        "ended-at": talk.ended_at, "reason": talk.reason })
}

/// A UUID of version 8 (RFC 9562 §5.8) that is always the same for an id.
fn uuid(id: &str) -> String {
    let hash = crate::users::hash_of(id);
    let (version, variant) = (8, ["8", "9", "a", "b"][usize::from(hash.as_bytes()[16] % 4)]);
    format!(
        "{}-{}-{version}{}-{variant}{}-{}",
        &hash[..8],
        &hash[8..12],
        &hash[13..16],
        &hash[17..20],
        &hash[20..32]
    )
}
