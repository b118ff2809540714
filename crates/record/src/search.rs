//! Search: words of names, tickets, notes and numbers, in a table of our own. Chinese has no spaces,
//! and the engines' own tokenisers find no two-character word inside a sentence: so every pair of
//! neighbours is a word. A question is answered from the newest 20,000 places of its rarest word, so
//! that no question is slow however large the record.

use std::collections::{BTreeMap, BTreeSet};

use hotline_model::{CustomerId, PhoneNumber, Pii};
use jiff::Timestamp;

use crate::deed::{places, statement};
use crate::sql::{Columns, short};
use crate::{Record, RecordError};

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// `customer`, `ticket` or `note`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Whose it is, as the record stands today.
    pub customer: CustomerId,
    /// Their name.
    pub name: Option<Pii<String>>,
    /// A ticket's number, or whoever wrote a note.
    pub title: Option<String>,
    /// What a ticket or a note says.
    pub text: Option<Pii<String>>,
    /// When it was made.
    pub at: Timestamp,
}

/// Words of a question that are looked for.
const TERMS: usize = 12;
/// Places of the rarest word that are looked at, the newest first.
const LOOKED_AT: i64 = 20_000;
/// Whether a word is rare is counted up to here.
const COUNTED: i64 = 2_000;
/// Hits at most.
const HITS: u32 = 50;

/// Characters written without spaces: ideographs and kana.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Full-width letters and digits as the usual ones, in lower case.
fn plain(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        other => other,
    };
    c.to_lowercase()
}

/// A run of ideographs or of letters and digits.
enum Run {
    Ideographs(Vec<char>),
    Word(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    for c in text.chars().flat_map(plain) {
        if is_ideograph(c) {
            match runs.last_mut() {
                Some(Run::Ideographs(run)) if open => run.push(c),
                _ => runs.push(Run::Ideographs(vec![c])),
            }
            open = true;
        } else if c.is_alphanumeric() {
            match runs.last_mut() {
                Some(Run::Word(word)) if open => word.push(c),
                _ => runs.push(Run::Word(c.into())),
            }
            open = true;
        } else {
            open = false;
        }
    }
    runs
}

/// The words of a text: pairs of neighbours, each run's last character, and words as they are.
pub(crate) fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for run in runs(text) {
        match run {
            Run::Ideographs(run) => {
                words.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
                // So that every character begins a word, and can be looked for alone.
                words.extend(run.last().map(char::to_string));
            }
            Run::Word(word) => {
                words.insert(word.chars().take(32).collect());
            }
        }
    }
    words
}

/// A number from its end, so that its last digits begin the word.
pub(crate) fn tail_word(number: &str) -> String {
    std::iter::once('#').chain(number.chars().rev().filter(char::is_ascii_digit)).collect()
}

/// One thing that has to be there: any of these words, or of the words between two.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Is(String),
    Begins(Vec<String>),
}

