//! `hotline import`: tickets, rebates or customers from a CSV file, with a dry run and errors that name the row.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hotline_model::{Clock, Language, SystemClock, TicketInput, TicketState};
use hotline_record::{Change, CustomerFile, Encoding, Record, RecordError, Told};
use tokio::sync::mpsc;

use super::{Problem, import_rebates, open_record, runtime};
use crate::config::Config;
use crate::progress::Progress;

/// `hotline import`
#[derive(clap::Args)]
pub struct Arguments {
    /// A file of tickets: UTF-8, a first row with the names of the columns.
    #[arg(required_unless_present_any = ["customers", "rebates"])]
    file: Option<PathBuf>,
    /// A file of customers in its place: each row is stored whole or told with its line, and the same file again
    /// changes nothing. Columns: external-ref, name, phone, email, membership, language, tier, do-not-call, tags,
    /// changed-at, attribute.NAME; several phones or tags with `;` between. An empty cell changes nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    customers: Option<PathBuf>,
    /// A file of rebates in its place: what customers were given back, the same file again changes nothing. Columns:
    /// external-ref, phone, activity, type (e-recharge-card, e-voucher, small-fee-rebate), face-value, returned-at are
    /// needed; name, language, currency, quantity, state (unused, used, expired, revoked), used-at, expires-at, message,
    /// changed-at. Times as 2026-11-20T10:00:00+08:00.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "customers"])]
    rebates: Option<PathBuf>,
    /// How the file of customers is written: utf-8 or gbk; found out if absent.
    #[arg(long, requires = "customers")]
    encoding: Option<Encoding>,
    /// Only say what is wrong; store nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A kind of file: its columns, and what a row is.
pub(super) struct Kind<T> {
    pub columns: &'static [&'static str],
    pub needed: &'static [&'static str],
    pub read: fn(&Row<'_>) -> Result<T, String>,
}

const TICKETS: Kind<TicketInput> = Kind {
    columns: &[
        "external-ref",
        "phone",
        "name",
        "language",
        "category",
        "outcome",
        "state",
        "result",
        "result-language",
        "code",
        "changed-at",
    ],
    needed: &["external-ref", "phone"],
    read: read_ticket,
};

/// A row that cannot be taken.
#[derive(Debug)]
pub(super) struct BadRow {
    pub line: u64,
    pub problem: String,
}

pub fn run(config: Option<&Path>, arguments: Arguments) -> Result<ExitCode, Problem> {
    let config = Config::load(config)?;
    if let Some(file) = &arguments.customers {
        return import_customers(&config, file, &arguments);
    }
    if let Some(file) = &arguments.rebates {
        return import_rebates::run(&config, file, arguments.dry_run);
    }
    let file = arguments.file.as_deref().unwrap_or(Path::new(""));
    let text = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (rows, mut bad) = read_rows(&text, &TICKETS)?;
    let shown = file.display().to_string();
    if let Some(done) = looked_over(&shown, rows.len(), &bad, arguments.dry_run)? {
        return Ok(done);
    }
    let counts = runtime()?.block_on(async {
        let record = open_record(&config).await?;
        let mut progress = Progress::new("imported", rows.len());
        let mut counts = [0usize; 4];
        for (done, (line, input)) in rows.into_iter().enumerate() {
            match record.upsert_ticket(input, config.plans.language).await {
                Ok(stored) => counts[place(stored.change)] += 1,
                // Only the record knows that a code is taken: the other rows are stored.
                Err(RecordError::Invalid(problem)) => bad.push(BadRow { line, problem }),
                Err(error) => {
                    return Err(Problem::from(format!(
                        "line {line}: {error}; import again, what is stored stays as it is"
                    )));
                }
            }
            progress.done(done + 1);
        }
        Ok(counts)
    })?;
    Ok(summed_up(&shown, counts, &bad))
}

