//! Knowledge: written by designers and supervisors, read by whoever serves customers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use hotline_model::{ArticleId, Language};
use hotline_record::{Article, ArticleInput, ArticleList, ArticleState, RecordError, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::cards::customer_id;
use crate::error::{ApiError, Problem};
use crate::extract::{Asked, Body, idempotency_key, if_match, versioned};

/// Who writes articles.
const WRITERS: [Role; 2] = [Role::Designer, Role::Supervisor];

/// An article as it is written; what is absent is empty.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema of `ArticleInput` for the API's document")]
pub struct ArticleBody {
    /// Its number in the firm's own system.
    external_ref: Option<String>,
    /// By language (`zh-CN`, `en-US`): at most 200 characters. At least one, the same ones as `body`.
    title: BTreeMap<String, String>,
    /// By language: plain text, at most 20,000 characters.
    body: BTreeMap<String, String>,
    /// Categories of tickets that it fits: 20 at most.
    categories: Option<Vec<String>>,
    /// Names of activities, plans, queues and reasons that it fits, or words of one's own: 20 at most.
    tags: Option<Vec<String>>,
    /// From when on it is shown (RFC 3339).
    valid_from: Option<String>,
    /// Until when it is shown.
    valid_to: Option<String>,
    /// `draft` (if absent), `published` or `withdrawn`.
    state: Option<String>,
}

/// An article.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ArticlePage {
    id: String,
    external_ref: Option<String>,
    #[schema(value_type = BTreeMap<String, String>)]
    title: BTreeMap<Language, String>,
    #[schema(value_type = BTreeMap<String, String>)]
    body: BTreeMap<Language, String>,
    categories: Vec<String>,
    tags: Vec<String>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    /// `draft`, `published` or `withdrawn`.
    #[schema(value_type = String)]
    state: ArticleState,
    /// Also the ETag.
    version: i64,
    changed_by: String,
    changed_at: String,
}

impl From<Article> for ArticlePage {
    fn from(article: Article) -> Self {
        let input = article.input;
        Self {
            id: article.id.to_string(),
            external_ref: input.external_ref,
            title: input.title,
            body: input.body,
            categories: input.categories,
            tags: input.tags,
            valid_from: input.valid_from.map(|at| at.to_string()),
            valid_to: input.valid_to.map(|at| at.to_string()),
            state: input.state,
            version: article.version,
            changed_by: article.changed_by,
            changed_at: article.changed_at.to_string(),
        }
    }
}

fn article_id(text: &str) -> Result<ArticleId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("article"))
}

fn pages(articles: Vec<Article>) -> Json<Vec<ArticlePage>> {
    Json(articles.into_iter().map(ArticlePage::from).collect())
}

/// Which articles are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// With these words, in any language.
    q: Option<String>,
    /// `draft`, `published` or `withdrawn`; for those who write them.
    state: Option<String>,
    /// At most this many, 200 at most. Default 50.
    limit: Option<u32>,
}

/// Articles, those that were changed last first. Designers and supervisors see all; others what is published and
/// within its dates.
#[utoipa::path(
    get, path = "/api/v1/articles", tag = "articles", params(Wanted),
    responses((status = 200, body = Vec<ArticlePage>), (status = 400, body = Problem))
)]
pub async fn list(
    State(desk): State<Desk>,
    asker: Asker,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Vec<ArticlePage>>, ApiError> {
    let state: Option<ArticleState> =
        wanted.state.as_deref().map(str::parse).transpose().map_err(|problem: String| {
            ApiError::new(StatusCode::BAD_REQUEST, "bad-query", format!("state: {problem}"))
        })?;
    let list = ArticleList {
        words: wanted.q.as_deref(),
        state,
        shown_only: !asker.has(&WRITERS),
        limit: wanted.limit.unwrap_or(50),
    };
    Ok(pages(desk.record.articles(list).await?))
}

/// One article, with its version as ETag. What is not published only for those who write them.
#[utoipa::path(
    get, path = "/api/v1/articles/{id}", tag = "articles", params(("id" = String, Path)),
    responses((status = 200, body = ArticlePage), (status = 404, body = Problem))
)]
pub async fn load(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = desk.record.find_article(article_id(&id)?).await?;
    let article = found
        .filter(|one| one.input.state == ArticleState::Published || asker.has(&WRITERS))
        .ok_or_else(|| ApiError::not_found("article"))?;
    Ok(versioned(article.version, ArticlePage::from(article)))
}

