//! What came of the calls that we make and the messages that we send: how many customers each policy was for, reached,
//! asked, and left content.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::any::AnyRow;

use crate::sql::Columns;
use crate::{Record, RecordError};

/// One policy and category of tickets: customers, each counted once for a ticket and a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Funnel {
    /// The policy.
    pub policy: String,
    /// The category of the tickets; empty if they have none.
    pub category: String,
    /// Met the policy.
    pub drawn: i64,
    /// Of those: their time to be called has come, or the matter has ended.
    pub due: i64,
    /// Of those: were called at least once.
    pub attempted: i64,
    /// How many calls that took.
    pub attempts: i64,
    /// Were sent a message that was taken to be delivered, and did not fail afterwards.
    pub messaged: i64,
    /// Of those: it reached the telephone, as the receipts say.
    pub delivered: i64,
    /// Answered, and no machine did.
    pub answered: i64,
    /// Answered at least one question, in a call or in writing.
    pub took_part: i64,
    /// Heard the plan to its end, or answered it in writing to its end.
    pub completed: i64,
    /// Said that they are content.
    pub satisfied: i64,
    /// Said that they are not.
    pub dissatisfied: i64,
    /// Of those: talked with a human in that call, or before what they were promised was due.
    pub followed_up: i64,
    /// Of those: wait for that, and it is not too late.
    pub promised: i64,
    /// Why they are not content, in the plans' words: tickets of those who answered so themselves.
    pub reasons: BTreeMap<String, i64>,
    /// Why they are not content, as the humans found who dealt with them: tickets. Beside `reasons`, which it does not
    /// change.
    pub found: BTreeMap<String, i64>,
}

/// A decision of the scheduler, for a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct CampaignDecision {
    /// Its place in the journal.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// The policy.
    pub policy: String,
    /// `drawn`, `not-drawn`, `waits`, `called`, `messaged`, `otherwise`, `ended` or `done`.
    pub verdict: String,
    /// Why, in the scheduler's word.
    pub why: Option<String>,
    /// The ticket.
    pub ticket: Option<String>,
    /// The firm's number of it.
    pub external_ref: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// The attempt, if one was made: the call, where it was one.
    pub call: Option<String>,
}

/// Answers that say that a customer is content, and not: as the plan counted them when they were given.
const CONTENT: &str = "s.content = 1";
const NOT_CONTENT: &str = "s.content = 0";

