//! What supervisors think of talks, by the firm's rubric. Which talks they hear is drawn by lot: nobody picks.

use std::collections::{BTreeMap, HashMap, HashSet};

use hotline_model::{CustomerId, JobId, Pii, UserId};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::act::{Entry, Stamp};
use crate::profile::checked;
use crate::sql::Columns;
use crate::{Record, RecordError};

/// Talks that are drawn from, at most.
const DRAWN_FROM: i64 = 20_000;
/// Reviews of one list, and of one figure, at most.
const LISTED: i64 = 500;
const COUNTED: i64 = 20_000;
/// In microseconds.
const DAY: i64 = 24 * 3_600_000_000;

/// A criterion of the rubric with a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// The rubric's word.
    pub criterion: String,
    /// From 0 to `scale`; `None`: it did not come up in this talk.
    pub score: Option<u32>,
    /// The best score.
    pub scale: u32,
    /// How much it counts, against the others.
    pub weight: u32,
}

/// The share of what could be reached, in thousandths, weighted; `None` if nothing came up.
#[must_use]
pub fn permille(scores: &[Score]) -> Option<u32> {
    let (mut reached, mut possible) = (0_u64, 0_u64);
    for one in scores {
        let Some(score) = one.score else { continue };
        // Each criterion counts by its weight alone, whatever its scale.
        reached +=
            u64::from(score.min(one.scale)) * u64::from(one.weight) * 1_000_000 / u64::from(one.scale.max(1));
        possible += u64::from(one.weight) * 1_000_000;
    }
    (possible > 0).then(|| u32::try_from((reached * 1000 + possible / 2) / possible).unwrap_or(1000))
}

/// Where a review is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewState {
    /// Its reviewer alone sees it.
    Draft,
    /// The agent sees it too.
    Shared,
    /// The agent has read it and agrees.
    Accepted,
    /// The agent sees it otherwise.
    Disputed,
}

impl ReviewState {
    const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Shared => "shared",
            Self::Accepted => "accepted",
            Self::Disputed => "disputed",
        }
    }
}

impl std::str::FromStr for ReviewState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Draft, Self::Shared, Self::Accepted, Self::Disputed]
            .into_iter()
            .find(|state| state.word() == text)
            .ok_or(())
    }
}

/// A review as it stands.
#[derive(Debug, Clone)]
pub struct Review {
    /// Its id.
    pub id: String,
    /// The talk.
    pub talk: String,
    /// The call that the talk was in.
    pub call: Option<String>,
    /// Who talked.
    pub agent: UserId,
    /// Whose login wrote it.
    pub reviewer: String,
    /// By the rubric as it was then.
    pub scores: Vec<Score>,
    /// More words.
    pub note: Option<Pii<String>>,
    /// Where it is on its way.
    pub state: ReviewState,
    /// What the agent said to it.
    pub answer: Option<Pii<String>>,
    /// Counts changes.
    pub version: i64,
    /// When it was begun.
    pub made_at: Timestamp,
}

/// A talk that the lot fell on.
#[derive(Debug, Clone)]
pub struct DrawnTalk {
    /// The interaction's id.
    pub talk: String,
    /// The call that it was in.
    pub call: String,
    /// Who talked.
    pub agent: UserId,
    /// Who called, if it is known.
    pub customer: Option<CustomerId>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What it was about, by the agent's wrap-up.
    pub reason: Option<String>,
    /// Whether the call was recorded.
    pub recorded: bool,
}

/// A review to be stored.
#[derive(Debug, Clone)]
pub struct NewReview {
    /// The talk.
    pub talk: String,
    /// One for each criterion.
    pub scores: Vec<Score>,
    /// More words: at most 4,000 characters.
    pub note: Option<Pii<String>>,
    /// The version that it rests on, of one that stands already.
    pub version: Option<i64>,
}

/// What an agent's reviews come to, drafts left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReviewFigures {
    /// Who talked.
    pub agent: UserId,
    /// How many reviews.
    pub reviews: u32,
    /// The mean share of what could be reached, in thousandths.
    pub permille: Option<u32>,
    /// The same of each criterion.
    pub criteria: BTreeMap<String, u32>,
}

