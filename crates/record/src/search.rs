//! Search: words of names, tickets, notes and numbers, in a table of our own (`words.rs` makes them).
//!
//! A question has to be answered at once however large the record. So the places of its rarest word are looked at,
//! from the newest on, whether the other words are there too, which costs one step into an index each; no further
//! than hits are wanted, and no longer than [`ENOUGH`]. The statements leave the engine one way to do it, whatever
//! it believes of the tables.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use hotline_model::{CustomerId, Pii};
use jiff::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Executor};

use crate::deed::{places, statement};
use crate::sql::{Columns, short};
use crate::words::{Term, terms};
use crate::{Record, RecordError};

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// `customer`, `ticket`, `note` or `rebate`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Whose it is, as the record stands today.
    pub customer: CustomerId,
    /// Their name.
    pub name: Option<Pii<String>>,
    /// A ticket's or rebate's number, or whoever wrote a note.
    pub title: Option<String>,
    /// What a ticket or a note says, a rebate's activity.
    pub text: Option<Pii<String>>,
    /// When it was made.
    pub at: Timestamp,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// The newest first.
    pub hits: Vec<Hit>,
    /// Whether older ones may be there that were not looked at: a further word brings them up.
    pub more: bool,
}

/// Places of the rarest word that are looked at in one statement: the newest, then three times as many, as often as
/// there is time.
const FIRST: i64 = 500;
/// Places of the rarest word that are looked at in the end.
const LOOKED_AT: i64 = 10_000;
/// A further look is not begun if it is likely to end later than this.
const ENOUGH: Duration = Duration::from_millis(32);
/// Whether a word is rare is counted up to here.
const COUNTED: i64 = LOOKED_AT + 1;
/// Words that begin alike are looked at one by one, each from its newest place, if there are no more of them.
const ALIKE: usize = 16;
/// Else so many of their places, in the order of the words: one letter or one character says little.
const BEGINNINGS: i64 = 2_000;
/// Hits at most.
const HITS: u32 = 50;

/// SQL with the values that stand in it.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<String>,
}

impl Sql {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn value(&mut self, value: &str) {
        self.values.push(value.to_owned());
        self.text.push_str(&format!("${}", self.values.len()));
    }

    fn is(&mut self, column: &str, word: &str) {
        self.push(&format!("{column} = "));
        self.value(word);
    }

    fn begins(&mut self, column: &str, beginning: &str) {
        self.push(&format!("{column} >= "));
        self.value(beginning);
        self.push(&format!(" AND {column} < "));
        self.value(&behind(beginning));
    }

    async fn rows(&self, connection: &mut AnyConnection) -> Result<Vec<AnyRow>, RecordError> {
        let mut query = sqlx::query(&self.text).persistent(false);
        for value in &self.values {
            query = query.bind(value);
        }
        Ok(query.fetch_all(connection).await?)
    }
}

/// Behind every word that begins so.
fn behind(beginning: &str) -> String {
    format!("{beginning}\u{10ffff}")
}

/// One way to come to a term's places.
enum Way {
    /// By the places of a word, which lie in the order of time.
    Word(String),
    /// By all words that begin so.
    Range(String),
}

impl Way {
    /// Its places, in the order of the index that leads to them.
    fn places(&self, sql: &mut Sql, columns: &str) {
        sql.push(&format!("SELECT {columns} FROM search_word WHERE "));
        match self {
            Self::Word(word) => sql.is("word", word),
            Self::Range(beginning) => sql.begins("word", beginning),
        }
    }

    /// Its places, the newest first, as one part of a UNION that is in this order too: each engine merges its parts
    /// as far as they are wanted, if each says that it is in order.
    fn newest(&self, sql: &mut Sql, part: usize) {
        const COLUMNS: &str = "ref_id, kind, customer_id, at";
        sql.push("SELECT * FROM (");
        match self {
            Self::Word(_) => self.places(sql, COLUMNS),
            Self::Range(_) => {
                sql.push(&format!("SELECT DISTINCT {COLUMNS} FROM ("));
                self.places(sql, COLUMNS);
                sql.push(&format!(" ORDER BY word, at LIMIT {BEGINNINGS}) r{part}"));
            }
        }
        sql.push(&format!(" ORDER BY at DESC) p{part}"));
    }
}

/// A term of a question, and how its places are come to.
struct Sought<'a> {
    /// Which piece of the question it belongs to.
    piece: usize,
    term: &'a Term,
    ways: Vec<Way>,
    /// How many places it has, counted up to [`COUNTED`] a way.
    places: i64,
}

/// A part of the places of the rarest term.
struct Step {
    /// How many newer ones were looked at before.
    from: i64,
    places: i64,
    /// Hits that are wanted.
    limit: usize,
}

