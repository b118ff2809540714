//! Customers out of a CSV file of any length: one line is one customer, every line that cannot be taken is told with
//! its number, and what is in memory is a few hundred lines at any time.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::GB18030;
use hotline_model::Pii;
use tokio::sync::mpsc;

use crate::intake::CustomerInput;
use crate::tickets::Change;
use crate::{Record, RecordError};

/// How a file's characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// GBK, as spreadsheets in Chinese save it; read as GB 18030, which holds it.
    Gbk,
}

impl std::str::FromStr for Encoding {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "utf-8" => Ok(Self::Utf8),
            "gbk" => Ok(Self::Gbk),
            _ => Err("utf-8 and gbk are known".into()),
        }
    }
}

/// What a column is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Column {
    Known(&'static str),
    /// `attribute.NAME`.
    Attribute(String),
}

const COLUMNS: [&str; 10] = [
    "external-ref",
    "name",
    "phone",
    "email",
    "membership",
    "language",
    "tier",
    "do-not-call",
    "tags",
    "changed-at",
];
/// Stands before the name of an attribute.
const ATTRIBUTE: &str = "attribute.";
/// Bytes of a line at most.
const LINE: usize = 64 * 1024;
/// Customers that are stored together; calls wait no longer than for these.
const TOGETHER: usize = 50;

/// A CSV file of customers: its first line names the columns, each further one is a customer.
///
/// | column | |
/// | --- | --- |
/// | `external-ref` | needed: the customer's number in the firm's own system |
/// | `name`, `email`, `membership`, `tier` | texts |
/// | `phone` | one number, or several with `;` between |
/// | `language` | `zh-CN` or `en-US` |
/// | `do-not-call` | `true` or `false`, `yes` or `no`, `1` or `0`, `是` or `否` |
/// | `tags` | several with `;` between; they are added |
/// | `attribute.NAME` | what else the firm knows, under this name |
/// | `changed-at` | RFC 3339; what is older than what is known is not taken |
///
/// An empty cell changes nothing. UTF-8, with or without a byte order mark, or GBK. Lines end as on Unix, on Windows
/// or, by a carriage return alone, as on old Macs; but all in one way.
#[derive(Debug)]
pub struct CustomerFile<R> {
    source: BufReader<R>,
    /// What ends a line: a line feed, or a carriage return where the file has no line feeds.
    end: u8,
    encoding: Encoding,
    columns: Vec<Column>,
    /// The number of the line that was read last, from 1.
    line: u64,
    lines: u64,
}

/// A line as it was read.
struct Line {
    bytes: Vec<u8>,
    /// It is longer than a line may be; what is there is its beginning.
    cut: bool,
}

fn next_line(source: &mut impl BufRead, end: u8) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let mut limited = source.by_ref().take(LINE as u64);
    if limited.read_until(end, &mut bytes)? == 0 {
        return Ok(None);
    }
    let cut = bytes.len() == LINE && bytes.last() != Some(&end);
    if cut {
        skip_line(source, end)?;
    }
    while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Some(Line { bytes, cut }))
}

fn skip_line(source: &mut impl BufRead, end: u8) -> std::io::Result<()> {
    loop {
        let read = source.fill_buf()?;
        if read.is_empty() {
            return Ok(());
        }
        match read.iter().position(|byte| *byte == end) {
            Some(at) => {
                source.consume(at + 1);
                return Ok(());
            }
            None => {
                let all = read.len();
                source.consume(all);
            }
        }
    }
}

/// What a first look at a file shows.
struct Seen {
    lines: u64,
    encoding: Encoding,
    /// A carriage return stands inside of its first line.
    returns: bool,
}

