//! What a webhook is told of an entry: ids and the firm's own numbers; of people only what it may see.

use hotline_record::{DueDelivery, JournalEvent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What of people a webhook is told besides ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sees {
    /// Customers' names.
    pub names: bool,
    /// Customers' telephone numbers.
    pub numbers: bool,
    /// What callers keyed, secrets masked.
    pub keys: bool,
    /// Logins of those who work here.
    pub staff: bool,
}

/// Fields of entries that name nobody. What is not here is not told: a field that is new is thought about
/// first.
const FIELDS: [&str; 54] = [
    "what",
    "plan",
    "version",
    "step",
    "language",
    "prompt",
    "whole",
    "attempt",
    "outcome",
    "fields",
    "queue",
    "place",
    "minutes",
    "agent",
    "how",
    "code",
    "reason",
    "state",
    "was",
    "category",
    "result-version",
    "waiting",
    "offer",
    "user",
    "until",
    "priority",
    "joined-at",
    "merge",
    "from",
    "into",
    "identity",
    "level",
    "due-at",
    "follow-up",
    "noted",
    "message",
    "ending",
    "rows",
    "kind",
    "at",
    "since",
    "dry-run",
    "created",
    "changed",
    "consent",
    "channel",
    "attachment",
    "media-type",
    "review",
    "change",
    "rebate",
    "rebate-type",
    "activity",
    "article",
];

/// The body that is posted.
pub fn payload(delivery: &DueDelivery, event: &JournalEvent, sees: &Sees) -> Value {
    let mut data = Map::new();
    data.insert("seq".into(), event.seq.into());
    let facts = [
        ("customer-id", &event.customer_id),
        ("customer-ref", &delivery.customer_ref),
        ("interaction-id", &event.interaction_id),
        ("ticket-id", &event.ticket_id),
        ("ticket-ref", &delivery.ticket_ref),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            data.insert(name.into(), fact.as_str().into());
        }
    }
    if let Some(name) = delivery.name.as_ref().filter(|_| sees.names) {
        data.insert("customer-name".into(), name.expose().as_str().into());
    }
    if let Some(phone) = delivery.phone.as_ref().filter(|_| sees.numbers) {
        data.insert("customer-phone".into(), phone.expose().as_str().into());
    }
    let told = |name: &str| {
        FIELDS.contains(&name)
            || (sees.keys && name == "keys")
            || (sees.staff && matches!(name, "by" | "owner"))
    };
    if let Value::Object(body) = &event.body {
        let body: Map<String, Value> = body
            .iter()
            .filter(|(name, _)| told(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        data.insert("body".into(), body.into());
    }
    json!({ "type": event.type_name, "timestamp": event.occurred_at.to_string(), "data": data })
}
