//! What calls leave behind for the record while nobody waits for the answer: as data, so that it
//! can be kept, written to disk and run again. Each deed run twice leaves what it leaves once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection};

use crate::RecordError;
use crate::calls::{BeginRow, EndRow, SaveRow};
use crate::follow_ups::FollowUpRow;
use crate::jobs::ResendRow;
use crate::queues::QueueRow;
use crate::resends::RebateResendRow;
use crate::sql::Columns;

/// One row of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EventRow {
    pub source: Cow<'static, str>,
    pub source_event_id: String,
    pub type_name: Cow<'static, str>,
    pub customer_id: Option<String>,
    pub interaction_id: Option<String>,
    pub ticket_id: Option<String>,
    /// Microseconds since 1970.
    pub occurred_at: i64,
    pub body: String,
}

impl EventRow {
    /// The same entry without what it tells, if its call's customer was erased.
    pub fn without(&self, erased: &BTreeSet<String>) -> Self {
        let mut row = self.clone();
        if row.interaction_id.as_ref().is_some_and(|id| erased.contains(id)) {
            row.body = "{}".into();
        }
        row
    }
}

/// Calls that go on although their customer was erased: what they leave is stored without what
/// identifies. Mostly there is none, and an index of nothing is asked.
pub(crate) async fn erased_calls(connection: &mut AnyConnection) -> Result<BTreeSet<String>, RecordError> {
    let rows = sqlx::query("SELECT id FROM interaction WHERE erased = 1 AND ended_at IS NULL")
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.text("id")).collect()
}

/// A piece of a call's record. No `Debug`: it holds what a log may not show.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Deed {
    Begin(Box<BeginRow>),
    Steps(Vec<EventRow>),
    Save(Box<SaveRow>),
    End(EndRow),
    FollowUp(Box<FollowUpRow>),
    Resend(ResendRow),
    Queue(Vec<QueueRow>),
    ResendRebate(RebateResendRow),
}

impl Deed {
    /// How many steps it counts as.
    pub fn steps(&self) -> usize {
        match self {
            Self::Steps(rows) => rows.len(),
            _ => 1,
        }
    }

    /// Stores what came one behind the other, many calls in a statement: calls that began before
    /// what was done in them, and how they ended last. `now` in microseconds since 1970.
    pub async fn store(deeds: &[&Self], connection: &mut AnyConnection, now: i64) -> Result<(), RecordError> {
        let begins: Vec<&BeginRow> = deeds.iter().filter_map(|deed| deed.begin()).collect();
        for rows in begins.chunks(CALLS) {
            BeginRow::store(rows, connection).await?;
        }
        let steps: Vec<&EventRow> = deeds.iter().filter_map(|deed| deed.rows()).flatten().collect();
        let telling =
            deeds.iter().any(|deed| matches!(deed, Self::Steps(_) | Self::Save(_) | Self::FollowUp(_)));
        let erased = if telling { erased_calls(connection).await? } else { BTreeSet::new() };
        crate::talks::store(connection, &steps).await?;
        if erased.is_empty() {
            insert_events(connection, &steps, now).await?;
        } else {
            let blanked: Vec<EventRow> = steps.into_iter().map(|row| row.without(&erased)).collect();
            insert_events(connection, &blanked.iter().collect::<Vec<_>>(), now).await?;
        }
        for deed in deeds {
            match deed {
                Self::Begin(_) | Self::Steps(_) | Self::End(_) => {}
                Self::Save(row) if erased.contains(row.id()) => row.blanked().store(connection).await?,
                Self::FollowUp(row) if row.interaction().is_some_and(|id| erased.contains(id)) => {
                    row.blanked().store(connection).await?;
                }
                Self::Save(row) => row.store(connection).await?,
                Self::FollowUp(row) => row.store(connection).await?,
                Self::Resend(row) => row.store(connection).await?,
                Self::ResendRebate(row) => row.store(connection).await?,
                Self::Queue(rows) => {
                    for row in rows {
                        row.store(connection, now).await?;
                    }
                }
            }
        }
        let ends: Vec<&EndRow> = deeds.iter().filter_map(|deed| deed.end()).collect();
        for rows in ends.chunks(CALLS) {
            EndRow::store(rows, connection).await?;
        }
        Ok(())
    }

    fn begin(&self) -> Option<&BeginRow> {
        if let Self::Begin(row) = self { Some(row) } else { None }
    }

    fn rows(&self) -> Option<&[EventRow]> {
        if let Self::Steps(rows) = self { Some(rows) } else { None }
    }

    fn end(&self) -> Option<&EndRow> {
        if let Self::End(row) = self { Some(row) } else { None }
    }
}

/// Calls in one statement.
const CALLS: usize = 64;
/// Statements for more rows than this are not kept prepared: there is one for each number of rows.
const KEPT: usize = 8;

/// A statement for many rows.
pub(crate) fn statement(sql: &str, rows: usize) -> Query<'_, Any, AnyArguments<'_>> {
    sqlx::query(sql).persistent(rows <= KEPT)
}

/// `($1, 'call', $2), ($3, 'call', $4)`: what stands behind VALUES for so many rows, each `$` with
/// a number of its own.
pub(crate) fn places(rows: usize, columns: &[&str]) -> String {
    let mut number = 0;
    let mut sql = String::new();
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                sql.push_str(", ");
            }
            for part in column.split_inclusive('$') {
                sql.push_str(part);
                if part.ends_with('$') {
                    number += 1;
                    let _ = write!(sql, "{number}");
                }
            }
        }
        sql.push(')');
    }
    sql
}

/// Values of a row.
const COLUMNS: usize = 9;
/// Rows of one INSERT: under SQLite's and PostgreSQL's limits of parameters.
const ROWS: usize = 200;

/// Writes rows of the journal; one that is there already (same source, same id) stays as it is.
pub(crate) async fn insert_events(
    connection: &mut AnyConnection,
    rows: &[&EventRow],
    now: i64,
) -> Result<(), RecordError> {
    for rows in rows.chunks(ROWS) {
        let sql = format!(
            "INSERT INTO event (source, source_event_id, type, customer_id, interaction_id, ticket_id, \
             occurred_at, recorded_at, body) VALUES {} ON CONFLICT (source, source_event_id) DO NOTHING",
            places(rows.len(), &["$"; COLUMNS])
        );
        let mut insert = statement(&sql, rows.len());
        for row in rows {
            insert = insert
                .bind(row.source.as_ref())
                .bind(row.source_event_id.as_str())
                .bind(row.type_name.as_ref())
                .bind(row.customer_id.as_deref())
                .bind(row.interaction_id.as_deref())
                .bind(row.ticket_id.as_deref())
                .bind(row.occurred_at)
                .bind(now)
                .bind(row.body.as_str());
        }
        insert.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn every_place_has_a_number_of_its_own() {
        assert_eq!(places(2, &["$", "'in'", "f($, $)"]), "($1, 'in', f($2, $3)), ($4, 'in', f($5, $6))");
    }
}