/// Reads a file to its end, and goes back to its beginning.
fn look_over(source: &mut (impl BufRead + Seek), end: u8) -> std::io::Result<Seen> {
    source.seek(SeekFrom::Start(0))?;
    let (mut lines, mut utf8, mut other, mut marked, mut returns) = (0, 0u64, 0u64, false, false);
    while let Some(line) = next_line(source, end)? {
        if lines == 0 {
            marked = line.bytes.starts_with(MARK);
            returns = line.bytes.contains(&b'\r');
        }
        lines += 1;
        if line.cut || line.bytes.is_ascii() {
            continue;
        }
        match std::str::from_utf8(&line.bytes) {
            Ok(_) => utf8 += 1,
            Err(_) => other += 1,
        }
    }
    source.seek(SeekFrom::Start(0))?;
    let encoding = if marked || other == 0 || utf8 >= other { Encoding::Utf8 } else { Encoding::Gbk };
    Ok(Seen { lines, encoding, returns })
}

const MARK: &[u8] = b"\xef\xbb\xbf";

impl<R: Read + Seek> CustomerFile<R> {
    /// Looks a file over and reads its first line. Without an `encoding` it is found out: UTF-8 if there is a byte
    /// order mark or most lines are, so that one damaged line does not make GBK of the others.
    ///
    /// # Errors
    /// What is wrong with the file as a whole, in words for whoever made it; never its customers'.
    pub fn open(source: R, encoding: Option<Encoding>) -> Result<Self, String> {
        let mut source = BufReader::new(source);
        let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
        let mut end = b'\n';
        let mut seen = look_over(&mut source, end).map_err(unreadable)?;
        if seen.lines == 1 && seen.returns {
            end = b'\r';
            seen = look_over(&mut source, end).map_err(unreadable)?;
        }
        let Seen { lines, encoding: found, .. } = seen;
        let first = next_line(&mut source, end).map_err(unreadable)?.ok_or("the file is empty")?;
        let mut file =
            Self { source, end, encoding: encoding.unwrap_or(found), columns: Vec::new(), line: 1, lines };
        let bytes = first.bytes.strip_prefix(MARK).unwrap_or(&first.bytes);
        if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || bytes.contains(&0) {
            return Err("the file is UTF-16 or no text: save it as CSV in UTF-8".into());
        }
        let names = file.cells(bytes).map_err(|problem| format!("line 1: {problem}"))?;
        file.columns = columns(&names).map_err(|problem| format!("line 1: {problem}"))?;
        Ok(file)
    }

    /// How many lines there are, the first one and empty ones included.
    pub const fn lines(&self) -> u64 {
        self.lines
    }

    /// How its characters are read.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// A line taken apart. A quote that is not closed on its own line belongs to that line alone: the rows behind it
    /// are other customers'.
    fn cells(&self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let text = match self.encoding {
            Encoding::Utf8 => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| "not UTF-8: save the file as UTF-8")?,
            Encoding::Gbk => GB18030
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or("neither UTF-8 nor GBK: save the file as UTF-8")?,
        };
        if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
            return Err("a quote is opened and not closed on this line".into());
        }
        if text.contains('\r') {
            return Err(
                "a carriage return stands inside of the line: save the file with one kind of line ends"
                    .into(),
            );
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        match reader.records().next() {
            Some(Ok(record)) => Ok(record.iter().map(str::to_owned).collect()),
            Some(Err(_)) => Err("the row cannot be read".into()),
            None => Ok(Vec::new()),
        }
    }

    fn customer(&self, line: &Line) -> Result<CustomerInput, String> {
        if line.cut {
            return Err(format!("longer than {LINE} bytes"));
        }
        let cells = self.cells(&line.bytes)?;
        if cells.len() != self.columns.len() {
            return Err(format!(
                "{} columns are expected, {} are there; put quotes around a text with commas",
                self.columns.len(),
                cells.len()
            ));
        }
        let mut customer = CustomerInput::default();
        for (column, cell) in self.columns.iter().zip(cells) {
            if !cell.is_empty() {
                column.take(cell, &mut customer)?;
            }
        }
        Record::check_customer(&customer).map_err(|error| error.to_string())?;
        Ok(customer)
    }
}

