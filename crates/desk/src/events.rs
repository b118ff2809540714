//! The journal out: a page of it, or as it grows.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use hotline_model::CustomerId;
use hotline_record::{JournalEvent, Role};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::Desk;
use crate::access::Asker;
use crate::error::{ApiError, Problem};
use crate::extract::Asked;
use crate::live::Filter;

/// Between two signs of life of a stream that has nothing to tell.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Customers that one stream is about.
const CUSTOMERS: usize = 20;

/// What of the journal is wanted.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// The `seq` of the last entry known. A page begins behind it (default 0), a stream too (default: now).
    after: Option<i64>,
    /// At most this many in a page, 1,000 at most. Default 100.
    limit: Option<u32>,
    /// A stream tells what happens to these customers: ids, with commas between.
    customer: Option<String>,
    /// A stream tells what happens in these queues: names, with commas between.
    queue: Option<String>,
    /// `1`: a stream tells what concerns whoever asks.
    me: Option<u8>,
    /// `1`: a stream tells what everybody at work sees, besides what else is chosen.
    house: Option<u8>,
}

/// A piece of the journal.
#[derive(Serialize, ToSchema)]
pub struct JournalPage {
    #[schema(value_type = Vec<Object>)]
    events: Vec<JournalEvent>,
    /// Where to go on: the next `after`.
    next: i64,
}

/// The journal, in the order it was stored. With `Accept: text/event-stream` as it grows: each entry
/// with its `seq` as id, resumed by `Last-Event-ID`; `event: ready` comes first, and `event: gap` where
/// more was missed than is told (load anew, and go on from its `seq`). Without `customer`, `queue` or
/// `me` supervisors, operators and machines are told everything, agents what concerns them and the house.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "live", params(Wanted),
    responses((status = 200, body = JournalPage), (status = 401, body = Problem), (status = 403, body = Problem))
)]
pub async fn follow(
    State(desk): State<Desk>,
    asker: Asker,
    headers: HeaderMap,
    Asked(wanted): Asked<Wanted>,
) -> Result<Response, ApiError> {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/event-stream") {
        let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
        let after = last.or(wanted.after);
        return stream(&desk, asker, wanted, after).await;
    }
    if !sees_everything(&asker) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "the whole journal is for supervisors, operators and machines; ask with `Accept: text/event-stream`",
        ));
    }
    let from = wanted.after.unwrap_or(0);
    let events = desk.record.follow(from, wanted.limit.unwrap_or(100).min(1000)).await?;
    let next = events.last().map_or(from, |event| event.seq);
    Ok(Json(JournalPage { events, next }).into_response())
}

fn sees_everything(asker: &Asker) -> bool {
    asker.user.is_none() || asker.has(&[Role::Supervisor, Role::Operator])
}

async fn stream(desk: &Desk, asker: Asker, wanted: Wanted, after: Option<i64>) -> Result<Response, ApiError> {
    let filter = filter(desk, &asker, &wanted).await?;
    let stream = desk.live.listen(filter, after).await?;
    let (record, stop, user) = (desk.record.clone(), desk.stopping.clone(), asker.user);
    let frames = futures_util::stream::unfold(stream, move |mut stream| {
        let (record, stop) = (record.clone(), stop.clone());
        async move {
            let still_known = || {
                let record = record.clone();
                async move {
                    match user {
                        // A database that is away signs nobody out.
                        Some(user) => record.is_signed_in(user).await.unwrap_or(true),
                        None => true,
                    }
                }
            };
            tokio::select! {
                () = stop.cancelled() => None,
                frame = stream.next(still_known) => Some((frame?, stream)),
            }
        }
    });
    let mut answer =
        Sse::new(frames).keep_alive(KeepAlive::new().interval(HEARTBEAT).text("alive")).into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // nginx collects what it passes on, unless it is told not to.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(answer)
}

fn names(list: Option<&str>) -> BTreeSet<String> {
    let words = list.unwrap_or_default().split(',').map(str::trim);
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

async fn filter(desk: &Desk, asker: &Asker, wanted: &Wanted) -> Result<Filter, ApiError> {
    let asked = names(wanted.customer.as_deref());
    if asked.len() > CUSTOMERS {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad-query",
            format!("customer: at most {CUSTOMERS} in one stream"),
        ));
    }
    let queues = names(wanted.queue.as_deref());
    // Whoever waits and what happens to whom is for those who serve them, as the pages are that a stream keeps fresh.
    let about_somebody = !asked.is_empty() || !queues.is_empty();
    if about_somebody && !sees_everything(asker) {
        asker.serves()?;
    }
    let mut filter = Filter { queues, ..Filter::default() };
    for id in asked {
        let id: CustomerId = id.parse().map_err(|_| ApiError::not_found("customer"))?;
        let family = desk.record.family(id).await?.ok_or_else(|| ApiError::not_found("customer"))?;
        desk.record.log_access(&asker.name, family.root, "live").await?;
        filter.customers.extend(family.ids);
    }
    if wanted.me == Some(1) {
        filter.user = Some(asker.person()?.to_string());
    }
    filter.house = wanted.house == Some(1);
    if !filter.house && filter.customers.is_empty() && filter.queues.is_empty() && filter.user.is_none() {
        filter.everything = sees_everything(asker);
        filter.house = true;
        filter.user = asker.user.map(|user| user.to_string());
    }
    Ok(filter)
}