struct Input {
    id: String,
    new: NewReview,
    by: String,
}

struct Answer {
    id: String,
    text: Option<Pii<String>>,
    disputes: bool,
    agent: String,
}

/// Where in the order of a day's lot a talk stands.
fn lot(day: Date, talk: &str) -> [u8; 32] {
    Sha256::digest(format!("{day} {talk}").as_bytes()).into()
}

const COLUMNS: &str = "r.id, r.interaction_id, (SELECT t.parent_id FROM interaction t WHERE t.id = r.interaction_id) AS call, \
                       r.agent_id, r.reviewer, r.scores, r.note, r.state, r.answer, r.version, r.made_at";

fn review(row: &AnyRow) -> Result<Review, RecordError> {
    let scores = serde_json::from_str(&row.text("scores")?);
    Ok(Review {
        id: row.text("id")?,
        talk: row.text("interaction_id")?,
        call: row.text_or_none("call")?,
        agent: row.parsed("agent_id")?,
        reviewer: row.text("reviewer")?,
        scores: scores.map_err(|_| RecordError::Corrupt("column scores".into()))?,
        note: row.text_or_none("note")?.map(Pii::new),
        state: row.parsed("state")?,
        answer: row.text_or_none("answer")?.map(Pii::new),
        version: row.int("version")?,
        made_at: row.time("made_at")?,
    })
}