fn columns(names: &[String]) -> Result<Vec<Column>, String> {
    let mut columns: Vec<Column> = Vec::new();
    for name in names {
        let known = COLUMNS.into_iter().find(|known| known == name).map(Column::Known);
        let attribute = || {
            let name = name.strip_prefix(ATTRIBUTE).filter(|name| !name.trim().is_empty())?;
            Some(Column::Attribute(name.to_owned()))
        };
        let column = known.or_else(attribute).ok_or_else(|| {
            format!("no column is called `{name}`: {} and {ATTRIBUTE}NAME are known", COLUMNS.join(", "))
        })?;
        if columns.contains(&column) {
            return Err(format!("the column `{name}` is there twice"));
        }
        columns.push(column);
    }
    if !columns.contains(&Column::Known(COLUMNS[0])) {
        return Err(format!("the column `{}` is missing", COLUMNS[0]));
    }
    Ok(columns)
}

impl Column {
    fn take(&self, cell: String, customer: &mut CustomerInput) -> Result<(), String> {
        let several = |cell: &str| {
            let parts = cell.split([';', '；']).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect::<Vec<String>>()
        };
        let name = match self {
            Self::Attribute(name) => {
                customer.attributes.insert(name.clone(), Some(cell));
                return Ok(());
            }
            Self::Known(name) => *name,
        };
        match name {
            "external-ref" => customer.external_ref = cell,
            "name" => customer.name = Some(cell.into()),
            "phone" => customer.phones = several(&cell).into_iter().map(Pii::new).collect(),
            "email" => customer.email = Some(cell.into()),
            "membership" => customer.membership = Some(cell.into()),
            "language" => {
                customer.language = Some(cell.parse().map_err(|_| "language: zh-CN or en-US is expected")?);
            }
            "tier" => customer.tier = Some(cell),
            "do-not-call" => {
                customer.do_not_call = Some(match cell.to_lowercase().as_str() {
                    "true" | "yes" | "1" | "是" => true,
                    "false" | "no" | "0" | "否" => false,
                    _ => return Err("do-not-call: true or false is expected".into()),
                });
            }
            "tags" => customer.tags = several(&cell),
            _ => {
                let wrong = |_| "changed-at: write it as 2026-11-20T10:00:00+08:00";
                customer.changed_at = Some(cell.parse().map_err(wrong)?);
            }
        }
        Ok(())
    }
}

impl<R: Read + Seek> Iterator for CustomerFile<R> {
    type Item = std::io::Result<(u64, Result<CustomerInput, String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match next_line(&mut self.source, self.end) {
                Ok(Some(line)) => line,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            self.line += 1;
            if line.bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            return Some(Ok((self.line, self.customer(&line))));
        }
    }
}

/// What is told while a file is taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A line that is not taken, and why.
    Bad {
        /// Its number, from 1.
        line: u64,
        /// What is wrong, naming the column.
        problem: String,
    },
    /// Everything up to this line is done.
    Done {
        /// Its number, from 1.
        line: u64,
    },
}

/// What came of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Customers who were not there.
    pub created: u64,
    /// Of whom something was new.
    pub changed: u64,
    /// Of whom everything was known.
    pub unchanged: u64,
    /// Of whom something later is known, or who were erased here.
    pub stale: u64,
    /// Lines that were not taken.
    pub refused: u64,
}

impl Counts {
    const fn take(&mut self, change: Change) {
        match change {
            Change::Created => self.created += 1,
            Change::Changed => self.changed += 1,
            Change::Unchanged => self.unchanged += 1,
            Change::Stale => self.stale += 1,
        }
    }
}

type Rows = Vec<(u64, Result<CustomerInput, String>)>;

