//! Surveys that customers answer in writing: plain pages that work in whatever browser a messenger opens, without
//! scripts. The link in the message is the whole of the customer's permission: it opens this page and nothing else.
//!
//! Looking changes nothing, because messengers look at every link they carry. An answer is on the record when the next
//! page comes; the same answer sent twice is one.

mod guard;
mod html;
mod turn;
mod words;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Form, Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, middleware};
use hotline_dialplan::Plans;
use hotline_dialplan::writing::{
    Choice, Form as Answers, LONGEST, Lost, MOST_TURNS, Page, Said, Turn, Walk, walk,
};
use hotline_model::{CustomerId, Fields, Language};
use hotline_record::{PageStored, Record, RecordError, SurveyPage};
use jiff::tz::TimeZone;
use serde::Deserialize;
use tokio::sync::watch;

use crate::Desk;
use crate::extract::no_route;
use crate::public::{POLICY, address_of, language_of};
use crate::replies::plain;
use crate::serve::Place;
pub use guard::Guard;
use html::{Dead, Shown};

/// What pages of surveys need besides the record.
#[derive(Clone)]
pub struct Surveys {
    /// The plans, as they stand now.
    pub plans: watch::Receiver<Arc<Plans>>,
    /// The number to dial instead.
    pub number: String,
    /// Who may ask how often.
    pub guard: Arc<Guard>,
}

impl Surveys {
    /// Pages of these plans, with the number that customers may dial instead.
    pub fn new(plans: watch::Receiver<Arc<Plans>>, number: String) -> Self {
        Self { plans, number, guard: Arc::default() }
    }
}

/// A body is no larger: [`LONGEST`] characters, each escaped, and the rest of the form.
const BODY: usize = 32 << 10;

/// The pages' routes.
pub fn routes() -> Router<Desk> {
    Router::new().route("/s/survey.css", get(style)).route(
        "/s/{token}",
        get(show).post(answer).layer(DefaultBodyLimit::max(BODY)).layer(middleware::from_fn(private)),
    )
}

/// What browsers are told of every such page: it is kept, framed and listed nowhere, and runs nothing.
async fn private(asked: Request, next: Next) -> Response {
    const RULES: [(&str, &str); 6] = [
        ("content-security-policy", POLICY),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-robots-tag", "noindex, nofollow"),
        ("x-content-type-options", "nosniff"),
        ("permissions-policy", "microphone=(), camera=(), geolocation=()"),
    ];
    let mut answer = next.run(asked).await;
    for (name, rule) in RULES {
        answer.headers_mut().insert(name, HeaderValue::from_static(rule));
    }
    answer
}

async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    let keep = HeaderValue::from_static("public, max-age=3600");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, keep)], include_str!("surveys/survey.css")).into_response()
}

/// What stands behind the `?` of a page's address.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// Another language than the customer's.
    lang: Option<String>,
    /// A question that was answered, from 0.
    at: Option<usize>,
    /// The customer wants to hear of us no more: the page that asks whether that is so.
    stop: Option<String>,
}

/// What a page sends.
#[derive(Deserialize)]
struct Sent {
    /// The language that is read.
    lang: Option<String>,
    /// `stop`: the customer wants to hear of us no more.
    act: Option<String>,
    /// Which question, from 0.
    at: Option<usize>,
    /// What was asked there.
    step: Option<String>,
    /// One of the choices.
    choice: Option<String>,
    /// Words.
    words: Option<String>,
}

/// Why there is no page.
enum Gone {
    /// What the customer is told instead.
    Dead(Dead),
    /// No surveys are answered here.
    Nothing,
}

impl From<RecordError> for Gone {
    fn from(error: RecordError) -> Self {
        if !matches!(error, RecordError::Unavailable(_)) {
            tracing::error!(%error, "a survey's page failed");
        }
        Self::Dead(Dead::Unavailable)
    }
}

/// A page that may be answered, or was.
struct Open {
    surveys: Surveys,
    page: SurveyPage,
    turns: Vec<Turn>,
    language: Language,
}

/// Finds what the token opens.
async fn open(desk: &Desk, token: &str, tag: Option<&String>, address: Option<IpAddr>) -> Result<Open, Gone> {
    let surveys = desk.surveys.clone().ok_or(Gone::Nothing)?;
    let _place = surveys.guard.enter(address).ok_or(Gone::Dead(Dead::TooMany))?;
    // What cannot be a token is not looked up.
    let looks_right = token.len() == 26 && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let page = if looks_right { desk.record.find_page(token).await? } else { None };
    let Some(page) = page else {
        surveys.guard.guessed(address);
        return Err(Gone::Dead(Dead::Unknown));
    };
    if page.erased {
        return Err(Gone::Dead(Dead::Erased));
    }
    let language = tag.and_then(|tag| tag.parse().ok()).unwrap_or(page.language);
    let turns = serde_json::from_str(page.turns.expose()).unwrap_or_default();
    Ok(Open { surveys, page, turns, language })
}