impl Record {
    /// The talks that supervisors are to hear, on a day: of each agent so many as are left of `each` for the seven days
    /// before it, by a lot that is the same for everybody on that day. A talk that was reviewed is drawn no more.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn review_sample(&self, day: Date, each: u32) -> Result<Vec<DrawnTalk>, RecordError> {
        let week = self.now_micros() - 7 * DAY;
        let rows = sqlx::query(&format!(
            "SELECT t.id, t.parent_id, t.agent_id, t.started_at, t.ended_at, t.reason, c.customer_id, \
             CASE WHEN c.recording IS NULL THEN 0 ELSE 1 END AS recorded \
             FROM interaction t JOIN interaction c ON c.id = t.parent_id \
             WHERE t.channel = 'talk' AND t.agent_id IS NOT NULL AND t.started_at >= $1 AND t.ended_at IS NOT NULL \
             AND c.ended_at IS NOT NULL AND c.erased = 0 ORDER BY t.started_at DESC LIMIT {DRAWN_FROM}"
        ))
        .bind(week)
        .fetch_all(&self.readers)
        .await?;
        let heard = sqlx::query("SELECT interaction_id, agent_id, made_at FROM review WHERE made_at >= $1")
            .bind(week)
            .fetch_all(&self.readers)
            .await?;
        let mut done: HashMap<String, HashSet<String>> = HashMap::new();
        for row in &heard {
            done.entry(row.text("agent_id")?).or_default().insert(row.text("interaction_id")?);
        }
        let mut lots: BTreeMap<String, Vec<([u8; 32], DrawnTalk)>> = BTreeMap::new();
        for row in &rows {
            let (talk, agent) = (row.text("id")?, row.text("agent_id")?);
            if done.get(&agent).is_some_and(|done| done.contains(&talk)) {
                continue;
            }
            let drawn = DrawnTalk {
                call: row.text("parent_id")?,
                agent: row.parsed("agent_id")?,
                customer: row.parsed_or_none("customer_id")?,
                started_at: row.time("started_at")?,
                ended_at: row.time("ended_at")?,
                reason: row.text_or_none("reason")?,
                recorded: row.int("recorded")? == 1,
                talk,
            };
            lots.entry(agent).or_default().push((lot(day, &drawn.talk), drawn));
        }
        let mut sample = Vec::new();
        for (agent, mut talks) in lots {
            let heard = done.get(&agent).map_or(0, HashSet::len);
            talks.sort_by_key(|(lot, _)| *lot);
            let left = (each as usize).saturating_sub(heard);
            sample.extend(talks.into_iter().take(left).map(|(_, talk)| talk));
        }
        Ok(sample)
    }

    /// Stores a review of a talk, as a draft. Who wrote one of this talk before changes that; `sampled`: whether the lot
    /// fell on the talk, without which none is begun.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, or if the talk was not drawn; [`RecordError::NotFound`] if there is no
    /// such talk; [`RecordError::Stale`] if it was shared already, or changed elsewhere meanwhile.
    pub async fn store_review(&self, new: NewReview, sampled: bool, by: &str) -> Result<Review, RecordError> {
        for one in &new.scores {
            if one.score.is_some_and(|score| score > one.scale) {
                return Err(RecordError::Invalid(format!(
                    "{}: 0 to {} is expected",
                    one.criterion, one.scale
                )));
            }
        }
        if let Some(note) = &new.note {
            checked("note", note.expose(), 4_000)?;
        }
        let input = Input { id: self.new_id::<JobId>().to_string(), new, by: by.to_owned() };
        let id = self
            .change((input, sampled), |connection, input, stamp| {
                Box::pin(async move { input.0.store(connection, input.1, &stamp).await })
            })
            .await?;
        self.find_review(&id).await?.ok_or(RecordError::NotFound("review"))
    }

    /// One review.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_review(&self, id: &str) -> Result<Option<Review>, RecordError> {
        let sql = format!("SELECT {COLUMNS} FROM review r WHERE r.id = $1");
        let row = sqlx::query(&sql).bind(id).fetch_optional(&self.readers).await?;
        row.as_ref().map(review).transpose()
    }

    /// Reviews that a supervisor sees: their own, and those of others that were shared; the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn reviews_for(&self, reviewer: &str) -> Result<Vec<Review>, RecordError> {
        let condition = "r.reviewer = $1 OR r.state <> 'draft'";
        self.reviews_where(condition, reviewer).await
    }

    /// Reviews of an agent that were shared with them, the newest first.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn reviews_of(&self, agent: UserId) -> Result<Vec<Review>, RecordError> {
        self.reviews_where("r.agent_id = $1 AND r.state <> 'draft'", &agent.to_string()).await
    }

    async fn reviews_where(&self, condition: &str, value: &str) -> Result<Vec<Review>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM review r WHERE {condition} ORDER BY r.made_at DESC, r.id DESC LIMIT {LISTED}"
        );
        sqlx::query(&sql).bind(value).fetch_all(&self.readers).await?.iter().map(review).collect()
    }

    /// A reviewer shares a draft with the agent: from then on it stays as it is.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] if there is no such review of theirs, [`RecordError::Stale`] if it is no draft any more.
    pub async fn share_review(&self, id: &str, by: &str) -> Result<Review, RecordError> {
        self.change((id.to_owned(), by.to_owned()), |connection, input, stamp| {
            Box::pin(async move {
                let (id, by) = &*input;
                share(connection, id, by, &stamp).await
            })
        })
        .await?;
        self.find_review(id).await?.ok_or(RecordError::NotFound("review"))
    }

    /// An agent answers a review that was shared with them, once.
    ///
    /// # Errors
    /// [`RecordError::Invalid`] naming the field, [`RecordError::NotFound`] if there is no such review of theirs,
    /// [`RecordError::Stale`] if they answered before.
    pub async fn answer_review(
        &self,
        id: &str,
        agent: UserId,
        text: Option<Pii<String>>,
        disputes: bool,
    ) -> Result<Review, RecordError> {
        if let Some(text) = &text {
            checked("text", text.expose(), 4_000)?;
        } else if disputes {
            return Err(RecordError::Invalid("text: say why you see it otherwise".into()));
        }
        let answer = Answer { id: id.to_owned(), text, disputes, agent: agent.to_string() };
        self.change(answer, |connection, answer, stamp| {
            Box::pin(async move { answer.store(connection, &stamp).await })
        })
        .await?;
        self.find_review(id).await?.ok_or(RecordError::NotFound("review"))
    }

    /// What reviews since then come to, of each agent.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn review_figures(&self, since: Timestamp) -> Result<Vec<ReviewFigures>, RecordError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM review r WHERE r.made_at >= $1 AND r.state <> 'draft' \
             ORDER BY r.made_at DESC LIMIT {COUNTED}"
        );
        let rows = sqlx::query(&sql).bind(since.as_microsecond()).fetch_all(&self.readers).await?;
        let mut agents: BTreeMap<String, Vec<Review>> = BTreeMap::new();
        for row in &rows {
            let one = review(row)?;
            agents.entry(one.agent.to_string()).or_default().push(one);
        }
        Ok(agents.into_values().filter_map(|reviews| figures(&reviews)).collect())
    }

    /// Of which call a recording is wanted: its file and whose call it was. Of an erased customer none.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn find_recording(
        &self,
        call: &str,
    ) -> Result<Option<(String, Option<CustomerId>)>, RecordError> {
        let row = sqlx::query(
            "SELECT recording, customer_id FROM interaction WHERE id = $1 AND recording IS NOT NULL AND erased = 0",
        )
        .bind(call)
        .fetch_optional(&self.readers)
        .await?;
        row.map(|row| Ok((row.text("recording")?, row.parsed_or_none("customer_id")?))).transpose()
    }

    /// The day on which now is, in a zone, and the day before: a review that is begun at midnight is still of its lot.
    #[must_use]
    pub fn review_days(&self, zone: &jiff::tz::TimeZone) -> [Date; 2] {
        let today = self.now().to_zoned(zone.clone()).date();
        [today, today.checked_sub(1.day()).unwrap_or(today)]
    }
}