impl Record {
    /// Takes in a file of customers: each whole or not at all, those that are wrong told to `tell` with their line,
    /// the others stored. The same file again changes nothing, so one that was cut short is taken in once more.
    /// `dry_run`: nothing is stored, and the counts are what would be done as things are now. Ends when nobody
    /// listens any more.
    ///
    /// # Errors
    /// [`RecordError::Unavailable`] if the database or the file does not answer: what was told as done is stored.
    pub async fn import_customers<R: Read + Seek + Send + 'static>(
        &self,
        file: CustomerFile<R>,
        dry_run: bool,
        by: &str,
        tell: &mpsc::Sender<Told>,
    ) -> Result<Counts, RecordError> {
        let (send, mut rows) = mpsc::channel::<std::io::Result<Rows>>(2);
        // Files are read on a thread that may wait.
        tokio::task::spawn_blocking(move || read(file, &send));
        let mut counts = Counts::default();
        while let Some(read) = rows.recv().await {
            let read = read.map_err(|error| {
                RecordError::Unavailable(format!("the file cannot be read to its end: {error}"))
            })?;
            if !self.take_in(read, dry_run, by, tell, &mut counts).await? {
                break;
            }
        }
        Ok(counts)
    }

    /// `false`: nobody listens any more.
    async fn take_in(
        &self,
        rows: Rows,
        dry_run: bool,
        by: &str,
        tell: &mpsc::Sender<Told>,
        counts: &mut Counts,
    ) -> Result<bool, RecordError> {
        let last = rows.last().map_or(0, |(line, _)| *line);
        let (mut lines, mut customers, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for (line, row) in rows {
            match row {
                Ok(customer) => {
                    lines.push(line);
                    customers.push(customer);
                }
                Err(problem) => bad.push((line, problem)),
            }
        }
        let done = if dry_run {
            self.try_customers(customers).await?
        } else {
            let stored = self.upsert_customers(customers, by).await?;
            stored.into_iter().map(|one| one.map(|stored| stored.change)).collect()
        };
        for (line, one) in lines.into_iter().zip(done) {
            match one {
                Ok(change) => counts.take(change),
                Err(error) => bad.push((line, error.to_string())),
            }
        }
        bad.sort_by_key(|(line, _)| *line);
        for (line, problem) in bad {
            counts.refused += 1;
            if tell.send(Told::Bad { line, problem }).await.is_err() {
                return Ok(false);
            }
        }
        Ok(tell.send(Told::Done { line: last }).await.is_ok())
    }
}