impl Open {
    fn page(&self) -> Page {
        let plans = self.surveys.plans.borrow().clone();
        Page {
            plan: self.page.plan.clone(),
            given: serde_json::from_str::<Fields>(self.page.given.expose()).unwrap_or_default(),
            language: self.language,
            began: self.page.created_at,
            zone: self.zone(&plans),
        }
    }

    /// Where the customer's days begin: as in the hours of the policy that sent the page.
    fn zone(&self, plans: &Plans) -> TimeZone {
        let policy = plans.campaigns().policies.get(self.page.policy.as_str());
        let hours = policy.map(|policy| &*policy.hours).or_else(|| plans.calendars().next());
        hours.map_or(TimeZone::UTC, |hours| hours.zone.clone())
    }

    /// Where the page stands after the first `upto` answers. Answers that do not fit the plan any more, because it was
    /// changed, are left out.
    fn walk(&mut self, upto: usize) -> Option<Walk> {
        let (plans, page) = (self.surveys.plans.borrow().clone(), self.page());
        let upto = upto.min(self.turns.len());
        match walk(&plans, &page, &self.turns[..upto]) {
            Ok(walk) => Some(walk),
            Err(Lost::At(at)) => {
                self.turns.truncate(at);
                walk_again(&plans, &page, &self.turns)
            }
            Err(Lost::NoPlan) => None,
        }
    }

    fn is_over(&self, record: &Record) -> bool {
        record.now() >= self.page.valid_until
    }
}

fn walk_again(plans: &Arc<Plans>, page: &Page, turns: &[Turn]) -> Option<Walk> {
    walk(plans, page, turns).ok()
}