/// Writes a new article. For designers and supervisors; two with one `Idempotency-Key` are one.
#[utoipa::path(
    post, path = "/api/v1/articles", tag = "articles", request_body = ArticleBody,
    responses(
        (status = 201, body = ArticlePage), (status = 400, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem),
    )
)]
pub async fn make(
    State(desk): State<Desk>,
    asker: Asker,
    headers: HeaderMap,
    Body(input): Body<ArticleInput>,
) -> Result<Response, ApiError> {
    asker.needs(&WRITERS)?;
    let key = idempotency_key(&headers)?;
    let article = desk.record.add_article(input, key.as_deref(), &asker.name).await?;
    let mut answer = versioned(article.version, ArticlePage::from(article));
    *answer.status_mut() = StatusCode::CREATED;
    Ok(answer)
}

/// Replaces an article. With `If-Match` only if nobody else was faster: 412 tells how it is now. For designers and
/// supervisors.
#[utoipa::path(
    put, path = "/api/v1/articles/{id}", tag = "articles", params(("id" = String, Path)),
    request_body = ArticleBody,
    responses(
        (status = 200, body = ArticlePage), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem),
    )
)]
pub async fn change(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(input): Body<ArticleInput>,
) -> Result<Response, ApiError> {
    asker.needs(&WRITERS)?;
    let (id, version) = (article_id(&id)?, if_match(&headers)?);
    store(&desk, &asker, id, input, version).await
}

async fn store(
    desk: &Desk,
    asker: &Asker,
    id: ArticleId,
    input: ArticleInput,
    version: Option<i64>,
) -> Result<Response, ApiError> {
    match desk.record.change_article(id, input, version, &asker.name).await {
        Ok(article) => Ok(versioned(article.version, ArticlePage::from(article))),
        Err(error @ RecordError::Stale(_)) => {
            let now = desk.record.find_article(id).await?.map(ArticlePage::from);
            Err(ApiError::from(error).with_now(&now))
        }
        Err(error) => Err(error.into()),
    }
}

/// Withdraws an article: it is shown no longer, and stays where links lead to it. For designers and supervisors.
#[utoipa::path(
    delete, path = "/api/v1/articles/{id}", tag = "articles", params(("id" = String, Path)),
    responses(
        (status = 200, body = ArticlePage), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 412, body = Problem),
    )
)]
pub async fn withdraw(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    asker.needs(&WRITERS)?;
    let (id, version) = (article_id(&id)?, if_match(&headers)?);
    let article = desk.record.find_article(id).await?.ok_or_else(|| ApiError::not_found("article"))?;
    let input = ArticleInput { state: ArticleState::Withdrawn, ..article.input };
    store(&desk, &asker, id, input, version.or(Some(article.version))).await
}

/// The articles that fit what a customer is in touch about, the best first, five at most; the look is logged.
#[utoipa::path(
    get, path = "/api/v1/customers/{id}/articles", tag = "articles", params(("id" = String, Path)),
    responses((status = 200, body = Vec<ArticlePage>), (status = 404, body = Problem))
)]
pub async fn fitting(
    State(desk): State<Desk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Result<Json<Vec<ArticlePage>>, ApiError> {
    asker.serves()?;
    let family = desk.record.family(customer_id(&id)?).await?;
    let customer = family.ok_or_else(|| ApiError::not_found("customer"))?.root;
    let articles = desk.record.articles_for(customer).await?;
    desk.record.log_access(&asker.name, customer, "articles").await?;
    Ok(pages(articles))
}
