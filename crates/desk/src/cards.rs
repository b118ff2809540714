//! One customer on one page: the card, the time line, and finding them.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hotline_model::{CustomerId, PhoneNumber};
use hotline_record::{Access, Alert, Card, Consent, Cursor, FollowUp, Hits, Merge, Role, TimelineEntry};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, versioned};
use crate::pop::{Facts, PopUrl};
use crate::views::{CallPage, IdentityRow, TicketSummary, identity};

/// A customer, what is open, and what goes on at this moment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct CardPage {
    /// The journal's newest entry before this was read: follow `GET /api/v1/events?after=` from here.
    seq: i64,
    /// Another than the one asked for if that was merged into it.
    id: String,
    /// Counts changes of the customer's own data. Also the ETag.
    pub(crate) version: i64,
    name: Option<String>,
    language: Option<String>,
    tier: Option<String>,
    do_not_call: bool,
    erased_at: Option<String>,
    tags: Vec<String>,
    #[schema(value_type = Object)]
    attributes: serde_json::Map<String, serde_json::Value>,
    identities: Vec<IdentityRow>,
    /// The most pressing first: `kind` is `ticket-overdue`, `follow-up-overdue` or `repeat-contact`.
    #[schema(value_type = Vec<Object>)]
    alerts: Vec<Alert>,
    open_tickets: Vec<TicketSummary>,
    #[schema(value_type = Vec<Object>)]
    open_follow_ups: Vec<FollowUp>,
    /// Contacts that go on, each with its path so far.
    live: Vec<CallPage>,
    last_contact_at: Option<String>,
    /// What they agreed to or refused, the newest of each kind.
    #[schema(value_type = Vec<Object>)]
    consents: Vec<Consent>,
    /// The firm's own page about them, where the operator has named one (`desk.pop-url`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pop_url: Option<String>,
}

impl CardPage {
    fn new(card: Card, shown: bool, pop: Option<&PopUrl>) -> Self {
        let pop_url = pop.filter(|_| card.erased_at.is_none()).map(|pop| pop.fill(&pop_facts(&card, shown)));
        Self {
            pop_url,
            seq: card.seq,
            id: card.id.to_string(),
            version: card.version,
            name: card.name.map(|name| name.into_exposed()),
            language: card.language.map(|language| language.to_string()),
            tier: card.tier,
            do_not_call: card.do_not_call,
            erased_at: card.erased_at.map(|at| at.to_string()),
            tags: card.tags,
            attributes: card.attributes.into_iter().map(|(name, value)| (name, value.into())).collect(),
            identities: card.identities.into_iter().map(|one| identity(one, shown)).collect(),
            alerts: card.alerts,
            open_tickets: card.open_tickets.into_iter().map(TicketSummary::from).collect(),
            open_follow_ups: card.open_follow_ups,
            live: card.live.into_iter().map(CallPage::from).collect(),
            consents: card.consents,
            last_contact_at: card.last_contact_at.map(|at| at.to_string()),
        }
    }
}

/// What the address of the firm's own page may tell: a number to those alone who may see it.
fn pop_facts(card: &Card, shown: bool) -> Facts<'_> {
    let live = card.live.first();
    let about = live.and_then(|call| call.ticket.as_deref());
    let ticket = card.open_tickets.iter().find(|one| about == Some(one.id.to_string().as_str()));
    Facts {
        reference: card.external_ref.as_deref(),
        customer: card.id.to_string(),
        number: card
            .identities
            .iter()
            .find(|one| shown && one.kind == "phone")
            .map(|one| one.value.expose().as_str()),
        // The call's own may be closed: then it is none of the open ones.
        ticket: ticket
            .or(card.open_tickets.first().filter(|_| about.is_none()))
            .map(|one| one.external_ref.as_str()),
        call: live.map(|call| call.id.as_str()),
    }
}

pub(crate) fn customer_id(text: &str) -> Result<CustomerId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("customer"))
}

/// A customer's card: who this is, what is open, what must not be overlooked, what goes on now.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/card", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = CardPage), (status = 404, body = Problem))
)]
pub async fn card(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let card = card_of(&desk, &asker, customer_id(&id)?).await?;
    Ok(versioned(card.version, card))
}

