//! Knowledge: what those who serve customers look up, and which of it fits a customer's matter.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{ArticleId, CustomerId, Language};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::deed::{places, statement};
use crate::profile::checked;
use crate::sql::{Columns, short};
use crate::users::hash_of;
use crate::words::{Term, terms, words};
use crate::{Record, RecordError};

/// Whether it is shown to those who serve customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArticleState {
    /// It is being written.
    #[default]
    Draft,
    /// It is shown.
    Published,
    /// It is shown no longer.
    Withdrawn,
}

impl ArticleState {
    /// The word in the table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl std::str::FromStr for ArticleState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found =
            [Self::Draft, Self::Published, Self::Withdrawn].into_iter().find(|one| one.word() == text);
        found.ok_or_else(|| "draft, published and withdrawn are known".into())
    }
}

/// An article as it is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ArticleInput {
    /// Its number in the firm's own system: 1 to 64 characters.
    pub external_ref: Option<String>,
    /// By language: at most 200 characters. At least one language, the same ones as `body`.
    pub title: BTreeMap<Language, String>,
    /// By language: plain text, at most 20,000 characters.
    pub body: BTreeMap<Language, String>,
    /// Categories of tickets that it fits: 20 at most.
    pub categories: Vec<String>,
    /// Tags: names of activities, plans, queues and reasons that it fits, or words of one's own; 20 at most.
    pub tags: Vec<String>,
    /// From when on it is shown.
    pub valid_from: Option<Timestamp>,
    /// Until when it is shown.
    pub valid_to: Option<Timestamp>,
    /// Whether it is shown.
    pub state: ArticleState,
}

/// An article as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Article {
    /// The article.
    pub id: ArticleId,
    /// What is written.
    pub input: ArticleInput,
    /// Counts changes: what is handed over with one that is not the newest is refused.
    pub version: i64,
    /// Who changed it last.
    pub changed_by: String,
    /// When.
    pub changed_at: Timestamp,
}

/// Which articles are asked for.
#[derive(Debug, Clone, Default)]
pub struct ArticleList<'a> {
    /// With these words, in any language.
    pub words: Option<&'a str>,
    /// In this state; all if absent.
    pub state: Option<ArticleState>,
    /// Only what is shown now: published, and within its dates.
    pub shown_only: bool,
    /// At most; 200 at most.
    pub limit: u32,
}

/// Articles that fit a customer, at most.
const FITTING: usize = 5;
/// Words of an article at most.
const WORDS: usize = 3000;
/// Words and topics of one INSERT.
const TOGETHER: usize = 400;
/// Topics of a customer at most.
const TOPICS: usize = 60;

const COLUMNS: &str = "a.id AS id, a.external_ref AS external_ref, a.title AS title, a.body AS body, \
    a.categories AS categories, a.tags AS tags, a.valid_from AS valid_from, a.valid_to AS valid_to, \
    a.state AS state, a.version AS version, a.changed_by AS changed_by, a.changed_at AS changed_at";

fn from_json<T: serde::de::DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, RecordError> {
    serde_json::from_str(&row.text(column)?).map_err(|_| RecordError::Corrupt(format!("column {column}")))
}

impl Article {
    fn from_row(row: &AnyRow) -> Result<Self, RecordError> {
        Ok(Self {
            id: row.parsed("id")?,
            input: ArticleInput {
                external_ref: row.text_or_none("external_ref")?,
                title: from_json(row, "title")?,
                body: from_json(row, "body")?,
                categories: from_json(row, "categories")?,
                tags: from_json(row, "tags")?,
                valid_from: row.time_or_none("valid_from")?,
                valid_to: row.time_or_none("valid_to")?,
                state: row.parsed("state")?,
            },
            version: row.int("version")?,
            changed_by: row.text("changed_by")?,
            changed_at: row.time("changed_at")?,
        })
    }
}