impl Record {
    /// The funnel of every policy and category, of tickets that were settled (or moved) in a time.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn funnel(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Funnel>, RecordError> {
        let answered = |what: &str| {
            format!(
                "CASE WHEN EXISTS (SELECT 1 FROM campaign_attempt a JOIN survey_answer s ON s.call_id = a.call_id \
                 WHERE a.ticket_id = c.ticket_id AND a.policy = c.policy AND {what}) THEN 1 ELSE 0 END"
            )
        };
        let attempt = |what: &str| {
            format!(
                "CASE WHEN EXISTS (SELECT 1 FROM campaign_attempt a WHERE a.ticket_id = c.ticket_id \
                 AND a.policy = c.policy AND {what}) THEN 1 ELSE 0 END"
            )
        };
        let message = |states: &str| {
            format!(
                "CASE WHEN EXISTS (SELECT 1 FROM campaign_attempt a JOIN message m ON m.attempt_id = a.call_id \
                 WHERE a.ticket_id = c.ticket_id AND a.policy = c.policy AND m.state IN ({states})) THEN 1 ELSE 0 END"
            )
        };
        // A human had them in the call, or has done what was promised in it in time.
        let human = format!(
            "CASE WHEN EXISTS (SELECT 1 FROM campaign_attempt a JOIN survey_answer s ON s.call_id = a.call_id \
             WHERE a.ticket_id = c.ticket_id AND a.policy = c.policy AND {NOT_CONTENT} AND ( \
             EXISTS (SELECT 1 FROM waiting w WHERE w.interaction_id = a.call_id AND w.state IN ('talking', 'served')) \
             OR EXISTS (SELECT 1 FROM follow_up f WHERE f.interaction_id = a.call_id AND f.done_at <= f.due_at))) \
             THEN 1 ELSE 0 END"
        );
        let promised = format!(
            "CASE WHEN EXISTS (SELECT 1 FROM campaign_attempt a JOIN survey_answer s ON s.call_id = a.call_id \
             JOIN follow_up f ON f.interaction_id = a.call_id WHERE a.ticket_id = c.ticket_id \
             AND a.policy = c.policy AND {NOT_CONTENT} AND f.done_at IS NULL AND f.due_at > $3) THEN 1 ELSE 0 END"
        );
        let sql = format!(
            "SELECT policy, category, COUNT(*) AS drawn, SUM(due) AS due, SUM(attempted) AS attempted, \
             SUM(attempts) AS attempts, SUM(messaged) AS messaged, SUM(delivered) AS delivered, SUM(answered) AS answered, SUM(took_part) AS took_part, \
             SUM(completed) AS completed, SUM(satisfied) AS satisfied, SUM(dissatisfied) AS dissatisfied, \
             SUM(human) AS followed_up, SUM(CASE WHEN human = 0 THEN promised ELSE 0 END) AS promised FROM ( \
             SELECT c.policy, COALESCE(t.category, '') AS category, \
             CASE WHEN c.done_at IS NOT NULL OR c.next_at <= $3 THEN 1 ELSE 0 END AS due, \
             {attempted} AS attempted, \
             (SELECT CAST(COUNT(*) AS INTEGER) FROM campaign_attempt a WHERE a.ticket_id = c.ticket_id \
              AND a.policy = c.policy AND a.channel = 'call') AS attempts, \
             {messaged} AS messaged, {delivered} AS delivered, {answered} AS answered, {took_part} AS took_part, {completed} AS completed, {content} AS satisfied, \
             {not_content} AS dissatisfied, {human} AS human, {promised} AS promised \
             FROM campaign_case c JOIN ticket t ON t.id = c.ticket_id \
             WHERE c.since >= $1 AND c.since < $2) q GROUP BY policy, category ORDER BY policy, category",
            attempted = attempt("a.channel = 'call'"),
            messaged = message("'sent', 'delivered'"),
            delivered = message("'delivered'"),
            answered = attempt("a.answered_at IS NOT NULL AND COALESCE(a.disposition, '') <> 'machine'"),
            took_part = answered("s.answer <> ''"),
            completed = attempt(
                "(a.disposition = 'completed' OR EXISTS (SELECT 1 FROM survey_page p \
                 WHERE p.attempt_id = a.call_id AND p.done_at IS NOT NULL))"
            ),
            content = answered(CONTENT),
            not_content = answered(NOT_CONTENT),
        );
        let rows = sqlx::query(&sql)
            .bind(from.as_microsecond())
            .bind(until.as_microsecond())
            .bind(self.now_micros())
            .fetch_all(&self.readers)
            .await?;
        let mut funnels: Vec<Funnel> = rows.iter().map(funnel_of).collect::<Result<_, _>>()?;
        let own = "SELECT call_id, answer AS reason FROM survey_answer WHERE question = 'reason'";
        let found = "SELECT interaction_id AS call_id, reason FROM dissatisfaction";
        for (table, is_own) in [(own, true), (found, false)] {
            // Who was called twice and told the same counts once.
            let sql = format!(
                "SELECT c.policy, COALESCE(t.category, '') AS category, r.reason, COUNT(DISTINCT c.ticket_id) AS people \
                 FROM campaign_case c JOIN ticket t ON t.id = c.ticket_id \
                 JOIN campaign_attempt a ON a.ticket_id = c.ticket_id AND a.policy = c.policy \
                 JOIN survey_answer s ON s.call_id = a.call_id JOIN ({table}) r ON r.call_id = a.call_id \
                 WHERE {NOT_CONTENT} AND c.since >= $1 AND c.since < $2 \
                 GROUP BY c.policy, COALESCE(t.category, ''), r.reason"
            );
            let rows = sqlx::query(&sql)
                .bind(from.as_microsecond())
                .bind(until.as_microsecond())
                .fetch_all(&self.readers)
                .await?;
            for row in &rows {
                let (policy, category) = (row.text("policy")?, row.text("category")?);
                let funnel = funnels.iter_mut().find(|one| one.policy == policy && one.category == category);
                if let Some(funnel) = funnel {
                    let counted = if is_own { &mut funnel.reasons } else { &mut funnel.found };
                    counted.insert(row.text("reason")?, row.int("people")?);
                }
            }
        }
        Ok(funnels)
    }

    /// The scheduler's decisions before `before` (a `seq`; the newest ones if `None`), the newest first, of one policy
    /// or of all.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn decisions(
        &self,
        policy: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<CampaignDecision>, RecordError> {
        let kinds = "'campaign.drawn', 'campaign.not-drawn', 'campaign.waits', 'campaign.called', 'campaign.ended', \
                     'campaign.done', 'campaign.messaged', 'campaign.otherwise'";
        let sql = format!(
            "SELECT e.seq, e.type, e.customer_id, e.interaction_id, e.ticket_id, e.occurred_at, e.body, t.external_ref \
             FROM event e LEFT JOIN ticket t ON t.id = e.ticket_id WHERE e.type IN ({kinds}) AND e.seq < $1 \
             AND e.body LIKE $2 ORDER BY e.seq DESC LIMIT $3"
        );
        // The body is ours: a policy's name stands in it as it is.
        let like = policy.map_or_else(|| "%".to_owned(), |name| format!("%\"policy\":\"{name}\"%"));
        let rows = sqlx::query(&sql)
            .bind(before.unwrap_or(i64::MAX))
            .bind(like)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(decision_of).collect()
    }

    /// Policies that a supervisor has stopped.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn paused_policies(&self) -> Result<Vec<String>, RecordError> {
        let rows = sqlx::query("SELECT policy FROM campaign_policy WHERE paused = 1 ORDER BY policy")
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| row.text("policy")).collect()
    }
}