/// A customer's card as the asker may see it; the look is logged.
pub(crate) async fn card_of(desk: &Desk, asker: &Asker, id: CustomerId) -> Result<CardPage, ApiError> {
    let card = desk.record.card(id).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    desk.record.log_access(&asker.name, card.id, "card").await?;
    Ok(CardPage::new(card, asker.sees_numbers, desk.pop_url.as_deref()))
}

/// Which page of a time line is wanted.
#[derive(Deserialize, IntoParams)]
pub struct PageAsked {
    /// The `next` of the page before.
    before: Option<String>,
    /// At most this many, 200 at most. Default 50.
    limit: Option<u32>,
}

/// A page of a time line.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    /// The newest first.
    entries: Vec<TimelineRow>,
    /// `before` of the next page; absent: this was the last.
    next: Option<String>,
}

/// One entry. Which fields there are depends on its kind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct TimelineRow {
    /// `contact`, `message`, `ticket`, `follow-up`, `note` or `rebate`.
    kind: String,
    id: String,
    at: String,
    /// When it ended or is due; of a contact absent: it goes on.
    until: Option<String>,
    channel: Option<String>,
    direction: Option<String>,
    /// A contact's outcome; a message's, ticket's, follow-up's or rebate's state.
    state: Option<String>,
    /// A contact's or follow-up's reason, a ticket's category, a rebate's activity.
    subject: Option<String>,
    /// A ticket's result, the words of a note.
    text: Option<String>,
    /// A contact's plan, a ticket's or rebate's number, who wrote a note or keeps a follow-up.
    reference: Option<String>,
    ticket: Option<String>,
}

impl From<TimelineEntry> for TimelineRow {
    fn from(entry: TimelineEntry) -> Self {
        let kind = serde_json::to_value(entry.kind).ok();
        Self {
            kind: kind.and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
            id: entry.id,
            at: entry.at.to_string(),
            until: entry.until.map(|at| at.to_string()),
            channel: entry.channel,
            direction: entry.direction,
            state: entry.state,
            subject: entry.subject,
            text: entry.text.map(|text| text.into_exposed()),
            reference: entry.reference,
            ticket: entry.ticket,
        }
    }
}

/// What happened with a customer on all channels, the newest first. A contact's path is at
/// `/api/v1/calls/{id}`.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/timeline", tag = "customers", params(("id" = String, Path), PageAsked),
    responses((status = 200, body = Timeline), (status = 400, body = Problem), (status = 404, body = Problem))
)]
pub async fn timeline(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Asked(page): Asked<PageAsked>,
) -> Result<Json<Timeline>, ApiError> {
    asker.serves()?;
    let before: Option<Cursor> = match &page.before {
        Some(text) => Some(text.parse().map_err(|()| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "bad-query",
                "before: send the `next` of a page as it came",
            )
        })?),
        None => None,
    };
    let id = customer_id(&id)?;
    let found = desk.record.timeline(id, before.as_ref(), page.limit.unwrap_or(50)).await?;
    let found = found.ok_or_else(|| ApiError::not_found("customer"))?;
    if before.is_none() {
        desk.record.log_access(&asker.name, id, "timeline").await?;
    }
    let entries = found.entries.into_iter().map(TimelineRow::from).collect();
    Ok(Json(Timeline { entries, next: found.next.map(|cursor| cursor.to_string()) }))
}

/// What is looked for.
#[derive(Deserialize, IntoParams)]
pub struct Question {
    /// Words of names, tickets, notes and rebates' activities; a number or its last four digits or more.
    q: String,
    /// At most this many, 50 at most. Default 20.
    limit: Option<u32>,
}

/// Something that was found.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct HitRow {
    /// `customer`, `ticket`, `note` or `rebate`.
    kind: String,
    id: String,
    customer: String,
    name: Option<String>,
    /// A ticket's or rebate's number, or whoever wrote a note.
    title: Option<String>,
    /// The first 200 characters of what a ticket or a note says.
    text: Option<String>,
    at: String,
}