fn figures(reviews: &[Review]) -> Option<ReviewFigures> {
    let mean = |values: Vec<u32>| {
        let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
        Some((values.iter().sum::<u32>() + count / 2) / count)
    };
    let mut by_criterion: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for one in reviews.iter().flat_map(|review| &review.scores) {
        let share = permille(std::slice::from_ref(&Score { weight: 1, ..one.clone() }));
        by_criterion.entry(one.criterion.clone()).or_default().extend(share);
    }
    Some(ReviewFigures {
        agent: reviews.first()?.agent,
        reviews: u32::try_from(reviews.len()).unwrap_or(u32::MAX),
        permille: mean(reviews.iter().filter_map(|review| permille(&review.scores)).collect()),
        criteria: by_criterion
            .into_iter()
            .filter_map(|(criterion, values)| Some((criterion, mean(values)?)))
            .collect(),
    })
}

impl Input {
    async fn store(
        &self,
        connection: &mut AnyConnection,
        sampled: bool,
        stamp: &Stamp,
    ) -> Result<String, RecordError> {
        let new = &self.new;
        let talk = sqlx::query(
            "SELECT agent_id FROM interaction WHERE id = $1 AND agent_id IS NOT NULL AND ended_at IS NOT NULL",
        )
        .bind(&new.talk)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("talk"))?;
        let scores = serde_json::to_string(&new.scores).map_err(|_| RecordError::Corrupt("scores".into()))?;
        let known =
            sqlx::query("SELECT id, state, version FROM review WHERE interaction_id = $1 AND reviewer = $2")
                .bind(&new.talk)
                .bind(&self.by)
                .fetch_optional(&mut *connection)
                .await?;
        if let Some(known) = known {
            if known.text("state")? != ReviewState::Draft.word() {
                return Err(RecordError::Stale("the review was shared: it stays as it is".into()));
            }
            if new.version.is_some_and(|version| known.int("version").is_ok_and(|now| now != version)) {
                return Err(RecordError::Stale("the review was changed elsewhere meanwhile".into()));
            }
            let id = known.text("id")?;
            sqlx::query(
                "UPDATE review SET scores = $2, note = $3, version = version + 1, changed_at = $4 WHERE id = $1",
            )
            .bind(&id)
            .bind(scores)
            .bind(new.note.as_ref().map(|note| note.expose().clone()))
            .bind(stamp.now)
            .execute(connection)
            .await?;
            return Ok(id);
        }
        if !sampled {
            return Err(RecordError::Invalid(
                "talk: the lot did not fall on it; GET /api/v1/reviews/sample tells those of today".into(),
            ));
        }
        sqlx::query(
            "INSERT INTO review (id, interaction_id, agent_id, reviewer, scores, note, state, made_at, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 'draft', $7, $7)",
        )
        .bind(&self.id)
        .bind(&new.talk)
        .bind(talk.text("agent_id")?)
        .bind(&self.by)
        .bind(scores)
        .bind(new.note.as_ref().map(|note| note.expose().clone()))
        .bind(stamp.now)
        .execute(connection)
        .await?;
        Ok(self.id.clone())
    }
}