/// What is asked for: each inner list belongs to one piece of text.
fn terms(question: &str) -> Vec<Vec<Term>> {
    let mut pieces: Vec<Vec<Term>> = Vec::new();
    if let Ok(number) = PhoneNumber::parse(question) {
        return vec![vec![Term::Is(tail_word(number.e164()))]];
    }
    for run in runs(question) {
        pieces.push(match run {
            Run::Ideographs(run) if run.len() == 1 => vec![Term::Begins(vec![run[0].to_string()])],
            Run::Ideographs(run) => {
                let pairs: BTreeSet<String> = run.windows(2).map(|pair| pair.iter().collect()).collect();
                pairs.into_iter().map(Term::Is).collect()
            }
            Run::Word(word) => {
                let mut begins = vec![word.chars().take(32).collect::<String>()];
                if word.len() >= 4 && word.chars().all(|c| c.is_ascii_digit()) {
                    begins.push(tail_word(&word));
                }
                vec![Term::Begins(begins)]
            }
        });
    }
    let mut left = TERMS;
    for piece in &mut pieces {
        piece.truncate(left);
        left -= piece.len();
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// SQL with the values that stand in it.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<String>,
}

impl Sql {
    fn value(&mut self, value: &str) {
        self.values.push(value.to_owned());
        self.text.push_str(&format!("${}", self.values.len()));
    }

    fn condition(&mut self, column: &str, term: &Term) {
        match term {
            Term::Is(word) => {
                self.text.push_str(&format!("{column} = "));
                self.value(word);
            }
            Term::Begins(beginnings) => {
                self.text.push('(');
                for (at, beginning) in beginnings.iter().enumerate() {
                    self.text.push_str(if at == 0 { "(" } else { " OR (" });
                    self.text.push_str(&format!("{column} >= "));
                    self.value(beginning);
                    self.text.push_str(&format!(" AND {column} < "));
                    self.value(&format!("{beginning}\u{10ffff}"));
                    self.text.push(')');
                }
                self.text.push(')');
            }
        }
    }
}

impl Record {
    /// What was said, written or noted with these words, the newest first: names, tickets, notes, and
    /// numbers by their last four digits or more. Words that stand together are looked for in one
    /// text, others anywhere about the same customer.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database does not answer.
    pub async fn search(&self, question: &str, limit: u32) -> Result<Vec<Hit>, RecordError> {
        let pieces = terms(&short(question));
        let Some((piece, rarest)) = self.rarest(&pieces).await? else { return Ok(Vec::new()) };
        let mut sql = Sql::default();
        sql.text.push_str(
            "SELECT a.ref_id AS ref_id, a.kind AS kind, MAX(a.at) AS at FROM (SELECT ref_id, kind, ",
        );
        sql.text.push_str("customer_id, at FROM search_word WHERE ");
        sql.condition("word", &pieces[piece][rarest]);
        // Several words of a range are not in the order of time.
        if matches!(pieces[piece][rarest], Term::Is(_)) {
            sql.text.push_str(" ORDER BY at DESC");
        }
        sql.text.push_str(&format!(" LIMIT {LOOKED_AT}) a WHERE 1 = 1"));
        for (number, other) in pieces.iter().enumerate() {
            for (place, term) in other.iter().enumerate() {
                if (number, place) == (piece, rarest) {
                    continue;
                }
                let same = if number == piece { "ref_id" } else { "customer_id" };
                sql.text.push_str(&format!(
                    " AND EXISTS (SELECT 1 FROM search_word b WHERE b.{same} = a.{same} AND "
                ));
                sql.condition("b.word", term);
                sql.text.push(')');
            }
        }
        sql.text.push_str(&format!(
            " GROUP BY a.ref_id, a.kind ORDER BY MAX(a.at) DESC, a.ref_id LIMIT {}",
            limit.clamp(1, HITS)
        ));
        let mut query = sqlx::query(&sql.text).persistent(false);
        for value in &sql.values {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&self.readers).await?;
        let found = rows
            .iter()
            .map(|row| Ok((row.text("kind")?, row.text("ref_id")?)))
            .collect::<Result<Vec<_>, RecordError>>()?;
        self.tell(&found).await
    }

    /// The place of the term that the fewest rows have.
    async fn rarest(&self, pieces: &[Vec<Term>]) -> Result<Option<(usize, usize)>, RecordError> {
        let mut rarest = None;
        for (number, piece) in pieces.iter().enumerate() {
            for (place, term) in piece.iter().enumerate() {
                let mut sql = Sql::default();
                sql.text.push_str("SELECT COUNT(*) AS words FROM (SELECT 1 AS one FROM search_word WHERE ");
                sql.condition("word", term);
                sql.text.push_str(&format!(" LIMIT {COUNTED}) t"));
                let mut query = sqlx::query(&sql.text);
                for value in &sql.values {
                    query = query.bind(value);
                }
                let words = query.fetch_one(&self.readers).await?.int("words")?;
                // Of two that are frequent the exact one is in the order of time.
                let rank = (words, matches!(term, Term::Begins(_)));
                if rarest.is_none_or(|(least, _)| rank < least) {
                    rarest = Some((rank, (number, place)));
                }
            }
        }
        Ok(rarest.map(|(_, place)| place))
    }

    async fn tell(&self, found: &[(String, String)]) -> Result<Vec<Hit>, RecordError> {
        let mut told: BTreeMap<String, Hit> = BTreeMap::new();
        for (kind, table, title, text, at) in [
            ("customer", "customer", "NULL", "NULL", "created_at"),
            ("ticket", "ticket", "t.external_ref", "COALESCE(t.result, t.category)", "created_at"),
            ("note", "note", "t.made_by", "t.text", "at"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_neighbours_is_a_word() {
        let found: Vec<String> = words("为您退费25元,Wi-Fi").into_iter().collect();
        for word in ["为您", "您退", "退费", "费", "25", "元", "wi", "fi"] {
            assert!(found.contains(&word.to_owned()), "{word}: {found:?}");
        }
        assert_eq!(words("ＡＢ１２"), words("ab12"));
        assert!(words(" ,。!<>").is_empty());
    }

    #[test]
    fn a_question_is_taken_apart_as_texts_are() {
        assert_eq!(terms("王"), [[Term::Begins(vec!["王".into()])]]);
        assert_eq!(terms("8000"), [[Term::Begins(vec!["8000".into(), "#0008".into()])]]);
        assert_eq!(terms("138 0013 8000"), [[Term::Is("#0008310083168".into())]]);
        assert_eq!(terms("退费 T"), [vec![Term::Is("退费".into())], vec![Term::Begins(vec!["t".into()])]]);
        assert_eq!(terms("重发卡").concat().len(), 2);
        assert!(terms("%' OR 1=1 --").concat().len() <= TERMS && terms("\u{0}。").is_empty());
        assert!(terms(&"费率问题".repeat(40)).concat().len() <= TERMS);
    }
}
