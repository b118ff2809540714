//! Surveys answered in writing: the page that the link of a message leads to, and what its answers leave behind.
//!
//! A page is the attempt that its message is, and has that attempt's id as an interaction too: so everything that is
//! counted of answers and promises of calls counts those of pages.

use hotline_model::{CallId, CustomerId, Language, Pii, StepEvent, TicketId};
use jiff::Timestamp;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::consents::{Proof, refuse};
use crate::deed::{EventRow, insert_events};
use crate::serving::keeper;
use crate::sql::{Columns, clean};
use crate::users::hash_of;
use crate::{Record, RecordError};

/// A page to be kept, in one commit with the attempt and the message that holds its link.
#[derive(Debug, Clone)]
pub struct NewPage {
    /// The attempt that the message is.
    pub attempt: CallId,
    /// The secret in the link; its hash alone is kept.
    pub token: Pii<String>,
    /// Who answers.
    pub customer: CustomerId,
    /// About which ticket.
    pub ticket: TicketId,
    /// The policy by which the message is sent.
    pub policy: String,
    /// The plan that asks.
    pub plan: String,
    /// The language that the customer reads.
    pub language: Language,
    /// What the plan is told of the ticket, as JSON.
    pub given: Pii<String>,
    /// From then on it is too late.
    pub valid_until: Timestamp,
}

/// A page as it stands.
#[derive(Debug, Clone)]
pub struct SurveyPage {
    /// The attempt, and the interaction.
    pub attempt: String,
    /// Who answers.
    pub customer: CustomerId,
    /// About which ticket.
    pub ticket: TicketId,
    /// The policy by which the message was sent.
    pub policy: String,
    /// The plan that asks.
    pub plan: String,
    /// The language that the customer reads.
    pub language: Language,
    /// What the plan is told of the ticket, as JSON.
    pub given: Pii<String>,
    /// The answers that were given, as JSON.
    pub turns: Pii<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is too late.
    pub valid_until: Timestamp,
    /// When the plan came to its end.
    pub done_at: Option<Timestamp>,
    /// Counts the times that something was answered.
    pub version: i64,
    /// The customer was erased.
    pub erased: bool,
    /// The customer wants no calls or messages from us.
    pub do_not_call: bool,
}

/// What a page leaves on the record with all answers that were given so far: it takes the place of what was there.
#[derive(Debug, Clone, Default)]
pub struct PageTurn {
    /// The page's attempt.
    pub attempt: String,
    /// The version that this follows.
    pub version: i64,
    /// The version of the plan that asked.
    pub plan_version: String,
    /// The language that is read.
    pub language: Language,
    /// The answers, as JSON.
    pub turns: Pii<String>,
    /// What was answered, in its order.
    pub answers: Vec<PageAnswer>,
    /// Names and words.
    pub words: Vec<(String, Pii<String>)>,
    /// How it would end here.
    pub outcome: String,
    /// Why, in the plan's word.
    pub reason: Option<String>,
    /// Words for whoever reads it.
    pub note: Option<String>,
    /// Tags on the customer.
    pub tags: Vec<String>,
    /// What a human must do.
    pub follow_up: Option<PagePromise>,
    /// The customer wants no more calls and messages from us.
    pub do_not_call: bool,
    /// The plan is over.
    pub done: bool,
}

/// An answer that a page leaves.
#[derive(Debug, Clone)]
pub struct PageAnswer {
    /// The question's name.
    pub question: String,
    /// A number of the scale, or the plan's word.
    pub answer: String,
    /// Whether it says that the customer is content, if the question measures that.
    pub content: Option<bool>,
}

/// A promise that a page makes.
#[derive(Debug, Clone)]
pub struct PagePromise {
    /// Why.
    pub reason: String,
    /// Words for whoever keeps it.
    pub note: Option<String>,
    /// By when.
    pub due_at: Timestamp,
}

