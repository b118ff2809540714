//! Quality reviews: supervisors hear talks that a lot fell on and score them by the firm's rubric; agents see theirs and
//! answer them.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hotline_model::{Language, Pii};
use hotline_record::{
    DrawnTalk, NewReview, RecordError, Review, ReviewFigures, ReviewState, Role, Score, permille,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::calls::{Sound, read_sound};
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body, if_match, versioned};

/// A criterion of the rubric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Criterion {
    /// In kebab case, as it is stored.
    pub code: String,
    /// By language: `zh-CN`, `en-US`.
    #[schema(value_type = BTreeMap<String, String>)]
    pub name: BTreeMap<Language, String>,
    /// The best score; 0 is the worst.
    pub scale: u32,
    /// How much it counts, against the others.
    pub weight: u32,
}

/// By what talks are reviewed.
#[utoipa::path(
    get, path = "/api/v1/reviews/rubric", tag = "reviews",
    responses((status = 200, body = Vec<Criterion>), (status = 403, body = Problem))
)]
pub async fn rubric(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<Criterion>>, ApiError> {
    asker.needs(&[Role::Agent, Role::Supervisor])?;
    Ok(Json(desk.house.rubric.clone()))
}

/// A talk that the lot fell on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct DrawnRow {
    /// What is reviewed.
    talk: String,
    call: String,
    /// The user id of whoever talked.
    agent: String,
    customer: Option<String>,
    started_at: String,
    ended_at: String,
    reason: Option<String>,
    /// Whether `/api/v1/calls/{call}/recording` may have something.
    recorded: bool,
}

impl From<DrawnTalk> for DrawnRow {
    fn from(talk: DrawnTalk) -> Self {
        Self {
            talk: talk.talk,
            call: talk.call,
            agent: talk.agent.to_string(),
            customer: talk.customer.map(|id| id.to_string()),
            started_at: talk.started_at.to_string(),
            ended_at: talk.ended_at.to_string(),
            reason: talk.reason,
            recorded: talk.recorded,
        }
    }
}

/// The talks to be heard today: of each agent so many as are left of `desk.reviews-each` for the last seven days, by a
/// lot that is the same for everybody all day. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/reviews/sample", tag = "reviews",
    responses((status = 200, body = Vec<DrawnRow>), (status = 403, body = Problem))
)]
pub async fn sample(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<DrawnRow>>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let [today, _] = desk.record.review_days(&desk.house.zone);
    let drawn = desk.record.review_sample(today, desk.house.reviews_each).await?;
    let customers: Vec<_> = drawn.iter().filter_map(|talk| talk.customer).collect();
    desk.record.log_accesses_hourly(&asker.name, customers, "review").await?;
    Ok(Json(drawn.into_iter().map(DrawnRow::from).collect()))
}

/// A score by the rubric as it was then.
#[derive(Serialize, ToSchema)]
pub struct ScoreRow {
    criterion: String,
    /// From 0 to `scale`; `null`: it did not come up.
    score: Option<u32>,
    scale: u32,
    weight: u32,
}

/// A review.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ReviewRow {
    id: String,
    talk: String,
    call: Option<String>,
    /// The user id of whoever talked.
    agent: String,
    /// Whose login wrote it.
    reviewer: String,
    scores: Vec<ScoreRow>,
    /// The share of what could be reached, in thousandths, weighted.
    permille: Option<u32>,
    note: Option<String>,
    /// `draft`, `shared`, `accepted` or `disputed`.
    #[schema(value_type = String)]
    state: ReviewState,
    /// What the agent said to it.
    answer: Option<String>,
    at: String,
    /// Also the ETag.
    version: i64,
}

impl From<Review> for ReviewRow {
    fn from(review: Review) -> Self {
        let score = |one: Score| ScoreRow {
            criterion: one.criterion,
            score: one.score,
            scale: one.scale,
            weight: one.weight,
        };
        Self {
            permille: permille(&review.scores),
            id: review.id,
            talk: review.talk,
            call: review.call,
            agent: review.agent.to_string(),
            reviewer: review.reviewer,
            scores: review.scores.into_iter().map(score).collect(),
            note: review.note.map(Pii::into_exposed),
            state: review.state,
            answer: review.answer.map(Pii::into_exposed),
            at: review.made_at.to_string(),
            version: review.version,
        }
    }
}

/// Reviews, the newest first: supervisors see their own and those that others have shared, agents those of their own
/// talks that were shared.
#[utoipa::path(
    get, path = "/api/v1/reviews", tag = "reviews",
    responses((status = 200, body = Vec<ReviewRow>), (status = 403, body = Problem))
)]
pub async fn list(State(desk): State<Desk>, asker: Asker) -> Result<Json<Vec<ReviewRow>>, ApiError> {
    asker.needs(&[Role::Agent, Role::Supervisor])?;
    let rows = if asker.has(&[Role::Supervisor]) {
        desk.record.reviews_for(&asker.name).await?
    } else {
        desk.record.reviews_of(asker.person()?).await?
    };
    Ok(Json(rows.into_iter().map(ReviewRow::from).collect()))
}