impl ArticleInput {
    fn check(mut self) -> Result<Self, RecordError> {
        let invalid = |text: &str| Err(RecordError::Invalid(text.into()));
        self.external_ref =
            self.external_ref.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(reference) = &self.external_ref {
            checked("external-ref", reference, 64)?;
        }
        for texts in [&mut self.title, &mut self.body] {
            texts.retain(|_, text| !text.trim().is_empty());
            for text in texts.values_mut() {
                *text = text.trim().to_owned();
            }
        }
        if self.title.is_empty() {
            return invalid("title: one language at least is expected");
        }
        if !self.title.keys().eq(self.body.keys()) {
            return invalid("title, body: every language that has one needs the other");
        }
        for (language, title) in &self.title {
            checked(&format!("title: {language}"), title, 200)?;
        }
        for (language, body) in &self.body {
            checked(&format!("body: {language}"), body, 20_000)?;
        }
        for (name, topics) in [("categories", &mut self.categories), ("tags", &mut self.tags)] {
            for topic in topics.iter_mut() {
                checked(name, topic, 64)?;
                *topic = topic.trim().to_owned();
            }
            let mut seen = BTreeSet::new();
            topics.retain(|topic| seen.insert(topic.to_lowercase()));
            if topics.len() > 20 {
                return Err(RecordError::Invalid(format!("{name}: 20 at most")));
            }
        }
        if self.valid_from.zip(self.valid_to).is_some_and(|(from, to)| to <= from) {
            return invalid("valid-to: it has to be later than valid-from");
        }
        Ok(self)
    }

    fn topics(&self) -> BTreeSet<String> {
        self.categories.iter().chain(&self.tags).map(|topic| topic.to_lowercase()).collect()
    }

    fn words(&self) -> BTreeSet<String> {
        // Titles first: of a long text its last words are left out.
        let mut said = BTreeSet::new();
        let topics = self.categories.iter().chain(&self.tags);
        for text in
            self.title.values().chain(topics).chain(self.external_ref.iter()).chain(self.body.values())
        {
            let left = WORDS.saturating_sub(said.len());
            said.extend(words(text).into_iter().take(left));
        }
        said
    }
}

struct Store {
    id: String,
    input: ArticleInput,
    /// Only a new one.
    new: bool,
    version: Option<i64>,
    by: String,
}

impl Record {
    /// Writes a new article. Two with one `key`, of one person, are one.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, also where another article has its number.
    pub async fn add_article(
        &self,
        input: ArticleInput,
        key: Option<&str>,
        by: &str,
    ) -> Result<Article, RecordError> {
        let id = match key {
            // An id as others are: 26 characters, of which the first says little.
            Some(key) => format!("0{}", hash_of(&format!("article {by} {key}"))[..25].to_uppercase()),
            None => self.new_id::<ArticleId>().to_string(),
        };
        self.store_article(Store { id, input: input.check()?, new: true, version: None, by: by.to_owned() })
            .await
    }

    /// Replaces an article. `version`: the one that the change rests on. The same again changes nothing.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`], [`RecordError::Stale`] if somebody else
    /// was faster.
    pub async fn change_article(
        &self,
        id: ArticleId,
        input: ArticleInput,
        version: Option<i64>,
        by: &str,
    ) -> Result<Article, RecordError> {
        let (id, input) = (id.to_string(), input.check()?);
        self.store_article(Store { id, input, new: false, version, by: by.to_owned() }).await
    }

    async fn store_article(&self, store: Store) -> Result<Article, RecordError> {
        self.change(store, |connection, store, stamp| {
            Box::pin(async move { store.run(connection, &stamp).await })
        })
        .await
    }