/// What became of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStored {
    /// It is on the record.
    Kept,
    /// Something else was answered meanwhile, or the page is over: it is to be looked at anew.
    Meanwhile,
}

const COLUMNS: &str = "p.attempt_id, p.customer_id, p.ticket_id, p.policy, p.plan, p.language, p.given, p.turns, \
    p.created_at, p.valid_until, p.done_at, p.version, c.erased_at, c.do_not_call";

impl Record {
    /// The page of a link's token, whatever its state.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_page(&self, token: &str) -> Result<Option<SurveyPage>, RecordError> {
        self.page_where("p.token_hash = $1", &hash_of(token)).await
    }

    /// The newest page of a customer that can still be answered.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn open_page_of(&self, customer: CustomerId) -> Result<Option<SurveyPage>, RecordError> {
        let condition = format!(
            "p.customer_id IN {} AND p.done_at IS NULL AND p.valid_until > {} ORDER BY p.created_at DESC LIMIT 1",
            crate::sql::FAMILY,
            self.now_micros()
        );
        self.page_where(&condition, &customer.to_string()).await
    }

    async fn page_where(&self, condition: &str, value: &str) -> Result<Option<SurveyPage>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM survey_page p JOIN customer o ON o.id = p.customer_id \
             JOIN customer c ON c.id = COALESCE(o.merged_into, o.id) WHERE {condition}"
        );
        let row = sqlx::query(&sql).persistent(false).bind(value).fetch_optional(&self.readers).await?;
        row.as_ref().map(page_of).transpose()
    }

    /// Keeps what a page has led to, all of it or nothing: its answers, words, promise and contact, with the journal's
    /// entry.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not take it.
    pub async fn store_page_turn(&self, turn: PageTurn) -> Result<PageStored, RecordError> {
        self.change((turn, self.server.to_string()), |connection, input, stamp| {
            Box::pin(async move {
                let (turn, server) = &*input;
                turn.store(connection, server, &stamp).await
            })
        })
        .await
    }

    /// The words that a customer wrote in a contact, by the plan's name for them.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn written_words(&self, contact: &str) -> Result<Vec<(String, Pii<String>)>, RecordError> {
        let sql = "SELECT name, text FROM caller_words WHERE call_id = $1 AND text IS NOT NULL ORDER BY name";
        let rows = sqlx::query(sql).bind(contact).fetch_all(&self.readers).await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.text("text")?.into()))).collect()
    }
}

fn page_of(row: &AnyRow) -> Result<SurveyPage, RecordError> {
    Ok(SurveyPage {
        attempt: row.text("attempt_id")?,
        customer: row.parsed("customer_id")?,
        ticket: row.parsed("ticket_id")?,
        policy: row.text("policy")?,
        plan: row.text("plan")?,
        language: row.parsed("language")?,
        given: row.text("given")?.into(),
        turns: row.text("turns")?.into(),
        created_at: row.time("created_at")?,
        valid_until: row.time("valid_until")?,
        done_at: row.time_or_none("done_at")?,
        version: row.int("version")?,
        erased: row.int_or_none("erased_at")?.is_some(),
        do_not_call: row.int("do_not_call")? != 0,
    })
}

pub(crate) async fn insert_page(
    connection: &mut AnyConnection,
    page: &NewPage,
    now: i64,
) -> Result<(), RecordError> {
    sqlx::query(
        "INSERT INTO survey_page (attempt_id, token_hash, customer_id, ticket_id, policy, plan, plan_version, language, \
         given, created_at, valid_until) VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, $9, $10) \
         ON CONFLICT (attempt_id) DO NOTHING",
    )
    .bind(page.attempt.to_string())
    .bind(hash_of(page.token.expose()))
    .bind(page.customer.to_string())
    .bind(page.ticket.to_string())
    .bind(&page.policy)
    .bind(&page.plan)
    .bind(page.language.tag())
    .bind(clean(page.given.expose().clone()))
    .bind(now)
    .bind(page.valid_until.as_microsecond())
    .execute(connection)
    .await?;
    Ok(())
}

