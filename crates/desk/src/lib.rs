//! The HTTP API: tickets in, customers and calls out, receipts of messages, health and figures; and
//! the desktop's page.
//!
//! It never knows the exchange: it reads and writes the record, so it can be tested without a
//! telephone and can move to another machine.

mod access;
mod acts;
mod agents;
mod articles;
mod attachments;
mod call_acts;
mod callers;
mod calls;
mod campaigns;
mod cards;
mod consents;
mod customers;
mod error;
mod events;
mod extract;
pub mod files;
mod floor;
mod health;
mod import;
pub mod live;
mod mine;
mod oidc;
mod pages;
mod pop;
mod public;
mod rebates;
mod receipts;
mod replies;
mod reviews;
mod serve;
mod sessions;
mod sign_in;
mod surveys;
mod tickets;
mod uploads;
mod views;
mod waits;
mod webhooks;
mod work;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post, put};
use hotline_bus::Bus;
use hotline_model::Language;
use hotline_record::{Record, Role};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use utoipa::OpenApi;

pub use access::{Token, Tokens};
pub use floor::{House, QueueWords, Reason};
pub use oidc::{CALLBACK, Oidc, OidcSettings};
pub use pop::PopUrl;
pub use reviews::Criterion;
pub use serve::serve;
pub use surveys::Surveys;

/// Forgets a text that was spoken, by its language.
pub type Forget =
    Arc<dyn Fn(String, Option<Language>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// What the API works with.
#[derive(Clone)]
pub struct Desk {
    /// The record.
    pub record: Record,
    /// Who may ask.
    pub tokens: Arc<Tokens>,
    /// The language of customers whose CRM names none.
    pub language: Language,
    /// The figures, if they are collected.
    pub metrics: Option<PrometheusHandle>,
    /// Cancelled once no new calls are taken.
    pub draining: CancellationToken,
    /// Cancelled when the process ends: streams end with it.
    pub stopping: CancellationToken,
    /// Whose roles see telephone numbers whole.
    pub numbers_seen_by: Arc<[Role]>,
    /// Cookies go by HTTPS only: TLS stands in front of this process.
    pub secure_cookies: bool,
    /// Forgets what an erased customer was told, in the memory of speech and in its cache.
    pub forget: Option<Forget>,
    /// To the exchange, where one runs in this process.
    pub bus: Bus,
    /// Where recordings lie on this machine: those of an erased customer are deleted there.
    pub recordings: Option<PathBuf>,
    /// Where files of customers lie on this machine; `None`: none are taken.
    pub attachments: Option<PathBuf>,
    /// What links in messages begin with (`[messages] links`): `https://kf.example`; `None`: none can be sent.
    pub links: Option<Arc<str>>,
    /// Who sends files at this moment. Made by [`Desk::new`].
    pub uploads: Arc<files::Turns>,
    /// Who asks for links that are none. Made by [`Desk::new`].
    pub guesses: Arc<files::Guesses>,
    /// The queues' names, and what agents choose from.
    pub house: House,
    /// The firm's own sign-in service, if there is one.
    pub oidc: Option<Arc<Oidc>>,
    /// The firm's own page about a customer, if its agents work there.
    pub pop_url: Option<Arc<PopUrl>>,
    /// The pages that links of messages lead to, if surveys are answered here.
    pub surveys: Option<Surveys>,
    /// One file of customers is taken in at a time: calls wait for what is stored. Made by [`Desk::new`].
    pub imports: Arc<Semaphore>,
    /// Who follows the journal. Made by [`Desk::new`].
    pub live: live::Live,
}

impl Desk {
    /// A desk with the usual settings: supervisors see numbers, cookies go by HTTP too, no figures.
    pub fn new(record: Record, tokens: Tokens, language: Language) -> Self {
        Self {
            bus: Bus::nobody(),
            live: live::Live::new(record.clone()),
            record,
            tokens: Arc::new(tokens),
            language,
            metrics: None,
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            numbers_seen_by: [Role::Supervisor].into(),
            secure_cookies: false,
            forget: None,
            recordings: None,
            attachments: None,
            links: None,
            uploads: Arc::default(),
            guesses: Arc::default(),
            house: House::default(),
            oidc: None,
            pop_url: None,
            surveys: None,
            imports: Arc::new(Semaphore::new(1)),
        }
    }

    /// How many desktops follow the journal.
    pub fn streams(&self) -> usize {
        self.live.streams()
    }
}

/// The largest body that is read: 1 MB.
const BODY: usize = 1 << 20;

/// The document that describes the API, made from the code.
#[derive(OpenApi)]
#[openapi(
    info(title = "hotline", description = "Tickets in; customers, calls and their paths out."),
    paths(
        tickets::put,
        articles::list,
        articles::load,
        articles::make,
        articles::change,
        articles::withdraw,
        articles::fitting,
        rebates::put,
        rebates::batch,
        rebates::list,
        rebates::resend,
        customers::find,
        import::put,
        import::import,
        customers::load,
        calls::list,
        calls::load,
        calls::words,
        events::follow,
        sessions::sign_in,
        sessions::sign_out,
        sessions::load_me,
        sign_in::ways,
        sign_in::start,
        sign_in::callback,
        agents::set_state,
        agents::telephone,
        call_acts::act,
        call_acts::text,
        callers::identify,
        callers::matches,
        agents::list,
        agents::set_profile,
        agents::users,
        cards::card,
        cards::timeline,
        cards::search,
        cards::matches,
        cards::access_log,
        cards::merges,
        cards::export,
        cards::vcon,
        acts::change,
        acts::link,
        acts::unlink,
        acts::merge,
        acts::unmerge,
        acts::note,
        acts::erase,
        reviews::rubric,
        reviews::sample,
        reviews::list,
        reviews::store,
        reviews::share,
        reviews::answer,
        reviews::figures,
        reviews::recording,
        attachments::list,
        attachments::put,
        attachments::file,
        attachments::delete,
        attachments::send_link,
        consents::list,
        consents::add,
        work::make,
        work::load,
        work::change,
        work::publish,
        work::follow_ups,
        work::take,
        work::release,
        work::done,
        mine::work,
        floor::queues,
        floor::reasons,
        floor::wrap_up,
        floor::explain,
        floor::missed,
        floor::to_wrap_up,
        mine::resend,
        webhooks::list,
        webhooks::deliveries,
        webhooks::replay,
        campaigns::funnel,
        campaigns::decisions,
        campaigns::pause,
        receipts::put,
        replies::put,
        health::healthz,
        health::readyz,
    )
)]
pub struct ApiDocument;