    /// An article by its id.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_article(&self, id: ArticleId) -> Result<Option<Article>, RecordError> {
        let row = sqlx::query(&format!("SELECT {COLUMNS} FROM article a WHERE a.id = $1"))
            .bind(id.to_string())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(Article::from_row).transpose()
    }

    /// Articles, those that were changed last first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn articles(&self, list: ArticleList<'_>) -> Result<Vec<Article>, RecordError> {
        let (mut sql, mut values) = (format!("SELECT {COLUMNS} FROM article a WHERE 1 = 1"), Vec::new());
        let place = |values: &mut Vec<String>, value: String| {
            values.push(value);
            format!("${}", values.len())
        };
        if let Some(state) = list.state {
            sql.push_str(&format!(" AND a.state = {}", place(&mut values, state.word().into())));
        }
        if list.shown_only {
            sql.push_str(&self.shown());
        }
        for term in terms(&short(list.words.unwrap_or_default())).iter().flatten() {
            let one = |condition: String| {
                format!("EXISTS (SELECT 1 FROM article_word w WHERE w.article_id = a.id AND {condition})")
            };
            let there = match term {
                Term::Is(word) => one(format!("w.word = {}", place(&mut values, word.clone()))),
                Term::Begins(beginnings) => {
                    let ways: Vec<String> = beginnings
                        .iter()
                        .map(|beginning| {
                            let from = place(&mut values, beginning.clone());
                            let to = place(&mut values, format!("{beginning}\u{10ffff}"));
                            one(format!("w.word >= {from} AND w.word < {to}"))
                        })
                        .collect();
                    ways.join(" OR ")
                }
            };
            sql.push_str(&format!(" AND ({there})"));
        }
        sql.push_str(&format!(" ORDER BY a.changed_at DESC, a.id DESC LIMIT {}", list.limit.clamp(1, 200)));
        let mut query = sqlx::query(&sql).persistent(false);
        for value in &values {
            query = query.bind(value);
        }
        query.fetch_all(&self.readers).await?.iter().map(Article::from_row).collect()
    }

    /// That article `a` is shown now.
    fn shown(&self) -> String {
        let now = self.now_micros();
        format!(
            " AND a.state = 'published' AND (a.valid_from IS NULL OR a.valid_from <= {now}) \
             AND (a.valid_to IS NULL OR a.valid_to > {now})"
        )
    }

    /// The articles that fit what a customer is in touch about, the best first, five at most: by the categories of
    /// open tickets, by what the path of a call that goes on says, by what they were given and have not used.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn articles_for(&self, customer: CustomerId) -> Result<Vec<Article>, RecordError> {
        let topics = self.topics_of(customer).await?;
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT {COLUMNS}, t.topic AS topic FROM article_topic t JOIN article a ON a.id = t.article_id \
             WHERE t.topic IN {}{} ORDER BY a.changed_at DESC, a.id DESC LIMIT 500",
            places(1, &vec!["$"; topics.len()]),
            self.shown()
        );
        let mut query = sqlx::query(&sql).persistent(false);
        for topic in topics.keys() {
            query = query.bind(topic);
        }
        let mut found: Vec<(u32, Article)> = Vec::new();
        for row in query.fetch_all(&self.readers).await? {
            let weight = topics.get(&row.text("topic")?).copied().unwrap_or(0);
            let article = Article::from_row(&row)?;
            match found.iter_mut().find(|(_, known)| known.id == article.id) {
                Some((fits, _)) => *fits += weight,
                None => found.push((weight, article)),
            }
        }
        // Stable: of those that fit alike, what was written last comes first.
        found.sort_by_key(|(fits, _)| std::cmp::Reverse(*fits));
        Ok(found.into_iter().take(FITTING).map(|(_, article)| article).collect())
    }

    /// What a customer is in touch about, in lower case, each with how much it says.
    async fn topics_of(&self, customer: CustomerId) -> Result<BTreeMap<String, u32>, RecordError> {
        let mut topics: BTreeMap<String, u32> = BTreeMap::new();
        let mut add = |topic: &str, weight: u32| {
            let topic = topic.trim().to_lowercase();
            if !topic.is_empty() && (topics.len() < TOPICS || topics.contains_key(&topic)) {
                let known = topics.entry(topic).or_default();
                *known = weight.max(*known);
            }
        };
        for ticket in self.open_tickets_of(customer, 20).await? {
            if let Some(category) = &ticket.category {
                add(category, 4);
            }
        }
        for contact in self.live_contacts_of(customer).await? {
            if let Some(reason) = &contact.reason {
                add(reason, 3);
            }
            if let Some(ticket) = contact.ticket.as_ref().and_then(|id| id.parse().ok())
                && let Some(category) = self.find_ticket(ticket).await?.and_then(|ticket| ticket.category)
            {
                add(&category, 4);
            }
            // The newest first: there may be more than are taken.
            for event in contact.path.iter().rev() {
                for (field, weight) in [("reason", 3), ("queue", 2), ("plan", 1), ("step", 1)] {
                    if let Some(word) = event.body.get(field).and_then(|word| word.as_str()) {
                        add(word, weight);
                    }
                }
            }
        }
        let now = self.now();
        for rebate in self.rebates_of(customer).await? {
            if rebate.state_at(now) == hotline_model::RebateState::Unused {
                add(&rebate.activity, 2);
            }
        }
        Ok(topics)
    }
}