/// What stands for a link's token once its message was handed over.
pub(crate) const BLANKED: &str = "…";

/// What a turn needs to know of its page.
struct Known {
    customer: String,
    ticket: String,
    policy: String,
    plan: String,
    phone: Option<String>,
}

impl PageTurn {
    async fn store(
        &self,
        connection: &mut AnyConnection,
        server: &str,
        stamp: &Stamp,
    ) -> Result<PageStored, RecordError> {
        let changed = sqlx::query(
            "UPDATE survey_page SET turns = $3, plan_version = $4, language = $5, version = version + 1, \
             opened_at = COALESCE(opened_at, $6), done_at = CASE WHEN $7 = 1 THEN $6 ELSE NULL END \
             WHERE attempt_id = $1 AND version = $2 AND done_at IS NULL AND valid_until > $6 AND customer_id IN \
             (SELECT id FROM customer WHERE erased_at IS NULL)",
        )
        .bind(&self.attempt)
        .bind(self.version)
        .bind(clean(self.turns.expose().clone()))
        .bind(&self.plan_version)
        .bind(self.language.tag())
        .bind(stamp.now)
        .bind(i64::from(self.done))
        .execute(&mut *connection)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(PageStored::Meanwhile);
        }
        let row = sqlx::query(
            "SELECT p.customer_id, p.ticket_id, p.policy, p.plan, m.recipient FROM survey_page p \
             LEFT JOIN message m ON m.attempt_id = p.attempt_id WHERE p.attempt_id = $1",
        )
        .bind(&self.attempt)
        .fetch_one(&mut *connection)
        .await?;
        let known = Known {
            customer: row.text("customer_id")?,
            ticket: row.text("ticket_id")?,
            policy: row.text("policy")?,
            plan: row.text("plan")?,
            phone: row.text_or_none("recipient")?.filter(|number| !number.is_empty()),
        };
        self.store_contact(connection, &known, server, stamp).await?;
        self.store_answers(connection, &known, stamp).await?;
        self.store_promise(connection, &known, stamp).await?;
        if self.do_not_call {
            let page = Some(self.attempt.as_str());
            let proof = Proof { channel: "web", interaction: page, by: "customer", ..Proof::default() };
            refuse(connection, &known.customer, &proof, stamp).await?;
        }
        let row = EventRow {
            source: "survey-page".into(),
            source_event_id: format!("{}:{}", self.attempt, self.version),
            type_name: if self.done { "survey.completed" } else { "survey.answered" }.into(),
            customer_id: Some(known.customer.clone()),
            interaction_id: Some(self.attempt.clone()),
            ticket_id: Some(known.ticket.clone()),
            occurred_at: stamp.now,
            body: serde_json::json!({ "policy": known.policy, "questions": self.answers.len() }).to_string(),
        };
        insert_events(connection, &[&row], stamp.now).await?;
        Ok(PageStored::Kept)
    }

    /// The contact, which goes on from the last call about the same case. It is never open: nobody knows whether the
    /// customer comes back.
    async fn store_contact(
        &self,
        connection: &mut AnyConnection,
        known: &Known,
        server: &str,
        stamp: &Stamp,
    ) -> Result<(), RecordError> {
        let call = sqlx::query(
            "SELECT i.id, i.root_id FROM campaign_attempt a JOIN interaction i ON i.id = a.call_id \
             WHERE a.ticket_id = $1 AND a.policy = $2 AND i.channel = 'call' ORDER BY a.at DESC LIMIT 1",
        )
        .bind(&known.ticket)
        .bind(&known.policy)
        .fetch_optional(&mut *connection)
        .await?;
        let (parent, root) = match &call {
            Some(row) => (Some(row.text("id")?), row.text("root_id")?),
            None => (None, self.attempt.clone()),
        };
        sqlx::query(
            "INSERT INTO interaction (id, channel, native_id, root_id, parent_id, direction, customer_id, known_by, \
             ticket_id, plan, plan_version, language, started_at, server) \
             VALUES ($1, 'web', $1, $2, $3, 'in', $4, 'link', $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (channel, native_id) DO NOTHING",
        )
        .bind(&self.attempt)
        .bind(root)
        .bind(parent)
        .bind(&known.customer)
        .bind(&known.ticket)
        .bind(&known.plan)
        .bind(&self.plan_version)
        .bind(self.language.tag())
        .bind(stamp.now)
        .bind(server)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "UPDATE interaction SET outcome = $2, reason = $3, note = $4, language = $5, ending = 'caller', \
             end_code = $6, ended_at = $7 WHERE id = $1",
        )
        .bind(&self.attempt)
        .bind(clean(self.outcome.clone()))
        .bind(self.reason.clone().map(clean))
        .bind(self.told().map(clean))
        .bind(self.language.tag())
        .bind(if self.done { "completed" } else { "left" })
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        for tag in &self.tags {
            sqlx::query(
                "INSERT INTO customer_tag (customer_id, tag, at) VALUES ($1, $2, $3) \
                 ON CONFLICT (customer_id, tag) DO NOTHING",
            )
            .bind(&known.customer)
            .bind(clean(tag.clone()))
            .bind(stamp.now)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// What the contact tells on the time line: the plan's note, and what the customer wrote.
    fn told(&self) -> Option<String> {
        let words = self.words.iter().map(|(_, words)| words.expose().clone());
        let told: Vec<String> = self.note.clone().into_iter().chain(words).collect();
        (!told.is_empty()).then(|| told.join("\n"))
    }

    /// What is answered now, and nothing that was answered on another way before. The journal tells of each answer as it
    /// does of those of calls.
    async fn store_answers(
        &self,
        connection: &mut AnyConnection,
        known: &Known,
        stamp: &Stamp,
    ) -> Result<(), RecordError> {
        let mut before = Vec::new();
        for row in sqlx::query("SELECT question, answer FROM survey_answer WHERE call_id = $1")
            .bind(&self.attempt)
            .fetch_all(&mut *connection)
            .await?
        {
            let question = row.text("question")?;
            before.push((question.clone(), row.text("answer")?));
            if !self.answers.iter().any(|one| one.question == question) {
                let sql = "DELETE FROM survey_answer WHERE call_id = $1 AND question = $2";
                sqlx::query(sql).bind(&self.attempt).bind(question).execute(&mut *connection).await?;
            }
        }
        for (place, PageAnswer { question, answer, content }) in self.answers.iter().enumerate() {
            if before.contains(&(question.clone(), answer.clone())) {
                continue;
            }
            let event = StepEvent::Surveyed {
                step: String::new(),
                question: clean(question.clone()),
                answer: clean(answer.clone()),
                content: *content,
            };
            let row = EventRow {
                source: "call".into(),
                source_event_id: format!("{}:{}.{place}", self.attempt, self.version),
                type_name: event.type_name().into(),
                customer_id: Some(known.customer.clone()),
                interaction_id: Some(self.attempt.clone()),
                ticket_id: None,
                occurred_at: stamp.now,
                body: serde_json::to_string(&event).unwrap_or_else(|_| "{}".into()),
            };
            insert_events(connection, &[&row], stamp.now).await?;
            sqlx::query(
                "INSERT INTO survey_answer (call_id, question, answer, plan, plan_version, policy, ticket_id, \
                 customer_id, at, content) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (call_id, question) DO UPDATE SET answer = excluded.answer, at = excluded.at, \
                 content = excluded.content WHERE survey_answer.answer <> excluded.answer",
            )
            .bind(&self.attempt)
            .bind(clean(question.clone()))
            .bind(clean(answer.clone()))
            .bind(&known.plan)
            .bind(&self.plan_version)
            .bind(&known.policy)
            .bind(&known.ticket)
            .bind(&known.customer)
            .bind(stamp.now)
            .bind(content.map(i64::from))
            .execute(&mut *connection)
            .await?;
        }
        let sql = "DELETE FROM caller_words WHERE call_id = $1 AND text IS NOT NULL";
        sqlx::query(sql).bind(&self.attempt).execute(&mut *connection).await?;
        for (name, text) in &self.words {
            sqlx::query(
                "INSERT INTO caller_words (call_id, name, seconds, at, text) VALUES ($1, $2, 0, $3, $4) \
                 ON CONFLICT (call_id, name) DO UPDATE SET text = excluded.text, at = excluded.at",
            )
            .bind(&self.attempt)
            .bind(clean(name.clone()))
            .bind(stamp.now)
            .bind(clean(text.expose().clone()))
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// A page promises one thing at most. What somebody has taken on stays; what is not wanted any more is withdrawn.
    async fn store_promise(
        &self,
        connection: &mut AnyConnection,
        known: &Known,
        stamp: &Stamp,
    ) -> Result<(), RecordError> {
        let id = format!("{}f", self.attempt);
        let Some(promise) = &self.follow_up else {
            let done = sqlx::query(
                "UPDATE follow_up SET state = 'done', outcome = 'withdrawn', done_at = $2, version = version + 1 \
                 WHERE id = $1 AND state = 'open'",
            )
            .bind(&id)
            .bind(stamp.now)
            .execute(&mut *connection)
            .await?;
            if done.rows_affected() > 0 {
                self.entry("follow-up.done", known, serde_json::json!({ "outcome": "withdrawn" }))
                    .write(connection, stamp)
                    .await?;
            }
            return Ok(());
        };
        let again = sqlx::query(
            "UPDATE follow_up SET state = 'open', outcome = NULL, done_at = NULL, reminded_at = NULL, \
             version = version + 1 WHERE id = $1 AND outcome = 'withdrawn'",
        )
        .bind(&id)
        .execute(&mut *connection)
        .await?;
        let owner = keeper(connection, Some(&known.customer), Some(&known.ticket)).await?;
        let made = sqlx::query(
            "INSERT INTO follow_up (id, customer_id, interaction_id, ticket_id, phone, reason, note, state, due_at, \
             created_at, owner) VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&id)
        .bind(&known.customer)
        .bind(&self.attempt)
        .bind(&known.ticket)
        .bind(&known.phone)
        .bind(clean(promise.reason.clone()))
        .bind(promise.note.clone().map(clean))
        .bind(promise.due_at.as_microsecond())
        .bind(stamp.now)
        .bind(&owner)
        .execute(&mut *connection)
        .await?;
        if again.rows_affected() + made.rows_affected() > 0 {
            self.entry(
                "follow-up.made",
                known,
                serde_json::json!({ "reason": promise.reason, "owner": owner }),
            )
            .write(connection, stamp)
            .await?;
        }
        // What was answered since may have moved it.
        sqlx::query(
            "UPDATE follow_up SET reason = $2, note = $3, due_at = $4, version = version + 1 \
             WHERE id = $1 AND state = 'open' AND (reason <> $2 OR due_at <> $4 OR COALESCE(note, '') <> COALESCE($3, ''))",
        )
        .bind(&id)
        .bind(clean(promise.reason.clone()))
        .bind(promise.note.clone().map(clean))
        .bind(promise.due_at.as_microsecond())
        .execute(&mut *connection)
        .await?;
        Ok(())
    }

    fn entry<'a>(&'a self, type_name: &'static str, known: &'a Known, body: serde_json::Value) -> Entry<'a> {
        Entry {
            type_name,
            customer: Some(&known.customer),
            interaction: Some(&self.attempt),
            ticket: Some(&known.ticket),
            body,
        }
    }
}
