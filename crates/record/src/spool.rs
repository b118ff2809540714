//! What calls left behind while the database is away, on disk, so that the end of the process does
//! not lose it.
//!
//! An append-only file of lines, each with a checksum, written and synced in groups. It is replayed
//! at the next start, or emptied once the database has taken what is in it; a deed run twice leaves
//! what it leaves once, so that it may be replayed whole after any crash.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::RecordError;
use crate::deed::Deed;

/// The largest file. A step is about 300 bytes: all that memory keeps fits many times.
const LIMIT: u64 = 256 << 20;

/// The file, open and ours alone.
pub(crate) struct Spool {
    path: PathBuf,
    file: File,
    /// How much of it is whole.
    length: u64,
    limit: u64,
}

impl Spool {
    /// Opens or makes the file; gives what a process left in it.
    ///
    /// # Errors
    /// [`RecordError::Unusable`] if it cannot be opened, or another server has it.
    pub fn open(path: &Path) -> Result<(Self, Vec<Deed>), RecordError> {
        let unusable = |error: io::Error| {
            RecordError::Unusable(format!(
                "{}: {error}; it keeps what the database cannot take",
                path.display()
            ))
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(unusable)?;
        }
        // It holds what customers said and keyed: nobody else reads it.
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RecordError::Unusable(format!(
                    "{}: another server has it; stop that one, or give this one a file of its own (`record.spool`)",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let mut text = Vec::new();
        if file.metadata().map_err(unusable)?.is_file() {
            file.read_to_end(&mut text).map_err(unusable)?;
        }
        let (deeds, damaged) = read(&text);
        // Half a line that was being written when the process ended must not stand before the next.
        let length = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last as u64 + 1);
        if length < text.len() as u64 {
            file.set_len(length).map_err(unusable)?;
        }
        if damaged > 0 {
            tracing::error!(spool = %path.display(), lines = damaged, "lines of the spool are damaged and are left out");
        }
        if !deeds.is_empty() {
            tracing::warn!(spool = %path.display(), pieces = deeds.len(), "what the database could not take when the process ended last is stored now");
        }
        Ok((Self { path: path.to_owned(), file, length, limit: LIMIT }, deeds))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where what the database fails on is laid aside: the same lines, for whoever mends the database.
    pub fn refused(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".refused");
        name.into()
    }

    /// Whether something is in it.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Writes deeds behind what is there; on disk when it returns.
    ///
    /// # Errors
    /// What the disk said; nothing of them is in the file then.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.length + lines.len() as u64 > self.limit {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is as large as it may become"));
        }
        let written = self.write(lines);
        if written.is_err() {
            // Half a line must not stand before the next one.
            let _ = self.file.set_len(self.length);
        }
        written?;
        self.length += lines.len() as u64;
        Ok(())
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(lines)?;
        self.file.sync_data()
    }

    /// Forgets everything: the database has it.
    ///
    /// # Errors
    /// What the disk said.
    pub fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        self.file.sync_data()
    }
}

/// Lays lines aside, on disk when it returns.
///
/// # Errors
/// What the disk said.
pub(crate) fn lay_aside(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(lines)?;
    file.sync_data()
}