impl Sought<'_> {
    /// Whether its places are not all looked at, however long one looks.
    fn is_cut(&self) -> bool {
        self.ways.iter().any(|way| matches!(way, Way::Range(_))) && self.places >= BEGINNINGS
    }

    /// What the rarest has least of; of frequent ones whatever lies in the order of time.
    fn rank(&self) -> (i64, bool, usize) {
        (self.places, self.ways.iter().any(|way| matches!(way, Way::Range(_))), self.ways.len())
    }

    /// That a place `a` has it too. Each question is a SELECT of its own with a LIMIT, so that no engine makes one
    /// join of them, which costs what all places of the word cost.
    fn there(&self, sql: &mut Sql, same: &str) {
        let one = |sql: &mut Sql| {
            sql.push(&format!("(SELECT 1 FROM search_word b WHERE b.{same} = a.{same} AND "));
        };
        sql.push(" AND (");
        match self.term {
            Term::Is(word) => {
                one(sql);
                sql.is("b.word", word);
                sql.push(" LIMIT 1) IS NOT NULL");
            }
            Term::Begins(beginnings) => {
                for (at, beginning) in beginnings.iter().enumerate() {
                    sql.push(if at == 0 { "" } else { " OR " });
                    one(sql);
                    sql.begins("b.word", beginning);
                    sql.push(" LIMIT 1) IS NOT NULL");
                }
            }
        }
        sql.push(")");
    }
}

impl Record {
    /// What was said, written or noted with these words, the newest first: names, tickets, notes, and
    /// numbers by their last four digits or more. Words that stand together are looked for in one
    /// text, others anywhere about the same customer.
    ///
    /// Of words that all are frequent, the newest 500 to 10,000 places of one are looked at, as far as one comes at
    /// once; of a single letter or character that begins very many words, 2,000. What was left is told.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn search(&self, question: &str, limit: u32) -> Result<Hits, RecordError> {
        let begun = Instant::now();
        let (pieces, limit) = (terms(&short(question)), limit.clamp(1, HITS) as usize);
        let mut reader = self.readers.begin().await?;
        if let Some(settings) = self.engine.settings_of_search() {
            reader.execute(settings).await?;
        }
        let (found, more) = find(&mut reader, &pieces, limit, begun).await?;
        reader.rollback().await?;
        let found: Vec<(String, String)> =
            found.into_iter().take(limit).map(|(_, id, kind)| (kind, id)).collect();
        Ok(Hits { hits: self.tell(&found).await?, more })
    }

    async fn tell(&self, found: &[(String, String)]) -> Result<Vec<Hit>, RecordError> {
        let mut told: BTreeMap<String, Hit> = BTreeMap::new();
        for (kind, table, title, text, at) in [
            ("customer", "customer", "NULL", "NULL", "created_at"),
            ("ticket", "ticket", "t.external_ref", "COALESCE(t.result, t.category)", "created_at"),
            ("note", "note", "t.made_by", "t.text", "at"),
            ("rebate", "rebate", "t.external_ref", "t.activity", "returned_at"),
        ] {
            let ids: Vec<&String> = found.iter().filter(|(k, _)| k == kind).map(|(_, id)| id).collect();
            if ids.is_empty() {
                continue;
            }
            let owner = if kind == "customer" { "t.id" } else { "t.customer_id" };
            let sql = format!(
                "SELECT t.id AS id, r.id AS customer, r.name AS name, CAST({title} AS TEXT) AS title, \
                 CAST({text} AS TEXT) AS text, t.{at} AS at FROM {table} t JOIN customer c ON c.id = {owner} \
                 JOIN customer r ON r.id = COALESCE(c.merged_into, c.id) WHERE t.id IN {}",
                places(1, &vec!["$"; ids.len()])
            );
            let mut query = statement(&sql, ids.len());
            for id in ids {
                query = query.bind(id);
            }
            for row in query.fetch_all(&self.readers).await? {
                let id = row.text("id")?;
                let hit = Hit {
                    kind: kind.to_owned(),
                    id: id.clone(),
                    customer: row.parsed("customer")?,
                    name: row.text_or_none("name")?.map(Pii::new),
                    title: row.text_or_none("title")?,
                    text: row.text_or_none("text")?.map(Pii::new),
                    at: row.time("at")?,
                };
                told.insert(id, hit);
            }
        }
        // In the order they were found in.
        Ok(found.iter().filter_map(|(_, id)| told.remove(id)).collect())
    }
}

/// What is found, the newest first: when it was made, its id and its kind.
type Places = BTreeSet<(Reverse<i64>, String, String)>;

