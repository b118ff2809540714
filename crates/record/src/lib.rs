//! The shared customer record: current-state tables, an append-only journal of events and the
//! work they cause, **written in one transaction**.
//!
//! One writer task owns the one connection that writes. It commits what many callers did in the
//! same few milliseconds together (`writer`), so that a busy hour costs one `fsync` a group and
//! not one a step. Readers have a pool of their own. SQL is written in the common subset of
//! SQLite and PostgreSQL and goes through `sqlx::Any`; what differs stands in [`engine`].

mod access;
mod act;
mod address;
mod agents;
mod articles;
mod attachments;
mod audio;
mod callers;
mod calls;
mod campaigns;
mod card;
mod consents;
mod customers;
mod deed;
mod dissatisfaction;
pub mod engine;
mod erase;
mod error;
mod events;
mod export;
mod families;
mod floor;
mod follow_ups;
mod funnel;
mod identities;
mod import;
mod indexing;
mod intake;
mod jobs;
mod look;
mod messages;
mod mine;
mod password;
mod plans;
mod profile;
mod queues;
mod rebates;
mod recognise;
mod reminders;
mod replies;
mod resends;
mod retention;
mod reviews;
mod search;
mod services;
mod serving;
mod spool;
mod sql;
mod survey_pages;
mod surveys;
mod talks;
mod texts;
mod tickets;
mod timeline;
mod transfer;
mod uploads;
mod users;
mod verify;
mod webhooks;
mod words;
mod work;
mod wrap_up;
mod writer;

use std::sync::Arc;

use hotline_model::{Clock, IdSource};
use sqlx::AnyPool;
use tokio::sync::watch;

pub use access::Access;
pub use address::{BadAddress, DatabaseAddress};
pub use agents::{AfterCall, Agent, AgentProfile, AgentState};
pub use articles::{Article, ArticleInput, ArticleList, ArticleState};
pub use attachments::{Attached, Attachment, KeptFile, NewAttachment};
pub use audio::{AudioKey, StoredAudio};
pub use callers::{Identified, TakenFor};
pub use calls::{CallDirection, CallEnd, CallSave, CallStep, NewCall, OpenedCall};
pub use campaigns::{CampaignDeed, CampaignsSince, PAUSE_ASKED, StoredCampaigns, disposition_of};
pub use card::{Alert, Card};
pub use consents::{Consent, NewConsent, RECORDING, SURVEYS};
pub use customers::{ContactView, CustomerView, IdentityView};
pub use dissatisfaction::{DISSATISFACTIONS, Dissatisfaction};
pub use engine::{Engine, Settings};
pub use erase::Erased;
pub use error::RecordError;
pub use events::JournalEvent;
pub use families::{Family, Merge};
pub use floor::{AgentDay, Floor, Handling, MissedCall, QueueDay, WaitingCaller};
pub use follow_ups::{FollowUp, NewFollowUp};
pub use funnel::{CampaignDecision, Funnel};
pub use identities::{LinkLevel, Match, NewLink};
pub use import::{Counts, CustomerFile, Encoding, Told};
pub use intake::{CustomerInput, UpsertedCustomer};
pub use jobs::{Job, JobKind};
pub use look::{Found, is_in_use, look};
pub use messages::{Message, MessageState, NewMessage, SendOutcome};
pub use mine::Resend;
pub use profile::{NewNote, ProfileChange};
pub use queues::{CallBackFacts, QueueFacts, StoredQueues, Telephone};
pub use rebates::{REBATE_RESENDS_A_DAY, RebateRow, UpsertedRebate};
pub use replies::{NewReply, StoredReply};
pub use resends::RebateResend;
pub use retention::Retained;
pub use reviews::{DrawnTalk, NewReview, Review, ReviewFigures, ReviewState, Score, permille};
pub use search::{Hit, Hits};
pub use services::{BegunSignIn, ServiceSignIn, ServiceUser};
pub use survey_pages::{NewPage, PageAnswer, PagePromise, PageStored, PageTurn, SurveyPage};
pub use surveys::{NewAnswer, NewWords, SurveyAnswer};
pub use talks::Talk;
pub use texts::Texted;
pub use tickets::{Change, TicketRow, Upserted};
pub use timeline::{Cursor, EntryKind, TimelineEntry, TimelinePage};
pub use transfer::{OnProgress, Transfer, dry_run, transfer};
pub use uploads::{LinkSent, UploadLink};
pub use users::{NewUser, OpenSession, Role, SignIn, SignedIn, User};
pub use verify::{VerifyAttempt, VerifyOutcome};
pub use webhooks::{Delivery, DueDelivery, Replay, Sent, WebhookState};
pub use work::{AgentTicket, FollowUpAct, FollowUpList, TicketChange};
pub use wrap_up::{ToWrapUp, WrapUp, Wrapped};

/// The record, open. Cheap to clone; all clones share the writer.
#[derive(Clone)]
pub struct Record {
    readers: AnyPool,
    recogniser: recognise::Recogniser,
    writer: writer::Writer,
    clock: Arc<dyn Clock>,
    ids: Arc<IdSource>,
    engine: Engine,
    /// The name of this server; empty: the only one.
    server: Arc<str>,
}

impl Record {
    /// Opens the record, makes or migrates its tables, and starts the writer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer, [`RecordError::Unusable`] if
    /// it cannot be used as it is, and [`RecordError::Schema`] if its tables were made by a newer
    /// version or are not ours: nothing is overwritten. The texts say what to do.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self, RecordError> {
        let (readers, connection, connector) = engine::open(settings).await?;
        let ids = Arc::new(IdSource::new(rand::random()));
        let spool = settings.spool.as_deref().map(spool::Spool::open).transpose()?;
        let writer =
            writer::Writer::start(connector, connection, Arc::clone(&clock), spool, settings.patience);
        let server = settings.server.as_deref().unwrap_or_default().into();
        let recogniser = recognise::Recogniser::start(readers.clone());
        tokio::spawn(password::warm_up());
        Ok(Self { readers, recogniser, writer, clock, ids, engine: settings.address.engine(), server })
    }

    /// Wakes whenever something was committed; the value counts commits. Read on with
    /// [`Record::follow`], so that a wake-up missed loses nothing.
    pub fn wake_ups(&self) -> watch::Receiver<u64> {
        self.writer.wake_ups()
    }

    /// Whether the last try to write reached the database.
    pub fn is_available(&self) -> bool {
        self.writer.is_available()
    }

    /// How many steps wait to be stored because the database is away.
    pub fn spooled_steps(&self) -> usize {
        self.writer.spooled()
    }

    /// Waits until everything that was handed over before is stored, `within` at most. `false`:
    /// something is still waiting.
    pub async fn flush(&self, within: std::time::Duration) -> bool {
        self.writer.flush(within).await
    }

    /// Which engine keeps it.
    pub const fn engine(&self) -> Engine {
        self.engine
    }

    /// The time of day, as what is stored is stamped with.
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    fn now_micros(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    fn new_id<T: From<u128>>(&self) -> T {
        self.ids.next(self.clock.now())
    }
}

#[cfg(test)]
mod tests;
