//! What the API shows: numbers masked unless the asker may see them, secrets never.

use hotline_model::{PhoneNumber, Pii};
use hotline_record::{
    ContactView, CustomerView, Dissatisfaction, FollowUp, IdentityView, JournalEvent, Message, Talk,
    TicketRow, WrapUp,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A customer on one page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CustomerPage {
    id: String,
    name: Option<String>,
    language: Option<String>,
    identities: Vec<IdentityRow>,
    tickets: Vec<TicketSummary>,
    messages: Vec<MessageSummary>,
    #[schema(value_type = Vec<Object>)]
    follow_ups: Vec<FollowUp>,
    contacts: Vec<CallPage>,
}

/// A way to reach or recognise a customer.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentityRow {
    id: String,
    kind: String,
    value: String,
    /// `claimed`, `observed` or `verified`.
    level: String,
}

/// An identity, masked unless the asker may see numbers.
pub fn identity(identity: IdentityView, shown: bool) -> IdentityRow {
    let value = address(identity.value, shown);
    IdentityRow { id: identity.id, kind: identity.kind, value, level: identity.level }
}

/// Anything else with its middle hidden: its first and last two characters, if there are more.
fn masked(text: &str) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() < 8 {
        return "••••".into();
    }
    let ends = |from: &[char]| from.iter().collect::<String>();
    format!("{}••••{}", ends(&all[..2]), ends(&all[all.len() - 2..]))
}

/// A ticket without its code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TicketSummary {
    id: String,
    external_ref: String,
    state: String,
    category: Option<String>,
    result: Option<String>,
    result_version: i64,
    speech_ready: bool,
    notified_at: Option<String>,
    heard_at: Option<String>,
    /// By when it is to be settled.
    due_at: Option<String>,
    /// Whose login works on it.
    owner: Option<String>,
    created_at: String,
    /// Also the ETag.
    pub(crate) version: i64,
}

/// A message without its text, which holds the code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MessageSummary {
    id: String,
    to: String,
    state: String,
    due_at: String,
    attempts: i64,
}

/// A call with its path.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CallPage {
    id: String,
    channel: String,
    direction: String,
    started_at: String,
    ended_at: Option<String>,
    plan: Option<String>,
    plan_version: Option<String>,
    language: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
    known_by: Option<String>,
    ending: Option<String>,
    recording: Option<String>,
    customer: Option<String>,
    ticket: Option<String>,
    /// The call that it goes on from: a call back, from the one in which it was asked for.
    parent: Option<String>,
    /// The first of all that go on from one another: its own id, if it goes on from none.
    root: String,
    #[schema(value_type = Vec<Object>)]
    path: Vec<JournalEvent>,
    /// The agents who talked in it, in order: each talk is an interaction below the call's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    talks: Vec<TalkRow>,
    /// The number it came from, masked unless one may see numbers; told of one call only.
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    /// What agents wrote down about it; told of one call only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    wrap_ups: Vec<WrapUpRow>,
    /// Why the customer was not content, as a human found; told of one call only.
    #[serde(skip_serializing_if = "Option::is_none")]
    dissatisfaction: Option<WrapUpRow>,
}

/// A talk of an agent in a call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TalkRow {
    id: String,
    agent: String,
    started_at: String,
    /// `null`: they talk.
    ended_at: Option<String>,
    /// What it was about, by the agent's wrap-up.
    reason: Option<String>,
}

impl From<Talk> for TalkRow {
    fn from(talk: Talk) -> Self {
        Self {
            id: talk.id,
            agent: talk.agent.to_string(),
            started_at: talk.started_at.to_string(),
            ended_at: talk.ended_at.map(|at| at.to_string()),
            reason: talk.reason,
        }
    }
}

/// What an agent wrote down about a call.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrapUpRow {
    reason: String,
    note: Option<String>,
    by: String,
    at: String,
}

impl From<WrapUp> for WrapUpRow {
    fn from(row: WrapUp) -> Self {
        Self {
            reason: row.reason,
            note: row.note.map(|text| text.into_exposed()),
            by: row.made_by,
            at: row.at.to_string(),
        }
    }
}