fn funnel_of(row: &AnyRow) -> Result<Funnel, RecordError> {
    Ok(Funnel {
        policy: row.text("policy")?,
        category: row.text("category")?,
        drawn: row.int("drawn")?,
        due: row.int("due")?,
        attempted: row.int("attempted")?,
        attempts: row.int("attempts")?,
        messaged: row.int("messaged")?,
        delivered: row.int("delivered")?,
        answered: row.int("answered")?,
        took_part: row.int("took_part")?,
        completed: row.int("completed")?,
        satisfied: row.int("satisfied")?,
        dissatisfied: row.int("dissatisfied")?,
        followed_up: row.int("followed_up")?,
        promised: row.int("promised")?,
        reasons: BTreeMap::new(),
        found: BTreeMap::new(),
    })
}

fn decision_of(row: &AnyRow) -> Result<CampaignDecision, RecordError> {
    let body: serde_json::Value = serde_json::from_str(&row.text("body")?).unwrap_or_default();
    let word = |name: &str| body[name].as_str().map(str::to_owned);
    Ok(CampaignDecision {
        seq: row.int("seq")?,
        at: row.time("occurred_at")?,
        policy: word("policy").unwrap_or_default(),
        verdict: row.text("type")?.trim_start_matches("campaign.").to_owned(),
        why: word("why").or_else(|| word("how")),
        ticket: row.text_or_none("ticket_id")?,
        external_ref: row.text_or_none("external_ref")?,
        customer: row.text_or_none("customer_id")?,
        call: row.text_or_none("interaction_id")?,
    })
}
