//! Files that customers and agents send: taken piece by piece, bounded, told by what they hold, and kept under a name of
//! ours. Nothing half is left behind, whatever goes wrong on the way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::{Stream, StreamExt};
use hotline_record::Record;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The largest file: 10 MB.
pub const LARGEST: u64 = 10 << 20;
/// So many files of agents are taken at once: each holds a connection and some memory.
const OF_AGENTS: usize = 8;
/// So many forms of customers are taken at once.
const OF_LINKS: usize = 32;
/// So many of them by one link: a second try while the first still hangs on a bad line.
const OF_A_LINK: usize = 2;
/// Between two pieces of a file.
const PIECE: Duration = Duration::from_secs(30);
/// A whole file, over a bad line.
pub(crate) const WHOLE: Duration = Duration::from_secs(600);
/// Bytes that tell what a file is.
const HEAD: usize = 64;

/// Who sends files at this moment. Customers do not hold up agents, and no link holds up the others.
#[derive(Debug)]
pub struct Turns {
    agents: Semaphore,
    links: Semaphore,
    /// How many go on by each link.
    by_link: Mutex<HashMap<String, usize>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { agents: Semaphore::new(OF_AGENTS), links: Semaphore::new(OF_LINKS), by_link: Mutex::default() }
    }
}

impl Turns {
    /// A turn of an agent's file, held until it is dropped; `None`: too many go on.
    pub(crate) fn of_agent(&self) -> Option<SemaphorePermit<'_>> {
        self.agents.try_acquire().ok()
    }

    /// A turn of a form that came by a link; `None`: too many go on, by this link or by all.
    pub(crate) fn of_link(&self, link: &str) -> Option<LinkTurn<'_>> {
        let place = self.links.try_acquire().ok()?;
        let mut by_link = self.by_link.lock().expect("no holder of this lock panics");
        let count = by_link.entry(link.to_owned()).or_default();
        if *count >= OF_A_LINK {
            return None;
        }
        *count += 1;
        drop(by_link);
        Some(LinkTurn { turns: self, link: link.to_owned(), _place: place })
    }
}

/// A turn of a form, until it is dropped.
pub(crate) struct LinkTurn<'a> {
    turns: &'a Turns,
    link: String,
    _place: SemaphorePermit<'a>,
}

impl Drop for LinkTurn<'_> {
    fn drop(&mut self) {
        let mut by_link = self.turns.by_link.lock().expect("no holder of this lock panics");
        if let Some(count) = by_link.get_mut(&self.link) {
            *count -= 1;
            if *count == 0 {
                by_link.remove(&self.link);
            }
        }
    }
}

/// What is taken, with the ending that its name gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub media_type: &'static str,
    pub ending: &'static str,
}

const KINDS: [Kind; 5] = [
    Kind { media_type: "image/jpeg", ending: "jpg" },
    Kind { media_type: "image/png", ending: "png" },
    Kind { media_type: "image/webp", ending: "webp" },
    Kind { media_type: "image/heic", ending: "heic" },
    Kind { media_type: "application/pdf", ending: "pdf" },
];

/// The kind with this media type.
pub(crate) fn kind_of(media_type: &str) -> Option<Kind> {
    KINDS.into_iter().find(|kind| kind.media_type == media_type)
}

/// What a file is by its first bytes, whatever it is called.
fn sniff(head: &[u8]) -> Option<Kind> {
    let at = |from: usize, what: &[u8]| head.get(from..from + what.len()) == Some(what);
    let [jpeg, png, webp, heic, pdf] = KINDS;
    if at(0, b"\xff\xd8\xff") {
        return Some(jpeg);
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Some(png);
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some(webp);
    }
    if at(0, b"%PDF-") {
        return Some(pdf);
    }
    // ISO/IEC 23008-12: the box `ftyp` with its brands; `mif1` alone may as well be AVIF.
    let mut brands = head.get(8..)?.chunks_exact(4);
    let is_heic = at(4, b"ftyp")
        && brands.any(|brand| matches!(brand, b"heic" | b"heix" | b"heim" | b"heis" | b"hevc"));
    is_heic.then_some(heic)
}

/// Why a file is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Larger than [`LARGEST`].
    TooLarge,
    /// Nothing that is taken.
    Kind,
    /// There is nothing in it.
    Empty,
    /// It broke off, or did not come in time.
    Broken,
    /// The disk does not take it.
    Disk,
}

/// A file in the folder, which goes again unless it is kept.
pub(crate) struct Taken {
    pub id: String,
    pub kind: Kind,
    pub bytes: u64,
    pub sha256: String,
    /// Its name in the folder.
    pub file: String,
    path: PathBuf,
    kept: bool,
}

impl Taken {
    /// The record names it: it stays.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.kept {
            remove(&self.path);
        }
    }
}

/// A file that is being written.
struct Part(Option<PathBuf>);

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            remove(path);
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::error!(%error, "a file that was not taken stays in the folder of attachments");
    }
}

/// What a part of a file is called while it is written: with it a sweep knows what a crash left.
pub const PART: &str = ".part";