/// A number or another address that was called from, masked unless the asker may see it.
pub fn address(value: Pii<String>, shown: bool) -> String {
    match value.expose().parse::<PhoneNumber>() {
        Ok(phone) => number(&phone, shown),
        Err(_) if shown => value.into_exposed(),
        Err(_) => masked(value.expose()),
    }
}

impl CallPage {
    /// The same with the number it came from.
    #[must_use]
    pub fn with_caller(self, caller: Option<Pii<String>>, shown: bool) -> Self {
        Self { caller: caller.map(|value| address(value, shown)), ..self }
    }

    /// The same with why the customer was not content.
    #[must_use]
    pub fn with_dissatisfaction(self, row: Option<Dissatisfaction>) -> Self {
        let told = |row: Dissatisfaction| WrapUpRow {
            reason: row.reason,
            note: row.note.map(|text| text.into_exposed()),
            by: row.made_by,
            at: row.at.to_string(),
        };
        Self { dissatisfaction: row.map(told), ..self }
    }

    /// The same with what agents wrote down.
    #[must_use]
    pub fn with_wrap_ups(self, rows: Vec<WrapUp>) -> Self {
        Self { wrap_ups: rows.into_iter().map(WrapUpRow::from).collect(), ..self }
    }
}

fn number(number: &PhoneNumber, shown: bool) -> String {
    if shown { number.e164().to_owned() } else { number.masked() }
}

impl CustomerPage {
    pub fn new(view: CustomerView, shown: bool) -> Self {
        let identities = view.identities.into_iter().map(|one| identity(one, shown)).collect();
        Self {
            id: view.id.to_string(),
            name: view.name.map(|name| name.into_exposed()),
            language: view.language.map(|language| language.to_string()),
            identities,
            tickets: view.tickets.into_iter().map(TicketSummary::from).collect(),
            messages: view.messages.into_iter().map(|message| MessageSummary::new(&message, shown)).collect(),
            follow_ups: view.follow_ups,
            contacts: view.contacts.into_iter().map(CallPage::from).collect(),
        }
    }
}

impl From<TicketRow> for TicketSummary {
    fn from(row: TicketRow) -> Self {
        Self {
            id: row.id.to_string(),
            external_ref: row.external_ref,
            state: row.state.to_string(),
            category: row.category,
            speech_ready: row.result_version > 0 && row.spoken_version == row.result_version,
            result: row.result,
            result_version: row.result_version,
            notified_at: row.notified_at.map(|at| at.to_string()),
            heard_at: row.heard_at.map(|at| at.to_string()),
            due_at: row.due_at.map(|at| at.to_string()),
            owner: row.owner,
            created_at: row.created_at.to_string(),
            version: row.version,
        }
    }
}

impl MessageSummary {
    fn new(message: &Message, shown: bool) -> Self {
        Self {
            id: message.id.to_string(),
            to: number(&message.recipient, shown),
            state: message.state.word().to_owned(),
            due_at: message.due_at.to_string(),
            attempts: message.attempts,
        }
    }
}

impl From<ContactView> for CallPage {
    fn from(view: ContactView) -> Self {
        Self {
            id: view.id,
            channel: view.channel,
            direction: view.direction,
            started_at: view.started_at.to_string(),
            ended_at: view.ended_at.map(|at| at.to_string()),
            plan: view.plan,
            plan_version: view.plan_version,
            language: view.language.map(|language| language.to_string()),
            outcome: view.outcome,
            reason: view.reason,
            known_by: view.known_by,
            ending: view.ending,
            recording: view.recording,
            customer: view.customer.map(|id| id.to_string()),
            ticket: view.ticket,
            parent: view.parent,
            root: view.root,
            path: view.path,
            talks: view.talks.into_iter().map(TalkRow::from).collect(),
            caller: None,
            wrap_ups: Vec::new(),
            dissatisfaction: None,
        }
    }
}