/// The page, as it stands: it changes nothing.
async fn show(
    State(desk): State<Desk>,
    Path(token): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Response {
    // What cannot be read is as if nothing stood there: links are cut and wrapped on their way.
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let headers = request.headers();
    let language = language_of(asked.lang.as_deref(), headers);
    let address = address_of(request.extensions().get::<Arc<Place>>(), headers);
    match open(&desk, &token, asked.lang.as_ref(), address).await {
        Ok(open) => page_of(&desk, open, &token, &asked, None),
        Err(gone) => refuse(&desk, gone, language).await,
    }
}

async fn refuse(desk: &Desk, gone: Gone, language: Language) -> Response {
    match gone {
        Gone::Nothing => no_route().await.into_response(),
        Gone::Dead(dead) => {
            let number = desk.surveys.as_ref().map_or("", |surveys| surveys.number.as_str());
            html::dead(dead, number, language)
        }
    }
}

/// A page that can be looked at. `wrong`: what was sent is no answer.
fn page_of(desk: &Desk, mut open: Open, token: &str, asked: &Asked, wrong: Option<()>) -> Response {
    let number = open.surveys.number.clone();
    let shown = Shown { token, language: open.language, own: open.page.language };
    if asked.stop.is_some() {
        return html::stop(&shown);
    }
    let done = open.page.done_at.is_some();
    if !done && open.is_over(&desk.record) {
        return html::dead(Dead::Expired, &number, open.language);
    }
    let given = open.turns.len();
    let at = asked.at.filter(|at| !done && *at < given).unwrap_or(given);
    let Some(walk) = open.walk(at) else { return html::dead(Dead::Unavailable, &number, open.language) };
    let at = at.min(open.turns.len());
    match walk.asked {
        Some(question) if !done => {
            let before = open.turns.get(at).filter(|turn| turn.step == question.step);
            html::question(&shown, &walk.said, &question, at, before.map(|turn| &turn.said), wrong.is_some())
        }
        _ => html::thanks(&shown, &walk.said, open.page.do_not_call),
    }
}

/// An answer.
async fn answer(State(desk): State<Desk>, Path(token): Path<String>, request: Request) -> Response {
    let language = language_of(None, request.headers());
    let address = address_of(request.extensions().get::<Arc<Place>>(), request.headers());
    let sent = tokio::time::timeout(
        std::time::Duration::from_secs(30),
        <Form<Sent> as axum::extract::FromRequest<Desk>>::from_request(request, &desk),
    )
    .await;
    let Ok(Ok(Form(sent))) = sent else {
        return refuse(&desk, Gone::Dead(Dead::Unreadable), language).await;
    };
    let open = match open(&desk, &token, sent.lang.as_ref(), address).await {
        Ok(open) => open,
        Err(gone) => return refuse(&desk, gone, language).await,
    };
    let language = open.language;
    match take(&desk, open, &token, sent).await {
        Ok(answer) => answer,
        Err(gone) => refuse(&desk, gone, language).await,
    }
}

/// Back to the page by GET, so that a reload sends nothing.
fn see(token: &str, open: &Open, at: Option<usize>) -> Response {
    let mut query = Vec::new();
    if open.language != open.page.language {
        query.push(format!("lang={}", open.language.tag()));
    }
    query.extend(at.map(|at| format!("at={at}")));
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let to = HeaderValue::from_str(&format!("/s/{token}{query}")).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

async fn take(desk: &Desk, mut open: Open, token: &str, sent: Sent) -> Result<Response, Gone> {
    if sent.act.as_deref() == Some("stop") {
        return stop(desk, open, token).await;
    }
    if open.page.done_at.is_some() || open.is_over(&desk.record) {
        return Ok(see(token, &open, None));
    }
    // What was answered until there must still lead to the question that was answered.
    let at = sent.at.unwrap_or(usize::MAX);
    if at > open.turns.len() || at >= MOST_TURNS {
        return Ok(see(token, &open, None));
    }
    let given = open.turns.len();
    let asked = open.walk(at).and_then(|walk| walk.asked);
    let Some(question) = asked.filter(|asked| Some(&asked.step) == sent.step.as_ref()) else {
        return Ok(see(token, &open, None));
    };
    let said = match &question.form {
        Answers::Choices(choices) => {
            let chosen = sent.choice.filter(|chosen| choices.iter().any(|choice| choice.value == *chosen));
            let Some(chosen) = chosen else {
                let asked = Asked { lang: sent.lang, at: Some(at), stop: None };
                return Ok(page_of(desk, open, token, &asked, Some(())));
            };
            Said::Choice(chosen)
        }
        Answers::Words => {
            // Line ends of forms are CR LF (HTML, form submission); nothing else that cannot be read stays.
            let words = sent.words.unwrap_or_default().replace("\r\n", "\n");
            let words = words.chars().filter(|c| *c == '\n' || !c.is_control()).take(LONGEST);
            Said::Words(words.collect::<String>().trim().to_owned())
        }
    };
    let same = open.turns.get(at).is_some_and(|turn| turn.step == question.step && turn.said == said);
    if same && open.turns.len() == given {
        // The same again: the next one, which may be answered too.
        return Ok(see(token, &open, (at + 1 < given).then_some(at + 1)));
    }
    open.turns.truncate(at);
    open.turns.push(Turn { step: question.step, at: desk.record.now(), said });
    keep(desk, &mut open, false).await?;
    Ok(see(token, &open, None))
}

/// Keeps where the page stands now. Somebody else was faster: then what they answered counts, and is shown.
async fn keep(desk: &Desk, open: &mut Open, refused: bool) -> Result<PageStored, Gone> {
    let count = open.turns.len();
    let walk = open.walk(count).ok_or(Gone::Dead(Dead::Unavailable))?;
    let plans = open.surveys.plans.borrow().clone();
    let turn = turn::of(&plans, &open.page, open.language, &open.turns, walk, refused)
        .ok_or(Gone::Dead(Dead::Unavailable))?;
    Ok(desk.record.store_page_turn(turn).await?)
}

/// The customer wants to hear of us no more.
async fn stop(desk: &Desk, mut open: Open, token: &str) -> Result<Response, Gone> {
    let ended = open.page.done_at.is_some() || open.is_over(&desk.record);
    if ended || keep(desk, &mut open, true).await? == PageStored::Meanwhile {
        desk.record.refuse_contact(open.page.customer, "web").await?;
    }
    let shown = Shown { token, language: open.language, own: open.page.language };
    Ok(html::stopped(&shown))
}

/// A text message as the answer to the first question of an open page of a customer's: by its key, or by its words.
/// Whether it was one.
pub async fn take_reply(desk: &Desk, customer: CustomerId, words: &str) -> Result<bool, RecordError> {
    let Some(surveys) = desk.surveys.clone().filter(|_| !words.is_empty()) else { return Ok(false) };
    // Somebody may answer on the page at the same moment.
    for _ in 0..3 {
        let Some(page) = desk.record.open_page_of(customer).await? else { return Ok(false) };
        let turns: Vec<Turn> = serde_json::from_str(page.turns.expose()).unwrap_or_default();
        let language = page.language;
        let mut open = Open { surveys: surveys.clone(), page, turns, language };
        let Some(Walk { asked: Some(question), .. }) = open.walk(0) else { return Ok(false) };
        let Answers::Choices(choices) = question.form else { return Ok(false) };
        let meant = |choice: &&Choice| choice.value == words || plain(&choice.label) == words;
        let Some(choice) = choices.iter().find(meant) else { return Ok(false) };
        let said = Said::Choice(choice.value.clone());
        if let Some(first) = open.turns.first() {
            // Answered on the page already; the same message again is the same answer.
            return Ok(first.said == said);
        }
        open.turns.push(Turn { step: question.step, at: desk.record.now(), said });
        match keep(desk, &mut open, false).await {
            Ok(PageStored::Kept) => return Ok(true),
            Ok(PageStored::Meanwhile) => {}
            Err(_) => return Err(RecordError::Unavailable("the answer of a message".into())),
        }
    }
    Ok(false)
}