/// What a file's rows are worth: an end, or nothing that keeps them from being stored.
pub(super) fn looked_over(
    file: &str,
    good: usize,
    bad: &[BadRow],
    dry_run: bool,
) -> Result<Option<ExitCode>, Problem> {
    if dry_run {
        report(file, bad);
        println!("{} good, {} wrong; nothing was stored", rows_are(good), bad.len());
        return Ok(Some(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }));
    }
    if bad.is_empty() {
        return Ok(None);
    }
    report(file, bad);
    let are = rows_are(bad.len());
    Err(format!("{are} wrong: nothing was stored; mend the file and import again").into())
}

/// Says what was done, by [`place`].
pub(super) fn summed_up(file: &str, counts: [usize; 4], bad: &[BadRow]) -> ExitCode {
    report(file, bad);
    println!(
        "{} created, {} changed, {} unchanged, {} older than what is known, {} refused",
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        bad.len()
    );
    if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Customers, as the file is read: it may have any length.
fn import_customers(config: &Config, file: &Path, arguments: &Arguments) -> Result<ExitCode, Problem> {
    let shown = file.display().to_string();
    let told = |problem: &dyn std::fmt::Display| Problem::from(format!("{shown}: {problem}"));
    let source = std::fs::File::open(file).map_err(|error| told(&error))?;
    let source = CustomerFile::open(source, arguments.encoding).map_err(|problem| told(&problem))?;
    let dry_run = arguments.dry_run;
    let counts = runtime()?.block_on(async {
        let record = open_record(config).await?;
        let mut progress = Progress::new("lines", usize::try_from(source.lines()).unwrap_or(usize::MAX));
        let (tell, mut heard) = mpsc::channel(64);
        let work =
            tokio::spawn(async move { record.import_customers(source, dry_run, "terminal", &tell).await });
        while let Some(one) = heard.recv().await {
            match one {
                Told::Bad { line, problem } => eprintln!("{shown}:{line}: {problem}"),
                Told::Done { line } => progress.done(usize::try_from(line).unwrap_or(usize::MAX)),
            }
        }
        let counts = work.await?;
        counts.map_err(|error| told(&format!("{error}; import again, what is stored stays as it is")))
    })?;
    println!(
        "{} created, {} changed, {} unchanged, {} older than what is known or erased here, {} refused{}",
        counts.created,
        counts.changed,
        counts.unchanged,
        counts.stale,
        counts.refused,
        if dry_run { "; nothing was stored" } else { "" }
    );
    Ok(if counts.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) const fn place(change: Change) -> usize {
    match change {
        Change::Created => 0,
        Change::Changed => 1,
        Change::Unchanged => 2,
        Change::Stale => 3,
    }
}

fn report(file: &str, bad: &[BadRow]) {
    for row in bad {
        eprintln!("{file}:{}: {}", row.line, row.problem);
    }
}

fn rows_are(count: usize) -> String {
    if count == 1 { "1 row is".into() } else { format!("{count} rows are") }
}

/// The rows of a file: those that can be taken, each with its line, and the others.
type Rows<T> = (Vec<(u64, T)>, Vec<BadRow>);

pub(super) fn read_rows<T>(bytes: &[u8], kind: &Kind<T>) -> Result<Rows<T>, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // The reader takes what follows an open quote for one cell: other customers' rows.
    if bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1 {
        return Err("a quote is opened and never closed: every text in quotes needs two of them".into());
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(bytes);
    let header =
        reader.headers().map_err(|_| "the first row cannot be read: save the file as UTF-8")?.clone();
    if let Some(unknown) = header.iter().find(|name| !kind.columns.contains(name)) {
        return Err(format!(
            "line 1: no column is called `{unknown}`: {} are known",
            kind.columns.join(", ")
        )
        .into());
    }
    if let Some(missing) = kind.needed.iter().find(|name| !header.iter().any(|known| known == **name)) {
        return Err(format!("line 1: the column `{missing}` is missing").into());
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                bad.push(BadRow { line, problem: "the row cannot be read: save the file as UTF-8".into() });
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let row = Row { header: &header, record: &record };
        match row.check().and_then(|()| (kind.read)(&row)) {
            Ok(input) => good.push((line, input)),
            Err(problem) => bad.push(BadRow { line, problem }),
        }
    }
    Ok((good, bad))
}

/// A row by the names of its columns.
pub(super) struct Row<'a> {
    header: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    fn check(&self) -> Result<(), String> {
        if self.record.len() != self.header.len() {
            return Err(format!(
                "{} columns are expected, {} are there; put quotes around a text with commas",
                self.header.len(),
                self.record.len()
            ));
        }
        if self.record.iter().any(|cell| cell.contains(['\n', '\r'])) {
            return Err("a text runs over the end of its line: is a quote closed in the wrong place?".into());
        }
        Ok(())
    }

    /// A cell; `None` if it is empty or there is no such column.
    pub fn cell(&self, name: &str) -> Option<String> {
        let place = self.header.iter().position(|known| known == name)?;
        self.record.get(place).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A cell as something else.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String>
    where
        T::Err: std::fmt::Display,
    {
        self.cell(name).map(|text| text.parse().map_err(|error| format!("{name}: {error}"))).transpose()
    }

    /// A time.
    pub fn time(&self, name: &str) -> Result<Option<jiff::Timestamp>, String> {
        self.parsed(name).map_err(|_: String| format!("{name}: write it as 2026-11-20T10:00:00+08:00"))
    }
}

fn read_ticket(row: &Row<'_>) -> Result<TicketInput, String> {
    let input = TicketInput {
        external_ref: row.cell("external-ref").unwrap_or_default(),
        phone: row.cell("phone").unwrap_or_default().into(),
        name: row.cell("name").map(Into::into),
        language: row.parsed::<Language>("language")?,
        category: row.cell("category"),
        outcome: row.cell("outcome"),
        state: row.parsed::<TicketState>("state")?.unwrap_or_default(),
        result: row.cell("result").map(Into::into),
        result_language: row.parsed::<Language>("result-language")?,
        code: row.cell("code").map(Into::into),
        changed_at: row.time("changed-at")?,
    };
    Record::check_ticket(&input, SystemClock.now()).map_err(|error| error.to_string())?;
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_row_is_told_with_its_line() {
        let text = "external-ref,phone,state,result\nT-1,13800138000,closed,\"退费25元,请关注\"\n\
                    T-2,12,open,\nT-3,13800138000,done,\nT-4,13800138000,closed,\n,13800138000,open,\nT-5,13800138000\n";
        let (good, bad) = read_rows(text.as_bytes(), &TICKETS).unwrap();
        assert_eq!(good.len(), 1);
        let told: Vec<(u64, &str)> =
            bad.iter().map(|row| (row.line, row.problem.split(':').next().unwrap())).collect();
        assert_eq!(told[..4], [(3, "phone"), (4, "state"), (5, "result"), (6, "external-ref")]);
        assert!(bad[4].problem.contains("4 columns"));
    }

    #[test]
    fn an_open_quote_never_swallows_the_rows_behind_it() {
        let head = "external-ref,phone,state,result\n";
        let open = format!("{head}Q1,13800138005,closed,\"退费25元。\nQ2,13900139000,closed,欠款300元\n");
        assert!(read_rows(open.as_bytes(), &TICKETS).unwrap_err().to_string().contains("never closed"));
        let late = format!("{head}Q1,13800138005,closed,\"退费25元。\nQ2,13900139000,closed,欠款\"\n");
        let (good, bad) = read_rows(late.as_bytes(), &TICKETS).unwrap();
        assert!(good.is_empty() && bad[0].problem.contains("end of its line"));
    }

    #[test]
    fn an_unknown_or_missing_column_is_told() {
        assert!(
            read_rows(b"external-ref,phone,colour\n", &TICKETS).unwrap_err().to_string().contains("`colour`")
        );
        assert!(read_rows(b"external-ref\n", &TICKETS).unwrap_err().to_string().contains("`phone`"));
    }
}