impl Store {
    async fn run(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<Article, RecordError> {
        let load = format!("SELECT {COLUMNS} FROM article a WHERE a.id = $1");
        let known = sqlx::query(&load).bind(&self.id).fetch_optional(&mut *connection).await?;
        let known = known.as_ref().map(Article::from_row).transpose()?;
        match &known {
            // The same click again.
            Some(article) if self.new => return Ok(article.clone()),
            None if !self.new => return Err(RecordError::NotFound("article")),
            Some(article) if self.version.is_some_and(|version| version != article.version) => {
                return Err(RecordError::Stale("somebody else has changed the article meanwhile".into()));
            }
            Some(article) if article.input == self.input => return Ok(article.clone()),
            _ => {}
        }
        self.refuse_taken(connection).await?;
        let json = |value: Result<String, serde_json::Error>| {
            value.map_err(|_| RecordError::Corrupt("an article".into()))
        };
        let input = &self.input;
        // In one statement for both: what is new has version 1.
        sqlx::query(
            "INSERT INTO article (id, external_ref, title, body, categories, tags, valid_from, valid_to, state, version, \
             changed_by, changed_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $11) \
             ON CONFLICT (id) DO UPDATE SET external_ref = excluded.external_ref, title = excluded.title, \
             body = excluded.body, categories = excluded.categories, tags = excluded.tags, \
             valid_from = excluded.valid_from, valid_to = excluded.valid_to, state = excluded.state, \
             version = article.version + 1, changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        )
        .bind(&self.id)
        .bind(&input.external_ref)
        .bind(json(serde_json::to_string(&input.title))?)
        .bind(json(serde_json::to_string(&input.body))?)
        .bind(json(serde_json::to_string(&input.categories))?)
        .bind(json(serde_json::to_string(&input.tags))?)
        .bind(input.valid_from.map(Timestamp::as_microsecond))
        .bind(input.valid_to.map(Timestamp::as_microsecond))
        .bind(input.state.word())
        .bind(&self.by)
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        for (table, column, rows) in
            [("article_topic", "topic", input.topics()), ("article_word", "word", input.words())]
        {
            replace(connection, table, column, &self.id, rows.into_iter().collect()).await?;
        }
        let row = sqlx::query(&load).bind(&self.id).fetch_one(&mut *connection).await?;
        let article = Article::from_row(&row)?;
        let body = serde_json::json!({ "article": self.id, "version": article.version, "state": input.state,
            "by": self.by });
        Entry { type_name: "article.changed", body, ..Entry::default() }.write(connection, stamp).await?;
        Ok(article)
    }

    async fn refuse_taken(&self, connection: &mut AnyConnection) -> Result<(), RecordError> {
        let Some(reference) = &self.input.external_ref else { return Ok(()) };
        let taken = sqlx::query("SELECT id FROM article WHERE external_ref = $1 AND id <> $2")
            .bind(reference)
            .bind(&self.id)
            .fetch_optional(connection)
            .await?;
        match taken {
            Some(_) => Err(RecordError::Invalid("external-ref: another article has this number".into())),
            None => Ok(()),
        }
    }
}

/// The rows of an article in a table are these and no others.
async fn replace(
    connection: &mut AnyConnection,
    table: &str,
    column: &str,
    id: &str,
    rows: Vec<String>,
) -> Result<(), RecordError> {
    sqlx::query(&format!("DELETE FROM {table} WHERE article_id = $1"))
        .bind(id)
        .execute(&mut *connection)
        .await?;
    for rows in rows.chunks(TOGETHER) {
        let sql =
            format!("INSERT INTO {table} (article_id, {column}) VALUES {}", places(rows.len(), &["$"; 2]));
        let mut insert = statement(&sql, rows.len());
        for row in rows {
            insert = insert.bind(id).bind(row);
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}