async fn share(connection: &mut AnyConnection, id: &str, by: &str, stamp: &Stamp) -> Result<(), RecordError> {
    let row = sqlx::query(
        "SELECT state, agent_id, interaction_id, scores FROM review WHERE id = $1 AND reviewer = $2",
    )
    .bind(id)
    .bind(by)
    .fetch_optional(&mut *connection)
    .await?
    .ok_or(RecordError::NotFound("review"))?;
    if row.text("state")? != ReviewState::Draft.word() {
        return Err(RecordError::Stale("the review was shared already".into()));
    }
    let scores: Vec<Score> =
        serde_json::from_str(&row.text("scores")?).map_err(|_| RecordError::Corrupt("scores".into()))?;
    if permille(&scores).is_none() {
        return Err(RecordError::Invalid(
            "scores: at least one criterion is to be scored before it is shared".into(),
        ));
    }
    sqlx::query(
        "UPDATE review SET state = 'shared', shared_at = $2, changed_at = $2, version = version + 1 WHERE id = $1",
    )
    .bind(id)
    .bind(stamp.now)
    .execute(&mut *connection)
    .await?;
    tell(connection, "review.shared", (id, &row.text("agent_id")?, &row.text("interaction_id")?), stamp).await
}

/// Says that a review has moved on, to whom it concerns; nothing of what it says.
async fn tell(
    connection: &mut AnyConnection,
    type_name: &'static str,
    (id, agent, talk): (&str, &str, &str),
    stamp: &Stamp,
) -> Result<(), RecordError> {
    let body = serde_json::json!({ "review": id, "user": agent });
    Entry { type_name, interaction: Some(talk), body, ..Entry::default() }.write(connection, stamp).await
}

impl Answer {
    async fn store(&self, connection: &mut AnyConnection, stamp: &Stamp) -> Result<(), RecordError> {
        let row = sqlx::query(
            "SELECT state, interaction_id FROM review WHERE id = $1 AND agent_id = $2 AND state <> 'draft'",
        )
        .bind(&self.id)
        .bind(&self.agent)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or(RecordError::NotFound("review"))?;
        if row.text("state")? != ReviewState::Shared.word() {
            return Err(RecordError::Stale("you answered this review before".into()));
        }
        let state = if self.disputes { ReviewState::Disputed } else { ReviewState::Accepted };
        sqlx::query(
            "UPDATE review SET state = $2, answer = $3, changed_at = $4, version = version + 1 WHERE id = $1",
        )
        .bind(&self.id)
        .bind(state.word())
        .bind(self.text.as_ref().map(|text| text.expose().clone()))
        .bind(stamp.now)
        .execute(&mut *connection)
        .await?;
        let type_name = if self.disputes { "review.disputed" } else { "review.accepted" };
        tell(connection, type_name, (&self.id, &self.agent, &row.text("interaction_id")?), stamp).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(score: Option<u32>, scale: u32, weight: u32) -> Score {
        Score { criterion: "c".into(), score, scale, weight }
    }

    #[test]
    fn a_criterion_counts_by_its_weight_whatever_its_scale() {
        assert_eq!(permille(&[score(Some(5), 5, 1), score(Some(0), 10, 1)]), Some(500));
        assert_eq!(permille(&[score(Some(5), 5, 3), score(Some(0), 1, 1)]), Some(750));
        assert_eq!(permille(&[score(Some(2), 3, 1), score(None, 5, 9)]), Some(667));
        assert_eq!(permille(&[score(None, 5, 1)]), None);
        assert_eq!(permille(&[score(Some(9), 5, 1)]), Some(1000));
    }

    #[test]
    fn a_lot_is_the_same_all_day_and_another_tomorrow() {
        let day = |day: &str| day.parse::<Date>().unwrap();
        assert_eq!(lot(day("2026-11-20"), "a"), lot(day("2026-11-20"), "a"));
        assert_ne!(lot(day("2026-11-20"), "a"), lot(day("2026-11-21"), "a"));
    }
}