/// The routes.
pub fn router(desk: Desk) -> Router {
    Router::new()
        .route("/api/v1/tickets", post(tickets::put))
        .route("/api/v1/customers", get(customers::find).post(import::put))
        .route("/api/v1/customers/import", post(import::import))
        .route("/api/v1/customers/{id}", get(customers::load).patch(acts::change).delete(acts::erase))
        .route("/api/v1/customers/{id}/card", get(cards::card))
        .route("/api/v1/customers/{id}/export", get(cards::export))
        .route("/api/v1/calls/{id}/vcon", get(cards::vcon))
        .route("/api/v1/customers/{id}/timeline", get(cards::timeline))
        .route("/api/v1/customers/{id}/access-log", get(cards::access_log))
        .route("/api/v1/customers/{id}/merges", get(cards::merges))
        .route("/api/v1/customers/{id}/merge", post(acts::merge))
        .route("/api/v1/customers/{id}/identities", post(acts::link))
        .route("/api/v1/customers/{id}/identities/{identity}", delete(acts::unlink))
        .route("/api/v1/customers/{id}/notes", post(acts::note))
        .route("/api/v1/reviews", get(reviews::list))
        .route("/api/v1/reviews/rubric", get(reviews::rubric))
        .route("/api/v1/reviews/sample", get(reviews::sample))
        .route("/api/v1/reviews/figures", get(reviews::figures))
        .route("/api/v1/reviews/talks/{talk}", put(reviews::store))
        .route("/api/v1/reviews/{id}/share", post(reviews::share))
        .route("/api/v1/reviews/{id}/answer", post(reviews::answer))
        .route("/api/v1/calls/{id}/recording", get(reviews::recording))
        .route("/reviews", get(pages::page))
        .route(
            "/api/v1/customers/{id}/attachments",
            get(attachments::list).post(attachments::put).layer(DefaultBodyLimit::disable()),
        )
        .route("/api/v1/customers/{id}/upload-links", post(attachments::send_link))
        .route("/api/v1/attachments/{id}", delete(attachments::delete))
        .route("/api/v1/attachments/{id}/file", get(attachments::file))
        .route("/u/style.css", get(uploads::style))
        .route(
            "/u/{token}",
            get(uploads::page).post(uploads::take).layer(DefaultBodyLimit::max(uploads::BODY)),
        )
        .route("/api/v1/customers/{id}/consents", get(consents::list).post(consents::add))
        .route("/api/v1/customers/{id}/tickets", post(work::make))
        .route("/api/v1/merges/{id}", delete(acts::unmerge))
        .route("/api/v1/matches", get(cards::matches))
        .route("/api/v1/search", get(cards::search))
        .route("/api/v1/tickets/{id}", get(work::load).patch(work::change))
        .route("/api/v1/tickets/{id}/result", post(work::publish))
        .route("/api/v1/follow-ups", get(work::follow_ups))
        .route("/api/v1/follow-ups/{id}/take", post(work::take))
        .route("/api/v1/follow-ups/{id}/release", post(work::release))
        .route("/api/v1/follow-ups/{id}/done", post(work::done))
        .route("/api/v1/articles", get(articles::list).post(articles::make))
        .route("/api/v1/articles/{id}", get(articles::load).put(articles::change).delete(articles::withdraw))
        .route("/api/v1/customers/{id}/articles", get(articles::fitting))
        .route("/articles", get(pages::page))
        .route("/api/v1/rebates", post(rebates::put))
        .route("/api/v1/rebates/batch", post(rebates::batch))
        .route("/api/v1/rebates/{id}/resend", post(rebates::resend))
        .route("/api/v1/customers/{id}/rebates", get(rebates::list))
        .route("/api/v1/calls", get(calls::list))
        .route("/api/v1/calls/{id}", get(calls::load))
        .route("/api/v1/calls/{id}/words/{name}", get(calls::words))
        .route("/api/v1/events", get(events::follow))
        .route("/api/v1/session", post(sessions::sign_in).delete(sessions::sign_out))
        .route("/api/v1/sign-in", get(sign_in::ways))
        .route("/api/v1/sign-in/service", get(sign_in::start))
        .route("/api/v1/sign-in/callback", get(sign_in::callback))
        .route("/api/v1/me", get(sessions::load_me))
        .route("/api/v1/me/state", put(agents::set_state))
        .route("/api/v1/me/telephone", get(agents::telephone))
        .route("/api/v1/calls/{id}/act", post(call_acts::act))
        .route("/api/v1/calls/{id}/message", post(call_acts::text))
        .route("/api/v1/calls/{id}/customer", put(callers::identify))
        .route("/api/v1/calls/{id}/matches", get(callers::matches))
        .route("/api/v1/calls/{id}/wrap-up", put(floor::wrap_up))
        .route("/api/v1/calls/{id}/dissatisfaction", put(floor::explain))
        .route("/api/v1/queues", get(floor::queues))
        .route("/api/v1/reasons", get(floor::reasons))
        .route("/api/v1/me/missed", get(floor::missed))
        .route("/api/v1/me/wrap-up", get(floor::to_wrap_up))
        .route("/api/v1/agents", get(agents::list))
        .route("/api/v1/agents/{user}", put(agents::set_profile))
        .route("/api/v1/users", get(agents::users))
        .route("/api/v1/me/work", get(mine::work))
        .route("/api/v1/tickets/{id}/code", post(mine::resend))
        .route("/", get(pages::page))
        .route("/customers/{id}", get(pages::page))
        .route("/team", get(pages::page))
        .route("/assets/{name}", get(pages::asset))
        .route("/icon.svg", get(pages::icon))
        .route("/api/v1/webhooks", get(webhooks::list))
        .route("/api/v1/webhooks/{name}/deliveries", get(webhooks::deliveries))
        .route("/api/v1/webhooks/{name}/replay", post(webhooks::replay))
        .route("/api/v1/campaigns", get(campaigns::funnel))
        .route("/api/v1/campaigns/decisions", get(campaigns::decisions))
        .route("/api/v1/campaigns/{policy}/pause", put(campaigns::pause))
        .route("/campaigns", get(pages::page))
        .route("/api/v1/receipts", post(receipts::put))
        .route("/api/v1/replies", post(replies::put))
        .route("/api/v1/openapi.json", get(|| async { axum::Json(ApiDocument::openapi()) }))
        .merge(surveys::routes())
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(health::metrics))
        .fallback(extract::no_route)
        .method_not_allowed_fallback(extract::no_method)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(axum::middleware::from_fn(extract::readable_path))
        .with_state(desk)
}

#[cfg(test)]
mod tests;