/// What a supervisor thinks of a talk.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewBody {
    /// By criterion; one that did not come up is `null` or left out.
    #[serde(default)]
    #[schema(value_type = Object)]
    scores: BTreeMap<String, Option<u32>>,
    /// At most 4,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    note: Option<Pii<String>>,
}

/// Stores a review of a talk as a draft: one of each talk and reviewer, and only of talks that the lot fell on today or
/// yesterday. With `If-Match` only if it was not changed elsewhere. For supervisors.
#[utoipa::path(
    put, path = "/api/v1/reviews/talks/{talk}", tag = "reviews", params(("talk" = String, Path)),
    request_body = ReviewBody,
    responses(
        (status = 200, body = ReviewRow), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn store(
    State(desk): State<Desk>,
    asker: Asker,
    Path(talk): Path<String>,
    headers: HeaderMap,
    Body(body): Body<ReviewBody>,
) -> Result<Response, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let known: BTreeSet<&str> = desk.house.rubric.iter().map(|one| one.code.as_str()).collect();
    if let Some(code) = body.scores.keys().find(|code| !known.contains(code.as_str())) {
        let known: Vec<&str> = known.into_iter().collect();
        let code: String = code.chars().take(64).collect();
        return Err(RecordError::Invalid(format!(
            "scores: the rubric has no `{code}`; it has {}",
            known.join(", ")
        ))
        .into());
    }
    let scores = desk.house.rubric.iter().map(|one| Score {
        criterion: one.code.clone(),
        score: body.scores.get(&one.code).copied().flatten(),
        scale: one.scale,
        weight: one.weight,
    });
    let note = body.note.filter(|note| !note.expose().trim().is_empty());
    let new = NewReview { talk, scores: scores.collect(), note, version: if_match(&headers)? };
    let mut sampled = false;
    for day in desk.record.review_days(&desk.house.zone) {
        let drawn = desk.record.review_sample(day, desk.house.reviews_each).await?;
        sampled = sampled || drawn.iter().any(|one| one.talk == new.talk);
    }
    let review = desk.record.store_review(new, sampled, &asker.name).await?;
    Ok(versioned(review.version, ReviewRow::from(review)))
}

/// Shares a review with the agent: from then on it stays as it is. For whoever wrote it.
#[utoipa::path(
    post, path = "/api/v1/reviews/{id}/share", tag = "reviews", params(("id" = String, Path)),
    responses(
        (status = 200, body = ReviewRow), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn share(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<ReviewRow>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    Ok(Json(desk.record.share_review(&id, &asker.name).await?.into()))
}

/// What an agent says to a review of theirs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerBody {
    /// Whether they see it otherwise; then with words.
    #[serde(default)]
    dispute: bool,
    /// At most 4,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    text: Option<Pii<String>>,
}

/// Answers a review of one's own talk, once.
#[utoipa::path(
    post, path = "/api/v1/reviews/{id}/answer", tag = "reviews", params(("id" = String, Path)),
    request_body = AnswerBody,
    responses(
        (status = 200, body = ReviewRow), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn answer(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    Body(body): Body<AnswerBody>,
) -> Result<Json<ReviewRow>, ApiError> {
    let agent = asker.person()?;
    let text = body.text.filter(|text| !text.expose().trim().is_empty());
    Ok(Json(desk.record.answer_review(&id, agent, text, body.dispute).await?.into()))
}

/// Of which time figures are wanted.
#[derive(Deserialize, IntoParams)]
pub struct Span {
    /// The last so many days: 1 to 366. Default 30.
    days: Option<u32>,
}

/// What reviews come to, by agent and criterion, drafts left out. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/reviews/figures", tag = "reviews", params(Span),
    responses((status = 200, body = Vec<Object>), (status = 403, body = Problem))
)]
pub async fn figures(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(span): Asked<Span>,
) -> Result<Json<Vec<ReviewFigures>>, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let days = span.days.unwrap_or(30).clamp(1, 366);
    let since: Timestamp = desk.record.now() - jiff::SignedDuration::from_hours(24 * i64::from(days));
    Ok(Json(desk.record.review_figures(since).await?))
}

/// The recording of a call, as a WAV file. It lies on the server that had the call. For supervisors.
#[utoipa::path(
    get, path = "/api/v1/calls/{id}/recording", tag = "reviews", params(("id" = String, Path)),
    responses(
        (status = 200, content_type = "audio/wav", body = Vec<u8>),
        (status = 403, body = Problem), (status = 404, body = Problem),
    )
)]
pub async fn recording(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Sound, ApiError> {
    asker.needs(&[Role::Supervisor])?;
    let gone = || ApiError::not_found("recording");
    let (file, customer) = desk.record.find_recording(&id).await?.ok_or_else(gone)?;
    if let Some(customer) = customer {
        desk.record.log_access(&asker.name, customer, "recording").await?;
    }
    read_sound(&desk, &file).await
}