/// Deeds as lines of the file.
pub(crate) fn lines<'a>(deeds: impl Iterator<Item = &'a Deed>) -> Vec<u8> {
    let mut lines = Vec::new();
    for deed in deeds {
        // JSON of our own types, without maps whose keys are no text.
        let Ok(json) = serde_json::to_string(deed) else { continue };
        lines.extend_from_slice(checksum(json.as_bytes()).as_bytes());
        lines.push(b' ');
        lines.extend_from_slice(json.as_bytes());
        lines.push(b'\n');
    }
    lines
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands in a file, and how many of its lines are damaged. The end of a line that was being
/// written when the process ended was promised to nobody: it is no damage.
fn read(text: &[u8]) -> (Vec<Deed>, usize) {
    let mut deeds = Vec::new();
    let mut damaged = 0;
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let whole = line.strip_suffix(b"\n");
        let deed = whole.and_then(|line| {
            let (sum, json) = (line.get(..8)?, line.get(9..)?);
            (checksum(json).as_bytes() == sum).then(|| serde_json::from_slice(json).ok())?
        });
        match deed {
            Some(deed) => deeds.push(deed),
            None if whole.is_none() && lines.peek().is_none() => {}
            None => damaged += 1,
        }
    }
    (deeds, damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deed::EventRow;

    fn deed(number: usize) -> Deed {
        Deed::Steps(vec![EventRow {
            source: "call".into(),
            source_event_id: format!("c:{number}"),
            type_name: "call.entered".into(),
            customer_id: None,
            interaction_id: Some("c".into()),
            ticket_id: None,
            occurred_at: 1,
            body: "{\"step\":\"第一步\\n\"}".into(),
        }])
    }

    fn numbers(deeds: &[Deed]) -> Vec<String> {
        deeds
            .iter()
            .map(|deed| match deed {
                Deed::Steps(rows) => rows[0].source_event_id.clone(),
                _ => "another".into(),
            })
            .collect()
    }

    #[test]
    fn what_was_written_is_read_again_until_it_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("var/record.spool");
        let (mut spool, left) = Spool::open(&path).unwrap();
        assert!(left.is_empty() && spool.is_empty());
        spool.append(&lines([deed(1), deed(2)].iter())).unwrap();
        spool.append(&lines([deed(3)].iter())).unwrap();
        let second = Spool::open(&path).err().unwrap().to_string();
        assert!(second.contains("another server") && second.contains("record.spool"), "{second}");
        drop(spool);
        let (mut spool, left) = Spool::open(&path).unwrap();
        assert_eq!(numbers(&left), ["c:1", "c:2", "c:3"]);
        // What comes now stands behind it, until the database has all of it.
        spool.append(&lines([deed(4)].iter())).unwrap();
        drop(spool);
        let (mut spool, left) = Spool::open(&path).unwrap();
        assert_eq!(left.len(), 4);
        spool.clear().unwrap();
        drop(spool);
        assert!(Spool::open(&path).unwrap().1.is_empty());
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_cut_off_anywhere_gives_every_whole_line_before_it() {
        let text = lines((0..5).map(deed).collect::<Vec<_>>().iter());
        for cut in 0..=text.len() {
            let whole = text[..cut].iter().filter(|byte| **byte == b'\n').count();
            let (deeds, damaged) = read(&text[..cut]);
            assert_eq!((deeds.len(), damaged), (whole, 0), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_appended_behind_half_a_line_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.spool");
        let text = lines([deed(1), deed(2)].iter());
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let (mut spool, left) = Spool::open(&path).unwrap();
        assert_eq!(numbers(&left), ["c:1"]);
        spool.append(&lines([deed(3)].iter())).unwrap();
        drop(spool);
        assert_eq!(numbers(&Spool::open(&path).unwrap().1), ["c:1", "c:3"]);
    }

    #[test]
    fn a_damaged_line_costs_itself() {
        let text = lines((0..3).map(deed).collect::<Vec<_>>().iter());
        let mut damaged_text = text.clone();
        let second = text.iter().position(|byte| *byte == b'\n').unwrap() + 40;
        damaged_text[second] ^= 1;
        let (deeds, damaged) = read(&damaged_text);
        assert_eq!((numbers(&deeds), damaged), (vec!["c:0".to_owned(), "c:2".to_owned()], 1));
    }

    #[test]
    fn a_full_disk_is_told_and_leaves_no_half_line() {
        // Every write to this device finds the disk full.
        let (mut spool, _) = Spool::open(Path::new("/dev/full")).unwrap();
        let refused = spool.append(&lines([deed(1)].iter())).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::StorageFull);
        assert!(spool.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.spool");
        let (mut spool, _) = Spool::open(&path).unwrap();
        spool.limit = 600;
        spool.append(&lines([deed(1)].iter())).unwrap();
        assert!((2..9).any(|number| spool.append(&lines([deed(number)].iter())).is_err()));
        let kept = std::fs::read(&path).unwrap();
        assert!(kept.len() as u64 == spool.length && kept.len() <= 600 && read(&kept).1 == 0);
    }
}