/// Finds customers, tickets, notes and rebates, the newest first, in Chinese and English.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "customers", params(Question),
    responses(
        (status = 200, body = Vec<HitRow>, headers(("Hotline-More" = String,
            description = "`true` if there may be older ones: a further word brings them up"))),
        (status = 400, body = Problem),
    )
)]
pub async fn search(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(question): Asked<Question>,
) -> Result<Response, ApiError> {
    asker.serves()?;
    let Hits { hits, more } = desk.record.search(&question.q, question.limit.unwrap_or(20)).await?;
    desk.record.log_accesses(&asker.name, hits.iter().map(|hit| hit.customer), "search").await?;
    let row = |hit: hotline_record::Hit| HitRow {
        kind: hit.kind,
        id: hit.id,
        customer: hit.customer.to_string(),
        name: hit.name.map(|name| name.into_exposed()),
        title: hit.title,
        text: hit.text.map(|text| text.expose().chars().take(200).collect()),
        at: hit.at.to_string(),
    };
    let hits: Vec<HitRow> = hits.into_iter().map(row).collect();
    let more = if more { "true" } else { "false" };
    Ok(([("hotline-more", more)], Json(hits)).into_response())
}

/// The number in question.
#[derive(Deserialize, IntoParams)]
pub struct Number {
    /// A telephone number in any spelling; `+` is written `%2B`.
    phone: String,
}

/// A customer whom a number may belong to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct MatchRow {
    customer: String,
    name: Option<String>,
    /// `verified`, `observed` or `claimed`.
    level: String,
    method: String,
    last_contact: Option<String>,
    open_tickets: i64,
}

/// The customers a number may belong to, the likeliest first.
#[utoipa::path(
    get, path = "/api/v1/matches", tag = "customers", params(Number),
    responses((status = 200, body = Vec<MatchRow>), (status = 400, body = Problem))
)]
pub async fn matches(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(asked): Asked<Number>,
) -> Result<Json<Vec<MatchRow>>, ApiError> {
    asker.serves()?;
    let phone = PhoneNumber::parse(&asked.phone).map_err(|_| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-number",
            "phone: not a telephone number; write 13800138000",
        )
    })?;
    Ok(Json(matches_of(&desk, &asker, &phone).await?))
}

/// The customers a number may belong to, the likeliest first; each look is logged.
pub(crate) async fn matches_of(
    desk: &Desk,
    asker: &Asker,
    phone: &PhoneNumber,
) -> Result<Vec<MatchRow>, ApiError> {
    let found = desk.record.find_matches(phone).await?;
    desk.record.log_accesses(&asker.name, found.iter().map(|one| one.customer), "match").await?;
    let row = |one: hotline_record::Match| MatchRow {
        customer: one.customer.to_string(),
        name: one.name.map(|name| name.into_exposed()),
        level: one.level.word().to_owned(),
        method: one.method,
        last_contact: one.last_contact.map(|at| at.to_string()),
        open_tickets: one.open_tickets,
    };
    Ok(found.into_iter().map(row).collect())
}

/// Who looked at a customer, the newest first. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/access-log", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 403, body = Problem))
)]
pub async fn access_log(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<Access>>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    Ok(Json(desk.record.accesses_of(customer_id(&id)?, 500).await?))
}

/// Everything that is known of a customer, numbers whole. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/export", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn export(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let id = customer_id(&id)?;
    let data = desk.record.export_customer(id).await?.ok_or_else(|| ApiError::not_found("customer"))?;
    desk.record.log_access(&asker.name, id, "export").await?;
    Ok(Json(data))
}

/// A contact as a vCon (draft-ietf-vcon-vcon-core), numbers whole. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/vcon", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Object), (status = 403, body = Problem), (status = 404, body = Problem))
)]
pub async fn vcon(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<serde_json::Value>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let contact = desk.record.find_contact(&id).await?.ok_or_else(|| ApiError::not_found("call"))?;
    let vcon = desk.record.export_vcon(&id).await?.ok_or_else(|| ApiError::not_found("call"))?;
    if let Some(customer) = contact.customer {
        desk.record.log_access(&asker.name, customer, "export").await?;
    }
    Ok(Json(vcon))
}

/// The merges of a customer, undone ones too, the newest first.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/merges", tag = "customers", params(("id" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = Problem))
)]
pub async fn merges(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<Merge>>, ApiError> {
    asker.serves()?;
    let id = customer_id(&id)?;
    desk.record.log_access(&asker.name, id, "merges").await?;
    Ok(Json(desk.record.merges_of(id).await?))
}