/// Takes a file into `folder`, which is made if it is not there.
pub(crate) async fn take<E>(
    record: &Record,
    folder: &Path,
    data: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Taken, Refused> {
    tokio::time::timeout(WHOLE, take_whole(record, folder, data)).await.map_err(|_| Refused::Broken)?
}

async fn take_whole<E>(
    record: &Record,
    folder: &Path,
    mut data: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Taken, Refused> {
    let disk = |error: std::io::Error| {
        tracing::error!(%error, "a file of a customer cannot be kept");
        Refused::Disk
    };
    tokio::fs::create_dir_all(folder).await.map_err(disk)?;
    let id = record.new_attachment();
    let path = folder.join(format!("{id}{PART}"));
    let mut part = Part(Some(path.clone()));
    let mut out = tokio::fs::File::create_new(&path).await.map_err(disk)?;
    let (mut head, mut bytes, mut hash) = (Vec::with_capacity(HEAD), 0_u64, Sha256::new());
    while let Some(piece) = tokio::time::timeout(PIECE, data.next()).await.map_err(|_| Refused::Broken)? {
        let piece = piece.map_err(|_| Refused::Broken)?;
        bytes += piece.len() as u64;
        if bytes > LARGEST {
            return Err(Refused::TooLarge);
        }
        if head.len() < HEAD {
            head.extend_from_slice(&piece[..piece.len().min(HEAD - head.len())]);
            // Nobody waits for the end of a film.
            if head.len() == HEAD && sniff(&head).is_none() {
                return Err(Refused::Kind);
            }
        }
        hash.update(&piece);
        out.write_all(&piece).await.map_err(disk)?;
    }
    if bytes == 0 {
        return Err(Refused::Empty);
    }
    let kind = sniff(&head).ok_or(Refused::Kind)?;
    out.sync_all().await.map_err(disk)?;
    drop(out);
    let file = format!("{id}.{}", kind.ending);
    let whole = folder.join(&file);
    tokio::fs::rename(&path, &whole).await.map_err(disk)?;
    part.0 = None;
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Taken { id, kind, bytes, sha256, file, path: whole, kept: false })
}

/// Questions for links that are none, by address: whoever asks for more of them in [`WINDOW`] is told to wait. A link
/// that is one is served all the same, so each is looked up: many customers may stand behind one address.
const GUESSES: u32 = 30;
const WINDOW: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);
/// Addresses that are counted at once.
const ADDRESSES: usize = 10_000;

/// Who asks for links that are none. Whoever has one is served, whatever others behind the same address do.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Guesses {
    /// Counts a link that is none. `true`: this address asks too often.
    pub(crate) fn count(&self, from: IpAddr, now: Timestamp) -> bool {
        let mut all = self.0.lock().expect("no holder of this lock panics");
        if all.len() >= ADDRESSES {
            all.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        if all.len() >= ADDRESSES && !all.contains_key(&from) {
            return true;
        }
        let (since, count) = all.entry(from).or_insert((now, 0));
        if now.duration_since(*since) >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count > GUESSES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_holds() {
        let told = |head: &[u8]| sniff(head).map(|kind| kind.ending);
        assert_eq!(told(b"\xff\xd8\xff\xe0 JFIF"), Some("jpg"));
        assert_eq!(told(b"\x89PNG\r\n\x1a\n...."), Some("png"));
        assert_eq!(told(b"RIFF\x10\0\0\0WEBPVP8 "), Some("webp"));
        assert_eq!(told(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), Some("heic"));
        assert_eq!(told(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"), Some("heic"));
        assert_eq!(told(b"%PDF-1.7"), Some("pdf"));
        for other in [
            &b"<svg xmlns="[..],
            b"<!doctype html>",
            b"MZ",
            b"PK\x03\x04",
            b"RIFF\x10\0\0\0WAVE",
            b"\0\0\0\x18ftypmp42",
            b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
            b"GIF89a",
            b"\xff\xd8",
            b"",
        ] {
            assert_eq!(told(other), None, "{other:?}");
        }
    }

    #[test]
    fn no_link_holds_up_the_others_and_none_the_agents() {
        let turns = Turns::default();
        let held: Vec<_> = (0..OF_A_LINK).map(|_| turns.of_link("one").unwrap()).collect();
        assert!(turns.of_link("one").is_none() && turns.of_link("two").is_some());
        drop(held);
        assert!(turns.by_link.lock().unwrap().is_empty());
        assert!(turns.of_link("one").is_some());
        let all: Vec<_> = (0..OF_LINKS).map(|link| turns.of_link(&link.to_string()).unwrap()).collect();
        assert!(turns.of_link("one more").is_none());
        let agents: Vec<_> = (0..OF_AGENTS).map(|_| turns.of_agent().unwrap()).collect();
        assert!(turns.of_agent().is_none());
        drop((all, agents));
        assert!(turns.of_link("one more").is_some() && turns.of_agent().is_some());
    }

    #[test]
    fn guesses_are_bounded_for_each_address() {
        let guesses = Guesses::default();
        let now: Timestamp = "2026-11-20T02:00:00Z".parse().unwrap();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        for _ in 0..GUESSES {
            assert!(!guesses.count(one, now));
        }
        assert!(guesses.count(one, now));
        assert!(!guesses.count("192.0.2.2".parse().unwrap(), now));
        assert!(!guesses.count(one, now + WINDOW));
    }
}