/// Gives what is found, and whether more may be there.
async fn find(
    reader: &mut AnyConnection,
    pieces: &[Vec<Term>],
    limit: usize,
    begun: Instant,
) -> Result<(Places, bool), RecordError> {
    let mut found = Places::new();
    let Some(sought) = all_sought(reader, pieces).await? else { return Ok((found, false)) };
    let (mut from, mut places) = (0, FIRST);
    loop {
        let step = Step { from, places, limit };
        look_at(reader, &sought, step, &mut found).await?;
        from += places;
        if found.len() >= limit {
            return Ok((found, true));
        }
        if sought[0].places <= from {
            return Ok((found, sought[0].is_cut()));
        }
        places = (3 * from).min(LOOKED_AT - from);
        // What comes takes as much longer as there are more of them.
        if places == 0 || begun.elapsed() * 4 > ENOUGH {
            return Ok((found, true));
        }
    }
}

/// Looks at some places of the rarest.
async fn look_at(
    reader: &mut AnyConnection,
    sought: &[Sought<'_>],
    step: Step,
    found: &mut Places,
) -> Result<(), RecordError> {
    let Some((rarest, others)) = sought.split_first() else { return Ok(()) };
    let mut sql = Sql::default();
    sql.push("SELECT a.ref_id AS ref_id, a.kind AS kind, a.at AS at FROM (");
    for (at, way) in rarest.ways.iter().enumerate() {
        sql.push(if at == 0 { "" } else { " UNION ALL " });
        way.newest(&mut sql, at);
    }
    sql.push(&format!(" ORDER BY at DESC LIMIT {} OFFSET {}) a WHERE 1 = 1", step.places, step.from));
    for other in others {
        other.there(&mut sql, if other.piece == rarest.piece { "ref_id" } else { "customer_id" });
    }
    // Both engines take them as they come, the newest first, and end with the last that is wanted. Each way may
    // come to the same text.
    sql.push(&format!(" LIMIT {}", step.limit * rarest.ways.len()));
    for row in sql.rows(reader).await? {
        found.insert((Reverse(row.int("at")?), row.text("ref_id")?, row.text("kind")?));
    }
    Ok(())
}

/// What is looked for, the rarest first. `None`: nothing has one of them.
async fn all_sought<'a>(
    reader: &mut AnyConnection,
    pieces: &'a [Vec<Term>],
) -> Result<Option<Vec<Sought<'a>>>, RecordError> {
    let mut sought = Vec::new();
    for (piece, terms) in pieces.iter().enumerate() {
        for term in terms {
            let ways = ways(reader, term).await?;
            if ways.is_empty() {
                return Ok(None);
            }
            sought.push(Sought { piece, term, ways, places: 0 });
        }
    }
    // Nothing was asked.
    if sought.is_empty() {
        return Ok(None);
    }
    count(reader, &mut sought).await?;
    sought.sort_by_key(Sought::rank);
    Ok(sought.first().is_some_and(|rarest| rarest.places > 0).then_some(sought))
}

async fn ways(reader: &mut AnyConnection, term: &Term) -> Result<Vec<Way>, RecordError> {
    let beginnings = match term {
        Term::Is(word) => return Ok(vec![Way::Word(word.clone())]),
        Term::Begins(beginnings) => beginnings,
    };
    let mut ways = Vec::new();
    for beginning in beginnings {
        // From one word to the next, without the places of each.
        let mut sql = Sql::default();
        sql.push("WITH RECURSIVE alike (word, place) AS (SELECT (SELECT MIN(word) FROM search_word WHERE ");
        sql.begins("word", beginning);
        sql.push("), 1 UNION ALL SELECT (SELECT MIN(s.word) FROM search_word s WHERE s.word > alike.word AND s.word < ");
        sql.value(&behind(beginning));
        sql.push(&format!(
            "), place + 1 FROM alike WHERE alike.word IS NOT NULL AND place <= {ALIKE}) \
                 SELECT word FROM alike WHERE word IS NOT NULL"
        ));
        let words = sql.rows(reader).await?;
        if words.len() > ALIKE {
            ways.push(Way::Range(beginning.clone()));
            continue;
        }
        for row in words {
            ways.push(Way::Word(row.text("word")?));
        }
    }
    Ok(ways)
}

/// Counts the places of each, in one statement.
async fn count(reader: &mut AnyConnection, sought: &mut [Sought<'_>]) -> Result<(), RecordError> {
    let mut sql = Sql::default();
    sql.push("SELECT ");
    for (at, one) in sought.iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " });
        for (place, way) in one.ways.iter().enumerate() {
            sql.push(if place == 0 { "" } else { " + " });
            sql.push("(SELECT COUNT(*) FROM (");
            way.places(&mut sql, "word, at");
            // In the order of the index, so that it is the index that is read.
            sql.push(&format!(" ORDER BY word, at LIMIT {COUNTED}) c{at}_{place})"));
        }
        sql.push(&format!(" AS n{at}"));
    }
    let rows = sql.rows(reader).await?;
    if let Some(row) = rows.first() {
        for (at, one) in sought.iter_mut().enumerate() {
            one.places = row.int(&format!("n{at}"))?;
        }
    }
    Ok(())
}