fn read<R: Read + Seek>(file: CustomerFile<R>, send: &mpsc::Sender<std::io::Result<Rows>>) {
    let mut rows = Rows::with_capacity(TOGETHER);
    for row in file {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => {
                let _ = send.blocking_send(Ok(rows));
                let _ = send.blocking_send(Err(error));
                return;
            }
        }
        if rows.len() == TOGETHER {
            // Nobody takes them: the import has ended.
            if send.blocking_send(Ok(std::mem::take(&mut rows))).is_err() {
                return;
            }
        }
    }
    if !rows.is_empty() {
        let _ = send.blocking_send(Ok(rows));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn file(bytes: &[u8]) -> CustomerFile<Cursor<Vec<u8>>> {
        CustomerFile::open(Cursor::new(bytes.to_vec()), None).unwrap()
    }

    fn rows(bytes: &[u8]) -> Vec<(u64, Result<CustomerInput, String>)> {
        file(bytes).map(Result::unwrap).collect()
    }

    const HEAD: &str = "external-ref,name,phone,do-not-call,tags,attribute.plan\n";

    #[test]
    fn a_row_has_everything_its_columns_say() {
        let text = format!("{HEAD}C-1,\"王, 小明\",13800138000；010-62345678,是,angry; vip,88\n\nC-2,,,,,\n");
        let read = rows(format!("\u{feff}{}", text.replace('\n', "\r\n")).as_bytes());
        assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
        let first = read[0].1.as_ref().unwrap();
        assert_eq!(first.name.as_ref().unwrap().expose(), "王, 小明");
        assert_eq!((first.phones.len(), first.do_not_call), (2, Some(true)));
        assert_eq!(first.tags, ["angry", "vip"]);
        assert_eq!(first.attributes["plan"].as_deref(), Some("88"));
        let second = read[1].1.as_ref().unwrap();
        assert!(second.name.is_none() && second.phones.is_empty() && second.attributes.is_empty());
    }

    #[test]
    fn lines_may_end_with_a_carriage_return_but_not_some_of_them() {
        let text = format!("{HEAD}C-1,a,13800138000,,,\n\nC-2,李雷,13900139000,,,\n");
        for old in [
            text.replace('\n', "\r"),
            text.trim_end().replace('\n', "\r"),
            text.trim_end().replace('\n', "\r") + "\n",
        ] {
            assert_eq!(file(old.as_bytes()).lines(), 4);
            let read = rows(old.as_bytes());
            assert_eq!(read.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
            assert!(read.iter().all(|(_, row)| row.is_ok()), "{read:?}");
        }
        let mixed = text.replacen("\nC-2", "\rC-2", 1);
        assert!(rows(mixed.as_bytes()).iter().any(|(_, row)| row.is_ok()));
        let glued = format!("{HEAD}C-1,a,13800138000,,,\rC-2,b,13900139000,,,\nC-3,c,13900139001,,,\n");
        let read = rows(glued.as_bytes());
        assert!(read[0].1.as_ref().unwrap_err().contains("carriage return") && read[1].1.is_ok());
        let head = text.replacen('\n', "\r", 1);
        let problem = CustomerFile::open(Cursor::new(head.into_bytes()), None).unwrap_err();
        assert!(problem.contains("carriage return"), "{problem}");
    }

    #[test]
    fn gbk_is_found_out_and_one_damaged_line_makes_no_gbk_of_utf_8() {
        let text = format!("{HEAD}C-1,王小明,13800138000,,,\nC-2,李雷,13900139000,,,套餐\n");
        let gbk = GB18030.encode(&text).0.into_owned();
        assert_eq!(file(&gbk).encoding(), Encoding::Gbk);
        let name = |row: &(u64, Result<CustomerInput, String>)| {
            row.1.as_ref().unwrap().name.as_ref().unwrap().expose().clone()
        };
        assert_eq!(rows(&gbk).iter().map(name).collect::<Vec<_>>(), ["王小明", "李雷"]);
        let mut damaged = text.clone().into_bytes();
        damaged.extend(b"C-3,\xe7\x8e,13700137000,,,\n");
        let read = rows(&damaged);
        assert_eq!(name(&read[1]), "李雷");
        assert!(read[2].1.as_ref().unwrap_err().contains("UTF-8"));
        // Told to be GBK, it is read as that.
        let told = CustomerFile::open(Cursor::new(text.into_bytes()), Some(Encoding::Gbk));
        assert_eq!(told.unwrap().encoding(), Encoding::Gbk);
    }

    #[test]
    fn every_bad_row_is_told_with_its_line_and_takes_no_other_with_it() {
        let long = "x".repeat(LINE + 10);
        let text = format!(
            "{HEAD}C-1,a,12,,,\nC-2,\"open,13800138000,,,\nC-3,b,13800138000,maybe,,\n,c,,,,\nC-4,d\nC-5,{long},,,,\n\
             C-6,e,1.38E+10,,,\nC-7,\u{202e}f,,,,\nC-8,good,13800138000,,,\n"
        );
        let read = rows(text.as_bytes());
        let told: Vec<(u64, String)> = read
            .iter()
            .filter_map(|(line, row)| Some((*line, row.as_ref().err()?.chars().take(12).collect())))
            .collect();
        let expected = [
            (2, "phone: not a"),
            (3, "a quote is o"),
            (4, "do-not-call:"),
            (5, "external-ref"),
            (6, "6 columns ar"),
            (7, "longer than "),
            (8, "phone: a spr"),
            (9, "name: contro"),
        ];
        assert_eq!(told, expected.map(|(line, text)| (line, text.to_owned())));
        assert!(read[8].1.is_ok());
        assert!(!read[0].1.as_ref().unwrap_err().contains("12"), "what a row says is not repeated");
    }

    #[test]
    fn what_is_wrong_with_the_whole_file_is_told_before_anything_is_read() {
        let open = |bytes: &[u8]| CustomerFile::open(Cursor::new(bytes.to_vec()), None).unwrap_err();
        assert!(open(b"").contains("empty"));
        assert!(open(b"external-ref,colour\n").contains("`colour`"));
        assert!(open(b"external-ref,attribute.\n").contains("`attribute.`"));
        assert!(open(b"name\n").contains("`external-ref` is missing"));
        assert!(open(b"external-ref,name,name\n").contains("twice"));
        assert!(
            open("external-ref".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice())
                .contains("UTF-16")
        );
    }
}
